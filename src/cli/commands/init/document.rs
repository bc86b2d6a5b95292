//! Writes the text of the configuration, with its comments.

use super::look::Looked;
use super::{ApiSettings, Plans};
use crate::propose::{comment_text, toml_string};

/// Returns the whole file.
pub(super) fn document(looked: &[Looked<'_>], plans: &Plans, account: &ApiSettings) -> String {
    let mut lines = vec![
        "# Settings of fprecon, written by `fprecon init` for these exports:".to_owned(),
        "#".to_owned(),
    ];
    for (one, profile) in looked.iter().zip(&plans.profiles) {
        lines.push(format!("#   {}: {}", comment_text(&one.path), profile.name));
    }
    lines.push(HEAD.to_owned());
    lines.push(api_table(account));
    lines.push(SEND.to_owned());
    for proposal in &plans.proposals {
        lines.push(proposal.toml.clone());
    }
    lines.join("\n")
}

const HEAD: &str = "\
#
# `fprecon plan` and `fprecon run --sandbox` work with it as it is, unless a line says TO FILL IN in
# `[exports.…]`. A line behind a single `#` shows a default: take the `#` away to change it. What
# `fprecon init` could not know for sure says `guess`. `fprecon config` shows what is in force.
";

fn api_table(account: &ApiSettings) -> String {
    let mut lines = vec![
        "[api]".to_owned(),
        "# The account's integration id, from FirstPromoter: Settings > Integrations > Tracking API.".to_owned(),
    ];
    match &account.wid {
        Some(wid) => lines.push(format!("wid = {}", toml_string(wid))),
        None => {
            lines.push("# TO FILL IN before a real run (or set FPRECON_WID):".to_owned());
            lines.push("# wid = \"…\"".to_owned());
        }
    }
    lines.push(
        "# A file that contains the API key and nothing else; relative to this file.".to_owned(),
    );
    match &account.key_file {
        Some(path) => lines.push(format!("key_file = {}", toml_string(path))),
        None => {
            lines.push("# TO FILL IN before a real run (or set FPRECON_API_KEY):".to_owned());
            lines.push("# key_file = \"firstpromoter.key\"".to_owned());
        }
    }
    lines.push(
        "# The currency of the FirstPromoter account; amounts in other currencies are sent with their code."
            .to_owned(),
    );
    if let Some(guess) = &account.guess {
        lines.push(format!("# guess: {guess}"));
    }
    lines.push(format!(
        "account_currency = {}",
        toml_string(account.currency.code())
    ));
    lines.push(API_DEFAULTS.to_owned());
    lines.join("\n")
}

const API_DEFAULTS: &str = r#"# The version of the Tracking API (v1 or v2), and where it is; plain http only to this machine.
# version = "v1"
# base_url = "https://firstpromoter.com/api/v1"
# Only of version 2: the account's id.
# account_id = "…"
# true: the account takes `event_id` on cancellations, so that they can be sent again safely.
# cancellation_event_id = false
# Certificates (PEM) to trust beside those of this machine; the path starts here.
# ca_file = "…"
"#;

const SEND: &str = r#"[send]
# The most requests in a minute; the API takes 400.
# requests_per_minute = 380
# The most requests at a time.
# concurrency = 16
# true: promoters are mailed about what is sent.
# notify_promoters = false
# After the answer that nobody referred a customer, don't ask for the customer's other events.
# infer_non_referrals = true
# true: fetch the account's leads first, and send no events of others.
# lead_list = false
# Of nothing but failures; then the run ends and can be resumed.
# give_up_after_seconds = 120
# The same refusal so often, and nothing that went well: then the run ends and can be resumed.
# stop_after_same_refusals = 20
# For looking up the name, TCP and TLS together; between two pieces of an answer; for all of it.
# connect_timeout_seconds = 10
# read_timeout_seconds = 20
# request_timeout_seconds = 45

[currencies]
# Amounts that are not in the account's currency: send, convert or hold.
# foreign = "send"
# For convert: a CSV of date,currency,rate beside this file.
# rates = ""
# In which unit the API takes a currency, where it is not ISO 4217's: docs/currencies.md.
# decimals = { ISK = 2 }

[link]
# true: a refund that names no sale takes the only one of its customer that it can reverse.
# match_by_customer = false
# true: refunds whose sale is not named or not found are sent without one.
# send_unlinked = false
# Which sale a held refund undoes: a CSV of refund_event_id,sale_event_id beside this file.
# resolutions = ""

[audit]
# What `fprecon audit` compares commissions with; docs/audit.md has the whole of it. Without rules the
# rate of each promoter and plan is inferred.
# rounding = "half-up"
# zone = "UTC"
# Differences up to this end with code 0.
# tolerance_cents = 0
# true: what no id matches is matched by customer, amount and days.
# match_by_customer = false
# match_days = 3
# Commissions may be pending for so many days.
# pending_days = 0
# Of what `from_volume_cents` of a rule counts the sales: month or all-time.
# volume = "month"
#
# [[audit.rule]]
# rate = "20"
"#;
