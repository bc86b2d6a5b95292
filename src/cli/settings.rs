//! The effective settings, and their origins.
//!
//! The order of precedence is: option, environment, project file, user file, default. Every scalar
//! setting is one row of `KEYS`, so that `fprecon config` can show them all.

mod accounts;
mod after_run;
mod api_key;
mod keys;
mod layers;
mod schema;
mod shown;

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use toml::{Table, Value};

use super::arguments::{Common, PaceArguments};
use super::error::CliError;
use crate::bounded::{self, CERTIFICATES_BYTES};
use crate::event::{Currency, Decimals, NamedUids};
use crate::notify::hide_secrets_of_urls;
use crate::problem::{Problem, ProblemCode};
use crate::shell_word::shell_word;
use crate::tracking::{ApiKey, Timeouts, Version};
use accounts::Chosen;
use api_key::KeySource;
use keys::{ConfigFile, KEYS, Key, ValueType};
use layers::{
    Layer, LayerOrigin, file_layer, insert, lay_over, option_table, origin_of, scalar_text,
    table_of,
};
use shown::shown;

pub(super) use after_run::{AfterRunSettings, NotifySettings, NotifyWhen};
pub(super) use keys::template;
pub(super) use layers::{Origin, line_of};
pub(super) use schema::schema;
pub(super) use shown::Shown;

/// The name of the project's configuration file.
pub(super) const CONFIG_FILE: &str = "fprecon.toml";

/// The file name of the journal where none is set.
pub(super) const DEFAULT_JOURNAL: &str = "fprecon.journal";
/// The first characters of every variable of this program.
pub(super) const VARIABLE_PREFIX: &str = "FPRECON_";

/// The setting for amounts in other currencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ForeignSetting {
    Send,
    Hold,
    /// Amounts are converted with this file of rates.
    Convert(PathBuf),
}

/// The effective settings.
#[derive(Clone, Debug)]
pub(super) struct EffectiveSettings {
    pub(super) version: Version,
    pub(super) base_url: String,
    pub(super) wid: Option<String>,
    account_id: Option<String>,
    ca_file: Option<PathBuf>,
    key: KeySource,
    /// The account of `[accounts]` that the settings are of.
    pub(super) chosen: Chosen,
    pub(super) account_currency: Currency,
    /// The treatment of other currencies; with a version without conversion it is never `Convert`.
    pub(super) foreign: ForeignSetting,
    /// The file of rates, also for other treatments of foreign amounts: the audit uses it for
    /// comparisons.
    pub(super) rates: Option<PathBuf>,
    /// The number of decimals that the API expects, for currencies in which that is set.
    pub(super) decimals: Decimals,
    pub(super) cancellation_event_id: bool,
    pub(super) timeouts: Timeouts,
    pub(super) requests_per_minute: NonZeroU32,
    /// `true` if the request rate was set by the user.
    pub(super) rate_is_chosen: bool,
    pub(super) concurrency: NonZeroUsize,
    pub(super) notify_promoters: bool,
    pub(super) infer_non_referrals: bool,
    /// `true` if the account's leads are fetched before events are sent.
    pub(super) lead_list: bool,
    pub(super) give_up_after_seconds: NonZeroU32,
    pub(super) stop_after_same_refusals: NonZeroU32,
    /// `true` if a refund that names no sale is linked with the only sale of its customer that it
    /// can reverse.
    pub(super) match_by_customer: bool,
    /// `true` if refunds whose sale is not found are sent without it.
    pub(super) send_unlinked: bool,
    /// The file that names the sales of refunds.
    pub(super) resolutions: Option<PathBuf>,
    /// The ids that are one customer's each, and the values that several customers share.
    pub(super) named_uids: NamedUids,
    /// The number of days after which the details of settled runs are removed; `None` keeps them.
    pub(super) retention_days: Option<NonZeroU32>,
    /// The file of metrics, which is written when a run has ended.
    metrics_file: Option<PathBuf>,
    notify: Option<NotifySettings>,
    /// The table `[audit]` as it is written.
    pub(super) audit: Table,
    /// The files that settings name.
    named_files: Vec<PathBuf>,
    /// The configuration files that were read, the user's first.
    pub(super) files: Vec<PathBuf>,
    pub(super) exports: BTreeMap<String, Table>,
    /// The place of each of them: the file, and the line of its first table.
    pub(super) export_places: BTreeMap<String, (PathBuf, u64)>,
    pub(super) journal: PathBuf,
    pub(super) shown: Vec<Shown>,
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
        let user_file = user_config().filter(|path| path.is_file());
        let beside = project_file.clone().or(user_file.clone());
        for path in [user_file, project_file].into_iter().flatten() {
            layers.push(file_layer(&path)?);
        }
        accounts::check_variables(&accounts::names(&layers))?;
        layers.push(Layer::new(LayerOrigin::Environment, environment_table()));
        let chosen = Chosen::new(common.account.as_deref(), &layers)?;
        let journal_of_account = accounts::journal_of(&layers, &chosen);
        let mut layers = accounts::with_account(layers, &chosen);
        layers.push(Layer::new(LayerOrigin::Option, option_table(common, pace)));
        let version = version_of(&layers)?;
        let sandbox = common.sandbox.then_some(version);
        let name = chosen.name().unwrap_or_default().to_owned();
        let (journal, from) = match (&common.journal, journal_of_account) {
            (Some(path), _) => (path.clone(), Origin::Option("--journal or FPRECON_JOURNAL")),
            (None, Some((path, file))) if !common.sandbox => (path, Origin::Account(file, name)),
            (None, _) => (
                default_journal(beside.as_deref(), sandbox, chosen.name()),
                Origin::Default,
            ),
        };
        Self::merge(layers, chosen, journal, from)
    }

    /// Returns only the defaults, for a command that must not depend on the user's settings.
    pub(super) fn defaults(journal: PathBuf) -> Result<Self, CliError> {
        let layer = Layer::new(
            LayerOrigin::Default,
            table_of(|key| key.default.map(str::to_owned)),
        );
        Self::merge(vec![layer], Chosen::Only, journal, Origin::Default)
    }

    /// Merges the layers; the first one holds the defaults.
    fn merge(
        mut layers: Vec<Layer>,
        chosen: Chosen,
        journal: PathBuf,
        from: Origin,
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
        let (api, send, currencies, link) =
            (config.api, config.send, config.currencies, config.link);
        let missing = || {
            CliError::unusable(Problem::error(
                ProblemCode::ConfigInvalid,
                "a setting has no value",
            ))
        };
        let base_url = api.base_url.ok_or_else(missing)?;
        check_base(&base_url, version)?;
        let cancellation_event_id = api.cancellation_event_id.ok_or_else(missing)?;
        let seconds = |seconds: Option<NonZeroU32>| {
            let seconds = seconds.ok_or_else(missing)?;
            Ok::<_, CliError>(Duration::from_secs(seconds.get().into()))
        };
        let timeouts = Timeouts {
            connect: seconds(send.connect_timeout_seconds)?,
            read: seconds(send.read_timeout_seconds)?,
            total: seconds(send.request_timeout_seconds)?,
        };
        let rate_origin = origin_of(layers, "send", "requests_per_minute");
        let key = KeySource::find(layers, &chosen)?;
        Ok(EffectiveSettings {
            version,
            base_url,
            wid: api.wid.filter(|wid| !wid.trim().is_empty()),
            account_id: api.account_id.filter(|id| !id.trim().is_empty()),
            ca_file: api.ca_file.map(PathBuf::from),
            account_currency: account_currency(&api.account_currency.ok_or_else(missing)?)?,
            cancellation_event_id: cancellation_event_id
                && version.may_take_cancellation_event_id(),
            timeouts,
            rates: currencies
                .rates
                .clone()
                .filter(|rates| !rates.is_empty())
                .map(PathBuf::from),
            foreign: foreign(&currencies.foreign.ok_or_else(missing)?, currencies.rates)?,
            decimals: decimals(currencies.decimals)?,
            requests_per_minute: send.requests_per_minute.ok_or_else(missing)?,
            rate_is_chosen: rate_origin != Origin::Default,
            concurrency: send.concurrency.ok_or_else(missing)?,
            notify_promoters: send.notify_promoters.ok_or_else(missing)?,
            infer_non_referrals: send.infer_non_referrals.ok_or_else(missing)?,
            lead_list: send.lead_list.ok_or_else(missing)?,
            give_up_after_seconds: send.give_up_after_seconds.ok_or_else(missing)?,
            stop_after_same_refusals: send.stop_after_same_refusals.ok_or_else(missing)?,
            match_by_customer: link.match_by_customer.ok_or_else(missing)?,
            send_unlinked: link.send_unlinked.ok_or_else(missing)?,
            resolutions: link
                .resolutions
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            named_uids: NamedUids::new(
                &link.customer_uids.unwrap_or_default(),
                &link.shared_uids.unwrap_or_default(),
            )
            .map_err(|uid| in_both_lists(&uid))?,
            retention_days: config.retention.after_days,
            metrics_file: config.metrics.file.map(PathBuf::from),
            notify: NotifySettings::new(config.notify)?,
            audit: config.audit,
            named_files: KEYS
                .iter()
                .filter_map(|key| file_of(&merged, key))
                .collect(),
            files: layers.iter().filter_map(Layer::file).collect(),
            exports: config.exports,
            export_places: layers
                .iter()
                .flat_map(|layer| layer.export_places.clone())
                .collect(),
            shown: shown(layers, (&chosen, &key), &journal, from),
            key,
            chosen,
            journal,
        })
    }

    /// Returns the files that settings name or come from, by the one name of each.
    pub(super) fn own_files(&self) -> Vec<PathBuf> {
        let all = self.files.iter().chain(&self.named_files);
        all.filter_map(|path| path.canonicalize().ok()).collect()
    }

    /// Returns `true` if something other than the environment has the API key.
    pub(super) fn has_stored_key(&self) -> bool {
        matches!(self.key, KeySource::File(_) | KeySource::Command(_))
    }

    /// Returns `true` if a command prints the API key.
    pub(super) fn has_key_command(&self) -> bool {
        matches!(self.key, KeySource::Command(_))
    }

    /// Returns the API key; runs `key_command` if that has it.
    ///
    /// # Errors
    ///
    /// There is no key, or it can't be read.
    pub(super) fn api_key(&self) -> Result<ApiKey, CliError> {
        self.key.read()
    }

    /// Returns where the API key comes from, in words.
    pub(super) fn key_source(&self) -> String {
        match &self.key {
            KeySource::Nothing | KeySource::NothingFor(_) => "nowhere".to_owned(),
            KeySource::Variable(name) => format!("{name} of the environment"),
            KeySource::File(path) => path.display().to_string(),
            KeySource::Command(words) => {
                let program = words.first().map_or("", String::as_str);
                format!("what the command `{program}` prints")
            }
        }
    }

    /// Returns a warning if users other than the owner can read or write the key file.
    #[cfg(unix)]
    pub(super) fn key_file_warning(&self) -> Option<Problem> {
        use std::os::unix::fs::PermissionsExt;

        const OTHERS: u32 = 0o066;
        let KeySource::File(path) = &self.key else {
            return None;
        };
        let found = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let name = path.display().to_string();
        (found.permissions().mode() & OTHERS != 0).then(|| {
            let message = "other users of this machine can read or change the file of the API key";
            let hint = format!("restrict it to yourself: `chmod 600 {}`", shell_word(&name));
            Problem::warning(ProblemCode::KeyFileReadable, message)
                .at(name, None)
                .hint(hint)
        })
    }

    /// Returns `None`: on this system files have no such permissions.
    #[cfg(not(unix))]
    pub(super) fn key_file_warning(&self) -> Option<Problem> {
        None
    }

    /// Returns the account id that is sent with every call: the integration id of v1, the account
    /// id of v2.
    pub(super) fn account(&self) -> Result<&str, CliError> {
        self.chosen.expect_one()?;
        let (account, code, message, key, place) = match self.version {
            Version::V1 => (
                &self.wid,
                ProblemCode::WidMissing,
                "`wid` (the integration id) is not set",
                "wid",
                "find it in FirstPromoter under Settings > Integrations > Tracking API",
            ),
            Version::V2 => (
                &self.account_id,
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

    /// Returns the additional trusted certificates, as PEM.
    pub(super) fn ca_pem(&self) -> Result<Option<Vec<u8>>, CliError> {
        let Some(path) = &self.ca_file else {
            return Ok(None);
        };
        let failed = |message: String| {
            CliError::unusable(
                Problem::error(ProblemCode::CaFileUnusable, message)
                    .at(path.display().to_string(), None),
            )
        };
        bounded::read(path, CERTIFICATES_BYTES)
            .map(Some)
            .map_err(|error| failed(format!("the certificates can't be read: {error}")))
    }
}

/// Returns the file that a setting names, if it is a path.
fn file_of(merged: &Table, key: &Key) -> Option<PathBuf> {
    let value = merged.get(key.table)?.as_table()?.get(key.key)?.as_str()?;
    (key.values == ValueType::Path && !value.is_empty()).then(|| PathBuf::from(value))
}

/// Returns the version that the last layer sets.
fn version_of(layers: &[Layer]) -> Result<Version, CliError> {
    let named = layers.iter().rev().find_map(|layer| {
        let api = layer.table.get("api").and_then(Value::as_table)?;
        api.get("version").map(scalar_text)
    });
    let named = named.unwrap_or_default();
    named.parse().map_err(|_| {
        CliError::unusable(
            Problem::error(
                ProblemCode::ConfigInvalid,
                "not a version of the Tracking API",
            )
            .cell("api.version", &named)
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

/// An address that says itself that it is of the other version would refuse every event.
fn check_base(base_url: &str, version: Version) -> Result<(), CliError> {
    let other = match version {
        Version::V1 => Version::V2,
        Version::V2 => Version::V1,
    };
    let ending = format!("/{other}");
    if !base_url.trim_end_matches('/').ends_with(&ending) {
        return Ok(());
    }
    Err(CliError::unusable(
        Problem::error(
            ProblemCode::ConfigInvalid,
            format!("the base URL is for {other}, but the version is {version}"),
        )
        .cell("api.base_url", base_url)
        .hint("set `version` (or `--api`) and `base_url` to the same version, or leave out `base_url`"),
    ))
}

/// The zone whose days count in reports and audits; UTC where none is set.
fn zone_of(audit: &Table) -> Result<TimeZone, CliError> {
    let Some(zone) = audit.get("zone") else {
        return Ok(TimeZone::UTC);
    };
    let name = scalar_text(zone);
    TimeZone::get(&name).map_err(|_| {
        CliError::unusable(
            Problem::error(ProblemCode::ConfigInvalid, "this is not a time zone")
                .cell("audit.zone", &name)
                .hint("write it like `Europe/Berlin`"),
        )
    })
}

fn account_currency(code: &str) -> Result<Currency, CliError> {
    currency_setting("api.account_currency", code)
}

fn currency_setting(key: &str, code: &str) -> Result<Currency, CliError> {
    let currency = Currency::from_code(code);
    let money = currency.filter(|currency| currency.not_money().is_none());
    money.ok_or_else(|| {
        CliError::unusable(
            Problem::error(ProblemCode::ConfigInvalid, "not an ISO 4217 currency code")
                .cell(key, code)
                .hint("use a three-letter code such as `USD`"),
        )
    })
}

fn foreign(word: &str, rates: Option<String>) -> Result<ForeignSetting, CliError> {
    let invalid = |message: &str, hint: &str| {
        let problem = Problem::error(ProblemCode::ConfigInvalid, message.to_owned());
        let problem = problem.cell("currencies.foreign", word);
        CliError::unusable(problem.hint(hint))
    };
    match (word, rates.filter(|rates| !rates.is_empty())) {
        ("send", _) => Ok(ForeignSetting::Send),
        ("hold", _) => Ok(ForeignSetting::Hold),
        ("convert", Some(rates)) => Ok(ForeignSetting::Convert(PathBuf::from(rates))),
        ("convert", None) => Err(invalid(
            "amounts can't be converted without rates",
            "set `rates` under `[currencies]` to a CSV with the columns `date,currency,rate`",
        )),
        _ => Err(invalid(
            "not a valid value for `foreign`",
            "use `send`, `convert` or `hold`",
        )),
    }
}

/// Returns the error for a uid that the user names as one customer's and as shared.
fn in_both_lists(uid: &str) -> CliError {
    let message = "a uid can't be one customer's and shared";
    let problem = Problem::error(ProblemCode::ConfigInvalid, message);
    let problem = problem.cell("link.shared_uids", uid);
    CliError::unusable(problem.hint("remove it from `customer_uids` or from `shared_uids`"))
}

/// Reads the table `[currencies.decimals]`: a currency and 0 to 3.
fn decimals(table: BTreeMap<String, u32>) -> Result<Decimals, CliError> {
    let mut decimals = Decimals::default();
    for (code, digits) in table {
        let currency = currency_setting(&format!("currencies.decimals.{code}"), &code)?;
        if digits > Decimals::MOST {
            let problem = Problem::error(
                ProblemCode::ConfigInvalid,
                format!("a currency has 0 to {} decimals", Decimals::MOST),
            );
            let problem = problem.cell(format!("currencies.decimals.{code}"), &digits.to_string());
            return Err(CliError::unusable(problem));
        }
        decimals.set(currency, digits);
    }
    Ok(decimals)
}

/// Returns the `[exports.…]` tables of a configuration that is not on disk yet, with the usual
/// checks.
pub(super) fn exports_of(text: &str) -> Result<BTreeMap<String, Table>, toml::de::Error> {
    toml::from_str::<ConfigFile>(text).map(|config| config.exports)
}

/// Returns the error of a value from the environment or an option that does not fit its key.
fn value_error(layers: &[Layer], message: &str) -> CliError {
    let variables = KEYS
        .iter()
        .filter_map(|key| match origin_of(layers, key.table, key.key) {
            Origin::Variable(name) => Some(format!("`{name}`")),
            _ => None,
        });
    let variables: Vec<String> = variables.collect();
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
        None => Some(PathBuf::from(CONFIG_FILE)).filter(|path| path.is_file()),
    }
}

/// Returns the configuration files of this call, the user's first.
fn files(common: &Common) -> Vec<PathBuf> {
    let user_file = user_config().filter(|path| path.is_file());
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
