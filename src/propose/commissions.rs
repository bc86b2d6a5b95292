//! Proposes a profile for a list of commissions with its own column names.

use super::days::Days;
use super::names::words_of;
use super::numbers::{self, WrittenAmounts};
use super::table::{SampleColumn, SampleTable};
use super::text::{Snippet, list, place, quoted, shown};
use super::write_dates::{unread_date, unread_question};
use super::{Proposal, ProposalRefusal, Sample};
use crate::event::Currency;
use crate::profile::{Binding, Profile};

/// A column of the profile `commissions`, and the phrases in a header that name it, the surest
/// first.
struct Field {
    name: &'static str,
    phrases: &'static [&'static str],
    holds: CellType,
}

/// The type of the cells that a column must have.
#[derive(Clone, Copy)]
enum CellType {
    Amounts,
    Currencies,
    Dates,
    Digits,
    Emails,
    Ids,
    Words,
}

impl CellType {
    fn fits(self, column: &SampleColumn<'_>) -> bool {
        match self {
            CellType::Amounts => column.has_amounts(),
            CellType::Currencies => column.has_currencies(),
            CellType::Dates => column.days().is_some(),
            CellType::Digits => column.has_digits(),
            CellType::Emails => column.has_emails(),
            CellType::Ids => column.has_ids() && column.days().is_none(),
            CellType::Words => column.filled() > 0 && column.days().is_none(),
        }
    }
}

const FIELDS: [Field; 14] = [
    field(
        "amount",
        &[
            "commission amount",
            "reward amount",
            "commission",
            "reward",
            "earnings",
            "earned",
            "payout amount",
            "payout",
            "provisionsbetrag",
            "provision",
            "vergütung",
        ],
        CellType::Amounts,
    ),
    field(
        "sale_amount",
        &[
            "sale amount",
            "conversion amount",
            "order amount",
            "sale",
            "revenue",
            "conversion",
            "total",
            "amount",
            "order value",
            "purchase",
            "value",
            "montant",
            "venta",
            "vendita",
            "umsatz",
            "nettoumsatz",
            "bestellwert",
            "auftragswert",
            "warenwert",
        ],
        CellType::Amounts,
    ),
    field(
        "event_id",
        &[
            "event id",
            "transaction id",
            "invoice id",
            "charge id",
            "order id",
            "invoice",
            "transaction",
            "charge",
            "order",
            "event",
            "sale id",
            "purchase id",
            "order number",
            "reference",
            "commande",
            "facture",
            "pedido",
            "factura",
            "ordine",
            "fattura",
            "rechnungsnummer",
            "rechnungs nr",
            "bestellnummer",
            "transaktionsnummer",
            "vorgangsnummer",
            "rechnung",
            "bestellung",
            "transaktion",
        ],
        CellType::Ids,
    ),
    field(
        "id",
        &["commission id", "commission number", "reward id", "id"],
        CellType::Ids,
    ),
    field(
        "promoter_email",
        &[
            "promoter email",
            "affiliate email",
            "partner email",
            "promoter",
            "affiliate",
            "partner",
            "referrer",
            "partner e mail",
            "vermittler",
        ],
        CellType::Emails,
    ),
    field(
        "email",
        &[
            "lead email",
            "customer email",
            "referral email",
            "lead",
            "customer",
            "referral",
            "email",
            "kunden e mail",
            "kunde",
            "e mail",
        ],
        CellType::Emails,
    ),
    field(
        "status",
        &[
            "commission status",
            "status",
            "state",
            "statut",
            "estado",
            "stato",
            "zustand",
        ],
        CellType::Words,
    ),
    field(
        "is_paid",
        &[
            "is paid",
            "paid",
            "payout status",
            "paid out",
            "ausgezahlt",
            "bezahlt",
        ],
        CellType::Words,
    ),
    field("tier", &["tier level", "tier", "level"], CellType::Digits),
    field(
        "created_at",
        &[
            "created at",
            "commission date",
            "created",
            "date",
            "booked",
            "erstellt am",
            "gebucht am",
            "datum",
            "fecha",
            "data",
        ],
        CellType::Dates,
    ),
    field(
        "campaign",
        &[
            "campaign name",
            "campaign",
            "program",
            "programme",
            "kampagne",
            "partnerprogramm",
        ],
        CellType::Words,
    ),
    field(
        "plan",
        &[
            "plan name",
            "plan id",
            "plan",
            "product",
            "tarif",
            "produkt",
        ],
        CellType::Words,
    ),
    field(
        "currency",
        &[
            "commission currency",
            "currency",
            "währung",
            "devise",
            "moneda",
            "divisa",
            "valuta",
            "moeda",
        ],
        CellType::Currencies,
    ),
    field(
        "uid",
        &["customer id", "lead id", "uid", "user id", "kundennummer"],
        CellType::Ids,
    ),
];

const fn field(name: &'static str, phrases: &'static [&'static str], holds: CellType) -> Field {
    Field {
        name,
        phrases,
        holds,
    }
}

/// Words of headers: an export without any of them is not a list of commissions, or has no receiver
/// of them.
const COMMISSION: [&str; 7] = [
    "commission",
    "commissions",
    "reward",
    "payout",
    "provision",
    "provisionsbetrag",
    "vergütung",
];
const PROMOTER: [&str; 5] = ["promoter", "affiliate", "partner", "referrer", "vermittler"];

/// Words of headers of columns that count or number something, or say how much of it in a hundred: no amounts.
const NO_AMOUNT: [&str; 12] = [
    "number", "no", "nr", "nummer", "id", "count", "anzahl", "rate", "percent", "prozent", "satz",
    "tier",
];

/// Returns `true` if a header looks like that of a list of commissions.
pub(crate) fn is_of_commissions(header: &[String]) -> bool {
    let names = |words: &[&str]| {
        header.iter().any(|name| {
            let name = words_of(name);
            name.split(' ').any(|word| words.contains(&word))
        })
    };
    names(&COMMISSION) && names(&PROMOTER)
}

/// Proposes the profile `name` for a list of commissions that no profile fits.
///
/// # Errors
///
/// No column looks like the amount of a commission, or the sample has no rows.
pub(crate) fn propose_commissions(
    name: &str,
    sample: &Sample<'_>,
) -> Result<Proposal, ProposalRefusal> {
    let table = SampleTable::new(sample);
    if table.rows == 0 {
        return Err(ProposalRefusal::NoRows(String::new()));
    }
    let mut text = Snippet::default();
    text.line(&format!("[exports.{name}]"));
    text.key("extends", "commissions");
    text.line("");
    text.comment("The columns of the list of commissions, found by their names and contents.");
    text.line(&format!("[exports.{name}.columns]"));
    let mut taken: Vec<&str> = Vec::new();
    let mut found: Vec<(&str, &SampleColumn<'_>)> = Vec::new();
    for field in &FIELDS {
        if let Some(column) = found_by(field, &table, &taken) {
            text.guess(&format!("{} is {}", shown(column.header), field.name));
            text.key(field.name, column.header);
            taken.push(column.header);
            found.push((field.name, column));
        }
    }
    let of = |wanted: &str| found.iter().find(|(name, _)| *name == wanted);
    let Some((_, amounts)) = of("amount") else {
        return Err(ProposalRefusal::NoAmount(String::new()));
    };
    promoter(
        &mut text,
        &table,
        of("promoter_email").map(|(_, column)| *column),
    );
    unused(&mut text, &table, &taken);
    statuses(&mut text, name, of("status").map(|(_, column)| *column));
    let sales = of("sale_amount").map(|(_, column)| *column);
    money(&mut text, name, [Some(*amounts), sales]);
    if let Some((_, column)) = of("created_at") {
        dates(&mut text, name, column);
    }
    Ok(text.into())
}

/// Proposes the profile `name` for a list of commissions that has columns which the profile by which it is recognised does
/// not read under their names; `None` if it reads all that would be proposed.
pub(crate) fn complement_commissions(
    name: &str,
    profile: &Profile,
    sample: &Sample<'_>,
    binding: &Binding,
) -> Option<Proposal> {
    let table = SampleTable::new(sample);
    let position = |wanted: &str| {
        let mut columns = profile.columns.iter();
        binding.position(columns.position(|column| column.name == wanted)?)
    };
    let bound = (0..profile.columns.len()).filter_map(|index| binding.position(index));
    let mut taken: Vec<&str> = bound
        .filter_map(|at| sample.header.get(at))
        .map(String::as_str)
        .collect();
    let mut found: Vec<(&str, &SampleColumn<'_>)> = Vec::new();
    for field in FIELDS.iter().filter(|field| position(field.name).is_none()) {
        if let Some(column) = found_by(field, &table, &taken) {
            taken.push(column.header);
            found.push((field.name, column));
        }
    }
    if found.is_empty() || table.rows == 0 {
        return None;
    }
    let mut text = Snippet::default();
    text.line(&format!("[exports.{name}]"));
    text.key("extends", &profile.name);
    text.line("");
    text.comment(&format!(
        "The columns that the profile `{}` does not read under these names.",
        profile.name
    ));
    text.line(&format!("[exports.{name}.columns]"));
    for (key, column) in &found {
        text.guess(&format!("{} is {key}", shown(column.header)));
        text.key(key, column.header);
    }
    let of = |wanted: &str| found.iter().find(|(name, _)| *name == wanted);
    unused(&mut text, &table, &taken);
    statuses(&mut text, name, of("status").map(|(_, column)| *column));
    if let Some((_, column)) = of("created_at") {
        dates(&mut text, name, column);
    }
    Some(text.into())
}

/// Returns the column of a field by its name, or else by its cells where they can be nothing else.
fn found_by<'t, 's>(
    field: &Field,
    table: &'t SampleTable<'s>,
    taken: &[&str],
) -> Option<&'t SampleColumn<'s>> {
    let is_meant = |column: &&SampleColumn<'s>| match field.name {
        "currency" => column.is_all(|cell| Currency::from_code(cell).is_some()),
        "status" => column.words().is_some_and(|words| words.len() > 1) && column.is_all(is_status),
        _ => false,
    };
    best(field, table, taken).or_else(|| {
        let mut free = table
            .columns
            .iter()
            .filter(|column| !taken.contains(&column.header));
        free.find(is_meant)
    })
}

/// Returns `true` for a word of the status of a commission.
fn is_status(word: &str) -> bool {
    let word = words_of(word);
    let is_in = |words: &[&str]| words.contains(&word.as_str());
    STATUSES
        .iter()
        .any(|(_, own, other)| is_in(own) || is_in(other))
}

/// Returns the column whose header fits best, of those that are not in use yet.
fn best<'t, 's>(
    field: &Field,
    table: &'t SampleTable<'s>,
    taken: &[&str],
) -> Option<&'t SampleColumn<'s>> {
    let free =
        |column: &&SampleColumn<'s>| !taken.contains(&column.header) && field.holds.fits(column);
    let rank = |column: &&SampleColumn<'s>| {
        let words = format!(" {} ", words_of(column.header));
        // The id of anything else is not that of the commission.
        let is_whole = |phrase: &str| phrase != "id" || words == " id ";
        let within = |phrase: &&&str| words.contains(&format!(" {phrase} ")) && is_whole(phrase);
        let is_no_amount = || words.split(' ').any(|word| NO_AMOUNT.contains(&word));
        if matches!(field.holds, CellType::Amounts) && is_no_amount() {
            return None;
        }
        let phrase = field.phrases.iter().position(|phrase| within(&phrase))?;
        // A header without other words comes first.
        Some((phrase, words.len()))
    };
    let ranked = table
        .columns
        .iter()
        .filter(free)
        .filter_map(|column| Some((rank(&column)?, column)));
    ranked
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, column)| column)
}

/// Writes the one column that is required: the receiver of the commission.
fn promoter(text: &mut Snippet, table: &SampleTable<'_>, email: Option<&SampleColumn<'_>>) {
    let named = |column: &&SampleColumn<'_>| {
        let words = words_of(column.header);
        words.split(' ').any(|word| PROMOTER.contains(&word))
    };
    let column = email.or_else(|| table.columns.iter().find(named));
    match (email, column) {
        (Some(email), _) => text.key("promoter", email.header),
        (None, Some(column)) => {
            text.guess(&format!(
                "{} is the promoter's referral id",
                shown(column.header)
            ));
            text.key("promoter", column.header);
            text.key("ref_id", column.header);
        }
        (None, None) => {}
    }
}

/// Names the columns that are not used.
fn unused(text: &mut Snippet, table: &SampleTable<'_>, taken: &[&str]) {
    let columns = table.columns.iter().map(|column| column.header);
    let unused: Vec<&str> = columns.filter(|header| !taken.contains(header)).collect();
    if !unused.is_empty() {
        let shown_names: Vec<String> = unused.iter().map(|name| shown(name)).collect();
        let names = shown_names.join(", ");
        text.comment(&format!("Not used: {names}."));
        text.guess(&format!("not used: {names}"));
    }
}

/// The meanings of the words of a status, as in the profile and in German lists.
const STATUSES: [(&str, &[&str], &[&str]); 4] = [
    (
        "approved",
        &["approved", ""],
        &["genehmigt", "freigegeben", "bestätigt"],
    ),
    (
        "pending",
        &["pending"],
        &["ausstehend", "offen", "in prüfung"],
    ),
    (
        "denied",
        &["denied", "rejected"],
        &["abgelehnt", "storniert"],
    ),
    ("paid", &["paid"], &["ausgezahlt", "bezahlt"]),
];

/// Writes the meanings of words that the profile does not have and whose rows would be rejected;
/// German ones are proposed.
fn statuses(text: &mut Snippet, name: &str, column: Option<&SampleColumn<'_>>) {
    let words = column.and_then(SampleColumn::words).unwrap_or_default();
    let mut unknown: Vec<&str> = Vec::new();
    let mut german: Vec<(&str, Vec<&str>)> = Vec::new();
    for word in words.into_keys() {
        let folded = words_of(word);
        let is_in = |words: &[&str]| words.contains(&folded.as_str());
        if STATUSES.iter().any(|(_, own, _)| is_in(own)) {
            continue;
        }
        match STATUSES.iter().find(|(_, _, other)| is_in(other)) {
            None => unknown.push(word),
            Some((key, own, _)) => match german.iter_mut().find(|(known, _)| known == key) {
                Some((_, words)) => words.push(word),
                None => german.push((*key, own.iter().copied().chain([word]).collect())),
            },
        }
    }
    if !german.is_empty() {
        text.line("");
        text.line(&format!("[exports.{name}.words]"));
        for (key, words) in &german {
            let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            text.line(&format!("{key} = [{}]", words.join(", ")));
            text.guess(&format!(
                "{} means {key}",
                words.last().map_or("", String::as_str)
            ));
        }
    }
    if let (Some(column), false) = (column, unknown.is_empty()) {
        text.decisions.push(format!(
            "rows with {} in {} are rejected until they are in `approved`, `pending`, `denied` or `paid` under `[words]`",
            list(&unknown),
            shown(column.header)
        ));
    }
}

/// Writes the format of amounts: it is the same for all columns, so all of them are evidence.
fn money(text: &mut Snippet, name: &str, columns: [Option<&SampleColumn<'_>>; 2]) {
    let amounts = columns.into_iter().flatten().flat_map(SampleColumn::proofs);
    let Some(written) = numbers::written(amounts) else {
        return;
    };
    text.line("");
    text.line(&format!("[exports.{name}.money.format]"));
    let ask = |text: &mut Snippet, key: &str, question: &str| {
        text.questions.push(question.to_owned());
        text.line("");
        text.line(&format!("[[exports.{name}.ask]]"));
        text.key("key", &format!("money.format.{key}"));
        text.key("question", question);
    };
    let format = written.format();
    if let Some(symbol) = &format.strip {
        text.key("strip", symbol);
    }
    if format.has_parentheses {
        text.line("parentheses = true    # (5.00) is minus five");
    }
    match &written {
        WrittenAmounts::Decimal(format, proof) => {
            text.comment(&format!("{}.", place(proof)));
            text.key("decimal", &format.decimal.to_string());
            if let Some(thousands) = format.thousands {
                text.key("thousands", &thousands.to_string());
            }
        }
        WrittenAmounts::Whole(_, proof) => {
            text.comment(&format!(
                "All amounts are whole numbers: {}. TO FILL IN: leave one of these",
                place(proof)
            ));
            text.line("# unit = \"major\"    # 800 is eight hundred");
            text.line("# unit = \"minor\"    # 800 is eight");
            ask(
                text,
                "unit",
                "is 800 eight hundred (major) or eight (minor)?",
            );
        }
        WrittenAmounts::Ambiguous(_, proof) | WrittenAmounts::Mixed(_, proof, _) => {
            text.comment(&format!(
                "{}: thousands, or decimals? TO FILL IN: leave one of these lines",
                place(proof)
            ));
            text.line(&format!("# decimal = {}", quoted(".")));
            text.line(&format!("# decimal = {}", quoted(",")));
            ask(
                text,
                "decimal",
                "which character separates the decimals of amounts?",
            );
        }
    }
}

pub(super) fn dates(text: &mut Snippet, name: &str, column: &SampleColumn<'_>) {
    text.line("");
    text.line(&format!("[exports.{name}.dates]"));
    match column.named_days() {
        Some(Days::Written { formats, .. }) => {
            text.line(&format!("formats = {}", list(&formats)));
            text.guess("dates are in UTC; yours may be in a zone such as `Europe/Berlin`");
            text.line("zone = \"UTC\"");
        }
        Some(Days::Ambiguous(pairs) | Days::Mixed(pairs)) => {
            text.comment("Day or month first? TO FILL IN: leave one of these lines");
            for first in [0, 1] {
                let formats: Vec<&str> = pairs.iter().map(|pair| pair[first]).collect();
                text.line(&format!("# formats = {}", list(&formats)));
            }
            let question = "does the day or the month come first in dates?";
            text.questions.push(question.to_owned());
            text.line("");
            text.line(&format!("[[exports.{name}.ask]]"));
            text.key("key", "dates.formats");
            text.key("question", question);
        }
        None => unread_dates(text, name, column),
    }
}

/// Adds the question for the format of dates that no known format reads.
fn unread_dates(text: &mut Snippet, name: &str, column: &SampleColumn<'_>) {
    unread_date(text, column);
    let question = unread_question(column);
    text.line("");
    text.line(&format!("[[exports.{name}.ask]]"));
    text.key("key", "dates.formats");
    text.key("question", &question);
    text.questions.push(question);
}
