//! Defines what the journal returns: runs, their exports, events and rows, as they were recorded.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use jiff::Timestamp;

use super::read_exports::SkippedExport;
use super::{AccountCheck, EndReason, EventRow, Outcome, PlanState, RunCommand, RunId, Settlement};
use crate::event::{Carried, Currency, Event, ExportLine, Kind, Tally};

/// Holds an event that is left to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The number of the event.
    pub row: EventRow,
    /// The event, with its place in the run's exports if it has one.
    pub event: Event,
    /// How many attempts were made, over all runs.
    pub attempts: u32,
    /// `true` if some attempt may have been recorded at the API: it was intended and nothing is known of its
    /// answer, or the answer did not say.
    pub is_maybe_recorded: bool,
    /// `true` if it may have been sent by a request whose record the journal lost.
    pub is_in_doubt: bool,
    /// The content of the last of these attempts, if the journal has kept it.
    pub carried: Option<Carried>,
}

/// Holds an event of a run, with all that happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// The number of the event.
    pub row: EventRow,
    /// The event, with its place in the run's exports if it has one.
    pub event: Event,
    /// The path of the export.
    pub file: Option<String>,
    /// The result of the event; `None` for `not_sent`.
    pub settlement: Option<Settlement>,
    /// The time when the first attempt was intended.
    pub first_attempt: Option<Timestamp>,
    /// The last attempt, over all runs.
    pub last_attempt: Option<LastAttempt>,
    /// `true` if some attempt may have been recorded at the API, as in [`Pending::is_maybe_recorded`].
    pub is_maybe_recorded: bool,
    /// `true` if it may have been sent by a lost request, as in [`Pending::is_in_doubt`].
    pub is_in_doubt: bool,
    /// The content of the last of these attempts, as in [`Pending::carried`].
    pub carried: Option<Carried>,
}

/// Holds the last attempt of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastAttempt {
    /// The number among the event's attempts, from 1.
    pub number: NonZeroU32,
    /// The HTTP status of the answer, if there was one.
    pub http_status: Option<u16>,
    /// The message of the answer.
    pub message: Option<String>,
}

impl EventRecord {
    /// Returns how many attempts were made, over all runs.
    pub fn attempts(&self) -> u32 {
        let last = self.last_attempt.as_ref();
        last.map_or(0, |last| last.number.get())
    }

    /// Returns the outcome of the event; `None` for `not_sent`.
    pub fn outcome(&self) -> Option<Outcome> {
        self.settlement.as_ref().map(|settled| settled.outcome)
    }
}

/// Holds an event that a run does not send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRecord {
    /// The state: [`PlanState::Conflict`] or [`PlanState::Unlinked`].
    pub state: PlanState,
    /// The event, with the reason in its note.
    pub event: Event,
    /// The path of the export.
    pub file: Option<String>,
}

/// Holds a row of an export that gave no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowRecord {
    /// The place of the row.
    pub source: ExportLine,
    /// The path of the export.
    pub file: String,
    /// The reason why it gave none.
    pub reason: String,
    /// The cells of the row, as they were.
    pub fields: Vec<String>,
}

/// Holds how many rows gave no event for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonCount {
    /// The reason for which they gave none.
    pub reason: String,
    /// The number of rows.
    pub rows: u64,
}

/// Describes an export of a run, with the balance of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInput {
    /// The path as the user gave it.
    pub path: String,
    /// The hash of its bytes, in hexadecimal.
    pub sha256: String,
    /// The name of the profile that it was read by.
    pub profile: String,
    /// The header's cells.
    pub header: Vec<String>,
    /// The number of rows that were read: the sum of the three fields below.
    pub rows_read: u64,
    /// The number of rows that gave an event.
    pub rows_with_events: u64,
    /// The number of rows that are not to be sent.
    pub rows_ignored: u64,
    /// The number of rows that can't be read.
    pub rows_rejected: u64,
}

/// Holds an export of a run, in the order in which they were given.
pub(crate) type InputRecord = NewInput;

/// Holds a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// The number of the run.
    pub id: RunId,
    /// The name of the run, fit for a directory.
    pub name: String,
    /// The command that started it.
    pub command: RunCommand,
    /// The time when it started.
    pub started: Timestamp,
    /// The time when it ended; `None` while it goes on, and if it was killed.
    pub ended: Option<Timestamp>,
    /// The reason why it ended.
    pub reason: Option<EndReason>,
    /// The exit code of the program.
    pub exit_code: Option<u8>,
    /// The number of requests, over all its resumptions that ended by themselves.
    pub requests: u64,
    /// The time that it took, over all its resumptions that ended by themselves, in milliseconds.
    pub elapsed_ms: u64,
    /// The directory of its reports.
    pub report_dir: Option<String>,
    /// The number of requests a minute that the account accepts, if that has turned out to be less than the
    /// setting.
    pub learned_per_minute: Option<u32>,
    /// The exports of the run; a retry has none.
    pub inputs: Vec<InputRecord>,
    /// The exports in folders that it did not read, since an earlier run had read the same bytes.
    pub skipped: Vec<SkippedExport>,
    /// The totals that the plan counted.
    pub totals: Vec<PlanTotal>,
    /// The run that this one undoes; `None` for a run that undoes none.
    pub undoes: Option<RunId>,
    /// What the account's list said of the sales that it undoes; `None` if it was not read.
    pub(crate) account_check: Option<AccountCheck>,
}

impl RunRecord {
    /// Returns the run as it will be once [`Journal::end_run`](super::Journal::end_run) has recorded `end`.
    pub fn with_end(mut self, end: &RunEnd) -> Self {
        self.ended = Some(end.ended);
        self.reason = Some(end.reason);
        self.exit_code = Some(end.exit_code);
        self.requests += end.add_requests;
        self.elapsed_ms += end.add_elapsed_ms;
        self.report_dir = end.report_dir.clone().or(self.report_dir);
        self
    }
}

/// Describes how a run, or a resumption of it, ended.
#[derive(Clone, Debug)]
pub struct RunEnd {
    /// The time of the end.
    pub ended: Timestamp,
    /// The reason of the end.
    pub reason: EndReason,
    /// The exit code of the program.
    pub exit_code: u8,
    /// The number of requests since the run was started or resumed.
    pub add_requests: u64,
    /// The time since the run was started or resumed, in milliseconds.
    pub add_elapsed_ms: u64,
    /// The directory of its reports; `None` keeps what was recorded before.
    pub report_dir: Option<String>,
}

/// Counts the events of one plan state, kind and currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanTotal {
    /// The state that the plan decided.
    pub state: PlanState,
    /// The kind of the events.
    pub kind: Kind,
    /// The currency; `None` for events without an amount.
    pub currency: Option<Currency>,
    /// The number of events.
    pub count: u64,
    /// The sum of their amounts, in minor units.
    pub amount_cents: i64,
}

/// Maps each outcome to the sums of its events; `None` is `not_sent`.
pub(crate) type OutcomeTallies = BTreeMap<Option<Outcome>, Tally>;
