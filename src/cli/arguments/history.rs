//! The arguments of the commands that put right what an import leaves.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::sending::RedactArgument;
use crate::cli::date_range::RangeLimit;

#[derive(Debug, Subcommand)]
pub(crate) enum HistoryCommand {
    /// Mark commissions of tracked sales as paid, up to a day
    ///
    /// Shows the commissions by promoter, and asks before it sends. FirstPromoter marks payouts, not commissions: a payout
    /// is marked only if it pays commissions of events that this journal has tracked, dated in the range, and nothing else.
    /// What cannot be marked is left alone and reported. The same command goes on after an interruption.
    MarkPaid(MarkPaidArguments),
    /// Make leads customers since their first sale
    ///
    /// FirstPromoter has a lead as a customer since the day of the import, whatever the date of the first sale (version 1). This
    /// sets the date of each lead to that of its first sale in this journal, and asks before it does. A date that is as early
    /// already, or earlier, is left alone. The same command goes on after an interruption.
    CustomerSince(CustomerSinceArguments),
}

#[derive(Debug, Args)]
#[command(after_long_help = MARK_PAID_EXAMPLES)]
pub(crate) struct MarkPaidArguments {
    /// Mark commissions of events dated up to this day, or before this time, in the zone of `[audit]`: 2026-03-01 or 2026-03-01T14:00
    #[arg(long, value_name = "DATE")]
    pub(crate) until: RangeLimit,
    /// Only events of these runs, as `fprecon status` lists them [default: of all runs]
    #[arg(value_name = "RUN")]
    pub(crate) runs: Vec<String>,
    /// The most requests in a minute [default: 380; the API takes 400]
    #[arg(long, value_name = "N")]
    pub(crate) requests_per_minute: Option<NonZeroU32>,
    /// Where marked_paid.csv goes [default: reports/mark-paid-TIME beside the journal]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) redact: RedactArgument,
}

const MARK_PAID_EXAMPLES: &str = "\
Examples:
  fprecon history mark-paid --until 2026-02-28
                                  show the commissions, then ask
  fprecon history mark-paid --until 2026-02-28 2026-03-05T09-30-00Z-4 --yes
                                  mark those of one run

Exit codes:
  0 marked, or nothing to mark
  1 a commission is not marked, or not known to be
  2 nothing was sent: nobody could be asked, and `--yes` was not given
  4 the API refused the key
  5 incomplete; the same command goes on";

#[derive(Debug, Args)]
#[command(after_long_help = CUSTOMER_SINCE_EXAMPLES)]
pub(crate) struct CustomerSinceArguments {
    /// Only leads with a sale of these runs, as `fprecon status` lists them [default: of all runs]
    #[arg(value_name = "RUN")]
    pub(crate) runs: Vec<String>,
    /// The most requests in a minute [default: 380; the API takes 400]
    #[arg(long, value_name = "N")]
    pub(crate) requests_per_minute: Option<NonZeroU32>,
    /// Where customer_since.csv goes [default: reports/customer-since-TIME beside the journal]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) redact: RedactArgument,
}

const CUSTOMER_SINCE_EXAMPLES: &str = "\
Examples:
  fprecon history customer-since  show how many leads have a later date, then ask
  fprecon history customer-since 2026-03-05T09-30-00Z-4 --yes
                                  set the dates of the leads of one run

Exit codes:
  0 set, or nothing to set
  1 a date is not set, or not known to be
  2 nothing was sent: nobody could be asked, and `--yes` was not given
  3 the account is of version 2, which has no call for it
  4 the API refused the key
  5 incomplete; the same command goes on";
