use serde_json::{Value, json};

use super::{AccountState, ApiVersion, CallKind};
use crate::sandbox::answer::ServerAnswer;
use crate::sandbox::call::ApiPath;
use crate::sandbox::moment::Moment;
use crate::sandbox::params::Params;
use crate::sandbox::start::StartState;

fn account(lead_share_percent: u8) -> AccountState {
    AccountState::new(
        StartState {
            lead_share_percent,
            ..StartState::default()
        },
        false,
    )
}

fn track(account: &mut AccountState, kind: CallKind, form: &str) -> ServerAnswer {
    let params = Params::read(ApiVersion::V1, None, false, form.as_bytes());
    let params = params.expect("a form is readable");
    account.track(ApiVersion::V1, kind, &params, Moment::EPOCH)
}

fn track_v2(account: &mut AccountState, kind: CallKind, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    let params = Params::read(ApiVersion::V2, None, true, body.as_bytes());
    let params = params.expect("it is an object");
    let answer = account.track(ApiVersion::V2, kind, &params, Moment::of_ms(86_400_000));
    let told = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    (answer.status, told)
}

fn body(answer: &ServerAnswer) -> Value {
    serde_json::from_slice(&answer.body).expect("answers are JSON")
}

fn told(account: &mut AccountState, kind: CallKind, form: &str) -> (u16, Value) {
    let answer = track(account, kind, form);
    (answer.status, body(&answer))
}

fn tracked(account: &mut AccountState, kind: CallKind, form: &str) -> Value {
    let (status, body) = told(account, kind, form);
    assert_eq!(status, 200, "{form}: {body}");
    body
}

fn summary(account: &AccountState) -> Value {
    serde_json::to_value(account.summary()).expect("the totals are JSON")
}

#[test]
fn a_sale_is_described_as_documented() {
    let mut account = account(0);
    let form = "email=shelley@example.com&uid=cbdemo_shelley&event_id=9856044\
                &plan=monthly-starter&amount=6000&promo_code=X&created_at=2024-09-11T14:22:12.160Z";
    let sale = tracked(&mut account, CallKind::Sale, form);
    let lead = json!({
        "id": 20_000_001, "state": "active", "first_name": "", "last_name": "",
        "email": "shelley@example.com", "uid": "cbdemo_shelley",
        "customer_since": "1970-01-01T00:00:00.000Z", "plan_name": "monthly-starter",
        "cancelled_at": null, "suspicion": "no_suspicion", "username": null, "website": null,
        "created_at": "2024-09-11T14:22:12.160Z", "split_promotion_id": null,
        "custom_fields": null, "split_percentage_value": null, "visitor_sub_id": null
    });
    let expected = json!({
        "id": 33_000_001, "type": "sale", "amount_cents": 6000,
        "reward": {
            "id": 10_000_001, "status": "approved", "amount": 1200, "unit": "cash",
            "created_at": "2024-09-11T14:22:12.160Z", "lead": lead, "event_id": "9856044",
            "conversion_amount": 6000, "tier_level": 1, "split_type": null
        },
        "lead": lead,
        "promoter": {
            "id": 1983, "status": "active", "cust_id": null, "email": "nora@example.com",
            "created_at": "2024-01-15T00:00:00.000Z", "temp_password": null,
            "default_promotion_id": 2986, "pref": "nora", "default_ref_id": "nora",
            "note": null, "w8_form_url": null, "w9_form_url": null,
            "earnings_balance": {"cash": 1200}, "current_balance": {"cash": 1200},
            "paid_balance": null
        }
    });
    assert_eq!(sale, expected);
}

#[test]
fn a_refund_is_negative_and_takes_its_sales_part_back() {
    let mut account = account(0);
    tracked(
        &mut account,
        CallKind::Sale,
        "uid=u&event_id=s&amount=1003&ref_id=nora",
    );
    let form = "uid=u&event_id=r&sale_event_id=s&amount=1003";
    let refund = tracked(&mut account, CallKind::Refund, form);
    assert_eq!(refund["amount_cents"], -1003);
    assert_eq!(refund["reward"]["amount"], -201);
    assert_eq!(refund["reward"]["conversion_amount"], -1003);
    assert_eq!(refund["promoter"]["earnings_balance"], Value::Null);
    let form = "uid=u&event_id=r2&sale_event_id=elsewhere&amount=500";
    let refund = tracked(&mut account, CallKind::Refund, form);
    assert_eq!(refund["reward"]["amount"], -100);
    assert_eq!(summary(&account)["commission_cents"], -100);
}

#[test]
fn what_is_missing_or_wrong_is_refused() {
    let mut account = account(100);
    let nobody = json!({"message": "Error. Email and uid can not be blank!"});
    for kind in [CallKind::Sale, CallKind::Refund] {
        for (amount, why) in [
            ("", ""),
            ("0", ""),
            ("-5", " Amounts are above zero, also those of refunds."),
            ("+5", ""),
            (
                "10.00",
                " Amounts are whole numbers of cents: 4900 for 49.00.",
            ),
            ("1e3", ""),
            ("9223372036854775808", ""),
            (" 5", ""),
        ] {
            let form = form_urlencoded::Serializer::new(String::new())
                .extend_pairs([("uid", "u"), ("event_id", "e"), ("amount", amount)])
                .finish();
            let refused = told(&mut account, kind, &form);
            let message = format!("Error. Amount blank or invalid.{why}");
            assert_eq!(refused, (400, json!({ "message": message })), "{amount}");
        }
        let (status, refused) = told(&mut account, kind, "uid=u&event_id=e&amount_cents=5");
        let message = refused["message"].as_str().unwrap_or_default();
        assert_eq!(status, 400);
        assert!(message.contains("not `amount_cents`"), "{message}");
        for code in ["usd", "US", "US$"] {
            let form = format!("uid=u&event_id=e&amount=5&currency={code}");
            let (status, refused) = told(&mut account, kind, &form);
            let message = refused["message"].as_str().unwrap_or_default();
            assert_eq!(status, 400);
            assert!(message.contains("upper case"), "{message}");
        }
        let no_event = told(&mut account, kind, "uid=u&amount=5");
        assert_eq!(no_event.0, 400);
        let no_customer = told(&mut account, kind, "event_id=e&amount=5&email=+");
        assert_eq!(no_customer, (400, nobody.clone()));
    }
    let own_id = "uid=u&event_id=e&sale_event_id=e&amount=5";
    let (status, refused) = told(&mut account, CallKind::Refund, own_id);
    let message = refused["message"].as_str().unwrap_or_default();
    assert_eq!(status, 400);
    assert!(message.contains("an id of its own"), "{message}");
    for kind in [CallKind::Cancellation, CallKind::Signup] {
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
    assert_eq!(track(&mut account, CallKind::Sale, sale).status, 204);
    assert_eq!(track(&mut account, CallKind::Sale, sale).status, 204);
    tracked(
        &mut account,
        CallKind::Sale,
        "uid=u&event_id=1&amount=5&ref_id=felix",
    );
    let again = told(
        &mut account,
        CallKind::Sale,
        "uid=other&event_id=1&amount=7",
    );
    let message = "The 'sale' event with the id '1' already exists.";
    assert_eq!(again, (409, json!({"message": message})));
    tracked(&mut account, CallKind::Refund, sale);
    let again = told(&mut account, CallKind::Refund, sale);
    let message = "The 'refund' event with the id '1' already exists.";
    assert_eq!(again, (409, json!({"message": message})));
}

#[test]
fn unknown_leads_are_no_referrals_whatever_the_call() {
    let mut account = account(0);
    for kind in [CallKind::Sale, CallKind::Refund, CallKind::Cancellation] {
        let answer = track(&mut account, kind, "email=a@x.test&event_id=1&amount=5");
        assert_eq!((answer.status, answer.body.len()), (204, 0));
    }
    let misnamed = "email=a@x.test&event_id=1&amount=5&ref_id=nobody";
    assert_eq!(track(&mut account, CallKind::Sale, misnamed).status, 204);
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
        let sale = tracked(&mut account, CallKind::Sale, &form);
        if let Some(promoter) = promoter {
            assert_eq!(sale["promoter"]["default_ref_id"], promoter);
        }
        tracked(
            &mut account,
            CallKind::Sale,
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
        CallKind::Signup,
        "email=a@x.test&uid=a&ref_id=felix&first_name=Ann",
    );
    assert_eq!(signup["amount_cents"], Value::Null);
    assert_eq!(signup["reward"], Value::Null);
    assert_eq!(signup["lead"]["state"], "signup");
    assert_eq!(signup["lead"]["first_name"], "Ann");
    assert_eq!(signup["promoter"]["default_ref_id"], "felix");
    let again = told(&mut account, CallKind::Signup, "uid=a&tid=t");
    let text = "there is already a signup event registered on this lead";
    assert_eq!(again, (422, json!({"transaction_id": text})));
    for form in ["uid=b", "uid=b&ref_id=nobody"] {
        let (status, body) = told(&mut account, CallKind::Signup, form);
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
        let mut account = account(100);
        account.cancellation_event_id = dedupe;
        let first = tracked(&mut account, CallKind::Cancellation, "uid=u&event_id=c");
        assert_eq!(first["lead"]["state"], "cancelled");
        let again = track(&mut account, CallKind::Cancellation, "uid=u&event_id=c");
        assert_eq!(again.status, second);
        tracked(&mut account, CallKind::Cancellation, "uid=u");
        tracked(&mut account, CallKind::Cancellation, "uid=u");
    }
}

#[test]
fn a_lead_goes_through_its_states() {
    let mut account = account(100);
    tracked(
        &mut account,
        CallKind::Sale,
        "uid=u&event_id=1&amount=5&plan=a&created_at=2024-01-01",
    );
    tracked(&mut account, CallKind::Cancellation, "uid=u");
    let refund = tracked(&mut account, CallKind::Refund, "uid=u&event_id=1&amount=5");
    assert_eq!(refund["lead"]["state"], "cancelled");
    let sale = tracked(
        &mut account,
        CallKind::Sale,
        "uid=u&event_id=2&amount=5&plan=b",
    );
    assert_eq!(sale["lead"]["state"], "active");
    assert_eq!(sale["lead"]["plan_name"], "b");
    // As observed: the day of the first call, not that of the sale.
    assert_eq!(sale["lead"]["customer_since"], "1970-01-01T00:00:00.000Z");
    assert_eq!(sale["reward"]["created_at"], "1970-01-01T00:00:00.000Z");
}

#[test]
fn effects_and_totals_agree_with_what_was_sent() {
    let mut account = account(0);
    let forms = [
        (CallKind::Signup, "email=a@x.test&ref_id=yuki"),
        (
            CallKind::Sale,
            "email=a@x.test&event_id=1&amount=1000&currency=EUR",
        ),
        (CallKind::Sale, "email=A@x.test&event_id=2&amount=500"),
        (
            CallKind::Refund,
            "email=a@x.test&event_id=3&sale_event_id=1&amount=400&currency=EUR",
        ),
        (CallKind::Cancellation, "email=a@x.test"),
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
    let effects =
        serde_json::to_value(account.effects().collect::<Vec<_>>()).expect("effects are JSON");
    let refund = json!({
        "kind": "refund", "event_id": "3", "sale_event_id": "1", "email": "a@x.test", "uid": null,
        "amount_cents": 400, "currency": "EUR", "commission_cents": -80,
        "created_at": "1970-01-01T00:00:00.000Z", "lead_id": 20_000_001, "promoter_id": 1987
    });
    assert_eq!(effects[3], refund);
    assert_eq!(effects[2]["email"], "A@x.test");
    assert_eq!(effects[4]["amount_cents"], Value::Null);
}

#[test]
fn v2_describes_sales_and_signups_in_its_own_shape() {
    let mut account = account(0);
    let signup = json!({"email": "a@x.test", "uid": "a", "ref_id": "felix",
                        "created_at": "2025-04-25T09:29:51.973Z"});
    let (status, told) = track_v2(&mut account, CallKind::Signup, &signup);
    let referral = json!({"id": 20_000_001, "email": "a@x.test", "uid": "a"});
    let expected = json!({
        "id": 33_000_001, "etype": "signup", "sale_amount": null, "original_sale_amount": null,
        "original_sale_currency": null, "event_id": null, "plan_id": null,
        "billing_period": null, "created_at": "2025-04-25T09:29:51.973Z", "referral": referral,
        "commissions": []
    });
    assert_eq!((status, told), (200, expected));
    let mut sale = json!({"email": "a@x.test", "event_id": "s", "amount": 2000, "currency": "EUR",
                      "plan": "pro", "created_at": "2020-01-01"});
    // v2 has no `created_at` on a sale.
    assert_eq!(track_v2(&mut account, CallKind::Sale, &sale).0, 400);
    sale["created_at"] = Value::Null;
    let (_, told) = track_v2(&mut account, CallKind::Sale, &sale);
    assert_eq!(told["created_at"], "1970-01-02T00:00:00.000Z");
    assert_eq!(told["sale_amount"], 2000);
    assert_eq!(told["original_sale_currency"], "EUR");
    assert_eq!(told["plan_id"], "pro");
    assert_eq!(told["referral"], referral);
    let commission = &told["commissions"][0];
    assert_eq!(commission["amount"], 400);
    assert_eq!(commission["event_id"], "s");
    assert_eq!(
        commission["promoter_campaign"]["promoter"]["name"],
        "Felix Okafor"
    );
}

#[test]
fn v2_answers_refunds_and_cancellations_as_v1_does() {
    let mut account = account(0);
    tracked(
        &mut account,
        CallKind::Sale,
        "uid=u&event_id=s&amount=1000&ref_id=nora",
    );
    let refund = json!({"uid": "u", "event_id": "r", "sale_event_id": "s", "amount": "1000"});
    let (status, told) = track_v2(&mut account, CallKind::Refund, &refund);
    assert_eq!((status, &told["amount_cents"]), (200, &json!(-1000)));
    assert_eq!(told["reward"]["amount"], -200);
    for _ in 0..2 {
        let cancellation = json!({"uid": "u"});
        let (status, told) = track_v2(&mut account, CallKind::Cancellation, &cancellation);
        assert_eq!((status, &told["lead"]["state"]), (200, &json!("cancelled")));
    }
    let with_id = json!({"uid": "u", "event_id": "c"});
    let (status, told) = track_v2(&mut account, CallKind::Cancellation, &with_id);
    let message = told["message"].as_str().unwrap_or_default();
    assert_eq!(status, 400);
    assert!(message.contains("no `event_id`"), "{message}");
}

#[test]
fn strangers_get_404_of_v2s_sales_and_204_of_its_refunds() {
    let mut account = account(0);
    let mut body = json!({"uid": "u", "event_id": "1", "amount": 5});
    let not_found = json!({
        "message": "Referral corresponding to email or uid parameter not found or promoter is banned.",
        "code": "not_found"
    });
    let sale = track_v2(&mut account, CallKind::Sale, &body);
    assert_eq!(sale, (404, not_found.clone()));
    let refund = track_v2(&mut account, CallKind::Refund, &body);
    assert_eq!(refund, (204, Value::Null));
    body["event_id"] = Value::Null;
    let cancellation = track_v2(&mut account, CallKind::Cancellation, &body);
    assert_eq!(cancellation, (404, not_found));
}

#[test]
fn a_banned_promoter_earns_nothing() {
    let mut account = account(0);
    let sale = "uid=u&event_id=1&amount=5&ref_id=casper";
    assert_eq!(track(&mut account, CallKind::Sale, sale).status, 204);
    let (status, _) = told(&mut account, CallKind::Signup, "uid=u&ref_id=casper");
    assert_eq!(status, 404);
    let mut start = StartState {
        lead_share_percent: 0,
        ..StartState::default()
    };
    start.leads.push(crate::sandbox::leads::StartLead {
        promoter: 5,
        email: Some("old@x.test".to_owned()),
        uid: None,
        state: crate::sandbox::leads::LeadState::Active,
        plan: None,
        first_name: String::new(),
        last_name: String::new(),
        created_at: Moment::EPOCH,
        customer_since: None,
        cancelled_at: None,
    });
    let mut account = AccountState::new(start, false);
    for kind in [CallKind::Sale, CallKind::Refund, CallKind::Cancellation] {
        let form = "email=old@x.test&event_id=1&amount=5";
        assert_eq!(track(&mut account, kind, form).status, 204);
        let event_id = (kind != CallKind::Cancellation).then_some("1");
        let body = json!({"email": "old@x.test", "event_id": event_id, "amount": 5});
        let (status, _) = track_v2(&mut account, kind, &body);
        assert_eq!(status, if kind == CallKind::Refund { 204 } else { 404 });
    }
}

#[test]
fn the_plans_rate_goes_before_the_promoters_and_the_default() {
    let mut account = account(0);
    for (form, commission) in [
        ("uid=a&ref_id=nora&event_id=1&amount=1000", 200),
        ("uid=b&ref_id=amara&event_id=2&amount=1000", 250),
        ("uid=b&event_id=3&amount=1000&plan=wire-yearly", 300),
        // The lead is on that plan now.
        ("uid=b&event_id=4&amount=1000", 300),
        ("uid=b&event_id=5&amount=1000&plan=setup-fee", 1000),
        ("uid=b&event_id=6&amount=1000&plan=unknown", 250),
    ] {
        let sale = tracked(&mut account, CallKind::Sale, form);
        assert_eq!(sale["reward"]["amount"], commission, "{form}");
    }
    // The commission of a refund without its sale's id follows from the lead's current rate.
    tracked(
        &mut account,
        CallKind::Sale,
        "uid=b&event_id=7&amount=1&plan=wire-yearly",
    );
    let refund = "uid=b&event_id=r1&amount=1000";
    assert_eq!(
        tracked(&mut account, CallKind::Refund, refund)["reward"]["amount"],
        -300
    );
    let refund = "uid=b&event_id=r2&amount=500&sale_event_id=5";
    assert_eq!(
        tracked(&mut account, CallKind::Refund, refund)["reward"]["amount"],
        -500
    );
}

#[test]
fn foreign_amounts_are_exchanged() {
    let mut start = StartState::default();
    let rate = crate::sandbox::rates::Millionths::parse("1.08").expect("a number");
    start.rates.exchange.insert("EUR".to_owned(), rate);
    let mut account = AccountState::new(start, false);
    let form = "uid=u&ref_id=nora&event_id=1&amount=1000&currency=EUR";
    let sale = tracked(&mut account, CallKind::Sale, form);
    assert_eq!(sale["amount_cents"], 1080);
    assert_eq!(sale["reward"]["amount"], 216);
    // The totals have the currency that was sent.
    assert_eq!(
        summary(&account)["events"]["sale"]["amount_cents"],
        json!({"EUR": 1000})
    );
}

#[test]
fn an_override_signs_a_lead_up_again() {
    let mut account = account(0);
    tracked(&mut account, CallKind::Signup, "uid=u&ref_id=nora");
    let again = "uid=u&ref_id=felix&first_name=Ann&override_existing_lead=true";
    let signup = tracked(&mut account, CallKind::Signup, again);
    assert_eq!(signup["promoter"]["default_ref_id"], "felix");
    assert_eq!(signup["lead"]["first_name"], "Ann");
    assert_eq!(summary(&account)["leads"], 1);
    // v2 has no such parameter.
    let body = json!({"uid": "u", "ref_id": "nora", "override_existing_lead": true});
    assert_eq!(track_v2(&mut account, CallKind::Signup, &body).0, 422);
}

#[test]
fn a_bad_date_is_noticed() {
    let mut account = account(100);
    for kind in [
        CallKind::Sale,
        CallKind::Refund,
        CallKind::Cancellation,
        CallKind::Signup,
    ] {
        let form = "uid=u&event_id=1&amount=5&ref_id=nora&created_at=yesterday";
        let refused = told(&mut account, kind, form);
        assert_eq!(
            refused,
            (400, json!({"message": "Error. Created at invalid."}))
        );
    }
}

fn listed(account: &AccountState, path: &str, query: &str) -> (u16, Value) {
    let call = ApiPath::from_path("GET", path).expect("the path exists");
    let (answer, _) = account.list(call, query);
    (answer.status, body(&answer))
}

fn ids(account: &AccountState, path: &str, query: &str) -> Vec<u64> {
    let (status, told) = listed(account, path, query);
    assert_eq!(status, 200, "{query}: {told}");
    let lines = told["data"].as_array().or(told.as_array()).expect("a list");
    lines
        .iter()
        .filter_map(|line| line["id"].as_u64())
        .collect()
}

const COMMISSIONS: &str = "/api/v2/company/commissions";
const REFERRALS: &str = "/api/v2/company/referrals";
const PROMOTERS: &str = "/api/v2/company/promoters";

/// Returns an account with sixty sales, one each day, each of another customer, of nora and felix
/// in turn.
fn busy() -> AccountState {
    let mut account = account(0);
    for n in 0..60_u32 {
        let promoter = if n % 2 == 0 { "nora" } else { "felix" };
        let (month, day) = (1 + n / 28, 1 + n % 28);
        let form = format!(
            "email=user{n}@x.test&uid=u-{n}&event_id=E-{n}&amount=1000&ref_id={promoter}\
             &created_at=2026-{month:02}-{day:02}T12:00:00Z"
        );
        tracked(&mut account, CallKind::Sale, &form);
    }
    account
}

#[test]
fn v1_lists_pages_of_fifty() {
    let account = busy();
    let call = ApiPath::from_path("GET", "/api/v1/rewards/list").expect("it exists");
    let (answer, paging) = account.list(call, "page=2");
    let paging = paging.expect("v1 is paged in headers");
    assert_eq!((paging.page, paging.per_page, paging.total), (2, 50, 60));
    assert_eq!(body(&answer).as_array().map(Vec::len), Some(10));
    for path in ["/api/v1/leads/list", "/api/v1/rewards/list"] {
        assert_eq!(ids(&account, path, "").len(), 50);
        assert_eq!(ids(&account, path, "ref_id=felix").len(), 30);
        assert_eq!(ids(&account, path, "promoter_id=1983").len(), 30);
        assert_eq!(ids(&account, path, "promotion_id=2990").len(), 0);
        assert_eq!(ids(&account, path, "campaign_id=28004").len(), 50);
        assert_eq!(listed(&account, path, "ref_id=nobody").0, 422);
    }
    assert_eq!(ids(&account, "/api/v1/promoters/list", "").len(), 6);
}

#[test]
fn v1_shows_one_lead() {
    let account = busy();
    for query in ["email=USER7@x.test", "uid=u-7", "id=20000008"] {
        let (status, lead) = listed(&account, "/api/v1/leads/show", query);
        assert_eq!((status, &lead["uid"]), (200, &json!("u-7")), "{query}");
        assert_eq!(lead["promoter"]["default_ref_id"], "felix");
    }
    assert_eq!(listed(&account, "/api/v1/leads/show", "uid=nobody").0, 404);
}

#[test]
fn v2_lists_by_page_and_size() {
    let account = busy();
    for path in [COMMISSIONS, REFERRALS] {
        assert_eq!(ids(&account, path, "").len(), 20);
        assert_eq!(ids(&account, path, "page=3").len(), 20);
        assert_eq!(ids(&account, path, "page=4").len(), 0);
        assert_eq!(ids(&account, path, "per_page=500").len(), 60);
        let all: Vec<u64> = (1..=9)
            .flat_map(|page| ids(&account, path, &format!("page={page}&per_page=7")))
            .collect();
        assert_eq!(all, ids(&account, path, "per_page=100"));
    }
}

#[test]
fn v2_searches_and_filters() {
    let account = busy();
    for (path, query, count) in [
        (COMMISSIONS, "q=e-59", 1),
        (COMMISSIONS, "q=USER5%40x", 1),
        (COMMISSIONS, "q=nothing", 0),
        (
            COMMISSIONS,
            "created_at[from]=2026-01-27&created_at[to]=2026-02-01",
            3,
        ),
        (
            COMMISSIONS,
            "filters[created_at][from]=2026-03-01T00:00:00Z",
            4,
        ),
        (COMMISSIONS, "filters%5Bstatus%5D=approved&per_page=100", 60),
        (COMMISSIONS, "status=pending", 0),
        (COMMISSIONS, "paid=yes", 0),
        (COMMISSIONS, "promoter_id=1984&per_page=100", 30),
        (COMMISSIONS, "campaign_id=1", 0),
        (COMMISSIONS, "ids[]=10000001&ids[]=10000060", 2),
        (REFERRALS, "q=u-59", 1),
        (REFERRALS, "type=lead", 0),
        (REFERRALS, "filters[type]=customer&per_page=100", 60),
        (REFERRALS, "state=cancelled", 0),
        (REFERRALS, "filters[customer_since][to]=1970-01-01", 20),
        (REFERRALS, "filters[customer_since][from]=1970-01-02", 0),
        (REFERRALS, "cancelled_at[from]=2020-01-01", 0),
        (PROMOTERS, "q=amara", 1),
        (PROMOTERS, "state=blocked", 1),
        (PROMOTERS, "joined_at[from]=2025-01-01", 2),
    ] {
        assert_eq!(ids(&account, path, query).len(), count, "{path}?{query}");
    }
    for query in [
        "created_at[from]=soon",
        "page=x",
        "promoter_id=nora",
        "ids[]=x",
        // It refuses what it does not play, so that nobody believes that it was honoured.
        "sorting[amount]=asc",
        "sorting[created_at]=up",
        "filters[fraud_check]=no_suspicion",
        "first_commission=true",
    ] {
        assert_eq!(listed(&account, COMMISSIONS, query).0, 400, "{query}");
    }
    for (path, query) in [
        ("/api/v2/company/payouts", "filters[due_period]=next"),
        ("/api/v2/company/payouts", "filters[only_payable]=true"),
        ("/api/v1/payouts/list", "unit=cash"),
        ("/api/v1/rewards/list", "created_at[from]=2026-01-01"),
    ] {
        assert_eq!(listed(&account, path, query).0, 400, "{path}?{query}");
    }
    let newest = ids(&account, COMMISSIONS, "sorting[created_at]=desc")[0];
    let last = ids(
        &account,
        COMMISSIONS,
        "sorting[created_at]=asc&per_page=100",
    )
    .pop();
    assert_eq!(Some(newest), last);
    for query in ["sorting[joined_at]=asc", "sorting[joined_at]=desc"] {
        assert_eq!(ids(&account, PROMOTERS, query).len(), 6, "{query}");
    }
}

#[test]
fn commissions_are_added_changed_and_deleted_by_order() {
    let mut account = account(0);
    let sale = "email=ann@x.test&ref_id=yuki&event_id=s&amount=2000";
    tracked(&mut account, CallKind::Sale, sale);
    let commission = |account: &AccountState| {
        let views = account.commission_views();
        serde_json::to_value(views).expect("they are JSON")
    };
    assert_eq!(commission(&account)[0]["commission_cents"], 400);
    let orders = br#"[{"action": "change", "of": "s", "amount_cents": 500, "is_paid": true},
        {"action": "add", "promoter": "nora", "event_id": "s", "amount_cents": 50, "tier": 2},
        {"action": "add", "promoter": "nora", "amount_cents": 7, "status": "pending"}]"#;
    account.order(orders).expect("all can be done");
    let told = commission(&account);
    assert_eq!(told[0]["commission_cents"], 500);
    assert_eq!(
        (&told[1]["tier"], &told[1]["promoter"]),
        (&2.into(), &"nora".into())
    );
    assert_eq!(told[2]["event_id"], serde_json::Value::Null);
    assert_eq!(summary(&account)["commission_cents"], 550);

    account
        .order(br#"{"action": "delete", "of": "s"}"#)
        .expect("there are two");
    assert_eq!(commission(&account).as_array().map(Vec::len), Some(1));
    assert_eq!(summary(&account)["commission_cents"], 0);
    for (order, reason) in [
        (
            &br#"{"action": "delete", "of": "s"}"#[..],
            "no commission for the event `s`",
        ),
        (
            br#"{"action": "change", "amount_cents": 1}"#,
            "`of` does not name a commission",
        ),
        (
            br#"{"action": "add", "amount_cents": 1}"#,
            "needs a `promoter`",
        ),
        (
            br#"{"action": "add", "promoter": "me", "amount_cents": 1}"#,
            "unknown promoter `me`",
        ),
        (
            br#"{"action": "add", "promoter": "nora", "amount": 1}"#,
            "unknown field",
        ),
    ] {
        let refused = account.order(order).map(|_| ()).expect_err(reason);
        assert!(refused.contains(reason), "{refused}");
    }
}
