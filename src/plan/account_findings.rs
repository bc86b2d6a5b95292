//! What came of comparing a plan with the commissions of the account.

use serde::Serialize;

use crate::event::{KeyMap, Tally};
use crate::problem::{Problem, ProblemCode};

/// Says what came of comparing the sales to send with those of the account.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AccountFindings {
    /// The number of commissions that the account has.
    pub commissions: u64,
    /// The number of requests for their list.
    pub requests: u64,
    /// The sales that the account has under another id.
    pub under_other_ids: Tally,
    /// The sales that the account may have under another id: the lead and the amount are the same, and the day is a later
    /// one, which may be that of an import (version 2).
    pub maybe_under_other_ids: Tally,
    /// The converted sales that the account may have under another id: the lead and the day are the same, and the amount, at
    /// another rate, says nothing.
    pub maybe_at_other_rates: Tally,
    /// The sales that the account has under the id with which they would be sent.
    pub under_same_ids: Tally,
    /// The sales among those that it has with another amount, and refunds of more than it has of their sale.
    pub other_amounts: Tally,
    /// The sales among those that it has of another customer, and refunds of such sales.
    pub other_customers: Tally,
    /// The refunds of sales whose commission is denied in the account: they would take from the promoter what was never
    /// earned.
    pub of_denied_sales: Tally,
    /// The refunds of which the account may have some already: it has refunds of the customer that this journal has not sent,
    /// and does not say of which sale.
    pub maybe_refunded: Tally,
    /// The sales that can't be compared: they have no date, or another currency than the list.
    pub not_compared: Tally,
    /// The commissions of sales that can't be compared: they have no lead, no amount or no date.
    pub commissions_not_compared: u64,
    /// The ids under which the account has them, in few words.
    #[serde(skip)]
    pub ids_in_words: String,
}

impl AccountFindings {
    /// Returns `true` if somebody should look at what was found, or could not be compared.
    pub fn needs_attention(&self) -> bool {
        let sales = [
            &self.under_other_ids,
            &self.maybe_under_other_ids,
            &self.maybe_at_other_rates,
            &self.maybe_refunded,
            &self.of_denied_sales,
            &self.other_amounts,
            &self.other_customers,
            &self.not_compared,
        ];
        self.commissions_not_compared > 0 || sales.iter().any(|sales| sales.count() > 0)
    }

    /// Returns a warning for what could not be compared.
    pub(crate) fn not_compared(&self) -> Option<Problem> {
        let mut parts = Vec::new();
        if self.not_compared.count() > 0 {
            parts.push(format!(
                "{} to send, without a date or in another currency than the account's",
                self.not_compared
            ));
        }
        if self.maybe_under_other_ids.count() > 0 {
            parts.push(format!(
                "the days of {} to send, which may be in the account under other ids: it has the same leads and amounts on later days, and version 2 dates sales that came by tracking calls by the day of the call",
                self.maybe_under_other_ids
            ));
        }
        if self.maybe_at_other_rates.count() > 0 {
            parts.push(format!(
                "the amounts of {} to send, which were converted: the account has sales of the same leads and days, at rates of its own",
                self.maybe_at_other_rates
            ));
        }
        match self.commissions_not_compared {
            0 => {}
            1 => parts
                .push("1 commission of the account without a lead, an amount or a date".to_owned()),
            many => parts.push(format!(
                "{many} commissions of the account without a lead, an amount or a date"
            )),
        }
        if parts.is_empty() {
            return None;
        }
        let message = format!("not compared with the account: {}", parts.join("; "));
        let problem = Problem::warning(ProblemCode::SaleNotCompared, message);
        Some(
            problem.hint(
                "look these up in FirstPromoter; `--events FILE.csv` of `plan` names the sales",
            ),
        )
    }
}

/// Holds what the account's list says of running totals whose sale has any that was not compared.
#[derive(Clone, Debug, Default)]
pub(super) struct Uncompared {
    /// `true` if the list was read.
    pub(super) is_compared: bool,
    /// The number of those of earlier runs in these exports that are left as they are without the list.
    pub(super) left: u64,
    /// Those of which nothing is missing.
    pub(super) covered: KeyMap<()>,
    /// Those of which it is not known what is missing.
    pub(super) unclear: KeyMap<()>,
}
