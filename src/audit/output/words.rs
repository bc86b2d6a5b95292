//! An audit in words, the same on the terminal and on the page.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{AuditReport, KindSummary, OursSummary, SinceSummary, TheirsSummary};
use crate::audit::FindingKind;
use crate::event::{Currency, in_units};
pub(crate) use crate::report::words::count;

/// The answer: a sentence a currency, and how many differences there are.
pub(crate) fn answer(report: &AuditReport) -> Vec<String> {
    let lines = report.audit.totals.in_all.iter().map(|(unit, figures)| {
        let actual = money(figures.actual_cents, unit);
        let expected = money(figures.expected_cents, unit);
        match figures.difference_cents {
            0 => format!("FirstPromoter wants {actual} paid, and that is what is due."),
            cents if cents > 0 => format!(
                "FirstPromoter wants {actual} paid; {expected} is due: {} too much.",
                money(cents, unit)
            ),
            cents => format!(
                "FirstPromoter wants {actual} paid; {expected} is due: {} too little.",
                money(-cents, unit)
            ),
        }
    });
    let mut lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        lines.push("There is nothing on either side.".to_owned());
    }
    lines.push(verdict(report));
    lines
}

/// How many differences there are.
pub(crate) fn verdict(report: &AuditReport) -> String {
    let found = report.audit.findings.len() as u64;
    match (found, report.needs_attention) {
        (0, _) => "No differences.".to_owned(),
        (n, true) => format!("{} to look at.", count(n, "difference")),
        (n, false) => format!(
            "{}, within the tolerance of {} cents.",
            count(n, "difference"),
            report.tolerance_cents
        ),
    }
}

/// Where our side comes from.
pub(crate) fn ours(ours: &OursSummary) -> String {
    format!(
        "{} and {} in {}",
        count(ours.sales, "sale"),
        count(ours.refunds, "refund"),
        ours.files.join(", ")
    )
}

/// Where their side comes from.
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
            "; no list of leads: whose customer is whose is not checked"
        ),
    };
    if theirs.rejected > 0 {
        let _ = write!(text, "; {} can't be read", count(theirs.rejected, "line"));
    }
    text
}

/// What came of the last audit's findings.
pub(crate) fn since(last: &SinceSummary) -> String {
    let since = &last.since;
    format!(
        "Since the audit in {}: {} new, {} remaining, {} resolved.",
        last.last,
        since.new.len(),
        since.remaining.len(),
        since.resolved.len()
    )
}

/// `90 s`, `5 min`, `3 h`, `12 days`.
pub(crate) fn age(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{} s", seconds.max(0)),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// The kinds that were found: name, count, what is too much or too little, what is concerned.
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
    match summary.difference_cents.values().all(|cents| *cents == 0) {
        true => sums(&summary.concerned_cents),
        false => String::new(),
    }
}

fn sums(cents: &BTreeMap<String, i128>) -> String {
    let not_zero = cents.iter().filter(|(_, cents)| **cents != 0);
    let sums: Vec<String> = not_zero.map(|(unit, cents)| money(*cents, unit)).collect();
    sums.join(", ")
}

/// A kind as people say it.
pub(crate) fn kind(kind: FindingKind) -> &'static str {
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
pub(crate) fn money(cents: i128, unit: &str) -> String {
    format!("{} {unit}", figure(cents, unit))
}

/// The same without.
pub(crate) fn figure(cents: i128, unit: &str) -> String {
    match Currency::from_code(unit) {
        Some(currency) => {
            let text = in_units(cents, currency);
            let amount = text.split(' ').next().unwrap_or_default();
            digits(amount)
        }
        None => digits(&cents.to_string()),
    }
}

/// A number with its whole digits in groups of three.
pub(crate) fn digits(number: &str) -> String {
    let (whole, rest) = number.split_at(number.find('.').unwrap_or(number.len()));
    let (sign, whole) = whole.split_at(whole.len() - whole.trim_start_matches('-').len());
    let mut text = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_written_as_people_do() {
        assert_eq!(money(-123_456_789, "USD"), "-1,234,567.89 USD");
        assert_eq!(money(-5, "USD"), "-0.05 USD");
        assert_eq!(money(1_234, "JPY"), "1,234 JPY");
        assert_eq!(money(-1_200, "points"), "-1,200 points");
    }
}
