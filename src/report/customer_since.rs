//! Lists which leads were made customers since their first sale, and which were not and why.

use std::path::Path;

use super::atomic::FileError;
use super::columns::Cell;
use super::error::ReportError;
use super::table::{CsvTable, write_alone};
use crate::lead_dates::LeadDate;

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
    let kind = (CUSTOMER_SINCE_FILE, COLUMNS);
    Ok(write_alone(directory, kind, |table| {
        leads.iter().try_for_each(|lead| write_line(table, lead))
    })?)
}

fn write_line(table: &mut CsvTable, lead: &LeadDate) -> Result<(), FileError> {
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
