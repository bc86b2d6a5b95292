//! Refuses kinds of exports that have the same sales under different ids: each would be sent twice.

use std::collections::HashMap;

use super::Setup;
use super::read::ReadExports;
use crate::event::{KeyMap, Kind};
use crate::plan::History;
use crate::problem::{Problem, ProblemCode};
use crate::profile::Profile;

/// What to do about it.
const HINT: &str =
    "nothing was sent; run only one of the two kinds of export, and the same kind every time";

/// Returns a problem for each export whose sales another export of the call, or an earlier run, has under
/// other ids.
pub(super) fn sold_twice(
    read: &ReadExports,
    setup: &Setup<'_>,
    history: &dyn History,
) -> Vec<Problem> {
    let own = setup.profile.into_iter();
    let known: Vec<&Profile> = own.chain(setup.profiles.iter()).collect();
    let find = |name: &str| known.iter().copied().find(|profile| profile.name == name);
    let mut problems = Vec::new();
    for (place, input) in read.inputs.iter().enumerate() {
        let Some(profile) = find(&input.profile) else {
            continue;
        };
        let others = known.iter().filter(|other| profile.has_sales_of(other));
        for other in others {
            let mut before = read.inputs[..place].iter();
            let there = match before.find(|input| input.profile == other.name) {
                Some(input) => input.path.clone(),
                None if history.has_sales_of(&other.name) => "an earlier run".to_owned(),
                None => continue,
            };
            let message = format!(
                "`{}` and `{}` have the same sales under different ids, and {there} has the other kind: every sale would be sent twice",
                profile.name, other.name
            );
            let problem = Problem::error(ProblemCode::SalesTwice, message);
            problems.push(problem.at(&input.path, None).hint(HINT));
        }
    }
    problems
}

/// What to do about exports of two providers.
const HINT_OF_PROVIDERS: &str = "nothing was sent; if they are payments of the same orders, run only one of the two kinds of export, and the same kind every time; if they are sales of their own, run each kind in a call of its own with `--in-account hold`, which holds what the account has of an earlier one";

/// The number of customers' days from which on two exports may be said to have the same sales.
const MIN_ALIKE: usize = 3;

const SECONDS_OF_DAY: i64 = 24 * 3600;

/// Returns a problem for each pair of providers of which at least half of one's sales are by customers to whom the
/// other one sold on the same day, under other ids: a shop's orders and the payments for them.
pub(super) fn sold_alike(read: &ReadExports) -> Vec<Problem> {
    let providers = Providers::new(read);
    let mut problems = Vec::new();
    if providers.first_inputs.len() < 2 {
        return problems;
    }
    let days = providers.days_of_customers(read);
    let path = |provider: usize| &read.inputs[providers.first_inputs[provider]];
    for second in 1..providers.first_inputs.len() {
        for first in 0..second {
            let has = |mask: &u64, provider: usize| mask & (1 << provider) != 0;
            let of = |provider: usize| days.iter().filter(|mask| has(mask, provider)).count();
            let both = days
                .iter()
                .filter(|mask| has(mask, first) && has(mask, second))
                .count();
            let fewer = of(first).min(of(second));
            if both < MIN_ALIKE || both * 2 < fewer {
                continue;
            }
            let (one, other) = (path(first), path(second));
            let message = format!(
                "`{}` and `{}` ({}) have sales of the same customers on the same days: {both}, of {fewer} in the smaller one; every sale would be sent twice",
                other.profile, one.profile, one.path
            );
            let problem = Problem::error(ProblemCode::SalesTwice, message);
            problems.push(problem.at(&other.path, None).hint(HINT_OF_PROVIDERS));
        }
    }
    problems
}

/// Holds the providers whose exports a job has; of more than 64, the last ones are not looked at.
struct Providers {
    /// The first export of each provider.
    first_inputs: Vec<usize>,
    /// The provider of each export.
    of_inputs: Vec<Option<usize>>,
}

impl Providers {
    fn new(read: &ReadExports) -> Self {
        let mut providers = Providers {
            first_inputs: Vec::new(),
            of_inputs: Vec::new(),
        };
        for (place, input) in read.inputs.iter().enumerate() {
            let origin = read.origins.of_profile(&input.profile);
            let is_same = |&first: &usize| {
                let profile = &read.inputs[first].profile;
                let both = origin.zip(read.origins.of_profile(profile));
                both.is_some_and(|(one, other)| one.is_of_provider_of(other))
            };
            let known = providers.first_inputs.iter().position(is_same);
            let next = providers.first_inputs.len();
            if known.is_none() && next < 64 {
                providers.first_inputs.push(place);
            }
            providers
                .of_inputs
                .push(known.or(Some(next).filter(|&next| next < 64)));
        }
        providers
    }

    /// Returns the providers, as bits, that sold to a customer on a day, for each such day. An id that two of them
    /// have is one sale, and not looked at.
    fn days_of_customers(&self, read: &ReadExports) -> Vec<u64> {
        let bit = |input: usize| self.of_inputs[input].map_or(0, |provider| 1u64 << provider);
        let events = &read.events;
        let sales = || events.iter().filter(|event| event.kind == Kind::Sale);
        let mut by_key: KeyMap<u64> = KeyMap::default();
        for sale in sales() {
            *by_key.entry(sale.key()).or_default() |= bit(sale.source.input);
        }
        let mut days: HashMap<(u64, i64), u64> = HashMap::new();
        for sale in sales().filter(|sale| by_key[&sale.key()].is_power_of_two()) {
            let (email, _) = sale.customer.hashes();
            let day = sale
                .created_at
                .map(|at| at.as_second().div_euclid(SECONDS_OF_DAY));
            if let Some(day) = email.zip(day) {
                *days.entry(day).or_default() |= bit(sale.source.input);
            }
        }
        days.into_values().collect()
    }
}
