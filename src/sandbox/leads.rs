//! Who is a lead, and whose.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use serde::Deserialize;

use super::moment::Moment;
use super::promoters::{Promoters, stable_hash};

/// The customer of a call, as sent.
#[derive(Clone, Copy)]
pub(super) struct Who<'a> {
    pub(super) email: Option<&'a str>,
    pub(super) uid: Option<&'a str>,
}

/// Where a lead stands. The words are the API's.
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

/// How a lead came in. The words are the API's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Api,
    Coupon,
    Cookie,
}

impl Source {
    pub(super) fn word(self) -> &'static str {
        match self {
            Source::Api => "api",
            Source::Coupon => "coupon",
            Source::Cookie => "cookie",
        }
    }
}

/// A lead.
pub(super) struct Lead {
    /// Place among the promoters.
    pub(super) promoter: usize,
    pub(super) state: LeadState,
    pub(super) source: Source,
    /// Whether a sign-up event is registered on it.
    pub(super) signed_up: bool,
    pub(super) email: Option<Rc<str>>,
    pub(super) uid: Option<Rc<str>>,
    pub(super) plan: Option<Rc<str>>,
    pub(super) created_at: Moment,
    pub(super) customer_since: Option<Moment>,
    pub(super) cancelled_at: Option<Moment>,
    /// The email with its suffix, where the lead was moved to another promoter.
    pub(super) moved_email: Option<Rc<str>>,
    pub(super) was_moved: bool,
    /// What most leads have not.
    pub(super) details: Option<Box<Details>>,
}

impl Lead {
    /// The state as the listings show it.
    pub(super) fn state_word(&self) -> &'static str {
        match self.was_moved {
            true => "moved",
            false => self.state.word(),
        }
    }

    /// The email as the listings show it.
    pub(super) fn shown_email(&self) -> Option<&str> {
        self.moved_email.as_deref().or(self.email.as_deref())
    }
}

/// What a sign-up may say of a lead besides.
#[derive(Clone, Default)]
pub(super) struct Details {
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

/// A lead that comes in now.
#[derive(Clone, Copy)]
pub(super) struct NewLead {
    pub(super) promoter: usize,
    pub(super) source: Source,
    pub(super) created_at: Moment,
}

/// What is known of an email or a uid: the place of its lead, or that it is no lead's.
type LeadIndex = HashMap<Rc<str>, Option<usize>>;

/// All leads seen so far, and the rule for those that were not.
///
/// Customers who are no leads are remembered too, so that one seen with uid and email gets the same
/// answer when only one of the two is sent later.
pub(super) struct Leads {
    share_percent: u64,
    all: Vec<Lead>,
    by_uid: LeadIndex,
    /// Emails in lower case.
    by_email: LeadIndex,
    /// Most leads of an account have one of few plans.
    plans: Vec<Rc<str>>,
}

impl Leads {
    pub(super) fn new(share_percent: u8) -> Leads {
        Leads {
            share_percent: u64::from(share_percent),
            all: Vec::new(),
            by_uid: LeadIndex::new(),
            by_email: LeadIndex::new(),
            plans: Vec::new(),
        }
    }

    /// A lead of the start state. It counts as signed up.
    pub(super) fn declare(&mut self, lead: &StartLead) {
        let who = Who {
            email: lead.email.as_deref(),
            uid: lead.uid.as_deref(),
        };
        let place = self.create(
            who,
            NewLead {
                promoter: lead.promoter,
                source: Source::Api,
                created_at: lead.created_at,
            },
        );
        let plan = lead.plan.as_deref().map(|plan| self.plan(plan));
        let own = &mut self.all[place];
        own.signed_up = true;
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

    pub(super) fn get(&self, place: usize) -> &Lead {
        &self.all[place]
    }

    pub(super) fn get_mut(&mut self, place: usize) -> &mut Lead {
        &mut self.all[place]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Lead> {
        self.all.iter()
    }

    /// The plan's name, kept once for all leads that have it.
    pub(super) fn plan(&mut self, plan: &str) -> Rc<str> {
        /// Beyond it the search would cost more than a copy.
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

    /// The lead that was seen before under this uid or email; the uid goes first.
    pub(super) fn seen(&self, who: Who<'_>) -> Option<usize> {
        let by_uid = who.uid.and_then(|uid| *self.by_uid.get(uid)?);
        by_uid.or_else(|| *self.by_email.get(&*lower(who.email?))?)
    }

    /// The customer's lead, if there is one, seen before or imagined.
    pub(super) fn find(
        &mut self,
        who: Who<'_>,
        promoters: &Promoters,
        now: Moment,
    ) -> Option<usize> {
        if let Some(place) = self.seen(who) {
            self.learn(who, Some(place));
            return Some(place);
        }
        match self.imagined(who, promoters) {
            Some(promoter) => Some(self.create(
                who,
                NewLead {
                    promoter,
                    source: Source::Cookie,
                    created_at: now,
                },
            )),
            None => {
                self.learn(who, None);
                None
            }
        }
    }

    /// Adds a lead.
    pub(super) fn create(&mut self, who: Who<'_>, new: NewLead) -> usize {
        let place = self.all.len();
        self.all.push(Lead {
            promoter: new.promoter,
            state: LeadState::Signup,
            source: new.source,
            signed_up: false,
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

    /// Moves a lead to another promoter: the old one stays, with a suffix at its email, and the new one
    /// has all that comes.
    pub(super) fn move_to(&mut self, who: Who<'_>, promoter: usize, at: Moment) -> Option<usize> {
        let place = self.seen(who)?;
        let old = &mut self.all[place];
        old.was_moved = true;
        old.moved_email = old
            .email
            .as_deref()
            .map(|email| Rc::from(format!("{email} (moved)")));
        let (email, uid) = (old.email.clone(), old.uid.clone());
        let who = Who {
            email: email.as_deref(),
            uid: uid.as_deref(),
        };
        let (state, since) = (old.state, old.customer_since);
        let new = NewLead {
            promoter,
            source: Source::Api,
            created_at: at,
        };
        let place = self.create(who, new);
        let lead = &mut self.all[place];
        (lead.state, lead.customer_since) = (state, since);
        Some(place)
    }

    /// The promoter whose lead this unseen customer is imagined to be.
    fn imagined(&self, who: Who<'_>, promoters: &Promoters) -> Option<usize> {
        let stranger = who.uid.is_some_and(|uid| self.by_uid.contains_key(uid))
            || who
                .email
                .is_some_and(|email| self.by_email.contains_key(&*lower(email)));
        if stranger {
            return None;
        }
        let hash = match who {
            Who { uid: Some(uid), .. } => stable_hash(uid),
            Who { email, .. } => stable_hash(&lower(email?)),
        };
        if hash % 100 < self.share_percent {
            promoters.any(hash / 100)
        } else {
            None
        }
    }

    /// Notes what the customer's uid and email stand for. A lead is never unlearned.
    fn learn(&mut self, who: Who<'_>, lead: Option<usize>) {
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

/// `kept` is the lead's own copy of the text, which is used again if it is the same.
fn learn_one(known: &mut LeadIndex, key: &str, kept: Option<&Rc<str>>, lead: Option<usize>) {
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
    use super::{Leads, NewLead, Source, Who};
    use crate::sandbox::moment::Moment;
    use crate::sandbox::start::StartState;

    fn who<'a>(email: &'a str, uid: &'a str) -> Who<'a> {
        let some = |text: &'a str| (!text.is_empty()).then_some(text);
        Who {
            email: some(email),
            uid: some(uid),
        }
    }

    fn find(leads: &mut Leads, who: Who<'_>) -> Option<usize> {
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
            let place = find(&mut leads, who(&format!("{n}@x.test"), ""));
            let place = place.expect("everyone is a lead");
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
                source: Source::Api,
                created_at: Moment::EPOCH,
            },
        );
        assert_eq!(find(&mut leads, who("a@x.test", "a")), Some(place));
        assert_eq!(find(&mut leads, who("", "a")), Some(place));
        assert_eq!(leads.get(place).uid.as_deref(), Some("a"));
    }
}
