//! Checks that somebody can be told how a run ended: the command, the address and the metrics file. Nobody is
//! notified to find out.

use std::path::{Path, PathBuf};

use super::places::{folder_of, may_write};
use super::{Check, CheckState, Findings};
use crate::cli::arguments::Common;
use crate::cli::settings::{EffectiveSettings, NotifySettings};

const CHECK: Check = Check::Notification;

/// Checks what `[notify]` and `[metrics]` name. A run does its work without them: what is wrong is a warning.
pub(super) fn check(common: &Common, settings: &EffectiveSettings, findings: &mut Findings) {
    if common.sandbox {
        let message = "nobody is notified of a run in the built-in sandbox";
        findings.add(CHECK, CheckState::Ok, message);
        return;
    }
    if settings.notify.is_none() && settings.metrics.file.is_none() {
        let message = "neither `[notify]` nor `[metrics]` is set: only the exit code and the output say how a run ended";
        findings.add(CHECK, CheckState::Ok, message);
        return;
    }
    if let Some(notify) = &settings.notify {
        check_command(notify, findings);
        check_address(notify, settings, findings);
    }
    if let Some(file) = &settings.metrics.file {
        check_metrics(file, findings);
    }
}

/// Looks for the program; it is not started.
fn check_command(notify: &NotifySettings, findings: &mut Findings) {
    let Some(program) = notify.command.as_ref().and_then(|words| words.first()) else {
        return;
    };
    match program_at(program) {
        Some(path) => findings.add(
            CHECK,
            CheckState::Ok,
            format!("the command of `[notify]` is {}", path.display()),
        ),
        None => findings.add_with_hint(
            CHECK,
            CheckState::Warning,
            format!("the command of `[notify]` can't be started: there is no program `{program}`"),
            "give its whole path: `PATH` of a nightly job differs from yours",
        ),
    }
}

/// Returns the file that starts where a program of this name is called, as the system looks for it.
fn program_at(program: &str) -> Option<PathBuf> {
    let named = Path::new(program);
    if named.components().count() > 1 {
        return is_program(named).then(|| named.to_owned());
    }
    let folders = std::env::var_os("PATH")?;
    let mut paths = std::env::split_paths(&folders).map(|folder| folder.join(program));
    paths.find(|path| is_program(path) || is_program(&path.with_extension("exe")))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

fn check_address(notify: &NotifySettings, settings: &EffectiveSettings, findings: &mut Findings) {
    let Some(webhook) = &notify.webhook else {
        return;
    };
    let certificates = settings.api.ca_pem().ok().flatten();
    match webhook.reach(notify.time, certificates.as_deref()) {
        Ok(()) => findings.add(
            CHECK,
            CheckState::Ok,
            format!("the host of `{webhook}` answers; nothing was posted, so whether it takes a notice was not checked"),
        ),
        Err(why) => findings.add_with_hint(
            CHECK,
            CheckState::Warning,
            format!("the host of `{webhook}` can't be reached: {why}"),
            "check `url` under `[notify]`, and whether this machine reaches that address",
        ),
    }
}

fn check_metrics(file: &Path, findings: &mut Findings) {
    let folder = folder_of(file);
    let shown = file.display();
    if folder.is_dir() && may_write(&folder) && (file.is_file() || !file.exists()) {
        let message = format!("metrics can be written to {shown}");
        findings.add(CHECK, CheckState::Ok, message);
        return;
    }
    findings.add_with_hint(
        CHECK,
        CheckState::Warning,
        format!("metrics can't be written to {shown}"),
        "set `file` under `[metrics]` to a file in a folder that exists and that this user may write to",
    );
}
