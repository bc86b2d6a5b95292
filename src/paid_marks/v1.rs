//! Version 1: commissions do not say whether they are paid, and a payout is of all that a promoter has not been paid.
//!
//! So a payout is created only for a promoter of whom the account shows that nothing but the commissions to mark is
//! unpaid: the balance is their sum, no other payout is open, and none was made since the first of them came.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::{
    CallStanding, MarkStep, MarkSteps, OwnCommission, PayoutView, Repeatability, asked,
    by_promoter, places_by_id, refusals, sum,
};
use crate::journal::{PayoutRequest, PayoutStep};
use crate::tracking::{CANCELLED, CASH, COMPLETED, ListedPayout, PENDING, PayoutCall};

/// How far the clocks of the account and of this machine may differ.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(10);

/// Returns what is to be done next.
pub(crate) fn steps(
    commissions: &[OwnCommission],
    view: &PayoutView,
    requests: &[PayoutRequest],
    standing: CallStanding,
) -> MarkSteps {
    let mut steps = MarkSteps::default();
    let created = created(view, requests);
    let before = Requests {
        requests,
        standing,
        commissions,
        others: &view.others,
        created: &created,
    };
    let open = before.finish(&created, &mut steps);
    let own: HashSet<&str> = created.iter().map(|(_, own)| own.id.as_str()).collect();
    let others: Vec<&ListedPayout> = view
        .payouts
        .iter()
        .filter(|payout| !own.contains(payout.id.as_str()))
        .collect();
    before.create(&open, &others, &mut steps);
    steps
}

/// Holds the commissions and what was asked for.
struct Requests<'r> {
    requests: &'r [PayoutRequest],
    standing: CallStanding,
    commissions: &'r [OwnCommission],
    /// When the latest commission of each promoter came that is not to be marked, and may be unpaid.
    others: &'r HashMap<String, Timestamp>,
    /// The payouts that this journal has asked for, as far as the list shows them.
    created: &'r [(&'r PayoutRequest, &'r ListedPayout)],
}

/// Holds what payouts of this journal's own are about to pay.
#[derive(Default)]
struct OpenPayouts<'r> {
    /// The places of their commissions, and of those that were paid.
    placed: HashSet<usize>,
    /// The amounts that are not paid yet, by the ids of the promoters.
    cents: HashMap<&'r str, i64>,
}

impl<'r> Requests<'r> {
    /// Adds what is to be done with the payouts that this journal has asked for.
    fn finish(
        &self,
        created: &[(&'r PayoutRequest, &'r ListedPayout)],
        steps: &mut MarkSteps,
    ) -> OpenPayouts<'r> {
        let by_id = places_by_id(self.commissions);
        let refused = refusals(self.requests, self.standing, PayoutStep::MarkAsPaid);
        let asked = asked(self.requests, self.standing, PayoutStep::MarkAsPaid);
        let mut open = OpenPayouts::default();
        for (request, payout) in created {
            let ids = &request.asked.commission_ids;
            let places: Vec<usize> = ids
                .iter()
                .filter_map(|id| by_id.get(id.as_str()).copied())
                .filter(|own| !open.placed.contains(own))
                .collect();
            if places.is_empty() {
                continue;
            }
            open.placed.extend(&places);
            // One of more than was asked for pays others as well: somebody has completed it, who saw that.
            let pays_all = payout.amount >= Some(request.asked.amount_cents);
            if payout.status == COMPLETED && payout.unit == CASH && pays_all {
                let paid = places.iter().map(|place| (*place, payout.id.clone()));
                steps.paid.extend(paid);
                continue;
            }
            let pending = open.cents.entry(&request.asked.promoter_id).or_default();
            *pending = pending.saturating_add(payout.amount.unwrap_or_default());
            let first = self.first_id(&places);
            let reason = wrong_with(payout, request, places.len() == ids.len());
            if let Some(reason) = reason.or_else(|| refused.get(first).cloned()) {
                steps.leave(&places, &reason);
                continue;
            }
            let step = MarkStep {
                call: PayoutCall::Complete {
                    payout_id: payout.id.clone(),
                },
                step: PayoutStep::MarkAsPaid,
                promoter_id: request.asked.promoter_id.clone(),
                payout_id: Some(payout.id.clone()),
                cents: request.asked.amount_cents,
                commissions: places,
            };
            let again = asked.get(first).copied().unwrap_or(Repeatability::Yes);
            steps.add(step, again, self.standing.should_wait);
        }
        open
    }

    /// Adds the payouts to create. `others` are payouts that this journal has not asked for.
    fn create(&self, open: &OpenPayouts<'_>, others: &[&ListedPayout], steps: &mut MarkSteps) {
        let refused = refusals(self.requests, self.standing, PayoutStep::Create);
        let asked = asked(self.requests, self.standing, PayoutStep::Create);
        let rest = by_promoter(self.commissions, |place| !open.placed.contains(&place));
        let mut all: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for ((promoter_id, _), places) in &rest {
            all.entry(promoter_id).or_default().extend(places);
        }
        for ((promoter_id, campaign_id), places) in &rest {
            let of_promoter = others
                .iter()
                .copied()
                .filter(|payout| payout.promoter.id.as_deref() == Some(promoter_id));
            let pending = open.cents.get(promoter_id.as_str()).copied().unwrap_or(0);
            let doubt = doubt(
                &all[promoter_id.as_str()],
                self.commissions,
                of_promoter.clone(),
                pending,
            )
            .or_else(|| self.others_unpaid(promoter_id, of_promoter));
            let first = self.first_id(places);
            let cents = sum(self.commissions, places);
            if let Some(reason) = refused.get(first).or(doubt.as_ref()) {
                steps.leave(places, reason);
            } else if cents <= 0 {
                steps.leave(places, NOTHING_TO_PAY);
            } else {
                let step = MarkStep {
                    call: PayoutCall::Create {
                        promoter_id: promoter_id.clone(),
                        campaign_id: campaign_id.clone(),
                    },
                    step: PayoutStep::Create,
                    promoter_id: promoter_id.clone(),
                    payout_id: None,
                    cents,
                    commissions: places.clone(),
                };
                let again = asked.get(first).copied().unwrap_or(Repeatability::Yes);
                steps.add(step, again, self.standing.should_wait);
            }
        }
    }

    /// Returns why commissions of a promoter that are not to be marked may be unpaid, though they come to nothing together:
    /// no payout was completed since the latest of them came.
    fn others_unpaid<'p>(
        &self,
        promoter_id: &str,
        payouts: impl Iterator<Item = &'p ListedPayout>,
    ) -> Option<String> {
        let latest = *self.others.get(promoter_id)?;
        let completed = payouts.filter(|payout| payout.status == COMPLETED);
        let paid = completed.filter_map(|payout| payout.created_at.max(payout.paid_at));
        let own = self
            .created
            .iter()
            .filter(|(request, payout)| {
                request.asked.promoter_id == promoter_id && payout.status == COMPLETED
            })
            .filter_map(|(_, payout)| payout.created_at.max(payout.paid_at));
        let is_paid = paid.chain(own).max() >= Some(latest);
        (!is_paid).then(|| OTHERS_UNPAID.to_owned())
    }

    /// Returns the id of the first of these commissions.
    fn first_id(&self, places: &[usize]) -> &str {
        let first = places.first();
        first.map_or("", |place| self.commissions[*place].id.as_str())
    }
}

const OTHERS_UNPAID: &str = "a payout of version 1 pays all that the promoter has not been paid, and others of the promoter are unpaid too, which come to 0 together: dated later, not to be marked, or not sent by this journal; a later `--until` has those that are dated later";

const NOTHING_TO_PAY: &str =
    "what is to be paid to the promoter is not more than nothing: refunds come to as much";

/// Returns the payouts that requests of this journal have created, each with its request, as far as the list shows
/// them. One whose answer was lost is found by what it is.
fn created<'r>(
    view: &'r PayoutView,
    requests: &'r [PayoutRequest],
) -> Vec<(&'r PayoutRequest, &'r ListedPayout)> {
    let creations = requests
        .iter()
        .filter(|request| request.asked.step == PayoutStep::Create);
    let mut taken: HashSet<&str> = creations
        .clone()
        .filter_map(PayoutRequest::payout_id)
        .collect();
    let mut found = Vec::new();
    for request in creations {
        let payout = match request.payout_id() {
            Some(id) => view.payouts.iter().find(|payout| payout.id == id),
            None => {
                let since = request
                    .intended
                    .saturating_sub(CLOCK_SKEW)
                    .unwrap_or(Timestamp::MIN);
                let mut candidates = view.payouts.iter().filter(|payout| {
                    payout.promoter.id.as_deref() == Some(&request.asked.promoter_id)
                        && payout.amount == Some(request.asked.amount_cents)
                        && payout.unit == CASH
                        && payout.created_at.is_some_and(|at| at >= since)
                        && !taken.contains(payout.id.as_str())
                });
                candidates.next()
            }
        };
        if let Some(payout) = payout {
            taken.insert(&payout.id);
            found.push((request, payout));
        }
    }
    found
}

/// Returns why a payout that this journal has asked for can't be marked.
fn wrong_with(payout: &ListedPayout, request: &PayoutRequest, is_whole: bool) -> Option<String> {
    let id = &payout.id;
    if payout.amount != Some(request.asked.amount_cents) || payout.unit != CASH {
        return Some(format!(
            "the payout {id} was created, and has another amount than these commissions: look at it in FirstPromoter"
        ));
    }
    if payout.status != PENDING {
        return Some(format!("its payout {id} is {}", payout.status));
    }
    if !is_whole {
        return Some(format!(
            "the payout {id} was created, and a commission of it has changed since: look at it in FirstPromoter"
        ));
    }
    None
}

/// Returns why it is not certain that nothing but these commissions of a promoter is unpaid. `others` are payouts that
/// this journal has not asked for.
fn doubt<'p>(
    places: &[usize],
    commissions: &[OwnCommission],
    others: impl Iterator<Item = &'p ListedPayout>,
    pending_cents: i64,
) -> Option<String> {
    let tracked = places.iter().map(|place| commissions[*place].tracked_at);
    let first = tracked
        .min()?
        .saturating_sub(CLOCK_SKEW)
        .unwrap_or(Timestamp::MIN);
    for payout in others {
        let id = &payout.id;
        match &*payout.status {
            COMPLETED => {
                let latest = payout.created_at.max(payout.paid_at);
                if latest.is_none() {
                    return Some(format!(
                        "the payout {id} of the promoter, which the account does not date, may have paid it already"
                    ));
                }
                if latest.is_some_and(|at| at >= first) {
                    return Some(format!(
                        "the payout {id} of the promoter, made since the import, may have paid it already"
                    ));
                }
            }
            CANCELLED | "failed" => {}
            status => {
                return Some(format!(
                    "the promoter has the payout {id}, which is {status}: complete or delete it in FirstPromoter first"
                ));
            }
        }
    }
    let cents = sum(commissions, places);
    let balance = places
        .first()
        .and_then(|place| commissions[*place].promoter.balance_cents);
    let pays_all = "a payout of version 1 pays all that the promoter has not been paid";
    Some(match balance {
        Some(balance) if balance == cents || balance == cents.saturating_add(pending_cents) => {
            return None;
        }
        None => format!("{pays_all}, and the account does not say how much that is"),
        Some(balance) if balance > cents => format!(
            "{pays_all}, and that is more than these commissions: others of the promoter are unpaid too: dated later, not to be marked, or not sent by this journal, such as those of FirstPromoter's own import; a later `--until` has those that are dated later"
        ),
        Some(_) => format!(
            "{pays_all}, and that is less than these commissions: a part of them was paid, or reversed by others"
        ),
    })
}
