//! The open items of a report in words, for the terminal and the reports.

use jiff::Timestamp;

use super::attention::what;
use super::open_items::OpenCount;
use super::summary::SpanSummary;
use super::words::{amounts_words, count};

/// Returns the lines on the open items of a report's days, each with its heading.
pub(crate) fn open_lines(span: &SpanSummary) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    if let Some(open) = &span.open_at_end {
        let head = format!("Open at the end of {} ({})", span.to, span.zone);
        lines.push((head, open_words(&open.items)));
        if !open.earlier.is_empty() {
            let head = format!("Open then from before {}", span.from);
            lines.push((head, open_words(&open.earlier)));
        }
    }
    let as_of = span.open_now.as_of.parse::<Timestamp>().map_or_else(
        |_| span.open_now.as_of.clone(),
        |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    );
    lines.push((
        format!("Open now ({as_of})"),
        open_words(&span.open_now.items),
    ));
    if !span.open_now.earlier.is_empty() {
        let head = format!("Still open from before {}", span.from);
        lines.push((head, open_words(&span.open_now.earlier)));
    }
    if let Some(undated) = &span.undated {
        let events = count(undated.count, "event");
        let what = format!("{events}{}", amounts_words(&undated.amount_cents));
        lines.push(("Without a date, on no day".to_owned(), what));
    }
    lines
}

/// Returns open items in words: `2 events held (80.00 USD), 1 row rejected`.
fn open_words(items: &[OpenCount]) -> String {
    let words = items.iter().map(|item| {
        let what = what(item.code, item.count);
        format!("{what}{}", amounts_words(&item.amount_cents))
    });
    match words.len() {
        0 => "nothing".to_owned(),
        _ => words.collect::<Vec<_>>().join(", "),
    }
}
