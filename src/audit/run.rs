//! One audit, from its two sides to its findings and totals.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::books::Books;
use super::expected::{Deals, Sample, Terms};
use super::judge::{self, Draft};
use super::matching::{Matching, index};
use super::{Audit, AuditError, Finding, Frames, MatchReason, Matches, Rules, Totals, Unit, sums};
use crate::event::Currency;

/// Audits the two sides. `account_currency` is that of the commissions; `as_of` is when their side was
/// read, by which it is told how long a commission is pending.
///
/// # Errors
///
/// Our side has an event twice, the columns are not those of [`Frames`], or the figures do not add up,
/// which is a fault of ours.
pub fn audit(
    frames: Frames,
    rules: &Rules,
    account_currency: Currency,
    as_of: Timestamp,
) -> Result<Audit, AuditError> {
    let (audit, _) = audit_with_matches(frames, rules, account_currency, as_of)?;
    Ok(audit)
}

/// The same, with what each commission was held for.
///
/// # Errors
///
/// As [`audit`].
pub fn audit_with_matches(
    frames: Frames,
    rules: &Rules,
    account_currency: Currency,
    as_of: Timestamp,
) -> Result<(Audit, Matches), AuditError> {
    let books = Books::open(frames, account_currency.code(), &rules.zone)?;
    let matching = Matching::of(&books, rules.match_days)?;
    let terms = Terms::new(rules, &books, samples(&books, &matching));
    let judged = judge::all(&books, &matching, &terms, rules, as_of)?;
    let totals = sums::totals(&books, &matching, &judged)?;
    let findings = findings(&books, &judged.drafts)?;
    let explained_cents = explained(&findings);
    check(&explained_cents, &totals)?;
    let audit = Audit {
        findings,
        totals,
        matched: matched(&matching),
        inferred: terms.inferred(&books),
        explained_cents,
    };
    Ok((audit, Matches::of(books, matching)))
}

/// The commissions that may prove a rate: whole ones, in money, that are to be paid.
fn samples<'b>(books: &'b Books, matching: &'b Matching) -> impl Iterator<Item = Sample> + 'b {
    let rows = books.theirs.iter().zip(&matching.billed);
    rows.filter_map(|(theirs, matched)| {
        let sale_cents = theirs.sale_cents.filter(|cents| *cents > 0)?;
        let is_whole = theirs.is_split != Some(true) && theirs.is_cash && theirs.is_live();
        let ours = matched.and_then(|(row, _)| books.ours.get(index(row)));
        let plan = ours.map_or(0, |ours| ours.plan);
        is_whole.then_some(Sample {
            deals: Deals {
                promoter: theirs.promoter,
                campaign: theirs.campaign,
                plan: if plan == 0 { theirs.plan } else { plan },
                tier: theirs.tier,
            },
            created_ms: ours.map_or(theirs.created_ms, |ours| ours.created_ms),
            amount_cents: theirs.amount_cents,
            sale_cents,
        })
    })
}

fn matched(matching: &Matching) -> BTreeMap<MatchReason, u64> {
    let mut matched = BTreeMap::new();
    for (_, reason) in matching.billed.iter().flatten() {
        *matched.entry(*reason).or_default() += 1;
    }
    matched
}

fn findings(books: &Books, drafts: &[Draft]) -> Result<Vec<Finding>, AuditError> {
    let mut seen: HashMap<String, u32> = HashMap::new();
    let mut findings = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let mut finding = finding(books, draft)?;
        let count = seen.entry(finding.id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            finding.id = format!("{}-{count}", finding.id);
        }
        findings.push(finding);
    }
    findings.sort_by_cached_key(|finding| {
        let size = finding.difference_cents.unsigned_abs();
        (finding.kind, std::cmp::Reverse(size), finding.id.clone())
    });
    Ok(findings)
}

fn finding(books: &Books, draft: &Draft) -> Result<Finding, AuditError> {
    let ours = draft
        .ours
        .map(|row| books.billed.get(index(row)))
        .transpose()?;
    let theirs = draft
        .theirs
        .map(|row| books.commissions.get(index(row)))
        .transpose()?;
    let unit = books.names.name(draft.unit).unwrap_or_default();
    let unit = match (&theirs, Currency::from_code(unit)) {
        (Some(theirs), _) => theirs.unit.clone(),
        (None, Some(currency)) => Unit::Cash(currency),
        (None, None) => Unit::Other(unit.to_owned()),
    };
    let event_id = ours.as_ref().map(|ours| ours.event_id.as_str());
    let their_id = theirs.as_ref().map(|theirs| match &theirs.id {
        Some(id) => id.clone(),
        None => {
            let event_id = theirs.event_id.as_deref().unwrap_or_default();
            let promoter = theirs.promoter.name().unwrap_or_default();
            format!("{event_id}\n{promoter}\n{}", theirs.tier)
        }
    });
    let what = format!(
        "{}\n{}\n{}",
        draft.kind,
        event_id.unwrap_or_default(),
        their_id.unwrap_or_default()
    );
    let digest = Sha256::digest(what.as_bytes());
    Ok(Finding {
        id: digest
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect(),
        kind: draft.kind,
        difference_cents: draft.difference_cents,
        concerned_cents: draft.concerned_cents,
        unit,
        ours,
        theirs,
        matched_by: draft.matched_by,
        expected_cents: draft.expected_cents,
        message: draft.message.clone(),
        action: judge::action(draft.kind).to_owned(),
    })
}

fn explained(findings: &[Finding]) -> BTreeMap<String, i128> {
    let mut explained = BTreeMap::new();
    for finding in findings {
        let cents = i128::from(finding.difference_cents);
        *explained.entry(finding.unit.to_string()).or_default() += cents;
    }
    explained
}

/// What the findings explain is all that differs.
fn check(explained: &BTreeMap<String, i128>, totals: &Totals) -> Result<(), AuditError> {
    for (unit, figures) in &totals.in_all {
        let found = explained.get(unit).copied().unwrap_or(0);
        if found != figures.difference_cents {
            return Err(AuditError::Unbalanced(format!(
                "the totals differ by {} {unit} cents, and the findings explain {found}",
                figures.difference_cents
            )));
        }
    }
    Ok(())
}
