//! The leads of the simulated account, and their promoters.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use serde::Deserialize;

use super::moment::Moment;
use super::promoters::{StoredPromoters, stable_hash};

/// The customer of a call, as sent.
#[derive(Clone, Copy)]
pub(super) struct CallCustomer<'a> {
    pub(super) email: Option<&'a str>,
    pub(super) uid: Option<&'a str>,
}

/// The state of a lead, in the API's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LeadState {
    Signup,
    Active,
    Cancelled,
}

impl LeadState {
    pub(super) fn word(self) -> &'static str {
        match self {
            LeadState::Signup => "signup",
            LeadState::Active => "active",
            LeadState::Cancelled => "cancelled",
        }
    }
}

/// The source of a lead, in the API's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeadSource {
    Api,
    Coupon,
    Cookie,
}

impl LeadSource {
    pub(super) fn word(self) -> &'static str {
        match self {
            LeadSource::Api => "api",
            LeadSource::Coupon => "coupon",
            LeadSource::Cookie => "cookie",
        }
    }
}

/// A lead.
pub(super) struct StoredLead {
    /// The index of the promoter.
    pub(super) promoter: usize,
    pub(super) state: LeadState,
    pub(super) source: LeadSource,
    /// `true` if a sign-up event is registered on the lead.
    pub(super) has_signed_up: bool,
    /// `true` if a subscriber event is registered on the lead.
    pub(super) has_subscribed: bool,
    pub(super) email: Option<Rc<str>>,
    pub(super) uid: Option<Rc<str>>,
    pub(super) plan: Option<Rc<str>>,
    pub(super) created_at: Moment,
    pub(super) customer_since: Option<Moment>,
    pub(super) cancelled_at: Option<Moment>,
    /// The email with its suffix, if the lead was moved to another promoter.
    pub(super) moved_email: Option<Rc<str>>,
    pub(super) was_moved: bool,
    /// Details that most leads don't have.
    pub(super) details: Option<Box<LeadDetails>>,
}

impl StoredLead {
    /// Returns the state as the listings show it.
    pub(super) fn state_word(&self) -> &'static str {
        if self.was_moved {
            "moved"
        } else {
            self.state.word()
        }
    }

    /// Returns the email as the listings show it.
    pub(super) fn shown_email(&self) -> Option<&str> {
        self.moved_email.as_deref().or(self.email.as_deref())
    }
}

/// Further details of a lead that a sign-up may contain.
#[derive(Clone, Default)]
pub(super) struct LeadDetails {
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) username: Option<String>,
    pub(super) website: Option<String>,
}

/// A lead of the start state.
#[derive(Clone, Debug)]
pub(super) struct StartLead {
    pub(super) promoter: usize,
    pub(super) email: Option<String>,
    pub(super) uid: Option<String>,
    pub(super) state: LeadState,
    pub(super) plan: Option<String>,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) created_at: Moment,
    pub(super) customer_since: Option<Moment>,
    pub(super) cancelled_at: Option<Moment>,
}

/// A new lead.
#[derive(Clone, Copy)]
pub(super) struct NewLead {
    pub(super) promoter: usize,
    pub(super) source: LeadSource,
    pub(super) created_at: Moment,
}

/// The index of the lead with an email or a uid; `None` if the customer is known not to be a lead.
type LeadPlaces = HashMap<Rc<str>, Option<usize>>;

/// All leads seen so far, and the rule for customers not seen yet.
///
/// Customers who are not leads are stored too, so that one seen with uid and email gets the same
/// answer when only one of the two is sent later.
pub(super) struct Leads {
    share_percent: u64,
    all: Vec<StoredLead>,
    by_uid: LeadPlaces,
    /// The leads by their emails in lower case.
    by_email: LeadPlaces,
    /// The plans of all leads; most leads of an account are on one of few plans.
    plans: Vec<Rc<str>>,
}

impl Leads {
    pub(super) fn new(share_percent: u8) -> Leads {
        Leads {
            share_percent: u64::from(share_percent),
            all: Vec::new(),
            by_uid: LeadPlaces::new(),
            by_email: LeadPlaces::new(),
            plans: Vec::new(),
        }
    }

    /// Adds a lead of the start state. It counts as signed up.
    pub(super) fn declare(&mut self, lead: &StartLead) {
        let who = CallCustomer {
            email: lead.email.as_deref(),
            uid: lead.uid.as_deref(),
        };
        let place = self.create(
            who,
            NewLead {
                promoter: lead.promoter,
                source: LeadSource::Api,
                created_at: lead.created_at,
            },
        );
        let plan = lead.plan.as_deref().map(|plan| self.plan(plan));
        let own = &mut self.all[place];
        own.has_signed_up = true;
        own.state = lead.state;
        own.plan = plan;
        own.customer_since = lead.customer_since;
        own.cancelled_at = lead.cancelled_at;
        if !lead.first_name.is_empty() || !lead.last_name.is_empty() {
            let details = own.details.get_or_insert_default();
            details.first_name.clone_from(&lead.first_name);
            details.last_name.clone_from(&lead.last_name);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get(&self, place: usize) -> &StoredLead {
        &self.all[place]
    }

    pub(super) fn get_mut(&mut self, place: usize) -> &mut StoredLead {
        &mut self.all[place]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &StoredLead> {
        self.all.iter()
    }

    /// Returns the plan's name, stored once for all leads on it.
    pub(super) fn plan(&mut self, plan: &str) -> Rc<str> {
        /// The greatest number of names that are searched: a longer search would cost more than a
        /// copy.
        const KEPT: usize = 64;
        if let Some(known) = self.plans.iter().find(|known| &***known == plan) {
            return Rc::clone(known);
        }
        let new: Rc<str> = Rc::from(plan);
        if self.plans.len() < KEPT {
            self.plans.push(Rc::clone(&new));
        }
        new
    }

    /// Returns the lead that was seen before with this uid or email; the uid takes precedence.
    pub(super) fn seen(&self, who: CallCustomer<'_>) -> Option<usize> {
        let by_uid = who.uid.and_then(|uid| *self.by_uid.get(uid)?);
        by_uid.or_else(|| *self.by_email.get(&*lower(who.email?))?)
    }

    /// Returns the customer's lead, if there is one, seen before or simulated.
    pub(super) fn find(
        &mut self,
        who: CallCustomer<'_>,
        promoters: &StoredPromoters,
        now: Moment,
    ) -> Option<usize> {
        if let Some(place) = self.seen(who) {
            self.learn(who, Some(place));
            return Some(place);
        }
        match self.simulated(who, promoters) {
            Some(promoter) => Some(self.create(
                who,
                NewLead {
                    promoter,
                    source: LeadSource::Cookie,
                    created_at: now,
                },
            )),
            None => {
                self.learn(who, None);
                None
            }
        }
    }

    /// Adds a lead and returns its index.
    pub(super) fn create(&mut self, who: CallCustomer<'_>, new: NewLead) -> usize {
        let place = self.all.len();
        self.all.push(StoredLead {
            promoter: new.promoter,
            state: LeadState::Signup,
            source: new.source,
            has_signed_up: false,
            has_subscribed: false,
            email: who.email.map(Rc::from),
            uid: who.uid.map(Rc::from),
            plan: None,
            created_at: new.created_at,
            customer_since: None,
            cancelled_at: None,
            moved_email: None,
            was_moved: false,
            details: None,
        });
        self.learn(who, Some(place));
        place
    }

    /// Moves a lead to another promoter: the old lead stays, with a suffix at its email, and the
    /// new one receives all later events.
    pub(super) fn move_to(
        &mut self,
        who: CallCustomer<'_>,
        promoter: usize,
        at: Moment,
    ) -> Option<usize> {
        let place = self.seen(who)?;
        let old = &mut self.all[place];
        old.was_moved = true;
        old.moved_email = old
            .email
            .as_deref()
            .map(|email| Rc::from(format!("{email} (moved)")));
        let (email, uid) = (old.email.clone(), old.uid.clone());
        let who = CallCustomer {
            email: email.as_deref(),
            uid: uid.as_deref(),
        };
        let (state, since) = (old.state, old.customer_since);
        let new = NewLead {
            promoter,
            source: LeadSource::Api,
            created_at: at,
        };
        let place = self.create(who, new);
        let lead = &mut self.all[place];
        (lead.state, lead.customer_since) = (state, since);
        Some(place)
    }

    /// Returns the promoter whose lead this unseen customer is simulated to be.
    fn simulated(&self, who: CallCustomer<'_>, promoters: &StoredPromoters) -> Option<usize> {
        let stranger = who.uid.is_some_and(|uid| self.by_uid.contains_key(uid))
            || who
                .email
                .is_some_and(|email| self.by_email.contains_key(&*lower(email)));
        if stranger {
            return None;
        }
        let hash = match who {
            CallCustomer { uid: Some(uid), .. } => stable_hash(uid),
            CallCustomer { email, .. } => stable_hash(&lower(email?)),
        };
        if hash % 100 < self.share_percent {
            promoters.any(hash / 100)
        } else {
            None
        }
    }

    /// Stores the lead of the customer's uid and email. A known lead is never forgotten.
    fn learn(&mut self, who: CallCustomer<'_>, lead: Option<usize>) {
        if let Some(place) = lead {
            let lead = &mut self.all[place];
            complete(&mut lead.uid, who.uid);
            complete(&mut lead.email, who.email);
        }
        let own = lead.map(|place| &self.all[place]);
        if let Some(uid) = who.uid {
            let kept = own.and_then(|lead| lead.uid.as_ref());
            learn_one(&mut self.by_uid, uid, kept, lead);
        }
        if let Some(email) = who.email {
            let kept = own.and_then(|lead| lead.email.as_ref());
            learn_one(&mut self.by_email, &lower(email), kept, lead);
        }
    }
}

/// Stores the lead of one key. `kept` is the lead's own copy of the text, which is shared if it is
/// equal.
fn learn_one(known: &mut LeadPlaces, key: &str, kept: Option<&Rc<str>>, lead: Option<usize>) {
    match known.get_mut(key) {
        Some(Some(_)) => {}
        Some(entry) => *entry = lead,
        None => {
            let key = match kept {
                Some(kept) if **kept == *key => Rc::clone(kept),
                _ => Rc::from(key),
            };
            known.insert(key, lead);
        }
    }
}

fn complete(field: &mut Option<Rc<str>>, value: Option<&str>) {
    if field.is_none() {
        *field = value.map(Rc::from);
    }
}

fn lower(email: &str) -> Cow<'_, str> {
    let plain = email
        .bytes()
        .all(|b| b.is_ascii() && !b.is_ascii_uppercase());
    if plain {
        Cow::Borrowed(email)
    } else {
        Cow::Owned(email.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::{CallCustomer, LeadSource, Leads, NewLead};
    use crate::sandbox::moment::Moment;
    use crate::sandbox::start::StartState;

    fn who<'a>(email: &'a str, uid: &'a str) -> CallCustomer<'a> {
        let some = |text: &'a str| (!text.is_empty()).then_some(text);
        CallCustomer {
            email: some(email),
            uid: some(uid),
        }
    }

    fn find(leads: &mut Leads, who: CallCustomer<'_>) -> Option<usize> {
        leads.find(who, &StartState::default().promoters, Moment::EPOCH)
    }

    fn share(percent: u8) -> usize {
        let mut leads = Leads::new(percent);
        let promoters = StartState::default().promoters;
        (0..10_000)
            .filter(|n| {
                let uid = format!("cus_{n:08}");
                let found = leads.find(who("", &uid), &promoters, Moment::EPOCH);
                found.is_some()
            })
            .count()
    }

    #[test]
    fn the_share_is_the_share() {
        assert_eq!(share(0), 0);
        assert_eq!(share(100), 10_000);
        let three_quarters = share(75);
        assert!(
            (7300..7700).contains(&three_quarters),
            "{three_quarters} of 10,000"
        );
    }

    #[test]
    fn every_promoter_has_leads() {
        let mut leads = Leads::new(100);
        let mut counts = [0; 5];
        for n in 0..1000 {
            let place =
                find(&mut leads, who(&format!("{n}@x.test"), "")).expect("everyone is a lead");
            counts[leads.get(place).promoter] += 1;
        }
        assert!(counts.iter().all(|count| *count > 150), "{counts:?}");
    }

    #[test]
    fn a_customer_gets_one_answer_under_both_names() {
        for n in 0..200 {
            let (email, uid) = (format!("P{n}@x.test"), format!("u{n}"));
            let mut leads = Leads::new(50);
            let both = find(&mut leads, who(&email, &uid)).is_some();
            assert_eq!(find(&mut leads, who(&email, "")).is_some(), both);
            assert_eq!(
                find(&mut leads, who(&email.to_lowercase(), "")).is_some(),
                both
            );
            assert_eq!(find(&mut leads, who("", &uid)).is_some(), both);
            assert_eq!(leads.count(), usize::from(both));
        }
    }

    #[test]
    fn a_stranger_can_become_a_lead() {
        let mut leads = Leads::new(0);
        assert_eq!(find(&mut leads, who("a@x.test", "a")), None);
        let place = leads.create(
            who("A@x.test", ""),
            NewLead {
                promoter: 0,
                source: LeadSource::Api,
                created_at: Moment::EPOCH,
            },
        );
        assert_eq!(find(&mut leads, who("a@x.test", "a")), Some(place));
        assert_eq!(find(&mut leads, who("", "a")), Some(place));
        assert_eq!(leads.get(place).uid.as_deref(), Some("a"));
    }
}
