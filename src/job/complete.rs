//! What one export says of the events of another.
//!
//! An export of invoices says what of a payment counts, before tax and after discounts; an export of
//! subscriptions says their plans. Both are told by ids that the exports share, never by dates,
//! amounts or customers.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::event::{Event, EventKey, Events, Kind, Money, Tally, Text};
use crate::problem::Problem;

/// Why a row of a completing export is no event of its own.
pub(super) const COMPLETED: &str = "says more of a payment in another export";
/// Why a row of a completing export counts for nothing.
pub(super) const WITHOUT_PAYMENT: &str = "its payment is in none of these exports";

/// The sales of a job that other exports may complete.
#[derive(Debug, Default)]
pub(super) struct Sales {
    by_key: HashMap<EventKey, usize>,
    /// The payments of an invoice that has several, in the order in which they were read.
    payments: HashMap<EventKey, Vec<usize>>,
    /// What a completing export gave for a sale: a second one must give the same.
    given: HashMap<EventKey, i64>,
    without_payment: Tally,
}

/// What became of a sale of a completing export.
#[derive(Debug)]
pub(super) enum Completion {
    /// A sale of the job has taken over what it says.
    Done,
    /// The job has no such sale.
    NoSale,
    /// It contradicts the sale of the job, and has to be an event beside it to say so.
    Contradiction(Box<Event>),
}

impl Sales {
    /// The sales among `events` that stand in the inputs for which `of_input` holds; the first of
    /// several readings of one.
    pub(super) fn of(events: &Events, of_input: impl Fn(usize) -> bool) -> Self {
        let mut sales = Sales::default();
        for (index, event) in events.iter().enumerate() {
            if event.kind == Kind::Sale && of_input(event.source.input) {
                let first = *sales.by_key.entry(event.key()).or_insert(index);
                sales.add_payment(first, index, events);
            }
        }
        sales
    }

    /// Takes note of a further payment of an invoice; not of another reading of one that is known.
    fn add_payment(&mut self, first: usize, index: usize, events: &Events) {
        let (key, reference) = (events.key(index), events.get(index).reference);
        if first == index || reference == events.get(first).reference {
            return;
        }
        let payments = self.payments.entry(key).or_insert_with(|| vec![first]);
        let is_known = |&payment: &usize| events.get(payment).reference == reference;
        if !payments.iter().any(is_known) {
            payments.push(index);
        }
    }

    /// Lays what `said` says over the sale of the same id; `place` is where it stands.
    pub(super) fn complete(
        &mut self,
        events: &mut Events,
        mut said: Event,
        place: &str,
    ) -> Completion {
        let Some(&index) = self.by_key.get(&said.key()) else {
            self.without_payment.add(said.kind, said.money);
            return Completion::NoSale;
        };
        let sale = events.get(index);
        let (Some(paid), Some(counts)) = (sale.money, said.money) else {
            return Completion::Contradiction(Box::new(said));
        };
        if paid.currency != counts.currency {
            return Completion::Contradiction(Box::new(said));
        }
        let uids = sale.customer.uid.zip(said.customer.uid.as_deref());
        if uids.is_some_and(|(one, other)| one != other) {
            // In their amounts they agree.
            said.gross_cents = Some(paid.amount_cents);
            return Completion::Contradiction(Box::new(said));
        }
        let mut payments = match self.payments.get(&said.key()) {
            Some(payments) => payments.clone(),
            None => vec![index],
        };
        let whole_cents = said.gross_cents.unwrap_or(counts.amount_cents);
        if payments.len() > 1 || paid.amount_cents < whole_cents {
            payments.sort_by_cached_key(|&payment| {
                let payment = events.get(payment);
                (payment.created_at, payment.reference.map(Text::new))
            });
            return self.complete_parts(events, said, &payments, place);
        }
        match self.given.entry(said.key()) {
            Entry::Occupied(given) if *given.get() != counts.amount_cents => {
                return Completion::Contradiction(Box::new(said));
            }
            Entry::Occupied(_) => return Completion::Done,
            Entry::Vacant(_) if counts.amount_cents > paid.amount_cents => {
                return Completion::Contradiction(Box::new(said));
            }
            Entry::Vacant(given) => given.insert(counts.amount_cents),
        };
        events.edit(index, |sale| {
            if counts.amount_cents != paid.amount_cents {
                sale.gross_cents = Some(paid.amount_cents);
                sale.money = Some(counts);
                sale.remark(&format!("{paid} was paid, {counts} of it counts: {place}"));
            }
            take_over(sale, &said);
        });
        Completion::Done
    }

    /// Lets each of these payments of an invoice count its share of what the invoice counts. The shares
    /// are differences of rounded running sums, so that all payments together count all of it.
    fn complete_parts(
        &mut self,
        events: &mut Events,
        said: Event,
        payments: &[usize],
        place: &str,
    ) -> Completion {
        let Some(counts) = said.money else {
            return Completion::Contradiction(Box::new(said));
        };
        let whole_cents = said.gross_cents.unwrap_or(counts.amount_cents);
        let paid = payments.iter().map(|&payment| events.get(payment).money);
        let paid: Option<Vec<i64>> = paid
            .map(|paid| paid.filter(|paid| paid.currency == counts.currency))
            .map(|paid| paid.map(|paid| paid.amount_cents))
            .collect();
        let paid = paid.filter(|paid| paid.iter().fold(0, sum) <= whole_cents);
        let Some(paid) = paid.filter(|_| self.is_first_word(&said, counts)) else {
            return Completion::Contradiction(Box::new(said));
        };
        let mut paid_so_far = 0;
        for (&payment, paid_cents) in payments.iter().zip(paid) {
            let before = share(counts.amount_cents, paid_so_far, whole_cents);
            paid_so_far += paid_cents;
            let amount_cents = share(counts.amount_cents, paid_so_far, whole_cents) - before;
            events.edit(payment, |sale| {
                if amount_cents != paid_cents && sale.gross_cents.is_none() {
                    let (paid, counts) = (money(paid_cents, counts), money(amount_cents, counts));
                    sale.gross_cents = Some(paid_cents);
                    sale.money = Some(counts);
                    let whole = money(whole_cents, counts);
                    sale.remark(&format!(
                        "{paid} of {whole} was paid, {counts} of it counts: {place}"
                    ));
                }
                take_over(sale, &said);
            });
        }
        Completion::Done
    }

    /// Returns whether an invoice says what was said of it before, if anything was.
    fn is_first_word(&mut self, said: &Event, counts: Money) -> bool {
        let given = self.given.entry(said.key());
        *given.or_insert(counts.amount_cents) == counts.amount_cents
    }

    /// What was said of payments that are in no export of the job, for a person to know.
    pub(super) fn without_payment(&self) -> Option<Problem> {
        let amounts: Vec<String> = self
            .without_payment
            .iter()
            .filter_map(|(_, currency, sum)| {
                let amount_cents = i64::try_from(sum.amount_cents).unwrap_or(i64::MAX);
                let money = currency.map(|currency| Money {
                    amount_cents,
                    currency,
                });
                Some(money?.to_string())
            })
            .collect();
        let count = self.without_payment.count();
        let message = format!(
            "paid invoices without a payment in these exports, of which no sale is made: {count} ({})",
            amounts.join(", ")
        );
        (count > 0).then(|| {
            Problem::warning("invoice-without-payment", message).hint(
                "export payments and invoices for the same dates; invoices that were paid elsewhere can be run by themselves, and a payment without a customer counts as none",
            )
        })
    }
}

fn sum(one: i64, other: &i64) -> i64 {
    one.saturating_add(*other)
}

fn money(amount_cents: i64, like: Money) -> Money {
    Money {
        amount_cents,
        ..like
    }
}

/// Returns how much of what an invoice counts belongs to so much of what was paid for it, rounded half
/// up.
fn share(counts_cents: i64, paid_cents: i64, whole_cents: i64) -> i64 {
    let (part, whole) = (
        i128::from(counts_cents) * i128::from(paid_cents),
        i128::from(whole_cents.max(1)),
    );
    i64::try_from((2 * part + whole).div_euclid(2 * whole)).unwrap_or(i64::MAX)
}

/// What the sale does not say itself.
fn take_over(sale: &mut Event, said: &Event) {
    if sale.plan.is_none() {
        sale.plan.clone_from(&said.plan);
        if let Some(subscription) = &said.details().subscription {
            let mut details = sale.details().clone();
            details.subscription = Some(subscription.clone());
            sale.set_details(details);
        }
    }
    let customer = &mut sale.customer;
    if customer.email.is_none() {
        customer.email.clone_from(&said.customer.email);
    }
    if customer.uid.is_none() {
        customer.uid.clone_from(&said.customer.uid);
    }
}

/// The plans of a job's subscriptions, by the provider's id of the subscription.
#[derive(Debug, Default)]
pub(super) struct Plans(HashMap<Text, Option<Text>>);

impl Plans {
    /// Two plans for one subscription say nothing: it was changed between two exports.
    pub(super) fn add(&mut self, subscription: &str, plan: &str) {
        let known = self
            .0
            .entry(Text::new(subscription))
            .or_insert_with(|| Some(Text::new(plan)));
        if known.as_deref() != Some(plan) {
            *known = None;
        }
    }

    /// Gives events the plan of their subscription, and lets go of the subscription's id.
    pub(super) fn apply(&self, events: &mut Events) {
        for index in 0..events.len() {
            if !events.get(index).has_details() {
                continue;
            }
            let mut details = events.get(index).details();
            let Some(subscription) = details.subscription.take() else {
                continue;
            };
            events.edit(index, |event| {
                if let Some(Some(plan)) = self.0.get(&subscription) {
                    event.plan = Some(plan.clone());
                }
                event.set_details(details);
            });
        }
    }
}
