//! What a person reads before saying yes: what is sent, to which account, for how long, and the commission
//! that may come of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::destination::Destination;
use super::estimate::Estimate;
use crate::cli::error::CliError;
use crate::cli::plan_tables::PlannedSpan;
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables::count;
use crate::event::{Currency, Event, Kind, Tally};
use crate::job::Job;
use crate::journal::{JournalReader, PlanState};
use crate::report::HISTORY_DAYS;
use crate::report::words::amount;

/// Returns the events that a run of a job would send.
pub(super) fn to_send(job: &Job) -> impl Iterator<Item = Event> {
    let planned = job
        .plan
        .events()
        .filter(|planned| planned.state == PlanState::ToSend);
    planned.map(|planned| planned.event.to_event())
}

fn span_to_send(job: &Job) -> PlannedSpan {
    let planned = job
        .plan
        .unordered()
        .map(|(_, planned)| planned)
        .filter(|planned| planned.state == PlanState::ToSend);
    PlannedSpan::new(planned.map(|planned| planned.event))
}

/// Returns what would be sent: events and amounts, days, customers, the account, how long.
pub(super) fn what_is_sent(
    job: &Job,
    to_send: &Tally,
    settings: &EffectiveSettings,
    target: &Destination,
    commission: &ExpectedCommission,
) -> String {
    let estimate = Estimate::new(to_send.count(), settings);
    let about = if settings.send.lead_list {
        "at most"
    } else {
        "about"
    };
    format!(
        "To be sent to {}:\n  {to_send}\n  {}\n  in {about} {}, at {} requests a minute\n  {}",
        target.described(),
        span_to_send(job).in_words(),
        estimate.in_words(),
        settings.send.requests_per_minute,
        commission.in_words,
    )
}

/// The sales that are to be sent and are history: their commissions will be unpaid, also if they were paid before.
#[derive(Debug, Serialize)]
pub(super) struct UnpaidHistory {
    /// The day in UTC before which they are dated.
    before: String,
    /// The number of sales.
    sales: u64,
    /// Their amounts, in minor units by currency.
    amount_cents: BTreeMap<Currency, i128>,
    /// The commission to expect if all customers were referred, in minor units of the account's currency; `None` if it is not known.
    expected_commission_cents: Option<i128>,
    #[serde(skip)]
    words: [String; 2],
}

impl UnpaidHistory {
    /// Returns the history among what is to be sent; `None` if there is none.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(super) fn find(
        job: &Job,
        settings: &EffectiveSettings,
        journal: Option<&JournalReader>,
        now: Timestamp,
    ) -> Result<Option<Self>, CliError> {
        let before = now
            .checked_sub(SignedDuration::from_hours(24 * HISTORY_DAYS))
            .unwrap_or(Timestamp::MIN);
        let mut sales = Tally::default();
        for (event, state) in job.plan.unordered_numbers() {
            let is_old = event.created_at.is_some_and(|at| at < before);
            if state == PlanState::ToSend && event.kind == Kind::Sale && is_old {
                sales.add(event.kind, event.money);
            }
        }
        if sales.count() == 0 {
            return Ok(None);
        }
        let commission = expected_commission(&sales, settings, journal)?;
        Ok(Some(UnpaidHistory {
            before: before.strftime("%Y-%m-%d").to_string(),
            sales: sales.count(),
            amount_cents: sales.cents(),
            expected_commission_cents: commission.cents,
            words: [sales.to_string(), commission.in_words],
        }))
    }

    /// Returns what a person should know before the history is sent.
    pub(super) fn in_words(&self) -> String {
        let [sales, commission] = &self.words;
        format!(
            "Dated before {}: {sales}. FirstPromoter takes imported commissions as approved and unpaid: they fall into\n\
             the next payout, also if you have paid them before ({commission}).\n\
             See docs/import.md, \"Commissions that were paid before\".",
            self.before
        )
    }
}

/// The commission that sales may earn.
#[derive(Clone, Debug)]
pub(super) struct ExpectedCommission {
    /// What is expected if all customers were referred, in minor units of the account's currency; `None` if it is not known.
    pub(super) cents: Option<i128>,
    /// The same for people, with what it is based on.
    pub(super) in_words: String,
}

/// Returns the commission to expect for the sales in the account's currency, or why it is not known.
pub(super) fn expected_commission(
    to_send: &Tally,
    settings: &EffectiveSettings,
    journal: Option<&JournalReader>,
) -> Result<ExpectedCommission, CliError> {
    let currency = settings.api.account_currency;
    let sales = to_send.for_kind(Kind::Sale, Some(currency));
    let mut kinds = to_send.iter();
    let is_partial = kinds.any(|(kind, of, _)| kind == Kind::Sale && of != Some(currency));
    let expected = |cents: Option<i128>, in_words: String| ExpectedCommission {
        // Of sales in other currencies nothing is known, so that the sum is no bound.
        cents: cents.filter(|_| !is_partial),
        in_words: if is_partial && cents.is_some() {
            format!("{in_words}; without the sales in other currencies")
        } else {
            in_words
        },
    };
    if sales.count == 0 {
        let words = format!("no commission expected: no sale in {currency}");
        return Ok(expected(None, words));
    }
    let about = |cents| {
        format!(
            "expected commission: about {} {currency}, if all customers were referred",
            amount(cents, currency)
        )
    };
    if let Some((rate, per_million)) = only_rate(settings) {
        let cents = sales.amount_cents * per_million / 1_000_000;
        let words = format!(
            "{} and FirstPromoter pays the {rate} % of the rule under `[audit]`",
            about(cents)
        );
        return Ok(expected(Some(cents), words));
    }
    let tracked = journal
        .map(|journal| journal.tracked_sales(currency.code()))
        .transpose()?
        .filter(|it| it.amount_cents > 0);
    let Some(tracked) = tracked else {
        let words = "expected commission: not known, no sale with a commission was tracked yet";
        return Ok(expected(None, words.to_owned()));
    };
    let (earned, sold) = (
        i128::from(tracked.commission_cents),
        i128::from(tracked.amount_cents),
    );
    let tenths = earned * 1000 / sold;
    let cents = sales.amount_cents * earned / sold;
    let words = format!(
        "{} at the {}.{} % of {} tracked before; a campaign with another rate pays more or less",
        about(cents),
        tenths / 10,
        tenths % 10,
        count(tracked.sales, "sale")
    );
    Ok(expected(Some(cents), words))
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
