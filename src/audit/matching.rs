//! Matches each commission with a sale or refund: by event id, then by the linked sale, then by customer and amount
//! where the user wants that.

use std::collections::{HashMap, HashSet};

use polars::prelude::*;

use super::books::AuditData;
use super::grouped::index;
use super::parallel::{both, ranges};
use super::similar_id::{similar_hash, similar_id, without_apostrophe};
use super::{AuditError, MatchReason};
use crate::event::sale_of_running_total;

/// The number of letters and digits that an id has to have to be offered for one with other signs.
const LOOSE_LENGTH: usize = 3;
/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Holds which rows of the two sides belong together.
pub(super) struct Matching {
    /// The sale or refund of each commission, and the reason.
    pub(super) billed: Vec<Option<(u32, MatchReason)>>,
    /// The row of the case of each sale or refund: the row under which a sale, its refunds and its commissions are
    /// judged together. That of the sale; of refunds whose sale is not there, that of the first.
    pub(super) case: Vec<u32>,
    /// The lead of each sale's or refund's customer; of one who is none under the names of our side, that of the customer
    /// whom the commission names.
    pub(super) lead: Vec<Option<u32>>,
    /// The sales whose lead only their commission names.
    pub(super) leads_of_theirs: HashSet<u32>,
    /// Several ids of ours that are near the id of a commission that belongs to nothing.
    pub(super) near: HashMap<u32, Vec<u32>>,
    /// Several of ours with the customer and the amount of a commission that belongs to nothing: one of them may
    /// be meant.
    pub(super) alike: HashMap<u32, Vec<u32>>,
}

impl Matching {
    pub(super) fn new(books: &AuditData, match_days: Option<u32>) -> Result<Matching, AuditError> {
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
        keys.append(books.commissions.event_id.column())?;
        let found = look_up(
            &keys,
            books.billed.event_id.column(),
            JoinValidation::ManyToOne,
        );
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
            let linked = is_sale && books.theirs.get(row)?.is_reversal();
            let reason = if linked {
                MatchReason::LinkedSale
            } else {
                MatchReason::EventId
            };
            Some((billed, reason))
        };
        let mut matching = Matching {
            billed: by_id.into_iter().enumerate().map(with_reason).collect(),
            case,
            lead: leads(books)?,
            leads_of_theirs: HashSet::new(),
            near: HashMap::new(),
            alike: HashMap::new(),
        };
        matching.by_linked_sale(books, &lost_sales)?;
        matching.by_reference(books);
        matching.by_similar_id(books);
        matching.by_similar_reference(books);
        if let Some(days) = match_days {
            matching.by_customer_and_amount(books, i64::from(days) * DAY_MS);
        }
        matching.offer_loose_ids(books);
        matching.leads_by_commissions(books);
        Ok(matching)
    }

    /// Returns the sale or refund that a commission was made for, and why.
    pub(super) fn of_commission(&self, row: u32) -> Option<(u32, MatchReason)> {
        self.billed.get(index(row)).copied().flatten()
    }

    /// Finds the leads of customers whom their commissions have under other names than our side.
    fn leads_by_commissions(&mut self, books: &AuditData) {
        if books.leads.is_empty() {
            return;
        }
        let mut naming: HashMap<u32, u32> = HashMap::new();
        for (row, billed) in (0..).zip(&self.billed) {
            let Some((billed, _)) = *billed else { continue };
            let sale = self.case[index(billed)];
            if self.lead[index(sale)].is_none() {
                let first = naming.entry(sale).or_insert(row);
                if books.in_order(row, *first).is_lt() {
                    *first = row;
                }
            }
        }
        if naming.is_empty() {
            return;
        }
        let columns = &books.lead_columns;
        let (mut by_uid, mut by_email) = (SharedKeys::default(), SharedKeys::default());
        for row in (0..).take(books.leads.len()) {
            if let Some(uid) = columns.uid.get(index(row)) {
                by_uid.entry(uid).or_default().push(row);
            }
            if let Some(email) = columns.email.get(index(row)) {
                by_email.entry(email).or_default().push(row);
            }
        }
        let (by_uid, by_email) = (
            leads_in_order(books, by_uid),
            leads_in_order(books, by_email),
        );
        for (sale, commission) in naming {
            let of = |keys: &SharedKeys<'_>, key: Option<&str>| {
                last_before(books, keys.get(key?)?, sale)
            };
            let row = index(commission);
            let found = of(&by_uid, books.commissions.uid.get(row))
                .or_else(|| of(&by_email, books.commissions.email.get(row)));
            if found.is_some() {
                self.lead[index(sale)] = found;
                self.leads_of_theirs.insert(sale);
            }
        }
    }

    /// Matches running totals that name their sale, and sales that only their refund names.
    fn by_linked_sale(
        &mut self,
        books: &AuditData,
        lost_sales: &HashMap<&str, u32>,
    ) -> Result<(), AuditError> {
        let ids = &books.commissions.event_id;
        let unmatched = |row: &usize| self.billed.get(*row).is_some_and(Option::is_none);
        let rows: Vec<usize> = (0..books.theirs.len()).filter(unmatched).collect();
        let sale_ids = rows
            .iter()
            .map(|row| ids.get(*row).and_then(sale_of_running_total));
        let sale_ids = StringChunked::from_iter_options("key".into(), sale_ids);
        let sales = if sale_ids.null_count() == sale_ids.len() {
            vec![None; rows.len()]
        } else {
            look_up(
                &sale_ids,
                books.billed.event_id.column(),
                JoinValidation::ManyToMany,
            )?
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

    /// Matches ids that are another id of a sale's payment: a live integration may have named the charge where the export
    /// has the invoice. Only where no other sale has it.
    fn by_reference(&mut self, books: &AuditData) {
        let references = books.billed.reference.column();
        if references.null_count() == references.len() {
            return;
        }
        // The sales that each id may mean.
        let mut waiting: PlHashMap<&str, Vec<u32>> = PlHashMap::default();
        let unmatched = |row: &usize| self.billed[*row].is_none() && !books.theirs[*row].is_by_hand;
        let rows: Vec<usize> = (0..books.theirs.len()).filter(unmatched).collect();
        let ids = &books.commissions.event_id;
        // A running total of refunds may be one of the payment's other id.
        let payment = |row: usize| {
            let id = ids.get(row)?;
            Some(sale_of_running_total(id).unwrap_or(id))
        };
        for row in rows.iter().copied() {
            for id in [ids.get(row), payment(row)].into_iter().flatten() {
                waiting.entry(id).or_default();
            }
        }
        for (row, ours) in (0..).zip(&books.ours) {
            let reference = books.billed.reference.get(index(row));
            if let (false, Some(reference)) = (ours.is_refund, reference)
                && let Some(found) = waiting.get_mut(reference)
            {
                found.push(row);
            }
        }
        for row in rows {
            let only = |id: &str| match waiting.get(id).map(Vec::as_slice) {
                Some([only]) => Some(*only),
                _ => None,
            };
            let is_reversal = books.theirs[row].is_reversal();
            let own = ids.get(row).and_then(only);
            let of_total = || payment(row).filter(|_| is_reversal).and_then(only);
            let reason = if is_reversal {
                MatchReason::LinkedSale
            } else {
                MatchReason::Reference
            };
            self.billed[row] = own.or_else(of_total).map(|sale| (sale, reason));
        }
        self.refunds_by_reference(books);
    }

    /// Matches what differs from another id of a sale's payment, or a running total of it, only in what spreadsheets and
    /// people change. Only where one sale can be meant.
    fn by_similar_reference(&mut self, books: &AuditData) {
        let references = books.billed.reference.column();
        let ids = &books.commissions.event_id;
        let waits = |row: &usize| self.billed[*row].is_none() && !books.theirs[*row].is_by_hand;
        let rows: Vec<usize> = (0..books.theirs.len()).filter(waits).collect();
        if rows.is_empty() || references.null_count() == references.len() {
            return;
        }
        let mut sales: HashMap<String, Vec<u32>> = HashMap::new();
        for (row, ours) in (0..).zip(&books.ours) {
            if let (false, Some(reference)) =
                (ours.is_refund, books.billed.reference.get(index(row)))
            {
                let key = similar_id(reference).collect();
                sales.entry(key).or_default().push(row);
            }
        }
        let only = |id: &str| {
            let found = sales.get(&similar_id(id).collect::<String>());
            found.filter(|rows| rows.len() == 1)?.first().copied()
        };
        for row in rows {
            let is_reversal = books.theirs[row].is_reversal();
            let Some(id) = ids.get(row) else { continue };
            let of_total = || {
                sale_of_running_total(id)
                    .filter(|_| is_reversal)
                    .and_then(only)
            };
            let sale = only(id).or_else(of_total);
            let reason = if is_reversal {
                MatchReason::LinkedSale
            } else {
                MatchReason::SimilarId
            };
            self.billed[row] = sale.map(|sale| (sale, reason));
        }
    }

    /// Matches running totals under another id of the payment with the very refund, where the sale has one of the same
    /// total.
    fn refunds_by_reference(&mut self, books: &AuditData) {
        let mut wanted: HashMap<String, Vec<usize>> = HashMap::new();
        for (row, billed) in self.billed.iter().enumerate() {
            let Some((sale, MatchReason::LinkedSale)) = *billed else {
                continue;
            };
            let id = books.commissions.event_id.get(row).unwrap_or_default();
            let own = books.billed.event_id.get(index(sale)).unwrap_or_default();
            if let Some(payment) = sale_of_running_total(id)
                && payment != own
            {
                let total = &id[payment.len()..];
                wanted.entry(format!("{own}{total}")).or_default().push(row);
            }
        }
        if wanted.is_empty() {
            return;
        }
        for (row, ours) in (0..).zip(&books.ours) {
            let id = books.billed.event_id.get(index(row)).unwrap_or_default();
            for commission in wanted.get(id).into_iter().flatten() {
                if ours.is_refund {
                    self.billed[*commission] = Some((row, MatchReason::Reference));
                }
            }
        }
    }

    /// Matches ids that differ only in what spreadsheets and people change: case, spaces, zeros in front, an
    /// apostrophe in front. Only where one of ours can be meant; of several each is offered.
    fn by_similar_id(&mut self, books: &AuditData) {
        let mut waiting: PlHashMap<u64, Vec<usize>> = PlHashMap::default();
        for (row, billed) in self.billed.iter().enumerate() {
            let id = books.commissions.event_id.get(row);
            if let (None, Some(id), false) = (billed, id, books.theirs[row].is_by_hand) {
                waiting.entry(similar_hash(id)).or_default().push(row);
            }
        }
        if waiting.is_empty() {
            return;
        }
        let waits = |row: &usize| {
            let id = books.billed.event_id.get(*row).unwrap_or_default();
            waiting.contains_key(&similar_hash(id))
        };
        let parts = ranges(books.ours.len(), |rows| {
            rows.filter(waits).collect::<Vec<_>>()
        });
        let mut similar: HashMap<String, Vec<u32>> = HashMap::new();
        for row in parts.into_iter().flatten() {
            let id = books.billed.event_id.get(row).unwrap_or_default();
            let row = u32::try_from(row).unwrap_or(u32::MAX);
            similar
                .entry(similar_id(id).collect())
                .or_default()
                .push(row);
        }
        for row in waiting.into_values().flatten() {
            let id = books.commissions.event_id.get(row).unwrap_or_default();
            let found = similar.get(&similar_id(id).collect::<String>());
            match found.map(Vec::as_slice) {
                None | Some([]) => {}
                Some([only]) => self.billed[row] = Some((*only, MatchReason::SimilarId)),
                Some(several) => {
                    // One that only the apostrophe distinguishes is meant.
                    let own = without_apostrophe(id);
                    let is_own = |row: &&u32| {
                        let id = books.billed.event_id.get(index(**row));
                        id.map(without_apostrophe) == Some(own)
                    };
                    let mut same = several.iter().filter(is_own);
                    if let (Some(only), None) = (same.next(), same.next()) {
                        self.billed[row] = Some((*only, MatchReason::SimilarId));
                        continue;
                    }
                    let row = u32::try_from(row).unwrap_or(u32::MAX);
                    self.near.insert(row, several.to_vec());
                }
            }
        }
    }

    /// Offers what has the id of a commission that belongs to nothing, but for its signs: `INV-100` for `INV 100`.
    fn offer_loose_ids(&mut self, books: &AuditData) {
        let loose = |id: &str| -> String {
            similar_id(id)
                .filter(|sign| sign.is_alphanumeric())
                .collect()
        };
        let mut waiting: HashMap<String, Vec<u32>> = HashMap::new();
        for (row, billed) in (0..).zip(&self.billed) {
            let id = books.commissions.event_id.get(index(row));
            if let (None, Some(id), false) = (billed, id, self.near.contains_key(&row)) {
                let key = loose(id);
                if key.len() >= LOOSE_LENGTH {
                    waiting.entry(key).or_default().push(row);
                }
            }
        }
        if waiting.is_empty() {
            return;
        }
        for row in 0..books.ours.len() {
            let id = books.billed.event_id.get(row).unwrap_or_default();
            let ours = u32::try_from(row).unwrap_or(u32::MAX);
            for commission in waiting.get(&loose(id)).into_iter().flatten() {
                self.near.entry(*commission).or_default().push(ours);
            }
        }
    }

    fn by_customer_and_amount(&mut self, books: &AuditData, window_ms: i64) {
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
                let near = ours
                    .created_ms
                    .zip(theirs.created_ms)
                    .is_some_and(|(one, other)| one.abs_diff(other) <= window_ms.unsigned_abs());
                let same = theirs.is_reversal() == ours.is_refund
                    && theirs.sale_cents.map(i64::unsigned_abs)
                        == ours.account_cents.map(i64::unsigned_abs);
                let fits = fitting.entry(commission).or_default();
                let row = u32::try_from(row).unwrap_or(u32::MAX);
                if near && same && theirs.sale_cents.is_some() && !fits.contains(&row) {
                    fits.push(row);
                }
            }
        }
        for (commission, row) in pairs(books, &fitting, &taken) {
            self.billed[commission] = Some((row, MatchReason::CustomerAndAmount));
        }
        for (commission, rows) in fitting {
            match (&self.billed[commission], rows.as_slice()) {
                // It is one too many, if another one has that sale.
                (None, [only]) => {
                    self.billed[commission] = Some((*only, MatchReason::CustomerAndAmount));
                }
                (None, [_, _, ..]) => {
                    let commission = u32::try_from(commission).unwrap_or(u32::MAX);
                    self.alike.insert(commission, rows);
                }
                _ => {}
            }
        }
    }
}

/// Pairs commissions with the rows of ours that fit them and are free, as many as possible: those of one time first, then
/// the nearest. Of those that are alike it does not matter which one is whose.
fn pairs(
    books: &AuditData,
    fitting: &HashMap<usize, Vec<u32>>,
    taken: &[bool],
) -> Vec<(usize, u32)> {
    let apart = |commission: usize, row: u32| {
        let ours = books.ours[index(row)].created_ms.unwrap_or(0);
        let theirs = books.theirs[commission].created_ms.unwrap_or(0);
        ours.abs_diff(theirs)
    };
    let id = |row: u32| books.billed.event_id.get(index(row));
    let mut nearest: Vec<(usize, Vec<u32>)> = Vec::with_capacity(fitting.len());
    for (commission, rows) in fitting {
        let free = rows.iter().copied();
        let mut rows: Vec<u32> = free.filter(|row| !taken[index(*row)]).collect();
        rows.sort_by_key(|row| (apart(*commission, *row), id(*row)));
        nearest.push((*commission, rows));
    }
    let place = |commission: usize| u32::try_from(commission).unwrap_or(u32::MAX);
    nearest.sort_by(|(one, of_one), (other, of_other)| {
        let first =
            |commission: usize, rows: &[u32]| rows.first().map(|row| apart(commission, *row));
        let near = first(*one, of_one).cmp(&first(*other, of_other));
        near.then_with(|| books.in_order(place(*one), place(*other)))
    });
    let mut of_row: HashMap<u32, usize> = HashMap::new();
    for commission in 0..nearest.len() {
        take(&nearest, commission, &mut of_row, &mut HashSet::new());
    }
    let pairs = of_row.into_iter();
    pairs.map(|(row, place)| (nearest[place].0, row)).collect()
}

/// Finds a row for a commission; the one that has it may take another one instead.
fn take(
    nearest: &[(usize, Vec<u32>)],
    commission: usize,
    of_row: &mut HashMap<u32, usize>,
    seen: &mut HashSet<u32>,
) -> bool {
    let rows = &nearest[commission].1;
    let free = rows.iter().find(|row| !of_row.contains_key(row));
    if let Some(row) = free {
        of_row.insert(*row, commission);
        return true;
    }
    for row in rows {
        if seen.insert(*row)
            && let Some(other) = of_row.get(row).copied()
            && take(nearest, other, of_row, seen)
        {
            of_row.insert(*row, commission);
            return true;
        }
    }
    false
}

/// Returns the row of `rows` for each key. `rows` has each once; it is an error where not, if that
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
    let joined = keys.join(&rows, ["key"], ["key"], how, None)?;
    let found = joined.column("row")?.u32()?.rechunk();
    Ok(found.iter().collect())
}

/// Names the event that was billed twice.
fn no_event_twice(books: &AuditData) -> Result<(), AuditError> {
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

/// Returns the case of each row, and the first refund of each sale that is not there.
fn cases(books: &AuditData, refunds: Vec<u32>, sales: Vec<Option<u32>>) -> Cases<'_> {
    let billed = &books.billed;
    let mut case: Vec<u32> = (0..).take(books.ours.len()).collect();
    let mut lost_sales: HashMap<&str, u32> = HashMap::new();
    for (row, sale) in refunds.into_iter().zip(sales) {
        let sale = sale
            .filter(|sale| !billed.is_refund(index(*sale)))
            .unwrap_or_else(|| match billed.sale_event_id.get(index(row)) {
                Some(lost) => *lost_sales.entry(lost).or_insert(row),
                None => row,
            });
        if let Some(case) = case.get_mut(index(row)) {
            *case = sale;
        }
    }
    (case, lost_sales)
}

/// Returns the lead of each customer: by uid, else by email. Of several leads of one customer the last one
/// before the sale counts: a customer can be moved to another promoter.
fn leads(books: &AuditData) -> Result<Vec<Option<u32>>, AuditError> {
    let leads = &books.lead_columns;
    if leads.height == 0 {
        return Ok(vec![None; books.ours.len()]);
    }
    let of = |keys: &StringChunked, leads: &StringChunked| {
        if leads.null_count() == leads.len() {
            return Ok(vec![None; books.ours.len()]);
        }
        let (firsts, shared) = first_only(leads);
        let mut found = look_up(keys, &firsts, JoinValidation::ManyToMany)?;
        if !shared.is_empty() {
            by_date(books, keys, &mut found, shared);
        }
        Ok::<_, AuditError>(found)
    };
    let (by_uid, by_email) = both(
        || of(books.billed.uid.column(), leads.uid.column()),
        || of(books.billed.email.column(), leads.email.column()),
    );
    let (by_uid, by_email) = (by_uid?, by_email?);
    let either = by_uid.into_iter().zip(by_email);
    Ok(either.map(|(uid, email)| uid.or(email)).collect())
}

/// The rows of leads that share a key, by that key.
type SharedKeys<'k> = PlHashMap<&'k str, Vec<u32>>;

/// Returns the keys, each only where it is first; and the rows of those that appear several times.
fn first_only(keys: &StringChunked) -> (StringChunked, SharedKeys<'_>) {
    let mut seen: PlHashMap<&str, u32> = PlHashMap::with_capacity(keys.len());
    let mut shared: SharedKeys<'_> = PlHashMap::default();
    let mut firsts = Vec::with_capacity(keys.len());
    for (row, key) in (0..).zip(keys.iter()) {
        firsts.push(key.filter(|key| match seen.get(key) {
            Some(first) => {
                shared.entry(key).or_insert_with(|| vec![*first]).push(row);
                false
            }
            None => seen.insert(key, row).is_none(),
        }));
    }
    (
        StringChunked::from_iter_options("key".into(), firsts.into_iter()),
        shared,
    )
}

/// Returns the lead of each sale: of those that share a key, the last one before the sale, else the first.
fn by_date(
    books: &AuditData,
    keys: &StringChunked,
    found: &mut [Option<u32>],
    shared: SharedKeys<'_>,
) {
    let shared = leads_in_order(books, shared);
    for ((key, found), sale) in keys.iter().zip(found).zip(0..) {
        if let Some(rows) = key.and_then(|key| shared.get(key)) {
            *found = last_before(books, rows, sale);
        }
    }
}

/// Returns the leads of each key in the order in which they came to be.
fn leads_in_order<'k>(books: &AuditData, mut shared: SharedKeys<'k>) -> SharedKeys<'k> {
    for rows in shared.values_mut() {
        rows.sort_by_key(|row| {
            let lead = books.leads[index(*row)];
            (lead.created_ms, !lead.was_moved, lead.promoter)
        });
    }
    shared
}

/// Returns the last of some leads in order that is not later than a sale; else the first.
fn last_before(books: &AuditData, rows: &[u32], sale: u32) -> Option<u32> {
    let ours = books.ours[index(sale)];
    let later = rows.partition_point(|row| books.leads[index(*row)].created_ms <= ours.created_ms);
    rows.get(later.saturating_sub(1)).copied()
}
