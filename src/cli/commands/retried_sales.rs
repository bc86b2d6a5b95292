//! What `retry` compares before it sends sales again: others may have sent them since, under ids of their own.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use super::account_check::{compared_with, expect_account, fetch_into};
use super::destination::Destination;
use crate::cli::arguments::{Common, InAccountArgument};
use crate::cli::error::CliError;
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables::count;
use crate::cli::terminal::Terminal;
use crate::event::{Events, Kind};
use crate::job::AccountSales;
use crate::journal::{EventRecord, EventRow, Journal, JournalError, Outcome, RunId, WithdrawnUndo};
use crate::problem::{Problem, ProblemCode};
use crate::shell_word::shell_word;

/// Compares the sales of a retry with those of the account, if that is asked for.
pub(super) struct SalesToRetry {
    account: OnceCell<AccountSales>,
    /// `true` if somebody chose that they are sent.
    is_chosen: bool,
}

impl SalesToRetry {
    /// Fetches the sales of the account, if they are to be compared.
    ///
    /// # Errors
    ///
    /// The list of commissions is not complete.
    pub(super) fn fetch(
        common: &Common,
        in_account: InAccountArgument,
        (settings, target): (&EffectiveSettings, &Destination),
        terminal: &Terminal,
    ) -> Result<Self, CliError> {
        let account = OnceCell::new();
        if in_account.is_compared() {
            expect_account(common)?;
            fetch_into(&account, target, settings, terminal)?;
        }
        Ok(SalesToRetry {
            account,
            is_chosen: in_account.treatment.is_some(),
        })
    }

    /// Settles the sales of a retry that the account has under other ids, with their refunds, so that they are not sent. Without
    /// the list, says that nothing was compared.
    ///
    /// # Errors
    ///
    /// The journal fails.
    pub(super) fn compare(
        &self,
        journal: &mut Journal,
        run: RunId,
        terminal: &Terminal,
    ) -> Result<(), CliError> {
        let mut records: Vec<EventRecord> = Vec::new();
        journal.for_each_event(run, |record| {
            if record.settlement.is_none() && record.event.kind.has_amount() {
                records.push(record);
            }
            Ok::<_, JournalError>(())
        })?;
        let is_sale = |record: &&EventRecord| record.event.kind == Kind::Sale;
        let sales = records.iter().filter(is_sale).count() as u64;
        let Some(account) = self.account.get() else {
            if sales > 0 && !self.is_chosen {
                terminal.note(&format!(
                    "{} not compared with the account's list: if another integration may have sent them since, interrupt this; `--in-account hold` compares them first",
                    count(sales, "sale")
                ));
            }
            return Ok(());
        };
        let withheld = withheld(account, journal, &records)?;
        let problems = journal.withdraw_undos(run, &withheld, Timestamp::now())?;
        let rows: Vec<EventRow> = withheld.iter().map(|own| own.row).collect();
        journal.flag_in_account(&rows)?;
        let read = compared_with(account.commissions, account.requests);
        let found = match problems.len() {
            0 => "no sale to send is there already.".to_owned(),
            some => format!("{} not sent.", count(some as u64, "event")),
        };
        terminal.human_line(&format!("{read}{found}"));
        terminal.problems(&problems, 0);
        Ok(())
    }
}

/// Returns the sales that the account has under other ids, and their refunds.
fn withheld(
    account: &AccountSales,
    journal: &Journal,
    records: &[EventRecord],
) -> Result<Vec<WithdrawnUndo>, CliError> {
    let mut events = Events::default();
    for record in records {
        events.push(&record.event);
    }
    let known = journal.known()?;
    let found = account.find_again(&events, |key| known.events.get(key).is_some());
    let sales: HashSet<&str> = found
        .keys()
        .map(|&place| records[place].event.event_id())
        .collect();
    let mut reasons: BTreeMap<usize, String> = found.clone();
    for (place, record) in records.iter().enumerate() {
        let sale = record.event.sale_event_id.as_deref();
        if sale.is_some_and(|sale| sales.contains(sale)) {
            let reason = "the account has its sale under another id".to_owned();
            reasons.insert(place, reason);
        }
    }
    let withheld = reasons
        .into_iter()
        .map(|(place, reason)| withdrawn(&records[place], &reason));
    Ok(withheld.collect())
}

/// Returns an event that is not sent, and why.
fn withdrawn(record: &EventRecord, reason: &str) -> WithdrawnUndo {
    let event = &record.event;
    let id = shell_word(event.event_id());
    let message = format!(
        "{} `{}` is not sent: {reason}",
        event.kind,
        event.event_id()
    );
    WithdrawnUndo {
        row: record.row,
        outcome: if record.is_maybe_recorded {
            Outcome::Unconfirmed
        } else {
            Outcome::Failed
        },
        reason: format!("not sent: {reason}"),
        problem: Problem::error(ProblemCode::SaleInAccount, message).hint(format!(
            "look it up in FirstPromoter: if it is the same one, `fprecon accept --event {id} --reason TEXT`; if it is another one, `fprecon retry --event {id} --in-account send` sends it"
        )),
    }
}
