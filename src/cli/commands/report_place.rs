//! Where a report must not go: over an export that it is about.

use std::path::{Path, PathBuf};

use crate::cli::error::CliError;
use crate::problem::Problem;
use crate::report::{Formats, is_file_of};

/// Refuses a directory in which a file of the report would replace one of `inputs`.
pub(super) fn expect_no_input_in<'p>(
    directory: Option<&Path>,
    formats: &Formats,
    inputs: impl IntoIterator<Item = &'p Path>,
) -> Result<(), CliError> {
    let Some(directory) = directory else {
        return Ok(());
    };
    // A directory that is not there has no exports.
    let Ok(place) = directory.canonicalize() else {
        return Ok(());
    };
    let mut inputs = inputs.into_iter();
    let Some(input) = inputs.find(|input| is_overwritten(input, &place, formats)) else {
        return Ok(());
    };
    let problem = Problem::error(
        "report-directory",
        format!("the report would overwrite the export {}", input.display()),
    );
    Err(CliError::usage(
        problem
            .cell("--dir", &directory.display().to_string())
            .hint(
                "nothing was sent or written; name another directory with `--dir`, or leave it out",
            ),
    ))
}

/// Whether a file, or the link by which it is named, stands where the report has a file of its own.
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
