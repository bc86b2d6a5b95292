//! How dates are written, as far as the dates themselves prove it.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// Ways to write a date that are tried, the surest first.
const FORMATS: [&str; 40] = [
    "rfc3339",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S %z",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%S%.f%z",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y, %H:%M",
    "%d.%m.%y",
    "%d.%m.%y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d/%m/%y %H:%M",
    "%m/%d/%y %H:%M",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d-%m-%Y %H:%M:%S",
    "%m-%d-%Y %H:%M:%S",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%d-%b-%Y %H:%M",
    "%b %d, %Y",
    "%B %d, %Y",
];

/// Formats that one column may be written in at most.
const FORMATS_MOST: usize = 3;

/// What the dates of a column tell of how they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Days {
    /// In these formats.
    Written {
        formats: Vec<&'static str>,
        /// The index of a date that only they can read, where day and month are both numbers.
        proof: Option<usize>,
    },
    /// Day and month could be either way round in every one of them.
    Ambiguous(Vec<[&'static str; 2]>),
    /// Some have the day first and some the month.
    Mixed(Vec<[&'static str; 2]>),
}

fn reads(format: &str, value: &str) -> bool {
    let timestamp = match format {
        "rfc3339" => value.parse().ok(),
        pattern => read_pattern(pattern, value),
    };
    // As when exports are read: no payment is older.
    timestamp.is_some_and(|timestamp: Timestamp| timestamp >= Timestamp::UNIX_EPOCH)
}

fn read_pattern(pattern: &str, value: &str) -> Option<Timestamp> {
    let parsed = strtime::parse(pattern, value).ok()?;
    if let Ok(timestamp) = parsed.to_timestamp() {
        return Some(timestamp);
    }
    let civil: DateTime = match parsed.to_datetime() {
        Ok(civil) => civil,
        Err(_) => Date::to_datetime(parsed.to_date().ok()?, jiff::civil::Time::midnight()),
    };
    TimeZone::UTC.to_timestamp(civil).ok()
}

/// The same format with day and month the other way round, if it is one of those tried.
fn swapped(format: &str) -> Option<&'static str> {
    let other = match (format.find("%d"), format.find("%m")) {
        (Some(day), Some(month)) if day < month => format
            .replacen("%d", "%m", 1)
            .replacen("/%m", "/%d", 1)
            .replacen("-%m", "-%d", 1),
        (Some(_), Some(0)) => format
            .replacen("%m", "%d", 1)
            .replacen("/%d", "/%m", 1)
            .replacen("-%d", "-%m", 1),
        _ => return None,
    };
    FORMATS
        .into_iter()
        .find(|known| *known == other && *known != format)
}

/// What these dates tell; nothing if some of them are none.
pub(super) fn days(values: &[&str]) -> Option<Days> {
    if values.is_empty() {
        return None;
    }
    let mut left: Vec<usize> = (0..values.len()).collect();
    let mut chosen: Vec<&'static str> = Vec::new();
    while !left.is_empty() && chosen.len() < FORMATS_MOST {
        let read = |format: &str| left.iter().filter(|&&at| reads(format, values[at])).count();
        let first = values[left[0]];
        // Of formats that read as many, the first is the surest.
        let mut possible = FORMATS
            .into_iter()
            .filter(|format| reads(format, first))
            .rev();
        let format = possible.by_ref().max_by_key(|format| read(format))?;
        left.retain(|&at| !reads(format, values[at]));
        chosen.push(format);
    }
    left.is_empty().then(|| order(values, chosen))
}

/// Whether day or month comes first, where both are numbers.
fn order(values: &[&str], chosen: Vec<&'static str>) -> Days {
    let pairs: Vec<[&'static str; 2]> = chosen
        .iter()
        .filter_map(|format| Some([*format, swapped(format)?]))
        .collect();
    let pairs: Vec<[&'static str; 2]> = pairs
        .into_iter()
        .map(|[one, other]| {
            if one.starts_with("%d") {
                [one, other]
            } else {
                [other, one]
            }
        })
        .collect();
    if pairs.is_empty() {
        return Days::Written {
            formats: chosen,
            proof: None,
        };
    }
    let only = |first: usize| {
        let reads_first = |value: &str| {
            pairs
                .iter()
                .any(|pair| reads(pair[first], value) && !reads(pair[1 - first], value))
        };
        values.iter().position(|value| reads_first(value))
    };
    let mut unique = pairs.clone();
    unique.dedup();
    let keep = |first: usize| {
        let mut formats: Vec<&'static str> = Vec::new();
        for format in &chosen {
            let format = match swapped(format) {
                Some(other) if format.starts_with("%d") != (first == 0) => other,
                _ => format,
            };
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        formats
    };
    match (only(0), only(1)) {
        (Some(_), Some(_)) => Days::Mixed(unique),
        (None, None) => Days::Ambiguous(unique),
        (Some(proof), None) => Days::Written {
            formats: keep(0),
            proof: Some(proof),
        },
        (None, Some(proof)) => Days::Written {
            formats: keep(1),
            proof: Some(proof),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formats(values: &[&str]) -> Vec<&'static str> {
        match days(values).unwrap() {
            Days::Written { formats, .. } => formats,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn dates_prove_their_order_or_leave_it_open() {
        assert_eq!(formats(&["2026-01-31", "2026-02-01"]), ["%Y-%m-%d"]);
        assert_eq!(formats(&["31.12.2025"]), ["%d.%m.%Y"]);
        assert_eq!(formats(&["03/04/2026", "30/04/2026"]), ["%d/%m/%Y"]);
        assert_eq!(formats(&["03/04/2026", "03/25/2026"]), ["%m/%d/%Y"]);
        assert_eq!(formats(&["2026-01-31T10:00:00Z"]), ["rfc3339"]);
        assert!(matches!(
            days(&["03/04/2026", "05/06/2026"]),
            Some(Days::Ambiguous(_))
        ));
        assert!(matches!(
            days(&["13/04/2026", "05/16/2026"]),
            Some(Days::Mixed(_))
        ));
        assert_eq!(days(&["2026-01-31", "soon"]), None);
        assert_eq!(days(&["1001", "1002"]), None);
        assert_eq!(days(&["8.00"]), None);
    }

    #[test]
    fn a_format_of_numbers_knows_its_twin() {
        assert_eq!(swapped("%d/%m/%Y %H:%M"), Some("%m/%d/%Y %H:%M"));
        assert_eq!(swapped("%m-%d-%Y"), Some("%d-%m-%Y"));
        assert_eq!(swapped("%d.%m.%Y"), None);
        for format in FORMATS {
            assert!(
                swapped(format).is_none_or(|twin| swapped(twin) == Some(format)),
                "{format}"
            );
        }
    }
}
