//! Keeps what exports said and no event of the journal says: invoices, the plans of subscriptions, refunds of
//! which nothing counts, and uids that are not ids of one customer.

mod table;

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, Row, Statement};

use self::table::{LearnedTable, OnKnown, Sealed, insert};
use super::columns::{impossible, read_money};
use super::known::{HeldSale, HistoryRequest, JournalHistory};
use super::read::count;
use super::{JournalError, JournalReader};
use crate::event::{
    Customer, Details, Event, EventKey, Kind, Text, is_beside_totals, remark_on_account,
};

/// What an invoice says of its payments, as the sale that it is by itself.
const INVOICES: LearnedTable = LearnedTable {
    name: "invoice",
    columns: &[
        "key",
        "invoice_id",
        "amount_cents",
        "currency",
        "gross_cents",
        "email",
        "uid",
        "subscription",
        "plan",
        "created_at_ms",
    ],
    on_known: OnKnown::Replace,
};

/// The plans of subscriptions.
const PLANS: LearnedTable = LearnedTable {
    name: "subscription_plan",
    columns: &["subscription", "plan"],
    on_known: OnKnown::Replace,
};

/// The sales without a plan, with their subscriptions.
const UNPLANNED: LearnedTable = LearnedTable {
    name: "sale_without_plan",
    columns: &["key", "subscription"],
    on_known: OnKnown::Keep,
};

/// The refunds of which nothing counts: what was paid back with them is refunded nevertheless.
const UNCOUNTED: LearnedTable = LearnedTable {
    name: "uncounted_refund",
    columns: &["key", "sale_key", "gross_cents"],
    on_known: OnKnown::Keep,
};

/// The further ids of payments that are recorded under another one.
const ALIASES: LearnedTable = LearnedTable {
    name: "alias",
    columns: &["key", "event_id"],
    on_known: OnKnown::Keep,
};

/// The uids that are not the id of one customer.
const SHARED_UIDS: LearnedTable = LearnedTable {
    name: "shared_uid",
    columns: &["uid"],
    on_known: OnKnown::Keep,
};

/// The uids that may not be the id of one customer.
const UNCLEAR_UIDS: LearnedTable = LearnedTable {
    name: "unclear_uid",
    columns: &["uid"],
    on_known: OnKnown::Keep,
};

/// The statements that keep what exports say.
#[derive(Debug)]
pub(super) struct LearnedStatements<'c> {
    invoice: Statement<'c>,
    plan: Statement<'c>,
    unplanned: Statement<'c>,
    uncounted: Statement<'c>,
    alias: Statement<'c>,
    shared_uid: Statement<'c>,
    unclear_uid: Statement<'c>,
}

impl<'c> LearnedStatements<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(LearnedStatements {
            invoice: INVOICES.prepare(connection)?,
            plan: PLANS.prepare(connection)?,
            unplanned: UNPLANNED.prepare(connection)?,
            uncounted: UNCOUNTED.prepare(connection)?,
            alias: ALIASES.prepare(connection)?,
            shared_uid: SHARED_UIDS.prepare(connection)?,
            unclear_uid: UNCLEAR_UIDS.prepare(connection)?,
        })
    }

    /// Keeps what an invoice says, and replaces what was known of it.
    pub(super) fn insert_invoice(&mut self, invoice: &Event) -> rusqlite::Result<usize> {
        insert(&mut self.invoice, &sealed_invoice(invoice))
    }

    /// Keeps the plan of a subscription, and replaces what was known of it.
    pub(super) fn insert_plan(
        &mut self,
        subscription: &str,
        plan: &str,
    ) -> rusqlite::Result<usize> {
        insert(&mut self.plan, &sealed_plan(subscription, plan))
    }

    /// Keeps a sale without a plan, with its subscription.
    pub(super) fn insert_unplanned(
        &mut self,
        sale: EventKey,
        subscription: &str,
    ) -> rusqlite::Result<usize> {
        insert(&mut self.unplanned, &sealed_unplanned(sale, subscription))
    }

    /// Keeps a refund of which nothing counts, with what was paid back with it, in minor units.
    pub(super) fn insert_uncounted(
        &mut self,
        refund: EventKey,
        sale: EventKey,
        gross_cents: i64,
    ) -> rusqlite::Result<usize> {
        let values = sealed_uncounted(refund, sale, gross_cents);
        insert(&mut self.uncounted, &values)
    }

    /// Keeps a further id of a payment that is recorded under another one.
    pub(super) fn insert_alias(
        &mut self,
        alias: EventKey,
        event_id: &str,
    ) -> rusqlite::Result<usize> {
        insert(&mut self.alias, &sealed_alias(alias, event_id))
    }

    /// Keeps that a uid is not the id of one customer.
    pub(super) fn insert_shared_uid(&mut self, uid: &str) -> rusqlite::Result<usize> {
        insert(&mut self.shared_uid, &sealed_uid(uid))
    }

    /// Keeps that a uid may not be the id of one customer.
    pub(super) fn insert_unclear_uid(&mut self, uid: &str) -> rusqlite::Result<usize> {
        insert(&mut self.unclear_uid, &sealed_uid(uid))
    }
}

fn sealed_invoice(invoice: &Event) -> [Sealed<'_>; 10] {
    let money = invoice.money;
    [
        Sealed::ById(invoice.key()),
        Sealed::Word(invoice.event_id()),
        Sealed::Integer(money.map(|money| money.amount_cents)),
        Sealed::Text(money.map(|money| money.currency.code())),
        Sealed::Integer(invoice.gross_cents),
        Sealed::Text(invoice.customer.email.as_deref()),
        Sealed::Text(invoice.customer.uid.as_deref()),
        Sealed::Text(invoice.details().subscription.as_deref()),
        Sealed::Text(invoice.plan.as_deref()),
        Sealed::Integer(invoice.created_at.map(Timestamp::as_millisecond)),
    ]
}

fn sealed_plan<'v>(subscription: &'v str, plan: &'v str) -> [Sealed<'v>; 2] {
    [Sealed::Word(subscription), Sealed::Word(plan)]
}

fn sealed_unplanned(sale: EventKey, subscription: &str) -> [Sealed<'_>; 2] {
    [Sealed::Key(sale), Sealed::Word(subscription)]
}

fn sealed_uncounted(refund: EventKey, sale: EventKey, gross_cents: i64) -> [Sealed<'static>; 3] {
    [
        Sealed::Key(refund),
        Sealed::Key(sale),
        Sealed::Integer(Some(gross_cents)),
    ]
}

fn sealed_alias(alias: EventKey, event_id: &str) -> [Sealed<'_>; 2] {
    [Sealed::Key(alias), Sealed::Word(event_id)]
}

fn sealed_uid(uid: &str) -> [Sealed<'_>; 1] {
    [Sealed::Word(uid)]
}

/// Removes the sales without a plan whose subscriptions have one now, and returns their keys.
pub(super) fn take_unplanned(
    connection: &Connection,
    planned: &HashSet<&str>,
) -> rusqlite::Result<Vec<EventKey>> {
    let mut sales = Vec::new();
    let mut statement = connection.prepare(&UNPLANNED.select_sql())?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (sale, subscription) = (EventKey(row.get(0)?), row.get::<_, String>(1)?);
        let values = sealed_unplanned(sale, &subscription);
        UNPLANNED.expect_sealed(row, &values, || "a sale without a plan".to_owned())?;
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

/// Returns the plan of a subscription.
fn read_plan(row: &Row<'_>) -> rusqlite::Result<String> {
    let (subscription, plan): (String, String) = (row.get(0)?, row.get(1)?);
    let what = || format!("the plan of `{subscription}`");
    PLANS.expect_sealed(row, &sealed_plan(&subscription, &plan), what)?;
    Ok(plan)
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
    let what = || format!("the invoice `{}`", invoice.event_id());
    INVOICES.expect_sealed(row, &sealed_invoice(&invoice), what)?;
    if EventKey(row.get(0)?) == invoice.key() {
        Ok(invoice)
    } else {
        Err(impossible(
            0,
            format!("{} is not as it was written", what()),
        ))
    }
}

impl JournalReader {
    /// Adds the uids that are not ids of one customer, and those that may not be.
    pub(super) fn doubtful_uids(&self, known: &mut JournalHistory) -> Result<(), JournalError> {
        let shared = self.uids_in(&SHARED_UIDS)?;
        if self.has_table(UNCLEAR_UIDS.name)? {
            known.shared_uids = shared;
            known.unclear_uids = self.uids_in(&UNCLEAR_UIDS)?;
        } else {
            // What the next version makes of it.
            known.unclear_uids = shared;
        }
        Ok(())
    }

    fn uids_in(&self, table: &LearnedTable) -> Result<HashSet<Text>, JournalError> {
        let mut uids = HashSet::new();
        if !self.has_table(table.name)? {
            return Ok(uids);
        }
        self.each("reading uids", &table.select_sql(), [], |row| {
            let uid: String = row.get(0)?;
            let what = || format!("the uid `{uid}` in `{}`", table.name);
            table.expect_sealed(row, &sealed_uid(&uid), what)?;
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
        if !self.has_table(ALIASES.name)? {
            return Ok(());
        }
        self.each("reading further ids", &ALIASES.select_sql(), [], |row| {
            let alias = EventKey(row.get(0)?);
            let event_id: String = row.get(1)?;
            let what = || format!("a further id of `{event_id}`");
            ALIASES.expect_sealed(row, &sealed_alias(alias, &event_id), what)?;
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

    /// Checks the seals of all that earlier runs learned.
    pub(super) fn expect_learned_sealed(&self) -> Result<(), JournalError> {
        let (mut known, nothing) = (JournalHistory::default(), HistoryRequest::default());
        self.aliases(&mut known, &nothing)?;
        self.doubtful_uids(&mut known)?;
        self.uncounted(&mut known)?;
        if !self.has_table(INVOICES.name)? {
            return Ok(());
        }
        self.each("reading invoices", &INVOICES.select_sql(), [], |row| {
            read_invoice(row).map(drop)
        })?;
        self.each("reading plans", &PLANS.select_sql(), [], |row| {
            read_plan(row).map(drop)
        })
    }

    /// Adds what was paid back with refunds of which nothing counts to what is known to be refunded.
    pub(super) fn uncounted(&self, known: &mut JournalHistory) -> Result<(), JournalError> {
        if !self.has_table(UNCOUNTED.name)? {
            return Ok(());
        }
        let sql = UNCOUNTED.select_sql();
        self.each("reading refunds that count nothing", &sql, [], |row| {
            let (refund, sale) = (EventKey(row.get(0)?), EventKey(row.get(1)?));
            let gross_cents: i64 = row.get(2)?;
            let values = sealed_uncounted(refund, sale, gross_cents);
            let what = || "a refund of which nothing counts".to_owned();
            UNCOUNTED.expect_sealed(row, &values, what)?;
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

    /// Adds the sales and refunds that earlier runs held and nobody sends: the account may have them under another id, or
    /// somebody accepted that they are held. What was accepted has to be there already.
    pub(super) fn withheld(
        &self,
        known: &mut JournalHistory,
        wanted: &HistoryRequest,
    ) -> Result<(), JournalError> {
        let sql = "SELECT event_id, note, kind = 'sale', reference, sale_event_id,
                 refund_total_cents IS NOT NULL
             FROM held WHERE kind = 'sale' OR kind = 'refund' ORDER BY id";
        self.each("reading what is held", sql, [], |row| {
            let event_id: String = row.get(0)?;
            let key = EventKey::from_id(&event_id);
            let note: String = row.get(1)?;
            if let Some(part) = remark_on_account(&note) {
                known.held_in_account.insert(key, Text::new(part));
            } else if !known.accepted_held.contains_key(&key) {
                return Ok(());
            }
            if row.get(2)? {
                let reference: Option<String> = row.get(3)?;
                known.add_withheld_sale(&event_id, reference.as_deref(), wanted);
            } else if let Some(sale) = row.get::<_, Option<String>>(4)?
                && !is_beside_totals(&event_id)
            {
                known.add_withheld_refund(EventKey::from_id(&sale), key, row.get(5)?);
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
        if !self.has_table(INVOICES.name)? {
            return Ok(());
        }
        self.each("reading invoices", &INVOICES.select_sql(), [], |row| {
            known.has_invoices = true;
            let key = EventKey(row.get(0)?);
            if wanted.invoices.contains_key(&key) {
                known.invoices.insert(key, read_invoice(row)?);
            }
            Ok(())
        })?;
        let of_invoices: HashSet<Text> = known
            .invoices
            .values()
            .filter_map(|invoice| invoice.details().subscription.clone())
            .collect();
        self.each("reading plans", &PLANS.select_sql(), [], |row| {
            let subscription: String = row.get(0)?;
            if !wanted.subscriptions.contains(subscription.as_str())
                && !of_invoices.contains(subscription.as_str())
            {
                return Ok(());
            }
            known
                .plans
                .insert(subscription.into(), read_plan(row)?.into());
            Ok(())
        })
    }
}
