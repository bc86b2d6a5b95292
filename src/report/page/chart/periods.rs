//! Time in columns: days are put together into units so long that the chart has few columns.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;

use super::{Bar, Share};

/// The greatest number of columns of a chart.
const COLUMNS: i64 = 48;

/// The length of the time that one column covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PeriodUnit {
    Day,
    Week,
    Month,
    Quarter,
    Years(i16),
}

impl PeriodUnit {
    /// Returns the shortest unit from `least` on with which the time between two days takes few
    /// columns.
    fn fitting(first: Date, last: Date, least: PeriodUnit) -> Self {
        let days = (last - first).get_days();
        let months = i64::from(last.year() - first.year()) * 12
            + i64::from(last.month() - first.month())
            + 1;
        if least == PeriodUnit::Day && i64::from(days) < 32 {
            return PeriodUnit::Day;
        }
        if least == PeriodUnit::Day && i64::from(days) / 7 < 27 {
            return PeriodUnit::Week;
        }
        match months {
            ..=COLUMNS => PeriodUnit::Month,
            months if months / 3 < COLUMNS => PeriodUnit::Quarter,
            months => {
                let years = months / 12 + 1;
                PeriodUnit::Years(i16::try_from(years / COLUMNS + 1).unwrap_or(i16::MAX))
            }
        }
    }

    fn start(self, day: Date) -> Date {
        let start = match self {
            PeriodUnit::Day => Ok(day),
            PeriodUnit::Week => {
                day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days())
            }
            PeriodUnit::Month => Ok(day.first_of_month()),
            PeriodUnit::Quarter => Date::new(day.year(), (day.month() - 1) / 3 * 3 + 1, 1),
            PeriodUnit::Years(n) => Date::new(day.year() - day.year().rem_euclid(n), 1, 1),
        };
        start.unwrap_or(day)
    }

    fn next(self, start: Date) -> Option<Date> {
        let span = match self {
            PeriodUnit::Day => 1.day(),
            PeriodUnit::Week => 1.week(),
            PeriodUnit::Month => 1.month(),
            PeriodUnit::Quarter => 3.months(),
            PeriodUnit::Years(n) => i64::from(n).years(),
        };
        start.checked_add(span).ok()
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            PeriodUnit::Day => "Day",
            PeriodUnit::Week => "Week from",
            PeriodUnit::Month => "Month",
            PeriodUnit::Quarter => "Quarter",
            PeriodUnit::Years(1) => "Year",
            PeriodUnit::Years(_) => "Years from",
        }
    }

    pub(crate) fn full(self, start: Date) -> String {
        match self {
            PeriodUnit::Day | PeriodUnit::Week => start.strftime("%-d %b %Y").to_string(),
            PeriodUnit::Month => start.strftime("%b %Y").to_string(),
            PeriodUnit::Quarter => format!("Q{} {}", (start.month() - 1) / 3 + 1, start.year()),
            PeriodUnit::Years(_) => start.year().to_string(),
        }
    }

    fn short(self, start: Date) -> String {
        match self {
            PeriodUnit::Day | PeriodUnit::Week => start.strftime("%-d %b").to_string(),
            PeriodUnit::Month => start.strftime("%b").to_string(),
            PeriodUnit::Quarter => format!("Q{}", (start.month() - 1) / 3 + 1),
            PeriodUnit::Years(_) => start.year().to_string(),
        }
    }
}

fn date_of(day: i64) -> Option<Date> {
    jiff::civil::date(1970, 1, 1).checked_add(day.days()).ok()
}

/// The days, put together into units of time without a gap.
pub(crate) struct Periods<T> {
    pub(crate) unit: PeriodUnit,
    /// The first day of each period, and its sums.
    pub(crate) periods: Vec<(Date, T)>,
}

impl<T: Default> Periods<T> {
    /// Puts days, counted from 1970, together into units not shorter than `least`; returns `None`
    /// where there is no day.
    pub(crate) fn new(
        days: &BTreeMap<i64, T>,
        least: PeriodUnit,
        merge: impl Fn(&mut T, &T),
    ) -> Option<Self> {
        let (first, last) = (days.keys().next()?, days.keys().next_back()?);
        let (first, last) = (date_of(*first)?, date_of(*last)?);
        let unit = PeriodUnit::fitting(first, last, least);
        let mut sums: BTreeMap<Date, T> = BTreeMap::new();
        for (&day, sum) in days {
            let start = unit.start(date_of(day)?);
            merge(sums.entry(start).or_default(), sum);
        }
        let mut periods = Vec::new();
        let mut next = Some(unit.start(first));
        while let Some(start) = next.filter(|start| *start <= last) {
            periods.push((start, sums.remove(&start).unwrap_or_default()));
            next = unit.next(start);
        }
        Some(Periods { unit, periods })
    }

    /// Returns a column for each period, without its parts.
    pub(crate) fn columns(&self) -> Vec<Bar> {
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
            let says_year = !matches!(self.unit, PeriodUnit::Years(_)) && is_new;
            // The columns of a short chart are not stretched: each is as wide as one of eight,
            // at the most.
            let tenths = 8.min(of.max(1));
            Bar {
                x: Share::new(at * 20 + 10 - tenths, of * 20),
                middle: Share::new(at * 2 + 1, of * 2),
                width: Share::new(tenths, of * 10),
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

    /// Returns the first and the last period in words, with these totals.
    pub(crate) fn describe(&self, totals: &str) -> String {
        let ends = (self.periods.first(), self.periods.last());
        let (Some((first, _)), Some((last, _))) = ends else {
            return totals.to_owned();
        };
        let (first, last) = (self.unit.full(*first), self.unit.full(*last));
        if first == last {
            format!("{first}: {totals}.")
        } else {
            format!("{first} to {last}: {totals}.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn any_span_of_time_has_few_columns_and_none_is_left_out() {
        let cases = [
            (date(2026, 3, 1), date(2026, 3, 1), PeriodUnit::Day),
            (date(2026, 3, 1), date(2026, 4, 1), PeriodUnit::Day),
            (date(2026, 3, 1), date(2026, 8, 30), PeriodUnit::Week),
            (date(2023, 1, 1), date(2026, 12, 31), PeriodUnit::Month),
            (date(2020, 1, 1), date(2026, 12, 31), PeriodUnit::Quarter),
            (date(1970, 1, 1), date(2026, 12, 31), PeriodUnit::Years(2)),
        ];
        for (first, last, unit) in cases {
            assert_eq!(PeriodUnit::fitting(first, last, PeriodUnit::Day), unit);
            let day_of = |at: Date| i64::from((at - date(1970, 1, 1)).get_days());
            let days = [first, last].map(|at| (day_of(at), 0_u64));
            let periods = Periods::new(&BTreeMap::from(days), PeriodUnit::Day, |sum, day| {
                *sum += day
            })
            .unwrap();
            assert!(periods.periods.len() as i64 <= COLUMNS, "{unit:?}");
            let columns = periods.columns();
            assert_eq!(columns[0].label_class, "label");
            assert!(periods.periods.last().unwrap().0 <= last);
        }
    }
}
