//! Narrow and plain terminals: nothing of the program's own wraps, moves or is coloured where it can't be.

use std::process::Command;

use crate::support::strace::skip;
use crate::support::{Payment, Place, Ran, SandboxProcess, stripe_export};

/// Some payments in four currencies, of which one row can't be read, so that there is much to show.
fn payments(count: u32) -> Place {
    let payments: Vec<Payment> = (1..=count)
        .map(|n| Payment {
            currency: ["usd", "eur", "gbp", "jpy"][n as usize % 4].to_owned(),
            amount: match n {
                7 => "12x45",
                _ if n % 4 == 3 => "1234567",
                _ => "12345.60",
            }
            .to_owned(),
            refunded: "0".to_owned(),
            ..Payment::paid(n, n)
        })
        .collect();
    let place = Place::new();
    place.write("payments.csv", &stripe_export(&payments));
    place
}

fn has_script() -> bool {
    Command::new("script").arg("--version").output().is_ok()
}

/// The lines as a terminal has them in the end, without what moves the cursor or sets a colour.
fn lines(shown: &str) -> Vec<String> {
    let shown = without_commands(shown);
    let lines = shown.split(['\n', '\r']).map(str::to_owned);
    lines.filter(|line| !line.trim().is_empty()).collect()
}

/// Without the sequences that start with an escape and end with a letter.
fn without_commands(shown: &str) -> String {
    let mut text = String::new();
    let mut rest = shown.chars();
    while let Some(one) = rest.next() {
        match one {
            '\u{1b}' => drop(rest.find(char::is_ascii_alphabetic)),
            _ => text.push(one),
        }
    }
    text
}

/// Lines of tables and of progress; sentences and commands wrap as the terminal likes.
fn is_own_layout(line: &str) -> bool {
    let is_laid_out = line.contains("   ") || line.contains('%') || line.starts_with('=');
    is_laid_out && !line.contains("fprecon ") && !line.contains(": ")
}

#[test]
fn tables_and_progress_fit_60_and_80_columns() {
    if !has_script() {
        return skip("`script` is not there");
    }
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--latency-ms", "30"]);
    for columns in [60, 80] {
        let place = payments(120);
        let words = "run payments.csv --yes --concurrency 2 --requests-per-minute 6000";
        let ran = place
            .run_on_a_wide_terminal(columns, &sandbox.base_url, words)
            .expect(1);
        let shown = ran.stdout();
        let own_lines = lines(&shown);
        let progress: Vec<_> = own_lines
            .iter()
            .filter(|line| line.contains("% "))
            .collect();
        assert!(progress.len() > 3, "{columns}: {shown}");
        assert!(
            progress.iter().any(|line| line.contains("/119")),
            "{progress:?}"
        );
        for line in own_lines.iter().filter(|line| is_own_layout(line)) {
            let width = line.trim_end().chars().count();
            assert!(width <= columns, "{columns}: {width}: {line}\n{shown}");
        }
        assert!(!shown.contains("left 0 s"), "{shown}");
        let table = ran.stdout().replace('\r', "");
        assert!(table.contains("= tracked"), "{table}");
        for words in ["plan payments.csv", "status"] {
            let shown = place
                .run_on_a_wide_terminal(columns, &sandbox.base_url, words)
                .stdout();
            for line in lines(&shown).iter().filter(|line| is_own_layout(line)) {
                let width = line.trim_end().chars().count();
                assert!(width <= columns, "{columns}: {words}: {line}\n{shown}");
            }
        }
    }
}

#[test]
fn thousands_are_separated_in_the_progress() {
    if !has_script() {
        return skip("`script` is not there");
    }
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let place = payments(1500);
    let words = "run payments.csv --yes --requests-per-minute 600000";
    let ran = place.run_on_a_wide_terminal(80, &sandbox.base_url, words);
    let shown = ran.expect(1).stdout();
    assert!(shown.contains("/1,499"), "{shown}");
}

#[test]
fn a_plain_terminal_gets_plain_characters_and_no_commands() {
    let place = payments(12);
    for (name, value) in [("TERM", "dumb"), ("NO_COLOR", "1"), ("LC_ALL", "C")] {
        for arguments in [
            &["plan", "payments.csv"][..],
            &["run", "payments.csv", "--sandbox", "--yes"],
            &["status", "--sandbox"],
            &["--help"],
            &["run", "--help"],
        ] {
            let output = place.command(arguments).env(name, value).output().unwrap();
            let ran = Ran(output);
            let said = ran.stdout() + &ran.stderr();
            assert!(!said.contains('\u{1b}'), "{name}: {said:?}");
            assert!(said.is_ascii(), "{name}: {arguments:?}: {said}");
        }
    }
}

#[test]
fn a_dumb_terminal_and_one_without_colour_get_no_commands() {
    if !has_script() {
        return skip("`script` is not there");
    }
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let place = payments(60);
    let shown = place
        .run_on_a_terminal(&sandbox.base_url, "run payments.csv --yes", "")
        .expect(1)
        .stdout();
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    let words = "plan payments.csv";
    let coloured = place.run_on_a_wide_terminal(80, &sandbox.base_url, words);
    assert!(
        coloured.expect(1).stdout().contains("\u{1b}[1m"),
        "errors are bold"
    );
    let shown =
        place.run_on_a_wide_terminal(80, &sandbox.base_url, &format!("{words} --color never"));
    let shown = shown.expect(1).stdout();
    assert!(!shown.contains("\u{1b}[1m"), "{shown:?}");
}

/// The variables that ask a terminal for plain output, with what they ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plain {
    /// Neither colours nor anything else but text.
    Dumb,
    /// No colours.
    NoColour,
    /// Only characters that are in ASCII.
    Ascii,
}

impl Plain {
    fn variables(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Plain::Dumb => &[("TERM", "dumb")],
            Plain::NoColour => &[("TERM", "xterm"), ("NO_COLOR", "1")],
            Plain::Ascii => &[("TERM", "xterm"), ("LC_ALL", "C")],
        }
    }

    #[track_caller]
    fn check(self, shown: &str, columns: usize, words: &str) {
        let what = format!("{self:?} on {columns}: {words}:\n{shown:?}");
        match self {
            Plain::Dumb => assert!(!shown.contains('\u{1b}'), "{what}"),
            Plain::NoColour => assert!(!has_colours(shown), "{what}"),
            // Providers' own names for their exports are shown as they are.
            Plain::Ascii if words == "profiles list" => {}
            Plain::Ascii => assert!(without_commands(shown).is_ascii(), "{what}"),
        }
        for line in lines(shown).iter().filter(|line| is_own_layout(line)) {
            assert!(line.trim_end().chars().count() <= columns, "{line}: {what}");
        }
    }
}

/// Whether there is a sequence that sets a colour or a style: `ESC [ 31 m`.
fn has_colours(shown: &str) -> bool {
    let mut sequences = shown.split("\u{1b}[").skip(1);
    sequences.any(|rest| {
        let end = rest.find(|c: char| c.is_ascii_alphabetic());
        end.is_some_and(|end| rest[end..].starts_with('m'))
    })
}

#[test]
fn a_terminal_that_asks_for_plain_output_gets_it_whatever_its_width() {
    if !has_script() {
        return skip("`script` is not there");
    }
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--latency-ms", "20"]);
    let mut coloured = 0;
    for columns in [60, 80] {
        for plain in [Plain::Dumb, Plain::NoColour, Plain::Ascii] {
            let place = payments(60);
            for words in [
                "plan payments.csv",
                "run payments.csv --yes --concurrency 2",
                "status",
                "report --dir again",
                "profiles list",
                "--help",
                "run --help",
                "plan",
            ] {
                let ran = place.run_on_a_terminal_with(
                    columns,
                    plain.variables(),
                    &sandbox.base_url,
                    words,
                );
                let shown = ran.stdout();
                assert!(!shown.trim().is_empty(), "{words}");
                plain.check(&shown, columns, words);
                coloured += usize::from(has_colours(&shown));
            }
        }
    }
    assert!(
        coloured > 0,
        "a terminal that asks for nothing gets colours"
    );
}
