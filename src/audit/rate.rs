//! Rates as integers, and the rounding of what they give.

use std::fmt;
use std::str::FromStr;

/// The way in which a share of an amount is rounded to the cent. Refunds are rounded as their sale is, with the
/// sign turned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounding {
    /// Half a cent goes up.
    #[default]
    HalfUp,
    /// Half a cent goes to the even cent, as bankers do it.
    HalfEven,
    /// A part of a cent is dropped.
    Down,
    /// A part of a cent becomes a whole cent.
    Up,
}

impl FromStr for Rounding {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "half-up" => Ok(Rounding::HalfUp),
            "half-even" => Ok(Rounding::HalfEven),
            "down" => Ok(Rounding::Down),
            "up" => Ok(Rounding::Up),
            _ => Err(format!(
                "`{word}` is not a rounding; it is `half-up`, `half-even`, `down` or `up`"
            )),
        }
    }
}

impl Rounding {
    /// Returns the word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Rounding::HalfUp => "half-up",
            Rounding::HalfEven => "half-even",
            Rounding::Down => "down",
            Rounding::Up => "up",
        }
    }

    /// Returns `amount * part / whole` to the cent; `whole` is positive, and nothing of nothing is nothing. Returns
    /// the share; one that does not fit is as large as it can be.
    pub(super) fn share(self, amount_cents: i64, part: i64, whole: i64) -> i64 {
        let product = i128::from(amount_cents) * i128::from(part);
        let (size, whole) = (product.unsigned_abs(), u128::from(whole.unsigned_abs()));
        if whole == 0 {
            return 0;
        }
        let (cents, rest) = (size / whole, size % whole);
        let up = match self {
            Rounding::HalfUp => rest * 2 >= whole,
            Rounding::HalfEven => rest * 2 > whole || (rest * 2 == whole && cents % 2 == 1),
            Rounding::Down => false,
            Rounding::Up => rest > 0,
        };
        let cents = i64::try_from(cents + u128::from(up)).unwrap_or(i64::MAX);
        if product < 0 { -cents } else { cents }
    }
}

/// A part of an amount, in ten-thousandths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Rate(u32);

/// The whole of an amount.
const WHOLE: u32 = 1_000_000;
/// The number of steps in a hundredth of a percent, in which rates are inferred.
const STEP: u32 = 100;
/// A hundred percent, in steps.
const STEPS: i128 = 10_000;
/// The highest rate that is inferred: ten times the sale.
const MOST_STEPS: i128 = 10 * STEPS;

impl Rate {
    /// Returns a rate of so many hundredths of a percent.
    pub(super) fn from_steps(steps: u32) -> Rate {
        Rate(steps * STEP)
    }

    /// Returns the commission for an amount.
    pub(super) fn commission_of(self, amount_cents: i64, rounding: Rounding) -> i64 {
        rounding.share(amount_cents, i64::from(self.0), i64::from(WHOLE))
    }

    /// Returns the rates, in hundredths of a percent, that give this commission of this sale: from the first to
    /// the last, both with it. Exact, for each way of rounding.
    pub(super) fn steps_giving(
        commission_cents: i64,
        sale_cents: i64,
        rounding: Rounding,
    ) -> Option<(u32, u32)> {
        if sale_cents <= 0 || commission_cents < 0 {
            return None;
        }
        let (commission, sale) = (i128::from(commission_cents), i128::from(sale_cents));
        let floor = |twice_cents: i128| (twice_cents * STEPS).div_euclid(2 * sale);
        let ceiling = |twice_cents: i128| -(-twice_cents * STEPS).div_euclid(2 * sale);
        let (below, at, above) = (2 * commission - 1, 2 * commission, 2 * commission + 1);
        let (first, last) = match rounding {
            Rounding::HalfUp => (ceiling(below), ceiling(above) - 1),
            Rounding::HalfEven if commission % 2 == 0 => (ceiling(below), floor(above)),
            Rounding::HalfEven => (floor(below) + 1, ceiling(above) - 1),
            Rounding::Down => (ceiling(at), ceiling(at + 2) - 1),
            Rounding::Up => (floor(at - 2) + 1, floor(at)),
        };
        let (first, last) = (first.max(0), last.min(MOST_STEPS));
        let both = u32::try_from(first).ok().zip(u32::try_from(last).ok());
        both.filter(|(first, last)| first <= last)
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("`{text}` is not a rate; write percent like `12.5`, with four decimals at most")
        };
        let (percent, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(percent) || !digits(decimals) || percent.len() > 4 || decimals.len() > 4 {
            return Err(wrong());
        }
        let rate: u32 = format!("{percent}{decimals:0<4}")
            .parse()
            .map_err(|_| wrong())?;
        if rate <= 10 * WHOLE {
            Ok(Rate(rate))
        } else {
            Err(format!("`{text}` percent are more than ten times the sale"))
        }
    }
}

impl fmt::Display for Rate {
    /// Writes the rate in percent: `20`, `12.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (percent, rest) = (self.0 / 10_000, self.0 % 10_000);
        let decimals = format!("{rest:04}");
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{percent}"),
            decimals => write!(f, "{percent}.{decimals}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Rounding; 4] = [
        Rounding::HalfUp,
        Rounding::HalfEven,
        Rounding::Down,
        Rounding::Up,
    ];

    #[test]
    fn shares_are_rounded_as_declared_and_alike_for_refunds() {
        let shares = |amount_cents: i64| {
            let rate: Rate = "12.5".parse().unwrap();
            ALL.map(|rounding| rate.commission_of(amount_cents, rounding))
        };
        assert_eq!(shares(100), [13, 12, 12, 13]);
        assert_eq!(shares(300), [38, 38, 37, 38]);
        assert_eq!(shares(800), [100, 100, 100, 100]);
        assert_eq!(shares(-100), [-13, -12, -12, -13]);
        assert_eq!(Rounding::HalfUp.share(i64::MAX, 3, 1), i64::MAX);
    }

    #[test]
    fn rates_are_exact_decimal_text() {
        for (text, shown) in [("20", "20"), ("12.50", "12.5"), ("0.0001", "0.0001")] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(rate.to_string(), shown);
        }
        for text in [
            "", "-5", "12,5", "1e3", "12.", ".5", "12.34567", "1001", "20%",
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_rates_that_give_a_commission_are_those_that_trying_finds() {
        for rounding in ALL {
            for sale_cents in [1, 3, 7, 99, 250, 1_999, 12_345] {
                for commission_cents in [0, 1, 2, 3, 20, 50, 51, 400, 1_234] {
                    let giving: Vec<u32> = (0..=100_000)
                        .filter(|steps| {
                            Rate::from_steps(*steps).commission_of(sale_cents, rounding)
                                == commission_cents
                        })
                        .collect();
                    let tried = giving.first().copied().zip(giving.last().copied());
                    let found = Rate::steps_giving(commission_cents, sale_cents, rounding);
                    assert_eq!(
                        found, tried,
                        "{commission_cents} of {sale_cents}, {rounding:?}"
                    );
                }
            }
        }
    }
}
