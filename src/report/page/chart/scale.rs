//! Converts figures into pixels, upwards.

use super::{GridLine, PLOT, TOP};

/// The greatest number of lines across a chart.
const LINES: i128 = 4;

/// The vertical scale of a chart.
pub(crate) struct Scale {
    step: i128,
    up: i128,
    down: i128,
    /// The pixel row of zero.
    pub(crate) zero: i128,
}

impl Scale {
    /// Creates a scale for columns of up to `up` above and `down` below zero, with lines at
    /// multiples of `unit` where the figures are large enough.
    pub(crate) fn new(up: i128, down: i128, unit: i128) -> Self {
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

    /// Returns the height of a figure in pixels. Small figures stay visible.
    pub(crate) fn height(&self, figure: i128) -> i128 {
        (figure * PLOT / (self.up + self.down)).max(2)
    }

    /// Returns the lines across the chart, each with its figure in `words`.
    pub(crate) fn lines(&self, words: impl Fn(i128) -> String) -> Vec<GridLine> {
        let mut lines = Vec::new();
        let mut at = -self.down;
        while at <= self.up {
            let y = self.zero - at * PLOT / (self.up + self.down);
            lines.push(GridLine {
                y,
                label: words(at.abs()),
            });
            at += self.step;
        }
        lines
    }
}

/// Returns the distance between two lines: one, two or five times a power of ten, so large that few
/// lines fit into `whole`.
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

/// Divides two numbers that are not negative and rounds up.
fn quotient_up(of: i128, by: i128) -> i128 {
    (of + by - 1) / by
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::words::grouped;

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
        let scale = Scale::new(900, 90, 1);
        assert_eq!((scale.up, scale.down), (1000, 500));
        assert!(scale.height(900) <= scale.zero - TOP);
        assert_eq!(scale.height(1), 2);
        assert_eq!(scale.lines(grouped).len(), 4);
    }
}
