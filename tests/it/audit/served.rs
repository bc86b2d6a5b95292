//! Lists of an account as a test writes them: what the sandbox never answers, in the words of each version of the API.

use std::io::Write;
use std::net::TcpStream;

use serde_json::{Value, json};

use super::lists::{SALES, Said};
use crate::support::{Place, Server};

pub(super) const VERSIONS: [u32; 2] = [1, 2];

/// The lists of an account in one version. Promoters are called by a letter: `n` is `n@x.com`.
#[derive(Clone)]
pub(super) struct Lists {
    pub(super) version: u32,
    pub(super) commissions: Vec<Value>,
    pub(super) leads: Vec<Value>,
    pub(super) payouts: Vec<Value>,
    pub(super) promoters: Vec<Value>,
}

/// A commission of a sale of 100.00 on a day of 2026, of 20.00 for `n` unless changed.
pub(super) struct Row<'r> {
    pub(super) event: &'r str,
    pub(super) day: &'r str,
    pub(super) customer: &'r str,
    pub(super) promoter: &'r str,
    pub(super) cents: i64,
    pub(super) sale_cents: i64,
    pub(super) tier: u32,
    /// What else a line of the version has, or has otherwise.
    pub(super) more: Value,
}

impl Default for Row<'_> {
    fn default() -> Self {
        Row {
            event: "s1",
            day: "2026-03-01",
            customer: "a",
            promoter: "n",
            cents: 2_000,
            sale_cents: 10_000,
            tier: 1,
            more: json!({}),
        }
    }
}

fn number(promoter: &str) -> u32 {
    u32::from(promoter.as_bytes()[0])
}

fn promoter(version: u32, name: &str) -> Value {
    let mut own = json!({"id": number(name), "email": format!("{name}@x.com")});
    if version == 1 {
        own["default_ref_id"] = json!(name);
    }
    own
}

/// Adds the keys of one object to another.
fn with(mut line: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        line[key] = value.clone();
    }
    line
}

impl Lists {
    pub(super) fn new(version: u32) -> Self {
        Lists {
            version,
            commissions: Vec::new(),
            leads: Vec::new(),
            payouts: Vec::new(),
            promoters: Vec::new(),
        }
    }

    fn campaign(&self, name: &str) -> Value {
        let own = promoter(2, name);
        json!({"campaign_id": 3, "promoter_id": number(name), "promoter": own, "campaign": {"id": 3, "name": "Aff"}})
    }

    pub(super) fn earns(mut self, row: &Row<'_>) -> Self {
        let at = format!("{}T10:00:00Z", row.day);
        let lead = json!({"id": 9, "email": format!("{}@x.com", row.customer), "uid": null});
        let both = json!({"id": self.commissions.len() + 1, "status": "approved", "amount": row.cents, "unit": "cash",
            "created_at": at, "event_id": row.event});
        let own = match self.version {
            1 => json!({"conversion_amount": row.sale_cents, "tier_level": row.tier, "lead": lead,
                "promoter": promoter(1, row.promoter),
                "promotion": {"id": number(row.promoter), "ref_id": row.promoter, "campaign_id": 3, "campaign_name": "Aff"}}),
            _ => {
                json!({"sale_amount": row.sale_cents, "commission_type": "sale", "tier": row.tier, "is_paid": false,
                "is_split": false, "referral": lead, "promoter_campaign": self.campaign(row.promoter)})
            }
        };
        self.commissions.push(with(with(both, &own), &row.more));
        self
    }

    /// Adds a lead, created at a time.
    pub(super) fn lead(mut self, customer: &str, name: &str, at: &str, more: &Value) -> Self {
        let both = json!({"id": self.leads.len() + 1, "email": format!("{customer}@x.com"), "uid": null,
            "state": "active", "created_at": at, "customer_since": null});
        let own = match self.version {
            1 => {
                json!({"promoter": promoter(1, name), "promotion": {"id": number(name), "ref_id": name, "campaign_id": 3}})
            }
            _ => json!({"promoter_campaign": self.campaign(name)}),
        };
        self.leads.push(with(with(both, &own), more));
        self
    }

    pub(super) fn pays(mut self, name: &str, cents: i64) -> Self {
        let at = "2026-04-01T00:00:00Z";
        let both = json!({"id": self.payouts.len() + 1, "amount": cents, "unit": "cash", "status": "completed",
            "created_at": at, "paid_at": at});
        let own = match self.version {
            1 => json!({"promoter": promoter(1, name)}),
            _ => json!({"promoter": promoter(2, name), "promoter_campaign": self.campaign(name)}),
        };
        self.payouts.push(with(both, &own));
        self
    }

    pub(super) fn promoter(mut self, name: &str, parent: Option<&str>) -> Self {
        let parent = parent.map(|parent| promoter(2, parent));
        let own = promoter(self.version, name);
        self.promoters
            .push(with(own, &json!({"parent_promoter": parent})));
        self
    }

    fn serve(&self) -> Server {
        let lists = self.clone();
        Server::start(move |request, stream| lists.answer(request, stream))
    }

    fn answer(&self, request: &str, stream: &mut TcpStream) {
        let path = request.split(' ').nth(1).unwrap();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let list = match path.rsplit_once("/api/").unwrap().1 {
            "v1/rewards/list" | "v2/company/commissions" => &self.commissions,
            "v1/leads/list" | "v2/company/referrals" => &self.leads,
            "v1/payouts/list" | "v2/company/payouts" => &self.payouts,
            _ => &self.promoters,
        };
        let is_first = query
            .split('&')
            .all(|part| !part.starts_with("page=") || part == "page=1");
        let page = if is_first { list.as_slice() } else { &[] };
        let body = if path.ends_with("company/promoters") {
            json!({"data": page, "meta": {}}).to_string()
        } else {
            json!(page).to_string()
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntotal: {}\r\nper-page: 100\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            list.len(),
            body.len()
        );
        let _ = stream.write_all((head + &body).as_bytes());
    }
}

/// What an audit of these sales against these lists says.
pub(super) fn audit(rules: &str, sales: &str, lists: &Lists, more: &[&str]) -> Said {
    let place = Place::new();
    place.write("fprecon.toml", rules);
    place.write("s.csv", &format!("{SALES}{sales}"));
    let server = lists.serve();
    let base_url = server
        .base_url
        .replace("v1", &format!("v{}", lists.version));
    let run = |words: &[&str]| {
        let words = [&["audit", "s.csv", "--dir", "out"], words, more].concat();
        let mut command = place.command_at(&base_url, &words);
        if lists.version == 2 {
            command.env("FPRECON_API", "v2");
            command.env("FPRECON_ACCOUNT_ID", "account-1");
        }
        command.output().unwrap()
    };
    let ran = run(&["--live"]);
    let text = [ran.stdout, ran.stderr].concat();
    let json = run(&["--json"]).stdout;
    Said {
        code: ran.status.code().unwrap(),
        text: String::from_utf8(text).unwrap(),
        json: serde_json::from_slice(&json).unwrap_or(Value::Null),
    }
}
