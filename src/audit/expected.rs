//! Works out the expected commission of a sale: by the rules, or, where none fits, by the rate that most commissions of
//! its promoter and plan have.

use std::collections::{HashMap, HashSet};

use polars::prelude::PlHashMap;

use super::books::{AuditData, Code, day_of};
use super::rate::Rate;
use super::rules::{CommissionRate, Deal, Payments, Rule};
use super::unchecked::UncheckedReason;
use super::{AuditRules, InferredRate};

/// The number of commissions that are needed to prove a rate.
const FEWEST: u64 = 3;

/// The key by which a rate is chosen, apart from the date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TermsKey {
    pub(super) promoter: Code,
    pub(super) campaign: Code,
    pub(super) plan: Code,
    pub(super) tier: u32,
}

impl TermsKey {
    /// Returns the groups whose rate may hold for it, the nearest first: the promoter and the plan, the promoter, the
    /// plan, everybody.
    fn groups(self) -> [TermsKey; 4] {
        let near = TermsKey {
            campaign: 0,
            ..self
        };
        let of_plan = TermsKey {
            promoter: 0,
            ..near
        };
        [
            near,
            TermsKey { plan: 0, ..near },
            of_plan,
            TermsKey { plan: 0, ..of_plan },
        ]
    }
}

/// The times of a sale and of its customer's first payment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PaymentTimes {
    pub(super) created_ms: Option<i64>,
    /// The time of the first payment, as far as it is known.
    pub(super) first_ms: Option<i64>,
    /// The number of the payment among its customer's, from 1; at least as high as is known.
    pub(super) number: Option<u32>,
    /// `true` if nobody knows how many payments came before.
    pub(super) is_number_least: bool,
    /// `true` if the customer may have paid before, and nobody knows when and how often.
    pub(super) may_be_later: bool,
    /// The volume that the promoter had sold before.
    pub(super) volume_cents: i64,
    /// `true` if the volume is at least as high: nobody knows what some of the sales are worth.
    pub(super) is_volume_least: bool,
}

/// A commission that may prove a rate.
#[derive(Clone, Copy)]
pub(super) struct RateSample {
    pub(super) deals: TermsKey,
    pub(super) payment: PaymentTimes,
    pub(super) amount_cents: i64,
    pub(super) sale_cents: i64,
}

/// The rules at work.
#[derive(Clone)]
pub(super) struct CommissionTerms<'r> {
    rules: &'r AuditRules,
    by_deals: PlHashMap<TermsKey, Vec<&'r Rule>>,
    /// The inferred rates, by the groups that prove one.
    inferred: PlHashMap<TermsKey, GroupRate>,
    /// The group whose rate a promoter and plan have that prove none by themselves.
    borrowed: PlHashMap<TermsKey, TermsKey>,
}

/// The commission of a sale, and how it is known.
#[derive(Clone, Copy)]
pub(super) struct Paid {
    pub(super) pays: CommissionRate,
    pub(super) is_inferred: bool,
    /// What nobody knows of the sale's past, and by which it may be another commission.
    pub(super) open: Option<UncheckedReason>,
}

/// A rate that was inferred.
#[derive(Clone, Copy)]
struct GroupRate {
    pays: CommissionRate,
    explained: u64,
    commissions: u64,
    /// `true` if it is of a promoter and a plan.
    is_near: bool,
}

impl<'r> CommissionTerms<'r> {
    /// Creates the expectations from the rules, and from what the samples prove where there are none.
    pub(super) fn new(
        rules: &'r AuditRules,
        books: &AuditData,
        samples: impl Iterator<Item = RateSample>,
    ) -> Self {
        let mut terms = CommissionTerms {
            rules,
            by_deals: PlHashMap::default(),
            inferred: PlHashMap::default(),
            borrowed: PlHashMap::default(),
        };
        // Nothing is inferred of what a rule is for, whatever the sale.
        let covered = rules.tiers_for_all();
        let mut open = Vec::new();
        for sample in samples.filter(|sample| !covered.contains(&sample.deals.tier)) {
            if terms.rule(books, sample.deals, sample.payment).is_none() {
                open.push(sample);
            }
        }
        terms.infer(&open);
        terms
    }

    /// Returns the commission of a sale; `None` if nobody knows it, and nothing if the rule leaves the sale out.
    pub(super) fn pays(
        &mut self,
        books: &AuditData,
        deals: TermsKey,
        payment: PaymentTimes,
    ) -> Option<Paid> {
        if let Some(pays) = self.declared(books, deals, payment) {
            return Some(Paid {
                pays,
                is_inferred: false,
                open: self.open(books, deals, payment),
            });
        }
        let groups = deals.groups();
        let [near, ..] = groups;
        let found = match self.borrowed.get(&near) {
            Some(group) => self.inferred.get(group),
            None => groups.iter().find_map(|group| self.inferred.get(group)),
        };
        found.map(|found| Paid {
            pays: found.pays,
            is_inferred: true,
            open: None,
        })
    }

    /// Returns `true` if a rule is for a sale, or else some commission is for a sale of its plan.
    pub(super) fn is_known_to_earn(
        &mut self,
        books: &AuditData,
        deals: TermsKey,
        payment: PaymentTimes,
    ) -> bool {
        let [near, _, of_plan, _] = deals.groups();
        self.declared(books, deals, payment).is_some()
            || self.inferred.contains_key(&near)
            || self.borrowed.contains_key(&near)
            || self.inferred.contains_key(&of_plan)
    }

    /// Returns `true` if a rule is for a sale.
    pub(super) fn is_declared(
        &mut self,
        books: &AuditData,
        deals: TermsKey,
        payment: PaymentTimes,
    ) -> bool {
        self.rule(books, deals, payment).is_some()
    }

    /// Returns the commission of a sale by a rule; `None` if there is no rule.
    pub(super) fn declared(
        &mut self,
        books: &AuditData,
        deals: TermsKey,
        payment: PaymentTimes,
    ) -> Option<CommissionRate> {
        let rule = self.rule(books, deals, payment)?;
        Some(if self.covers(rule.payments, payment) {
            rule.pays
        } else {
            CommissionRate::Fixed(0)
        })
    }

    /// Returns what of a sale's past is not known, if the rule for it depends on that.
    fn open(
        &mut self,
        books: &AuditData,
        deals: TermsKey,
        payment: PaymentTimes,
    ) -> Option<UncheckedReason> {
        let rule = self.rule(books, deals, payment)?;
        let may_end = matches!((rule.payments, payment.number), (Payments::Count(most), Some(number)) if number <= most);
        let may_be_over = payment.may_be_later
            && rule.payments != Payments::Recurring
            && self.covers(rule.payments, payment);
        if may_end && payment.is_number_least || may_be_over {
            return Some(UncheckedReason::PaymentNumber);
        }
        if !payment.is_volume_least {
            return None;
        }
        let higher = PaymentTimes {
            volume_cents: i64::MAX,
            ..payment
        };
        let is_same = self.rule(books, deals, higher) == Some(rule);
        (!is_same).then_some(UncheckedReason::VolumeUnknown)
    }

    fn covers(&self, payments: Payments, payment: PaymentTimes) -> bool {
        match (payments, payment.number) {
            (Payments::Count(count), Some(number)) => return number <= count,
            (Payments::First, Some(number)) => return number <= 1,
            _ => {}
        }
        let both = payment.created_ms.zip(payment.first_ms);
        match (payments, both) {
            (Payments::Recurring | Payments::Count(_), _) | (_, None) => true,
            (Payments::First, Some((created_ms, first_ms))) => created_ms <= first_ms,
            (Payments::Months(months), Some((created_ms, first_ms))) => {
                let day = |ms| day_of(Some(ms), &self.rules.zone);
                let span = jiff::Span::new().try_months(months);
                let end = day(first_ms)
                    .zip(span.ok())
                    .and_then(|(first, span)| first.checked_add(span).ok());
                end.zip(day(created_ms)).is_none_or(|(end, day)| day < end)
            }
        }
    }

    /// Returns the number of the rule for a sale.
    pub(super) fn rule_number(
        &mut self,
        books: &AuditData,
        deals: TermsKey,
        payment: PaymentTimes,
    ) -> Option<usize> {
        self.rule(books, deals, payment).map(|rule| rule.number)
    }

    fn rule(
        &mut self,
        books: &AuditData,
        deals: TermsKey,
        payment: PaymentTimes,
    ) -> Option<&'r Rule> {
        let rules = self.rules;
        let fitting = self.by_deals.entry(deals).or_insert_with(|| {
            let promoter = books.promoters.promoter(deals.promoter);
            let (campaign, campaign_id) = books.campaign(deals.campaign);
            rules.for_deal(&Deal {
                promoter: &promoter,
                campaign_id,
                campaign,
                plan: books.names.name(deals.plan),
                tier: deals.tier,
            })
        });
        let mut day = None;
        fitting.iter().copied().find(|rule| {
            let mut day = || *day.get_or_insert_with(|| day_of(payment.created_ms, &rules.zone));
            rule.is_reached(payment.volume_cents) && (!rule.is_dated() || rule.covers(day()))
        })
    }

    /// Returns the commission of an amount.
    pub(super) fn commission(&self, pays: CommissionRate, amount_cents: i64) -> i64 {
        match pays {
            CommissionRate::Share(rate) => rate.commission_of(amount_cents, self.rules.rounding),
            CommissionRate::ShareUpTo(rate, cents) => rate
                .commission_of(amount_cents, self.rules.rounding)
                .min(cents),
            CommissionRate::Fixed(cents) => cents,
        }
    }

    /// Returns `amount * part / whole`, rounded as commissions are.
    pub(super) fn share(&self, amount_cents: i64, part: i64, whole: i64) -> i64 {
        self.rules.rounding.share(amount_cents, part, whole)
    }

    /// Infers the rate of each promoter and plan. Where those prove none, that of the promoter, of the
    /// plan or of everybody that explains most of their own commissions holds; of equals the nearest.
    fn infer(&mut self, samples: &[RateSample]) {
        let [near, promoter, plan, all] = [0, 1, 2, 3].map(|level| self.proven(samples, level));
        let mut open: HashMap<TermsKey, [u64; 3]> = HashMap::new();
        let wider = [&promoter, &plan, &all];
        for sample in samples {
            let [own, groups @ ..] = sample.deals.groups();
            if near.contains_key(&own) {
                continue;
            }
            let explained = open.entry(own).or_default();
            for ((group, found), explained) in groups.iter().zip(wider).zip(explained) {
                let pays = found.get(group).map(|found| found.pays);
                let worth = pays.map(|pays| self.commission(pays, sample.sale_cents));
                *explained += u64::from(worth == Some(sample.amount_cents));
            }
        }
        for (own, explained) in open {
            let [_, groups @ ..] = own.groups();
            let known = groups
                .iter()
                .zip(wider)
                .zip(explained)
                .filter(|((group, found), _)| found.contains_key(*group));
            let best = known.reduce(|best, other| if other.1 > best.1 { other } else { best });
            if let Some(((group, _), _)) = best {
                self.borrowed.insert(own, *group);
            }
        }
        for found in [all, plan, promoter, near] {
            self.inferred.extend(found);
        }
    }

    /// Returns the groups of which enough commissions have the same rate.
    fn proven(&self, samples: &[RateSample], level: usize) -> HashMap<TermsKey, GroupRate> {
        let rounding = self.rules.rounding;
        let mut ends: Vec<(TermsKey, u32, i8)> = Vec::new();
        let mut amounts: Vec<(TermsKey, i64)> = Vec::with_capacity(samples.len());
        for sample in samples {
            let group = sample.deals.groups()[level];
            let steps = Rate::steps_giving(sample.amount_cents, sample.sale_cents, rounding);
            if let Some((first, last)) = steps {
                ends.push((group, first, 1));
                ends.push((group, last + 1, -1));
            }
            amounts.push((group, sample.amount_cents));
        }
        ends.sort_unstable();
        amounts.sort_unstable();
        let mut rates: HashMap<TermsKey, (u64, Rate)> = HashMap::new();
        for ends in ends.chunk_by(|one, other| one.0 == other.0) {
            if let (Some((group, _, _)), Some(best)) = (ends.first(), most_common(ends)) {
                rates.insert(*group, best);
            }
        }
        let mut proven = HashMap::new();
        for amounts in amounts.chunk_by(|one, other| one.0 == other.0) {
            let Some((group, _)) = amounts.first() else {
                continue;
            };
            let runs = amounts.chunk_by(|one, other| one.1 == other.1);
            let fixed = runs
                .max_by_key(|run| run.len())
                .and_then(|run| Some((count(run.len()), run.first()?.1)));
            let (explained, pays) = match (rates.get(group), fixed) {
                (Some((shares, _)), Some((same, cents))) if same > *shares => {
                    (same, CommissionRate::Fixed(cents))
                }
                (Some((shares, rate)), _) => (*shares, CommissionRate::Share(*rate)),
                (None, Some((same, cents))) => (same, CommissionRate::Fixed(cents)),
                (None, None) => continue,
            };
            let commissions = count(amounts.len());
            if explained >= FEWEST && explained * 2 > commissions {
                let found = GroupRate {
                    pays,
                    explained,
                    commissions,
                    is_near: level == 0,
                };
                proven.insert(*group, found);
            }
        }
        proven
    }

    /// Returns the inferred rates, by promoter and plan; of wider groups those that are used.
    pub(super) fn inferred(&self, books: &AuditData) -> Vec<InferredRate> {
        let name = |code| books.names.name(code).map(str::to_owned);
        let shown = |(deals, found): (&TermsKey, &GroupRate)| InferredRate {
            promoter: books.promoters.name(deals.promoter),
            plan: name(deals.plan),
            campaign: books.campaign(deals.campaign).0.map(str::to_owned),
            tier: deals.tier,
            rate: found
                .pays
                .text(name(books.account_currency).as_deref().unwrap_or_default()),
            explained: found.explained,
            commissions: found.commissions,
        };
        let used: HashSet<&TermsKey> = self.borrowed.values().collect();
        let known = self
            .inferred
            .iter()
            .filter(|(deals, found)| found.is_near || used.contains(deals));
        let mut inferred: Vec<InferredRate> = known.map(shown).collect();
        let key = |rate: &InferredRate| {
            (
                rate.promoter.clone(),
                rate.campaign.clone(),
                rate.plan.clone(),
                rate.tier,
            )
        };
        inferred.sort_by_key(key);
        inferred
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Returns the rate that lies within most of the spans, and within how many. Of several the roundest: whole percents
/// before halves before tenths.
fn most_common(ends: &[(TermsKey, u32, i8)]) -> Option<(u64, Rate)> {
    let mut depth: i64 = 0;
    let mut best: Option<(i64, u32, u32)> = None;
    let mut steps = ends.chunk_by(|one, other| one.1 == other.1).peekable();
    while let Some(at) = steps.next() {
        depth += at.iter().map(|(_, _, turn)| i64::from(*turn)).sum::<i64>();
        let first = at.first()?.1;
        let last = steps
            .peek()
            .and_then(|next| next.first())
            .map_or(first, |next| next.1 - 1);
        let rounder = |one: (u32, u32), other: (u32, u32)| roundest(one) < roundest(other);
        if best.is_none_or(|(most, from, to)| {
            depth > most || (depth == most && rounder((first, last), (from, to)))
        }) {
            best = Some((depth, first, last));
        }
    }
    let (most, first, last) = best.filter(|(most, _, _)| *most > 0)?;
    let (_, steps) = roundest((first, last));
    Some((u64::try_from(most).ok()?, Rate::from_steps(steps)))
}

/// Returns the roundest rate of a span, with how unround it is.
fn roundest((first, last): (u32, u32)) -> (usize, u32) {
    let units = [100, 50, 10, 1];
    let multiple = |unit: &u32| first.div_ceil(*unit) * unit;
    let found = units
        .iter()
        .position(|unit| multiple(unit) <= last)
        .unwrap_or(units.len() - 1);
    (found, multiple(&units[found]))
}
