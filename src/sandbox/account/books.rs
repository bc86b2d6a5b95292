//! What took effect, and what it sums up to.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use serde::Serialize;

use super::Kind;
use crate::sandbox::promoters::PROMOTERS;

/// An event that took effect.
pub(super) struct Effect {
    pub(super) kind: Kind,
    pub(super) event_id: Option<Rc<str>>,
    pub(super) sale_event_id: Option<Rc<str>>,
    /// As sent with this event.
    pub(super) email: Option<Rc<str>>,
    /// As sent with this event.
    pub(super) uid: Option<Rc<str>>,
    /// Cents, positive for refunds too.
    pub(super) amount: Option<i64>,
    pub(super) currency: Rc<str>,
    /// Cents, negative for refunds.
    pub(super) commission: i64,
    pub(super) created_at: Box<str>,
    /// Place among the leads.
    pub(super) lead: usize,
    /// Place in [`PROMOTERS`].
    pub(super) promoter: usize,
}

/// An effect, as it is told.
#[derive(Serialize)]
pub(in crate::sandbox) struct EffectView<'a> {
    kind: Kind,
    event_id: Option<&'a str>,
    sale_event_id: Option<&'a str>,
    email: Option<&'a str>,
    uid: Option<&'a str>,
    amount_cents: Option<i64>,
    currency: &'a str,
    commission_cents: i64,
    created_at: &'a str,
    lead_id: usize,
    promoter_id: u32,
}

/// The totals, as they are told.
#[derive(Serialize)]
pub(in crate::sandbox) struct Summary<'a> {
    leads: usize,
    promoters: Vec<PromoterView>,
    events: ByKind<TotalView<'a>>,
    commission_cents: i128,
}

#[derive(Serialize)]
struct PromoterView {
    id: u32,
    email: &'static str,
    ref_id: &'static str,
    sales: u64,
    commission_cents: i128,
}

#[derive(Serialize)]
struct TotalView<'a> {
    count: u64,
    amount_cents: BTreeMap<&'a str, i128>,
}

#[derive(Default, Serialize)]
struct ByKind<T> {
    sale: T,
    refund: T,
    cancellation: T,
    signup: T,
}

impl<T> ByKind<T> {
    fn of(&mut self, kind: Kind) -> &mut T {
        match kind {
            Kind::Sale => &mut self.sale,
            Kind::Refund => &mut self.refund,
            Kind::Cancellation => &mut self.cancellation,
            Kind::Signup => &mut self.signup,
        }
    }

    fn get(&self, kind: Kind) -> &T {
        match kind {
            Kind::Sale => &self.sale,
            Kind::Refund => &self.refund,
            Kind::Cancellation => &self.cancellation,
            Kind::Signup => &self.signup,
        }
    }
}

#[derive(Default)]
struct Total {
    /// The place of every event that has an id, by its id.
    places: HashMap<Rc<str>, usize>,
    count: u64,
    amounts: BTreeMap<Rc<str>, i128>,
}

#[derive(Clone, Copy, Default)]
struct Earned {
    sales: u64,
    commission: i128,
}

/// Every effect, in order, and the totals.
#[derive(Default)]
pub(super) struct Books {
    effects: Vec<Effect>,
    totals: ByKind<Total>,
    earned: [Earned; PROMOTERS.len()],
    currencies: Vec<Rc<str>>,
}

impl Books {
    /// Whether an event of this kind and id took effect.
    pub(super) fn holds(&self, kind: Kind, event_id: &str) -> bool {
        self.totals.get(kind).places.contains_key(event_id)
    }

    /// Amount and commission of a sale, in cents.
    pub(super) fn sale(&self, event_id: &str) -> Option<(i64, i64)> {
        let place = *self.totals.sale.places.get(event_id)?;
        let sale = &self.effects[place];
        Some((sale.amount?, sale.commission))
    }

    /// The text, kept once for all events of the currency.
    pub(super) fn currency(&mut self, code: &str) -> Rc<str> {
        if let Some(known) = self.currencies.iter().find(|known| &***known == code) {
            return Rc::clone(known);
        }
        let new: Rc<str> = Rc::from(code);
        // The world has fewer; more are somebody's mistake, and needn't make the search longer.
        if self.currencies.len() < 256 {
            self.currencies.push(Rc::clone(&new));
        }
        new
    }

    pub(super) fn enter(&mut self, effect: Effect) {
        let total = self.totals.of(effect.kind);
        total.count += 1;
        if let Some(event_id) = &effect.event_id {
            let place = self.effects.len();
            total.places.entry(Rc::clone(event_id)).or_insert(place);
        }
        if let Some(amount) = effect.amount {
            let currency = Rc::clone(&effect.currency);
            *total.amounts.entry(currency).or_default() += i128::from(amount);
        }
        let earned = &mut self.earned[effect.promoter];
        earned.commission += i128::from(effect.commission);
        earned.sales += u64::from(effect.kind == Kind::Sale);
        self.effects.push(effect);
    }

    /// The latest effect and its number, from 1.
    pub(super) fn last(&self) -> (usize, &Effect) {
        let last = self.effects.last();
        let last = last.expect("an event is described after it was entered");
        (self.effects.len(), last)
    }

    /// The commissions of a promoter so far, in cents.
    pub(super) fn earned(&self, promoter: usize) -> i128 {
        self.earned[promoter].commission
    }

    pub(super) fn effects(&self) -> Vec<EffectView<'_>> {
        self.effects.iter().map(Effect::view).collect()
    }

    pub(super) fn summary(&self, leads: usize) -> Summary<'_> {
        Summary {
            leads,
            promoters: self.promoters(),
            events: ByKind {
                sale: self.totals.sale.view(),
                refund: self.totals.refund.view(),
                cancellation: self.totals.cancellation.view(),
                signup: self.totals.signup.view(),
            },
            commission_cents: self.earned.iter().map(|earned| earned.commission).sum(),
        }
    }

    fn promoters(&self) -> Vec<PromoterView> {
        let pairs = PROMOTERS.iter().zip(self.earned);
        let view =
            |(promoter, earned): (&crate::sandbox::promoters::Promoter, Earned)| PromoterView {
                id: promoter.id,
                email: promoter.email,
                ref_id: promoter.ref_id,
                sales: earned.sales,
                commission_cents: earned.commission,
            };
        pairs.map(view).collect()
    }
}

/// The id of the lead at that place.
pub(super) fn lead_id(place: usize) -> usize {
    20_000_001 + place
}

impl Effect {
    fn view(&self) -> EffectView<'_> {
        EffectView {
            kind: self.kind,
            event_id: self.event_id.as_deref(),
            sale_event_id: self.sale_event_id.as_deref(),
            email: self.email.as_deref(),
            uid: self.uid.as_deref(),
            amount_cents: self.amount,
            currency: &self.currency,
            commission_cents: self.commission,
            created_at: &self.created_at,
            lead_id: lead_id(self.lead),
            promoter_id: PROMOTERS[self.promoter].id,
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
