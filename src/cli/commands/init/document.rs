//! Writes the text of the configuration, with its comments.

use super::look::Looked;
use super::{ApiAnswers, ProfilePlan};
use crate::cli::settings::template;
use crate::propose::{comment_text, toml_string};

/// Returns the whole file.
pub(super) fn document(looked: &[Looked<'_>], plans: &ProfilePlan, account: &ApiAnswers) -> String {
    let mut lines = vec![
        "# Settings of fprecon, written by `fprecon init` for these exports:".to_owned(),
        "#".to_owned(),
    ];
    for (one, profile) in looked.iter().zip(&plans.profiles) {
        lines.push(format!("#   {}: {}", comment_text(&one.path), profile.name));
    }
    lines.push(HEAD.to_owned());
    lines.push(api_table(account));
    lines.push(other_tables());
    for proposal in &plans.proposals {
        lines.push(proposal.toml.clone());
    }
    lines.join("\n")
}

const HEAD: &str = "\
#
# `fprecon plan` and `fprecon run --sandbox` work with it as it is, unless a line says TO FILL IN in
# `[exports.…]`. A line behind a single `#` shows a default: remove the `#` to change it. What
# `fprecon init` could not know for sure says `guess`. `fprecon config` shows what is in force.
";

fn api_table(account: &ApiAnswers) -> String {
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
    lines.push(template("api", &["wid", "key_file", "account_currency"]));
    lines.join("\n")
}

/// Returns the tables behind `[api]`, with all their defaults.
fn other_tables() -> String {
    let send = template("send", &[]);
    let currencies = template("currencies", &[]);
    let link = template("link", &[]);
    let retention = template("retention", &[]);
    let metrics = template("metrics", &[]);
    let notify = template("notify", &[]);
    format!(
        "[send]\n{send}\n[currencies]\n{currencies}{DECIMALS}\n[link]\n{link}\n[retention]\n{retention}\n[metrics]\n{metrics}\n[notify]\n{notify}\n{AUDIT}"
    )
}

const DECIMALS: &str = "\
# How many decimals the API takes of a currency, where that is not ISO 4217's: see docs/currencies.md.
# decimals = { ISK = 2 }
";

const AUDIT: &str = r#"[audit]
# What `fprecon audit` compares commissions with; docs/audit.md has the whole of it. Without rules the
# rate of each promoter and plan is inferred.
# rounding = "half-up"
# zone = "UTC"
# Differences up to this end with code 0.
# tolerance_cents = 0
# true: what no id matches is matched by customer, amount and days.
# match_by_customer = false
# match_days = 3
# Do not report commissions that have been pending for fewer days than this.
# pending_days = 0
# The sales that `from_volume_cents` of a rule counts: of the month, or all-time.
# volume = "month"
#
# [[audit.rule]]
# rate = "20"
"#;
