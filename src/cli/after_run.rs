//! What happens when a run has ended, whatever its exit code: metrics are written, and somebody is notified.
//!
//! A failure here is a warning. It changes neither what was recorded nor the exit code.

use std::path::Path;
use std::time::Instant;

use jiff::Timestamp;

use super::arguments::Arguments;
use super::child::{Program, failure};
use super::ended::Ended;
use super::error::Exit;
use super::settings::{AfterRunSettings, NotifySettings, NotifyWhen, VARIABLE_PREFIX};
use super::terminal::Terminal;
use crate::journal::host;
use crate::notify::{Metrics, Notice, NoticeParts, hide_secrets_of_urls, write_metrics};
use crate::problem::{Problem, ProblemCode};
use crate::report::Redactor;

/// The ends of our variables that the command of `[notify]` does not get: they are secrets.
const SECRETS: [&str; 2] = ["API_KEY", "NOTIFY_URL"];
/// The bytes that are read of what that command prints.
const OUTPUT_BYTES: u64 = 64 * 1024;

/// What is to happen when a run, resume or retry has ended.
pub(super) struct AfterRun {
    settings: AfterRunSettings,
    command: &'static str,
    started: Instant,
}

impl AfterRun {
    /// Reads the settings before the command begins; `None` for a command that sends nothing to an account.
    pub(super) fn from_arguments(arguments: &Arguments) -> Option<Self> {
        let started = Instant::now();
        let pace = arguments.command.pace()?;
        Some(AfterRun {
            settings: AfterRunSettings::load(&arguments.common, pace),
            command: arguments.command.sender()?,
            started,
        })
    }

    /// Writes the metrics, and notifies. Where a person said no to sending, nothing has happened.
    pub(super) fn report(&self, ended: &Ended, terminal: &Terminal) {
        if ended.is_cancelled {
            return;
        }
        let now = Timestamp::now();
        if let Some(path) = &self.settings.metrics_file {
            let written = write_metrics(path, &self.metrics(ended, now));
            if let Err(error) = written {
                let message = format!(
                    "the metrics are not written: {}: {}",
                    error.doing, error.source
                );
                let problem = Problem::warning(ProblemCode::MetricsNotWritten, message)
                    .at(path.display().to_string(), None);
                terminal.say_problem(&problem.hint(
                    "nothing else is affected; set `--metrics-file`, or `file` under `[metrics]`, to a file in a folder that exists and that you may write to",
                ));
            }
        }
        let Some(notify) = &self.settings.notify else {
            return;
        };
        if ended.exit == Exit::Done && notify.when == NotifyWhen::Attention {
            return;
        }
        let notice = self.notice(ended, now);
        self.post(notify, &notice, terminal);
        run_command(notify, &notice, terminal);
    }

    fn journal(&self) -> String {
        let journal = &self.settings.journal;
        let absolute = std::path::absolute(journal).unwrap_or_else(|_| journal.clone());
        absolute.display().to_string()
    }

    fn metrics<'e>(&self, ended: &'e Ended, now: Timestamp) -> Metrics<'e> {
        Metrics {
            journal: self.journal(),
            command: self.command,
            ended: now,
            elapsed_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            exit_code: ended.exit as u8,
            summary: ended.summary.as_ref(),
        }
    }

    fn notice(&self, ended: &Ended, now: Timestamp) -> Notice {
        let parts = NoticeParts {
            command: self.command,
            host: host(),
            journal: self.journal(),
            ended_at: format!("{now:.0}"),
            elapsed_seconds: self.started.elapsed().as_secs(),
            exit_code: ended.exit as u8,
            verdict: ended.verdict(),
            problems: &ended.problems,
            summary: ended.summary.as_ref(),
        };
        Notice::new(parts, &Redactor::for_messages())
    }

    fn post(&self, notify: &NotifySettings, notice: &Notice, terminal: &Terminal) {
        let Some(webhook) = &notify.webhook else {
            return;
        };
        if let Err(why) = webhook.post(notice, notify.time, self.settings.ca_pem.as_deref()) {
            let message = format!("nobody was notified at `{webhook}`: {why}");
            let problem = Problem::warning(ProblemCode::NotNotified, message);
            terminal.say_problem(&problem.hint(
                "nothing else is affected; check `url` under `[notify]`, and whether this machine reaches that address",
            ));
        }
    }
}

fn secret_variables() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let ours = names.filter(|name| name.starts_with(VARIABLE_PREFIX));
    ours.filter(|name| SECRETS.iter().any(|end| name.ends_with(end)))
        .collect()
}

fn run_command(notify: &NotifySettings, notice: &Notice, terminal: &Terminal) {
    let Some(words) = &notify.command else {
        return;
    };
    let program = Program {
        words,
        input: notice.json().into_bytes(),
        without_variables: &secret_variables(),
        time: notify.time,
        output_bytes: OUTPUT_BYTES,
    };
    let why = match program.run() {
        Ok(finished) => match finished.end {
            Ok(()) => return,
            Err(why) => failure(why, &finished.said),
        },
        Err(why) => why,
    };
    // Its arguments may be secrets, and so may an address that it repeats.
    let name = words
        .first()
        .map(|program| Path::new(program).display())
        .map_or(String::new(), |name| name.to_string());
    let message = format!(
        "the command `{name}` did not notify anybody: {}",
        hide_secrets_of_urls(&why)
    );
    let problem = Problem::warning(ProblemCode::NotNotified, message);
    terminal.say_problem(&problem.hint(
        "nothing else is affected; run `command` of `[notify]` yourself: it has to read the summary on standard input, and to end with exit code 0",
    ));
}
