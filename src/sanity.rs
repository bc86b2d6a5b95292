//! Figures that add up and may still be wrong: what finance would ask about.
//!
//! Everything here is a warning and stops nothing. Each kind of finding has a total first, in
//! events and amounts, and then the events, each with its file and line. Only events that are to be
//! sent are remarked on, so that an export that is read again does not ask the same things again;
//! settled ones serve for comparison. Refunds above their sale are held, each with its reason; here
//! they have a total only.

mod cancellations;
mod group;
mod outliers;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};

use crate::event::{CustomerRef, EventKey, EventRef, Kind, Tally};
use crate::journal::PlanState;
use crate::plan::{History, Plan, Planned};
use crate::problem::{Problem, ProblemCode};
use cancellations::LastCancellations;
use group::FindingGroup;
use outliers::Outliers;

/// The furthest in the future that a date may lie: a date without a time, in another zone, is up to a day off.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// Returns warnings about a plan that adds up but may be wrong.
///
/// `past` is what the plan was compared with, `now` what the caller's clock says, `paths` are the
/// names of the exports.
pub(crate) fn findings(
    plan: &Plan,
    past: &dyn History,
    now: Timestamp,
    paths: &[String],
) -> Vec<Problem> {
    let mut finder = SanityFinder::new(plan, past, paths);
    let mut future = FindingGroup::new(ProblemCode::DateInFuture, paths);
    let limit = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
    let mut in_future = Vec::new();
    for (place, planned) in plan.unordered() {
        finder.collect(place, planned);
        if planned.state == PlanState::ToSend && planned.event.created_at > Some(limit) {
            in_future.push(place);
        }
    }
    plan.sort(&mut in_future);
    for place in in_future {
        future.add(plan.event(place).event, |event| {
            format!("is dated {}", date_of(event))
        });
    }
    finder.compare_sales();
    let mut problems = finder.refunds();
    problems.extend(finder.after_cancellation.into_problems(
        "comes after the customer's cancellation",
        "come after their customers' cancellations",
        "it is sent; check that the customer came back or has another subscription, and was not charged by mistake",
    ));
    problems.extend(future.into_problems(
        "is dated in the future",
        "are dated in the future",
        "check the export's dates, the order of day and month in the profile, and this machine's clock",
    ));
    problems.extend(finder.outliers.into_problems(plan, paths));
    problems
}

/// Walks twice over the events, which are many and wide: first it collects what is compared with,
/// then it looks at the sales.
struct SanityFinder<'p> {
    plan: &'p Plan,
    past: &'p dyn History,
    paths: &'p [String],
    /// The places of refunds that are to be sent or held, with the key of their sale.
    refunds: Vec<(EventKey, usize)>,
    /// The places of the sales of these refunds, where they are in the job.
    sales: HashMap<EventKey, Option<usize>>,
    ends: LastCancellations,
    after_cancellation: FindingGroup<'p>,
    outliers: Outliers,
}

impl<'p> SanityFinder<'p> {
    fn new(plan: &'p Plan, past: &'p dyn History, paths: &'p [String]) -> Self {
        SanityFinder {
            plan,
            past,
            paths,
            refunds: Vec::new(),
            sales: HashMap::new(),
            ends: LastCancellations::default(),
            after_cancellation: FindingGroup::new(ProblemCode::SaleAfterCancellation, paths),
            outliers: Outliers::default(),
        }
    }

    fn collect(&mut self, place: usize, planned: Planned<'_>) {
        let Planned { event, state } = planned;
        match event.kind {
            Kind::Refund if matches!(state, PlanState::ToSend | PlanState::Unlinked) => {
                if let Some(sale) = event.sale_event_id {
                    let sale = EventKey::from_id(sale);
                    self.refunds.push((sale, place));
                    self.sales.insert(sale, None);
                }
            }
            Kind::Cancellation if state != PlanState::Conflict => self.ends.add(event),
            Kind::Sale if is_sound(state) => self.outliers.see(event),
            _ => {}
        }
    }

    fn compare_sales(&mut self) {
        self.outliers.retain_outliers();
        if self.sales.is_empty() && self.ends.is_empty() && self.outliers.is_empty() {
            return;
        }
        let needs_only_keys = self.ends.is_empty() && self.outliers.is_empty();
        let turns = self.plan.turns();
        self.refunds
            .sort_unstable_by_key(|(_, refund)| turns[*refund]);
        let mut after_their_ends = Vec::new();
        for (place, &state) in self.plan.states().iter().enumerate() {
            let (kind, key) = self.plan.kind_and_key(place);
            if kind != Kind::Sale {
                continue;
            }
            if state != PlanState::Duplicate
                && let Some(sale) = self.sales.get_mut(&key)
                && sale.is_none_or(|other| turns[other] < turns[place])
            {
                *sale = Some(place);
            }
            if needs_only_keys {
                continue;
            }
            let event = self.plan.event(place).event;
            if state == PlanState::ToSend
                && let Some(end) = self.ends.before(event)
            {
                after_their_ends.push((turns[place], place, end));
            }
            if is_sound(state) {
                self.outliers.add(turns[place], event);
            }
        }
        after_their_ends.sort_unstable();
        for (_, place, end) in after_their_ends {
            let event = self.plan.event(place).event;
            self.after_cancellation.add(event, |event| {
                let (sale, end) = (date_of(event), date(end));
                format!("is dated {sale}, and the customer canceled on {end}")
            });
        }
    }

    fn refunds(&self) -> Vec<Problem> {
        let mut before = FindingGroup::new(ProblemCode::RefundBeforeSale, self.paths);
        let mut above = Tally::default();
        let refunded = self.refunded_here();
        for (key, refund) in &self.refunds {
            let Planned { event, state } = self.plan.event(*refund);
            let sale = self
                .sales
                .get(key)
                .copied()
                .flatten()
                .map(|place| self.plan.event(place).event);
            if state == PlanState::ToSend {
                let sale_day = sale.and_then(day);
                if day(event).zip(sale_day).is_some_and(|(of, sale)| of < sale) {
                    before.add(event, |event| {
                        let sale = sale.map(date_of).unwrap_or_default();
                        format!("is dated {}, before its sale of {sale}", date_of(event))
                    });
                }
            } else if !self.plan.replaces_undone_refund(event.key()) {
                let here = refunded.get(key).copied().unwrap_or_default();
                if self.is_above(*key, event, sale, here).unwrap_or(false) {
                    above.add(event.kind, event.money);
                }
            }
        }
        let mut problems = Vec::new();
        if above.count() > 0 {
            let message = format!("{above}: above the sale, and held");
            problems.push(Problem::warning(ProblemCode::RefundAboveSale, message).hint(
                "amounts were read or refunded wrongly; compare them with their sales where both were made",
            ));
        }
        problems.extend(before.into_problems(
            "is dated before its sale",
            "are dated before their sales",
            "it is sent behind its sale, with its own date; check which date is wrong, and whether it reverses another sale",
        ));
        problems
    }

    /// Returns what this job adds to the refunds of each sale.
    fn refunded_here(&self) -> HashMap<EventKey, i64> {
        let mut refunded: HashMap<EventKey, i64> = HashMap::new();
        for (sale, refund) in &self.refunds {
            let Planned { event, state } = self.plan.event(*refund);
            let is_new = self.past.essence(event.key()).is_none();
            if state == PlanState::ToSend && is_new {
                let sum = refunded.entry(*sale).or_default();
                *sum = sum.saturating_add(event.paid_cents().unwrap_or(0));
            }
        }
        refunded
    }

    /// Returns `true` if a held refund goes above its sale with those of earlier runs and `here`, what the
    /// others of this job come to; nothing where the two can't be compared.
    fn is_above(
        &self,
        key: EventKey,
        refund: EventRef<'_>,
        sale: Option<EventRef<'_>>,
        here: i64,
    ) -> Option<bool> {
        let (of, sale_cents) = match (self.past.essence(key), sale) {
            (Some(essence), _) => {
                let money = essence.money?;
                (money, essence.gross_cents.unwrap_or(money.amount_cents))
            }
            (None, Some(sale)) => (sale.read_money()?, sale.paid_cents()?),
            (None, None) => return None,
        };
        if refund.read_money()?.currency != of.currency {
            return None;
        }
        let refunded = match refund.refund_total_cents {
            Some(total) => total,
            None => {
                let before = self.past.refunded(key).gross_cents;
                before
                    .saturating_add(here)
                    .saturating_add(refund.paid_cents()?)
            }
        };
        Some(refunded > sale_cents)
    }
}

/// Returns `true` if the event was sent, or is to be sent.
fn is_sound(state: PlanState) -> bool {
    matches!(state, PlanState::ToSend | PlanState::Settled)
}
/// Days since 1970 in UTC. Whole days are compared: an export may have dates without times, and a
/// last invoice is written on the day of the cancellation.
fn day(event: EventRef<'_>) -> Option<i64> {
    const SECONDS_PER_DAY: i64 = 86_400;
    let at = event.created_at?;
    Some(at.as_second().div_euclid(SECONDS_PER_DAY))
}

fn date(day: i64) -> String {
    let at = Timestamp::from_second(day.saturating_mul(86_400)).unwrap_or_default();
    at.strftime("%Y-%m-%d").to_string()
}

fn date_of(event: EventRef<'_>) -> String {
    day(event).map(date).unwrap_or_default()
}

/// Hashes one of the two names of a customer; the hash is stored nowhere.
fn fingerprint(name: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// Returns the email without case, else the uid: two providers share the emails of a customer, not the ids.
fn customer_of(customer: CustomerRef<'_>) -> Option<u64> {
    match (customer.email, customer.uid) {
        (Some(email), _)
            if email
                .bytes()
                .all(|b| b.is_ascii() && !b.is_ascii_uppercase()) =>
        {
            Some(fingerprint(email))
        }
        (Some(_), _) => customer
            .email_folded()
            .map(|email| fingerprint(email.as_str())),
        (None, Some(uid)) => Some(fingerprint((uid, "uid"))),
        (None, None) => None,
    }
}
