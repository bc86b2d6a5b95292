//! `fprecon run`: plan, send, report.

use std::cell::LazyCell;
use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use super::accept::who;
use super::delivery::{self, Target};
use super::next;
use super::plan::{Estimate, planned, repeated_unconfirmed, sent_too_much};
use super::report_place::expect_no_input_in;
use super::resume::confirm_repeat;
use crate::cli::arguments::{Common, RunArguments};
use crate::cli::error::{CliError, Exit};
use crate::cli::exports::{self, Choice};
use crate::cli::linking::Linking;
use crate::cli::settings::Settings;
use crate::cli::tables;
use crate::cli::terminal::Terminal;
use crate::event::{EventKey, EventRef, Kind};
use crate::job::{Job, SourceRow, SourceRows};
use crate::journal::{
    Acceptance, AttentionCode, Disposition, EventRow, Item, Journal, Known, NewInput, NewRun,
    PlanState, Recording, RunCommand, RunId,
};
use crate::problem::Problem;
use crate::report::handed_back::items_of_rows;
use crate::report::{Formats, Imbalance, Reading};

pub(in crate::cli) fn run(
    common: &Common,
    arguments: &RunArguments,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let mut settings = Settings::load(common, Some(&arguments.pace))?;
    settings.lead_list |= arguments.lead_list.is_wanted;
    let choice = Choice::load(common, &settings)?;
    let exports = exports::open(&arguments.exports, common)?;
    let read_beside = [
        arguments.link.link.as_deref(),
        settings.resolutions.as_deref(),
    ];
    let inputs = exports.paths().chain(read_beside.into_iter().flatten());
    expect_no_input_in(arguments.pace.dir.as_deref(), &Formats::default(), inputs)?;
    let (linking, rules) = Linking::load(&arguments.link, &settings)?;
    let mut unplanned = exports::read(
        exports,
        &choice,
        &settings,
        terminal,
        exports::source_rows()?,
    )?;
    unplanned.link_by(rules);

    let target = Target::choose(common, &settings, terminal)?;
    let now = Timestamp::now();
    let mut journal = Journal::open(&settings.journal, target.account(), "run", now)?;
    let known = journal.known_for(|| unplanned.wanted())?;
    linking.check(&unplanned, &known)?;
    let (mut job, reading) = planned(unplanned, &known, &settings, now)?;
    let mut commands = next::commands(common, &settings);
    job.problems.edit(|problem| commands.complete(problem));
    let omitted = job.problems.omitted().map(|(_, n)| n).sum();
    terminal.plan_problems(job.problems.kept(), omitted);
    terminal.human(&tables::reading(&reading));
    terminal.check_output()?;
    if repeated_unconfirmed(&job, &known).count() > 0 {
        confirm_repeat(common, terminal)?;
    }
    confirm(common, &reading, &settings, &target, terminal)?;

    let run = record(&mut journal, RunCommand::Run, &mut job, &reading, &known)?;
    drop((job, known));
    if let Some(link) = &arguments.link.link {
        commands = commands.with_reading("--link", link.display().to_string());
    }
    let pace = &arguments.pace;
    delivery::deliver(journal, run, &target, &settings, pace, &commands, terminal)
}

/// Nothing leaves before somebody has said yes.
fn confirm(
    common: &Common,
    reading: &Reading,
    settings: &Settings,
    target: &Target,
    terminal: &Terminal,
) -> Result<(), CliError> {
    let to_send = reading.events.of(PlanState::ToSend).count();
    if common.yes || to_send == 0 {
        return Ok(());
    }
    let estimate = Estimate::of(to_send, settings);
    let question = format!(
        "Send {} to {} in {} {}?",
        tables::count(to_send, "event"),
        target.name(),
        match settings.lead_list {
            true => "at most",
            false => "about",
        },
        estimate.in_words()
    );
    match terminal.ask(&question) {
        Some(true) => Ok(()),
        Some(false) => Err(CliError::unusable(
            Problem::error("not-confirmed", "nothing was sent").hint("answer `y` to send"),
        )),
        None => Err(CliError::usage(
            Problem::error(
                "not-confirmed",
                "cannot ask for confirmation: standard input is not a terminal",
            )
            .hint("pass `--yes` to send; `fprecon plan` shows what would be sent"),
        )),
    }
}

/// Puts the run and its whole plan on disk, in one transaction.
pub(super) fn record(
    journal: &mut Journal,
    command: RunCommand,
    job: &mut Job,
    reading: &Reading,
    known: &Known,
) -> Result<RunId, CliError> {
    let new = NewRun {
        command,
        started: Timestamp::now(),
    };
    let corrected = corrected_rows(journal, job)?;
    let mut recording = journal.begin(&new)?;
    for (items, acceptance) in &corrected {
        recording.accept(items, acceptance)?;
    }
    record_inputs(&mut recording, job)?;
    // Of several readings of an event, one may be held or sent, and the others are duplicates of it.
    let keys = |is: fn(PlanState) -> bool| -> HashSet<EventKey> {
        let states = job.plan.states().iter().enumerate();
        let these = states.filter(|(_, state)| is(**state));
        let key = |(place, _)| job.plan.kind_and_key(place).1;
        these.map(key).collect()
    };
    let held = keys(PlanState::is_held);
    let sent = LazyCell::new(|| keys(|state| state == PlanState::ToSend));
    let counted_less: BTreeMap<usize, EventRow> = sent_too_much(job, known)
        .into_iter()
        .map(|(place, row, _)| (place, row))
        .collect();
    for (place, planned) in job.plan.events().enumerate() {
        let event = planned.event;
        match planned.state {
            PlanState::ToSend => match known.events.get(event.key()) {
                Some(recorded) if job.plan.replaces(event.key()) => {
                    recording.mend(recorded.row, event.to_event())?;
                    let left = known.refunds_left.get(&event.key());
                    for &refund in left.into_iter().flatten() {
                        recording.supersede(refund)?;
                    }
                }
                Some(known) => recording.take_over(known.row, event.source)?,
                None => {
                    recording.add_event(&event.to_event())?;
                }
            },
            PlanState::Duplicate if event.counts_nothing() && !held.contains(&event.key()) => {
                let sale = event.sale_event_id.map(EventKey::of);
                if let (Some(sale), Some(gross_cents)) = (sale, event.gross_cents) {
                    recording.add_uncounted(event.key(), sale, gross_cents)?;
                }
            }
            PlanState::Duplicate
                if let Some(left) = known.left_to_send(event.key())
                    && !held.contains(&event.key())
                    && !sent.contains(&event.key()) =>
            {
                recording.meet(left, event.source)?;
            }
            state if state.is_held() => recording.add_held(state, &event.to_event())?,
            PlanState::Settled => {
                record_alias(&mut recording, event, known)?;
                if let Some(row) = counted_less.get(&place) {
                    recording.flag(*row, AttentionCode::CountsLess)?;
                    recording.meet(*row, event.source)?;
                    continue;
                }
                if let Some(row) = known.no_longer_counts_less(event) {
                    recording.unflag(row)?;
                    continue;
                }
                if let Some(row) = known.needing_attention(event.key()) {
                    recording.meet(row, event.source)?;
                }
            }
            _ => {}
        }
    }
    for &state in PlanState::ALL {
        for (kind, currency, sum) in reading.events.of(state).iter() {
            let cents = i64::try_from(sum.amount_cents).map_err(|_| too_much())?;
            recording.add_total(state, kind, currency, sum.count, cents)?;
        }
    }
    for problem in job.problems.kept() {
        recording.add_problem(problem)?;
    }
    for invoice in job.invoices.iter() {
        recording.add_invoice(&invoice.to_event())?;
    }
    for (subscription, plan) in &job.plans {
        recording.add_plan(subscription, plan)?;
    }
    for uid in &job.shared_uids {
        recording.add_shared_uid(uid)?;
    }
    Ok(recording.commit()?)
}

/// Returns the rejected rows that these exports have in a corrected form, by the file that was handed
/// back: the export that still has them as they were needs no attention for them any more.
fn corrected_rows(journal: &Journal, job: &Job) -> Result<Vec<(Vec<Item>, Acceptance)>, CliError> {
    let mut by_input: BTreeMap<usize, Vec<Item>> = BTreeMap::new();
    for (row, item) in items_of_rows(journal, job.corrected.iter())? {
        by_input.entry(row.input).or_default().push(item);
    }
    let at = Timestamp::now();
    let accepted = by_input.into_iter().map(|(input, mut items)| {
        items.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        let path = job
            .inputs
            .get(input)
            .map_or("", |input| input.path.as_str());
        let acceptance = Acceptance {
            reason: format!("corrected in {path}"),
            by: who(),
            at,
        };
        (items, acceptance)
    });
    Ok(accepted.collect())
}

/// Keeps a further id that a settled payment goes by in these exports, so that it is the same payment
/// where a later export names it by that alone.
fn record_alias(
    recording: &mut Recording<'_>,
    event: EventRef<'_>,
    known: &Known,
) -> Result<(), CliError> {
    let recorded = known.events.get(event.key());
    let further = event.reference.filter(|_| event.is_told_by_reference);
    if let (Kind::Sale, Some(further), Some(recorded)) = (event.kind, further, recorded)
        && !recorded.essence.has_reference(further)
    {
        recording.add_alias(further, event.event_id())?;
    }
    Ok(())
}

fn record_inputs(recording: &mut Recording<'_>, job: &mut Job) -> Result<(), CliError> {
    for input in &job.inputs {
        recording.add_input(&NewInput {
            path: input.path.clone(),
            sha256: input.sha256.clone(),
            profile: input.profile.clone(),
            header: input.header.clone(),
            rows_read: input.rows.read,
            rows_with_events: input.rows.with_events,
            rows_ignored: input.rows.ignored,
            rows_rejected: input.rows.rejected,
        })?;
    }
    let rows = std::mem::replace(&mut job.source_rows, SourceRows::dropped());
    for row in rows.read()? {
        let SourceRow {
            source,
            rejected,
            reason,
            fields,
        } = row?;
        let disposition = match rejected {
            true => Disposition::Rejected,
            false => Disposition::Ignored,
        };
        recording.add_row(source, disposition, &reason, &fields)?;
    }
    Ok(())
}

/// A total that no real account reaches.
fn too_much() -> CliError {
    CliError::Imbalance(Imbalance::of(
        "the amounts of one kind and currency add up to more than the journal can hold",
    ))
}
