//! Workbooks (`.xlsx`): the rows of one sheet, as text that knows what kind of cell it comes from.
//!
//! `calamine` reads texts, formats and values. What it takes for granted is checked in front of it (`guard`), in
//! a walk of its own: how much comes out of each part, that cells stand in order, which rows are hidden, which
//! formulas were saved without a value. `number_format` says what a cell's format shows, and `value` writes
//! the text. A sheet is held in memory, within bounds.

mod guard;
mod number_format;
mod parts;
mod rows;
mod value;

pub(super) use rows::SheetRows;

use std::fmt;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::Arc;

use calamine::{Reader as _, Xlsx, XlsxError};
use quick_xml::events::Event;

use self::guard::SheetFacts;
use self::number_format::NumberDisplay;
use self::parts::{DocumentParts, attribute};
use self::value::DateSystem;
use super::archive::Member;
use super::error::Fault;
use super::row::CellKind;

/// The most bytes of a workbook, which is held in memory.
pub(super) const WORKBOOK_MOST_BYTES: u64 = 256 * 1024 * 1024;
/// The most bytes of a part that names other parts.
const LIST_MOST_BYTES: u64 = 4 << 20;

/// Chooses the sheet to read of a workbook with several.
#[derive(Clone, Debug, Default)]
pub struct SheetChoice {
    /// The one that the user names for this call.
    pub named: Option<String>,
    /// Those that profiles name, of which a workbook has to have just one.
    pub of_profiles: Vec<String>,
}

/// Tells a person something about a sheet that its rows don't show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SheetRemark {
    /// Rows that nobody sees are read like the others.
    HiddenRows {
        /// The number of such rows.
        count: u64,
        /// The number of the first one.
        first: u32,
    },
    /// Of cells that are merged, only the first one has a value.
    MergedCells {
        /// The number of such ranges.
        count: u64,
        /// The first one.
        first: String,
    },
    /// Other sheets have cells, too, and are hidden.
    HiddenSheets(Vec<String>),
    /// Other sheets have cells, too: the one that is read was named.
    OtherSheets(Vec<String>),
}

/// A sheet that was read.
pub(super) struct Sheet {
    pub(super) name: String,
    pub(super) rows: SheetRows,
    pub(super) remarks: Vec<SheetRemark>,
    /// `true` if the workbook has other sheets with cells.
    pub(super) is_one_of_several: bool,
}

/// Reads the sheet of a workbook that was chosen, or the only one.
pub(super) fn read(bytes: &Arc<Vec<u8>>, choice: &SheetChoice) -> Result<Sheet, Fault> {
    let parts = DocumentParts::open(bytes)?;
    let listed = SheetList::find(&parts)?;
    guard::check_workbook(&parts)?;
    let chosen = listed.choose(&parts, choice)?;
    let part = listed.part(&parts, &chosen.name)?;
    let facts = guard::check_sheet(&parts, part)?;
    let rows = read_rows(bytes, &chosen.name, &facts)?;
    if rows.is_empty() {
        return Err(Fault::Empty);
    }
    let mut remarks = Vec::new();
    if !chosen.hidden_others.is_empty() {
        remarks.push(SheetRemark::HiddenSheets(chosen.hidden_others));
    }
    if !chosen.left_out.is_empty() {
        remarks.push(SheetRemark::OtherSheets(chosen.left_out));
    }
    if let Some((count, first)) = facts.hidden {
        remarks.push(SheetRemark::HiddenRows { count, first });
    }
    if let Some((count, first)) = facts.merged {
        remarks.push(SheetRemark::MergedCells { count, first });
    }
    Ok(Sheet {
        name: chosen.name,
        rows,
        remarks,
        is_one_of_several: chosen.is_one_of_several,
    })
}

/// The sheets of a workbook, as it lists them.
struct SheetList {
    sheets: Vec<ListedSheet>,
}

struct ListedSheet {
    name: String,
    path: String,
    is_hidden: bool,
}

/// A sheet that is read.
struct ChosenSheet {
    name: String,
    is_one_of_several: bool,
    /// Hidden sheets with cells that are not read.
    hidden_others: Vec<String>,
    /// Sheets with cells that are not read because another one was named.
    left_out: Vec<String>,
}

impl SheetList {
    fn find(parts: &DocumentParts) -> Result<SheetList, Fault> {
        let package = relationships(parts, "_rels/.rels")?;
        let is_document = |found: &&Relationship| found.kind.ends_with("/officeDocument");
        let document = package.iter().find(is_document);
        let path = document.map_or("", |found| found.target.trim_start_matches('/'));
        if let Some(other) = other_document(parts, path) {
            return Err(Fault::NotCsv(other));
        }
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = match folder {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        let inner = relationships(parts, &format!("{folder}_rels/{file}.rels"))?;
        let mut sheets = Vec::new();
        parts.walk(find_part(parts, path)?, LIST_MOST_BYTES, |event| {
            if let Event::Start(element) | Event::Empty(element) = event
                && element.local_name().as_ref() == "sheet"
            {
                let id = attribute(element, "r:id")?.unwrap_or_default();
                let found = inner.iter().find(|found| found.id == id);
                if let Some(found) = found.filter(|found| found.kind.ends_with("/worksheet")) {
                    let path = match found.target.strip_prefix('/') {
                        Some(path) => path.to_owned(),
                        None => format!("{folder}{}", found.target),
                    };
                    sheets.push(ListedSheet {
                        name: attribute(element, "name")?.unwrap_or_default(),
                        path,
                        is_hidden: attribute(element, "state")?
                            .is_some_and(|state| state != "visible"),
                    });
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(SheetList { sheets })
    }

    fn part<'p>(&self, parts: &'p DocumentParts, name: &str) -> Result<&'p Member, Fault> {
        let sheet = self.sheets.iter().find(|sheet| sheet.name == name);
        find_part(parts, sheet.map_or("", |sheet| sheet.path.as_str()))
    }

    fn choose(&self, parts: &DocumentParts, choice: &SheetChoice) -> Result<ChosenSheet, Fault> {
        let mut with_cells = Vec::new();
        for sheet in &self.sheets {
            if guard::has_values(parts, find_part(parts, &sheet.path)?)? {
                with_cells.push(sheet);
            }
        }
        let is_one_of_several = with_cells.len() > 1;
        let chosen = |sheet: &ListedSheet, hidden_others: Vec<String>| ChosenSheet {
            name: sheet.name.clone(),
            is_one_of_several,
            hidden_others,
            left_out: Vec::new(),
        };
        let named_one = |sheet: &ListedSheet| {
            let others = with_cells.iter().filter(|other| other.path != sheet.path);
            ChosenSheet {
                left_out: others.map(|other| other.name.clone()).collect(),
                ..chosen(sheet, Vec::new())
            }
        };
        if let Some(name) = &choice.named {
            let mut all = self.sheets.iter();
            let found = all.find(|sheet| is_same_name(&sheet.name, name));
            return match found {
                Some(sheet) => Ok(named_one(sheet)),
                None => Err(Fault::SheetMissing {
                    name: name.clone(),
                    sheets: self.sheets.iter().map(|sheet| sheet.name.clone()).collect(),
                }),
            };
        }
        let is_named = |sheet: &&&ListedSheet| {
            let mut names = choice.of_profiles.iter();
            names.any(|name| is_same_name(&sheet.name, name))
        };
        let named: Vec<_> = with_cells.iter().filter(is_named).collect();
        if let [sheet] = named.as_slice() {
            return Ok(named_one(sheet));
        }
        let (hidden, visible): (Vec<&ListedSheet>, Vec<&ListedSheet>) = with_cells
            .iter()
            .copied()
            .partition(|sheet| sheet.is_hidden);
        let names = |sheets: &[&ListedSheet]| -> Vec<String> {
            sheets.iter().map(|sheet| sheet.name.clone()).collect()
        };
        match (visible.as_slice(), hidden.as_slice()) {
            ([sheet], hidden) => Ok(chosen(sheet, names(hidden))),
            ([], [sheet]) => Ok(chosen(sheet, Vec::new())),
            ([], []) => Err(Fault::Empty),
            _ => Err(Fault::SheetUndecided {
                sheets: names(&with_cells),
            }),
        }
    }
}

/// Names of sheets differ in more than case, as in Excel.
fn is_same_name(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// Names the kind of a document that is not a workbook in XML.
fn other_document(parts: &DocumentParts, path: &str) -> Option<&'static str> {
    if path.starts_with("word/") {
        return Some("a Word document");
    }
    if path.starts_with("ppt/") {
        return Some("a presentation");
    }
    let is_binary = path.ends_with(".bin") || parts.has_ending("workbook.bin");
    is_binary.then_some("a binary Excel workbook (.xlsb)")
}

/// One line of a part that names other parts.
struct Relationship {
    id: String,
    kind: String,
    target: String,
}

fn relationships(parts: &DocumentParts, path: &str) -> Result<Vec<Relationship>, Fault> {
    let mut found = Vec::new();
    parts.walk(find_part(parts, path)?, LIST_MOST_BYTES, |event| {
        if let Event::Start(element) | Event::Empty(element) = event
            && element.local_name().as_ref() == "Relationship"
        {
            found.push(Relationship {
                id: attribute(element, "Id")?.unwrap_or_default(),
                kind: attribute(element, "Type")?.unwrap_or_default(),
                target: attribute(element, "Target")?.unwrap_or_default(),
            });
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

fn find_part<'p>(parts: &'p DocumentParts, path: &str) -> Result<&'p Member, Fault> {
    parts
        .part(path)
        .ok_or(Fault::WorkbookDamaged("a part of it is missing"))
}

/// Bytes that several readers share.
#[derive(Clone)]
pub(super) struct SharedBytes(pub(super) Arc<Vec<u8>>);

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn read_rows(bytes: &Arc<Vec<u8>>, name: &str, facts: &SheetFacts) -> Result<SheetRows, Fault> {
    let shared = Cursor::new(SharedBytes(Arc::clone(bytes)));
    let mut workbook = Xlsx::new(shared).map_err(damaged)?;
    let system = if workbook.has_1904_epoch() {
        DateSystem::From1904
    } else {
        DateSystem::From1900
    };
    let mut cells = workbook.worksheet_cells_reader(name).map_err(damaged)?;
    let formats: Vec<NumberDisplay> = cells
        .styles()
        .iter()
        .map(|style| style.number_format.as_ref())
        .map(|format| format.map(NumberDisplay::from_format).unwrap_or_default())
        .collect();
    let plain = NumberDisplay::default();
    let mut unsaved = facts.unsaved.iter().peekable();
    let mut unknown_errors = facts.unknown_errors.iter();
    let mut rows = SheetRows::new(system);
    loop {
        let (cell, style) = match cells.next_cell_with_style_id() {
            Ok(Some(cell)) => cell,
            Ok(None) => break,
            // The reader goes on behind the cell, and takes no place for it.
            Err(XlsxError::CellError(_)) if !facts.has_unplaced => {
                if let Some((place, text)) = unknown_errors.next() {
                    rows.add(*place, text, CellKind::Error)?;
                }
                continue;
            }
            Err(error) => return Err(damaged(error)),
        };
        let place = cell.get_position();
        let shown = formats.get(style).unwrap_or(&plain);
        let (text, kind) = match unsaved.next_if_eq(&&place) {
            Some(_) => (String::new(), CellKind::Error),
            None => value::text_of(cell.get_value(), shown, system),
        };
        rows.add(place, &text, kind)?;
    }
    rows.end();
    Ok(rows)
}

/// Says in a few words why a workbook can't be read. What the library says is not for users.
fn damaged(error: XlsxError) -> Fault {
    Fault::WorkbookDamaged(match error {
        XlsxError::Password => "it is protected by a password",
        XlsxError::CellError(_) => "a cell has an error that is not known",
        XlsxError::Zip(_) => "it can't be unpacked",
        XlsxError::Xml(_) | XlsxError::XmlAttr(_) | XlsxError::XmlEof(_) => {
            "a part of it is not XML as it should be"
        }
        _ => "its cells can't be read",
    })
}

impl fmt::Debug for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sheet")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
