//! The objects that an address names: one, those of a folder, or those that match a pattern.

use std::ffi::OsStr;
use std::path::Path;

use glob::{MatchOptions, Pattern};

use super::error::CliError;
use super::patterns::is_pattern;
use crate::export::{is_named_as_export, is_unfinished};
use crate::object_storage::{Address, Bucket, ObjectError};
use crate::problem::{Problem, ProblemCode};

const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// The buckets that were named before, so that each is connected to once.
#[derive(Debug, Default)]
pub(super) struct Buckets(Vec<(Address, Bucket)>);

impl Buckets {
    /// Returns the bucket of an address.
    pub(super) fn bucket_of(&mut self, address: &Address) -> Result<Bucket, CliError> {
        let whole = address.with_key("");
        if let Some((_, bucket)) = self.0.iter().find(|(known, _)| *known == whole) {
            return Ok(bucket.clone());
        }
        let bucket = Bucket::connect(address).map_err(|error| unusable(address, &error))?;
        self.0.push((whole, bucket.clone()));
        Ok(bucket)
    }
}

/// The objects of a folder, in the order of their keys.
pub(super) struct ObjectFolder {
    /// The objects that are named as exports.
    pub(super) objects: Vec<Address>,
    /// The names of what is not read, each with the reason.
    pub(super) not_read: Vec<String>,
}

/// Lists the objects of a folder. Folders inside are not read, and hidden objects are left out without a word.
///
/// # Errors
///
/// The bucket can't be read.
pub(super) fn list(bucket: &Bucket, folder: &Address) -> Result<ObjectFolder, CliError> {
    let all = bucket
        .list(folder)
        .map_err(|error| unusable(folder, &error))?;
    let mut found = ObjectFolder {
        objects: Vec::new(),
        not_read: Vec::new(),
    };
    for object in all {
        let below = object.key.strip_prefix(&folder.key).unwrap_or(&object.key);
        if below.starts_with('.') {
            continue;
        }
        if let Some((inside, _)) = below.split_once('/') {
            let name = format!("`{inside}` (a folder)");
            if found.not_read.last() != Some(&name) {
                found.not_read.push(name);
            }
        } else if is_unfinished(OsStr::new(below)) {
            found
                .not_read
                .push(format!("`{below}` (still being written)"));
        } else if is_named_as_export(OsStr::new(below)) {
            found.objects.push(object);
        } else {
            found.not_read.push(format!("`{below}`"));
        }
    }
    Ok(found)
}

/// Returns `true` if an address names a folder, and no pattern.
pub(super) fn is_folder(address: &Address) -> bool {
    address.is_folder() && !is_pattern(&address.key)
}

/// Returns the objects that an address names: one, or those that match a pattern, in the order of their keys.
///
/// # Errors
///
/// The bucket can't be read, the pattern is not valid, or nothing matches it.
pub(super) fn matching(bucket: &Bucket, address: &Address) -> Result<Vec<Address>, CliError> {
    let key = &address.key;
    let Some(first) = key.find(['*', '?', '[']) else {
        return Ok(vec![address.clone()]);
    };
    let wrong = |message: String, hint: &str| {
        let problem = Problem::error(ProblemCode::ExportMissing, message);
        CliError::unusable(problem.at(address.to_string(), None).hint(hint))
    };
    let pattern = Pattern::new(key).map_err(|error| {
        wrong(
            format!("not a valid pattern: {error}"),
            "`*` matches any characters, `?` one, `[ab]` one of those in it",
        )
    })?;
    let folder = key[..first].rfind('/').map_or("", |slash| &key[..=slash]);
    let folder = address.with_key(folder);
    let all = bucket
        .list(&folder)
        .map_err(|error| unusable(&folder, &error))?;
    let fits = |object: &Address| pattern.matches_path_with(Path::new(&object.key), OPTIONS);
    let found: Vec<Address> = all.into_iter().filter(fits).collect();
    if found.is_empty() {
        return Err(wrong(
            "no object matches this pattern".to_owned(),
            "check the bucket, the folder and the ending",
        ));
    }
    Ok(found)
}

fn unusable(address: &Address, error: &ObjectError) -> CliError {
    let code = if error.is_missing() {
        ProblemCode::ExportMissing
    } else {
        ProblemCode::ExportUnreadable
    };
    let problem = Problem::error(code, error.to_string());
    CliError::unusable(problem.at(address.to_string(), None).hint(error.hint()))
}
