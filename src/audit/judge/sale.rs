//! Judges the commissions of a sale, tier by tier.

use std::borrow::Cow;

use super::due::Due;
use super::{Case, CommissionGroup, EarnedCommission, Judge, PairFinding};
use crate::audit::books::Code;
use crate::audit::expected::TermsKey;
use crate::audit::rules::CommissionRate;
use crate::audit::unchecked::UncheckedReason;
use crate::audit::{FindingKind, MatchReason, Status};

/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Judge<'_> {
    /// Judges the commissions of a sale in one tier; returns those that remain.
    pub(super) fn earned(
        &mut self,
        case: &Case<'_>,
        group: &CommissionGroup<'_>,
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
        group: &CommissionGroup<'_>,
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

    /// Returns the commissions that are the sale's, of several, and those that are too many.
    fn keep<'r>(
        &mut self,
        sale: u32,
        group: &CommissionGroup<'_>,
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
        let shares = self.shares_of_lead(sale).filter(|_| group.tier == 1);
        let is_share = |row: &u32| {
            let mut shares = shares.iter().flatten();
            let promoter = books.theirs[super::index(*row)].promoter;
            shares.any(|(code, _)| *code == promoter)
        };
        // One that was created before the lead was shared says that it is no part, and is the wrong amount of one.
        let may_be_split = live.iter().any(|row| is_split(row) != Some(false));
        if may_be_split && promoters.len() == live.len() && live.iter().all(is_share) {
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
        let best = live
            .iter()
            .copied()
            .enumerate()
            .max_by_key(key)
            .map(|(_, row)| row);
        let (kept, extra): (Vec<u32>, _) = live.iter().partition(|row| Some(**row) == best);
        (kept.into(), extra)
    }

    /// Counts what of a sale and its commission was not checked.
    pub(super) fn count_unchecked(
        &mut self,
        group: &CommissionGroup<'_>,
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
        if let Some(reason) = self.why_referral_is_open(group, sale) {
            self.tallies.add(reason, theirs.unit, cents);
        }
        if self.has_plan_of_another_rule(group, sale, main) {
            let reason = UncheckedReason::PlanDiffers;
            self.tallies.add(reason, theirs.unit, cents);
        }
        if self.is_plan_open(group, sale, main) {
            let reason = UncheckedReason::PlanUnknown;
            self.tallies.add(reason, theirs.unit, cents);
        }
        if self.has_campaign_of_another_rule(group, sale, main) {
            let reason = UncheckedReason::CampaignDiffers;
            self.tallies.add(reason, theirs.unit, cents);
        }
    }

    /// Returns why the list of leads does not say who had referred the customer of a sale that has a commission; `None` if
    /// it does, or was not read.
    fn why_referral_is_open(
        &self,
        group: &CommissionGroup<'_>,
        sale: u32,
    ) -> Option<UncheckedReason> {
        if group.tier != 1 || self.books.leads.is_empty() {
            return None;
        }
        match self.lead(sale) {
            None => Some(UncheckedReason::NoLead),
            Some(lead) if lead.is_closed => Some(UncheckedReason::LeadClosedPaid),
            Some(lead) if lead.is_by(self.ours(sale).created_ms) => None,
            Some(_) => Some(UncheckedReason::LeadLater),
        }
    }

    /// Returns `true` if nobody knows which plan was sold, and another one pays otherwise.
    pub(super) fn is_plan_open(
        &mut self,
        group: &CommissionGroup<'_>,
        sale: u32,
        main: u32,
    ) -> bool {
        let own = self.theirs(main).plan;
        let mut of_plans = self.paid_by_plan(group, sale, main).into_iter();
        let (Some(first), true) = (of_plans.next(), own != 0) else {
            return false;
        };
        of_plans.any(|pays| pays != first)
    }

    /// Returns what each plan pays that a sale may have been of: nothing where the plan is known.
    pub(super) fn paid_by_plan(
        &mut self,
        group: &CommissionGroup<'_>,
        sale: u32,
        main: u32,
    ) -> Vec<Option<CommissionRate>> {
        let theirs = *self.theirs(main);
        if !self.guessed_plans.has(main) {
            return Vec::new();
        }
        let payment = self.payment(sale);
        let plans = [theirs.plan]
            .into_iter()
            .chain(self.books.known_plans.iter().copied());
        let plans: Vec<Code> = plans.collect();
        let pays = plans.into_iter().map(|plan| {
            let deals = TermsKey {
                promoter: theirs.promoter,
                campaign: theirs.campaign,
                plan,
                tier: group.tier,
            };
            self.terms
                .pays(self.books, deals, payment)
                .map(|paid| paid.pays)
        });
        pays.collect()
    }

    /// Returns `true` if a commission is of another campaign than its customer as a lead of the same promoter, and the
    /// rules pay for one otherwise than for the other.
    fn has_campaign_of_another_rule(
        &mut self,
        group: &CommissionGroup<'_>,
        sale: u32,
        main: u32,
    ) -> bool {
        let (ours, theirs) = (*self.ours(sale), *self.theirs(main));
        let lead = self.lead(sale).filter(|lead| {
            group.tier == 1
                && lead.promoter == theirs.promoter
                && ![0, theirs.campaign].contains(&lead.campaign)
        });
        let Some(lead) = lead.filter(|_| theirs.campaign != 0) else {
            return false;
        };
        let payment = self.payment(sale);
        let [own, other] = [theirs.campaign, lead.campaign].map(|campaign| {
            let deals = TermsKey {
                promoter: theirs.promoter,
                campaign,
                plan: if ours.plan == 0 {
                    theirs.plan
                } else {
                    ours.plan
                },
                tier: group.tier,
            };
            self.terms.declared(self.books, deals, payment)
        });
        own != other
    }

    /// Returns `true` if the two sides have two plans for a sale, and the rules pay for one otherwise than for the other.
    fn has_plan_of_another_rule(
        &mut self,
        group: &CommissionGroup<'_>,
        sale: u32,
        main: u32,
    ) -> bool {
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
        let lead = self
            .matching
            .lead
            .get(at)
            .copied()
            .flatten()
            .filter(|_| !self.matching.leads_of_theirs.contains(&sale))
            .and_then(|lead| self.books.lead_columns.email.get(super::index(lead)));
        lead.is_none() || lead != commissions.email.get(theirs_at)
    }

    /// Adds what a promoter has of a split commission.
    pub(super) fn add_part(&mut self, promoter: Code, cents: i64) {
        let mut parts = self.parts.iter_mut();
        match parts.find(|(own, _)| *own == promoter) {
            Some((_, sum)) => *sum = sum.saturating_add(cents),
            None => self.parts.push((promoter, cents)),
        }
    }

    pub(super) fn promoter_name(&self, code: Code) -> String {
        self.books.promoters.name(code).unwrap_or_default()
    }

    /// Reports commissions of a sale that stands which have waited for too long to be approved.
    pub(super) fn pending(&mut self, case: &Case<'_>, sale: u32, kept: &[u32]) {
        if !self.has_unrefunded_part(case, sale) {
            return;
        }
        let message = "the sale was not fully refunded, and its commission is not approved";
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
    pub(super) fn has_unrefunded_part(&self, case: &Case<'_>, sale: u32) -> bool {
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

/// Returns `true` if two amounts differ by rounding only: a split commission is rounded as often as it has lines.
pub(super) fn is_near(one: i64, other: i64, lines: usize) -> bool {
    let slack = u64::try_from(lines.saturating_sub(1)).unwrap_or(0);
    one.abs_diff(other) <= slack
}
