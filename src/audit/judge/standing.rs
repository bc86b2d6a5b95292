//! Judges the commissions of a sale that stand: of which amount they are, who has them, and how much they are.

use super::due::{Due, is_near_rate};
use super::sale::is_near;
use super::splits::{Parts, Shared};
use super::{Case, CommissionGroup, EarnedCommission, Judge, PairFinding, words};
use crate::audit::FindingKind;
use crate::audit::books::Code;
use crate::audit::rules::CommissionRate;
use crate::audit::unchecked::UncheckedReason;
use crate::journal::Outcome;

/// Who has the commissions of a sale in one tier, and who should.
struct Receiver {
    /// The commission under which the sale is judged.
    main: u32,
    /// The promoter of that commission.
    own: Code,
    /// The promoter whose lead the customer is; 0 where it is not known.
    lead: Code,
    /// `true` if another promoter than the lead's has the commission.
    is_wrong: bool,
    /// The halves of a split commission that were denied.
    halves: Vec<u32>,
}

impl Receiver {
    /// Returns the promoter who should have the commission.
    fn promoter(&self) -> Code {
        if self.is_wrong { self.lead } else { self.own }
    }
}

/// The commissions of a sale that stand in one tier, and what they should be.
struct TierCommissions<'k> {
    sale: u32,
    kept: &'k [u32],
    receiver: Receiver,
    due: Due,
    /// What they come to, with the reversals by hand that correct them.
    actual_cents: i64,
    /// What each promoter should have, where they share it otherwise.
    parts: Option<Parts>,
}

impl TierCommissions<'_> {
    /// Returns a finding about them that explains a difference.
    fn finding(&self, kind: FindingKind, difference_cents: i64, message: String) -> PairFinding {
        PairFinding {
            kind,
            ours: self.sale,
            theirs: self.receiver.main,
            difference_cents,
            concerned_cents: 0,
            expected_cents: Some(self.due.cents),
            message,
        }
    }
}

/// A finding, by its place, and the part of a difference that it explains.
#[derive(Clone, Copy)]
struct Explanation {
    place: usize,
    cents: i64,
}

impl Judge<'_> {
    /// Judges the commissions of a sale that stand in one tier.
    pub(super) fn stands(
        &mut self,
        case: &Case<'_>,
        group: &CommissionGroup<'_>,
        sale: u32,
        kept: &[u32],
    ) -> EarnedCommission {
        let receiver = self.receiver(group, sale, kept);
        let actual_cents = self.sum(kept).saturating_add(self.sum(&self.corrections));
        let due = self.due_of_parts(group, sale, kept, &receiver);
        // Whatever the rate, nothing is due for a sale that was refunded and whose commission was reversed.
        let is_undone = !self.has_unrefunded_part(case, sale)
            && actual_cents.saturating_add(self.sum(&self.live(group.taken))) == 0;
        self.count_unchecked(group, sale, receiver.main, &due, actual_cents, is_undone);
        let mut standing = TierCommissions {
            sale,
            kept,
            receiver,
            due,
            actual_cents,
            parts: None,
        };
        let finding = self.differences(group, &standing);
        standing.parts = self.parts(group, &standing);
        let main_cents = self.expect_kept(&standing);
        self.pending(case, sale, kept);
        let TierCommissions { receiver, due, .. } = standing;
        let again_cents = self.halves(case, group, sale, &receiver.halves);
        if again_cents != 0 && kept.len() == 1 {
            self.add_part(receiver.promoter(), main_cents);
        }
        EarnedCommission {
            main: Some(receiver.main),
            promoter: receiver.promoter(),
            actual_cents: actual_cents.saturating_add(again_cents),
            due_cents: due.cents.saturating_add(again_cents),
            lines: kept.len(),
            is_paid: kept
                .iter()
                .all(|row| self.theirs(*row).is_paid == Some(true)),
            is_missing: false,
            pays: due.paid.map(|paid| paid.pays),
            finding,
        }
    }

    /// Returns what each promoter should have of the commissions, where they share it otherwise.
    fn parts(
        &mut self,
        group: &CommissionGroup<'_>,
        standing: &TierCommissions<'_>,
    ) -> Option<Parts> {
        let receiver = &standing.receiver;
        if !receiver.halves.is_empty() {
            return None;
        }
        self.shared(
            group,
            &Shared {
                sale: standing.sale,
                main: receiver.main,
                kept: standing.kept,
                actual_cents: standing.actual_cents,
                due_cents: standing.due.cents,
                is_wrong: receiver.is_wrong,
            },
        )
    }

    /// Returns who has the commissions of a sale, and who should.
    fn receiver(&mut self, group: &CommissionGroup<'_>, sale: u32, kept: &[u32]) -> Receiver {
        let lead = if group.tier == 1 {
            self.lead_promoter(sale)
        } else {
            0
        };
        let main = self.main_of_kept(group, sale, kept, lead);
        let own = self.theirs(main).promoter;
        let halves = self.denied_halves(group, sale, kept, lead);
        let shares = self.shares_of_lead(sale).filter(|_| group.tier == 1);
        let is_of_lead = halves.iter().any(|row| self.theirs(*row).promoter == lead)
            || shares.is_some_and(|shares| shares.iter().any(|(code, _)| *code == own));
        Receiver {
            main,
            own,
            lead,
            is_wrong: lead != 0 && own != 0 && own != lead && !is_of_lead,
            halves,
        }
    }

    /// Returns the promoter under whom a sale is judged: that of the lead if one of several has it, else who
    /// should get what is paid, else the first.
    fn main_of_kept(
        &mut self,
        group: &CommissionGroup<'_>,
        sale: u32,
        kept: &[u32],
        lead: Code,
    ) -> u32 {
        let mut rows = kept.iter().copied();
        if let Some(of_lead) = rows.find(|row| self.theirs(*row).promoter == lead) {
            return of_lead;
        }
        if kept.len() > 1 {
            let amounts = kept.iter().map(|row| self.theirs(*row).amount_cents);
            let actual_cents = amounts.fold(0, i64::saturating_add);
            for row in kept.iter().copied() {
                let own = self.theirs(row).promoter;
                let due = self.due(group, sale, row, own);
                if due.is_some_and(|due| is_near(actual_cents, due.cents, kept.len())) {
                    return row;
                }
            }
        }
        kept[0]
    }

    /// Returns what is due for the commissions of a sale that stand: without the halves of a split one that were denied.
    fn due_of_parts(
        &mut self,
        group: &CommissionGroup<'_>,
        sale: u32,
        kept: &[u32],
        receiver: &Receiver,
    ) -> Due {
        let (main, halves) = (receiver.main, &receiver.halves);
        let actual_cents = self.sum(kept);
        let mut due = self
            .due(group, sale, main, receiver.promoter())
            .unwrap_or_else(|| self.due_by_itself(sale, main, actual_cents));
        let parts = kept.iter().chain(halves);
        let sales = parts
            .filter_map(|row| self.theirs(*row).sale_cents)
            .fold(0, i64::saturating_add);
        let is_split = kept.len() + halves.len() > 1;
        if is_split && Some(sales) == self.comparable(sale, main) {
            if due.paid.is_none() {
                due.cents = actual_cents;
            }
            (due.amounts, due.of_theirs_cents) = (None, due.cents);
        }
        if due.paid.is_some() {
            let denied_cents = self.sum(halves);
            due.cents -= denied_cents;
            due.of_theirs_cents -= denied_cents;
        }
        self.fit_open_plan(group, (sale, main), &mut due, actual_cents);
        let is_amount = match due.paid.map(|paid| paid.pays) {
            Some(CommissionRate::Fixed(cents) | CommissionRate::ShareUpTo(_, cents)) => {
                cents == due.cents
            }
            Some(CommissionRate::Share(_)) | None => false,
        };
        // FirstPromoter converts the amounts of its rewards by its own rates, too.
        let ours = *self.ours(sale);
        let is_foreign = self.theirs(main).unit != self.books.account_currency;
        let is_near = actual_cents != due.cents && is_near_rate(actual_cents, due.cents);
        if is_amount && is_foreign && is_near {
            let reason = UncheckedReason::ForeignRate;
            self.tallies.add(reason, ours.currency, ours.amount_cents);
            (due.cents, due.of_theirs_cents) = (actual_cents, actual_cents);
        }
        due
    }

    /// Takes a commission for right that is what another plan pays, where nobody knows which one was sold.
    fn fit_open_plan(
        &mut self,
        group: &CommissionGroup<'_>,
        (sale, main): (u32, u32),
        due: &mut Due,
        actual_cents: i64,
    ) {
        if actual_cents == due.cents || due.paid.is_none() || due.amounts.is_some() {
            return;
        }
        let base_cents = due.base_cents;
        let mut pays = self.paid_by_plan(group, sale, main).into_iter().flatten();
        if pays.any(|pays| self.terms.commission(pays, base_cents) == actual_cents) {
            (due.cents, due.of_theirs_cents) = (actual_cents, actual_cents);
        }
    }

    /// Reports what is different from what is due, one cause after the other, so that each explains what those before
    /// it have left; returns the finding whose effect a refund shares.
    fn differences(
        &mut self,
        group: &CommissionGroup<'_>,
        standing: &TierCommissions<'_>,
    ) -> Option<usize> {
        let mut left_cents = standing.actual_cents - standing.due.cents;
        let of_sale = self.other_sale_amount(standing);
        left_cents -= of_sale.map_or(0, |found| found.cents);
        let of_receiver = self.other_promoter(group, standing, left_cents);
        left_cents -= of_receiver.map_or(0, |found| found.cents);
        let of_commission = (left_cents != 0).then(|| {
            let message = self.wrong_amount(standing);
            let kind = FindingKind::CommissionDiffers;
            self.push(standing.finding(kind, left_cents, message))
        });
        let of_sale = of_sale.map(|found| found.place);
        let of_receiver = of_receiver.map(|found| found.place);
        of_commission.or(of_sale).or(of_receiver)
    }

    /// Reports a sale of which FirstPromoter has another amount than was billed.
    fn other_sale_amount(&mut self, standing: &TierCommissions<'_>) -> Option<Explanation> {
        let TierCommissions { sale, due, .. } = standing;
        let main = standing.receiver.main;
        let (ours, theirs) = due.amounts?;
        let is_all = [due.of_theirs_cents, due.cents].contains(&standing.actual_cents);
        let cents = if is_all {
            standing.actual_cents - due.cents
        } else {
            due.of_theirs_cents - due.cents
        };
        let kind = match self.ours(*sale).outcome {
            Some(Outcome::AlreadyTracked) => FindingKind::AlreadyTrackedDiffers,
            _ => FindingKind::SaleAmountDiffers,
        };
        let unit = match self.comparable(*sale, main) {
            Some(_) => self.theirs(main).unit,
            None => self.ours(*sale).currency,
        };
        let explained = words::hundredfold(ours, theirs);
        let (ours, theirs) = (self.money(ours, unit), self.money(theirs, unit));
        let message = format!("billed {ours}, and FirstPromoter has {theirs}{explained}");
        let place = self.push(standing.finding(kind, cents, message));
        Some(Explanation { place, cents })
    }

    /// Reports commissions that another promoter than the lead's has. It explains what is left of the difference where
    /// the commission is what that promoter would earn.
    fn other_promoter(
        &mut self,
        group: &CommissionGroup<'_>,
        standing: &TierCommissions<'_>,
        left_cents: i64,
    ) -> Option<Explanation> {
        let Receiver {
            main, own, lead, ..
        } = standing.receiver;
        if !standing.receiver.is_wrong {
            return None;
        }
        let by_own = self.due(group, standing.sale, main, own);
        let cents = if by_own.map(|due| due.cents) == Some(standing.actual_cents) {
            left_cents
        } else {
            0
        };
        let message = format!(
            "the customer is a lead of `{}`, and `{}` is paid",
            self.promoter_name(lead),
            self.promoter_name(own)
        );
        let place = self.push(PairFinding {
            concerned_cents: standing.actual_cents,
            ..standing.finding(FindingKind::WrongPromoter, cents, message)
        });
        self.because(place, self.promoter_name(lead));
        Some(Explanation { place, cents })
    }

    /// Returns how much the commissions are and how much they should be, in words.
    fn wrong_amount(&self, standing: &TierCommissions<'_>) -> String {
        let due = &standing.due;
        let unit = self.theirs(standing.receiver.main).unit;
        let actual = self.money(standing.actual_cents, unit);
        let right = self.money(due.cents, unit);
        let commission = match standing.kept.len() {
            1 => format!("commission {actual}"),
            parts => format!("the {parts} parts of the commission come to {actual}"),
        };
        match due.paid.map(|paid| paid.pays) {
            Some(CommissionRate::Fixed(0)) => {
                "no rule pays for this payment of the customer".to_owned()
            }
            Some(CommissionRate::Fixed(_)) => {
                format!("{commission}; the rule pays {right} for a sale")
            }
            Some(CommissionRate::ShareUpTo(rate, cap)) if due.cents == cap => {
                let base = self.money(due.base_cents, unit);
                format!("{commission}; {rate} % of {base}, up to {right}")
            }
            Some(CommissionRate::Share(rate) | CommissionRate::ShareUpTo(rate, _)) => {
                let base = self.money(due.base_cents, unit);
                format!("{commission}; {rate} % of {base} is {right}")
            }
            None => format!("{commission}; expected {right}"),
        }
    }

    /// Adds what is expected of each commission that stands; returns what of it is the main one's.
    fn expect_kept(&mut self, standing: &TierCommissions<'_>) -> i64 {
        let Receiver { main, own, .. } = standing.receiver;
        let (sale, kept) = (Some(standing.sale), standing.kept);
        if let Some(parts) = &standing.parts {
            for (promoter, cents) in parts.iter().copied() {
                let mut rows = kept.iter().copied();
                let row = rows.find(|row| self.theirs(*row).promoter == promoter);
                self.expect(row.unwrap_or(main), promoter, sale, cents);
                self.add_part(promoter, cents);
            }
            let own = standing.receiver.promoter();
            let of_main = parts.iter().find(|(code, _)| *code == own);
            return of_main.map_or(0, |(_, cents)| *cents);
        }
        let of_main = self.theirs(main).amount_cents;
        let main_cents = standing.due.cents - (standing.actual_cents - of_main);
        for row in kept.iter().copied() {
            let theirs = *self.theirs(row);
            let (promoter, cents) = if row == main {
                (standing.receiver.promoter(), main_cents)
            } else {
                (theirs.promoter, theirs.amount_cents)
            };
            self.expect(row, promoter, sale, cents);
            if kept.len() > 1 {
                self.add_part(promoter, cents);
            }
        }
        for row in self.corrections.clone() {
            self.expect(row, own, sale, self.theirs(row).amount_cents);
        }
        main_cents
    }
}
