//! A journal that is new while the account is not: what has no id is not repeated.

use crate::support::{Place, Ran, SandboxProcess};
use serde_json::{Value, json};

const EXPORT: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n\
    sale,s1,,ana@example.com,20.00,USD,2026-03-01\n\
    refund,r1,s1,ana@example.com,5.00,USD,2026-03-04\n\
    cancellation,c1,,ana@example.com,,,2026-03-05\n\
    cancellation,c2,,ben@example.com,,,2026-03-06\n";

fn cancellations(sandbox: &SandboxProcess, email: &str) -> usize {
    let events = sandbox.events();
    let of = |event: &&Value| event["kind"] == "cancellation" && event.to_string().contains(email);
    events.iter().filter(of).count()
}

#[test]
fn a_lost_journal_repeats_no_cancellation_of_a_customer_whose_sales_are_there() {
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let place = Place::new();
    place.write("x.csv", EXPORT);
    let run = |journal: &str, code: i32| {
        let run = ["run", "x.csv", "--yes", "--json", "--journal", journal];
        place.run_to(&sandbox, &run).expect(code).json()
    };
    run("first.journal", 0);
    assert_eq!(cancellations(&sandbox, "ana"), 1);
    for journal in ["second.journal", "third.journal"] {
        let again = run(journal, 1);
        assert_eq!(again["outcomes"]["already_tracked"]["count"], 1);
        // The refund may be there under another id, until the account's list was read.
        assert_eq!(again["outcomes"]["unconfirmed"]["count"], 2);
        assert_eq!(again["attention"][0]["code"], "unconfirmed");
        assert_eq!(again["attention"][1]["code"], "not_compared");
        let compared = run(journal, 1);
        assert_eq!(compared["outcomes"]["already_tracked"]["count"], 1);
        assert_eq!(compared["attention"].as_array().unwrap().len(), 1);
        assert_eq!(compared["attention"][0]["code"], "unconfirmed");
        assert_eq!(cancellations(&sandbox, "ana"), 1);
        let check = ["journal", "check", "--journal", journal];
        place.run_to(&sandbox, &check).expect(0);
    }
    // Somebody who has looked it up sends it.
    let retry = [
        "retry",
        "--unconfirmed",
        "--yes",
        "--journal",
        "third.journal",
    ];
    place.run_to(&sandbox, &retry).expect(0);
    assert_eq!(cancellations(&sandbox, "ana"), 2);
}

/// The exports of several months are run one after the other: all sales of the first one are there, so that the journal is
/// not the first one, and the cancellation is in a later one.
#[test]
fn a_lost_journal_repeats_no_cancellation_that_comes_with_a_later_export() {
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let place = Place::new();
    let header = EXPORT.lines().next().unwrap();
    let write = |name: &str, row: &str| place.write(name, &format!("{header}\n{row}\n"));
    write(
        "may.csv",
        "sale,s1,,ana@example.com,20.00,USD,2026-05-01\nsale,s2,,ben@example.com,20.00,USD,2026-05-02",
    );
    write("june.csv", "cancellation,c1,,ana@example.com,,,2026-06-05");
    let run = |name: &str, journal: &str, code: i32| {
        let run = ["run", name, "--yes", "--json", "--journal", journal];
        place.run_to(&sandbox, &run).expect(code).json()
    };
    for name in ["may.csv", "june.csv"] {
        run(name, "first.journal", 0);
    }
    assert_eq!(cancellations(&sandbox, "ana"), 1);
    run("may.csv", "second.journal", 0);
    let report = run("june.csv", "second.journal", 1);
    assert_eq!(report["outcomes"]["unconfirmed"]["count"], 1);
    assert_eq!(cancellations(&sandbox, "ana"), 1);
    // What happened since the new journal began can't have been sent by the lost one.
    write("later.csv", "cancellation,c2,,ana@example.com,,,2099-01-05");
    run("later.csv", "second.journal", 0);
    assert_eq!(cancellations(&sandbox, "ana"), 2);
}

/// Another integration has sent one sale under the same id. The journal is the first one, so that its nights send what
/// happens.
#[test]
fn a_first_journal_sends_cancellations_of_a_customer_of_whom_others_sent_a_sale() {
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    sandbox.track("sale", "event_id=s1&email=ana@example.com&amount=2000");
    let place = Place::new();
    let header = EXPORT.lines().next().unwrap();
    for (night, row, outcome) in [
        (
            "1.csv",
            "sale,s2,,ben@example.com,20.00,USD,2026-05-02",
            "tracked",
        ),
        (
            "2.csv",
            "sale,s1,,ana@example.com,20.00,USD,2026-05-01",
            "already_tracked",
        ),
        (
            "3.csv",
            "cancellation,c1,,ana@example.com,,,2026-06-05",
            "tracked",
        ),
    ] {
        place.write(night, &format!("{header}\n{row}\n"));
        let run = ["run", night, "--yes", "--json"];
        let report = place.run_to(&sandbox, &run).expect(0).json();
        assert_eq!(report["outcomes"][outcome]["count"], 1, "{night}");
    }
    assert_eq!(cancellations(&sandbox, "ana"), 1);
}

const STRIPE: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Refunded date (UTC),Status,Customer ID,Customer Email,Invoice ID\n";

/// Stripe's payments of a night: one sale, and what is refunded of it by then.
fn stripe_night(refunded: &str, at: &str) -> String {
    format!(
        "{STRIPE}ch_1,2026-03-02 09:14:00,100.00,{refunded},usd,true,{at},Paid,cus_ana,ana@example.com,in_1\n"
    )
}

/// `event_id cents` of the refunds that took effect.
fn refunds(sandbox: &SandboxProcess) -> Vec<String> {
    let events = sandbox.events();
    let refunds = events.iter().filter(|event| event["kind"] == "refund");
    let words = refunds.map(|own| {
        format!(
            "{} {}",
            own["event_id"].as_str().unwrap(),
            own["amount_cents"]
        )
    });
    words.collect()
}

fn call(place: &Place, sandbox: &SandboxProcess, version: &str, arguments: &[&str]) -> Ran {
    let mut command = match version {
        "v1" => place.command_to(sandbox, arguments),
        _ => place.command_to_v2(sandbox, arguments),
    };
    Ran(command.output().unwrap())
}

const JOURNAL: &str = "fprecon.journal";

/// Puts an older copy of the journal back, as docs/journal.md says, and goes on with it.
fn restore(place: &Place, sandbox: &SandboxProcess, version: &str) {
    std::fs::copy(place.path("backup"), place.path(JOURNAL)).unwrap();
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(place.path(&format!("{JOURNAL}{end}")));
    }
    call(place, sandbox, version, &["journal", "recover", "--yes"]).expect(0);
}

#[test]
fn after_an_older_copy_only_what_is_new_of_a_running_total_is_sent() {
    for version in ["v1", "v2"] {
        let (place, sandbox) = (
            Place::new(),
            SandboxProcess::start(&["--lead-share", "100"]),
        );
        let night = |name: &str, refunded: &str, at: &str, code: i32| {
            place.write(name, &stripe_night(refunded, at));
            call(&place, &sandbox, version, &["run", name, "--yes"]).expect(code)
        };
        night("1.csv", "0.00", "", 0);
        std::fs::copy(place.path(JOURNAL), place.path("backup")).unwrap();
        night("2.csv", "30.00", "2026-03-20 08:00:00", 0);
        restore(&place, &sandbox, version);
        // Without the list, nobody knows: it is held.
        place.write("3.csv", &stripe_night("50.00", "2026-04-20 08:00:00"));
        let plan = call(&place, &sandbox, version, &["plan", "3.csv"]).expect(1);
        assert!(
            plan.stderr()
                .contains("the journal lost what it had sent last")
        );
        sandbox.fault(&json!({"action": "status", "status": 403, "kind": "listing", "times": 9}));
        let unread = call(&place, &sandbox, version, &["run", "3.csv", "--yes"]);
        assert_ne!(unread.code(), 0, "{version}");
        sandbox.forget_faults();
        assert_eq!(refunds(&sandbox), ["in_1_refund_3000 3000"], "{version}");
        // A run reads the list by itself.
        let ran = night("3.csv", "50.00", "2026-04-20 08:00:00", 0);
        assert!(ran.stdout().contains("Compared with 2 commissions"));
        assert_eq!(
            refunds(&sandbox),
            ["in_1_refund_3000 3000", "in_1_refund_5000 2000"],
            "{version}"
        );
        night("4.csv", "60.00", "2026-05-20 08:00:00", 0);
        assert_eq!(refunds(&sandbox)[2], "in_1_refund_6000 1000", "{version}");
        call(&place, &sandbox, version, &["journal", "check"]).expect(0);
    }
}

const CHARGEBEE: &str = "Customer Id,Subscription Id,Invoice Number,Invoice Date,Amount,Status,Refunded Amount,Customer Email,Tax Total\n";
const CHARGEBEE_SETTINGS: &str =
    "[exports.chargebee-invoices]\nmoney = { format = { unit = \"major\" }, currency = \"USD\" }\n";
const SHOPIFY: &str = "Name,Email,Financial Status,Paid at,Currency,Subtotal,Shipping,Taxes,Total,Created at,Refunded Amount,Id\n";

/// Sales of 100.00 in the shapes of several providers, with what is refunded of one of them by then; and another sale, of
/// that many days later, which is new.
fn nights(provider: &str, refunded: &str, later: u32) -> String {
    let day = 2 + later;
    match provider {
        "stripe" => format!(
            "{}ch_9{later},2026-03-{day:02} 09:14:00,10.00,0.00,usd,true,,Paid,cus_{later},z{later}@example.com,in_9{later}\n",
            stripe_night(refunded, "2026-04-20 08:00:00")
        ),
        "chargebee" => format!(
            "{CHARGEBEE}cus_ana,sub_1,in_1,02-Mar-2026 09:14,100.00,Paid,{refunded},ana@example.com,0.00\n\
             cus_{later},sub_2,in_9{later},{day:02}-Mar-2026 09:14,10.00,Paid,0.00,z{later}@example.com,0.00\n"
        ),
        _ => {
            let status = if refunded == "0.00" {
                "paid"
            } else {
                "partially_refunded"
            };
            format!(
                "{SHOPIFY}#1,ana@example.com,{status},2026-03-02 09:14:00 +0000,USD,100.00,0.00,0.00,100.00,2026-03-02 09:14:00 +0000,{refunded},in_1\n\
                 #2,z{later}@example.com,paid,2026-03-{day:02} 09:14:00 +0000,USD,10.00,0.00,0.00,10.00,2026-03-{day:02} 09:14:00 +0000,0.00,in_9{later}\n"
            )
        }
    }
}

/// A place with the exports of a provider, to be sent to a sandbox.
struct Lost {
    place: Place,
    sandbox: SandboxProcess,
    version: &'static str,
}

impl Lost {
    /// One that has sent a sale and 30.00 of its refunds, and has lost its journal since.
    fn new(provider: &str, version: &'static str) -> Self {
        let lost = Lost {
            place: Place::new(),
            sandbox: SandboxProcess::start(&["--lead-share", "100"]),
            version,
        };
        if provider == "chargebee" {
            let settings = std::fs::read_to_string(lost.place.path("fprecon.toml"));
            let settings = format!("{}{CHARGEBEE_SETTINGS}", settings.unwrap_or_default());
            lost.place.write("fprecon.toml", &settings);
        }
        for (name, refunded, later) in [
            ("0.csv", "0.00", 0),
            ("30.csv", "30.00", 0),
            ("50.csv", "50.00", 1),
            ("60.csv", "60.00", 2),
        ] {
            lost.place.write(name, &nights(provider, refunded, later));
        }
        lost.run("30.csv", "first.journal", 0);
        assert_eq!(refunds(&lost.sandbox), [FIRST]);
        lost
    }

    fn call(&self, arguments: &[&str]) -> Ran {
        call(&self.place, &self.sandbox, self.version, arguments)
    }

    fn run(&self, name: &str, journal: &str, code: i32) -> Ran {
        self.call(&["run", name, "--yes", "--journal", journal])
            .expect(code)
    }
}

const FIRST: &str = "in_1_refund_3000 3000";

/// The new journal begins with an export that has a larger total, and a sale that is new. What the report says next leads to
/// the right sum; so do later nights.
#[test]
fn a_new_journal_sends_only_what_is_missing_of_a_running_total() {
    for (provider, version) in [
        ("stripe", "v1"),
        ("stripe", "v2"),
        ("chargebee", "v1"),
        ("shopify", "v2"),
    ] {
        let lost = Lost::new(provider, version);
        let ran = lost.run("50.csv", JOURNAL, 1);
        let out = ran.stdout();
        assert!(
            out.contains("1 event not sent: all or a part of each may be in FirstPromoter"),
            "{out}"
        );
        assert_eq!(refunds(&lost.sandbox), [FIRST], "{provider} {version}");
        // It is not sent whole by a retry of all that is unconfirmed.
        let retry = ["retry", "--unconfirmed", "--yes"];
        let retry = lost.call(&retry);
        assert!(retry.stderr().contains("1 refund is not tried again"));
        let alone = ["retry", "--event", "in_1_refund_5000", "--yes"];
        let refused = lost.call(&alone).expect(3).stderr();
        assert!(refused.contains("would count twice"), "{refused}");
        assert_eq!(refunds(&lost.sandbox), [FIRST], "{provider} {version}");
        let status = lost.call(&["status", "--json"]).expect(0).json();
        assert_eq!(status["attention"][0]["code"], "not_compared", "{status}");
        let command = status["attention"][0]["command"].as_str().unwrap();
        assert!(command.starts_with("fprecon run 50.csv"), "{command}");
        let plan = lost.call(&["plan", "50.csv"]);
        let says =
            "`fprecon run` of these exports reads the account's list, and sends what is missing";
        assert!(plan.stderr().contains(says), "{}", plan.stderr());
        let ran = lost.call(&["run", "50.csv", "--yes"]).expect(0);
        assert!(ran.stdout().contains("Compared with "), "{}", ran.stdout());
        let both = [FIRST, "in_1_refund_5000 2000"];
        assert_eq!(refunds(&lost.sandbox), both, "{provider} {version}");
        lost.run("60.csv", JOURNAL, 0);
        let all = [FIRST, "in_1_refund_5000 2000", "in_1_refund_6000 1000"];
        assert_eq!(refunds(&lost.sandbox), all, "{provider} {version}");
        for name in ["30.csv", "50.csv", "60.csv"] {
            lost.call(&["run", name, "--yes"]);
        }
        assert_eq!(refunds(&lost.sandbox), all, "{provider} {version}");
        lost.call(&["status"]).expect(0);
        lost.call(&["journal", "check"]).expect(0);
    }
}

/// The next nights go on before anybody has looked: the later total has what is missing of both.
#[test]
fn a_later_total_of_a_new_journal_has_what_was_left_of_an_earlier_one() {
    for (provider, version) in [("stripe", "v1"), ("chargebee", "v2"), ("shopify", "v1")] {
        let lost = Lost::new(provider, version);
        lost.run("50.csv", JOURNAL, 1);
        lost.call(&["plan", "60.csv"]).expect(1);
        let ran = lost.run("60.csv", JOURNAL, 0);
        assert!(ran.stdout().contains("Compared with "), "{}", ran.stdout());
        let both = [FIRST, "in_1_refund_6000 3000"];
        assert_eq!(refunds(&lost.sandbox), both, "{provider} {version}");
        let status = lost.call(&["status", "--json"]).expect(0).json();
        assert_eq!(status["attention"].as_array().unwrap().len(), 0, "{status}");
        lost.run("60.csv", JOURNAL, 0);
        assert_eq!(refunds(&lost.sandbox), both, "{provider} {version}");
        lost.call(&["journal", "check"]).expect(0);
    }
}

/// The new journal begins with other sales, and without the one that is refunded: that comes on a later night, and is from
/// the time before the journal.
#[test]
fn an_old_sale_that_a_new_journal_meets_later_is_compared_too() {
    for version in ["v1", "v2"] {
        let lost = Lost::new("stripe", version);
        lost.place.write(
            "new.csv",
            &format!("{STRIPE}ch_7,2026-03-09 09:14:00,10.00,0.00,usd,true,,Paid,cus_y,y@example.com,in_7\n"),
        );
        lost.run("new.csv", JOURNAL, 0);
        lost.run("50.csv", JOURNAL, 1);
        assert_eq!(refunds(&lost.sandbox), [FIRST], "{version}");
        // Somebody else refunds all of it meanwhile: of which sale, FirstPromoter does not say.
        lost.sandbox
            .track("refund", "event_id=re_1&email=ana@example.com&amount=500");
        let held = lost.run("50.csv", JOURNAL, 1);
        assert!(
            held.stderr().contains("a refund of this customer"),
            "{}",
            held.stderr()
        );
        assert_eq!(refunds(&lost.sandbox), [FIRST, "re_1 500"], "{version}");
        // The first total of a sale of the journal's own time is sent, whoever sent the sale.
        lost.sandbox
            .track("sale", "event_id=in_8&email=x@example.com&amount=2000");
        lost.place.write(
            "own.csv",
            &format!("{STRIPE}ch_8,2026-03-10 09:14:00,20.00,5.00,usd,true,2026-03-11 09:14:00,Paid,cus_x,x@example.com,in_8\n"),
        );
        lost.run("own.csv", JOURNAL, 0);
        assert_eq!(
            refunds(&lost.sandbox)[2..],
            ["in_8_refund_500 500"],
            "{version}"
        );
    }
}

/// The same total was sent by the lost journal.
#[test]
fn a_running_total_that_is_there_under_its_id_is_settled() {
    let lost = Lost::new("shopify", "v1");
    lost.run("30.csv", JOURNAL, 1);
    let ran = lost.run("30.csv", JOURNAL, 0);
    assert!(
        ran.stdout().contains("Nothing needs attention"),
        "{}",
        ran.stdout()
    );
    assert_eq!(refunds(&lost.sandbox), [FIRST]);
    lost.run("50.csv", JOURNAL, 0);
    assert_eq!(refunds(&lost.sandbox)[1..], ["in_1_refund_5000 2000"]);
    // The account's list decides from the first run on where that is asked for.
    let other = [
        "run",
        "60.csv",
        "--yes",
        "--journal",
        "other.journal",
        "--in-account",
        "hold",
    ];
    lost.call(&other).expect(0);
    assert_eq!(refunds(&lost.sandbox)[2..], ["in_1_refund_6000 1000"]);
}

#[test]
fn after_an_undo_was_lost_a_refund_of_its_sale_is_held() {
    for version in ["v1", "v2"] {
        let (place, sandbox) = (
            Place::new(),
            SandboxProcess::start(&["--lead-share", "100"]),
        );
        let header = EXPORT.lines().next().unwrap();
        let sale = "sale,s1,,ana@example.com,50.00,USD,2026-03-02T09:00:00Z\n\
            sale,s2,,ben@example.com,50.00,USD,2026-03-02T09:00:00Z\n";
        place.write("1.csv", &format!("{header}\n{sale}"));
        let run = ["run", "1.csv", "--yes", "--json"];
        let run = call(&place, &sandbox, version, &run).expect(0).json();
        let other = sale.replace("s2", "s3").replace("ben", "cyd");
        place.write("2.csv", &format!("{header}\n{other}"));
        call(&place, &sandbox, version, &["run", "2.csv", "--yes"]).expect(0);
        std::fs::copy(place.path(JOURNAL), place.path("backup")).unwrap();
        let undo = ["undo", run["run"].as_str().unwrap(), "--yes"];
        call(&place, &sandbox, version, &undo).expect(0);
        restore(&place, &sandbox, version);
        let refund = "refund,r1,s1,ana@example.com,20.00,USD,2026-04-03T09:00:00Z\n\
            refund,r3,s3,cyd@example.com,10.00,USD,2026-04-03T09:00:00Z\n";
        place.write("3.csv", &format!("{header}\n{sale}{other}{refund}"));
        let ran = call(&place, &sandbox, version, &["run", "3.csv", "--yes"]).expect(1);
        assert!(
            ran.stderr()
                .contains("`s1_undo`, 50.00 USD: a refund of its sale"),
            "{}",
            ran.stderr()
        );
        // Of the other sale nothing was refunded, as the list says.
        let mut sent = refunds(&sandbox);
        sent.sort();
        assert_eq!(
            sent,
            ["r3 1000", "s1_undo 5000", "s2_undo 5000"],
            "{version}"
        );
    }
}

/// After a loss the months come one after the other, as the page says. As long as the account had every sale before, the journal
/// catches up with what was lost.
#[test]
fn the_months_of_a_lost_journal_come_one_after_the_other() {
    let january = "ch_1,2026-01-05 09:00:00,20.00,0.00,usd,true,,Paid,,ana@example.com,in_1\n";
    let february = |refunded: &str| {
        format!(
            "ch_2,2026-02-05 09:00:00,100.00,{refunded},usd,true,2026-02-20 09:00:00,Paid,,bea@example.com,in_2\n"
        )
    };
    for version in ["v1", "v2"] {
        let lost = Lost {
            place: Place::new(),
            sandbox: SandboxProcess::start(&["--lead-share", "100"]),
            version,
        };
        let write = |name: &str, rows: &str| lost.place.write(name, &format!("{STRIPE}{rows}"));
        write("all.csv", &format!("{january}{}", february("30.00")));
        lost.run("all.csv", "first.journal", 0);
        let first = "in_2_refund_3000 3000";
        assert_eq!(refunds(&lost.sandbox), [first]);

        write("january.csv", january);
        write("february.csv", &february("50.00"));
        lost.run("january.csv", JOURNAL, 0);
        let ran = lost.run("february.csv", JOURNAL, 1);
        let says = "1 event not sent: all or a part of each may be in FirstPromoter";
        assert!(ran.stdout().contains(says), "{}", ran.stdout());
        assert_eq!(refunds(&lost.sandbox), [first], "{version}");
        lost.run("february.csv", JOURNAL, 0);
        let both = [first, "in_2_refund_5000 2000"];
        assert_eq!(refunds(&lost.sandbox), both, "{version}");
    }
}

/// A sale of Ana and one of Ben, and then refunds of both with ids of their own, in the shape of a provider.
fn with_own_refunds(provider: &str) -> (String, String) {
    const GENERIC: &str = "kind,event_id,sale_event_id,email,uid,amount,currency,created_at\n";
    const RECURLY: &str = "account_code,transaction_id,type,amount,tax_amount,currency,date,status,test,original_transaction_id,invoice_id,subscription_id\n";
    let (sales, refunds) = if provider == "recurly" {
        let row = |who: &str, id: &str, kind: &str, amount: &str, day: u32, of: &str| {
            format!(
                "{who}@example.com,{id},{kind},{amount},0.00,USD,2026-03-{day:02} 09:00:00 UTC,success,false,{of},,\n"
            )
        };
        let sales = row("ana", "s1", "purchase", "50.00", 1, "")
            + &row("ben", "s2", "purchase", "20.00", 2, "");
        let refunds = row("ana", "r1", "refund", "30.00", 9, "s1")
            + &row("ben", "r2", "refund", "5.00", 9, "s2");
        (format!("{RECURLY}{sales}"), refunds)
    } else {
        let sales = "sale,s1,,ana@example.com,ana@example.com,50.00,USD,2026-03-01T09:00:00Z\n\
            sale,s2,,ben@example.com,ben@example.com,20.00,USD,2026-03-02T09:00:00Z\n";
        let refunds = "refund,r1,s1,ana@example.com,ana@example.com,30.00,USD,2026-03-09T09:00:00Z\n\
            refund,r2,s2,ben@example.com,ben@example.com,5.00,USD,2026-03-09T09:00:00Z\n";
        (format!("{GENERIC}{sales}"), refunds.to_owned())
    };
    let both = format!("{sales}{refunds}");
    (sales, both)
}

/// The lost journal had undone Ana's sale: a refund of it with an id of its own would reverse more than was sold. Ben's is
/// not there, and is sent once the account's list was read.
#[test]
fn a_refund_with_its_own_id_of_a_sale_that_is_older_than_the_journal_is_compared() {
    for (provider, version, is_known_before) in [
        ("generic", "v1", false),
        ("generic", "v2", true),
        ("recurly", "v1", true),
        ("recurly", "v2", false),
    ] {
        let place = Place::new();
        let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
        let (sales, both) = with_own_refunds(provider);
        place.write("sales.csv", &sales);
        place.write("both.csv", &both);
        let first = sales.lines().take(2).collect::<Vec<_>>().join("\n");
        place.write("first.csv", &format!("{first}\n"));
        let run = |name: &str, journal: &str| {
            let run = ["run", name, "--yes", "--journal", journal];
            call(&place, &sandbox, version, &run)
        };
        run("first.csv", "lost.journal").expect(0);
        let status = ["status", "--json", "--journal", "lost.journal"];
        let status = place.run(&status).expect(0).json();
        let id = status["runs"][0]["run"].as_str().unwrap();
        let undo = ["undo", id, "--yes", "--journal", "lost.journal"];
        call(&place, &sandbox, version, &undo).expect(0);
        run("sales.csv", "lost.journal").expect(0);
        let undone = ["s1_undo 5000".to_owned()];
        assert_eq!(refunds(&sandbox), undone, "{provider} {version}");

        if is_known_before {
            // The new journal has met the sales already: one run reads the list, and sends what is not there.
            run("sales.csv", JOURNAL).expect(0);
            let plan = call(&place, &sandbox, version, &["plan", "both.csv"]).expect(1);
            assert!(
                plan.stderr().contains("before this journal began"),
                "{}",
                plan.stderr()
            );
        } else {
            let out = run("both.csv", JOURNAL).expect(1).stdout();
            let says = "2 events not sent: all or a part of each may be in FirstPromoter";
            assert!(out.contains(says), "{out}");
            assert_eq!(refunds(&sandbox), undone, "{provider} {version}");
            let retry = ["retry", "--event", "r1", "--yes"];
            call(&place, &sandbox, version, &retry).expect(3);
            let explained = place.run(&["explain", "r1"]).expect(0).stdout();
            assert!(explained.contains("fprecon run both.csv"), "{explained}");
        }
        let ran = run("both.csv", JOURNAL).expect(1);
        assert!(ran.stdout().contains("Compared with "), "{}", ran.stdout());
        assert!(ran.stderr().contains("`s1_undo`"), "{}", ran.stderr());
        let with_bens = [undone[0].clone(), "r2 500".to_owned()];
        assert_eq!(refunds(&sandbox), with_bens, "{provider} {version}");
        run("both.csv", JOURNAL).expect(1);
        place
            .run(&["accept", "--event", "r1", "--reason", "undone"])
            .expect(0);
        let ran = run("both.csv", JOURNAL).expect(0);
        assert!(!ran.stdout().contains("Compared with "), "{}", ran.stdout());
        assert_eq!(refunds(&sandbox), with_bens, "{provider} {version}");
        place.run(&["journal", "check"]).expect(0);
    }
}

/// Pruning keeps which sales are older than the journal.
#[test]
fn a_pruned_journal_compares_refunds_of_older_sales_too() {
    for version in ["v1", "v2"] {
        let lost = Lost::new("stripe", version);
        let new = "ch_7,2026-03-09 09:14:00,10.00,0.00,usd,true,,Paid,cus_y,y@example.com,in_7\n";
        lost.place.write("new.csv", &format!("{STRIPE}{new}"));
        for _ in 0..3 {
            lost.run("new.csv", JOURNAL, 0);
        }
        let prune = ["journal", "prune", "--before", "2999-01-01", "--yes"];
        let pruned = lost.place.run(&prune).expect(0).stdout();
        assert!(pruned.contains("2 runs"), "{pruned}");
        lost.run("50.csv", JOURNAL, 1);
        assert_eq!(refunds(&lost.sandbox), [FIRST], "{version}");
        lost.run("50.csv", JOURNAL, 0);
        let both = [FIRST, "in_1_refund_5000 2000"];
        assert_eq!(refunds(&lost.sandbox), both, "{version}");
    }
}

/// A sale of which less counts than was paid, or that is converted, with what is refunded of it by then.
fn not_plain(provider: &str, refunded: &str) -> String {
    match provider {
        "taxed" => format!(
            "{CHARGEBEE}cus_ana,sub_1,in_1,02-Mar-2026 09:14,100.00,Paid,{refunded},ana@example.com,20.00\n"
        ),
        _ => stripe_night(refunded, "2026-04-20 08:00:00").replace(",usd,", ",eur,"),
    }
}

/// What is missing of a running total can't be computed where what counts is not what was paid back: it is held, and not sent
/// whole, in whichever night it comes.
#[test]
fn the_rest_of_a_total_that_can_not_be_computed_is_held() {
    for (provider, version) in [("taxed", "v1"), ("taxed", "v2"), ("converted", "v1")] {
        let place = Place::new();
        let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
        let settings = match provider {
            "taxed" => CHARGEBEE_SETTINGS,
            _ => "[currencies]\nforeign = \"convert\"\nrates = \"rates.csv\"\n",
        };
        let before = std::fs::read_to_string(place.path("fprecon.toml")).unwrap_or_default();
        place.write("fprecon.toml", &format!("{before}{settings}"));
        place.write("rates.csv", "date,currency,rate\n2026-03-01,EUR,1.10\n");
        let run = |refunded: &str, journal: &str| {
            place.write("x.csv", &not_plain(provider, refunded));
            let run = ["run", "x.csv", "--yes", "--journal", journal];
            call(&place, &sandbox, version, &run)
        };
        run("30.00", "lost.journal").expect(0);
        let first = refunds(&sandbox);
        assert_eq!(first.len(), 1, "{first:?}");
        for refunded in ["50.00", "50.00", "60.00", "60.00"] {
            let ran = run(refunded, JOURNAL).expect(1);
            assert_eq!(
                refunds(&sandbox),
                first,
                "{provider} {version}: {}",
                ran.stdout()
            );
        }
        // Nothing of it is sent by what a person may run next, but for the event by its name.
        for words in [
            &["resume"][..],
            &["retry", "--failed"],
            &["retry", "--unconfirmed", "--yes"],
        ] {
            call(&place, &sandbox, version, words);
        }
        assert_eq!(refunds(&sandbox), first, "{provider} {version}");
        place.run(&["journal", "check"]).expect(0);
    }
}
