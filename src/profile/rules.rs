//! The parts of a compiled profile: its columns, and the rules by which rows are read.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use regex_lite::Regex;
use serde::Deserialize;

use super::words::{Spelling, WordSet};
use crate::event::{Currency, Kind};

/// Index into [`Profile::columns`](super::Profile::columns).
pub(crate) type ColumnIndex = usize;

/// A column by our name, with the header names that it goes by.
#[derive(Clone, Debug)]
pub(crate) struct ProfileColumn {
    pub(crate) name: String,
    pub(crate) headers: Vec<String>,
    pub(crate) optional: bool,
    pub(crate) spelling: Spelling,
}

/// Rows that belong to the row above: those that hold, and say the same in these columns.
#[derive(Clone, Debug)]
pub(crate) struct Continuation {
    pub(crate) same: Vec<ColumnIndex>,
    pub(crate) when: When,
}

/// Where a customer is named.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CustomerColumns {
    pub(crate) email: Option<ColumnIndex>,
    pub(crate) uid: Option<ColumnIndex>,
}

/// Where a subscription's id and its plan stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SubscriptionColumns {
    pub(crate) id: ColumnIndex,
    pub(crate) plan: ColumnIndex,
}

/// Where a list of commissions says what, and what its words mean.
#[derive(Clone, Debug)]
pub(crate) struct CommissionColumns {
    pub(crate) amount: ColumnIndex,
    pub(crate) id: Option<ColumnIndex>,
    pub(crate) event_id: Option<ColumnIndex>,
    pub(crate) sale_amount: Option<ColumnIndex>,
    pub(crate) status: Option<ColumnIndex>,
    pub(crate) is_paid: Option<ColumnIndex>,
    pub(crate) is_split: Option<ColumnIndex>,
    pub(crate) unit: Option<ColumnIndex>,
    pub(crate) tier: Option<ColumnIndex>,
    pub(crate) created_at: Option<DateSource>,
    pub(crate) promoter_id: Option<ColumnIndex>,
    pub(crate) promoter_email: Option<ColumnIndex>,
    pub(crate) ref_id: Option<ColumnIndex>,
    pub(crate) campaign: Option<ColumnIndex>,
    pub(crate) campaign_id: Option<ColumnIndex>,
    pub(crate) plan: Option<ColumnIndex>,
    pub(crate) approved: WordSet,
    pub(crate) pending: WordSet,
    pub(crate) denied: WordSet,
    /// Approved, and paid out.
    pub(crate) paid: WordSet,
    pub(crate) yes: WordSet,
    pub(crate) no: WordSet,
    /// Units that are money.
    pub(crate) cash: WordSet,
}

/// What an export does not say, and the key in which a user says it.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) key: String,
    pub(crate) text: String,
    /// Only of exports that do not have this column.
    pub(crate) without: Option<ColumnIndex>,
}

/// Where the currency of a row's amounts is said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CurrencySource {
    /// In this column, where the export has it.
    pub(crate) column: Option<ColumnIndex>,
    /// Else it is this one; and where there is none, the account's.
    pub(crate) fixed: Option<Currency>,
}

/// How dates are written.
#[derive(Clone, Debug)]
pub(crate) struct Dates {
    pub(crate) formats: Vec<DateFormat>,
    pub(crate) zone: TimeZone,
    /// The zones that words of the export stand for.
    pub(crate) zones: BTreeMap<String, TimeZone>,
    /// Columns whose dates are written otherwise; their own `columns` are empty.
    pub(crate) columns: BTreeMap<ColumnIndex, Dates>,
    /// What becomes of a sale or refund that has no date.
    pub(crate) missing: MissingDate,
}

impl Dates {
    /// How the dates of this column are written.
    pub(crate) fn for_column(&self, column: ColumnIndex) -> &Dates {
        self.columns.get(&column).unwrap_or(self)
    }
}

/// Where a date stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DateSource {
    pub(crate) date: ColumnIndex,
    pub(crate) time: Option<ColumnIndex>,
    pub(crate) zone: Option<ColumnIndex>,
}

impl DateSource {
    /// Returns the source of a date that stands in this column alone.
    pub(crate) fn of_column(date: ColumnIndex) -> Self {
        DateSource {
            date,
            time: None,
            zone: None,
        }
    }
}

/// One way to write a date.
#[derive(Clone, Debug)]
pub(crate) enum DateFormat {
    /// RFC 3339, with its own offset.
    Rfc3339,
    /// A `strptime` pattern, in the profile's zone unless it reads an offset.
    Pattern(String),
    /// The same, and behind it a space and a zone word.
    PatternAndZone(String),
    /// Seconds since 1970 in UTC, also with a fraction.
    UnixSeconds,
    /// Milliseconds since 1970 in UTC.
    UnixMilliseconds,
    /// Days since the end of 1899 in the profile's zone, as spreadsheets count them; a fraction is
    /// the time of day.
    SpreadsheetSerial,
}

/// What becomes of a sale or refund that has no date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MissingDate {
    /// Its row is rejected.
    #[default]
    Reject,
    /// It is sent without a date, and the API takes the day on which it arrives.
    Today,
}

/// All of these have to hold.
pub(crate) type When = Vec<(ColumnIndex, Test)>;

/// What has to hold in a cell.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    OneOf(WordSet),
    NoneOf(WordSet),
    Pattern(Regex),
    Empty(bool),
    Sign(Sign),
    /// An amount with one of these signs, or none, fails.
    NotSign(Vec<Sign>),
    /// The amount is that of these columns together; an empty one counts nothing.
    Sum(Vec<ColumnIndex>),
    NotSum(Vec<ColumnIndex>),
}

impl Test {
    /// Whether it has to read amounts, which costs more than comparing words.
    pub(crate) fn reads_amounts(&self) -> bool {
        match self {
            Test::OneOf(_) | Test::NoneOf(_) | Test::Pattern(_) | Test::Empty(_) => false,
            Test::Sign(_) | Test::NotSign(_) | Test::Sum(_) | Test::NotSum(_) => true,
        }
    }
}

/// The rows that a rule is for.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) when: When,
    /// But not those for which all of these hold.
    pub(crate) unless: Option<When>,
}

/// The sign of an amount; an empty cell has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Positive,
    Zero,
    Negative,
}

impl Sign {
    /// Returns the word that a profile has for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Sign::Positive => "positive",
            Sign::Zero => "zero",
            Sign::Negative => "negative",
        }
    }
}

/// Rows that are no event, and why.
#[derive(Clone, Debug)]
pub(crate) struct IgnoreRule {
    pub(crate) scope: Scope,
    pub(crate) reason: String,
    /// Whether they are payments that came to nothing, even where they were good before.
    pub(crate) not_paid: bool,
    pub(crate) warning: Option<String>,
    pub(crate) hint: Option<String>,
}

/// Something to say about rows that look like this.
#[derive(Clone, Debug)]
pub(crate) struct RemarkRule {
    pub(crate) scope: Scope,
    pub(crate) column: ColumnIndex,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// One event of a row.
#[derive(Clone, Debug)]
pub(crate) struct EventRule {
    pub(crate) kind: Kind,
    pub(crate) scope: Scope,
    pub(crate) note: Option<String>,
    /// The columns of `known` in which it says by its `when` which words it is for.
    pub(crate) names: Vec<ColumnIndex>,
    /// Where another than the row's customer is the event's.
    pub(crate) customer: Option<CustomerColumns>,
    pub(crate) event_id: Vec<Template>,
    pub(crate) sale_event_id: Vec<Template>,
    /// Of a sale, by which its refunds may name it too.
    pub(crate) reference: Vec<Template>,
    pub(crate) amount: Option<AmountRule>,
    /// What was paid in all, where that is not the amount before its `minus`.
    pub(crate) gross: Option<AmountRule>,
    pub(crate) running_total: bool,
    pub(crate) created_at: Vec<DateSource>,
    pub(crate) plan: Option<ColumnIndex>,
    pub(crate) subscription: Option<ColumnIndex>,
    pub(crate) mrr: Option<ColumnIndex>,
    pub(crate) promo_code: Option<ColumnIndex>,
    pub(crate) quantity: Option<ColumnIndex>,
    pub(crate) first_name: Option<ColumnIndex>,
    pub(crate) last_name: Option<ColumnIndex>,
    pub(crate) ref_id: Option<ColumnIndex>,
    pub(crate) tid: Option<ColumnIndex>,
}

impl EventRule {
    /// Whether it names a column for any of what few events have.
    pub(crate) fn has_details(&self) -> bool {
        let columns = [
            self.subscription,
            self.mrr,
            self.promo_code,
            self.quantity,
            self.first_name,
            self.last_name,
            self.ref_id,
            self.tid,
        ];
        columns.iter().any(Option::is_some)
    }
}

/// How the amount of an event is read.
#[derive(Clone, Debug)]
pub(crate) struct AmountRule {
    pub(crate) column: ColumnIndex,
    pub(crate) convention: Convention,
    /// Added to it; nothing where the cell is empty.
    pub(crate) plus: Vec<ColumnIndex>,
    /// Taken off it; nothing where the cell is empty.
    pub(crate) minus: Vec<ColumnIndex>,
    /// Whether the tax of the order is taken off it.
    pub(crate) less_tax: bool,
}

/// Where an order says what of it is tax.
#[derive(Clone, Debug)]
pub(crate) struct TaxColumns {
    pub(crate) goods: ColumnIndex,
    pub(crate) shipping: ColumnIndex,
    pub(crate) tax: ColumnIndex,
    pub(crate) total: ColumnIndex,
    pub(crate) duties: Option<ColumnIndex>,
    /// The columns of each tax's name and value.
    pub(crate) named: Vec<(ColumnIndex, ColumnIndex)>,
}

/// How the export signs what is meant to be above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Convention {
    Positive,
    Negative,
    Any,
}

/// A text with columns in it, such as `{subscription_id}_cancelled`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(pub(crate) Vec<TemplatePart>);

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TemplatePart {
    Text(String),
    Column(ColumnIndex),
    /// The day of the date in this column, in UTC.
    Day(ColumnIndex),
}
