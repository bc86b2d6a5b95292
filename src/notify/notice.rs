//! What a notification says of a run.

use serde::Serialize;
use serde_json::{Value, json};

use crate::problem::Problem;
use crate::report::{Redactor, RunSummary, SCHEMA};

/// The number of problems that a notification has in full: it is small, whatever went wrong.
const PROBLEMS_MOST: usize = 20;

/// What a notification says of a run that has ended, or could not begin. Emails and names in it are replaced
/// by tokens.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(super) exit_code: u8,
    command: &'static str,
    host: String,
    verdict: String,
    object: Value,
}

/// The end of a command, of which a notice is made.
#[derive(Clone, Debug)]
pub(crate) struct NoticeParts<'p> {
    /// The command: `run`, `resume` or `retry`.
    pub(crate) command: &'static str,
    /// The name of this machine.
    pub(crate) host: String,
    /// The journal's path.
    pub(crate) journal: String,
    /// The end of the command, in RFC 3339.
    pub(crate) ended_at: String,
    /// The time that the command took, in seconds.
    pub(crate) elapsed_seconds: u64,
    /// The exit code of the program.
    pub(crate) exit_code: u8,
    /// The result in one line.
    pub(crate) verdict: String,
    /// The problems that ended it.
    pub(crate) problems: &'p [Problem],
    /// The figures of its run, if there are any.
    pub(crate) summary: Option<&'p RunSummary>,
}

impl Notice {
    pub(crate) fn new(parts: NoticeParts<'_>, redactor: &Redactor) -> Self {
        let problems: Vec<Problem> = parts
            .problems
            .iter()
            .take(PROBLEMS_MOST)
            .map(|problem| {
                let mut problem = problem.clone();
                redactor.problem(&mut problem);
                problem
            })
            .collect();
        let mut object = json!({
            "schema": SCHEMA,
            "program": "fprecon",
            "version": env!("CARGO_PKG_VERSION"),
            "command": parts.command,
            "host": parts.host,
            "journal": parts.journal,
            "ended_at": parts.ended_at,
            "elapsed_seconds": parts.elapsed_seconds,
            "exit_code": parts.exit_code,
            "verdict": parts.verdict,
            "problems": problems,
        });
        if let Some(summary) = parts.summary {
            add(&mut object, "run", &summary.run);
            add(&mut object, "rows", summary.reading.rows);
            add(&mut object, "outcomes", &summary.outcomes);
            add(&mut object, "attention", &summary.attention);
            add(&mut object, "requests", summary.requests);
            let learned = summary.learned_requests_per_minute;
            add(&mut object, "learned_requests_per_minute", learned);
            add(&mut object, "report_dir", &summary.report_dir);
        }
        redactor.json(&mut object);
        Notice {
            exit_code: parts.exit_code,
            command: parts.command,
            host: parts.host,
            verdict: redactor.text(&parts.verdict).into_owned(),
            object,
        }
    }

    /// Returns the notice as JSON. Its keys are those of `run --json`, as far as that has them.
    pub(crate) fn json(&self) -> String {
        self.object.to_string()
    }

    /// Returns the notice as the body of a message for Slack.
    pub(super) fn slack(&self) -> String {
        // https://docs.slack.dev/messaging/formatting-message-text: only these three are escaped.
        let verdict = self
            .verdict
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let text = format!(
            "fprecon {} on {}: {verdict} (exit code {})",
            self.command, self.host, self.exit_code
        );
        json!({ "text": text }).to_string()
    }
}

/// Adds a key to an object, unless it has no value.
fn add(object: &mut Value, key: &str, value: impl Serialize) {
    match serde_json::to_value(value) {
        Ok(Value::Null) | Err(_) => {}
        Ok(value) => object[key] = value,
    }
}
