//! Decides when which event may be sent: lanes, rate, retries, stop.
//!
//! This is the only place with concurrency. One task owns all state and does no I/O of its own; requests run
//! beside it, and the journal on its own thread. An event goes through these steps:
//!
//! 1. its lane is ready: it is read from the journal, with others;
//! 2. there is room: its intent is put on disk, with those of others;
//! 3. the account's rate allows it: the request is sent;
//! 4. the answer is put on disk, with others;
//! 5. only then it counts, and the next event of its lane may be sent.

mod account_calls;
mod backoff;
mod dated_sales;
mod failure_streak;
mod journal_thread;
mod kept_lines;
mod lanes;
mod lead_list;
mod listing;
mod pace;
mod preparation;
mod refusals;
mod seen_lines;
mod sender;
mod verdict;

pub(crate) use account_calls::{AccountCalls, RequestPermit};
pub(crate) use kept_lines::{KeptLines, LineKeeper};
pub(crate) use lead_list::Fetched;
pub use lead_list::LeadList;
pub use listing::{CompleteListing, OrderCheck};
pub(crate) use listing::{IncompleteListing, PageSink, fetch_list};
pub use refusals::RefusalSeries;
#[cfg(feature = "polars")]
pub(crate) use seen_lines::SeenLines;
pub use verdict::Halt;

use std::collections::{BTreeMap, HashSet};
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::event::{CustomerRef, Event, EventKey, KeyMap, Kind, Ties};
use crate::journal::{
    AttentionCode, EventRow, Journal, JournalError, JournalReader, Outcome, RunId,
};
use crate::tracking::{Answer, Client};
use dated_sales::DatedSales;
use lanes::{Lanes, LeadStanding, Sorter};
use pace::Pace;
use preparation::Preparation;
use sender::Sender;

/// The number of 429s for one event after which it is left to the next run.
const MAX_SLOWED: u32 = 30;

/// Configures how events are sent.
#[derive(Clone, Copy, Debug)]
pub struct SendSettings {
    /// The most requests in a minute.
    pub requests_per_minute: NonZeroU32,
    /// The most requests at a time.
    pub concurrency: NonZeroUsize,
    /// `true` if a customer's 204 settles the customer's other events.
    pub should_infer_non_referrals: bool,
    /// The time of nothing but failures after which the run ends.
    pub give_up_after: Duration,
    /// The number of refusals in the same words after which the run stops if nothing has succeeded; ten times
    /// as many in a row stop it later. `None` never stops it.
    pub stop_after_same_refusals: Option<NonZeroU32>,
    /// `true` if the account's leads are read first, so that the events of other customers need not be sent.
    pub should_use_lead_list: bool,
    /// `true` if events that may have been recorded are sent again although that could count twice: only if
    /// the user asked for it.
    pub should_repeat_unconfirmed: bool,
}

/// Says what the user, or the system, wants to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Start nothing new; wait for the answers under way.
    Drain,
    /// Stop at once.
    Now,
}

/// Names why sending ended.
#[derive(Debug)]
pub enum End {
    /// Nothing was left to send.
    Done,
    /// It was stopped by the user.
    Interrupted,
    /// The events that were to be sent first are sent; the others are left.
    Paused,
    /// The API can't be used with this key or this server.
    Halted(Halt),
    /// The API could not be reached, or kept failing.
    Unreachable {
        /// The message of the last failure.
        message: String,
    },
    /// Events are left whose customers' sign-ups an earlier run has left to send.
    Waiting {
        /// The number of events that wait.
        events: usize,
    },
    /// The journal can't be written; what was sent since is in it as an intent.
    Journal(JournalError),
}

/// Reports the progress of sending.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// The number of events that this call was started to settle.
    pub total: u64,
    /// The number of events settled so far, by outcome.
    pub settled: BTreeMap<Outcome, usize>,
    /// The number of requests that were sent.
    pub requests: u64,
    /// The current rate in requests a minute: below the ceiling if the API has asked for less.
    pub per_minute: u32,
    /// The number of requests without an answer yet.
    pub in_flight: usize,
    /// The message of the failures that repeat while nothing succeeds.
    pub trouble: Option<String>,
    /// The state of the list of leads, if one is requested.
    pub lead_list: LeadListState,
}

/// Reports the state of the list of leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LeadListState {
    /// No list is requested.
    #[default]
    NotWanted,
    /// It is being read.
    Reading {
        /// The number of leads so far.
        leads: u64,
    },
    /// It is complete, and settles the events of all other customers.
    Whole {
        /// The number of leads.
        leads: u64,
        /// The number of requests that it took.
        requests: u64,
    },
    /// It can't be relied on: every event is sent.
    Unusable {
        /// The reason why not.
        reason: String,
    },
}

impl Progress {
    /// Returns how many events are settled.
    pub fn done(&self) -> usize {
        self.settled.values().sum()
    }
}

/// Reports the result of a call of [`send`].
#[derive(Debug)]
pub struct Sent {
    /// The journal, returned from its thread.
    pub journal: Journal,
    /// The reason why sending ended.
    pub end: End,
    /// The number of requests that were sent.
    pub requests: u64,
    /// The number of requests a minute that the account accepts, if its 429s have shown that this is less
    /// than the setting.
    pub learned_per_minute: Option<u32>,
}

/// Describes the run that [`send`] sends.
pub struct RunToSend {
    /// The run with events that are left to send.
    pub run: RunId,
    /// The number of these events ([`JournalReader::pending_count`]).
    pub total: u64,
    /// The number of events that are sent before it pauses ([`End::Paused`]); `None` for all of them.
    pub pause_after: Option<NonZeroU64>,
    /// `true` if sales are sent as commissions of known referrals, and not by their tracking calls.
    pub should_send_commissions: bool,
    /// The zone of the days of such sales. One whose answer was lost is looked up, however sales are sent.
    pub zone: TimeZone,
    /// The settings for sending them.
    pub settings: SendSettings,
}

/// Sends what is left to send in a run until all is settled, or it has to stop.
pub async fn send(
    mut journal: Journal,
    client: &Client,
    order: RunToSend,
    stop: UnboundedReceiver<Stop>,
    watch: &mut dyn FnMut(&Progress),
) -> Sent {
    let pace = Pace::new(order.settings.requests_per_minute, Instant::now());
    let mut preparation = Preparation {
        client,
        progress: Progress {
            per_minute: pace.per_minute(),
            total: order.total,
            ..Progress::default()
        },
        pace,
        stop,
        watch,
    };
    let prepared = preparation.work(&mut journal, &order).await;
    let Preparation {
        progress,
        pace,
        stop,
        watch,
        ..
    } = preparation;
    let (work, dated_sales) = match prepared {
        Ok(prepared) => prepared,
        Err(end) => {
            return Sent {
                journal,
                end,
                requests: progress.requests,
                learned_per_minute: pace.learned_per_minute(),
            };
        }
    };
    let prepared = Prepared {
        work,
        pace,
        progress,
        pause_after: order.pause_after,
        dated_sales,
    };
    let mut sender = Sender::new(journal, client, (order.run, order.settings), prepared);
    let end = sender.run(stop, watch).await;
    let learned_per_minute = sender.learned_per_minute();
    let (journal, requests) = sender.finish();
    Sent {
        journal,
        end,
        requests,
        learned_per_minute,
    }
}

/// Holds what is ready before the first event is sent.
struct Prepared {
    work: PendingEvents,
    pace: Pace,
    progress: Progress,
    pause_after: Option<NonZeroU64>,
    dated_sales: Option<DatedSales>,
}

/// Holds what is to be sent, as far as that is kept in memory.
struct PendingEvents {
    lanes: Lanes,
    earlier: EarlierAnswers,
    has_sales: bool,
    /// The sales that were to keep their days as commissions, and that are sent by tracking calls, without them.
    not_dated: HashSet<EventRow>,
}

impl PendingEvents {
    /// Sorts what is left to send in a run. A list of leads rules out the lanes of all others.
    fn read(
        journal: &JournalReader,
        run: RunId,
        list: Option<&LeadList>,
    ) -> Result<PendingEvents, JournalError> {
        // Customers whose sign-ups earlier runs have left to send.
        let mut signups = CustomerSet::default();
        journal.for_each_signup_elsewhere(run, |event| signups.add(event.customer))?;
        signups.add_tied(journal)?;
        let mut sorter = Sorter::default();
        let mut reversals = Reversals::default();
        let mut has_sales = false;
        journal.for_each_pending(run, |row, event| {
            let standing = match list {
                _ if signups.include(event.customer) => LeadStanding::SignupElsewhere,
                Some(list) => list.standing(event),
                None => LeadStanding::MayBeLead,
            };
            sorter.add(row, event, standing);
            reversals.add(event);
            has_sales |= event.kind == Kind::Sale;
        })?;
        if sorter.has_shared_lane() {
            journal.for_each_tracked(|event| sorter.note_lead(event))?;
        }
        Ok(PendingEvents {
            lanes: sorter.finish(),
            // A run that continues knows no more of them than the journal does.
            earlier: EarlierAnswers::read(journal, &reversals)?,
            has_sales,
            not_dated: HashSet::new(),
        })
    }
}

/// Holds what refunds and cancellations reverse: sales by their keys, and customers.
#[derive(Debug, Default)]
struct Reversals {
    sales: HashSet<EventKey>,
    customers: CustomerSet,
}

impl Reversals {
    fn add(&mut self, event: Ties<'_>) {
        match event.kind {
            Kind::Refund => self
                .sales
                .extend(event.sale_event_id.map(EventKey::from_id)),
            Kind::Cancellation => self.customers.add(event.customer),
            Kind::Sale | Kind::Signup => {}
        }
    }
}

/// Says whether refunds of a sale were answered that have ids of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RefundsAnswered {
    None,
    Some,
}

/// Holds the answers of earlier runs that decide about refunds and cancellations of this one.
#[derive(Debug, Default)]
struct EarlierAnswers {
    /// The outcomes by the keys of the sales that are refunded.
    sales: KeyMap<Outcome>,
    /// Those of them that FirstPromoter had before, that are from the time before this journal, and of which no running total
    /// of refunds was answered, by their keys.
    older_sales: KeyMap<RefundsAnswered>,
    /// The latest date of the sales of the first runs, by which the journal caught up with what others had sent.
    caught_up_until: Option<Timestamp>,
    /// The cancelled customers who have a tracked sale.
    customers: CustomerSet,
    /// The cancelled customers who have a sale that was there before this journal sent it.
    sent_by_others: CustomerSet,
    /// When the journal's first run began, if FirstPromoter had all of its sales before.
    begun_after_account: Option<Timestamp>,
}

impl EarlierAnswers {
    fn read(journal: &JournalReader, wanted: &Reversals) -> Result<Self, JournalError> {
        let mut earlier = EarlierAnswers::default();
        if wanted.sales.is_empty() && wanted.customers.is_empty() {
            return Ok(earlier);
        }
        if !wanted.sales.is_empty() {
            earlier.caught_up_until = journal.caught_up_until()?;
        }
        let accepted = accepted_unconfirmed(journal)?;
        journal.for_each_settled_sale(|key, outcome, event, at| {
            // Somebody has looked it up, so that it holds its refunds no more.
            let is_accepted = outcome == Outcome::Unconfirmed && accepted.contains(&key);
            if wanted.sales.contains(&key) && !is_accepted {
                earlier.sales.insert(key, outcome);
                if outcome == Outcome::AlreadyTracked && earlier.is_before_journal(at) {
                    earlier.older_sales.insert(key, RefundsAnswered::None);
                }
            }
            if outcome.is_tracked() && wanted.customers.include(event.customer) {
                earlier.customers.add(event.customer);
                if outcome == Outcome::AlreadyTracked {
                    earlier.sent_by_others.add(event.customer);
                }
            }
        })?;
        if !earlier.sent_by_others.is_empty() {
            earlier.begun_after_account = journal.begun_after_account()?;
        }
        if !earlier.older_sales.is_empty() {
            journal.for_each_refunded_sale(|sale, is_by_total| {
                if is_by_total {
                    earlier.older_sales.remove(&sale);
                } else if let Some(refunded) = earlier.older_sales.get_mut(&sale) {
                    *refunded = RefundsAnswered::Some;
                }
            })?;
        }
        Ok(earlier)
    }

    /// Returns `true` if a sale with this date is from the time before the journal: its first runs have later ones.
    fn is_before_journal(&self, at: Option<Timestamp>) -> bool {
        let is_in_time = |until| at.is_none_or(|at| at <= until);
        self.caught_up_until.is_some_and(is_in_time)
    }

    /// Returns `true` if a cancellation may be there already: the journal is new while the account is not, somebody had
    /// sent a sale of the customer before this journal did, and the cancellation is older than the journal.
    fn may_have(&self, cancellation: &Event) -> bool {
        let is_older = |begun| cancellation.created_at.is_none_or(|at| at < begun);
        let customer = cancellation.customer.borrowed();
        self.begun_after_account.is_some_and(is_older) && self.sent_by_others.include(customer)
    }
}

/// Returns the keys of the events that somebody accepted as unconfirmed.
fn accepted_unconfirmed(journal: &JournalReader) -> Result<HashSet<EventKey>, JournalError> {
    let mut accepted = HashSet::new();
    journal.for_each_accepted(|record| {
        if record.item.code == AttentionCode::Unconfirmed && record.withdrawn.is_none() {
            accepted.extend(record.item.event_id.as_deref().map(EventKey::from_id));
        }
    })?;
    Ok(accepted)
}

/// Holds customers, by everything that identifies them.
#[derive(Debug, Default)]
struct CustomerSet {
    emails: HashSet<String>,
    uids: HashSet<String>,
}

impl CustomerSet {
    fn add(&mut self, customer: CustomerRef<'_>) {
        let email = customer.email_folded();
        self.emails.extend(email.map(|email| email.to_string()));
        self.uids.extend(customer.uid.map(str::to_owned));
    }

    /// Returns how many emails and uids there are.
    fn len(&self) -> usize {
        self.emails.len() + self.uids.len()
    }

    /// Adds the emails and uids that events of the journal tie to those of these customers, as often as that
    /// leads further.
    fn add_tied(&mut self, journal: &JournalReader) -> Result<(), JournalError> {
        let mut before = 0;
        while self.len() > before {
            before = self.len();
            journal.for_each_tie(|customer| {
                if self.include(customer) {
                    self.add(customer);
                }
            })?;
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.emails.is_empty() && self.uids.is_empty()
    }

    /// Returns `true` if a customer is one of them.
    fn include(&self, customer: CustomerRef<'_>) -> bool {
        if self.is_empty() {
            return false;
        }
        let email = customer.email_folded();
        email.is_some_and(|email| self.emails.contains(&*email))
            || customer.uid.is_some_and(|uid| self.uids.contains(uid))
    }
}

/// Reads the account's list of leads and sends nothing.
pub(crate) async fn fetch_lead_list(
    client: &Client,
    requests_per_minute: NonZeroU32,
    mut stop: UnboundedReceiver<Stop>,
) -> Fetched {
    let mut pace = Pace::new(requests_per_minute, Instant::now());
    lead_list::fetch(client, &mut pace, &mut stop, &mut |_, _| {}).await
}

fn describe(answer: &Answer) -> String {
    match answer.status() {
        Some(status) => format!("HTTP {status}: {}", answer.message()),
        None => answer.message().to_owned(),
    }
}
