//! The formats of a report's files.

use std::fmt;
use std::str::FromStr;

/// A format in which a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// A CSV for each of: events, held events, converted amounts, rejected rows, ignored rows.
    Csv,
    /// The file `events.parquet` with every event.
    Parquet,
    /// The workbook `report.xlsx` for people.
    Xlsx,
    /// The page `report.html` for people.
    Html,
    /// The file `summary.json` with the figures.
    Json,
}

impl Format {
    /// All formats, in the order in which their files are moved to their final paths: a reader who
    /// sees the new summary sees the other new files too.
    pub const ALL: [Format; 5] = [
        Format::Csv,
        Format::Parquet,
        Format::Xlsx,
        Format::Html,
        Format::Json,
    ];

    /// Returns the word that `--format` takes.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Parquet => "parquet",
            Format::Xlsx => "xlsx",
            Format::Html => "html",
            Format::Json => "json",
        }
    }

    /// Returns `true` if this program was built with what the format needs.
    pub fn is_built_in(self) -> bool {
        match self {
            Format::Parquet => cfg!(feature = "polars"),
            Format::Csv | Format::Xlsx | Format::Html | Format::Json => true,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A format that this program can't write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// A word that is not the name of a format.
    #[error("unknown report format `{0}`: use csv, json, html, xlsx or parquet")]
    Unknown(String),
    /// A format whose code was left out when the program was built.
    #[error("this fprecon was built without `{0}`; build it with the feature `polars`")]
    NotBuiltIn(Format),
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(word: &str) -> Result<Self, FormatError> {
        let format = Format::ALL
            .into_iter()
            .find(|format| format.as_str() == word)
            .ok_or_else(|| FormatError::Unknown(word.to_owned()))?;
        if format.is_built_in() {
            Ok(format)
        } else {
            Err(FormatError::NotBuiltIn(format))
        }
    }
}

/// The formats of one report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formats(Vec<Format>);

impl Formats {
    /// Returns these formats, each once; all that are built in where none is named.
    pub fn new(formats: &[Format]) -> Self {
        match formats {
            [] => Formats::default(),
            _ => Formats(sorted(formats.iter().copied())),
        }
    }

    /// Returns each format, in the order of [`Format::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = Format> + '_ {
        self.0.iter().copied()
    }
}

impl Default for Formats {
    /// Returns all formats that are built in.
    fn default() -> Self {
        Formats(sorted(
            Format::ALL
                .into_iter()
                .filter(|format| format.is_built_in()),
        ))
    }
}

fn sorted(formats: impl Iterator<Item = Format>) -> Vec<Format> {
    let mut formats: Vec<Format> = formats.collect();
    formats.sort();
    formats.dedup();
    formats
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_named_once_and_come_in_one_order() {
        let named = Formats::new(&[Format::Json, Format::Csv, Format::Json]);
        assert_eq!(
            named.iter().collect::<Vec<_>>(),
            [Format::Csv, Format::Json]
        );
        assert_eq!(Formats::new(&[]), Formats::default());
        assert_eq!(Formats::default().iter().last(), Some(Format::Json));
        for format in Formats::default().iter() {
            assert_eq!(format.as_str().parse(), Ok(format));
        }
        let unknown = "pdf".parse::<Format>().unwrap_err();
        assert!(unknown.to_string().contains("`pdf`"));
    }
}
