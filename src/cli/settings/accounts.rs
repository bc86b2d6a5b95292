//! Several accounts in one configuration: the tables `[accounts.NAME]`, and which of them is used.
//!
//! What an account's table says is more special than a variable or a key of the file, so it goes before both.
//! What identifies an account (its ids, its API key) is never taken from elsewhere once one is chosen: a key of
//! another account must not be used by mistake.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::account_names::key_variable;
use super::keys::{KEYS, VARIABLE_PREFIX, variables};
use super::layers::{Layer, LayerOrigin, insert};
use super::nearest::nearest;
use crate::cli::error::CliError;
use crate::problem::{Problem, ProblemCode};

/// The keys of `[api]` that say which account it is.
const IDENTITY: [&str; 4] = ["wid", "account_id", "key_file", "key_command"];

/// The account of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum ChosenAccount {
    /// The configuration has one account, the one at its top.
    Only,
    /// The account with this name.
    Named(String),
    /// The configuration has these accounts and none at its top, and nothing chooses one.
    Open(Vec<String>),
}

impl ChosenAccount {
    /// Decides which account a call is for, by its name if it names one.
    ///
    /// # Errors
    ///
    /// There is no account with that name.
    pub(super) fn new(name: Option<&str>, layers: &[Layer]) -> Result<Self, CliError> {
        let names = names(layers);
        match name.filter(|name| !name.is_empty()) {
            Some(name) if names.iter().any(|known| known == name) => {
                Ok(ChosenAccount::Named(name.to_owned()))
            }
            Some(name) => Err(unknown(name, &names)),
            None if names.is_empty() || layers.iter().any(names_an_account) => {
                Ok(ChosenAccount::Only)
            }
            None => Ok(ChosenAccount::Open(names)),
        }
    }

    /// Returns the name of the chosen account, if it has one.
    pub(in crate::cli) fn name(&self) -> Option<&str> {
        match self {
            ChosenAccount::Named(name) => Some(name),
            ChosenAccount::Only | ChosenAccount::Open(_) => None,
        }
    }

    /// Refuses a call for which it is open which account it is for.
    ///
    /// # Errors
    ///
    /// It is open.
    pub(in crate::cli) fn expect_one(&self) -> Result<(), CliError> {
        let ChosenAccount::Open(names) = self else {
            return Ok(());
        };
        let message = format!(
            "the configuration has several accounts, and none is named: {}",
            listed(names)
        );
        let first = names.first().map_or("NAME", String::as_str);
        Err(CliError::unusable(
            Problem::error(ProblemCode::AccountMissing, message).hint(format!(
                "name one with `--account {first}` or FPRECON_ACCOUNT"
            )),
        ))
    }

    /// Returns the table that has the settings of the account.
    pub(super) fn table(&self) -> String {
        match self {
            ChosenAccount::Named(name) => format!("[accounts.{name}]"),
            ChosenAccount::Only | ChosenAccount::Open(_) => "[api]".to_owned(),
        }
    }
}

/// Returns the names of all accounts, in order.
pub(super) fn names(layers: &[Layer]) -> Vec<String> {
    let tables = layers
        .iter()
        .filter_map(|layer| layer.table.get("accounts")?.as_table());
    let mut names: Vec<String> = tables.flat_map(|table| table.keys().cloned()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns `true` if a layer says at its top which account it is.
fn names_an_account(layer: &Layer) -> bool {
    let api = layer.table.get("api").and_then(Value::as_table);
    let has = |key: &&str| api.is_some_and(|api| api.contains_key(*key));
    ["wid", "account_id"].iter().any(has)
}

fn unknown(name: &str, names: &[String]) -> CliError {
    let message = format!("there is no account `{name}` in the configuration");
    let problem = Problem::error(ProblemCode::AccountUnknown, message);
    let hint = match nearest(name, names, 0.7, String::as_str) {
        Some(known) => format!(
            "did you mean `--account {known}`? The accounts are {}",
            listed(names)
        ),
        None if names.is_empty() => {
            format!("write a table `[accounts.{name}]` in fprecon.toml, or leave out `--account`")
        }
        None => format!("the accounts are {}", listed(names)),
    };
    CliError::unusable(problem.hint(hint))
}

fn listed(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Returns the layers with what the chosen account has put on top, and without what identifies another one.
pub(super) fn with_account(mut layers: Vec<Layer>, chosen: &ChosenAccount) -> Vec<Layer> {
    let Some(name) = chosen.name() else {
        return layers;
    };
    let of_account: Vec<Layer> = layers
        .iter()
        .filter_map(|layer| layer_of(name, layer))
        .collect();
    for layer in &mut layers {
        if let Some(Value::Table(api)) = layer.table.get_mut("api") {
            for key in IDENTITY {
                api.remove(key);
            }
        }
    }
    layers.extend(of_account);
    layers
}

/// Returns the path of the account's journal, if its table names one.
pub(super) fn journal_of(layers: &[Layer], chosen: &ChosenAccount) -> Option<(PathBuf, PathBuf)> {
    let name = chosen.name()?;
    layers.iter().rev().find_map(|layer| {
        let account = layer.table.get("accounts")?.as_table()?.get(name)?;
        let journal = account.as_table()?.get("journal")?.as_str()?;
        let file = layer.file()?;
        (!journal.trim().is_empty()).then(|| (beside(&file, journal), file))
    })
}

/// Returns a path that a configuration has: it starts at the folder of the configuration.
fn beside(file: &Path, path: &str) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join(path)
}

/// Returns what a file says of an account, as a layer of settings.
fn layer_of(name: &str, layer: &Layer) -> Option<Layer> {
    let account = layer.table.get("accounts")?.as_table()?.get(name)?;
    let mut table = Table::new();
    for (key, value) in account.as_table()? {
        if value.is_table() {
            table.insert(key.clone(), value.clone());
        } else if KEYS
            .iter()
            .any(|known| known.table == "api" && known.key == key)
        {
            insert(&mut table, "api", key, value.clone());
        }
    }
    let file = layer.file()?;
    Some(Layer::new(
        LayerOrigin::Account(file, name.to_owned()),
        table,
    ))
}

/// Refuses a variable of ours that nothing reads: a setting that is misspelled would be left out in silence.
pub(super) fn check_variables(accounts: &[String]) -> Result<(), CliError> {
    let known: Vec<String> = variables()
        .map(str::to_owned)
        .chain(accounts.iter().map(|account| key_variable(account)))
        .collect();
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut unknown: Vec<String> = names
        .filter(|name| name.starts_with(VARIABLE_PREFIX) && !known.contains(name))
        .collect();
    unknown.sort_unstable();
    if unknown.is_empty() {
        return Ok(());
    }
    let problems = unknown.iter().map(|name| {
        let message = format!("unknown variable `{name}` in the environment");
        let hint = match nearest(name, &known, 0.9, String::as_str) {
            Some(known) => format!("did you mean `{known}`? Otherwise unset it: `unset {name}`"),
            None => {
                format!("unset it: `unset {name}`; `docs/configuration.md` lists all variables")
            }
        };
        Problem::error(ProblemCode::VariableUnknown, message).hint(hint)
    });
    Err(CliError::Unusable(problems.collect()))
}
