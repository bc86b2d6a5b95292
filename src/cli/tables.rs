//! The figures as a person reads them: tables that add up before the reader's eyes.

use std::collections::BTreeSet;

use crate::event::{Currency, Kind, Sum, Tally};
use crate::journal::{Outcome, PlanState};
use crate::report::words::{amount, kind_words, outcome_words, state_words};
pub(super) use crate::report::words::{count, grouped};
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
    let mut table = Balance::new("events read", &events.read);
    for &state in PlanState::ALL {
        let tally = events.of(state);
        if state == PlanState::ToSend || tally.count() > 0 {
            table.part(state_words(state), &tally);
        }
    }
    table.to_string()
}

/// What became of what was to be sent.
pub(super) fn outcomes(summary: &RunSummary) -> String {
    let to_send = summary.reading.events.of(PlanState::ToSend);
    let mut table = Balance::new("to send", &to_send);
    for outcome in OutcomesSummary::all() {
        let tally = summary.outcomes.of(outcome);
        let always = matches!(
            outcome,
            Some(Outcome::Tracked | Outcome::NonReferral | Outcome::Failed)
        );
        if always || tally.count() > 0 {
            table.part(outcome_words(outcome), &tally);
        }
    }
    table.to_string()
}

/// What a run has learned of the account's limit, where that is lower than what was asked for.
pub(super) fn learned_limit(per_minute: Option<u32>) -> Option<String> {
    let per_minute = per_minute?;
    Some(format!(
        "The account takes about {per_minute} requests a minute, fewer than asked for;\n\
         `requests_per_minute = {per_minute}` under `[send]` spares its refusals."
    ))
}

/// The events of a whole journal, by outcome.
pub(super) fn by_outcome(outcomes: &OutcomesSummary) -> String {
    let mut table = Balance::new("events", &outcomes.total());
    for outcome in OutcomesSummary::all() {
        let tally = outcomes.of(outcome);
        if tally.count() > 0 {
            table.part(outcome_words(outcome), &tally);
        }
    }
    table.to_string()
}

/// A sum and its parts, a line each, in columns by kind and currency. Each column adds up by itself:
/// the first line is what the lines with `=` and `+` come to.
///
/// What is wider than a terminal goes on below, with the same lines.
struct Balance {
    columns: Vec<Column>,
    names: Vec<String>,
    /// For each column its cells, with the heads first: the number of events and, where the kind
    /// has one, the amount.
    blocks: Vec<Vec<[String; 2]>>,
}

/// As wide as a terminal is at the least.
const MAX_WIDTH: usize = 80;
const GAP: usize = 3;

impl Balance {
    fn new(name: &str, whole: &Tally) -> Self {
        let present: BTreeSet<Column> = whole
            .iter()
            .map(|(kind, currency, _)| (kind, currency))
            .collect();
        let columns: Vec<Column> = Kind::ALL
            .iter()
            .flat_map(|kind| present.iter().filter(move |(of, _)| of == kind).copied())
            .collect();
        let heads = columns.iter().map(|(kind, currency)| {
            let code = currency.map_or("", Currency::code);
            vec![[kind_words(*kind).to_owned(), code.to_owned()]]
        });
        let mut balance = Balance {
            blocks: std::iter::once(vec![["events".to_owned(), String::new()]])
                .chain(heads)
                .collect(),
            columns,
            names: vec![String::new()],
        };
        balance.line(name.to_owned(), whole);
        balance
    }

    fn part(&mut self, name: &str, tally: &Tally) {
        const HEAD_AND_WHOLE: usize = 2;
        let sign = if self.names.len() > HEAD_AND_WHOLE {
            '+'
        } else {
            '='
        };
        self.line(format!("{sign} {name}"), tally);
    }

    fn line(&mut self, name: String, tally: &Tally) {
        self.names.push(name);
        let all = [grouped(tally.count().into()), String::new()];
        let of_columns = self.columns.iter().map(|&(kind, currency)| {
            let Sum {
                count,
                amount_cents,
            } = tally.of(kind, currency);
            let cents = currency.map(|currency| amount(amount_cents, currency));
            [grouped(count.into()), cents.unwrap_or_default()]
        });
        let cells = std::iter::once(all).chain(of_columns);
        for (block, cells) in self.blocks.iter_mut().zip(cells) {
            block.push(cells);
        }
    }

    /// How wide the two cells of a block are, with the gaps before them.
    fn widths(block: &[[String; 2]]) -> [usize; 2] {
        let width = |index: usize| {
            let widths = block.iter().map(|cells| cells[index].len());
            let widest = widths.max().unwrap_or(0);
            if widest > 0 { widest + GAP } else { 0 }
        };
        [width(0), width(1)]
    }

    /// The blocks that stand beside each other.
    fn panels(&self, name_width: usize) -> Vec<Vec<&[[String; 2]]>> {
        let mut panels: Vec<Vec<&[[String; 2]]>> = Vec::new();
        let mut width = usize::MAX;
        for block in &self.blocks {
            let wide: usize = Self::widths(block).iter().sum();
            match panels.last_mut() {
                Some(panel) if width + wide <= MAX_WIDTH => {
                    panel.push(block);
                    width += wide;
                }
                _ => {
                    panels.push(vec![block]);
                    width = name_width + wide;
                }
            }
        }
        panels
    }
}

impl std::fmt::Display for Balance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name_width = self.names.iter().map(String::len).max().unwrap_or(0);
        let panels = self.panels(name_width);
        let panels = panels.iter().map(|panel| {
            let lines = self.names.iter().enumerate().map(|(index, name)| {
                let mut line = format!("{name:<name_width$}");
                for block in panel {
                    let [count_width, amount_width] = Self::widths(block);
                    let [count, amount] = &block[index];
                    line.push_str(&format!("{count:>count_width$}{amount:>amount_width$}"));
                }
                line.trim_end().to_owned()
            });
            lines.collect::<Vec<_>>().join("\n")
        });
        f.write_str(&panels.collect::<Vec<_>>().join("\n\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(sums: &[(Kind, &str, u64, i128)]) -> Tally {
        let mut tally = Tally::default();
        for &(kind, code, count, amount_cents) in sums {
            let currency = Currency::from_code(code);
            tally.add_sum(
                kind,
                currency,
                Sum {
                    count,
                    amount_cents,
                },
            );
        }
        tally
    }

    #[test]
    fn a_balance_adds_up_in_each_column_and_goes_on_below() {
        let read = [
            (Kind::Sale, "USD", 940, 123_456_700),
            (Kind::Sale, "EUR", 12, 12_000),
            (Kind::Sale, "JPY", 2, 1_000),
            (Kind::Refund, "USD", 30, 60_000),
            (Kind::Cancellation, "", 5, 0),
        ];
        let held = [(Kind::Sale, "USD", 40, 700)];
        let to_send = [
            (Kind::Sale, "USD", 900, 123_456_000),
            (Kind::Sale, "EUR", 12, 12_000),
            (Kind::Sale, "JPY", 2, 1_000),
            (Kind::Refund, "USD", 30, 60_000),
            (Kind::Cancellation, "", 5, 0),
        ];
        let mut table = Balance::new("events read", &tally(&read));
        table.part("to send", &tally(&to_send));
        table.part("held", &tally(&held));
        let text = table.to_string();
        let expected = [
            "              events   sales      EUR   sales     JPY   sales            USD",
            "events read      989      12   120.00       2   1,000     940   1,234,567.00",
            "= to send        949      12   120.00       2   1,000     900   1,234,560.00",
            "+ held            40       0     0.00       0       0      40           7.00",
            "",
            "              refunds      USD   cancellations",
            "events read        30   600.00               5",
            "= to send          30   600.00               5",
            "+ held              0     0.00               0",
        ]
        .join("\n");
        assert_eq!(text, expected);
        assert!(text.lines().all(|line| line.len() <= MAX_WIDTH));
    }
}
