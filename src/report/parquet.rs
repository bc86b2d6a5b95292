//! Tables as Parquet, for other programs: the events of reports, and exports of the journal.
//!
//! Amounts are 64-bit integers of minor units next to their currency, times are milliseconds in
//! UTC, and every other column has its own type. The same rows give the same bytes.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use super::atomic::{FileError, FinishedFile, PartialFile, sync_directory};
use super::columns::{Cell, ColumnType, EVENT_COLUMNS, ReportColumn};
use super::error::ReportError;
use super::exporter::{Exporter, ReportContent, WrittenFile};
use crate::journal::EventRecord;

/// The number of rows of a row group, which are kept in memory before they are written.
const ROW_GROUP_ROWS: usize = 65_536;

/// A Parquet file that is being written, row by row, in bounded memory.
pub(crate) struct ParquetTable {
    columns: Vec<Builder>,
    rows: usize,
    writer: SerializedFileWriter<PartialFile>,
    path: PathBuf,
}

impl ParquetTable {
    /// Starts a file whose final path is `path`; until it is committed, an existing file there
    /// stays.
    ///
    /// # Errors
    ///
    /// The file can't be written.
    pub(crate) fn create(
        path: &Path,
        columns: &'static [ReportColumn],
    ) -> Result<Self, ReportError> {
        Ok(Self::start(path, columns)?)
    }

    /// Adds a row: one cell of the right type for each column.
    ///
    /// # Errors
    ///
    /// The file can't be written.
    pub(crate) fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), ReportError> {
        Ok(self.add(cells)?)
    }

    /// Syncs the file to disk and moves it to its final path.
    ///
    /// # Errors
    ///
    /// The file can't be written.
    pub(crate) fn commit(self) -> Result<(), ReportError> {
        let whole = self.finish()?;
        let directory = whole.directory();
        whole.commit()?;
        Ok(sync_directory(&directory)?)
    }

    pub(crate) fn start(path: &Path, columns: &'static [ReportColumn]) -> Result<Self, FileError> {
        let file = PartialFile::create(path)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by("fprecon".to_owned())
            .build();
        let writer = schema(columns)
            .and_then(|schema| SerializedFileWriter::new(file, schema, Arc::new(properties)))
            .map_err(|error| failure(path, error))?;
        Ok(ParquetTable {
            columns: columns
                .iter()
                .map(|column| Builder::new(column.holds))
                .collect(),
            rows: 0,
            writer,
            path: path.to_owned(),
        })
    }

    pub(crate) fn add(&mut self, cells: &[Cell<'_>]) -> Result<(), FileError> {
        for (builder, cell) in self.columns.iter_mut().zip(cells) {
            builder.push(cell);
        }
        self.rows += 1;
        match self.rows {
            ROW_GROUP_ROWS => self.write_group(),
            _ => Ok(()),
        }
    }

    /// Syncs the file to disk, beside its final path.
    pub(crate) fn finish(mut self) -> Result<FinishedFile, FileError> {
        if self.rows > 0 {
            self.write_group()?;
        }
        let file = self.writer.into_inner();
        file.map_err(|error| failure(&self.path, error))?.finish()
    }

    fn write_group(&mut self) -> Result<(), FileError> {
        self.rows = 0;
        let written = write_columns(&mut self.writer, &mut self.columns);
        written.map_err(|error| failure(&self.path, error))
    }
}

fn write_columns(
    writer: &mut SerializedFileWriter<PartialFile>,
    columns: &mut [Builder],
) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    for builder in columns {
        if let Some(mut column) = group.next_column()? {
            builder.write_to(&mut column)?;
            column.close()?;
        }
    }
    group.close().map(|_| ())
}

fn failure(path: &Path, error: ParquetError) -> FileError {
    let source = match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => *source,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    };
    FileError::new(path, "writing it", source)
}

fn schema(columns: &[ReportColumn]) -> Result<TypePtr, ParquetError> {
    let field = |column: &ReportColumn| {
        let (physical, logical) = match column.holds {
            ColumnType::Text => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
            ColumnType::Integer | ColumnType::Amount => (PhysicalType::INT64, None),
            ColumnType::Time => {
                let milliseconds = LogicalType::timestamp(true, TimeUnit::MILLIS);
                (PhysicalType::INT64, Some(milliseconds))
            }
        };
        let field = Type::primitive_type_builder(column.name, physical)
            .with_logical_type(logical)
            .with_repetition(Repetition::OPTIONAL);
        field.build().map(Arc::new)
    };
    let fields = columns.iter().map(field).collect::<Result<_, _>>()?;
    let table = Type::group_type_builder("fprecon").with_fields(fields);
    table.build().map(Arc::new)
}

/// The cells of a column, collected until there are enough for a row group.
enum Builder {
    Text(TextColumn),
    Integer(NumberColumn),
    Time(NumberColumn),
}

/// Texts in one buffer, with the end of each.
#[derive(Default)]
struct TextColumn {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    is_there: Vec<i16>,
}

#[derive(Default)]
struct NumberColumn {
    numbers: Vec<i64>,
    is_there: Vec<i16>,
}

impl TextColumn {
    fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.ends.push(self.bytes.len());
        self.is_there.push(1);
    }
}

impl NumberColumn {
    fn push(&mut self, number: i64) {
        self.numbers.push(number);
        self.is_there.push(1);
    }
}

impl Builder {
    fn new(holds: ColumnType) -> Self {
        match holds {
            ColumnType::Text => Builder::Text(TextColumn::default()),
            ColumnType::Integer | ColumnType::Amount => Builder::Integer(NumberColumn::default()),
            ColumnType::Time => Builder::Time(NumberColumn::default()),
        }
    }

    /// Adds a cell. A cell of another type than the column's is a bug in the table's definition,
    /// and is left empty.
    fn push(&mut self, cell: &Cell<'_>) {
        match (self, cell) {
            (Builder::Text(texts), Cell::Text(text)) => texts.push(text),
            (Builder::Text(texts), Cell::Word(word)) => texts.push(word),
            (Builder::Integer(numbers), Cell::Integer(number)) => numbers.push(*number),
            (Builder::Integer(numbers), Cell::Amount(money)) => numbers.push(money.amount_cents),
            (Builder::Time(numbers), Cell::Time(time)) => numbers.push(time.as_millisecond()),
            (
                Builder::Text(TextColumn { is_there, .. })
                | Builder::Integer(NumberColumn { is_there, .. })
                | Builder::Time(NumberColumn { is_there, .. }),
                cell,
            ) => {
                debug_assert_eq!(*cell, Cell::Empty);
                is_there.push(0);
            }
        }
    }

    /// Writes the collected cells, and is empty afterwards.
    fn write_to(&mut self, column: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        match self {
            Builder::Text(texts) => {
                let TextColumn {
                    bytes,
                    ends,
                    is_there,
                } = std::mem::take(texts);
                let bytes = Bytes::from(bytes);
                let starts = std::iter::once(0).chain(ends.iter().copied());
                let texts: Vec<ByteArray> = starts
                    .zip(&ends)
                    .map(|(start, end)| bytes.slice(start..*end).into())
                    .collect();
                column
                    .typed::<ByteArrayType>()
                    .write_batch(&texts, Some(&is_there), None)?;
            }
            Builder::Integer(numbers) | Builder::Time(numbers) => {
                let NumberColumn { numbers, is_there } = std::mem::take(numbers);
                column
                    .typed::<Int64Type>()
                    .write_batch(&numbers, Some(&is_there), None)?;
            }
        }
        Ok(())
    }
}

/// The file `events.parquet`: every event that was to be sent, with its outcome.
pub(super) struct ParquetFile(ParquetTable);

impl ParquetFile {
    const NAME: &'static str = "events.parquet";

    pub(super) fn create(directory: &Path) -> Result<Self, FileError> {
        let path = directory.join(Self::NAME);
        ParquetTable::start(&path, &EVENT_COLUMNS).map(ParquetFile)
    }
}

impl Exporter for ParquetFile {
    fn takes(&self) -> &'static [ReportContent] {
        &[ReportContent::Events]
    }

    fn event(&mut self, _: &EventRecord, cells: &[Cell<'_>]) -> Result<(), FileError> {
        self.0.add(cells)
    }

    fn finish(self: Box<Self>) -> Result<Vec<WrittenFile>, FileError> {
        Ok(vec![WrittenFile {
            name: Self::NAME.to_owned(),
            whole: self.0.finish()?,
        }])
    }
}
