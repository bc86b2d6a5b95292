use super::*;
use crate::cli::settings::schema;

/// Returns the tables of `docs/configuration.md`, as the settings say it.
fn generated() -> String {
    let mut page = String::new();
    for table in TABLES {
        page += &format!(
            "\n### `[{table}]`\n\n| key | variable | default | meaning |\n|---|---|---|---|\n"
        );
        for key in KEYS.iter().filter(|key| key.table == table) {
            let default = match (key.default, key.values) {
                (None, _) => "not set".to_owned(),
                (Some(_), OneOf(words)) => {
                    let words: Vec<String> =
                        words.iter().map(|word| format!("`\"{word}\"`")).collect();
                    format!("{}, of {}", words[0], words.join(", "))
                }
                (Some(default), Text | Path | SecretUrl) => format!("`\"{default}\"`"),
                (Some(default), Boolean | Count | List(_)) => format!("`{default}`"),
            };
            page += &format!(
                "| `{}` | {} | {default} | {} |\n",
                key.key,
                key.variable
                    .map_or("none".to_owned(), |name| format!("`{name}`")),
                key.about
            );
        }
    }
    page +=
        "\n### Variables that are not settings of the file\n\n| variable | meaning |\n|---|---|\n";
    for (name, about) in OTHER_VARIABLES.iter().chain([&ACCOUNT_VARIABLE]) {
        page += &format!("| `{name}` | {about} |\n");
    }
    page
}

#[test]
fn the_page_of_settings_is_made_of_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, rest) = page.split_once("<!-- settings -->\n").unwrap();
    let (tables, _) = rest.split_once("\n<!-- end of settings -->").unwrap();
    assert_eq!(
        tables,
        generated(),
        "write this between the two comments:\n{}",
        generated()
    );
}

#[test]
fn the_file_has_each_key_and_no_other() {
    let mut text = String::new();
    for table in TABLES {
        text += &format!("[{table}]\n");
        for key in KEYS.iter().filter(|key| key.table == table) {
            text += &match key.default {
                Some(_) => key.line(),
                None if matches!(key.values, List(_)) => format!("{} = [\"x\"]", key.key),
                None if key.values == Count => key.line(),
                None => format!("{} = \"x\"", key.key),
            };
            text.push('\n');
        }
    }
    let config: ConfigFile = toml::from_str(&text).unwrap();
    assert_eq!(config.link.resolutions.as_deref(), Some("x"));
    // A field that no key names would be left out above, and be `None` here.
    let debug = format!("{config:?}");
    assert!(!debug.contains("None"), "{debug}");
}

#[test]
fn a_template_that_is_uncommented_is_a_configuration() {
    for table in TABLES {
        let lines = template(table, &[]);
        let set = lines.lines().filter_map(|line| line.strip_prefix("# "));
        let set: Vec<&str> = set
            .filter(|line| {
                line.split_once(" = ")
                    .is_some_and(|(key, _)| KEYS.iter().any(|known| known.key == key))
            })
            .collect();
        let text = format!("[{table}]\n{}\n", set.join("\n"));
        toml::from_str::<ConfigFile>(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(
            set.len(),
            KEYS.iter().filter(|key| key.table == table).count()
        );
    }
}

#[test]
fn the_schema_has_each_key_with_its_default() {
    let schema = schema();
    for key in &KEYS {
        let property = &schema["properties"][key.table]["properties"][key.key];
        assert_eq!(property["description"], key.about);
        assert_eq!(
            property.get("default").is_some(),
            key.default.is_some(),
            "{}",
            key.key
        );
    }
}
