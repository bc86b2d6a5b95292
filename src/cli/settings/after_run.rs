//! The settings for what happens when a run has ended: `[metrics]` and `[notify]`.
//!
//! They are also found in a configuration that can't be used otherwise: that such a run failed is what
//! somebody has to hear of.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::{Table, Value};

use super::keys::{KEYS, MetricsTable, NotifyTable, ValueType};
use super::layers::{lay_over, option_table, paths_from, read_settings};
use super::{EffectiveSettings, default_journal, environment_table, files};
use crate::cli::arguments::{Common, PaceArguments};
use crate::cli::error::CliError;
use crate::notify::{Webhook, WebhookForm};
use crate::problem::{Problem, ProblemCode};

/// The tables of these settings.
const TABLES: [&str; 2] = ["metrics", "notify"];

/// The ends of a run that are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum NotifyWhen {
    /// Every end with an exit code that is not 0.
    Attention,
    /// Every end.
    Always,
}

/// Whom the end of a run is reported to.
#[derive(Clone, Debug)]
pub(in crate::cli) struct NotifySettings {
    pub(in crate::cli) webhook: Option<Webhook>,
    /// The program and its arguments.
    pub(in crate::cli) command: Option<Vec<String>>,
    pub(in crate::cli) when: NotifyWhen,
    /// The time that each of them has.
    pub(in crate::cli) time: Duration,
}

impl NotifySettings {
    /// Returns the settings of the table `[notify]`; `None` if it names nobody.
    ///
    /// # Errors
    ///
    /// The address can't be used, or what is set does not fit together, or names nobody.
    pub(super) fn new(table: NotifyTable) -> Result<Option<Self>, CliError> {
        const DEFAULT_SECONDS: NonZeroU32 = NonZeroU32::new(10).unwrap();
        let when = match table.when.as_deref() {
            Some("attention") | None => NotifyWhen::Attention,
            Some("always") => NotifyWhen::Always,
            Some(word) => {
                let message = "not a valid value for `when`";
                return Err(invalid(
                    "when",
                    word,
                    message,
                    "use `attention` or `always`",
                ));
            }
        };
        let form = match table.form.as_deref() {
            Some("json") | None => WebhookForm::Json,
            Some("slack") => WebhookForm::Slack,
            Some("healthchecks") => WebhookForm::Healthchecks,
            Some(word) => {
                let message = "not a valid value for `form`";
                let hint = "use `json`, `slack` or `healthchecks`";
                return Err(invalid("form", word, message, hint));
            }
        };
        if form == WebhookForm::Healthchecks && when == NotifyWhen::Attention {
            let message = "healthchecks.io has to hear of every run: it raises the alarm where it hears nothing";
            return Err(invalid(
                "when",
                "attention",
                message,
                "set `when = \"always\"` under `[notify]`",
            ));
        }
        let url = table.url.filter(|url| !url.trim().is_empty());
        let webhook = url.map(|url| Webhook::new(&url, form)).transpose().map_err(|error| {
            let message = format!("the address for notifications can't be used: {error}");
            let problem = Problem::error(ProblemCode::ConfigInvalid, message);
            CliError::unusable(problem.hint(
                "set `url` under `[notify]` to an address such as `https://HOST/PATH`; plain http only to this machine",
            ))
        })?;
        let command = table.command.filter(|words| !words.is_empty());
        if webhook.is_none() && command.is_none() {
            // Somebody who chose one of these expects to be notified.
            if when == NotifyWhen::Always || form != WebhookForm::Json {
                return Err(nobody());
            }
            return Ok(None);
        }
        let seconds = table.timeout_seconds.unwrap_or(DEFAULT_SECONDS);
        Ok(Some(NotifySettings {
            webhook,
            command,
            when,
            time: Duration::from_secs(seconds.get().into()),
        }))
    }
}

fn nobody() -> CliError {
    let message = "`[notify]` has neither `url` nor `command`: nobody would be notified";
    let problem = Problem::error(ProblemCode::ConfigInvalid, message);
    CliError::unusable(problem.hint(
        "set `url` (or `FPRECON_NOTIFY_URL`) or `command`, or leave out the rest of `[notify]`",
    ))
}

fn invalid(key: &str, value: &str, message: &str, hint: &str) -> CliError {
    let problem = Problem::error(ProblemCode::ConfigInvalid, message);
    // A URL may have got into the wrong key.
    let value = crate::notify::hide_secrets_of_urls(value);
    CliError::unusable(problem.cell(format!("notify.{key}"), &value).hint(hint))
}

/// What happens when a run has ended, whatever its exit code.
#[derive(Clone, Debug)]
pub(in crate::cli) struct AfterRunSettings {
    /// The journal, by which jobs of one machine are distinguished.
    pub(in crate::cli) journal: PathBuf,
    pub(in crate::cli) metrics_file: Option<PathBuf>,
    pub(in crate::cli) notify: Option<NotifySettings>,
    /// The extra certificates to trust.
    pub(in crate::cli) ca_pem: Option<Vec<u8>>,
}

impl AfterRunSettings {
    /// Reads the settings; where the configuration can't be used, as much of them as can be read.
    ///
    /// A run in the sandbox says nothing to anybody: a trial must not look like the night's run. Only the
    /// file that an option of the call names is written.
    pub(in crate::cli) fn load(common: &Common, pace: &PaceArguments) -> Self {
        let settings = match EffectiveSettings::load(common, Some(pace)) {
            Ok(settings) => AfterRunSettings {
                ca_pem: settings.api.ca_pem().ok().flatten(),
                journal: settings.journal,
                metrics_file: settings.metrics.file,
                notify: settings.notify,
            },
            Err(_) => Self::salvage(common, pace),
        };
        if common.sandbox {
            return AfterRunSettings {
                metrics_file: pace.metrics_file.clone(),
                notify: None,
                ..settings
            };
        }
        settings
    }

    fn salvage(common: &Common, pace: &PaceArguments) -> Self {
        let mut merged = Table::new();
        let files = files(common);
        for path in &files {
            lay_over(&mut merged, &salvaged(path));
        }
        lay_over(&mut merged, &environment_table());
        lay_over(&mut merged, &option_table(common, Some(pace)));
        keep_usable(&mut merged);
        let table = |name: &str| {
            let table = merged.get(name).cloned();
            table.unwrap_or_else(|| Value::Table(Table::new()))
        };
        let metrics: MetricsTable = table("metrics").try_into().unwrap_or_default();
        let notify: NotifyTable = table("notify").try_into().unwrap_or_default();
        let journal = common.journal.clone();
        let account = common.account.as_deref().filter(|name| !name.is_empty());
        let default = || default_journal(files.last().map(|path| &**path), None, account);
        AfterRunSettings {
            journal: journal.unwrap_or_else(default),
            metrics_file: metrics.file.map(PathBuf::from),
            notify: NotifySettings::new(notify).ok().flatten(),
            ca_pem: None,
        }
    }
}

/// Returns the settings of a file that can be read, whatever else is wrong in it.
fn salvaged(path: &Path) -> Table {
    let text = read_settings(path).unwrap_or_default();
    let (table, _) = toml::de::DeTable::parse_recoverable(&text);
    let mut table = <Table as serde::Deserialize>::deserialize(toml::Deserializer::from(table))
        .unwrap_or_default();
    paths_from(&mut table, path);
    table
}

/// Takes out of the tables of these settings all that is not one of them.
fn keep_usable(merged: &mut Table) {
    for name in TABLES {
        let table = merged.get_mut(name).and_then(Value::as_table_mut);
        let is_usable = |key: &str, value: &Value| {
            let mut keys = KEYS.iter();
            let known = keys.find(|known| known.table == name && known.key == key);
            match (known.map(|known| known.values), value) {
                (Some(ValueType::Count), Value::Integer(number)) => *number > 0,
                (Some(ValueType::List(_)), Value::Array(words)) => words.iter().all(Value::is_str),
                (Some(ValueType::OneOf(words)), Value::String(word)) => words.contains(&&**word),
                (Some(ValueType::Path | ValueType::SecretUrl), Value::String(_)) => true,
                _ => false,
            }
        };
        if let Some(table) = table {
            table.retain(|key, value| is_usable(key, value));
        }
    }
}
