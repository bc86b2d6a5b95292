//! The range of dates that `--since` and `--until` name.

use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::arguments::RangeArguments;
use super::error::CliError;
use super::settings::EffectiveSettings;
use crate::job::DateRange;
use crate::problem::{Problem, ProblemCode};

/// A day, or a time, as it was written on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RangeLimit {
    words: String,
    at: LimitTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LimitTime {
    Day(Date),
    /// A time in the account's zone.
    Civil(DateTime),
    /// A time that names its offset itself.
    Exact(Timestamp),
}

impl FromStr for RangeLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let has_time = text.contains(['T', 't', ' ']);
        let at = if let Ok(at) = text.parse() {
            Some(LimitTime::Exact(at))
        } else if has_time {
            text.parse().ok().map(LimitTime::Civil)
        } else {
            text.parse().ok().map(LimitTime::Day)
        };
        match at {
            Some(at) => Ok(RangeLimit {
                words: text.to_owned(),
                at,
            }),
            None => Err(
                "not a date or time; write it like `2026-03-01`, `2026-03-01T14:00` or `2026-03-01T14:00:00Z`"
                    .to_owned(),
            ),
        }
    }
}

impl RangeLimit {
    /// Returns the limit as it was written.
    pub(crate) fn words(&self) -> &str {
        &self.words
    }

    /// Returns the first time that is in the range, if this is where it begins.
    fn begin(&self, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
        let civil = match self.at {
            LimitTime::Day(day) => day.at(0, 0, 0, 0),
            LimitTime::Civil(at) => at,
            LimitTime::Exact(at) => return Ok(at),
        };
        Ok(civil.to_zoned(zone.clone())?.timestamp())
    }

    /// Returns the first time after the range, if this is where it ends: a day belongs to the range, a time is
    /// the first one that does not.
    fn end(&self, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
        match self.at {
            LimitTime::Day(day) => {
                let next = day.checked_add(1.day())?;
                Ok(next.to_zoned(zone.clone())?.timestamp())
            }
            LimitTime::Civil(_) | LimitTime::Exact(_) => self.begin(zone),
        }
    }
}

/// Returns the range that the options name, in the account's zone.
///
/// # Errors
///
/// The zone is not valid, or nothing can be in the range.
pub(super) fn date_range(
    arguments: &RangeArguments,
    settings: &EffectiveSettings,
) -> Result<DateRange, CliError> {
    if arguments.since.is_none() && arguments.until.is_none() {
        return Ok(DateRange::default());
    }
    let zone = settings.zone()?;
    let out_of_bounds = |_| {
        CliError::usage(Problem::error(
            ProblemCode::Usage,
            "a date of the range is too far in the past or the future",
        ))
    };
    let since = arguments.since.as_ref().map(|limit| limit.begin(&zone));
    let until = arguments.until.as_ref().map(|limit| limit.end(&zone));
    let since = since.transpose().map_err(out_of_bounds)?;
    let until = until.transpose().map_err(out_of_bounds)?;
    let range = DateRange {
        since,
        until,
        zone,
        words: words(arguments),
    };
    if since
        .zip(until)
        .is_some_and(|(since, until)| since >= until)
    {
        let problem = Problem::error(ProblemCode::Usage, format!("no time is in {range}"));
        return Err(CliError::usage(
            problem.hint("`--since` has to be before `--until`"),
        ));
    }
    Ok(range)
}

/// Returns the options as they were written.
fn words(arguments: &RangeArguments) -> String {
    let since = arguments.since.as_ref();
    let until = arguments.until.as_ref();
    let since = since.map(|limit| format!("`--since {}`", limit.words));
    let until = until.map(|limit| format!("`--until {}`", limit.words));
    let both: Vec<String> = [since, until].into_iter().flatten().collect();
    both.join(" ")
}

/// Returns the options with their values, for commands that read the same exports.
pub(super) fn options(
    arguments: &RangeArguments,
) -> impl Iterator<Item = (&'static str, String)> + '_ {
    let both = [("--since", &arguments.since), ("--until", &arguments.until)];
    let given = both.into_iter();
    given.filter_map(|(name, limit)| Some((name, limit.as_ref()?.words.clone())))
}
