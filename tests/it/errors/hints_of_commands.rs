//! Hints that name a command for an account, each followed as it is printed.

use std::fs;
use std::process::Command;

use crate::support::{KEY, Place, Ran, SandboxProcess, open_to_edit};

const HEADER: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";

fn sale(place: &Place, file: &str, id: &str) {
    place.write(
        file,
        &format!("{HEADER}sale,{id},,ana@example.com,8.00,USD,2026-03-01\n"),
    );
}

/// The hint of a code in what a command printed.
fn hint(ran: &Ran, code: &str) -> String {
    let problems = ran.json()["problems"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let problem = problems.iter().find(|problem| problem["code"] == code);
    let hint = problem.and_then(|problem| problem["hint"].as_str());
    hint.unwrap_or_else(|| panic!("{code}: {problems:?}"))
        .to_owned()
}

/// The words behind `fprecon` of the first command between backticks in a text, with the words of a file's
/// name in quotes kept together.
fn command(text: &str) -> Vec<String> {
    let mut pieces = text.split('`').skip(1).step_by(2);
    let words = pieces.find_map(|piece| piece.strip_prefix("fprecon "));
    let words = words.unwrap_or_else(|| panic!("{text}")).split(' ');
    words
        .map(|word| word.trim_matches('\'').to_owned())
        .collect()
}

fn follow(place: &Place, words: &[String], more: &[&str]) -> Ran {
    let words = words.iter().map(String::as_str).chain(more.iter().copied());
    place.run(&words.collect::<Vec<_>>())
}

#[test]
fn without_a_key_the_environment_or_a_file_gives_one() {
    let (place, sandbox) = (Place::new(), SandboxProcess::start(&[]));
    sale(&place, "x.csv", "s1");
    let run = ["run", "x.csv", "--yes", "--json"];
    let without = || -> Command {
        let mut command = place.command_to(&sandbox, &run);
        command.env_remove("FPRECON_API_KEY");
        command
    };
    let refused = Ran(without().output().unwrap()).expect(3);
    let hint = hint(&refused, "key-missing");
    assert!(
        hint.contains("set FPRECON_API_KEY, or name a file with `--api-key-file`"),
        "{hint}"
    );
    fs::write(place.path("key"), KEY).unwrap();
    let mut named = without();
    named.args(["--api-key-file", "key"]);
    Ran(named.output().unwrap()).expect(0);
    sale(&place, "x.csv", "s2");
    place.run_to(&sandbox, &run).expect(0);
    assert_eq!(sandbox.events().len(), 2);
}

#[test]
fn without_an_id_of_the_account_the_configuration_gives_one() {
    let sandbox = SandboxProcess::start(&[]);
    let run = ["run", "x.csv", "--yes", "--json"];
    for (code, key, variable) in [
        ("wid-missing", "wid", "FPRECON_WID"),
        ("account-id-missing", "account_id", "FPRECON_ACCOUNT_ID"),
    ] {
        let place = Place::new();
        sale(&place, "x.csv", key);
        let without = || match key {
            "wid" => place.command_to(&sandbox, &run),
            _ => place.command_to_v2(&sandbox, &run),
        };
        let refused = Ran(without().env_remove(variable).output().unwrap()).expect(3);
        let hint = hint(&refused, code);
        let setting = format!("set `{key}` under `[api]` in fprecon.toml, or {variable}");
        assert!(hint.contains(&setting), "{hint}");
        place.write("fprecon.toml", &format!("[api]\n{key} = \"account-1\"\n"));
        Ran(without().env_remove(variable).output().unwrap()).expect(0);
    }
    assert_eq!(sandbox.events().len(), 2);
}

#[test]
fn a_misspelled_variable_is_refused_with_the_one_that_was_meant() {
    let (place, sandbox) = (Place::new(), SandboxProcess::start(&[]));
    sale(&place, "x.csv", "s1");
    let run = ["run", "x.csv", "--yes", "--json"];
    let with = |name: &str| {
        let mut command = place.command_to(&sandbox, &run);
        command.env(name, "true");
        Ran(command.output().unwrap())
    };
    let misspelled = with("FPRECON_LEADLIST").expect(3);
    let said = hint(&misspelled, "variable-unknown");
    assert!(said.contains("did you mean `FPRECON_LEAD_LIST`?"), "{said}");
    let unlike = with("FPRECON_COLOUR_OF_THE_SKY").expect(3);
    let said = hint(&unlike, "variable-unknown");
    assert!(said.contains("`unset FPRECON_COLOUR_OF_THE_SKY`"), "{said}");
    assert!(sandbox.arrivals().is_empty());
    with("FPRECON_LEAD_LIST").expect(0);
    assert_eq!(sandbox.events().len(), 1);
}

#[test]
fn a_report_that_cannot_be_written_is_made_again() {
    let place = Place::new();
    sale(&place, "x.csv", "s1");
    place.write("occupied", "a file");
    let run = [
        "run",
        "x.csv",
        "--sandbox",
        "--yes",
        "--json",
        "--dir",
        "occupied/inner",
    ];
    let ran = place.run(&run);
    assert_ne!(ran.code(), 0);
    let said = ran.stderr();
    assert!(
        said.contains("`fprecon report --sandbox` makes the report again"),
        "{said}"
    );
    let words = command(said.split("hint: ").last().unwrap());
    follow(&place, &words, &["--dir", "reports"]).expect(0);
    assert!(place.read("reports/tracked.csv").contains("s1"));
}

#[test]
#[cfg_attr(not(feature = "polars"), ignore = "this build has no audit")]
fn the_sandbox_inside_has_no_commissions_and_one_of_its_own_has() {
    let (place, sandbox) = (Place::new(), SandboxProcess::start(&[]));
    sale(&place, "x.csv", "s1");
    let audit = ["audit", "--sandbox", "--live", "--json"];
    let refused = place.run(&[&audit[..], &["x.csv"]].concat()).expect(2);
    let hint = hint(&refused, "sandbox-has-none");
    assert!(
        hint.contains("`fprecon sandbox`, and name it by `--base-url`"),
        "{hint}"
    );
    let named = |arguments: &[&str]| {
        let mut command = place.command_to(&sandbox, arguments);
        command.env_remove("FPRECON_BASE_URL");
        command.args(["--base-url", &sandbox.base_url]);
        Ran(command.output().unwrap())
    };
    named(&["run", "x.csv", "--yes"]).expect(0);
    let audited = named(&["audit", "--live", "--json"]);
    audited.expect_code_one_of(&[0, 1]);
}

#[test]
#[cfg_attr(not(feature = "polars"), ignore = "this build has no audit")]
fn what_is_held_and_not_audited_is_said_by_plan() {
    let place = Place::new();
    place
        .write(
            "x.csv",
            &format!("{HEADER}sale,s1,,ana@example.com,8.00,USD,2026-03-01\nrefund,r1,s9,ana@example.com,8.00,USD,2026-03-02\n"),
        )
        .write("c.csv", "commission_amount,promoter_email,event_id\n1.60,ada@example.com,s1\n")
        .write("fprecon.toml", "[[audit.rule]]\nrate = \"20\"\n");
    let audit = ["audit", "x.csv", "--commissions", "c.csv", "--json"];
    let hint = hint(&place.run(&audit), "held-not-audited");
    assert!(hint.contains("`fprecon plan EXPORT...` says why"), "{hint}");
    let said = place.run(&["plan", "x.csv"]).expect(1).stderr();
    assert!(said.contains("refund `r1`: its sale is neither in these exports nor in the journal"));
}

/// A journal of version 1 has no key to redact with; `resume` gives it one.
#[test]
fn an_old_journal_is_brought_up_to_date_by_the_command_of_the_hint() {
    let place = Place::new();
    let journal = open_to_edit(place.path("old.journal"));
    journal
        .execute_batch(include_str!("../../journals/version-1.sql"))
        .unwrap();
    drop(journal);
    let report = [
        "report",
        "--redact",
        "--sandbox",
        "--journal",
        "old.journal",
    ];
    let refused = place.run(&[&report[..], &["--json"]].concat());
    let hint = hint(&refused, "redaction-key");
    let words = command(&hint);
    assert_eq!(words[0], "resume", "{hint}");
    follow(&place, &words, &[]).expect(0);
    place.run(&report).expect_code_one_of(&[0, 1]);
}
