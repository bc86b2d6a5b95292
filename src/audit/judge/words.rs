//! Words the message of a finding, and the action that follows from it.

use jiff::tz::TimeZone;

use super::super::books::day_of;
use super::super::{Commission, FindingKind};

/// The number of near ids that are named.
const NEAR_NAMED: usize = 3;

/// What of ours a commission may mean that belongs to nothing.
pub(super) struct CommissionCandidates {
    /// Those with an id that is near.
    pub(super) near: Vec<String>,
    /// Those of the customer with the same amount, a few days apart at most.
    pub(super) alike: Vec<String>,
}

impl CommissionCandidates {
    /// Names them: it may be any of them.
    fn words(&self) -> String {
        let near = named(&self.near).map(|near| format!("; its id is near {near}"));
        let alike = named(&self.alike).map(|alike| {
            format!("; customer and amount are those of {alike}: which one is meant is not known")
        });
        [near, alike].into_iter().flatten().collect()
    }
}

pub(super) fn no_sale(rows: usize, candidates: &CommissionCandidates) -> String {
    let others = others(rows);
    let what = if candidates.alike.is_empty() {
        "nothing was billed for this commission"
    } else {
        "no sale is named by this commission"
    };
    format!("{what}{others}{}", candidates.words())
}

pub(super) fn no_refund(rows: usize, candidates: &CommissionCandidates) -> String {
    let others = others(rows);
    let what = if candidates.alike.is_empty() {
        "nothing was refunded for which this commission was reversed"
    } else {
        "no refund is named by this reversal"
    };
    format!("{what}{others}{}", candidates.words())
}

fn named(candidates: &[String]) -> Option<String> {
    let first: Vec<String> = candidates.iter().take(NEAR_NAMED).cloned().collect();
    match candidates.len().saturating_sub(NEAR_NAMED) {
        _ if first.is_empty() => None,
        0 => Some(first.join(" and ")),
        more => Some(format!("{} and {more} more", first.join(", "))),
    }
}

fn others(rows: usize) -> String {
    match rows {
        1 => String::new(),
        rows => format!(", and {} more of the same event", rows - 1),
    }
}

pub(super) fn other_month(ours: Option<i64>, theirs: Option<i64>, zone: &TimeZone) -> String {
    let day = |ms| day_of(ms, zone).map_or_else(String::new, |day| day.to_string());
    let (ours, theirs) = (day(ours), day(theirs));
    format!("billed on {ours}, the commission falls on {theirs}")
}

/// Explains that FirstPromoter's amount is exactly a hundred times ours: as a rule, a list in cents was read as one in
/// whole units.
pub(super) fn hundredfold(ours_cents: i64, theirs_cents: i64) -> &'static str {
    if ours_cents != 0 && ours_cents.checked_mul(100) == Some(theirs_cents) {
        "; that is exactly 100 times as much: a list in cents needs `unit = \"minor\"` under `[exports.mine.money.format]`, with `extends = \"commissions\"` under `[exports.mine]`"
    } else {
        ""
    }
}

/// Returns what to do about a finding.
pub(in crate::audit) fn action_for(kind: FindingKind, theirs: Option<&Commission>) -> &'static str {
    match (kind, theirs) {
        (FindingKind::WrongPromoter, Some(own)) if own.amount_cents < 0 => {
            "take the reversal from the promoter who has the commission"
        }
        (FindingKind::WrongPromoter, Some(own)) if own.tier > 1 => {
            "look up the promoter's own promoter in FirstPromoter, and move the commission there"
        }
        (kind, _) => action(kind),
    }
}

/// Returns what to do about a kind of finding.
pub(in crate::audit) fn action(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::CommissionWithoutSale => {
            "look for the sale in the billing provider; if there is none, deny the commission"
        }
        FindingKind::SaleWithoutCommission => {
            "look up the customer in FirstPromoter, and add the commission"
        }
        FindingKind::SaleAmountDiffers => {
            "correct the amount of the sale in FirstPromoter, and the commission with it"
        }
        FindingKind::AlreadyTrackedDiffers => {
            "find out what else sends sales to FirstPromoter, such as an integration, and which amount is right"
        }
        FindingKind::CommissionDiffers => {
            "compare the campaign's reward in FirstPromoter with the rules of `[audit]`; correct the one that is wrong"
        }
        FindingKind::CommissionTwice => "deny the second commission",
        FindingKind::RefundNotTakenBack => {
            "send the refund with `fprecon run`, or reverse the commission by hand in FirstPromoter"
        }
        FindingKind::RefundPartlyTakenBack => {
            "reverse the rest of the commission by hand in FirstPromoter"
        }
        FindingKind::TakenBackTooMuch => {
            "look for the refund in the billing provider; restore what was reversed too far"
        }
        FindingKind::DisputedSale => {
            "reverse what is left of the commission (if the dispute is open, once it is lost); deny it only if nothing of it was reversed"
        }
        FindingKind::WrongPromoter => {
            "move the commission to the promoter whose lead the customer is"
        }
        FindingKind::OtherMonth => {
            "if payouts go by month, see in which one this commission was or will be paid"
        }
        FindingKind::Denied => {
            "find out why it was denied; approve it if the sale was not fully refunded"
        }
        FindingKind::Pending => {
            "approve or deny it; set `pending_days` under `[audit]` if commissions may stay pending"
        }
        FindingKind::PaidBeforeRefund => "deduct it from the next payout",
        FindingKind::ReversalRounded => {
            "accept these cents of rounding, or set `tolerance_cents` under `[audit]`"
        }
    }
}
