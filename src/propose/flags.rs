//! Finds the columns beside the status that say of a row that it may not be money received: `success`, `voided`,
//! `chargeback`, `livemode`, `direction` and the like.
//!
//! What such a column says is a guess where its words are yes and no and its name has one meaning. Otherwise its rows
//! are a question. Its words in later exports may be others, so the rules name those with which a row is a payment.

use super::names::{self, NameTiers, WordMeaning};
use super::table::{SampleColumn, SampleTable};
use super::taken::Taken;

/// The question that a column answers for each row, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlagQuestion {
    /// Whether the money was received.
    Received,
    /// Whether the payment failed or was voided.
    Failed,
    /// Whether the money went back, or may go back.
    Disputed,
    /// Whether the row is a test.
    Test,
    /// Whether the row is real, and not a test.
    Live,
    /// Whether money came in or went out.
    Direction,
    /// How much of the amount was paid.
    Due,
    /// Whether a discount is off the amount already.
    Discount,
    /// How many pieces the amount is the price of.
    Quantity,
    /// Whether the amount includes a tax of which only the rate is there.
    Tax,
    /// Whether a row is a refund of the sale that it names.
    Refund,
    /// How much was refunded of a row that has refunds.
    Refunded,
    /// What happened to the rows that have a date.
    Happened,
    /// What a part of the amount is: refunded, due or paid.
    Part,
}

/// The marks in a column that say if a row is a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Marks<'t> {
    /// Words: with the first a row is a payment, and with the second it is not; others are open.
    Words {
        payment: Vec<&'t str>,
        excluded: Vec<&'t str>,
    },
    /// Only these words are open.
    Open(Vec<&'t str>),
    /// A cell that is filled is open.
    Filled,
    /// A cell that is not filled is open.
    Empty,
    /// An amount that is not zero is open.
    Amount,
    /// Every row with an amount is open.
    Any,
}

/// A column that says of a row that it may not be money received.
pub(super) struct FlagColumn<'t> {
    pub(super) column: &'t SampleColumn<'t>,
    pub(super) question: FlagQuestion,
    pub(super) marks: Marks<'t>,
}

const QUESTIONS: [(FlagQuestion, &NameTiers); 6] = [
    (FlagQuestion::Test, &names::TEST_FLAG),
    (FlagQuestion::Live, &names::LIVE_FLAG),
    (FlagQuestion::Direction, &names::DIRECTION),
    (FlagQuestion::Disputed, &names::DISPUTED_FLAG),
    (FlagQuestion::Failed, &names::FAILED_FLAG),
    (FlagQuestion::Received, &names::RECEIVED_FLAG),
];

/// Returns all such columns.
pub(super) fn flags<'t>(table: &'t SampleTable<'t>, taken: &Taken<'t>) -> Vec<FlagColumn<'t>> {
    let columns = table.columns.iter().filter(|column| taken.is_free(column));
    columns.filter_map(FlagColumn::new).collect()
}

/// Returns `true` if a column says which rows were paid.
pub(super) fn says_received(flags: &[FlagColumn<'_>]) -> bool {
    let mut flags = flags.iter();
    flags.any(|flag| flag.question == FlagQuestion::Received)
}

/// Returns the rule for another status that says with some words of rows that they were not paid, or refunded.
pub(super) fn other_status<'t>(
    column: &'t SampleColumn<'t>,
    words: impl Iterator<Item = &'t str>,
) -> Option<FlagColumn<'t>> {
    let open: Vec<&str> = words.collect();
    (!open.is_empty()).then_some(FlagColumn {
        column,
        question: FlagQuestion::Failed,
        marks: Marks::Open(open),
    })
}

impl<'t> FlagColumn<'t> {
    fn new(column: &'t SampleColumn<'t>) -> Option<Self> {
        let is_named =
            |(_, names): &&(FlagQuestion, &NameTiers)| names.rank(column.header).is_some();
        let named = QUESTIONS.iter().find(is_named);
        let unnamed = has_directions(column).then_some(FlagQuestion::Direction);
        let question = named.map(|(question, _)| *question).or(unnamed)?;
        let marks = match question {
            FlagQuestion::Disputed => disputed(column),
            FlagQuestion::Failed => failed(column),
            FlagQuestion::Received => received(column),
            FlagQuestion::Test => test(column, names::NO, names::YES),
            FlagQuestion::Live => test(column, names::LIVE, names::TESTING),
            FlagQuestion::Direction => direction(column),
            // Found beside the amounts, and not by these names.
            FlagQuestion::Due
            | FlagQuestion::Discount
            | FlagQuestion::Quantity
            | FlagQuestion::Tax
            | FlagQuestion::Refund
            | FlagQuestion::Refunded
            | FlagQuestion::Happened
            | FlagQuestion::Part => None,
        };
        Some(FlagColumn {
            column,
            question,
            marks: marks?,
        })
    }

    /// Creates the question about a column that names another row, and may be that of the sale that a row refunds.
    pub(super) fn of_refunds(column: &'t SampleColumn<'t>) -> Self {
        FlagColumn {
            column,
            question: FlagQuestion::Refund,
            marks: Marks::Filled,
        }
    }

    /// Creates the question about a date that only some rows have.
    pub(super) fn of_some(column: &'t SampleColumn<'t>) -> Self {
        FlagColumn {
            column,
            question: FlagQuestion::Happened,
            marks: Marks::Any,
        }
    }

    /// Returns `true` if a row with this cell may be a payment.
    pub(super) fn is_payment(&self, cell: &str) -> bool {
        match &self.marks {
            Marks::Words { payment, .. } => payment.contains(&cell) || self.allows_empty(cell),
            Marks::Open(words) => !words.contains(&cell),
            Marks::Filled => cell.is_empty(),
            Marks::Empty => !cell.is_empty(),
            Marks::Amount => cell.is_empty() || super::numbers::is_zero(cell),
            Marks::Any => false,
        }
    }

    /// Returns the question about the rows that are open, with the name of the amount.
    pub(super) fn open_question(&self, total: &str) -> String {
        match self.question {
            FlagQuestion::Due => "how much of them was paid?".to_owned(),
            FlagQuestion::Discount => format!("is it off {total} already?"),
            FlagQuestion::Quantity => format!("is {total} the price of one piece?"),
            FlagQuestion::Tax => format!("does {total} include the tax?"),
            FlagQuestion::Refund => "are they refunds of the sales that they name?".to_owned(),
            FlagQuestion::Refunded => "how much of them was refunded?".to_owned(),
            FlagQuestion::Happened => {
                "only some rows have this date: what does it say about the payment?".to_owned()
            }
            FlagQuestion::Part => {
                "was it refunded, paid or still due, or is it something else?".to_owned()
            }
            _ => "are they sales?".to_owned(),
        }
    }

    /// Returns how the column `key` is subtracted, if the amount may be before it.
    pub(super) fn subtract(&self, key: &str) -> Option<String> {
        let is_subtracted = matches!(
            self.question,
            FlagQuestion::Due | FlagQuestion::Discount | FlagQuestion::Part
        );
        let is_subtracted = is_subtracted && !matches!(self.marks, Marks::Words { .. });
        is_subtracted.then(|| {
            format!("If it has to be subtracted, delete this rule and write `minus = [\"{key}\"]` in `amount` below.")
        })
    }

    /// Returns `true` if a cell is empty, and that means that nothing happened to the payment.
    fn allows_empty(&self, cell: &str) -> bool {
        let asks_of_payment = matches!(
            self.question,
            FlagQuestion::Received | FlagQuestion::Live | FlagQuestion::Direction
        );
        cell.is_empty() && !asks_of_payment
    }

    /// Returns the words of the sample that neither make a row a payment nor exclude it; the empty one for an empty
    /// cell.
    pub(super) fn open_words(&self) -> Vec<&'t str> {
        let is_open = |cell: &&str| {
            let is_excluded = match &self.marks {
                Marks::Words { excluded, .. } => excluded.contains(cell),
                _ => false,
            };
            !is_excluded && !self.is_payment(cell)
        };
        let mut words: Vec<&str> = self.column.cells.iter().copied().filter(is_open).collect();
        words.sort_unstable();
        words.dedup();
        words
    }

    /// Returns `true` if an empty cell is one of a payment.
    pub(super) fn has_empty_payments(&self) -> bool {
        self.is_payment("")
    }
}

/// Reads a column that says if the money went back. It does not say who won a dispute.
fn disputed<'t>(column: &'t SampleColumn<'t>) -> Option<Marks<'t>> {
    let is_word = |word: &str| is_of(names::NO, word);
    match column.words() {
        Some(words) if words.keys().any(|word| is_word(word)) => Some(Marks::Words {
            payment: words.into_keys().filter(|word| is_word(word)).collect(),
            excluded: Vec::new(),
        }),
        _ if column.days().is_none() && column.has_amounts() => Some(Marks::Amount),
        _ => Some(Marks::Filled),
    }
}

/// Reads a column that says if the payment failed.
fn failed<'t>(column: &'t SampleColumn<'t>) -> Option<Marks<'t>> {
    let words = column
        .words()
        .filter(|_| column.days().is_none())
        .unwrap_or_default();
    let is_yes_or_no = |word: &&str| is_of(names::YES, word) || is_of(names::NO, word);
    if column.has_amounts() && !words.keys().all(is_yes_or_no) {
        return Some(Marks::Amount);
    }
    if words.is_empty() && column.filled() > 0 {
        return Some(Marks::Filled);
    }
    let of = |list| -> Vec<&'t str> {
        let words = words.keys().copied();
        words.filter(|word| is_of(list, word)).collect()
    };
    Some(Marks::Words {
        payment: of(names::NO),
        excluded: of(names::YES),
    })
}

/// Reads a column that says if the money was received.
fn received<'t>(column: &'t SampleColumn<'t>) -> Option<Marks<'t>> {
    if column.filled() == 0 {
        return None;
    }
    let has_empty = column.filled() < column.cells.len();
    if column.days().is_some() {
        return has_empty.then_some(Marks::Empty);
    }
    let words = column.words()?;
    let is_yes_or_no = |word: &&str| is_of(names::YES, word) || is_of(names::NO, word);
    if column.has_amounts() && !words.keys().all(is_yes_or_no) {
        return None;
    }
    let meaning = |word: &str| match names::status_meaning(word) {
        _ if is_of(names::YES, word) => WordMeaning::Sale,
        _ if is_of(names::NO, word) => WordMeaning::NoMoney,
        meaning => meaning,
    };
    let of = |wanted| -> Vec<&'t str> {
        let words = words.keys().copied();
        words.filter(|word| meaning(word) == wanted).collect()
    };
    let (payment, excluded) = (of(WordMeaning::Sale), of(WordMeaning::NoMoney));
    let says_nothing = payment.is_empty() && excluded.is_empty();
    (!says_nothing).then_some(Marks::Words { payment, excluded })
}

/// Reads a column that says if a row is a test, with the words of payments and those of tests.
fn test<'t>(column: &'t SampleColumn<'t>, of_payments: &str, of_tests: &str) -> Option<Marks<'t>> {
    let words = column.words().filter(|words| !words.is_empty())?;
    let of = |list| -> Vec<&'t str> {
        let words = words.keys().copied();
        words.filter(|word| is_of(list, word)).collect()
    };
    let (payment, excluded) = (of(of_payments), of(of_tests));
    let is_all = payment.len() + excluded.len() == words.len();
    is_all.then_some(Marks::Words { payment, excluded })
}

/// Returns `true` if a column has nothing but directions of money, whatever its name is. Debit and credit are also kinds
/// of cards.
fn has_directions(column: &SampleColumn<'_>) -> bool {
    let Some(words) = column.words() else {
        return false;
    };
    let of = |list: &str| {
        let words = words.keys().map(|word| names::words_of(word));
        words.filter(|word| names::is_in(list, word)).count()
    };
    let (came, went) = (of(names::CAME_IN), of(names::WENT_OUT));
    came > 0 && went > 0 && came + went == words.len()
}

/// Reads a column that says if money came in.
fn direction<'t>(column: &'t SampleColumn<'t>) -> Option<Marks<'t>> {
    let words = column.words()?;
    let is_known = |word: &&str| {
        let word = names::words_or_sign(word);
        names::is_in(names::MONEY_CAME_IN, &word) || names::is_in(names::MONEY_WENT_OUT, &word)
    };
    let is_in = |word: &&str| names::is_in(names::MONEY_CAME_IN, &names::words_or_sign(word));
    let is_direction = words.keys().any(is_known);
    is_direction.then(|| Marks::Words {
        payment: words.keys().copied().filter(|word| is_in(word)).collect(),
        excluded: Vec::new(),
    })
}

fn is_of(list: &str, word: &str) -> bool {
    names::is_in(list, &word.to_lowercase())
}
