//! Decides which profile an export is read by, and says why.
//!
//! The header decides where it can: the profile that finds the most columns it needs. Profiles that find the
//! same ones are distinguished by the first rows: a date, an amount, a word or a zone that only one of them
//! can read. If the rows don't decide either, nothing is chosen, except in one case: the user's own profile
//! goes before a built-in one.

use std::borrow::Cow;
use std::fmt;

use crate::classify::{Classifier, RowOutcome};
use crate::event::{Currency, Event, ExportLine};
use crate::export::{Export, ExportError, Row};
use crate::problem::{Problem, ProblemCode};
use crate::profile::{Binding, Fits, Profile, Profiles, Unfit};
use crate::shell_word::shell_word;

/// The number of rows that are read where the header does not decide.
pub(crate) const ROWS_MOST: usize = 1_000;

/// The problems that say that a cell is written otherwise than the profile has it. A profile of the user's
/// own that rejects a row for anything else does so on purpose.
const WRITTEN_OTHERWISE: [ProblemCode; 7] = [
    ProblemCode::AmountAmbiguous,
    ProblemCode::AmountInvalid,
    ProblemCode::AmountSign,
    ProblemCode::CurrencyUnknown,
    ProblemCode::DateInvalid,
    ProblemCode::ValueUnknown,
    ProblemCode::ZoneUnknown,
];

/// Describes how the cells of an export become those of the profile.
#[derive(Clone, Copy)]
pub(crate) struct Cells {
    /// Returns the text of a cell.
    pub text: fn(&str) -> Cow<'_, str>,
    /// `true` if a spreadsheet has saved the file in its own way of writing amounts and dates.
    pub is_resaved: bool,
}

impl Default for Cells {
    /// Returns the cells of an export as it was downloaded.
    fn default() -> Self {
        Cells {
            text: |cell| cell.into(),
            is_resaved: false,
        }
    }
}

/// Holds the profile of an export.
#[derive(Clone, Debug)]
pub(crate) struct Recognised<'p> {
    /// The profile that was recognised.
    pub profile: &'p Profile,
    /// The places of its columns in the header.
    pub binding: Binding,
    /// The reason why it is this one.
    pub why: RecognitionReason,
}

/// Names why an export is read by a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RecognitionReason {
    /// The user named it.
    Named,
    /// The header fits it, and no other one as closely.
    Header {
        /// The number of columns that it needs and found.
        columns: usize,
        /// The names of profiles that fit too and find fewer columns.
        looser: Vec<String>,
    },
    /// Others fit the header as closely, and it is the user's own.
    Own {
        /// The names of the others.
        others: Vec<String>,
    },
    /// Others fit the header as closely, and there is no row that could be misread.
    NoRows {
        /// The names of the others.
        others: Vec<String>,
    },
    /// Others fit the header as closely and read the rows, and earlier runs read this header by this one.
    Before {
        /// The names of the others.
        others: Vec<String>,
    },
    /// Others fit the header as closely, and they read the same events of all rows.
    SameEvents {
        /// The names of the others.
        others: Vec<String>,
    },
    /// The rows are those that an earlier run rejected, of exports that were read by this one.
    Rejected,
    /// Others fit the header as closely, and can't read rows that this one reads.
    Rows(Vec<Obstacle>),
}

/// Describes the first row that a profile can't read and the chosen one can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Obstacle {
    /// The name of the profile that can't read it.
    pub profile: String,
    /// The line on which the row starts.
    pub line: u64,
    /// The problem that prevents reading it.
    pub problem: Problem,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Obstacle {
            profile,
            line,
            problem,
        } = self;
        match (&problem.column, &problem.value) {
            (Some(column), Some(value)) => {
                write!(
                    f,
                    "`{profile}` can't read `{column}` in line {line}: `{value}`"
                )
            }
            _ => write!(f, "`{profile}` can't read line {line}: {}", problem.message),
        }
    }
}

impl fmt::Display for RecognitionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecognitionReason::Named => f.write_str("you named it"),
            RecognitionReason::Header { columns, looser } => {
                match columns {
                    1 => f.write_str("1 of 1 required columns found")?,
                    n => write!(f, "{n} of {n} required columns found")?,
                }
                match looser.as_slice() {
                    [] => Ok(()),
                    names => write!(f, ", more than {} needs", quoted(names)),
                }
            }
            RecognitionReason::Own { others } => {
                write!(f, "it is your own; {} would fit, too", quoted(others))
            }
            RecognitionReason::NoRows { others } => {
                write!(f, "{} would fit, too, and there is no row", quoted(others))
            }
            RecognitionReason::SameEvents { others } => {
                write!(f, "{} would fit, too, and read the same", quoted(others))
            }
            RecognitionReason::Rejected => f.write_str(
                "the journal's exports with this header, whose rows were rejected, were read by this one",
            ),
            RecognitionReason::Before { others } => write!(
                f,
                "{} would fit, too, and the journal's earlier exports with this header were read by this one",
                quoted(others)
            ),
            RecognitionReason::Rows(obstacles) => {
                let obstacles: Vec<String> = obstacles.iter().map(Obstacle::to_string).collect();
                f.write_str(&obstacles.join("; "))
            }
        }
    }
}

/// Names why no profile is chosen.
#[derive(Debug)]
pub(crate) enum Unrecognised {
    /// No profile fits the header.
    Unfit(Box<Unfit>),
    /// Several profiles fit, and neither header nor rows decide between them.
    Undecided(Undecided),
    /// The rows can't be read at all.
    Export(Box<ExportError>),
}

/// Holds profiles that fit an export equally well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Undecided {
    /// The names of the profiles.
    pub names: Vec<String>,
    /// The number of rows that were read.
    pub rows: usize,
    /// `true` if each of them can read all of these rows.
    pub can_all_read: bool,
}

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = quoted(&self.names);
        write!(f, "the header fits {names}, and ")?;
        f.write_str(if self.can_all_read {
            "all of them read its rows"
        } else {
            "none of them reads more of its rows than the others"
        })?;
        match self.rows {
            1 => write!(f, " (the first one was tried)"),
            rows => write!(f, " (the first {rows} were tried)"),
        }
    }
}

impl Undecided {
    /// Returns what would decide, for the export at a path.
    pub(crate) fn hint(&self, path: &str) -> String {
        let first = self.names.first().map_or("NAME", String::as_str);
        let named = shell_word(&format!("{first}={path}")).into_owned();
        format!(
            "which one is it? `fprecon profiles show {first}` prints how one of them reads; they differ in the order of day and month, in the decimal sign, or in words. For this call, pass `--profile {named}`, with the name of yours. For good, add it to `fprecon.toml`:\n    [exports.my-{first}]\n    extends = \"{first}\""
        )
    }
}

/// Finds the profile of an export whose header, as the caller sees it, is `header`; its rows are read by way of
/// `cells`. The rows that are read here are read again afterwards.
pub(crate) fn recognise<'p>(
    profiles: &'p Profiles,
    export: &mut Export,
    header: &[String],
    cells: Cells,
) -> Result<Recognised<'p>, Unrecognised> {
    let Fits {
        mut closest,
        looser,
    } = profiles.fitting(header).map_err(Unrecognised::Unfit)?;
    if let [_] = closest.as_slice() {
        let (profile, binding) = closest.swap_remove(0);
        let why = RecognitionReason::Header {
            columns: profile.needed(),
            looser: looser.iter().map(|other| other.name.clone()).collect(),
        };
        return Ok(Recognised {
            profile,
            binding,
            why,
        });
    }
    // One row more shows if these are all.
    let peeked = export
        .peek(ROWS_MOST + 1)
        .map_err(|error| Unrecognised::Export(Box::new(error)))?;
    let rows = &peeked[..peeked.len().min(ROWS_MOST)];
    let mut readings: Vec<Read<'p>> = closest
        .into_iter()
        .map(|(profile, binding)| Read::new(profile, binding, header, rows, cells))
        .collect();
    see_inherited(&mut readings);
    choose(readings, rows, rows.len() == peeked.len())
}

/// Finds the rows that the user's own profiles reject as a built-in one does: by a rule that they extend, and not
/// by one of the user's.
fn see_inherited(readings: &mut [Read<'_>]) {
    let is_same = |mine: &Option<Problem>, theirs: &Option<Problem>| match (mine, theirs) {
        (Some(mine), Some(theirs)) => mine.code == theirs.code && mine.message == theirs.message,
        _ => false,
    };
    for own in 0..readings.len() {
        let inherited = |place: usize, problem: &Option<Problem>| {
            let mut built_in = readings.iter().filter(|other| !other.profile.is_own);
            built_in.any(|other| is_same(problem, &other.obstacles[place]))
        };
        if readings[own].profile.is_own {
            let obstacles = readings[own].obstacles.iter().enumerate();
            let inherited = obstacles.map(|(place, problem)| inherited(place, problem));
            readings[own].is_inherited = inherited.collect();
        }
    }
}

/// Holds what a profile reads of the first rows.
struct Read<'p> {
    profile: &'p Profile,
    binding: Binding,
    /// The problem that prevents reading each row, if there is one.
    obstacles: Vec<Option<Problem>>,
    /// For each row, `true` if a built-in profile rejects it as this one does; empty for built-in ones.
    is_inherited: Vec<bool>,
    /// The events of all rows.
    events: Vec<Event>,
}

impl<'p> Read<'p> {
    fn new(
        profile: &'p Profile,
        binding: Binding,
        header: &[String],
        rows: &[Row],
        cells: Cells,
    ) -> Self {
        // Which currency an account has does not affect reading.
        let any = Currency::from_code("USD").into_iter();
        let mut events = Vec::new();
        let obstacles = any.flat_map(|currency| {
            let classifier = Classifier::new(profile, binding.clone(), header, currency);
            let obstacle = |row: &Row| obstacle(&classifier, row, cells, &mut events);
            rows.iter().map(obstacle).collect::<Vec<_>>()
        });
        Read {
            profile,
            obstacles: obstacles.collect(),
            is_inherited: Vec::new(),
            events,
            binding,
        }
    }

    /// Returns `true` if it reads the same rows as another one, and the same of them.
    fn reads_as(&self, other: &Read<'_>) -> bool {
        let mut pairs = self.obstacles.iter().zip(&other.obstacles);
        let is_read_by_both = pairs.all(|(mine, theirs)| mine.is_none() && theirs.is_none());
        is_read_by_both && self.events == other.events
    }

    /// Returns `true` if it reads each row that the other one reads, and more.
    fn reads_more_than(&self, other: &Read<'_>) -> bool {
        let mut pairs = self.obstacles.iter().zip(&other.obstacles);
        let mut more = false;
        pairs.all(|(mine, theirs)| {
            more |= mine.is_none() && theirs.is_some();
            mine.is_none() || theirs.is_some()
        }) && more
    }

    /// Returns `true` if no more than half of the rows are written otherwise than the profile says.
    fn reads_most(&self) -> bool {
        let is_inherited = |place: usize| self.is_inherited.get(place) == Some(&true);
        let obstacles = self.obstacles.iter().enumerate();
        let otherwise = obstacles.filter(|(place, problem)| {
            problem.as_ref().is_some_and(|problem| {
                WRITTEN_OTHERWISE.contains(&problem.code) || is_inherited(*place)
            })
        });
        otherwise.count() * 2 <= self.obstacles.len()
    }

    /// Returns `true` if it goes before another one. The user's own profile gives way to a built-in one only
    /// if it can't read most of the rows: a single new word must not move an export to another profile.
    fn goes_before(&self, other: &Read<'_>) -> bool {
        match (self.profile.is_own, other.profile.is_own) {
            (true, false) => !other.goes_before(self),
            (false, true) => !other.reads_most() && self.reads_more_than(other),
            _ => self.reads_more_than(other),
        }
    }
}

fn obstacle(
    classifier: &Classifier<'_>,
    row: &Row,
    cells: Cells,
    events: &mut Vec<Event>,
) -> Option<Problem> {
    let mut row = row.clone();
    row.replace_cells(cells.text);
    classifier.settle(&mut row);
    // What a spreadsheet has made of a row is no reason to read it by another profile.
    if cells.is_resaved && classifier.settle_resaved(&mut row).is_err() {
        return None;
    }
    let source = ExportLine {
        input: 0,
        line: row.line(),
    };
    match classifier.classify(&row, source, events, &mut Vec::new()) {
        RowOutcome::Rejected(problem) => Some(problem),
        RowOutcome::Events | RowOutcome::Ignored(_) => None,
    }
}

/// Returns the one that goes before all the others, if there is one; or the first one, if it makes no difference.
fn choose<'p>(
    mut readings: Vec<Read<'p>>,
    rows: &[Row],
    are_all_rows: bool,
) -> Result<Recognised<'p>, Unrecognised> {
    let first = (0..readings.len()).find(|&one| {
        let mut others = readings
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != one)
            .map(|(_, other)| other);
        others.all(|other| readings[one].goes_before(other))
    });
    // Without a row there is nothing that could be misread.
    let first = first.or(rows.is_empty().then_some(0));
    if first.is_none() && are_all_rows {
        let first = readings.iter().position(|read| is_left(read, &readings));
        let mut left = readings.iter().filter(|read| is_left(read, &readings));
        if let Some(first) = first
            && left.all(|other| readings[first].reads_as(other))
        {
            let chosen = readings.remove(first);
            return Ok(Recognised {
                why: RecognitionReason::SameEvents {
                    others: names(&readings),
                },
                profile: chosen.profile,
                binding: chosen.binding,
            });
        }
    }
    let Some(first) = first else {
        return Err(Unrecognised::Undecided(undecided(&readings, rows)));
    };
    let chosen = readings.remove(first);
    Ok(Recognised {
        why: why(&chosen, &readings, rows),
        profile: chosen.profile,
        binding: chosen.binding,
    })
}

/// Returns `true` if no other one goes before it.
fn is_left(read: &Read<'_>, readings: &[Read<'_>]) -> bool {
    !readings.iter().any(|other| other.goes_before(read))
}

fn names(readings: &[Read<'_>]) -> Vec<String> {
    let names = readings.iter().map(|read| read.profile.name.clone());
    names.collect()
}

/// Returns those that are left after removing each one that reads less than another.
fn undecided(readings: &[Read<'_>], rows: &[Row]) -> Undecided {
    let is_left = |read: &&Read<'_>| is_left(read, readings);
    let mut left: Vec<&Read<'_>> = readings.iter().filter(is_left).collect();
    if left.is_empty() {
        left = readings.iter().collect();
    }
    let all_read = |read: &&Read<'_>| read.obstacles.iter().all(Option::is_none);
    Undecided {
        can_all_read: left.iter().all(all_read),
        names: left.iter().map(|read| read.profile.name.clone()).collect(),
        rows: rows.len(),
    }
}

/// Returns what each of the others can't read; else that the profile is the user's own, or that there is no
/// row to misread.
fn why(chosen: &Read<'_>, rivals: &[Read<'_>], rows: &[Row]) -> RecognitionReason {
    let obstacle = |rival: &Read<'_>| {
        let mut pairs = chosen
            .obstacles
            .iter()
            .zip(&rival.obstacles)
            .zip(rows)
            .filter(|((chosen, _), _)| chosen.is_none());
        let (problem, row) = pairs.find_map(|((_, rival), row)| Some((rival.clone()?, row)))?;
        Some(Obstacle {
            profile: rival.profile.name.clone(),
            line: row.line(),
            problem,
        })
    };
    let obstacles: Vec<Obstacle> = rivals.iter().filter_map(obstacle).collect();
    let others = || names(rivals);
    match (obstacles.is_empty(), chosen.profile.is_own) {
        (false, _) => RecognitionReason::Rows(obstacles),
        (true, true) => RecognitionReason::Own { others: others() },
        (true, false) => RecognitionReason::NoRows { others: others() },
    }
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.join(""),
    }
}
