//! Judges a commission that a sale should have and nobody has: it was denied, or there is none.
//!
//! What its refunds may reverse follows from what was expected for the sale, by the rule that was picked for the sale. So a
//! reversal of what was never due is a finding of its own.

use super::{
    Case, Code, CommissionGroup, EarnedCommission, FindingDraft, Judge, PairFinding, Referral,
};
use crate::audit::FindingKind;
use crate::audit::expected::{Paid, TermsKey};
use crate::audit::unchecked::UncheckedReason;
use crate::journal::Outcome;

/// The message about a sale of a customer whose earlier commission several promoters share.
const SHARED: &str = "several promoters share the commission of the customer's earlier sale, and this sale has no commission: its promoter is unknown";

impl Judge<'_> {
    /// Judges the commissions of a sale in a tier in which nobody has earned anything. Returns what somebody should
    /// have.
    pub(super) fn unearned(
        &mut self,
        case: &Case<'_>,
        group: &CommissionGroup<'_>,
        sale: u32,
    ) -> Option<EarnedCommission> {
        let halves = self.denied_halves(group, sale, &[], 0);
        if let [first, _, ..] = *halves {
            let again_cents = self.halves(case, group, sale, &halves);
            let kept = EarnedCommission {
                lines: halves.len(),
                is_missing: false,
                ..self.missing(Some(first), 0, again_cents)
            };
            self.judge_reversals(case, group, Some(kept));
            return None;
        }
        if let Some(first) = group.earned.first().copied() {
            return self.denied(case, group, sale, first);
        }
        let reversal = self.live_reversal(group.taken)?;
        if self.is_of_other_currency(sale, reversal) {
            self.leave_unchecked(group, sale);
            return None;
        }
        let why = "a commission of this sale was reversed, and nobody has had one";
        self.missing_of(case, group, sale, Some(reversal), why)
    }

    /// Returns `true` if a commission is in another currency than the account's and its sale's.
    fn is_of_other_currency(&self, sale: u32, row: u32) -> bool {
        let theirs = self.theirs(row);
        let known = [self.books.account_currency, self.ours(sale).currency];
        theirs.is_cash && !known.contains(&theirs.unit)
    }

    /// Takes reversals in a currency that can't be compared as they are, and counts them.
    fn leave_unchecked(&mut self, group: &CommissionGroup<'_>, sale: u32) {
        for row in self.live(group.taken).into_owned() {
            let theirs = *self.theirs(row);
            let reason = UncheckedReason::OtherCurrency;
            self.tallies.add(reason, theirs.unit, theirs.amount_cents);
            let billed = self.matched(row).unwrap_or(sale);
            self.expect(row, theirs.promoter, Some(billed), theirs.amount_cents);
        }
    }

    /// Reports a sale for which nobody is paid, because that was denied.
    fn denied(
        &mut self,
        case: &Case<'_>,
        group: &CommissionGroup<'_>,
        sale: u32,
        main: u32,
    ) -> Option<EarnedCommission> {
        let theirs = *self.theirs(main);
        let due = self
            .due(group, sale, main, 0)
            .unwrap_or_else(|| self.due_by_itself(sale, main, theirs.amount_cents));
        let kept = EarnedCommission {
            pays: due.paid.map(|paid| paid.pays),
            ..self.missing(Some(main), theirs.promoter, due.cents)
        };
        let left = self.left_of(case, group, kept);
        if left == 0 {
            return None;
        }
        let (kind, message) = if self.has_unrefunded_part(case, sale) {
            (
                FindingKind::Denied,
                "the sale was not fully refunded, and its commission was denied",
            )
        } else {
            (
                FindingKind::TakenBackTooMuch,
                "the commission was denied, and the refund reversed it as well",
            )
        };
        self.push(PairFinding {
            kind,
            ours: sale,
            theirs: main,
            difference_cents: -left,
            concerned_cents: 0,
            expected_cents: Some(left),
            message: message.to_owned(),
        });
        self.expect(main, theirs.promoter, Some(sale), left);
        Some(kept)
    }

    /// Reports a sale of which there is no commission in a tier.
    fn missing_of(
        &mut self,
        case: &Case<'_>,
        group: &CommissionGroup<'_>,
        sale: u32,
        reversal: Option<u32>,
        why: &str,
    ) -> Option<EarnedCommission> {
        let ours = *self.ours(sale);
        let deals = self.owner(sale, group.tier, reversal);
        let (unit, is_cash) = reversal.map_or((self.books.account_currency, true), |row| {
            let theirs = self.theirs(row);
            (theirs.unit, theirs.is_cash)
        });
        let payment = self.payment(sale);
        let paid = is_cash
            .then(|| self.terms.pays(self.books, deals, payment))
            .flatten()
            .and_then(|paid| {
                let pays = self.in_unit(paid.pays, sale, unit)?;
                Some(Paid { pays, ..paid })
            });
        if let Some(reason) = paid
            .and_then(|paid| paid.open)
            .filter(|_| reversal.is_none())
        {
            self.tallies.add(reason, ours.currency, ours.amount_cents);
            return None;
        }
        let base = self.amount_in(sale, unit, is_cash, None);
        let reported = ours
            .commission_cents
            .filter(|_| group.tier == 1 && unit == self.books.account_currency);
        let worth = paid
            .zip(base)
            .map(|(paid, base)| self.terms.commission(paid.pays, base))
            .or(reported);
        let kept = EarnedCommission {
            pays: paid.map(|paid| paid.pays),
            ..self.missing(reversal, deals.promoter, worth.unwrap_or(0))
        };
        let left = self.left_of(case, group, kept);
        // What its reversals come to is a finding already.
        let is_said = worth.is_none() && reversal.is_some();
        if is_said || (worth.is_some() && left == 0) {
            return None;
        }
        self.drafts.push(FindingDraft {
            kind: FindingKind::SaleWithoutCommission,
            difference_cents: -left,
            concerned_cents: if worth.is_none() {
                ours.amount_cents
            } else {
                0
            },
            unit: if worth.is_some() { unit } else { ours.currency },
            ours: Some(sale),
            theirs: None,
            matched_by: None,
            expected_cents: worth.map(|_| left),
            message: why.to_owned(),
            because: self.promoter_name(deals.promoter),
        });
        if group.tier == 1 {
            self.owners.insert(sale, (deals.promoter, deals.campaign));
        }
        for (promoter, cents) in self.shares_of_missing(sale, deals, left) {
            let deals = TermsKey { promoter, ..deals };
            self.expect_unpaid(sale, deals, unit, cents);
        }
        Some(kept)
    }

    /// Returns whose a commission is that nobody has: of a lead that is shared, each one's part.
    fn shares_of_missing(&self, sale: u32, deals: TermsKey, cents: i64) -> Vec<(Code, i64)> {
        let shares = self.shares_of_lead(sale).filter(|shares| {
            deals.tier == 1
                && shares
                    .first()
                    .is_some_and(|(own, _)| *own == deals.promoter)
        });
        match shares {
            Some(shares) => self.parts_of(&shares, cents),
            None => vec![(deals.promoter, cents)],
        }
    }

    /// Reports a sale of which the first promoter has no commission, if somebody should have one.
    pub(super) fn nothing_earned(&mut self, case: &Case<'_>) -> Option<EarnedCommission> {
        let Some(sale) = case.sale else {
            self.refund_alone(case);
            return None;
        };
        if !self.has_unrefunded_part(case, sale) {
            return None;
        }
        if self.is_of_unread(case, sale) {
            return None;
        }
        let group = CommissionGroup::empty(1);
        let mut higher = case
            .commissions
            .iter()
            .map(|row| self.theirs(*row))
            .filter(|theirs| theirs.is_live() && !theirs.is_reversal());
        if let Some(theirs) = higher.find(|theirs| theirs.tier > 1) {
            let tier = theirs.tier;
            let why = format!("the sale has a commission of tier {tier}, and none of tier 1");
            return self.missing_of(case, &group, sale, None, &why);
        }
        let deals = self.owner(sale, 1, None);
        let referral = self.referrers.before(self.books, sale);
        let why = self.earns(sale, deals, referral)?;
        let is_shared = deals.promoter == 0 && referral.is_some();
        let why = if is_shared { SHARED } else { why };
        self.missing_of(case, &group, sale, None, why)
    }

    /// Returns a commission of a promoter that nobody has.
    pub(super) fn missing(
        &self,
        main: Option<u32>,
        promoter: Code,
        cents: i64,
    ) -> EarnedCommission {
        EarnedCommission {
            main,
            promoter,
            actual_cents: cents,
            due_cents: cents,
            lines: 1,
            is_paid: false,
            is_missing: true,
            pays: None,
            finding: None,
        }
    }

    /// Judges the reversals of a commission that nobody has. Returns what of it is due beside them: without the part of
    /// refunds that reversed nothing.
    pub(super) fn left_of(
        &mut self,
        case: &Case<'_>,
        group: &CommissionGroup<'_>,
        kept: EarnedCommission,
    ) -> i64 {
        self.parts.clear();
        self.undone = super::Undone::default();
        self.judge_reversals(case, group, Some(kept));
        kept.due_cents.saturating_add(self.undone.open_cents)
    }

    /// Returns whose a commission is that is missing, and of which campaign and plan: of a higher tier as its reversal
    /// says, else by the lead, the API's answer, the reversal, and the customer's other commissions.
    fn owner(&self, sale: u32, tier: u32, reversal: Option<u32>) -> TermsKey {
        let ours = *self.ours(sale);
        let reversal = reversal.map(|row| *self.theirs(row));
        let by_reversal = reversal.map_or(0, |row| row.promoter);
        let referral = self.referrers.before(self.books, sale);
        let by_commissions = referral.map_or(0, |(referral, _)| referral.promoter);
        let lead = self.lead_promoter(sale);
        let known = match tier {
            1 => [lead, ours.promoter, by_reversal, by_commissions],
            _ => [by_reversal, 0, 0, 0],
        };
        let promoter = known.into_iter().find(|code| *code != 0).unwrap_or(0);
        let of_lead = self
            .lead(sale)
            .filter(|lead| tier == 1 && lead.promoter == promoter && lead.campaign != 0);
        let campaign = match (referral, reversal) {
            _ if of_lead.is_some() => of_lead.map_or(0, |lead| lead.campaign),
            (Some((referral, _)), _) if tier == 1 && referral.promoter == promoter => {
                referral.campaign
            }
            (_, Some(reversal)) if reversal.promoter == promoter => reversal.campaign,
            _ => self.books.campaign_of(promoter).unwrap_or(0),
        };
        let plan_of_reversal = reversal.map_or(0, |row| row.plan);
        TermsKey {
            promoter,
            campaign,
            plan: if ours.plan == 0 {
                plan_of_reversal
            } else {
                ours.plan
            },
            tier,
        }
    }

    /// Returns the first reversal of a sale's commission that stands.
    pub(super) fn live_reversal(&self, rows: &[u32]) -> Option<u32> {
        let mut rows = rows.iter().copied();
        rows.find(|row| self.theirs(*row).is_live() && self.is_reversal(*row))
    }

    /// Returns why a sale without a commission should have one; `None` if it should not, or nobody knows.
    fn earns(
        &mut self,
        sale: u32,
        deals: TermsKey,
        referral: Option<(Referral, bool)>,
    ) -> Option<&'static str> {
        const TRACKED: &str = "the sale was tracked, and nobody has a commission for it";
        const LEAD: &str = "the customer is a lead, and nobody has a commission for this sale";
        const OTHERS: &str =
            "the customer's earlier sales have a commission, and this one has none";
        let ours = *self.ours(sale);
        let lead = self.lead(sale);
        match ours.outcome {
            Some(Outcome::Tracked | Outcome::AlreadyTracked) => return Some(TRACKED),
            // It was asked for and there was no lead: one that came later earns nothing.
            Some(Outcome::NonReferral) => {
                let since = lead.and_then(|lead| lead.created_ms).zip(ours.created_ms);
                return since
                    .is_some_and(|(lead, sale)| lead <= sale)
                    .then_some(LEAD);
            }
            Some(Outcome::Failed | Outcome::Unconfirmed) | None => {}
        }
        if lead.is_some_and(|lead| lead.is_closed) {
            let reason = UncheckedReason::LeadClosed;
            self.tallies.add(reason, ours.currency, ours.amount_cents);
            return None;
        }
        if lead.is_some_and(|lead| lead.is_by(ours.created_ms)) {
            return Some(LEAD);
        }
        let Some((_, is_between)) = referral else {
            let reason = match lead {
                Some(_) => Some(UncheckedReason::BeforeLead),
                None if !self.books.leads.is_empty() => None,
                None if self.referrers.is_later(self.books, sale) => {
                    Some(UncheckedReason::EarlierPayment)
                }
                None => Some(UncheckedReason::CustomerUnknown),
            };
            if let Some(reason) = reason {
                self.tallies.add(reason, ours.currency, ours.amount_cents);
            }
            return None;
        };
        let payment = self.payment(sale);
        let is_declared = self.terms.is_declared(self.books, deals, payment);
        // Without a rule, only a sale between others with a commission is known to earn one: nobody
        // knows for how many payments the campaign pays.
        if is_declared || (is_between && self.terms.is_known_to_earn(self.books, deals, payment)) {
            return Some(OTHERS);
        }
        let reason = UncheckedReason::LaterPayment;
        self.tallies.add(reason, ours.currency, ours.amount_cents);
        None
    }
}
