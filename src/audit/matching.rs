//! What each commission was made for: by event id, then by the linked sale, then by customer and amount
//! where the user wants that.

use std::collections::HashMap;

use polars::prelude::*;

use super::books::Books;
use super::parallel::both;
use super::{AuditError, MatchReason};

/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Which row belongs to which.
pub(super) struct Matching {
    /// For each commission: what was billed, and why that.
    pub(super) billed: Vec<Option<(u32, MatchReason)>>,
    /// For each that was billed: the row under which a sale, its refunds and its commissions are
    /// judged together. That of the sale; of refunds whose sale is not there, that of the first.
    pub(super) case: Vec<u32>,
    /// For each that was billed: whose lead the customer is.
    pub(super) lead: Vec<Option<u32>>,
}

impl Matching {
    pub(super) fn of(books: &Books, match_days: Option<u32>) -> Result<Matching, AuditError> {
        let refunds: Vec<u32> = (0..)
            .zip(&books.ours)
            .filter(|(_, ours)| ours.is_refund)
            .map(|(row, _)| row)
            .collect();
        let named = refunds
            .iter()
            .map(|row| books.billed.sale_event_id.get(index(*row)));
        // One join for both: what is looked up stands in one column.
        let mut keys = StringChunked::from_iter_options("key".into(), named);
        keys.append(&books.commissions.event_id)?;
        let found = look_up(&keys, &books.billed.event_id, JoinValidation::ManyToOne);
        // A join without keys looks at nothing.
        if found.is_err() || keys.is_empty() {
            no_event_twice(books)?;
        }
        let mut sales = found?;
        let by_id = sales.split_off(refunds.len());
        let (case, lost_sales) = cases(books, refunds, sales);
        let with_reason = |(row, billed): (usize, Option<u32>)| {
            let billed = billed?;
            let is_sale = !books.billed.is_refund(index(billed));
            let linked = is_sale && books.theirs.get(row)?.takes_back();
            let reason = match linked {
                true => MatchReason::LinkedSale,
                false => MatchReason::EventId,
            };
            Some((billed, reason))
        };
        let mut matching = Matching {
            billed: by_id.into_iter().enumerate().map(with_reason).collect(),
            case,
            lead: leads(books)?,
        };
        matching.by_linked_sale(books, &lost_sales)?;
        if let Some(days) = match_days {
            matching.by_customer_and_amount(books, i64::from(days) * DAY_MS);
        }
        Ok(matching)
    }

    /// What a commission was made for.
    pub(super) fn of_commission(&self, row: u32) -> Option<(u32, MatchReason)> {
        self.billed.get(index(row)).copied().flatten()
    }

    /// Running totals that name their sale, and sales that only their refund names.
    fn by_linked_sale(
        &mut self,
        books: &Books,
        lost_sales: &HashMap<&str, u32>,
    ) -> Result<(), AuditError> {
        let ids = &books.commissions.event_id;
        let unmatched = |row: &usize| self.billed.get(*row).is_some_and(Option::is_none);
        let rows: Vec<usize> = (0..books.theirs.len()).filter(unmatched).collect();
        let sale_ids = rows
            .iter()
            .map(|row| ids.get(*row).and_then(sale_of_running_total));
        let sale_ids = StringChunked::from_iter_options("key".into(), sale_ids);
        let sales = match sale_ids.null_count() == sale_ids.len() {
            true => vec![None; rows.len()],
            false => look_up(
                &sale_ids,
                &books.billed.event_id,
                JoinValidation::ManyToMany,
            )?,
        };
        for (row, sale) in rows.into_iter().zip(sales) {
            let named = ids
                .get(row)
                .map(|id| sale_of_running_total(id).unwrap_or(id));
            let sale = sale.or_else(|| lost_sales.get(named?).copied());
            if let (Some(slot), Some(sale)) = (self.billed.get_mut(row), sale) {
                *slot = Some((sale, MatchReason::LinkedSale));
            }
        }
        Ok(())
    }

    fn by_customer_and_amount(&mut self, books: &Books, window_ms: i64) {
        let mut taken = vec![false; books.ours.len()];
        for (billed, _) in self.billed.iter().flatten() {
            if let Some(taken) = taken.get_mut(index(*billed)) {
                *taken = true;
            }
        }
        let mut waiting: HashMap<&str, Vec<usize>> = HashMap::new();
        for (row, billed) in self.billed.iter().enumerate() {
            if billed.is_none() {
                let columns = &books.commissions;
                for key in [columns.uid.get(row), columns.email.get(row)]
                    .into_iter()
                    .flatten()
                {
                    waiting.entry(key).or_default().push(row);
                }
            }
        }
        let mut fitting: HashMap<usize, Vec<u32>> = HashMap::new();
        for (row, ours) in books.ours.iter().enumerate() {
            let keys = [books.billed.uid.get(row), books.billed.email.get(row)];
            let rows = keys
                .into_iter()
                .flatten()
                .filter_map(|key| waiting.get(key));
            for &commission in rows.flatten() {
                let theirs = &books.theirs[commission];
                let near = ours.created_ms.zip(theirs.created_ms);
                let near = near
                    .is_some_and(|(one, other)| one.abs_diff(other) <= window_ms.unsigned_abs());
                let same = theirs.takes_back() == ours.is_refund
                    && theirs.sale_cents.map(i64::unsigned_abs)
                        == ours.account_cents.map(i64::unsigned_abs);
                let fits = fitting.entry(commission).or_default();
                let row = u32::try_from(row).unwrap_or(u32::MAX);
                if near && same && theirs.sale_cents.is_some() && !fits.contains(&row) {
                    fits.push(row);
                }
            }
        }
        for (commission, rows) in fitting {
            let free = |row: &&u32| taken.get(index(**row)) == Some(&false);
            let untaken: Vec<&u32> = rows.iter().filter(free).collect();
            let only = match (untaken.as_slice(), rows.as_slice()) {
                ([only], _) => Some(**only),
                ([], [only]) => Some(*only),
                _ => None,
            };
            if let (Some(slot), Some(only)) = (self.billed.get_mut(commission), only) {
                *slot = Some((only, MatchReason::CustomerAndAmount));
            }
        }
    }
}

/// A row as a place in a vector.
pub(super) fn index(row: u32) -> usize {
    usize::try_from(row).unwrap_or(usize::MAX)
}

/// `X` of `X_refund_3000`.
fn sale_of_running_total(event_id: &str) -> Option<&str> {
    let (sale, total) = event_id.rsplit_once("_refund_")?;
    let digits = !total.is_empty() && total.bytes().all(|byte| byte.is_ascii_digit());
    (digits && !sale.is_empty()).then_some(sale)
}

/// For each key, the row of `rows` that has it. `rows` has each once; it is an error where not, if that
/// is to be validated.
fn look_up(
    keys: &StringChunked,
    rows: &StringChunked,
    validation: JoinValidation,
) -> Result<Vec<Option<u32>>, AuditError> {
    let keys = keys.clone().with_name("key".into()).into_column();
    let keys = DataFrame::new(keys.len(), vec![keys])?;
    let rows = rows.clone().with_name("key".into()).into_column();
    let rows = DataFrame::new(rows.len(), vec![rows])?.with_row_index("row".into(), None)?;
    let mut how = JoinArgs::new(JoinType::Left);
    how.maintain_order = MaintainOrderJoin::Left;
    how.validation = validation;
    let found = keys
        .lazy()
        .join(rows.lazy(), [col("key")], [col("key")], how)
        .select([col("row")])
        .collect()?;
    let found = found.column("row")?.u32()?.rechunk();
    Ok(found.iter().collect())
}

/// Names the event that was billed twice.
fn no_event_twice(books: &Books) -> Result<(), AuditError> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for row in 0..books.billed.height {
        let id = books.billed.event_id.get(row).unwrap_or_default();
        if let Some(first) = seen.insert(id, row) {
            return Err(AuditError::EventTwice {
                event_id: id.to_owned(),
                first: books.billed.place(first),
                second: books.billed.place(row),
            });
        }
    }
    Ok(())
}

type Cases<'b> = (Vec<u32>, HashMap<&'b str, u32>);

/// The case of each row, and the first refund of each sale that is not there.
fn cases(books: &Books, refunds: Vec<u32>, sales: Vec<Option<u32>>) -> Cases<'_> {
    let billed = &books.billed;
    let mut case: Vec<u32> = (0..).take(books.ours.len()).collect();
    let mut lost_sales: HashMap<&str, u32> = HashMap::new();
    for (row, sale) in refunds.into_iter().zip(sales) {
        let sale = sale.filter(|sale| !billed.is_refund(index(*sale)));
        let sale = sale.unwrap_or_else(|| match billed.sale_event_id.get(index(row)) {
            Some(lost) => *lost_sales.entry(lost).or_insert(row),
            None => row,
        });
        if let Some(case) = case.get_mut(index(row)) {
            *case = sale;
        }
    }
    (case, lost_sales)
}

/// Whose lead each customer is: by uid, else by email.
fn leads(books: &Books) -> Result<Vec<Option<u32>>, AuditError> {
    let leads = &books.lead_columns;
    if leads.height == 0 {
        return Ok(vec![None; books.ours.len()]);
    }
    let of = |keys, leads: &StringChunked| match leads.null_count() == leads.len() {
        true => Ok(vec![None; books.ours.len()]),
        false => look_up(keys, &first_only(leads), JoinValidation::ManyToMany),
    };
    let (by_uid, by_email) = both(
        || of(&books.billed.uid, &leads.uid),
        || of(&books.billed.email, &leads.email),
    );
    let (by_uid, by_email) = (by_uid?, by_email?);
    let either = by_uid.into_iter().zip(by_email);
    Ok(either.map(|(uid, email)| uid.or(email)).collect())
}

/// The same keys, each only where it stands first.
fn first_only(keys: &StringChunked) -> StringChunked {
    let mut seen: PlHashSet<&str> = PlHashSet::with_capacity(keys.len());
    let keys = keys.iter().map(|key| key.filter(|key| seen.insert(*key)));
    StringChunked::from_iter_options("key".into(), keys)
}
