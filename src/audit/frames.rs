//! The two sides as columns, and back.
//!
//! A record is a row, its fields are columns by the same names. Text and words are strings, amounts and
//! lines are 64-bit integers, times are milliseconds since 1970-01-01 UTC (`_ms`). Emails are in lower
//! case: case does not tell customers apart, so that they can be joined by.

use std::collections::HashSet;
use std::str::FromStr;

use jiff::Timestamp;
use polars::prelude::*;

use super::{
    AuditError, Billed, BilledKind, Commission, LeadSplit, Promoter, ReferredCustomer, Sides,
    SourceLocation, Status, Unit,
};
use crate::event::{Currency, Customer, Money};
use crate::journal::Outcome;

/// Both sides as columns in memory.
#[derive(Clone)]
pub struct Frames {
    /// The sales and refunds of our side.
    pub billed: DataFrame,
    /// The commissions of their side.
    pub commissions: DataFrame,
    /// The leads, which say to which promoter a customer belongs; it may have no rows.
    pub leads: DataFrame,
    /// The ids of events of our side that are held, and are not among those.
    pub held_ids: HashSet<String>,
    /// The ids of events that commissions of theirs name which can't be read.
    pub unread_ids: HashSet<String>,
    /// Promoters and their own promoters, as far as a list has them; without one where it says that there is none.
    pub parents: Vec<(Promoter, Option<Promoter>)>,
    /// Those who share the commissions of leads, by the row of the lead.
    pub splits: Vec<(u32, LeadSplit)>,
}

impl Sides {
    /// Returns the sides as columns.
    ///
    /// # Errors
    ///
    /// Polars refuses; nothing that a user can cause is known.
    pub fn into_frames(mut self) -> Result<Frames, AuditError> {
        self.flush_billed()?;
        self.flush_commissions()?;
        self.flush_leads()?;
        Ok(Frames {
            billed: whole(self.billed_columns, &[], billed_frame)?,
            commissions: whole(self.commission_columns, &[], commission_frame)?,
            leads: whole(self.lead_columns, &[], lead_frame)?,
            held_ids: self.held_ids,
            unread_ids: self.unread_ids,
            parents: self.parents,
            splits: self.splits,
        })
    }

    pub(super) fn flush_billed(&mut self) -> PolarsResult<()> {
        let batch = billed_frame(&std::mem::take(&mut self.billed))?;
        append(&mut self.billed_columns, batch)
    }

    pub(super) fn flush_commissions(&mut self) -> PolarsResult<()> {
        let batch = commission_frame(&std::mem::take(&mut self.commissions))?;
        append(&mut self.commission_columns, batch)
    }

    pub(super) fn flush_leads(&mut self) -> PolarsResult<()> {
        let batch = lead_frame(&std::mem::take(&mut self.leads))?;
        append(&mut self.lead_columns, batch)
    }
}

fn append(columns: &mut Option<DataFrame>, batch: DataFrame) -> PolarsResult<()> {
    match columns {
        Some(columns) => columns.vstack_mut_owned(batch).map(|_| ()),
        None => {
            *columns = Some(batch);
            Ok(())
        }
    }
}

fn whole<T>(
    columns: Option<DataFrame>,
    none: &[T],
    frame: fn(&[T]) -> PolarsResult<DataFrame>,
) -> PolarsResult<DataFrame> {
    columns.map_or_else(|| frame(none), Ok)
}

fn texts<'r, T, S: AsRef<str>>(
    name: &str,
    rows: &'r [T],
    of: impl Fn(&'r T) -> Option<S>,
) -> Column {
    StringChunked::from_iter_options(name.into(), rows.iter().map(of)).into_column()
}

fn numbers<'r, T>(name: &str, rows: &'r [T], of: impl Fn(&'r T) -> Option<i64>) -> Column {
    Int64Chunked::from_iter_options(name.into(), rows.iter().map(of)).into_column()
}

fn flags<'r, T>(name: &str, rows: &'r [T], of: impl Fn(&'r T) -> Option<bool>) -> Column {
    BooleanChunked::from_iter_options(name.into(), rows.iter().map(of)).into_column()
}

fn folded(email: Option<&str>) -> Option<String> {
    email.map(str::to_lowercase)
}

fn line(place: &SourceLocation) -> Option<i64> {
    i64::try_from(place.line?).ok()
}

fn millis(moment: Option<Timestamp>) -> Option<i64> {
    moment.map(Timestamp::as_millisecond)
}

fn billed_frame(rows: &[Billed]) -> PolarsResult<DataFrame> {
    let columns = vec![
        texts("file", rows, |row| Some(&row.place.file)),
        numbers("line", rows, |row| line(&row.place)),
        texts("kind", rows, |row| Some(row.kind.as_str())),
        texts("event_id", rows, |row| Some(&row.event_id)),
        texts("sale_event_id", rows, |row| row.sale_event_id.as_ref()),
        texts("reference", rows, |row| row.reference.as_ref()),
        texts("email", rows, |row| folded(row.customer.email.as_deref())),
        texts("uid", rows, |row| row.customer.uid.as_ref()),
        numbers("amount_cents", rows, |row| Some(row.money.amount_cents)),
        texts("currency", rows, |row| Some(row.money.currency.code())),
        numbers("account_amount_cents", rows, |row| row.account_amount_cents),
        numbers("estimated_amount_cents", rows, |row| {
            row.estimated_amount_cents
        }),
        texts("plan", rows, |row| row.plan.as_ref()),
        numbers("created_at_ms", rows, |row| millis(row.created_at)),
        numbers("recorded_at_ms", rows, |row| millis(row.recorded_at)),
        texts("outcome", rows, |row| row.outcome.map(Outcome::as_str)),
        texts("promoter_id", rows, |row| row.promoter.id.as_ref()),
        texts("promoter_email", rows, |row| {
            folded(row.promoter.email.as_deref())
        }),
        texts("promoter_ref_id", rows, |row| row.promoter.ref_id.as_ref()),
        numbers("commission_cents", rows, |row| row.commission_cents),
        flags("is_dispute", rows, |row| Some(row.is_dispute)),
    ];
    DataFrame::new(rows.len(), columns)
}

fn commission_frame(rows: &[Commission]) -> PolarsResult<DataFrame> {
    let cash = |row: &Commission| match &row.unit {
        Unit::Cash(currency) => Some(currency.code()),
        Unit::Other(_) => None,
    };
    let original = |row: &Commission| row.original_sale;
    let columns = vec![
        texts("file", rows, |row| Some(&row.place.file)),
        numbers("line", rows, |row| line(&row.place)),
        texts("id", rows, |row| row.id.as_ref()),
        texts("status", rows, |row| Some(row.status.as_str())),
        texts("currency", rows, cash),
        texts("unit", rows, |row| match &row.unit {
            Unit::Cash(_) => None,
            Unit::Other(word) => Some(word),
        }),
        numbers("amount_cents", rows, |row| Some(row.amount_cents)),
        numbers("sale_amount_cents", rows, |row| row.sale_amount_cents),
        numbers("original_sale_amount_cents", rows, |row| {
            original(row).map(|money| money.amount_cents)
        }),
        texts("original_sale_currency", rows, |row| {
            original(row).map(|money| money.currency.code())
        }),
        flags("is_by_hand", rows, |row| Some(row.is_by_hand)),
        texts("event_id", rows, |row| row.event_id.as_ref()),
        numbers("tier", rows, |row| Some(i64::from(row.tier))),
        flags("is_split", rows, |row| row.is_split),
        flags("is_paid", rows, |row| row.is_paid),
        numbers("created_at_ms", rows, |row| millis(row.created_at)),
        numbers("status_updated_at_ms", rows, |row| {
            millis(row.status_updated_at)
        }),
        texts("promoter_id", rows, |row| row.promoter.id.as_ref()),
        texts("promoter_email", rows, |row| {
            folded(row.promoter.email.as_deref())
        }),
        texts("promoter_ref_id", rows, |row| row.promoter.ref_id.as_ref()),
        texts("campaign_id", rows, |row| row.campaign_id.as_ref()),
        texts("campaign", rows, |row| row.campaign.as_ref()),
        texts("plan", rows, |row| row.plan.as_ref()),
        flags("is_plan_of_lead", rows, |row| Some(row.is_plan_of_lead)),
        texts("email", rows, |row| folded(row.customer.email.as_deref())),
        texts("uid", rows, |row| row.customer.uid.as_ref()),
    ];
    DataFrame::new(rows.len(), columns)
}

fn lead_frame(rows: &[ReferredCustomer]) -> PolarsResult<DataFrame> {
    let columns = vec![
        texts("email", rows, |row| folded(row.customer.email.as_deref())),
        texts("uid", rows, |row| row.customer.uid.as_ref()),
        texts("promoter_id", rows, |row| row.promoter.id.as_ref()),
        texts("promoter_email", rows, |row| {
            folded(row.promoter.email.as_deref())
        }),
        texts("promoter_ref_id", rows, |row| row.promoter.ref_id.as_ref()),
        numbers("created_at_ms", rows, |row| millis(row.created_at)),
        numbers("customer_since_ms", rows, |row| millis(row.customer_since)),
        flags("was_moved", rows, |row| Some(row.was_moved)),
        flags("is_closed", rows, |row| Some(row.is_closed)),
        texts("campaign_id", rows, |row| row.campaign_id.as_ref()),
        texts("campaign", rows, |row| row.campaign.as_ref()),
    ];
    DataFrame::new(rows.len(), columns)
}

/// A column in one piece, of which each cell is read by its row.
///
/// Polars looks for the piece of a cell first, which costs more than the cell.
pub(super) struct Cells<T: PolarsDataType> {
    column: ChunkedArray<T>,
    array: T::Array,
}

/// A column of text.
pub(super) type Texts = Cells<StringType>;
/// A column of integers.
pub(super) type Numbers = Cells<Int64Type>;
/// A column of flags.
pub(super) type Flags = Cells<BooleanType>;

impl<T: PolarsDataType> Cells<T> {
    fn new(column: &ChunkedArray<T>) -> Self {
        let column = column.rechunk().into_owned();
        let array = column.downcast_as_array().clone();
        Cells { column, array }
    }

    /// Returns the cell of a row; `None` where it is empty.
    pub(super) fn get(&self, row: usize) -> Option<T::Physical<'_>> {
        self.array.get(row)
    }

    /// Returns the column as Polars has it, to join by.
    pub(super) fn column(&self) -> &ChunkedArray<T> {
        &self.column
    }
}

fn text(frame: &DataFrame, name: &str) -> PolarsResult<Texts> {
    Ok(Cells::new(frame.column(name)?.str()?))
}

fn number(frame: &DataFrame, name: &str) -> PolarsResult<Numbers> {
    Ok(Cells::new(frame.column(name)?.i64()?))
}

fn flag(frame: &DataFrame, name: &str) -> PolarsResult<Flags> {
    Ok(Cells::new(frame.column(name)?.bool()?))
}

/// The columns by which promoters are distinguished.
pub(super) struct PromoterColumns {
    id: Texts,
    email: Texts,
    ref_id: Texts,
}

impl PromoterColumns {
    fn from_frame(frame: &DataFrame) -> PolarsResult<Self> {
        Ok(PromoterColumns {
            id: text(frame, "promoter_id")?,
            email: text(frame, "promoter_email")?,
            ref_id: text(frame, "promoter_ref_id")?,
        })
    }

    /// Returns id, email and referral id of a row.
    pub(super) fn get(&self, row: usize) -> [Option<&str>; 3] {
        [self.id.get(row), self.email.get(row), self.ref_id.get(row)]
    }

    fn promoter(&self, row: usize) -> Promoter {
        let [id, email, ref_id] = self.get(row).map(|text| text.map(str::to_owned));
        Promoter { id, email, ref_id }
    }
}

/// Returns our side's columns.
pub(super) struct BilledColumns {
    pub(super) height: usize,
    file: StringChunked,
    line: Int64Chunked,
    pub(super) kind: Texts,
    pub(super) event_id: Texts,
    pub(super) sale_event_id: Texts,
    pub(super) reference: Texts,
    pub(super) email: Texts,
    pub(super) uid: Texts,
    pub(super) amount_cents: Numbers,
    pub(super) currency: Texts,
    pub(super) account_amount_cents: Numbers,
    pub(super) estimated_amount_cents: Numbers,
    pub(super) plan: Texts,
    pub(super) created_at_ms: Numbers,
    pub(super) recorded_at_ms: Numbers,
    pub(super) outcome: Texts,
    pub(super) promoter: PromoterColumns,
    pub(super) commission_cents: Numbers,
    pub(super) is_dispute: Flags,
}

impl BilledColumns {
    pub(super) fn from_frame(frame: &DataFrame) -> PolarsResult<Self> {
        Ok(BilledColumns {
            height: frame.height(),
            file: frame.column("file")?.str()?.clone(),
            line: frame.column("line")?.i64()?.clone(),
            kind: text(frame, "kind")?,
            event_id: text(frame, "event_id")?,
            sale_event_id: text(frame, "sale_event_id")?,
            reference: text(frame, "reference")?,
            email: text(frame, "email")?,
            uid: text(frame, "uid")?,
            amount_cents: number(frame, "amount_cents")?,
            currency: text(frame, "currency")?,
            account_amount_cents: number(frame, "account_amount_cents")?,
            estimated_amount_cents: number(frame, "estimated_amount_cents")?,
            plan: text(frame, "plan")?,
            created_at_ms: number(frame, "created_at_ms")?,
            recorded_at_ms: number(frame, "recorded_at_ms")?,
            outcome: text(frame, "outcome")?,
            promoter: PromoterColumns::from_frame(frame)?,
            commission_cents: number(frame, "commission_cents")?,
            is_dispute: flag(frame, "is_dispute")?,
        })
    }

    pub(super) fn is_refund(&self, row: usize) -> bool {
        self.kind.get(row) == Some(BilledKind::Refund.as_str())
    }

    pub(super) fn place(&self, row: usize) -> SourceLocation {
        place(&self.file, &self.line, row)
    }

    /// Returns a row as it was read.
    pub(super) fn get(&self, row: usize) -> Result<Billed, AuditError> {
        Ok(Billed {
            place: self.place(row),
            kind: if self.is_refund(row) {
                BilledKind::Refund
            } else {
                BilledKind::Sale
            },
            event_id: owned(&self.event_id, row).unwrap_or_default(),
            sale_event_id: owned(&self.sale_event_id, row),
            reference: owned(&self.reference, row),
            customer: Customer::new(self.email.get(row), self.uid.get(row)),
            money: Money {
                amount_cents: self.amount_cents.get(row).unwrap_or_default(),
                currency: currency(self.currency.get(row))?,
            },
            account_amount_cents: self.account_amount_cents.get(row),
            estimated_amount_cents: self.estimated_amount_cents.get(row),
            plan: owned(&self.plan, row),
            created_at: moment(self.created_at_ms.get(row)),
            is_day: false,
            settled_at: None,
            recorded_at: moment(self.recorded_at_ms.get(row)),
            outcome: self.outcome.get(row).and_then(|word| word.parse().ok()),
            promoter: self.promoter.promoter(row),
            commission_cents: self.commission_cents.get(row),
            is_dispute: self.is_dispute.get(row).unwrap_or(false),
        })
    }
}

/// Returns their side's columns.
pub(super) struct TheirColumns {
    pub(super) height: usize,
    file: StringChunked,
    line: Int64Chunked,
    pub(super) id: Texts,
    pub(super) status: Texts,
    pub(super) currency: Texts,
    pub(super) unit: Texts,
    pub(super) amount_cents: Numbers,
    pub(super) sale_amount_cents: Numbers,
    pub(super) original_sale_amount_cents: Numbers,
    pub(super) original_sale_currency: StringChunked,
    pub(super) is_by_hand: Flags,
    pub(super) event_id: Texts,
    pub(super) tier: Numbers,
    pub(super) is_split: Flags,
    pub(super) is_paid: Flags,
    pub(super) created_at_ms: Numbers,
    status_updated_at_ms: Int64Chunked,
    pub(super) promoter: PromoterColumns,
    pub(super) campaign_id: Texts,
    pub(super) campaign: Texts,
    pub(super) plan: Texts,
    pub(super) is_plan_of_lead: Flags,
    pub(super) email: Texts,
    pub(super) uid: Texts,
}

impl TheirColumns {
    pub(super) fn from_frame(frame: &DataFrame) -> PolarsResult<Self> {
        Ok(TheirColumns {
            height: frame.height(),
            file: frame.column("file")?.str()?.clone(),
            line: frame.column("line")?.i64()?.clone(),
            id: text(frame, "id")?,
            status: text(frame, "status")?,
            currency: text(frame, "currency")?,
            unit: text(frame, "unit")?,
            amount_cents: number(frame, "amount_cents")?,
            sale_amount_cents: number(frame, "sale_amount_cents")?,
            original_sale_amount_cents: number(frame, "original_sale_amount_cents")?,
            original_sale_currency: frame.column("original_sale_currency")?.str()?.clone(),
            is_by_hand: flag(frame, "is_by_hand")?,
            event_id: text(frame, "event_id")?,
            tier: number(frame, "tier")?,
            is_split: flag(frame, "is_split")?,
            is_paid: flag(frame, "is_paid")?,
            created_at_ms: number(frame, "created_at_ms")?,
            status_updated_at_ms: frame.column("status_updated_at_ms")?.i64()?.clone(),
            promoter: PromoterColumns::from_frame(frame)?,
            campaign_id: text(frame, "campaign_id")?,
            campaign: text(frame, "campaign")?,
            plan: text(frame, "plan")?,
            is_plan_of_lead: flag(frame, "is_plan_of_lead")?,
            email: text(frame, "email")?,
            uid: text(frame, "uid")?,
        })
    }

    /// Returns the sale as it was reported to FirstPromoter, if that was in another currency.
    pub(super) fn original_sale(&self, row: usize) -> Option<Money> {
        let amount_cents = self.original_sale_amount_cents.get(row)?;
        let currency = Currency::from_code(self.original_sale_currency.get(row)?)?;
        Some(Money {
            amount_cents,
            currency,
        })
    }

    /// Returns a row as it was read.
    pub(super) fn get(&self, row: usize) -> Result<Commission, AuditError> {
        let status = self.status.get(row).unwrap_or_default();
        Ok(Commission {
            place: place(&self.file, &self.line, row),
            id: owned(&self.id, row),
            status: Status::from_str(status)
                .map_err(|error| AuditError::Columns(error.to_string()))?,
            unit: match owned(&self.unit, row) {
                Some(word) => Unit::Other(word),
                None => Unit::Cash(currency(self.currency.get(row))?),
            },
            amount_cents: self.amount_cents.get(row).unwrap_or_default(),
            sale_amount_cents: self.sale_amount_cents.get(row),
            original_sale: self.original_sale(row),
            is_by_hand: self.is_by_hand.get(row).unwrap_or(false),
            event_id: owned(&self.event_id, row),
            tier: self
                .tier
                .get(row)
                .and_then(|tier| tier.try_into().ok())
                .unwrap_or(1),
            is_split: self.is_split.get(row),
            is_paid: self.is_paid.get(row),
            created_at: moment(self.created_at_ms.get(row)),
            status_updated_at: moment(self.status_updated_at_ms.get(row)),
            promoter: self.promoter.promoter(row),
            campaign_id: owned(&self.campaign_id, row),
            campaign: owned(&self.campaign, row),
            plan: owned(&self.plan, row),
            is_plan_of_lead: self.is_plan_of_lead.get(row).unwrap_or(false),
            customer: Customer::new(self.email.get(row), self.uid.get(row)),
        })
    }
}

/// The columns of who is whose.
pub(super) struct LeadColumns {
    pub(super) height: usize,
    pub(super) email: Texts,
    pub(super) uid: Texts,
    pub(super) promoter: PromoterColumns,
    pub(super) created_at_ms: Numbers,
    pub(super) customer_since_ms: Numbers,
    pub(super) was_moved: Flags,
    pub(super) is_closed: Flags,
    pub(super) campaign_id: Texts,
    pub(super) campaign: Texts,
}

impl LeadColumns {
    pub(super) fn from_frame(frame: &DataFrame) -> PolarsResult<Self> {
        Ok(LeadColumns {
            height: frame.height(),
            email: text(frame, "email")?,
            uid: text(frame, "uid")?,
            promoter: PromoterColumns::from_frame(frame)?,
            created_at_ms: number(frame, "created_at_ms")?,
            customer_since_ms: number(frame, "customer_since_ms")?,
            was_moved: flag(frame, "was_moved")?,
            is_closed: flag(frame, "is_closed")?,
            campaign_id: text(frame, "campaign_id")?,
            campaign: text(frame, "campaign")?,
        })
    }
}

fn owned(column: &Texts, row: usize) -> Option<String> {
    column.get(row).map(str::to_owned)
}

fn place(file: &StringChunked, line: &Int64Chunked, row: usize) -> SourceLocation {
    SourceLocation {
        file: file.get(row).map(str::to_owned).unwrap_or_default(),
        line: line.get(row).and_then(|line| line.try_into().ok()),
    }
}

fn moment(millisecond: Option<i64>) -> Option<Timestamp> {
    Timestamp::from_millisecond(millisecond?).ok()
}

fn currency(code: Option<&str>) -> Result<Currency, AuditError> {
    let code = code.unwrap_or_default();
    Currency::from_code(code)
        .ok_or_else(|| AuditError::Columns(format!("`{code}` is not a currency")))
}
