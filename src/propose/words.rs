//! Finds the columns that say what a row is: its status, its type, and columns of yes and no.

use std::collections::BTreeMap;

use super::amount::Amounts;
use super::flags::{FlagColumn, Marks, flags as find_flags, other_status as other_status_flag};
use super::names::{self, NameTiers, WordMeaning};
use super::table::{SampleColumn, SampleTable};
use super::taken::Taken;
use super::text::shown;

/// A column of yes and no, and its words for one of the two.
pub(super) type Flag<'t> = (&'t SampleColumn<'t>, Vec<&'t str>);

/// A column of words with their meanings.
pub(super) struct WordColumn<'t> {
    pub(super) column: &'t SampleColumn<'t>,
    pub(super) words: BTreeMap<&'t str, usize>,
    meanings: BTreeMap<&'t str, WordMeaning>,
    /// The reason why a word has another meaning here than elsewhere.
    pub(super) why: Option<String>,
    /// `true` if only its words say what it is, and not its name.
    pub(super) is_by_words: bool,
}

/// The columns of words that were found before, so that no other one is needed.
#[derive(Clone, Copy)]
struct FoundColumns {
    has_status: bool,
    has_kind: bool,
}

/// What a column says by its words, whatever its name is.
enum ByWords<'t> {
    Status(WordColumn<'t>),
    Kind(WordColumn<'t>),
    /// Rows with some of its words may not be money received.
    Flag(FlagColumn<'t>),
}

impl<'t> WordColumn<'t> {
    pub(super) fn words_meaning(&self, meaning: WordMeaning) -> Vec<&'t str> {
        let meanings = self.meanings.iter();
        meanings
            .filter(|(_, of)| **of == meaning)
            .map(|(word, _)| *word)
            .collect()
    }

    pub(super) fn meaning(&self, word: &str) -> WordMeaning {
        self.meanings
            .get(word)
            .copied()
            .unwrap_or(WordMeaning::Unclear)
    }
}

/// The columns that say what a row is.
pub(super) struct RowRules<'t> {
    pub(super) status: Option<WordColumn<'t>>,
    pub(super) other_status: Option<&'t SampleColumn<'t>>,
    pub(super) kind: Option<WordColumn<'t>>,
    /// The columns that say of a row that it may not be money received.
    pub(super) flags: Vec<FlagColumn<'t>>,
}

impl<'t> RowRules<'t> {
    pub(super) fn new(table: &'t SampleTable<'t>, taken: &mut Taken<'t>) -> Self {
        let mut statuses = words_of(
            table,
            &names::STATUS,
            names::status_meaning,
            names::is_surely_a_status,
            taken,
        )
        .into_iter();
        let mut status = statuses.next();
        if let Some(status) = &mut status {
            status.decide_processing(table);
        }
        taken.take(status.as_ref().map(|words| words.column));
        let others: Vec<WordColumn<'_>> = statuses.collect();
        let other_status = others.first().map(|words| words.column);
        let mut kinds = words_of(
            table,
            &names::KIND,
            names::kind_meaning,
            names::is_surely_a_kind,
            taken,
        )
        .into_iter();
        let mut kind = kinds.next();
        if let Some(kind) = &mut kind {
            kind.decide_demands();
        }
        taken.take(kind.as_ref().map(|words| words.column));
        let other_statuses = others.iter().filter(|words| taken.is_free(words.column));
        let mut flags: Vec<FlagColumn<'_>> = other_statuses
            .filter_map(|words| {
                let all = words.words.keys().copied();
                other_status_flag(words.column, all.filter(|word| names::is_final(word)))
            })
            .collect();
        taken.take(flags.iter().map(|flag| flag.column));
        flags.extend(find_flags(table, taken));
        if status.is_some() || kind.is_some() {
            // What is paid is said elsewhere, and this date is that of something later.
            flags.retain(|flag| flag.marks != Marks::Empty);
        }
        taken.take(flags.iter().map(|flag| flag.column));
        for column in &table.columns {
            if column.words().is_none() || !taken.is_free(column) {
                continue;
            }
            let found = FoundColumns {
                has_status: status.is_some(),
                has_kind: kind.is_some(),
            };
            match by_words(column, found) {
                Some(ByWords::Status(mut words)) => {
                    words.decide_processing(table);
                    status = Some(words);
                }
                Some(ByWords::Kind(words)) => kind = Some(words),
                Some(ByWords::Flag(flag)) => flags.push(flag),
                None => continue,
            }
            taken.take([column]);
        }
        RowRules {
            status,
            other_status,
            kind,
            flags,
        }
    }

    /// Returns the rows that may be events by these columns; all rows if there would be none.
    pub(super) fn payable(&self, table: &SampleTable<'_>) -> Vec<usize> {
        let says = |words: &Option<WordColumn<'_>>, row: usize, no: &[WordMeaning]| match words {
            Some(words) => !no.contains(&words.meaning(words.column.cell(row))),
            None => true,
        };
        let no_status = [
            WordMeaning::NoMoney,
            WordMeaning::Processing,
            WordMeaning::Unclear,
        ];
        let no_kind = [WordMeaning::Other, WordMeaning::Unclear];
        let is_payable = |row: &usize| {
            says(&self.status, *row, &no_status)
                && says(&self.kind, *row, &no_kind)
                && self
                    .flags
                    .iter()
                    .all(|flag| flag.is_payment(flag.column.cell(*row)))
        };
        let rows: Vec<usize> = (0..table.rows).filter(is_payable).collect();
        if rows.is_empty() {
            (0..table.rows).collect()
        } else {
            rows
        }
    }
}

impl WordColumn<'_> {
    /// Decides the meaning of a status such as `processing`: in a shop the order is paid and not
    /// sent yet, at a payment provider the money has not arrived.
    fn decide_processing(&mut self, table: &SampleTable<'_>) {
        let words = self.words_meaning(WordMeaning::Processing);
        if words.is_empty() {
            return;
        }
        let rows: Vec<usize> = (0..table.rows)
            .filter(|&row| words.contains(&self.column.cell(row)))
            .collect();
        let paid_dates = table.named(&names::DATE, |column| column.named_days().is_some());
        let paid_date = paid_dates.into_iter().find(|(rank, _)| *rank == 0);
        let all = words
            .iter()
            .map(|word| shown(word))
            .collect::<Vec<_>>()
            .join(", ");
        let (meaning, why) = match paid_date.map(|(_, column)| column) {
            Some(column) if column.is_full_in(&rows) => {
                let why = format!(
                    "{all} is paid: {} is filled in each of its rows",
                    shown(column.header)
                );
                (WordMeaning::Sale, Some(why))
            }
            Some(column) if rows.iter().all(|&row| column.cell(row).is_empty()) => {
                let why = format!(
                    "{all} is not paid yet: {} is empty in its rows",
                    shown(column.header)
                );
                (WordMeaning::NoMoney, Some(why))
            }
            Some(_) => (WordMeaning::Unclear, None),
            None if self.is_of_a_shop(table) => {
                let why = format!(
                    "{all} is paid and not sent yet, as in WooCommerce: these are orders of a shop"
                );
                (WordMeaning::Sale, Some(why))
            }
            None => (WordMeaning::Unclear, None),
        };
        for word in words {
            self.meanings.insert(word, meaning);
        }
        self.why = why;
    }

    /// Leaves open what is due if the column has payments, too: a charge and its payment are one sale.
    fn decide_demands(&mut self) {
        if !self.words.keys().any(|word| names::is_money(word)) {
            return;
        }
        for (word, meaning) in &mut self.meanings {
            if names::is_demand(word) {
                *meaning = WordMeaning::Unclear;
            }
        }
    }

    /// Returns `true` if these are the statuses of a shop's orders, and not of payments.
    fn is_of_a_shop(&self, table: &SampleTable<'_>) -> bool {
        let header = names::words_of(self.column.header);
        let is_of_payments = ["payment", "transaction", "charge", "invoice"]
            .iter()
            .any(|word| header.contains(word));
        let has_fee = !table
            .named(&names::FEE, SampleColumn::has_amounts)
            .is_empty();
        let has_orders = !table
            .named(&names::ORDER_ID, SampleColumn::has_ids)
            .is_empty();
        let mut words = self.words.keys();
        let is_said = header.contains("order") || words.any(|word| names::is_of_a_shop(word));
        !is_of_payments && !has_fee && (has_orders || is_said)
    }
}

/// Returns the columns with such a name in which at least one word has a known meaning.
pub(super) fn words_of<'t>(
    table: &'t SampleTable<'t>,
    names: &NameTiers,
    meaning: fn(&str) -> WordMeaning,
    is_sure: fn(&str) -> bool,
    taken: &Taken<'t>,
) -> Vec<WordColumn<'t>> {
    let named = table.named(names, |column| taken.is_free(column));
    let words = named.into_iter().filter_map(|(_, column)| {
        let words = column.words()?;
        Some(WordColumn {
            column,
            meanings: words.keys().map(|word| (*word, meaning(word))).collect(),
            words,
            why: None,
            is_by_words: false,
        })
    });
    // A column that can't be anything else counts even without a known word: its rows are rejected.
    let says_something = |words: &WordColumn<'_>| {
        let is_clear = |meaning: &WordMeaning| *meaning != WordMeaning::Unclear;
        words.meanings.values().any(is_clear) || is_sure(words.column.header)
    };
    words.filter(says_something).collect()
}

/// Returns what a column says whose name says nothing, if its words are those of a status or of a type: all of them, or
/// most of them if they say that some rows are money and others are not.
fn by_words<'t>(column: &'t SampleColumn<'t>, found: FoundColumns) -> Option<ByWords<'t>> {
    let words = column.words()?;
    let all: Vec<&'t str> = words.keys().copied().collect();
    let of = |meaning: fn(&str) -> WordMeaning, wanted: WordMeaning| -> Vec<&'t str> {
        let words = all.iter().copied();
        words.filter(|word| meaning(word) == wanted).collect()
    };
    let count =
        |meaning: fn(&str) -> WordMeaning| all.len() - of(meaning, WordMeaning::Unclear).len();
    let known = all.iter().filter(|word| names::is_of_states(word)).count();
    let is_sale = |word: &&str| {
        names::status_meaning(word) == WordMeaning::Sale
            || names::kind_meaning(word) == WordMeaning::Sale
    };
    let is_all = known == all.len() && known > 0;
    let has_both = all.iter().any(is_sale) && all.iter().any(|word| is_no_money(word));
    let is_said = if names::STATUS.forbids(column.header) {
        is_all && all.iter().any(|word| names::is_of_payments(word))
    } else {
        is_all || has_both && known * 2 > all.len()
    };
    if !is_said {
        return None;
    }
    let word_column = |meaning: fn(&str) -> WordMeaning| WordColumn {
        column,
        meanings: words.keys().map(|word| (*word, meaning(word))).collect(),
        words: words.clone(),
        why: None,
        is_by_words: true,
    };
    let sales = of(names::status_meaning, WordMeaning::Sale);
    let (kinds, statuses) = (count(names::kind_meaning), count(names::status_meaning));
    let is_kind = kinds > statuses || sales.is_empty() && kinds == statuses;
    if is_kind && !found.has_kind && has_both {
        return Some(ByWords::Kind(word_column(names::kind_meaning)));
    }
    if !is_kind && !found.has_status && !sales.is_empty() {
        return Some(ByWords::Status(word_column(names::status_meaning)));
    }
    let no_money = all.into_iter().filter(|word| is_no_money(word));
    other_status_flag(column, no_money).map(ByWords::Flag)
}

/// Returns `true` if a word says of a row that no money came in, or that it went back.
fn is_no_money(word: &str) -> bool {
    let is_no = |meaning| {
        matches!(
            meaning,
            WordMeaning::NoMoney | WordMeaning::Refund | WordMeaning::Other
        )
    };
    is_no(names::status_meaning(word)) || is_no(names::kind_meaning(word)) || names::is_final(word)
}

pub(super) fn refunded_flag<'t>(
    table: &'t SampleTable<'t>,
    amounts: &Amounts<'_>,
    taken: &Taken<'t>,
) -> Option<Flag<'t>> {
    if amounts.refunded.is_some() {
        return None;
    }
    let named = table.named(&names::REFUNDED, |column| {
        taken.is_free(column) && column.words().is_some()
    });
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
