//! Profiles: data that describe how to read one kind of export.
//!
//! A profile is a TOML file: built in (`builtin/`), or the user's own in `fprecon.toml`, where one
//! may extend another and change a part of it. Loading checks everything that a profile refers to,
//! so that [`crate::classify`] meets no unknown column. [`Profiles::detect`] finds the profile that
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

/// A compiled profile: columns by index, rules in order.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The name that `--profile` takes.
    pub name: String,
    /// The title for people.
    pub title: String,
    /// The source of the profile: real files, documentation, an importer.
    pub based_on: String,
    /// `true` if an export may be recognised as this profile's by its header alone.
    pub detect: bool,
    /// The greatest number of lines of other text above the header.
    pub(crate) skip_lines: usize,
    /// `true` if a header that lacks few of its columns counts as one of its exports.
    pub(crate) is_nearly_known: bool,
    /// `true` if it is the user's own, and not built in.
    pub is_own: bool,
    pub(crate) columns: Vec<ProfileColumn>,
    pub(crate) currency: CurrencySource,
    pub(crate) amount_format: AmountFormat,
    pub(crate) taxes: Option<TaxColumns>,
    pub(crate) dates: Dates,
    /// The names of the profile and of those that it extends, from the last to the first.
    pub(crate) lineage: Vec<String>,
    /// The names of profiles whose sales it completes, if exports of both are in one job.
    pub(crate) completes: Vec<String>,
    /// `true` if its events replace those with the same id that the API refused.
    pub(crate) mends: bool,
    /// The columns of a subscription in each row.
    pub(crate) subscription: Option<SubscriptionColumns>,
    /// The column of coupons, if they are sent as promo codes.
    pub(crate) coupons: Option<ColumnIndex>,
    pub(crate) absent: Vec<String>,
    /// The questions that have to be answered before the profile can be used.
    pub(crate) questions: Vec<Question>,
    pub(crate) customer: CustomerColumns,
    pub(crate) known: Vec<(ColumnIndex, WordSet)>,
    /// The user's meanings of words that the profile does not contain.
    pub(crate) read_as: Vec<ReadAs>,
    /// Columns that hold only running totals, and the sign with which the export writes them.
    pub(crate) totals: Vec<(ColumnIndex, Convention)>,
    /// The user's file that contains it, or would contain a change of it; `None` for the usual one.
    pub(crate) file: Option<OwnFile>,
    pub(crate) continuation: Option<Continuation>,
    pub(crate) ignore: Vec<IgnoreRule>,
    pub(crate) reject: Vec<RemarkRule>,
    pub(crate) warn: Vec<RemarkRule>,
    pub(crate) events: Vec<EventRule>,
    /// The columns of a list of commissions; such a profile has no events.
    pub(crate) commission: Option<CommissionColumns>,
}

/// A file of the user's with a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnFile {
    /// The profile is in `[exports.NAME]` of this configuration.
    Config(String),
    /// The whole file is the profile.
    Whole(String),
}

impl Profile {
    /// Returns `true` if this profile's rows complete the sales of `other`, if both are in one job.
    pub(crate) fn completes(&self, other: &Profile) -> bool {
        let is_named = |name: &String| self.completes.contains(name);
        other.lineage.iter().any(is_named)
    }

    /// Returns `true` if it is for lists of commissions, and not for exports of a billing provider.
    pub fn is_for_commissions(&self) -> bool {
        self.commission.is_some()
    }

    /// Returns the source of the profile in two words.
    pub fn basis(&self) -> &'static str {
        let has = |words: &[&str]| words.iter().any(|word| self.based_on.contains(word));
        match () {
            () if self.is_own => "your own",
            () if has(&["real file", "real line", "header line"]) => "real file",
            () if has(&["vendor", "plugin"]) => "vendor's docs",
            () if has(&["importer"]) => "importer",
            () => "fprecon",
        }
    }

    /// Returns the questions that have to be answered in the configuration before the profile can
    /// be used.
    pub fn questions(&self) -> impl Iterator<Item = &str> {
        self.questions.iter().map(|question| question.text.as_str())
    }

    /// Returns `true` if it asks for the value of a key.
    pub(crate) fn asks(&self, key: &str) -> bool {
        self.questions.iter().any(|question| question.key == key)
    }

    /// Returns the questions that have to be answered before an export with these columns can be
    /// read.
    pub(crate) fn open_questions(&self, binding: &Binding) -> impl Iterator<Item = &Question> {
        let is_missing = |column| binding.position(column).is_none();
        let is_open = move |question: &&Question| question.without.is_none_or(is_missing);
        self.questions.iter().filter(is_open)
    }
}

#[cfg(test)]
mod tests;
