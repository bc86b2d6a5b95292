//! How one kind of export is read: profiles, which are data.
//!
//! A profile is a TOML file: built in (`builtin/`), or the user's own in `fprecon.toml`, where one
//! may extend another and change one thing. Loading checks everything that a profile refers to, so
//! that [`crate::classify`] meets no unknown column. [`Profiles::detect`] finds the profile that
//! fits a header.

mod compile;
mod dates;
mod detect;
mod extend;
mod locate;
mod look_alike;
mod spec;
mod words;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::event::{AmountFormat, Currency, Kind};
use crate::export::LinesAbove;
use jiff::tz::TimeZone;
use regex_lite::Regex;

pub use detect::{Binding, Fits, Misfit, Unfit};
pub use extend::Split;
pub use look_alike::LookAlike;
pub(crate) use words::{Answer, Meaning, ReadAs, Spelling, WordSet};

/// A profile as the program uses it: columns by index, rules in order.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The name that `--profile` takes.
    pub name: String,
    /// What it is for people.
    pub title: String,
    /// What the profile was made from: real files, documentation, an importer.
    pub rests_on: String,
    /// Whether an export may be recognised as this by its header alone.
    pub detect: bool,
    /// How many lines of other text may stand above the header.
    pub(crate) skip_lines: usize,
    /// Whether a header that lacks few of its columns is taken for one of its exports.
    pub(crate) is_nearly_known: bool,
    /// Whether it is the user's own, and not built in.
    pub is_own: bool,
    pub(crate) columns: Vec<ProfileColumn>,
    pub(crate) currency: CurrencySource,
    pub(crate) amount_format: AmountFormat,
    pub(crate) taxes: Option<TaxColumns>,
    pub(crate) dates: Dates,
    /// The profile itself and those that it extends, from the last to the first.
    pub(crate) lineage: Vec<String>,
    /// Profiles whose sales it completes, where exports of both are in one job.
    pub(crate) completes: Vec<String>,
    /// Whether its events stand in for those of the same id that the API refused.
    pub(crate) mends: bool,
    /// What each row says of a subscription.
    pub(crate) subscription: Option<SubscriptionColumns>,
    /// The column of coupons, where they are sent as promo codes.
    pub(crate) coupons: Option<ColumnIndex>,
    pub(crate) absent: Vec<String>,
    /// What has to be said before the profile can be used.
    pub(crate) questions: Vec<Question>,
    pub(crate) customer: CustomerColumns,
    pub(crate) known: Vec<(ColumnIndex, WordSet)>,
    /// What the user says of words that the profile does not know.
    pub(crate) read_as: Vec<ReadAs>,
    /// Columns that hold nothing but running totals, and how the export signs them.
    pub(crate) totals: Vec<(ColumnIndex, Convention)>,
    /// The file of the user's that holds it, or would hold a change of it; nothing for the usual one.
    pub(crate) file: Option<OwnFile>,
    pub(crate) continuation: Option<Continuation>,
    pub(crate) ignore: Vec<IgnoreRule>,
    pub(crate) reject: Vec<RemarkRule>,
    pub(crate) warn: Vec<RemarkRule>,
    pub(crate) events: Vec<EventRule>,
    /// Where a list of commissions says what; such a profile has no events.
    pub(crate) commission: Option<CommissionColumns>,
}

/// Index into [`Profile::columns`].
pub(crate) type ColumnIndex = usize;

/// A file of the user's that holds a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnFile {
    /// Under `[exports.NAME]` of this configuration.
    Config(String),
    /// The file is the profile.
    Whole(String),
}

/// A column by our name, with the header names that it goes by.
#[derive(Clone, Debug)]
pub(crate) struct ProfileColumn {
    pub(crate) name: String,
    pub(crate) headers: Vec<String>,
    pub(crate) optional: bool,
    pub(crate) spelling: Spelling,
}

/// Rows that belong to the row above: those that hold, and say the same in these columns.
#[derive(Clone, Debug)]
pub(crate) struct Continuation {
    pub(crate) same: Vec<ColumnIndex>,
    pub(crate) when: When,
}

/// Where a customer is named.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CustomerColumns {
    pub(crate) email: Option<ColumnIndex>,
    pub(crate) uid: Option<ColumnIndex>,
}

/// Where a subscription's id and its plan stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SubscriptionColumns {
    pub(crate) id: ColumnIndex,
    pub(crate) plan: ColumnIndex,
}

/// Where a list of commissions says what, and what its words mean.
#[derive(Clone, Debug)]
pub(crate) struct CommissionColumns {
    pub(crate) amount: ColumnIndex,
    pub(crate) id: Option<ColumnIndex>,
    pub(crate) event_id: Option<ColumnIndex>,
    pub(crate) sale_amount: Option<ColumnIndex>,
    pub(crate) status: Option<ColumnIndex>,
    pub(crate) is_paid: Option<ColumnIndex>,
    pub(crate) is_split: Option<ColumnIndex>,
    pub(crate) unit: Option<ColumnIndex>,
    pub(crate) tier: Option<ColumnIndex>,
    pub(crate) created_at: Option<DateSource>,
    pub(crate) promoter_id: Option<ColumnIndex>,
    pub(crate) promoter_email: Option<ColumnIndex>,
    pub(crate) ref_id: Option<ColumnIndex>,
    pub(crate) campaign: Option<ColumnIndex>,
    pub(crate) campaign_id: Option<ColumnIndex>,
    pub(crate) plan: Option<ColumnIndex>,
    pub(crate) approved: WordSet,
    pub(crate) pending: WordSet,
    pub(crate) denied: WordSet,
    /// Approved, and paid out.
    pub(crate) paid: WordSet,
    pub(crate) yes: WordSet,
    pub(crate) no: WordSet,
    /// Units that are money.
    pub(crate) cash: WordSet,
}

/// What an export does not say, and the key in which a user says it.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) key: String,
    pub(crate) text: String,
    /// Only of exports that do not have this column.
    pub(crate) without: Option<ColumnIndex>,
}

/// Where the currency of a row's amounts is said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CurrencySource {
    /// In this column, where the export has it.
    pub(crate) column: Option<ColumnIndex>,
    /// Else it is this one; and where there is none, the account's.
    pub(crate) fixed: Option<Currency>,
}

/// How dates are written.
#[derive(Clone, Debug)]
pub(crate) struct Dates {
    pub(crate) formats: Vec<DateFormat>,
    pub(crate) zone: TimeZone,
    /// The zones that words of the export stand for.
    pub(crate) zones: BTreeMap<String, TimeZone>,
    /// Columns whose dates are written otherwise; their own `columns` are empty.
    pub(crate) columns: BTreeMap<ColumnIndex, Dates>,
    /// What becomes of a sale or refund that has no date.
    pub(crate) missing: MissingDate,
}

impl Dates {
    /// How the dates of this column are written.
    pub(crate) fn for_column(&self, column: ColumnIndex) -> &Dates {
        self.columns.get(&column).unwrap_or(self)
    }
}

/// Where a date stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DateSource {
    pub(crate) date: ColumnIndex,
    pub(crate) time: Option<ColumnIndex>,
    pub(crate) zone: Option<ColumnIndex>,
}

impl DateSource {
    /// Returns the source of a date that stands in this column alone.
    pub(crate) fn of_column(date: ColumnIndex) -> Self {
        DateSource {
            date,
            time: None,
            zone: None,
        }
    }
}

/// One way to write a date.
#[derive(Clone, Debug)]
pub(crate) enum DateFormat {
    /// RFC 3339, with its own offset.
    Rfc3339,
    /// A `strptime` pattern, in the profile's zone unless it reads an offset.
    Pattern(String),
    /// The same, and behind it a space and a zone word.
    PatternAndZone(String),
    /// Seconds since 1970 in UTC, also with a fraction.
    UnixSeconds,
    /// Milliseconds since 1970 in UTC.
    UnixMilliseconds,
    /// Days since the end of 1899 in the profile's zone, as spreadsheets count them; a fraction is
    /// the time of day.
    SpreadsheetSerial,
}

/// What becomes of a sale or refund that has no date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MissingDate {
    /// Its row is rejected.
    #[default]
    Reject,
    /// It is sent without a date, and the API takes the day on which it arrives.
    Today,
}

/// All of these have to hold.
pub(crate) type When = Vec<(ColumnIndex, Test)>;

/// What has to hold in a cell.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    OneOf(WordSet),
    NoneOf(WordSet),
    Pattern(Regex),
    Empty(bool),
    Sign(Sign),
    /// An amount with one of these signs, or none, fails.
    NotSign(Vec<Sign>),
    /// The amount is that of these columns together; an empty one counts nothing.
    Sum(Vec<ColumnIndex>),
    NotSum(Vec<ColumnIndex>),
}

impl Test {
    /// Whether it has to read amounts, which costs more than comparing words.
    pub(crate) fn reads_amounts(&self) -> bool {
        match self {
            Test::OneOf(_) | Test::NoneOf(_) | Test::Pattern(_) | Test::Empty(_) => false,
            Test::Sign(_) | Test::NotSign(_) | Test::Sum(_) | Test::NotSum(_) => true,
        }
    }
}

/// The rows that a rule is for.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) when: When,
    /// But not those for which all of these hold.
    pub(crate) unless: Option<When>,
}

/// The sign of an amount; an empty cell has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Positive,
    Zero,
    Negative,
}

impl Sign {
    /// Returns the word that a profile has for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Sign::Positive => "positive",
            Sign::Zero => "zero",
            Sign::Negative => "negative",
        }
    }
}

/// Rows that are no event, and why.
#[derive(Clone, Debug)]
pub(crate) struct IgnoreRule {
    pub(crate) scope: Scope,
    pub(crate) reason: String,
    /// Whether they are payments that came to nothing, even where they were good before.
    pub(crate) not_paid: bool,
    pub(crate) warning: Option<String>,
    pub(crate) hint: Option<String>,
}

/// Something to say about rows that look like this.
#[derive(Clone, Debug)]
pub(crate) struct RemarkRule {
    pub(crate) scope: Scope,
    pub(crate) column: ColumnIndex,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// One event of a row.
#[derive(Clone, Debug)]
pub(crate) struct EventRule {
    pub(crate) kind: Kind,
    pub(crate) scope: Scope,
    pub(crate) note: Option<String>,
    /// The columns of `known` in which it says by its `when` which words it is for.
    pub(crate) names: Vec<ColumnIndex>,
    /// Where another than the row's customer is the event's.
    pub(crate) customer: Option<CustomerColumns>,
    pub(crate) event_id: Vec<Template>,
    pub(crate) sale_event_id: Vec<Template>,
    /// Of a sale, by which its refunds may name it too.
    pub(crate) reference: Vec<Template>,
    pub(crate) amount: Option<AmountRule>,
    /// What was paid in all, where that is not the amount before its `minus`.
    pub(crate) gross: Option<AmountRule>,
    pub(crate) running_total: bool,
    pub(crate) created_at: Vec<DateSource>,
    pub(crate) plan: Option<ColumnIndex>,
    pub(crate) subscription: Option<ColumnIndex>,
    pub(crate) mrr: Option<ColumnIndex>,
    pub(crate) promo_code: Option<ColumnIndex>,
    pub(crate) quantity: Option<ColumnIndex>,
    pub(crate) first_name: Option<ColumnIndex>,
    pub(crate) last_name: Option<ColumnIndex>,
    pub(crate) ref_id: Option<ColumnIndex>,
    pub(crate) tid: Option<ColumnIndex>,
}

impl EventRule {
    /// Whether it names a column for any of what few events have.
    pub(crate) fn has_details(&self) -> bool {
        let columns = [
            self.subscription,
            self.mrr,
            self.promo_code,
            self.quantity,
            self.first_name,
            self.last_name,
            self.ref_id,
            self.tid,
        ];
        columns.iter().any(Option::is_some)
    }
}

/// How the amount of an event is read.
#[derive(Clone, Debug)]
pub(crate) struct AmountRule {
    pub(crate) column: ColumnIndex,
    pub(crate) convention: Convention,
    /// Added to it; nothing where the cell is empty.
    pub(crate) plus: Vec<ColumnIndex>,
    /// Taken off it; nothing where the cell is empty.
    pub(crate) minus: Vec<ColumnIndex>,
    /// Whether the tax of the order is taken off it.
    pub(crate) less_tax: bool,
}

/// Where an order says what of it is tax.
#[derive(Clone, Debug)]
pub(crate) struct TaxColumns {
    pub(crate) goods: ColumnIndex,
    pub(crate) shipping: ColumnIndex,
    pub(crate) tax: ColumnIndex,
    pub(crate) total: ColumnIndex,
    pub(crate) duties: Option<ColumnIndex>,
    /// The columns of each tax's name and value.
    pub(crate) named: Vec<(ColumnIndex, ColumnIndex)>,
}

/// How the export signs what is meant to be above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Convention {
    Positive,
    Negative,
    Any,
}

/// A text with columns in it, such as `{subscription_id}_cancelled`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(pub(crate) Vec<TemplatePart>);

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TemplatePart {
    Text(String),
    Column(ColumnIndex),
    /// The day of the date in this column, in UTC.
    Day(ColumnIndex),
}

/// Why a profile can't be used: which one, which key, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("profile `{profile}`: {message}")]
pub struct ProfileError {
    /// The profile's name.
    pub profile: String,
    /// What is wrong, with the key.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where in the profile.
    place: Box<locate::ErrorSubject>,
}

impl ProfileError {
    fn new(profile: &str, message: impl Into<String>) -> Self {
        ProfileError {
            profile: profile.to_owned(),
            message: message.into(),
            hint: None,
            place: Box::default(),
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The built-in profiles of this folder by their names.
macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("builtin/", $name, ".toml")))),*]
    };
}

const BUILT_IN: &[(&str, &str)] = built_in![
    "stripe-payments",
    "stripe-invoices",
    "stripe-subscriptions",
    "stripe-itemized-balance",
    "stripe-payout-itemized",
    "stripe-balance-history",
    "paypal-activity",
    "paypal-activity-day-first",
    "paypal-activity-day-first-comma",
    "paypal-activity-de",
    "paypal-activity-fr",
    "paypal-activity-it",
    "paypal-activity-pt",
    "paypal-activity-nl",
    "paypal-activity-ja",
    "shopify-orders",
    "woocommerce-orders",
    "woocommerce-order-totals",
    "tiendanube-orders",
    "razorpay-payments",
    "razorpay-refunds",
    "whop-payments",
    "chargebee-invoices",
    "chargebee-subscriptions",
    "recurly-transactions",
    "recurly-invoices",
    "recurly-subscriptions",
    "braintree-transactions",
    "gocardless-payments",
    "gumroad-sales",
    "leads",
    "commissions",
    "event-report",
    "generic",
];

/// The built-in profiles and the user's own.
#[derive(Clone, Debug)]
pub struct Profiles {
    /// The user's first, then the built-in ones.
    all: Vec<Profile>,
    look_alikes: Vec<LookAlike>,
}

impl Profile {
    /// Whether this one's rows say more of the sales of `other`, where both are in one job.
    pub(crate) fn completes(&self, other: &Profile) -> bool {
        let is_named = |name: &String| self.completes.contains(name);
        other.lineage.iter().any(is_named)
    }

    /// Whether it is for lists of commissions, and not for exports of a billing provider.
    pub fn is_for_commissions(&self) -> bool {
        self.commission.is_some()
    }

    /// What it was made from, in two words.
    pub fn basis(&self) -> &'static str {
        let has = |words: &[&str]| words.iter().any(|word| self.rests_on.contains(word));
        match () {
            () if self.is_own => "your own",
            () if has(&["real file", "real line", "header line"]) => "real file",
            () if has(&["vendor", "plugin"]) => "vendor's docs",
            () if has(&["importer"]) => "importer",
            () => "fprecon",
        }
    }

    /// What has to be said in the configuration before the profile can be used.
    pub fn questions(&self) -> impl Iterator<Item = &str> {
        self.questions.iter().map(|question| question.text.as_str())
    }

    /// Whether it asks for the value of a key.
    pub(crate) fn asks(&self, key: &str) -> bool {
        self.questions.iter().any(|question| question.key == key)
    }

    /// What has to be said before an export with these columns can be read.
    pub(crate) fn open_questions(&self, binding: &Binding) -> impl Iterator<Item = &Question> {
        let is_missing = |column| binding.position(column).is_none();
        let is_open = move |question: &&Question| question.without.is_none_or(is_missing);
        self.questions.iter().filter(is_open)
    }
}

impl Profiles {
    /// The built-in profiles and those of the `[exports.…]` tables of a configuration.
    ///
    /// A profile of the user's with the name of a built-in one takes its place.
    pub fn load(own: &BTreeMap<String, toml::Table>) -> Result<Self, ProfileError> {
        let built_in = built_in_tables()?;
        let mut all = Vec::new();
        for name in own.keys() {
            all.push(Profile {
                is_own: true,
                ..compile::profile(name, extend::resolve(name, own, &built_in)?)?
            });
        }
        let nobody = BTreeMap::new();
        for &(name, _) in BUILT_IN {
            if !own.contains_key(name) {
                let resolved = extend::resolve(name, &nobody, &built_in)?;
                all.push(compile::profile(name, resolved)?);
            }
        }
        Ok(Profiles {
            all,
            look_alikes: look_alike::built_in()?,
        })
    }

    /// Returns below how many lines the header of an export may stand, by these profiles.
    pub fn lines_above(&self) -> LinesAbove {
        let below: Vec<Profile> = self
            .iter()
            .filter(|profile| profile.skip_lines > 0)
            .cloned()
            .collect();
        let counts = below.iter().map(|profile| profile.skip_lines).collect();
        LinesAbove::new(counts, move |line| {
            let mut below = below.iter();
            below.any(|profile| {
                profile.skip_lines == line.lines_above && profile.bind(&line.names).is_ok()
            })
        })
    }

    /// Every profile, the user's own first.
    pub fn iter(&self) -> impl Iterator<Item = &Profile> {
        self.all.iter()
    }

    /// Those alone that are for lists of commissions.
    pub fn for_commissions(&self) -> Profiles {
        let is_theirs = |profile: &&Profile| profile.is_for_commissions();
        Profiles {
            all: self.iter().filter(is_theirs).cloned().collect(),
            look_alikes: Vec::new(),
        }
    }

    /// Says in which file of the user's each profile stands, by its name.
    pub fn place(&mut self, file_of: impl Fn(&str) -> Option<OwnFile>) {
        for profile in &mut self.all {
            profile.file = file_of(&profile.name);
        }
    }

    /// The profile of that name.
    pub fn named(&self, name: &str) -> Result<&Profile, ProfileError> {
        self.all
            .iter()
            .find(|profile| profile.name == name)
            .ok_or_else(|| {
                let known: Vec<_> = self.iter().map(|p| format!("`{}`", p.name)).collect();
                ProfileError::new(name, "there is no profile of this name")
                    .hint(format!("profiles are {}", known.join(", ")))
            })
    }

    /// What a profile says itself, and what it has from those that it extends. `own` is as for
    /// [`Profiles::load`]; nothing is checked but `extends`.
    pub fn split(name: &str, own: &BTreeMap<String, toml::Table>) -> Result<Split, ProfileError> {
        extend::split(name, own, &built_in_tables()?)
    }

    /// The text of a built-in profile, with its comments.
    pub fn built_in_text(name: &str) -> Option<&'static str> {
        BUILT_IN
            .iter()
            .find(|(built_in, _)| *built_in == name)
            .map(|(_, text)| *text)
    }
}

fn built_in_tables() -> Result<BTreeMap<String, toml::Table>, ProfileError> {
    BUILT_IN
        .iter()
        .map(|&(name, text)| Ok((name.to_owned(), extend::parse(name, text)?)))
        .collect()
}

#[cfg(test)]
mod tests;
