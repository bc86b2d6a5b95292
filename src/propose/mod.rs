//! How an export that no profile fits might be read, as far as its header and its rows tell.
//!
//! A proposal is a profile in TOML for a person to check. What the rows prove is written with its
//! proof, what they only suggest is marked as a guess. What they leave open is decided so that rows
//! are rejected, or becomes a question that has to be answered before the profile can be used:
//! nothing that could be read in two ways is sent by a proposal.
//!
//! Pure, like the profiles themselves: the same rows give the same proposal.

mod amount;
mod commissions;
mod complete;
mod customer;
mod days;
mod ids;
mod mapping;
mod names;
mod numbers;
mod rules;
mod table;
mod text;
mod when;
mod words;
mod write;
mod write_dates;

pub use commissions::{is_of_commissions, propose_commissions};
pub use complete::{Complement, complement};

use std::collections::BTreeMap;

use crate::event::Currency;
use crate::export::Row;
use crate::profile::{Binding, Profile, Question};

use mapping::Mapping;
use names::Names;
use numbers::{Proof, Written};
use table::{SampleColumn, Table};
use text::{Snippet, one_line, place, quoted, shown};

/// The first rows of an export.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'s> {
    /// The export, as the user named it.
    pub path: &'s str,
    /// Its header.
    pub header: &'s [String],
    /// How many lines stand above the header.
    pub lines_above: u64,
    /// Rows from its beginning.
    pub rows: &'s [Row],
    /// Whether these are all of its rows.
    pub is_whole: bool,
}

impl Sample<'_> {
    /// How much was looked at: `its 20 rows`, `its first 10000 rows`.
    pub fn extent(&self) -> String {
        let first = if self.is_whole { "" } else { "first " };
        match self.rows.len() {
            1 => format!("its {first}row"),
            n => format!("its {first}{n} rows"),
        }
    }
}

/// A part of a configuration, and what a person has to look at in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The tables of `[exports.NAME]`, with their comments.
    pub toml: String,
    /// What is guessed in it.
    pub guesses: Vec<String>,
    /// Rows that are rejected until a person decides what they are.
    pub decisions: Vec<String>,
    /// What has to be answered in it before it can be used.
    pub questions: Vec<String>,
}

/// Why no profile can be proposed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is nothing to judge by.
    #[error(
        "the export has no row of the header's width, so there is nothing to propose a profile by"
    )]
    NoRows,
    /// Nothing tells whose a row is.
    #[error(
        "no column names the customer: none has emails, and none is called like a customer's id"
    )]
    NoCustomer,
    /// Nothing tells what was paid.
    #[error("no column looks like the amount of a sale")]
    NoAmount,
    /// A row is a customer, and an amount what he has paid in all.
    #[error(
        "this is a list of customers: {0} is a figure over all that a customer has paid, and no row is a payment"
    )]
    Lifetime(String),
    /// Nothing tells one sale from another.
    #[error("no column tells one sale from another")]
    NoId,
}

impl Refusal {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Refusal::NoRows => "export the file again with some rows",
            Refusal::NoCustomer => "export the file again with the customer's email",
            Refusal::NoAmount => {
                "export the file again with what was paid, or write a profile of your own: docs/profiles.md"
            }
            Refusal::Lifetime(_) => {
                "export the payments, invoices or orders instead, with one row for each and its date and id"
            }
            Refusal::NoId => {
                "without an id a second run could not know what was sent; export the file again with a number for each order, invoice or payment"
            }
        }
    }
}

/// Proposes the profile `name` for an export that no profile fits.
pub fn propose(name: &str, sample: &Sample<'_>) -> Result<Proposal, Refusal> {
    let table = Table::new(sample);
    if let Some(header) = lifetime(&table) {
        return Err(Refusal::Lifetime(shown(header)));
    }
    let mapping = Mapping::new(&table)?;
    Ok(write::proposal(name, sample, &table, &mapping).into())
}

/// Whether a header is called the currency of amounts.
pub fn is_currency(header: &str) -> bool {
    names::CURRENCY.rank(header).is_some_and(Names::is_whole)
}

/// The column that says of each customer what he has paid in all; nothing where a row is a payment.
fn lifetime<'t>(table: &Table<'t>) -> Option<&'t str> {
    let is_whole = |(rank, _): &(usize, &SampleColumn<'t>)| Names::is_whole(*rank);
    let totals = table.named(&names::LIFETIME, SampleColumn::has_amounts);
    let (_, total) = totals.into_iter().find(is_whole)?;
    let payments = table.named(&names::PAYMENT_ID, SampleColumn::has_ids);
    payments.is_empty().then_some(total.header)
}

/// Answers the open questions of a profile, as far as the rows of its exports do, in a profile
/// `name` that extends it.
pub fn answer(name: &str, profile: &Profile, samples: &[(Sample<'_>, Binding)]) -> Proposal {
    let mut text = Snippet::default();
    text.line(&format!("[exports.{name}]"));
    text.key("extends", &profile.name);
    let lines_above = samples.iter().map(|(sample, _)| sample.lines_above).max();
    skip_lines(&mut text, lines_above.unwrap_or(0));
    let mut table = "";
    let is_open = |question: &&Question| {
        let mut samples = samples.iter();
        samples.any(|(_, binding)| {
            let mut open = profile.open_questions(binding);
            open.any(|open| open.key == question.key)
        })
    };
    let mut questions: Vec<_> = profile.questions.iter().filter(is_open).collect();
    questions.sort_by_key(|question| question.key.rsplit_once('.').map_or("", |(table, _)| table));
    for question in questions {
        let (of, key) = question.key.rsplit_once('.').unwrap_or(("", &question.key));
        if of != table {
            table = of;
            text.line(&format!("[exports.{name}.{of}]"));
        }
        text.comment(&question.text);
        let amounts = || amounts_of(profile, samples);
        match (question.key.as_str(), amounts) {
            ("money.format.unit", amounts) => unit(&mut text, amounts(), &question.text),
            ("columns.email", _) => email(&mut text, samples, &question.text),
            _ => open(&mut text, key, &question.text),
        }
    }
    text.into()
}

/// Proposes the profile `name`, by which exports of another profile are read whose header stands below
/// other lines.
pub fn below_lines(name: &str, profile: &Profile, lines_above: u64) -> Proposal {
    let mut text = Snippet::default();
    text.line(&format!("[exports.{name}]"));
    text.key("extends", &profile.name);
    skip_lines(&mut text, lines_above);
    text.into()
}

/// Says how many lines above the header are skipped, if any are.
fn skip_lines(text: &mut Snippet, lines: u64) {
    if lines > 0 {
        text.line(&format!("skip_lines = {lines}  # lines above the header"));
    }
}

/// Whether amounts are in cents: a decimal separator says no, and nothing proves a yes.
fn unit(text: &mut Snippet, amounts: Option<Written>, question: &str) {
    match amounts {
        Some(Written::Decimal(_, proof) | Written::Mixed(_, proof, _)) => {
            text.comment(&format!("{}: no cents", place(&proof)));
            text.key("unit", "major");
        }
        Some(Written::Whole(_, proof)) => {
            text.guess(&format!(
                "amounts are in cents: all of them are whole numbers, and {}",
                place(&proof)
            ));
            text.key("unit", "minor");
        }
        Some(Written::Ambiguous(..)) | None => open(text, "unit", question),
    }
}

/// The one column that has emails in all of these exports, if there is one.
fn email(text: &mut Snippet, samples: &[(Sample<'_>, Binding)], question: &str) {
    let tables: Vec<Table<'_>> = samples
        .iter()
        .map(|(sample, _)| Table::new(sample))
        .collect();
    let mut columns = tables.iter().map(|table| {
        let found: Vec<&str> = table
            .columns
            .iter()
            .filter(|c| c.has_emails())
            .map(|c| c.header)
            .collect();
        found
    });
    match columns.next().as_deref() {
        Some([header]) if columns.all(|others| others == [*header]) => {
            text.guess(&format!(
                "{} is the customer's: no other column has emails",
                shown(header)
            ));
            text.key("email", header);
        }
        _ => open(text, "email", question),
    }
}

fn open(text: &mut Snippet, key: &str, question: &str) {
    text.line("# TO FILL IN:");
    text.line(&format!("# {key} = {}", quoted("…")));
    text.questions.push(one_line(question));
}

/// How the amounts of these exports are written.
fn amounts_of(profile: &Profile, samples: &[(Sample<'_>, Binding)]) -> Option<Written> {
    let columns = profile
        .events
        .iter()
        .filter_map(|event| event.amount.as_ref());
    let columns: Vec<_> = columns.map(|amount| amount.column).collect();
    let mut proofs = Vec::new();
    for (sample, binding) in samples {
        let positions = columns
            .iter()
            .filter_map(|&column| binding.position(column));
        for position in positions.collect::<std::collections::BTreeSet<_>>() {
            let cells = sample
                .rows
                .iter()
                .filter_map(|row| Some((row.get(position)?, row.line())));
            proofs.extend(
                cells
                    .filter(|(cell, _)| !cell.trim().is_empty())
                    .map(|(cell, line)| Proof {
                        header: sample.header[position].clone(),
                        value: cell.trim().to_owned(),
                        line,
                    }),
            );
        }
    }
    // What stands first in an export without a decision is most often zero, and says little.
    proofs.sort_by_key(|proof| proof.value.trim_matches(['0', '.', ',']).is_empty());
    numbers::written(proofs.into_iter())
}

/// How many rows have an amount in which currency, where the export says it.
pub fn currencies(profile: &Profile, binding: &Binding, rows: &[Row]) -> BTreeMap<Currency, u64> {
    let mut counts = BTreeMap::new();
    let column = profile
        .currency
        .column
        .and_then(|column| binding.position(column));
    for row in rows {
        let said = match column {
            Some(position) => row.get(position).and_then(Currency::from_code),
            None => profile.currency.fixed,
        };
        if let Some(currency) = said {
            *counts.entry(currency).or_default() += 1;
        }
    }
    counts
}

/// A text as a TOML string.
pub fn toml_string(text: &str) -> String {
    quoted(text)
}

/// A text that can stand in a comment: what can't is written as an escape.
pub fn comment_text(text: &str) -> String {
    one_line(text)
}

impl From<Snippet> for Proposal {
    fn from(text: Snippet) -> Self {
        Proposal {
            toml: text.toml,
            guesses: text.guesses,
            decisions: text.decisions,
            questions: text.questions,
        }
    }
}
