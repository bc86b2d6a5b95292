//! Judges commissions that were denied after they had been paid out: the money has left, and has to come back.

use std::collections::HashSet;

use super::{FindingDraft, Judge};
use crate::audit::FindingKind;

impl Judge<'_> {
    /// Reports what was paid out and is denied. `said` are the commissions that a finding is about already.
    pub(super) fn denied_and_paid(&mut self, said: &HashSet<u32>) {
        for (row, billed) in (0..).zip(&self.matching.billed) {
            let theirs = *self.theirs(row);
            let is_paid = !theirs.is_live() && theirs.is_paid == Some(true);
            let is_open = is_paid && theirs.amount_cents > 0 && !said.contains(&row);
            if !is_open || !self.selection.has_commission(row) {
                continue;
            }
            let message = format!(
                "the commission is denied, and was paid out: {} of it is still to come back",
                self.money(theirs.amount_cents, theirs.unit)
            );
            self.drafts.push(FindingDraft {
                kind: FindingKind::PaidBeforeRefund,
                difference_cents: 0,
                concerned_cents: theirs.amount_cents,
                unit: theirs.unit,
                ours: billed.map(|(row, _)| row),
                theirs: Some(row),
                matched_by: self.reason(row),
                expected_cents: None,
                message,
                because: String::new(),
            });
        }
    }
}
