//! `fprecon config`: shows every setting, and its origin.

use std::collections::BTreeMap;

use crate::cli::arguments::{Common, ConfigArguments};
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::{EffectiveSettings, schema};
use crate::cli::terminal::Terminal;

pub(in crate::cli) fn config(
    common: &Common,
    arguments: &ConfigArguments,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    if arguments.schema {
        terminal.write_json(&schema())?;
        return Ok(Exit::Done);
    }
    let settings = EffectiveSettings::load_general(common)?;
    #[cfg(feature = "polars")]
    super::audit::rules(&settings)?;
    if terminal.is_json() {
        let rows: BTreeMap<&str, BTreeMap<&str, Option<String>>> = settings
            .shown
            .iter()
            .map(|row| {
                let value = BTreeMap::from([
                    ("value", row.value.clone()),
                    ("from", Some(row.origin.to_string())),
                ]);
                (row.name.as_str(), value)
            })
            .collect();
        terminal.write_json(&rows)?;
        return Ok(Exit::Done);
    }
    let width = settings.shown.iter().map(|row| row.name.len()).max();
    for row in &settings.shown {
        terminal.line(&format!(
            "{:<width$}  {}  ({})",
            row.name,
            row.value.as_deref().unwrap_or("not set"),
            row.origin,
            width = width.unwrap_or(0)
        ));
    }
    Ok(Exit::Done)
}
