//! The life of an event that was to be sent, and of one that was held.

use serde::Serialize;

use super::{LifeAcceptance, LifeAttention, LifeMoney, LifeReader};
use crate::event::{Event, Kind};
use crate::journal::{
    Appearance, AttemptRecord, AttentionCode, EventRecord, EventRole, EventRow, EventsBy,
    HeldRecord, Item, ItemId, JournalError, RunId, RunRecord,
};
use crate::report::items::{event_item, held_item};
use crate::report::open_items::is_unplanned;
use crate::report::outcomes::outcome_word;

/// The life of an event that was to be sent.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EventLife {
    #[serde(flatten)]
    pub(crate) event: LifeEvent,
    /// The outcome, or `not_sent`.
    pub(crate) outcome: &'static str,
    /// `true` if the outcome follows from the answer to another event of the customer.
    pub(crate) is_inferred: bool,
    /// `true` if another process is sending its run at this moment.
    pub(crate) is_being_sent: bool,
    /// `true` if it is not settled, and some request for it may have been recorded.
    #[serde(rename = "may_be_recorded")]
    pub(crate) can_be_recorded: bool,
    pub(crate) http_status: Option<u16>,
    pub(crate) message: Option<String>,
    pub(crate) settled_at: Option<String>,
    pub(crate) api_event_id: Option<String>,
    pub(crate) promoter_email: Option<String>,
    pub(crate) promoter_ref_id: Option<String>,
    /// The commission that the API calculated, in minor units of the account's currency.
    pub(crate) commission_cents: Option<i64>,
    /// `true` if the journal has it again under the same id, with another content that counts.
    pub(crate) is_replaced: bool,
    /// `true` if it counts instead of an earlier content under the same id.
    pub(crate) is_replacement: bool,
    /// What needs attention; null if nothing does, or if it was accepted.
    pub(crate) attention: Option<LifeAttention>,
    pub(crate) accepted: Vec<LifeAcceptance>,
    pub(crate) runs: Vec<LifeRun>,
    pub(crate) attempts: Vec<LifeAttempt>,
    /// The runs that held it, instead of sending it.
    pub(crate) held: Vec<HeldLife>,
    /// The sale that a refund reverses.
    pub(crate) sale: Vec<RelatedEvent>,
    /// The refunds of a sale.
    pub(crate) refunds: Vec<RelatedEvent>,
    /// The events that correct its amount.
    pub(crate) corrections: Vec<RelatedEvent>,
}

/// What an export says of an event.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LifeEvent {
    pub(crate) kind: Kind,
    pub(crate) event_id: String,
    pub(crate) sale_event_id: Option<String>,
    /// Another id of the payment.
    pub(crate) reference: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) uid: Option<String>,
    /// The amount that is sent.
    #[serde(flatten)]
    pub(crate) amount: LifeMoney,
    /// What was paid or paid back in all, in minor units, where that is another amount.
    pub(crate) gross_cents: Option<i64>,
    /// The running total that a refund was read from, in minor units.
    pub(crate) refund_total_cents: Option<i64>,
    /// The amount of the export, where it was converted.
    pub(crate) original: Option<LifeOriginal>,
    pub(crate) created_at: Option<String>,
    pub(crate) plan: Option<String>,
    /// How it was read and linked.
    pub(crate) note: String,
}

/// An amount before it was converted.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LifeOriginal {
    #[serde(flatten)]
    pub(crate) amount: LifeMoney,
    pub(crate) rate: String,
    pub(crate) rate_date: String,
}

/// A run that has an event.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LifeRun {
    pub(crate) run: String,
    pub(crate) command: &'static str,
    pub(crate) started: String,
    /// `to_send`, or `met_again` where an earlier run had settled it or left it.
    pub(crate) role: &'static str,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u64>,
}

/// A request that was sent, or was to be sent.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LifeAttempt {
    pub(crate) number: u32,
    pub(crate) run: String,
    pub(crate) intended_at: String,
    /// Null if nothing is known of its answer.
    pub(crate) answered_at: Option<String>,
    pub(crate) answer: Option<String>,
    /// `recorded`, `none` or `unknown`.
    pub(crate) effect: Option<&'static str>,
    pub(crate) http_status: Option<u16>,
    pub(crate) message: Option<String>,
}

/// Another event that has to do with one.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RelatedEvent {
    pub(crate) kind: Kind,
    pub(crate) event_id: String,
    #[serde(flatten)]
    pub(crate) amount: LifeMoney,
    pub(crate) created_at: Option<String>,
    /// The outcome, `not_sent`, or `held`.
    pub(crate) outcome: &'static str,
    pub(crate) message: Option<String>,
}

/// An event that a run held.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HeldLife {
    #[serde(flatten)]
    pub(crate) event: LifeEvent,
    pub(crate) run: String,
    pub(crate) started: String,
    /// `conflict` or `unlinked`.
    pub(crate) plan_state: &'static str,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u64>,
    /// The ids of the sales that it may reverse.
    pub(crate) candidates: Vec<String>,
    /// `true` if it is held still, accepted or not.
    pub(crate) is_open: bool,
    /// What needs attention; null if nothing does any more, or if it was accepted.
    pub(crate) attention: Option<LifeAttention>,
    pub(crate) accepted: Vec<LifeAcceptance>,
}

fn text(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

impl LifeEvent {
    pub(crate) fn new(event: &Event) -> Self {
        LifeEvent {
            kind: event.kind,
            event_id: event.event_id().to_owned(),
            sale_event_id: text(event.sale_event_id.as_deref()),
            reference: text(event.reference.as_deref()),
            email: text(event.customer.email.as_deref()),
            uid: text(event.customer.uid.as_deref()),
            amount: event.money.into(),
            gross_cents: event.gross_cents,
            refund_total_cents: event.refund_total_cents,
            original: event.original.as_ref().map(|original| LifeOriginal {
                amount: Some(original.money).into(),
                rate: original.rate.to_string(),
                rate_date: original.rate_date.to_string(),
            }),
            created_at: event.created_at.map(|at| at.to_string()),
            plan: text(event.plan.as_deref()),
            note: event.note.to_string(),
        }
    }
}

impl From<Appearance> for LifeRun {
    fn from(run: Appearance) -> Self {
        LifeRun {
            run: run.run,
            command: run.command.as_str(),
            started: run.started.to_string(),
            role: match run.role {
                EventRole::ToSend => "to_send",
                EventRole::MetAgain => "met_again",
            },
            file: run.file,
            line: run.line,
        }
    }
}

impl From<AttemptRecord> for LifeAttempt {
    fn from(attempt: AttemptRecord) -> Self {
        LifeAttempt {
            number: attempt.number,
            run: attempt.run,
            intended_at: attempt.intended.to_string(),
            answered_at: attempt.answered.map(|at| at.to_string()),
            answer: attempt.answer,
            effect: attempt.effect.map(|effect| effect.as_str()),
            http_status: attempt.http_status,
            message: attempt.message,
        }
    }
}

impl RelatedEvent {
    fn of_record(record: &EventRecord) -> Self {
        let settled = record.settlement.as_ref();
        RelatedEvent::new(
            &record.event,
            outcome_word(record.outcome()),
            settled.and_then(|settled| settled.message.clone()),
        )
    }

    fn new(event: &Event, outcome: &'static str, message: Option<String>) -> Self {
        RelatedEvent {
            kind: event.kind,
            event_id: event.event_id().to_owned(),
            amount: event.money.into(),
            created_at: event.created_at.map(|at| at.to_string()),
            outcome,
            message,
        }
    }
}

impl LifeReader<'_> {
    /// Returns the events with an id, or with this as another id of theirs; none if the journal has none.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn events_with_id(&self, id: &str) -> Result<Vec<EventRow>, JournalError> {
        let by_id = self.journal.event_rows_by(EventsBy::Id(id))?;
        if by_id.is_empty() {
            self.journal.event_rows_by(EventsBy::OtherId(id))
        } else {
            Ok(by_id)
        }
    }

    /// Returns the life of an event.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn event(&self, row: EventRow) -> Result<Option<EventLife>, JournalError> {
        let Some(mut record) = self.journal.event(row)? else {
            return Ok(None);
        };
        record.event.original = self.journal.original_of(row)?.map(Box::new);
        let event_id = record.event.event_id();
        let is_replaced = self.replaced.contains_key(&row);
        let item = self.item_of(&record)?;
        let appearances = self.journal.appearances(row)?;
        let is_being_sent = record.settlement.is_none() && self.is_being_sent(&appearances);
        let needs_nothing = is_replaced || is_being_sent;
        let open = item
            .as_ref()
            .filter(|item| !needs_nothing && !self.is_accepted(item.id));
        let current = item.as_ref().map(|item| item.id);
        let accepted = self.acceptances(current, |record| {
            let of_event = record.item.event_id.as_deref() == Some(event_id);
            of_event && !is_unplanned(record.item.code)
        });
        let settled = record.settlement.as_ref();
        let with_export = self.latest_with_export(&appearances);
        let runs = appearances.into_iter();
        let attempts = self.journal.attempts_of(row)?.into_iter();
        Ok(Some(EventLife {
            event: LifeEvent::new(&record.event),
            outcome: outcome_word(record.outcome()),
            is_inferred: settled.is_some_and(|settled| settled.is_inferred),
            is_being_sent,
            can_be_recorded: settled.is_none() && record.is_maybe_recorded,
            http_status: settled.and_then(|settled| settled.http_status),
            message: settled.and_then(|settled| settled.message.clone()),
            settled_at: settled.map(|settled| settled.at.to_string()),
            api_event_id: settled.and_then(|settled| settled.api_event_id.clone()),
            promoter_email: settled.and_then(|settled| settled.promoter_email.clone()),
            promoter_ref_id: settled.and_then(|settled| settled.promoter_ref_id.clone()),
            commission_cents: settled.and_then(|settled| settled.commission_cents),
            is_replaced,
            is_replacement: self.replaced.values().any(|by| *by == row),
            attention: open
                .map(|item| self.attention(item, with_export))
                .transpose()?,
            accepted,
            runs: runs.map(LifeRun::from).collect(),
            attempts: attempts.map(LifeAttempt::from).collect(),
            held: self.held_with_id(event_id)?,
            sale: self.sale_of(&record.event)?,
            refunds: self.refunds_of(&record.event)?,
            corrections: self.related(EventsBy::Corrected(event_id))?,
        }))
    }

    fn is_being_sent(&self, appearances: &[Appearance]) -> bool {
        let mut to_send = appearances
            .iter()
            .filter(|own| own.role == EventRole::ToSend);
        let of_run = |id: &RunId| self.run(*id).map(|run| run.name.as_str());
        let names: Vec<&str> = self.sending.iter().filter_map(of_run).collect();
        to_send.any(|own| names.contains(&own.run.as_str()))
    }

    /// Returns the latest run whose exports have an event.
    fn latest_with_export(&self, appearances: &[Appearance]) -> Option<&RunRecord> {
        let read = appearances.iter().filter(|own| own.file.is_some());
        let latest = read.max_by_key(|own| own.started)?;
        self.runs.iter().find(|run| run.name == latest.run)
    }

    /// Returns the item of an event that needs attention, accepted or not.
    fn item_of(&self, record: &EventRecord) -> Result<Option<Item>, JournalError> {
        let flag = match record.outcome() {
            Some(_) => self.journal.flag_of(record.row)?,
            None => None,
        };
        let mut code = AttentionCode::from_result(record.outcome(), flag);
        if code == Some(AttentionCode::Failed)
            && self.journal.events_of_undone_runs()?.contains(&record.row)
        {
            code = Some(AttentionCode::LeftOut);
        }
        Ok(code.map(|code| event_item(code, record)))
    }

    fn sale_of(&self, event: &Event) -> Result<Vec<RelatedEvent>, JournalError> {
        match event.sale_event_id.as_deref() {
            Some(sale) => self.related(EventsBy::Id(sale)),
            None => Ok(Vec::new()),
        }
    }

    /// Returns the refunds of a sale: those that were to be sent, and those that are held now.
    fn refunds_of(&self, event: &Event) -> Result<Vec<RelatedEvent>, JournalError> {
        if event.kind != Kind::Sale {
            return Ok(Vec::new());
        }
        let sale = event.event_id();
        let mut refunds = self.related(EventsBy::Sale(sale))?;
        let mut seen: Vec<ItemId> = Vec::new();
        for (run, record) in self.journal.held_by_id(sale)? {
            let item = self.held_item(run, &record);
            let is_refund = record.event.sale_event_id.as_deref() == Some(sale);
            if is_refund && !seen.contains(&item.id) && self.is_open(item.id)? {
                let note = record.event.note.to_string();
                refunds.push(RelatedEvent::new(&record.event, "held", Some(note)));
                seen.push(item.id);
            }
        }
        Ok(refunds)
    }

    /// Returns the events that an id selects, without those that were replaced.
    fn related(&self, by: EventsBy<'_>) -> Result<Vec<RelatedEvent>, JournalError> {
        let mut related = Vec::new();
        for row in self.journal.event_rows_by(by)? {
            if !self.replaced.contains_key(&row)
                && let Some(record) = self.journal.event(row)?
            {
                related.push(RelatedEvent::of_record(&record));
            }
        }
        Ok(related)
    }

    /// Returns the times when runs held an event with this id, the first one first.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn held_with_id(&self, id: &str) -> Result<Vec<HeldLife>, JournalError> {
        let held = self
            .journal
            .held_by_id(id)?
            .into_iter()
            .filter(|(_, record)| record.event.event_id() == id);
        self.held_lives(held)
    }

    pub(super) fn held_lives(
        &self,
        held: impl Iterator<Item = (RunId, HeldRecord)>,
    ) -> Result<Vec<HeldLife>, JournalError> {
        held.map(|(run, record)| self.held_life(run, record))
            .collect()
    }

    fn held_item(&self, run: RunId, record: &HeldRecord) -> Item {
        let inputs = self.run(run).map_or(&[][..], |run| &run.inputs);
        held_item(record, inputs)
    }

    fn held_life(&self, run: RunId, record: HeldRecord) -> Result<HeldLife, JournalError> {
        let item = self.held_item(run, &record);
        let run = self.run(run);
        let is_open = self.is_open(item.id)?;
        let needs_attention = is_open && !self.is_accepted(item.id);
        let candidates = record.event.details().candidates.as_deref();
        Ok(HeldLife {
            event: LifeEvent::new(&record.event),
            run: run.map_or(String::new(), |run| run.name.clone()),
            started: run.map_or(String::new(), |run| run.started.to_string()),
            plan_state: record.state.as_str(),
            file: record.file,
            line: item.line,
            candidates: candidates
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            is_open,
            attention: needs_attention
                .then(|| self.attention(&item, run))
                .transpose()?,
            accepted: self.acceptances(Some(item.id), |own| own.item.id == item.id),
        })
    }
}
