//! A simulated import, against a model that is written here: commissions, dates, paid marks and, with version 1, the
//! dates of leads in the sandbox are the model's to the cent. `FPRECON_HISTORY_EVENTS` says how many events there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::support::{KEY, Place, Ran, SandboxProcess};

const EVENTS: usize = 2000;
const UNTIL: &str = "2025-06-30";

/// How the sales are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    V1,
    TrackingCallsOfV2,
    CommissionsOfV2,
}

/// What a promoter gets of a sale.
#[derive(Clone, Copy)]
enum Rate {
    Percent(i64),
    Cents(i64),
}

/// Promoters, their rates, and whether customers of theirs bought after the day until which all was paid.
const PROMOTERS: [(&str, Rate, bool); 4] = [
    ("nora", Rate::Percent(20), true),
    ("omar", Rate::Percent(30), false),
    ("pia", Rate::Cents(1000), true),
    ("quin", Rate::Percent(15), false),
];

/// What the account should have of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Expected {
    cents: i64,
    promoter: &'static str,
    at: Timestamp,
    is_sale: bool,
}

struct Model {
    export: String,
    leads: String,
    expected: BTreeMap<String, Expected>,
    /// The dates of the leads' first sales, by their emails.
    first_sales: BTreeMap<String, Timestamp>,
}

/// Returns the half cent up.
fn rounded(numerator: i64, denominator: i64) -> i64 {
    (2 * numerator + denominator).div_euclid(2 * denominator)
}

impl Model {
    fn new(events: usize, seed: u64) -> Self {
        let mut draws = fastrand::Rng::with_seed(seed);
        let mut model = Model {
            export: "kind,event_id,sale_event_id,email,amount,currency,created_at\n".to_owned(),
            leads: "email,promoter\n".to_owned(),
            expected: BTreeMap::new(),
            first_sales: BTreeMap::new(),
        };
        let begin: Timestamp = "2023-01-01T00:00:00Z".parse().unwrap();
        let until: Timestamp = "2025-07-01T00:00:00Z".parse().unwrap();
        let end: Timestamp = "2025-12-31T00:00:00Z".parse().unwrap();
        let (mut number, mut customer) = (0, 0);
        while number < events {
            customer += 1;
            let email = format!("customer{customer}@example.com");
            let promoter =
                (draws.u8(0..10) < 7).then(|| PROMOTERS[draws.usize(0..PROMOTERS.len())]);
            if let Some((name, ..)) = promoter {
                writeln!(model.leads, "{email},{name}").unwrap();
            }
            let last = if promoter.is_none_or(|own| own.2) {
                end
            } else {
                until
            };
            let seconds = last.duration_since(begin).as_secs() - 40 * 86_400;
            for _ in 0..draws.usize(1..6) {
                number += 1;
                let at = begin + SignedDuration::from_secs(draws.i64(0..seconds));
                let sold = draws.i64(100..50_000);
                let commission = promoter.map(|(_, rate, _)| match rate {
                    Rate::Percent(percent) => rounded(sold * percent, 100),
                    Rate::Cents(cents) => cents,
                });
                let id = format!("in_{number}");
                model.add("sale", &id, "", (&email, sold, at));
                model.expect(&id, promoter, commission, at, true);
                if promoter.is_some() {
                    let first = model.first_sales.entry(email.clone()).or_insert(at);
                    *first = at.min(*first);
                }
                if draws.u8(0..100) < 15 {
                    number += 1;
                    let back = draws.i64(1..=sold);
                    let at = at + SignedDuration::from_secs(draws.i64(60..30 * 86_400));
                    let refund = format!("re_{number}");
                    model.add("refund", &refund, &id, (&email, back, at));
                    // What is earned by a rate is taken back by it; of a fixed sum, a part.
                    let part = promoter.map(|(_, rate, _)| match rate {
                        Rate::Percent(percent) => -rounded(back * percent, 100),
                        Rate::Cents(cents) => -rounded(back * cents, sold),
                    });
                    model.expect(&refund, promoter, part, at, false);
                }
            }
        }
        model
    }

    fn add(&mut self, kind: &str, id: &str, sale: &str, of: (&str, i64, Timestamp)) {
        let (email, cents, at) = of;
        let amount = format!("{}.{:02}", cents / 100, cents % 100);
        writeln!(self.export, "{kind},{id},{sale},{email},{amount},USD,{at}").unwrap();
    }

    fn expect(
        &mut self,
        id: &str,
        promoter: Option<(&'static str, Rate, bool)>,
        cents: Option<i64>,
        at: Timestamp,
        is_sale: bool,
    ) {
        if let (Some((promoter, ..)), Some(cents)) = (promoter, cents) {
            let expected = Expected {
                cents,
                promoter,
                at,
                is_sale,
            };
            self.expected.insert(id.to_owned(), expected);
        }
    }

    /// The events whose commissions should be paid.
    fn paid(&self, way: Way) -> BTreeSet<&str> {
        let until: Timestamp = "2025-07-01T00:00:00Z".parse().unwrap();
        // A payout of version 1 pays all of a promoter.
        let later = self.expected.values().filter(|own| own.at >= until);
        let later: BTreeSet<&str> = later.map(|own| own.promoter).collect();
        let all = self
            .expected
            .iter()
            .filter(|(_, own)| own.at < until && (way != Way::V1 || !later.contains(own.promoter)));
        all.map(|(id, _)| id.as_str()).collect()
    }
}

fn start() -> String {
    let promoters = PROMOTERS.iter().map(|(name, rate, _)| {
        let rate = match rate {
            Rate::Percent(percent) => format!("commission_percent = {percent}"),
            Rate::Cents(cents) => format!("commission_cents = {cents}"),
        };
        format!("[[promoter]]\nref_id = \"{name}\"\n{rate}\n")
    });
    promoters.collect()
}

fn simulate(way: Way) {
    let events = std::env::var("FPRECON_HISTORY_EVENTS");
    let events = events.map_or(EVENTS, |events| events.parse().unwrap());
    let model = Model::new(events, 23);
    let place = Place::new();
    place.write("a.csv", &model.export);
    place.write("start.toml", &start());
    place.write("leads.csv", &model.leads);
    let files = [place.path("start.toml"), place.path("leads.csv")];
    let options = files.map(|file| file.to_str().unwrap().to_owned());
    let sandbox = SandboxProcess::start(&["--start", &options[0], "--start", &options[1]]);
    let run = |arguments: &[&str], code: i32| -> Value {
        let mut command = match way {
            Way::V1 => place.command_to(&sandbox, arguments),
            _ => place.command_to_v2(&sandbox, arguments),
        };
        if way == Way::CommissionsOfV2 {
            command.env("FPRECON_HISTORY", "commissions");
        }
        Ran(command.output().unwrap()).expect(code).json()
    };
    let today = Timestamp::now().to_string();
    run(&["run", "a.csv", "--yes", "--json"], 0);
    let is_left = i32::from(way == Way::V1);
    let arguments = ["history", "mark-paid", "--until", UNTIL, "--yes", "--json"];
    let printed = run(&arguments, is_left);

    let commissions = sandbox.get("/sandbox/commissions");
    let commissions = commissions.as_array().unwrap();
    assert_eq!(commissions.len(), model.expected.len(), "{way:?}");
    let mut paid = BTreeSet::new();
    for own in commissions {
        let id = own["event_id"].as_str().unwrap();
        let expected = &model.expected[id];
        assert_eq!(own["commission_cents"], expected.cents, "{way:?} {id}");
        assert_eq!(own["promoter"], expected.promoter, "{way:?} {id}");
        let at = own["created_at"].as_str().unwrap();
        let dated = expected.at.to_string();
        match (way, expected.is_sale) {
            (Way::V1, _) => assert_eq!(at[..19], dated[..19], "{way:?} {id}"),
            (Way::CommissionsOfV2, true) => assert_eq!(at[..10], dated[..10], "{way:?} {id}"),
            _ => assert!(at[..10] >= today[..10], "{way:?} {id}: {at}"),
        }
        if own["is_paid"] == true {
            paid.insert(id);
        }
    }
    let expected = model.paid(way);
    assert_eq!(paid, expected, "{way:?}");
    let sum: i64 = expected.iter().map(|id| model.expected[*id].cents).sum();
    let marked = &printed["commissions"]["marked"];
    assert_eq!(marked["count"], expected.len(), "{way:?}");
    assert_eq!(marked["commission_cents"], sum, "{way:?}");
    assert!(!expected.is_empty() && expected.len() < model.expected.len());
    if way == Way::V1 {
        let printed = run(&["history", "customer-since", "--yes", "--json"], 0);
        assert_eq!(printed["leads"]["set"], model.first_sales.len());
        assert_eq!(printed["leads"].as_object().unwrap().len(), 1);
        expect_customer_since(&model, &sandbox);
    }
}

/// Checks that each lead with a sale is a customer since its first sale.
fn expect_customer_since(model: &Model, sandbox: &SandboxProcess) {
    let mut seen = 0;
    for page in 1.. {
        let path = format!("company/referrals?per_page=100&page={page}");
        let leads = sandbox.list_v2(KEY, &path);
        let leads = leads.as_array().unwrap();
        if leads.is_empty() {
            break;
        }
        for lead in leads {
            let email = lead["email"].as_str().unwrap();
            if let Some(first) = model.first_sales.get(email) {
                assert_eq!(lead["customer_since"], first.to_string(), "{email}");
                seen += 1;
            }
        }
    }
    assert_eq!(seen, model.first_sales.len());
}

#[test]
fn an_import_by_version_1_equals_the_model() {
    simulate(Way::V1);
}

#[test]
fn an_import_by_the_tracking_calls_of_version_2_equals_the_model() {
    simulate(Way::TrackingCallsOfV2);
}

#[test]
fn an_import_by_dated_commissions_of_version_2_equals_the_model() {
    simulate(Way::CommissionsOfV2);
}
