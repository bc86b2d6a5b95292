//! Keeps rows that gave no event for the reports, without keeping them in memory.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom};

use crate::event::{Currency, ExportLine, Money};
use crate::problem::{Problem, ProblemCode};

/// Holds a row that gave no event, as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRow {
    /// The place of the row.
    pub source: ExportLine,
    /// `true` if it was rejected, `false` if it was ignored.
    pub is_rejected: bool,
    /// What a row that was ignored with a warning may have been.
    pub left_out: Option<IgnoredRow>,
    /// The reason why it gave no event.
    pub reason: String,
    /// The cells of the row.
    pub fields: Vec<String>,
}

/// Describes a row that was ignored with a warning: it may have been an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IgnoredRow {
    /// The amount of the row as the export has it, if that can be read.
    pub money: Option<Money>,
}

/// Keeps the rows of a job that gave no event: in a file, in reading order, or nowhere.
#[derive(Debug)]
pub struct SourceRows {
    file: Option<csv::Writer<File>>,
    failed: Option<io::Error>,
    /// The inputs whose open rows are rejected.
    rejected_inputs: HashSet<usize>,
}

/// Reports that the file of [`SourceRows`] could not be written or read back.
#[derive(Debug, thiserror::Error)]
#[error("the rows that are not events could not be kept in a temporary file")]
pub struct SourceRowsError(#[from] io::Error);

impl SourceRowsError {
    /// Returns the error in the shape of every other problem.
    pub fn problem(&self) -> Problem {
        Problem::error(ProblemCode::TemporaryFile, format!("{self}: {}", self.0)).hint(
            "free space for temporary files, or set `TMPDIR` to another folder; nothing was sent",
        )
    }
}

/// The state of a row, as the file has it.
const IGNORED: &str = "";
const LEFT_OUT: &str = "!";
const REJECTED: &str = "1";
const OPEN: &str = "?";

/// The number of cells in front of a row's own: input, line, state, reason, amount and currency.
const OWN_CELLS: usize = 6;

impl SourceRows {
    /// Returns a store that drops all rows, for callers that need only their number.
    pub fn dropped() -> Self {
        SourceRows {
            file: None,
            failed: None,
            rejected_inputs: HashSet::new(),
        }
    }

    /// Returns a store in an empty file that nobody else uses.
    pub fn in_file(file: File) -> Self {
        let writer = csv::WriterBuilder::new().flexible(true).from_writer(file);
        SourceRows {
            file: Some(writer),
            failed: None,
            rejected_inputs: HashSet::new(),
        }
    }

    /// Keeps a row that was rejected. An error is reported by [`SourceRows::read`], as of every row.
    pub(super) fn add_rejected<'f>(
        &mut self,
        source: ExportLine,
        reason: &str,
        fields: impl Iterator<Item = &'f str>,
    ) {
        self.write(source, (REJECTED, None), reason, fields);
    }

    /// Keeps a row that was ignored, with a warning if it is left out.
    pub(super) fn add_ignored<'f>(
        &mut self,
        source: ExportLine,
        left_out: Option<IgnoredRow>,
        reason: &str,
        fields: impl Iterator<Item = &'f str>,
    ) {
        let state = match left_out {
            Some(IgnoredRow { money }) => (LEFT_OUT, money),
            None => (IGNORED, None),
        };
        self.write(source, state, reason, fields);
    }

    /// Keeps a row that has events, and is rejected after all if its input turns out to be such.
    pub(super) fn add_open<'f>(
        &mut self,
        source: ExportLine,
        reason: &str,
        fields: impl Iterator<Item = &'f str>,
    ) {
        self.write(source, (OPEN, None), reason, fields);
    }

    /// Rejects the open rows of an input.
    pub(super) fn reject_open(&mut self, input: usize) {
        self.rejected_inputs.insert(input);
    }

    fn write<'f>(
        &mut self,
        source: ExportLine,
        (state, money): (&str, Option<Money>),
        reason: &str,
        mut fields: impl Iterator<Item = &'f str>,
    ) {
        let Some(file) = self.file.as_mut().filter(|_| self.failed.is_none()) else {
            return;
        };
        let (input, line) = (source.input.to_string(), source.line.to_string());
        let cents = money.map_or(String::new(), |money| money.amount_cents.to_string());
        let currency = money.map_or("", |money| money.currency.code());
        let own: [&str; OWN_CELLS] = [&input, &line, state, reason, &cents, currency];
        let mut write = || {
            own.iter().try_for_each(|cell| file.write_field(cell))?;
            fields.try_for_each(|cell| file.write_field(cell))?;
            file.write_record(None::<&[u8]>)
        };
        self.failed = write().err().map(io::Error::from);
    }

    /// Returns the rows that were kept, in reading order; none if they were dropped.
    ///
    /// # Errors
    ///
    /// A row could not be written, or can't be read back.
    pub fn read(
        self,
    ) -> Result<impl Iterator<Item = Result<SourceRow, SourceRowsError>>, SourceRowsError> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        let file = self.file.map(|writer| -> io::Result<_> {
            let mut file = writer.into_inner().map_err(|error| error.into_error())?;
            file.seek(SeekFrom::Start(0))?;
            let reader = csv::ReaderBuilder::new()
                .flexible(true)
                .has_headers(false)
                .from_reader(BufReader::new(file));
            Ok(reader.into_records())
        });
        let records = file.transpose()?.into_iter().flatten();
        let rejected_inputs = self.rejected_inputs;
        let rows = records.map(move |record| {
            let record = record.map_err(io::Error::from)?;
            let mut row =
                source_row(&record).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
            if record.get(2) == Some(OPEN) {
                row.is_rejected = rejected_inputs.contains(&row.source.input);
                return Ok(Some(row).filter(|row| row.is_rejected));
            }
            Ok(Some(row))
        });
        Ok(rows.filter_map(Result::transpose))
    }
}

fn source_row(record: &csv::StringRecord) -> Option<SourceRow> {
    let source = ExportLine {
        input: record.get(0)?.parse().ok()?,
        line: record.get(1)?.parse().ok()?,
    };
    let state = record.get(2)?;
    let left_out = (state == LEFT_OUT).then(|| IgnoredRow {
        money: money(record.get(4), record.get(5)),
    });
    Some(SourceRow {
        source,
        is_rejected: state == REJECTED,
        left_out,
        reason: record.get(3)?.to_owned(),
        fields: record.iter().skip(OWN_CELLS).map(str::to_owned).collect(),
    })
}

fn money(cents: Option<&str>, currency: Option<&str>) -> Option<Money> {
    Some(Money {
        amount_cents: cents?.parse().ok()?,
        currency: Currency::from_code(currency?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: u64, is_rejected: bool, fields: &[&str]) -> SourceRow {
        SourceRow {
            source: ExportLine { input: 1, line },
            is_rejected,
            left_out: None,
            reason: "no amount, \"none\"".to_owned(),
            fields: fields.iter().map(|&cell| cell.to_owned()).collect(),
        }
    }

    fn kept(rows: &[SourceRow], mut to: SourceRows) -> Result<Vec<SourceRow>, SourceRowsError> {
        for row in rows {
            let fields = row.fields.iter().map(String::as_str);
            if row.is_rejected {
                to.add_rejected(row.source, &row.reason, fields);
            } else {
                to.add_ignored(row.source, row.left_out, &row.reason, fields);
            }
        }
        to.read()?.collect()
    }

    #[test]
    fn rows_come_back_as_they_were() {
        let rows = [
            row(2, false, &["a", "", "line\r\nbreak, \"quoted\""]),
            row(4, true, &[""]),
            row(5, true, &["one", "two", "three", "four"]),
            SourceRow {
                left_out: Some(IgnoredRow {
                    money: Some(Money {
                        amount_cents: -12_300,
                        currency: Currency::from_code("JPY").unwrap(),
                    }),
                }),
                ..row(6, false, &["x"])
            },
            SourceRow {
                left_out: Some(IgnoredRow { money: None }),
                ..row(7, false, &["y"])
            },
        ];
        let file = SourceRows::in_file(tempfile::tempfile().unwrap());
        assert_eq!(kept(&rows, file).unwrap(), rows);
        assert_eq!(kept(&rows, SourceRows::dropped()).unwrap(), []);
    }

    /// `/dev/full` accepts every open and no byte.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_reported() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let rows: Vec<_> = (2..5000).map(|line| row(line, false, &["cell"])).collect();
        let error = kept(&rows, SourceRows::in_file(full)).unwrap_err();
        let problem = error.problem();
        assert!(
            problem.message.contains("No space left"),
            "{}",
            problem.message
        );
    }
}
