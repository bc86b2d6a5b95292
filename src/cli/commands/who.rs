//! Names the person who runs the program.

use crate::journal::host;

/// Returns the user and the host.
pub(super) fn who() -> String {
    format!("{}@{}", user(), host())
}

/// Returns the name of the user who runs the program.
fn user() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| {
        let value = std::env::var(name).ok()?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    });
    named
        .or_else(user_of_system)
        .unwrap_or_else(|| "unknown user".to_owned())
}

/// Returns the name of the user by the process's user id, since cron and containers may set none of
/// the variables.
#[cfg(target_os = "linux")]
fn user_of_system() -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let uid = std::fs::metadata("/proc/self").ok()?.uid().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1) == Some(uid.as_str())).then(|| name.to_owned())
    });
    Some(name.unwrap_or_else(|| format!("uid {uid}")))
}

#[cfg(not(target_os = "linux"))]
fn user_of_system() -> Option<String> {
    None
}
