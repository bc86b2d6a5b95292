//! Marks commissions as paid: reads what the account has, asks for payouts, marks them, and reads again what came of
//! it. The account's listings decide, so that a call that was killed goes on where it was.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use super::account::{AccountReader, Kept};
use crate::cli::error::{CliError, Exit};
use crate::journal::{
    Journal, JournalReader, NewPayoutRequest, PaidCommission, PayoutAnswer, PayoutRequest,
    PayoutStep,
};
use crate::paid_marks::{
    CallStanding, MarkState, MarkStep, MarkSteps, NO_LONGER_PAID, OwnCommission, OwnEvents,
    PayoutView, steps_of_v1, steps_of_v2,
};
use crate::problem::{Problem, ProblemCode};
use crate::send::LineKeeper;
use crate::tracking::{Answer, CANCELLED, COMPLETED, ListedCommission, Version};

/// The times between two looks for a payout that was asked for.
const WAITS_SECONDS: [u64; 5] = [1, 2, 5, 15, 30];
/// The number of requests in a row without a usable answer after which nothing more is asked for.
pub(super) const MOST_LOST: u32 = 5;

/// Says how the work ended.
#[derive(Debug)]
pub(super) enum WorkEnd {
    /// Nothing is left to ask for.
    Done,
    /// The user stopped it.
    Interrupted,
    /// It ended early, for this reason.
    Failed(Exit, Box<Problem>),
}

impl WorkEnd {
    /// Returns the exit code of the command.
    pub(super) fn exit(&self, needs_attention: bool, interruption: Option<Exit>) -> Exit {
        match self {
            WorkEnd::Done if needs_attention => Exit::Attention,
            WorkEnd::Done => Exit::Done,
            WorkEnd::Interrupted => interruption.unwrap_or(Exit::Interrupted),
            WorkEnd::Failed(exit, _) => *exit,
        }
    }

    /// Returns the problem with which it ended early.
    pub(super) fn problem(&self, words: &EarlyEnd, command: &str) -> Option<Problem> {
        let again = format!("`{command}` goes on");
        Some(match self {
            WorkEnd::Done => return None,
            WorkEnd::Interrupted => {
                Problem::warning(ProblemCode::Interrupted, words.interrupted).hint(again)
            }
            WorkEnd::Failed(Exit::Refused, problem) => problem.as_ref().clone().hint(format!(
                "{}; then {again}{}",
                words.advice_on_key, words.otherwise
            )),
            WorkEnd::Failed(_, problem) => problem.as_ref().clone().hint(again),
        })
    }
}

/// Holds what is said of work that ends early.
#[derive(Clone, Copy, Debug)]
pub(super) struct EarlyEnd {
    /// The message after an interruption.
    pub(super) interrupted: &'static str,
    /// The advice where the API refuses the key.
    pub(super) advice_on_key: &'static str,
    /// The end of that advice: what can be done instead.
    pub(super) otherwise: &'static str,
}

/// Holds the commissions and what the account says of them.
pub(super) struct Marking {
    pub(super) commissions: Vec<OwnCommission>,
    version: Version,
    view: PayoutView,
    requests: Vec<PayoutRequest>,
    last_before: i64,
    /// What is to be done next.
    next: MarkSteps,
}

impl Marking {
    /// Reads the account's listings. `command` is what tries again where one is not complete.
    ///
    /// # Errors
    ///
    /// A listing is not complete: nothing is sent then.
    pub(super) fn read(
        reader: &mut AccountReader<'_>,
        journal: &JournalReader,
        own: &OwnEvents,
        (version, command): (Version, &str),
    ) -> Result<Self, CliError> {
        let unread = |(exit, problem): (Exit, Box<Problem>)| {
            let hint = format!("nothing was sent; `{command}` tries again");
            CliError::Ended(exit, Box::new(problem.hint(hint)))
        };
        let requests = journal.payout_requests()?;
        let (listed, lines_of_others) = own_lines(reader, own).map_err(unread)?;
        let paid = journal.paid_commissions()?;
        let commissions = own.commissions(&listed, &paid, &requests);
        let mut others = lines_of_others;
        let mut add = |line: &ListedCommission| add_other(&mut others, own, line);
        let left: HashSet<&str> = commissions
            .iter()
            .filter(|commission| {
                let is_of_payout = commission.state.needs_attention();
                is_of_payout && !paid.contains_key(&commission.id)
            })
            .map(|commission| commission.id.as_str())
            .collect();
        let lines = listed.iter();
        lines
            .filter(|line| left.contains(line.id.as_str()))
            .for_each(&mut add);
        let mut marking = Marking {
            commissions,
            version,
            view: PayoutView {
                others,
                ..PayoutView::default()
            },
            last_before: requests.last().map_or(0, |request| request.id.0),
            requests,
            next: MarkSteps::default(),
        };
        let is_seen_by_payouts = version == Version::V1 && marking.has_marked_before();
        if marking.has_open() || is_seen_by_payouts {
            marking.look(reader).map_err(unread)?;
        }
        if version == Version::V1 {
            marking.find_no_longer_paid();
        }
        marking.next = marking.steps(true);
        marking.leave();
        Ok(marking)
    }

    fn has_open(&self) -> bool {
        let mut all = self.commissions.iter();
        all.any(|own| own.state == MarkState::ToMark)
    }

    fn has_marked_before(&self) -> bool {
        let mut all = self.commissions.iter();
        all.any(|own| own.state == MarkState::MarkedBefore)
    }

    /// Finds which commissions are not paid any more: version 1 lists only their payouts.
    fn find_no_longer_paid(&mut self) {
        let payouts = self.view.payouts.iter();
        let completed: HashSet<&str> = payouts
            .filter(|payout| payout.status == COMPLETED)
            .map(|payout| payout.id.as_str())
            .collect();
        for own in &mut self.commissions {
            let payout = own.payout_id.as_deref();
            if own.state == MarkState::MarkedBefore
                && payout.is_some_and(|payout| !completed.contains(payout))
            {
                own.state = MarkState::NotMarked;
                own.reason = NO_LONGER_PAID.to_owned();
            }
        }
    }

    /// Returns `true` if there is something to ask for.
    pub(super) fn has_work(&self) -> bool {
        !self.next.todo.is_empty()
    }

    /// Returns what is to be marked, by the places of the commissions.
    pub(super) fn to_mark(&self) -> HashSet<usize> {
        let todo = self.next.todo.iter();
        todo.flat_map(|step| step.commissions.iter().copied())
            .collect()
    }

    /// Leaves alone what can't be marked, for its reason.
    fn leave(&mut self) {
        for (place, reason) in std::mem::take(&mut self.next.left) {
            let commission = &mut self.commissions[place];
            commission.state = MarkState::NotMarked;
            commission.reason = reason;
        }
    }

    fn steps(&self, should_wait: bool) -> MarkSteps {
        let standing = CallStanding {
            last_before: self.last_before,
            should_wait,
        };
        let steps = match self.version {
            Version::V1 => steps_of_v1,
            Version::V2 => steps_of_v2,
        };
        steps(&self.commissions, &self.view, &self.requests, standing)
    }

    /// Reads the payouts, and with version 2 the commissions of those that may pay what is to be marked.
    fn look(
        &mut self,
        reader: &mut AccountReader<'_>,
    ) -> Result<(), super::account::ListingFailure> {
        self.view.payouts = reader.payouts()?;
        if self.version == Version::V1 {
            return Ok(());
        }
        let open = self
            .commissions
            .iter()
            .filter(|own| own.state == MarkState::ToMark);
        let promoters: HashSet<&str> = open.filter_map(|own| own.promoter.id.as_deref()).collect();
        let payouts = self.view.payouts.iter().filter(|payout| {
            let promoter = payout.promoter.id.as_deref();
            promoter.is_some_and(|id| promoters.contains(id))
                && !matches!(&*payout.status, COMPLETED | CANCELLED)
        });
        for payout in payouts {
            let id: String = form_urlencoded::byte_serialize(payout.id.as_bytes()).collect();
            let filter = format!("filters%5Bpayout_id%5D={id}");
            let lines = reader.read::<ListedCommission, _>(&filter, Kept(Vec::new()))?;
            let content = lines.0.into_iter().map(|line| (line.id, line.amount));
            self.view
                .contents
                .insert(payout.id.clone(), content.collect());
        }
        Ok(())
    }

    /// Asks for payouts and marks them, until nothing is left to ask for.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(super) fn work(
        &mut self,
        reader: &mut AccountReader<'_>,
        journal: &mut Journal,
    ) -> Result<WorkEnd, CliError> {
        reader.listen()?;
        let mut waits = WAITS_SECONDS.iter();
        let mut lost = 0;
        loop {
            let steps = std::mem::take(&mut self.next);
            for step in &steps.todo {
                match self.ask(step, reader, journal, &mut lost)? {
                    WorkEnd::Done => {}
                    end => return Ok(end),
                }
            }
            let mut should_wait = true;
            if steps.todo.is_empty() {
                if steps.waiting == 0 {
                    self.next = steps;
                    return Ok(WorkEnd::Done);
                }
                match waits.next() {
                    Some(wait) if !reader.sleep(Duration::from_secs(*wait)) => {
                        return Ok(WorkEnd::Interrupted);
                    }
                    Some(_) => {}
                    None => should_wait = false,
                }
            }
            if let Err((exit, problem)) = self.look(reader) {
                return Ok(ended(exit, problem));
            }
            self.next = self.steps(should_wait);
        }
    }

    /// Puts a request on disk, sends it, and puts its answer on disk.
    fn ask(
        &mut self,
        step: &MarkStep,
        reader: &mut AccountReader<'_>,
        journal: &mut Journal,
        lost: &mut u32,
    ) -> Result<WorkEnd, CliError> {
        let ids = step
            .commissions
            .iter()
            .map(|place| self.commissions[*place].id.clone());
        let asked = NewPayoutRequest {
            step: step.step,
            promoter_id: step.promoter_id.clone(),
            payout_id: step.payout_id.clone(),
            commission_ids: ids.collect(),
            amount_cents: step.cents,
        };
        let Some(leave) = reader.leave() else {
            return Ok(WorkEnd::Interrupted);
        };
        let intended = Timestamp::now();
        let id = journal.intend_payout(&asked, intended)?;
        let answer = reader.send(&step.call, leave);
        let payout_id = match &answer {
            Answer::Recorded(receipt) => receipt.api_event_id.clone(),
            _ => None,
        };
        let kept = PayoutAnswer {
            answer: answer.word().to_owned(),
            http_status: answer.status(),
            message: Some(answer.message().to_owned()).filter(|text| !text.is_empty()),
            payout_id,
            at: Timestamp::now(),
        };
        journal.answer_payout(id, &kept)?;
        self.requests.push(PayoutRequest {
            id,
            asked,
            intended,
            answer: Some(kept),
        });
        *lost = match answer {
            Answer::Unclear { .. } => *lost + 1,
            _ => 0,
        };
        Ok(end_of(&answer, *lost, "payouts"))
    }

    /// Reads what the account has now, and records what was paid by these requests.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(super) fn settle(
        &mut self,
        reader: &mut AccountReader<'_>,
        journal: &mut Journal,
        own: &OwnEvents,
        end: &mut WorkEnd,
    ) -> Result<(), CliError> {
        let is_new = |request: &PayoutRequest| request.id.0 > self.last_before;
        let has_asked = self.requests.iter().any(is_new);
        self.leave();
        for (place, payout) in &self.next.paid {
            let commission = &mut self.commissions[*place];
            commission.payout_id = Some(payout.clone());
            if self.version == Version::V1 {
                // Its list of payouts is all that shows it.
                commission.state = MarkState::Marked;
            }
        }
        if has_asked && matches!(end, WorkEnd::Done) && self.version == Version::V2 {
            match own_lines(reader, own) {
                Ok((listed, _)) => self.compare(&listed),
                Err((exit, problem)) => *end = ended(exit, problem),
            }
        }
        self.settle_rest();
        let now = Timestamp::now();
        let marked = self
            .commissions
            .iter()
            .filter(|own| own.state == MarkState::Marked);
        let paid: Vec<PaidCommission> = marked
            .map(|own| PaidCommission {
                commission_id: own.id.clone(),
                event: own.event,
                payout_id: own.payout_id.clone(),
                amount_cents: own.cents,
                at: now,
            })
            .collect();
        Ok(journal.record_paid(&paid)?)
    }

    /// Takes from the account's list which commissions are paid.
    fn compare(&mut self, listed: &[ListedCommission]) {
        let paid: HashSet<&str> = listed
            .iter()
            .filter(|line| line.is_paid == Some(true))
            .map(|line| line.id.as_str())
            .collect();
        for own in &mut self.commissions {
            let is_paid = paid.contains(own.id.as_str());
            match own.state {
                MarkState::ToMark | MarkState::NotMarked if is_paid => {
                    own.state = MarkState::Marked;
                    own.reason.clear();
                }
                MarkState::ToMark => {
                    own.state = MarkState::NotMarked;
                    own.reason =
                        "its payout was marked, and the account's list has it as unpaid".to_owned();
                }
                _ => {}
            }
        }
    }

    /// Says of what is left whether it may have been marked.
    fn settle_rest(&mut self) {
        let marks = self.requests.iter().filter(|request| {
            request.asked.step == PayoutStep::MarkAsPaid && !request.is_refused()
        });
        let maybe: HashSet<&str> = marks
            .flat_map(|request| request.asked.commission_ids.iter().map(String::as_str))
            .collect();
        for own in &mut self.commissions {
            if own.state != MarkState::ToMark {
                continue;
            }
            let (state, reason) = if maybe.contains(own.id.as_str()) {
                (
                    MarkState::Unconfirmed,
                    "its payout may be marked: the account was not read again since",
                )
            } else {
                (MarkState::NotMarked, "the command ended first")
            };
            own.state = state;
            reason.clone_into(&mut own.reason);
        }
    }
}

/// When the latest commission of each promoter came that is not to be marked, and may be unpaid.
type OtherCommissions = HashMap<String, Timestamp>;

/// Notes a commission that is not to be marked.
fn add_other(others: &mut OtherCommissions, own: &OwnEvents, line: &ListedCommission) {
    if let (Some(promoter), Some(since)) = (&line.promoter.id, own.unpaid_since(line)) {
        let latest = others.entry(promoter.clone()).or_insert(since);
        *latest = since.max(*latest);
    }
}

/// Reads the lines of the account's list of commissions that are of these events, and notes the others.
fn own_lines(
    reader: &mut AccountReader<'_>,
    own: &OwnEvents,
) -> Result<(Vec<ListedCommission>, OtherCommissions), super::account::ListingFailure> {
    let lines = OwnLines {
        own,
        lines: Vec::new(),
        others: OtherCommissions::new(),
    };
    let kept = reader.read::<ListedCommission, _>("", lines)?;
    Ok((kept.lines, kept.others))
}

/// Keeps the commissions of the journal's own events.
struct OwnLines<'o> {
    own: &'o OwnEvents,
    lines: Vec<ListedCommission>,
    others: OtherCommissions,
}

impl LineKeeper<ListedCommission> for OwnLines<'_> {
    fn keep(&mut self, line: &ListedCommission) {
        if self.own.has(line) {
            self.lines.push(line.clone());
        } else {
            add_other(&mut self.others, self.own, line);
        }
    }

    fn clear(&mut self) {
        self.lines.clear();
        self.others.clear();
    }
}

/// Returns how the work on something ends with an answer; `Done` if it goes on.
pub(super) fn end_of(answer: &Answer, lost: u32, what: &str) -> WorkEnd {
    let failed = |exit, code, message: String| {
        WorkEnd::Failed(exit, Box::new(Problem::error(code, message)))
    };
    match answer {
        Answer::KeyRefused { message, .. } => failed(
            Exit::Refused,
            ProblemCode::KeyRefused,
            format!("the API refused the key for {what}: {message}"),
        ),
        Answer::Untrusted { message } => failed(
            Exit::Incomplete,
            ProblemCode::ServerUntrusted,
            format!("the server can't prove who it is: {message}"),
        ),
        Answer::TooFast { message } | Answer::NotDelivered { message, .. } => failed(
            Exit::Incomplete,
            ProblemCode::ApiUnreachable,
            format!("the API stayed unreachable or kept failing: {message}"),
        ),
        Answer::Unclear { message, .. } if lost >= MOST_LOST => failed(
            Exit::Incomplete,
            ProblemCode::ApiUnreachable,
            format!("the API kept failing: {message}"),
        ),
        _ => WorkEnd::Done,
    }
}

/// Returns how the work ends without a complete list.
pub(super) fn ended(exit: Exit, problem: Box<Problem>) -> WorkEnd {
    match problem.code {
        ProblemCode::Interrupted => WorkEnd::Interrupted,
        _ => WorkEnd::Failed(exit, problem),
    }
}
