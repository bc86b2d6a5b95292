//! Files that could be mistaken for an export of payments.

use serde::Deserialize;

use super::ProfileError;
use super::spelling::spelling;
use crate::shell_word::shell_word;

const BUILT_IN: &str = include_str!("builtin/look-alikes.toml");

/// A type of file that is refused by its name, so that nobody has to guess why no profile fits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookAlike {
    /// The type of the file, for people.
    pub title: String,
    /// The reason why it is not read, and what to do instead; `FILE` stands for its path.
    instead: String,
    /// Header names that must all be in the header.
    #[serde(default)]
    columns: Vec<String>,
    /// Header names that must not be in the header.
    #[serde(default)]
    absent: Vec<String>,
    /// The start of the first line.
    first: Option<String>,
    /// `true` for a file of fprecon that can't be read again. It is refused even if a built-in
    /// profile fits: `event_id` is enough for `generic`.
    #[serde(default)]
    pub(super) is_own_file: bool,
    /// `true` if a profile may be proposed for it all the same, from what a person knows of its
    /// customers.
    #[serde(default)]
    pub(crate) can_be_proposed: bool,
}

impl LookAlike {
    /// Returns why the file at a path is not read, and what to do instead.
    pub fn instead(&self, path: &str) -> String {
        self.instead.replace("FILE", &shell_word(path))
    }

    pub(super) fn fits(&self, header: &[String]) -> bool {
        let is = |name: &String, wanted: &String| spelling(name) == spelling(wanted);
        let has = |wanted: &String| header.iter().any(|name| is(name, wanted));
        let first = self.first.as_ref();
        first.is_none_or(|first| header.first().is_some_and(|name| is(name, first)))
            && self.columns.iter().all(has)
            && !self.absent.iter().any(has)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LookAlikeFile {
    look_alike: Vec<LookAlike>,
}

pub(super) fn built_in() -> Result<Vec<LookAlike>, ProfileError> {
    let list: LookAlikeFile = toml::from_str(BUILT_IN)
        .map_err(|error| ProfileError::new("look-alikes", error.message().to_owned()))?;
    Ok(list.look_alike)
}
