//! Judges how promoters share a commission: by the lead, which says it, or else by other commissions of the same customer.
//!
//! Where neither says it, only the list does, and that is said. What is missing of a shared commission, or too much, is
//! whose part it is as far as somebody knows; else nobody's.

use std::collections::HashMap;

use super::sale::is_near;
use super::{AuditData, Code, CommissionGroup, Grouped, Judge, PairFinding, index};
use crate::audit::FindingKind;
use crate::audit::unchecked::UncheckedReason;

/// Promoters and their parts in percent, or in money.
pub(super) type Parts = Vec<(Code, i64)>;

/// The shares of a customer's commissions, and how many sales have them.
type Known = Vec<(Parts, u32)>;

/// How the commissions of customers are shared, by the customer.
#[derive(Default)]
pub(super) struct SplitPatterns<'b> {
    known: HashMap<&'b str, Known>,
}

impl<'b> SplitPatterns<'b> {
    /// Learns from the commissions of each case that several promoters share.
    pub(super) fn new(books: &'b AuditData, commissions: &Grouped) -> Self {
        let mut patterns = SplitPatterns::default();
        for (case, ours) in books.ours.iter().enumerate() {
            let rows = commissions.rows(case);
            if ours.is_refund || rows.len() < 2 {
                continue;
            }
            let rows = rows.iter().map(|row| &books.theirs[index(*row)]);
            let earned = rows.filter(|own| own.tier == 1 && own.is_live() && !own.is_reversal());
            let parts = by_promoter(earned.map(|own| (own.promoter, own.amount_cents)));
            if let (true, Some(customer)) = (parts.len() > 1, customer(books, case)) {
                let known = patterns.known.entry(customer).or_default();
                let shares = in_percent(&parts);
                match known.iter_mut().find(|(own, _)| *own == shares) {
                    Some((_, sales)) => *sales += 1,
                    None => known.push((shares, 1)),
                }
            }
        }
        patterns
    }

    /// Returns the shares that most sales of a customer have, and more than one.
    fn of(&self, books: &AuditData, sale: u32) -> Option<&Parts> {
        let known = self.known.get(customer(books, index(sale))?)?;
        let (most, sales) = known.iter().max_by_key(|(_, sales)| sales)?;
        let equals = known.iter().filter(|(_, own)| own == sales).count();
        (*sales > 1 && equals == 1).then_some(most)
    }
}

fn customer(books: &AuditData, row: usize) -> Option<&str> {
    let (uid, email) = (&books.billed.uid, &books.billed.email);
    uid.get(row).or(email.get(row))
}

/// Adds amounts up by promoter.
fn by_promoter(amounts: impl Iterator<Item = (Code, i64)>) -> Parts {
    let mut parts = Parts::new();
    for (promoter, cents) in amounts {
        match parts.iter_mut().find(|(own, _)| *own == promoter) {
            Some((_, sum)) => *sum = sum.saturating_add(cents),
            None => parts.push((promoter, cents)),
        }
    }
    parts
}

/// Returns parts in whole percents of their sum, in the order of promoters.
fn in_percent(parts: &Parts) -> Parts {
    let all: i128 = parts.iter().map(|(_, cents)| i128::from(*cents)).sum();
    let percent = |cents: i64| {
        let hundred = (i128::from(cents) * 200 + all).checked_div(all * 2);
        hundred.and_then(|percent| i64::try_from(percent).ok())
    };
    let shares = parts.iter().map(|(own, cents)| (*own, percent(*cents)));
    let mut shares: Parts = shares
        .map(|(own, percent)| (own, percent.unwrap_or(0)))
        .collect();
    shares.sort_unstable();
    shares
}

/// The commissions of a sale that stand, and what is due for it.
pub(super) struct Shared<'k> {
    pub(super) sale: u32,
    pub(super) main: u32,
    pub(super) kept: &'k [u32],
    pub(super) actual_cents: i64,
    pub(super) due_cents: i64,
    /// `true` if somebody has them who has nothing to do with the lead: that is said already.
    pub(super) is_wrong: bool,
}

impl Judge<'_> {
    /// Returns the shares of a sale's lead in percent, its own promoter first; `None` if it has none, or one is unknown.
    pub(super) fn shares_of_lead(&self, sale: u32) -> Option<Parts> {
        let row = self.matching.lead.get(index(sale)).copied().flatten()?;
        let splits = self.books.splits.get(&row)?;
        let own = self.books.leads[index(row)].promoter;
        let rest = 100 - splits.iter().map(|(_, percent)| percent).sum::<i64>();
        let mut others = splits.iter();
        let is_known = others.all(|(code, percent)| *code != 0 && (0..=100).contains(percent));
        let first = (own != 0 && is_known && rest >= 0).then_some((own, rest));
        first.map(|first| [first].into_iter().chain(splits.iter().copied()).collect())
    }

    /// Returns the parts of an amount by shares in percent: the first one has what is left.
    pub(super) fn parts_of(&self, shares: &Parts, cents: i64) -> Parts {
        let others = shares.iter().skip(1);
        let others = others.map(|(own, percent)| (*own, self.terms.share(cents, *percent, 100)));
        let others: Parts = others.collect();
        let rest = cents - others.iter().map(|(_, part)| part).sum::<i64>();
        let first = shares.first().map(|(own, _)| (*own, rest));
        first.into_iter().chain(others).collect()
    }

    /// Judges who shares a commission, and returns the parts that each should have where those are others than he has.
    pub(super) fn shared(
        &mut self,
        group: &CommissionGroup<'_>,
        own: &Shared<'_>,
    ) -> Option<Parts> {
        if group.tier != 1 || !group.is_cash || !self.corrections.is_empty() {
            return None;
        }
        let rows = own.kept.iter().map(|row| self.theirs(*row));
        let has = by_promoter(rows.clone().map(|row| (row.promoter, row.amount_cents)));
        let is_split = has.len() > 1 || rows.clone().any(|row| row.is_split == Some(true));
        if let Some(shares) = self.shares_of_lead(own.sale) {
            return self.shared_by_lead(own, &has, &shares);
        }
        let lead = self.matching.lead.get(index(own.sale)).copied().flatten();
        let is_of_unknown = lead.is_some_and(|lead| self.books.splits.contains_key(&lead));
        if !is_split && !is_of_unknown {
            return None;
        }
        let pattern = self.patterns.of(self.books, own.sale).cloned();
        if is_near(own.actual_cents, own.due_cents, own.kept.len()) {
            let is_other = pattern.is_some_and(|pattern| pattern != in_percent(&has));
            let is_alone = own.kept.len() == 1;
            let reason = if lead.is_some() || is_other || is_alone {
                UncheckedReason::SplitDiffers
            } else {
                UncheckedReason::SplitUnproven
            };
            let unit = self.theirs(own.main).unit;
            self.tallies.add(reason, unit, own.actual_cents);
            return None;
        }
        let nobody = (0, own.due_cents - own.actual_cents);
        Some(match pattern {
            Some(pattern) => self.parts_of(&pattern, own.due_cents),
            None => has.into_iter().chain([nobody]).collect(),
        })
    }

    /// Compares what each promoter has of a commission with the shares of the lead.
    fn shared_by_lead(&mut self, own: &Shared<'_>, has: &Parts, shares: &Parts) -> Option<Parts> {
        let right = self.parts_of(shares, own.due_cents);
        let part = |parts: &Parts, promoter: Code| {
            let found = parts.iter().find(|(code, _)| *code == promoter);
            found.map_or(0, |(_, cents)| *cents)
        };
        let all: Vec<Code> = right.iter().chain(has).map(|(code, _)| *code).collect();
        let is_right = |code: &Code| is_near(part(has, *code), part(&right, *code), 2);
        if all.iter().all(is_right) {
            return None;
        }
        let over = has
            .iter()
            .map(|(code, cents)| (cents - part(&right, *code)).max(0));
        let under = right
            .iter()
            .map(|(code, cents)| (cents - part(has, *code)).max(0));
        let concerned_cents = over.sum::<i64>().min(under.sum());
        if concerned_cents > 0 && !own.is_wrong {
            let unit = self.theirs(own.main).unit;
            let words = |parts: &Parts| {
                let parts = parts.iter().map(|(code, cents)| {
                    format!(
                        "`{}` {}",
                        self.promoter_name(*code),
                        self.money(*cents, unit)
                    )
                });
                parts.collect::<Vec<_>>().join(", ")
            };
            let message = format!(
                "the lead is shared: due are {}, and paid are {}",
                words(&right),
                words(has)
            );
            let because = words(&right);
            let place = self.push(PairFinding {
                kind: FindingKind::WrongPromoter,
                ours: own.sale,
                theirs: own.main,
                difference_cents: 0,
                concerned_cents,
                expected_cents: None,
                message,
            });
            self.because(place, because);
        }
        Some(right)
    }
}
