//! What `history customer-since` prints: the plan, the question, and what became of each lead.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::cli::commands::destination::Destination;
use crate::cli::commands::estimate::Estimate;
use crate::cli::ended::Ended;
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables::{count, grouped};
use crate::cli::terminal::Terminal;
use crate::invisible::shown;
use crate::lead_dates::{LeadDate, LeadDateState};
use crate::problem::{Problem, ProblemCode};
use crate::report::{CUSTOMER_SINCE_FILE, Redactor, SCHEMA};

/// The number of leads and of reasons that are printed; the file has all.
const MOST_SHOWN: usize = 10;

/// The object that `--json` prints.
#[derive(Serialize)]
struct SinceOutput<'r> {
    schema: u32,
    runs: &'r [String],
    leads: &'r BTreeMap<LeadDateState, u64>,
    problems: &'r [Problem],
    requests: u64,
    report_dir: Option<String>,
    exit_code: u8,
}

/// Collects what is printed.
pub(super) struct SinceReport<'r> {
    runs: &'r [String],
    redactor: Option<Redactor>,
    leads: Vec<LeadDate>,
    counts: BTreeMap<LeadDateState, u64>,
    requests: u64,
    /// Where the file is, once it is written.
    pub(super) directory: Option<PathBuf>,
}

impl<'r> SinceReport<'r> {
    pub(super) fn new(runs: &'r [String], redactor: Option<Redactor>) -> Self {
        SinceReport {
            runs,
            redactor,
            leads: Vec::new(),
            counts: BTreeMap::new(),
            requests: 0,
            directory: None,
        }
    }

    /// Takes the leads as they are now.
    pub(super) fn take(&mut self, leads: &[LeadDate], requests: u64) {
        self.requests = requests;
        self.leads = leads.to_vec();
        if let Some(redactor) = &self.redactor {
            for lead in &mut self.leads {
                redactor.lead_date(lead);
            }
        }
        self.counts.clear();
        for lead in &self.leads {
            *self.counts.entry(lead.state).or_default() += 1;
        }
    }

    /// Returns the leads as the report shows them.
    pub(super) fn leads(&self) -> &[LeadDate] {
        &self.leads
    }

    /// Returns `true` if a date is not what it should be, or not known to be.
    pub(super) fn needs_attention(&self) -> bool {
        let mut states = self.counts.keys();
        states.any(|state| state.needs_attention())
    }

    fn count(&self, state: LeadDateState) -> u64 {
        self.counts.get(&state).copied().unwrap_or(0)
    }

    /// Prints what is known before anything is sent.
    pub(super) fn show_plan(&self, without_date: u64, terminal: &Terminal) {
        terminal.human_line(
            "Leads with a sale in this journal, by the date since which they are customers:",
        );
        terminal.human(&self.table());
        if without_date > 0 {
            terminal.human_line(&format!(
                "{} without a date: left out",
                count(without_date, "sale")
            ));
        }
        self.show_reasons(terminal);
    }

    fn show_reasons(&self, terminal: &Terminal) {
        let mut reasons: BTreeMap<(LeadDateState, &str), u64> = BTreeMap::new();
        let left = self.leads.iter();
        for lead in left.filter(|lead| lead.state.needs_attention() && !lead.reason.is_empty()) {
            *reasons.entry((lead.state, &lead.reason)).or_default() += 1;
        }
        for ((state, reason), number) in reasons.into_iter().take(MOST_SHOWN) {
            let line = format!("{}: {}: {reason}", state.words(), count(number, "lead"));
            terminal.human_line(&line);
        }
    }

    /// Writes what comes before the question, and returns the question.
    pub(super) fn question(
        &self,
        target: &Destination,
        settings: &EffectiveSettings,
        terminal: &Terminal,
    ) -> String {
        let number = self.count(LeadDateState::ToSet);
        let todo = self
            .leads
            .iter()
            .filter(|lead| lead.state == LeadDateState::ToSet);
        let mut lines = vec![format!(
            "To be customers since their first sale, at {}: {}, in about {}",
            target.described(),
            count(number, "lead"),
            Estimate::new(number, settings).in_words()
        )];
        lines.extend(todo.take(MOST_SHOWN).map(|lead| {
            let email = lead.customer.email.as_deref();
            let name = email.or(lead.customer.uid.as_deref()).unwrap_or_default();
            let before = lead.before.map_or_else(
                || "no date".to_owned(),
                |at| at.strftime("%Y-%m-%d").to_string(),
            );
            let first = lead.first_sale_at.strftime("%Y-%m-%d");
            format!("  {}: {first} in place of {before}", shown(name))
        }));
        let more = usize::try_from(number).unwrap_or(usize::MAX);
        if more > MOST_SHOWN {
            lines.push(format!(
                "  and {} more",
                grouped((more - MOST_SHOWN) as i128)
            ));
        }
        terminal.prompt_lines(&lines.join("\n"));
        "Set these dates?".to_owned()
    }

    /// Prints what became of the leads.
    pub(super) fn show_result(&self, terminal: &Terminal) {
        terminal.human(&format!("\nResult:\n{}", self.table()));
        self.show_reasons(terminal);
    }

    /// Returns a line for each state.
    fn table(&self) -> String {
        let lines: Vec<(String, &str)> = self
            .counts
            .iter()
            .map(|(state, number)| (grouped((*number).into()), state.words()))
            .collect();
        let width = lines
            .iter()
            .map(|(number, _)| number.len())
            .max()
            .unwrap_or(0)
            .max("leads".len());
        let lines = lines
            .iter()
            .map(|(number, words)| format!("  {number:>width$}  {words}"));
        let head = format!("  {:>width$}", "leads");
        std::iter::once(head)
            .chain(lines)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Returns the problem that dates are left which are not those of the first sales.
    fn left_problem(&self) -> Option<Problem> {
        let left = self
            .counts
            .iter()
            .filter(|(state, _)| state.needs_attention());
        let number: u64 = left.map(|(_, number)| number).sum();
        let directory = self.directory.as_ref().filter(|_| number > 0)?;
        let message = format!(
            "not customers since their first sale, or not known to be: {}",
            count(number, "lead")
        );
        let file = directory.join(CUSTOMER_SINCE_FILE);
        Some(
            Problem::warning(ProblemCode::CustomerSinceNotSet, message).hint(format!(
                "{} has each with its date and the reason; set the date in FirstPromoter where it matters",
                file.display()
            )),
        )
    }

    /// Prints the problems, and ends the command.
    pub(super) fn finish(
        &self,
        exit: Exit,
        mut problems: Vec<Problem>,
        terminal: &Terminal,
    ) -> Result<Ended, CliError> {
        if let Some(directory) = &self.directory {
            let file = directory.join(CUSTOMER_SINCE_FILE);
            terminal.human_line(&format!("Report: {}", file.display()));
        }
        problems.extend(self.left_problem());
        terminal.problems(&problems, 0);
        if self.directory.is_some() && exit == Exit::Done {
            terminal.human_line("Nothing needs attention.");
        }
        if terminal.is_json() {
            terminal.write_json(&SinceOutput {
                schema: SCHEMA,
                runs: self.runs,
                leads: &self.counts,
                problems: &problems,
                requests: self.requests,
                report_dir: self.directory.as_ref().map(|own| own.display().to_string()),
                exit_code: exit as u8,
            })?;
        }
        Ok(match exit {
            Exit::Done => exit.into(),
            _ => Ended::failed(exit, problems),
        })
    }
}
