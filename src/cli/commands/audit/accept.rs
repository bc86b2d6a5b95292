//! `fprecon accept differences.csv`: differences of an audit that somebody has looked at and that stay.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::super::who::who;
use super::{accepted_unusable, audits};
use crate::audit::accepted::{AcceptedError, AcceptedFinding, AcceptedFindings, SeenFinding};
use crate::bounded::{Bounded, REPORT_BYTES};
use crate::cli::error::CliError;
use crate::cli::settings::EffectiveSettings;
use crate::journal::{AcceptedDifference, Journal, JournalReader};
use crate::problem::{Problem, ProblemCode};

/// The columns of `differences.csv` that say which finding a line is.
const COLUMNS: [&str; 7] = [
    "id",
    "kind",
    "difference_cents",
    "concerned_cents",
    "expected_cents",
    "currency",
    "message",
];

/// The differences that a call accepted, or whose acceptance it withdrew.
#[derive(Clone, Debug, Default)]
pub(in crate::cli::commands) struct Changed {
    pub(in crate::cli::commands) accepted: u64,
    pub(in crate::cli::commands) accepted_before: u64,
    pub(in crate::cli::commands) undone: u64,
    /// The file in which it is kept, where there is no journal.
    pub(in crate::cli::commands) file: Option<PathBuf>,
}

/// Returns `true` if a file is the `differences.csv` of an audit.
pub(in crate::cli::commands) fn is_differences(path: &Path) -> bool {
    let file = Bounded::open(path, REPORT_BYTES).ok();
    let header = file.and_then(|file| {
        let mut reader = csv::Reader::from_reader(file);
        reader.headers().ok().cloned()
    });
    header.is_some_and(|header| {
        COLUMNS
            .iter()
            .all(|name| header.iter().any(|own| own == *name))
            && header.iter().any(|own| own == "since_last")
    })
}

/// Accepts the differences of the files, for the reason; or, without one, takes that back. The journal has
/// it; only without a journal a file among the audits.
pub(in crate::cli::commands) fn change(
    settings: &EffectiveSettings,
    paths: &[PathBuf],
    reason: Option<&str>,
) -> Result<Changed, CliError> {
    let (by, at) = (who(), Timestamp::now());
    let mut findings = Vec::new();
    for path in paths {
        for mut finding in read(path)? {
            finding.reason = reason.unwrap_or_default().to_owned();
            (finding.by, finding.at) = (by.clone(), at.to_string());
            findings.push(finding);
        }
    }
    match JournalReader::open(&settings.journal)? {
        Some(reader) => {
            let account = reader.account()?;
            drop(reader);
            let mut journal = Journal::open(&settings.journal, &account, "accept", at)?;
            take_over(settings, &mut journal)?;
            let findings = of_journal(&findings, &settings.journal)?;
            let count = findings.len() as u64;
            let mut changed = Changed::default();
            if reason.is_none() {
                let seen = findings.iter().map(|own| own.seen).collect();
                changed.undone = journal.withdraw_accepted_differences(&seen, &by, at)?;
            } else {
                changed.accepted = journal.accept_differences(&findings)?;
                changed.accepted_before = count.saturating_sub(changed.accepted);
            }
            journal.close()?;
            Ok(changed)
        }
        None => change_file(&audits(settings), findings, reason.is_none()),
    }
}

/// Returns `true` if differences were accepted without a journal, even if none is any more.
pub(in crate::cli::commands) fn has_file(settings: &EffectiveSettings) -> bool {
    AcceptedFindings::file(&audits(settings)).exists()
}

/// Accepts findings in the file among the audits, or takes that back.
fn change_file(
    audits: &Path,
    findings: Vec<AcceptedFinding>,
    is_undo: bool,
) -> Result<Changed, CliError> {
    let mut accepted = AcceptedFindings::read(audits).map_err(accepted_unusable)?;
    let mut changed = Changed {
        file: Some(AcceptedFindings::file(audits)),
        ..Changed::default()
    };
    for finding in findings {
        if is_undo {
            changed.undone += u64::from(accepted.undo(&finding.seen));
        } else if accepted.accept(finding) {
            changed.accepted += 1;
        } else {
            changed.accepted_before += 1;
        }
    }
    accepted.write(audits).map_err(accepted_unusable)?;
    Ok(changed)
}

/// Takes what was accepted before there was a journal into the journal.
fn take_over(settings: &EffectiveSettings, journal: &mut Journal) -> Result<(), CliError> {
    let audits = audits(settings);
    let of_file = AcceptedFindings::read(&audits).map_err(accepted_unusable)?;
    if of_file.all().is_empty() {
        return Ok(());
    }
    let path = AcceptedFindings::file(&audits);
    journal.accept_differences(&of_journal(of_file.all(), &path)?)?;
    AcceptedFindings::remove_file(&audits).map_err(accepted_unusable)
}

fn of_journal(
    findings: &[AcceptedFinding],
    path: &Path,
) -> Result<Vec<AcceptedDifference>, CliError> {
    let differences: Result<Vec<_>, String> =
        findings.iter().map(AcceptedDifference::try_from).collect();
    differences.map_err(|message| {
        accepted_unusable(AcceptedError {
            path: path.to_owned(),
            message,
        })
    })
}

/// Returns the differences that are accepted: those of the journal, and of the file from before there was one.
pub(in crate::cli::commands) fn accepted(
    settings: &EffectiveSettings,
) -> Result<AcceptedFindings, CliError> {
    let mut accepted = AcceptedFindings::read(&audits(settings)).map_err(accepted_unusable)?;
    if let Some(journal) = JournalReader::open(&settings.journal)? {
        accepted.add_of_journal(journal.accepted_differences()?);
    }
    Ok(accepted)
}

/// Lists the differences that are accepted.
pub(in crate::cli::commands) fn list(
    settings: &EffectiveSettings,
) -> Result<Vec<AcceptedFinding>, CliError> {
    Ok(accepted(settings)?.all().to_vec())
}

/// Returns the lines of a `differences.csv`.
fn read(path: &Path) -> Result<Vec<AcceptedFinding>, CliError> {
    let name = path.display().to_string();
    let unreadable = |line: Option<u64>, message: String| {
        CliError::unusable(
            Problem::error(ProblemCode::ReportUnreadable, message)
                .at(&name, line)
                .hint("take `differences.csv` as `fprecon audit` wrote it; lines can be left out"),
        )
    };
    let file = Bounded::open(path, REPORT_BYTES)
        .map_err(|error| unreadable(None, format!("cannot be read: {error}")))?;
    let mut reader = csv::Reader::from_reader(file);
    let header = reader
        .headers()
        .map_err(|error| unreadable(Some(1), error.to_string()))?;
    let places = COLUMNS.map(|name| {
        header
            .iter()
            .position(|own| own == name)
            .unwrap_or(usize::MAX)
    });
    let mut findings = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(None, error.to_string()))?;
        let line = record.position().map(csv::Position::line);
        let [id, kind, difference, concerned, expected, unit, message] =
            places.map(|place| record.get(place).unwrap_or_default());
        let cents = |text: &str| {
            let number = text.parse::<i64>();
            number.map_err(|_| unreadable(line, format!("`{text}` is not an amount in cents")))
        };
        let expected_cents = Some(expected).filter(|text| !text.is_empty()).map(cents);
        let seen = SeenFinding {
            id,
            kind,
            difference_cents: cents(difference)?,
            concerned_cents: cents(concerned)?,
            unit,
            expected_cents: expected_cents.transpose()?,
        };
        findings.push(AcceptedFinding {
            id: id.to_owned(),
            seen: seen.hash(),
            kind: kind.to_owned(),
            difference_cents: seen.difference_cents,
            concerned_cents: seen.concerned_cents,
            unit: unit.to_owned(),
            message: message.to_owned(),
            reason: String::new(),
            by: String::new(),
            at: String::new(),
        });
    }
    Ok(findings)
}
