//! Handles answers: what each makes of its event, of the pace, and of the run.

use std::time::{Duration, Instant};

use futures::{FutureExt, StreamExt};
use jiff::Timestamp;

use super::{After, Answered, Sender};
use crate::journal::{AttentionCode, Entry, EventRow, Outcome, Settlement};
use crate::send::failure_streak::FailureStreak;
use crate::send::lanes::Basis;
use crate::send::refusals::refusal_of;
use crate::send::verdict::{Attempts, Halt, Verdict, effect, verdict};
use crate::send::{End, MAX_SLOWED, backoff, describe};
use crate::tracking::{Answer, Reply};

impl Sender<'_> {
    /// Handles an answer, and with it all that have come by now: together they share a commit.
    pub(super) fn on_answers(&mut self, first: Answered) {
        let mut next = Some(first);
        while let Some((row, left, reply)) = next {
            self.on_reply(row, left, &reply);
            next = self.in_flight.next().now_or_never().flatten();
        }
    }

    /// Handles one answer to the request for an event that was sent when it left.
    fn on_reply(&mut self, row: EventRow, left: Instant, reply: &Reply) {
        let Reply { answer, wait } = reply;
        if !matches!(
            answer,
            Answer::TooFast { .. } | Answer::NotDelivered { .. } | Answer::Untrusted { .. }
        ) {
            self.pace.was_let_through(left);
        }
        if matches!(self.end, Some(End::Journal(_))) {
            return;
        }
        let slot = self.slot_of(row);
        let at = Timestamp::now();
        let attempts = Attempts {
            is_maybe_recorded: slot.is_maybe_recorded,
            is_repeatable: slot.is_repeatable,
        };
        let verdict = verdict(&slot.event, answer, attempts, at);
        match wait {
            Some(wait) if verdict != Verdict::SlowDown => self.wait_as_asked(*wait),
            _ => {}
        }
        self.check_refusals(row, answer);
        match verdict {
            Verdict::Settle(settlement)
                if matches!(answer, Answer::Refused { .. }) && self.refusals.is_start() =>
            {
                self.record(
                    row,
                    answer,
                    at,
                    None,
                    After::Deferred(row, settlement, Basis::Asked),
                );
            }
            Verdict::Settle(settlement) => self.settle(row, answer, at, settlement),
            Verdict::Again(in_the_end) => {
                // An answer that came whole is not a sign of an API that is down.
                if in_the_end.is_none() {
                    self.on_failure(answer);
                }
                self.ask_again(row, reply, at, in_the_end);
            }
            Verdict::SlowDown => {
                self.pace.slow_down(left, *wait, Instant::now());
                self.trouble.note(true);
                self.progress.trouble = Some(describe(answer));
                self.give_up_if_too_long(answer);
                self.ask_again(row, reply, at, None);
            }
            Verdict::Stop(halt) => {
                self.record(row, answer, at, None, After::Left(row));
                self.wind_down(End::Halted(halt));
            }
        }
    }

    /// Settles an event by its answer.
    fn settle(
        &mut self,
        row: EventRow,
        answer: &Answer,
        at: Timestamp,
        mut settlement: Settlement,
    ) {
        self.flag(row, &mut settlement);
        if matches!(answer, Answer::OtherAmount { .. }) {
            let code = AttentionCode::OtherAmount;
            self.outbox
                .push((Entry::Flag { event: row, code }, After::Flagged));
        }
        if settlement.outcome == Outcome::Tracked
            && self.not_dated.contains(&row)
            && !matches!(answer, Answer::OtherAmount { .. })
        {
            let code = AttentionCode::NotDated;
            self.outbox
                .push((Entry::Flag { event: row, code }, After::Flagged));
        }
        if matches!(answer, Answer::Unclear { .. }) {
            self.on_failure(answer);
        } else {
            self.trouble = FailureStreak::default();
            self.progress.trouble = None;
        }
        let after = After::Settled(row, settlement.outcome, Basis::Asked);
        self.record(row, answer, at, Some(settlement), after);
    }

    /// Stops if the account seems to be refused, and not the events.
    fn check_refusals(&mut self, row: EventRow, answer: &Answer) {
        match answer {
            Answer::Recorded(_)
            | Answer::OtherAmount { .. }
            | Answer::NotReferral { .. }
            | Answer::AlreadyThere { .. } => {
                self.refusals.went_well();
                self.flush_deferred();
            }
            // Each event is counted once.
            _ if self.tries.contains_key(&row) => {}
            _ => {
                let refusal = refusal_of(&self.slot_of(row).event, answer);
                let series = refusal.and_then(|text| self.refusals.note(text));
                if let Some(series) = series {
                    let message = describe(answer);
                    self.wind_down(End::Halted(Halt::SameRefusal { series, message }));
                }
            }
        }
    }

    /// Waits as long as the API asks, with whatever answer it does so. That time does not count as failing.
    fn wait_as_asked(&mut self, wait: Duration) {
        let now = Instant::now();
        if !self.pace.is_paused(now) {
            self.trouble.exclude(wait);
        }
        self.pace.pause(wait, now);
    }

    fn record(
        &mut self,
        row: EventRow,
        answer: &Answer,
        at: Timestamp,
        settlement: Option<Settlement>,
        after: After,
    ) {
        let message = answer.message();
        let entry = Entry::Answer {
            event: row,
            number: self.slot_of(row).attempts,
            at,
            answer: answer.word(),
            effect: effect(answer),
            http_status: answer.status(),
            message: (!message.is_empty()).then(|| message.to_owned()),
            settlement,
        };
        self.outbox.push((entry, after));
    }

    /// Schedules another attempt, unless there were enough: then `in_the_end` is the event's result, or it is
    /// left to the next run.
    fn ask_again(
        &mut self,
        row: EventRow,
        reply: &Reply,
        at: Timestamp,
        in_the_end: Option<Settlement>,
    ) {
        let answer = &reply.answer;
        let tries = self.tries.entry(row).or_default();
        match answer {
            Answer::TooFast { .. } => tries.slowed += 1,
            _ => tries.failures += 1,
        }
        let tries = *tries;
        let is_enough = tries.failures >= backoff::MAX_ATTEMPTS || tries.slowed >= MAX_SLOWED;
        let (settlement, after) = match in_the_end {
            Some(settlement) if is_enough => {
                let after = After::Settled(row, settlement.outcome, Basis::Asked);
                (Some(settlement), after)
            }
            None if is_enough => {
                self.left = Some(describe(answer));
                (None, After::Left(row))
            }
            _ => {
                let own = backoff::after(tries.failures);
                let asked = reply.wait.unwrap_or_default();
                (None, After::Again(row, Instant::now() + own.max(asked)))
            }
        };
        self.record(row, answer, at, settlement, after);
    }

    fn on_failure(&mut self, answer: &Answer) {
        self.trouble.note(false);
        self.progress.trouble = Some(describe(answer));
        let now = Instant::now();
        if let Some(pause) = self.trouble.next_pause(self.pace.is_paused(now)) {
            self.pace.pause(pause, now);
        }
        self.give_up_if_too_long(answer);
    }

    fn give_up_if_too_long(&mut self, answer: &Answer) {
        if self.trouble.is_too_long(self.settings.give_up_after) {
            let message = describe(answer);
            self.wind_down(End::Unreachable { message });
        }
    }
}
