//! The settings of each table of the configuration, checked and with their types.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use super::api_key::KeySource;
use super::keys::{ApiTable, CurrenciesTable, LinkTable, SendTable};
use crate::bounded::{self, CERTIFICATES_BYTES};
use crate::cli::error::CliError;
use crate::event::{Currency, Decimals, NamedUids};
use crate::problem::{Problem, ProblemCode};
use crate::tracking::{ApiKey, Timeouts, Version};

/// The settings of `[api]`.
#[derive(Clone, Debug)]
pub(in crate::cli) struct ApiSettings {
    pub(in crate::cli) version: Version,
    pub(in crate::cli) base_url: String,
    pub(in crate::cli) wid: Option<String>,
    pub(super) account_id: Option<String>,
    pub(in crate::cli) account_currency: Currency,
    pub(in crate::cli) cancellation_event_id: bool,
    pub(in crate::cli) sale_call: SaleCall,
    ca_file: Option<PathBuf>,
    pub(super) key: KeySource,
}

/// Names the calls by which sales are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum SaleCall {
    /// The tracking call.
    Tracking,
    /// Commissions of known referrals, with the day of the sale (version 2).
    Commissions,
}

impl ApiSettings {
    /// Returns the settings of a table for a version, with the source of the API key.
    ///
    /// # Errors
    ///
    /// A setting is missing or not valid.
    pub(super) fn new(table: ApiTable, version: Version, key: KeySource) -> Result<Self, CliError> {
        let base_url = required(table.base_url)?;
        check_base(&base_url, version)?;
        let currency = required(table.account_currency)?;
        Ok(ApiSettings {
            version,
            base_url,
            wid: table.wid.filter(|wid| !wid.trim().is_empty()),
            account_id: table.account_id.filter(|id| !id.trim().is_empty()),
            account_currency: currency_setting("api.account_currency", &currency)?,
            cancellation_event_id: required(table.cancellation_event_id)?
                && version.may_take_cancellation_event_id(),
            sale_call: sale_call(&required(table.history)?, version)?,
            ca_file: table.ca_file.map(PathBuf::from),
            key,
        })
    }

    /// Returns `true` if something other than the environment has the API key.
    pub(in crate::cli) fn has_stored_key(&self) -> bool {
        matches!(self.key, KeySource::File(_) | KeySource::Command(_))
    }

    /// Returns `true` if a command prints the API key.
    pub(in crate::cli) fn has_key_command(&self) -> bool {
        matches!(self.key, KeySource::Command(_))
    }

    /// Returns the API key; runs `key_command` if that has it.
    ///
    /// # Errors
    ///
    /// There is no key, or it can't be read.
    pub(in crate::cli) fn read_key(&self) -> Result<ApiKey, CliError> {
        self.key.read()
    }

    /// Returns where the API key comes from, in words.
    pub(in crate::cli) fn key_source(&self) -> String {
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
    pub(in crate::cli) fn key_file_warning(&self) -> Option<Problem> {
        use std::os::unix::fs::PermissionsExt;

        const OTHERS: u32 = 0o066;
        let KeySource::File(path) = &self.key else {
            return None;
        };
        let found = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let name = path.display().to_string();
        (found.permissions().mode() & OTHERS != 0).then(|| {
            let message = "other users of this machine can read or change the file of the API key";
            let hint = format!(
                "restrict it to yourself: `chmod 600 {}`",
                crate::shell_word::shell_word(&name)
            );
            Problem::warning(ProblemCode::KeyFileReadable, message)
                .at(name, None)
                .hint(hint)
        })
    }

    /// Returns `None`: on this system files have no such permissions.
    #[cfg(not(unix))]
    pub(in crate::cli) fn key_file_warning(&self) -> Option<Problem> {
        None
    }

    /// Returns the additional trusted certificates, as PEM.
    ///
    /// # Errors
    ///
    /// Their file can't be read.
    pub(in crate::cli) fn ca_pem(&self) -> Result<Option<Vec<u8>>, CliError> {
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

/// The settings of `[send]`.
#[derive(Clone, Debug)]
pub(in crate::cli) struct SendingSettings {
    pub(in crate::cli) requests_per_minute: NonZeroU32,
    /// `true` if the request rate was set by the user.
    pub(in crate::cli) rate_is_chosen: bool,
    pub(in crate::cli) concurrency: NonZeroUsize,
    pub(in crate::cli) notify_promoters: bool,
    pub(in crate::cli) infer_non_referrals: bool,
    /// `true` if the account's leads are fetched before events are sent.
    pub(in crate::cli) lead_list: bool,
    pub(in crate::cli) give_up_after_seconds: NonZeroU32,
    pub(in crate::cli) stop_after_same_refusals: NonZeroU32,
    pub(in crate::cli) timeouts: Timeouts,
}

impl SendingSettings {
    /// Returns the settings of a table. `rate_is_chosen` says whether its request rate is not the default.
    ///
    /// # Errors
    ///
    /// A setting is missing.
    pub(super) fn new(table: &SendTable, rate_is_chosen: bool) -> Result<Self, CliError> {
        let seconds = |seconds: Option<NonZeroU32>| {
            let seconds = required(seconds)?;
            Ok::<_, CliError>(Duration::from_secs(seconds.get().into()))
        };
        Ok(SendingSettings {
            requests_per_minute: required(table.requests_per_minute)?,
            rate_is_chosen,
            concurrency: required(table.concurrency)?,
            notify_promoters: required(table.notify_promoters)?,
            infer_non_referrals: required(table.infer_non_referrals)?,
            lead_list: required(table.lead_list)?,
            give_up_after_seconds: required(table.give_up_after_seconds)?,
            stop_after_same_refusals: required(table.stop_after_same_refusals)?,
            timeouts: Timeouts {
                connect: seconds(table.connect_timeout_seconds)?,
                read: seconds(table.read_timeout_seconds)?,
                total: seconds(table.request_timeout_seconds)?,
            },
        })
    }
}

/// The setting for amounts in other currencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum ForeignSetting {
    Send,
    Hold,
    /// Amounts are converted with this file of rates.
    Convert(PathBuf),
}

/// The settings of `[currencies]`.
#[derive(Clone, Debug)]
pub(in crate::cli) struct CurrencySettings {
    pub(in crate::cli) foreign: ForeignSetting,
    /// The file of rates, also for other treatments of foreign amounts: the audit uses it for
    /// comparisons.
    pub(in crate::cli) rates: Option<PathBuf>,
    /// The number of decimals that the API expects, for currencies in which that is set.
    pub(in crate::cli) decimals: Decimals,
}

impl CurrencySettings {
    /// Returns the settings of a table.
    ///
    /// # Errors
    ///
    /// A setting is missing or not valid.
    pub(super) fn new(table: CurrenciesTable) -> Result<Self, CliError> {
        let rates = table
            .rates
            .filter(|rates| !rates.is_empty())
            .map(PathBuf::from);
        Ok(CurrencySettings {
            foreign: foreign(&required(table.foreign)?, rates.clone())?,
            rates,
            decimals: decimals(table.decimals)?,
        })
    }
}

/// The settings of `[link]`.
#[derive(Clone, Debug)]
pub(in crate::cli) struct LinkSettings {
    /// `true` if a refund that names no sale is linked with the only sale of its customer that it
    /// can reverse.
    pub(in crate::cli) match_by_customer: bool,
    /// `true` if refunds whose sale is not found are sent without it.
    pub(in crate::cli) send_unlinked: bool,
    /// The file that names the sales of refunds.
    pub(in crate::cli) resolutions: Option<PathBuf>,
    /// The ids that are one customer's each, and the values that several customers share.
    pub(in crate::cli) named_uids: NamedUids,
}

impl LinkSettings {
    /// Returns the settings of a table.
    ///
    /// # Errors
    ///
    /// A setting is missing, or a uid is named as one customer's and as shared.
    pub(super) fn new(table: LinkTable) -> Result<Self, CliError> {
        let resolutions = table.resolutions.filter(|path| !path.is_empty());
        let named_uids = NamedUids::new(
            &table.customer_uids.unwrap_or_default(),
            &table.shared_uids.unwrap_or_default(),
        );
        Ok(LinkSettings {
            match_by_customer: required(table.match_by_customer)?,
            send_unlinked: required(table.send_unlinked)?,
            resolutions: resolutions.map(PathBuf::from),
            named_uids: named_uids.map_err(|uid| in_both_lists(&uid))?,
        })
    }
}

/// The settings of `[retention]`.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct RetentionSettings {
    /// The number of days after which the details of settled runs are removed; `None` keeps them.
    pub(in crate::cli) after_days: Option<NonZeroU32>,
}

/// The most days that details are kept: a hundred years.
const DAYS_MOST: u32 = 36_500;

impl RetentionSettings {
    pub(in crate::cli) fn new(after_days: Option<NonZeroU32>) -> Result<Self, CliError> {
        match after_days {
            Some(days) if days.get() > DAYS_MOST => Err(CliError::unusable(
                Problem::error(
                    ProblemCode::ConfigInvalid,
                    format!("`after_days` under `[retention]` is {days}, more than {DAYS_MOST}"),
                )
                .hint("leave it out to keep the details for good"),
            )),
            after_days => Ok(RetentionSettings { after_days }),
        }
    }
}

/// The settings of `[metrics]`.
#[derive(Clone, Debug)]
pub(in crate::cli) struct MetricsSettings {
    /// The file of metrics, which is written when a run has ended.
    pub(in crate::cli) file: Option<PathBuf>,
}

/// Returns the value of a setting that has a default.
fn required<T>(value: Option<T>) -> Result<T, CliError> {
    let missing = || Problem::error(ProblemCode::ConfigInvalid, "a setting has no value");
    value.ok_or_else(|| CliError::unusable(missing()))
}

/// Checks the base URL: one of the other version would refuse every event.
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
        .setting("api.base_url", base_url)
        .hint("set `version` (or `--api`) and `base_url` to the same version, or leave out `base_url`"),
    ))
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

/// Returns the call by which sales are sent.
fn sale_call(word: &str, version: Version) -> Result<SaleCall, CliError> {
    let invalid = |message: &str, hint: &str| {
        let problem = Problem::error(ProblemCode::ConfigInvalid, message.to_owned());
        CliError::unusable(problem.setting("api.history", word).hint(hint))
    };
    match (word, version) {
        ("tracking", _) => Ok(SaleCall::Tracking),
        ("commissions", Version::V2) => Ok(SaleCall::Commissions),
        ("commissions", Version::V1) => Err(invalid(
            "version 1 of the API takes dates on its tracking calls, and creates no commissions",
            "leave out `history`, or set `version = \"v2\"` under `[api]`",
        )),
        _ => Err(invalid(
            "not a valid value for `history`",
            "use `tracking` or `commissions`",
        )),
    }
}

fn foreign(word: &str, rates: Option<PathBuf>) -> Result<ForeignSetting, CliError> {
    let invalid = |message: &str, hint: &str| {
        let problem = Problem::error(ProblemCode::ConfigInvalid, message.to_owned())
            .setting("currencies.foreign", word);
        CliError::unusable(problem.hint(hint))
    };
    match (word, rates) {
        ("send", _) => Ok(ForeignSetting::Send),
        ("hold", _) => Ok(ForeignSetting::Hold),
        ("convert", Some(rates)) => Ok(ForeignSetting::Convert(rates)),
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
    let problem =
        Problem::error(ProblemCode::ConfigInvalid, message).setting("link.shared_uids", uid);
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
            )
            .cell(format!("currencies.decimals.{code}"), &digits.to_string());
            return Err(CliError::unusable(problem));
        }
        decimals.set(currency, digits);
    }
    Ok(decimals)
}
