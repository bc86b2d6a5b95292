//! What a cell's value is as text.
//!
//! A spreadsheet counts in numbers of 64 bits and shows no more than 15 digits of them. So a number is what
//! these 15 digits say: 19.99 is kept as 19.989999999999998 and is 19.99, the sum of 0.1 and 0.2 is 0.3, and a
//! price of which more digits matter has them. A whole number of more digits has lost its last ones, and is
//! written so that nobody takes it for what it was.

use calamine::DataRef;
use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};

use super::super::row::CellKind;
use super::number_format::NumberDisplay;

/// The digits of a number that a spreadsheet keeps.
const DIGITS: usize = 15;
/// Digits behind the point beyond which a number is nothing.
const DECIMALS_MOST: i32 = 20;
/// The days from 1899-12-30, where the 1900 date system has its day 0, to the day 0 of the 1904 one.
const DAYS_TO_1904: i64 = 1462;
/// The first day that the 1900 date system counts right: the day behind its 29 February 1900.
const FIRST_DAY: i64 = 61;
/// The last day that a spreadsheet shows, in 9999.
const LAST_DAY: i64 = 2_958_465;
/// The parts of a day to which a serial is read: less than a hundred thousandth of a second.
const PARTS: i128 = 10_000_000_000;
const SECONDS_PER_DAY: i128 = 86_400;

/// Names the day from which a workbook counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum DateSystem {
    #[default]
    From1900,
    From1904,
}

/// Returns a value as text, and what it was.
pub(super) fn text_of(
    value: &DataRef<'_>,
    shown: &NumberDisplay,
    system: DateSystem,
) -> (String, CellKind) {
    match value {
        DataRef::Empty => (String::new(), CellKind::Text),
        DataRef::String(text) => (text.clone(), CellKind::Text),
        DataRef::SharedString(text) => ((*text).to_owned(), CellKind::Text),
        DataRef::DurationIso(text) => (text.clone(), CellKind::Text),
        DataRef::Bool(value) => (value.to_string(), CellKind::Boolean),
        DataRef::Error(error) => (error.to_string(), CellKind::Error),
        DataRef::Int(number) => number_text(&format!("{number}e0"), shown),
        DataRef::Float(number) if !number.is_finite() => (number.to_string(), CellKind::Error),
        DataRef::Float(number) => number_text(&rounded(*number), shown),
        DataRef::DateTime(serial) => {
            date_text(serial.as_f64(), shown, system).unwrap_or_else(|| {
                let plain = NumberDisplay::default();
                number_text(&rounded(serial.as_f64()), &plain)
            })
        }
        DataRef::DateTimeIso(text) => match text.parse::<DateTime>() {
            Ok(at) => (written(at, true), CellKind::Date),
            Err(_) => (text.clone(), CellKind::Text),
        },
    }
}

/// Returns a number of 15 digits, such as `1.99900000000000e1`.
fn rounded(number: f64) -> String {
    format!("{number:.0$e}", DIGITS - 1)
}

/// Writes a number in full. `scientific` has digits, perhaps a point, and the power of ten.
fn number_text(scientific: &str, shown: &NumberDisplay) -> (String, CellKind) {
    let (mantissa, power) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut power: i32 = power.parse().unwrap_or(i32::MAX);
    let digits = format!("{whole}{fraction}");
    power = power.saturating_add(i32::try_from(whole.len()).unwrap_or(i32::MAX) - 1);
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return (padded("0", shown), CellKind::Number);
    }
    if power >= DIGITS as i32 || power < -DECIMALS_MOST {
        let power_sign = if power < 0 { '-' } else { '+' };
        let (first, rest) = digits.split_at(1);
        let rest = if rest.is_empty() { "0" } else { rest };
        let text = format!("{sign}{first}.{rest}E{power_sign}{:02}", power.abs());
        return (text, CellKind::Number);
    }
    if shown.is_percent {
        return (
            format!("{sign}{}%", in_full(digits, power + 2)),
            CellKind::Text,
        );
    }
    let full = padded(&in_full(digits, power), shown);
    let is_padded = shown.digits_least > 0;
    match &shown.currency {
        _ if is_padded => (format!("{sign}{full}"), CellKind::Text),
        None => (format!("{sign}{full}"), CellKind::Number),
        Some(symbol) => (format!("{sign}{symbol}{full}"), CellKind::Number),
    }
}

/// Writes digits, of which the first one stands for 10 to this power, with a point where one belongs.
fn in_full(digits: &str, power: i32) -> String {
    let Ok(before) = usize::try_from(power + 1) else {
        let zeros = usize::try_from(-power - 1).unwrap_or_default();
        return format!("0.{}{digits}", "0".repeat(zeros));
    };
    match digits.split_at_checked(before) {
        None => format!("{digits}{}", "0".repeat(before - digits.len())),
        Some((whole, "")) => whole.to_owned(),
        Some(("", fraction)) => format!("0.{fraction}"),
        Some((whole, fraction)) => format!("{whole}.{fraction}"),
    }
}

/// Puts the zeros to a number that its format shows: in front of a whole one, or behind the point.
fn padded(number: &str, shown: &NumberDisplay) -> String {
    let width = shown.decimals_least;
    match number.split_once('.') {
        Some((whole, fraction)) => format!("{whole}.{fraction:0<width$}"),
        None if width > 0 => format!("{number}.{:0<width$}", ""),
        None => format!("{number:0>0$}", shown.digits_least),
    }
}

/// Writes the day and time of a serial, to the nearest second; nothing where it is no date of a spreadsheet.
fn date_text(serial: f64, shown: &NumberDisplay, system: DateSystem) -> Option<(String, CellKind)> {
    if !(0.0..=3_000_000.0).contains(&serial) {
        return None;
    }
    let digits = format!("{serial:.10}");
    let (days, fraction) = digits.split_once('.')?;
    let parts = days.parse::<i128>().ok()? * PARTS + fraction.parse::<i128>().ok()?;
    let seconds = (parts * SECONDS_PER_DAY * 2 + PARTS) / (PARTS * 2);
    let days = i64::try_from(seconds / SECONDS_PER_DAY).ok()?;
    let second = i64::try_from(seconds % SECONDS_PER_DAY).ok()?;
    let time = Time::midnight()
        .checked_add(SignedDuration::from_secs(second))
        .ok()?;
    let days = match (system, days) {
        (_, 0) => return Some((time.to_string(), CellKind::Time)),
        (DateSystem::From1900, days) if days < FIRST_DAY => return None,
        (DateSystem::From1900, days) => days,
        (DateSystem::From1904, days) => days + DAYS_TO_1904,
    };
    if days > LAST_DAY {
        return None;
    }
    let first = Date::constant(1899, 12, 30);
    let day = first.checked_add(jiff::Span::new().days(days)).ok()?;
    let has_time = shown.has_time || second != 0;
    Some((written(day.to_datetime(time), has_time), CellKind::Date))
}

/// Returns a day, with its time if that is shown.
fn written(at: DateTime, has_time: bool) -> String {
    if has_time {
        at.strftime("%Y-%m-%d %H:%M:%S").to_string()
    } else {
        at.strftime("%Y-%m-%d").to_string()
    }
}

#[cfg(test)]
mod tests {
    use calamine::{ExcelDateTime, ExcelDateTimeType};
    use proptest::prelude::*;

    use super::*;

    fn plain(number: f64) -> String {
        text_of(
            &DataRef::Float(number),
            &NumberDisplay::default(),
            DateSystem::From1900,
        )
        .0
    }

    #[allow(clippy::float_arithmetic, reason = "what a spreadsheet computes")]
    #[test]
    fn a_number_is_what_its_fifteen_digits_say() {
        for (number, expected) in [
            (19.99, "19.99"),
            (0.1 + 0.2, "0.3"),
            (100.0, "100"),
            (-5.5, "-5.5"),
            (0.0, "0"),
            (-0.0, "0"),
            (0.01, "0.01"),
            (23.7881, "23.7881"),
            (1000.1 - 1000.0, "0.100000000000023"),
            (123_456_789_012_345.0, "123456789012345"),
            (999_999_999_999_999.0, "999999999999999"),
            (1_000_000_000_000_000.0, "1.0E+15"),
            (1.234_567_890_123_456_8e21, "1.23456789012346E+21"),
            (1e-300, "1.0E-300"),
        ] {
            assert_eq!(plain(number), expected, "{number:?}");
        }
        // As a spreadsheet keeps it.
        assert_eq!(plain("19.989999999999998".parse().unwrap()), "19.99");
    }

    #[test]
    fn what_the_format_shows_is_kept() {
        let shown = |number, shown: &NumberDisplay| {
            text_of(&DataRef::Float(number), shown, DateSystem::From1900)
        };
        let zeros = NumberDisplay {
            digits_least: 6,
            ..NumberDisplay::default()
        };
        assert_eq!(shown(123.0, &zeros), ("000123".to_owned(), CellKind::Text));
        let cents = NumberDisplay {
            decimals_least: 2,
            ..NumberDisplay::default()
        };
        assert_eq!(shown(49.0, &cents).0, "49.00");
        assert_eq!(shown(19.9, &cents).0, "19.90");
        assert_eq!(shown(23.7881, &cents).0, "23.7881");
        assert_eq!(shown(0.0, &cents).0, "0.00");
        let percent = NumberDisplay {
            is_percent: true,
            ..NumberDisplay::default()
        };
        assert_eq!(shown(0.155, &percent), ("15.5%".to_owned(), CellKind::Text));
        assert_eq!(shown(1.0, &percent), ("100%".to_owned(), CellKind::Text));
        let dollars = NumberDisplay {
            currency: Some("$".to_owned()),
            ..NumberDisplay::default()
        };
        assert_eq!(
            shown(-1200.0, &dollars),
            ("-$1200".to_owned(), CellKind::Number)
        );
    }

    fn date(serial: f64, has_time: bool, system: DateSystem) -> (String, CellKind) {
        let is_1904 = system == DateSystem::From1904;
        let serial = ExcelDateTime::new(serial, ExcelDateTimeType::DateTime, is_1904);
        let shown = NumberDisplay {
            has_time,
            ..NumberDisplay::default()
        };
        text_of(&DataRef::DateTime(serial), &shown, system)
    }

    #[test]
    fn a_serial_is_a_day_of_its_date_system() {
        use DateSystem::{From1900, From1904};
        for (serial, has_time, system, expected) in [
            (46_082.0, false, From1900, "2026-03-01"),
            (46_082.0, true, From1900, "2026-03-01 00:00:00"),
            (44_620.0, false, From1904, "2026-03-01"),
            (46_122.158_356_481_48, true, From1900, "2026-04-10 03:48:02"),
            (46_122.999_999_99, false, From1900, "2026-04-11"),
            (61.0, false, From1900, "1900-03-01"),
        ] {
            let expected = (expected.to_owned(), CellKind::Date);
            assert_eq!(date(serial, has_time, system), expected, "{serial}");
        }
        let time = ("18:00:00".to_owned(), CellKind::Time);
        assert_eq!(date(0.75, true, From1900), time);
        assert_eq!(
            date(60.0, false, From1900),
            ("60".to_owned(), CellKind::Number)
        );
        assert_eq!(date(-1.0, false, From1900).1, CellKind::Number);
        assert_eq!(date(1e9, false, From1900).1, CellKind::Number);
    }

    proptest! {
        #[test]
        fn every_amount_comes_back_to_the_cent(cents in -99_999_999_999_999_i64..=99_999_999_999_999) {
            let text = format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100);
            let number: f64 = text.parse().unwrap();
            let read = plain(number);
            let (whole, fraction) = read.split_once('.').unwrap_or((&read, ""));
            prop_assert!(fraction.len() <= 2, "{read}");
            let back: i64 = format!("{whole}{fraction:0<2}").parse().unwrap();
            prop_assert_eq!(back, cents);
        }

        #[test]
        fn every_second_comes_back(second in 0_i64..(2_000 * 86_400)) {
            // As a spreadsheet has it: days and a fraction in 64 bits.
            let parts = i128::from(second) * 10_i128.pow(15) / 86_400;
            let digits = format!("{}.{:015}", 45_000 + parts / 10_i128.pow(15), parts % 10_i128.pow(15));
            let serial: f64 = digits.parse().unwrap();
            let day = Date::constant(2023, 3, 15).to_datetime(Time::midnight());
            let expected = day.checked_add(SignedDuration::from_secs(second)).unwrap();
            prop_assert_eq!(date(serial, true, DateSystem::From1900).0, written(expected, true));
        }
    }
}
