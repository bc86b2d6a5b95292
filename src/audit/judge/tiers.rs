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

/// Returns the only promoter of a sale's first tier; nothing where several share it.
fn first_of(books: &AuditData, rows: &[u32]) -> Option<Code> {
    let mut firsts = earned(books, rows).filter(|theirs| theirs.tier == 1);
    let first = firsts.next()?.promoter;
    firsts
        .all(|theirs| theirs.promoter == first)
        .then_some(first)
}

impl Judge<'_> {
    /// Judges who gets the commissions of a sale in higher tiers.
    pub(super) fn receivers(&mut self, case: &Case<'_>) {
        let (Some(sale), Some(first)) = (case.sale, first_of(self.books, case.commissions)) else {
            return;
        };
        for row in case.commissions.iter().copied() {
            let theirs = *self.theirs(row);
            if theirs.tier < 2 || !theirs.is_live() || self.is_reversal(row) {
                continue;
            }
            if theirs.promoter == first {
                self.tier_of_his_own(sale, row);
                continue;
            }
            let parent = self.books.parents.get(&first).copied();
            if let Some(parent) = parent.filter(|_| theirs.tier == 2) {
                if parent != theirs.promoter {
                    self.tier_of_another(sale, row, parent);
                }
                continue;
            }
            let upper = self.uppers.of(first, theirs.tier);
            let reason = if upper.is_some_and(|upper| upper.promoter == theirs.promoter) {
                UncheckedReason::TierUnproven
            } else {
                UncheckedReason::TierReceiver
            };
            self.tallies.add(reason, theirs.unit, theirs.amount_cents);
        }
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
        let message = format!(
            "the promoter's own promoter is `{}`, and `{}` has the commission of tier 2",
            self.promoter_name(parent),
            self.promoter_name(self.theirs(row).promoter)
        );
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
            let parent = self
                .books
                .parents
                .get(&kept.promoter)
                .copied()
                .filter(|_| tier == 2);
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
