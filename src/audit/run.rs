//! One audit, from its two sides to its findings and totals.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::books::{AuditData, OurRow, TheirRow};
use super::earlier::EarlierCommissions;
use super::expected::{CommissionTerms, PaymentTimes, RateSample, TermsKey};
use super::grouped::{Grouped, index};
use super::history::SaleHistories;
use super::judge::{self, FindingDraft, JudgeInput};
use super::matching::Matching;
use super::plans::GuessedPlans;
use super::selection::{Selection, UnmatchedCommissions};
use super::{
    Audit, AuditError, AuditRules, AuditTotals, Finding, Frames, MatchReason, Matches, Period,
    Unit, ZonedPeriod, sums,
};
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
    rules: &AuditRules,
    account_currency: Currency,
    as_of: Timestamp,
) -> Result<Audit, AuditError> {
    let view = View {
        period: Period::default(),
        as_of,
    };
    let (audit, _) = audit_with_matches(frames, rules, account_currency, view)?;
    Ok(audit)
}

/// The days that an audit is about, and the time when their side was read.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// The period that is shown and added up; rates and the like are learned from all that is there.
    pub period: Period,
    /// The time by which commissions count as pending for too long.
    pub as_of: Timestamp,
}

/// Audits the period of the two sides, and gives what each of its commissions was held for.
///
/// # Errors
///
/// Audits like [`audit`], and returns the match of each commission too.
pub fn audit_with_matches(
    frames: Frames,
    rules: &AuditRules,
    account_currency: Currency,
    view: View,
) -> Result<(Audit, Matches), AuditError> {
    let books = AuditData::open(frames, account_currency.code(), rules)?;
    let matching = Matching::new(&books, rules.match_days)?;
    let case_of = |matched: &Option<(u32, MatchReason)>| {
        let (row, _) = (*matched)?;
        matching.case.get(index(row)).copied()
    };
    let commissions = Grouped::new(matching.billed.iter().map(case_of));
    let earlier = EarlierCommissions::new(&books, &matching, &rules.zone);
    let history = SaleHistories::new(&books, &matching, &commissions, &earlier, rules);
    let guessed_plans = GuessedPlans::new(&books, &matching);
    let samples = || samples(&books, &matching, &history, &guessed_plans);
    let mut terms = CommissionTerms::new(rules, &books, samples());
    let unused_names = rules.unused_names(&books);
    let unapplied_rules = if rules.has_names() {
        let proving = samples().map(|own| (own.deals, own.payment));
        let judged = judged_terms(&books, &matching, &history);
        let applied = proving.chain(judged);
        let applied =
            applied.filter_map(|(deals, payment)| terms.rule_number(&books, deals, payment));
        rules.unapplied(&applied.collect(), &unused_names)
    } else {
        Vec::new()
    };
    let unmatched = UnmatchedCommissions::new(&books, &matching);
    let period = ZonedPeriod {
        period: view.period,
        zone: &rules.zone,
    };
    let selection = Selection::new(&books, &matching, &commissions, &unmatched, period);
    let judged = judge::all(&JudgeInput {
        books: &books,
        matching: &matching,
        terms: &terms,
        rules,
        history: &history,
        earlier: &earlier,
        guessed_plans: &guessed_plans,
        commissions: &commissions,
        unmatched: &unmatched,
        selection: &selection,
        as_of: view.as_of,
    })?;
    let totals = sums::totals(&books, &matching, &judged, &selection)?;
    let findings = findings(&books, &matching, &judged.drafts)?;
    let explained_cents = explained(&findings);
    check(&explained_cents, &totals)?;
    let audit = Audit {
        findings,
        totals,
        matched: matched(&matching, &selection),
        inferred: terms.inferred(&books),
        judged_by_inferred: judged.tallies.inferred,
        unused_names,
        unapplied_rules,
        unchecked: judged.tallies.unchecked(&books),
        is_empty: books.ours.is_empty() && books.theirs.is_empty(),
        explained_cents,
    };
    drop(earlier);
    Ok((audit, Matches::new(books, matching, selection, rules)))
}

/// Returns the commissions that may prove a rate: whole ones, in money, that are to be paid.
fn samples<'b>(
    books: &'b AuditData,
    matching: &'b Matching,
    history: &'b SaleHistories,
    guessed_plans: &'b GuessedPlans,
) -> impl Iterator<Item = RateSample> + 'b {
    let rows = books.theirs.iter().zip(&matching.billed);
    let rows = (0..).zip(rows).filter(|(row, _)| !guessed_plans.has(*row));
    rows.filter_map(|(_, (theirs, matched))| {
        let ours = matched.and_then(|(row, _)| books.ours.get(index(row)));
        let is_ours = theirs.unit == books.account_currency && !theirs.is_reversal();
        let own = ours
            .filter(|ours| is_ours && !ours.is_refund)
            .and_then(|ours| ours.account_cents.or(ours.estimated_cents));
        // Lists without the amount of the sale are judged by our own.
        let sale_cents = theirs.sale_cents.or(own).filter(|cents| *cents > 0)?;
        let is_whole = theirs.is_split != Some(true) && theirs.is_cash && theirs.is_live();
        is_whole.then_some(RateSample {
            deals: terms_key(theirs, ours),
            payment: match matched {
                Some((row, _)) => history.payment(books, *row),
                None => PaymentTimes {
                    created_ms: theirs.created_ms,
                    ..PaymentTimes::default()
                },
            },
            amount_cents: theirs.amount_cents,
            sale_cents,
        })
    })
}

/// Returns by what each commission of a sale or refund of ours is judged: parts, reversals and denied ones among them.
fn judged_terms<'b>(
    books: &'b AuditData,
    matching: &'b Matching,
    history: &'b SaleHistories,
) -> impl Iterator<Item = (TermsKey, PaymentTimes)> + 'b {
    let rows = books.theirs.iter().zip(&matching.billed);
    rows.filter_map(|(theirs, matched)| {
        let (row, _) = (*matched)?;
        let ours = books.ours.get(index(row));
        Some((terms_key(theirs, ours), history.payment(books, row)))
    })
}

/// Returns the key of the terms of a commission: its own, and the plan that was sold.
fn terms_key(theirs: &TheirRow, ours: Option<&OurRow>) -> TermsKey {
    let plan = ours.map_or(0, |ours| ours.plan);
    TermsKey {
        promoter: theirs.promoter,
        campaign: theirs.campaign,
        plan: if plan == 0 { theirs.plan } else { plan },
        tier: theirs.tier,
    }
}

fn matched(matching: &Matching, selection: &Selection) -> BTreeMap<MatchReason, u64> {
    let mut matched = BTreeMap::new();
    for (row, billed) in (0..).zip(&matching.billed) {
        if let Some((_, reason)) = billed.filter(|_| selection.has_commission(row)) {
            *matched.entry(reason).or_default() += 1;
        }
    }
    matched
}

fn findings(
    books: &AuditData,
    matching: &Matching,
    drafts: &[FindingDraft],
) -> Result<Vec<Finding>, AuditError> {
    let refunded = if drafts.is_empty() {
        HashMap::new()
    } else {
        refunded(books, matching)
    };
    let mut findings = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let refunded_cents = draft.ours.and_then(|row| refunded.get(&row)).copied();
        findings.push(finding(books, draft, refunded_cents.unwrap_or(0))?);
    }
    findings.sort_by_cached_key(|finding| {
        let size = finding.difference_cents.unsigned_abs();
        let theirs = finding.theirs.as_ref().map(|theirs| theirs.amount_cents);
        let message = finding.message.clone();
        (
            finding.kind,
            std::cmp::Reverse(size),
            finding.id.clone(),
            (finding.difference_cents, theirs, message),
        )
    });
    // What can't be told apart by its id is numbered in an order that no file has.
    let mut seen: HashMap<String, u32> = HashMap::new();
    for finding in &mut findings {
        let count = seen.entry(finding.id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            finding.id = format!("{}-{count}", finding.id);
        }
    }
    Ok(findings)
}

/// Returns what was refunded of each sale that has refunds, by its row.
fn refunded(books: &AuditData, matching: &Matching) -> HashMap<u32, i64> {
    let mut refunded: HashMap<u32, i64> = HashMap::new();
    for (ours, case) in books.ours.iter().zip(&matching.case) {
        if ours.is_refund {
            let sum = refunded.entry(*case).or_default();
            *sum = sum.saturating_add(ours.amount_cents);
        }
    }
    refunded
}

fn finding(
    books: &AuditData,
    draft: &FindingDraft,
    refunded_cents: i64,
) -> Result<Finding, AuditError> {
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
    let their_id = theirs.as_ref().map(|theirs| {
        let event_id = theirs.event_id.as_deref().unwrap_or_default();
        let promoter = theirs.promoter.name().unwrap_or_default();
        let by = match &theirs.id {
            Some(id) => id.clone(),
            None => format!("{}\n{:?}", theirs.tier, theirs.created_at),
        };
        format!("{by}\n{event_id}\n{promoter}")
    });
    let mut what = format!(
        "{}\n{}\n{refunded_cents}\n{}",
        draft.kind,
        event_id.unwrap_or_default(),
        their_id.unwrap_or_default()
    );
    if !draft.because.is_empty() {
        what = format!("{what}\n{}", draft.because);
    }
    let digest = Sha256::digest(what.as_bytes());
    let action = judge::action_for(draft.kind, theirs.as_ref()).to_owned();
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
        action,
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

/// Checks that the findings explain the whole difference of the totals.
fn check(explained: &BTreeMap<String, i128>, totals: &AuditTotals) -> Result<(), AuditError> {
    for (unit, figures) in &totals.in_all {
        let found = explained.get(unit).copied().unwrap_or(0);
        if found != figures.difference_cents {
            return Err(AuditError::Unbalanced(format!(
                "the totals in {unit} differ by {}, and the findings explain {found} (in minor units)",
                figures.difference_cents
            )));
        }
    }
    Ok(())
}
