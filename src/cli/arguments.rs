//! The arguments of the command line.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;

use super::date_range::RangeLimit;
use crate::report::Format;

/// Reconciles billing exports with FirstPromoter.
///
/// Reads billing export CSVs, classifies their rows into sales, refunds and cancellations, sends
/// them to the FirstPromoter Tracking API (each event once), and accounts for every row.
#[derive(Debug, Parser)]
#[command(
    name = "fprecon",
    version,
    max_term_width = 100,
    after_help = EXAMPLES,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  fprecon demo                      see it work: no account, no network
  fprecon init payments.csv         write a commented fprecon.toml
  fprecon plan payments.csv         show what would be sent; send nothing
  fprecon run payments.csv --sandbox
                                    a whole run against a local sandbox
  fprecon run payments.csv          the real thing; asks before it sends
  fprecon resume                    go on after an interruption
  fprecon explain payments.csv:12   why this row is what it is
  fprecon accept reports/RUN/failed.csv --reason 'test orders'
                                    accept what is known and stays as it is
  fprecon audit --live              check every commission against a sale

Exit codes:
  0 done                            1 something needs attention
  2 wrong usage                     3 input or configuration unusable
  4 the API refused the key         5 incomplete; `fprecon resume` goes on
  6 the journal is damaged or not writable
  7 another process holds the journal; try again later
  70 a bug in fprecon
  129, 130, 143 interrupted; `fprecon resume` goes on";

/// The line of a command's help that names the common options.
const COMMON_OPTIONS: &str = "\
Common options, such as --config, --journal, --json and --quiet:
see `fprecon --help`";

/// The common options that the help of senders shows in full.
const SHOWN_BY_SENDERS: [&str; 3] = ["sandbox", "yes", "no_input"];

/// Returns the commands for `--help`: it lists the common options only for `fprecon --help`, and
/// for a command its own.
pub(crate) fn for_help() -> clap::Command {
    let command = Arguments::command()
        .disable_help_flag(true)
        .arg(help_flag(clap::ArgAction::HelpShort));
    let common: Vec<clap::Arg> = command
        .get_arguments()
        .filter(|argument| argument.is_global_set())
        .cloned()
        .collect();
    command.mut_subcommands(|own| without_common(own, &common))
}

fn help_flag(action: clap::ArgAction) -> clap::Arg {
    let flag = clap::Arg::new("help").short('h').long("help");
    flag.action(action).help("Print help")
}

fn without_common(command: clap::Command, common: &[clap::Arg]) -> clap::Command {
    let is_sender = [
        "run",
        "resume",
        "retry",
        "recover",
        "undo",
        "mark-paid",
        "customer-since",
    ]
    .contains(&command.get_name());
    let hidden = common
        .iter()
        .filter(|argument| !(is_sender && SHOWN_BY_SENDERS.contains(&argument.get_id().as_str())));
    let hidden = hidden.map(|argument| argument.clone().hide(true));
    let long = command.get_after_long_help().map(ToString::to_string);
    let command = command
        .args(hidden)
        .arg(help_flag(clap::ArgAction::Help))
        .after_help(COMMON_OPTIONS);
    let command = match long {
        Some(long) => command.after_long_help(format!("{long}\n\n{COMMON_OPTIONS}")),
        None => command,
    };
    command.mut_subcommands(|own| without_common(own, common))
}

/// The variable of `--log-format`.
pub(crate) const LOG_FORMAT_VARIABLE: &str = "FPRECON_LOG_FORMAT";

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// Configuration file [default: fprecon.toml here, and the one of the user's config directory]
    #[arg(long, global = true, value_name = "FILE", env = "FPRECON_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The account: `[accounts.NAME]` of the configuration
    #[arg(long, global = true, value_name = "NAME", env = "FPRECON_ACCOUNT")]
    pub(crate) account: Option<String>,
    /// The journal [default: fprecon.journal beside the configuration]
    #[arg(long, global = true, value_name = "FILE", env = "FPRECON_JOURNAL")]
    pub(crate) journal: Option<PathBuf>,
    /// Profile of the exports, or of those with a path; can be repeated [default: detected from the headers]
    #[arg(
        long,
        global = true,
        value_name = "NAME|FILE|NAME=GLOB",
        env = "FPRECON_PROFILE"
    )]
    pub(crate) profile: Vec<String>,
    /// Encoding of exports without a byte-order mark [default: utf-8]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) encoding: Option<TextEncoding>,
    /// The sheet of workbooks that is read [default: the only one]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) sheet: Option<String>,
    /// Version of the Tracking API
    #[arg(long, global = true, value_name = "v1|v2")]
    pub(crate) api: Option<String>,
    /// Base URL of the Tracking API
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// File with the API key; takes precedence over FPRECON_API_KEY
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) api_key_file: Option<PathBuf>,
    /// Use an in-process sandbox, with a journal of its own
    #[arg(long, global = true)]
    pub(crate) sandbox: bool,
    /// Print one JSON object on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Form of what goes to standard error: text, or one JSON object a line
    #[arg(
        long,
        global = true,
        value_name = "text|json",
        default_value = "text",
        hide_possible_values = true,
        env = LOG_FORMAT_VARIABLE
    )]
    pub(crate) log_format: LogFormat,
    /// Leave emails and names in the lines of `--log-format json`
    #[arg(
        long,
        global = true,
        value_parser = clap::builder::FalseyValueParser::new(),
        env = "FPRECON_LOG_EMAILS"
    )]
    pub(crate) log_emails: bool,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    /// Print errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// List every problem, not only the first ones
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Don't ask before sending
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,
    /// Never prompt; fail if a prompt would be needed
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
}

/// The encodings of exports that can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextEncoding {
    #[value(name = "utf-8")]
    Utf8,
    #[value(name = "utf-16")]
    Utf16,
    #[value(name = "windows-1252")]
    Windows1252,
}

impl TextEncoding {
    /// Returns the word that `--encoding` takes.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            TextEncoding::Utf8 => "utf-8",
            TextEncoding::Utf16 => "utf-16",
            TextEncoding::Windows1252 => "windows-1252",
        }
    }
}

/// The forms of what goes to standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Text for people
    Text,
    /// One JSON object a line
    Json,
}

/// The settings for the use of colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the built-in sample exports through a sandbox
    Demo(DemoArguments),
    /// Look at exports, and write a commented fprecon.toml for them
    Init(InitArguments),
    /// Show what would be sent, and send nothing
    Plan(PlanArguments),
    /// Plan, send, report
    Run(RunArguments),
    /// Send what an interrupted run left unsent
    Resume(ResumeArguments),
    /// Try failed, unconfirmed or non-referral events again
    Retry(RetryArguments),
    /// Refund what is left of the sales of a run
    Undo(UndoArguments),
    /// Put right what an import leaves: commissions that were paid, dates of leads
    #[command(subcommand)]
    History(HistoryCommand),
    /// Accept failed, held or rejected items as they are: they no longer need attention
    Accept(AcceptArguments),
    /// Show what the journal holds, and what needs attention
    Status,
    /// Show the life of one row or event: why it is what it is, what was sent and answered
    Explain(ExplainArguments),
    /// Write a run's reports again, from the journal
    Report(ReportArguments),
    /// Verify the journal, or export it
    #[command(subcommand)]
    Journal(JournalCommand),
    /// Compare FirstPromoter's commissions with billed sales and refunds
    Audit(AuditArguments),
    /// List, show or check the profiles for exports
    #[command(subcommand)]
    Profiles(ProfilesCommand),
    /// Show every setting and where it comes from
    Config(ConfigArguments),
    /// Check the settings, the key, the folders, the journal, the API and the clock; send no event
    ///
    /// The API is asked for the first page of the account's leads, which records nothing. Nothing is written.
    #[command(after_long_help = DOCTOR_EXIT_CODES)]
    Doctor,
    /// Run a local Tracking API with the documented behaviour
    Sandbox(SandboxArguments),
    /// Print shell completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print a manual page, or write those of all commands
    Man(ManArguments),
}

impl Command {
    /// Returns the name of a command that sends events and reports on it.
    pub(crate) fn sender(&self) -> Option<&'static str> {
        match self {
            Command::Demo(_) => Some("demo"),
            Command::Run(_) => Some("run"),
            Command::Resume(_) => Some("resume"),
            Command::Retry(_) => Some("retry"),
            Command::Undo(_) => Some("undo"),
            _ => None,
        }
    }

    /// Returns the options for sending of a command that sends to the account.
    pub(crate) fn pace(&self) -> Option<&PaceArguments> {
        match self {
            Command::Run(options) => Some(&options.pace),
            Command::Resume(options) => Some(&options.pace),
            Command::Retry(options) => Some(&options.pace),
            Command::Undo(options) => Some(&options.pace),
            _ => None,
        }
    }

    /// Returns the name of a command that has no JSON output, so that `--json` is never ignored.
    pub(crate) fn without_json(&self) -> Option<&'static str> {
        match self {
            Command::Completions { .. } => Some("completions"),
            Command::Man(_) => Some("man"),
            Command::Sandbox(_) => Some("sandbox"),
            Command::Profiles(ProfilesCommand::Show { .. }) => Some("profiles show"),
            _ => None,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// The command, such as `run` [default: fprecon itself]
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    pub(crate) command: Vec<String>,
    /// Write a page for each command into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Where the reports go
    #[arg(long, value_name = "DIR", default_value = "fprecon-demo")]
    pub(crate) dir: PathBuf,
}

/// An export of a known provider needs little; for any other CSV a profile is proposed from its
/// header and its rows, with every guess marked. An existing file is never overwritten.
#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// Exports: paths, folders, globs, `s3://`, `gs://` or `az://` addresses or `-`, also packed (gzip, zstd, zip)
    #[arg(required = true, value_name = "EXPORT")]
    pub(crate) exports: Vec<PathBuf>,
    /// Print the configuration on standard output, and write no file
    #[arg(long, conflicts_with = "json")]
    pub(crate) print: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    /// Exports: paths, folders, globs, `s3://`, `gs://` or `az://` addresses or `-`, also packed (gzip, zstd, zip); several are one job
    #[arg(required = true, value_name = "EXPORT")]
    pub(crate) exports: Vec<PathBuf>,
    /// Write every event, in sending order, to this CSV file
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) events: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) range: RangeArguments,
    #[command(flatten)]
    pub(crate) link: LinkArguments,
    /// Fetch the account's leads, and say how many events would have to be sent with that list
    #[arg(long)]
    pub(crate) lead_list: bool,
    /// Fetch the account's commissions, and name the sales that it has already under another id
    #[arg(long)]
    pub(crate) check_account: bool,
    #[command(flatten)]
    pub(crate) in_account: InAccountArgument,
}

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
    pub(crate) check: UndoCheckArgument,
    #[command(flatten)]
    pub(crate) pace: PaceArguments,
}

/// Shows the plan, and asks before it sends. Each sale that the run had tracked is refunded by what is left of it,
/// whoever sent earlier refunds: the account's list of commissions is read for that. Sign-ups, cancellations and emails to
/// promoters can't be undone. What the run has left to send is not sent any more.
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

#[derive(Debug, Subcommand)]
pub(crate) enum HistoryCommand {
    /// Mark commissions of tracked sales as paid, up to a day
    MarkPaid(MarkPaidArguments),
    /// Make leads customers since their first sale
    CustomerSince(CustomerSinceArguments),
}

/// Shows the commissions by promoter, and asks before it sends. FirstPromoter marks payouts, not commissions: a payout
/// is marked only if it pays commissions of events that this journal has tracked, dated in the range, and nothing else.
/// What cannot be marked is left alone and reported. The same command goes on after an interruption.
#[derive(Debug, Args)]
#[command(after_long_help = MARK_PAID_EXAMPLES)]
pub(crate) struct MarkPaidArguments {
    /// The last day of what was paid, in the zone of `[audit]`, or the time before which: 2026-03-01 or 2026-03-01T14:00
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

/// FirstPromoter has a lead as a customer since the day of the import, whatever the date of the first sale (version 1). This
/// sets the date of each lead to that of its first sale in this journal, and asks before it does. A date that is as early
/// already, or earlier, is left alone. The same command goes on after an interruption.
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

/// Nothing is sent, and nothing else is decided: an accepted item stays failed, held or rejected, and later
/// runs and reports list it as accepted, by whom and why. An item that changes needs attention again.
#[derive(Debug, Args)]
#[command(after_long_help = ACCEPT_EXAMPLES)]
pub(crate) struct AcceptArguments {
    /// Reports of a run: failed.csv, held.csv, rejected.csv or ignored.csv, whole or with lines removed
    #[arg(value_name = "REPORT.csv", required_unless_present_any = ["list", "event"])]
    pub(crate) reports: Vec<PathBuf>,
    /// Reason for accepting them; every later report shows it
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["list", "undo"])]
    pub(crate) reason: Option<String>,
    /// Accept this event; can be repeated
    #[arg(long, value_name = "ID")]
    pub(crate) event: Vec<String>,
    /// Show what is accepted
    #[arg(long, conflicts_with_all = ["reports", "reason", "event", "undo"])]
    pub(crate) list: bool,
    /// Undo: the items need attention again
    #[arg(long, conflicts_with = "reason")]
    pub(crate) undo: bool,
}

const ACCEPT_EXAMPLES: &str = "\
Examples:
  fprecon accept reports/RUN/failed.csv --reason 'test orders'
                                  accept every event of the file
  fprecon accept --event sub_12 --reason 'in the dashboard since March'
  fprecon accept --list           show what is accepted, by whom and why
  fprecon accept --undo reports/RUN/failed.csv
                                  take it back

Exit codes:
  0 accepted
  3 a file is not a report, or the journal does not have one of its lines;
    nothing was accepted
  6 the journal";

/// Reads the journal, and the export if it is still there. Nothing is sent and nothing is written: it works
/// while a run goes on. An export that no run has read is explained as `plan` would decide now.
#[derive(Debug, Args)]
#[command(after_long_help = EXPLAIN_EXAMPLES)]
pub(crate) struct ExplainArguments {
    /// A row by its export and line, or an event by its id, as the reports have them
    #[arg(value_name = "FILE:LINE|EVENT_ID")]
    pub(crate) what: String,
    /// The run whose reading of the row is meant [default: of the export as it is now, else the last one]
    #[arg(long, value_name = "ID")]
    pub(crate) run: Option<String>,
}

const DOCTOR_EXIT_CODES: &str = "\
Exit codes:
  0 nothing was found
  1 warnings: a run is possible
  3 a run would refuse, or could not do its work";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  fprecon explain payments.csv:12      the row that starts on line 12
  fprecon explain in_1001              the event with this id
  fprecon explain in_1001 --json       the same, for a script

Exit codes:
  0 explained
  3 neither the journal nor the export has it
  6 the journal";

#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// The run [default: the last one]
    #[arg(long, value_name = "ID", conflicts_with_all = ["from", "to"])]
    pub(crate) run: Option<String>,
    /// All runs that were started on this day (UTC) or later, added up: 2026-03-01
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<Date>,
    /// All runs that were started on this day (UTC) or before, added up
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<Date>,
    /// Selection by `--from` and `--to`: runs by their start, or sales by their date, with their refunds, in the
    /// zone of `[audit]` [default: run-date]
    #[arg(long, value_name = "WHICH", conflicts_with = "run")]
    pub(crate) by: Option<DatedBy>,
    /// Where the reports go [default: where they went before]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Which files to write: csv, json, html, xlsx, parquet [default: all]
    #[arg(long, value_name = "FORMAT", value_delimiter = ',')]
    pub(crate) format: Vec<Format>,
    #[command(flatten)]
    pub(crate) redact: RedactArgument,
}

/// Names the date that `--from` and `--to` select by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DatedBy {
    /// The start of the run
    RunDate,
    /// The date of the sale; refunds count on the day of their sale
    SaleDate,
}

/// Their side comes from the account's listings, which are kept beside the journal (`--live` reads them
/// anew; without it the last ones are taken), or from a CSV of commissions. Our side is the journal, or
/// the exports that are named.
#[derive(Debug, Args)]
#[command(after_long_help = AUDIT_EXAMPLES)]
pub(crate) struct AuditArguments {
    /// Billing exports to compare with [default: the journal]
    #[arg(value_name = "EXPORT")]
    pub(crate) exports: Vec<PathBuf>,
    /// A list of commissions that was exported from FirstPromoter
    #[arg(long, value_name = "FILE", conflicts_with = "live")]
    pub(crate) commissions: Option<PathBuf>,
    /// Read the commissions from the account now, and keep them beside the journal
    #[arg(long)]
    pub(crate) live: bool,
    /// Skip fetching leads (commissions can then not be checked against lead ownership)
    #[arg(long, requires = "live")]
    pub(crate) no_leads: bool,
    /// The first day of the sales that are compared
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<jiff::civil::Date>,
    /// The last day of the sales that are compared
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<jiff::civil::Date>,
    /// Which day of a sale counts: its date, or the start of the run that first recorded it
    /// [default: sale-date]
    #[arg(long, value_name = "WHICH", conflicts_with = "exports")]
    pub(crate) by: Option<DatedBy>,
    /// Differences of no more than this, by currency, end with code 0 [default: 0]
    #[arg(long, value_name = "CENTS")]
    pub(crate) tolerance: Option<u32>,
    /// Where the files go [default: audit/DATE beside the journal]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) redact: RedactArgument,
}

const AUDIT_EXAMPLES: &str = "\
Examples:
  fprecon audit --live            fetch the commissions, compare with the journal
  fprecon audit                   the same, with the commissions of last time
  fprecon audit --live --from 2026-03-01 --to 2026-03-31
                                  the sales of one month
  fprecon audit payments.csv --commissions commissions.csv
                                  two files; no account is needed

Exit codes:
  0 no differences beyond the tolerance
  1 differences, or rows that can't be read
  3 input unusable
  4 the API refused the key
  5 the listing could not be read to its end; the same command goes on";

#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    /// Verify that the journal is what was written: pages, checksums, attempts, books
    ///
    /// Reads only, and works while a run goes on. Exit code 0 if nothing is wrong, else 6.
    Check,
    /// Continue with a journal that lost its last commits, such as by a damaged or deleted log
    ///
    /// Sends nothing. Events that may have been sent and cannot be repeated become unconfirmed when the run is
    /// resumed or the exports are run again. Asks first, unless `--yes` is given.
    Recover,
    /// Remove the details of runs that are settled and old
    ///
    /// Removes rows without events, attempts, figures and reports of runs that ended before a day. Keeps every event
    /// with its id, amounts, links and outcome, and everything else that decides what is sent; and keeps runs whole
    /// of which something is open, failed, unconfirmed, held, rejected or accepted. Asks first, unless `--yes` is given.
    Prune(JournalPruneArguments),
    /// Write every event of the journal, or every attempt, as CSV or Parquet
    ///
    /// Reads only, and works while a run goes on. docs/journal.md describes the columns.
    Export(JournalExportArguments),
}

#[derive(Debug, Args)]
pub(crate) struct JournalPruneArguments {
    /// Remove what is of runs that ended before this day, in UTC
    #[arg(long, value_name = "DATE")]
    pub(crate) before: Date,
}

#[derive(Debug, Args)]
pub(crate) struct JournalExportArguments {
    /// Every request that was ever intended, instead of every event
    #[arg(long)]
    pub(crate) attempts: bool,
    /// Format of the export
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    pub(crate) format: ExportFormat,
    /// The file to write, whole or not at all [default: standard output, for CSV]
    #[arg(short, long, value_name = "FILE", required_if_eq("format", "parquet"))]
    pub(crate) output: Option<PathBuf>,
}

/// The formats in which the journal can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    Csv,
    Parquet,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProfilesCommand {
    /// List the profiles
    List,
    /// Print a profile, and what it has from those that it extends
    Show {
        /// Its name
        name: String,
    },
    /// Show which profile fits an export, and why the others don't
    Check {
        /// Exports: paths, folders, globs or `-`
        #[arg(required = true, value_name = "EXPORT")]
        exports: Vec<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SandboxArguments {
    /// Where to listen; port 0 takes any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Promoters, rates, plans and leads to start with: TOML, or a CSV of leads; can be repeated
    /// [default: a built-in set]
    #[arg(long, value_name = "FILE")]
    pub(crate) start: Vec<PathBuf>,
    /// Keep the state in this file, and continue from it
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Percentage of customers who are leads, besides the declared ones [default: 75, or what
    /// the start files say]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(..=100))]
    pub(crate) lead_share: Option<u8>,
    /// Answer 429 to more than this many requests in a minute; the API takes 400
    #[arg(long, value_name = "N")]
    pub(crate) requests_per_minute: Option<u32>,
    /// Accept only the API key in this file
    #[arg(long, value_name = "FILE")]
    pub(crate) require_key: Option<PathBuf>,
    /// Simulate the newer generation of v1, which deduplicates cancellations by `event_id`
    #[arg(long)]
    pub(crate) cancellation_event_id: bool,
    /// Delay every answer by this time
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) latency_ms: u64,
    /// Delay it by up to this much longer, at random
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) latency_spread_ms: u64,
    /// Delay the slowest answers by this much more
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) latency_tail_ms: u64,
    /// Percentage of answers that are the slowest
    #[arg(long, value_name = "PERCENT", default_value_t = 1, value_parser = clap::value_parser!(u8).range(..=100))]
    pub(crate) latency_tail_percent: u8,
    /// Inject a fault: `reset,after_effect`, `status,status=503,percent=2`; can be repeated
    /// (docs/sandbox.md lists them; POST /sandbox/faults adds more later)
    #[arg(long = "fault", value_name = "ACTION[,NAME=VALUE...]")]
    pub(crate) faults: Vec<String>,
    /// Seed for random faults: the same seed gives the same faults
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Number of requests that the log of arrivals keeps
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub(crate) arrivals_kept: usize,
}

/// The arguments of `config`.
#[derive(Args, Debug)]
pub(super) struct ConfigArguments {
    /// Print the JSON Schema of `fprecon.toml`, for editors
    #[arg(long)]
    pub(super) schema: bool,
}
