//! Keeps what exports said and no event of the journal says: invoices, the plans of subscriptions, refunds of
//! which nothing counts, and uids that are not ids of one customer.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, Row, Statement, params};

use super::columns::{Seal, impossible, read_money};
use super::known::{HeldSale, HistoryRequest, JournalHistory};
use super::read::count;
use super::{JournalError, JournalReader};
use crate::event::{Customer, Details, Event, EventKey, Kind, Text};

/// Prepares the statement that [`insert_invoice`] runs.
pub(super) fn prepare_invoice(connection: &Connection) -> rusqlite::Result<Statement<'_>> {
    connection.prepare(
        "INSERT INTO invoice (key, invoice_id, amount_cents, currency, gross_cents, email, uid,
             subscription, plan, created_at_ms, seal)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (key) DO UPDATE SET amount_cents = excluded.amount_cents,
             currency = excluded.currency, gross_cents = excluded.gross_cents,
             email = excluded.email, uid = excluded.uid, subscription = excluded.subscription,
             plan = excluded.plan, created_at_ms = excluded.created_at_ms, seal = excluded.seal
         WHERE seal <> excluded.seal",
    )
}

/// Keeps what an invoice says, and replaces what was known of it.
pub(super) fn insert_invoice(
    statement: &mut Statement<'_>,
    invoice: &Event,
) -> rusqlite::Result<usize> {
    let money = invoice.money;
    statement.execute(params![
        invoice.key().0.as_slice(),
        invoice.event_id(),
        money.map(|money| money.amount_cents),
        money.map(|money| money.currency.code()),
        invoice.gross_cents,
        invoice.customer.email.as_deref(),
        invoice.customer.uid.as_deref(),
        invoice.details().subscription.as_deref(),
        invoice.plan.as_deref(),
        invoice.created_at.map(Timestamp::as_millisecond),
        seal_of_invoice(invoice),
    ])
}

fn seal_of_invoice(invoice: &Event) -> i64 {
    let mut seal = Seal::unnumbered();
    seal.bytes(invoice.event_id().as_bytes());
    seal.integer(invoice.money.map(|money| money.amount_cents));
    seal.text(invoice.money.map(|money| money.currency.code()));
    seal.integer(invoice.gross_cents);
    seal.text(invoice.customer.email.as_deref());
    seal.text(invoice.customer.uid.as_deref());
    seal.text(invoice.details().subscription.as_deref());
    seal.text(invoice.plan.as_deref());
    seal.integer(invoice.created_at.map(Timestamp::as_millisecond));
    seal.value()
}

/// Prepares the statement that [`insert_plan`] runs.
pub(super) fn prepare_plan(connection: &Connection) -> rusqlite::Result<Statement<'_>> {
    connection.prepare(
        "INSERT INTO subscription_plan (subscription, plan, seal) VALUES (?, ?, ?)
         ON CONFLICT (subscription) DO UPDATE SET plan = excluded.plan, seal = excluded.seal
         WHERE seal <> excluded.seal",
    )
}

/// Keeps the plan of a subscription, and replaces what was known of it.
pub(super) fn insert_plan(
    statement: &mut Statement<'_>,
    subscription: &str,
    plan: &str,
) -> rusqlite::Result<usize> {
    statement.execute(params![
        subscription,
        plan,
        seal_of_plan(subscription, plan)
    ])
}

fn seal_of_plan(subscription: &str, plan: &str) -> i64 {
    let mut seal = Seal::unnumbered();
    seal.bytes(subscription.as_bytes());
    seal.bytes(plan.as_bytes());
    seal.value()
}

/// The statement that keeps, by [`insert_unplanned`], a sale without a plan.
pub(super) const INSERT_UNPLANNED: &str =
    "INSERT INTO sale_without_plan (key, subscription, seal) VALUES (?, ?, ?)
     ON CONFLICT (key) DO NOTHING";

/// Keeps a sale without a plan, with its subscription.
pub(super) fn insert_unplanned(
    statement: &mut Statement<'_>,
    sale: EventKey,
    subscription: &str,
) -> rusqlite::Result<usize> {
    let seal = seal_of_unplanned(sale, subscription);
    statement.execute(params![sale.0.as_slice(), subscription, seal])
}

fn seal_of_unplanned(sale: EventKey, subscription: &str) -> i64 {
    let mut seal = Seal::unnumbered();
    seal.bytes(&sale.0);
    seal.bytes(subscription.as_bytes());
    seal.value()
}

/// Removes the sales without a plan whose subscriptions have one now, and returns their keys.
pub(super) fn take_unplanned(
    connection: &Connection,
    planned: &HashSet<&str>,
) -> rusqlite::Result<Vec<EventKey>> {
    let mut sales = Vec::new();
    let mut statement =
        connection.prepare("SELECT key, subscription, seal FROM sale_without_plan")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (sale, subscription) = (EventKey(row.get(0)?), row.get::<_, String>(1)?);
        if row.get::<_, i64>(2)? != seal_of_unplanned(sale, &subscription) {
            let what = "a sale without a plan is not as it was written";
            return Err(impossible(2, what));
        }
        if planned.contains(subscription.as_str()) {
            sales.push(sale);
        }
    }
    let mut remove = connection.prepare("DELETE FROM sale_without_plan WHERE key = ?")?;
    for sale in &sales {
        remove.execute([sale.0.as_slice()])?;
    }
    Ok(sales)
}

fn read_invoice(row: &Row<'_>) -> rusqlite::Result<Event> {
    let text =
        |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(column)?.map(Text::from));
    let id: String = row.get(1)?;
    let customer = Customer {
        email: text(5)?,
        uid: text(6)?,
    };
    let mut invoice = Event::without_source(Kind::Sale, Text::from(id), customer);
    invoice.money = read_money(row, 2)?;
    invoice.gross_cents = row.get(4)?;
    invoice.set_details(Details {
        subscription: text(7)?,
        ..Details::default()
    });
    invoice.plan = text(8)?;
    let created_at_ms: Option<i64> = row.get(9)?;
    let created_at = created_at_ms.map(Timestamp::from_millisecond).transpose();
    invoice.created_at = created_at.map_err(|error| impossible(9, error.to_string()))?;
    let is_sealed = row.get::<_, i64>(10)? == seal_of_invoice(&invoice)
        && EventKey(row.get(0)?) == invoice.key();
    if is_sealed {
        Ok(invoice)
    } else {
        Err(impossible(
            10,
            format!(
                "the invoice `{}` is not as it was written",
                invoice.event_id()
            ),
        ))
    }
}

/// Prepares the statement that [`insert_uncounted`] runs.
pub(super) fn prepare_uncounted(connection: &Connection) -> rusqlite::Result<Statement<'_>> {
    connection.prepare(
        "INSERT INTO uncounted_refund (key, sale_key, gross_cents, seal) VALUES (?, ?, ?, ?)
         ON CONFLICT (key) DO NOTHING",
    )
}

/// Keeps a refund of which nothing counts, since what was paid back with it is refunded nevertheless.
pub(super) fn insert_uncounted(
    statement: &mut Statement<'_>,
    refund: EventKey,
    sale: EventKey,
    gross_cents: i64,
) -> rusqlite::Result<usize> {
    let seal = seal_of_uncounted(refund, sale, gross_cents);
    statement.execute(params![
        refund.0.as_slice(),
        sale.0.as_slice(),
        gross_cents,
        seal
    ])
}

fn seal_of_uncounted(refund: EventKey, sale: EventKey, gross_cents: i64) -> i64 {
    let mut seal = Seal::unnumbered();
    seal.bytes(&refund.0);
    seal.bytes(&sale.0);
    seal.integer(Some(gross_cents));
    seal.value()
}

/// Prepares the statement that [`insert_alias`] runs.
pub(super) fn prepare_alias(connection: &Connection) -> rusqlite::Result<Statement<'_>> {
    connection.prepare(
        "INSERT INTO alias (key, event_id, seal) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING",
    )
}

/// Keeps a further id of a payment that is recorded under another one.
pub(super) fn insert_alias(
    statement: &mut Statement<'_>,
    alias: EventKey,
    event_id: &str,
) -> rusqlite::Result<usize> {
    let seal = seal_of_alias(alias, event_id);
    statement.execute(params![alias.0.as_slice(), event_id, seal])
}

fn seal_of_alias(alias: EventKey, event_id: &str) -> i64 {
    let mut seal = Seal::unnumbered();
    seal.bytes(&alias.0);
    seal.bytes(event_id.as_bytes());
    seal.value()
}

/// Prepares the statement that keeps, by [`insert_uid`], that a uid is not the id of one customer.
pub(super) fn prepare_shared_uid(connection: &Connection) -> rusqlite::Result<Statement<'_>> {
    connection
        .prepare("INSERT INTO shared_uid (uid, seal) VALUES (?, ?) ON CONFLICT (uid) DO NOTHING")
}

/// Prepares the statement that keeps, by [`insert_uid`], that a uid may not be the id of one customer.
pub(super) fn prepare_unclear_uid(connection: &Connection) -> rusqlite::Result<Statement<'_>> {
    connection
        .prepare("INSERT INTO unclear_uid (uid, seal) VALUES (?, ?) ON CONFLICT (uid) DO NOTHING")
}

/// Keeps a uid in the table of a prepared statement.
pub(super) fn insert_uid(statement: &mut Statement<'_>, uid: &str) -> rusqlite::Result<usize> {
    statement.execute(params![uid, seal_of_uid(uid)])
}

fn seal_of_uid(uid: &str) -> i64 {
    let mut seal = Seal::unnumbered();
    seal.bytes(uid.as_bytes());
    seal.value()
}

impl JournalReader {
    /// Adds the uids that are not ids of one customer, and those that may not be.
    pub(super) fn doubtful_uids(&self, known: &mut JournalHistory) -> Result<(), JournalError> {
        let shared = self.uids_in("shared_uid")?;
        if self.has_table("unclear_uid")? {
            known.shared_uids = shared;
            known.unclear_uids = self.uids_in("unclear_uid")?;
        } else {
            // What the next version makes of it.
            known.unclear_uids = shared;
        }
        Ok(())
    }

    fn uids_in(&self, table: &str) -> Result<HashSet<Text>, JournalError> {
        let mut uids = HashSet::new();
        if !self.has_table(table)? {
            return Ok(uids);
        }
        let sql = format!("SELECT uid, seal FROM {table}");
        self.each("reading uids", &sql, [], |row| {
            let uid: String = row.get(0)?;
            if row.get::<_, i64>(1)? != seal_of_uid(&uid) {
                let what = format!("the uid `{uid}` in `{table}` is not as it was written");
                return Err(impossible(1, what));
            }
            uids.insert(uid.into());
            Ok(())
        })?;
        Ok(uids)
    }

    /// Adds the payments with further ids that the job requests.
    pub(super) fn aliases(
        &self,
        known: &mut JournalHistory,
        wanted: &HistoryRequest,
    ) -> Result<(), JournalError> {
        if !self.has_table("alias")? {
            return Ok(());
        }
        let sql = "SELECT key, event_id, seal FROM alias";
        self.each("reading further ids", sql, [], |row| {
            let alias = EventKey(row.get(0)?);
            let event_id: String = row.get(1)?;
            if row.get::<_, i64>(2)? != seal_of_alias(alias, &event_id) {
                let what = format!("a further id of `{event_id}` is not as it was written");
                return Err(impossible(2, what));
            }
            let sale = EventKey::from_id(&event_id);
            if wanted.shared.contains_key(&sale) {
                known.aliases.entry(sale).or_default().push(alias);
            }
            if wanted.references.contains_key(&alias) {
                let sales = known.sales_by_reference.entry(alias).or_default();
                sales.push(Text::from(event_id));
            }
            Ok(())
        })
    }

    /// Adds what was paid back with refunds of which nothing counts to what is known to be refunded.
    pub(super) fn uncounted(&self, known: &mut JournalHistory) -> Result<(), JournalError> {
        if !self.has_table("uncounted_refund")? {
            return Ok(());
        }
        let sql = "SELECT key, sale_key, gross_cents, seal FROM uncounted_refund";
        self.each("reading refunds that count nothing", sql, [], |row| {
            let (refund, sale) = (EventKey(row.get(0)?), EventKey(row.get(1)?));
            let gross_cents: i64 = row.get(2)?;
            if row.get::<_, i64>(3)? != seal_of_uncounted(refund, sale, gross_cents) {
                let what = "a refund of which nothing counts is not as it was written";
                return Err(impossible(3, what));
            }
            known.counted_nothing.insert(refund, gross_cents);
            let refunds = known.refunds.entry(sale).or_default();
            refunds.gross_cents = refunds.gross_cents.saturating_add(gross_cents);
            Ok(())
        })
    }

    /// Adds the requested sales that earlier runs held since what they need was missing.
    pub(super) fn held_sales(
        &self,
        known: &mut JournalHistory,
        wanted: &HistoryRequest,
    ) -> Result<(), JournalError> {
        if wanted.held_sales.is_empty() {
            return Ok(());
        }
        let sql = "SELECT h.event_id, i.profile, i.path, h.line
             FROM held h JOIN input i ON i.id = h.input
             WHERE h.kind = 'sale' AND h.plan_state = 'unlinked' ORDER BY h.id";
        self.each("reading held sales", sql, [], |row| {
            let key = EventKey::from_id(&row.get::<_, String>(0)?);
            if wanted.held_sales.contains_key(&key) {
                let text =
                    |column| Ok::<_, rusqlite::Error>(Text::from(row.get::<_, String>(column)?));
                known.held_sales.entry(key).or_default().push(HeldSale {
                    profile: text(1)?,
                    path: text(2)?,
                    line: count(row, 3)?,
                });
            }
            Ok(())
        })
    }

    /// Reads what earlier runs learned of the invoices and subscriptions that a job requests.
    pub(super) fn learned(
        &self,
        known: &mut JournalHistory,
        wanted: &HistoryRequest,
    ) -> Result<(), JournalError> {
        if !self.has_table("invoice")? {
            return Ok(());
        }
        let sql = "SELECT key, invoice_id, amount_cents, currency, gross_cents, email, uid,
                 subscription, plan, created_at_ms, seal FROM invoice";
        self.each("reading invoices", sql, [], |row| {
            known.has_invoices = true;
            let key = EventKey(row.get(0)?);
            if wanted.invoices.contains_key(&key) {
                known.invoices.insert(key, read_invoice(row)?);
            }
            Ok(())
        })?;
        let of_invoices = known.invoices.values();
        let of_invoices = of_invoices.filter_map(|invoice| invoice.details().subscription.clone());
        let of_invoices: std::collections::HashSet<Text> = of_invoices.collect();
        let sql = "SELECT subscription, plan, seal FROM subscription_plan";
        self.each("reading plans", sql, [], |row| {
            let subscription: String = row.get(0)?;
            if !wanted.subscriptions.contains(subscription.as_str())
                && !of_invoices.contains(subscription.as_str())
            {
                return Ok(());
            }
            let plan: String = row.get(1)?;
            if row.get::<_, i64>(2)? != seal_of_plan(&subscription, &plan) {
                let what = format!("the plan of `{subscription}` is not as it was written");
                return Err(impossible(2, what));
            }
            known.plans.insert(subscription.into(), plan.into());
            Ok(())
        })
    }
}
