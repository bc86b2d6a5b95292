//! Finds the columns that identify the customer.

use std::collections::{BTreeMap, BTreeSet};

use super::ProposalRefusal;
use super::names::{self, NameTiers};
use super::table::{SampleColumn, SampleTable};
use super::text::shown;

/// The smallest number of rows in which one address is taken as evidence against a column.
const SAME_EMAIL_ROWS_LEAST: usize = 3;

/// The percentage of rows with the same address from which on it is not a customer's.
const SAME_EMAIL_PERCENT: usize = 90;

/// The greatest number of emails that one customer id may come with; with more it is not a
/// customer's.
const EMAILS_OF_UID_MOST: usize = 2;

/// The columns that identify the customer.
pub(super) struct Buyer<'t> {
    pub(super) email: Option<&'t SampleColumn<'t>>,
    pub(super) is_named: bool,
    pub(super) doubt: Option<String>,
    pub(super) others: Vec<&'t SampleColumn<'t>>,
    pub(super) uid: Option<&'t SampleColumn<'t>>,
    pub(super) not_uid: Option<(&'t SampleColumn<'t>, String)>,
}

impl<'t> Buyer<'t> {
    pub(super) fn new(table: &'t SampleTable<'t>) -> Result<Self, ProposalRefusal> {
        let named = table.named(&names::EMAIL, SampleColumn::has_emails);
        let is_named = !named.is_empty();
        let is_new = |column: &&SampleColumn<'_>| {
            let is_known = named.iter().any(|(_, known)| known.header == column.header);
            column.has_emails() && !is_known && !names::EMAIL.forbids(column.header)
        };
        let unnamed = table.columns.iter().filter(is_new);
        let mut emails: Vec<_> = named
            .iter()
            .copied()
            .chain(unnamed.map(|column| (usize::MAX, column)))
            .collect();
        // Columns with many addresses come before those with one, which are a merchant's or a
        // till's.
        emails.sort_by_key(|(rank, column)| {
            !NameTiers::is_surest(*rank) && same_email(column).is_some()
        });
        let mut emails = emails.into_iter();
        let best = emails.next();
        let email = best.map(|(_, column)| column);
        let doubt = best
            .filter(|(rank, _)| !NameTiers::is_surest(*rank))
            .and_then(|(_, column)| same_email(column));
        let uids = table.named(&names::UID, SampleColumn::has_ids).into_iter();
        // A column named `Buyer` may hold first names.
        let mut uids = uids
            .filter(|(rank, column)| NameTiers::tier(*rank) == 0 || column.has_digits())
            .map(|(_, column)| column);
        let uid = uids.next();
        let shared = uid
            .zip(email)
            .and_then(|(uid, email)| shared_uid(uid, email));
        if email.is_none() && uid.is_none() {
            return Err(ProposalRefusal::NoCustomer(String::new()));
        }
        Ok(Buyer {
            email,
            is_named,
            doubt,
            others: emails.map(|(_, column)| column).collect(),
            uid: uid.filter(|_| shared.is_none()),
            not_uid: uid.zip(shared),
        })
    }
}

/// Returns why a column of addresses is not the customers': nearly all rows have the same one.
pub(super) fn same_email(column: &SampleColumn<'_>) -> Option<String> {
    let filled = column.filled();
    let (value, n) = column.commonest()?;
    let is_same = filled >= SAME_EMAIL_ROWS_LEAST && n * 100 >= filled * SAME_EMAIL_PERCENT;
    is_same.then(|| {
        format!(
            "{} has {} in {n} of {filled} rows",
            shown(column.header),
            shown(value)
        )
    })
}

/// Returns why a column is not the customers' id: one value comes with many emails.
fn shared_uid(uid: &SampleColumn<'_>, email: &SampleColumn<'_>) -> Option<String> {
    let mut emails: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (uid, email) in uid.cells.iter().zip(&email.cells) {
        if !uid.is_empty() && !email.is_empty() {
            emails.entry(uid).or_default().insert(email.to_lowercase());
        }
    }
    let most = emails.into_iter().max_by_key(|(_, emails)| emails.len());
    let (value, emails) = most?;
    let is_nobody = value.trim_start_matches('0').is_empty() && emails.len() > 1;
    (is_nobody || emails.len() > EMAILS_OF_UID_MOST).then(|| {
        format!(
            "{} in {} comes with {} different emails",
            shown(value),
            shown(uid.header),
            emails.len()
        )
    })
}
