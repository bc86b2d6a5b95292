//! `--lead-list`: the account's leads, fetched first, settle the events of all others.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{
    Payment, Place, Ran, SandboxProcess, Server, respond, stripe_export, wait_for_arrivals,
};
use serde_json::{Value, json};

const RUN: &[&str] = &["run", "payments.csv", "--yes", "--json"];
const LISTED: &[&str] = &["run", "payments.csv", "--yes", "--json", "--lead-list"];

/// 300 customers with a sale each. 60 of them are leads, and the account has 60 others.
fn set_up() -> (Place, SandboxProcess) {
    set_up_with(&[])
}

fn set_up_with(options: &[&str]) -> (Place, SandboxProcess) {
    let place = Place::new();
    let payments: Vec<Payment> = (1..=300).map(|n| Payment::paid(n, n)).collect();
    place.write("payments.csv", &stripe_export(&payments));
    let mut leads = String::from("email,uid,promoter,state,plan,customer_since\n");
    for n in 1..=60 {
        // Half of them are known by one name only, and in another case.
        match n % 2 {
            0 => leads.push_str(&format!("User{}@Example.com,,nora,active,,\n", n * 5)),
            _ => leads.push_str(&format!(",cus_{:04},nora,active,,\n", n * 5)),
        }
        leads.push_str(&format!("other{n}@example.com,other_{n},nora,signup,,\n"));
    }
    place.write("leads.csv", &leads);
    let start = place.path("leads.csv");
    let mut all = vec!["--start", start.to_str().unwrap()];
    all.extend(options);
    let sandbox = SandboxProcess::start(&all);
    (place, sandbox)
}

fn command(place: &Place, sandbox: &SandboxProcess, version: &str, arguments: &[&str]) -> Command {
    match version {
        "v1" => place.command_to(sandbox, arguments),
        _ => place.command_to_v2(sandbox, arguments),
    }
}

fn run(place: &Place, sandbox: &SandboxProcess, version: &str, arguments: &[&str]) -> Ran {
    Ran(command(place, sandbox, version, arguments)
        .output()
        .unwrap())
}

fn outcome(report: &Value, name: &str) -> u64 {
    report["outcomes"][name]["count"].as_u64().unwrap_or(0)
}

/// Requests for the list, and for events.
fn requests(sandbox: &SandboxProcess) -> (usize, usize) {
    let arrivals = sandbox.arrivals();
    let listed = arrivals.iter().filter(|arrival| arrival["method"] == "GET");
    let listed = listed.count();
    (listed, arrivals.len() - listed)
}

#[test]
fn events_of_customers_who_are_no_leads_are_settled_without_asking() {
    // 120 leads: three pages of 50; in v2, two of 100 and one that is empty.
    for version in ["v1", "v2"] {
        let (place, sandbox) = set_up();
        let ran = run(&place, &sandbox, version, LISTED).expect(0);
        let report = ran.json();
        assert_eq!(outcome(&report, "tracked"), 60, "{version}");
        assert_eq!(outcome(&report, "non_referral"), 240, "{version}");
        assert_eq!(requests(&sandbox), (3, 60), "{version}");
        assert_eq!(report["requests"], 63, "{version}");
        assert!(ran.stderr().contains("120 leads"), "{}", ran.stderr());
        let file = format!(
            "{}/non_referral.csv",
            report["report_dir"].as_str().unwrap()
        );
        assert_eq!(place.read(&file).matches("list of leads").count(), 240);

        // What is asked one by one comes to the same.
        let (place, sandbox) = set_up();
        let report = run(&place, &sandbox, version, RUN).expect(0).json();
        assert_eq!(outcome(&report, "tracked"), 60, "{version}");
        assert_eq!(outcome(&report, "non_referral"), 240, "{version}");
        assert_eq!(requests(&sandbox), (0, 300), "{version}");
    }
}

#[test]
fn plan_says_what_each_way_costs_and_sends_nothing() {
    for version in ["v1", "v2"] {
        let (place, sandbox) = set_up();
        let arguments = ["plan", "payments.csv", "--json", "--lead-list"];
        let plan = run(&place, &sandbox, version, &arguments).expect(0).json();
        assert_eq!(plan["estimate"]["requests"], 63);
        let list = json!({
            "leads": 120, "requests": 3, "requests_without": 300, "seconds_without": 1
        });
        assert_eq!(plan["estimate"]["lead_list"], list);
        assert_eq!(requests(&sandbox), (3, 0));
        let arguments = ["plan", "payments.csv", "--lead-list"];
        let said = run(&place, &sandbox, version, &arguments)
            .expect(0)
            .stdout();
        assert!(
            said.contains("63 requests") && said.contains("300 requests"),
            "{said}"
        );
    }
}

#[test]
fn whoever_could_become_a_lead_by_the_job_is_asked_for() {
    let place = Place::new();
    place.write(
        "payments.csv",
        "kind,event_id,email,amount,created_at,promo_code,ref_id\n\
         sale,s1,ina@example.com,1.00,2026-01-01,,\n\
         sale,s2,ina@example.com,2.00,2026-01-02,NORA,\n\
         sale,s3,ina@example.com,3.00,2026-01-03,,\n\
         signup,u1,olu@example.com,,2026-01-09,,nora\n\
         sale,s4,olu@example.com,4.00,2026-01-01,,\n\
         sale,s5,ugo@example.com,5.00,2026-01-01,,\n",
    );
    place.write(
        "start.toml",
        "other_promo_codes = \"nora\"\n[[promoter]]\nref_id = \"nora\"\n\
         [[lead]]\nemail = \"somebody@example.com\"\npromoter = \"nora\"\n",
    );
    let start = place.path("start.toml");
    let sandbox = SandboxProcess::start(&["--start", start.to_str().unwrap()]);
    let mut run = place.command_to(&sandbox, LISTED);
    run.env("FPRECON_INFER_NON_REFERRALS", "false");
    let report = Ran(run.output().unwrap()).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 4, "s2, s3, u1, s4");
    assert_eq!(
        outcome(&report, "non_referral"),
        2,
        "s1, and s5 without asking"
    );
    assert_eq!(requests(&sandbox), (1, 5));
}

#[test]
fn a_list_with_a_page_that_fails_is_not_trusted() {
    for version in ["v1", "v2"] {
        let (place, sandbox) = set_up();
        sandbox.fault(&json!({"action": "status", "status": 404, "kind": "listing", "skip": 1}));
        let ran = run(&place, &sandbox, version, LISTED).expect(0);
        assert_eq!(outcome(&ran.json(), "tracked"), 60);
        assert_eq!(requests(&sandbox), (2, 300), "{version}");
        let said = ran.stderr();
        assert!(said.contains("list of leads is not used: page 2"), "{said}");
    }
}

#[test]
fn pages_are_asked_for_again_under_the_rules_of_events() {
    let (place, sandbox) = set_up();
    for fault in [
        json!({"action": "status", "status": 500, "kind": "listing", "skip": 1}),
        json!({"action": "cut", "kind": "listing"}),
        json!({"action": "status", "status": 429, "retry_after": 1, "kind": "listing"}),
    ] {
        sandbox.fault(&fault);
    }
    let started = Instant::now();
    let report = run(&place, &sandbox, "v1", LISTED).expect(0).json();
    assert!(
        started.elapsed() > Duration::from_secs(1),
        "Retry-After is obeyed"
    );
    assert_eq!(outcome(&report, "tracked"), 60);
    assert_eq!(requests(&sandbox), (6, 60));
}

/// An account whose list is `pages`, each with its `Total`, and that knows no lead.
fn listing(pages: &'static [(&str, &str)]) -> Server {
    Server::start(move |request, stream| {
        let query = request.split_once("page=").map_or("", |(_, rest)| rest);
        let digits: String = query.chars().take_while(char::is_ascii_digit).collect();
        let headers = "content-type: application/json\r\n";
        match digits.parse::<usize>() {
            Ok(number) if request.starts_with("GET") => {
                let (total, body) = pages.get(number - 1).copied().unwrap_or(("", "[]"));
                let total = match total {
                    "" => String::new(),
                    total => format!("Total: {total}\r\n"),
                };
                respond(
                    stream,
                    "200 OK",
                    &format!("{headers}{total}"),
                    body.as_bytes(),
                );
            }
            _ => respond(stream, "204 No Content", "", b""),
        }
    })
}

#[test]
fn a_list_whose_total_is_not_its_count_is_not_trusted() {
    const ONE: &str = r#"[{"id": 1, "email": "a@example.com", "uid": null}]"#;
    const TWO: &str = r#"[{"id": 2, "email": "b@example.com", "uid": null}]"#;
    for (pages, why) in [
        (
            &[("3", ONE), ("3", TWO), ("3", "[]")] as &'static [_],
            "but reports 3",
        ),
        (&[("", ONE)], "does not say how many"),
        (&[("2", ONE), ("2", ONE)], "keeps changing"),
        (&[("2", ONE), ("3", TWO)], "keeps changing"),
        (&[("1", "[{\"email\": \"a@example.com\"}]")], "no id"),
    ] {
        let server = listing(pages);
        let place = Place::new();
        let payments: Vec<Payment> = (1..=5).map(|n| Payment::paid(n, n)).collect();
        place.write("payments.csv", &stripe_export(&payments));
        let ran = Ran(place.command_at(&server.base_url, LISTED).output().unwrap()).expect(0);
        assert!(ran.stderr().contains(why), "{why}: {}", ran.stderr());
        assert_eq!(outcome(&ran.json(), "non_referral"), 5);
        let posts = server.requests();
        let posts = posts.iter().filter(|request| request.starts_with("POST"));
        assert_eq!(posts.count(), 5, "{why}: each is asked for");
    }
}

#[test]
fn a_key_that_the_list_refuses_stops_the_run() {
    let (place, _) = set_up();
    place.write("right-key", "another-key");
    let file = place.path("right-key");
    let sandbox = SandboxProcess::start(&["--require-key", file.to_str().unwrap()]);
    let report = run(&place, &sandbox, "v1", LISTED).expect(4).json();
    assert_eq!(outcome(&report, "not_sent"), 300);
    assert_eq!(requests(&sandbox), (1, 0));
}

#[test]
fn an_interruption_while_the_list_is_read_sends_nothing_and_can_be_resumed_with_the_setting() {
    let (place, sandbox) = set_up_with(&["--latency-ms", "400"]);
    let mut command = command(&place, &sandbox, "v1", LISTED);
    command.stdout(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    wait_for_arrivals(&sandbox, 1);
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let report = Ran(child.wait_with_output().unwrap()).expect(130).json();
    assert_eq!(outcome(&report, "not_sent"), 300);
    assert_eq!(requests(&sandbox).1, 0);

    let before = requests(&sandbox).0;
    let mut resume = place.command_to(&sandbox, &["resume", "--json"]);
    resume.env("FPRECON_LEAD_LIST", "true");
    let report = Ran(resume.output().unwrap()).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 60);
    assert_eq!(requests(&sandbox), (before + 3, 60));
}

#[test]
fn retry_asks_again_for_those_whom_the_list_ruled_out() {
    let (place, sandbox) = set_up();
    run(&place, &sandbox, "v1", LISTED).expect(0);
    sandbox.track("signup", "email=user7@example.com&uid=cus_0007&ref_id=nora");
    let before = requests(&sandbox);
    let mut retry = place.command_to(&sandbox, &["retry", "--non-referral", "--json"]);
    retry.env("FPRECON_LEAD_LIST", "true");
    let report = Ran(retry.output().unwrap()).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 1);
    assert_eq!(outcome(&report, "non_referral"), 239);
    assert_eq!(
        requests(&sandbox),
        (before.0, before.1 + 240),
        "each is asked for"
    );
}

#[test]
fn the_sandbox_inside_the_program_has_no_list_and_says_so() {
    let place = Place::new();
    place.write(
        "payments.csv",
        &stripe_export(&[Payment::paid(1, 1), Payment::paid(2, 2)]),
    );
    let ran = place.run(&[LISTED, &["--sandbox"]].concat()).expect(0);
    assert!(ran.stderr().contains("not used"), "{}", ran.stderr());
    assert_eq!(ran.json()["requests"], 2);
}

/// Sales of customers `first` to `last`, each of its own, with the list of leads.
fn run_listed(server: &Server, place: &Place, first: u32, last: u32) -> Ran {
    let payments: Vec<Payment> = (first..=last).map(|n| Payment::paid(n, n % 1000)).collect();
    place.write("payments.csv", &stripe_export(&payments));
    Ran(place.command_at(&server.base_url, LISTED).output().unwrap())
}

/// An account that takes every event, and whose list has these leads.
fn takes_all(leads: &[String]) -> Server {
    let lines = leads.iter().enumerate();
    let lines =
        lines.map(|(id, email)| format!("{{\"id\": {id}, \"email\": \"{email}\", \"uid\": null}}"));
    let body = format!("[{}]", lines.collect::<Vec<_>>().join(", "));
    let headers = format!(
        "content-type: application/json\r\nTotal: {}\r\n",
        leads.len()
    );
    Server::start(move |request, stream| {
        let body = if request.starts_with("GET") {
            body.as_str()
        } else {
            "{\"id\": 1, \"type\": \"sale\"}"
        };
        respond(stream, "200 OK", &headers, body.as_bytes());
    })
}

fn posts(server: &Server) -> usize {
    let requests = server.requests();
    let posts = requests
        .iter()
        .filter(|request| request.starts_with("POST"));
    posts.count()
}

#[test]
fn a_list_without_leads_is_not_used() {
    for version in ["v1", "v2"] {
        let place = Place::new();
        let payments: Vec<Payment> = (1..=5).map(|n| Payment::paid(n, n)).collect();
        place.write("payments.csv", &stripe_export(&payments));
        place.write("start.toml", "[[promoter]]\nref_id = \"nora\"\n");
        let start = place.path("start.toml");
        let sandbox = SandboxProcess::start(&["--start", start.to_str().unwrap()]);
        let plan = ["plan", "payments.csv", "--json", "--lead-list"];
        let plan = run(&place, &sandbox, version, &plan).expect(0).json();
        let problems = plan["problems"].as_array().unwrap();
        let is_said = |problem: &Value| problem["code"] == "lead-list-unusable";
        assert!(problems.iter().any(is_said), "{version}: {problems:?}");
        assert_eq!(plan["estimate"]["requests"], 5, "{version}");
        let listed = requests(&sandbox).0;
        let ran = run(&place, &sandbox, version, LISTED).expect(0);
        let said = ran.stderr();
        assert!(
            said.contains("list of leads is not used: it has no leads"),
            "{said}"
        );
        assert_eq!(outcome(&ran.json(), "non_referral"), 5);
        assert_eq!(requests(&sandbox), (2 * listed, 5), "each is asked for");
    }
}

#[test]
fn a_list_that_lacks_many_of_the_leads_that_the_journal_knows_is_not_used() {
    let server = takes_all(&["somebody@example.com".to_owned()]);
    let place = Place::new();
    let mut first = place.command_at(&server.base_url, RUN);
    place.write(
        "payments.csv",
        &stripe_export(&(1..=5).map(|n| Payment::paid(n, n)).collect::<Vec<_>>()),
    );
    let report = Ran(first.output().unwrap()).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 5);

    let ran = run_listed(&server, &place, 1001, 1008).expect(0);
    let said = ran.stderr();
    let why = "it has 1 lead, but lacks 5 of the 5 customers with tracked events";
    assert!(said.contains(why), "{said}");
    assert_eq!(outcome(&ran.json(), "tracked"), 8);
    assert_eq!(posts(&server), 13, "each is asked for");
}

#[test]
fn a_lead_that_the_journal_knows_is_asked_for_though_the_list_lacks_it() {
    let listed: Vec<String> = (1..=19).map(|n| format!("user{n}@example.com")).collect();
    let server = takes_all(&listed);
    let place = Place::new();
    let mut first = place.command_at(&server.base_url, RUN);
    place.write(
        "payments.csv",
        &stripe_export(&(1..=20).map(|n| Payment::paid(n, n)).collect::<Vec<_>>()),
    );
    Ran(first.output().unwrap()).expect(0);

    let report = run_listed(&server, &place, 1001, 1025).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 20, "the 20th too");
    assert_eq!(
        outcome(&report, "non_referral"),
        5,
        "those whom nothing knows"
    );
    assert_eq!(posts(&server), 40);
}
