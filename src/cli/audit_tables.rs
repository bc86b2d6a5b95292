//! An audit as a person reads it: the answer first, then what it is made of.

use std::fmt::Write;

use super::tables::{amount, count, grouped};
use crate::audit::output::{AuditReport, KindSummary, OursSummary, SinceSummary, TheirsSummary};
use crate::audit::{Cut, Figures, Finding, FindingKind, TotalLine};
use crate::event::Currency;

/// How many findings are shown; all are in the files.
const FINDINGS_SHOWN: usize = 5;
/// How many lines of a cut are shown.
const LINES_SHOWN: usize = 8;
const GAP: &str = "   ";

/// Everything that is said at the end.
pub(super) fn whole(report: &AuditReport) -> String {
    let mut text = String::new();
    let mut part = |part: String| {
        if !part.is_empty() {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{part}\n");
        }
    };
    part(answer(report));
    part(format!(
        "{}\n{}",
        ours(&report.ours),
        theirs(&report.theirs)
    ));
    part(report.since.as_ref().map(since).unwrap_or_default());
    part(totals(report));
    part(kinds(report));
    part(findings(report));
    let _ = write!(text, "Report: {}", report.report_dir);
    text
}

/// One sentence a currency.
fn answer(report: &AuditReport) -> String {
    let lines = report.audit.totals.in_all.iter().map(|(unit, figures)| {
        let money = |cents: i128| money(cents, unit);
        let actual = money(figures.actual_cents);
        match figures.difference_cents {
            0 => format!("FirstPromoter wants {actual} paid, and that is what is due."),
            cents if cents > 0 => format!(
                "FirstPromoter wants {actual} paid; {} is due: {} too much.",
                money(figures.expected_cents),
                money(cents)
            ),
            cents => format!(
                "FirstPromoter wants {actual} paid; {} is due: {} too little.",
                money(figures.expected_cents),
                money(-cents)
            ),
        }
    });
    let mut lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        lines.push("There is nothing on either side.".to_owned());
    }
    let found = report.audit.findings.len() as u64;
    lines.push(match (found, report.needs_attention) {
        (0, _) => "No differences.".to_owned(),
        (n, true) => format!("{} to look at.", count(n, "difference")),
        (n, false) => format!(
            "{}, within the tolerance of {} cents.",
            count(n, "difference"),
            grouped(report.tolerance_cents.into())
        ),
    });
    lines.join("\n")
}

fn ours(ours: &OursSummary) -> String {
    format!(
        "ours:   {} and {} in {}",
        count(ours.sales, "sale"),
        count(ours.refunds, "refund"),
        ours.files.join(", ")
    )
}

fn theirs(theirs: &TheirsSummary) -> String {
    let mut text = format!(
        "theirs: {} in {}",
        count(theirs.commissions, "commission"),
        theirs.file
    );
    if let Some(seconds) = theirs.age_seconds.filter(|_| theirs.source == "kept") {
        let _ = write!(text, ", fetched {} ago", age(seconds));
    }
    let _ = match theirs.leads {
        Some(leads) => write!(text, ", {}", count(leads, "lead")),
        None => write!(
            text,
            "; no list of leads: whose customer is whose is not checked"
        ),
    };
    if theirs.rejected > 0 {
        let _ = write!(text, "; {} can't be read", count(theirs.rejected, "line"));
    }
    text
}

fn since(last: &SinceSummary) -> String {
    let since = &last.since;
    format!(
        "Since the audit in {}: {} new, {} remaining, {} resolved.",
        last.last,
        grouped(since.new.len() as i128),
        grouped(since.remaining.len() as i128),
        grouped(since.resolved.len() as i128)
    )
}

/// `90 s`, `5 min`, `3 h`, `12 days`.
pub(super) fn age(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{} s", seconds.max(0)),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// By promoter, and all of them.
fn totals(report: &AuditReport) -> String {
    let totals = &report.audit.totals;
    let lines = totals.by.get(&Cut::Promoter).map_or(&[][..], Vec::as_slice);
    let mut lines: Vec<&TotalLine> = lines.iter().collect();
    // Those that differ most come first.
    lines.sort_by_key(|line| {
        std::cmp::Reverse((
            line.figures.difference_cents.unsigned_abs(),
            line.figures.actual_cents.unsigned_abs(),
        ))
    });
    let heads = ["", "net sales", "due", "wanted", "difference", "paid"];
    let mut rows = vec![heads.map(str::to_owned)];
    let row = |name: String, unit: &str, figures: &Figures| {
        let money = |cents| figure(cents, unit);
        [
            name,
            money(figures.net_cents),
            money(figures.expected_cents),
            money(figures.actual_cents),
            money(figures.difference_cents),
            money(figures.paid_cents),
        ]
    };
    for line in lines.iter().take(LINES_SHOWN) {
        let name = line.value.as_deref().unwrap_or("(no promoter)");
        rows.push(row(shortened(name, 30), &line.currency, &line.figures));
    }
    let more = lines.len().saturating_sub(LINES_SHOWN);
    for (unit, figures) in &totals.in_all {
        rows.push(row(format!("all, {unit}"), unit, figures));
    }
    let mut text = aligned(&rows);
    if more > 0 {
        let _ = write!(text, "\n{more} more promoters are in totals.csv");
    }
    text
}

fn kinds(report: &AuditReport) -> String {
    let rows: Vec<[String; 4]> = report
        .found_kinds()
        .map(|(kind, summary)| {
            [
                words(kind).to_owned(),
                grouped(summary.count.into()),
                in_units(&summary.difference_cents),
                match concerned(summary) {
                    concerned if concerned.is_empty() => String::new(),
                    concerned => format!("about {concerned}"),
                },
            ]
        })
        .collect();
    aligned(&rows)
}

fn concerned(summary: &KindSummary) -> String {
    match summary.difference_cents.values().all(|cents| *cents == 0) {
        true => in_units(&summary.concerned_cents),
        false => String::new(),
    }
}

fn in_units(cents: &std::collections::BTreeMap<String, i128>) -> String {
    let not_zero = cents.iter().filter(|(_, cents)| **cents != 0);
    let sums: Vec<String> = not_zero.map(|(unit, cents)| money(*cents, unit)).collect();
    sums.join(", ")
}

fn findings(report: &AuditReport) -> String {
    let all = &report.audit.findings;
    let shown: Vec<String> = all.iter().take(FINDINGS_SHOWN).map(finding).collect();
    let mut text = shown.join("\n");
    if all.len() > FINDINGS_SHOWN {
        let more = count((all.len() - FINDINGS_SHOWN) as u64, "more difference");
        let _ = write!(text, "\n… and {more} in differences.csv");
    }
    text
}

/// Where it is, what is wrong, and what to do.
fn finding(finding: &Finding) -> String {
    let ours = finding.ours.as_ref().map(|ours| ours.place.to_string());
    let theirs = finding.theirs.as_ref();
    let theirs = theirs.map(|theirs| match &theirs.id {
        Some(id) => format!("commission {id}"),
        None => theirs.place.to_string(),
    });
    let places: Vec<String> = [ours, theirs].into_iter().flatten().collect();
    format!(
        "{}: {}\n  {}",
        places.join(" / "),
        finding.message,
        finding.action
    )
}

/// A kind as people say it.
pub(super) fn words(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::CommissionWithoutSale => "commission without a sale",
        FindingKind::SaleWithoutCommission => "sale without a commission",
        FindingKind::SaleAmountDiffers => "amount of the sale differs",
        FindingKind::AlreadyTrackedDiffers => "tracked by others with another amount",
        FindingKind::CommissionDiffers => "commission is not what it should be",
        FindingKind::CommissionTwice => "commission twice",
        FindingKind::RefundNotTakenBack => "refund not taken back",
        FindingKind::RefundPartlyTakenBack => "refund taken back in part",
        FindingKind::TakenBackTooMuch => "taken back too much",
        FindingKind::DisputedSale => "sale was disputed",
        FindingKind::WrongPromoter => "to another promoter",
        FindingKind::OtherMonth => "in another month",
        FindingKind::Denied => "denied, and the sale stands",
        FindingKind::Pending => "pending, and the sale stands",
        FindingKind::PaidBeforeRefund => "paid before the refund",
    }
}

/// A sum with its currency, `-1,234.56 USD`, or with its unit, `12 points`.
fn money(cents: i128, unit: &str) -> String {
    format!("{} {unit}", figure(cents, unit))
}

/// The same without.
fn figure(cents: i128, unit: &str) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = i128::try_from(cents.unsigned_abs()).unwrap_or(i128::MAX);
    match Currency::from_code(unit) {
        Some(currency) => format!("{sign}{}", amount(cents, currency)),
        None => format!("{sign}{}", grouped(cents)),
    }
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

/// The first column to the left, the others to the right.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let lines = rows.iter().map(|row| {
        let mut line = format!("{:<width$}", row[0], width = widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            let _ = write!(line, "{GAP}{cell:>width$}");
        }
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}
