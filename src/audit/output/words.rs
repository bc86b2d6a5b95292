//! An audit in words, the same on the terminal and on the page.

mod open;

use std::collections::BTreeMap;
use std::fmt::Write;

use self::open::{what_is_open, why_it_is_open};
use super::{AuditReport, KindSummary, OursSummary, SinceSummary, TheirsSummary, Unread};
pub(crate) use crate::audit::money::{digits, figure, money};
use crate::audit::ours::AcceptedItem;
use crate::audit::{CommissionTotals, FindingKind, PeriodBy, Unchecked, UnreadCode, UnusedName};
use crate::invisible::shown;
pub(crate) use crate::report::words::count;
use crate::report::words::grouped;

/// Returns a text for pages and workbooks: text between backticks is put between quotation marks.
pub(super) fn on_paper(text: &str) -> String {
    let mut parts = text.split('`');
    let mut quoted = parts.next().unwrap_or_default().to_owned();
    for (place, part) in parts.enumerate() {
        quoted.push(if place % 2 == 0 { '“' } else { '”' });
        quoted.push_str(part);
    }
    quoted
}

/// Returns the word for the events whose days make the period.
pub(super) fn days_of(by: PeriodBy) -> &'static str {
    match by {
        PeriodBy::SaleDate => "Sales of",
        PeriodBy::RunDate => "Sales that runs recorded on (UTC)",
    }
}

/// The number of columns that are named.
const COLUMNS_NAMED: usize = 5;

/// The number of resolved differences that are shown.
const RESOLVED_SHOWN: usize = 10;

/// The answer: what was not read, and what was not checked that needs attention; then a sentence a currency, the worst
/// first, then what else was not checked and how many differences there are.
pub(crate) fn answer(report: &AuditReport) -> Vec<String> {
    let mut lines: Vec<String> = report.unread.iter().map(unread).collect();
    lines.extend(deciding(&report.theirs));
    let all = report.audit.unchecked.iter();
    let (open, said): (Vec<_>, Vec<_>) = all.partition(|one| one.reason.needs_attention());
    lines.extend(open.into_iter().map(unchecked));
    lines.extend(payouts(report));
    lines.extend(sums_of_all(report));
    lines.extend(said.into_iter().map(unchecked));
    lines.extend(inferred(report));
    lines.extend(report.audit.unused_names.iter().map(unused));
    let unapplied = report.audit.unapplied_rules.iter();
    lines.extend(unapplied.map(|rule| format!("Rule {rule} was applied to no commission.")));
    lines.extend(accepted_items(&report.accepted_items));
    lines.push(verdict(report));
    lines
}

/// Returns the columns of theirs that are not read and may decide what is paid.
fn deciding(theirs: &TheirsSummary) -> Option<String> {
    let columns: Vec<String> = theirs
        .columns_that_decide
        .iter()
        .take(COLUMNS_NAMED)
        .map(|column| {
            let commissions = count(column.commissions, "commission");
            format!("`{}` ({commissions})", shown(&column.name))
        })
        .collect();
    let more = match theirs.columns_that_decide.len() - columns.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!columns.is_empty()).then(|| {
        format!(
            "Not checked: columns of theirs that are not read and may decide what is paid: {}{more}.",
            columns.join(", ")
        )
    })
}

/// Returns the days of an export: `2026-03-01 to 2026-03-31`; without a date, that there is none.
pub(super) fn days(first: &Option<String>, last: &Option<String>) -> String {
    match (first, last) {
        (Some(first), Some(last)) => format!("{first} to {last}"),
        _ => "no dates".to_owned(),
    }
}

/// Returns what FirstPromoter is set to pay, what is expected, and the difference, by currency.
fn sums_of_all(report: &AuditReport) -> Vec<String> {
    let in_all = report.audit.totals.in_all.iter();
    let mut units: Vec<_> = in_all.collect();
    let has_commissions = |figures: &CommissionTotals| {
        figures.commissions > 0 || figures.expected_cents != 0 || figures.actual_cents != 0
    };
    let is_told = units.iter().any(|(_, figures)| has_commissions(figures));
    units.retain(|(_, figures)| !is_told || has_commissions(figures));
    // The worst first.
    units.sort_by_key(|(unit, figures)| {
        let apart = figures.difference_cents.unsigned_abs();
        (std::cmp::Reverse(apart), (*unit).clone())
    });
    if units.is_empty() {
        return vec!["There is nothing on either side.".to_owned()];
    }
    let mut unchecked = report.audit.unchecked.iter();
    let is_open = !report.unread.is_empty()
        || unchecked.any(|one| one.reason.needs_attention())
        || report.audit.is_unchecked()
        || report.overdrawn() + report.paid_otherwise() > 0
        || !report.theirs.is_read_whole();
    let line = |(unit, figures): &(&String, &CommissionTotals)| {
        let actual = money(figures.actual_cents, unit);
        let expected = money(figures.expected_cents, unit);
        let difference = money(figures.difference_cents.abs(), unit);
        let end = match figures.difference_cents {
            0 if is_open => String::new(),
            0 => " No difference.".to_owned(),
            cents if cents > 0 => format!(" Overpaid by {difference}."),
            _ => format!(" Underpaid by {difference}."),
        };
        format!("FirstPromoter is set to pay {actual}. Expected: {expected}.{end}")
    };
    units.iter().map(line).collect()
}

/// Returns the words for what was not read of a side.
pub(crate) fn unread(unread: &Unread) -> String {
    let n = unread.count;
    let text = match unread.code {
        UnreadCode::Rejected => format!("{} of ours cannot be read", count(n, "row")),
        UnreadCode::Ignored => format!("{} of ours, ignored with a warning", count(n, "row")),
        UnreadCode::Held => format!("{} of ours, held", count(n, "event")),
        UnreadCode::Conflict => format!("{} of ours, held for a conflict", count(n, "event")),
        UnreadCode::Failed => format!("{} of ours, failed", count(n, "event")),
        UnreadCode::Unconfirmed => format!("{} of ours, unconfirmed", count(n, "event")),
        UnreadCode::NotSent => format!("{} of ours, not sent", count(n, "event")),
        UnreadCode::Payouts => format!("{} of theirs cannot be read", count(n, "payout")),
        UnreadCode::Error => format!("{} in the files", count(n, "error")),
        UnreadCode::Unreadable => {
            format!("{} of theirs cannot be read", count(n, "commission"))
        }
    };
    let next = match unread.code {
        UnreadCode::Ignored => {
            " The warning says what to add; after a run, `fprecon accept` settles lines of its ignored.csv."
        }
        _ => "",
    };
    match sums(&unread.amount_cents) {
        sums if sums.is_empty() => format!("Not complete: {text}.{next}"),
        sums => format!("Not complete: {text} ({sums}).{next}"),
    }
}

/// Returns the words for what was read and not checked.
pub(crate) fn unchecked(unchecked: &Unchecked) -> String {
    let what = what_is_open(unchecked.reason, unchecked.count);
    let why = why_it_is_open(unchecked.reason);
    match sums(&unchecked.amount_cents) {
        sums if sums.is_empty() => format!("Not checked: {what}{why}."),
        sums => format!("Not checked: {what} ({sums}){why}."),
    }
}

/// Returns the number of commissions that were judged by rates that nobody declared, in words.
fn inferred(report: &AuditReport) -> Option<String> {
    let judged = report.audit.judged_by_inferred;
    let fewest = report
        .audit
        .inferred
        .iter()
        .map(|rate| rate.commissions)
        .min()?;
    (judged > 0).then(|| {
        format!(
            "The rates of {} were inferred, not declared: each from {fewest} commissions or more.",
            count(judged, "commission")
        )
    })
}

/// Returns the words for a name in a rule that nothing has.
fn unused(unused: &UnusedName) -> String {
    let UnusedName { rule, key, name } = unused;
    format!("Rule {rule} fits nothing: no {key} is called `{name}`.")
}

/// Returns the number of promoters who were paid more than they earned, or not what the commissions say, in words.
fn payouts(report: &AuditReport) -> impl Iterator<Item = String> {
    let of = |what: &str, n: u64| (n > 0).then(|| format!("{what}: {}.", count(n, "promoter")));
    let parts = [
        of("More was paid out than earned", report.overdrawn()),
        of(
            "The payouts are not what the commissions marked as paid come to",
            report.paid_otherwise(),
        ),
    ];
    parts.into_iter().flatten()
}

/// Returns the number of differences, in words.
pub(crate) fn verdict(report: &AuditReport) -> String {
    let found = report.open_findings().count() as u64;
    let accepted = match report.accepted.len() as u64 {
        0 => String::new(),
        n => format!(" {} accepted.", count(n, "difference")),
    };
    let verdict = match (found, report.is_above_tolerance) {
        (0, _) if !report.unread.is_empty() => "No verdict: not everything was read.".to_owned(),
        (0, _) if report.audit.is_unchecked() => "No verdict: nothing could be checked.".to_owned(),
        (0, _) if report.overdrawn() + report.paid_otherwise() > 0 => {
            "No differences but in the payouts.".to_owned()
        }
        (0, _)
            if !report.audit.unchecked.is_empty()
                || !report.accepted_items.is_empty()
                || !report.audit.unused_names.is_empty()
                || !report.audit.unapplied_rules.is_empty()
                || !report.theirs.is_read_whole() =>
        {
            "No differences in what was checked.".to_owned()
        }
        (0, _) => "No differences.".to_owned(),
        (n, true) => format!("{} to look at.", count(n, "difference")),
        (n, false) => format!(
            "{}, within the tolerance of {}.",
            count(n, "difference"),
            money(report.tolerance_cents.into(), &report.account_currency)
        ),
    };
    verdict + &accepted
}

/// The number of accepted events and rows that are named in the answer.
const ACCEPTED_SHOWN: usize = 5;

/// Returns the events and rows of ours that somebody has accepted and that are not compared.
fn accepted_items(items: &[AcceptedItem]) -> Vec<String> {
    if items.is_empty() {
        return Vec::new();
    }
    let mut amounts: BTreeMap<String, i128> = BTreeMap::new();
    for item in items {
        if let Some((cents, currency)) = item.amount_cents.zip(item.currency) {
            *amounts.entry(currency.to_string()).or_default() += i128::from(cents);
        }
    }
    let of = match sums(&amounts) {
        sums if sums.is_empty() => String::new(),
        sums => format!(" ({sums})"),
    };
    let n = items.len() as u64;
    let what = count(n, "event or row");
    let what = if n == 1 {
        what
    } else {
        what.replace("event or rows", "events or rows")
    };
    let mut lines = vec![format!("Accepted and not compared: {what} of ours{of}.")];
    let shown = items.iter().take(ACCEPTED_SHOWN);
    lines.extend(shown.map(|item| format!("  {}", accepted_item(item))));
    let more = items.len().saturating_sub(ACCEPTED_SHOWN) as u64;
    if more > 0 {
        lines.push(format!("  {} in summary.json", grouped(more.into())));
    }
    lines
}

/// Returns an accepted event or row with its amount and its reason.
pub(crate) fn accepted_item(item: &AcceptedItem) -> String {
    let name = match (&item.event_id, &item.file, item.line) {
        (Some(id), _, _) => format!("`{id}`"),
        (None, Some(file), Some(line)) => format!("{file}:{line}"),
        (None, Some(file), None) => file.clone(),
        (None, None, _) => "a row".to_owned(),
    };
    let amount = item
        .amount_cents
        .zip(item.currency)
        .map_or_else(String::new, |(cents, currency)| {
            format!(" ({})", money(cents.into(), currency.code()))
        });
    let AcceptedItem {
        code, reason, by, ..
    } = item;
    format!("{name}{amount}, {code}: {reason} ({by})")
}

/// Returns the words for the source of our side.
pub(crate) fn ours(ours: &OursSummary) -> String {
    format!(
        "{} and {} in {}",
        count(ours.sales, "sale"),
        count(ours.refunds, "refund"),
        ours.files.join(", ")
    )
}

/// Returns the words for the source of their side.
pub(crate) fn theirs(theirs: &TheirsSummary) -> String {
    let mut text = format!(
        "{} in {}",
        count(theirs.commissions, "commission"),
        theirs.file
    );
    if let Some(seconds) = theirs.age_seconds.filter(|_| theirs.source == "kept") {
        // Writing to a string can't fail.
        let _ = write!(text, ", fetched {} ago", age(seconds));
    }
    let _ = match theirs.leads {
        Some(leads) => write!(text, ", {}", count(leads, "lead")),
        None => write!(
            text,
            "; leads not read: the promoters of customers are not checked"
        ),
    };
    let _ = match theirs.payouts {
        Some(payouts) => write!(text, ", {}", count(payouts, "payout")),
        None => write!(text, "; payouts not read"),
    };
    if theirs.rejected > 0 {
        let _ = write!(text, "; {} cannot be read", count(theirs.rejected, "line"));
    }
    if !theirs.has_status {
        text.push_str("; commissions that do not say whether they are approved count as approved");
    }
    if !theirs.columns_not_read.is_empty() {
        let names: Vec<String> = theirs
            .columns_not_read
            .iter()
            .take(COLUMNS_NAMED)
            .map(|name| format!("`{}`", shown(name)))
            .collect();
        let _ = write!(text, "; not read: {}", names.join(", "));
        let more = theirs.columns_not_read.len() - names.len();
        if more > 0 {
            let _ = write!(text, " and {more} more");
        }
    }
    text
}

/// Returns the comparison with the last audit; findings that were resolved are listed, the first of them.
pub(crate) fn since(last: &SinceSummary) -> Vec<String> {
    let since = &last.since;
    let mut lines = vec![format!(
        "Since the audit in {}: {} new, {} remaining, {} resolved.",
        last.last,
        since.new.len(),
        since.remaining.len(),
        since.resolved.len()
    )];
    for past in since.resolved.iter().take(RESOLVED_SHOWN) {
        let cents = match past.difference_cents {
            0 => past.concerned_cents,
            cents => cents,
        };
        let sum = money(cents.into(), &past.unit);
        lines.push(format!("Resolved: {} ({sum}).", past.message));
    }
    let more = since.resolved.len().saturating_sub(RESOLVED_SHOWN) as u64;
    if more > 0 {
        lines.push(format!(
            "{} resolved: see summary.json.",
            count(more, "more difference")
        ));
    }
    lines
}

/// Returns a time in words: `90 s`, `5 min`, `3 h`, `12 days`.
pub(crate) fn age(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{} s", seconds.max(0)),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Returns the kinds that were found: name, count, what is too much or too little, what is concerned.
pub(crate) fn kinds(report: &AuditReport) -> Vec<[String; 4]> {
    let rows = report.found_kinds().map(|(found, summary)| {
        [
            kind(found).to_owned(),
            digits(&summary.count.to_string()),
            sums(&summary.difference_cents),
            concerned(summary),
        ]
    });
    rows.collect()
}

fn concerned(summary: &KindSummary) -> String {
    if summary.difference_cents.values().all(|cents| *cents == 0) {
        sums(&summary.concerned_cents)
    } else {
        String::new()
    }
}

fn sums(cents: &BTreeMap<String, i128>) -> String {
    let not_zero = cents.iter().filter(|(_, cents)| **cents != 0);
    let sums: Vec<String> = not_zero.map(|(unit, cents)| money(*cents, unit)).collect();
    sums.join(", ")
}

/// Returns a kind as people say it.
pub(crate) fn kind(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::CommissionWithoutSale => "commission without a sale",
        FindingKind::SaleWithoutCommission => "sale without a commission",
        FindingKind::SaleAmountDiffers => "amount of the sale differs",
        FindingKind::AlreadyTrackedDiffers => "tracked by others with another amount",
        FindingKind::CommissionDiffers => "wrong commission amount",
        FindingKind::CommissionTwice => "commission twice",
        FindingKind::RefundNotTakenBack => "commission not reversed",
        FindingKind::RefundPartlyTakenBack => "commission reversed in part",
        FindingKind::TakenBackTooMuch => "commission reversed too far",
        FindingKind::DisputedSale => "sale was disputed",
        FindingKind::WrongPromoter => "to another promoter",
        FindingKind::OtherMonth => "in another month",
        FindingKind::Denied => "denied although the sale was not fully refunded",
        FindingKind::Pending => "pending for too long",
        FindingKind::PaidBeforeRefund => "paid before the refund",
        FindingKind::ReversalRounded => "reversal rounded otherwise",
    }
}
