//! The life of one event or one row, from the journal: where it was read, what was sent for it, what the API
//! answered, what came of it, and what is left to do.

mod event;
mod row;

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::attention::command_in;
use super::commands::Commands;
use super::open_items::open_unplanned;
use crate::event::{Currency, Money};
use crate::journal::{
    AcceptedItems, AcceptedRecord, AttentionCode, EventRow, Item, ItemId, JournalError,
    JournalReader, RunId, RunRecord,
};
use crate::shell_word::shell_word;

pub(crate) use event::{EventLife, HeldLife, LifeAttempt, LifeEvent, LifeRun, RelatedEvent};
pub(crate) use row::{RowCell, RowInRun, RowLife, row_cells};

/// Looks up lives in one state of a journal.
pub(crate) struct LifeReader<'j> {
    journal: &'j JournalReader,
    commands: &'j Commands,
    /// All runs, the latest first.
    runs: Vec<RunRecord>,
    accepted: AcceptedItems,
    /// Every acceptance, also those that were withdrawn.
    acceptances: Vec<AcceptedRecord>,
    replaced: HashMap<EventRow, EventRow>,
    /// The runs whose events another process is sending at this moment.
    sending: Vec<RunId>,
    /// What is held or rejected now, found when it is needed.
    open: OnceCell<HashSet<ItemId>>,
}

/// An amount in minor units with its currency; both are null for events without an amount.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct LifeMoney {
    pub(crate) amount_cents: Option<i64>,
    pub(crate) currency: Option<Currency>,
}

impl From<Option<Money>> for LifeMoney {
    fn from(money: Option<Money>) -> Self {
        LifeMoney {
            amount_cents: money.map(|money| money.amount_cents),
            currency: money.map(|money| money.currency),
        }
    }
}

impl LifeMoney {
    /// Returns the amount for people.
    pub(crate) fn money(self) -> Option<Money> {
        Some(Money {
            amount_cents: self.amount_cents?,
            currency: self.currency?,
        })
    }
}

/// What needs attention, and what to do about it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LifeAttention {
    /// The code of the reason.
    pub(crate) code: &'static str,
    /// What to do before running the command.
    pub(crate) advice: &'static str,
    /// The command that comes next.
    pub(crate) command: String,
}

/// An item that somebody accepted.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LifeAcceptance {
    /// The code of the reason why it needed attention.
    pub(crate) code: &'static str,
    /// The reason for accepting it.
    pub(crate) reason: String,
    /// The user and the host.
    pub(crate) by: String,
    /// The time, in RFC 3339.
    pub(crate) at: String,
    /// The person who withdrew the acceptance.
    pub(crate) undone_by: Option<String>,
    /// The time when it was withdrawn.
    pub(crate) undone_at: Option<String>,
    /// `true` if it is the item as it is now; it may have changed since.
    pub(crate) is_current: bool,
}

impl<'j> LifeReader<'j> {
    /// Reads what all lives have in common.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn load(
        journal: &'j JournalReader,
        commands: &'j Commands,
    ) -> Result<Self, JournalError> {
        let mut acceptances = Vec::new();
        journal.for_each_accepted(|record| acceptances.push(record))?;
        Ok(LifeReader {
            journal,
            commands,
            runs: journal.runs(u32::MAX)?,
            accepted: journal.accepted()?,
            acceptances,
            replaced: journal.replaced()?,
            sending: Vec::new(),
            open: OnceCell::new(),
        })
    }

    /// Says which runs another process is working on: what they have not sent yet needs no attention.
    pub(crate) fn while_sending(mut self, is_sent_by: impl Fn(RunId) -> bool) -> Self {
        let runs = self.runs.iter().map(|run| run.id);
        self.sending = runs.filter(|run| is_sent_by(*run)).collect();
        self
    }

    /// Returns all runs, the latest first.
    pub(crate) fn runs(&self) -> &[RunRecord] {
        &self.runs
    }

    fn run(&self, id: RunId) -> Option<&RunRecord> {
        self.runs.iter().find(|run| run.id == id)
    }

    /// Returns whether what was held or rejected is so still: no later run has read that export again, and the
    /// event was not recorded since.
    fn is_open(&self, item: ItemId) -> Result<bool, JournalError> {
        let open = match self.open.get() {
            Some(open) => open,
            None => {
                let items = open_unplanned(self.journal)?.into_iter();
                self.open
                    .get_or_init(|| items.map(|(_, item)| item.id).collect())
            }
        };
        Ok(open.contains(&item))
    }

    fn is_accepted(&self, item: ItemId) -> bool {
        self.accepted.contains_key(&item)
    }

    /// Returns the acceptances that a test selects, the oldest first. `current` is the item as it is now.
    fn acceptances(
        &self,
        current: Option<ItemId>,
        is_wanted: impl Fn(&AcceptedRecord) -> bool,
    ) -> Vec<LifeAcceptance> {
        let wanted = self.acceptances.iter().filter(|record| is_wanted(record));
        let lives = wanted.map(|record| LifeAcceptance {
            code: record.item.code.as_str(),
            reason: record.acceptance.reason.clone(),
            by: record.acceptance.by.clone(),
            at: record.acceptance.at.to_string(),
            undone_by: record.withdrawn.as_ref().map(|(by, _)| by.clone()),
            undone_at: record.withdrawn.as_ref().map(|(_, at)| at.to_string()),
            is_current: current == Some(record.item.id) && record.withdrawn.is_none(),
        });
        lives.collect()
    }

    /// Returns what to do about a single item. `run` is the one that held or rejected it.
    fn attention(
        &self,
        item: &Item,
        run: Option<&RunRecord>,
    ) -> Result<LifeAttention, JournalError> {
        Ok(LifeAttention {
            code: item.code.as_str(),
            advice: advice_of(item.code, run),
            command: self.command_for(item, run)?,
        })
    }

    /// Returns the command for a single item: for its event alone, or for the exports and the report of the run.
    fn command_for(&self, item: &Item, run: Option<&RunRecord>) -> Result<String, JournalError> {
        let id = shell_word(item.event_id.as_deref().unwrap_or_default());
        let words = match item.code {
            AttentionCode::NotSent => "resume".to_owned(),
            AttentionCode::Failed
            | AttentionCode::Unconfirmed
            | AttentionCode::ReversalNonReferral
            | AttentionCode::SignedUpSince => format!("retry --event {id}"),
            AttentionCode::LeftOut
            | AttentionCode::NotPaid
            | AttentionCode::InAccount
            | AttentionCode::PlanLearned
            | AttentionCode::OtherAmount
            | AttentionCode::CountsLess
            | AttentionCode::NotDated
            | AttentionCode::UndoPaid => format!("accept --event {id} --reason TEXT"),
            AttentionCode::NotCompared
            | AttentionCode::CustomerLearned
            | AttentionCode::Conflict
            | AttentionCode::Held
            | AttentionCode::Rejected
            | AttentionCode::Ignored => {
                return command_in(self.journal, item.code, run, self.commands);
            }
        };
        Ok(self.commands.command(&words))
    }
}

/// Returns what to do about a single item before running its command. `run` is the one that held or rejected it.
fn advice_of(code: AttentionCode, run: Option<&RunRecord>) -> &'static str {
    let is_of_undo = run.is_some_and(|run| run.undoes.is_some());
    match code {
        AttentionCode::NotSent => "It was not sent yet, and nothing is lost. Send it:",
        AttentionCode::Failed => "Fix the cause, then try again:",
        AttentionCode::Unconfirmed => {
            "Look it up in FirstPromoter first. If sent again, it may count twice:"
        }
        AttentionCode::LeftOut => {
            "Its run was undone, and nothing sends it by itself. `fprecon retry --event` sends it after all; else accept it:"
        }
        AttentionCode::NotCompared => {
            "All or a part of this refund may be in FirstPromoter. Run the exports again, which reads the account's list first:"
        }
        AttentionCode::NotPaid => {
            "A later export says that it was not paid. If it was, or is in FirstPromoter, `fprecon retry --event` sends it; else accept it:"
        }
        AttentionCode::InAccount => {
            "FirstPromoter has it under another id. If it is another one, `fprecon retry --event` sends it; else accept it:"
        }
        AttentionCode::ReversalNonReferral => {
            "Look up the customer in FirstPromoter, then try again:"
        }
        AttentionCode::SignedUpSince => {
            "The customer signed up after it was sent. If it is from before the sign-up, accept it; else ask again:"
        }
        AttentionCode::CustomerLearned => {
            "An export names its customer more fully than it was sent. Run the exports again:"
        }
        AttentionCode::PlanLearned => {
            "It was sent without its plan. Compare the commission in FirstPromoter, then accept it:"
        }
        AttentionCode::OtherAmount => "Compare the amount in FirstPromoter, then accept it:",
        AttentionCode::CountsLess => {
            "Less of it counts than was sent. Refund the difference, or accept it:"
        }
        AttentionCode::NotDated => {
            "`history = \"commissions\"` was removed before it was sent, so that its commission has the day of that. Correct that in FirstPromoter where it matters, then accept it:"
        }
        AttentionCode::UndoPaid => {
            "The commission of its sale is marked as paid, and the promoter's next payout is less by it. If the promoter did not get this money, deny the commission of this refund in FirstPromoter. Then accept it:"
        }
        AttentionCode::Conflict => {
            "Find out which side is right, remove the other one, then run the exports again:"
        }
        AttentionCode::Held if is_of_undo => "Settle that, then undo the rest:",
        AttentionCode::Held => "Add what is missing, then run the exports again:",
        AttentionCode::Ignored => {
            "If it belongs to no customer, accept it; else add what is missing, then run the exports again:"
        }
        AttentionCode::Rejected => {
            "Fix the row in rejected.csv of the run's report, then run that file:"
        }
    }
}
