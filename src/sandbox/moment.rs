//! Points in time as the API reads and writes them.

use jiff::civil::{Date, DateTime};
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::ser::Error;
use serde::{Serialize, Serializer};

/// Milliseconds since 1970, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(i64);

impl Moment {
    pub(super) const EPOCH: Moment = Moment(0);

    pub(super) fn now() -> Moment {
        Moment(Timestamp::now().as_millisecond())
    }

    pub(super) fn of_ms(ms: i64) -> Moment {
        Moment(ms)
    }

    pub(super) fn as_ms(self) -> i64 {
        self.0
    }

    /// Reads an ISO 8601 date, with or without a time (in UTC unless the text has an offset).
    pub(super) fn parse(text: &str) -> Option<Moment> {
        let text = text.trim();
        if let Ok(timestamp) = text.parse::<Timestamp>() {
            return Some(Moment(timestamp.as_millisecond()));
        }
        let local: DateTime = text.parse().ok()?;
        let zoned = local.to_zoned(TimeZone::UTC).ok()?;
        Some(Moment(zoned.timestamp().as_millisecond()))
    }

    /// Reads the last moment of a filter's `to`: a date means all of its day.
    pub(super) fn parse_end(text: &str) -> Option<Moment> {
        let text = text.trim();
        if text.len() > "2026-01-01".len() {
            return Moment::parse(text);
        }
        let next = text.parse::<Date>().ok()?.checked_add(1.day()).ok()?;
        let midnight = next.to_zoned(TimeZone::UTC).ok()?;
        Some(Moment(midnight.timestamp().as_millisecond() - 1))
    }
}

/// Writes the moment as version 1 and the tracking calls do: `2024-09-11T14:22:12.160Z`.
impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
        self.write(&PRINTER, serializer)
    }
}

impl Moment {
    fn write<S: Serializer>(
        self,
        printer: &DateTimePrinter,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let timestamp = Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut text = WrittenMoment::default();
        printer
            .print_timestamp(&timestamp, &mut text)
            .map_err(S::Error::custom)?;
        serializer.serialize_str(text.as_str())
    }
}

/// A moment as the lists of version 2 write it, without milliseconds: `2024-09-11T14:22:12Z`.
#[derive(Clone, Copy)]
pub(super) struct Seconds(pub(super) Moment);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(0));
        self.0.write(&PRINTER, serializer)
    }
}

/// A buffer for the text of a moment; each answer contains several.
#[derive(Default)]
struct WrittenMoment {
    bytes: [u8; 32],
    length: usize,
}

impl WrittenMoment {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl jiff::fmt::Write for WrittenMoment {
    fn write_str(&mut self, piece: &str) -> Result<(), jiff::Error> {
        let end = self.length + piece.len();
        let place = self
            .bytes
            .get_mut(self.length..end)
            .ok_or_else(|| jiff::Error::from_args(format_args!("too long")))?;
        place.copy_from_slice(piece.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Moment, Seconds};

    #[test]
    fn dates_and_times_are_read_and_others_are_not() {
        for (text, ms) in [
            ("1970-01-01", 0),
            ("1970-01-02T00:00:01", 86_401_000),
            ("1970-01-01T01:00:00.5+01:00", 500),
            (" 1970-01-01 00:00:02Z", 2000),
        ] {
            assert_eq!(Moment::parse(text), Some(Moment(ms)), "{text}");
        }
        for text in ["", "yesterday", "1970-13-01", "1"] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
        let told = serde_json::to_string(&Moment(1_726_064_532_160)).expect("it is text");
        assert_eq!(told, r#""2024-09-11T14:22:12.160Z""#);
        let told = serde_json::to_string(&Moment(i64::MAX)).expect("it is text");
        assert_eq!(told, r#""1970-01-01T00:00:00.000Z""#);
        let told = serde_json::to_string(&Seconds(Moment(1_726_064_532_960))).expect("it is text");
        assert_eq!(told, r#""2024-09-11T14:22:12Z""#);
        assert_eq!(Moment::parse_end("1970-01-01"), Some(Moment(86_399_999)));
        assert_eq!(Moment::parse_end("1970-01-01T00:00:01"), Some(Moment(1000)));
    }
}
