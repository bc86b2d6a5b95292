//! Does the money agree: the commissions that FirstPromoter wants paid against what was billed.
//!
//! Two sides are compared: their commissions ([`Commission`]) and our sales and refunds
//! ([`Billed`]), with whose customer is whose ([`ReferredCustomer`]) where that is known. [`Sides`] collects them.
//! Every commission is matched to what it was paid for, what it should be is calculated by the user's
//! rules or inferred, and what differs is a [`Finding`], one for each cause. [`AuditTotals`] add both sides
//! up, and the findings explain their difference to the cent.
//!
//! The core is pure: it opens no files, asks no network, reads no clock. Money is integers
//! throughout; bulk work (joins, group-bys) is done by Polars.

pub mod accepted;
mod books;
mod earlier;
mod error;
mod expected;
mod finding;
mod frames;
mod grouped;
mod history;
mod judge;
mod matches;
mod matching;
mod money;
pub mod ours;
pub mod output;
mod parallel;
mod period;
mod plans;
mod rate;
mod referrers;
mod rules;
mod run;
mod selection;
mod sides;
mod similar_id;
mod since;
pub mod statement;
mod sums;
pub mod theirs;
mod totals;
mod unchecked;
mod unread;

pub use error::AuditError;
pub use finding::{Finding, FindingKind, MatchReason};
pub use frames::Frames;
pub use matches::{Match, Matches};
pub use period::{Period, PeriodBy, ZonedPeriod};
pub use rate::Rounding;
pub use rules::{AuditRules, RulesError, RulesKey, UnusedName, VolumePer, WrongRules};
pub use run::{View, audit, audit_with_matches};
pub use sides::{
    Billed, BilledKind, Commission, LeadSplit, Promoter, ReferredCustomer, Sides, SourceLocation,
    Status, Unit,
};
pub use since::{PastFinding, Since};
pub use totals::{AuditTotals, CommissionTotals, Cut, TotalLine};
pub use unchecked::{Unchecked, UncheckedReason};
pub use unread::UnreadCode;

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::{Serialize, Serializer};

/// The result of an audit.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Audit {
    /// The differences, the largest of each kind first.
    pub findings: Vec<Finding>,
    /// The totals of both sides.
    pub totals: AuditTotals,
    /// The number of commissions that were matched for each reason; those that are not are findings.
    pub matched: BTreeMap<MatchReason, u64>,
    /// The rates that were inferred, where no rule is given.
    pub inferred: Vec<InferredRate>,
    /// The number of commissions that were judged by inferred rates.
    pub judged_by_inferred: u64,
    /// The names in rules that nothing has: such a rule fits no sale.
    pub unused_names: Vec<UnusedName>,
    /// The numbers of rules that were applied to no commission, though there are such names.
    pub unapplied_rules: Vec<usize>,
    /// The sales and commissions that were not checked, and why.
    pub unchecked: Vec<Unchecked>,
    /// `true` if neither side has anything, on any day.
    pub is_empty: bool,
    /// The difference that the findings explain, by currency or unit: all of it. The program checks
    /// that it is the same as in the totals.
    pub explained_cents: BTreeMap<String, i128>,
}

impl Audit {
    /// Returns `true` if no commission could be checked: of none the rate is known, all are bonuses or not money, or there
    /// are none and nobody knows whether there should be; also if there is nothing on either side in the period.
    pub(crate) fn is_unchecked(&self) -> bool {
        let of = |reason| {
            let mut all = self.unchecked.iter();
            all.find(|one| one.reason == reason)
                .map_or(0, |one| one.count)
        };
        let figures = self.totals.in_all.values();
        let commissions: u64 = figures.map(|figures| figures.commissions).sum();
        let figures = self.totals.in_all.values();
        let billed: u64 = figures.map(|own| own.sales + own.refunds).sum();
        let unchecked: u64 = [
            UncheckedReason::RateUnknown,
            UncheckedReason::RuleCurrency,
            UncheckedReason::ByHand,
            UncheckedReason::NotMoney,
            UncheckedReason::OtherCurrency,
            UncheckedReason::EventHeld,
        ]
        .map(of)
        .iter()
        .sum();
        if !self.findings.is_empty() {
            false
        } else if commissions == 0 {
            self.is_empty || billed == 0 || of(UncheckedReason::CustomerUnknown) > 0
        } else {
            unchecked >= commissions
        }
    }
}

/// A rate that nobody declared: that which explains most of the commissions of a promoter and a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InferredRate {
    /// The promoter whose commissions they are; absent if those of all promoters were taken together.
    pub promoter: Option<String>,
    /// The plan; absent where those of all plans were taken together, or none is known.
    pub plan: Option<String>,
    /// The campaign, likewise.
    pub campaign: Option<String>,
    /// The tier.
    pub tier: u32,
    /// The rate in percent, as decimal text: `20`, `12.5`; or a fixed amount.
    pub rate: String,
    /// The number of commissions that have it.
    pub explained: u64,
    /// The number of commissions from which it was inferred.
    pub commissions: u64,
}

/// Writes what has a word or a date as text, and nothing where it is absent.
fn shown<T: Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests;
