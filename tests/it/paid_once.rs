//! What may be in the account already is not paid or refunded twice, whatever way it is sent: by an export, by a report that
//! is handed back, by a run that reads the account's list by itself, after an undo. Real binary, real sandbox.

use serde_json::{Value, json};

use crate::support::{Place, Ran, SandboxProcess};

const HEADER: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";
const STRIPE: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Refunded date (UTC),Status,Customer ID,Customer Email,Invoice ID\n";
const VERSIONS: [&str; 2] = ["v1", "v2"];

/// An account and the exports for it.
struct Walk {
    place: Place,
    sandbox: SandboxProcess,
    version: &'static str,
}

impl Walk {
    fn new(version: &'static str) -> Self {
        Walk {
            place: Place::new(),
            sandbox: SandboxProcess::start(&["--lead-share", "100"]),
            version,
        }
    }

    fn call(&self, arguments: &[&str]) -> Ran {
        let mut command = match self.version {
            "v1" => self.place.command_to(&self.sandbox, arguments),
            _ => self.place.command_to_v2(&self.sandbox, arguments),
        };
        Ran(command.output().unwrap())
    }

    fn run(&self, export: &str, code: i32) -> Ran {
        self.call(&["run", export, "--yes"]).expect(code)
    }

    fn accept(&self, what: &[&str]) {
        let words = [&["accept"], what, &["--reason", "looked at"]].concat();
        self.place.run(&words).expect(0);
    }

    /// Writes an export of events.
    fn events(&self, rows: &str) {
        self.place.write("e.csv", &format!("{HEADER}{rows}"));
    }

    /// Writes an export of Stripe: `charge;day;amount;refunded;status;customer;invoice` of each payment.
    fn payments(&self, payments: &[&str]) {
        let rows = payments.iter().map(|payment| {
            let cells: Vec<&str> = payment.split(';').collect();
            let [charge, day, amount, refunded, status, customer, invoice] = cells[..] else {
                panic!("{payment}");
            };
            let at = if refunded == "0.00" {
                ""
            } else {
                "2026-03-20 08:00:00"
            };
            format!(
                "{charge},{day} 09:00:00,{amount},{refunded},usd,true,{at},{status},,{customer}@example.com,{invoice}\n"
            )
        });
        let rows: String = rows.collect();
        self.place.write("p.csv", &format!("{STRIPE}{rows}"));
    }

    /// Another integration sends Ben's sale of 50.00.
    fn live_sale(&self) {
        let form =
            "event_id=live&email=ben@example.com&amount=5000&created_at=2026-03-02T10:00:00Z";
        self.sandbox.track("sale", form);
    }

    fn refuse(&self, id: &str) {
        let refusal = json!({"action": "status", "status": 422, "event_id": id});
        self.sandbox.fault(&refusal);
    }

    fn lose_journal(&self) {
        for end in ["", "-wal", "-shm", ".commits", ".lock"] {
            let name = format!("fprecon.journal{end}");
            let _ = std::fs::remove_file(self.place.path(&name));
        }
    }

    /// The name of the run with this place among them, the latest first.
    fn run_name(&self, place: usize) -> String {
        let status = self.place.run(&["status", "--json"]).json();
        status["runs"][place]["run"].as_str().unwrap().to_owned()
    }

    /// `event_id cents` of all that took effect, refunds with a minus, in the order of their ids.
    fn sent(&self) -> Vec<String> {
        let events = self.sandbox.events();
        let events = events
            .iter()
            .filter(|event| event["kind"] == "sale" || event["kind"] == "refund");
        let mut sent: Vec<String> = events
            .map(|event| {
                let sign = if event["kind"] == "refund" { "-" } else { "" };
                let id = event["event_id"].as_str().unwrap();
                format!("{id} {sign}{}", event["amount_cents"])
            })
            .collect();
        sent.sort();
        sent
    }
}

fn count(report: &Value, path: &str) -> u64 {
    report.pointer(path).unwrap().as_u64().unwrap()
}

const TWO_SALES: &str = "\
sale,s1,,ana@example.com,20.00,USD,2026-03-01T09:00:00Z
sale,s2,,ben@example.com,50.00,USD,2026-03-02T09:00:00Z
";

#[test]
fn what_is_handed_back_is_held_too_if_the_account_has_it() {
    for version in VERSIONS {
        let walk = Walk::new(version);
        walk.events(TWO_SALES);
        walk.refuse("s2");
        walk.call(&["run", "e.csv", "--yes", "--dir", "r1"])
            .expect(1);
        walk.sandbox.forget_faults();
        walk.live_sale();
        let there = ["live 5000", "s1 2000"];

        let failed = "r1/failed.csv";
        let hold = [
            "run",
            failed,
            "--yes",
            "--in-account",
            "hold",
            "--dir",
            "r2",
        ];
        let ran = walk.call(&hold).expect(1);
        assert!(
            ran.stderr()
                .contains("sale `s2`: already in the account as `live`"),
            "{}",
            ran.stderr()
        );
        assert_eq!(walk.sent(), there, "{version}");
        assert!(walk.place.read("r2/held.csv").contains("s2"), "{version}");
        // It stays held without the option, and once that is accepted.
        walk.run(failed, 1);
        walk.accept(&["r2/held.csv"]);
        walk.run(failed, 0);
        assert_eq!(walk.sent(), there, "{version}");
        // Only who withdraws that sends it.
        walk.place
            .run(&["accept", "--undo", "--event", "s2"])
            .expect(0);
        let send = ["run", failed, "--yes", "--in-account", "send"];
        walk.call(&send).expect(0);
        assert_eq!(
            walk.sent(),
            ["live 5000", "s1 2000", "s2 5000"],
            "{version}"
        );
    }
}

#[test]
fn what_was_left_since_the_account_has_it_is_not_sent_by_handing_it_back() {
    for version in VERSIONS {
        for is_accepted in [false, true] {
            let walk = Walk::new(version);
            walk.events(TWO_SALES);
            let first = ["run", "e.csv", "--yes", "--first", "1", "--dir", "r1"];
            walk.call(&first);
            walk.live_sale();
            let hold = [
                "run",
                "e.csv",
                "--yes",
                "--in-account",
                "hold",
                "--dir",
                "r2",
            ];
            walk.call(&hold).expect(1);
            if is_accepted {
                walk.accept(&["r2/failed.csv"]);
            }
            let there = ["live 5000", "s1 2000"];
            for report in ["r1/failed.csv", "r2/failed.csv"] {
                let code = i32::from(!is_accepted);
                walk.run(report, code);
                assert_eq!(walk.sent(), there, "{version} {report}");
            }
            walk.call(&["retry", "--event", "s2"]).expect(0);
            let both = ["live 5000", "s1 2000", "s2 5000"];
            assert_eq!(walk.sent(), both, "{version}");
        }
    }
}

#[test]
fn a_run_that_reads_the_list_by_itself_holds_a_sale_that_is_there() {
    for version in VERSIONS {
        let walk = Walk::new(version);
        let first = "ch_1;2026-03-01;50.00;0.00;Paid;ana;in_1";
        walk.payments(&[first]);
        walk.run("p.csv", 0);
        walk.lose_journal();
        let refunded = first.replace("0.00;Paid", "20.00;Paid");
        walk.payments(&[&refunded]);
        walk.run("p.csv", 1);
        walk.live_sale();
        walk.payments(&[&refunded, "ch_2;2026-03-02;50.00;0.00;Paid;ben;in_2"]);
        let ran = walk.run("p.csv", 1);
        let said = ran.stderr();
        assert!(
            said.contains("sale `in_2`: already in the account as `live`"),
            "{said}"
        );
        assert!(said.contains("--in-account send"), "{said}");
        let there = ["in_1 5000", "in_1_refund_2000 -2000", "live 5000"];
        assert_eq!(walk.sent(), there, "{version}");
        // The night after that holds it, too, without the list.
        walk.run("p.csv", 1);
        assert_eq!(walk.sent(), there, "{version}");
        let send = ["run", "p.csv", "--yes", "--in-account", "send"];
        walk.call(&send).expect(0);
        assert_eq!(walk.sent().len(), 4, "{version}");
    }
}

#[test]
fn a_run_that_reads_the_list_by_itself_holds_refunds_that_do_not_fit_what_is_there() {
    for version in VERSIONS {
        for (before, now) in [
            (
                "ch_1;2026-03-01;20.00;0.00;Paid;ana;in_1",
                "ch_1;2026-03-01;50.00;50.00;Refunded;ana;in_1",
            ),
            (
                "ch_1;2026-03-01;50.00;0.00;Paid;old;in_1",
                "ch_1;2026-03-01;50.00;20.00;Paid;new;in_1",
            ),
        ] {
            let walk = Walk::new(version);
            walk.payments(&[before]);
            walk.run("p.csv", 0);
            walk.lose_journal();
            walk.payments(&[now]);
            walk.run("p.csv", 1);
            let ran = walk.run("p.csv", 1);
            assert!(
                ran.stderr().contains("--in-account send"),
                "{}",
                ran.stderr()
            );
            assert_eq!(walk.sent().len(), 1, "{version} {now}");
        }
    }
}

/// A run of which the first event was sent, and that was undone.
fn undone_with_a_refund_left(version: &'static str) -> Walk {
    let walk = Walk::new(version);
    walk.events(
        "sale,s0,,ana@example.com,50.00,USD,2026-03-01T09:00:00Z\n\
         refund,r0,s0,ana@example.com,20.00,USD,2026-03-02T09:00:00Z\n\
         sale,s1,,ben@example.com,50.00,USD,2026-03-01T09:00:00Z\n",
    );
    walk.call(&["run", "e.csv", "--yes", "--first", "1", "--dir", "r1"]);
    let undo = walk.run_name(0);
    walk.call(&["undo", &undo, "--yes", "--dir", "u1"])
        .expect(1);
    walk
}

#[test]
fn a_refund_of_a_sale_that_was_undone_is_not_sent_whatever_way_it_is_tried() {
    for version in VERSIONS {
        for report in ["u1/failed.csv", "r1/failed.csv"] {
            let walk = undone_with_a_refund_left(version);
            let ran = walk.run(report, 0);
            assert!(
                ran.stderr()
                    .contains("has refunded the sales of these refunds in full")
            );
            let there = ["s0 5000", "s0_undo -5000", "s1 5000"];
            assert_eq!(walk.sent(), there, "{version} {report}");
        }
        let walk = undone_with_a_refund_left(version);
        let said = walk.call(&["retry", "--event", "r0"]).expect(3).stderr();
        assert!(
            said.contains("nothing is left of the sale of refund `r0`"),
            "{said}"
        );
        assert_eq!(walk.sent(), ["s0 5000", "s0_undo -5000"], "{version}");
    }
}

#[test]
fn the_refund_of_an_undo_that_is_handed_back_waits_for_the_list() {
    for version in VERSIONS {
        let walk = Walk::new(version);
        walk.events(TWO_SALES);
        walk.run("e.csv", 0);
        walk.refuse("s2_undo");
        let undo = walk.run_name(0);
        walk.call(&["undo", &undo, "--yes", "--dir", "u1"])
            .expect(1);
        walk.sandbox.forget_faults();
        let form =
            "event_id=live_r&email=ben@example.com&amount=5000&created_at=2026-03-05T10:00:00Z";
        walk.sandbox.track("refund", form);
        let there = walk.sent();
        let said = walk.run("u1/failed.csv", 1).stderr();
        assert!(said.contains("`fprecon retry --event s2_undo`"), "{said}");
        walk.call(&["retry", "--event", "s2_undo"]).expect(1);
        assert_eq!(walk.sent(), there, "{version}");
    }
}

#[test]
fn a_refund_of_a_sale_that_was_refunded_by_hand_instead_of_undone_is_held() {
    for version in VERSIONS {
        let walk = Walk::new(version);
        let rows = "sale,s0,,ana@example.com,50.00,USD,2026-03-01T09:00:00Z\n\
             refund,r0,s0,ana@example.com,20.00,USD,2026-03-02T09:00:00Z\n";
        walk.events(rows);
        walk.refuse("r0");
        walk.run("e.csv", 1);
        walk.sandbox.forget_faults();
        let undo = walk.run_name(0);
        walk.call(&["undo", &undo, "--yes"]).expect(1);
        let form =
            "event_id=by_hand&email=ana@example.com&amount=5000&created_at=2026-03-05T10:00:00Z";
        walk.sandbox.track("refund", form);
        walk.accept(&["--event", "s0_undo"]);
        walk.accept(&["--event", "r0"]);
        walk.events(&format!(
            "{rows}refund,r9,s0,ana@example.com,30.00,USD,2026-03-08T09:00:00Z\n"
        ));
        let said = walk.run("e.csv", 1).stderr();
        assert!(
            said.contains("`fprecon accept --undo --event s0_undo`"),
            "{said}"
        );
        assert_eq!(walk.sent(), ["by_hand -5000", "s0 5000"], "{version}");
        walk.accept(&["--event", "r9"]);
        walk.run("e.csv", 0);
        assert_eq!(walk.sent(), ["by_hand -5000", "s0 5000"], "{version}");
    }
}

#[test]
fn a_payment_that_an_earlier_run_sent_from_another_kind_of_export_is_found() {
    for version in VERSIONS {
        let walk = Walk::new(version);
        let customers = ["ana", "ben", "cyd"];
        let payments =
            customers.map(|name| format!("ch_{name};2026-03-01;50.00;0.00;Paid;{name};in_{name}"));
        walk.payments(&payments.each_ref().map(String::as_str));
        walk.run("p.csv", 0);
        let rows = customers.map(|name| {
            format!("sale,order_{name},,{name}@example.com,50.00,USD,2026-03-01T09:00:00Z\n")
        });
        walk.events(&rows.concat());
        let both = walk.call(&["plan", "p.csv", "e.csv"]).expect(3).stderr();
        assert!(both.contains("with `--in-account hold`"), "{both}");
        walk.call(&["plan", "e.csv", "--check-account"]).expect(1);
        let hold = ["run", "e.csv", "--yes", "--in-account", "hold"];
        let said = walk.call(&hold).expect(1).stderr();
        let reason = "sent by an earlier run from another kind of export";
        assert_eq!(said.matches(reason).count(), 3, "{said}");
        assert_eq!(walk.sent().len(), 3, "{version}");
    }
}

#[test]
fn a_sale_that_an_undo_of_a_lost_journal_refunded_is_no_sale_that_counts() {
    for version in VERSIONS {
        let walk = Walk::new(version);
        walk.events(TWO_SALES);
        walk.run("e.csv", 0);
        let undo = walk.run_name(0);
        walk.call(&["undo", &undo, "--yes"]).expect(0);
        walk.lose_journal();
        let hold = ["run", "e.csv", "--yes", "--in-account", "hold", "--json"];
        let ran = walk.call(&hold).expect(1);
        assert!(
            ran.stderr().contains("refunded by `s2_undo`, 50.00 USD"),
            "{}",
            ran.stderr()
        );
        assert_eq!(
            count(&ran.json(), "/events/by_plan/unlinked"),
            2,
            "{version}"
        );
    }
}

/// The lines of a CSV of one's own that a hint has.
fn hinted(ran: &Ran) -> Option<String> {
    let said = ran.stderr();
    let (_, lines) = said.split_once("these two lines: `")?;
    let (header, rest) = lines.split_once("` and `")?;
    let (row, _) = rest.split_once('`')?;
    Some(format!("{header}\n{row}\n"))
}

#[test]
fn a_refund_of_a_sale_that_was_paid_after_all_needs_attention() {
    for version in VERSIONS {
        let walk = Walk::new(version);
        let other = "ch_2;2026-03-01;10.00;0.00;Paid;ben;in_2";
        let payment = |refunded: &str, status: &str| {
            walk.payments(&[
                &format!("ch_1;2026-03-01;100.00;{refunded};{status};ana;in_1"),
                other,
            ]);
        };
        payment("0.00", "Paid");
        walk.run("p.csv", 0);
        for status in ["Failed", "Paid"] {
            payment("0.00", status);
            let lines = hinted(&walk.run("p.csv", 1)).unwrap();
            walk.place.write("own.csv", &lines);
            walk.run("own.csv", 0);
        }
        let there = walk.sent();
        assert!(
            there.contains(&"in_1_paid_after_all 10000".to_owned()),
            "{there:?}"
        );
        payment("50.00", "Paid");
        let said = walk.run("p.csv", 1).stderr();
        assert!(
            said.contains("sent again as `in_1_paid_after_all`"),
            "{said}"
        );
        assert_eq!(walk.sent(), there, "{version}");
    }
}

#[test]
fn a_correction_that_was_undone_corrects_nothing_any_more() {
    for version in VERSIONS {
        let walk = Walk::new(version);
        walk.payments(&["ch_1;2026-03-01;20.00;0.00;Paid;ana;in_1"]);
        walk.run("p.csv", 0);
        walk.payments(&["ch_1;2026-03-01;40.00;0.00;Paid;ana;in_1"]);
        let lines = hinted(&walk.run("p.csv", 1)).unwrap();
        walk.place.write("own.csv", &lines);
        walk.run("own.csv", 0);
        walk.run("p.csv", 0);
        // The run of the correction is the one before the last.
        let undo = walk.run_name(1);
        walk.call(&["undo", &undo, "--yes"]).expect(0);
        // FirstPromoter has 20.00, and the row 40.00. The id of the correction is used up.
        let ran = walk.run("p.csv", 1);
        assert_eq!(hinted(&ran), None, "{}", ran.stderr());
        let there = walk.sent();
        walk.payments(&["ch_1;2026-03-01;40.00;40.00;Refunded;ana;in_1"]);
        walk.run("p.csv", 1);
        assert_eq!(walk.sent(), there, "{version}");
    }
}

#[test]
fn the_undo_of_a_correction_whose_sale_was_refunded_is_held() {
    for version in VERSIONS {
        let walk = Walk::new(version);
        walk.payments(&["ch_1;2026-03-01;100.00;0.00;Paid;ana;in_1"]);
        walk.run("p.csv", 0);
        walk.payments(&["ch_1;2026-03-01;110.00;0.00;Paid;ana;in_1"]);
        let lines = hinted(&walk.run("p.csv", 1)).unwrap();
        walk.place.write("own.csv", &lines);
        walk.run("own.csv", 0);
        let undo = walk.run_name(0);
        walk.payments(&["ch_1;2026-03-01;110.00;110.00;Refunded;ana;in_1"]);
        walk.run("p.csv", 0);
        let there = walk.sent();
        let said = walk.call(&["undo", &undo, "--yes"]).expect(1).stderr();
        assert!(
            said.contains("whose refunds may be of this one, too"),
            "{said}"
        );
        assert_eq!(walk.sent(), there, "{version}");
    }
}

#[test]
fn a_sale_that_was_undone_gets_no_hint_to_send_a_difference() {
    for version in VERSIONS {
        let walk = Walk::new(version);
        walk.payments(&["ch_1;2026-03-01;50.00;0.00;Paid;ana;in_1"]);
        walk.run("p.csv", 0);
        let undo = walk.run_name(0);
        walk.call(&["undo", &undo, "--yes"]).expect(0);
        for amount in ["99.00", "40.00"] {
            walk.payments(&[&format!("ch_1;2026-03-01;{amount};0.00;Paid;ana;in_1")]);
            let ran = walk.run("p.csv", 1);
            assert_eq!(hinted(&ran), None, "{}", ran.stderr());
            assert!(
                ran.stderr().contains("nothing of it counts"),
                "{}",
                ran.stderr()
            );
        }
    }
}

#[test]
fn a_running_total_that_rises_again_after_its_fall_was_accepted_needs_attention() {
    for version in VERSIONS {
        let walk = Walk::new(version);
        let night = |refunded: &str, code: i32| {
            walk.payments(&[&format!("ch_1;2026-03-01;100.00;{refunded};Paid;ana;in_1")]);
            walk.run("p.csv", code)
        };
        night("0.00", 0);
        night("30.00", 0);
        night("0.00", 1);
        walk.accept(&["--event", "in_1_refund_0"]);
        night("0.00", 0);
        let said = night("30.00", 1).stderr();
        assert!(said.contains("and is 30.00 USD again"), "{said}");
        walk.accept(&["--event", "in_1_refund_3000_again"]);
        night("30.00", 0);
        assert_eq!(
            walk.sent(),
            ["in_1 10000", "in_1_refund_3000 -3000"],
            "{version}"
        );
    }
}

#[test]
fn a_retry_compares_its_sales_if_that_is_asked_for_and_says_so_if_not() {
    for version in VERSIONS {
        let walk = Walk::new(version);
        walk.events(TWO_SALES);
        walk.refuse("s2");
        walk.refuse("s1");
        walk.run("e.csv", 1);
        walk.sandbox.forget_faults();
        walk.live_sale();
        let hold = ["retry", "--failed", "--in-account", "hold"];
        let ran = walk.call(&hold).expect(1);
        let said = ran.stderr();
        assert!(
            said.contains("sale `s2` is not sent: already in the account as `live`"),
            "{said}"
        );
        let there = ["live 5000", "s1 2000"];
        assert_eq!(walk.sent(), there, "{version}");
        // Neither its outcome nor a report that is handed back sends it.
        for words in [&["retry", "--failed"][..], &["run", "e.csv", "--yes"]] {
            walk.call(words).expect(1);
        }
        assert_eq!(walk.sent(), there, "{version}");
        let said = walk.call(&["retry", "--event", "s2"]).expect(0).stderr();
        assert!(
            said.contains("1 sale not compared with the account's list"),
            "{said}"
        );
        assert_eq!(
            walk.sent(),
            ["live 5000", "s1 2000", "s2 5000"],
            "{version}"
        );
    }
}
