//! What a commission should be, as the user declares it: the table `[audit]` of the configuration.
//!
//! ```toml
//! [audit]
//! rounding = "half-up"         # of commissions: "half-up", "half-even" (bankers'), "down", "up"
//! zone = "UTC"                 # whose months are compared: UTC, or a zone such as "Europe/Berlin"
//! tolerance_cents = 0          # differences up to this come to exit code 0
//! match_by_customer = false    # true: match by customer, amount and days what no id matches
//! match_days = 3               # how many days apart such matches may be
//! pending_days = 0             # commissions may be pending for this long
//!
//! # Each rule says for whom it is and what it pays. A rule fits where all that it names fits, and of
//! # those that fit the one that names most wins; a rule for a time wins over one for all time. Where
//! # no rule fits, the rate is inferred.
//! [[audit.rule]]
//! rate = "20"                  # percent of the sale, as exact decimal text
//!
//! [[audit.rule]]
//! campaign = "Affiliates"      # the name or the number of the campaign
//! plan = "pro-yearly"
//! rate = "12.5"
//! from = "2026-01-01"          # by the day of the sale; both days belong to it
//! until = "2026-06-30"
//! payments = "first"           # a customer's first payment only; default "recurring": all of them
//!
//! [[audit.rule]]
//! promoter = "anna@example.com" # email, referral id or number
//! fixed_cents = 500            # so much for a sale, whatever it comes to
//! months = 12                  # payments within so many months of the customer's first
//!
//! [[audit.rule]]
//! tier = 2                     # for the promoter's own promoter
//! rate = "5"
//! ```
//!
//! Two rules of which neither is more special than the other, and which both fit some sale, are an
//! error that names both.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::Promoter;
use super::rate::{Rate, Rounding};

/// The table `[audit]`, checked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "AuditTable")]
pub struct Rules {
    /// How commissions are rounded to the cent.
    pub rounding: Rounding,
    /// Whose months and days count.
    pub zone: TimeZone,
    /// Findings of no more than this, taken together by currency, need no attention.
    pub tolerance_cents: i64,
    /// How many days apart a match by customer and amount may be; absent where the rule is off.
    pub match_days: Option<u32>,
    /// For how many days a commission may be pending.
    pub pending_days: u32,
    rules: Vec<Rule>,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            rounding: Rounding::default(),
            zone: TimeZone::UTC,
            tolerance_cents: 0,
            match_days: None,
            pending_days: 0,
            rules: Vec::new(),
        }
    }
}

/// What a rule pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pays {
    /// A part of the sale.
    Share(Rate),
    /// So much for a sale, in minor units of the account's currency.
    Fixed(i64),
}

impl fmt::Display for Pays {
    /// `12.5 %`, or `500 cents`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pays::Share(rate) => write!(f, "{rate} %"),
            Pays::Fixed(cents) => write!(f, "{cents} cents"),
        }
    }
}

/// For which of a customer's payments a rule pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payments {
    /// All of them.
    Recurring,
    /// The first only.
    First,
    /// Those within so many months of the first.
    Months(u32),
}

/// One `[[audit.rule]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// From 1, as it stands in the file.
    number: usize,
    campaign: Option<String>,
    plan: Option<String>,
    promoter: Option<String>,
    tier: u32,
    from: Option<Date>,
    until: Option<Date>,
    pub(super) pays: Pays,
    pub(super) payments: Payments,
}

/// What rules choose by, but for the date.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deal<'a> {
    pub(super) promoter: &'a Promoter,
    pub(super) campaign_id: Option<&'a str>,
    pub(super) campaign: Option<&'a str>,
    pub(super) plan: Option<&'a str>,
    pub(super) tier: u32,
}

impl Rules {
    /// The rules that fit some day, the most special first: of these the first that
    /// [covers](Rule::covers) the day wins.
    pub(super) fn for_deal(&self, deal: &Deal<'_>) -> Vec<&Rule> {
        let mut fitting: Vec<&Rule> = self.rules.iter().filter(|rule| rule.fits(deal)).collect();
        fitting.sort_by_key(|rule| std::cmp::Reverse(rule.rank()));
        fitting
    }

    /// Whether some rule depends on which payment of its customer a sale is.
    pub(super) fn count_payments(&self) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|rule| rule.payments != Payments::Recurring)
    }
}

impl Rule {
    /// Whether the rule is for sales of that day. A sale without a date has the rules for all time.
    pub(super) fn covers(&self, day: Option<Date>) -> bool {
        match day {
            Some(day) => {
                self.from.is_none_or(|from| from <= day)
                    && self.until.is_none_or(|until| day <= until)
            }
            None => !self.is_dated(),
        }
    }

    pub(super) fn is_dated(&self) -> bool {
        self.from.is_some() || self.until.is_some()
    }

    fn fits(&self, deal: &Deal<'_>) -> bool {
        let promoter = deal.promoter;
        let promoter_is = |wanted: &str| {
            let same = |text: &Option<String>| text.as_deref() == Some(wanted);
            let email = promoter.email.as_deref();
            same(&promoter.id)
                || same(&promoter.ref_id)
                || email.is_some_and(|email| email.to_lowercase() == wanted.to_lowercase())
        };
        let campaign_is =
            |wanted: &str| deal.campaign == Some(wanted) || deal.campaign_id == Some(wanted);
        self.tier == deal.tier
            && self.campaign.as_deref().is_none_or(campaign_is)
            && self
                .plan
                .as_deref()
                .is_none_or(|plan| deal.plan == Some(plan))
            && self.promoter.as_deref().is_none_or(promoter_is)
    }

    fn selectors(&self) -> [Option<&str>; 3] {
        [&self.campaign, &self.plan, &self.promoter].map(|name| name.as_deref())
    }

    /// The higher wins.
    fn rank(&self) -> (usize, bool) {
        let named = self.selectors().iter().flatten().count();
        (named, self.is_dated())
    }

    /// Whether some sale fits both.
    fn meets(&self, other: &Rule) -> bool {
        let names = self.selectors().into_iter().zip(other.selectors());
        let apart = |(one, other): (Option<&str>, Option<&str>)| {
            one.zip(other).is_some_and(|(one, other)| one != other)
        };
        let starts_late = |one: &Rule, other: &Rule| {
            one.from
                .zip(other.until)
                .is_some_and(|(from, until)| from > until)
        };
        self.tier == other.tier
            && !names.into_iter().any(apart)
            && !starts_late(self, other)
            && !starts_late(other, self)
    }

    /// Whether this rule decides wherever both of the others fit.
    fn settles(&self, one: &Rule, other: &Rule) -> bool {
        let both = one.selectors().into_iter().zip(other.selectors());
        let mut names = both.map(|(one, other)| one.or(other)).zip(self.selectors());
        let from = one.from.max(other.from);
        let until = match (one.until, other.until) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.tier == one.tier
            && self.rank() > one.rank()
            && names.all(|(both, mine)| mine.is_none() || mine == both)
            && (self.from.is_none() || from.is_some_and(|from| self.from <= Some(from)))
            && self
                .until
                .is_none_or(|mine| until.is_some_and(|until| until <= mine))
    }
}

impl fmt::Display for Rule {
    /// ``rule 2 (campaign `Affiliates`, plan `pro`, from 2026-01-01)``
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}", self.number)?;
        let mut parts = Vec::new();
        let names = ["campaign", "plan", "promoter"];
        for (name, value) in names.into_iter().zip(self.selectors()) {
            parts.extend(value.map(|value| format!("{name} `{value}`")));
        }
        if self.tier != 1 {
            parts.push(format!("tier {}", self.tier));
        }
        parts.extend(self.from.map(|day| format!("from {day}")));
        parts.extend(self.until.map(|day| format!("until {day}")));
        match parts.is_empty() {
            true => f.write_str(" (for all)"),
            false => write!(f, " ({})", parts.join(", ")),
        }
    }
}

/// What is wrong in the table `[audit]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// A value is not what its key takes.
    #[error("`{key}`: {message}")]
    Value {
        /// The key, such as `audit.rule 2: rate`.
        key: String,
        /// What stands there and what could.
        message: String,
    },
    /// Two rules fit the same sale and nothing says which one wins.
    #[error(
        "{one} and {other} of `[[audit.rule]]` both fit the same sales, and neither names more; \
         give one of them what tells them apart, or add a rule that names what both name"
    )]
    Ambiguous {
        /// The first.
        one: String,
        /// The second.
        other: String,
    },
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct AuditTable {
    rounding: String,
    zone: String,
    tolerance_cents: i64,
    match_by_customer: bool,
    match_days: u32,
    pending_days: u32,
    rule: Vec<RuleTable>,
}

impl Default for AuditTable {
    fn default() -> Self {
        AuditTable {
            rounding: "half-up".to_owned(),
            zone: "UTC".to_owned(),
            tolerance_cents: 0,
            match_by_customer: false,
            match_days: 3,
            pending_days: 0,
            rule: Vec::new(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RuleTable {
    campaign: Option<Text>,
    plan: Option<Text>,
    promoter: Option<Text>,
    tier: Option<u32>,
    from: Option<Day>,
    until: Option<Day>,
    rate: Option<Text>,
    fixed_cents: Option<i64>,
    payments: Option<String>,
    months: Option<u32>,
}

/// Numbers may stand without quotes where they are whole: a campaign's, a rate of 20.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Quoted(String),
    Whole(i64),
    Other(toml::Value),
}

impl Text {
    fn read(self, key: &dyn Fn(&str) -> String, name: &str) -> Result<String, RulesError> {
        match self {
            Text::Quoted(text) => Ok(text),
            Text::Whole(number) => Ok(number.to_string()),
            Text::Other(value) => Err(RulesError::Value {
                key: key(name),
                message: format!("write it in quotes: \"{value}\""),
            }),
        }
    }
}

/// A day, in quotes or as TOML writes dates.
#[derive(Deserialize)]
#[serde(untagged)]
enum Day {
    Quoted(String),
    Date(toml::Value),
}

impl Day {
    fn read(self, key: &dyn Fn(&str) -> String, name: &str) -> Result<Date, RulesError> {
        let text = match self {
            Day::Quoted(text) => text,
            Day::Date(value) => value.to_string(),
        };
        Date::from_str(&text).map_err(|_| RulesError::Value {
            key: key(name),
            message: format!("`{text}` is no day; write it like `2026-01-31`"),
        })
    }
}

impl TryFrom<AuditTable> for Rules {
    type Error = RulesError;

    fn try_from(table: AuditTable) -> Result<Self, RulesError> {
        let in_audit = |key: &str, message: String| RulesError::Value {
            key: format!("audit.{key}"),
            message,
        };
        let rounding = table.rounding.parse();
        let rounding = rounding.map_err(|message| in_audit("rounding", message))?;
        let zone = TimeZone::get(&table.zone);
        let zone = zone.map_err(|_| {
            let message = format!(
                "`{}` is no time zone; write it like `Europe/Berlin`",
                table.zone
            );
            in_audit("zone", message)
        })?;
        if table.tolerance_cents < 0 {
            let message = format!("`{}` is below zero", table.tolerance_cents);
            return Err(in_audit("tolerance_cents", message));
        }
        let numbered = table.rule.into_iter().zip(1..);
        let rules = numbered.map(|(rule, number)| rule.read(number));
        let rules: Vec<Rule> = rules.collect::<Result<_, _>>()?;
        no_ambiguity(&rules)?;
        Ok(Rules {
            rounding,
            zone,
            tolerance_cents: table.tolerance_cents,
            match_days: table.match_by_customer.then_some(table.match_days),
            pending_days: table.pending_days,
            rules,
        })
    }
}

impl RuleTable {
    fn read(self, number: usize) -> Result<Rule, RulesError> {
        let key = |name: &str| format!("audit.rule {number}: {name}");
        let wrong = |name: &str, message: String| RulesError::Value {
            key: key(name),
            message,
        };
        let text =
            |value: Option<Text>, name: &str| value.map(|value| value.read(&key, name)).transpose();
        let day =
            |value: Option<Day>, name: &str| value.map(|value| value.read(&key, name)).transpose();
        let pays = match (text(self.rate, "rate")?, self.fixed_cents) {
            (Some(rate), None) => {
                let rate = rate.parse();
                Pays::Share(rate.map_err(|message| wrong("rate", message))?)
            }
            (None, Some(cents)) if cents >= 0 => Pays::Fixed(cents),
            (None, Some(cents)) => {
                return Err(wrong("fixed_cents", format!("`{cents}` is below zero")));
            }
            (Some(_), Some(_)) => {
                let message = "stands beside `rate`; a rule pays by one of them".to_owned();
                return Err(wrong("fixed_cents", message));
            }
            (None, None) => {
                let message = "is missing; say what the rule pays, by `rate` or `fixed_cents`";
                return Err(wrong("rate", message.to_owned()));
            }
        };
        let payments = match (self.payments.as_deref(), self.months) {
            (None | Some("recurring"), None) => Payments::Recurring,
            (Some("first"), None) => Payments::First,
            (None | Some("recurring"), Some(months)) if months > 0 => Payments::Months(months),
            (_, Some(0)) => return Err(wrong("months", "`0` months pay nothing".to_owned())),
            (Some("first"), Some(_)) => {
                let message = "stands beside `payments = \"first\"`; a rule has one of them";
                return Err(wrong("months", message.to_owned()));
            }
            (Some(word), _) => {
                let message = format!("`{word}` is neither `first` nor `recurring`");
                return Err(wrong("payments", message));
            }
            (None, Some(_)) => Payments::Recurring,
        };
        let (from, until) = (day(self.from, "from")?, day(self.until, "until")?);
        if let Some((from, until)) = from.zip(until)
            && from > until
        {
            return Err(wrong(
                "until",
                format!("`{until}` is before `from`, {from}"),
            ));
        }
        let tier = self.tier.unwrap_or(1);
        if tier == 0 {
            return Err(wrong("tier", "`0` is no tier; the first is 1".to_owned()));
        }
        Ok(Rule {
            number,
            campaign: text(self.campaign, "campaign")?,
            plan: text(self.plan, "plan")?,
            promoter: text(self.promoter, "promoter")?,
            tier,
            from,
            until,
            pays,
            payments,
        })
    }
}

fn no_ambiguity(rules: &[Rule]) -> Result<(), RulesError> {
    for (place, one) in rules.iter().enumerate() {
        let rest = rules.iter().skip(place + 1);
        for other in rest.filter(|other| one.rank() == other.rank() && one.meets(other)) {
            if !rules.iter().any(|rule| rule.settles(one, other)) {
                return Err(RulesError::Ambiguous {
                    one: one.to_string(),
                    other: other.to_string(),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Config {
        audit: Rules,
    }

    fn rules(text: &str) -> Result<Rules, String> {
        let config: Result<Config, _> = toml::from_str(text);
        config
            .map(|config| config.audit)
            .map_err(|error| error.message().to_owned())
    }

    fn paid(rules: &Rules, promoter: &str, plan: &str, day: &str) -> Option<String> {
        let promoter = Promoter {
            email: Some(promoter.to_owned()),
            ..Promoter::default()
        };
        let deal = Deal {
            promoter: &promoter,
            campaign_id: Some("28004"),
            campaign: Some("Affiliates"),
            plan: Some(plan),
            tier: 1,
        };
        let day = day.parse().ok();
        let fitting = rules.for_deal(&deal);
        let rule = fitting.into_iter().find(|rule| rule.covers(day));
        rule.map(|rule| rule.pays.to_string())
    }

    #[test]
    fn of_the_rules_that_fit_the_one_that_names_most_wins() {
        let rules = rules(
            r#"
            [[audit.rule]]
            rate = "20"
            [[audit.rule]]
            plan = "pro"
            rate = "12.5"
            [[audit.rule]]
            plan = "pro"
            rate = 30
            from = 2026-07-01
            until = "2026-07-31"
            [[audit.rule]]
            promoter = "Anna@example.com"
            campaign = 28004
            fixed_cents = 500
            "#,
        )
        .unwrap();
        let paid = |promoter, plan, day| paid(&rules, promoter, plan, day).unwrap();
        assert_eq!(paid("b@example.com", "basic", "2026-03-01"), "20 %");
        assert_eq!(paid("b@example.com", "pro", "2026-06-30"), "12.5 %");
        assert_eq!(paid("b@example.com", "pro", "2026-07-01"), "30 %");
        assert_eq!(paid("b@example.com", "pro", "2026-07-31"), "30 %");
        assert_eq!(paid("b@example.com", "pro", "no day"), "12.5 %");
        assert_eq!(paid("anna@example.com", "pro", "2026-07-01"), "500 cents");
    }

    #[test]
    fn two_rules_of_which_neither_is_more_special_are_an_error_that_names_both() {
        let two = r#"
            [[audit.rule]]
            plan = "pro"
            rate = "20"
            [[audit.rule]]
            promoter = "anna"
            rate = "30"
        "#;
        assert_eq!(
            rules(two).unwrap_err(),
            "rule 1 (plan `pro`) and rule 2 (promoter `anna`) of `[[audit.rule]]` both fit the same \
             sales, and neither names more; give one of them what tells them apart, or add a rule \
             that names what both name"
        );
        let third = "[[audit.rule]]\nplan = \"pro\"\npromoter = \"anna\"\nrate = \"40\"";
        assert!(rules(&format!("{two}\n{third}")).is_ok());
        // Not everywhere where both fit.
        assert!(rules(&format!("{two}\n{third}\nfrom = \"2026-01-01\"")).is_err());
    }

    #[test]
    fn rates_that_change_follow_each_other_and_may_not_overlap() {
        let two = |second: &str| {
            rules(&format!(
                "[[audit.rule]]\nrate = \"20\"\nuntil = \"2026-05-31\"\n
                 [[audit.rule]]\nrate = \"25\"\nfrom = \"{second}\""
            ))
        };
        assert!(two("2026-06-01").is_ok());
        assert!(
            two("2026-05-31")
                .unwrap_err()
                .contains("rule 1 (until 2026-05-31) and rule 2")
        );
    }

    #[test]
    fn what_is_wrong_is_named_by_its_key() {
        let cases = [
            (
                "[audit]\nrounding = \"nearest\"",
                "`audit.rounding`: `nearest` is no rounding; it is `half-up`, `half-even`, `down` or `up`",
            ),
            (
                "[audit]\nzone = \"Mars\"",
                "`audit.zone`: `Mars` is no time zone; write it like `Europe/Berlin`",
            ),
            (
                "[audit]\ntolerance_cents = -1",
                "`audit.tolerance_cents`: `-1` is below zero",
            ),
            (
                "[[audit.rule]]\nrate = \"12,5\"",
                "`audit.rule 1: rate`: `12,5` is no rate; write percent like `12.5`, with four decimals at most",
            ),
            (
                "[[audit.rule]]\nrate = 12.5",
                "`audit.rule 1: rate`: write it in quotes: \"12.5\"",
            ),
            (
                "[[audit.rule]]\nplan = \"pro\"",
                "`audit.rule 1: rate`: is missing; say what the rule pays, by `rate` or `fixed_cents`",
            ),
            (
                "[[audit.rule]]\nrate = \"5\"\nfixed_cents = 5",
                "`audit.rule 1: fixed_cents`: stands beside `rate`; a rule pays by one of them",
            ),
            (
                "[[audit.rule]]\nrate = \"5\"\nmonths = 0",
                "`audit.rule 1: months`: `0` months pay nothing",
            ),
            (
                "[[audit.rule]]\nrate = \"5\"\npayments = \"once\"",
                "`audit.rule 1: payments`: `once` is neither `first` nor `recurring`",
            ),
            (
                "[[audit.rule]]\nrate = \"5\"\nfrom = \"31.1.2026\"",
                "`audit.rule 1: from`: `31.1.2026` is no day; write it like `2026-01-31`",
            ),
            (
                "[[audit.rule]]\nrate = \"5\"\nfrom = 2026-02-01\nuntil = 2026-01-01",
                "`audit.rule 1: until`: `2026-01-01` is before `from`, 2026-02-01",
            ),
            (
                "[[audit.rule]]\nrate = \"5\"\ntier = 0",
                "`audit.rule 1: tier`: `0` is no tier; the first is 1",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(rules(text).unwrap_err(), message, "{text}");
        }
        let unknown = rules("[[audit.rule]]\nratte = \"5\"").unwrap_err();
        assert!(unknown.starts_with("unknown field `ratte`"), "{unknown}");
    }
}
