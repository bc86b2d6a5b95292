//! The items that need attention, and the commands for them, for the terminal.

use std::collections::BTreeMap;
use std::path::Path;

use anstyle::Style;

use crate::cli::arguments::Common;
use crate::cli::settings::EffectiveSettings;
use crate::journal::AttentionCode;
use crate::problem::{Problem, Severity};
use crate::report::attention::what;
use crate::report::words::amounts_words;
use crate::report::{AcceptedSummary, Attention, Commands, RunSummary};
use crate::tracking::Version;

/// Returns the commands for the journal and the account of this call.
pub(super) fn commands(common: &Common, settings: &EffectiveSettings) -> Commands {
    let is_other = common.sandbox && settings.api.version != Version::V1;
    with_options_of(common, is_other.then(|| settings.api.version.to_string()))
}

/// Returns the commands for the journal and the account of this call, as far as its arguments name
/// them.
pub(in crate::cli) fn commands_of_call(common: &Common) -> Commands {
    with_options_of(common, None)
}

fn with_options_of(common: &Common, api: Option<String>) -> Commands {
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|p| p.display().to_string());
    let mut options: Vec<(&str, String)> = Vec::new();
    if common.sandbox {
        options.push(("--sandbox", String::new()));
    }
    let given = [
        ("--api", api.or_else(|| common.api.clone())),
        ("--config", path(&common.config)),
        (
            "--account",
            common.account.clone().filter(|name| !name.is_empty()),
        ),
        ("--journal", path(&common.journal)),
        ("--base-url", common.base_url.clone()),
        ("--api-key-file", path(&common.api_key_file)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)));
    options.extend(given);
    let mut reading = Vec::new();
    for profile in &common.profile {
        reading.push(("--profile", profile.clone()));
    }
    if let Some(encoding) = common.encoding {
        reading.push(("--encoding", encoding.as_str().to_owned()));
    }
    if let Some(sheet) = &common.sheet {
        reading.push(("--sheet", sheet.clone()));
    }
    Commands::new(&options, &reading)
}

/// Returns three lines for each item: the problem, what to do, and the command; `None` if nothing
/// needs attention.
pub(super) fn steps(attention: &[Attention]) -> Option<String> {
    if attention.is_empty() {
        return None;
    }
    let bold = Style::new().bold();
    let mut lines = vec![format!("{bold}Needs attention{bold:#}")];
    for item in attention {
        lines.push(format!("  {}", item.what()));
        lines.push(format!("    {}", item.advice()));
        lines.push(format!("    {bold}{}{bold:#}", item.command));
    }
    Some(lines.join("\n"))
}

/// Returns the last lines of a run: the result for a person.
pub(super) fn verdict(summary: &RunSummary, commands: &Commands) -> String {
    let mut lines = Vec::new();
    let accepted: u64 = summary.accepted.iter().map(|item| item.count).sum();
    if accepted > 0 {
        lines.push(format!(
            "Accepted: {}. For details see accepted.csv.",
            accepted_in_words(&summary.accepted)
        ));
    }
    match steps(&summary.attention) {
        None if accepted > 0 => lines.push("Nothing else needs attention.".to_owned()),
        None => lines.push("Nothing needs attention.".to_owned()),
        Some(steps) => lines.push(format!("\n{steps}")),
    }
    if let Some(accept) = summary.accept_command(commands) {
        lines.push(
            "  To accept items as they are, remove the other lines from the files, then:"
                .to_owned(),
        );
        lines.push(format!("    {accept}"));
    }
    lines.join("\n")
}

/// Returns what was accepted, at any time and by anybody: `3 events failed, 1 row rejected`.
fn accepted_in_words(accepted: &[AcceptedSummary]) -> String {
    let mut by_code: BTreeMap<AttentionCode, u64> = BTreeMap::new();
    for items in accepted {
        *by_code.entry(items.code).or_default() += items.count;
    }
    let words: Vec<String> = by_code
        .into_iter()
        .map(|(code, items)| what(code, items))
        .collect();
    words.join(", ")
}

/// Returns the warning with which a run ended early in one line, for a run that prints no
/// warnings; `None` for an error, which is always printed.
pub(super) fn line_of_warning(problem: &Problem, summary: &RunSummary) -> Option<String> {
    (problem.severity == Severity::Warning).then(|| line_of_problem(problem, Some(summary)))
}

fn line_of_problem(problem: &Problem, summary: Option<&RunSummary>) -> String {
    let hint = problem.hint.as_deref();
    let next = hint.map_or(String::new(), |hint| format!("; next: {hint}"));
    let report = summary.map_or(String::new(), report_of);
    format!("{}{report}{next}", problem.message)
}

/// Returns what a person has to know of a command that ended, in one line: the problem that ended
/// it, else what needs attention; `None` if neither is there.
pub(in crate::cli) fn verdict_in_one_line(
    summary: Option<&RunSummary>,
    problem: Option<&Problem>,
) -> Option<String> {
    match problem {
        Some(problem) => Some(line_of_problem(problem, summary)),
        None => one_line(summary?),
    }
}

/// Returns the part of a line that names the page of the report.
fn report_of(summary: &RunSummary) -> String {
    let directory = summary.report_dir.as_deref();
    directory.map_or(String::new(), |directory| {
        let page = Path::new(directory).join("report.html");
        format!("; report: {}", page.display())
    })
}

/// Returns the result in one line, for a run that prints nothing else; `None` if nothing needs
/// attention.
pub(super) fn one_line(summary: &RunSummary) -> Option<String> {
    let first = summary.attention.first()?;
    let attention = summary.attention.iter();
    let what =
        attention.map(|item| format!("{}{}", item.what(), amounts_words(&item.amount_cents)));
    Some(format!(
        "needs attention: {}{}; next: {}",
        what.collect::<Vec<_>>().join(", "),
        report_of(summary),
        first.command
    ))
}
