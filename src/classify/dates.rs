//! When a row says that something happened.

use jiff::Timestamp;

use super::{Classifier, cell};
use crate::event::{Event, Kind};
use crate::export::Row;
use crate::problem::Problem;
use crate::profile::{ColumnIndex, DateSource, Dates, EventRule};

/// How many formats are shown where a date is in none of them.
const EXAMPLES: usize = 4;

impl Classifier<'_> {
    /// The first of the rule's date columns that says something.
    pub(super) fn created_at(
        &self,
        rule: &EventRule,
        row: &Row,
        event: &mut Event,
    ) -> Result<Option<Timestamp>, Box<Problem>> {
        for (rank, source) in rule.created_at.iter().enumerate() {
            let value = self.text(row, source.date);
            if value.is_empty() {
                continue;
            }
            if rank > 0 && rule.kind == Kind::Refund {
                event.remark("the export has no date for the refund: dated as its sale");
            }
            return self.date(source, value, row).map(Some);
        }
        Ok(None)
    }

    pub(super) fn date(
        &self,
        source: &DateSource,
        value: &str,
        row: &Row,
    ) -> Result<Timestamp, Box<Problem>> {
        let dates = self.profile.dates.of(source.date);
        let zone = match source.zone {
            None => None,
            Some(column) => {
                let word = self.text(row, column);
                let zone = cell::zone_of(word, dates);
                Some(zone.ok_or_else(|| Box::new(self.unknown_zone(column, word)))?)
            }
        };
        let with_time = source
            .time
            .map(|time| format!("{value} {}", self.text(row, time)));
        let whole = with_time.as_deref().unwrap_or(value);
        cell::date(whole, dates, zone.as_ref())
            .ok_or_else(|| Box::new(self.no_date(source.date, whole, dates)))
    }

    fn unknown_zone(&self, column: ColumnIndex, word: &str) -> Problem {
        let profile = &self.profile.name;
        self.cell_error(
            "zone-unknown",
            column,
            word,
            "the profile doesn't know this time zone",
        )
        .hint(format!(
            "say what it stands for under `[dates.zones]` in a profile that extends `{profile}`"
        ))
    }

    fn no_date(&self, column: ColumnIndex, value: &str, dates: &Dates) -> Problem {
        let examples = dates.formats.iter().take(EXAMPLES);
        let examples = examples
            .map(|format| format!("`{}`", cell::date_example(format)))
            .collect::<Vec<_>>()
            .join(" or ");
        let message = "this is no date of this export";
        let problem = self.cell_error("date-invalid", column, value, message);
        let mut hint = format!("dates of this export are written like {examples}");
        if cell::is_day_or_month_first(value) {
            hint.push_str(
                "; a spreadsheet may have rewritten it, and whether day or month comes first is not to be guessed: export the file again",
            );
        }
        problem.hint(hint)
    }
}
