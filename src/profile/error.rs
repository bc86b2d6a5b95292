//! The error of a profile that can't be used.

use super::locate;

/// The reason why a profile can't be used: its name, the key, and the problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("profile `{profile}`: {message}")]
pub struct ProfileError {
    /// The profile's name.
    pub profile: String,
    /// The problem, with the key.
    pub message: String,
    /// The way to fix it.
    pub hint: Option<String>,
    /// The place in the profile.
    pub(super) place: Box<locate::ErrorSubject>,
}

impl ProfileError {
    pub(super) fn new(profile: &str, message: impl Into<String>) -> Self {
        ProfileError {
            profile: profile.to_owned(),
            message: message.into(),
            hint: None,
            place: Box::default(),
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
