//! Which days an audit is of.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::{Billed, Commission, shown};

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
}

fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(D::Error::custom))
        .transpose()
}

impl Period {
    /// Whether it is all time.
    pub fn is_open(self) -> bool {
        self == Period::default()
    }

    /// Whether a moment falls into it, by the days of `zone`. What has no date belongs to every period:
    /// it is not to be lost.
    fn holds(self, moment: Option<Timestamp>, zone: &TimeZone) -> bool {
        let Some(moment) = moment else {
            return true;
        };
        let day = zone.to_datetime(moment).date();
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }

    /// Leaves what belongs to the period: the sales of its days, with their refunds and commissions
    /// whenever those came; refunds whose sale is not here, and commissions that belong to nothing of
    /// ours, by their own days.
    pub fn cut(
        self,
        billed: Vec<Billed>,
        commissions: Vec<Commission>,
        zone: &TimeZone,
    ) -> (Vec<Billed>, Vec<Commission>) {
        if self.is_open() {
            return (billed, commissions);
        }
        let by_id: HashMap<&str, &Billed> = billed
            .iter()
            .map(|billed| (billed.event_id.as_str(), billed))
            .collect();
        let belongs = |one: &Billed| {
            let sale = one.sale_event_id.as_deref();
            let sale = sale.and_then(|sale| by_id.get(sale).copied());
            self.holds(sale.unwrap_or(one).created_at, zone)
        };
        let wanted: HashSet<String> = billed
            .iter()
            .filter(|one| belongs(one))
            .map(|one| one.event_id.clone())
            .collect();
        let is_wanted = |own: &Commission| match own.event_id.as_deref() {
            Some(id) if by_id.contains_key(id) => wanted.contains(id),
            _ => self.holds(own.created_at, zone),
        };
        let commissions = commissions.into_iter().filter(is_wanted).collect();
        let ours = |one: &Billed| wanted.contains(&one.event_id);
        (billed.into_iter().filter(ours).collect(), commissions)
    }
}
