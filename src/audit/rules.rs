//! Holds the rules for commissions, as the user declares them: the table `[audit]` of the configuration.
//!
//! ```toml
//! [audit]
//! rounding = "half-up"         # of commissions: "half-up", "half-even" (bankers'), "down", "up"
//! zone = "UTC"                 # whose months are compared: UTC, or a zone such as "Europe/Berlin"
//! tolerance_cents = 0          # differences up to this come to exit code 0
//! match_by_customer = false    # true: match by customer, amount and days what no id matches
//! match_days = 3               # how many days apart such matches may be
//! pending_days = 0             # commissions may be pending for this long
//! volume = "month"             # of what `from_volume_cents` counts the sales: "month" or "all-time"
//!
//! # Each rule says for whom it is and what it pays. A rule fits where all that it names fits, and of
//! # those that fit the one that names most wins; a rule for a time wins over one for all time. Where
//! # no rule fits, the rate is inferred.
//! [[audit.rule]]
//! rate = "20"                  # percent of the sale, as exact decimal text
//!
//! [[audit.rule]]
//! campaign = "Affiliates"      # the name or the number of the campaign
//! plan = "pro-yearly"
//! rate = "12.5"
//! from = "2026-01-01"          # by the day of the sale; both days belong to it
//! until = "2026-06-30"
//! payments = "first"           # a customer's first payment only; default "recurring": all of them
//!
//! [[audit.rule]]
//! promoter = "anna@example.com" # email, referral id or number
//! fixed_cents = 500            # so much for a sale, whatever it comes to
//! months = 12                  # payments within so many months of the customer's first
//!
//! [[audit.rule]]
//! plan = "team"
//! rate = "30"
//! cap_cents = 5000             # no more than so much for a sale
//! max_recurring = 12           # a customer's first so many payments, the very first among them
//!
//! [[audit.rule]]
//! rate = "25"                  # once the promoter's sales of the month have come to so much
//! from_volume_cents = 1000000
//!
//! [[audit.rule]]
//! tier = 2                     # for the promoter's own promoter
//! rate = "5"
//! ```
//!
//! Two rules of which neither is more special than the other, and which both fit some sale, are an
//! error that names both.

mod read;
#[cfg(test)]
mod tests;

pub use read::{RulesError, RulesKey, WrongRules};

use std::collections::HashSet;
use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use self::read::AuditTable;
use super::Promoter;
use super::books::AuditData;
use super::money::money;
use super::rate::{Rate, Rounding};

/// The table `[audit]`, checked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "AuditTable")]
pub struct AuditRules {
    /// The way in which commissions are rounded to the cent.
    pub rounding: Rounding,
    /// The time zone of months and days.
    pub zone: TimeZone,
    /// Findings of no more than this, taken together by currency, need no attention.
    pub tolerance_cents: i64,
    /// The number of days that a match by customer and amount may be apart; absent if the rule is off.
    pub match_days: Option<u32>,
    /// The number of days for which a commission may be pending.
    pub pending_days: u32,
    /// The sales that count for `from_volume_cents`.
    pub volume_per: VolumePer,
    /// Promoters who were merged or renamed: whose commissions count as whose.
    pub aliases: Vec<(String, String)>,
    rules: Vec<Rule>,
}

impl Default for AuditRules {
    fn default() -> Self {
        AuditRules {
            rounding: Rounding::default(),
            zone: TimeZone::UTC,
            tolerance_cents: 0,
            match_days: None,
            pending_days: 0,
            volume_per: VolumePer::default(),
            aliases: Vec::new(),
            rules: Vec::new(),
        }
    }
}

/// The sales of a promoter that count for a volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VolumePer {
    /// The sales of the calendar month of the sale.
    #[default]
    Month,
    /// All sales.
    AllTime,
}

impl VolumePer {
    /// Returns the word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            VolumePer::Month => "month",
            VolumePer::AllTime => "all-time",
        }
    }
}

/// The commission that a rule pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommissionRate {
    /// A part of the sale.
    Share(Rate),
    /// A part of the sale, and no more than so much.
    ShareUpTo(Rate, i64),
    /// A fixed amount for a sale, in minor units of the account's currency.
    Fixed(i64),
}

impl CommissionRate {
    /// Returns the same with its amounts in another currency; nothing if `convert` does not know one.
    pub(super) fn converted(self, convert: impl Fn(i64) -> Option<i64>) -> Option<Self> {
        match self {
            CommissionRate::Share(_) | CommissionRate::Fixed(0) => Some(self),
            CommissionRate::ShareUpTo(rate, cents) => {
                Some(CommissionRate::ShareUpTo(rate, convert(cents)?))
            }
            CommissionRate::Fixed(cents) => Some(CommissionRate::Fixed(convert(cents)?)),
        }
    }

    /// Returns the rate in words: `12.5 %`, or `5.00 USD`.
    pub(super) fn text(self, currency: &str) -> String {
        match self {
            CommissionRate::Share(rate) => format!("{rate} %"),
            CommissionRate::ShareUpTo(rate, cents) => {
                format!("{rate} %, up to {}", money(cents.into(), currency))
            }
            CommissionRate::Fixed(cents) => money(cents.into(), currency),
        }
    }
}

/// The payments of a customer for which a rule pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payments {
    /// All payments.
    Recurring,
    /// The first only.
    First,
    /// The payments within so many months of the first.
    Months(u32),
    /// The first payments, up to this number.
    Count(u32),
}

/// A rule: one `[[audit.rule]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// The number of the rule in the file, from 1.
    pub(super) number: usize,
    campaign: Option<String>,
    plan: Option<String>,
    promoter: Option<String>,
    tier: u32,
    from: Option<Date>,
    until: Option<Date>,
    /// The volume that the promoter's sales must have reached.
    from_volume_cents: i64,
    pub(super) pays: CommissionRate,
    pub(super) payments: Payments,
}

/// The properties of a sale that rules choose by, apart from the date.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deal<'a> {
    pub(super) promoter: &'a Promoter,
    pub(super) campaign_id: Option<&'a str>,
    pub(super) campaign: Option<&'a str>,
    pub(super) plan: Option<&'a str>,
    pub(super) tier: u32,
}

/// The word of [`AuditRules::in_words`] for a promoter with two names, and what stands between these.
pub(super) const ALIAS: &str = "alias";
pub(super) const ALIAS_SIGN: &str = " = ";

impl AuditRules {
    /// Returns the rules that fit some day, the most special first: of these the first that [covers](Rule::covers)
    /// the day and is [reached](Rule::is_reached) wins.
    pub(super) fn for_deal(&self, deal: &Deal<'_>) -> Vec<&Rule> {
        let fits = |rule: &&Rule| {
            let promoter = rule.promoter.as_deref();
            rule.fits(deal) && promoter.is_none_or(|wanted| self.is_promoter(deal.promoter, wanted))
        };
        let mut fitting: Vec<&Rule> = self.rules.iter().filter(fits).collect();
        fitting.sort_by_key(|rule| std::cmp::Reverse(rule.rank()));
        fitting
    }

    /// Returns the names in rules that no sale, commission or lead has.
    pub(super) fn unused_names(&self, books: &AuditData) -> Vec<UnusedName> {
        let plans: Vec<&str> = books.plans().collect();
        let campaigns = || (1..).take(books.campaigns.len());
        let promoters = || (1..).take(books.promoters.len());
        let is_any = |names: &[Option<&str>], wanted: &str| {
            let mut names = names.iter().flatten();
            names.any(|name| is_same_name(name, wanted))
        };
        let mut unused = Vec::new();
        for rule in &self.rules {
            let is_known = |key: &str, wanted: &str| match key {
                "campaign" => campaigns().any(|code| {
                    let (name, id) = books.campaign(code);
                    is_any(&[name, id], wanted)
                }),
                "plan" => plans.iter().any(|plan| is_same_name(plan, wanted)),
                _ => promoters()
                    .any(|code| self.is_promoter(&books.promoters.promoter(code), wanted)),
            };
            for (key, name) in ["campaign", "plan", "promoter"]
                .into_iter()
                .zip(rule.selectors())
            {
                unused.extend(
                    name.filter(|name| !is_known(key, name))
                        .map(|name| UnusedName {
                            rule: rule.number,
                            key,
                            name: name.to_owned(),
                        }),
                );
            }
        }
        unused
    }

    /// Returns `true` if some rule names what it is for.
    pub(super) fn has_names(&self) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|rule| rule.selectors().iter().any(Option::is_some))
    }

    /// Returns the rules of the first tier for all time and any volume that name what there is, and are not among those
    /// that were applied.
    pub(super) fn unapplied(&self, applied: &HashSet<usize>, unused: &[UnusedName]) -> Vec<usize> {
        let rules = self.rules.iter().filter(|rule| {
            let is_named = rule.selectors().iter().any(Option::is_some);
            let is_unused = unused.iter().any(|own| own.rule == rule.number);
            let is_always = !rule.is_dated() && rule.from_volume_cents == 0 && rule.tier == 1;
            is_named && is_always && !is_unused && !applied.contains(&rule.number)
        });
        rules.map(|rule| rule.number).collect()
    }

    /// Returns `true` if a promoter has a name, or one that is an alias of it.
    fn is_promoter(&self, promoter: &Promoter, wanted: &str) -> bool {
        let wanted = self.name_of(wanted);
        let mut names = [&promoter.id, &promoter.ref_id, &promoter.email]
            .into_iter()
            .filter_map(|name| name.as_deref());
        names.any(|name| is_same_name(self.name_of(name), wanted))
    }

    /// Returns the tiers beyond the first for which there are rules.
    pub(super) fn higher_tiers(&self) -> Vec<u32> {
        let tiers: std::collections::BTreeSet<u32> = self
            .rules
            .iter()
            .map(|rule| rule.tier)
            .filter(|tier| *tier > 1)
            .collect();
        tiers.into_iter().collect()
    }

    /// Returns the tiers that have a rule for every sale.
    pub(super) fn tiers_for_all(&self) -> Vec<u32> {
        let rules = self.rules.iter();
        let for_all = rules.filter(|rule| rule.rank() == (0, false, 0));
        for_all.map(|rule| rule.tier).collect()
    }

    /// Returns the settings in words, and then the rules: as an audit's reader needs them.
    pub fn in_words(&self, currency: &str) -> Vec<(String, String)> {
        let setting = |name: &str, value: String| (name.to_owned(), value);
        let mut words = vec![
            setting("rounding", self.rounding.as_str().to_owned()),
            setting("zone", self.zone.iana_name().unwrap_or("UTC").to_owned()),
            setting("pending_days", self.pending_days.to_string()),
            setting(
                "match_by_customer",
                match self.match_days {
                    Some(days) => format!("within {days} days"),
                    None => "no".to_owned(),
                },
            ),
        ];
        if self.has_volumes() {
            words.push(setting("volume", self.volume_per.as_str().to_owned()));
        }
        let aliases = self.aliases.iter();
        words.extend(
            aliases.map(|(old, new)| setting(ALIAS, [old.as_str(), new.as_str()].join(ALIAS_SIGN))),
        );
        for rule in &self.rules {
            let payments = match rule.payments {
                Payments::Recurring => String::new(),
                Payments::First => ", first payment".to_owned(),
                Payments::Months(months) => format!(", {months} months"),
                Payments::Count(count) => format!(", first {count} payments"),
            };
            let volume = match rule.from_volume_cents {
                0 => String::new(),
                cents => format!(", from sales of {}", money(cents.into(), currency)),
            };
            let pays = rule.pays.text(currency) + &payments + &volume;
            words.push((rule.to_string(), pays));
        }
        if self.rules.is_empty() {
            words.push(setting("rules", "none: rates are inferred".to_owned()));
        }
        words
    }

    /// Returns `true` if some rule depends on the number of a sale among its customer's payments.
    pub(super) fn has_payment_conditions(&self) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|rule| rule.payments != Payments::Recurring)
    }

    /// Returns the plans that rules name.
    pub(super) fn plans(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().filter_map(|rule| rule.plan.as_deref())
    }

    /// Returns the promoters that rules and aliases name.
    pub(super) fn promoters(&self) -> impl Iterator<Item = &str> {
        let rules = self.rules.iter();
        let aliases = self.aliases.iter();
        let named = rules.filter_map(|rule| rule.promoter.as_deref());
        named.chain(aliases.flat_map(|(old, new)| [old.as_str(), new.as_str()]))
    }

    /// Returns `true` if some rule depends on the volume of the promoter.
    pub(super) fn has_volumes(&self) -> bool {
        self.rules.iter().any(|rule| rule.from_volume_cents > 0)
    }

    /// Returns the name that stands for a promoter: the new one of who was merged or renamed.
    fn name_of<'n>(&'n self, name: &'n str) -> &'n str {
        self.alias_of(name).unwrap_or(name)
    }

    /// Returns the new name of who was merged or renamed.
    pub(super) fn alias_of(&self, name: &str) -> Option<&str> {
        let mut aliases = self.aliases.iter();
        let alias = aliases.find(|(old, _)| is_same_name(old, name));
        alias.map(|(_, new)| new.as_str())
    }
}

impl Rule {
    /// Returns `true` if the rule is for sales of that day. A sale without a date has the rules for all time.
    pub(super) fn covers(&self, day: Option<Date>) -> bool {
        match day {
            Some(day) => {
                self.from.is_none_or(|from| from <= day)
                    && self.until.is_none_or(|until| day <= until)
            }
            None => !self.is_dated(),
        }
    }

    /// Returns `true` if the promoter has sold enough before.
    pub(super) fn is_reached(&self, volume_cents: i64) -> bool {
        self.from_volume_cents <= volume_cents
    }

    pub(super) fn is_dated(&self) -> bool {
        self.from.is_some() || self.until.is_some()
    }

    /// Returns `true` if it is for such sales, whoever the promoter is.
    fn fits(&self, deal: &Deal<'_>) -> bool {
        let is =
            |name: Option<&str>, wanted: &str| name.is_some_and(|name| is_same_name(name, wanted));
        let campaign_is = |wanted: &str| is(deal.campaign, wanted) || is(deal.campaign_id, wanted);
        self.tier == deal.tier
            && self.campaign.as_deref().is_none_or(campaign_is)
            && self.plan.as_deref().is_none_or(|plan| is(deal.plan, plan))
    }

    fn selectors(&self) -> [Option<&str>; 3] {
        [&self.campaign, &self.plan, &self.promoter].map(|name| name.as_deref())
    }

    /// Returns the rank of a rule: of two that fit, the higher one is used.
    fn rank(&self) -> (usize, bool, i64) {
        let named = self.selectors().iter().flatten().count();
        (named, self.is_dated(), self.from_volume_cents)
    }

    /// Returns `true` if some sale fits both.
    fn meets(&self, other: &Rule) -> bool {
        let names = self.selectors().into_iter().zip(other.selectors());
        let apart = |(one, other): (Option<&str>, Option<&str>)| {
            one.zip(other)
                .is_some_and(|(one, other)| !is_same_name(one, other))
        };
        let starts_late = |one: &Rule, other: &Rule| {
            one.from
                .zip(other.until)
                .is_some_and(|(from, until)| from > until)
        };
        self.tier == other.tier
            && !names.into_iter().any(apart)
            && !starts_late(self, other)
            && !starts_late(other, self)
    }

    /// Returns `true` if this rule decides wherever both of the others fit.
    fn settles(&self, one: &Rule, other: &Rule) -> bool {
        let both = one.selectors().into_iter().zip(other.selectors());
        let mut names = both.map(|(one, other)| one.or(other)).zip(self.selectors());
        let from = one.from.max(other.from);
        let until = match (one.until, other.until) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.tier == one.tier
            && self.rank() > one.rank()
            && names.all(|(both, mine)| mine.is_none() || mine == both)
            && (self.from.is_none() || from.is_some_and(|from| self.from <= Some(from)))
            && self
                .until
                .is_none_or(|mine| until.is_some_and(|until| until <= mine))
    }
}

/// Returns `true` if two names mean the same: the case does not count, nor do spaces around them.
fn is_same_name(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim(), other.trim());
    one == other || one.to_lowercase() == other.to_lowercase()
}

/// A name in a rule that nothing has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnusedName {
    /// The number of the rule in the configuration, from 1.
    pub rule: usize,
    /// The key that has it: `campaign`, `plan` or `promoter`.
    pub key: &'static str,
    /// The name.
    pub name: String,
}

impl fmt::Display for Rule {
    /// Writes a rule with its number and its conditions: ``rule 2 (campaign `Affiliates`, plan `pro`, from
    /// 2026-01-01)``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}", self.number)?;
        let mut parts = Vec::new();
        let names = ["campaign", "plan", "promoter"];
        for (name, value) in names.into_iter().zip(self.selectors()) {
            parts.extend(value.map(|value| format!("{name} `{value}`")));
        }
        if self.tier != 1 {
            parts.push(format!("tier {}", self.tier));
        }
        parts.extend(self.from.map(|day| format!("from {day}")));
        parts.extend(self.until.map(|day| format!("until {day}")));
        if parts.is_empty() {
            f.write_str(" (for all)")
        } else {
            write!(f, " ({})", parts.join(", "))
        }
    }
}
