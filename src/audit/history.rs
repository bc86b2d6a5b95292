//! Works out the part of a sale's past that rules need: which payment of its customer it is, and what its promoter had sold before.

use std::collections::{HashMap, HashSet};

use super::books::{AuditData, Code, Month, month_of};
use super::earlier::EarlierCommissions;
use super::expected::PaymentTimes;
use super::grouped::{Grouped, index};
use super::matching::Matching;
use super::referrers::Referrers;
use super::rules::VolumePer;
use super::{AuditRules, Rounding};
use crate::journal::Outcome;

/// The steps in which rates are compared: a tenth of a percent, so that rounding makes no difference.
const RATE_STEPS: i64 = 1_000;
/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The time of the first payment of a sale's customer, and the number of the sale among the customer's payments.
#[derive(Clone, Copy)]
struct OfCustomer {
    first_ms: i64,
    number: u32,
    /// `true` if there are payments from before our data, and nobody knows how many.
    has_earlier: bool,
}

/// The volume that the promoter of a sale had sold before it.
#[derive(Clone, Copy)]
struct Volume {
    cents: i64,
    /// `true` if there are sales among them of which nobody knows what they are worth in the account's currency.
    is_least: bool,
}

/// The history of each sale, by its row. Only the parts that a rule needs are worked out.
#[derive(Default)]
pub(super) struct SaleHistories {
    customers: HashMap<u32, OfCustomer>,
    volumes: HashMap<u32, Volume>,
    /// `true` if there are commissions from before our data of which nobody knows the customer.
    has_unnamed: bool,
}

impl SaleHistories {
    pub(super) fn new(
        books: &AuditData,
        matching: &Matching,
        commissions: &Grouped,
        earlier: &EarlierCommissions<'_>,
        rules: &AuditRules,
    ) -> Self {
        SaleHistories {
            has_unnamed: earlier.has_unnamed(),
            customers: if rules.has_payment_conditions() {
                of_customers(books, matching, commissions, earlier)
            } else {
                HashMap::new()
            },
            volumes: if rules.has_volumes() {
                volumes(books, matching, commissions, earlier, rules)
            } else {
                HashMap::new()
            },
        }
    }

    /// Returns what is known of the payment that a row of ours is.
    pub(super) fn payment(&self, books: &AuditData, row: u32) -> PaymentTimes {
        let of_customer = self.customers.get(&row);
        PaymentTimes {
            created_ms: books.ours[index(row)].created_ms,
            first_ms: of_customer.map(|own| own.first_ms),
            number: of_customer.map(|own| own.number),
            is_number_least: of_customer.is_some_and(|own| own.has_earlier),
            may_be_later: self.has_unnamed,
            volume_cents: self.volumes.get(&row).map_or(0, |volume| volume.cents),
            is_volume_least: self.volumes.get(&row).is_some_and(|volume| volume.is_least),
        }
    }
}

/// Sorts sales by date, whatever the order of rows. Of sales of one moment nothing says which was first: it is the
/// one with the lower rate, since rates rise with the volume; of one rate the smaller one, which may leave the others
/// below the next step.
fn by_date(books: &AuditData, commissions: &Grouped, rows: &mut [u32]) {
    let rate = |row: u32| {
        let amounts =
            earned(books, commissions, row).map(|row| books.theirs[index(row)].amount_cents);
        let cents = amounts.fold(0, i64::saturating_add);
        let ours = &books.ours[index(row)];
        let whole = ours
            .account_cents
            .or(ours.estimated_cents)
            .filter(|cents| *cents > 0);
        whole.map_or(0, |whole| Rounding::Down.share(cents, RATE_STEPS, whole))
    };
    rows.sort_by_cached_key(|row| {
        let id = books.billed.event_id.get(index(*row));
        let ours = &books.ours[index(*row)];
        (ours.created_ms, rate(*row), ours.amount_cents, id)
    });
}

/// Returns the sales of each customer. Those with one uid are one customer's, and so are those with one email: a
/// provider may know a customer by the email alone.
fn sales_of_customers(books: &AuditData) -> Vec<Vec<u32>> {
    let mut owners: Vec<usize> = Vec::new();
    let mut by_key: HashMap<(bool, &str), usize> = HashMap::new();
    let mut of_sale: Vec<(u32, usize)> = Vec::new();
    for (row, ours) in (0..).zip(&books.ours) {
        if ours.is_refund || ours.created_ms.is_none() {
            continue;
        }
        let uid = books.billed.uid.get(index(row)).map(|uid| (true, uid));
        let email = books
            .billed
            .email
            .get(index(row))
            .map(|email| (false, email));
        let mut owner = None;
        for key in uid.into_iter().chain(email) {
            let known = by_key.get(&key).map(|known| root(&mut owners, *known));
            owner = match (owner, known) {
                (Some(owner), Some(known)) => {
                    owners[known] = owner;
                    Some(owner)
                }
                (owner, known) => owner.or(known),
            };
        }
        let has_key = uid.or(email).is_some();
        let Some(owner) = owner.or_else(|| has_key.then_some(owners.len())) else {
            continue;
        };
        if owner == owners.len() {
            owners.push(owner);
        }
        by_key.extend(uid.into_iter().chain(email).map(|key| (key, owner)));
        of_sale.push((row, owner));
    }
    let mut customers: HashMap<usize, Vec<u32>> = HashMap::new();
    for (row, owner) in of_sale {
        let owner = root(&mut owners, owner);
        customers.entry(owner).or_default().push(row);
    }
    customers.into_values().collect()
}

/// Returns the customer that a customer turned out to be, and remembers it.
fn root(owners: &mut [usize], mut customer: usize) -> usize {
    while owners[customer] != customer {
        owners[customer] = owners[owners[customer]];
        customer = owners[customer];
    }
    customer
}

fn of_customers(
    books: &AuditData,
    matching: &Matching,
    commissions: &Grouped,
    earlier: &EarlierCommissions<'_>,
) -> HashMap<u32, OfCustomer> {
    let mut all = HashMap::new();
    let is_unpaid = |row: u32| earned(books, commissions, row).next().is_none();
    for mut rows in sales_of_customers(books) {
        // Nothing says which of two payments of one moment was first: it is the one that has a commission.
        rows.sort_by_cached_key(|row| {
            let created_ms = books.ours[index(*row)].created_ms;
            let id = books.billed.event_id.get(index(*row));
            (created_ms, is_unpaid(*row), id)
        });
        let created_ms = |row: &u32| books.ours[index(*row)].created_ms;
        let is_counted = |row: &u32| {
            !commissions.rows(index(*row)).is_empty() || may_be_referred(books, matching, *row)
        };
        let listed = earlier.payments(books, keys_of(books, &rows));
        // Payments from before somebody referred the customer do not count.
        let before = rows.iter().position(is_counted).unwrap_or(0);
        let before = if listed.is_some() { 0 } else { before };
        let counted = rows.split_off(before);
        for row in rows {
            let first_ms = created_ms(&row).unwrap_or(0);
            all.insert(
                row,
                OfCustomer {
                    first_ms,
                    number: 1,
                    has_earlier: false,
                },
            );
        }
        let Some(first) = counted.first().and_then(created_ms) else {
            continue;
        };
        for (row, number) in counted.into_iter().zip(1..) {
            let lead = matching.lead.get(index(row)).copied().flatten();
            let since = lead.and_then(|lead| books.leads[index(lead)].customer_since_ms);
            let first = listed.map_or(first, |listed| listed.first_ms);
            // The same payment may be dated a little differently there.
            let unlisted = since.filter(|since| *since < first - DAY_MS);
            let own = OfCustomer {
                first_ms: unlisted.unwrap_or(first),
                // A payment from before our data: at least that one comes before.
                number: number
                    + listed.map_or(0, |listed| listed.count)
                    + u32::from(unlisted.is_some()),
                has_earlier: unlisted.is_some(),
            };
            all.insert(row, own);
        }
    }
    all
}

/// Returns the names by which the customer of some sales is known, each once.
fn keys_of<'b>(books: &'b AuditData, rows: &[u32]) -> impl Iterator<Item = &'b str> {
    let columns = &books.billed;
    let keys = rows.iter().flat_map(|row| {
        let row = index(*row);
        [columns.uid.get(row), columns.email.get(row)]
    });
    let keys: HashSet<&str> = keys.flatten().collect();
    keys.into_iter()
}

/// Returns `true` if something says that the customer of a sale was referred before it: the API, or the date of the lead.
fn may_be_referred(books: &AuditData, matching: &Matching, row: u32) -> bool {
    let ours = &books.ours[index(row)];
    let lead = matching.lead.get(index(row)).copied().flatten();
    let lead = lead.map(|lead| books.leads[index(lead)]);
    ours.outcome.is_some_and(Outcome::is_tracked)
        || lead.is_some_and(|lead| lead.is_by(ours.created_ms))
}

/// Returns the volume of each sale's promoter before the sale, in the account's currency: in its month, or
/// since ever. A sale is the promoter's whose lead the customer is, or else who has its commission, or one of the
/// customer's before.
fn volumes(
    books: &AuditData,
    matching: &Matching,
    commissions: &Grouped,
    earlier: &EarlierCommissions<'_>,
    rules: &AuditRules,
) -> HashMap<u32, Volume> {
    let referrers = Referrers::new(books, matching, commissions, earlier);
    let mut sales: HashMap<(Code, Month), Vec<u32>> = HashMap::new();
    for (row, ours) in (0..).zip(&books.ours) {
        let promoter = match promoter_of(books, matching, commissions, row) {
            // A sale that earns nothing is of whoever brought the customer.
            0 => referrers
                .before(books, row)
                .map_or(0, |(referral, _)| referral.promoter),
            promoter => promoter,
        };
        if ours.is_refund || ours.created_ms.is_none() || promoter == 0 {
            continue;
        }
        let month = match rules.volume_per {
            VolumePer::Month => month_of(ours.created_ms, &rules.zone),
            VolumePer::AllTime => 0,
        };
        sales.entry((promoter, month)).or_default().push(row);
    }
    let mut volumes = HashMap::new();
    for mut rows in sales.into_values() {
        by_date(books, commissions, &mut rows);
        let mut volume = Volume {
            cents: 0,
            is_least: false,
        };
        for row in rows {
            volumes.insert(row, volume);
            let ours = &books.ours[index(row)];
            let cents = ours.account_cents.or(ours.estimated_cents);
            volume.is_least |= cents.is_none();
            volume.cents = volume.cents.saturating_add(cents.unwrap_or(0));
        }
    }
    volumes
}

fn promoter_of(books: &AuditData, matching: &Matching, commissions: &Grouped, row: u32) -> Code {
    let lead = matching
        .lead
        .get(index(row))
        .copied()
        .flatten()
        .map(|lead| books.leads[index(lead)].promoter);
    if let Some(promoter) = lead.filter(|promoter| *promoter != 0) {
        return promoter;
    }
    let in_order = |one: &u32, other: &u32| books.in_order(*one, *other);
    let first = earned(books, commissions, row).min_by(in_order);
    // A sale whose commission was denied is sold all the same.
    let first = first.or_else(|| of_first_tier(books, commissions, row).min_by(in_order));
    first.map_or(books.ours[index(row)].promoter, |row| {
        books.theirs[index(row)].promoter
    })
}

/// Returns the commissions of a sale in the first tier that stand.
fn earned<'b>(
    books: &'b AuditData,
    commissions: &'b Grouped,
    sale: u32,
) -> impl Iterator<Item = u32> + 'b {
    let rows = of_first_tier(books, commissions, sale);
    rows.filter(|row| books.theirs[index(*row)].is_live())
}

/// Returns the commissions of a sale in the first tier, also those that were denied.
fn of_first_tier<'b>(
    books: &'b AuditData,
    commissions: &'b Grouped,
    sale: u32,
) -> impl Iterator<Item = u32> + 'b {
    let rows = commissions.rows(index(sale)).iter().copied();
    rows.filter(|row| {
        let theirs = &books.theirs[index(*row)];
        theirs.tier == 1 && !theirs.is_reversal()
    })
}
