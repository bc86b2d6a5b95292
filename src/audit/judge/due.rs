//! Says what commission is due for a sale, and of which amount.

use super::{CommissionGroup, Judge};
use crate::audit::books::{Code, TheirRow};
use crate::audit::expected::{Paid, TermsKey};
use crate::audit::rules::CommissionRate;

/// The share that may lie between the rate by which the API converted a sale and the user's own.
const RATE_ALLOWANCE_PERCENT: i128 = 5;

/// The commission that a sale should earn.
pub(super) struct Due {
    pub(super) paid: Option<Paid>,
    /// The commission for the amount that was billed.
    pub(super) cents: i64,
    /// The commission for the amount that FirstPromoter has.
    pub(super) of_theirs_cents: i64,
    /// The amounts of both sides, if they differ.
    pub(super) amounts: Option<(i64, i64)>,
    /// The amount of the sale of which it is a share.
    pub(super) base_cents: i64,
}

impl Judge<'_> {
    /// Returns what the rules pay for a sale in a tier, in the unit of a commission; `None` where nobody knows.
    pub(super) fn pays_of(
        &mut self,
        group: &CommissionGroup<'_>,
        theirs: &TheirRow,
        promoter: Code,
        billed: u32,
    ) -> Option<Paid> {
        let plan = self.ours(billed).plan;
        let lead = self.lead(billed);
        let of_lead = lead.filter(|lead| {
            group.tier == 1 && lead.promoter == promoter && promoter != theirs.promoter
        });
        let of_lead = of_lead.map_or(0, |lead| lead.campaign);
        let deals = TermsKey {
            promoter,
            // Who should have it may be in another campaign.
            campaign: if of_lead == 0 {
                theirs.campaign
            } else {
                of_lead
            },
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
        let in_account = ours
            .account_cents
            .or(ours.estimated_cents)
            .filter(|cents| *cents > 0 && unit == ours.currency);
        pays.converted(|cents| Some(self.terms.share(cents, ours.amount_cents, in_account?)))
    }

    /// Returns the commission that is due for the sale under a promoter: the lead's, or else the commission's.
    pub(super) fn due(
        &mut self,
        group: &CommissionGroup<'_>,
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
        let amounts = match (in_unit, of_unit, self.reported_amount(sale, main)) {
            (Some(ours), Some(theirs), _) => (ours, theirs),
            (None, _, Some(reported)) => (ours.amount_cents, reported),
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
            (Some((ours, reported)), None) => self.terms.share(of_theirs_cents, ours, reported),
        };
        Some(Due {
            paid,
            cents,
            of_theirs_cents,
            amounts: differ,
            base_cents: in_unit.unwrap_or(of_theirs),
        })
    }

    /// Returns the amount of the sale as it was reported to FirstPromoter, in the currency of our sale.
    fn reported_amount(&self, sale: u32, main: u32) -> Option<i64> {
        let reported = self.books.commissions.original_sale(super::index(main))?;
        let currency = self.books.names.name(self.ours(sale).currency);
        (currency == Some(reported.currency.code())).then_some(reported.amount_cents)
    }

    /// Returns our amount of a sale in the currency of a commission, if both can be compared: as it was
    /// billed, as it was converted, or, where the API converted by a rate near the user's, as they have it.
    pub(super) fn comparable(&self, sale: u32, main: u32) -> Option<i64> {
        let theirs = self.theirs(main);
        self.amount_in(sale, theirs.unit, theirs.is_cash, theirs.sale_cents)
    }

    /// Returns our amount of a sale in a unit, as far as it is known; `reported_cents` is the amount that they have.
    pub(super) fn amount_in(
        &self,
        sale: u32,
        unit: Code,
        is_cash: bool,
        reported_cents: Option<i64>,
    ) -> Option<i64> {
        let ours = self.ours(sale);
        if unit != self.books.account_currency && is_cash {
            return (unit == ours.currency).then_some(ours.amount_cents);
        }
        ours.account_cents.or_else(|| {
            let estimated = ours.estimated_cents?;
            let near = reported_cents.filter(|cents| is_near_rate(*cents, estimated));
            Some(near.unwrap_or(estimated))
        })
    }

    /// Returns `true` if FirstPromoter converted a sale by another rate than the user's that is near it.
    pub(super) fn is_converted_nearby(&self, sale: u32, main: u32) -> bool {
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
        let amounts = self
            .comparable(sale, main)
            .zip(theirs.sale_cents)
            .filter(|(ours, theirs)| ours != theirs);
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
}

/// Returns `true` if the API may have converted an amount by a rate that is near the user's. One minor unit may be
/// rounding, however small the amount is.
pub(super) fn is_near_rate(cents: i64, estimated_cents: i64) -> bool {
    let apart = i128::from(cents.abs_diff(estimated_cents));
    apart <= 1 || apart * 100 <= i128::from(estimated_cents) * RATE_ALLOWANCE_PERCENT
}
