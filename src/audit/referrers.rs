//! Finds the promoter who brought a customer, as far as commissions say it: whoever has one for a sale of the customer has
//! referred the customer from that sale on. A commission that was denied says it, too, where no other one of its sale stands.
//!
//! Without a list of leads nothing else says it. It is looked for only of customers of whom a sale has
//! no commission.

use polars::prelude::PlHashMap;

use super::books::{AuditData, Code, TheirRow};
use super::earlier::EarlierCommissions;
use super::grouped::{Grouped, index};
use super::matching::Matching;

/// A sale of a customer that has a commission, and whose that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Referral {
    pub(super) since_ms: i64,
    pub(super) promoter: Code,
    pub(super) campaign: Code,
}

/// The promoters of customers whose sales have no commission, by their other commissions.
#[derive(Default)]
pub(super) struct Referrers<'b> {
    by_key: PlHashMap<&'b str, Vec<Referral>>,
}

impl<'b> Referrers<'b> {
    pub(super) fn new(
        books: &'b AuditData,
        matching: &Matching,
        commissions: &Grouped,
        earlier: &EarlierCommissions<'b>,
    ) -> Self {
        let mut by_key: PlHashMap<&str, Vec<Referral>> = PlHashMap::default();
        for (row, ours) in books.ours.iter().enumerate() {
            let has_first = commissions.rows(row).iter().any(|row| {
                let theirs = &books.theirs[index(*row)];
                theirs.tier == 1 && !theirs.is_reversal()
            });
            if !ours.is_refund && !has_first {
                for key in keys(books, row).into_iter().flatten() {
                    by_key.entry(key).or_default();
                }
            }
        }
        if by_key.is_empty() {
            return Referrers { by_key };
        }
        for (theirs, matched) in books.theirs.iter().zip(&matching.billed) {
            let earned = theirs.tier == 1 && !theirs.is_reversal() && theirs.promoter != 0;
            let Some((sale, _)) = matched.filter(|_| earned) else {
                continue;
            };
            let sale = index(sale);
            if !keys(books, sale)
                .into_iter()
                .flatten()
                .any(|key| by_key.contains_key(key))
                || !is_of(books, commissions.rows(sale), theirs)
            {
                continue;
            }
            let since_ms = books.ours[sale].created_ms.or(theirs.created_ms);
            for key in keys(books, sale).into_iter().flatten() {
                if let (Some(known), Some(since_ms)) = (by_key.get_mut(key), since_ms) {
                    known.push(Referral {
                        since_ms,
                        promoter: theirs.promoter,
                        campaign: theirs.campaign,
                    });
                }
            }
        }
        for (key, row) in earlier.by_key() {
            let theirs = &books.theirs[index(row)];
            let known = by_key.get_mut(key).filter(|_| theirs.promoter != 0);
            if let (Some(known), Some(since_ms)) = (known, theirs.created_ms)
                && is_of(books, &earlier.of_event(books, row), theirs)
            {
                known.push(Referral {
                    since_ms,
                    promoter: theirs.promoter,
                    campaign: theirs.campaign,
                });
            }
        }
        by_key.retain(|_, known| !known.is_empty());
        for known in by_key.values_mut() {
            known.sort_unstable_by_key(|one| {
                (one.since_ms, one.promoter, books.campaign(one.campaign))
            });
        }
        Referrers { by_key }
    }

    /// Returns `true` if a customer has a commission, but none for a sale before this one.
    pub(super) fn is_later(&self, books: &AuditData, sale: u32) -> bool {
        let mut keys = keys(books, index(sale)).into_iter().flatten();
        self.before(books, sale).is_none() && keys.any(|key| self.by_key.contains_key(key))
    }

    /// Returns the last sale with a commission before a sale, and whether there is one after it. The promoter is 0
    /// where several share the commission.
    pub(super) fn before(&self, books: &AuditData, sale: u32) -> Option<(Referral, bool)> {
        let created_ms = books.ours[index(sale)].created_ms?;
        let keys = keys(books, index(sale));
        let known = keys
            .into_iter()
            .flatten()
            .find_map(|key| self.by_key.get(key))?;
        let later = known.partition_point(|one| one.since_ms <= created_ms);
        let last = *known.get(later.checked_sub(1)?)?;
        let mut same = known[..later].iter().rev();
        let is_shared = same
            .by_ref()
            .take_while(|one| one.since_ms == last.since_ms)
            .any(|one| one.promoter != last.promoter);
        let promoter = if is_shared { 0 } else { last.promoter };
        Some((Referral { promoter, ..last }, later < known.len()))
    }
}

/// Returns `true` if a commission says whose a sale is: no other one of its tier stands better. One that was taken back as a
/// whole, or denied, says it only where none is left.
fn is_of(books: &AuditData, rows: &[u32], theirs: &TheirRow) -> bool {
    let rows = rows.iter().map(|row| &books.theirs[index(*row)]);
    let of_tier = rows.filter(|own| own.tier == 1);
    let standing = |promoter: Code| {
        let live = of_tier
            .clone()
            .filter(|own| own.promoter == promoter)
            .filter(|own| own.is_live());
        let net_cents: i128 = live.clone().map(|own| i128::from(own.amount_cents)).sum();
        (net_cents > 0, live.clone().any(|own| !own.is_reversal()))
    };
    let own = standing(theirs.promoter);
    let own = (own.0, theirs.is_live() && own.1);
    let mut earned = of_tier.clone().filter(|own| !own.is_reversal());
    earned.all(|other| standing(other.promoter) <= own)
}

/// Returns the names by which a customer is known: the uid first.
fn keys(books: &AuditData, row: usize) -> [Option<&str>; 2] {
    [books.billed.uid.get(row), books.billed.email.get(row)]
}
