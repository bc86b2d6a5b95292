//! Compares the sales to send with those that the account has already, by its list of commissions.
//!
//! A sale of another integration has another id, so that the API would count it a second time. It is found by
//! what it is: the same lead, the same amount, the same day. One sale of the account is at most one of ours.

use std::hash::{BuildHasher, RandomState};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::planner::{Firsts, Planner};
use super::range::DateRange;
use crate::event::{
    Currency, CustomerRef, Decimals, EventKey, EventRef, Events, IN_ACCOUNT, KeyMap, Kind,
    NOT_COMPARED_WITH_ACCOUNT, Tally, Text,
};
use crate::journal::PlanState;
use crate::link::HeldReason;
use crate::problem::{Problem, ProblemCode};

/// Says what is done with sales that the account has under another id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InAccount {
    /// Those that an earlier run held are held; others are sent.
    #[default]
    AsBefore,
    /// They are held.
    Hold,
    /// They are sent, also those that an earlier run held.
    Send,
}

/// Describes a sale of the account.
#[derive(Clone, Copy, Debug)]
pub struct SaleOfAccount<'s> {
    /// The id of its event; `None` for a commission that no event created.
    pub event_id: Option<&'s str>,
    /// The API's own id of its commission.
    pub commission_id: &'s str,
    /// The customer, as the account has the lead.
    pub customer: CustomerRef<'s>,
    /// The amount in the account's currency, in the unit in which the API takes it.
    pub amount_cents: i64,
    /// The amount as it was sent and its currency, if that was another one.
    pub original: Option<(i64, Currency)>,
    /// The time when it was made.
    pub at: Timestamp,
}

/// Holds the sales of an account, to compare others with them.
#[derive(Clone, Debug)]
pub struct AccountSales {
    zone: TimeZone,
    decimals: Decimals,
    currency: Currency,
    /// `true` if the list has amounts in the currency in which they were sent.
    has_originals: bool,
    names: Vec<(Option<EventKey>, Text)>,
    by_key: KeyMap<u32>,
    /// Hashes of what sales are, with their places in `names`; sorted once all are there.
    faces: Vec<(u64, u32)>,
    hasher: RandomState,
    /// The number of commissions that were read.
    pub commissions: u64,
    /// The commissions of sales that can't be compared: they have no lead, no amount or no date.
    pub unclear: u64,
    /// The number of requests that it took.
    pub requests: u64,
}

/// Says what of a customer two sales have in common.
#[derive(Clone, Copy)]
enum Identifier {
    Both,
    Uid,
    Email,
}

impl AccountSales {
    /// Returns no sales yet, of an account with this zone and currency. `decimals` are those that the API takes.
    pub fn new(zone: TimeZone, currency: Currency, decimals: Decimals) -> Self {
        AccountSales {
            zone,
            decimals,
            currency,
            has_originals: false,
            names: Vec::new(),
            by_key: KeyMap::default(),
            faces: Vec::new(),
            hasher: RandomState::new(),
            commissions: 0,
            unclear: 0,
            requests: 0,
        }
    }

    /// Returns the same for a list that has amounts in the currency in which they were sent.
    pub fn with_originals(self) -> Self {
        AccountSales {
            has_originals: true,
            ..self
        }
    }

    /// Removes all sales.
    pub fn clear(&mut self) {
        let empty = Self::new(self.zone.clone(), self.currency, self.decimals.clone());
        *self = AccountSales {
            has_originals: self.has_originals,
            ..empty
        };
    }

    /// Returns `true` if the event with this id is there already: a sale may have several commissions.
    pub fn has(&self, event_id: &str) -> bool {
        self.by_key.contains_key(&EventKey::from_id(event_id))
    }

    /// Adds a sale.
    pub fn add(&mut self, sale: &SaleOfAccount<'_>) {
        let Ok(place) = u32::try_from(self.names.len()) else {
            return;
        };
        let key = sale.event_id.map(EventKey::from_id);
        let name = match sale.event_id {
            Some(id) => format!("`{id}`"),
            None => format!("the commission {}", sale.commission_id),
        };
        self.names.push((key, Text::new(&name)));
        if let Some(key) = key {
            self.by_key.insert(key, place);
        }
        let day = self.day(sale.at);
        let amount = (sale.amount_cents, self.currency);
        for amount in [Some(amount), sale.original].into_iter().flatten() {
            let faces = self.faces_of(sale.customer, amount, day);
            self.faces
                .extend(faces.into_iter().flatten().map(|face| (face, place)));
        }
    }

    /// Makes the sales ready to be compared.
    pub fn sort(&mut self) {
        self.faces.sort_unstable();
        self.faces.dedup();
    }

    fn day(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// Returns hashes of what a sale is, by its uid and by its email.
    fn faces_of(
        &self,
        customer: CustomerRef<'_>,
        (cents, currency): (i64, Currency),
        day: Date,
    ) -> [Option<u64>; 2] {
        let hash = |tag: u8, name: &str| {
            let day = (day.year(), day.month(), day.day());
            self.hasher
                .hash_one((tag, name, cents, currency.code(), day))
        };
        [
            customer.uid.map(|uid| hash(0, uid)),
            customer.email_folded().map(|email| hash(1, &email)),
        ]
    }

    /// Returns what one of our sales is, if it can be compared.
    fn faces_of_event(&self, event: EventRef<'_>) -> Option<[Option<u64>; 2]> {
        let (money, at) = event.money.zip(event.created_at)?;
        let is_comparable = money.currency == self.currency || self.has_originals;
        if !is_comparable || event.customer.is_unknown() {
            return None;
        }
        let amount = (self.decimals.sent(money), money.currency);
        Some(self.faces_of(event.customer, amount, self.day(at)))
    }

    /// Returns the places of the sales with a face.
    fn places(&self, face: Option<u64>) -> impl Iterator<Item = u32> + Clone {
        let found = face.map_or(&[][..], |face| {
            let start = self.faces.partition_point(|(other, _)| *other < face);
            let end = self.faces.partition_point(|(other, _)| *other <= face);
            &self.faces[start..end]
        });
        found.iter().map(|(_, place)| *place)
    }

    /// Returns the first sale with these faces that is free.
    fn free(&self, [uid, email]: [Option<u64>; 2], by: Identifier, taken: &[bool]) -> Option<u32> {
        let is_free = |place: &u32| !taken[*place as usize];
        match by {
            Identifier::Both => {
                let by_email = self.places(email);
                let mut both = self.places(uid);
                both.find(|place| is_free(place) && by_email.clone().any(|other| other == *place))
            }
            Identifier::Uid => self.places(uid).find(is_free),
            Identifier::Email => self.places(email).find(is_free),
        }
    }

    /// Marks what is known as ours: the events of the job, and those that earlier runs recorded.
    fn known(&self, events: &Events, planner: &Planner<'_>) -> Vec<bool> {
        let names = self.names.iter();
        let recorded =
            names.map(|(key, _)| key.is_some_and(|key| planner.history.essence(key).is_some()));
        let mut known: Vec<bool> = recorded.collect();
        for index in 0..events.len() {
            if let Some(&place) = self.by_key.get(&events.key(index)) {
                known[place as usize] = true;
            }
        }
        known
    }
}

/// Says what came of comparing the sales to send with those of the account.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AccountFindings {
    /// The number of commissions that the account has.
    pub commissions: u64,
    /// The number of requests for their list.
    pub requests: u64,
    /// The sales that the account has under another id.
    pub under_other_ids: Tally,
    /// The sales that the account has under the id with which they would be sent.
    pub under_same_ids: Tally,
    /// The sales that can't be compared: they have no date, or another currency than the list.
    pub not_compared: Tally,
    /// The commissions of sales that can't be compared: they have no lead, no amount or no date.
    pub commissions_not_compared: u64,
    /// The ids under which the account has them, in few words.
    #[serde(skip)]
    pub ids_in_words: String,
}

impl AccountFindings {
    /// Returns `true` if somebody should look at what was found, or could not be compared.
    pub fn needs_attention(&self) -> bool {
        let sales = [&self.under_other_ids, &self.not_compared];
        self.commissions_not_compared > 0 || sales.iter().any(|sales| sales.count() > 0)
    }

    /// Returns a warning for what could not be compared.
    pub(crate) fn not_compared(&self) -> Option<Problem> {
        let mut parts = Vec::new();
        if self.not_compared.count() > 0 {
            parts.push(format!(
                "{} to send, without a date or in another currency than the account's",
                self.not_compared
            ));
        }
        match self.commissions_not_compared {
            0 => {}
            1 => parts
                .push("1 commission of the account without a lead, an amount or a date".to_owned()),
            many => parts.push(format!(
                "{many} commissions of the account without a lead, an amount or a date"
            )),
        }
        if parts.is_empty() {
            return None;
        }
        let message = format!("not compared with the account: {}", parts.join("; "));
        let problem = Problem::warning(ProblemCode::SaleNotCompared, message);
        Some(
            problem.hint(
                "look these up in FirstPromoter; `--events FILE.csv` of `plan` names the sales",
            ),
        )
    }
}

impl Planner<'_> {
    /// Holds the sales to send that an earlier run held since the account has them, unless that is decided anew.
    pub(super) fn hold_as_before(&mut self, events: &Events) {
        for index in 0..events.len() {
            let is_sale = events.kind(index) == Kind::Sale;
            if !is_sale || self.states[index] != PlanState::ToSend {
                continue;
            }
            let key = events.key(index);
            if let Some(note) = self.history.held_in_account(key)
                && self.history.essence(key).is_none()
            {
                self.hold(index, HeldReason::InAccount, note.to_string());
            }
        }
    }

    /// Compares the sales to send with those of the account, and holds those that it has under another id, if that
    /// is wanted.
    pub(super) fn compare_with_account(
        &mut self,
        account: &AccountSales,
        treatment: InAccount,
        (events, firsts): (&Events, &Firsts),
        range: &DateRange,
    ) {
        let mut findings = AccountFindings {
            commissions: account.commissions,
            requests: account.requests,
            commissions_not_compared: account.unclear,
            ..AccountFindings::default()
        };
        let mut open = Vec::new();
        for index in 0..events.len() {
            let event = events.get(index);
            let is_sent = self.states[index] == PlanState::ToSend
                && firsts.for_event(index, event.key()) == index;
            if event.kind != Kind::Sale || !is_sent || range.is_outside(event) {
                continue;
            }
            if account.by_key.contains_key(&event.key()) {
                findings.under_same_ids.add(event.kind, event.money);
            } else if let Some(faces) = account.faces_of_event(event) {
                open.push((index, faces));
            } else {
                findings.not_compared.add(event.kind, event.money);
                self.set_apart(index, event.key(), NOT_COMPARED_WITH_ACCOUNT, treatment);
            }
        }
        let mut taken = account.known(events, self);
        let mut ids = IdsFound::default();
        for by in [Identifier::Both, Identifier::Uid, Identifier::Email] {
            open.retain(|&(index, faces)| {
                let Some(place) = account.free(faces, by, &taken) else {
                    return true;
                };
                taken[place as usize] = true;
                let name = &account.names[place as usize].1;
                ids.add(name);
                let event = events.get(index);
                findings.under_other_ids.add(event.kind, event.money);
                let note = format!("{IN_ACCOUNT}{name}: the same lead, amount and day");
                self.set_apart(index, event.key(), &note, treatment);
                false
            });
        }
        findings.ids_in_words = ids.in_words();
        self.in_account = Some(findings);
    }

    /// Holds a sale, or says in its note why it might be held. What an earlier run has left to send is not held:
    /// that run sends it.
    fn set_apart(&mut self, index: usize, key: EventKey, note: &str, treatment: InAccount) {
        if treatment == InAccount::Hold && self.history.essence(key).is_none() {
            return self.hold(index, HeldReason::InAccount, note.to_owned());
        }
        let note = match self.note(index) {
            "" => note.to_owned(),
            before => format!("{before}; {note}"),
        };
        self.mark(index, PlanState::ToSend, note);
    }
}

/// Puts the ids under which the account has sales into few words.
#[derive(Default)]
struct IdsFound {
    first: Option<Text>,
    /// The beginning that all of them share.
    shared: Text,
    count: usize,
}

impl IdsFound {
    fn add(&mut self, name: &Text) {
        self.count += 1;
        if self.first.is_none() {
            self.first = Some(name.clone());
            self.shared = name.clone();
            return;
        }
        let alike = self.shared.chars().zip(name.chars());
        let bytes = alike.take_while(|(one, other)| one == other);
        let bytes = bytes.map(|(one, _)| one.len_utf8()).sum();
        self.shared.truncate(bytes);
    }

    /// Returns the only id, or the beginning of all of them, or one of them.
    fn in_words(self) -> String {
        let first = self.first.unwrap_or_default();
        match self.shared.strip_prefix('`') {
            _ if self.count < 2 => first.to_string(),
            // Ids that have nothing but a letter or two in common are not of one kind.
            Some(shared) if shared.chars().count() > 2 => format!("`{shared}…`"),
            _ => format!("{first} and others"),
        }
    }
}
