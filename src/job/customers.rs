//! Finds uids that are not ids of customers, because strangers share them.
//!
//! Shops write the same value for everybody who has no account, such as `0` for guests. Sent as a uid, it
//! would give the sales of all of them to the first lead that has it. So a uid with many emails is not sent:
//! each event is sent with its own email, and one without an email is held.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::event::{EmailsOfUid, Essence, Events, Kind, Tally, Text};
use crate::link::{HeldReason, Link, Links};
use crate::plan::History;
use crate::problem::{Problem, ProblemCode};

/// The values that mean "nobody" where a customer has no id.
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

/// The number of uids that are named one by one.
const NAMED: usize = 10;

/// Returns `true` if a uid means "nobody" rather than a customer.
fn is_placeholder(uid: &str) -> bool {
    PLACEHOLDERS
        .iter()
        .any(|word| uid.eq_ignore_ascii_case(word))
}

/// Returns what the customers of the events are to be compared with in the journal: an email of each uid, and
/// which uids come with several. Both are hashes, as essences have them.
pub(super) fn emails_by_uid(events: &Events) -> HashMap<u64, Option<u64>> {
    let mut by_uid: HashMap<u64, Option<u64>> = HashMap::new();
    for (email, uid) in named_customers(events) {
        by_uid
            .entry(uid)
            .and_modify(|known| *known = known.filter(|&known| known == email))
            .or_insert(Some(email));
    }
    by_uid
}

/// Returns the hashes of email and uid of each event that has both. A refund may name another address than
/// its sale, such as that of a PayPal account.
fn named_customers(events: &Events) -> impl Iterator<Item = (u64, u64)> {
    let of_customers = events.iter().filter(|event| event.kind != Kind::Refund);
    of_customers.filter_map(|event| {
        let (email, uid) = event.customer.hashes();
        email.zip(uid)
    })
}

/// Removes the uids that are not ids of customers from the events, and reports them. Returns them, in order.
/// `history` is the history of earlier runs.
pub(super) fn drop_shared_uids(
    events: &mut Events,
    history: &dyn History,
) -> (Vec<Text>, Vec<Problem>) {
    let shared = shared_uids(events, history);
    if shared.is_empty() {
        return (Vec::new(), Vec::new());
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
        let note = format!("sent without the uid `{uid}`, which is not the id of one customer");
        events.edit(index, |event| {
            event.customer.uid = None;
            event.remark(&note);
        });
    }
    let problems = problems(&shared, found);
    (shared.into_keys().collect(), problems)
}

/// Holds the events that have no customer left.
pub(super) fn hold_without_customer(events: &Events, links: &mut Links) {
    for index in 0..events.len() {
        let event = events.get(index);
        if event.customer.is_unknown() && event.kind != Kind::Refund {
            let reason = "no email, and its uid is not the id of one customer".to_owned();
            links.set(index, Link::held(HeldReason::Customer, reason));
        }
    }
}

fn problems(shared: &BTreeMap<Text, Why>, found: BTreeMap<Text, Tally>) -> Vec<Problem> {
    let named = found.len().min(NAMED);
    let mut rest = Tally::default();
    let mut problems = Vec::new();
    for (place, (uid, of_uid)) in found.iter().enumerate() {
        if place >= NAMED {
            rest.add_tally(of_uid);
            continue;
        }
        let why = shared.get(uid).copied().unwrap_or_default();
        let message = format!(
            "`{uid}` is not the id of one customer: {why} ({of_uid}); these events are sent by their emails, without it"
        );
        problems.push(Problem::warning(ProblemCode::UidShared, message));
    }
    if found.len() > named {
        let message = format!(
            "{} more uids are not the id of one customer ({rest})",
            found.len() - named
        );
        problems.push(Problem::warning(ProblemCode::UidShared, message).hint(
            "if the column does not hold ids of customers, take `uid` out of `[customer]` of the profile, or name another column",
        ));
    }
    problems
}

/// Names why a uid is not the id of one customer.
#[derive(Clone, Copy, Debug, Default)]
enum Why {
    /// It is a word for nobody.
    #[default]
    Placeholder,
    /// This number of emails comes with it.
    Emails(usize),
    /// Earlier runs found that it is shared.
    KnownBefore,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Placeholder => f.write_str("shops write it where a customer has none"),
            Why::Emails(count) => write!(f, "it comes with {count} emails"),
            Why::KnownBefore => f.write_str("an earlier run found it with several emails"),
        }
    }
}

/// Returns the uids that are not the id of one customer, each with the reason.
fn shared_uids(events: &Events, history: &dyn History) -> BTreeMap<Text, Why> {
    let suspects = suspects(events);
    let mut by_uid: BTreeMap<Text, Option<EmailsOfUid>> = BTreeMap::new();
    for event in events.iter() {
        let Some(uid) = event.customer.uid else {
            continue;
        };
        if is_placeholder(uid) || history.is_shared_uid(uid) {
            by_uid.entry(Text::new(uid)).or_insert(None);
        }
        let earlier = history.emails_of_uid(uid);
        let is_suspect = earlier.is_some()
            || suspects.binary_search(&Essence::hash_of_uid(uid)).is_ok()
            || is_placeholder(uid);
        if !is_suspect || event.kind == Kind::Refund {
            continue;
        }
        let emails = by_uid.entry(Text::new(uid)).or_default();
        let emails = emails.get_or_insert_with(|| earlier.cloned().unwrap_or_default());
        emails.add(event.key(), &event.essence());
    }
    let why = |(uid, emails): (Text, Option<EmailsOfUid>)| {
        let count = emails.as_ref().map_or(0, EmailsOfUid::count);
        let why = if emails.is_some_and(|emails| emails.are_of_several()) {
            Why::Emails(count)
        } else if is_placeholder(&uid) {
            match count {
                0 | 1 => Why::Placeholder,
                _ => Why::Emails(count),
            }
        } else if history.is_shared_uid(&uid) {
            Why::KnownBefore
        } else {
            return None;
        };
        Some((uid, why))
    };
    by_uid.into_iter().filter_map(why).collect()
}

/// Returns hashes of the uids that come with so many emails that they may be shared, in order. Most uids have
/// one, so this takes only 16 bytes an event, for a moment.
fn suspects(events: &Events) -> Vec<u64> {
    let mut pairs: Vec<(u64, u64)> = named_customers(events)
        .map(|(email, uid)| (uid, email))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    let same_uid = pairs.chunk_by(|one, other| one.0 == other.0);
    same_uid
        .filter(|pairs| pairs.len() > 1)
        .filter_map(|pairs| Some(pairs.first()?.0))
        .collect()
}
