//! Selects the cases and commissions that belong to the period of an audit.
//!
//! Everything is read and learned from, whatever the period: it only selects what is judged and added
//! up. So each finding of an audit of all days is a finding of exactly one month.

use std::collections::HashMap;

use jiff::tz::TimeZone;

use super::books::{AuditData, Code, OurRow, day_of};
use super::grouped::{Grouped, index};
use super::matching::Matching;
use super::{PeriodBy, ZonedPeriod};

/// Commissions that belong to nothing of ours; those of one event together.
pub(super) struct UnmatchedCommissions {
    /// Rows of commissions that are to be paid, each group in its order.
    pub(super) groups: Vec<Vec<u32>>,
}

impl UnmatchedCommissions {
    pub(super) fn new(books: &AuditData, matching: &Matching) -> UnmatchedCommissions {
        let mut groups: Vec<Vec<u32>> = Vec::new();
        let mut places: HashMap<(&str, bool, Code), usize> = HashMap::new();
        for (row, billed) in (0..).zip(&matching.billed) {
            let theirs = &books.theirs[index(row)];
            if billed.is_some() || !theirs.is_live() || theirs.is_by_hand {
                continue;
            }
            let event_id = books.commissions.event_id.get(index(row));
            let key = event_id.map(|id| (id, theirs.is_reversal(), theirs.unit));
            let place = match key {
                Some(key) => *places.entry(key).or_insert(groups.len()),
                None => groups.len(),
            };
            match groups.get_mut(place) {
                Some(group) => group.push(row),
                None => groups.push(vec![row]),
            }
        }
        for group in &mut groups {
            group.sort_by(|one, other| books.in_order(*one, *other));
        }
        UnmatchedCommissions { groups }
    }
}

/// The cases and commissions of the period. Without a period it holds nothing, and all belong to it.
pub(super) struct Selection {
    parts: Option<PeriodParts>,
}

struct PeriodParts {
    /// `true` for cases of the period, by the row of the case.
    cases: Vec<bool>,
    /// `true` for commissions of the period, by the row of the commission.
    commissions: Vec<bool>,
    /// Rows of commissions, and of sales and refunds, that no date says the month of.
    undated: Vec<u32>,
    undated_billed: Vec<u32>,
}

impl Selection {
    /// A case belongs to the day of its sale (its date, or the start of the run that recorded it), whenever
    /// its refunds and commissions came; without a sale to the day of the first refund, else of the first
    /// commission. Commissions that belong to nothing of ours go by their own days, those of one event by
    /// the first.
    pub(super) fn new(
        books: &AuditData,
        matching: &Matching,
        commissions: &Grouped,
        unmatched: &UnmatchedCommissions,
        ZonedPeriod { period, zone }: ZonedPeriod<'_>,
    ) -> Selection {
        if period.is_open() {
            return Selection { parts: None };
        }
        let is_in = |ms: i64, zone: &TimeZone| {
            let day = day_of(Some(ms), zone);
            day.is_some_and(|day| period.holds(day))
        };
        let holds = |ms: i64| is_in(ms, zone);
        let (date_of_ours, zone_of_ours): (DateOf, _) = match period.by {
            PeriodBy::SaleDate => (OurRow::created, zone),
            PeriodBy::RunDate => (OurRow::recorded, &TimeZone::UTC),
        };
        let mut parts = PeriodParts {
            cases: vec![false; books.ours.len()],
            commissions: vec![false; books.theirs.len()],
            undated: Vec::new(),
            undated_billed: Vec::new(),
        };
        let first_refunds = first_refunds(books, matching, date_of_ours);
        for (row, case) in (0..).zip(&matching.case) {
            if *case != row {
                continue;
            }
            let ours = &books.ours[index(row)];
            let rows = commissions.rows(index(row));
            let own = date_of_ours(ours).filter(|_| !ours.is_refund);
            let is_of_period = match own.or(first_refunds.get(&row).copied()) {
                Some(ms) => Some(is_in(ms, zone_of_ours)),
                None => first_date(books, rows).map(holds),
            };
            match is_of_period {
                Some(true) => {
                    parts.cases[index(row)] = true;
                    rows.iter()
                        .for_each(|row| parts.commissions[index(*row)] = true);
                }
                Some(false) => {}
                None => {
                    parts.undated_billed.push(row);
                    parts.undated.extend(rows);
                }
            }
        }
        parts.select_unmatched(books, matching, unmatched, holds);
        Selection { parts: Some(parts) }
    }

    /// Returns `true` if a case, by its row, is judged.
    pub(super) fn has_case(&self, case: u32) -> bool {
        let parts = self.parts.as_ref();
        parts.is_none_or(|parts| parts.cases.get(index(case)) == Some(&true))
    }

    /// Returns `true` if a commission, by its row, is judged.
    pub(super) fn has_commission(&self, row: u32) -> bool {
        let parts = self.parts.as_ref();
        parts.is_none_or(|parts| parts.commissions.get(index(row)) == Some(&true))
    }

    /// Rows of commissions, and of sales or refunds, that are in no period because they have no date.
    pub(super) fn undated(&self) -> (&[u32], &[u32]) {
        self.parts
            .as_ref()
            .map_or((&[], &[]), |parts| (&parts.undated, &parts.undated_billed))
    }
}

/// Returns the date of the first of some commissions.
fn first_date(books: &AuditData, rows: &[u32]) -> Option<i64> {
    let dates = rows
        .iter()
        .filter_map(|row| books.theirs[index(*row)].created_ms);
    dates.min()
}

/// A function that returns the date by which a sale or refund of ours belongs to a period, in milliseconds.
type DateOf = fn(&OurRow) -> Option<i64>;

/// Returns the date of the first refund of each case, by the row of the case.
fn first_refunds(books: &AuditData, matching: &Matching, date_of: DateOf) -> HashMap<u32, i64> {
    let mut first_refunds: HashMap<u32, i64> = HashMap::new();
    let refunds = books.ours.iter().zip(&matching.case);
    for (ours, case) in refunds.filter(|(ours, _)| ours.is_refund) {
        if let Some(ms) = date_of(ours) {
            let first = first_refunds.entry(*case).or_insert(ms);
            *first = ms.min(*first);
        }
    }
    first_refunds
}

impl PeriodParts {
    fn select_unmatched(
        &mut self,
        books: &AuditData,
        matching: &Matching,
        unmatched: &UnmatchedCommissions,
        holds: impl Fn(i64) -> bool,
    ) {
        let mut select = |rows: &[u32], commissions: &mut Vec<bool>| match first_date(books, rows) {
            Some(ms) if holds(ms) => {
                rows.iter().for_each(|row| commissions[index(*row)] = true);
            }
            Some(_) => {}
            None => self.undated.extend(rows),
        };
        for group in &unmatched.groups {
            select(group, &mut self.commissions);
        }
        for (row, billed) in (0..).zip(&matching.billed) {
            let theirs = &books.theirs[index(row)];
            if billed.is_none() && (!theirs.is_live() || theirs.is_by_hand) {
                select(&[row], &mut self.commissions);
            }
        }
    }
}
