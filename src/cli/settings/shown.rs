//! The effective settings as `fprecon config` shows them.

use std::path::Path;

use toml::Value;

use super::accounts::ChosenAccount;
use super::api_key::KeySource;
use super::keys::{KEYS, SettingKey};
use super::layers::{Layer, ValueOrigin, origin_of, scalar_text};
use crate::notify::hide_secrets_of_urls;

/// A setting as `fprecon config` shows it.
#[derive(Clone, Debug)]
pub(in crate::cli) struct ShownSetting {
    pub(in crate::cli) name: String,
    pub(in crate::cli) value: Option<String>,
    pub(in crate::cli) origin: ValueOrigin,
}

pub(super) fn shown(
    layers: &[Layer],
    (chosen, key): (&ChosenAccount, &KeySource),
    journal: &Path,
    journal_from: ValueOrigin,
) -> Vec<ShownSetting> {
    let mut rows: Vec<ShownSetting> = KEYS
        .iter()
        .map(|key| {
            let value = layers.iter().rev().find_map(|layer| {
                let table = layer.table.get(key.table).and_then(Value::as_table);
                table.and_then(|table| table.get(key.key)).cloned()
            });
            ShownSetting {
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
    rows.push(ShownSetting {
        name: "API key".to_owned(),
        value: value.map(str::to_owned),
        origin,
    });
    rows.push(ShownSetting {
        name: "journal".to_owned(),
        value: Some(journal.display().to_string()),
        origin: journal_from,
    });
    rows
}

/// Returns a value as text. The addresses of `[notify]` are secrets, also as an argument of its command.
fn shown_value(key: &SettingKey, value: &Value) -> String {
    let text = scalar_text(value);
    match key.table {
        "notify" => hide_secrets_of_urls(&text),
        _ => text,
    }
}

/// Returns the row of the account, if there are several.
fn shown_account(chosen: &ChosenAccount) -> Option<ShownSetting> {
    let (value, origin) = match chosen {
        ChosenAccount::Only => return None,
        ChosenAccount::Named(name) => (
            name.clone(),
            ValueOrigin::Option("--account or FPRECON_ACCOUNT"),
        ),
        ChosenAccount::Open(names) => (
            format!("none is named, of {}", names.join(", ")),
            ValueOrigin::Default,
        ),
    };
    Some(ShownSetting {
        name: "account".to_owned(),
        value: Some(value),
        origin,
    })
}

/// Returns the rows of the table `[currencies.decimals]`, one for each currency.
fn shown_decimals(layers: &[Layer]) -> Vec<ShownSetting> {
    let mut tables = layers.iter().rev().filter_map(|layer| {
        let currencies = layer.table.get("currencies")?.as_table()?;
        currencies.get("decimals")?.as_table()
    });
    let rows = tables.next().into_iter().flatten();
    let row = |(code, digits): (&String, &Value)| ShownSetting {
        name: format!("currencies.decimals.{code}"),
        value: Some(scalar_text(digits)),
        origin: origin_of(layers, "currencies", "decimals"),
    };
    rows.map(row).collect()
}

/// Returns the rows of the table `[audit]`, one for each rule.
#[cfg(feature = "polars")]
fn shown_audit(layers: &[Layer]) -> Vec<ShownSetting> {
    let value = |key: &str| {
        let mut tables = layers
            .iter()
            .rev()
            .filter_map(|layer| layer.table.get("audit")?.as_table());
        tables.find_map(|table| table.get(key))
    };
    let row = |name: String, value: String, key: &str| ShownSetting {
        name,
        value: Some(value),
        origin: origin_of(layers, "audit", key),
    };
    let keys = crate::audit::AuditRules::KEYS.into_iter();
    let mut rows: Vec<ShownSetting> = keys
        .map(|(key, default)| {
            let value = value(key).map_or(default.to_owned(), scalar_text);
            row(format!("audit.{key}"), value, key)
        })
        .collect();
    let rules = value("rule").and_then(Value::as_array);
    for (rule, number) in rules.into_iter().flatten().zip(1..) {
        let rule = rule.to_string().trim_matches(['{', '}', ' ']).to_owned();
        rows.push(row(format!("audit.rule {number}"), rule, "rule"));
    }
    if rules.is_none_or(Vec::is_empty) {
        let inferred = "none: rates are inferred".to_owned();
        rows.push(row("audit.rule".to_owned(), inferred, "rule"));
    }
    rows
}
