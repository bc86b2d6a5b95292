//! Warnings on an export as a whole, after its rows are read.

use std::cell::{Cell, RefCell};

use super::{Classifier, cell};
use crate::event::{AmountUnit, Currency, Event, Kind, Tally};
use crate::export::Row;
use crate::invisible::{is_invisible, shown};
use crate::problem::{Problem, ProblemCode};
use crate::profile::ColumnIndex;

/// The greatest number of different values in a warning.
const VALUES_SHOWN: usize = 3;

/// The smallest number of sales that counts: one or two round prices show little of the format of
/// amounts.
const FEWEST_SALES: u64 = 2;

/// The state of the rows so far.
#[derive(Default)]
pub(super) struct Overview {
    /// `true` if any amount has a decimal separator. It is set for each amount, so it is a field of
    /// its own.
    has_decimals: Cell<bool>,
    seen: RefCell<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Events in currencies with hundredths, as long as no amount has decimals.
    whole: Tally,
    /// Events whose email is not an email address.
    not_emails: Tally,
    /// The first different of these values, escaped.
    first_values: Vec<String>,
    has_more_values: bool,
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
        if let Some(email) = event.customer.email.as_deref()
            && !is_email(email)
        {
            let mut seen = self.overview.seen.borrow_mut();
            seen.not_emails.add(event.kind, event.money);
            seen.show(email);
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
        [seen.stripped(), self.whole_amounts(&seen), seen.emails()]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Returns the warning that whole numbers in a currency with hundredths may be hundredths.
    fn whole_amounts(&self, seen: &Seen) -> Option<Problem> {
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

impl Seen {
    fn show(&mut self, email: &str) {
        if self.has_more_values {
            return;
        }
        let short: String = email.chars().take(Problem::VALUE_CHARS).collect();
        let value = shown(&short).into_owned();
        if self.first_values.contains(&value) {
            return;
        }
        if self.first_values.len() < VALUES_SHOWN {
            self.first_values.push(value)
        } else {
            self.has_more_values = true
        }
    }

    fn emails(&self) -> Option<Problem> {
        if self.not_emails.count() == 0 {
            return None;
        }
        let values = self.first_values.iter().map(|value| format!("`{value}`"));
        let values = values.collect::<Vec<_>>().join(", ");
        let more = if self.has_more_values { ", …" } else { "" };
        let message = format!(
            "{}: the value of the email column is not an email address: {values}{more}",
            self.not_emails
        );
        Some(Problem::warning(ProblemCode::EmailInvalid, message).hint(
            "they are sent unchanged, and without a customer id they can't belong to a lead; correct them in a copy of the export",
        ))
    }

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

/// Returns `true` if a text has the form of an email address: one `@`, a domain with a dot, and no
/// separator between several addresses. It does not check if mail would arrive.
fn is_email(text: &str) -> bool {
    let (mut has_at, mut has_dot) = (false, false);
    // Neither an address nor its domain begins or ends here, and no label is empty.
    let mut before = b'@';
    for byte in text.bytes() {
        match byte {
            0..=b' ' | 0x7f | b',' | b';' | b'<' | b'>' | b':' => return false,
            b'@' if has_at || before == b'@' => return false,
            b'@' => has_at = true,
            b'.' if has_at && matches!(before, b'@' | b'.') => return false,
            b'.' => has_dot |= has_at,
            _ => {}
        }
        before = byte;
    }
    let ends_well = !matches!(before, b'@' | b'.');
    has_dot && ends_well && (text.is_ascii() || !text.chars().any(is_invisible))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_has_one_at_sign_and_a_domain() {
        for email in [
            "ana@example.com",
            "o'hara+tag@mail.example.co.uk",
            "jürgen@müller.example",
            "a_b-c.d@1.example",
        ] {
            assert!(is_email(email), "{email}");
        }
        for other in [
            "n/a",
            "guest",
            "ana@example",
            "ana @example.com",
            "a@example.com;b@example.com",
            "a@example.com,b@example.com",
            "<ana@example.com>",
            "ana@@example.com",
            "@example.com",
            "ana@",
            "ana@.com",
            "ana@example..com",
            "ana@exam\u{200b}ple.com",
            "ana\u{a0}@example.com",
            "mailto:ana@example.com",
        ] {
            assert!(!is_email(other), "{other}");
        }
    }
}
