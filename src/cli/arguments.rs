//! The arguments of the command line.

mod history;
mod reports;
mod sandbox;
mod sending;

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

pub(crate) use self::history::{CustomerSinceArguments, HistoryCommand, MarkPaidArguments};
pub(crate) use self::reports::{
    AcceptArguments, AuditArguments, DatedBy, ExplainArguments, ExportFormat, JournalCommand,
    JournalExportArguments, JournalPruneArguments, ReportArguments,
};
pub(crate) use self::sandbox::SandboxArguments;
pub(crate) use self::sending::{
    InAccountArgument, InAccountTreatment, LinkArguments, PaceArguments, RangeArguments,
    RedactArgument, ResumeArguments, RetryArguments, RunArguments, UndoArguments,
};

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
  fprecon resume                    continue after an interruption
  fprecon explain payments.csv:12   why this row is what it is
  fprecon accept reports/RUN/failed.csv --reason 'test orders'
                                    accept events that stay failed
  fprecon audit --live              check every commission against a sale

Exit codes:
  0 done                            1 something needs attention
  2 wrong usage                     3 input or configuration unusable
  4 the API refused the key, or one event after the other
  5 incomplete; `fprecon resume` continues
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
        .filter(|argument| !(is_sender && SHOWN_BY_SENDERS.contains(&argument.get_id().as_str())))
        .map(|argument| argument.clone().hide(true));
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
    /// Use the built-in sandbox, with a journal of its own
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
    ///
    /// An export of a known provider needs little; for any other CSV a profile is proposed from its
    /// header and its rows, with every guess marked. An existing file is never overwritten.
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
    ///
    /// Shows the plan, and asks before it sends. Each sale that the run had tracked is refunded by what is left of it,
    /// whoever sent earlier refunds: the account's list of commissions is read for that. Sign-ups, cancellations and emails to
    /// promoters can't be undone. What the run has left to send is not sent any more.
    Undo(UndoArguments),
    /// Correct the account after an import: commissions that were paid before, dates of leads
    #[command(subcommand)]
    History(HistoryCommand),
    /// Accept failed, held or rejected items as they are: they no longer need attention
    ///
    /// Nothing is sent, and nothing else is decided: an accepted item stays failed, held or rejected, and later
    /// runs and reports list it as accepted, by whom and why. An item that changes needs attention again.
    Accept(AcceptArguments),
    /// Show what the journal holds, and what needs attention
    Status,
    /// Show the history of one row or event: the reasons, what was sent, and the answers
    ///
    /// Reads the journal, and the export if it is still there. Nothing is sent and nothing is written: it works
    /// while a run goes on. An export that no run has read is explained as `plan` would decide now.
    Explain(ExplainArguments),
    /// Write a run's reports again, from the journal
    Report(ReportArguments),
    /// Check, recover, prune or export the journal
    #[command(subcommand)]
    Journal(JournalCommand),
    /// Compare FirstPromoter's commissions with billed sales and refunds
    ///
    /// Their side comes from the account's listings, which are kept beside the journal (`--live` reads them
    /// anew; without it the last ones are taken), or from a CSV of commissions. Our side is the journal, or
    /// the exports that are named.
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

const DOCTOR_EXIT_CODES: &str = "\
Exit codes:
  0 nothing was found
  1 warnings: a run is possible
  3 a run would refuse, or could not do its work";

#[derive(Debug, Subcommand)]
pub(crate) enum ProfilesCommand {
    /// List the profiles
    List,
    /// Print a profile, with what it inherits
    Show {
        /// The name of the profile
        name: String,
    },
    /// Show which profile fits an export, and why the others don't
    Check {
        /// Exports: paths, folders, globs or `-`
        #[arg(required = true, value_name = "EXPORT")]
        exports: Vec<PathBuf>,
    },
}

/// The arguments of `config`.
#[derive(Args, Debug)]
pub(super) struct ConfigArguments {
    /// Print the JSON Schema of `fprecon.toml`, for editors
    #[arg(long)]
    pub(super) schema: bool,
}
