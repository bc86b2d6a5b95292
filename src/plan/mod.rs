//! What is new, a duplicate, a conflict or held, and in what order events go out.

mod order;
mod past;
mod settle;

pub use past::Past;
pub(crate) use settle::{CSV_HEADER, take_back_row};

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::event::{
    Contradiction, Details, Essence, EventKey, EventRef, Events, KeyMap, Kind, Money, Tally,
};
use crate::journal::{Outcome, PlanState};
use crate::link::{AskedAgain, Cause, Link, Links, names_another_non_referral, replaces};
use crate::problem::Problem;
use crate::readings::{Decided, Origins, Readings, Side, difference_note};
use order::sending_order;

/// An event and what is to happen with it.
#[derive(Clone, Copy, Debug)]
pub struct Planned<'p> {
    /// The event; its note says why it is in this state.
    pub event: EventRef<'p>,
    /// What is to happen with it.
    pub state: PlanState,
}

/// A job's events in sending order, each in exactly one state.
#[derive(Clone, Debug)]
pub struct Plan {
    events: Events,
    states: Vec<PlanState>,
    replacing: KeyMap<()>,
    /// What was read, added up before anything was decided: the left side of the balance.
    pub read: Tally,
    /// Conflicts and refunds that are held, for a person to look at.
    pub problems: Vec<Problem>,
}

impl Plan {
    /// Every event that was read, in sending order.
    pub fn events(&self) -> impl ExactSizeIterator<Item = Planned<'_>> {
        (0..self.events.len()).map(|place| self.event(place))
    }

    /// The event at this place of the sending order.
    ///
    /// # Panics
    ///
    /// There is none.
    pub fn event(&self, place: usize) -> Planned<'_> {
        Planned {
            event: self.events.get(place),
            state: self.states[place],
        }
    }

    /// What is to happen with each event, in sending order.
    pub(crate) fn states(&self) -> &[PlanState] {
        &self.states
    }

    /// Kind and key of the event at this place, without a look at the rest of it.
    pub(crate) fn kind_and_key(&self, place: usize) -> (Kind, EventKey) {
        (self.events.kind(place), self.events.key(place))
    }

    /// Returns whether the event to send with this key takes the place of what an earlier run recorded
    /// under it.
    pub(crate) fn replaces(&self, key: EventKey) -> bool {
        self.replacing.contains_key(&key)
    }

    /// The events of each state, added up.
    pub fn tallies(&self) -> BTreeMap<PlanState, Tally> {
        let none = PlanState::ALL
            .iter()
            .map(|&state| (state, Tally::default()));
        let mut tallies: BTreeMap<PlanState, Tally> = none.collect();
        for (place, &state) in self.states.iter().enumerate() {
            let figures = self.events.figures(place);
            let tally = tallies.entry(state).or_default();
            tally.add(figures.kind, figures.money);
        }
        tallies
    }

    /// Whether what was read equals what stands in the states, in events and in cents.
    pub fn balances(&self) -> bool {
        let mut sum = Tally::default();
        for tally in self.tallies().values() {
            sum.add_tally(tally);
        }
        sum == self.read
    }
}

/// Decides for every event of a job what is to happen with it.
///
/// `links` is what [`crate::link::link`] said of `events`, `asked_again` which of their sales are asked
/// again, `readings` which of them are one.
pub fn plan(
    mut events: Events,
    mut links: Links,
    asked_again: &AskedAgain,
    mut readings: Readings,
    past: &dyn Past,
    origins: &Origins,
) -> Plan {
    let read = (0..events.len())
        .map(|index| events.figures(index))
        .collect();
    readings.join_refunds(&mut events, origins);
    let (decided, of_several, maybe_sent) = readings.into_parts();
    let mut firsts = Firsts::new(of_several, &events);
    let mut planner = Planner::new(past, origins, asked_again, decided, events.len());
    planner.maybe_sent = maybe_sent;
    planner.other_customers = links.take_other_customers();
    planner.compare_with_past(&events, &mut firsts);
    planner.apply_links(&mut events, links);
    planner.hold_refunds_of_other_providers(&events, &firsts);
    planner.hold_refunds_of_held_sales(&events, &firsts);
    let problems = planner.problems(&events, &firsts);
    let order = sending_order(&events, &firsts);
    for index in 0..events.len() {
        let note = planner.note(index);
        if !note.is_empty() {
            events.edit(index, |event| event.remark(note));
        }
    }
    let (mut states, replacing) = (planner.states, planner.replacing);
    arrange(order, &mut events, &mut states);
    Plan {
        events,
        states,
        replacing,
        read,
        problems,
    }
}

/// Puts events and states into an order that names each index once, without a second copy of them.
fn arrange(mut order: Vec<usize>, events: &mut Events, states: &mut [PlanState]) {
    for start in 0..order.len() {
        let mut to = start;
        while order[to] != start {
            let from = order[to];
            events.swap(to, from);
            states.swap(to, from);
            order[to] = to;
            to = from;
        }
        order[to] = to;
    }
}

/// The note of every event that is settled.
const SETTLED: &str = "settled by an earlier run";

/// A refund of a provider's own comes sooner after its sale: cards can be disputed for 120 days.
const MONTHS_S: u64 = 120 * 24 * 3600;

/// Why a refund is held that has found a sale.
#[derive(Clone, Copy, Debug)]
enum Doubt {
    /// Its customer was corrected in a report, and that of its sale was not.
    CorrectedAlone,
    /// The sale may be another provider's.
    OtherProvider,
}

impl Doubt {
    fn note(self) -> &'static str {
        match self {
            Doubt::CorrectedAlone => {
                "its customer was corrected and that of its sale was not, with which it is sent"
            }
            Doubt::OtherProvider => {
                "the sale with the id that it names is another provider's, of another customer, and months away"
            }
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Doubt::CorrectedAlone => {
                "correct the customer in the row of its sale in non_referral.csv as well, and run both rows"
            }
            Doubt::OtherProvider => {
                "add the export that holds its sale; if it is that one, name it in a CSV for `--link`, with the columns refund_event_id,sale_event_id; the refund is not sent"
            }
        }
    }
}

/// The note of a refund that an interrupted run has left together with its sale.
const LEFT_WITH_ITS_SALE: &str =
    "a run that was interrupted has it, and its sale; `fprecon resume` sends both";

/// Which event stands for each key: the first, or the one that the journal knows. Most keys have one
/// reading, which stands for itself: only the others are kept, and those that refunds name.
#[derive(Default)]
struct Firsts {
    of_several: KeyMap<usize>,
    named: KeyMap<usize>,
}

impl Firsts {
    fn new(of_several: KeyMap<usize>, events: &Events) -> Self {
        let mut firsts = Firsts {
            of_several,
            named: KeyMap::default(),
        };
        firsts.find_named(events);
        firsts
    }

    /// Which event stands for the key of this one.
    fn of(&self, index: usize, key: EventKey) -> usize {
        let first = self.of_several.get(&key);
        first.copied().unwrap_or(index)
    }

    /// Which event stands for a key that an event names as that of its sale.
    fn named(&self, key: EventKey) -> Option<usize> {
        let first = self.of_several.get(&key).or_else(|| self.named.get(&key));
        first.copied()
    }

    fn set(&mut self, index: usize, key: EventKey) {
        if let Some(first) = self.of_several.get_mut(&key) {
            *first = index;
        }
    }

    fn find_named(&mut self, events: &Events) {
        let sales = (0..events.len()).filter_map(|index| events.sale_event_id(index));
        let mut named: KeyMap<Option<usize>> = KeyMap::default();
        named.extend(sales.map(|sale| (EventKey::of(sale), None)));
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

/// The refunds of a sale that are in a job's exports.
#[derive(Clone, Copy, Default)]
struct RefundsHere {
    /// What earlier runs recorded of them.
    recorded_cents: i64,
    /// The largest running total.
    total_cents: Option<i64>,
}

struct Planner<'p> {
    past: &'p dyn Past,
    origins: &'p Origins,
    asked_again: &'p AskedAgain,
    states: Vec<PlanState>,
    /// The keys of those that take the place of what an earlier run recorded.
    replacing: KeyMap<()>,
    /// Why events are in their states, where there is more to say than that they are settled.
    notes: HashMap<usize, Cow<'static, str>>,
    /// Why events are held that have their sale, or need none.
    causes: HashMap<usize, Cause>,
    /// Those in conflict with what an earlier run sent, and in what they differ.
    with_past: HashMap<usize, Contradiction>,
    /// Sales that can't be asked for again without their refunds.
    left_behind: HashSet<usize>,
    /// Payments of which an earlier run sent one without saying which.
    maybe_sent: HashSet<usize>,
    /// Refunds whose own rows name another customer than their sale has.
    other_customers: BTreeSet<usize>,
    doubts: HashMap<usize, Doubt>,
}

impl<'p> Planner<'p> {
    fn new(
        past: &'p dyn Past,
        origins: &'p Origins,
        asked_again: &'p AskedAgain,
        decided: Decided,
        events: usize,
    ) -> Self {
        let mut planner = Planner {
            past,
            origins,
            asked_again,
            replacing: KeyMap::default(),
            states: vec![PlanState::ToSend; events],
            notes: HashMap::new(),
            causes: HashMap::new(),
            with_past: HashMap::new(),
            left_behind: HashSet::new(),
            maybe_sent: HashSet::new(),
            other_customers: BTreeSet::new(),
            doubts: HashMap::new(),
        };
        for (index, (state, note)) in decided {
            planner.mark(index, state, note);
        }
        planner
    }

    fn mark(&mut self, index: usize, state: PlanState, note: impl Into<Cow<'static, str>>) {
        self.states[index] = state;
        let note = note.into();
        match note.is_empty() {
            true => self.notes.remove(&index),
            false => self.notes.insert(index, note),
        };
    }

    /// Holds a refund that has found a sale.
    fn doubt(&mut self, refund: usize, doubt: Doubt) {
        self.mark(refund, PlanState::Unlinked, doubt.note());
        self.doubts.insert(refund, doubt);
    }

    fn note(&self, index: usize) -> &str {
        match (self.notes.get(&index), self.states[index]) {
            (Some(note), _) => note,
            (None, PlanState::Settled) => SETTLED,
            (None, _) => "",
        }
    }

    fn compare_with_past(&mut self, events: &Events, firsts: &mut Firsts) {
        if self.past.is_empty() {
            return;
        }
        let mut matched: KeyMap<()> = KeyMap::default();
        // Added up once, and only where a sale is asked again.
        let mut refunds_here: Option<KeyMap<RefundsHere>> = None;
        for index in 0..events.len() {
            let key = events.key(index);
            let recorded = self.past.essence(key);
            let Some(recorded) = recorded.filter(|_| !self.maybe_sent.contains(&index)) else {
                continue;
            };
            let event = events.get(index);
            let is_first = firsts.of(index, key) == index;
            if is_first
                && self.states[index] == PlanState::ToSend
                && let Some(note) = self.replaces(event, &recorded)
            {
                matched.insert(key, ());
                let here = refunds_here.get_or_insert_with(|| self.refunds_here(events));
                match self.refunds_left_behind(event, here) {
                    Some(refunds) => {
                        let note = format!(
                            "its customer is another one now, and an earlier run found its refunds of {refunds} to be no referrals"
                        );
                        self.mark(index, PlanState::Conflict, note);
                        self.left_behind.insert(index);
                    }
                    None => {
                        self.mark(index, PlanState::ToSend, note);
                        self.replacing.insert(key, ());
                    }
                }
                continue;
            }
            if event.is_mended && self.past.outcome(key) == Some(Outcome::NonReferral) {
                matched.insert(key, ());
                match self.other_customers.contains(&index) {
                    true => self.doubt(index, Doubt::CorrectedAlone),
                    false => self.mark(index, PlanState::Settled, ""),
                }
                continue;
            }
            match self.contradiction(event, &recorded) {
                // The export has it as it was; the journal, as it was corrected.
                Some(_) if self.states[index] == PlanState::ToSend && self.was_replaced(event) => {
                    self.mark(index, PlanState::Settled, "corrected since");
                }
                Some(difference) => {
                    let note = self.note_of_contradiction(difference, event, recorded);
                    self.mark(index, PlanState::Conflict, note);
                    self.with_past.insert(index, difference);
                }
                // What the journal has decides a quarrel between two exports, unless it is about a
                // customer whom the journal does not know as a referral.
                None if self.states[index] == PlanState::Conflict
                    && names_another_non_referral(event, &recorded, self.past) => {}
                None if self.states[index] == PlanState::Conflict || is_first => {
                    if matched.insert(key, ()).is_some() {
                        let note = "these exports have it more than once";
                        self.mark(index, PlanState::Duplicate, note);
                        continue;
                    }
                    firsts.set(index, key);
                    let state = match self.past.is_settled(key) {
                        true => PlanState::Settled,
                        false => PlanState::ToSend,
                    };
                    self.mark(index, state, "");
                }
                None => {}
            }
        }
    }

    /// Returns in what an event contradicts what an earlier run recorded under its id. An id is known
    /// together with its kind of export: dates that are far apart are two events.
    fn contradiction(&self, event: EventRef<'_>, recorded: &Essence) -> Option<Contradiction> {
        let read = event.essence();
        if let Some(difference) = read.contradicts(recorded) {
            let is_sum = difference == Contradiction::Amount && self.is_sum_of_payments(event);
            return (!is_sum).then_some(difference);
        }
        if read.refund_total_cents.is_some() || recorded.refund_total_cents.is_some() {
            return None;
        }
        let seconds = read.created_at_s?.abs_diff(recorded.created_at_s?);
        let here = self.origins.of_event(event)?;
        let there = self.origins.of_profile(self.past.profile(event.key())?)?;
        here.are_apart(there, seconds)
            .then_some(Contradiction::Date)
    }

    /// Returns whether a sale is an invoice, and earlier runs sent all that was paid of it as several
    /// payments.
    fn is_sum_of_payments(&self, event: EventRef<'_>) -> bool {
        let further = self.past.further_payments(event.key());
        if event.kind != Kind::Sale || event.reference.is_some() || further.is_empty() {
            return false;
        }
        let further = further.iter().map(|id| EventKey::of(id));
        let keys: Vec<EventKey> = std::iter::once(event.key()).chain(further).collect();
        let payments = keys.iter().filter_map(|&key| self.past.essence(key));
        let paid = payments.filter_map(|recorded| recorded.paid_cents());
        keys.iter().all(|&key| self.past.is_settled(key))
            && event.paid_cents() == Some(paid.fold(0, i64::saturating_add))
    }

    /// Says why an event takes the place of what an earlier run sent under its id, if it does.
    fn replaces(&self, event: EventRef<'_>, recorded: &Essence) -> Option<&'static str> {
        let key = event.key();
        if self.is_left_to_send(key) && self.asked_again.supersedes(key, self.past) {
            return Some("its sale is asked again for another customer");
        }
        if !replaces(event, recorded, self.past) {
            return None;
        }
        Some(match self.past.outcome(event.key()) {
            Some(Outcome::Failed) => {
                "corrected: the API refused what an earlier run sent under this id"
            }
            _ => "asked again: an earlier run asked for another customer, who was not a referral",
        })
    }

    /// Returns what earlier runs recorded as refunded of a sale that is asked again, and what is in none
    /// of these exports: asked for alone, the sale would count without its refunds.
    fn refunds_left_behind(&self, sale: EventRef<'_>, here: &KeyMap<RefundsHere>) -> Option<Money> {
        let recorded = self.past.refunded(sale.key());
        if sale.kind != Kind::Sale || recorded.cents == 0 {
            return None;
        }
        let here = here.get(&sale.key()).copied().unwrap_or_default();
        if recorded.largest_total_cents.is_some()
            && here.total_cents >= recorded.largest_total_cents
        {
            return None;
        }
        let missing = recorded.cents - here.recorded_cents;
        let money = sale.read_money()?;
        (missing > 0).then_some(Money {
            amount_cents: missing,
            ..money
        })
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
            let here = by_sale.entry(EventKey::of(sale)).or_default();
            let total_cents = events.figures(index).refund_total_cents;
            here.total_cents = here.total_cents.max(total_cents);
            if let Some(money) = self.past.essence(key).and_then(|recorded| recorded.money)
                && seen.insert(key, ()).is_none()
            {
                here.recorded_cents = here.recorded_cents.saturating_add(money.amount_cents);
            }
        }
        by_sale
    }

    fn was_replaced(&self, event: EventRef<'_>) -> bool {
        let read = event.essence();
        let mut replaced = self.past.replaced(event.key()).iter();
        replaced.any(|old| read.contradicts(old).is_none())
    }

    fn note_of_contradiction(
        &self,
        difference: Contradiction,
        event: EventRef<'_>,
        recorded: Essence,
    ) -> String {
        let note = difference_note(difference, &Side::of(event), &recorded.into());
        match self.past.outcome(event.key()) {
            Some(outcome) => format!(
                "an earlier run sent an event with this id ({}) and with {note}",
                outcome_in_words(outcome)
            ),
            None => format!("an earlier run recorded an event with this id and with {note}"),
        }
    }

    fn apply_links(&mut self, events: &mut Events, links: Links) {
        for (index, link) in links.into_unsound() {
            if self.states[index] != PlanState::ToSend {
                continue;
            }
            match link {
                Link::Sound => {}
                Link::Covered(reason) => self.mark(index, PlanState::Duplicate, reason),
                Link::Held(held) => {
                    self.mark(index, PlanState::Unlinked, held.reason);
                    if !held.candidates.is_empty() {
                        events.edit(index, |event| {
                            event.set_details(Details {
                                candidates: Some(held.candidates.join(" ").into()),
                                ..event.details().clone()
                            });
                        });
                    }
                }
                Link::HeldBack(cause, reason) => {
                    self.causes.insert(index, cause);
                    self.mark(index, PlanState::Unlinked, reason);
                }
            }
        }
    }

    /// Holds refunds that name the id of another provider's sale, and another customer than that has, months
    /// away from it: ids of two providers may be the same.
    fn hold_refunds_of_other_providers(&mut self, events: &Events, firsts: &Firsts) {
        for index in std::mem::take(&mut self.other_customers) {
            let refund = events.get(index);
            let Some(sale) = refund.sale_event_id.map(EventKey::of) else {
                continue;
            };
            let (origin, sold_at_s) = match firsts.named(sale) {
                Some(sale) => {
                    let sale = events.get(sale);
                    let sold_at_s = sale.created_at.map(jiff::Timestamp::as_second);
                    (self.origins.of_event(sale), sold_at_s)
                }
                None => {
                    let profile = self.past.profile(sale);
                    let origin = profile.and_then(|profile| self.origins.of_profile(profile));
                    let recorded = self.past.essence(sale);
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
                self.doubt(index, Doubt::OtherProvider);
            }
        }
    }

    /// A refund can't go out while its sale can't, or while its sale belongs to a run that was
    /// interrupted and is not resumed.
    fn hold_refunds_of_held_sales(&mut self, events: &Events, firsts: &Firsts) {
        for index in 0..events.len() {
            let Some(sale) = events.sale_event_id(index) else {
                continue;
            };
            if self.states[index] != PlanState::ToSend
                && !self.is_newly_uncounted(index, events, firsts)
            {
                continue;
            }
            let key = EventKey::of(sale);
            let reason = match firsts.named(key) {
                Some(sale) if self.was_sent_to_another(sale, key) => continue,
                Some(sale) if self.states[sale].is_held() => "its sale is held",
                // Corrected, it goes out first.
                Some(sale) if self.states[sale] == PlanState::ToSend => continue,
                _ if self.past.has_failed(key) => {
                    "the API refused its sale; `fprecon retry --failed` tries that again"
                }
                None if !self.past.is_settled(key) => {
                    if self.is_left_to_send(events.key(index)) {
                        self.mark(index, PlanState::Duplicate, LEFT_WITH_ITS_SALE);
                        continue;
                    }
                    "its sale belongs to a run that was interrupted; `fprecon resume` sends it first"
                }
                _ => continue,
            };
            self.mark(index, PlanState::Unlinked, reason);
        }
    }

    /// Returns whether an earlier run recorded an event that is not settled.
    fn is_left_to_send(&self, key: EventKey) -> bool {
        self.past.essence(key).is_some() && !self.past.is_settled(key)
    }

    /// Returns whether an earlier run sent a sale, and these exports only name another customer for it. Its
    /// refunds go out with the customer to whom it was sent.
    fn was_sent_to_another(&self, sale: usize, key: EventKey) -> bool {
        let was_sent = self.past.outcome(key).is_some_and(Outcome::is_tracked);
        was_sent && self.with_past.get(&sale) == Some(&Contradiction::Customer)
    }

    /// Returns whether nothing of a refund counts, and no earlier run has seen it.
    fn is_newly_uncounted(&self, index: usize, events: &Events, firsts: &Firsts) -> bool {
        let event = events.get(index);
        self.states[index] == PlanState::Duplicate
            && event.counts_nothing()
            && firsts.of(index, event.key()) == index
            && self.past.counted_nothing(event.key()).is_none()
    }

    fn unlinked_hint(&self, refund: EventRef<'_>, firsts: &Firsts) -> Cow<'static, str> {
        match refund.sale_event_id.map(EventKey::of) {
            None => {
                "name its sale in a CSV for `--link`, with the columns refund_event_id,sale_event_id; the refund is not sent".into()
            }
            Some(sale)
                if firsts
                    .named(sale)
                    .is_some_and(|sale| self.states[sale].is_held()) =>
            {
                "settle its sale first, as the error of the sale says, then run the exports again".into()
            }
            Some(sale) if firsts.named(sale).is_some() || self.past.essence(sale).is_some() => {
                settle::unclear_refund_hint(refund).into()
            }
            Some(_) => {
                "add the export that holds its sale, or name the sale in a CSV for `--link`; the refund is not sent".into()
            }
        }
    }

    fn problems(&self, events: &Events, firsts: &Firsts) -> Vec<Problem> {
        let held = (0..events.len()).filter_map(|index| {
            let event = || events.get(index);
            let (code, hint): (_, Cow<'static, str>) = match self.states[index] {
                PlanState::Conflict => ("event-conflict", self.conflict_hint(index, event())),
                PlanState::Unlinked if let Some(cause) = self.causes.get(&index) => {
                    let (code, hint) = cause_hint(*cause);
                    match cause {
                        Cause::NotPaid => (code, settle::not_paid_hint(event(), self.past).into()),
                        _ => (code, hint.into()),
                    }
                }
                PlanState::Unlinked => {
                    let doubt = self.doubts.get(&index);
                    let hint = doubt.map(|doubt| doubt.hint().into());
                    let hint = hint.unwrap_or_else(|| self.unlinked_hint(event(), firsts));
                    ("refund-unlinked", hint)
                }
                _ => return None,
            };
            let event = event();
            let message = format!(
                "{} `{}`: {}",
                event.kind,
                event.event_id(),
                self.note(index)
            );
            let path = self.origins.path(event.source.input);
            Some(
                Problem::error(code, message)
                    .at(path, Some(event.source.line))
                    .hint(hint),
            )
        });
        held.collect()
    }

    fn conflict_hint(&self, index: usize, event: EventRef<'_>) -> Cow<'static, str> {
        if self.left_behind.contains(&index) {
            return "add the exports that have its refunds to the call, so that they are asked again with it; or correct the customer in the rows of the sale and its refunds in the non_referral.csv of their runs, and run these files together first".into();
        }
        let recorded = self.past.essence(event.key());
        match self.with_past.get(&index).zip(recorded) {
            Some((&difference, recorded)) => {
                let outcome = self.past.outcome(event.key());
                settle::hint(difference, event, &recorded, outcome)
            }
            // One side is not in these exports, so that nothing can be removed from them.
            None if recorded.is_some() => settle::undecided_hint(event).into(),
            None => {
                "find out which one is right and remove the others from the exports; none of them is sent".into()
            }
        }
    }
}

/// Returns the code of a problem and what to do about it.
fn cause_hint(cause: Cause) -> (&'static str, &'static str) {
    match cause {
        Cause::Currency => (
            "currency-held",
            "fix the rates file, or choose by `foreign` under `[currencies]` what is done with other currencies",
        ),
        Cause::Customer => (
            "customer-unclear",
            "write the customer's email into the row, and run the file again",
        ),
        Cause::Invoice => (
            "invoice-missing",
            "add the export of invoices that has it, and the exports with all its payments, to the call; the payment is not sent",
        ),
        Cause::NotPaid => (
            "sale-not-paid",
            "if nothing was paid, send the refund with a CSV of your own",
        ),
    }
}

/// Returns what came of an event, as people say it.
fn outcome_in_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Tracked => "tracked",
        Outcome::AlreadyTracked => "already tracked",
        Outcome::NonReferral => "not a referral",
        Outcome::Failed => "failed",
        Outcome::Unconfirmed => "unconfirmed",
    }
}

#[cfg(test)]
mod tests;
