//! Sales that the account has already, under ids of another integration: `plan --check-account` names them, and
//! `--in-account hold` holds them. Real binary, real sandbox.

use serde_json::{Value, json};

use crate::support::{Place, Ran, SandboxProcess};

const HEADER: &str = "kind,event_id,sale_event_id,email,uid,amount,currency,created_at\n";

/// Runs an export, and holds what the account has; the report is in the folder `r`.
const HOLD: &[&str] = &[
    "run",
    "p.csv",
    "--yes",
    "--in-account",
    "hold",
    "--dir",
    "r",
];

/// Accepts what [`HOLD`] held.
const ACCEPT_HELD: &[&str] = &[
    "accept",
    "r/held.csv",
    "--reason",
    "sent by the integration",
];

/// Ana's and Ben's sales are there under other ids. Cyd's is there under its own. Of Dan's two sales the account has
/// one. Eva's was on another day, Fay's has another amount, and Gus is not there at all.
const EXPORT: &str = "\
sale,in_1,,ana@example.com,cus_ana,99.00,USD,2026-03-01T09:00:00Z
sale,in_2,,ben@example.com,,99.00,USD,2026-03-02T09:00:00Z
refund,re_2,in_2,ben@example.com,,10.00,USD,2026-03-05T09:00:00Z
sale,in_3,,cyd@example.com,,20.00,USD,2026-03-03T09:00:00Z
sale,in_4,,dan@example.com,cus_dan,30.00,USD,2026-03-04T09:00:00Z
sale,in_5,,dan@example.com,cus_dan,30.00,USD,2026-03-04T10:00:00Z
sale,in_6,,eva@example.com,,40.00,USD,2026-03-06T23:30:00Z
sale,in_7,,fay@example.com,,50.00,USD,2026-03-07T09:00:00Z
sale,in_8,,gus@example.com,,60.00,USD,2026-03-08T09:00:00Z
";

/// `event_id form` of the sales that somebody else has sent.
const THEIRS: [(&str, &str); 6] = [
    (
        "ch_1",
        "uid=cus_ana&email=other@example.com&amount=9900&created_at=2026-03-01T23:59:59Z",
    ),
    (
        "ch_2",
        "email=Ben@Example.com&amount=9900&created_at=2026-03-02T00:00:00Z",
    ),
    (
        "in_3",
        "email=cyd@example.com&amount=2000&created_at=2026-03-03T09:00:00Z",
    ),
    (
        "ch_4",
        "uid=cus_dan&email=dan@example.com&amount=3000&created_at=2026-03-04T12:00:00Z",
    ),
    (
        "ch_6",
        "email=eva@example.com&amount=4000&created_at=2026-03-07T03:30:00Z",
    ),
    (
        "ch_7",
        "email=fay@example.com&amount=5100&created_at=2026-03-07T09:00:00Z",
    ),
];

fn set_up() -> (Place, SandboxProcess) {
    let place = Place::new();
    place.write("a.csv", &format!("{HEADER}{EXPORT}"));
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    for (id, form) in THEIRS {
        sandbox.track("sale", &format!("event_id={id}&{form}"));
    }
    (place, sandbox)
}

fn call(place: &Place, sandbox: &SandboxProcess, version: &str, arguments: &[&str]) -> Ran {
    let mut command = match version {
        "v1" => place.command_to(sandbox, arguments),
        _ => place.command_to_v2(sandbox, arguments),
    };
    Ran(command.output().unwrap())
}

/// The ids of our events that arrived.
fn sent(sandbox: &SandboxProcess) -> Vec<String> {
    let events = sandbox.events();
    let ids = events.iter().filter_map(|event| event["event_id"].as_str());
    let mut ours: Vec<String> = ids
        .filter(|id| !THEIRS.iter().any(|(theirs, _)| theirs == id))
        .map(str::to_owned)
        .collect();
    ours.sort();
    ours
}

fn count(report: &Value, path: &str) -> u64 {
    report.pointer(path).unwrap().as_u64().unwrap()
}

fn problems<'r>(report: &'r Value, code: &str) -> Vec<&'r str> {
    let all = report["problems"].as_array();
    let all = all.unwrap_or_else(|| panic!("{report:#}")).iter();
    all.filter(|problem| problem["code"] == code)
        .map(|problem| problem["message"].as_str().unwrap())
        .collect()
}

#[test]
fn sales_that_are_there_under_other_ids_are_named_and_nothing_is_sent() {
    for version in ["v1", "v2"] {
        let (place, sandbox) = set_up();
        let arguments = [
            "plan",
            "a.csv",
            "--check-account",
            "--json",
            "--events",
            "e.csv",
        ];
        let plan = call(&place, &sandbox, version, &arguments).expect(1).json();
        let found = &plan["account_check"];
        // Version 2 has the day of the call of what came by one: Eva's may be the same.
        let maybe = u64::from(version == "v2");
        assert_eq!(count(found, "/maybe_under_other_ids/count"), maybe);
        assert_eq!(
            problems(&plan, "sale-not-compared").len(),
            2 * usize::from(version == "v2")
        );
        assert_eq!(count(found, "/commissions"), 6, "{version}");
        assert_eq!(count(found, "/under_other_ids/count"), 3, "{version}");
        assert_eq!(
            found["under_other_ids"]["amount_cents"],
            json!({"USD": 22_800})
        );
        assert_eq!(count(found, "/under_same_ids/count"), 1, "{version}");
        assert_eq!(count(found, "/not_compared/count"), 0, "{version}");
        assert_eq!(count(found, "/commissions_not_compared"), 0, "{version}");
        let named = problems(&plan, "sale-in-account");
        assert_eq!(
            named,
            [
                "already in the account as `ch_…`: 3 sales, 228.00 USD",
                "sale `in_1`: already in the account as `ch_1`: the same lead, amount and day",
                "sale `in_2`: already in the account as `ch_2`: the same lead, amount and day",
                "sale `in_4`: already in the account as `ch_4`: the same lead, amount and day",
            ]
        );
        assert_eq!(
            problems(&plan, "sale-in-account-already"),
            ["already in the account under the same ids: 1 sale, 20.00 USD"]
        );
        // All of them would be sent: a plan holds nothing that a run would not hold.
        assert_eq!(count(&plan, "/events/by_plan/to_send"), 9);
        let events = place.csv("e.csv");
        let note = events[0].iter().position(|name| name == "note").unwrap();
        let remarked = events.iter().filter(|row| row[note].contains("as `ch_"));
        assert_eq!(remarked.count() as u64, 3 + maybe);

        let said = call(
            &place,
            &sandbox,
            version,
            &["plan", "a.csv", "--check-account"],
        );
        let said = said.expect(1).stdout();
        for part in [
            "already there as `ch_…`: 3 sales, 228.00 USD; ",
            "there under the same ids: 1 sale, 20.00 USD.",
        ] {
            assert!(said.contains(part), "{said}");
        }
        let perhaps = "perhaps there under other ids, on later days: 1 sale, 40.00 USD; ";
        assert_eq!(said.contains(perhaps), version == "v2", "{said}");
        assert!(sent(&sandbox).is_empty());
    }
}

#[test]
fn the_day_is_one_of_the_accounts_zone() {
    let (place, sandbox) = set_up();
    place.write("fprecon.toml", "[audit]\nzone = \"Europe/Berlin\"\n");
    let arguments = ["plan", "a.csv", "--check-account", "--json"];
    let plan = call(&place, &sandbox, "v1", &arguments).expect(1).json();
    let named = problems(&plan, "sale-in-account");
    // Eva's two times are on one day in Berlin, and Ana's are not.
    assert_eq!(
        named[0],
        "already in the account as `ch_…`: 3 sales, 169.00 USD"
    );
    assert!(
        named.iter().any(|message| message.contains("`in_6`")),
        "{named:?}"
    );
    assert!(
        !named.iter().any(|message| message.contains("`in_1`")),
        "{named:?}"
    );
}

/// An accepted sale does not go either once the account has it no more. It goes when the acceptance is withdrawn.
fn expect_sent_once_withdrawn(place: &Place, sandbox: &SandboxProcess, version: &str) {
    let before = sent(sandbox);
    let changed = json!({"action": "delete", "of": "ch_1"});
    sandbox.post("/sandbox/commissions", &changed);
    let hold = ["run", "a.csv", "--yes", "--json", "--in-account", "hold"];
    call(place, sandbox, version, &hold).expect(0);
    assert_eq!(sent(sandbox), before, "{version}");
    place
        .run(&["accept", "--undo", "--event", "in_1"])
        .expect(0);
    let send = ["run", "a.csv", "--yes", "--json", "--in-account", "send"];
    call(place, sandbox, version, &send).expect(0);
    assert!(sent(sandbox).contains(&"in_1".to_owned()), "{version}");
}

#[test]
fn held_sales_stay_held_until_somebody_sends_them() {
    for version in ["v1", "v2"] {
        let (place, sandbox) = set_up();
        let hold = ["run", "a.csv", "--yes", "--json", "--in-account", "hold"];
        let report = call(&place, &sandbox, version, &hold).expect(1).json();
        // The refund of a held sale is held with it. Cyd's sale is there under its own id. With version 2, Eva's may be
        // there too.
        let held = 4 + u64::from(version == "v2");
        assert_eq!(
            count(&report, "/events/by_plan/unlinked"),
            held,
            "{version}"
        );
        assert_eq!(
            count(&report, "/outcomes/already_tracked/count"),
            1,
            "{version}"
        );
        let went = ["in_5", "in_6", "in_7", "in_8"].into_iter();
        let went: Vec<&str> = went.filter(|id| version == "v1" || *id != "in_6").collect();
        assert_eq!(sent(&sandbox), went, "{version}");
        let listed = place.read(&format!(
            "{}/held.csv",
            report["report_dir"].as_str().unwrap()
        ));
        assert!(
            listed.contains("already in the account as `ch_2`"),
            "{listed}"
        );

        // Nobody needs the option again, and no list is fetched for it.
        let before = sandbox.arrivals().len();
        let again = ["run", "a.csv", "--yes", "--json"];
        let ran = call(&place, &sandbox, version, &again).expect(1);
        let named = ran
            .stderr()
            .matches("already in the account as `ch_")
            .count();
        assert_eq!(named, 3, "{}", ran.stderr());
        assert_eq!(
            count(&ran.json(), "/events/by_plan/unlinked"),
            held,
            "{version}"
        );
        assert_eq!(sandbox.arrivals().len(), before, "{version}");

        // One is accepted as it is, and still not sent; the others are sent after all.
        place
            .run(&[
                "accept",
                "--event",
                "in_1",
                "--reason",
                "the integration sent it",
            ])
            .expect(0);
        let report = call(&place, &sandbox, version, &again).expect(1).json();
        assert_eq!(
            count(&report, "/events/by_plan/unlinked"),
            held,
            "{version}"
        );
        let send = ["run", "a.csv", "--yes", "--json", "--in-account", "send"];
        let ran = call(&place, &sandbox, version, &send).expect(0);
        let report = ran.json();
        let tracked = count(&report, "/outcomes/tracked/count");
        assert_eq!(tracked, held - 1, "{version}");
        let said = "accepted as held since the account has them, and not sent: 1 sale, 99.00 USD";
        assert!(ran.stderr().contains(said), "{}", ran.stderr());
        assert_eq!(count(&report, "/events/by_plan/unlinked"), 1, "{version}");
        assert_eq!(count(&report, "/accepted/0/count"), 1, "{version}");
        let without = ["in_2", "in_4", "in_5", "in_6", "in_7", "in_8", "re_2"];
        assert_eq!(sent(&sandbox), without, "{version}");

        expect_sent_once_withdrawn(&place, &sandbox, version);
    }
}

#[test]
fn a_new_comparison_decides_anew() {
    let (place, sandbox) = set_up();
    let hold = ["run", "a.csv", "--yes", "--json", "--in-account", "hold"];
    call(&place, &sandbox, "v1", &hold).expect(1);
    // Somebody removes the commission of the other integration.
    sandbox.post(
        "/sandbox/commissions",
        &json!({"action": "delete", "of": "ch_1"}),
    );
    let report = call(&place, &sandbox, "v1", &hold).expect(1).json();
    assert_eq!(count(&report, "/outcomes/tracked/count"), 1);
    assert_eq!(sent(&sandbox), ["in_1", "in_5", "in_6", "in_7", "in_8"]);
}

#[test]
fn what_this_journal_has_sent_is_not_another_ones() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let sale = |id: &str| format!("sale,{id},,ana@example.com,,9.00,USD,2026-03-01T09:00:00Z\n");
    place.write("a.csv", &format!("{HEADER}{}", sale("in_1")));
    place.run_to(&sandbox, &["run", "a.csv", "--yes"]).expect(0);
    // The same lead buys the same once more on that day.
    place.write("b.csv", &format!("{HEADER}{}", sale("in_2")));
    let arguments = ["plan", "b.csv", "--check-account"];
    let said = place.run_to(&sandbox, &arguments).expect(0).stdout();
    assert!(
        said.contains("Compared with 1 commission of the account (1 request): no sale to send is there already."),
        "{said}"
    );
}

#[test]
fn what_can_not_be_compared_is_said_and_held() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    sandbox.track(
        "sale",
        "event_id=ch_1&email=ana@example.com&amount=900&currency=EUR",
    );
    place.write(
        "a.csv",
        &format!(
            "{HEADER}sale,in_1,,ana@example.com,,9.00,EUR,2026-03-01T09:00:00Z\n\
sale,in_9,,cyd@example.com,,9.00,USD,2026-03-01\n"
        ),
    );
    let arguments = ["plan", "a.csv", "--check-account", "--json"];
    let plan = place.run_to(&sandbox, &arguments).expect(1).json();
    assert_eq!(count(&plan, "/account_check/not_compared/count"), 1);
    assert_eq!(
        problems(&plan, "sale-not-compared"),
        [
            "not compared with the account: 1 sale, 9.00 EUR to send, without a date or in another currency than the account's"
        ]
    );
    let hold = ["run", "a.csv", "--yes", "--in-account", "hold"];
    place.run_to(&sandbox, &hold).expect(1);
    place.run_to(&sandbox, &["run", "a.csv", "--yes"]).expect(1);
    assert_eq!(sent(&sandbox), ["in_9"]);

    // Version 2 says what was sent, in which currency.
    let arguments = [
        "plan",
        "a.csv",
        "--check-account",
        "--json",
        "--journal",
        "v2",
    ];
    let plan = Ran(place.command_to_v2(&sandbox, &arguments).output().unwrap());
    let plan = plan.expect(1).json();
    assert_eq!(count(&plan, "/account_check/not_compared/count"), 0);
    // It is dated by the day of the call, so that the day says nothing.
    assert_eq!(
        count(&plan, "/account_check/maybe_under_other_ids/count"),
        1
    );
}

/// Sales of three months, of which another journal has sent those of the first two under other ids, by tracking calls of
/// version 2: the account has them with the day of that run.
#[test]
fn sales_that_came_by_tracking_calls_of_version_2_are_found_without_their_day() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let sale = |id: &str, month: u32, email: &str| {
        format!("sale,{id},,{email}@example.com,,99.00,USD,2026-0{month}-05T09:00:00Z\n")
    };
    let theirs = [
        sale("in_1", 1, "ana"),
        sale("in_2", 2, "ana"),
        sale("in_3", 2, "ben"),
    ];
    place.write("theirs.csv", &format!("{HEADER}{}", theirs.concat()));
    call(&place, &sandbox, "v2", &["run", "theirs.csv", "--yes"]).expect(0);
    let ours = [
        sale("ch_1", 1, "ana"),
        sale("ch_2", 2, "ana"),
        sale("ch_9", 3, "ana"),
        sale("ch_3", 2, "ben"),
        sale("ch_4", 2, "cyd"),
    ];
    place.write("ours.csv", &format!("{HEADER}{}", ours.concat()));
    let plan = [
        "plan",
        "ours.csv",
        "--check-account",
        "--journal",
        "other",
        "--json",
    ];
    let found = call(&place, &sandbox, "v2", &plan).expect(1).json();
    assert_eq!(count(&found, "/account_check/under_other_ids/count"), 0);
    assert_eq!(
        found["account_check"]["maybe_under_other_ids"]["amount_cents"],
        json!({"USD": 29_700})
    );
    let said = call(&place, &sandbox, "v2", &plan[..5]).expect(1).stdout();
    assert!(!said.contains("no sale to send is there already"), "{said}");
    let hold = [
        "run",
        "ours.csv",
        "--in-account",
        "hold",
        "--journal",
        "other",
        "--yes",
    ];
    call(&place, &sandbox, "v2", &hold).expect(1);
    // Of Ana's three, two may be there, and nothing says which.
    let ours = sandbox.events().len() - 3;
    assert_eq!(ours, 2);
    // A later run without the option holds them as well.
    let again = [&hold[..2], &hold[4..]].concat();
    call(&place, &sandbox, "v2", &again).expect(1);
    assert_eq!(sandbox.events().len(), 5);
}

/// The sales of a subscription are alike each month. Those that the exports explain, out of the range too, are not taken
/// for others.
#[test]
fn a_sale_of_the_account_that_the_exports_have_is_not_another_one_of_version_2() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let form = "email=ana@example.com&amount=9900&event_id=live_3&created_at=2026-03-05T09:00:04Z";
    sandbox.track("sale", form);
    let sale = |month: u32| {
        format!("sale,ch_{month},,ana@example.com,,99.00,USD,2026-0{month}-05T09:00:00Z\n")
    };
    let plan = [
        "plan",
        "a.csv",
        "--check-account",
        "--until",
        "2026-02-28",
        "--json",
    ];
    place.write(
        "a.csv",
        &format!("{HEADER}{}{}{}", sale(1), sale(2), sale(3)),
    );
    let found = call(&place, &sandbox, "v2", &plan).expect(0).json();
    assert_eq!(
        count(&found, "/account_check/maybe_under_other_ids/count"),
        0
    );
    // Without the sale of March, nothing says what the one of the account is.
    place.write("a.csv", &format!("{HEADER}{}{}", sale(1), sale(2)));
    let found = call(&place, &sandbox, "v2", &plan).expect(1).json();
    assert_eq!(
        count(&found, "/account_check/maybe_under_other_ids/count"),
        1
    );
    // Version 1 has the day of the sale.
    call(
        &place,
        &sandbox,
        "v1",
        &[&plan[..], &["--journal", "v1"]].concat(),
    )
    .expect(0);
}

#[test]
fn a_few_seconds_across_midnight_are_the_same_sale() {
    for version in ["v1", "v2"] {
        for (ours, theirs, is_same) in [
            ("2026-03-01T23:59:58Z", "2026-03-02T00:00:02Z", true),
            ("2026-03-02T00:30:00Z", "2026-03-01T23:00:00Z", true),
            ("2026-03-02T02:30:00Z", "2026-03-01T23:00:00Z", false),
        ] {
            let place = Place::new();
            let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
            let form = "email=ana@example.com&amount=9900&event_id=ch_1&created_at=";
            sandbox.track("sale", &format!("{form}{theirs}"));
            let sale = format!("sale,in_1,,ana@example.com,,99.00,USD,{ours}\n");
            place.write("a.csv", &format!("{HEADER}{sale}"));
            let plan = ["plan", "a.csv", "--check-account", "--json"];
            let code = i32::from(is_same);
            let found = call(&place, &sandbox, version, &plan).expect(code).json();
            let same = count(&found, "/account_check/under_other_ids/count");
            assert_eq!(same, u64::from(is_same), "{version}: {ours} {theirs}");
        }
    }
}

#[test]
fn another_amount_under_the_same_id_is_said_and_held() {
    for version in ["v1", "v2"] {
        let place = Place::new();
        let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
        for id in ["in_1", "in_2"] {
            let form = format!("email=ana@example.com&amount=5000&event_id={id}");
            sandbox.track("sale", &form);
        }
        let sale = |id: &str, amount: &str| {
            format!("sale,{id},,ana@example.com,,{amount},USD,2026-03-01T09:00:00Z\n")
        };
        let refund = "refund,re_1,in_1,ana@example.com,,500.00,USD,2026-03-05T09:00:00Z\n";
        let rows = [
            sale("in_1", "500.00"),
            sale("in_2", "50.00"),
            refund.to_owned(),
        ];
        place.write("a.csv", &format!("{HEADER}{}", rows.concat()));
        let plan = ["plan", "a.csv", "--check-account", "--json"];
        let found = call(&place, &sandbox, version, &plan).expect(1).json();
        assert_eq!(
            problems(&found, "sale-other-amount"),
            [
                "in the account with another amount: 1 sale, 500.00 USD, 1 refund, 500.00 USD",
                "sale `in_1`: in the account with another amount: `in_1` has 50.00 USD",
                "refund `re_1`: in the account with another amount: `in_1` has 50.00 USD",
            ],
            "{version}"
        );
        let hold = ["run", "a.csv", "--in-account", "hold", "--yes"];
        call(&place, &sandbox, version, &hold).expect(1);
        call(&place, &sandbox, version, &["run", "a.csv", "--yes"]).expect(1);
        assert_eq!(sandbox.events().len(), 2, "{version}");

        // Where the sale came back as `already_tracked` before, its refund is still compared.
        place.write("b.csv", &format!("{HEADER}{}", rows[0]));
        let other = ["--journal", "other"];
        let first = [&["run", "b.csv", "--yes"], &other[..]].concat();
        call(&place, &sandbox, version, &first).expect(0);
        call(&place, &sandbox, version, &[&hold[..], &other[..]].concat()).expect(1);
        assert_eq!(sandbox.events().len(), 2, "{version}");
    }
}

#[test]
fn a_list_that_is_not_complete_compares_nothing() {
    let refused = json!({"action": "status", "status": 404, "kind": "listing"});
    for version in ["v1", "v2"] {
        for arguments in [
            &["plan", "a.csv", "--check-account"][..],
            &["run", "a.csv", "--yes", "--in-account", "hold"][..],
        ] {
            let (place, sandbox) = set_up();
            sandbox.fault(&refused);
            let ran = call(&place, &sandbox, version, arguments).expect(5);
            let said = ran.stderr();
            assert!(
                said.contains("nothing was compared with the account: page 1 of the commissions"),
                "{said}"
            );
            assert!(!ran.stdout().contains("Compared with"), "{}", ran.stdout());
            assert!(sent(&sandbox).is_empty(), "{version}");
        }
    }
}

#[test]
fn the_sandbox_inside_the_program_has_nothing_to_compare_with() {
    let place = Place::new();
    place.write("a.csv", &format!("{HEADER}{EXPORT}"));
    let ran = place.run(&["plan", "a.csv", "--sandbox", "--check-account"]);
    let said = ran.expect(2).stderr();
    assert!(said.contains("it has no commissions"), "{said}");
}

#[test]
fn what_was_accepted_as_held_is_not_sent_once_nothing_holds_it() {
    for version in ["v1", "v2"] {
        let place = Place::new();
        let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
        let refund = "refund,re_1,in_1,ana@example.com,,5.00,USD,2026-03-05T09:00:00Z\n";
        let sale = "sale,in_1,,ana@example.com,,9.00,USD,2026-03-01T09:00:00Z\n";
        place.write("a.csv", &format!("{HEADER}{refund}"));
        let run = ["run", "a.csv", "--yes", "--json"];
        call(&place, &sandbox, version, &run).expect(1);
        let accept = ["accept", "--event", "re_1", "--reason", "made by hand"];
        place.run(&accept).expect(0);
        call(&place, &sandbox, version, &run).expect(0);

        // The sale comes after all: its refund was made by hand, and would count twice.
        place.write("b.csv", &format!("{HEADER}{sale}{refund}"));
        let run = ["run", "b.csv", "--yes", "--json"];
        let ran = call(&place, &sandbox, version, &run).expect(1);
        assert_eq!(sent(&sandbox), ["in_1"], "{version}");
        let said = "refund `re_1`: it was accepted that it is not sent, when an earlier run held it; that reason is gone";
        assert!(ran.stderr().contains(said), "{}", ran.stderr());
        // Accepted as it is now, it is quiet in later runs, also of files with other names.
        place.run(&accept).expect(0);
        call(&place, &sandbox, version, &run).expect(0);
        place.write("c.csv", &format!("{HEADER}{sale}{refund}"));
        let run = ["run", "c.csv", "--yes", "--json"];
        call(&place, &sandbox, version, &run).expect(0);
        assert_eq!(sent(&sandbox), ["in_1"], "{version}");
        place
            .run(&["accept", "--undo", "--event", "re_1"])
            .expect(0);
        call(&place, &sandbox, version, &run).expect(0);
        assert_eq!(sent(&sandbox), ["in_1", "re_1"], "{version}");
    }
}

/// A live integration has sent each sale under the id that the export has, and its refund under an id of its own.
#[test]
fn refunds_that_are_there_under_other_ids_are_named_and_held() {
    for version in ["v1", "v2"] {
        let (place, sandbox) = (
            Place::new(),
            SandboxProcess::start(&["--lead-share", "100"]),
        );
        for form in [
            "event_id=s1&email=ana@example.com&amount=10000&created_at=2026-03-01T09:00:00Z",
            "event_id=s2&email=ben@example.com&amount=8000&created_at=2026-03-01T09:00:00Z",
            "event_id=s3&email=cyd@example.com&amount=7000&created_at=2026-03-01T09:00:00Z",
        ] {
            sandbox.track("sale", form);
        }
        for form in [
            "event_id=re_1&sale_event_id=s1&email=ana@example.com&amount=3000&created_at=2026-03-05T10:00:00Z",
            // On another day, and of another amount.
            "event_id=re_2&sale_event_id=s2&email=ben@example.com&amount=1000&created_at=2026-03-04T10:00:00Z",
            // Under the same id.
            "event_id=r3&sale_event_id=s3&email=cyd@example.com&amount=500&created_at=2026-03-04T10:00:00Z",
        ] {
            sandbox.track("refund", form);
        }
        let rows = "sale,s1,,ana@example.com,,100.00,USD,2026-03-01T09:00:00Z\n\
            refund,r1,s1,ana@example.com,,30.00,USD,2026-03-05T09:00:00Z\n\
            sale,s2,,ben@example.com,,80.00,USD,2026-03-01T09:00:00Z\n\
            refund,r2,s2,ben@example.com,,25.00,USD,2026-03-09T09:00:00Z\n\
            sale,s3,,cyd@example.com,,70.00,USD,2026-03-01T09:00:00Z\n\
            refund,r3,s3,cyd@example.com,,5.00,USD,2026-03-04T09:00:00Z\n\
            sale,s4,,dan@example.com,,60.00,USD,2026-03-01T09:00:00Z\n\
            refund,r4,s4,dan@example.com,,6.00,USD,2026-03-04T09:00:00Z\n";
        place.write("a.csv", &format!("{HEADER}{rows}"));
        let plan = ["plan", "a.csv", "--check-account", "--json"];
        let plan = call(&place, &sandbox, version, &plan).expect(1).json();
        let found = &plan["account_check"];
        assert_eq!(count(found, "/under_other_ids/count"), 1, "{version}");
        assert_eq!(count(found, "/maybe_refunded/count"), 1, "{version}");
        assert_eq!(count(found, "/under_same_ids/count"), 4, "{version}");
        let hold = ["run", "a.csv", "--yes", "--json", "--in-account", "hold"];
        let report = call(&place, &sandbox, version, &hold).expect(1).json();
        assert_eq!(count(&report, "/events/by_plan/unlinked"), 2, "{version}");
        let ids = |sandbox: &SandboxProcess| -> Vec<String> {
            let events = sandbox.events();
            let ids = events.iter().filter_map(|event| event["event_id"].as_str());
            let mut ids: Vec<String> = ids.map(str::to_owned).collect();
            ids.sort();
            ids
        };
        let there = ["r3", "r4", "re_1", "re_2", "s1", "s2", "s3", "s4"];
        assert_eq!(ids(&sandbox), there, "{version}");
        // They stay held, until somebody sends what is another one.
        let again = ["run", "a.csv", "--yes", "--json"];
        call(&place, &sandbox, version, &again).expect(1);
        assert_eq!(ids(&sandbox), there, "{version}");
        let accept = ["accept", "--event", "r1", "--reason", "it is re_1"];
        place.run(&accept).expect(0);
        let send = ["run", "a.csv", "--yes", "--json", "--in-account", "send"];
        call(&place, &sandbox, version, &send).expect(0);
        let all = ["r2", "r3", "r4", "re_1", "re_2", "s1", "s2", "s3", "s4"];
        assert_eq!(ids(&sandbox), all, "{version}");
    }
}

#[test]
fn a_key_that_the_list_refuses_is_said_with_what_to_do() {
    let place = Place::new();
    place.write("key", "another-key-another-key");
    let key = place.path("key");
    let sandbox = SandboxProcess::start(&["--require-key", key.to_str().unwrap()]);
    let sale = "sale,in_1,,ana@example.com,,9.00,USD,2026-03-01T09:00:00Z\n";
    place.write("a.csv", &format!("{HEADER}{sale}"));
    for version in ["v1", "v2"] {
        let plan = ["plan", "a.csv", "--check-account"];
        let said = call(&place, &sandbox, version, &plan).expect(4).stderr();
        assert!(said.contains("legacy key"), "{version}: {said}");
        assert!(!said.contains("commissions: \n"), "{version}: {said}");
    }
}

/// The account has a sale under the id with which one of ours would be sent, of somebody else.
#[test]
fn a_sale_of_another_customer_under_the_same_id_needs_attention() {
    const RECURLY: &str = "account_code,transaction_id,type,amount,tax_amount,currency,date,status,test,original_transaction_id,invoice_id,subscription_id\n";
    let recurly = format!(
        "{RECURLY}acc_c,t1,purchase,50.00,0.00,USD,2026-03-01 09:00:00 UTC,success,false,,i1,\n\
         acc_c,t2,refund,45.00,0.00,USD,2026-03-12 09:00:00 UTC,success,false,t1,i2,\n"
    );
    let generic = format!(
        "{HEADER}sale,t1,,c@example.com,,50.00,USD,2026-03-01T09:00:00Z\n\
         refund,t2,t1,c@example.com,,45.00,USD,2026-03-12T09:00:00Z\n"
    );
    for (export, version) in [
        (&generic, "v1"),
        (&generic, "v2"),
        (&recurly, "v1"),
        (&recurly, "v2"),
    ] {
        let place = Place::new();
        let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
        sandbox.track(
            "sale",
            "event_id=t1&email=d@example.com&uid=acc_d&amount=5000",
        );
        place.write("a.csv", export);
        let plan = ["plan", "a.csv", "--check-account", "--json"];
        let found = call(&place, &sandbox, version, &plan).expect(1).json();
        assert_eq!(count(&found, "/account_check/other_customers/count"), 2);
        assert_eq!(
            problems(&found, "sale-other-customer")[1..],
            [
                "sale `t1`: in the account, of another customer: `t1`",
                "refund `t2`: in the account, of another customer: `t1`",
            ],
            "{version}"
        );
        let run = ["run", "a.csv", "--yes", "--in-account", "hold"];
        call(&place, &sandbox, version, &run).expect(1);
        assert_eq!(sandbox.events().len(), 1, "{version}");
        // Who is the same by uid or email is the same.
        let place = Place::new();
        sandbox.track("sale", "event_id=t9&email=e@example.com&uid=u9&amount=5000");
        let row = "sale,t9,,new@example.com,u9,50.00,USD,2026-03-01T09:00:00Z\n";
        place.write("a.csv", &format!("{HEADER}{row}"));
        call(&place, &sandbox, version, &plan).expect(0);
    }
}

/// A run that was stopped after its first event; of what it has left the account has Ben's and Cyd's sales under other ids.
fn stopped_after_the_first(version: &str) -> (Place, SandboxProcess) {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    for customer in ["ben", "cyd"] {
        let form = format!(
            "event_id=live_{customer}&email={customer}@example.com&amount=5000&created_at=2026-03-02T10:00:00Z"
        );
        sandbox.track("sale", &form);
    }
    let rows = "sale,in_1,,ana@example.com,,20.00,USD,2026-03-01T09:00:00Z\n\
         sale,in_2,,ben@example.com,,50.00,USD,2026-03-02T09:00:00Z\n\
         refund,re_2,in_2,ben@example.com,,10.00,USD,2026-03-03T09:00:00Z\n\
         sale,in_3,,cyd@example.com,,50.00,USD,2026-03-02T09:00:00Z\n\
         sale,in_4,,dan@example.com,,60.00,USD,2026-03-02T09:00:00Z\n";
    place.write("a.csv", &format!("{HEADER}{rows}"));
    let first = ["run", "a.csv", "--yes", "--first", "1"];
    call(&place, &sandbox, version, &first);
    (place, sandbox)
}

/// What a run that stopped has left is not sent either: the guide sends one event first, and then asks for the list.
#[test]
fn what_an_earlier_run_has_left_is_not_sent_if_the_account_has_it() {
    for version in ["v1", "v2"] {
        let (place, sandbox) = stopped_after_the_first(version);
        let ours = |sandbox: &SandboxProcess| {
            let mut ours = sent(sandbox);
            ours.retain(|id| !id.starts_with("live_"));
            ours
        };
        assert_eq!(ours(&sandbox), ["in_1"], "{version}");

        let hold = ["run", "a.csv", "--yes", "--in-account", "hold", "--json"];
        let ran = call(&place, &sandbox, version, &hold).expect(1);
        let attention: Vec<(String, u64)> = ran.json()["attention"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| {
                let code = item["code"].as_str().unwrap().to_owned();
                (code, item["count"].as_u64().unwrap())
            })
            .collect();
        assert_eq!(attention, [("in_account".to_owned(), 3)], "{version}");
        assert!(ran.stderr().contains("it is not sent"), "{}", ran.stderr());
        assert_eq!(ours(&sandbox), ["in_1", "in_4"], "{version}");

        // Neither what comes next nor what a night does sends them.
        for words in [
            &["resume"][..],
            &["retry", "--failed"],
            &["run", "a.csv", "--yes"],
        ] {
            call(&place, &sandbox, version, words).expect_code_one_of(&[0, 1]);
        }
        let status = place.run(&["status", "--json"]).json();
        assert_eq!(status["attention"][0]["code"], "in_account", "{status}");
        assert_eq!(ours(&sandbox), ["in_1", "in_4"], "{version}");

        // One is another sale after all, and is sent by name; its refund goes with it. The other is accepted.
        call(&place, &sandbox, version, &["retry", "--event", "in_2"]).expect(0);
        assert_eq!(
            ours(&sandbox),
            ["in_1", "in_2", "in_4", "re_2"],
            "{version}"
        );
        let accept = [
            "accept",
            "--event",
            "in_3",
            "--reason",
            "sent by the integration",
        ];
        place.run(&accept).expect(0);
        call(&place, &sandbox, version, &["run", "a.csv", "--yes"]).expect(0);
        assert_eq!(
            ours(&sandbox),
            ["in_1", "in_2", "in_4", "re_2"],
            "{version}"
        );
    }
}

const RUNNING: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Refunded date (UTC),Status,Customer ID,Customer Email,Invoice ID\n";

const OLDER: &str = "ch_0,2026-01-01 09:00:00,10.00,0.00,usd,true,,Paid,,bea@example.com,in_0\n";

/// Writes an export of these rows and Ana's payment, of which so much is refunded, the last of it at that time.
fn write_payment(place: &Place, rows: &str, refunded: &str, at: &str) {
    let payment = format!(
        "ch_1,2026-03-01 09:00:00,100.00,{refunded},usd,true,{at},Paid,,ana@example.com,in_1\n"
    );
    place.write("p.csv", &format!("{RUNNING}{rows}{payment}"));
}

/// A running total of which an earlier one is held as being in the account, or accepted so, is not sent whole.
#[test]
fn a_running_total_beyond_one_that_is_held_is_held() {
    for (version, is_accepted) in [("v1", false), ("v1", true), ("v2", false), ("v2", true)] {
        let (place, sandbox) = (
            Place::new(),
            SandboxProcess::start(&["--lead-share", "100"]),
        );
        // The journal has older sales: it is not one that was lost.
        let export = |refunded, at| write_payment(&place, OLDER, refunded, at);
        place.write("old.csv", &format!("{RUNNING}{OLDER}"));
        call(&place, &sandbox, version, &["run", "old.csv", "--yes"]).expect(0);
        let theirs = "email=ana@example.com&created_at=2026-03-01T09:00:00Z";
        sandbox.track("sale", &format!("event_id=in_1&amount=10000&{theirs}"));
        let refund = "event_id=re_1&sale_event_id=in_1&amount=3000&email=ana@example.com&created_at=2026-03-09T10:00:00Z";
        sandbox.track("refund", refund);
        export("30.00", "2026-03-09 10:00:00");
        call(&place, &sandbox, version, HOLD).expect(1);
        if is_accepted {
            place.run(ACCEPT_HELD).expect(0);
        }
        let refunds = |sandbox: &SandboxProcess| {
            let events = sandbox.events();
            let refunds = events.iter().filter(|event| event["kind"] == "refund");
            refunds
                .map(|event| event["event_id"].to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(refunds(&sandbox), ["\"re_1\""]);
        let refund = "event_id=re_2&sale_event_id=in_1&amount=2000&email=ana@example.com&created_at=2026-03-19T10:00:00Z";
        sandbox.track("refund", refund);
        export("50.00", "2026-03-19 10:00:00");
        for _ in 0..2 {
            let night = call(&place, &sandbox, version, &["run", "p.csv", "--yes"]).expect(1);
            let says = "an earlier refund of this sale is not sent";
            assert!(night.stderr().contains(says), "{}", night.stderr());
        }
        let compared = call(&place, &sandbox, version, HOLD);
        assert_eq!(compared.code(), 1, "{}", compared.stderr());
        assert_eq!(refunds(&sandbox), ["\"re_1\"", "\"re_2\""], "{version}");
    }
}

/// The kind, id and cents of each refund that arrived.
fn refunds_that_arrived(sandbox: &SandboxProcess) -> Vec<String> {
    let events = sandbox.events();
    let refunds = events.iter().filter(|event| event["kind"] == "refund");
    let mut refunds: Vec<String> = refunds
        .map(|event| {
            let id = event["event_id"].as_str().unwrap();
            format!("{id} {}", event["amount_cents"])
        })
        .collect();
    refunds.sort();
    refunds
}

/// Another integration has sent a part of a running total: in FirstPromoter, nothing says of which sale.
fn partly_refunded_by_another(version: &str) -> (Place, SandboxProcess) {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    let theirs = "email=ana@example.com&created_at=2026-03-01T09:00:00Z";
    sandbox.track("sale", &format!("event_id=in_1&amount=10000&{theirs}"));
    let refund = "event_id=re_1&sale_event_id=in_1&amount=2000&email=ana@example.com&created_at=2026-03-05T10:00:00Z";
    sandbox.track("refund", refund);
    write_payment(&place, "", "50.00", "2026-03-09 10:00:00");
    let held = call(&place, &sandbox, version, HOLD).expect(1);
    assert!(
        held.stderr().contains("--link FILE.csv"),
        "{}",
        held.stderr()
    );
    assert_eq!(refunds_that_arrived(&sandbox), ["re_1 2000"], "{version}");
    (place, sandbox)
}

#[test]
fn of_a_running_total_what_is_missing_is_sent_once_the_sale_of_the_other_part_is_named() {
    for version in ["v1", "v2"] {
        let (place, sandbox) = partly_refunded_by_another(version);
        place.write("parts.csv", "refund_event_id,sale_event_id\nre_1,in_1\n");
        let named = [HOLD, &["--link", "parts.csv"]].concat();
        call(&place, &sandbox, version, &named).expect(0);
        let arrived = ["in_1_refund_5000 3000", "re_1 2000"];
        assert_eq!(refunds_that_arrived(&sandbox), arrived, "{version}");
        // What is known now needs no name any more.
        let night = ["run", "p.csv", "--yes"];
        call(&place, &sandbox, version, &night).expect(0);
        assert_eq!(refunds_that_arrived(&sandbox), arrived, "{version}");
        write_payment(&place, "", "70.00", "2026-03-19 10:00:00");
        call(&place, &sandbox, version, &night).expect(0);
        let arrived = [
            "in_1_refund_5000 3000",
            "in_1_refund_7000 2000",
            "re_1 2000",
        ];
        assert_eq!(refunds_that_arrived(&sandbox), arrived, "{version}");
    }
}

/// The other refund is one of another sale of the customer: the whole running total is missing.
#[test]
fn a_running_total_is_sent_whole_once_the_other_refund_is_named_as_one_of_another_sale() {
    for version in ["v1", "v2"] {
        let (place, sandbox) = partly_refunded_by_another(version);
        let other = "ch_2,2026-02-01 09:00:00,90.00,0.00,usd,true,,Paid,,ana@example.com,in_2\n";
        write_payment(&place, other, "50.00", "2026-03-09 10:00:00");
        place.write("parts.csv", "refund_event_id,sale_event_id\nre_1,in_2\n");
        let named = [HOLD, &["--link", "parts.csv"]].concat();
        call(&place, &sandbox, version, &named).expect(0);
        let arrived = ["in_1_refund_5000 5000", "re_1 2000"];
        assert_eq!(refunds_that_arrived(&sandbox), arrived, "{version}");
    }
}

#[test]
fn a_refund_that_was_accepted_as_the_one_of_the_account_is_quiet_every_night() {
    let (place, sandbox) = partly_refunded_by_another("v1");
    let id = "in_1_refund_5000";
    let accept = ["accept", "--event", id, "--reason", "re_1 and one by hand"];
    place.run(&accept).expect(0);
    for arguments in [HOLD, &["run", "p.csv", "--yes"], HOLD] {
        call(&place, &sandbox, "v1", arguments).expect(0);
        assert_eq!(refunds_that_arrived(&sandbox), ["re_1 2000"]);
    }
}

/// Only the account has such a refund, so the list is needed to know it.
#[test]
fn a_name_for_a_refund_that_is_nowhere_says_how_the_account_is_asked() {
    let place = Place::new();
    write_payment(&place, "", "50.00", "2026-03-09 10:00:00");
    place.write("parts.csv", "refund_event_id,sale_event_id\nre_1,in_1\n");
    let refused = place
        .run(&["plan", "p.csv", "--link", "parts.csv"])
        .expect(3);
    assert!(refused.stderr().contains("there is no refund `re_1`"));
    assert!(refused.stderr().contains("run with `--in-account hold`"));
}

/// A refund that no date places in the range is accepted as the hint says; a later running total has it in it.
#[test]
fn a_running_total_beyond_one_that_was_accepted_as_outside_of_the_range_is_held() {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    let export = |refunded, at| write_payment(&place, "", refunded, at);
    export("30.00", "");
    let run = [
        "run",
        "p.csv",
        "--yes",
        "--until",
        "2026-03-31",
        "--dir",
        "r",
    ];
    let ran = place.run_to(&sandbox, &run).expect(1);
    assert!(ran.stderr().contains("range"), "{}", ran.stderr());
    let accept = ["accept", "r/held.csv", "--reason", "refunded in April"];
    place.run(&accept).expect(0);
    place.run_to(&sandbox, &run[..5]).expect(0);
    export("50.00", "2026-04-19 10:00:00");
    place.run_to(&sandbox, &["run", "p.csv", "--yes"]).expect(1);
    let events = sandbox.events();
    assert!(
        events.iter().all(|event| event["kind"] == "sale"),
        "{events:?}"
    );
}

/// Says which export has Ana's payment before, and which one after: under another id of the same payment.
struct TwoIds {
    before: String,
    after: String,
    /// A second payment that shares the id of the first one.
    second: String,
    second_id: &'static str,
}

fn two_ids() -> [TwoIds; 3] {
    const WITHOUT_INVOICE: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Refunded date (UTC),Status,Customer ID,Customer Email";
    const PAYMENT: &str =
        "ch_81,2026-03-01 09:00:00,50.00,20.00,usd,true,2026-03-05 09:00:00,Paid,,ana@example.com";
    const RECURLY: &str = "account_code,transaction_id,type,amount,tax_amount,currency,date,status,test,original_transaction_id,invoice_id,subscription_id\n";
    let recurly = |id: &str, invoice: &str, at: &str| {
        format!(
            "ana@example.com,{id},purchase,50.00,0.00,USD,{at} UTC,success,false,,{invoice},sub_1\n"
        )
    };
    let charge = format!("{WITHOUT_INVOICE}\n{PAYMENT}\n");
    let invoice = format!("{RUNNING}{PAYMENT},in_1\n");
    let second = "ch_82,2026-04-01 09:00:00,50.00,0.00,usd,true,,Paid,,ana@example.com,in_1\n";
    let second = format!("{RUNNING}{second}");
    let first_of_recurly = |invoice| recurly("t1", invoice, "2026-03-01 09:00:00");
    let second_of_recurly = recurly("t2", "in_1", "2026-04-01 09:00:00");
    let recurly_before = format!("{RECURLY}{}", first_of_recurly(""));
    let recurly_after = format!("{RECURLY}{}", first_of_recurly("in_1"));
    [
        TwoIds {
            before: charge.clone(),
            after: invoice.clone(),
            second: second.clone(),
            second_id: "in_1",
        },
        TwoIds {
            before: invoice,
            after: charge,
            second,
            second_id: "ch_82",
        },
        TwoIds {
            before: recurly_before,
            after: recurly_after,
            second: format!("{RECURLY}{second_of_recurly}"),
            second_id: "in_1",
        },
    ]
}

/// A sale that is held, or accepted so, is the same payment when a later export names it by another id. A second payment of
/// its invoice is another one, and is sent.
#[test]
fn a_held_sale_stays_held_under_another_id_of_the_same_payment() {
    for (ids, version, is_accepted) in two_ids()
        .iter()
        .flat_map(|ids| [(ids, "v1"), (ids, "v2")])
        .flat_map(|(ids, version)| [(ids, version, false), (ids, version, true)])
    {
        let (place, sandbox) = (
            Place::new(),
            SandboxProcess::start(&["--lead-share", "100"]),
        );
        let form = "event_id=live_1&email=ana@example.com&uid=ana@example.com&amount=5000&created_at=2026-03-01T09:00:00Z";
        sandbox.track("sale", form);
        place.write("p.csv", &ids.before);
        call(&place, &sandbox, version, HOLD).expect(1);
        let sent = |sandbox: &SandboxProcess| {
            let mut sent = sent(sandbox);
            sent.retain(|id| id != "live_1");
            sent
        };
        if is_accepted {
            place.run(ACCEPT_HELD).expect(0);
        }
        place.write("p.csv", &ids.after);
        for _ in 0..2 {
            let night = call(&place, &sandbox, version, &["run", "p.csv", "--yes"]);
            assert!(night.stderr().contains("live_1"), "{}", night.stderr());
            assert_eq!(night.code(), i32::from(!is_accepted), "{}", night.stderr());
            assert!(sent(&sandbox).is_empty(), "{version} {:?}", ids.after);
        }
        place.write("p.csv", &ids.second);
        call(&place, &sandbox, version, &["run", "p.csv", "--yes"]).expect(0);
        assert_eq!(sent(&sandbox), [ids.second_id], "{version} {:?}", ids.after);
    }
}

/// A refund is held with its sale, and accepted with it: the next nights need nobody, whatever is compared.
#[test]
fn a_refund_that_was_accepted_with_its_held_sale_needs_no_attention() {
    for version in ["v1", "v2"] {
        let (place, sandbox) = (
            Place::new(),
            SandboxProcess::start(&["--lead-share", "100"]),
        );
        let form =
            "event_id=live_1&email=ana@example.com&amount=10000&created_at=2026-03-01T09:00:00Z";
        sandbox.track("sale", form);
        write_payment(&place, OLDER, "30.00", "2026-03-09 10:00:00");
        call(&place, &sandbox, version, HOLD).expect(1);
        place.run(ACCEPT_HELD).expect(0);
        for options in [
            &[][..],
            &["--in-account", "hold"],
            &["--in-account", "send"],
        ] {
            let words = [&["run", "p.csv", "--yes"][..], options].concat();
            let night = call(&place, &sandbox, version, &words).expect(0);
            let says_so = night.stderr().contains("that reason is gone");
            assert!(!says_so, "{version} {options:?}: {}", night.stderr());
        }
        assert_eq!(sent(&sandbox), ["in_0", "live_1"], "{version}");
        // The refund alone does not go, since its sale is still accepted as held.
        for id in ["in_1_refund_3000", "in_1"] {
            let send = ["run", "p.csv", "--yes", "--in-account", "send"];
            call(&place, &sandbox, version, &send);
            assert_eq!(sent(&sandbox), ["in_0", "live_1"], "{version}");
            place.run(&["accept", "--undo", "--event", id]).expect(0);
        }
        let send = ["run", "p.csv", "--yes", "--in-account", "send"];
        call(&place, &sandbox, version, &send).expect(0);
        let all = ["in_0", "in_1", "in_1_refund_3000", "live_1"];
        assert_eq!(sent(&sandbox), all, "{version}");
    }
}

/// A place that converts, and an account with what another integration has sent.
fn converted_place(forms: &[&str]) -> (Place, SandboxProcess) {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    for form in forms {
        sandbox.track("sale", form);
    }
    place.write(
        "fprecon.toml",
        "[currencies]\nforeign = \"convert\"\nrates = \"rates.csv\"\n",
    );
    place.write("rates.csv", "date,currency,rate\n2026-01-01,EUR,1.0912\n");
    (place, sandbox)
}

/// The account converts at a rate of its own, so that the amounts of a converted sale differ.
#[test]
fn a_converted_sale_is_compared_by_what_it_was_before_or_by_its_day() {
    for version in ["v1", "v2"] {
        let (place, sandbox) = converted_place(&[
            "event_id=live_1&email=ana@example.com&amount=10000&currency=EUR&created_at=2026-03-01T09:00:00Z",
            "event_id=in_2&email=ben@example.com&amount=10000&currency=EUR&created_at=2026-03-01T09:00:00Z",
        ]);
        let sale = |id: &str, email: &str, amount: &str, currency: &str| {
            format!("sale,{id},,{email}@example.com,,{amount},{currency},2026-03-01T09:00:01Z\n")
        };
        let rows = [
            sale("in_1", "ana", "100.00", "EUR"),
            sale("in_2", "ben", "100.00", "EUR"),
            sale("in_9", "cyd", "100.00", "EUR"),
            sale("in_4", "ana", "30.00", "USD"),
        ];
        place.write("a.csv", &format!("{HEADER}{}", rows.concat()));
        let plan = ["plan", "a.csv", "--check-account", "--json"];
        let plan = call(&place, &sandbox, version, &plan).expect(1).json();
        let found = &plan["account_check"];
        let (same, maybe) = if version == "v1" { (0, 1) } else { (1, 0) };
        assert_eq!(count(found, "/under_other_ids/count"), same, "{found:#}");
        assert_eq!(count(found, "/maybe_at_other_rates/count"), maybe);
        assert_eq!(count(found, "/other_amounts/count"), maybe, "{found:#}");
        let code = ["sale-not-compared", "sale-in-account"][usize::from(version == "v2")];
        let named = problems(&plan, code);
        assert!(
            named
                .iter()
                .any(|message| message.contains("`in_1`") && message.contains("`live_1`")),
            "{named:?}"
        );
        let hold = ["run", "a.csv", "--yes", "--in-account", "hold"];
        let ran = call(&place, &sandbox, version, &hold).expect(1);
        let ours: Vec<String> = sent(&sandbox)
            .into_iter()
            .filter(|id| id != "live_1")
            .collect();
        assert_eq!(
            ours,
            ["in_2", "in_4", "in_9"],
            "{version}: {}",
            ran.stderr()
        );
    }
}

/// Refunds of a converted sale are compared in the same way.
#[test]
fn a_converted_refund_is_compared_by_what_it_was_before() {
    let forms = [
        "event_id=in_1&email=ana@example.com&amount=10000&currency=EUR&created_at=2026-03-01T09:00:00Z",
    ];
    let (place, sandbox) = converted_place(&forms);
    let refund = "event_id=re_1&sale_event_id=in_1&email=ana@example.com&amount=4000&currency=EUR&created_at=2026-03-01T10:00:00Z";
    sandbox.track("refund", refund);
    let rows = "sale,in_1,,ana@example.com,,100.00,EUR,2026-03-01T09:00:01Z\n\
         refund,r1,in_1,ana@example.com,,40.00,EUR,2026-03-01T09:00:02Z\n";
    place.write("a.csv", &format!("{HEADER}{rows}"));
    let plan = ["plan", "a.csv", "--check-account", "--json"];
    let plan = call(&place, &sandbox, "v2", &plan).expect(1).json();
    let found = &plan["account_check"];
    assert_eq!(count(found, "/under_other_ids/count"), 1, "{found:#}");
    assert_eq!(count(found, "/under_same_ids/count"), 1, "{found:#}");
    assert_eq!(count(found, "/other_amounts/count"), 0, "{found:#}");
    let hold = ["run", "a.csv", "--yes", "--in-account", "hold"];
    call(&place, &sandbox, "v2", &hold).expect(1);
    assert_eq!(sent(&sandbox), ["in_1", "re_1"]);
}

/// Somebody denied the commission of a sale: a refund of it would take from the promoter what was never earned.
#[test]
fn a_refund_of_a_denied_sale_is_held() {
    const RECURLY: &str = "account_code,transaction_id,type,amount,tax_amount,currency,date,status,test,original_transaction_id,invoice_id,subscription_id\n";
    let recurly = format!(
        "{RECURLY}ana@example.com,in_1,purchase,100.00,0.00,USD,2026-03-01 09:00:00 UTC,success,false,,i1,\n\
         ana@example.com,r1,refund,30.00,0.00,USD,2026-03-09 09:00:00 UTC,success,false,in_1,i2,\n"
    );
    let stripe = format!(
        "{RUNNING}ch_1,2026-03-01 09:00:00,100.00,30.00,usd,true,2026-03-09 09:00:00,Paid,,ana@example.com,in_1\n"
    );
    for (export, id, version) in [
        (&stripe, "in_1_refund_3000", "v1"),
        (&recurly, "r1", "v2"),
        (&recurly, "r1", "v1"),
        (&stripe, "in_1_refund_3000", "v2"),
    ] {
        let place = Place::new();
        let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
        let form = "event_id=in_1&email=ana@example.com&uid=ana@example.com&amount=10000&created_at=2026-03-01T09:00:00Z";
        sandbox.track("sale", form);
        let status = |status: &str| {
            let changed = json!({"action": "change", "of": "in_1", "status": status});
            sandbox.post("/sandbox/commissions", &changed);
        };
        status("denied");
        place.write("a.csv", export);
        let plan = ["plan", "a.csv", "--check-account", "--json"];
        let plan = call(&place, &sandbox, version, &plan).expect(1).json();
        assert_eq!(count(&plan, "/account_check/of_denied_sales/count"), 1);
        assert_eq!(
            problems(&plan, "sale-denied"),
            [
                "denied in the account: the sales of 1 refund, 30.00 USD".to_owned(),
                format!("refund `{id}`: denied in the account: its sale `in_1`"),
            ]
        );
        let hold = [
            "run",
            "a.csv",
            "--yes",
            "--in-account",
            "hold",
            "--dir",
            "r",
        ];
        let held = call(&place, &sandbox, version, &hold).expect(1).stderr();
        let accept = format!("`fprecon accept --event {id} --reason TEXT`");
        assert!(held.contains(&accept), "{held}");
        let night = call(&place, &sandbox, version, &["run", "a.csv", "--yes"]).expect(1);
        assert!(
            night.stderr().contains("denied in the account"),
            "{}",
            night.stderr()
        );
        assert_eq!(sent(&sandbox), ["in_1"], "{version} {id}");
        let accept = ["accept", "--event", id, "--reason", "never earned"];
        place.run(&accept).expect(0);
        call(&place, &sandbox, version, &["run", "a.csv", "--yes"]).expect(0);
        assert_eq!(sent(&sandbox), ["in_1"], "{version} {id}");
        // It counts after all: what was held is compared anew.
        place.run(&["accept", "--undo", "--event", id]).expect(0);
        status("approved");
        call(&place, &sandbox, version, &hold[..5]).expect(0);
        assert_eq!(sent(&sandbox), ["in_1", id], "{version}");
    }
}
