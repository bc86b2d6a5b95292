//! The calls that change commissions, leads and payouts without an event: they read their parameters, and say what
//! came of it. What the vendor's documents don't say is marked where it was decided.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::books::CAMPAIGN_ID;
use super::commissions::{CommissionRef, StoredCommission, StoredStatus};
use super::listing::{not_found, not_found_422};
use super::payouts::{COMPLETED, PENDING, StoredPayout, payout_id};
use super::{AccountState, LeadState, v1, v2};
use crate::sandbox::answer::ServerAnswer;
use crate::sandbox::call::Change;
use crate::sandbox::moment::Moment;

const MARK_AS_PAID: &str = "mark_as_paid";

/// The most ids that are worked off before the answer.
const MOST_AT_ONCE: usize = 5;

/// What a call asks to change.
pub(in crate::sandbox) struct ChangeRequest {
    change: Change,
    content: ChangeContent,
}

enum ChangeContent {
    /// The parameters of version 1, by their names.
    Texts(BTreeMap<String, String>),
    /// The ids that a call of version 2 names.
    Ids(NamedIds),
    Notes(Notes),
}

/// The body of a call about several commissions or payouts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedIds {
    ids: Vec<usize>,
}

/// The body of a change of a commission: the documented fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Notes {
    internal_note: Option<String>,
    external_note: Option<String>,
}

impl ChangeRequest {
    /// Reads the parameters: version 1 takes them in the query, as a form or as JSON.
    pub(in crate::sandbox) fn read(
        change: Change,
        query: Option<&str>,
        is_json: bool,
        body: &[u8],
    ) -> Result<ChangeRequest, ServerAnswer> {
        let unreadable = |error: serde_json::Error| {
            let refusal = RefusedBody {
                message: format!("The body is not as documented: {error}"),
                code: "unprocessable_entity",
            };
            ServerAnswer::json(422, &refusal)
        };
        let content = match change {
            Change::GeneratePayouts | Change::MarkAsPaid => {
                ChangeContent::Ids(serde_json::from_slice(body).map_err(unreadable)?)
            }
            Change::UpdateCommission(_) => {
                ChangeContent::Notes(serde_json::from_slice(body).map_err(unreadable)?)
            }
            _ => ChangeContent::Texts(texts(change, query, is_json, body)?),
        };
        Ok(ChangeRequest { change, content })
    }

    /// Returns the id of the event that it names.
    pub(in crate::sandbox) fn event_id(&self) -> Option<&str> {
        match &self.content {
            ChangeContent::Texts(texts) => texts.get("event_id").map(String::as_str),
            ChangeContent::Ids(_) | ChangeContent::Notes(_) => None,
        }
    }

    /// Returns a text that is the same for every arrival of one request.
    pub(in crate::sandbox) fn identity(&self) -> String {
        match &self.content {
            ChangeContent::Texts(texts) => format!("{:?} {texts:?}", self.change),
            ChangeContent::Ids(ids) => format!("{:?} {:?}", self.change, ids.ids),
            ChangeContent::Notes(_) => format!("{:?}", self.change),
        }
    }
}

/// Returns the parameters that the sandbox plays of a call of version 1.
fn played(change: Change) -> &'static [&'static str] {
    match change {
        Change::CreateReward => &[
            "lead_id",
            "uid",
            "email",
            "promotion_id",
            "ref_id",
            "reward_type",
            "amount",
            "status",
            "skip_email_notification",
        ],
        Change::CreatePromoter => &[
            "email",
            "first_name",
            "last_name",
            "ref_id",
            "promo_code",
            "campaign_id",
            "skip_email_notification",
        ],
        Change::UpdatePromoter => &[
            "id",
            "ref_id",
            "email",
            "new_ref_id",
            "first_name",
            "last_name",
            "promo_code",
        ],
        Change::Subscriber => &[
            "email",
            "uid",
            "tid",
            "ref_id",
            "promoter_email",
            "created_at",
            "skip_email_notification",
            "ip",
        ],
        Change::UpdateReward => &["id", "event_id", "status"],
        Change::UpdateLead => &["id", "uid", "email", "customer_since", "plan_name", "state"],
        Change::CreatePayout => &["promoter_id", "promoter_email", "status", "campaign_id"],
        _ => &["id", "status"],
    }
}

/// Returns the parameters of version 1's calls. What the sandbox does not play is refused, so that no client
/// believes that it was done.
fn texts(
    change: Change,
    query: Option<&str>,
    is_json: bool,
    body: &[u8],
) -> Result<BTreeMap<String, String>, ServerAnswer> {
    let played = played(change);
    let mut all: Vec<(Cow<'_, str>, Cow<'_, str>)> =
        form_urlencoded::parse(query.unwrap_or_default().as_bytes()).collect();
    if is_json {
        let object: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(body).map_err(|error| {
                ServerAnswer::message(400, &format!("The body is not a JSON object: {error}"))
            })?;
        for (name, value) in object {
            let text = match value {
                serde_json::Value::String(text) => text,
                serde_json::Value::Null => String::new(),
                other => other.to_string(),
            };
            all.push((name.into(), text.into()));
        }
    } else {
        all.extend(form_urlencoded::parse(body));
    }
    let mut texts = BTreeMap::new();
    for (name, value) in all {
        if name == "wid" || value.trim().is_empty() {
            continue;
        }
        if !played.contains(&&*name) {
            let message = format!("the sandbox does not play `{name}`");
            return Err(ServerAnswer::message(400, &message));
        }
        texts.insert(name.into_owned(), value.into_owned());
    }
    Ok(texts)
}

/// The refusal of a body of version 2.
#[derive(Serialize)]
struct RefusedBody {
    message: String,
    code: &'static str,
}

/// The answer about several commissions or payouts, by the vendor's schema of a batch.
#[derive(Serialize)]
struct BatchBody {
    id: usize,
    status: &'static str,
    total: usize,
    selected_total: usize,
    processed_count: usize,
    failed_count: usize,
    action_label: &'static str,
    created_at: Moment,
    updated_at: Moment,
    meta: Empty,
    progress: u8,
    processing_errors: [Empty; 0],
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct BatchOfPayouts {
    data: BatchBody,
    meta: PayoutSums,
}

#[derive(Serialize)]
struct PayoutSums {
    total: i64,
    promoters_count: usize,
    total_incl_tax: i64,
    all_promoters_count: usize,
}

impl AccountState {
    /// Carries out one call.
    pub(in crate::sandbox) fn change(
        &mut self,
        request: &ChangeRequest,
        now: Moment,
    ) -> ServerAnswer {
        let done = match (&request.content, request.change) {
            (ChangeContent::Texts(texts), Change::UpdateReward) => self.update_reward(texts),
            (ChangeContent::Texts(texts), Change::UpdateLead) => self.update_lead(texts),
            (ChangeContent::Texts(texts), Change::CreateReward) => self.create_reward(texts, now),
            (ChangeContent::Texts(texts), Change::CreatePromoter) => {
                self.create_promoter(texts, now)
            }
            (ChangeContent::Texts(texts), Change::UpdatePromoter) => self.update_promoter(texts),
            (ChangeContent::Texts(texts), Change::Subscriber) => self.subscriber(texts, now),
            (ChangeContent::Texts(texts), Change::CreatePayout) => self.create_payout(texts, now),
            (ChangeContent::Texts(texts), _) => self.update_payout(texts, now),
            (ChangeContent::Ids(ids), Change::GeneratePayouts) => {
                Ok(self.generate_payouts(ids, now))
            }
            (ChangeContent::Ids(ids), _) => Ok(self.mark_as_paid(ids, now)),
            (ChangeContent::Notes(notes), Change::UpdateCommission(id)) => self.note(id, notes),
            (ChangeContent::Notes(_), _) => Err(ServerAnswer::message(404, "Not found")),
        };
        done.unwrap_or_else(|refusal| refusal)
    }

    /// Sets the status of a reward of version 1, by its id or its event's. If several have the event, it sets all,
    /// and answers with the first one: the documents speak of one.
    fn update_reward(
        &mut self,
        texts: &BTreeMap<String, String>,
    ) -> Result<ServerAnswer, ServerAnswer> {
        let status = match texts.get("status").map(String::as_str) {
            None | Some("approved") => StoredStatus::Approved,
            Some("pending") => StoredStatus::Pending,
            Some("denied") => StoredStatus::Denied,
            Some(_) => return Err(not_found_422("Status is invalid")),
        };
        let places: Vec<CommissionRef> = match (texts.get("id"), texts.get("event_id")) {
            (Some(id), _) => {
                let place = id.parse().ok().and_then(CommissionRef::from_id);
                place
                    .filter(|at| self.row(*at).is_some())
                    .into_iter()
                    .collect()
            }
            (None, Some(event_id)) => {
                let has_id = |row: StoredCommission| row.has_event_id(event_id);
                let all = self.commission_refs();
                all.filter(|at| self.row(*at).is_some_and(has_id)).collect()
            }
            (None, None) => {
                return Err(not_found_422(
                    "You need to find the reward by id or event_id.",
                ));
            }
        };
        let first = *places
            .first()
            .ok_or_else(|| not_found_422("Reward not found"))?;
        for place in places {
            self.edit(place, |row| row.status = status);
        }
        let commission = self.commission_at(first);
        let line = commission.as_ref().map(v1::reward_line);
        Ok(ServerAnswer::json(200, &line))
    }

    /// Changes a commission, and its promoter's balances with it.
    fn edit(&mut self, place: CommissionRef, change: impl FnOnce(&mut StoredCommission)) {
        let Some(old) = self.row(place) else { return };
        let mut new = old.clone();
        change(&mut new);
        self.put(place, Some(old), Some(new));
    }

    /// Changes a lead of version 1.
    fn update_lead(
        &mut self,
        texts: &BTreeMap<String, String>,
    ) -> Result<ServerAnswer, ServerAnswer> {
        let text = |name: &str| texts.get(name).map(String::as_str);
        let place = self.lead_named(text)?;
        let since = match text("customer_since").map(Moment::parse) {
            Some(None) => return Err(not_found_422("Customer since is invalid")),
            Some(since) => since,
            None => None,
        };
        let state = match text("state") {
            None => None,
            Some("signup") => Some(LeadState::Signup),
            Some("active" | "subscribed") => Some(LeadState::Active),
            Some("cancelled") => Some(LeadState::Cancelled),
            Some("denied") => {
                return Err(ServerAnswer::message(
                    400,
                    "the sandbox does not play the state denied",
                ));
            }
            Some(_) => return Err(not_found_422("State is invalid")),
        };
        let plan = text("plan_name").map(|plan| self.leads.plan(plan));
        let lead = self.leads.get_mut(place);
        lead.customer_since = since.or(lead.customer_since);
        lead.state = state.unwrap_or(lead.state);
        lead.plan = plan.or_else(|| lead.plan.clone());
        Ok(ServerAnswer::json(
            200,
            &self.lead_line(place, self.leads.get(place)),
        ))
    }

    /// Creates a payout of all that a promoter has not been paid. What another payout is about to pay is no part of
    /// it: the documents say "the entire unpaid amount". If there is nothing, it is refused, with our words.
    fn create_payout(
        &mut self,
        texts: &BTreeMap<String, String>,
        now: Moment,
    ) -> Result<ServerAnswer, ServerAnswer> {
        let named = match (texts.get("promoter_id"), texts.get("promoter_email")) {
            (Some(id), _) => {
                let id: Option<u64> = id.parse().ok();
                let mut places = 0..self.promoters.len();
                places.find(|place| Some(self.promoters.get(*place).id) == id)
            }
            (None, Some(email)) => self.promoters.by_email(email),
            (None, None) => {
                let message = "You need to pass either promoter_email or promoter_id.";
                return Err(not_found_422(message));
            }
        };
        let promoter = named.ok_or_else(|| not_found_422("Promoter not found"))?;
        let campaign = texts.get("campaign_id");
        if campaign.is_some_and(|id| *id != CAMPAIGN_ID.to_string()) {
            return Err(not_found_422("Campaign not found"));
        }
        let status = status_of_v1(texts)?;
        let ids = self.unpaid(|row| row.promoter == promoter);
        if ids.is_empty() {
            return Err(not_found_422("There is nothing to pay"));
        }
        let place = self.add_payout(promoter, ids, now);
        self.set_payout(place, status, now);
        Ok(ServerAnswer::json(
            200,
            &self.v1_payout(place, &self.payouts[place]),
        ))
    }

    /// Sets the status of a payout of version 1.
    fn update_payout(
        &mut self,
        texts: &BTreeMap<String, String>,
        now: Moment,
    ) -> Result<ServerAnswer, ServerAnswer> {
        let id = texts
            .get("id")
            .ok_or_else(|| not_found_422("You need to find the payout by id."))?;
        let place = id
            .parse()
            .ok()
            .and_then(|id| self.payout_place(id))
            .ok_or_else(|| not_found("Payment not found"))?;
        self.set_payout(place, status_of_v1(texts)?, now);
        Ok(ServerAnswer::json(
            200,
            &self.v1_payout(place, &self.payouts[place]),
        ))
    }

    /// Creates a payout for each promoter of the commissions that are named. Those that are not to be paid, or are in
    /// a payout already, are left out. Nothing is documented of that, nor of what the payout's id is.
    fn generate_payouts(&mut self, ids: &NamedIds, now: Moment) -> ServerAnswer {
        let named: BTreeSet<usize> = ids.ids.iter().copied().collect();
        let open = self.in_payouts();
        let mut by_promoter: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for id in named {
            let row = CommissionRef::from_id(id).and_then(|place| self.row(place));
            if let Some(row) = row.filter(|row| row.is_payable() && !open.contains(&id)) {
                by_promoter.entry(row.promoter).or_default().push(id);
            }
        }
        let done = by_promoter.values().map(Vec::len).sum();
        for (promoter, ids) in by_promoter {
            self.add_payout(promoter, ids, now);
        }
        let batch = batch("generate_payouts", ids, done, now);
        ServerAnswer::json(200, &batch)
    }

    /// Marks payouts as paid, and their commissions with them.
    fn mark_as_paid(&mut self, ids: &NamedIds, now: Moment) -> ServerAnswer {
        let places: BTreeSet<usize> = ids
            .ids
            .iter()
            .filter_map(|id| self.payout_place(*id))
            .collect();
        let mut promoters = BTreeSet::new();
        let mut total = 0;
        for &place in &places {
            self.set_payout(place, COMPLETED, now);
            promoters.insert(self.payouts[place].promoter);
            total += self.payouts[place].amount;
        }
        let is_async = ids.ids.len() > MOST_AT_ONCE;
        let body = BatchOfPayouts {
            data: batch(MARK_AS_PAID, ids, places.len(), now),
            meta: PayoutSums {
                total,
                promoters_count: promoters.len(),
                total_incl_tax: total,
                all_promoters_count: self.promoters.len(),
            },
        };
        ServerAnswer::json(if is_async { 202 } else { 200 }, &body)
    }

    /// Sets the notes of a commission of version 2.
    fn note(&mut self, id: usize, notes: &Notes) -> Result<ServerAnswer, ServerAnswer> {
        let place = CommissionRef::from_id(id)
            .filter(|place| self.row(*place).is_some())
            .ok_or_else(|| ServerAnswer::message(404, "Commission not found"))?;
        self.edit(place, |row| {
            let note = |new: &Option<String>, old: &mut Option<Rc<str>>| {
                if let Some(new) = new {
                    *old = Some(Rc::from(&**new));
                }
            };
            note(&notes.internal_note, &mut row.internal_note);
            note(&notes.external_note, &mut row.external_note);
        });
        let commission = self.commission_at(place);
        Ok(ServerAnswer::json(
            200,
            &commission.as_ref().map(v2::commission),
        ))
    }

    fn payout_place(&self, id: usize) -> Option<usize> {
        let place = id.checked_sub(payout_id(0))?;
        (place < self.payouts.len()).then_some(place)
    }

    /// Returns the ids of the commissions that are in a payout which is not cancelled or failed.
    fn in_payouts(&self) -> BTreeSet<usize> {
        let open = self
            .payouts
            .iter()
            .filter(|own| !matches!(&*own.status, "failed" | "cancelled"));
        open.flat_map(|own| own.commissions.iter().copied())
            .collect()
    }

    /// Returns the ids of the commissions that are to be paid and in no payout.
    fn unpaid(&self, is_wanted: impl Fn(&StoredCommission) -> bool) -> Vec<usize> {
        let open = self.in_payouts();
        let all = self.commission_refs();
        all.filter(|place| {
            let row = self.row(*place);
            row.is_some_and(|row| row.is_payable() && is_wanted(&row))
                && !open.contains(&place.id())
        })
        .map(CommissionRef::id)
        .collect()
    }

    fn add_payout(&mut self, promoter: usize, ids: Vec<usize>, now: Moment) -> usize {
        let rows = ids
            .iter()
            .filter_map(|id| CommissionRef::from_id(*id))
            .filter_map(|place| self.row(place));
        let amount = rows.map(|row| row.amount).sum();
        self.payouts
            .push(StoredPayout::pending(promoter, amount, ids, now));
        self.payouts.len() - 1
    }

    /// Sets the status of a payout; its commissions are paid when it is completed, and only then.
    fn set_payout(&mut self, place: usize, status: &str, now: Moment) {
        let payout = &mut self.payouts[place];
        status.clone_into(&mut payout.status);
        let is_paid = status == COMPLETED;
        payout.paid_at = is_paid.then_some(payout.paid_at.unwrap_or(now));
        for id in payout.commissions.clone() {
            if let Some(place) = CommissionRef::from_id(id) {
                self.edit(place, |row| row.is_paid = is_paid);
            }
        }
    }
}

/// Returns the status of a payout that version 1's parameters name.
fn status_of_v1(texts: &BTreeMap<String, String>) -> Result<&'static str, ServerAnswer> {
    match texts.get("status").map(String::as_str) {
        None | Some(PENDING) => Ok(PENDING),
        Some("processing") => Ok("processing"),
        Some(COMPLETED) => Ok(COMPLETED),
        Some(_) => Err(not_found_422("Status is invalid")),
    }
}

/// Returns what came of the ids of a call. More than five are said to be in progress, as documented; here they are
/// done before the answer.
fn batch(action_label: &'static str, ids: &NamedIds, done: usize, now: Moment) -> BatchBody {
    let total = ids.ids.len();
    BatchBody {
        id: 501_001,
        status: match (total > MOST_AT_ONCE, action_label) {
            (false, _) => "completed",
            (true, MARK_AS_PAID) => "pending",
            (true, _) => "in_progress",
        },
        total,
        selected_total: total,
        processed_count: done,
        failed_count: total - done.min(total),
        action_label,
        created_at: now,
        updated_at: now,
        meta: Empty {},
        progress: 100,
        processing_errors: [],
    }
}
