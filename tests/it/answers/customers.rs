//! Who is a lead, and by which answers a run knows.

use serde_json::json;

use super::{asked, cell, leads, outcome, own, run, strangers};
use crate::support::{Place, Ran, SandboxProcess, form};

#[test]
fn an_inferred_refund_says_nothing_of_a_customer_who_became_a_lead_since() {
    let place = own("sale,s1,,ana@example.com,10.00,USD,2026-03-01T10:00:00Z,\n");
    let sandbox = strangers(&place);
    let first = place.run_to(&sandbox, &run("own.csv")).expect(0).json();
    assert_eq!(outcome(&first, "non_referral"), 1);

    sandbox.track("signup", "email=ana@example.com&ref_id=nora");
    place.write(
        "later.csv",
        "kind,event_id,sale_event_id,email,amount,currency,created_at\n\
         refund,r1,s1,ana@example.com,10.00,USD,2026-03-02T10:00:00Z\n\
         sale,s2,,ana@example.com,10.00,USD,2026-03-03T10:00:00Z\n",
    );
    let later = place.run_to(&sandbox, &run("later.csv")).expect(0).json();
    assert_eq!(outcome(&later, "tracked"), 1, "{later:#}");
    assert_eq!(outcome(&later, "non_referral"), 1, "the refund of s1");
    assert_eq!(later["requests"], 1);
    assert_eq!(
        cell(&place, &later, "tracked.csv", "s2", "outcome"),
        "tracked"
    );
}

#[test]
fn a_tracked_sale_makes_its_customer_a_lead_whatever_was_said_before() {
    let place = own("sale,s1,,ana@example.com,10.00,USD,2026-03-01T10:00:00Z,\n\
         sale,s2,,ana@example.com,10.00,USD,2026-03-02T10:00:00Z,NORA10\n\
         sale,s3,,ana@example.com,10.00,USD,2026-03-03T10:00:00Z,\n\
         refund,r3,s3,ana@example.com,4.00,USD,2026-03-04T10:00:00Z,\n\
         cancellation,c1,,ana@example.com,,,2026-03-05T10:00:00Z,\n\
         sale,t1,,ben@example.com,10.00,USD,2026-03-01T10:00:00Z,\n\
         sale,t2,,ben@example.com,10.00,USD,2026-03-02T10:00:00Z,\n");
    let sandbox = strangers(&place);
    let report = place.run_to(&sandbox, &run("own.csv")).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 4, "{report:#}");
    assert_eq!(outcome(&report, "non_referral"), 3);
    for asked_for in ["s1", "s2", "s3", "r3", "t1"] {
        assert!(
            asked(&sandbox).contains(&asked_for.to_owned()),
            "{asked_for}"
        );
    }
    assert_eq!(report["requests"], 6, "t2 follows from t1");
}

#[test]
fn a_tracked_sign_up_counts_against_a_204_that_comes_after_it() {
    let place = own("sale,s1,,ana@example.com,10.00,USD,2026-03-01T10:00:00Z,\n\
         sale,s2,,ana@example.com,10.00,USD,2026-03-02T10:00:00Z,\n\
         sale,s3,,ana@example.com,10.00,USD,2026-03-03T10:00:00Z,\n");
    let sandbox = leads();
    sandbox.fault(&json!({"action": "status", "status": 204, "event_id": "s2"}));
    let report = place.run_to(&sandbox, &run("own.csv")).expect(0).json();
    assert_eq!(
        outcome(&report, "tracked"),
        2,
        "s1 was tracked, so s3 is asked for"
    );
    assert_eq!(asked(&sandbox), ["s1", "s2", "s3"]);
}

#[test]
fn no_answer_to_a_cancellation_or_a_refund_hides_the_later_sales_of_a_lead() {
    let place = own("cancellation,c1,,ana@example.com,,,2026-03-01T10:00:00Z,\n\
         sale,s2,,ana@example.com,10.00,USD,2026-03-02T10:00:00Z,\n\
         sale,s3,,ana@example.com,10.00,USD,2026-03-03T10:00:00Z,\n");
    let sandbox = leads();
    let nothing_to_cancel = r#"{"message":"Lead has no active subscription to cancel"}"#;
    sandbox.fault(&json!({
        "action": "status", "status": 404, "kind": "cancellation", "body": nothing_to_cancel
    }));
    let report = place.run_to(&sandbox, &run("own.csv")).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 2, "{report:#}");
    assert_eq!(outcome(&report, "non_referral"), 1);
}

/// Runs an export while the API is down for some calls.
fn run_in_an_outage(place: &Place, sandbox: &SandboxProcess, export: &str, kind: &str) {
    sandbox.fault(&json!({"action": "status", "status": 500, "percent": 100, "kind": kind}));
    let mut command = place.command_to(sandbox, &run(export));
    let ran = command.env("FPRECON_GIVE_UP_AFTER_SECONDS", "1").output();
    Ran(ran.unwrap()).expect(5);
    sandbox.forget_faults();
}

const SIGNUPS: &str = "kind,event_id,email,amount,currency,created_at,ref_id\n";

/// A folder with `night1.csv`, the sign-up of ana, and `night2.csv`, a sale of ana's and one of ben's.
fn two_nights() -> Place {
    let place = Place::new();
    place.write(
        "night1.csv",
        &format!("{SIGNUPS}signup,u1,ana@example.com,,,2026-03-01T10:00:00Z,nora\n"),
    );
    place.write(
        "night2.csv",
        &format!(
            "{SIGNUPS}sale,s1,ana@example.com,10.00,USD,2026-03-02T10:00:00Z,\n\
             sale,s2,ben@example.com,10.00,USD,2026-03-02T10:00:00Z,\n"
        ),
    );
    place
}

#[test]
fn sales_wait_for_a_sign_up_that_an_earlier_night_could_not_send() {
    let place = two_nights();
    let sandbox = strangers(&place);
    run_in_an_outage(&place, &sandbox, "night1.csv", "signup");
    let before = sandbox.arrivals().len();

    let ran = place.run_to(&sandbox, &run("night2.csv")).expect(5);
    assert!(
        ran.stderr().contains("1 event waits for the sign-up"),
        "{}",
        ran.stderr()
    );
    let second = ran.json();
    assert_eq!(outcome(&second, "not_sent"), 1, "{second:#}");
    assert_eq!(outcome(&second, "non_referral"), 1, "ben's");
    assert_eq!(sandbox.arrivals().len(), before + 1);

    let resumed = place
        .run_to(&sandbox, &["resume", "--json"])
        .expect(0)
        .json();
    assert_eq!(outcome(&resumed, "tracked"), 1, "{resumed:#}");
    let kinds = sandbox.arrivals();
    let last = |back: usize| kinds[kinds.len() - back]["path"].clone();
    assert_eq!(
        (last(2), last(1)),
        ("/api/v1/track/signup".into(), "/api/v1/track/sale".into())
    );
    assert_eq!(
        form(&kinds[kinds.len() - 1], "event_id").as_deref(),
        Some("s1")
    );
}

#[test]
fn a_sale_by_a_uid_alone_waits_for_a_sign_up_that_another_event_ties_it_to() {
    let place = Place::new();
    let sandbox = strangers(&place);
    let export = |name: &str, row: &str| {
        let head = "kind,event_id,email,uid,amount,currency,created_at,ref_id";
        place.write(name, &format!("{head}\n{row}\n"));
    };
    export("s0.csv", "sale,s0,ana@example.com,u1,10.00,USD,2026-03-01,");
    export("night1.csv", "signup,n1,ana@example.com,,,,2026-03-02,nora");
    export("s1.csv", "sale,s1,,u1,10.00,USD,2026-03-05,");
    place.run_to(&sandbox, &run("s0.csv")).expect(0);
    run_in_an_outage(&place, &sandbox, "night1.csv", "signup");
    let second = place.run_to(&sandbox, &run("s1.csv")).expect(5).json();
    assert_eq!(outcome(&second, "not_sent"), 1, "{second:#}");

    // The API does not know the uid of the lead yet, and s0 was asked for before the sign-up.
    let resumed = place.run_to(&sandbox, &["resume"]).expect(1);
    let said = resumed.stdout();
    // In both runs: s0, and then s1.
    let what = "1 event not recorded when sent, of customers who signed up since";
    assert_eq!(said.matches(what).count(), 2, "{said}");
    place.run_to(&sandbox, &run("s1.csv")).expect(1);
    let retried = ["retry", "--non-referral", "--yes", "--json"];
    let retried = place.run_to(&sandbox, &retried).expect(0).json();
    assert_eq!(outcome(&retried, "tracked"), 2, "{retried:#}");
    place.run_to(&sandbox, &run("s1.csv")).expect(0);
}

#[test]
fn sales_wait_for_their_sign_up_in_one_run_too_and_for_no_other_where_they_have_one() {
    let place = two_nights();
    let sandbox = strangers(&place);
    // Both in one run: the sign-up is left, and so is what comes after it.
    let both = place.read("night1.csv") + place.read("night2.csv").trim_start_matches(SIGNUPS);
    place.write("both.csv", &both);
    run_in_an_outage(&place, &sandbox, "both.csv", "signup");
    assert!(!asked(&sandbox).contains(&"s1".to_owned()));

    // Each of two runs has a sign-up, and a sale of the other's customer: neither waits for ever.
    place.write(
        "third.csv",
        &format!(
            "{SIGNUPS}signup,u9,eve@example.com,,,2026-03-01T10:00:00Z,nora\n\
             sale,s3,ana@example.com,10.00,USD,2026-03-03T10:00:00Z,\n"
        ),
    );
    run_in_an_outage(&place, &sandbox, "third.csv", "signup");
    place.run_to(&sandbox, &["resume", "--json"]).expect(0);
    let tracked = sandbox.events().len();
    assert_eq!(tracked, 4, "u1, s1, u9, s3");
}

#[test]
fn a_customer_whom_an_earlier_run_tracked_is_asked_for_whatever_is_said_since() {
    let sale = |n: u8| format!("sale,s{n},,ana@example.com,10.00,USD,2026-03-0{n}T10:00:00Z,\n");
    let (place, sandbox) = (own(&sale(1)), leads());
    place.run_to(&sandbox, &run("own.csv")).expect(0);
    let header = "kind,event_id,sale_event_id,email,amount,currency,created_at,promo_code\n";
    place.write("later.csv", &format!("{header}{}{}", sale(2), sale(3)));
    sandbox.fault(&json!({"action": "status", "status": 204, "event_id": "s2"}));
    let later = place.run_to(&sandbox, &run("later.csv")).expect(0).json();
    assert_eq!(outcome(&later, "tracked"), 1, "{later:#}");
    assert_eq!(later["requests"], 2, "s3 is asked for");
}

#[test]
fn a_sale_goes_out_with_the_visit_or_the_promoter_that_its_row_names() {
    let place = Place::new();
    place.write(
        "own.csv",
        "kind,event_id,email,amount,currency,created_at,ref_id,tid\n\
         sale,s1,ana@example.com,10.00,USD,2026-03-01T10:00:00Z,nora,\n\
         sale,s2,ben@example.com,10.00,USD,2026-03-01T10:00:00Z,,\n\
         sale,s3,ben@example.com,10.00,USD,2026-03-02T10:00:00Z,,visit-7\n",
    );
    let sandbox = strangers(&place);
    let report = place.run_to(&sandbox, &run("own.csv"));
    let requests = sandbox.arrivals();
    let of = |id: &str, name: &str| {
        let mut all = requests.iter();
        let asked = all.find(|a| form(a, "event_id").as_deref() == Some(id));
        form(asked.unwrap_or_else(|| panic!("{id} is asked for")), name)
    };
    assert_eq!(of("s1", "ref_id").as_deref(), Some("nora"));
    assert_eq!(of("s3", "tid").as_deref(), Some("visit-7"));
    assert_eq!(outcome(&report.json(), "tracked"), 1, "s1 is nora's");
}

#[test]
fn a_promoter_that_a_later_export_names_is_asked_for() {
    let header = "kind,event_id,sale_event_id,email,amount,currency,created_at,promo_code,ref_id\n";
    let sale = |code: &str, promoter: &str| {
        format!(
            "{header}sale,s1,,ana@example.com,10.00,USD,2026-03-01,{code},{promoter}\nrefund,r1,s1,ana@example.com,4.00,USD,2026-03-02,,\n"
        )
    };
    for (code, promoter) in [("NORA10", ""), ("", "nora")] {
        let place = own("");
        let sandbox = strangers(&place);
        place.write("before.csv", &sale("", ""));
        place.write("unknown.csv", &sale("NOBODY", ""));
        place.write("after.csv", &sale(code, promoter));
        let before = place.run_to(&sandbox, &run("before.csv")).expect(0).json();
        assert_eq!(outcome(&before, "non_referral"), 2);
        // A code that nobody has is asked for once.
        for requests in [1, 0] {
            let unknown = place.run_to(&sandbox, &run("unknown.csv")).expect(0).json();
            assert_eq!(unknown["requests"], requests, "{unknown:#}");
        }
        let after = place.run_to(&sandbox, &run("after.csv")).expect(0).json();
        assert_eq!(outcome(&after, "tracked"), 2, "{after:#}");
        let amounts: Vec<_> = sandbox
            .events()
            .iter()
            .map(|it| it["amount_cents"].clone())
            .collect();
        assert_eq!(amounts, [1000, 400]);
        for export in ["before.csv", "unknown.csv", "after.csv"] {
            let again = place.run_to(&sandbox, &run(export)).expect(0).json();
            assert_eq!(again["requests"], 0, "{export}: {again:#}");
        }
        place.run(&["journal", "check"]).expect(0);
    }
}

#[test]
fn a_promoter_is_added_to_a_row_of_non_referral_csv() {
    for (column, value) in [("promo_code", "NORA10"), ("ref_id", "nora")] {
        let place = own("sale,s1,,ana@example.com,10.00,USD,2026-03-01T10:00:00Z,\n");
        let sandbox = strangers(&place);
        let report = place.run_to(&sandbox, &run("own.csv")).expect(0).json();
        let file = format!(
            "{}/non_referral.csv",
            report["report_dir"].as_str().unwrap()
        );
        let rows = place.read(&file);
        let mut lines = rows.lines();
        let (head, row) = (lines.next().unwrap(), lines.next().unwrap());
        place.write("fixed.csv", &format!("{head},{column}\n{row},{value}\n"));
        let fixed = place.run_to(&sandbox, &run("fixed.csv")).expect(0).json();
        assert_eq!(outcome(&fixed, "tracked"), 1, "{column}: {fixed:#}");
        let again = place.run_to(&sandbox, &run("own.csv")).expect(0).json();
        assert_eq!(again["requests"], 0);
    }
}

#[test]
fn a_sale_by_a_uid_alone_needs_attention_once_a_later_night_says_whose_it_is() {
    let place = Place::new();
    let sandbox = strangers(&place);
    sandbox.track("signup", "email=ana@example.com&ref_id=nora");
    let export = |name: &str, row: &str| {
        let head = "kind,event_id,email,uid,amount,currency,created_at";
        place.write(name, &format!("{head}\n{row}\n"));
    };
    export("s1.csv", "sale,s1,,u1,10.00,USD,2026-03-01");
    export(
        "other.csv",
        "sale,s9,bob@example.com,u9,10.00,USD,2026-03-02",
    );
    export("s2.csv", "sale,s2,ana@example.com,u1,10.00,USD,2026-03-05");
    place.run_to(&sandbox, &run("s1.csv")).expect(0);
    place.run_to(&sandbox, &run("other.csv")).expect(0);
    let told = place.run_to(&sandbox, &run("s2.csv")).expect(1).json();
    assert_eq!(told["attention"][0]["code"], "signed_up_since", "{told:#}");
    place.run_to(&sandbox, &run("s1.csv")).expect(1);
    let retried = ["retry", "--non-referral", "--yes", "--json"];
    let retried = place.run_to(&sandbox, &retried).expect(0).json();
    assert_eq!(outcome(&retried, "tracked"), 1, "{retried:#}");
    place.run_to(&sandbox, &run("s1.csv")).expect(0);
    place.run_to(&sandbox, &run("s2.csv")).expect(0);
}

#[test]
fn a_sale_that_an_outage_left_without_the_email_of_this_call_needs_attention() {
    let place = Place::new();
    let sandbox = strangers(&place);
    sandbox.track("signup", "email=ana@example.com&ref_id=nora");
    let head = "kind,event_id,email,uid,amount,currency,created_at";
    let row = |email: &str| format!("{head}\nsale,s1,{email},u1,10.00,USD,2026-03-01\n");
    place.write("without.csv", &row(""));
    place.write("with.csv", &row("ana@example.com"));
    run_in_an_outage(&place, &sandbox, "without.csv", "sale");
    let told = place.run_to(&sandbox, &run("with.csv")).expect(1).json();
    assert_eq!(told["attention"][0]["code"], "customer_learned", "{told:#}");
    // As the report says.
    let again = place.run_to(&sandbox, &run("with.csv")).expect(0).json();
    assert_eq!(outcome(&again, "tracked"), 1, "{again:#}");
    place.run_to(&sandbox, &run("with.csv")).expect(0);
}
