//! Assigns a purpose to each column.

use super::ProposalRefusal;
use super::amount::{Amounts, amounts};
use super::currency::{CurrencyColumns, CurrencyOrigin};
use super::customer::Buyer;
use super::days::Days;
use super::flags::{FlagColumn, says_received};
use super::ids::{MoneyRows, RefundRows, SaleId, SaleLink, continues, id};
use super::names::WordMeaning;
use super::numbers;
use super::parts::MoneyTable;
use super::table::{SampleColumn, SampleTable};
use super::taken::Taken;
use super::when::{RowDate, date_of_some, dates, paid_date, refund_date};
use super::words::{Flag, RowRules, WordColumn, refunded_flag};
use crate::event::Currency;

/// The purpose of each column. A column has only one.
pub(super) struct Mapping<'t> {
    pub(super) id: SaleId<'t>,
    pub(super) email: Option<&'t SampleColumn<'t>>,
    /// `true` if the name of the column says that it is the customer's email.
    pub(super) email_is_named: bool,
    /// The reason why the user must confirm that it is the customer's.
    pub(super) email_doubt: Option<String>,
    pub(super) other_emails: Vec<&'t SampleColumn<'t>>,
    pub(super) uid: Option<&'t SampleColumn<'t>>,
    /// A column that has the name of a customer id but is not one, and the reason.
    pub(super) not_uid: Option<(&'t SampleColumn<'t>, String)>,
    pub(super) amounts: Amounts<'t>,
    pub(super) money: CurrencyOrigin<'t>,
    pub(super) date: RowDate<'t>,
    pub(super) other_dates: Vec<&'t SampleColumn<'t>>,
    /// The only column that shows which rows were paid: the date of the payment, which some lack.
    pub(super) paid_date: Option<&'t SampleColumn<'t>>,
    /// The date of a refund, and its format if it can be read.
    pub(super) refund_date: Option<(&'t SampleColumn<'t>, Option<Days>)>,
    pub(super) status: Option<WordColumn<'t>>,
    /// Another column that could be the status.
    pub(super) other_status: Option<&'t SampleColumn<'t>>,
    pub(super) kind: Option<WordColumn<'t>>,
    /// The way in which a refund on a row of its own names its sale.
    pub(super) link: SaleLink<'t>,
    /// `true` if an amount below zero is a refund, as its sale shows.
    pub(super) negative_is_refund: bool,
    /// `true` if a row that names another one is its refund.
    pub(super) link_is_refund: bool,
    /// The number of rows that may be events with an amount below zero, if no column says what they
    /// are.
    pub(super) negatives: usize,
    /// The column that only shows that something was refunded, and not how much.
    pub(super) refunded_flag: Option<Flag<'t>>,
    /// The columns that say of a row that it may not be money received.
    pub(super) flags: Vec<FlagColumn<'t>>,
    /// `true` if an order has several rows, with its amount on the first of them only.
    pub(super) continues: bool,
}

impl<'t> Mapping<'t> {
    /// Returns `true` if a row shows how much was refunded.
    pub(super) fn has_refunds(&self) -> bool {
        let of_kind = |words: &WordColumn<'_>| !words.words_meaning(WordMeaning::Refund).is_empty();
        self.amounts.refunded.is_some()
            || self.negative_is_refund
            || self.link_is_refund
            || self.kind.as_ref().is_some_and(of_kind)
    }

    pub(super) fn new(table: &'t SampleTable<'t>) -> Result<Self, ProposalRefusal> {
        if table.rows == 0 {
            return Err(ProposalRefusal::NoRows(String::new()));
        }
        let mut taken = Taken::default();
        let customer = Buyer::new(table)?;
        taken.take(customer.email);
        taken.take(customer.uid);
        let currencies = CurrencyColumns::new(table, |column| taken.is_free(column));
        taken.take(currencies.all());
        let rules = RowRules::new(table, &mut taken);
        let payable = rules.payable(table);
        let usual = currencies
            .commonest()
            .or_else(|| Currency::from_code("USD"))
            .ok_or(ProposalRefusal::NoAmount(String::new()))?;
        let mut amounts = take_amounts(table, usual, &payable, &mut taken)?;
        let money = currencies.money(&amounts);
        let rows = with_amount(payable, &amounts);
        let is_paid_said =
            rules.status.is_some() || rules.kind.is_some() || says_received(&rules.flags);
        let dates = DatesByRole::new(table, &rows, is_paid_said, &mut taken);
        let id = id(table, &amounts, customer.email, &rows, &taken)?;
        taken.take(id.column());
        let split = MoneyRows::new(&rules, &amounts, &rows);
        let refunds = RefundRows::new(table, &id, (&rules, &amounts), &split, &mut taken);
        let refunded_flag = refunded_flag(table, &amounts, &taken);
        taken.take(refunded_flag.as_ref().map(|(column, _)| *column));
        let is_paid_said = is_paid_said || dates.paid.is_some();
        let beside = MoneyTable::new(table, &rows, usual, is_paid_said);
        let mut flags = rules.flags;
        flags.extend(beside.open_parts(&mut amounts, &taken));
        flags.extend(refunds.open.map(FlagColumn::of_refunds));
        let of_some = date_of_some(table, &rows, &taken).filter(|_| !is_paid_said);
        flags.extend(of_some.map(FlagColumn::of_some));
        Ok(Mapping {
            continues: id.column().is_some_and(|id| continues(id, amounts.total)),
            link: refunds.link,
            id,
            email: customer.email,
            email_is_named: customer.is_named,
            email_doubt: customer.doubt,
            other_emails: customer.others,
            uid: customer.uid,
            not_uid: customer.not_uid,
            negative_is_refund: refunds.negative_is_refund,
            link_is_refund: refunds.link_is_refund,
            negatives: match rules.kind {
                None if refunds.link_is_refund => 0,
                None => split.refunds.len(),
                Some(_) => 0,
            },
            refunded_flag,
            flags,
            amounts,
            money,
            date: dates.of_row,
            other_dates: dates.others,
            paid_date: dates.paid,
            refund_date: dates.of_refund,
            status: rules.status,
            other_status: rules.other_status,
            kind: rules.kind,
        })
    }
}

/// Finds the amounts, and takes their columns.
fn take_amounts<'t>(
    table: &'t SampleTable<'t>,
    usual: Currency,
    payable: &[usize],
    taken: &mut Taken<'t>,
) -> Result<Amounts<'t>, ProposalRefusal> {
    let amounts = amounts(table, usual, payable, &|column| taken.is_free(column))
        .ok_or(ProposalRefusal::NoAmount(String::new()))?;
    taken.take([amounts.total]);
    taken.take(amounts.parts.iter().map(|part| part.column));
    taken.take(amounts.refunded);
    taken.take(amounts.money_out);
    Ok(amounts)
}

/// The columns of dates by what they date, as in [`Mapping`].
struct DatesByRole<'t> {
    of_row: RowDate<'t>,
    others: Vec<&'t SampleColumn<'t>>,
    paid: Option<&'t SampleColumn<'t>>,
    of_refund: Option<(&'t SampleColumn<'t>, Option<Days>)>,
}

impl<'t> DatesByRole<'t> {
    /// Finds them, and takes them. Where other columns say which rows were paid, none is the date of the payment.
    fn new(
        table: &'t SampleTable<'t>,
        rows: &[usize],
        is_paid_said: bool,
        taken: &mut Taken<'t>,
    ) -> Self {
        let (of_row, others) = dates(table, rows, taken);
        let paid = paid_date(table, &of_row, rows, taken).filter(|_| !is_paid_said);
        taken.take(paid);
        let of_refund = refund_date(table, taken);
        taken.take(of_refund.as_ref().map(|(column, _)| *column));
        DatesByRole {
            of_row,
            others,
            paid,
            of_refund,
        }
    }
}

/// Returns the rows with an amount that is not zero: no others can be events.
fn with_amount(rows: Vec<usize>, amounts: &Amounts<'_>) -> Vec<usize> {
    let has_amount = |row: &usize| {
        let cell = amounts.total.cell(*row);
        !cell.is_empty() && !numbers::is_zero(cell)
    };
    rows.into_iter().filter(has_amount).collect()
}
