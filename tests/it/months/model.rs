//! What must come of a month, by the documents alone: which events there are, what FirstPromoter says of
//! each, and what needs a person.
//!
//! It shares no code with the program. Where chance decides, such as whether a cancellation without an id
//! got its answer, it names what may be.

use std::collections::{BTreeMap, BTreeSet};

use super::world::{Biller, Change, Deed, Kind, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Tracked,
    AlreadyTracked,
    NonReferral,
    Unconfirmed,
}

impl Outcome {
    pub fn parse(word: &str) -> Self {
        match word {
            "tracked" => Outcome::Tracked,
            "already_tracked" => Outcome::AlreadyTracked,
            "non_referral" => Outcome::NonReferral,
            "unconfirmed" => Outcome::Unconfirmed,
            word => panic!("no event of these months may be {word}"),
        }
    }
}

/// Who a row or a request is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    pub email: String,
    pub uid: Option<String>,
}

impl Who {
    /// Whether both may be one customer: by the uid where there is one, else by the email.
    fn is(&self, other: &Who) -> bool {
        match (&self.uid, &other.uid) {
            (Some(mine), Some(theirs)) => mine == theirs,
            _ => self.email == other.email,
        }
    }

    /// Whether both have an email or a uid in common.
    fn may_be(&self, other: &Who) -> bool {
        self.email == other.email || self.uid.is_some() && self.uid == other.uid
    }

    /// What ties the events of one customer to each other.
    fn lane(&self) -> &str {
        self.uid.as_deref().unwrap_or(&self.email)
    }
}

/// What one call's exports say of an event.
#[derive(Clone, Debug)]
pub struct Reading {
    pub kind: Kind,
    pub id: String,
    pub who: Who,
    pub cents: i64,
    /// For a refund that stands on its sale's row: all that was refunded so far.
    total: Option<i64>,
    pub sale: Option<String>,
    pub has_promo_code: bool,
    at: (u32, u32),
}

/// An event that was recorded.
#[derive(Clone, Debug)]
pub struct Event {
    pub kind: Kind,
    pub who: Who,
    pub cents: i64,
    pub sale: Option<String>,
    /// As in [`Reading`].
    total: Option<i64>,
    /// Whether its sale was asked again since, so that what was recorded of it does not count.
    is_superseded: bool,
    /// Whether it was no referral, and its customer was signed up since.
    is_signed_up_since: bool,
    has_promo_code: bool,
    pub at: (u32, u32),
    /// Its place in the order in which events were recorded.
    row: usize,
    /// The runs that set out to send it.
    runs: BTreeSet<usize>,
    /// Whether a request may have gone out for it in an outage.
    was_tried: bool,
    /// What may have come of it; none where it is left to send.
    pub outcomes: Vec<Outcome>,
    /// Those of whom the API has said that they are nobody's referral.
    strangers: Vec<Who>,
}

impl Event {
    fn is_pending(&self) -> bool {
        self.outcomes.is_empty()
    }

    fn is_non_referral(&self) -> bool {
        self.outcomes == [Outcome::NonReferral]
    }
}

/// A lead, as FirstPromoter finds it.
#[derive(Default)]
struct Lead {
    uids: BTreeSet<String>,
    emails: BTreeSet<String>,
    is_signed_up: bool,
}

/// The leads of the account.
#[derive(Default)]
pub struct Leads(Vec<Lead>);

impl Leads {
    /// The uid goes before the email. Whoever is found is known by both from then on.
    fn find(&mut self, who: &Who) -> Option<&mut Lead> {
        let uid = who.uid.as_deref().unwrap_or_default();
        let by_uid = self.0.iter().position(|lead| lead.uids.contains(uid));
        let by_email = || {
            self.0
                .iter()
                .position(|lead| lead.emails.contains(&who.email))
        };
        let place = by_uid.or_else(by_email)?;
        self.name(place, who);
        self.0.get_mut(place)
    }

    fn name(&mut self, place: usize, who: &Who) {
        let is_free = |taken: fn(&Lead) -> &BTreeSet<String>, name: &String, all: &[Lead]| {
            !all.iter().any(|lead| taken(lead).contains(name))
        };
        if is_free(|lead| &lead.emails, &who.email, &self.0) {
            self.0[place].emails.insert(who.email.clone());
        }
        if let Some(uid) = &who.uid
            && is_free(|lead| &lead.uids, uid, &self.0)
        {
            self.0[place].uids.insert(uid.clone());
        }
    }

    fn create(&mut self, who: &Who) -> &mut Lead {
        self.0.push(Lead::default());
        let place = self.0.len() - 1;
        self.name(place, who);
        &mut self.0[place]
    }

    /// A sign-up: whether it is the lead's first.
    pub fn sign_up(&mut self, who: &Who) -> bool {
        if self.find(who).is_none() {
            self.create(who);
        }
        let lead = self.find(who).unwrap();
        !std::mem::replace(&mut lead.is_signed_up, true)
    }

    /// Whether the customer is a lead, or becomes one by a promo code.
    pub fn takes(&mut self, who: &Who, has_promo_code: bool) -> bool {
        if self.find(who).is_none() && has_promo_code {
            self.create(who);
        }
        self.find(who).is_some()
    }
}

/// How a run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Every request has its answer.
    Calm,
    /// Answers get lost, or the program is killed.
    Rough,
    /// No request is answered well.
    Outage,
}

/// What a run has read and not sent.
#[derive(Debug, Default)]
struct Read {
    rejected: usize,
    held: Vec<String>,
    settled: Vec<String>,
    /// Refunds that an earlier run has left to send, together with their sales.
    left: Vec<String>,
    /// Sales of earlier runs whose customers this one has signed up.
    signed_up: Vec<String>,
}

/// What must be.
pub struct Model {
    pub events: BTreeMap<String, Event>,
    pub leads: Leads,
    rows: usize,
    /// Of each run, counted from 1, what it held, and what it read that needed a person before.
    runs: Vec<Read>,
    have_cancellations_ids: bool,
    /// Sales that somebody else has sent.
    pub foreign: BTreeSet<String>,
    /// What the month has had of everything that it is to have.
    pub seen: BTreeMap<&'static str, u64>,
}

impl Model {
    pub fn new(world: &World, have_cancellations_ids: bool) -> Self {
        let mut leads = Leads::default();
        for customer in &world.customers {
            if customer.path == super::world::Path::BeforeTheMonth {
                leads.sign_up(&Who {
                    email: customer.true_email(0).to_owned(),
                    uid: customer.uid.clone(),
                });
            }
        }
        Model {
            events: BTreeMap::new(),
            leads,
            rows: 0,
            runs: Vec::new(),
            have_cancellations_ids,
            foreign: BTreeSet::new(),
            seen: BTreeMap::new(),
        }
    }

    pub fn see(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    /// Takes a call's readings: what is new is recorded, what is left is taken over, what was settled
    /// stays so, and what contradicts is held.
    pub fn plan(&mut self, readings: &[Reading], rejected: usize) -> usize {
        let run = self.runs.len() + 1;
        let mut read = Read {
            rejected,
            ..Read::default()
        };
        let mut readings: Vec<&Reading> = readings.iter().collect();
        readings.sort_by_key(|reading| (reading.kind != Kind::Signup, reading.at, reading.kind));
        let here: BTreeMap<&str, &Reading> = readings
            .iter()
            .map(|reading| (reading.id.as_str(), *reading))
            .collect();
        // Sales before the refunds that take their customers from them.
        let is_refund = |reading: &&&Reading| reading.kind == Kind::Refund;
        let sales_first = readings.iter().filter(|reading| !is_refund(reading));
        let mut rows: BTreeMap<String, usize> = BTreeMap::new();
        for (row, reading) in readings.iter().enumerate() {
            rows.insert(reading.id.clone(), self.rows + row);
        }
        self.rows += readings.len();
        for reading in sales_first.chain(readings.iter().filter(is_refund)) {
            self.take(reading, rows[&reading.id], &here, run, &mut read);
        }
        self.runs.push(read);
        run
    }

    fn take(
        &mut self,
        reading: &Reading,
        row: usize,
        here: &BTreeMap<&str, &Reading>,
        run: usize,
        read: &mut Read,
    ) {
        let who = match &reading.sale {
            Some(sale) => self.events[sale].who.clone(),
            None => reading.who.clone(),
        };
        let sale_is_held = |read: &Read| {
            let sale = reading.sale.as_ref();
            sale.is_some_and(|sale| read.held.contains(sale))
        };
        let sale_is_elsewhere = reading.sale.as_ref().is_some_and(|sale| {
            !here.contains_key(sale.as_str()) && self.events[sale].is_pending()
        });
        let Some(event) = self.events.get(&reading.id) else {
            if sale_is_held(read) || sale_is_elsewhere {
                read.held.push(reading.id.clone());
                return;
            }
            return self.record(reading, who, row, run);
        };
        let is_other =
            |asked: &Who| asked.email != who.email || who.uid.is_some() && asked.uid != who.uid;
        if event.is_non_referral() && event.strangers.iter().all(is_other) {
            let left_behind = event.kind == Kind::Sale && self.leaves_refunds(&reading.id, here);
            let refunded = self.refunded(reading);
            if event.is_superseded && reading.total.is_some_and(|total| total <= refunded) {
                self.see("an earlier total of a sale that was asked again");
                return;
            }
            if left_behind || sale_is_held(read) {
                read.held.push(reading.id.clone());
                self.see("a sale held that would be asked again without its refunds");
                return;
            }
            self.see("asked again under another email");
            self.supersede_refunds(&reading.id);
            self.events.get_mut(&reading.id).unwrap().is_superseded = true;
            let before = reading.total.map(|_| self.refunded(reading));
            let event = self.events.get_mut(&reading.id).unwrap();
            event.cents = reading.cents - before.unwrap_or(0);
            event.is_superseded = false;
            event.is_signed_up_since = false;
            event.who = who;
            event.outcomes.clear();
            event.row = row;
            event.runs = BTreeSet::from([run]);
            return;
        }
        if event.is_pending() {
            if sale_is_elsewhere {
                self.see("a refund left with its sale to an earlier run");
                read.left.push(reading.id.clone());
                return;
            }
            if sale_is_held(read) || reading.sale.is_none() && !event.who.is(&who) {
                read.held.push(reading.id.clone());
                return;
            }
            self.see("taken over from an earlier run");
            self.events.get_mut(&reading.id).unwrap().runs.insert(run);
            return;
        }
        if reading.sale.is_none()
            && !event.who.is(&who)
            && !event.strangers.iter().any(|asked| asked.is(&who))
        {
            read.held.push(reading.id.clone());
            return;
        }
        read.settled.push(reading.id.clone());
        self.see("settled by an earlier night");
    }

    fn record(&mut self, reading: &Reading, who: Who, row: usize, run: usize) {
        let cents = reading.cents - reading.total.map_or(0, |_| self.refunded(reading));
        self.note_refund(reading);
        let event = Event {
            kind: reading.kind,
            who,
            cents,
            sale: reading.sale.clone(),
            total: reading.total,
            is_superseded: false,
            is_signed_up_since: false,
            has_promo_code: reading.has_promo_code,
            at: reading.at,
            row,
            runs: BTreeSet::from([run]),
            outcomes: Vec::new(),
            strangers: Vec::new(),
            was_tried: false,
        };
        self.events.insert(reading.id.clone(), event);
    }

    fn note_refund(&mut self, reading: &Reading) {
        let Some(sale) = &reading.sale else {
            return;
        };
        let is_second = self
            .events
            .values()
            .any(|event| event.sale.as_ref() == Some(sale));
        match (reading.total.is_some(), is_second) {
            (true, false) => self.see("a running total"),
            (true, true) => self.see("a running total that grew"),
            (false, false) => self.see("a refund row"),
            (false, true) => self.see("a second refund row"),
        }
    }

    /// What was recorded as refunded of the sale, and counts.
    fn refunded(&self, refund: &Reading) -> i64 {
        let of_sale = self.events.values();
        let of_sale = of_sale.filter(|event| event.sale == refund.sale && !event.is_superseded);
        of_sale.map(|event| event.cents).sum()
    }

    /// A sale that is asked again has its refunds anew, also those that are left to send.
    fn supersede_refunds(&mut self, sale: &str) {
        for event in self.events.values_mut() {
            let is_of_sale = event.sale.as_deref() == Some(sale);
            if is_of_sale && event.is_pending() {
                event.strangers.push(event.who.clone());
                event.outcomes = vec![Outcome::NonReferral];
                *self
                    .seen
                    .entry("a refund left to send whose sale was asked again")
                    .or_default() += 1;
            }
            event.is_superseded |= is_of_sale && event.is_non_referral();
        }
    }

    /// Whether a sale has refunds that the call's exports don't.
    fn leaves_refunds(&self, sale: &str, here: &BTreeMap<&str, &Reading>) -> bool {
        let of_sale = self
            .events
            .iter()
            .filter(|(_, event)| event.sale.as_deref() == Some(sale) && !event.is_superseded);
        let totals = here
            .values()
            .filter(|reading| reading.sale.as_deref() == Some(sale));
        let total = totals.filter_map(|reading| reading.total).max();
        let mut refunds = of_sale;
        refunds.any(|(id, event)| {
            let is_in_total = event.total.is_some() && event.total <= total;
            !here.contains_key(id.as_str()) && !is_in_total
        })
    }

    /// The events that a run has left to send, in the order in which they are asked for, and without those
    /// that wait for a sign-up of another run.
    fn in_turn(&self, run: usize) -> Vec<String> {
        let of_run = |event: &Event| event.is_pending() && event.runs.contains(&run);
        let pending: Vec<_> = self
            .events
            .iter()
            .filter(|(_, event)| of_run(event))
            .collect();
        let is_signup = |event: &Event| event.kind == Kind::Signup;
        let has_own: BTreeSet<&str> = pending
            .iter()
            .filter(|(_, event)| is_signup(event))
            .map(|(_, event)| event.who.lane())
            .collect();
        let elsewhere: BTreeSet<&str> = self
            .events
            .values()
            .filter(|event| event.is_pending() && is_signup(event) && !of_run(event))
            .map(|event| event.who.lane())
            .collect();
        let mut turn: Vec<_> = pending
            .into_iter()
            .filter(|(_, event)| {
                let lane = event.who.lane();
                has_own.contains(lane) || !elsewhere.contains(lane)
            })
            .collect();
        turn.sort_by_key(|(_, event)| (!is_signup(event), event.row));
        turn.into_iter().map(|(id, _)| id.clone()).collect()
    }

    /// Whether a run has anything left to send.
    pub fn is_left(&self, run: usize) -> bool {
        let mut events = self.events.values();
        events.any(|event| event.is_pending() && event.runs.contains(&run))
    }

    /// Whether a run has read a refund that an earlier one has left to send.
    pub fn has_read_what_is_left(&self, run: usize) -> bool {
        let mut read = self.runs[run - 1].left.iter();
        read.any(|id| self.events[id].is_pending())
    }

    /// Whether any run has.
    pub fn is_any_left(&self) -> bool {
        self.events.values().any(Event::is_pending)
    }

    /// Sends what a run has left, as far as it does not wait.
    pub fn send(&mut self, run: usize, weather: Weather) {
        assert_ne!(weather, Weather::Outage);
        let mut were_there: Vec<Who> = Vec::new();
        for id in self.in_turn(run) {
            // A refund goes out with the customer of its sale, as that went out.
            let sale = self.events[&id].sale.clone();
            if let Some(who) = sale.map(|sale| self.events[&sale].who.clone()) {
                self.events.get_mut(&id).unwrap().who = who;
            }
            let mut outcomes = self.answer(&id, weather);
            let event = self.events.get_mut(&id).unwrap();
            if event.kind == Kind::Sale && outcomes.contains(&Outcome::AlreadyTracked) {
                were_there.push(event.who.clone());
            }
            // Who sent the sale may have sent the cancellation, which nothing would show.
            let is_without_id = event.kind == Kind::Cancellation && !self.have_cancellations_ids;
            if is_without_id && were_there.iter().any(|who| who.may_be(&event.who)) {
                outcomes = vec![outcomes[0], Outcome::Unconfirmed];
            }
            if outcomes.contains(&Outcome::NonReferral) {
                event.strangers.push(event.who.clone());
            }
            event.outcomes = outcomes;
            if event.kind == Kind::Signup {
                let who = event.who.clone();
                self.flag_sales_of(&who, run);
            }
        }
    }

    /// Sales that were no referrals may be some, now that their customer is signed up.
    fn flag_sales_of(&mut self, who: &Who, run: usize) {
        for (id, event) in &mut self.events {
            if event.who.may_be(who) && event.kind == Kind::Sale && event.is_non_referral() {
                event.is_signed_up_since = true;
                self.runs[run - 1].signed_up.push(id.clone());
                *self
                    .seen
                    .entry("a sale whose customer signed up since")
                    .or_default() += 1;
            }
        }
    }

    /// Whether anything of the latest run needs a person.
    pub fn is_latest_open(&self) -> bool {
        !self.runs.is_empty() && !self.attention(self.runs.len()).is_empty()
    }

    /// What needs a person of all that a run has read or sent.
    pub fn attention(&self, run: usize) -> Vec<String> {
        let read = &self.runs[run - 1];
        let is_unconfirmed = |id: &&String| self.events[*id].outcomes == [Outcome::Unconfirmed];
        let is_signed_up = |id: &&String| self.events[*id].is_signed_up_since;
        let sent = self
            .events
            .iter()
            .filter(|(_, event)| event.runs.contains(&run));
        let sent = sent.map(|(id, _)| id).filter(is_unconfirmed);
        let met = read.settled.iter().chain(&read.left);
        let met = met.filter(|id| is_unconfirmed(id) || is_signed_up(id));
        let signed_up = read.signed_up.iter().filter(is_signed_up);
        let held = read.held.iter();
        held.chain(sent)
            .chain(met)
            .chain(signed_up)
            .cloned()
            .chain((0..read.rejected).map(|_| "a rejected row".to_owned()))
            .collect()
    }

    /// What a run has left may have gone out in an outage, without an answer.
    pub fn try_in_vain(&mut self, run: usize) {
        for event in self.events.values_mut() {
            event.was_tried |= event.is_pending() && event.runs.contains(&run);
        }
    }

    /// Resumes all runs, the oldest first, until nothing is left, and says which had anything.
    pub fn resume(&mut self, weather: Weather) -> Vec<usize> {
        let resumed = (1..=self.runs.len())
            .filter(|run| self.is_left(*run))
            .collect();
        while self.is_any_left() {
            let left = self
                .events
                .values()
                .filter(|event| event.is_pending())
                .count();
            for run in 1..=self.runs.len() {
                self.send(run, weather);
            }
            let now = self
                .events
                .values()
                .filter(|event| event.is_pending())
                .count();
            assert!(now < left, "two runs wait for each other");
        }
        resumed
    }

    fn answer(&mut self, id: &str, weather: Weather) -> Vec<Outcome> {
        let event = self.events[id].clone();
        let either = |one: Outcome, other: Outcome| match weather {
            Weather::Calm if !event.was_tried => vec![one],
            _ => vec![one, other],
        };
        match event.kind {
            Kind::Signup => {
                if self.leads.sign_up(&event.who) {
                    vec![Outcome::Tracked]
                } else {
                    either(Outcome::AlreadyTracked, Outcome::Tracked)
                }
            }
            // Whoever was asked twice can't know whose it was.
            Kind::Sale if self.foreign.contains(id) => {
                either(Outcome::AlreadyTracked, Outcome::Tracked)
            }
            Kind::Sale => vec![if self.leads.takes(&event.who, event.has_promo_code) {
                Outcome::Tracked
            } else {
                Outcome::NonReferral
            }],
            Kind::Refund => {
                let sale = &self.events[event.sale.as_ref().unwrap()];
                let is_strange = sale.is_non_referral();
                vec![if !is_strange && self.leads.takes(&event.who, false) {
                    Outcome::Tracked
                } else {
                    Outcome::NonReferral
                }]
            }
            Kind::Cancellation => {
                let outcome = if self.leads.takes(&event.who, false) {
                    Outcome::Tracked
                } else {
                    Outcome::NonReferral
                };
                if self.have_cancellations_ids {
                    vec![outcome]
                } else {
                    either(outcome, Outcome::Unconfirmed)
                }
            }
        }
    }

    /// Takes what an outage may have settled all the same: cancellations that went out once, and refunds
    /// that need no request.
    pub fn take_outage(&mut self, id: &str, outcome: Outcome) {
        let event = &self.events[id];
        let may_be = match (event.kind, outcome) {
            (Kind::Cancellation, Outcome::Unconfirmed) => !self.have_cancellations_ids,
            (Kind::Refund, Outcome::NonReferral) => {
                self.events[event.sale.as_ref().unwrap()].is_non_referral()
            }
            _ => false,
        };
        assert!(may_be, "{id} is {outcome:?} in an outage");
        let event = self.events.get_mut(id).unwrap();
        event.outcomes = vec![outcome];
        if outcome == Outcome::NonReferral {
            event.strangers.push(event.who.clone());
        }
    }
}

/// What a Stripe export of `night` says.
pub fn of_stripe(world: &World, from: u32, night: u32) -> Vec<Reading> {
    let mut readings = Vec::new();
    for (place, sale) in world.deeds.iter().enumerate() {
        let customer = &world.customers[sale.customer];
        let is_here = sale.kind == Kind::Sale && (from..=night).contains(&sale.day);
        if customer.biller != Biller::Stripe || !is_here {
            continue;
        }
        let reading = Reading {
            kind: Kind::Sale,
            id: sale.id.clone(),
            who: Who {
                email: customer.email(sale.day, night).to_owned(),
                uid: customer.uid.clone(),
            },
            cents: sale.cents,
            total: None,
            sale: None,
            has_promo_code: false,
            at: sale.at(),
        };
        if let (total, Some(last)) = world.refunded(place, night) {
            readings.push(Reading {
                kind: Kind::Refund,
                id: format!("{}_refund_{total}", sale.id),
                cents: total,
                total: Some(total),
                sale: Some(sale.id.clone()),
                at: last.at(),
                ..reading.clone()
            });
        }
        readings.push(reading);
    }
    readings
}

/// What a CSV of one's own says.
pub fn of_own(world: &World, from: u32, night: u32) -> Vec<Reading> {
    let rows = own_rows(world, from, night);
    let rows = rows.filter(|(place, _)| !world.is_broken(*place, night));
    let readings = rows.map(|(_, deed)| {
        let customer = &world.customers[deed.customer];
        let sale = deed.sale.map(|sale| &world.deeds[sale]);
        Reading {
            kind: deed.kind,
            id: deed.id.clone(),
            who: Who {
                email: customer.email(sale.unwrap_or(deed).day, night).to_owned(),
                uid: customer.uid.clone(),
            },
            cents: deed.cents,
            total: None,
            sale: sale.map(|sale| sale.id.clone()),
            has_promo_code: deed.has_promo_code,
            at: deed.at(),
        }
    });
    readings.collect()
}

fn own_rows(world: &World, from: u32, night: u32) -> impl Iterator<Item = (usize, &Deed)> {
    let rows = world.deeds.iter().enumerate();
    rows.filter(move |(_, deed)| world.is_own_row(deed) && (from..=night).contains(&deed.day))
}

/// How many rows of a CSV of one's own can't be read.
pub fn rejected_of_own(world: &World, from: u32, night: u32) -> usize {
    let rows = own_rows(world, from, night);
    rows.filter(|(place, _)| world.is_broken(*place, night))
        .count()
}

/// What an export of leads says.
pub fn of_leads(world: &World, from: u32, night: u32) -> Vec<Reading> {
    let listed = world.listed(from, night).map(|(place, on)| {
        let customer = &world.customers[place];
        let who = Who {
            email: customer.email(on, night).to_owned(),
            uid: customer.uid.clone(),
        };
        Reading {
            kind: Kind::Signup,
            id: format!("signup_{}", who.lane()),
            who,
            cents: 0,
            total: None,
            sale: None,
            has_promo_code: false,
            at: (on, 0),
        }
    });
    listed.collect()
}

/// Counts what the world of a month is made of.
pub fn see_world(model: &mut Model, world: &World) {
    for customer in &world.customers {
        match customer.change {
            Change::Never => {}
            Change::Moved(..) => model.see("an email that changes"),
            Change::Corrected(..) => model.see("an email that is corrected"),
        }
    }
    for deed in &world.deeds {
        match deed.kind {
            Kind::Sale if deed.comes_back => model.see("a customer who comes back"),
            Kind::Refund => {
                let sale = &world.deeds[deed.sale.unwrap()];
                if deed.day >= sale.day + 7 {
                    model.see("a refund a week later, or more");
                }
            }
            _ => {}
        }
    }
}
