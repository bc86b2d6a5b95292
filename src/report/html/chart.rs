//! The geometry of the charts, in integers: pixels upwards, hundredths of a percent sideways. So a
//! chart is as wide as its page, and its words stay as large as they are anywhere.

use std::collections::BTreeMap;
use std::fmt;

use jiff::ToSpan;
use jiff::civil::Date;

use super::gather::{ByOutcome, Day, cents};
use crate::event::{Currency, Kind};
use crate::journal::Outcome;
use crate::report::summary::{OutcomesSummary, outcome_word};
use crate::report::words::{amount, grouped, outcome_words};

/// Pixels from the top of a chart to the top of its highest column.
const TOP: i128 = 22;
/// Pixels of the columns, from the top to the bottom.
const PLOT: i128 = 176;
/// Pixels below the columns, for their labels.
const BELOW: i128 = 40;
/// How many columns a chart has at the most.
const COLUMNS: i64 = 48;
/// How many lines across a chart has at the most.
const LINES: i128 = 4;

/// Hundredths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share(i128);

impl Share {
    /// `part` of `whole`, which is not negative; nothing of nothing is nothing.
    pub(super) fn of(part: impl Into<i128>, whole: impl Into<i128>) -> Self {
        let (part, whole): (i128, i128) = (part.into(), whole.into());
        Share(if whole > 0 { part * 10_000 / whole } else { 0 })
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}%", self.0 / 100, self.0 % 100)
    }
}

/// A word and its look.
pub(super) struct LegendEntry {
    pub(super) class: &'static str,
    pub(super) words: &'static str,
}

/// Columns beside each other, each made of parts.
pub(super) struct ColumnChart {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) height: i128,
    pub(super) zero: i128,
    pub(super) lines: Vec<Line>,
    pub(super) columns: Vec<Column>,
    pub(super) legend: Vec<LegendEntry>,
    /// What the first column of the table below the chart is called: `Month`.
    pub(super) unit: &'static str,
    pub(super) heads: Vec<&'static str>,
    pub(super) table: Vec<TableRow>,
    pub(super) note: String,
}

/// A line across a chart, with the figure that it stands for.
pub(super) struct Line {
    pub(super) y: i128,
    pub(super) label: String,
}

/// A column of a chart.
pub(super) struct Column {
    /// Its left edge, and the middle that its label stands at.
    pub(super) x: Share,
    pub(super) middle: Share,
    pub(super) width: Share,
    pub(super) name: String,
    pub(super) figures: String,
    pub(super) label: String,
    pub(super) year: String,
    /// `label` where it always shows, `label wide` where only on a wide page, else empty.
    pub(super) label_class: &'static str,
    pub(super) parts: Vec<Part>,
}

/// A part of a column.
pub(super) struct Part {
    pub(super) class: &'static str,
    pub(super) y: i128,
    pub(super) height: i128,
}

/// A row of the table below a chart.
pub(super) struct TableRow {
    pub(super) name: String,
    pub(super) cells: Vec<String>,
}

/// How long the time of one column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Years(i16),
}

impl Unit {
    /// The shortest, from `least` on, of which the time between two days takes few enough.
    fn fitting(first: Date, last: Date, least: Unit) -> Self {
        let days = (last - first).get_days();
        let months = i64::from(last.year() - first.year()) * 12
            + i64::from(last.month() - first.month())
            + 1;
        if least == Unit::Day && i64::from(days) < 32 {
            return Unit::Day;
        }
        if least == Unit::Day && i64::from(days) / 7 < 27 {
            return Unit::Week;
        }
        match months {
            ..=COLUMNS => Unit::Month,
            months if months / 3 < COLUMNS => Unit::Quarter,
            months => {
                let years = months / 12 + 1;
                Unit::Years(i16::try_from(years / COLUMNS + 1).unwrap_or(i16::MAX))
            }
        }
    }

    fn start(self, day: Date) -> Date {
        let start = match self {
            Unit::Day => Ok(day),
            Unit::Week => day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()),
            Unit::Month => Ok(day.first_of_month()),
            Unit::Quarter => Date::new(day.year(), (day.month() - 1) / 3 * 3 + 1, 1),
            Unit::Years(n) => Date::new(day.year() - day.year().rem_euclid(n), 1, 1),
        };
        start.unwrap_or(day)
    }

    fn next(self, start: Date) -> Option<Date> {
        let span = match self {
            Unit::Day => 1.day(),
            Unit::Week => 1.week(),
            Unit::Month => 1.month(),
            Unit::Quarter => 3.months(),
            Unit::Years(n) => i64::from(n).years(),
        };
        start.checked_add(span).ok()
    }

    fn name(self) -> &'static str {
        match self {
            Unit::Day => "Day",
            Unit::Week => "Week from",
            Unit::Month => "Month",
            Unit::Quarter => "Quarter",
            Unit::Years(1) => "Year",
            Unit::Years(_) => "Years from",
        }
    }

    fn full(self, start: Date) -> String {
        match self {
            Unit::Day | Unit::Week => start.strftime("%-d %b %Y").to_string(),
            Unit::Month => start.strftime("%b %Y").to_string(),
            Unit::Quarter => format!("Q{} {}", (start.month() - 1) / 3 + 1, start.year()),
            Unit::Years(_) => start.year().to_string(),
        }
    }

    fn short(self, start: Date) -> String {
        match self {
            Unit::Day | Unit::Week => start.strftime("%-d %b").to_string(),
            Unit::Month => start.strftime("%b").to_string(),
            Unit::Quarter => format!("Q{}", (start.month() - 1) / 3 + 1),
            Unit::Years(_) => start.year().to_string(),
        }
    }
}

fn date_of(day: i64) -> Option<Date> {
    jiff::civil::date(1970, 1, 1).checked_add(day.days()).ok()
}

/// The days, put together into units of time without a gap.
struct Periods {
    unit: Unit,
    periods: Vec<(Date, Day)>,
}

impl Periods {
    fn of(days: &BTreeMap<i64, Day>, least: Unit) -> Option<Self> {
        let (first, last) = (days.keys().next()?, days.keys().next_back()?);
        let (first, last) = (date_of(*first)?, date_of(*last)?);
        let unit = Unit::fitting(first, last, least);
        let mut sums: BTreeMap<Date, Day> = BTreeMap::new();
        for (&day, sum) in days {
            let start = unit.start(date_of(day)?);
            sums.entry(start).or_default().merge(sum);
        }
        let mut periods = Vec::new();
        let mut next = Some(unit.start(first));
        while let Some(start) = next.filter(|start| *start <= last) {
            periods.push((start, sums.remove(&start).unwrap_or_default()));
            next = unit.next(start);
        }
        Some(Periods { unit, periods })
    }

    /// A column for each, without its parts.
    fn columns(&self) -> Vec<Column> {
        let n = self.periods.len();
        let every = |most: usize| n.div_ceil(most).max(1);
        let wide = every(12);
        let narrow = every(5).next_multiple_of(wide);
        let mut year = None;
        let columns = self.periods.iter().enumerate().map(|(index, (start, _))| {
            let (at, of) = (index as i128, n as i128);
            let label_class = match index {
                index if index % narrow == 0 => "label",
                index if index % wide == 0 => "label wide",
                _ => "",
            };
            let is_new = !label_class.is_empty() && year != Some(start.year());
            if is_new {
                year = Some(start.year());
            }
            let says_year = !matches!(self.unit, Unit::Years(_)) && is_new;
            // A few columns are not stretched to slabs: none is wider than one of eight.
            let tenths = 8.min(of.max(1));
            Column {
                x: Share::of(at * 20 + 10 - tenths, of * 20),
                middle: Share::of(at * 2 + 1, of * 2),
                width: Share::of(tenths, of * 10),
                name: self.unit.full(*start),
                figures: String::new(),
                label: self.unit.short(*start),
                year: if says_year {
                    start.year().to_string()
                } else {
                    String::new()
                },
                label_class,
                parts: Vec::new(),
            }
        });
        columns.collect()
    }
}

/// Events by the day on which they happened, and by what came of them.
pub(super) fn outcomes_over_time(days: &BTreeMap<i64, Day>, undated: u64) -> Option<ColumnChart> {
    let periods = Periods::of(days, Unit::Day)?;
    let highest = periods.periods.iter().map(|(_, day)| day.outcomes.total());
    let scale = Scale::of(highest.max().unwrap_or(0).into(), 0, 1);
    let mut all = ByOutcome::default();
    let mut columns = periods.columns();
    let mut table = Vec::new();
    let seen: Vec<Option<Outcome>> = {
        for (_, day) in &periods.periods {
            all.merge(&day.outcomes);
        }
        OutcomesSummary::all()
            .filter(|of| all.of(*of) > 0)
            .collect()
    };
    for (column, (_, day)) in columns.iter_mut().zip(&periods.periods) {
        let mut y = scale.zero;
        let mut figures = Vec::new();
        for &outcome in &seen {
            let n = day.outcomes.of(outcome);
            if n > 0 {
                let height = scale.height(n.into());
                y -= height;
                column.parts.push(Part {
                    class: outcome_word(outcome),
                    y,
                    height,
                });
                figures.push(format!("{} {}", grouped(n.into()), outcome_words(outcome)));
            }
        }
        column.figures = figures.join(", ");
        let mut cells: Vec<String> = seen
            .iter()
            .map(|of| grouped(day.outcomes.of(*of).into()))
            .collect();
        cells.push(grouped(day.outcomes.total().into()));
        table.push(TableRow {
            name: column.name.clone(),
            cells,
        });
    }
    let parts: Vec<String> = seen
        .iter()
        .map(|of| format!("{} {}", grouped(all.of(*of).into()), outcome_words(*of)))
        .collect();
    Some(ColumnChart {
        id: "over-time".to_owned(),
        title: "Events over time, by what came of them".to_owned(),
        description: describe(&periods, &parts.join(", ")),
        height: TOP + PLOT + BELOW,
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

pub(super) fn legend(outcomes: &[Option<Outcome>]) -> Vec<LegendEntry> {
    let entry = |outcome: &Option<Outcome>| LegendEntry {
        class: outcome_word(*outcome),
        words: outcome_words(*outcome),
    };
    outcomes.iter().map(entry).collect()
}

/// Sales upwards and refunds downwards, by month, of one currency.
pub(super) fn money_by_month(
    days: &BTreeMap<i64, Day>,
    undated: &Day,
    currency: Currency,
) -> Option<ColumnChart> {
    let of_currency = |day: &Day, kind| cents(&day.money, kind, currency);
    let with_money: BTreeMap<i64, Day> = days
        .iter()
        .filter(|(_, day)| day.money.cents().contains_key(&currency))
        .map(|(day, sums)| (*day, sums.clone()))
        .collect();
    let periods = Periods::of(&with_money, Unit::Month)?;
    let highest = |kind| {
        let of_kind = periods
            .periods
            .iter()
            .map(|(_, day)| of_currency(day, kind));
        of_kind.max().unwrap_or(0)
    };
    let unit_cents = 10_i128.pow(currency.api_digits());
    let scale = Scale::of(highest(Kind::Sale), highest(Kind::Refund), unit_cents);
    let mut columns = periods.columns();
    let mut table = Vec::new();
    let (mut all_sales, mut all_refunds) = (0, 0);
    for (column, (_, day)) in columns.iter_mut().zip(&periods.periods) {
        let (sales, refunds) = (of_currency(day, Kind::Sale), of_currency(day, Kind::Refund));
        all_sales += sales;
        all_refunds += refunds;
        if sales > 0 {
            let height = scale.height(sales);
            let y = scale.zero - height;
            column.parts.push(Part {
                class: "sale",
                y,
                height,
            });
        }
        if refunds > 0 {
            let (y, height) = (scale.zero, scale.height(refunds));
            column.parts.push(Part {
                class: "refund",
                y,
                height,
            });
        }
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
        .filter(|(_, of, _)| *of == Some(currency));
    let without = without.map(|(_, _, sum)| sum.count).sum();
    Some(ColumnChart {
        id: format!("money-{currency}"),
        title: format!("Sales and refunds in {currency}"),
        description: describe(&periods, &totals),
        height: TOP + PLOT + BELOW,
        zero: scale.zero,
        lines: scale.lines(|n| whole_units(n, currency)),
        columns,
        legend: vec![
            LegendEntry {
                class: "sale",
                words: "sales",
            },
            LegendEntry {
                class: "refund",
                words: "refunds",
            },
        ],
        unit: periods.unit.name(),
        heads: vec!["sales", "refunds", "sales less refunds"],
        table,
        note: missing_dates(without),
    })
}

/// An amount without decimals where it has none.
fn whole_units(cents: i128, currency: Currency) -> String {
    let text = amount(cents, currency);
    match text.strip_suffix(".00") {
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

fn describe(periods: &Periods, totals: &str) -> String {
    let ends = (periods.periods.first(), periods.periods.last());
    let (Some((first, _)), Some((last, _))) = ends else {
        return totals.to_owned();
    };
    let (first, last) = (periods.unit.full(*first), periods.unit.full(*last));
    match first == last {
        true => format!("{first}: {totals}."),
        false => format!("{first} to {last}: {totals}."),
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

/// From figures to pixels.
struct Scale {
    step: i128,
    up: i128,
    down: i128,
    zero: i128,
}

impl Scale {
    /// For columns of up to `up` above and `down` below zero, with lines at whole `unit`s where the
    /// figures are that large.
    fn of(up: i128, down: i128, unit: i128) -> Self {
        let step = step_for((up + down).max(1), unit);
        let (up, down) = (
            quotient_up(up.max(1), step) * step,
            quotient_up(down, step) * step,
        );
        Scale {
            step,
            up,
            down,
            zero: TOP + PLOT * up / (up + down),
        }
    }

    /// Small figures still show.
    fn height(&self, figure: i128) -> i128 {
        (figure * PLOT / (self.up + self.down)).max(2)
    }

    fn lines(&self, words: impl Fn(i128) -> String) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut at = -self.down;
        while at <= self.up {
            let y = self.zero - at * PLOT / (self.up + self.down);
            lines.push(Line {
                y,
                label: words(at.abs()),
            });
            at += self.step;
        }
        lines
    }
}

/// One, two or five times a power of ten, of which `whole` takes few enough.
fn step_for(whole: i128, unit: i128) -> i128 {
    let mut power = if whole >= unit { unit } else { 1 };
    loop {
        for times in [1, 2, 5] {
            if whole <= power * times * LINES {
                return power * times;
            }
        }
        power *= 10;
    }
}

/// Upwards; neither is negative.
fn quotient_up(of: i128, by: i128) -> i128 {
    (of + by - 1) / by
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn shares_are_written_without_a_float() {
        assert_eq!(Share::of(1, 3).to_string(), "33.33%");
        assert_eq!(Share::of(1, 1).to_string(), "100.00%");
        assert_eq!(Share::of(5, 0).to_string(), "0.00%");
        assert_eq!(Share::of(1, 2000).to_string(), "0.05%");
    }

    #[test]
    fn lines_stand_at_round_figures() {
        assert_eq!(step_for(1, 1), 1);
        assert_eq!(step_for(7, 1), 2);
        assert_eq!(step_for(999_999, 1), 500_000);
        assert_eq!(step_for(12_345, 100), 5_000);
        assert_eq!(step_for(3, 100), 1);
    }

    #[test]
    fn the_highest_column_fits_and_the_lowest_shows() {
        let scale = Scale::of(900, 90, 1);
        assert_eq!((scale.up, scale.down), (1000, 500));
        assert!(scale.height(900) <= scale.zero - TOP);
        assert_eq!(scale.height(1), 2);
        assert_eq!(scale.lines(grouped).len(), 4);
    }

    #[test]
    fn any_span_of_time_has_few_columns_and_none_is_left_out() {
        let cases = [
            (date(2026, 3, 1), date(2026, 3, 1), Unit::Day),
            (date(2026, 3, 1), date(2026, 4, 1), Unit::Day),
            (date(2026, 3, 1), date(2026, 8, 30), Unit::Week),
            (date(2023, 1, 1), date(2026, 12, 31), Unit::Month),
            (date(2020, 1, 1), date(2026, 12, 31), Unit::Quarter),
            (date(1970, 1, 1), date(2026, 12, 31), Unit::Years(2)),
        ];
        for (first, last, unit) in cases {
            assert_eq!(Unit::fitting(first, last, Unit::Day), unit);
            let day_of = |at: Date| i64::from((at - date(1970, 1, 1)).get_days());
            let days = [first, last].map(|at| (day_of(at), Day::default()));
            let periods = Periods::of(&BTreeMap::from(days), Unit::Day).unwrap();
            assert!(periods.periods.len() as i64 <= COLUMNS, "{unit:?}");
            let columns = periods.columns();
            assert_eq!(columns[0].label_class, "label");
            assert!(periods.periods.last().unwrap().0 <= last);
        }
    }
}
