//! Which commission a row of a list of commissions is.

use jiff::Timestamp;

use super::{BLANK, Classifier, is_blank};
use crate::event::{Currency, Customer, Text};
use crate::export::Row;
use crate::problem::{Problem, ProblemCode};
use crate::profile::{ColumnIndex, CommissionColumns, DateSource, WordSet};

/// What a commission's status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommissionStatus {
    /// It will be paid, or was.
    Approved,
    /// Somebody has to decide yet.
    Pending,
    /// It will not be paid.
    Denied,
}

/// A row of a list of commissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommissionRow {
    /// Its number, where the list has one.
    pub id: Option<Text>,
    /// Whether it is to be paid; approved where the list doesn't say.
    pub status: CommissionStatus,
    /// Whether it was paid out.
    pub is_paid: Option<bool>,
    /// Whether it is one of several for one sale.
    pub is_split: Option<bool>,
    /// In what it is paid, where that is not money.
    pub other_unit: Option<Text>,
    /// What money is in.
    pub currency: Currency,
    /// In minor units; negative where it is taken back.
    pub amount_cents: i64,
    /// Of the sale, likewise.
    pub sale_amount_cents: Option<i64>,
    /// The event that made it.
    pub event_id: Option<Text>,
    /// From 1.
    pub tier: u32,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// The promoter's number.
    pub promoter_id: Option<Text>,
    /// The promoter's email.
    pub promoter_email: Option<Text>,
    /// The promoter's referral id.
    pub ref_id: Option<Text>,
    /// The campaign's name.
    pub campaign: Option<Text>,
    /// The campaign's number.
    pub campaign_id: Option<Text>,
    /// The plan that was sold.
    pub plan: Option<Text>,
    /// Whose sale it is for.
    pub customer: Customer,
}

/// What became of a row of a list of commissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommissionOutcome {
    /// It is a commission.
    Commission(Box<CommissionRow>),
    /// It is none, for this reason.
    Ignored(String),
    /// It can't be read; the problem says why.
    Rejected(Box<Problem>),
}

impl Classifier<'_> {
    /// Reads a row of a list of commissions. The profile has to be one for such lists.
    ///
    /// Problems name column and value; the caller adds file and line.
    pub fn commission(&self, row: &Row) -> CommissionOutcome {
        let Some(columns) = &self.profile.commission else {
            return CommissionOutcome::Ignored("the profile knows no commissions".to_owned());
        };
        self.try_commission(columns, row)
            .unwrap_or_else(CommissionOutcome::Rejected)
    }

    fn try_commission(
        &self,
        columns: &CommissionColumns,
        row: &Row,
    ) -> Result<CommissionOutcome, Box<Problem>> {
        if is_blank(row) {
            return Ok(CommissionOutcome::Ignored(BLANK.to_owned()));
        }
        self.check_width(row)?;
        self.check_known(row)?;
        if let Some(rule) = self.matching_ignore(row)? {
            return Ok(CommissionOutcome::Ignored(rule.reason.clone()));
        }
        let commission = self.commission_of(columns, row)?;
        Ok(CommissionOutcome::Commission(Box::new(commission)))
    }

    fn commission_of(
        &self,
        columns: &CommissionColumns,
        row: &Row,
    ) -> Result<CommissionRow, Box<Problem>> {
        let currency = self.currency_or_accounts(row)?;
        let (status, is_paid_out) = self.status(columns, row)?;
        let sale_amount = columns.sale_amount;
        let sale_amount = sale_amount.filter(|&column| !self.text(row, column).is_empty());
        for id in [columns.event_id, columns.id].into_iter().flatten() {
            self.check_id(row, id)?;
        }
        Ok(CommissionRow {
            id: self.maybe(columns.id, row),
            status,
            is_paid: match self.yes_or_no(columns, columns.is_paid, row)? {
                None if is_paid_out => Some(true),
                said => said,
            },
            is_split: self.yes_or_no(columns, columns.is_split, row)?,
            other_unit: self
                .maybe(columns.unit, row)
                .filter(|unit| !columns.cash.contain(unit)),
            currency,
            amount_cents: self.amount(row, columns.amount, currency)?.cents(),
            sale_amount_cents: match sale_amount {
                Some(column) => Some(self.amount(row, column, currency)?.cents()),
                None => None,
            },
            event_id: self.maybe(columns.event_id, row),
            tier: self.tier(columns.tier, row)?,
            created_at: self.commission_date(columns.created_at, row)?,
            promoter_id: self.maybe(columns.promoter_id, row),
            promoter_email: self.maybe(columns.promoter_email, row),
            ref_id: self.maybe(columns.ref_id, row),
            campaign: self.maybe(columns.campaign, row),
            campaign_id: self.maybe(columns.campaign_id, row),
            plan: self.maybe(columns.plan, row),
            customer: self.customer(self.profile.customer, row)?,
        })
    }

    /// An empty cell in the column of currencies stands for the account's.
    fn currency_or_accounts(&self, row: &Row) -> Result<Currency, Box<Problem>> {
        let source = self.profile.currency;
        match source.column {
            Some(column) if self.text(row, column).is_empty() => {
                Ok(source.fixed.unwrap_or(self.account_currency))
            }
            _ => self.currency(row),
        }
    }

    /// The status, and whether its word says that it was paid out.
    fn status(
        &self,
        columns: &CommissionColumns,
        row: &Row,
    ) -> Result<(CommissionStatus, bool), Box<Problem>> {
        let Some(column) = columns.status else {
            return Ok((CommissionStatus::Approved, false));
        };
        let word = self.text(row, column);
        let is = |words: &WordSet| words.contain(word);
        if is(&columns.paid) {
            Ok((CommissionStatus::Approved, true))
        } else if is(&columns.approved) {
            Ok((CommissionStatus::Approved, false))
        } else if is(&columns.pending) {
            Ok((CommissionStatus::Pending, false))
        } else if is(&columns.denied) {
            Ok((CommissionStatus::Denied, false))
        } else {
            Err(Box::new(
                self.cell_error(ProblemCode::ValueUnknown, column, word, "the profile does not know this status")
                    .hint("add it to `approved`, `pending`, `denied` or `paid` under `[words]` of a profile that extends this one"),
            ))
        }
    }

    fn yes_or_no(
        &self,
        columns: &CommissionColumns,
        column: Option<ColumnIndex>,
        row: &Row,
    ) -> Result<Option<bool>, Box<Problem>> {
        let Some(column) = column else {
            return Ok(None);
        };
        let word = self.text(row, column);
        match (word, columns.yes.contain(word), columns.no.contain(word)) {
            ("", ..) => Ok(None),
            (_, true, _) => Ok(Some(true)),
            (_, _, true) => Ok(Some(false)),
            _ => Err(Box::new(
                self.cell_error(
                    ProblemCode::ValueUnknown,
                    column,
                    word,
                    "this is neither yes nor no",
                )
                .hint("add it to `yes` or `no` under `[words]` of a profile that extends this one"),
            )),
        }
    }

    fn tier(&self, column: Option<ColumnIndex>, row: &Row) -> Result<u32, Box<Problem>> {
        let text = column.map_or("", |column| self.text(row, column));
        match (column, text) {
            (Some(column), text) if !text.is_empty() => match text.parse() {
                Ok(tier @ 1..) => Ok(tier),
                _ => Err(Box::new(self.cell_error(
                    ProblemCode::TierInvalid,
                    column,
                    text,
                    "this is not a tier: they are counted from 1",
                ))),
            },
            _ => Ok(1),
        }
    }

    fn commission_date(
        &self,
        source: Option<DateSource>,
        row: &Row,
    ) -> Result<Option<Timestamp>, Box<Problem>> {
        let Some(source) = source else {
            return Ok(None);
        };
        match self.text(row, source.date) {
            "" => Ok(None),
            value => self.date(&source, value, row).map(Some),
        }
    }
}
