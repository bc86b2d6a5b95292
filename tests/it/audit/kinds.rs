//! What is planted is found, by its kind, and nothing else beside it.

use serde_json::{Value, json};

use super::world::{REFUND, RULES, WAYS, Way, World, payments};
use crate::support::{Place, SandboxProcess, stripe_export};

#[test]
fn a_clean_account_has_no_differences_and_the_totals_of_both_sides() {
    let world = World::empty(8);
    let run = world.import(&payments(8), 0);
    let state = world.sandbox.state();
    for way in WAYS {
        let audit = world.audit(way, &[]).expect(0).json();
        assert_eq!(audit["findings"], json!([]), "{way:?}");
        let all = &audit["totals"]["in_all"]["USD"];
        assert_eq!(all["actual_cents"], state["commission_cents"], "{way:?}");
        assert_eq!(all["expected_cents"], state["commission_cents"]);
        let tracked = &run["outcomes"]["tracked"]["by_kind"];
        for (mine, theirs) in [("sales", "sale"), ("refunds", "refund")] {
            assert_eq!(all[mine], tracked[theirs]["count"], "{run:#}");
            assert_eq!(
                all[format!("{mine}_cents")],
                tracked[theirs]["amount_cents"]["USD"]
            );
        }
        let by_promoter = audit["totals"]["by"]["promoter"].as_array().unwrap();
        for promoter in state["promoters"].as_array().unwrap() {
            let line = by_promoter
                .iter()
                .find(|line| line["value"] == promoter["email"]);
            let line = line.unwrap_or_else(|| panic!("{by_promoter:#?}"));
            assert_eq!(line["actual_cents"], promoter["commission_cents"]);
        }
    }
}

#[test]
fn refunds_that_went_out_again_with_their_sale_are_expected_once() {
    let place = Place::new();
    place.write(
        "account.toml",
        "[[promoter]]\nref_id = \"nora\"\n[[lead]]\nemail = \"eva@example.com\"\npromoter = \"nora\"\n",
    );
    place.write("fprecon.toml", "[[audit.rule]]\nrate = \"20\"\n");
    let start = place.path("account.toml").display().to_string();
    let sandbox = SandboxProcess::start(&["--lead-share", "0", "--start", &start]);
    let header = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email";
    // What was paid back grows; only then the email is corrected, so that all of it is asked again at once.
    for (night, (refunded, email)) in [
        ("0.00", "eva@exmaple.com"),
        ("10.00", "eva@exmaple.com"),
        ("25.00", "eva@exmaple.com"),
        ("25.00", "eva@example.com"),
    ]
    .into_iter()
    .enumerate()
    {
        let row = format!("ch_1,2026-03-04 10:00:00,60.00,{refunded},usd,true,Paid,cus_1,{email}");
        let name = format!("night-{night}.csv");
        place.write(&name, &format!("{header}\n{row}\n"));
        place.run_to(&sandbox, &["run", &name, "--yes"]).expect(0);
    }
    let audit = place.run_to(&sandbox, &["audit", "--live", "--json"]);
    let audit = audit.expect(0).json();
    assert_eq!(audit["findings"], json!([]), "{audit:#}");
    let all = &audit["totals"]["in_all"]["USD"];
    assert_eq!(all["refunds_cents"], 2_500, "{audit:#}");
    assert_eq!(all["actual_cents"], sandbox.state()["commission_cents"]);
}

#[test]
fn a_sale_that_was_refused_and_mended_counts_once_as_it_was_mended() {
    let world = World::empty(8);
    world
        .sandbox
        .fault(&json!({"action": "status", "status": 422, "event_id": "in_0001", "times": 1}));
    let first = world.import(&payments(8), 1);
    let failed = format!("{}/failed.csv", first["report_dir"].as_str().unwrap());
    let mended = world.place.read(&failed).replace(",2000,", ",1500,");
    world.place.write("mended.csv", &mended);
    let run = ["run", "mended.csv", "--yes", "--json"];
    world.place.run_to(&world.sandbox, &run).expect(0);
    for way in WAYS {
        let audit = world.audit(way, &[]).expect(0).json();
        assert_eq!(audit["findings"], json!([]), "{way:?}");
        assert_eq!(audit["ours"]["sales"], 8, "{way:?}");
        let all = &audit["totals"]["in_all"]["USD"];
        assert_eq!(all["sales_cents"], 7 * 2000 + 1500, "{way:?}: {all}");
    }
}

#[test]
fn a_clean_account_has_no_differences_where_the_rate_is_inferred() {
    let world = World::new();
    world.place.write("fprecon.toml", "");
    for way in WAYS {
        let audit = world.audit(way, &[]).expect(0).json();
        assert_eq!(audit["findings"], json!([]), "{way:?}");
        assert_eq!(audit["inferred"][0]["rate"], "20 %", "{audit:#}");
    }
}

#[test]
fn a_commission_without_a_sale() {
    let world = World::new();
    let order = json!({"action": "add", "promoter": "nora", "event_id": "in_9999",
        "sale_amount_cents": 2000, "amount_cents": 400, "created_at": "2026-03-05T10:00:00Z"});
    let finding = world.finds(&order, "commission_without_sale", &WAYS);
    assert_eq!(finding["difference_cents"], 400);
    assert_eq!(finding["ours"], Value::Null);
    assert_eq!(finding["theirs"]["event_id"], "in_9999");
    assert_eq!(finding["theirs"]["place"]["file"], "commissions.csv");
    assert_eq!(finding["theirs"]["place"]["line"], 12);
}

#[test]
fn a_sale_without_a_commission() {
    let world = World::new();
    let order = json!({"action": "delete", "of": "in_0001"});
    let finding = world.finds(&order, "sale_without_commission", &WAYS);
    assert_eq!(finding["difference_cents"], -400);
    assert_eq!(
        finding["ours"]["place"],
        json!({"file": "payments.csv", "line": 2})
    );
}

#[test]
fn the_amount_of_a_sale_differs() {
    let world = World::new();
    let order = json!({"action": "change", "of": "in_0002", "sale_amount_cents": 3000,
        "amount_cents": 600});
    let finding = world.finds(&order, "sale_amount_differs", &WAYS);
    assert_eq!(finding["difference_cents"], 200);
    assert_eq!(finding["ours"]["money"]["amount_cents"], 2000);
    assert_eq!(finding["theirs"]["sale_amount_cents"], 3000);
}

#[test]
fn somebody_else_tracked_another_amount() {
    let world = World::empty(8);
    let form = "email=user3%40example.com&uid=cus_0003&event_id=in_0003&amount=1000&created_at=2026-03-01T10:03:00Z";
    world.sandbox.track("sale", form);
    world.import(&payments(8), 0);
    let finding = world.finds(&json!([]), "already_tracked_differs", &WAYS);
    assert_eq!(finding["difference_cents"], -200);
    assert_eq!(finding["ours"]["outcome"], "already_tracked");
}

#[test]
fn a_commission_is_not_what_it_should_be() {
    let world = World::new();
    let order = json!({"action": "change", "of": "in_0002", "amount_cents": 500});
    let finding = world.finds(&order, "commission_differs", &WAYS);
    assert_eq!(finding["difference_cents"], 100);
    assert_eq!(finding["expected_cents"], 400);
}

#[test]
fn a_commission_stands_twice() {
    let world = World::new();
    let order = json!({"action": "add", "promoter": "nora", "event_id": "in_0001",
        "sale_amount_cents": 2000, "amount_cents": 400, "created_at": "2026-03-01T10:01:00Z"});
    let finding = world.finds(&order, "commission_twice", &WAYS);
    assert_eq!(finding["difference_cents"], 400);
}

#[test]
fn a_refund_is_not_taken_back() {
    let world = World::new();
    let order = json!({"action": "delete", "of": REFUND});
    let finding = world.finds(&order, "refund_not_taken_back", &WAYS);
    assert_eq!(finding["difference_cents"], 100);
    assert_eq!(finding["ours"]["event_id"], REFUND);
}

#[test]
fn a_refund_is_taken_back_in_part() {
    let world = World::new();
    let order = json!({"action": "change", "of": REFUND, "amount_cents": -40});
    let finding = world.finds(&order, "refund_partly_taken_back", &WAYS);
    assert_eq!(finding["difference_cents"], 60);
}

#[test]
fn too_much_is_taken_back() {
    let world = World::new();
    let order = json!({"action": "change", "of": REFUND, "amount_cents": -150});
    let finding = world.finds(&order, "taken_back_too_much", &WAYS);
    assert_eq!(finding["difference_cents"], -50);
}

#[test]
fn a_sale_was_disputed() {
    let world = World::empty(8);
    let export = stripe_export(&payments(8));
    let dispute = ",Disputed Amount,Dispute Date (UTC),Dispute Status";
    let rows: Vec<String> = (0..)
        .zip(export.lines())
        .map(|(index, row)| match index {
            0 => format!("{row}{dispute}"),
            2 => format!("{row},20.00,2026-03-15 10:00:00,lost"),
            _ => format!("{row},,,"),
        })
        .collect();
    world.place.write("payments.csv", &rows.join("\n"));
    let run = ["run", "payments.csv", "--yes"];
    world.place.run_to(&world.sandbox, &run).expect(0);
    let lost = json!({"action": "delete", "of": "in_0002_refund_2000"});
    let finding = world.finds(&lost, "disputed_sale", &WAYS);
    assert_eq!(finding["difference_cents"], 400);
}

#[test]
fn a_commission_goes_to_another_promoter_than_the_leads() {
    let world = World::new();
    let order = json!({"action": "change", "of": "in_0001", "promoter": "felix"});
    // The list of leads says who brought whom; a CSV of commissions doesn't.
    let finding = world.finds(&order, "wrong_promoter", &[Way::V1, Way::V2]);
    assert_eq!(finding["difference_cents"], 0);
    assert_eq!(finding["concerned_cents"], 400);
    let from_csv = world.audit(Way::Csv, &[]).expect(0).json();
    assert_eq!(from_csv["theirs"]["leads"], Value::Null);
    let live = ["audit", "payments.csv", "--live", "--json"];
    let audit = world.place.run_to(&world.sandbox, &live).expect(1).json();
    assert_eq!(audit["findings"][0]["kind"], "wrong_promoter", "{audit:#}");
    assert_eq!(audit["theirs"]["leads"], 8);
}

#[test]
fn a_commission_falls_in_another_month() {
    let world = World::new();
    let order = json!({"action": "change", "of": "in_0002", "created_at": "2026-05-02T00:00:00Z"});
    let finding = world.finds(&order, "other_month", &WAYS);
    assert_eq!(finding["concerned_cents"], 400);
}

#[test]
fn a_commission_is_denied_or_pending_although_the_sale_stands() {
    let world = World::new();
    let order = json!({"action": "change", "of": "in_0002", "status": "pending"});
    let pending = world.finds(&order, "pending", &WAYS);
    assert_eq!(
        (&pending["difference_cents"], &pending["concerned_cents"]),
        (&json!(0), &json!(400))
    );
    let order = json!({"action": "change", "of": "in_0002", "status": "denied"});
    let denied = world.finds(&order, "denied", &WAYS);
    assert_eq!(denied["difference_cents"], -400);
}

#[test]
fn a_commission_was_paid_before_the_refund_came() {
    let world = World::new();
    let order = json!({"action": "change", "of": "in_0005", "is_paid": true});
    // Version 1 does not say what was paid.
    let finding = world.finds(&order, "paid_before_refund", &[Way::V2, Way::Csv]);
    assert_eq!(finding["concerned_cents"], 100);
    world.audit(Way::V1, &[]).expect(0);
}

#[test]
fn split_commissions_and_second_tiers_are_no_differences() {
    let world = World::new();
    world.plant(&json!([
        {"action": "change", "of": "in_0001", "amount_cents": 300, "is_split": true},
        {"action": "add", "promoter": "felix", "event_id": "in_0001", "sale_amount_cents": 2000,
         "amount_cents": 100, "is_split": true, "email": "user1@example.com",
         "created_at": "2026-03-01T10:01:00Z"},
        {"action": "add", "promoter": "felix", "event_id": "in_0004", "sale_amount_cents": 2000,
         "amount_cents": 100, "tier": 2, "created_at": "2026-03-01T10:04:00Z"},
    ]));
    let rules = format!("{RULES}[[audit.rule]]\ntier = 2\nrate = \"5\"\n");
    world.place.write("fprecon.toml", &rules);
    let audit = world.audit(Way::V2, &[]);
    let findings = audit.json()["findings"].clone();
    assert_eq!(findings, json!([]));
}

#[test]
fn a_second_tier_is_missing_though_a_rule_says_that_one_is_due() {
    let world = World::new();
    let rules = format!("{RULES}[[audit.rule]]\ntier = 2\nrate = \"5\"\n");
    world.place.write("fprecon.toml", &rules);
    let second = |event: &str| {
        json!({"action": "add", "promoter": "felix", "event_id": event, "sale_amount_cents": 2000,
            "amount_cents": 100, "tier": 2, "created_at": "2026-03-01T10:03:00Z"})
    };
    // Nora's promoter is felix from her first sale on. Of her four one lacks its second tier.
    let orders = json!([second("in_0001"), second("in_0002"), second("in_0004")]);
    let finding = world.finds(&orders, "sale_without_commission", &WAYS);
    assert_eq!(finding["difference_cents"], -100);
    assert_eq!(finding["ours"]["event_id"], "in_0003");
    let message = finding["message"].as_str().unwrap();
    assert!(
        message.contains("tier 2") && message.contains("`felix@example.com`"),
        "{message}"
    );
    world.plant(&second("in_0003"));
    for way in WAYS {
        let audit = world.audit(way, &[]).expect(0).json();
        assert_eq!(audit["findings"], json!([]), "{way:?}");
    }
}

#[test]
fn exports_of_an_account_that_never_imported_are_audited_too() {
    let world = World::new();
    let place = Place::new();
    place
        .write("fprecon.toml", RULES)
        .write("payments.csv", &stripe_export(&payments(8)))
        .write("commissions.csv", &world.commissions_csv());
    let two_files = ["audit", "payments.csv", "--commissions", "commissions.csv"];
    let said = place.run(&two_files).expect(0).stdout();
    assert!(said.contains("No differences."), "{said}");

    world.plant(&json!({"action": "change", "of": "in_0002", "amount_cents": 4000}));
    place.write("commissions.csv", &world.commissions_csv());
    let said = place.run(&two_files).expect(1).stdout();
    assert!(said.contains("Overpaid by 36.00 USD"), "{said}");
    assert!(said.contains("payments.csv:3"), "{said}");
}
