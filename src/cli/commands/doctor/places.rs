//! Checks the folders and files that a run writes to: that they may be written, and that there is room. Nothing is
//! written to find out.

use std::path::{Path, PathBuf};

use super::{Check, CheckState, Findings};
use crate::cli::commands::report_place::default_report_directory;
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables::grouped;

/// The free room, in bytes, below which a run with many events may not find enough.
const LITTLE_ROOM: u64 = 200 << 20;
/// The free room, in bytes, below which a run can't be expected to record anything.
const NO_ROOM: u64 = 2 << 20;

/// The ends of the names of the journal's files.
const JOURNAL_FILES: [&str; 4] = ["", "-wal", ".commits", ".lock"];

/// Checks the folder of the journal, its files, the folder of the reports, and that of temporary files.
pub(super) fn check(settings: &EffectiveSettings, findings: &mut Findings) {
    const CHECK: Check = Check::Folders;
    let before = findings.results.len();
    // A link is followed: locks and logs are beside the file itself.
    let journal = settings
        .journal
        .canonicalize()
        .unwrap_or_else(|_| settings.journal.clone());
    let folder = folder_of(&journal);
    check_folder(
        "the journal",
        &folder,
        "name another journal with `--journal FILE`",
        findings,
    );
    for file in JOURNAL_FILES {
        let mut path = journal.clone().into_os_string();
        path.push(file);
        let path = PathBuf::from(path);
        if path.is_file() && !may_write(&path) {
            findings.add_with_hint(
                CHECK,
                CheckState::Failed,
                format!("{} cannot be written by this user", path.display()),
                "run the job as the user who owns the journal, or change the owner of all its files",
            );
        }
    }
    let reports = default_report_directory(settings, "RUN");
    let reports = existing(&folder_of(&reports));
    check_folder(
        "the reports",
        &reports,
        "name another folder with `--dir DIR`",
        findings,
    );
    let temporary = std::env::temp_dir();
    check_folder(
        "temporary files",
        &temporary,
        "set `TMPDIR` to another folder",
        findings,
    );
    if findings.results.len() > before {
        return;
    }
    let room = room(&folder).map_or(String::new(), |room| {
        format!("; {} MB free", grouped((room / 1_000_000).into()))
    });
    let (folder, reports) = (whole(&folder), whole(&reports));
    let (folder, reports) = (folder.display(), reports.display());
    findings.add(
        CHECK,
        CheckState::Ok,
        format!("journal in {folder}, reports below {reports}, temporary files in {}: all can be written{room}", temporary.display()),
    );
}

fn check_folder(what: &str, folder: &Path, instead: &str, findings: &mut Findings) {
    const CHECK: Check = Check::Folders;
    let shown = folder.display();
    if !folder.is_dir() {
        let message = format!("the folder for {what} is not there: {shown}");
        findings.add_with_hint(
            CHECK,
            CheckState::Failed,
            message,
            format!("make it, or {instead}"),
        );
        return;
    }
    if !may_write(folder) {
        let message = format!("this user cannot write to the folder for {what}: {shown}");
        let hint = format!("change its permissions, or {instead}");
        findings.add_with_hint(CHECK, CheckState::Failed, message, hint);
        return;
    }
    let Some(room) = room(folder) else {
        return;
    };
    let state = match room {
        ..NO_ROOM => CheckState::Failed,
        NO_ROOM..LITTLE_ROOM => CheckState::Warning,
        _ => return,
    };
    let megabytes = grouped((room / 1_000_000).into());
    let message = format!("only {megabytes} MB are free for {what}: {shown}");
    findings.add_with_hint(
        CHECK,
        state,
        message,
        format!("free some space, or {instead}"),
    );
}

/// Returns the folder of a path; the current one for a name alone.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Returns a folder as it is called from everywhere: what a job means by a name depends on where it is started.
fn whole(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

/// Returns the folder, or the nearest one above it that is there.
fn existing(folder: &Path) -> PathBuf {
    let mut above = folder
        .ancestors()
        .filter(|path| !path.as_os_str().is_empty());
    let found = above.find(|path| path.exists());
    found.map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

#[cfg(unix)]
pub(super) fn may_write(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
pub(super) fn may_write(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|found| found.is_dir() || !found.permissions().readonly())
}

/// Returns the free room for this user on the disk of a folder, in bytes, if the system says it.
#[cfg(unix)]
fn room(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn room(_: &Path) -> Option<u64> {
    None
}
