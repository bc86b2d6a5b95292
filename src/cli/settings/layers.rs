//! The layers of settings: defaults, files, environment and options.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::CONFIG_FILE;
use super::account_names;
use super::keys::{ConfigFile, KEYS, ListOf, SettingKey, ValueType};
use super::nearest::nearest;
use crate::bounded::{self, SETTINGS_BYTES};
use crate::cli::arguments::{Common, PaceArguments};
use crate::cli::error::CliError;
use crate::notify::hide_secrets_of_urls;
use crate::problem::{Problem, ProblemCode};

/// The origin of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum ValueOrigin {
    Default,
    File(PathBuf),
    /// The table of this account in a file.
    Account(PathBuf, String),
    Variable(Cow<'static, str>),
    Option(&'static str),
}

impl fmt::Display for ValueOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueOrigin::Default => f.write_str("default"),
            ValueOrigin::File(path) => write!(f, "{}", path.display()),
            ValueOrigin::Account(path, name) => write!(f, "{} [accounts.{name}]", path.display()),
            ValueOrigin::Variable(name) => f.write_str(name),
            ValueOrigin::Option(name) => f.write_str(name),
        }
    }
}

/// A source of values; later layers take precedence.
pub(super) struct Layer {
    pub(super) origin: LayerOrigin,
    pub(super) table: Table,
    /// The places of the tables of a file, as in
    /// [`EffectiveSettings::export_places`](super::EffectiveSettings::export_places).
    pub(super) export_places: BTreeMap<String, (PathBuf, u64)>,
}

impl Layer {
    pub(super) fn new(origin: LayerOrigin, table: Table) -> Self {
        Layer {
            origin,
            table,
            export_places: BTreeMap::new(),
        }
    }

    pub(super) fn file(&self) -> Option<PathBuf> {
        match &self.origin {
            LayerOrigin::File(path) => Some(path.clone()),
            _ => None,
        }
    }
}

pub(super) enum LayerOrigin {
    Default,
    File(PathBuf),
    /// The table of this account in a file.
    Account(PathBuf, String),
    Environment,
    Option,
}

/// Reads the text of a configuration.
///
/// # Errors
///
/// It can't be read, or is found by its name and is no file: a pipe would wait for somebody who writes. One that is
/// named is read.
pub(super) fn read_settings(path: &Path) -> std::io::Result<String> {
    if path.ends_with(CONFIG_FILE) && !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    bounded::read_text(path, SETTINGS_BYTES)
}

/// Returns where an unknown key belongs, or which one is meant, as far as that can be told.
fn hint_of_syntax(message: &str) -> String {
    const LIST: &str = "docs/configuration.md lists every key";
    let unknown = message.strip_prefix("unknown field `");
    let Some((name, _)) = unknown.and_then(|rest| rest.split_once('`')) else {
        return LIST.to_owned();
    };
    if let Some(key) = KEYS.iter().find(|key| key.key == name) {
        return format!("`{name}` belongs under `[{}]`", key.table);
    }
    match nearest(name, &KEYS, 0.85, |key: &SettingKey| key.key) {
        Some(key) => format!("did you mean `{}` under `[{}]`? {LIST}", key.key, key.table),
        None => LIST.to_owned(),
    }
}

pub(super) fn file_layer(path: &Path) -> Result<Layer, CliError> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| {
        CliError::unusable(
            Problem::error(
                ProblemCode::ConfigMissing,
                format!("the configuration can't be read: {error}"),
            )
            .at(&name, None),
        )
    };
    let text = read_settings(path).map_err(unreadable)?;
    let invalid = |error: toml::de::Error| {
        let line = error.span().map(|span| line_of(&text, span.start));
        CliError::unusable(
            Problem::error(
                ProblemCode::ConfigInvalid,
                hide_secrets_of_urls(error.message().trim()),
            )
            .at(&name, line)
            .hint(hint_of_syntax(error.message())),
        )
    };
    let config = toml::from_str::<ConfigFile>(&text).map_err(invalid)?;
    let mut table: Table = toml::from_str(&text).map_err(invalid)?;
    account_names::check_names(config.accounts.keys()).map_err(|message| {
        let problem = Problem::error(ProblemCode::ConfigInvalid, message);
        CliError::unusable(problem.at(&name, None).hint("rename the account"))
    })?;
    paths_from(&mut table, path);
    for (_, account) in tables_in(&mut table, "accounts") {
        settle_account(account, path);
    }
    let export_places = config.exports.keys().filter_map(|name| {
        let line = table_line(&text, name)?;
        Some((name.clone(), (path.to_owned(), line)))
    });
    Ok(Layer {
        origin: LayerOrigin::File(path.to_owned()),
        table,
        export_places: export_places.collect(),
    })
}

/// Returns the tables inside a table of this name.
fn tables_in<'t>(
    table: &'t mut Table,
    name: &str,
) -> impl Iterator<Item = (&'t String, &'t mut Table)> {
    let inner = table
        .get_mut(name)
        .and_then(Value::as_table_mut)
        .into_iter()
        .flat_map(|inner| inner.iter_mut());
    inner.filter_map(|(name, value)| Some((name, value.as_table_mut()?)))
}

/// Settles the values of an account's table, which has the keys of `[api]` itself.
fn settle_account(account: &mut Table, file: &Path) {
    let is_of_api = |name: &String| KEYS.iter().any(|key| key.table == "api" && key.key == name);
    let mut api = Table::new();
    for name in account.keys().cloned().collect::<Vec<_>>() {
        if is_of_api(&name)
            && let Some(value) = account.remove(&name)
        {
            api.insert(name, value);
        }
    }
    account.insert("api".to_owned(), Value::Table(api));
    paths_from(account, file);
    if let Some(Value::Table(api)) = account.remove("api") {
        account.extend(api);
    }
}

/// Removes the settings of a file that are empty, and lets its relative paths start at its directory, wherever
/// the program is started. A program that is a name alone is looked for where the system looks for programs.
pub(super) fn paths_from(table: &mut Table, file: &Path) {
    for key in KEYS.iter().filter(|key| key.default.is_none()) {
        remove_empty(table, key);
    }
    let directory = file.parent().unwrap_or(Path::new(""));
    let place = |text: &mut String| *text = directory.join(&text).display().to_string();
    for key in &KEYS {
        let inner = table.get_mut(key.table).and_then(Value::as_table_mut);
        let value = inner.and_then(|inner| inner.get_mut(key.key));
        match (key.values, value) {
            (ValueType::Path, Some(Value::String(named))) if !named.is_empty() => place(named),
            (ValueType::List(ListOf::Program), Some(Value::Array(words))) => {
                if let Some(Value::String(program)) = words.first_mut()
                    && Path::new(program.as_str()).components().count() > 1
                {
                    place(program);
                }
            }
            _ => {}
        }
    }
}

/// Takes out a setting without a default whose value is empty: it is not set.
fn remove_empty(table: &mut Table, key: &SettingKey) {
    let inner = table.get_mut(key.table).and_then(Value::as_table_mut);
    let is_empty = |value: &Value| match value {
        Value::String(text) => text.trim().is_empty(),
        Value::Array(words) => words.is_empty(),
        _ => false,
    };
    if let Some(inner) = inner
        && inner.get(key.key).is_some_and(is_empty)
    {
        inner.remove(key.key);
    }
}

/// Returns the line of a byte, from 1.
pub(in crate::cli) fn line_of(text: &str, byte: usize) -> u64 {
    let before = text.as_bytes().iter().take(byte);
    1 + before.filter(|byte| **byte == b'\n').count() as u64
}

/// Returns the line of the first table of `[exports.NAME]`, if the file writes it as a table.
fn table_line(text: &str, name: &str) -> Option<u64> {
    let is_its = |line: &str| {
        let table = line.trim_start_matches('[').strip_prefix("exports.");
        let rest = table.and_then(|table| table.trim_start_matches('"').strip_prefix(name));
        line.starts_with('[')
            && rest.is_some_and(|rest| rest.trim_start_matches('"').starts_with([']', '.']))
    };
    let index = text.lines().position(|line| is_its(line.trim()))?;
    Some(index as u64 + 1)
}

/// Returns a table of the settings for which `value` returns one.
pub(super) fn table_of(value: impl Fn(&SettingKey) -> Option<String>) -> Table {
    let mut table = Table::new();
    for key in &KEYS {
        if let Some(text) = value(key) {
            insert(&mut table, key.table, key.key, scalar(key, text));
        }
    }
    table
}

pub(super) fn option_table(common: &Common, pace: Option<&PaceArguments>) -> Table {
    let text = |value: &Option<String>| value.clone().map(Value::String);
    let number = |value: Option<i64>| value.map(Value::Integer);
    let key_file = common.api_key_file.as_ref();
    let per_minute = pace.and_then(|pace| pace.requests_per_minute);
    let concurrency = pace.and_then(|pace| pace.concurrency);
    let metrics_file = pace.and_then(|pace| pace.metrics_file.as_ref());
    let mut table = Table::new();
    for (name, key, value) in [
        ("api", "version", text(&common.api)),
        ("api", "base_url", text(&common.base_url)),
        (
            "api",
            "key_file",
            key_file.map(|path| Value::String(path.display().to_string())),
        ),
        (
            "metrics",
            "file",
            metrics_file.map(|path| Value::String(path.display().to_string())),
        ),
        (
            "send",
            "requests_per_minute",
            number(per_minute.map(|n| i64::from(n.get()))),
        ),
        (
            "send",
            "concurrency",
            number(concurrency.map(|n| i64::try_from(n.get()).unwrap_or(i64::MAX))),
        ),
    ] {
        if let Some(value) = value {
            insert(&mut table, name, key, value);
        }
    }
    table
}

pub(super) fn insert(table: &mut Table, name: &str, key: &str, value: Value) {
    let entry = table
        .entry(name)
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(inner) = entry {
        inner.insert(key.to_owned(), value);
    }
}

/// Returns text as a value of the key's type; a text that is not one stays as it is, and is refused later.
fn scalar(key: &SettingKey, text: String) -> Value {
    let value = match key.values {
        ValueType::Boolean => text.parse().ok().map(Value::Boolean),
        ValueType::Count => text.parse().ok().map(Value::Integer),
        ValueType::Text
        | ValueType::Path
        | ValueType::SecretUrl
        | ValueType::List(_)
        | ValueType::OneOf(_) => None,
    };
    value.unwrap_or(Value::String(text))
}

/// Returns a value as text, as [`scalar`] would read it.
pub(super) fn scalar_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(yes) => yes.to_string(),
        Value::Array(words) => Value::Array(words.clone()).to_string(),
        other => format!("a {}", other.type_str()),
    }
}

pub(super) fn lay_over(base: &mut Table, over: &Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => lay_over(base, over),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

pub(super) fn origin_of(layers: &[Layer], table: &str, key: &str) -> ValueOrigin {
    let has = |layer: &&Layer| {
        let table = layer.table.get(table).and_then(Value::as_table);
        table.is_some_and(|table| table.contains_key(key))
    };
    let variable = KEYS.iter().find(|k| k.table == table && k.key == key);
    match layers.iter().rev().find(has).map(|layer| &layer.origin) {
        None | Some(LayerOrigin::Default) => ValueOrigin::Default,
        Some(LayerOrigin::File(path)) => ValueOrigin::File(path.clone()),
        Some(LayerOrigin::Account(path, name)) => ValueOrigin::Account(path.clone(), name.clone()),
        Some(LayerOrigin::Environment) => {
            let variable = variable.and_then(|key| key.variable);
            ValueOrigin::Variable(variable.unwrap_or("environment").into())
        }
        Some(LayerOrigin::Option) => ValueOrigin::Option("option"),
    }
}
