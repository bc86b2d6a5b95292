//! Both sides added up, cut in six ways.

use std::collections::BTreeMap;

use serde::Serialize;

/// By what totals are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cut {
    /// Who is paid.
    Promoter,
    /// The campaign of the commission.
    Campaign,
    /// The plan that was sold.
    Plan,
    /// The month (`2026-03`): of sales, refunds and what is expected, that of the billing; of
    /// commissions, that in which they fall.
    Month,
    /// The currency, or the unit of what is no money.
    Currency,
    /// The status of the commission.
    Status,
}

impl Cut {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Cut; 6] = [
        Cut::Promoter,
        Cut::Campaign,
        Cut::Plan,
        Cut::Month,
        Cut::Currency,
        Cut::Status,
    ];

    /// The word in files and in machine output.
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
    /// What they come to.
    pub sales_cents: i128,
    /// Refunds of ours.
    pub refunds: u64,
    /// What they come to, positive.
    pub refunds_cents: i128,
    /// What was sold and not paid back.
    pub net_cents: i128,
    /// What the commissions should come to, less what refunds take back.
    pub expected_cents: i128,
    /// Commissions of theirs, denied ones too.
    pub commissions: u64,
    /// What they come to, without the denied ones.
    pub actual_cents: i128,
    /// Actual less expected.
    pub difference_cents: i128,
    /// Of `actual_cents`: paid out.
    pub paid_cents: i128,
    /// Of `actual_cents`: not paid out.
    pub unpaid_cents: i128,
    /// Of `actual_cents`: their side doesn't say.
    pub paid_unknown_cents: i128,
    /// What the denied ones come to.
    pub denied_cents: i128,
}

/// The figures of one value of a cut, in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TotalLine {
    /// The promoter, campaign, plan, month, currency or status; absent where it is not known.
    pub value: Option<String>,
    /// The currency, or the unit of what is no money.
    pub currency: String,
    /// The sums.
    #[serde(flatten)]
    pub figures: CommissionTotals,
}

/// Both sides added up. The lines of every cut come to `in_all`, by currency: the program checks it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Everything, by currency or unit.
    pub in_all: BTreeMap<String, CommissionTotals>,
    /// The lines of each cut, by value and currency.
    pub by: BTreeMap<Cut, Vec<TotalLine>>,
}
