//! Several accounts in one configuration: each has its own key, ids, journal and reports, and none gets what is
//! another's.

use crate::accept::refuse;
use crate::support::{KEY, Payment, Place, Ran, SandboxProcess, stripe_export};
use std::process::Command;

/// A sandbox that takes only the key of one account.
fn sandbox(place: &Place, key: &str) -> SandboxProcess {
    let key = place.path(key).display().to_string();
    SandboxProcess::start(&["--lead-share", "100", "--require-key", &key])
}

/// A place with the accounts `eu` and `us`, which have a sandbox each.
fn accounts() -> (Place, SandboxProcess, SandboxProcess) {
    let place = Place::new();
    place
        .write("eu.key", "the-key-of-the-account-eu\n")
        .write("us.key", "the-key-of-the-account-us\n")
        .write("x.csv", &stripe_export(&[Payment::paid(1, 1)]));
    let (eu, us) = (sandbox(&place, "eu.key"), sandbox(&place, "us.key"));
    let config = format!(
        "[send]\nrequests_per_minute = 600000\n\n\
         [accounts.eu]\nwid = \"wid-eu\"\nkey_file = \"eu.key\"\nbase_url = \"{}\"\naccount_currency = \"EUR\"\n\n\
         [accounts.us]\nwid = \"wid-us\"\nkey_command = [\"cat\", \"us.key\"]\nbase_url = \"{}\"\njournal = \"books/us.journal\"\n",
        eu.base_url, us.base_url
    );
    place
        .write("fprecon.toml", &config)
        .write("books/.keep", "");
    (place, eu, us)
}

fn with(place: &Place, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = place.command(arguments);
    Ran(command.envs(variables.iter().copied()).output().unwrap())
}

#[test]
fn each_account_has_its_key_its_journal_and_its_reports() {
    let (place, eu, us) = accounts();
    // A key in the environment may be another account's. It is not used.
    let variables = [("FPRECON_API_KEY", KEY), ("FPRECON_WID", "wid-other")];
    let run = ["run", "x.csv", "--yes", "--json", "--account", "eu"];
    let of_eu = with(&place, &run, &variables).expect(0).json();
    assert_eq!((eu.events().len(), us.events().len()), (1, 0));
    let of_us = with(
        &place,
        &["run", "x.csv", "--yes", "--json"],
        &[("FPRECON_ACCOUNT", "us")],
    );
    let of_us = of_us.expect(0).json();
    assert_eq!((eu.events().len(), us.events().len()), (1, 1));
    assert!(place.path("fprecon-eu.journal").is_file());
    assert!(place.path("books/us.journal").is_file());
    assert!(!place.path("fprecon.journal").exists());
    let directory = |json: &serde_json::Value| json["report_dir"].as_str().unwrap().to_owned();
    assert_ne!(directory(&of_eu), directory(&of_us));
    assert!(
        directory(&of_eu).starts_with("reports/fprecon-eu.journal/"),
        "{of_eu}"
    );
    for account in ["eu", "us"] {
        let status = place
            .run(&["status", "--json", "--account", account])
            .expect(0)
            .json();
        assert_eq!(status["runs"].as_array().map(Vec::len), Some(1), "{status}");
    }
}

#[test]
fn a_key_that_may_be_another_accounts_is_refused() {
    let (place, eu, _us) = accounts();
    let config = place
        .read("fprecon.toml")
        .replace("key_file = \"eu.key\"\n", "");
    let config = format!("[api]\nkey_file = \"us.key\"\n{config}");
    place.write("fprecon.toml", &config);
    let run = ["run", "x.csv", "--yes", "--account", "eu"];
    for variables in [
        &[][..],
        &[("FPRECON_API_KEY", "the-key-of-the-account-us")],
        &[("FPRECON_API_KEY_FILE", "us.key")],
        &[("FPRECON_ACCOUNTS_US_API_KEY", "the-key-of-the-account-us")],
    ] {
        let said = with(&place, &run, variables).expect(3).stderr();
        assert!(
            said.contains("there is no API key for the account `eu`"),
            "{said}"
        );
        assert!(
            said.contains("`[accounts.eu]`") && said.contains("FPRECON_ACCOUNTS_EU_API_KEY"),
            "{said}"
        );
        assert!(!said.contains("the-key-of"), "{said}");
    }
    assert!(eu.arrivals().is_empty());
    let own = [("FPRECON_ACCOUNTS_EU_API_KEY", "the-key-of-the-account-eu")];
    with(&place, &run, &own).expect(0);
    assert_eq!(eu.events().len(), 1);
    let named = [
        "run",
        "x.csv",
        "--yes",
        "--account",
        "eu",
        "--api-key-file",
        "eu.key",
    ];
    with(&place, &named, &[("FPRECON_API_KEY", KEY)]).expect(0);
}

#[test]
fn the_variable_of_an_account_goes_before_its_file_and_a_misspelled_one_is_an_error() {
    let (place, eu, _us) = accounts();
    place.write("wrong.key", "a-key-that-is-not-right");
    let config = place.read("fprecon.toml").replace("eu.key", "wrong.key");
    place.write("fprecon.toml", &config);
    let run = ["run", "x.csv", "--yes", "--account", "eu"];
    with(&place, &run, &[]).expect(4);
    let own = [("FPRECON_ACCOUNTS_EU_API_KEY", "the-key-of-the-account-eu")];
    with(&place, &["resume", "--account", "eu"], &own).expect(0);
    assert_eq!(eu.events().len(), 1);
    let said = with(&place, &run, &[("FPRECON_ACCOUNTS_EUS_API_KEY", "x")])
        .expect(3)
        .stderr();
    assert!(
        said.contains("unknown variable `FPRECON_ACCOUNTS_EUS_API_KEY`"),
        "{said}"
    );
    assert!(said.contains("did you mean `FPRECON_ACCOUNTS_"), "{said}");
}

#[test]
fn without_a_name_nothing_is_sent_and_the_accounts_are_named() {
    let (place, eu, us) = accounts();
    for words in [
        &["run", "x.csv", "--yes"][..],
        &["plan", "x.csv"],
        &["status"],
        &["report"],
    ] {
        let said = place.run(words).expect(3).stderr();
        let line = "error: the configuration has several accounts, and none is named: `eu`, `us`\n  hint: name one with `--account eu` or FPRECON_ACCOUNT";
        assert!(said.contains(line), "{said}");
    }
    // A journal alone does not say which key is to be used.
    let run = ["run", "x.csv", "--yes", "--journal", "any.journal"];
    let said = place.run(&run).expect(3).stderr();
    assert!(said.contains("none is named: `eu`, `us`"), "{said}");
    for (name, hint) in [
        ("shop", "the accounts are `eu`, `us`"),
        ("uss", "did you mean `--account us`?"),
    ] {
        let said = place.run(&["status", "--account", name]).expect(3).stderr();
        assert!(
            said.contains(&format!("there is no account `{name}`")) && said.contains(hint),
            "{said}"
        );
    }
    // The hints, followed literally.
    for account in ["eu", "us"] {
        place
            .run(&["plan", "x.csv", "--account", account])
            .expect(0);
    }
    assert!(eu.arrivals().is_empty() && us.arrivals().is_empty());
    for words in [
        &["config"][..],
        &["profiles", "list"],
        &["run", "x.csv", "--yes", "--sandbox"],
    ] {
        place.run(words).expect(0);
    }
    let shown = place.run(&["config"]).expect(0).stdout();
    assert!(shown.contains("none is named, of eu, us"), "{shown}");

    // Ids at the top are an account, too: the one without a name.
    let config = format!("[api]\nwid = \"w\"\n{}", place.read("fprecon.toml"));
    place.write("fprecon.toml", &config);
    place.run(&["plan", "x.csv"]).expect(0);
    place.run(&["plan", "x.csv", "--account", "eu"]).expect(0);

    let alone = Place::new();
    alone.write("x.csv", &stripe_export(&[]));
    let said = alone.run(&["status", "--account", "eu"]).expect(3).stderr();
    assert!(
        said.contains("write a table `[accounts.eu]` in fprecon.toml"),
        "{said}"
    );
}

#[test]
fn printed_commands_name_the_account_and_can_be_pasted() {
    let (place, eu, us) = accounts();
    refuse(&eu, 1);
    let run = ["run", "x.csv", "--yes", "--json", "--account", "eu"];
    let json = place.run(&run).expect(1).json();
    let command = json["attention"][0]["command"].as_str().unwrap();
    assert_eq!(command, "fprecon retry --failed --account eu");
    let pasted = command.replacen("fprecon", env!("CARGO_BIN_EXE_fprecon"), 1);
    let done = Command::new("sh")
        .args(["-c", &format!("{pasted} --yes")])
        .current_dir(place.root())
        .env_clear()
        .env("HOME", place.root())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output();
    Ran(done.unwrap()).expect(0);
    assert_eq!((eu.events().len(), us.events().len()), (1, 0));
    let said = place.run(&[
        "accept",
        "--event",
        "none",
        "--reason",
        "x",
        "--account",
        "us",
    ]);
    assert!(!said.stderr().contains("--account eu"), "{}", said.stderr());
}

#[test]
fn an_account_inherits_what_is_general_and_goes_before_variables() {
    let (place, _eu, _us) = accounts();
    let config = place.read("fprecon.toml")
        + "[accounts.eu.currencies]\nforeign = \"hold\"\n[accounts.eu.audit]\nzone = \"Europe/Berlin\"\n[currencies]\nforeign = \"send\"\n";
    place.write("conf/fprecon.toml", &config);
    let show = |account: &str| {
        let words = [
            "config",
            "--json",
            "--config",
            "conf/fprecon.toml",
            "--account",
            account,
        ];
        let variables = [
            ("FPRECON_ACCOUNT_CURRENCY", "GBP"),
            ("FPRECON_CONCURRENCY", "3"),
            ("FPRECON_WID", "wid-other"),
        ];
        with(&place, &words, &variables).expect(0).json()
    };
    let (eu, us) = (show("eu"), show("us"));
    let of_account = "conf/fprecon.toml [accounts.eu]";
    for (name, value, from) in [
        ("account", "eu", "--account or FPRECON_ACCOUNT"),
        ("api.wid", "wid-eu", of_account),
        ("api.key_file", "conf/eu.key", of_account),
        ("api.account_currency", "EUR", of_account),
        ("currencies.foreign", "hold", of_account),
        ("send.requests_per_minute", "600000", "conf/fprecon.toml"),
        ("send.concurrency", "3", "FPRECON_CONCURRENCY"),
        ("journal", "conf/fprecon-eu.journal", "default"),
    ] {
        assert_eq!(
            (&eu[name]["value"], &eu[name]["from"]),
            (&value.into(), &from.into()),
            "{name}"
        );
    }
    for (name, value, from) in [
        ("api.wid", "wid-us", "conf/fprecon.toml [accounts.us]"),
        ("api.account_currency", "GBP", "FPRECON_ACCOUNT_CURRENCY"),
        ("currencies.foreign", "send", "conf/fprecon.toml"),
        (
            "journal",
            "conf/books/us.journal",
            "conf/fprecon.toml [accounts.us]",
        ),
    ] {
        assert_eq!(
            (&us[name]["value"], &us[name]["from"]),
            (&value.into(), &from.into()),
            "{name}"
        );
    }
    let words = [
        "config",
        "--account",
        "us",
        "--journal",
        "j",
        "--config",
        "conf/fprecon.toml",
    ];
    let shown = place.run(&words).expect(0).stdout();
    assert!(
        shown.contains("j  (--journal or FPRECON_JOURNAL)"),
        "{shown}"
    );
}

#[test]
fn a_sandbox_run_of_an_account_never_touches_its_journal() {
    let (place, eu, us) = accounts();
    let run = ["run", "x.csv", "--yes", "--sandbox", "--account"];
    for account in ["eu", "us"] {
        place.run(&[&run[..], &[account]].concat()).expect(0);
    }
    assert!(place.path("fprecon-sandbox-eu.journal").is_file());
    assert!(place.path("fprecon-sandbox-us.journal").is_file());
    assert!(!place.path("books/us.journal").exists());
    assert!(eu.arrivals().is_empty() && us.arrivals().is_empty());
}

#[test]
fn a_table_of_an_account_is_checked_like_the_others() {
    let place = Place::new();
    let refused = |text: &str, says: &str| {
        place.write("fprecon.toml", text);
        let said = place.run(&["config", "--account", "eu"]).expect(3).stderr();
        assert!(said.contains(says), "{said}");
    };
    refused(
        "[accounts.eu]\nwidd = \"x\"\n",
        "fprecon.toml:2: error: unknown field `widd`",
    );
    refused("[accounts.eu.exports.x]\n", "unknown field `exports`");
    refused(
        "[accounts.\"e u\"]\n",
        "`e u` can't be the name of an account",
    );
    refused("[accounts.eu]\n[accounts.EU]\n", "can't be told apart");
    refused(
        "[accounts.eu]\nkey_file = \"a\"\nkey_command = [\"b\"]\n",
        "fprecon.toml: error: `key_file` and `key_command` are both set",
    );
    refused(
        "[accounts.eu]\naccount_currency = \"EURO\"\n",
        "not an ISO 4217 currency code",
    );
    place.write(
        "fprecon.toml",
        "[accounts.eu]\nkey_file = \"\"\njournal = \"\"\n",
    );
    let shown = place.run(&["config", "--account", "eu"]).expect(0).stdout();
    assert!(shown.contains("fprecon-eu.journal  (default)"), "{shown}");
    let schema = place.run(&["config", "--schema"]).expect(0).json();
    let account = &schema["properties"]["accounts"]["additionalProperties"]["properties"];
    for key in ["wid", "key_command", "journal", "currencies"] {
        assert!(account[key].is_object(), "{key}");
    }
}

#[test]
fn a_printed_command_has_every_option_that_the_run_had() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&[]);
    let refund = "kind,event_id,sale_event_id,email,amount,currency,created_at\n\
         refund,r1,s1,ana@example.com,8.00,USD,2026-03-02\n";
    place.write("x.csv", refund).write("conf/mine.toml", "");
    let options = [
        "--journal",
        "books.journal",
        "--config",
        "conf/mine.toml",
        "--base-url",
        &sandbox.base_url,
        "--profile",
        "generic",
    ];
    let call = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        command
            .env("FPRECON_WID", "wid-1")
            .env("FPRECON_API_KEY", KEY);
        Ran(command.output().unwrap())
    };
    let mut run = vec!["run", "x.csv", "--yes", "--json"];
    run.extend(options);
    call(&run).expect(1);
    // The call names the journal alone.
    let status = ["status", "--json", "--journal", "books.journal"];
    let json = call(&status).expect(0).json();
    let command = json["attention"][0]["command"].as_str().unwrap();
    for option in options.chunks(2) {
        assert!(command.contains(&option.join(" ")), "{command}");
    }
    // It can be pasted, and leads to the same journal and the same account.
    let words: Vec<&str> = command.split(' ').skip(1).chain(["--yes"]).collect();
    assert_eq!(call(&words).expect(1).code(), 1);
    let report = ["report", "--json", "--journal", "books.journal"];
    let report = call(&report).expect(0).json();
    assert_eq!(report["attention"][0]["command"], command);
}
