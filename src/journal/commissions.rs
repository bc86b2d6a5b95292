//! Adds up what promoters get for events, as the API answered it.

use std::collections::BTreeMap;

use rusqlite::Params;

use super::{JournalError, JournalReader, RunId, Span};

/// Maps each promoter, by email or else by referral id, to the commissions in minor units of the account's
/// currency.
pub(crate) type PromoterCommissions = BTreeMap<String, i128>;

impl JournalReader {
    /// Returns the commissions of the events that a run set out to send.
    ///
    /// # Errors
    ///
    /// The journal can't be read; so for all functions here.
    pub fn commissions(&self, run: RunId) -> Result<PromoterCommissions, JournalError> {
        self.commissions_from("run_event once", "AND once.run = ?1", [run.0])
    }

    /// Returns the commissions of the events of a span, each event once.
    pub fn commissions_of(&self, span: Span) -> Result<PromoterCommissions, JournalError> {
        let once = format!("{} once", self.events_once(span)?);
        self.commissions_from(&once, "", span.parameters())
    }

    fn commissions_from(
        &self,
        from: &str,
        condition: &str,
        parameters: impl Params,
    ) -> Result<PromoterCommissions, JournalError> {
        // Added up here: SQLite would sort all events to do so.
        let sql = format!(
            "SELECT coalesce(promoter_email, promoter_ref_id, ''), commission_cents
             FROM {from} CROSS JOIN event ON event.id = once.event
             WHERE commission_cents IS NOT NULL {condition}"
        );
        let mut commissions = PromoterCommissions::new();
        self.each("adding up commissions", &sql, parameters, |row| {
            let cents = i128::from(row.get::<_, i64>(1)?);
            let name = row.get_ref(0)?.as_str()?;
            match commissions.get_mut(name) {
                Some(sum) => *sum += cents,
                None => drop(commissions.insert(name.to_owned(), cents)),
            }
            Ok(())
        })?;
        Ok(commissions)
    }
}
