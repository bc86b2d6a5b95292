//! Explains why an export can't be read, and what to do about it.

use crate::export::{Export, ExportError, SheetRemark};
use crate::invisible::shown;
use crate::problem::{Problem, ProblemCode};
use crate::profile::{Binding, LookAlike, Misfit, Profile, Unfit};
use crate::recognise::Unrecognised;
use crate::shell_word::shell_word;

/// The number of closest profiles that are named where none fits.
const MISFITS_SHOWN: usize = 1;

/// The number of left-out members of an archive that are named.
const LEFT_OUT_SHOWN: usize = 5;

/// Returns the problem of a list of commissions that is given as an export: it is not a list of what was
/// sold.
pub(super) fn commissions_are_no_export() -> Problem {
    Problem::error(
        ProblemCode::ExportOfCommissions,
        "this is a list of commissions, not an export of a billing provider",
    )
    .hint("`fprecon audit --commissions FILE` compares it with what was billed")
}

/// Returns the problem of a named profile that does not fit.
pub(super) fn named_misfit(path: &str, misfit: &Misfit) -> Problem {
    let Misfit { profile, .. } = misfit;
    let message = format!(
        "the header does not fit the profile `{profile}`: it {}",
        misfit.reason()
    );
    Problem::error(ProblemCode::ProfileMisfit, message)
        .at(path, Some(1))
        .hint("name the columns in a profile that extends it, or leave `--profile` out")
}

/// Returns the question that the export does not answer and the profile may not guess.
pub(crate) fn unanswered(profile: &Profile, binding: &Binding) -> Option<Problem> {
    let open: Vec<_> = profile.open_questions(binding).collect();
    if open.is_empty() {
        return None;
    }
    let name = &profile.name;
    let texts: Vec<_> = open.iter().map(|question| question.text.as_str()).collect();
    let message = format!("`{name}` needs to know: {}", texts.join(" And "));
    let own = if profile.is_own { name } else { "mine" };
    let places: Vec<_> = open
        .iter()
        .map(|question| {
            let (table, key) = question.key.rsplit_once('.').unwrap_or(("", &question.key));
            match table {
                "" => format!("`{key}` under `[exports.{own}]`"),
                _ => format!("`{key}` under `[exports.{own}.{table}]`"),
            }
        })
        .collect();
    let places = places.join(" and ");
    let hint = if profile.is_own {
        format!("set {places} of fprecon.toml")
    } else {
        format!(
            "`fprecon init` writes a fprecon.toml in which to answer; by hand, set {places}, in a profile with `extends = \"{name}\"`"
        )
    };
    Some(Problem::error(ProblemCode::ProfileIncomplete, message).hint(hint))
}

/// Returns the problem of an export for which no profile is chosen.
pub(crate) fn unrecognised(path: &str, header: &[String], error: Unrecognised) -> Box<Problem> {
    Box::new(match error {
        Unrecognised::Unfit(unfit) => unknown_header(path, header, &unfit),
        Unrecognised::Export(error) => export_problem(&error),
        Unrecognised::Undecided(undecided) => {
            Problem::error(ProblemCode::ProfileUndecided, undecided.to_string())
                .at(path, Some(1))
                .hint(undecided.hint(path))
        }
    })
}

/// Returns the problem of a file that is known, and is not read.
pub(super) fn not_an_export(path: &str, known: &LookAlike) -> Problem {
    Problem::error(
        ProblemCode::HeaderUnknown,
        format!("this is {}", known.title),
    )
    .at(path, Some(1))
    .hint(known.instead(path))
}

fn unknown_header(path: &str, header: &[String], unfit: &Unfit) -> Problem {
    if let Some(known) = &unfit.look_alike {
        return not_an_export(path, known);
    }
    if let [first, ..] = header
        && first.to_ascii_lowercase().starts_with("sep=")
    {
        let message = "the first line tells spreadsheets the delimiter, and is not the header";
        return Problem::error(ProblemCode::HeaderUnknown, message)
            .at(path, Some(1))
            .cell("header", first)
            .hint("the delimiter that it names is not one that is read: save the file with commas, semicolons, tabs or `|` between the columns");
    }
    let closest: Vec<_> = unfit
        .misfits
        .iter()
        .filter(|misfit| misfit.found > 0 && misfit.found >= misfit.missing.len())
        .take(MISFITS_SHOWN)
        .map(|misfit| {
            format!(
                "`{}` comes closest, but the header {}",
                misfit.profile,
                misfit.reason()
            )
        })
        .collect();
    let is_strange = unfit.misfits.iter().all(|misfit| misfit.found == 0);
    let (message, hint) = match closest.as_slice() {
        [] => (
            if is_strange {
                "the header fits no profile: none has any of its columns".to_owned()
            } else {
                "the header fits no profile, and none comes close".to_owned()
            },
            format!(
                "is the first line the header? `fprecon init {}` proposes a profile for it; `fprecon profiles list` names the exports that are read without one",
                shell_word(path)
            ),
        ),
        closest => (
            format!("the header fits no profile: {}", closest.join("; ")),
            format!(
                "export the file again with those columns, or name your columns in `[exports.…]` of fprecon.toml; `fprecon profiles check {}` says why each profile does not fit",
                shell_word(path)
            ),
        ),
    };
    Problem::error(ProblemCode::HeaderUnknown, message)
        .at(path, Some(1))
        .cell("header", &header.join(","))
        .hint(hint)
}

/// Returns the problem of an export that can't be read.
pub(crate) fn export_problem(error: &ExportError) -> Problem {
    let path = error.path().display().to_string();
    let mut problem = Problem::error(error.code(), error.to_string()).at(path, error.line());
    problem.column = error.column().map(|column| match &column.name {
        Some(name) => name.clone(),
        None => format!("number {}", column.number),
    });
    problem.hint = error.hint();
    problem
}

fn quoted(names: &[String]) -> String {
    let names = names.iter().map(|name| format!("`{}`", shown(name)));
    names.collect::<Vec<_>>().join(", ")
}

/// Says what a person should know of the sheet that is read.
pub(super) fn remarks_of_sheet(export: &Export) -> Vec<Problem> {
    let path = export.path().display().to_string();
    let problem = |remark: &SheetRemark| match remark {
        SheetRemark::HiddenRows { count, first } => {
            let rows = match count {
                1 => "1 hidden row is".to_owned(),
                _ => format!("{count} hidden rows are"),
            };
            Problem::warning(ProblemCode::RowsHidden, format!("{rows} read like the others"))
                    .at(&path, Some((*first).into()))
                    .hint("show all rows of the sheet; if some of them should not count, delete them in a copy and read that")
        }
        SheetRemark::MergedCells { count, first } => {
            let ranges = match count {
                1 => format!("the cells {first} are merged"),
                _ => format!("{count} ranges of cells are merged, the first is {first}"),
            };
            let message = format!("{ranges}: only the first cell of a range has a value");
            Problem::warning(ProblemCode::CellsMerged, message)
                .at(&path, None)
                .hint("unmerge the cells, write the value into each of them, and save the workbook")
        }
        SheetRemark::OtherSheets(names) => {
            let message = format!("other sheets are not read: {}", quoted(names));
            Problem::warning(ProblemCode::SheetsLeftOut, message)
                .at(&path, None)
                .hint("if one of them has payments too, read the workbook again with its name in `--sheet`")
        }
        SheetRemark::HiddenSheets(names) => {
            let message = format!("hidden sheets are not read: {}", quoted(names));
            Problem::warning(ProblemCode::SheetsHidden, message)
                .at(&path, None)
                .hint("to read one of them, name it in `--sheet`")
        }
    };
    export.sheet_remarks().iter().map(problem).collect()
}

/// Reports that an export is read as UTF-8, though the user declared another encoding.
pub(super) fn other_encoding(export: &Export) -> Option<Problem> {
    let path = export.path().display().to_string();
    let message = "the letters of the file are UTF-8, and it is read as UTF-8 in spite of `--encoding windows-1252`";
    let problem = Problem::warning(ProblemCode::EncodingOther, message).at(path, None);
    let problem = problem.hint("leave `--encoding` out, unless another file needs it");
    export.is_utf_8_after_all().then_some(problem)
}

/// Reports which members of an archive are left out, whose first one is the export.
pub(crate) fn left_out(export: &Export) -> Option<Problem> {
    let (archive, names) = export.left_out()?;
    let shown: Vec<String> = names
        .iter()
        .take(LEFT_OUT_SHOWN)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = match names.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "members of the archive that are not exports are left out: {}{more}",
        shown.join(", ")
    );
    let problem = Problem::warning(ProblemCode::ArchiveMemberSkipped, message);
    let problem = problem.at(archive.display().to_string(), None);
    Some(problem.hint("no profile fits them; if one of them is an export, unpack the archive, and `fprecon init FILE` proposes a profile for it"))
}
