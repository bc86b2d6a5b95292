//! The table `[audit]`, read and checked.

use std::collections::BTreeMap;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use toml::de::{DeTable, DeValue};

use super::{AuditRules, CommissionRate, Payments, Rule, VolumePer};

/// The place of a key in the table `[audit]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesKey {
    /// The number of the `[[audit.rule]]`, from 1, if it is in one.
    rule: Option<usize>,
    /// The name of the key; empty for the rule as a whole.
    name: &'static str,
}

impl std::fmt::Display for RulesKey {
    /// Writes a key as `audit.rounding` or `audit.rule 2: rate`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.rule {
            Some(number) => write!(f, "audit.rule {number}: {}", self.name),
            None => write!(f, "audit.{}", self.name),
        }
    }
}

/// Reports a mistake in the table `[audit]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// A value is not what its key takes.
    #[error("`{key}`: {message}")]
    Value {
        /// The key.
        key: RulesKey,
        /// The value, and the values that are possible.
        message: String,
    },
    /// Two rules fit the same sale and nothing says which one wins.
    #[error(
        "{one} and {other} of `[[audit.rule]]` both fit the same sales, and neither names more; \
         give one of them what tells them apart, or add a rule that names what both name"
    )]
    Ambiguous {
        /// The first.
        one: String,
        /// The second.
        other: String,
        /// The number of the second, from 1.
        other_number: usize,
    },
}

impl RulesError {
    fn key(&self) -> RulesKey {
        match self {
            RulesError::Value { key, .. } => key.clone(),
            RulesError::Ambiguous { other_number, .. } => RulesKey {
                rule: Some(*other_number),
                name: "",
            },
        }
    }
}

/// Reports a mistake in a configuration's table `[audit]`, and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongRules {
    /// The mistake, in words.
    pub message: String,
    /// The byte of the text at which it stands, where that is known.
    pub byte: Option<usize>,
}

/// The part of a configuration that the audit reads.
#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    audit: AuditTable,
}

impl AuditRules {
    /// The keys of `[audit]` that are not rules, each with its default.
    pub const KEYS: [(&'static str, &'static str); 7] = [
        ("rounding", "half-up"),
        ("zone", "UTC"),
        ("tolerance_cents", "0"),
        ("match_by_customer", "false"),
        ("match_days", "3"),
        ("pending_days", "0"),
        ("volume", "month"),
    ];

    /// Checks the table `[audit]` of a configuration by itself.
    ///
    /// # Errors
    ///
    /// Checks the table, and returns the first mistake with its place.
    pub fn check(text: &str) -> Result<(), WrongRules> {
        let config: Config = toml::from_str(text).map_err(|error| WrongRules {
            message: error.message().trim().to_owned(),
            byte: error.span().map(|span| span.start),
        })?;
        let wrong = |error: RulesError| WrongRules {
            message: error.to_string(),
            byte: byte_of(text, &error.key()),
        };
        AuditRules::try_from(config.audit)
            .map(|_| ())
            .map_err(wrong)
    }
}

/// Returns the byte at which a key is in a configuration; if it is not there, that of its table.
fn byte_of(text: &str, key: &RulesKey) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let audit = document.get_ref().get("audit")?;
    let mut at = audit.span().start;
    let mut table = audit.get_ref().as_table()?;
    if let Some(number) = key.rule {
        let rules = table.get("rule")?.get_ref().as_array()?;
        let rule = rules.get(number.checked_sub(1)?)?;
        at = rule.span().start;
        table = rule.get_ref().as_table()?;
    }
    let is_it = |(name, _): &(
        &toml::Spanned<toml::de::DeString<'_>>,
        &toml::Spanned<DeValue<'_>>,
    )| { name.get_ref() == key.name };
    let own = table.iter().find(is_it);
    Some(own.map_or(at, |(name, _)| name.span().start))
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AuditTable {
    rounding: String,
    zone: String,
    tolerance_cents: i64,
    match_by_customer: bool,
    match_days: u32,
    pending_days: u32,
    volume: String,
    alias: BTreeMap<String, TextOrNumber>,
    rule: Vec<RuleTable>,
}

impl Default for AuditTable {
    fn default() -> Self {
        AuditTable {
            rounding: "half-up".to_owned(),
            zone: "UTC".to_owned(),
            tolerance_cents: 0,
            match_by_customer: false,
            match_days: 3,
            pending_days: 0,
            volume: VolumePer::Month.as_str().to_owned(),
            alias: BTreeMap::new(),
            rule: Vec::new(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RuleTable {
    campaign: Option<TextOrNumber>,
    plan: Option<TextOrNumber>,
    promoter: Option<TextOrNumber>,
    tier: Option<u32>,
    from: Option<WrittenDay>,
    until: Option<WrittenDay>,
    rate: Option<TextOrNumber>,
    fixed_cents: Option<i64>,
    payments: Option<String>,
    months: Option<u32>,
    cap_cents: Option<i64>,
    max_recurring: Option<u32>,
    from_volume_cents: Option<i64>,
}

/// Numbers may stand without quotes where they are whole: a campaign's, a rate of 20.
#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrNumber {
    Quoted(String),
    Whole(i64),
    Other(toml::Value),
}

impl TextOrNumber {
    fn read(
        self,
        key: &dyn Fn(&'static str) -> RulesKey,
        name: &'static str,
    ) -> Result<String, RulesError> {
        match self {
            TextOrNumber::Quoted(text) => Ok(text),
            TextOrNumber::Whole(number) => Ok(number.to_string()),
            TextOrNumber::Other(value) => Err(RulesError::Value {
                key: key(name),
                message: format!("write it in quotes: \"{value}\""),
            }),
        }
    }
}

/// A day, in quotes or as TOML writes dates.
#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenDay {
    Quoted(String),
    Date(toml::Value),
}

impl WrittenDay {
    fn read(
        self,
        key: &dyn Fn(&'static str) -> RulesKey,
        name: &'static str,
    ) -> Result<Date, RulesError> {
        let text = match self {
            WrittenDay::Quoted(text) => text,
            WrittenDay::Date(value) => value.to_string(),
        };
        Date::from_str(&text).map_err(|_| RulesError::Value {
            key: key(name),
            message: format!("`{text}` is not a day; write it like `2026-01-31`"),
        })
    }
}

impl TryFrom<AuditTable> for AuditRules {
    type Error = RulesError;

    fn try_from(table: AuditTable) -> Result<Self, RulesError> {
        let in_audit = |name: &'static str, message: String| RulesError::Value {
            key: RulesKey { rule: None, name },
            message,
        };
        let rounding = table
            .rounding
            .parse()
            .map_err(|message| in_audit("rounding", message))?;
        let zone = TimeZone::get(&table.zone).map_err(|_| {
            let message = format!(
                "`{}` is not a time zone; write it like `Europe/Berlin`",
                table.zone
            );
            in_audit("zone", message)
        })?;
        if table.tolerance_cents < 0 {
            let message = format!("`{}` is below zero", table.tolerance_cents);
            return Err(in_audit("tolerance_cents", message));
        }
        let volume_per = match table.volume.as_str() {
            "month" => VolumePer::Month,
            "all-time" => VolumePer::AllTime,
            other => {
                let message = format!("`{other}` is neither `month` nor `all-time`");
                return Err(in_audit("volume", message));
            }
        };
        let numbered = table.rule.into_iter().zip(1..);
        let rules: Vec<Rule> = numbered
            .map(|(rule, number)| rule.read(number))
            .collect::<Result<_, _>>()?;
        no_ambiguity(&rules)?;
        let aliases = aliases(table.alias)?;
        Ok(AuditRules {
            rounding,
            zone,
            tolerance_cents: table.tolerance_cents,
            match_days: table.match_by_customer.then_some(table.match_days),
            pending_days: table.pending_days,
            volume_per,
            aliases,
            rules,
        })
    }
}

impl RuleTable {
    fn read(self, number: usize) -> Result<Rule, RulesError> {
        let key = |name: &'static str| RulesKey {
            rule: Some(number),
            name,
        };
        let wrong = |name: &'static str, message: String| RulesError::Value {
            key: key(name),
            message,
        };
        let text = |value: Option<TextOrNumber>, name: &'static str| {
            value.map(|value| value.read(&key, name)).transpose()
        };
        let day = |value: Option<WrittenDay>, name: &'static str| {
            value.map(|value| value.read(&key, name)).transpose()
        };
        let rate = text(self.rate, "rate")?;
        let pays = pays(rate, self.fixed_cents, self.cap_cents)
            .map_err(|(name, message)| wrong(name, message))?;
        let payments = payments(self.payments.as_deref(), self.months, self.max_recurring)
            .map_err(|(name, message)| wrong(name, message))?;
        let from_volume_cents = self.from_volume_cents.unwrap_or(0);
        if from_volume_cents < 0 {
            let message = format!("`{from_volume_cents}` is below zero");
            return Err(wrong("from_volume_cents", message));
        }
        let (from, until) = (day(self.from, "from")?, day(self.until, "until")?);
        if let Some((from, until)) = from.zip(until)
            && from > until
        {
            return Err(wrong(
                "until",
                format!("`{until}` is before `from`, {from}"),
            ));
        }
        let tier = self.tier.unwrap_or(1);
        if tier == 0 {
            return Err(wrong(
                "tier",
                "`0` is not a tier; the first is 1".to_owned(),
            ));
        }
        if tier > 1 && from_volume_cents > 0 {
            let message = "is for the first tier only".to_owned();
            return Err(wrong("from_volume_cents", message));
        }
        Ok(Rule {
            number,
            campaign: text(self.campaign, "campaign")?,
            plan: text(self.plan, "plan")?,
            promoter: text(self.promoter, "promoter")?,
            tier,
            from,
            until,
            from_volume_cents,
            pays,
            payments,
        })
    }
}

/// A key that is wrong, and what is wrong with it.
type WrongKey = (&'static str, String);

fn pays(
    rate: Option<String>,
    fixed_cents: Option<i64>,
    cap_cents: Option<i64>,
) -> Result<CommissionRate, WrongKey> {
    let below_zero = |name, cents: i64| (name, format!("`{cents}` is below zero"));
    if let Some(cents) = cap_cents.filter(|cents| *cents < 0) {
        return Err(below_zero("cap_cents", cents));
    }
    match (rate, fixed_cents, cap_cents) {
        (Some(rate), None, cap_cents) => {
            let rate = rate.parse().map_err(|message| ("rate", message))?;
            Ok(match cap_cents {
                Some(cents) => CommissionRate::ShareUpTo(rate, cents),
                None => CommissionRate::Share(rate),
            })
        }
        (None, Some(cents), _) if cents < 0 => Err(below_zero("fixed_cents", cents)),
        (None, Some(_), Some(_)) => {
            let message = "can't be combined with `fixed_cents`; it limits a `rate`".to_owned();
            Err(("cap_cents", message))
        }
        (None, Some(cents), None) => Ok(CommissionRate::Fixed(cents)),
        (Some(_), Some(_), _) => {
            let message = "can't be combined with `rate`; a rule pays by one of them".to_owned();
            Err(("fixed_cents", message))
        }
        (None, None, _) => {
            let message = "is missing; say what the rule pays, by `rate` or `fixed_cents`";
            Err(("rate", message.to_owned()))
        }
    }
}

/// Returns which payments are paid for: `payments`, `months` or `max_recurring`, of which a rule has one.
fn payments(
    word: Option<&str>,
    months: Option<u32>,
    max_recurring: Option<u32>,
) -> Result<Payments, WrongKey> {
    let is_first = match word {
        None | Some("recurring") => false,
        Some("first") => true,
        Some(word) => {
            let message = format!("`{word}` is neither `first` nor `recurring`");
            return Err(("payments", message));
        }
    };
    let limits = [("months", months), ("max_recurring", max_recurring)];
    if let Some((name, _)) = limits.iter().find(|(_, limit)| *limit == Some(0)) {
        return Err((name, "`0` pays for nothing".to_owned()));
    }
    match (is_first, months, max_recurring) {
        (false, None, None) => Ok(Payments::Recurring),
        (true, None, None) => Ok(Payments::First),
        (false, Some(months), None) => Ok(Payments::Months(months)),
        (false, None, Some(count)) => Ok(Payments::Count(count)),
        (true, _, Some(_)) | (false, Some(_), Some(_)) => {
            let message = "can't be combined with `payments` or `months`; a rule has one of them";
            Err(("max_recurring", message.to_owned()))
        }
        (true, Some(_), None) => {
            let message = "can't be combined with `payments = \"first\"`; a rule has one of them";
            Err(("months", message.to_owned()))
        }
    }
}

/// Reads the old names of promoters with the new ones; a new one is not an old one of others.
fn aliases(table: BTreeMap<String, TextOrNumber>) -> Result<Vec<(String, String)>, RulesError> {
    let key = |name| RulesKey { rule: None, name };
    let mut aliases = Vec::new();
    for (old, new) in table {
        aliases.push((old, new.read(&key, "alias")?));
    }
    let is_old = |name: &String| aliases.iter().any(|(old, _)| old == name);
    match aliases.iter().find(|(_, new)| is_old(new)) {
        None => Ok(aliases),
        Some((old, new)) => Err(RulesError::Value {
            key: key("alias"),
            message: format!("`{old}` is an alias of `{new}`, which is an alias itself"),
        }),
    }
}

fn no_ambiguity(rules: &[Rule]) -> Result<(), RulesError> {
    for (place, one) in rules.iter().enumerate() {
        let rest = rules.iter().skip(place + 1);
        for other in rest.filter(|other| one.rank() == other.rank() && one.meets(other)) {
            if !rules.iter().any(|rule| rule.settles(one, other)) {
                return Err(RulesError::Ambiguous {
                    one: one.to_string(),
                    other: other.to_string(),
                    other_number: other.number,
                });
            }
        }
    }
    Ok(())
}
