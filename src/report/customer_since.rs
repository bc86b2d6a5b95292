//! Lists which leads were made customers since their first sale, and which were not and why.

use std::path::Path;

use super::atomic::{FileError, sync_directory};
use super::columns::Cell;
use super::error::ReportError;
use super::table::Table;
use crate::lead_dates::LeadDate;
use crate::output_folder::OutputFolder;

/// The name of the file.
pub(crate) const CUSTOMER_SINCE_FILE: &str = "customer_since.csv";

const COLUMNS: [&str; 8] = [
    "email",
    "uid",
    "lead_id",
    "state",
    "customer_since_before",
    "first_sale_at",
    "first_sale_event_id",
    "reason",
];

/// Writes a line for each lead into a directory.
///
/// # Errors
///
/// The file can't be written; one that was there before is unchanged.
pub(crate) fn write_customer_since(
    directory: &Path,
    leads: &[LeadDate],
) -> Result<(), ReportError> {
    let given = directory;
    let failed = |doing| move |error| FileError::new(given, doing, error);
    let folder = OutputFolder::open(given, &[]).map_err(failed("making the directory"))?;
    let directory = folder.path();
    let file = directory.join(CUSTOMER_SINCE_FILE);
    let mut table = Table::create(file.clone(), COLUMNS)?;
    for lead in leads {
        write_line(&mut table, lead)?;
    }
    table.finish()?.commit()?;
    sync_directory(directory)?;
    let stored = folder.finish(vec![file], |_| false);
    Ok(stored.map(drop).map_err(failed("writing its object"))?)
}

fn write_line(table: &mut Table, lead: &LeadDate) -> Result<(), FileError> {
    table.row(&[
        Cell::optional_text(lead.customer.email.as_deref()),
        Cell::optional_text(lead.customer.uid.as_deref()),
        Cell::text(&lead.lead_id),
        Cell::Word(lead.state.as_str()),
        Cell::optional_time(lead.before),
        Cell::optional_time(Some(lead.first_sale_at)),
        Cell::text(&lead.event_id),
        Cell::escaped(&lead.reason),
    ])
}
