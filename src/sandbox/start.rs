//! The account before the first call: promoters, rates, plans and leads, from TOML and CSV.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};

use super::SandboxError;
use super::leads::{LeadState, StartLead};
use super::moment::Moment;
use super::promoters::{StoredPromoter, StoredPromoters};
use super::rates::{Millionths, SandboxRate, SandboxRates};
use crate::bounded;

/// The greatest size of a file that is read, in bytes.
const FILE_LIMIT: u64 = 64 << 20;

const DEFAULT: &str = include_str!("default.toml");

/// The content of the account before the first call.
///
/// See `docs/sandbox.md` for the format of the files.
#[derive(Clone, Debug)]
pub struct StartState {
    pub(super) lead_share_percent: u8,
    pub(super) rates: SandboxRates,
    pub(super) promoters: StoredPromoters,
    pub(super) leads: Vec<StartLead>,
}

/// Returns the built-in state, for use without a file: six promoters (one of them banned),
/// plan-level rates, and three quarters of all customers as leads.
impl Default for StartState {
    fn default() -> Self {
        let account = toml::from_str(DEFAULT).expect("the built-in set is tested");
        let mut draft = ScenarioDraft::default();
        draft
            .add(account)
            .and_then(|()| draft.finish())
            .expect("the built-in set is tested")
    }
}

impl StartState {
    /// Reads files in turn into one account: TOML, and CSV (by the file's extension) for leads
    /// only.
    ///
    /// # Errors
    ///
    /// A file can't be read, is larger than 64 MiB, has an unknown key, or contradicts itself; the
    /// error names the file and the place.
    pub fn read(files: &[PathBuf]) -> Result<StartState, SandboxError> {
        let mut draft = ScenarioDraft::default();
        for file in files {
            let bad = |message| SandboxError::StartState {
                file: file.clone(),
                message,
            };
            let text = read_text(file).map_err(bad)?;
            let is_csv = file
                .extension()
                .is_some_and(|end| end.eq_ignore_ascii_case("csv"));
            let added = if is_csv {
                draft.add_csv(&text)
            } else {
                let account = toml::from_str(&text).map_err(|error| bad(error.to_string()))?;
                draft.add(account)
            };
            added.map_err(bad)?;
        }
        draft.finish().map_err(|message| SandboxError::StartState {
            file: files.last().cloned().unwrap_or_default(),
            message,
        })
    }
}

fn read_text(file: &Path) -> Result<String, String> {
    bounded::read_text(file, FILE_LIMIT).map_err(|error| error.to_string())
}

/// A TOML file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountFile {
    lead_share_percent: Option<u8>,
    commission_percent: Option<Millionths>,
    commission_cents: Option<u32>,
    other_promo_codes: Option<String>,
    other_visits: Option<bool>,
    #[serde(default)]
    exchange_rates: BTreeMap<String, Millionths>,
    #[serde(default, rename = "plan")]
    plans: Vec<PlanEntry>,
    #[serde(default, rename = "promoter")]
    promoters: Vec<PromoterEntry>,
    #[serde(default, rename = "visit")]
    visits: Vec<VisitEntry>,
    #[serde(default, rename = "lead")]
    leads: Vec<LeadEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanEntry {
    id: String,
    commission_percent: Option<Millionths>,
    commission_cents: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PromoterEntry {
    ref_id: String,
    email: Option<String>,
    #[serde(default)]
    name: String,
    promo_code: Option<String>,
    commission_percent: Option<Millionths>,
    commission_cents: Option<u32>,
    #[serde(default)]
    banned: bool,
    #[serde(default, deserialize_with = "moment")]
    created_at: Option<Moment>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VisitEntry {
    tid: String,
    promoter: String,
}

/// A lead, in TOML or in CSV.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LeadEntry {
    email: Option<String>,
    uid: Option<String>,
    /// The promoter's `ref_id`.
    promoter: String,
    #[serde(default)]
    state: Option<LeadState>,
    plan: Option<String>,
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    last_name: Option<String>,
    #[serde(default, deserialize_with = "moment")]
    created_at: Option<Moment>,
    #[serde(default, deserialize_with = "moment")]
    customer_since: Option<Moment>,
    #[serde(default, deserialize_with = "moment")]
    cancelled_at: Option<Moment>,
}

fn moment<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Moment>, D::Error> {
    use serde::de::Error;
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Date(toml::value::Datetime),
        Text(String),
    }
    let text = match Option::<Written>::deserialize(reader)? {
        None => return Ok(None),
        Some(Written::Date(date)) => date.to_string(),
        Some(Written::Text(text)) if text.trim().is_empty() => return Ok(None),
        Some(Written::Text(text)) => text,
    };
    match Moment::parse(&text) {
        Some(moment) => Ok(Some(moment)),
        None => Err(D::Error::custom(format!(
            "`{text}` is not a date such as 2026-03-01 or 2026-03-01T10:00:00Z"
        ))),
    }
}

/// The account as far as it has been read.
#[derive(Default)]
struct ScenarioDraft {
    lead_share_percent: Option<u8>,
    default_rate: Option<SandboxRate>,
    plans: HashMap<String, SandboxRate>,
    exchange: HashMap<String, Millionths>,
    promoters: StoredPromoters,
    leads: Vec<StartLead>,
    other_promo_codes: Option<String>,
}

impl ScenarioDraft {
    fn add(&mut self, file: AccountFile) -> Result<(), String> {
        if let Some(percent) = file.lead_share_percent.filter(|percent| *percent > 100) {
            return Err(format!(
                "invalid lead share {percent} %: it must be between 0 and 100"
            ));
        }
        replace(&mut self.lead_share_percent, file.lead_share_percent);
        replace(&mut self.other_promo_codes, file.other_promo_codes);
        let default = rate(
            file.commission_percent,
            file.commission_cents,
            "the account",
        )?;
        replace(&mut self.default_rate, default);
        self.exchange.extend(file.exchange_rates);
        for plan in file.plans {
            let rate = rate(plan.commission_percent, plan.commission_cents, &plan.id)?.ok_or_else(
                || {
                    format!(
                        "the plan `{}` needs commission_percent or commission_cents",
                        plan.id
                    )
                },
            )?;
            if self.plans.insert(plan.id.clone(), rate).is_some() {
                return Err(format!("the plan `{}` is declared twice", plan.id));
            }
        }
        for promoter in file.promoters {
            self.add_promoter(promoter)?;
        }
        for visit in file.visits {
            let promoter = self.promoter(&visit.promoter)?;
            self.promoters.add_visit(visit.tid, promoter);
        }
        if let Some(other_visits) = file.other_visits {
            self.promoters.accepts_other_visits = other_visits;
        }
        for lead in file.leads {
            let promoter = self.promoter(&lead.promoter)?;
            self.add_lead(lead, promoter)?;
        }
        Ok(())
    }

    /// Adds a lead for each line. A promoter who is not in any file is added.
    fn add_csv(&mut self, text: &str) -> Result<(), String> {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let headers = reader.headers().map_err(|error| error.to_string())?.clone();
        let mut record = csv::StringRecord::new();
        while reader
            .read_record(&mut record)
            .map_err(|error| error.to_string())?
        {
            let line = record.position().map_or(0, csv::Position::line);
            let at = |message: String| format!("line {line}: {message}");
            let lead: LeadEntry = record
                .deserialize(Some(&headers))
                .map_err(|error| error.to_string())?;
            let promoter = match self.promoters.by_ref_id(&lead.promoter) {
                Some(promoter) => promoter,
                None => self
                    .add_promoter(PromoterEntry::named(&lead.promoter))
                    .map_err(at)?,
            };
            self.add_lead(lead, promoter).map_err(at)?;
        }
        Ok(())
    }

    fn promoter(&self, ref_id: &str) -> Result<usize, String> {
        self.promoters
            .by_ref_id(ref_id)
            .ok_or_else(|| format!("unknown promoter `{ref_id}`: declare it with [[promoter]]"))
    }

    fn add_promoter(&mut self, entry: PromoterEntry) -> Result<usize, String> {
        if entry.ref_id.trim().is_empty() {
            return Err("a promoter needs a ref_id".to_owned());
        }
        if self.promoters.by_ref_id(&entry.ref_id).is_some() {
            return Err(format!("the promoter `{}` is declared twice", entry.ref_id));
        }
        let rate = rate(
            entry.commission_percent,
            entry.commission_cents,
            &entry.ref_id,
        )?;
        let place = self.promoters.len();
        let number = u64::try_from(place).unwrap_or_default();
        let (first_name, last_name) = entry.name.split_once(' ').unwrap_or((&entry.name, ""));
        self.promoters.add(StoredPromoter {
            id: 1983 + number,
            promotion_id: 2986 + number,
            email: entry
                .email
                .unwrap_or_else(|| format!("{}@example.com", entry.ref_id)),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            ref_id: entry.ref_id,
            promo_code: entry.promo_code,
            rate,
            is_banned: entry.banned,
            created_at: entry.created_at.unwrap_or(Moment::EPOCH),
        });
        Ok(place)
    }

    fn add_lead(&mut self, entry: LeadEntry, promoter: usize) -> Result<(), String> {
        let some = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let (email, uid) = (some(entry.email), some(entry.uid));
        if email.is_none() && uid.is_none() {
            return Err("a lead needs an email or a uid".to_owned());
        }
        self.leads.push(StartLead {
            promoter,
            email,
            uid,
            state: entry.state.unwrap_or(LeadState::Signup),
            plan: some(entry.plan),
            first_name: entry.first_name.unwrap_or_default(),
            last_name: entry.last_name.unwrap_or_default(),
            created_at: entry.created_at.unwrap_or(Moment::EPOCH),
            customer_since: entry.customer_since,
            cancelled_at: entry.cancelled_at,
        });
        Ok(())
    }

    fn finish(mut self) -> Result<StartState, String> {
        if let Some(ref_id) = &self.other_promo_codes {
            self.promoters.other_codes = Some(self.promoter(ref_id)?);
        }
        let default = self
            .default_rate
            .unwrap_or(SandboxRate::Percent(Millionths(20_000_000)));
        let lead_share_percent = self.lead_share_percent.unwrap_or(0);
        if lead_share_percent > 0 && self.promoters.any(0).is_none() {
            return Err(
                "leads need a promoter who is not banned: declare one with [[promoter]]".into(),
            );
        }
        Ok(StartState {
            lead_share_percent,
            rates: SandboxRates {
                default,
                by_plan: self.plans,
                exchange: self.exchange,
            },
            promoters: self.promoters,
            leads: self.leads,
        })
    }
}

impl PromoterEntry {
    fn named(ref_id: &str) -> PromoterEntry {
        PromoterEntry {
            ref_id: ref_id.to_owned(),
            email: None,
            name: String::new(),
            promo_code: None,
            commission_percent: None,
            commission_cents: None,
            banned: false,
            created_at: None,
        }
    }
}

fn replace<T>(old: &mut Option<T>, new: Option<T>) {
    if new.is_some() {
        *old = new;
    }
}

fn rate(
    percent: Option<Millionths>,
    cents: Option<u32>,
    whose: &str,
) -> Result<Option<SandboxRate>, String> {
    match (percent, cents) {
        (None, None) => Ok(None),
        (Some(percent), None) => Ok(Some(SandboxRate::Percent(percent))),
        (None, Some(cents)) => Ok(Some(SandboxRate::Cents(cents.into()))),
        (Some(_), Some(_)) => Err(format!(
            "`{whose}` has both commission_percent and commission_cents: choose one"
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Millionths, SandboxRate, StartState};

    fn read(files: &[(&str, &str)]) -> Result<StartState, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let paths: Vec<_> = files
            .iter()
            .map(|(name, text)| {
                let path = folder.path().join(name);
                fs::write(&path, text).expect("a file");
                path
            })
            .collect();
        StartState::read(&paths).map_err(|error| error.to_string())
    }

    #[test]
    fn the_built_in_set_is_whole() {
        let start = StartState::default();
        assert_eq!(start.lead_share_percent, 75);
        assert_eq!(start.promoters.len(), 6);
        assert_eq!(start.promoters.by_code("anything"), Some(0));
        assert_eq!(start.promoters.by_code("felix"), Some(1));
    }

    #[test]
    fn files_add_up_to_one_account() {
        let toml = r#"
            commission_percent = "12.5"
            exchange_rates = { EUR = "1.08" }
            [[plan]]
            id = "pro"
            commission_cents = 500
            [[promoter]]
            ref_id = "ada"
            promo_code = "ADA10"
            created_at = 2026-01-02
            [[visit]]
            tid = "t-1"
            promoter = "ada"
            [[lead]]
            email = "a@x.test"
            promoter = "ada"
            state = "active"
            customer_since = "2026-01-03T00:00:00Z"
        "#;
        let csv = "email,uid,promoter,state,plan,created_at\n\
                   b@x.test,,bob,,pro,\n,u-3, ada ,cancelled,,2026-02-01\n";
        let start = read(&[("account.toml", toml), ("leads.CSV", csv)]).expect("both are good");
        assert_eq!(start.promoters.len(), 2);
        assert_eq!(start.lead_share_percent, 0);
        assert_eq!(start.leads.len(), 3);
        assert_eq!(start.leads[2].promoter, 0);
        assert_eq!(start.promoters.by_visit("t-1"), Some(0));
        assert_eq!(start.promoters.by_visit("t-2"), None);
        assert_eq!(start.promoters.by_code("ada10"), Some(0));
        assert_eq!(start.promoters.by_code("other"), None);
        assert_eq!(start.rates.of(Some("pro"), None), SandboxRate::Cents(500));
        let default = SandboxRate::Percent(Millionths(12_500_000));
        assert_eq!(start.rates.of(Some("other"), None), default);
        assert_eq!(start.rates.exchanged(1000, Some("EUR")), 1080);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_file() {
        for (name, text, said) in [
            ("a.toml", "leeds = 1", "leeds"),
            ("a.toml", "commission_percent = 12.5", "12.5"),
            ("a.toml", "lead_share_percent = 101", "101 %"),
            ("a.toml", "lead_share_percent = 5", "[[promoter]]"),
            ("a.toml", "[[plan]]\nid = \"p\"", "`p`"),
            (
                "a.toml",
                "[[lead]]\nemail = \"a\"\npromoter = \"zoe\"",
                "`zoe`",
            ),
            (
                "a.toml",
                "[[promoter]]\nref_id = \"a\"\n[[promoter]]\nref_id = \"a\"",
                "twice",
            ),
            ("a.csv", "email,promoter\n,ada\n", "line 2"),
            ("a.csv", "email,promoter,state\na,ada,gone\n", "gone"),
            ("a.csv", "mail,promoter\na,ada\n", "mail"),
            ("a.csv", "email,promoter,created_at\na,ada,soon\n", "soon"),
        ] {
            let error = read(&[(name, text)]).expect_err(text);
            assert!(
                error.contains(name) && error.contains(said),
                "{text}: {error}"
            );
        }
        let missing = StartState::read(&["/nowhere/start.toml".into()]);
        assert!(
            missing
                .expect_err("no such file")
                .to_string()
                .contains("/nowhere/start.toml")
        );
    }
}
