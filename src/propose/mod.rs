//! Proposes how to read an export that no profile fits, from its header and its rows.
//!
//! A proposal is a profile in TOML for a person to check. What the rows prove is written with its
//! proof, and what they only suggest is marked as a guess. What they leave open is decided so that
//! rows are rejected, or becomes a question that has to be answered before the profile can be used:
//! nothing ambiguous is sent because of a proposal.
//!
//! The module is pure, like the profiles: the same rows give the same proposal.

mod amount;
mod commissions;
mod complete;
mod currency;
mod customer;
mod days;
mod flags;
mod ids;
mod mapping;
mod names;
mod numbers;
mod parts;
mod rules;
mod table;
mod taken;
mod text;
mod when;
mod words;
mod write;
mod write_dates;

pub(crate) use commissions::{complement_commissions, is_of_commissions, propose_commissions};
pub(crate) use complete::{Complement, complement};

use std::collections::BTreeMap;

use crate::event::Currency;
use crate::export::Row;
use crate::profile::{Binding, Profile, Question};

use mapping::Mapping;
use names::NameTiers;
use numbers::{Proof, WrittenAmounts};
use table::{SampleColumn, SampleTable};
use text::{Snippet, one_line, place, quoted, shown};

/// The first rows of an export.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample<'s> {
    /// The export, as the user named it.
    pub path: &'s str,
    /// Its header.
    pub header: &'s [String],
    /// The number of lines above the header.
    pub lines_above: u64,
    /// Rows from the start of the export.
    pub rows: &'s [Row],
    /// `true` if these are all of its rows.
    pub is_whole: bool,
}

impl Sample<'_> {
    /// Returns the size of the sample in words: `its 20 rows`, `its first 10000 rows`.
    pub(crate) fn extent(&self) -> String {
        let first = if self.is_whole { "" } else { "first " };
        match self.rows.len() {
            1 => format!("its {first}row"),
            n => format!("its {first}{n} rows"),
        }
    }
}

/// A part of a configuration, and the points that a person has to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proposal {
    /// The tables of `[exports.NAME]`, with their comments.
    pub toml: String,
    /// The guesses in the configuration.
    pub guesses: Vec<String>,
    /// Rows that are rejected until a person decides what they are.
    pub decisions: Vec<String>,
    /// Questions that have to be answered before the configuration can be used.
    pub questions: Vec<String>,
}

/// The reason why no profile can be proposed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProposalRefusal {
    /// The sample has no usable row.
    #[error("cannot propose a profile: no row has the header's width{0}")]
    NoRows(String),
    /// No column identifies the customer.
    #[error("cannot find the customer: no column has emails or the name of a customer id{0}")]
    NoCustomer(String),
    /// No column has the amount of a sale.
    #[error("no column looks like the amount of a sale{0}")]
    NoAmount(String),
    /// Each row is a customer, with the sum of all payments.
    #[error(
        "this is a list of customers, not of payments: {0} is the sum of a customer's payments"
    )]
    Lifetime(String),
    /// No column identifies a sale.
    #[error("no column identifies a sale")]
    NoId,
}

impl ProposalRefusal {
    /// Returns what a person can do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            ProposalRefusal::NoRows(_) => "export the file again with some rows",
            ProposalRefusal::NoCustomer(_) => "export the file again with the customer's email",
            ProposalRefusal::NoAmount(_) => {
                "export the file again with the paid amounts, or write a custom profile: docs/profiles.md"
            }
            ProposalRefusal::Lifetime(_) => {
                "export the payments, invoices or orders instead, with one row for each, with its date and id"
            }
            ProposalRefusal::NoId => {
                "export the file again with an id for each order, invoice or payment; in a list of your own, add a column `id` with another number in each row, which the row keeps. Without one, a second run could send the same sale twice"
            }
        }
    }
}

/// Proposes the profile `name` for an export that no profile fits.
///
/// # Errors
///
/// The sample has no rows, or a column that every profile needs is missing.
pub(crate) fn propose(name: &str, sample: &Sample<'_>) -> Result<Proposal, ProposalRefusal> {
    let table = SampleTable::new(sample);
    if let Some(header) = lifetime(&table) {
        return Err(ProposalRefusal::Lifetime(shown(header)));
    }
    let mapping = Mapping::new(&table).map_err(|refusal| with_detail(refusal, sample, &table))?;
    Ok(write::proposal(name, sample, &table, &mapping).into())
}

/// Adds to a refusal what of the export may be the reason.
fn with_detail(
    refusal: ProposalRefusal,
    sample: &Sample<'_>,
    table: &SampleTable<'_>,
) -> ProposalRefusal {
    let twice = || {
        let mut names = sample.header.iter().filter(|name| !name.is_empty());
        let name = names.find(|name| sample.header.iter().filter(|own| own == name).count() > 1)?;
        Some(format!(
            "; {} is the name of several columns, so that none of them is used: give each a name of its own",
            shown(name)
        ))
    };
    let unread = || {
        let unread = table.columns.iter().find_map(|column| {
            names::TOTAL.rank(column.header)?;
            let mut values = column.values();
            let (value, line) = values.find(|(value, _)| !numbers::looks_like_amount(value))?;
            Some((column.header, value, line))
        });
        let (header, value, line) = unread?;
        Some(format!(
            "; {} is called like one, and {} in line {line} can't be read as an amount",
            shown(header),
            shown(value)
        ))
    };
    let width = || {
        let row = sample
            .rows
            .iter()
            .find(|row| row.len() != sample.header.len())?;
        Some(format!(
            ": line {} has {} cells, and the header {}",
            row.line(),
            row.len(),
            sample.header.len()
        ))
    };
    match refusal {
        ProposalRefusal::NoRows(_) => ProposalRefusal::NoRows(width().unwrap_or_default()),
        ProposalRefusal::NoCustomer(_) => ProposalRefusal::NoCustomer(twice().unwrap_or_default()),
        ProposalRefusal::NoAmount(_) => {
            ProposalRefusal::NoAmount(twice().or_else(unread).unwrap_or_default())
        }
        ProposalRefusal::Lifetime(_) | ProposalRefusal::NoId => refusal,
    }
}

/// Returns `true` if a header is the name of a column of currencies.
pub(crate) fn is_currency(header: &str) -> bool {
    names::CURRENCY
        .rank(header)
        .is_some_and(NameTiers::is_whole)
}

/// Returns the column with the sum of all of a customer's payments; `None` if each row is a
/// payment.
fn lifetime<'t>(table: &SampleTable<'t>) -> Option<&'t str> {
    let is_whole = |(rank, _): &(usize, &SampleColumn<'t>)| NameTiers::is_whole(*rank);
    let totals = table.named(&names::LIFETIME, SampleColumn::has_amounts);
    let (_, total) = totals.into_iter().find(is_whole)?;
    let payments = table.named(&names::PAYMENT_ID, SampleColumn::has_ids);
    payments.is_empty().then_some(total.header)
}

/// Answers the open questions of a profile from the rows of its exports, in a profile `name` that
/// extends it.
pub(crate) fn answer(name: &str, profile: &Profile, samples: &[(Sample<'_>, Binding)]) -> Proposal {
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

/// Proposes the profile `name` for exports of another profile whose header is below other lines.
pub(crate) fn below_lines(name: &str, profile: &Profile, lines_above: u64) -> Proposal {
    let mut text = Snippet::default();
    text.line(&format!("[exports.{name}]"));
    text.key("extends", &profile.name);
    skip_lines(&mut text, lines_above);
    text.into()
}

/// Writes how many lines above the header are skipped, if any are.
fn skip_lines(text: &mut Snippet, lines: u64) {
    if lines > 0 {
        text.line(&format!("skip_lines = {lines}  # lines above the header"));
    }
}

/// Decides if amounts are in cents: a decimal separator proves that they are not, and nothing
/// proves that they are.
fn unit(text: &mut Snippet, amounts: Option<WrittenAmounts>, question: &str) {
    match amounts {
        Some(WrittenAmounts::Decimal(_, proof) | WrittenAmounts::Mixed(_, proof, _)) => {
            text.comment(&format!("{}: no cents", place(&proof)));
            text.key("unit", "major");
        }
        Some(WrittenAmounts::Whole(_, proof)) => {
            text.guess(&format!(
                "amounts are in cents: all of them are whole numbers, and {}",
                place(&proof)
            ));
            text.key("unit", "minor");
        }
        Some(WrittenAmounts::Ambiguous(..)) | None => open(text, "unit", question),
    }
}

/// Writes the only column that has emails in all of these exports, if there is exactly one.
fn email(text: &mut Snippet, samples: &[(Sample<'_>, Binding)], question: &str) {
    let tables: Vec<SampleTable<'_>> = samples
        .iter()
        .map(|(sample, _)| SampleTable::new(sample))
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

/// Returns the format of the amounts of these exports.
fn amounts_of(profile: &Profile, samples: &[(Sample<'_>, Binding)]) -> Option<WrittenAmounts> {
    let columns: Vec<_> = profile
        .events
        .iter()
        .filter_map(|event| event.amount.as_ref())
        .map(|amount| amount.column)
        .collect();
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
    // The first amounts of an export without a decision are mostly zero, and show little.
    proofs.sort_by_key(|proof| proof.value.trim_matches(['0', '.', ',']).is_empty());
    numbers::written(proofs.into_iter())
}

/// Returns the number of rows with an amount by currency, if the export has the currency.
pub(crate) fn currencies(
    profile: &Profile,
    binding: &Binding,
    rows: &[Row],
) -> BTreeMap<Currency, u64> {
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

/// Returns a text as a TOML string.
pub(crate) fn toml_string(text: &str) -> String {
    quoted(text)
}

/// Returns a text for a comment, with the characters that a comment can't contain escaped.
pub(crate) fn comment_text(text: &str) -> String {
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
