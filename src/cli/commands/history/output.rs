//! What `history mark-paid` prints: the plan, the question, and what became of each commission.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::super::destination::Destination;
use super::super::paid_commissions::{PaidOf, paid_problem, paid_table};
use super::marking::Marking;
use crate::cli::arguments::MarkPaidArguments;
use crate::cli::ended::Ended;
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables::{count, grouped};
use crate::cli::terminal::Terminal;
use crate::event::{Currency, Tally};
use crate::invisible::shown;
use crate::paid_marks::{MarkState, OwnCommission};
use crate::problem::{Problem, ProblemCode};
use crate::report::words::amount;
use crate::report::{MARKED_PAID_FILE, Redactor, SCHEMA};
use crate::undo::{PaidSums, PaidToPromoter};

/// The number of reasons that are printed; the file has all.
const REASONS_SHOWN: usize = 10;

/// A number of commissions and their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct CommissionSum {
    count: u64,
    commission_cents: i64,
}

/// The commissions of one promoter, by what became of them.
#[derive(Debug, Serialize)]
struct PromoterSums {
    promoter_email: Option<String>,
    promoter_ref_id: Option<String>,
    commissions: BTreeMap<MarkState, CommissionSum>,
}

/// The object that `--json` prints.
#[derive(Serialize)]
struct MarkOutput<'r> {
    schema: u32,
    until: &'r str,
    runs: &'r [String],
    currency: Currency,
    commissions: &'r BTreeMap<MarkState, CommissionSum>,
    promoters: &'r [PromoterSums],
    /// The sales and refunds in the range that are not settled, or not known to be.
    not_settled: &'r Tally,
    /// The paid commissions of undone sales that a later payout will take from the promoters.
    paid_of_undone_sales: &'r [PaidToPromoter],
    problems: &'r [Problem],
    requests: u64,
    report_dir: Option<String>,
    exit_code: u8,
}

/// Collects what is printed.
pub(super) struct MarkReport<'r> {
    until: &'r str,
    runs: &'r [String],
    currency: Currency,
    redactor: Option<Redactor>,
    commissions: Vec<OwnCommission>,
    sums: BTreeMap<MarkState, CommissionSum>,
    promoters: Vec<PromoterSums>,
    reasons: BTreeMap<(MarkState, String), u64>,
    /// The paid commissions of undone sales that a later payout will take from the promoters.
    owed: Vec<PaidToPromoter>,
    requests: u64,
    /// The sales and refunds in the range that are not settled, or not known to be.
    pub(super) unsettled: Tally,
    /// Where the file is, once it is written.
    pub(super) directory: Option<PathBuf>,
}

impl<'r> MarkReport<'r> {
    pub(super) fn new(
        arguments: &'r MarkPaidArguments,
        settings: &EffectiveSettings,
        redactor: Option<Redactor>,
    ) -> Self {
        MarkReport {
            until: arguments.until.words(),
            runs: &arguments.runs,
            currency: settings.api.account_currency,
            redactor,
            commissions: Vec::new(),
            sums: BTreeMap::new(),
            promoters: Vec::new(),
            reasons: BTreeMap::new(),
            owed: Vec::new(),
            requests: 0,
            unsettled: Tally::default(),
            directory: None,
        }
    }

    /// Takes the commissions as they are now.
    pub(super) fn take(&mut self, commissions: &[OwnCommission], requests: u64) {
        self.requests = requests;
        self.commissions = commissions.to_vec();
        if let Some(redactor) = &self.redactor {
            for own in &mut self.commissions {
                redactor.own_commission(own);
            }
        }
        self.sums.clear();
        self.reasons.clear();
        type Key<'o> = (Option<&'o str>, Option<&'o str>);
        let mut promoters: BTreeMap<Key<'_>, BTreeMap<MarkState, CommissionSum>> = BTreeMap::new();
        let mut owed = PaidSums::default();
        for own in &self.commissions {
            let promoter = (
                own.promoter.email.as_deref(),
                own.promoter.ref_id.as_deref(),
            );
            let of_promoter = promoters.entry(promoter).or_default();
            for sums in [&mut self.sums, of_promoter] {
                let sum = sums.entry(own.state).or_default();
                sum.count += 1;
                sum.commission_cents = sum.commission_cents.saturating_add(own.cents);
            }
            if own.is_owed {
                let promoter = (own.promoter.email.clone(), own.promoter.ref_id.clone());
                owed.add(promoter, own.cents);
            }
            if own.state.needs_attention() && !own.reason.is_empty() {
                let reason = (own.state, own.reason.clone());
                *self.reasons.entry(reason).or_default() += 1;
            }
        }
        self.owed = owed.all();
        // Refunds that were marked as paid, too, may leave nothing.
        self.owed.retain(|own| own.commission_cents > 0);
        let promoters = promoters.into_iter();
        self.promoters = promoters
            .map(|((email, ref_id), commissions)| PromoterSums {
                promoter_email: email.map(str::to_owned),
                promoter_ref_id: ref_id.map(str::to_owned),
                commissions,
            })
            .collect();
    }

    /// Returns the commissions as the report shows them.
    pub(super) fn commissions(&self) -> &[OwnCommission] {
        &self.commissions
    }

    /// Returns `true` if a commission may be paid a second time.
    pub(super) fn needs_attention(&self) -> bool {
        let mut states = self.sums.keys();
        self.unsettled.count() > 0
            || !self.owed.is_empty()
            || states.any(|state| state.needs_attention() || *state == MarkState::ToMark)
    }

    /// Prints what is known before anything is sent.
    pub(super) fn show_plan(&self, terminal: &Terminal) {
        terminal.human_line(&format!(
            "Commissions of tracked sales and refunds, dated until {}:",
            self.until
        ));
        terminal.human(&self.table());
        if self.unsettled.count() > 0 {
            terminal.human_line(&format!("Not settled, and not marked: {}", self.unsettled));
        }
        self.show_reasons(terminal);
        if !self.owed.is_empty() {
            terminal.human(&paid_table(&self.owed, PaidOf::Undone, self.currency));
        }
    }

    fn show_reasons(&self, terminal: &Terminal) {
        for ((state, reason), number) in self.reasons.iter().take(REASONS_SHOWN) {
            let line = format!(
                "{}: {}: {reason}",
                state.words(),
                count(*number, "commission")
            );
            terminal.human_line(&line);
        }
    }

    /// Writes what comes before the question, and returns the question.
    pub(super) fn question(
        &self,
        marking: &Marking,
        target: &Destination,
        terminal: &Terminal,
    ) -> String {
        let places = marking.to_mark();
        let cents: i128 = places
            .iter()
            .map(|place| marking.commissions[*place].cents)
            .map(i128::from)
            .sum();
        let words = format!(
            "{}, {} {}",
            count(places.len() as u64, "commission"),
            amount(cents, self.currency),
            self.currency
        );
        terminal.prompt_lines(&format!(
            "To be marked as paid at {}:\n  {words}\n  FirstPromoter then takes them as paid, and pays nobody for them",
            target.described()
        ));
        "Mark them as paid?".to_owned()
    }

    /// Prints what became of the commissions.
    pub(super) fn show_result(&self, terminal: &Terminal) {
        terminal.human(&format!("\nResult:\n{}", self.table()));
        self.show_reasons(terminal);
    }

    /// Returns a line for each promoter and state, and the sums.
    fn table(&self) -> String {
        let name = |sums: &PromoterSums| {
            let name = sums
                .promoter_email
                .as_deref()
                .or(sums.promoter_ref_id.as_deref());
            shown(name.unwrap_or("a promoter without a name")).into_owned()
        };
        let mut lines: Vec<[String; 4]> = vec![[
            "promoter".to_owned(),
            "commissions".to_owned(),
            self.currency.to_string(),
            String::new(),
        ]];
        let all = PromoterSums {
            promoter_email: Some("all".to_owned()),
            promoter_ref_id: None,
            commissions: self.sums.clone(),
        };
        let several = (self.promoters.len() > 1).then_some(&all);
        for promoter in self.promoters.iter().chain(several) {
            for (state, sum) in &promoter.commissions {
                lines.push([
                    name(promoter),
                    grouped(sum.count.into()),
                    amount(sum.commission_cents.into(), self.currency),
                    state.words().to_owned(),
                ]);
            }
        }
        let width = |column: usize| {
            let widths = lines.iter().map(|line| line[column].chars().count());
            widths.max().unwrap_or(0)
        };
        let [first, second, third] = [width(0), width(1), width(2)];
        let lines = lines.iter().map(|[name, number, cents, state]| {
            let line = format!("  {name:first$}  {number:>second$}  {cents:>third$}  {state}");
            line.trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Returns the problem that commissions are left which may be paid a second time.
    fn left_problem(&self) -> Option<Problem> {
        let left = self
            .sums
            .iter()
            .filter(|(state, _)| state.needs_attention());
        let number: u64 = left.clone().map(|(_, sum)| sum.count).sum();
        let cents: i128 = left.map(|(_, sum)| i128::from(sum.commission_cents)).sum();
        let directory = self.directory.as_ref().filter(|_| number > 0)?;
        let message = format!(
            "not marked as paid, or not known to be: {}, {} {}",
            count(number, "commission"),
            amount(cents, self.currency),
            self.currency
        );
        let file = directory.join(MARKED_PAID_FILE);
        Some(
            Problem::warning(ProblemCode::HistoryNotMarked, message).hint(format!(
                "{} has each with its reason and the sums of the promoters; mark them by hand in FirstPromoter, under Payouts, before the next payout",
                file.display()
            )),
        )
    }

    /// Returns the problem that events are left which will have unpaid commissions, or may have.
    fn unsettled_problem(&self) -> Option<Problem> {
        if self.unsettled.count() == 0 {
            return None;
        }
        let message = format!(
            "not marked, since they are not sent yet or their answers were lost: {}, dated until {} or not dated",
            self.unsettled, self.until
        );
        Some(
            Problem::warning(ProblemCode::HistoryNotMarked, message).hint(
                "`fprecon resume` sends what a run has left, `fprecon retry --unconfirmed` asks again; then run this command once more",
            ),
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
            let file = directory.join(MARKED_PAID_FILE);
            terminal.human_line(&format!("Report: {}", file.display()));
        }
        problems.extend(self.left_problem());
        problems.extend(self.unsettled_problem());
        problems.extend(paid_problem(&self.owed, PaidOf::Undone, self.currency));
        terminal.problems(&problems, 0);
        if self.directory.is_some() && exit == Exit::Done {
            terminal.human_line("Nothing needs attention.");
        }
        if terminal.is_json() {
            terminal.write_json(&MarkOutput {
                schema: SCHEMA,
                until: self.until,
                runs: self.runs,
                currency: self.currency,
                commissions: &self.sums,
                promoters: &self.promoters,
                not_settled: &self.unsettled,
                paid_of_undone_sales: &self.owed,
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
