//! Binds, reads and seals the columns of an event, in one place.

use std::sync::LazyLock;

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, Null, Type, ValueRef};
use rusqlite::{Row, Statement};

use super::{EventRow, Outcome, Settlement};
use crate::event::{
    Currency, CustomerRef, DETAILS, Detail, DetailSlot, DetailStorage, DetailValue, Details,
    Essence, EssenceParts, Event, EventKey, ExportLine, Kind, Money, Terms, Text, Ties,
};

/// The columns that `event` and `held` share, but for those of details, which follow them.
const FIXED: [&str; 13] = [
    "kind",
    "event_id",
    "sale_event_id",
    "email",
    "uid",
    "amount_cents",
    "currency",
    "refund_total_cents",
    "plan",
    "created_at_ms",
    "note",
    "gross_cents",
    "reference",
];

/// The number of columns that [`names`] lists.
pub(super) const COUNT: usize = {
    let (mut count, mut at) = (FIXED.len(), 0);
    while at < DETAILS.len() {
        count += is_stored(&DETAILS[at]) as usize;
        at += 1;
    }
    count
};

/// Returns the columns that `event` and `held` share, in the order of [`EventColumns`].
pub(super) fn names() -> &'static str {
    static NAMES: LazyLock<String> = LazyLock::new(|| {
        let details = DETAILS
            .iter()
            .filter(|detail| is_stored(detail))
            .map(|detail| detail.name);
        Vec::from_iter(FIXED.into_iter().chain(details)).join(", ")
    });
    &NAMES
}

const fn is_stored(detail: &Detail) -> bool {
    matches!(
        detail.storage,
        DetailStorage::Journal | DetailStorage::LaterJournal
    )
}

/// The columns of a result, in the order in which [`read_settlement`] takes them.
pub(super) const RESULT: &str = "e.outcome, e.inferred, e.http_status, e.message, e.settled_ms, \
     e.api_event_id, e.promoter_email, e.promoter_ref_id, e.commission_cents, e.result_seal";

/// The number of columns in [`RESULT`].
pub(super) const RESULT_COUNT: usize = 10;

/// Stores a word of a closed set as a column.
pub(super) struct StoredWord<T>(pub(super) T);

impl<T> FromSql for StoredWord<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word = value.as_str()?;
        word.parse().map(StoredWord).map_err(FromSqlError::other)
    }
}

/// Stores a time as a column of milliseconds.
pub(super) struct Millis(pub(super) Timestamp);

impl FromSql for Millis {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Timestamp::from_millisecond(value.as_i64()?)
            .map(Millis)
            .map_err(FromSqlError::other)
    }
}

/// Stores a currency's code as a column; empty means none.
pub(super) struct StoredCurrency(pub(super) Option<Currency>);

impl FromSql for StoredCurrency {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "" => Ok(StoredCurrency(None)),
            code => Currency::from_code(code)
                .map(|currency| StoredCurrency(Some(currency)))
                .ok_or_else(|| FromSqlError::Other(format!("`{code}` is not a currency").into())),
        }
    }
}

/// Returns the error for a value that can't have been written: it is reported as damage.
pub(super) fn impossible(column: usize, what: impl Into<String>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Null, what.into().into())
}

/// Checks the checksum of a row that is in this column; `what` names the row where that is another one.
pub(super) fn expect_seal(
    row: &Row<'_>,
    column: usize,
    expected: i64,
    what: impl FnOnce() -> String,
) -> rusqlite::Result<()> {
    expect_equal(row.get(column)?, expected, column, what)
}

/// Checks the checksum of a row as [`expect_seal`] does, if it has one: rows of earlier versions have none.
pub(super) fn expect_seal_if_kept(
    row: &Row<'_>,
    column: usize,
    expected: i64,
    what: impl FnOnce() -> String,
) -> rusqlite::Result<()> {
    let kept: Option<i64> = row.get(column)?;
    kept.map_or(Ok(()), |seal| expect_equal(seal, expected, column, what))
}

fn expect_equal(
    seal: i64,
    expected: i64,
    column: usize,
    what: impl FnOnce() -> String,
) -> rusqlite::Result<()> {
    if seal == expected {
        return Ok(());
    }
    let what = what();
    Err(impossible(
        column,
        format!("{what} is not as it was written"),
    ))
}

/// Borrows what is kept of an event from the event or from a row of the database.
#[derive(Debug)]
pub(super) struct EventColumns<'a> {
    kind: Kind,
    event_id: &'a str,
    sale_event_id: Option<&'a str>,
    email: Option<&'a str>,
    uid: Option<&'a str>,
    money: Option<Money>,
    refund_total_cents: Option<i64>,
    plan: Option<&'a str>,
    created_at: Option<Timestamp>,
    note: &'a str,
    gross_cents: Option<i64>,
    reference: Option<&'a str>,
    details: Details<&'a str>,
}

impl<'a> EventColumns<'a> {
    pub(super) fn from_event(event: &'a Event) -> Self {
        EventColumns {
            kind: event.kind,
            event_id: event.event_id(),
            sale_event_id: event.sale_event_id.as_deref(),
            email: event.customer.email.as_deref(),
            uid: event.customer.uid.as_deref(),
            money: event.money,
            refund_total_cents: event.refund_total_cents,
            plan: event.plan.as_deref(),
            created_at: event.created_at,
            note: &event.note,
            gross_cents: event.gross_cents,
            reference: event.reference.as_deref(),
            details: event.details().borrowed(),
        }
    }

    /// Binds the values of [`names`] from the parameter `first` on.
    pub(super) fn bind(&self, to: &mut Statement<'_>, first: usize) -> rusqlite::Result<()> {
        to.raw_bind_parameter(first, self.kind.as_str())?;
        to.raw_bind_parameter(first + 1, self.event_id)?;
        to.raw_bind_parameter(first + 2, self.sale_event_id)?;
        to.raw_bind_parameter(first + 3, self.email)?;
        to.raw_bind_parameter(first + 4, self.uid)?;
        to.raw_bind_parameter(first + 5, self.money.map(|money| money.amount_cents))?;
        to.raw_bind_parameter(first + 6, self.money.map(|money| money.currency.code()))?;
        to.raw_bind_parameter(first + 7, self.refund_total_cents)?;
        to.raw_bind_parameter(first + 8, self.plan)?;
        to.raw_bind_parameter(first + 9, self.created_at.map(Timestamp::as_millisecond))?;
        to.raw_bind_parameter(first + 10, self.note)?;
        to.raw_bind_parameter(first + 11, self.gross_cents)?;
        to.raw_bind_parameter(first + 12, self.reference)?;
        let details = DETAILS.iter().zip(self.details.values());
        let stored = details.filter(|(detail, _)| is_stored(detail));
        for (at, (_, value)) in (first + FIXED.len()..).zip(stored) {
            match value {
                None => to.raw_bind_parameter(at, Null)?,
                Some(DetailValue::Text(text)) => to.raw_bind_parameter(at, text)?,
                Some(DetailValue::Count(count)) => to.raw_bind_parameter(at, count)?,
                Some(DetailValue::Cents(cents)) => to.raw_bind_parameter(at, cents)?,
            }
        }
        Ok(())
    }

    /// Reads the values of [`names`] from the column `first` on.
    pub(super) fn read(row: &'a Row<'_>, first: usize) -> rusqlite::Result<Self> {
        let created_at: Option<Millis> = row.get(first + 9)?;
        let mut details = Details::NONE;
        let slots = DETAILS
            .iter()
            .zip(details.slots())
            .filter(|(detail, _)| is_stored(detail));
        for (at, (_, slot)) in (first + FIXED.len()..).zip(slots) {
            match slot {
                DetailSlot::Text(text) => *text = text_or_none(row, at)?,
                DetailSlot::Count(count) => *count = row.get(at)?,
                DetailSlot::Cents(cents) => *cents = row.get(at)?,
            }
        }
        Ok(EventColumns {
            kind: row.get::<_, StoredWord<Kind>>(first)?.0,
            event_id: text(row, first + 1)?,
            sale_event_id: text_or_none(row, first + 2)?,
            email: text_or_none(row, first + 3)?,
            uid: text_or_none(row, first + 4)?,
            money: read_money(row, first + 5)?,
            refund_total_cents: row.get(first + 7)?,
            plan: text_or_none(row, first + 8)?,
            created_at: created_at.map(|at| at.0),
            note: text(row, first + 10)?,
            gross_cents: row.get(first + 11)?,
            reference: text_or_none(row, first + 12)?,
            details,
        })
    }

    /// Reads `id, key, seal` and [`names`], from the column `first` on, and checks the seal.
    pub(super) fn read_sealed(
        row: &'a Row<'_>,
        first: usize,
    ) -> rusqlite::Result<(EventRow, EventKey, Self)> {
        let id = EventRow(row.get(first)?);
        let key = EventKey(row.get(first + 1)?);
        let columns = Self::read(row, first + 3)?;
        expect_seal(row, first + 2, columns.seal(id, key), || {
            format!("event {}", id.0)
        })?;
        Ok((id, key, columns))
    }

    /// Returns the checksum in the column `seal`.
    pub(super) fn seal(&self, id: EventRow, key: EventKey) -> i64 {
        let mut seal = Seal::new(id);
        seal.bytes(&key.0);
        seal.bytes(self.kind.as_str().as_bytes());
        seal.bytes(self.event_id.as_bytes());
        for text in [self.sale_event_id, self.email, self.uid] {
            seal.text(text);
        }
        seal.integer(self.money.map(|money| money.amount_cents));
        seal.text(self.money.map(|money| money.currency.code()));
        seal.integer(self.refund_total_cents);
        seal.text(self.plan);
        for (_, value) in self.details.stored(DetailStorage::Journal) {
            seal.detail(value);
        }
        seal.integer(self.created_at.map(Timestamp::as_millisecond));
        seal.bytes(self.note.as_bytes());
        // Version 1 did not have these two columns: its seals do not change.
        if self.gross_cents.is_some() {
            seal.bytes(b"gross_cents");
            seal.integer(self.gross_cents);
        }
        if self.reference.is_some() {
            seal.bytes(b"reference");
            seal.text(self.reference);
        }
        for (detail, value) in self.details.stored(DetailStorage::LaterJournal) {
            if value.is_some() {
                seal.bytes(detail.name.as_bytes());
                seal.detail(value);
            }
        }
        seal.value()
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn event_id(&self) -> &'a str {
        self.event_id
    }

    pub(super) fn sale_event_id(&self) -> Option<&'a str> {
        self.sale_event_id
    }

    pub(super) fn reference(&self) -> Option<&'a str> {
        self.reference
    }

    pub(super) fn shared_id(&self) -> Option<&'a str> {
        self.details.shared_id
    }

    pub(super) fn created_at(&self) -> Option<Timestamp> {
        self.created_at
    }

    pub(super) fn customer(&self) -> CustomerRef<'a> {
        CustomerRef {
            email: self.email,
            uid: self.uid,
        }
    }

    pub(super) fn ties(&self) -> Ties<'a> {
        Ties::from_parts(
            self.kind,
            self.event_id,
            self.sale_event_id,
            self.customer(),
            self.details.promoter_names(),
        )
    }

    /// Returns the terms, as [`EventRef::terms`](crate::event::EventRef) has them.
    pub(super) fn terms(&self, is_converted: bool) -> Terms {
        let details = self.details.to_owned_texts();
        Terms::new(self.plan.map(Text::new), details, is_converted)
    }

    pub(super) fn essence(&self) -> Essence {
        Essence::from_parts(EssenceParts {
            kind: self.kind,
            money: self.money,
            gross_cents: self.gross_cents,
            refund_total_cents: self.refund_total_cents,
            sale_event_id: self.sale_event_id,
            reference: self.reference,
            customer: self.customer(),
            created_at: self.created_at,
            promoter: self.details.promoter_names(),
        })
    }

    /// Returns the event; its key is computed unless it was read with it.
    pub(super) fn to_event(&self, key: Option<EventKey>, source: Option<ExportLine>) -> Event {
        let owned = |text: Option<&str>| text.map(Text::new);
        let key = key.unwrap_or_else(|| EventKey::from_id(self.event_id));
        let id = (Text::new(self.event_id), key);
        let mut event = Event::with_key(self.kind, id, self.customer().to_customer(), source);
        event.sale_event_id = owned(self.sale_event_id);
        event.money = self.money;
        event.gross_cents = self.gross_cents;
        event.reference = owned(self.reference);
        event.refund_total_cents = self.refund_total_cents;
        event.plan = owned(self.plan);
        event.set_details(self.details.to_owned_texts());
        event.created_at = self.created_at;
        event.note = Text::new(self.note);
        event
    }
}

fn text<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<&'a str> {
    text_or_none(row, column)?.ok_or_else(|| impossible(column, "text is missing"))
}

fn text_or_none<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<Option<&'a str>> {
    row.get_ref(column)?
        .as_str_or_null()
        .map_err(|error| impossible(column, error.to_string()))
}

/// Reads `amount_cents, currency` from the column `first` on.
pub(super) fn read_money(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Money>> {
    let cents: Option<i64> = row.get(first)?;
    let code: Option<StoredCurrency> = row.get(first + 1)?;
    match (cents, code.and_then(|code| code.0)) {
        (None, None) => Ok(None),
        (Some(amount_cents), Some(currency)) => Ok(Some(Money {
            amount_cents,
            currency,
        })),
        _ => Err(impossible(first, "an amount needs a currency")),
    }
}

/// Reads [`RESULT`] from the column `first` on and checks its seal; returns `None` if it is not settled.
pub(super) fn read_settlement(
    row: &Row<'_>,
    id: EventRow,
    first: usize,
) -> rusqlite::Result<Option<Settlement>> {
    let seal: Option<i64> = row.get(first + 9)?;
    let outcome: Option<StoredWord<Outcome>> = row.get(first)?;
    let Some(StoredWord(outcome)) = outcome else {
        return match seal {
            None => Ok(None),
            Some(_) => Err(impossible(first, format!("event {} lost its result", id.0))),
        };
    };
    let settlement = Settlement {
        outcome,
        is_inferred: row.get(first + 1)?,
        http_status: row.get(first + 2)?,
        message: row.get(first + 3)?,
        at: row.get::<_, Millis>(first + 4)?.0,
        api_event_id: row.get(first + 5)?,
        promoter_email: row.get(first + 6)?,
        promoter_ref_id: row.get(first + 7)?,
        commission_cents: row.get(first + 8)?,
    };
    if seal != Some(result_seal(id, &settlement)) {
        let what = format!("the result of event {} is not as it was written", id.0);
        return Err(impossible(first + 9, what));
    }
    Ok(Some(settlement))
}

/// Returns the checksum in the column `result_seal`. The message must be cut already.
pub(super) fn result_seal(id: EventRow, settlement: &Settlement) -> i64 {
    let mut seal = Seal::new(id);
    seal.bytes(settlement.outcome.as_str().as_bytes());
    seal.integer(Some(i64::from(settlement.is_inferred)));
    seal.integer(settlement.http_status.map(i64::from));
    seal.text(settlement.message.as_deref());
    seal.integer(Some(settlement.at.as_millisecond()));
    seal.text(settlement.api_event_id.as_deref());
    seal.text(settlement.promoter_email.as_deref());
    seal.text(settlement.promoter_ref_id.as_deref());
    seal.integer(settlement.commission_cents);
    seal.value()
}

/// Computes FNV-1a over the values with their lengths.
///
/// SQLite's own check detects a damaged structure but not a digit that turned into another one; this detects
/// every change of a single byte. It guards against failing disks and hasty edits, not against intent.
pub(super) struct Seal(u64);

const PRIME: u64 = 0x0000_0100_0000_01b3;

/// [`PRIME`] to the power of the index.
const PRIME_POWERS: [u64; 9] = {
    let mut powers = [1_u64; 9];
    let mut index = 1;
    while index < powers.len() {
        powers[index] = powers[index - 1].wrapping_mul(PRIME);
        index += 1;
    }
    powers
};

impl Seal {
    /// Begins the seal of a row that is about an event.
    pub(super) fn new(event: EventRow) -> Self {
        Seal::numbered(event.0)
    }

    /// Begins the seal of a row that has a number of its own.
    pub(super) fn numbered(number: i64) -> Self {
        let mut seal = Seal(0xcbf2_9ce4_8422_2325);
        seal.integer(Some(number));
        seal
    }

    /// Begins the seal of a row that is found by what it says.
    pub(super) fn unnumbered() -> Self {
        Seal::numbered(0)
    }

    fn raw(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(PRIME);
        }
    }

    /// Adds eight bytes, the lowest first. Those that are zero at the end only multiply: nearly all numbers
    /// are short, and every row has many.
    fn number(&mut self, number: u64) {
        let significant = 8 - number.leading_zeros() as usize / 8;
        self.raw(&number.to_le_bytes()[..significant]);
        self.0 = self.0.wrapping_mul(PRIME_POWERS[8 - significant]);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.raw(bytes);
    }

    pub(super) fn text(&mut self, text: Option<&str>) {
        match text {
            None => self.raw(&[0]),
            Some(text) => {
                self.raw(&[1]);
                self.bytes(text.as_bytes());
            }
        }
    }

    pub(super) fn integer(&mut self, integer: Option<i64>) {
        match integer {
            None => self.raw(&[0]),
            Some(integer) => {
                self.raw(&[1]);
                self.number(integer.cast_unsigned());
            }
        }
    }

    fn detail(&mut self, value: Option<DetailValue<&&str>>) {
        match value {
            None => self.text(None),
            Some(DetailValue::Text(text)) => self.text(Some(text)),
            Some(DetailValue::Count(count)) => self.integer(Some(count.into())),
            Some(DetailValue::Cents(cents)) => self.integer(Some(cents)),
        }
    }

    pub(super) fn value(self) -> i64 {
        self.0.cast_signed()
    }
}

/// Returns the JSON of cells, as a column keeps them.
pub(super) fn json<T: serde::Serialize + ?Sized>(cells: &T) -> String {
    // Text always has a JSON form; a list of it can't fail.
    serde_json::to_string(cells).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every journal so far was sealed byte by byte.
    #[test]
    fn a_number_is_sealed_as_its_eight_bytes() {
        for number in [
            0,
            1,
            255,
            256,
            1 << 40,
            u64::MAX,
            u64::MAX - 255,
            0x00ff_0000_0000_0000,
        ] {
            let (mut short, mut whole) = (Seal(7), Seal(7));
            short.number(number);
            whole.raw(&number.to_le_bytes());
            assert_eq!(short.value(), whole.value(), "{number}");
        }
    }
}
