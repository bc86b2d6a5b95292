//! The audit beside DuckDB: `cargo bench --bench audit [-- ROWS]`, 1,000,000 of each side by default.
//!
//! Both have the same columns in memory before the clock starts; both join commissions to what was
//! billed, refunds to their sales and customers to their leads, compare what is paid with what is
//! expected, find sales without a commission, and group by promoter, campaign, plan, month, currency
//! and status. They have to come to the same findings and the same cents. DuckDB comes from PyPI:
//! `FPRECON_DUCKDB_PYTHON` names a Python that has it (default `python3`); without one that half is
//! skipped, and the benchmark says so.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::float_arithmetic,
    reason = "a benchmark prints ratios"
)]

#[cfg(not(feature = "polars"))]
fn main() {
    println!("skipped: the audit needs the feature `polars`");
}

#[cfg(feature = "polars")]
fn main() {
    comparison::run();
}

#[cfg(feature = "polars")]
mod comparison {
    use std::path::Path;
    use std::process::Command;
    use std::time::{Duration, Instant};

    use fprecon::audit::{
        Audit, AuditRules, Billed, BilledKind, Commission, Frames, Promoter, ReferredCustomer,
        Sides, SourceLocation, Status, Unit, audit,
    };
    use fprecon::event::{Currency, Customer, Money};
    use fprecon::journal::Outcome;
    use jiff::Timestamp;
    use polars::prelude::AnyValue;

    const TURNS: usize = 3;
    const ROUNDS: usize = 3;

    const SQL: &str = include_str!("audit_duckdb.py");

    pub(super) fn run() {
        let rows = std::env::args()
            .filter_map(|argument| argument.parse().ok())
            .next();
        let rows: u64 = rows.unwrap_or(1_000_000);
        let folder = tempfile::tempdir().unwrap();
        let started = Instant::now();
        let sides = generate(rows);
        println!(
            "{rows} rows a side made columns in {:.2?}",
            started.elapsed()
        );
        let frames = sides.into_frames().unwrap();
        write(&frames, folder.path());
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let mut results = Vec::new();
        // Turn and turn about: what else the machine does meets both.
        for _ in 0..TURNS {
            ours.extend((0..ROUNDS).map(|_| once(frames.clone())));
            if let Some((time, result)) = duckdb(folder.path()) {
                theirs.push(time);
                results.push(result);
            }
        }
        let (time, audit) = median(&mut ours, |(time, _)| *time);
        let difference = audit.totals.in_all["USD"].difference_cents;
        let findings = audit.findings.len();
        println!("fprecon: {time:.2?}; {findings} findings, {difference} cents");
        if theirs.is_empty() {
            println!("skipped: no Python with duckdb (FPRECON_DUCKDB_PYTHON)");
            return;
        }
        let theirs = *median(&mut theirs, |time| *time);
        println!("DuckDB:  {theirs:.2?}; {}", results[0]);
        for result in results {
            assert_eq!(result, format!("{findings} findings, {difference} cents"));
        }
        let ratio = time.as_secs_f64() / theirs.as_secs_f64();
        println!("ratio: {ratio:.2} (no more than 1.00 wanted)");
    }

    fn median<T>(measured: &mut [T], time: impl Fn(&T) -> Duration) -> &T {
        measured.sort_by_key(|one| time(one));
        &measured[measured.len() / 2]
    }

    fn once(frames: Frames) -> (Duration, Audit) {
        let started = Instant::now();
        let rules: AuditRules = toml::from_str("[[rule]]\nrate = \"20\"").unwrap();
        let now = "2026-12-01T00:00:00Z".parse().unwrap();
        let audit = audit(frames, &rules, usd(), now).unwrap();
        (started.elapsed(), audit)
    }

    /// The median of as many rounds, within one Python.
    fn duckdb(folder: &Path) -> Option<(Duration, String)> {
        let python = std::env::var("FPRECON_DUCKDB_PYTHON").unwrap_or("python3".to_owned());
        let mut command = Command::new(python);
        let command = command
            .args(["-c", SQL])
            .arg(folder)
            .arg(ROUNDS.to_string());
        let output = command.output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let Some((seconds, result)) = text.trim().split_once(' ') else {
            println!("{}", String::from_utf8_lossy(&output.stderr));
            return None;
        };
        let seconds = seconds.parse().ok()?;
        Some((Duration::from_secs_f64(seconds), result.to_owned()))
    }

    /// Writes each side as a CSV file, from which DuckDB makes its tables.
    fn write(frames: &Frames, folder: &Path) {
        let sides = [
            ("billed.csv", &frames.billed),
            ("commissions.csv", &frames.commissions),
            ("leads.csv", &frames.leads),
        ];
        for (name, frame) in sides {
            let mut file = csv::Writer::from_path(folder.join(name)).unwrap();
            file.write_record(frame.get_column_names()).unwrap();
            for row in 0..frame.height() {
                for column in frame.columns() {
                    file.write_field(cell(&column.get(row).unwrap())).unwrap();
                }
                file.write_record(None::<&[u8]>).unwrap();
            }
            file.flush().unwrap();
        }
    }

    fn cell(value: &AnyValue<'_>) -> String {
        match value {
            AnyValue::Null => String::new(),
            AnyValue::String(text) => (*text).to_owned(),
            AnyValue::StringOwned(text) => text.to_string(),
            AnyValue::Boolean(flag) => flag.to_string(),
            AnyValue::Int64(number) => number.to_string(),
            other => panic!("{other:?} in a column of the audit"),
        }
    }

    fn usd() -> Currency {
        Currency::from_code("USD").unwrap()
    }

    fn promoter(number: u64) -> Promoter {
        Promoter {
            id: Some(format!("{}", 100_000 + number)),
            email: Some(format!("promoter{number}@example.com")),
            ref_id: Some(format!("ref{number}")),
        }
    }

    /// One event in 16 is a refund of the one before it; three in 500 are wrong in some way.
    fn generate(rows: u64) -> Sides {
        let mut sides = Sides::default();
        let mut random = fastrand::Rng::with_seed(7);
        let mut last = None;
        for number in 0..rows {
            let sale = if is_refund(number) { last.take() } else { None };
            let (sale_event_id, cents) = match sale {
                Some((sale_event_id, cents)) => (Some(sale_event_id), cents),
                None => (None, random.i64(500..50_000)),
            };
            let event = NumberedEvent {
                number,
                sale_event_id,
                cents,
            };
            if number.is_multiple_of(4) {
                sides.add_lead(event.lead()).unwrap();
            }
            let wrong = wrong_in_500(number);
            if wrong != 1 {
                sides.add_commission(event.commission()).unwrap();
            }
            if wrong != 2 {
                sides.add_billed(event.billed()).unwrap();
            }
            last = (number % 16 == 14).then(|| (event.event_id(), cents));
        }
        sides
    }

    fn is_refund(number: u64) -> bool {
        number % 16 == 15
    }

    /// Returns what is wrong with an event: 0, 1 or 2. Never with one that is refunded, or its refund.
    fn wrong_in_500(number: u64) -> u64 {
        if number % 16 < 14 { number % 500 } else { 3 }
    }

    /// An event of the generated account.
    struct NumberedEvent {
        number: u64,
        /// The sale of a refund.
        sale_event_id: Option<String>,
        cents: i64,
    }

    impl NumberedEvent {
        fn event_id(&self) -> String {
            format!("in_1Nabc{:012}", self.number)
        }

        /// Returns the number of the customer, who has four events.
        fn customer_number(&self) -> u64 {
            self.number / 4
        }

        fn uid(&self) -> String {
            format!("cus_{:09}", self.customer_number())
        }

        fn customer(&self) -> Customer {
            let email = format!("customer{}@example.com", self.customer_number());
            Customer::new(Some(&email), Some(&self.uid()))
        }

        fn promoter(&self) -> Promoter {
            promoter(self.customer_number() % 2_000)
        }

        fn plan(&self) -> Option<String> {
            Some(format!("plan_{}", self.customer_number() % 12))
        }

        fn created_at(&self) -> Option<Timestamp> {
            let day = i64::try_from(self.number % 360).unwrap();
            Timestamp::from_second(1_735_689_600 + day * 86_400 + 3_600).ok()
        }

        fn lead(&self) -> ReferredCustomer {
            ReferredCustomer {
                customer: Customer::new(None, Some(&self.uid())),
                promoter: self.promoter(),
                created_at: None,
                customer_since: None,
                was_moved: false,
                ..ReferredCustomer::default()
            }
        }

        fn billed(&self) -> Billed {
            Billed {
                place: SourceLocation {
                    file: "sales.csv".to_owned(),
                    line: Some(self.number + 2),
                },
                kind: if is_refund(self.number) {
                    BilledKind::Refund
                } else {
                    BilledKind::Sale
                },
                event_id: self.event_id(),
                sale_event_id: self.sale_event_id.clone(),
                customer: self.customer(),
                money: Money {
                    amount_cents: self.cents,
                    currency: usd(),
                },
                account_amount_cents: Some(self.cents),
                estimated_amount_cents: None,
                is_day: false,
                settled_at: None,
                plan: self.plan(),
                created_at: self.created_at(),
                outcome: Some(Outcome::Tracked),
                promoter: Promoter::default(),
                commission_cents: None,
                recorded_at: None,
                is_dispute: false,
                reference: None,
            }
        }

        fn commission(&self) -> Commission {
            let sign = if is_refund(self.number) { -1 } else { 1 };
            let extra_cents = match wrong_in_500(self.number) {
                0 => 7,
                _ => 0,
            };
            let campaign = self.customer_number() % 5;
            // The refund is paid out together with its sale.
            let is_paid = self.number % 16 >= 14 || self.number.is_multiple_of(2);
            Commission {
                place: SourceLocation {
                    file: "commissions.csv".to_owned(),
                    line: Some(self.number + 2),
                },
                id: Some(format!("{}", 10_000_000 + self.number)),
                status: Status::Approved,
                unit: Unit::Cash(usd()),
                amount_cents: sign * ((self.cents * 20 + 50) / 100 + extra_cents),
                sale_amount_cents: Some(sign * self.cents),
                original_sale: None,
                is_by_hand: false,
                event_id: Some(self.event_id()),
                tier: 1,
                is_split: Some(false),
                is_paid: Some(is_paid),
                created_at: self.created_at(),
                status_updated_at: None,
                is_plan_of_lead: false,
                promoter: self.promoter(),
                campaign_id: Some(format!("{campaign}")),
                campaign: Some(format!("Campaign {campaign}")),
                plan: self.plan(),
                customer: self.customer(),
            }
        }
    }
}
