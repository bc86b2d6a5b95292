//! Adds up the account of each promoter in a period: the opening balance, what was earned, reversed and
//! paid out, and the closing balance, by FirstPromoter's own lists.
//!
//! Approved commissions count by their own days, whatever sale they are for; pending and denied ones are
//! not earned. Payouts count on the day on which they were paid.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;

use super::{AuditRules, Commission, Period, Promoter, Status, Unit};

/// A payout, made or on its way.
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
    /// `true` if it was not made yet.
    pub is_open: bool,
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
    /// What the commissions of all time that say that they were paid out come to; absent where some do not say it.
    pub marked_paid_cents: Option<i128>,
    /// All payouts that were made, whatever the period.
    pub all_paid_cents: i128,
    /// `true` if it has an approved commission or a payout that was made.
    #[serde(skip)]
    has_moved: bool,
    /// The payouts that are on their way.
    #[serde(skip)]
    open_payout_cents: i128,
    /// The part of a balance below zero that findings explain: what was reversed or denied after it had been paid out.
    #[serde(skip)]
    explained_cents: i128,
}

impl Statement {
    /// Returns `true` if more was paid out than earned, and no reversal after a payout explains it.
    pub fn is_overdrawn(&self) -> bool {
        self.now_cents + self.explained_cents < 0
    }

    /// Returns `true` if the payouts are not what the commissions say was paid out; payouts on their way may be among
    /// those.
    pub fn is_paid_otherwise(&self) -> bool {
        self.marked_paid_cents.is_some_and(|marked| {
            let apart = marked - self.all_paid_cents;
            apart != 0 && apart != self.open_payout_cents
        })
    }

    /// Returns `true` if somebody has to look at the payouts.
    pub fn needs_attention(&self) -> bool {
        self.is_overdrawn() || self.is_paid_otherwise()
    }

    /// Adds what a commission says of its payout.
    fn mark(&mut self, own: &Commission) {
        let cents = i128::from(own.amount_cents);
        match own.is_paid {
            None => self.marked_paid_cents = None,
            Some(true) => {
                self.marked_paid_cents = self.marked_paid_cents.map(|sum| sum + cents);
                if own.status == Status::Denied {
                    self.explained_cents += cents.max(0);
                }
            }
            Some(false) if own.status == Status::Approved => {
                self.explained_cents += (-cents).max(0);
            }
            Some(false) => {}
        }
    }
}

/// The names of promoters, by whichever of their keys; who was merged or renamed has the new one.
struct AccountNames<'r> {
    rules: &'r AuditRules,
    by_key: HashMap<String, String>,
}

impl<'r> AccountNames<'r> {
    fn new<'p>(rules: &'r AuditRules, promoters: impl Iterator<Item = &'p Promoter>) -> Self {
        let mut by_key = HashMap::new();
        if !rules.aliases.is_empty() {
            for promoter in promoters {
                let name = promoter.name().unwrap_or_default().to_lowercase();
                for key in keys(promoter) {
                    by_key
                        .entry(key.to_lowercase())
                        .or_insert_with(|| name.clone());
                }
            }
        }
        AccountNames { rules, by_key }
    }

    fn name(&self, promoter: &Promoter) -> String {
        let mut keys = keys(promoter);
        match keys.find_map(|key| self.rules.alias_of(key)) {
            Some(new) => self.of_key(new),
            None => promoter.name().unwrap_or_default().to_lowercase(),
        }
    }

    /// Adds balances up by the names that count.
    fn balances(&self, balances: &BTreeMap<String, i128>) -> BTreeMap<String, i128> {
        let mut of_names = BTreeMap::new();
        for (name, cents) in balances {
            *of_names.entry(self.of_key(name)).or_default() += cents;
        }
        of_names
    }

    /// Returns the name of the promoter who has a key.
    fn of_key(&self, key: &str) -> String {
        let key = self.rules.alias_of(key).unwrap_or(key).to_lowercase();
        self.by_key.get(&key).cloned().unwrap_or(key)
    }
}

fn keys(promoter: &Promoter) -> impl Iterator<Item = &str> {
    let keys = [&promoter.id, &promoter.email, &promoter.ref_id];
    keys.into_iter().filter_map(|key| key.as_deref())
}

/// Adds the accounts up, by promoter and currency. `balances` are FirstPromoter's own, by the promoter's
/// name, in the account's currency.
pub fn statements(
    commissions: &[Commission],
    payouts: &[Payout],
    balances: &BTreeMap<String, i128>,
    account_currency: &str,
    rules: &AuditRules,
    period: Period,
) -> Vec<Statement> {
    let zone = &rules.zone;
    let promoters = commissions.iter().map(|own| &own.promoter);
    let promoters = promoters.chain(payouts.iter().map(|own| &own.promoter));
    let names = AccountNames::new(rules, promoters);
    let of_names = names.balances(balances);
    let mut all: BTreeMap<(String, String), Statement> = BTreeMap::new();
    let place = |at: Option<Timestamp>| match at.map(|at| zone.to_datetime(at).date()) {
        // What has no date was there before.
        None if period.from.is_some() => DayPosition::Before,
        None => DayPosition::Within,
        Some(day) if period.from.is_some_and(|from| day < from) => DayPosition::Before,
        Some(day) if period.to.is_some_and(|to| to < day) => DayPosition::After,
        Some(_) => DayPosition::Within,
    };
    let key = |promoter: &Promoter, unit: &Unit| (names.name(promoter), unit.to_string());
    for own in commissions {
        let cents = i128::from(own.amount_cents);
        let account = all
            .entry(key(&own.promoter, &own.unit))
            .or_insert_with(|| Statement {
                marked_paid_cents: Some(0),
                ..Statement::default()
            });
        account.mark(own);
        if own.status != Status::Approved {
            continue;
        }
        account.has_moved = true;
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
        if payout.is_open {
            account.open_payout_cents += cents;
            continue;
        }
        account.has_moved = true;
        account.now_cents -= cents;
        account.all_paid_cents += cents;
        match place(payout.paid_at) {
            DayPosition::Before => account.opening_cents -= cents,
            DayPosition::Within => account.paid_cents += cents,
            DayPosition::After => {}
        }
    }
    let is_told = |account: &Statement| account.has_moved || account.needs_attention();
    let accounts = all.into_iter().filter(|(_, account)| is_told(account));
    let accounts = accounts.map(|((promoter, currency), account)| {
        let balance = of_names.get(&promoter).copied();
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
