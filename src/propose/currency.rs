//! Finds the currency of the amounts: in a column, in the header of the amounts, or beside them.
//!
//! A column of currencies is known by its name or by its cells: where each of them is an ISO 4217 code, the name may be
//! in any language.

use std::collections::{BTreeMap, BTreeSet};

use super::amount::Amounts;
use super::names::{self, NameTiers};
use super::numbers::{is_symbol, symbol_of};
use super::table::{SampleColumn, SampleTable};
use super::text::shown;
use crate::event::Currency;

/// The greatest number of signs in a sentence.
const SIGNS_SHOWN: usize = 4;

/// The signs that belong to one currency each. `$`, `kr` and `¥` are not among them.
const SIGNS: [(&str, &str); 21] = [
    ("€", "EUR"),
    ("£", "GBP"),
    ("US$", "USD"),
    ("CA$", "CAD"),
    ("A$", "AUD"),
    ("AU$", "AUD"),
    ("NZ$", "NZD"),
    ("HK$", "HKD"),
    ("MX$", "MXN"),
    ("R$", "BRL"),
    ("zł", "PLN"),
    ("Kč", "CZK"),
    ("Ft", "HUF"),
    ("₹", "INR"),
    ("₽", "RUB"),
    ("₺", "TRY"),
    ("₫", "VND"),
    ("₪", "ILS"),
    ("₴", "UAH"),
    ("₦", "NGN"),
    ("฿", "THB"),
];

/// The currency of the amounts.
pub(super) enum CurrencyOrigin<'t> {
    /// This column has it; the reason if its name does not say so.
    Column(&'t SampleColumn<'t>, Option<String>),
    /// This column has it, but not as codes; the decision that follows.
    Signs(&'t SampleColumn<'t>, String),
    Fixed(Currency, String),
    /// One of these columns may have it, for this reason.
    Asked(Vec<&'t SampleColumn<'t>>, String),
    /// No column has it, and nothing else says it; the reason.
    Unknown(String),
}

/// The columns that have currencies.
pub(super) enum CurrencyColumns<'t> {
    None,
    /// The name says it.
    Named(&'t SampleColumn<'t>),
    /// Only the cells say it.
    ByCells(&'t SampleColumn<'t>),
    /// One of these has it, or the only one has the name of another currency than that of the amounts.
    Several(Vec<&'t SampleColumn<'t>>),
    /// The column has currencies, but not as codes.
    Signs(&'t SampleColumn<'t>),
}

impl<'t> CurrencyColumns<'t> {
    /// Finds them among the columns that are not in use.
    pub(super) fn new(
        table: &'t SampleTable<'t>,
        is_free: impl Fn(&SampleColumn<'_>) -> bool,
    ) -> Self {
        let named = table.named(&names::CURRENCY, SampleColumn::has_currencies);
        if let Some((_, column)) = named.first() {
            return CurrencyColumns::Named(column);
        }
        let free = || table.columns.iter().filter(|column| is_free(column));
        let is_code = |cell: &str| Currency::from_code(cell).is_some();
        let coded: Vec<_> = free().filter(|column| column.is_all(is_code)).collect();
        let (others, own): (Vec<_>, Vec<_>) = coded
            .into_iter()
            .partition(|column| names::CURRENCY.forbids(column.header));
        match (own.as_slice(), others.as_slice()) {
            ([column], _) => CurrencyColumns::ByCells(column),
            ([], []) => {
                let is_named = |column: &SampleColumn<'_>| {
                    let rank = names::CURRENCY.rank(column.header);
                    rank.is_some_and(NameTiers::is_whole) && column.filled() > 0
                };
                let mut signs =
                    free().filter(|column| is_named(column) || column.is_all(is_symbol));
                signs
                    .next()
                    .map_or(CurrencyColumns::None, CurrencyColumns::Signs)
            }
            ([], _) => CurrencyColumns::Several(others),
            _ => CurrencyColumns::Several(own),
        }
    }

    pub(super) fn all(&self) -> Vec<&'t SampleColumn<'t>> {
        match self {
            CurrencyColumns::None => Vec::new(),
            CurrencyColumns::Named(column)
            | CurrencyColumns::ByCells(column)
            | CurrencyColumns::Signs(column) => vec![column],
            CurrencyColumns::Several(columns) => columns.clone(),
        }
    }

    /// Returns the currency of most cells of the first of them.
    pub(super) fn commonest(&self) -> Option<Currency> {
        self.all().first().and_then(|column| commonest(column))
    }

    /// Decides the currency of these amounts.
    pub(super) fn money(&self, amounts: &Amounts<'_>) -> CurrencyOrigin<'t> {
        let beside = said_beside(amounts);
        match self {
            CurrencyColumns::None => match beside {
                Some((currency, why)) => CurrencyOrigin::Fixed(currency, why),
                None => CurrencyOrigin::Unknown(why_unknown(amounts)),
            },
            CurrencyColumns::Named(column) | CurrencyColumns::ByCells(column) => {
                if let Some((currency, why)) = &beside
                    && let Some((other, line)) = other_than(column, *currency)
                {
                    return CurrencyOrigin::Unknown(format!(
                        "{why}, and {} is {} in line {line}",
                        shown(column.header),
                        shown(other)
                    ));
                }
                let is_named = matches!(self, CurrencyColumns::Named(_));
                let why = format!(
                    "{} is the currency: each of its cells is the code of one",
                    shown(column.header)
                );
                CurrencyOrigin::Column(column, (!is_named).then_some(why))
            }
            CurrencyColumns::Several(columns) => {
                let names: Vec<String> = columns.iter().map(|c| shown(c.header)).collect();
                let why = match names.as_slice() {
                    [name] => format!(
                        "{name} has currencies, but its name may be that of another one than the amounts are in"
                    ),
                    names => format!("{} have currencies", names.join(" and ")),
                };
                CurrencyOrigin::Asked(columns.clone(), why)
            }
            CurrencyColumns::Signs(column) => signs(column),
        }
    }
}

/// Returns the currency of a column that has it as a sign or as a name: rows of several are rejected.
fn signs<'t>(column: &'t SampleColumn<'t>) -> CurrencyOrigin<'t> {
    let words: BTreeSet<&str> = column.values().map(|(value, _)| value).collect();
    let header = shown(column.header);
    let words: Vec<&str> = words.into_iter().collect();
    match words.as_slice() {
        [word] => match of_symbol(word) {
            Some(currency) => {
                CurrencyOrigin::Fixed(currency, format!("{header} is {} in each row", shown(word)))
            }
            None => CurrencyOrigin::Unknown(format!(
                "{header} is {}, which is not an ISO 4217 code",
                shown(word)
            )),
        },
        words => {
            let names: Vec<String> = words.iter().take(SIGNS_SHOWN).map(|w| shown(w)).collect();
            CurrencyOrigin::Signs(
                column,
                format!(
                    "rows with {} in {header} are rejected: the currency has to be an ISO 4217 code, such as `EUR`",
                    names.join(", ")
                ),
            )
        }
    }
}

/// Returns the first cell of a column with another currency than this one, and its line.
fn other_than<'t>(column: &SampleColumn<'t>, currency: Currency) -> Option<(&'t str, u64)> {
    let is_other = |cell: &str| Currency::from_code(cell).is_some_and(|other| other != currency);
    column.values().find(|(cell, _)| is_other(cell))
}

/// Returns the currency of most cells.
fn commonest(column: &SampleColumn<'_>) -> Option<Currency> {
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

/// Returns the currency of a sign that belongs to one currency, or of a code.
fn of_symbol(symbol: &str) -> Option<Currency> {
    let of_sign = SIGNS.iter().find(|(sign, _)| *sign == symbol);
    Currency::from_code(of_sign.map_or(symbol, |(_, code)| *code))
}

/// Returns why nothing says the currency of amounts without a column for it.
fn why_unknown(amounts: &Amounts<'_>) -> String {
    let symbols: BTreeSet<&str> = amounts
        .total
        .values()
        .filter_map(|(value, _)| symbol_of(value))
        .collect();
    if symbols.len() < 2 {
        return "the export names no currency".to_owned();
    }
    let symbols: Vec<String> = symbols.into_iter().take(SIGNS_SHOWN).map(shown).collect();
    format!(
        "{} are next to the amounts, and only amounts in one currency are read without a column for it",
        symbols.join(" and ")
    )
}

/// Finds a currency in the header of the amount, or beside each amount, with the reason.
fn said_beside(amounts: &Amounts<'_>) -> Option<(Currency, String)> {
    let header = amounts.total.header;
    let words = header.split(|c: char| !c.is_alphanumeric());
    let is_code = |word: &&str| word.len() == 3 && word.chars().all(|c| c.is_ascii_uppercase());
    let code = words.filter(is_code).find_map(Currency::from_code);
    if let Some(currency) = code {
        return Some((currency, format!("the header says {}", shown(header))));
    }
    let symbol = amounts.written.format().strip.clone().or_else(|| {
        ["€", "£"]
            .into_iter()
            .find(|s| header.contains(s))
            .map(str::to_owned)
    })?;
    let currency = of_symbol(&symbol)?;
    let disagrees = amounts
        .total
        .values()
        .any(|(value, _)| symbol_of(value).is_some_and(|s| s != symbol));
    (!disagrees).then(|| {
        (
            currency,
            format!("{} is next to the amounts", shown(&symbol)),
        )
    })
}
