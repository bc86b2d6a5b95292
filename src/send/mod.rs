//! When which event may go: lanes, rate, retries, stop.
//!
//! The only place with concurrency. One task owns all state and does no I/O of its own; requests
//! run beside it, and the journal on its own thread. An event's way:
//!
//! 1. its lane is ready and there is room: its intent is put on disk, with those of others;
//! 2. the account's rate gives leave: the request goes out;
//! 3. the answer is put on disk, with others;
//! 4. only then it counts, and the next event of its lane may go.

mod backoff;
mod lanes;
mod lead_list;
mod listing;
mod pace;
mod scribe;
mod verdict;

pub use lead_list::{Fetched, LeadList};
pub use listing::{Shelf, Unlisted, fetch_list};
pub use verdict::Halt;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::num::{NonZeroU32, NonZeroUsize};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::event::{Event, EventKey, Kind};
use crate::journal::{
    Effect, Entry, EventRow, Journal, JournalError, JournalReader, Outcome, Pending, RunId,
    Settlement,
};
use crate::tracking::{Answer, Client};
use lanes::{Lane, lanes};
use pace::Pace;
use scribe::Scribe;
use verdict::{Verdict, effect, is_repeatable, settled_without_asking, verdict};

/// Entries in one commit at the most.
const MAX_BATCH: usize = 512;
/// Failures in a row after which everyone pauses.
const FAILURES_BEFORE_PAUSE: u32 = 5;
/// 429s for one event after which it is left to the next run.
const MAX_SLOWED: u32 = 30;
/// A run that meets nothing but 429 for this long ends.
const GIVE_UP_ON_TOO_FAST: Duration = Duration::from_secs(1800);

/// How to send.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The most requests in a minute.
    pub requests_per_minute: NonZeroU32,
    /// The most requests at a time.
    pub concurrency: NonZeroUsize,
    /// Whether a customer's 204 settles the customer's other events.
    pub infer_non_referrals: bool,
    /// Whether the account's API takes `event_id` on cancellations.
    pub cancellation_event_id: bool,
    /// How long nothing but failures is borne before the run ends.
    pub give_up_after: Duration,
    /// Whether the account's leads are fetched first, so that the events of others need not be sent.
    pub lead_list: bool,
    /// Whether events that may have been recorded are sent again although that could count twice:
    /// only where the user asked for it.
    pub repeat_unconfirmed: bool,
}

/// What the user, or the system, wants to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Start nothing new; wait for the answers under way.
    Drain,
    /// Leave at once.
    Now,
}

/// Why sending ended.
#[derive(Debug)]
pub enum End {
    /// Nothing was left to send.
    Done,
    /// It was told to stop.
    Interrupted,
    /// The API can't be used with this key or this server.
    Halted(Halt),
    /// The API stayed away, or kept failing.
    Unreachable {
        /// What happened last.
        message: String,
    },
    /// The journal can't be written; what was sent since is in it as an intent.
    Journal(JournalError),
}

/// How it stands.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Events that this call set out to settle.
    pub total: usize,
    /// Settled so far, by outcome.
    pub settled: BTreeMap<Outcome, usize>,
    /// Requests that went out.
    pub requests: u64,
    /// The rate in force, in requests a minute.
    pub per_minute: u32,
    /// Requests without an answer yet.
    pub in_flight: usize,
    /// What keeps going wrong, while nothing goes right.
    pub trouble: Option<String>,
    /// How it stands with the list of leads, where one is wanted.
    pub lead_list: LeadListState,
}

/// How it stands with the list of leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LeadListState {
    /// None is wanted.
    #[default]
    NotWanted,
    /// It is being read.
    Reading {
        /// Leads so far.
        leads: u64,
    },
    /// It is whole, and settles the events of all others.
    Whole {
        /// Leads.
        leads: u64,
        /// Requests that it took.
        requests: u64,
    },
    /// It can't be relied on: every event is asked for.
    Unusable {
        /// Why.
        reason: String,
    },
}

impl Progress {
    /// How many events are settled.
    pub fn done(&self) -> usize {
        self.settled.values().sum()
    }
}

/// What came of a call of [`send`].
#[derive(Debug)]
pub struct Sent {
    /// The journal, back from its thread.
    pub journal: Journal,
    /// Why it ended.
    pub end: End,
    /// Requests that went out.
    pub requests: u64,
}

/// Sends what is pending in a run until all is settled, or it has to stop.
pub async fn send(
    journal: Journal,
    client: &Client,
    run: RunId,
    pending: Vec<Pending>,
    settings: Settings,
    stop: UnboundedReceiver<Stop>,
    watch: &mut dyn FnMut(&Progress),
) -> Sent {
    let sales = match earlier_sales(&journal, &pending) {
        Ok(sales) => sales,
        Err(error) => {
            return Sent {
                journal,
                end: End::Journal(error),
                requests: 0,
            };
        }
    };
    let mut sender = Sender::new(journal, client, run, pending, settings);
    sender.learn_earlier(&sales);
    let end = sender.run(stop, watch).await;
    Sent {
        requests: sender.progress.requests,
        journal: sender.scribe.finish(),
        end,
    }
}

/// Reads the account's list of leads and sends nothing.
pub async fn fetch_lead_list(
    client: &Client,
    requests_per_minute: NonZeroU32,
    mut stop: UnboundedReceiver<Stop>,
) -> Fetched {
    let mut pace = Pace::new(requests_per_minute);
    lead_list::fetch(client, &mut pace, &mut stop, &mut |_, _| {}).await
}

/// What came of the sales that refunds among `pending` name and that are not sent with them: a run
/// that goes on knows no more of them than the journal does.
fn earlier_sales(
    journal: &JournalReader,
    pending: &[Pending],
) -> Result<HashMap<EventKey, Outcome>, JournalError> {
    let of_kind = |kind| pending.iter().filter(move |p| p.event.kind == kind);
    let sales: HashSet<&str> = of_kind(Kind::Sale).map(|p| p.event.event_id()).collect();
    let elsewhere: HashSet<EventKey> = of_kind(Kind::Refund)
        .filter_map(|p| p.event.sale_event_id.as_deref())
        .filter(|sale| !sales.contains(sale))
        .map(EventKey::of)
        .collect();
    if elsewhere.is_empty() {
        return Ok(HashMap::new());
    }
    let known = journal.known()?;
    let outcome = |key| Some((key, known.events.get(&key)?.outcome?));
    Ok(elsewhere.into_iter().filter_map(outcome).collect())
}

/// An event on its way.
struct Slot {
    row: EventRow,
    event: Arc<Event>,
    /// Attempts in the journal, of earlier runs too.
    attempts: u32,
    maybe_recorded: bool,
    /// Failures and 429s of this run.
    failures: u32,
    slowed: u32,
}

/// What happens when an entry is on disk.
enum After {
    Go(usize),
    Settled(usize, Outcome),
    Again(usize, Instant),
    Left,
}

type Request = Pin<Box<dyn Future<Output = (usize, Answer)>>>;

struct Sender<'c> {
    client: &'c Client,
    run: RunId,
    settings: Settings,
    slots: Vec<Option<Slot>>,
    lanes: Vec<Lane>,
    lane_of: Vec<usize>,
    /// Lanes whose first event may go.
    ready: VecDeque<usize>,
    /// Lanes whose first event waits for another try.
    later: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Events whose intent is on disk and which wait for the rate.
    prepared: VecDeque<usize>,
    in_flight: FuturesUnordered<Request>,
    outbox: Vec<(Entry, After)>,
    writing: Vec<After>,
    scribe: Scribe,
    /// Events between their claim and their answer's commit.
    busy: usize,
    pace: Pace,
    trouble: Trouble,
    /// Lanes that are left to the next run, with the reason.
    left: Option<String>,
    end: Option<End>,
    progress: Progress,
}

impl<'c> Sender<'c> {
    fn new(
        journal: Journal,
        client: &'c Client,
        run: RunId,
        pending: Vec<Pending>,
        settings: Settings,
    ) -> Self {
        let events: Vec<&Event> = pending.iter().map(|pending| &pending.event).collect();
        let (lanes, lane_of) = lanes(&events);
        let pace = Pace::new(settings.requests_per_minute);
        Sender {
            client,
            run,
            settings,
            ready: (0..lanes.len()).collect(),
            lanes,
            lane_of,
            later: BinaryHeap::new(),
            prepared: VecDeque::new(),
            in_flight: FuturesUnordered::new(),
            outbox: Vec::new(),
            writing: Vec::new(),
            scribe: Scribe::start(journal),
            busy: 0,
            trouble: Trouble::default(),
            left: None,
            end: None,
            progress: Progress {
                total: pending.len(),
                per_minute: pace.per_minute(),
                ..Progress::default()
            },
            pace,
            slots: pending.into_iter().map(|p| Some(Slot::of(p))).collect(),
        }
    }

    fn learn_earlier(&mut self, sales: &HashMap<EventKey, Outcome>) {
        for (slot, &lane) in self.slots.iter().zip(&self.lane_of) {
            let sale = slot.as_ref().and_then(|s| s.event.sale_event_id.as_ref());
            if let Some(sale) = sale
                && let Some(&outcome) = sales.get(&EventKey::of(sale))
            {
                self.lanes[lane].learn_sale(sale, outcome);
            }
        }
    }

    async fn run(
        &mut self,
        mut stop: UnboundedReceiver<Stop>,
        watch: &mut dyn FnMut(&Progress),
    ) -> End {
        if self.settings.lead_list
            && let Some(end) = self.fetch_leads(&mut stop, watch).await
        {
            return end;
        }
        loop {
            self.wake_lanes();
            self.claim();
            let next_leave = self.start_requests();
            self.hand_over();
            self.progress.in_flight = self.in_flight.len();
            self.progress.per_minute = self.pace.per_minute();
            watch(&self.progress);
            if self.is_idle() {
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
                written = self.scribe.written(), if self.scribe.is_busy() => {
                    self.on_written(written);
                }
                Some((index, answer)) = self.in_flight.next() => self.on_answer(index, &answer),
                () = sleep_until(wake), if wake.is_some() => {}
            }
        }
        self.why_ended()
    }

    /// Reads the list of leads and marks the lanes of those who are not in it; says why nothing more
    /// can be sent, if so.
    async fn fetch_leads(
        &mut self,
        stop: &mut UnboundedReceiver<Stop>,
        watch: &mut dyn FnMut(&Progress),
    ) -> Option<End> {
        if self.lanes.is_empty() {
            return None;
        }
        let mut progress = self.progress.clone();
        let mut on_page = |leads, requests| {
            progress.lead_list = LeadListState::Reading { leads };
            progress.requests = requests;
            watch(&progress);
        };
        let fetched = lead_list::fetch(self.client, &mut self.pace, stop, &mut on_page).await;
        self.progress.requests = progress.requests;
        match fetched {
            Fetched::Whole(list) => {
                self.progress.requests = list.requests;
                self.progress.lead_list = LeadListState::Whole {
                    leads: list.len() as u64,
                    requests: list.requests,
                };
                self.mark_unlisted(&list);
                None
            }
            Fetched::Unusable { reason } => {
                self.progress.lead_list = LeadListState::Unusable { reason };
                None
            }
            Fetched::Ended(end) => Some(end),
        }
    }

    fn mark_unlisted(&mut self, list: &LeadList) {
        let slots = &self.slots;
        let concerned = |index: &usize| {
            let slot = slots[*index].as_ref();
            slot.is_none_or(|slot| list.may_concern(&slot.event))
        };
        for lane in &mut self.lanes {
            lane.is_unlisted = !lane.waiting.iter().any(concerned);
        }
    }

    /// Nothing under way, and nothing that could be.
    fn is_idle(&self) -> bool {
        let nothing_to_start =
            self.end.is_some() || (self.ready.is_empty() && self.later.is_empty());
        nothing_to_start
            && self.in_flight.is_empty()
            && self.prepared.is_empty()
            && self.outbox.is_empty()
            && !self.scribe.is_busy()
    }

    fn why_ended(&mut self) -> End {
        match (self.end.take(), self.left.take()) {
            (Some(end), _) => end,
            (None, Some(message)) => End::Unreachable { message },
            (None, None) => End::Done,
        }
    }

    fn next_wake(&self, next_leave: Option<Instant>) -> Option<Instant> {
        let next_try = match (&self.end, self.later.peek()) {
            (None, Some(Reverse((at, _)))) => Some(*at),
            _ => None,
        };
        [next_leave, next_try].into_iter().flatten().min()
    }

    fn wake_lanes(&mut self) {
        let now = Instant::now();
        while let Some(Reverse((at, lane))) = self.later.peek().copied() {
            if at > now {
                break;
            }
            self.later.pop();
            self.ready.push_back(lane);
        }
    }

    /// Takes events from the lanes that are ready, as far as there is room.
    fn claim(&mut self) {
        while self.end.is_none() && self.outbox.len() < MAX_BATCH {
            let Some(&lane) = self.ready.front() else {
                return;
            };
            let Some(&index) = self.lanes[lane].waiting.front() else {
                self.ready.pop_front();
                continue;
            };
            if let Some(settlement) = self.without_asking(lane, index) {
                self.ready.pop_front();
                self.settle_without_asking(index, settlement);
            } else if self.has_room() {
                self.ready.pop_front();
                self.intend(index);
            } else {
                return;
            }
        }
    }

    fn has_room(&self) -> bool {
        let at_a_time = match self.trouble.is_serious() {
            true => 1,
            false => self.settings.concurrency.get(),
        };
        let unsent = self.busy - self.in_flight.len();
        self.busy < at_a_time && unsent < self.pace.look_ahead()
    }

    /// The result of an event that need not, or must not, be sent.
    fn without_asking(&self, lane: usize, index: usize) -> Option<Settlement> {
        let slot = self.slots[index].as_ref()?;
        let lane = &self.lanes[lane];
        let at = Timestamp::now();
        let repeatable = is_repeatable(slot.event.kind, self.settings.cancellation_event_id);
        if slot.maybe_recorded && !repeatable && !self.settings.repeat_unconfirmed {
            let message = "an earlier attempt got no answer, and a second one could count twice";
            return Some(settled_without_asking(
                Outcome::Unconfirmed,
                Some(message.to_owned()),
                at,
            ));
        }
        if lane.sale_failed(&slot.event) {
            let message = "not sent: its sale failed";
            return Some(settled_without_asking(
                Outcome::Failed,
                Some(message.to_owned()),
                at,
            ));
        }
        if lane.is_unlisted && !slot.maybe_recorded {
            let message = "not asked: the customer is not in the account's list of leads";
            return Some(Settlement {
                inferred: true,
                ..settled_without_asking(Outcome::NonReferral, Some(message.to_owned()), at)
            });
        }
        let infers = self.settings.infer_non_referrals && !slot.maybe_recorded;
        if infers && lane.is_known_stranger(&slot.event) {
            return Some(Settlement {
                inferred: true,
                ..settled_without_asking(Outcome::NonReferral, None, at)
            });
        }
        None
    }

    fn settle_without_asking(&mut self, index: usize, settlement: Settlement) {
        if let Some(slot) = &self.slots[index] {
            let outcome = settlement.outcome;
            let entry = Entry::Settle {
                event: slot.row,
                settlement,
            };
            self.outbox.push((entry, After::Settled(index, outcome)));
        }
    }

    fn intend(&mut self, index: usize) {
        if let Some(slot) = &mut self.slots[index] {
            slot.attempts += 1;
            self.busy += 1;
            let entry = Entry::Intent {
                event: slot.row,
                number: slot.attempts,
                run: self.run,
                at: Timestamp::now(),
            };
            self.outbox.push((entry, After::Go(index)));
        }
    }

    /// Sends what is prepared, as far as the rate gives leave; else says when to ask again.
    fn start_requests(&mut self) -> Option<Instant> {
        while let Some(&index) = self.prepared.front() {
            if let Err(at) = self.pace.take() {
                return Some(at);
            }
            self.prepared.pop_front();
            if let Some(slot) = &self.slots[index] {
                let (client, event) = (self.client.clone(), Arc::clone(&slot.event));
                self.progress.requests += 1;
                self.in_flight
                    .push(Box::pin(async move { (index, client.send(&event).await) }));
            }
        }
        None
    }

    fn hand_over(&mut self) {
        if self.scribe.is_busy() || self.outbox.is_empty() {
            return;
        }
        let (entries, afters) = self.outbox.drain(..).unzip();
        self.writing = afters;
        self.scribe.write(entries);
    }

    fn on_written(&mut self, written: Result<(), JournalError>) {
        let afters = std::mem::take(&mut self.writing);
        if let Err(error) = written {
            // What is in flight is waited for; its intents are on disk, so a later run knows.
            self.outbox.clear();
            self.prepared.clear();
            self.end = Some(End::Journal(error));
            return;
        }
        for after in afters {
            match after {
                After::Go(index) if self.end.is_some() => self.withdraw(index),
                After::Go(index) => self.prepared.push_back(index),
                After::Settled(index, outcome) => self.settled(index, outcome),
                After::Again(index, at) => {
                    self.busy -= 1;
                    self.later.push(Reverse((at, self.lane_of[index])));
                }
                After::Left => self.busy -= 1,
            }
        }
    }

    fn settled(&mut self, index: usize, outcome: Outcome) {
        let lane = self.lane_of[index];
        if let Some(slot) = self.slots[index].take() {
            self.lanes[lane].learn(&slot.event, outcome);
        }
        self.lanes[lane].waiting.pop_front();
        if self.lanes[lane].waiting.is_empty() {
            self.lanes[lane] = Lane::default();
        } else {
            self.ready.push_back(lane);
        }
        *self.progress.settled.entry(outcome).or_default() += 1;
    }

    fn on_answer(&mut self, index: usize, answer: &Answer) {
        if matches!(self.end, Some(End::Journal(_))) {
            return;
        }
        let Some(slot) = &self.slots[index] else {
            return;
        };
        let at = Timestamp::now();
        let repeatable = is_repeatable(slot.event.kind, self.settings.cancellation_event_id);
        match verdict(&slot.event, answer, slot.maybe_recorded, repeatable, at) {
            Verdict::Settle(settlement) => {
                self.busy -= 1;
                if matches!(answer, Answer::Unclear { .. }) {
                    self.on_failure(answer);
                } else {
                    self.trouble = Trouble::default();
                    self.progress.trouble = None;
                }
                let after = After::Settled(index, settlement.outcome);
                self.record(index, answer, at, Some(settlement), after);
            }
            Verdict::Again => {
                self.on_failure(answer);
                self.ask_again(index, answer, at);
            }
            Verdict::SlowDown(retry_after) => {
                self.pace.slow_down(retry_after);
                self.trouble.note(true);
                self.progress.trouble = Some(describe(answer));
                self.give_up_if_hopeless(answer);
                self.ask_again(index, answer, at);
            }
            Verdict::Stop(halt) => {
                self.record(index, answer, at, None, After::Left);
                self.wind_down(End::Halted(halt));
            }
        }
    }

    fn record(
        &mut self,
        index: usize,
        answer: &Answer,
        at: Timestamp,
        settlement: Option<Settlement>,
        after: After,
    ) {
        let Some(slot) = &self.slots[index] else {
            return;
        };
        let message = answer.message();
        let entry = Entry::Answer {
            event: slot.row,
            number: slot.attempts,
            at,
            answer: answer.word(),
            effect: effect(answer),
            http_status: answer.status(),
            message: (!message.is_empty()).then(|| message.to_owned()),
            settlement,
        };
        self.outbox.push((entry, after));
    }

    fn ask_again(&mut self, index: usize, answer: &Answer, at: Timestamp) {
        let Some(slot) = &mut self.slots[index] else {
            return;
        };
        slot.maybe_recorded |= effect(answer) == Effect::Unknown;
        match answer {
            Answer::TooFast { .. } => slot.slowed += 1,
            _ => slot.failures += 1,
        }
        let is_enough = slot.failures >= backoff::MAX_ATTEMPTS || slot.slowed >= MAX_SLOWED;
        let after = if is_enough {
            self.left = Some(describe(answer));
            After::Left
        } else {
            After::Again(index, Instant::now() + backoff::after(slot.failures))
        };
        self.record(index, answer, at, None, after);
    }

    fn on_failure(&mut self, answer: &Answer) {
        self.trouble.note(false);
        self.progress.trouble = Some(describe(answer));
        // Requests that were under way when the pause began say nothing new by failing too.
        if self.trouble.is_serious() && !self.pace.is_paused() {
            self.trouble.pauses += 1;
            self.pace.pause(backoff::after(self.trouble.pauses));
        }
        self.give_up_if_hopeless(answer);
    }

    fn give_up_if_hopeless(&mut self, answer: &Answer) {
        if self.trouble.is_hopeless(self.settings.give_up_after) {
            let message = describe(answer);
            self.wind_down(End::Unreachable { message });
        }
    }

    /// Starts nothing new; what waits for the rate is taken back.
    fn wind_down(&mut self, end: End) {
        if self.end.is_none() {
            self.end = Some(end);
        }
        for index in std::mem::take(&mut self.prepared) {
            self.withdraw(index);
        }
    }

    /// Records that a request which was intended never left.
    fn withdraw(&mut self, index: usize) {
        let Some(slot) = &self.slots[index] else {
            return;
        };
        let entry = Entry::Answer {
            event: slot.row,
            number: slot.attempts,
            at: Timestamp::now(),
            answer: "withdrawn",
            effect: Effect::None,
            http_status: None,
            message: None,
            settlement: None,
        };
        self.outbox.push((entry, After::Left));
    }
}

impl Slot {
    fn of(pending: Pending) -> Self {
        Slot {
            row: pending.row,
            event: Arc::new(pending.event),
            attempts: pending.attempts,
            maybe_recorded: pending.maybe_recorded,
            failures: 0,
            slowed: 0,
        }
    }
}

/// Failures in a row, of whichever events.
#[derive(Default)]
struct Trouble {
    failures: u32,
    pauses: u32,
    since: Option<Instant>,
    not_only_too_fast: bool,
}

impl Trouble {
    fn note(&mut self, too_fast: bool) {
        self.failures += u32::from(!too_fast);
        self.not_only_too_fast |= !too_fast;
        self.since.get_or_insert_with(Instant::now);
    }

    fn is_serious(&self) -> bool {
        self.failures >= FAILURES_BEFORE_PAUSE
    }

    fn is_hopeless(&self, give_up_after: Duration) -> bool {
        let limit = match self.not_only_too_fast {
            true => give_up_after,
            false => GIVE_UP_ON_TOO_FAST,
        };
        self.since.is_some_and(|since| since.elapsed() >= limit)
    }
}

fn describe(answer: &Answer) -> String {
    match answer.status() {
        Some(status) => format!("HTTP {status}: {}", answer.message()),
        None => answer.message().to_owned(),
    }
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
