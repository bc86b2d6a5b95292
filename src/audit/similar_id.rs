//! Compares ids as people mean them.

/// Returns an id without the apostrophe by which a spreadsheet keeps it a text.
pub(super) fn without_apostrophe(id: &str) -> &str {
    id.trim().trim_start_matches('\'').trim()
}

/// Returns an id without what spreadsheets and people change in one.
pub(super) fn similar_id(id: &str) -> impl Iterator<Item = char> {
    let trimmed = id.trim().trim_start_matches('\'').trim_start();
    let without_zeros = trimmed.trim_start_matches('0');
    let kept = match without_zeros {
        "" => trimmed.get(..1).unwrap_or_default(),
        kept => kept,
    };
    kept.chars()
        .filter(|sign| !sign.is_whitespace())
        .flat_map(char::to_lowercase)
}

/// Returns the FNV-1a hash of [`similar_id`], which takes no memory.
pub(super) fn similar_hash(id: &str) -> u64 {
    similar_id(id).fold(0xcbf2_9ce4_8422_2325, |hash, sign| {
        (hash ^ u64::from(u32::from(sign))).wrapping_mul(0x0100_0000_01b3)
    })
}
