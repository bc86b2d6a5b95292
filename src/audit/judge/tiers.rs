//! Higher tiers: what a promoter's own promoter should have of a sale, where a rule says so.
//!
//! Some lists say who a promoter's own promoter is. Else only the commissions do: it is who got most commissions of that
//! tier for other sales of the same promoter. Then a receiver is only as sure as the others agree with it. It is never the
//! promoter of the sale.

use polars::prelude::PlHashMap;

use super::{
    AuditData, Case, CommissionGroup, EarnedCommission, FindingDraft, Grouped, Judge, PairFinding,
    index,
};
use crate::audit::books::{Code, TheirRow};
use crate::audit::expected::TermsKey;
use crate::audit::rules::CommissionRate;
use crate::audit::unchecked::UncheckedReason;
use crate::audit::{AuditRules, FindingKind};

/// A promoter who gets commissions of a tier for the sales of another one.
#[derive(Clone, Copy)]
struct Upper {
    promoter: Code,
    commissions: u64,
    /// The time of the first of these sales.
    since_ms: i64,
}

/// The promoters who get commissions of higher tiers, by the promoter of the sale and the tier.
#[derive(Default)]
pub(super) struct UpperTiers {
    /// The tiers for which there are rules.
    tiers: Vec<u32>,
    known: PlHashMap<(Code, u32), Vec<Upper>>,
}

impl UpperTiers {
    /// Learns from the commissions of each case.
    pub(super) fn new(books: &AuditData, commissions: &Grouped, rules: &AuditRules) -> UpperTiers {
        let mut uppers = UpperTiers {
            tiers: rules.higher_tiers(),
            known: PlHashMap::default(),
        };
        if !books.theirs.iter().any(|theirs| theirs.tier > 1) {
            return uppers;
        }
        for (case, ours) in books.ours.iter().enumerate() {
            let Some((first, since_ms)) =
                first_of(books, commissions.rows(case)).zip(ours.created_ms)
            else {
                continue;
            };
            for theirs in earned(books, commissions.rows(case)).filter(|theirs| theirs.tier > 1) {
                if theirs.promoter != first {
                    uppers.learn((first, theirs.tier), theirs.promoter, since_ms);
                }
            }
        }
        uppers
    }

    fn learn(&mut self, of: (Code, u32), promoter: Code, since_ms: i64) {
        let known = self.known.entry(of).or_default();
        match known.iter_mut().find(|upper| upper.promoter == promoter) {
            Some(upper) => {
                upper.commissions += 1;
                upper.since_ms = upper.since_ms.min(since_ms);
            }
            None => known.push(Upper {
                promoter,
                commissions: 1,
                since_ms,
            }),
        }
    }

    /// Returns since which sale a promoter gets commissions of a tier for the sales of another one.
    fn since(&self, of: Code, tier: u32, promoter: Code) -> Option<i64> {
        let mut known = self.known.get(&(of, tier))?.iter();
        known
            .find(|upper| upper.promoter == promoter)
            .map(|upper| upper.since_ms)
    }

    /// Returns who gets most commissions of a tier for the sales of a promoter, and since when anybody gets them; the
    /// promoter is 0 where several get as many.
    fn of(&self, promoter: Code, tier: u32) -> Option<Upper> {
        let known = self.known.get(&(promoter, tier))?;
        let most = known.iter().max_by_key(|upper| upper.commissions)?;
        let mut equals = known.iter();
        let is_only =
            !equals.any(|own| own.commissions == most.commissions && own.promoter != most.promoter);
        Some(Upper {
            promoter: if is_only { most.promoter } else { 0 },
            since_ms: known.iter().map(|own| own.since_ms).min()?,
            ..*most
        })
    }
}

/// Returns the commissions of some rows that stand and reverse nothing.
fn earned<'b>(books: &'b AuditData, rows: &'b [u32]) -> impl Iterator<Item = &'b TheirRow> {
    let rows = rows.iter().map(|row| &books.theirs[index(*row)]);
    rows.filter(|theirs| theirs.is_live() && !theirs.is_reversal())
}

/// Returns the promoters of a sale's first tier, each once.
fn firsts_of(books: &AuditData, rows: &[u32]) -> Vec<Code> {
    let firsts = earned(books, rows).filter(|theirs| theirs.tier == 1);
    let mut firsts: Vec<Code> = firsts.map(|theirs| theirs.promoter).collect();
    firsts.sort_unstable();
    firsts.dedup();
    firsts
}

/// Returns the only promoter of a sale's first tier; nothing where several share it.
fn first_of(books: &AuditData, rows: &[u32]) -> Option<Code> {
    match *firsts_of(books, rows) {
        [first] => Some(first),
        _ => None,
    }
}

impl Judge<'_> {
    /// Judges who gets the commissions of a sale in higher tiers.
    pub(super) fn receivers(&mut self, case: &Case<'_>) {
        let Some(sale) = case.sale else { return };
        let firsts = firsts_of(self.books, case.commissions);
        if firsts.is_empty() {
            return;
        }
        for row in case.commissions.iter().copied() {
            let theirs = *self.theirs(row);
            if theirs.tier < 2 || !theirs.is_live() || self.is_reversal(row) {
                continue;
            }
            self.receiver_of_tier(sale, row, &firsts);
        }
    }

    /// Judges who gets a commission of a higher tier: of a sale that several promoters share, the own promoter of one.
    fn receiver_of_tier(&mut self, sale: u32, row: u32, firsts: &[Code]) {
        let theirs = *self.theirs(row);
        let parents = firsts.iter().map(|first| self.books.parents.get(first));
        let parents: Vec<Option<Code>> = parents.map(|parent| parent.copied()).collect();
        let is_second = theirs.tier == 2;
        if is_second && theirs.promoter != 0 && parents.contains(&Some(theirs.promoter)) {
            return;
        }
        if firsts.contains(&theirs.promoter) {
            return self.tier_of_his_own(sale, row);
        }
        let only = match parents.first() {
            Some(Some(parent)) if parents.iter().all(|own| own == &Some(*parent)) => Some(*parent),
            _ => None,
        };
        let created_ms = self.ours(sale).created_ms;
        let mut since = firsts
            .iter()
            .filter_map(|first| self.uppers.since(*first, theirs.tier, only?));
        // A promoter may have got another one of his own since.
        let may_be_new = since.any(|since_ms| created_ms.is_some_and(|ms| ms < since_ms));
        if is_second && parents.iter().all(Option::is_some) && !may_be_new {
            return self.tier_of_another(sale, row, only.unwrap_or(0));
        }
        let uppers = firsts.iter();
        let mut uppers = uppers.filter_map(|first| self.uppers.of(*first, theirs.tier));
        let is_proven_by_list = uppers.any(|upper| upper.promoter == theirs.promoter);
        let reason = if is_proven_by_list && !may_be_new {
            UncheckedReason::TierUnproven
        } else {
            UncheckedReason::TierReceiver
        };
        self.tallies.add(reason, theirs.unit, theirs.amount_cents);
    }

    /// Reports a commission of a higher tier that the promoter of the sale gets.
    fn tier_of_his_own(&mut self, sale: u32, row: u32) {
        let theirs = *self.theirs(row);
        let message = format!(
            "the commission of tier {} goes to `{}`, who is the promoter of the sale itself",
            theirs.tier,
            self.promoter_name(theirs.promoter)
        );
        self.wrong_receiver(sale, row, message);
    }

    /// Reports a commission of the second tier that another promoter gets than the promoter's own.
    fn tier_of_another(&mut self, sale: u32, row: u32, parent: Code) {
        let has = self.promoter_name(self.theirs(row).promoter);
        let message = match self.promoter_name(parent) {
            own if parent != 0 => format!(
                "the promoter's own promoter is `{own}`, and `{has}` has the commission of tier 2"
            ),
            _ => format!(
                "`{has}` has the commission of tier 2, and is not the own promoter of anybody who has the sale"
            ),
        };
        let place = self.wrong_receiver(sale, row, message);
        self.because(place, self.promoter_name(parent));
    }

    fn wrong_receiver(&mut self, sale: u32, row: u32, message: String) -> usize {
        let concerned_cents = self.theirs(row).amount_cents;
        self.push(PairFinding {
            kind: FindingKind::WrongPromoter,
            ours: sale,
            theirs: row,
            difference_cents: 0,
            concerned_cents,
            expected_cents: None,
            message,
        })
    }

    /// Finds the tiers of which a sale has no commission at all, though a rule says that one is due.
    pub(super) fn higher_tiers(&mut self, case: &Case<'_>, kept: EarnedCommission) {
        let Some(sale) = case.sale else { return };
        let uppers = self.uppers;
        for tier in uppers.tiers.iter().copied() {
            let mut commissions = case.commissions.iter();
            if commissions.any(|row| self.theirs(*row).tier == tier) {
                continue;
            }
            let created_ms = self.ours(sale).created_ms;
            let parent = self.books.parents.get(&kept.promoter).copied();
            let parent = parent.filter(|_| tier == 2);
            if parent == Some(0) {
                continue;
            }
            let reason = match uppers.of(kept.promoter, tier) {
                Some(upper) if created_ms.is_some_and(|ms| upper.since_ms <= ms) => {
                    let promoter = parent.unwrap_or(upper.promoter);
                    self.tier_missing(case, sale, kept, tier, promoter);
                    continue;
                }
                // A promoter may have got one later.
                Some(_) => UncheckedReason::TierEarlier,
                None if parent.is_some() => UncheckedReason::TierEarlier,
                None => UncheckedReason::TierUnknown,
            };
            let ours = *self.ours(sale);
            let deals = self.deals_of_tier(sale, kept, tier, 0);
            let payment = self.payment(sale);
            let pays = self.terms.declared(self.books, deals, payment);
            let is_due = pays.is_some_and(|pays| pays != CommissionRate::Fixed(0));
            if is_due && self.has_unrefunded_part(case, sale) {
                self.tallies.add(reason, ours.currency, ours.amount_cents);
            }
        }
    }

    /// Returns by what the commission of a sale in a higher tier is known.
    fn deals_of_tier(
        &self,
        sale: u32,
        kept: EarnedCommission,
        tier: u32,
        promoter: Code,
    ) -> TermsKey {
        let ours = *self.ours(sale);
        let first = kept.main.map(|main| *self.theirs(main));
        let campaign = first
            .map(|theirs| theirs.campaign)
            .or_else(|| self.books.campaign_of(kept.promoter));
        TermsKey {
            promoter,
            campaign: campaign.unwrap_or(0),
            plan: if ours.plan == 0 {
                first.map_or(0, |theirs| theirs.plan)
            } else {
                ours.plan
            },
            tier,
        }
    }

    fn tier_missing(
        &mut self,
        case: &Case<'_>,
        sale: u32,
        kept: EarnedCommission,
        tier: u32,
        promoter: Code,
    ) {
        if !self.has_unrefunded_part(case, sale) {
            return;
        }
        let ours = *self.ours(sale);
        let first = kept.main.map(|main| *self.theirs(main));
        let deals = self.deals_of_tier(sale, kept, tier, promoter);
        let payment = self.payment(sale);
        let Some(pays) = self.terms.declared(self.books, deals, payment) else {
            return;
        };
        let reported = first.and_then(|theirs| theirs.sale_cents);
        let base = ours.account_cents.or(reported.filter(|_| !kept.is_missing));
        let Some(base) = base.or(ours.estimated_cents) else {
            return;
        };
        let due = EarnedCommission {
            pays: Some(pays),
            ..self.missing(None, promoter, self.terms.commission(pays, base))
        };
        let left = self.left_of(case, &CommissionGroup::empty(tier), due);
        if left == 0 {
            return;
        }
        let name = match promoter {
            0 => "the promoter's own promoter".to_owned(),
            promoter => format!("`{}`", self.promoter_name(promoter)),
        };
        self.drafts.push(FindingDraft {
            kind: FindingKind::SaleWithoutCommission,
            difference_cents: -left,
            concerned_cents: 0,
            unit: self.books.account_currency,
            ours: Some(sale),
            theirs: None,
            matched_by: None,
            expected_cents: Some(left),
            message: format!(
                "the sale has no commission of tier {tier}, and a rule says that {name} has one"
            ),
            because: format!("{tier} {name}"),
        });
        self.expect_unpaid(sale, deals, self.books.account_currency, left);
    }
}
