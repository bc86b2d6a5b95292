//! Checks that the API can be reached, by a request that records nothing.

use std::time::Duration;

use super::{Check, CheckState, Findings};
use crate::cli::commands::destination::client_settings;
use crate::cli::error::CliError;
use crate::cli::settings::EffectiveSettings;
use crate::tracking::{ApiKey, Client, Probe, ProbeAnswer, Version, probe_without_key};

const CHECK: Check = Check::Api;

/// Asks the API for the first page of the account's leads, which records nothing.
pub(super) fn check(
    settings: &EffectiveSettings,
    key: Option<&ApiKey>,
    findings: &mut Findings,
) -> Option<Probe> {
    if findings.has_failed(Check::Configuration) && settings.api.ca_pem().is_err() {
        findings.add(
            CHECK,
            CheckState::NotChecked,
            "the certificates cannot be read",
        );
        return None;
    }
    let probe = match probe(settings, key) {
        Ok(probe) => probe,
        Err(error) => {
            findings.error(CHECK, &error);
            return None;
        }
    };
    judge(&probe, settings, key.is_some(), findings);
    Some(probe)
}

fn probe(settings: &EffectiveSettings, key: Option<&ApiKey>) -> Result<Probe, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Io("the network runtime", error))?;
    let account = settings.account();
    let client = client_settings(
        account.unwrap_or_default(),
        &settings.api.base_url,
        settings,
    )?;
    Ok(match key.filter(|_| can_ask(settings)) {
        Some(key) => {
            let client = Client::new(client, key)?;
            runtime.block_on(client.probe())
        }
        None => runtime.block_on(probe_without_key(&client))?,
    })
}

/// Returns `true` if all that a listing needs beside the key is set: version 1 takes no `wid` there.
fn can_ask(settings: &EffectiveSettings) -> bool {
    settings.api.version == Version::V1 || settings.account().is_ok()
}

fn judge(probe: &Probe, settings: &EffectiveSettings, has_key: bool, findings: &mut Findings) {
    let base = &settings.api.base_url;
    let has_key = has_key && can_ask(settings);
    match &probe.answer {
        ProbeAnswer::Listed if has_key => {
            let took = took(probe.took);
            let message = format!("{base} answered in {took}, and takes the key for reading leads");
            findings.add(CHECK, CheckState::Ok, format!("{message}; {}", not_checked(settings.api.version)));
        }
        ProbeAnswer::Other { status: 401, message } if has_key => findings.add_with_hint(
            CHECK,
            CheckState::Failed,
            format!("{base} refuses the key (401): {message}"),
            refused_hint(settings.api.version),
        ),
        ProbeAnswer::Listed | ProbeAnswer::Other { status: 401 | 403, .. } if !has_key => {
            let took = took(probe.took);
            findings.add(
                CHECK,
                CheckState::Ok,
                format!("{base} answered in {took}; the key was not checked, since it or the account is not set"),
            );
        }
        ProbeAnswer::Listed => {}
        ProbeAnswer::Other { status, message } => findings.add_with_hint(
            CHECK,
            CheckState::Warning,
            format!("{base} answered with {status} to a request for the leads: {message}; the key was not checked"),
            other_hint(*status),
        ),
        ProbeAnswer::Untrusted { message } => findings.add_with_hint(
            CHECK,
            CheckState::Failed,
            format!("the certificate of {base} is not valid: {message}; the key was not sent"),
            "check the address, the clock of this machine and its certificates; `ca_file` under `[api]` adds trusted ones",
        ),
        ProbeAnswer::Unreachable { message } => findings.add_with_hint(
            CHECK,
            CheckState::Failed,
            format!("{base} cannot be reached: {message}"),
            "check the network, the firewall, the proxy (`HTTPS_PROXY`) and `base_url` under `[api]`",
        ),
    }
}

/// Returns what no request that records nothing can show.
fn not_checked(version: Version) -> &'static str {
    match version {
        Version::V1 => {
            "whether it takes events, and whether `wid` is the account's, was not checked: only an event could show that"
        }
        Version::V2 => "whether it takes events was not checked: only an event could show that",
    }
}

fn refused_hint(version: Version) -> &'static str {
    match version {
        Version::V1 => {
            "copy the key from FirstPromoter's settings; version 1 of the API has a key of its own in accounts of version 2"
        }
        Version::V2 => "copy the key from FirstPromoter's settings, and check `account_id`",
    }
}

fn other_hint(status: u16) -> &'static str {
    match status {
        403 => {
            "the key may not be allowed to read leads, or not be the account's; a small run shows whether it may send"
        }
        404 => "check `base_url` and `version` under `[api]`",
        429 => "the account is at its limit of requests just now; try again in a minute",
        500.. => "FirstPromoter has a problem just now; try again later",
        _ => "check `base_url` under `[api]`: the answer may come from another server",
    }
}

fn took(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}
