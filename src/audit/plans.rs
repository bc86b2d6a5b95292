//! Finds the commissions whose plan is only that of their customer by now: version 1 has one plan for each lead. It is taken
//! for that of the customer's last sale; what was sold before may have been another one.

use std::collections::{HashMap, HashSet};

use super::books::AuditData;
use super::grouped::index;
use super::matching::Matching;

/// The commissions whose plan nobody knows, by their rows.
#[derive(Default)]
pub(super) struct GuessedPlans {
    rows: HashSet<u32>,
}

impl GuessedPlans {
    pub(super) fn new(books: &AuditData, matching: &Matching) -> Self {
        if !books.theirs.iter().any(|theirs| theirs.is_plan_of_lead) {
            return GuessedPlans::default();
        }
        let customer = |row: usize| {
            let (uid, email) = (&books.billed.uid, &books.billed.email);
            uid.get(row).or(email.get(row))
        };
        let mut last: HashMap<&str, i64> = HashMap::new();
        for (row, ours) in books.ours.iter().enumerate() {
            let sale = ours.created_ms.filter(|_| !ours.is_refund);
            if let Some((customer, ms)) = customer(row).zip(sale) {
                let known = last.entry(customer).or_insert(ms);
                *known = ms.max(*known);
            }
        }
        let is_guess = |(theirs, billed): (u32, Option<u32>)| {
            let row = index(billed?);
            let ours = &books.ours[row];
            let is_of_lead = books.theirs[index(theirs)].is_plan_of_lead && ours.plan == 0;
            let last = last.get(customer(row)?)?;
            (is_of_lead && ours.created_ms? < *last).then_some(theirs)
        };
        let matched = (0..).zip(&matching.billed);
        let matched = matched.map(|(row, billed)| (row, billed.map(|(billed, _)| billed)));
        GuessedPlans {
            rows: matched.filter_map(is_guess).collect(),
        }
    }

    /// Returns `true` if nobody knows the plan of a commission, by its row.
    pub(super) fn has(&self, row: u32) -> bool {
        self.rows.contains(&row)
    }
}
