//! Runs the task that owns all state of a run that is being sent.

mod answers;
mod without_request;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::num::NonZeroU64;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedReceiver;

use super::dated_sales::{DatedSales, SaleDecision, SaleStanding};
use super::failure_streak::FailureStreak;
use super::journal_thread::{Done, JournalThread};
use super::lanes::{Basis, Lanes};
use super::pace::Pace;
use super::refusals::Refusals;
use super::verdict::{Halt, is_repeatable};
use super::{EarlierAnswers, End, Prepared, Progress, SendSettings, Stop};
use crate::event::{Event, Kind};
use crate::journal::{
    Effect, Entry, EventRow, Journal, JournalError, Outcome, Pending, PlaceWatch, RunId, Settlement,
};
use crate::tracking::{Client, Form, Reply};

/// The most entries in one commit.
const MAX_BATCH: usize = 512;
/// The most events that are read at a time.
const MAX_READ: usize = 128;
/// The most events that are kept in memory until their turn comes.
const MAX_LOADED: usize = 384;
/// The number of events for each request that may be under way whose intents are on disk before there is room
/// for their requests: they are sent while a commit takes its time.
const AHEAD: usize = 4;
/// The time between checks of the journal's path, beside each commit.
const PLACE_INTERVAL: Duration = Duration::from_millis(400);

/// Holds an event that is being sent.
struct EventInFlight {
    lane: usize,
    event: Arc<Event>,
    /// The form that is sent; `None` if it was different before and can't be made any more, and once it is
    /// sent.
    form: Option<Form>,
    /// `true` if the event can be sent twice and count once.
    is_repeatable: bool,
    /// The number of attempts in the journal, including those of earlier runs.
    attempts: u32,
    is_maybe_recorded: bool,
    is_in_doubt: bool,
    /// The result of a sale that is not sent, as the account's lists say.
    decided: Option<Box<Settlement>>,
}

/// Counts how often an event has failed in this run.
#[derive(Clone, Copy, Default)]
struct FailedAttempts {
    failures: u32,
    slowed: u32,
}

/// Says what happens when an entry is on disk.
enum After {
    Go(EventRow),
    Settled(EventRow, Outcome, Basis),
    /// The event continues as after `Settled`, but the result is not on disk: see [`Sender::deferred`].
    Deferred(EventRow, Settlement, Basis),
    /// The entry is the reason why a result needs attention.
    Flagged,
    /// The entry is a result that its lane continued from before.
    Flushed(Outcome),
    Again(EventRow, Instant),
    Left(EventRow),
}

/// Counts the events that are sent before it pauses.
struct Pause {
    /// The number of events that may still begin.
    left: u64,
    /// The events that have begun, and are not settled.
    open: HashSet<EventRow>,
}

impl Pause {
    fn after(events: NonZeroU64) -> Self {
        Pause {
            left: events.get(),
            open: HashSet::new(),
        }
    }

    /// Returns `true` if an event may be sent before the pause.
    fn permits(&self, row: EventRow) -> bool {
        self.left > 0 || self.open.contains(&row)
    }

    /// Returns `true` if it is the last event that may begin.
    fn begin(&mut self, row: EventRow) -> bool {
        let is_new = self.open.insert(row);
        if is_new {
            self.left = self.left.saturating_sub(1);
        }
        is_new && self.left == 0
    }

    /// Returns `true` if all that is sent before the pause is settled or left.
    fn is_due(&self) -> bool {
        self.left == 0 && self.open.is_empty()
    }
}

/// An event's answer, and when its request was sent.
type Answered = (EventRow, Instant, Reply);

type Request<'c> = Pin<Box<dyn Future<Output = Answered> + 'c>>;

pub(super) struct Sender<'c> {
    client: &'c Client,
    run: RunId,
    settings: SendSettings,
    lanes: Lanes,
    earlier: EarlierAnswers,
    /// What decides about sales that are sent as commissions of known referrals.
    dated_sales: Option<DatedSales>,
    /// The sales that were to keep their days, and that are sent without them.
    not_dated: HashSet<EventRow>,
    /// The lanes whose next event may be sent and has to be read.
    ready: VecDeque<usize>,
    /// The lanes whose next event is being read.
    reading: Vec<usize>,
    /// The events that were read and may be sent.
    loaded: VecDeque<EventRow>,
    slots: HashMap<EventRow, EventInFlight>,
    /// The lanes whose next event waits for another attempt, with the time of that.
    later: BinaryHeap<Reverse<(Instant, usize)>>,
    /// The failures of the events that have failed in this run.
    tries: HashMap<EventRow, FailedAttempts>,
    /// The events whose intent is on disk and which wait for the rate.
    prepared: VecDeque<EventRow>,
    in_flight: FuturesUnordered<Request<'c>>,
    outbox: Vec<(Entry, After)>,
    writing: Vec<After>,
    journal_thread: JournalThread,
    place: PlaceWatch,
    next_place_check: Instant,
    /// The number of events that are intended and were not sent.
    unsent: usize,
    pace: Pace,
    trouble: FailureStreak,
    refusals: Refusals,
    /// The events that were refused, and what follows from that, while the account may be the reason: then
    /// these events remain to be sent, and none of them has failed.
    deferred: Vec<(EventRow, Settlement)>,
    /// The events after which it pauses, if it is to.
    pause: Option<Pause>,
    /// The reason for leaving lanes to the next run, if any were left.
    left: Option<String>,
    end: Option<End>,
    progress: Progress,
}

impl<'c> Sender<'c> {
    pub(super) fn new(
        journal: Journal,
        client: &'c Client,
        (run, settings): (RunId, SendSettings),
        prepared: Prepared,
    ) -> Self {
        let Prepared {
            work,
            pace,
            progress,
            pause_after,
            dated_sales,
        } = prepared;
        Sender {
            client,
            run,
            settings,
            ready: (0..work.lanes.len())
                .filter(|lane| !work.lanes.lane(*lane).is_waiting_for_signup)
                .collect(),
            lanes: work.lanes,
            earlier: work.earlier,
            not_dated: work.not_dated,
            dated_sales,
            reading: Vec::new(),
            loaded: VecDeque::new(),
            slots: HashMap::new(),
            later: BinaryHeap::new(),
            tries: HashMap::new(),
            prepared: VecDeque::new(),
            in_flight: FuturesUnordered::new(),
            outbox: Vec::new(),
            writing: Vec::new(),
            place: journal.place_watch(),
            next_place_check: Instant::now(),
            journal_thread: JournalThread::start(journal, run),
            unsent: 0,
            pace,
            trouble: FailureStreak::default(),
            refusals: Refusals::new(settings.stop_after_same_refusals),
            deferred: Vec::new(),
            pause: pause_after.map(Pause::after),
            left: None,
            end: None,
            progress,
        }
    }

    /// Returns the learned rate; see [`super::Sent::learned_per_minute`].
    pub(super) fn learned_per_minute(&self) -> Option<u32> {
        self.pace.learned_per_minute()
    }

    /// Sends until all is settled, or it has to stop.
    pub(super) async fn run(
        &mut self,
        mut stop: UnboundedReceiver<Stop>,
        watch: &mut dyn FnMut(&Progress),
    ) -> End {
        loop {
            self.check_place();
            if self.end.is_none() && self.pause.as_ref().is_some_and(Pause::is_due) {
                let end = match self.left.take() {
                    Some(message) => End::Unreachable { message },
                    None => End::Paused,
                };
                self.wind_down(end);
            }
            self.wake_lanes();
            self.claim();
            let next_leave = self.start_requests();
            self.hand_over();
            self.progress.in_flight = self.in_flight.len();
            self.progress.per_minute = self.pace.per_minute();
            watch(&self.progress);
            if self.is_idle() {
                if self.flush_deferred() {
                    continue;
                }
                break;
            }
            let wake = self.next_wake(next_leave);
            tokio::select! {
                biased;
                Some(request) = stop.recv() => match request {
                    Stop::Drain => self.wind_down(End::Interrupted),
                    Stop::Now => {
                        self.wind_down(End::Interrupted);
                        break;
                    }
                },
                done = self.journal_thread.done(), if self.journal_thread.is_writing() || self.journal_thread.is_reading() => {
                    match done {
                        Done::Written(written) => self.on_written(written),
                        Done::Read(read) => self.on_read(read),
                    }
                }
                Some(first) = self.in_flight.next() => self.on_answers(first),
                () = sleep_until(wake), if wake.is_some() => {}
            }
        }
        self.why_ended()
    }

    /// Returns the journal, and how many requests were sent.
    pub(super) fn finish(self) -> (Journal, u64) {
        (self.journal_thread.finish(), self.progress.requests)
    }

    /// Returns `true` if nothing is under way, and nothing could be.
    fn is_idle(&self) -> bool {
        let nothing_to_start = self.end.is_some()
            || (self.ready.is_empty() && self.loaded.is_empty() && self.later.is_empty());
        nothing_to_start
            && self.in_flight.is_empty()
            && self.prepared.is_empty()
            && self.outbox.is_empty()
            && !self.journal_thread.is_writing()
            && !self.journal_thread.is_reading()
    }

    fn why_ended(&mut self) -> End {
        let left = self.left.take();
        if let Some(end) = self.end.take() {
            return end;
        }
        self.expect_nothing_open();
        match (left, self.lanes.waiting()) {
            (Some(message), _) => End::Unreachable { message },
            (None, 0) => End::Done,
            (None, events) => End::Waiting { events },
        }
    }

    /// Checks that each event which was begun has come to its end.
    fn expect_nothing_open(&self) {
        assert!(self.slots.is_empty(), "each event has come to its end");
        assert!(self.deferred.is_empty(), "each result is on disk");
        assert_eq!(
            self.unsent, 0,
            "each intended request was sent or withdrawn"
        );
    }

    fn next_wake(&self, next_leave: Option<Instant>) -> Option<Instant> {
        let next_try = match (&self.end, self.later.peek()) {
            (None, Some(Reverse((at, _)))) => Some(*at),
            _ => None,
        };
        let next_check = self.end.is_none().then_some(self.next_place_check);
        [next_leave, next_try, next_check]
            .into_iter()
            .flatten()
            .min()
    }

    /// Stops if the journal is no longer at its path: nobody would find what is recorded now.
    fn check_place(&mut self) {
        let now = Instant::now();
        if self.end.is_some() || now < self.next_place_check {
            return;
        }
        self.next_place_check = now + PLACE_INTERVAL;
        if let Err(error) = self.place.check() {
            self.journal_failed(error);
        }
    }

    fn wake_lanes(&mut self) {
        if self.later.is_empty() {
            return;
        }
        let now = Instant::now();
        while let Some(Reverse((at, lane))) = self.later.peek().copied() {
            if at > now {
                break;
            }
            self.later.pop();
            // It has waited already.
            self.ready.push_front(lane);
        }
    }

    /// Returns an event that is being sent. It has a slot from when it is read until its lane continues.
    fn slot_of(&self, row: EventRow) -> &EventInFlight {
        let slot = self.slots.get(&row);
        slot.expect("an event has its slot until its lane continues")
    }

    fn slot_mut(&mut self, row: EventRow) -> &mut EventInFlight {
        let slot = self.slots.get_mut(&row);
        slot.expect("an event has its slot until its lane continues")
    }

    /// Removes an event whose turn is over.
    fn take_slot(&mut self, row: EventRow) -> EventInFlight {
        let slot = self.slots.remove(&row);
        slot.expect("a turn of an event ends once, and it has its slot until then")
    }

    /// Claims events whose turn has come, as far as there is room.
    fn claim(&mut self) {
        while self.end.is_none() && self.outbox.len() < MAX_BATCH {
            let Some(&row) = self.loaded.front() else {
                return;
            };
            let slot = self.slot_of(row);
            if let Some(settlement) = self.settlement_without_request(slot) {
                self.loaded.pop_front();
                self.settle_without_request(row, settlement);
            } else if self.has_room(slot) {
                self.loaded.pop_front();
                self.begin(row);
                self.intend(row);
            } else {
                return;
            }
        }
    }

    /// Returns `true` if one more intent may be put on disk: no more than are sent within a few milliseconds.
    ///
    /// An event that can't be repeated could not be distinguished from one that was sent if the program were
    /// killed then, and so waits until there is room for its request.
    fn has_room(&self, slot: &EventInFlight) -> bool {
        let at_a_time = self.at_a_time();
        let ahead = self.pace.look_ahead().min(AHEAD * at_a_time);
        self.unsent < ahead
            && (slot.is_repeatable || self.in_flight.len() + self.unsent < at_a_time)
    }

    /// Returns how many requests may be under way.
    fn at_a_time(&self) -> usize {
        if self.trouble.is_serious() {
            1
        } else {
            self.settings.concurrency.get()
        }
    }

    fn intend(&mut self, row: EventRow) {
        let run = self.run;
        let slot = self.slot_mut(row);
        slot.attempts += 1;
        let entry = Entry::Intent {
            event: row,
            number: slot.attempts,
            run,
            at: Timestamp::now(),
            carried: slot.form.as_ref().map(Form::carried),
        };
        self.unsent += 1;
        self.outbox.push((entry, After::Go(row)));
    }

    /// Sends what is prepared, as far as there is room and the rate allows it; else returns when to ask the
    /// rate again.
    fn start_requests(&mut self) -> Option<Instant> {
        while self.in_flight.len() < self.at_a_time() {
            let &row = self.prepared.front()?;
            let now = Instant::now();
            if let Err(at) = self.pace.take(now) {
                return Some(at);
            }
            self.prepared.pop_front();
            self.unsent -= 1;
            let (client, slot) = (self.client, self.slot_mut(row));
            let form = slot
                .form
                .take()
                .expect("an event without a form is settled without a request");
            let event = Arc::clone(&slot.event);
            self.progress.requests += 1;
            self.in_flight.push(Box::pin(async move {
                (row, now, client.send(&event, form).await)
            }));
        }
        None
    }

    /// Gives the journal's thread what is to be written, and what is to be read.
    fn hand_over(&mut self) {
        if !self.journal_thread.is_writing() && !self.outbox.is_empty() {
            let (entries, afters) = self.outbox.drain(..).unzip();
            self.writing = afters;
            self.journal_thread.write(entries);
        }
        // Not before there is room for many: one at a time costs as much as several.
        let has_room = self.loaded.len() + MAX_READ <= MAX_LOADED;
        let count = self.ready.len().min(MAX_READ);
        if self.end.is_some() || self.journal_thread.is_reading() || !has_room || count == 0 {
            return;
        }
        self.reading = self.ready.drain(..count).collect();
        let next = |&lane: &usize| {
            let next = self.lanes.next(lane);
            next.expect("a lane that is ready has a next event")
        };
        let rows = self.reading.iter().map(next).collect();
        self.journal_thread.read(rows);
    }

    fn on_read(&mut self, read: Result<Vec<Pending>, JournalError>) {
        let lanes = std::mem::take(&mut self.reading);
        let events = match read {
            Ok(events) => events,
            Err(error) => return self.journal_failed(error),
        };
        assert_eq!(lanes.len(), events.len(), "each lane gets its next event");
        for (lane, pending) in lanes.into_iter().zip(events) {
            let row = pending.row;
            if self.pause.as_ref().is_some_and(|pause| !pause.permits(row)) {
                continue;
            }
            self.loaded.push_back(row);
            let slot = self.slot(lane, pending);
            self.slots.insert(row, slot);
        }
    }

    /// Returns an event with the form in which it is sent.
    ///
    /// One that may have been recorded is sent again in the same form; if that can't be made, it is sent only
    /// if the user repeats it on purpose.
    fn slot(&self, lane: usize, pending: Pending) -> EventInFlight {
        let Pending {
            row,
            event,
            attempts,
            is_maybe_recorded: maybe_recorded,
            is_in_doubt,
            carried,
            ..
        } = pending;
        let is_started = maybe_recorded && !self.settings.should_repeat_unconfirmed;
        let before = carried.as_ref().filter(|_| maybe_recorded);
        let as_before = before.and_then(|before| self.client.form_as_before(&event, before));
        let dated = self
            .dated_sales
            .as_ref()
            .filter(|dated| dated.concerns(row))
            .filter(|_| event.kind == Kind::Sale && as_before.is_none());
        let decision = dated.map(|dated| {
            let standing = SaleStanding {
                row,
                lane: self.lanes.lane(lane),
                is_maybe_recorded: maybe_recorded,
                should_repeat: self.settings.should_repeat_unconfirmed,
            };
            dated.decide(&event, self.client, &standing)
        });
        let (form, decided) = match (decision, before) {
            (Some(SaleDecision::Send(form)), _) => (Some(form), None),
            (Some(SaleDecision::Settle(settlement)), _) => (None, Some(settlement)),
            (None, Some(_)) if is_started => (as_before, None),
            (None, _) => {
                let form = as_before.unwrap_or_else(|| self.client.form(&event));
                (Some(form), None)
            }
        };
        // It is not known whether what an earlier version sent had an id.
        let is_known = !is_started || carried.is_some();
        let has_event_id = form
            .as_ref()
            .is_some_and(|form| form.carried().has_event_id);
        let may_repeat = form
            .as_ref()
            .is_none_or(|form| form.is_repeatable(event.kind));
        EventInFlight {
            lane,
            is_repeatable: may_repeat && is_repeatable(event.kind, has_event_id && is_known),
            decided,
            event: Arc::new(event),
            form,
            attempts,
            is_maybe_recorded: maybe_recorded,
            is_in_doubt,
        }
    }

    fn journal_failed(&mut self, error: JournalError) {
        // Answers under way are waited for; their intents are on disk, so a later run knows.
        self.outbox.clear();
        self.prepared.clear();
        self.end = Some(End::Journal(error));
    }

    fn on_written(&mut self, written: Result<(), JournalError>) {
        let afters = std::mem::take(&mut self.writing);
        if let Err(error) = written {
            return self.journal_failed(error);
        }
        for after in afters {
            match after {
                After::Go(row) if self.end.is_some() => self.withdraw(row),
                After::Go(row) => self.prepared.push_back(row),
                After::Settled(row, outcome, basis) => {
                    self.go_on(row, outcome, basis);
                    *self.progress.settled.entry(outcome).or_default() += 1;
                }
                After::Deferred(row, settlement, basis) => self.defer(row, settlement, basis),
                After::Flagged => {}
                After::Flushed(outcome) => {
                    *self.progress.settled.entry(outcome).or_default() += 1;
                }
                After::Again(row, at) => {
                    // The journal has everything that is known of it.
                    let lane = self.take_slot(row).lane;
                    self.later.push(Reverse((at, lane)));
                }
                After::Left(row) => {
                    self.take_slot(row);
                    self.ended_with(row);
                }
            }
        }
    }

    /// Notes that an event begins. After the last one before a pause no other one does.
    fn begin(&mut self, row: EventRow) {
        let Some(pause) = &mut self.pause else {
            return;
        };
        if !pause.begin(row) {
            return;
        }
        let (lanes, slots) = (&self.lanes, &mut self.slots);
        self.ready
            .retain(|lane| lanes.next(*lane).is_some_and(|row| pause.permits(row)));
        self.loaded.retain(|row| {
            let is_permitted = pause.permits(*row);
            if !is_permitted {
                slots.remove(row);
            }
            is_permitted
        });
    }

    /// Notes that nothing more is sent for an event.
    fn ended_with(&mut self, row: EventRow) {
        if let Some(pause) = &mut self.pause {
            pause.open.remove(&row);
        }
    }

    /// Continues with the next event of the lane.
    fn go_on(&mut self, row: EventRow, outcome: Outcome, basis: Basis) {
        self.ended_with(row);
        self.tries.remove(&row);
        let slot = self.take_slot(row);
        let may_go_on = self.pause.as_ref().is_none_or(|pause| pause.left > 0);
        if self.lanes.settled(slot.lane, &slot.event, outcome, basis) && may_go_on {
            self.ready.push_back(slot.lane);
        }
    }

    /// Continues with the lane, and keeps the result until it is known whether the event was refused or the
    /// account.
    fn defer(&mut self, row: EventRow, settlement: Settlement, basis: Basis) {
        self.go_on(row, settlement.outcome, basis);
        self.deferred.push((row, settlement));
        if !self.refusals.is_start() {
            self.flush_deferred();
        }
    }

    /// Settles what was deferred, unless the account was refused. Returns whether there was anything.
    fn flush_deferred(&mut self) -> bool {
        let is_kept = match &self.end {
            Some(End::Halted(Halt::SameRefusal { .. })) => self.refusals.is_start(),
            Some(End::Journal(_)) => true,
            _ => false,
        };
        if is_kept {
            return false;
        }
        let deferred = std::mem::take(&mut self.deferred);
        let is_any = !deferred.is_empty();
        for (event, settlement) in deferred {
            let after = After::Flushed(settlement.outcome);
            self.outbox
                .push((Entry::Settle { event, settlement }, after));
        }
        is_any
    }

    /// Starts nothing new, and withdraws what waits for the rate.
    fn wind_down(&mut self, end: End) {
        if self.end.is_none() {
            self.end = Some(end);
        }
        for row in std::mem::take(&mut self.prepared) {
            self.withdraw(row);
        }
    }

    /// Records that a request which was intended was never sent.
    fn withdraw(&mut self, row: EventRow) {
        self.unsent -= 1;
        let entry = Entry::Answer {
            event: row,
            number: self.slot_of(row).attempts,
            at: Timestamp::now(),
            answer: "withdrawn",
            effect: Effect::None,
            http_status: None,
            message: None,
            settlement: None,
        };
        self.outbox.push((entry, After::Left(row)));
    }
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
