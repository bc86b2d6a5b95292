//! Reads the date of a row's event.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::words::toml_text;
use super::{Classifier, cell};
use crate::event::{DATED_AS_SALE, Event, Kind, is_midnight};
use crate::export::Row;
use crate::problem::{Problem, ProblemCode};
use crate::profile::{ColumnIndex, DateFormat, DateSource, Dates, EventRule, MissingDate};

/// Parts of header names by which a column may have a date.
const DATE_NAMES: [&str; 9] = [
    "date", "day", "time", "created", "paid", "datum", "fecha", "zeit", "_at",
];

/// The greatest number of formats in a hint.
const EXAMPLES: usize = 4;

impl Classifier<'_> {
    /// Reads the first of the rule's date columns that is not empty.
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
            let is_of_sale = rank > 0 || self.is_date_of_sale(rule, source);
            if rule.kind == Kind::Refund && is_of_sale {
                event.remark(DATED_AS_SALE);
            }
            let at = self.date(source, value, row)?;
            event.is_day = self.is_day(source, value, row, at);
            return Ok(Some(at));
        }
        Ok(None)
    }

    /// Returns `true` if a date says only the day, and nothing says its zone.
    pub(super) fn is_day(
        &self,
        source: &DateSource,
        value: &str,
        row: &Row,
        at: Timestamp,
    ) -> bool {
        let dates = self.profile.dates.for_column(source.date);
        let has_time = source
            .time
            .is_some_and(|time| !self.text(row, time).is_empty());
        let is_open = !has_time && source.zone.is_none() && dates.zone == TimeZone::UTC;
        // Most dates have a time, and need not be read again.
        is_open && is_midnight(at) && cell::is_day(value, dates)
    }

    /// Returns `true` if this is the date of the sale on whose row a running total of refunds is.
    fn is_date_of_sale(&self, refund: &EventRule, source: &DateSource) -> bool {
        let rules = self.profile.events.iter();
        let sales = rules.filter(|rule| rule.kind == Kind::Sale);
        let mut of_sales = sales.flat_map(|sale| &sale.created_at);
        refund.is_running_total && of_sales.any(|date| date.date == source.date)
    }

    /// Refuses a sale or refund without a date, for which the API would use the day on which it
    /// arrives, unless the profile allows that.
    pub(super) fn check_undated(&self, rule: &EventRule) -> Result<(), Box<Problem>> {
        if !rule.kind.has_amount() || self.profile.dates.missing == MissingDate::Today {
            return Ok(());
        }
        let columns = rule.created_at.iter().map(|source| source.date);
        let bound: Vec<_> = columns
            .clone()
            .filter(|&column| self.binding.position(column).is_some())
            .collect();
        let Some(&first) = bound.first() else {
            return Err(Box::new(self.no_date_column(rule)));
        };
        let message = match bound[1..] {
            [] => format!("the {} has no date", rule.kind),
            _ => {
                let quoted: Vec<_> = bound
                    .iter()
                    .map(|&column| self.header_name(column))
                    .map(|name| format!("`{name}`"))
                    .collect();
                let names = quoted.join(" and ");
                format!("the {} has no date: {names} are empty", rule.kind)
            }
        };
        let problem = self.cell_error(ProblemCode::DateMissing, first, "", &message);
        Err(Box::new(problem.hint(format!(
            "add the date to the row, or export the file again; {}",
            self.how_to_send_undated()
        ))))
    }

    /// Returns the problem that the export has none of the rule's date columns, or that the rule
    /// names none.
    fn no_date_column(&self, rule: &EventRule) -> Problem {
        let expected = rule.created_at.first().map(|source| source.date);
        let own_name = expected.map_or("created_at", |column| {
            self.profile.columns[column].name.as_str()
        });
        let headers: Vec<_> = rule
            .created_at
            .iter()
            .flat_map(|source| &self.profile.columns[source.date].headers)
            .map(|header| format!("`{header}`"))
            .collect();
        let message = if headers.is_empty() {
            format!(
                "the profile names no column for the date of a {}",
                rule.kind
            )
        } else {
            format!(
                "no column has the date of the {}: the header has no {}",
                rule.kind,
                headers.join(" or ")
            )
        };
        let candidates: Vec<_> = self.unused_date_headers().collect();
        let column = match candidates[..] {
            [only] => toml_string(only),
            _ => "\"HEADER\"".to_owned(),
        };
        let seen = match candidates.len() {
            0 | 1 => String::new(),
            _ => format!(" (such as `{}`)", candidates.join("`, `")),
        };
        let names_it = if headers.is_empty() {
            format!("set a column in `created_at` of its `[[event]]`{seen}")
        } else {
            format!(
                "set the column that has it{seen}: `{own_name} = {column}` under `[exports.{}.columns]`{}",
                self.own_table(),
                self.extending()
            )
        };
        Problem::error(ProblemCode::DateColumnMissing, message)
            .hint(format!("{names_it}; {}", self.how_to_send_undated()))
    }

    /// Returns the headers that the profile does not use and that sound like dates.
    fn unused_date_headers(&self) -> impl Iterator<Item = &str> {
        let is_used = |position: usize| {
            let mut columns = 0..self.profile.columns.len();
            columns.any(|column| self.binding.position(column) == Some(position))
        };
        let sounds_like_date = |header: &str| {
            let header = header.to_lowercase();
            DATE_NAMES.iter().any(|part| header.contains(part))
        };
        let headers = self.header.iter().enumerate();
        headers
            .filter(move |(position, header)| sounds_like_date(header) && !is_used(*position))
            .map(|(_, header)| header.as_str())
    }

    fn how_to_send_undated(&self) -> String {
        format!(
            "to send such rows with the day on which they arrive as their date, set `missing = \"today\"` under `[exports.{}.dates]`{}",
            self.own_table(),
            self.extending()
        )
    }

    pub(super) fn date(
        &self,
        source: &DateSource,
        value: &str,
        row: &Row,
    ) -> Result<Timestamp, Box<Problem>> {
        let dates = self.profile.dates.for_column(source.date);
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
        let (file, table) = self.table("dates.zones");
        self.cell_error(
            ProblemCode::ZoneUnknown,
            column,
            word,
            "unknown time zone",
        )
        .hint(format!(
            "add this table to `{file}`, with the offset of the zone:\n    [{table}]\n    {} = \"+00:00\"  # its offset from UTC",
            toml_text(word)
        ))
    }

    fn no_date(&self, column: ColumnIndex, value: &str, dates: &Dates) -> Problem {
        let examples = dates
            .formats
            .iter()
            .take(EXAMPLES)
            .map(|format| format!("`{}`", cell::date_example(format)))
            .collect::<Vec<_>>()
            .join(" or ");
        let message = "not a date in the format of this export";
        let problem = self.cell_error(ProblemCode::DateInvalid, column, value, message);
        let mut hint = format!("dates in this export look like {examples}");
        if cell::is_day_or_month_first(value) {
            hint.push_str(
                "; a spreadsheet may have changed it, and the order of day and month is ambiguous: export the file again",
            );
        }
        if let Some((name, at)) = as_number(value, dates) {
            hint.push_str(&format!(
                "; as `{name}` it is {}: if all dates are in this format, set `formats = [\"{name}\"]` under `[exports.{}.dates]`{}",
                at.strftime("%Y-%m-%d %H:%M"),
                self.own_table(),
                self.extending()
            ));
        }
        problem.hint(hint)
    }
}

/// Returns the format in which a number is a date of these decades, and that date.
fn as_number(value: &str, dates: &Dates) -> Option<(&'static str, Timestamp)> {
    let formats = [
        ("unix-seconds", DateFormat::UnixSeconds),
        ("unix-milliseconds", DateFormat::UnixMilliseconds),
        ("spreadsheet-serial", DateFormat::SpreadsheetSerial),
    ];
    formats.into_iter().find_map(|(name, format)| {
        let dates = Dates {
            formats: vec![format],
            ..dates.clone()
        };
        let at = cell::date(value, &dates, None)?;
        let year = at.to_zoned(TimeZone::UTC).year();
        (2000..2100).contains(&year).then_some((name, at))
    })
}

/// Returns a header name as a value of a configuration.
fn toml_string(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
