//! The listings: they select lines by the query and return one page of them.

use std::borrow::Cow;

use serde::Serialize;

use super::commissions::{CommissionRef, ShownCommission};
use super::payouts::{StoredPayout, payout_id};
use super::{AccountState, books, v1, v2};
use crate::sandbox::answer::ServerAnswer;
use crate::sandbox::call::{ApiPath, ApiVersion, ListingKind, Requested};
use crate::sandbox::leads::{CallCustomer, LeadState, StoredLead};
use crate::sandbox::moment::Moment;
use crate::sandbox::promoters::StoredPromoter;

/// The size of a page of v1, as clients observed it; the vendor's documents don't say.
const V1_PER_PAGE: usize = 50;

const V2_PER_PAGE: usize = 20;
/// The most lines of a page: documented for v2 alone.
const MOST_PER_PAGE: usize = 100;

/// The query string of a listing.
struct Query<'q> {
    page: usize,
    per_page: usize,
    filters: Vec<(Cow<'q, str>, Cow<'q, str>)>,
}

/// One page, and the number of all lines.
struct ListingPage<T> {
    lines: Vec<T>,
    total: usize,
}

/// The paging that the headers of v1's answers describe.
pub(in crate::sandbox) struct Paging {
    pub(in crate::sandbox) page: usize,
    pub(in crate::sandbox) per_page: usize,
    pub(in crate::sandbox) total: usize,
}

impl AccountState {
    /// Answers a listing; v1's comes with the paging for its headers.
    pub(in crate::sandbox) fn list(
        &self,
        call: ApiPath,
        query: &str,
    ) -> (ServerAnswer, Option<Paging>) {
        let listed = match call.asked {
            Requested::List(list) => self.page(call.version, list, query),
            Requested::Promoter => self.show_promoter(query).map(|answer| (answer, None)),
            _ => self.show(query).map(|answer| (answer, None)),
        };
        match listed {
            Ok(listed) => listed,
            Err(refusal) => (refusal, None),
        }
    }

    fn page(
        &self,
        version: ApiVersion,
        list: ListingKind,
        query: &str,
    ) -> Result<(ServerAnswer, Option<Paging>), ServerAnswer> {
        let query = Query::read(version, query)?;
        match version {
            ApiVersion::V1 => {
                query.check(&V1_FILTERS, None)?;
                self.v1_page(list, &query)
            }
            ApiVersion::V2 => {
                let (played, order) = played(list);
                query.check(played, Some(order))?;
                Ok((self.v2_page(list, &query)?, None))
            }
        }
    }

    /// Returns a page of v1, with the paging for its headers. What is not of a promoter of the query is left out.
    fn v1_page(
        &self,
        list: ListingKind,
        query: &Query<'_>,
    ) -> Result<(ServerAnswer, Option<Paging>), ServerAnswer> {
        let wanted = self.one_promoter(query)?;
        Ok(match list {
            ListingKind::Leads => {
                let leads = self.places().filter(|(_, lead)| wanted(lead.promoter));
                query.v1(leads, |(place, lead)| self.lead_line(place, lead))
            }
            ListingKind::Rewards => {
                let rewards = self.commissions().filter(|own| wanted(own.promoter_place));
                query.v1(rewards, |commission| v1::reward_line(&commission))
            }
            ListingKind::Promoters => {
                let places = (0..self.promoters.len()).filter(|place| wanted(*place));
                query.v1(places, |place| {
                    v1::promoter_line(self.promoters.get(place), &self.books.standing(place))
                })
            }
            ListingKind::Payouts => {
                let status = query.get("status");
                let payouts = self
                    .placed_payouts()
                    .filter(|(_, own)| wanted(own.promoter) && own.has(status));
                query.v1(payouts, |(place, own)| self.v1_payout(place, own))
            }
        })
    }

    /// Returns a page of v2.
    fn v2_page(&self, list: ListingKind, query: &Query<'_>) -> Result<ServerAnswer, ServerAnswer> {
        Ok(match list {
            ListingKind::Payouts => {
                let filter = PayoutFilter::read(query)?;
                let payouts = self
                    .placed_payouts()
                    .filter(|(place, own)| filter.fits(self, *place, own));
                let payouts = query.sorted(payouts, "period_end", |(_, own)| own.created_at())?;
                let page = query.page(payouts.into_iter(), |(place, own)| {
                    self.v2_payout(place, own)
                });
                ServerAnswer::json(200, &page.lines)
            }
            ListingKind::Leads => {
                let filter = LeadFilter::read(query)?;
                let leads = self
                    .places()
                    .filter(|(place, lead)| filter.fits(self, *place, lead));
                let leads = query.sorted(leads, "created_at", |(_, lead)| lead.created_at)?;
                let page = query.page(leads.into_iter(), |(place, lead)| {
                    v2::referral_line(place, lead, self.promoters.get(lead.promoter))
                });
                ServerAnswer::json(200, &page.lines)
            }
            ListingKind::Rewards => {
                let filter = CommissionFilter::read(query)?;
                let rewards = self
                    .commissions_of(query.number("payout_id")?)
                    .filter(|own| filter.fits(own));
                let rewards = query.sorted(rewards, "created_at", |own| own.created_at)?;
                let page = query.page(rewards.into_iter(), |commission| {
                    v2::commission(&commission)
                });
                ServerAnswer::json(200, &page.lines)
            }
            ListingKind::Promoters => {
                let filter = PromoterFilter::read(query)?;
                let places = (0..self.promoters.len())
                    .filter(|place| filter.fits(self.promoters.get(*place)));
                let joined = |place: &usize| self.promoters.get(*place).created_at;
                let places = query.sorted(places, "joined_at", joined)?;
                let page = query.page(places.into_iter(), |place| {
                    v2::promoter_line(self.promoters.get(place), &self.books.standing(place))
                });
                let body = v2::PromoterPage {
                    data: page.lines,
                    meta: v2::PromoterMeta { pending_count: 0 },
                };
                ServerAnswer::json(200, &body)
            }
        })
    }

    /// Answers v2's `/referrals/{id}` and `/promoters/{id}`: one by its id, or by what `find_by` says that the name is.
    pub(in crate::sandbox) fn one(
        &self,
        list: ListingKind,
        name: &str,
        query: &str,
    ) -> ServerAnswer {
        let found = match list {
            ListingKind::Promoters => self.one_promoter_of_v2(name, query),
            _ => self.one_referral(name, query),
        };
        found.unwrap_or_else(|refusal| refusal)
    }

    fn one_referral(&self, name: &str, query: &str) -> Result<ServerAnswer, ServerAnswer> {
        let query = Query::read(ApiVersion::V2, query)?;
        let nobody = CallCustomer {
            email: None,
            uid: None,
        };
        let found = match query.get("find_by") {
            None => name
                .parse()
                .ok()
                .and_then(|id: usize| id.checked_sub(super::books::lead_id(0)))
                .filter(|place| *place < self.leads.count()),
            Some("email") => self.leads.seen(CallCustomer {
                email: Some(name),
                ..nobody
            }),
            Some("uid") => self.leads.seen(CallCustomer {
                uid: Some(name),
                ..nobody
            }),
            Some(other) => return Err(not_played(&format!("find_by={other}"))),
        };
        let place = found.ok_or_else(record_not_found)?;
        let lead = self.leads.get(place);
        let promoter = self.promoters.get(lead.promoter);
        Ok(ServerAnswer::json(
            200,
            &v2::referral_line(place, lead, promoter),
        ))
    }

    fn one_promoter_of_v2(&self, name: &str, query: &str) -> Result<ServerAnswer, ServerAnswer> {
        let query = Query::read(ApiVersion::V2, query)?;
        let found = match query.get("find_by") {
            None => {
                let id: Option<u64> = name.parse().ok();
                let mut places = 0..self.promoters.len();
                places.find(|place| Some(self.promoters.get(*place).id) == id)
            }
            Some("email") => self.promoters.by_email(name),
            Some("ref_token") => self.promoters.by_ref_id(name),
            Some("promo_code") => self.promoters.by_own_code(name),
            Some(other) => return Err(not_played(&format!("find_by={other}"))),
        };
        let place = found.ok_or_else(record_not_found)?;
        let standing = self.books.standing(place);
        let promoter = self.promoters.get(place);
        Ok(ServerAnswer::json(
            200,
            &v2::promoter_line(promoter, &standing),
        ))
    }

    /// Answers v1's `/leads/show`: one lead by id, email or uid.
    fn show(&self, query: &str) -> Result<ServerAnswer, ServerAnswer> {
        let query = Query::read(ApiVersion::V1, query)?;
        let place = self.lead_named(|name| query.get(name))?;
        Ok(ServerAnswer::json(
            200,
            &self.lead_line(place, self.leads.get(place)),
        ))
    }

    /// Returns the place of the lead that version 1's parameters name: by id, else by uid or email.
    pub(super) fn lead_named<'t>(
        &self,
        text: impl Fn(&str) -> Option<&'t str>,
    ) -> Result<usize, ServerAnswer> {
        let who = CallCustomer {
            email: text("email"),
            uid: text("uid"),
        };
        let place = match text("id") {
            Some(id) => {
                let id: Option<usize> = id.trim().parse().ok();
                let place = id.and_then(|id| id.checked_sub(super::books::lead_id(0)));
                place.filter(|place| *place < self.leads.count())
            }
            None if who.email.or(who.uid).is_none() => {
                return Err(not_found_422(
                    "You need to find the lead/customer either by id, uid or email.",
                ));
            }
            None => self.leads.seen(who),
        };
        place.ok_or_else(|| not_found("Lead not found"))
    }

    /// Answers v1's `/promoters/show`: one promoter by id, email or referral id. The sandbox has no
    /// `cust_id` and no `auth_token`.
    fn show_promoter(&self, query: &str) -> Result<ServerAnswer, ServerAnswer> {
        let query = Query::read(ApiVersion::V1, query)?;
        let found = match (
            query.get("id"),
            query.get("promoter_email"),
            query.get("ref_id"),
        ) {
            (Some(id), ..) => {
                let id: Option<u64> = id.trim().parse().ok();
                let mut places = 0..self.promoters.len();
                places.find(|place| Some(self.promoters.get(*place).id) == id)
            }
            (None, Some(email), _) => self.promoters.by_email(email),
            (None, None, Some(ref_id)) => self.promoters.by_ref_id(ref_id),
            (None, None, None) => {
                return Err(not_found_422(
                    "You need to find the promoter by id or email.",
                ));
            }
        };
        let place = found.ok_or_else(|| not_found("Promoter not found"))?;
        let standing = self.books.standing(place);
        Ok(ServerAnswer::json(
            200,
            &v1::promoter_line(self.promoters.get(place), &standing),
        ))
    }

    /// Returns the commissions of a payout, or all of them.
    fn commissions_of(
        &self,
        payout: Option<i64>,
    ) -> Box<dyn Iterator<Item = ShownCommission<'_>> + '_> {
        let Some(payout) = payout else {
            return Box::new(self.commissions());
        };
        let mut payouts = self.placed_payouts();
        let payout = payouts.find(|(place, _)| {
            u64::try_from(payout_id(*place)).is_ok_and(|id| fits(Some(payout), id))
        });
        let ids = payout.map_or(&[][..], |(_, payout)| &payout.commissions);
        let places = ids.iter().filter_map(|id| CommissionRef::from_id(*id));
        Box::new(places.filter_map(|place| self.commission_at(place)))
    }

    fn places(&self) -> impl Iterator<Item = (usize, &StoredLead)> {
        self.leads.iter().enumerate()
    }

    pub(super) fn lead_line<'a>(&'a self, place: usize, lead: &'a StoredLead) -> v1::LeadLine<'a> {
        let promoter = self.promoters.get(lead.promoter);
        v1::lead_line(place, lead, promoter, &self.books.standing(lead.promoter))
    }

    /// Returns the filter of v1, which always selects promoters. An unknown `ref_id` is an error,
    /// as documented; unknown ids give an empty list.
    fn one_promoter(&self, query: &Query<'_>) -> Result<impl Fn(usize) -> bool + '_, ServerAnswer> {
        let promotion_id = query.number("promotion_id")?;
        let promoter_id = query.number("promoter_id")?;
        let campaign_id = query.number("campaign_id")?;
        let by_ref_id = match query.get("ref_id") {
            None => None,
            Some(ref_id) => Some(
                self.promoters
                    .by_ref_id(ref_id)
                    .ok_or_else(|| not_found_422("Promotion not found"))?,
            ),
        };
        Ok(move |place: usize| {
            let promoter = self.promoters.get(place);
            fits(promotion_id, promoter.promotion_id)
                && fits(promoter_id, promoter.id)
                && fits(campaign_id, u64::from(books::CAMPAIGN_ID))
                && by_ref_id.is_none_or(|wanted| wanted == place)
        })
    }
}

impl<'q> Query<'q> {
    fn read(version: ApiVersion, text: &'q str) -> Result<Query<'q>, ServerAnswer> {
        let mut query = Query {
            page: 1,
            per_page: match version {
                ApiVersion::V1 => V1_PER_PAGE,
                ApiVersion::V2 => V2_PER_PAGE,
            },
            filters: form_urlencoded::parse(text.as_bytes())
                .filter(|(_, value)| !value.trim().is_empty())
                .collect(),
        };
        if let Some(page) = query.number("page")? {
            query.page = usize::try_from(page).unwrap_or(1).max(1);
        }
        if let Some(size) = query.number("per_page")? {
            query.per_page = usize::try_from(size).unwrap_or(1).clamp(1, MOST_PER_PAGE);
        }
        Ok(query)
    }

    /// Returns the value of `name`, or of `filters[name]`; the last one counts.
    fn get(&self, name: &str) -> Option<&str> {
        let same = |written: &str| {
            let inner = written.strip_prefix("filters[");
            let Some((head, tail)) = inner.and_then(|inner| inner.split_once(']')) else {
                return written == name;
            };
            // `filters[created_at][from]` is equal to `created_at[from]`.
            name.strip_prefix(head).is_some_and(|rest| rest == tail)
        };
        let found = self.filters.iter().rev().find(|(written, _)| same(written));
        found.map(|(_, value)| &**value)
    }

    fn number(&self, name: &str) -> Result<Option<i64>, ServerAnswer> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let number = text.trim().parse();
        number.map(Some).map_err(|_| bad_filter(name, text))
    }

    /// Returns the numbers of `ids[]`; empty if there are none.
    fn ids(&self) -> Result<Vec<i64>, ServerAnswer> {
        let texts = self.filters.iter().filter(|(name, _)| name == "ids[]");
        texts
            .map(|(_, text)| text.parse().map_err(|_| bad_filter("ids[]", text)))
            .collect()
    }

    /// Returns the span of `name[from]` and `name[to]`.
    fn span(&self, name: &str) -> Result<MomentSpan, ServerAnswer> {
        let read = |end: &str, parse: fn(&str) -> Option<Moment>| {
            let name = format!("{name}[{end}]");
            match self.get(&name) {
                None => Ok(None),
                Some(text) => parse(text).map(Some).ok_or_else(|| bad_filter(&name, text)),
            }
        };
        Ok(MomentSpan {
            from: read("from", Moment::parse)?,
            to: read("to", Moment::parse_end)?,
        })
    }

    /// Refuses what this sandbox does not play, so that no client believes that it was honoured.
    fn check(&self, played: &[&str], order: Option<&str>) -> Result<(), ServerAnswer> {
        let sorting = order.map(|order| format!("sorting[{order}]"));
        for (written, _) in &self.filters {
            let plain = match written
                .strip_prefix("filters[")
                .and_then(|inner| inner.split_once(']'))
            {
                Some((head, tail)) => format!("{head}{tail}"),
                None => written.to_string(),
            };
            let is_played = PAGING.contains(&&*plain) || played.contains(&&*plain);
            if !is_played && sorting.as_deref() != Some(&**written) {
                return Err(not_played(written));
            }
        }
        Ok(())
    }

    /// Returns the lines in the order that `sorting[ORDER]` sets.
    fn sorted<T>(
        &self,
        all: impl Iterator<Item = T>,
        order: &str,
        at: impl Fn(&T) -> Moment,
    ) -> Result<Vec<T>, ServerAnswer> {
        let mut all: Vec<T> = all.collect();
        let name = format!("sorting[{order}]");
        let asked = self
            .filters
            .iter()
            .rev()
            .find(|(written, _)| *written == name);
        match asked.map(|(_, word)| &**word) {
            None => {}
            Some("asc") => all.sort_by_key(at),
            Some("desc") => all.sort_by_key(|one| std::cmp::Reverse(at(one))),
            Some(other) => return Err(bad_filter(&name, other)),
        }
        Ok(all)
    }

    fn page<T, L>(&self, all: impl Iterator<Item = T>, line: impl Fn(T) -> L) -> ListingPage<L> {
        let first = (self.page - 1).saturating_mul(self.per_page);
        let last = first.saturating_add(self.per_page);
        let mut page = ListingPage {
            lines: Vec::new(),
            total: 0,
        };
        for one in all {
            if (first..last).contains(&page.total) {
                page.lines.push(line(one));
            }
            page.total += 1;
        }
        page
    }

    fn v1<T, L: Serialize>(
        &self,
        all: impl Iterator<Item = T>,
        line: impl Fn(T) -> L,
    ) -> (ServerAnswer, Option<Paging>) {
        let page = self.page(all, line);
        let paging = Paging {
            page: self.page,
            per_page: self.per_page,
            total: page.total,
        };
        (ServerAnswer::json(200, &page.lines), Some(paging))
    }
}

/// The parameters that all listings take. Version 1 has no search and no `ids[]`.
const PAGING: [&str; 4] = ["page", "per_page", "q", "ids[]"];

/// The filters of version 1's listings, and the integration's id, which clients send with every call.
const V1_FILTERS: [&str; 6] = [
    "wid",
    "status",
    "promotion_id",
    "promoter_id",
    "campaign_id",
    "ref_id",
];

/// Returns the filters of a listing of v2, and the moment by which it can be sorted.
fn played(list: ListingKind) -> (&'static [&'static str], &'static str) {
    match list {
        ListingKind::Leads => (
            &[
                "type",
                "state",
                "promoter_id",
                "campaign_id",
                "created_at[from]",
                "created_at[to]",
                "customer_since[from]",
                "customer_since[to]",
                "cancelled_at[from]",
                "cancelled_at[to]",
            ],
            "created_at",
        ),
        ListingKind::Rewards => (
            &[
                "status",
                "paid",
                "plan_id",
                "promoter_id",
                "campaign_id",
                "payout_id",
                "created_at[from]",
                "created_at[to]",
            ],
            "created_at",
        ),
        ListingKind::Promoters => (
            &[
                "state",
                "campaign_id",
                "joined_at[from]",
                "joined_at[to]",
                // No promoter has one here.
                "include_parent_promoter",
            ],
            "joined_at",
        ),
        ListingKind::Payouts => (&["status", "promoter_id", "campaign_id"], "period_end"),
    }
}

/// A span of time; both ends are part of it.
struct MomentSpan {
    from: Option<Moment>,
    to: Option<Moment>,
}

impl MomentSpan {
    /// Returns `true` if the moment is in the span. A missing moment is only in a span without
    /// ends.
    fn holds(&self, moment: Option<Moment>) -> bool {
        match moment {
            None => self.from.is_none() && self.to.is_none(),
            Some(moment) => {
                self.from.is_none_or(|from| from <= moment) && self.to.is_none_or(|to| moment <= to)
            }
        }
    }
}

/// The filters of v2's commissions.
struct CommissionFilter {
    search: Option<String>,
    ids: Vec<i64>,
    status: Option<String>,
    paid: Option<String>,
    plan_id: Option<String>,
    promoter_id: Option<i64>,
    campaign_id: Option<i64>,
    created_at: MomentSpan,
}

impl CommissionFilter {
    fn read(query: &Query<'_>) -> Result<CommissionFilter, ServerAnswer> {
        Ok(CommissionFilter {
            search: query.get("q").map(str::to_lowercase),
            ids: query.ids()?,
            status: query.get("status").map(str::to_owned),
            paid: query.get("paid").map(str::to_owned),
            plan_id: query.get("plan_id").map(str::to_owned),
            promoter_id: query.number("promoter_id")?,
            campaign_id: query.number("campaign_id")?,
            created_at: query.span("created_at")?,
        })
    }

    fn fits(&self, commission: &ShownCommission<'_>) -> bool {
        let lead = commission.lead.map(|(_, lead)| lead);
        let texts = [
            commission.event_id,
            lead.and_then(|lead| lead.email.as_deref()),
            lead.and_then(|lead| lead.uid.as_deref()),
        ];
        let paid = if commission.is_paid { "yes" } else { "no" };
        let is = |wanted: &Option<String>, word: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == word)
        };
        contains(self.search.as_deref(), &texts)
            && one_of(&self.ids, commission.id)
            && is(&self.status, commission.status.word())
            && is(&self.paid, paid)
            && (self.plan_id.is_none() || self.plan_id.as_deref() == commission.plan)
            && fits(self.promoter_id, commission.promoter.id)
            && fits(self.campaign_id, u64::from(books::CAMPAIGN_ID))
            && self.created_at.holds(Some(commission.created_at))
    }
}

/// The filters of v2's payouts.
struct PayoutFilter {
    search: Option<String>,
    ids: Vec<i64>,
    status: Option<String>,
    promoter_id: Option<i64>,
    campaign_id: Option<i64>,
}

impl PayoutFilter {
    fn read(query: &Query<'_>) -> Result<PayoutFilter, ServerAnswer> {
        Ok(PayoutFilter {
            search: query.get("q").map(str::to_lowercase),
            ids: query.ids()?,
            status: query.get("status").map(str::to_owned),
            promoter_id: query.number("promoter_id")?,
            campaign_id: query.number("campaign_id")?,
        })
    }

    fn fits(&self, account: &AccountState, place: usize, payout: &StoredPayout) -> bool {
        let promoter = account.promoters.get(payout.promoter);
        let name = promoter.name();
        contains(
            self.search.as_deref(),
            &[Some(&*promoter.email), Some(&*name)],
        ) && one_of(&self.ids, payout_id(place))
            && payout.has(self.status.as_deref())
            && fits(self.promoter_id, promoter.id)
            && fits(self.campaign_id, u64::from(books::CAMPAIGN_ID))
    }
}

/// The filters of v2's referrals.
struct LeadFilter {
    search: Option<String>,
    ids: Vec<i64>,
    kind: Option<String>,
    state: Option<String>,
    promoter_id: Option<i64>,
    campaign_id: Option<i64>,
    created_at: MomentSpan,
    customer_since: MomentSpan,
    cancelled_at: MomentSpan,
}

impl LeadFilter {
    fn read(query: &Query<'_>) -> Result<LeadFilter, ServerAnswer> {
        Ok(LeadFilter {
            search: query.get("q").map(str::to_lowercase),
            ids: query.ids()?,
            kind: query.get("type").map(str::to_owned),
            state: query.get("state").map(str::to_owned),
            promoter_id: query.number("promoter_id")?,
            campaign_id: query.number("campaign_id")?,
            created_at: query.span("created_at")?,
            customer_since: query.span("customer_since")?,
            cancelled_at: query.span("cancelled_at")?,
        })
    }

    fn fits(&self, account: &AccountState, place: usize, lead: &StoredLead) -> bool {
        let details = lead.details.as_deref();
        let texts = [
            lead.email.as_deref(),
            lead.uid.as_deref(),
            details.and_then(|details| details.username.as_deref()),
            details.and_then(|details| details.website.as_deref()),
        ];
        let kind = match lead.state {
            LeadState::Signup => "lead",
            LeadState::Active | LeadState::Cancelled => "customer",
        };
        let promoter = account.promoters.get(lead.promoter);
        contains(self.search.as_deref(), &texts)
            && one_of(&self.ids, super::books::lead_id(place))
            && self.kind.as_deref().is_none_or(|wanted| wanted == kind)
            && self
                .state
                .as_deref()
                .is_none_or(|state| state == lead.state.word())
            && fits(self.promoter_id, promoter.id)
            && fits(self.campaign_id, u64::from(books::CAMPAIGN_ID))
            && self.created_at.holds(Some(lead.created_at))
            && self.customer_since.holds(lead.customer_since)
            && self.cancelled_at.holds(lead.cancelled_at)
    }
}

/// The filters of v2's promoters.
struct PromoterFilter {
    search: Option<String>,
    ids: Vec<i64>,
    state: Option<String>,
    campaign_id: Option<i64>,
    joined_at: MomentSpan,
}

impl PromoterFilter {
    fn read(query: &Query<'_>) -> Result<PromoterFilter, ServerAnswer> {
        Ok(PromoterFilter {
            search: query.get("q").map(str::to_lowercase),
            ids: query.ids()?,
            state: query.get("state").map(str::to_owned),
            campaign_id: query.number("campaign_id")?,
            joined_at: query.span("joined_at")?,
        })
    }

    fn fits(&self, promoter: &StoredPromoter) -> bool {
        let name = promoter.name();
        let texts = [
            Some(&*promoter.email),
            Some(&*name),
            Some(&*promoter.ref_id),
        ];
        contains(self.search.as_deref(), &texts)
            && (self.ids.is_empty() || self.ids.iter().any(|id| fits(Some(*id), promoter.id)))
            && self
                .state
                .as_deref()
                .is_none_or(|state| state == v2::state(promoter))
            && fits(self.campaign_id, u64::from(books::CAMPAIGN_ID))
            && self.joined_at.holds(Some(promoter.created_at))
    }
}

/// Returns `true` if one of the texts contains the search text, ignoring case. The vendor's
/// documents say which fields are searched, but not how.
fn contains(search: Option<&str>, texts: &[Option<&str>]) -> bool {
    let Some(search) = search else { return true };
    texts
        .iter()
        .flatten()
        .any(|text| text.to_lowercase().contains(search))
}

fn one_of(ids: &[i64], id: usize) -> bool {
    ids.is_empty() || i64::try_from(id).is_ok_and(|id| ids.contains(&id))
}

fn fits(wanted: Option<i64>, id: u64) -> bool {
    wanted.is_none_or(|wanted| u64::try_from(wanted).is_ok_and(|wanted| wanted == id))
}

/// Returns the refusal of what this sandbox does not play.
fn not_played(what: &str) -> ServerAnswer {
    ServerAnswer::message(400, &format!("the sandbox does not play `{what}`"))
}

/// Returns v2's answer where there is no such record.
fn record_not_found() -> ServerAnswer {
    #[derive(serde::Serialize)]
    struct Body {
        message: &'static str,
        code: &'static str,
    }
    let body = Body {
        message: "Record not found",
        code: "not_found",
    };
    ServerAnswer::json(404, &body)
}

fn bad_filter(name: &str, text: &str) -> ServerAnswer {
    ServerAnswer::message(400, &format!("{name} is not valid: {text}"))
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
}

pub(super) fn not_found(error: &str) -> ServerAnswer {
    ServerAnswer::json(404, &ErrorBody { error })
}

pub(super) fn not_found_422(error: &str) -> ServerAnswer {
    ServerAnswer::json(422, &ErrorBody { error })
}
