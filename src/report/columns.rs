//! The columns of the reports and their cells: one home for every format.
//!
//! The format decides what a cell looks like: an amount is a number of minor units in a CSV and in
//! Parquet, and a number with a currency's format in a workbook.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::event::{CustomerRef, Event, EventRef, Kind, Money};
use crate::invisible::shown;
use crate::journal::{AcceptedRecord, ConversionRecord, EventRecord, HeldRecord, Outcome};

use super::outcomes::outcome_word;

/// The type of the cells of a column that are not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnType {
    /// Any text.
    Text,
    /// An integer.
    Integer,
    /// Minor units of the currency in the next column.
    Amount,
    /// A time, to the millisecond.
    Time,
}

/// A column of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReportColumn {
    /// The column's name in files for machines.
    pub name: &'static str,
    /// The type of the column's cells.
    pub holds: ColumnType,
}

/// The content of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'c> {
    /// Nothing.
    Empty,
    /// A word of a closed set, which needs no escaping.
    Word(&'static str),
    /// Text from outside, which may contain anything.
    Text(Cow<'c, str>),
    /// A number.
    Integer(i64),
    /// An amount; its currency has a cell of its own.
    Amount(Money),
    /// A time.
    Time(Timestamp),
}

impl<'c> Cell<'c> {
    pub(crate) fn text(text: &'c str) -> Self {
        Cell::Text(Cow::Borrowed(text))
    }

    /// Returns the cell of a sentence, a place or a name for people, which may repeat text from
    /// outside: it is shown with its invisible characters escaped. Text that programs read goes
    /// into [`Cell::text`], unchanged.
    pub(crate) fn escaped(text: &'c str) -> Self {
        Cell::Text(shown(text))
    }

    pub(crate) fn optional_said(text: Option<&'c str>) -> Self {
        text.map_or(Cell::Empty, Cell::escaped)
    }

    pub(crate) fn optional_text(text: Option<&'c str>) -> Self {
        text.map_or(Cell::Empty, Cell::text)
    }

    pub(super) fn optional_integer(number: Option<impl Into<i64>>) -> Self {
        number.map_or(Cell::Empty, |number| Cell::Integer(number.into()))
    }

    pub(super) fn optional_time(time: Option<Timestamp>) -> Self {
        time.map_or(Cell::Empty, Cell::Time)
    }

    /// Returns the cell of a line of an export; the header is line 1.
    pub(crate) fn line(line: u64) -> Self {
        i64::try_from(line).map_or(Cell::Empty, Cell::Integer)
    }

    /// Returns the cell of a line of an export, empty if there is none.
    pub(crate) fn optional_line(line: Option<u64>) -> Self {
        line.map_or(Cell::Empty, Cell::line)
    }
}

const fn column(name: &'static str, holds: ColumnType) -> ReportColumn {
    ReportColumn { name, holds }
}

/// The columns that identify an event: those of the cells of [`identity_cells`].
const IDENTITY_COLUMNS: [ReportColumn; 7] = [
    column("kind", ColumnType::Text),
    column("event_id", ColumnType::Text),
    column("sale_event_id", ColumnType::Text),
    column("email", ColumnType::Text),
    column("uid", ColumnType::Text),
    column("amount_cents", ColumnType::Amount),
    column("currency", ColumnType::Text),
];

/// Returns `IDENTITY_COLUMNS`, followed by more columns.
const fn with_identity<const MORE: usize, const ALL: usize>(
    more: [ReportColumn; MORE],
) -> [ReportColumn; ALL] {
    assert!(ALL == IDENTITY_COLUMNS.len() + MORE);
    let mut all = [IDENTITY_COLUMNS[0]; ALL];
    let mut at = 0;
    while at < ALL {
        all[at] = if at < IDENTITY_COLUMNS.len() {
            IDENTITY_COLUMNS[at]
        } else {
            more[at - IDENTITY_COLUMNS.len()]
        };
        at += 1;
    }
    all
}

/// The columns of event reports.
pub(crate) const EVENT_COLUMNS: [ReportColumn; 20] = with_identity([
    column("created_at", ColumnType::Time),
    column("outcome", ColumnType::Text),
    column("http_status", ColumnType::Integer),
    column("message", ColumnType::Text),
    column("attempts", ColumnType::Integer),
    column("first_attempt_at", ColumnType::Time),
    column("settled_at", ColumnType::Time),
    column("api_event_id", ColumnType::Text),
    column("promoter_email", ColumnType::Text),
    column("promoter_ref_id", ColumnType::Text),
    column("commission_cents", ColumnType::Integer),
    column("file", ColumnType::Text),
    column("line", ColumnType::Integer),
]);

/// The columns of events that are held.
pub(super) const HELD_COLUMNS: [ReportColumn; 13] = with_identity([
    column("created_at", ColumnType::Time),
    column("plan_state", ColumnType::Text),
    column("reason", ColumnType::Text),
    column("candidates", ColumnType::Text),
    column("file", ColumnType::Text),
    column("line", ColumnType::Integer),
]);

/// The columns of converted amounts.
pub(super) const CONVERTED_COLUMNS: [ReportColumn; 11] = [
    column("kind", ColumnType::Text),
    column("event_id", ColumnType::Text),
    column("sale_event_id", ColumnType::Text),
    column("original_amount_cents", ColumnType::Amount),
    column("original_currency", ColumnType::Text),
    column("rate", ColumnType::Text),
    column("rate_date", ColumnType::Text),
    column("amount_cents", ColumnType::Amount),
    column("currency", ColumnType::Text),
    column("file", ColumnType::Text),
    column("line", ColumnType::Integer),
];

/// The columns of accepted items.
pub(super) const ACCEPTED_COLUMNS: [ReportColumn; 11] = [
    column("code", ColumnType::Text),
    column("kind", ColumnType::Text),
    column("event_id", ColumnType::Text),
    column("amount_cents", ColumnType::Amount),
    column("currency", ColumnType::Text),
    column("file", ColumnType::Text),
    column("line", ColumnType::Integer),
    column("message", ColumnType::Text),
    column("reason", ColumnType::Text),
    column("accepted_by", ColumnType::Text),
    column("accepted_at", ColumnType::Time),
];

/// Returns the cells of an accepted item, in the order of [`ACCEPTED_COLUMNS`].
pub(super) fn accepted_cells(record: &AcceptedRecord) -> [Cell<'_>; 11] {
    let AcceptedRecord {
        item, acceptance, ..
    } = record;
    let currency = item.money.map(|money| money.currency.code());
    [
        Cell::Word(item.code.as_str()),
        item.kind
            .map_or(Cell::Empty, |kind| Cell::Word(kind.as_str())),
        Cell::optional_text(item.event_id.as_deref()),
        item.money.map_or(Cell::Empty, Cell::Amount),
        currency.map_or(Cell::Empty, Cell::Word),
        Cell::optional_said(item.file.as_deref()),
        Cell::optional_line(item.line),
        Cell::escaped(&item.message),
        Cell::escaped(&acceptance.reason),
        Cell::escaped(&acceptance.by),
        Cell::Time(acceptance.at),
    ]
}

/// The message of an event that was settled by the answer for another event.
const INFERRED: &str = "from an earlier answer for this customer";

/// Returns the HTTP status and the message of the last answer.
fn last_answer(record: &EventRecord) -> (Option<u16>, Option<&str>) {
    let last = record.last_attempt.as_ref();
    last.map_or((None, None), |last| {
        (last.http_status, last.message.as_deref())
    })
}

/// Returns the cells of an event, in the order of [`EVENT_COLUMNS`].
pub(crate) fn event_cells(record: &EventRecord) -> [Cell<'_>; 20] {
    let settled = record.settlement.as_ref();
    let [kind, event_id, sale, email, uid, amount, currency] = identity_cells(&record.event);
    let (http_status, message) = match settled {
        Some(settled) => (settled.http_status, settled.message.as_deref()),
        None => last_answer(record),
    };
    let message = match settled {
        Some(settled) if settled.is_inferred => Cell::Text(Cow::Owned(format!(
            "inferred: {}",
            shown(message.unwrap_or(INFERRED))
        ))),
        _ => Cell::optional_said(message),
    };
    [
        kind,
        event_id,
        sale,
        email,
        uid,
        amount,
        currency,
        Cell::optional_time(record.event.created_at),
        Cell::Word(outcome_word(settled.map(|settled| settled.outcome))),
        Cell::optional_integer(http_status),
        message,
        Cell::Integer(record.attempts().into()),
        Cell::optional_time(record.first_attempt),
        Cell::optional_time(settled.map(|settled| settled.at)),
        Cell::optional_text(settled.and_then(|settled| settled.api_event_id.as_deref())),
        Cell::optional_text(settled.and_then(|settled| settled.promoter_email.as_deref())),
        Cell::optional_text(settled.and_then(|settled| settled.promoter_ref_id.as_deref())),
        Cell::optional_integer(settled.and_then(|settled| settled.commission_cents)),
        Cell::optional_said(record.file.as_deref()),
        Cell::optional_line(record.event.line()),
    ]
}

/// Returns the cells of a held event, in the order of [`HELD_COLUMNS`].
pub(super) fn held_cells(record: &HeldRecord) -> [Cell<'_>; 13] {
    let event = &record.event;
    let [kind, event_id, sale, email, uid, amount, currency] = identity_cells(event);
    [
        kind,
        event_id,
        sale,
        email,
        uid,
        amount,
        currency,
        Cell::optional_time(event.created_at),
        Cell::Word(record.state.as_str()),
        Cell::escaped(&event.note),
        Cell::optional_text(event.details().candidates.as_deref()),
        Cell::optional_said(record.file.as_deref()),
        Cell::optional_line(event.line()),
    ]
}

/// Returns the cells of a converted amount, in the order of [`CONVERTED_COLUMNS`].
pub(super) fn converted_cells(record: &ConversionRecord) -> [Cell<'_>; 11] {
    let original = &record.conversion.original;
    let sent = record.conversion.sent;
    [
        Cell::Word(record.kind.as_str()),
        Cell::text(&record.event_id),
        Cell::optional_text(record.sale_event_id.as_deref()),
        Cell::Amount(original.money),
        Cell::Word(original.money.currency.code()),
        Cell::text(&original.rate),
        Cell::Text(Cow::Owned(original.rate_date.to_string())),
        Cell::Amount(sent),
        Cell::Word(sent.currency.code()),
        Cell::optional_said(record.file.as_deref()),
        Cell::optional_line(record.line),
    ]
}

/// Holds what identifies an event.
pub(super) struct EventIdentity<'e> {
    kind: Kind,
    event_id: &'e str,
    sale_event_id: Option<&'e str>,
    customer: CustomerRef<'e>,
    money: Option<Money>,
}

impl<'e> From<&'e Event> for EventIdentity<'e> {
    fn from(event: &'e Event) -> Self {
        EventIdentity {
            kind: event.kind,
            event_id: event.event_id(),
            sale_event_id: event.sale_event_id.as_deref(),
            customer: event.customer.borrowed(),
            money: event.money,
        }
    }
}

impl<'e> From<EventRef<'e>> for EventIdentity<'e> {
    fn from(event: EventRef<'e>) -> Self {
        EventIdentity {
            kind: event.kind,
            event_id: event.event_id(),
            sale_event_id: event.sale_event_id,
            customer: event.customer,
            money: event.money,
        }
    }
}

/// Returns the cells that identify an event, in the order of [`IDENTITY_COLUMNS`].
pub(super) fn identity_cells<'e>(event: impl Into<EventIdentity<'e>>) -> [Cell<'e>; 7] {
    let event = event.into();
    [
        Cell::Word(event.kind.as_str()),
        Cell::text(event.event_id),
        Cell::optional_text(event.sale_event_id),
        Cell::optional_text(event.customer.email),
        Cell::optional_text(event.customer.uid),
        event.money.map_or(Cell::Empty, Cell::Amount),
        event
            .money
            .map_or(Cell::Empty, |money| Cell::Word(money.currency.code())),
    ]
}

/// The part of a report that lists the events of an outcome; the outcome `None` is `not_sent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReportSection {
    /// FirstPromoter has recorded the event.
    Tracked,
    /// The customer was not referred.
    NonReferral,
    /// The event was refused, is unconfirmed, or was not sent.
    Failed,
}

impl ReportSection {
    pub(super) fn from_outcome(outcome: Option<Outcome>) -> Self {
        match outcome {
            Some(Outcome::Tracked | Outcome::AlreadyTracked) => ReportSection::Tracked,
            Some(Outcome::NonReferral) => ReportSection::NonReferral,
            Some(Outcome::Failed | Outcome::Unconfirmed) | None => ReportSection::Failed,
        }
    }

    /// Returns the name of the part's file, without the extension.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            ReportSection::Tracked => "tracked",
            ReportSection::NonReferral => "non_referral",
            ReportSection::Failed => "failed",
        }
    }
}
