//! The events that took effect, and their totals.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use serde::Serialize;

use crate::sandbox::call::CallKind;
use crate::sandbox::leads::StoredLead;
use crate::sandbox::moment::Moment;
use crate::sandbox::promoters::{StoredPromoter, StoredPromoters};

/// An event that took effect.
pub(super) struct Effect {
    pub(super) kind: CallKind,
    pub(super) event_id: Option<Rc<str>>,
    pub(super) sale_event_id: Option<Rc<str>>,
    /// The email that was sent with this event.
    pub(super) email: Option<Rc<str>>,
    /// The uid that was sent with this event.
    pub(super) uid: Option<Rc<str>>,
    /// The lead's plan at the time.
    pub(super) plan: Option<Rc<str>>,
    /// The amount that was sent, in minor units, positive for refunds too.
    pub(super) sent: Option<i64>,
    /// The amount in minor units of the account's currency.
    pub(super) amount: Option<i64>,
    pub(super) currency: Rc<str>,
    /// The commission in cents, negative for refunds.
    pub(super) commission: i64,
    pub(super) created_at: Moment,
    /// The index of the lead.
    pub(super) lead: usize,
    /// The index of the promoter.
    pub(super) promoter: usize,
}

/// An effect as the sandbox reports it.
#[derive(Serialize)]
pub(in crate::sandbox) struct EffectView<'a> {
    kind: CallKind,
    event_id: Option<&'a str>,
    sale_event_id: Option<&'a str>,
    email: Option<&'a str>,
    uid: Option<&'a str>,
    amount_cents: Option<i64>,
    currency: &'a str,
    commission_cents: i64,
    created_at: Moment,
    lead_id: usize,
    promoter_id: u64,
}

/// The totals as the sandbox reports them.
#[derive(Serialize)]
pub(in crate::sandbox) struct Summary<'a> {
    leads: usize,
    promoters: Vec<PromoterView<'a>>,
    events: BooksByKind<TotalView<'a>>,
    commission_cents: i128,
}

#[derive(Serialize)]
struct PromoterView<'a> {
    id: u64,
    email: &'a str,
    ref_id: &'a str,
    sales: u64,
    commission_cents: i128,
}

#[derive(Serialize)]
struct TotalView<'a> {
    count: u64,
    amount_cents: BTreeMap<&'a str, i128>,
}

#[derive(Default, Serialize)]
struct BooksByKind<T> {
    sale: T,
    refund: T,
    cancellation: T,
    signup: T,
}

impl<T> BooksByKind<T> {
    fn for_kind(&mut self, kind: CallKind) -> &mut T {
        match kind {
            CallKind::Sale => &mut self.sale,
            CallKind::Refund => &mut self.refund,
            CallKind::Cancellation => &mut self.cancellation,
            CallKind::Signup => &mut self.signup,
        }
    }

    fn get(&self, kind: CallKind) -> &T {
        match kind {
            CallKind::Sale => &self.sale,
            CallKind::Refund => &self.refund,
            CallKind::Cancellation => &self.cancellation,
            CallKind::Signup => &self.signup,
        }
    }
}

#[derive(Default)]
struct Total {
    /// The index of every event that has an id, by its id.
    places: HashMap<Rc<str>, usize>,
    count: u64,
    amounts: BTreeMap<Rc<str>, i128>,
}

/// The totals of a promoter, in cents of the account's currency.
#[derive(Clone, Copy, Default)]
pub(super) struct PromoterTotals {
    pub(super) sales: u64,
    pub(super) refunds: u64,
    pub(super) sold: i128,
    pub(super) refunded: i128,
    /// The sum of the approved commissions.
    pub(super) commission: i128,
    /// The part of `commission` that is paid out.
    pub(super) paid: i128,
}

/// All effects in order, and the totals.
pub(super) struct Effects {
    effects: Vec<Effect>,
    totals: BooksByKind<Total>,
    /// The totals of the promoters, by their indices.
    standings: Vec<PromoterTotals>,
    currencies: Vec<Rc<str>>,
}

impl Effects {
    pub(super) fn new(promoters: usize) -> Effects {
        Effects {
            effects: Vec::new(),
            totals: BooksByKind::default(),
            standings: vec![PromoterTotals::default(); promoters],
            currencies: Vec::new(),
        }
    }

    /// Adds a promoter behind the others.
    pub(super) fn add_promoter(&mut self) {
        self.standings.push(PromoterTotals::default());
    }

    /// Returns `true` if an event of this kind and id took effect.
    pub(super) fn holds(&self, kind: CallKind, event_id: &str) -> bool {
        self.totals.get(kind).places.contains_key(event_id)
    }

    /// Returns the amount and the commission of a sale, in cents.
    pub(super) fn sale(&self, event_id: &str) -> Option<(i64, i64)> {
        let place = *self.totals.sale.places.get(event_id)?;
        let sale = &self.effects[place];
        Some((sale.amount?, sale.commission))
    }

    /// Returns the currency's code, stored once for all events of the currency.
    pub(super) fn currency(&mut self, code: &str) -> Rc<str> {
        if let Some(known) = self.currencies.iter().find(|known| &***known == code) {
            return Rc::clone(known);
        }
        let new: Rc<str> = Rc::from(code);
        // The world has fewer currencies; more are a mistake, and must not make the search longer.
        if self.currencies.len() < 256 {
            self.currencies.push(Rc::clone(&new));
        }
        new
    }

    pub(super) fn enter(&mut self, effect: Effect) {
        let total = self.totals.for_kind(effect.kind);
        total.count += 1;
        if let Some(event_id) = &effect.event_id {
            let place = self.effects.len();
            total.places.entry(Rc::clone(event_id)).or_insert(place);
        }
        if let Some(amount) = effect.sent {
            let currency = Rc::clone(&effect.currency);
            *total.amounts.entry(currency).or_default() += i128::from(amount);
        }
        let standing = &mut self.standings[effect.promoter];
        let amount = i128::from(effect.amount.unwrap_or_default());
        standing.commission += i128::from(effect.commission);
        match effect.kind {
            CallKind::Sale => {
                standing.sales += 1;
                standing.sold += amount;
            }
            CallKind::Refund => {
                standing.refunds += 1;
                standing.refunded += amount;
            }
            CallKind::Cancellation | CallKind::Signup => {}
        }
        self.effects.push(effect);
    }

    /// Returns the latest effect and its number, from 1.
    pub(super) fn last(&self) -> (usize, &Effect) {
        let last = self
            .effects
            .last()
            .expect("an event is described after it was entered");
        (self.effects.len(), last)
    }

    /// Adds to a promoter's commissions and to the paid part of them.
    pub(super) fn stand(&mut self, promoter: usize, (earned, paid): (i128, i128)) {
        let standing = &mut self.standings[promoter];
        standing.commission += earned;
        standing.paid += paid;
    }

    /// Returns the effect with this number, from 1.
    pub(super) fn get(&self, number: usize) -> Option<&Effect> {
        self.effects.get(number.checked_sub(1)?)
    }

    pub(super) fn standing(&self, promoter: usize) -> PromoterTotals {
        self.standings[promoter]
    }

    /// Returns all effects with their numbers, from 1.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Effect)> {
        (1..).zip(&self.effects)
    }

    pub(super) fn effects<'a>(
        &'a self,
        promoters: &'a StoredPromoters,
    ) -> impl Iterator<Item = EffectView<'a>> {
        let view = |effect: &'a Effect| effect.view(promoters.get(effect.promoter).id);
        self.effects.iter().map(view)
    }

    pub(super) fn summary<'a>(
        &'a self,
        leads: usize,
        promoters: &'a StoredPromoters,
    ) -> Summary<'a> {
        Summary {
            leads,
            promoters: self.promoters(promoters),
            events: BooksByKind {
                sale: self.totals.sale.view(),
                refund: self.totals.refund.view(),
                cancellation: self.totals.cancellation.view(),
                signup: self.totals.signup.view(),
            },
            commission_cents: self.standings.iter().map(|own| own.commission).sum(),
        }
    }

    fn promoters<'a>(&self, promoters: &'a StoredPromoters) -> Vec<PromoterView<'a>> {
        let view = |(promoter, own): (&'a StoredPromoter, &PromoterTotals)| PromoterView {
            id: promoter.id,
            email: &promoter.email,
            ref_id: &promoter.ref_id,
            sales: own.sales,
            commission_cents: own.commission,
        };
        promoters.iter().zip(&self.standings).map(view).collect()
    }
}

/// Returns the id of the lead at this index.
pub(super) fn lead_id(place: usize) -> usize {
    20_000_001 + place
}

impl Effect {
    /// Returns the amount as the API writes it: in the account's currency, negative for refunds.
    pub(super) fn signed_amount(&self) -> Option<i64> {
        self.amount.map(|amount| self.signed(amount))
    }

    /// Returns the amount in the currency that was sent, negative for refunds.
    pub(super) fn signed_sent(&self) -> Option<i64> {
        self.sent.map(|sent| self.signed(sent))
    }

    fn signed(&self, amount: i64) -> i64 {
        match self.kind {
            CallKind::Refund => -amount,
            _ => amount,
        }
    }

    fn view(&self, promoter_id: u64) -> EffectView<'_> {
        EffectView {
            kind: self.kind,
            event_id: self.event_id.as_deref(),
            sale_event_id: self.sale_event_id.as_deref(),
            email: self.email.as_deref(),
            uid: self.uid.as_deref(),
            amount_cents: self.sent,
            currency: &self.currency,
            commission_cents: self.commission,
            created_at: self.created_at,
            lead_id: lead_id(self.lead),
            promoter_id,
        }
    }
}

impl Total {
    fn view(&self) -> TotalView<'_> {
        let amounts = self.amounts.iter();
        TotalView {
            count: self.count,
            amount_cents: amounts.map(|(code, cents)| (&**code, *cents)).collect(),
        }
    }
}

/// The only campaign of the account.
pub(super) const CAMPAIGN_ID: u32 = 28_004;
pub(super) const CAMPAIGN_NAME: &str = "Affiliates";

/// An event with its lead and promoter.
pub(super) struct BookedEvent<'a> {
    /// The event's number, from 1.
    pub(super) number: usize,
    pub(super) effect: &'a Effect,
    pub(super) lead: &'a StoredLead,
    pub(super) promoter: &'a StoredPromoter,
    pub(super) standing: PromoterTotals,
}

impl BookedEvent<'_> {
    pub(super) fn event_id(&self) -> usize {
        33_000_000 + self.number
    }
}
