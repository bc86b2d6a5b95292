//! The figures for a person: tables whose columns and lines add up.

use std::collections::BTreeSet;

use crate::event::{Currency, Kind, Sum, Tally};
use crate::invisible::shown;
use crate::job::{InputSummary, JobFigures, Rows};
use crate::journal::{Outcome, PlanState, SkippedExport};
use crate::report::open_words::open_lines;
use crate::report::words::{amount, kind_words, outcome_words, state_words};
pub(super) use crate::report::words::{count, grouped};
use crate::report::{OutcomesSummary, RunSummary, SpanSummary};

/// The number of skipped exports that are named.
const SKIPPED_SHOWN: usize = 3;

/// A column of the balance: events of one kind in one currency.
type BalanceColumn = (Kind, Option<Currency>);

/// Returns the rows and events of a plan or a run, and the states of the events.
pub(super) fn reading(reading: &JobFigures, width: usize) -> String {
    let mut lines: Vec<String> = reading.inputs.iter().map(input_line).collect();
    lines.extend(skipped_line(&reading.skipped));
    if !reading.inputs.is_empty() {
        lines.push(format!("\n{}", rows_line(reading.rows)));
    }
    let digits = reading
        .ignored
        .iter()
        .map(|i| grouped(i.rows.into()).len())
        .max();
    for ignored in &reading.ignored {
        let n = grouped(ignored.rows.into());
        lines.push(format!(
            "  {n:>width$} ignored: {}",
            shown(&ignored.reason),
            width = digits.unwrap_or(0)
        ));
    }
    lines.push(String::new());
    lines.push(plan_table(reading, width));
    lines.join("\n")
}

/// Returns which exports of folders are not read, since earlier runs have read them; `None` if there are none.
pub(super) fn skipped_line(skipped: &[SkippedExport]) -> Option<String> {
    let shown_paths = skipped.iter().take(SKIPPED_SHOWN);
    let paths: Vec<_> = shown_paths.map(|export| shown(&export.path)).collect();
    let more = match skipped.len().saturating_sub(paths.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let exports = count(skipped.len() as u64, "export");
    let paths = paths.join(", ");
    (!skipped.is_empty())
        .then(|| format!("{exports} read by earlier runs, and not read again: {paths}{more}"))
}

/// Returns how many rows an export has and by which profile they are read.
pub(super) fn input_line(input: &InputSummary) -> String {
    let rows = count(input.rows, "row");
    let mut line = format!("{}: {rows}, read as {}", input.path, input.profile);
    if let Some(recognised) = &input.recognised {
        line.push_str(&format!(" ({}): {}", recognised.title, recognised.why));
    }
    shown(&line).into_owned()
}

/// Returns the equation of rows.
pub(super) fn rows_line(rows: Rows) -> String {
    format!(
        "{} read = {} with events + {} ignored + {} rejected",
        count(rows.read, "row"),
        grouped(rows.with_events.into()),
        grouped(rows.ignored.into()),
        grouped(rows.rejected.into()),
    )
}

/// Returns what is to happen with the events, as a table that adds up.
pub(super) fn plan_table(reading: &JobFigures, width: usize) -> String {
    let events = &reading.events;
    let mut table = Balance::new("events read", &events.read);
    for &state in PlanState::ALL {
        let tally = events.for_state(state);
        if state == PlanState::ToSend || tally.count() > 0 {
            table.part(state_words(state), &tally);
        }
    }
    table.within(width)
}

/// Returns the outcomes of the events that were to be sent.
pub(super) fn outcomes(summary: &RunSummary, width: usize) -> String {
    let to_send = summary.reading.events.for_state(PlanState::ToSend);
    let mut table = Balance::new("to send", &to_send);
    for outcome in OutcomesSummary::all() {
        let tally = summary.outcomes.for_outcome(outcome);
        let always = matches!(
            outcome,
            Some(Outcome::Tracked | Outcome::NonReferral | Outcome::Failed)
        );
        if always || tally.count() > 0 {
            table.part(outcome_words(outcome), &tally);
        }
    }
    table.within(width)
}

/// Returns the lines on the open items of a report's days.
pub(super) fn open_of(span: &SpanSummary) -> String {
    let lines = open_lines(span)
        .into_iter()
        .map(|(head, what)| format!("{head}: {what}."));
    format!("\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// Returns the learned limit of the account, if it is lower than the requested rate.
pub(super) fn learned_limit(per_minute: Option<u32>) -> Option<String> {
    let per_minute = per_minute?;
    Some(format!(
        "The account takes about {per_minute} requests a minute, fewer than requested;\n\
         `requests_per_minute = {per_minute}` under `[send]` avoids refused requests."
    ))
}

/// Returns the events of a whole journal, by outcome.
pub(super) fn by_outcome(outcomes: &OutcomesSummary, width: usize) -> String {
    let mut table = Balance::new("events", &outcomes.total());
    for outcome in OutcomesSummary::all() {
        let tally = outcomes.for_outcome(outcome);
        if tally.count() > 0 {
            table.part(outcome_words(outcome), &tally);
        }
    }
    table.within(width)
}

/// A sum and its parts, in events and in money, by kind and currency.
///
/// If it fits, each part is a line, and each column adds up: the first line is the sum of the lines
/// with `=` and `+`. With too many currencies for that, it is transposed: each part is a column,
/// and each line adds up. So it fits a screen either way.
struct Balance {
    parts: Vec<(String, Tally)>,
}

const GAP: usize = 3;

/// The cells of a column, its head first; events and amounts are aligned separately.
type Block = Vec<[String; 2]>;

impl Balance {
    fn new(name: &str, whole: &Tally) -> Self {
        Balance {
            parts: vec![(name.to_owned(), whole.clone())],
        }
    }

    fn part(&mut self, name: &str, tally: &Tally) {
        let sign = if self.parts.len() > 1 { '+' } else { '=' };
        self.parts.push((format!("{sign} {name}"), tally.clone()));
    }

    /// Returns the kinds and currencies of the whole, ordered by kind.
    fn columns(&self) -> Vec<BalanceColumn> {
        let whole = self.parts.iter().flat_map(|(_, tally)| tally.iter());
        let present: BTreeSet<BalanceColumn> =
            whole.map(|(kind, currency, _)| (kind, currency)).collect();
        Kind::ALL
            .iter()
            .flat_map(|kind| present.iter().filter(move |(of, _)| of == kind).copied())
            .collect()
    }

    /// Returns a grid with a line for each part.
    fn wide(&self) -> Grid {
        let mut events: Block = vec![["events".to_owned(), String::new()]];
        events.extend(self.cells(|tally| [grouped(tally.count().into()), String::new()]));
        let mut blocks = vec![events];
        for (kind, currency) in self.columns() {
            let code = currency.map_or("", Currency::code);
            let mut block: Block = vec![[kind_words(kind).to_owned(), code.to_owned()]];
            block.extend(self.cells(|tally| {
                let Sum {
                    count,
                    amount_cents,
                } = tally.for_kind(kind, currency);
                let cents = currency.map(|currency| amount(amount_cents, currency));
                [grouped(count.into()), cents.unwrap_or_default()]
            }));
            blocks.push(block);
        }
        let names = self.parts.iter().map(|(name, _)| name.clone());
        Grid {
            names: std::iter::once(String::new()).chain(names).collect(),
            blocks,
        }
    }

    fn cells<'t>(
        &'t self,
        cell: impl Fn(&Tally) -> [String; 2] + 't,
    ) -> impl Iterator<Item = [String; 2]> + 't {
        self.parts.iter().map(move |(_, tally)| cell(tally))
    }

    /// Returns the table in lines of at most so many characters, unless a single column is wider.
    fn within(&self, width: usize) -> String {
        let wide = self.wide();
        match wide.panels(width).len() {
            ..=1 => wide.within(width),
            _ => self.tall(width).within(width),
        }
    }

    /// Returns a grid with a column for each part, below a name of one line or, if that is too
    /// wide, of two.
    fn tall(&self, most: usize) -> Grid {
        let grid = self.tall_below(|name, _| [String::new(), name.to_owned()]);
        match grid.panels(most).len() {
            ..=1 => grid,
            _ => self.tall_below(|name, width| {
                if name.len() > width {
                    two_lines(name)
                } else {
                    [String::new(), name.to_owned()]
                }
            }),
        }
    }

    /// Returns the grid; `head` returns the two lines of a name above cells of some width.
    fn tall_below(&self, head: impl Fn(&str, usize) -> [String; 2]) -> Grid {
        let columns = self.columns();
        let mut names = vec![String::new(), String::new(), "events".to_owned()];
        let mut last = None;
        for &(kind, currency) in &columns {
            if last.replace(kind) != Some(kind) {
                names.push(kind_words(kind).to_owned());
            }
            names.extend(currency.map(|currency| format!("  {currency}")));
        }
        let block = |(name, tally): &(String, Tally)| {
            let mut cells = vec![grouped(tally.count().into())];
            let mut last = None;
            for &(kind, currency) in &columns {
                if last.replace(kind) != Some(kind) {
                    cells.push(grouped(tally.count_of(kind).into()));
                }
                let cents = |currency| tally.for_kind(kind, Some(currency)).amount_cents;
                cells.extend(currency.map(|currency| amount(cents(currency), currency)));
            }
            let width = cells.iter().map(String::len).max().unwrap_or(0);
            let cells = head(name, width).into_iter().chain(cells);
            cells.map(|cell| [cell, String::new()]).collect()
        };
        Grid {
            names,
            blocks: self.parts.iter().map(block).collect(),
        }
    }
}

/// Returns a name in two lines, neither wider than needed.
fn two_lines(name: &str) -> [String; 2] {
    let spaces = name.match_indices(' ').map(|(at, _)| at);
    // The word after the sign stays with it.
    let at = spaces
        .filter(|at| *at > 1)
        .min_by_key(|at| (*at).max(name.len() - at));
    match at {
        Some(at) => [name[..at].to_owned(), name[at + 1..].to_owned()],
        None => [String::new(), name.to_owned()],
    }
}

/// Names of lines, and columns beside them. Columns that are too wide for a terminal continue
/// below, with the same names.
struct Grid {
    names: Vec<String>,
    blocks: Vec<Block>,
}

impl Grid {
    /// Returns the widths of the two cells of a block, with the gaps before them.
    fn widths(block: &Block) -> [usize; 2] {
        let width = |index: usize| {
            let widths = block.iter().map(|cells| cells[index].len());
            let widest = widths.max().unwrap_or(0);
            if widest > 0 { widest + GAP } else { 0 }
        };
        [width(0), width(1)]
    }

    fn name_width(&self) -> usize {
        self.names.iter().map(String::len).max().unwrap_or(0)
    }

    /// Returns the blocks that are beside each other, panel by panel.
    fn panels(&self, most: usize) -> Vec<Vec<&Block>> {
        let mut panels: Vec<Vec<&Block>> = Vec::new();
        let mut width = usize::MAX;
        for block in &self.blocks {
            let wide: usize = Self::widths(block).iter().sum();
            match panels.last_mut() {
                Some(panel) if width + wide <= most => {
                    panel.push(block);
                    width += wide;
                }
                _ => {
                    panels.push(vec![block]);
                    width = self.name_width() + wide;
                }
            }
        }
        panels
    }
}

impl Grid {
    /// Returns the lines, of at most so many characters where the columns allow it.
    fn within(&self, most: usize) -> String {
        let name_width = self.name_width();
        let panels = self.panels(most);
        let texts = panels.iter().map(|panel| {
            let is_empty = |index: &usize| panel.iter().all(|block| block[*index][0].is_empty());
            let lines = (0..self.names.len())
                .filter(|index| !is_empty(index))
                .map(|index| {
                    let mut line = format!("{:<name_width$}", self.names[index]);
                    for block in panel {
                        let [count_width, amount_width] = Self::widths(block);
                        let [count, amount] = &block[index];
                        line.push_str(&format!("{count:>count_width$}{amount:>amount_width$}"));
                    }
                    line.trim_end().to_owned()
                });
            lines.collect::<Vec<_>>().join("\n")
        });
        texts.collect::<Vec<_>>().join("\n\n")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::invisible::is_invisible;
    use crate::job::{EventsSummary, IgnoredSummary, RecognisedAs};

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
    fn each_column_adds_up_where_it_fits() {
        let read = [
            (Kind::Sale, "USD", 940, 123_456_700),
            (Kind::Refund, "USD", 30, 60_000),
            (Kind::Cancellation, "", 5, 0),
        ];
        let held = [(Kind::Sale, "USD", 40, 700)];
        let to_send = [
            (Kind::Sale, "USD", 900, 123_456_000),
            (Kind::Refund, "USD", 30, 60_000),
            (Kind::Cancellation, "", 5, 0),
        ];
        let mut table = Balance::new("events read", &tally(&read));
        table.part("to send", &tally(&to_send));
        table.part("held", &tally(&held));
        let expected = [
            "              events   sales            USD   refunds      USD   cancellations",
            "events read      975     940   1,234,567.00        30   600.00               5",
            "= to send        935     900   1,234,560.00        30   600.00               5",
            "+ held            40      40           7.00         0     0.00               0",
        ];
        assert_eq!(table.within(80), expected.join("\n"));
    }

    #[test]
    fn each_line_adds_up_where_there_are_many_currencies() {
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
        let text = table.within(80);
        let expected = [
            "                 events read      = to send   + held",
            "events                   989            949       40",
            "sales                    954            914       40",
            "  EUR                 120.00         120.00     0.00",
            "  JPY                  1,000          1,000        0",
            "  USD           1,234,567.00   1,234,560.00     7.00",
            "refunds                   30             30        0",
            "  USD                 600.00         600.00     0.00",
            "cancellations              5              5        0",
        ];
        assert_eq!(text, expected.join("\n"));
        table.part("held: for other reasons", &tally(&[]));
        let text = table.within(80);
        let first = text.lines().next().unwrap();
        assert!(first.ends_with("+ held: for other reasons"), "{text}");
        table.part("failed (422)", &tally(&[]));
        let text = table.within(80);
        let head = [
            format!("{:>68}{:>11}", "+ held: for", "+ failed"),
            format!(
                "{:>28}{:>15}{:>9}{:>16}{:>11}",
                "events read", "= to send", "+ held", "other reasons", "(422)"
            ),
        ];
        assert!(text.starts_with(&head.join("\n")), "{text}");
        for part in ["one more", "another one", "a third one", "and a fourth"] {
            table.part(part, &tally(&[]));
        }
        let text = table.within(80);
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        assert_eq!(
            text.matches("refunds").count(),
            2,
            "it goes on below: {text}"
        );
    }

    fn reading_of([path, profile, title, why, reason]: [&str; 5]) -> JobFigures {
        JobFigures {
            inputs: vec![InputSummary {
                path: path.to_owned(),
                sha256: String::new(),
                profile: profile.to_owned(),
                recognised: Some(RecognisedAs {
                    title: title.to_owned(),
                    why: why.to_owned(),
                }),
                rows: 1,
            }],
            rows: Rows::default(),
            ignored: vec![IgnoredSummary {
                reason: reason.to_owned(),
                rows: 1,
            }],
            skipped: Vec::new(),
            events: EventsSummary {
                read: Tally::default(),
                by_plan: BTreeMap::new(),
            },
        }
    }

    proptest! {
        #[test]
        fn no_name_or_reason_makes_lines_of_its_own(
            texts in prop::array::uniform5("(?s).{0,20}|(\n|\r|\u{1b}\\[2J|error: ){0,6}")
        ) {
            let plain = reading(&reading_of(["a", "b", "c", "d", "e"]), 80);
            let odd = reading(&reading_of(texts.each_ref().map(String::as_str)), 80);
            prop_assert_eq!(odd.lines().count(), plain.lines().count());
            prop_assert!(odd.chars().all(|c| c == '\n' || !is_invisible(c)));
        }
    }
}
