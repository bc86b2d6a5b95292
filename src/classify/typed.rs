//! Rows that were in a spreadsheet: their numbers and dates, written as exports of the profile have them.
//!
//! A cell of a workbook that is a number or a date has no decimal comma and no order of day and month. It is
//! written in the profile's own way before it is read, so that all that follows, rejected rows handed back
//! included, is text of one kind. Rows of ours that were saved as CSV where the decimal sign is a comma are
//! written back in the same way.

use jiff::civil::{DateTime, Time};

use super::{Classifier, cell};
use crate::event::AmountFormat;
use crate::export::{CellKind, Row};
use crate::problem::{Problem, ProblemCode};
use crate::profile::{ColumnIndex, DateFormat, DateSource};

/// A number of a workbook, taken apart.
struct Number<'t> {
    sign: &'t str,
    symbol: &'t str,
    digits: &'t str,
}

impl<'t> Number<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", text),
        };
        let (symbol, digits) = rest.split_at(rest.find(|c: char| c.is_ascii_digit())?);
        let is_plain = digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        is_plain.then_some(Number {
            sign,
            symbol,
            digits,
        })
    }
}

impl Classifier<'_> {
    /// Writes the numbers and dates of a workbook's row as the profile reads them. The row of a CSV stays as
    /// it is.
    pub(crate) fn settle(&self, row: &mut Row) {
        if !row.is_typed() {
            return;
        }
        let mut texts = Vec::new();
        for &column in &self.typed_columns().amounts {
            self.settle_amount(column, row, &mut texts);
        }
        for source in &self.typed_columns().dates {
            self.settle_date(source, row, &mut texts);
        }
        if !texts.is_empty() {
            row.set_texts(&texts);
        }
    }

    /// Refuses a row with an error in a cell that the profile reads.
    pub(super) fn check_cells(&self, row: &Row) -> Result<(), Box<Problem>> {
        if !row.is_typed() {
            return Ok(());
        }
        let mut columns = 0..self.profile.columns.len();
        let broken = columns.find(|&column| {
            let position = self.binding.position(column);
            position.is_some_and(|at| row.kind(at) == CellKind::Error)
        });
        let Some(column) = broken else {
            return self.check_days(row);
        };
        let value = self.text(row, column);
        let (message, hint) = match value {
            "" => (
                "the cell has a formula and the file does not have its value",
                "open the workbook in a spreadsheet and save it, so that the value is saved too",
            ),
            _ => (
                "the cell has an error of the spreadsheet",
                "correct the formula in the workbook, or write the value into the cell",
            ),
        };
        Err(Box::new(
            self.cell_error(ProblemCode::CellError, column, value, message)
                .hint(hint),
        ))
    }

    /// Refuses a row whose date a spreadsheet may have changed, or may count from another day.
    fn check_days(&self, row: &Row) -> Result<(), Box<Problem>> {
        for source in &self.typed_columns().dates {
            let position = self.binding.position(source.date);
            let value = self.text(row, source.date);
            let (message, hint) = match position.map(|at| row.kind(at)) {
                Some(CellKind::DoubtfulDate) => (
                    "a spreadsheet may have taken the day for the month: it left other dates of the column as text",
                    "take the export as the provider wrote it, without opening it in a spreadsheet; or import it there with this column as text",
                ),
                Some(CellKind::Number) if self.is_other_day_in_1904(source, row, value) => (
                    "the workbook counts days from 1904, and this number is not shown as a date: it may be counted from 1900",
                    "format the column as a date in the spreadsheet, and see that the dates are right",
                ),
                _ => continue,
            };
            let problem = self.cell_error(ProblemCode::DateInvalid, source.date, value, message);
            return Err(Box::new(problem.hint(hint)));
        }
        Ok(())
    }

    /// Returns `true` if a number is read as a day of a spreadsheet, and its workbook counts them from 1904.
    fn is_other_day_in_1904(&self, source: &DateSource, row: &Row, value: &str) -> bool {
        let dates = self.profile.dates.for_column(source.date);
        let is_serial = |format: &DateFormat| matches!(format, DateFormat::SpreadsheetSerial);
        row.is_counted_from_1904() && dates.formats.iter().any(is_serial) && cell::is_serial(value)
    }

    /// Writes a row as the profile reads it that fprecon had written, and that a spreadsheet has saved with a
    /// decimal comma and with days such as `01.03.2026`, in which the day comes first wherever dots are used.
    ///
    /// # Errors
    ///
    /// An amount or a date could be read in both ways.
    pub(crate) fn settle_resaved(&self, row: &mut Row) -> Result<(), Box<Problem>> {
        let mut texts = Vec::new();
        for &column in &self.typed_columns().amounts {
            self.settle_decimal_comma(column, row, &mut texts)?;
        }
        for source in &self.typed_columns().dates {
            self.settle_dotted_date(source, row, &mut texts)?;
        }
        for &column in &self.typed_columns().compared {
            let told = match self.text(row, column) {
                "WAHR" => "true",
                "FALSCH" => "false",
                _ => continue,
            };
            texts.extend(
                self.binding
                    .position(column)
                    .map(|at| (at, told.to_owned())),
            );
        }
        if !texts.is_empty() {
            row.set_texts(&texts);
        }
        Ok(())
    }

    fn settle_decimal_comma(
        &self,
        column: ColumnIndex,
        row: &Row,
        texts: &mut Vec<(usize, String)>,
    ) -> Result<(), Box<Problem>> {
        let value = self.text(row, column);
        let format = self.format_so_far();
        let (Some(at), Ok(currency)) = (self.binding.position(column), self.currency(row)) else {
            return Ok(());
        };
        if format.decimal != '.' || !value.contains(',') {
            return Ok(());
        }
        let comma = AmountFormat {
            decimal: ',',
            thousands: Some('.'),
            or_decimal: None,
            ..format.clone()
        };
        match (format.parse(value, currency), comma.parse(value, currency)) {
            (Err(_), Ok(_)) => {
                let plain = value.replace('.', "").replace(',', ".");
                texts.push((at, plain));
                Ok(())
            }
            (Ok(usual), Ok(with_comma)) if usual != with_comma => Err(Box::new(
                self.cell_error(
                    ProblemCode::AmountAmbiguous,
                    column,
                    value,
                    "the comma could stand between thousands, or be the decimal sign of the spreadsheet that saved the file",
                )
                .hint("write the amount with a point, such as `1234.56`"),
            )),
            _ => Ok(()),
        }
    }

    fn settle_dotted_date(
        &self,
        source: &DateSource,
        row: &Row,
        texts: &mut Vec<(usize, String)>,
    ) -> Result<(), Box<Problem>> {
        let position = |column| self.binding.position(column);
        let dates = self.profile.dates.for_column(source.date);
        let value = self.text(row, source.date);
        let (Some(date_at), Some(date)) = (position(source.date), cell::dotted_date(value)) else {
            return Ok(());
        };
        let time_at = source.time.and_then(position);
        if time_at.is_none() && cell::date(value, dates, None).is_some() {
            return Ok(());
        }
        self.expect_order_kept(source, date, value)?;
        let Some(time_at) = time_at else {
            let mut formats = dates.formats.iter();
            let text = formats.find_map(|format| cell::write_date(date, format));
            texts.extend(text.map(|text| (date_at, text)));
            return Ok(());
        };
        let written = cell::DateAndTime {
            date: value,
            time: row.get(time_at).unwrap_or_default(),
        };
        let mut formats = dates.formats.iter();
        let rewritten = formats.find_map(|format| written.rewritten(Some(date), None, format));
        texts.extend(rewritten.map(|(date, _)| (date_at, date)));
        Ok(())
    }

    /// Refuses a date with dots of an export that has the month first: a spreadsheet that expects the day first has
    /// made `03.04.2026` of its `03/04/2026`.
    fn expect_order_kept(
        &self,
        source: &DateSource,
        date: DateTime,
        value: &str,
    ) -> Result<(), Box<Problem>> {
        let formats = &self.profile.dates.for_column(source.date).formats;
        let could_be_exchanged = date.day() <= 12 && date.day() != date.month();
        let Some(format) = formats.iter().find(|format| format.is_month_first()) else {
            return Ok(());
        };
        if !could_be_exchanged {
            return Ok(());
        }
        let message = "the spreadsheet that saved the file may have taken the day for the month";
        let example = cell::date_example(format);
        Err(Box::new(
            self.cell_error(ProblemCode::DateInvalid, source.date, value, message)
                .hint(format!(
                    "write the date as the export has it, such as `{example}`, in a text editor"
                )),
        ))
    }

    pub(super) fn typed_columns(&self) -> &TypedColumns {
        self.typed_columns.get_or_init(|| TypedColumns {
            amounts: self.profile.amount_columns(),
            dates: self.profile.date_sources(),
            compared: self.profile.compared_columns(),
        })
    }

    fn settle_amount(&self, column: ColumnIndex, row: &Row, texts: &mut Vec<(usize, String)>) {
        let Some(at) = self.binding.position(column) else {
            return;
        };
        let number = match row.kind(at) {
            CellKind::Number => row.get(at).and_then(Number::parse),
            _ => None,
        };
        let Some(number) = number else {
            return;
        };
        let format = self.format_so_far();
        let symbol = match number.symbol {
            "" => "",
            symbol if format.strip.as_deref().map(str::trim) == Some(symbol) => symbol,
            symbol => match self.currency(row) {
                Ok(currency) if currency.may_be_shown_as(symbol) => "",
                // Another currency than the row's: reading the amount says so.
                _ => return,
            },
        };
        let decimal = format.decimal.to_string();
        let digits = number.digits.replace('.', &decimal);
        texts.push((at, format!("{}{symbol}{digits}", number.sign)));
    }

    fn settle_date(&self, source: &DateSource, row: &Row, texts: &mut Vec<(usize, String)>) {
        let position = |column| self.binding.position(column);
        let Some(date_at) = position(source.date) else {
            return;
        };
        let time_at = source.time.and_then(position);
        let date = match row.kind(date_at) {
            CellKind::Date => row
                .get(date_at)
                .and_then(|text| text.parse::<DateTime>().ok()),
            _ => None,
        };
        let time = match time_at.map(|at| (at, row.kind(at))) {
            Some((at, CellKind::Time)) => row.get(at).and_then(|text| text.parse::<Time>().ok()),
            _ => None,
        };
        let dates = self.profile.dates.for_column(source.date);
        match (time_at, date) {
            (None, Some(date)) => {
                let text = dates
                    .formats
                    .iter()
                    .find_map(|format| cell::write_date(date, format));
                texts.extend(text.map(|text| (date_at, text)));
            }
            (Some(time_at), date) if date.is_some() || time.is_some() => {
                let written = cell::DateAndTime {
                    date: row.get(date_at).unwrap_or_default(),
                    time: row.get(time_at).unwrap_or_default(),
                };
                let mut formats = dates.formats.iter();
                if let Some((date, time)) =
                    formats.find_map(|format| written.rewritten(date, time, format))
                {
                    texts.extend([(date_at, date), (time_at, time)]);
                }
            }
            _ => {}
        }
    }
}

/// The columns in which a spreadsheet may have changed what is read.
pub(super) struct TypedColumns {
    pub(super) amounts: Vec<ColumnIndex>,
    pub(super) dates: Vec<DateSource>,
    /// Columns whose words decide something.
    compared: Vec<ColumnIndex>,
}
