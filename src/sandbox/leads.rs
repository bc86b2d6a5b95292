//! Who is a lead, and whose.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use super::promoters::PROMOTERS;

/// The customer of a call, as sent.
#[derive(Clone, Copy)]
pub(super) struct Who<'a> {
    pub(super) email: Option<&'a str>,
    pub(super) uid: Option<&'a str>,
}

/// Where a lead stands. The words are the API's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// A lead.
pub(super) struct Lead {
    /// Place in [`PROMOTERS`].
    pub(super) promoter: usize,
    pub(super) state: LeadState,
    /// Whether a sign-up event is registered on it.
    pub(super) signed_up: bool,
    pub(super) email: Option<Rc<str>>,
    pub(super) uid: Option<Rc<str>>,
    pub(super) first_name: Box<str>,
    pub(super) last_name: Box<str>,
    pub(super) customer_since: Option<Box<str>>,
    pub(super) plan: Option<Box<str>>,
}

/// What is known of an email or a uid: the place of its lead, or that it is no lead's.
type Known = HashMap<Rc<str>, Option<usize>>;

/// All leads seen so far, and the rule for those that were not.
///
/// Customers who are no leads are remembered too, so that one seen with uid and email gets the same
/// answer when only one of the two is sent later.
pub(super) struct Leads {
    share_percent: u64,
    all: Vec<Lead>,
    by_uid: Known,
    /// Emails in lower case.
    by_email: Known,
}

impl Leads {
    pub(super) fn new(share_percent: u8) -> Leads {
        Leads {
            share_percent: u64::from(share_percent),
            all: Vec::new(),
            by_uid: Known::new(),
            by_email: Known::new(),
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

    /// The lead that was seen before under this uid or email; the uid goes first.
    pub(super) fn seen(&self, who: Who<'_>) -> Option<usize> {
        let by_uid = who.uid.and_then(|uid| *self.by_uid.get(uid)?);
        by_uid.or_else(|| *self.by_email.get(&*lower(who.email?))?)
    }

    /// The customer's lead, if there is one, seen before or imagined.
    pub(super) fn find(&mut self, who: Who<'_>) -> Option<usize> {
        if let Some(place) = self.seen(who) {
            self.learn(who, Some(place));
            return Some(place);
        }
        match self.imagined(who) {
            Some(promoter) => Some(self.create(who, promoter)),
            None => {
                self.learn(who, None);
                None
            }
        }
    }

    /// Adds a lead.
    pub(super) fn create(&mut self, who: Who<'_>, promoter: usize) -> usize {
        let place = self.all.len();
        self.all.push(Lead {
            promoter,
            state: LeadState::Signup,
            signed_up: false,
            email: who.email.map(Rc::from),
            uid: who.uid.map(Rc::from),
            first_name: Box::default(),
            last_name: Box::default(),
            customer_since: None,
            plan: None,
        });
        self.learn(who, Some(place));
        place
    }

    /// The promoter whose lead this unseen customer is imagined to be.
    fn imagined(&self, who: Who<'_>) -> Option<usize> {
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
        (hash % 100 < self.share_percent).then(|| pick(hash / 100))
    }

    /// Notes what the customer's uid and email stand for. A lead is never unlearned.
    fn learn(&mut self, who: Who<'_>, lead: Option<usize>) {
        if let Some(uid) = who.uid {
            learn_one(&mut self.by_uid, uid, lead);
        }
        if let Some(email) = who.email {
            learn_one(&mut self.by_email, &lower(email), lead);
        }
        if let Some(place) = lead {
            let lead = &mut self.all[place];
            complete(&mut lead.uid, who.uid);
            complete(&mut lead.email, who.email);
        }
    }
}

/// The promoter to whom a visitor with this tracking id came. The sandbox has no visitors: every
/// tracking id is taken for a true one.
pub(super) fn promoter_of_visit(tid: &str) -> usize {
    pick(stable_hash(tid))
}

fn pick(hash: u64) -> usize {
    const COUNT: u64 = PROMOTERS.len() as u64;
    usize::try_from(hash % COUNT).unwrap_or_default()
}

fn learn_one(known: &mut Known, key: &str, lead: Option<usize>) {
    match known.get_mut(key) {
        Some(Some(_)) => {}
        Some(entry) => *entry = lead,
        None => {
            known.insert(Rc::from(key), lead);
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

/// FNV-1a, stirred so that all of its digits depend on all of the text. It must never change: which
/// customers are leads follows from it.
fn stable_hash(text: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::{Leads, Who};

    fn who<'a>(email: &'a str, uid: &'a str) -> Who<'a> {
        let some = |text: &'a str| (!text.is_empty()).then_some(text);
        Who {
            email: some(email),
            uid: some(uid),
        }
    }

    fn share(percent: u8) -> usize {
        let mut leads = Leads::new(percent);
        (0..10_000)
            .filter(|n| leads.find(who("", &format!("cus_{n:08}"))).is_some())
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
            let place = leads.find(who(&format!("{n}@x.test"), ""));
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
            let both = leads.find(who(&email, &uid)).is_some();
            assert_eq!(leads.find(who(&email, "")).is_some(), both);
            assert_eq!(leads.find(who(&email.to_lowercase(), "")).is_some(), both);
            assert_eq!(leads.find(who("", &uid)).is_some(), both);
            assert_eq!(leads.count(), usize::from(both));
        }
    }

    #[test]
    fn a_stranger_can_become_a_lead() {
        let mut leads = Leads::new(0);
        assert_eq!(leads.find(who("a@x.test", "a")), None);
        let place = leads.create(who("A@x.test", ""), 0);
        assert_eq!(leads.find(who("a@x.test", "a")), Some(place));
        assert_eq!(leads.find(who("", "a")), Some(place));
        assert_eq!(leads.get(place).uid.as_deref(), Some("a"));
    }
}
