//! `fprecon doctor`: checks everything that a run needs, and sends no event.

mod after_run;
mod api;
mod books;
mod clock;
mod places;
mod refusals;
mod settings;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::next;
use crate::cli::arguments::Common;
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables::count;
use crate::cli::terminal::Terminal;
use crate::invisible::shown;
use crate::problem::{Problem, Severity};
use crate::report::{Commands, SCHEMA};

pub(super) use refusals::{RunRefusal, refusals_of_run};
pub(super) use settings::rate_warning;

/// What is checked, in the order in which it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Check {
    Configuration,
    Key,
    Limits,
    Folders,
    Journal,
    Api,
    Notification,
    Clock,
}

impl Check {
    fn as_str(self) -> &'static str {
        match self {
            Check::Configuration => "configuration",
            Check::Key => "key",
            Check::Limits => "limits",
            Check::Folders => "folders",
            Check::Journal => "journal",
            Check::Api => "api",
            Check::Notification => "notification",
            Check::Clock => "clock",
        }
    }
}

/// What a check has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum CheckState {
    Ok,
    /// A run is possible, and a person should know.
    Warning,
    /// A run would refuse, or could not do its work.
    Failed,
    /// It could not be checked, since something else failed.
    NotChecked,
}

impl CheckState {
    fn as_str(self) -> &'static str {
        match self {
            CheckState::Ok => "ok",
            CheckState::Warning => "warning",
            CheckState::Failed => "failed",
            CheckState::NotChecked => "not checked",
        }
    }

    fn style(self) -> Style {
        let color = match self {
            CheckState::Ok => return Style::new(),
            CheckState::Warning | CheckState::NotChecked => AnsiColor::Yellow,
            CheckState::Failed => AnsiColor::Red,
        };
        Style::new().bold().fg_color(Some(color.into()))
    }
}

/// One line of the result.
#[derive(Clone, Debug, Serialize)]
struct CheckResult {
    check: Check,
    state: CheckState,
    message: String,
    hint: Option<String>,
}

/// Collects what the checks find.
struct Findings {
    commands: Commands,
    results: Vec<CheckResult>,
}

impl Findings {
    fn add(&mut self, check: Check, state: CheckState, message: impl Into<String>) {
        self.results.push(CheckResult {
            check,
            state,
            message: message.into(),
            hint: None,
        });
    }

    /// Adds a line with what to do.
    fn add_with_hint(
        &mut self,
        check: Check,
        state: CheckState,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(check, state, message);
        if let Some(last) = self.results.last_mut() {
            last.hint = Some(hint.into());
        }
    }

    /// Adds a problem in the words that other commands have for it.
    fn problem(&mut self, check: Check, mut problem: Problem) {
        self.commands.complete(&mut problem);
        let place = match (&problem.file, problem.line) {
            (Some(file), Some(line)) => format!("{file}:{line}: "),
            (Some(file), None) => format!("{file}: "),
            (None, _) => String::new(),
        };
        let cell = match (&problem.column, &problem.value) {
            (Some(column), Some(value)) => format!(" (`{column}`: `{value}`)"),
            _ => String::new(),
        };
        self.results.push(CheckResult {
            check,
            state: match problem.severity {
                Severity::Error => CheckState::Failed,
                Severity::Warning => CheckState::Warning,
            },
            message: format!("{place}{}{cell}", problem.message),
            hint: problem.hint,
        });
    }

    /// Adds the problems of an error.
    fn error(&mut self, check: Check, error: &CliError) {
        for problem in error.problems() {
            self.problem(check, problem);
        }
    }

    fn has_failed(&self, check: Check) -> bool {
        let mut own = self.results.iter().filter(|result| result.check == check);
        own.any(|result| result.state == CheckState::Failed)
    }

    fn count(&self, state: CheckState) -> u64 {
        let of_state = self.results.iter().filter(|result| result.state == state);
        of_state.count() as u64
    }

    fn exit(&self) -> Exit {
        match (
            self.count(CheckState::Failed),
            self.count(CheckState::Warning),
        ) {
            (0, 0) => Exit::Done,
            (0, _) => Exit::Attention,
            _ => Exit::Unusable,
        }
    }
}

/// The object that `doctor --json` prints.
#[derive(Serialize)]
struct DoctorOutput<'f> {
    schema: u32,
    checks: &'f [CheckResult],
    exit_code: u8,
}

pub(in crate::cli) fn doctor(common: &Common, terminal: &Terminal) -> Result<Exit, CliError> {
    let mut findings = Findings {
        commands: next::commands_of_call(common),
        results: Vec::new(),
    };
    match EffectiveSettings::load(common, None) {
        Ok(effective) => {
            findings.commands = next::commands(common, &effective);
            check_all(common, &effective, terminal, &mut findings);
        }
        Err(error) => {
            findings.error(Check::Configuration, &error);
            let rest = [
                Check::Key,
                Check::Limits,
                Check::Folders,
                Check::Journal,
                Check::Api,
                Check::Notification,
            ];
            for check in rest {
                let why = "the configuration cannot be read";
                findings.add(check, CheckState::NotChecked, why);
            }
            clock::check(None, None, &mut findings);
        }
    }
    let exit = findings.exit();
    if terminal.is_json() {
        terminal.write_json(&DoctorOutput {
            schema: SCHEMA,
            checks: &findings.results,
            exit_code: exit as u8,
        })?;
    } else {
        show(&findings, terminal);
    }
    Ok(exit)
}

fn check_all(
    common: &Common,
    effective: &EffectiveSettings,
    terminal: &Terminal,
    findings: &mut Findings,
) {
    settings::check(common, effective, terminal, findings);
    let key = if common.sandbox {
        findings.add(
            Check::Key,
            CheckState::Ok,
            "the built-in sandbox takes any key",
        );
        None
    } else {
        settings::check_key(effective, findings)
    };
    settings::check_limits(common, effective, findings);
    places::check(effective, findings);
    let last_run = books::check(common, effective, findings);
    let probe = if common.sandbox {
        let message = "the built-in sandbox is part of this program: there is nothing to reach";
        findings.add(Check::Api, CheckState::Ok, message);
        None
    } else {
        api::check(effective, key.as_ref(), findings)
    };
    after_run::check(common, effective, findings);
    clock::check(last_run, probe.and_then(|probe| probe.times), findings);
}

/// Writes a line for each result, and the verdict.
fn show(findings: &Findings, terminal: &Terminal) {
    let mut lines = Vec::new();
    for result in &findings.results {
        let style = result.state.style();
        let state = format!("{style}{:<12}{style:#}", result.state.as_str());
        let check = result.check.as_str();
        lines.push(format!("{state}{check:<14}{}", shown(&result.message)));
        if let Some(hint) = &result.hint {
            let mut hint = hint.split(Problem::HINT_LINE);
            let first = hint.next().unwrap_or_default();
            lines.push(format!("{:26}hint: {}", "", shown(first)));
            lines.extend(hint.map(|line| format!("{:30}{}", "", shown(line))));
        }
    }
    lines.push(format!("\n{}", verdict(findings)));
    terminal.human(&lines.join("\n"));
    if findings.exit() != Exit::Done {
        let first = findings
            .results
            .iter()
            .find(|result| match findings.exit() {
                Exit::Attention => result.state == CheckState::Warning,
                _ => result.state == CheckState::Failed,
            })
            .map_or(String::new(), |first| {
                format!(" {}: {}", first.check.as_str(), first.message)
            });
        let doctor = findings.commands.command("doctor");
        terminal.say_if_quiet(&format!("{}{first}; next: {doctor}", verdict(findings)));
    }
}

fn verdict(findings: &Findings) -> String {
    let (failed, warnings) = (
        findings.count(CheckState::Failed),
        findings.count(CheckState::Warning),
    );
    let warned = match warnings {
        0 => String::new(),
        n => format!(" {}.", count(n, "warning")),
    };
    match failed {
        0 if warnings == 0 => {
            "Nothing was found that would stop a run. No event was sent.".to_owned()
        }
        0 => format!("Nothing was found that would stop a run.{warned} No event was sent."),
        n => format!(
            "A run would fail: {}.{warned} No event was sent.",
            count(n, "problem")
        ),
    }
}
