use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Account, Kind};
use crate::sandbox::Options;
use crate::sandbox::answer::Answer;
use crate::sandbox::params::Params;

fn account(lead_share_percent: u8) -> Account {
    Account::new(&Options {
        lead_share_percent,
        ..Options::default()
    })
}

fn track(account: &mut Account, kind: Kind, form: &str) -> Answer {
    let params = Params::read(None, false, form.as_bytes()).expect("a form is readable");
    account.track(kind, &params, Timestamp::UNIX_EPOCH)
}

fn body(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).expect("answers are JSON")
}

fn told(account: &mut Account, kind: Kind, form: &str) -> (u16, Value) {
    let answer = track(account, kind, form);
    (answer.status, body(&answer))
}

fn tracked(account: &mut Account, kind: Kind, form: &str) -> Value {
    let (status, body) = told(account, kind, form);
    assert_eq!(status, 200, "{form}: {body}");
    body
}

fn summary(account: &Account) -> Value {
    serde_json::to_value(account.summary()).expect("the totals are JSON")
}

#[test]
fn a_sale_is_described_as_documented() {
    let mut account = account(0);
    let form = "email=shelley@example.com&uid=cbdemo_shelley&event_id=9856044\
                &plan=monthly-starter&amount=6000&promo_code=X&created_at=2024-09-11T14:22:12.160Z";
    let sale = tracked(&mut account, Kind::Sale, form);
    let lead = json!({
        "id": 20_000_001, "state": "active", "first_name": "", "last_name": "",
        "email": "shelley@example.com", "uid": "cbdemo_shelley",
        "customer_since": "2024-09-11T14:22:12.160Z", "plan_name": "monthly-starter",
        "suspicion": "no_suspicion"
    });
    let expected = json!({
        "id": 33_000_001, "type": "sale", "amount_cents": 6000,
        "reward": {
            "id": 10_000_001, "status": "approved", "amount": 1200, "unit": "cash",
            "created_at": "2024-09-11T14:22:12.160Z", "lead": lead, "event_id": "9856044",
            "conversion_amount": 6000, "tier_level": 1
        },
        "lead": lead,
        "promoter": {
            "id": 1983, "cust_id": null, "email": "nora@example.com", "temp_password": null,
            "default_promotion_id": 2986, "default_ref_id": "nora",
            "earnings_balance": {"cash": 1200}, "current_balance": {"cash": 1200},
            "paid_balance": null
        }
    });
    assert_eq!(sale, expected);
}

#[test]
fn a_refund_is_negative_and_takes_its_sales_part_back() {
    let mut account = account(100);
    tracked(&mut account, Kind::Sale, "uid=u&event_id=s&amount=1003");
    let form = "uid=u&event_id=r&sale_event_id=s&amount=1003";
    let refund = tracked(&mut account, Kind::Refund, form);
    assert_eq!(refund["amount_cents"], -1003);
    assert_eq!(refund["reward"]["amount"], -201);
    assert_eq!(refund["reward"]["conversion_amount"], -1003);
    assert_eq!(refund["promoter"]["earnings_balance"], Value::Null);
    let form = "uid=u&event_id=r2&sale_event_id=elsewhere&amount=500";
    let refund = tracked(&mut account, Kind::Refund, form);
    assert_eq!(refund["reward"]["amount"], -100);
    assert_eq!(summary(&account)["commission_cents"], -100);
}

#[test]
fn half_a_cent_goes_up() {
    let mut account = Account::new(&Options {
        lead_share_percent: 100,
        commission_percent: 25,
        ..Options::default()
    });
    for (amount, commission) in [(1, 0_i64), (2, 1), (3, 1), (6, 2), (i64::MAX, 1_i64 << 61)] {
        let form = format!("uid=u&event_id={amount}&amount={amount}");
        let sale = tracked(&mut account, Kind::Sale, &form);
        assert_eq!(sale["reward"]["amount"], commission, "{amount}");
    }
}

#[test]
fn what_is_missing_or_wrong_is_refused() {
    let mut account = account(100);
    let blank_amount = json!({"message": "Error. Amount blank or invalid."});
    let nobody = json!({"message": "Error. Email and uid can not be blank!"});
    for kind in [Kind::Sale, Kind::Refund] {
        for amount in [
            "",
            "0",
            "-5",
            "+5",
            "10.00",
            "1e3",
            "9223372036854775808",
            " 5",
        ] {
            let form = form_urlencoded::Serializer::new(String::new())
                .extend_pairs([("uid", "u"), ("event_id", "e"), ("amount", amount)])
                .finish();
            let refused = told(&mut account, kind, &form);
            assert_eq!(refused, (400, blank_amount.clone()), "{amount}");
        }
        let no_event = told(&mut account, kind, "uid=u&amount=5");
        assert_eq!(no_event.0, 400);
        let no_customer = told(&mut account, kind, "event_id=e&amount=5&email=+");
        assert_eq!(no_customer, (400, nobody.clone()));
    }
    for kind in [Kind::Cancellation, Kind::Signup] {
        assert_eq!(
            told(&mut account, kind, "ref_id=nora"),
            (400, nobody.clone())
        );
    }
    assert_eq!(summary(&account)["leads"], 0);
}

#[test]
fn an_event_exists_once_by_kind_and_only_if_it_took_effect() {
    let mut account = account(0);
    let sale = "uid=u&event_id=1&amount=5";
    assert_eq!(track(&mut account, Kind::Sale, sale).status, 204);
    assert_eq!(track(&mut account, Kind::Sale, sale).status, 204);
    tracked(
        &mut account,
        Kind::Sale,
        "uid=u&event_id=1&amount=5&ref_id=felix",
    );
    let again = told(&mut account, Kind::Sale, "uid=other&event_id=1&amount=7");
    let message = "The 'sale' event with the id '1' already exists.";
    assert_eq!(again, (409, json!({"message": message})));
    tracked(&mut account, Kind::Refund, sale);
    let again = told(&mut account, Kind::Refund, sale);
    let message = "The 'refund' event with the id '1' already exists.";
    assert_eq!(again, (409, json!({"message": message})));
}

#[test]
fn unknown_leads_are_no_referrals_whatever_the_call() {
    let mut account = account(0);
    for kind in [Kind::Sale, Kind::Refund, Kind::Cancellation] {
        let answer = track(&mut account, kind, "email=a@x.test&event_id=1&amount=5");
        assert_eq!((answer.status, answer.body.len()), (204, 0));
    }
    let misnamed = "email=a@x.test&event_id=1&amount=5&ref_id=nobody";
    assert_eq!(track(&mut account, Kind::Sale, misnamed).status, 204);
    assert_eq!(summary(&account)["leads"], 0);
}

#[test]
fn sales_that_name_a_promoter_make_leads() {
    for (how, promoter) in [
        ("ref_id=amara", Some("amara")),
        ("tid=t", None),
        ("promo_code=C", Some("nora")),
    ] {
        let mut account = account(0);
        let form = format!("email=A@x.test&event_id=1&amount=5&{how}");
        let sale = tracked(&mut account, Kind::Sale, &form);
        if let Some(promoter) = promoter {
            assert_eq!(sale["promoter"]["default_ref_id"], promoter);
        }
        tracked(
            &mut account,
            Kind::Sale,
            "email=a@X.test&event_id=2&amount=5",
        );
        assert_eq!(summary(&account)["leads"], 1);
    }
}

#[test]
fn a_lead_signs_up_once() {
    let mut account = account(0);
    let signup = tracked(
        &mut account,
        Kind::Signup,
        "email=a@x.test&uid=a&ref_id=felix&first_name=Ann",
    );
    assert_eq!(signup["amount_cents"], Value::Null);
    assert_eq!(signup["reward"], Value::Null);
    assert_eq!(signup["lead"]["state"], "signup");
    assert_eq!(signup["lead"]["first_name"], "Ann");
    assert_eq!(signup["promoter"]["default_ref_id"], "felix");
    let again = told(&mut account, Kind::Signup, "uid=a&tid=t");
    let text = "there is already a signup event registered on this lead";
    assert_eq!(again, (422, json!({"transaction_id": text})));
    for form in ["uid=b", "uid=b&ref_id=nobody"] {
        let (status, body) = told(&mut account, Kind::Signup, form);
        let message = body["message"].as_str().expect("a text");
        assert_eq!(status, 404);
        assert!(
            message.starts_with("Visitor  invalid, not found"),
            "{message}"
        );
    }
}

#[test]
fn cancellations_repeat_unless_deduplicated() {
    for (dedupe, second) in [(false, 200), (true, 409)] {
        let mut account = Account::new(&Options {
            lead_share_percent: 100,
            cancellation_event_id: dedupe,
            ..Options::default()
        });
        let first = tracked(&mut account, Kind::Cancellation, "uid=u&event_id=c");
        assert_eq!(first["lead"]["state"], "cancelled");
        let again = track(&mut account, Kind::Cancellation, "uid=u&event_id=c");
        assert_eq!(again.status, second);
        tracked(&mut account, Kind::Cancellation, "uid=u");
        tracked(&mut account, Kind::Cancellation, "uid=u");
    }
}

#[test]
fn a_lead_goes_through_its_states() {
    let mut account = account(100);
    tracked(
        &mut account,
        Kind::Sale,
        "uid=u&event_id=1&amount=5&plan=a&created_at=2024-01-01",
    );
    tracked(&mut account, Kind::Cancellation, "uid=u");
    let refund = tracked(&mut account, Kind::Refund, "uid=u&event_id=1&amount=5");
    assert_eq!(refund["lead"]["state"], "cancelled");
    let sale = tracked(&mut account, Kind::Sale, "uid=u&event_id=2&amount=5&plan=b");
    assert_eq!(sale["lead"]["state"], "active");
    assert_eq!(sale["lead"]["plan_name"], "b");
    assert_eq!(sale["lead"]["customer_since"], "2024-01-01");
    assert_eq!(sale["reward"]["created_at"], "1970-01-01T00:00:00.000Z");
}

#[test]
fn effects_and_totals_agree_with_what_was_sent() {
    let mut account = account(0);
    let forms = [
        (Kind::Signup, "email=a@x.test&ref_id=yuki"),
        (
            Kind::Sale,
            "email=a@x.test&event_id=1&amount=1000&currency=EUR",
        ),
        (Kind::Sale, "email=A@x.test&event_id=2&amount=500"),
        (
            Kind::Refund,
            "email=a@x.test&event_id=3&sale_event_id=1&amount=400&currency=EUR",
        ),
        (Kind::Cancellation, "email=a@x.test"),
    ];
    for (kind, form) in forms {
        tracked(&mut account, kind, form);
    }
    let events = json!({
        "sale": {"count": 2, "amount_cents": {"EUR": 1000, "default": 500}},
        "refund": {"count": 1, "amount_cents": {"EUR": 400}},
        "cancellation": {"count": 1, "amount_cents": {}},
        "signup": {"count": 1, "amount_cents": {}},
    });
    let summary = summary(&account);
    assert_eq!(summary["events"], events);
    assert_eq!(summary["commission_cents"], 220);
    let yuki = json!({
        "id": 1987, "email": "yuki@example.com", "ref_id": "yuki", "sales": 2, "commission_cents": 220
    });
    assert_eq!(summary["promoters"][4], yuki);
    let effects = serde_json::to_value(account.effects()).expect("effects are JSON");
    let refund = json!({
        "kind": "refund", "event_id": "3", "sale_event_id": "1", "email": "a@x.test", "uid": null,
        "amount_cents": 400, "currency": "EUR", "commission_cents": -80,
        "created_at": "1970-01-01T00:00:00.000Z", "lead_id": 20_000_001, "promoter_id": 1987
    });
    assert_eq!(effects[3], refund);
    assert_eq!(effects[2]["email"], "A@x.test");
    assert_eq!(effects[4]["amount_cents"], Value::Null);
}
