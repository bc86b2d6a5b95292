//! `audit.html`: the audit as one page that needs nothing beside it, neither network nor script.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use super::{AuditReport, words};
use crate::audit::{Cut, Figures, Finding};
use crate::report::atomic::{Failure, Partial, Whole};

/// How many differences are listed, and how many lines of a cut; the files beside the page have all.
const FINDINGS_SHOWN: usize = 500;
const LINES_SHOWN: usize = 50;

const HEADS: [&str; 8] = [
    "net sales",
    "due",
    "wanted",
    "difference",
    "paid",
    "unpaid",
    "paid or not: unknown",
    "denied",
];

const STYLE: &str = include_str!("page.css");

/// Writes the page.
pub(super) fn write(report: &AuditReport, path: &Path) -> Result<Whole, Failure> {
    let mut file = Partial::create(path)?;
    file.write_all(page(report).as_bytes())
        .map_err(|error| Failure::new(path, "writing it", error))?;
    file.finish()
}

/// Text from outside, as HTML shows it.
fn text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

fn page(report: &AuditReport) -> String {
    let verdict = match report.needs_attention {
        true => "attention",
        false => "good",
    };
    let answer: Vec<String> = words::answer(report)
        .iter()
        .map(|line| format!("<p class=\"answer\">{}</p>", text(line)))
        .collect();
    // No script runs and nothing is loaded, whatever stands in a cell.
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Audit of commissions, {made}</title>\n<style>{STYLE}</style></head>\n<body>\n\
         <header class=\"{verdict}\"><p class=\"eyebrow\">Audit of commissions</p>\n{answer}\n{facts}</header>\n\
         <main>\n{kinds}{totals}{findings}{files}</main>\n\
         <footer>Made by fprecon; nothing was sent or changed.</footer>\n</body></html>\n",
        made = text(&report.made_at),
        answer = answer.join("\n"),
        facts = facts(report),
        kinds = kinds(report),
        totals = totals(report),
        findings = findings(report),
        files = FILES,
    )
}

const FILES: &str = "<section><h2>The files</h2><ul>\
    <li><a href=\"audit.xlsx\">audit.xlsx</a>: totals and differences as a workbook</li>\
    <li><a href=\"differences.csv\">differences.csv</a>: a line for each difference, with both sides</li>\
    <li><a href=\"totals.csv\">totals.csv</a>: both sides added up</li>\
    <li><a href=\"summary.json\">summary.json</a>: everything, for scripts</li></ul></section>\n";

fn facts(report: &AuditReport) -> String {
    let day = |day: Option<jiff::civil::Date>| day.map_or("…".to_owned(), |day| day.to_string());
    let days = match report.period.is_open() {
        true => "all of it".to_owned(),
        false => format!("{} to {}", day(report.period.from), day(report.period.to)),
    };
    let mut facts = vec![
        ("made", report.made_at.clone()),
        ("sales of", days),
        ("our side", words::ours(&report.ours)),
        ("their side", words::theirs(&report.theirs)),
    ];
    facts.extend(report.theirs.fetched_at.clone().map(|at| ("fetched", at)));
    facts.extend(report.theirs.account.clone().map(|of| ("account", of)));
    facts.extend(
        report
            .since
            .as_ref()
            .map(|last| ("since", words::since(last))),
    );
    let rows = facts
        .iter()
        .map(|(name, value)| format!("<dt>{name}</dt><dd>{}</dd>", text(value)));
    format!("<dl>{}</dl>\n", rows.collect::<String>())
}

fn kinds(report: &AuditReport) -> String {
    let rows = words::kinds(report);
    if rows.is_empty() {
        return String::new();
    }
    let mut html = String::from(
        "<section><h2>Differences by kind</h2><table><thead><tr><th>kind</th><th class=\"n\">count</th>\
         <th class=\"n\">too much, or (below zero) too little</th><th class=\"n\">about</th></tr></thead><tbody>\n",
    );
    for [kind, count, difference, about] in rows {
        // Writing to a string can't fail; so for all here.
        let _ = writeln!(
            html,
            "<tr><td>{kind}</td><td class=\"n\">{count}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            text(&difference),
            text(&about)
        );
    }
    html + "</tbody></table></section>\n"
}

fn totals(report: &AuditReport) -> String {
    let totals = &report.audit.totals;
    let mut html = String::from(
        "<section><h2>Both sides added up</h2><p>Due is what the commissions should come to; wanted is what \
         FirstPromoter has, without denied ones. The lines of each table come to the first one. Currencies \
         are never added together.</p>\n",
    );
    let all: Vec<_> = totals
        .in_all
        .iter()
        .map(|(currency, figures)| ("all", currency.as_str(), figures))
        .collect();
    html += &table("Everything", &all, 0);
    for cut in Cut::ALL {
        let lines = totals.by.get(&cut).map_or(&[][..], Vec::as_slice);
        let shown: Vec<_> = lines
            .iter()
            .take(LINES_SHOWN)
            .map(|line| {
                let value = line.value.as_deref().unwrap_or("(none)");
                (value, line.currency.as_str(), &line.figures)
            })
            .collect();
        let more = lines.len().saturating_sub(LINES_SHOWN);
        html += &table(&format!("By {}", cut.as_str()), &shown, more);
    }
    html + "</section>\n"
}

fn table(title: &str, lines: &[(&str, &str, &Figures)], more: usize) -> String {
    let heads = HEADS.map(|head| format!("<th class=\"n\">{head}</th>"));
    let mut html = format!(
        "<h3>{title}</h3><div class=\"wide\"><table><thead><tr><th></th><th></th>{}</tr></thead><tbody>\n",
        heads.concat()
    );
    for (value, currency, figures) in lines {
        let cells = HEADS.into_iter().zip(sums(figures)).map(|(head, cents)| {
            let is_off = head == "difference" && cents != 0;
            let class = if is_off { "n off" } else { "n" };
            format!(
                "<td class=\"{class}\">{}</td>",
                words::figure(cents, currency)
            )
        });
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td>{}</td>{}</tr>",
            text(value),
            text(currency),
            cells.collect::<String>()
        );
    }
    html += "</tbody></table></div>\n";
    if more > 0 {
        let _ = writeln!(html, "<p>… and {more} more in totals.csv</p>");
    }
    html
}

fn sums(figures: &Figures) -> [i128; 8] {
    [
        figures.net_cents,
        figures.expected_cents,
        figures.actual_cents,
        figures.difference_cents,
        figures.paid_cents,
        figures.unpaid_cents,
        figures.paid_unknown_cents,
        figures.denied_cents,
    ]
}

fn findings(report: &AuditReport) -> String {
    let all = &report.audit.findings;
    if all.is_empty() {
        return String::new();
    }
    let new = report.new_findings();
    let mut html = String::from(
        "<section><h2>The differences</h2><table><thead><tr><th>what</th><th class=\"n\">difference</th>\
         <th>ours</th><th>theirs</th><th>what to do</th></tr></thead><tbody>\n",
    );
    for finding in all.iter().take(FINDINGS_SHOWN) {
        html += &finding_row(finding, new.as_ref());
    }
    html += "</tbody></table>\n";
    let more = all.len().saturating_sub(FINDINGS_SHOWN);
    if more > 0 {
        let _ = writeln!(html, "<p>… and {more} more in differences.csv</p>");
    }
    html + "</section>\n"
}

fn finding_row(finding: &Finding, new: Option<&HashSet<&str>>) -> String {
    let unit = finding.unit.to_string();
    let difference = match finding.difference_cents {
        0 => format!(
            "about {}",
            words::money(finding.concerned_cents.into(), &unit)
        ),
        cents => words::money(cents.into(), &unit),
    };
    let is_new = new.is_some_and(|new| new.contains(finding.id.as_str()));
    let ours = finding.ours.as_ref().map(|own| {
        let what = format!("{} {}", own.kind, own.event_id);
        format!(
            "{}<small>{}</small>",
            text(&what),
            text(&own.place.to_string())
        )
    });
    let theirs = finding.theirs.as_ref().map(|own| {
        let what = match &own.id {
            Some(id) => format!("commission {id}"),
            None => own.place.to_string(),
        };
        let promoter = own.promoter.name().unwrap_or_default();
        format!("{}<small>{}</small>", text(&what), text(promoter))
    });
    format!(
        "<tr><td>{}<small>{}{}</small></td><td class=\"n\">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        text(&finding.message),
        words::kind(finding.kind),
        if is_new { ", new" } else { "" },
        text(&difference),
        ours.unwrap_or_default(),
        theirs.unwrap_or_default(),
        text(&finding.action)
    )
}
