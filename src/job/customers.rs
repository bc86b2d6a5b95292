//! Which uids are not ids of customers, because strangers share them.
//!
//! Shops write the same value for everybody who has no account, such as `0` for guests. Sent as a uid,
//! it would give the sales of all of them to the first lead that has it. So what comes with many emails
//! is not sent: each event goes by its own email, and one without an email is held.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

use crate::event::{CustomerRef, EventKey, EventRef, Events, Kind, Tally, Text};
use crate::link::{Cause, Link, Links};
use crate::plan::Past;
use crate::problem::Problem;

/// What stands for "nobody" where a customer has no id.
const PLACEHOLDERS: [&str; 11] = [
    "0",
    "-",
    "--",
    "n/a",
    "na",
    "nil",
    "guest",
    "null",
    "none",
    "undefined",
    "anonymous",
];

/// So many emails are too many for one customer. One who has changed the address has as many only where
/// `is_one_who_moved`.
const EMAILS: usize = 3;

/// How many uids are named one by one.
const NAMED: usize = 10;

/// Whether a uid stands for "nobody" rather than for a customer.
pub(super) fn is_placeholder(uid: &str) -> bool {
    PLACEHOLDERS
        .iter()
        .any(|word| uid.eq_ignore_ascii_case(word))
}

/// Takes the uids that are not ids of customers from the events, and says so. `past` is asked for the
/// customers of earlier runs where a uid is a placeholder.
pub(super) fn drop_shared_uids(events: &mut Events, past: &dyn Past) -> Vec<Problem> {
    let shared = shared_uids(events, past);
    if shared.is_empty() {
        return Vec::new();
    }
    let mut found: BTreeMap<Text, Tally> = BTreeMap::new();
    for index in 0..events.len() {
        let event = events.get(index);
        let Some(uid) = event.customer.uid.filter(|uid| shared.contains_key(*uid)) else {
            continue;
        };
        let uid = Text::new(uid);
        let of_uid = found.entry(uid.clone()).or_default();
        of_uid.add(event.kind, event.money);
        let note = format!("sent without the uid `{uid}`, which several customers share");
        events.edit(index, |event| {
            event.customer.uid = None;
            event.remark(&note);
        });
    }
    problems(&shared, found)
}

/// Holds what has no customer left.
pub(super) fn hold_without_customer(events: &Events, links: &mut Links) {
    for index in 0..events.len() {
        let event = events.get(index);
        if event.customer.is_unknown() && event.kind != Kind::Refund {
            let reason = "no email, and its uid is not the id of one customer".to_owned();
            links.set(index, Link::HeldBack(Cause::Customer, reason));
        }
    }
}

fn problems(shared: &BTreeMap<Text, usize>, found: BTreeMap<Text, Tally>) -> Vec<Problem> {
    let named = found.len().min(NAMED);
    let mut rest = Tally::default();
    let mut problems = Vec::new();
    for (place, (uid, of_uid)) in found.iter().enumerate() {
        if place >= NAMED {
            rest.add_tally(of_uid);
            continue;
        }
        let emails = shared.get(uid).copied().unwrap_or_default();
        let message = format!(
            "`{uid}` is not the id of one customer: it comes with {emails} emails ({}); these events are sent by their emails, without it",
            of_uid
        );
        problems.push(Problem::warning("uid-shared", message));
    }
    if found.len() > named {
        let message = format!(
            "{} more uids are not the id of one customer ({rest})",
            found.len() - named
        );
        problems.push(Problem::warning("uid-shared", message).hint(
            "if the column does not hold ids of customers, take `uid` out of `[customer]` of the profile, or name another column",
        ));
    }
    problems
}

/// The uids that several customers share, with the number of their emails.
fn shared_uids(events: &Events, past: &dyn Past) -> BTreeMap<Text, usize> {
    let suspects = suspects(events);
    let mut emails: BTreeMap<Text, Emails> = BTreeMap::new();
    for event in events.iter() {
        let Some(uid) = event.customer.uid else {
            continue;
        };
        // A refund may name another address than its sale, such as that of a PayPal account.
        let is_suspect =
            event.kind != Kind::Refund && suspects.binary_search(&hash(uid.chars())).is_ok();
        if is_suspect || is_placeholder(uid) {
            emails.entry(Text::new(uid)).or_default().add(event);
        }
    }
    for (uid, of_uid) in &mut emails {
        if is_placeholder(uid) {
            let customer = CustomerRef {
                email: None,
                uid: Some(uid),
            };
            let sales = past.sales_of(customer).into_iter();
            let known = sales.filter_map(|sale| sale.customer.email_folded());
            for email in known {
                of_uid.uses.entry(email).or_default();
            }
        }
    }
    let is_shared = |(uid, of_uid): &(Text, Emails)| match of_uid.uses.len() {
        0 | 1 => false,
        2 => is_placeholder(uid),
        EMAILS => is_placeholder(uid) || !of_uid.is_one_who_moved(),
        _ => true,
    };
    let shared = emails.into_iter().filter(is_shared);
    shared
        .map(|(uid, of_uid)| (uid, of_uid.uses.len()))
        .collect()
}

/// The emails of a uid, each with the events that have it.
#[derive(Default)]
struct Emails {
    uses: BTreeMap<Text, BTreeSet<(Option<Timestamp>, EventKey)>>,
}

impl Emails {
    fn add(&mut self, event: EventRef<'_>) {
        let Some(email) = event.customer.email_folded() else {
            return;
        };
        let uses = self.uses.entry(email).or_default();
        uses.insert((event.created_at, event.key()));
    }

    /// Whether one customer has changed the address twice: each was used again and again before the
    /// next one came, and none came back.
    fn is_one_who_moved(&self) -> bool {
        let mut spans: Vec<_> = self
            .uses
            .values()
            .filter_map(|uses| Some((uses.first()?.0?, uses.last()?.0?, uses.len())))
            .collect();
        spans.sort_unstable();
        let is_dated = spans.len() == self.uses.len();
        let follow = spans
            .windows(2)
            .all(|pair| pair[0].1 < pair[1].0 && pair[0].2 > 1);
        is_dated && follow
    }
}

/// Hashes of the uids that come with so many emails that they may be shared, in order. Most uids have
/// one: so they are told by 16 bytes an event, for a moment.
fn suspects(events: &Events) -> Vec<u64> {
    let mut pairs: Vec<(u64, u64)> = events
        .iter()
        .filter_map(|event| {
            let email = event.customer.email?;
            let uid = hash(event.customer.uid?.chars());
            Some((uid, hash(email.chars().flat_map(char::to_lowercase))))
        })
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    let same_uid = pairs.chunk_by(|one, other| one.0 == other.0);
    same_uid
        .filter(|pairs| pairs.len() >= EMAILS)
        .filter_map(|pairs| Some(pairs.first()?.0))
        .collect()
}

fn hash(text: impl Iterator<Item = char>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for c in text {
        c.hash(&mut hasher);
    }
    hasher.finish()
}
