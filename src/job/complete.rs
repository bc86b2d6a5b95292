//! Completes the events of one export with what another says.
//!
//! An export of invoices says what of a payment counts, before tax and after discounts; an export of
//! subscriptions says their plans. Both are found by ids that the exports share, never by dates, amounts or
//! customers. What an earlier run learned of them is in the journal and counts as if it were in this call, so
//! that it does not matter how exports are split over calls.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::event::{
    Essence, Event, EventKey, EventRef, Events, KeyMap, Kind, Money, Tally, Text, share_cents,
};
use crate::link::SaleHistory;
use crate::plan::History;
use crate::problem::{Problem, ProblemCode};
use crate::profile::Profile;
use crate::readings::ExportOrigins;

/// The reason why a row of a completing export is not an event of its own.
pub(super) const COMPLETED: &str = "merged into its payment";
/// The reason why a row of a completing export does not count.
pub(super) const WITHOUT_PAYMENT: &str = "its payment is in none of these exports";

/// Holds the sales of a job that other exports may complete.
#[derive(Debug, Default)]
pub(super) struct Sales {
    by_key: HashMap<EventKey, usize>,
    without_payment: Tally,
}

/// Reports what was done with a sale of a completing export.
#[derive(Debug)]
pub(super) enum Completion {
    /// It completes a sale of the job.
    Done,
    /// The job has no such sale.
    NoSale,
    /// It contradicts the sale of the job, and has to be an event beside it so that the conflict is reported.
    Contradiction(Box<Event>),
}

impl Sales {
    /// Returns the sales among `events` from the inputs for which `of_input` holds; of several readings of
    /// one the first.
    pub(super) fn from_events(events: &Events, of_input: impl Fn(usize) -> bool) -> Self {
        let mut sales = Sales::default();
        for (index, event) in events.iter().enumerate() {
            if event.kind == Kind::Sale && of_input(event.source.input) {
                sales.by_key.entry(event.key()).or_insert(index);
            }
        }
        sales
    }

    /// Completes the sale with the id of an invoice by what the invoice says.
    pub(super) fn complete(
        &mut self,
        events: &Events,
        invoices: &mut Invoices,
        mut said: Event,
    ) -> Completion {
        let Some(&index) = self.by_key.get(&said.key()) else {
            self.without_payment.add(said.kind, said.money);
            invoices.add(&said);
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
            // Their amounts agree.
            said.gross_cents = Some(paid.amount_cents);
            return Completion::Contradiction(Box::new(said));
        }
        if invoices.add(&said) {
            Completion::Done
        } else {
            Completion::Contradiction(Box::new(said))
        }
    }

    /// Reports what was said of payments that are in no export of the job.
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
            "paid invoices without a payment in these exports, for which no sale was created: {count} ({})",
            amounts.join(", ")
        );
        (count > 0).then(|| {
            Problem::warning(ProblemCode::InvoiceWithoutPayment, message).hint(
                "export payments and invoices for the same dates; invoices that were paid elsewhere can be run by themselves, and a payment without a customer counts as none",
            )
        })
    }
}

/// Holds what the invoices of a job say, by their ids.
#[derive(Debug, Default)]
pub(super) struct Invoices {
    said: Events,
    by_key: KeyMap<usize>,
}

impl Invoices {
    /// Adds what an invoice says; returns `false` if another row says something else of it.
    pub(super) fn add(&mut self, said: &Event) -> bool {
        match self.by_key.entry(said.key()) {
            Entry::Occupied(known) => {
                let known = self.said.get(*known.get());
                known.money == said.money && known.gross_cents == said.gross_cents
            }
            Entry::Vacant(place) => {
                place.insert(self.said.len());
                self.said.push(said);
                true
            }
        }
    }

    /// Returns what the invoice with this id says.
    fn get(&self, invoice: EventKey) -> Option<EventRef<'_>> {
        let index = self.by_key.get(&invoice)?;
        Some(self.said.get(*index))
    }

    /// Returns `true` if an invoice with this id is among them.
    pub(super) fn has(&self, invoice: EventKey) -> bool {
        self.by_key.contains_key(&invoice)
    }

    /// Returns what all of them say.
    pub(super) fn said(&self) -> &Events {
        &self.said
    }

    /// Returns what all of them say, for later calls.
    pub(super) fn into_said(self) -> Events {
        self.said
    }
}

/// Holds which kinds of export complete the sales of a job's inputs.
#[derive(Debug, Default)]
pub(super) struct Completions {
    /// The profiles that are known.
    known: HashSet<Text>,
    /// The inputs in their order.
    inputs: Vec<CompletionsOfInput>,
}

/// Holds which other kinds of export have to do with the sales of an input, by the names of the profiles.
#[derive(Debug)]
struct CompletionsOfInput {
    profile: Text,
    /// The profiles that complete the sales of this input.
    completed_by: Vec<Text>,
    /// The profiles with the sales that this input completes.
    completes: Vec<Text>,
}

impl Completions {
    /// Finds which of the profiles `known` complete the sales that `inputs` read.
    pub(super) fn new<'p>(
        inputs: impl Iterator<Item = &'p Profile>,
        known: impl Iterator<Item = &'p Profile>,
    ) -> Self {
        let known: Vec<&Profile> = known.collect();
        let inputs = inputs.map(|input| {
            let name = |profile: &&&Profile| Text::new(&profile.name);
            let completing = known.iter().filter(|other| other.completes(input));
            let completed = known.iter().filter(|other| input.completes(other));
            CompletionsOfInput {
                profile: Text::new(&input.name),
                completed_by: completing.map(|other| name(&other)).collect(),
                completes: completed.map(|other| name(&other)).collect(),
            }
        });
        Completions {
            inputs: inputs.collect(),
            known: known.iter().map(|known| Text::new(&known.name)).collect(),
        }
    }

    /// Returns, for each input, whether the job uses exports that complete its sales: now or in an earlier
    /// run, and whether they had any row that counts or not.
    fn in_use(&self, history: &dyn History) -> Vec<bool> {
        let is_in_call = |name: &Text| self.inputs.iter().any(|input| input.profile == *name);
        let read = history.profiles_read();
        let is_read = |name: &Text| read.iter().any(|read| *name == **read);
        // Nobody knows by now what such a profile completed.
        let is_unknown = |read: &String| !self.known.contains(read.as_str());
        let is_unclear = history.has_invoices() && read.iter().any(is_unknown);
        let inputs = self.inputs.iter().map(|input| {
            let mut names = input.completed_by.iter();
            names.any(|name| is_in_call(name) || is_read(name) || is_unclear)
        });
        inputs.collect()
    }

    /// Returns `true` if an input completes the sales of other kinds of export.
    pub(super) fn is_completing(&self, input: usize) -> bool {
        !self.inputs[input].completes.is_empty()
    }

    /// Finds the invoices that are sales of the job by themselves, and whose payments earlier runs hold: these
    /// say whose the sales are, and in how many parts they were paid.
    pub(super) fn waiting_for_payments(
        &self,
        events: &Events,
        history: &dyn History,
    ) -> HeldPayments {
        let mut waiting = HeldPayments::new();
        if self.inputs.iter().all(|input| input.completes.is_empty()) {
            return waiting;
        }
        for (index, event) in events.iter().enumerate() {
            let input = &self.inputs[event.source.input];
            if event.kind != Kind::Sale || history.essence(event.key()).is_some() {
                continue;
            }
            let mut held = history.held_sales(event.key()).iter().rev();
            if let Some(payment) = held.find(|held| input.completes.contains(&held.profile)) {
                let place = format!("{}:{}", payment.path, payment.line);
                let reason = format!("an earlier run holds its payment, of {place}");
                waiting.push((index, reason));
            }
        }
        waiting
    }
}

/// The reasons why payments are held because of their invoices, by the indexes of their events.
pub(super) type HeldPayments = Vec<(usize, String)>;

/// Sets what every payment counts by its invoice, and finds the payments for which no invoice says it.
///
/// If the job uses exports of invoices for those of its payments, now or in an earlier run, a payment that names
/// an invoice is held until that is known.
pub(super) fn complete(
    events: &mut Events,
    invoices: &Invoices,
    history: &dyn History,
    origins: &ExportOrigins,
    completions: &Completions,
) -> HeldPayments {
    let mut held = HeldPayments::new();
    let is_completed = completions.in_use(history);
    if !is_completed.contains(&true) {
        return held;
    }
    let mut payments: BTreeMap<EventKey, Vec<usize>> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        if event.kind == Kind::Sale && is_completed[event.source.input] {
            payments.entry(event.key()).or_default().push(index);
        }
    }
    for (key, readings) in payments {
        let here = invoices.get(key).map(|said| {
            let place = origins.place(said);
            (said.to_event(), place)
        });
        let said =
            here.or_else(|| Some((history.invoice(key)?.clone(), "an earlier run".to_owned())));
        match said {
            Some((said, place)) => {
                let payments = InvoicePayments::new(&readings, events, history);
                if let Err(reason) = payments.share_out(events, &said, &place) {
                    held.extend(readings.iter().map(|&reading| (reading, reason.clone())));
                }
            }
            None => held.extend(readings.iter().filter_map(|&reading| {
                Some((reading, missing_invoice(events.get(reading), history)?))
            })),
        }
    }
    held
}

/// Returns why a payment waits for its invoice; `None` if it names none, or was recorded before.
fn missing_invoice(event: EventRef<'_>, history: &dyn History) -> Option<String> {
    let recorded = history.essence(event.key());
    let is_recorded = match event.reference {
        Some(reference) if event.is_distinguished_by_reference => {
            recorded.is_some_and(|recorded| recorded.has_reference(reference))
                || history.essence(EventKey::from_id(reference)).is_some()
        }
        _ if event.is_named_by_shared_id_alone => recorded.is_some(),
        _ => return None,
    };
    let invoice = event.event_id();
    (!is_recorded).then(|| {
        format!(
            "its invoice `{invoice}` is neither in these exports, as a paid one, nor known from an earlier run, but decides how much of the payment counts"
        )
    })
}

/// Holds the payments of one invoice.
struct InvoicePayments {
    /// The readings of each payment, in the order of the first of them.
    of_job: Vec<Vec<usize>>,
    /// The amount that earlier runs recorded as paid of the invoice, beside these, in minor units.
    recorded_cents: i64,
}

impl InvoicePayments {
    fn new(readings: &[usize], events: &Events, history: &dyn History) -> Self {
        let mut of_job: Vec<Vec<usize>> = Vec::new();
        for &reading in readings {
            let reference = events.get(reading).reference;
            let known = of_job
                .iter_mut()
                .find(|payment| events.get(payment[0]).reference == reference);
            match known {
                Some(payment) => payment.push(reading),
                None => of_job.push(vec![reading]),
            }
        }
        join_unnamed(&mut of_job, events);
        of_job.sort_by_cached_key(|payment| {
            let event = events.get(payment[0]);
            (event.created_at, event.reference.map(Text::new))
        });
        let recorded_cents = recorded_cents(events.get(readings[0]), &of_job, events, history);
        InvoicePayments {
            of_job,
            recorded_cents,
        }
    }

    /// Gives each payment its share of what the invoice counts. The shares are differences of rounded
    /// running sums, so that all payments together count all of it.
    fn share_out(&self, events: &mut Events, said: &Event, place: &str) -> Result<(), String> {
        let Some(counts) = said.money else {
            return Ok(());
        };
        let paid = self.of_job.iter().map(|payment| {
            let paid = events.get(payment[0]).money;
            paid.filter(|paid| paid.currency == counts.currency)
                .map(|paid| paid.amount_cents)
        });
        // If one is in another currency, the conflict says so.
        let Some(paid) = paid.collect::<Option<Vec<i64>>>() else {
            return Ok(());
        };
        let sum = paid
            .iter()
            .fold(self.recorded_cents, |sum, &cents| sum.saturating_add(cents));
        // An export may say what counts and not what was paid in all. If there is one payment, that is it.
        let is_one = self.of_job.len() == 1 && self.recorded_cents == 0;
        let whole_cents = match said.gross_cents {
            Some(whole_cents) => whole_cents,
            None if is_one => sum.max(counts.amount_cents),
            None => counts.amount_cents,
        };
        if sum != whole_cents {
            let (sum, whole) = (money(sum, counts), money(whole_cents, counts));
            return Err(format!(
                "its invoice says that {whole} was paid ({place}), but its payments add up to {sum}"
            ));
        }
        let share = |paid_cents: i64| {
            share_cents(counts.amount_cents, paid_cents, whole_cents).unwrap_or(i64::MAX)
        };
        let mut so_far = self.recorded_cents;
        for (payment, paid_cents) in self.of_job.iter().zip(paid) {
            let before = share(so_far);
            so_far += paid_cents;
            let cents = share(so_far) - before;
            for &reading in payment {
                events.edit(reading, |sale| {
                    count(sale, money(cents, counts), place);
                    take_over(sale, said);
                });
            }
        }
        Ok(())
    }
}

/// Takes readings that name the invoice alone for readings of its one payment of the same amount. Of several
/// such payments, nothing says which it is.
fn join_unnamed(payments: &mut Vec<Vec<usize>>, events: &Events) {
    let is_unnamed = |payment: &Vec<usize>| events.get(payment[0]).is_named_by_shared_id_alone;
    let paid = |payment: &Vec<usize>| events.get(payment[0]).paid_cents();
    let unnamed = payments.iter().position(is_unnamed);
    if let (Some(unnamed), 2) = (unnamed, payments.len())
        && paid(&payments[0]) == paid(&payments[1])
    {
        let readings = payments.remove(unnamed);
        payments[0].extend(readings);
    }
}

/// Returns what earlier runs recorded as paid of the invoice of this payment by others than those.
fn recorded_cents(
    of: EventRef<'_>,
    payments: &[Vec<usize>],
    events: &Events,
    history: &dyn History,
) -> i64 {
    let references: Vec<&str> = payments
        .iter()
        .filter_map(|payment| events.get(payment[0]).reference)
        .collect();
    // A reading that names the invoice alone is of the payment that has the invoice's id.
    let mut unnamed = payments.iter().map(|payment| events.get(payment[0]));
    let mut is_read_again = |first: &Essence| {
        unnamed.any(|payment| {
            payment.is_named_by_shared_id_alone && payment.paid_cents() == first.paid_cents()
        })
    };
    let first = history.essence(of.key()).filter(|first| {
        first.has_any_reference()
            && !references.iter().any(|id| first.has_reference(id))
            && !is_read_again(first)
    });
    let further_ids = history.further_payments(of.key());
    let further = further_ids
        .iter()
        .filter(|id| !references.contains(&id.as_str()))
        .filter_map(|id| history.essence(EventKey::from_id(id)));
    first
        .into_iter()
        .chain(further)
        .filter_map(|recorded| recorded.paid_cents())
        .fold(0, i64::saturating_add)
}

/// Sets how much of what was paid for a sale counts.
fn count(sale: &mut Event, counts: Money, place: &str) {
    let paid = sale.money.expect("each sale has an amount");
    if counts.amount_cents != paid.amount_cents && sale.gross_cents.is_none() {
        sale.gross_cents = Some(paid.amount_cents);
        sale.money = Some(counts);
        sale.remark(&format!("{paid} was paid, {counts} of it counts: {place}"));
    }
}

fn money(amount_cents: i64, like: Money) -> Money {
    Money {
        amount_cents,
        ..like
    }
}

/// Copies what the sale does not say itself.
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

/// Holds the plans of a job's subscriptions, by the provider's id of the subscription.
#[derive(Debug, Default)]
pub(super) struct SubscriptionPlans(HashMap<Text, Option<Text>>);

impl SubscriptionPlans {
    /// Adds the plan of a subscription. Two plans for one subscription say nothing: it was changed between
    /// two exports.
    pub(super) fn add(&mut self, subscription: &str, plan: &str) {
        let known = self
            .0
            .entry(Text::new(subscription))
            .or_insert_with(|| Some(Text::new(plan)));
        if known.as_deref() != Some(plan) {
            *known = None;
        }
    }

    /// Gives events the plan of their subscription, as these exports or earlier runs know it, and removes the
    /// subscription's id. Returns the places of sales that are left without a plan, with their subscriptions.
    pub(super) fn apply(
        &self,
        events: &mut Events,
        earlier: &dyn SaleHistory,
    ) -> Vec<(usize, Text)> {
        let mut unplanned = Vec::new();
        for index in 0..events.len() {
            if !events.has_details(index) {
                continue;
            }
            let mut details = events.get(index).details();
            let Some(subscription) = details.subscription.take() else {
                continue;
            };
            let plan = match self.0.get(&subscription) {
                Some(plan) => plan.clone(),
                None => earlier.plan_of(&subscription),
            };
            if plan.is_none() && events.kind(index) == Kind::Sale {
                unplanned.push((index, subscription));
            }
            events.edit(index, |event| {
                event.plan = plan.or_else(|| event.plan.take());
                event.set_details(details);
            });
        }
        unplanned
    }

    /// Returns the subscriptions with the plans that these exports have.
    pub(super) fn into_known(self) -> Vec<(Text, Text)> {
        let known = self.0.into_iter();
        known
            .filter_map(|(subscription, plan)| Some((subscription, plan?)))
            .collect()
    }

    /// Returns `true` if these exports say anything of a subscription.
    pub(super) fn has(&self, subscription: &str) -> bool {
        self.0.contains_key(subscription)
    }
}
