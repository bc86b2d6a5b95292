//! Writes the dates of a proposed profile: their formats, their zones, and the open questions.

use std::collections::BTreeSet;

use super::days::{self, Days, ZONE_WORD};
use super::names;
use super::table::SampleColumn;
use super::text::{Snippet, list, place, quoted, shown};
use super::when::{DateColumns, RowDate};
use super::write::ProfileWriter;
use crate::profile::MONTH_LANGUAGES;

/// The greatest number of unknown zone names in a question.
const ZONES_SHOWN: usize = 12;

/// The key of the question about the format of the dates of refunds.
const REFUND_FORMATS: &str = "dates.columns.refunded_at.formats";

impl ProfileWriter<'_> {
    pub(super) fn dates(&mut self) {
        let mapping = self.mapping;
        match &mapping.date {
            RowDate::None => no_date(&mut self.text, self.name),
            RowDate::Unread(column) => {
                self.table("dates");
                unread_date(&mut self.text, column);
            }
            RowDate::Read(when) => {
                self.table("dates");
                self.formats(when.date, &when.days);
                self.zone(when);
                self.zone_words(when);
            }
        }
        self.refund_dates();
    }

    fn formats(&mut self, column: &SampleColumn<'_>, days: &Days) {
        let text = &mut self.text;
        match days {
            Days::Written { formats, proof } => {
                if let Some(proof) = proof.and_then(|at| column.proofs().nth(at)) {
                    text.comment(&format!(
                        "{}, which can't be read with day and month the other way round.",
                        place(&proof)
                    ));
                }
                text.line(&format!("formats = {}", list(formats)));
            }
            Days::Ambiguous(pairs) | Days::Mixed(pairs) => {
                let what = match (days, column.example()) {
                    (Days::Mixed(_), _) => {
                        "Some dates have the day first, others the month".to_owned()
                    }
                    (_, Some(proof)) => {
                        format!("{}: the order of day and month is ambiguous", place(&proof))
                    }
                    (_, None) => String::new(),
                };
                text.comment(&format!("{what}. TO FILL IN: leave one of these lines"));
                for first in [0, 1] {
                    let formats: Vec<&str> = pairs.iter().map(|pair| pair[first]).collect();
                    text.line(&format!("# formats = {}", list(&formats)));
                }
            }
        }
    }

    fn zone(&mut self, when: &DateColumns<'_>) {
        let says_zone = |format: &&str| {
            matches!(*format, "rfc3339" | "unix-seconds" | "unix-milliseconds")
                || format.ends_with("%z")
                || format.ends_with(ZONE_WORD)
        };
        let is_said = when.zone.is_some()
            || matches!(&when.days, Days::Written { formats, .. } if formats.iter().all(says_zone));
        if is_said {
            return;
        }
        let words = names::words_of(when.date.header);
        if words.split(' ').any(|word| word == "utc") {
            self.text.line("zone = \"UTC\"    # so says the header")
        } else {
            self.text.guess("dates are in UTC: the export names no zone; yours may be one such as `Europe/Berlin`");
            self.text.line("zone = \"UTC\"");
        }
    }

    /// Declares the zone names of the rows, and asks for the unknown ones.
    fn zone_words(&mut self, when: &DateColumns<'_>) {
        let behind = |value: &str| {
            let word = value.rsplit_once(' ').map(|(_, word)| word.to_owned());
            word.filter(|word| word.contains(char::is_alphabetic))
        };
        let has_word = matches!(&when.days, Days::Written { formats, .. } if formats.iter().any(|f| f.ends_with(ZONE_WORD)));
        let words: BTreeSet<String> = match (when.zone, has_word) {
            (Some(zone), _) => zone.values().map(|(word, _)| word.to_owned()).collect(),
            (None, true) => when
                .date
                .values()
                .filter_map(|(value, _)| behind(value))
                .collect(),
            (None, false) => BTreeSet::new(),
        };
        let declared: Vec<String> = words
            .iter()
            .filter_map(|word| {
                let zone = days::declared_zone(word)?;
                Some(format!("{} = {}", quoted(word), quoted(zone)))
            })
            .collect();
        let unknown: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .filter(|word| !days::is_zone(word))
            .collect();
        if declared.is_empty() && unknown.is_empty() {
            return;
        }
        self.table("dates.zones");
        for line in declared {
            self.text.line(&line);
        }
        for word in unknown.into_iter().take(ZONES_SHOWN) {
            self.text.comment(&format!(
                "Rejected until you decide: rows of the zone {}. Add its meaning, as an offset such as \"-08:00\" or as a zone such as \"Europe/Berlin\".",
                shown(word)
            ));
            self.text.decisions.push(format!(
                "rows whose time zone is {} are rejected: which offset is it?",
                shown(word)
            ));
        }
    }

    /// Writes the formats of a refund's date, if it has a column of its own.
    fn refund_dates(&mut self) {
        let mapping = self.mapping;
        let Some((column, days)) = &mapping.refund_date else {
            return;
        };
        let is_same = matches!(&mapping.date, RowDate::Read(when) if when.time.is_none() && Some(&when.days) == days.as_ref());
        if is_same || !mapping.has_refunds() {
            return;
        }
        self.table("dates.columns.refunded_at");
        match days {
            Some(days) => self.formats(column, days),
            None => unread_date(&mut self.text, column),
        }
    }

    /// Returns the questions that have to be answered before the dates can be read.
    pub(super) fn date_questions(&self) -> Vec<(&'static str, String)> {
        let mapping = self.mapping;
        let mut asks = Vec::new();
        match &mapping.date {
            // Asked where the table of dates is written.
            RowDate::None => {}
            RowDate::Unread(column) => asks.push(("dates.formats", unread_question(column))),
            RowDate::Read(when) if is_open(&when.days) => {
                asks.push(("dates.formats", order_question(when.date)));
            }
            RowDate::Read(_) => {}
        }
        if let Some((column, days)) = &mapping.refund_date
            && mapping.has_refunds()
        {
            let is_same =
                matches!(&mapping.date, RowDate::Read(when) if Some(&when.days) == days.as_ref());
            match days {
                None => asks.push((REFUND_FORMATS, unread_question(column))),
                Some(days) if is_open(days) && !is_same => {
                    asks.push((REFUND_FORMATS, order_question(column)));
                }
                Some(_) => {}
            }
        }
        asks
    }
}

/// Returns `true` if the order of day and month is not known.
fn is_open(days: &Days) -> bool {
    matches!(days, Days::Ambiguous(_) | Days::Mixed(_))
}

/// Returns the question for the order of day and month.
fn order_question(column: &SampleColumn<'_>) -> String {
    let example = column
        .example()
        .map_or(String::new(), |proof| shown(&proof.value));
    format!("does the day or the month come first in a date such as {example}?")
}

/// Writes the formats of the dates that can be read, and the first date that can't.
pub(super) fn unread_date(text: &mut Snippet, column: &SampleColumn<'_>) {
    let (days, unread) = column.days_but_for();
    let example = unread
        .or_else(|| column.example())
        .map_or(String::new(), |proof| place(&proof));
    text.comment(&format!(
        "{example}, which is not in a known format. TO FILL IN: the format of the dates; rows with another date are rejected"
    ));
    match days {
        Some(Days::Written { formats, .. }) => {
            text.line(&format!("# formats = {}", list(&formats)))
        }
        Some(Days::Ambiguous(_) | Days::Mixed(_)) | None => {
            text.line("# formats = [\"%Y-%m-%d %H:%M:%S\"]");
        }
    }
}

/// Returns the question for the format of dates, with the first that can't be read.
pub(super) fn unread_question(column: &SampleColumn<'_>) -> String {
    let (_, unread) = column.days_but_for();
    let example = unread
        .or_else(|| column.example())
        .map_or(String::new(), |proof| shown(&proof.value));
    let is_letter = |c: char| c.is_alphabetic();
    let mut words = example.split(|c| !is_letter(c));
    let months = if words.any(|word| word.chars().count() >= 3) {
        format!(" Names of months are read in {MONTH_LANGUAGES}.")
    } else {
        String::new()
    };
    format!("{example} is not in a known format: how are dates written?{months}")
}

/// Adds the question what the missing dates of an export mean.
pub(super) fn no_date(text: &mut Snippet, name: &str) {
    text.line("");
    text.line(&format!("[exports.{name}.dates]"));
    text.comment(
        "No column has dates. TO FILL IN: remove the `#` if each event has the date on which it is sent",
    );
    text.line("# missing = \"today\"");
    let question =
        "the export has no dates: does each event have the date on which it is sent (`today`)?";
    text.line("");
    text.line(&format!("[[exports.{name}.ask]]"));
    text.key("key", "dates.missing");
    text.key("question", question);
    text.questions.push(question.to_owned());
}
