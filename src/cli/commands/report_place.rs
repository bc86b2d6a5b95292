//! Decides where a report is written, checks that it doesn't replace an export, and redacts it.

use std::path::{Path, PathBuf};

use super::output_place::named_place;
use crate::cli::arguments::RedactArgument;
use crate::cli::error::CliError;
use crate::cli::settings::{DEFAULT_JOURNAL, EffectiveSettings};
use crate::journal::{JournalReader, RunRecord};
use crate::object_storage::{Address, ObjectError};
use crate::output_folder::OutputFolder;
use crate::problem::{Problem, ProblemCode};
use crate::report::{Formats, IDENTIFYING_FILES, Redactor, ReportId, ReportSource, is_file_of};

/// Refuses a directory in which a file of the report (one with a name for which `is_written` is true) would replace
/// one of `inputs`, or a file that the settings name or come from.
pub(super) fn expect_no_input_in<'p>(
    directory: Option<&Path>,
    is_written: &dyn Fn(&str) -> bool,
    settings: &EffectiveSettings,
    inputs: impl IntoIterator<Item = &'p Path>,
) -> Result<(), CliError> {
    let Some(directory) = directory else {
        return Ok(());
    };
    let mut inputs = inputs
        .into_iter()
        .map(Path::to_owned)
        .chain(settings.own_files());
    let found = match Address::from_path(directory).map(Address::into_folder) {
        Some(folder) => inputs.find(|input| is_replaced(input, &folder, is_written)),
        None => {
            // A directory that does not exist has no exports.
            let Ok(place) = directory.canonicalize() else {
                return Ok(());
            };
            inputs.find(|input| is_overwritten(input, &place, is_written))
        }
    };
    let Some(input) = found else {
        return Ok(());
    };
    let problem = Problem::error(
        ProblemCode::ReportDirectory,
        format!(
            "the report would overwrite {}, which is read",
            input.display()
        ),
    );
    Err(CliError::usage(
        problem
            .setting("--dir", &directory.display().to_string())
            .hint(
                "nothing was sent or written; set another directory with `--dir`, or leave it out",
            ),
    ))
}

/// Returns `true` if the report of a run writes or removes a file of this name.
pub(super) fn is_file_of_run(name: &str) -> bool {
    is_file_of(&Formats::default(), name)
}

/// Returns `true` if a file, or the link to it, has the path of a file of the report.
fn is_overwritten(input: &Path, place: &Path, is_written: &dyn Fn(&str) -> bool) -> bool {
    let paths = [input.canonicalize().ok(), named_place(input)];
    paths.into_iter().flatten().any(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy());
        path.exists()
            && path.parent() == Some(place)
            && name.is_some_and(|name| is_written(&name.to_lowercase()))
    })
}

/// Returns `true` if an input is an object that the report replaces.
fn is_replaced(input: &Path, folder: &Address, is_written: &dyn Fn(&str) -> bool) -> bool {
    let input = Address::from_path(input);
    let key = input.filter(|input| input.with_key("") == folder.with_key(""));
    let name = key.and_then(|input| Some(input.key.strip_prefix(&folder.key)?.to_owned()));
    name.is_some_and(|name| is_written(&name))
}

/// Refuses a directory in object storage that can't be read, before anything is done.
pub(super) fn expect_reachable(directory: Option<&Path>) -> Result<(), CliError> {
    directory.map_or(Ok(()), |directory| look_at(directory).map(drop))
}

/// Looks at a directory that the user sets for a report, with what says which report it has.
fn look_at(directory: &Path) -> Result<OutputFolder, CliError> {
    OutputFolder::look_at(directory, &IDENTIFYING_FILES).map_err(|error| {
        let hint = ObjectError::hint_of(&error).unwrap_or("check the folder for temporary files");
        let message = format!("the folder can't be used: {error}");
        let problem = Problem::error(ProblemCode::ReportDirectory, message)
            .setting("--dir", &directory.display().to_string());
        CliError::unusable(problem.hint(format!("nothing was sent or written; {hint}")))
    })
}

/// Returns the books as the user wants them shown: with emails and names, or without.
pub(super) fn shareable<'j>(
    books: ReportSource<'j>,
    journal: &JournalReader,
    redact: RedactArgument,
) -> Result<ReportSource<'j>, CliError> {
    if !redact.is_wanted {
        return Ok(books);
    }
    Ok(books.redacted(redactor(journal)?))
}

/// Returns the redactor for emails and names, with the journal's key.
pub(super) fn redactor(journal: &JournalReader) -> Result<Redactor, CliError> {
    match journal.redaction_key()? {
        Some(key) => Ok(Redactor::new(&key)),
        None => Err(CliError::unusable(
            Problem::error(ProblemCode::RedactionKey, "this journal was made by an earlier version, and has no key to redact reports with")
                .at(journal.path().display().to_string(), None)
                .hint("`fprecon resume` updates the journal; it sends only events that are not sent yet"),
        )),
    }
}

/// Refuses a directory that the user sets for a report, before anything is sent or written: a file, one that holds the report
/// of another journal, or that holds no report and a file with a name for which `is_written` is true.
pub(super) fn expect_own_or_free(
    directory: Option<&Path>,
    is_written: &dyn Fn(&str) -> bool,
    journal: &JournalReader,
) -> Result<(), CliError> {
    let Some(directory) = directory else {
        return Ok(());
    };
    let own = report_id(journal, "")?;
    let folder = look_at(directory)?;
    let what = match ReportId::found_in(folder.path()) {
        _ if directory.exists() && !directory.is_dir() => "it is not a folder".to_owned(),
        Some(found) if found.may_share_journal(&own) => return Ok(()),
        Some(_) => "the folder has a report of another journal".to_owned(),
        None => match file_of_somebody(&folder, is_written) {
            None => return Ok(()),
            Some(name) => format!(
                "the report would overwrite {}, which is not of a report",
                directory.join(name).display()
            ),
        },
    };
    Err(CliError::usage(
        Problem::error(ProblemCode::ReportDirectory, what)
            .setting("--dir", &directory.display().to_string())
            .hint(
                "nothing was sent or written; set another directory with `--dir`, or leave it out",
            ),
    ))
}

/// Returns the first name of a file that a report would overwrite, in a directory that holds no report.
pub(super) fn file_of_somebody(
    folder: &OutputFolder,
    is_written: &dyn Fn(&str) -> bool,
) -> Option<String> {
    let names = folder.names().into_iter();
    names.filter(|name| is_written(name)).min()
}

fn report_id(journal: &JournalReader, run: &str) -> Result<ReportId, CliError> {
    Ok(ReportId {
        journal: journal.id()?,
        run: run.to_owned(),
    })
}

/// Returns the directory for the report of a run, or of some days, where the user sets none: the one that the
/// run has, else the default one. One that has got another report since is left alone.
pub(super) fn report_directory(
    settings: &EffectiveSettings,
    journal: &JournalReader,
    name: &str,
    run: Option<&RunRecord>,
) -> Result<PathBuf, CliError> {
    if let Some(run) = run
        && let Some(directory) = run.report_dir.as_ref().map(PathBuf::from)
        && !has_later_report(journal, run, &directory)?
    {
        return Ok(directory);
    }
    let own = report_id(journal, name)?;
    let is_free = |directory: &PathBuf| match ReportId::found_in(directory) {
        Some(found) => found.run == own.run && found.may_share_journal(&own),
        None => true,
    };
    Ok(default_place(settings, name, is_free))
}

/// Returns the first free one of `reports/NAME`, `reports/NAME-2` and so on beside the journal.
pub(super) fn default_place(
    settings: &EffectiveSettings,
    name: &str,
    is_free: impl Fn(&PathBuf) -> bool,
) -> PathBuf {
    let first = default_report_directory(settings, name);
    let numbered = (2..).map(|number| first.with_file_name(format!("{name}-{number}")));
    let mut places = std::iter::once(first.clone()).chain(numbered);
    places.find(is_free).unwrap_or(first)
}

/// Returns `true` if a directory has a report that is neither the run's own nor of an earlier run of the
/// journal.
fn has_later_report(
    journal: &JournalReader,
    run: &RunRecord,
    directory: &Path,
) -> Result<bool, CliError> {
    let Some(found) = ReportId::found_in(look_at(directory)?.path()) else {
        return Ok(false);
    };
    if !found.may_share_journal(&report_id(journal, &run.name)?) {
        return Ok(true);
    }
    let of = journal.run_named(&found.run)?;
    Ok(of.is_none_or(|of| of.id > run.id))
}

/// Returns the directory `reports/RUN` beside the journal. Another journal than `fprecon.journal` has a
/// folder of its own, so that two journals in one folder share none.
pub(super) fn default_report_directory(settings: &EffectiveSettings, name: &str) -> PathBuf {
    let beside = settings.journal.parent().unwrap_or(Path::new(""));
    let reports = beside.join("reports");
    match settings.journal.file_name() {
        Some(journal) if journal != DEFAULT_JOURNAL => reports.join(journal).join(name),
        _ => reports.join(name),
    }
}
