//! Version 2: commissions say whether they are paid, and payouts say which commissions they pay.

use std::collections::{HashMap, HashSet};

use super::{
    CallStanding, MarkState, MarkStep, MarkSteps, OwnCommission, PayoutView, Repeatability,
    STILL_IN_PROGRESS, asked, by_promoter, places_by_id, refusals, sum,
};
use crate::journal::{PayoutRequest, PayoutStep};
use crate::tracking::{CANCELLED, CASH, COMPLETED, ListedPayout, PENDING, PayoutCall};

/// The most commissions of which one payout is asked for.
const MOST_OF_ONE: usize = 200;

/// Returns what is to be done next.
pub(crate) fn steps(
    commissions: &[OwnCommission],
    view: &PayoutView,
    requests: &[PayoutRequest],
    standing: CallStanding,
) -> MarkSteps {
    let by_id = places_by_id(commissions);
    let refused = refusals(requests, standing, PayoutStep::Create);
    let not_marked = refusals(requests, standing, PayoutStep::MarkAsPaid);
    let asked = asked(requests, standing, PayoutStep::MarkAsPaid);
    let mut steps = MarkSteps::default();
    let mut placed: HashSet<usize> = HashSet::new();
    let mut ready: Vec<(&ListedPayout, Vec<usize>)> = Vec::new();
    for payout in &view.payouts {
        let Some(content) = view.contents.get(&payout.id) else {
            continue;
        };
        let ours: Vec<usize> = content
            .iter()
            .filter_map(|(id, _)| by_id.get(id.as_str()))
            .copied()
            .collect();
        if ours.is_empty() || matches!(&*payout.status, CANCELLED) {
            continue;
        }
        placed.extend(&ours);
        match wrong_with(payout, content, ours.len(), sum(commissions, &ours)) {
            _ if payout.status == COMPLETED => {
                let paid = ours.iter().map(|place| (*place, payout.id.clone()));
                steps.paid.extend(paid);
            }
            Some(reason) => steps.leave(&ours, &reason),
            None => ready.push((payout, ours)),
        }
    }
    let in_progress = in_progress(requests, standing, &by_id, &placed);
    for (payout, ours) in ready {
        let first = ours.first().map(|place| commissions[*place].id.as_str());
        if let Some(reason) = first.and_then(|id| not_marked.get(id)) {
            steps.leave(&ours, reason);
        } else if ours.iter().any(|place| in_progress.contains(place)) {
            if standing.should_wait {
                steps.waiting += ours.len();
            } else {
                steps.leave(&ours, STILL_IN_PROGRESS);
            }
        } else {
            let again = first
                .and_then(|id| asked.get(id))
                .copied()
                .unwrap_or(Repeatability::Yes);
            mark(payout, ours, commissions, (again, standing), &mut steps);
        }
    }
    let rest = by_promoter(commissions, |place| !placed.contains(&place));
    for ((promoter_id, _), places) in rest {
        generate(
            &promoter_id,
            places,
            commissions,
            (&refused, &in_progress),
            standing,
            &mut steps,
        );
    }
    steps
}

/// Returns why a payout can't be marked; `None` if it pays only commissions that are to be marked.
fn wrong_with(
    payout: &ListedPayout,
    content: &[(String, Option<i64>)],
    ours: usize,
    cents: i64,
) -> Option<String> {
    let id = &payout.id;
    if ours < content.len() {
        let others = content.len() - ours;
        return Some(format!(
            "its payout {id} pays {others} more that are not to be marked"
        ));
    }
    if payout.status != PENDING {
        return Some(format!("its payout {id} is {}", payout.status));
    }
    if payout.unit != CASH || payout.amount != Some(cents) {
        return Some(format!(
            "its payout {id} has another amount than its commissions add up to"
        ));
    }
    None
}

/// Returns the commissions of payouts that this call has asked for and of which a part is not in a payout yet: the API
/// may still be making them.
fn in_progress(
    requests: &[PayoutRequest],
    standing: CallStanding,
    by_id: &HashMap<&str, usize>,
    placed: &HashSet<usize>,
) -> HashSet<usize> {
    let asked = requests.iter().filter(|request| {
        request.asked.step == PayoutStep::Create && standing.is_of_this_call(request)
    });
    let mut all = HashSet::new();
    for request in asked {
        let ids = request.asked.commission_ids.iter();
        let places: Vec<usize> = ids
            .filter_map(|id| by_id.get(id.as_str()).copied())
            .collect();
        if places.iter().any(|place| !placed.contains(place)) {
            all.extend(places);
        }
    }
    all
}

fn mark(
    payout: &ListedPayout,
    ours: Vec<usize>,
    commissions: &[OwnCommission],
    (again, standing): (Repeatability, CallStanding),
    steps: &mut MarkSteps,
) {
    let Ok(payout_id) = payout.id.parse() else {
        steps.leave(&ours, "the id of its payout is not a number");
        return;
    };
    let step = MarkStep {
        call: PayoutCall::MarkAsPaid { payout_id },
        step: PayoutStep::MarkAsPaid,
        promoter_id: payout.promoter.id.clone().unwrap_or_default(),
        payout_id: Some(payout.id.clone()),
        cents: sum(commissions, &ours),
        commissions: ours,
    };
    steps.add(step, again, standing.should_wait);
}

/// Asks for payouts of commissions of one promoter in one campaign, which are in none.
fn generate(
    promoter_id: &str,
    places: Vec<usize>,
    commissions: &[OwnCommission],
    (refused, in_progress): (&HashMap<&str, String>, &HashSet<usize>),
    standing: CallStanding,
    steps: &mut MarkSteps,
) {
    let mut new = Vec::new();
    for place in places {
        debug_assert_eq!(commissions[place].state, MarkState::ToMark);
        if let Some(reason) = refused.get(commissions[place].id.as_str()) {
            steps.leave(&[place], reason);
        } else if !in_progress.contains(&place) {
            new.push(place);
        } else if standing.should_wait {
            steps.waiting += 1;
        } else {
            steps.leave(&[place], STILL_IN_PROGRESS);
        }
    }
    if new.is_empty() {
        return;
    }
    if sum(commissions, &new) <= 0 {
        steps.leave(
            &new,
            "what is to be paid to the promoter is not more than nothing: refunds come to as much",
        );
        return;
    }
    for part in parts(new, commissions) {
        let ids: Result<Vec<u64>, _> = part
            .iter()
            .map(|place| commissions[*place].id.parse())
            .collect();
        let Ok(commission_ids) = ids else {
            steps.leave(&part, "the id of a commission is not a number");
            continue;
        };
        steps.todo.push(MarkStep {
            call: PayoutCall::Generate { commission_ids },
            step: PayoutStep::Create,
            promoter_id: promoter_id.to_owned(),
            payout_id: None,
            cents: sum(commissions, &part),
            commissions: part,
        });
    }
}

/// Returns parts of some hundred commissions, each of which adds up to more than nothing.
fn parts(places: Vec<usize>, commissions: &[OwnCommission]) -> Vec<Vec<usize>> {
    let mut parts: Vec<Vec<usize>> = Vec::new();
    let mut part = Vec::new();
    for place in places {
        part.push(place);
        if part.len() >= MOST_OF_ONE && sum(commissions, &part) > 0 {
            parts.push(std::mem::take(&mut part));
        }
    }
    let fits = sum(commissions, &part) > 0;
    match parts.pop() {
        // What is left of it goes with the part before.
        Some(mut last) if !part.is_empty() && !fits => {
            last.append(&mut part);
            parts.push(last);
        }
        Some(last) => {
            parts.push(last);
            parts.extend(Some(part).filter(|part| !part.is_empty()));
        }
        None => parts.push(part),
    }
    parts
}
