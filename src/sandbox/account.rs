//! The imagined account: what a call does to it, and what it answers.
//!
//! Nothing here reads a clock or a socket. What the API documents don't say is decided here, and
//! said at its place.

mod books;
#[cfg(test)]
mod tests;
mod wire;

use std::rc::Rc;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde::{Deserialize, Serialize};

use super::Options;
use super::answer::Answer;
use super::leads::{Lead, LeadState, Leads, Who, promoter_of_visit};
use super::params::Params;
use super::promoters;
use books::{Books, Effect};
pub(super) use books::{EffectView, Summary};

/// The promoter who owns every promo code: the first.
const OWNER_OF_CODES: usize = 0;

/// The currency of events that name none: the account's own, whatever it is.
const NO_CURRENCY: &str = "default";

/// The four calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Sale,
    Refund,
    Cancellation,
    Signup,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Sale => "sale",
            Kind::Refund => "refund",
            Kind::Cancellation => "cancellation",
            Kind::Signup => "signup",
        }
    }
}

/// The state of the account.
pub(super) struct Account {
    leads: Leads,
    books: Books,
    commission_percent: u32,
    cancellation_event_id: bool,
}

impl Account {
    pub(super) fn new(options: &Options) -> Account {
        Account {
            leads: Leads::new(options.lead_share_percent),
            books: Books::default(),
            commission_percent: options.commission_percent,
            cancellation_event_id: options.cancellation_event_id,
        }
    }

    /// One call. `now` stands in for a `created_at` that was not sent.
    pub(super) fn track(&mut self, kind: Kind, params: &Params<'_>, now: Timestamp) -> Answer {
        let tracked = match kind {
            Kind::Signup => self.signup(params, now),
            Kind::Sale | Kind::Refund => self.money(kind, params, now),
            Kind::Cancellation => self.cancellation(params, now),
        };
        match tracked {
            Ok(()) => self.describe_last(),
            Err(refusal) => refusal,
        }
    }

    /// Every event that took effect, in order.
    pub(super) fn effects(&self) -> Vec<EffectView<'_>> {
        self.books.effects()
    }

    /// The totals.
    pub(super) fn summary(&self) -> Summary<'_> {
        self.books.summary(self.leads.count())
    }

    /// A sign-up adds the lead, or is registered on one that has no sign-up yet.
    ///
    /// The documents speak of one sign-up a lead. A lead seen before keeps its promoter; a customer
    /// who was only imagined to be a lead, or to be none, goes to the promoter who is named.
    fn signup(&mut self, params: &Params<'_>, now: Timestamp) -> Result<(), Answer> {
        let who = who(params)?;
        let promoter = visited(params).ok_or_else(unknown_visitor)?;
        let place = match self.leads.seen(who) {
            Some(place) if self.leads.get(place).signed_up => return Err(signed_up_before()),
            Some(place) => place,
            None => self.leads.create(who, promoter),
        };
        let lead = self.leads.get_mut(place);
        lead.signed_up = true;
        rename(lead, params);
        let created_at = created_at(params, now);
        self.record(Kind::Signup, params, place, created_at, Money::NONE);
        Ok(())
    }

    /// A sale or a refund. The parameters are checked first, then whether the event exists, then
    /// whether the customer is a lead; the documents name no order.
    fn money(&mut self, kind: Kind, params: &Params<'_>, now: Timestamp) -> Result<(), Answer> {
        let who = who(params)?;
        let event_id = params.event_id.as_deref().ok_or_else(blank_event_id)?;
        let amount = amount(params)?;
        if self.books.holds(kind, event_id) {
            return Err(exists(kind, event_id));
        }
        let lead = match kind {
            Kind::Sale => self.lead_or_new(who, params),
            _ => self.leads.find(who),
        };
        let place = lead.ok_or_else(Answer::nothing)?;
        let created_at = created_at(params, now);
        if kind == Kind::Sale {
            activate(self.leads.get_mut(place), params, &created_at);
        }
        let commission = match kind {
            Kind::Sale => self.commission(amount),
            _ => -self.taken_back(amount, params.sale_event_id.as_deref()),
        };
        let money = Money {
            amount: Some(amount),
            commission,
        };
        self.record(kind, params, place, created_at, money);
        Ok(())
    }

    /// The original API knows no `event_id` here, so that every call takes effect. The documents
    /// don't say what an unknown lead gives: 204, as for the others.
    fn cancellation(&mut self, params: &Params<'_>, now: Timestamp) -> Result<(), Answer> {
        let who = who(params)?;
        let known = params
            .event_id
            .as_deref()
            .filter(|id| self.cancellation_event_id && self.books.holds(Kind::Cancellation, id));
        if let Some(event_id) = known {
            return Err(exists(Kind::Cancellation, event_id));
        }
        let place = self.leads.find(who).ok_or_else(Answer::nothing)?;
        self.leads.get_mut(place).state = LeadState::Cancelled;
        let created_at = created_at(params, now);
        self.record(Kind::Cancellation, params, place, created_at, Money::NONE);
        Ok(())
    }

    /// The lead of a sale; a promoter named by `ref_id`, `tid` or `promo_code` gets a new one. A
    /// `ref_id` that does not exist names nobody, which makes the sale no referral.
    fn lead_or_new(&mut self, who: Who<'_>, params: &Params<'_>) -> Option<usize> {
        if let Some(place) = self.leads.find(who) {
            return Some(place);
        }
        let code = params.promo_code.as_ref().map(|_| OWNER_OF_CODES);
        let promoter = visited(params).or(code)?;
        Some(self.leads.create(who, promoter))
    }

    /// In whole cents, half a cent upwards. That is our assumption: the vendor publishes no rule.
    fn commission(&self, amount: i64) -> i64 {
        share(amount, i64::from(self.commission_percent), 100)
    }

    /// What a refund takes back: the same part of its sale's commission as of its amount, where it
    /// names a sale that is known; else as much as a sale of the amount would give.
    fn taken_back(&self, amount: i64, sale_event_id: Option<&str>) -> i64 {
        match sale_event_id.and_then(|id| self.books.sale(id)) {
            Some((sold, commission)) => share(amount, commission, sold),
            None => self.commission(amount),
        }
    }

    fn record(
        &mut self,
        kind: Kind,
        params: &Params<'_>,
        place: usize,
        created_at: Box<str>,
        money: Money,
    ) {
        let lead = self.leads.get(place);
        let effect = Effect {
            kind,
            event_id: params.event_id.as_deref().map(Rc::from),
            sale_event_id: params.sale_event_id.as_deref().map(Rc::from),
            email: same_or_new(lead.email.as_ref(), params.email.as_deref()),
            uid: same_or_new(lead.uid.as_ref(), params.uid.as_deref()),
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

    fn describe_last(&self) -> Answer {
        let (number, effect) = self.books.last();
        let lead = self.leads.get(effect.lead);
        let earned = self.books.earned(effect.promoter);
        Answer::json(200, &wire::event(number, effect, lead, earned))
    }
}

/// What an event is worth, in cents.
struct Money {
    amount: Option<i64>,
    commission: i64,
}

impl Money {
    const NONE: Money = Money {
        amount: None,
        commission: 0,
    };
}

fn who<'a>(params: &'a Params<'_>) -> Result<Who<'a>, Answer> {
    let who = Who {
        email: params.email.as_deref(),
        uid: params.uid.as_deref(),
    };
    if who.email.is_none() && who.uid.is_none() {
        let message = "Error. Email and uid can not be blank!";
        return Err(Answer::message(400, message));
    }
    Ok(who)
}

/// The promoter named by `ref_id`, or by the visit that `tid` stands for.
fn visited(params: &Params<'_>) -> Option<usize> {
    match (&params.ref_id, &params.tid) {
        (Some(ref_id), _) => promoters::by_ref_id(ref_id),
        (None, tid) => tid.as_deref().map(promoter_of_visit),
    }
}

/// The amount in cents: digits alone, above 0, and no more than 63 bits hold.
fn amount(params: &Params<'_>) -> Result<i64, Answer> {
    let text = params.amount.as_deref().unwrap_or_default();
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(amount) if digits && amount > 0 => Ok(amount),
        _ => Err(Answer::message(400, "Error. Amount blank or invalid.")),
    }
}

/// As sent, whatever it is: the documents don't say what becomes of a bad date.
fn created_at(params: &Params<'_>, now: Timestamp) -> Box<str> {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    match params.created_at.as_deref() {
        Some(text) => text.into(),
        None => PRINTER.timestamp_to_string(&now).into(),
    }
}

/// `amount` × `part` / `whole`, half a cent upwards.
fn share(amount: i64, part: i64, whole: i64) -> i64 {
    let (product, whole) = (i128::from(amount) * i128::from(part), i128::from(whole));
    i64::try_from((product * 2 + whole) / (whole * 2)).unwrap_or(i64::MAX)
}

fn activate(lead: &mut Lead, params: &Params<'_>, created_at: &str) {
    lead.state = LeadState::Active;
    if lead.customer_since.is_none() {
        lead.customer_since = Some(created_at.into());
    }
    if let Some(plan) = params.plan.as_deref()
        && lead.plan.as_deref() != Some(plan)
    {
        lead.plan = Some(plan.into());
    }
    rename(lead, params);
}

fn rename(lead: &mut Lead, params: &Params<'_>) {
    if let Some(name) = params.first_name.as_deref() {
        lead.first_name = name.into();
    }
    if let Some(name) = params.last_name.as_deref() {
        lead.last_name = name.into();
    }
}

/// The lead's own text where it says the same, so that it is kept once.
fn same_or_new(own: Option<&Rc<str>>, sent: Option<&str>) -> Option<Rc<str>> {
    let sent = sent?;
    match own {
        Some(own) if **own == *sent => Some(Rc::clone(own)),
        _ => Some(Rc::from(sent)),
    }
}

/// The documents call `event_id` required and don't show the refusal: the words are ours.
fn blank_event_id() -> Answer {
    Answer::message(400, "Error. Event id can not be blank!")
}

fn exists(kind: Kind, event_id: &str) -> Answer {
    let kind = kind.word();
    let message = format!("The '{kind}' event with the id '{event_id}' already exists.");
    Answer::message(409, &message)
}

fn unknown_visitor() -> Answer {
    let message = "Visitor  invalid, not found or you are trying to use the signup tracking test \
                   via API which doesn't work on API calls.";
    Answer::message(404, message)
}

fn signed_up_before() -> Answer {
    #[derive(Serialize)]
    struct Body {
        transaction_id: &'static str,
    }
    let transaction_id = "there is already a signup event registered on this lead";
    Answer::json(422, &Body { transaction_id })
}
