//! Our side: from the journal, or from exports that were never sent.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{AuditCall, day_of};
use crate::audit::ours::{self, Ours, OursError};
use crate::audit::output::{AuditedInput, OursSummary};
use crate::audit::{Billed, BilledKind, Unchecked, UncheckedReason};
use crate::cli::error::CliError;
use crate::cli::exports::{self, Choice, ExportPlanner};
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables::grouped;
use crate::job::{Imbalance, SourceRows};
use crate::journal::{Account, JournalReader};
use crate::problem::{Problem, ProblemCode, Problems};

impl AuditCall<'_> {
    /// Returns our side with where it is from, and the account of a journal.
    pub(super) fn ours(
        &self,
        problems: &mut Problems,
    ) -> Result<(Ours, OursSummary, Option<Account>), CliError> {
        let currency = self.settings.api.account_currency;
        let (ours, source, files, account) = if self.arguments.exports.is_empty() {
            let journal = JournalReader::open(&self.settings.journal)?
                .ok_or_else(|| nothing_of_ours(self.settings))?;
            let ours = ours::of_journal(&journal, currency, self.period.by, &self.rules.zone)?;
            let files = vec![self.settings.journal.display().to_string()];
            (ours, "journal", files, Some(journal.account()?))
        } else {
            let (ours, files) = self.exports(problems)?;
            (ours, "exports", files, None)
        };
        if ours.held > 0 {
            let message = format!(
                "{} not audited: held back, since nothing says which reading of them is true or which sale they reverse",
                match ours.held {
                    1 => "1 event is".to_owned(),
                    n => format!("{} events are", grouped(n.into())),
                }
            );
            problems.push(
                Problem::warning(ProblemCode::HeldNotAudited, message)
                    .hint("`held.csv` of the run lists them, `fprecon plan EXPORT...` says why"),
            );
        }
        let summary = OursSummary {
            source,
            files,
            inputs: Vec::new(),
            sales: 0,
            refunds: 0,
            held: ours.held,
            tracked: ours.tracked.clone(),
        };
        Ok((ours, summary, account))
    }

    /// Reads exports as `plan` does, without the journal.
    fn exports(&self, problems: &mut Problems) -> Result<(Ours, Vec<String>), CliError> {
        let choice = Choice::load(self.common, self.settings)?;
        let opened = exports::open_for(
            &choice,
            &self.arguments.exports,
            (self.common, self.settings),
        )?;
        let planner =
            ExportPlanner::new(&choice, self.settings, self.terminal, None)?.for_looking();
        let mut job = planner.plan_alone(opened, Timestamp::now())?;
        for problem in job.problems.kept() {
            problems.push(problem.clone());
        }
        let files = job.inputs.iter().map(|input| input.path.clone()).collect();
        let mut ours = ours::of_job(&job, self.settings.api.account_currency, &self.rules.zone);
        let rows = std::mem::replace(&mut job.source_rows, SourceRows::dropped());
        ours::add_rows(&mut ours, rows)?;
        self.add_undos(&mut ours, problems)?;
        Ok((ours, files))
    }

    /// Adds what `fprecon undo` has refunded of the sales of exports, where there is a journal: no export has it.
    fn add_undos(&self, ours: &mut Ours, problems: &mut Problems) -> Result<(), CliError> {
        let Some(journal) = JournalReader::open(&self.settings.journal)? else {
            return Ok(());
        };
        let undone = ours::add_undos(ours, &journal, self.settings.api.account_currency)?;
        if undone.count() > 0 {
            let message = format!(
                "`fprecon undo` has refunded sales of these exports in full: {undone}; its refunds are audited with them"
            );
            problems.push(
                Problem::warning(ProblemCode::SaleUndone, message)
                    .hint("`fprecon audit` without exports audits all that the journal has"),
            );
        }
        Ok(())
    }

    /// Returns our side with what the user's rates make of sales that went out in their own currency.
    pub(super) fn estimated(&self, mut billed: Vec<Billed>) -> Result<Vec<Billed>, CliError> {
        let Some(path) = &self.settings.currencies.rates else {
            return Ok(billed);
        };
        let rates = exports::rates(path, self.settings.api.account_currency)?;
        for one in billed
            .iter_mut()
            .filter(|one| one.account_amount_cents.is_none())
        {
            // As conversion does: by the day in UTC, and by the day that the export says.
            let zone = if one.is_day {
                &self.rules.zone
            } else {
                &TimeZone::UTC
            };
            let day = one.created_at.map(|at| zone.to_datetime(at).date());
            let rate = day.and_then(|day| rates.on(day, one.money.currency));
            let converted = rate.and_then(|of| {
                of.rate
                    .convert(one.money, 0, self.settings.api.account_currency)
            });
            one.estimated_amount_cents = converted.map(|money| money.amount_cents);
        }
        Ok(billed)
    }

    /// Returns the sales of the period about whose rows the profile warns, by what it says.
    pub(super) fn doubted(
        &self,
        billed: &[Billed],
        doubts: &BTreeMap<(String, u64), UncheckedReason>,
    ) -> Vec<Unchecked> {
        let mut of_reason: BTreeMap<&str, (UncheckedReason, Vec<&Billed>)> = BTreeMap::new();
        for own in billed.iter().filter(|own| own.kind == BilledKind::Sale) {
            let place = own.place.line.map(|line| (own.place.file.clone(), line));
            if let Some(reason) = place.and_then(|place| doubts.get(&place)) {
                let (_, sales) = of_reason
                    .entry(reason.as_str())
                    .or_insert_with(|| (*reason, Vec::new()));
                sales.push(own);
            }
        }
        let all = of_reason.into_values();
        all.filter_map(|(reason, sales)| self.unchecked(reason, sales.into_iter()))
            .collect()
    }
}

/// Returns the exports of our side, with the days of their sales and refunds.
pub(super) fn inputs(ours: &Ours, zone: &TimeZone) -> Vec<AuditedInput> {
    let mut files: BTreeMap<&str, (u64, Option<Timestamp>, Option<Timestamp>)> = BTreeMap::new();
    for one in &ours.billed {
        let (events, first, last) = files.entry(&one.place.file).or_default();
        *events += 1;
        *first = (*first).into_iter().chain(one.created_at).min();
        *last = (*last).max(one.created_at);
    }
    let files = files.into_iter();
    files
        .map(|(path, (events, first, last))| AuditedInput {
            path: path.to_owned(),
            sha256: ours.sha256.get(path).cloned(),
            events,
            first_date: day_of(first, zone),
            last_date: day_of(last, zone),
        })
        .collect()
}

fn nothing_of_ours(settings: &EffectiveSettings) -> CliError {
    CliError::unusable(
        Problem::error(
            ProblemCode::JournalMissing,
            "there is nothing to compare with: no journal",
        )
        .at(settings.journal.display().to_string(), None)
        .hint(
            "name your billing exports (`fprecon audit EXPORT...`), or the journal by `--journal`",
        ),
    )
}

impl From<OursError> for CliError {
    fn from(error: OursError) -> Self {
        match error {
            OursError::Journal(error) => error.into(),
            OursError::Unbalanced(_) => CliError::Imbalance(Imbalance::new(&error.to_string())),
        }
    }
}
