//! The format of a profile file.
//!
//! A profile is data: the columns of an export, which rows are events and which are not, and the
//! format of its money and dates. These types have the structure of the file; references are
//! checked when the profile is loaded.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::MissingDate;
use crate::event::{AmountFormat, Kind};

/// A profile file, after `extends` has been resolved.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spec {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) based_on: String,
    #[serde(default)]
    pub(super) detect: DetectSpec,
    /// The greatest number of lines of other text above the header.
    #[serde(default)]
    pub(super) skip_lines: usize,
    /// The sheet that is read of a workbook with several.
    pub(super) sheet: Option<String>,
    /// Settings that the export does not contain and a user must set.
    #[serde(default)]
    pub(super) ask: Vec<AskSpec>,
    /// Profiles whose sales this one completes, if exports of both are in one job.
    #[serde(default)]
    pub(super) completes: Vec<String>,
    /// Profiles that have the same sales under other ids.
    #[serde(default)]
    pub(super) same_sales_as: Vec<String>,
    /// `true` if it reads fprecon's own report of events, handed back.
    #[serde(default)]
    pub(super) mends: bool,
    pub(super) columns: BTreeMap<String, ColumnSpec>,
    pub(super) subscription: Option<SubscriptionSpec>,
    pub(super) promo_code: Option<PromoCodeSpec>,
    #[serde(default)]
    pub(super) money: MoneySpec,
    pub(super) taxes: Option<TaxesSpec>,
    #[serde(default)]
    pub(super) dates: DatesSpec,
    #[serde(default)]
    pub(super) customer: CustomerSpec,
    /// Lists of words by name, to which rules refer: a profile for another language replaces them.
    #[serde(default)]
    pub(super) words: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) known: BTreeMap<String, KnownSpec>,
    /// The meanings of words that the profile does not contain itself, by column.
    #[serde(default)]
    pub(super) read_as: BTreeMap<String, BTreeMap<String, MeaningSpec>>,
    pub(super) continuation: Option<ContinuationSpec>,
    #[serde(default)]
    pub(super) ignore: Vec<IgnoreSpec>,
    #[serde(default)]
    pub(super) reject: Vec<RemarkSpec>,
    #[serde(default)]
    pub(super) warn: Vec<RemarkSpec>,
    #[serde(default)]
    pub(super) event: Vec<EventSpec>,
    pub(super) commission: Option<CommissionSpec>,
}

/// Decides if exports may be recognised as this profile's by their header, and which names exclude
/// them.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected true, false, or { enabled = …, absent = [\"Header\"] }"
)]
pub(super) enum DetectSpec {
    Enabled(bool),
    Table {
        enabled: Option<bool>,
        #[serde(default)]
        absent: Vec<String>,
        /// `true` if a header that lacks few of the columns counts as one of these exports.
        nearly: Option<bool>,
    },
}

impl Default for DetectSpec {
    fn default() -> Self {
        DetectSpec::Enabled(true)
    }
}

impl DetectSpec {
    pub(super) fn is_enabled(&self) -> bool {
        match self {
            DetectSpec::Enabled(enabled) => *enabled,
            DetectSpec::Table { enabled, .. } => enabled.unwrap_or(true),
        }
    }

    pub(super) fn is_nearly_known(&self) -> bool {
        match self {
            DetectSpec::Enabled(_) => true,
            DetectSpec::Table { nearly, .. } => nearly.unwrap_or(true),
        }
    }

    pub(super) fn absent(&self) -> &[String] {
        match self {
            DetectSpec::Enabled(_) => &[],
            DetectSpec::Table { absent, .. } => absent,
        }
    }
}

/// A key that must be set before the profile can be used.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskSpec {
    pub(super) key: String,
    pub(super) question: String,
    /// A column: the question applies only to exports that do not have it.
    pub(super) without: Option<String>,
}

/// `"Header"`, `["Header", "Older header"]`, or a table with `header`, `optional` and `fold`.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a header name, a list of them, or { header = …, optional = true, fold = true }"
)]
pub(super) enum ColumnSpec {
    Name(String),
    Names(Vec<String>),
    Table {
        header: OneOrMany,
        #[serde(default)]
        optional: bool,
        fold: Option<bool>,
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

    /// Returns the setting `fold`, if it is set.
    pub(super) fn fold(&self) -> Option<bool> {
        match self {
            ColumnSpec::Name(_) | ColumnSpec::Names(_) => None,
            ColumnSpec::Table { fold, .. } => *fold,
        }
    }
}

/// One word or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn as_slice(&self) -> &[String] {
        match self {
            OneOrMany::One(word) => std::slice::from_ref(word),
            OneOrMany::Many(words) => words,
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
    /// Zone names of the export, such as `PST`, with their offset from UTC.
    pub(super) zones: BTreeMap<String, String>,
    /// Columns whose dates are in other formats.
    pub(super) columns: BTreeMap<String, ColumnDatesSpec>,
    /// The treatment of a sale or refund without a date.
    pub(super) missing: MissingDate,
}

/// The settings that differ for one column.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ColumnDatesSpec {
    pub(super) formats: Option<Vec<String>>,
    pub(super) zone: Option<String>,
}

/// The known words of a column: a list, or the names of lists under `[words]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a list of words or { words = \"a list of [words]\" }"
)]
pub(super) enum KnownSpec {
    Words(Vec<String>),
    Lists { words: OneOrMany },
}

/// The known word that a word stands for, or the reason why its rows are not events.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a known word of this column, or { ignore = \"the reason\" }"
)]
pub(super) enum MeaningSpec {
    Word(String),
    Ignored { ignore: String },
}

/// The columns of a list of commissions; such a profile has no events.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommissionSpec {
    pub(super) amount: String,
    pub(super) id: Option<String>,
    pub(super) event_id: Option<String>,
    pub(super) sale_amount: Option<String>,
    pub(super) status: Option<String>,
    pub(super) is_paid: Option<String>,
    pub(super) is_split: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) tier: Option<String>,
    pub(super) created_at: Option<DateSpec>,
    pub(super) promoter_id: Option<String>,
    pub(super) promoter_email: Option<String>,
    pub(super) ref_id: Option<String>,
    pub(super) campaign: Option<String>,
    pub(super) campaign_id: Option<String>,
    pub(super) plan: Option<String>,
}

/// The columns of a subscription in each row, for other exports that only have its id.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscriptionSpec {
    pub(super) id: String,
    pub(super) plan: String,
}

/// The column of coupons, which are sent as promo codes of sales where the user wants that.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PromoCodeSpec {
    pub(super) column: String,
    #[serde(default)]
    pub(super) send: bool,
}

/// Rows that belong to the row above.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContinuationSpec {
    pub(super) same: Vec<String>,
    pub(super) when: WhenSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CustomerSpec {
    pub(super) email: Option<String>,
    pub(super) uid: Option<String>,
    /// The words in the column of emails that mean that the customer has none.
    pub(super) no_email: Vec<String>,
}

/// A test for each column; all of them must hold.
pub(super) type WhenSpec = BTreeMap<String, TestSpec>;

/// A word, one of several words, or a table of tests on the cell.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a word, a list of words, or a table with `words`, `not`, `pattern`, `empty`, `sign`, `not_sign`, `sum` or `not_sum`"
)]
pub(super) enum TestSpec {
    Word(String),
    OneOf(Vec<String>),
    Tests(CellTests),
}

/// Tests on a cell; all that are given must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CellTests {
    pub(super) words: Option<OneOrMany>,
    pub(super) not: Option<OneOrMany>,
    pub(super) pattern: Option<String>,
    pub(super) empty: Option<bool>,
    pub(super) exported: Option<bool>,
    pub(super) sign: Option<SignSpec>,
    pub(super) not_sign: Option<Vec<SignSpec>>,
    pub(super) sum: Option<Vec<String>>,
    pub(super) not_sum: Option<Vec<String>>,
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
    pub(super) unless: Option<WhenSpec>,
    pub(super) reason: String,
    #[serde(default)]
    pub(super) not_paid: bool,
    pub(super) warning: Option<String>,
    pub(super) hint: Option<String>,
}

/// What a warning of a profile says of a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RemarkAbout {
    /// It is disputed, or was, and nothing was refunded for that.
    Dispute,
    /// It may not be paid, or not in full.
    NotPaid,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RemarkSpec {
    /// What a warning says of the sale; an audit says it before its verdict.
    pub(super) about: Option<RemarkAbout>,
    pub(super) when: WhenSpec,
    pub(super) unless: Option<WhenSpec>,
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
    pub(super) unless: Option<WhenSpec>,
    pub(super) note: Option<String>,
    /// The reason why a person has to look at the event before it is sent.
    pub(super) hold: Option<String>,
    pub(super) email: Option<String>,
    pub(super) uid: Option<String>,
    #[serde(default)]
    pub(super) event_id: Vec<String>,
    #[serde(default)]
    pub(super) sale_event_id: Vec<String>,
    /// Another id of a sale by which its refunds may name it.
    #[serde(default)]
    pub(super) reference: Vec<String>,
    pub(super) amount: Option<AmountSpec>,
    /// The whole amount that was paid, if `amount` is not that less its `minus`.
    pub(super) gross: Option<AmountSpec>,
    #[serde(default)]
    pub(super) running_total: bool,
    #[serde(default)]
    pub(super) created_at: Vec<DateSpec>,
    pub(super) plan: Option<String>,
    /// The subscription of the event; another export may have its plan.
    pub(super) subscription: Option<String>,
    pub(super) mrr: Option<String>,
    pub(super) promo_code: Option<String>,
    pub(super) quantity: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) ref_id: Option<String>,
    pub(super) tid: Option<String>,
}

impl EventSpec {
    /// Returns the columns of details, each with the key of its detail.
    pub(super) fn details(&self) -> [(&'static str, Option<&str>); 8] {
        [
            ("subscription", self.subscription.as_deref()),
            ("mrr", self.mrr.as_deref()),
            ("promo_code", self.promo_code.as_deref()),
            ("quantity", self.quantity.as_deref()),
            ("first_name", self.first_name.as_deref()),
            ("last_name", self.last_name.as_deref()),
            ("ref_id", self.ref_id.as_deref()),
            ("tid", self.tid.as_deref()),
        ]
    }
}

/// A column, or the computation of the amount from several.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a column, or { column = …, sign = …, plus = […], minus = […], less_tax = … }"
)]
pub(super) enum AmountSpec {
    Column(String),
    Table {
        column: String,
        #[serde(default)]
        sign: ConventionSpec,
        #[serde(default)]
        plus: Vec<String>,
        #[serde(default)]
        minus: Vec<String>,
        /// `true` if the tax of an order is subtracted, as `[taxes]` defines it.
        #[serde(default)]
        less_tax: bool,
    },
}

/// The sign with which the export writes an amount that is meant to be above zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ConventionSpec {
    /// No sign.
    #[default]
    Positive,
    /// A minus.
    Negative,
    /// Either sign; the kind of the event decides its meaning.
    Any,
}

/// The columns that show the tax of an order.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TaxesSpec {
    pub(super) goods: String,
    pub(super) shipping: String,
    pub(super) tax: String,
    pub(super) total: String,
    pub(super) duties: Option<String>,
    /// The columns of each tax's name, which ends with its rate, and of its value.
    #[serde(default)]
    pub(super) named: Vec<[String; 2]>,
}

/// A column with date and time, or a column for each.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a column, or { date = …, time = …, zone = … }"
)]
pub(super) enum DateSpec {
    Column(String),
    Columns {
        date: String,
        time: Option<String>,
        zone: Option<String>,
    },
}
