//! Judges second commissions of a sale, with the reversals that take them back.

use super::{Case, Group, Judge, PairFinding};
use crate::audit::FindingKind;

impl Judge<'_> {
    /// Reports a second commission of a sale, unless it was taken back as a whole.
    pub(super) fn twice(
        &mut self,
        case: &Case<'_>,
        group: &Group<'_>,
        sale: u32,
        kept: &[u32],
        row: u32,
    ) {
        let theirs = *self.theirs(row);
        let back = self.reversals_of_extra(case, group, kept, row);
        let left_cents = theirs.amount_cents.saturating_add(self.sum(&back));
        let first = back.first().copied();
        self.of_extra.extend(&back);
        let name = self.commission_name(kept[0]);
        let mut message = format!("duplicate: commission {name} already exists for this sale");
        let mut kind = FindingKind::CommissionTwice;
        match (left_cents, first) {
            (0, Some(_)) => return self.paid_twice(sale, row, &back),
            (left_cents, Some(_)) if left_cents < 0 => {
                kind = FindingKind::TakenBackTooMuch;
                message += ", and more of it was reversed than there was";
            }
            (_, Some(_)) => {
                let left = self.money(left_cents, theirs.unit);
                message += &format!("; {left} of it is not reversed");
            }
            (_, None) => {}
        }
        self.push(PairFinding {
            kind,
            ours: sale,
            theirs: row,
            difference_cents: left_cents,
            concerned_cents: 0,
            expected_cents: Some(0),
            message,
        });
    }

    /// Reports a second commission that was paid out, while the reversal of it is open.
    fn paid_twice(&mut self, sale: u32, row: u32, back: &[u32]) {
        let is_open = |row: &u32| self.theirs(*row).is_paid != Some(true);
        let open: Vec<u32> = back.iter().copied().filter(is_open).collect();
        let Some(first) = open.first().copied() else {
            return;
        };
        if self.theirs(row).is_paid != Some(true) {
            return;
        }
        let cents = self.sum(&open).saturating_neg();
        let message = format!(
            "a second commission was paid out, and {} of it is still to come back",
            self.money(cents, self.theirs(row).unit)
        );
        self.push(PairFinding {
            kind: FindingKind::PaidBeforeRefund,
            ours: sale,
            theirs: first,
            difference_cents: 0,
            concerned_cents: cents,
            expected_cents: None,
            message,
        });
    }

    /// Returns the reversals that take a second commission back: all of its promoter, if the commissions that stand are
    /// of others; else one of the same amount that no refund needs.
    fn reversals_of_extra(
        &self,
        case: &Case<'_>,
        group: &Group<'_>,
        kept: &[u32],
        row: u32,
    ) -> Vec<u32> {
        let theirs = self.theirs(row);
        let live = self.live(group.taken);
        let free = live.iter().filter(|back| !self.of_extra.contains(back));
        let own = free.filter(|back| self.theirs(**back).promoter == theirs.promoter);
        let has_kept = |promoter| {
            let mut kept = kept.iter();
            kept.any(|row| self.theirs(*row).promoter == promoter)
        };
        if !has_kept(theirs.promoter) {
            return own.copied().collect();
        }
        let same = own.filter(|back| self.theirs(**back).amount_cents == -theirs.amount_cents);
        let same: Vec<u32> = same.copied().collect();
        let needed = usize::from(!case.refunds.is_empty());
        same.get(needed).copied().into_iter().collect()
    }
}
