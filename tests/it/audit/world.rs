//! An account with an import in it, and ways to plant errors and to audit.

use serde_json::Value;

use crate::support::{Payment, Place, Ran, SandboxProcess, stripe_export};

/// Two promoters, who earn the same, and the leads that they brought: customers 1 to 4 came by nora,
/// customers 5 to 8 by felix.
pub(super) const ACCOUNT: &str = r#"
commission_percent = 20
[[promoter]]
ref_id = "nora"
email = "nora@example.com"
[[promoter]]
ref_id = "felix"
email = "felix@example.com"
"#;

/// What the rate is, so that nothing has to be inferred.
pub(super) const RULES: &str = "[audit]\n[[audit.rule]]\nrate = \"20\"\n";

/// The refund of payment 5, of a quarter of it.
pub(super) const REFUND: &str = "in_0005_refund_500";

/// An account with an import in it, and the folder from which it was imported.
pub(super) struct World {
    pub(super) place: Place,
    pub(super) sandbox: SandboxProcess,
}

/// In which version their side is read, or from what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Way {
    V1,
    V2,
    Csv,
}

pub(super) const WAYS: [Way; 3] = [Way::V1, Way::V2, Way::Csv];

impl World {
    /// Eight payments of 20.00 by eight customers: one is paid back in part, one whole.
    pub(super) fn new() -> Self {
        let world = World::empty(8);
        world.import(&payments(8), 0);
        world
    }

    pub(super) fn empty(customers: u32) -> Self {
        let place = Place::new();
        let mut leads = String::from("email,uid,promoter\n");
        for customer in 1..=customers {
            let promoter = if customer <= 4 { "nora" } else { "felix" };
            leads += &format!("user{customer}@example.com,cus_{customer:04},{promoter}\n");
        }
        place
            .write("account.toml", ACCOUNT)
            .write("leads.csv", &leads)
            .write("fprecon.toml", RULES);
        let file = |name: &str| place.path(name).display().to_string();
        let sandbox = SandboxProcess::start(&[
            "--start",
            &file("account.toml"),
            "--start",
            &file("leads.csv"),
        ]);
        World { place, sandbox }
    }

    pub(super) fn import(&self, payments: &[Payment], code: i32) -> Value {
        self.place.write("payments.csv", &stripe_export(payments));
        let run = ["run", "payments.csv", "--yes", "--json"];
        self.place.run_to(&self.sandbox, &run).expect(code).json()
    }

    pub(super) fn plant(&self, orders: &Value) {
        self.sandbox.post("/sandbox/commissions", orders);
    }

    /// The audit, with their side read as told.
    pub(super) fn audit(&self, way: Way, more: &[&str]) -> Ran {
        let mut arguments = vec!["audit", "--json"];
        arguments.extend(more);
        match way {
            Way::V1 => {
                arguments.push("--live");
                self.place.run_to(&self.sandbox, &arguments)
            }
            Way::V2 => {
                arguments.push("--live");
                self.place.run_to_v2(&self.sandbox, &arguments)
            }
            Way::Csv => {
                self.place.write("commissions.csv", &self.commissions_csv());
                arguments.extend(["--commissions", "commissions.csv"]);
                self.place.run(&arguments)
            }
        }
    }

    /// What the dashboard might export, in units and with columns of its own.
    pub(super) fn commissions_csv(&self) -> String {
        let mut text = String::from(
            "Commission ID,Event ID,Promoter email,Campaign,Sale amount,Commission amount,Status,Paid,Tier,Date\n",
        );
        let units = |cents: &Value| {
            let cents = cents.as_i64().unwrap();
            let sign = if cents < 0 { "-" } else { "" };
            format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
        };
        for own in self.sandbox.get("/sandbox/commissions").as_array().unwrap() {
            text += &format!(
                "{},{},{}@example.com,{},{},{},{},{},{},{}\n",
                own["id"],
                own["event_id"].as_str().unwrap_or_default(),
                own["promoter"].as_str().unwrap(),
                own["campaign"].as_str().unwrap(),
                units(&own["sale_amount_cents"]),
                units(&own["commission_cents"]),
                own["status"].as_str().unwrap(),
                if own["is_paid"] == true { "Yes" } else { "No" },
                own["tier"],
                own["created_at"].as_str().unwrap(),
            );
        }
        text
    }

    /// Waits until so many pages of commissions were asked for.
    pub(super) fn wait_for_pages(&self, count: usize) {
        while pages_asked_for(&self.sandbox).len() < count {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// Plants, and finds that one thing by each of the ways.
    #[track_caller]
    pub(super) fn finds(&self, orders: &Value, kind: &str, ways: &[Way]) -> Value {
        self.plant(orders);
        let mut found = Value::Null;
        for &way in ways {
            let audit = self.audit(way, &["--dir", "report"]).expect(1).json();
            let findings = audit["findings"].as_array().unwrap();
            let kinds: Vec<&Value> = findings.iter().map(|one| &one["kind"]).collect();
            assert_eq!(kinds, [kind], "{way:?}: {findings:#?}");
            explains(&audit);
            found = findings[0].clone();
        }
        found
    }
}

/// The findings account for the whole difference.
#[track_caller]
pub(super) fn explains(audit: &Value) {
    let found = audit["findings"].as_array().unwrap().iter();
    let sum: i64 = found
        .map(|one| one["difference_cents"].as_i64().unwrap())
        .sum();
    assert_eq!(
        audit["totals"]["in_all"]["USD"]["difference_cents"], sum,
        "{audit:#}"
    );
}

pub(super) fn payments(count: u32) -> Vec<Payment> {
    let mut payments: Vec<Payment> = (1..=count).map(|n| Payment::paid(n, n)).collect();
    let mut refund = |index: usize, amount: &str| {
        if let Some(payment) = payments.get_mut(index) {
            payment.refunded = amount.into();
            payment.refunded_at = "2026-03-20 09:00:00".into();
            if amount == payment.amount {
                payment.status = "Refunded".into();
            }
        }
    };
    refund(4, "5.00");
    refund(5, "20.00");
    payments
}

/// So many payments that version 1 needs three pages for their commissions.
pub(super) fn large() -> World {
    let world = World::empty(120);
    let payments: Vec<Payment> = (1..=120).map(|n| Payment::paid(n, n)).collect();
    world.import(&payments, 0);
    world
}

/// Pages of commissions that were asked for, in order.
pub(super) fn pages_asked_for(sandbox: &SandboxProcess) -> Vec<String> {
    let arrivals = sandbox.arrivals();
    let listed = arrivals.iter().filter(|one| {
        let path = one["path"].as_str().unwrap_or_default();
        path.ends_with("rewards/list")
    });
    listed
        .map(|one| one["query"].as_str().unwrap().replace("page=", ""))
        .collect()
}
