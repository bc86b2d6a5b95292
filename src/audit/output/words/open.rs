//! What an audit did not check, in the two parts of a sentence that has the sums between them.

use crate::audit::UncheckedReason;
use crate::report::words::{count, grouped};

/// Returns what was not checked: how many of what.
pub(super) fn what_is_open(reason: UncheckedReason, n: u64) -> String {
    let [sales, commissions, events] = ["sale", "commission", "event"].map(|noun| count(n, noun));
    match reason {
        UncheckedReason::ForeignSale => format!("{sales} in another currency"),
        UncheckedReason::ForeignRate => format!("the rate of {sales} in another currency"),
        UncheckedReason::OtherCurrency => {
            format!("{commissions} in another currency than the account's and their sale's")
        }
        UncheckedReason::Undated => format!("{} without a date", count(n, "line")),
        UncheckedReason::RateUnknown | UncheckedReason::VolumeUnknown => {
            format!("the rate of {commissions}")
        }
        UncheckedReason::RuleCurrency => commissions,
        UncheckedReason::PaymentNumber => count(n, "payment"),
        UncheckedReason::PlanDiffers | UncheckedReason::PlanUnknown => {
            format!("the plans of {commissions}")
        }
        UncheckedReason::CampaignDiffers => format!("the campaigns of {commissions}"),
        UncheckedReason::SplitUnproven | UncheckedReason::SplitDiffers => {
            format!("who shares {commissions}")
        }
        UncheckedReason::NoPromoter => format!("who gets {commissions}"),
        UncheckedReason::NoLead | UncheckedReason::LeadLater => {
            format!("who had referred the customers of {commissions}")
        }
        UncheckedReason::LeadClosedPaid => commissions,
        UncheckedReason::TrackedSince | UncheckedReason::OfUnread => format!("{events} of ours"),
        UncheckedReason::RefundAlone => count(n, "refund"),
        UncheckedReason::TierReceiver => {
            format!("who should have {commissions} of higher tiers")
        }
        UncheckedReason::TierEarlier | UncheckedReason::TierUnknown => {
            format!("{sales} without a commission of a higher tier")
        }
        UncheckedReason::TierUnproven => format!("who gets {commissions} of higher tiers"),
        UncheckedReason::LaterPayment => {
            format!("{sales} of referred customers without a commission")
        }
        UncheckedReason::EarlierPayment
        | UncheckedReason::CustomerUnknown
        | UncheckedReason::BeforeLead
        | UncheckedReason::LeadClosed => {
            format!("{sales} without a commission")
        }
        UncheckedReason::DisputeOpen | UncheckedReason::SaleUnpaid | UncheckedReason::RowWarned => {
            sales
        }
        UncheckedReason::EventHeld => commissions,
        UncheckedReason::OtherCustomer => format!("the sales of {commissions}"),
        UncheckedReason::NotMoney => {
            let are = if n == 1 { "is" } else { "are" };
            format!("{} that {are} not money", count(n, "reward"))
        }
        UncheckedReason::ByHand => {
            let bonuses = if n == 1 { "bonus" } else { "bonuses" };
            format!("{} {bonuses} given by hand", grouped(n.into()))
        }
    }
}

/// Returns why it was not checked, and what to do where something can be done.
pub(super) fn why_it_is_open(reason: UncheckedReason) -> &'static str {
    match reason {
        UncheckedReason::ForeignSale => {
            ": how FirstPromoter converted them is not known; `rates` under `[currencies]` names a CSV of rates"
        }
        UncheckedReason::ForeignRate => {
            " any closer than 5 %: FirstPromoter converts by its own rates"
        }
        UncheckedReason::OtherCurrency => "",
        UncheckedReason::Undated => ": in no period, only in an audit of all days",
        UncheckedReason::RateUnknown => ": no rule is for them, and too few are alike to infer one",
        UncheckedReason::RuleCurrency => {
            " in another currency than the amounts of their rule: no rate is known; `rates` under `[currencies]` names a CSV of rates"
        }
        UncheckedReason::PaymentNumber => {
            " of customers who paid before our data: a rule pays for so many payments, and nobody knows which one it was"
        }
        UncheckedReason::VolumeUnknown => {
            ": a rule depends on the volume before, and what of it was sold in other currencies is not known; `rates` under `[currencies]` names a CSV of rates"
        }
        UncheckedReason::TrackedSince => {
            " later than the list of commissions: left out, since it can't have them; `fprecon audit --live` reads it again"
        }
        UncheckedReason::RefundAlone => {
            " of sales that are not in what was read: nobody knows what they have earned; add the export that holds the sales"
        }
        UncheckedReason::OfUnread => {
            " that a commission names which cannot be read: its commission is not called missing"
        }
        UncheckedReason::LaterPayment => ": no rule says whether later payments earn one",
        UncheckedReason::EarlierPayment => {
            ", whose customers have one for a later sale: without a list of leads nobody knows whether they were referred by then"
        }
        UncheckedReason::LeadClosed => {
            ": the lead of their customer was denied or is expired, and earns nothing; since when is not known"
        }
        UncheckedReason::BeforeLead => {
            ", earlier than the lead of their customer by more than a day: nobody knows whether they were referred by then"
        }
        UncheckedReason::CustomerUnknown => {
            ": without a list of leads nobody knows whether their customers were referred"
        }
        UncheckedReason::DisputeOpen => {
            " with a dispute that is not known to be decided: a commission is to be reversed once it is lost"
        }
        UncheckedReason::SaleUnpaid => {
            " that may not be paid, or not in full: cancelled or still owed, by the warnings about their rows; look them up in the billing provider"
        }
        UncheckedReason::RowWarned => ": a warning says what of their rows is in doubt",
        UncheckedReason::EventHeld => {
            " of events or rows of ours that are held, accepted or cannot be read: they count as they are"
        }
        UncheckedReason::OtherCustomer => ": the ids agree, and the customers are others",
        UncheckedReason::NotMoney => ": counted only",
        UncheckedReason::ByHand => ": no sale is expected for them",
        UncheckedReason::PlanDiffers
        | UncheckedReason::PlanUnknown
        | UncheckedReason::CampaignDiffers
        | UncheckedReason::SplitUnproven
        | UncheckedReason::SplitDiffers
        | UncheckedReason::NoPromoter
        | UncheckedReason::NoLead
        | UncheckedReason::LeadLater
        | UncheckedReason::LeadClosedPaid
        | UncheckedReason::TierReceiver
        | UncheckedReason::TierEarlier
        | UncheckedReason::TierUnknown
        | UncheckedReason::TierUnproven => why_its_terms_are_open(reason),
    }
}

/// Returns why it is not known by which terms something is paid, and to whom.
fn why_its_terms_are_open(reason: UncheckedReason) -> &'static str {
    match reason {
        UncheckedReason::PlanDiffers => {
            ": FirstPromoter has others than our side, and the rules pay otherwise for them; name both in the rules of `[audit]`"
        }
        UncheckedReason::PlanUnknown => {
            ": FirstPromoter has the plan that the customer has now, and the rules or rates pay otherwise for other plans; name plans in an export"
        }
        UncheckedReason::CampaignDiffers => {
            ": the customer is a lead in another one, and the rules pay otherwise for it"
        }
        UncheckedReason::SplitUnproven => {
            ": nothing but the list says that several promoters share them, and how"
        }
        UncheckedReason::SplitDiffers => {
            ": the lead, or other commissions of the same customer, say otherwise; look the lead up in FirstPromoter"
        }
        UncheckedReason::NoLead => {
            ": they are not in the list of leads; look them up in FirstPromoter"
        }
        UncheckedReason::LeadLater => {
            ": their sales are more than a day earlier than the lead was created or first paid"
        }
        UncheckedReason::LeadClosedPaid => {
            " of customers whose lead was denied or is expired, and earns nothing since: when that was is not known"
        }
        UncheckedReason::NoPromoter => ": the list has no promoter for them",
        UncheckedReason::TierReceiver => {
            ": others of the same promoter's sales go to somebody else; look up the promoter's own promoter in FirstPromoter"
        }
        UncheckedReason::TierEarlier => {
            ", of promoters who have a promoter of their own: since when is not known"
        }
        UncheckedReason::TierUnknown => {
            ": a rule is for it, and nobody knows whether their promoters have promoters of their own"
        }
        UncheckedReason::TierUnproven => {
            ": nothing but the list says who a promoter's own promoter is"
        }
        _ => "",
    }
}
