//! Describes the rules of the profile that a row matches, for a person who asks why the row is what it is.
//! Nothing is decided by it.

use serde::Serialize;

use super::Classifier;
use crate::event::Kind;
use crate::export::Row;
use crate::invisible::shown;
use crate::problem::shortened;
use crate::profile::{
    AmountRule, ColumnIndex, DateSource, EventRule, IgnoreRule, Meaning, RemarkRule, RowScope,
    Sign, Test, When,
};

/// Describes a rule that a row matches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct MatchedRule {
    /// The table of the profile that has the rule: `read_as`, `ignore`, `reject`, `warn` or `event`.
    pub(crate) rule: &'static str,
    /// The kind of event that an `event` rule gives.
    pub(crate) kind: Option<Kind>,
    /// The reason or the message of the rule, if it has one.
    pub(crate) text: Option<String>,
    /// The tests that hold for the row, such as `` `Status` is `Paid` ``.
    pub(crate) tests: Vec<String>,
    /// The columns that the amount is computed from, with their cells.
    pub(crate) amount: Option<String>,
    /// The column of the date, with its cell.
    pub(crate) date: Option<String>,
}

impl Classifier<'_> {
    /// Returns the rules that decide about a row, in the order in which they are asked: only the one by which
    /// it is ignored, if there is one.
    pub(crate) fn matched_rules(&self, row: &Row) -> Vec<MatchedRule> {
        if row.len() != self.header.len() {
            return Vec::new();
        }
        if let Some(rule) = self.matched_word(row) {
            return vec![rule];
        }
        if let Ok(Some(rule)) = self.matching_ignore(row) {
            return vec![self.matched_ignore(rule, row)];
        }
        let remarks = [
            ("reject", &self.profile.reject),
            ("warn", &self.profile.warn),
        ]
        .into_iter()
        .flat_map(|(name, rules)| {
            let matching = rules.iter().filter(|rule| self.matches(&rule.scope, row));
            matching.map(move |rule| self.matched_remark(name, rule, row))
        });
        let events = self
            .profile
            .events
            .iter()
            .filter(|rule| self.matches(&rule.scope, row))
            .map(|rule| self.matched_event(rule, row));
        remarks.chain(events).collect()
    }

    fn matches(&self, scope: &RowScope, row: &Row) -> bool {
        self.is_for(scope, row).unwrap_or(false)
    }

    /// Returns the user's own reason to ignore a word of the row.
    fn matched_word(&self, row: &Row) -> Option<MatchedRule> {
        let mut said = self.profile.read_as.iter();
        said.find_map(|said| match &said.meaning {
            Meaning::Ignored(reason) if said.words.contain(self.text(row, said.column)) => {
                Some(MatchedRule {
                    rule: "read_as",
                    text: Some(reason.clone()),
                    tests: vec![format!(
                        "{} is {}",
                        self.name(said.column),
                        self.value(row, said.column)
                    )],
                    ..MatchedRule::default()
                })
            }
            _ => None,
        })
    }

    fn matched_ignore(&self, rule: &IgnoreRule, row: &Row) -> MatchedRule {
        MatchedRule {
            rule: "ignore",
            text: Some(rule.reason.clone()),
            tests: self.tests(&rule.scope.when, row),
            ..MatchedRule::default()
        }
    }

    fn matched_remark(&self, name: &'static str, rule: &RemarkRule, row: &Row) -> MatchedRule {
        MatchedRule {
            rule: name,
            text: Some(rule.message.clone()),
            tests: self.tests(&rule.scope.when, row),
            ..MatchedRule::default()
        }
    }

    fn matched_event(&self, rule: &EventRule, row: &Row) -> MatchedRule {
        let date = |source: &&DateSource| !self.text(row, source.date).is_empty();
        let amount = rule.amount.as_ref();
        MatchedRule {
            rule: "event",
            kind: Some(rule.kind),
            text: rule.note.clone(),
            tests: self.tests(&rule.scope.when, row),
            amount: amount.map(|amount| self.amount_parts(rule, amount, row)),
            date: rule.created_at.iter().find(date).map(|source| {
                let columns = [Some(source.date), source.time, source.zone];
                let cells: Vec<String> = columns
                    .into_iter()
                    .flatten()
                    .map(|column| self.cell(row, column))
                    .collect();
                cells.join(", ")
            }),
        }
    }

    /// Returns the columns of an amount with their cells: `` `Total` `20.00` - `Tax` `3.19` ``.
    fn amount_parts(&self, rule: &EventRule, amount: &AmountRule, row: &Row) -> String {
        let mut text = self.cell(row, amount.column);
        for (sign, columns) in [("+", &amount.plus), ("-", &amount.minus)] {
            for &column in columns
                .iter()
                .filter(|&&column| !self.text(row, column).is_empty())
            {
                text.push_str(&format!(" {sign} {}", self.cell(row, column)));
            }
        }
        if amount.is_less_tax {
            text.push_str(" less the tax of the order");
        }
        if rule.is_running_total {
            text.push_str(", which is the total of all refunds of the sale so far");
        }
        let currency = self.profile.currency;
        let column = currency
            .column
            .filter(|&column| self.binding.position(column).is_some());
        text.push_str(&match (column, currency.fixed) {
            (Some(column), _) => format!(", in the currency of {}", self.cell(row, column)),
            (None, Some(fixed)) => format!(", in {fixed} as the profile says"),
            (None, None) => format!(", in {}, the account's currency", self.account_currency),
        });
        text
    }

    fn tests(&self, when: &When, row: &Row) -> Vec<String> {
        let tests = when.iter();
        tests
            .map(|(column, test)| self.test(*column, test, row))
            .collect()
    }

    fn test(&self, column: ColumnIndex, test: &Test, row: &Row) -> String {
        let (name, value) = (self.name(column), self.value(row, column));
        match test {
            Test::OneOf(_) => format!("{name} is {value}"),
            Test::NoneOf(words) => format!("{name} is {value}, and not {}", words.quoted()),
            Test::Pattern(pattern) => format!("{name} is {value}, which matches `{pattern}`"),
            Test::Empty(true) => format!("{name} is empty"),
            Test::Empty(false) => format!("{name} is {value}, and not empty"),
            Test::Exported(true) => format!("the export has the column {name}"),
            Test::Exported(false) => format!("the export does not have the column {name}"),
            Test::Sign(sign) => format!("{name} is {value}, which is {}", sign.as_str()),
            Test::NotSign(signs) => {
                let signs: Vec<&str> = signs.iter().copied().map(Sign::as_str).collect();
                format!("{name} is {value}, which is not {}", signs.join(" or "))
            }
            Test::Sum(parts) => {
                format!("{name} is {value}, the sum of {}", self.names(parts))
            }
            Test::NotSum(parts) => {
                format!("{name} is {value}, not the sum of {}", self.names(parts))
            }
        }
    }

    fn names(&self, columns: &[ColumnIndex]) -> String {
        let names: Vec<String> = columns.iter().map(|&column| self.name(column)).collect();
        names.join(", ")
    }

    fn name(&self, column: ColumnIndex) -> String {
        format!("`{}`", shown(&self.header_name(column)))
    }

    fn cell(&self, row: &Row, column: ColumnIndex) -> String {
        format!("{} {}", self.name(column), self.value(row, column))
    }

    /// Returns a cell in backticks; `empty` if it has nothing.
    fn value(&self, row: &Row, column: ColumnIndex) -> String {
        match self.text(row, column) {
            "" => "empty".to_owned(),
            text => format!("`{}`", shortened(text)),
        }
    }
}
