//! `differences.csv`: a line for each finding, with both sides.

use std::collections::HashSet;
use std::path::PathBuf;

use super::{AuditReport, Table};
use crate::audit::{Billed, Commission, Finding};
use crate::report::atomic::{Failure, Whole};

const COLUMNS: [&str; 40] = [
    "id",
    "since_last",
    "kind",
    "difference_cents",
    "concerned_cents",
    "currency",
    "expected_cents",
    "message",
    "action",
    "matched_by",
    "our_kind",
    "our_event_id",
    "our_sale_event_id",
    "our_email",
    "our_uid",
    "our_amount_cents",
    "our_currency",
    "our_plan",
    "our_created_at",
    "our_outcome",
    "our_file",
    "our_line",
    "commission_id",
    "their_event_id",
    "their_email",
    "their_uid",
    "their_sale_amount_cents",
    "commission_cents",
    "status",
    "is_paid",
    "tier",
    "is_split",
    "promoter_id",
    "promoter_email",
    "promoter_ref_id",
    "campaign",
    "their_plan",
    "their_created_at",
    "their_file",
    "their_line",
];

pub(super) fn write(report: &AuditReport, path: PathBuf) -> Result<Whole, Failure> {
    let new: Option<HashSet<&str>> = report
        .since
        .as_ref()
        .map(|last| last.since.new.iter().map(String::as_str).collect());
    let mut table = Table::create(path, &COLUMNS)?;
    for finding in &report.audit.findings {
        let since = match &new {
            None => "",
            Some(new) if new.contains(finding.id.as_str()) => "new",
            Some(_) => "remaining",
        };
        what(&mut table, finding, since)?;
        ours(&mut table, finding.ours.as_ref())?;
        theirs(&mut table, finding.theirs.as_ref())?;
        table.end_row()?;
    }
    table.finish()
}

fn what(table: &mut Table, finding: &Finding, since: &str) -> Result<(), Failure> {
    table.text(&finding.id)?;
    table.plain(since)?;
    table.plain(finding.kind.as_str())?;
    table.optional(Some(finding.difference_cents))?;
    table.optional(Some(finding.concerned_cents))?;
    table.text(&finding.unit.to_string())?;
    table.optional(finding.expected_cents)?;
    table.text(&finding.message)?;
    table.text(&finding.action)?;
    table.optional(finding.matched_by)
}

/// `our_kind` to `our_line`.
fn ours(table: &mut Table, billed: Option<&Billed>) -> Result<(), Failure> {
    table.optional(billed.map(|billed| billed.kind))?;
    table.optional_text(billed.map(|billed| billed.event_id.as_str()))?;
    table.optional_text(billed.and_then(|billed| billed.sale_event_id.as_deref()))?;
    table.optional_text(billed.and_then(|billed| billed.customer.email.as_deref()))?;
    table.optional_text(billed.and_then(|billed| billed.customer.uid.as_deref()))?;
    table.optional(billed.map(|billed| billed.money.amount_cents))?;
    table.optional(billed.map(|billed| billed.money.currency))?;
    table.optional_text(billed.and_then(|billed| billed.plan.as_deref()))?;
    table.optional(billed.and_then(|billed| billed.created_at))?;
    table.optional(billed.and_then(|billed| billed.outcome))?;
    table.optional_text(billed.map(|billed| billed.place.file.as_str()))?;
    let line = billed.map(|billed| billed.place.line);
    table.optional(line.filter(|line| *line > 0))
}

/// `commission_id` to `their_line`.
fn theirs(table: &mut Table, commission: Option<&Commission>) -> Result<(), Failure> {
    let promoter = commission.map(|own| &own.promoter);
    table.optional_text(commission.and_then(|own| own.id.as_deref()))?;
    table.optional_text(commission.and_then(|own| own.event_id.as_deref()))?;
    table.optional_text(commission.and_then(|own| own.customer.email.as_deref()))?;
    table.optional_text(commission.and_then(|own| own.customer.uid.as_deref()))?;
    table.optional(commission.and_then(|own| own.sale_amount_cents))?;
    table.optional(commission.map(|own| own.amount_cents))?;
    table.optional(commission.map(|own| own.status))?;
    table.optional(commission.and_then(|own| own.is_paid))?;
    table.optional(commission.map(|own| own.tier))?;
    table.optional(commission.and_then(|own| own.is_split))?;
    table.optional_text(promoter.and_then(|own| own.id.as_deref()))?;
    table.optional_text(promoter.and_then(|own| own.email.as_deref()))?;
    table.optional_text(promoter.and_then(|own| own.ref_id.as_deref()))?;
    table.optional_text(commission.and_then(|own| own.campaign.as_deref()))?;
    table.optional_text(commission.and_then(|own| own.plan.as_deref()))?;
    table.optional(commission.and_then(|own| own.created_at))?;
    table.optional_text(commission.map(|own| own.place.file.as_str()))?;
    let line = commission.map(|own| own.place.line);
    table.optional(line.filter(|line| *line > 0))
}
