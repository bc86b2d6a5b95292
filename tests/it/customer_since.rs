//! `fprecon history customer-since`: leads are customers since their first sale. Real binary, real sandbox.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{KEY, Place, Ran, SandboxProcess, end_of, wait_until};

const HEADER: &str = "kind,event_id,sale_event_id,email,uid,amount,currency,created_at\n";

/// Ben is a customer since long ago, Eva is nobody's lead.
const EXPORT: &str = "\
sale,in_1,,ana@example.com,cus_ana,99.00,USD,2025-11-03T23:30:00Z
sale,in_2,,ben@example.com,,20.00,USD,2025-11-04T09:00:00Z
sale,in_3,,ana@example.com,cus_ana,30.00,USD,2025-12-05T09:00:00Z
refund,re_1,in_1,ana@example.com,cus_ana,99.00,USD,2025-11-06T09:00:00Z
sale,in_4,,eva@example.com,,30.00,USD,2025-11-05T09:00:00Z
sale,in_5,,dan@example.com,,30.00,USD,2025-11-07T09:00:00Z
";

const START: &str = "[[promoter]]\nref_id = \"nora\"\n\
    [[lead]]\nemail = \"ana@example.com\"\npromoter = \"nora\"\n\
    [[lead]]\nemail = \"ben@example.com\"\npromoter = \"nora\"\ncustomer_since = 2020-01-01\n\
    [[lead]]\nemail = \"dan@example.com\"\npromoter = \"nora\"\n";

const SINCE: &[&str] = &["history", "customer-since", "--json"];

/// An account whose sales were imported.
struct Import {
    place: Place,
    sandbox: SandboxProcess,
}

impl Import {
    fn new() -> Self {
        let place = Place::new();
        place.write("a.csv", &format!("{HEADER}{EXPORT}"));
        place.write("start.toml", START);
        let start = place.path("start.toml");
        let sandbox = SandboxProcess::start(&["--start", start.to_str().unwrap()]);
        let import = Import { place, sandbox };
        import.run(&["run", "a.csv", "--yes"]).expect(0);
        import
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.place.command_to(&self.sandbox, arguments)
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran(self.command(arguments).output().unwrap())
    }

    fn set(&self, code: i32) -> Value {
        let arguments = [SINCE, &["--yes"]].concat();
        self.run(&arguments).expect(code).json()
    }

    /// Since when the account has the leads as customers, by their emails, to the second.
    fn dates(&self) -> BTreeMap<String, String> {
        let leads = self.sandbox.list_v2(KEY, "company/referrals?per_page=100");
        let leads = leads.as_array().unwrap().iter().map(|lead| {
            let text = |name: &str| lead[name].as_str().unwrap_or_default().to_owned();
            let since = text("customer_since").chars().take(19).collect();
            (text("email"), since)
        });
        leads.collect()
    }

    fn calls(&self) -> usize {
        let arrivals = self.sandbox.arrivals();
        let calls = arrivals
            .iter()
            .filter(|arrival| arrival["path"] == "/api/v1/leads/update");
        calls.count()
    }

    fn expect_dates(&self) {
        let dates = self.dates();
        assert_eq!(dates["ana@example.com"], "2025-11-03T23:30:00");
        assert_eq!(dates["ben@example.com"], "2020-01-01T00:00:00");
        assert_eq!(dates["dan@example.com"], "2025-11-07T09:00:00");
    }

    fn report(&self, printed: &Value) -> Vec<Vec<String>> {
        let directory = printed["report_dir"].as_str().unwrap();
        self.place.csv(&format!("{directory}/customer_since.csv"))
    }
}

#[test]
fn later_dates_are_set_to_the_first_sale_and_earlier_ones_are_left_alone() {
    let import = Import::new();
    let today = jiff::Timestamp::now().to_string();
    assert!(import.dates()["ana@example.com"][..10] >= today[..10]);
    let printed = import.set(0);
    assert_eq!(printed["leads"], json!({"set": 2, "early_enough": 1}));
    import.expect_dates();
    let report = import.report(&printed);
    assert_eq!(
        report[1][..4],
        ["ana@example.com", "cus_ana", "20000001", "set"]
    );
    assert!(report[1][4][..10] >= today[..10], "{report:?}");
    assert_eq!(report[1][5..7], ["2025-11-03T23:30:00Z", "in_1"]);
    assert_eq!(report[2][3..5], ["early_enough", "2020-01-01T00:00:00Z"]);
    assert_eq!(import.calls(), 2);

    let printed = import.set(0);
    assert_eq!(
        printed["leads"],
        json!({"set_before": 2, "early_enough": 1})
    );
    assert_eq!((import.calls(), &printed["requests"]), (2, &json!(1)));
    import.run(&["journal", "check"]).expect(0);

    // An earlier export moves the date once more, and runs that are named choose the leads.
    let earlier = "sale,in_0,,dan@example.com,,5.00,USD,2024-01-02T09:00:00Z\n";
    import.place.write("b.csv", &format!("{HEADER}{earlier}"));
    let ran = import.run(&["run", "b.csv", "--yes", "--json"]).expect(0);
    let run = ran.json()["run"].as_str().unwrap().to_owned();
    let arguments = [SINCE, &[&*run, "--yes"]].concat();
    let printed = import.run(&arguments).expect(0).json();
    assert_eq!(printed["leads"], json!({"set": 1}));
    assert_eq!(import.dates()["dan@example.com"], "2024-01-02T09:00:00");
}

#[test]
fn nothing_is_set_before_somebody_says_yes() {
    let import = Import::new();
    let ran = import.run(SINCE).expect(2);
    assert_eq!(ran.json()["leads"]["to_set"], 2);
    assert_eq!(ran.json()["problems"][0]["code"], "not-confirmed");
    let (url, words) = (&import.sandbox.base_url, "history customer-since");
    let ran = import.place.run_on_a_terminal(url, words, "n\n").expect(0);
    let shown = ran.stdout();
    assert!(
        shown.contains("ana@example.com: 2025-11-03 in place of "),
        "{shown}"
    );
    assert_eq!(import.calls(), 0);
    let ran = import.place.run_on_a_terminal(url, words, "y\n").expect(0);
    assert!(
        ran.stdout().contains("Nothing needs attention."),
        "{}",
        ran.stdout()
    );
    import.expect_dates();
}

#[test]
fn sales_that_somebody_sent_before_count_too() {
    let import = Import::new();
    // The refund is not sent before the account's list is read, which the second run does.
    let arguments = ["run", "a.csv", "--yes", "--journal", "new.journal"];
    import.run(&arguments).expect(1);
    import.run(&arguments).expect(0);
    let arguments = [SINCE, &["--yes", "--journal", "new.journal"]].concat();
    let printed = import.run(&arguments).expect(0).json();
    assert_eq!(printed["leads"], json!({"set": 2, "early_enough": 1}));
    import.expect_dates();
}

#[test]
fn what_leads_to_no_lead_or_to_two_is_left_alone_and_reported() {
    let place = Place::new();
    let start = START.replace("dan@example.com\"", "dan@example.com\"\nuid = \"cus_dan\"");
    place.write("start.toml", &start);
    let rows = "sale,in_1,,ana@example.com,cus_dan,9.00,USD,2025-11-03T23:30:00Z\n\
        sale,in_2,,ben@example.com,,9.00,USD,2025-11-03T23:30:00Z\n";
    place.write("a.csv", &format!("{HEADER}{rows}"));
    let start = place.path("start.toml");
    let sandbox = SandboxProcess::start(&["--start", start.to_str().unwrap()]);
    place.run_to(&sandbox, &["run", "a.csv", "--yes"]).expect(0);
    sandbox.post(
        "/sandbox/leads",
        &json!({"email": "ben@example.com", "promoter": "nora", "at": "2026-01-01T00:00:00Z"}),
    );
    let arguments = [SINCE, &["--yes", "--dir", "out"]].concat();
    let printed = place.run_to(&sandbox, &arguments).expect(1).json();
    assert_eq!(printed["leads"]["not_one_lead"], 1, "{printed}");
    let problem = &printed["problems"][0];
    assert_eq!(problem["code"], "customer-since-not-set");
    let hint = problem["hint"].as_str().unwrap();
    assert!(
        hint.starts_with("out/customer_since.csv has each"),
        "{hint}"
    );
    let rows = place.csv("out/customer_since.csv");
    let row = rows.iter().find(|row| row[6] == "in_1").unwrap();
    assert_eq!(row[3], "not_one_lead");
    assert!(row[7].contains("do not lead to one lead"), "{row:?}");
}

#[test]
fn version_2_has_no_call_for_it() {
    let import = Import::new();
    let arguments = ["history", "customer-since", "--yes"];
    let mut command = import.place.command_to_v2(&import.sandbox, &arguments);
    let ran = Ran(command.output().unwrap()).expect(3);
    assert!(
        ran.stderr().contains("has no call that sets"),
        "{}",
        ran.stderr()
    );
    assert!(ran.stderr().contains("its legacy key"), "{}", ran.stderr());
    // As the hint says, version 1 sets it.
    import.set(0);
    import.expect_dates();
}

#[test]
fn row_i_a_lost_answer_is_looked_up_and_a_date_is_asked_for_again_only_if_it_is_not_there() {
    for (after_effect, calls) in [(true, 2), (false, 3)] {
        let import = Import::new();
        import
            .sandbox
            .fault(&json!({"action": "reset", "kind": "change", "after_effect": after_effect}));
        let printed = import.set(0);
        assert_eq!(printed["leads"]["set"], 2, "{after_effect}");
        assert_eq!(import.calls(), calls, "{after_effect}");
        import.expect_dates();
    }
}

#[test]
fn row_i1_a_kill_between_a_request_and_its_answer_is_gone_on_with() {
    for (skip, after_effect) in [(0, true), (0, false), (1, true), (1, false)] {
        let import = Import::new();
        import.sandbox.fault(
            &json!({"action": "drop", "delay_ms": 600_000, "kind": "change",
            "skip": skip, "after_effect": after_effect}),
        );
        let mut child = import
            .command(&[SINCE, &["--yes"]].concat())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_until("the request for a date", || import.calls() > skip);
        child.kill().unwrap();
        child.wait().unwrap();
        import.sandbox.forget_faults();
        import.set(0);
        import.expect_dates();
        // A date that is there is not asked for again.
        let calls = 2 + usize::from(!after_effect);
        assert_eq!(import.calls(), calls, "{skip} {after_effect}");
        import.set(0);
        assert_eq!(import.calls(), calls);
        import.run(&["journal", "check"]).expect(0);
    }
}

#[test]
fn what_the_api_refuses_is_reported_and_can_be_tried_again() {
    for (status, code, state) in [
        (422, 1, "not_set"),
        (404, 1, "not_set"),
        (401, 4, "not_set"),
    ] {
        let import = Import::new();
        import.sandbox.fault(
            &json!({"action": "status", "status": status, "kind": "change", "percent": 100}),
        );
        let printed = import.set(code);
        assert_eq!(printed["leads"][state], 2, "{status}: {printed:#}");
        // What is refused for good is asked for once.
        assert_eq!(import.calls(), if code == 4 { 1 } else { 2 }, "{status}");
        import.sandbox.forget_faults();
        import.set(0);
        import.expect_dates();
    }
}

#[test]
fn row_i2_without_a_complete_list_nothing_is_sent_and_nothing_counts_as_set() {
    let import = Import::new();
    let broken = |skip: u64| {
        import.sandbox.fault(
            &json!({"action": "status", "status": 400, "kind": "listing",
            "skip": skip, "percent": 100}),
        );
    };
    broken(0);
    import.run(&[SINCE, &["--yes"]].concat()).expect(5);
    assert_eq!(import.calls(), 0);
    import.sandbox.forget_faults();
    broken(1);
    let printed = import.set(5);
    assert_eq!(printed["leads"]["unconfirmed"], 2, "{printed:#}");
    import.sandbox.forget_faults();
    let printed = import.set(0);
    assert_eq!(printed["leads"]["set_before"], 2);
    assert_eq!(import.calls(), 2);
    import.expect_dates();
}

#[test]
fn an_interruption_ends_after_the_request_that_is_under_way() {
    let import = Import::new();
    let slow = json!({"action": "delay", "delay_ms": 1000, "kind": "change", "percent": 100});
    import.sandbox.fault(&slow);
    let child = import
        .command(&[SINCE, &["--yes"]].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("a request for a date", || import.calls() > 0);
    let pid = child.id().to_string();
    Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let printed = end_of(child).expect(130).json();
    assert_eq!(printed["problems"][0]["code"], "interrupted");
    assert_eq!(import.calls(), 1);
    import.sandbox.forget_faults();
    import.set(0);
    import.expect_dates();
    assert_eq!(import.calls(), 2);
}

#[test]
fn a_report_that_can_not_be_written_is_written_by_the_command_of_the_hint() {
    let import = Import::new();
    import.place.write("blocked", "");
    let words = "history customer-since --yes";
    let ran = import.run(&["history", "customer-since", "--yes", "--dir", "blocked/x"]);
    let ran = ran.expect(1);
    let said = ran.stderr();
    assert!(
        said.contains("the report blocked/x can't be written"),
        "{said}"
    );
    assert!(said.contains(&format!("then `fprecon {words}")), "{said}");
    assert!(!ran.stdout().contains("Nothing needs"), "{}", ran.stdout());
    import.expect_dates();
    let arguments: Vec<&str> = words.split(' ').chain(["--json"]).collect();
    let printed = import.run(&arguments).expect(0).json();
    assert_eq!(import.report(&printed).len(), 4);
    assert_eq!(import.calls(), 2);
}

#[test]
fn a_report_that_is_shared_names_nobody() {
    let import = Import::new();
    let arguments = [
        "history",
        "customer-since",
        "--yes",
        "--redact",
        "--dir",
        "out",
    ];
    let ran = import.run(&arguments).expect(0);
    let text = std::fs::read_to_string(import.place.path("out/customer_since.csv")).unwrap();
    assert!(text.contains("email-"), "{text}");
    assert!(
        !format!("{text}{}{}", ran.stdout(), ran.stderr()).contains('@'),
        "{text}"
    );
}

#[test]
fn the_date_of_a_sale_that_was_undone_is_corrected_or_named() {
    let import = Import::new();
    let first = "sale,in_0,,ana@example.com,cus_ana,10.00,USD,2025-10-01T09:00:00Z\n";
    import.place.write("b.csv", &format!("{HEADER}{first}"));
    let name = |report: Value| report["run"].as_str().unwrap().to_owned();
    let second = name(
        import
            .run(&["run", "b.csv", "--yes", "--json"])
            .expect(0)
            .json(),
    );
    import.set(0);
    assert_eq!(import.dates()["ana@example.com"], "2025-10-01T09:00:00");

    import.run(&["undo", &second, "--yes"]).expect(0);
    let printed = import.set(0);
    assert_eq!(printed["leads"]["set"], 1, "{printed:#}");
    import.expect_dates();
    assert_eq!(import.set(0)["leads"]["set"], Value::Null);

    // Dan has no other sale. Ana's was refunded, and not undone. Ben's date was not set.
    let runs = import.run(&["status", "--json"]).expect(0).json();
    let runs = runs["runs"].as_array().unwrap().clone();
    let first = runs.last().unwrap()["run"].as_str().unwrap().to_owned();
    import.run(&["undo", &first, "--yes"]).expect(0);
    let printed = import.set(1);
    assert_eq!(printed["leads"]["not_set"], 1, "{printed:#}");
    let rows = import.report(&printed);
    let row = rows
        .iter()
        .find(|row| row.join(",").contains("dan@example.com"));
    let row = row.unwrap().join(",");
    assert!(row.contains("no other sale is left"), "{row}");
    import.expect_dates();
}
