//! Sales and refunds without a date: rejected unless a profile says that this is meant.

use crate::support::Place;
use serde_json::Value;

const TODAY: &str =
    "[exports.mine]\nextends = \"PROFILE\"\n[exports.mine.dates]\nmissing = \"today\"\n";
const STRIPE: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email,Invoice ID\n\
    ch_1,,25.00,0.00,usd,true,Paid,cus_1,ana@example.com,in_1\n\
    ch_2,2026-03-01 10:00:00,30.00,0.00,usd,true,Paid,cus_2,ben@example.com,in_2\n";
const RECURLY: &str = "account_code,transaction_id,type,amount,tax_amount,currency,date,status,test,original_transaction_id,invoice_id,subscription_id\n\
    acc-1,t1,purchase,10.00,0.00,USD,,success,false,,1001,\n\
    acc-2,t2,purchase,10.00,0.00,USD,2026-03-01 10:00:00 UTC,success,false,,1002,\n";

fn plan(place: &Place, export: &str, code: i32) -> Value {
    place.write("x.csv", export);
    place.run(&["plan", "x.csv", "--json"]).expect(code).json()
}

fn codes(plan: &Value) -> Vec<&str> {
    let problems = plan["problems"].as_array().unwrap();
    problems
        .iter()
        .map(|problem| problem["code"].as_str().unwrap())
        .collect()
}

/// What the hints of the rejected rows say, followed to the letter.
#[test]
fn a_sale_without_a_date_is_rejected_unless_the_profile_allows_it() {
    for (profile, export) in [
        ("stripe-payments", STRIPE),
        (
            "generic",
            "kind,event_id,sale_event_id,email,amount,created_at\n\
             sale,s1,,ana@example.com,8.00,\n\
             refund,r1,s2,ben@example.com,4.00,2026-03-02\n\
             sale,s2,,ben@example.com,8.00,2026-03-01\n",
        ),
        ("recurly-transactions", RECURLY),
    ] {
        let place = Place::new();
        let plan_of = plan(&place, export, 1);
        assert_eq!(plan_of["rows"]["rejected"], 1, "{plan_of}");
        assert_eq!(codes(&plan_of), ["date-missing"], "{profile}");
        let hint = plan_of["problems"][0]["hint"].as_str().unwrap();
        assert!(
            hint.contains("set `missing = \"today\"` under `[exports.mine.dates]`"),
            "{hint}"
        );
        assert!(
            hint.contains(&format!("`extends = \"{profile}\"` under `[exports.mine]`")),
            "{hint}"
        );
        place.write("fprecon.toml", &TODAY.replace("PROFILE", profile));
        let allowed = plan(&place, export, 0);
        assert_eq!(allowed["rows"]["rejected"], 0, "{allowed}");
    }
}

#[test]
fn an_export_without_a_column_for_dates_says_so_once() {
    let export = "event_id,email,amount,date\n\
        e1,ana@example.com,5.00,2023-03-01\n\
        e2,ben@example.com,5.00,2023-03-02\n\
        e3,cyd@example.com,5.00,2023-03-03\n";
    let place = Place::new();
    let refused = plan(&place, export, 1);
    assert_eq!(refused["rows"]["rejected"], 3);
    assert_eq!(codes(&refused), ["date-column-missing"]);
    let hint = refused["problems"][0]["hint"].as_str().unwrap();
    assert!(
        hint.contains("`created_at = \"date\"` under `[exports.mine.columns]`"),
        "{hint}"
    );
    place.write(
        "fprecon.toml",
        "[exports.mine]\nextends = \"generic\"\n[exports.mine.columns]\ncreated_at = \"date\"\n",
    );
    let read = plan(&place, export, 0);
    assert_eq!(read["rows"]["with_events"], 3, "{read}");
    place
        .run(&["plan", "x.csv", "--events", "events.csv"])
        .expect(0);
    assert!(
        place.read("events.csv").contains("2023-03-03"),
        "{}",
        place.read("events.csv")
    );
}

/// A rule of the user's own that names no date, and a column that is there only now and then.
#[test]
fn a_rule_that_names_no_date_is_said_once_too() {
    let place = Place::new();
    place.write(
        "fprecon.toml",
        "[exports.kiosk]\ntitle = \"a kiosk\"\nbased_on = \"a test\"\n\
         columns = { id = \"Beleg\", mail = \"Kunde\", sum = \"Summe\" }\ncustomer = { email = \"mail\" }\n\
         [[exports.kiosk.event]]\nkind = \"sale\"\nevent_id = [\"{id}\"]\namount = \"sum\"\n",
    );
    let export = "Beleg,Kunde,Summe,Belegdatum\nB1,ana@example.com,5.00,2026-03-01\nB2,ben@example.com,6.00,2026-03-01\n";
    let refused = plan(&place, export, 1);
    assert_eq!(codes(&refused), ["date-column-missing"]);
    let problem = &refused["problems"][0];
    let message = problem["message"].as_str().unwrap();
    assert!(
        message.contains("the profile names no column for the date of a sale"),
        "{message}"
    );
    let own = place.read("fprecon.toml") + "[exports.kiosk.dates]\nmissing = \"today\"\n";
    place.write("fprecon.toml", &own);
    assert_eq!(plan(&place, export, 0)["rows"]["with_events"], 2);
}

#[test]
fn cancellations_and_sign_ups_may_have_no_date() {
    let place = Place::new();
    let export =
        "kind,event_id,email\ncancellation,c1,ana@example.com\nsignup,u1,ben@example.com\n";
    assert_eq!(plan(&place, export, 0)["rows"]["with_events"], 2);
}

#[test]
fn what_was_sent_without_a_date_can_be_handed_back() {
    let place = Place::new();
    place.write(
        "failed.csv",
        "kind,event_id,sale_event_id,email,uid,amount_cents,currency,created_at,outcome,attempts,settled_at\n\
         sale,s1,,ana@example.com,,800,USD,,failed,1,\n",
    );
    let read = place
        .run(&["plan", "failed.csv", "--json"])
        .expect(0)
        .json();
    assert_eq!(read["rows"]["with_events"], 1, "{read}");
}
