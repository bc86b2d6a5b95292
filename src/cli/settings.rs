//! The effective settings, and their origins.
//!
//! The order of precedence is: option, environment, project file, user file, default. Every scalar
//! setting is one row of `KEYS`, so that `fprecon config` can show them all.

mod account_names;
mod accounts;
mod after_run;
mod api_key;
mod keys;
mod layers;
mod nearest;
mod schema;
mod sections;
mod shown;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use toml::{Table, Value};

use super::arguments::{Common, PaceArguments};
use super::error::CliError;
use crate::notify::hide_secrets_of_urls;
use crate::problem::{Problem, ProblemCode};
use crate::tracking::Version;
use accounts::ChosenAccount;
use api_key::KeySource;
use keys::{ConfigFile, KEYS, SettingKey, ValueType};
use layers::{
    Layer, LayerOrigin, file_layer, insert, lay_over, option_table, origin_of, scalar_text,
    table_of,
};
use nearest::nearest;
use sections::{
    ApiSettings, CurrencySettings, LinkSettings, MetricsSettings, RetentionSettings,
    SendingSettings,
};
use shown::shown;

pub(super) use after_run::{AfterRunSettings, NotifySettings, NotifyWhen};
pub(super) use keys::{VARIABLE_PREFIX, template};
pub(super) use layers::{ValueOrigin, line_of};
pub(super) use schema::schema;
pub(super) use sections::{ForeignSetting, SaleCall};
pub(super) use shown::ShownSetting;

/// The name of the project's configuration file.
pub(super) const CONFIG_FILE: &str = "fprecon.toml";

/// The file name of the journal where none is set.
pub(super) const DEFAULT_JOURNAL: &str = "fprecon.journal";

/// The effective settings.
#[derive(Clone, Debug)]
pub(super) struct EffectiveSettings {
    pub(super) api: ApiSettings,
    pub(super) send: SendingSettings,
    pub(super) currencies: CurrencySettings,
    pub(super) link: LinkSettings,
    pub(super) retention: RetentionSettings,
    pub(super) metrics: MetricsSettings,
    /// `None` if nobody is notified.
    pub(super) notify: Option<NotifySettings>,
    /// The table `[audit]` as it is written.
    pub(super) audit: Table,
    /// The tables `[exports.NAME]` as they are written.
    pub(super) exports: BTreeMap<String, Table>,
    /// The place of each of them: the file, and the line of its first table.
    pub(super) export_places: BTreeMap<String, (PathBuf, u64)>,
    /// The account of `[accounts]` that the settings are of.
    pub(super) chosen: ChosenAccount,
    pub(super) journal: PathBuf,
    /// The files that settings or `--profile` name; a profile that has no file of its own is none.
    named_files: Vec<PathBuf>,
    /// The configuration files that were read, the user's first.
    pub(super) files: Vec<PathBuf>,
    pub(super) shown: Vec<ShownSetting>,
}

impl EffectiveSettings {
    /// Returns the account's zone, whose days count in reports of sales and in audits.
    ///
    /// # Errors
    ///
    /// `zone` of `[audit]` is not a time zone.
    pub(super) fn zone(&self) -> Result<TimeZone, CliError> {
        zone_of(&self.audit)
    }

    /// Reads the files and the environment, and applies the options, for a command that uses an account or its
    /// journal.
    ///
    /// # Errors
    ///
    /// A setting is not valid, or it is open which of several accounts is meant.
    pub(super) fn load(common: &Common, pace: Option<&PaceArguments>) -> Result<Self, CliError> {
        let settings = Self::load_with(common, pace, project_file(common))?;
        // A sandbox needs no account, and a journal that is named has its own.
        if !common.sandbox && common.journal.is_none() {
            settings.chosen.expect_one()?;
        }
        Ok(settings)
    }

    /// Reads the files and the environment, and applies the options, for a command that uses no account.
    pub(super) fn load_general(common: &Common) -> Result<Self, CliError> {
        Self::load_with(common, None, project_file(common))
    }

    /// Returns the effective settings if there is no project file yet.
    pub(super) fn load_without_project(common: &Common) -> Result<Self, CliError> {
        Self::load_with(common, None, None)
    }

    fn load_with(
        common: &Common,
        pace: Option<&PaceArguments>,
        project_file: Option<PathBuf>,
    ) -> Result<Self, CliError> {
        let mut layers = vec![Layer::new(
            LayerOrigin::Default,
            table_of(|key| key.default.map(str::to_owned)),
        )];
        let user_file = user_config().filter(|path| is_there(path));
        let beside = project_file.clone().or(user_file.clone());
        for path in [user_file, project_file].into_iter().flatten() {
            layers.push(file_layer(&path)?);
        }
        accounts::check_variables(&accounts::names(&layers))?;
        layers.push(Layer::new(LayerOrigin::Environment, environment_table()));
        let chosen = ChosenAccount::new(common.account.as_deref(), &layers)?;
        let journal_of_account = accounts::journal_of(&layers, &chosen);
        let mut layers = accounts::with_account(layers, &chosen);
        layers.push(Layer::new(LayerOrigin::Option, option_table(common, pace)));
        let version = version_of(&layers)?;
        let sandbox = common.sandbox.then_some(version);
        let name = chosen.name().unwrap_or_default().to_owned();
        let (journal, from) = match (&common.journal, journal_of_account) {
            (Some(path), _) => (
                path.clone(),
                ValueOrigin::Option("--journal or FPRECON_JOURNAL"),
            ),
            (None, Some((path, file))) if !common.sandbox => {
                (path, ValueOrigin::Account(file, name))
            }
            (None, _) => (
                default_journal(beside.as_deref(), sandbox, chosen.name()),
                ValueOrigin::Default,
            ),
        };
        let mut settings = Self::merge(layers, chosen, journal, from)?;
        settings
            .named_files
            .extend(common.profile.iter().map(PathBuf::from));
        Ok(settings)
    }

    /// Returns only the defaults, for a command that must not depend on the user's settings.
    pub(super) fn defaults(journal: PathBuf) -> Result<Self, CliError> {
        let layer = Layer::new(
            LayerOrigin::Default,
            table_of(|key| key.default.map(str::to_owned)),
        );
        Self::merge(
            vec![layer],
            ChosenAccount::Only,
            journal,
            ValueOrigin::Default,
        )
    }

    /// Merges the layers; the first one holds the defaults.
    fn merge(
        mut layers: Vec<Layer>,
        chosen: ChosenAccount,
        journal: PathBuf,
        from: ValueOrigin,
    ) -> Result<Self, CliError> {
        let version = version_of(&layers)?;
        base_of_version(&mut layers, version);
        let layers = &*layers;
        let mut merged = Table::new();
        for layer in layers {
            lay_over(&mut merged, &layer.table);
        }
        let config: ConfigFile = Value::Table(merged.clone())
            .try_into()
            .map_err(|error: toml::de::Error| value_error(layers, error.message()))?;
        let key = KeySource::find(layers, &chosen)?;
        let shown = shown(layers, (&chosen, &key), &journal, from);
        let rate_origin = origin_of(layers, "send", "requests_per_minute");
        Ok(EffectiveSettings {
            api: ApiSettings::new(config.api, version, key)?,
            send: SendingSettings::new(&config.send, rate_origin != ValueOrigin::Default)?,
            currencies: CurrencySettings::new(config.currencies)?,
            link: LinkSettings::new(config.link)?,
            retention: RetentionSettings::new(config.retention.after_days)?,
            metrics: MetricsSettings {
                file: config.metrics.file.map(PathBuf::from),
            },
            notify: NotifySettings::new(config.notify)?,
            audit: config.audit,
            exports: config.exports,
            export_places: layers
                .iter()
                .flat_map(|layer| layer.export_places.clone())
                .collect(),
            chosen,
            journal,
            named_files: KEYS
                .iter()
                .filter_map(|key| file_of(&merged, key))
                .collect(),
            files: layers.iter().filter_map(Layer::file).collect(),
            shown,
        })
    }

    /// Returns the files that settings or `--profile` name or come from, by the one name of each.
    pub(super) fn own_files(&self) -> Vec<PathBuf> {
        let all = self.files.iter().chain(&self.named_files);
        all.filter_map(|path| path.canonicalize().ok()).collect()
    }

    /// Returns the account id that is sent with every call: the integration id of v1, the account
    /// id of v2.
    pub(super) fn account(&self) -> Result<&str, CliError> {
        self.chosen.expect_one()?;
        let (account, code, message, key, place) = match self.api.version {
            Version::V1 => (
                &self.api.wid,
                ProblemCode::WidMissing,
                "`wid` (the integration id) is not set",
                "wid",
                "find it in FirstPromoter under Settings > Integrations > Tracking API",
            ),
            Version::V2 => (
                &self.api.account_id,
                ProblemCode::AccountIdMissing,
                "`account_id` is not set, which version 2 of the API needs",
                "account_id",
                "find it in FirstPromoter under Settings > Integrations",
            ),
        };
        account.as_deref().ok_or_else(|| {
            let variable = match self.chosen.name() {
                Some(_) => String::new(),
                None => format!(", or FPRECON_{}", key.to_uppercase()),
            };
            let table = self.chosen.table();
            let hint = format!("set `{key}` under `{table}` in fprecon.toml{variable}; {place}");
            CliError::unusable(Problem::error(code, message).hint(hint))
        })
    }
}

/// Returns the file that a setting names, if it is a path.
fn file_of(merged: &Table, key: &SettingKey) -> Option<PathBuf> {
    let value = merged.get(key.table)?.as_table()?.get(key.key)?.as_str()?;
    (key.values == ValueType::Path && !value.is_empty()).then(|| PathBuf::from(value))
}

/// Returns the version that the last layer sets.
fn version_of(layers: &[Layer]) -> Result<Version, CliError> {
    let named = layers
        .iter()
        .rev()
        .find_map(|layer| {
            let api = layer.table.get("api").and_then(Value::as_table)?;
            api.get("version").map(scalar_text)
        })
        .unwrap_or_default();
    named.parse().map_err(|_| {
        CliError::unusable(
            Problem::error(
                ProblemCode::ConfigInvalid,
                "not a version of the Tracking API",
            )
            .setting("api.version", &named)
            .hint("use `v1` or `v2`"),
        )
    })
}

/// Sets the vendor's address for the version as the default.
fn base_of_version(layers: &mut [Layer], version: Version) {
    if let Some(defaults) = layers.first_mut() {
        let base = Value::String(version.default_base_url().to_owned());
        insert(&mut defaults.table, "api", "base_url", base);
    }
}

/// The keys of the table `[audit]`.
const AUDIT_KEYS: [&str; 9] = [
    "alias",
    "match_by_customer",
    "match_days",
    "pending_days",
    "rounding",
    "rule",
    "tolerance_cents",
    "volume",
    "zone",
];

/// Returns the zone whose days count in reports and audits; UTC where none is set.
///
/// # Errors
///
/// It is not a time zone, or the table has a key that is not known: that may be a misspelled `zone`.
fn zone_of(audit: &Table) -> Result<TimeZone, CliError> {
    if let Some((key, value)) = audit
        .iter()
        .find(|(key, _)| !AUDIT_KEYS.contains(&key.as_str()))
    {
        let message = "`[audit]`, which has the zone, has a key that is not known";
        let hint = match nearest(key, AUDIT_KEYS, 0.7, |known| known) {
            Some(known) => format!("did you mean `{known}`? Otherwise remove it"),
            None => format!("remove it; the keys are {}", AUDIT_KEYS.join(", ")),
        };
        return Err(CliError::unusable(
            Problem::error(ProblemCode::ConfigInvalid, message)
                .cell(format!("audit.{key}"), &scalar_text(value))
                .hint(hint),
        ));
    }
    let Some(zone) = audit.get("zone") else {
        return Ok(TimeZone::UTC);
    };
    let name = scalar_text(zone);
    TimeZone::get(&name).map_err(|_| {
        CliError::unusable(
            Problem::error(ProblemCode::ConfigInvalid, "this is not a time zone")
                .setting("audit.zone", &name)
                .hint("write it like `Europe/Berlin`"),
        )
    })
}

/// Returns the `[exports.…]` tables of a configuration that is not on disk yet, with the usual
/// checks.
pub(super) fn exports_of(text: &str) -> Result<BTreeMap<String, Table>, toml::de::Error> {
    toml::from_str::<ConfigFile>(text).map(|config| config.exports)
}

/// Returns the error of a value from the environment or an option that does not fit its key.
fn value_error(layers: &[Layer], message: &str) -> CliError {
    let variables: Vec<String> = KEYS
        .iter()
        .filter_map(|key| match origin_of(layers, key.table, key.key) {
            ValueOrigin::Variable(name) => Some(format!("`{name}`")),
            _ => None,
        })
        .collect();
    let message = hide_secrets_of_urls(message.trim());
    let problem = Problem::error(ProblemCode::ConfigInvalid, message);
    CliError::unusable(if variables.is_empty() {
        problem
    } else {
        problem.hint(format!("check {} in the environment", variables.join(", ")))
    })
}

/// Returns the default path of the journal: beside the configuration; a sandbox has a journal of
/// its own for each version, and so has each account.
fn default_journal(
    config: Option<&Path>,
    sandbox: Option<Version>,
    account: Option<&str>,
) -> PathBuf {
    let sandbox = match sandbox {
        Some(Version::V1) => "-sandbox",
        Some(Version::V2) => "-sandbox-v2",
        None => "",
    };
    let name = match (sandbox, account) {
        ("", None) => DEFAULT_JOURNAL.to_owned(),
        (sandbox, None) => format!("fprecon{sandbox}.journal"),
        (sandbox, Some(account)) => format!("fprecon{sandbox}-{account}.journal"),
    };
    match config.and_then(Path::parent) {
        Some(directory) => directory.join(name),
        None => PathBuf::from(name),
    }
}

/// Returns the project's configuration file, if there is one or this call names one.
fn project_file(common: &Common) -> Option<PathBuf> {
    match &common.config {
        Some(path) => Some(path.clone()),
        None => Some(PathBuf::from(CONFIG_FILE)).filter(|path| is_there(path)),
    }
}

/// Returns `true` if anything has this name, also if it can't be read: the settings that it should have would not
/// count without a word.
fn is_there(path: &Path) -> bool {
    let is_absent =
        |error: &io::Error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
    path.symlink_metadata()
        .map_or_else(|error| !is_absent(&error), |_| true)
}

/// Returns the configuration files of this call, the user's first.
fn files(common: &Common) -> Vec<PathBuf> {
    let user_file = user_config().filter(|path| is_there(path));
    user_file.into_iter().chain(project_file(common)).collect()
}

fn environment_table() -> Table {
    table_of(|key| {
        let value = std::env::var(key.variable?).ok();
        value.filter(|value| !value.is_empty())
    })
}

fn user_config() -> Option<PathBuf> {
    let directory = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".config")))?;
    Some(directory.join("fprecon").join(CONFIG_FILE))
}

#[cfg(all(test, feature = "polars"))]
mod tests {
    use super::*;
    use crate::audit::AuditRules;

    #[test]
    fn the_keys_of_audit_are_those_that_the_audit_reads() {
        let own = AuditRules::KEYS.into_iter().map(|(key, _)| key);
        let mut all: Vec<&str> = own.chain(["alias", "rule"]).collect();
        all.sort_unstable();
        assert_eq!(all, AUDIT_KEYS);
    }
}
