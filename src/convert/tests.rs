use super::*;
use crate::event::{Customer, Essence, ExportLine, Refunded};
use crate::export::Export;
use crate::journal::Outcome;
use crate::link::{AskedAgain, Found, LinkRules, SaleHistory, link};
use crate::plan::{DateRange, LinkedReadings, plan};
use crate::readings::{ExportOrigins, Readings, identify};
use proptest::prelude::*;

/// Stands in for a journal, in memory, of which everything was sent.
#[derive(Default)]
struct Journal {
    essences: HashMap<EventKey, Essence>,
    refunded: HashMap<EventKey, Refunded>,
    conversions: HashMap<EventKey, Conversion>,
    converted: HashMap<EventKey, ConvertedRefunds>,
}

impl Journal {
    fn record(&mut self, plan: &Plan) {
        for planned in plan.events() {
            let event = planned.event;
            if planned.state != PlanState::ToSend {
                continue;
            }
            self.essences.insert(event.key(), event.essence());
            let conversion = event.original().map(|original| Conversion {
                original,
                sent: event.money.unwrap(),
            });
            if let Some(sale) = event.sale_event_id.map(EventKey::from_id) {
                let read = event.read_money().unwrap().amount_cents;
                let refunded = self.refunded.entry(sale).or_default();
                refunded.cents += read;
                refunded.gross_cents += event.paid_cents().unwrap();
                if let Some(conversion) = &conversion {
                    let sums = self.converted.entry(sale).or_default();
                    sums.original_cents += read;
                    sums.sent_cents += conversion.sent.amount_cents;
                }
            }
            if let Some(conversion) = conversion {
                self.conversions.insert(event.key(), conversion);
            }
        }
    }
}

impl SaleHistory for Journal {
    fn essence(&self, key: EventKey) -> Option<Essence> {
        self.essences.get(&key).copied()
    }
    fn refunded(&self, sale: EventKey) -> Refunded {
        self.refunded.get(&sale).copied().unwrap_or_default()
    }
    fn outcome(&self, key: EventKey) -> Option<Outcome> {
        self.essences.get(&key).map(|_| Outcome::Tracked)
    }
}

impl History for Journal {
    fn conversion(&self, key: EventKey) -> Option<&Conversion> {
        self.conversions.get(&key)
    }
    fn converted_refunds(&self, sale: EventKey) -> ConvertedRefunds {
        self.converted.get(&sale).copied().unwrap_or_default()
    }
}

fn currency(code: &str) -> Currency {
    Currency::from_code(code).unwrap()
}

fn event(kind: Kind, id: &str, cents: i64, code: &str, date: &str) -> Event {
    let customer = Customer::new(Some("a@example.com"), None);
    let mut event = Event::new(kind, id.into(), customer, ExportLine { input: 0, line: 2 });
    event.money = Some(Money {
        amount_cents: cents,
        currency: currency(code),
    });
    event.created_at = Some(format!("{date}T12:00:00Z").parse().unwrap());
    event
}

fn sale(id: &str, cents: i64, code: &str) -> Event {
    event(Kind::Sale, id, cents, code, "2026-03-02")
}

fn refund(id: &str, sale: &str, cents: i64, code: &str) -> Event {
    let mut refund = event(Kind::Refund, id, cents, code, "2026-03-09");
    refund.sale_event_id = Some(sale.into());
    refund
}

fn rates(rows: &str) -> Foreign {
    let text = format!("date,currency,rate\n{rows}");
    let export = Export::from_bytes("rates.csv", text.into_bytes()).unwrap();
    Foreign::Convert(ExchangeRates::read(export, currency("USD")).unwrap())
}

fn euros() -> Foreign {
    rates("2026-03-01,EUR,1.0834\n2026-03-09,EUR,2\n")
}

fn planned(
    mut events: Vec<Event>,
    foreign: &Foreign,
    history: &dyn History,
) -> (Plan, Vec<Problem>) {
    for (index, event) in events.iter_mut().enumerate() {
        event.source = Some(ExportLine {
            input: 0,
            line: 2 + index as u64,
        });
    }
    let account = currency("USD");
    let mut events: Events = events.into_iter().collect();
    let mut origins = ExportOrigins::default();
    origins.add_input("x.csv", "mine");
    let identified = identify(&mut events, history);
    let mut readings = Readings::new(&events, &identified, &origins);
    readings.join(&mut events, &origins);
    let asked_again = AskedAgain::new(&events, history);
    let mut links = link(
        &mut events,
        history,
        &LinkRules::default(),
        Found {
            shared: &identified.shared,
            asked_again: &asked_again,
            looked_at: &std::collections::HashSet::new(),
        },
    );
    let seen = convert(
        &mut events,
        &mut links,
        CurrencyRules { foreign, account },
        history,
        &asked_again,
    );
    let linked = LinkedReadings {
        links,
        asked_again: &asked_again,
        range: &DateRange::default(),
        in_account: Default::default(),
        account: None,
        readings,
    };
    let plan = plan(events, linked, history, &origins);
    assert!(plan.is_balanced());
    let problems = seen.problems(&plan, foreign, account, &Decimals::default());
    (plan, problems)
}

/// Returns lines of `id: amount state`, in the order of the ids.
fn lines(plan: &Plan) -> Vec<String> {
    let mut lines: Vec<String> = plan
        .events()
        .map(|planned| {
            let event = planned.event;
            let money = event.money.unwrap();
            format!("{}: {money} {}", event.event_id(), planned.state)
        })
        .collect();
    lines.sort();
    lines
}

fn codes(problems: &[Problem]) -> Vec<&str> {
    problems
        .iter()
        .map(|problem| problem.code.as_str())
        .collect()
}

#[test]
fn a_refund_reverses_its_share_of_the_sale_and_not_the_rate_of_its_own_day() {
    let events = vec![
        sale("s1", 2000, "EUR"),
        refund("r1", "s1", 700, "EUR"),
        refund("r2", "s1", 1300, "EUR"),
        refund("r2", "s1", 1300, "EUR"),
        sale("s2", 2000, "USD"),
    ];
    let (plan, problems) = planned(events, &euros(), &Journal::default());
    assert_eq!(
        lines(&plan),
        [
            "r1: 7.58 USD to_send",
            "r2: 14.09 USD duplicate",
            "r2: 14.09 USD to_send",
            "s1: 21.67 USD to_send",
            "s2: 20.00 USD to_send",
        ]
    );
    let note = |id: &str| {
        let found = plan.events().find(|planned| planned.event.event_id() == id);
        found.unwrap().event.note.to_string()
    };
    assert_eq!(note("s1"), "20.00 EUR at 1.0834 of 2026-03-01");
    assert!(
        note("r1").ends_with("; 7.00 EUR at 1.0834 of 2026-03-01"),
        "{}",
        note("r1")
    );
    let messages: Vec<&str> = problems.iter().map(|p| p.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "1 sale, 20.00 EUR: sent as 1 sale, 21.67 USD",
            "2 refunds, 20.00 EUR: sent as 2 refunds, 21.67 USD",
        ]
    );
}

#[test]
fn what_has_no_rate_is_held_with_its_refunds() {
    let mut undated = sale("s3", 100, "EUR");
    undated.created_at = None;
    let events = vec![
        sale("s1", 2000, "GBP"),
        refund("r1", "s1", 700, "GBP"),
        event(Kind::Sale, "s2", 100, "EUR", "2026-02-28"),
        undated,
        sale("s4", 1, "JPY"),
    ];
    let foreign = rates("2026-03-01,EUR,1.0834\n2026-03-01,JPY,0.0001\n");
    let (plan, problems) = planned(events, &foreign, &Journal::default());
    assert_eq!(
        lines(&plan),
        [
            "r1: 7.00 GBP unlinked",
            "s1: 20.00 GBP unlinked",
            "s2: 1.00 EUR unlinked",
            "s3: 1.00 EUR unlinked",
            "s4: 1 JPY unlinked",
        ]
    );
    let why: Vec<&str> = plan.problems.iter().map(|p| p.message.as_str()).collect();
    assert_eq!(
        why,
        [
            "sale `s1`: the rates file has no rate for GBP",
            "refund `r1`: its sale is held",
            "sale `s2`: the rates file has no rate for EUR on 2026-02-28: its first is of 2026-03-01",
            "sale `s3`: it has no date, so no rate of EUR can be chosen",
            "sale `s4`: at 0.0001 it is less than the smallest amount of USD",
        ]
    );
    assert_eq!(codes(&problems), ["currency-held"]);
    assert_eq!(
        codes(&plan.problems),
        [
            "currency-held",
            "refund-unlinked",
            "currency-held",
            "currency-held",
            "currency-held"
        ]
    );
}

#[test]
fn what_was_sent_is_kept_whatever_the_rates_and_the_setting_say_later() {
    let mut journal = Journal::default();
    let (first, _) = planned(vec![sale("s1", 2000, "EUR")], &euros(), &journal);
    journal.record(&first);
    let now = || vec![sale("s1", 2000, "EUR"), refund("r1", "s1", 1000, "EUR")];
    let expected = ["r1: 10.84 USD to_send", "s1: 21.67 USD settled"];

    let (same, problems) = planned(now(), &euros(), &journal);
    assert_eq!(lines(&same), expected);
    assert_eq!(codes(&problems), ["currency-converted"]);

    let (mended, problems) = planned(now(), &rates("2026-03-01,EUR,1.1\n"), &journal);
    assert_eq!(lines(&mended), expected);
    assert_eq!(codes(&problems), ["currency-converted", "rate-changed"]);

    let (send, _) = planned(now(), &Foreign::Send, &journal);
    assert_eq!(lines(&send), expected);
    let (hold, _) = planned(now(), &Foreign::Hold, &journal);
    assert_eq!(
        lines(&hold),
        ["r1: 10.00 EUR unlinked", "s1: 21.67 USD settled"]
    );

    // Without the sale's row, too.
    let (alone, _) = planned(vec![refund("r1", "s1", 1000, "EUR")], &euros(), &journal);
    assert_eq!(lines(&alone), ["r1: 10.84 USD to_send"]);
    // Another amount in the export is another event.
    let (other, _) = planned(vec![sale("s1", 2500, "EUR")], &euros(), &journal);
    assert_eq!(lines(&other), ["s1: 25.00 EUR conflict"]);
}

#[test]
fn what_was_sent_unconverted_is_refunded_unconverted() {
    let mut journal = Journal::default();
    let (first, problems) = planned(vec![sale("s1", 2000, "EUR")], &Foreign::Send, &journal);
    assert_eq!(lines(&first), ["s1: 20.00 EUR to_send"]);
    assert_eq!(codes(&problems), ["currency-sent"]);
    journal.record(&first);
    let now = vec![sale("s1", 2000, "EUR"), refund("r1", "s1", 1000, "EUR")];
    let (later, problems) = planned(now, &euros(), &journal);
    assert_eq!(
        lines(&later),
        ["r1: 10.00 EUR to_send", "s1: 20.00 EUR settled"]
    );
    assert_eq!(codes(&problems), ["currency-sent"]);
}

#[test]
fn a_refund_with_two_amounts_stays_a_conflict() {
    let here = vec![
        sale("s1", 2000, "EUR"),
        refund("r1", "s1", 700, "EUR"),
        refund("r1", "s1", 600, "EUR"),
    ];
    let (plan, _) = planned(here, &euros(), &Journal::default());
    assert_eq!(plan.tallies()[&PlanState::Conflict].count(), 2);

    let mut journal = Journal::default();
    let sent = vec![sale("s1", 2000, "EUR"), refund("r1", "s1", 700, "EUR")];
    journal.record(&planned(sent, &euros(), &journal).0);
    let (plan, _) = planned(vec![refund("r1", "s1", 600, "EUR")], &euros(), &journal);
    assert_eq!(lines(&plan), ["r1: 6.00 EUR conflict"]);
}

#[test]
fn rates_that_are_much_older_than_the_sale_are_named() {
    let old = vec![event(Kind::Sale, "s1", 100, "EUR", "2026-06-01")];
    let (_, problems) = planned(old, &euros(), &Journal::default());
    assert_eq!(codes(&problems), ["currency-converted", "rate-old"]);
}

#[test]
fn a_job_in_the_accounts_currency_has_nothing_said() {
    let (_, problems) = planned(vec![sale("s1", 100, "USD")], &euros(), &Journal::default());
    assert_eq!(codes(&problems), Vec::<&str>::new());
}

proptest! {
    /// However a sale is refunded, in one run or in many: all of it is reversed, to the cent.
    #[test]
    fn refunds_of_a_whole_sale_reverse_it(
        parts in prop::collection::vec((1_i64..100_000, any::<bool>()), 1..12),
        rate in 1_000_i64..5_000_000,
    ) {
        let foreign = rates(&format!("2026-03-01,EUR,{}.{:06}\n", rate / 1_000_000, rate % 1_000_000));
        let whole: i64 = parts.iter().map(|(cents, _)| cents).sum();
        let mut journal = Journal::default();
        let mut events = vec![sale("s1", whole, "EUR")];
        let mut sent = Vec::new();
        let mut sent_sale = None;
        for (number, (cents, ends_run)) in parts.iter().enumerate() {
            events.push(refund(&format!("r{number:02}"), "s1", *cents, "EUR"));
            if *ends_run || number + 1 == parts.len() {
                let (plan, _) = planned(std::mem::take(&mut events), &foreign, &journal);
                for planned in plan.events().filter(|planned| planned.state == PlanState::ToSend) {
                    let money = planned.event.money.unwrap();
                    match planned.event.kind {
                        Kind::Sale => sent_sale = Some(money.amount_cents),
                        _ => sent.push(money.amount_cents),
                    }
                }
                journal.record(&plan);
            }
        }
        let Some(sale_cents) = sent_sale else {
            // Less than a cent in all.
            return Ok(());
        };
        prop_assert!(sent.iter().all(|cents| *cents > 0));
        if sent.len() == parts.len() {
            prop_assert_eq!(sent.iter().sum::<i64>(), sale_cents);
        } else {
            // A part of less than a cent is held, and the others never reverse more than all.
            prop_assert!(sent.iter().sum::<i64>() <= sale_cents);
        }
    }
}
