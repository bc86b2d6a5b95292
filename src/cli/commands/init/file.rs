//! Writes the configuration to disk.

use std::io::{self, Write};
use std::path::Path;

use crate::cli::error::CliError;
use crate::problem::{Problem, ProblemCode};

/// Writes the file, whole or not at all, and only if there is none.
pub(super) fn write(target: &Path, text: &str) -> Result<(), CliError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(target),
        _ => CliError::unusable(
            Problem::error(
                ProblemCode::ConfigNotWritten,
                format!("the configuration can't be written: {error}"),
            )
            .at(target.display().to_string(), None)
            .hint("use another path with `--config`, or print it with `--print`"),
        ),
    };
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = temporary(directory).map_err(failed)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .map_err(failed)?;
    file.persist_noclobber(target)
        .map_err(|error| failed(error.error))?;
    Ok(())
}

/// Creates a temporary file that nobody else may change, whatever the user's mask says: a configuration may name
/// a command.
#[cfg(unix)]
fn temporary(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;

    let permissions = std::fs::Permissions::from_mode(0o644);
    tempfile::Builder::new()
        .permissions(permissions)
        .tempfile_in(directory)
}

#[cfg(not(unix))]
fn temporary(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::NamedTempFile::new_in(directory)
}

pub(super) fn exists(target: &Path) -> CliError {
    CliError::unusable(
        Problem::error(
            ProblemCode::ConfigExists,
            "there is a configuration already, and it is not overwritten",
        )
        .at(target.display().to_string(), None)
        .hint("`--print` shows what would be written; `--config FILE` writes it elsewhere"),
    )
}
