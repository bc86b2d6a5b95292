//! Judges the commissions of a sale, tier by tier.

use std::borrow::Cow;

use super::{Case, EarnedCommission, Group, Judge, PairFinding};
use crate::audit::books::Code;
use crate::audit::expected::{Paid, TermsKey};
use crate::audit::rules::CommissionRate;
use crate::audit::unchecked::UncheckedReason;
use crate::audit::{FindingKind, MatchReason, Status};
use crate::journal::Outcome;

/// The share that may lie between the rate by which the API converted a sale and the user's own.
const RATE_ALLOWANCE_PERCENT: i128 = 5;
/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The commission that a sale should earn.
pub(super) struct Due {
    pub(super) paid: Option<Paid>,
    /// The commission for the amount that was billed.
    pub(super) cents: i64,
    /// The commission for the amount that FirstPromoter has.
    of_theirs_cents: i64,
    /// The amounts of both sides, if they differ.
    amounts: Option<(i64, i64)>,
    /// The amount of the sale of which it is a share.
    base_cents: i64,
}

impl Judge<'_> {
    /// Judges the commissions of a sale in one tier; returns those that remain.
    pub(super) fn earned(
        &mut self,
        case: &Case<'_>,
        group: &Group<'_>,
    ) -> Option<EarnedCommission> {
        let live = self.live(group.earned);
        let Some(sale) = case.sale else {
            return self.earned_of_nothing(case, group, &live);
        };
        if live.is_empty() {
            return None;
        }
        let (kept, extra) = self.keep(sale, group, &live);
        for row in extra {
            self.twice(case, group, sale, &kept, row);
        }
        Some(self.stands(case, group, sale, &kept))
    }

    pub(super) fn commission_name(&self, row: u32) -> String {
        let columns = &self.books.commissions;
        let row = super::index(row);
        match columns.id.get(row).or(columns.event_id.get(row)) {
            Some(id) => format!("`{id}`"),
            None => "without an id".to_owned(),
        }
    }

    /// Commissions of a sale that is not in our data, though a refund names it.
    fn earned_of_nothing(
        &mut self,
        case: &Case<'_>,
        group: &Group<'_>,
        live: &[u32],
    ) -> Option<EarnedCommission> {
        let (main, refund) = (*live.first()?, *case.refunds.first()?);
        let amounts = live.iter().map(|row| self.theirs(*row).amount_cents);
        let actual_cents = amounts.fold(0, i64::saturating_add);
        let message = "the sale of this commission was not billed, though its refund was";
        self.push(PairFinding {
            kind: FindingKind::CommissionWithoutSale,
            ours: refund,
            theirs: main,
            difference_cents: actual_cents,
            concerned_cents: 0,
            expected_cents: Some(0),
            message: message.to_owned(),
        });
        let theirs = *self.theirs(main);
        let paid = self.pays_of(group, &theirs, theirs.promoter, refund);
        Some(EarnedCommission {
            main: Some(main),
            promoter: theirs.promoter,
            actual_cents,
            due_cents: actual_cents,
            lines: live.len(),
            is_paid: live
                .iter()
                .all(|row| self.theirs(*row).is_paid == Some(true)),
            is_missing: false,
            pays: paid.map(|paid| paid.pays),
            finding: None,
        })
    }

    pub(super) fn pays_of(
        &mut self,
        group: &Group<'_>,
        theirs: &super::TheirRow,
        promoter: Code,
        billed: u32,
    ) -> Option<Paid> {
        let plan = self.ours(billed).plan;
        let deals = TermsKey {
            promoter,
            campaign: theirs.campaign,
            plan: if plan == 0 { theirs.plan } else { plan },
            tier: group.tier,
        };
        let payment = self.payment(billed);
        let paid = group
            .is_cash
            .then(|| self.terms.pays(self.books, deals, payment))??;
        let pays = self.in_unit(paid.pays, billed, theirs.unit)?;
        Some(Paid { pays, ..paid })
    }

    /// Returns what a rule pays in the unit of a commission. The amounts of rules are in the account's currency: in
    /// another one they are known as far as the rate of the sale is.
    pub(super) fn in_unit(
        &self,
        pays: CommissionRate,
        billed: u32,
        unit: Code,
    ) -> Option<CommissionRate> {
        if unit == self.books.account_currency {
            return Some(pays);
        }
        let ours = self.ours(billed);
        let in_account = ours.account_cents.or(ours.estimated_cents);
        let in_account = in_account.filter(|cents| *cents > 0 && unit == ours.currency);
        pays.converted(|cents| Some(self.terms.share(cents, ours.amount_cents, in_account?)))
    }

    /// Returns the commissions that are the sale's, of several, and those that are too many.
    fn keep<'r>(
        &mut self,
        sale: u32,
        group: &Group<'_>,
        live: &'r [u32],
    ) -> (Cow<'r, [u32]>, Vec<u32>) {
        if live.len() == 1 {
            return (live.into(), Vec::new());
        }
        let books = self.books;
        let is_split = |row: &u32| books.theirs[super::index(*row)].is_split;
        let lead = if group.tier == 1 {
            self.lead_promoter(sale)
        } else {
            0
        };
        let due = self.due(group, sale, live[0], lead).map(|due| due.cents);
        let mut promoters: Vec<Code> = live.iter().map(|row| self.theirs(*row).promoter).collect();
        promoters.sort_unstable();
        promoters.dedup();
        // Parts that add up are no duplicates, also of one promoter.
        let may_be_parts =
            promoters.len() == 1 || live.iter().all(|row| is_split(row) != Some(false));
        if may_be_parts && due == Some(self.sum(live)) {
            return (live.into(), Vec::new());
        }
        if live.iter().any(|row| is_split(row) == Some(true)) {
            let mut seen = std::collections::HashSet::new();
            let (kept, extra): (Vec<u32>, _) = live.iter().partition(|row| {
                is_split(row) == Some(true) && seen.insert(self.theirs(**row).promoter)
            });
            return (kept.into(), extra);
        }
        let unsaid = live.iter().all(|row| is_split(row).is_none());
        if unsaid && promoters.len() == live.len() {
            let parts = self.sum(live);
            // A part of a split one may have been denied.
            let all = self.sum(group.earned);
            let adds_up = |sum: i64| due.is_some_and(|due| is_near(sum, due, group.earned.len()));
            if adds_up(parts) || adds_up(all) {
                return (live.into(), Vec::new());
            }
        }
        let key = |(place, row): &(usize, u32)| {
            let theirs = self.theirs(*row);
            let by_id = self.reason(*row) == Some(MatchReason::EventId);
            let first = std::cmp::Reverse((theirs.created_ms, *place));
            (
                theirs.promoter == lead,
                by_id,
                Some(theirs.amount_cents) == due,
                first,
            )
        };
        let best = live.iter().copied().enumerate().max_by_key(key);
        let best = best.map(|(_, row)| row);
        let (kept, extra): (Vec<u32>, _) = live.iter().partition(|row| Some(**row) == best);
        (kept.into(), extra)
    }

    /// Returns the commission that is due for the sale under a promoter: the lead's, or else the commission's.
    pub(super) fn due(
        &mut self,
        group: &Group<'_>,
        sale: u32,
        main: u32,
        promoter: Code,
    ) -> Option<Due> {
        let (ours, theirs) = (*self.ours(sale), *self.theirs(main));
        let promoter = if promoter == 0 {
            theirs.promoter
        } else {
            promoter
        };
        let paid = self.pays_of(group, &theirs, promoter, sale);
        let pays = paid.map(|paid| paid.pays);
        let (in_unit, of_unit) = (self.comparable(sale, main), theirs.sale_cents);
        let amounts = match (in_unit, of_unit, self.told(sale, main)) {
            (Some(ours), Some(theirs), _) => (ours, theirs),
            (None, _, Some(told)) => (ours.amount_cents, told),
            (Some(ours), None, _) => (ours, ours),
            (None, Some(theirs), None) => (theirs, theirs),
            (None, None, None) => return None,
        };
        let differ = (amounts.0 != amounts.1).then_some(amounts);
        let of_theirs = of_unit.unwrap_or(amounts.0);
        let of_theirs_cents = self.terms.commission(pays?, of_theirs);
        let cents = match (differ, in_unit) {
            (None, _) => of_theirs_cents,
            (Some(_), Some(ours)) => self.terms.commission(pays?, ours),
            // Only the amount before their conversion can be compared.
            (Some((ours, told)), None) => self.terms.share(of_theirs_cents, ours, told),
        };
        Some(Due {
            paid,
            cents,
            of_theirs_cents,
            amounts: differ,
            base_cents: in_unit.unwrap_or(of_theirs),
        })
    }

    /// Returns the sale as it was reported to them, in the currency of ours.
    fn told(&self, sale: u32, main: u32) -> Option<i64> {
        let told = self.books.commissions.original_sale(super::index(main))?;
        let currency = self.books.names.name(self.ours(sale).currency);
        (currency == Some(told.currency.code())).then_some(told.amount_cents)
    }

    /// Returns our amount of a sale in the currency of a commission, if both can be compared: as it was
    /// billed, as it was converted, or, where the API converted by a rate near the user's, as they have it.
    fn comparable(&self, sale: u32, main: u32) -> Option<i64> {
        let theirs = self.theirs(main);
        self.amount_in(sale, theirs.unit, theirs.is_cash, theirs.sale_cents)
    }

    /// Returns our amount of a sale in a unit, as far as it is known; `told_cents` is the amount that they have.
    pub(super) fn amount_in(
        &self,
        sale: u32,
        unit: Code,
        is_cash: bool,
        told_cents: Option<i64>,
    ) -> Option<i64> {
        let ours = self.ours(sale);
        if unit != self.books.account_currency && is_cash {
            return (unit == ours.currency).then_some(ours.amount_cents);
        }
        ours.account_cents.or_else(|| {
            let estimated = ours.estimated_cents?;
            let near = told_cents.filter(|cents| is_near_rate(*cents, estimated));
            Some(near.unwrap_or(estimated))
        })
    }

    /// Returns `true` if FirstPromoter converted a sale by another rate than the user's that is near it.
    fn is_converted_nearby(&self, sale: u32, main: u32) -> bool {
        let ours = self.ours(sale);
        let estimated = ours
            .estimated_cents
            .filter(|_| ours.account_cents.is_none());
        let is_in_account = self.theirs(main).unit == self.books.account_currency;
        let compared = self.comparable(sale, main).filter(|_| is_in_account);
        compared
            .zip(estimated)
            .is_some_and(|(theirs, ours)| theirs != ours)
    }

    /// Returns the commission itself as the right one if no rate is known; only its amount is checked.
    pub(super) fn due_by_itself(&self, sale: u32, main: u32, actual_cents: i64) -> Due {
        let theirs = self.theirs(main);
        let amounts = self.comparable(sale, main).zip(theirs.sale_cents);
        let amounts = amounts.filter(|(ours, theirs)| ours != theirs);
        let cents = amounts
            .filter(|_| theirs.is_cash)
            .map_or(actual_cents, |(ours, theirs)| {
                self.terms.share(actual_cents, ours, theirs)
            });
        Due {
            paid: None,
            cents,
            of_theirs_cents: actual_cents,
            amounts,
            base_cents: 0,
        }
    }

    /// Counts what of a sale and its commission was not checked.
    fn count_unchecked(
        &mut self,
        group: &Group<'_>,
        sale: u32,
        main: u32,
        due: &Due,
        cents: i64,
        is_undone: bool,
    ) {
        let (ours, theirs) = (*self.ours(sale), *self.theirs(main));
        if !group.is_cash {
            return self
                .tallies
                .add(UncheckedReason::NotMoney, theirs.unit, cents);
        }
        if self.comparable(sale, main).is_none() {
            if theirs.unit != self.books.account_currency {
                self.tallies
                    .add(UncheckedReason::OtherCurrency, theirs.unit, cents);
            } else if group.tier == 1 {
                let reason = UncheckedReason::ForeignSale;
                self.tallies.add(reason, ours.currency, ours.amount_cents);
            }
        }
        if group.tier == 1 && self.is_converted_nearby(sale, main) {
            let reason = UncheckedReason::ForeignRate;
            self.tallies.add(reason, ours.currency, ours.amount_cents);
        }
        if self.is_of_another_customer(sale, main) {
            self.tallies
                .add(UncheckedReason::OtherCustomer, theirs.unit, cents);
        }
        match due.paid {
            None if is_undone => {}
            None if theirs.unit != self.books.account_currency => {
                let reason = UncheckedReason::RuleCurrency;
                self.tallies.add(reason, theirs.unit, cents);
            }
            None => self
                .tallies
                .add(UncheckedReason::RateUnknown, theirs.unit, cents),
            Some(paid) => {
                self.tallies.inferred += u64::from(paid.is_inferred);
                if let Some(reason) = paid.open {
                    self.tallies.add(reason, theirs.unit, cents);
                }
            }
        }
        if theirs.promoter == 0 && self.books.promoters.len() > 0 {
            let reason = UncheckedReason::NoPromoter;
            self.tallies.add(reason, theirs.unit, cents);
        }
        if self.has_plan_of_another_rule(group, sale, main) {
            let reason = UncheckedReason::PlanDiffers;
            self.tallies.add(reason, theirs.unit, cents);
        }
    }

    /// Returns `true` if the two sides have two plans for a sale, and the rules pay for one otherwise than for the other.
    fn has_plan_of_another_rule(&mut self, group: &Group<'_>, sale: u32, main: u32) -> bool {
        let (ours, theirs) = (*self.ours(sale), *self.theirs(main));
        if ours.plan == 0 || theirs.plan == 0 || ours.plan == theirs.plan {
            return false;
        }
        let payment = self.payment(sale);
        let [own, other] = [ours.plan, theirs.plan].map(|plan| {
            let deals = TermsKey {
                promoter: theirs.promoter,
                campaign: theirs.campaign,
                plan,
                tier: group.tier,
            };
            self.terms.declared(self.books, deals, payment)
        });
        own != other
    }

    /// Returns `true` if a commission names another customer than the sale whose id it has. The lead of a customer
    /// may have another email than the sale.
    fn is_of_another_customer(&self, sale: u32, main: u32) -> bool {
        let (billed, commissions) = (&self.books.billed, &self.books.commissions);
        let (at, theirs_at) = (super::index(sale), super::index(main));
        let emails = billed.email.get(at).zip(commissions.email.get(theirs_at));
        // Nearly all agree by the email: the rest is not looked up for them.
        if emails.is_some_and(|(ours, theirs)| ours == theirs) {
            return false;
        }
        let uids = billed.uid.get(at).zip(commissions.uid.get(theirs_at));
        if emails.or(uids).is_none() || uids.is_some_and(|(ours, theirs)| ours == theirs) {
            return false;
        }
        let lead = self.matching.lead.get(at).copied().flatten();
        let lead = lead.and_then(|lead| self.books.lead_columns.email.get(super::index(lead)));
        lead.is_none() || lead != commissions.email.get(theirs_at)
    }

    /// Returns the promoter under whom a sale is judged: that of the lead if one of several has it, else who
    /// should get what is paid, else the first.
    fn main_of_kept(&mut self, group: &Group<'_>, sale: u32, kept: &[u32], lead: Code) -> u32 {
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

    fn stands(
        &mut self,
        case: &Case<'_>,
        group: &Group<'_>,
        sale: u32,
        kept: &[u32],
    ) -> EarnedCommission {
        let lead = if group.tier == 1 {
            self.lead_promoter(sale)
        } else {
            0
        };
        let main = self.main_of_kept(group, sale, kept, lead);
        let own = self.theirs(main).promoter;
        let halves = self.denied_halves(group, sale, kept, lead);
        let is_of_lead = halves.iter().any(|row| self.theirs(*row).promoter == lead);
        let is_wrong = lead != 0 && own != 0 && own != lead && !is_of_lead;
        let promoter = if is_wrong { lead } else { own };
        let corrections = self.corrections.clone();
        let actual_cents = self.sum(kept).saturating_add(self.sum(&corrections));
        let due = self.due_of_parts(group, sale, main, promoter, kept, &halves);
        // Whatever the rate, nothing is due for a sale that was refunded and whose commission was reversed.
        let is_undone = !self.sale_stands(case, sale)
            && actual_cents.saturating_add(self.sum(&self.live(group.taken))) == 0;
        self.count_unchecked(group, sale, main, &due, actual_cents, is_undone);
        let mut finding = None;
        let mut left_cents = actual_cents - due.cents;
        if let Some((ours, theirs)) = due.amounts {
            let is_all = [due.of_theirs_cents, due.cents].contains(&actual_cents);
            let explained = if is_all {
                left_cents
            } else {
                due.of_theirs_cents - due.cents
            };
            let kind = match self.ours(sale).outcome {
                Some(Outcome::AlreadyTracked) => FindingKind::AlreadyTrackedDiffers,
                _ => FindingKind::SaleAmountDiffers,
            };
            let unit = match self.comparable(sale, main) {
                Some(_) => self.theirs(main).unit,
                None => self.ours(sale).currency,
            };
            let (ours, theirs) = (self.money(ours, unit), self.money(theirs, unit));
            let message = format!("billed {ours}, and FirstPromoter has {theirs}");
            let expected = Some(due.cents);
            finding = Some(self.push(PairFinding {
                kind,
                ours: sale,
                theirs: main,
                difference_cents: explained,
                concerned_cents: 0,
                expected_cents: expected,
                message,
            }));
            left_cents -= explained;
        }
        if is_wrong {
            let by_own = self.due(group, sale, main, own).map(|due| due.cents);
            let explained = if by_own == Some(actual_cents) {
                left_cents
            } else {
                0
            };
            left_cents -= explained;
            let message = self.wrong_promoter(lead, own);
            let kind = FindingKind::WrongPromoter;
            let expected = Some(due.cents);
            let place = self.push(PairFinding {
                kind,
                ours: sale,
                theirs: main,
                difference_cents: explained,
                concerned_cents: actual_cents,
                expected_cents: expected,
                message,
            });
            self.because(place, self.promoter_name(lead));
            finding = finding.or(Some(place));
        }
        let expected_cents = due.cents;
        if left_cents != 0 {
            let unit = self.theirs(main).unit;
            let (actual, right) = (self.money(actual_cents, unit), self.money(due.cents, unit));
            let commission = match kept.len() {
                1 => format!("commission {actual}"),
                parts => format!("the {parts} parts of the commission come to {actual}"),
            };
            let message = match due.paid.map(|paid| paid.pays) {
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
            };
            let kind = FindingKind::CommissionDiffers;
            let expected = Some(due.cents);
            finding = Some(self.push(PairFinding {
                kind,
                ours: sale,
                theirs: main,
                difference_cents: left_cents,
                concerned_cents: 0,
                expected_cents: expected,
                message,
            }));
        }
        let rest = expected_cents - (actual_cents - self.theirs(main).amount_cents);
        for row in kept {
            let cents = if *row == main {
                rest
            } else {
                self.theirs(*row).amount_cents
            };
            let promoter = if *row == main {
                promoter
            } else {
                self.theirs(*row).promoter
            };
            self.expect(*row, promoter, Some(sale), cents);
            if kept.len() > 1 {
                self.add_part(promoter, cents);
            }
        }
        for row in corrections {
            self.expect(row, own, Some(sale), self.theirs(row).amount_cents);
        }
        self.pending(case, sale, kept);
        let again_cents = self.halves(case, group, sale, &halves);
        if again_cents != 0 && kept.len() == 1 {
            self.add_part(promoter, rest);
        }
        EarnedCommission {
            main: Some(main),
            promoter,
            actual_cents: actual_cents.saturating_add(again_cents),
            due_cents: expected_cents.saturating_add(again_cents),
            lines: kept.len(),
            is_paid: kept
                .iter()
                .all(|row| self.theirs(*row).is_paid == Some(true)),
            is_missing: false,
            pays: due.paid.map(|paid| paid.pays),
            finding,
        }
    }

    /// Returns what is due for the commissions of a sale that stand: without the halves of a split one that were denied.
    fn due_of_parts(
        &mut self,
        group: &Group<'_>,
        sale: u32,
        main: u32,
        promoter: Code,
        kept: &[u32],
        halves: &[u32],
    ) -> Due {
        let actual_cents = self.sum(kept);
        let due = self.due(group, sale, main, promoter);
        let mut due = due.unwrap_or_else(|| self.due_by_itself(sale, main, actual_cents));
        let parts = kept.iter().chain(halves);
        let sales = parts.filter_map(|row| self.theirs(*row).sale_cents);
        let sales = sales.fold(0, i64::saturating_add);
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

    /// Adds what a promoter has of a split commission.
    pub(super) fn add_part(&mut self, promoter: Code, cents: i64) {
        let mut parts = self.parts.iter_mut();
        match parts.find(|(own, _)| *own == promoter) {
            Some((_, sum)) => *sum = sum.saturating_add(cents),
            None => self.parts.push((promoter, cents)),
        }
    }

    fn wrong_promoter(&self, lead: Code, own: Code) -> String {
        format!(
            "the customer is a lead of `{}`, and `{}` is paid",
            self.promoter_name(lead),
            self.promoter_name(own)
        )
    }

    pub(super) fn promoter_name(&self, code: Code) -> String {
        self.books.promoters.name(code).unwrap_or_default()
    }

    fn pending(&mut self, case: &Case<'_>, sale: u32, kept: &[u32]) {
        if !self.sale_stands(case, sale) {
            return;
        }
        let message = "the sale stands, and its commission is not approved";
        self.not_approved(sale, kept, message);
    }

    /// Reports those of some commissions that have waited for too long to be approved.
    pub(super) fn not_approved(&mut self, billed: u32, rows: &[u32], message: &str) {
        let wait_ms = i64::from(self.rules.pending_days) * DAY_MS;
        let due_ms = self.as_of.as_millisecond().saturating_sub(wait_ms);
        let waits = |row: &u32| {
            let theirs = self.theirs(*row);
            theirs.status == Status::Pending && theirs.created_ms.is_none_or(|ms| ms <= due_ms)
        };
        let rows: Vec<u32> = rows.iter().copied().filter(waits).collect();
        if let Some(first) = rows.first().copied() {
            let amounts = rows.iter().map(|row| self.theirs(*row).amount_cents);
            let cents = amounts.fold(0, i64::saturating_add);
            self.push(PairFinding {
                kind: FindingKind::Pending,
                ours: billed,
                theirs: first,
                difference_cents: 0,
                concerned_cents: cents.saturating_abs(),
                expected_cents: None,
                message: message.to_owned(),
            });
        }
    }

    /// Returns `true` if some of the sale was not refunded.
    pub(super) fn sale_stands(&self, case: &Case<'_>, sale: u32) -> bool {
        let ours = self.ours(sale);
        !ours.is_dispute && self.refunded(case) < i128::from(ours.amount_cents)
    }

    fn refunded(&self, case: &Case<'_>) -> i128 {
        let refunds = case.refunds.iter().map(|row| self.ours(*row).amount_cents);
        refunds.map(i128::from).sum()
    }

    /// Returns the part of a sale's commission that belongs to what was not refunded.
    pub(super) fn without_refunds(&self, case: &Case<'_>, sale: u32, cents: i64) -> i64 {
        let ours = self.ours(sale).amount_cents;
        let refunded = i64::try_from(self.refunded(case)).unwrap_or(i64::MAX);
        cents - self.terms.share(cents, refunded.min(ours), ours)
    }
}

/// Returns `true` if the API may have converted an amount by a rate that is near the user's.
pub(super) fn is_near_rate(cents: i64, estimated_cents: i64) -> bool {
    let apart = i128::from(cents.abs_diff(estimated_cents));
    apart * 100 <= i128::from(estimated_cents) * RATE_ALLOWANCE_PERCENT
}

/// A split commission is rounded as often as it has lines.
pub(super) fn is_near(one: i64, other: i64, lines: usize) -> bool {
    let slack = u64::try_from(lines.saturating_sub(1)).unwrap_or(0);
    one.abs_diff(other) <= slack
}
