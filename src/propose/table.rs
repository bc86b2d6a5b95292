//! The rows of the sample, by column.

use std::collections::{BTreeMap, BTreeSet};

use super::Sample;
use super::days::{Days, days, numbers};
use super::names::NameTiers;
use super::numbers::{Proof, is_zero, looks_like_amount, symbol_of};
use crate::event::Currency;
use crate::export::{HeaderLikeness, HeaderNames, Row};

/// The greatest number of different words in a column of a status or a type.
const WORDS_MOST: usize = 24;
/// The number of cells that are checked for dates before all are.
const FIRST_DATES: usize = 16;
/// The number of filled cells, of twenty, that must have the type of the column.
const MOST_OF_20: usize = 19;

/// The rows of a sample that are as wide as the header, column by column.
pub(super) struct SampleTable<'s> {
    pub(super) columns: Vec<SampleColumn<'s>>,
    /// The number of rows.
    pub(super) rows: usize,
    /// The number of rows that are narrower or wider than the header.
    pub(super) ragged: usize,
}

/// One column; its name is unique in the header.
pub(super) struct SampleColumn<'s> {
    pub(super) header: &'s str,
    /// The cells, without the spaces around them.
    pub(super) cells: Vec<&'s str>,
    lines: std::rc::Rc<Vec<u64>>,
}

impl<'s> SampleTable<'s> {
    pub(super) fn new(sample: &Sample<'s>) -> Self {
        let is_whole = |row: &&Row| row.len() == sample.header.len();
        // The header of another export that was put below this one is not a row.
        let names = HeaderNames::new(sample.header);
        let is_row = |row: &&Row| names.compare(row) != HeaderLikeness::Same;
        let all = sample.rows.iter().filter(is_row);
        let number = all.clone().count();
        let rows: Vec<_> = all.filter(is_whole).collect();
        let lines = std::rc::Rc::new(rows.iter().map(|row| row.line()).collect::<Vec<_>>());
        let is_unique = |name: &str| {
            !name.is_empty() && sample.header.iter().filter(|other| *other == name).count() == 1
        };
        let columns = sample
            .header
            .iter()
            .enumerate()
            .filter(|(_, name)| is_unique(name))
            .map(|(index, header)| SampleColumn {
                header,
                cells: rows
                    .iter()
                    .map(|row| row.get(index).unwrap_or_default().trim())
                    .collect(),
                lines: std::rc::Rc::clone(&lines),
            });
        SampleTable {
            columns: columns.collect(),
            rows: rows.len(),
            ragged: number - rows.len(),
        }
    }

    /// Returns the columns with this name and this content, best name first; of the same name the
    /// one with more filled cells, then the first one.
    pub(super) fn named(
        &self,
        names: &NameTiers,
        holds: impl Fn(&SampleColumn<'s>) -> bool,
    ) -> Vec<(usize, &SampleColumn<'s>)> {
        let ranked = self
            .columns
            .iter()
            .filter_map(|column| Some((names.rank(column.header)?, column)));
        let mut found: Vec<_> = ranked
            .filter(|(_, column)| column.filled() > 0 && holds(column))
            .collect();
        found.sort_by_key(|(rank, column)| (*rank, self.rows - column.filled()));
        found
    }
}

impl<'s> SampleColumn<'s> {
    pub(super) fn filled(&self) -> usize {
        self.cells.iter().filter(|cell| !cell.is_empty()).count()
    }

    /// Returns the filled cells, each with its line.
    pub(super) fn values(&self) -> impl Iterator<Item = (&'s str, u64)> + '_ {
        let cells = self.cells.iter().copied().zip(self.lines.iter().copied());
        cells.filter(|(cell, _)| !cell.is_empty())
    }

    pub(super) fn proofs(&self) -> impl Iterator<Item = Proof> + '_ {
        self.values().map(|(value, line)| self.proof(value, line))
    }

    pub(super) fn proof(&self, value: &str, line: u64) -> Proof {
        Proof {
            header: self.header.to_owned(),
            value: value.to_owned(),
            line,
        }
    }

    /// Returns the first filled cell.
    pub(super) fn example(&self) -> Option<Proof> {
        self.proofs().next()
    }

    fn mostly(&self, is: impl Fn(&str) -> bool) -> bool {
        let found = self.values().filter(|(value, _)| is(value)).count();
        found > 0 && found * 20 >= self.filled() * MOST_OF_20
    }

    pub(super) fn has_emails(&self) -> bool {
        self.mostly(|value| {
            let is_domain = |domain: &str| domain.contains('.') && !domain.contains(['@', ' ']);
            let is_name = |name: &str| !name.is_empty() && !name.contains([' ', ',']);
            value
                .split_once('@')
                .is_some_and(|(name, domain)| is_name(name) && is_domain(domain))
        })
    }

    pub(super) fn has_amounts(&self) -> bool {
        self.mostly(looks_like_amount)
    }

    pub(super) fn has_currencies(&self) -> bool {
        self.mostly(|value| Currency::from_code(value).is_some())
    }

    /// Returns `true` if it is filled somewhere, and each of its filled cells is one of these.
    pub(super) fn is_all(&self, is: impl Fn(&str) -> bool) -> bool {
        self.filled() > 0 && self.values().all(|(value, _)| is(value))
    }

    /// Returns `true` if the texts could be ids: short, without spaces, not emails, and not amounts such as `90.00`.
    pub(super) fn has_ids(&self) -> bool {
        let is_amount = |value: &str| {
            let parts = value.rsplit_once(['.', ',']);
            parts.is_some_and(|(whole, decimals)| {
                let mut digits = whole.bytes().chain(decimals.bytes());
                decimals.len() == 2 && digits.all(|byte| byte.is_ascii_digit())
            })
        };
        self.mostly(|value| value.len() <= 64 && !value.contains([' ', '@']) && !is_amount(value))
    }

    pub(super) fn has_digits(&self) -> bool {
        self.mostly(|value| value.contains(|c: char| c.is_ascii_digit()))
    }

    /// Returns the format of its dates, if it holds dates.
    pub(super) fn days(&self) -> Option<Days> {
        let values: Vec<&str> = self.values().map(|(value, _)| value).collect();
        days(&values[..values.len().min(FIRST_DATES)])?;
        days(&values)
    }

    /// Returns the format of its dates, if its name is that of a date column: they may be numbers.
    pub(super) fn named_days(&self) -> Option<Days> {
        let values: Vec<&str> = self.values().map(|(value, _)| value).collect();
        numbers(&values).or_else(|| self.days())
    }

    /// Returns the format of those of its dates that can be read, and the first cell that can't.
    pub(super) fn days_but_for(&self) -> (Option<Days>, Option<Proof>) {
        let is_read = |value: &str| days(&[value]).is_some();
        let readable: Vec<&str> = self
            .values()
            .map(|(value, _)| value)
            .filter(|value| is_read(value))
            .collect();
        let mut values = self.values();
        let unread = values
            .find(|(value, _)| !is_read(value))
            .map(|(value, line)| self.proof(value, line));
        (days(&readable), unread)
    }

    /// Returns `true` if the column is filled in each of these rows.
    pub(super) fn is_full_in(&self, rows: &[usize]) -> bool {
        rows.iter().all(|&row| !self.cell(row).is_empty())
    }

    /// Returns `true` if all values in these rows are different.
    pub(super) fn is_unique_in(&self, rows: &[usize]) -> bool {
        let mut seen = BTreeSet::new();
        let filled = rows.iter().map(|&row| self.cell(row));
        filled
            .filter(|cell| !cell.is_empty())
            .all(|cell| seen.insert(cell))
    }

    pub(super) fn cell(&self, row: usize) -> &'s str {
        self.cells.get(row).copied().unwrap_or_default()
    }

    /// Returns each word and its number of rows; `None` if there are too many for a status.
    pub(super) fn words(&self) -> Option<BTreeMap<&'s str, usize>> {
        let mut words = BTreeMap::new();
        for (value, _) in self.values() {
            *words.entry(value).or_default() += 1;
            if words.len() > WORDS_MOST {
                return None;
            }
        }
        Some(words)
    }

    /// Returns the first value that occurs twice in these rows, with the line of its second place.
    pub(super) fn first_repeated_in(&self, rows: &[usize]) -> Option<Proof> {
        let mut seen = BTreeSet::new();
        let mut filled = rows.iter().filter(|&&row| !self.cell(row).is_empty());
        let row = filled.find(|&&row| !seen.insert(self.cell(row)))?;
        Some(self.proof(self.cell(*row), self.line(*row)))
    }

    /// Returns the line of the first of these rows in which the cell is empty.
    pub(super) fn first_empty_in(&self, rows: &[usize]) -> Option<u64> {
        let row = rows.iter().find(|&&row| self.cell(row).is_empty())?;
        Some(self.line(*row))
    }

    fn line(&self, row: usize) -> u64 {
        self.lines.get(row).copied().unwrap_or_default()
    }

    /// Returns the most frequent value of the filled cells, and its number of cells.
    pub(super) fn commonest(&self) -> Option<(&'s str, usize)> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (value, _) in self.values() {
            *counts.entry(value).or_default() += 1;
        }
        counts.into_iter().max_by_key(|(_, n)| *n)
    }
}

/// Returns `true` if a column is written like the amounts, and is no number of something.
pub(super) fn looks_like_money(column: &SampleColumn<'_>, total: &SampleColumn<'_>) -> bool {
    let has_decimals = |column: &SampleColumn<'_>| {
        let mut values = column.values();
        values.any(|(value, _)| value.contains(['.', ',']) || symbol_of(value).is_some())
    };
    let is_large = |(value, _): (&str, u64)| {
        value.chars().filter(char::is_ascii_digit).count() > 2 && !is_zero(value)
    };
    if has_decimals(total) {
        has_decimals(column)
    } else {
        column.values().any(is_large)
    }
}
