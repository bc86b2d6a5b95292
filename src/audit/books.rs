//! Both sides as the audit works with them: a small record of numbers for each row. What is text is
//! kept once, with a number ([`Code`]); the rest of a row is read from the columns when a finding
//! needs it.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use polars::prelude::{DataFrame, PlHashMap};

use super::frames::{BilledColumns, Frames, LeadColumns, TheirColumns};
use super::parallel::both;
use super::similar_id::similar_id;
use super::{AuditError, AuditRules, LeadSplit, Promoter, Status};
use crate::event::sale_of_running_total;
use crate::journal::Outcome;

/// The number of a text that is kept once; 0 is what is not known.
pub(super) type Code = u32;

/// A month, counted from that before January of the year 0; 0 is what is not known.
pub(super) type Month = u32;

/// Texts, each kept once.
#[derive(Default)]
pub(super) struct CodedNames {
    codes: PlHashMap<Box<str>, Code>,
    names: Vec<Box<str>>,
    /// The code that was asked for last.
    last: Code,
}

impl CodedNames {
    pub(super) fn code(&mut self, name: Option<&str>) -> Code {
        let Some(name) = name else { return 0 };
        // Rows beside each other have the same currency, and often more.
        if self.name(self.last) == Some(name) {
            return self.last;
        }
        self.last = self.code_of(name);
        self.last
    }

    fn code_of(&mut self, name: &str) -> Code {
        if let Some(code) = self.codes.get(name) {
            return *code;
        }
        self.names.push(name.into());
        let code = Code::try_from(self.names.len()).unwrap_or(Code::MAX);
        self.codes.insert(name.into(), code);
        code
    }

    /// Returns the number of names, which is the largest code.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn name(&self, code: Code) -> Option<&str> {
        let place = usize::try_from(code).ok()?.checked_sub(1)?;
        self.names.get(place).map(|name| &**name)
    }
}

/// Holds id, email and referral id of a promoter, as far as a row has them.
type Keys<'k> = [Option<&'k str>; 3];

/// The promoters of some rows as they stand there, each combination of keys once and with a number.
struct Mentions<'k> {
    codes: PlHashMap<Keys<'k>, Code>,
    keys: Vec<Keys<'k>>,
}

impl<'k> Mentions<'k> {
    fn new() -> Self {
        Mentions {
            codes: PlHashMap::default(),
            keys: Vec::new(),
        }
    }

    fn code(&mut self, keys: Keys<'k>) -> Code {
        if keys.iter().all(Option::is_none) {
            return 0;
        }
        let all = &mut self.keys;
        *self.codes.entry(keys).or_insert_with(|| {
            all.push(keys);
            Code::try_from(all.len()).unwrap_or(Code::MAX)
        })
    }

    fn owned(self) -> Vec<[Option<String>; 3]> {
        let keys = self.keys.into_iter();
        keys.map(|keys| keys.map(|key| key.map(str::to_owned)))
            .collect()
    }
}

/// Promoters, each kept once, by whichever of id, email and referral id is known first.
#[derive(Default)]
pub(super) struct Promoters {
    codes: [PlHashMap<Box<str>, Code>; 3],
    promoters: Vec<[Option<Box<str>>; 3]>,
    /// Names that several promoters have.
    shared: HashSet<String>,
}

impl Promoters {
    /// Takes all that are mentioned, those with an id first, so that who is whom does not depend on
    /// the order of rows. Gives the code of each mention.
    fn resolve(
        &mut self,
        mentions: [&[[Option<String>; 3]]; 2],
        aliases: &[(String, String)],
    ) -> [Vec<Code>; 2] {
        let mut all: Vec<&[Option<String>; 3]> = mentions.into_iter().flatten().collect();
        all.sort_by_key(|keys| (keys[0].is_none(), *keys));
        for keys in all {
            self.code(keys.each_ref().map(Option::as_deref));
        }
        let other = self.aliases(aliases);
        self.find_shared();
        mentions.map(|mentions| {
            let codes = mentions.iter().map(|keys| {
                let code = self.code(keys.each_ref().map(Option::as_deref));
                other.get(&code).copied().unwrap_or(code)
            });
            codes.collect()
        })
    }

    /// Returns the names that count as another one. A new name that nobody has yet is that of a promoter of its own.
    fn aliases(&mut self, aliases: &[(String, String)]) -> HashMap<Code, Code> {
        let mut codes = HashMap::new();
        for (old, new) in aliases {
            let Some(old) = self.named(old) else { continue };
            let new = self.named(new).unwrap_or_else(|| {
                let lower = new.to_lowercase();
                if new.contains('@') {
                    self.code([None, Some(&lower), None])
                } else {
                    self.code([None, None, Some(new)])
                }
            });
            codes.insert(old, new);
        }
        codes
    }

    /// Returns the own promoter of each promoter that occurs.
    fn parents(&mut self, parents: &[(Promoter, Option<Promoter>)]) -> HashMap<Code, Code> {
        let mut codes = HashMap::new();
        for (promoter, parent) in parents {
            let name = promoter.id.as_deref().or(promoter.email.as_deref());
            if let Some(code) = name.and_then(|name| self.named(name)) {
                let parent = parent.as_ref().map_or(0, |parent| self.code_of(parent));
                codes.insert(code, parent);
            }
        }
        codes
    }

    /// Returns the promoters who share the commissions of leads, by the row of the lead.
    fn splits(
        &mut self,
        splits: &[(u32, LeadSplit)],
        aliases: &[(String, String)],
    ) -> HashMap<u32, Vec<(Code, i64)>> {
        let other = self.aliases(aliases);
        let mut of_lead: HashMap<u32, Vec<(Code, i64)>> = HashMap::new();
        for (row, split) in splits {
            let code = self.code_of(&split.promoter);
            let code = other.get(&code).copied().unwrap_or(code);
            of_lead.entry(*row).or_default().push((code, split.percent));
        }
        of_lead
    }

    fn code_of(&mut self, promoter: &Promoter) -> Code {
        let keys = [&promoter.id, &promoter.email, &promoter.ref_id];
        self.code(keys.map(|key| key.as_deref()))
    }

    /// Returns every id, email and referral id of the promoters.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let keys = self.promoters.iter().flatten();
        keys.filter_map(|key| key.as_deref())
    }

    /// Returns the promoter with an id, an email or a referral id.
    fn named(&self, name: &str) -> Option<Code> {
        let lower = name.to_lowercase();
        let [ids, emails, ref_ids] = &self.codes;
        let codes = [ids.get(name), emails.get(lower.as_str()), ref_ids.get(name)];
        codes.into_iter().flatten().next().copied()
    }

    fn code(&mut self, keys: [Option<&str>; 3]) -> Code {
        let known = keys
            .iter()
            .zip(&self.codes)
            .filter_map(|(key, codes)| codes.get((*key)?));
        // Two that have different ids are two, whatever else they share; and two of one name, which is not an email, if
        // they have different referral ids.
        let is_name = keys[1].is_some_and(|name| !name.contains('@'));
        let known = known.copied().find(|code| {
            let promoter = self.keys(*code);
            let differ = |key: usize| {
                let known = promoter.and_then(|keys| keys[key].as_deref());
                keys[key]
                    .zip(known)
                    .is_some_and(|(one, other)| one != other)
            };
            !(differ(0) || is_name && differ(2))
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

    /// Returns the number of promoters, which is the largest code.
    pub(super) fn len(&self) -> usize {
        self.promoters.len()
    }

    /// Returns the name of a promoter for readers; of several with one name each with the number or the referral id.
    pub(super) fn name(&self, code: Code) -> Option<String> {
        let promoter = self.promoter(code);
        let name = promoter.name()?;
        let number = promoter.id.as_deref().or(promoter.ref_id.as_deref());
        Some(match number.filter(|number| *number != name) {
            Some(number) if self.shared.contains(name) => format!("{name} ({number})"),
            _ => name.to_owned(),
        })
    }

    /// Finds the names that several promoters have.
    fn find_shared(&mut self) {
        let mut seen = HashSet::new();
        for code in (1..).take(self.promoters.len()) {
            if let Some(name) = self.promoter(code).name()
                && !seen.insert(name.to_owned())
            {
                self.shared.insert(name.to_owned());
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
    /// The amount in the account's currency.
    pub(super) account_cents: Option<i64>,
    /// The amount by the user's rates, if the API converted.
    pub(super) estimated_cents: Option<i64>,
    pub(super) plan: Code,
    pub(super) created_ms: Option<i64>,
    /// The time when the journal first had it.
    pub(super) recorded_ms: Option<i64>,
    pub(super) month: Month,
    pub(super) outcome: Option<Outcome>,
    /// The promoter of the API's answer.
    pub(super) promoter: Code,
    /// The commission of the API's answer.
    pub(super) commission_cents: Option<i64>,
}

impl OurRow {
    pub(super) fn created(&self) -> Option<i64> {
        self.created_ms
    }

    pub(super) fn recorded(&self) -> Option<i64> {
        self.recorded_ms
    }
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
    pub(super) is_by_hand: bool,
    pub(super) tier: u32,
    pub(super) is_split: Option<bool>,
    pub(super) is_paid: Option<bool>,
    pub(super) created_ms: Option<i64>,
    pub(super) month: Month,
    pub(super) promoter: Code,
    pub(super) campaign: Code,
    pub(super) plan: Code,
    /// `true` if that is the plan that the customer has now, whatever was sold.
    pub(super) is_plan_of_lead: bool,
}

impl TheirRow {
    pub(super) fn is_live(&self) -> bool {
        self.status != Status::Denied
    }

    /// Returns `true` if it reverses what a sale has earned.
    pub(super) fn is_reversal(&self) -> bool {
        self.amount_cents < 0 || self.sale_cents.is_some_and(|cents| cents < 0)
    }
}

/// Says to which promoter a customer belongs.
#[derive(Clone, Copy)]
pub(super) struct LeadRow {
    pub(super) promoter: Code,
    pub(super) created_ms: Option<i64>,
    pub(super) customer_since_ms: Option<i64>,
    pub(super) was_moved: bool,
    /// `true` if it earns nothing by now.
    pub(super) is_closed: bool,
    pub(super) campaign: Code,
}

/// How much later than the sale a lead may be created that the sale has made, or that its day has: a day in milliseconds.
const LEAD_SLACK_MS: i64 = 24 * 60 * 60 * 1000;

impl LeadRow {
    /// Returns `true` if the customer was referred by then, as far as the dates of the lead say: a lead that was imported
    /// later has the date of its first payment.
    pub(super) fn is_by(&self, sale_ms: Option<i64>) -> bool {
        let Some((created_ms, sale_ms)) = self.created_ms.zip(sale_ms) else {
            return true;
        };
        let first_ms = self.customer_since_ms.unwrap_or(created_ms);
        first_ms.min(created_ms) <= sale_ms.saturating_add(LEAD_SLACK_MS)
    }
}

/// Holds both sides, as the audit works with them.
pub(super) struct AuditData {
    pub(super) ours: Vec<OurRow>,
    pub(super) theirs: Vec<TheirRow>,
    pub(super) leads: Vec<LeadRow>,
    pub(super) billed: BilledColumns,
    pub(super) commissions: TheirColumns,
    pub(super) lead_columns: LeadColumns,
    /// The ids of events of ours that are held, without what spreadsheets and people change in one.
    pub(super) held_ids: HashSet<String>,
    /// The ids of events that unreadable commissions name, likewise; also of sales of which they name a running total.
    pub(super) unread_ids: [HashSet<String>; 2],
    /// The plans that rules name, or that commissions have by the plan of their customer.
    pub(super) known_plans: Vec<Code>,
    /// Plans, currencies and units.
    pub(super) names: CodedNames,
    pub(super) promoters: Promoters,
    /// The promoter's own promoter of each, as far as a list has it; 0 where it says that there is none.
    pub(super) parents: HashMap<Code, Code>,
    /// Those who share the commissions of leads, and their part in percent, by the row of the lead.
    pub(super) splits: HashMap<u32, Vec<(Code, i64)>>,
    /// The campaigns, by their number, else by their name.
    pub(super) campaigns: CodedNames,
    /// The names of campaigns, by their code.
    campaign_names: HashMap<Code, String>,
    /// The campaign of each promoter's last commission, by the promoter's code.
    campaign_of: Vec<Code>,
    /// The currency of the commissions.
    pub(super) account_currency: Code,
}

impl AuditData {
    /// Reads both sides, side by side. Months are those of `zone`.
    pub(super) fn open(
        frames: Frames,
        account_currency: &str,
        rules: &AuditRules,
    ) -> Result<AuditData, AuditError> {
        let (zone, aliases) = (&rules.zone, rules.aliases.as_slice());
        let Frames {
            billed,
            commissions,
            leads,
            held_ids,
            unread_ids,
            parents,
            splits,
        } = frames;
        let similar = |id: &str| similar_id(id).collect::<String>();
        let totals = unread_ids.iter().filter_map(|id| sale_of_running_total(id));
        let unread_ids = [
            unread_ids.iter().map(|id| similar(id)).collect(),
            totals.map(similar).collect(),
        ];
        let (theirs, ours) = both(
            || TheirCollector::read(&commissions, &leads, account_currency, zone),
            || OurCollector::read(&billed, zone),
        );
        let (mut theirs, ours) = (theirs?, ours?);
        let mut names = std::mem::take(&mut theirs.names);
        let mut promoters = Promoters::default();
        let mut rows = ours.rows;
        let name_codes: Vec<Code> = ours
            .names
            .names
            .iter()
            .map(|name| names.code(Some(name)))
            .collect();
        let [their_codes, our_codes] =
            promoters.resolve([&theirs.promoters, &ours.promoters], aliases);
        for row in &mut rows {
            row.currency = translated(&name_codes, row.currency);
            row.plan = translated(&name_codes, row.plan);
            row.promoter = translated(&our_codes, row.promoter);
        }
        theirs.translate(&their_codes);
        let known_plans = theirs.known_plans(rules, &mut names);
        let parents = promoters.parents(&parents);
        let splits = promoters.splits(&splits, aliases);
        Ok(AuditData {
            account_currency: names.code(Some(account_currency)),
            ours: rows,
            theirs: theirs.rows,
            leads: theirs.leads,
            billed: ours.columns,
            commissions: theirs.columns,
            unread_ids,
            held_ids: held_ids.iter().map(|id| similar_id(id).collect()).collect(),
            lead_columns: theirs.lead_columns,
            names,
            promoters,
            known_plans,
            parents,
            splits,
            campaigns: theirs.campaigns,
            campaign_names: theirs.campaign_names,
            campaign_of: theirs.campaign_of,
        })
    }

    /// Compares two commissions by their content, so that the order of rows does not matter.
    pub(super) fn in_order(&self, one: u32, other: u32) -> Ordering {
        let key = |row: u32| {
            let row = super::grouped::index(row);
            let theirs = &self.theirs[row];
            let columns = &self.commissions;
            (
                theirs.created_ms,
                columns.id.get(row).map(|id| (id.len(), id)),
                columns.event_id.get(row),
                theirs.promoter,
                (theirs.amount_cents, theirs.sale_cents, theirs.status),
            )
        };
        key(one).cmp(&key(other))
    }

    /// Returns the plans of sales and commissions.
    pub(super) fn plans(&self) -> impl Iterator<Item = &str> {
        let ours = self.ours.iter().map(|ours| ours.plan);
        let theirs = self.theirs.iter().map(|theirs| theirs.plan);
        let codes: HashSet<Code> = ours.chain(theirs).collect();
        codes.into_iter().filter_map(|code| self.names.name(code))
    }

    /// Returns the campaign of a promoter's last commission.
    pub(super) fn campaign_of(&self, promoter: Code) -> Option<Code> {
        let place = usize::try_from(promoter).ok()?;
        self.campaign_of
            .get(place)
            .copied()
            .filter(|code| *code != 0)
    }

    /// Returns the name of a campaign, and its number where both are known.
    pub(super) fn campaign(&self, code: Code) -> (Option<&str>, Option<&str>) {
        let key = self.campaigns.name(code);
        let name = self.campaign_names.get(&code).map(String::as_str);
        (name.or(key), key)
    }
}

/// Returns the code in another table.
fn translated(codes: &[Code], code: Code) -> Code {
    let place = usize::try_from(code)
        .ok()
        .and_then(|place| place.checked_sub(1));
    place
        .and_then(|place| codes.get(place))
        .copied()
        .unwrap_or(0)
}

/// Collects their side, with the leads.
struct TheirCollector {
    rows: Vec<TheirRow>,
    leads: Vec<LeadRow>,
    columns: TheirColumns,
    lead_columns: LeadColumns,
    names: CodedNames,
    /// The promoters in the order of their mention; rows have these numbers until [`TheirCollector::translate`].
    promoters: Vec<[Option<String>; 3]>,
    campaigns: CodedNames,
    campaign_names: HashMap<Code, String>,
    campaign_of: Vec<Code>,
}

impl TheirCollector {
    fn read(
        commissions: &DataFrame,
        leads: &DataFrame,
        account_currency: &str,
        zone: &TimeZone,
    ) -> Result<TheirCollector, AuditError> {
        let columns = TheirColumns::from_frame(commissions)?;
        let lead_columns = LeadColumns::from_frame(leads)?;
        let mut names = CodedNames::default();
        let mut campaigns = CodedNames::default();
        let mut mentions = Mentions::new();
        names.code(Some(account_currency));
        let mut rows = Vec::with_capacity(columns.height);
        for row in 0..columns.height {
            let (id, name) = (columns.campaign_id.get(row), columns.campaign.get(row));
            let theirs = their_row(&columns, row, &mut names, zone)?;
            rows.push(TheirRow {
                promoter: mentions.code(columns.promoter.get(row)),
                campaign: campaigns.code(id.or(name)),
                ..theirs
            });
        }
        let leads = (0..lead_columns.height).map(|row| LeadRow {
            promoter: mentions.code(lead_columns.promoter.get(row)),
            created_ms: lead_columns.created_at_ms.get(row),
            customer_since_ms: lead_columns.customer_since_ms.get(row),
            was_moved: lead_columns.was_moved.get(row).unwrap_or(false),
            is_closed: lead_columns.is_closed.get(row).unwrap_or(false),
            campaign: campaigns.code(
                lead_columns
                    .campaign_id
                    .get(row)
                    .or(lead_columns.campaign.get(row)),
            ),
        });
        let leads: Vec<LeadRow> = leads.collect();
        let promoters = mentions.owned();
        let mut campaign_names = campaign_names(&columns, &rows);
        for (row, lead) in leads.iter().enumerate() {
            let name = lead_columns.campaign.get(row);
            if let Some(name) = name.filter(|_| lead.campaign != 0) {
                campaign_names
                    .entry(lead.campaign)
                    .or_insert_with(|| name.to_owned());
            }
        }
        Ok(TheirCollector {
            rows,
            leads,
            columns,
            lead_columns,
            names,
            promoters,
            campaigns,
            campaign_names,
            campaign_of: Vec::new(),
        })
    }

    /// Returns the plans of which a commission may be that has only the plan of its customer.
    fn known_plans(&self, rules: &AuditRules, names: &mut CodedNames) -> Vec<Code> {
        let mut plans: Vec<Code> = rules.plans().map(|plan| names.code(Some(plan))).collect();
        let guessed = self.rows.iter().filter(|row| row.is_plan_of_lead);
        plans.extend(guessed.map(|row| row.plan));
        plans.sort_unstable();
        plans.dedup();
        plans
    }

    /// Gives rows the codes of promoters, and each promoter the campaign of the last commission.
    fn translate(&mut self, codes: &[Code]) {
        for lead in &mut self.leads {
            lead.promoter = translated(codes, lead.promoter);
        }
        let last = codes.iter().max().map_or(0, |last| place_of(*last));
        let mut campaigns = vec![(None, 0); last + 1];
        for row in &mut self.rows {
            row.promoter = translated(codes, row.promoter);
            let last = &mut campaigns[place_of(row.promoter)];
            if row.campaign != 0 && (last.1 == 0 || last.0 < row.created_ms) {
                *last = (row.created_ms, row.campaign);
            } else if last.0 == row.created_ms {
                let name = |code| self.campaigns.name(code);
                if name(row.campaign) > name(last.1) {
                    last.1 = row.campaign;
                }
            }
        }
        self.campaign_of = campaigns
            .into_iter()
            .map(|(_, campaign)| campaign)
            .collect();
    }
}

fn place_of(code: Code) -> usize {
    usize::try_from(code).unwrap_or(usize::MAX)
}

/// Returns a row without its promoter and its campaign.
fn their_row(
    columns: &TheirColumns,
    row: usize,
    names: &mut CodedNames,
    zone: &TimeZone,
) -> Result<TheirRow, AuditError> {
    let status = columns
        .status
        .get(row)
        .unwrap_or_default()
        .parse::<Status>();
    let other = columns.unit.get(row);
    let created_ms = columns.created_at_ms.get(row);
    let tier = columns.tier.get(row);
    Ok(TheirRow {
        amount_cents: columns.amount_cents.get(row).unwrap_or(0),
        sale_cents: columns.sale_amount_cents.get(row),
        status: status.map_err(|error| AuditError::Columns(error.to_string()))?,
        unit: names.code(other.or(columns.currency.get(row))),
        is_cash: other.is_none(),
        // Nor is a sale expected for a reward that is not money and names no event.
        is_by_hand: columns.is_by_hand.get(row).unwrap_or(false)
            || (other.is_some() && columns.event_id.get(row).is_none()),
        tier: tier.and_then(|tier| tier.try_into().ok()).unwrap_or(1),
        is_split: columns.is_split.get(row),
        is_paid: columns.is_paid.get(row),
        created_ms,
        month: month_of(created_ms, zone),
        promoter: 0,
        campaign: 0,
        plan: names.code(columns.plan.get(row)),
        is_plan_of_lead: columns.is_plan_of_lead.get(row).unwrap_or(false),
    })
}

/// Returns the last name of each campaign that has a number.
fn campaign_names(columns: &TheirColumns, rows: &[TheirRow]) -> HashMap<Code, String> {
    let mut names: HashMap<Code, (Option<i64>, &str)> = HashMap::new();
    for (row, theirs) in rows.iter().enumerate() {
        if columns.campaign_id.get(row).is_none() {
            continue;
        }
        if let Some(name) = columns.campaign.get(row) {
            let last = names.entry(theirs.campaign).or_insert((None, name));
            *last = (*last).max((theirs.created_ms, name));
        }
    }
    let names = names.into_iter();
    names
        .map(|(campaign, (_, name))| (campaign, name.to_owned()))
        .collect()
}

/// Collects our side, with codes of its own.
struct OurCollector {
    rows: Vec<OurRow>,
    columns: BilledColumns,
    names: CodedNames,
    /// The promoters in the order of their mention; rows have these numbers until they are translated.
    promoters: Vec<[Option<String>; 3]>,
}

impl OurCollector {
    fn read(billed: &DataFrame, zone: &TimeZone) -> Result<OurCollector, AuditError> {
        let columns = BilledColumns::from_frame(billed)?;
        let mut rows = Vec::with_capacity(columns.height);
        let mut names = CodedNames::default();
        let mut mentions = Mentions::new();
        for row in 0..columns.height {
            let outcome = columns.outcome.get(row);
            let created_ms = columns.created_at_ms.get(row);
            rows.push(OurRow {
                is_refund: columns.is_refund(row),
                is_dispute: columns.is_dispute.get(row).unwrap_or(false),
                amount_cents: columns.amount_cents.get(row).unwrap_or(0),
                currency: names.code(columns.currency.get(row)),
                account_cents: columns.account_amount_cents.get(row),
                estimated_cents: columns.estimated_amount_cents.get(row),
                plan: names.code(columns.plan.get(row)),
                created_ms,
                recorded_ms: columns.recorded_at_ms.get(row),
                month: month_of(created_ms, zone),
                outcome: outcome.and_then(|word| word.parse().ok()),
                promoter: mentions.code(columns.promoter.get(row)),
                commission_cents: columns.commission_cents.get(row),
            });
        }
        let promoters = mentions.owned();
        Ok(OurCollector {
            rows,
            columns,
            names,
            promoters,
        })
    }
}

/// Returns the month of an instant.
pub(super) fn month_of(created_ms: Option<i64>, zone: &TimeZone) -> Month {
    let Some(date) = day_of(created_ms, zone) else {
        return 0;
    };
    let month = i64::from(date.year()) * 12 + i64::from(date.month());
    Month::try_from(month).unwrap_or(0)
}

/// Returns the day of an instant.
pub(super) fn day_of(created_ms: Option<i64>, zone: &TimeZone) -> Option<jiff::civil::Date> {
    let moment = Timestamp::from_millisecond(created_ms?).ok()?;
    Some(zone.to_datetime(moment).date())
}

/// Holds the codes under which a line is added up.
#[derive(Clone, Copy, Debug)]
pub(super) struct TotalKey {
    pub(super) promoter: Code,
    pub(super) campaign: Code,
    pub(super) plan: Code,
    pub(super) month: Month,
    pub(super) unit: Code,
    pub(super) status: Option<Status>,
}
