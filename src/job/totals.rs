//! Adds up the amount column of each export over all its rows, so that a person can compare it with
//! the provider's own page before anything is sent.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::classify::RowAmount;
use crate::event::{Currency, Kind};

/// Names a group of rows of an export with the same result, in the order in which the groups are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "rows_of", content = "is", rename_all = "snake_case")]
pub enum RowsOf {
    /// Rows with events, by the kind of the first one.
    Event(Kind),
    /// Rows that are not events, by the reason.
    Ignored(String),
    /// Rows that can't be read.
    Rejected,
}

/// Holds the sums of a group of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RowTotals {
    /// Number of rows.
    pub rows: u64,
    /// The amounts of these rows added up, in minor units by currency, with the signs of the export.
    pub amount_cents: BTreeMap<Currency, i128>,
    /// Rows in which the amount can't be read; they are not in the sums.
    pub unreadable: u64,
}

impl RowTotals {
    fn add(&mut self, other: &RowTotals) {
        self.rows += other.rows;
        self.unreadable += other.unreadable;
        for (currency, cents) in &other.amount_cents {
            *self.amount_cents.entry(*currency).or_default() += cents;
        }
    }
}

/// Holds the sums of the amount column of one export, for each group of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExportTotals {
    /// The header of the column that is added up; `None` if the export has none.
    pub column: Option<String>,
    /// The sums of each group of rows.
    #[serde(serialize_with = "as_list")]
    pub groups: BTreeMap<RowsOf, RowTotals>,
}

impl ExportTotals {
    /// Adds a row.
    pub(super) fn add(&mut self, group: RowsOf, amount: RowAmount) {
        let totals = self.groups.entry(group).or_default();
        totals.rows += 1;
        match amount {
            RowAmount::Missing => {}
            RowAmount::Unreadable => totals.unreadable += 1,
            RowAmount::Read(money) => {
                *totals.amount_cents.entry(money.currency).or_default() +=
                    i128::from(money.amount_cents);
            }
        }
    }

    /// Adds the rows of other totals, each to its group.
    pub(super) fn merge(&mut self, other: &ExportTotals) {
        for (group, totals) in &other.groups {
            self.groups.entry(group.clone()).or_default().add(totals);
        }
    }

    /// Adds the rows of other totals as rejected ones.
    pub(super) fn add_rejected(&mut self, other: &ExportTotals) {
        let rejected = self.groups.entry(RowsOf::Rejected).or_default();
        rejected.add(&other.whole());
    }

    /// Returns what all rows come to.
    pub fn whole(&self) -> RowTotals {
        let mut whole = RowTotals::default();
        for totals in self.groups.values() {
            whole.add(totals);
        }
        whole
    }
}

/// Writes the groups as a list, since their names are not texts.
fn as_list<S: serde::Serializer>(
    groups: &BTreeMap<RowsOf, RowTotals>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct GroupLine<'t> {
        #[serde(flatten)]
        group: &'t RowsOf,
        #[serde(flatten)]
        totals: &'t RowTotals,
    }
    serializer.collect_seq(
        groups
            .iter()
            .map(|(group, totals)| GroupLine { group, totals }),
    )
}
