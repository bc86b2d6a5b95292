//! Profiles: data that describe how to read one kind of export.
//!
//! A profile is a TOML file: built in (`builtin/`), or the user's own in `fprecon.toml`, where one
//! may extend another and change a part of it. Loading checks everything that a profile refers to,
//! so that `classify` meets no unknown column. [`Profiles::detect`] finds the profile that
//! fits a header.

mod built_in;
mod compile;
mod dates;
mod detect;
mod error;
mod extend;
mod locate;
mod look_alike;
mod months;
mod rules;
mod spec;
mod spelling;
mod words;

use crate::event::AmountFormat;

pub use built_in::Profiles;
pub(crate) use detect::{Binding, Fits, Misfit, Unfit};
pub use error::ProfileError;
pub use extend::Split;
pub(crate) use look_alike::LookAlike;
pub(crate) use months::{MONTH_LANGUAGES, with_english_month};
pub(crate) use rules::{
    AmountRule, ColumnIndex, CommissionColumns, Continuation, Convention, CurrencySource,
    CustomerColumns, DateFormat, DateSource, Dates, EventRule, IgnoreRule, MissingDate,
    ProfileColumn, Question, RemarkRule, RowScope, Sign, SubscriptionColumns, TaxColumns, Template,
    TemplatePart, Test, When,
};
pub(crate) use words::{EmptyList, Meaning, ProfileAnswer, ReadAs, Spelling, WordSet};

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
    pub is_detected: bool,
    /// The greatest number of lines of other text above the header.
    pub(crate) skip_lines: usize,
    /// The sheet to read of a workbook with several.
    pub(crate) sheet: Option<String>,
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
    /// The names of profiles that have the same sales under other ids.
    pub(crate) same_sales_as: Vec<String>,
    /// `true` if its events replace those with the same id that the API refused.
    pub(crate) is_report_of_refused: bool,
    /// The columns of a subscription in each row.
    pub(crate) subscription: Option<SubscriptionColumns>,
    /// The column of coupons, if they are sent as promo codes.
    pub(crate) coupons: Option<ColumnIndex>,
    pub(crate) absent: Vec<String>,
    /// The questions that have to be answered before the profile can be used.
    pub(crate) questions: Vec<Question>,
    pub(crate) customer: CustomerColumns,
    /// The user's words for a customer without an email.
    pub(crate) no_email: WordSet,
    pub(crate) known: Vec<(ColumnIndex, WordSet)>,
    /// The user's meanings of words that the profile does not contain.
    pub(crate) read_as: Vec<ReadAs>,
    /// Lists of words that nobody has seen yet.
    pub(crate) empty_lists: Vec<EmptyList>,
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
pub(crate) enum OwnFile {
    /// The profile is in `[exports.NAME]` of this configuration.
    Config(String),
    /// The whole file is the profile.
    Whole(String),
}

impl Profile {
    /// Returns `true` if its rows have the plans of their events, and not only subscriptions.
    pub(crate) fn has_own_plans(&self) -> bool {
        let events = || self.events.iter();
        events().any(|event| event.plan.is_some())
            && events().all(|event| event.detail("subscription").is_none())
    }

    /// Returns the columns whose cells are amounts.
    pub(crate) fn amount_columns(&self) -> Vec<ColumnIndex> {
        let mut columns = Vec::new();
        for event in &self.events {
            let rules = event.amount.iter().chain(&event.gross);
            for rule in rules {
                columns.push(rule.column);
                columns.extend(rule.plus.iter().chain(&rule.minus));
            }
            columns.extend(event.detail("mrr"));
        }
        if let Some(taxes) = &self.taxes {
            columns.extend([taxes.goods, taxes.shipping, taxes.tax, taxes.total]);
            columns.extend(taxes.duties);
            columns.extend(taxes.named.iter().map(|(_, value)| *value));
        }
        if let Some(commission) = &self.commission {
            columns.push(commission.amount);
            columns.extend(commission.sale_amount);
        }
        columns.extend(self.totals.iter().map(|(column, _)| *column));
        for (column, test) in self.tests() {
            if test.reads_amounts() {
                columns.push(*column);
            }
            if let Test::Sum(parts) | Test::NotSum(parts) = test {
                columns.extend(parts);
            }
        }
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Returns the tests of all its rules, with the columns that they read.
    fn tests(&self) -> impl Iterator<Item = &(ColumnIndex, Test)> {
        let ignore = self.ignore.iter().map(|rule| &rule.scope);
        let remarks = self.reject.iter().chain(&self.warn);
        let scopes = ignore
            .chain(remarks.map(|rule| &rule.scope))
            .chain(self.events.iter().map(|rule| &rule.scope));
        let whens = scopes.flat_map(|scope| scope.when.iter().chain(scope.unless.iter().flatten()));
        let continued = self.continuation.iter().flat_map(|rows| &rows.when);
        whens.chain(continued)
    }

    /// Returns the columns that dates are read from.
    pub(crate) fn date_sources(&self) -> Vec<DateSource> {
        let mut sources = Vec::new();
        let of_events = self.events.iter().flat_map(|event| &event.created_at);
        let of_commissions = self.commission.iter().filter_map(|c| c.created_at.as_ref());
        for source in of_events.chain(of_commissions) {
            let is_known = |known: &DateSource| known.date == source.date;
            if !sources.iter().any(is_known) {
                sources.push(*source);
            }
        }
        for event in &self.events {
            let ids = [&event.event_id, &event.sale_event_id, &event.reference];
            let parts = ids.into_iter().flatten().flat_map(|template| &template.0);
            for part in parts {
                if let TemplatePart::Day(column) = part
                    && !sources
                        .iter()
                        .any(|known: &DateSource| known.date == *column)
                {
                    sources.push(DateSource::of_column(*column));
                }
            }
        }
        sources
    }

    /// Returns the columns whose words decide what a row is.
    pub(crate) fn compared_columns(&self) -> Vec<ColumnIndex> {
        let tested = self.tests().map(|(column, _)| *column);
        let known = self.known.iter().map(|(column, _)| *column);
        let mut columns: Vec<_> = tested.chain(known).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Returns `true` if this profile's rows complete the sales of `other`, if both are in one job.
    pub(crate) fn completes(&self, other: &Profile) -> bool {
        let is_named = |name: &String| self.completes.contains(name);
        other.lineage.iter().any(is_named)
    }

    /// Returns `true` if this profile and `other` have the same sales under different ids.
    pub(crate) fn has_sales_of(&self, other: &Profile) -> bool {
        let names = |one: &Profile, other: &Profile| {
            let is_named = |name: &String| one.same_sales_as.contains(name);
            other.lineage.iter().any(is_named)
        };
        names(self, other) || names(other, self)
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
