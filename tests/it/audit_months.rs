//! Generated accounts, closed month by month: the findings of all months together are those of all
//! days, each in one month; a clean account is clean in every month; the order of rows decides nothing.
//!
//! The generator knows nothing of the audit: it keeps what it planted. 20 accounts by default;
//! `FPRECON_AUDIT_ACCOUNTS=1000` makes more, `FPRECON_AUDIT_SEED` starts elsewhere.
#![cfg(feature = "polars")]
#![allow(clippy::print_stdout, reason = "a test that says what it planted")]

use std::collections::{BTreeMap, BTreeSet};

use fprecon::audit::{
    Audit, AuditRules, Billed, BilledKind, Commission, CommissionTotals, FindingKind, Period,
    PeriodBy, Promoter, ReferredCustomer, Sides, SourceLocation, Status, Unit, View,
    audit_with_matches,
};
use fprecon::event::{Currency, Customer, Money};
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

const PLANS: [(&str, i64); 3] = [("basic", 1_900), ("pro", 4_950), ("team", 19_999)];
const RATES: [i64; 3] = [20, 30, 15];
const ZONES: [&str; 3] = ["UTC", "Europe/Berlin", "America/Los_Angeles"];
/// Customers come in the first two months and pay in up to seven.
const MONTHS: i64 = 8;

/// What of a customer's payments earns, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Terms {
    /// All payments, by a rule for each promoter.
    Declared,
    /// The first payment only, by rule.
    First,
    /// Payments within three months of the first, by rule.
    ThreeMonths,
    /// All payments, and no rule says so.
    Inferred,
    /// All payments at the rate of the promoter's campaign, by rule.
    Campaigns,
}

const TERMS: [Terms; 5] = [
    Terms::Declared,
    Terms::First,
    Terms::ThreeMonths,
    Terms::Inferred,
    Terms::Campaigns,
];

/// A finding as the test knows it: kind, our event, their commission, cents.
type Known = (String, String, String, i64);

struct Account {
    random: fastrand::Rng,
    terms: Terms,
    zone: TimeZone,
    has_leads: bool,
    is_clean: bool,
    billed: Vec<Billed>,
    commissions: Vec<Commission>,
    leads: Vec<ReferredCustomer>,
    /// What was planted, with the month of the sale.
    planted: BTreeSet<(Date, Known)>,
}

/// One payment, and what it should earn.
struct Deal {
    id: String,
    customer: u64,
    promoter: u64,
    plan: &'static str,
    cents: i64,
    at: Timestamp,
    month: Date,
}

fn usd() -> Currency {
    Currency::from_code("USD").unwrap()
}

fn promoter(number: u64) -> Promoter {
    Promoter {
        id: Some(format!("{}", 1000 + number)),
        email: Some(format!("p{number}@example.com")),
        ref_id: Some(format!("ref{number}")),
    }
}

/// Half a cent goes up.
fn percent(cents: i64, rate: i64) -> i64 {
    (cents * rate + 50) / 100
}

impl Account {
    fn generate(seed: u64, is_clean: bool) -> Account {
        let mut random = fastrand::Rng::with_seed(seed);
        let terms = TERMS[random.usize(0..TERMS.len())];
        let zone = TimeZone::get(ZONES[random.usize(0..ZONES.len())]).unwrap();
        let mut account = Account {
            terms,
            zone,
            has_leads: random.bool(),
            is_clean,
            billed: Vec::new(),
            commissions: Vec::new(),
            leads: Vec::new(),
            planted: BTreeSet::new(),
            random,
        };
        let customers = account.random.u64(30..120);
        for customer in 0..customers {
            account.customer(customer);
        }
        if !is_clean {
            account.orphans();
        }
        account
    }

    fn rate(&self, promoter: u64) -> i64 {
        RATES[usize::try_from(promoter).unwrap() % RATES.len()]
    }

    /// A day in the middle of a month, at an hour that is in no other month in any of the zones; or
    /// in the first or last hour of the month in the account's zone.
    fn moment(&mut self, month: Date) -> Timestamp {
        let edge = self.random.u32(0..6);
        let (day, hour) = match edge {
            0 => (month, self.random.i8(0..2)),
            1 => (month.last_of_month(), self.random.i8(21..23)),
            _ => (month + i64::from(self.random.i32(1..26)).days(), 12),
        };
        let minute = self.random.i8(0..50);
        let at = day.at(hour, minute, 0, 0);
        self.zone.to_zoned(at).unwrap().timestamp()
    }

    fn customer(&mut self, customer: u64) {
        let promoter_number = customer % 3;
        let (plan, price) = PLANS[self.random.usize(0..PLANS.len())];
        let first = self.random.i64(0..2);
        let payments = self.random.i64(1..6);
        let mut deals = Vec::new();
        for number in first..first + payments {
            let month = date(2026, 1, 1) + number.months();
            deals.push(Deal {
                id: format!("in_{customer:04}_{number}"),
                customer,
                promoter: promoter_number,
                plan,
                cents: price * self.random.i64(1..4) + self.random.i64(0..100),
                at: self.moment(month),
                month,
            });
        }
        // One customer in ten was referred by nobody.
        let is_referred = customer % 10 != 9;
        if is_referred && self.has_leads {
            self.leads.push(ReferredCustomer {
                customer: Customer::new(None, Some(&format!("cus_{customer}"))),
                promoter: promoter(promoter_number),
                created_at: Some(deals[0].at - 1.hour()),
                customer_since: None,
                was_moved: false,
                ..ReferredCustomer::default()
            });
        }
        let wrong = if self.is_clean || !is_referred {
            None
        } else {
            self.random
                .bool()
                .then(|| self.random.usize(0..deals.len()))
        };
        for place in 0..deals.len() {
            let (sale, theirs) = (self.sale(&deals[place]), self.commission(&deals[place]));
            let earns = is_referred && self.earns(&deals, place);
            if wrong == Some(place) {
                self.plant(&deals, place, earns, sale, theirs);
            } else if earns {
                self.right(&deals[place], sale, theirs);
            } else {
                self.billed.push(sale);
            }
        }
    }

    /// Whether a payment earns a commission, by the terms.
    fn earns(&self, deals: &[Deal], place: usize) -> bool {
        match self.terms {
            Terms::Declared | Terms::Inferred | Terms::Campaigns => true,
            Terms::First => place == 0,
            Terms::ThreeMonths => {
                let day = |deal: &Deal| self.zone.to_datetime(deal.at).date();
                day(&deals[place]) < day(&deals[0]) + 3.months()
            }
        }
    }

    fn sale(&self, deal: &Deal) -> Billed {
        Billed {
            place: SourceLocation {
                file: "sales.csv".to_owned(),
                line: Some(2),
            },
            kind: BilledKind::Sale,
            event_id: deal.id.clone(),
            sale_event_id: None,
            customer: Customer::new(
                Some(&format!("c{}@example.com", deal.customer)),
                Some(&format!("cus_{}", deal.customer)),
            ),
            money: Money {
                amount_cents: deal.cents,
                currency: usd(),
            },
            account_amount_cents: Some(deal.cents),
            estimated_amount_cents: None,
            plan: Some(deal.plan.to_owned()),
            created_at: Some(deal.at),
            is_day: false,
            settled_at: None,
            outcome: None,
            promoter: Promoter::default(),
            commission_cents: None,
            recorded_at: None,
            is_dispute: false,
            reference: None,
        }
    }

    fn commission(&self, deal: &Deal) -> Commission {
        let campaign = match self.terms {
            Terms::Campaigns => format!("Campaign {}", deal.promoter),
            _ => "Affiliates".to_owned(),
        };
        Commission {
            place: SourceLocation {
                file: "commissions.csv".to_owned(),
                line: Some(2),
            },
            id: Some(format!("c_{}", deal.id)),
            status: Status::Approved,
            unit: Unit::Cash(usd()),
            amount_cents: percent(deal.cents, self.rate(deal.promoter)),
            sale_amount_cents: Some(deal.cents),
            original_sale: None,
            is_by_hand: false,
            event_id: Some(deal.id.clone()),
            tier: 1,
            is_split: Some(false),
            is_paid: Some(false),
            created_at: Some(deal.at + 20.seconds()),
            status_updated_at: None,
            is_plan_of_lead: false,
            promoter: promoter(deal.promoter),
            campaign_id: None,
            campaign: Some(campaign),
            plan: Some(deal.plan.to_owned()),
            customer: Customer::new(None, Some(&format!("cus_{}", deal.customer))),
        }
    }

    /// A payment that agrees; some in a way that takes other months to see.
    fn right(&mut self, deal: &Deal, sale: Billed, theirs: Commission) {
        let later = deal.at + (24 * self.random.i64(20..70)).hours();
        match self.random.u32(0..8) {
            // Refunded in part, one or two months later.
            0 => {
                let cents = self.random.i64(1..=deal.cents);
                let refund = self.refund_of(&sale, cents, later);
                let back = self.back_of(deal, &theirs, cents, later);
                self.billed.push(refund);
                self.commissions.push(back);
            }
            // Their two running totals are one of ours.
            1 if self.rate(deal.promoter) == 20 => {
                let total = deal.cents / 500 * 100;
                let last = later + 480.hours();
                for (number, at) in [(1, later), (2, last)] {
                    let mut back = self.back_of(deal, &theirs, total, at);
                    back.event_id = Some(format!("{}_refund_{}", deal.id, total * number));
                    back.id = Some(format!("c_{}_{number}", deal.id));
                    self.commissions.push(back);
                }
                self.billed.push(Billed {
                    event_id: format!("{}_refund_{}", deal.id, total * 2),
                    ..self.refund_of(&sale, total * 2, last)
                });
            }
            // Split between two promoters.
            2 if self.terms == Terms::Declared && self.has_leads => {
                let half = theirs.amount_cents / 2;
                let mut other = theirs.clone();
                other.id = Some(format!("c_{}_split", deal.id));
                other.promoter = promoter((deal.promoter + 1) % 3);
                other.is_split = Some(true);
                other.amount_cents = theirs.amount_cents - half;
                let own = Commission {
                    is_split: Some(true),
                    amount_cents: half,
                    ..theirs
                };
                self.commissions.extend([own, other]);
                return self.billed.push(sale);
            }
            _ => {}
        }
        self.billed.push(sale);
        self.commissions.push(theirs);
    }

    fn refund_of(&self, sale: &Billed, cents: i64, at: Timestamp) -> Billed {
        Billed {
            kind: BilledKind::Refund,
            event_id: format!("re_{}", sale.event_id),
            sale_event_id: Some(sale.event_id.clone()),
            money: Money {
                amount_cents: cents,
                currency: usd(),
            },
            account_amount_cents: Some(cents),
            created_at: Some(at),
            ..sale.clone()
        }
    }

    fn back_of(&self, deal: &Deal, theirs: &Commission, cents: i64, at: Timestamp) -> Commission {
        Commission {
            id: Some(format!("c_re_{}", deal.id)),
            event_id: Some(format!("re_{}", deal.id)),
            amount_cents: -percent(cents, self.rate(deal.promoter)),
            sale_amount_cents: Some(-cents),
            created_at: Some(at),
            ..theirs.clone()
        }
    }

    fn note(&mut self, month: Date, kind: FindingKind, ours: &str, theirs: &str, cents: i64) {
        let known = (kind.to_string(), ours.to_owned(), theirs.to_owned(), cents);
        self.planted.insert((month, known));
    }

    fn plant(
        &mut self,
        deals: &[Deal],
        place: usize,
        earns: bool,
        sale: Billed,
        mut theirs: Commission,
    ) {
        let deal = &deals[place];
        let month = deal.month;
        let (id, their_id) = (deal.id.clone(), format!("c_{}", deal.id));
        let right = theirs.amount_cents;
        if !earns {
            // Paid for a payment for which no rule pays.
            self.note(month, FindingKind::CommissionDiffers, &id, &their_id, right);
            self.billed.push(sale);
            return self.commissions.push(theirs);
        }
        match self.random.u32(0..9) {
            0 if self.is_missed(deals, place) => {
                self.note(month, FindingKind::SaleWithoutCommission, &id, "", -right);
                return self.billed.push(sale);
            }
            1 => {
                let off = self.random.i64(1..300);
                theirs.amount_cents += off;
                self.note(month, FindingKind::CommissionDiffers, &id, &their_id, off);
            }
            2 => {
                let told = deal.cents + self.random.i64(100..5_000);
                theirs.sale_amount_cents = Some(told);
                theirs.amount_cents = percent(told, self.rate(deal.promoter));
                let off = theirs.amount_cents - right;
                self.note(month, FindingKind::SaleAmountDiffers, &id, &their_id, off);
            }
            3 => {
                let mut again = theirs.clone();
                let again_id = format!("d_{}", deal.id);
                again.id = Some(again_id.clone());
                again.created_at = Some(deal.at + 30.seconds());
                self.commissions.push(again);
                self.note(month, FindingKind::CommissionTwice, &id, &again_id, right);
            }
            4 => {
                let refund = self.refund_of(&sale, deal.cents, deal.at + 1000.hours());
                let refund_id = refund.event_id.clone();
                self.billed.push(refund);
                let kind = FindingKind::RefundNotTakenBack;
                self.note(month, kind, &refund_id, &their_id, right);
            }
            5 => {
                theirs.status = Status::Pending;
                self.note(month, FindingKind::Pending, &id, &their_id, 0);
            }
            6 => {
                theirs.created_at = Some(deal.at + 1100.hours());
                self.note(month, FindingKind::OtherMonth, &id, &their_id, 0);
            }
            7 if self.has_leads && self.terms != Terms::Campaigns => {
                // Its own rate is that of the promoter who should have it.
                theirs.promoter = promoter(deal.promoter + 3);
                self.note(month, FindingKind::WrongPromoter, &id, &their_id, 0);
            }
            _ => {
                theirs.status = Status::Denied;
                self.note(month, FindingKind::Denied, &id, &their_id, -right);
            }
        }
        self.billed.push(sale);
        self.commissions.push(theirs);
    }

    /// Whether anybody can know that a commission is missing: by the leads, else by other payments of
    /// the customer.
    fn is_missed(&self, deals: &[Deal], place: usize) -> bool {
        let others = place > 0;
        let between = others && place + 1 < deals.len();
        match (self.has_leads, self.terms) {
            (true, _) => true,
            (false, Terms::Inferred) => between,
            (false, _) => others,
        }
    }

    /// Commissions for which nothing was billed.
    fn orphans(&mut self) {
        for number in 0..self.random.u64(0..5) {
            let month = date(2026, 1, 1) + self.random.i64(0..MONTHS).months();
            let deal = Deal {
                id: format!("gone_{number}"),
                customer: 5_000 + number,
                promoter: number % 3,
                plan: "basic",
                cents: 1_900,
                at: self.moment(month),
                month,
            };
            let theirs = self.commission(&deal);
            let (id, cents) = (theirs.id.clone().unwrap(), theirs.amount_cents);
            self.commissions.push(theirs);
            self.note(month, FindingKind::CommissionWithoutSale, "", &id, cents);
        }
    }

    fn rules(&self) -> AuditRules {
        let mut text = format!("zone = \"{}\"\n", self.zone.iana_name().unwrap());
        let more = match self.terms {
            Terms::First => "payments = \"first\"\n",
            Terms::ThreeMonths => "months = 3\n",
            _ => "",
        };
        for number in 0..6 {
            let rate = self.rate(number);
            match self.terms {
                Terms::Inferred => {}
                Terms::Campaigns => {
                    text +=
                        &format!("[[rule]]\ncampaign = \"Campaign {number}\"\nrate = \"{rate}\"\n");
                }
                _ => {
                    text +=
                        &format!("[[rule]]\npromoter = \"ref{number}\"\nrate = \"{rate}\"\n{more}");
                }
            }
        }
        toml::from_str(&text).unwrap()
    }

    fn audit(&self, period: Period) -> Audit {
        let mut sides = Sides::default();
        for billed in &self.billed {
            sides.add_billed(billed.clone()).unwrap();
        }
        for commission in &self.commissions {
            sides.add_commission(commission.clone()).unwrap();
        }
        for lead in &self.leads {
            sides.add_lead(lead.clone()).unwrap();
        }
        let view = View {
            period,
            as_of: "2027-01-01T00:00:00Z".parse().unwrap(),
        };
        let frames = sides.into_frames().unwrap();
        let (audit, _) = audit_with_matches(frames, &self.rules(), usd(), view).unwrap();
        audit
    }
}

fn month(start: Date) -> Period {
    Period {
        from: Some(start),
        by: PeriodBy::SaleDate,
        to: Some(start.last_of_month()),
    }
}

fn known(audit: &Audit) -> Vec<Known> {
    let findings = audit.findings.iter();
    findings
        .map(|finding| {
            let ours = finding.ours.as_ref().map(|ours| ours.event_id.clone());
            let theirs = finding.theirs.as_ref().and_then(|theirs| theirs.id.clone());
            let theirs = match finding.kind {
                FindingKind::SaleWithoutCommission => None,
                _ => theirs,
            };
            (
                finding.kind.to_string(),
                ours.unwrap_or_default(),
                theirs.unwrap_or_default(),
                finding.difference_cents,
            )
        })
        .collect()
}

fn added(sums: &mut BTreeMap<String, [i128; 6]>, totals: &BTreeMap<String, CommissionTotals>) {
    for (unit, figures) in totals {
        let sum = sums.entry(unit.clone()).or_default();
        let own = [
            i128::from(figures.sales),
            figures.sales_cents,
            figures.refunds_cents,
            i128::from(figures.commissions),
            figures.actual_cents,
            figures.expected_cents,
        ];
        sum.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
    }
}

/// Checks one account, and says how many findings it has.
fn check(seed: u64, is_clean: bool) -> usize {
    let mut account = Account::generate(seed, is_clean);
    let about = format!(
        "seed {seed}: {:?}, {:?}, leads {}",
        account.terms,
        account.zone.iana_name(),
        account.has_leads
    );
    let all = account.audit(Period::default());
    let planted: BTreeSet<Known> = account
        .planted
        .iter()
        .map(|(_, known)| known.clone())
        .collect();
    let found = known(&all);
    let set: BTreeSet<Known> = found.iter().cloned().collect();
    let missed: Vec<_> = planted.difference(&set).collect();
    let invented: Vec<_> = set.difference(&planted).collect();
    assert!(
        missed.is_empty() && invented.is_empty() && set.len() == found.len(),
        "{about}: missed {missed:?}, invented {invented:?}"
    );
    let mut of_months = Vec::new();
    let (mut sums, mut whole) = (BTreeMap::new(), BTreeMap::new());
    added(&mut whole, &all.totals.in_all);
    // Commissions that belong to nothing may fall a little later.
    for number in 0..MONTHS + 4 {
        let start = date(2026, 1, 1) + number.months();
        let audit = account.audit(month(start));
        let planted = account.planted.iter().filter(|(month, _)| *month == start);
        let planted: BTreeSet<Known> = planted.map(|(_, known)| known.clone()).collect();
        let found: BTreeSet<Known> = known(&audit).into_iter().collect();
        assert_eq!(found, planted, "{about}: {start}");
        added(&mut sums, &audit.totals.in_all);
        of_months.extend(audit.findings);
    }
    let content = |audit: &[fprecon::audit::Finding]| {
        let lines = audit.iter().map(|one| serde_json::to_string(one).unwrap());
        let mut lines: Vec<String> = lines.collect();
        lines.sort();
        lines
    };
    assert_eq!(content(&of_months), content(&all.findings), "{about}");
    assert_eq!(sums, whole, "{about}");
    let (findings, totals) = (content(&all.findings), all.totals.clone());
    for side in 0..2 {
        account.random.shuffle(&mut account.billed);
        account.random.shuffle(&mut account.commissions);
        account.random.shuffle(&mut account.leads);
        let again = account.audit(Period::default());
        assert_eq!(
            content(&again.findings),
            findings,
            "{about}: shuffled {side}"
        );
        assert_eq!(again.totals, totals, "{about}: shuffled {side}");
    }
    found.len()
}

fn number_of(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[test]
fn the_findings_of_all_months_are_those_of_all_days_each_in_one_month() {
    let (accounts, seed) = (
        number_of("FPRECON_AUDIT_ACCOUNTS", 20),
        number_of("FPRECON_AUDIT_SEED", 1),
    );
    let mut findings = 0;
    for seed in seed..seed + accounts {
        findings += check(seed, false);
    }
    assert!(findings > 5, "{findings} findings prove little");
    println!("{accounts} accounts, {findings} findings");
}

#[test]
fn a_clean_account_is_clean_in_every_month() {
    let (accounts, seed) = (
        number_of("FPRECON_AUDIT_ACCOUNTS", 20),
        number_of("FPRECON_AUDIT_SEED", 1),
    );
    for seed in seed..seed + accounts {
        assert_eq!(check(seed, true), 0);
    }
}
