//! Holds what ignored rows contradict: sales that were sent, and that were not paid or have a refund, and refunds that
//! failed.
//!
//! Such a row is not an event. If a sale was sent for it before, the refund that would reverse it is held, for a
//! person to look at: the row does not say when the payment failed, or whether somebody has paid in another way.
//! What is still to be sent is withdrawn until a person decides. Which of two exports is later is known only if an
//! earlier run has read one of them.

use std::collections::HashSet;

use jiff::Timestamp;

use super::paid_after_all::{may_count, standing_sale};
use crate::classify::{SaleIds, UnpaidRow};
use crate::event::{
    Customer, Essence, Event, EventKey, EventRef, Events, ExportLine, KeyMap, Kind, Money,
    NOT_PAID, Text,
};
use crate::journal::{HistoryRequest, Outcome};
use crate::link::HeldReason;
use crate::plan::History;
use crate::problem::{Problem, ProblemCode};
use crate::readings::ExportOrigins;
use crate::shell_word::shell_word;

/// Describes an ignored row that contradicts an event which was sent.
#[derive(Clone, Debug)]
struct NotPaid {
    /// The ids that the row would have as a sale.
    sale: Option<SaleIds>,
    /// The ids that the row would have as refunds.
    refunds: Vec<Text>,
    /// The reason why the row is ignored.
    reason: Text,
    /// `true` if nothing was paid, as the row says.
    is_not_paid: bool,
    /// `true` if the row has a total of what was refunded.
    is_refunded: bool,
    source: ExportLine,
}

/// Holds the ignored rows of a job that contradict events which were sent.
#[derive(Clone, Debug, Default)]
pub(super) struct NotPaidRows(Vec<NotPaid>);

/// Holds the result of the rows that contradict events which were sent.
#[derive(Debug, Default)]
pub(super) struct NotPaidEvents {
    /// The places of the events that are held, among them the refunds that were added, and why.
    pub(super) held: Vec<(usize, HeldReason, String)>,
    /// The places of the events that a later export says not to have been paid, and why they are not sent.
    pub(super) outdated: Vec<(usize, String)>,
    /// The events that an earlier run has left to send, or that were withdrawn before.
    pub(super) withdrawn: Vec<WithdrawnEvent>,
}

/// Describes an event that is not sent, since its row says now that nothing was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithdrawnEvent {
    /// The call that it would be sent by.
    pub kind: Kind,
    /// The id of the event.
    pub event_id: Text,
    /// The key of the event.
    pub key: EventKey,
    /// The reason, for people.
    pub reason: String,
    /// The place of the row.
    pub source: ExportLine,
}

/// Says what other rows of the job say of the same event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OtherRows {
    /// There are none, or only in older exports.
    None,
    /// One that is later, or in the same export, has it as paid.
    Later,
    /// Another export has it as paid, and nothing says which of the two is later.
    Unclear,
}

const UNCLEAR: &str = ", and nothing says which of the two is later";

impl OtherRows {
    /// Returns what they add to the reason why an event is held.
    fn in_words(self) -> String {
        match self {
            OtherRows::None | OtherRows::Later => String::new(),
            OtherRows::Unclear => format!("; another export has it as paid{UNCLEAR}"),
        }
    }
}

impl NotPaidEvents {
    /// Sets readings of an event that was not sent aside: they are outdated by a later row, or held where nothing
    /// says which is later.
    fn set_aside(&mut self, readings: &[usize], others: OtherRows, row: &NotPaid) {
        for &reading in readings {
            if others == OtherRows::Unclear {
                let why = format!("a row of another export says: {}{UNCLEAR}", row.reason);
                self.held.push((reading, HeldReason::PaidUnclear, why));
            } else {
                let why = format!("a later export says: {}", row.reason);
                self.outdated.push((reading, why));
            }
        }
    }
}

impl NotPaidRows {
    pub(super) fn add(&mut self, row: UnpaidRow<'_>, source: ExportLine) {
        self.0.push(NotPaid {
            sale: row.sale,
            refunds: row.refunds,
            reason: Text::new(row.reason),
            is_not_paid: row.is_not_paid,
            is_refunded: row.is_refunded,
            source,
        });
    }

    /// Requests the customers of these events from the journal, and the sales of the refunds.
    pub(super) fn add_to_request(&self, wanted: &mut HistoryRequest) {
        for row in &self.0 {
            if let Some(ids) = &row.sale {
                let ids = [&ids.shared, &ids.own];
                wanted
                    .sales
                    .extend(ids.map(|id| (EventKey::from_id(id), ())));
            }
            let refunds = row.refunds.iter().map(|id| EventKey::from_id(id));
            wanted.refunds.extend(refunds);
        }
    }

    /// Adds a refund for each of these sales that an earlier run sent and that is not refunded, and one for each
    /// refund that was sent and failed, and holds it; unless a later export of the job refunds the sale or has it as
    /// paid. Where nothing says which export is later, a sale that is not sent yet is held itself.
    ///
    /// A row with a refund is not older than one without, so a sale that the job has as paid is refunded, too.
    pub(super) fn find_events(
        &self,
        events: &mut Events,
        history: &dyn History,
        problems: &mut impl Extend<Problem>,
        origins: &ExportOrigins,
    ) -> NotPaidEvents {
        if self.0.is_empty() {
            return NotPaidEvents::default();
        }
        let mut finder = NotPaidFinder {
            of_job: EventsOfJob::new(events, self),
            events,
            history,
            found: NotPaidEvents::default(),
            withdrawn_by: Vec::new(),
        };
        for row in &self.0 {
            finder.judge_sale(row);
            finder.judge_refunds(row);
        }
        let withdrawn = finder.found.withdrawn.iter().zip(finder.withdrawn_by);
        problems.extend(withdrawn.map(|(event, row)| row.problem(event, history, origins)));
        finder.found
    }
}

/// Goes through the rows of a job that contradict events which were sent.
struct NotPaidFinder<'t> {
    of_job: EventsOfJob,
    events: &'t mut Events,
    history: &'t dyn History,
    found: NotPaidEvents,
    /// The rows that withdraw events, in the order of these.
    withdrawn_by: Vec<&'t NotPaid>,
}

impl<'t> NotPaidFinder<'t> {
    /// Returns the places of the job's events of one kind that have this id, and what they say beside a row.
    fn readings(&self, id: &Text, kind: Kind, row: &NotPaid) -> (Vec<usize>, OtherRows) {
        let places = self
            .of_job
            .paid
            .get(&EventKey::from_id(id))
            .into_iter()
            .flatten()
            .copied();
        let readings: Vec<usize> = places
            .filter(|&index| self.events.kind(index) == kind)
            .collect();
        let own = row.source.input;
        let mut inputs = readings
            .iter()
            .map(|&index| self.events.get(index).source.input);
        let is_later = |other| other == own || self.history.is_later_export(other, own);
        let others = if inputs.clone().any(is_later) {
            OtherRows::Later
        } else if inputs.all(|other| self.history.may_be_later_export(own, other)) {
            OtherRows::None
        } else {
            OtherRows::Unclear
        };
        (readings, others)
    }

    /// Holds a refund of the row's sale, or withdraws the sale.
    fn judge_sale(&mut self, row: &'t NotPaid) {
        let Some(ids) = &row.sale else { return };
        let (readings, others) = self.readings(&ids.own, Kind::Sale, row);
        if others == OtherRows::Later && !row.is_refunded {
            return;
        }
        let history = self.history;
        let Some(sale) = sent(ids, row.source.input, history) else {
            let settled = |&index: &usize| history.outcome(self.events.key(index)).is_some();
            if row.is_refunded
                && let Some(&reading) = readings.first()
            {
                let sale = PaidSale::from_event(self.events.get(reading));
                self.hold_refund(&sale, others, row);
            } else if !readings.iter().any(settled) {
                self.found.set_aside(&readings, others, row);
            }
            return;
        };
        let key = EventKey::from_id(&sale.id);
        let is_left = history.outcome(key).is_none() && others != OtherRows::Later;
        if is_left && row.is_not_paid || history.is_withdrawn(key) {
            if self.of_job.contradicted.insert(key) {
                self.withdraw(Kind::Sale, &sale.id, &readings, row);
            }
        } else {
            self.hold_refund(&sale, others, row);
        }
    }

    /// Withdraws an event that an earlier run has left to send, with its readings.
    fn withdraw(&mut self, kind: Kind, id: &Text, readings: &[usize], row: &'t NotPaid) {
        self.withdrawn_by.push(row);
        self.found.withdrawn.push(row.withdrawn(kind, id));
        self.found.set_aside(readings, OtherRows::None, row);
    }

    /// Adds a held refund of what was paid for a sale, unless the job refunds it, or nothing of it is left.
    fn hold_refund(&mut self, sale: &PaidSale, others: OtherRows, row: &NotPaid) {
        if self.of_job.contradicted.insert(EventKey::from_id(&sale.id))
            && let Some(refund) = row.refund(sale, self.history)
        {
            let why = row.why(&sale.id, others);
            self.hold(refund, HeldReason::NotPaid, why);
        }
    }

    fn hold(&mut self, refund: Event, reason: HeldReason, why: String) {
        self.found.held.push((self.events.len(), reason, why));
        self.events.push(&refund);
    }

    /// Holds what says that the row's refunds failed, or withdraws them.
    fn judge_refunds(&mut self, row: &'t NotPaid) {
        let history = self.history;
        for id in &row.refunds {
            let key = EventKey::from_id(id);
            let (readings, others) = self.readings(id, Kind::Refund, row);
            if others == OtherRows::Later {
                continue;
            }
            let recorded = history.essence(key).filter(|it| it.kind == Kind::Refund);
            let Some(recorded) = recorded else {
                self.found.set_aside(&readings, others, row);
                continue;
            };
            if !self.of_job.contradicted.insert(key) {
                continue;
            }
            if history.outcome(key).is_none() || history.is_withdrawn(key) {
                self.withdraw(Kind::Refund, id, &readings, row);
            } else if let Some(refund) = row.failed_refund(id, &recorded, history) {
                let (reason, others) = (&row.reason, others.in_words());
                let why = format!(
                    "an earlier run sent refund `{id}`, and the row says now: {reason}{others}"
                );
                self.hold(refund, HeldReason::RefundFailed, why);
            }
        }
    }
}

/// Holds what a job has of sales and refunds, before rows that contradict some are looked at.
struct EventsOfJob {
    /// The sales that refunds of the job reverse, and the events that rows contradict.
    contradicted: HashSet<EventKey>,
    /// The events that a row has as paid, by the id that distinguishes them: a payment goes by its own id, if it has
    /// one beside that of its invoice. Only those that some row contradicts are kept.
    paid: KeyMap<Vec<usize>>,
}

impl EventsOfJob {
    fn new(events: &Events, rows: &NotPaidRows) -> Self {
        let mut of_job = EventsOfJob {
            contradicted: HashSet::new(),
            paid: KeyMap::default(),
        };
        for row in &rows.0 {
            let own = row.sale.iter().map(|ids| &ids.own);
            for id in own.chain(&row.refunds) {
                of_job.paid.insert(EventKey::from_id(id), Vec::new());
            }
        }
        for (index, event) in events.iter().enumerate() {
            let own = event
                .reference
                .filter(|_| event.is_distinguished_by_reference && event.kind == Kind::Sale)
                .map_or(event.key(), EventKey::from_id);
            if let Some(readings) = of_job.paid.get_mut(&own) {
                readings.push(index);
            }
            if let Some(sale) = event.sale_event_id.filter(|_| event.kind == Kind::Refund) {
                of_job.contradicted.insert(EventKey::from_id(sale));
            }
        }
        of_job
    }
}

/// Describes a sale that is in the job, or that an earlier run recorded.
struct PaidSale {
    id: Text,
    customer: Option<Customer>,
    /// The amount that was paid in all.
    paid: Option<Money>,
    created_at: Option<Timestamp>,
}

impl PaidSale {
    fn from_event(sale: EventRef<'_>) -> Self {
        PaidSale {
            id: Text::new(sale.event_id()),
            customer: Some(sale.customer.to_customer()),
            paid: paid(&sale.essence()),
            created_at: sale.created_at,
        }
    }

    fn from_recorded(id: &Text, sale: &Essence, history: &dyn History) -> Self {
        let date = sale.created_at_s.map(Timestamp::from_second);
        PaidSale {
            id: id.clone(),
            customer: history.customer_of(EventKey::from_id(id)),
            paid: paid(sale),
            created_at: date.and_then(Result::ok),
        }
    }
}

/// Returns the amount that was paid in all for a sale.
fn paid(sale: &Essence) -> Option<Money> {
    Some(Money {
        amount_cents: sale.paid_cents()?,
        ..sale.money?
    })
}

/// Returns the sale that an earlier run recorded for a row: by its own id, or by the shared one if that was recorded
/// with its own. A sale that was recorded without may be another attempt's. If it was refunded and sent again since it was
/// paid after all, that one is returned, unless the export of the row, given by its place in the job, is older.
fn sent(ids: &SaleIds, input: usize, history: &dyn History) -> Option<PaidSale> {
    let recorded = |id: &Text| history.essence(EventKey::from_id(id));
    let of_shared = || recorded(&ids.shared).filter(|sale| sale.has_reference(&ids.own));
    let (sale, first) = match recorded(&ids.own) {
        Some(first) => (&ids.own, first),
        None => (&ids.shared, of_shared()?),
    };
    if !may_count(EventKey::from_id(sale), history) {
        return None;
    }
    let of_first = PaidSale::from_recorded(sale, &first, history);
    let standing = standing_sale(sale, history);
    let is_older = || !history.may_be_later_than(input, EventKey::from_id(&standing));
    if standing == *sale || is_older() {
        return Some(of_first);
    }
    Some(PaidSale {
        customer: of_first.customer,
        ..PaidSale::from_recorded(&standing, &recorded(&standing)?, history)
    })
}

impl NotPaid {
    /// Returns the refund that stands for one that was sent and failed, for a person to look at; nothing if nothing
    /// of it counts.
    fn failed_refund(&self, id: &Text, sent: &Essence, history: &dyn History) -> Option<Event> {
        let key = EventKey::from_id(id);
        let counts = matches!(
            history.outcome(key),
            Some(Outcome::Tracked | Outcome::AlreadyTracked | Outcome::Unconfirmed)
        );
        let money = sent.money.filter(|_| counts)?;
        let customer = history.customer_of(key).unwrap_or_default();
        let id = Text::new(format!("{id}_failed"));
        let mut refund = Event::new(Kind::Refund, id, customer, self.source);
        refund.sale_event_id = history.sale_of_refund(key);
        refund.money = Some(money);
        let date = sent.created_at_s.map(Timestamp::from_second);
        refund.created_at = date.and_then(Result::ok);
        Some(refund)
    }

    /// Returns the refund of what was paid and is not refunded yet.
    fn refund(&self, sale: &PaidSale, history: &dyn History) -> Option<Event> {
        let key = EventKey::from_id(&sale.id);
        let paid = sale.paid?;
        let refunded_cents = history.refunded(key).gross_cents;
        let amount_cents = paid.amount_cents.checked_sub(refunded_cents)?;
        if amount_cents <= 0 {
            return None;
        }
        let id = compact_str::format_compact!("{}{NOT_PAID}", sale.id);
        let mut refund = Event::new(Kind::Refund, id, sale.customer.clone()?, self.source);
        refund.sale_event_id = Some(sale.id.clone());
        refund.money = Some(Money {
            amount_cents,
            ..paid
        });
        refund.created_at = sale.created_at;
        Some(refund)
    }

    fn why(&self, sale: &Text, others: OtherRows) -> String {
        let reason = &self.reason;
        if self.is_refunded && others != OtherRows::None {
            return format!(
                "another row has its sale `{sale}` as paid, and this one is ignored although it has a refund: {reason}"
            );
        }
        let others = others.in_words();
        format!("an earlier run sent its sale `{sale}`, and the row says now: {reason}{others}")
    }

    fn withdrawn(&self, kind: Kind, id: &Text) -> WithdrawnEvent {
        WithdrawnEvent {
            kind,
            event_id: id.clone(),
            key: EventKey::from_id(id),
            reason: format!("not sent: a later export says: {}", self.reason),
            source: self.source,
        }
    }

    /// Reports an event that is not sent.
    fn problem(
        &self,
        withdrawn: &WithdrawnEvent,
        history: &dyn History,
        origins: &ExportOrigins,
    ) -> Problem {
        let key = withdrawn.key;
        let id = shell_word(&withdrawn.event_id);
        let is_maybe_there =
            history.is_maybe_recorded(key) || history.outcome(key) == Some(Outcome::Unconfirmed);
        let (state, look, send) = if is_maybe_there {
            (
                "an earlier run got no answer for it",
                "look it up in FirstPromoter; ",
                "if it is there or was paid nevertheless",
            )
        } else {
            (
                "an earlier run left it to send",
                "",
                "if it was paid nevertheless",
            )
        };
        let message = format!(
            "{} `{}`: {state}, and the row says now: {}; it is not sent",
            withdrawn.kind, withdrawn.event_id, self.reason
        );
        let hint = format!(
            "{look}after the run, `fprecon retry --event {id}` sends it {send}, and `fprecon accept --event {id} --reason TEXT` leaves it out"
        );
        Problem::error(ProblemCode::SaleNotPaid, message)
            .at(origins.path(self.source.input), Some(self.source.line))
            .hint(hint)
    }
}
