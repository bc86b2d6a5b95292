//! `history = "commissions"` under `[api]`: with version 2, sales of known referrals are sent as commissions, with
//! their day. Real binary, real sandbox.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Place, Ran, SandboxProcess, wait_for_arrivals, wait_until};

const HEADER: &str =
    "kind,event_id,sale_event_id,email,uid,amount,currency,created_at,promo_code,ref_id\n";

/// Ana is a referral by her email, Ben by his uid. Eva is none.
const EXPORT: &str = "\
sale,in_1,,Ana@Example.com,,99.00,USD,2025-11-03T23:30:00Z,,
sale,in_2,,new@example.com,cus_ben,20.00,USD,2025-11-04T09:00:00Z,,
sale,in_3,,eva@example.com,,30.00,USD,2025-11-05T09:00:00Z,,
refund,re_1,in_1,ana@example.com,,10.00,USD,2025-11-06T09:00:00Z,,
cancellation,ca_1,,ana@example.com,,,,2025-11-07T09:00:00Z,,
";

const START: &str = "[[promoter]]\nref_id = \"nora\"\npromo_code = \"NORA10\"\n\
    [[lead]]\nemail = \"ana@example.com\"\npromoter = \"nora\"\n\
    [[lead]]\nuid = \"cus_ben\"\npromoter = \"nora\"\n";

fn set_up(rows: &str) -> (Place, SandboxProcess) {
    let place = Place::new();
    place.write("a.csv", &format!("{HEADER}{rows}"));
    place.write("start.toml", START);
    let start = place.path("start.toml");
    let sandbox = SandboxProcess::start(&["--start", start.to_str().unwrap()]);
    (place, sandbox)
}

fn call(place: &Place, sandbox: &SandboxProcess, arguments: &[&str]) -> Ran {
    let mut command = place.command_to_v2(sandbox, arguments);
    command.env("FPRECON_HISTORY", "commissions");
    Ran(command.output().unwrap())
}

fn run(place: &Place, sandbox: &SandboxProcess, code: i32) -> Value {
    let arguments = ["run", "a.csv", "--yes", "--json"];
    call(place, sandbox, &arguments).expect(code).json()
}

fn outcome(report: &Value, name: &str) -> u64 {
    report["outcomes"][name]["count"].as_u64().unwrap_or(0)
}

/// `METHOD path` of each arrival below the API, without those that are the same as the one before.
fn calls(sandbox: &SandboxProcess) -> Vec<String> {
    let arrivals = sandbox.arrivals();
    let mut calls: Vec<String> = arrivals
        .iter()
        .map(|arrival| {
            let path = arrival["path"].as_str().unwrap();
            format!(
                "{} {}",
                arrival["method"].as_str().unwrap(),
                path.trim_start_matches("/api/v2/")
            )
        })
        .collect();
    calls.dedup();
    calls
}

/// The bodies of the commissions that were to be created.
fn created(sandbox: &SandboxProcess) -> Vec<Value> {
    let arrivals = sandbox.arrivals();
    let posts = arrivals.iter().filter(|arrival| {
        arrival["method"] == "POST" && arrival["path"] == "/api/v2/company/commissions"
    });
    posts
        .map(|arrival| serde_json::from_str(arrival["body"].as_str().unwrap()).unwrap())
        .collect()
}

/// `event_id day` of the sales that took effect.
fn sales(sandbox: &SandboxProcess) -> Vec<String> {
    let events = sandbox.events();
    let sales = events.iter().filter(|event| event["kind"] == "sale");
    let mut sales: Vec<String> = sales
        .map(|sale| {
            let at = sale["created_at"].as_str().unwrap();
            format!("{} {}", sale["event_id"].as_str().unwrap(), &at[..10])
        })
        .collect();
    sales.sort();
    sales
}

/// The message of an event in a file of the report.
fn message(place: &Place, report: &Value, file: &str, event_id: &str) -> String {
    let directory = report["report_dir"].as_str().unwrap();
    let rows = place.csv(&format!("{directory}/{file}"));
    let column = |name: &str| rows[0].iter().position(|own| own == name).unwrap();
    let row = rows.iter().find(|row| row[column("event_id")] == event_id);
    row.unwrap()[column("message")].clone()
}

#[test]
fn sales_of_known_referrals_keep_their_day_and_their_id() {
    let (place, sandbox) = set_up(EXPORT);
    place.write("fprecon.toml", "[send]\nnotify_promoters = true\n");
    let report = run(&place, &sandbox, 0);
    assert_eq!(outcome(&report, "tracked"), 4);
    assert_eq!(outcome(&report, "non_referral"), 1);
    assert_eq!(sales(&sandbox), ["in_1 2025-11-03", "in_2 2025-11-04"]);
    assert_eq!(
        created(&sandbox)[0],
        json!({
            "commission_type": "sale", "referral_id": 20_000_001, "sale_amount": 9900,
            "event_id": "in_1", "event_date": "2025-11-03", "notify_promoter": false
        })
    );
    let calls = calls(&sandbox);
    assert_eq!(
        calls[..2],
        ["GET company/referrals", "GET company/commissions"]
    );
    assert!(calls.contains(&"POST track/refund".to_owned()), "{calls:?}");
    assert!(!calls.contains(&"POST track/sale".to_owned()), "{calls:?}");
    let events = sandbox.events();
    let refund = events.iter().find(|event| event["kind"] == "refund");
    assert_eq!(refund.unwrap()["sale_event_id"], "in_1");
    let tracked = message(&place, &report, "non_referral.csv", "in_3");
    assert!(
        tracked.contains("not in the account's list of referrals"),
        "{tracked}"
    );
    // The receipts are those of the commissions.
    let sum: i64 = sandbox
        .events()
        .iter()
        .filter_map(|event| event["commission_cents"].as_i64())
        .sum();
    let commissions = json!({"USD": {"nora@example.com": sum}});
    assert_eq!(report["commission_cents"], commissions);

    // Nothing is left for a second run, which reads no list.
    let before = sandbox.arrivals().len();
    run(&place, &sandbox, 0);
    assert_eq!(sandbox.arrivals().len(), before);
}

#[test]
fn the_day_is_one_of_the_accounts_zone() {
    let (place, sandbox) = set_up(EXPORT);
    place.write("fprecon.toml", "[audit]\nzone = \"Europe/Berlin\"\n");
    run(&place, &sandbox, 0);
    assert_eq!(sales(&sandbox), ["in_1 2025-11-04", "in_2 2025-11-04"]);
}

#[test]
fn a_sale_whose_answer_is_lost_is_not_created_twice() {
    for (fault, effects) in [
        (
            json!({"action": "close", "kind": "commission", "event_id": "in_1", "after_effect": true}),
            2,
        ),
        (
            json!({"action": "status", "status": 500, "kind": "commission", "event_id": "in_1", "after_effect": true}),
            2,
        ),
        (
            json!({"action": "close", "kind": "commission", "event_id": "in_1"}),
            1,
        ),
    ] {
        let (place, sandbox) = set_up(EXPORT);
        sandbox.fault(&fault);
        let report = run(&place, &sandbox, 1);
        assert_eq!(outcome(&report, "unconfirmed"), 1, "{fault}");
        assert_eq!(sales(&sandbox).len(), effects, "{fault}");
        // Neither another run nor `resume` asks again.
        run(&place, &sandbox, 1);
        call(&place, &sandbox, &["resume"]).expect(1);
        assert_eq!(created(&sandbox).len(), 2, "{fault}");

        // On purpose it is sent again only if the account's list does not have it.
        let retry = ["retry", "--unconfirmed", "--yes", "--json"];
        let report = call(&place, &sandbox, &retry).expect(0).json();
        assert_eq!(outcome(&report, "tracked"), 1, "{fault}");
        assert_eq!(
            sales(&sandbox),
            ["in_1 2025-11-03", "in_2 2025-11-04"],
            "{fault}"
        );
        assert_eq!(created(&sandbox).len(), 4 - effects, "{fault}");
    }
}

#[test]
fn a_run_that_is_killed_finds_what_it_has_created() {
    let (place, sandbox) = set_up(EXPORT);
    sandbox.fault(&json!({
        "action": "drop", "delay_ms": 60_000, "kind": "commission", "event_id": "in_1",
        "after_effect": true
    }));
    let mut command = place.command_to_v2(&sandbox, &["run", "a.csv", "--yes"]);
    command.env("FPRECON_HISTORY", "commissions");
    let mut child = command.spawn().unwrap();
    wait_for_arrivals(&sandbox, 4);
    wait_until("the effect", || sales(&sandbox).len() == 2);
    std::thread::sleep(Duration::from_millis(100));
    child.kill().unwrap();
    child.wait().unwrap();
    let report = call(&place, &sandbox, &["resume", "--json"])
        .expect(0)
        .json();
    assert_eq!(outcome(&report, "tracked"), 4);
    assert_eq!(sales(&sandbox), ["in_1 2025-11-03", "in_2 2025-11-04"]);
    assert_eq!(created(&sandbox).len(), 2);
}

#[test]
fn what_the_account_has_already_is_not_created() {
    let (place, sandbox) = set_up(EXPORT);
    sandbox.track("sale", "event_id=in_1&email=ana@example.com&amount=9900");
    let report = run(&place, &sandbox, 1);
    assert_eq!(outcome(&report, "already_tracked"), 1);
    let said = message(&place, &report, "tracked.csv", "in_1");
    assert!(said.contains("list of commissions has it"), "{said}");
    assert_eq!(created(&sandbox).len(), 1);
}

#[test]
fn without_complete_lists_nothing_is_created() {
    for skip in [0, 1] {
        let (place, sandbox) = set_up(EXPORT);
        sandbox.fault(
            &json!({"action": "status", "status": 404, "kind": "listing", "skip": 2 * skip}),
        );
        let ran = call(&place, &sandbox, &["run", "a.csv", "--yes"]).expect(5);
        let said = ran.stderr();
        assert!(
            said.contains("no sale can be sent without the list of"),
            "{said}"
        );
        assert!(sandbox.events().is_empty());
        let report = call(&place, &sandbox, &["resume", "--json"])
            .expect(0)
            .json();
        assert_eq!(outcome(&report, "tracked"), 4);
    }
}

#[test]
fn too_many_requests_create_nothing_twice() {
    let (place, sandbox) = set_up(EXPORT);
    sandbox
        .fault(&json!({"action": "status", "status": 429, "kind": "commission", "retry_after": 1}));
    let report = run(&place, &sandbox, 0);
    assert_eq!(outcome(&report, "tracked"), 4);
    assert_eq!(sales(&sandbox).len(), 2);
}

#[test]
fn what_a_commission_can_not_say_fails_and_is_not_guessed() {
    let rows = "\
signup,su_1,,gus@example.com,,,,2025-11-01T09:00:00Z,,nora
sale,in_1,,ana@example.com,,99.00,EUR,2025-11-03T09:00:00Z,,
sale,in_2,,ana@example.com,cus_ben,20.00,USD,2025-11-04T09:00:00Z,,
sale,in_3,,eva@example.com,,30.00,USD,2025-11-05T09:00:00Z,NORA10,
sale,in_4,,gus@example.com,,40.00,USD,2025-11-06T09:00:00Z,,
";
    let (place, sandbox) = set_up(rows);
    let ran = call(&place, &sandbox, &["run", "a.csv", "--yes", "--json"]).expect(1);
    let said = ran.stderr();
    assert!(
        said.contains(
            "commissions are created in USD alone, so that these fail: 1 sale, 99.00 EUR"
        ),
        "{said}"
    );
    assert!(said.contains("a commission takes no plan, promo code, `ref_id` or `tid`, which these have: 1 sale, 30.00 USD"), "{said}");
    let report = ran.json();
    assert_eq!(outcome(&report, "failed"), 4);
    for (id, why) in [
        ("in_1", "in the account's currency alone"),
        ("in_2", "do not lead to one referral"),
        ("in_3", "could make the customer a referral"),
        ("in_4", "is a referral since the account's list was read"),
    ] {
        let said = message(&place, &report, "failed.csv", id);
        assert!(said.contains(why), "{id}: {said}");
    }
    assert!(created(&sandbox).is_empty());
    let retry = ["retry", "--failed", "--yes", "--json"];
    call(&place, &sandbox, &retry).expect(1);
    assert_eq!(sales(&sandbox), ["in_4 2025-11-06"]);
}

#[test]
fn a_plan_names_the_dates_that_are_not_taken() {
    let (place, sandbox) = set_up(EXPORT);
    let plan = call(&place, &sandbox, &["plan", "a.csv"]).expect(0);
    let said = plan.stderr() + &plan.stdout();
    assert!(
        said.contains("1 refund, 10.00 USD, 1 cancellation will get the day"),
        "{said}"
    );
    assert!(sandbox.arrivals().is_empty());
}

#[test]
fn only_version_2_of_a_real_account_has_it() {
    let (place, sandbox) = set_up(EXPORT);
    let mut command = place.command_to(&sandbox, &["run", "a.csv", "--yes"]);
    command.env("FPRECON_HISTORY", "commissions");
    let said = Ran(command.output().unwrap()).expect(3).stderr();
    assert!(said.contains("creates no commissions"), "{said}");
    let arguments = ["run", "a.csv", "--yes", "--sandbox", "--api", "v2"];
    let said = call(&place, &sandbox, &arguments).expect(2).stderr();
    assert!(
        said.contains("needs the account's list of referrals"),
        "{said}"
    );
    assert!(sandbox.arrivals().is_empty());
}

#[test]
fn a_refund_waits_for_its_unconfirmed_sale() {
    let rows = "sale,in_1,,ana@example.com,,99.00,USD,2025-11-03T23:30:00Z,,\n\
        refund,re_1,in_1,ana@example.com,,10.00,USD,2025-11-06T09:00:00Z,,\n";
    let (place, sandbox) = set_up(rows);
    let refunds = |sandbox: &SandboxProcess| {
        let events = sandbox.events();
        events.iter().filter(|own| own["kind"] == "refund").count()
    };
    sandbox.fault(&json!({"kind": "commission", "action": "reset", "after_effect": false}));
    let report = run(&place, &sandbox, 1);
    assert_eq!(outcome(&report, "unconfirmed"), 1);
    let said = message(&place, &report, "failed.csv", "re_1");
    assert!(
        said.starts_with("not sent: its sale is unconfirmed"),
        "{said}"
    );
    call(&place, &sandbox, &["journal", "check"]).expect(0);
    // Nor does a retry send it alone.
    call(&place, &sandbox, &["retry", "--failed"]).expect(1);
    assert_eq!(refunds(&sandbox), 0);
    // The sale is not there, and is sent on purpose; then its refund goes.
    let retry = ["retry", "--unconfirmed", "--yes"];
    call(&place, &sandbox, &retry).expect_code_one_of(&[0, 1]);
    call(&place, &sandbox, &["retry", "--failed"]).expect(0);
    assert_eq!((sales(&sandbox).len(), refunds(&sandbox)), (1, 1));
}

#[test]
fn a_killed_run_sends_no_refund_of_a_sale_that_the_list_does_not_have() {
    let rows = "sale,in_1,,ana@example.com,,99.00,USD,2025-11-03T23:30:00Z,,\n\
        refund,re_1,in_1,ana@example.com,,99.00,USD,2025-11-06T09:00:00Z,,\n";
    let (place, sandbox) = set_up(rows);
    sandbox.fault(&json!({"kind": "commission", "action": "delay", "delay_ms": 60_000}));
    let mut command = place.command_to_v2(&sandbox, &["run", "a.csv", "--yes"]);
    let mut child = command
        .env("FPRECON_HISTORY", "commissions")
        .spawn()
        .unwrap();
    wait_until("the sale is under way", || created(&sandbox).len() == 1);
    child.kill().unwrap();
    child.wait().unwrap();
    sandbox.forget_faults();
    call(&place, &sandbox, &["resume"]).expect(1);
    let events = sandbox.events();
    assert!(
        events.iter().all(|own| own["kind"] != "refund"),
        "{events:?}"
    );
    // Somebody accepts that the sale is not there; the refund still waits, and can be accepted as well.
    let accept = |id: &str| place.run(&["accept", "--event", id, "--reason", "not there"]);
    accept("in_1").expect(0);
    accept("re_1").expect(0);
    call(&place, &sandbox, &["run", "a.csv", "--yes"]).expect(0);
    assert!(sandbox.events().iter().all(|own| own["kind"] != "refund"));
}

#[test]
fn what_the_list_settles_is_sound_to_every_check() {
    let (place, sandbox) = set_up(EXPORT);
    sandbox.track("sale", "event_id=in_1&email=ana@example.com&amount=9900");
    // The answer is lost after the effect.
    sandbox.fault(&json!({"kind": "commission", "action": "reset", "after_effect": true}));
    run(&place, &sandbox, 1);
    call(&place, &sandbox, &["journal", "check"]).expect(0);
    call(&place, &sandbox, &["retry", "--unconfirmed", "--yes"]).expect(0);
    call(&place, &sandbox, &["journal", "check"]).expect(0);
    call(&place, &sandbox, &["doctor"]).expect_code_one_of(&[0, 1]);
}

#[test]
fn what_the_list_has_otherwise_under_an_id_is_not_taken_for_the_sale() {
    for (other, said) in [
        (
            "event_id=in_1&email=ana@example.com&amount=4000",
            "its amount is 40.00 USD",
        ),
        (
            "event_id=in_1&uid=cus_ben&amount=9900",
            "it is of another customer, `cus_ben`",
        ),
        (
            "event_id=in_1&email=ana@example.com&amount=9900",
            "its commission is denied",
        ),
    ] {
        let rows = "sale,in_1,,ana@example.com,,99.00,USD,2025-11-03T23:30:00Z,,\n\
            refund,re_1,in_1,ana@example.com,,45.00,USD,2025-11-06T09:00:00Z,,\n";
        let (place, sandbox) = set_up(rows);
        sandbox.track("sale", other);
        if said.contains("denied") {
            let deny = json!({"action": "change", "of": "in_1", "status": "denied"});
            sandbox.post("/sandbox/commissions", &deny);
        }
        let report = run(&place, &sandbox, 1);
        let message = message(&place, &report, "failed.csv", "in_1");
        assert!(message.contains(said), "{message}");
        let events = sandbox.events();
        assert!(events.iter().all(|own| own["kind"] != "refund"), "{said}");
        call(&place, &sandbox, &["journal", "check"]).expect(0);
    }
    // An email that the lead does not have any more is the same customer by its uid.
    let rows = "sale,in_2,,new@example.com,cus_ben,20.00,USD,2025-11-04T09:00:00Z,,\n";
    let (place, sandbox) = set_up(rows);
    sandbox.track("sale", "event_id=in_2&uid=cus_ben&amount=2000");
    let report = run(&place, &sandbox, 0);
    assert_eq!(outcome(&report, "already_tracked"), 1);
}

/// The setting is removed before the nightly job, as the guide says: a sale whose answer was lost before that is looked up all the
/// same.
#[test]
fn a_lost_answer_is_looked_up_after_the_setting_was_removed() {
    for after_effect in [true, false] {
        for command in [&["resume"][..], &["retry", "--unconfirmed", "--yes"]] {
            let sale = "sale,in_1,,ana@example.com,,99.00,USD,2025-11-03T23:30:00Z,,\n";
            let (place, sandbox) = set_up(sale);
            let fault = json!({"action": "close", "kind": "commission", "event_id": "in_1", "after_effect": after_effect});
            sandbox.fault(&fault);
            run(&place, &sandbox, 1);
            sandbox.forget_faults();
            let before = sandbox.arrivals().len();
            let ran = Ran(place.command_to_v2(&sandbox, command).output().unwrap());
            let arrivals = sandbox.arrivals();
            let paths = arrivals[before..]
                .iter()
                .map(|own| own["path"].as_str().unwrap());
            let paths: Vec<&str> = paths.collect();
            assert!(
                !paths.iter().any(|path| path.contains("track/sale")),
                "{paths:?}"
            );
            if command[0] == "retry" {
                ran.expect(0);
                assert!(
                    paths
                        .iter()
                        .any(|path| path.ends_with("/company/commissions")),
                    "{paths:?}"
                );
                assert_eq!(sales(&sandbox).len(), 1, "{after_effect}");
                // What is sent later goes by its tracking call.
                place.write(
                    "b.csv",
                    &format!("{HEADER}{}", sale.replace("in_1", "in_9")),
                );
                let run = ["run", "b.csv", "--yes"];
                Ran(place.command_to_v2(&sandbox, &run).output().unwrap()).expect(0);
                let last = sandbox.arrivals().pop().unwrap();
                assert!(
                    last["path"].as_str().unwrap().ends_with("track/sale"),
                    "{last}"
                );
            }
            place.run(&["journal", "check"]).expect(0);
        }
    }
}

#[test]
fn what_the_lists_decide_is_not_called_an_answer() {
    let (place, sandbox) = set_up(EXPORT);
    sandbox.track("sale", "event_id=in_1&email=ana@example.com&amount=9900");
    let ran = call(&place, &sandbox, &["run", "a.csv", "--yes"])
        .expect(1)
        .stdout();
    for line in ["+ already tracked  ", "+ not a referral  "] {
        assert!(ran.contains(line), "{ran}");
    }
    assert!(!ran.contains("(409)") && !ran.contains("(204)"), "{ran}");
}

/// The setting is removed before the run has sent all of its sales: the rest goes on, and loses its days. That is said before,
/// and stays in need of attention.
#[test]
fn what_is_sent_without_its_day_after_the_setting_was_removed_needs_attention() {
    let rows: String = (1..=3)
        .map(|n| format!("sale,in_{n},,ana@example.com,,99.00,USD,2025-11-0{n}T10:00:00Z,,\n"))
        .collect();
    for is_retry in [false, true] {
        let (place, sandbox) = set_up(&rows);
        let mut words: &[&str] = &["resume", "--json"];
        if is_retry {
            words = &["retry", "--failed", "--json"];
            for id in ["in_2", "in_3"] {
                let fault = json!({"action": "status", "status": 400, "kind": "commission", "event_id": id});
                sandbox.fault(&fault);
            }
            run(&place, &sandbox, 1);
            sandbox.forget_faults();
        } else {
            let first = ["run", "a.csv", "--yes", "--first", "1"];
            call(&place, &sandbox, &first).expect(5);
        }
        let ran = Ran(place.command_to_v2(&sandbox, words).output().unwrap()).expect(1);
        let says = "2 sales of the run that began with it will get the day on which they are sent";
        assert!(ran.stderr().contains(says), "{}", ran.stderr());
        let report = ran.json();
        assert_eq!(report["attention"][0]["code"], "not_dated", "{report:#}");
        assert_eq!(report["attention"][0]["count"], 2);
        assert_eq!(sales(&sandbox).len(), 3);
        let status = place.run(&["status", "--json"]).expect(0).json();
        assert_eq!(status["attention"][0]["code"], "not_dated");
        let command = status["attention"][0]["command"].as_str().unwrap();
        let accept = command.replace("TEXT", "they are paid already");
        let accept: Vec<&str> = accept.split(' ').skip(1).collect();
        let (options, reason) = accept.split_at(3);
        let reason = reason.join(" ");
        place.run(&[options, &[reason.as_str()]].concat()).expect(0);
        let status = place.run(&["status", "--json"]).expect(0).json();
        assert_eq!(status["attention"].as_array().unwrap().len(), 0, "{status}");
        place.run(&["journal", "check"]).expect(0);
    }
    // With the setting, the days are kept, and nothing is said.
    let (place, sandbox) = set_up(&rows);
    call(&place, &sandbox, &["run", "a.csv", "--yes", "--first", "1"]).expect(5);
    let ran = call(&place, &sandbox, &["resume"]).expect(0);
    assert!(
        !ran.stderr().contains("is not set any more"),
        "{}",
        ran.stderr()
    );
    let days = ["in_1 2025-11-01", "in_2 2025-11-02", "in_3 2025-11-03"];
    assert_eq!(sales(&sandbox), days);
}
