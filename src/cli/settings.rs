//! What is in force, and where it comes from.
//!
//! Precedence: option, environment, project file, user file, default. Every scalar setting is one
//! row of [`KEYS`], so that `fprecon config` can show them all.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::{Table, Value};

use super::arguments::{Common, PaceArguments};
use super::error::CliError;
use crate::event::Currency;
use crate::problem::Problem;
use crate::tracking::{ApiKey, Timeouts, Version};

/// The name of the project's configuration.
pub(super) const CONFIG_FILE: &str = "fprecon.toml";
/// Certificates of a whole system are smaller.
const MAX_CA_FILE_BYTES: u64 = 4 * 1024 * 1024;
/// Where the key is read from, if it is not in a file.
const KEY_VARIABLE: &str = "FPRECON_API_KEY";

/// A configuration file, as the contract has it. Unknown keys are errors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    #[serde(default)]
    api: ApiTable,
    #[serde(default)]
    send: SendTable,
    #[serde(default)]
    currencies: CurrenciesTable,
    #[serde(default)]
    link: LinkTable,
    /// Checked by the audit, which knows its rules.
    #[serde(default)]
    audit: Table,
    #[serde(default)]
    exports: BTreeMap<String, Table>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ApiTable {
    version: Option<String>,
    base_url: Option<String>,
    wid: Option<String>,
    account_id: Option<String>,
    key_file: Option<String>,
    account_currency: Option<String>,
    cancellation_event_id: Option<bool>,
    ca_file: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SendTable {
    requests_per_minute: Option<NonZeroU32>,
    concurrency: Option<NonZeroUsize>,
    notify_promoters: Option<bool>,
    infer_non_referrals: Option<bool>,
    lead_list: Option<bool>,
    give_up_after_seconds: Option<NonZeroU32>,
    connect_timeout_seconds: Option<NonZeroU32>,
    read_timeout_seconds: Option<NonZeroU32>,
    request_timeout_seconds: Option<NonZeroU32>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CurrenciesTable {
    foreign: Option<String>,
    rates: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LinkTable {
    match_by_customer: Option<bool>,
    send_unlinked: Option<bool>,
    resolutions: Option<String>,
}

/// A setting: its table and key in the file, its variable, its default.
struct Key {
    table: &'static str,
    key: &'static str,
    variable: &'static str,
    default: Option<&'static str>,
}

const fn key(
    table: &'static str,
    key: &'static str,
    variable: &'static str,
    default: Option<&'static str>,
) -> Key {
    Key {
        table,
        key,
        variable,
        default,
    }
}

const KEYS: [Key; 22] = [
    key("api", "version", "FPRECON_API", Some("v1")),
    // Its default goes with the version: see `base_of_version`.
    key("api", "base_url", "FPRECON_BASE_URL", None),
    key("api", "wid", "FPRECON_WID", None),
    key("api", "account_id", "FPRECON_ACCOUNT_ID", None),
    key("api", "key_file", "FPRECON_API_KEY_FILE", None),
    key(
        "api",
        "account_currency",
        "FPRECON_ACCOUNT_CURRENCY",
        Some("USD"),
    ),
    key(
        "api",
        "cancellation_event_id",
        "FPRECON_CANCELLATION_EVENT_ID",
        Some("false"),
    ),
    key("api", "ca_file", "FPRECON_CA_FILE", None),
    key(
        "send",
        "requests_per_minute",
        "FPRECON_REQUESTS_PER_MINUTE",
        Some("380"),
    ),
    key("send", "concurrency", "FPRECON_CONCURRENCY", Some("16")),
    key(
        "send",
        "notify_promoters",
        "FPRECON_NOTIFY_PROMOTERS",
        Some("false"),
    ),
    key(
        "send",
        "infer_non_referrals",
        "FPRECON_INFER_NON_REFERRALS",
        Some("true"),
    ),
    key("send", "lead_list", "FPRECON_LEAD_LIST", Some("false")),
    key(
        "send",
        "give_up_after_seconds",
        "FPRECON_GIVE_UP_AFTER_SECONDS",
        Some("120"),
    ),
    key(
        "send",
        "connect_timeout_seconds",
        "FPRECON_CONNECT_TIMEOUT_SECONDS",
        Some("10"),
    ),
    key(
        "send",
        "read_timeout_seconds",
        "FPRECON_READ_TIMEOUT_SECONDS",
        Some("20"),
    ),
    key(
        "send",
        "request_timeout_seconds",
        "FPRECON_REQUEST_TIMEOUT_SECONDS",
        Some("45"),
    ),
    key(
        "currencies",
        "foreign",
        "FPRECON_FOREIGN_CURRENCIES",
        Some("send"),
    ),
    key("currencies", "rates", "FPRECON_RATES", None),
    key(
        "link",
        "match_by_customer",
        "FPRECON_MATCH_BY_CUSTOMER",
        Some("false"),
    ),
    key(
        "link",
        "send_unlinked",
        "FPRECON_SEND_UNLINKED",
        Some("false"),
    ),
    key("link", "resolutions", "FPRECON_RESOLUTIONS", None),
];

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Default,
    File(PathBuf),
    Variable(&'static str),
    Option(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Variable(name) => f.write_str(name),
            Origin::Option(name) => f.write_str(name),
        }
    }
}

/// A setting as `fprecon config` shows it.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) value: Option<String>,
    pub(super) origin: Origin,
}

/// What is done with amounts in other currencies, as it is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ForeignSetting {
    Send,
    Hold,
    /// By this rates file.
    Convert(PathBuf),
}

/// Everything that is in force.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) version: Version,
    pub(super) base_url: String,
    pub(super) wid: Option<String>,
    account_id: Option<String>,
    ca_file: Option<PathBuf>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) account_currency: Currency,
    /// Never with a version that takes none.
    pub(super) foreign: ForeignSetting,
    pub(super) cancellation_event_id: bool,
    pub(super) timeouts: Timeouts,
    pub(super) requests_per_minute: NonZeroU32,
    /// Whether the rate is the user's own and not the default.
    pub(super) rate_is_chosen: bool,
    pub(super) concurrency: NonZeroUsize,
    pub(super) notify_promoters: bool,
    pub(super) infer_non_referrals: bool,
    /// Whether the account's leads are fetched before events are sent.
    pub(super) lead_list: bool,
    pub(super) give_up_after_seconds: NonZeroU32,
    /// Whether a refund that names no sale takes the only one of its customer that it can undo.
    pub(super) match_by_customer: bool,
    /// Whether refunds whose sale is not found are sent without it.
    pub(super) send_unlinked: bool,
    /// The file that names the sales of refunds.
    pub(super) resolutions: Option<PathBuf>,
    /// The table `[audit]`, as it is written.
    #[cfg_attr(
        not(feature = "polars"),
        expect(dead_code, reason = "this build has no audit")
    )]
    pub(super) audit: Table,
    /// The configuration files that were read, the user's first.
    #[cfg_attr(
        not(feature = "polars"),
        expect(dead_code, reason = "only the audit looks for its table in them")
    )]
    pub(super) files: Vec<PathBuf>,
    pub(super) exports: BTreeMap<String, Table>,
    /// Where each of them stands: the file, and the line of its first table.
    pub(super) export_places: BTreeMap<String, (PathBuf, u64)>,
    pub(super) journal: PathBuf,
    pub(super) shown: Vec<Shown>,
}

/// One place where values come from, in rising precedence.
struct Layer {
    origin: LayerOrigin,
    table: Table,
    /// Of a file: as in [`Settings::export_places`].
    export_places: BTreeMap<String, (PathBuf, u64)>,
}

impl Layer {
    fn new(origin: LayerOrigin, table: Table) -> Self {
        Layer {
            origin,
            table,
            export_places: BTreeMap::new(),
        }
    }

    fn file(&self) -> Option<PathBuf> {
        match &self.origin {
            LayerOrigin::File(path) => Some(path.clone()),
            _ => None,
        }
    }
}

enum LayerOrigin {
    Default,
    File(PathBuf),
    Environment,
    Option,
}

impl Settings {
    /// Reads files and environment, and lays the options over them.
    pub(super) fn load(common: &Common, pace: Option<&PaceArguments>) -> Result<Self, CliError> {
        let project_file = match &common.config {
            Some(path) => Some(path.clone()),
            None => Some(PathBuf::from(CONFIG_FILE)).filter(|path| path.is_file()),
        };
        Self::load_with(common, pace, project_file)
    }

    /// What is in force where there is no project file yet.
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
        layers.push(Layer::new(
            LayerOrigin::Environment,
            table_of(|key| std::env::var(key.variable).ok().filter(|v| !v.is_empty())),
        ));
        layers.push(Layer::new(LayerOrigin::Option, option_table(common, pace)));
        let version = version_of(&layers)?;
        let (journal, from) = match &common.journal {
            Some(path) => (path.clone(), Origin::Option("--journal or FPRECON_JOURNAL")),
            None => (
                default_journal(beside.as_deref(), common.sandbox.then_some(version)),
                Origin::Default,
            ),
        };
        Self::merge(layers, journal, from)
    }

    /// The defaults alone, for a command that nothing of the user's may change.
    pub(super) fn defaults(journal: PathBuf) -> Result<Self, CliError> {
        let layer = Layer::new(
            LayerOrigin::Default,
            table_of(|key| key.default.map(str::to_owned)),
        );
        Self::merge(vec![layer], journal, Origin::Default)
    }

    /// The layers laid over each other; the first one holds the defaults.
    fn merge(mut layers: Vec<Layer>, journal: PathBuf, from: Origin) -> Result<Self, CliError> {
        let version = version_of(&layers)?;
        base_of_version(&mut layers, version);
        let layers = &*layers;
        let mut merged = Table::new();
        for layer in layers {
            lay_over(&mut merged, &layer.table);
        }
        let config: ConfigFile = Value::Table(merged)
            .try_into()
            .map_err(|error: toml::de::Error| value_error(layers, error.message()))?;
        let (api, send, currencies, link) =
            (config.api, config.send, config.currencies, config.link);
        let missing =
            || CliError::unusable(Problem::error("config-invalid", "a setting has no value"));
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
        Ok(Settings {
            version,
            base_url,
            wid: api.wid.filter(|wid| !wid.trim().is_empty()),
            account_id: api.account_id.filter(|id| !id.trim().is_empty()),
            ca_file: api.ca_file.map(PathBuf::from),
            key_file: api.key_file.map(PathBuf::from),
            account_currency: account_currency(&api.account_currency.ok_or_else(missing)?)?,
            cancellation_event_id: cancellation_event_id
                && version.may_take_cancellation_event_id(),
            timeouts,
            foreign: foreign(&currencies.foreign.ok_or_else(missing)?, currencies.rates)?,
            requests_per_minute: send.requests_per_minute.ok_or_else(missing)?,
            rate_is_chosen: rate_origin != Origin::Default,
            concurrency: send.concurrency.ok_or_else(missing)?,
            notify_promoters: send.notify_promoters.ok_or_else(missing)?,
            infer_non_referrals: send.infer_non_referrals.ok_or_else(missing)?,
            lead_list: send.lead_list.ok_or_else(missing)?,
            give_up_after_seconds: send.give_up_after_seconds.ok_or_else(missing)?,
            match_by_customer: link.match_by_customer.ok_or_else(missing)?,
            send_unlinked: link.send_unlinked.ok_or_else(missing)?,
            resolutions: link
                .resolutions
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            audit: config.audit,
            files: layers.iter().filter_map(Layer::file).collect(),
            exports: config.exports,
            export_places: layers
                .iter()
                .flat_map(|layer| layer.export_places.clone())
                .collect(),
            shown: shown(layers, &journal, from),
            journal,
        })
    }

    /// The API key: from the environment, else from a file. Never from an argument.
    pub(super) fn api_key(&self) -> Result<ApiKey, CliError> {
        if let Some(key) = std::env::var(KEY_VARIABLE)
            .ok()
            .and_then(|key| ApiKey::new(&key))
        {
            return Ok(key);
        }
        let Some(path) = &self.key_file else {
            return Err(CliError::unusable(
                Problem::error("key-missing", "there is no API key").hint(
                    "set FPRECON_API_KEY, or name a file with `--api-key-file` or `api.key_file`; the key stands in FirstPromoter's settings",
                ),
            ));
        };
        let text = std::fs::read_to_string(path).map_err(|error| {
            CliError::unusable(
                Problem::error("key-missing", format!("the API key can't be read: {error}"))
                    .at(path.display().to_string(), None),
            )
        })?;
        ApiKey::new(&text).ok_or_else(|| {
            CliError::unusable(
                Problem::error("key-missing", "the file of the API key is empty")
                    .at(path.display().to_string(), None),
            )
        })
    }

    /// What names the account with every call: the integration id of v1, the account id of v2.
    pub(super) fn account(&self) -> Result<&str, CliError> {
        let (account, code, message, hint) = match self.version {
            Version::V1 => (
                &self.wid,
                "wid-missing",
                "the account's integration id is not known",
                "set `wid` under `[api]` in fprecon.toml, or FPRECON_WID; it stands in FirstPromoter under Settings > Integrations > Tracking API",
            ),
            Version::V2 => (
                &self.account_id,
                "account-id-missing",
                "the account's id is not known, which version 2 of the API needs",
                "set `account_id` under `[api]` in fprecon.toml, or FPRECON_ACCOUNT_ID; it stands in FirstPromoter under Settings > Integrations",
            ),
        };
        account
            .as_deref()
            .ok_or_else(|| CliError::unusable(Problem::error(code, message).hint(hint)))
    }

    /// Certificates that are trusted beside this machine's, as PEM.
    pub(super) fn ca_pem(&self) -> Result<Option<Vec<u8>>, CliError> {
        let Some(path) = &self.ca_file else {
            return Ok(None);
        };
        let failed = |message: String| {
            CliError::unusable(
                Problem::error("ca-file-unusable", message).at(path.display().to_string(), None),
            )
        };
        let file = std::fs::File::open(path)
            .map_err(|error| failed(format!("the certificates can't be read: {error}")))?;
        let mut pem = Vec::new();
        file.take(MAX_CA_FILE_BYTES + 1)
            .read_to_end(&mut pem)
            .map_err(|error| failed(format!("the certificates can't be read: {error}")))?;
        match pem.len() as u64 > MAX_CA_FILE_BYTES {
            true => Err(failed("the file is too large for certificates".to_owned())),
            false => Ok(Some(pem)),
        }
    }
}

/// The version that the last layer names.
fn version_of(layers: &[Layer]) -> Result<Version, CliError> {
    let named = layers.iter().rev().find_map(|layer| {
        let api = layer.table.get("api").and_then(Value::as_table)?;
        api.get("version").map(scalar_text)
    });
    let named = named.unwrap_or_default();
    named.parse().map_err(|_| {
        CliError::unusable(
            Problem::error("config-invalid", "this is no version of the Tracking API")
                .cell("api.version", &named)
                .hint("it is `v1` or `v2`"),
        )
    })
}

/// Puts the vendor's address of the version among the defaults.
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
            "config-invalid",
            format!("the base URL is that of {other}, and {version} is spoken"),
        )
        .cell("api.base_url", base_url)
        .hint("set `version` (or `--api`) and `base_url` to the same version, or leave `base_url` out"),
    ))
}

fn account_currency(code: &str) -> Result<Currency, CliError> {
    Currency::from_code(code).ok_or_else(|| {
        CliError::unusable(
            Problem::error("config-invalid", "this is no ISO 4217 currency")
                .cell("api.account_currency", code)
                .hint("a three-letter code such as `USD` is expected"),
        )
    })
}

fn foreign(word: &str, rates: Option<String>) -> Result<ForeignSetting, CliError> {
    let invalid = |message: &str, hint: &str| {
        let problem = Problem::error("config-invalid", message.to_owned());
        let problem = problem.cell("currencies.foreign", word);
        CliError::unusable(problem.hint(hint))
    };
    match (word, rates.filter(|rates| !rates.is_empty())) {
        ("send", _) => Ok(ForeignSetting::Send),
        ("hold", _) => Ok(ForeignSetting::Hold),
        ("convert", Some(rates)) => Ok(ForeignSetting::Convert(PathBuf::from(rates))),
        ("convert", None) => Err(invalid(
            "amounts can't be converted without rates",
            "name a CSV with the columns `date,currency,rate` by `rates` under `[currencies]`",
        )),
        _ => Err(invalid(
            "nobody knows what this does with other currencies",
            "set it to `send`, `convert` or `hold`",
        )),
    }
}

/// The `[exports.…]` tables of a configuration that is not on disk yet, checked as if it were.
pub(super) fn exports_of(text: &str) -> Result<BTreeMap<String, Table>, toml::de::Error> {
    toml::from_str::<ConfigFile>(text).map(|config| config.exports)
}

fn file_layer(path: &Path) -> Result<Layer, CliError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        CliError::unusable(
            Problem::error(
                "config-missing",
                format!("the configuration can't be read: {error}"),
            )
            .at(&name, None),
        )
    })?;
    let invalid = |error: toml::de::Error| {
        let line = error.span().map(|span| line_of(&text, span.start));
        CliError::unusable(
            Problem::error("config-invalid", error.message().trim().to_owned())
                .at(&name, line)
                .hint("the README lists every key"),
        )
    };
    let config = toml::from_str::<ConfigFile>(&text).map_err(invalid)?;
    let mut table: Table = toml::from_str(&text).map_err(invalid)?;
    let named = [
        ("api", "key_file", config.api.key_file),
        ("api", "ca_file", config.api.ca_file),
        ("currencies", "rates", config.currencies.rates),
        ("link", "resolutions", config.link.resolutions),
    ];
    for (name, key, file) in named {
        // A file that a configuration names stands beside it, wherever the program is started.
        let file = file.filter(|file| !file.is_empty());
        if let (Some(file), Some(directory)) = (file, path.parent()) {
            let file = directory.join(file).display().to_string();
            insert(&mut table, name, key, Value::String(file));
        }
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

/// The line of a byte, from 1.
pub(super) fn line_of(text: &str, byte: usize) -> u64 {
    let before = text.as_bytes().iter().take(byte);
    1 + before.filter(|byte| **byte == b'\n').count() as u64
}

/// The line of the first table of `[exports.NAME]`, where the file writes it as a table.
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

/// A value of the environment or of an option that does not fit its key.
fn value_error(layers: &[Layer], message: &str) -> CliError {
    let variables = KEYS
        .iter()
        .filter_map(|key| match origin_of(layers, key.table, key.key) {
            Origin::Variable(name) => Some(format!("`{name}`")),
            _ => None,
        });
    let variables: Vec<String> = variables.collect();
    let problem = Problem::error("config-invalid", message.trim().to_owned());
    CliError::unusable(if variables.is_empty() {
        problem
    } else {
        problem.hint(format!(
            "look at {} in the environment",
            variables.join(", ")
        ))
    })
}

/// A table of the settings for which `value` has one.
fn table_of(value: impl Fn(&Key) -> Option<String>) -> Table {
    let mut table = Table::new();
    for key in &KEYS {
        if let Some(text) = value(key) {
            insert(&mut table, key.table, key.key, scalar(key, text));
        }
    }
    table
}

fn insert(table: &mut Table, name: &str, key: &str, value: Value) {
    let entry = table
        .entry(name)
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(inner) = entry {
        inner.insert(key.to_owned(), value);
    }
}

/// Text as the type that the key's default has.
fn scalar(key: &Key, text: String) -> Value {
    let default = key.default.unwrap_or_default();
    if default.parse::<bool>().is_ok()
        && let Ok(value) = text.parse()
    {
        return Value::Boolean(value);
    }
    if default.parse::<i64>().is_ok()
        && let Ok(value) = text.parse()
    {
        return Value::Integer(value);
    }
    Value::String(text)
}

/// The inverse of [`scalar`].
fn scalar_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(yes) => yes.to_string(),
        other => format!("a {}", other.type_str()),
    }
}

fn option_table(common: &Common, pace: Option<&PaceArguments>) -> Table {
    let text = |value: &Option<String>| value.clone().map(Value::String);
    let number = |value: Option<i64>| value.map(Value::Integer);
    let key_file = common.api_key_file.as_ref();
    let per_minute = pace.and_then(|pace| pace.requests_per_minute);
    let concurrency = pace.and_then(|pace| pace.concurrency);
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

fn lay_over(base: &mut Table, over: &Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => lay_over(base, over),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

fn origin_of(layers: &[Layer], table: &str, key: &str) -> Origin {
    let has = |layer: &&Layer| {
        let table = layer.table.get(table).and_then(Value::as_table);
        table.is_some_and(|table| table.contains_key(key))
    };
    let variable = KEYS.iter().find(|k| k.table == table && k.key == key);
    match layers.iter().rev().find(has).map(|layer| &layer.origin) {
        None | Some(LayerOrigin::Default) => Origin::Default,
        Some(LayerOrigin::File(path)) => Origin::File(path.clone()),
        Some(LayerOrigin::Environment) => {
            Origin::Variable(variable.map_or("environment", |k| k.variable))
        }
        Some(LayerOrigin::Option) => Origin::Option("option"),
    }
}

/// The table `[audit]`, its rules one by one.
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

fn shown(layers: &[Layer], journal: &Path, journal_from: Origin) -> Vec<Shown> {
    let mut rows: Vec<Shown> = KEYS
        .iter()
        .map(|key| {
            let value = layers.iter().rev().find_map(|layer| {
                let table = layer.table.get(key.table).and_then(Value::as_table);
                table.and_then(|table| table.get(key.key)).cloned()
            });
            Shown {
                name: format!("{}.{}", key.table, key.key),
                value: value.as_ref().map(scalar_text),
                origin: origin_of(layers, key.table, key.key),
            }
        })
        .collect();
    #[cfg(feature = "polars")]
    rows.extend(shown_audit(layers));
    let key_is_set = std::env::var(KEY_VARIABLE).is_ok_and(|key| !key.trim().is_empty());
    rows.push(Shown {
        name: "API key".to_owned(),
        value: Some(
            if key_is_set {
                "set, not shown"
            } else {
                "from the key file, if any"
            }
            .to_owned(),
        ),
        origin: match key_is_set {
            true => Origin::Variable(KEY_VARIABLE),
            false => Origin::Default,
        },
    });
    rows.push(Shown {
        name: "journal".to_owned(),
        value: Some(journal.display().to_string()),
        origin: journal_from,
    });
    rows
}

/// Beside the configuration; a sandbox has a journal of its own, and so has each version of it.
fn default_journal(config: Option<&Path>, sandbox: Option<Version>) -> PathBuf {
    let name = match sandbox {
        Some(Version::V1) => "fprecon-sandbox.journal",
        Some(Version::V2) => "fprecon-sandbox-v2.journal",
        None => "fprecon.journal",
    };
    match config.and_then(Path::parent) {
        Some(directory) => directory.join(name),
        None => PathBuf::from(name),
    }
}

fn user_config() -> Option<PathBuf> {
    let directory = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".config")))?;
    Some(directory.join("fprecon").join(CONFIG_FILE))
}
