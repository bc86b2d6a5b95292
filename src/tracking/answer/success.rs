//! Reads a success: whether it describes the very event that was sent, with its amount.

use serde::Deserialize;

use super::{Answer, Asked, Receipt, message_of};
use crate::event::{Kind, Money};
use crate::tracking::Version;
use crate::tracking::commissions::CASH;
use crate::tracking::scalar::{List, Object, Scalar};

/// The words for a `status` that is not a success.
const FAILURES: [&str; 4] = ["error", "fail", "failed", "failure"];

/// Reads a success as both versions write it. Unknown fields are ignored, missing ones are allowed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Success {
    id: Scalar,
    error: Scalar,
    errors: Scalar,
    success: Scalar,
    ok: Scalar,
    status: Scalar,
    event_id: Scalar,
    // Version 1, and version 2's refunds and cancellations.
    #[serde(rename = "type")]
    kind: Scalar,
    amount_cents: Scalar,
    reward: Object<AnsweredCommission>,
    promoter: Object<AnsweredPromoter>,
    // Version 2.
    #[serde(rename = "etype")]
    kind_of_v2: Scalar,
    sale_amount: Scalar,
    original_sale_amount: Scalar,
    original_sale_currency: Scalar,
    referral: Scalar,
    commissions: List<AnsweredCommission>,
}

/// Reads a commission in a success: version 1's `reward`, or one of version 2's `commissions`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct AnsweredCommission {
    amount: Scalar,
    unit: Scalar,
    event_id: Scalar,
    tier: Scalar,
    promoter_campaign: Object<PromoterCampaign>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PromoterCampaign {
    ref_token: Scalar,
    promoter: Object<AnsweredPromoter>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AnsweredPromoter {
    email: Scalar,
    default_ref_id: Scalar,
}

impl Asked<'_> {
    /// Returns what a success means: that this event took effect only if it describes it.
    pub(super) fn answer_of_success(&self, status: u16, body: &[u8]) -> Answer {
        let Ok(Object(success)) = serde_json::from_slice::<Object<Success>>(body) else {
            return Answer::Unclear {
                status: Some(status),
                message: format!("the answer is not whole JSON: {}", message_of(body)),
            };
        };
        let success = success.ok_or_else(|| "the answer is not a JSON object".to_owned());
        let checked = success.and_then(|success| match self.contradiction(&success) {
            None => Ok(success),
            Some(contradiction) => Err(contradiction),
        });
        match checked {
            Ok(success) => match self.other_amount(&success) {
                None => Answer::Recorded(success.receipt()),
                Some(message) => Answer::OtherAmount {
                    receipt: success.receipt(),
                    message,
                },
            },
            Err(wrong) => Answer::NotThisEvent {
                status,
                message: format!("{wrong}: {}", message_of(body)),
            },
        }
    }

    /// Returns why a success does not describe this event; `None` if it does.
    fn contradiction(&self, success: &Success) -> Option<String> {
        let kind = self.event.kind;
        if success.is_error() {
            return Some("a success that has an error in it".to_owned());
        }
        if !success.is_account_of_an_event(self.version) {
            return Some("a success that does not say what was recorded".to_owned());
        }
        for other in [&success.kind, &success.kind_of_v2] {
            let other = other.word().filter(|other| !other.is_empty());
            if let Some(other) = other.filter(|other| !other.eq_ignore_ascii_case(kind.as_str())) {
                return Some(format!(
                    "the answer is about a `{other}`, not about a {kind}"
                ));
            }
        }
        if self.carried.has_event_id
            && let Some(other) = success.other_id(self.event.event_id())
        {
            return Some(format!("the answer is about another event, `{other}`"));
        }
        let money = self.event.money?;
        let recorded = self.recorded(success, money)?.whole()?;
        let is_negative = kind == Kind::Refund && self.has_sign(success);
        let is_wrong = recorded != 0 && self.has_sign(success) && (recorded < 0) != is_negative;
        is_wrong.then(|| format!("the answer has the wrong sign for a {kind}"))
    }

    /// Returns `true` if the amount of a success is written with the sign of what it adds: those of version
    /// 1's form are.
    fn has_sign(&self, success: &Success) -> bool {
        success.amount_cents.is_there() || self.event.kind == Kind::Sale
    }

    /// Returns the amount that the API has, if it is in the currency that was sent.
    fn recorded<'s>(&self, success: &'s Success, money: Money) -> Option<&'s Scalar> {
        let original = success.original_sale_currency.word();
        let is_number = |amount: &&Scalar| amount.written_number().is_some();
        if original.is_some_and(|code| code.eq_ignore_ascii_case(money.currency.code())) {
            return Some(&success.original_sale_amount).filter(is_number);
        }
        if self.carried.currency.is_some() {
            return None;
        }
        let amounts = [&success.amount_cents, &success.sale_amount];
        amounts.into_iter().find(is_number)
    }

    fn other_amount(&self, success: &Success) -> Option<String> {
        let money = self.event.money?;
        if let Some(other) = self.other_currency(success) {
            return Some(format!(
                "recorded with another amount: {money} was sent, the API has it in `{other}`"
            ));
        }
        let written = self.recorded(success, money)?;
        let Some(recorded) = written.whole().and_then(i64::checked_abs) else {
            let has = written.written_number()?;
            return Some(format!(
                "recorded with another amount: {money} was sent, the API has `{has}`, which is not a whole number"
            ));
        };
        let sent = self.amount?;
        (recorded != sent).then(|| other_amount_words(money, sent, recorded))
    }

    /// Returns the currency that the API took the amount for, if the request named another one.
    fn other_currency<'s>(&self, success: &'s Success) -> Option<&'s str> {
        let named = self.carried.currency?;
        let original = success.original_sale_currency.word()?;
        (!original.eq_ignore_ascii_case(named.code())).then_some(original)
    }
}

/// Says that the API recorded another amount than was sent; both are in the unit that the account takes.
pub(in crate::tracking) fn other_amount_words(money: Money, sent: i64, recorded: i64) -> String {
    let has = Money {
        amount_cents: recorded,
        ..money
    };
    if sent == money.amount_cents {
        format!("recorded with another amount: {money} was sent, the API has {has}")
    } else {
        format!("recorded with another amount: {sent} was sent for {money}, the API has {recorded}")
    }
}

impl Success {
    fn is_error(&self) -> bool {
        let is_none = |error: &Scalar| match error {
            Scalar::Nothing | Scalar::Flag(false) | Scalar::Empty => true,
            Scalar::Text(text) => text.trim().is_empty(),
            Scalar::Flag(true) | Scalar::Number(_) | Scalar::Other => false,
        };
        let is_denied = |flag: &Scalar| {
            let word = flag.word().map(str::trim);
            flag.flag() == Some(false)
                || word.is_some_and(|word| word.eq_ignore_ascii_case("false"))
        };
        let status = self.status.word().map(str::to_ascii_lowercase);
        let is_failure = status.is_some_and(|status| FAILURES.contains(&status.as_str()));
        !is_none(&self.error)
            || !is_none(&self.errors)
            || is_denied(&self.success)
            || is_denied(&self.ok)
            || is_failure
    }

    /// Returns `true` if it has what only the description of an event has.
    fn is_account_of_an_event(&self, version: Version) -> bool {
        let has_id = self.id.text().is_some();
        match version {
            Version::V1 => has_id && self.kind.word().is_some_and(|kind| !kind.is_empty()),
            Version::V2 => has_id || self.event_id.text().is_some() || self.referral.is_there(),
        }
    }

    /// Returns the id of the event that it describes, if that is another one.
    fn other_id(&self, event_id: &str) -> Option<String> {
        let commissions = self.commissions.0.iter().flatten().filter_map(Object::get);
        let ids = [&self.event_id]
            .into_iter()
            .chain(self.reward.get().map(|reward| &reward.event_id))
            .chain(commissions.map(|commission| &commission.event_id));
        ids.filter_map(Scalar::text).find(|id| id != event_id)
    }

    fn receipt(&self) -> Receipt {
        match &self.commissions.0 {
            Some(commissions) => self.receipt_of_commissions(commissions),
            None => {
                let promoter = self.promoter.get();
                Receipt {
                    api_event_id: self.id.text(),
                    promoter_email: promoter.and_then(|promoter| promoter.email.text()),
                    promoter_ref_id: promoter.and_then(|promoter| promoter.default_ref_id.text()),
                    commission_cents: self.reward.get().and_then(AnsweredCommission::cents),
                }
            }
        }
    }

    /// Returns the details of several commissions: the promoter is the one of the first tier; the commission
    /// is the sum of all.
    fn receipt_of_commissions(&self, commissions: &[Object<AnsweredCommission>]) -> Receipt {
        let all = || commissions.iter().filter_map(Object::get);
        let tier = |commission: &&AnsweredCommission| commission.tier.integer().unwrap_or(i64::MAX);
        let campaign = all()
            .min_by_key(tier)
            .and_then(|first| first.promoter_campaign.get());
        let promoter = campaign.and_then(|campaign| campaign.promoter.get());
        Receipt {
            api_event_id: self.id.text(),
            promoter_email: promoter.and_then(|promoter| promoter.email.text()),
            promoter_ref_id: campaign.and_then(|campaign| campaign.ref_token.text()),
            commission_cents: all()
                .filter_map(AnsweredCommission::cents)
                .reduce(i64::saturating_add),
        }
    }
}

impl AnsweredCommission {
    /// Returns the amount, unless it is given in months or credits.
    fn cents(&self) -> Option<i64> {
        let is_cash = self.unit.word().is_none_or(|unit| unit == CASH);
        self.amount.integer().filter(|_| is_cash)
    }
}
