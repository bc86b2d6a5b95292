//! The parts of a compiled profile: its columns, and the rules by which rows are read.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use regex_lite::Regex;
use serde::Deserialize;

use super::words::{Spelling, WordSet};
use crate::event::{Currency, DETAIL_COUNT, Kind, detail_place};
use crate::problem::ProblemCode;

/// An index into [`Profile::columns`](super::Profile::columns).
pub(crate) type ColumnIndex = usize;

/// A column by our name, with its possible header names.
#[derive(Clone, Debug)]
pub(crate) struct ProfileColumn {
    pub(crate) name: String,
    pub(crate) headers: Vec<String>,
    pub(crate) is_optional: bool,
    pub(crate) spelling: Spelling,
}

/// Rows that belong to the row above: those that match, and have the same values in these columns.
#[derive(Clone, Debug)]
pub(crate) struct Continuation {
    pub(crate) same: Vec<ColumnIndex>,
    pub(crate) when: When,
}

/// The columns that identify a customer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CustomerColumns {
    pub(crate) email: Option<ColumnIndex>,
    pub(crate) uid: Option<ColumnIndex>,
}

/// The columns of a subscription's id and its plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SubscriptionColumns {
    pub(crate) id: ColumnIndex,
    pub(crate) plan: ColumnIndex,
}

/// The columns of a list of commissions, and the meanings of its words.
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
    /// What the commission was given for.
    pub(crate) kind: Option<ColumnIndex>,
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
    /// Words for approved commissions that were paid out.
    pub(crate) paid: WordSet,
    pub(crate) yes: WordSet,
    pub(crate) no: WordSet,
    /// Units that are money.
    pub(crate) cash: WordSet,
    /// Words for commissions that were given by hand.
    pub(crate) by_hand: WordSet,
}

/// A setting that an export does not contain, and the key in which a user sets it.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) key: String,
    pub(crate) text: String,
    /// A column: the question applies only to exports that do not have it.
    pub(crate) without: Option<ColumnIndex>,
}

/// The source of the currency of a row's amounts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CurrencySource {
    /// The column of the currency, if the export has it.
    pub(crate) column: Option<ColumnIndex>,
    /// The currency for exports without the column; if there is none, the account's is used.
    pub(crate) fixed: Option<Currency>,
}

/// The formats and zones of dates.
#[derive(Clone, Debug)]
pub(crate) struct Dates {
    pub(crate) formats: Vec<DateFormat>,
    pub(crate) zone: TimeZone,
    /// The zones of the export's zone names.
    pub(crate) zones: BTreeMap<String, TimeZone>,
    /// Columns whose dates are in other formats; their own `columns` are empty.
    pub(crate) columns: BTreeMap<ColumnIndex, Dates>,
    /// The treatment of a sale or refund without a date.
    pub(crate) missing: MissingDate,
}

impl Dates {
    /// Returns the formats of this column's dates.
    pub(crate) fn for_column(&self, column: ColumnIndex) -> &Dates {
        self.columns.get(&column).unwrap_or(self)
    }
}

/// The columns of a date.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DateSource {
    pub(crate) date: ColumnIndex,
    pub(crate) time: Option<ColumnIndex>,
    pub(crate) zone: Option<ColumnIndex>,
}

impl DateSource {
    /// Returns the source of a date that is in this column alone.
    pub(crate) fn of_column(date: ColumnIndex) -> Self {
        DateSource {
            date,
            time: None,
            zone: None,
        }
    }
}

/// A format of a date.
#[derive(Clone, Debug)]
pub(crate) enum DateFormat {
    /// RFC 3339, with its own offset.
    Rfc3339,
    /// A `strptime` pattern, in the profile's zone unless it reads an offset.
    Pattern(String),
    /// A `strptime` pattern, followed by a space and a zone name.
    PatternAndZone(String),
    /// Seconds since 1970 in UTC, possibly with a fraction.
    UnixSeconds,
    /// Milliseconds since 1970 in UTC.
    UnixMilliseconds,
    /// Days since the end of 1899 in the profile's zone, as spreadsheets count them; a fraction is
    /// the time of day.
    SpreadsheetSerial,
}

/// The treatment of a sale or refund without a date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MissingDate {
    /// The row is rejected.
    #[default]
    Reject,
    /// The event is sent without a date, and the API uses the day on which it arrives.
    Today,
}

/// Tests on cells; all of them must hold.
pub(crate) type When = Vec<(ColumnIndex, Test)>;

/// A test on a cell.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    OneOf(WordSet),
    NoneOf(WordSet),
    Pattern(Regex),
    Empty(bool),
    /// A test that the export has the column, or has not.
    Exported(bool),
    Sign(Sign),
    /// A test that fails for an amount with one of these signs, and for a missing amount.
    NotSign(Vec<Sign>),
    /// A test that the amount is the sum of these columns; an empty one counts as zero.
    Sum(Vec<ColumnIndex>),
    NotSum(Vec<ColumnIndex>),
}

impl Test {
    /// Returns `true` if it has to read amounts, which costs more than comparing words.
    pub(crate) fn reads_amounts(&self) -> bool {
        match self {
            Test::OneOf(_)
            | Test::NoneOf(_)
            | Test::Pattern(_)
            | Test::Empty(_)
            | Test::Exported(_) => false,
            Test::Sign(_) | Test::NotSign(_) | Test::Sum(_) | Test::NotSum(_) => true,
        }
    }
}

/// The rows that a rule is for.
#[derive(Clone, Debug)]
pub(crate) struct RowScope {
    pub(crate) when: When,
    /// Rows that are excluded: those for which all of these tests hold.
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
    /// Returns the word for it in profiles.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Sign::Positive => "positive",
            Sign::Zero => "zero",
            Sign::Negative => "negative",
        }
    }
}

/// Rows that are not events, and the reason.
#[derive(Clone, Debug)]
pub(crate) struct IgnoreRule {
    pub(crate) scope: RowScope,
    pub(crate) reason: String,
    /// `true` if the rows are payments that failed, even if they had succeeded before.
    pub(crate) is_not_paid: bool,
    pub(crate) warning: Option<String>,
    pub(crate) hint: Option<String>,
}

impl IgnoreRule {
    /// Returns `true` if the rows are ignored since an amount is zero.
    pub(crate) fn is_for_zero(&self, is_amount: impl Fn(ColumnIndex) -> bool) -> bool {
        let is_zero = |(column, test): &(ColumnIndex, Test)| {
            matches!(test, Test::Sign(Sign::Zero)) && is_amount(*column)
        };
        self.scope.when.iter().any(is_zero)
    }
}

/// A warning about rows that match.
#[derive(Clone, Debug)]
pub(crate) struct RemarkRule {
    /// The code of the problem where it warns.
    pub(crate) code: ProblemCode,
    pub(crate) scope: RowScope,
    pub(crate) column: ColumnIndex,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// One event of a row.
#[derive(Clone, Debug)]
pub(crate) struct EventRule {
    pub(crate) kind: Kind,
    pub(crate) scope: RowScope,
    pub(crate) note: Option<String>,
    /// The reason why a person has to look at the event before it is sent.
    pub(crate) hold: Option<String>,
    /// The columns of `known` whose words the rule's `when` lists.
    pub(crate) names: Vec<ColumnIndex>,
    /// The columns of the event's customer, if it is not the row's customer.
    pub(crate) customer: Option<CustomerColumns>,
    pub(crate) event_id: Vec<Template>,
    pub(crate) sale_event_id: Vec<Template>,
    /// Another id of a sale, by which its refunds may name it.
    pub(crate) reference: Vec<Template>,
    pub(crate) amount: Option<AmountRule>,
    /// The whole amount that was paid, if that is not the amount before its `minus`.
    pub(crate) gross: Option<AmountRule>,
    pub(crate) is_running_total: bool,
    pub(crate) created_at: Vec<DateSource>,
    pub(crate) plan: Option<ColumnIndex>,
    /// The columns of the event's details, each at the place of its detail in
    /// [`DETAILS`](crate::event::DETAILS).
    pub(crate) details: [Option<ColumnIndex>; DETAIL_COUNT],
}

impl EventRule {
    /// Returns `true` if it has a column for any of the details that few events have.
    pub(crate) fn has_details(&self) -> bool {
        self.details.iter().any(Option::is_some)
    }

    /// Returns the column of a detail by its key.
    pub(crate) fn detail(&self, key: &str) -> Option<ColumnIndex> {
        self.details[detail_place(key)]
    }
}

/// The computation of an event's amount.
#[derive(Clone, Debug)]
pub(crate) struct AmountRule {
    pub(crate) column: ColumnIndex,
    pub(crate) convention: Convention,
    /// Columns that are added to the amount; an empty cell counts as zero.
    pub(crate) plus: Vec<ColumnIndex>,
    /// Columns that are subtracted from the amount; an empty cell counts as zero.
    pub(crate) minus: Vec<ColumnIndex>,
    /// `true` if the tax of the order is subtracted.
    pub(crate) is_less_tax: bool,
}

/// The columns that show the tax of an order.
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

/// The sign with which the export writes an amount that is meant to be above zero.
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
