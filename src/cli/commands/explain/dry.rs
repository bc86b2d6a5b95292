//! Reads an export as `plan` would, to explain one of its rows. Nothing is sent or written.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use crate::classify::{MatchedRule, RowOutcome};
use crate::cli::arguments::Common;
use crate::cli::error::CliError;
use crate::cli::exports::{self, Choice, ExportPlanner};
use crate::cli::settings::EffectiveSettings;
use crate::cli::terminal::Terminal;
use crate::job::{Job, PlanContext};
use crate::journal::{JournalHistory, JournalReader};
use crate::problem::Problem;
use crate::report::Commands;
use crate::report::life::{LifeEvent, RowCell, row_cells};

/// The rules and the result of a row, as the export and the configuration are now.
#[derive(Serialize)]
pub(super) struct DryReading {
    /// The profile that reads the export.
    pub(super) profile: String,
    /// The title of the profile, and why it is this one.
    pub(super) recognised: String,
    /// `events`, `ignored` or `rejected`.
    pub(super) result: &'static str,
    /// The reason for ignoring or rejecting the row.
    pub(super) reason: Option<String>,
    /// The rules of the profile that the row matches.
    pub(super) rules: Vec<MatchedRule>,
    /// The events that the row gives, with what a run would decide about them.
    pub(super) events: Vec<DryEvent>,
    /// What a run would report about the row.
    pub(super) problems: Vec<Problem>,
    #[serde(skip)]
    pub(super) cells: Vec<RowCell>,
}

/// An event of a row, and what a run would decide about it.
#[derive(Serialize)]
pub(super) struct DryEvent {
    #[serde(flatten)]
    pub(super) event: LifeEvent,
    /// `to_send`, `settled`, `duplicate`, `conflict` or `unlinked`.
    pub(super) plan_state: &'static str,
}

/// An export that was read, and what it has on a line.
pub(super) struct DryExport {
    /// The path, with the member of an archive.
    pub(super) path: String,
    pub(super) sha256: String,
    pub(super) profile: String,
    /// The row; or the line of the nearest row above it, if there is one.
    pub(super) row: Result<DryReading, Option<u64>>,
}

/// Everything that reading an export takes.
#[derive(Clone, Copy)]
pub(super) struct DryReader<'r> {
    pub(super) common: &'r Common,
    pub(super) settings: &'r EffectiveSettings,
    pub(super) terminal: &'r Terminal,
    pub(super) commands: &'r Commands,
}

/// Returns the file of the disk that a path names: itself, or the archive that it is a member of.
pub(super) fn file_of(path: &str) -> Option<PathBuf> {
    let mut ancestors = Path::new(path).ancestors();
    ancestors.find(|path| path.is_file()).map(Path::to_path_buf)
}

impl DryReader<'_> {
    /// Reads all exports of a file. `profile` is the one that reads those for which the user named none;
    /// without it, each is recognised.
    pub(super) fn read(
        &self,
        file: &Path,
        line: u64,
        profile: Option<&str>,
    ) -> Result<Vec<DryExport>, CliError> {
        let settings = self.settings;
        let choice = Choice::load(self.common, settings)?;
        let choice = match profile {
            Some(profile) => choice.or_named(profile),
            None => choice,
        };
        let exports = exports::open_for(&choice, &[file.to_owned()], (self.common, self.settings))?;
        let planner = ExportPlanner::new(&choice, settings, self.terminal, None)?;
        let history = |wanted: &dyn Fn() -> _| match JournalReader::open(&settings.journal)? {
            Some(journal) => Ok(journal.known_for(wanted)?),
            None => Ok(JournalHistory::default()),
        };
        let now = Timestamp::now();
        let planner = planner.tracing(line);
        let (mut job, _) = planner.plan(exports, PlanContext::new(now), history)?;
        job.problems.edit(|problem| self.commands.complete(problem));
        let inputs = 0..job.inputs.len();
        Ok(inputs.map(|input| dry_export(&job, input, line)).collect())
    }
}

fn dry_export(job: &Job, input: usize, line: u64) -> DryExport {
    let export = &job.inputs[input];
    DryExport {
        path: export.path.clone(),
        sha256: export.sha256.clone(),
        profile: export.profile.clone(),
        row: dry_reading(job, input, line),
    }
}

fn dry_reading(job: &Job, input: usize, line: u64) -> Result<DryReading, Option<u64>> {
    let (export, trace) = (&job.inputs[input], &job.traces[input]);
    let Some(row) = &trace.row else {
        return Err(trace.nearest_line);
    };
    let (result, reason) = match &row.outcome {
        RowOutcome::Events => ("events", None),
        RowOutcome::Ignored(reason) => ("ignored", Some(reason.clone())),
        RowOutcome::Rejected(problem) => ("rejected", Some(problem.message.clone())),
    };
    let planned = job.plan.events().filter(|planned| {
        let source = planned.event.source;
        source.input == input && source.line == line
    });
    let events = planned.map(|planned| DryEvent {
        event: LifeEvent::new(&planned.event.to_event()),
        plan_state: planned.state.as_str(),
    });
    let is_of_row = |problem: &&Problem| {
        problem.line == Some(line) && problem.file.as_deref() == Some(&*export.path)
    };
    let recognised = &export.recognised;
    Ok(DryReading {
        profile: export.profile.clone(),
        recognised: format!("{}: {}", recognised.title, recognised.why),
        result,
        reason,
        rules: row.rules.clone(),
        events: events.collect(),
        problems: job
            .problems
            .kept()
            .iter()
            .filter(is_of_row)
            .cloned()
            .collect(),
        cells: row_cells(&export.header, &row.cells),
    })
}
