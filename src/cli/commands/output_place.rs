//! Refuses to write a file in the place of one that the program reads or keeps.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::error::CliError;
use crate::cli::settings::EffectiveSettings;
use crate::file_identity::FileIdentity;
use crate::journal::files_of_journal;
use crate::object_storage::Address;
use crate::problem::{Problem, ProblemCode};

/// Refuses an output that is the journal or a file of it, a file that the settings name or come from, or one of
/// `inputs`, by whatever name.
///
/// # Errors
///
/// It is one of them; then nothing is written.
pub(super) fn expect_no_input_at<'p>(
    option: &str,
    output: &Path,
    settings: &EffectiveSettings,
    inputs: impl IntoIterator<Item = &'p Path>,
) -> Result<(), CliError> {
    if Address::from_path(output).is_some() {
        let problem = Problem::error(
            ProblemCode::OutputInput,
            "only reports are written to object storage",
        );
        return Err(CliError::usage(
            problem
                .cell(option, &output.display().to_string())
                .hint("nothing was written; name a file, and copy it there"),
        ));
    }
    let own = settings.own_files();
    let journal = files_of_journal(&settings.journal);
    let inputs = inputs.into_iter().map(Path::to_owned);
    let mut all = own.into_iter().chain(journal).chain(inputs);
    let Some(input) = all.find(|input| is_same(output, input)) else {
        return Ok(());
    };
    let message = format!("this would overwrite {}, which is needed", input.display());
    Err(CliError::usage(
        Problem::error(ProblemCode::OutputInput, message)
            .cell(option, &output.display().to_string())
            .hint("nothing was written; name another file"),
    ))
}

/// Returns `true` if two paths lead to one file, or would.
fn is_same(one: &Path, other: &Path) -> bool {
    let identity = |path| FileIdentity::from_metadata(&fs::metadata(path).ok()?);
    let is_one_file = identity(one).is_some_and(|found| identity(other) == Some(found));
    is_one_file || place_of(one).is_some_and(|place| place_of(other) == Some(place))
}

/// Returns the one path of a file, also of one that does not exist yet.
fn place_of(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().or_else(|| named_place(path))
}

/// Returns the path of a name in the one path of its folder, whether it is a link or is there at all.
pub(super) fn named_place(path: &Path) -> Option<PathBuf> {
    let parent = match path.parent()? {
        parent if parent.as_os_str().is_empty() => Path::new("."),
        parent => parent,
    };
    Some(parent.canonicalize().ok()?.join(path.file_name()?))
}
