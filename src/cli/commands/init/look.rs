//! Examines the exports: their first rows, and the profiles that fit them.

use crate::cli::error::CliError;
use crate::export::{Export, ExportError, LinesAbove, PEEKED_MOST_BYTES, Row};
use crate::job::{export_problem, unrecognised};
use crate::problem::{Problem, ProblemCode};
use crate::profile::{Misfit, Profiles, Unfit};
use crate::propose::{self, Sample};
use crate::recognise::{Cells, Recognised, Unrecognised, recognise};

/// The greatest number of rows of an export that are examined.
const ROWS_MOST: usize = 10_000;
/// The smallest number of matching columns, with at most a third as many missing, at which a
/// profile was probably meant.
const NEARLY_FOUND_LEAST: usize = 4;
const NEARLY_FOUND_PER_FAULT: usize = 3;

/// The start of an export, and the profile that fits it, if there is one.
pub(super) struct Looked<'p> {
    pub(super) path: String,
    pub(super) header: Vec<String>,
    /// The number of lines above the header.
    pub(super) lines_above: u64,
    pub(super) rows: Vec<Row>,
    is_whole: bool,
    pub(super) found: Option<Recognised<'p>>,
}

impl Looked<'_> {
    pub(super) fn sample(&self) -> Sample<'_> {
        Sample {
            path: &self.path,
            header: &self.header,
            lines_above: self.lines_above,
            rows: &self.rows,
            is_whole: self.is_whole,
        }
    }

    /// Returns `true` if it is a list of commissions, and not an export of a billing provider.
    pub(super) fn is_theirs(&self) -> bool {
        match &self.found {
            Some(found) => found.profile.is_for_commissions(),
            None => propose::is_of_commissions(&self.header),
        }
    }
}

/// Examines every export.
///
/// # Errors
///
/// The problems of all exports that can't be used.
pub(super) fn look_at_all(
    exports: impl Iterator<Item = Result<Export, ExportError>>,
    profiles: &Profiles,
) -> Result<Vec<Looked<'_>>, CliError> {
    let mut looked = Vec::new();
    let mut problems = Vec::new();
    for export in exports {
        let one = export
            .map_err(|error| Box::new(export_problem(&error)))
            .and_then(|export| look_at(export, profiles));
        match one {
            Ok(one) => looked.push(one),
            Err(problem) => problems.push(*problem),
        }
    }
    if problems.is_empty() {
        Ok(looked)
    } else {
        Err(CliError::Unusable(problems))
    }
}

fn look_at(mut export: Export, profiles: &Profiles) -> Result<Looked<'_>, Box<Problem>> {
    let path = export.path().display().to_string();
    let header = export.header().to_vec();
    let found = match recognise(profiles, &mut export, &header, Cells::default()) {
        Ok(found) => Some(found),
        Err(Unrecognised::Unfit(unfit))
            if unfit
                .look_alike
                .as_ref()
                .is_none_or(|known| known.can_be_proposed) =>
        {
            let problem = nearly(&unfit, profiles).map(nearly_problem);
            match problem {
                Some(problem) => return Err(Box::new(problem.at(&path, Some(1)))),
                None => None,
            }
        }
        Err(error) => return Err(unrecognised(&path, &header, error)),
    };
    let (rows, is_whole) = first_rows(&mut export).map_err(|error| export_problem(&error))?;
    Ok(Looked {
        path,
        header,
        lines_above: export.lines_above(),
        rows,
        is_whole,
        found,
    })
}

fn first_rows(export: &mut Export) -> Result<(Vec<Row>, bool), ExportError> {
    let (mut rows, mut held_bytes) = (Vec::new(), 0);
    let mut row = Row::new();
    while export.read_row(&mut row)? {
        if rows.len() == ROWS_MOST || held_bytes > PEEKED_MOST_BYTES {
            return Ok((rows, false));
        }
        held_bytes += row.iter().map(str::len).sum::<usize>();
        rows.push(row.clone());
    }
    Ok((rows, true))
}

/// The greatest number of lines above a header for `init`.
const LINES_ABOVE_MOST: usize = 20;
/// The smallest number of names with which a line below others may be the header.
const NAMES_LEAST: usize = 3;

/// Finds a header below other lines: the first line of names that is wider than the first line of
/// the file and as wide as the line below it.
pub(super) fn header_below() -> LinesAbove {
    let is_name = |name: &String| {
        let has_letter = name.chars().any(char::is_alphabetic);
        let is_value = name.contains('@') || name.starts_with(|first: char| first.is_ascii_digit());
        has_letter && !is_value
    };
    LinesAbove::new((1..=LINES_ABOVE_MOST).collect(), move |line| {
        line.names.len() >= NAMES_LEAST
            && line.names.len() > line.first_width
            && line.names.len() == line.next_width
            && line.names.iter().all(is_name)
    })
}

/// Returns the profile that fits except for a few columns: to propose a new one would be to misread
/// the export. If only the currency is missing, `init` asks for it.
fn nearly<'u>(unfit: &'u Unfit, profiles: &Profiles) -> Option<&'u Misfit> {
    let is_currency = |misfit: &&Misfit| match misfit.missing.as_slice() {
        [name] => {
            misfit.doubled.is_empty() && misfit.foreign.is_empty() && propose::is_currency(name)
        }
        _ => false,
    };
    let is_known = |misfit: &Misfit| {
        let profile = profiles.named(&misfit.profile);
        profile.is_ok_and(|profile| profile.is_nearly_known)
    };
    let is_near = |misfit: &&Misfit| {
        let faults = misfit.missing.len() + misfit.doubled.len() + misfit.foreign.len();
        misfit.found >= NEARLY_FOUND_LEAST
            && misfit.found >= faults * NEARLY_FOUND_PER_FAULT
            && is_known(misfit)
    };
    unfit
        .misfits
        .iter()
        .find(is_near)
        .filter(|misfit| !is_currency(misfit))
}

fn nearly_problem(misfit: &Misfit) -> Problem {
    let message = format!(
        "this is nearly an export for the profile `{}`, but the header {}",
        misfit.profile,
        misfit.reason()
    );
    Problem::error(ProblemCode::HeaderUnknown, message).hint(
        "export the file again with those columns; nothing is proposed, since the values of these columns would be guessed. If it is another kind of export, write a custom profile: docs/profiles.md",
    )
}
