//! The life of a row or an event, for a person.

use anstyle::Style;

use super::dry::{DryEvent, DryReading};
use super::{ExplainOutput, FileState, RowOutput};
use crate::classify::MatchedRule;
use crate::cli::tables::count;
use crate::event::Currency;
use crate::invisible::shown;
use crate::problem::{Problem, shortened};
use crate::report::life::{
    EventLife, HeldLife, LifeAcceptance, LifeAttempt, LifeAttention, LifeEvent, LifeRun,
    RelatedEvent, RowInRun,
};

/// The greatest number of runs, refunds and the like that are listed; `--json` has all.
const LISTED: usize = 6;

/// Paragraphs of a heading and lines with labels.
#[derive(Default)]
struct ExplainPage(Vec<String>);

impl ExplainPage {
    fn heading(&mut self, text: &str) {
        let bold = Style::new().bold();
        if !self.0.is_empty() {
            self.0.push(String::new());
        }
        self.0.push(format!("{bold}{}{bold:#}", shown(text)));
    }

    fn line(&mut self, label: &str, text: &str) {
        self.0.push(format!("  {label:<11}{}", shown(text)));
    }

    /// Writes the first lines of a list, the label only once, and how many more there are.
    fn list(&mut self, label: &str, lines: impl Iterator<Item = String>) {
        let lines: Vec<String> = lines.collect();
        let more = lines.len().saturating_sub(LISTED);
        for (place, line) in lines.iter().take(LISTED).enumerate() {
            self.line(if place == 0 { label } else { "" }, line);
        }
        if more > 0 {
            self.line("", &format!("and {more} more; `--json` has all of them"));
        }
    }

    fn problem(&mut self, problem: &Problem) {
        self.line(problem.severity.as_str(), &problem.message);
        if let Some(hint) = &problem.hint {
            let mut lines = hint.split(Problem::HINT_LINE);
            self.line("", &format!("hint: {}", lines.next().unwrap_or_default()));
            for line in lines {
                self.line("", &format!("  {line}"));
            }
        }
    }

    fn command(&mut self, attention: &LifeAttention) {
        let bold = Style::new().bold();
        let what = attention.code.replace('_', " ");
        self.line("attention", &format!("{what}. {}", attention.advice));
        self.0.push(format!(
            "             {bold}{}{bold:#}",
            shown(&attention.command)
        ));
    }
}

/// Returns the whole text. `what` is what the user asked for.
pub(super) fn whole(output: &ExplainOutput, what: &str) -> String {
    let mut page = ExplainPage::default();
    if let Some(row) = &output.row {
        explain_row(&mut page, row);
    } else if output.events.iter().all(|life| life.event.event_id != what)
        && let Some(life) = output.events.first()
    {
        let id = &life.event.event_id;
        page.heading(&format!("{what} is another id of {id}"));
    }
    for life in &output.events {
        explain_event(&mut page, life, output.account_currency);
    }
    if let Some(latest) = output.held.last() {
        let held = &latest.event;
        page.heading(&format!("{}, held", event_words(held)));
        event_lines(&mut page, held);
        held_lines(&mut page, &output.held);
    }
    page.0.join("\n")
}

fn explain_row(page: &mut ExplainPage, row: &RowOutput) {
    page.heading(&format!("{}:{}", row.file, row.line));
    match row.export {
        FileState::NotRun => page.line(
            "not run",
            "No run has read this export as it is now: nothing below is recorded. This is what `plan` would decide.",
        ),
        FileState::Same => {}
        FileState::Changed => page.line(
            "export",
            "The file has changed since the run read it: only what the journal keeps is shown.",
        ),
        FileState::Missing => page.line(
            "export",
            "The file is not there or cannot be read: only what the journal keeps is shown.",
        ),
    }
    if let Some(last) = row.runs_of_other_bytes.first() {
        let runs = count(row.runs_of_other_bytes.len() as u64, "run");
        page.line(
            "other",
            &format!(
                "{runs} read other content under this name, the last one {last} (`--run {last}`)"
            ),
        );
    }
    if let Some(reading) = &row.reading {
        reading_lines(page, reading, row.export);
    }
    let runs: Vec<String> = row.runs.iter().rev().map(run_of_row).collect();
    page.list("runs", runs.into_iter());
    if let Some(last) = row.runs.last() {
        row_in_run(page, last);
    }
    for (place, cell) in row.cells.iter().enumerate() {
        let column = cell.column.as_deref().unwrap_or("beyond the header");
        let label = if place == 0 { "cells" } else { "" };
        page.line(label, &format!("{column}: {}", shortened(&cell.value)));
    }
}

fn reading_lines(page: &mut ExplainPage, reading: &DryReading, export: FileState) {
    page.line(
        "profile",
        &format!("{} ({})", reading.profile, reading.recognised),
    );
    for rule in &reading.rules {
        page.line("rule", &rule_words(rule));
        if let Some(amount) = &rule.amount {
            page.line("", &format!("amount: {amount}"));
        }
        if let Some(date) = &rule.date {
            page.line("", &format!("date: {date}"));
        }
    }
    match (&reading.reason, reading.result) {
        (Some(reason), result) => page.line("result", &format!("{result}: {reason}")),
        (None, _) if reading.events.is_empty() => {
            page.line("result", "no event of its own: it says more of another one");
        }
        (None, _) => {
            let events = reading.events.iter().map(dry_words);
            page.list("result", events);
        }
    }
    // What a run reported is shown with the run.
    if export == FileState::NotRun {
        for problem in &reading.problems {
            page.problem(problem);
        }
    }
}

fn rule_words(rule: &MatchedRule) -> String {
    let mut words = match (rule.rule, rule.kind) {
        ("event", Some(kind)) => format!("a {kind}"),
        ("ignore" | "read_as", _) => "ignored".to_owned(),
        ("reject", _) => "rejected".to_owned(),
        _ => "warning".to_owned(),
    };
    if let Some(text) = &rule.text {
        words.push_str(&format!(": {text}"));
    }
    if rule.tests.is_empty() {
        words.push_str(" (for every row)");
    } else {
        words.push_str(&format!(", since {}", rule.tests.join(", ")));
    }
    words
}

fn dry_words(event: &DryEvent) -> String {
    let state = match event.plan_state {
        "to_send" => "new, to be sent",
        "settled" => "settled by an earlier run",
        "duplicate" => "a duplicate: nothing is sent for it",
        "conflict" => "held, in conflict",
        _ => "held",
    };
    let note = match (event.plan_state, event.event.note.as_str()) {
        ("settled", _) | (_, "") => String::new(),
        (_, note) => format!(" ({note})"),
    };
    format!("{}: {state}{note}", event_words(&event.event))
}

fn run_of_row(run: &RowInRun) -> String {
    let result = match (run.result, &run.reason) {
        (Some("events"), _) => format!("gave {}", run.event_ids.join(", ")),
        (Some("held"), _) => "held".to_owned(),
        (Some(result), Some(reason)) => format!("{result}: {reason}"),
        _ => "nothing new: an earlier run or another row has what it gives".to_owned(),
    };
    format!("{}  {} as {}, {result}", run.run, run.file, run.profile)
}

fn row_in_run(page: &mut ExplainPage, run: &RowInRun) {
    for problem in &run.problems {
        page.problem(problem);
    }
    for held in &run.held {
        page.line(
            "held",
            &format!("{}: {}", event_words(&held.event), held.event.note),
        );
        held_state(page, held);
    }
    acceptance_lines(page, &run.accepted);
    if let Some(attention) = &run.attention {
        page.command(attention);
    } else if run.result == Some("rejected") && run.accepted.is_empty() {
        page.line(
            "attention",
            "none any more: a later run has read this export again",
        );
    }
}

fn explain_event(page: &mut ExplainPage, life: &EventLife, account_currency: Currency) {
    page.heading(&event_words(&life.event));
    if life.is_replaced {
        page.line(
            "replaced",
            "It was corrected: another content counts under this id.",
        );
    }
    if life.is_replacement {
        page.line(
            "corrected",
            "It counts instead of an earlier content under this id.",
        );
    }
    event_lines(page, &life.event);
    outcome_lines(page, life, account_currency);
    acceptance_lines(page, &life.accepted);
    match &life.attention {
        Some(attention) => page.command(attention),
        None => page.line("attention", "none"),
    }
    page.list("sale", life.sale.iter().map(related_words));
    page.list("refunds", life.refunds.iter().map(related_words));
    page.list("corrections", life.corrections.iter().map(related_words));
    page.list("runs", life.runs.iter().rev().map(run_words));
    if !life.held.is_empty() {
        held_lines(page, &life.held);
    }
    if life.attempts.is_empty() {
        page.line("requests", "none was made for it");
    }
    let attempts: Vec<String> = life.attempts.iter().map(attempt_words).collect();
    page.list("requests", attempts.into_iter());
}

/// Returns what every life of an event begins with: `sale in_1, 20.00 USD`.
fn event_words(event: &LifeEvent) -> String {
    let amount = event
        .amount
        .money()
        .map_or(String::new(), |money| format!(", {money}"));
    format!("{} {}{amount}", event.kind, event.event_id)
}

fn event_lines(page: &mut ExplainPage, event: &LifeEvent) {
    let customer: Vec<&str> = [&event.email, &event.uid]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    if !customer.is_empty() {
        page.line("customer", &customer.join(", "));
    }
    if let Some(at) = &event.created_at {
        page.line("date", at);
    }
    if let Some(reference) = &event.reference {
        page.line("other id", reference);
    }
    let currency = event.amount.currency;
    if let (Some(gross), Some(currency)) = (event.gross_cents, read_currency(event, currency)) {
        let what = format!("{} in all", money_words(gross, currency));
        page.line(
            "paid",
            &format!("{what}; the rest does not count, such as tax"),
        );
    }
    if let (Some(total), Some(currency)) =
        (event.refund_total_cents, read_currency(event, currency))
    {
        let total = money_words(total, currency);
        page.line("total", &format!("read from a running total of {total}"));
    }
    if let Some(original) = &event.original
        && let Some(money) = original.amount.money()
    {
        let (rate, day) = (&original.rate, &original.rate_date);
        page.line(
            "converted",
            &format!("from {money} at {rate}, the rate of {day}"),
        );
    }
    if !event.note.is_empty() {
        page.line("note", &event.note);
    }
}

/// Returns the currency of the amounts that the export has.
fn read_currency(event: &LifeEvent, sent: Option<Currency>) -> Option<Currency> {
    let original = event.original.as_ref();
    original
        .and_then(|original| original.amount.currency)
        .or(sent)
}

fn money_words(amount_cents: i64, currency: Currency) -> String {
    let money = crate::event::Money {
        amount_cents,
        currency,
    };
    money.to_string()
}

fn outcome_lines(page: &mut ExplainPage, life: &EventLife, account_currency: Currency) {
    let said = match life.outcome {
        "tracked" => "tracked: FirstPromoter recorded it",
        "already_tracked" => {
            "already tracked: FirstPromoter had it before our first request, so its amount there is not verified"
        }
        "non_referral" => "not a referral: FirstPromoter does not know the customer as a lead",
        "failed" => "failed: it is not recorded",
        "unconfirmed" => "unconfirmed: it may have been recorded, and no answer says so",
        _ if life.is_being_sent => "not sent yet: a run is sending at this moment",
        _ => "not sent yet",
    };
    let mut outcome = said.to_owned();
    if life.is_inferred {
        outcome.push_str(", by the answer to another event of this customer");
    }
    if let Some(status) = life.http_status {
        outcome.push_str(&format!(" (HTTP {status})"));
    }
    if let Some(at) = &life.settled_at {
        outcome.push_str(&format!(", {at}"));
    }
    page.line("outcome", &outcome);
    if life.can_be_recorded {
        page.line(
            "",
            "a request for it got no usable answer: it may be recorded",
        );
    }
    if let Some(message) = &life.message {
        page.line("message", message);
    }
    if let Some(id) = &life.api_event_id {
        page.line("its id", &format!("{id} at FirstPromoter"));
    }
    let promoter: Vec<&str> = [&life.promoter_email, &life.promoter_ref_id]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    if !promoter.is_empty() {
        page.line("promoter", &promoter.join(", "));
    }
    if let Some(cents) = life.commission_cents {
        page.line("commission", &money_words(cents, account_currency));
    }
}

fn acceptance_lines(page: &mut ExplainPage, accepted: &[LifeAcceptance]) {
    for own in accepted {
        let what = own.code.replace('_', " ");
        let mut line = format!("as {what} by {}, {}: {}", own.by, own.at, own.reason);
        match (&own.undone_by, &own.undone_at) {
            (Some(by), Some(at)) => line.push_str(&format!("; withdrawn by {by}, {at}")),
            _ if !own.is_current => line.push_str("; it has changed since"),
            _ => {}
        }
        page.line("accepted", &line);
    }
}

/// Writes the runs that held an event, the last one first, and what is said of it now.
fn held_lines(page: &mut ExplainPage, held: &[HeldLife]) {
    let place = |held: &HeldLife| match (&held.file, held.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        _ => "a row".to_owned(),
    };
    let lines = held
        .iter()
        .rev()
        .map(|held| format!("{}  {}: {}", held.run, place(held), held.event.note));
    page.list("held", lines);
    if let Some(last) = held.last() {
        held_state(page, last);
    }
}

fn held_state(page: &mut ExplainPage, held: &HeldLife) {
    if !held.candidates.is_empty() {
        page.line("may be of", &held.candidates.join(", "));
    }
    acceptance_lines(page, &held.accepted);
    match &held.attention {
        Some(attention) => page.command(attention),
        None if held.is_open => {}
        None => page.line(
            "",
            "not held any more: it was recorded, or a later run read the export again",
        ),
    }
}

fn related_words(event: &RelatedEvent) -> String {
    let amount = event
        .amount
        .money()
        .map_or(String::new(), |money| format!(", {money}"));
    let message = event
        .message
        .as_deref()
        .map_or(String::new(), |message| format!(" ({message})"));
    let outcome = event.outcome.replace('_', " ");
    format!(
        "{} {}{amount}: {outcome}{message}",
        event.kind, event.event_id
    )
}

fn run_words(run: &LifeRun) -> String {
    let role = match run.role {
        "to_send" if run.command == "retry" => "tried again",
        "to_send" => "recorded, to be sent",
        _ => "read again, as an earlier run had left it",
    };
    let place = match (&run.file, run.line) {
        (Some(file), Some(line)) => format!(", {file}:{line}"),
        _ => String::new(),
    };
    format!("{}  {role}{place}", run.run)
}

fn attempt_words(attempt: &LifeAttempt) -> String {
    let status = attempt
        .http_status
        .map_or(String::new(), |status| format!("HTTP {status}, "));
    let answer = match (&attempt.answer, &attempt.answered_at) {
        (Some(answer), Some(at)) => format!("{status}{} at {at}", answer.replace('_', " ")),
        _ => "no answer is known".to_owned(),
    };
    let effect = match attempt.effect {
        Some("recorded") => "",
        Some("none") => "; nothing was recorded",
        _ => "; it may be recorded",
    };
    let message = attempt
        .message
        .as_deref()
        .map_or(String::new(), |message| format!(": {message}"));
    format!(
        "{}  sent {}: {answer}{effect}{message}",
        attempt.number, attempt.intended_at
    )
}
