//! Amounts that are about a hundred times off: cents taken for whole units, or the reverse.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::RangeInclusive;

use super::group::FindingGroup;
use super::{customer_of, is_sound};
use crate::event::{EventRef, HashedMap, Kind, Money};
use crate::journal::PlanState;
use crate::plan::{Plan, Planned};
use crate::problem::{Problem, ProblemCode};

/// The ratios, in percent of a hundredfold, that count as a hundred times: from 4/5 to 5/4 of it, since a
/// customer's amounts vary by a tax, a discount, a part of a month. Yearly payments are twelve times as much
/// as monthly ones; the ratio of a shop's large order to a small one is rarely just this.
const HUNDREDFOLD: RangeInclusive<i128> = 80..=125;

/// The number of other sales that a customer needs before one of them can stand out.
const OTHERS: usize = 3;

/// For how many customers the amounts of two exports must be a hundred times apart.
const CUSTOMERS_APART: usize = 3;

/// The sales of customers of whom one amount is eighty times another, or more.
#[derive(Default)]
pub(super) struct Outliers {
    /// The least and the most of each customer in each currency.
    ranges: HashedMap<(i64, i64)>,
    amounts: Vec<SaleAmount>,
}

/// Holds what a sale is compared by. There may be as many as there are sales, so it has nothing else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct SaleAmount {
    /// One customer in one currency.
    of: u64,
    cents: i64,
    /// When the sale is sent, as in [`Plan::turns`].
    turn: u32,
    input: u32,
}

/// Two exports whose amounts are a hundred times apart.
struct UnitMismatch {
    large: u32,
    small: u32,
    /// For how many customers they are.
    customers: usize,
    /// The number of customers that both have.
    shared: usize,
}

fn is_hundredfold(large: i64, small: i64) -> bool {
    let (large, small) = (i128::from(large), i128::from(small));
    (small * HUNDREDFOLD.start()..=small * HUNDREDFOLD.end()).contains(&large)
}

/// Returns a key for one customer in one currency.
fn buyer(sale: EventRef<'_>) -> Option<(u64, Money)> {
    let (money, customer) = sale.read_money().zip(customer_of(sale.customer))?;
    let code = money.currency.code().bytes();
    let currency = code.fold(0, |sum, byte| sum << 8 | u64::from(byte));
    Some((customer ^ currency, money))
}

impl Outliers {
    pub(super) fn see(&mut self, sale: EventRef<'_>) {
        if let Some((of, money)) = buyer(sale) {
            let cents = money.amount_cents;
            let range = self.ranges.entry(of).or_insert((cents, cents));
            *range = (range.0.min(cents), range.1.max(cents));
        }
    }

    /// Drops customers with similar amounts, and keeps the others.
    pub(super) fn retain_outliers(&mut self) {
        self.ranges.retain(|_, (least, most)| {
            i128::from(*most) >= i128::from(*least) * HUNDREDFOLD.start()
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    pub(super) fn add(&mut self, turn: u32, sale: EventRef<'_>) {
        if !self.ranges.is_empty()
            && let Some((of, money)) = buyer(sale)
            && self.ranges.contains_key(&of)
        {
            self.amounts.push(SaleAmount {
                of,
                cents: money.amount_cents,
                turn,
                input: sale.source.input as u32,
            });
        }
    }

    pub(super) fn into_problems(mut self, plan: &Plan, paths: &[String]) -> Vec<Problem> {
        self.amounts.sort_unstable();
        let exports = self.exports(plan);
        let in_export = |input: u32| {
            let mut pairs = exports.iter();
            pairs.any(|pair| pair.large == input || pair.small == input)
        };
        let mut found = FindingGroup::new(ProblemCode::AmountHundredfold, paths);
        for (sale, usual_cents) in self.unusual() {
            let place = plan.place_of_turn(sale.turn as usize);
            if plan.states()[place] == PlanState::ToSend && !in_export(sale.input) {
                found.add(plan.event(place).event, |event| {
                    let usual = event
                        .read_money()
                        .map(|money| Money {
                            amount_cents: usual_cents,
                            ..money
                        })
                        .map(|usual| usual.to_string())
                        .unwrap_or_default();
                    format!("is a hundred times off the customer's usual {usual}")
                });
            }
        }
        let mut problems: Vec<Problem> = exports.iter().map(|pair| pair.problem(paths)).collect();
        problems.extend(found.into_problems(
            "is about a hundred times off the customer's other sales",
            "are about a hundred times off their customers' other sales",
            "cents may have been taken for whole units, or the reverse; compare it where it was charged",
        ));
        problems
    }

    fn buyers(&self) -> impl Iterator<Item = &[SaleAmount]> {
        self.amounts.chunk_by(|a, b| a.of == b.of)
    }

    /// Sales about a hundred times off the (lower) median of the customer's others, with that in minor units.
    fn unusual(&self) -> impl Iterator<Item = (SaleAmount, i64)> {
        let enough = self.buyers().filter(|amounts| amounts.len() > OTHERS);
        enough.flat_map(|amounts| {
            let middle = (amounts.len() - 2) / 2;
            let all = amounts.iter().enumerate();
            all.filter_map(move |(index, amount)| {
                let other = if index <= middle { middle + 1 } else { middle };
                let usual_cents = amounts[other].cents;
                let is_off = is_hundredfold(amount.cents, usual_cents)
                    || is_hundredfold(usual_cents, amount.cents);
                is_off.then_some((*amount, usual_cents))
            })
        })
    }

    /// Compares each export with the one in which the customer's amounts are smallest, so that many exports take no
    /// longer.
    fn exports(&self, plan: &Plan) -> Vec<UnitMismatch> {
        if self
            .amounts
            .iter()
            .all(|amount| amount.input == self.amounts[0].input)
        {
            return Vec::new();
        }
        let mut pairs: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        for amounts in self.buyers() {
            // They are sorted: the first of an export, its smallest, stands for it.
            let (small, least) = (amounts[0].input, amounts[0].cents);
            let mut seen = HashSet::from([small]);
            for amount in amounts.iter().filter(|amount| seen.insert(amount.input)) {
                if is_hundredfold(amount.cents, least) {
                    *pairs.entry((amount.input, small)).or_default() += 1;
                }
            }
        }
        pairs.retain(|_, customers| *customers >= CUSTOMERS_APART);
        if pairs.is_empty() {
            return Vec::new();
        }
        let buyers = buyers_by_export(plan);
        let apart = pairs.into_iter().map(|((large, small), customers)| {
            let both = buyers[&large].intersection(&buyers[&small]);
            UnitMismatch {
                large,
                small,
                customers,
                shared: both.count(),
            }
        });
        apart
            .filter(|pair| pair.customers * 2 > pair.shared)
            .collect()
    }
}

fn buyers_by_export(plan: &Plan) -> HashMap<u32, HashSet<u64>> {
    let mut buyers: HashMap<u32, HashSet<u64>> = HashMap::new();
    for (_, Planned { event, state }) in plan.unordered() {
        if event.kind == Kind::Sale
            && is_sound(state)
            && let Some((of, _)) = buyer(event)
        {
            let of_export = buyers.entry(event.source.input as u32).or_default();
            of_export.insert(of);
        }
    }
    buyers
}

impl UnitMismatch {
    fn problem(&self, paths: &[String]) -> Problem {
        let name = |input: u32| paths.get(input as usize).cloned().unwrap_or_default();
        let UnitMismatch {
            customers, shared, ..
        } = self;
        let message = format!(
            "its amounts are about a hundred times those of {} for {customers} of the {shared} customers that both have",
            name(self.small),
        );
        Problem::warning(ProblemCode::ExportHundredfold, message)
            .at(name(self.large), None)
            .hint("in one of the two, cents may have been taken for whole units, or the reverse: set `unit` to `major` or `minor` under `[exports.NAME.money.format]` in fprecon.toml, where NAME is its profile")
    }
}
