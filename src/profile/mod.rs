//! How one kind of export is read: profiles, which are data.
//!
//! A profile is a TOML file: built in (`builtin/`), or the user's own in `fprecon.toml`, where one
//! may extend another and change one thing. Loading checks everything that a profile refers to, so
//! that [`crate::classify`] meets no unknown column. [`Profiles::detect`] finds the profile that
//! fits a header.

mod built_in;
mod compile;
mod dates;
mod detect;
mod error;
mod extend;
mod locate;
mod look_alike;
mod rules;
mod spec;
mod words;

use crate::event::AmountFormat;

pub use built_in::Profiles;
pub use detect::{Binding, Fits, Misfit, Unfit};
pub use error::ProfileError;
pub use extend::Split;
pub use look_alike::LookAlike;
pub(crate) use rules::{
    AmountRule, ColumnIndex, CommissionColumns, Continuation, Convention, CurrencySource,
    CustomerColumns, DateFormat, DateSource, Dates, EventRule, IgnoreRule, MissingDate,
    ProfileColumn, Question, RemarkRule, Scope, Sign, SubscriptionColumns, TaxColumns, Template,
    TemplatePart, Test, When,
};
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

/// A file of the user's that holds a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnFile {
    /// Under `[exports.NAME]` of this configuration.
    Config(String),
    /// The file is the profile.
    Whole(String),
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

#[cfg(test)]
mod tests;
