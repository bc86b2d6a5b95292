//! Names the days that an audit is about.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::shown;

/// Days from the first to the last; both belong to it, and either may be open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Period {
    /// The first day.
    #[serde(serialize_with = "shown", deserialize_with = "day")]
    pub from: Option<Date>,
    /// The last day.
    #[serde(serialize_with = "shown", deserialize_with = "day")]
    pub to: Option<Date>,
    /// The day of a sale that counts.
    pub by: PeriodBy,
}

fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(D::Error::custom))
        .transpose()
}

impl Period {
    /// Returns `true` if it is all time.
    pub fn is_open(self) -> bool {
        self.from.or(self.to).is_none()
    }

    /// Returns `true` if a day is in it.
    pub fn holds(self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }
}

/// A period with the zone in which its days begin.
#[derive(Clone, Copy, Debug)]
pub struct ZonedPeriod<'z> {
    /// The days.
    pub period: Period,
    /// The zone.
    pub zone: &'z TimeZone,
}

/// The day of a sale that decides whether it belongs to a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeriodBy {
    /// Its date, in the zone of the rules.
    #[default]
    SaleDate,
    /// The start of the run that first recorded it, in UTC, as reports of runs count days.
    RunDate,
}

impl PeriodBy {
    /// Returns the word in options and in machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            PeriodBy::SaleDate => "sale-date",
            PeriodBy::RunDate => "run-date",
        }
    }
}
