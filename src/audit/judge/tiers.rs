//! Higher tiers: what a promoter's own promoter should have of a sale, where a rule says so.
//!
//! Nothing but the commissions says who a promoter's promoter is: it is who got the commissions of that
//! tier for other sales of the same promoter, from the first of them on. Where several did, nobody knows.

use polars::prelude::PlHashMap;

use super::{AuditData, Case, Draft, EarnedCommission, Group, Grouped, Judge, index};
use crate::audit::books::Code;
use crate::audit::expected::TermsKey;
use crate::audit::{FindingKind, Rules};

/// The promoter who gets the commissions of a tier, and the sale from which on.
#[derive(Clone, Copy)]
struct Upper {
    promoter: Code,
    since_ms: i64,
}

/// The promoters of higher tiers, by promoter and tier; `None` if several got them.
#[derive(Default)]
pub(super) struct UpperTiers {
    tiers: Vec<u32>,
    known: PlHashMap<(Code, u32), Option<Upper>>,
}

impl UpperTiers {
    /// Learns from the commissions of each case. Without rules for higher tiers there is nothing to learn.
    pub(super) fn new(books: &AuditData, commissions: &Grouped, rules: &Rules) -> UpperTiers {
        let mut uppers = UpperTiers {
            tiers: rules.higher_tiers(),
            known: PlHashMap::default(),
        };
        if uppers.tiers.is_empty() {
            return uppers;
        }
        for (case, ours) in books.ours.iter().enumerate() {
            let rows = commissions.rows(case).iter();
            let rows = rows.map(|row| &books.theirs[index(*row)]);
            let earned = rows.filter(|theirs| theirs.is_live() && !theirs.takes_back());
            let firsts = earned.clone().filter(|theirs| theirs.tier == 1);
            let Some(first) = firsts.min_by_key(|theirs| (theirs.created_ms, theirs.promoter))
            else {
                continue;
            };
            let Some(since_ms) = ours.created_ms else {
                continue;
            };
            for theirs in earned.filter(|theirs| theirs.tier > 1) {
                uppers.learn((first.promoter, theirs.tier), theirs.promoter, since_ms);
            }
        }
        uppers
    }

    fn learn(&mut self, of: (Code, u32), promoter: Code, since_ms: i64) {
        let known = self
            .known
            .entry(of)
            .or_insert(Some(Upper { promoter, since_ms }));
        *known = known
            .filter(|upper| upper.promoter == promoter)
            .map(|upper| Upper {
                since_ms: upper.since_ms.min(since_ms),
                ..upper
            });
    }
}

impl Judge<'_> {
    /// Finds the tiers of which a sale has no commission at all, though a rule says that one is due.
    pub(super) fn higher_tiers(&mut self, case: &Case<'_>, kept: EarnedCommission) {
        let Some(sale) = case.sale else { return };
        let uppers = self.uppers;
        for tier in uppers.tiers.iter().copied() {
            let mut commissions = case.commissions.iter();
            if commissions.any(|row| self.theirs(*row).tier == tier) {
                continue;
            }
            let upper = uppers.known.get(&(kept.promoter, tier)).copied().flatten();
            let since = |upper: &Upper| {
                let created_ms = self.ours(sale).created_ms;
                created_ms.is_some_and(|created_ms| upper.since_ms <= created_ms)
            };
            if let Some(upper) = upper.filter(since) {
                self.tier_missing(case, sale, kept, tier, upper.promoter);
            }
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
        if !self.sale_stands(case, sale) {
            return;
        }
        let ours = *self.ours(sale);
        let first = kept.main.map(|main| *self.theirs(main));
        let campaign = first.map(|theirs| theirs.campaign);
        let campaign = campaign.or_else(|| self.books.campaign_of(kept.promoter));
        let deals = TermsKey {
            promoter,
            campaign: campaign.unwrap_or(0),
            plan: if ours.plan == 0 {
                first.map_or(0, |theirs| theirs.plan)
            } else {
                ours.plan
            },
            tier,
        };
        let payment = self.payment(sale);
        let Some(pays) = self.terms.declared(self.books, deals, payment) else {
            return;
        };
        let told = first.and_then(|theirs| theirs.sale_cents);
        let base = ours.account_cents.or(told.filter(|_| !kept.is_missing));
        let Some(base) = base.or(ours.estimated_cents) else {
            return;
        };
        let due = EarnedCommission {
            pays: Some(pays),
            ..self.missing(None, promoter, self.terms.commission(pays, base))
        };
        let left = self.left_of(case, &Group::empty(tier), due);
        if left == 0 {
            return;
        }
        let name = self.promoter_name(promoter);
        self.drafts.push(Draft {
            kind: FindingKind::SaleWithoutCommission,
            difference_cents: -left,
            concerned_cents: 0,
            unit: self.books.account_currency,
            ours: Some(sale),
            theirs: None,
            matched_by: None,
            expected_cents: Some(left),
            message: format!(
                "the sale has no commission of tier {tier}, and a rule says that `{name}` has one"
            ),
        });
        self.expect_unpaid(sale, deals, self.books.account_currency, left);
    }
}
