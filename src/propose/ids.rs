//! Finds the column that identifies a sale, and how a refund names its sale.

use std::collections::BTreeSet;

use super::ProposalRefusal;
use super::amount::Amounts;
use super::names::{self, NameTiers, WordMeaning};
use super::numbers::{self, Proof};
use super::table::{SampleColumn, SampleTable};
use super::taken::Taken;
use super::text::shown;
use super::words::RowRules;

/// The identification of a sale.
pub(super) enum SaleId<'t> {
    /// A column that is filled and different in each row that may be an event.
    Unique(&'t SampleColumn<'t>),
    /// A column with the same value on all lines of one order.
    OfLines(&'t SampleColumn<'t>, Proof),
    /// No column identifies a sale; these are the problems of the columns with such names.
    Asked(Vec<String>),
}

impl<'t> SaleId<'t> {
    pub(super) fn column(&self) -> Option<&'t SampleColumn<'t>> {
        match self {
            SaleId::Unique(column) | SaleId::OfLines(column, _) => Some(column),
            SaleId::Asked(_) => None,
        }
    }
}

/// The way in which the row of a refund names its sale.
pub(super) enum SaleLink<'t> {
    /// The row does not name it.
    None,
    /// This column has the id of the sale's row.
    Names(&'t SampleColumn<'t>),
    /// This column has the same value on the rows of the sale and of its refund.
    Shares(&'t SampleColumn<'t>),
}

impl<'t> SaleLink<'t> {
    pub(super) fn column(&self) -> Option<&'t SampleColumn<'t>> {
        match self {
            SaleLink::None => None,
            SaleLink::Names(column) | SaleLink::Shares(column) => Some(column),
        }
    }
}

/// Returns the column that identifies a sale: it has such a name, is filled, and different in each
/// of `rows`.
pub(super) fn id<'t>(
    table: &'t SampleTable<'t>,
    amounts: &Amounts<'_>,
    email: Option<&SampleColumn<'_>>,
    rows: &[usize],
    taken: &Taken<'t>,
) -> Result<SaleId<'t>, ProposalRefusal> {
    let fits = |column: &SampleColumn<'_>| {
        taken.is_free(column) && column.has_ids() && column.days().is_none()
    };
    let mut named = table.named(&names::EVENT_ID, fits);
    // A column that is just named `id` has the id of the row itself.
    named.sort_by_key(
        |(rank, column)| match names::words_of(column.header).as_str() {
            "id" | "uuid" => 0,
            _ => *rank,
        },
    );
    let named: Vec<&'t SampleColumn<'t>> = named.into_iter().map(|(_, column)| column).collect();
    let of_lines =
        |column: &SampleColumn<'_>| is_of_lines(table, column, amounts.total, email, rows);
    for column in &named {
        if let Some(proof) = column.first_repeated_in(rows).filter(|_| of_lines(column)) {
            return Ok(SaleId::OfLines(column, proof));
        }
    }
    let all: Vec<usize> = (0..table.rows).collect();
    let is_sure = |column: &&SampleColumn<'_>, rows: &[usize]| {
        column.is_full_in(rows) && column.is_unique_in(rows)
    };
    let named_in = |rows: &[usize]| named.iter().copied().find(|column| is_sure(column, rows));
    if let Some(column) = named_in(&all).or_else(|| named_in(rows)) {
        return Ok(SaleId::Unique(column));
    }
    // A number that differs in every row may be an amount or a phone number by chance, and a text a
    // name.
    let could_be = |column: &&SampleColumn<'_>| {
        table.rows > 1
            && fits(column)
            && is_sure(column, &all)
            && !column.has_amounts()
            && !column.has_emails()
            && column.has_digits()
    };
    let unnamed: Vec<_> = table.columns.iter().filter(could_be).collect();
    if named.is_empty() && unnamed.is_empty() {
        return Err(ProposalRefusal::NoId);
    }
    let reasons = named.iter().map(|column| why_no_id(column, rows));
    let unnamed = unnamed.into_iter().map(|column| {
        format!(
            "{} differs in each row, but does not have the name of an id",
            shown(column.header)
        )
    });
    Ok(SaleId::Asked(reasons.chain(unnamed).collect()))
}

fn why_no_id(column: &SampleColumn<'_>, rows: &[usize]) -> String {
    let header = shown(column.header);
    match (column.first_empty_in(rows), column.first_repeated_in(rows)) {
        (Some(line), _) => format!("{header} is empty in line {line}"),
        (None, Some(proof)) => format!(
            "{header} has {} again in line {}",
            shown(&proof.value),
            proof.line
        ),
        (None, None) => header,
    }
}

/// Returns `true` if the rows with one id are lines of one order: they follow each other, have the
/// same amount and the same customer, and differ in details of which an order has several.
fn is_of_lines(
    table: &SampleTable<'_>,
    id: &SampleColumn<'_>,
    total: &SampleColumn<'_>,
    email: Option<&SampleColumn<'_>>,
    rows: &[usize],
) -> bool {
    let mut ended: BTreeSet<&str> = BTreeSet::new();
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for pair in rows.windows(2) {
        let &[before, row] = pair else { continue };
        if id.cell(before) == id.cell(row) {
            pairs.push((before, row));
        } else if !ended.insert(id.cell(before)) || ended.contains(id.cell(row)) {
            return false;
        }
    }
    let agree = |column: &SampleColumn<'_>| {
        let mut pairs = pairs.iter();
        pairs.all(|&(before, row)| column.cell(before) == column.cell(row))
    };
    let mut lines = table.named(&names::LINE, |_| true).into_iter();
    id.is_full_in(rows)
        && agree(total)
        && email.is_none_or(agree)
        && lines.any(|(_, column)| column.header != id.header && !agree(column))
}

/// The rows that may be events, divided into payments and refunds.
pub(super) struct MoneyRows {
    pub(super) sales: Vec<usize>,
    pub(super) refunds: Vec<usize>,
}

impl MoneyRows {
    pub(super) fn new(rules: &RowRules<'_>, amounts: &Amounts<'_>, rows: &[usize]) -> Self {
        let is_refund = |row: &usize| match &rules.kind {
            Some(kind) => kind.meaning(kind.column.cell(*row)) == WordMeaning::Refund,
            None => numbers::is_negative(amounts.total.cell(*row)),
        };
        let (refunds, sales) = rows.iter().partition(|row| is_refund(row));
        MoneyRows { sales, refunds }
    }

    /// Returns the number of refunds that name an existing sale.
    fn named(&self, link: &SampleColumn<'_>, id: &SampleColumn<'_>) -> usize {
        let sales: BTreeSet<&str> = self.sales.iter().map(|&row| id.cell(row)).collect();
        let refunds = self.refunds.iter().map(|&row| link.cell(row));
        refunds
            .filter(|sale| !sale.is_empty() && sales.contains(sale))
            .count()
    }

    /// Returns `true` if each of the refunds names a sale that exists.
    fn proves(&self, link: &SampleColumn<'_>, id: &SaleId<'_>) -> bool {
        let id = id.column();
        !self.refunds.is_empty() && id.is_some_and(|id| self.named(link, id) == self.refunds.len())
    }

    /// Returns how refunds name their sales, and if an amount below zero is a refund.
    pub(super) fn sale_link<'t>(
        &self,
        table: &'t SampleTable<'t>,
        id: &SaleId<'t>,
        rules: &RowRules<'_>,
        taken: &Taken<'t>,
    ) -> (SaleLink<'t>, bool) {
        let link = self.link(table, id, taken);
        if rules.kind.is_some() {
            return (link, false);
        }
        match link {
            SaleLink::Names(column) if self.proves(column, id) => (link, true),
            _ => (SaleLink::None, false),
        }
    }

    fn link<'t>(
        &self,
        table: &'t SampleTable<'t>,
        id: &SaleId<'t>,
        taken: &Taken<'t>,
    ) -> SaleLink<'t> {
        let Some(id) = id.column() else {
            return SaleLink::None;
        };
        let is_id = |column: &SampleColumn<'_>| taken.is_free(column) && column.has_ids();
        let of = |names: &NameTiers| -> Vec<&'t SampleColumn<'t>> {
            let named = table.named(names, is_id);
            named.into_iter().map(|(_, column)| column).collect()
        };
        let (pointers, ids) = (of(&names::SALE_ID), of(&names::EVENT_ID));
        let all = pointers.iter().chain(&ids);
        if let Some(column) = all.copied().find(|column| self.named(column, id) > 0) {
            return SaleLink::Names(column);
        }
        let is_ledger = names::LEDGER_ID.rank(id.header).is_some();
        let is_shared = |column: &&SampleColumn<'_>| {
            column.is_unique_in(&self.sales)
                && self.sales.iter().any(|&row| !column.cell(row).is_empty())
                && (is_ledger || self.named(column, column) > 0)
        };
        // An invoice is before the order that it is for.
        if let Some(column) = ids.iter().copied().find(is_shared) {
            return SaleLink::Shares(column);
        }
        pointers
            .first()
            .map_or(SaleLink::None, |column| SaleLink::Names(column))
    }
}

/// Says which rows are refunds, and how these name their sales.
pub(super) struct RefundRows<'t> {
    pub(super) link: SaleLink<'t>,
    /// `true` if an amount below zero is a refund, as its sale shows.
    pub(super) negative_is_refund: bool,
    /// `true` if a row that names another one is its refund.
    pub(super) link_is_refund: bool,
    /// The column by which rows may name the sale that they refund.
    pub(super) open: Option<&'t SampleColumn<'t>>,
}

impl<'t> RefundRows<'t> {
    /// Finds the column, and takes it.
    pub(super) fn new(
        table: &'t SampleTable<'t>,
        id: &SaleId<'t>,
        (rules, amounts): (&RowRules<'_>, &Amounts<'_>),
        money: &MoneyRows,
        taken: &mut Taken<'t>,
    ) -> Self {
        let (link, negative_is_refund) = money.sale_link(table, id, rules, taken);
        taken.take(link.column());
        let found = RefundRows {
            link,
            negative_is_refund,
            link_is_refund: false,
            open: None,
        };
        if negative_is_refund || rules.kind.is_some() || amounts.refunded.is_some() {
            return found;
        }
        let refunded = refunded_sale(table, id.column(), money, taken);
        taken.take(refunded.map(|(column, _)| column));
        match refunded {
            Some((column, true)) => RefundRows {
                link: SaleLink::Names(column),
                link_is_refund: true,
                ..found
            },
            open => RefundRows {
                open: open.map(|(column, _)| column),
                ..found
            },
        }
    }
}

/// Returns the column by which some rows name another one that they may refund, in an export in which nothing else says that
/// rows are refunds; and `true` if each of them names a row that exists.
fn refunded_sale<'t>(
    table: &'t SampleTable<'t>,
    id: Option<&SampleColumn<'_>>,
    money: &MoneyRows,
    taken: &Taken<'t>,
) -> Option<(&'t SampleColumn<'t>, bool)> {
    let is_pointer = |column: &&SampleColumn<'_>| {
        let is_id = taken.is_free(column) && column.has_ids() && column.days().is_none();
        is_id && column.filled() > 0 && names::is_of_refunded_sale(column.header)
    };
    let column = table.columns.iter().find(is_pointer)?;
    let is_refund = |row: &usize| !column.cell(*row).is_empty();
    let (refunds, sales): (Vec<usize>, Vec<usize>) = (0..table.rows).partition(is_refund);
    let named: BTreeSet<&str> = id.map_or_else(BTreeSet::new, |id| {
        sales.iter().map(|&row| id.cell(row)).collect()
    });
    let is_proven = refunds.iter().all(|&row| named.contains(column.cell(row)))
        && money.refunds.iter().all(is_refund);
    Some((column, is_proven))
}

/// Returns `true` if every row without an amount has the same id as the row above it.
pub(super) fn continues(id: &SampleColumn<'_>, total: &SampleColumn<'_>) -> bool {
    let without: Vec<usize> = (0..total.cells.len())
        .filter(|&row| total.cells[row].is_empty())
        .collect();
    let same =
        |row: usize| row > 0 && !id.cells[row].is_empty() && id.cells[row] == id.cells[row - 1];
    !without.is_empty() && without.into_iter().all(same)
}
