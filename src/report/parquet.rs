//! Tables as Parquet: what the reports and exports of the journal give to other programs.
//!
//! Amounts are 64-bit integers of minor units beside their currency, times are milliseconds in UTC,
//! everything else is what its column says. The same rows give the same bytes.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use polars::prelude::{
    ChunkedBuilder, Column as Series, DataFrame, DataType, Int64Type, IntoColumn,
    ParquetCompression, ParquetWriter, PolarsError, PrimitiveChunkedBuilder, Schema,
    StringChunkedBuilder, TimeUnit, TimeZone,
};

use polars::io::parquet::write::BatchedWriter;

use super::atomic::{Failure, Partial, Whole, sync_directory};
use super::columns::{Cell, Column, EVENT_COLUMNS, Holds};
use super::error::ReportError;
use super::exporter::{Content, Exporter, Written};
use crate::journal::EventRecord;

/// Rows of a row group: what is kept in memory before it is written.
const ROW_GROUP_ROWS: usize = 65_536;

/// A Parquet file that is being written, row by row, in bounded memory.
pub struct ParquetTable {
    columns: Vec<Builder>,
    names: &'static [Column],
    rows: usize,
    writer: BatchedWriter<Shared>,
    file: Shared,
    path: PathBuf,
}

impl ParquetTable {
    /// Starts a file that is to stand at `path`; until it does, what was there stays.
    ///
    /// # Errors
    ///
    /// The file can't be written; so for all functions here.
    pub fn create(path: &Path, columns: &'static [Column]) -> Result<Self, ReportError> {
        Ok(Self::start(path, columns)?)
    }

    /// Adds a row: a cell for each column, of what the column holds.
    pub fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), ReportError> {
        Ok(self.add(cells)?)
    }

    /// Puts the file on disk and in its place.
    pub fn commit(self) -> Result<(), ReportError> {
        let whole = self.finish()?;
        let directory = whole.directory();
        whole.commit()?;
        Ok(sync_directory(&directory)?)
    }

    pub(crate) fn start(path: &Path, columns: &'static [Column]) -> Result<Self, Failure> {
        let file = Shared(Arc::new(Mutex::new(Partial::create(path)?)));
        let mut schema = Schema::default();
        for column in columns {
            schema.with_column(column.name.into(), data_type(column.holds));
        }
        let writer = ParquetWriter::new(file.clone())
            .with_compression(ParquetCompression::Zstd(None))
            .batched(&schema)
            .map_err(|error| failure(path, error))?;
        Ok(ParquetTable {
            columns: builders(columns),
            names: columns,
            rows: 0,
            writer,
            file,
            path: path.to_owned(),
        })
    }

    pub(crate) fn add(&mut self, cells: &[Cell<'_>]) -> Result<(), Failure> {
        for (builder, cell) in self.columns.iter_mut().zip(cells) {
            builder.push(cell);
        }
        self.rows += 1;
        match self.rows {
            ROW_GROUP_ROWS => self.write_group(),
            _ => Ok(()),
        }
    }

    /// Puts the file on disk, beside its place.
    pub(crate) fn finish(mut self) -> Result<Whole, Failure> {
        if self.rows > 0 {
            self.write_group()?;
        }
        let ended = self.writer.finish();
        ended.map_err(|error| failure(&self.path, error))?;
        drop(self.writer);
        match Arc::try_unwrap(self.file.0) {
            Ok(file) => {
                let file = file.into_inner().unwrap_or_else(PoisonError::into_inner);
                file.finish()
            }
            Err(_) => Err(Failure::new(
                &self.path,
                "writing it",
                io::Error::other("its writer is still at work"),
            )),
        }
    }

    fn write_group(&mut self) -> Result<(), Failure> {
        let builders = std::mem::replace(&mut self.columns, builders(self.names));
        let columns = builders.into_iter().map(Builder::finish).collect();
        let written =
            DataFrame::new(self.rows, columns).and_then(|group| self.writer.write_batch(&group));
        self.rows = 0;
        written.map_err(|error| failure(&self.path, error))
    }
}

fn failure(path: &Path, error: PolarsError) -> Failure {
    let source = match error {
        PolarsError::IO { error, .. } => io::Error::new(error.kind(), error.to_string()),
        other => io::Error::other(other.to_string()),
    };
    Failure::new(path, "writing it", source)
}

fn data_type(holds: Holds) -> DataType {
    match holds {
        Holds::Text => DataType::String,
        Holds::Integer | Holds::Amount => DataType::Int64,
        Holds::Time => DataType::Datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)),
    }
}

fn builders(columns: &[Column]) -> Vec<Builder> {
    columns.iter().map(Builder::new).collect()
}

/// The cells of a column, until there are enough for a row group.
enum Builder {
    Text(StringChunkedBuilder),
    Integer(PrimitiveChunkedBuilder<Int64Type>),
    Time(PrimitiveChunkedBuilder<Int64Type>),
}

impl Builder {
    fn new(column: &Column) -> Self {
        let name = column.name.into();
        match column.holds {
            Holds::Text => Builder::Text(StringChunkedBuilder::new(name, ROW_GROUP_ROWS)),
            Holds::Integer | Holds::Amount => {
                Builder::Integer(PrimitiveChunkedBuilder::new(name, ROW_GROUP_ROWS))
            }
            Holds::Time => Builder::Time(PrimitiveChunkedBuilder::new(name, ROW_GROUP_ROWS)),
        }
    }

    /// A cell that is not what the column holds is a fault of the table's definition, and stays empty.
    fn push(&mut self, cell: &Cell<'_>) {
        match (self, cell) {
            (Builder::Text(builder), Cell::Text(text)) => builder.append_value(text),
            (Builder::Text(builder), Cell::Word(word)) => builder.append_value(word),
            (Builder::Integer(builder), Cell::Integer(number)) => builder.append_value(*number),
            (Builder::Integer(builder), Cell::Amount(money)) => {
                builder.append_value(money.amount_cents);
            }
            (Builder::Time(builder), Cell::Time(time)) => {
                builder.append_value(time.as_millisecond());
            }
            (Builder::Text(builder), cell) => {
                debug_assert_eq!(*cell, Cell::Empty);
                builder.append_null();
            }
            (Builder::Integer(builder) | Builder::Time(builder), cell) => {
                debug_assert_eq!(*cell, Cell::Empty);
                builder.append_null();
            }
        }
    }

    fn finish(self) -> Series {
        match self {
            Builder::Text(builder) => builder.finish().into_column(),
            Builder::Integer(builder) => builder.finish().into_column(),
            Builder::Time(builder) => builder
                .finish()
                .into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC))
                .into_column(),
        }
    }
}

/// The file, which its writer does not give back.
#[derive(Clone)]
struct Shared(Arc<Mutex<Partial>>);

impl Shared {
    fn file(&self) -> MutexGuard<'_, Partial> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file().flush()
    }
}

/// `events.parquet`: every event that was to be sent, with its outcome.
pub(super) struct ParquetFile(ParquetTable);

impl ParquetFile {
    const NAME: &'static str = "events.parquet";

    pub(super) fn create(directory: &Path) -> Result<Self, Failure> {
        let path = directory.join(Self::NAME);
        ParquetTable::start(&path, &EVENT_COLUMNS).map(ParquetFile)
    }
}

impl Exporter for ParquetFile {
    fn takes(&self) -> &'static [Content] {
        &[Content::Events]
    }

    fn event(&mut self, _: &EventRecord, cells: &[Cell<'_>]) -> Result<(), Failure> {
        self.0.add(cells)
    }

    fn finish(self: Box<Self>) -> Result<Vec<Written>, Failure> {
        Ok(vec![Written {
            name: Self::NAME.to_owned(),
            whole: self.0.finish()?,
        }])
    }
}
