//! `POST /company/commissions` of v2: a commission for a sale of a referral whose id is known.

use std::rc::Rc;

use serde::Deserialize;

use super::books::{Effect, lead_id};
use super::commissions::ShownCommission;
use super::{AccountState, LeadState, NO_CURRENCY, v2};
use crate::sandbox::answer::ServerAnswer;
use crate::sandbox::call::CallKind;
use crate::sandbox::moment::Moment;

/// The body, as the vendor's schema `CommissionCreate` has it for sales. What it does not have is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sandbox) struct CommissionRequest {
    commission_type: String,
    referral_id: usize,
    sale_amount: i64,
    event_id: Option<String>,
    /// A day such as `2026-03-01`.
    event_date: Option<String>,
    unit: Option<CommissionUnit>,
    // What is accepted and has no effect here.
    #[serde(rename = "plan_id")]
    _plan_id: Option<u64>,
    #[serde(rename = "notify_promoter")]
    _notify_promoter: Option<bool>,
    #[serde(rename = "internal_note")]
    _internal_note: Option<String>,
    #[serde(rename = "external_note")]
    _external_note: Option<String>,
    #[serde(rename = "billing_period")]
    _billing_period: Option<BillingPeriod>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum CommissionUnit {
    Cash,
    Credits,
    Points,
    FreeMonths,
    MonDiscount,
    DiscountPer,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum BillingPeriod {
    Monthly,
    Yearly,
    OneTime,
}

impl CommissionRequest {
    /// Reads a body; or says what is wrong with it. The documents don't show such a refusal.
    pub(in crate::sandbox) fn read(body: &[u8]) -> Result<CommissionRequest, String> {
        let new: CommissionRequest =
            serde_json::from_slice(body).map_err(|error| format!("Invalid commission: {error}"))?;
        if new.commission_type != "sale" {
            return Err("The sandbox creates commissions of type `sale` alone".to_owned());
        }
        if new.unit.is_some_and(|unit| unit != CommissionUnit::Cash) {
            return Err("The sandbox creates commissions in cash alone".to_owned());
        }
        if new.sale_amount <= 0 {
            return Err("Sale amount must be greater than 0".to_owned());
        }
        Ok(new)
    }

    pub(in crate::sandbox) fn event_id(&self) -> Option<&str> {
        self.event_id.as_deref()
    }
}

impl AccountState {
    /// Creates the commission of a sale.
    ///
    /// The documents don't say whether a second one with the same `event_id` is refused: here it is not, so that a
    /// client which repeats itself is seen. Nor do they say that the commission has the date of the event: here it
    /// has.
    pub(in crate::sandbox) fn create_commission(
        &mut self,
        new: &CommissionRequest,
        now: Moment,
    ) -> ServerAnswer {
        let place = new.referral_id.checked_sub(lead_id(0));
        let Some(place) = place.filter(|place| *place < self.leads.count()) else {
            return ServerAnswer::message(404, "Referral not found");
        };
        let day = |text: &str| (text.len() == "2026-01-01".len()).then(|| Moment::parse(text))?;
        let created_at = match new.event_date.as_deref().map(day) {
            None => now,
            Some(Some(at)) => at,
            Some(None) => return ServerAnswer::message(422, "Event date is invalid"),
        };
        let commission = self.commission(place, new.sale_amount);
        let lead = self.leads.get_mut(place);
        lead.state = LeadState::Active;
        lead.customer_since.get_or_insert(created_at);
        let effect = Effect {
            kind: CallKind::Sale,
            event_id: new.event_id.as_deref().map(Rc::from),
            sale_event_id: None,
            email: lead.email.clone(),
            uid: lead.uid.clone(),
            plan: None,
            sent: Some(new.sale_amount),
            amount: Some(new.sale_amount),
            currency: self.books.currency(NO_CURRENCY),
            commission,
            created_at,
            lead: place,
            promoter: lead.promoter,
        };
        self.books.enter(effect);
        let (number, effect) = self.books.last();
        let known = self.known(number, effect);
        // The answer is documented as an array.
        let all: Vec<_> = ShownCommission::of_event(&known)
            .iter()
            .map(v2::commission)
            .collect();
        ServerAnswer::json(200, &all)
    }
}
