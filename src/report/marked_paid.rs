//! Lists which commissions were marked as paid, and which were not and why, with the sums of each promoter.

use std::collections::BTreeMap;
use std::path::Path;

use super::atomic::FileError;
use super::columns::Cell;
use super::error::ReportError;
use super::table::{CsvTable, write_alone};
use crate::paid_marks::{MarkState, OwnCommission};

/// The name of the file.
pub(crate) const MARKED_PAID_FILE: &str = "marked_paid.csv";

const COLUMNS: [&str; 11] = [
    "promoter_email",
    "promoter_ref_id",
    "state",
    "kind",
    "event_id",
    "commission_id",
    "created_at",
    "commission_cents",
    "commissions",
    "payout_id",
    "reason",
];

/// Identifies a promoter by the email and the referral id, and a state.
type SumKey<'c> = (Option<&'c str>, Option<&'c str>, MarkState);

/// Writes the commissions, and then a line with the sum of each promoter in each state, into a directory.
///
/// # Errors
///
/// The file can't be written; one that was there before is unchanged.
pub(crate) fn write_marked_paid(
    directory: &Path,
    commissions: &[OwnCommission],
) -> Result<(), ReportError> {
    let kind = (MARKED_PAID_FILE, COLUMNS);
    Ok(write_alone(directory, kind, |table| {
        write_lines(table, commissions)
    })?)
}

/// Writes the commissions, and then the sums.
fn write_lines(table: &mut CsvTable, commissions: &[OwnCommission]) -> Result<(), FileError> {
    let mut sums: BTreeMap<SumKey<'_>, (i64, i64)> = BTreeMap::new();
    for own in commissions {
        write_line(table, own)?;
        let promoter = (
            own.promoter.email.as_deref(),
            own.promoter.ref_id.as_deref(),
        );
        let sum = sums.entry((promoter.0, promoter.1, own.state)).or_default();
        sum.0 += 1;
        sum.1 = sum.1.saturating_add(own.cents);
    }
    for ((email, ref_id, state), (count, cents)) in sums {
        table.row(&[
            Cell::optional_text(email),
            Cell::optional_text(ref_id),
            Cell::Word(state.as_str()),
            Cell::Word("sum"),
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            Cell::Integer(cents),
            Cell::Integer(count),
            Cell::Empty,
            Cell::Empty,
        ])?;
    }
    Ok(())
}

fn write_line(table: &mut CsvTable, own: &OwnCommission) -> Result<(), FileError> {
    table.row(&[
        Cell::optional_text(own.promoter.email.as_deref()),
        Cell::optional_text(own.promoter.ref_id.as_deref()),
        Cell::Word(own.state.as_str()),
        Cell::Word(own.kind.as_str()),
        Cell::text(&own.event_id),
        Cell::text(&own.id),
        Cell::optional_time(own.created_at),
        Cell::Integer(own.cents),
        Cell::Integer(1),
        Cell::optional_text(own.payout_id.as_deref()),
        Cell::escaped(&own.reason),
    ])
}
