//! Counts and adds up the sales and commissions that an audit could not check.

use std::collections::BTreeMap;
use std::collections::HashMap;

use serde::{Serialize, Serializer};

use super::books::{AuditData, Code};
use crate::journal::words;

words! {
    /// The reason why something was not checked.
    UncheckedReason, "reason why something was not checked" {
        /// Sales in another currency than the account's, whose conversion nobody can check without
        /// rates.
        ForeignSale = "foreign_sale",
        /// Sales in another currency, which FirstPromoter converted by a rate near the user's: that rate is not
        /// checked any closer.
        ForeignRate = "foreign_rate",
        /// Commissions in another currency than the account's and their sale's.
        OtherCurrency = "other_currency",
        /// Sales and commissions without a date, which belong to no period.
        Undated = "undated",
        /// Commissions for which there is no rule, and too few of their kind to infer a rate.
        RateUnknown = "rate_unknown",
        /// Commissions in another currency than the account's whose rule has an amount in the account's: no rate is known.
        RuleCurrency = "rule_currency",
        /// Payments whose number among their customer's is not known, since some came before our data, and for which a rule
        /// pays up to a number.
        PaymentNumber = "payment_number",
        /// Commissions whose promoter had sold an unknown volume before, in another currency, by which a rule pays.
        VolumeUnknown = "volume_unknown",
        /// Commissions with another plan than their sale, for which the rules pay otherwise.
        PlanDiffers = "plan_differs",
        /// Commissions of another campaign than their customer as a lead, for which the rules pay otherwise.
        CampaignDiffers = "campaign_differs",
        /// Commissions by a plan that their customer has now, of which nobody knows whether it was sold.
        PlanUnknown = "plan_unknown",
        /// Commissions that several promoters share, which nothing but the list itself says.
        SplitUnproven = "split_unproven",
        /// Commissions that are shared otherwise than the lead, or than others of the same customer.
        SplitDiffers = "split_differs",
        /// Commissions without a promoter, in a list in which others have one.
        NoPromoter = "no_promoter",
        /// Commissions of customers who are not in the list of leads: nobody knows whose leads they are.
        NoLead = "no_lead",
        /// Commissions of sales earlier than the lead of their customer: nobody knows whether they were referred by then.
        LeadLater = "lead_later",
        /// Commissions of customers whose lead was denied or is expired: nobody knows since when.
        LeadClosedPaid = "lead_closed_paid",
        /// Sales and refunds that were tracked, or happened, after the list was read.
        TrackedSince = "tracked_since",
        /// Refunds whose sale is nowhere in what was read, so that nobody knows what it has earned.
        RefundAlone = "refund_alone",
        /// Sales and refunds of which a commission that can't be read has the id.
        OfUnread = "of_unread",
        /// Later sales of referred customers, without a commission and without a rule that says
        /// whether they earn one.
        LaterPayment = "later_payment",
        /// Sales without a commission of customers whose later sales have one: nobody knows whether they were
        /// referred by then.
        EarlierPayment = "earlier_payment",
        /// Sales without a commission, earlier than the lead of their customer.
        BeforeLead = "before_lead",
        /// Sales without a commission of customers whose lead was denied or is expired.
        LeadClosed = "lead_closed",
        /// Sales without a commission of customers of whom nobody knows whether they were referred.
        CustomerUnknown = "customer_unknown",
        /// Commissions of a higher tier that go to another promoter than others of the same promoter's sales: nobody knows
        /// whose they should be.
        TierReceiver = "tier_receiver",
        /// Sales without a commission of a higher tier of promoters for whose later sales somebody has one.
        TierEarlier = "tier_earlier",
        /// Sales without a commission of a higher tier for which there is a rule, of promoters for whose sales nobody has
        /// one: nobody knows whether they have a promoter of their own.
        TierUnknown = "tier_unknown",
        /// Commissions of a higher tier of whose receivers nothing else says that they are the right ones.
        TierUnproven = "tier_unproven",
        /// Sales about which there is, or was, a dispute, and nothing says that it was decided.
        DisputeOpen = "dispute_open",
        /// Sales that their export does not say to be paid in full: cancelled, or still owed.
        SaleUnpaid = "sale_unpaid",
        /// Sales about whose rows the profile warns.
        RowWarned = "row_warned",
        /// Commissions of events of ours that are held or accepted as they are, or of rows that can't be read.
        EventHeld = "event_held",
        /// Commissions that name the event of a sale, and another customer.
        OtherCustomer = "other_customer",
        /// Rewards that are not money: counted, not checked.
        NotMoney = "not_money",
        /// Bonuses by hand, for which no sale is expected.
        ByHand = "by_hand",
    }
}

impl Serialize for UncheckedReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl UncheckedReason {
    /// Returns `true` if money may be wrong that the verdict says nothing about, so that somebody has to look.
    pub fn needs_attention(self) -> bool {
        matches!(
            self,
            UncheckedReason::ForeignSale
                | UncheckedReason::OtherCurrency
                | UncheckedReason::Undated
                | UncheckedReason::RateUnknown
                | UncheckedReason::RuleCurrency
                | UncheckedReason::PaymentNumber
                | UncheckedReason::VolumeUnknown
                | UncheckedReason::PlanDiffers
                | UncheckedReason::PlanUnknown
                | UncheckedReason::CampaignDiffers
                | UncheckedReason::SplitDiffers
                | UncheckedReason::SaleUnpaid
                | UncheckedReason::TrackedSince
                | UncheckedReason::RefundAlone
                | UncheckedReason::NoPromoter
                | UncheckedReason::NoLead
                | UncheckedReason::TierReceiver
                | UncheckedReason::TierEarlier
                | UncheckedReason::EarlierPayment
        )
    }
}

/// The sales or commissions that were not checked for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unchecked {
    /// The reason.
    pub reason: UncheckedReason,
    /// The number of sales or commissions.
    pub count: u64,
    /// Their amounts, by currency or unit.
    pub amount_cents: BTreeMap<String, i128>,
}

/// Counts while cases are judged.
#[derive(Clone, Debug, Default)]
pub(super) struct Tallies {
    sums: HashMap<(UncheckedReason, Code), (u64, i128)>,
    /// Commissions that were judged by a rate that nobody declared.
    pub(super) inferred: u64,
}

impl Tallies {
    pub(super) fn add(&mut self, reason: UncheckedReason, unit: Code, cents: i64) {
        let (count, sum) = self.sums.entry((reason, unit)).or_default();
        *count += 1;
        *sum += i128::from(cents);
    }

    pub(super) fn append(&mut self, other: Tallies) {
        for (key, (count, cents)) in other.sums {
            let own = self.sums.entry(key).or_default();
            own.0 += count;
            own.1 += cents;
        }
        self.inferred += other.inferred;
    }

    /// Returns what was not checked, by reason.
    pub(super) fn unchecked(&self, books: &AuditData) -> Vec<Unchecked> {
        let of = |reason: &UncheckedReason| {
            let mut unchecked = Unchecked {
                reason: *reason,
                count: 0,
                amount_cents: BTreeMap::new(),
            };
            for ((_, unit), (count, cents)) in self.sums.iter().filter(|((of, _), _)| of == reason)
            {
                let unit = books.names.name(*unit).unwrap_or_default().to_owned();
                unchecked.count += count;
                *unchecked.amount_cents.entry(unit).or_default() += cents;
            }
            Some(unchecked).filter(|unchecked| unchecked.count > 0)
        };
        UncheckedReason::ALL.iter().filter_map(of).collect()
    }
}
