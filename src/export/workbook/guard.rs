//! What `calamine` takes for granted, checked before it reads: sizes, places, formulas without values.

use std::ops::ControlFlow;

use calamine::CellErrorType;
use quick_xml::events::{BytesStart, Event};

use super::super::archive::Member;
use super::super::error::Fault;
use super::parts::{DocumentParts, attribute};

/// The most bytes of a sheet as XML.
const SHEET_MOST_BYTES: u64 = 4 << 30;
/// The most bytes of the texts of all sheets as XML.
const TEXTS_MOST_BYTES: u64 = 256 << 20;
/// The most bytes of any other part.
const OTHER_MOST_BYTES: u64 = 16 << 20;
/// The most elements of a part with formats: a few hundred bytes each, once they are read.
const FORMATS_MOST: u64 = 500_000;
/// The most rows and columns of a sheet, as in Excel.
const ROWS_MOST: u32 = 1_048_576;
const COLUMNS_MOST: u32 = 16_384;
/// The most formulas without a value that are told apart.
const UNSAVED_MOST: usize = 100_000;
/// The most errors that `calamine` does not know.
const ERRORS_MOST: usize = 100_000;
/// The fewest bytes that the XML of a text takes: `<si/>`.
const TEXT_LEAST_BYTES: u64 = 5;

/// Holds what a sheet says beside its values.
#[derive(Debug, Default)]
pub(super) struct SheetFacts {
    /// Hidden rows: how many, and the first one's number.
    pub(super) hidden: Option<(u64, u32)>,
    /// Merged ranges: how many, and the first one.
    pub(super) merged: Option<(u64, String)>,
    /// Cells whose formula has no value: row and column from 0, in reading order.
    pub(super) unsaved: Vec<(u32, u32)>,
    /// Cells with an error that `calamine` does not know, such as `#SPILL!`, in the same way.
    pub(super) unknown_errors: Vec<((u32, u32), String)>,
    /// `true` if some cells don't say where they are.
    pub(super) has_unplaced: bool,
}

/// Checks all that is read of a workbook beside its sheets.
pub(super) fn check_workbook(parts: &DocumentParts) -> Result<(), Fault> {
    for name in ["styles.xml", "theme", "workbook", ".rels"] {
        for part in parts.named(name) {
            let mut elements = 0;
            parts.walk(part, OTHER_MOST_BYTES, |event| {
                elements += u64::from(matches!(event, Event::Start(_) | Event::Empty(_)));
                at_most(elements, "formats", FORMATS_MOST)?;
                Ok(ControlFlow::Continue(()))
            })?;
        }
    }
    for part in parts.named("sharedStrings.xml") {
        parts.walk(part, TEXTS_MOST_BYTES, |event| {
            if let Event::Start(element) | Event::Empty(element) = event
                && element.local_name().as_ref() == "sst"
                && let Some(count) = attribute(element, "uniqueCount")?
            {
                // As much room is made as it says.
                let count: u64 = count.parse().unwrap_or(0);
                at_most(count, "texts", TEXTS_MOST_BYTES / TEXT_LEAST_BYTES)?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(())
}

fn at_most(found: u64, what: &'static str, most: u64) -> Result<(), Fault> {
    if found <= most {
        Ok(())
    } else {
        Err(Fault::WorkbookTooLarge { what, most })
    }
}

/// Returns `true` if any cell of a sheet has a value.
pub(super) fn has_values(parts: &DocumentParts, sheet: &Member) -> Result<bool, Fault> {
    let mut found = false;
    parts.walk(sheet, SHEET_MOST_BYTES, |event| {
        if let Event::Start(element) = event {
            found |= matches!(element.local_name().as_ref(), "v" | "is");
        }
        Ok(if found {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    })?;
    Ok(found)
}

/// Checks a sheet to its end: each cell stands behind the one before it, and is written in one way.
pub(super) fn check_sheet(parts: &DocumentParts, sheet: &Member) -> Result<SheetFacts, Fault> {
    let mut walk = SheetWalk::default();
    parts.walk(sheet, SHEET_MOST_BYTES, |event| {
        match event {
            Event::Start(element) => walk.begin(element)?,
            Event::Empty(element) => {
                walk.begin(element)?;
                walk.end(element.local_name().as_ref())?;
            }
            Event::End(element) => walk.end(element.local_name().as_ref())?,
            Event::Text(text) if walk.is_in_value => walk.add_text(text)?,
            Event::CData(_) | Event::GeneralRef(_) if walk.is_in_value => walk.is_odd = true,
            _ => {}
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(walk.facts)
}

/// A walk over the rows and cells of a sheet. Rows and columns count from 1; 0 stands before the first.
#[derive(Default)]
struct SheetWalk {
    is_in_data: bool,
    row: u32,
    /// Nothing outside a row.
    column: Option<u32>,
    cell: Option<CellWalk>,
    is_in_value: bool,
    /// Pieces of text of the value.
    text: u32,
    /// `true` if the value has something that `calamine` does not read.
    is_odd: bool,
    facts: SheetFacts,
}

/// A cell on its way past.
#[derive(Default)]
struct CellWalk {
    is_plain: bool,
    is_error: bool,
    has_formula: bool,
    has_value: bool,
}

impl SheetWalk {
    fn begin(&mut self, element: &BytesStart<'_>) -> Result<(), Fault> {
        match element.local_name().as_ref() {
            "sheetData" => self.is_in_data = true,
            "mergeCell" => {
                let range = attribute(element, "ref")?.unwrap_or_default();
                let (count, _) = self.facts.merged.get_or_insert((0, range));
                *count += 1;
            }
            "row" if self.is_in_data => self.begin_row(element)?,
            "c" if self.is_in_data => self.begin_cell(element)?,
            "f" => {
                if let Some(cell) = &mut self.cell {
                    cell.has_formula = true;
                }
            }
            "is" => {
                if let Some(cell) = &mut self.cell {
                    cell.has_value = true;
                }
            }
            "v" => {
                self.is_in_value = true;
                self.text = 0;
                self.is_odd = false;
            }
            _ => {}
        }
        Ok(())
    }

    fn begin_row(&mut self, element: &BytesStart<'_>) -> Result<(), Fault> {
        let number = match attribute(element, "r")? {
            Some(number) => number.parse().unwrap_or(0),
            None => self.row + 1,
        };
        if number <= self.row || number > ROWS_MOST || self.column.is_some() {
            return Err(Fault::WorkbookDamaged("its rows are out of order"));
        }
        self.row = number;
        self.column = Some(0);
        let hidden = attribute(element, "hidden")?;
        if hidden.is_some_and(|hidden| hidden == "1" || hidden == "true") {
            let (count, _) = self.facts.hidden.get_or_insert((0, number));
            *count += 1;
        }
        Ok(())
    }

    fn begin_cell(&mut self, element: &BytesStart<'_>) -> Result<(), Fault> {
        let out_of_order = Fault::WorkbookDamaged("its cells are out of order");
        let (Some(before), None) = (self.column, &self.cell) else {
            return Err(out_of_order);
        };
        let (row, column) = match attribute(element, "r")? {
            Some(place) => place_of(&place).unwrap_or((0, 0)),
            None => {
                self.facts.has_unplaced = true;
                (self.row, before + 1)
            }
        };
        if row != self.row || column <= before || column > COLUMNS_MOST {
            return Err(out_of_order);
        }
        self.column = Some(column);
        let kind = attribute(element, "t")?;
        self.cell = Some(CellWalk {
            is_plain: matches!(kind.as_deref(), None | Some("n" | "s" | "b" | "e")),
            is_error: kind.as_deref() == Some("e"),
            ..CellWalk::default()
        });
        Ok(())
    }

    /// Adds a piece of the text of a value.
    fn add_text(&mut self, text: &str) -> Result<(), Fault> {
        self.text += 1;
        let is_error = self.cell.as_ref().is_some_and(|cell| cell.is_error);
        if is_error && text.parse::<CellErrorType>().is_err() {
            let place = (self.row - 1, self.column.unwrap_or(1) - 1);
            self.facts.unknown_errors.push((place, text.to_owned()));
            let errors = self.facts.unknown_errors.len() as u64;
            at_most(errors, "unknown errors", ERRORS_MOST as u64)?;
        }
        Ok(())
    }

    fn end(&mut self, name: &str) -> Result<(), Fault> {
        match name {
            "sheetData" => self.is_in_data = false,
            "row" => self.column = None,
            "v" => self.end_value()?,
            "c" => {
                let cell = self.cell.take().unwrap_or_default();
                if cell.has_formula && !cell.has_value {
                    let column = self.column.unwrap_or(1);
                    self.facts.unsaved.push((self.row - 1, column - 1));
                    let unsaved = self.facts.unsaved.len() as u64;
                    at_most(unsaved, "formulas without a value", UNSAVED_MOST as u64)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end_value(&mut self) -> Result<(), Fault> {
        self.is_in_value = false;
        let Some(cell) = &mut self.cell else {
            return Ok(());
        };
        if cell.is_plain && (self.is_odd || self.text > 1) {
            return Err(Fault::WorkbookDamaged("a value is in pieces"));
        }
        cell.has_value = self.text > 0 || self.is_odd;
        Ok(())
    }
}

/// Returns row and column of a place such as `B7`, from 1.
fn place_of(place: &str) -> Option<(u32, u32)> {
    let digits = place.find(|c: char| c.is_ascii_digit())?;
    let (letters, digits) = place.split_at(digits);
    if letters.is_empty() || letters.len() > 3 || digits.len() > 7 {
        return None;
    }
    let column = letters.bytes().try_fold(0, |column, letter| {
        let letter = letter.to_ascii_uppercase();
        let is_letter = letter.is_ascii_uppercase();
        is_letter.then(|| column * 26 + u32::from(letter - b'A') + 1)
    })?;
    Some((digits.parse().ok()?, column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_row_and_a_column() {
        assert_eq!(place_of("A1"), Some((1, 1)));
        assert_eq!(place_of("XFD1048576"), Some((1_048_576, 16_384)));
        for place in ["", "A", "1", "AAAA1", "A12345678", "A-1", "$A$1", "Ä1"] {
            assert_eq!(place_of(place), None, "{place}");
        }
    }
}
