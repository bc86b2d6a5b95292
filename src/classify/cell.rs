//! Reads single cells: dates and ids.

mod serial;

use std::borrow::Cow;

use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::{Timestamp, tz::TimeZone};

use crate::event::{AmountFormat, AmountUnit, Currency};
use crate::invisible;
use crate::profile::{DateFormat, Dates, with_english_month};

/// The greatest length of an id, in bytes.
const MAX_ID_BYTES: usize = 255;

/// The problem of an id that is written as `1,23456765432346E+021`.
const SPREADSHEET_ID: &str =
    "a spreadsheet has turned this id into a number and lost its last digits";

/// Reads the instant in a cell with the first of the formats that reads it whole. `zone` is the
/// zone of the row, if the row has one; else the profile's is used.
pub(super) fn date(value: &str, dates: &Dates, zone: Option<&TimeZone>) -> Option<Timestamp> {
    dates
        .formats
        .iter()
        .filter_map(|format| read_date(value, format, dates, zone.unwrap_or(&dates.zone)))
        // To a pattern with `%Y`, `26-04-10` is the year 26, and no payment is that old.
        .find(|&timestamp| timestamp >= Timestamp::UNIX_EPOCH)
}

/// Returns `true` if the format that reads the instant in a cell reads a day and no time.
pub(super) fn is_day(value: &str, dates: &Dates) -> bool {
    let read = |format: &&DateFormat| {
        read_date(value, format, dates, &dates.zone).is_some_and(|at| at >= Timestamp::UNIX_EPOCH)
    };
    match dates.formats.iter().find(read) {
        Some(DateFormat::Pattern(pattern)) => {
            let value = with_english_month(value, pattern);
            let parsed = strtime::parse(pattern, &*value);
            parsed.is_ok_and(|parsed| parsed.hour().is_none())
        }
        Some(DateFormat::SpreadsheetSerial) => value.bytes().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}

fn read_date(
    value: &str,
    format: &DateFormat,
    dates: &Dates,
    zone: &TimeZone,
) -> Option<Timestamp> {
    match format {
        DateFormat::Rfc3339 => value.parse().ok(),
        DateFormat::Pattern(pattern) => read_pattern(value, pattern, zone),
        DateFormat::PatternAndZone(pattern) => {
            let (value, word) = value.rsplit_once(' ')?;
            read_pattern(value, pattern, &zone_of(word, dates)?)
        }
        DateFormat::UnixSeconds => serial::unix_seconds(value),
        DateFormat::UnixMilliseconds => serial::unix_milliseconds(value),
        DateFormat::SpreadsheetSerial => zone.to_timestamp(serial::spreadsheet(value)?).ok(),
    }
}

fn read_pattern(value: &str, pattern: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Some(civil) = iso_second(value, pattern) {
        return zone.to_timestamp(civil).ok();
    }
    let value = with_english_month(value, pattern);
    let parsed = strtime::parse(pattern, &*value).ok()?;
    let names_an_instant = parsed.timestamp().is_some() || parsed.offset().is_some();
    if names_an_instant && let Ok(timestamp) = parsed.to_timestamp() {
        return Some(timestamp);
    }
    let civil: DateTime = match parsed.to_datetime() {
        Ok(civil) => civil,
        Err(_) => Date::to_datetime(parsed.to_date().ok()?, jiff::civil::Time::midnight()),
    };
    zone.to_timestamp(civil).ok()
}

/// Writes a date in a format; nothing where the format has another zone in it, or would lose something.
pub(super) fn write_date(date: DateTime, format: &DateFormat) -> Option<String> {
    match format {
        DateFormat::Pattern(pattern) => {
            let text = strtime::format(pattern, date).ok()?;
            (read_civil(&text, pattern)? == date).then_some(text)
        }
        DateFormat::SpreadsheetSerial => {
            let text = serial::write_spreadsheet(date)?;
            (serial::spreadsheet(&text)? == date).then_some(text)
        }
        DateFormat::Rfc3339
        | DateFormat::PatternAndZone(_)
        | DateFormat::UnixSeconds
        | DateFormat::UnixMilliseconds => None,
    }
}

/// Returns `true` if a cell is a day as a spreadsheet counts them.
pub(super) fn is_serial(value: &str) -> bool {
    serial::spreadsheet(value).is_some()
}

/// Reads `01.03.2026`, perhaps with a time behind it: where dots are used, the day comes first.
pub(super) fn dotted_date(value: &str) -> Option<DateTime> {
    let patterns = ["%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S"];
    let day = value.split(' ').next()?;
    let is_whole = day.len() == 10 && day.as_bytes()[2] == b'.' && day.as_bytes()[5] == b'.';
    let mut patterns = patterns.iter();
    is_whole.then(|| patterns.find_map(|pattern| read_civil(value, pattern)))?
}

/// Reads a date without a zone; nothing where the pattern has one.
fn read_civil(text: &str, pattern: &str) -> Option<DateTime> {
    let parsed = strtime::parse(pattern, text).ok()?;
    if parsed.timestamp().is_some() || parsed.offset().is_some() {
        return None;
    }
    let day = || {
        Some(
            parsed
                .to_date()
                .ok()?
                .to_datetime(jiff::civil::Time::midnight()),
        )
    };
    parsed.to_datetime().ok().or_else(day)
}

/// A day and a time that stand in two cells, and are read with a space between them.
pub(super) struct DateAndTime<'t> {
    pub(super) date: &'t str,
    pub(super) time: &'t str,
}

impl DateAndTime<'_> {
    /// Writes both in a format, where `date` and `time` are what cells of a workbook say; nothing where the
    /// format can't say it.
    pub(super) fn rewritten(
        &self,
        date: Option<DateTime>,
        time: Option<jiff::civil::Time>,
        format: &DateFormat,
    ) -> Option<(String, String)> {
        let DateFormat::Pattern(pattern) = format else {
            return None;
        };
        let (of_date, of_time) = pattern.split_once(' ')?;
        let date_text = match date {
            Some(date) => strtime::format(of_date, date).ok()?,
            None => self.date.to_owned(),
        };
        let any_day = Date::constant(2000, 1, 1);
        let time_text = match time {
            Some(time) => strtime::format(of_time, any_day.to_datetime(time)).ok()?,
            None => self.time.to_owned(),
        };
        let read = read_civil(&format!("{date_text} {time_text}"), pattern)?;
        let is_same_day = date.is_none_or(|date| date == read.date().to_datetime(date.time()));
        let is_day_alone = date.is_none_or(|date| date.time() == jiff::civil::Time::midnight());
        let is_same_time = time.is_none_or(|time| time == read.time());
        (is_same_day && is_day_alone && is_same_time).then_some((date_text, time_text))
    }
}

/// Reads `2026-04-10 03:48:02` with the patterns that most exports have. A parser for only these
/// takes a tenth of the time.
fn iso_second(value: &str, pattern: &str) -> Option<DateTime> {
    let bytes: &[u8; 19] = value.as_bytes().try_into().ok()?;
    let separators = match pattern.strip_suffix("%.f").unwrap_or(pattern) {
        "%Y-%m-%d %H:%M:%S" => b"-- ::",
        "%Y-%m-%dT%H:%M:%S" => b"--T::",
        _ => return None,
    };
    if [bytes[4], bytes[7], bytes[10], bytes[13], bytes[16]] != *separators {
        return None;
    }
    let two = |at: usize| -> Option<i8> {
        let (tens, ones) = (
            bytes[at].wrapping_sub(b'0'),
            bytes[at + 1].wrapping_sub(b'0'),
        );
        (tens < 10 && ones < 10).then(|| (tens * 10 + ones).cast_signed())
    };
    let year = i16::from(two(0)?) * 100 + i16::from(two(2)?);
    DateTime::new(year, two(5)?, two(8)?, two(11)?, two(14)?, two(17)?, 0).ok()
}

/// Returns the zone of a word of the export: one of the profile's, or `UTC` or a name of the IANA
/// database, which are unambiguous.
pub(super) fn zone_of(word: &str, dates: &Dates) -> Option<TimeZone> {
    match dates.zones.get(word) {
        Some(zone) => Some(zone.clone()),
        None if word == "UTC" => Some(TimeZone::UTC),
        None if word.contains('/') => TimeZone::get(word).ok(),
        None => None,
    }
}

/// Returns `true` if day and month of the cell could be mistaken for each other: `12/25/25`,
/// `09.12.2016`.
pub(super) fn is_day_or_month_first(value: &str) -> bool {
    let mut numbers = value.split(['/', '.', '-']);
    let mut short = || {
        let number = numbers.next().unwrap_or_default();
        matches!(number.len(), 1 | 2) && number.bytes().all(|b| b.is_ascii_digit())
    };
    short() && short() && numbers.next().is_some()
}

/// The last second of 2026: none of its numbers can be mistaken for another.
const EXAMPLE_SECOND: i64 = 1_798_761_599;

/// Returns an example of a date in this format; the pattern itself if that is not possible.
pub(super) fn date_example(format: &DateFormat) -> String {
    let example = Timestamp::from_second(EXAMPLE_SECOND).unwrap_or(Timestamp::UNIX_EPOCH);
    match format {
        DateFormat::Rfc3339 => example.to_string(),
        DateFormat::Pattern(pattern) => strtime::format(pattern, &example.to_zoned(TimeZone::UTC))
            .unwrap_or_else(|_| pattern.clone()),
        DateFormat::PatternAndZone(pattern) => {
            format!(
                "{} UTC",
                date_example(&DateFormat::Pattern(pattern.clone()))
            )
        }
        DateFormat::UnixSeconds => EXAMPLE_SECOND.to_string(),
        DateFormat::UnixMilliseconds => format!("{EXAMPLE_SECOND}000"),
        DateFormat::SpreadsheetSerial => serial::EXAMPLE.to_owned(),
    }
}

/// Returns a cell without the spaces and invisible characters around it; most cells have none.
pub(super) fn trimmed(cell: &str) -> &str {
    match cell.as_bytes() {
        [] => cell,
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => cell,
        _ => invisible::trim(cell),
    }
}

/// Returns the reason why an id can't identify an event, if there is one.
pub(super) fn id_damage(value: &str) -> Option<Cow<'static, str>> {
    if value.len() > MAX_ID_BYTES {
        return Some("the id is longer than 255 bytes".into());
    }
    // Nearly every id is plain; the others are checked letter by letter.
    let is_plain = |so_far: bool, byte: u8| so_far & byte.is_ascii_graphic();
    if !value.bytes().fold(true, is_plain) {
        if value.chars().any(char::is_control) {
            return Some("the id contains a control character".into());
        }
        if value.contains('\u{FFFD}') {
            return Some("the id has lost a character (`\u{FFFD}`)".into());
        }
        if let Some(c) = value.chars().find(|&c| invisible::is_invisible(c)) {
            let c = invisible::shown(c.encode_utf8(&mut [0; 4])).into_owned();
            return Some(format!("the id contains an invisible character (`{c}`)").into());
        }
    }
    let is_number = is_e_notation(value);
    if is_number {
        return Some(SPREADSHEET_ID.into());
    }
    rewritten_by_spreadsheet(value).map(Cow::Borrowed)
}

/// Returns an id without the apostrophe by which a spreadsheet keeps a number a text.
pub(super) fn without_apostrophe(id: &str) -> &str {
    let number = id.strip_prefix('\'').map(str::trim_start);
    number
        .filter(|number| number.starts_with(|first: char| first.is_ascii_digit()))
        .unwrap_or(id)
}

/// Returns what a spreadsheet has made of an id, if only a spreadsheet writes an id of this shape: `5120.00`,
/// `5,120`, `'5120`, `="5120"`. In `5.120` the shape decides nothing: providers write such ids.
fn rewritten_by_spreadsheet(value: &str) -> Option<&'static str> {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match value.as_bytes() {
        [b'=', b'"', .., b'"'] => Some("a spreadsheet has turned this id into a formula"),
        [b'\'', rest @ ..] if rest.first().is_some_and(u8::is_ascii_digit) => {
            let number = &value[1..];
            let is_one = is_number(number) || number_format(number).is_some();
            is_one.then_some("a spreadsheet has put an apostrophe before this id")
        }
        [b'0'..=b'9', ..] if !is_number(value) => number_format(value),
        _ => None,
    }
}

/// Returns how a spreadsheet has formatted a whole number, if it is one with zeros as its fraction, or with
/// separators of thousands. One dot before three digits may be part of an id.
fn number_format(value: &str) -> Option<&'static str> {
    const SEPARATORS: [char; 6] = [',', '.', ' ', '\'', '\u{2019}', '\u{a0}'];
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_zeros = |text: &str| !text.is_empty() && text.bytes().all(|b| b == b'0');
    // Before a fraction, one group is enough: the second kind of separator proves the first.
    let is_grouped = |text: &str, fraction: Option<char>| {
        let Some(separator) = text.chars().find(|c| SEPARATORS.contains(c)) else {
            return false;
        };
        let mut groups = text.split(separator);
        let first = groups.next().unwrap_or_default();
        let rest = Vec::from_iter(groups);
        let is_first = is_digits(first) && first.len() <= 3 && !first.starts_with('0');
        let least = match (separator, fraction) {
            ('.' | ' ', None) => 2,
            _ => 1,
        };
        let are_of_three = |rest: &[&str]| rest.iter().all(|it| it.len() == 3 && is_digits(it));
        let is_other = fraction != Some(separator);
        is_first && is_other && rest.len() >= least && are_of_three(&rest)
    };
    if is_grouped(value, None) {
        return Some("a spreadsheet has put separators of thousands into this id");
    }
    let (whole, fraction) = value.rsplit_once(['.', ','])?;
    let point = value[whole.len()..].chars().next();
    let is_whole = is_digits(whole) || is_grouped(whole, point);
    (is_whole && is_zeros(fraction))
        .then_some("a spreadsheet has turned this id into a number with a fraction")
}

/// Returns `true` for digits, a separator, digits, `E+`, digits: `1,23456765432346E+021`.
fn is_e_notation(value: &str) -> bool {
    if !value.starts_with(|first: char| first.is_ascii_digit()) {
        return false;
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let Some((mantissa, exponent)) = value.split_once(['E', 'e']) else {
        return false;
    };
    let Some((whole, fraction)) = mantissa.split_once(['.', ',']) else {
        return exponent.starts_with('+') && digits(mantissa) && digits(&exponent[1..]);
    };
    digits(whole) && digits(fraction) && digits(exponent.trim_start_matches(['+', '-']))
}

/// Returns a hint with an example of the amounts of this export.
pub(super) fn amount_hint(format: &AmountFormat, currency: Currency) -> String {
    let example = match (format.unit, currency.exponent()) {
        (AmountUnit::Minor | AmountUnit::Cents, _) => "123456".to_owned(),
        (AmountUnit::Major, 0) => grouped(format),
        (AmountUnit::Major, digits) => {
            let decimals: String = "567".chars().take(digits as usize).collect();
            format!("{}{}{decimals}", grouped(format), format.decimal)
        }
    };
    format!("amounts in this export look like `{example}`")
}

fn grouped(format: &AmountFormat) -> String {
    match format.thousands {
        Some(separator) => format!("1{separator}234"),
        None => "1234".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::tz::Offset;
    use proptest::prelude::*;

    use super::*;
    use crate::profile::MissingDate;

    fn dates(formats: &[&str], zone: &str) -> Dates {
        Dates {
            formats: formats
                .iter()
                .map(|format| match *format {
                    "rfc3339" => DateFormat::Rfc3339,
                    "zoned" => DateFormat::PatternAndZone("%Y-%m-%d %H:%M:%S".to_owned()),
                    pattern => DateFormat::Pattern(pattern.to_owned()),
                })
                .collect(),
            zone: TimeZone::get(zone).unwrap(),
            zones: BTreeMap::from([("PST".to_owned(), TimeZone::fixed(Offset::constant(-8)))]),
            columns: BTreeMap::new(),
            missing: MissingDate::default(),
        }
    }

    #[test]
    fn dates_are_read_by_the_first_format_that_fits() {
        let stripe = dates(&["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"], "UTC");
        let read = |value| date(value, &stripe, None).map(|timestamp| timestamp.to_string());
        assert_eq!(
            read("2026-04-10 03:48:02").as_deref(),
            Some("2026-04-10T03:48:02Z")
        );
        assert_eq!(
            read("2023-08-28 20:18").as_deref(),
            Some("2023-08-28T20:18:00Z")
        );
        assert_eq!(read("12/25/25 20:18"), None);
        assert_eq!(read("2026-02-30 00:00:00"), None);
        assert_eq!(read("26-04-10 03:48:02"), None);
        assert_eq!(read(""), None);
    }

    proptest! {
        #[test]
        fn the_parser_for_iso_seconds_reads_what_the_pattern_reads(
            value in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}|.{19}",
            separator in "[T ]",
            fraction in "(%\\.f)?",
        ) {
            let pattern = &format!("%Y-%m-%d{separator}%H:%M:%S{fraction}");
            if let Some(civil) = iso_second(&value, pattern) {
                let parsed = strtime::parse(pattern, &value).and_then(|parsed| parsed.to_datetime());
                prop_assert_eq!(parsed.ok(), Some(civil));
            }
        }
    }

    #[test]
    fn a_date_alone_is_midnight_in_the_profiles_zone() {
        let berlin = dates(&["%Y-%m-%d", "%Y-%m-%d %H:%M:%S %z"], "Europe/Berlin");
        let read = |value| date(value, &berlin, None).map(|timestamp| timestamp.to_string());
        assert_eq!(read("2026-07-01").as_deref(), Some("2026-06-30T22:00:00Z"));
        assert_eq!(
            read("2022-04-06 21:52:40 -0400").as_deref(),
            Some("2022-04-07T01:52:40Z")
        );
    }

    #[test]
    fn a_zone_word_is_one_that_the_profile_knows_or_a_name_that_is_clear() {
        let recurly = dates(&["zoned"], "UTC");
        let read = |value| date(value, &recurly, None).map(|timestamp| timestamp.to_string());
        assert_eq!(
            read("2012-01-19 11:16:41 PST").as_deref(),
            Some("2012-01-19T19:16:41Z")
        );
        assert_eq!(
            read("2012-07-19 11:16:41 Europe/Berlin").as_deref(),
            Some("2012-07-19T09:16:41Z")
        );
        assert_eq!(read("2012-01-19 11:16:41 IST"), None);
        assert_eq!(read("2012-01-19 11:16:41"), None);
    }

    #[test]
    fn ids_that_a_spreadsheet_has_eaten_are_told() {
        for damaged in [
            "1,23456765432346E+021",
            "1.2E+10",
            "12E+5",
            "a\u{7}b",
            "x\u{FFFD}",
            "in_1\u{200b}2",
            "in\u{feff}_1",
            "cus\u{ad}_1",
            "order\u{a0}1",
            "in_1\u{202e}2",
            "5120000000078.00",
            "5120000000078,00",
            "1001.0",
            "5,120,000,000,078",
            "5.120.000.000.078",
            "5 120 000 000 078",
            "5'120",
            "1,001.00",
            "1.001,00",
            "1,001",
            "'5120000000078",
            "'5,120",
            "=\"ch_1\"",
        ] {
            assert!(id_damage(damaged).is_some(), "{damaged}");
        }
        for sound in [
            "order 1",
            "bestellung-ä1",
            "日本-1",
            "in_1E4",
            "ch_2EFwqfP4",
            "9856044",
            "1E4A",
            "12E5",
            "E+1",
            "1.234",
            "1.5",
            "1.10",
            "0,001",
            "1,2",
            "1001-1002",
            "10 200",
            "W-1001.00",
            "W-1,001",
            "'abc",
            "=x",
            "2026.01.02",
            "1.001.0",
        ] {
            assert_eq!(id_damage(sound), None, "{sound}");
        }
    }
}
