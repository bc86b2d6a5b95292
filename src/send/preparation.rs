//! Reads what has to be known before the first event is sent: the list of leads, what is left to send, and the sales of
//! the account.

use std::collections::HashSet;

use jiff::tz::TimeZone;
use tokio::sync::mpsc::UnboundedReceiver;

use super::dated_sales::DatedSales;
use super::lead_list::{self, Fetched, LeadList};
use super::pace::Pace;
use super::{End, LeadListState, PendingEvents, Progress, RunToSend, Stop};
use crate::journal::{EventRow, Journal, JournalError, JournalReader};
use crate::tracking::Client;

/// Holds what the lists of the account are read with, and later the events sent.
pub(super) struct Preparation<'p> {
    pub(super) client: &'p Client,
    pub(super) progress: Progress,
    pub(super) pace: Pace,
    pub(super) stop: UnboundedReceiver<Stop>,
    pub(super) watch: &'p mut dyn FnMut(&Progress),
}

impl Preparation<'_> {
    /// Returns what is to be sent, with the sales of the account if some are sent as commissions, or may have been.
    pub(super) async fn work(
        &mut self,
        journal: &mut Journal,
        order: &RunToSend,
    ) -> Result<(PendingEvents, Option<DatedSales>), End> {
        let run = order.run;
        let list = if order.settings.should_use_lead_list && order.total > 0 {
            let list = self.leads().await?;
            trusted(list, journal, &mut self.progress).map_err(End::Journal)?
        } else {
            None
        };
        let mut work = PendingEvents::read(journal, run, list.as_ref()).map_err(End::Journal)?;
        let lost = journal.sales_maybe_commissions(run).map_err(End::Journal)?;
        if !order.should_send_commissions {
            let dated = journal.sales_of_commission_runs(run);
            work.not_dated = dated.map_err(End::Journal)?;
            work.not_dated.retain(|sale| !lost.contains(sale));
        }
        let should_send_all = order.should_send_commissions && work.has_sales;
        if !should_send_all && lost.is_empty() {
            return Ok((work, None));
        }
        journal.record_commission_run(run).map_err(End::Journal)?;
        let timed = journal.timed_at_midnight().map_err(End::Journal)?;
        let dated = self.dated_sales((order.zone.clone(), timed)).await?;
        let only = (!should_send_all).then_some(lost);
        Ok((work, Some(dated.only_for(only))))
    }

    /// Reads the list of leads, if it can be relied on.
    async fn leads(&mut self) -> Result<Option<LeadList>, End> {
        let progress = &mut self.progress;
        let mut on_page = |leads, requests| {
            progress.lead_list = LeadListState::Reading { leads };
            progress.requests = requests;
            (self.watch)(progress);
        };
        let stop = &mut self.stop;
        match lead_list::fetch(self.client, &mut self.pace, stop, &mut on_page).await {
            Fetched::Whole(list) => {
                progress.requests = list.requests;
                Ok(Some(list))
            }
            Fetched::Unusable { reason } => {
                progress.lead_list = LeadListState::Unusable { reason };
                Ok(None)
            }
            Fetched::Ended(end) => Err(end),
        }
    }

    /// Reads the account's referrals and sales. Sales that are dated by a day alone are of a day in this zone.
    async fn dated_sales(
        &mut self,
        days: (TimeZone, HashSet<EventRow>),
    ) -> Result<DatedSales, End> {
        let progress = &mut self.progress;
        let before = progress.requests;
        let mut on_page = |requests| {
            progress.requests = before + requests;
            (self.watch)(progress);
        };
        let (pace, stop) = (&mut self.pace, &mut self.stop);
        DatedSales::fetch(self.client, pace, stop, days, &mut on_page).await
    }
}

/// Returns the list, unless the journal shows that it can't be right.
fn trusted(
    list: Option<LeadList>,
    journal: &JournalReader,
    progress: &mut Progress,
) -> Result<Option<LeadList>, JournalError> {
    let Some(mut list) = list else {
        return Ok(None);
    };
    if let Some(reason) = list.doubt(Some(journal))? {
        progress.lead_list = LeadListState::Unusable { reason };
        return Ok(None);
    }
    progress.lead_list = LeadListState::Whole {
        leads: list.len() as u64,
        requests: list.requests,
    };
    Ok(Some(list))
}
