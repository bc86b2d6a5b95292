//! Adds up the account of each promoter in a period: the opening balance, what was earned, reversed and
//! paid out, and the closing balance, by FirstPromoter's own lists.
//!
//! Approved commissions count by their own days, whatever sale they are for; pending and denied ones are
//! not earned. Payouts count on the day on which they were paid.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{Commission, Promoter, Status, Unit, ZonedPeriod};

/// A payout that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    /// The promoter who got it.
    pub promoter: Promoter,
    /// The unit in which it was paid.
    pub unit: Unit,
    /// The amount.
    pub amount_cents: i64,
    /// The time when it was paid.
    pub paid_at: Option<Timestamp>,
}

/// The account of one promoter in one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// The promoter.
    pub promoter: String,
    /// The currency, or the unit of what is not money.
    pub currency: String,
    /// The opening balance: earned and not paid out before the period.
    pub opening_cents: i128,
    /// The commissions that were earned in the period.
    pub earned_cents: i128,
    /// The commissions that refunds reversed in the period, positive.
    pub reversed_cents: i128,
    /// The payouts of the period.
    pub paid_cents: i128,
    /// The closing balance: opening + earned - reversed - paid out.
    pub closing_cents: i128,
    /// The closing balance of all time until the lists were read, whatever the period.
    pub now_cents: i128,
    /// FirstPromoter's own balance of the promoter, if the API gives it.
    pub balance_cents: Option<i128>,
    /// `true` if that is the balance of the lists; absent if the API gives no balance.
    pub ties: Option<bool>,
}

impl Statement {
    /// Returns `true` if more was paid out than earned, by these lists, and FirstPromoter's balance is another one: a
    /// balance that is only another may be newer than the lists.
    pub fn is_overdrawn(&self) -> bool {
        self.ties == Some(false) && self.now_cents < 0
    }
}

/// Adds the accounts up, by promoter and currency. `balances` are FirstPromoter's own, by the promoter's
/// name, in the account's currency.
pub fn statements(
    commissions: &[Commission],
    payouts: &[Payout],
    balances: &BTreeMap<String, i128>,
    account_currency: &str,
    ZonedPeriod { period, zone }: ZonedPeriod<'_>,
) -> Vec<Statement> {
    let mut all: BTreeMap<(String, String), Statement> = BTreeMap::new();
    let place = |at: Option<Timestamp>| match at.map(|at| zone.to_datetime(at).date()) {
        // What has no date was there before.
        None if period.from.is_some() => DayPosition::Before,
        None => DayPosition::Within,
        Some(day) if period.from.is_some_and(|from| day < from) => DayPosition::Before,
        Some(day) if period.to.is_some_and(|to| to < day) => DayPosition::After,
        Some(_) => DayPosition::Within,
    };
    let key = |promoter: &Promoter, unit: &Unit| {
        let name = promoter.name().unwrap_or_default().to_lowercase();
        (name, unit.to_string())
    };
    let approved = commissions
        .iter()
        .filter(|own| own.status == Status::Approved);
    for own in approved {
        let cents = i128::from(own.amount_cents);
        let account = all.entry(key(&own.promoter, &own.unit)).or_default();
        account.now_cents += cents;
        match place(own.created_at) {
            DayPosition::Before => account.opening_cents += cents,
            DayPosition::Within if cents >= 0 => account.earned_cents += cents,
            DayPosition::Within => account.reversed_cents -= cents,
            DayPosition::After => {}
        }
    }
    for payout in payouts {
        let cents = i128::from(payout.amount_cents);
        let account = all.entry(key(&payout.promoter, &payout.unit)).or_default();
        account.now_cents -= cents;
        match place(payout.paid_at) {
            DayPosition::Before => account.opening_cents -= cents,
            DayPosition::Within => account.paid_cents += cents,
            DayPosition::After => {}
        }
    }
    let accounts = all.into_iter().map(|((promoter, currency), account)| {
        let balance = balances.get(&promoter).copied();
        let balance_cents = balance.filter(|_| currency == account_currency);
        Statement {
            closing_cents: account.opening_cents + account.earned_cents
                - account.reversed_cents
                - account.paid_cents,
            ties: balance_cents.map(|balance| balance == account.now_cents),
            balance_cents,
            promoter,
            currency,
            ..account
        }
    });
    accounts.collect()
}

/// The position of a day in relation to the period.
enum DayPosition {
    Before,
    Within,
    After,
}
