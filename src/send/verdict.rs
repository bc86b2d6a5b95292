//! Decides what an answer does to its event, as the one place that does.

use jiff::Timestamp;

use super::refusals::RefusalSeries;
use crate::event::{Event, Kind};
use crate::journal::{Effect, Outcome, Settlement};
use crate::tracking::{Answer, Receipt};

/// Says what is to be done after an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The event has its final answer.
    Settle(Settlement),
    /// The event has to be sent again, later; if nothing better comes of that, this is its result.
    Again(Option<Settlement>),
    /// All requests have to slow down, and the event has to be sent again.
    SlowDown,
    /// The run has to stop: no other event would fare better.
    Stop(Halt),
}

/// Names why a run can't continue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The API refused the key.
    KeyRefused {
        /// The message of the API.
        message: String,
    },
    /// The API refused one event after the other in the same words.
    SameRefusal {
        /// The kind of series that stopped the run.
        series: RefusalSeries,
        /// The message of the API, with the status.
        message: String,
    },
    /// The server can't prove who it is.
    Untrusted {
        /// The fault of its certificate.
        message: String,
    },
}

/// Returns `true` if the same event may be sent twice: the API recognises a second one by its id (sign-ups by
/// their lead), except cancellations that are sent without an id.
pub(super) fn is_repeatable(kind: Kind, has_event_id: bool) -> bool {
    kind != Kind::Cancellation || has_event_id
}

/// Returns what an answer says of the request's effect at the API.
pub(super) fn effect(answer: &Answer) -> Effect {
    match answer {
        Answer::Recorded(_) | Answer::OtherAmount { .. } | Answer::AlreadyThere { .. } => {
            Effect::Recorded
        }
        Answer::Unclear { .. } | Answer::NotThisEvent { .. } => Effect::Unknown,
        Answer::NotReferral { .. }
        | Answer::Refused { .. }
        | Answer::Conflicting { .. }
        | Answer::KeyRefused { .. }
        | Answer::TooFast { .. }
        | Answer::NotDelivered { .. }
        | Answer::Untrusted { .. } => Effect::None,
    }
}

/// Says what is known of an event's attempts when an answer comes.
#[derive(Clone, Copy)]
pub(super) struct Attempts {
    /// `true` if an attempt before the one that was answered may have taken effect.
    pub(super) is_maybe_recorded: bool,
    /// `true` if the event can be sent twice and count once.
    pub(super) is_repeatable: bool,
}

/// Returns what to do with an event after `answer`.
pub(super) fn verdict(
    event: &Event,
    answer: &Answer,
    attempts: Attempts,
    at: Timestamp,
) -> Verdict {
    let settled = |outcome| settlement(outcome, answer, at);
    let settle = |outcome| Verdict::Settle(settled(outcome));
    match answer {
        Answer::Recorded(receipt) | Answer::OtherAmount { receipt, .. } => {
            Verdict::Settle(Settlement {
                api_event_id: receipt.api_event_id.clone(),
                promoter_email: receipt.promoter_email.clone(),
                promoter_ref_id: receipt.promoter_ref_id.clone(),
                commission_cents: signed_commission(event.kind, receipt),
                ..settlement(Outcome::Tracked, answer, at)
            })
        }
        Answer::NotReferral { .. } => settle(Outcome::NonReferral),
        Answer::AlreadyThere { .. } if attempts.is_maybe_recorded => settle(Outcome::Tracked),
        Answer::AlreadyThere { .. } => settle(Outcome::AlreadyTracked),
        Answer::Refused { .. } => settle(Outcome::Failed),
        Answer::Unclear { .. } if attempts.is_repeatable => Verdict::Again(None),
        Answer::NotThisEvent { .. } if attempts.is_repeatable => {
            Verdict::Again(Some(settled(Outcome::Unconfirmed)))
        }
        Answer::Unclear { .. } | Answer::NotThisEvent { .. } => settle(Outcome::Unconfirmed),
        Answer::Conflicting { .. } => {
            Verdict::Again(Some(settled(if attempts.is_maybe_recorded {
                Outcome::Unconfirmed
            } else {
                Outcome::Failed
            })))
        }
        Answer::NotDelivered { .. } => Verdict::Again(None),
        Answer::TooFast { .. } => Verdict::SlowDown,
        Answer::KeyRefused { message, .. } => Verdict::Stop(Halt::KeyRefused {
            message: message.clone(),
        }),
        Answer::Untrusted { message } => Verdict::Stop(Halt::Untrusted {
            message: message.clone(),
        }),
    }
}

/// Returns the commission with its sign: refunds reduce commission, whatever sign the answer writes.
fn signed_commission(kind: Kind, receipt: &Receipt) -> Option<i64> {
    receipt.commission_cents.map(|cents| match kind {
        Kind::Refund => -cents.saturating_abs(),
        _ => cents,
    })
}

fn settlement(outcome: Outcome, answer: &Answer, at: Timestamp) -> Settlement {
    let message = answer.message();
    Settlement {
        http_status: answer.status(),
        message: (!message.is_empty()).then(|| message.to_owned()),
        ..Settlement::without_answer(outcome, None, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Customer, ExportLine};

    fn event(kind: Kind) -> Event {
        let customer = Customer::new(Some("a@example.com"), None);
        Event::new(kind, "x".into(), customer, ExportLine { input: 0, line: 2 })
    }

    fn decided(kind: Kind, answer: &Answer, is_maybe_recorded: bool) -> Verdict {
        let attempts = Attempts {
            is_maybe_recorded,
            is_repeatable: is_repeatable(kind, false),
        };
        verdict(&event(kind), answer, attempts, Timestamp::UNIX_EPOCH)
    }

    fn outcome(kind: Kind, answer: &Answer, is_maybe_recorded: bool) -> Option<Outcome> {
        match decided(kind, answer, is_maybe_recorded) {
            Verdict::Settle(settlement) => Some(settlement.outcome),
            _ => None,
        }
    }

    #[test]
    fn a_conflict_is_ours_only_after_an_attempt_that_may_have_worked() {
        let there = Answer::AlreadyThere {
            status: 409,
            message: String::new(),
        };
        assert_eq!(
            outcome(Kind::Sale, &there, false),
            Some(Outcome::AlreadyTracked)
        );
        assert_eq!(outcome(Kind::Sale, &there, true), Some(Outcome::Tracked));
    }

    #[test]
    fn what_got_no_answer_is_asked_again_unless_that_could_count_twice() {
        let unclear = Answer::Unclear {
            status: None,
            message: "connection reset".into(),
        };
        assert_eq!(outcome(Kind::Sale, &unclear, false), None);
        assert_eq!(outcome(Kind::Refund, &unclear, false), None);
        assert_eq!(
            outcome(Kind::Cancellation, &unclear, false),
            Some(Outcome::Unconfirmed)
        );
    }

    #[test]
    fn what_is_asked_again_in_vain_is_never_better_than_what_is_known() {
        let in_the_end = |kind, answer: &Answer, is_maybe_recorded| match decided(
            kind,
            answer,
            is_maybe_recorded,
        ) {
            Verdict::Again(settlement) => settlement.map(|settlement| settlement.outcome),
            other => panic!("{other:?}"),
        };
        let message = || "another request is in progress".to_owned();
        let conflict = Answer::Conflicting { message: message() };
        let other = Answer::NotThisEvent {
            status: 200,
            message: message(),
        };
        assert_eq!(
            in_the_end(Kind::Sale, &conflict, false),
            Some(Outcome::Failed)
        );
        assert_eq!(
            in_the_end(Kind::Sale, &conflict, true),
            Some(Outcome::Unconfirmed)
        );
        assert_eq!(
            in_the_end(Kind::Sale, &other, false),
            Some(Outcome::Unconfirmed)
        );
        assert_eq!(
            outcome(Kind::Cancellation, &other, false),
            Some(Outcome::Unconfirmed)
        );
    }

    #[test]
    fn a_cancellation_that_never_left_may_go_again() {
        let unreachable = Answer::NotDelivered {
            status: None,
            message: "connection refused".into(),
        };
        assert_eq!(outcome(Kind::Cancellation, &unreachable, false), None);
        assert_eq!(effect(&unreachable), Effect::None);
    }

    #[test]
    fn a_refund_reduces_commission_whatever_its_sign() {
        for cents in [1200, -1200] {
            let answer = Answer::Recorded(Receipt {
                commission_cents: Some(cents),
                ..Receipt::default()
            });
            let Verdict::Settle(settled) = decided(Kind::Refund, &answer, false) else {
                panic!("a recorded event is settled");
            };
            assert_eq!(settled.commission_cents, Some(-1200));
        }
    }
}
