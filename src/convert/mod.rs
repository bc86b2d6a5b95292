//! Converts amounts in other currencies into the account's.
//!
//! Conversion comes after linking, which compares a refund with its sale as both were charged, and before the
//! comparison with the journal. What two readings of an event must agree in remains the amount of the export
//! ([`Event::read_money`]): a rate that is corrected later does not make it another event. What was sent to
//! the API is kept, so that nothing is sent twice; the difference is reported.
//!
//! A sale is converted by the rate of its day in UTC, or the last before it. A refund reverses its share of
//! its converted sale and does not use the rate of its own day: only so do refunds of a whole sale reverse it
//! to the cent, whatever the rates did in between. The shares are differences of rounded running sums, over
//! all runs. A sale that an earlier run sent unconverted is refunded unconverted.

mod decimals;
mod rates;

pub(crate) use decimals::hold_inexact;
pub(crate) use rates::RateOf;
pub use rates::{ExchangeRates, RatesError};

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::event::{
    Conversion, ConvertedRefunds, Currency, Decimals, Event, EventKey, EventRef, Events, Kind,
    Money, Original, Sum, Tally, Text, share_cents,
};
use crate::journal::PlanState;
use crate::link::{AskedAgain, HeldReason, Link, Links};
use crate::plan::{History, Plan};
use crate::problem::{Problem, ProblemCode};

/// The number of days by which a rate may be older than its sale without a warning: a file with one rate a
/// month is fine.
const MAX_RATE_AGE_DAYS: i32 = 31;

/// Says what is done with amounts in other currencies than the account's.
#[derive(Clone, Debug, Default)]
pub enum Foreign {
    /// They are sent as they are, and name their currency.
    #[default]
    Send,
    /// They are converted.
    Convert(ExchangeRates),
    /// They are held.
    Hold,
}

/// Collects what conversion found, for [`ConversionFindings::problems`].
#[derive(Debug, Default)]
pub(crate) struct ConversionFindings {
    /// The sales of earlier runs that today's rates would convert into another amount.
    other_rates: Tally,
    /// The sales that were converted by a rate that is much older.
    old_rates: Tally,
    is_foreign: bool,
}

/// Says which currency the account has, and what is done with others.
#[derive(Clone, Copy)]
pub(crate) struct CurrencyRules<'r> {
    /// The treatment of amounts in other currencies.
    pub foreign: &'r Foreign,
    /// The account's currency.
    pub account: Currency,
}

/// Converts or holds the events of a job that are in another currency than the account's. `links` holds the results of linking them, `asked_again` says which of their sales are asked again.
pub(crate) fn convert(
    events: &mut Events,
    links: &mut Links,
    CurrencyRules { foreign, account }: CurrencyRules<'_>,
    history: &dyn History,
    asked_again: &AskedAgain,
) -> ConversionFindings {
    let mut converter = Converter {
        foreign,
        account,
        history,
        asked_again,
        seen: ConversionFindings::default(),
        sales: HashMap::new(),
    };
    let is_foreign = |money: Money| money.currency != account;
    let all: Vec<usize> = (0..events.len())
        .filter(|&index| events.figures(index).money.is_some_and(is_foreign))
        .collect();
    converter.seen.is_foreign = !all.is_empty();
    let (sales, refunds): (Vec<usize>, Vec<usize>) = all
        .into_iter()
        .partition(|&index| events.kind(index) == Kind::Sale);
    for sale in sales {
        if let Err(reason) = events.edit(sale, |event| converter.sale(event)) {
            links.set(sale, Link::held(HeldReason::Currency, reason));
        }
    }
    let mut by_sale: BTreeMap<Option<EventKey>, Vec<usize>> = BTreeMap::new();
    for refund in refunds {
        let sale = events.sale_event_id(refund).map(EventKey::from_id);
        by_sale.entry(sale).or_default().push(refund);
    }
    for (sale, refunds) in by_sale {
        converter.refunds(sale, refunds, events, links);
    }
    converter.seen
}

/// Says what is done with a sale's amount.
#[derive(Clone, Debug)]
enum Treatment {
    /// It is sent, or was sent, as it is.
    Unconverted,
    /// It is converted.
    Converted(Conversion),
    /// It is held, and so are its refunds.
    Held,
}

struct Converter<'c> {
    foreign: &'c Foreign,
    account: Currency,
    history: &'c dyn History,
    asked_again: &'c AskedAgain,
    seen: ConversionFindings,
    /// The sales of this job. Of several with one id it is the first one in the exports, which is the one
    /// that is sent.
    sales: HashMap<EventKey, (crate::event::ExportLine, Treatment)>,
}

impl Converter<'_> {
    /// Converts a sale. An error is the reason why it is held.
    fn sale(&mut self, event: &mut Event) -> Result<(), String> {
        let (treatment, said) = match self.treatment_of(event) {
            Ok(treatment) => (treatment, Ok(())),
            Err(reason) => (Treatment::Held, Err(reason)),
        };
        if let Treatment::Converted(conversion) = &treatment {
            apply(event, conversion.clone());
        }
        let source = event
            .source
            .expect("a sale of the job is read from an export");
        let known = self
            .sales
            .entry(event.key())
            .or_insert((source, treatment.clone()));
        if source < known.0 {
            *known = (source, treatment);
        }
        said
    }

    /// Returns what is done with a sale's amount: what was sent to the API is kept, else the setting decides.
    /// An error is the reason why it is held.
    fn treatment_of(&mut self, sale: &mut Event) -> Result<Treatment, String> {
        let Some(money) = sale.money else {
            return Ok(Treatment::Unconverted);
        };
        if let Some(recorded) = self.history.conversion(sale.key()) {
            if recorded.original.money != money {
                return Ok(Treatment::Unconverted);
            }
            self.compare_rates(sale, recorded);
            sale.remark(&format!(
                "{}, by an earlier run",
                in_words(&recorded.original)
            ));
            return Ok(Treatment::Converted(recorded.clone()));
        }
        if self.history.essence(sale.key()).is_some() {
            return Ok(Treatment::Unconverted);
        }
        match self.foreign {
            Foreign::Send => Ok(Treatment::Unconverted),
            Foreign::Hold => Err(self.not_the_accounts(money)),
            Foreign::Convert(rates) => {
                let day = sale.created_at.map(day_of);
                let rest = sale.details().rest.unwrap_or(0);
                let (conversion, rate) = by_rate(rates, day, (money, rest), self.account)?;
                sale.remark(&in_words(&conversion.original));
                let day = day.unwrap_or(rate.date);
                if rate
                    .date
                    .until(day)
                    .is_ok_and(|age| age.get_days() > MAX_RATE_AGE_DAYS)
                {
                    self.seen.old_rates.add(sale.kind, sale.money);
                }
                convert_mrr(sale, money.currency, rate, self.account);
                Ok(Treatment::Converted(conversion))
            }
        }
    }

    fn not_the_accounts(&self, money: Money) -> String {
        format!(
            "it is in {}, and amounts that are not in {} are held",
            money.currency, self.account
        )
    }

    fn compare_rates(&mut self, sale: &Event, recorded: &Conversion) {
        if let Foreign::Convert(rates) = self.foreign
            && let day = sale.created_at.map(day_of)
            && let rest = sale.details().rest.unwrap_or(0)
            && let Ok((today, _)) =
                by_rate(rates, day, (recorded.original.money, rest), self.account)
            && today.sent != recorded.sent
        {
            self.seen.other_rates.add(sale.kind, sale.money);
        }
    }

    fn refunds(
        &mut self,
        sale: Option<EventKey>,
        mut refunds: Vec<usize>,
        events: &mut Events,
        links: &mut Links,
    ) {
        refunds.sort_by(|&a, &b| {
            let order = |index: usize| {
                let event = events.get(index);
                (event.created_at, event.event_id(), event.source)
            };
            order(a).cmp(&order(b))
        });
        let treatment = sale.and_then(|sale| self.treatment_of_sale(sale));
        let mut shares = match (&treatment, sale) {
            (Some(Treatment::Converted(conversion)), Some(sale)) => Some(Shares {
                of: conversion,
                given: if self.asked_again.has_sale(sale) {
                    self.history.converted_refunds_to_referrals(sale)
                } else {
                    self.history.converted_refunds(sale)
                },
            }),
            _ => None,
        };
        let mut copies = HashMap::new();
        for index in refunds {
            let (event, link) = (events.get(index), &links[index]);
            let is_superseded = self.asked_again.supersedes(event.key(), self.history);
            if let Some(recorded) = self.history.conversion(event.key())
                && !is_superseded
            {
                // Where the amounts differ, the plan has a conflict to find.
                if event.money == Some(recorded.original.money) {
                    events.edit(index, |event| apply(event, recorded.clone()));
                }
                continue;
            }
            let is_held = matches!(link, Link::Held(_));
            if is_held || (self.history.essence(event.key()).is_some() && !is_superseded) {
                continue;
            }
            let converted = copies
                .entry((event.key(), event.money))
                .or_insert_with(|| self.refund(event, link, treatment.is_some(), &mut shares));
            match converted {
                Ok(Some(conversion)) => events.edit(index, |event| {
                    event.remark(&in_words(&conversion.original));
                    apply(event, conversion.clone());
                }),
                Ok(None) => {}
                Err(reason) if *link == Link::Sound => {
                    links.set(index, Link::held(HeldReason::Currency, reason.clone()));
                }
                Err(_) => {}
            }
        }
    }

    /// Returns the conversion of a new refund, if it has one. An error is the reason why it is held.
    fn refund(
        &self,
        refund: EventRef<'_>,
        link: &Link,
        has_sale: bool,
        shares: &mut Option<Shares<'_>>,
    ) -> Result<Option<Conversion>, String> {
        let Some(money) = refund.money else {
            return Ok(None);
        };
        match (self.foreign, shares) {
            (Foreign::Hold, _) => Err(self.not_the_accounts(money)),
            (_, Some(shares)) => {
                let share = shares.next(refund, *link == Link::Sound);
                share.map(Some).ok_or_else(|| {
                    format!(
                        "its share of its converted sale is less than the smallest amount of {}",
                        self.account
                    )
                })
            }
            // It is sent without a sale, and has nothing to reverse to the cent.
            (Foreign::Convert(rates), None) if !has_sale => {
                let day = refund.created_at.map(day_of);
                let rest = refund.details().rest.unwrap_or(0);
                let (conversion, _) = by_rate(rates, day, (money, rest), self.account)?;
                Ok(Some(conversion))
            }
            _ => Ok(None),
        }
    }

    fn treatment_of_sale(&self, sale: EventKey) -> Option<Treatment> {
        if let Some(recorded) = self.history.conversion(sale) {
            return Some(Treatment::Converted(recorded.clone()));
        }
        if self.history.essence(sale).is_some() {
            return Some(Treatment::Unconverted);
        }
        self.sales
            .get(&sale)
            .map(|(_, treatment)| treatment.clone())
    }
}

/// Holds the shares of a converted sale that its refunds reverse.
struct Shares<'s> {
    of: &'s Conversion,
    /// The part that is reversed already.
    given: ConvertedRefunds,
}

impl Shares<'_> {
    /// Returns what this refund reverses; `None` if that is zero. Only a refund that counts takes part in the
    /// running sum.
    fn next(&mut self, refund: EventRef<'_>, is_counted: bool) -> Option<Conversion> {
        let money = refund.money?;
        let before = if is_counted {
            self.given
        } else {
            ConvertedRefunds::default()
        };
        let original_cents = before.original_cents.checked_add(money.amount_cents)?;
        let sent_cents = self.share(original_cents)?;
        let amount_cents = sent_cents - before.sent_cents;
        if amount_cents <= 0 {
            return None;
        }
        if is_counted {
            self.given = ConvertedRefunds {
                original_cents,
                sent_cents,
            };
        }
        Some(Conversion {
            original: Original {
                money,
                ..self.of.original.clone()
            },
            sent: Money {
                amount_cents,
                ..self.of.sent
            },
        })
    }

    fn share(&self, original_cents: i64) -> Option<i64> {
        let (sent, original) = (self.of.sent, self.of.original.money);
        share_cents(sent.amount_cents, original_cents, original.amount_cents)
    }
}

/// Returns the amount by the rate of this day, or the reason why there is none. With the amount comes what it
/// leaves out, in units of its currency's last decimal.
fn by_rate(
    rates: &ExchangeRates,
    day: Option<Date>,
    (money, rest): (Money, u32),
    account: Currency,
) -> Result<(Conversion, RateOf), String> {
    let currency = money.currency;
    let day =
        day.ok_or_else(|| format!("it has no date, so no rate of {currency} can be chosen"))?;
    let Some(found) = rates.on(day, currency) else {
        return Err(match rates.first_day(currency) {
            None => format!("the rates file has no rate for {currency}"),
            Some(first) => {
                format!(
                    "the rates file has no rate for {currency} on {day}: its first is of {first}"
                )
            }
        });
    };
    let sent = found
        .rate
        .convert(money, rest, account)
        .ok_or_else(|| format!("it is too large in {account}"))?;
    if sent.amount_cents == 0 {
        return Err(format!(
            "at {} it is less than the smallest amount of {account}",
            found.rate
        ));
    }
    let original = Original {
        money,
        rate: Text::from(found.rate.to_string()),
        rate_date: found.date,
    };
    Ok((Conversion { original, sent }, found))
}

fn convert_mrr(sale: &mut Event, currency: Currency, rate: RateOf, account: Currency) {
    if let Some(amount_cents) = sale.details().mrr_cents {
        let money = Money {
            amount_cents,
            currency,
        };
        let mut details = sale.details().clone();
        let converted = rate.rate.convert(money, 0, account);
        details.mrr_cents = converted.map(|money| money.amount_cents);
        sale.set_details(details);
    }
}

fn apply(event: &mut Event, conversion: Conversion) {
    event.money = Some(conversion.sent);
    event.original = Some(Box::new(conversion.original));
}

/// Returns the amount and its rate in words: `20.00 EUR at 1.0834 of 2026-03-02`.
fn in_words(original: &Original) -> String {
    let Original {
        money,
        rate,
        rate_date,
    } = original;
    format!("{money} at {rate} of {rate_date}")
}

fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

impl ConversionFindings {
    /// Reports what is done with other currencies in a plan, with totals: never in silence.
    pub(crate) fn problems(
        &self,
        plan: &Plan,
        foreign: &Foreign,
        account: Currency,
        decimals: &Decimals,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.is_foreign || account.stripe_digits().is_some() {
            problems.extend(decimals::undecided(plan, decimals));
        }
        if self.is_foreign || account.exponent() > account.api_digits() {
            problems.extend(cut_amounts(plan));
        }
        if !self.is_foreign {
            return problems;
        }
        let (mut sent, mut held) = (Tally::default(), Tally::default());
        let mut converted: BTreeMap<(Kind, Currency), (Sum, Sum)> = BTreeMap::new();
        for (_, planned) in plan.unordered() {
            let event = planned.event;
            let is_foreign = event.money.is_some_and(|money| money.currency != account);
            match (planned.state, event.original_money()) {
                (PlanState::ToSend, Some(original)) => {
                    let key = (event.kind, original.currency);
                    let (before, after) = converted.entry(key).or_default();
                    add(before, Some(original));
                    add(after, event.money);
                }
                (PlanState::ToSend, None) if is_foreign => sent.add(event.kind, event.money),
                (PlanState::Unlinked, None) if is_foreign => held.add(event.kind, event.money),
                _ => {}
            }
        }
        if sent.count() > 0 {
            let message = format!("{sent}: not in {account}; sent unconverted");
            problems.push(Problem::warning(ProblemCode::CurrencySent, message).hint(
                "`foreign` under `[currencies]` of fprecon.toml can be `send`, `convert` or `hold`",
            ));
        }
        for ((kind, currency), (before, after)) in converted {
            let of = |currency, sum| {
                let mut tally = Tally::default();
                tally.add_sum(kind, Some(currency), sum);
                tally
            };
            let (before, after) = (of(currency, before), of(account, after));
            problems.push(
                Problem::warning(
                    ProblemCode::CurrencyConverted,
                    format!("{before}: sent as {after}"),
                )
                .hint("the report's converted.csv has the rate of each"),
            );
        }
        if held.count() > 0 && matches!(foreign, Foreign::Hold | Foreign::Convert(_)) {
            let message = format!("{held}: not in {account}, and held");
            problems.push(
                Problem::warning(ProblemCode::CurrencyHeld, message).hint("held.csv says why"),
            );
        }
        problems.extend(self.of_rates());
        problems
    }

    fn of_rates(&self) -> Vec<Problem> {
        let (old, other) = (&self.old_rates, &self.other_rates);
        let mut problems = Vec::new();
        if old.count() > 0 {
            let message =
                format!("{old}: converted by a rate more than {MAX_RATE_AGE_DAYS} days older");
            problems.push(
                Problem::warning(ProblemCode::RateOld, message)
                    .hint("add later rates to the rates file"),
            );
        }
        if other.count() > 0 {
            let message = format!(
                "{other}: the rates file would now convert what earlier runs sent into other amounts"
            );
            problems.push(Problem::warning(ProblemCode::RateChanged, message).hint(
                "what was sent is not changed, and nothing is sent again; change it in FirstPromoter if necessary",
            ));
        }
        problems
    }
}

/// Reports what is sent without the last decimal of its currency.
fn cut_amounts(plan: &Plan) -> Vec<Problem> {
    let mut cut: BTreeMap<Currency, Tally> = BTreeMap::new();
    for (_, planned) in plan.unordered() {
        let event = planned.event;
        if planned.state == PlanState::ToSend
            && event.original_money().is_none()
            && let Some(money) = event.money
            && event.has_details()
            && event.details().rest.is_some()
        {
            let tally = cut.entry(money.currency).or_default();
            tally.add(event.kind, event.money);
        }
    }
    let problems = cut.into_iter().map(|(currency, tally)| {
        let message = format!(
            "{tally}: the third decimal is cut off, because the Tracking API takes hundredths of {currency}"
        );
        Problem::warning(ProblemCode::AmountCut, message)
    });
    problems.collect()
}

fn add(sum: &mut Sum, money: Option<Money>) {
    sum.count += 1;
    sum.amount_cents += i128::from(money.map_or(0, |money| money.amount_cents));
}

#[cfg(test)]
mod tests;
