//! Plans which commissions of imported sales are to be marked as paid, and by which payouts.
//!
//! Both versions mark payouts, not commissions. A payout is marked only if it pays commissions of this journal's own
//! events, which are to be marked, and nothing else. What the account's listings do not show is not guessed: such
//! commissions are left alone, with the reason.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::event::{DATED_AS_SALE, Event, EventKey, KeyMap, Kind, Tally, day_in, is_undo};
use crate::journal::{EventRow, Outcome, PaidCommission, PayoutRequest, PayoutStep, TrackedEvent};
use crate::tracking::{
    APPROVED, CASH, DENIED, ListedCommission, ListedPayout, ListedPromoter, PENDING, PayoutCall,
};

#[cfg(test)]
mod tests;
mod v1;
mod v2;

pub(crate) use v1::steps as steps_of_v1;
pub(crate) use v2::steps as steps_of_v2;

/// Says what is known of a commission, and what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MarkState {
    /// It is to be marked as paid.
    ToMark,
    /// It was marked as paid by this journal's requests, as the account's list shows.
    Marked,
    /// An earlier call has marked it.
    MarkedBefore,
    /// It was paid, but not by requests of this journal.
    AlreadyPaid,
    /// It was denied, so that it is not paid.
    Denied,
    /// Its sale was undone, so that nothing is to be paid.
    Undone,
    /// It is not money.
    NotMoney,
    /// It is not approved yet, and would fall into a payout later.
    NotApproved,
    /// The account had it before this journal sent it, so that it is not this journal's to mark.
    AlreadyTracked,
    /// It could not be marked, for a reason of its own.
    NotMarked,
    /// A request may have marked it, and the account's list could not be read since.
    Unconfirmed,
    /// The account's list does not have it.
    NotFound,
}

impl MarkState {
    /// Returns the word of the reports.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            MarkState::ToMark => "to_mark",
            MarkState::Marked => "marked",
            MarkState::MarkedBefore => "marked_before",
            MarkState::AlreadyPaid => "already_paid",
            MarkState::Denied => "denied",
            MarkState::Undone => "undone",
            MarkState::NotMoney => "not_money",
            MarkState::NotApproved => "not_approved",
            MarkState::AlreadyTracked => "already_tracked",
            MarkState::NotMarked => "not_marked",
            MarkState::Unconfirmed => "unconfirmed",
            MarkState::NotFound => "not_found",
        }
    }

    /// Returns the words for people.
    pub(crate) fn words(self) -> &'static str {
        match self {
            MarkState::ToMark => "to mark as paid",
            MarkState::Marked => "marked as paid",
            MarkState::MarkedBefore => "marked before",
            MarkState::AlreadyPaid => "paid already, not by fprecon",
            MarkState::Denied => "denied",
            MarkState::Undone => "of undone sales",
            MarkState::NotMoney => "not money",
            MarkState::NotApproved => "not approved yet",
            MarkState::AlreadyTracked => "not marked: there before this journal sent it",
            MarkState::NotMarked => "not marked",
            MarkState::Unconfirmed => "unconfirmed",
            MarkState::NotFound => "not in the account's list",
        }
    }

    /// Returns `true` if a person has to look at it: it may be paid a second time.
    pub(crate) fn needs_attention(self) -> bool {
        matches!(
            self,
            MarkState::NotApproved
                | MarkState::AlreadyTracked
                | MarkState::NotMarked
                | MarkState::Unconfirmed
                | MarkState::NotFound
        )
    }
}

/// Holds a commission of an event of this journal.
#[derive(Clone, Debug)]
pub(crate) struct OwnCommission {
    /// The API's own id; empty if the account's list does not have it.
    pub(crate) id: String,
    /// The number of the event.
    pub(crate) event: EventRow,
    /// Whether it is of a sale or of a refund.
    pub(crate) kind: Kind,
    /// The id of the event.
    pub(crate) event_id: String,
    /// The date of the event.
    pub(crate) created_at: Option<Timestamp>,
    /// The time when the API had tracked the event.
    pub(crate) tracked_at: Timestamp,
    /// The promoter who earns it.
    pub(crate) promoter: ListedPromoter,
    /// The campaign's id.
    pub(crate) campaign_id: Option<String>,
    /// The amount in minor units of the account's currency; negative for refunds.
    pub(crate) cents: i64,
    /// What becomes of it.
    pub(crate) state: MarkState,
    /// The reason, where it has one.
    pub(crate) reason: String,
    /// The payout that pays it, as far as that is known.
    pub(crate) payout_id: Option<String>,
    /// `true` if it is paid, its sale was undone, and what the undo takes from the promoter is neither paid nor denied.
    pub(crate) is_owed: bool,
}

impl OwnCommission {
    fn promoter_id(&self) -> &str {
        self.promoter.id.as_deref().unwrap_or_default()
    }
}

/// Selects the events whose commissions are to be marked.
#[derive(Default)]
pub(crate) struct OwnEvents {
    by_key: KeyMap<TrackedEvent>,
    /// The events of which nothing says whether they are in the range.
    undated: HashSet<EventKey>,
    /// The sales that an undo has refunded in full, by the keys of the undos.
    undone: KeyMap<EventKey>,
    /// The refunds that undo sales, by the keys of the sales.
    undos: KeyMap<EventRow>,
    /// The sales of which somebody accepted that they are undone and paid.
    accepted: KeyMap<()>,
    /// The sales that an undo has refunded in full.
    undone_sales: HashSet<EventKey>,
    /// The sales that an undo is to refund, and has not refunded yet.
    to_undo: HashSet<EventKey>,
    /// The events that the account has, whenever they are dated, with the times when they were tracked.
    tracked: KeyMap<Timestamp>,
    /// The sales and refunds in the range that are not settled, or not known to be.
    pub(crate) unsettled: Tally,
}

/// Says where an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TimePlacement {
    Inside,
    Outside,
    Unknown,
}

/// Says up to when events are looked at.
#[derive(Clone, Debug)]
pub(crate) struct TimeLimit {
    /// The first time that does not count.
    pub(crate) at: Timestamp,
    /// The zone of the account, to which days without a time belong.
    pub(crate) zone: TimeZone,
}

/// Returns where an event is, of which it is known that it happened before `known_at`, if it is.
fn place(event: &Event, known_at: Option<Timestamp>, until: &TimeLimit) -> TimePlacement {
    let is_dated = event.created_at.is_some() && !event.note.contains(DATED_AS_SALE);
    let at = event.created_at;
    match at.map(|at| day_in(at, event.is_day, &until.zone)) {
        // A refund is never older than its sale.
        Some(at) if at >= until.at => TimePlacement::Outside,
        Some(_) if is_dated => TimePlacement::Inside,
        _ if known_at.is_some_and(|at| at < until.at) => TimePlacement::Inside,
        _ => TimePlacement::Unknown,
    }
}

impl OwnEvents {
    /// Adds an event that the account has, if it may be dated before `until`.
    pub(crate) fn add(&mut self, own: TrackedEvent, until: &TimeLimit) {
        let key = own.event.key();
        match place(&own.event, Some(own.settlement.at), until) {
            TimePlacement::Outside => return,
            TimePlacement::Inside => {}
            TimePlacement::Unknown => {
                self.undated.insert(key);
            }
        }
        self.by_key.insert(key, own);
    }

    /// Counts an event that is not settled, or not known to be, if it may be dated before `until`.
    pub(crate) fn add_unsettled(&mut self, event: &Event, until: &TimeLimit) {
        if place(event, None, until) != TimePlacement::Outside {
            self.unsettled.add(event.kind, event.money);
        }
    }

    /// Notes a refund that is not settled, or not known to be: it may be the undo of a sale.
    pub(crate) fn note_open_undo(&mut self, event: &Event) {
        let sale = event.sale_event_id.as_deref();
        if let Some(sale) = sale.filter(|_| is_undo(event.kind, event.event_id(), sale)) {
            self.to_undo.insert(EventKey::from_id(sale));
        }
    }

    /// Returns `true` if an undo of the sale of an event is not finished.
    fn has_open_undo(&self, event: &Event) -> bool {
        let sale = match event.kind {
            Kind::Refund => event.sale_event_id.as_deref(),
            _ => Some(event.event_id()),
        };
        sale.is_some_and(|sale| self.to_undo.contains(&EventKey::from_id(sale)))
    }

    /// Notes an event that the account has, whenever it is dated: it may be the undo of a sale, and its commission may be
    /// paid by the next payout.
    pub(crate) fn note(&mut self, own: &TrackedEvent) {
        let event = &own.event;
        self.tracked.insert(event.key(), own.settlement.at);
        let sale = event.sale_event_id.as_deref();
        if let Some(sale) = sale.filter(|_| is_undo(event.kind, event.event_id(), sale)) {
            let sale = EventKey::from_id(sale);
            self.undone.insert(event.key(), sale);
            self.undos.insert(sale, own.row);
            self.undone_sales.insert(sale);
        }
    }

    /// Notes that somebody accepted that a sale is undone and paid, by the refund that undoes it.
    pub(crate) fn note_accepted(&mut self, refund: EventKey) {
        if let Some(&sale) = self.undone.get(&refund) {
            self.accepted.insert(sale, ());
        }
    }

    /// Returns the refunds that undo sales among these events: those of sales with a paid commission, which a payout takes from
    /// their promoters, and the others.
    pub(crate) fn undos_by_debt(
        &self,
        commissions: &[OwnCommission],
    ) -> (Vec<EventRow>, Vec<EventRow>) {
        let owed: HashSet<EventKey> = commissions
            .iter()
            .filter(|own| own.is_owed && own.kind == Kind::Sale)
            .map(|own| EventKey::from_id(&own.event_id))
            .collect();
        let of_range = self.undos.iter().filter(|(sale, _)| {
            self.by_key.contains_key(*sale) && !self.accepted.contains_key(*sale)
        });
        let (mut debts, mut settled) = (Vec::new(), Vec::new());
        for (sale, &row) in of_range {
            if owed.contains(sale) {
                debts.push(row);
            } else {
                settled.push(row);
            }
        }
        (debts, settled)
    }

    /// Returns `true` if there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Returns `true` if a commission is of one of these events, or of an undo.
    pub(crate) fn has(&self, commission: &ListedCommission) -> bool {
        let key = commission.event_id.as_deref().map(EventKey::from_id);
        key.is_some_and(|key| self.by_key.contains_key(&key) || self.undone.contains_key(&key))
    }

    /// Returns when a commission of the account that is not to be marked may have come to be unpaid: when its event was
    /// tracked, or its own time. `None` for one that a payout does not pay, and for a sale and its undo, which come to
    /// nothing together.
    pub(crate) fn unpaid_since(&self, line: &ListedCommission) -> Option<Timestamp> {
        let key = line.event_id.as_deref().map(EventKey::from_id);
        let is_undone = key
            .is_some_and(|key| self.undone.contains_key(&key) || self.undone_sales.contains(&key));
        let is_of_payout =
            line.unit == CASH && line.status == APPROVED && line.amount.is_some_and(|it| it != 0);
        if is_undone || !is_of_payout {
            return None;
        }
        let tracked = key.and_then(|key| self.tracked.get(&key).copied());
        tracked.max(line.created_at)
    }

    /// Returns the sale of an event if that was undone.
    fn undone_sale(&self, event: &Event) -> Option<EventKey> {
        let sale = match event.kind {
            Kind::Refund => event.sale_event_id.as_deref(),
            _ => Some(event.event_id()),
        };
        sale.map(EventKey::from_id)
            .filter(|sale| self.undone_sales.contains(sale))
    }

    fn is_undone(&self, event: &Event) -> bool {
        self.undone_sale(event).is_some()
    }

    /// Returns the undone sales and their promoters of which the commission that the undo takes is paid or denied, so that
    /// no payout will be less by it.
    fn settled_undos<'l>(
        &self,
        listed: &'l [ListedCommission],
    ) -> HashSet<(EventKey, Option<&'l str>)> {
        let settled = listed
            .iter()
            .filter(|line| line.is_paid == Some(true) || line.status == DENIED || line.unit != CASH)
            .filter_map(|line| {
                let key = EventKey::from_id(line.event_id.as_deref()?);
                Some((*self.undone.get(&key)?, line.promoter.id.as_deref()))
            });
        settled.collect()
    }

    /// Returns what becomes of a commission that may not be marked, since nothing says that it is one of those that were
    /// paid.
    fn not_ours(&self, own: &TrackedEvent, state: (MarkState, String)) -> (MarkState, String) {
        if state.0 != MarkState::ToMark {
            return state;
        }
        if own.settlement.outcome == Outcome::AlreadyTracked {
            (MarkState::AlreadyTracked, THERE_BEFORE.to_owned())
        } else if self.undated.contains(&own.event.key()) {
            (MarkState::NotMarked, UNDATED.to_owned())
        } else {
            state
        }
    }

    /// Returns the commissions of these events, in the order of the account's list; those that it does not have come
    /// last.
    pub(crate) fn commissions(
        &self,
        listed: &[ListedCommission],
        paid: &HashMap<String, PaidCommission>,
        requests: &[PayoutRequest],
    ) -> Vec<OwnCommission> {
        let marked = requests_that_mark(requests);
        let created = commissions_of_payouts(requests);
        let settled = self.settled_undos(listed);
        let mut found: HashSet<EventKey> = HashSet::new();
        let mut all: Vec<OwnCommission> = Vec::new();
        for line in listed {
            let key = line.event_id.as_deref().map(EventKey::from_id);
            let Some(own) = key.and_then(|key| self.by_key.get(&key)) else {
                continue;
            };
            found.extend(key);
            let mut commission = OwnCommission::new(own, line);
            let before = paid.get(&line.id);
            let request = marked.get(line.id.as_str());
            commission.payout_id = match (before, request) {
                (Some(paid), _) => paid.payout_id.clone(),
                (None, Some(request)) => request.payout_id().map(str::to_owned),
                (None, None) => None,
            };
            (commission.state, commission.reason) = match before {
                Some(_) if line.is_paid == Some(false) && line.status == APPROVED => {
                    (MarkState::NotMarked, NO_LONGER_PAID.to_owned())
                }
                Some(_) => (MarkState::MarkedBefore, String::new()),
                None if self.has_open_undo(&own.event) => {
                    (MarkState::NotMarked, UNDO_OPEN.to_owned())
                }
                None if self.is_undone(&own.event) => (MarkState::Undone, String::new()),
                None => {
                    let was_asked = request.is_some() || created.contains(line.id.as_str());
                    self.not_ours(own, state_of(line, was_asked))
                }
            };
            let is_paid = before.is_some() || line.is_paid == Some(true);
            if is_paid && line.unit == CASH && !self.undone.contains_key(&own.event.key()) {
                let sale = self.undone_sale(&own.event);
                let promoter = line.promoter.id.as_deref();
                commission.is_owed = sale.is_some_and(|sale| {
                    !settled.contains(&(sale, promoter)) && !self.accepted.contains_key(&sale)
                });
            }
            all.push(commission);
        }
        let not_listed = self.by_key.iter().filter(|(key, own)| {
            own.settlement.can_have_commission()
                && !found.contains(*key)
                && !self.is_undone(&own.event)
        });
        let mut missing: Vec<OwnCommission> = not_listed
            .map(|(_, own)| OwnCommission::missing(own))
            .collect();
        missing.sort_by_key(|own| own.event);
        all.extend(missing);
        all
    }
}

/// Returns the requests that marked commissions as paid, by the API's own ids of the commissions.
fn requests_that_mark(requests: &[PayoutRequest]) -> HashMap<&str, &PayoutRequest> {
    let marking = requests
        .iter()
        .filter(|request| request.asked.step == PayoutStep::MarkAsPaid);
    let ids = marking.flat_map(|request| {
        let ids = request.asked.commission_ids.iter();
        ids.map(move |id| (id.as_str(), request))
    });
    ids.collect()
}

/// Returns the API's own ids of the commissions for which a payout was asked for and not refused.
fn commissions_of_payouts(requests: &[PayoutRequest]) -> HashSet<&str> {
    let is_created = |request: &&PayoutRequest| {
        request.asked.step == PayoutStep::Create && !request.is_refused()
    };
    let created = requests.iter().filter(is_created);
    let ids = created.flat_map(|request| request.asked.commission_ids.iter());
    ids.map(String::as_str).collect()
}

/// The reason why a commission is not known to be paid any more.
pub(crate) const NO_LONGER_PAID: &str = "an earlier call marked it as paid, and the account has it as unpaid now: somebody took its payout back; if it was paid, mark it by hand under Payouts";
const UNDO_OPEN: &str = "an undo of its sale is not finished: settle that first, with `fprecon resume` or by what `fprecon status` says, then run the command again";
const THERE_BEFORE: &str = "FirstPromoter had its event before this journal sent it (`already_tracked`): if an import of yours has sent it, mark it by hand under Payouts";
const UNDATED: &str = "its export does not date it, so that nothing says whether it belongs to what was paid: mark it by hand under Payouts, or with an `--until` after the run that sent it";

/// Returns what a line of the account's list says of a commission.
fn state_of(line: &ListedCommission, was_asked: bool) -> (MarkState, String) {
    let left = |reason: &str| (MarkState::NotMarked, reason.to_owned());
    if line.is_by_hand {
        return left("somebody created it by hand in FirstPromoter, under the id of this event");
    }
    if line.unit != CASH {
        return (MarkState::NotMoney, format!("its unit is {}", line.unit));
    }
    match (line.is_paid, was_asked) {
        (Some(true), true) => return (MarkState::Marked, String::new()),
        (Some(true), false) => return (MarkState::AlreadyPaid, String::new()),
        _ => {}
    }
    match (&*line.status, line.amount) {
        (APPROVED, Some(_)) if line.promoter.id.is_none() => left(
            "the account's list does not name its promoter: look for its sale in FirstPromoter, and mark it by hand under Payouts",
        ),
        (APPROVED, Some(_)) => (MarkState::ToMark, String::new()),
        (APPROVED, None) => left("its amount is not a whole number"),
        (DENIED, _) => (MarkState::Denied, String::new()),
        (PENDING, _) => (
            MarkState::NotApproved,
            "approve or deny it in FirstPromoter, then run the command again".to_owned(),
        ),
        (other, _) => left(&format!("its status is `{other}`")),
    }
}

impl OwnCommission {
    fn new(own: &TrackedEvent, line: &ListedCommission) -> Self {
        OwnCommission {
            id: line.id.clone(),
            promoter: line.promoter.clone(),
            campaign_id: line.campaign_id.clone(),
            cents: line.amount.unwrap_or_default(),
            state: MarkState::ToMark,
            ..OwnCommission::missing(own)
        }
    }

    /// Returns the commission that the API said of an event, and that its list does not have.
    fn missing(own: &TrackedEvent) -> Self {
        let TrackedEvent {
            row,
            event,
            settlement,
        } = own;
        OwnCommission {
            id: String::new(),
            event: *row,
            kind: event.kind,
            event_id: event.event_id().to_owned(),
            created_at: event.created_at,
            tracked_at: settlement.at,
            promoter: ListedPromoter {
                id: None,
                email: settlement.promoter_email.clone(),
                ref_id: settlement.promoter_ref_id.clone(),
                balance_cents: None,
                parent_id: None,
            },
            campaign_id: None,
            cents: settlement.commission_cents.unwrap_or_default(),
            state: MarkState::NotFound,
            reason: match settlement.commission_cents {
                _ if settlement.outcome == Outcome::AlreadyTracked => "FirstPromoter answered that it had the event before (`already_tracked`), and its list does not have its commission: look for the event in FirstPromoter",
                Some(_) => "it may have been deleted in FirstPromoter",
                None => "the answer to its event was lost, so that its amount and promoter are not known: look for the event in FirstPromoter, and mark its commission by hand under Payouts if it has one",
            }
            .to_owned(),
            payout_id: None,
            is_owed: false,
        }
    }
}

/// Holds what the account's listings say of payouts.
#[derive(Clone, Debug, Default)]
pub(crate) struct PayoutView {
    /// All payouts.
    pub(crate) payouts: Vec<ListedPayout>,
    /// The commissions of each promoter that are not to be marked and may be unpaid: when the latest one came (version 1).
    pub(crate) others: HashMap<String, Timestamp>,
    /// The ids and amounts of the commissions of payouts, as far as they were read (version 2).
    pub(crate) contents: HashMap<String, Vec<(String, Option<i64>)>>,
}

/// Says how far this call is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallStanding {
    /// The number of the last request of earlier calls.
    pub(crate) last_before: i64,
    /// `true` if a payout that was asked for is still waited for.
    pub(crate) should_wait: bool,
}

impl CallStanding {
    fn is_of_this_call(self, request: &PayoutRequest) -> bool {
        request.id.0 > self.last_before
    }
}

/// Describes a request to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MarkStep {
    /// The request.
    pub(crate) call: PayoutCall,
    /// What it asks for.
    pub(crate) step: PayoutStep,
    /// The API's own id of the promoter.
    pub(crate) promoter_id: String,
    /// The payout, if it is there.
    pub(crate) payout_id: Option<String>,
    /// The places of its commissions.
    pub(crate) commissions: Vec<usize>,
    /// The sum of the commissions, in minor units of the account's currency.
    pub(crate) cents: i64,
}

/// Holds what is to be done next, and what becomes of the commissions for which there is nothing to do.
#[derive(Clone, Debug, Default)]
pub(crate) struct MarkSteps {
    /// The requests to make.
    pub(crate) todo: Vec<MarkStep>,
    /// The commissions that are paid now, by their places, with the payout.
    pub(crate) paid: Vec<(usize, String)>,
    /// The commissions that are left alone, by their places, with the reason.
    pub(crate) left: Vec<(usize, String)>,
    /// The number of commissions whose payout is waited for.
    pub(crate) waiting: usize,
}

impl MarkSteps {
    /// Adds a step, unless it was asked for before; then it is waited for, or left alone.
    fn add(&mut self, step: MarkStep, again: Repeatability, should_wait: bool) {
        match again {
            Repeatability::Yes => self.todo.push(step),
            Repeatability::Wait if should_wait => self.waiting += step.commissions.len(),
            Repeatability::Wait => self.leave(&step.commissions, STILL_IN_PROGRESS),
            Repeatability::No => self.leave(&step.commissions, WITHOUT_EFFECT),
        }
    }

    fn leave(&mut self, places: &[usize], reason: &str) {
        let left = places.iter().map(|place| (*place, reason.to_owned()));
        self.left.extend(left);
    }
}

const STILL_IN_PROGRESS: &str =
    "FirstPromoter has not done it yet; run the command again in some minutes";
const WITHOUT_EFFECT: &str = "two requests got no usable answer, and the account shows no effect; run the command again later";

/// Returns the sum of commissions, in cents.
fn sum(commissions: &[OwnCommission], places: &[usize]) -> i64 {
    let cents = places.iter().map(|place| commissions[*place].cents);
    cents.fold(0, i64::saturating_add)
}

/// Returns the commissions to mark by promoter and campaign, each with their places.
fn by_promoter(
    commissions: &[OwnCommission],
    is_wanted: impl Fn(usize) -> bool,
) -> BTreeMap<(String, Option<String>), Vec<usize>> {
    let mut groups: BTreeMap<(String, Option<String>), Vec<usize>> = BTreeMap::new();
    for (place, own) in commissions.iter().enumerate() {
        if own.state == MarkState::ToMark && is_wanted(place) {
            let key = (own.promoter_id().to_owned(), own.campaign_id.clone());
            groups.entry(key).or_default().push(place);
        }
    }
    groups
}

/// Returns the requests of this call that the API refused, by the ids of their commissions.
fn refusals(
    requests: &[PayoutRequest],
    standing: CallStanding,
    step: PayoutStep,
) -> HashMap<&str, String> {
    let mut refusals = HashMap::new();
    for request in requests.iter().filter(|own| own.asked.step == step) {
        let Some(answer) = request.answer.as_ref() else {
            continue;
        };
        if !standing.is_of_this_call(request) || !request.is_refused() {
            continue;
        }
        let what = match request.asked.step {
            PayoutStep::Create => "no payout was created",
            PayoutStep::MarkAsPaid => "its payout was not marked",
        };
        let status = answer.http_status.map(|status| format!("HTTP {status}: "));
        let reason = format!(
            "{what}: {}{}",
            status.unwrap_or_default(),
            answer.message.as_deref().unwrap_or(&answer.answer)
        );
        for id in &request.asked.commission_ids {
            refusals.insert(id.as_str(), reason.clone());
        }
    }
    refusals
}

/// Says whether the same may be asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeatability {
    /// It was not asked for in this call, or once, without an answer and without an effect that the list shows.
    Yes,
    /// It was answered as done, and the list does not show it yet.
    Wait,
    /// It was asked for twice, and the list shows nothing.
    No,
}

/// Returns what was asked for in this call, by the ids of the commissions: how often, and whether the API answered that
/// it was done.
fn asked(
    requests: &[PayoutRequest],
    standing: CallStanding,
    step: PayoutStep,
) -> HashMap<&str, Repeatability> {
    let mut all: HashMap<&str, Repeatability> = HashMap::new();
    let of_step = requests.iter().filter(|own| own.asked.step == step);
    for request in of_step.filter(|own| standing.is_of_this_call(own)) {
        let is_done = request
            .answer
            .as_ref()
            .is_some_and(|answer| answer.answer == "recorded");
        for id in &request.asked.commission_ids {
            let again = match (is_done, all.get(id.as_str())) {
                (true, _) => Repeatability::Wait,
                (false, None) => Repeatability::Yes,
                (false, Some(_)) => Repeatability::No,
            };
            all.insert(id, again);
        }
    }
    all
}

/// Returns the places of commissions, by their ids.
fn places_by_id(commissions: &[OwnCommission]) -> HashMap<&str, usize> {
    let all = commissions.iter().enumerate();
    let open = all.filter(|(_, own)| own.state == MarkState::ToMark);
    open.map(|(place, own)| (own.id.as_str(), place)).collect()
}
