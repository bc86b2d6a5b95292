//! The destination of events: the account, or a sandbox in this process.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::sync::mpsc::unbounded_channel;

use crate::cli::arguments::Common;
use crate::cli::error::CliError;
use crate::cli::settings::{EffectiveSettings, SaleCall};
use crate::cli::terminal::Terminal;
use crate::journal::Account;
use crate::problem::{Problem, ProblemCode};
use crate::sandbox::{Options, Sandbox};
use crate::send::{self, End, Fetched, Halt, LeadList};
use crate::tracking::{self, ApiKey, Client, Version};

/// The request rate for a sandbox in this process, unless the user set one.
const SANDBOX_PER_MINUTE: u32 = 600_000;
/// The reason why a sandbox in this process has no list of leads.
pub(super) const SANDBOX_HAS_NO_LIST: &str =
    "the built-in sandbox decides at the first request of a customer if it is a lead";
/// The destination of events. It is created before anything is recorded, so that a key, an address
/// or an account that can't be used leaves nothing behind.
pub(super) struct Destination {
    /// The account that the journal must belong to.
    account: Account,
    client: Client,
    /// A sandbox in this process, which stops with it.
    sandbox: Option<Sandbox>,
}

impl Destination {
    /// Creates the destination that the user chose: the sandbox or the account.
    pub(super) fn choose(
        common: &Common,
        settings: &EffectiveSettings,
        terminal: &Terminal,
    ) -> Result<Self, CliError> {
        if common.sandbox {
            if settings.api.sale_call == SaleCall::Commissions {
                return Err(no_referrals());
            }
            return Self::sandbox(settings);
        }
        let (account_id, key) = match (settings.account(), settings.api.read_key()) {
            (Ok(account_id), Ok(key)) => (account_id, key),
            // Everything that is missing is reported at once.
            (Err(account), Err(key)) => {
                let problems = [account.problems(), key.problems()];
                return Err(CliError::Unusable(problems.concat()));
            }
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => return Err(error),
        };
        let account = Account {
            api: settings.api.version.to_string(),
            base_url: settings.api.base_url.clone(),
            account_id: account_id.to_owned(),
        };
        terminal.problems(settings.api.key_file_warning().as_slice(), 0);
        Ok(Destination {
            client: client(&account, &settings.api.base_url, &key, settings)?,
            account,
            sandbox: None,
        })
    }

    /// Starts a sandbox in this process.
    pub(super) fn sandbox(settings: &EffectiveSettings) -> Result<Self, CliError> {
        let sandbox = Sandbox::start(Options {
            cancellation_event_id: settings.api.cancellation_event_id,
            ..Options::default()
        })?;
        let account = Account {
            api: settings.api.version.to_string(),
            base_url: Account::SANDBOX.to_owned(),
            account_id: "sandbox".to_owned(),
        };
        let key = ApiKey::for_sandbox();
        let base_url = match settings.api.version {
            Version::V1 => sandbox.base_url(),
            Version::V2 => sandbox.base_url_v2(),
        };
        Ok(Destination {
            client: client(&account, &base_url, &key, settings)?,
            account,
            sandbox: Some(sandbox),
        })
    }

    /// Returns the account that the journal must belong to.
    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    /// Returns the account in words, for a person who has to confirm.
    pub(super) fn described(&self) -> String {
        match self.sandbox {
            Some(_) => "the built-in sandbox".to_owned(),
            None => self.account.to_string(),
        }
    }

    /// Returns the destination's name for people.
    pub(super) fn name(&self) -> &str {
        &self.account.base_url
    }

    /// Returns the connection to the destination.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn is_sandbox(&self) -> bool {
        self.sandbox.is_some()
    }

    /// Reads the account's list of leads and sends nothing.
    ///
    /// # Errors
    ///
    /// The reason why there is no list, as a text.
    pub(super) fn lead_list(&self, settings: &EffectiveSettings) -> Result<LeadList, String> {
        if self.is_sandbox() {
            return Err(SANDBOX_HAS_NO_LIST.to_owned());
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        // A plan can be interrupted at any time, since it has nothing to lose.
        let (_stop, requests) = unbounded_channel();
        let per_minute = self.pace(settings).requests_per_minute;
        match runtime.block_on(send::fetch_lead_list(&self.client, per_minute, requests)) {
            Fetched::Whole(list) => Ok(list),
            Fetched::Unusable { reason } => Err(reason),
            Fetched::Ended(End::Halted(
                Halt::KeyRefused { message } | Halt::Untrusted { message },
            )) => Err(message),
            Fetched::Ended(_) => Err("reading it was interrupted".to_owned()),
        }
    }

    pub(super) fn pace(&self, settings: &EffectiveSettings) -> send::SendSettings {
        let requests_per_minute = if self.is_sandbox() && !settings.send.rate_is_chosen {
            NonZeroU32::new(SANDBOX_PER_MINUTE).unwrap_or(settings.send.requests_per_minute)
        } else {
            settings.send.requests_per_minute
        };
        send::SendSettings {
            requests_per_minute,
            concurrency: settings.send.concurrency,
            should_infer_non_referrals: settings.send.infer_non_referrals,
            // A sandbox in this process decides at the first request if a customer is a lead: its
            // list is never complete.
            should_use_lead_list: settings.send.lead_list && !self.is_sandbox(),
            give_up_after: Duration::from_secs(settings.send.give_up_after_seconds.get().into()),
            should_repeat_unconfirmed: false,
            stop_after_same_refusals: None,
        }
    }
}

/// Refuses to send sales as commissions to a sandbox in this process.
fn no_referrals() -> CliError {
    let message = "`history = \"commissions\"` needs the account's list of referrals, and the built-in sandbox has none";
    CliError::usage(Problem::error(ProblemCode::SandboxHasNone, message).hint(
        "start one with `fprecon sandbox --start FILE`, and name it by `--base-url`; or leave `history` out",
    ))
}

/// Returns the warning that the list of leads can't be used, so that every event is sent.
pub(super) fn no_lead_list(reason: &str) -> Problem {
    let message = format!("the list of leads is not used: {reason}");
    Problem::warning(ProblemCode::LeadListUnusable, message)
        .hint("the events are not affected: all of them are sent, which takes longer")
}

fn client(
    account: &Account,
    base_url: &str,
    key: &ApiKey,
    settings: &EffectiveSettings,
) -> Result<Client, CliError> {
    let client = client_settings(&account.account_id, base_url, settings)?;
    Ok(Client::new(client, key)?)
}

/// Returns what a client of an account is made from, beside the key.
pub(super) fn client_settings(
    account_id: &str,
    base_url: &str,
    settings: &EffectiveSettings,
) -> Result<tracking::ClientSettings, CliError> {
    Ok(tracking::ClientSettings {
        version: settings.api.version,
        base_url: base_url.to_owned(),
        account_id: account_id.to_owned(),
        account_currency: settings.api.account_currency,
        decimals: settings.currencies.decimals.clone(),
        should_notify_promoters: settings.send.notify_promoters,
        has_cancellation_event_id: settings.api.cancellation_event_id,
        ca_pem: settings.api.ca_pem()?,
        timeouts: settings.send.timeouts,
    })
}
