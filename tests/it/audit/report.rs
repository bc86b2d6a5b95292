//! What an audit writes and says.

use serde_json::{Value, json};

use super::world::{RULES, WAYS, Way, World, payments};
use crate::support::{Payment, Place, stripe_export};

#[test]
fn a_second_audit_says_what_is_new_what_remains_and_what_was_resolved() {
    let world = World::new();
    world.plant(&json!([
        {"action": "change", "of": "in_0001", "amount_cents": 500},
        {"action": "change", "of": "in_0002", "amount_cents": 600},
    ]));
    let first = world.audit(Way::V1, &[]).expect(1).json();
    assert_eq!(first["since"], Value::Null);
    world.plant(&json!([
        {"action": "change", "of": "in_0001", "amount_cents": 400},
        {"action": "change", "of": "in_0003", "amount_cents": 700},
    ]));
    let second = world.audit(Way::V1, &[]).expect(1).json();
    let since = &second["since"];
    assert_eq!(since["last"], first["report_dir"]);
    let count = |name: &str| since[name].as_array().unwrap().len();
    assert_eq!(
        (count("new"), count("remaining"), count("resolved")),
        (1, 1, 1)
    );
    assert_eq!(since["resolved"][0]["kind"], "commission_differs");
    let directory = second["report_dir"].as_str().unwrap();
    let differences = world.place.csv(&format!("{directory}/differences.csv"));
    let mut words: Vec<&str> = differences[1..].iter().map(|row| &*row[1]).collect();
    words.sort_unstable();
    assert_eq!(words, ["new", "remaining"]);
}

#[test]
fn what_an_audit_that_was_killed_left_half_written_is_cleared_away() {
    let world = World::new();
    let half = "out/.audit.html.0123456789abcdef.tmp";
    let foreign = "out/.notes.txt.0123456789abcdef.tmp";
    world.place.write(half, "<htm").write(foreign, "mine");
    world.audit(Way::V1, &["--dir", "out"]).expect(0);
    let exists = |name: &str| world.place.path(name).exists();
    assert_eq!(
        [half, foreign, "out/audit.html"].map(exists),
        [false, true, true]
    );
}

#[test]
fn a_quiet_audit_prints_one_line_where_it_needs_attention_and_else_nothing() {
    let world = World::new();
    let audit = |arguments: &[&str]| {
        let arguments = [&["audit", "--live", "-q"], arguments].concat();
        world.place.run_to(&world.sandbox, &arguments)
    };
    let quiet = audit(&[]).expect(0);
    assert_eq!(
        (quiet.stdout(), quiet.stderr()),
        (String::new(), String::new())
    );
    world.plant(&json!({"action": "change", "of": "in_0001", "amount_cents": 403}));
    let quiet = audit(&["--dir", "out"]).expect(1);
    assert_eq!(quiet.stdout(), "");
    let line = quiet.stderr();
    assert_eq!(line.lines().count(), 1, "{line}");
    for part in [
        " Overpaid by 0.03 USD. ",
        "1 difference to look at.",
        "out/audit.html; ",
        "accept out/differences.csv --reason TEXT\n",
    ] {
        assert!(line.contains(part), "{line}");
    }
}

#[test]
fn what_is_within_the_tolerance_ends_with_zero() {
    let world = World::new();
    world.plant(&json!({"action": "change", "of": "in_0001", "amount_cents": 403}));
    world.audit(Way::V1, &[]).expect(1);
    let audit = world.audit(Way::V1, &["--tolerance", "3"]).expect(0).json();
    assert_eq!(
        audit["findings"].as_array().unwrap().len(),
        1,
        "it is shown all the same"
    );
    world.audit(Way::V1, &["--tolerance", "2"]).expect(1);
    let rules = RULES.replace("[audit]", "[audit]\ntolerance_cents = 3");
    world.place.write("fprecon.toml", &rules);
    world.audit(Way::V1, &[]).expect(0);
}

#[test]
fn a_period_takes_its_sales_with_their_refunds_and_commissions() {
    let world = World::empty(8);
    let mut payments = payments(8);
    for payment in &mut payments[..4] {
        payment.created = payment.created.replace("2026-03-01", "2026-02-10");
    }
    // Paid back in another month than it was sold.
    payments[4].refunded_at = "2026-04-02 09:00:00".into();
    world.import(&payments, 0);
    world.plant(&json!({"action": "change", "of": "in_0001", "amount_cents": 500}));
    let march = ["--from", "2026-03-01", "--to", "2026-03-31"];
    for way in WAYS {
        let audit = world.audit(way, &march).expect(0).json();
        assert_eq!(audit["ours"]["sales"], 4, "{way:?}");
        assert_eq!(audit["ours"]["refunds"], 2);
        assert_eq!(audit["theirs"]["commissions"], 6);
        assert_eq!(
            audit["period"],
            json!({"from": "2026-03-01", "to": "2026-03-31", "by": "sale-date"})
        );
        let february = ["--from", "2026-02-01", "--to", "2026-02-28"];
        let audit = world.audit(way, &february).expect(1).json();
        assert_eq!(audit["findings"][0]["kind"], "commission_differs");
    }
    world
        .place
        .run(&["audit", "--from", "2026-03-02", "--to", "2026-03-01"])
        .expect(2);
}

#[test]
fn cells_that_a_spreadsheet_would_run_stay_text() {
    let world = World::new();
    let hostile = "Event ID,Promoter email,Commission amount,Date\n\
        \"=HYPERLINK(\"\"http://x.test\"\",\"\"<script>in_1\"\")\",@nora,4.00,2026-03-01T10:00:00Z\n\
        \"+1\n2\",-felix,4.00,2026-03-01T10:00:00Z\n";
    world.place.write("hostile.csv", hostile);
    let arguments = ["audit", "--commissions", "hostile.csv", "--dir", "report"];
    let said = world.place.run(&arguments);
    // An id with a line break in it is no id.
    assert!(said.stderr().contains("hostile.csv:3"), "{}", said.stderr());
    said.expect(1);
    let rows = world.place.csv("report/differences.csv");
    assert!(rows.len() > 1);
    let runs = |cell: &String| cell.starts_with(['=', '+', '@', '\t', '\r']);
    let numbers = |cell: &String| cell.parse::<i64>().is_ok();
    for cell in rows.iter().flatten() {
        assert!(!runs(cell) || numbers(cell), "{cell}");
        assert!(!cell.starts_with('-') || numbers(cell), "{cell}");
    }
    let all = rows.concat();
    assert!(
        all.iter().any(|cell| cell.contains("=HYPERLINK")),
        "{all:?}"
    );
}

#[test]
fn a_list_of_commissions_is_never_read_as_sales() {
    let world = World::new();
    world
        .place
        .write("commissions.csv", &world.commissions_csv());
    let refused = world.place.run(&["plan", "commissions.csv"]).expect(3);
    assert!(
        refused.stderr().contains("audit --commissions"),
        "{}",
        refused.stderr()
    );
    let unknown = "what,ever\n1,2\n";
    world.place.write("unknown.csv", unknown);
    let arguments = ["audit", "--commissions", "unknown.csv"];
    let refused = world.place.run(&arguments).expect(3).stderr();
    assert!(refused.contains("fprecon init unknown.csv"), "{refused}");
}

#[test]
fn rows_that_are_no_commissions_are_told_and_need_attention() {
    let world = World::new();
    let text = world.commissions_csv();
    let text = text.replacen("approved", "approoved", 1);
    world.place.write("commissions.csv", &text);
    let arguments = ["audit", "--commissions", "commissions.csv", "--json"];
    let audit = world.place.run(&arguments).expect(1).json();
    assert_eq!(audit["theirs"]["rejected"], 1);
    assert_eq!(audit["problems"][0]["code"], "value-unknown");
    assert_eq!(audit["problems"][0]["line"], 2);
}

#[test]
fn every_format_has_the_same_differences() {
    let world = World::new();
    world.plant(&json!({"action": "change", "of": "in_0001", "amount_cents": 500}));
    world.audit(Way::V1, &["--dir", "report"]).expect(1);
    let summary: Value = serde_json::from_str(&world.place.read("report/summary.json")).unwrap();
    assert_eq!(summary["kinds"]["commission_differs"]["count"], 1);
    let rows = world.place.csv("report/differences.csv");
    assert_eq!(rows.len(), 2);
    let column = |name: &str| rows[0].iter().position(|own| own == name).unwrap();
    assert_eq!(rows[1][column("difference_cents")], "100");
    assert_eq!(rows[1][column("promoter_email")], "nora@example.com");
    let totals = world.place.csv("report/totals.csv");
    assert_eq!(totals[1][..3], ["all", "", "USD"]);
    for name in ["differences.parquet", "totals.parquet"] {
        let bytes = std::fs::read(world.place.path(&format!("report/{name}"))).unwrap();
        assert!(
            bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"),
            "{name}"
        );
    }
    let page = world.place.read("report/audit.html");
    assert!(
        page.contains("Overpaid by 1.00 USD") && page.contains("payments.csv:2"),
        "{page}"
    );
    let workbook = std::fs::read(world.place.path("report/audit.xlsx")).unwrap();
    assert!(workbook.starts_with(b"PK"));
    let left: Vec<_> = std::fs::read_dir(world.place.path("report"))
        .unwrap()
        .collect();
    assert_eq!(left.len(), 9, "nothing half-written is left: {left:?}");
}

#[test]
fn every_commission_stands_with_what_it_was_held_for_and_why() {
    let world = World::new();
    world.plant(
        &json!({"action": "add", "promoter": "nora", "event_id": "in_9999",
        "sale_amount_cents": 2000, "amount_cents": 400, "created_at": "2026-03-05T10:00:00Z"}),
    );
    world.audit(Way::V1, &["--dir", "report"]).expect(1);
    let rows = world.place.csv("report/matches.csv");
    let column = |name: &str| rows[0].iter().position(|own| own == name).unwrap();
    let told: Vec<[&str; 4]> = rows[1..]
        .iter()
        .map(|row| {
            let names = ["their_event_id", "matched_by", "our_event_id", "our_line"];
            names.map(|name| row[column(name)].as_str())
        })
        .collect();
    assert_eq!(told.len(), 11, "{told:?}");
    assert!(
        told.contains(&["in_0001", "event_id", "in_0001", "2"]),
        "{told:?}"
    );
    assert!(told.contains(&["in_9999", "", "", ""]), "{told:?}");
    let bytes = std::fs::read(world.place.path("report/matches.parquet")).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
}

#[test]
fn a_redacted_audit_names_nobody_and_everybody_the_same() {
    let world = World::new();
    world.plant(&json!([
        {"action": "change", "of": "in_0001", "promoter": "felix"},
        {"action": "change", "of": "in_0002", "amount_cents": 500},
    ]));
    let redacted = ["--dir", "report", "--redact"];
    let said = world.audit(Way::V1, &redacted).expect(1);
    let secrets = ["nora", "felix", "@example", "user1"];
    let hidden = |name: &str, text: &str| {
        let text = text.to_lowercase();
        for secret in secrets {
            assert!(!text.contains(secret), "`{secret}` is in {name}: {text}");
        }
    };
    hidden("stdout", &said.stdout());
    hidden("stderr", &said.stderr());
    for entry in std::fs::read_dir(world.place.path("report")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        let bytes = std::fs::read(&path).unwrap();
        // A workbook is packed.
        if name.ends_with(".xlsx") {
            let mut packed = bytes.as_slice();
            let archive = rawzip_texts(&mut packed);
            archive.iter().for_each(|text| hidden(&name, text));
        } else {
            hidden(&name, &String::from_utf8_lossy(&bytes));
        }
    }
    // Whom it is about can still be told apart, and in the reports of runs it is the same word.
    let rows = world.place.csv("report/differences.csv");
    let column = |name: &str| rows[0].iter().position(|own| own == name).unwrap();
    let of = |kind: &str| rows.iter().find(|row| row[column("kind")] == kind).unwrap();
    let email = &of("commission_differs")[column("our_email")];
    assert!(email.starts_with("email-"), "{email}");
    let message = &of("wrong_promoter")[column("message")];
    let nora = &of("commission_differs")[column("promoter_email")];
    assert!(message.contains(nora), "{message} and {nora}");
    world
        .place
        .run(&["report", "--redact", "--dir", "run", "--json"])
        .expect_one_of(&[0, 1]);
    assert!(world.place.read("run/tracked.csv").contains(email));
}

/// The texts within a workbook.
fn rawzip_texts(bytes: &mut &[u8]) -> Vec<String> {
    let archive = rawzip::ZipArchive::from_slice(*bytes).unwrap();
    let mut texts = Vec::new();
    for entry in archive.entries() {
        let entry = entry.unwrap();
        let found = archive.get_entry(entry.wayfinder()).unwrap();
        let mut text = Vec::new();
        let mut inflate = flate2::read::DeflateDecoder::new(found.data());
        std::io::Read::read_to_end(&mut inflate, &mut text).unwrap();
        texts.push(String::from_utf8_lossy(&text).into_owned());
    }
    texts
}

#[test]
fn exports_without_a_journal_are_redacted_too() {
    let world = World::new();
    world.plant(&json!({"action": "change", "of": "in_0002", "amount_cents": 500}));
    let place = Place::new();
    place
        .write("fprecon.toml", RULES)
        .write("payments.csv", &stripe_export(&payments(8)))
        .write("commissions.csv", &world.commissions_csv());
    let audit = ["audit", "payments.csv", "--commissions", "commissions.csv"];
    let arguments = [&audit[..], &["--redact", "--json"]].concat();
    let said = place.run(&arguments).expect(1).stdout();
    assert!(
        !said.contains("@example") && said.contains("email-"),
        "{said}"
    );
}

#[test]
fn the_configuration_shows_the_rules_and_where_they_are_wrong() {
    let place = Place::new();
    let shown = place.run(&["config"]).expect(0).stdout();
    let line = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        let words: Vec<&str> = line.unwrap_or_default().split_whitespace().collect();
        words.join(" ")
    };
    assert_eq!(
        line(&shown, "audit.rounding"),
        "audit.rounding half-up (default)"
    );
    assert_eq!(
        line(&shown, "audit.rule"),
        "audit.rule none: rates are inferred (default)"
    );
    let rules =
        "[audit]\nzone = \"Europe/Berlin\"\n\n[[audit.rule]]\nplan = \"pro\"\nrate = \"12.5\"\n";
    place.write("fprecon.toml", rules);
    let shown = place.run(&["config"]).expect(0).stdout();
    assert_eq!(
        line(&shown, "audit.zone"),
        "audit.zone Europe/Berlin (fprecon.toml)"
    );
    let rule = line(&shown, "audit.rule 1");
    assert!(
        rule.contains("plan = \"pro\"")
            && rule.contains("rate = \"12.5\"")
            && rule.ends_with("(fprecon.toml)"),
        "{rule}"
    );
    let json = place.run(&["config", "--json"]).expect(0).json();
    assert_eq!(json["audit.zone"]["from"], "fprecon.toml");

    place.write("fprecon.toml", &rules.replace("12.5", "12,5"));
    for command in [&["config"][..], &["audit"][..]] {
        let said = place.run(command).expect(3).stderr();
        assert!(said.contains("fprecon.toml:6"), "{said}");
        assert!(
            said.contains("audit.rule 1: rate") && said.contains("12,5"),
            "{said}"
        );
        assert!(said.contains("docs/audit.md"), "{said}");
    }
}

#[test]
fn an_audit_adds_up_to_the_reports_of_all_runs() {
    let world = World::empty(8);
    let mut all = payments(8);
    // Nobody's lead, and one that the API refuses at first.
    all.push(Payment::paid(90, 90));
    let refuse = json!({"action": "status", "status": 422, "kind": "sale", "times": 1});
    world.sandbox.fault(&refuse);
    world.import(&all[..5], 1);
    // What was refused before still needs attention.
    world.import(&all, 1);
    let retry = ["retry", "--failed", "--yes", "--json"];
    world
        .place
        .run_to(&world.sandbox, &retry)
        .expect_one_of(&[0, 1]);
    let report = ["report", "--from", "2000-01-01", "--json"];
    let report = world.place.run(&report).expect_one_of(&[0, 1]);
    let audit = world.audit(Way::V1, &[]).expect(0).json();
    let tracked = &report["outcomes"]["tracked"]["by_kind"];
    assert_eq!(audit["ours"]["tracked"], *tracked, "{report:#}");
    assert_eq!(tracked["sale"]["count"], 8);
    assert_eq!(audit["ours"]["sales"], 9);
}

#[test]
fn the_page_needs_nothing_beside_it_and_says_the_same_as_the_summary() {
    let world = World::new();
    world.plant(&json!({"action": "change", "of": "in_0001", "amount_cents": 500}));
    world.audit(Way::V1, &["--dir", "report"]).expect(1);
    let page = world.place.read("report/audit.html");
    assert!(page.contains("default-src 'none'"), "{page}");
    for part in ["src=", "href=\"http", "url(http", "@import"] {
        assert!(!page.contains(part), "{part}");
    }
    let summary: Value = serde_json::from_str(&world.place.read("report/summary.json")).unwrap();
    let mut figures = 0;
    for piece in page.split("<data value=\"").skip(1) {
        let (value, rest) = piece.split_once('"').unwrap();
        let Some(path) = rest.strip_prefix(" data-figure=\"") else {
            continue;
        };
        let path = path.split_once('"').unwrap().0;
        if path.is_empty() {
            continue;
        }
        let found = path.split('.').fold(&summary, |at, key| &at[key]);
        assert_eq!(found.to_string(), value, "{path}");
        figures += 1;
    }
    assert!(figures > 8, "{figures}");
}

#[test]
fn what_is_open_since_an_earlier_run_stands_in_the_headline_until_it_is_read() {
    let world = World::empty(8);
    let export = stripe_export(&payments(8));
    let broken = export.replacen(",20.00,", ",$20.00,", 1);
    assert_ne!(broken, export);
    world.place.write("january.csv", &broken);
    let run = |name: &str, code: i32| {
        let run = ["run", name, "--yes", "--json"];
        world.place.run_to(&world.sandbox, &run).expect(code);
    };
    run("january.csv", 1);
    // A run of another month has nothing of it, and does not make it read.
    let next: Vec<Payment> = (1..=2).map(|n| Payment::paid(100 + n, n)).collect();
    world.place.write("february.csv", &stripe_export(&next));
    run("february.csv", 0);
    for way in WAYS {
        let audit = world.audit(way, &[]).expect(1).json();
        let unread = audit["unread"].as_array().unwrap();
        let codes: Vec<&Value> = unread.iter().map(|one| &one["code"]).collect();
        assert_eq!(codes, ["rejected"], "{way:?}");
        assert_eq!(unread[0]["count"], 1);
    }
    let said = world
        .place
        .run_to(&world.sandbox, &["audit", "--live"])
        .expect(1)
        .stdout();
    assert!(
        said.starts_with("Not complete: 1 row of ours cannot be read."),
        "{said}"
    );
    world.place.write("january.csv", &export);
    run("january.csv", 0);
    for way in WAYS {
        let audit = world.audit(way, &[]).expect(0).json();
        assert_eq!(audit["unread"], json!([]), "{way:?}");
        let inputs = audit["ours"]["inputs"].as_array().unwrap();
        assert_eq!(inputs.len(), 2, "{inputs:#?}");
        assert_eq!(inputs[1]["path"], "january.csv");
        assert_eq!(inputs[1]["sha256"].as_str().unwrap().len(), 64);
        assert_eq!(inputs[1]["first_date"], "2026-03-01");
    }
}

/// The workbook of the audit is headed in the words of its page, and prints across.
fn expect_workbook_in_words(place: &Place) {
    let book = std::fs::read(place.path("report/audit.xlsx")).unwrap();
    let texts = rawzip_texts(&mut book.as_slice()).join("\n");
    assert!(texts.contains("set to pay") && texts.contains("paid out"));
    assert!(!texts.contains("_cents") && !texts.contains("actual"));
    assert!(texts.contains("orientation=\"landscape\"") && texts.contains("fitToHeight=\"0\""));
}

/// Rows of refunds that were not read hide no commission that is set to be paid and not due.
#[test]
fn a_refund_that_was_not_read_is_no_clean_verdict_until_it_is() {
    let world = World::empty(8);
    let rows = [
        "sale,in_1,,user1@example.com,,100.00,USD,2026-03-01",
        "refund,r1,in_1,,,100.00,USD,2026-03-05",
        "sale,in_2,,user1@example.com,,100.00,USD,2026-03-01",
        "refund,r2,in_2,user1@example.com,,\"$100.00\",USD,2026-03-05",
        "sale,in_3,,user5@example.com,,49.99,USD,2026-03-01",
        "refund,r3,in_3,user5@example.com,,49.99 USD,USD,2026-03-05",
    ];
    let header = "kind,event_id,sale_event_id,email,uid,amount,currency,created_at\n";
    let text = format!("{header}{}\n", rows.join("\n"));
    world.place.write("rows.csv", &text);
    let run = |file: &str, code: i32| {
        let run = ["run", file, "--yes", "--json"];
        world.place.run_to(&world.sandbox, &run).expect(code).json()
    };
    let first = run("rows.csv", 1);
    let commissions = &first["commission_cents"]["USD"];
    // in_1 was taken back again: its refund has the sale's customer.
    assert_eq!(commissions["nora@example.com"], 2_000, "{first:#}");
    assert_eq!(commissions["felix@example.com"], 1_000);
    for way in WAYS {
        let audit = world.audit(way, &[]).expect(1).json();
        assert_eq!(audit["unread"][0]["code"], "rejected", "{way:?}");
        assert_eq!(audit["unread"][0]["count"], 2, "{way:?}");
        assert_eq!(audit["needs_attention"], true);
        assert_eq!(audit["totals"]["in_all"]["USD"]["actual_cents"], 3_000);
    }
    let said = world.place.run_to(&world.sandbox, &["audit", "--live"]);
    let said = said.expect(1).stdout();
    assert!(
        said.starts_with("Not complete: 2 rows of ours cannot be read."),
        "{said}"
    );
    assert!(!said.contains("No difference"), "{said}");

    let directory = first["report_dir"].as_str().unwrap();
    let rejected = format!("{directory}/rejected.csv");
    let fixed = world.place.read(&rejected);
    let fixed = fixed
        .replace("$100.00", "100.00")
        .replace("49.99 USD", "49.99");
    world.place.write(&rejected, &fixed);
    let second = run(&rejected, 0);
    assert_eq!(
        second["commission_cents"]["USD"]["nora@example.com"],
        -2_000
    );
    for way in WAYS {
        let audit = world.audit(way, &["--dir", "report"]).expect(0).json();
        assert_eq!(audit["unread"], json!([]), "{way:?}");
        assert_eq!(
            audit["totals"]["in_all"]["USD"]["actual_cents"], 0,
            "{way:?}"
        );
    }
    // The report of both runs has what every promoter gets in the end.
    let all = ["report", "--from", "2000-01-01", "--json", "--dir", "all"];
    let all = world.place.run(&all).expect_one_of(&[0, 1]);
    let own = all["commission_cents"]["USD"].as_object().unwrap();
    assert!(own.values().all(|cents| cents == 0), "{own:?}");
    let page = world.place.read("all/report.html");
    assert!(page.contains("0.00 USD to 2 promoters"), "{page}");
    let redacted = ["report", "--json", "--redact", "--dir", "shared"];
    let redacted = world.place.run(&redacted).expect_one_of(&[0, 1]);
    assert!(
        !redacted["commission_cents"]
            .to_string()
            .contains("example.com")
    );
    expect_workbook_in_words(&world.place);
}

#[test]
fn what_is_signed_has_the_verdict_the_promoters_the_exports_and_room_for_signatures() {
    let world = World::new();
    let place = Place::new();
    place
        .write("fprecon.toml", RULES)
        .write("payments.csv", &stripe_export(&payments(8)))
        .write("commissions.csv", &world.commissions_csv());
    let audit = [
        "audit",
        "payments.csv",
        "--commissions",
        "commissions.csv",
        "--dir",
        "out",
    ];
    place.run(&audit).expect(0);
    let page = place.read("out/audit.html");
    let sheet = page.split("class=\"sheet\"").nth(1).unwrap();
    let sheet = sheet.split("</section>").next().unwrap();
    let summary: Value = serde_json::from_str(&place.read("out/summary.json")).unwrap();
    let sha256 = summary["ours"]["inputs"][0]["sha256"].as_str().unwrap();
    let theirs = summary["theirs"]["sha256"].as_str().unwrap();
    for part in [
        "No difference.",
        "nora@example.com",
        "All promoters",
        "Approved by, date",
        "rule 1 (for all)",
        sha256,
        theirs,
    ] {
        assert!(sheet.contains(part), "{part}: {sheet}");
    }
    // Both exports have their days.
    for side in [&summary["ours"]["inputs"][0], &summary["theirs"]] {
        let day = |key: &str| side[key].as_str().unwrap().to_owned();
        let days = format!("{} to {}", day("first_date"), day("last_date"));
        assert!(sheet.contains(&days), "{days}: {sheet}");
    }
}

#[test]
fn a_list_of_commissions_in_german_or_with_other_names_is_proposed() {
    let german = "Datum;Partner-E-Mail;Provision;Umsatz;Status;Rechnungsnummer;Kunde;Notiz\n\
        01.03.2026;nora@example.com;20,00;100,00;genehmigt;in_1;ana@example.com;\n\
        02.03.2026;nora@example.com;1.250,00;6.250,00;ausstehend;in_2;ben@example.com;\n";
    // Thousands stand in one column only: one way of writing holds for all of them.
    let english = "Partner;Reward;Order value;State;Created;Invoice;Remark\n\
        nora@example.com;20.00;100.00;Approved;2026-03-01;in_1;x\n\
        nora@example.com;250.00;1,250.00;Approved;2026-03-02;in_2;y\n";
    let sales = "kind,event_id,sale_event_id,email,amount,currency,created_at\n\
        sale,in_1,,ana@example.com,100.00,USD,2026-03-01\n\
        sale,in_2,,ben@example.com,AMOUNT,USD,2026-03-02\n";
    for (list, amount, paid, unused) in [
        (german, "6250.00", 127_000, "Notiz"),
        (english, "1250.00", 27_000, "Remark"),
    ] {
        let place = Place::new();
        place
            .write("list.csv", list)
            .write("sales.csv", &sales.replace("AMOUNT", amount));
        let said = place.run(&["init", "list.csv"]).expect(0);
        let text = said.stdout() + &said.stderr();
        assert!(text.contains(&format!("not used: `{unused}`")), "{text}");
        let audit = ["audit", "sales.csv", "--commissions", "list.csv", "--json"];
        let audit = place.run(&audit).expect_one_of(&[0, 1]);
        assert_eq!(audit["theirs"]["rejected"], 0, "{audit:#}");
        assert_eq!(audit["totals"]["in_all"]["USD"]["actual_cents"], paid);
    }
}
