//! What a user and a script meet at the command line: help, settings, profiles, secrets.

use std::fs;
use std::path::Path;

use crate::support::{KEY, Payment, Place, SandboxProcess, stripe_export};
use serde_json::Value;

#[test]
fn usage_errors_exit_with_2_and_suggest() {
    let place = Place::new();
    let typo = place.run(&["plann", "x.csv"]).expect(2);
    assert!(typo.stderr().contains("'plan'"), "{}", typo.stderr());
    place.run(&[]).expect(2);
    place.run(&["plan"]).expect(2);
    place.run(&["retry"]).expect(2);
    // The key is no argument, whatever it is called.
    place.run(&["run", "x.csv", "--api-key", KEY]).expect(2);
}

#[test]
fn help_completions_and_manual_are_made_from_the_same_definitions() {
    let place = Place::new();
    let help = place.run(&["--help"]).expect(0).stdout();
    for command in [
        "demo", "plan", "run", "resume", "retry", "status", "report", "journal", "sandbox",
    ] {
        assert!(help.contains(&format!("\n  {command} ")), "{command}");
        place.run(&[command, "--help"]).expect(0);
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = place.run(&["completions", shell]).expect(0).stdout();
        assert!(script.contains("fprecon"), "{shell}");
    }
    assert!(
        place
            .run(&["man"])
            .expect(0)
            .stdout()
            .contains(".TH fprecon")
    );
}

#[test]
fn json_is_one_object_for_commands_that_fail_too() {
    let place = Place::new();
    let failed = place
        .run(&["plan", "missing.csv", "--json"])
        .expect(3)
        .json();
    assert_eq!(failed["schema"], 1);
    assert_eq!(failed["exit_code"], 3);
    assert_eq!(failed["problems"][0]["code"], "export-missing");
    assert_eq!(failed["problems"][0]["file"], "missing.csv");
}

/// The value of a setting and where it comes from.
fn setting(place: &Place, variables: &[(&str, &str)], name: &str) -> (String, String) {
    let mut command = place.command(&["config", "--json"]);
    command.envs(variables.iter().copied());
    let output = command.output().unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let field = |field: &str| json[name][field].as_str().unwrap_or_default().to_owned();
    (field("value"), field("from"))
}

#[test]
fn option_beats_environment_beats_project_file_beats_user_file_beats_default() {
    let place = Place::new();
    let name = "send.requests_per_minute";
    let found = |variables: &[(&str, &str)]| setting(&place, variables, name);
    assert_eq!(found(&[]), ("380".into(), "default".into()));

    place.write(
        ".config/fprecon/fprecon.toml",
        "[send]\nrequests_per_minute = 100\n",
    );
    let (value, from) = found(&[]);
    assert_eq!(value, "100");
    assert!(from.ends_with(".config/fprecon/fprecon.toml"), "{from}");

    place.write("fprecon.toml", "[send]\nrequests_per_minute = 200\n");
    assert_eq!(found(&[]), ("200".into(), "fprecon.toml".into()));

    let variable = ("FPRECON_REQUESTS_PER_MINUTE", "300");
    assert_eq!(found(&[variable]), ("300".into(), variable.0.into()));

    place.write("payments.csv", &stripe_export(&[Payment::paid(1, 1)]));
    let mut command = place.command(&["plan", "payments.csv", "--json"]);
    let output = command
        .env("FPRECON_REQUESTS_PER_MINUTE", "1")
        .output()
        .unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["estimate"]["seconds"], 60);
}

#[test]
fn a_profile_is_shown_with_what_it_inherits() {
    let place = Place::new();
    place.write(
        "fprecon.toml",
        "[api]\nwid = \"w\"\n\n[exports.shop]\nextends = \"paypal-activity-de\"\n[exports.shop.columns]\nto = \"An\"\n",
    );
    let shown = |name| place.run(&["profiles", "show", name]).expect(0).stdout();

    let own = shown("shop");
    let said = "# fprecon.toml:4\n[exports.shop]\nextends = \"paypal-activity-de\"\n\n[exports.shop.columns]\nto = \"An\"\n\n# From `paypal-activity-de`:\n#\n";
    assert!(own.starts_with(said), "{own}");
    for inherited in [
        "# currency = \"Währung\"\n",
        "# decimal = \",\"\n",
        "# reason = \"payment pending\"\n",
    ] {
        assert!(own.contains(inherited), "{inherited}: {own}");
    }
    assert!(!own.contains("# to = "), "{own}");
    let whole: toml::Table = own.parse().unwrap();
    assert_eq!(whole.len(), 1, "what is inherited is a comment");

    let german = shown("paypal-activity-de");
    assert!(german.starts_with("# PayPal: Aktivitäten"), "{german}");
    let base = "# From `paypal-activity-day-first-comma`:\n";
    assert!(german.contains(base), "{german}");
    assert!(!shown("shopify-orders").contains("# From "));
}

#[test]
fn a_check_of_an_export_that_fits_several_profiles_says_how_to_decide() {
    let place = Place::new();
    let header = "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,Fee,Net,From Email Address,To Email Address,Transaction ID,Sales Tax,Shipping and Handling Amount,Reference Txn ID";
    let row = "04/05/2026,10:00:00,PST,Ana,Website Payment,Completed,USD,20.00,0,20.00,ana@example.com,shop@example.com,1A,0,0,";
    place.write("x.csv", &format!("{header}\n{row}\n"));
    let said = place
        .run(&["profiles", "check", "x.csv"])
        .expect(3)
        .stdout();
    let lines = [
        "x.csv: the header fits `paypal-activity` and `paypal-activity-day-first`, and all of them read its rows (the first one was tried)\n",
        "  hint: which one is it? ",
        "\n      [exports.my-paypal-activity]\n      extends = \"paypal-activity\"\n",
        "\n  paypal-activity: matches the header\n",
        "\n  paypal-activity-day-first: matches the header\n",
    ];
    for line in lines {
        assert!(said.contains(line), "{line}\n{said}");
    }
    let json = place
        .run(&["profiles", "check", "--json", "x.csv"])
        .expect(3)
        .json();
    let hint = json["exports"][0]["hint"].as_str().unwrap();
    assert!(hint.contains("--profile paypal-activity=x.csv"), "{hint}");
}

#[test]
fn profiles_are_listed_shown_and_checked() {
    let place = Place::new();
    let list = place.run(&["profiles", "list"]).expect(0).stdout();
    assert!(list.starts_with("NAME "), "{list}");
    assert!(
        list.contains("\nshopify-orders ") && list.contains("\ngeneric "),
        "{list}"
    );
    assert!(
        list.lines().all(|line| line.chars().count() <= 80),
        "{list}"
    );
    let listed = place.run(&["profiles", "list", "--json"]).expect(0).json();
    let first = &listed["profiles"][0];
    assert_eq!(first["name"], "stripe-payments");
    assert_eq!(first["based_on"], "real file");
    let text = place
        .run(&["profiles", "show", "stripe-payments"])
        .expect(0)
        .stdout();
    assert!(text.contains("# Stripe: Payments > Export"), "{text}");
    let unknown = place.run(&["profiles", "show", "stripe"]).expect(3);
    assert!(unknown.stderr().contains("there is no profile `stripe`"));

    place.write("payments.csv", &stripe_export(&[Payment::paid(1, 1)]));
    place.write("other.csv", "id,Amount,Currency\n1,2,usd\n");
    let fit = place
        .run(&["profiles", "check", "payments.csv"])
        .expect(0)
        .stdout();
    assert!(fit.starts_with("payments.csv: stripe-payments\n"), "{fit}");
    let misfit = place
        .run(&["profiles", "check", "other.csv"])
        .expect(3)
        .stdout();
    assert!(misfit.contains("no profile fits"), "{misfit}");
    assert_eq!(misfit.matches("  not ").count(), 3, "{misfit}");
    assert!(misfit.contains("more, which `-v` shows"), "{misfit}");
    let all = place
        .run(&["profiles", "check", "-v", "other.csv"])
        .expect(3);
    assert!(
        all.stdout().contains("lacks `Amount Refunded`"),
        "{}",
        all.stdout()
    );
    let checked = place.run(&["profiles", "check", "--json", "payments.csv", "other.csv"]);
    let checked = checked.expect(3).json();
    assert_eq!(checked["exports"][0]["profile"], "stripe-payments");
    assert!(checked["exports"][1]["profile"].is_null());
}

/// The table of exports in the README is that of the profiles.
#[test]
fn the_readme_lists_every_profile() {
    let place = Place::new();
    let listed = place.run(&["profiles", "list", "--json"]).expect(0).json();
    let rows = listed["profiles"].as_array().unwrap().iter().map(|one| {
        let [title, name, based_on] =
            ["reads", "name", "based_on"].map(|key| one[key].as_str().unwrap());
        format!("| {title} | `{name}` | {based_on} |\n")
    });
    let table = format!(
        "| export | profile | based on |\n|---|---|---|\n{}\n",
        rows.collect::<String>()
    );
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    assert!(readme.contains(&table), "{table}");
}

/// A window of days that are all 12 or less, beside an export of another provider.
#[test]
fn the_journal_decides_for_days_that_fit_two_profiles() {
    let header = "Date,Time,TimeZone,Type,Status,Currency,Gross,From Email Address,To Email Address,Transaction ID,Reference Txn ID,Sales Tax,Shipping and Handling Amount\n";
    let row = |id: &str, date: &str| {
        format!(
            "{date},20:58:57,PDT,Website Payment,Completed,USD,8.00,ana@example.com,shop@example.com,{id},,,\n"
        )
    };
    let place = Place::new();
    place
        .write("stripe.csv", &stripe_export(&[Payment::paid(1, 1)]))
        .write("night.csv", &format!("{header}{}", row("T1", "03/04/2026")))
        .write("told.csv", &format!("{header}{}", row("T2", "03/25/2026")));
    let refused = place
        .run(&["plan", "night.csv", "stripe.csv"])
        .expect(3)
        .stderr();
    assert!(
        refused.contains("[exports.my-paypal-activity]"),
        "{refused}"
    );
    let named = [
        "plan",
        "--json",
        "--events",
        "e.csv",
        "--profile",
        "paypal-activity-day-first=ni*.csv",
    ];
    let plan = place
        .run(&[&named[..], &["night.csv", "stripe.csv"]].concat())
        .expect(0)
        .json();
    assert_eq!(plan["inputs"][0]["profile"], "paypal-activity-day-first");
    assert_eq!(plan["inputs"][1]["profile"], "stripe-payments");

    place
        .run(&["run", "told.csv", "--sandbox", "--yes"])
        .expect(0);
    let run = place.run(&[
        "run",
        "night.csv",
        "stripe.csv",
        "--sandbox",
        "--yes",
        "--json",
    ]);
    let run = run.expect(0).json();
    assert_eq!(run["inputs"][0]["profile"], "paypal-activity", "{run}");
    // Once the header was read in two ways, nothing decides.
    place.write("other.csv", &format!("{header}{}", row("T3", "25/03/2026")));
    place
        .run(&["run", "other.csv", "--sandbox", "--yes"])
        .expect(0);
    place.write("next.csv", &format!("{header}{}", row("T4", "05/06/2026")));
    place
        .run(&["run", "next.csv", "--sandbox", "--yes"])
        .expect(3);
}

/// Every file below a folder, whatever it holds.
fn files(directory: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn the_key_stands_in_no_output_journal_or_report() {
    let place = Place::new();
    let payments: Vec<Payment> = (1..=5).map(|n| Payment::paid(n, n)).collect();
    place.write("payments.csv", &stripe_export(&payments));
    place.write("wrong.key", "another-key");
    let sandbox = SandboxProcess::start(&["--lead-share", "50"]);
    for arguments in [
        &["run", "payments.csv", "--yes", "-v"][..],
        &["status", "-v"],
        &["config"],
        &["report", "--json"],
        &[
            "run",
            "payments.csv",
            "--yes",
            "--base-url",
            "http://127.0.0.1:1/api/v1",
            "-v",
        ],
        &[
            "run",
            "payments.csv",
            "--yes",
            "--base-url",
            "http://example.com/api/v1",
            "-v",
        ],
    ] {
        let ran = place.run_to(&sandbox, arguments);
        assert!(!holds(&ran.0.stdout, KEY), "{arguments:?}");
        assert!(!holds(&ran.0.stderr, KEY), "{arguments:?}");
    }
    assert_eq!(sandbox.arrivals().len(), 5);
    let mut found = Vec::new();
    files(place.root(), &mut found);
    assert!(
        found
            .iter()
            .any(|(path, _)| path.ends_with("fprecon.journal"))
    );
    assert!(found.iter().any(|(path, _)| path.ends_with("tracked.csv")));
    for (path, bytes) in found {
        assert!(!holds(&bytes, KEY), "{path}");
    }
}

#[test]
fn the_key_never_travels_in_the_open() {
    let place = Place::new();
    place.write("payments.csv", &stripe_export(&[Payment::paid(1, 1)]));
    let sandbox = SandboxProcess::start(&[]);
    let open = [
        "run",
        "payments.csv",
        "--yes",
        "--base-url",
        "http://example.com/api/v1",
    ];
    let refused = place.run_to(&sandbox, &open).expect(3);
    assert!(
        refused.stderr().contains("not HTTPS"),
        "{}",
        refused.stderr()
    );
    let planned = place.run(&["status", "--json"]).expect(3);
    assert!(
        planned.stderr().contains("journal not found"),
        "{}",
        planned.stderr()
    );
}

#[test]
fn a_sandbox_takes_only_its_own_key_where_it_is_told_to() {
    let place = Place::new();
    place
        .write("right.key", "the-right-key\n")
        .write("payments.csv", &stripe_export(&[Payment::paid(1, 1)]));
    let key_file = place.path("right.key").display().to_string();
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--require-key", &key_file]);
    let run = ["run", "payments.csv", "--yes"];
    place.run_to(&sandbox, &run).expect(4);

    // What this call names goes before the key in the environment, which is another account's.
    let resume = ["resume", "--api-key-file", "right.key"];
    place.run_to(&sandbox, &resume).expect(0);
    assert_eq!(sandbox.events().len(), 1);
    let shown = place.run_to(&sandbox, &["config", "--api-key-file", "right.key"]);
    let shown = shown.expect(0).stdout();
    let line = shown.lines().find(|line| line.starts_with("API key"));
    assert!(
        line.is_some_and(|line| line.contains("from the key file")),
        "{shown}"
    );
}
