//! Files that could be taken for an export of payments and are not.

use serde::Deserialize;

use super::ProfileError;
use super::detect::spelling;
use crate::shell_word::shell_word;

const BUILT_IN: &str = include_str!("builtin/look-alikes.toml");

/// A kind of file that is refused by its name, so that nobody has to guess why no profile fits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookAlike {
    /// What it is.
    pub title: String,
    /// Why it is not read, and what to do instead; `FILE` stands for its path.
    instead: String,
    /// Header names that all stand there.
    #[serde(default)]
    columns: Vec<String>,
    /// Header names of which none stands there.
    #[serde(default)]
    absent: Vec<String>,
    /// What the first line begins with.
    first: Option<String>,
    /// Whether it is a file of fprecon that has no way back in. It is refused even where a built-in
    /// profile fits: `event_id` is enough for `generic`.
    #[serde(default)]
    pub(super) is_own_file: bool,
    /// Whether a profile may be proposed for it all the same, by what a person knows of its customers.
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
struct List {
    look_alike: Vec<LookAlike>,
}

pub(super) fn built_in() -> Result<Vec<LookAlike>, ProfileError> {
    let list: List = toml::from_str(BUILT_IN)
        .map_err(|error| ProfileError::new("look-alikes", error.message().to_owned()))?;
    Ok(list.look_alike)
}
