//! `report.html`: the report as one page that needs nothing beside it, neither network nor script.
//!
//! It holds sums and what needs attention, not every event, so that it stays small whatever the size
//! of the run; the CSVs beside it have the rest. All figures come from the same [`RunSummary`] as
//! `summary.json`, or are compared with it before the page is written.
//!
//! The template escapes whatever it is given. Should something slip through all the same, the page's
//! policy lets no script run but its own, known by its hash, and nothing load from anywhere.

mod chart;
mod gather;
mod ledger;
mod text;

use std::io::Write;
use std::path::Path;

use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use self::chart::{ColumnChart, LegendEntry, Share};
use self::gather::{ByOutcome, EventLine, Gathered, Remark, RowLine};
use self::ledger::Ledger;
use super::atomic::{Failure, Partial};
use super::books::Books;
use super::columns::Cell;
use super::exporter::{Content, Exporter, Written};
use super::source_rows::SourceRow;
use super::steps::{Step, Trouble, steps_of_run};
use super::summary::{OutcomesSummary, RunSummary, outcome_word};
use super::words::{amount, count, grouped, outcome_words};
use crate::event::Tally;
use crate::journal::{Account, EventRecord, HeldRecord, Outcome, PlanState, RunRecord};
use crate::problem::Problem;

/// The file's name.
const NAME: &str = "report.html";
/// How many bars a picture has at the most.
const BARS: usize = 12;
/// How many exports are named.
const EXPORTS: usize = 200;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Writes `report.html`.
pub(super) struct HtmlFile {
    directory: std::path::PathBuf,
    account: Account,
    runs: Vec<RunRecord>,
    summary: RunSummary,
    gathered: Gathered,
}

impl HtmlFile {
    pub(super) fn new(
        directory: &Path,
        account: Account,
        books: &Books<'_>,
        summary: &RunSummary,
    ) -> Self {
        HtmlFile {
            directory: directory.to_owned(),
            account,
            runs: books.runs().to_vec(),
            summary: summary.clone(),
            gathered: Gathered::default(),
        }
    }
}

impl Exporter for HtmlFile {
    fn takes(&self) -> &'static [Content] {
        &[
            Content::Events,
            Content::Held,
            Content::Rejected,
            Content::Problems,
        ]
    }

    fn event(&mut self, record: &EventRecord, _cells: &[Cell<'_>]) -> Result<(), Failure> {
        self.gathered.event(record);
        Ok(())
    }

    fn held(&mut self, record: &HeldRecord, _cells: &[Cell<'_>]) -> Result<(), Failure> {
        self.gathered.held(record);
        Ok(())
    }

    fn source_row(&mut self, row: &SourceRow<'_>) -> Result<(), Failure> {
        self.gathered.rejected(row.record);
        Ok(())
    }

    fn problem(&mut self, problem: &Problem) -> Result<(), Failure> {
        self.gathered.problem(problem);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<Written>, Failure> {
        let path = self.directory.join(NAME);
        let page = Page::of(&self.account, &self.runs, &self.summary, &self.gathered);
        let mut file = Partial::create(&path)?;
        page.agrees()
            .and_then(|()| page.write_into(&mut file))
            .and_then(|()| file.write_all(b"\n"))
            .map_err(|error| Failure::new(&path, "writing it", error))?;
        Ok(vec![Written {
            name: NAME.to_owned(),
            whole: file.finish()?,
        }])
    }
}

/// The page, as the template wants it.
#[derive(Template)]
#[template(path = "page.html", config = "src/report/html/askama.toml")]
struct Page<'p> {
    style: &'static str,
    script: &'static str,
    style_hash: String,
    script_hash: String,
    summary: &'p RunSummary,
    gathered: &'p Gathered,
    title: String,
    verdict: String,
    is_good: bool,
    lead: String,
    facts: Vec<(&'static str, String)>,
    tiles: Vec<Tile>,
    steps: Vec<StepLine>,
    ledgers: Vec<Ledger>,
    over_time: Option<ColumnChart>,
    money: Vec<ColumnChart>,
    exports: Vec<ExportBar>,
    exports_left_out: usize,
    exports_legend: Vec<LegendEntry>,
    promoters: Vec<PromoterBar>,
    promoters_left_out: usize,
    reasons: Vec<ReasonBar>,
    reasons_left_out: usize,
    tables: Vec<EventTable<'p>>,
    rejected: &'p [RowLine],
    warnings: &'p [Remark],
    journal_note: String,
}

/// One of the figures at the top.
struct Tile {
    name: &'static str,
    class: &'static str,
    value: u64,
    path: &'static str,
    below: String,
}

impl Tile {
    fn words(&self) -> String {
        grouped(self.value.into())
    }
}

/// Something to do.
struct StepLine {
    what: String,
    advice: &'static str,
    command: String,
    anchor: &'static str,
}

/// What came of one export.
struct ExportBar {
    name: String,
    profile: String,
    rows: String,
    events: String,
    parts: Vec<BarPart>,
    words: String,
}

struct BarPart {
    class: &'static str,
    x: Share,
    width: Share,
}

struct PromoterBar {
    name: String,
    email: String,
    events: String,
    net: String,
    commission: String,
    width: Share,
}

struct ReasonBar {
    status: String,
    message: String,
    events: String,
    width: Share,
}

/// A table of events that need attention.
struct EventTable<'p> {
    anchor: &'static str,
    title: String,
    file: &'static str,
    rows: &'p [EventLine],
    left_out: u64,
}

impl EventTable<'_> {
    fn left_out_words(&self) -> String {
        grouped(self.left_out.into())
    }
}

impl<'p> Page<'p> {
    fn of(
        account: &Account,
        runs: &[RunRecord],
        summary: &'p RunSummary,
        gathered: &'p Gathered,
    ) -> Self {
        let steps = steps_of_run(summary);
        let exports = export_bars(runs, gathered);
        let promoters = promoter_bars(gathered);
        let reasons = reason_bars(gathered);
        let seen = OutcomesSummary::all().filter(|of| summary.outcomes.of(*of).count() > 0);
        let currencies = summary.reading.events.read.cents();
        let mut ledgers = vec![ledger::rows(summary), ledger::events(summary)];
        ledgers.extend(currencies.keys().map(|of| ledger::money(summary, *of)));
        let days = &gathered.days;
        let sent = summary.reading.events.of(PlanState::ToSend).cents();
        let money = sent
            .keys()
            .filter_map(|currency| chart::money_by_month(days, &gathered.undated, *currency));
        Page {
            style: STYLE,
            script: SCRIPT,
            style_hash: hash(STYLE),
            script_hash: hash(SCRIPT),
            title: summary.run.clone(),
            verdict: verdict(summary, &steps),
            is_good: steps.is_empty(),
            lead: lead(summary),
            facts: facts(account, runs, summary),
            tiles: tiles(summary, &steps),
            steps: steps.iter().map(|step| step_line(step, account)).collect(),
            ledgers,
            over_time: chart::outcomes_over_time(days, gathered.undated.outcomes.total()),
            money: money.collect(),
            exports_left_out: exports.len().saturating_sub(EXPORTS),
            exports: exports.into_iter().take(EXPORTS).collect(),
            exports_legend: chart::legend(&seen.collect::<Vec<_>>()),
            promoters_left_out: promoters.len().saturating_sub(BARS),
            promoters: promoters.into_iter().take(BARS).collect(),
            reasons_left_out: reasons.len().saturating_sub(BARS),
            reasons: reasons.into_iter().take(BARS).collect(),
            tables: event_tables(&steps, gathered),
            rejected: &gathered.rejected.rows,
            warnings: &gathered.warnings.rows,
            journal_note: format!(
                "Made by fprecon {} from the journal.",
                env!("CARGO_PKG_VERSION")
            ),
            summary,
            gathered,
        }
    }

    /// Whether the pictures show what the summary says; else there is a fault in this program.
    fn agrees(&self) -> std::io::Result<()> {
        let outcomes = self.gathered.outcomes();
        let counts = OutcomesSummary::all()
            .all(|of| outcomes.of(of) == self.summary.outcomes.of(of).count());
        let mut money = Tally::default();
        for (kind, currency, sum) in self.summary.outcomes.total().iter() {
            if currency.is_some() {
                money.add_sum(kind, currency, sum);
            }
        }
        if counts && money == self.gathered.money() {
            return Ok(());
        }
        Err(std::io::Error::other(
            "the books do not balance: the events of the report are not those of its summary",
        ))
    }

    fn rejected_title(&self) -> String {
        let rejected = self.summary.reading.rows.rejected;
        format!("{} rejected", count(rejected, "row"))
    }

    fn warnings_title(&self) -> String {
        count(self.gathered.warnings_count, "warning")
    }

    fn rejected_left_out(&self) -> u64 {
        left_out(self.summary.reading.rows.rejected, self.rejected.len())
    }

    fn warnings_left_out(&self) -> u64 {
        left_out(self.gathered.warnings_count, self.warnings.len())
    }
}

fn left_out(all: u64, shown: usize) -> u64 {
    all.saturating_sub(shown as u64)
}

/// As a content security policy names it.
fn hash(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text.as_bytes()))
}

/// The answer in one sentence.
fn verdict(summary: &RunSummary, steps: &[Step]) -> String {
    let of = |trouble| steps.iter().find(|step| step.trouble == trouble);
    if let Some(step) = of(Trouble::NotSent) {
        let are = if step.count == 1 { "is" } else { "are" };
        return format!("{} {are} not sent yet", count(step.count, "event"));
    }
    let sum = |is_row: bool| -> u64 {
        let of_noun = steps
            .iter()
            .filter(|step| (step.trouble == Trouble::Rejected) == is_row);
        of_noun.map(|step| step.count).sum()
    };
    let (events, rows) = (sum(false), sum(true));
    let needs = |n| if n == 1 { "needs" } else { "need" };
    match (events, rows) {
        (0, 0) if summary.reading.events.of(PlanState::ToSend).count() == 0 => {
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

fn lead(summary: &RunSummary) -> String {
    let to_send = summary.reading.events.of(PlanState::ToSend).count();
    let events = summary.reading.events.read.count();
    let rows = summary.reading.rows.read;
    let sent = match to_send {
        0 => "None of them had to be sent.".to_owned(),
        n if n == events => "All of them were to be sent.".to_owned(),
        n => format!("{} of them were to be sent.", grouped(n.into())),
    };
    match summary.reading.inputs.len() {
        0 => format!("{} were tried again.", count(to_send, "event")),
        exports => format!(
            "{} of {} gave {}. {sent} Every row and every cent is accounted for below.",
            count(rows, "row"),
            count(exports as u64, "export"),
            count(events, "event")
        ),
    }
}

fn facts(
    account: &Account,
    runs: &[RunRecord],
    summary: &RunSummary,
) -> Vec<(&'static str, String)> {
    let time = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let mut facts = vec![("Run", summary.run.clone())];
    if let Some(first) = runs.first() {
        facts.push(("Started", time(first.started)));
    }
    match runs.iter().map(|run| run.ended).collect::<Option<Vec<_>>>() {
        Some(ends) => facts.extend(ends.into_iter().max().map(|at| ("Ended", time(at)))),
        None => facts.push(("Ended", "not yet, or it was killed".to_owned())),
    }
    facts.push((
        "Account",
        format!("{} ({})", account.account_id, account.api),
    ));
    facts.push(("At", account.base_url.clone()));
    facts.push((
        "Sent in",
        format!(
            "{}, {} s",
            count(summary.requests, "request"),
            grouped(summary.elapsed_seconds.into())
        ),
    ));
    facts.push(("Exit code", summary.exit_code.to_string()));
    facts
}

fn tiles(summary: &RunSummary, steps: &[Step]) -> Vec<Tile> {
    let to_send = summary.reading.events.of(PlanState::ToSend).count();
    let of = |outcome| summary.outcomes.of(Some(outcome)).count();
    let of_sent = |n: u64| match to_send {
        0 => "nothing was to be sent".to_owned(),
        _ => format!("{} of what was to be sent", percent(n, to_send)),
    };
    let before = of(Outcome::AlreadyTracked);
    let others = match before {
        0 => String::new(),
        n => format!("; {} more by others before", grouped(n.into())),
    };
    let rest: Vec<String> = steps
        .iter()
        .filter(|step| matches!(step.trouble, Trouble::NotSent | Trouble::Unconfirmed))
        .map(|step| format!("{} {}", grouped(step.count.into()), step.trouble.as_str()))
        .collect();
    let rest = match rest.is_empty() {
        true => of_sent(of(Outcome::Failed)),
        false => format!("besides {}", rest.join(", ")),
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
            below: rest,
        },
    ]
}

/// To a tenth; what is not all is never called so.
fn percent(part: u64, whole: u64) -> String {
    let thousandths = u128::from(part) * 1000 / u128::from(whole.max(1));
    match (part, thousandths) {
        (0, _) => "none".to_owned(),
        (part, _) if part == whole => "all".to_owned(),
        (_, 0) => "less than 0.1 %".to_owned(),
        (_, n) => format!("{}.{} %", n / 10, n % 10),
    }
}

fn step_line(step: &Step, account: &Account) -> StepLine {
    let trouble = step.trouble;
    let mut command = format!("fprecon {}", trouble.command());
    if account.is_sandbox() {
        command.push_str(" --sandbox");
        if account.api != "v1" {
            command.push_str(&format!(" --api {}", account.api));
        }
    }
    StepLine {
        what: format!("{} {}", count(step.count, trouble.noun()), trouble.as_str()),
        advice: trouble.advice(),
        command,
        anchor: anchor(trouble),
    }
}

fn anchor(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::NotSent => "not-sent",
        Trouble::Failed => "failed-events",
        Trouble::Unconfirmed => "unconfirmed-events",
        Trouble::Held => "held-events",
        Trouble::Rejected => "rejected-rows",
    }
}

fn event_tables<'p>(steps: &[Step], gathered: &'p Gathered) -> Vec<EventTable<'p>> {
    let tables = steps.iter().filter_map(|step| {
        let rows = match step.trouble {
            Trouble::NotSent => &gathered.not_sent,
            Trouble::Failed => &gathered.refused,
            Trouble::Unconfirmed => &gathered.unconfirmed,
            Trouble::Held => &gathered.held,
            Trouble::Rejected => return None,
        };
        let word = step.trouble.as_str();
        Some(EventTable {
            anchor: anchor(step.trouble),
            title: format!("{} {word}", count(step.count, "event")),
            file: step.trouble.file(),
            rows: &rows.rows,
            left_out: left_out(step.count, rows.rows.len()),
        })
    });
    tables.collect()
}

/// What came of each export: those that were read, and those that only the journal still knows.
fn export_bars(runs: &[RunRecord], gathered: &Gathered) -> Vec<ExportBar> {
    let mut exports: Vec<(String, String, u64, ByOutcome)> = Vec::new();
    let find = |exports: &[(String, String, u64, ByOutcome)], path: &str| {
        exports.iter().position(|(of, ..)| of == path)
    };
    for input in runs.iter().flat_map(|run| &run.inputs) {
        match find(&exports, &input.path) {
            Some(place) => exports[place].2 += input.rows_read,
            None => exports.push((
                input.path.clone(),
                input.profile.clone(),
                input.rows_read,
                ByOutcome::default(),
            )),
        }
    }
    for (path, outcomes) in &gathered.exports {
        let path = path.as_deref().unwrap_or("not known");
        match find(&exports, path) {
            Some(place) => exports[place].3.merge(outcomes),
            None => exports.push((path.to_owned(), String::new(), 0, *outcomes)),
        }
    }
    exports.into_iter().map(export_bar).collect()
}

fn export_bar((path, profile, rows, outcomes): (String, String, u64, ByOutcome)) -> ExportBar {
    let total = outcomes.total();
    let mut parts = Vec::new();
    let mut words = Vec::new();
    let mut before = 0;
    for outcome in OutcomesSummary::all() {
        let n = outcomes.of(outcome);
        if n > 0 {
            parts.push(BarPart {
                class: outcome_word(outcome),
                x: Share::of(before, total),
                width: Share::of(n, total),
            });
            words.push(format!("{} {}", grouped(n.into()), outcome_words(outcome)));
            before += n;
        }
    }
    if words.is_empty() {
        words.push("nothing to send".to_owned());
    }
    ExportBar {
        name: text::cut(&path, 160),
        profile,
        rows: if rows > 0 {
            grouped(rows.into())
        } else {
            String::new()
        },
        events: grouped(total.into()),
        parts,
        words: words.join(", "),
    }
}

/// The largest commissions first, then the most events.
fn promoter_bars(gathered: &Gathered) -> Vec<PromoterBar> {
    let mut promoters: Vec<_> = gathered.promoters.values().collect();
    promoters.sort_by(|a, b| {
        let size = |of: &gather::Promoter| (of.commission_cents, of.events);
        size(b)
            .cmp(&size(a))
            .then_with(|| (&a.ref_id, &a.email).cmp(&(&b.ref_id, &b.email)))
    });
    let by_commission = promoters
        .first()
        .is_some_and(|first| first.commission_cents > 0);
    let size = |of: &gather::Promoter| match by_commission {
        true => of.commission_cents.max(0),
        false => of.events.into(),
    };
    let largest = promoters.iter().map(|of| size(of)).max().unwrap_or(0);
    let bar = |of: &&gather::Promoter| PromoterBar {
        name: if of.ref_id.is_empty() {
            of.email.clone()
        } else {
            of.ref_id.clone()
        },
        email: if of.ref_id.is_empty() {
            String::new()
        } else {
            of.email.clone()
        },
        events: grouped(of.events.into()),
        net: of
            .net_cents
            .iter()
            .map(|(currency, cents)| format!("{} {currency}", amount(*cents, *currency)))
            .collect::<Vec<_>>()
            .join(", "),
        commission: grouped(of.commission_cents),
        width: Share::of(size(of), largest),
    };
    promoters.iter().map(bar).collect()
}

/// The most frequent first.
fn reason_bars(gathered: &Gathered) -> Vec<ReasonBar> {
    let mut reasons: Vec<_> = gathered.failed.iter().collect();
    reasons.sort_by(|(a, n), (b, m)| {
        m.cmp(n)
            .then_with(|| (a.http_status, &a.message).cmp(&(b.http_status, &b.message)))
    });
    let most = reasons.first().map_or(0, |(_, n)| **n);
    let bar = |(reason, n): &(&gather::Reason, &u64)| ReasonBar {
        status: reason
            .http_status
            .map_or_else(String::new, |status| status.to_string()),
        message: match reason.message.as_str() {
            "" => "nothing was said".to_owned(),
            message => message.to_owned(),
        },
        events: grouped((**n).into()),
        width: Share::of(**n, most),
    };
    reasons.iter().map(bar).collect()
}
