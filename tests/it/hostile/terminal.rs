//! Text from outside that wants to command a terminal, or to pass for something that the program says.

use std::path::Path;

use serde_json::json;

use crate::support::{Payment, Place, Ran, STRIPE_HEADER, SandboxProcess, stripe_export};

/// A title for the window, a clear screen, a line that passes for the program's, a change of direction, a
/// character that nobody sees, and a sequence that begins with one byte.
const HOSTILE: &str =
    "\u{1b}]0;owned\u{7}\u{1b}[2J\r\nerror: forged\nhint: forged\u{202e}\u{200b}\u{9b}2J\u{7f}";

/// Whether a character has no business on a terminal or in a text for people.
fn is_bad(c: char) -> bool {
    c.is_control() && c != '\n'
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

#[track_caller]
fn assert_plain(what: &str, text: &str) {
    if let Some(at) = text.find(is_bad) {
        let from = text[..at].rfind('\n').map_or(0, |at| at + 1);
        panic!("{what}: {:?}", text[from..].lines().next());
    }
    let forged = |line: &str| line.starts_with("error: forged") || line.starts_with("hint: forged");
    assert!(!text.lines().any(forged), "{what}:\n{text}");
}

/// Fails unless a command has said something, and all of it is plain.
#[track_caller]
fn assert_says_plainly(ran: Ran, code: i32) -> Ran {
    let ran = ran.expect(code);
    let (out, err) = (ran.stdout(), ran.stderr());
    assert!(!(out.is_empty() && err.is_empty()), "nothing was said");
    assert_plain("stdout", &out);
    assert_plain("stderr", &err);
    ran
}

/// The cell of a CSV.
fn cell(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[test]
fn row_42_text_of_headers_cells_and_file_names_commands_no_terminal() {
    let place = Place::new();
    let file = format!("x{HOSTILE}.csv");
    let journal = format!("j{HOSTILE}.journal");
    let sound = [Payment::paid(1, 1), Payment::paid(2, 2)];
    let mut odd = Payment::paid(3, 3);
    odd.status = cell(&format!("Weird{HOSTILE}"));
    let mut amount = Payment::paid(4, 4);
    amount.amount = cell(&format!("1{HOSTILE}"));
    let mut email = Payment::paid(5, 5);
    email.email = cell(&format!("a{HOSTILE}@example.com"));
    email.customer = String::new();
    let payments = [&sound[..], &[odd, amount, email]].concat();
    place.write(&file, &stripe_export(&payments));
    // With a column more, and one that a person has renamed.
    let header = STRIPE_HEADER.replace("Seller Message", &cell(&format!("Seller{HOSTILE}")));
    let rows: Vec<String> = sound.iter().map(Payment::row).collect();
    let text = format!("{header}\n{}\n", rows.join("\n"));
    place.write(&format!("header{HOSTILE}.csv"), &text);
    let unknown = format!("{},{}\n1,2\n", cell(&format!("Id{HOSTILE}")), cell(HOSTILE));
    place.write(&format!("unknown{HOSTILE}.csv"), &unknown);

    for json in [&[][..], &["--json"]] {
        let run = |arguments: &[&str], code: i32| {
            let arguments = [arguments, &["--journal", &journal], json].concat();
            assert_says_plainly(place.run(&arguments), code);
        };
        run(&["plan", &file], 1);
        run(&["plan", &file, "--verbose"], 1);
        run(&["plan", &format!("header{HOSTILE}.csv")], 0);
        run(&["plan", &format!("unknown{HOSTILE}.csv")], 3);
        run(&["plan", &format!("missing{HOSTILE}.csv")], 3);
        run(&["plan", &format!("missing{HOSTILE}*.csv")], 3);
        run(&["plan", &file, "--profile", HOSTILE], 3);
        run(&["status"], 3);
        // Some cells have line breaks.
        for (line, code) in [(2, 0), (3, 0), (4, 0), (5, 3), (7, 0), (12, 0)] {
            run(&["explain", &format!("{file}:{line}")], code);
        }
        run(&["explain", HOSTILE], 3);
        run(&["explain", &format!("missing{HOSTILE}:2")], 3);
        run(&["doctor"], 3);
    }
    let check = format!("unknown{HOSTILE}.csv");
    assert_says_plainly(place.run(&["profiles", "check", &file, &check]), 3);
    assert_says_plainly(place.run(&["profiles", "show", HOSTILE]), 3);
    assert_says_plainly(place.run(&["init", &file, "--print"]), 0);
    place
        .run(&["init", &check, "--print"])
        .expect_code_one_of(&[1, 3]);
    assert_says_plainly(place.run(&["status", HOSTILE]), 2);
    assert_says_plainly(place.run(&[HOSTILE]), 2);
    let mut config = place.command(&["config"]);
    config.env("FPRECON_BASE_URL", format!("https://a.example{HOSTILE}"));
    assert_plain("config", &Ran(config.output().unwrap()).stderr());
    place.write("fprecon.toml", "[api]\nwid = \"w\\u001b[2J\\u202e\"\n");
    assert_says_plainly(place.run(&["config"]), 0);
}

/// Fails unless what people read of a report is plain. The cells of the exports stay as they were.
fn assert_report_is_plain(directory: &Path) {
    let read = |name: &str| std::fs::read_to_string(directory.join(name)).unwrap();
    assert_plain("summary.json", &read("summary.json"));
    // The page's own script and style are ours.
    let page = read("report.html");
    assert!(page.contains("\\u{1b}"), "the message is there, escaped");
    assert_plain("report.html", &page);
    for name in ["failed.csv", "held.csv", "rejected.csv"] {
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .from_path(directory.join(name))
            .unwrap();
        let header = reader.headers().unwrap().clone();
        for record in reader.records() {
            let record = record.unwrap();
            for (column, text) in header.iter().zip(&record) {
                if ["message", "reason", "file", "_file", "_reason"].contains(&column) {
                    assert_plain(name, text);
                }
            }
        }
    }
}

#[test]
fn row_42_text_of_the_api_commands_no_terminal_and_no_report() {
    let (place, sandbox) = (Place::new(), SandboxProcess::start(&[]));
    let file = format!("x{HOSTILE}.csv");
    let mut odd = Payment::paid(4, 4);
    odd.status = cell(&format!("Weird{HOSTILE}"));
    let payments = [1, 2, 3].map(|n| Payment::paid(n, n));
    let payments = [&payments[..], &[odd]].concat();
    place.write(&file, &stripe_export(&payments));
    let message = json!({"message": format!("no{HOSTILE}")}).to_string();
    sandbox
        .fault(&json!({"action": "status", "status": 422, "event_id": "in_0001", "body": message}));
    sandbox.fault(&json!({
        "action": "status", "status": 400, "event_id": "in_0002", "body": format!("no{HOSTILE}")
    }));
    assert_says_plainly(place.run_to(&sandbox, &["run", &file, "--yes"]), 1);
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["report", "--json"],
        &["report"],
        &["journal", "check"],
        &["journal", "export", "--attempts"],
        &["explain", "in_0001"],
        &["explain", "in_0002", "--json"],
        &["explain", &format!("{file}:5")],
        &["run", &file, "--yes", "--quiet"],
    ] {
        let ran = place.run_to(&sandbox, arguments);
        let code = ran.code();
        assert_says_plainly(ran, code);
    }
    let runs = std::fs::read_dir(place.path("reports")).unwrap();
    let runs: Vec<_> = runs.map(|run| run.unwrap().path()).collect();
    assert_eq!(runs.len(), 2);
    for run in &runs {
        assert_report_is_plain(run);
    }

    // The lines are known again when they are handed back.
    let failed = runs.iter().map(|run| run.join("failed.csv"));
    let failed = failed.min_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap());
    let rejected = failed.as_ref().unwrap().with_file_name("rejected.csv");
    let failed = failed.unwrap();
    let reason = format!("known{HOSTILE}");
    let files = [failed.to_str().unwrap(), rejected.to_str().unwrap()];
    let accept = ["accept", files[0], files[1], "--reason", &reason, "--json"];
    let accepted = assert_says_plainly(place.run_to(&sandbox, &accept), 0).json();
    assert_eq!(accepted["accepted"], 3, "{accepted}");
    assert_says_plainly(place.run_to(&sandbox, &["accept", "--list"]), 0);
    assert_says_plainly(place.run_to(&sandbox, &["report"]), 0);

    // The command that a hint names reaches the odd file.
    let status = place.run_to(&sandbox, &["status"]).expect(0).stdout();
    assert!(status.contains("Nothing needs attention"), "{status}");
}

#[test]
fn row_42_a_command_with_an_odd_name_can_be_pasted() {
    let (place, sandbox) = (Place::new(), SandboxProcess::start(&[]));
    let file = "it's\u{1b}[2J\n1.csv";
    let held = "kind,event_id,amount,currency,email,sale_event_id,created_at\nrefund,r1,5.00,USD,a@example.com,none,2026-03-01\n";
    place.write(file, held);
    let run = ["run", file, "--yes", "--json"];
    let report = place.run_to(&sandbox, &run).expect(1).json();
    let command = report["attention"][0]["command"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_plain("command", &command);
    let words = command.strip_prefix("fprecon ").unwrap();
    let script = format!("{} {words} --yes --json", env!("CARGO_BIN_EXE_fprecon"));
    let mut shell = std::process::Command::new("bash");
    let pasted = place.command_to(&sandbox, &[]);
    shell.args(["-c", &script]).current_dir(place.root());
    shell.env_clear().envs(
        pasted
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let pasted = Ran(shell.output().unwrap()).expect(1).json();
    assert_eq!(pasted["rows"]["read"], 1);
}

#[cfg(feature = "polars")]
#[test]
fn row_42_text_of_a_list_of_commissions_commands_no_terminal_and_no_audit() {
    let place = Place::new();
    let file = format!("x{HOSTILE}.csv");
    place.write(&file, &stripe_export(&[1, 2].map(|n| Payment::paid(n, n))));
    let promoter = cell(&format!("p{HOSTILE}@example.com"));
    let campaign = cell(&format!("c{HOSTILE}"));
    let commissions = format!("c{HOSTILE}.csv");
    let text = format!(
        "Commission ID,Event ID,Promoter email,Campaign,Sale amount,Commission amount,Status,Paid,Tier,Date\n\
         1,in_0001,{promoter},{campaign},20.00,4.00,approved,No,1,2026-03-01\n\
         2,{},{promoter},{campaign},20.00,4.00,approved,No,1,2026-03-01\n",
        cell(&format!("in_9{HOSTILE}"))
    );
    place.write(&commissions, &text);
    let dir = format!("audit{HOSTILE}");
    for json in [&[][..], &["--json"]] {
        let audit = ["audit", &file, "--commissions", &commissions, "--dir", &dir];
        let ran = place.run(&[&audit[..], json].concat());
        assert!([1, 3].contains(&ran.code()), "{}", ran.stderr());
        let code = ran.code();
        assert_says_plainly(ran, code);
    }
    let page = std::fs::read_to_string(place.path(&dir).join("audit.html")).unwrap();
    assert!(page.contains("\\u{202e}"), "the promoter is there, escaped");
    assert_plain("audit.html", &page);
    let summary = std::fs::read_to_string(place.path(&dir).join("summary.json")).unwrap();
    assert_plain("summary.json", &summary);
}
