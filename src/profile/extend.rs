//! Merges a profile with the one that it extends.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::ProfileError;

/// The greatest length of a chain of profiles; a longer one is taken for a mistake.
const MAX_DEPTH: usize = 8;

/// Keys of a profile with another name in earlier versions: that name, and the current one.
const RENAMED_KEYS: [(&str, &str); 1] = [("rests_on", "based_on")];

/// A profile, separated into its own settings and the inherited ones.
#[derive(Clone, Debug)]
pub struct Split {
    /// The profile's own settings.
    pub said: Table,
    /// The name of the profile that it extends, if it does.
    pub extends: Option<String>,
    /// The inherited settings, including those of the profiles further up.
    pub inherited: Table,
}

/// A profile merged with what it extends.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) table: Table,
    /// The names of the profile and of those that it extends, from the last to the first.
    pub(super) lineage: Vec<String>,
}

/// Parses the TOML of a profile file.
pub(super) fn parse(name: &str, text: &str) -> Result<Table, ProfileError> {
    text.parse::<Table>()
        .map_err(|error| ProfileError::new(name, error.to_string()))
}

/// Returns the user's profiles with the current names of keys that earlier versions named otherwise.
pub(super) fn with_current_keys(own: &BTreeMap<String, Table>) -> BTreeMap<String, Table> {
    let mut own = own.clone();
    for table in own.values_mut() {
        for (earlier, current) in RENAMED_KEYS {
            // A profile with both is refused, since the earlier one is unknown then.
            if !table.contains_key(current)
                && let Some(value) = table.remove(earlier)
            {
                table.insert(current.to_owned(), value);
            }
        }
    }
    own
}

/// Merges the profile `name` with what it extends, down to a built-in one.
///
/// Tables are merged key by key; everything else, lists too, is replaced. A name that extends
/// itself means the built-in profile of that name.
pub(super) fn resolve(
    name: &str,
    own: &BTreeMap<String, Table>,
    built_in: &BTreeMap<String, Table>,
) -> Result<Resolved, ProfileError> {
    let mut layers = Vec::new();
    let mut lineage: Vec<String> = Vec::new();
    let mut next = Some(name.to_owned());
    let mut seen = Vec::new();
    while let Some(current) = next.take() {
        let of_user = own.get(&current).filter(|_| !seen.contains(&current));
        let Some(table) = of_user.or_else(|| built_in.get(&current)) else {
            if seen.contains(&current) {
                return Err(circle(name));
            }
            return Err(unknown_base(name, &current, own, built_in));
        };
        if layers.len() == MAX_DEPTH {
            return Err(ProfileError::new(
                name,
                format!("`extends` goes through more than {MAX_DEPTH} profiles"),
            )
            .about("extends"));
        }
        next = base_of(name, table)?;
        if next.is_none() && of_user.is_some() && is_part_of(&current, table, built_in) {
            next = Some(current.clone());
        }
        if of_user.is_some() {
            seen.push(current.clone());
        }
        lineage.push(current);
        layers.push(table);
    }
    let mut merged = Table::new();
    for layer in layers.into_iter().rev() {
        merge(&mut merged, layer);
    }
    merged.remove("extends");
    merged.insert("name".into(), Value::String(name.to_owned()));
    if let Some(of_user) = own.get(name) {
        enable_unless_said(&mut merged, of_user.get("detect"));
    }
    Ok(Resolved {
        table: merged,
        lineage,
    })
}

/// Enables detection for a user's profile with its own columns, even if the base has `enabled =
/// false`; the names that exclude a header are inherited.
fn enable_unless_said(merged: &mut Table, of_user: Option<&Value>) {
    match merged.get_mut("detect") {
        Some(Value::Table(detect)) => {
            if of_user.and_then(|detect| detect.get("enabled")).is_none() {
                detect.remove("enabled");
            }
        }
        _ => {
            let detect = of_user.cloned().unwrap_or(Value::Boolean(true));
            merged.insert("detect".into(), detect);
        }
    }
}

/// Separates the profile `name` into its own settings and the rest of those that it extends.
pub(super) fn split(
    name: &str,
    own: &BTreeMap<String, Table>,
    built_in: &BTreeMap<String, Table>,
) -> Result<Split, ProfileError> {
    let mut inherited = resolve(name, own, built_in)?.table;
    let said = own
        .get(name)
        .or_else(|| built_in.get(name))
        .cloned()
        .unwrap_or_default();
    let mut extends = base_of(name, &said)?;
    if extends.is_none() && own.contains_key(name) && is_part_of(name, &said, built_in) {
        extends = Some(name.to_owned());
    }
    take_out(&mut inherited, &said);
    inherited.remove("name");
    inherited.remove("detect");
    Ok(Split {
        said,
        extends,
        inherited,
    })
}

/// Removes the settings of one layer from a profile.
fn take_out(profile: &mut Table, said: &Table) {
    for (key, value) in said {
        let is_empty = match (profile.get_mut(key), value) {
            (Some(Value::Table(of_profile)), Value::Table(said)) => {
                take_out(of_profile, said);
                of_profile.is_empty()
            }
            _ => true,
        };
        if is_empty {
            profile.remove(key);
        }
    }
}

fn circle(name: &str) -> ProfileError {
    ProfileError::new(name, "`extends` forms a circle")
        .hint("one of these profiles must extend a built-in one, such as `generic`")
        .about("extends")
}

/// Returns `true` if a table of the user's that extends nothing only changes the built-in profile
/// of its name: a complete profile has columns.
fn is_part_of(name: &str, table: &Table, built_in: &BTreeMap<String, Table>) -> bool {
    built_in.contains_key(name) && !table.contains_key("columns")
}

fn base_of(name: &str, table: &Table) -> Result<Option<String>, ProfileError> {
    match table.get("extends") {
        None => Ok(None),
        Some(Value::String(base)) => Ok(Some(base.clone())),
        Some(_) => {
            let message = "`extends` must be a profile's name";
            Err(ProfileError::new(name, message).about("extends"))
        }
    }
}

fn unknown_base(
    name: &str,
    base: &str,
    own: &BTreeMap<String, Table>,
    built_in: &BTreeMap<String, Table>,
) -> ProfileError {
    let known: Vec<_> = built_in
        .keys()
        .chain(own.keys())
        .map(|known| format!("`{known}`"))
        .collect();
    ProfileError::new(
        name,
        format!("`extends` names `{base}`, but there is no such profile"),
    )
    .hint(format!("profiles are {}", known.join(", ")))
    .about("extends")
    .says(base)
}

fn merge(onto: &mut Table, layer: &Table) {
    for (key, value) in layer {
        match (onto.get_mut(key), value) {
            // A column that is named anew is replaced as a whole: `optional` of the base is not
            // inherited.
            (Some(Value::Table(base)), Value::Table(over)) if !over.contains_key("header") => {
                merge(base, over);
            }
            _ => {
                onto.insert(key.clone(), value.clone());
            }
        }
    }
}
