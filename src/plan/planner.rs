//! Decides event by event: by what earlier runs recorded, by what linking found, and by the state of its
//! sale.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::History;
use super::account_findings::{AccountFindings, Uncompared};
use crate::event::{
    Contradiction, Details, Essence, EventKey, EventRef, Events, KeyMap, Kind, Money,
};
use crate::journal::{Outcome, PlanState};
use crate::link::{AskedAgain, HeldReason, Link, Links, names_another_non_referral, replaces};
use crate::readings::{Decisions, ExportOrigins, Side, difference_note};

/// The note of every event that is settled.
const SETTLED: &str = "settled by an earlier run";

/// The time within which a provider's own refund comes after its sale: cards can be disputed for 120 days.
const MONTHS_S: u64 = 120 * 24 * 3600;

/// The note of a sale that an earlier run has left to send, and of which this reading says more.
const SENT_AS_READ_NOW: &str =
    "an earlier run has left it to send; it is sent with what these exports say";

/// The note of an event that an earlier run has left to send otherwise, and for which no request was ever begun.
const CORRECTED_BEFORE: &str = "an earlier run has left it to send otherwise, and never sent it; it is sent with what these exports say";

/// The note of an event that an earlier run has left to send with another amount.
const LEFT_WITH_ANOTHER_AMOUNT: &str =
    "an earlier run has left it to send, with another amount; `fprecon resume` sends that";

/// The note of a sale that counts nowhere and of which this reading says more.
const RECORDED_AS_READ_NOW: &str = "an earlier run was answered that it counts nowhere; it is recorded with what these exports say, and not sent again by itself";

/// The note of a refund whose customer was corrected, while that of its sale was not.
const CORRECTED_ALONE: &str =
    "its customer was corrected, but not that of its sale, which it is sent with";

/// The note of a refund whose sale may be another provider's.
const OTHER_PROVIDER: &str = "the sale with the id that it names is from another provider, of another customer, and months away";

/// The note of an event that is out of range.
const OUT_OF_RANGE: &str = "dated outside of the range";

/// The note of a refund whose sale is not sent, since the account has it.
const LEFT_IN_ACCOUNT: &str = "its sale was not sent, since the account has it under another id";

/// The note of a refund that an interrupted run has left together with its sale.
const LEFT_WITH_ITS_SALE: &str =
    "it and its sale belong to a run that was interrupted; `fprecon resume` sends both";

/// Finds which event represents each key: the first, or the one that the journal knows. Most keys have one
/// reading, which represents itself: only the others are kept, and those that refunds name.
#[derive(Default)]
pub(super) struct KeyRepresentatives {
    of_several: KeyMap<usize>,
    named: KeyMap<usize>,
}

impl KeyRepresentatives {
    pub(super) fn new(of_several: KeyMap<usize>, events: &Events) -> Self {
        let mut representatives = KeyRepresentatives {
            of_several,
            named: KeyMap::default(),
        };
        representatives.find_named(events);
        representatives
    }

    /// Returns which event represents the key of this one.
    pub(super) fn for_event(&self, index: usize, key: EventKey) -> usize {
        let first = self.of_several.get(&key);
        first.copied().unwrap_or(index)
    }

    /// Returns which event represents a key that an event names as that of its sale.
    pub(super) fn named(&self, key: EventKey) -> Option<usize> {
        let first = self.of_several.get(&key).or_else(|| self.named.get(&key));
        first.copied()
    }

    pub(super) fn set(&mut self, index: usize, key: EventKey) {
        if let Some(first) = self.of_several.get_mut(&key) {
            *first = index;
        }
    }

    fn find_named(&mut self, events: &Events) {
        let sales = (0..events.len()).filter_map(|index| events.sale_event_id(index));
        let mut named: KeyMap<Option<usize>> = KeyMap::default();
        named.extend(sales.map(|sale| (EventKey::from_id(sale), None)));
        if named.is_empty() {
            return;
        }
        for index in 0..events.len() {
            if let Some(place) = named.get_mut(&events.key(index)) {
                *place = Some(index);
            }
        }
        let found = named.into_iter();
        self.named = found.filter_map(|(key, at)| Some((key, at?))).collect();
    }
}

/// Sums up the refunds of a sale that are in a job's exports.
#[derive(Clone, Copy, Default)]
struct RefundsHere {
    /// The amount of them that earlier runs recorded, in minor units.
    recorded_cents: i64,
    /// The largest running total, in minor units.
    total_cents: Option<i64>,
}

pub(super) struct Planner<'p> {
    pub(super) history: &'p dyn History,
    pub(super) origins: &'p ExportOrigins,
    asked_again: &'p AskedAgain,
    pub(super) states: Vec<PlanState>,
    /// The keys of the events that replace what an earlier run recorded.
    pub(super) replacing: KeyMap<()>,
    /// The keys of those of them that are not sent, since the answer that an earlier run got is theirs, too.
    pub(super) restated: KeyMap<()>,
    /// The reasons for the states of events, where there is more to say than that they are settled.
    notes: HashMap<usize, Cow<'static, str>>,
    /// The reasons why events are held.
    pub(super) held: HashMap<usize, HeldReason>,
    /// The events in conflict with what an earlier run sent, and in what they differ.
    pub(super) with_history: HashMap<usize, Contradiction>,
    /// The sales that can't be asked for again without their refunds.
    pub(super) left_behind: HashSet<usize>,
    /// The payments of which an earlier run sent one without saying which.
    pub(super) maybe_sent: HashSet<usize>,
    /// The refunds whose own rows name another customer than their sale has.
    pub(super) other_customers: BTreeSet<usize>,
    /// What came of comparing the sales with those of the account, if they were compared.
    pub(super) in_account: Option<AccountFindings>,
    /// The events that an earlier run has left to send, and that the account has under other ids: nobody sends them.
    pub(super) left_in_account: BTreeSet<usize>,
    /// The running totals of earlier runs that are decided by the account's list alone.
    pub(super) uncompared: Uncompared,
}

impl<'p> Planner<'p> {
    pub(super) fn new(
        history: &'p dyn History,
        origins: &'p ExportOrigins,
        asked_again: &'p AskedAgain,
        decided: Decisions,
        events: usize,
    ) -> Self {
        let mut planner = Planner {
            history,
            origins,
            asked_again,
            replacing: KeyMap::default(),
            restated: KeyMap::default(),
            states: vec![PlanState::ToSend; events],
            notes: HashMap::new(),
            held: HashMap::new(),
            with_history: HashMap::new(),
            left_behind: HashSet::new(),
            maybe_sent: HashSet::new(),
            other_customers: BTreeSet::new(),
            in_account: None,
            left_in_account: BTreeSet::new(),
            uncompared: Uncompared::default(),
        };
        for (index, (state, note)) in decided {
            planner.mark(index, state, note);
        }
        planner
    }

    pub(super) fn mark(
        &mut self,
        index: usize,
        state: PlanState,
        note: impl Into<Cow<'static, str>>,
    ) {
        self.states[index] = state;
        let note = note.into();
        if note.is_empty() {
            self.notes.remove(&index)
        } else {
            self.notes.insert(index, note)
        };
    }

    /// Holds an event for a person to look at.
    pub(super) fn hold(
        &mut self,
        index: usize,
        reason: HeldReason,
        note: impl Into<Cow<'static, str>>,
    ) {
        self.mark(index, PlanState::Unlinked, note);
        self.held.insert(index, reason);
    }

    pub(super) fn note(&self, index: usize) -> &str {
        match (self.notes.get(&index), self.states[index]) {
            (Some(note), _) => note,
            (None, PlanState::Settled) => SETTLED,
            (None, PlanState::OutOfRange) => OUT_OF_RANGE,
            (None, _) => "",
        }
    }

    /// Compares each event with what earlier runs recorded under its id.
    pub(super) fn compare_with_history(
        &mut self,
        events: &Events,
        representatives: &mut KeyRepresentatives,
    ) {
        if self.history.is_empty() {
            return;
        }
        let mut matched: KeyMap<()> = KeyMap::default();
        // Added up once, and only where a sale is asked again.
        let mut refunds_here: Option<KeyMap<RefundsHere>> = None;
        for index in 0..events.len() {
            let key = events.key(index);
            let recorded = self.history.essence(key);
            let Some(recorded) = recorded.filter(|_| !self.maybe_sent.contains(&index)) else {
                continue;
            };
            let event = events.get(index);
            let is_first = representatives.for_event(index, key) == index;
            if self.states[index] == PlanState::ToSend && self.history.is_uncompared(key) {
                let is_again = matched.insert(key, ()).is_some();
                self.decide_uncompared(index, key, is_again, representatives);
                continue;
            }
            if is_first
                && self.states[index] == PlanState::ToSend
                && let Some(note) = self.replaces(event, &recorded)
            {
                matched.insert(key, ());
                let here = refunds_here.get_or_insert_with(|| self.refunds_here(events));
                self.decide_replacing(index, event, note, here);
                continue;
            }
            if event.is_fixed_after_refusal
                && self.history.outcome(key) == Some(Outcome::NonReferral)
            {
                matched.insert(key, ());
                self.decide_fixed_non_referral(index);
                continue;
            }
            match self.contradiction(event, &recorded) {
                // The export has it as it was; the journal, as it was corrected.
                Some(_) if self.states[index] == PlanState::ToSend && self.was_replaced(event) => {
                    self.mark(index, PlanState::Settled, "corrected since");
                }
                Some(difference)
                    if is_first
                        && self.states[index] == PlanState::ToSend
                        && is_of_terms(difference)
                        && self.history.is_never_requested(key)
                        && !self.is_refunded(key) =>
                {
                    matched.insert(key, ());
                    self.mark(index, PlanState::ToSend, CORRECTED_BEFORE);
                    self.replacing.insert(key, ());
                }
                Some(difference) => {
                    let note = self.note_of_contradiction(difference, event, recorded);
                    self.mark(index, PlanState::Conflict, note);
                    self.with_history.insert(index, difference);
                }
                // What the journal has decides a conflict between two exports, unless it is about a customer
                // whom the journal does not know as a referral.
                None if self.states[index] == PlanState::Conflict
                    && names_another_non_referral(event, &recorded, self.history) => {}
                None if self.states[index] == PlanState::Conflict || is_first => {
                    if matched.insert(key, ()).is_some() {
                        let note = "these exports have it more than once";
                        self.mark(index, PlanState::Duplicate, note);
                        continue;
                    }
                    representatives.set(index, key);
                    self.decide_known(index, event, &recorded);
                }
                None => {}
            }
        }
    }

    /// Decides an event that replaces what an earlier run recorded, for the reason in `note`: not without the refunds of
    /// a sale that are not `here`.
    fn decide_replacing(
        &mut self,
        index: usize,
        event: EventRef<'_>,
        note: &'static str,
        here: &KeyMap<RefundsHere>,
    ) {
        let key = event.key();
        match self.refunds_left_behind(event, here) {
            Some(refunds) => {
                let note = self.note_of_left_behind(key, refunds);
                self.mark(index, PlanState::Conflict, note);
                self.left_behind.insert(index);
            }
            None => {
                self.mark(index, PlanState::ToSend, note);
                self.replacing.insert(key, ());
            }
        }
    }

    /// Decides an event of a report that was fixed after the API refused it, and that was not a referral since.
    fn decide_fixed_non_referral(&mut self, index: usize) {
        if self.other_customers.contains(&index) {
            self.hold(index, HeldReason::CorrectedAlone, CORRECTED_ALONE)
        } else {
            self.mark(index, PlanState::Settled, "")
        }
    }

    /// Decides an event that agrees with what an earlier run recorded under its id.
    fn decide_known(&mut self, index: usize, event: EventRef<'_>, recorded: &Essence) {
        let key = event.key();
        if self.history.is_settled(key) {
            if self.is_restated(event, recorded) {
                self.mark(index, PlanState::ToSend, RECORDED_AS_READ_NOW);
                self.replacing.insert(key, ());
                self.restated.insert(key, ());
            } else {
                self.mark(index, PlanState::Settled, "");
            }
            return;
        }
        let read = event.essence();
        let has_same_money = read.money == recorded.money;
        if has_same_money && !has_more_identifiers(&read, recorded) {
            return self.mark(index, PlanState::ToSend, "");
        }
        let says_more = has_same_money || event.gross_cents.is_some();
        let is_free = !self.is_refunded(key) && !self.history.is_maybe_recorded(key);
        if event.kind == Kind::Sale && says_more && is_free {
            self.mark(index, PlanState::ToSend, SENT_AS_READ_NOW);
            self.replacing.insert(key, ());
        } else if has_same_money {
            self.mark(index, PlanState::ToSend, "");
        } else {
            self.mark(index, PlanState::Duplicate, LEFT_WITH_ANOTHER_AMOUNT);
        }
    }

    /// Returns `true` if a sale of which nothing is at the API is to be recorded with what this reading says of
    /// it, so that a later retry sends that. Its refunds were recorded by what it counted then.
    fn is_restated(&self, event: EventRef<'_>, recorded: &Essence) -> bool {
        let key = event.key();
        let outcome = self.history.outcome(key);
        let counts_nowhere = matches!(outcome, Some(Outcome::Failed | Outcome::NonReferral));
        if event.kind != Kind::Sale || !counts_nowhere || self.is_refunded(key) {
            return false;
        }
        let read = event.essence();
        if read.money == recorded.money {
            // Such a sale is sent again if it was not a referral.
            let mut known = std::iter::once(recorded).chain(self.history.replaced(key));
            outcome == Some(Outcome::Failed)
                && known.all(|known| has_more_identifiers(&read, known))
        } else {
            event.gross_cents.is_some() && !recorded.is_gross_unknown && !recorded.is_corrected
        }
    }

    /// Returns `true` if earlier runs recorded any refund of this sale.
    fn is_refunded(&self, sale: EventKey) -> bool {
        let refunded = self.history.refunded(sale);
        refunded.cents != 0 || refunded.gross_cents != 0
    }

    /// Returns in what an event contradicts what an earlier run recorded under its id. An id is known
    /// together with its kind of export: dates that are far apart are two events.
    fn contradiction(&self, event: EventRef<'_>, recorded: &Essence) -> Option<Contradiction> {
        let read = event.essence();
        if let Some(difference) = read.contradicts(recorded) {
            let is_sum = difference == Contradiction::Amount && self.is_sum_of_payments(event);
            return (!is_sum).then_some(difference);
        }
        if let Some(difference) = self.other_terms(event) {
            return Some(difference);
        }
        if read.refund_total_cents.is_some() || recorded.refund_total_cents.is_some() {
            return None;
        }
        let seconds = read.created_at_s?.abs_diff(recorded.created_at_s?);
        let here = self.origins.of_event(event)?;
        let there = self
            .origins
            .of_profile(self.history.profile(event.key())?)?;
        // Another payment of one invoice, where nothing names it.
        let is_another = event.is_named_by_shared_id_alone && seconds > 0 && here.is_kind_of(there);
        (is_another || here.are_apart(there, seconds)).then_some(Contradiction::Date)
    }

    /// Returns in which of its terms a sale or a sign-up differs from what an earlier run recorded of it by the
    /// same kind of export. Of a sale that was not a referral, only what names a promoter matters.
    fn other_terms(&self, event: EventRef<'_>) -> Option<Contradiction> {
        if !matches!(event.kind, Kind::Sale | Kind::Signup) {
            return None;
        }
        let key = event.key();
        let here = self.origins.of_event(event)?;
        let there = self.origins.of_profile(self.history.profile(key)?)?;
        if !here.is_kind_of(there) {
            return None;
        }
        let mut read = event.terms();
        if !here.has_own_plans() {
            read.plan = None;
        }
        if self.history.outcome(key) == Some(Outcome::NonReferral) {
            read.plan = None;
            read.details.quantity = None;
            read.details.mrr_cents = None;
        }
        read.difference(&self.history.terms(key)?)
    }

    /// Returns `true` if a sale is an invoice, and earlier runs sent all that was paid of it as several
    /// payments.
    fn is_sum_of_payments(&self, event: EventRef<'_>) -> bool {
        let further = self.history.further_payments(event.key());
        if event.kind != Kind::Sale || event.reference.is_some() || further.is_empty() {
            return false;
        }
        let further = further.iter().map(|id| EventKey::from_id(id));
        let keys: Vec<EventKey> = std::iter::once(event.key()).chain(further).collect();
        let payments = keys.iter().filter_map(|&key| self.history.essence(key));
        let paid = payments.filter_map(|recorded| recorded.paid_cents());
        keys.iter().all(|&key| self.history.is_settled(key))
            && event.paid_cents() == Some(paid.fold(0, i64::saturating_add))
    }

    /// Returns the reason why an event replaces what an earlier run sent under its id, if it does.
    fn replaces(&self, event: EventRef<'_>, recorded: &Essence) -> Option<&'static str> {
        let key = event.key();
        let has_sale_asked_again = || {
            let sale = recorded.sale;
            sale.is_some_and(|sale| self.asked_again.has_sale(sale))
        };
        if self.asked_again.has_refund(key) {
            return Some(CORRECTED_BEFORE);
        }
        if (self.is_left_to_send(key) || has_sale_asked_again())
            && self.asked_again.supersedes(key, self.history)
        {
            let sale = recorded.sale;
            let is_sale_left = sale.is_some_and(|sale| self.history.is_never_requested(sale));
            return Some(if is_sale_left {
                "its sale is sent with what these exports say"
            } else {
                "its sale is sent again for another customer or promoter"
            });
        }
        if !replaces(event, recorded, self.history) {
            return None;
        }
        Some(match self.history.outcome(event.key()) {
            None => CORRECTED_BEFORE,
            Some(Outcome::Failed) => {
                "corrected: the API refused what an earlier run sent under this id"
            }
            _ if event.essence().names_customer_otherwise(recorded) => {
                "sent again: an earlier run sent it for another customer, who was not a referral"
            }
            _ => "sent again: it names a promoter now, and was not a referral without one",
        })
    }

    /// Returns what earlier runs recorded as refunded of a sale that is asked again, as far as none of these
    /// exports has it: asked for alone, the sale would count without its refunds.
    fn refunds_left_behind(&self, sale: EventRef<'_>, here: &KeyMap<RefundsHere>) -> Option<Money> {
        let recorded = self.history.refunded(sale.key());
        if sale.kind != Kind::Sale || recorded.cents == 0 {
            return None;
        }
        let here = here.get(&sale.key()).copied().unwrap_or_default();
        // Of a sale that was corrected before it was sent, a smaller total may be right, too.
        let is_total_here = here.total_cents >= recorded.largest_total_cents
            || here.total_cents.is_some() && self.history.is_never_requested(sale.key());
        if recorded.largest_total_cents.is_some() && is_total_here {
            return None;
        }
        let missing = recorded.cents - here.recorded_cents;
        let money = sale.read_money()?;
        (missing > 0).then_some(Money {
            amount_cents: missing,
            ..money
        })
    }

    /// Returns why a sale can't be sent again without its refunds.
    fn note_of_left_behind(&self, sale: EventKey, refunds: Money) -> String {
        match self.history.outcome(sale) {
            None => format!(
                "it was corrected before it was sent, and its refunds of {refunds} in an earlier run are not in these exports"
            ),
            Some(Outcome::Failed) => format!(
                "it was corrected, and its refunds of {refunds} failed with it in an earlier run and are not in these exports"
            ),
            _ => format!(
                "its customer or promoter is another one now, and its refunds of {refunds} were not referrals in an earlier run"
            ),
        }
    }

    /// Returns which refunds are in these exports, by the key of their sale.
    fn refunds_here(&self, events: &Events) -> KeyMap<RefundsHere> {
        let mut seen: KeyMap<()> = KeyMap::default();
        let mut by_sale: KeyMap<RefundsHere> = KeyMap::default();
        for index in 0..events.len() {
            let (key, kind) = (events.key(index), events.kind(index));
            let Some(sale) = events.sale_event_id(index).filter(|_| kind == Kind::Refund) else {
                continue;
            };
            let here = by_sale.entry(EventKey::from_id(sale)).or_default();
            let total_cents = events.figures(index).refund_total_cents;
            here.total_cents = here.total_cents.max(total_cents);
            if let Some(money) = self
                .history
                .essence(key)
                .and_then(|recorded| recorded.money)
                && seen.insert(key, ()).is_none()
            {
                here.recorded_cents = here.recorded_cents.saturating_add(money.amount_cents);
            }
        }
        by_sale
    }

    fn was_replaced(&self, event: EventRef<'_>) -> bool {
        let read = event.essence();
        let mut replaced = self.history.replaced(event.key()).iter();
        replaced.any(|old| read.contradicts(old).is_none())
    }

    fn note_of_contradiction(
        &self,
        difference: Contradiction,
        event: EventRef<'_>,
        recorded: Essence,
    ) -> String {
        let terms = self.history.terms(event.key()).unwrap_or_default();
        let there = Side::recorded(recorded, terms);
        let note = difference_note(difference, &Side::from_event(event), &there);
        match self.history.outcome(event.key()) {
            Some(outcome) => format!(
                "an earlier run sent an event with this id ({}) and with {note}",
                outcome_in_words(outcome)
            ),
            None => format!("an earlier run recorded an event with this id and with {note}"),
        }
    }

    pub(super) fn apply_links(&mut self, events: &mut Events, links: Links) {
        for (index, link) in links.into_unsound() {
            if self.states[index] != PlanState::ToSend {
                continue;
            }
            match link {
                Link::Sound => {}
                Link::Covered(reason) => self.mark(index, PlanState::Duplicate, reason),
                Link::Held(held) => {
                    self.hold(index, held.reason, held.note);
                    if !held.candidates.is_empty() {
                        events.edit(index, |event| {
                            event.set_details(Details {
                                candidates: Some(held.candidates.join(" ").into()),
                                ..event.details().clone()
                            });
                        });
                    }
                }
            }
        }
    }

    /// Holds refunds that name the id of another provider's sale, and another customer than that has, months
    /// away from it: ids of two providers may be the same.
    pub(super) fn hold_refunds_of_other_providers(
        &mut self,
        events: &Events,
        representatives: &KeyRepresentatives,
    ) {
        for index in std::mem::take(&mut self.other_customers) {
            let refund = events.get(index);
            let sale = refund
                .sale_event_id
                .map(EventKey::from_id)
                .expect("a refund is compared with the sale that it is linked to");
            let (origin, sold_at_s) = match representatives.named(sale) {
                Some(sale) => {
                    let sale = events.get(sale);
                    let sold_at_s = sale.created_at.map(jiff::Timestamp::as_second);
                    (self.origins.of_event(sale), sold_at_s)
                }
                None => {
                    let profile = self.history.profile(sale);
                    let origin = profile.and_then(|profile| self.origins.of_profile(profile));
                    let recorded = self.history.essence(sale);
                    (origin, recorded.and_then(|sale| sale.created_at_s))
                }
            };
            let refunded_at_s = refund.created_at.map(jiff::Timestamp::as_second);
            let apart_s = refunded_at_s.zip(sold_at_s).map(|(a, b)| a.abs_diff(b));
            let both = self.origins.of_event(refund).zip(origin);
            if self.states[index] == PlanState::ToSend
                && apart_s.is_some_and(|apart| apart > MONTHS_S)
                && both.is_some_and(|(refund, sale)| !refund.is_of_provider_of(sale))
            {
                self.hold(index, HeldReason::OtherProvider, OTHER_PROVIDER);
            }
        }
    }

    /// Holds refunds whose sale can't be sent, or whose sale belongs to a run that was interrupted and is not
    /// resumed.
    pub(super) fn hold_refunds_of_held_sales(
        &mut self,
        events: &Events,
        representatives: &KeyRepresentatives,
    ) {
        for index in 0..events.len() {
            let Some(sale) = events.sale_event_id(index) else {
                continue;
            };
            if self.states[index] != PlanState::ToSend
                && !self.is_newly_uncounted(index, events, representatives)
            {
                continue;
            }
            let key = EventKey::from_id(sale);
            let reason = match representatives.named(key) {
                Some(sale) if self.was_sent_to_another(sale, key) => continue,
                Some(sale) if self.states[sale].is_held() => "its sale is held",
                // The sale was corrected, and is sent first.
                Some(sale) if self.states[sale] == PlanState::ToSend => continue,
                _ if self.history.is_left_in_account(key) => LEFT_IN_ACCOUNT,
                _ if self.history.has_failed(key) => {
                    "the API refused its sale; `fprecon retry --failed` tries that again"
                }
                _ if self.history.is_in_question(key) => {
                    "its sale is unconfirmed; settle that first, by `fprecon retry --unconfirmed` or `fprecon accept`"
                }
                named
                    if named.is_none() && !self.history.is_settled(key)
                        || self.is_left_to_send(key) =>
                {
                    if self.is_left_to_send(events.key(index)) {
                        self.mark(index, PlanState::Duplicate, LEFT_WITH_ITS_SALE);
                        continue;
                    }
                    if named.is_some_and(|sale| self.left_in_account.contains(&sale)) {
                        LEFT_IN_ACCOUNT
                    } else {
                        "its sale belongs to a run that was interrupted; `fprecon resume` sends it first"
                    }
                }
                _ => continue,
            };
            self.hold(index, HeldReason::SaleNotSent, reason);
        }
    }

    /// Returns `true` if an earlier run recorded an event that is not settled.
    pub(super) fn is_left_to_send(&self, key: EventKey) -> bool {
        self.history.is_left_to_send(key)
    }

    /// Returns `true` if an earlier run sent a sale, and these exports only name another customer for it. Its
    /// refunds are sent with the customer to whom it was sent.
    pub(super) fn was_sent_to_another(&self, sale: usize, key: EventKey) -> bool {
        let was_sent = self.history.outcome(key).is_some_and(Outcome::is_tracked);
        was_sent && self.with_history.get(&sale) == Some(&Contradiction::Customer)
    }

    /// Returns `true` if nothing of a refund counts, and no earlier run has seen it.
    fn is_newly_uncounted(
        &self,
        index: usize,
        events: &Events,
        representatives: &KeyRepresentatives,
    ) -> bool {
        let event = events.get(index);
        self.states[index] == PlanState::Duplicate
            && event.is_uncounted()
            && representatives.for_event(index, event.key()) == index
            && self.history.counted_nothing(event.key()).is_none()
    }
}

/// Returns `true` if a reading has more by which its customer or its promoter is found than the recorded one.
fn has_more_identifiers(read: &Essence, recorded: &Essence) -> bool {
    read.completes_customer_of(recorded) || read.names_promoter_otherwise(recorded)
}

/// Returns `true` if two readings differ in what a sale or a sign-up says beside its amount, customer and date.
fn is_of_terms(difference: Contradiction) -> bool {
    matches!(
        difference,
        Contradiction::Plan
            | Contradiction::PromoCode
            | Contradiction::Promoter
            | Contradiction::Quantity
            | Contradiction::Mrr
    )
}

/// Returns the outcome of an event in words for people.
fn outcome_in_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Tracked => "tracked",
        Outcome::AlreadyTracked => "already tracked",
        Outcome::NonReferral => "not a referral",
        Outcome::Failed => "failed",
        Outcome::Unconfirmed => "unconfirmed",
    }
}
