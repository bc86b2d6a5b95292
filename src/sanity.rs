//! Figures that add up and may still be wrong: what finance would ask about.
//!
//! Everything here is a warning and stops nothing. Each kind of finding has a total first, in
//! events and amounts, and then the events, each with its file and line. Only events that are to be
//! sent are remarked on, so that an export that is read again does not ask the same things again;
//! settled ones serve for comparison. Refunds above their sale are held, each with its reason; here
//! they have a total only.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};

use crate::event::{CustomerRef, EventKey, EventRef, Kind, Money, Source, Tally};
use crate::journal::PlanState;
use crate::plan::{History, Plan, Planned};
use crate::problem::{Problem, Problems};

/// How far in the future a date may lie: a date without a time, in another zone, is up to a day off.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// What is taken for a hundred times: from 4/5 to 5/4 of it, since a customer's amounts vary by a
/// tax, a discount, a part of a month. Yearly beside monthly payments are twelve times as much; a
/// shop's large order beside a small one has no reason to meet just this.
const HUNDREDFOLD: RangeInclusive<i128> = 80..=125;

/// How many other sales a customer needs before one of them can stand out.
const OTHERS: usize = 3;

/// For how many customers the amounts of two exports must be a hundred times apart.
const CUSTOMERS_APART: usize = 3;

/// What is remarkable in a plan.
///
/// `past` is what the plan was compared with, `now` what the caller's clock says, `paths` are the
/// names of the exports.
pub fn findings(plan: &Plan, past: &dyn History, now: Timestamp, paths: &[String]) -> Vec<Problem> {
    let mut finder = Finder::new(plan, past, paths);
    let mut future = FindingGroup::new("date-in-future", paths);
    let limit = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
    for (place, planned) in plan.events().enumerate() {
        finder.collect(place, planned);
        if planned.state == PlanState::ToSend && planned.event.created_at > Some(limit) {
            future.add(planned.event, |event| {
                format!("is dated {}", date_of(event))
            });
        }
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
struct Finder<'p> {
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

/// One kind of finding: the total, and the first events of it.
struct FindingGroup<'p> {
    code: &'static str,
    paths: &'p [String],
    tally: Tally,
    first: Vec<(Source, Problem)>,
}

impl<'p> FindingGroup<'p> {
    fn new(code: &'static str, paths: &'p [String]) -> Self {
        FindingGroup {
            code,
            paths,
            tally: Tally::default(),
            first: Vec::new(),
        }
    }

    /// `message` is only made for those that are kept.
    fn add(&mut self, event: EventRef<'_>, message: impl FnOnce(EventRef<'_>) -> String) {
        self.tally.add(event.kind, event.money);
        // One less than are kept of a code: the total has the same.
        if (self.first.len() as u64) < Problems::KEPT_PER_CODE - 1 {
            let name = match event.money {
                Some(money) => format!("{} `{}` of {money}", event.kind, event.event_id()),
                None => format!("{} `{}`", event.kind, event.event_id()),
            };
            let path = self.paths.get(event.source.input).cloned();
            let problem = Problem::warning(self.code, format!("{name} {}", message(event)));
            let line = Some(event.source.line);
            let problem = problem.at(path.unwrap_or_default(), line);
            self.first.push((event.source, problem));
        }
    }

    /// The total in front of the events; nothing where there are none. `one` and `many` go on after
    /// `1 sale, 8.00 USD,` and `2 sales, 16.00 USD,`.
    fn into_problems(mut self, one: &str, many: &str, hint: &str) -> Vec<Problem> {
        let predicate = match self.tally.count() {
            0 => return Vec::new(),
            1 => one,
            _ => many,
        };
        let total = Problem::warning(self.code, format!("{}, {predicate}", self.tally));
        let total = total.hint(hint);
        self.first.sort_by_key(|(source, _)| *source);
        let first = self.first.into_iter().map(|(_, problem)| problem);
        std::iter::once(total).chain(first).collect()
    }
}

impl<'p> Finder<'p> {
    fn new(plan: &'p Plan, past: &'p dyn History, paths: &'p [String]) -> Self {
        Finder {
            plan,
            past,
            paths,
            refunds: Vec::new(),
            sales: HashMap::new(),
            ends: LastCancellations::default(),
            after_cancellation: FindingGroup::new("sale-after-cancellation", paths),
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
        for (place, &state) in self.plan.states().iter().enumerate() {
            let (kind, key) = self.plan.kind_and_key(place);
            if kind != Kind::Sale {
                continue;
            }
            if state != PlanState::Duplicate
                && let Some(sale) = self.sales.get_mut(&key)
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
                self.after_cancellation.add(event, |event| {
                    let (sale, end) = (date_of(event), date(end));
                    format!("is dated {sale}, and the customer canceled on {end}")
                });
            }
            if is_sound(state) {
                self.outliers.add(place, event);
            }
        }
    }

    fn refunds(&self) -> Vec<Problem> {
        let mut before = FindingGroup::new("refund-before-sale", self.paths);
        let mut above = Tally::default();
        let refunded = self.refunded_here();
        for (key, refund) in &self.refunds {
            let Planned { event, state } = self.plan.event(*refund);
            let sale = self.sales.get(key).copied().flatten();
            let sale = sale.map(|place| self.plan.event(place).event);
            if state == PlanState::ToSend {
                let sale_day = sale.and_then(day);
                if day(event).zip(sale_day).is_some_and(|(of, sale)| of < sale) {
                    before.add(event, |event| {
                        let sale = sale.map(date_of).unwrap_or_default();
                        format!("is dated {}, before its sale of {sale}", date_of(event))
                    });
                }
            } else {
                let here = refunded.get(key).copied().unwrap_or_default();
                if self.is_above(*key, event, sale, here).unwrap_or(false) {
                    above.add(event.kind, event.money);
                }
            }
        }
        let mut problems = Vec::new();
        if above.count() > 0 {
            let message = format!("{above}: above the sale, and held");
            problems.push(Problem::warning("refund-above-sale", message).hint(
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

    /// What this job adds to the refunds of each sale.
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

    /// Whether a held refund goes above its sale with those of earlier runs and `here`, what the
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

/// Whether the event was sent, or is to be.
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

/// A customer by one of the two names; written nowhere.
fn fingerprint(name: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// The email without case, else the uid: two providers share the emails of a customer, not the ids.
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

/// The last cancellation of each customer, in all and by plan.
///
/// A customer may have several subscriptions: one that was canceled says nothing of a sale of
/// another plan, where both name theirs. Who canceled, came back and canceled again has paid in
/// between: only the last one counts.
#[derive(Default)]
struct LastCancellations(HashMap<(u64, PlanOf), i64>);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum PlanOf {
    /// Of this plan.
    Named(u64),
    /// Of a plan that is not named.
    Unnamed,
    /// Of whichever plan.
    Any,
}

impl PlanOf {
    fn from_event(event: EventRef<'_>) -> Self {
        match event.plan {
            Some(plan) => PlanOf::Named(fingerprint(plan)),
            None => PlanOf::Unnamed,
        }
    }
}

impl LastCancellations {
    fn add(&mut self, cancellation: EventRef<'_>) {
        let customer = customer_of(cancellation.customer);
        if let Some((day, customer)) = day(cancellation).zip(customer) {
            for plan in [PlanOf::Any, PlanOf::from_event(cancellation)] {
                let end = self.0.entry((customer, plan)).or_insert(day);
                *end = day.max(*end);
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The last day on which the customer canceled what the sale may be of, if that is before it.
    fn before(&self, sale: EventRef<'_>) -> Option<i64> {
        if self.is_empty() {
            return None;
        }
        let customer = customer_of(sale.customer)?;
        let of = |plan: PlanOf| self.0.get(&(customer, plan)).copied();
        let end = match PlanOf::from_event(sale) {
            PlanOf::Named(plan) => of(PlanOf::Named(plan)).max(of(PlanOf::Unnamed)),
            PlanOf::Unnamed | PlanOf::Any => of(PlanOf::Any),
        };
        end.zip(day(sale))
            .filter(|(end, sale)| end < sale)
            .map(|(end, _)| end)
    }
}

/// The sales of customers of whom one amount is eighty times another, or more.
#[derive(Default)]
struct Outliers {
    /// The least and the most of each customer in each currency.
    ranges: HashMap<u64, (i64, i64)>,
    amounts: Vec<Amount>,
}

#[derive(Clone, Copy)]
struct Amount {
    /// One customer in one currency.
    of: u64,
    money: Money,
    input: usize,
    /// Its place in the plan.
    sale: usize,
}

/// Two exports whose amounts are a hundred times apart.
struct UnitMismatch {
    large: usize,
    small: usize,
    /// For how many customers they are.
    customers: usize,
    /// How many customers both have.
    shared: usize,
}

fn is_hundredfold(large: i64, small: i64) -> bool {
    let (large, small) = (i128::from(large), i128::from(small));
    (small * HUNDREDFOLD.start()..=small * HUNDREDFOLD.end()).contains(&large)
}

/// A name for one customer in one currency.
fn buyer(sale: EventRef<'_>) -> Option<(u64, Money)> {
    let (money, customer) = sale.read_money().zip(customer_of(sale.customer))?;
    let code = money.currency.code().bytes();
    let currency = code.fold(0, |sum, byte| sum << 8 | u64::from(byte));
    Some((customer ^ currency, money))
}

impl Outliers {
    fn see(&mut self, sale: EventRef<'_>) {
        if let Some((of, money)) = buyer(sale) {
            let cents = money.amount_cents;
            let range = self.ranges.entry(of).or_insert((cents, cents));
            *range = (range.0.min(cents), range.1.max(cents));
        }
    }

    /// Most customers are like themselves; of them nothing more is kept.
    fn retain_outliers(&mut self) {
        self.ranges.retain(|_, (least, most)| {
            i128::from(*most) >= i128::from(*least) * HUNDREDFOLD.start()
        });
    }

    fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    fn add(&mut self, place: usize, sale: EventRef<'_>) {
        if !self.ranges.is_empty()
            && let Some((of, money)) = buyer(sale)
            && self.ranges.contains_key(&of)
        {
            self.amounts.push(Amount {
                of,
                money,
                input: sale.source.input,
                sale: place,
            });
        }
    }

    fn into_problems(mut self, plan: &Plan, paths: &[String]) -> Vec<Problem> {
        self.amounts
            .sort_by_key(|amount| (amount.of, amount.money.amount_cents));
        let exports = self.exports(plan);
        let in_export = |input: usize| {
            let mut pairs = exports.iter();
            pairs.any(|pair| pair.large == input || pair.small == input)
        };
        let mut found = FindingGroup::new("amount-hundredfold", paths);
        for (sale, usual) in self.unusual() {
            let sale = plan.event(sale);
            if sale.state == PlanState::ToSend && !in_export(sale.event.source.input) {
                found.add(sale.event, |_| {
                    format!("is a hundred times off the customer's usual {usual}")
                });
            }
        }
        let mut problems: Vec<Problem> = exports.iter().map(|pair| pair.problem(paths)).collect();
        problems.extend(found.into_problems(
            "is about a hundred times off the customer's other sales",
            "are about a hundred times off their customers' other sales",
            "cents may have been taken for whole units, or the reverse; compare it where it was charged",
        ));
        problems
    }

    fn buyers(&self) -> impl Iterator<Item = &[Amount]> {
        self.amounts.chunk_by(|a, b| a.of == b.of)
    }

    /// Sales about a hundred times off the (lower) median of the customer's others, with that.
    fn unusual(&self) -> impl Iterator<Item = (usize, Money)> {
        let enough = self.buyers().filter(|amounts| amounts.len() > OTHERS);
        enough.flat_map(|amounts| {
            let middle = (amounts.len() - 2) / 2;
            let all = amounts.iter().enumerate();
            all.filter_map(move |(index, amount)| {
                let other = if index <= middle { middle + 1 } else { middle };
                let usual = amounts[other].money;
                let (cents, usual_cents) = (amount.money.amount_cents, usual.amount_cents);
                let is_off =
                    is_hundredfold(cents, usual_cents) || is_hundredfold(usual_cents, cents);
                is_off.then_some((amount.sale, usual))
            })
        })
    }

    /// Each export is compared with the one in which the customer's amounts are smallest, so that
    /// many exports take no longer.
    fn exports(&self, plan: &Plan) -> Vec<UnitMismatch> {
        let mut pairs: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for amounts in self.buyers() {
            // They are sorted: the first of an export, its smallest, stands for it.
            let (small, least) = (amounts[0].input, amounts[0].money.amount_cents);
            let mut seen = HashSet::from([small]);
            for amount in amounts.iter().filter(|amount| seen.insert(amount.input)) {
                if is_hundredfold(amount.money.amount_cents, least) {
                    *pairs.entry((amount.input, small)).or_default() += 1;
                }
            }
        }
        pairs.retain(|_, customers| *customers >= CUSTOMERS_APART);
        if pairs.is_empty() {
            return Vec::new();
        }
        let buyers = buyers_by_export(plan);
        let apart = pairs.into_iter().map(|((large, small), customers)| {
            let both = buyers[&large].intersection(&buyers[&small]);
            UnitMismatch {
                large,
                small,
                customers,
                shared: both.count(),
            }
        });
        apart
            .filter(|pair| pair.customers * 2 > pair.shared)
            .collect()
    }
}

fn buyers_by_export(plan: &Plan) -> HashMap<usize, HashSet<u64>> {
    let mut buyers: HashMap<usize, HashSet<u64>> = HashMap::new();
    for Planned { event, state } in plan.events() {
        if event.kind == Kind::Sale
            && is_sound(state)
            && let Some((of, _)) = buyer(event)
        {
            buyers.entry(event.source.input).or_default().insert(of);
        }
    }
    buyers
}

impl UnitMismatch {
    fn problem(&self, paths: &[String]) -> Problem {
        let name = |input: usize| paths.get(input).cloned().unwrap_or_default();
        let UnitMismatch {
            customers, shared, ..
        } = self;
        let message = format!(
            "its amounts are about a hundred times those of {} for {customers} of the {shared} customers that both have",
            name(self.small),
        );
        Problem::warning("export-hundredfold", message)
            .at(name(self.large), None)
            .hint("in one of the two, cents may have been taken for whole units, or the reverse: `unit` under `[exports.….money.format]` of fprecon.toml")
    }
}
