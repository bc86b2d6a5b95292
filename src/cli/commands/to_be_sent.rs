//! What a person reads before saying yes: what is sent, to which account, for how long, and the commission
//! that may come of it.

use super::destination::Destination;
use super::plan::{self, Estimate};
use crate::cli::error::CliError;
use crate::cli::plan_tables::Span;
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables::count;
use crate::event::{Kind, Tally};
use crate::job::Job;
use crate::journal::JournalReader;
use crate::report::words::amount;

/// Returns what would be sent: events and amounts, days, customers, the account, how long.
pub(super) fn what_is_sent(
    job: &Job,
    to_send: &Tally,
    settings: &EffectiveSettings,
    target: &Destination,
    commission: &str,
) -> String {
    let estimate = Estimate::new(to_send.count(), settings);
    let about = if settings.lead_list {
        "at most"
    } else {
        "about"
    };
    format!(
        "To be sent to {}:\n  {to_send}\n  {}\n  in {about} {}, at {} requests a minute\n  {commission}",
        target.described(),
        Span::new(plan::to_send(job)).in_words(),
        estimate.in_words(),
        settings.requests_per_minute,
    )
}

/// Returns the commission to expect for the sales in the account's currency, or why it is not known.
pub(super) fn expected_commission(
    to_send: &Tally,
    settings: &EffectiveSettings,
    journal: &JournalReader,
) -> Result<String, CliError> {
    let currency = settings.account_currency;
    let sales = to_send.for_kind(Kind::Sale, Some(currency));
    if sales.count == 0 {
        return Ok(format!("no commission expected: no sale in {currency}"));
    }
    let at_most = |cents| {
        format!(
            "expected commission: at most {} {currency}",
            amount(cents, currency)
        )
    };
    if let Some((rate, per_million)) = only_rate(settings) {
        let cents = sales.amount_cents * per_million / 1_000_000;
        return Ok(format!(
            "{}, by the rule of {rate} % under `[audit]`",
            at_most(cents)
        ));
    }
    let tracked = journal.tracked_sales(currency.code())?;
    if tracked.amount_cents <= 0 {
        return Ok(
            "expected commission: not known, no sale with a commission was tracked yet".to_owned(),
        );
    }
    let (earned, sold) = (
        i128::from(tracked.commission_cents),
        i128::from(tracked.amount_cents),
    );
    let tenths = earned * 1000 / sold;
    Ok(format!(
        "{}, if all customers were referred, at the {}.{} % of {} tracked before",
        at_most(sales.amount_cents * earned / sold),
        tenths / 10,
        tenths % 10,
        count(tracked.sales, "sale")
    ))
}

/// Returns the rate of the account's only rule, as text and in parts of a million, where it is for all sales.
fn only_rate(settings: &EffectiveSettings) -> Option<(&str, i128)> {
    let [rule] = settings.audit.get("rule")?.as_array()?.as_slice() else {
        return None;
    };
    let rule = rule.as_table().filter(|rule| rule.len() == 1)?;
    let rate = rule.get("rate")?.as_str()?;
    let (whole, decimals) = rate.split_once('.').unwrap_or((rate, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_rate = (1..=3).contains(&whole.len()) && decimals.len() <= 4;
    if !is_rate || !is_number(whole) || !is_number(decimals) {
        return None;
    }
    let per_million = format!("{whole}{decimals:0<4}").parse().ok()?;
    Some((rate, per_million))
}
