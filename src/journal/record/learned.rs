//! Records what exports said for later runs.

use std::collections::HashSet;

use super::{DOING, Recording};
use crate::event::{Event, EventKey};
use crate::journal::{JournalError, learned};

impl Recording<'_> {
    /// Keeps what an invoice says of its payments, for later runs: the sale that it is by itself.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_invoice(&mut self, invoice: &Event) -> Result<(), JournalError> {
        self.ready()?;
        let written = self.statements.learned.insert_invoice(invoice);
        self.done(written)
    }

    /// Keeps for later runs that nothing of a refund counts, and what was paid back with it.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_uncounted(
        &mut self,
        refund: EventKey,
        sale: EventKey,
        gross_cents: i64,
    ) -> Result<(), JournalError> {
        self.ready()?;
        let statements = &mut self.statements.learned;
        let written = statements.insert_uncounted(refund, sale, gross_cents);
        self.done(written)
    }

    /// Keeps a further id of a payment that is recorded under another one, for later runs.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_alias(&mut self, alias: &str, event_id: &str) -> Result<(), JournalError> {
        self.ready()?;
        let statements = &mut self.statements.learned;
        let written = statements.insert_alias(EventKey::from_id(alias), event_id);
        self.done(written)
    }

    /// Keeps that a uid is not the id of one customer, for later runs.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_shared_uid(&mut self, uid: &str) -> Result<(), JournalError> {
        self.ready()?;
        let written = self.statements.learned.insert_shared_uid(uid);
        self.done(written)
    }

    /// Keeps that a uid may not be the id of one customer, for later runs.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn add_unclear_uid(&mut self, uid: &str) -> Result<(), JournalError> {
        self.ready()?;
        let written = self.statements.learned.insert_unclear_uid(uid);
        self.done(written)
    }

    /// Keeps the plan of a subscription, for later runs.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_plan(&mut self, subscription: &str, plan: &str) -> Result<(), JournalError> {
        self.ready()?;
        let written = self.statements.learned.insert_plan(subscription, plan);
        self.done(written)
    }

    /// Keeps that a sale has no plan, with its subscription: the plan may be learned later.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn add_unplanned(
        &mut self,
        sale: EventKey,
        subscription: &str,
    ) -> Result<(), JournalError> {
        self.ready()?;
        let statements = &mut self.statements.learned;
        let written = statements.insert_unplanned(sale, subscription);
        self.done(written)
    }

    /// Returns the sales that were recorded without a plan and whose subscriptions have one now. They are returned
    /// once.
    ///
    /// # Errors
    ///
    /// The journal can't be read or written.
    pub(crate) fn take_unplanned(
        &mut self,
        planned: &HashSet<&str>,
    ) -> Result<Vec<EventKey>, JournalError> {
        self.ready()?;
        let taken = learned::take_unplanned(&self.transaction, planned);
        taken.map_err(|error| self.reader.failed(DOING, error))
    }
}
