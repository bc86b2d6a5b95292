//! Finds an export in the journal by the path that a person gives.

use std::path::{Path, absolute};

use crate::journal::{RowPlace, RunRecord};

/// An export of a run.
#[derive(Clone, Copy)]
pub(super) struct FoundInput<'r> {
    pub(super) run: &'r RunRecord,
    /// Its place among the inputs of the run.
    pub(super) input: usize,
}

impl FoundInput<'_> {
    /// Returns the SHA-256 of its bytes.
    pub(super) fn sha256(&self) -> &str {
        &self.run.inputs[self.input].sha256
    }

    /// Returns the profile that it was read by.
    pub(super) fn profile(&self) -> &str {
        &self.run.inputs[self.input].profile
    }

    /// Returns the path as the run named it.
    pub(super) fn path(&self) -> &str {
        &self.run.inputs[self.input].path
    }

    /// Returns the place of a row of it.
    pub(super) fn row(&self, line: u64) -> RowPlace {
        RowPlace {
            run: self.run.id,
            input: self.input,
            line,
        }
    }
}

/// The exports of the journal that a path may name.
pub(super) enum FoundFile<'r> {
    /// Readings of one path, the latest first; none if no run has read it.
    One(Vec<FoundInput<'r>>),
    /// Several paths that end alike.
    Several(Vec<String>),
}

/// Finds the exports that a path names, in runs of which the latest comes first: by the path itself, else by
/// the end of it, else by the name of the file.
pub(super) fn by_path<'r>(runs: &'r [RunRecord], path: &str) -> FoundFile<'r> {
    let all = inputs(runs);
    let is_same = |own: &str| own == path || whole(own) == whole(path);
    let same: Vec<_> = all
        .iter()
        .filter(|found| is_same(found.path()))
        .copied()
        .collect();
    if !same.is_empty() {
        return FoundFile::One(same);
    }
    let (given, name) = (Path::new(path), Path::new(path).file_name());
    let ends_alike = |own: &str| {
        let own = Path::new(own);
        given.ends_with(own) || own.ends_with(given)
    };
    let is_named = |own: &str| name.is_some() && Path::new(own).file_name() == name;
    let ending: Vec<_> = all
        .iter()
        .filter(|found| ends_alike(found.path()))
        .copied()
        .collect();
    let found = if ending.is_empty() {
        all.iter()
            .filter(|found| is_named(found.path()))
            .copied()
            .collect()
    } else {
        ending
    };
    let mut paths: Vec<String> = found.iter().map(|found| found.path().to_owned()).collect();
    paths.sort_unstable();
    paths.dedup();
    if paths.len() > 1 {
        FoundFile::Several(paths)
    } else {
        FoundFile::One(found)
    }
}

/// Returns the readings of an export with these bytes, whatever it was called then; the latest first.
pub(super) fn by_content<'r>(runs: &'r [RunRecord], sha256: &str) -> Vec<FoundInput<'r>> {
    let mut all = inputs(runs);
    all.retain(|found| found.sha256() == sha256);
    all
}

fn inputs(runs: &[RunRecord]) -> Vec<FoundInput<'_>> {
    let mut all = Vec::new();
    for run in runs {
        all.extend((0..run.inputs.len()).map(|input| FoundInput { run, input }));
    }
    all
}

/// Returns a path from the root, without going through links.
fn whole(path: &str) -> std::path::PathBuf {
    absolute(path).unwrap_or_else(|_| path.into())
}
