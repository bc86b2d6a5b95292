//! Prints an audit for a person: the answer first, then its parts.

use std::fmt::Write;
use std::path::Path;

use crate::audit::output::{AuditReport, words};
use crate::audit::{CommissionTotals, Cut, Finding, TotalLine};
use crate::invisible::shown;
use crate::report::Commands;
use crate::shell_word::shell_word;

/// The greatest number of findings that are shown; all are in the files.
const FINDINGS_SHOWN: usize = 5;
/// The greatest number of lines of a table that are shown.
const LINES_SHOWN: usize = 8;
const GAP: &str = "   ";

/// Returns everything that is printed at the end.
pub(super) fn whole(report: &AuditReport) -> String {
    let mut text = String::new();
    let mut part = |part: String| {
        if !part.is_empty() {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{part}\n");
        }
    };
    part(
        words::answer(report)
            .iter()
            .map(|line| shown(line))
            .collect::<Vec<_>>()
            .join("\n"),
    );
    part(format!(
        "ours:   {}\ntheirs: {}",
        shown(&words::ours(&report.ours)),
        shown(&words::theirs(&report.theirs))
    ));
    part(report.since.as_ref().map_or(String::new(), |since| {
        let lines: Vec<String> = words::since(since)
            .into_iter()
            .map(|line| shown(&line).into_owned())
            .collect();
        lines.join("\n")
    }));
    part(totals(report));
    part(statements(report));
    part(kinds(report));
    part(findings(report));
    let _ = write!(text, "Report: {}", shown(&report.report_dir));
    text
}

/// Returns the answer in one line, for an audit that prints nothing else: the sums, the verdict, the
/// page of the report, and the command that accepts what is as it should be.
pub(super) fn one_line(report: &AuditReport, commands: &Commands) -> String {
    let directory = Path::new(&report.report_dir);
    let differences = directory.join("differences.csv").display().to_string();
    let accept = format!("accept {} --reason TEXT", shell_word(&differences));
    format!(
        "{} Report: {}; to accept differences: {}",
        words::answer(report).join(" "),
        directory.join("audit.html").display(),
        commands.command(&accept)
    )
}

/// Returns the table of totals by promoter, with their sum.
fn totals(report: &AuditReport) -> String {
    let totals = &report.audit.totals;
    let mut lines: Vec<&TotalLine> = totals
        .by
        .get(&Cut::Promoter)
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .collect();
    // The largest differences come first.
    lines.sort_by_key(|line| {
        std::cmp::Reverse((
            line.figures.difference_cents.unsigned_abs(),
            line.figures.actual_cents.unsigned_abs(),
        ))
    });
    let heads = [
        "",
        "",
        "net sales",
        "expected",
        "set to pay",
        "difference",
        "paid out",
    ];
    let mut rows = vec![heads.map(str::to_owned)];
    let row = |name: String, unit: &str, figures: &CommissionTotals| {
        let money = |cents| words::figure(cents, unit);
        [
            name,
            unit.to_owned(),
            money(figures.net_cents),
            money(figures.expected_cents),
            money(figures.actual_cents),
            money(figures.difference_cents),
            match (figures.paid_out_cents(), figures.paid_unknown) {
                (0, unknown) if unknown > 0 => "unknown".to_owned(),
                (paid, _) => money(paid),
            },
        ]
    };
    for line in lines.iter().take(LINES_SHOWN) {
        let name = line.value.as_deref().unwrap_or("(no promoter)");
        rows.push(row(shortened(name, 30), &line.currency, &line.figures));
    }
    let more = lines.len().saturating_sub(LINES_SHOWN);
    for (unit, figures) in &totals.in_all {
        rows.push(row("all".to_owned(), unit, figures));
    }
    let mut text = aligned(&rows);
    if more > 0 {
        let _ = write!(text, "\n{more} more promoters are in totals.csv");
    }
    text
}

/// Returns the accounts of promoters, if payouts were read.
fn statements(report: &AuditReport) -> String {
    if report.statements.is_empty() {
        return String::new();
    }
    let heads = [
        "", "", "opening", "earned", "reversed", "paid out", "closing",
    ];
    let mut rows = vec![heads.map(str::to_owned)];
    for own in report.statements.iter().take(LINES_SHOWN) {
        let money = |cents| words::figure(cents, &own.currency);
        rows.push([
            shortened(&own.promoter, 30),
            own.currency.clone(),
            money(own.opening_cents),
            money(own.earned_cents),
            money(own.reversed_cents),
            money(own.paid_cents),
            money(own.closing_cents),
        ]);
    }
    let mut text = aligned(&rows);
    let more = report.statements.len().saturating_sub(LINES_SHOWN);
    if more > 0 {
        let _ = write!(text, "\n{more} more accounts are in summary.json");
    }
    text
}

fn kinds(report: &AuditReport) -> String {
    let rows = words::kinds(report)
        .into_iter()
        .map(|[kind, count, difference, about]| {
            let about = if about.is_empty() {
                about
            } else {
                format!("about {about}")
            };
            [kind, count, difference, about]
        });
    aligned(&rows.collect::<Vec<_>>())
}

fn findings(report: &AuditReport) -> String {
    let all = report.open_findings().count();
    let shown: Vec<String> = report
        .open_findings()
        .take(FINDINGS_SHOWN)
        .map(finding)
        .collect();
    let mut text = shown.join("\n");
    if all > FINDINGS_SHOWN {
        let more = words::count((all - FINDINGS_SHOWN) as u64, "more difference");
        let _ = write!(text, "\nand {more} more in differences.csv");
    }
    text
}

/// Returns a finding in words: its place, the problem, and what to do.
fn finding(finding: &Finding) -> String {
    let ours = finding.ours.as_ref().map(|ours| ours.place.to_string());
    let theirs = finding.theirs.as_ref().map(|theirs| match &theirs.id {
        Some(id) => format!("commission {id}"),
        None => theirs.place.to_string(),
    });
    let places: Vec<String> = [ours, theirs].into_iter().flatten().collect();
    format!(
        "{}: {}\n  {}",
        shown(&places.join(" / ")),
        shown(&finding.message),
        shown(&finding.action)
    )
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

/// Aligns a table: the first column to the left, the others to the right.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = rows
        .iter()
        .map(|row| row.each_ref().map(|cell| shown(cell).into_owned()))
        .collect();
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
