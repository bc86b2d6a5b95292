//! Goes through the journal to find what a plan compares a job with.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rusqlite::Row;

use super::super::columns::{self, EventColumns, Millis, StoredWord, impossible};
use super::super::{AttentionCode, EventRow, JournalError, JournalReader, Outcome};
use super::{HistoryRequest, JournalHistory, KnownEvent, RunsOfExport, UncomparedRefund};
use crate::event::{
    Conversion, Correction, Essence, EventKey, KeyMap, Kind, NOT_PAID, Original, Refunded,
    UndoState, is_undo, undone_sale,
};
use crate::invisible::is_invisible;

impl JournalReader {
    /// Reads every event once and keeps what a plan needs of it: some 100 bytes each.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub fn known(&self) -> Result<JournalHistory, JournalError> {
        self.known_for(HistoryRequest::default)
    }

    /// Reads every event once and keeps what a plan needs of it, and what a job requests. If the journal is
    /// new, the job is not asked for that.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub fn known_for(
        &self,
        wanted: impl FnOnce() -> HistoryRequest,
    ) -> Result<JournalHistory, JournalError> {
        if self.is_new()? {
            Ok(JournalHistory::default())
        } else {
            self.known_of(&wanted())
        }
    }

    /// Returns `true` if nothing was ever recorded.
    fn is_new(&self) -> Result<bool, JournalError> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM run) AND NOT EXISTS (SELECT 1 FROM event)";
        self.connection
            .query_row(sql, [], |row| row.get(0))
            .map_err(|error| self.failed("looking for what it knows", error))
    }

    fn known_of(&self, wanted: &HistoryRequest) -> Result<JournalHistory, JournalError> {
        let mut known = JournalHistory::default();
        let profiles = self.profiles_of_events(&mut known)?;
        known.lost_until = self.lost_until()?;
        known.runs_of_exports = self.runs_of_exports(&wanted.exports)?;
        self.learned(&mut known, wanted)?;
        self.held_sales(&mut known, wanted)?;
        self.for_each_accepted(|record| known.add_accepted(record))?;
        self.withheld(&mut known, wanted)?;
        self.uncounted(&mut known)?;
        self.doubtful_uids(&mut known)?;
        self.aliases(&mut known, wanted)?;
        let mut scan = Scan {
            known,
            wanted,
            profiles,
            originals: self.originals()?,
            replaced_by: self.replaced()?,
            flags: self.flags()?,
            refunded_by_others: self.refunded_by_others()?,
            parts_in_account: self.parts_in_account()?,
            unsettled: HashMap::new(),
            gross_kept_from: self.gross_kept_from()?,
            asked_again: KeyMap::default(),
            respelt: KeyMap::default(),
            has_sale_of_others: false,
        };
        let sql = format!(
            "SELECT id, key, seal, {}, outcome FROM event ORDER BY id",
            columns::names()
        );
        self.each("reading the known events", &sql, [], |row| scan.take(row))?;
        let Scan {
            mut known,
            originals,
            unsettled,
            has_sale_of_others,
            ..
        } = scan;
        if !originals.is_empty() {
            return Err(JournalError::damaged(
                &self.path,
                "an amount was converted whose event is missing",
            ));
        }
        if has_sale_of_others && !wanted.sales.is_empty() {
            known.caught_up_until = self.caught_up_until()?;
        }
        self.emails_of_suspects(&mut known)?;
        known.maybe_recorded = self.maybe_recorded(&unsettled)?;
        Ok(known)
    }

    /// Returns the time up to which events were sent that the journal lost.
    fn lost_until(&self) -> Result<Option<Timestamp>, JournalError> {
        if !self.has_table("lost_commits")? {
            return Ok(None);
        }
        let sql = "SELECT max(until_ms) FROM lost_commits";
        let until = self
            .connection
            .query_row(sql, [], |row| row.get::<_, Option<Millis>>(0))
            .map_err(|error| self.failed("looking for lost commits", error))?;
        Ok(until.map(|until| until.0))
    }

    /// Reads which emails come with the uids that have more than the job knows: these are few, so that most
    /// journals are read once.
    fn emails_of_suspects(&self, known: &mut JournalHistory) -> Result<(), JournalError> {
        if known.emails_of_uids.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "SELECT id, key, seal, {} FROM event WHERE uid IS NOT NULL AND email IS NOT NULL",
            columns::names()
        );
        self.each("reading customers", &sql, [], |row| {
            let (_, key, columns) = EventColumns::read_sealed(row, 0)?;
            let essence = columns.essence();
            if let Some((_, uid)) = essence.email_and_uid()
                && essence.kind != Kind::Refund
                && let Some(emails) = known.emails_of_uids.get_mut(&uid)
            {
                emails.add(key, &essence);
            }
            Ok(())
        })
    }

    /// Returns which runs read each of these exports before.
    fn runs_of_exports(
        &self,
        exports: &[(String, String)],
    ) -> Result<Vec<Option<RunsOfExport>>, JournalError> {
        let mut first: HashMap<&str, Option<i64>> = HashMap::new();
        // The hash that each file had last, and since when.
        let mut latest: HashMap<&str, Option<(String, i64)>> = HashMap::new();
        for (path, sha256) in exports {
            first.insert(sha256, None);
            latest.insert(path, None);
        }
        let sql = "SELECT path, sha256, run FROM input ORDER BY run";
        self.each("reading exports", sql, [], |row| {
            let (path, sha256, run): (String, String, i64) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            if let Some(first) = first.get_mut(sha256.as_str()) {
                first.get_or_insert(run);
            }
            if let Some(latest) = latest.get_mut(path.as_str())
                && latest.as_ref().is_none_or(|(known, _)| *known != sha256)
            {
                *latest = Some((sha256, run));
            }
            Ok(())
        })?;
        let runs = exports.iter().map(|(path, sha256)| {
            let first = first[sha256.as_str()]?;
            let since = match &latest[path.as_str()] {
                Some((known, since)) if known == sha256 => *since,
                Some(_) => i64::MAX,
                None => first,
            };
            Some(RunsOfExport { first, since })
        });
        Ok(runs.collect())
    }

    /// Returns the profile by which each event was read first, and keeps which run that was. The names of the
    /// profiles are kept, too.
    fn profiles_of_events(
        &self,
        known: &mut JournalHistory,
    ) -> Result<ProfilesOfEvents, JournalError> {
        let names = &mut known.profiles;
        let mut of_input: HashMap<i64, usize> = HashMap::new();
        let sql = "SELECT id, profile FROM input";
        self.each("reading exports", sql, [], |row| {
            let name: String = row.get(1)?;
            let place = names
                .iter()
                .position(|known| *known == name)
                .unwrap_or_else(|| {
                    names.push(name);
                    names.len() - 1
                });
            of_input.insert(row.get(0)?, place);
            Ok(())
        })?;
        let mut profiles = ProfilesOfEvents::default();
        let sql = "SELECT event, input, run FROM run_event ORDER BY run, event";
        let mut latest = None;
        self.each("reading where events were read", sql, [], |row| {
            let (event, run) = (EventRow(row.get(0)?), row.get(2)?);
            let input: Option<i64> = row.get(1)?;
            let profile = input.and_then(|input| of_input.get(&input).copied());
            if profiles.add(event, profile) && latest != Some(run) {
                known.runs_of_events.push((event, run));
                latest = Some(run);
            }
            Ok(())
        })?;
        Ok(profiles)
    }

    /// Returns those of the events without an outcome of which some request got no answer, or may have had none.
    fn maybe_recorded(
        &self,
        unsettled: &HashMap<EventRow, EventKey>,
    ) -> Result<KeyMap<()>, JournalError> {
        let mut maybe = KeyMap::default();
        if unsettled.is_empty() {
            return Ok(maybe);
        }
        let doubtful = self.in_doubt()?;
        let key_of = |event: &EventRow| unsettled.get(event).map(|&key| (key, ()));
        maybe.extend(doubtful.iter().filter_map(key_of));
        let sql = "SELECT DISTINCT event FROM attempt
             WHERE (effect IS NULL OR effect <> 'none')
             AND event IN (SELECT id FROM event WHERE outcome IS NULL)";
        self.each("looking for lost answers", sql, [], |row| {
            maybe.extend(key_of(&EventRow(row.get(0)?)));
            Ok(())
        })?;
        Ok(maybe)
    }

    /// Returns the first event from which on an empty `gross_cents` means that the amount is all.
    fn gross_kept_from(&self) -> Result<i64, JournalError> {
        let sql = "SELECT gross_kept_from FROM account WHERE id = 1";
        self.connection
            .query_row(sql, [], |row| row.get(0))
            .map_err(|error| self.failed("reading its account", error))
    }
}

/// Holds the state of the pass over all events, in the order in which they were recorded.
struct Scan<'w> {
    known: JournalHistory,
    wanted: &'w HistoryRequest,
    profiles: ProfilesOfEvents,
    /// The amounts before they were converted, of events that are still to come.
    originals: HashMap<EventRow, Original>,
    replaced_by: HashMap<EventRow, EventRow>,
    flags: HashMap<EventRow, AttentionCode>,
    refunded_by_others: HashSet<EventRow>,
    /// What others have sent of running totals of refunds, in minor units.
    parts_in_account: HashMap<EventRow, i64>,
    /// The events without an outcome, with their keys.
    unsettled: HashMap<EventRow, EventKey>,
    gross_kept_from: i64,
    /// The sales that were asked again, each with the event that replaces it. What was recorded of their
    /// refunds before that does not count.
    asked_again: KeyMap<EventRow>,
    /// The events whose ids are read in another form now.
    respelt: KeyMap<()>,
    /// `true` if somebody else had sent a sale before this journal did.
    has_sale_of_others: bool,
}

impl Scan<'_> {
    fn take(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        let word: Option<StoredWord<Outcome>> = row.get(3 + columns::COUNT)?;
        let outcome = word.map(|word| word.0);
        let (id, key, columns) = EventColumns::read_sealed(row, 0)?;
        let mut essence = columns.essence();
        let read_now = key_as_read_now(columns.event_id());
        let key = read_now.unwrap_or(key);
        let sale_read_now = columns.sale_event_id().and_then(key_as_read_now);
        essence.sale = sale_read_now.or(essence.sale);
        let conversion = self
            .originals
            .remove(&id)
            .zip(essence.money)
            .map(|(original, sent)| Conversion { original, sent });
        let original = conversion.as_ref().map(|it| it.original.money);
        essence.money = original.or(essence.money);
        if let Some(&by) = self.replaced_by.get(&id) {
            if essence.kind == Kind::Sale {
                self.asked_again.insert(key, by);
            }
            self.known.refused.entry(key).or_default().push(essence);
            return Ok(());
        }
        essence.is_gross_unknown = id.0 < self.gross_kept_from;
        self.known.add_requested(key, &columns, self.wanted);
        self.known.suspect_uid(&essence, self.wanted);
        if outcome.is_none() {
            self.unsettled.insert(id, key);
        }
        if let Some(&code) = self.flags.get(&id) {
            self.known.flagged.insert(key, code);
        }
        let event = KnownEvent {
            row: id,
            essence,
            outcome,
            profile: self.profiles.for_event(id),
        };
        if essence.kind == Kind::Sale {
            self.has_sale_of_others |= outcome == Some(Outcome::AlreadyTracked);
            self.known.profiles_of_sales.extend(event.profile);
        }
        let is_new = self
            .known
            .events
            .insert(key, event, &columns.terms(conversion.is_some()));
        if read_now.is_some() {
            self.respelt.insert(key, ());
        } else if !is_new && !self.respelt.contains_key(&key) {
            return Err(impossible(1, format!("event {} is there twice", id.0)));
        }
        if is_undo(essence.kind, columns.event_id(), columns.sale_event_id()) {
            self.take_undo(key, &essence, outcome);
        }
        if self.refunded_by_others.contains(&id) {
            let undone = self.known.undone.entry(key);
            let state = undone.or_insert(UndoState::RefundedByOthers);
            if *state == UndoState::Accepted {
                *state = UndoState::RefundedByOthers;
            }
        }
        self.account(key, columns.event_id(), &event, conversion.as_ref());
        let conversion = conversion.map(|conversion| (key, conversion));
        self.known.conversions.extend(conversion);
        Ok(())
    }

    /// Keeps what came of a refund that undoes its sale.
    fn take_undo(&mut self, key: EventKey, essence: &Essence, outcome: Option<Outcome>) {
        let Some(sale) = essence.sale else {
            return;
        };
        let is_recorded = outcome.is_some_and(Outcome::is_tracked);
        let flag = self.known.flagged.get(&key);
        let is_done = is_recorded && flag.is_none_or(|&code| code == AttentionCode::UndoPaid);
        let state = if is_done {
            UndoState::Refunded
        } else {
            UndoState::Open
        };
        self.known.undone.insert(sale, state);
    }

    /// Notes a refund of a sale that was not sent, since nothing was compared.
    fn note_uncompared(&mut self, sale: EventKey, key: EventKey, event: &KnownEvent) {
        let is_uncompared = self.known.flagged.get(&key) == Some(&AttentionCode::NotCompared)
            && event.outcome == Some(Outcome::Unconfirmed)
            && !self.known.accepted_unconfirmed.contains_key(&key);
        if is_uncompared {
            let refunds = self.known.uncompared_refunds.entry(sale).or_default();
            refunds.push(UncomparedRefund {
                row: event.row,
                key,
                total_cents: event.essence.refund_total_cents,
            });
        }
        if event.outcome.is_some_and(Outcome::is_tracked) {
            self.known.answered_refunds.insert(sale, ());
        }
    }

    /// Adds what an event says of the money of another one.
    fn account(
        &mut self,
        key: EventKey,
        event_id: &str,
        event: &KnownEvent,
        conversion: Option<&Conversion>,
    ) {
        let essence = &event.essence;
        let is_unreferred = event.outcome == Some(Outcome::NonReferral);
        if let Some(correction) = Correction::from_id(essence.kind, event_id)
            && self.known.take_correction(correction, (key, event))
        {
            return;
        }
        let Some(sale) = essence.sale.filter(|_| essence.kind == Kind::Refund) else {
            return;
        };
        if event_id.ends_with(NOT_PAID) {
            self.known.not_paid_refunds.insert(sale, key);
        }
        let by = self.asked_again.get(&sale);
        if is_unreferred && by.is_some_and(|&by| event.row < by) {
            self.known.superseded_refunds.insert(key, ());
            return;
        }
        let is_well = match event.outcome {
            Some(Outcome::Failed | Outcome::Unconfirmed) | None => false,
            Some(_) => {
                let flag = self.known.flagged.get(&key);
                flag.is_none_or(|&code| code == AttentionCode::UndoPaid)
            }
        };
        if !is_well {
            let open = self.known.open_refunds.entry(sale).or_default();
            open.push(event.row);
        }
        let outcome_of_sale = self.known.events.get(sale).map(|sale| sale.outcome);
        // It is sent after its sale, if that comes to something.
        let is_left = event.outcome.is_none()
            && matches!(
                outcome_of_sale,
                Some(None | Some(Outcome::NonReferral | Outcome::Failed))
            );
        if is_left {
            let left = self.known.refunds_left.entry(sale).or_default();
            left.push(event.row);
        }
        if let Some(total) = essence.refund_total_cents
            && Some(total) >= self.known.largest_total(sale)
        {
            self.known.largest_totals.insert(sale, event.row);
        }
        if undone_sale(event_id).map(EventKey::from_id) == Some(sale)
            && event.outcome.is_some_and(Outcome::is_tracked)
        {
            self.known.take_undo_of_correction(sale, event);
        }
        self.note_uncompared(sale, key, event);
        let counts_nowhere = is_unreferred || is_left;
        let of_others = self.parts_in_account.get(&event.row).copied().unwrap_or(0);
        if of_others > 0 {
            *self.known.parts_in_account.entry(sale).or_default() += of_others;
        }
        let refund = Refunded::from_refund(event_id, essence).with(Refunded {
            cents: of_others,
            gross_cents: of_others,
            ..Refunded::default()
        });
        self.known
            .add_refund(sale, refund, conversion, counts_nowhere);
    }
}

/// Holds the profiles of events as spans of their numbers: a run records its events one after the other, and
/// most of them come from few exports.
#[derive(Debug, Default)]
struct ProfilesOfEvents {
    /// The first event of each span, and its profile.
    spans: Vec<(EventRow, Option<usize>)>,
    /// The event that was added last.
    last: Option<EventRow>,
    /// The span that was asked for last.
    at: usize,
}

impl ProfilesOfEvents {
    /// Adds the next event; returns `false` for one of an earlier run, which a later one took over: it is known
    /// already.
    fn add(&mut self, event: EventRow, profile: Option<usize>) -> bool {
        if self.last >= Some(event) {
            return false;
        }
        self.last = Some(event);
        let span = self.spans.last();
        if span.is_none_or(|(_, of_span)| *of_span != profile) {
            self.spans.push((event, profile));
        }
        true
    }

    /// Returns the profile of an event. Events are asked for in the order of their numbers.
    fn for_event(&mut self, event: EventRow) -> Option<usize> {
        let next = |at: usize| self.spans.get(at + 1);
        while next(self.at).is_some_and(|(first, _)| *first <= event) {
            self.at += 1;
        }
        let (first, profile) = self.spans.get(self.at)?;
        profile.filter(|_| *first <= event)
    }
}

/// Returns the key of an id without its invisible characters, if it has any. Earlier versions took ids as
/// they were.
fn key_as_read_now(id: &str) -> Option<EventKey> {
    if id.is_ascii() || !id.chars().any(is_invisible) {
        return None;
    }
    let seen: String = id.chars().filter(|&c| !is_invisible(c)).collect();
    Some(EventKey::from_id(&seen))
}
