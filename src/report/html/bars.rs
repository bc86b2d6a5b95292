//! Bars beside names: the result of each export, the promoters with the most sales, and the reasons
//! of failures.

use super::gather::{ByOutcome, FailureReason, Gathered, PromoterFigures};
use crate::event::Currency;
use crate::journal::RunRecord;
use crate::report::outcomes::{OutcomesSummary, outcome_word};
use crate::report::page::chart::Share;
use crate::report::page::text::cut;
use crate::report::words::{amount, grouped, outcome_words};

/// The result of one export.
pub(super) struct ExportBar {
    pub(super) name: String,
    pub(super) profile: String,
    pub(super) rows: String,
    pub(super) events: String,
    pub(super) parts: Vec<BarPart>,
    pub(super) words: String,
}

pub(super) struct BarPart {
    pub(super) class: &'static str,
    pub(super) x: Share,
    pub(super) width: Share,
}

pub(super) struct PromoterBar {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) events: String,
    /// Sales less refunds, one text for each currency.
    pub(super) net: Vec<String>,
    pub(super) commission: String,
    pub(super) width: Share,
}

pub(super) struct ReasonBar {
    pub(super) status: String,
    pub(super) message: String,
    pub(super) events: String,
    pub(super) width: Share,
}

/// Returns the result of each export: of those that were read, and of those that only the journal
/// still knows.
pub(super) fn export_bars(runs: &[RunRecord], gathered: &Gathered) -> Vec<ExportBar> {
    let mut exports: Vec<(String, String, u64, ByOutcome)> = Vec::new();
    let find = |exports: &[(String, String, u64, ByOutcome)], path: &str| {
        exports.iter().position(|(of, ..)| of == path)
    };
    for input in runs.iter().flat_map(|run| &run.inputs) {
        match find(&exports, &input.path) {
            Some(place) => exports[place].2 += input.rows_read,
            None => exports.push((
                input.path.clone(),
                input.profile.clone(),
                input.rows_read,
                ByOutcome::default(),
            )),
        }
    }
    for (path, outcomes) in &gathered.exports {
        let path = path.as_deref().unwrap_or("not known");
        match find(&exports, path) {
            Some(place) => exports[place].3.merge(outcomes),
            None => exports.push((path.to_owned(), String::new(), 0, *outcomes)),
        }
    }
    exports.into_iter().map(export_bar).collect()
}

fn export_bar((path, profile, rows, outcomes): (String, String, u64, ByOutcome)) -> ExportBar {
    let total = outcomes.total();
    let mut parts = Vec::new();
    let mut words = Vec::new();
    let mut before = 0;
    for outcome in OutcomesSummary::all() {
        let n = outcomes.for_outcome(outcome);
        if n > 0 {
            parts.push(BarPart {
                class: outcome_word(outcome),
                x: Share::new(before, total),
                width: Share::new(n, total),
            });
            words.push(format!("{} {}", grouped(n.into()), outcome_words(outcome)));
            before += n;
        }
    }
    if words.is_empty() {
        words.push("nothing to send".to_owned());
    }
    ExportBar {
        name: cut(&path, 160),
        profile,
        rows: if rows > 0 {
            grouped(rows.into())
        } else {
            String::new()
        },
        events: grouped(total.into()),
        parts,
        words: words.join(", "),
    }
}

/// Returns the promoters: the largest commissions first, then the most events.
pub(super) fn promoter_bars(gathered: &Gathered, currency: Option<Currency>) -> Vec<PromoterBar> {
    let mut promoters: Vec<_> = gathered.promoters.values().collect();
    promoters.sort_by(|a, b| {
        let size = |of: &PromoterFigures| (of.commission_cents, of.events);
        size(b)
            .cmp(&size(a))
            .then_with(|| (&a.ref_id, &a.email).cmp(&(&b.ref_id, &b.email)))
    });
    let by_commission = promoters
        .first()
        .is_some_and(|first| first.commission_cents > 0);
    let size = |of: &PromoterFigures| {
        if by_commission {
            of.commission_cents.max(0)
        } else {
            of.events.into()
        }
    };
    let largest = promoters.iter().map(|of| size(of)).max().unwrap_or(0);
    let bar = |of: &&PromoterFigures| PromoterBar {
        name: if of.ref_id.is_empty() {
            of.email.clone()
        } else {
            of.ref_id.clone()
        },
        email: if of.ref_id.is_empty() {
            String::new()
        } else {
            of.email.clone()
        },
        events: grouped(of.events.into()),
        net: of
            .net_cents
            .iter()
            .map(|(currency, cents)| format!("{} {currency}", amount(*cents, *currency)))
            .collect(),
        commission: match currency {
            Some(currency) => format!("{} {currency}", amount(of.commission_cents, currency)),
            None => grouped(of.commission_cents),
        },
        width: Share::new(size(of), largest),
    };
    promoters.iter().map(bar).collect()
}

/// Returns the reasons of failures, the most frequent first.
pub(super) fn reason_bars(gathered: &Gathered) -> Vec<ReasonBar> {
    let mut reasons: Vec<_> = gathered.failed.iter().collect();
    reasons.sort_by(|(a, n), (b, m)| {
        m.cmp(n)
            .then_with(|| (a.http_status, &a.message).cmp(&(b.http_status, &b.message)))
    });
    let most = reasons.first().map_or(0, |(_, n)| **n);
    let bar = |(reason, n): &(&FailureReason, &u64)| ReasonBar {
        status: reason
            .http_status
            .map_or_else(String::new, |status| status.to_string()),
        message: match reason.message.as_str() {
            "" => "no reason given".to_owned(),
            message => message.to_owned(),
        },
        events: grouped((**n).into()),
        width: Share::new(**n, most),
    };
    reasons.iter().map(bar).collect()
}
