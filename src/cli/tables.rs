//! The figures as a person reads them: tables that add up before the reader's eyes.

use std::collections::BTreeSet;

use crate::event::{Currency, Kind, Sum, Tally};
use crate::journal::{Outcome, PlanState};
use crate::report::{OutcomesSummary, Reading, RunSummary};

/// A column of the balance: events of one kind in one currency.
type Column = (Kind, Option<Currency>);

/// Rows and events of a plan or a run, with what they come to.
pub(super) fn reading(reading: &Reading) -> String {
    let rows = reading.rows;
    let mut lines = Vec::new();
    for input in &reading.inputs {
        let n = input.rows;
        let rows = count(n, "row");
        let mut line = format!("{}: {rows}, read as {}", input.path, input.profile);
        if let Some(why) = &input.chosen {
            line.push_str(&format!(": {why}"));
        }
        lines.push(line);
    }
    if !reading.inputs.is_empty() {
        lines.push(format!(
            "\n{} rows read = {} with events + {} ignored + {} rejected",
            grouped(rows.read.into()),
            grouped(rows.with_events.into()),
            grouped(rows.ignored.into()),
            grouped(rows.rejected.into()),
        ));
    }
    let width = reading
        .ignored
        .iter()
        .map(|i| grouped(i.rows.into()).len())
        .max();
    for ignored in &reading.ignored {
        let n = grouped(ignored.rows.into());
        lines.push(format!(
            "  {n:>width$} ignored: {}",
            ignored.reason,
            width = width.unwrap_or(0)
        ));
    }
    lines.push(String::new());
    lines.push(plan_table(reading));
    lines.join("\n")
}

fn plan_table(reading: &Reading) -> String {
    let events = &reading.events;
    let mut table = Balance::new(&events.read);
    table.row("events read", &events.read);
    for &state in PlanState::ALL {
        let tally = events.of(state);
        if state == PlanState::ToSend || tally.count() > 0 {
            table.row(&format!("  {}", state_words(state)), &tally);
        }
    }
    table.to_string()
}

/// What became of what was to be sent.
pub(super) fn outcomes(summary: &RunSummary) -> String {
    let to_send = summary.reading.events.of(PlanState::ToSend);
    let mut table = Balance::new(&to_send);
    table.row("to send", &to_send);
    for outcome in OutcomesSummary::all() {
        let tally = summary.outcomes.of(outcome);
        let always = matches!(
            outcome,
            Some(Outcome::Tracked | Outcome::NonReferral | Outcome::Failed)
        );
        if always || tally.count() > 0 {
            table.row(&format!("  {}", outcome_words(outcome)), &tally);
        }
    }
    table.to_string()
}

/// The events of a whole journal, by outcome.
pub(super) fn by_outcome(outcomes: &OutcomesSummary) -> String {
    let total = outcomes.total();
    let mut table = Balance::new(&total);
    table.row("events", &total);
    for outcome in OutcomesSummary::all() {
        let tally = outcomes.of(outcome);
        if tally.count() > 0 {
            table.row(&format!("  {}", outcome_words(outcome)), &tally);
        }
    }
    table.to_string()
}

/// The state in words.
pub(super) fn state_words(state: PlanState) -> &'static str {
    match state {
        PlanState::ToSend => "to send",
        PlanState::Settled => "settled before",
        PlanState::Duplicate => "duplicates",
        PlanState::Conflict => "in conflict, held",
        PlanState::Unlinked => "refunds without a sale, held",
    }
}

/// The outcome in words; nothing stands for `not_sent`.
pub(super) fn outcome_words(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Tracked) => "tracked",
        Some(Outcome::AlreadyTracked) => "tracked before, by others",
        Some(Outcome::NonReferral) => "no referral (204)",
        Some(Outcome::Failed) => "failed",
        Some(Outcome::Unconfirmed) => "unconfirmed",
        None => "not sent",
    }
}

/// `1 row`, `2 rows`.
pub(super) fn count(n: u64, word: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {word}{plural}", grouped(n.into()))
}

/// Digits in groups of three: `1,234,567`.
pub(super) fn grouped(n: i128) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::new();
    if n < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Minor units as people write them, without the currency: `1,234.56`.
pub(super) fn amount(cents: i128, currency: Currency) -> String {
    let digits = currency.api_digits();
    let scale = 10_i128.pow(digits);
    let whole = grouped(cents / scale);
    match digits {
        0 => whole,
        _ => format!(
            "{whole}.{:0width$}",
            (cents % scale).abs(),
            width = digits as usize
        ),
    }
}

/// Figures by kind and currency, a line for each part of a sum.
struct Balance {
    columns: Vec<Column>,
    lines: Vec<Vec<String>>,
}

impl Balance {
    fn new(whole: &Tally) -> Self {
        let columns: BTreeSet<Column> = whole
            .iter()
            .map(|(kind, currency, _)| (kind, currency))
            .collect();
        let columns: Vec<Column> = Kind::ALL
            .iter()
            .flat_map(|kind| columns.iter().filter(move |(of, _)| of == kind).copied())
            .collect();
        let mut heads = vec![String::new(), "events".to_owned()];
        for (kind, currency) in &columns {
            heads.push(format!("{kind}s"));
            if let Some(currency) = currency {
                heads.push(currency.code().to_owned());
            }
        }
        Balance {
            columns,
            lines: vec![heads],
        }
    }

    fn row(&mut self, name: &str, tally: &Tally) {
        let mut cells = vec![name.to_owned(), grouped(tally.count().into())];
        for &(kind, currency) in &self.columns {
            let Sum {
                count,
                amount_cents,
            } = tally.of(kind, currency);
            cells.push(grouped(count.into()));
            if let Some(currency) = currency {
                cells.push(amount(amount_cents, currency));
            }
        }
        self.lines.push(cells);
    }
}

impl std::fmt::Display for Balance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let width = |column: usize| {
            self.lines
                .iter()
                .map(|cells| cells[column].len())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.lines[0].len()).map(width).collect();
        for (index, cells) in self.lines.iter().enumerate() {
            let mut line = format!("{:<width$}", cells[0], width = widths[0]);
            for (cell, width) in cells.iter().zip(&widths).skip(1) {
                line.push_str(&format!("   {cell:>width$}"));
            }
            if index > 0 {
                f.write_str("\n")?;
            }
            f.write_str(line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_do() {
        let usd = Currency::from_code("USD").unwrap();
        let jpy = Currency::from_code("JPY").unwrap();
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(-123), "-123");
        assert_eq!(amount(123_456, usd), "1,234.56");
        assert_eq!(amount(5, usd), "0.05");
        assert_eq!(amount(5000, jpy), "5,000");
        assert_eq!(count(1, "row"), "1 row");
        assert_eq!(count(0, "row"), "0 rows");
    }
}
