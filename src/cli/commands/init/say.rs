//! Prints the result of `fprecon init`.

use std::path::PathBuf;

use serde::Serialize;

use super::look::Looked;
use super::proposals::ChosenProfile;
use super::trial::Trial;
use super::{ApiAnswers, ProfilePlan};
use crate::cli::error::CliError;
use crate::cli::settings::CONFIG_FILE;
use crate::cli::tables::count;
use crate::cli::terminal::Terminal;
use crate::propose::Proposal;
use crate::report::SCHEMA;
use crate::shell_word::shell_word;

/// The object that `--json` prints.
#[derive(Serialize)]
struct InitOutput<'o> {
    schema: u32,
    config: Option<&'o str>,
    inputs: Vec<InputOutput<'o>>,
    guesses: Vec<&'o str>,
    decisions: Vec<&'o str>,
    questions: Vec<&'o str>,
    tried: &'o Trial,
}

#[derive(Serialize)]
struct InputOutput<'o> {
    path: &'o str,
    profile: &'o str,
    proposed: bool,
    why: String,
    rows_looked_at: usize,
}

pub(super) fn say(
    looked: &[Looked<'_>],
    plans: &ProfilePlan,
    (account, trial): (&ApiAnswers, &Trial),
    (exports, written): (&[PathBuf], Option<&str>),
    terminal: &Terminal,
) -> Result<(), CliError> {
    let of = |part: fn(&Proposal) -> &Vec<String>| -> Vec<&str> {
        let parts = plans.proposals.iter().flat_map(part);
        parts.map(String::as_str).collect()
    };
    let account_guess = account.guess.iter().map(String::as_str);
    let guesses: Vec<&str> = account_guess
        .chain(of(|proposal| &proposal.guesses))
        .collect();
    let decisions = of(|proposal| &proposal.decisions);
    let questions = of(|proposal| &proposal.questions);
    for (one, chosen) in looked.iter().zip(&plans.profiles) {
        let why = why(one, chosen);
        terminal.note(&format!("{}: {}: {why}", one.path, chosen.name));
    }
    for (word, texts) in [
        ("guess", &guesses),
        ("to decide", &decisions),
        ("to answer", &questions),
    ] {
        for text in texts {
            terminal.note(&format!("  {word}: {text}"));
        }
    }
    trial.say(terminal);
    if let Some(written) = written {
        terminal.note(&format!(
            "{written} written. Next: {}",
            next(
                exports,
                written,
                (&questions, &trial.without_sale),
                looked.iter().all(Looked::is_theirs)
            )
        ));
    }
    if terminal.is_json() {
        let inputs = looked
            .iter()
            .zip(&plans.profiles)
            .map(|(one, chosen)| InputOutput {
                path: &one.path,
                profile: &chosen.name,
                proposed: chosen.is_proposed,
                why: why(one, chosen),
                rows_looked_at: one.rows.len(),
            });
        let output = InitOutput {
            schema: SCHEMA,
            config: written,
            inputs: inputs.collect(),
            guesses,
            decisions,
            questions,
            tried: trial,
        };
        terminal.write_json(&output)?;
    }
    Ok(())
}

/// Returns the reason for the profile of an export.
fn why(one: &Looked<'_>, chosen: &ChosenProfile) -> String {
    let extent = one.sample().extent();
    match &one.found {
        Some(found) if one.is_theirs() && found.profile.name != chosen.name => format!(
            "`{}` fits, but does not read all of its columns under their names; completed from its header and {extent}",
            found.profile.name
        ),
        Some(found) if !chosen.is_proposed => found.why.to_string(),
        Some(found) => format!(
            "`{}` finds no amount in it; proposed from its header and {extent}",
            found.profile.name
        ),
        None => format!("no profile fits; proposed from its header and {extent}"),
    }
}

/// Returns the next command, ready to be pasted.
fn next(
    exports: &[PathBuf],
    written: &str,
    (questions, without_sale): (&[&str], &[String]),
    is_theirs: bool,
) -> String {
    let config = if written == CONFIG_FILE {
        String::new()
    } else {
        format!(" --config {}", shell_word(written))
    };
    let paths: Vec<_> = exports
        .iter()
        .map(|path| shell_word(&path.to_string_lossy()).into_owned())
        .collect();
    let plan = if is_theirs {
        format!("`fprecon audit{config} --commissions {}`", paths.join(" "))
    } else {
        format!("`fprecon plan{config} {}`", paths.join(" "))
    };
    match questions.len() {
        0 if !without_sale.is_empty() => {
            format!("set in it which rows are sales, then {plan}")
        }
        0 => plan,
        n => format!(
            "answer {} in it (TO FILL IN), then {plan}",
            count(n as u64, "question")
        ),
    }
}
