//! The words of a profile file.
//!
//! A profile is data: which columns an export has, which rows are events and which are not, how
//! its money and dates are written. These types are the file's shape; what they refer to is
//! checked when the profile is loaded.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::event::{AmountFormat, Kind};

/// A profile file, after `extends` has been resolved.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spec {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) rests_on: String,
    #[serde(default = "yes")]
    pub(super) detect: bool,
    pub(super) columns: BTreeMap<String, ColumnSpec>,
    #[serde(default)]
    pub(super) money: MoneySpec,
    #[serde(default)]
    pub(super) dates: DatesSpec,
    #[serde(default)]
    pub(super) customer: CustomerSpec,
    #[serde(default)]
    pub(super) known: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) ignore: Vec<IgnoreSpec>,
    #[serde(default)]
    pub(super) reject: Vec<RemarkSpec>,
    #[serde(default)]
    pub(super) warn: Vec<RemarkSpec>,
    pub(super) event: Vec<EventSpec>,
}

fn yes() -> bool {
    true
}

/// `"Header"`, `["Header", "Older header"]`, or a table with `header` and `optional`.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a header name, a list of them, or { header = …, optional = true }"
)]
pub(super) enum ColumnSpec {
    Name(String),
    Names(Vec<String>),
    Table {
        header: Words,
        #[serde(default)]
        optional: bool,
    },
}

impl ColumnSpec {
    pub(super) fn names(&self) -> &[String] {
        match self {
            ColumnSpec::Name(name) => std::slice::from_ref(name),
            ColumnSpec::Names(names) => names,
            ColumnSpec::Table { header, .. } => header.as_slice(),
        }
    }

    pub(super) fn is_optional(&self) -> bool {
        matches!(self, ColumnSpec::Table { optional: true, .. })
    }
}

/// One word or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
pub(super) enum Words {
    One(String),
    Many(Vec<String>),
}

impl Words {
    pub(super) fn as_slice(&self) -> &[String] {
        match self {
            Words::One(word) => std::slice::from_ref(word),
            Words::Many(words) => words,
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MoneySpec {
    pub(super) currency_column: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) format: AmountFormat,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct DatesSpec {
    pub(super) formats: Vec<String>,
    pub(super) zone: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CustomerSpec {
    pub(super) email: Option<String>,
    pub(super) uid: Option<String>,
}

/// Column name to what has to hold there; all of them have to.
pub(super) type WhenSpec = BTreeMap<String, TestSpec>;

/// A word, one of several words, or a test on what the cell says.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a word, a list of words, { empty = true } or { sign = \"positive\" }"
)]
pub(super) enum TestSpec {
    Word(String),
    OneOf(Vec<String>),
    Empty { empty: bool },
    Sign { sign: SignSpec },
}

/// The sign of an amount; an empty cell has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SignSpec {
    Positive,
    Zero,
    Negative,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IgnoreSpec {
    pub(super) when: WhenSpec,
    pub(super) reason: String,
    pub(super) warning: Option<String>,
    pub(super) hint: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RemarkSpec {
    pub(super) when: WhenSpec,
    pub(super) column: String,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventSpec {
    pub(super) kind: Kind,
    #[serde(default)]
    pub(super) when: WhenSpec,
    #[serde(default)]
    pub(super) event_id: Vec<String>,
    #[serde(default)]
    pub(super) sale_event_id: Vec<String>,
    pub(super) amount: Option<String>,
    #[serde(default)]
    pub(super) running_total: bool,
    #[serde(default)]
    pub(super) created_at: Vec<String>,
    pub(super) plan: Option<String>,
    pub(super) mrr: Option<String>,
    pub(super) promo_code: Option<String>,
    pub(super) quantity: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) ref_id: Option<String>,
    pub(super) tid: Option<String>,
}
