//! The report's figures, as `summary.json`.

use std::io::{self, Write};
use std::path::Path;

use super::atomic::{Failure, Partial};
use super::exporter::{Content, Exporter, Written};
use super::summary::RunSummary;

/// `summary.json`.
pub(super) struct JsonFile(Written);

impl JsonFile {
    pub(super) fn create(directory: &Path, summary: &RunSummary) -> Result<Self, Failure> {
        let name = "summary.json";
        let path = directory.join(name);
        let mut file = Partial::create(&path)?;
        serde_json::to_writer_pretty(&mut file, summary)
            .map_err(io::Error::from)
            .and_then(|()| file.write_all(b"\n"))
            .map_err(|error| Failure::new(&path, "writing it", error))?;
        Ok(JsonFile(Written {
            name: name.to_owned(),
            whole: file.finish()?,
        }))
    }
}

impl Exporter for JsonFile {
    fn takes(&self) -> &'static [Content] {
        &[]
    }

    fn finish(self: Box<Self>) -> Result<Vec<Written>, Failure> {
        Ok(vec![self.0])
    }
}
