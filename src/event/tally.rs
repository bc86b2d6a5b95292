//! Counts events and cents by kind and currency, for the figures that have to add up.

use std::collections::BTreeMap;
use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::money::in_units;
use super::{Currency, EventNumbers, Kind, Money};

/// Holds a number of events and their amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// The number of events.
    pub count: u64,
    /// The sum of their amounts, in minor units; `i128`, so that no file can overflow it.
    pub amount_cents: i128,
}

/// Holds sums by kind and currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<(Kind, Option<Currency>), Sum>);

impl Tally {
    /// Adds one event, of this kind and amount.
    pub fn add(&mut self, kind: Kind, money: Option<Money>) {
        let currency = money.map(|money| money.currency);
        let cents = money.map_or(0, |money| money.amount_cents);
        let sum = Sum {
            count: 1,
            amount_cents: i128::from(cents),
        };
        self.add_sum(kind, currency, sum);
    }

    /// Adds a sum that was made elsewhere.
    pub fn add_sum(&mut self, kind: Kind, currency: Option<Currency>, sum: Sum) {
        let mine = self.0.entry((kind, currency)).or_default();
        mine.count += sum.count;
        mine.amount_cents += sum.amount_cents;
    }

    /// Subtracts a sum that was added, and returns whether it was there. A sum of zero events is always
    /// there.
    #[must_use]
    pub fn take_sum(&mut self, kind: Kind, currency: Option<Currency>, sum: Sum) -> bool {
        let of = (kind, currency);
        let mine = self.0.get(&of).copied().unwrap_or_default();
        let Some(count) = mine.count.checked_sub(sum.count) else {
            return false;
        };
        let amount_cents = mine.amount_cents - sum.amount_cents;
        let left = Sum {
            count,
            amount_cents,
        };
        if left == Sum::default() {
            self.0.remove(&of)
        } else {
            self.0.insert(of, left)
        };
        true
    }

    /// Adds the sums of another tally.
    pub fn add_tally(&mut self, other: &Tally) {
        for (kind, currency, sum) in other.iter() {
            self.add_sum(kind, currency, sum);
        }
    }

    /// Returns every sum, by kind and then by currency.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, Option<Currency>, Sum)> + '_ {
        self.0
            .iter()
            .map(|(&(kind, currency), &sum)| (kind, currency, sum))
    }

    /// Returns the sum of one kind in one currency.
    pub fn for_kind(&self, kind: Kind, currency: Option<Currency>) -> Sum {
        self.0.get(&(kind, currency)).copied().unwrap_or_default()
    }

    /// Returns how many events of one kind there are, in any currency.
    pub fn count_of(&self, kind: Kind) -> u64 {
        self.iter()
            .filter(|&(of, _, _)| of == kind)
            .map(|(_, _, sum)| sum.count)
            .sum()
    }

    /// Returns how many events there are in all.
    pub fn count(&self) -> u64 {
        self.iter().map(|(_, _, sum)| sum.count).sum()
    }

    /// Returns the amounts of one kind by currency, in minor units.
    pub fn cents_of(&self, kind: Kind) -> impl Iterator<Item = (Currency, i128)> + '_ {
        self.iter().filter_map(move |(of, currency, sum)| {
            currency
                .filter(|_| of == kind)
                .map(|currency| (currency, sum.amount_cents))
        })
    }

    /// Returns the amounts of every kind by currency, in minor units.
    pub fn cents(&self) -> BTreeMap<Currency, i128> {
        let mut cents = BTreeMap::new();
        for (_, currency, sum) in self.iter() {
            if let Some(currency) = currency {
                *cents.entry(currency).or_default() += sum.amount_cents;
            }
        }
        cents
    }
}

impl FromIterator<EventNumbers> for Tally {
    fn from_iter<I: IntoIterator<Item = EventNumbers>>(events: I) -> Self {
        let mut tally = Tally::default();
        for event in events {
            tally.add(event.kind, event.money);
        }
        tally
    }
}

impl fmt::Display for Tally {
    /// Writes the tally in a sentence: `2 sales, 16.00 USD and 500 JPY, 1 cancellation`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_kinds: Vec<String> = Kind::ALL
            .iter()
            .filter(|kind| self.count_of(**kind) > 0)
            .map(|kind| self.kind_in_words(*kind))
            .collect();
        f.pad(&of_kinds.join(", "))
    }
}

impl Tally {
    fn kind_in_words(&self, kind: Kind) -> String {
        let count = self.count_of(kind);
        let plural = if count == 1 { "" } else { "s" };
        let amounts: Vec<String> = self
            .cents_of(kind)
            .map(|(currency, cents)| in_units(cents, currency))
            .collect();
        let separator = if amounts.is_empty() { "" } else { ", " };
        format!("{count} {kind}{plural}{separator}{}", amounts.join(" and "))
    }
}

/// Writes `{"count": 0, "amount_cents": {"USD": 0}, "by_kind": {…}}`; amounts of sales and refunds are both
/// positive and are added up as they are.
impl Serialize for Tally {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("count", &self.count())?;
        map.serialize_entry("amount_cents", &self.cents())?;
        map.serialize_entry("by_kind", &self.by_kind())?;
        map.end()
    }
}

/// Writes a tally by kind, in the shape that outcomes have.
#[cfg(feature = "polars")]
pub(crate) fn by_kind<S: Serializer>(tally: &Tally, serializer: S) -> Result<S::Ok, S::Error> {
    ByKind(tally).serialize(serializer)
}

impl Tally {
    /// Returns the figures of each kind, in the shape of the machine output.
    pub(crate) fn by_kind(&self) -> impl Serialize + '_ {
        ByKind(self)
    }
}

struct ByKind<'t>(&'t Tally);

impl Serialize for ByKind<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Kind::ALL.len()))?;
        for kind in Kind::ALL {
            map.serialize_entry(
                kind.as_str(),
                &KindFigures {
                    tally: self.0,
                    kind,
                },
            )?;
        }
        map.end()
    }
}

struct KindFigures<'t> {
    tally: &'t Tally,
    kind: Kind,
}

impl Serialize for KindFigures<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cents: BTreeMap<Currency, i128> = self.tally.cents_of(self.kind).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("count", &self.tally.count_of(self.kind))?;
        map.serialize_entry("amount_cents", &cents)?;
        map.end()
    }
}
