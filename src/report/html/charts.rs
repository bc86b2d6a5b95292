//! The page's charts: events over time by outcome, and money by month.

use std::collections::BTreeMap;

use super::gather::{ByOutcome, DaySums, cents};
use crate::event::{Currency, Kind};
use crate::journal::Outcome;
use crate::report::outcomes::{OutcomesSummary, outcome_word};
use crate::report::page::chart::{
    BarSegment, ColumnChart, HEIGHT, LegendEntry, PeriodUnit, Periods, Scale, TableRow,
};
use crate::report::words::{amount, grouped, outcome_words};

/// Returns the chart of events by day and outcome.
pub(super) fn outcomes_over_time(
    days: &BTreeMap<i64, DaySums>,
    undated: u64,
) -> Option<ColumnChart> {
    let periods = Periods::new(days, PeriodUnit::Day, DaySums::merge)?;
    let highest = periods.periods.iter().map(|(_, day)| day.outcomes.total());
    let scale = Scale::new(highest.max().unwrap_or(0).into(), 0, 1);
    let mut all = ByOutcome::default();
    for (_, day) in &periods.periods {
        all.merge(&day.outcomes);
    }
    let seen = seen_outcomes(&all);
    let mut columns = periods.columns();
    let mut table = Vec::new();
    for (column, (_, day)) in columns.iter_mut().zip(&periods.periods) {
        column.parts = bar_of_outcomes(&day.outcomes, &scale);
        column.figures = outcomes_in_words(&day.outcomes);
        let mut cells: Vec<String> = seen
            .iter()
            .map(|of| grouped(day.outcomes.for_outcome(*of).into()))
            .collect();
        cells.push(grouped(day.outcomes.total().into()));
        table.push(TableRow {
            name: column.name.clone(),
            cells,
        });
    }
    Some(ColumnChart {
        id: "over-time".to_owned(),
        title: "Events over time, by outcome".to_owned(),
        description: periods.describe(&outcomes_in_words(&all)),
        height: HEIGHT,
        zero: scale.zero,
        lines: scale.lines(grouped),
        columns,
        legend: legend(&seen),
        unit: periods.unit.name(),
        heads: seen
            .iter()
            .map(|of| outcome_words(*of))
            .chain(["all"])
            .collect(),
        table,
        note: missing_dates(undated),
    })
}

/// Returns the outcomes that some events have.
fn seen_outcomes(outcomes: &ByOutcome) -> Vec<Option<Outcome>> {
    let all = OutcomesSummary::all();
    all.filter(|of| outcomes.for_outcome(*of) > 0).collect()
}

/// Returns the parts of a bar of events, one outcome upon the other.
fn bar_of_outcomes(outcomes: &ByOutcome, scale: &Scale) -> Vec<BarSegment> {
    let mut y = scale.zero;
    let part = |outcome| {
        let height = scale.height(outcomes.for_outcome(outcome).into());
        y -= height;
        BarSegment {
            class: outcome_word(outcome),
            y,
            height,
        }
    };
    seen_outcomes(outcomes).into_iter().map(part).collect()
}

/// Returns the number of events of each outcome, in words.
fn outcomes_in_words(outcomes: &ByOutcome) -> String {
    let figure = |of| {
        let n = outcomes.for_outcome(of);
        format!("{} {}", grouped(n.into()), outcome_words(of))
    };
    let figures = seen_outcomes(outcomes).into_iter().map(figure);
    figures.collect::<Vec<String>>().join(", ")
}

pub(super) fn legend(outcomes: &[Option<Outcome>]) -> Vec<LegendEntry> {
    let entry = |outcome: &Option<Outcome>| LegendEntry {
        class: outcome_word(*outcome),
        words: outcome_words(*outcome),
    };
    outcomes.iter().map(entry).collect()
}

/// Returns the chart of one currency's sales upwards and refunds downwards, by month.
pub(super) fn money_by_month(
    days: &BTreeMap<i64, DaySums>,
    undated: &DaySums,
    currency: Currency,
) -> Option<ColumnChart> {
    let of_currency = |day: &DaySums, kind| cents(&day.money, kind, currency);
    let with_money: BTreeMap<i64, DaySums> = days
        .iter()
        .filter(|(_, day)| day.money.cents().contains_key(&currency))
        .map(|(day, sums)| (*day, sums.clone()))
        .collect();
    let periods = Periods::new(&with_money, PeriodUnit::Month, DaySums::merge)?;
    let highest = |kind| {
        let of_kind = periods
            .periods
            .iter()
            .map(|(_, day)| of_currency(day, kind));
        of_kind.max().unwrap_or(0)
    };
    let unit_cents = 10_i128.pow(currency.api_digits());
    let scale = Scale::new(highest(Kind::Sale), highest(Kind::Refund), unit_cents);
    let mut columns = periods.columns();
    let mut table = Vec::new();
    let (mut all_sales, mut all_refunds) = (0, 0);
    for (column, (_, day)) in columns.iter_mut().zip(&periods.periods) {
        let (sales, refunds) = (of_currency(day, Kind::Sale), of_currency(day, Kind::Refund));
        all_sales += sales;
        all_refunds += refunds;
        column.parts = bar_of_money(sales, refunds, &scale);
        let figure = |cents| amount(cents, currency);
        column.figures = format!("sales {}, refunds {}", figure(sales), figure(refunds));
        table.push(TableRow {
            name: column.name.clone(),
            cells: vec![figure(sales), figure(refunds), figure(sales - refunds)],
        });
    }
    let totals = format!(
        "sales of {}, refunds of {}",
        amount(all_sales, currency),
        amount(all_refunds, currency)
    );
    let without = undated
        .money
        .iter()
        .filter(|(_, of, _)| *of == Some(currency))
        .map(|(_, _, sum)| sum.count)
        .sum();
    Some(ColumnChart {
        id: format!("money-{currency}"),
        title: format!("Sales and refunds in {currency}"),
        description: periods.describe(&totals),
        height: HEIGHT,
        zero: scale.zero,
        lines: scale.lines(|n| whole_units(n, currency)),
        columns,
        legend: legend_of_money(),
        unit: periods.unit.name(),
        heads: vec!["sales", "refunds", "sales less refunds"],
        table,
        note: missing_dates(without),
    })
}

/// Returns the parts of a bar of money: sales above zero, refunds below.
fn bar_of_money(sales: i128, refunds: i128, scale: &Scale) -> Vec<BarSegment> {
    let (above, below) = (scale.height(sales), scale.height(refunds));
    let mut parts = Vec::new();
    if sales > 0 {
        parts.push(BarSegment {
            class: "sale",
            y: scale.zero - above,
            height: above,
        });
    }
    if refunds > 0 {
        parts.push(BarSegment {
            class: "refund",
            y: scale.zero,
            height: below,
        });
    }
    parts
}

fn legend_of_money() -> Vec<LegendEntry> {
    let entry = |(class, words)| LegendEntry { class, words };
    let entries = [("sale", "sales"), ("refund", "refunds")];
    entries.into_iter().map(entry).collect()
}

/// Returns an amount in words, without decimals where they are zero.
fn whole_units(cents: i128, currency: Currency) -> String {
    let text = amount(cents, currency);
    match text.strip_suffix(".00") {
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

fn missing_dates(undated: u64) -> String {
    match undated {
        0 => String::new(),
        n => format!(
            "{} without a date of 1970 to 2099 left out.",
            crate::report::words::count(n, "event")
        ),
    }
}
