//! Completes a custom CSV that has the columns of `generic`, except for some with other names.

use super::commissions::dates;
use super::names::{self, NameTiers};
use super::table::{SampleColumn, SampleTable};
use super::text::{Snippet, shown};
use super::write_dates::no_date;
use super::{Proposal, Sample, skip_lines};
use crate::profile::{Binding, Profile};

/// The column of `generic` with the date of an event.
const CREATED_AT: &str = "created_at";
const AMOUNT: &str = "amount";
const KIND: &str = "kind";

/// The next step for an export that is recognised by few of its columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Complement {
    /// The export has all columns that its rows need.
    Complete,
    /// A profile that extends the one by which it is recognised.
    Extended(Proposal),
    /// Too few columns are recognised: the export needs a profile of its own.
    Unfit,
}

/// Proposes the profile `name`, which adds the date column that a profile with the user's columns
/// does not find by its name.
pub(crate) fn complement(
    name: &str,
    profile: &Profile,
    sample: &Sample<'_>,
    binding: &Binding,
) -> Complement {
    let position = |wanted: &str| {
        let mut columns = profile.columns.iter();
        let index = columns.position(|column| column.name == wanted)?;
        binding.position(index)
    };
    let has = |column: &str| position(column).is_some();
    if has(CREATED_AT) && has(AMOUNT) || sample.rows.is_empty() {
        return Complement::Complete;
    }
    let table = SampleTable::new(sample);
    let amounts = table.named(&names::TOTAL, SampleColumn::has_amounts);
    if !has(AMOUNT) && !has(KIND) && !amounts.is_empty() {
        return Complement::Unfit;
    }
    if has(CREATED_AT) {
        return Complement::Complete;
    }
    let bound: Vec<&String> = (0..profile.columns.len())
        .filter_map(|index| sample.header.get(binding.position(index)?))
        .collect();
    let is_free = |column: &SampleColumn<'_>| !bound.iter().any(|header| *header == column.header);
    let mut text = Snippet::default();
    text.line(&format!("[exports.{name}]"));
    text.key("extends", &profile.name);
    skip_lines(&mut text, sample.lines_above);
    match date_of(&table, is_free) {
        Some(column) => {
            text.line("");
            text.line(&format!("[exports.{name}.columns]"));
            text.guess(&format!(
                "{} is the date: it has dates",
                shown(column.header)
            ));
            text.key(CREATED_AT, column.header);
            dates(&mut text, name, column);
        }
        None => no_date(&mut text, name),
    }
    Complement::Extended(text.into())
}

/// Returns the column that has the name of a date, or else the one that holds dates.
fn date_of<'t>(
    table: &'t SampleTable<'t>,
    is_free: impl Fn(&SampleColumn<'_>) -> bool,
) -> Option<&'t SampleColumn<'t>> {
    let named = table.named(&names::DATE, |column| is_free(column));
    let mut readable = named.iter().map(|(_, column)| *column);
    let is_date = |column: &&SampleColumn<'_>| column.named_days().is_some();
    let unnamed = |column: &&SampleColumn<'_>| {
        is_free(column) && column.days().is_some() && !names::DATE.forbids(column.header)
    };
    readable
        .find(is_date)
        .or_else(|| table.columns.iter().find(unnamed))
        .or_else(|| {
            named
                .first()
                .filter(|(rank, _)| NameTiers::is_whole(*rank))
                .map(|(_, column)| *column)
        })
}
