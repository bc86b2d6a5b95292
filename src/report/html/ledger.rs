//! The balance as tables: a sum in bold, and below it its parts. Each column adds up from the top
//! to the bottom, and each table of events from the right to the left.

use crate::event::{Currency, Kind, Tally};
use crate::journal::{Outcome, PlanState};
use crate::report::outcomes::{OutcomesSummary, outcome_word};
use crate::report::summary::RunSummary;
use crate::report::words::{amount, grouped, kind_words, outcome_words, state_words};

/// A table that adds up.
pub(super) struct Ledger {
    pub(super) caption: String,
    pub(super) heads: Vec<&'static str>,
    /// The groups of the table; each is a sum and its parts.
    pub(super) groups: Vec<Vec<LedgerLine>>,
}

/// A line of a [`Ledger`].
pub(super) struct LedgerLine {
    /// The sign before the label: empty at a sum, `=` at its first part, then `+`.
    pub(super) sign: &'static str,
    pub(super) name: String,
    /// The CSS class of the line's mark, or an empty text.
    pub(super) class: &'static str,
    /// The line's role: `sum`, `part` or `detail`.
    pub(super) role: &'static str,
    pub(super) cells: Vec<Figure>,
}

/// A figure of the balance, with its path in `summary.json` where it has one.
pub(super) struct Figure {
    pub(super) value: i128,
    pub(super) words: String,
    pub(super) path: String,
}

impl Figure {
    fn count(n: u64, path: String) -> Self {
        Figure {
            value: n.into(),
            words: grouped(n.into()),
            path,
        }
    }

    fn amount(cents: i128, currency: Currency, path: String) -> Self {
        Figure {
            value: cents,
            words: amount(cents, currency),
            path,
        }
    }
}

/// Returns the table of the rows of the exports, with the reasons why some are not events.
pub(super) fn rows(summary: &RunSummary) -> Ledger {
    let rows = summary.reading.rows;
    let line = |sign, role, name: &str, n, path: &str| LedgerLine {
        sign,
        name: name.to_owned(),
        class: "",
        role,
        cells: vec![Figure::count(n, path.to_owned())],
    };
    let mut lines = vec![
        line("", "sum", "rows read", rows.read, "rows.read"),
        line(
            "=",
            "part",
            "with events",
            rows.with_events,
            "rows.with_events",
        ),
        line("+", "part", "ignored", rows.ignored, "rows.ignored"),
    ];
    for ignored in &summary.reading.ignored {
        lines.push(line("", "detail", &ignored.reason, ignored.rows, ""));
    }
    lines.push(line(
        "+",
        "part",
        "rejected",
        rows.rejected,
        "rows.rejected",
    ));
    Ledger {
        caption: "Rows of the exports".to_owned(),
        heads: vec!["rows"],
        groups: vec![lines],
    }
}

/// Returns the table of the number of events, by kind.
pub(super) fn events(summary: &RunSummary) -> Ledger {
    let kinds: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|kind| summary.reading.events.read.count_of(*kind) > 0)
        .collect();
    let cells = |tally: &Tally, all: &str, of_kind: &str| {
        let of_kinds = kinds.iter().map(|kind| {
            let path = match of_kind {
                "" => String::new(),
                path => format!("{path}.{kind}.count"),
            };
            Figure::count(tally.count_of(*kind), path)
        });
        let all = Figure::count(tally.count(), all.to_owned());
        std::iter::once(all).chain(of_kinds).collect()
    };
    Ledger {
        caption: "Events".to_owned(),
        heads: std::iter::once("all")
            .chain(kinds.iter().map(|kind| head(*kind)))
            .collect(),
        groups: groups(summary, |place, tally| match place {
            LineSubject::Read => cells(tally, "events.total", "events.by_kind"),
            LineSubject::Plan(state) => cells(tally, &format!("events.by_plan.{state}"), ""),
            LineSubject::Outcome(outcome) => {
                let path = format!("outcomes.{}", outcome_word(outcome));
                cells(tally, &format!("{path}.count"), &format!("{path}.by_kind"))
            }
        }),
    }
}

/// Returns the heading of a kind's column. A soft hyphen marks where it may break in a narrow
/// column, since not every browser can hyphenate.
fn head(kind: Kind) -> &'static str {
    match kind {
        Kind::Cancellation => "cancel\u{ad}lations",
        _ => kind_words(kind),
    }
}

/// Returns the table of the money of one currency: sales, refunds, and the difference.
pub(super) fn money(summary: &RunSummary, currency: Currency) -> Ledger {
    let cells = |place: LineSubject, tally: &Tally| {
        let path = |kind: Kind| match place {
            LineSubject::Read => format!("events.by_kind.{kind}.amount_cents.{currency}"),
            LineSubject::Plan(state) => {
                format!("events.balance[{kind},{currency}].{state}.amount_cents")
            }
            LineSubject::Outcome(outcome) => {
                let word = outcome_word(outcome);
                format!("outcomes.{word}.by_kind.{kind}.amount_cents.{currency}")
            }
        };
        let of = |kind| tally.for_kind(kind, Some(currency)).amount_cents;
        let (sales, refunds) = (of(Kind::Sale), of(Kind::Refund));
        vec![
            Figure::amount(sales, currency, path(Kind::Sale)),
            Figure::amount(refunds, currency, path(Kind::Refund)),
            Figure::amount(sales - refunds, currency, String::new()),
        ]
    };
    Ledger {
        caption: format!("Money in {currency}"),
        heads: vec!["sales", "refunds", "sales less refunds"],
        groups: groups(summary, cells),
    }
}

/// The events that a line counts.
#[derive(Clone, Copy)]
enum LineSubject {
    Read,
    Plan(PlanState),
    Outcome(Option<Outcome>),
}

/// Returns two groups of lines: what was read, by the plan's result, and what was to be sent, by
/// its outcome.
fn groups(
    summary: &RunSummary,
    cells: impl Fn(LineSubject, &Tally) -> Vec<Figure>,
) -> Vec<Vec<LedgerLine>> {
    let line = |sign, name: &str, class, role, place, tally: &Tally| LedgerLine {
        sign,
        name: name.to_owned(),
        class,
        role,
        cells: cells(place, tally),
    };
    let events = &summary.reading.events;
    let mut read = vec![line(
        "",
        "read in the exports",
        "",
        "sum",
        LineSubject::Read,
        &events.read,
    )];
    for &state in PlanState::ALL {
        let tally = events.for_state(state);
        if state == PlanState::ToSend || tally.count() > 0 {
            let sign = if read.len() > 1 { "+" } else { "=" };
            let place = LineSubject::Plan(state);
            read.push(line(sign, state_words(state), "", "part", place, &tally));
        }
    }
    let to_send = events.for_state(PlanState::ToSend);
    let whole = LineSubject::Plan(PlanState::ToSend);
    let mut sent = vec![line("", "to send", "", "sum", whole, &to_send)];
    for outcome in OutcomesSummary::all() {
        let tally = summary.outcomes.for_outcome(outcome);
        let always = matches!(
            outcome,
            Some(Outcome::Tracked | Outcome::NonReferral | Outcome::Failed)
        );
        if always || tally.count() > 0 {
            let sign = if sent.len() > 1 { "+" } else { "=" };
            let class = outcome_word(outcome);
            let place = LineSubject::Outcome(outcome);
            sent.push(line(
                sign,
                outcome_words(outcome),
                class,
                "part",
                place,
                &tally,
            ));
        }
    }
    vec![read, sent]
}
