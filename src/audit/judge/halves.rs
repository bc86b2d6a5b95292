//! Judges the halves of split commissions that were denied, while the others stand or all were denied.

use std::collections::HashSet;

use super::sale::is_near;
use super::{Case, CommissionGroup, Judge, PairFinding};
use crate::audit::FindingKind;
use crate::audit::books::Code;

impl Judge<'_> {
    /// Returns the denied commissions that are parts of the sale's beside those that stand: of other promoters, and
    /// without which the sale has earned too little.
    pub(super) fn denied_halves(
        &mut self,
        group: &CommissionGroup<'_>,
        sale: u32,
        kept: &[u32],
        lead: Code,
    ) -> Vec<u32> {
        let denied: Vec<u32> = group
            .earned
            .iter()
            .copied()
            .filter(|row| !self.theirs(*row).is_live())
            .collect();
        let Some(first) = kept.first().or(denied.first()).copied() else {
            return Vec::new();
        };
        let all = || kept.iter().chain(&denied);
        let mut seen = HashSet::new();
        if denied.is_empty() || !all().all(|row| seen.insert(self.theirs(*row).promoter)) {
            return Vec::new();
        }
        let due = self.due(group, sale, first, lead).map(|due| due.cents);
        let stands_cents = self.sum(kept);
        if due.is_some_and(|due| stands_cents >= due || is_near(stands_cents, due, kept.len())) {
            return Vec::new();
        }
        let all_cents = stands_cents.saturating_add(self.sum(&denied));
        let adds_up = due.is_some_and(|due| is_near(all_cents, due, seen.len()));
        let is_said = |said: Option<bool>| all().all(|row| self.theirs(*row).is_split == said);
        let is_split = is_said(Some(true)) && (adds_up || due.is_none() || !kept.is_empty());
        if is_split || (is_said(None) && adds_up && seen.len() > 1) {
            denied
        } else {
            Vec::new()
        }
    }

    /// Reports the denied halves of a split commission. Returns what those of them come to that refunds have reversed
    /// as well.
    pub(super) fn halves(
        &mut self,
        case: &Case<'_>,
        group: &CommissionGroup<'_>,
        sale: u32,
        halves: &[u32],
    ) -> i64 {
        let stands = self.has_unrefunded_part(case, sale);
        let mut again_cents: i64 = 0;
        for row in halves.iter().copied() {
            let theirs = *self.theirs(row);
            let is_his = |row: &u32| self.theirs(*row).promoter == theirs.promoter;
            let is_reversed = self.live(group.taken).iter().any(is_his);
            let left_cents = if is_reversed {
                self.add_part(theirs.promoter, theirs.amount_cents);
                again_cents = again_cents.saturating_add(theirs.amount_cents);
                theirs.amount_cents
            } else {
                self.without_refunds(case, sale, theirs.amount_cents)
            };
            if left_cents == 0 {
                continue;
            }
            let (kind, message) = if stands {
                (
                    FindingKind::Denied,
                    "the sale was not fully refunded, and a part of its commission was denied",
                )
            } else {
                (
                    FindingKind::TakenBackTooMuch,
                    "a part of the commission was denied, and the refund reversed it as well",
                )
            };
            self.push(PairFinding {
                kind,
                ours: sale,
                theirs: row,
                difference_cents: -left_cents,
                concerned_cents: 0,
                expected_cents: Some(left_cents),
                message: message.to_owned(),
            });
            self.expect(row, theirs.promoter, Some(sale), left_cents);
        }
        again_cents
    }
}
