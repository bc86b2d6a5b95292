//! Both sides as the audit works with them: a small record of numbers for each row. What is text is
//! kept once, with a number ([`Code`]); the rest of a row is read from the columns when a finding
//! needs it.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use polars::prelude::{LazyFrame, PlHashMap};

use super::frames::{BilledColumns, CommissionColumns, Frames, LeadColumns};
use super::parallel::both;
use super::{AuditError, Promoter, Status};
use crate::journal::Outcome;

/// The number of a text that is kept once; 0 is what is not known.
pub(super) type Code = u32;

/// A month, counted from that before January of the year 0; 0 is what is not known.
pub(super) type Month = u32;

/// Texts, each kept once.
#[derive(Default)]
pub(super) struct Names {
    codes: PlHashMap<Box<str>, Code>,
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

    /// How many there are; the largest code.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn name(&self, code: Code) -> Option<&str> {
        let place = usize::try_from(code).ok()?.checked_sub(1)?;
        self.names.get(place).map(|name| &**name)
    }
}

/// Promoters, each kept once, by whichever of id, email and referral id is known first.
#[derive(Default)]
pub(super) struct Promoters {
    codes: [PlHashMap<Box<str>, Code>; 3],
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

    /// How many there are; the largest code.
    pub(super) fn len(&self) -> usize {
        self.promoters.len()
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
    pub(super) month: Month,
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
    pub(super) month: Month,
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
    campaign_names: HashMap<Code, String>,
    /// The campaign of each promoter's last commission, by the promoter's code.
    campaign_of: Vec<Code>,
    /// The currency of the commissions.
    pub(super) account_currency: Code,
}

impl Books {
    /// Reads both sides, side by side. Months are those of `zone`.
    pub(super) fn open(
        frames: Frames,
        account_currency: &str,
        zone: &TimeZone,
    ) -> Result<Books, AuditError> {
        let Frames {
            billed,
            commissions,
            leads,
        } = frames;
        let (theirs, ours) = both(
            || Theirs::read(commissions, leads, account_currency, zone),
            || Ours::read(billed, zone),
        );
        let (theirs, ours) = (theirs?, ours?);
        let Theirs {
            mut names,
            mut promoters,
            ..
        } = theirs;
        let mut rows = ours.rows;
        let name_codes = ours.names.names.iter();
        let name_codes: Vec<Code> = name_codes.map(|name| names.code(Some(name))).collect();
        let promoter_codes = ours.promoters.iter();
        let promoter_codes: Vec<Code> = promoter_codes
            .map(|keys| promoters.code(keys.each_ref().map(Option::as_deref)))
            .collect();
        for row in &mut rows {
            row.currency = translated(&name_codes, row.currency);
            row.plan = translated(&name_codes, row.plan);
            row.promoter = translated(&promoter_codes, row.promoter);
        }
        Ok(Books {
            account_currency: names.code(Some(account_currency)),
            ours: rows,
            theirs: theirs.rows,
            leads: theirs.leads,
            billed: ours.columns,
            commissions: theirs.columns,
            lead_columns: theirs.lead_columns,
            names,
            promoters,
            campaigns: theirs.campaigns,
            campaign_names: theirs.campaign_names,
            campaign_of: theirs.campaign_of,
        })
    }

    /// The campaign of a promoter's last commission.
    pub(super) fn campaign_of(&self, promoter: Code) -> Option<Code> {
        let place = usize::try_from(promoter).ok()?;
        self.campaign_of
            .get(place)
            .copied()
            .filter(|code| *code != 0)
    }

    /// The name of a campaign, and its number where both are known.
    pub(super) fn campaign(&self, code: Code) -> (Option<&str>, Option<&str>) {
        let key = self.campaigns.name(code);
        let name = self.campaign_names.get(&code).map(String::as_str);
        (name.or(key), key)
    }
}

/// What a code of one table is in another.
fn translated(codes: &[Code], code: Code) -> Code {
    let place = usize::try_from(code).ok();
    let place = place.and_then(|place| place.checked_sub(1));
    place
        .and_then(|place| codes.get(place))
        .copied()
        .unwrap_or(0)
}

/// Their side, with the leads.
struct Theirs {
    rows: Vec<TheirRow>,
    leads: Vec<LeadRow>,
    columns: CommissionColumns,
    lead_columns: LeadColumns,
    names: Names,
    promoters: Promoters,
    campaigns: Names,
    campaign_names: HashMap<Code, String>,
    campaign_of: Vec<Code>,
}

impl Theirs {
    fn read(
        commissions: LazyFrame,
        leads: LazyFrame,
        account_currency: &str,
        zone: &TimeZone,
    ) -> Result<Theirs, AuditError> {
        let columns = CommissionColumns::of(&commissions.collect()?)?;
        let lead_columns = LeadColumns::of(&leads.collect()?)?;
        let mut theirs = Theirs {
            rows: Vec::with_capacity(columns.height),
            leads: Vec::with_capacity(lead_columns.height),
            columns,
            lead_columns,
            names: Names::default(),
            promoters: Promoters::default(),
            campaigns: Names::default(),
            campaign_names: HashMap::new(),
            campaign_of: Vec::new(),
        };
        theirs.names.code(Some(account_currency));
        for row in 0..theirs.columns.height {
            let row = theirs.row(row, zone)?;
            theirs.rows.push(row);
        }
        theirs.read_leads();
        Ok(theirs)
    }

    fn row(&mut self, row: usize, zone: &TimeZone) -> Result<TheirRow, AuditError> {
        let columns = &self.columns;
        let status = columns.status.get(row).unwrap_or_default();
        let status = status.parse::<Status>();
        let other = columns.unit.get(row);
        let promoter = self.promoters.code(columns.promoter.get(row));
        let created_ms = columns.created_at_ms.get(row);
        let tier = columns.tier.get(row);
        let theirs = TheirRow {
            amount_cents: columns.amount_cents.get(row).unwrap_or(0),
            sale_cents: columns.sale_amount_cents.get(row),
            status: status.map_err(|error| AuditError::Columns(error.to_string()))?,
            unit: self.names.code(other.or(columns.currency.get(row))),
            is_cash: other.is_none(),
            tier: tier.and_then(|tier| tier.try_into().ok()).unwrap_or(1),
            is_split: columns.is_split.get(row),
            is_paid: columns.is_paid.get(row),
            created_ms,
            month: month_of(created_ms, zone),
            promoter,
            campaign: 0,
            plan: self.names.code(columns.plan.get(row)),
        };
        let campaign = self.campaign(row, promoter);
        Ok(TheirRow { campaign, ..theirs })
    }

    /// The campaign of a row, and what is learnt of it.
    fn campaign(&mut self, row: usize, promoter: Code) -> Code {
        let id = self.columns.campaign_id.get(row);
        let name = self.columns.campaign.get(row);
        let campaign = self.campaigns.code(id.or(name));
        if campaign == 0 {
            return 0;
        }
        let place = usize::try_from(promoter).unwrap_or(0);
        if self.campaign_of.len() <= place {
            self.campaign_of.resize(place + 1, 0);
        }
        self.campaign_of[place] = campaign;
        if id.is_some()
            && let Some(name) = name
            && !self.campaign_names.contains_key(&campaign)
        {
            self.campaign_names.insert(campaign, name.to_owned());
        }
        campaign
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
}

/// Our side, with codes of its own.
struct Ours {
    rows: Vec<OurRow>,
    columns: BilledColumns,
    names: Names,
    /// Id, email and referral id, in the order in which they came first.
    promoters: Vec<[Option<String>; 3]>,
}

impl Ours {
    fn read(billed: LazyFrame, zone: &TimeZone) -> Result<Ours, AuditError> {
        let columns = BilledColumns::of(&billed.collect()?)?;
        let mut rows = Vec::with_capacity(columns.height);
        let mut names = Names::default();
        let mut promoters: PlHashMap<[Option<&str>; 3], Code> = PlHashMap::default();
        let mut in_order = Vec::new();
        for row in 0..columns.height {
            let outcome = columns.outcome.get(row);
            let created_ms = columns.created_at_ms.get(row);
            let promoter = match columns.promoter.get(row) {
                [None, None, None] => 0,
                keys => *promoters.entry(keys).or_insert_with(|| {
                    in_order.push(keys.map(|key| key.map(str::to_owned)));
                    Code::try_from(in_order.len()).unwrap_or(Code::MAX)
                }),
            };
            rows.push(OurRow {
                is_refund: columns.is_refund(row),
                is_dispute: columns.is_dispute.get(row).unwrap_or(false),
                amount_cents: columns.amount_cents.get(row).unwrap_or(0),
                currency: names.code(columns.currency.get(row)),
                account_cents: columns.account_amount_cents.get(row),
                plan: names.code(columns.plan.get(row)),
                created_ms,
                month: month_of(created_ms, zone),
                outcome: outcome.and_then(|word| word.parse().ok()),
                promoter,
                commission_cents: columns.commission_cents.get(row),
            });
        }
        drop(promoters);
        Ok(Ours {
            rows,
            columns,
            names,
            promoters: in_order,
        })
    }
}

/// The month of an instant.
fn month_of(created_ms: Option<i64>, zone: &TimeZone) -> Month {
    let Some(date) = day_of(created_ms, zone) else {
        return 0;
    };
    let month = i64::from(date.year()) * 12 + i64::from(date.month());
    Month::try_from(month).unwrap_or(0)
}

/// The day of an instant.
pub(super) fn day_of(created_ms: Option<i64>, zone: &TimeZone) -> Option<jiff::civil::Date> {
    let moment = Timestamp::from_millisecond(created_ms?).ok()?;
    Some(zone.to_datetime(moment).date())
}
