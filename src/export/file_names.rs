//! What the name of a file says of it: an export, or one that is still being written.

use std::ffi::OsStr;
use std::path::Path;

/// The endings of names that exports have. Such a file that no profile reads is an error.
const EXPORT_ENDINGS: [&str; 15] = [
    "csv", "tsv", "tab", "gz", "gzip", "zst", "zstd", "zip", "xlsx", "xlsm", "xlsb", "xls", "ods",
    "numbers", "parquet",
];

/// The endings of names of files that are still being written.
const UNFINISHED_ENDINGS: [&str; 8] = [
    "part",
    "partial",
    "crdownload",
    "download",
    "filepart",
    "tmp",
    "temp",
    "swp",
];

/// Returns `true` if a name ends like that of an export.
pub(crate) fn is_named_as_export(name: &OsStr) -> bool {
    ends_with_one_of(name, &EXPORT_ENDINGS)
}

/// Returns `true` if a name is that of a file which is still being written.
pub(crate) fn is_unfinished(name: &OsStr) -> bool {
    name.as_encoded_bytes().ends_with(b"~") || ends_with_one_of(name, &UNFINISHED_ENDINGS)
}

fn ends_with_one_of(name: &OsStr, endings: &[&str]) -> bool {
    let ending = Path::new(name).extension();
    let ending = ending.map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| endings.contains(&ending.as_str()))
}
