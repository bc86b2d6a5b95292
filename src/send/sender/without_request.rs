//! Decides which events are settled without a request, and which results need attention nevertheless.

use jiff::Timestamp;

use super::{After, EventInFlight, Sender};
use crate::event::{COMPARED_WITH_REFUNDS, EventKey, Kind};
use crate::journal::{AttentionCode, Entry, EventRow, Outcome, Settlement};
use crate::send::RefundsAnswered;
use crate::send::lanes::Basis;

/// The message of a cancellation without an id that is not sent, since somebody may have sent it before.
const SENT_BY_OTHERS: &str = "not sent: a sale of the customer was there already, sent by another journal or an integration, and so may be this";

/// The message of a running total of refunds that is not sent, since somebody may have sent a part of it before.
const TOTAL_SENT_BY_OTHERS: &str = "not sent: its sale was there already, sent by another journal or an integration, and so may be a part of this running total; `fprecon run` of the same exports reads the account's list, and sends what is missing";

/// The message of a refund with an id of its own that is not sent, since somebody may have sent it before under another one.
const REFUND_SENT_BY_OTHERS: &str = "not sent: its sale was there already, sent by another journal or an integration, and so may be this refund under another id; `fprecon run` of the same exports reads the account's list, and sends what is missing";

/// The message of a refund whose sale may not be at the API.
const SALE_UNCONFIRMED: &str = "not sent: its sale is unconfirmed, and without it, the refund would take what nobody earned; settle the sale first, by `fprecon retry --unconfirmed` or `fprecon accept`, then `fprecon retry --failed` sends this";

/// The reason why an event is not sent that may have been sent before the journal lost commits.
const LOST: &str =
    "the journal lost commits that may have sent this, and a second request could count twice";

impl Sender<'_> {
    /// Returns the result of an event that need not, or must not, be sent.
    pub(super) fn settlement_without_request(&self, slot: &EventInFlight) -> Option<Settlement> {
        if let Some(decided) = &slot.decided {
            return Some(Settlement::clone(decided));
        }
        let lane = self.lanes.lane(slot.lane);
        let settle = |outcome, message: Option<&str>| {
            let message = message.map(str::to_owned);
            Settlement::without_answer(outcome, message, Timestamp::now())
        };
        let infer = |outcome, message| Settlement {
            is_inferred: true,
            ..settle(outcome, message)
        };
        if slot.form.is_none() {
            let message = "an earlier attempt got no answer, and with these settings a second one would be different";
            return Some(settle(Outcome::Unconfirmed, Some(message)));
        }
        if slot.is_maybe_recorded && !slot.is_repeatable && !self.settings.should_repeat_unconfirmed
        {
            let message = if slot.is_in_doubt {
                LOST
            } else {
                "an earlier attempt got no answer, and a second one could count twice"
            };
            return Some(settle(Outcome::Unconfirmed, Some(message)));
        }
        let sale = self.outcome_of_sale(slot);
        if sale == Some(Outcome::Failed) {
            return Some(settle(Outcome::Failed, Some("not sent: its sale failed")));
        }
        if sale == Some(Outcome::Unconfirmed) && slot.event.kind == Kind::Refund {
            return Some(settle(Outcome::Failed, Some(SALE_UNCONFIRMED)));
        }
        if slot.is_maybe_recorded {
            return None;
        }
        if slot.event.kind == Kind::Cancellation
            && !slot.is_repeatable
            && !self.settings.should_repeat_unconfirmed
            && (lane.is_sent_by_others() || self.earlier.may_have(&slot.event))
        {
            return Some(infer(Outcome::Unconfirmed, Some(SENT_BY_OTHERS)));
        }
        if self.may_be_partly_there(slot) && !self.settings.should_repeat_unconfirmed {
            let message = match slot.event.refund_total_cents {
                Some(_) => TOTAL_SENT_BY_OTHERS,
                None => REFUND_SENT_BY_OTHERS,
            };
            return Some(infer(Outcome::Unconfirmed, Some(message)));
        }
        if lane.is_unlisted {
            let message = "not sent: the customer is not in the account's list of leads";
            return Some(infer(Outcome::NonReferral, Some(message)));
        }
        // A refund of a sale that was not a referral has nothing to reverse, even if its customer became a
        // lead since.
        let is_strange = sale == Some(Outcome::NonReferral) || lane.is_known_non_lead(&slot.event);
        (self.settings.should_infer_non_referrals && is_strange)
            .then(|| infer(Outcome::NonReferral, None))
    }

    /// Returns `true` if an event is a refund, and it or a part of it may be at the API under another id: somebody had sent its
    /// sale before this journal did, and that is from the time before this journal, as after one that was lost. That may have
    /// sent running totals, each of which has another id, or have undone the sale.
    fn may_be_partly_there(&self, slot: &EventInFlight) -> bool {
        let event = &slot.event;
        if event.kind != Kind::Refund || event.note.contains(COMPARED_WITH_REFUNDS) {
            return false;
        }
        if let Some(sold_at) = self.lanes.lane(slot.lane).date_of_sale_of_others(event) {
            return self.earlier.is_before_journal(sold_at);
        }
        let sale = event.sale_event_id.as_deref().map(EventKey::from_id);
        let refunded = sale.and_then(|sale| self.earlier.older_sales.get(&sale));
        let is_total = event.refund_total_cents.is_some();
        refunded.is_some_and(|&refunded| is_total || refunded == RefundsAnswered::None)
    }

    /// Returns the outcome of the sale that an event refunds.
    fn outcome_of_sale(&self, slot: &EventInFlight) -> Option<Outcome> {
        let of_this_run = self.lanes.lane(slot.lane).outcome_of_sale(&slot.event);
        of_this_run.or_else(|| {
            if self.earlier.sales.is_empty() {
                return None;
            }
            let sale = slot.event.sale_event_id.as_ref()?;
            self.earlier.sales.get(&EventKey::from_id(sale)).copied()
        })
    }

    /// Returns why a non-referral needs attention: the API has the sale that this event reverses.
    fn reverses_tracked_sale(&self, slot: &EventInFlight) -> Option<String> {
        let event = &slot.event;
        match event.kind {
            Kind::Refund if self.outcome_of_sale(slot).is_some_and(Outcome::is_tracked) => {
                let sale = event
                    .sale_event_id
                    .as_deref()
                    .expect("the outcome is that of the sale that it names");
                Some(format!("its sale `{sale}` is tracked, and still counts"))
            }
            Kind::Cancellation
                if self.lanes.lane(slot.lane).has_tracked_sale_of(event)
                    || self.earlier.customers.include(event.customer.borrowed()) =>
            {
                Some("a sale of the same customer is tracked".to_owned())
            }
            _ => None,
        }
    }

    /// Flags a result that needs attention although it settles its event.
    pub(super) fn flag(&mut self, row: EventRow, settlement: &mut Settlement) {
        let of_others = [TOTAL_SENT_BY_OTHERS, REFUND_SENT_BY_OTHERS];
        let message = settlement.message.as_deref();
        if message.is_some_and(|message| of_others.contains(&message)) {
            let code = AttentionCode::NotCompared;
            self.outbox
                .push((Entry::Flag { event: row, code }, After::Flagged));
        }
        if settlement.outcome != Outcome::NonReferral {
            return;
        }
        if let Some(reason) = self.reverses_tracked_sale(self.slot_of(row)) {
            settlement.message = Some(match settlement.message.take() {
                Some(message) => format!("{message}; {reason}"),
                None => reason,
            });
            let code = AttentionCode::ReversalNonReferral;
            self.outbox
                .push((Entry::Flag { event: row, code }, After::Flagged));
        }
    }

    pub(super) fn settle_without_request(&mut self, row: EventRow, mut settlement: Settlement) {
        self.flag(row, &mut settlement);
        let outcome = settlement.outcome;
        if outcome == Outcome::Failed && self.refusals.is_start() {
            return self.defer(row, settlement, Basis::Inferred);
        }
        let entry = Entry::Settle {
            event: row,
            settlement,
        };
        self.outbox
            .push((entry, After::Settled(row, outcome, Basis::Inferred)));
    }
}
