//! What a plan says of the exports before it says what would be sent: what each is, what its column of
//! amounts comes to, and where each of its rows goes.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use jiff::Timestamp;

use super::tables::{count, grouped, input_line, rows_line, skipped_line};
use crate::event::{Currency, EventRef, HashedMap};
use crate::invisible::shown;
use crate::job::{ExportTotals, Job, RowTotals, RowsOf};
use crate::report::words::{amount, kind_words};

/// Holds the first and last dates of events, and the number of their customers.
pub(super) struct PlannedSpan {
    days: Option<(Timestamp, Timestamp)>,
    customers: HashedMap<()>,
}

impl PlannedSpan {
    /// Returns the span of these events.
    pub(super) fn new<'e>(events: impl Iterator<Item = EventRef<'e>>) -> Self {
        let mut span = PlannedSpan {
            days: None,
            customers: HashedMap::default(),
        };
        for event in events {
            // Two of a million are the same by chance once in some ten million runs.
            let customer = (event.customer.email, event.customer.uid);
            let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(customer);
            span.customers.insert(hash, ());
            if let Some(at) = event.created_at {
                let (first, last) = span.days.unwrap_or((at, at));
                span.days = Some((first.min(at), last.max(at)));
            }
        }
        span
    }

    /// Returns the number of customers.
    pub(super) fn customers(&self) -> u64 {
        self.customers.len() as u64
    }

    /// Returns the first and the last day in UTC, where there are dates.
    pub(super) fn days(&self) -> Option<[String; 2]> {
        let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
        self.days.map(|(first, last)| [day(first), day(last)])
    }

    /// Returns `of 70 customers, dated 2026-03-01 to 2026-03-31 (UTC)`.
    pub(super) fn in_words(&self) -> String {
        let of_days = match self.days() {
            None => "without dates".to_owned(),
            Some([first, last]) if first == last => format!("dated {first} (UTC)"),
            Some([first, last]) => format!("dated {first} to {last} (UTC)"),
        };
        format!("of {}, {of_days}", count(self.customers(), "customer"))
    }
}

/// Returns what each export is and what its rows come to, and the equation of all rows.
pub(super) fn exports(job: &Job) -> String {
    let mut lines = Vec::new();
    for (input, totals) in job.reading.inputs.iter().zip(&job.totals) {
        lines.push(input_line(input));
        lines.extend(totals_lines(totals));
        lines.push(String::new());
    }
    if let Some(skipped) = skipped_line(&job.reading.skipped) {
        lines.extend([skipped, String::new()]);
    }
    lines.push(rows_line(job.reading.rows));
    lines.join("\n")
}

/// Returns a line for each group of rows, and one for all of them.
fn totals_lines(totals: &ExportTotals) -> Vec<String> {
    let whole = totals.whole();
    let currencies: Vec<Currency> = whole.amount_cents.keys().copied().collect();
    let all = match (&totals.column, currencies.is_empty()) {
        (Some(column), false) => format!("all rows: the sum of `{column}`"),
        _ => "all rows".to_owned(),
    };
    let mut table = vec![head(&currencies)];
    for (group, sum) in &totals.groups {
        table.push(line(&group_words(group), sum, &currencies));
    }
    if totals.groups.len() > 1 {
        table.push(line(&all, &whole, &currencies));
    }
    let mut lines = aligned(&table);
    if let Some(column) = totals.column.as_ref().filter(|_| whole.unreadable > 0) {
        lines.push(format!(
            "  `{}` can't be read in {}, which these sums leave out",
            shown(column),
            count(whole.unreadable, "row")
        ));
    }
    lines
}

fn group_words(group: &RowsOf) -> String {
    match group {
        RowsOf::Event(kind) => kind_words(*kind).to_owned(),
        RowsOf::Ignored(reason) => format!("ignored: {}", shown(reason)),
        RowsOf::Rejected => "rejected".to_owned(),
    }
}

/// Cells that are aligned to the right, and a text behind them.
type TableLine = (Vec<String>, String);

fn head(currencies: &[Currency]) -> TableLine {
    let codes = currencies.iter().map(|currency| currency.code().to_owned());
    let cells = std::iter::once("rows".to_owned()).chain(codes);
    (cells.collect(), String::new())
}

fn line(text: &str, sum: &RowTotals, currencies: &[Currency]) -> TableLine {
    let cents = |currency: &Currency| match sum.amount_cents.get(currency) {
        Some(cents) => amount(*cents, *currency),
        None => String::new(),
    };
    let cells = std::iter::once(grouped(sum.rows.into())).chain(currencies.iter().map(cents));
    (cells.collect(), text.to_owned())
}

/// Aligns the cells, as long as they leave room for the text; else names the currency of each.
fn aligned(table: &[TableLine]) -> Vec<String> {
    const CELLS_MOST: usize = 44;
    let columns = table.first().map_or(0, |(cells, _)| cells.len());
    let width = |column: usize| table.iter().map(|(cells, _)| cells[column].len()).max();
    let widths: Vec<usize> = (0..columns)
        .map(|column| width(column).unwrap_or(0))
        .collect();
    if widths.iter().map(|width| width + 2).sum::<usize>() <= CELLS_MOST {
        // A column of rows alone needs no name.
        let lines = table
            .iter()
            .skip(usize::from(columns == 1))
            .map(|(cells, text)| {
                let cells = cells
                    .iter()
                    .zip(&widths)
                    .map(|(cell, width)| format!("  {cell:>width$}"));
                let line = format!("{}  {text}", cells.collect::<String>());
                line.trim_end().to_owned()
            });
        return lines.collect();
    }
    let (codes, _) = &table[0];
    let lines = table.iter().skip(1).map(|(cells, text)| {
        let amounts: Vec<_> = codes
            .iter()
            .zip(cells)
            .skip(1)
            .filter(|(_, amount)| !amount.is_empty())
            .map(|(code, amount)| format!("{amount} {code}"))
            .collect();
        let sums = if amounts.is_empty() {
            String::new()
        } else {
            format!(": {}", amounts.join(", "))
        };
        format!("  {:>width$}  {text}{sums}", cells[0], width = widths[0])
    });
    lines.collect()
}
