//! Which column is what.

use std::collections::BTreeMap;

use super::amount::{Amounts, amounts};
use super::days::Days;
use super::names::{self, Meaning, Names};
use super::numbers::{Proof, symbol_of};
use super::table::{Column, Table};
use super::{Refusal, text::shown};
use crate::event::Currency;

/// What each column is taken for.
pub(super) struct Mapping<'t> {
    pub(super) id: &'t Column<'t>,
    /// Whether its name says that it is an id.
    pub(super) id_is_named: bool,
    pub(super) id_repeated: Option<Proof>,
    pub(super) email: Option<&'t Column<'t>>,
    /// Whether its name says that it is the customer's.
    pub(super) email_is_named: bool,
    pub(super) other_emails: Vec<&'t Column<'t>>,
    pub(super) uid: Option<&'t Column<'t>>,
    pub(super) amounts: Amounts<'t>,
    pub(super) money: Money<'t>,
    pub(super) date: Option<(&'t Column<'t>, Days)>,
    pub(super) other_dates: Vec<&'t Column<'t>>,
    pub(super) status: Option<Words<'t>>,
    /// Another column that could be the status.
    pub(super) other_status: Option<&'t Column<'t>>,
    pub(super) kind: Option<Words<'t>>,
    /// The sale that a refund row names.
    pub(super) sale: Option<&'t Column<'t>>,
    /// Says only whether something was refunded, and not how much.
    pub(super) refunded_flag: Option<Flag<'t>>,
    /// Says whether it was paid, with the words for no.
    pub(super) paid_flag: Option<Flag<'t>>,
    /// Says whether it was a test, with the words for yes.
    pub(super) test_flag: Option<Flag<'t>>,
    /// Rows of one order, with its amount on the first of them only.
    pub(super) continues: bool,
}

/// A column of yes and no, and its words for one of them.
pub(super) type Flag<'t> = (&'t Column<'t>, Vec<&'t str>);

/// The currency of the amounts.
pub(super) enum Money<'t> {
    Column(&'t Column<'t>),
    Fixed(Currency, String),
    Unknown,
}

/// A column of words, by what they say.
pub(super) struct Words<'t> {
    pub(super) column: &'t Column<'t>,
    pub(super) words: BTreeMap<&'t str, usize>,
    meaning: fn(&str) -> Meaning,
}

impl<'t> Words<'t> {
    pub(super) fn of(&self, meaning: Meaning) -> Vec<&'t str> {
        let words = self.words.keys().copied();
        words
            .filter(|word| (self.meaning)(word) == meaning)
            .collect()
    }
}

impl<'t> Mapping<'t> {
    pub(super) fn of(table: &'t Table<'t>) -> Result<Self, Refusal> {
        if table.rows == 0 {
            return Err(Refusal::NoRows);
        }
        let mut emails: Vec<_> = table
            .named(&names::EMAIL, Column::has_emails)
            .into_iter()
            .map(|(_, c)| c)
            .collect();
        let email_is_named = !emails.is_empty();
        let is_new = |column: &&Column<'_>| {
            let is_known = emails.iter().any(|known| known.header == column.header);
            column.has_emails() && !is_known && !names::EMAIL.forbids(column.header)
        };
        let unnamed: Vec<_> = table.columns.iter().filter(is_new).collect();
        emails.extend(unnamed);
        let uids = table.named(&names::UID, Column::has_ids).into_iter();
        // What is called `Customer` may hold first names.
        let mut uids = uids.filter(|(rank, column)| Names::tier(*rank) == 0 || column.has_digits());
        let uid = uids.next().map(|(_, column)| column);
        if emails.is_empty() && uid.is_none() {
            return Err(Refusal::NoCustomer);
        }
        let currency_column = table
            .named(&names::CURRENCY, Column::has_currencies)
            .first()
            .map(|(_, c)| *c);
        let usual = currency_column
            .and_then(commonest)
            .or_else(|| Currency::from_code("USD"));
        let amounts = usual
            .and_then(|currency| amounts(table, currency))
            .ok_or(Refusal::NoAmount)?;
        let money = match currency_column {
            Some(column) => Money::Column(column),
            None => said_beside(&amounts),
        };
        let taken: Vec<&str> = uid.iter().map(|uid| uid.header).collect();
        let (id, id_is_named) = id(table, amounts.total, &taken)?;
        let (date, other_dates) = date(table);
        let mut statuses = words_of(table, &names::STATUS, names::status_meaning).into_iter();
        let status = statuses.next();
        let kind = words_of(table, &names::KIND, names::kind_meaning)
            .into_iter()
            .find(|kind| {
                status
                    .as_ref()
                    .is_none_or(|status| status.column.header != kind.column.header)
            });
        let sale = kind.as_ref().and_then(|_| {
            let named = table.named(&names::SALE_ID, Column::has_ids);
            named
                .into_iter()
                .map(|(_, column)| column)
                .find(|column| column.header != id.header)
        });
        Ok(Mapping {
            continues: continues(id, amounts.total),
            id_repeated: id.first_repeated(),
            id,
            id_is_named,
            email: emails.first().copied(),
            email_is_named,
            other_emails: emails.split_off(1.min(emails.len())),
            uid,
            refunded_flag: refunded_flag(table, &amounts),
            paid_flag: flag(table, &names::PAID_FLAG, names::NO),
            test_flag: flag(table, &names::TEST_FLAG, names::YES),
            amounts,
            money,
            date,
            other_dates,
            status,
            other_status: statuses.next().map(|words| words.column),
            kind,
            sale,
        })
    }
}

/// The currency of most cells.
pub(super) fn commonest(column: &Column<'_>) -> Option<Currency> {
    let mut counts: BTreeMap<Currency, usize> = BTreeMap::new();
    for (value, _) in column.values() {
        if let Some(currency) = Currency::from_code(value) {
            *counts.entry(currency).or_default() += 1;
        }
    }
    counts
        .into_iter()
        .max_by_key(|(_, n)| *n)
        .map(|(currency, _)| currency)
}

/// A currency in the header of the amount, or beside each amount.
fn said_beside(amounts: &Amounts<'_>) -> Money<'static> {
    let header = amounts.total.header;
    let words = header.split(|c: char| !c.is_alphanumeric());
    let is_code = |word: &&str| word.len() == 3 && word.chars().all(|c| c.is_ascii_uppercase());
    let code = words.filter(is_code).find_map(Currency::from_code);
    if let Some(currency) = code {
        return Money::Fixed(currency, format!("the header says {}", shown(header)));
    }
    let of_symbol = |symbol: &str| match symbol {
        "€" => Currency::from_code("EUR"),
        "£" => Currency::from_code("GBP"),
        code => Currency::from_code(code),
    };
    let symbol = amounts.written.format().strip.clone();
    let symbol = symbol.or_else(|| {
        ["€", "£"]
            .into_iter()
            .find(|s| header.contains(s))
            .map(str::to_owned)
    });
    let found = symbol
        .as_deref()
        .and_then(|symbol| Some((symbol, of_symbol(symbol)?)));
    let disagrees = |symbol: &str| {
        amounts
            .total
            .values()
            .any(|(value, _)| symbol_of(value).is_some_and(|s| s != symbol))
    };
    match found {
        Some((symbol, currency)) if !disagrees(symbol) => Money::Fixed(
            currency,
            format!("{} stands beside the amounts", shown(symbol)),
        ),
        _ => Money::Unknown,
    }
}

/// The column that tells one sale from another: named so and unique, else only one of both.
fn id<'t>(
    table: &'t Table<'t>,
    total: &Column<'_>,
    taken: &[&str],
) -> Result<(&'t Column<'t>, bool), Refusal> {
    let is_free = |column: &Column<'_>| !taken.contains(&column.header);
    let fits = |column: &Column<'_>| is_free(column) && column.has_ids() && column.days().is_none();
    let is_full = |column: &Column<'_>| column.filled() == table.rows;
    let is_unique = |column: &Column<'_>| column.first_repeated().is_none();
    let named = table.named(&names::EVENT_ID, fits);
    let named = || named.iter().map(|(_, column)| *column);
    // The lines of an order that all say its whole amount are one sale, whatever else numbers them.
    let is_order = |column: &&Column<'_>| !is_unique(column) && is_said_again(column, total);
    let unique = named().find(|column| is_full(column) && is_unique(column));
    let best = named()
        .find(is_order)
        .or(unique)
        .or_else(|| named().find(|column| is_unique(column)))
        .or_else(|| named().next());
    if let Some(column) = best {
        return Ok((column, true));
    }
    // A number that is new in every row may be an amount by chance, a text a name.
    let could_be = |column: &&Column<'_>| {
        let is_sure = table.rows > 1 && is_full(column) && column.first_repeated().is_none();
        is_sure
            && fits(column)
            && !column.has_amounts()
            && !column.has_emails()
            && column.has_digits()
    };
    match table.columns.iter().find(could_be) {
        Some(column) => Ok((column, false)),
        None => Err(Refusal::NoId),
    }
}

/// Whether all rows of one id say the same amount, or none.
fn is_said_again(id: &Column<'_>, total: &Column<'_>) -> bool {
    let mut amounts: BTreeMap<&str, &str> = BTreeMap::new();
    let rows = id.cells.iter().zip(&total.cells);
    let mut said = rows.filter(|(id, total)| !id.is_empty() && !total.is_empty());
    said.all(|(id, total)| {
        amounts
            .insert(id, total)
            .is_none_or(|before| before == *total)
    })
}

fn date<'t>(table: &'t Table<'t>) -> (Option<(&'t Column<'t>, Days)>, Vec<&'t Column<'t>>) {
    let mut named = table.named(&names::DATE, |column| column.days().is_some());
    // A date that only some rows have, such as that of the payment, is not the one of them all.
    named.sort_by_key(|(_, column)| column.filled() * 20 < table.rows * 19);
    let mut columns: Vec<_> = named.into_iter().map(|(_, column)| column).collect();
    if columns.is_empty() {
        let unnamed = table
            .columns
            .iter()
            .filter(|column| column.days().is_some());
        columns.extend(unnamed);
    }
    let others = columns.split_off(1.min(columns.len()));
    let first = columns.first().copied();
    (
        first.and_then(|column| Some((column, column.days()?))),
        others,
    )
}

/// The columns of this name in which at least one word says something.
fn words_of<'t>(
    table: &'t Table<'t>,
    names: &Names,
    meaning: fn(&str) -> Meaning,
) -> Vec<Words<'t>> {
    let named = table.named(names, |column| column.words().is_some());
    let words = named.into_iter().filter_map(|(_, column)| {
        let words = column.words()?;
        Some(Words {
            column,
            words,
            meaning,
        })
    });
    // What is called a status and says nothing that is known still decides: its rows are rejected.
    let says_something = |words: &Words<'_>| {
        let is_status = |word: &str| word.contains("status");
        words
            .words
            .keys()
            .any(|word| meaning(word) != Meaning::Unclear)
            || names::words_of(words.column.header)
                .split(' ')
                .any(is_status)
    };
    words.filter(says_something).collect()
}

fn refunded_flag<'t>(table: &'t Table<'t>, amounts: &Amounts<'_>) -> Option<Flag<'t>> {
    if amounts.refunded.is_some() {
        return None;
    }
    let named = table.named(&names::REFUNDED, |column| column.words().is_some());
    let (_, column) = named.into_iter().next()?;
    let words = column.words()?.into_keys();
    Some((
        column,
        words.filter(|word| is_of(names::NO, word)).collect(),
    ))
}

fn is_of(list: &str, word: &str) -> bool {
    names::is_in(list, &word.to_lowercase())
}

/// A column of yes and no by this name, with its words that are in `list`.
fn flag<'t>(table: &'t Table<'t>, names: &Names, list: &str) -> Option<Flag<'t>> {
    let is_flag = |column: &Column<'_>| {
        let is_known = |word: &&str| is_of(names::YES, word) || is_of(names::NO, word);
        column
            .words()
            .is_some_and(|words| words.keys().all(is_known))
    };
    let (_, column) = table.named(names, is_flag).into_iter().next()?;
    let words = column.words()?.into_keys();
    Some((column, words.filter(|word| is_of(list, word)).collect()))
}

/// Whether every row without an amount says the same id as the row above it.
fn continues(id: &Column<'_>, total: &Column<'_>) -> bool {
    let without: Vec<usize> = (0..total.cells.len())
        .filter(|&row| total.cells[row].is_empty())
        .collect();
    let same =
        |row: usize| row > 0 && !id.cells[row].is_empty() && id.cells[row] == id.cells[row - 1];
    !without.is_empty() && without.into_iter().all(same)
}
