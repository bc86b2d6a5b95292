//! Every setting there is: its table and key in a file, its variable, its default, its meaning.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};

use serde::Deserialize;
use toml::Table;

use ListOf::{Program, Texts};
use ValueType::{Boolean, Count, List, OneOf, Path, SecretUrl, Text};

/// A configuration file, as the contract has it. Unknown keys are errors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigFile {
    #[serde(default)]
    pub(super) api: ApiTable,
    #[serde(default)]
    pub(super) send: SendTable,
    #[serde(default)]
    pub(super) currencies: CurrenciesTable,
    #[serde(default)]
    pub(super) link: LinkTable,
    #[serde(default)]
    pub(super) retention: RetentionTable,
    #[serde(default)]
    pub(super) metrics: MetricsTable,
    #[serde(default)]
    pub(super) notify: NotifyTable,
    /// The table `[audit]`, which the audit checks by its own rules.
    #[serde(default)]
    pub(super) audit: Table,
    #[serde(default)]
    pub(super) exports: BTreeMap<String, Table>,
    /// The accounts, where there are several.
    #[serde(default)]
    pub(super) accounts: BTreeMap<String, AccountTable>,
}

/// A table `[accounts.NAME]`: the keys of `[api]`, the journal, and what differs from the tables at the top.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AccountTable {
    pub(super) version: Option<String>,
    pub(super) base_url: Option<String>,
    pub(super) wid: Option<String>,
    pub(super) account_id: Option<String>,
    pub(super) key_file: Option<String>,
    pub(super) key_command: Option<Vec<String>>,
    pub(super) account_currency: Option<String>,
    pub(super) cancellation_event_id: Option<bool>,
    pub(super) history: Option<String>,
    pub(super) ca_file: Option<String>,
    pub(super) journal: Option<String>,
    pub(super) send: SendTable,
    pub(super) currencies: CurrenciesTable,
    pub(super) link: LinkTable,
    pub(super) audit: Table,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ApiTable {
    pub(super) version: Option<String>,
    pub(super) base_url: Option<String>,
    pub(super) wid: Option<String>,
    pub(super) account_id: Option<String>,
    pub(super) key_file: Option<String>,
    pub(super) key_command: Option<Vec<String>>,
    pub(super) account_currency: Option<String>,
    pub(super) cancellation_event_id: Option<bool>,
    pub(super) history: Option<String>,
    pub(super) ca_file: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SendTable {
    pub(super) requests_per_minute: Option<NonZeroU32>,
    pub(super) concurrency: Option<NonZeroUsize>,
    pub(super) notify_promoters: Option<bool>,
    pub(super) infer_non_referrals: Option<bool>,
    pub(super) lead_list: Option<bool>,
    pub(super) give_up_after_seconds: Option<NonZeroU32>,
    pub(super) stop_after_same_refusals: Option<NonZeroU32>,
    pub(super) connect_timeout_seconds: Option<NonZeroU32>,
    pub(super) read_timeout_seconds: Option<NonZeroU32>,
    pub(super) request_timeout_seconds: Option<NonZeroU32>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CurrenciesTable {
    pub(super) foreign: Option<String>,
    pub(super) rates: Option<String>,
    /// The number of decimals by currency.
    pub(super) decimals: BTreeMap<String, u32>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LinkTable {
    pub(super) match_by_customer: Option<bool>,
    pub(super) send_unlinked: Option<bool>,
    pub(super) resolutions: Option<String>,
    pub(super) customer_uids: Option<Vec<String>>,
    pub(super) shared_uids: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RetentionTable {
    pub(super) after_days: Option<NonZeroU32>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MetricsTable {
    pub(super) file: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NotifyTable {
    pub(super) url: Option<String>,
    pub(super) form: Option<String>,
    pub(super) command: Option<Vec<String>>,
    pub(super) when: Option<String>,
    pub(super) timeout_seconds: Option<NonZeroU32>,
}

/// The values that a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueType {
    Text,
    /// A path; in a file it starts at that file's directory.
    Path,
    Boolean,
    /// A whole number above zero.
    Count,
    /// Any number of texts.
    List(ListOf),
    /// A URL of which only the host is shown.
    SecretUrl,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// The texts that a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListOf {
    /// A program and its arguments.
    Program,
    /// Texts that mean nothing to this program.
    Texts,
}

/// A setting: the one place that names its key, variable, default and meaning. `fprecon config`, its JSON
/// Schema, what `fprecon init` writes and `docs/configuration.md` are made of it.
#[derive(Debug)]
pub(super) struct SettingKey {
    pub(super) table: &'static str,
    pub(super) key: &'static str,
    /// `None` where only a file can set it.
    pub(super) variable: Option<&'static str>,
    /// The value where nothing is set; `None` where that is "not set".
    pub(super) default: Option<&'static str>,
    pub(super) values: ValueType,
    /// The meaning of the setting, in sentences.
    pub(super) about: &'static str,
}

/// Every setting with one value, in the order of the file.
pub(super) const KEYS: [SettingKey; 34] = [
    SettingKey {
        table: "api",
        key: "version",
        variable: Some("FPRECON_API"),
        default: Some("v1"),
        values: OneOf(&["v1", "v2"]),
        about: "The version of the Tracking API.",
    },
    SettingKey {
        table: "api",
        key: "base_url",
        variable: Some("FPRECON_BASE_URL"),
        // With version 2, `base_of_version` gives another one.
        default: Some("https://firstpromoter.com/api/v1"),
        values: Text,
        about: "The address of the API; its default goes with the version. `https://v2.firstpromoter.com/api/v2` is a second one of version 2. Plain http only to this machine.",
    },
    SettingKey {
        table: "api",
        key: "wid",
        variable: Some("FPRECON_WID"),
        default: None,
        values: Text,
        about: "The account's integration id, for version 1. FirstPromoter shows it under Settings > Integrations > Tracking API.",
    },
    SettingKey {
        table: "api",
        key: "account_id",
        variable: Some("FPRECON_ACCOUNT_ID"),
        default: None,
        values: Text,
        about: "The account's id, for version 2. FirstPromoter shows it under Settings > Integrations.",
    },
    SettingKey {
        table: "api",
        key: "key_file",
        variable: Some("FPRECON_API_KEY_FILE"),
        default: None,
        values: Path,
        about: "A file that contains only the API key. FPRECON_API_KEY takes precedence over it, and --api-key-file over both.",
    },
    SettingKey {
        table: "api",
        key: "key_command",
        variable: None,
        default: None,
        values: List(Program),
        about: "A command that prints the API key on one line, in place of `key_file`: the program and its arguments, run without a shell.",
    },
    SettingKey {
        table: "api",
        key: "account_currency",
        variable: Some("FPRECON_ACCOUNT_CURRENCY"),
        default: Some("USD"),
        values: Text,
        about: "The currency of the FirstPromoter account. Amounts in another one are sent with theirs.",
    },
    SettingKey {
        table: "api",
        key: "cancellation_event_id",
        variable: Some("FPRECON_CANCELLATION_EVENT_ID"),
        default: Some("false"),
        values: Boolean,
        about: "Whether the account's version 1 takes `event_id` on cancellations, so that they can be sent again safely.",
    },
    SettingKey {
        table: "api",
        key: "history",
        variable: Some("FPRECON_HISTORY"),
        default: Some("tracking"),
        values: OneOf(&["tracking", "commissions"]),
        about: "How sales are sent with version 2: by its tracking call, which takes no date, or as commissions of known referrals, with the day of the sale. Set it for an import of history alone.",
    },
    SettingKey {
        table: "api",
        key: "ca_file",
        variable: Some("FPRECON_CA_FILE"),
        default: None,
        values: Path,
        about: "Extra certificates (PEM) to trust beside those of this machine.",
    },
    SettingKey {
        table: "send",
        key: "requests_per_minute",
        variable: Some("FPRECON_REQUESTS_PER_MINUTE"),
        default: Some("380"),
        values: Count,
        about: "The most requests in a minute. FirstPromoter's documented limit is 400.",
    },
    SettingKey {
        table: "send",
        key: "concurrency",
        variable: Some("FPRECON_CONCURRENCY"),
        default: Some("16"),
        values: Count,
        about: "The most requests at a time.",
    },
    SettingKey {
        table: "send",
        key: "notify_promoters",
        variable: Some("FPRECON_NOTIFY_PROMOTERS"),
        default: Some("false"),
        values: Boolean,
        about: "Whether FirstPromoter sends promoters an email about what is sent.",
    },
    SettingKey {
        table: "send",
        key: "infer_non_referrals",
        variable: Some("FPRECON_INFER_NON_REFERRALS"),
        default: Some("true"),
        values: Boolean,
        about: "`true`: after the answer that nobody referred a customer, settle the customer's other events without further requests.",
    },
    SettingKey {
        table: "send",
        key: "lead_list",
        variable: Some("FPRECON_LEAD_LIST"),
        default: Some("false"),
        values: Boolean,
        about: "Whether the account's leads are fetched first, so that no request is made for other customers.",
    },
    SettingKey {
        table: "send",
        key: "give_up_after_seconds",
        variable: Some("FPRECON_GIVE_UP_AFTER_SECONDS"),
        default: Some("120"),
        values: Count,
        about: "Stop the run after this many seconds without a single success (exit 5); `fprecon resume` continues it.",
    },
    SettingKey {
        table: "send",
        key: "stop_after_same_refusals",
        variable: Some("FPRECON_STOP_AFTER_SAME_REFUSALS"),
        default: Some("20"),
        values: Count,
        about: "Stop the run after this many refusals for the same reason without a success (exit 4); `fprecon resume` continues it.",
    },
    SettingKey {
        table: "send",
        key: "connect_timeout_seconds",
        variable: Some("FPRECON_CONNECT_TIMEOUT_SECONDS"),
        default: Some("10"),
        values: Count,
        about: "How long name lookup, TCP and TLS may take together.",
    },
    SettingKey {
        table: "send",
        key: "read_timeout_seconds",
        variable: Some("FPRECON_READ_TIMEOUT_SECONDS"),
        default: Some("20"),
        values: Count,
        about: "How long the server may be silent within an answer.",
    },
    SettingKey {
        table: "send",
        key: "request_timeout_seconds",
        variable: Some("FPRECON_REQUEST_TIMEOUT_SECONDS"),
        default: Some("45"),
        values: Count,
        about: "How long a request may take in all.",
    },
    SettingKey {
        table: "currencies",
        key: "foreign",
        variable: Some("FPRECON_FOREIGN_CURRENCIES"),
        default: Some("send"),
        values: OneOf(&["send", "convert", "hold"]),
        about: "Amounts in another currency than the account's are sent as they are, converted by `rates`, or held.",
    },
    SettingKey {
        table: "currencies",
        key: "rates",
        variable: Some("FPRECON_RATES"),
        default: None,
        values: Path,
        about: "A CSV of `date,currency,rate`, for `convert` and for audits.",
    },
    SettingKey {
        table: "link",
        key: "match_by_customer",
        variable: Some("FPRECON_MATCH_BY_CUSTOMER"),
        default: Some("false"),
        values: Boolean,
        about: "Whether a refund that names no sale reverses the only sale of its customer that it can reverse.",
    },
    SettingKey {
        table: "link",
        key: "send_unlinked",
        variable: Some("FPRECON_SEND_UNLINKED"),
        default: Some("false"),
        values: Boolean,
        about: "`true`: send refunds without a sale if their sale is not named or not found.",
    },
    SettingKey {
        table: "link",
        key: "resolutions",
        variable: Some("FPRECON_RESOLUTIONS"),
        default: None,
        values: Path,
        about: "A CSV of `refund_event_id,sale_event_id` that says which sale a held refund reverses.",
    },
    SettingKey {
        table: "link",
        key: "customer_uids",
        variable: None,
        default: None,
        values: List(Texts),
        about: "Customer ids that each belong to one customer, even if they come with several emails.",
    },
    SettingKey {
        table: "link",
        key: "shared_uids",
        variable: None,
        default: None,
        values: List(Texts),
        about: "Values in a column of customer ids that several customers share: these events are sent by their emails, without the value.",
    },
    SettingKey {
        table: "retention",
        key: "after_days",
        variable: Some("FPRECON_RETENTION_AFTER_DAYS"),
        default: None,
        values: Count,
        about: "After each run, remove the details and reports of runs that are settled and ended more than this many days ago, as `journal prune` does. Not set: they are kept.",
    },
    SettingKey {
        table: "metrics",
        key: "file",
        variable: Some("FPRECON_METRICS_FILE"),
        default: None,
        values: Path,
        about: "A file `NAME.prom` for the textfile collector of node_exporter: how the last run, resume or retry ended.",
    },
    SettingKey {
        table: "notify",
        key: "url",
        variable: Some("FPRECON_NOTIFY_URL"),
        default: None,
        values: SecretUrl,
        about: "An address to which the end of a run is posted. It counts as a secret: only its host is shown. Plain http only to this machine.",
    },
    SettingKey {
        table: "notify",
        key: "form",
        variable: Some("FPRECON_NOTIFY_FORM"),
        default: Some("json"),
        values: OneOf(&["json", "slack", "healthchecks"]),
        about: "What is posted: the summary as JSON, a message for Slack, or a ping for healthchecks.io (with `/fail` behind the address where the exit code is not 0).",
    },
    SettingKey {
        table: "notify",
        key: "command",
        variable: None,
        default: None,
        values: List(Program),
        about: "A command that gets the summary as JSON on its standard input: the program and its arguments, run without a shell.",
    },
    SettingKey {
        table: "notify",
        key: "when",
        variable: Some("FPRECON_NOTIFY_WHEN"),
        default: Some("attention"),
        values: OneOf(&["attention", "always"]),
        about: "Notify if the exit code is not 0, or always.",
    },
    SettingKey {
        table: "notify",
        key: "timeout_seconds",
        variable: Some("FPRECON_NOTIFY_TIMEOUT_SECONDS"),
        default: Some("10"),
        values: Count,
        about: "How long the address, and the command, may take.",
    },
];

/// The value that a configuration shows of a number that is not set: some thirteen months of days.
const EXAMPLE_COUNT: u32 = 400;

/// The tables of these settings, in the order of the file.
#[cfg(test)]
const TABLES: [&str; 7] = [
    "api",
    "send",
    "currencies",
    "link",
    "retention",
    "metrics",
    "notify",
];

impl SettingKey {
    /// Returns the setting as a line of a configuration: its default, or an empty value.
    pub(super) fn line(&self) -> String {
        let value = self.default.unwrap_or_default();
        match self.values {
            Count if self.default.is_none() => format!("{} = {EXAMPLE_COUNT}", self.key),
            Boolean | Count => format!("{} = {value}", self.key),
            Text | Path | SecretUrl | OneOf(_) => format!("{} = \"{value}\"", self.key),
            List(_) => format!("{} = []", self.key),
        }
    }
}

/// Returns the settings of a table as a configuration shows defaults: each behind its meaning, and behind a `#`.
pub(in crate::cli) fn template(table: &str, left_out: &[&str]) -> String {
    let keys = KEYS
        .iter()
        .filter(|key| key.table == table)
        .filter(|key| !left_out.contains(&key.key));
    keys.map(|key| format!("# {}\n# {}\n", key.about, key.line()))
        .collect()
}

/// The first characters of every variable of this program.
pub(in crate::cli) const VARIABLE_PREFIX: &str = "FPRECON_";

/// The variables that are not settings of a configuration.
pub(super) const OTHER_VARIABLES: [(&str, &str); 7] = [
    (
        "FPRECON_ACCOUNT",
        "The account, as `--account`: `[accounts.NAME]` of the file.",
    ),
    ("FPRECON_API_KEY", "The API key."),
    ("FPRECON_CONFIG", "The configuration, as `--config`."),
    ("FPRECON_JOURNAL", "The journal, as `--journal`."),
    (
        "FPRECON_LOG_EMAILS",
        "`true`: leave emails and names in the log, as `--log-emails`.",
    ),
    (
        "FPRECON_LOG_FORMAT",
        "The form of what goes to standard error, as `--log-format`: `text` or `json`.",
    ),
    (
        "FPRECON_PROFILE",
        "The profile of the exports, as `--profile`.",
    ),
];

/// The variable of each account, and its meaning.
#[cfg(test)]
pub(super) const ACCOUNT_VARIABLE: (&str, &str) = (
    "FPRECON_ACCOUNTS_NAME_API_KEY",
    "The API key of `[accounts.NAME]`, with the name in capitals and `_` in place of `-`.",
);

/// Returns every variable of the environment that the program reads, beside those of accounts.
pub(super) fn variables() -> impl Iterator<Item = &'static str> {
    let settings = KEYS.iter().filter_map(|key| key.variable);
    settings.chain(OTHER_VARIABLES.iter().map(|(name, _)| *name))
}

#[cfg(test)]
mod tests;
