//! Defines the unit in which the API takes an amount, where the account's unit differs from that of ISO 4217.

use std::collections::BTreeMap;

use super::{Currency, Money};

/// Holds how many decimals the API takes of some currencies. Of the others it takes [`Currency::api_digits`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decimals(BTreeMap<Currency, u32>);

impl Decimals {
    /// The largest number of decimals that any currency has.
    pub const MOST: u32 = 3;

    /// Sets how many decimals the API takes of a currency, up to [`Decimals::MOST`].
    pub fn set(&mut self, currency: Currency, digits: u32) {
        self.0.insert(currency, digits.min(Self::MOST));
    }

    /// Returns these decimals, and after them one for each number of decimals that this currency may have.
    pub(crate) fn with_others(&self, currency: Option<Currency>) -> Vec<Decimals> {
        let mut all = vec![self.clone()];
        let Some(currency) = currency else {
            return all;
        };
        for digits in 0..=Self::MOST {
            let mut other = self.clone();
            other.set(currency, digits);
            all.push(other);
        }
        all
    }

    /// Returns `true` if the decimals of this currency are set.
    pub fn are_set(&self, currency: Currency) -> bool {
        self.0.contains_key(&currency)
    }

    /// Returns the number that the API is sent for an amount: 5000 ISK are 500000 where it takes two
    /// decimals. Decimals that the API does not take are cut; see [`Decimals::is_exact`].
    pub fn sent(&self, money: Money) -> i64 {
        let Some(&digits) = self.0.get(&money.currency) else {
            return money.amount_cents;
        };
        let own = money.currency.api_digits();
        if digits >= own {
            money.amount_cents.saturating_mul(power(digits - own))
        } else {
            money.amount_cents / power(own - digits)
        }
    }

    /// Returns `true` if the amount can be sent to its last decimal.
    pub fn is_exact(&self, money: Money) -> bool {
        let Some(&digits) = self.0.get(&money.currency) else {
            return true;
        };
        let own = money.currency.api_digits();
        if digits >= own {
            money
                .amount_cents
                .checked_mul(power(digits - own))
                .is_some()
        } else {
            money.amount_cents % power(own - digits) == 0
        }
    }
}

fn power(digits: u32) -> i64 {
    10_i64.pow(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount_cents: i64, code: &str) -> Money {
        Money {
            amount_cents,
            currency: Currency::from_code(code).unwrap(),
        }
    }

    #[test]
    fn what_is_sent_is_the_amount_in_the_units_that_are_set() {
        let mut decimals = Decimals::default();
        for (code, digits) in [("ISK", 2), ("MGA", 0), ("KWD", 3), ("USD", 2)] {
            decimals.set(Currency::from_code(code).unwrap(), digits);
        }
        for (amount, sent, is_exact) in [
            (money(5000, "ISK"), 500_000, true),
            (money(1000, "MGA"), 10, true),
            (money(1050, "MGA"), 10, false),
            (money(123, "KWD"), 1230, true),
            (money(800, "USD"), 800, true),
            (money(800, "JPY"), 800, true),
            (money(i64::MAX, "ISK"), i64::MAX, false),
        ] {
            assert_eq!(decimals.sent(amount), sent, "{amount}");
            assert_eq!(decimals.is_exact(amount), is_exact, "{amount}");
        }
    }
}
