//! Judges the commissions that refunds reverse, by what their sale has earned.

use std::collections::BTreeMap;

use super::due::is_near_rate;
use super::sale::is_near;
use super::{
    Case, CommissionGroup, EarnedCommission, FindingDraft, Judge, PairFinding, Undone, index,
    sale_of_running_total,
};
use crate::audit::books::Code;
use crate::audit::expected::TermsKey;
use crate::audit::rules::CommissionRate;
use crate::audit::unchecked::UncheckedReason;
use crate::audit::{FindingKind, Status};
use crate::journal::Outcome;

/// The commission that refunds should reverse, as negative amounts.
#[derive(Clone, Copy)]
struct Back {
    /// The part of what the sale should have earned.
    due_cents: i64,
    /// The part of what it has in fact earned.
    actual_cents: i64,
}

/// What was reversed and what should be, as negative amounts.
#[derive(Clone, Copy)]
struct ReversalAmounts {
    actual: i64,
    due: i64,
    /// `true` if nobody has the commission.
    is_missing: bool,
}

/// Refunds with the reversals of them: one refund, or those that can't be told apart.
#[derive(Clone, Copy)]
struct Reversed<'r> {
    refunds: &'r [u32],
    own: &'r [u32],
}

impl Judge<'_> {
    /// Judges what refunds reverse in one tier.
    pub(super) fn judge_reversals(
        &mut self,
        case: &Case<'_>,
        group: &CommissionGroup<'_>,
        kept: Option<EarnedCommission>,
    ) {
        let live: Vec<u32> = self
            .live(group.taken)
            .into_owned()
            .into_iter()
            .filter(|row| !self.of_extra.contains(row))
            .collect();
        let is_loose = |row: &u32| {
            let matched = self.matched(*row);
            !case.refunds.iter().any(|refund| Some(*refund) == matched)
        };
        let (loose, matched): (Vec<u32>, Vec<u32>) = live.iter().partition(|row| is_loose(row));
        self.undone.is_rest_far = kept.is_some_and(|kept| self.is_rest_far(case, kept, &matched));
        let mut open = case.refunds.to_vec();
        if let Some(sale) = case.sale
            && self.ours(sale).is_dispute
            && self.rest_of(case, sale) > 0
        {
            open.push(sale);
        }
        let is_one_total = self.is_one_total(case, kept, &open, &matched);
        if loose.is_empty() && !is_one_total {
            for refund in open {
                let is_for = |row: &u32| self.matched(*row) == Some(refund);
                let own: Vec<u32> = matched.iter().copied().filter(is_for).collect();
                // A sale that has earned nothing has nothing to reverse.
                if kept.is_some() || !own.is_empty() {
                    let reversed = Reversed {
                        refunds: &[refund],
                        own: &own,
                    };
                    self.judge_refunds(case, group, kept, reversed);
                }
            }
        } else if open.is_empty() {
            for row in loose {
                let amount_cents = self.theirs(row).amount_cents;
                let message = "more was reversed than was refunded".to_owned();
                let billed = self.matched(row).or(case.sale).unwrap_or_default();
                let kind = FindingKind::TakenBackTooMuch;
                self.push(PairFinding {
                    kind,
                    ours: billed,
                    theirs: row,
                    difference_cents: amount_cents,
                    concerned_cents: 0,
                    expected_cents: Some(0),
                    message,
                });
            }
        } else {
            // One running total here may be several there: only their sum can be compared.
            let all: Vec<u32> = loose.into_iter().chain(matched).collect();
            let reversed = Reversed {
                refunds: &open,
                own: &all,
            };
            self.judge_refunds(case, group, kept, reversed);
        }
        self.rounded();
        if kept.is_some_and(|kept| !kept.is_missing) && !group.taken.is_empty() {
            self.reversed_of_another(case, group, kept);
            self.half_approved(case, group);
        }
    }

    /// Returns `true` if some running totals of a sale have no reversal, and those of the others come to what all undo: the
    /// list may have read a later total only.
    fn is_one_total(
        &self,
        case: &Case<'_>,
        kept: Option<EarnedCommission>,
        open: &[u32],
        matched: &[u32],
    ) -> bool {
        let is_for = |refund: &u32| {
            matched
                .iter()
                .any(|row| self.matched(*row) == Some(*refund))
        };
        let is_total = |refund: &u32| {
            let id = self.books.billed.event_id.get(index(*refund));
            id.is_some_and(|id| sale_of_running_total(id).is_some())
        };
        let Some(kept) = kept.filter(|_| !matched.is_empty() && !open.iter().all(is_for)) else {
            return false;
        };
        let due_cents = self.refunded_share(case, kept);
        let lines = matched.len() + open.len();
        open.iter().all(is_total) && is_near(-self.sum(matched), due_cents, lines)
    }

    /// Reports a reversal that takes more from a promoter than the sale has brought him, while another one keeps it.
    fn reversed_of_another(
        &mut self,
        case: &Case<'_>,
        group: &CommissionGroup<'_>,
        kept: Option<EarnedCommission>,
    ) {
        if self.parts.len() > 1 {
            let due = kept.map_or(0, |kept| self.refunded_share(case, kept));
            return self.reversed_unevenly(case, group, -due);
        }
        let (earned, taken) = (self.live(group.earned), self.live(group.taken));
        let left = self.by_promoter(earned.iter().chain(taken.iter()));
        let all = sum(left.values());
        if all < 0 || left.contains_key(&0) {
            return;
        }
        let Some((_, keeper)) = left.iter().map(|(code, cents)| (*cents, *code)).max() else {
            return;
        };
        for (promoter, cents) in left.into_iter().filter(|(_, cents)| *cents < 0) {
            let is_his = |row: &&u32| self.theirs(**row).promoter == promoter;
            let Some(row) = taken.iter().find(is_his).copied() else {
                continue;
            };
            let billed = self.matched(row).or(case.sale).unwrap_or_default();
            let message = format!(
                "the reversal is taken from `{}`, and `{}` keeps the commission",
                self.promoter_name(promoter),
                self.promoter_name(keeper)
            );
            let place = self.push(PairFinding {
                kind: FindingKind::WrongPromoter,
                ours: billed,
                theirs: row,
                difference_cents: 0,
                concerned_cents: -cents,
                expected_cents: None,
                message,
            });
            self.because(place, self.promoter_name(keeper));
        }
    }

    /// Returns the part of an amount that each promoter of a split commission has; nothing where it is not split.
    fn by_parts(&self, cents: i64) -> Vec<(Code, i64)> {
        let whole = sum(self.parts.iter().map(|(_, cents)| cents));
        let is_split = self.parts.len() > 1 && self.parts.iter().all(|(_, cents)| *cents >= 0);
        if !is_split || whole <= 0 {
            return Vec::new();
        }
        let share = |(promoter, part): &(Code, i64)| {
            let share = self.terms.share(cents.saturating_abs(), *part, whole);
            (*promoter, share.saturating_mul(cents.signum()))
        };
        let mut shares: Vec<(Code, i64)> = self.parts.iter().map(share).collect();
        let rest = cents.saturating_sub(sum(shares.iter().map(|(_, cents)| cents)));
        if let Some((_, last)) = shares.last_mut() {
            *last = last.saturating_add(rest);
        }
        shares
    }

    /// Returns what some commissions and reversals come to for each promoter.
    fn by_promoter<'r>(&self, rows: impl IntoIterator<Item = &'r u32>) -> BTreeMap<Code, i64> {
        let mut sums: BTreeMap<Code, i64> = BTreeMap::new();
        for row in rows {
            let theirs = self.theirs(*row);
            let sum = sums.entry(theirs.promoter).or_default();
            *sum = sum.saturating_add(theirs.amount_cents);
        }
        sums
    }

    /// Returns the part of a sale's commission that belongs to what was refunded of it.
    fn refunded_share(&self, case: &Case<'_>, kept: EarnedCommission) -> i64 {
        let whole = case.sale.map_or(0, |sale| self.ours(sale).amount_cents);
        let rest = case.sale.map_or(0, |sale| self.rest_of(case, sale).max(0));
        if whole <= 0 {
            return 0;
        }
        self.terms.share(kept.actual_cents, whole - rest, whole)
    }

    /// Reports reversals of a split commission that take more from a promoter than his part of what should be reversed,
    /// or of what was.
    fn reversed_unevenly(&mut self, case: &Case<'_>, group: &CommissionGroup<'_>, due: i64) {
        let taken = self.live(group.taken).into_owned();
        let from = self.by_promoter(&taken);
        if from.contains_key(&0) {
            return;
        }
        let parts: BTreeMap<Code, i64> = self
            .by_parts(sum(from.values()).min(due))
            .into_iter()
            .collect();
        if parts.is_empty() {
            return;
        }
        for (promoter, cents) in from {
            let part = parts.get(&promoter).copied().unwrap_or(0);
            let is_his = |row: &&u32| self.theirs(**row).promoter == promoter;
            let first = taken.iter().find(is_his).copied();
            let (Some(row), false) = (
                first,
                cents >= part || is_near(cents, part, taken.len() + 1),
            ) else {
                continue;
            };
            let unit = self.theirs(row).unit;
            let message = format!(
                "the reversal takes {} from `{}`, whose part of it is {}",
                self.money(-cents, unit),
                self.promoter_name(promoter),
                self.money(-part, unit)
            );
            let billed = self.matched(row).or(case.sale).unwrap_or_default();
            self.push(PairFinding {
                kind: FindingKind::WrongPromoter,
                ours: billed,
                theirs: row,
                difference_cents: 0,
                concerned_cents: part.saturating_sub(cents),
                expected_cents: None,
                message,
            });
        }
    }

    /// Adds the expected reversal of a refund: from each promoter his part, as it was rounded there.
    fn expect_back(&mut self, main: u32, promoter: Code, refund: u32, own: &[u32], cents: i64) {
        let parts = self.by_parts(cents);
        if parts.is_empty() {
            return self.expect(main, promoter, Some(refund), cents);
        }
        let from = self.by_promoter(own);
        let actual = |promoter: &Code| from.get(promoter).copied().unwrap_or(0);
        let is_right = sum(from.values()) == cents
            && parts
                .iter()
                .all(|(promoter, part)| is_near(actual(promoter), *part, own.len() + 1));
        for (promoter, part) in parts {
            let cents = if is_right { actual(&promoter) } else { part };
            let is_his = |row: &&u32| self.theirs(**row).promoter == promoter;
            let row = own.iter().find(is_his).copied().unwrap_or(main);
            self.expect(row, promoter, Some(refund), cents);
        }
    }

    fn has_approved(&self, rows: &[u32]) -> bool {
        let mut rows = rows.iter().map(|row| self.theirs(*row));
        rows.any(|theirs| theirs.status == Status::Approved)
    }

    /// Reports a commission and its reversal of which only one is approved.
    fn half_approved(&mut self, case: &Case<'_>, group: &CommissionGroup<'_>) {
        let (earned, taken) = (self.live(group.earned), self.live(group.taken));
        let first = taken.first().copied();
        let refund = first.and_then(|row| self.matched(row)).or(case.sale);
        if self.has_approved(&earned)
            && let Some(billed) = refund
        {
            let message = "its commission is approved, and the reversal of it is not";
            self.not_approved(billed, &taken, message);
        }
        if self.has_approved(&taken)
            && let Some(sale) = case.sale
            && !self.has_unrefunded_part(case, sale)
        {
            let message = "its reversal is approved, and the commission itself is not";
            self.not_approved(sale, &earned, message);
        }
    }

    /// Returns the part of a sale that was not refunded yet.
    fn rest_of(&self, case: &Case<'_>, sale: u32) -> i64 {
        let refunds = case.refunds.iter().map(|row| self.ours(*row).amount_cents);
        refunds.fold(self.ours(sale).amount_cents, i64::saturating_sub)
    }

    /// Returns the amount of a refund and that of its sale: ours, in the same currency.
    fn part(&self, case: &Case<'_>, refund: u32) -> (i64, Option<i64>) {
        if case.sale == Some(refund) {
            let whole = self.ours(refund).amount_cents;
            return (self.rest_of(case, refund), Some(whole));
        }
        let whole = case.sale.map(|sale| self.ours(sale).amount_cents);
        (self.ours(refund).amount_cents, whole)
    }

    /// Returns what refunds should reverse of a sale that has earned something: each its part of the commission, rounded
    /// by itself, and that which completes them what is left. So they undo the commission to the cent.
    fn back_of_sale(
        &mut self,
        case: &Case<'_>,
        kept: EarnedCommission,
        Reversed { refunds, own }: Reversed<'_>,
    ) -> Option<Back> {
        let first = *refunds.first()?;
        let parts = refunds.iter().map(|refund| self.part(case, *refund).0);
        let part_cents = parts.fold(0, i64::saturating_add);
        let theirs = kept.main.and_then(|main| self.theirs(main).sale_cents);
        let (_, whole) = self.part(case, first);
        let whole = whole.or(theirs.map(i64::saturating_abs))?;
        let before = self.undone;
        let to_cents = before.part_cents.saturating_add(part_cents).min(whole);
        if whole <= 0 {
            return None;
        }
        let reported_cents = match refunds {
            [refund] if to_cents < whole && !before.is_rest_far => {
                self.converted(kept, *refund, own)
            }
            _ => None,
        };
        let own_cents = to_cents - before.part_cents;
        let up_to = |before: i64, cents: i64| {
            if to_cents < whole {
                cents.min(before + self.earned_by(case, kept, cents, own_cents, whole))
            } else {
                cents
            }
        };
        let (due_cents, actual_cents) = match reported_cents {
            Some(cents) => (
                before.due_cents.saturating_add(cents),
                before.actual_cents.saturating_add(cents),
            ),
            None => (
                up_to(before.due_cents, kept.due_cents),
                up_to(before.actual_cents, kept.actual_cents),
            ),
        };
        self.undone = Undone {
            part_cents: to_cents,
            due_cents,
            actual_cents,
            ..before
        };
        Some(Back {
            due_cents: before.due_cents - due_cents,
            actual_cents: before.actual_cents - actual_cents,
        })
    }

    /// Returns the part of a sale's commission that belongs to a part of its amount: as a sale of that amount earns it,
    /// where the whole commission is by the rate, else in proportion.
    fn earned_by(
        &self,
        case: &Case<'_>,
        kept: EarnedCommission,
        cents: i64,
        part_cents: i64,
        whole_cents: i64,
    ) -> i64 {
        let in_account = case
            .sale
            .is_some_and(|sale| self.ours(sale).account_cents == Some(whole_cents));
        let by_rate = |pays: CommissionRate| {
            let is_share = matches!(
                pays,
                CommissionRate::Share(_) | CommissionRate::ShareUpTo(..)
            );
            let is_capped = matches!(pays, CommissionRate::ShareUpTo(_, most) if cents >= most);
            is_share && !is_capped && self.terms.commission(pays, whole_cents) == cents
        };
        match kept.pays {
            Some(pays) if in_account && by_rate(pays) => self.terms.commission(pays, part_cents),
            _ => self.terms.share(cents, part_cents, whole_cents),
        }
    }

    /// Returns `true` if refunds that were converted by the rates of their days leave a part of the commission that is not
    /// near that of what is left of the sale, by the user's rate: the allowance for other rates is one of what remains.
    fn is_rest_far(&self, case: &Case<'_>, kept: EarnedCommission, matched: &[u32]) -> bool {
        let Some(sale) = case.sale else { return false };
        let ours = *self.ours(sale);
        let (rest, whole) = (self.rest_of(case, sale), ours.amount_cents);
        let Some((estimated, pays)) = ours.estimated_cents.zip(kept.pays) else {
            return false;
        };
        // Refunds of all of it reverse all of its commission.
        if ours.account_cents.is_some() || ours.is_dispute || rest <= 0 {
            return false;
        }
        let mut left_cents = kept.actual_cents;
        for refund in case.refunds.iter().copied() {
            let is_for = |row: &u32| self.matched(*row) == Some(refund);
            let own: Vec<u32> = matched.iter().copied().filter(is_for).collect();
            let part = || {
                self.terms
                    .share(kept.actual_cents, self.ours(refund).amount_cents, whole)
            };
            left_cents -= self.converted(kept, refund, &own).unwrap_or_else(part);
        }
        let due_cents = self
            .terms
            .share(self.terms.commission(pays, estimated), rest, whole);
        !is_near_rate(left_cents, due_cents) && !is_near(left_cents, due_cents, 2)
    }

    /// Returns the commission of a part of a sale that the API converted by the rate of the refund's own day, if that is
    /// near the user's rate and was reversed. Each half of a split one may say the whole amount, or its own part.
    fn converted(&self, kept: EarnedCommission, refund: u32, own: &[u32]) -> Option<i64> {
        let ours = self.ours(refund);
        let is_theirs = |row: &u32| self.theirs(*row).unit == self.books.account_currency;
        if ours.account_cents.is_some() || !own.iter().all(is_theirs) {
            return None;
        }
        let reported: Vec<i64> = own
            .iter()
            .map(|row| self.theirs(*row).sale_cents)
            .map(|cents| Some(cents?.saturating_abs()))
            .collect::<Option<_>>()?;
        let sum = reported.iter().copied().fold(0, i64::saturating_add);
        let whole = *reported.first()?;
        let reported =
            if reported.iter().all(|cents| *cents == whole) && reported.len() == kept.lines {
                [whole, sum]
            } else {
                [sum, sum]
            };
        let reversed = -self.sum(own);
        let fits = |reported: &i64| {
            let estimated = ours.estimated_cents.unwrap_or(*reported);
            let cents = match kept.pays {
                Some(pays) => self.terms.commission(pays, *reported),
                None => {
                    let sale_cents = self.theirs(kept.main?).sale_cents?;
                    self.terms.share(kept.actual_cents, *reported, sale_cents)
                }
            };
            let is_right =
                is_near_rate(*reported, estimated) && is_near(cents, reversed, own.len());
            is_right.then_some(reversed)
        };
        reported.iter().find_map(fits)
    }

    /// Returns what a refund should reverse whose sale is not in our data; nothing where nobody knows it: without the sale,
    /// a fixed or capped commission may be reversed in any part.
    fn back_alone(&mut self, group: &CommissionGroup<'_>, refund: u32, own: &[u32]) -> Option<i64> {
        let theirs = *self.theirs(*own.first()?);
        let ours = *self.ours(refund);
        let actual_cents = self.sum(own);
        let is_foreign =
            theirs.is_cash && ![self.books.account_currency, ours.currency].contains(&theirs.unit);
        let paid = self.pays_of(group, &theirs, theirs.promoter, refund);
        let reported = own
            .iter()
            .filter_map(|row| self.theirs(*row).sale_cents)
            .map(|cents| cents.saturating_abs())
            .max();
        let base = ours.account_cents.or(reported);
        let due = match paid.map(|paid| paid.pays).filter(|_| !is_foreign) {
            Some(CommissionRate::Fixed(most)) => (-actual_cents > most).then_some(-most),
            Some(pays) => base.and_then(|base| {
                let cents = -self.terms.commission(pays, base);
                let is_capped =
                    matches!(pays, CommissionRate::ShareUpTo(_, most) if most == -cents);
                (!is_capped || actual_cents < cents).then_some(cents)
            }),
            None => None,
        };
        if due.is_none() {
            let reason = match (is_foreign, theirs.is_cash) {
                (true, _) => UncheckedReason::OtherCurrency,
                (false, true) => UncheckedReason::RateUnknown,
                (false, false) => UncheckedReason::NotMoney,
            };
            self.tallies.add(reason, theirs.unit, actual_cents);
        }
        due
    }

    /// Returns what refunds should reverse; what was reversed, if nobody knows it.
    fn back(
        &mut self,
        case: &Case<'_>,
        group: &CommissionGroup<'_>,
        kept: Option<EarnedCommission>,
        reversed: Reversed<'_>,
    ) -> Back {
        if let Some(kept) = kept
            && let Some(back) = self.back_of_sale(case, kept, reversed)
        {
            return back;
        }
        let refunds = reversed.refunds.iter();
        let of_refunds: Vec<_> = refunds
            .map(|refund| self.back_alone(group, *refund, reversed.own))
            .collect();
        let due: Option<Vec<i64>> = of_refunds.into_iter().collect();
        let cents = due.map_or_else(|| self.sum(reversed.own), |due| sum(&due));
        Back {
            due_cents: cents,
            actual_cents: cents,
        }
    }

    /// Judges refunds against what takes them back: one refund, or those that can't be told apart.
    fn judge_refunds(
        &mut self,
        case: &Case<'_>,
        group: &CommissionGroup<'_>,
        kept: Option<EarnedCommission>,
        reversed: Reversed<'_>,
    ) {
        let Reversed { refunds, own } = reversed;
        let Some(refund) = refunds.first().copied() else {
            return;
        };
        let actual = self.sum(own);
        let back = self.back(case, group, kept, reversed);
        if own.is_empty() && kept.is_some_and(|kept| kept.is_missing) {
            self.undone.open_cents += back.due_cents;
            return;
        }
        if own.is_empty()
            && refunds
                .iter()
                .any(|refund| self.is_of_unread(case, *refund))
        {
            return;
        }
        let main = own.first().copied();
        let Some(main) = main.or(kept.and_then(|kept| kept.main)) else {
            return;
        };
        let promoter = kept.map_or(self.theirs(main).promoter, |kept| kept.promoter);
        let lines = own.len().max(kept.map_or(1, |kept| kept.lines));
        let mut due = back.due_cents;
        if let Some(finding) = kept.and_then(|kept| kept.finding)
            && actual != due
        {
            // What the sale's finding says holds for its refunds as well.
            self.carry(finding, back.actual_cents - back.due_cents);
            due = back.actual_cents;
        }
        self.undone.refunds += refunds.len();
        let is_rounded = !own.is_empty() && is_near(actual, due, lines + self.undone.refunds);
        if actual != due && is_rounded {
            let last = refunds.last().copied().unwrap_or(refund);
            self.undone.rounded_cents += actual - due;
            self.undone.rounded_last = Some((last, main));
        } else {
            let is_missing = kept.is_some_and(|kept| kept.is_missing);
            self.not_whole(
                refund,
                own,
                main,
                ReversalAmounts {
                    actual,
                    due,
                    is_missing,
                },
            );
        }
        self.expect_back(main, promoter, refund, own, back.due_cents);
        if is_rounded {
            self.paid_before(kept, refund, own);
        }
    }

    /// Reports cents by which the reversals of a sale were rounded otherwise than its refunds undo its commission.
    fn rounded(&mut self) {
        let cents = self.undone.rounded_cents;
        let Some((refund, theirs)) = self.undone.rounded_last.filter(|_| cents != 0) else {
            return;
        };
        let unit = self.theirs(theirs).unit;
        let message = format!(
            "the reversals are {} {} than the refunds' part of the commission, by rounding",
            self.money(cents.saturating_abs(), unit),
            if cents < 0 { "more" } else { "less" }
        );
        self.push(PairFinding {
            kind: FindingKind::ReversalRounded,
            ours: refund,
            theirs,
            difference_cents: cents,
            concerned_cents: 0,
            expected_cents: None,
            message,
        });
    }

    fn carry(&mut self, finding: usize, cents: i64) {
        if let Some(draft) = self.drafts.get_mut(finding) {
            draft.difference_cents += cents;
        }
    }

    fn not_whole(&mut self, refund: u32, own: &[u32], main: u32, backs: ReversalAmounts) {
        let ReversalAmounts {
            actual,
            due,
            is_missing,
        } = backs;
        let ours = *self.ours(refund);
        let reported = own.first().and_then(|row| self.theirs(*row).sale_cents);
        let is_told_otherwise =
            reported.is_some_and(|cents| Some(cents.saturating_abs()) != ours.account_cents);
        let difference = actual - due;
        if difference == 0 {
            return;
        }
        let unit = self.theirs(main).unit;
        let money = |cents: i64| self.money(cents, unit);
        let (kind, message) = match ours.outcome {
            Some(Outcome::AlreadyTracked) if is_told_otherwise => (
                FindingKind::AlreadyTrackedDiffers,
                format!(
                    "{} was refunded, and FirstPromoter has another amount",
                    self.money(ours.amount_cents, ours.currency)
                ),
            ),
            _ if due == 0 && is_missing => (
                FindingKind::TakenBackTooMuch,
                format!(
                    "{} was reversed, and nobody has had a commission that is due",
                    money(-actual)
                ),
            ),
            _ if difference < 0 => (
                FindingKind::TakenBackTooMuch,
                format!("{} was reversed; expected {}", money(-actual), money(-due)),
            ),
            _ if own.is_empty() && ours.is_dispute => (
                FindingKind::DisputedSale,
                format!(
                    "the sale is disputed, and {} of its commission is not reversed",
                    money(-due)
                ),
            ),
            _ if own.is_empty() => (
                FindingKind::RefundNotTakenBack,
                format!(
                    "the refund should reverse {}; nothing was reversed",
                    money(-due)
                ),
            ),
            _ => (
                FindingKind::RefundPartlyTakenBack,
                format!(
                    "the refund should reverse {}; {} was reversed",
                    money(-due),
                    money(-actual)
                ),
            ),
        };
        self.push(PairFinding {
            kind,
            ours: refund,
            theirs: main,
            difference_cents: difference,
            concerned_cents: 0,
            expected_cents: Some(due),
            message,
        });
    }

    fn paid_before(&mut self, kept: Option<EarnedCommission>, refund: u32, own: &[u32]) {
        // A list whose states say `paid` says nothing of the others.
        let is_open = own
            .iter()
            .all(|row| self.theirs(*row).is_paid != Some(true));
        let Some(main) = own.first().copied().filter(|_| is_open) else {
            return;
        };
        if kept.is_some_and(|kept| kept.is_paid) {
            let amounts = own.iter().map(|row| self.theirs(*row).amount_cents);
            let cents = amounts.fold(0, i64::saturating_sub);
            let message = format!(
                "the commission was paid out, and {} of it is still to come back",
                self.money(cents, self.theirs(main).unit)
            );
            self.push(PairFinding {
                kind: FindingKind::PaidBeforeRefund,
                ours: refund,
                theirs: main,
                difference_cents: 0,
                concerned_cents: cents,
                expected_cents: None,
                message,
            });
        }
    }

    /// Counts the refunds of a sale that is not in our data: nobody knows what it has earned. One of which FirstPromoter
    /// has nothing only counts if it may have earned something.
    pub(super) fn tally_refunds_alone(&mut self, case: &Case<'_>) {
        for refund in case.refunds.iter().copied() {
            let ours = *self.ours(refund);
            let is_stranger = ours.outcome == Some(Outcome::NonReferral)
                || (!self.books.leads.is_empty() && self.lead(refund).is_none());
            let is_for_nothing = case.commissions.is_empty()
                && (is_stranger || ours.outcome.is_some_and(Outcome::is_tracked));
            if !is_for_nothing && !self.is_of_unread(case, refund) {
                let reason = UncheckedReason::RefundAlone;
                self.tallies.add(reason, ours.currency, ours.amount_cents);
            }
        }
    }

    /// Judges a tracked refund of a sale that is not in our data, and of which FirstPromoter has nothing.
    pub(super) fn refund_alone(&mut self, case: &Case<'_>) {
        if !case.commissions.is_empty() {
            return;
        }
        for refund in case.refunds.iter().copied() {
            let ours = *self.ours(refund);
            if !ours.outcome.is_some_and(Outcome::is_tracked) || self.is_of_unread(case, refund) {
                continue;
            }
            let lead = self.lead_promoter(refund);
            let promoter: Code = if lead == 0 { ours.promoter } else { lead };
            let campaign = self.books.campaign_of(promoter).unwrap_or(0);
            let deals = TermsKey {
                promoter,
                campaign,
                plan: ours.plan,
                tier: 1,
            };
            let payment = self.payment(refund);
            let worth = ours
                .account_cents
                .and_then(|cents| self.worth(deals, payment, cents));
            let reported = ours.commission_cents.map(i64::saturating_abs);
            let due = reported.or(worth);
            if due == Some(0) {
                continue;
            }
            let message = "the refund was tracked, and no commission was reversed";
            self.drafts.push(FindingDraft {
                kind: FindingKind::RefundNotTakenBack,
                difference_cents: due.unwrap_or(0),
                concerned_cents: if due.is_none() { ours.amount_cents } else { 0 },
                unit: self.books.account_currency,
                ours: Some(refund),
                theirs: None,
                matched_by: None,
                expected_cents: due.map(|cents| -cents),
                message: message.to_owned(),
                because: self.promoter_name(promoter),
            });
            let unit = self.books.account_currency;
            self.expect_unpaid(refund, deals, unit, -due.unwrap_or(0));
        }
    }
}

fn sum<'c>(cents: impl IntoIterator<Item = &'c i64>) -> i64 {
    let cents = cents.into_iter();
    cents.fold(0, |sum, cents| sum.saturating_add(*cents))
}
