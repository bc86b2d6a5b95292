//! Describes the differences between the two sides.

use serde::{Serialize, Serializer};

use super::{Billed, Commission, Unit};
use crate::journal::words;

words! {
    /// The kind of a difference. Each finding has one cause; what only follows from it is not
    /// reported beside it.
    FindingKind, "kind of finding" {
        /// A commission is set to be paid for which nothing was billed.
        CommissionWithoutSale = "commission_without_sale",
        /// A sale that was tracked, or whose customer is a lead, has no commission though one is due.
        SaleWithoutCommission = "sale_without_commission",
        /// FirstPromoter has the sale with another amount.
        SaleAmountDiffers = "sale_amount_differs",
        /// Somebody else reported the event before us (409), with another amount.
        AlreadyTrackedDiffers = "already_tracked_differs",
        /// The sale agrees, and the commission is not what it should be.
        CommissionDiffers = "commission_differs",
        /// A sale earns a second commission.
        CommissionTwice = "commission_twice",
        /// Money was refunded and the commission was not reversed.
        RefundNotTakenBack = "refund_not_taken_back",
        /// Less of the commission was reversed than of the money was refunded.
        RefundPartlyTakenBack = "refund_partly_taken_back",
        /// More of a commission was reversed than of the money was refunded, or nothing was refunded.
        TakenBackTooMuch = "taken_back_too_much",
        /// The customer's bank took the money back and the commission stands.
        DisputedSale = "disputed_sale",
        /// The customer is another promoter's lead.
        WrongPromoter = "wrong_promoter",
        /// The commission falls in another month than what it is for.
        OtherMonth = "other_month",
        /// The commission of a sale that was not refunded is denied.
        Denied = "denied",
        /// The commission of a sale that was not refunded is not decided yet.
        Pending = "pending",
        /// The commission was paid out, and its reversal by a refund is still open.
        PaidBeforeRefund = "paid_before_refund",
        /// Reversals differ by cents of rounding from what refunds undo of the commission.
        ReversalRounded = "reversal_rounded",
    }
}

words! {
    /// The reason why a commission belongs to a sale or a refund.
    MatchReason, "reason of a match" {
        /// It has the same `event_id`.
        EventId = "event_id",
        /// It reverses a commission and names the sale of a refund; or it names a running total of that sale.
        LinkedSale = "linked_sale",
        /// Its `event_id` is another id of the payment of one sale, such as the charge of an invoice.
        Reference = "reference",
        /// Its `event_id` is the same but for case, spaces, zeros or an apostrophe in front, and no
        /// other is as near.
        SimilarId = "similar_id",
        /// Same customer, same amount, a few days apart at most, and no other that could be meant. Only
        /// where the user turned this rule on.
        CustomerAndAmount = "customer_and_amount",
    }
}

impl Serialize for FindingKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Serialize for MatchReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A difference, with both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The id. It is equal in every audit that finds it, as long as it is the same events and commissions that
    /// differ in the same way.
    pub id: String,
    /// The kind of the difference.
    pub kind: FindingKind,
    /// The amount that is set to be paid too much (or, if negative, too little) by this cause. The findings of a
    /// currency add up to the difference of its totals.
    pub difference_cents: i64,
    /// The money that it is about, where nothing is paid too much or too little by it: a commission in
    /// the wrong month, to the wrong promoter, not approved yet.
    pub concerned_cents: i64,
    /// The currency, or the unit, of the amounts.
    pub unit: Unit,
    /// Our side, with file and line.
    pub ours: Option<Billed>,
    /// Their side, with file and line. Of several, the one to look at first.
    pub theirs: Option<Commission>,
    /// The reason why `theirs` belongs to `ours`.
    pub matched_by: Option<MatchReason>,
    /// The expected commission (of `theirs`, or for `ours`), if it is known.
    pub expected_cents: Option<i64>,
    /// The message: what is wrong, without a full stop.
    pub message: String,
    /// The action that a person should take.
    pub action: String,
}
