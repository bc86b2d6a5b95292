//! The report's figures, as `summary.json`.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::atomic::{FileError, PartialFile};
use super::exporter::{Exporter, ReportContent, WrittenFile};
use super::occupant::SUMMARY_FILE;
use super::summary::RunSummary;
use crate::invisible::{Language, shown_in_strings};

/// Returns a value as JSON for people: invisible characters in its strings are escaped.
pub(crate) fn json_text(value: &impl Serialize) -> serde_json::Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(shown_in_strings(text, Language::Json))
}

/// The file `summary.json`.
pub(super) struct JsonFile(WrittenFile);

impl JsonFile {
    pub(super) fn create(directory: &Path, summary: &RunSummary) -> Result<Self, FileError> {
        let name = SUMMARY_FILE;
        let path = directory.join(name);
        let mut file = PartialFile::create(&path)?;
        json_text(summary)
            .map_err(io::Error::from)
            .and_then(|text| writeln!(file, "{text}"))
            .map_err(|error| FileError::new(&path, "writing it", error))?;
        Ok(JsonFile(WrittenFile {
            name: name.to_owned(),
            whole: file.finish()?,
        }))
    }
}

impl Exporter for JsonFile {
    fn takes(&self) -> &'static [ReportContent] {
        &[]
    }

    fn finish(self: Box<Self>) -> Result<Vec<WrittenFile>, FileError> {
        Ok(vec![self.0])
    }
}
