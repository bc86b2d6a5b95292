//! The arguments of the commands that send events.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::date_range::RangeLimit;

/// The option for sales that the account has under another id.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct InAccountArgument {
    /// Fetch the account's commissions, and hold the sales that it has under another id; or send those that were held
    #[arg(
        long = "in-account",
        value_name = "hold|send",
        hide_possible_values = true
    )]
    pub(crate) treatment: Option<InAccountTreatment>,
}

impl InAccountArgument {
    /// Returns `true` if the sales to send are compared with those of the account.
    pub(crate) fn is_compared(self) -> bool {
        self.treatment == Some(InAccountTreatment::Hold)
    }
}

/// The treatments of sales that the account has under another id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InAccountTreatment {
    Hold,
    Send,
}

/// The options for the dates of the events.
#[derive(Debug, Args)]
pub(crate) struct RangeArguments {
    /// Send only what is dated on this day or later, in the zone of `[audit]`: 2026-03-01 or 2026-03-01T14:00
    #[arg(long, value_name = "DATE")]
    pub(crate) since: Option<RangeLimit>,
    /// Send only what is dated on this day or before, or before this time
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<RangeLimit>,
}

/// The options for the links between refunds and sales.
#[derive(Debug, Args)]
pub(crate) struct LinkArguments {
    /// CSV that names the sales of refunds, with the columns refund_event_id,sale_event_id
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) link: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// Exports: paths, folders, globs, `s3://`, `gs://` or `az://` addresses or `-`, also packed (gzip, zstd, zip); several are one job
    #[arg(required = true, value_name = "EXPORT")]
    pub(crate) exports: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) range: RangeArguments,
    #[command(flatten)]
    pub(crate) link: LinkArguments,
    #[command(flatten)]
    pub(crate) lead_list: LeadListArgument,
    #[command(flatten)]
    pub(crate) in_account: InAccountArgument,
    /// Send this many events first, show the answers, and ask before the rest; where nobody can be asked, stop there
    #[arg(long, value_name = "N")]
    pub(crate) first: Option<NonZeroU64>,
    #[command(flatten)]
    pub(crate) pace: PaceArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArguments {
    #[command(flatten)]
    pub(crate) lead_list: LeadListArgument,
    #[command(flatten)]
    pub(crate) check: UndoCheckArgument,
    #[command(flatten)]
    pub(crate) pace: PaceArguments,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct UndoCheckArgument {
    /// Leave out the account's list of commissions before refunds of an undo: refunds that others made are then not known
    #[arg(id = "no_account_check", long = "no-account-check")]
    pub(crate) is_left_out: bool,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct LeadListArgument {
    /// Fetch the account's leads first; events of other customers are not sent
    #[arg(long = "lead-list")]
    pub(crate) is_wanted: bool,
}

/// The options for the speed of sending, and for the reports.
#[derive(Debug, Args)]
pub(crate) struct PaceArguments {
    /// The most requests in a minute [default: 380; the API takes 400]
    #[arg(long, value_name = "N")]
    pub(crate) requests_per_minute: Option<NonZeroU32>,
    /// The most requests at a time [default: 16]
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<NonZeroUsize>,
    /// Where the reports go: a folder, or one in object storage [default: reports/RUN beside the journal]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Write metrics for Prometheus to this file at the end, whatever the exit code
    #[arg(long, value_name = "FILE.prom")]
    pub(crate) metrics_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) redact: RedactArgument,
}

#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct RedactArgument {
    /// Replace emails and names in the reports with stable tokens, so that they can be shared
    #[arg(id = "redact", long = "redact")]
    pub(crate) is_wanted: bool,
}

const RETRY_USAGE: &str = "\
fprecon retry [OPTIONS] [--failed] [--unconfirmed] [--non-referral]
       fprecon retry [OPTIONS] --event <ID>...";

#[derive(Debug, Args)]
#[command(override_usage = RETRY_USAGE, group = clap::ArgGroup::new("which")
    .args(["failed", "unconfirmed", "non_referral", "events"])
    .required(true)
    .multiple(true))]
pub(crate) struct RetryArguments {
    /// Events that the API refused
    #[arg(long)]
    pub(crate) failed: bool,
    /// Cancellations that got no answer; they may count twice
    #[arg(long)]
    pub(crate) unconfirmed: bool,
    /// Events of customers who were not leads
    #[arg(long)]
    pub(crate) non_referral: bool,
    /// Only the event with this id, whichever of these it is; can be repeated
    #[arg(
        id = "events",
        long = "event",
        value_name = "ID",
        conflicts_with_all = ["failed", "unconfirmed", "non_referral"]
    )]
    pub(crate) events: Vec<String>,
    #[command(flatten)]
    pub(crate) in_account: InAccountArgument,
    #[command(flatten)]
    pub(crate) check: UndoCheckArgument,
    #[command(flatten)]
    pub(crate) pace: PaceArguments,
}

#[derive(Debug, Args)]
#[command(after_long_help = UNDO_EXAMPLES)]
pub(crate) struct UndoArguments {
    /// The run, as `fprecon status` lists it
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) check: UndoCheckArgument,
    #[command(flatten)]
    pub(crate) pace: PaceArguments,
}

const UNDO_EXAMPLES: &str = "\
Examples:
  fprecon undo 2026-03-05T09-30-00Z-4
                                  show the refunds, then ask
  fprecon undo 2026-03-05T09-30-00Z-4 --yes
                                  send them

Exit codes:
  0 undone, or nothing to undo
  1 something is held, or a refund failed
  2 nothing was sent: nobody could be asked, and `--yes` was not given
  3 there is no such run, or it can't be undone
  5 nothing was sent: the account's list of commissions is not complete";
