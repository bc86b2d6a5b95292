//! What the account has of the sales of an undo: refunds by others, denied and paid commissions, other amounts. Real
//! binary, real sandbox.

use serde_json::{Value, json};

use crate::support::{Place, Ran, SandboxProcess};

const HEADER: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";

/// Ana and Ben are Nora's leads, Cyd is Omar's.
const START: &str = "[[promoter]]\nref_id = \"nora\"\n[[promoter]]\nref_id = \"omar\"\n\
    [[lead]]\nemail = \"ana@example.com\"\npromoter = \"nora\"\n\
    [[lead]]\nemail = \"ben@example.com\"\npromoter = \"nora\"\n\
    [[lead]]\nemail = \"cyd@example.com\"\npromoter = \"omar\"\n";

const SALES: &str = "\
sale,s1,,ana@example.com,49.00,USD,2026-03-01T09:00:00Z
sale,s2,,ben@example.com,120.00,USD,2026-03-02T09:00:00Z
refund,r2,s2,ben@example.com,30.00,USD,2026-03-03T09:00:00Z
sale,s3,,cyd@example.com,60.00,USD,2026-03-02T09:00:00Z
";

const WAYS: [&str; 3] = ["v1", "v2", "v2 by commissions"];

struct Import {
    place: Place,
    sandbox: SandboxProcess,
    way: &'static str,
    run: String,
}

impl Import {
    fn new(way: &'static str, rows: &str) -> Self {
        let place = Place::new();
        place.write("a.csv", &format!("{HEADER}{rows}"));
        place.write("start.toml", START);
        if way == "v2 by commissions" {
            place.write("fprecon.toml", "[api]\nhistory = \"commissions\"\n");
        }
        let start = place.path("start.toml");
        let sandbox = SandboxProcess::start(&["--start", start.to_str().unwrap()]);
        let mut import = Import {
            place,
            sandbox,
            way,
            run: String::new(),
        };
        let report = import.call(&["run", "a.csv", "--yes", "--json"]).expect(0);
        import.run = report.json()["run"].as_str().unwrap().to_owned();
        import
    }

    fn call(&self, arguments: &[&str]) -> Ran {
        let mut command = match self.way {
            "v1" => self.place.command_to(&self.sandbox, arguments),
            _ => self.place.command_to_v2(&self.sandbox, arguments),
        };
        Ran(command.output().unwrap())
    }

    fn undo(&self, code: i32) -> Ran {
        self.call(&["undo", &self.run, "--yes"]).expect(code)
    }

    /// Undoes the run while refunds fail as the sandbox is ordered to, so that they are left to send.
    fn interrupt_undo(&self, fault: &Value) {
        self.sandbox.fault(fault);
        let arguments = ["undo", &self.run, "--yes"];
        let mut command = match self.way {
            "v1" => self.place.command_to(&self.sandbox, &arguments),
            _ => self.place.command_to_v2(&self.sandbox, &arguments),
        };
        command.env("FPRECON_GIVE_UP_AFTER_SECONDS", "1");
        Ran(command.output().unwrap()).expect(5);
        self.sandbox.forget_faults();
    }

    /// The reason for which a refund was not sent, in the report of a run.
    fn failed(&self, report: &Value, refund: &str) -> String {
        let directory = report["report_dir"].as_str().unwrap();
        let rows = self.place.csv(&format!("{directory}/failed.csv"));
        let row = rows
            .iter()
            .find(|row| row.iter().any(|cell| cell == refund));
        row.unwrap_or_else(|| panic!("{refund}: {rows:?}"))
            .join(",")
    }

    fn undo_json(&self, code: i32) -> Value {
        let arguments = ["undo", &self.run, "--yes", "--json"];
        self.call(&arguments).expect(code).json()
    }

    /// `event_id cents` of the refunds of undos that took effect.
    fn undone(&self) -> Vec<String> {
        let events = self.sandbox.events();
        let of_undo = events.iter().filter_map(|event| {
            let id = event["event_id"].as_str()?;
            id.ends_with("_undo")
                .then(|| format!("{id} {}", event["amount_cents"]))
        });
        let mut undone: Vec<String> = of_undo.collect();
        undone.sort();
        undone
    }

    /// The reason for which the refund of a sale is held.
    fn held(&self, report: &Value, refund: &str) -> String {
        let directory = report["report_dir"].as_str().unwrap();
        let rows = self.place.csv(&format!("{directory}/held.csv"));
        let row = rows
            .iter()
            .find(|row| row.iter().any(|cell| cell == refund));
        row.unwrap_or_else(|| panic!("{rows:?}")).join(",")
    }

    /// The sum of a promoter's commissions.
    fn commissions(&self) -> i64 {
        let all = self.sandbox.get("/sandbox/commissions");
        let all = all.as_array().unwrap().iter();
        all.map(|own| own["commission_cents"].as_i64().unwrap())
            .sum()
    }
}

#[test]
fn what_others_have_refunded_is_not_refunded_again() {
    for way in WAYS {
        let import = Import::new(way, SALES);
        // Somebody refunds Ana's sale in full, and a part of Cyd's.
        for form in [
            "event_id=re_1&sale_event_id=s1&email=ana@example.com&amount=4900",
            "event_id=re_3&sale_event_id=s3&email=cyd@example.com&amount=1500",
        ] {
            import.sandbox.track("refund", form);
        }
        let planned = import.call(&["undo", &import.run]).expect(2).stdout();
        let said = "2 refunds, 64.00 USD of these sales by others, subtracted.";
        assert!(planned.contains(said), "{planned}");
        let json = import
            .call(&["undo", &import.run, "--json"])
            .expect(2)
            .json();
        assert_eq!(
            json["account_check"]["refunded_by_others"]["amount_cents"],
            json!({"USD": 6400}),
            "{way}"
        );
        import.undo(0);
        assert_eq!(import.undone(), ["s2_undo 9000", "s3_undo 4500"], "{way}");
        // Nothing is left of any commission, and nobody has less than nothing.
        assert_eq!(import.commissions(), 0, "{way}");
        import.undo(0);
        assert_eq!(import.undone().len(), 2, "{way}");
        import.call(&["journal", "check"]).expect(0);
    }
}

#[test]
fn a_refund_that_may_be_of_another_sale_holds_those_of_the_run() {
    for way in WAYS {
        let more = "sale,s4,,ana@example.com,80.00,USD,2026-03-04T09:00:00Z\n";
        let import = Import::new(way, &format!("{SALES}{more}"));
        let form = "event_id=re_1&sale_event_id=s1&email=ana@example.com&amount=1000";
        import.sandbox.track("refund", form);
        let report = import.undo_json(1);
        assert_eq!(import.undone(), ["s2_undo 9000", "s3_undo 6000"], "{way}");
        for held in ["s1_undo", "s4_undo"] {
            let reason = import.held(&report, held);
            assert!(reason.contains("the refund `re_1`, 10.00 USD"), "{reason}");
        }
        // More than the smaller one of them is of the greater one for certain.
        let form = "event_id=re_2&sale_event_id=s4&email=ana@example.com&amount=5000";
        import.sandbox.track("refund", form);
        let report = import.undo_json(1);
        assert_eq!(report["events"]["by_plan"]["unlinked"], 2, "{way}");
        // Once others have refunded all, nothing is left to do.
        let form = "event_id=re_5&sale_event_id=s4&email=ana@example.com&amount=3000";
        import.sandbox.track("refund", form);
        let form = "event_id=re_6&sale_event_id=s1&email=ana@example.com&amount=3900";
        import.sandbox.track("refund", form);
        import.undo(0);
        assert_eq!(import.undone().len(), 2, "{way}");
        assert_eq!(import.commissions(), 0, "{way}");
    }
}

#[test]
fn a_refund_whose_id_says_of_which_sale_it_is_holds_nothing() {
    for way in WAYS {
        let more = "sale,s4,,ana@example.com,80.00,USD,2026-03-04T09:00:00Z\n";
        let import = Import::new(way, &format!("{SALES}{more}"));
        // Another journal of this program has sent it.
        let form = "event_id=s4_refund_1000&sale_event_id=s4&email=ana@example.com&amount=1000";
        import.sandbox.track("refund", form);
        // An integration has given a refund the id of its sale.
        let order = json!({"action": "add", "promoter": "nora", "email": "ana@example.com",
            "event_id": "s1", "sale_amount_cents": -900, "amount_cents": -180});
        import.sandbox.post("/sandbox/commissions", &order);
        import.undo(0);
        assert_eq!(
            import.undone(),
            [
                "s1_undo 4000",
                "s2_undo 9000",
                "s3_undo 6000",
                "s4_undo 7000"
            ],
            "{way}"
        );
        assert_eq!(import.commissions(), 0, "{way}");
    }
}

#[test]
fn a_sale_with_a_denied_commission_or_another_amount_is_held() {
    for way in WAYS {
        let import = Import::new(way, SALES);
        for change in [
            json!({"action": "change", "of": "s1", "status": "denied"}),
            json!({"action": "change", "of": "s3", "sale_amount_cents": 600}),
            json!({"action": "change", "of": "r2", "sale_amount_cents": -300}),
        ] {
            import.sandbox.post("/sandbox/commissions", &change);
        }
        let report = import.undo_json(1);
        assert_eq!(import.undone(), [""; 0], "{way}");
        for (refund, said) in [
            ("s1_undo", "its commission was denied"),
            (
                "s2_undo",
                "FirstPromoter has its refund `r2` with 3.00 USD; and 30.00 USD were sent",
            ),
            (
                "s3_undo",
                "FirstPromoter has it with 6.00 USD; and 60.00 USD were sent",
            ),
        ] {
            let reason = import.held(&report, refund);
            assert!(reason.contains(&said.replace(';', ",")), "{way}: {reason}");
        }
        // A sale that was deleted is held too.
        let gone = json!({"action": "delete", "of": "s3"});
        import.sandbox.post("/sandbox/commissions", &gone);
        let report = import.undo_json(1);
        let reason = import.held(&report, "s3_undo");
        assert!(reason.contains("may have been deleted"), "{reason}");
        // What was denied by mistake is undone once it is approved again.
        let approved = json!({"action": "change", "of": "s1", "status": "approved"});
        import.sandbox.post("/sandbox/commissions", &approved);
        import.undo(1);
        assert_eq!(import.undone(), ["s1_undo 4900"], "{way}");
    }
}

#[test]
fn commissions_that_are_marked_as_paid_are_named_before_the_question() {
    for way in WAYS {
        let import = Import::new(way, SALES);
        import
            .call(&["history", "mark-paid", "--until", "2026-12-31", "--yes"])
            .expect(0);
        let planned = import.call(&["undo", &import.run]).expect(2);
        let shown = planned.stdout();
        for line in ["nora@example.com", "omar@example.com"] {
            assert!(shown.contains(line), "{way}: {shown}");
        }
        let said = planned.stderr();
        assert!(
            said.contains("of 2 promoters; they stay paid"),
            "{way}: {said}"
        );
        let json = import
            .call(&["undo", &import.run, "--json"])
            .expect(2)
            .json();
        // The list of version 2 has no referral id.
        let ref_id = |id: &str| (way == "v1").then(|| id.to_owned());
        assert_eq!(
            json["paid_commissions"],
            json!([
                {"promoter_email": "nora@example.com", "promoter_ref_id": ref_id("nora"),
                 "commissions": 2, "commission_cents": 3380},
                {"promoter_email": "omar@example.com", "promoter_ref_id": ref_id("omar"),
                 "commissions": 1, "commission_cents": 1200},
            ]),
            "{way}"
        );
        // The undo says it too, and what it takes is the sum of what was marked, less the refund among it.
        let said = import.undo(1).stderr();
        assert!(said.contains("they stay paid"), "{way}: {said}");
        assert_eq!(import.undone().len(), 3, "{way}");
    }
}

#[test]
fn without_a_complete_list_nothing_is_undone_unless_somebody_says_so() {
    for way in WAYS {
        let import = Import::new(way, SALES);
        let broken = json!({"action": "status", "status": 400, "kind": "listing", "percent": 100});
        import.sandbox.fault(&broken);
        let said = import.undo(5).stderr();
        assert!(
            said.contains("it is not known what others have refunded"),
            "{said}"
        );
        let option = format!("fprecon undo {} --no-account-check", import.run);
        assert!(said.contains(&option), "{said}");
        assert_eq!(import.undone(), [""; 0], "{way}");
        let asked = import
            .call(&["undo", &import.run, "--no-account-check"])
            .expect(2)
            .stderr();
        assert!(asked.contains("--no-account-check --yes"), "{asked}");
        let arguments = ["undo", &import.run, "--yes", "--no-account-check"];
        let said = import.call(&arguments).expect(0).stderr();
        assert!(
            said.contains("the account's commissions were not compared"),
            "{said}"
        );
        assert_eq!(import.undone().len(), 3, "{way}");
    }
}

fn unavailable() -> Value {
    json!({"action": "status", "status": 503, "kind": "refund", "percent": 100})
}

#[test]
fn what_others_refund_before_a_resume_is_not_refunded_again() {
    for way in WAYS {
        let import = Import::new(way, SALES);
        import.interrupt_undo(&unavailable());
        assert_eq!(import.undone(), [""; 0], "{way}");
        // Hours later, somebody has refunded Ana's sale in full, and a part of Cyd's.
        for form in [
            "event_id=re_1&sale_event_id=s1&email=ana@example.com&amount=4900",
            "event_id=re_3&sale_event_id=s3&email=cyd@example.com&amount=1500",
        ] {
            import.sandbox.track("refund", form);
        }
        let said = import.call(&["resume"]).expect(1);
        let shown = said.stdout();
        assert!(shown.contains("2 refunds of the undo not sent."), "{shown}");
        let stderr = said.stderr();
        let hint = format!("`fprecon undo {} --yes` refunds what is left", import.run);
        assert!(stderr.contains(&hint), "{way}: {stderr}");
        assert_eq!(import.undone(), ["s2_undo 9000"], "{way}");
        let report = import.call(&["report", "--json"]).expect(0).json();
        assert_eq!(report["exit_code"], 1, "{way}");
        let reason = import.failed(&report, "s1_undo");
        assert!(reason.contains("is refunded in full already"), "{reason}");
        let reason = import.failed(&report, "s3_undo");
        let left = "45.00 USD of its sale are left to refund, and this refund is of 60.00 USD";
        assert!(reason.contains(left), "{reason}");
        import.call(&["journal", "check"]).expect(0);
        // A retry finds the same, and a further undo refunds the rest.
        let retry = ["retry", "--failed", "--unconfirmed", "--yes"];
        import.call(&retry).expect(1);
        assert_eq!(import.undone().len(), 1, "{way}");
        import.undo(1);
        assert_eq!(import.undone(), ["s2_undo 9000", "s3_undo 4500"], "{way}");
        assert_eq!(import.commissions(), 0, "{way}");
        let accept = [
            "accept",
            "--event",
            "s1_undo",
            "--reason",
            "refunded by hand",
        ];
        import.call(&accept).expect(0);
        import.undo(0);
        assert_eq!(import.undone().len(), 2, "{way}");
        import.call(&["journal", "check"]).expect(0);
    }
}

#[test]
fn a_refund_that_was_refused_is_compared_before_it_is_tried_again() {
    for way in WAYS {
        let import = Import::new(way, SALES);
        let refusal = json!({"action": "status", "status": 422, "event_id": "s1_undo"});
        import.sandbox.fault(&refusal);
        import.undo(1);
        import.sandbox.forget_faults();
        let form = "event_id=re_1&sale_event_id=s1&email=ana@example.com&amount=1000";
        import.sandbox.track("refund", form);
        import.call(&["retry", "--event", "s1_undo"]).expect(1);
        assert_eq!(import.undone(), ["s2_undo 9000", "s3_undo 6000"], "{way}");
        import.undo(0);
        assert_eq!(
            import.undone(),
            ["s1_undo 3900", "s2_undo 9000", "s3_undo 6000"],
            "{way}"
        );
        assert_eq!(import.commissions(), 0, "{way}");
    }
}

#[test]
fn a_refund_that_arrived_without_an_answer_is_not_one_by_others() {
    for way in WAYS {
        let import = Import::new(way, SALES);
        import.interrupt_undo(
            &json!({"action": "reset", "kind": "refund", "after_effect": true, "percent": 100}),
        );
        assert_ne!(import.undone().len(), 0, "{way}");
        import.call(&["resume"]).expect(0);
        assert_eq!(import.undone().len(), 3, "{way}");
        assert_eq!(import.commissions(), 0, "{way}");
    }
}

#[test]
fn a_resume_without_a_complete_list_sends_no_refund_unless_somebody_says_so() {
    for way in WAYS {
        let import = Import::new(way, SALES);
        import.interrupt_undo(&unavailable());
        let broken = json!({"action": "status", "status": 400, "kind": "listing", "percent": 100});
        import.sandbox.fault(&broken);
        let said = import.call(&["resume"]).expect(5).stderr();
        assert!(
            said.contains("resume --no-account-check` sends the refunds"),
            "{said}"
        );
        assert_eq!(import.undone(), [""; 0], "{way}");
        let said = import
            .call(&["resume", "--no-account-check"])
            .expect(0)
            .stderr();
        assert!(said.contains("were not compared"), "{said}");
        assert_eq!(import.undone().len(), 3, "{way}");
    }
}

#[test]
fn the_report_of_an_undo_has_what_the_account_said() {
    let import = Import::new("v1", SALES);
    let form = "event_id=re_3&sale_event_id=s3&email=cyd@example.com&amount=1500";
    import.sandbox.track("refund", form);
    let planned = import
        .call(&["undo", &import.run, "--json"])
        .expect(2)
        .json();
    let undone = import.undo_json(0);
    let said = &undone["account_check"];
    assert_eq!(said, &planned["account_check"]);
    assert_eq!(
        said["refunded_by_others"]["amount_cents"],
        json!({"USD": 1500})
    );
    let again = import.call(&["report", "--json"]).expect(0).json();
    assert_eq!(&again["account_check"], said);
    import.call(&["journal", "check"]).expect(0);
}

#[test]
fn a_sale_that_others_refunded_in_full_is_not_refunded_by_later_exports() {
    for way in WAYS {
        let sale = "sale,s1,,ana@example.com,49.00,USD,2026-03-01T09:00:00Z\n";
        let import = Import::new(way, sale);
        let form = "event_id=re_1&sale_event_id=s1&email=ana@example.com&amount=4900";
        import.sandbox.track("refund", form);
        let said = import.undo(0).stdout();
        assert!(
            said.contains("are refunded in full already"),
            "{way}: {said}"
        );
        let refund = "refund,r1,s1,ana@example.com,49.00,USD,2026-03-03T09:00:00Z\n";
        import
            .place
            .write("b.csv", &format!("{HEADER}{sale}{refund}"));
        let ran = import.call(&["run", "b.csv", "--yes"]).expect(0);
        assert!(ran.stderr().contains("in full"), "{way}: {}", ran.stderr());
        let events = import.sandbox.events();
        let refunds = events.iter().filter(|own| own["kind"] == "refund");
        assert_eq!(refunds.count(), 1, "{way}");
        import.call(&["journal", "check"]).expect(0);
        import.undo(0);
    }
}

#[test]
fn what_is_marked_as_paid_is_said_again_when_an_undo_goes_on() {
    for way in WAYS {
        let sale = "sale,s1,,ana@example.com,49.00,USD,2026-03-01T09:00:00Z\n";
        let import = Import::new(way, sale);
        let fault = json!({"kind": "refund", "action": "status", "status": 503, "percent": 100});
        import.interrupt_undo(&fault);
        // While an undo is open, its sale is not marked.
        let mark = ["history", "mark-paid", "--until", "2026-12-31", "--yes"];
        let said = import.call(&mark).expect(1).stdout();
        assert!(
            said.contains("an undo of its sale is not finished"),
            "{way}: {said}"
        );
        let commissions = import.sandbox.get("/sandbox/commissions");
        assert_eq!(commissions[0]["is_paid"], false, "{way}");
        if way != "v1" {
            // Somebody marks it by hand.
            let paid = json!({"action": "change", "of": "s1", "is_paid": true});
            import.sandbox.post("/sandbox/commissions", &paid);
        }
        let resumed = import.call(&["resume"]).expect(i32::from(way != "v1"));
        let is_said = resumed.stderr().contains("marked as paid: 1 commission");
        assert_eq!(is_said, way != "v1", "{way}: {}", resumed.stderr());
        let status = import.call(&["status", "--json"]).expect(0).json();
        let is_open = status["attention"][0]["code"] == "undo_paid";
        assert_eq!(is_open, way != "v1", "{way}: {status}");
    }
}
