//! `audit.html`: the audit as one page that needs nothing beside it, neither network nor script.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use askama::Template;

use super::{AuditReport, words};
use crate::audit::accepted::AcceptedFinding;
use crate::audit::{CommissionTotals, Cut, Finding, InferredRate, MatchReason, TotalLine};
use crate::report::atomic::{FileError, FinishedFile, PartialFile};
use crate::report::page::Shell;

/// The number of differences that are listed; the files beside the page have all.
const FINDINGS_SHOWN: usize = 500;
const LINES_SHOWN: usize = 50;

const CUT_HEADS: [&str; 8] = [
    "net sales",
    "expected",
    "set to pay",
    DIFFERENCE,
    "paid out",
    "not paid out",
    "paid out or not: unknown",
    "denied",
];
const DIFFERENCE: &str = "difference";

/// Writes the page.
pub(super) fn write(report: &AuditReport, path: &Path) -> Result<FinishedFile, FileError> {
    let mut file = PartialFile::create(path)?;
    AuditPage::new(report)
        .write_into(&mut file)
        .and_then(|()| file.write_all(b"\n"))
        .map_err(|error| FileError::new(path, "writing it", error))?;
    file.finish()
}

/// The page, as the template wants it.
#[derive(Template)]
#[template(path = "audit.html", config = "src/report/askama.toml")]
struct AuditPage<'p> {
    shell: Shell,
    is_good: bool,
    /// `true` if a balance is not what the lists come to.
    has_other_balance: bool,
    verdict: String,
    answer: Vec<String>,
    tiles: Vec<AuditTile>,
    facts: Vec<(&'static str, String)>,
    kinds: Vec<KindLine>,
    ledgers: Vec<AuditLedger>,
    findings: Vec<FindingLine<'p>>,
    findings_left_out: String,
    cut_heads: [&'static str; 8],
    cuts: Vec<CutTable>,
    sheet: SignedSheet,
    statements: Vec<Vec<String>>,
    accepted: &'p [AcceptedFinding],
    /// Events and rows that were accepted: in words, and when.
    accepted_items: Vec<(String, String)>,
    matched: Vec<(&'static str, String)>,
    inferred: &'p [InferredRate],
}

/// The sheet to sign: on paper the first page, by itself.
struct SignedSheet {
    /// The verdict, a line each.
    lines: Vec<String>,
    facts: Vec<(&'static str, String)>,
    /// Name, currency, expected, set to pay, difference, paid out.
    promoters: Vec<[String; 6]>,
    promoters_left_out: String,
    /// The exports: path, days, SHA-256.
    inputs: Vec<[String; 3]>,
    settings: Vec<(String, String)>,
}

/// The number of promoters and exports on the sheet.
const SHEET_LINES: usize = 30;

fn sheet(report: &AuditReport) -> SignedSheet {
    let totals = &report.audit.totals;
    let lines = totals.by.get(&Cut::Promoter).map_or(&[][..], Vec::as_slice);
    let row = |name: &str, unit: &str, figures: &CommissionTotals| {
        let money = |cents| words::figure(cents, unit);
        [
            name.to_owned(),
            unit.to_owned(),
            money(figures.expected_cents),
            money(figures.actual_cents),
            money(figures.difference_cents),
            match figures.paid_unknown {
                0 => money(figures.paid_out_cents()),
                _ => "unknown".to_owned(),
            },
        ]
    };
    let earns =
        |line: &&TotalLine| line.figures.expected_cents != 0 || line.figures.actual_cents != 0;
    let mut of_promoters: Vec<&TotalLine> = lines.iter().filter(earns).collect();
    let most = |line: &&TotalLine| std::cmp::Reverse(line.figures.actual_cents.unsigned_abs());
    of_promoters.sort_by_key(most);
    let shown = of_promoters.iter().take(SHEET_LINES);
    let name = |line: &TotalLine| line.value.clone().unwrap_or("(none)".to_owned());
    let mut promoters: Vec<[String; 6]> = shown
        .map(|line| row(&name(line), &line.currency, &line.figures))
        .collect();
    let all = totals.in_all.iter();
    promoters.extend(all.map(|(unit, figures)| row("All promoters", unit, figures)));
    let inputs = report.ours.inputs.iter().map(|input| {
        let sha256 = input.sha256.clone().unwrap_or_default();
        let days = words::days(&input.first_date, &input.last_date);
        [input.path.clone(), days, sha256]
    });
    let listing = &report.theirs;
    let theirs = listing.sha256.iter().map(|sha256| {
        let days = words::days(&listing.first_date, &listing.last_date);
        [listing.file.clone(), days, sha256.clone()]
    });
    SignedSheet {
        lines: words::answer(report),
        facts: facts(report),
        promoters,
        promoters_left_out: left_out(of_promoters.len(), SHEET_LINES),
        inputs: inputs.take(SHEET_LINES).chain(theirs).collect(),
        settings: report.settings.clone(),
    }
}

/// Returns the accounts of promoters, a line each.
fn statements(report: &AuditReport) -> Vec<Vec<String>> {
    let lines = report.statements.iter().take(LINES_SHOWN);
    lines
        .map(|own| {
            let money = |cents| words::figure(cents, &own.currency);
            let balance = match (own.balance_cents, own.ties) {
                (Some(balance), Some(false)) => format!("{}, differs", money(balance)),
                (Some(balance), _) => money(balance),
                (None, _) => String::new(),
            };
            vec![
                own.promoter.clone(),
                own.currency.clone(),
                money(own.opening_cents),
                money(own.earned_cents),
                money(own.reversed_cents),
                money(own.paid_cents),
                money(own.closing_cents),
                balance,
            ]
        })
        .collect()
}

/// A figure at the top.
struct AuditTile {
    name: &'static str,
    value: u64,
    words: String,
    path: &'static str,
    below: String,
}

/// The differences of one kind.
struct KindLine {
    name: String,
    count: String,
    action: String,
    sums: String,
}

/// The money of one currency: each group is a sum and its parts.
struct AuditLedger {
    caption: String,
    unit: String,
    groups: Vec<Vec<AuditLedgerLine>>,
}

struct AuditLedgerLine {
    /// The sign before the figure: nothing at a sum, `=` at its first part, then `+`.
    sign: &'static str,
    name: String,
    cents: i128,
    words: String,
    /// The path of the figure in `summary.json`.
    path: String,
}

struct FindingLine<'p> {
    message: String,
    kind: &'static str,
    since: &'static str,
    cents: i64,
    sum: String,
    our_event: String,
    our_place: String,
    their_name: String,
    promoter: &'p str,
    action: String,
}

struct CutTable {
    name: &'static str,
    lines: Vec<CutLine>,
    left_out: usize,
}

struct CutLine {
    name: String,
    unit: String,
    cells: Vec<CutCell>,
}

struct CutCell {
    head: &'static str,
    cents: i128,
    words: String,
}

impl CutCell {
    fn is_off(&self) -> bool {
        self.head == DIFFERENCE && self.cents != 0
    }
}

impl<'p> AuditPage<'p> {
    fn new(report: &'p AuditReport) -> Self {
        let mut answer = words::answer(report);
        // The page begins with what matters most, and that is the first line: what was not read, else
        // the worst difference.
        let verdict = answer.remove(0);
        answer.extend(report.since.as_ref().map_or(Vec::new(), words::since));
        let new = report.new_findings();
        let findings = &report.audit.findings;
        let shown = findings.iter().take(FINDINGS_SHOWN);
        let totals = &report.audit.totals;
        AuditPage {
            shell: Shell::new(
                format!("Audit of commissions: {}", report.made_at),
                format!(
                    "Made by fprecon {}; nothing was sent or changed.",
                    env!("CARGO_PKG_VERSION")
                ),
            ),
            is_good: !report.needs_attention,
            has_other_balance: report.statements.iter().any(|own| own.ties == Some(false)),
            verdict,
            answer,
            tiles: tiles(report),
            facts: facts(report),
            kinds: kinds(report),
            ledgers: ledgers(report),
            findings: shown.map(|one| finding(one, new.as_ref())).collect(),
            findings_left_out: left_out(findings.len(), FINDINGS_SHOWN),
            cut_heads: CUT_HEADS,
            cuts: Cut::ALL
                .into_iter()
                .map(|cut| cut_table(cut, totals.by.get(&cut).map_or(&[][..], Vec::as_slice)))
                .collect(),
            sheet: sheet(report),
            statements: statements(report),
            accepted: &report.accepted,
            accepted_items: report
                .accepted_items
                .iter()
                .map(|item| {
                    (
                        words::on_paper(&words::accepted_item(item)),
                        item.at.clone(),
                    )
                })
                .collect(),
            matched: matched(report),
            inferred: &report.audit.inferred,
        }
    }

    /// Returns a name, or the word for all of them.
    fn or_all<'n>(&self, name: &'n Option<String>) -> &'n str {
        name.as_deref().unwrap_or("all")
    }
}

fn tiles(report: &AuditReport) -> Vec<AuditTile> {
    let tile = |name, value: u64, path, below| AuditTile {
        name,
        value,
        words: words::digits(&value.to_string()),
        path,
        below,
    };
    let held = match report.ours.held {
        0 => String::new(),
        n => format!(
            "{} held back and not audited",
            words::digits(&n.to_string())
        ),
    };
    let matched: u64 = report.audit.matched.values().sum();
    let commissions = report.theirs.commissions;
    let found = report.audit.findings.len() as u64;
    vec![
        tile("Sales", report.ours.sales, "ours.sales", held),
        tile(
            "Refunds",
            report.ours.refunds,
            "ours.refunds",
            String::new(),
        ),
        tile(
            "Commissions",
            commissions,
            "theirs.commissions",
            match report.theirs.rejected {
                0 => String::new(),
                n => format!("{} more cannot be read", words::digits(&n.to_string())),
            },
        ),
        tile(
            "Matched",
            matched,
            "",
            "commissions with their sale".to_owned(),
        ),
        tile("Differences", found, "", "each with its cause".to_owned()),
    ]
}

fn facts(report: &AuditReport) -> Vec<(&'static str, String)> {
    let day = |day: Option<jiff::civil::Date>| day.map_or("…".to_owned(), |day| day.to_string());
    let days = if report.period.is_open() {
        "all days".to_owned()
    } else {
        format!("{} to {}", day(report.period.from), day(report.period.to))
    };
    let mut facts = vec![
        ("Made", moment(&report.made_at)),
        (words::days_of(report.period.by), days),
        ("Our side", words::ours(&report.ours)),
        ("Their side", words::theirs(&report.theirs)),
    ];
    let fetched = report.theirs.fetched_at.as_ref();
    facts.extend(fetched.map(|at| ("Fetched", moment(at))));
    let account = report.theirs.account.clone();
    facts.extend(account.map(|account| ("Account", account)));
    facts.push(("Made by", format!("fprecon {}", report.program)));
    facts
}

/// Returns a moment to the second.
fn moment(text: &str) -> String {
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => text.to_owned(),
    }
}

fn kinds(report: &AuditReport) -> Vec<KindLine> {
    let found = report.found_kinds().zip(words::kinds(report));
    let lines = found.map(|((kind, _), [name, count, difference, about])| KindLine {
        name,
        count,
        action: words::on_paper(crate::audit::judge::action(kind)),
        sums: match (difference.is_empty(), about.is_empty()) {
            (false, _) => difference,
            (true, false) => format!("about {about}"),
            (true, true) => String::new(),
        },
    });
    lines.collect()
}

fn ledgers(report: &AuditReport) -> Vec<AuditLedger> {
    let totals = report.audit.totals.in_all.iter();
    totals
        .map(|(unit, figures)| ledger(report, unit, figures))
        .collect()
}

fn ledger(report: &AuditReport, unit: &str, figures: &CommissionTotals) -> AuditLedger {
    let at = |path: &str| format!("totals.in_all.{unit}.{path}");
    let line = |sign, name: &str, cents, path: String| AuditLedgerLine {
        sign,
        name: name.to_owned(),
        cents,
        words: words::figure(cents, unit),
        path,
    };
    let set_to_pay = |name: &str| line("", name, figures.actual_cents, at("actual_cents"));
    let mut explained = vec![
        set_to_pay("set to be paid by FirstPromoter"),
        line(
            "=",
            "expected",
            figures.expected_cents,
            at("expected_cents"),
        ),
    ];
    for (kind, summary) in report.found_kinds() {
        let cents = summary.difference_cents.get(unit).copied().unwrap_or(0);
        if cents != 0 {
            let path = format!("kinds.{}.difference_cents.{unit}", kind.as_str());
            explained.push(line("+", words::kind(kind), cents, path));
        }
    }
    let mut paid = vec![
        set_to_pay("set to be paid by FirstPromoter"),
        line("=", "paid out", figures.paid_cents, at("paid_cents")),
        line(
            "+",
            "not paid out",
            figures.unpaid_cents,
            at("unpaid_cents"),
        ),
    ];
    if figures.paid_unknown_cents != 0 {
        let cents = figures.paid_unknown_cents;
        paid.push(line("+", "not known", cents, at("paid_unknown_cents")));
    }
    let sales = vec![
        line("", "sales", figures.sales_cents, at("sales_cents")),
        line("=", "refunded", figures.refunds_cents, at("refunds_cents")),
        line("+", "net", figures.net_cents, at("net_cents")),
    ];
    AuditLedger {
        caption: format!("Commissions and sales in {unit}"),
        unit: unit.to_owned(),
        groups: vec![explained, paid, sales],
    }
}

fn finding<'p>(finding: &'p Finding, new: Option<&HashSet<&str>>) -> FindingLine<'p> {
    let unit = finding.unit.to_string();
    let ours = finding.ours.as_ref();
    let theirs = finding.theirs.as_ref();
    FindingLine {
        message: words::on_paper(&finding.message),
        kind: words::kind(finding.kind),
        since: match new {
            Some(new) if new.contains(finding.id.as_str()) => "new",
            _ => "",
        },
        cents: finding.difference_cents,
        sum: match finding.difference_cents {
            0 => format!(
                "about {}",
                words::money(finding.concerned_cents.into(), &unit)
            ),
            cents => words::money(cents.into(), &unit),
        },
        our_event: ours.map_or_else(String::new, |ours| {
            format!("{} {}", ours.kind, ours.event_id)
        }),
        our_place: ours.map_or_else(String::new, |ours| ours.place.to_string()),
        their_name: theirs.map_or_else(String::new, |theirs| match &theirs.id {
            Some(id) => format!("commission {id}"),
            None => theirs.place.to_string(),
        }),
        promoter: theirs
            .and_then(|theirs| theirs.promoter.name())
            .unwrap_or_default(),
        action: words::on_paper(&finding.action),
    }
}

fn cut_table(cut: Cut, lines: &[TotalLine]) -> CutTable {
    let mut lines: Vec<&TotalLine> = lines.iter().collect();
    // Where not all are shown, those that differ most are.
    if lines.len() > LINES_SHOWN {
        lines.sort_by_key(|line| {
            std::cmp::Reverse((
                line.figures.difference_cents.unsigned_abs(),
                line.figures.actual_cents.unsigned_abs(),
            ))
        });
    }
    CutTable {
        name: cut.as_str(),
        left_out: lines.len().saturating_sub(LINES_SHOWN),
        lines: lines.into_iter().take(LINES_SHOWN).map(cut_line).collect(),
    }
}

fn cut_line(line: &TotalLine) -> CutLine {
    let figures = &line.figures;
    let cents = [
        figures.net_cents,
        figures.expected_cents,
        figures.actual_cents,
        figures.difference_cents,
        figures.paid_cents,
        figures.unpaid_cents,
        figures.paid_unknown_cents,
        figures.denied_cents,
    ];
    let cells = CUT_HEADS.into_iter().zip(cents);
    CutLine {
        name: line.value.clone().unwrap_or("(none)".to_owned()),
        unit: line.currency.clone(),
        cells: cells
            .map(|(head, cents)| CutCell {
                head,
                cents,
                words: words::figure(cents, &line.currency),
            })
            .collect(),
    }
}

fn matched(report: &AuditReport) -> Vec<(&'static str, String)> {
    let reason = |reason: MatchReason| match reason {
        MatchReason::EventId => "by the id of the event",
        MatchReason::LinkedSale => "by the sale that it names",
        MatchReason::Reference => "by another id of the payment",
        MatchReason::SimilarId => "by an id that is nearly the same",
        MatchReason::CustomerAndAmount => "by customer and amount",
    };
    let matched = &report.audit.matched;
    let count = |n: u64| words::digits(&n.to_string());
    let mut lines: Vec<_> = matched
        .iter()
        .map(|(of, n)| (reason(*of), count(*n)))
        .collect();
    let rest = report
        .theirs
        .commissions
        .saturating_sub(matched.values().sum());
    lines.push(("with nothing of ours", count(rest)));
    lines
}

/// Returns how many are not shown, in the page's words; nothing if all are.
fn left_out(all: usize, shown: usize) -> String {
    match all.saturating_sub(shown) {
        0 => String::new(),
        n => words::digits(&n.to_string()),
    }
}
