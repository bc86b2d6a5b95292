//! The effective settings as `fprecon config` shows them.

use std::path::Path;

use toml::Value;

use super::accounts::Chosen;
use super::api_key::KeySource;
use super::keys::{KEYS, Key};
use super::layers::{Layer, Origin, origin_of, scalar_text};
use crate::notify::hide_secrets_of_urls;

/// A setting as `fprecon config` shows it.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Shown {
    pub(in crate::cli) name: String,
    pub(in crate::cli) value: Option<String>,
    pub(in crate::cli) origin: Origin,
}

pub(super) fn shown(
    layers: &[Layer],
    (chosen, key): (&Chosen, &KeySource),
    journal: &Path,
    journal_from: Origin,
) -> Vec<Shown> {
    let mut rows: Vec<Shown> = KEYS
        .iter()
        .map(|key| {
            let value = layers.iter().rev().find_map(|layer| {
                let table = layer.table.get(key.table).and_then(Value::as_table);
                table.and_then(|table| table.get(key.key)).cloned()
            });
            Shown {
                name: format!("{}.{}", key.table, key.key),
                value: value.as_ref().map(|value| shown_value(key, value)),
                origin: origin_of(layers, key.table, key.key),
            }
        })
        .collect();
    if let Some(row) = shown_account(chosen) {
        rows.insert(0, row);
    }
    rows.extend(shown_decimals(layers));
    #[cfg(feature = "polars")]
    rows.extend(shown_audit(layers));
    let (value, origin) = key.shown();
    rows.push(Shown {
        name: "API key".to_owned(),
        value: value.map(str::to_owned),
        origin,
    });
    rows.push(Shown {
        name: "journal".to_owned(),
        value: Some(journal.display().to_string()),
        origin: journal_from,
    });
    rows
}

/// Returns a value as text. The addresses of `[notify]` are secrets, also as an argument of its command.
fn shown_value(key: &Key, value: &Value) -> String {
    let text = scalar_text(value);
    match key.table {
        "notify" => hide_secrets_of_urls(&text),
        _ => text,
    }
}

/// Returns the row of the account, if there are several.
fn shown_account(chosen: &Chosen) -> Option<Shown> {
    let (value, origin) = match chosen {
        Chosen::Only => return None,
        Chosen::Named(name) => (name.clone(), Origin::Option("--account or FPRECON_ACCOUNT")),
        Chosen::Open(names) => (
            format!("none is named, of {}", names.join(", ")),
            Origin::Default,
        ),
    };
    Some(Shown {
        name: "account".to_owned(),
        value: Some(value),
        origin,
    })
}

/// Returns the rows of the table `[currencies.decimals]`, one for each currency.
fn shown_decimals(layers: &[Layer]) -> Vec<Shown> {
    let tables = layers.iter().rev();
    let mut tables = tables.filter_map(|layer| {
        let currencies = layer.table.get("currencies")?.as_table()?;
        currencies.get("decimals")?.as_table()
    });
    let rows = tables.next().into_iter().flatten();
    let row = |(code, digits): (&String, &Value)| Shown {
        name: format!("currencies.decimals.{code}"),
        value: Some(scalar_text(digits)),
        origin: origin_of(layers, "currencies", "decimals"),
    };
    rows.map(row).collect()
}

/// Returns the rows of the table `[audit]`, one for each rule.
#[cfg(feature = "polars")]
fn shown_audit(layers: &[Layer]) -> Vec<Shown> {
    let value = |key: &str| {
        let tables = layers.iter().rev();
        let mut tables = tables.filter_map(|layer| layer.table.get("audit")?.as_table());
        tables.find_map(|table| table.get(key))
    };
    let row = |name: String, value: String, key: &str| Shown {
        name,
        value: Some(value),
        origin: origin_of(layers, "audit", key),
    };
    let keys = crate::audit::Rules::KEYS.into_iter();
    let mut rows: Vec<Shown> = keys
        .map(|(key, default)| {
            let value = value(key).map_or(default.to_owned(), scalar_text);
            row(format!("audit.{key}"), value, key)
        })
        .collect();
    let rules = value("rule").and_then(Value::as_array);
    for (rule, number) in rules.into_iter().flatten().zip(1..) {
        let rule = rule.to_string();
        let rule = rule.trim_matches(['{', '}', ' ']).to_owned();
        rows.push(row(format!("audit.rule {number}"), rule, "rule"));
    }
    if rules.is_none_or(Vec::is_empty) {
        let inferred = "none: rates are inferred".to_owned();
        rows.push(row("audit.rule".to_owned(), inferred, "rule"));
    }
    rows
}
