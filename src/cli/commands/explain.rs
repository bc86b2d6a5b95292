//! `fprecon explain`: shows the life of one row or event.
//!
//! It only reads. What runs recorded comes from the journal; the rules of the profile come from the export, if it
//! is still there. An export that no run has read is read as `plan` would read it.

mod dry;
mod find;
mod text;

use jiff::Timestamp;
use serde::Serialize;

use self::dry::{DryExport, DryReader, DryReading, file_of};
use self::find::{FoundFile, FoundInput, by_content, by_path};
use super::next;
use super::running::Running;
use crate::cli::arguments::{Common, ExplainArguments};
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::EffectiveSettings;
use crate::cli::terminal::Terminal;
use crate::event::Currency;
use crate::journal::JournalReader;
use crate::problem::{Problem, ProblemCode};
use crate::report::SCHEMA;
use crate::report::life::{EventLife, HeldLife, LifeReader, RowCell, RowInRun, RowLife};
use crate::shell_word::shell_word;

/// The greatest number of paths that an error names.
const PATHS_NAMED: usize = 10;

/// The object that `explain --json` prints.
#[derive(Serialize)]
struct ExplainOutput {
    schema: u32,
    journal: String,
    /// `true` if some run has recorded the row or the event.
    is_recorded: bool,
    /// The row; null for an event.
    row: Option<RowOutput>,
    /// The events with the id, or those of the row.
    events: Vec<EventLife>,
    /// The times when runs held an event with the id; those of a row are in its runs.
    held: Vec<HeldLife>,
    #[serde(skip)]
    account_currency: Currency,
}

#[derive(Serialize)]
struct RowOutput {
    file: String,
    line: u64,
    /// What the export is now: see [`FileState`].
    export: FileState,
    /// The cells of the row, each with its column; empty ones are left out.
    cells: Vec<RowCell>,
    /// The runs that read the row, the first one first.
    runs: Vec<RowInRun>,
    /// The runs that read other bytes under the same path, the latest first.
    runs_of_other_bytes: Vec<String>,
    /// The rules and the result, as the export and the configuration are now; null if it can't be read.
    reading: Option<DryReading>,
}

/// Says what the export is now, compared with what the runs read.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum FileState {
    /// No run has read these bytes.
    NotRun,
    /// It has the bytes that the runs read.
    Same,
    /// It has other bytes than the run read.
    Changed,
    /// It is not there, or can't be read.
    Missing,
}

/// A row, as the user names it.
struct RowName<'a> {
    file: &'a str,
    line: u64,
}

/// Splits `FILE:LINE`.
fn row_name(what: &str) -> Option<RowName<'_>> {
    let (file, line) = what.rsplit_once(':')?;
    let line = line.parse().ok().filter(|line| *line > 0)?;
    (!file.is_empty()).then_some(RowName { file, line })
}

pub(in crate::cli) fn explain(
    common: &Common,
    arguments: &ExplainArguments,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let settings = EffectiveSettings::load(common, None)?;
    let commands = next::commands(common, &settings);
    let journal = JournalReader::open(&settings.journal)?;
    let lives = match &journal {
        Some(journal) => {
            let running = Running::find(journal, Timestamp::now())?;
            let is_sent = |run| running.as_ref().is_some_and(|running| running.sends(run));
            Some(LifeReader::load(journal, &commands)?.while_sending(is_sent))
        }
        None => None,
    };
    let reader = DryReader {
        common,
        settings: &settings,
        terminal,
        commands: &commands,
    };
    let explainer = Explainer {
        lives,
        reader,
        run: arguments.run.as_deref(),
    };
    let output = explainer.explain(&arguments.what)?;
    if terminal.is_json() {
        terminal.write_json(&output)?;
    } else {
        terminal.human(&text::whole(&output, &arguments.what));
    }
    Ok(Exit::Done)
}

struct Explainer<'e> {
    /// What the journal knows; `None` if there is no journal.
    lives: Option<LifeReader<'e>>,
    reader: DryReader<'e>,
    run: Option<&'e str>,
}

/// What the journal has of the export of a row.
struct Recorded<'r> {
    /// The readings of the bytes that are explained, the first one first.
    readings: Vec<FoundInput<'r>>,
    /// The names of the runs that read other bytes under the same path, the latest first.
    others: Vec<String>,
}

impl Explainer<'_> {
    fn explain(&self, what: &str) -> Result<ExplainOutput, CliError> {
        // An id may end with a colon and digits, too.
        if let Some(output) = self.event(what)? {
            return Ok(output);
        }
        match row_name(what) {
            Some(row) => self.row(&row),
            None if self.lives.is_none() => {
                Err(CliError::no_journal(&self.reader.settings.journal))
            }
            None => Err(self.unknown_event(what)),
        }
    }

    /// Explains the events with an id, or returns `None` if there are none.
    fn event(&self, id: &str) -> Result<Option<ExplainOutput>, CliError> {
        let Some(lives) = &self.lives else {
            return Ok(None);
        };
        let rows = lives.events_with_id(id)?;
        let events = lives.events(&rows, std::iter::empty())?;
        let held = if events.is_empty() {
            lives.held_with_id(id)?
        } else {
            Vec::new()
        };
        let is_recorded = !events.is_empty() || !held.is_empty();
        Ok(is_recorded.then(|| self.output(None, events, held)))
    }

    fn output(
        &self,
        row: Option<RowOutput>,
        events: Vec<EventLife>,
        held: Vec<HeldLife>,
    ) -> ExplainOutput {
        let is_row_recorded = row.as_ref().is_some_and(|row| !row.runs.is_empty());
        ExplainOutput {
            schema: SCHEMA,
            journal: self.reader.settings.journal.display().to_string(),
            is_recorded: is_row_recorded || !events.is_empty() || !held.is_empty(),
            row,
            events,
            held,
            account_currency: self.reader.settings.api.account_currency,
        }
    }

    fn row(&self, row: &RowName<'_>) -> Result<ExplainOutput, CliError> {
        let dry = self.dry(row);
        let export = match &dry {
            Ok(export) => export.as_ref(),
            // What a run recorded can be explained without the export.
            Err(_) => None,
        };
        let found = self.recorded(row, export)?;
        let is_same = |export: &DryExport| {
            let readings = found.readings.iter();
            readings
                .map(FoundInput::sha256)
                .all(|sha256| sha256 == export.sha256)
        };
        let (state, reading) = match (found.readings.is_empty(), dry) {
            (true, Err(error)) => return Err(error),
            (true, Ok(None)) => return Err(self.unknown_file(row)),
            (true, Ok(Some(export))) => {
                let reading = export
                    .row
                    .map_err(|nearest| no_row(row, nearest, found.others.first()))?;
                (FileState::NotRun, Some(reading))
            }
            (false, Ok(Some(export))) if is_same(&export) => {
                let export = self.as_it_was_read(row, export, &found)?;
                let reading = export.row.map_err(|nearest| no_row(row, nearest, None))?;
                (FileState::Same, Some(reading))
            }
            (false, Ok(Some(_))) => (FileState::Changed, None),
            (false, Ok(None) | Err(_)) => (FileState::Missing, None),
        };
        let life = self.row_life(row, &found)?;
        if reading.is_none() && life.runs.iter().all(|run| run.result.is_none()) {
            return Err(self.nothing_of_row(row, &found));
        }
        let of_reading = reading.iter().flat_map(|reading| &reading.events);
        let ids = of_reading.map(|event| event.event.event_id.as_str());
        let events = match &self.lives {
            Some(lives) => lives.events(&life.events, ids)?,
            None => Vec::new(),
        };
        let cells = match &reading {
            Some(reading) => reading.cells.clone(),
            None => life.cells,
        };
        let row = RowOutput {
            file: row.file.to_owned(),
            line: row.line,
            export: state,
            cells,
            runs: life.runs,
            runs_of_other_bytes: found.others,
            reading,
        };
        Ok(self.output(Some(row), events, Vec::new()))
    }

    fn row_life(&self, row: &RowName<'_>, found: &Recorded<'_>) -> Result<RowLife, CliError> {
        let Some(lives) = &self.lives else {
            return Ok(RowLife::default());
        };
        let readings = found.readings.iter();
        let places: Vec<_> = readings.map(|reading| reading.row(row.line)).collect();
        Ok(lives.row(&places)?)
    }

    /// Reads the export, if it is there.
    fn dry(&self, row: &RowName<'_>) -> Result<Option<DryExport>, CliError> {
        let Some(file) = file_of(row.file) else {
            return Ok(None);
        };
        let mut exports = self.reader.read(&file, row.line, None)?;
        if exports.len() == 1 && file.as_os_str() == row.file {
            return Ok(exports.pop());
        }
        let names: Vec<String> = exports.iter().map(|export| export.path.clone()).collect();
        match exports.into_iter().find(|export| export.path == row.file) {
            Some(export) => Ok(Some(export)),
            None if file.as_os_str() == row.file => Err(several(row, &names)),
            None => Ok(None),
        }
    }

    /// Reads an export once more by the profile that the last run read it by, if another one reads it now.
    fn as_it_was_read(
        &self,
        row: &RowName<'_>,
        export: DryExport,
        found: &Recorded<'_>,
    ) -> Result<DryExport, CliError> {
        let before = found.readings.last().map(FoundInput::profile);
        let Some(profile) = before.filter(|profile| *profile != export.profile) else {
            return Ok(export);
        };
        let Some(file) = file_of(row.file) else {
            return Ok(export);
        };
        // A profile that the configuration does not have any more can't explain anything.
        let mut again = self
            .reader
            .read(&file, row.line, Some(profile))
            .unwrap_or_default()
            .into_iter();
        Ok(again.find(|own| own.path == export.path).unwrap_or(export))
    }

    /// Finds the runs that read the export.
    fn recorded(
        &self,
        row: &RowName<'_>,
        export: Option<&DryExport>,
    ) -> Result<Recorded<'_>, CliError> {
        let runs = self.lives.as_ref().map_or(&[][..], LifeReader::runs);
        let mut readings = match by_path(runs, row.file) {
            FoundFile::One(readings) => readings,
            FoundFile::Several(paths) if export.is_none() => return Err(several(row, &paths)),
            FoundFile::Several(_) => Vec::new(),
        };
        if let Some(name) = self.run {
            readings.retain(|reading| reading.run.name == name);
            if readings.is_empty() {
                return Err(self.not_in_run(row, name));
            }
        }
        let wanted = match (export, self.run) {
            (Some(export), None) => Some(export.sha256.clone()),
            _ => readings.first().map(|latest| latest.sha256().to_owned()),
        };
        let (mut own, others): (Vec<_>, Vec<_>) = readings
            .into_iter()
            .partition(|reading| Some(reading.sha256()) == wanted.as_deref());
        if let (true, Some(export)) = (own.is_empty(), export) {
            own = by_content(runs, &export.sha256);
        }
        own.reverse();
        let mut names: Vec<String> = others.iter().map(|other| other.run.name.clone()).collect();
        names.dedup();
        Ok(Recorded {
            readings: own,
            others: names,
        })
    }

    fn unknown_event(&self, id: &str) -> CliError {
        let message = format!("the journal has no event `{id}`");
        let export = self.reader.commands.command("journal export");
        CliError::unusable(Problem::error(ProblemCode::ExplainUnknown, message).hint(format!(
            "copy the id from a report, or give a row as FILE:LINE, such as `payments.csv:12`; `{export}` lists all events"
        )))
    }

    fn unknown_file(&self, row: &RowName<'_>) -> CliError {
        let message = match self.lives {
            Some(_) => "there is no such file, and no run of the journal has read one of this name",
            None => "there is no such file, and no journal",
        };
        let status = self.reader.commands.command("status --json");
        CliError::unusable(at(row, message).hint(format!(
            "check the path; `{status}` lists the last runs, and `--journal FILE` names another journal"
        )))
    }

    fn not_in_run(&self, row: &RowName<'_>, run: &str) -> CliError {
        let message = format!("run `{run}` has not read this export");
        let status = self.reader.commands.command("status");
        let hint = format!("`{status}` lists the last runs; or leave out `--run`");
        CliError::unusable(at(row, &message).hint(hint))
    }

    /// Returns the error that a run read the export and that nothing says what it made of the row.
    fn nothing_of_row(&self, row: &RowName<'_>, found: &Recorded<'_>) -> CliError {
        let run = found
            .readings
            .last()
            .map_or("", |reading| &reading.run.name);
        let message = format!(
            "run `{run}` read this export, and the journal has nothing of this line: no row starts on it, or an earlier run had settled its events"
        );
        CliError::unusable(at(row, &message).hint(
            "put the export back where it was and call this again, or give the id of the event instead",
        ))
    }
}

fn at(row: &RowName<'_>, message: &str) -> Problem {
    Problem::error(ProblemCode::ExplainUnknown, message).at(row.file, Some(row.line))
}

/// Returns the error that no row starts on the line. `nearest` is the line of the row above, `other` the last run
/// that read other bytes under this name.
fn no_row(row: &RowName<'_>, nearest: Option<u64>, other: Option<&String>) -> CliError {
    let mut hint = match nearest {
        Some(line) => {
            format!("the nearest row above starts on line {line}: a cell may have line breaks")
        }
        None => "the rows start below the header".to_owned(),
    };
    if let Some(run) = other {
        hint.push_str(&format!(
            "; run {run} read other content under this name: `--run {run}` explains that"
        ));
    }
    CliError::unusable(at(row, "no row of this export starts on this line").hint(hint))
}

/// Returns the error that a name is that of several exports.
fn several(row: &RowName<'_>, paths: &[String]) -> CliError {
    let named: Vec<String> = paths
        .iter()
        .take(PATHS_NAMED)
        .map(|path| format!("`{}`", shell_word(&format!("{path}:{}", row.line))))
        .collect();
    let more = match paths.len().saturating_sub(PATHS_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = "this is the name of several exports";
    let problem =
        Problem::error(ProblemCode::ExplainAmbiguous, message).at(row.file, Some(row.line));
    CliError::unusable(problem.hint(format!("give one of {}{more}", named.join(", "))))
}
