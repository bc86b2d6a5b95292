//! Checks the settings, the key and the limits.

use super::{Check, CheckState, Findings};
use crate::cli::arguments::Common;
use crate::cli::commands::destination::client_settings;
use crate::cli::error::CliError;
use crate::cli::exports::{self, Choice, ExportPlanner};
use crate::cli::settings::{EffectiveSettings, ForeignSetting};
use crate::cli::terminal::Terminal;
use crate::problem::{Problem, ProblemCode};
use crate::tracking::{ApiKey, Client, ClientError, check_base_url};

/// The requests in a minute that FirstPromoter documents as its limit.
const DOCUMENTED_PER_MINUTE: u32 = 400;

/// Checks all settings, so that everything that is missing or wrong is reported together.
pub(super) fn check(
    common: &Common,
    settings: &EffectiveSettings,
    terminal: &Terminal,
    findings: &mut Findings,
) {
    const CHECK: Check = Check::Configuration;
    let before = findings.results.len();
    if !common.sandbox {
        check_account(settings, findings);
    }
    let mut expect = |checked: Result<(), CliError>| {
        if let Err(error) = checked {
            findings.error(CHECK, &error);
        }
    };
    expect(check_base_url(&settings.api.base_url).map_err(CliError::from));
    expect(settings.zone().map(drop));
    #[cfg(feature = "polars")]
    expect(crate::cli::commands::audit::rules(settings).map(drop));
    if let ForeignSetting::Convert(rates) = &settings.currencies.foreign {
        expect(exports::rates(rates, settings.api.account_currency).map(drop));
    }
    expect(
        Choice::load(common, settings)
            .and_then(|choice| ExportPlanner::new(&choice, settings, terminal, None).map(drop)),
    );
    if findings.results.len() > before {
        return;
    }
    let files: Vec<String> = settings
        .files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let files = if files.is_empty() {
        "no configuration file".to_owned()
    } else {
        files.join(", ")
    };
    let account = match settings.account() {
        Ok(account) if !common.sandbox => format!(", account `{account}`"),
        _ => String::new(),
    };
    let to = if common.sandbox {
        "the built-in sandbox"
    } else {
        &settings.api.base_url
    };
    let version = settings.api.version;
    findings.add(
        CHECK,
        CheckState::Ok,
        format!("{files}; {version} at {to}{account}"),
    );
}

/// Checks that the account is set, and what its client is made from beside the key.
pub(super) fn check_account(settings: &EffectiveSettings, findings: &mut Findings) {
    let account = settings.account().map(drop);
    // The placeholders are valid: only certificates and the like can be refused here.
    let client = client_settings("account", &settings.api.base_url, settings).map(drop);
    for error in [account, client].into_iter().filter_map(Result::err) {
        findings.error(Check::Configuration, &error);
    }
}

/// Checks the key, and returns it if there is one. The API is not asked about it here.
pub(super) fn check_key(settings: &EffectiveSettings, findings: &mut Findings) -> Option<ApiKey> {
    let key = match settings.api.read_key() {
        Ok(key) => key,
        Err(error) => {
            findings.error(Check::Key, &error);
            return None;
        }
    };
    if let Err(error) = with_key(settings, &key) {
        findings.error(Check::Key, &error.into());
        return None;
    }
    match settings.api.key_file_warning() {
        Some(problem) => findings.problem(Check::Key, problem),
        None => {
            let message = format!("read from {}", settings.api.key_source());
            findings.add(Check::Key, CheckState::Ok, message);
        }
    }
    Some(key)
}

/// Returns what a client refuses about the key.
fn with_key(settings: &EffectiveSettings, key: &ApiKey) -> Result<(), ClientError> {
    let Ok(client) = client_settings("account", &settings.api.base_url, settings) else {
        return Ok(());
    };
    match Client::new(client, key) {
        Err(error @ (ClientError::Key | ClientError::ShortKey | ClientError::OddKey)) => Err(error),
        _ => Ok(()),
    }
}

/// Checks that the limits of time and rate fit each other.
pub(super) fn check_limits(common: &Common, settings: &EffectiveSettings, findings: &mut Findings) {
    const CHECK: Check = Check::Limits;
    let before = findings.results.len();
    let timeouts = settings.send.timeouts;
    let give_up = u64::from(settings.send.give_up_after_seconds.get());
    let total = timeouts.total.as_secs();
    for (name, seconds) in [
        ("connect_timeout_seconds", timeouts.connect.as_secs()),
        ("read_timeout_seconds", timeouts.read.as_secs()),
    ] {
        if seconds > total {
            findings.add_with_hint(
                CHECK,
                CheckState::Warning,
                format!("`{name}` ({seconds} s) is longer than `request_timeout_seconds` ({total} s), which ends a request first"),
                format!("set `{name}` under `[send]` to {total} or less"),
            );
        }
    }
    if give_up <= total {
        findings.add_with_hint(
            CHECK,
            CheckState::Warning,
            format!("`give_up_after_seconds` ({give_up} s) is not longer than `request_timeout_seconds` ({total} s): a single request without an answer can end the run"),
            format!("set `give_up_after_seconds` under `[send]` to more than {total}"),
        );
    }
    if let Some(warning) = rate_warning(common, settings) {
        findings.problem(CHECK, warning);
    }
    let per_minute = settings.send.requests_per_minute;
    if findings.results.len() == before {
        let (connect, read) = (timeouts.connect.as_secs(), timeouts.read.as_secs());
        findings.add(
            CHECK,
            CheckState::Ok,
            format!("a request may take {total} s (connecting {connect} s, silence {read} s); a run gives up after {give_up} s without a success; {per_minute} requests a minute"),
        );
    }
}

/// Returns a warning if FirstPromoter is to get more requests a minute than it documents to take.
pub(in crate::cli::commands) fn rate_warning(
    common: &Common,
    settings: &EffectiveSettings,
) -> Option<Problem> {
    let per_minute = settings.send.requests_per_minute.get();
    let is_firstpromoter =
        !common.sandbox && settings.api.base_url == settings.api.version.default_base_url();
    (is_firstpromoter && per_minute > DOCUMENTED_PER_MINUTE).then(|| {
        let message = format!(
            "`requests_per_minute` is {per_minute}, and FirstPromoter documents a limit of {DOCUMENTED_PER_MINUTE}"
        );
        let hint = "set `requests_per_minute` under `[send]` to 380";
        Problem::warning(ProblemCode::RateAboveLimit, message).hint(hint)
    })
}
