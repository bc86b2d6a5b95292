//! Holds refunds of sales whose rows say now that they were not paid, or are ignored although they have a refund.
//!
//! Such a row is not an event. If a sale was sent for it before, the refund that would reverse it is held, for a
//! person to look at: the row does not say when the payment failed, or whether somebody has paid in another way.
//! A sale that is still to be sent is withdrawn until a person decides.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::classify::TakenBack;
use crate::event::{
    Customer, Essence, Event, EventKey, EventRef, Events, KeyMap, Kind, Money, Source, Text,
};
use crate::journal::{HistoryRequest, Outcome};
use crate::plan::History;
use crate::problem::{Problem, ProblemCode};
use crate::readings::Origins;
use crate::shell_word::shell_word;

/// Describes an ignored row that takes the sale back.
#[derive(Clone, Debug)]
struct NotPaid {
    /// The id that its sale may share with others.
    shared: Text,
    /// The id that distinguishes it from them.
    own: Text,
    /// The reason why the row is ignored.
    reason: Text,
    /// `true` if the sale was not paid, as the row says.
    is_not_paid: bool,
    /// `true` if the row has a total of what was refunded.
    is_refunded: bool,
    source: Source,
}

/// Holds the ignored rows of a job that take their sales back.
#[derive(Clone, Debug, Default)]
pub(super) struct NotPaidRows(Vec<NotPaid>);

/// Holds what the rows of a job that take their sales back come to.
#[derive(Debug, Default)]
pub(super) struct TakenBackSales {
    /// The places of the refunds that were added to the events, and why each is held.
    pub(super) refunds: Vec<(usize, String)>,
    /// The sales that an earlier run has left to send, or that were withdrawn before.
    pub(super) withdrawn: Vec<WithdrawnSale>,
}

/// Describes a sale that is not sent, since its row says now that it was not paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithdrawnSale {
    /// The key of the sale.
    pub key: EventKey,
    /// The reason, for people.
    pub reason: String,
    /// The place of the row.
    pub source: Source,
}

impl NotPaidRows {
    pub(super) fn add(&mut self, sale: &TakenBack<'_>, source: Source) {
        self.0.push(NotPaid {
            shared: sale.shared.clone(),
            own: sale.own.clone(),
            reason: Text::new(sale.reason),
            is_not_paid: sale.is_not_paid,
            is_refunded: sale.is_refunded,
            source,
        });
    }

    /// Requests the customers of these sales from the journal.
    pub(super) fn add_to_request(&self, wanted: &mut HistoryRequest) {
        for row in &self.0 {
            let ids = [&row.shared, &row.own];
            wanted
                .sales
                .extend(ids.map(|id| (EventKey::from_id(id), ())));
        }
    }

    /// Adds a refund for each of these sales that an earlier run sent and that is not refunded, unless the job
    /// refunds it or has it as paid: then nothing says which of two exports is older. A row with a refund is not
    /// older than one without, so a sale that the job has as paid is refunded, too.
    pub(super) fn take_back(
        &self,
        events: &mut Events,
        history: &dyn History,
        problems: &mut impl Extend<Problem>,
        origins: &Origins,
    ) -> TakenBackSales {
        let mut found = TakenBackSales::default();
        let mut of_job: Option<SalesOfJob> = None;
        for row in &self.0 {
            let of_job = of_job.get_or_insert_with(|| SalesOfJob::new(events));
            let paid_here = of_job.paid.get(&EventKey::from_id(&row.own)).copied();
            if paid_here.is_some() && !row.is_refunded {
                continue;
            }
            let sale = match (row.sent(history), paid_here) {
                (Some(sale), _) => sale,
                (None, Some(index)) => PaidSale::from_event(events.get(index)),
                (None, None) => continue,
            };
            let key = EventKey::from_id(&sale.id);
            let is_paid_here = of_job.paid.contains_key(&key) && !row.is_refunded;
            if is_paid_here || !of_job.refunded.insert(key) {
                continue;
            }
            let is_left = paid_here.is_none() && history.outcome(key).is_none();
            if is_left && row.is_not_paid || history.is_withdrawn(key) {
                problems.extend([row.problem(&sale.id, history, origins)]);
                found.withdrawn.push(row.withdrawn(key));
            } else if let Some(refund) = row.refund(&sale, history) {
                found
                    .refunds
                    .push((events.len(), row.why(&sale.id, paid_here)));
                events.push(&refund);
            }
        }
        found
    }
}

/// Holds what a job has of sales, before rows that take some back are looked at.
struct SalesOfJob {
    /// The sales that refunds of the job reverse.
    refunded: HashSet<EventKey>,
    /// The payments that a row has as paid, with their events. A payment goes by the id that distinguishes it from
    /// others of its invoice, if it has one.
    paid: KeyMap<usize>,
}

impl SalesOfJob {
    fn new(events: &Events) -> Self {
        let mut sales = SalesOfJob {
            refunded: HashSet::new(),
            paid: KeyMap::default(),
        };
        for (index, event) in events.iter().enumerate() {
            let own = event
                .reference
                .filter(|_| event.is_distinguished_by_reference);
            if event.kind == Kind::Sale {
                let own = own.map_or(event.key(), EventKey::from_id);
                sales.paid.insert(own, index);
            } else if let Some(sale) = event.sale_event_id {
                sales.refunded.insert(EventKey::from_id(sale));
            }
        }
        sales
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

impl NotPaid {
    /// Returns the sale that an earlier run recorded for the row: by its own id, or by the shared one if that was
    /// recorded with its own. A sale that was recorded without may be another attempt's.
    fn sent(&self, history: &dyn History) -> Option<PaidSale> {
        let recorded = |id: &Text| history.essence(EventKey::from_id(id));
        let of_shared = || recorded(&self.shared).filter(|sale| sale.has_reference(&self.own));
        let (sale, recorded) = match recorded(&self.own) {
            Some(recorded) => (&self.own, recorded),
            None => (&self.shared, of_shared()?),
        };
        let key = EventKey::from_id(sale);
        let has_counted = matches!(
            history.outcome(key),
            Some(Outcome::Tracked | Outcome::AlreadyTracked | Outcome::Unconfirmed) | None
        );
        let is_of_account = has_counted || history.is_withdrawn(key);
        (recorded.kind == Kind::Sale && is_of_account)
            .then(|| PaidSale::from_recorded(sale, &recorded, history))
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
        let id = Text::new(format!("{}_not_paid", sale.id));
        let mut refund = Event::new(Kind::Refund, id, sale.customer.clone()?, self.source);
        refund.sale_event_id = Some(sale.id.clone());
        refund.money = Some(Money {
            amount_cents,
            ..paid
        });
        refund.created_at = sale.created_at;
        Some(refund)
    }

    fn why(&self, sale: &Text, paid_here: Option<usize>) -> String {
        let reason = &self.reason;
        match paid_here {
            Some(_) => format!(
                "another row has its sale `{sale}` as paid, and this one is ignored although it has a refund: {reason}"
            ),
            None => {
                format!("an earlier run sent its sale `{sale}`, and the row says now: {reason}")
            }
        }
    }

    fn withdrawn(&self, key: EventKey) -> WithdrawnSale {
        WithdrawnSale {
            key,
            reason: format!("not sent: a later export says: {}", self.reason),
            source: self.source,
        }
    }

    /// Reports a sale that is not sent.
    fn problem(&self, sale: &Text, history: &dyn History, origins: &Origins) -> Problem {
        let key = EventKey::from_id(sale);
        let id = shell_word(sale);
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
            "sale `{sale}`: {state}, and the row says now: {}; it is not sent",
            self.reason
        );
        let hint = format!(
            "{look}after the run, `fprecon retry --event {id}` sends it {send}, and `fprecon accept --event {id} --reason TEXT` leaves it out"
        );
        Problem::error(ProblemCode::SaleNotPaid, message)
            .at(origins.path(self.source.input), Some(self.source.line))
            .hint(hint)
    }
}
