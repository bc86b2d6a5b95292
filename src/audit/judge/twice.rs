//! Judges second commissions of a sale, with the reversals that take them back; also those that were made anew, for
//! another promoter or with another amount, and corrections by hand.

use super::{Case, CommissionGroup, Judge, PairFinding, index, sale_of_running_total};
use crate::audit::FindingKind;

impl Judge<'_> {
    /// Reports a second commission of a sale, unless it was taken back as a whole.
    pub(super) fn twice(
        &mut self,
        case: &Case<'_>,
        group: &CommissionGroup<'_>,
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

    /// Returns the commissions of a sale that were taken back by hand as a whole, and these reversals, while another
    /// one of its tier stands: moved to another promoter, or made anew with another amount. Together they are nothing.
    pub(super) fn made_anew(&mut self, case: &Case<'_>) -> Vec<u32> {
        let Some(sale) = case.sale.filter(|_| case.commissions.len() > 2) else {
            return Vec::new();
        };
        let by_hand = self.backs_by_hand(case, sale, case.commissions);
        let mut undone = Vec::new();
        for back in by_hand {
            let theirs = *self.theirs(back);
            let is_of_tier = |row: &u32| {
                let own = self.theirs(*row);
                let is_open = own.is_live() && !self.is_reversal(*row) && !undone.contains(row);
                is_open && own.tier == theirs.tier && own.unit == theirs.unit
            };
            let earned: Vec<u32> = case
                .commissions
                .iter()
                .copied()
                .filter(is_of_tier)
                .collect();
            let is_undone = |row: &u32| {
                let own = self.theirs(*row);
                own.promoter == theirs.promoter && own.amount_cents == -theirs.amount_cents
            };
            let Some(row) = earned.iter().copied().find(is_undone) else {
                continue;
            };
            if earned.len() > 1 {
                self.paid_twice(sale, row, &[back]);
                undone.extend([row, back]);
            }
        }
        undone
    }

    /// Returns the reversals by hand that correct the only commission of a sale to what is due.
    pub(super) fn corrections_of(
        &mut self,
        case: &Case<'_>,
        group: &CommissionGroup<'_>,
    ) -> Vec<u32> {
        let earned = self.live(group.earned).into_owned();
        let (Some(sale), [only]) = (case.sale, earned.as_slice()) else {
            return Vec::new();
        };
        let only = *only;
        let promoter = self.theirs(only).promoter;
        let mut backs = self.backs_by_hand(case, sale, group.taken);
        backs.retain(|row| self.theirs(*row).promoter == promoter);
        if backs.is_empty() {
            return backs;
        }
        let net_cents = self.theirs(only).amount_cents + self.sum(&backs);
        match self.due(group, sale, only, 0) {
            Some(due) if due.cents == net_cents => backs,
            _ => Vec::new(),
        }
    }

    /// Returns the reversals that somebody made by hand: they name the sale itself, and no refund needs them.
    fn backs_by_hand(&self, case: &Case<'_>, sale: u32, rows: &[u32]) -> Vec<u32> {
        let is_back = |row: &u32| self.theirs(*row).is_live() && self.is_reversal(*row);
        let backs = || rows.iter().copied().filter(is_back);
        let has_own = |refund: &u32| backs().any(|row| self.matched(row) == Some(*refund));
        if self.ours(sale).is_dispute || !case.refunds.iter().all(has_own) {
            return Vec::new();
        }
        let is_by_hand = |row: &u32| {
            let id = self.books.commissions.event_id.get(index(*row));
            let is_total = id.is_some_and(|id| sale_of_running_total(id).is_some());
            self.matched(*row) == Some(sale) && !is_total
        };
        backs().filter(is_by_hand).collect()
    }

    /// Returns the reversals that take a second commission back: all of its promoter, if the commissions that stand are
    /// of others; else one of the same amount that no refund needs.
    fn reversals_of_extra(
        &self,
        case: &Case<'_>,
        group: &CommissionGroup<'_>,
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
        let same: Vec<u32> = own
            .filter(|back| self.theirs(**back).amount_cents == -theirs.amount_cents)
            .copied()
            .collect();
        let needed = usize::from(!case.refunds.is_empty());
        same.get(needed).copied().into_iter().collect()
    }
}
