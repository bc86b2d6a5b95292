//! Finds amounts in currencies for which it is not certain which unit the API takes.

use std::collections::BTreeMap;

use crate::event::{Currency, Decimals, Events, Tally};
use crate::journal::PlanState;
use crate::link::{HeldReason, Link, Links};
use crate::plan::{History, Plan};
use crate::problem::{Problem, ProblemCode};

/// Holds new events whose amount has more decimals than the API is set to take.
pub(crate) fn hold_inexact(
    events: &Events,
    links: &mut Links,
    decimals: &Decimals,
    history: &dyn History,
) {
    if *decimals == Decimals::default() {
        return;
    }
    for index in 0..events.len() {
        if let Some(money) = events.figures(index).money
            && !decimals.is_exact(money)
            && history.essence(events.key(index)).is_none()
            && links[index] == Link::Sound
        {
            let currency = money.currency;
            links.set(
                index,
                Link::held(
                    HeldReason::Currency,
                    format!("{money} can't be sent with the decimals that are set for {currency}"),
                ),
            );
        }
    }
}

/// Reports the currencies that Stripe's API counts in another unit than the one that is sent, where no
/// setting says which one the account takes.
pub(super) fn undecided(plan: &Plan, decimals: &Decimals) -> Vec<Problem> {
    let mut undecided: BTreeMap<Currency, (u32, Tally)> = BTreeMap::new();
    for (_, planned) in plan.unordered() {
        if planned.state == PlanState::ToSend
            && let Some(money) = planned.event.money
            && let Some(digits) = money.currency.stripe_digits()
            && !decimals.are_set(money.currency)
        {
            let (_, tally) = undecided
                .entry(money.currency)
                .or_insert_with(|| (digits, Tally::default()));
            tally.add(planned.event.kind, planned.event.money);
        }
    }
    let problems = undecided.into_iter().map(|(currency, (stripe, tally))| {
        let iso = currency.api_digits();
        let (iso_unit, stripe_unit) = (unit(iso), unit(stripe));
        let message = format!(
            "{tally}: sent in {iso_unit}, as ISO 4217 counts {currency}; Stripe's API counts it in {stripe_unit}"
        );
        Problem::warning(ProblemCode::CurrencyDecimals, message).hint(format!(
            "compare such a sale in FirstPromoter; under `[currencies.decimals]` of fprecon.toml, `{currency} = {stripe}` sends {stripe_unit}, and `{currency} = {iso}` keeps {iso_unit} and ends this warning"
        ))
    });
    problems.collect()
}

fn unit(digits: u32) -> &'static str {
    match digits {
        0 => "whole units",
        _ => "hundredths",
    }
}
