//! `fprecon resume` and `fprecon retry`: continue with the events in the journal.

use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;

use super::after_loss;
use super::confirm::{self, Confirmation, NOTHING_SENT};
use super::delivery::{Delivered, RunDelivery, say_attention};
use super::destination::Destination;
use super::next;
use super::report_place::{expect_own_or_free, is_file_of_run};
use super::retried_sales::SalesToRetry;
use super::undo::again::{UndoCommand, compare_again};
use crate::cli::arguments::{Common, ResumeArguments, RetryArguments};
use crate::cli::ended::Ended;
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables::grouped;
use crate::cli::terminal::Terminal;
use crate::event::{Tally, is_undo};
use crate::journal::{
    AttentionCode, EndReason, EventRow, Journal, JournalReader, Outcome, RetrySelection, RunId,
};
use crate::problem::{Problem, ProblemCode};
use crate::report::items::accepted_events;
use crate::report::{Commands, RunSummary};
use crate::shell_word::shell_word;

pub(in crate::cli) fn resume(
    common: &Common,
    arguments: &ResumeArguments,
    terminal: &Terminal,
) -> Result<Ended, CliError> {
    let pace = &arguments.pace;
    let mut settings = EffectiveSettings::load(common, Some(pace))?;
    settings.send.lead_list |= arguments.lead_list.is_wanted;
    require_journal(&settings)?;
    let commands = next::commands(common, &settings);
    let target = Destination::choose(common, &settings, terminal)?;
    let now = Timestamp::now();
    let mut journal = Journal::open(&settings.journal, target.account(), "resume", now)?;
    if runs_to_finish(&journal)?.is_empty() {
        return nothing_to_do(
            journal,
            "nothing to resume: every event in the journal is settled",
            &settings,
            &commands,
            terminal,
        );
    }
    let refunds = journal.undo_refunds(|_, outcome, _| outcome.is_none())?;
    let again = UndoCommand {
        command: "resume",
        no_account_check: arguments.check.is_left_out,
        commands: &commands,
    };
    let compared = compare_again(&journal, &refunds, again, (&settings, &target), terminal)?;
    compared.record(&mut journal, None, terminal)?;
    let delivery = RunDelivery::new(&target, &settings, pace, &commands, terminal);
    let mut resumed = BTreeSet::new();
    let mut last = None;
    let is_waiting = loop {
        let left_before = left_to_send(&journal)?;
        let round = send_round(&delivery, journal, &mut resumed)?;
        journal = round.journal;
        last = round.last.or(last);
        // A later run may have had the sign-up that an earlier one waits for.
        if !round.is_waiting || left_to_send(&journal)? >= left_before {
            break round.is_waiting;
        }
    };
    let Some(delivered) = last else {
        return Ok(Exit::Done.into());
    };
    let (exit, other) = if is_waiting {
        (Exit::Incomplete, None)
    } else {
        exit_of_resumed(&journal, &delivered, &resumed, &commands)?
    };
    if let Some(needing) = &other {
        say_attention(needing, terminal);
    }
    let exit = match exit {
        Exit::Done if after_loss::say(&journal, terminal)? => Exit::Attention,
        exit => exit,
    };
    let mut ended = delivery.end(journal, delivered.with_exit(exit))?;
    ended.summary = other.or(ended.summary);
    Ok(ended)
}

/// Holds what came of sending what all runs have left, once.
struct Round {
    journal: Journal,
    /// The last run of which something was sent.
    last: Option<Delivered>,
    /// `true` if some run only waits for another run's sign-ups, and none had to stop.
    is_waiting: bool,
}

/// Sends what the runs have left, the oldest first, until one has to stop. Adds them to `resumed`.
fn send_round(
    delivery: &RunDelivery<'_>,
    journal: Journal,
    resumed: &mut BTreeSet<RunId>,
) -> Result<Round, CliError> {
    let mut round = Round {
        journal,
        last: None,
        is_waiting: false,
    };
    for run in runs_to_finish(&round.journal)? {
        resumed.insert(run);
        round.journal.resume_run(run)?;
        let (journal, delivered) = delivery.run(round.journal, run)?;
        round.journal = journal;
        let exit = delivered.exit;
        let waits = exit == Exit::Incomplete && waits_for_another_run(&round.journal, run)?;
        round.is_waiting |= waits;
        round.last = Some(delivered);
        if !waits && !matches!(exit, Exit::Done | Exit::Attention) {
            round.is_waiting = false;
            break;
        }
    }
    Ok(round)
}

/// Returns the exit code of all resumed runs, with the summary of the run that needs attention where the last one needs
/// none, and can't say what does.
fn exit_of_resumed(
    journal: &JournalReader,
    last: &Delivered,
    resumed: &BTreeSet<RunId>,
    commands: &Commands,
) -> Result<(Exit, Option<RunSummary>), CliError> {
    // A later run may have settled the sign-up that an earlier one waited for.
    if !runs_to_finish(journal)?.is_empty() {
        return Ok((last.exit, None));
    }
    let Some(mut needing) = needing_attention(journal, resumed)? else {
        return Ok((Exit::Done, None));
    };
    if last.summary.needs_attention() {
        return Ok((Exit::Attention, None));
    }
    needing.name_commands(commands);
    Ok((Exit::Attention, Some(needing)))
}

/// Returns the summary of the first of these runs that needs attention; `None` if none does.
fn needing_attention(
    journal: &JournalReader,
    runs: &BTreeSet<RunId>,
) -> Result<Option<RunSummary>, CliError> {
    for &run in runs {
        let Some(record) = journal.run(run)? else {
            continue;
        };
        let summary = RunSummary::load(journal, &record)?;
        if summary.needs_attention() {
            return Ok(Some(summary));
        }
    }
    Ok(None)
}

/// Returns the number of events of the journal that are not settled.
fn left_to_send(journal: &JournalReader) -> Result<u64, CliError> {
    let counts = journal.state_counts()?;
    Ok(counts.get(&None).map_or(0, Tally::count))
}

/// Returns `true` if an incomplete run only waits for another run's sign-ups.
fn waits_for_another_run(journal: &JournalReader, run: RunId) -> Result<bool, CliError> {
    let record = journal.run(run)?;
    Ok(record.is_some_and(|record| record.reason == Some(EndReason::Interrupted)))
}

/// Returns the runs with events left to send, and those that were killed after their last answer,
/// which lack only their end and their report. The oldest is first.
fn runs_to_finish(journal: &JournalReader) -> Result<Vec<RunId>, CliError> {
    let killed = journal
        .runs(u32::MAX)?
        .into_iter()
        .filter(|run| run.ended.is_none())
        .map(|run| run.id);
    let mut runs: BTreeSet<RunId> = journal.unfinished_runs()?.into_iter().collect();
    runs.extend(killed);
    Ok(runs.into_iter().collect())
}

pub(in crate::cli) fn retry(
    common: &Common,
    arguments: &RetryArguments,
    terminal: &Terminal,
) -> Result<Ended, CliError> {
    let mut settings = EffectiveSettings::load(common, Some(&arguments.pace))?;
    // An event that is retried on purpose is sent, whatever the list says.
    settings.send.lead_list = false;
    require_journal(&settings)?;
    let commands = next::commands(common, &settings);
    let target = Destination::choose(common, &settings, terminal)?;
    let now = Timestamp::now();
    let mut journal = Journal::open(&settings.journal, target.account(), "retry", now)?;
    let list = SalesToRetry::fetch(common, arguments.in_account, (&settings, &target), terminal)?;
    expect_own_or_free(arguments.pace.dir.as_deref(), &is_file_of_run, &journal)?;
    let events = retryable(&journal, &arguments.events)?;
    let mut outcomes = events.iter().map(|(_, outcome)| *outcome);
    let repeat_unconfirmed =
        arguments.unconfirmed || outcomes.any(|outcome| outcome == Outcome::Unconfirmed);
    let accepted = accepted_events(&journal)?;
    let events: Vec<EventRow> = events.into_iter().map(|(row, _)| row).collect();
    let undone = journal.events_of_undone_runs()?;
    let uncompared = uncompared_refunds(&journal)?;
    let covered = refunds_of_undone(&journal)?;
    say_accepted(&accepted, terminal);
    if arguments.unconfirmed {
        say_uncompared(uncompared.len(), terminal);
    }
    if events.is_empty() {
        let left_out = undone.iter().filter(|row| !accepted.contains(row));
        say_undone(left_out.count(), terminal);
    }
    let accepted = accepted.into_iter().chain(undone).chain(uncompared);
    let accepted = accepted.chain(covered);
    let accepted = accepted.collect();
    let selection = RetrySelection {
        has_failed: arguments.failed,
        has_unconfirmed: arguments.unconfirmed,
        has_non_referral: arguments.non_referral,
        events,
        accepted,
    };
    if repeat_unconfirmed && confirm_repeat(common, terminal)? == Confirmation::No {
        return confirm::cancelled(terminal, NOTHING_SENT).map(Ended::cancelled);
    }
    let refunds = journal.undo_refunds(|row, outcome, is_without_request| {
        may_select(&selection, row, (outcome, is_without_request))
    })?;
    let again = UndoCommand {
        command: &again_in_words(arguments),
        no_account_check: arguments.check.is_left_out,
        commands: &commands,
    };
    let compared = compare_again(&journal, &refunds, again, (&settings, &target), terminal)?;
    let Some(run) = journal.start_retry(&selection, now)? else {
        return nothing_to_do(
            journal,
            "nothing to retry: no event has this outcome",
            &settings,
            &commands,
            terminal,
        );
    };
    compared.record(&mut journal, Some(run), terminal)?;
    list.compare(&mut journal, run, terminal)?;
    let delivery = RunDelivery {
        repeat_unconfirmed,
        ..RunDelivery::new(&target, &settings, &arguments.pace, &commands, terminal)
    };
    delivery.deliver(journal, run)
}

/// Returns `true` if a retry may send a refund of an undo again. One of a sale that is selected goes with that, if it was
/// settled without a request.
fn may_select(
    selection: &RetrySelection,
    row: EventRow,
    (outcome, is_without_request): (Option<Outcome>, bool),
) -> bool {
    if selection.events.contains(&row) {
        return true;
    }
    if !selection.events.is_empty() {
        return is_without_request;
    }
    let is_selected = match outcome {
        Some(Outcome::Failed) => selection.has_failed,
        Some(Outcome::Unconfirmed) => selection.has_unconfirmed,
        Some(Outcome::NonReferral) => selection.has_non_referral,
        None | Some(Outcome::Tracked | Outcome::AlreadyTracked) => false,
    };
    is_selected && !selection.accepted.contains(&row)
}

/// Returns the words of a retry.
fn again_in_words(arguments: &RetryArguments) -> String {
    let options = [
        (arguments.failed, " --failed"),
        (arguments.unconfirmed, " --unconfirmed"),
        (arguments.non_referral, " --non-referral"),
    ]
    .into_iter()
    .filter(|(is_set, _)| *is_set);
    let mut words = String::from("retry");
    words.extend(options.map(|(_, option)| option));
    for id in &arguments.events {
        words.push_str(&format!(" --event {}", shell_word(id)));
    }
    words
}

/// Says that events which somebody has accepted are not tried again by their outcome.
fn say_accepted(accepted: &[EventRow], terminal: &Terminal) {
    let words = ["accepted event is", "accepted events are"];
    say_not_tried(accepted.len(), words, "; `--event ID` tries one", terminal);
}

/// Says that some events are not tried again, and why or what does: `one_or_many` calls them.
fn say_not_tried(events: usize, one_or_many: [&str; 2], but: &str, terminal: &Terminal) {
    let [one, many] = one_or_many;
    let what = match events {
        0 => return,
        1 => format!("1 {one}"),
        some => format!("{} {many}", grouped(some as i128)),
    };
    terminal.note(&format!("{what} not tried again{but}"));
}

/// Returns the refunds that were not compared with the account: sent, or sent whole, they could count twice.
fn uncompared_refunds(journal: &JournalReader) -> Result<Vec<EventRow>, CliError> {
    let flags = journal.flags()?.into_iter();
    let uncompared = flags.filter(|(_, code)| *code == AttentionCode::NotCompared);
    Ok(uncompared.map(|(row, _)| row).collect())
}

/// Returns the refunds that count nowhere and of whose sales nothing is left, since they were undone.
fn refunds_of_undone(journal: &JournalReader) -> Result<HashSet<EventRow>, CliError> {
    let mut undone: HashSet<String> = HashSet::new();
    for sale in journal.refunded_by_others()? {
        let sale = journal.event(sale)?;
        undone.extend(sale.map(|sale| sale.event.event_id().to_owned()));
    }
    let mut open: Vec<(EventRow, String)> = Vec::new();
    journal.for_each_refund(|refund| {
        let event = &refund.event;
        let sale = event.sale_event_id.as_deref();
        let is_tracked = refund.outcome.is_some_and(Outcome::is_tracked);
        match sale {
            Some(sale) if is_undo(event.kind, event.event_id(), Some(sale)) => {
                undone.extend(Some(sale.to_owned()).filter(|_| is_tracked));
            }
            Some(sale) if !is_tracked => open.push((refund.row, sale.to_owned())),
            _ => {}
        }
    })?;
    let covered = open.into_iter().filter(|(_, sale)| undone.contains(sale));
    Ok(covered.map(|(row, _)| row).collect())
}

/// Says that refunds that were not compared are not tried again by their outcome.
fn say_uncompared(totals: usize, terminal: &Terminal) {
    let words = ["refund is", "refunds are"];
    let but = ", since all or a part may be in FirstPromoter; `fprecon run` of the same exports reads the account's list, and sends what is missing";
    say_not_tried(totals, words, but, terminal);
}

/// Says that events of undone runs are not tried again by their outcome.
fn say_undone(undone: usize, terminal: &Terminal) {
    let words = ["event of an undone run is", "events of undone runs are"];
    let but = "; `--event ID` tries one, and `fprecon run` of the failed.csv of that undo sends all of it";
    say_not_tried(undone, words, but, terminal);
}

/// Returns the events with these ids, each of which can be retried.
fn retryable(
    journal: &JournalReader,
    ids: &[String],
) -> Result<Vec<(EventRow, Outcome)>, CliError> {
    let wrong = |id: &str, message: String, hint: &str| {
        CliError::unusable(
            Problem::error(ProblemCode::RetryEvent, message)
                .setting("--event", id)
                .hint(hint),
        )
    };
    let mut events = Vec::new();
    let uncompared = uncompared_refunds(journal)?;
    let covered = refunds_of_undone(journal)?;
    for id in ids {
        match journal.event_with_id(id)? {
            None => {
                let hint = "`fprecon journal export` lists the events of this journal";
                return Err(wrong(id, format!("the journal has no event `{id}`"), hint));
            }
            Some((_, None)) => {
                let message = format!("event `{id}` was not sent yet");
                return Err(wrong(id, message, "`fprecon resume` sends it"));
            }
            Some((_, Some(outcome @ (Outcome::Tracked | Outcome::AlreadyTracked)))) => {
                let message = format!("event `{id}` is {outcome}: there is nothing to try again");
                return Err(wrong(
                    id,
                    message,
                    "nothing is left to do for it; pass only events that failed, are unconfirmed or were not a referral",
                ));
            }
            Some((row, Some(_))) if uncompared.contains(&row) => {
                let message = format!(
                    "all or a part of refund `{id}` may be in FirstPromoter already, under another id: sent, it would count twice"
                );
                let hint = "run the exports again that have it: `fprecon run` reads the account's list first, and sends what is missing";
                return Err(wrong(id, message, hint));
            }
            Some((row, Some(_))) if covered.contains(&row) => {
                let message = format!(
                    "nothing is left of the sale of refund `{id}`: it was refunded in full when it was undone"
                );
                let hint = format!("`fprecon accept --event {} --reason TEXT`", shell_word(id));
                return Err(wrong(id, message, &hint));
            }
            Some((row, Some(outcome))) => events.push((row, outcome)),
        }
    }
    Ok(events)
}

/// Asks before events are sent again that may have been recorded already.
pub(super) fn confirm_repeat(
    common: &Common,
    terminal: &Terminal,
) -> Result<Confirmation, CliError> {
    let question =
        "Unconfirmed events may be recorded already, and would then count twice. Send them again?";
    confirm::ask(common, terminal, question, || {
        let message = "cannot ask for confirmation: standard input is not a terminal, and unconfirmed events may count twice";
        Problem::error(ProblemCode::NotConfirmed, message)
            .hint("look them up in FirstPromoter first; pass `--yes` to send them again")
    })
}

/// Refuses to continue without a journal.
pub(super) fn require_journal(settings: &EffectiveSettings) -> Result<(), CliError> {
    if Journal::is_there_or_was(&settings.journal) {
        Ok(())
    } else {
        Err(CliError::no_journal(&settings.journal))
    }
}

/// Ends a command that found nothing to send. Its verdict is that of the latest run, whose figures it prints.
pub(super) fn nothing_to_do(
    journal: Journal,
    message: &str,
    settings: &EffectiveSettings,
    commands: &Commands,
    terminal: &Terminal,
) -> Result<Ended, CliError> {
    terminal.human(message);
    let nothing_else = if after_loss::say(&journal, terminal)? {
        Exit::Attention
    } else {
        Exit::Done
    };
    let Some(run) = journal.latest_run()? else {
        journal.close()?;
        return Ok(nothing_else.into());
    };
    let mut summary = RunSummary::load(&journal, &run)?;
    summary.set_account_currency(settings.api.account_currency);
    summary.name_commands(commands);
    let exit = if summary.needs_attention() {
        Exit::Attention
    } else {
        nothing_else
    };
    summary.exit_code = exit as u8;
    if terminal.is_json() {
        terminal.write_json(&summary)?;
    }
    if summary.needs_attention() {
        terminal.human(&next::verdict(&summary, commands));
        say_attention(&summary, terminal);
    }
    journal.close()?;
    Ok(exit.into())
}
