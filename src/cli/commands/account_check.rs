//! Fetches the sales of the account, with which those of the exports are compared before they are sent.

use std::cell::OnceCell;

use super::destination::Destination;
use super::fetched_list::fetch_list;
use super::incomplete_listing::incomplete_listing;
use crate::cli::arguments::{Common, InAccountTreatment};
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables::count;
use crate::cli::terminal::Terminal;
use crate::event::{Currency, CustomerRef};
use crate::job::{
    AccountFindings, AccountSales, InAccount, ListVersion, RefundOfAccount, SaleOfAccount,
};
use crate::problem::{Problem, ProblemCode};
use crate::send::{IncompleteListing, KeptLines, LineKeeper};
use crate::tracking::{DENIED, ListedCommission, Version};

/// The number of commissions of the account up to which they are kept: some 100 to 200 bytes each.
pub(super) const MAX_COMMISSIONS: u64 = 5_000_000;

/// Returns what is done with sales that the account has under another id; `otherwise` if nobody chose.
pub(super) fn treatment(chosen: Option<InAccountTreatment>, otherwise: InAccount) -> InAccount {
    match chosen {
        None => otherwise,
        Some(InAccountTreatment::Hold) => InAccount::Hold,
        Some(InAccountTreatment::Send) => InAccount::Send,
    }
}

/// Refuses a sandbox inside the program: it has no sales yet.
pub(super) fn expect_account(common: &Common) -> Result<(), CliError> {
    if !common.sandbox {
        return Ok(());
    }
    let message = "the built-in sandbox starts empty at each call: it has no commissions";
    Err(CliError::usage(
        Problem::error(ProblemCode::SandboxHasNone, message).hint(
            "start one with `fprecon sandbox`, and name it by `--base-url`; or leave the option out",
        ),
    ))
}

/// Fetches the sales of the account into their place, once.
///
/// # Errors
///
/// The list of commissions is not complete: nothing is compared then.
pub(super) fn fetch_into(
    place: &OnceCell<AccountSales>,
    target: &Destination,
    settings: &EffectiveSettings,
    terminal: &Terminal,
) -> Result<(), CliError> {
    if place.get().is_some() {
        return Ok(());
    }
    let api = &settings.api;
    let decimals = settings.currencies.decimals.clone();
    let version = match api.version {
        Version::V1 => ListVersion::V1,
        Version::V2 => ListVersion::V2,
    };
    let sales = AccountSales::new(settings.zone()?, api.account_currency, decimals, version);
    let mut listing = KeptLines::new(sales, MAX_COMMISSIONS);
    let per_minute = target.pace(settings).requests_per_minute;
    let read = fetch_list(target.client(), per_minute, &mut listing, terminal)?
        .map_err(|(unlisted, exit)| not_compared(&unlisted, exit, api.version))?;
    let mut sales = listing.kept;
    sales.requests = read.requests;
    sales.sort();
    place.get_or_init(|| sales);
    Ok(())
}

/// Says that nothing was compared, and why.
fn not_compared(unlisted: &IncompleteListing, interrupted: Exit, version: Version) -> CliError {
    let (exit, problem) = incomplete_listing("commissions", unlisted, interrupted);
    let message = format!("nothing was compared with the account: {}", problem.message);
    let hint = match exit {
        Exit::Refused => format!(
            "nothing was sent; {}, then run the same command again",
            version.key_advice()
        ),
        _ => "nothing was sent; run the same command again".to_owned(),
    };
    CliError::Ended(exit, Box::new(Problem { message, ..problem }.hint(hint)))
}

/// Returns the beginning of what came of a comparison: with how many commissions of the account, and for how many requests.
pub(super) fn compared_with(commissions: u64, requests: u64) -> String {
    format!(
        "Compared with {} of the account ({}): ",
        count(commissions, "commission"),
        count(requests, "request")
    )
}

/// Returns what came of the comparison, for people.
pub(super) fn in_words(found: &AccountFindings) -> String {
    let read = compared_with(found.commissions, found.requests);
    let mut parts = Vec::new();
    if found.under_other_ids.count() > 0 {
        let (ids, sales) = (&found.ids_in_words, &found.under_other_ids);
        parts.push(format!("already there as {ids}: {sales}"));
    }
    if found.maybe_under_other_ids.count() > 0 {
        parts.push(format!(
            "perhaps there under other ids, on later days: {}",
            found.maybe_under_other_ids
        ));
    }
    if found.maybe_at_other_rates.count() > 0 {
        parts.push(format!(
            "perhaps there under other ids, at other rates: {}",
            found.maybe_at_other_rates
        ));
    }
    if found.maybe_refunded.count() > 0 {
        parts.push(format!(
            "perhaps there under other ids: {}",
            found.maybe_refunded
        ));
    }
    if found.of_denied_sales.count() > 0 {
        parts.push(format!("of denied sales: {}", found.of_denied_sales));
    }
    if found.other_amounts.count() > 0 {
        parts.push(format!("there with other amounts: {}", found.other_amounts));
    }
    if found.other_customers.count() > 0 {
        parts.push(format!(
            "there of other customers: {}",
            found.other_customers
        ));
    }
    if found.under_same_ids.count() > 0 {
        parts.push(format!(
            "there under the same ids: {}",
            found.under_same_ids
        ));
    }
    if found.not_compared.count() > 0 {
        parts.push(format!("not compared: {}", found.not_compared));
    }
    match found.commissions_not_compared {
        0 => {}
        left => parts.push(format!("{} can't be compared", count(left, "commission"))),
    }
    if parts.is_empty() {
        parts.push("no sale to send is there already".to_owned());
    }
    format!("{read}{}.", parts.join("; "))
}

/// Keeps of each commission only what its sale is compared by.
impl LineKeeper<ListedCommission> for AccountSales {
    fn keep(&mut self, line: &ListedCommission) {
        self.commissions += 1;
        // A bonus, or a commission without a sale, such as one for a sign-up; and what a refund takes back.
        let is_of_sale = !line.is_by_hand && line.sale_amount.is_some_and(|amount| amount > 0);
        let has_no_amount = line.sale_amount.is_none() && line.event_id.is_some();
        let is_of_other_tier = line.tier > 1;
        let is_less = |cents: Option<i64>| cents.is_some_and(|cents| cents < 0);
        if !line.is_by_hand
            && !is_of_other_tier
            && (is_less(line.sale_amount) || line.sale_amount.is_none() && is_less(line.amount))
        {
            return self.keep_refund(line);
        }
        if !(is_of_sale || has_no_amount) || is_of_other_tier {
            return;
        }
        // A commission that several promoters share is one for each of them.
        let is_denied = line.status == DENIED;
        if let Some(id) = line.event_id.as_deref().filter(|id| self.has(id)) {
            if is_denied {
                self.deny(id);
            }
            return;
        }
        let customer = customer_of(line);
        let of_known = line.sale_amount.zip(line.created_at);
        let Some((amount_cents, at)) = of_known.filter(|_| !customer.is_unknown()) else {
            self.unclear += 1;
            return;
        };
        let original = original_of(line);
        self.add(&SaleOfAccount {
            event_id: line.event_id.as_deref(),
            commission_id: &line.id,
            customer,
            amount_cents,
            original,
            at,
            is_denied,
        });
    }

    fn clear(&mut self) {
        AccountSales::clear(self);
    }
}

impl AccountSales {
    fn keep_refund(&mut self, line: &ListedCommission) {
        // A refund of a sale that several promoters share is one for each of them.
        if line
            .event_id
            .as_deref()
            .is_some_and(|id| self.has_refund(id))
        {
            return;
        }
        let customer = customer_of(line);
        if customer.is_unknown() {
            self.unclear += 1;
        }
        self.add_refund(&RefundOfAccount {
            event_id: line.event_id.as_deref(),
            commission_id: &line.id,
            customer,
            amount_cents: line.sale_amount.map(i64::saturating_abs),
            original: original_of(line).map(|(cents, currency)| (cents.saturating_abs(), currency)),
            at: line.created_at,
        });
    }
}

/// Returns the customer of a commission, as the account has the lead.
fn customer_of(line: &ListedCommission) -> CustomerRef<'_> {
    CustomerRef {
        email: line.email.as_deref(),
        uid: line.uid.as_deref(),
    }
}

/// Returns the amount of a commission's sale as it was sent, if that was in another currency.
fn original_of(line: &ListedCommission) -> Option<(i64, Currency)> {
    let (cents, code) = line.original_sale.as_ref()?;
    Some((*cents, Currency::from_code(code)?))
}
