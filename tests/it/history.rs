//! `fprecon history mark-paid`: the commissions of imported sales are marked as paid, by payouts that pay nothing else.
//! Real binary, real sandbox.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{KEY, Place, Ran, SandboxProcess, end_of, wait_until};

mod model;

const HEADER: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";

/// Ana is Nora's lead, Ben is Omar's, Eva is nobody's.
const EXPORT: &str = "\
sale,in_1,,ana@example.com,99.00,USD,2025-11-03T23:30:00Z
sale,in_2,,ben@example.com,20.00,USD,2025-11-04T09:00:00Z
sale,in_3,,ana@example.com,30.00,USD,2025-12-05T09:00:00Z
refund,re_1,in_1,ana@example.com,10.00,USD,2025-11-06T09:00:00Z
sale,in_4,,eva@example.com,30.00,USD,2025-11-05T09:00:00Z
";

const START: &str = "[[promoter]]\nref_id = \"nora\"\n[[promoter]]\nref_id = \"omar\"\n\
    [[lead]]\nemail = \"ana@example.com\"\npromoter = \"nora\"\n\
    [[lead]]\nemail = \"ben@example.com\"\npromoter = \"omar\"\n";

const ALL: [&str; 4] = ["in_1", "in_2", "in_3", "re_1"];
const NOVEMBER: &[&str] = &["history", "mark-paid", "--until", "2025-11-30", "--json"];
const YEAR: &[&str] = &["history", "mark-paid", "--until", "2025-12-31", "--json"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Api {
    V1,
    V2,
}

/// An account whose sales were imported.
struct Import {
    place: Place,
    sandbox: SandboxProcess,
    api: Api,
}

impl Import {
    fn new(api: Api) -> Self {
        let import = Import::without_run(api);
        import.run(&["run", "a.csv", "--yes"]).expect(0);
        import
    }

    fn without_run(api: Api) -> Self {
        let place = Place::new();
        place.write("a.csv", &format!("{HEADER}{EXPORT}"));
        place.write("start.toml", START);
        let start = place.path("start.toml");
        let sandbox = SandboxProcess::start(&["--start", start.to_str().unwrap()]);
        Import {
            place,
            sandbox,
            api,
        }
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        match self.api {
            Api::V1 => self.place.command_to(&self.sandbox, arguments),
            Api::V2 => self.place.command_to_v2(&self.sandbox, arguments),
        }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran(self.command(arguments).output().unwrap())
    }

    /// Marks what is dated until then, and returns what is printed.
    fn mark(&self, arguments: &[&str], code: i32) -> Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--yes"]).collect();
        self.run(&arguments).expect(code).json()
    }

    /// The ids of the events whose commissions are paid.
    fn paid(&self) -> Vec<String> {
        let all = self.sandbox.get("/sandbox/commissions");
        let all = all.as_array().unwrap().iter();
        let paid = all.filter(|own| own["is_paid"] == true);
        let mut paid: Vec<String> = paid
            .map(|own| own["event_id"].as_str().unwrap().to_owned())
            .collect();
        paid.sort();
        paid
    }

    /// The requests for payouts, as `METHOD path`.
    fn payout_calls(&self) -> Vec<String> {
        let arrivals = self.sandbox.arrivals();
        let calls = arrivals.iter().filter_map(|arrival| {
            let path = arrival["path"].as_str().unwrap();
            let method = arrival["method"].as_str().unwrap();
            let is_call = path.contains("payout") && method != "GET";
            is_call.then(|| format!("{method} {}", path.trim_start_matches("/api/")))
        });
        calls.collect()
    }

    fn payouts(&self) -> Vec<Value> {
        let listed = self.sandbox.list_v2(KEY, "company/payouts?per_page=100");
        listed.as_array().unwrap().clone()
    }

    /// Checks that each commission is in one payout at most, and that payouts and commissions agree.
    fn expect_sound_payouts(&self) {
        let mut seen = BTreeSet::new();
        for payout in self.payouts() {
            let id = &payout["id"];
            let path = format!("company/commissions?per_page=100&filters[payout_id]={id}");
            let content = self.sandbox.list_v2(KEY, &path);
            let content = content.as_array().unwrap();
            for own in content {
                assert!(seen.insert(own["id"].to_string()), "{own} is paid twice");
                assert_eq!(own["is_paid"], payout["status"] == "completed");
            }
            let sum: i64 = content
                .iter()
                .filter_map(|own| own["amount"].as_i64())
                .sum();
            assert_eq!(payout["amount"], sum);
        }
    }

    fn report(&self, printed: &Value) -> Vec<BTreeMap<String, String>> {
        let directory = printed["report_dir"].as_str().unwrap();
        let rows = self.place.csv(&format!("{directory}/marked_paid.csv"));
        let (header, rows) = rows.split_first().unwrap();
        let rows = rows.iter().map(|row| {
            let cells = header.iter().cloned().zip(row.iter().cloned());
            cells.collect()
        });
        rows.collect()
    }

    /// The state and the reason of an event's commission in the report.
    fn state(&self, printed: &Value, event_id: &str) -> (String, String) {
        let rows = self.report(printed);
        let row = rows.iter().find(|row| row["event_id"] == event_id).unwrap();
        (row["state"].clone(), row["reason"].clone())
    }
}

fn count(printed: &Value, state: &str) -> u64 {
    printed["commissions"][state]["count"].as_u64().unwrap_or(0)
}

#[test]
fn version_2_marks_what_is_dated_in_the_range_and_nothing_else() {
    let import = Import::new(Api::V2);
    let printed = import.mark(NOVEMBER, 0);
    assert_eq!(import.paid(), ["in_1", "in_2", "re_1"]);
    assert_eq!(
        printed["commissions"],
        json!({"marked": {"count": 3, "commission_cents": 1980 + 400 - 200}})
    );
    let rows = import.report(&printed);
    let sums: Vec<_> = rows.iter().filter(|row| row["kind"] == "sum").collect();
    assert_eq!(sums.len(), 2);
    assert_eq!(sums[0]["promoter_email"], "nora@example.com");
    assert_eq!(
        (&*sums[0]["commission_cents"], &*sums[0]["commissions"]),
        ("1780", "2")
    );
    import.expect_sound_payouts();

    // A second call has nothing to ask for, and one with a later day has only the rest.
    let calls = import.payout_calls();
    let again = import.mark(NOVEMBER, 0);
    assert_eq!(
        (count(&again, "marked"), count(&again, "marked_before")),
        (0, 3)
    );
    assert_eq!(import.payout_calls(), calls);
    let later = import.mark(YEAR, 0);
    assert_eq!(
        (count(&later, "marked"), count(&later, "marked_before")),
        (1, 3)
    );
    assert_eq!(import.paid(), ALL);
    import.expect_sound_payouts();
    import.run(&["journal", "check"]).expect(0);
}

#[test]
fn version_1_marks_a_promoter_whose_every_unpaid_commission_is_in_the_range() {
    let import = Import::new(Api::V1);
    let printed = import.mark(NOVEMBER, 1);
    assert_eq!(import.paid(), ["in_2"]);
    assert_eq!(
        (count(&printed, "marked"), count(&printed, "not_marked")),
        (1, 2)
    );
    let (state, reason) = import.state(&printed, "in_1");
    assert_eq!(state, "not_marked");
    assert!(reason.contains("later `--until`"), "{reason}");
    assert_eq!(printed["problems"][0]["code"], "history-not-marked");
    assert_eq!(
        import.payout_calls(),
        ["POST v1/payouts/create", "PUT v1/payouts/update"]
    );
    let printed = import.mark(YEAR, 0);
    assert_eq!(
        (count(&printed, "marked"), count(&printed, "marked_before")),
        (3, 1)
    );
    assert_eq!(import.paid(), ALL);
    import.expect_sound_payouts();
}

#[test]
fn runs_that_are_named_are_the_only_ones() {
    let import = Import::new(Api::V2);
    let more = "sale,in_9,,ben@example.com,50.00,USD,2025-11-20T09:00:00Z\n";
    import.place.write("b.csv", &format!("{HEADER}{more}"));
    let report = import.run(&["run", "b.csv", "--yes", "--json"]).expect(0);
    let run = report.json()["run"].as_str().unwrap().to_owned();
    let arguments = [NOVEMBER, &[&*run]].concat();
    let printed = import.mark(&arguments, 0);
    assert_eq!(count(&printed, "marked"), 1);
    assert_eq!(import.paid(), ["in_9"]);
    let arguments = [NOVEMBER, &["no-such-run"]].concat();
    import.mark(&arguments, 3);
}

#[test]
fn nothing_is_sent_before_somebody_says_yes() {
    let import = Import::new(Api::V2);
    let ran = import.run(NOVEMBER).expect(2);
    assert_eq!(count(&ran.json(), "to_mark"), 3);
    assert_eq!(ran.json()["problems"][0]["code"], "not-confirmed");
    assert_eq!(import.payout_calls(), Vec::<String>::new());
    let import = Import::new(Api::V1);
    let words = "history mark-paid --until 2025-12-31";
    let url = &import.sandbox.base_url;
    let ran = import.place.run_on_a_terminal(url, words, "n\n").expect(0);
    assert!(
        ran.stdout().contains("To be marked as paid"),
        "{}",
        ran.stdout()
    );
    assert_eq!(import.payout_calls(), Vec::<String>::new());
    let ran = import.place.run_on_a_terminal(url, words, "y\n").expect(0);
    assert!(
        ran.stdout().contains("Nothing needs attention."),
        "{}",
        ran.stdout()
    );
    assert_eq!(import.paid(), ALL);
}

#[test]
fn what_is_paid_denied_or_unknown_is_left_alone_and_reported() {
    let import = Import::without_run(Api::V2);
    let more: String = (1..=6)
        .map(|n| format!("sale,x_{n},,ben@example.com,10.00,USD,2025-11-0{n}T09:00:00Z\n"))
        .collect();
    import
        .place
        .write("a.csv", &format!("{HEADER}{EXPORT}{more}"));
    import.run(&["run", "a.csv", "--yes"]).expect(0);
    let order = |change: Value| import.sandbox.post("/sandbox/commissions", &change);
    for (id, change) in [
        ("x_1", json!({"is_paid": true})),
        ("x_2", json!({"status": "denied"})),
        ("x_3", json!({"status": "pending"})),
        ("x_4", json!({"unit": "points"})),
        ("x_5", json!({"commission_type": "custom"})),
    ] {
        let mut change = change;
        change["action"] = "change".into();
        change["of"] = id.into();
        order(change);
    }
    order(json!({"action": "delete", "of": "x_6"}));
    let printed = import.mark(NOVEMBER, 1);
    assert_eq!(import.paid(), ["in_1", "in_2", "re_1", "x_1"]);
    for (id, state) in [
        ("x_1", "already_paid"),
        ("x_2", "denied"),
        ("x_3", "not_approved"),
        ("x_4", "not_money"),
        ("x_5", "not_marked"),
        ("x_6", "not_found"),
    ] {
        assert_eq!(import.state(&printed, id).0, state, "{id}");
    }
}

#[test]
fn a_payout_that_pays_others_too_is_left_alone() {
    let import = Import::new(Api::V2);
    import.sandbox.track(
        "sale",
        "email=ben@example.com&event_id=live&amount=700&created_at=2026-01-01T00:00:00Z",
    );
    // Omar's two, one of which is not this journal's, are in one payout.
    let line = "company/commissions/generate_payouts";
    let all = import
        .sandbox
        .list_v2(KEY, "company/commissions?per_page=100");
    let of = |event_id: &str| {
        let mut all = all.as_array().unwrap().iter();
        all.find(|own| own["event_id"] == event_id).unwrap()["id"].clone()
    };
    import
        .sandbox
        .post_v2(KEY, line, &json!({"ids": [of("in_2"), of("live")]}));
    let printed = import.mark(YEAR, 1);
    assert_eq!(import.paid(), ["in_1", "in_3", "re_1"]);
    let (state, reason) = import.state(&printed, "in_2");
    assert_eq!(state, "not_marked");
    assert!(reason.contains("pays 1 more"), "{reason}");
    import.expect_sound_payouts();
}

#[test]
fn a_payout_since_the_import_leaves_a_promoter_of_version_1_alone() {
    let import = Import::new(Api::V1);
    import.sandbox.post(
        "/sandbox/payouts",
        &json!({"promoter": "omar", "amount_cents": 400, "status": "completed",
            "created_at": "2030-01-01T00:00:00Z", "paid_at": "2030-01-01T00:00:00Z"}),
    );
    import.sandbox.post(
        "/sandbox/payouts",
        &json!({"promoter": "nora", "amount_cents": 400, "status": "pending",
            "created_at": "2020-01-01T00:00:00Z"}),
    );
    let printed = import.mark(YEAR, 1);
    assert_eq!(import.paid(), Vec::<String>::new());
    let (_, reason) = import.state(&printed, "in_2");
    assert!(reason.contains("made since the import"), "{reason}");
    let (_, reason) = import.state(&printed, "in_1");
    assert!(reason.contains("which is pending"), "{reason}");
    assert_eq!(import.payout_calls(), Vec::<String>::new());
}

#[test]
fn a_sale_that_was_undone_is_not_marked() {
    let import = Import::without_run(Api::V2);
    let report = import.run(&["run", "a.csv", "--yes", "--json"]).expect(0);
    let run = report.json()["run"].as_str().unwrap().to_owned();
    import.run(&["undo", &run, "--yes"]).expect(0);
    let printed = import.mark(YEAR, 0);
    assert_eq!(count(&printed, "undone"), 4);
    assert_eq!(import.payout_calls(), Vec::<String>::new());
}

/// The command for an item names the report of the undo, which has it.
fn expect_named(undone: &Value, attention: &Value) {
    let report = undone["report_dir"].as_str().unwrap();
    let command = attention["command"].as_str().unwrap();
    assert!(
        command.contains(&format!("accept {report}/tracked.csv")),
        "{command}"
    );
}

#[test]
fn paid_commissions_of_sales_that_were_undone_since_are_named_until_somebody_settles_them() {
    for api in [Api::V1, Api::V2] {
        let import = Import::without_run(api);
        let report = import.run(&["run", "a.csv", "--yes", "--json"]).expect(0);
        let run = report.json()["run"].as_str().unwrap().to_owned();
        let printed = import.mark(YEAR, 0);
        assert_eq!(printed["paid_of_undone_sales"], json!([]), "{api:?}");
        let status = || import.run(&["status", "--json"]).expect(0).json()["attention"].clone();
        assert_eq!(status(), json!([]), "{api:?}");
        // The undo itself, `status` and `mark-paid` say the same.
        let undone = import
            .run(&["undo", &run, "--yes", "--json"])
            .expect(1)
            .json();
        // A later run over exports does not change which report has them.
        import.run(&["run", "a.csv", "--yes", "--json"]).expect(0);
        for attention in [&undone["attention"], &status()] {
            assert_eq!(attention[0]["code"], "undo_paid", "{api:?}: {attention}");
            assert_eq!(attention[0]["count"], 3, "{api:?}: {attention}");
            expect_named(&undone, &attention[0]);
        }
        let calls = import.payout_calls();
        let printed = import.mark(YEAR, 1);
        let owed = |printed: &Value| {
            let all = printed["paid_of_undone_sales"].as_array().unwrap().iter();
            let all = all.map(|own| {
                let email = own["promoter_email"].as_str().unwrap().to_owned();
                (
                    email,
                    own["commissions"].clone(),
                    own["commission_cents"].clone(),
                )
            });
            all.collect::<Vec<_>>()
        };
        assert_eq!(
            owed(&printed),
            [
                ("nora@example.com".to_owned(), json!(3), json!(2380)),
                ("omar@example.com".to_owned(), json!(1), json!(400))
            ],
            "{api:?}"
        );
        let problems = printed["problems"].as_array().unwrap();
        assert_eq!(problems[0]["code"], "undo-paid", "{api:?}");
        let words = &YEAR[..YEAR.len() - 1];
        let words: Vec<&str> = words.iter().copied().chain(["--yes"]).collect();
        let said = import.run(&words).expect(1);
        let shown = said.stdout();
        assert!(
            shown.contains("Commissions of undone sales that are marked as paid:\n  promoter "),
            "{shown}"
        );
        assert!(
            shown.contains("nora@example.com            3  23.80"),
            "{shown}"
        );
        assert!(
            said.stderr().contains("27.80 USD of 2 promoters"),
            "{}",
            said.stderr()
        );
        // What the undo takes is denied: the promoters owe nothing.
        for sale in ["in_1", "in_2", "in_3"] {
            let order =
                json!({"action": "change", "of": format!("{sale}_undo"), "status": "denied"});
            import.sandbox.post("/sandbox/commissions", &order);
        }
        let printed = import.mark(YEAR, 0);
        assert_eq!(owed(&printed), []);
        assert_eq!(import.payout_calls(), calls, "{api:?}");
        assert_eq!(status(), json!([]), "{api:?}");
    }
}

#[test]
fn somebody_accepts_that_undone_sales_are_paid() {
    for api in [Api::V1, Api::V2] {
        let import = Import::without_run(api);
        let report = import.run(&["run", "a.csv", "--yes", "--json"]).expect(0);
        let run = report.json()["run"].as_str().unwrap().to_owned();
        import.mark(YEAR, 0);
        let undone = import
            .run(&["undo", &run, "--yes", "--json"])
            .expect(1)
            .json();
        let command = undone["attention"][0]["command"].as_str().unwrap();
        let words = command.replace("TEXT", "withheld").replace("fprecon ", "");
        import.run(&words.split(' ').collect::<Vec<_>>()).expect(0);
        let status = import.run(&["status", "--json"]).expect(0).json();
        assert_eq!(status["attention"], json!([]), "{api:?}");
        import.mark(YEAR, 0);
        // A later refund of an undone sale is not sent.
        let rows = "refund,re_9,in_2,ben@example.com,5.00,USD,2025-12-06T09:00:00Z\n";
        import
            .place
            .write("b.csv", &format!("{HEADER}{EXPORT}{rows}"));
        let ran = import.run(&["run", "b.csv", "--yes"]);
        assert!(
            !ran.stderr().contains("has not done so yet"),
            "{}",
            ran.stderr()
        );
        let events = import.sandbox.events();
        assert!(
            events.iter().all(|own| own["event_id"] != "re_9"),
            "{api:?}"
        );
    }
}

/// What Ana's promoter has not been paid beside the sale to mark comes to nothing: a sale that was refunded, and one that is
/// later.
#[test]
fn a_payout_of_version_1_that_would_pay_others_that_come_to_nothing_is_not_made() {
    const BRAINTREE: &str = "Transaction ID,Transaction Type,Transaction Status,Amount Submitted For Settlement,Tax Amount,Currency ISO Code,Created Datetime,Created Timezone,Customer ID,Customer Email,Refunded Transaction ID\n";
    let braintree = format!(
        "{BRAINTREE}t1,sale,settled,50.00,0.00,USD,11/03/2025 10:00:00,UTC,,ana@example.com,\n\
         t2,credit,settled,-50.00,0.00,USD,12/02/2025 10:00:00,UTC,,ana@example.com,t1\n\
         t3,sale,settled,50.00,0.00,USD,12/01/2025 10:00:00,UTC,,ana@example.com,\n"
    );
    let own = format!(
        "{HEADER}sale,t1,,ana@example.com,50.00,USD,2025-11-03T09:00:00Z\n\
         refund,t2,t1,ana@example.com,50.00,USD,2025-12-02T09:00:00Z\n\
         sale,t3,,ana@example.com,50.00,USD,2025-12-01T09:00:00Z\n"
    );
    let of_others = format!("{HEADER}sale,t1,,ana@example.com,50.00,USD,2025-11-03T09:00:00Z\n");
    for (export, is_live) in [(&braintree, false), (&own, false), (&of_others, true)] {
        let import = Import::without_run(Api::V1);
        import.place.write("a.csv", export);
        import.run(&["run", "a.csv", "--yes"]).expect(0);
        if is_live {
            let sale = "event_id=live&email=ana@example.com&amount=2000";
            import.sandbox.track("sale", sale);
            let refund = "event_id=live_r&sale_event_id=live&email=ana@example.com&amount=2000";
            import.sandbox.track("refund", refund);
        }
        let printed = import.mark(NOVEMBER, 1);
        assert_eq!(import.paid(), [""; 0], "{printed:#}");
        assert_eq!(import.payout_calls(), [""; 0]);
        let rows = import.report(&printed);
        let said = rows
            .iter()
            .any(|row| row["reason"].contains("come to 0 together"));
        assert!(said, "{rows:?}");
        if !is_live {
            import.mark(YEAR, 0);
            assert_eq!(import.paid(), ["t1", "t2", "t3"]);
        }
    }
}

#[test]
fn a_lost_answer_is_looked_up_and_nothing_is_asked_for_twice() {
    for api in [Api::V1, Api::V2] {
        for skip in 0..2 {
            let import = Import::new(api);
            import.sandbox.fault(
                &json!({"action": "reset", "kind": "payout", "skip": skip, "after_effect": true}),
            );
            let printed = import.mark(YEAR, 0);
            assert_eq!(count(&printed, "marked"), 4, "{api:?} {skip}");
            assert_eq!(import.paid(), ALL);
            assert_eq!(
                import.payout_calls().len(),
                4,
                "{:?}",
                import.payout_calls()
            );
            import.expect_sound_payouts();
        }
    }
}

#[test]
fn what_the_api_does_not_allow_is_reported() {
    for (api, status, code) in [
        (Api::V1, 422, 1),
        (Api::V2, 422, 1),
        (Api::V2, 404, 1),
        (Api::V1, 401, 4),
        (Api::V2, 403, 4),
    ] {
        let import = Import::new(api);
        import.sandbox.fault(
            &json!({"action": "status", "status": status, "kind": "payout", "percent": 100}),
        );
        let printed = import.mark(YEAR, code);
        assert_eq!(count(&printed, "not_marked"), 4, "{api:?} {status}");
        assert_eq!(import.paid(), Vec::<String>::new());
        // Once that is mended, the same command marks all.
        import.sandbox.forget_faults();
        let printed = import.mark(YEAR, 0);
        assert_eq!(count(&printed, "marked"), 4, "{api:?} {status}");
        assert_eq!(import.paid(), ALL);
        import.expect_sound_payouts();
    }
}

#[test]
fn row_h_without_a_complete_list_nothing_is_sent_and_nothing_counts_as_marked() {
    for api in [Api::V1, Api::V2] {
        let import = Import::new(api);
        let broken = json!({"action": "status", "status": 400, "kind": "listing", "percent": 100});
        import.sandbox.fault(&broken);
        import.mark(YEAR, 5);
        assert_eq!(import.payout_calls(), Vec::<String>::new());
        // The lists before the last mark can be read, and none after it.
        import.sandbox.forget_faults();
        let plan = import.run(YEAR).expect(2).json();
        let reads = plan["requests"].as_u64().unwrap();
        let skip = reads + if api == Api::V1 { 1 } else { 9 };
        let broken = json!({"action": "status", "status": 400, "kind": "listing", "skip": skip, "percent": 100});
        import.sandbox.fault(&broken);
        let printed = import.mark(YEAR, 5);
        assert_eq!(
            (count(&printed, "marked"), count(&printed, "unconfirmed")),
            (0, 4),
            "{printed:#}"
        );
        import.sandbox.forget_faults();
        let printed = import.mark(YEAR, 0);
        assert_eq!(count(&printed, "marked"), 4);
        assert_eq!(
            import.payout_calls().len(),
            4,
            "{:?}",
            import.payout_calls()
        );
        import.expect_sound_payouts();
    }
}

/// Kills the program while each request for a payout is under way, before it has taken effect and after.
#[test]
fn row_h1_a_kill_between_a_request_for_a_payout_and_its_answer_marks_nothing_twice() {
    for api in [Api::V1, Api::V2] {
        for (skip, after_effect) in [
            (0, true),
            (0, false),
            (1, true),
            (2, true),
            (2, false),
            (3, true),
        ] {
            let what = format!("{api:?}, request {skip}, took effect: {after_effect}");
            let import = Import::new(api);
            import.sandbox.fault(
                &json!({"action": "drop", "delay_ms": 600_000, "kind": "payout",
                "skip": skip, "after_effect": after_effect}),
            );
            let arguments = [YEAR, &["--yes"]].concat();
            let mut child = import
                .command(&arguments)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            wait_until("the request for a payout", || {
                import.payout_calls().len() > skip
            });
            child.kill().unwrap();
            child.wait().unwrap();
            import.sandbox.forget_faults();
            let before = import.paid();
            let printed = import.mark(YEAR, 0);
            assert_eq!(count(&printed, "marked"), 4, "{what}: {printed:#}");
            assert_eq!(import.paid(), ALL, "{what}");
            assert!(before.len() <= 4, "{what}");
            import.expect_sound_payouts();
            let calls = 4 + usize::from(!after_effect);
            assert_eq!(
                import.payout_calls().len(),
                calls,
                "{what}: {:?}",
                import.payout_calls()
            );
            let again = import.mark(YEAR, 0);
            assert_eq!(count(&again, "marked_before"), 4, "{what}");
            assert_eq!(import.payouts().len(), 2, "{what}");
            import.run(&["journal", "check"]).expect(0);
        }
    }
}

#[test]
fn an_interruption_ends_after_the_request_that_is_under_way() {
    for api in [Api::V1, Api::V2] {
        let import = Import::new(api);
        let slow = json!({"action": "delay", "delay_ms": 1000, "kind": "payout", "percent": 100});
        import.sandbox.fault(&slow);
        let arguments = [YEAR, &["--yes"]].concat();
        let child = import
            .command(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_until("a request for a payout", || {
            !import.payout_calls().is_empty()
        });
        let pid = child.id().to_string();
        std::process::Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap();
        let printed = end_of(child).expect(130).json();
        assert_eq!(count(&printed, "not_marked"), 4, "{printed:#}");
        assert_eq!(printed["problems"][0]["code"], "interrupted");
        assert_eq!(import.payout_calls().len(), 1);
        import.sandbox.forget_faults();
        let printed = import.mark(YEAR, 0);
        assert_eq!(count(&printed, "marked"), 4, "{api:?}");
        assert_eq!(
            import.payout_calls().len(),
            4,
            "{:?}",
            import.payout_calls()
        );
        import.expect_sound_payouts();
    }
}

#[test]
fn the_sandbox_in_the_program_has_no_commissions_to_mark() {
    let place = Place::new();
    let arguments = ["history", "mark-paid", "--until", "2025-12-31", "--sandbox"];
    let ran = place.run(&arguments).expect(2);
    assert!(ran.stderr().contains("starts empty"), "{}", ran.stderr());
}

#[test]
fn a_sale_whose_answer_was_lost_has_its_promoter_from_the_list() {
    for api in [Api::V1, Api::V2] {
        let import = Import::without_run(api);
        import
            .sandbox
            .fault(&json!({"action": "reset", "event_id": "in_2", "after_effect": true}));
        import
            .run(&["run", "a.csv", "--yes", "--dir", "out"])
            .expect(0);
        // Nothing said whose its commission is: the report has it without a promoter and an amount.
        let listed = import.place.csv("out/unpaid_history.csv");
        let row = listed.iter().find(|row| row[3] == "in_2").unwrap();
        assert_eq!((&*row[0], &*row[1], &*row[7]), ("", "", ""), "{api:?}");
        let sum = listed
            .iter()
            .find(|row| row[2] == "sum" && row[0].is_empty());
        assert_eq!(sum.unwrap()[7..], ["", "1"], "{api:?}");
        let printed = import.mark(YEAR, 0);
        assert_eq!(count(&printed, "marked"), 4, "{api:?}");
        let rows = import.report(&printed);
        let row = rows.iter().find(|row| row["event_id"] == "in_2").unwrap();
        assert_eq!(row["promoter_email"], "omar@example.com", "{api:?}");
        assert_eq!(row["commission_cents"], "400", "{api:?}");
    }
}

#[test]
fn a_sale_whose_answer_was_lost_and_that_no_list_has_is_to_be_looked_up_by_hand() {
    let import = Import::without_run(Api::V2);
    import
        .sandbox
        .fault(&json!({"action": "reset", "event_id": "in_2", "after_effect": true}));
    import.run(&["run", "a.csv", "--yes"]).expect(0);
    let gone = json!({"action": "delete", "of": "in_2"});
    import.sandbox.post("/sandbox/commissions", &gone);
    let printed = import.mark(YEAR, 1);
    let (state, reason) = import.state(&printed, "in_2");
    assert_eq!(state, "not_found");
    assert!(reason.contains("by hand under Payouts"), "{reason}");
    assert_eq!(import.paid(), ["in_1", "in_3", "re_1"]);
}

#[test]
fn a_report_that_can_not_be_written_is_written_by_the_command_of_the_hint() {
    let import = Import::new(Api::V2);
    import.place.write("blocked", "");
    let words = "history mark-paid --until 2025-12-31 --yes";
    let arguments = [&YEAR[..4], &["--yes", "--dir", "blocked/x"]].concat();
    let ran = import.run(&arguments).expect(1);
    let said = ran.stderr();
    assert!(
        said.contains("the report blocked/x can't be written"),
        "{said}"
    );
    assert!(said.contains(&format!("then `fprecon {words}")), "{said}");
    assert!(ran.stdout().contains("marked as paid"), "{}", ran.stdout());
    assert_eq!(import.paid(), ALL);
    let arguments: Vec<&str> = words.split(' ').chain(["--json"]).collect();
    let printed = import.run(&arguments).expect(0).json();
    assert_eq!(count(&printed, "marked_before"), 4);
    assert_eq!(import.report(&printed).len(), 6);
}

#[test]
fn a_report_that_is_shared_names_no_promoter() {
    let import = Import::new(Api::V1);
    let arguments = [&YEAR[..4], &["--yes", "--redact", "--dir", "out"]].concat();
    let ran = import.run(&arguments).expect(0);
    let text = std::fs::read_to_string(import.place.path("out/marked_paid.csv")).unwrap();
    assert!(text.contains("email-") && text.contains("name-"), "{text}");
    let all = format!("{text}{}{}", ran.stdout(), ran.stderr());
    assert!(!all.contains('@') && !all.contains(",nora,"), "{all}");
    // The same promoter has the same token in the report of the run.
    import
        .run(&["report", "--redact", "--dir", "again"])
        .expect(0);
    let rows = import.place.csv("again/tracked.csv");
    let token = rows[1]
        .iter()
        .find(|cell| cell.starts_with("email-"))
        .unwrap();
    assert!(token.len() > 6);
    let promoters: BTreeSet<String> = rows[1..].iter().map(|row| row[15].clone()).collect();
    assert!(
        promoters.iter().any(|own| text.contains(own.as_str())),
        "{promoters:?}"
    );
}

#[test]
fn what_was_there_before_is_counted_and_the_verdict_is_not_clean() {
    for api in [Api::V1, Api::V2] {
        let import = Import::new(api);
        // The journal is lost, and a new one meets the same sales.
        let lost = ["--journal", "new.journal"];
        let again = [&["run", "a.csv", "--yes"][..], &lost].concat();
        // Its refunds are compared first.
        import.run(&again).expect(1);
        import.run(&again).expect(0);
        let mark = [YEAR, &["--yes"], &lost].concat();
        let printed = import.run(&mark).expect(1).json();
        assert_eq!(
            printed["commissions"]["already_tracked"],
            json!({"count": 4, "commission_cents": 1980 + 400 + 600 - 200}),
            "{api:?}"
        );
        assert_eq!(printed["problems"][0]["code"], "history-not-marked");
        let (state, reason) = import.state(&printed, "in_2");
        assert_eq!(state, "already_tracked");
        assert!(reason.contains("before this journal sent it"), "{reason}");
        assert_eq!(import.paid(), Vec::<String>::new(), "{api:?}");
        // What version 2 shows as paid is no question any more.
        import.mark(YEAR, 0);
        let printed = import.run(&mark).expect(i32::from(api == Api::V1)).json();
        let paid = if api == Api::V2 { 4 } else { 0 };
        assert_eq!(count(&printed, "already_paid"), paid, "{api:?}");
    }
}

#[test]
fn what_a_run_has_left_to_send_is_counted_and_the_verdict_is_not_clean() {
    for api in [Api::V1, Api::V2] {
        let import = Import::without_run(api);
        let first = ["run", "a.csv", "--yes", "--first", "1"];
        import.run(&first).expect(5);
        let printed = import.mark(YEAR, 1);
        assert_eq!(printed["not_settled"]["count"], 4, "{api:?}: {printed:#}");
        assert_eq!(printed["problems"][0]["code"], "history-not-marked");
        let message = printed["problems"][0]["message"].as_str().unwrap();
        assert!(message.contains("3 sales"), "{message}");
        let hint = printed["problems"][0]["hint"].as_str().unwrap();
        assert!(hint.contains("`fprecon resume`"), "{hint}");
        // Only what is dated in the range counts.
        let october = ["history", "mark-paid", "--until", "2025-10-31", "--json"];
        let printed = import.mark(&october, 0);
        assert_eq!(printed["not_settled"]["count"], 0);
        import.run(&["resume", "--yes"]).expect(0);
        let printed = import.mark(YEAR, 0);
        assert_eq!(printed["not_settled"]["count"], 0);
        assert_eq!(import.paid(), ALL, "{api:?}");
    }
}

#[test]
fn a_refund_that_its_export_does_not_date_is_not_taken_for_one_of_the_range() {
    for api in [Api::V1, Api::V2] {
        let import = Import::without_run(api);
        import.place.write(
            "a.csv",
            "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Refunded date (UTC),Status,Customer ID,Customer Email,Invoice ID\n\
             ch_1,2025-11-02 09:14:00,49.00,10.00,usd,true,,Paid,cus_ana,ana@example.com,in_1\n\
             ch_2,2025-11-04 12:00:00,120.00,0.00,usd,true,,Paid,cus_ben,ben@example.com,in_2\n",
        );
        import.run(&["run", "a.csv", "--yes"]).expect(0);
        let printed = import.mark(NOVEMBER, 1);
        let (state, reason) = import.state(&printed, "in_1_refund_1000");
        assert_eq!(state, "not_marked", "{api:?}");
        assert!(reason.contains("its export does not date it"), "{reason}");
        let marked: &[&str] = if api == Api::V1 {
            &["in_2"]
        } else {
            &["in_1", "in_2"]
        };
        assert_eq!(import.paid(), marked, "{api:?}");
        // A refund is older than the run that sent it.
        let all = ["history", "mark-paid", "--until", "2099-01-01", "--json"];
        import.mark(&all, i32::from(api == Api::V2));
    }
}

#[test]
fn a_mark_that_was_taken_back_needs_attention() {
    for api in [Api::V1, Api::V2] {
        let import = Import::new(api);
        let marked = import.mark(YEAR, 0);
        assert_eq!(
            import.mark(YEAR, 0)["commissions"]["marked_before"]["count"],
            4
        );
        match api {
            Api::V2 => {
                let change = json!({"action": "change", "of": "in_1", "is_paid": false});
                import.sandbox.post("/sandbox/commissions", &change);
            }
            Api::V1 => {
                let id = &import.payouts()[0]["id"];
                import.sandbox.change_payout(id, "pending");
            }
        }
        let again = import.mark(YEAR, 1);
        let taken_back = again["commissions"]["not_marked"]["count"].as_u64();
        assert!(taken_back >= Some(1), "{api:?}: {again:#} {marked:#}");
        let rows = import.report(&again);
        let said = rows
            .iter()
            .any(|row| row["reason"].contains("took its payout back"));
        assert!(said, "{rows:?}");
    }
}

#[test]
fn a_payout_that_was_left_open_is_said_until_it_is_settled() {
    for api in [Api::V1, Api::V2] {
        let import = Import::new(api);
        let fault = json!({"kind": "payout", "action": "delay", "delay_ms": 60_000, "skip": 1});
        import.sandbox.fault(&fault);
        let arguments: Vec<&str> = YEAR.iter().copied().chain(["--yes"]).collect();
        let mut command = import.command(&arguments);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_until("the second call is under way", || {
            import.payout_calls().len() >= 2
        });
        child.kill().unwrap();
        child.wait().unwrap();
        import.sandbox.forget_faults();
        let said = "may be pending: ";
        let status = import.run(&["status"]).expect(0);
        assert!(status.stderr().contains(said), "{}", status.stderr());
        assert!(!status.stdout().contains("Nothing needs attention"));
        let status = import.run(&["status", "--json"]).expect(0).json();
        assert_eq!(status["problems"][0]["code"], "payout-open");
        assert!(import.run(&["resume"]).expect(1).stderr().contains(said));
        let run = import.run(&["run", "a.csv", "--yes"]);
        assert!(run.stderr().contains(said), "{}", run.stderr());
        import.mark(YEAR, 0);
        let status = import.run(&["status"]).expect(0);
        assert!(!status.stderr().contains(said), "{}", status.stderr());
    }
}
