//! Both sides added up, cut in six ways.

use std::collections::BTreeMap;

use serde::Serialize;

/// The breakdowns by which totals are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cut {
    /// The promoter who is paid.
    Promoter,
    /// The campaign of the commission.
    Campaign,
    /// The plan that was sold.
    Plan,
    /// The month (`2026-03`): of sales, refunds and what is expected, that of the billing; of
    /// commissions, that in which they fall.
    Month,
    /// The currency, or the unit of a reward that is not money.
    Currency,
    /// The status of the commission.
    Status,
}

impl Cut {
    /// All breakdowns, in the order in which they are shown.
    pub const ALL: [Cut; 6] = [
        Cut::Promoter,
        Cut::Campaign,
        Cut::Plan,
        Cut::Month,
        Cut::Currency,
        Cut::Status,
    ];

    /// Returns the word in files and in machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            Cut::Promoter => "promoter",
            Cut::Campaign => "campaign",
            Cut::Plan => "plan",
            Cut::Month => "month",
            Cut::Currency => "currency",
            Cut::Status => "status",
        }
    }
}

/// Sums in minor units, and counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CommissionTotals {
    /// Sales of ours.
    pub sales: u64,
    /// The amount of the sales.
    pub sales_cents: i128,
    /// Refunds of ours.
    pub refunds: u64,
    /// The amount of the refunds, positive.
    pub refunds_cents: i128,
    /// The amount of the sales less that of the refunds.
    pub net_cents: i128,
    /// The commissions that are expected, less those that refunds reverse.
    pub expected_cents: i128,
    /// Commissions of theirs, denied ones too.
    pub commissions: u64,
    /// The amount of the commissions, without the denied ones.
    pub actual_cents: i128,
    /// Actual less expected.
    pub difference_cents: i128,
    /// The part of `actual_cents` that was paid out.
    pub paid_cents: i128,
    /// The part of `actual_cents` that was not paid out.
    pub unpaid_cents: i128,
    /// The part of `actual_cents` of which their side doesn't say it.
    pub paid_unknown_cents: i128,
    /// The number of commissions of which their side doesn't say it.
    pub paid_unknown: u64,
    /// The amount of the denied commissions.
    pub denied_cents: i128,
    /// The part of `denied_cents` that was paid out all the same.
    pub denied_paid_cents: i128,
}

impl CommissionTotals {
    /// Returns all that was paid out, also of commissions that are denied.
    pub fn paid_out_cents(&self) -> i128 {
        self.paid_cents + self.denied_paid_cents
    }
}

/// The figures of one value of a cut, in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TotalLine {
    /// The promoter, campaign, plan, month, currency or status; absent where it is not known.
    pub value: Option<String>,
    /// The currency, or the unit of a reward that is not money.
    pub currency: String,
    /// The sums.
    #[serde(flatten)]
    pub figures: CommissionTotals,
}

/// The totals of both sides. The lines of every breakdown come to `in_all`, by currency: the program checks it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditTotals {
    /// Everything, by currency or unit.
    pub in_all: BTreeMap<String, CommissionTotals>,
    /// The lines of each cut, by value and currency.
    pub by: BTreeMap<Cut, Vec<TotalLine>>,
}
