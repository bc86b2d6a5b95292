//! Finds the exports in folders that an earlier run read, and that need not be read again.
//!
//! An export is left out only if reading it again would give nothing new: it has the same bytes, it would be read
//! by the same rules, no row of it was rejected and no event held, the journal has none of its events open, and no
//! export of another kind that is read now says more of its sales. In every doubt it is read.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::CliError;
use super::open_exports::OpenExports;
use crate::job::{Setup, profile_of};
use crate::journal::{JournalReader, ReadExport, SkippedExport};
use crate::profile::Profile;

/// The number of bytes of a file that are hashed at a time.
const PIECE_BYTES: usize = 1 << 18;

/// The exports that are not read, and the state of the journal by which that was decided.
#[derive(Debug, Default)]
pub(super) struct LeftOutExports {
    /// The paths of the exports.
    pub(super) paths: Vec<PathBuf>,
    pub(super) exports: Vec<SkippedExport>,
    /// The number of commits of the journal.
    pub(super) commits: i64,
}

/// An export that may be left out, and the profile by which it was read.
struct Candidate<'s> {
    path: &'s Path,
    skipped: SkippedExport,
    profile: &'s Profile,
}

/// Returns the exports of folders that need not be read again.
///
/// # Errors
///
/// The journal can't be read.
pub(super) fn left_out(
    opened: &OpenExports,
    setup: &Setup<'_>,
    journal: &JournalReader,
) -> Result<LeftOutExports, CliError> {
    // What comes by standard input can't be looked at before it is read.
    if opened.has_standard_input() {
        return Ok(LeftOutExports::default());
    }
    let Some(rules) = setup.digest(opened.options()) else {
        return Ok(LeftOutExports::default());
    };
    let read = journal
        .read_exports()?
        .into_iter()
        .filter(|export| export.rules == rules);
    let read: HashMap<String, ReadExport> =
        read.map(|export| (export.sha256.clone(), export)).collect();
    if read.is_empty() {
        return Ok(LeftOutExports::default());
    }
    let open = journal.open_keys()?;
    let candidate = |path| {
        let sha256 = sha256(path).ok()?;
        let before = read.get(&sha256)?;
        let profile = setup.profiles.named(&before.profile).ok()?;
        (!before.events.may_have_any(&open)).then(|| Candidate {
            path,
            skipped: SkippedExport {
                path: path.display().to_string(),
                sha256,
                profile: before.profile.clone(),
                read_by: before.run.clone(),
            },
            profile,
        })
    };
    let candidates: Vec<Candidate<'_>> = opened.folder_files().filter_map(candidate).collect();
    if candidates.is_empty() {
        return Ok(LeftOutExports::default());
    }
    let paths: Vec<PathBuf> = candidates.iter().map(|it| it.path.to_owned()).collect();
    let mut kinds = Vec::new();
    for mut export in opened.without(&paths).flatten() {
        kinds.extend(profile_of(setup, &mut export));
    }
    let candidates = without_related(candidates, kinds);
    Ok(LeftOutExports {
        paths: candidates.iter().map(|it| it.path.to_owned()).collect(),
        exports: candidates.into_iter().map(|it| it.skipped).collect(),
        commits: journal.commits()?,
    })
}

/// Returns the candidates without those of whose sales exports that are read say more, or that say more of
/// theirs: what they come to together has to be found out together.
fn without_related<'s>(
    mut candidates: Vec<Candidate<'s>>,
    mut kinds: Vec<&'s Profile>,
) -> Vec<Candidate<'s>> {
    while let Some(kind) = kinds.pop() {
        let is_related =
            |it: &Candidate<'_>| it.profile.completes(kind) || kind.completes(it.profile);
        let (related, others): (Vec<_>, Vec<_>) = candidates.into_iter().partition(is_related);
        let mut known = HashSet::new();
        let related = related.into_iter().map(|it| it.profile);
        kinds.extend(related.filter(|profile| known.insert(profile.name.clone())));
        candidates = others;
    }
    candidates
}

/// Returns the SHA-256 of a file, in hexadecimal.
fn sha256(path: &Path) -> io::Result<String> {
    let (mut file, mut hash) = (File::open(path)?, Sha256::new());
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            read => hash.update(&piece[..read]),
        }
    }
    let bytes = hash.finalize();
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
