//! Charts in integers: pixels upwards, hundredths of a percent sideways. So a chart is as wide as
//! its page, and its text keeps its size at every width.

mod periods;
mod scale;

use std::fmt;

pub(crate) use self::periods::{PeriodUnit, Periods};
pub(crate) use self::scale::Scale;

/// Pixels from the top of a chart to the top of its highest column.
const TOP: i128 = 22;
/// Pixels of the columns, from the top to the bottom.
const PLOT: i128 = 176;
/// Pixels below the columns, for their labels.
const BELOW: i128 = 40;
/// A chart's height.
pub(crate) const HEIGHT: i128 = TOP + PLOT + BELOW;

/// A share of a whole, in hundredths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share(i128);

impl Share {
    /// Returns the share of `part` in `whole`, which is not negative. The share of 0 in 0 is 0.
    pub(crate) fn new(part: impl Into<i128>, whole: impl Into<i128>) -> Self {
        let (part, whole): (i128, i128) = (part.into(), whole.into());
        Share(if whole > 0 { part * 10_000 / whole } else { 0 })
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}%", self.0 / 100, self.0 % 100)
    }
}

/// An entry of a chart's legend: a word and its CSS class.
pub(crate) struct LegendEntry {
    pub(crate) class: &'static str,
    pub(crate) words: &'static str,
}

/// A chart of columns side by side, each made of parts.
pub(crate) struct ColumnChart {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) height: i128,
    pub(crate) zero: i128,
    pub(crate) lines: Vec<GridLine>,
    pub(crate) columns: Vec<Bar>,
    pub(crate) legend: Vec<LegendEntry>,
    /// The heading of the first column in the table below the chart, such as `Month`.
    pub(crate) unit: &'static str,
    pub(crate) heads: Vec<&'static str>,
    pub(crate) table: Vec<TableRow>,
    pub(crate) note: String,
}

/// A line across a chart, with its figure.
pub(crate) struct GridLine {
    pub(crate) y: i128,
    pub(crate) label: String,
}

/// A column of a chart.
pub(crate) struct Bar {
    /// The left edge of the column, and the middle of its label.
    pub(crate) x: Share,
    pub(crate) middle: Share,
    pub(crate) width: Share,
    pub(crate) name: String,
    pub(crate) figures: String,
    pub(crate) label: String,
    pub(crate) year: String,
    /// The CSS class of the label: `label` where it always shows, `label wide` where it shows only
    /// on a wide page, else empty.
    pub(crate) label_class: &'static str,
    pub(crate) parts: Vec<BarSegment>,
}

/// A part of a column.
pub(crate) struct BarSegment {
    pub(crate) class: &'static str,
    pub(crate) y: i128,
    pub(crate) height: i128,
}

/// A row of the table below a chart.
pub(crate) struct TableRow {
    pub(crate) name: String,
    pub(crate) cells: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_written_without_a_float() {
        assert_eq!(Share::new(1, 3).to_string(), "33.33%");
        assert_eq!(Share::new(1, 1).to_string(), "100.00%");
        assert_eq!(Share::new(5, 0).to_string(), "0.00%");
        assert_eq!(Share::new(1, 2000).to_string(), "0.05%");
    }
}
