//! Reads the rows of a list of commissions.

use jiff::Timestamp;

use super::{BLANK, Classifier, cell as cells, is_blank};
use crate::event::{Currency, Customer, Text};
use crate::export::Row;
use crate::problem::{Problem, ProblemCode};
use crate::profile::{ColumnIndex, CommissionColumns, DateSource, WordSet};

/// The end of the email of a lead that was moved to another promoter.
const MOVED: &str = " (moved)";

/// The status of a commission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommissionStatus {
    /// The commission will be paid, or was.
    Approved,
    /// The commission is not decided yet.
    Pending,
    /// The commission will not be paid.
    Denied,
}

/// A row of a list of commissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommissionRow {
    /// The commission's number, if the list has one.
    pub id: Option<Text>,
    /// The commission's status; approved if the list has none.
    pub status: CommissionStatus,
    /// `true` if it was paid out; `None` if the list doesn't say.
    pub is_paid: Option<bool>,
    /// `true` if it is one of several for one sale; `None` if the list doesn't say.
    pub is_split: Option<bool>,
    /// The unit of the reward, if it is not money.
    pub other_unit: Option<Text>,
    /// `true` if somebody gave it by hand, as a bonus.
    pub is_by_hand: bool,
    /// The currency of the amounts.
    pub currency: Currency,
    /// The commission in minor units; negative if it is reversed.
    pub amount_cents: i64,
    /// The amount of the sale in minor units; negative for a refund.
    pub sale_amount_cents: Option<i64>,
    /// The id of the event that earned it.
    pub event_id: Option<Text>,
    /// The tier, counted from 1.
    pub tier: u32,
    /// The time at which it was created.
    pub created_at: Option<Timestamp>,
    /// `true` if the list says only the day, and not in which zone: `created_at` is its midnight in UTC.
    pub is_day: bool,
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
    /// The customer of the sale.
    pub customer: Customer,
}

/// The result of reading a row of a list of commissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CommissionOutcome {
    /// The row is a commission.
    Commission(Box<CommissionRow>),
    /// The row is not a commission, for this reason.
    Ignored(String),
    /// The row can't be read; the problem says why.
    Rejected(Box<Problem>),
}

/// Returns an email without the suffix of a lead that was moved, in any case of letters.
fn without_moved(email: &str) -> &str {
    let end = email.len().checked_sub(MOVED.len());
    let parts = end.and_then(|end| email.split_at_checked(end));
    parts
        .filter(|(_, suffix)| suffix.eq_ignore_ascii_case(MOVED))
        .map_or(email, |(email, _)| email)
}

/// Beginnings of the words of units that are not money: those of the API, and some that lists have.
const REWARDS: [&str; 17] = [
    "point", "credit", "month", "discount", "percent", "mon", "free", "%", "mile", "coin", "token",
    "star", "day", "week", "year", "gift", "reward",
];

/// Signs and words of money, with the codes that they may stand for.
const MONEY: [(&[&str], &[&str]); 4] = [
    (&["€", "euro", "euros"], &["EUR"]),
    (&["£", "pound", "pounds", "pound sterling"], &["GBP"]),
    (
        &["$", "dollar", "dollars"],
        &[
            "USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP",
        ],
    ),
    (&["¥", "yen"], &["JPY", "CNY"]),
];

/// Returns the currency that a unit is: a code, or a sign or word of one; of several the account's, else none.
fn money_of_unit(unit: &str, accounts: Option<Currency>) -> Option<Currency> {
    let unit = unit.trim();
    if let Some(currency) = Currency::from_code(&unit.to_uppercase()) {
        return Some(currency);
    }
    let unit = unit.to_lowercase();
    let mut all = MONEY.iter();
    let (_, codes) = all.find(|(signs, _)| signs.contains(&unit.as_str()))?;
    match codes {
        [only] => Currency::from_code(only),
        _ => accounts.filter(|own| codes.contains(&own.code())),
    }
}

impl Classifier<'_> {
    /// Reads a row of a list of commissions. The profile must be one for such lists.
    ///
    /// Problems name column and value; the caller adds file and line.
    pub(crate) fn commission(&self, row: &Row) -> CommissionOutcome {
        let Some(columns) = &self.profile.commission else {
            return CommissionOutcome::Ignored("the profile is not for commissions".to_owned());
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
        self.check_last_cell(row)?;
        self.check_cells(row)?;
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
        let unit = self
            .maybe(columns.unit, row)
            .filter(|unit| !columns.cash.contain(unit));
        let accounts = self.currency_or_accounts(row);
        // Some lists have the currency in the column of the unit.
        let of_unit = unit
            .as_deref()
            .and_then(|unit| money_of_unit(unit, accounts.as_ref().ok().copied()));
        let currency = match of_unit {
            Some(currency) => currency,
            None => accounts?,
        };
        let other_unit = unit.filter(|_| of_unit.is_none());
        if let (Some(unit), Some(column)) = (&other_unit, columns.unit) {
            self.expect_reward(column, unit)?;
        }
        let (status, is_paid_out) = self.status(columns, row)?;
        let sale_amount = columns
            .sale_amount
            .filter(|&column| !self.text(row, column).is_empty());
        for id in [columns.event_id, columns.id].into_iter().flatten() {
            self.check_listed_id(row, id)?;
        }
        let created_at = self.commission_date(columns.created_at, row)?;
        Ok(CommissionRow {
            id: self.maybe(columns.id, row),
            status,
            is_paid: match self.yes_or_no(columns, columns.is_paid, row)? {
                None if is_paid_out => Some(true),
                said => said,
            },
            is_split: self.yes_or_no(columns, columns.is_split, row)?,
            amount_cents: match &other_unit {
                Some(_) => self.whole_units(columns.amount, row, currency)?,
                None => self.commission_cents(columns.amount, row, currency)?,
            },
            other_unit,
            is_by_hand: columns
                .kind
                .is_some_and(|column| columns.by_hand.contain(self.text(row, column))),
            currency,
            sale_amount_cents: match sale_amount {
                Some(column) => Some(self.amount(row, column, currency)?.cents()),
                None => None,
            },
            event_id: self.maybe(columns.event_id, row),
            tier: self.tier(columns.tier, row)?,
            created_at,
            is_day: created_at
                .zip(columns.created_at)
                .is_some_and(|(at, source)| {
                    self.is_day(&source, self.text(row, source.date), row, at)
                }),
            promoter_id: self.maybe(columns.promoter_id, row),
            promoter_email: self.maybe(columns.promoter_email, row),
            ref_id: self.maybe(columns.ref_id, row),
            campaign: self.maybe(columns.campaign, row),
            campaign_id: self.maybe(columns.campaign_id, row),
            plan: self.maybe(columns.plan, row),
            customer: self.listed_customer(row)?,
        })
    }

    /// Returns the number of a reward that is not money: whole units, without what is behind the decimal sign; a reward
    /// without a number is counted.
    fn whole_units(
        &self,
        column: ColumnIndex,
        row: &Row,
        currency: Currency,
    ) -> Result<i64, Box<Problem>> {
        const ONE: &str = "1";
        if self.text(row, column).is_empty() && self.binding.position(column).is_some() {
            return Ok(0);
        }
        let amount = self.amount(row, column, currency)?;
        let one = self
            .format(ONE, currency)
            .parse(ONE, currency)
            .map_or(1, |one| one.minor().max(1));
        if amount.rest() == 0 && amount.minor() % one == 0 {
            return Ok(amount.minor() / one);
        }
        let value = self.text(row, column);
        let message = "a reward that is not money has no parts";
        Err(Box::new(
            self.cell_error(ProblemCode::AmountInvalid, column, value, message)
                .hint("look the commission up in FirstPromoter; if its unit is money, write the currency as its unit"),
        ))
    }

    /// Refuses a unit of which nobody knows that it is not money.
    fn expect_reward(&self, column: ColumnIndex, unit: &str) -> Result<(), Box<Problem>> {
        let word = unit.trim().to_lowercase().replace(['_', '-'], " ");
        let mut words = word.split_whitespace();
        if words.any(|word| REWARDS.iter().any(|reward| word.starts_with(reward))) {
            return Ok(());
        }
        Err(Box::new(
            self.cell_error(ProblemCode::ValueUnknown, column, unit, "unknown unit")
                .hint("if it is money, add it to `cash` under `[words]` of a profile that extends this one, or write the currency, such as `EUR`"),
        ))
    }

    /// Returns the commission in the API's minor units. One with a part below them can't be compared to the cent.
    fn commission_cents(
        &self,
        column: ColumnIndex,
        row: &Row,
        currency: Currency,
    ) -> Result<i64, Box<Problem>> {
        let amount = self.amount(row, column, currency)?;
        if amount.rest() == 0 {
            return Ok(amount.cents());
        }
        let message = format!("commissions are compared in hundredths of {currency}");
        let value = self.text(row, column);
        Err(Box::new(
            self.cell_error(ProblemCode::AmountInvalid, column, value, &message)
                .hint("look the commission up in FirstPromoter: the Tracking API takes hundredths, so the meaning of the third decimal is unknown"),
        ))
    }

    /// Returns the customer as the list has it: nothing is sent for it, and FirstPromoter may have anything as
    /// the email of a lead.
    fn listed_customer(&self, row: &Row) -> Result<Customer, Box<Problem>> {
        let columns = self.profile.customer;
        let cell = |column: Option<ColumnIndex>| column.map(|column| self.text(row, column));
        if let Some(column) = columns.uid {
            self.check_listed_id(row, column)?;
        }
        if let Some(column) = columns.email {
            self.see_ends(row, column);
        }
        // FirstPromoter adds this to the email of a lead that was moved to another promoter.
        let email = cell(columns.email).map(without_moved);
        let uid = cell(columns.uid).map(cells::without_apostrophe);
        Ok(Customer::new(email, uid))
    }

    /// Returns the currency of a row; an empty cell means the account's.
    fn currency_or_accounts(&self, row: &Row) -> Result<Currency, Box<Problem>> {
        let source = self.profile.currency;
        match source.column {
            Some(column) if self.text(row, column).is_empty() => {
                Ok(source.fixed.unwrap_or(self.account_currency))
            }
            _ => self.currency(row),
        }
    }

    /// Returns the status, and `true` if its word means that it was paid out.
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
                self.cell_error(ProblemCode::ValueUnknown, column, word, "unknown status")
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
                    "neither yes nor no",
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
                    "not a tier: tiers are counted from 1",
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
