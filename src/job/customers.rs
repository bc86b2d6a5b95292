//! Finds uids that are not ids of customers, because strangers share them.
//!
//! Shops write the same value for everybody who has no account, such as `0` for guests. Sent as a uid, it
//! would give the sales of all of them to the first lead that has it. So a uid with many emails is not sent:
//! each event is sent with its own email, and one without an email is held. But the uid is all that leads
//! from a customer who has changed the email to the lead, whose sales would be lost without it. Where nothing
//! says which of both it is, its events are held, and the user decides once.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::event::{EmailsOfUid, Essence, Events, Kind, NamedUids, Tally, Text, UidStanding};
use crate::link::{HeldReason, Link, Links};
use crate::plan::{History, named_list};
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

/// Holds the uids of a job that are not the id of one customer for sure, in order.
#[derive(Debug, Default)]
pub(super) struct DoubtfulUids {
    /// The uids that several customers share: they are not sent.
    pub(super) shared: Vec<Text>,
    /// The uids of which nothing says whether they are one customer: their events are held.
    pub(super) unclear: Vec<Text>,
}

/// Removes the uids that are not ids of customers from the events, and reports them. Returns them with those
/// that are unclear. `history` is the history of earlier runs, `named` what the user says of uids.
pub(super) fn drop_shared_uids(
    events: &mut Events,
    history: &dyn History,
    named: &NamedUids,
) -> (DoubtfulUids, Vec<Problem>) {
    let doubtful = doubtful_uids(events, history, named);
    if doubtful.is_empty() {
        return (DoubtfulUids::default(), Vec::new());
    }
    let mut found: BTreeMap<Text, Tally> = BTreeMap::new();
    for index in 0..events.len() {
        let event = events.get(index);
        let uid = event.customer.uid;
        let Some((uid, why)) = uid.and_then(|uid| Some((Text::new(uid), doubtful.get(uid)?)))
        else {
            continue;
        };
        let note = match why.standing() {
            UidStanding::Shared => {
                let of_uid = found.entry(uid.clone()).or_default();
                of_uid.add(event.kind, event.money);
                format!("sent without the uid `{uid}`, which is not the id of one customer")
            }
            // A refund has the customer of its sale, which it must not find by such a uid.
            _ if event.kind == Kind::Refund => {
                format!(
                    "its uid `{uid}` is not compared, since it may not be the id of one customer"
                )
            }
            _ => continue,
        };
        events.edit(index, |event| {
            event.customer.uid = None;
            event.remark(&note);
        });
    }
    let problems = problems(&doubtful, found);
    let (shared, unclear): (Vec<_>, Vec<_>) = doubtful
        .into_iter()
        .partition(|(_, why)| why.standing() == UidStanding::Shared);
    let uids = |of: Vec<(Text, UidDoubt)>| of.into_iter().map(|(uid, _)| uid).collect();
    let uids = DoubtfulUids {
        shared: uids(shared),
        unclear: uids(unclear),
    };
    (uids, problems)
}

/// Holds the events of uids of which nothing says whether they are one customer, unless an earlier run has
/// recorded them with these.
pub(super) fn hold_unclear(
    events: &Events,
    unclear: &[Text],
    links: &mut Links,
    history: &dyn History,
) {
    if unclear.is_empty() {
        return;
    }
    let is_unclear = |uid: &str| {
        unclear
            .binary_search_by(|other| other.as_str().cmp(uid))
            .is_ok()
    };
    for index in 0..events.len() {
        let event = events.get(index);
        let Some(uid) = event.customer.uid.filter(|uid| is_unclear(uid)) else {
            continue;
        };
        if event.kind != Kind::Refund && !history.is_left_to_send(event.key()) {
            let reason = format!(
                "its uid `{uid}` comes with several emails, and nothing says whether they are one customer's"
            );
            links.set(index, Link::held(HeldReason::UidUnclear, reason));
        }
    }
}

/// Holds the events that have no customer left.
pub(super) fn hold_without_customer(events: &Events, links: &mut Links) {
    for index in 0..events.len() {
        if !events.has_customer(index) && events.kind(index) != Kind::Refund {
            let reason = "no email, and its uid is not the id of one customer".to_owned();
            links.set(index, Link::held(HeldReason::Customer, reason));
        }
    }
}

fn problems(doubtful: &BTreeMap<Text, UidDoubt>, found: BTreeMap<Text, Tally>) -> Vec<Problem> {
    let named = found.len().min(NAMED);
    let mut rest = Tally::default();
    let mut problems = Vec::new();
    for (place, (uid, of_uid)) in found.iter().enumerate() {
        if place >= NAMED {
            rest.add_tally(of_uid);
            continue;
        }
        let why = doubtful.get(uid).copied().unwrap_or_default();
        let message = format!(
            "`{uid}` is not the id of one customer: {why} ({of_uid}); these events are sent by their emails, without it"
        );
        let problem = Problem::warning(ProblemCode::UidShared, message);
        problems.push(match why {
            UidDoubt::Placeholder | UidDoubt::Named => problem,
            _ if is_placeholder(uid) => problem,
            UidDoubt::Emails { .. } | UidDoubt::SharedBefore | UidDoubt::UnclearBefore => problem.hint(format!(
                "if it is one customer, set `{}` under `[link]` in fprecon.toml, and run the exports again",
                named_list("customer_uids", uid)
            )),
        });
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

/// Names why a uid may not be the id of one customer.
#[derive(Clone, Copy, Debug, Default)]
enum UidDoubt {
    /// It is a word for nobody.
    #[default]
    Placeholder,
    /// The user says so.
    Named,
    /// It comes with this number of emails.
    Emails { count: usize, standing: UidStanding },
    /// Earlier runs found that it is shared.
    SharedBefore,
    /// Earlier runs found nothing that decides it.
    UnclearBefore,
}

impl UidDoubt {
    fn standing(self) -> UidStanding {
        match self {
            UidDoubt::Placeholder | UidDoubt::Named | UidDoubt::SharedBefore => UidStanding::Shared,
            UidDoubt::Emails { standing, .. } => standing,
            UidDoubt::UnclearBefore => UidStanding::Unclear,
        }
    }
}

impl fmt::Display for UidDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UidDoubt::Placeholder => f.write_str("shops write it where a customer has none"),
            UidDoubt::Named => f.write_str("it is in `shared_uids` of the configuration"),
            UidDoubt::Emails { count, .. } => write!(f, "it comes with {count} emails"),
            UidDoubt::SharedBefore | UidDoubt::UnclearBefore => {
                f.write_str("an earlier run found it with several emails")
            }
        }
    }
}

/// Returns the uids that are not the id of one customer for sure, each with the reason.
fn doubtful_uids(
    events: &Events,
    history: &dyn History,
    named: &NamedUids,
) -> BTreeMap<Text, UidDoubt> {
    let suspects = suspects(events);
    let mut by_uid: BTreeMap<Text, EmailsOfUid> = BTreeMap::new();
    for event in events.iter() {
        let Some(uid) = event.customer.uid else {
            continue;
        };
        let earlier = history.emails_of_uid(uid);
        let is_suspect = is_placeholder(uid)
            || named.standing(uid).is_some()
            || history.standing_of_uid(uid).is_some()
            || earlier.is_some()
            || !suspects.is_empty() && suspects.binary_search(&Essence::hash_of_uid(uid)).is_ok();
        if !is_suspect {
            continue;
        }
        let emails = by_uid
            .entry(Text::new(uid))
            .or_insert_with(|| earlier.cloned().unwrap_or_default());
        if event.kind != Kind::Refund {
            emails.add(event.key(), &event.essence());
        }
    }
    let doubtful = by_uid.into_iter().filter_map(|(uid, emails)| {
        let why = why_doubtful(&uid, &emails, history, named)?;
        Some((uid, why))
    });
    doubtful.collect()
}

/// Returns why a uid may not be the id of one customer; `None` if it is. What the user says decides, and then
/// what earlier runs found to be shared.
fn why_doubtful(
    uid: &str,
    emails: &EmailsOfUid,
    history: &dyn History,
    named: &NamedUids,
) -> Option<UidDoubt> {
    match named.standing(uid) {
        Some(UidStanding::OneCustomer) => return None,
        Some(_) => return Some(UidDoubt::Named),
        None => {}
    }
    let count = emails.count();
    if is_placeholder(uid) {
        return Some(match count {
            0 | 1 => UidDoubt::Placeholder,
            _ => UidDoubt::Emails {
                count,
                standing: UidStanding::Shared,
            },
        });
    }
    match (history.standing_of_uid(uid), emails.standing(uid)) {
        (Some(UidStanding::Shared), _) => Some(UidDoubt::SharedBefore),
        (_, Some(UidStanding::OneCustomer)) => None,
        (_, Some(standing)) => Some(UidDoubt::Emails { count, standing }),
        (Some(UidStanding::Unclear), None) => Some(UidDoubt::UnclearBefore),
        (_, None) => None,
    }
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
