//! Decides where a report is written, checks that it doesn't replace an export, and redacts it.

use std::path::{Path, PathBuf};

use crate::cli::arguments::RedactArgument;
use crate::cli::error::CliError;
use crate::cli::settings::EffectiveSettings;
use crate::journal::JournalReader;
use crate::problem::{Problem, ProblemCode};
use crate::report::{Formats, Redactor, ReportSource, is_file_of};

/// Refuses a directory in which a file of the report would replace one of `inputs`.
pub(super) fn expect_no_input_in<'p>(
    directory: Option<&Path>,
    formats: &Formats,
    inputs: impl IntoIterator<Item = &'p Path>,
) -> Result<(), CliError> {
    let Some(directory) = directory else {
        return Ok(());
    };
    // A directory that does not exist has no exports.
    let Ok(place) = directory.canonicalize() else {
        return Ok(());
    };
    let mut inputs = inputs.into_iter();
    let Some(input) = inputs.find(|input| is_overwritten(input, &place, formats)) else {
        return Ok(());
    };
    let problem = Problem::error(
        ProblemCode::ReportDirectory,
        format!("the report would overwrite the export {}", input.display()),
    );
    Err(CliError::usage(
        problem
            .cell("--dir", &directory.display().to_string())
            .hint(
                "nothing was sent or written; set another directory with `--dir`, or leave it out",
            ),
    ))
}

/// Returns `true` if a file, or the link to it, has the path of a file of the report.
fn is_overwritten(input: &Path, place: &Path, formats: &Formats) -> bool {
    let named = || -> Option<PathBuf> {
        let parent = match input.parent()? {
            parent if parent.as_os_str().is_empty() => Path::new("."),
            parent => parent,
        };
        Some(parent.canonicalize().ok()?.join(input.file_name()?))
    };
    let paths = [input.canonicalize().ok(), named()];
    paths.into_iter().flatten().any(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy());
        path.exists()
            && path.parent() == Some(place)
            && name.is_some_and(|name| is_file_of(formats, &name.to_lowercase()))
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

/// Returns the directory `reports/RUN` beside the journal.
pub(super) fn default_report_directory(settings: &EffectiveSettings, run: &str) -> PathBuf {
    let beside = settings.journal.parent().unwrap_or(Path::new(""));
    beside.join("reports").join(run)
}
