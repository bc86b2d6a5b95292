//! Compiles the date formats of a profile, and checks that no date can be read in two ways.

use std::collections::BTreeMap;

use jiff::tz::{Offset, TimeZone};

use super::compile::Compiler;
use super::spec::{ColumnDatesSpec, DatesSpec};
use super::{DateFormat, Dates, ProfileError};

impl Compiler<'_> {
    pub(super) fn dates(&self, spec: &DatesSpec) -> Result<Dates, ProfileError> {
        let mut zones = BTreeMap::new();
        for (word, zone) in &spec.zones {
            zones.insert(word.clone(), self.zone_of_word(word, zone)?);
        }
        let mut dates = Dates {
            formats: self.formats("dates.formats", &spec.formats)?,
            zone: self.zone("dates.zone", spec.zone.as_deref())?,
            zones,
            columns: BTreeMap::new(),
            missing: spec.missing,
        };
        for (name, otherwise) in &spec.columns {
            let column = self.column("dates.columns", name)?;
            let of_column = self.column_dates(name, otherwise, &dates)?;
            dates.columns.insert(column, of_column);
        }
        Ok(dates)
    }

    fn column_dates(
        &self,
        name: &str,
        spec: &ColumnDatesSpec,
        dates: &Dates,
    ) -> Result<Dates, ProfileError> {
        let mut of_column = Dates {
            columns: BTreeMap::new(),
            ..dates.clone()
        };
        if let Some(formats) = &spec.formats {
            of_column.formats = self.formats(&format!("dates.columns.{name}.formats"), formats)?;
        }
        if spec.zone.is_some() {
            let key = format!("dates.columns.{name}.zone");
            of_column.zone = self.zone(&key, spec.zone.as_deref())?;
        }
        Ok(of_column)
    }

    fn zone(&self, key: &str, name: Option<&str>) -> Result<TimeZone, ProfileError> {
        match name {
            None | Some("UTC") => Ok(TimeZone::UTC),
            Some(name) => TimeZone::get(name).map_err(|_| {
                self.error(format!("`{key}` is `{name}`, which is not a time zone"))
                    .hint("write it as in the IANA database, such as `Europe/Berlin`, or `UTC`")
                    .about(key)
            }),
        }
    }

    /// Returns the zone of a zone name in an export. A name such as `PST` has one offset and is
    /// never daylight saving time; a name such as `Pacific Time (US & Canada)` is a zone of the
    /// IANA database.
    fn zone_of_word(&self, word: &str, text: &str) -> Result<TimeZone, ProfileError> {
        let named = || TimeZone::get(text).ok().filter(|_| text.contains('/'));
        let zone = offset(text).map(TimeZone::fixed).or_else(named);
        zone.ok_or_else(|| {
            self.error(format!(
                "`dates.zones.{word}` is `{text}`, which is neither an offset nor a time zone"
            ))
            .hint("write it as an offset from UTC, such as `-08:00` or `+00:00`, or as a zone of the IANA database, such as `America/New_York`")
            .about("dates.zones")
            .says(word)
        })
    }

    fn formats(&self, key: &str, formats: &[String]) -> Result<Vec<DateFormat>, ProfileError> {
        for (index, format) in formats.iter().enumerate() {
            let swapped = |other: &&String| can_be_swapped(format, other);
            if let Some(other) = formats[..index].iter().find(swapped) {
                return Err(self
                    .error(format!(
                        "`{key}` has `{other}` and `{format}`: many dates are different days in the two"
                    ))
                    .hint("keep the format of the export")
                    .about(key)
                    .says(format));
            }
        }
        formats.iter().map(|text| self.format(key, text)).collect()
    }

    fn format(&self, key: &str, text: &str) -> Result<DateFormat, ProfileError> {
        let format = match (text, text.strip_suffix(" %Z")) {
            ("rfc3339", _) => DateFormat::Rfc3339,
            ("unix-seconds", _) => DateFormat::UnixSeconds,
            ("unix-milliseconds", _) => DateFormat::UnixMilliseconds,
            ("spreadsheet-serial", _) => DateFormat::SpreadsheetSerial,
            (_, Some(pattern)) => DateFormat::PatternAndZone(pattern.to_owned()),
            _ => DateFormat::Pattern(text.to_owned()),
        };
        match &format {
            DateFormat::Pattern(pattern) | DateFormat::PatternAndZone(pattern)
                if pattern.contains("%Z") =>
            {
                Err(self.error(format!(
                    "`{key}` has `{text}`, but `%Z` can only be at the end, after a space"
                ))
                .about(key)
                .says(text))
            }
            // A name with a typing error would be a pattern that reads no date at all.
            DateFormat::Pattern(pattern) if !pattern.contains('%') => Err(self
                .error(format!("`{key}` has `{text}`, which is not a date format"))
                .hint("use `rfc3339`, `unix-seconds`, `unix-milliseconds`, `spreadsheet-serial`, or a pattern such as `%Y-%m-%d %H:%M:%S`")
                .about(key)
                .says(text)),
            _ => Ok(format),
        }
    }
}

/// Parses an offset such as `-08:00`.
fn offset(text: &str) -> Option<Offset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("-", rest) => (-1, rest),
        ("+", rest) => (1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let two_digits = |text: &str| -> Option<i32> {
        let is_number = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| text.parse().ok()).flatten()
    };
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

/// Returns `true` if a date of numbers in one of the formats can be read, as another day, in the
/// other: same separator, year at the same end, day and month in the other order.
fn can_be_swapped(one: &str, other: &str) -> bool {
    match (day_and_month(one), day_and_month(other)) {
        (Some(one), Some(other)) => {
            one.is_day_first != other.is_day_first
                && one.is_year_first == other.is_year_first
                && one.separator == other.separator
        }
        _ => false,
    }
}

impl DateFormat {
    /// Returns `true` for a pattern with numbers in which the month stands before the day, and the year last.
    pub(crate) fn is_month_first(&self) -> bool {
        let (DateFormat::Pattern(pattern) | DateFormat::PatternAndZone(pattern)) = self else {
            return false;
        };
        day_and_month(pattern).is_some_and(|order| !order.is_day_first && !order.is_year_first)
    }
}

/// The order of day and month in a pattern, if both are numbers.
struct DayAndMonth<'p> {
    is_day_first: bool,
    is_year_first: bool,
    separator: &'p str,
}

fn day_and_month(pattern: &str) -> Option<DayAndMonth<'_>> {
    let find = |letters: &[&str]| letters.iter().find_map(|letter| pattern.find(letter));
    let day = find(&["%d", "%e", "%-d"])?;
    let month = find(&["%m", "%-m"])?;
    let year = find(&["%Y", "%y"]).unwrap_or(usize::MAX);
    let between = pattern.get(day.min(month)..day.max(month))?;
    Some(DayAndMonth {
        is_day_first: day < month,
        is_year_first: year < day,
        separator: between.trim_start_matches(['%', '-', 'd', 'e', 'm']),
    })
}
