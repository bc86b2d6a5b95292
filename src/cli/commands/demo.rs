//! `fprecon demo`: runs the main job without any set-up.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::delivery::{RunDelivery, finish};
use super::destination::Destination;
use super::report_place::{file_of_somebody, is_file_of_run};
use super::who::who;
use crate::cli::arguments::{Common, DemoArguments, RedactArgument};
use crate::cli::ended::Ended;
use crate::cli::error::CliError;
use crate::cli::exports::{self, Choice, ExportPlanner};
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables;
use crate::cli::terminal::Terminal;
use crate::export::Export;
use crate::invisible::shown;
use crate::job::PlanContext;
use crate::journal::{Journal, RunCommand};
use crate::object_storage::Address;
use crate::output_folder::OutputFolder;
use crate::private;
use crate::problem::{Problem, ProblemCode};
use crate::record::{NewJob, record};
use crate::report::{Commands, ReportId, remove_report};

/// The sample exports, which are part of the program.
const SAMPLES: [(&str, &str); 2] = [
    (
        "samples/stripe-payments.csv",
        include_str!("../../../samples/stripe-payments.csv"),
    ),
    (
        "samples/own-events.csv",
        include_str!("../../../samples/own-events.csv"),
    ),
];

/// The file name of the demo's journal.
const JOURNAL: &str = "demo.journal";

pub(in crate::cli) fn demo(
    common: &Common,
    arguments: &DemoArguments,
    terminal: &Terminal,
) -> Result<Ended, CliError> {
    let settings = EffectiveSettings::defaults(arguments.dir.join(JOURNAL))?;
    start_afresh(&arguments.dir, &settings.journal)?;
    let choice = Choice::load(common, &settings)?;
    let samples = SAMPLES
        .iter()
        .map(|(name, text)| Export::from_bytes(name, text.as_bytes()));
    let planner = ExportPlanner::new(&choice, &settings, terminal, None)?;
    let now = Timestamp::now();
    let target = Destination::sandbox(&settings)?;
    let mut journal = Journal::open(&settings.journal, target.account(), "demo", now)?;
    let history = |wanted: &dyn Fn() -> _| Ok(journal.known_for(wanted)?);
    let context = PlanContext {
        source_rows: exports::source_rows()?,
        ..PlanContext::new(now)
    };
    let (mut job, known) = planner.plan(samples, context, history)?;
    terminal.note("A demonstration: made-up exports, sent to the built-in sandbox.");
    terminal.note("");
    terminal.problems(job.problems.kept(), 0);
    terminal.human(&tables::reading(&job.reading, terminal.width()));
    let run = record(
        &mut journal,
        &NewJob {
            command: RunCommand::Demo,
            started: Timestamp::now(),
            by: &who(),
        },
        &mut job,
        &known,
    )?;
    let journal_path = settings.journal.display().to_string();
    let options = [("--sandbox", String::new()), ("--journal", journal_path)];
    let commands = Commands::new(&options, &[]);
    let delivery = RunDelivery {
        destination: &target,
        settings: &settings,
        directory: Some(arguments.dir.clone()),
        redact: RedactArgument::default(),
        repeat_unconfirmed: false,
        first: None,
        commands: &commands,
        terminal,
    };
    let (_, delivered) = delivery.run(journal, run)?;
    terminal.human(&format!(
        "\nIn {}, every event with its answer is in tracked.csv and\n\
         non_referral.csv, and every row that is not an event in ignored.csv.\n\
         With an export of your own:\n\
         \x20 fprecon plan unified_payments.csv\n\
         \x20 fprecon run unified_payments.csv --sandbox",
        shown(&arguments.dir.display().to_string())
    ));
    finish(delivered, terminal)
}

/// Removes the journal and the report of an earlier demonstration.
fn start_afresh(directory: &Path, journal: &Path) -> Result<(), CliError> {
    let unusable = |message: String| {
        CliError::unusable(
            Problem::error(ProblemCode::DemoDirectory, message)
                .at(directory.display().to_string(), None)
                .hint("set another one with `--dir`"),
        )
    };
    let failed = |error: io::Error| unusable(format!("the folder can't be used: {error}"));
    if Address::from_path(directory).is_some() {
        return Err(unusable("a journal can't be in object storage".to_owned()));
    }
    match ReportId::found_in(directory) {
        Some(_) if !journal.exists() => {
            return Err(unusable("the folder has the report of a run".to_owned()));
        }
        Some(earlier) => {
            remove_report(directory, &earlier).map_err(failed)?;
        }
        None => {}
    }
    let folder = OutputFolder::look_at(directory, &[]).map_err(failed)?;
    if let Some(name) = file_of_somebody(&folder, &is_file_of_run) {
        let message = format!("the report would overwrite {name}, which is not of a report");
        return Err(unusable(message));
    }
    private::make_directory(directory).map_err(failed)?;
    let journal_files = ["", "-wal", "-shm", ".lock", ".commits"].map(|suffix| {
        let mut path = journal.as_os_str().to_owned();
        path.push(suffix);
        PathBuf::from(path)
    });
    for path in journal_files {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    Ok(())
}
