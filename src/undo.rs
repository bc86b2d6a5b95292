//! Plans what would undo a run: a refund of all that is left of each sale that it had tracked.
//!
//! Amounts are those that were sent: a sale less its refunds, whichever run sent them. If that is not certain, the
//! refund is held with the reason. The id of the refund is made from that of its sale, so that a second undo finds what
//! the first one did.

mod again;
mod in_account;

use std::collections::HashSet;

use jiff::Timestamp;

pub(crate) use again::{PlannedAgain, plan_again};
pub(crate) use in_account::{AccountLines, AccountUnits, PaidSums, PaidToPromoter, PromoterKey};

use crate::event::{
    Correction, Event, EventKey, KeyMap, Kind, Money, Original, Tally, Text, is_undo, undo_id,
};
use crate::journal::{
    AccountCheck, AttentionCode, EventRecord, EventRow, JournalError, JournalReader, Outcome,
    RefundRecord, RunRecord, Settlement,
};
use crate::problem::{Problem, ProblemCode, Problems};
use crate::shell_word::shell_word;

/// Holds a refund that undoes a sale, and that sale.
#[derive(Clone, Debug)]
pub(crate) struct UndoRefund {
    /// The refund.
    pub(crate) refund: Event,
    /// The number of its sale.
    pub(crate) sale: EventRow,
    /// The refund of an earlier undo that was not sent, and whose place it takes.
    pub(crate) replaces: Option<EventRow>,
    /// The amount of the sale as it was sent.
    sent: Option<Money>,
    /// `true` if the sale has a commission, as far as its answer said.
    can_have_commission: bool,
    /// The promoter of the sale, as far as its answer said.
    promoter: PromoterKey,
    /// `true` if a commission of the sale is marked as paid.
    pub(crate) is_paid: bool,
}

/// Holds an event that the run has left to send, and that an undo leaves out.
#[derive(Clone, Debug)]
pub(crate) struct Unsent {
    /// The event, as the journal has it.
    pub(crate) record: EventRecord,
    /// The outcome that it gets.
    pub(crate) outcome: Outcome,
}

/// Holds what would undo a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct UndoPlan {
    /// The refunds to send, in the order of their sales.
    pub(crate) to_send: Vec<UndoRefund>,
    /// The refunds that are not sent, each with the reason in its note.
    pub(crate) held: Vec<Event>,
    /// The refunds that an earlier undo of these sales recorded.
    pub(crate) earlier: Tally,
    /// The sales that other refunds have refunded in full.
    pub(crate) refunded: Tally,
    /// Those of them that others have refunded, as the account's list says, each with what they refunded in minor units of
    /// its currency.
    pub(crate) refunded_by_others: Vec<(EventRow, i64)>,
    /// The refunds of an earlier undo that are not tracked and need attention, and those that were not sent since nothing is
    /// left of their sales.
    pub(crate) open: Vec<EventRow>,
    /// The number of refunds of an earlier undo that are not sent yet.
    pub(crate) unfinished: u64,
    /// The events that the run has left to send.
    pub(crate) unsent: Vec<Unsent>,
    /// What a person should know of the undo.
    pub(crate) problems: Problems,
    /// What the account says of the sales; `None` if it was not read.
    pub(crate) account: Option<AccountCheck>,
    /// The commissions of the sales to undo that are marked as paid, by promoter.
    pub(crate) paid: Vec<PaidToPromoter>,
}

impl UndoPlan {
    /// Returns `true` if there is nothing to undo and nothing was undone before.
    pub(crate) fn is_empty(&self) -> bool {
        self.to_send.is_empty()
            && self.held.is_empty()
            && self.unsent.is_empty()
            && self.earlier.count() == 0
    }

    /// Returns the sums of the refunds to send.
    pub(crate) fn tally_to_send(&self) -> Tally {
        tally_of(self.to_send.iter().map(|undo| &undo.refund))
    }

    /// Returns the sums of the refunds that are held.
    pub(crate) fn tally_held(&self) -> Tally {
        tally_of(self.held.iter())
    }

    /// Returns the sums of the events that the run has left to send.
    pub(crate) fn tally_unsent(&self) -> Tally {
        tally_of(self.unsent.iter().map(|unsent| &unsent.record.event))
    }
}

fn tally_of<'e>(events: impl Iterator<Item = &'e Event>) -> Tally {
    let mut tally = Tally::default();
    for event in events {
        tally.add(event.kind, event.money);
    }
    tally
}

/// Plans what would undo a run. `accepted` are the events that somebody has accepted as they are, `now` is the
/// date of the refunds.
///
/// # Errors
///
/// The journal can't be read.
pub(crate) fn plan(
    journal: &JournalReader,
    run: &RunRecord,
    accepted: &HashSet<EventRow>,
    now: Timestamp,
) -> Result<UndoPlan, JournalError> {
    let not_sent: HashSet<EventRow> = journal
        .undo_refunds(|_, outcome, is_without_request| {
            is_without_request && matches!(outcome, Some(Outcome::Failed | Outcome::Unconfirmed))
        })?
        .into_values()
        .flatten()
        .collect();
    plan_without(journal, run, (accepted, &not_sent), now)
}

/// Plans what would undo a run, as if these refunds of earlier undos were not there.
fn plan_without(
    journal: &JournalReader,
    run: &RunRecord,
    (accepted, without): (&HashSet<EventRow>, &HashSet<EventRow>),
    now: Timestamp,
) -> Result<UndoPlan, JournalError> {
    let mut sales: KeyMap<Refunds> = KeyMap::default();
    // What sales of this run correct, with whether anything of it was refunded.
    let mut corrected: KeyMap<bool> = KeyMap::default();
    let mut left: KeyMap<()> = KeyMap::default();
    journal.for_each_event(run.id, |record| {
        let key = record.event.key();
        match (record.event.kind, record.outcome()) {
            (Kind::Sale, Some(Outcome::Tracked)) => {
                sales.insert(key, Refunds::default());
                corrected.extend(corrected_by(&record.event).map(|base| (base, false)));
            }
            (_, None) => {
                left.insert(key, ());
            }
            _ => {}
        }
        Ok::<_, JournalError>(())
    })?;
    let flags = journal.flags()?;
    let mut undone_before: HashSet<EventKey> = HashSet::new();
    journal.for_each_refund(|refund| {
        undone_before.extend(undone_by(&refund.event));
        let sale = refund.event.sale_event_id.as_deref().map(EventKey::from_id);
        if let Some(is_refunded) = sale.and_then(|sale| corrected.get_mut(&sale)) {
            let is_undo = undone_by(&refund.event).is_some();
            *is_refunded |= !is_undo && refund.outcome != Some(Outcome::Failed);
        }
        if let Some(refunds) = sale.and_then(|sale| sales.get_mut(&sale)) {
            let standing = RefundStanding {
                is_accepted: accepted.contains(&refund.row),
                is_left_out: left.contains_key(&refund.event.key()),
                is_planned_again: without.contains(&refund.row),
                flag: flags.get(&refund.row).copied(),
            };
            refunds.add(&refund, standing);
        }
    })?;
    let mut originals = journal.originals()?;
    let mut planned = UndoPlan::default();
    let mut rest = NotReversed::default();
    journal.for_each_event(run.id, |record| {
        let key = record.event.key();
        if record.settlement.is_none() {
            planned.unsent.push(unsent(record));
            return Ok(());
        }
        match sales.get(&key).filter(|_| record.event.kind == Kind::Sale) {
            Some(refunds) => {
                let base = corrected_by(&record.event);
                let sale = UndoneSale {
                    is_corrected_refunded: base
                        .is_some_and(|base| corrected.get(&base) == Some(&true)),
                    original: originals.remove(&record.row),
                    flag: flags.get(&record.row).copied(),
                    record,
                };
                planned.add(&sale, refunds, (run, now));
            }
            None => rest.add(&record, |sale| {
                let sale = EventKey::from_id(sale);
                sales.contains_key(&sale) || undone_before.contains(&sale)
            }),
        }
        Ok::<_, JournalError>(())
    })?;
    let held = planned.held.iter().map(|refund| held_problem(refund, run));
    let problems: Vec<Problem> = rest.problems().chain(held).collect();
    planned.problems.extend(problems);
    planned.problems.extend(planned.left_out_problem());
    Ok(planned)
}

/// Returns the sale that a refund undoes, if it is one that undoes.
fn undone_by(refund: &Event) -> Option<EventKey> {
    let sale = refund.sale_event_id.as_deref();
    let is_one = is_undo(refund.kind, refund.event_id(), sale);
    sale.filter(|_| is_one).map(EventKey::from_id)
}

/// Returns the event that a sale corrects, if it is a correction.
fn corrected_by(sale: &Event) -> Option<EventKey> {
    Correction::from_id(sale.kind, sale.event_id()).map(|correction| correction.base)
}

/// Returns an event that the run has left to send, with the outcome of leaving it out.
fn unsent(record: EventRecord) -> Unsent {
    let outcome = if record.is_maybe_recorded {
        Outcome::Unconfirmed
    } else {
        Outcome::Failed
    };
    Unsent { record, outcome }
}

/// Says what is known of a refund beside its outcome.
#[derive(Clone, Copy, Debug)]
struct RefundStanding {
    is_accepted: bool,
    /// `true` if it is left to send, and this undo leaves it out.
    is_left_out: bool,
    /// `true` if it is the refund of an earlier undo, and is planned as if it was not there.
    is_planned_again: bool,
    flag: Option<AttentionCode>,
}

/// Holds the refunds of a sale.
#[derive(Debug, Default)]
struct Refunds {
    /// The sum of what was sent, in minor units.
    sent_cents: i64,
    /// The sum of it as it was read.
    read_cents: i64,
    /// The sum of what was paid back.
    paid_cents: i64,
    /// The reason why the sale is held: its first refund that is neither tracked nor accepted.
    unsettled: Option<String>,
    /// The refund of an earlier undo.
    undo: Option<EarlierUndo>,
    /// The refund of an earlier undo that is planned again.
    planned_again: Option<EventRow>,
}

/// Holds the refund of an earlier undo of a sale.
#[derive(Clone, Copy, Debug)]
struct EarlierUndo {
    row: EventRow,
    money: Option<Money>,
    outcome: Option<Outcome>,
}

impl Refunds {
    fn add(&mut self, refund: &RefundRecord, standing: RefundStanding) {
        let event = &refund.event;
        if is_undo(event.kind, event.event_id(), event.sale_event_id.as_deref()) {
            if standing.is_planned_again {
                self.planned_again = Some(refund.row);
                return;
            }
            self.undo = Some(EarlierUndo {
                row: refund.row,
                money: event.money,
                outcome: refund.outcome,
            });
            return;
        }
        let id = event.event_id();
        let word = shell_word(id);
        let unsettled = match (refund.outcome, standing.flag) {
            (Some(outcome), Some(AttentionCode::OtherAmount)) if outcome.is_tracked() => {
                format!("FirstPromoter has recorded its refund `{id}` with another amount")
            }
            (Some(outcome), _) if outcome.is_tracked() => {
                self.count(event);
                return;
            }
            // Nothing of it will be sent.
            (Some(Outcome::Failed | Outcome::NonReferral), _) if standing.is_accepted => return,
            (None, _) if standing.is_left_out => return,
            (None, _) => format!("its refund `{id}` is not sent yet; `fprecon resume` sends it"),
            (Some(Outcome::Unconfirmed), _) => format!(
                "its refund `{id}` is unconfirmed; `fprecon retry --event {word}` sends it again"
            ),
            (Some(_), _) => format!(
                "its refund `{id}` was not recorded; `fprecon retry --event {word}` sends it again, or accept that as it is"
            ),
        };
        self.unsettled.get_or_insert(unsettled);
    }

    /// Adds a refund that the API has.
    fn count(&mut self, refund: &Event) {
        let cents = |money: Option<Money>| money.map_or(0, |money| money.amount_cents);
        let sum = |sum: &mut i64, cents: i64| *sum = sum.saturating_add(cents);
        sum(&mut self.sent_cents, cents(refund.money));
        sum(&mut self.read_cents, cents(refund.read_money()));
        sum(&mut self.paid_cents, refund.paid_cents().unwrap_or(0));
    }
}

/// Holds a sale that is undone.
struct UndoneSale {
    record: EventRecord,
    /// `true` if it corrects an event of which refunds were sent: they may be of this sale, too.
    is_corrected_refunded: bool,
    original: Option<Original>,
    flag: Option<AttentionCode>,
}

/// Holds what is left of a sale.
enum Remaining {
    /// All of it is refunded.
    Nothing,
    /// This refund reverses the rest.
    Refund(Box<Event>),
    /// How much is left is not known, for this reason.
    Unknown(String),
}

impl UndoneSale {
    fn event(&self) -> &Event {
        &self.record.event
    }

    /// Returns the refund of all that is left of the sale.
    fn left(&self, refunds: &Refunds) -> Remaining {
        if self.flag == Some(AttentionCode::OtherAmount) {
            return Remaining::Unknown(
                "FirstPromoter has recorded it with another amount".to_owned(),
            );
        }
        if let Some(reason) = &refunds.unsettled {
            return Remaining::Unknown(reason.clone());
        }
        if self.is_corrected_refunded {
            return Remaining::Unknown(
                "it corrects another sale, whose refunds may be of this one, too".to_owned(),
            );
        }
        let sale = self.event();
        let Some(sent) = sale.money else {
            return Remaining::Unknown("its amount is not known".to_owned());
        };
        let read = self.original.as_ref().map_or(sent, |it| it.money);
        let paid_cents = sale.gross_cents.unwrap_or(read.amount_cents);
        let sent_cents = sent.amount_cents - refunds.sent_cents;
        let read_cents = read.amount_cents - refunds.read_cents;
        if sent_cents <= 0 {
            return Remaining::Nothing;
        }
        if self.original.is_some() && read_cents <= 0 {
            return Remaining::Unknown(
                "what was sent of it is not refunded, and what was paid for it is".to_owned(),
            );
        }
        let mut refund = self.refund();
        refund.money = Some(Money {
            amount_cents: sent_cents,
            ..sent
        });
        refund.original = self.original.clone().map(|original| {
            Box::new(Original {
                money: Money {
                    amount_cents: read_cents,
                    ..read
                },
                ..original
            })
        });
        let left_cents = paid_cents - refunds.paid_cents;
        refund.gross_cents = Some(left_cents).filter(|&left| left > 0 && left != read_cents);
        Remaining::Refund(Box::new(refund))
    }

    /// Returns a refund of the sale, with all of its amount.
    fn refund(&self) -> Event {
        let sale = self.event();
        let id = undo_id(sale.event_id());
        let mut refund = Event::without_source(Kind::Refund, id, sale.customer.clone());
        refund.sale_event_id = Some(Text::new(sale.event_id()));
        refund.money = sale.money;
        refund
    }
}

impl UndoPlan {
    /// Warns that the run has events left to send.
    fn left_out_problem(&self) -> Option<Problem> {
        let unsent = self.tally_unsent();
        if unsent.count() == 0 {
            return None;
        }
        let message =
            format!("left to send by this run, and not sent any more once it is undone: {unsent}");
        Some(Problem::warning(ProblemCode::UndoLeftOut, message).hint(
            "they are then in failed.csv of the undo's report, and need attention: accept that file with `fprecon accept FILE --reason TEXT` if they should not be sent; `fprecon run FILE` or `fprecon retry --event ID` sends them, and `fprecon retry --failed` does not",
        ))
    }

    fn add(&mut self, sale: &UndoneSale, refunds: &Refunds, (run, now): (&RunRecord, Timestamp)) {
        if let Some(undo) = refunds.undo {
            self.earlier.add(Kind::Refund, undo.money);
            match undo.outcome {
                None => self.unfinished += 1,
                Some(outcome) if outcome.is_tracked() => {}
                Some(_) => self.open.push(undo.row),
            }
            return;
        }
        match sale.left(refunds) {
            Remaining::Nothing => {
                self.refunded.add(Kind::Sale, sale.event().money);
                self.open.extend(refunds.planned_again);
            }
            Remaining::Refund(refund) => {
                let mut refund = *refund;
                refund.created_at = Some(now);
                refund.remark(&format!("undoes what the run {} has sent", run.name));
                let settlement = sale.record.settlement.as_ref();
                self.to_send.push(UndoRefund {
                    refund,
                    sale: sale.record.row,
                    replaces: refunds.planned_again,
                    sent: sale.event().money,
                    can_have_commission: settlement.is_none_or(Settlement::can_have_commission),
                    promoter: settlement.map_or((None, None), |it| {
                        (it.promoter_email.clone(), it.promoter_ref_id.clone())
                    }),
                    is_paid: false,
                });
            }
            Remaining::Unknown(reason) => {
                let mut refund = sale.refund();
                refund.remark(&reason);
                self.held.push(refund);
            }
        }
    }
}

/// Returns the error that a refund is held, with what to do.
fn held_problem(refund: &Event, run: &RunRecord) -> Problem {
    let message = format!(
        "refund `{}`: the rest of its sale can't be undone: {}",
        refund.event_id(),
        refund.note
    );
    let id = shell_word(refund.event_id());
    Problem::error(ProblemCode::UndoHeld, message).hint(format!(
        "once that is settled, `fprecon undo {} --yes` refunds the rest; if you refund it in FirstPromoter, `fprecon accept --event {id} --reason TEXT`",
        run.name
    ))
}

/// Adds up what a run has sent and an undo does not reverse.
#[derive(Debug, Default)]
struct NotReversed {
    /// The tracked sign-ups and cancellations.
    irreversible: Tally,
    /// The sales that were there before the run sent them.
    elsewhere: Tally,
    /// The tracked refunds of sales that are not undone.
    refunds: Tally,
}

impl NotReversed {
    fn add(&mut self, record: &EventRecord, is_undone: impl Fn(&str) -> bool) {
        let event = &record.event;
        let tally = match (event.kind, record.outcome()) {
            (Kind::Signup | Kind::Cancellation, Some(Outcome::Tracked)) => &mut self.irreversible,
            (Kind::Sale, Some(Outcome::AlreadyTracked)) => &mut self.elsewhere,
            (Kind::Refund, Some(Outcome::Tracked))
                if !event.sale_event_id.as_deref().is_some_and(is_undone) =>
            {
                &mut self.refunds
            }
            _ => return,
        };
        tally.add(event.kind, event.money);
    }

    fn problems(self) -> impl Iterator<Item = Problem> {
        let all = [
            (
                self.irreversible,
                "can't be undone, since the API takes no call that does so",
                "correct them in FirstPromoter itself, if they are wrong",
            ),
            (
                self.elsewhere,
                "were in FirstPromoter before this run sent them, and are not undone",
                "if they are wrong, deny their commissions in FirstPromoter",
            ),
            (
                self.refunds,
                "reverse sales that are not undone, and stay",
                "if they are wrong, correct their commissions in FirstPromoter",
            ),
        ];
        let left = all.into_iter().filter(|(tally, ..)| tally.count() > 0);
        left.map(|(tally, what, hint)| {
            Problem::warning(ProblemCode::UndoPartial, format!("{tally}: {what}")).hint(hint)
        })
    }
}
