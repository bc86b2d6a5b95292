//! The simulated account: the effect of each call, and its answer.
//!
//! Nothing here reads a clock or a socket. Where the API's documents leave something open, a
//! comment at that place says what was decided.

mod books;
mod changes;
mod commissions;
pub(super) mod listing;
mod new_commission;
mod payouts;
mod people;
#[cfg(test)]
mod tests;
mod v1;
mod v2;

use std::rc::Rc;

use serde::Serialize;

use super::answer::ServerAnswer;
use super::call::{ApiVersion, CallKind};
use super::leads::{CallCustomer, LeadSource, LeadState, Leads, NewLead, StoredLead};
use super::mistakes;
use super::moment::Moment;
use super::params::Params;
use super::promoters::{StoredPromoter, StoredPromoters};
use super::rates::{SandboxRate, SandboxRates, share};
use super::start::StartState;
use books::{Effect, Effects};
pub(super) use books::{EffectView, Summary};
pub(super) use changes::ChangeRequest;
use commissions::Changes;
pub(super) use new_commission::CommissionRequest;

/// The currency of events that don't name one: the account's own, whatever it is.
const NO_CURRENCY: &str = "default";

/// The state of the account.
pub(super) struct AccountState {
    leads: Leads,
    promoters: StoredPromoters,
    rates: SandboxRates,
    books: Effects,
    /// The changes that orders made to commissions.
    changes: Changes,
    /// The payouts that orders added.
    payouts: Vec<payouts::StoredPayout>,
    cancellation_event_id: bool,
}

/// The reason why a call has no effect.
enum CallRefusal<'a> {
    NobodyNamed,
    NoEventId,
    /// The amount, and what is wrong with it, in our words.
    BadAmount(&'static str),
    /// A mistake that clients are known to make.
    Mistake(&'static str),
    BadDate,
    NoReferral,
    Exists(CallKind, &'a str),
    UnknownVisitor,
    SignedUpBefore,
}

impl AccountState {
    pub(super) fn new(start: StartState, cancellation_event_id: bool) -> AccountState {
        let mut leads = Leads::new(start.lead_share_percent);
        for lead in &start.leads {
            leads.declare(lead);
        }
        AccountState {
            leads,
            books: Effects::new(start.promoters.len()),
            promoters: start.promoters,
            rates: start.rates,
            changes: Changes::default(),
            payouts: Vec::new(),
            cancellation_event_id,
        }
    }

    /// Carries out one call. `now` is used where no `created_at` was sent.
    pub(super) fn track(
        &mut self,
        version: ApiVersion,
        kind: CallKind,
        params: &Params<'_>,
        now: Moment,
    ) -> ServerAnswer {
        let tracked = match kind {
            CallKind::Signup => self.signup(version, params, now),
            CallKind::Sale | CallKind::Refund => self.money(version, kind, params, now),
            CallKind::Cancellation => self.cancellation(version, params, now),
        };
        match tracked {
            Ok(()) => self.describe_last(version),
            Err(refusal) => refusal.answer(version, kind),
        }
    }

    /// Returns every event that took effect, in order.
    pub(super) fn effects(&self) -> impl Iterator<Item = EffectView<'_>> {
        self.books.effects(&self.promoters)
    }

    /// Returns the totals.
    pub(super) fn summary(&self) -> Summary<'_> {
        self.books.summary(self.leads.count(), &self.promoters)
    }

    /// Adds the lead of a sign-up, or registers the sign-up on a lead that has none yet.
    ///
    /// The documents allow one sign-up per lead. A lead seen before keeps its promoter; a customer
    /// who was only simulated as a lead, or as not a lead, goes to the promoter who is named. With
    /// v1's `override_existing_lead` the lead is created anew, whoever owned it.
    fn signup<'a>(
        &mut self,
        version: ApiVersion,
        params: &'a Params<'_>,
        now: Moment,
    ) -> Result<(), CallRefusal<'a>> {
        let who = who(params)?;
        let created_at = created_at(params)?.unwrap_or(now);
        let (promoter, source) = self
            .visited(version, params)
            .filter(|(promoter, _)| !self.promoters.get(*promoter).is_banned)
            .ok_or(CallRefusal::UnknownVisitor)?;
        let anew = version == ApiVersion::V1
            && params
                .override_existing_lead
                .as_deref()
                .is_some_and(|value| matches!(value, "true" | "1"));
        let place = match self.leads.seen(who) {
            Some(place) if anew => {
                self.leads.get_mut(place).promoter = promoter;
                place
            }
            Some(place) if self.leads.get(place).has_signed_up => {
                return Err(CallRefusal::SignedUpBefore);
            }
            Some(place) => place,
            None => self.leads.create(
                who,
                NewLead {
                    promoter,
                    source,
                    created_at,
                },
            ),
        };
        let lead = self.leads.get_mut(place);
        lead.has_signed_up = true;
        describe(lead, params);
        self.record(
            CallKind::Signup,
            params,
            place,
            created_at,
            EventAmounts::NONE,
        );
        Ok(())
    }

    /// Carries out a sale or a refund. The parameters are checked first, then the event id, then
    /// the lead; the documents define no order. v2 has no `created_at` here.
    fn money<'a>(
        &mut self,
        version: ApiVersion,
        kind: CallKind,
        params: &'a Params<'_>,
        now: Moment,
    ) -> Result<(), CallRefusal<'a>> {
        let who = who(params)?;
        let event_id = params.event_id.as_deref().ok_or(CallRefusal::NoEventId)?;
        let sent = amount(params)?;
        expect_no_mistake(version, kind, params)?;
        let created_at = self.date(version, params, now)?;
        if self.books.holds(kind, event_id) {
            return Err(CallRefusal::Exists(kind, event_id));
        }
        let lead = match kind {
            CallKind::Sale => self.lead_or_new(who, version, params, created_at),
            _ => self.leads.find(who, &self.promoters, created_at),
        };
        let place = self.referral(lead)?;
        if kind == CallKind::Sale {
            self.activate(place, params, now);
        }
        let amount = self.rates.exchanged(sent, params.currency.as_deref());
        let commission = match kind {
            CallKind::Sale => self.commission(place, amount),
            _ => -self.reversed_commission(place, amount, params.sale_event_id.as_deref()),
        };
        let money = EventAmounts {
            sent: Some(sent),
            amount: Some(amount),
            commission,
        };
        self.record(kind, params, place, created_at, money);
        Ok(())
    }

    /// Carries out a cancellation. The original API and v2 have no `event_id` here, so that every
    /// call takes effect. The documents don't say how an unknown lead is answered; it is answered
    /// as for a sale.
    fn cancellation<'a>(
        &mut self,
        version: ApiVersion,
        params: &'a Params<'_>,
        now: Moment,
    ) -> Result<(), CallRefusal<'a>> {
        let who = who(params)?;
        expect_no_mistake(version, CallKind::Cancellation, params)?;
        let created_at = self.date(version, params, now)?;
        let told_apart = version == ApiVersion::V1 && self.cancellation_event_id;
        let event_id = params.event_id.as_deref();
        let known =
            event_id.filter(|id| told_apart && self.books.holds(CallKind::Cancellation, id));
        if let Some(event_id) = known {
            return Err(CallRefusal::Exists(CallKind::Cancellation, event_id));
        }
        let lead = self.leads.find(who, &self.promoters, created_at);
        let place = self.referral(lead)?;
        let lead = self.leads.get_mut(place);
        lead.state = LeadState::Cancelled;
        lead.cancelled_at = Some(created_at);
        self.record(
            CallKind::Cancellation,
            params,
            place,
            created_at,
            EventAmounts::NONE,
        );
        Ok(())
    }

    /// Returns the `created_at` of an event that is not a sign-up; v2 doesn't have it.
    fn date<'a>(
        &self,
        version: ApiVersion,
        params: &Params<'_>,
        now: Moment,
    ) -> Result<Moment, CallRefusal<'a>> {
        match version {
            ApiVersion::V1 => Ok(created_at(params)?.unwrap_or(now)),
            ApiVersion::V2 => Ok(now),
        }
    }

    /// Returns the promoter named by `ref_id` or `promoter_email` (v1), or the promoter of the
    /// visit `tid`.
    fn visited(&self, version: ApiVersion, params: &Params<'_>) -> Option<(usize, LeadSource)> {
        if let Some(ref_id) = params.ref_id.as_deref() {
            return Some((self.promoters.by_ref_id(ref_id)?, LeadSource::Api));
        }
        if let Some(tid) = params.tid.as_deref() {
            return Some((self.promoters.by_visit(tid)?, LeadSource::Cookie));
        }
        let email = params
            .promoter_email
            .as_deref()
            .filter(|_| version == ApiVersion::V1)?;
        Some((self.promoters.by_email(email)?, LeadSource::Api))
    }

    /// Returns the lead of a sale; a promoter named by `ref_id`, `tid` or `promo_code` gets a new
    /// one. If the named promoter doesn't exist, the sale is not a referral.
    fn lead_or_new(
        &mut self,
        who: CallCustomer<'_>,
        version: ApiVersion,
        params: &Params<'_>,
        created_at: Moment,
    ) -> Option<usize> {
        if let Some(place) = self.leads.find(who, &self.promoters, created_at) {
            return Some(place);
        }
        let by_code = || {
            let owner = self.promoters.by_code(params.promo_code.as_deref()?)?;
            Some((owner, LeadSource::Coupon))
        };
        let (promoter, source) = self.visited(version, params).or_else(by_code)?;
        if self.promoters.get(promoter).is_banned {
            return None;
        }
        let new = NewLead {
            promoter,
            source,
            created_at,
        };
        Some(self.leads.create(who, new))
    }

    /// Returns the lead, unless there is none or its promoter is banned.
    fn referral<'a>(&self, lead: Option<usize>) -> Result<usize, CallRefusal<'a>> {
        let place = lead.ok_or(CallRefusal::NoReferral)?;
        if self.promoters.get(self.leads.get(place).promoter).is_banned {
            return Err(CallRefusal::NoReferral);
        }
        Ok(place)
    }

    /// Makes a lead a customer, since the day of the first call: observed, whatever `created_at` says.
    fn activate(&mut self, place: usize, params: &Params<'_>, now: Moment) {
        let plan = params.plan.as_deref().map(|plan| self.leads.plan(plan));
        let lead = self.leads.get_mut(place);
        lead.state = LeadState::Active;
        lead.cancelled_at = None;
        lead.customer_since.get_or_insert(now);
        if plan.is_some() {
            lead.plan = plan;
        }
        describe(lead, params);
    }

    /// Returns the commission of a sale by the lead's plan (the sale's own plan, where it names
    /// one), its promoter, or the default.
    fn commission(&self, place: usize, amount: i64) -> i64 {
        let lead = self.leads.get(place);
        let own = self.promoters.get(lead.promoter).rate;
        self.rates.of(lead.plan.as_deref(), own).of(amount)
    }

    /// Returns the commission that a refund reverses: that of a sale of its amount; or, if it names a known sale whose
    /// commission is another one than by the rate, the same part of that.
    fn reversed_commission(&self, place: usize, amount: i64, sale_event_id: Option<&str>) -> i64 {
        match sale_event_id.and_then(|id| self.books.sale(id)) {
            Some((sold, commission)) if sold != 0 && self.commission(place, sold) != commission => {
                share(amount, commission, sold)
            }
            Some((sold, commission)) if sold != 0 && self.is_fixed(place) => {
                share(amount, commission, sold)
            }
            _ => self.commission(place, amount),
        }
    }

    /// Returns `true` if sales of a lead earn a fixed sum.
    fn is_fixed(&self, place: usize) -> bool {
        let lead = self.leads.get(place);
        let own = self.promoters.get(lead.promoter).rate;
        matches!(
            self.rates.of(lead.plan.as_deref(), own),
            SandboxRate::Cents(_)
        )
    }

    fn record(
        &mut self,
        kind: CallKind,
        params: &Params<'_>,
        place: usize,
        created_at: Moment,
        money: EventAmounts,
    ) {
        let lead = self.leads.get(place);
        let effect = Effect {
            kind,
            event_id: params.event_id.as_deref().map(Rc::from),
            sale_event_id: params.sale_event_id.as_deref().map(Rc::from),
            email: same_or_new(lead.email.as_ref(), params.email.as_deref()),
            uid: same_or_new(lead.uid.as_ref(), params.uid.as_deref()),
            plan: lead.plan.clone(),
            sent: money.sent,
            amount: money.amount,
            currency: self
                .books
                .currency(params.currency.as_deref().unwrap_or(NO_CURRENCY)),
            commission: money.commission,
            created_at,
            lead: place,
            promoter: lead.promoter,
        };
        self.books.enter(effect);
    }

    fn known<'a>(&'a self, number: usize, effect: &'a Effect) -> books::BookedEvent<'a> {
        books::BookedEvent {
            number,
            effect,
            lead: self.leads.get(effect.lead),
            promoter: self.promoters.get(effect.promoter),
            standing: self.books.standing(effect.promoter),
        }
    }

    fn describe_last(&self, version: ApiVersion) -> ServerAnswer {
        let (number, effect) = self.books.last();
        let known = self.known(number, effect);
        // v2 answers refunds and cancellations with v1's JSON.
        match (version, effect.kind) {
            (ApiVersion::V2, CallKind::Sale | CallKind::Signup) => {
                ServerAnswer::json(200, &v2::event(&known))
            }
            _ => ServerAnswer::json(200, &v1::event(&known)),
        }
    }
}

/// The amounts of an event, in minor units.
struct EventAmounts {
    /// The amount that was sent.
    sent: Option<i64>,
    /// The amount in the account's currency.
    amount: Option<i64>,
    commission: i64,
}

impl EventAmounts {
    const NONE: EventAmounts = EventAmounts {
        sent: None,
        amount: None,
        commission: 0,
    };
}

impl CallRefusal<'_> {
    fn answer(&self, version: ApiVersion, kind: CallKind) -> ServerAnswer {
        match self {
            CallRefusal::NobodyNamed => {
                ServerAnswer::message(400, "Error. Email and uid can not be blank!")
            }
            // The documents call `event_id` required and don't show the refusal: these words are
            // ours.
            CallRefusal::NoEventId => {
                ServerAnswer::message(400, "Error. Event id can not be blank!")
            }
            CallRefusal::BadAmount(why) => {
                let message = format!("Error. Amount blank or invalid. {why}");
                ServerAnswer::message(400, message.trim_end())
            }
            CallRefusal::Mistake(message) => ServerAnswer::message(400, message),
            // The documents don't say how a bad date is answered. Here it is refused.
            CallRefusal::BadDate => ServerAnswer::message(400, "Error. Created at invalid."),
            CallRefusal::NoReferral => no_referral(version, kind),
            CallRefusal::Exists(kind, event_id) => {
                let kind = kind.word();
                let message =
                    format!("The '{kind}' event with the id '{event_id}' already exists.");
                ServerAnswer::message(409, &message)
            }
            CallRefusal::UnknownVisitor => ServerAnswer::message(
                404,
                "Visitor  invalid, not found or you are trying to use the signup tracking test \
                 via API which doesn't work on API calls.",
            ),
            CallRefusal::SignedUpBefore => signed_up_before(),
        }
    }
}

/// Returns the answer for a customer who is not a lead. v1 answers 204. v2 documents 404 for sales
/// and 204 for refunds; for cancellations neither version documents anything.
fn no_referral(version: ApiVersion, kind: CallKind) -> ServerAnswer {
    #[derive(Serialize)]
    struct Body {
        message: &'static str,
        code: &'static str,
    }
    match (version, kind) {
        (ApiVersion::V1, _) | (ApiVersion::V2, CallKind::Refund) => ServerAnswer::nothing(),
        (ApiVersion::V2, _) => ServerAnswer::json(
            404,
            &Body {
                message: "Referral corresponding to email or uid parameter not found or promoter \
                          is banned.",
                code: "not_found",
            },
        ),
    }
}

fn signed_up_before() -> ServerAnswer {
    #[derive(Serialize)]
    struct Body {
        transaction_id: &'static str,
    }
    let transaction_id = "there is already a signup event registered on this lead";
    ServerAnswer::json(422, &Body { transaction_id })
}

fn who<'a>(params: &'a Params<'_>) -> Result<CallCustomer<'a>, CallRefusal<'a>> {
    let who = CallCustomer {
        email: params.email.as_deref(),
        uid: params.uid.as_deref(),
    };
    if who.email.is_none() && who.uid.is_none() {
        return Err(CallRefusal::NobodyNamed);
    }
    Ok(who)
}

/// Returns the amount in minor units: digits only, above 0, and at most 63 bits.
fn amount<'a>(params: &Params<'_>) -> Result<i64, CallRefusal<'a>> {
    let text = params.amount.as_deref().unwrap_or_default();
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(amount) if digits && amount > 0 => Ok(amount),
        _ => Err(CallRefusal::BadAmount(mistakes::in_amount(params))),
    }
}

fn expect_no_mistake<'a>(
    version: ApiVersion,
    kind: CallKind,
    params: &Params<'_>,
) -> Result<(), CallRefusal<'a>> {
    match mistakes::in_call(version, kind, params) {
        Some(message) => Err(CallRefusal::Mistake(message)),
        None => Ok(()),
    }
}

fn created_at<'a>(params: &Params<'_>) -> Result<Option<Moment>, CallRefusal<'a>> {
    match params.created_at.as_deref() {
        None => Ok(None),
        Some(text) => Moment::parse(text).map(Some).ok_or(CallRefusal::BadDate),
    }
}

/// Stores what the call says about the lead's person.
fn describe(lead: &mut StoredLead, params: &Params<'_>) {
    let first_name = params.first_name.as_deref();
    let last_name = params.last_name.as_deref();
    let username = params.username.as_deref();
    let website = params.website.as_deref();
    if first_name.or(last_name).or(username).or(website).is_none() {
        return;
    }
    let details = lead.details.get_or_insert_default();
    if let Some(name) = first_name {
        details.first_name = name.to_owned();
    }
    if let Some(name) = last_name {
        details.last_name = name.to_owned();
    }
    if let Some(name) = username {
        details.username = Some(name.to_owned());
    }
    if let Some(website) = website {
        details.website = Some(website.to_owned());
    }
}

/// Returns the lead's own text if it is equal to the sent one, so that it is stored once.
fn same_or_new(own: Option<&Rc<str>>, sent: Option<&str>) -> Option<Rc<str>> {
    let sent = sent?;
    match own {
        Some(own) if **own == *sent => Some(Rc::clone(own)),
        _ => Some(Rc::from(sent)),
    }
}
