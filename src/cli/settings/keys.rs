//! All settings: their tables and keys in a file, their variables, their defaults.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};

use serde::Deserialize;
use toml::Table;

/// A configuration file. Unknown keys are errors.
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
    /// The table `[audit]`, which the audit checks by its own rules.
    #[serde(default)]
    pub(super) audit: Table,
    #[serde(default)]
    pub(super) exports: BTreeMap<String, Table>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ApiTable {
    pub(super) version: Option<String>,
    pub(super) base_url: Option<String>,
    pub(super) wid: Option<String>,
    pub(super) account_id: Option<String>,
    pub(super) key_file: Option<String>,
    pub(super) account_currency: Option<String>,
    pub(super) cancellation_event_id: Option<bool>,
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
}

/// A setting: its table and key in the file, its variable, its default.
pub(super) struct Key {
    pub(super) table: &'static str,
    pub(super) key: &'static str,
    pub(super) variable: &'static str,
    pub(super) default: Option<&'static str>,
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

pub(super) const KEYS: [Key; 23] = [
    key("api", "version", "FPRECON_API", Some("v1")),
    // The default depends on the version: see `base_of_version`.
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
        "stop_after_same_refusals",
        "FPRECON_STOP_AFTER_SAME_REFUSALS",
        Some("20"),
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
