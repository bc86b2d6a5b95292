//! Compares the names of columns by what a person reads.

use crate::invisible::is_invisible;

/// Returns a header name without the differences that a spreadsheet or a script makes: case,
/// spaces, and invisible characters.
pub(super) fn spelling(name: &str) -> String {
    let is_seen = |c: &char| c.is_whitespace() || !is_invisible(*c);
    let seen: String = name.chars().filter(is_seen).collect();
    let words = seen.split_whitespace().map(str::to_lowercase);
    words.collect::<Vec<_>>().join(" ")
}
