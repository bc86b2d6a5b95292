//! `fprecon history customer-since`: makes leads customers since their first sale, where the account has a later date.
//! The account's list of leads decides what is asked for, and shows what came of it.

mod output;

use std::collections::{HashMap, HashSet};

use indicatif::ProgressBar;
use jiff::Timestamp;

use self::output::SinceReport;
use super::account::{AccountReader, ListingFailure};
use super::marking::{EarlyEnd, MOST_LOST, WorkEnd, end_of, ended};
use super::with_report;
use crate::cli::arguments::{Common, CustomerSinceArguments};
use crate::cli::commands::account_check::expect_account;
use crate::cli::commands::confirm::{self, Confirmation as Confirmed, NOTHING_SENT};
use crate::cli::commands::destination::Destination;
use crate::cli::commands::next;
use crate::cli::commands::report::runs_named;
use crate::cli::commands::report_place::{expect_no_input_in, expect_reachable, redactor};
use crate::cli::commands::resume::require_journal;
use crate::cli::ended::Ended;
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::EffectiveSettings;
use crate::cli::terminal::Terminal;
use crate::journal::{
    EventRow, Journal, JournalReader, LeadDateAnswer, LeadDateRequest, NewLeadDate,
};
use crate::lead_dates::{FirstSales, LeadDate, LeadDateState};
use crate::problem::{Problem, ProblemCode};
use crate::report::{CUSTOMER_SINCE_FILE, Commands, write_customer_since};
use crate::send::LineKeeper;
use crate::tracking::{Answer, Lead, SetCustomerSince, Version};

/// The number of times that a date without a usable answer is asked for in one call.
const ROUNDS: u32 = 2;

/// What is said if the setting ends early.
const EARLY_END: EarlyEnd = EarlyEnd {
    interrupted: "interrupted before every date was set",
    advice_on_key: Version::V1.key_advice(),
    otherwise: "",
};

pub(super) fn customer_since(
    common: &Common,
    arguments: &CustomerSinceArguments,
    terminal: &Terminal,
) -> Result<Ended, CliError> {
    expect_account(common)?;
    let mut settings = EffectiveSettings::load(common, None)?;
    if let Some(per_minute) = arguments.requests_per_minute {
        settings.send.requests_per_minute = per_minute;
    }
    if settings.api.version == Version::V2 {
        return Err(CliError::unusable(not_of_version_2()));
    }
    require_journal(&settings)?;
    let command = command_again(arguments, &next::commands(common, &settings));
    let writes = |name: &str| name == CUSTOMER_SINCE_FILE;
    expect_no_input_in(arguments.dir.as_deref(), &writes, &settings, [])?;
    expect_reachable(arguments.dir.as_deref())?;
    let target = Destination::choose(common, &settings, terminal)?;
    let now = Timestamp::now();
    let mut journal = Journal::open(&settings.journal, target.account(), "history", now)?;
    let redactor = arguments
        .redact
        .is_wanted
        .then(|| redactor(&journal))
        .transpose()?;
    let sales = first_sales(&journal, &arguments.runs)?;
    let mut report = SinceReport::new(&arguments.runs, redactor);
    if sales.is_empty(&journal.lead_date_requests()?) {
        terminal.human_line("Nothing to set: no sale that FirstPromoter has is dated");
        return report.finish(Exit::Done, Vec::new(), terminal);
    }
    let mut reader = AccountReader::new(&target, &settings, terminal)?;
    let mut setting = Setting::read(&mut reader, &journal, &sales, &command)?;
    report.take(&setting.leads, reader.requests());
    report.show_plan(sales.without_date, terminal);
    terminal.check_output()?;
    let mut end = WorkEnd::Done;
    let has_work = setting.has_work();
    if has_work {
        let question = report.question(&target, &settings, terminal);
        let otherwise = || confirm::nothing_sent(&command, "sets the dates");
        match confirm::ask(common, terminal, &question, otherwise) {
            Ok(Confirmed::Yes) => {}
            Ok(Confirmed::No) => {
                return confirm::cancelled(terminal, NOTHING_SENT).map(Ended::cancelled);
            }
            Err(CliError::Usage(problem)) => {
                return report.finish(Exit::Usage, vec![*problem], terminal);
            }
            Err(error) => return Err(error),
        }
        end = setting.work(&mut reader, &mut journal, &sales)?;
    }
    setting.settle_rest();
    report.take(&setting.leads, reader.requests());
    let directory =
        super::report_directory(arguments.dir.as_deref(), ("customer-since", now), &settings);
    let written = write_customer_since(&directory, report.leads());
    report.directory = written.is_ok().then_some(directory);
    let exit = end.exit(report.needs_attention(), reader.interruption());
    if has_work {
        report.show_result(terminal);
    }
    let problem = end.problem(&EARLY_END, &command);
    let (exit, problems) = with_report(written, (exit, problem), &command)?;
    journal.close()?;
    report.finish(exit, problems, terminal)
}

/// Returns the first sales of the customers who have one of the runs with these names, or of all customers.
fn first_sales(journal: &JournalReader, names: &[String]) -> Result<FirstSales, CliError> {
    let runs = runs_named(journal, names)?;
    let mut wanted: HashSet<EventRow> = HashSet::new();
    if !runs.is_empty() {
        journal.for_each_sale_in_account(&runs, |sale| {
            wanted.insert(sale.row);
        })?;
    }
    let mut sales = FirstSales::default();
    journal.for_each_tracked_amount(|tracked| sales.note_undo(&tracked.event))?;
    journal.for_each_sale_in_account(&[], |sale| {
        sales.add(&sale, runs.is_empty() || wanted.contains(&sale.row));
    })?;
    Ok(sales)
}

/// Holds the leads, and what was asked for.
struct Setting {
    leads: Vec<LeadDate>,
    requests: Vec<LeadDateRequest>,
    last_before: i64,
    /// The leads that this call has asked for since the account's list was read.
    asked: HashSet<String>,
    /// The dates that the account had at the first look, by the ids of the leads.
    before: HashMap<String, Option<Timestamp>>,
}

impl Setting {
    /// Reads the account's list of leads. `command` is what tries again where it is not complete.
    ///
    /// # Errors
    ///
    /// The list is not complete: nothing is sent then.
    fn read(
        reader: &mut AccountReader<'_>,
        journal: &JournalReader,
        sales: &FirstSales,
        command: &str,
    ) -> Result<Self, CliError> {
        let requests = journal.lead_date_requests()?;
        let mut setting = Setting {
            leads: Vec::new(),
            last_before: requests.last().map_or(0, |request| request.id),
            requests,
            asked: HashSet::new(),
            before: HashMap::new(),
        };
        setting.look(reader, sales).map_err(|(exit, problem)| {
            let hint = format!("nothing was sent; `{command}` tries again");
            CliError::Ended(exit, Box::new(problem.hint(hint)))
        })?;
        Ok(setting)
    }

    fn look(
        &mut self,
        reader: &mut AccountReader<'_>,
        sales: &FirstSales,
    ) -> Result<(), ListingFailure> {
        let keeper = OwnLeads {
            sales,
            leads: Vec::new(),
        };
        let leads = reader.read::<Lead, _>("", keeper)?.leads;
        self.leads = sales.dates(&leads, &self.requests, self.last_before);
        for lead in &mut self.leads {
            let before = self.before.entry(lead.lead_id.clone());
            lead.before = *before.or_insert(lead.before);
        }
        self.asked.clear();
        Ok(())
    }

    fn has_work(&self) -> bool {
        let mut all = self.leads.iter();
        all.any(|lead| lead.state == LeadDateState::ToSet)
    }

    /// Sets the dates, and reads the account's list again.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    fn work(
        &mut self,
        reader: &mut AccountReader<'_>,
        journal: &mut Journal,
        sales: &FirstSales,
    ) -> Result<WorkEnd, CliError> {
        reader.listen()?;
        for _ in 0..ROUNDS {
            let mut end = self.ask_all(reader, journal)?;
            if let Err((exit, problem)) = self.look(reader, sales)
                && matches!(end, WorkEnd::Done)
            {
                end = ended(exit, problem);
            }
            if !matches!(end, WorkEnd::Done) || !self.has_work() {
                return Ok(end);
            }
        }
        Ok(WorkEnd::Done)
    }

    /// Asks for each date that is to be set, once.
    fn ask_all(
        &mut self,
        reader: &mut AccountReader<'_>,
        journal: &mut Journal,
    ) -> Result<WorkEnd, CliError> {
        let all = self
            .leads
            .iter()
            .filter(|lead| lead.state == LeadDateState::ToSet);
        let todo: Vec<NewLeadDate> = all
            .map(|lead| NewLeadDate {
                lead_id: lead.lead_id.clone(),
                sale: lead.sale,
                since: lead.first_sale_at,
            })
            .collect();
        let bar = reader.bar(todo.len() as u64, "setting dates");
        let end = self.ask_each(todo, reader, journal, &bar);
        bar.finish_and_clear();
        end
    }

    fn ask_each(
        &mut self,
        todo: Vec<NewLeadDate>,
        reader: &mut AccountReader<'_>,
        journal: &mut Journal,
        bar: &ProgressBar,
    ) -> Result<WorkEnd, CliError> {
        let mut lost = 0;
        for asked in todo {
            let Some(leave) = reader.leave() else {
                return Ok(WorkEnd::Interrupted);
            };
            let intended = Timestamp::now();
            let id = journal.intend_lead_date(&asked, intended)?;
            self.asked.insert(asked.lead_id.clone());
            let call = SetCustomerSince {
                lead_id: asked.lead_id.clone(),
                since: asked.since,
            };
            let answer = reader.send(&call, leave);
            let kept = LeadDateAnswer {
                answer: answer.word().to_owned(),
                http_status: answer.status(),
                message: Some(answer.message().to_owned()).filter(|text| !text.is_empty()),
                at: Timestamp::now(),
            };
            journal.answer_lead_date(id, &kept)?;
            bar.inc(1);
            self.requests.push(LeadDateRequest {
                id,
                asked,
                intended,
                answer: Some(kept),
            });
            lost = match answer {
                Answer::Unclear { .. } => lost + 1,
                _ => 0,
            };
            match end_of(&answer, lost, "the dates of leads") {
                WorkEnd::Done => {}
                end => return Ok(end),
            }
        }
        debug_assert!(lost < MOST_LOST);
        Ok(WorkEnd::Done)
    }

    /// Says of what is left whether it may have been set.
    fn settle_rest(&mut self) {
        for lead in &mut self.leads {
            if lead.state != LeadDateState::ToSet {
                continue;
            }
            let (state, reason) = if self.asked.contains(&lead.lead_id) {
                (
                    LeadDateState::Unconfirmed,
                    "it may be set: the account's list was not read again since",
                )
            } else {
                (LeadDateState::NotSet, "the command ended first")
            };
            lead.state = state;
            reason.clone_into(&mut lead.reason);
        }
    }
}

/// Keeps the leads that may be customers of the journal's sales.
struct OwnLeads<'s> {
    sales: &'s FirstSales,
    leads: Vec<Lead>,
}

impl LineKeeper<Lead> for OwnLeads<'_> {
    fn keep(&mut self, lead: &Lead) {
        if self.sales.may_have(lead) {
            self.leads.push(lead.clone());
        }
    }

    fn clear(&mut self) {
        self.leads.clear();
    }
}

/// Returns the command that does the same without a question.
fn command_again(arguments: &CustomerSinceArguments, commands: &Commands) -> String {
    let mut words = vec!["history customer-since".to_owned()];
    words.extend(arguments.runs.iter().cloned());
    words.push("--yes".to_owned());
    commands.command(&words.join(" "))
}

fn not_of_version_2() -> Problem {
    let message =
        "version 2 of the API has no call that sets the date since which a lead is a customer";
    Problem::error(ProblemCode::CustomerSinceVersion, message).hint(
        "nothing was sent; to keep these dates, import by version 1 with its legacy key: `version = \"v1\"` under `[api]`, and a journal of its own",
    )
}
