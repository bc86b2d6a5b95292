//! The JSON Schema of a configuration, for editors.

use serde_json::{Map, Value, json};

use super::keys::{KEYS, SettingKey, ValueType};
use crate::event::Decimals;

/// Returns the JSON Schema of `fprecon.toml`.
///
/// Profiles (`[exports.NAME]`) and rules (`[audit]`) are checked by the program alone: the schema only says
/// that they are tables.
pub(in crate::cli) fn schema() -> Value {
    let mut properties = Map::new();
    for key in &KEYS {
        let table = properties.entry(key.table).or_insert_with(table);
        table["properties"][key.key] = property(key);
    }
    properties["currencies"]["properties"]["decimals"] = json!({
        "type": "object",
        "description": "How many decimals the API takes of a currency, by its code.",
        "additionalProperties": { "type": "integer", "minimum": 0, "maximum": Decimals::MOST },
    });
    properties.insert(
        "audit".to_owned(),
        json!({ "type": "object", "description": "The rules of `fprecon audit`." }),
    );
    properties.insert(
        "exports".to_owned(),
        json!({
            "type": "object",
            "description": "Profiles of your own, by their names.",
            "additionalProperties": { "type": "object" },
        }),
    );
    properties.insert("accounts".to_owned(), accounts(&properties));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fprecon.toml",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

/// Returns the schema of `[accounts]`: each account has the keys of `[api]`, a journal, and tables of its own.
fn accounts(properties: &Map<String, Value>) -> Value {
    let mut account = table();
    account["properties"] = properties["api"]["properties"].clone();
    for name in ["send", "currencies", "link", "audit"] {
        account["properties"][name] = properties[name].clone();
    }
    account["properties"]["journal"] = json!({
        "type": "string",
        "description": "The journal of the account. Its default is fprecon-NAME.journal beside the file.",
    });
    json!({
        "type": "object",
        "description": "Accounts, by the names that `--account` takes.",
        "additionalProperties": account,
    })
}

fn table() -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": {} })
}

fn property(key: &SettingKey) -> Value {
    let mut property = match key.values {
        ValueType::Text | ValueType::Path => json!({ "type": "string" }),
        ValueType::SecretUrl => json!({ "type": "string", "format": "uri" }),
        ValueType::Boolean => json!({ "type": "boolean" }),
        ValueType::List(_) => {
            json!({ "type": "array", "items": { "type": "string" } })
        }
        ValueType::Count => json!({ "type": "integer", "minimum": 1 }),
        ValueType::OneOf(words) => json!({ "enum": words }),
    };
    property["description"] = key.about.into();
    if let Some(default) = key.default {
        property["default"] = match key.values {
            ValueType::Boolean => (default == "true").into(),
            ValueType::Count => default.parse::<u64>().unwrap_or_default().into(),
            ValueType::Text
            | ValueType::Path
            | ValueType::SecretUrl
            | ValueType::List(_)
            | ValueType::OneOf(_) => default.into(),
        };
    }
    property
}
