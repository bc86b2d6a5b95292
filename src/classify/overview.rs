//! Warnings on an export as a whole, after its rows are read.

use std::cell::{Cell, RefCell};

use super::{Classifier, cell};
use crate::event::{AmountUnit, Currency, Event, Kind, Tally};
use crate::export::Row;
use crate::problem::{Problem, ProblemCode};
use crate::profile::ColumnIndex;

/// The smallest number of sales that counts: one or two round prices show little of the format of
/// amounts.
const FEWEST_SALES: u64 = 2;

/// The state of the rows so far.
#[derive(Default)]
pub(super) struct Overview {
    /// `true` if any amount has a decimal separator. It is set for each amount, so it is a field of
    /// its own.
    has_decimals: Cell<bool>,
    seen: RefCell<ExportTraits>,
}

#[derive(Default)]
struct ExportTraits {
    /// Events in currencies with hundredths, as long as no amount has decimals.
    whole: Tally,
    /// The number of rows with invisible characters around an id or an email.
    stripped_rows: u64,
    stripped_line: u64,
    first_stripped: Option<Problem>,
}

impl Classifier<'_> {
    /// Notes an event of the export.
    pub(crate) fn see(&self, event: &Event) {
        if !self.overview.has_decimals.get()
            && let Some(money) = event.money
            && money.currency.exponent() == 2
        {
            let mut seen = self.overview.seen.borrow_mut();
            seen.whole.add(event.kind, event.money);
        }
    }

    /// Notes the format of an amount.
    pub(super) fn see_amount(&self, value: &str, currency: Currency) {
        let has_decimals = &self.overview.has_decimals;
        if !has_decimals.get() && currency.exponent() == 2 {
            has_decimals.set(value.contains(self.decimal()));
        }
    }

    /// Notes invisible characters around an id or an email, which are not read.
    pub(super) fn see_ends(&self, row: &Row, column: ColumnIndex) {
        let position = self.binding.position(column);
        let Some(raw) = position.and_then(|position| row.get(position)) else {
            return;
        };
        let text = cell::trimmed(raw);
        if raw.len() == text.len() || raw.trim_matches([' ', '\t']) == text {
            return;
        }
        let seen = &mut *self.overview.seen.borrow_mut();
        if seen.stripped_line != row.line() {
            seen.stripped_line = row.line();
            seen.stripped_rows += 1;
        }
        seen.first_stripped.get_or_insert_with(|| {
            Problem::warning(ProblemCode::InvisibleCharacters, "")
                .cell(self.header_name(column), raw)
        });
    }

    /// Returns the warnings on the export as a whole.
    pub(crate) fn overview(&self) -> Vec<Problem> {
        let seen = self.overview.seen.borrow();
        [seen.stripped(), self.whole_amounts(&seen)]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Returns the warning that whole numbers in a currency with hundredths may be hundredths.
    fn whole_amounts(&self, seen: &ExportTraits) -> Option<Problem> {
        let format = &self.profile.amount_format;
        let is_told = format.unit != AmountUnit::Major || format.decimals.is_some();
        let has_few = seen.whole.count_of(Kind::Sale) < FEWEST_SALES;
        if is_told || has_few || self.overview.has_decimals.get() {
            return None;
        }
        let message = format!("no amount has decimals: {}", seen.whole);
        let (table, extending) = (self.own_table(), self.extending());
        Some(Problem::warning(ProblemCode::AmountsWithoutDecimals, message).hint(format!(
            "compare an amount with the provider's page; if they are in cents, set `unit = \"minor\"` under `[exports.{table}.money.format]`{extending}; if they are not, set `decimals = 0` there"
        )))
    }
}

impl ExportTraits {
    fn stripped(&self) -> Option<Problem> {
        let mut problem = self.first_stripped.clone()?;
        let rows = match self.stripped_rows {
            1 => "1 row has".to_owned(),
            rows => format!("{rows} rows have"),
        };
        problem.message = format!(
            "{rows} invisible characters at the ends of ids or emails; these characters are not read"
        );
        Some(problem)
    }
}
