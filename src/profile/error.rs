//! Why a profile can't be used.

use super::locate;

/// Why a profile can't be used: which one, which key, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("profile `{profile}`: {message}")]
pub struct ProfileError {
    /// The profile's name.
    pub profile: String,
    /// What is wrong, with the key.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where in the profile.
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
