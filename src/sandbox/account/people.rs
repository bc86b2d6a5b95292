//! Version 1's calls that add promoters, rewards and subscribers. What the vendor's documents don't say is marked where it
//! was decided.

use std::collections::BTreeMap;

use serde::Serialize;

use super::books::CAMPAIGN_ID;
use super::commissions::StoredStatus;
use super::listing::{not_found, not_found_422};
use super::{AccountState, CallCustomer, LeadSource, NewLead, StoredPromoter, v1};
use crate::sandbox::answer::ServerAnswer;
use crate::sandbox::moment::Moment;

/// The units of rewards that are no money.
const REWARD_TYPES: [&str; 5] = [
    "points",
    "credits",
    "free_months",
    "discount_per",
    "discount_mon",
];

/// The refusal of a new promoter, by the vendor's schema.
#[derive(Serialize)]
struct PromoterRefusal {
    #[serde(rename = "company_user.user.email")]
    email: Vec<&'static str>,
    promotions: [(); 0],
    message: &'static str,
}

fn refused(email: Option<&'static str>, message: &'static str) -> ServerAnswer {
    let refusal = PromoterRefusal {
        email: Vec::from_iter(email),
        promotions: [],
        message,
    };
    ServerAnswer::json(422, &refusal)
}

/// Returns `true` for what can be a referral id: lower-case letters, digits, `-` and `_`.
fn is_ref_id(text: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
    !text.is_empty() && text.bytes().all(is_letter)
}

impl AccountState {
    /// Adds a promoter. Without a `ref_id`, it is made of the first name, else of the email.
    pub(super) fn create_promoter(
        &mut self,
        texts: &BTreeMap<String, String>,
        now: Moment,
    ) -> Result<ServerAnswer, ServerAnswer> {
        let text = |name: &str| texts.get(name).map(String::as_str);
        let email =
            text("email").ok_or_else(|| refused(Some("can't be blank"), "Email can't be blank"))?;
        if self.promoters.by_email(email).is_some() {
            return Err(refused(
                Some("has already been taken"),
                "Email has already been taken",
            ));
        }
        let campaign = text("campaign_id");
        if campaign.is_some_and(|id| id != CAMPAIGN_ID.to_string()) {
            return Err(refused(None, "Campaign not found"));
        }
        let ref_id = match text("ref_id") {
            Some(id) if !is_ref_id(id) => return Err(refused(None, "Ref id is invalid")),
            Some(id) if self.promoters.by_ref_id(id).is_some() => {
                return Err(refused(None, "Ref id has already been taken"));
            }
            Some(id) => id.to_owned(),
            None => self.free_ref_id(text("first_name").unwrap_or(email)),
        };
        let of =
            |part: fn(&StoredPromoter) -> u64| self.promoters.iter().map(part).max().unwrap_or(0);
        let owned = |name: &str| text(name).unwrap_or_default().to_owned();
        let new = StoredPromoter {
            id: of(|own| own.id) + 1,
            promotion_id: of(|own| own.promotion_id) + 1,
            email: email.to_owned(),
            first_name: owned("first_name"),
            last_name: owned("last_name"),
            ref_id,
            promo_code: text("promo_code").map(str::to_owned),
            rate: None,
            is_banned: false,
            created_at: now,
        };
        self.promoters.add(new);
        self.books.add_promoter();
        Ok(self.promoter_answer(self.promoters.len() - 1))
    }

    fn free_ref_id(&self, name: &str) -> String {
        let name: String = name
            .split('@')
            .next()
            .unwrap_or_default()
            .to_lowercase()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        let name = if name.is_empty() { "promoter" } else { &name };
        let mut all = (1..).map(|number: u32| match number {
            1 => name.to_owned(),
            _ => format!("{name}{number}"),
        });
        let free = all.find(|id| self.promoters.by_ref_id(id).is_none());
        free.unwrap_or_default()
    }

    /// Changes a promoter, who is found by id, else by referral id, else by email.
    pub(super) fn update_promoter(
        &mut self,
        texts: &BTreeMap<String, String>,
    ) -> Result<ServerAnswer, ServerAnswer> {
        let text = |name: &str| texts.get(name).map(String::as_str);
        let found = match (text("id"), text("ref_id"), text("email")) {
            (Some(id), ..) => {
                let id: Option<u64> = id.trim().parse().ok();
                let mut places = 0..self.promoters.len();
                places.find(|place| Some(self.promoters.get(*place).id) == id)
            }
            (None, Some(ref_id), _) => self.promoters.by_ref_id(ref_id),
            (None, None, Some(email)) => self.promoters.by_email(email),
            (None, None, None) => {
                return Err(not_found_422(
                    "You need to find the promoter either by id, cust_id, auth_token, ref_id, promoter_email or promo_code",
                ));
            }
        };
        let place = found.ok_or_else(|| not_found("Promoter not found"))?;
        let new_ref_id = text("new_ref_id");
        if let Some(id) = new_ref_id {
            let owner = self.promoters.by_ref_id(id);
            if !is_ref_id(id) || owner.is_some_and(|owner| owner != place) {
                return Err(not_found_422("Ref id is invalid or taken"));
            }
        }
        let mut new = self.promoters.get(place).clone();
        let set = |field: &mut String, value: Option<&str>| {
            if let Some(value) = value {
                value.clone_into(field);
            }
        };
        set(&mut new.ref_id, new_ref_id);
        set(&mut new.email, text("email"));
        set(&mut new.first_name, text("first_name"));
        set(&mut new.last_name, text("last_name"));
        new.promo_code = text("promo_code").map(str::to_owned).or(new.promo_code);
        self.promoters.replace(place, new);
        Ok(self.promoter_answer(place))
    }

    fn promoter_answer(&self, place: usize) -> ServerAnswer {
        let standing = self.books.standing(place);
        let line = v1::promoter_line(self.promoters.get(place), &standing);
        ServerAnswer::json(200, &line)
    }

    /// Adds a reward that is no money, to the promoter of a lead or of a promotion.
    pub(super) fn create_reward(
        &mut self,
        texts: &BTreeMap<String, String>,
        now: Moment,
    ) -> Result<ServerAnswer, ServerAnswer> {
        let text = |name: &str| texts.get(name).map(String::as_str);
        let unit = text("reward_type")
            .filter(|unit| REWARD_TYPES.contains(unit))
            .ok_or_else(|| not_found_422("Reward type is invalid"))?;
        let parsed: Option<i64> = text("amount").and_then(|amount| amount.parse().ok());
        let amount = parsed.ok_or_else(|| not_found_422("Amount is invalid"))?;
        let status = match text("status") {
            None | Some("approved") => StoredStatus::Approved,
            Some("pending") => StoredStatus::Pending,
            Some("denied") => StoredStatus::Denied,
            Some(_) => return Err(not_found_422("Status is invalid")),
        };
        let named = |name: &str| text(if name == "id" { "lead_id" } else { name });
        let is_of_lead = ["id", "uid", "email"]
            .iter()
            .any(|name| named(name).is_some());
        let (lead, promoter) = if is_of_lead {
            let lead = self
                .lead_named(named)
                .map_err(|_| not_found_422("Lead not found"))?;
            (Some(lead), self.leads.get(lead).promoter)
        } else {
            let by_promotion: Option<u64> = text("promotion_id").and_then(|id| id.parse().ok());
            let mut places = 0..self.promoters.len();
            let place = match (text("ref_id"), by_promotion) {
                (Some(ref_id), _) => self.promoters.by_ref_id(ref_id),
                (None, Some(id)) => {
                    places.find(|place| self.promoters.get(*place).promotion_id == id)
                }
                (None, None) => None,
            };
            (
                None,
                place.ok_or_else(|| not_found_422("Promotion not found"))?,
            )
        };
        let place = self.add_reward((promoter, lead), (amount, unit), status, now);
        let commission = self.commission_at(place);
        Ok(ServerAnswer::json(
            200,
            &commission.as_ref().map(v1::reward_line),
        ))
    }

    /// Registers a subscriber: the lead of the promoter who is named, or one that is there.
    pub(super) fn subscriber(
        &mut self,
        texts: &BTreeMap<String, String>,
        now: Moment,
    ) -> Result<ServerAnswer, ServerAnswer> {
        let text = |name: &str| texts.get(name).map(String::as_str);
        let who = CallCustomer {
            email: text("email"),
            uid: text("uid"),
        };
        if who.email.or(who.uid).is_none() {
            let message = "Error. Email and uid can not be blank!";
            return Err(ServerAnswer::message(400, message));
        }
        let created_at = match text("created_at").map(Moment::parse) {
            Some(None) => return Err(ServerAnswer::message(400, "Error. Created at invalid.")),
            Some(Some(at)) => at,
            None => now,
        };
        let named = match (text("ref_id"), text("tid"), text("promoter_email")) {
            (Some(id), ..) => Some(self.promoters.by_ref_id(id)),
            (None, Some(tid), _) => Some(self.promoters.by_visit(tid)),
            (None, None, Some(email)) => Some(self.promoters.by_email(email)),
            (None, None, None) => None,
        };
        let named = match named {
            Some(None) => return Err(ServerAnswer::empty(404)),
            named => named.flatten(),
        };
        let place = match (self.leads.seen(who), named) {
            (Some(place), _) => place,
            (None, None) => return Err(ServerAnswer::nothing()),
            (None, Some(promoter)) => {
                let source = LeadSource::Api;
                let new = NewLead {
                    promoter,
                    source,
                    created_at,
                };
                self.leads.create(who, new)
            }
        };
        let lead = self.leads.get_mut(place);
        if lead.has_subscribed {
            let message = "The 'subscriber' event for this lead already exists.";
            return Err(ServerAnswer::message(409, message));
        }
        lead.has_subscribed = true;
        let lead = self.leads.get(place);
        let promoter = self.promoters.get(lead.promoter);
        let standing = self.books.standing(lead.promoter);
        let body = v1::subscriber(place, lead, promoter, &standing);
        Ok(ServerAnswer::json(200, &body))
    }
}
