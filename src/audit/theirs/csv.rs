//! Commissions from a CSV that was exported, read by a profile.

use crate::audit::{Commission, Promoter, SourceLocation, Status, Unit};
use crate::classify::{Classifier, CommissionOutcome, CommissionRow, CommissionStatus};
use crate::event::{Currency, Text};
use crate::export::{Export, ExportError, Row};
use crate::job::{Rows, export_problem};
use crate::problem::{Problem, Problems};
use crate::profile::{Binding, Profile};

/// A list of commissions, as it was read.
#[derive(Debug)]
pub struct ReadCommissions {
    /// The commissions, with their places.
    pub commissions: Vec<Commission>,
    /// The counts of the rows: those that are commissions count as rows with events.
    pub rows: Rows,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// The problems that a person should fix.
    pub problems: Problems,
}

/// Reads a CSV of commissions by a profile for such lists, whose columns `binding` has found.
///
/// # Errors
///
/// The file can't be read to its end.
pub fn read_csv(
    mut export: Export,
    profile: &Profile,
    binding: Binding,
    account_currency: Currency,
) -> Result<ReadCommissions, Box<Problem>> {
    let file = export.path().display().to_string();
    let header = export.header().to_vec();
    let classifier = Classifier::new(profile, binding, &header, account_currency);
    let mut read = ReadCommissions {
        commissions: Vec::new(),
        rows: Rows::default(),
        sha256: String::new(),
        problems: Problems::default(),
    };
    let failed = |error: ExportError| Box::new(export_problem(&error));
    let mut row = Row::new();
    while export.read_row(&mut row).map_err(failed)? {
        read.rows.read += 1;
        let place = SourceLocation {
            file: file.clone(),
            line: Some(row.line()),
        };
        classifier.settle(&mut row);
        match classifier.commission(&row) {
            CommissionOutcome::Commission(commission) => {
                read.rows.with_events += 1;
                read.commissions.push(commission_of(*commission, place));
            }
            CommissionOutcome::Rejected(problem) => {
                read.rows.rejected += 1;
                read.problems.push(problem.at(place.file, place.line));
            }
            CommissionOutcome::Ignored(_) => read.rows.ignored += 1,
        }
    }
    read.sha256 = export.finish().map_err(failed)?.sha256;
    Ok(read)
}

fn commission_of(row: CommissionRow, place: SourceLocation) -> Commission {
    let owned = |text: Option<Text>| text.map(String::from);
    Commission {
        place,
        id: owned(row.id),
        status: match row.status {
            CommissionStatus::Approved => Status::Approved,
            CommissionStatus::Pending => Status::Pending,
            CommissionStatus::Denied => Status::Denied,
        },
        unit: match row.other_unit {
            Some(unit) => Unit::Other(unit.into()),
            None => Unit::Cash(row.currency),
        },
        amount_cents: row.amount_cents,
        sale_amount_cents: row.sale_amount_cents,
        original_sale: None,
        is_by_hand: false,
        event_id: owned(row.event_id),
        tier: row.tier,
        is_split: row.is_split,
        is_paid: row.is_paid,
        created_at: row.created_at,
        status_updated_at: None,
        promoter: Promoter {
            id: owned(row.promoter_id),
            email: owned(row.promoter_email),
            ref_id: owned(row.ref_id),
        },
        campaign_id: owned(row.campaign_id),
        campaign: owned(row.campaign),
        plan: owned(row.plan),
        customer: row.customer,
    }
}
