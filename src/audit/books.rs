//! Both sides as the audit works with them: a small record of numbers for each row. What is text is
//! kept once, with a number ([`Code`]); the rest of a row is read from the columns when a finding
//! needs it.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::frames::{BilledColumns, CommissionColumns, Frames, LeadColumns};
use super::{AuditError, Promoter, Status};
use crate::journal::Outcome;

/// The number of a text that is kept once; 0 is what is not known.
pub(super) type Code = u32;

/// Texts, each kept once.
#[derive(Default)]
pub(super) struct Names {
    codes: HashMap<Box<str>, Code>,
    names: Vec<Box<str>>,
}

impl Names {
    pub(super) fn code(&mut self, name: Option<&str>) -> Code {
        let Some(name) = name else { return 0 };
        if let Some(code) = self.codes.get(name) {
            return *code;
        }
        self.names.push(name.into());
        let code = Code::try_from(self.names.len()).unwrap_or(Code::MAX);
        self.codes.insert(name.into(), code);
        code
    }

    pub(super) fn name(&self, code: Code) -> Option<&str> {
        let place = usize::try_from(code).ok()?.checked_sub(1)?;
        self.names.get(place).map(|name| &**name)
    }
}

/// Promoters, each kept once, by whichever of id, email and referral id is known first.
#[derive(Default)]
pub(super) struct Promoters {
    codes: [HashMap<Box<str>, Code>; 3],
    promoters: Vec<[Option<Box<str>>; 3]>,
}

impl Promoters {
    fn code(&mut self, keys: [Option<&str>; 3]) -> Code {
        let known = keys.iter().zip(&self.codes);
        let known = known.filter_map(|(key, codes)| codes.get((*key)?));
        // Two that have different ids are two, whatever else they share.
        let known = known.copied().find(|code| {
            let promoter = self.keys(*code);
            let ids = keys[0].zip(promoter.and_then(|keys| keys[0].as_deref()));
            ids.is_none_or(|(one, other)| one == other)
        });
        let Some(code) = known else {
            if keys.iter().all(Option::is_none) {
                return 0;
            }
            self.promoters.push(keys.map(|key| key.map(Into::into)));
            let code = Code::try_from(self.promoters.len()).unwrap_or(Code::MAX);
            self.learn(code, keys);
            return code;
        };
        let lacks = |keys_known: &[Option<Box<str>>; 3]| {
            keys.iter()
                .zip(keys_known)
                .any(|(key, known)| key.is_some() && known.is_none())
        };
        if self.keys(code).is_some_and(lacks) {
            self.learn(code, keys);
        }
        code
    }

    fn keys(&self, code: Code) -> Option<&[Option<Box<str>>; 3]> {
        self.promoters
            .get(usize::try_from(code).ok()?.checked_sub(1)?)
    }

    fn learn(&mut self, code: Code, keys: [Option<&str>; 3]) {
        let place = usize::try_from(code).unwrap_or(usize::MAX).wrapping_sub(1);
        let Some(promoter) = self.promoters.get_mut(place) else {
            return;
        };
        for ((key, known), codes) in keys.iter().zip(promoter).zip(&mut self.codes) {
            if let Some(key) = key {
                known.get_or_insert_with(|| (*key).into());
                codes.entry((*key).into()).or_insert(code);
            }
        }
    }

    pub(super) fn promoter(&self, code: Code) -> Promoter {
        let keys = self.keys(code).cloned().unwrap_or_default();
        let [id, email, ref_id] = keys.map(|key| key.map(String::from));
        Promoter { id, email, ref_id }
    }
}

/// A sale or a refund of ours.
#[derive(Clone, Copy)]
pub(super) struct OurRow {
    pub(super) is_refund: bool,
    pub(super) is_dispute: bool,
    pub(super) amount_cents: i64,
    pub(super) currency: Code,
    /// In the account's currency.
    pub(super) account_cents: Option<i64>,
    pub(super) plan: Code,
    pub(super) created_ms: Option<i64>,
    pub(super) outcome: Option<Outcome>,
    /// The promoter of the API's answer.
    pub(super) promoter: Code,
    /// The commission of the API's answer.
    pub(super) commission_cents: Option<i64>,
}

/// A commission of theirs.
#[derive(Clone, Copy)]
pub(super) struct TheirRow {
    pub(super) amount_cents: i64,
    pub(super) sale_cents: Option<i64>,
    pub(super) status: Status,
    /// Currency, or the word of what is no money.
    pub(super) unit: Code,
    pub(super) is_cash: bool,
    pub(super) tier: u32,
    pub(super) is_split: Option<bool>,
    pub(super) is_paid: Option<bool>,
    pub(super) created_ms: Option<i64>,
    pub(super) promoter: Code,
    pub(super) campaign: Code,
    pub(super) plan: Code,
}

impl TheirRow {
    pub(super) fn is_live(&self) -> bool {
        self.status != Status::Denied
    }

    /// Whether it takes back what a sale has earned.
    pub(super) fn takes_back(&self) -> bool {
        self.amount_cents < 0 || self.sale_cents.is_some_and(|cents| cents < 0)
    }
}

/// Whose customer somebody is.
#[derive(Clone, Copy)]
pub(super) struct LeadRow {
    pub(super) promoter: Code,
    pub(super) created_ms: Option<i64>,
    pub(super) customer_since_ms: Option<i64>,
}

/// All of it.
pub(super) struct Books {
    pub(super) ours: Vec<OurRow>,
    pub(super) theirs: Vec<TheirRow>,
    pub(super) leads: Vec<LeadRow>,
    pub(super) billed: BilledColumns,
    pub(super) commissions: CommissionColumns,
    pub(super) lead_columns: LeadColumns,
    /// Plans, currencies and units.
    pub(super) names: Names,
    pub(super) promoters: Promoters,
    /// By the number of the campaign, else its name.
    pub(super) campaigns: Names,
    /// The names of campaigns, by their code.
    pub(super) campaign_names: HashMap<Code, String>,
    /// The campaign of each promoter's last commission.
    pub(super) campaign_of: HashMap<Code, Code>,
    /// The currency of the commissions.
    pub(super) account_currency: Code,
}

impl Books {
    pub(super) fn open(frames: Frames, account_currency: &str) -> Result<Books, AuditError> {
        let billed = BilledColumns::of(&frames.billed.collect()?)?;
        let commissions = CommissionColumns::of(&frames.commissions.collect()?)?;
        let lead_columns = LeadColumns::of(&frames.leads.collect()?)?;
        let mut names = Names::default();
        let account_currency = names.code(Some(account_currency));
        let mut books = Books {
            ours: Vec::with_capacity(billed.height),
            theirs: Vec::with_capacity(commissions.height),
            leads: Vec::with_capacity(lead_columns.height),
            billed,
            commissions,
            lead_columns,
            names,
            promoters: Promoters::default(),
            campaigns: Names::default(),
            campaign_names: HashMap::new(),
            campaign_of: HashMap::new(),
            account_currency,
        };
        books.read_theirs()?;
        books.read_leads();
        books.read_ours();
        Ok(books)
    }

    fn read_theirs(&mut self) -> Result<(), AuditError> {
        let columns = &self.commissions;
        for row in 0..columns.height {
            let status = columns.status.get(row).unwrap_or_default();
            let status = status.parse::<Status>();
            let other = columns.unit.get(row);
            let campaign_id = columns.campaign_id.get(row);
            let campaign_name = columns.campaign.get(row);
            let campaign = self.campaigns.code(campaign_id.or(campaign_name));
            if campaign_id.is_some()
                && let Some(name) = campaign_name
                && !self.campaign_names.contains_key(&campaign)
            {
                self.campaign_names.insert(campaign, name.to_owned());
            }
            let promoter = self.promoters.code(columns.promoter.get(row));
            if campaign != 0 {
                self.campaign_of.insert(promoter, campaign);
            }
            self.theirs.push(TheirRow {
                amount_cents: columns.amount_cents.get(row).unwrap_or(0),
                sale_cents: columns.sale_amount_cents.get(row),
                status: status.map_err(|error| AuditError::Columns(error.to_string()))?,
                unit: self.names.code(other.or(columns.currency.get(row))),
                is_cash: other.is_none(),
                tier: columns
                    .tier
                    .get(row)
                    .and_then(|tier| tier.try_into().ok())
                    .unwrap_or(1),
                is_split: columns.is_split.get(row),
                is_paid: columns.is_paid.get(row),
                created_ms: columns.created_at_ms.get(row),
                promoter,
                campaign,
                plan: self.names.code(columns.plan.get(row)),
            });
        }
        Ok(())
    }

    fn read_leads(&mut self) {
        let columns = &self.lead_columns;
        for row in 0..columns.height {
            self.leads.push(LeadRow {
                promoter: self.promoters.code(columns.promoter.get(row)),
                created_ms: columns.created_at_ms.get(row),
                customer_since_ms: columns.customer_since_ms.get(row),
            });
        }
    }

    fn read_ours(&mut self) {
        let columns = &self.billed;
        for row in 0..columns.height {
            let outcome = columns.outcome.get(row);
            self.ours.push(OurRow {
                is_refund: columns.is_refund(row),
                is_dispute: columns.is_dispute.get(row).unwrap_or(false),
                amount_cents: columns.amount_cents.get(row).unwrap_or(0),
                currency: self.names.code(columns.currency.get(row)),
                account_cents: columns.account_amount_cents.get(row),
                plan: self.names.code(columns.plan.get(row)),
                created_ms: columns.created_at_ms.get(row),
                outcome: outcome.and_then(|word| word.parse().ok()),
                promoter: self.promoters.code(columns.promoter.get(row)),
                commission_cents: columns.commission_cents.get(row),
            });
        }
    }

    /// The name of a campaign, and its number where both are known.
    pub(super) fn campaign(&self, code: Code) -> (Option<&str>, Option<&str>) {
        let key = self.campaigns.name(code);
        let name = self.campaign_names.get(&code).map(String::as_str);
        (name.or(key), key)
    }
}

/// The month of an instant, counted from year 0.
pub(super) fn month_of(created_ms: Option<i64>, zone: &TimeZone) -> Option<i64> {
    let date = day_of(created_ms, zone)?;
    Some(i64::from(date.year()) * 12 + i64::from(date.month()) - 1)
}

/// The day of an instant.
pub(super) fn day_of(created_ms: Option<i64>, zone: &TimeZone) -> Option<jiff::civil::Date> {
    let moment = Timestamp::from_millisecond(created_ms?).ok()?;
    Some(zone.to_datetime(moment).date())
}
