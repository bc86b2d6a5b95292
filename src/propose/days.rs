//! Detects the format of dates, as far as the dates themselves prove it.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use super::names;
use crate::profile::with_english_month;

/// The formats of days, the surest first.
const DATES: [&str; 22] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%d.%m.%y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%B %d %Y",
    "%d. %B %Y",
    "%d. %b %Y",
    "%d de %B de %Y",
    "%der %b %Y",
];

/// The formats that may follow a day.
const TIMES: [&str; 10] = [
    "",
    " %H:%M:%S",
    " %H:%M",
    " %I:%M:%S %p",
    " %I:%M %p",
    ", %H:%M:%S",
    ", %H:%M",
    ", %I:%M:%S %p",
    ", %I:%M %p",
    " %H:%M:%S%.f",
];

/// The formats that may follow a time.
const OFFSETS: [&str; 4] = ["", " %z", "%z", ZONE_WORD];

/// The formats between day and time in ISO 8601.
const ISO: [&str; 4] = [
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%S%.f%z",
    "%Y-%m-%dT%H:%M:%S%.f %Z",
];

/// A name of a zone in the format language of profiles.
pub(super) const ZONE_WORD: &str = " %Z";

/// The date formats that are tried, the surest first.
static FORMATS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut formats = vec!["rfc3339".to_owned()];
    for (date, time) in DATES.iter().flat_map(|date| TIMES.map(|time| (date, time))) {
        let offsets = if time.is_empty() {
            &OFFSETS[..1]
        } else {
            &OFFSETS
        };
        formats.extend(offsets.iter().map(|offset| format!("{date}{time}{offset}")));
    }
    formats.extend(ISO.map(str::to_owned));
    formats
});

fn formats() -> impl DoubleEndedIterator<Item = &'static str> {
    FORMATS.iter().map(String::as_str)
}

/// The numbers that are dates, with their names in a profile and their plausible ranges: from the
/// year 2000 to 2100.
const NUMBERS: [(&str, u64, u64); 3] = [
    ("unix-seconds", 946_684_800, 4_102_444_800),
    ("unix-milliseconds", 946_684_800_000, 4_102_444_800_000),
    ("spreadsheet-serial", 36_526, 73_051),
];

/// Returns the format of dates that are all numbers of one unit. It is only for columns with the
/// name of a date: an order number can be as large.
pub(super) fn numbers(values: &[&str]) -> Option<Days> {
    let is_in = |value: &str, from: u64, to: u64| {
        let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let whole = whole.parse().ok().filter(|_| is_digits(whole));
        is_digits(fraction) && whole.is_some_and(|whole: u64| (from..to).contains(&whole))
    };
    let found = NUMBERS
        .iter()
        .find(|(_, from, to)| values.iter().all(|value| is_in(value, *from, *to)));
    let (format, ..) = found.filter(|_| !values.is_empty())?;
    Some(Days::Written {
        formats: vec![format],
        proof: None,
    })
}

/// The greatest number of formats in one column.
const FORMATS_MOST: usize = 3;

/// The format of the dates of a column, as far as they show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Days {
    /// All dates are in these formats.
    Written {
        formats: Vec<&'static str>,
        /// The index of a date that only these formats can read, if day and month are both numbers.
        proof: Option<usize>,
    },
    /// Day and month could be in either order in every date.
    Ambiguous(Vec<[&'static str; 2]>),
    /// Some dates have the day first and some the month.
    Mixed(Vec<[&'static str; 2]>),
}

/// Returns the declaration that a zone name needs: an offset, or a zone of the IANA database.
pub(super) fn declared_zone(word: &str) -> Option<&'static str> {
    let known = names::ZONES.iter().find(|(known, _)| *known == word);
    known.map(|(_, zone)| *zone)
}

/// Returns `true` if a zone has a known name, declared or not.
pub(super) fn is_zone(word: &str) -> bool {
    declared_zone(word).is_some() || (word.contains('/') && TimeZone::get(word).is_ok())
}

fn reads(format: &str, value: &str) -> bool {
    let timestamp = match (format, format.strip_suffix(ZONE_WORD)) {
        ("rfc3339", _) => value.parse().ok(),
        (_, Some(pattern)) => value
            .rsplit_once(' ')
            .filter(|(_, word)| is_zone(word))
            .and_then(|(value, _)| read_pattern(pattern, value)),
        (pattern, None) => read_pattern(pattern, value),
    };
    // The limit of the reading of exports: no payment is older.
    timestamp.is_some_and(|timestamp: Timestamp| timestamp >= Timestamp::UNIX_EPOCH)
}

fn read_pattern(pattern: &str, value: &str) -> Option<Timestamp> {
    let value = with_english_month(value, pattern);
    let parsed = strtime::parse(pattern, &*value).ok()?;
    if let Ok(timestamp) = parsed.to_timestamp() {
        return Some(timestamp);
    }
    let civil: DateTime = match parsed.to_datetime() {
        Ok(civil) => civil,
        Err(_) => Date::to_datetime(parsed.to_date().ok()?, jiff::civil::Time::midnight()),
    };
    TimeZone::UTC.to_timestamp(civil).ok()
}

/// Returns the same format with day and month in the other order, if it is one of those tried.
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
    formats().find(|known| *known == other && *known != format)
}

/// Returns the format of these dates; `None` if some of them are not dates.
pub(super) fn days(values: &[&str]) -> Option<Days> {
    if values.is_empty() {
        return None;
    }
    let mut left: Vec<usize> = (0..values.len()).collect();
    let mut chosen: Vec<&'static str> = Vec::new();
    while !left.is_empty() && chosen.len() < FORMATS_MOST {
        let read = |format: &str| left.iter().filter(|&&at| reads(format, values[at])).count();
        let first = values[left[0]];
        // Of formats that read equally many, the first is the surest.
        let mut possible = formats().filter(|format| reads(format, first)).rev();
        let format = possible.by_ref().max_by_key(|format| read(format))?;
        left.retain(|&at| !reads(format, values[at]));
        chosen.push(format);
    }
    left.is_empty().then(|| order(values, chosen))
}

/// Decides the order of day and month, if both are numbers.
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

    fn formats_of(values: &[&str]) -> Vec<&'static str> {
        match days(values).unwrap() {
            Days::Written { formats, .. } => formats,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn dates_prove_their_order_or_leave_it_open() {
        assert_eq!(formats_of(&["2026-01-31", "2026-02-01"]), ["%Y-%m-%d"]);
        assert_eq!(formats_of(&["31.12.2025"]), ["%d.%m.%Y"]);
        assert_eq!(formats_of(&["03/04/2026", "30/04/2026"]), ["%d/%m/%Y"]);
        assert_eq!(formats_of(&["03/04/2026", "03/25/2026"]), ["%m/%d/%Y"]);
        assert_eq!(formats_of(&["2026-01-31T10:00:00Z"]), ["rfc3339"]);
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
        assert_eq!(formats_of(&["Mar 1, 2026", "Dec 24, 2026"]), ["%b %d, %Y"]);
        assert_eq!(
            formats_of(&["2026-03-01 10:00:00 UTC"]),
            ["%Y-%m-%d %H:%M:%S %Z"]
        );
        assert_eq!(
            formats_of(&["2026-03-01 10:00:00.250"]),
            ["%Y-%m-%d %H:%M:%S%.f"]
        );
        assert_eq!(
            formats_of(&["2026-04-05T09:25:13"]),
            ["%Y-%m-%dT%H:%M:%S%.f"]
        );
        assert_eq!(
            formats_of(&["2026-02-28 23:32:08 +0800"]),
            ["%Y-%m-%d %H:%M:%S %z"]
        );
        assert_eq!(formats_of(&["28/02/2026 08:15 PM"]), ["%d/%m/%Y %I:%M %p"]);
    }

    #[test]
    fn numbers_are_dates_only_in_one_unit() {
        let of = |values: &[&str]| match numbers(values) {
            Some(Days::Written { formats, .. }) => Some(formats[0]),
            _ => None,
        };
        assert_eq!(of(&["1772323200", "1772409600"]), Some("unix-seconds"));
        assert_eq!(of(&["1772323200000"]), Some("unix-milliseconds"));
        assert_eq!(of(&["46082", "46083.5"]), Some("spreadsheet-serial"));
        for none in [
            &["1772323200", "46083"][..],
            &["1001"],
            &["20260301"],
            &["-46082"],
            &[],
        ] {
            assert_eq!(of(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_format_of_numbers_knows_its_twin() {
        assert_eq!(swapped("%d/%m/%Y %H:%M"), Some("%m/%d/%Y %H:%M"));
        assert_eq!(swapped("%m-%d-%Y"), Some("%d-%m-%Y"));
        assert_eq!(swapped("%d.%m.%Y"), None);
        for format in formats() {
            assert!(
                swapped(format).is_none_or(|twin| swapped(twin) == Some(format)),
                "{format}"
            );
        }
    }
}
