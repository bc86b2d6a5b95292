//! Generated accounts of many commissions, with errors of every kind planted at random: every one is found,
//! none is invented, and the totals are those of a calculation of the test's own. `FPRECON_AUDIT_COMMISSIONS`
//! says how many an account has (20,000).
//!
//! The generator knows nothing of the audit. It keeps what it planted, and adds up with plain maps.
#![cfg(feature = "polars")]
#![allow(clippy::print_stdout, reason = "a test that says what it planted")]

use std::collections::{BTreeMap, BTreeSet};

use fprecon::audit::{
    AuditRules, Billed, BilledKind, Commission, Cut, FindingKind, Promoter, ReferredCustomer,
    Sides, SourceLocation, Status, Unit, audit,
};
use fprecon::event::{Currency, Customer, Money};
use fprecon::journal::Outcome;
use jiff::Timestamp;

const PROMOTERS: u64 = 40;
const PLANS: [(&str, i64); 3] = [("basic", 1_900), ("pro", 4_950), ("team", 19_999)];
/// In percent, by promoter; exact for the test, declared or inferred for the audit.
const RATES: [i64; 4] = [20, 25, 30, 15];
/// One sale in so many has a planted error.
const ERRORS_ONE_IN: u64 = 200;

fn usd() -> Currency {
    Currency::from_code("USD").unwrap()
}

/// What the generator planted: the kind, our event, their commission.
type Planted = BTreeSet<(String, String, String)>;

struct Account {
    random: fastrand::Rng,
    billed: Vec<Billed>,
    commissions: Vec<Commission>,
    leads: Vec<ReferredCustomer>,
    planted: Planted,
    /// What is expected, by promoter and in all.
    expected: BTreeMap<String, i128>,
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

fn moment(day: u64, hour: u64) -> Timestamp {
    let second = 1_767_225_600 + i64::try_from(day * 86_400 + hour * 3_600).unwrap();
    Timestamp::from_second(second).unwrap()
}

struct Deal {
    number: u64,
    plan: &'static str,
    id: String,
    promoter: u64,
    cents: i64,
    rate: i64,
    day: u64,
}

impl Deal {
    /// Returns the number of the customer, who has three deals.
    fn customer(&self) -> u64 {
        self.number / 3
    }

    fn billed(&self) -> Billed {
        Billed {
            place: SourceLocation {
                file: "sales.csv".to_owned(),
                line: Some(self.number + 2),
            },
            kind: BilledKind::Sale,
            event_id: self.id.clone(),
            sale_event_id: None,
            customer: Customer::new(
                Some(&format!("c{}@example.com", self.customer())),
                Some(&format!("cus_{}", self.customer())),
            ),
            money: Money {
                amount_cents: self.cents,
                currency: usd(),
            },
            account_amount_cents: Some(self.cents),
            estimated_amount_cents: None,
            is_day: false,
            settled_at: None,
            plan: Some(self.plan.to_owned()),
            created_at: Some(moment(self.day, 1)),
            outcome: Some(Outcome::Tracked),
            promoter: Promoter::default(),
            commission_cents: None,
            recorded_at: None,
            is_dispute: false,
            reference: None,
        }
    }

    fn commission(&self) -> Commission {
        Commission {
            place: SourceLocation {
                file: "commissions.csv".to_owned(),
                line: Some(self.number + 2),
            },
            id: Some(format!("c_{}", self.number)),
            status: Status::Approved,
            unit: Unit::Cash(usd()),
            amount_cents: percent(self.cents, self.rate),
            sale_amount_cents: Some(self.cents),
            original_sale: None,
            is_by_hand: false,
            event_id: Some(self.id.clone()),
            tier: 1,
            is_split: Some(false),
            is_paid: Some(false),
            created_at: Some(moment(self.day, 2)),
            status_updated_at: None,
            is_plan_of_lead: false,
            promoter: promoter(self.promoter),
            campaign_id: Some("7".to_owned()),
            campaign: Some("Affiliates".to_owned()),
            plan: Some(self.plan.to_owned()),
            customer: Customer::new(None, Some(&format!("cus_{}", self.customer()))),
        }
    }
}

impl Account {
    fn generate(seed: u64, commissions: usize) -> Account {
        let mut account = Account {
            random: fastrand::Rng::with_seed(seed),
            billed: Vec::new(),
            commissions: Vec::new(),
            leads: Vec::new(),
            planted: Planted::new(),
            expected: BTreeMap::new(),
        };
        let mut number = 0;
        while account.commissions.len() < commissions {
            account.sale(number);
            number += 1;
        }
        account.random.shuffle(&mut account.billed);
        account.random.shuffle(&mut account.commissions);
        account
    }

    fn sale(&mut self, number: u64) {
        let random = &mut self.random;
        let customer = number / 3;
        let promoter_number = customer % PROMOTERS;
        let (plan, price) = PLANS[random.usize(0..PLANS.len())];
        let deal = Deal {
            number,
            plan,
            id: format!("in_{number:07}"),
            promoter: promoter_number,
            cents: price * random.i64(1..4) + random.i64(0..100),
            rate: RATES[usize::try_from(promoter_number).unwrap() % RATES.len()],
            // The first 20 days of a month: nothing falls into another one by itself.
            day: random.u64(0..20) + [0, 31, 59][random.usize(0..3)],
        };
        if number.is_multiple_of(3) {
            self.leads.push(ReferredCustomer {
                customer: Customer::new(None, Some(&format!("cus_{customer}"))),
                promoter: promoter(promoter_number),
                created_at: Some(moment(0, 0)),
                customer_since: None,
                was_moved: false,
                ..ReferredCustomer::default()
            });
        }
        let (sale, theirs) = (deal.billed(), deal.commission());
        self.expect(deal.promoter, percent(deal.cents, deal.rate));
        if self.random.u64(0..ERRORS_ONE_IN) == 0 {
            return self.plant(&deal, sale, theirs);
        }
        if self.random.u64(0..15) == 0 {
            let cents = self.random.i64(1..=deal.cents);
            let (refund, back) = self.refund(&deal, &sale, &theirs, cents);
            self.billed.push(refund);
            self.commissions.push(back);
        }
        self.billed.push(sale);
        self.commissions.push(theirs);
    }

    fn expect(&mut self, promoter: u64, cents: i64) {
        let key = format!("p{promoter}@example.com");
        *self.expected.entry(key).or_default() += i128::from(cents);
    }

    /// A refund, and what takes its share of the commission back.
    fn refund(
        &mut self,
        deal: &Deal,
        sale: &Billed,
        theirs: &Commission,
        cents: i64,
    ) -> (Billed, Commission) {
        let id = format!("re_{:07}", deal.number);
        let mut refund = sale.clone();
        refund.kind = BilledKind::Refund;
        refund.event_id = id.clone();
        refund.sale_event_id = Some(deal.id.clone());
        refund.money.amount_cents = cents;
        refund.account_amount_cents = Some(cents);
        let mut back = theirs.clone();
        back.id = Some(format!("c_re_{}", deal.number));
        back.event_id = Some(id);
        back.amount_cents = -percent(cents, deal.rate);
        back.sale_amount_cents = Some(-cents);
        self.expect(deal.promoter, -percent(cents, deal.rate));
        (refund, back)
    }

    fn note(&mut self, kind: FindingKind, ours: &str, theirs: &str) {
        self.planted
            .insert((kind.to_string(), ours.to_owned(), theirs.to_owned()));
    }

    fn plant(&mut self, deal: &Deal, mut sale: Billed, mut theirs: Commission) {
        let (ours_id, their_id) = (deal.id.clone(), format!("c_{}", deal.number));
        match self.random.u32(0..15) {
            0 => {
                self.note(FindingKind::CommissionWithoutSale, "", &their_id);
                self.expect(deal.promoter, -percent(deal.cents, deal.rate));
                return self.commissions.push(theirs);
            }
            1 => {
                self.note(FindingKind::SaleWithoutCommission, &ours_id, "");
                return self.billed.push(sale);
            }
            2 | 3 => {
                let told = deal.cents + self.random.i64(100..5_000);
                theirs.sale_amount_cents = Some(told);
                theirs.amount_cents = percent(told, deal.rate);
                let kind = if self.random.bool() {
                    FindingKind::SaleAmountDiffers
                } else {
                    sale.outcome = Some(Outcome::AlreadyTracked);
                    FindingKind::AlreadyTrackedDiffers
                };
                self.note(kind, &ours_id, &their_id);
            }
            4 => {
                theirs.amount_cents += self.random.i64(1..300);
                self.note(FindingKind::CommissionDiffers, &ours_id, &their_id);
            }
            5 => {
                let mut again = theirs.clone();
                let again_id = format!("c_again_{}", deal.number);
                again.id = Some(again_id.clone());
                again.created_at = Some(moment(deal.day, 3));
                self.commissions.push(again);
                self.note(FindingKind::CommissionTwice, &ours_id, &again_id);
            }
            10 => {
                theirs.promoter = promoter((deal.promoter + 4) % PROMOTERS);
                self.note(FindingKind::WrongPromoter, &ours_id, &their_id);
            }
            11 => {
                theirs.created_at = Some(moment(deal.day + 31, 1));
                self.note(FindingKind::OtherMonth, &ours_id, &their_id);
            }
            12 => {
                theirs.status = Status::Denied;
                self.note(FindingKind::Denied, &ours_id, &their_id);
            }
            13 => {
                theirs.status = Status::Pending;
                self.note(FindingKind::Pending, &ours_id, &their_id);
            }
            refund => self.plant_refund(refund, deal, &sale, &mut theirs),
        }
        self.billed.push(sale);
        self.commissions.push(theirs);
    }

    /// Plants an error in how a refund is taken back.
    fn plant_refund(&mut self, error: u32, deal: &Deal, sale: &Billed, theirs: &mut Commission) {
        let their_id = format!("c_{}", deal.number);
        let refund_id = format!("re_{:07}", deal.number);
        let back_id = format!("c_re_{}", deal.number);
        match error {
            6 => {
                let (refund, _) = self.refund(deal, sale, theirs, deal.cents);
                self.billed.push(refund);
                self.note(FindingKind::RefundNotTakenBack, &refund_id, &their_id);
            }
            7 | 8 => {
                let (refund, mut back) = self.refund(deal, sale, theirs, deal.cents);
                let off = self.random.i64(10..200);
                let (kind, off) = if self.random.bool() {
                    (FindingKind::RefundPartlyTakenBack, off)
                } else {
                    (FindingKind::TakenBackTooMuch, -off)
                };
                back.amount_cents += off;
                self.billed.push(refund);
                self.commissions.push(back);
                self.note(kind, &refund_id, &back_id);
            }
            9 => {
                let (mut refund, _) = self.refund(deal, sale, theirs, deal.cents);
                refund.is_dispute = true;
                self.billed.push(refund);
                self.note(FindingKind::DisputedSale, &refund_id, &their_id);
            }
            _ => {
                theirs.is_paid = Some(true);
                let (refund, back) = self.refund(deal, sale, theirs, deal.cents);
                let back = Commission {
                    is_paid: Some(false),
                    ..back
                };
                self.billed.push(refund);
                self.commissions.push(back);
                self.note(FindingKind::PaidBeforeRefund, &refund_id, &back_id);
            }
        }
    }
}

/// Sales, refunds, expected, actual, denied, paid: by each value of a cut.
type Sums = BTreeMap<String, [i128; 6]>;

/// The totals as plain maps have them.
fn sums(
    account: &Account,
    ours: impl Fn(&Billed) -> String,
    theirs: impl Fn(&Commission) -> String,
) -> Sums {
    let mut sums = Sums::new();
    for billed in &account.billed {
        let place = usize::from(billed.kind == BilledKind::Refund);
        sums.entry(ours(billed)).or_default()[place] += i128::from(billed.money.amount_cents);
    }
    for commission in &account.commissions {
        let cents = i128::from(commission.amount_cents);
        let sum = sums.entry(theirs(commission)).or_default();
        match commission.status {
            Status::Denied => sum[4] += cents,
            _ => sum[3] += cents,
        }
        if commission.is_paid == Some(true) && commission.status != Status::Denied {
            sum[5] += cents;
        }
    }
    sums
}

fn check(seed: u64, commissions: usize, rules: &AuditRules) {
    let account = Account::generate(seed, commissions);
    let mut sides = Sides::default();
    for billed in &account.billed {
        sides.add_billed(billed.clone()).unwrap();
    }
    for commission in &account.commissions {
        sides.add_commission(commission.clone()).unwrap();
    }
    for lead in &account.leads {
        sides.add_lead(lead.clone()).unwrap();
    }
    let audit = audit(sides.into_frames().unwrap(), rules, usd(), moment(120, 0)).unwrap();
    let found: Vec<(String, String, String)> = audit
        .findings
        .iter()
        .map(|finding| {
            let ours = finding.ours.as_ref().map(|ours| ours.event_id.clone());
            let theirs = finding.theirs.as_ref().and_then(|theirs| theirs.id.clone());
            (
                finding.kind.to_string(),
                ours.unwrap_or_default(),
                theirs.unwrap_or_default(),
            )
        })
        .collect();
    let count = found.len();
    let found: Planted = found.into_iter().collect();
    assert_eq!(found.len(), count, "seed {seed}: something was found twice");
    let missed: Vec<_> = account.planted.difference(&found).take(5).collect();
    let invented: Vec<_> = found.difference(&account.planted).take(5).collect();
    assert!(
        missed.is_empty() && invented.is_empty(),
        "seed {seed}: missed {missed:?}, invented {invented:?}"
    );
    println!(
        "seed {seed}: {} commissions, {} planted, {count} found",
        account.commissions.len(),
        account.planted.len()
    );
    check_totals(&account, &audit.totals);
}

fn check_totals(account: &Account, totals: &fprecon::audit::AuditTotals) {
    for (cut, sums) in sums_by_cut(account) {
        let mut seen = 0;
        for line in &totals.by[&cut] {
            let value = line.value.clone().unwrap();
            let mut sum = sums.get(&value).copied().unwrap_or_default();
            let figures = &line.figures;
            // What is expected is known by promoter and in all.
            sum[2] = match cut {
                Cut::Promoter => account.expected.get(&value).copied().unwrap_or(0),
                Cut::Currency | Cut::Campaign => account.expected.values().sum(),
                _ => figures.expected_cents,
            };
            let shown = [
                figures.sales_cents,
                figures.refunds_cents,
                figures.expected_cents,
                figures.actual_cents,
                figures.denied_cents,
                figures.paid_cents,
            ];
            assert_eq!(shown, sum, "{cut:?} {value}");
            seen += 1;
        }
        assert_eq!(seen, sums.len(), "{cut:?}");
    }
}

/// Returns what the totals should be, by each value of each cut.
fn sums_by_cut(account: &Account) -> [(Cut, Sums); 5] {
    let customers = |customer: &Customer| {
        let uid = customer.uid.as_deref().unwrap();
        let number: u64 = uid.trim_start_matches("cus_").parse().unwrap();
        format!("p{}@example.com", number % PROMOTERS)
    };
    let plans: BTreeMap<&str, &str> = account
        .billed
        .iter()
        .map(|billed| (billed.event_id.as_str(), billed.plan.as_deref().unwrap()))
        .collect();
    let month = |moment: Option<Timestamp>| moment.unwrap().to_string()[..7].to_owned();
    let plan_of = |theirs: &Commission| {
        let id = theirs.event_id.as_deref().unwrap();
        plans
            .get(id)
            .copied()
            .or(theirs.plan.as_deref())
            .unwrap()
            .to_owned()
    };
    [
        (
            Cut::Promoter,
            sums(
                account,
                |ours| customers(&ours.customer),
                |theirs| theirs.promoter.email.clone().unwrap(),
            ),
        ),
        (
            Cut::Plan,
            sums(account, |ours| ours.plan.clone().unwrap(), plan_of),
        ),
        (
            Cut::Month,
            sums(
                account,
                |ours| month(ours.created_at),
                |theirs| month(theirs.created_at),
            ),
        ),
        (
            Cut::Campaign,
            sums(
                account,
                |_| "Affiliates".to_owned(),
                |_| "Affiliates".to_owned(),
            ),
        ),
        (
            Cut::Currency,
            sums(account, |_| "USD".to_owned(), |_| "USD".to_owned()),
        ),
    ]
}

fn declared() -> AuditRules {
    let mut text = String::new();
    for number in 0..PROMOTERS {
        let rate = RATES[usize::try_from(number).unwrap() % RATES.len()];
        text.push_str(&format!(
            "[[rule]]\npromoter = \"ref{number}\"\nrate = \"{rate}\"\n"
        ));
    }
    toml::from_str(&text).unwrap()
}

/// How many commissions a large account has.
fn many() -> usize {
    let wanted = std::env::var("FPRECON_AUDIT_COMMISSIONS").ok();
    wanted.and_then(|text| text.parse().ok()).unwrap_or(20_000)
}

#[test]
fn every_planted_error_is_found_and_none_is_invented_among_many_commissions() {
    check(1, many(), &declared());
}

#[test]
fn rates_that_nobody_declared_find_the_same() {
    check(2, many(), &AuditRules::default());
}

#[test]
fn many_small_accounts_agree_as_well() {
    let rules = declared();
    for seed in 100..115 {
        check(seed, 2_000, &rules);
    }
}
