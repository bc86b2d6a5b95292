//! A table on as many sheets as it needs.

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::tz::TimeZone;
use rust_xlsxwriter::{ColNum, Color, Format, FormatAlign, Workbook, Worksheet, XlsxError};

use crate::event::{Currency, Money, in_units};
use crate::invisible::shown;
use crate::report::columns::{Cell, ColumnType};

/// The number of rows of a sheet including its header: Excel's limit.
pub(super) const ROWS_PER_SHEET: u32 = 1_048_576;

/// The greatest length of a cell's text in UTF-16 units: Excel's limit.
const MAX_TEXT: usize = 32_767;

/// The text after a text that was cut.
const CUT_MARK: &str = " [cut: too long for a cell]";

/// The largest number that a spreadsheet stores to the last digit: it keeps 15 digits.
const MAX_NUMBER: i128 = 999_999_999_999_999;

/// The head of a column.
pub(super) struct Heading {
    pub(super) title: String,
    /// The column's width in characters.
    pub(super) width: u16,
    pub(super) holds: ColumnType,
}

/// A table that continues on a further sheet where one is full: `Tracked`, `Tracked 2` and so on.
pub(super) struct Sheets {
    name: String,
    headings: Vec<Heading>,
    rows_per_sheet: u32,
    full: Vec<Worksheet>,
    sheet: Worksheet,
    /// The next row of `sheet`.
    row: u32,
    amounts: AmountFormats,
}

impl Sheets {
    pub(super) fn start(
        workbook: &mut Workbook,
        name: &str,
        headings: Vec<Heading>,
        rows_per_sheet: u32,
    ) -> Result<Self, XlsxError> {
        Ok(Sheets {
            sheet: new_sheet(workbook, name, &headings)?,
            name: name.to_owned(),
            headings,
            rows_per_sheet,
            full: Vec::new(),
            row: 1,
            amounts: AmountFormats::default(),
        })
    }

    pub(super) fn row<'c>(
        &mut self,
        workbook: &mut Workbook,
        cells: impl Iterator<Item = &'c Cell<'c>>,
    ) -> Result<(), XlsxError> {
        if self.row == self.rows_per_sheet {
            self.go_on(workbook)?;
        }
        for (column, cell) in (0..).zip(cells) {
            self.amounts
                .write(&mut self.sheet, self.row, column, cell)?;
        }
        self.row += 1;
        Ok(())
    }

    fn go_on(&mut self, workbook: &mut Workbook) -> Result<(), XlsxError> {
        let name = format!("{} {}", self.name, self.full.len() + 2);
        let next = new_sheet(workbook, &name, &self.headings)?;
        let mut full = std::mem::replace(&mut self.sheet, next);
        filter(&mut full, &self.headings, self.row)?;
        self.full.push(full);
        self.row = 1;
        Ok(())
    }

    /// Adds the sheets after those that the workbook has.
    pub(super) fn finish(mut self, workbook: &mut Workbook) -> Result<(), XlsxError> {
        filter(&mut self.sheet, &self.headings, self.row)?;
        for sheet in self.full {
            workbook.push_worksheet(sheet);
        }
        workbook.push_worksheet(self.sheet);
        Ok(())
    }
}

fn new_sheet(
    workbook: &mut Workbook,
    name: &str,
    headings: &[Heading],
) -> Result<Worksheet, XlsxError> {
    let mut sheet = workbook.new_worksheet_with_constant_memory()?;
    sheet.set_name(name)?;
    sheet.set_freeze_panes(1, 0)?;
    print_on_pages(&mut sheet, headings.iter().map(|heading| heading.width));
    sheet.set_repeat_rows(0, 0)?;
    let head = head_format();
    for (column, heading) in (0..).zip(headings) {
        sheet.set_column_width(column, heading.width)?;
        if let Some(format) = column_format(heading.holds) {
            sheet.set_column_format(column, &format)?;
        }
        sheet.write_string_with_format(0, column, short(&heading.title), &head)?;
    }
    Ok(sheet)
}

/// So many characters are readable on a page that lies across.
const PAGE_WIDTH: u32 = 170;

/// Prints across, on as few pages beside each other as can be read.
pub(super) fn print_on_pages(sheet: &mut Worksheet, widths: impl Iterator<Item = u16>) {
    let width: u32 = widths.map(u32::from).sum();
    let pages = u16::try_from(width.div_ceil(PAGE_WIDTH).max(1)).unwrap_or(u16::MAX);
    sheet.set_landscape();
    sheet.set_print_fit_to_pages(pages, 0);
}

/// Adds a filter to the rows below the headings; `end` is the index after the last row.
fn filter(sheet: &mut Worksheet, headings: &[Heading], end: u32) -> Result<(), XlsxError> {
    let last = ColNum::try_from(headings.len().saturating_sub(1)).unwrap_or(ColNum::MAX);
    sheet.autofilter(0, 0, end - 1, last)?;
    Ok(())
}

/// Returns the format of a table's head.
pub(super) fn head_format() -> Format {
    Format::new()
        .set_bold()
        .set_background_color(Color::RGB(0x00E8_ECF1))
        .set_align(FormatAlign::VerticalCenter)
}

/// Returns the format of counts.
pub(super) fn count_format() -> Format {
    Format::new().set_num_format("#,##0")
}

fn column_format(holds: ColumnType) -> Option<Format> {
    match holds {
        ColumnType::Text | ColumnType::Amount => None,
        ColumnType::Integer => Some(Format::new().set_num_format("0")),
        ColumnType::Time => Some(Format::new().set_num_format("yyyy-mm-dd hh:mm:ss")),
    }
}

/// The formats of amounts, by currency: with its decimals and its code.
#[derive(Default)]
pub(super) struct AmountFormats(HashMap<Currency, Format>);

impl AmountFormats {
    fn for_currency(&mut self, currency: Currency) -> &Format {
        self.0.entry(currency).or_insert_with(|| {
            let decimals = match currency.api_digits() {
                0 => String::new(),
                digits => format!(".{}", "0".repeat(digits as usize)),
            };
            Format::new().set_num_format(format!("#,##0{decimals} [${currency}]"))
        })
    }

    fn write(
        &mut self,
        sheet: &mut Worksheet,
        row: u32,
        column: ColNum,
        cell: &Cell<'_>,
    ) -> Result<(), XlsxError> {
        match cell {
            Cell::Empty => {}
            Cell::Word(word) => {
                sheet.write_string(row, column, *word)?;
            }
            Cell::Text(text) => {
                sheet.write_string(row, column, short(text))?;
            }
            Cell::Integer(number) => match number_of(i128::from(*number), 0) {
                Some(number) => {
                    sheet.write_number(row, column, number)?;
                }
                None => {
                    sheet.write_string(row, column, number.to_string())?;
                }
            },
            Cell::Amount(Money {
                amount_cents,
                currency,
            }) => self.amount(sheet, row, column, i128::from(*amount_cents), *currency)?,
            Cell::Time(time) => {
                let civil = TimeZone::UTC.to_datetime(*time);
                // Times before the first day that a spreadsheet can count.
                match civil.year() {
                    ..1900 => sheet.write_string(row, column, time.to_string())?,
                    _ => sheet.write_datetime(row, column, civil)?,
                };
            }
        }
        Ok(())
    }

    /// Writes an amount in units; as text if it has more digits than a spreadsheet keeps.
    pub(super) fn amount(
        &mut self,
        sheet: &mut Worksheet,
        row: u32,
        column: ColNum,
        cents: i128,
        currency: Currency,
    ) -> Result<(), XlsxError> {
        match number_of(cents, currency.api_digits()) {
            Some(units) => {
                sheet.write_number_with_format(row, column, units, self.for_currency(currency))?;
            }
            None => {
                let text = format!(
                    "{} (too large for a spreadsheet)",
                    in_units(cents, currency)
                );
                sheet.write_string(row, column, text)?;
            }
        }
        Ok(())
    }
}

/// Returns the number that is nearest to an amount in units. It is parsed from the decimals, not
/// calculated, so that a spreadsheet shows exactly those.
pub(super) fn number_of(cents: i128, digits: u32) -> Option<f64> {
    if !(-MAX_NUMBER..=MAX_NUMBER).contains(&cents) {
        return None;
    }
    format!("{cents}e-{digits}").parse().ok()
}

/// Returns a text as people read it, cut so that it fits a cell.
fn short(text: &str) -> Cow<'_, str> {
    match shown(text) {
        Cow::Borrowed(text) => cut(text),
        Cow::Owned(text) => Cow::Owned(cut(&text).into_owned()),
    }
}

fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_TEXT || text.encode_utf16().count() <= MAX_TEXT {
        return Cow::Borrowed(text);
    }
    let mut left = MAX_TEXT - CUT_MARK.len();
    let kept = text.char_indices().find(|(_, character)| {
        match left.checked_sub(character.len_utf16()) {
            Some(rest) => left = rest,
            None => return true,
        }
        false
    });
    let end = kept.map_or(text.len(), |(at, _)| at);
    Cow::Owned(format!("{}{CUT_MARK}", &text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_the_numbers_that_their_decimals_say() {
        for (cents, digits, shown) in [
            (801, 2, "8.01"),
            (-5, 2, "-0.05"),
            (500, 0, "500"),
            (999_999_999_999_999, 2, "9999999999999.99"),
        ] {
            assert_eq!(
                number_of(cents, digits).map(|n| n.to_string()).as_deref(),
                Some(shown)
            );
        }
        assert_eq!(number_of(1_000_000_000_000_000, 2), None);
        assert_eq!(number_of(i128::MIN, 2), None);
    }

    /// Returns the files of a workbook, unpacked.
    fn parts_of(mut workbook: Workbook) -> HashMap<String, String> {
        let packed = workbook.save_to_buffer().unwrap();
        let archive = rawzip::ZipArchive::from_slice(&packed).unwrap();
        let mut parts = HashMap::new();
        for entry in archive.entries() {
            let entry = entry.unwrap();
            let name = String::from_utf8(entry.file_path().as_ref().to_vec()).unwrap();
            let place = entry.wayfinder();
            let data = archive.get_entry(place).unwrap();
            let mut text = String::new();
            let mut unpacked = flate2::read::DeflateDecoder::new(data.data());
            std::io::Read::read_to_string(&mut unpacked, &mut text).unwrap();
            parts.insert(name, text);
        }
        parts
    }

    /// Excel's own limit takes a million rows to reach; the code path is the same with a limit of
    /// four.
    #[test]
    fn a_full_sheet_continues_on_the_next_with_its_head_and_filter() {
        let mut workbook = Workbook::new();
        let heading = |title: &str| Heading {
            title: title.to_owned(),
            width: 10,
            holds: ColumnType::Integer,
        };
        let headings = vec![heading("one"), heading("two")];
        let mut sheets = Sheets::start(&mut workbook, "Tracked", headings, 4).unwrap();
        for number in 1..=7 {
            let cells = [Cell::Integer(number), Cell::Integer(-number)];
            sheets.row(&mut workbook, cells.iter()).unwrap();
        }
        sheets.finish(&mut workbook).unwrap();
        let parts = parts_of(workbook);
        let book = &parts["xl/workbook.xml"];
        for (number, name, rows) in [
            (1, "Tracked", &[1, 2, 3][..]),
            (2, "Tracked 2", &[4, 5, 6]),
            (3, "Tracked 3", &[7]),
        ] {
            assert!(book.contains(&format!("name=\"{name}\"")), "{book}");
            let sheet = &parts[&format!("xl/worksheets/sheet{number}.xml")];
            assert_eq!(sheet.matches("<row ").count(), 1 + rows.len(), "{sheet}");
            assert!(sheet.contains("one") && sheet.contains("two"), "{sheet}");
            for row in rows {
                assert!(sheet.contains(&format!("<v>{row}</v>")), "{row}: {sheet}");
                assert!(sheet.contains(&format!("<v>-{row}</v>")), "{row}: {sheet}");
            }
            let filter = format!("<autoFilter ref=\"A1:B{}\"", 1 + rows.len());
            assert!(sheet.contains(&filter), "{sheet}");
            assert!(sheet.contains("state=\"frozen\""), "{sheet}");
        }
        assert_eq!(book.matches("<sheet ").count(), 3, "{book}");
    }

    #[test]
    fn a_text_is_cut_where_a_cell_ends() {
        assert_eq!(short("a\u{1b}[2J\n\u{202e}b"), "a\\u{1b}[2J\\n\\u{202e}b");
        let fits = "ä".repeat(MAX_TEXT);
        assert_eq!(short(&fits), fits);
        let long = "😀".repeat(MAX_TEXT);
        let cut = short(&long);
        assert!(cut.ends_with(CUT_MARK));
        assert!((MAX_TEXT - 1..=MAX_TEXT).contains(&cut.encode_utf16().count()));
    }
}
