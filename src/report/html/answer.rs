//! The top of the page: the answer in a sentence and five figures, and what to do next.

use jiff::Timestamp;

use super::listing::anchor;
use crate::journal::{Account, AttentionCode, Outcome, PlanState, RunRecord, SpanBy};
use crate::report::attention::{AcceptedSummary, Attention};
use crate::report::open_words::open_lines;
use crate::report::summary::{RunSummary, SpanSummary};
use crate::report::words::{count, grouped};

/// One of the figures at the top.
pub(super) struct Tile {
    pub(super) name: &'static str,
    pub(super) class: &'static str,
    pub(super) value: u64,
    pub(super) path: &'static str,
    pub(super) below: String,
}

impl Tile {
    pub(super) fn words(&self) -> String {
        grouped(self.value.into())
    }
}

/// The greatest number of runs of a span that are listed.
pub(super) const RUNS: usize = 100;

/// A run of a span.
pub(super) struct RunLine {
    pub(super) name: String,
    pub(super) command: &'static str,
    pub(super) started: String,
    pub(super) ended: String,
    pub(super) requests: String,
    pub(super) exit_code: String,
}

/// A step of the list of what to do next.
pub(super) struct StepLine {
    pub(super) what: String,
    pub(super) advice: &'static str,
    pub(super) command: String,
    pub(super) anchor: &'static str,
}

/// Returns the result of the runs in one sentence.
pub(super) fn verdict(summary: &RunSummary) -> String {
    let attention = &summary.attention;
    let not_sent = attention
        .iter()
        .find(|item| item.code == AttentionCode::NotSent);
    if let Some(item) = not_sent {
        let are = if item.count == 1 { "is" } else { "are" };
        return format!("{} {are} not sent yet", count(item.count, "event"));
    }
    let sum = |of_rows: bool| -> u64 {
        let items = attention.iter();
        let of_noun = items.filter(|item| (item.code == AttentionCode::Rejected) == of_rows);
        of_noun.map(|item| item.count).sum()
    };
    let (events, rows) = (sum(false), sum(true));
    let needs = |n| if n == 1 { "needs" } else { "need" };
    match (events, rows) {
        (0, 0) if !summary.accepted.is_empty() => {
            "Everything came through or was accepted".to_owned()
        }
        (0, 0) if summary.reading.events.for_state(PlanState::ToSend).count() == 0 => {
            "Nothing was left to send".to_owned()
        }
        (0, 0) => "Everything came through".to_owned(),
        (events, 0) => format!("{} {} attention", count(events, "event"), needs(events)),
        (0, rows) => format!("{} {} attention", count(rows, "row"), needs(rows)),
        (events, rows) => format!(
            "{} and {} need attention",
            count(events, "event"),
            count(rows, "row")
        ),
    }
}

pub(super) fn lead(summary: &RunSummary) -> String {
    let to_send = summary.reading.events.for_state(PlanState::ToSend).count();
    let events = summary.reading.events.read.count();
    let rows = summary.reading.rows.read;
    let sent = match to_send {
        0 => "None of them had to be sent.".to_owned(),
        n if n == events => "All of them were to be sent.".to_owned(),
        n => format!("{} of them were to be sent.", grouped(n.into())),
    };
    let is_of_sales = |span: &SpanSummary| span.by == SpanBy::SaleDate;
    if summary.span.as_ref().is_some_and(is_of_sales) {
        return format!(
            "{} of sales of these days, with their refunds. {sent} Every cent is accounted for below.",
            count(events, "event")
        );
    }
    let before = match summary.reading.skipped.len() as u64 {
        0 => String::new(),
        exports => format!(
            " Not read again: {}, which earlier runs read.",
            count(exports, "export")
        ),
    };
    match summary.reading.inputs.len() {
        0 if !before.is_empty() => format!("No export is new.{before}"),
        0 => format!("{} were tried again.", count(to_send, "event")),
        exports => format!(
            "{} of {} gave {}. {sent} Every row and every cent is accounted for below.{before}",
            count(rows, "row"),
            count(exports as u64, "export"),
            count(events, "event")
        ),
    }
}

pub(super) fn facts(
    account: &Account,
    runs: &[RunRecord],
    summary: &RunSummary,
) -> Vec<(String, String)> {
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
    match (&summary.span, runs) {
        (Some(span), _) => {
            let name = match span.by {
                SpanBy::RunDate => "Runs of the days",
                SpanBy::SaleDate => "Sales of the days",
            };
            fact(name, format!("{} to {}, {}", span.from, span.to, span.zone));
            fact("Runs", grouped(runs.len() as i128));
            for (head, what) in open_lines(span) {
                fact(&head, what);
            }
        }
        (None, [run]) => {
            fact("Run", summary.run.clone());
            fact("Started", time(run.started));
            fact("Ended", ended(run));
        }
        (None, _) => fact("Run", summary.run.clone()),
    }
    fact(
        "Account",
        format!("{} ({})", account.account_id, account.api),
    );
    fact("At", account.base_url.clone());
    fact(
        "Sent in",
        format!(
            "{}, {} s",
            count(summary.requests, "request"),
            grouped(summary.elapsed_seconds.into())
        ),
    );
    if let Some(per_minute) = summary.learned_requests_per_minute {
        fact(
            "Account's limit",
            format!("about {} a minute", count(per_minute.into(), "request")),
        );
    }
    fact("Exit code", summary.exit_code.to_string());
    facts
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn ended(run: &RunRecord) -> String {
    match run.ended {
        Some(at) => time(at),
        None => "not finished, or killed".to_owned(),
    }
}

/// Returns the runs of a span, the oldest first; nothing for a single run, whose facts are at the
/// top.
pub(super) fn run_lines(runs: &[RunRecord], summary: &RunSummary) -> Vec<RunLine> {
    if summary.span.is_none() {
        return Vec::new();
    }
    let line = |run: &RunRecord| RunLine {
        name: run.name.clone(),
        command: run.command.as_str(),
        started: time(run.started),
        ended: ended(run),
        requests: grouped(run.requests.into()),
        exit_code: run
            .exit_code
            .map_or_else(String::new, |code| code.to_string()),
    };
    runs.iter().take(RUNS).map(line).collect()
}

/// Returns the number of events that have no final answer, in words; `None` if there are none.
fn open_in_words(summary: &RunSummary) -> Option<String> {
    let open: Vec<String> = [
        (None, "not sent"),
        (Some(Outcome::Unconfirmed), "unconfirmed"),
    ]
    .map(|(outcome, what)| (summary.outcomes.for_outcome(outcome).count(), what))
    .iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, what)| format!("{} {what}", grouped((*n).into())))
    .collect();
    (!open.is_empty()).then(|| open.join(", "))
}

/// Returns the figures at the top of the page.
pub(super) fn tiles(summary: &RunSummary) -> Vec<Tile> {
    let to_send = summary.reading.events.for_state(PlanState::ToSend).count();
    let of = |outcome| summary.outcomes.for_outcome(Some(outcome)).count();
    let of_sent = |n: u64| match (to_send, n) {
        (0, _) => "nothing to send".to_owned(),
        (_, 0) => "none".to_owned(),
        (_, n) if n == to_send => "everything that was to be sent".to_owned(),
        _ => format!("{} of {}", percent(n, to_send), grouped(to_send.into())),
    };
    let before = of(Outcome::AlreadyTracked);
    let others = match before {
        0 => String::new(),
        n => format!("; {} more were tracked before", grouped(n.into())),
    };
    let below_failed = match open_in_words(summary) {
        Some(open) => format!("besides {open}"),
        None => of_sent(of(Outcome::Failed)),
    };
    let rows = summary.reading.rows;
    vec![
        Tile {
            name: "Rows read",
            class: "",
            value: rows.read,
            path: "rows.read",
            below: format!(
                "{} ignored, {} rejected",
                grouped(rows.ignored.into()),
                grouped(rows.rejected.into())
            ),
        },
        Tile {
            name: "Events",
            class: "",
            value: summary.reading.events.read.count(),
            path: "events.total",
            below: format!("{} to send", grouped(to_send.into())),
        },
        Tile {
            name: "Tracked",
            class: "tracked",
            value: of(Outcome::Tracked),
            path: "outcomes.tracked.count",
            below: of_sent(of(Outcome::Tracked)) + &others,
        },
        Tile {
            name: "No referral",
            class: "non_referral",
            value: of(Outcome::NonReferral),
            path: "outcomes.non_referral.count",
            below: of_sent(of(Outcome::NonReferral)),
        },
        Tile {
            name: "Failed",
            class: "failed",
            value: of(Outcome::Failed),
            path: "outcomes.failed.count",
            below: below_failed,
        },
    ]
}

/// Returns a share in percent, rounded down to a tenth: less than all is never shown as `100 %`.
fn percent(part: u64, whole: u64) -> String {
    let thousandths = u128::from(part) * 1000 / u128::from(whole.max(1));
    match thousandths {
        0 => "less than 0.1 %".to_owned(),
        n => format!("{}.{} %", n / 10, n % 10),
    }
}

pub(super) fn step_lines(attention: &[Attention]) -> Vec<StepLine> {
    let line = |item: &Attention| StepLine {
        what: item.what(),
        advice: item.advice(),
        command: item.command.clone(),
        anchor: anchor(item.code),
    };
    attention.iter().map(line).collect()
}

/// The greatest number of acceptances that are listed.
pub(super) const ACCEPTED: usize = 100;

/// Items that were accepted together.
pub(super) struct AcceptedLine {
    pub(super) what: String,
    pub(super) reason: String,
    pub(super) by: String,
    pub(super) at: String,
}

pub(super) fn accepted_lines(accepted: &[AcceptedSummary]) -> Vec<AcceptedLine> {
    let line = |item: &AcceptedSummary| AcceptedLine {
        what: item.what(),
        reason: item.reason.clone(),
        by: item.by.clone(),
        at: item.at.clone(),
    };
    accepted.iter().take(ACCEPTED).map(line).collect()
}
