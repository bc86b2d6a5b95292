//! Finds columns of a list that are not read and may decide whether a commission is paid, and how much.
//!
//! They are recognised by the words of their names, in one table of seven languages, and by what their cells say: a column
//! `Void` whose cells are all `no` or empty decides nothing.

use std::collections::HashSet;

use jiff::civil::Date;
use serde::Serialize;

use crate::export::Row;

/// The meaning of a column by the words of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CellMeaning {
    /// A commission is not paid if it says so: `Void`, `Cancelled at`, `Refunded`.
    Against,
    /// A commission is not paid unless it says so: `Valid`, `Payable`.
    For,
    /// A state in words: `Order status`.
    State,
    /// The amount that counts in the end: `Final commission`.
    Amount,
    /// The currency of an amount.
    Currency,
    /// A commission is not paid after this day: `Valid until`.
    Until,
    /// A word that may speak against a commission: `Type`, `Reason`.
    Words,
    /// What the column at this place says, under another name.
    Second(SecondName),
}

/// Another column that says the same as one that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SecondName {
    /// The place of the column that is read.
    pub(super) of: usize,
    /// `true` if both are amounts of the commission.
    pub(super) is_amount: bool,
}

/// Words of names of columns, without accents: a word of the name begins with one, or is one that ends with a dot. In
/// English, German, French, Spanish, Italian, Portuguese and Dutch. The first that fits decides.
#[rustfmt::skip]
const WORDS: [(CellMeaning, &[&str]); 7] = [
    (CellMeaning::Until, &UNTIL),
    (CellMeaning::Against, &[
        "void", "nichtig", "ungult", "ungueltig", "invalid", "inval", "nulo", "nullo", "nietig", "ongeldig",
        "cancel", "storn", "annul", "anul", "cancell", "geannul", "delet", "gelosch", "geloesch", "supprim", "elimin", "apagad",
        "exclu", "verwijder", "ausgeschl", "esclus", "uitgesl", "refund", "erstatt", "ruckerstatt", "rueckerstatt", "rembours",
        "reembols", "rimbors", "terugbet", "revers", "revert", "ruckbuch", "rueckbuch", "chargeback", "fraud", "betrug",
        "frode", "suspic", "suspect", "verdacht", "verdaecht", "sospech", "sospett", "suspeit", "spam", "hold.", "onhold.",
        "held.", "zuruckgeh", "zurueckgeh", "retenu", "retenid", "retid", "trattenut", "aangehoud", "denied", "deny", "denial",
        "reject", "declin", "refus", "rechaz", "rifiut", "recus", "abgelehnt", "ablehn", "afgewez", "geweiger", "block",
        "gesperrt", "sperr", "bloqu", "blocc", "geblok", "disput", "litig", "betwist", "test.", "testmode.", "sandbox", "prueba",
        "prova", "teste.", "essai", "inactiv", "inaktiv", "inattiv", "inativ", "inactif", "ineligib", "unpayable", "expir", "abgelaufen",
        "scadut", "verlopen", "duplic", "doppelt", "doublon", "dubbel", "suspend", "ausgesetzt", "sospes", "opgeschort",
        "ignor", "flag", "self.", "selfreferral", "eigenwerb", "autoref", "risk", "risiko", "risque", "riesgo", "rischio",
        "risco", "banned", "unverif", "unapprov", "disqualif", "disqual", "descalif", "squalif", "desclass", "gediskwal", "clawback",
        "clawed", "withheld", "withhold", "einbehalt", "ruckforder", "rueckforder", "recoup", "reclaim", "reclam",
    ]),
    (CellMeaning::For, &[
        "valid", "gultig", "gueltig", "geldig", "payable", "zahlbar", "auszahlbar", "pagable", "pagabil", "pagavel", "betaalbaar",
        "eligib", "elegib", "berechtigt", "idone", "ammiss", "qualif", "activ", "actief", "aktiv", "actif", "attiv", "ativ", "approv",
        "approuv", "aprob", "aprov", "genehm", "freig", "goedgek", "confirm", "bestat", "bestaet", "conferm", "bevestig",
        "accept", "akzept", "acept", "accett", "aceit", "geaccept", "verif", "billable", "commissionable",
    ]),
    (CellMeaning::Currency, &[
        "currency", "wahrung", "waehrung", "devise", "moneda", "valuta", "divisa", "moeda", "munt.", "munteenheid",
    ]),
    (CellMeaning::Amount, &["final", "finale", "endgult", "endgueltig", "definiti", "definitief", "adjust", "ajust", "angepasst", "korrig"]),
    (CellMeaning::State, &[
        "status", "state", "zustand", "estado", "statut", "stato", "situac", "decision", "entscheid", "decisao", "besluit",
        "review", "pruf", "pruef", "outcome", "result", "ergebnis", "resultad", "resultat", "risultat", "esito", "uitkomst", "verdict",
    ]),
    (CellMeaning::Words, &[
        "type", "typ", "kind", "art.", "tipo", "soort", "categor", "kategor", "reason", "grund", "motif", "motiv", "razon", "ragion",
        "razao", "reden", "raison",
    ]),
];

/// Words of names of days after which something is not valid any more.
#[rustfmt::skip]
const UNTIL: [&str; 17] = [
    "until", "till.", "bis.", "jusqu", "hasta", "fino.", "ate.", "tot.", "through.", "expir", "ablauf", "lauft", "laeuft", "scad", "verloopt",
    "caduc", "venc",
];

/// Words of names of columns with an amount that is the commission, and those that make the name one of something else.
#[rustfmt::skip]
const MONEY: [&str; 16] = [
    "commission", "comision", "comissao", "comissa", "commissie", "provision", "provvigion", "payout", "auszahlung", "reward", "earning",
    "vergut", "verguet", "netto", "praemie", "pramie",
];
#[rustfmt::skip]
const NOT_MONEY: [&str; 27] = [
    "rate", "percent", "pct", "satz", "id", "ids", "date", "day", "at", "am", "name", "level", "tier", "method", "count", "number",
    "email", "total", "balance", "sum", "lifetime", "plan", "month", "batch", "currency", "paid", "pending",
];

/// Cells that say no.
#[rustfmt::skip]
const NO: [&str; 24] = [
    "no", "n", "false", "f", "0", "none", "nein", "non", "nao", "nee", "falso", "faux", "falsch", "onwaar", "-", "n/a", "null",
    "nil", "never", "ok", "clean", "no_suspicion", "low", "normal",
];

/// Cells that say yes.
#[rustfmt::skip]
const YES: [&str; 21] = [
    "yes", "y", "true", "t", "1", "ja", "j", "oui", "si", "s", "sim", "wahr", "vrai", "verdadero", "vero", "verdadeiro", "waar",
    "ok", "passed", "valid", "active",
];

/// States in which a commission is paid.
#[rustfmt::skip]
const GOOD: [&str; 38] = [
    "approved", "active", "paid", "complete", "completed", "ok", "valid", "success", "succeeded", "successful", "confirmed",
    "fulfilled", "settled", "accepted", "genehmigt", "aktiv", "bezahlt", "ausgezahlt", "gultig", "approuve", "approuvee", "paye",
    "payee", "valide", "actif", "aprobado", "pagado", "activo", "valido", "completado", "approvato", "pagato", "attivo",
    "aprovado", "pago", "ativo", "goedgekeurd", "betaald",
];

/// The most different cells of a column of states: one with more is no state.
const STATES: usize = 12;

/// A column that may decide what is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DecidingColumn {
    /// Its name.
    pub name: String,
    /// The number of commissions of which it says something that may matter.
    pub commissions: u64,
}

/// A column that is not read, while its cells are looked at.
#[derive(Debug)]
struct Column {
    place: usize,
    name: String,
    meaning: CellMeaning,
    commissions: u64,
    cells: HashSet<String>,
    /// `true` if it says something that is not of its meaning.
    has_others: bool,
}

/// The columns of a list that are not read and whose names are of what decides.
#[derive(Debug)]
pub(super) struct DecidingColumns {
    columns: Vec<Column>,
    account_currency: &'static str,
    today: Date,
}

impl DecidingColumns {
    /// Returns those of the columns that are not read. `second` says which of them are second names of another one.
    pub(super) fn new<'n>(
        unread: impl Iterator<Item = (usize, &'n String)>,
        second: impl Fn(&str) -> Option<SecondName>,
        account_currency: &'static str,
        today: Date,
    ) -> Self {
        let column = |(place, name): (usize, &String)| {
            Some(Column {
                place,
                name: name.clone(),
                meaning: second(name).map(CellMeaning::Second).or(meaning(name))?,
                commissions: 0,
                cells: HashSet::new(),
                has_others: false,
            })
        };
        DecidingColumns {
            columns: unread.filter_map(column).collect(),
            account_currency,
            today,
        }
    }

    /// Looks at a row with a commission.
    pub(super) fn add(&mut self, row: &Row, amount_cents: i64) {
        for column in &mut self.columns {
            let cell = row.get(column.place).unwrap_or_default();
            let cell = folded(cell.trim());
            if cell.is_empty() {
                continue;
            }
            let is_number = is_number(&cell);
            let is_silent = match column.meaning {
                CellMeaning::Against => is_no(&cell),
                CellMeaning::For => YES.contains(&cell.as_str()) || is_day(&cell),
                CellMeaning::State => GOOD.contains(&cell.as_str()) || is_day(&cell),
                CellMeaning::Amount => !is_number || is_amount(&cell, amount_cents),
                CellMeaning::Currency => cell.eq_ignore_ascii_case(self.account_currency),
                CellMeaning::Until => day(&cell).map_or(is_no(&cell), |day| day >= self.today),
                CellMeaning::Words => !speaks_against(&cell),
                CellMeaning::Second(SecondName {
                    is_amount: true, ..
                }) => is_amount(&cell, amount_cents),
                CellMeaning::Second(second) => {
                    let own = row.get(second.of).unwrap_or_default();
                    let own = folded(own.trim());
                    own.is_empty() || own == cell
                }
            };
            column.has_others |= column.meaning == CellMeaning::Amount && !is_number;
            if !is_silent {
                column.commissions += 1;
                if column.cells.len() <= STATES {
                    column.cells.insert(cell);
                }
            }
        }
    }

    /// Returns `true` if a column of this name has cells that say nothing.
    pub(super) fn is_silent(&self, place: usize) -> bool {
        let mut columns = self.columns.iter();
        columns.any(|column| column.place == place && column.commissions == 0 && !column.has_others)
    }

    /// Returns the columns that may decide, by what their cells say.
    pub(super) fn found(self) -> Vec<DecidingColumn> {
        let decides = |column: &Column| {
            let is_state = column.meaning == CellMeaning::State;
            column.commissions > 0 && (!is_state || column.cells.len() <= STATES)
        };
        let columns = self.columns.into_iter().filter(decides);
        columns
            .map(|column| DecidingColumn {
                name: column.name,
                commissions: column.commissions,
            })
            .collect()
    }
}

/// Returns the meaning of a column by the first word that its name has; else that of an amount, if it is named so.
fn meaning(name: &str) -> Option<CellMeaning> {
    let words = words(name);
    let mut all = WORDS.iter();
    let found = all.find(|(_, wanted)| has_any(&words, wanted));
    let is_amount = || {
        let is_other = |word: &String| NOT_MONEY.contains(&word.as_str());
        has_any(&words, &MONEY) && !words.iter().any(is_other)
    };
    found
        .map(|(meaning, _)| *meaning)
        .or_else(|| is_amount().then_some(CellMeaning::Amount))
}

/// Returns `true` if one of the words begins with one of those that are looked for, or is one that ends with a dot.
fn has_any(words: &[String], wanted: &[&str]) -> bool {
    let has = |wanted: &&str| match wanted.strip_suffix('.') {
        Some(whole) => words.iter().any(|word| word == whole),
        None => words.iter().any(|word| word.starts_with(*wanted)),
    };
    wanted.iter().any(has)
}

/// Returns `true` if a word of a cell speaks against a commission: `refund`, `fraud`.
fn speaks_against(cell: &str) -> bool {
    let words = words(cell);
    let mut all = WORDS.iter();
    all.any(|(meaning, wanted)| *meaning == CellMeaning::Against && has_any(&words, wanted))
}

/// Returns `true` if a cell says that something that speaks against a commission is not so.
pub(super) fn is_no(cell: &str) -> bool {
    NO.contains(&cell) || is_zero(cell)
}

/// Returns the day that a cell begins with, in the order of ISO 8601.
fn day(cell: &str) -> Option<Date> {
    cell.get(..10)?.replace('/', "-").parse().ok()
}

/// Returns `true` for a number, also with a currency.
fn is_number(cell: &str) -> bool {
    let letters = cell.chars().filter(|sign| sign.is_alphabetic()).count();
    cell.chars().any(|sign| sign.is_ascii_digit()) && letters <= 3 && !is_day(cell)
}

/// Returns the words of a name, without accents and in lower case: of `isOnHold` and of `is_on_hold` the same.
fn words(name: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(name.len());
    let mut was_lower = false;
    for sign in name.chars() {
        if sign.is_uppercase() && was_lower {
            spaced.push(' ');
        }
        was_lower = sign.is_lowercase();
        spaced.push(sign);
    }
    let folded = folded(&spaced);
    let words = folded.split(|sign: char| !sign.is_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Returns a text in lower case, its letters without accents.
fn folded(text: &str) -> String {
    let plain = |sign: char| match sign {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => 'a',
        'ç' => 'c',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ñ' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        sign => sign,
    };
    text.to_lowercase().chars().map(plain).collect()
}

/// Returns `true` for an amount of nothing: `0.00`, `0,00 €`.
fn is_zero(cell: &str) -> bool {
    let mut digits = cell.chars().filter(char::is_ascii_digit).peekable();
    digits.peek().is_some() && digits.all(|digit| digit == '0')
}

/// Returns `true` for a day, with or without a time.
fn is_day(cell: &str) -> bool {
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    let is_separator = |sign: char| matches!(sign, '-' | '.' | '/');
    digits >= 6 && cell.chars().filter(|sign| is_separator(*sign)).count() >= 2
}

/// Returns `true` if a cell is a number that is the amount, written with hundredths or without.
fn is_amount(cell: &str, amount_cents: i64) -> bool {
    let digits = |part: &str| -> String { part.chars().filter(char::is_ascii_digit).collect() };
    let (whole, hundredths) = match cell.rsplit_once(['.', ',']) {
        Some((whole, part)) if digits(part).len() <= 2 => (digits(whole), digits(part)),
        _ => (digits(cell), String::new()),
    };
    let cents = format!("{whole}{hundredths:0<2}").parse::<u64>();
    !whole.is_empty() && cents.is_ok_and(|cents| cents == amount_cents.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_seven_languages_say_what_a_column_decides() {
        for (names, right) in [
            (
                "Void|cancelled_at|Storniert am|Remboursé|Reembolsado|Rimborsato|Terugbetaald|isOnHold|fraud_check|Test",
                Some(CellMeaning::Against),
            ),
            (
                "Invalid|Ungültig|Rechazada|Bloqué|Geannuleerd|Abgelehnt|Recusado",
                Some(CellMeaning::Against),
            ),
            (
                "Valid|Gültig|Zahlbar|Payable|Eligible|Éligible|Attivo|Actief|Aprovado|Geldig",
                Some(CellMeaning::For),
            ),
            (
                "Order status|Decision state|Situação",
                Some(CellMeaning::State),
            ),
            (
                "Final commission|Endgültige Provision",
                Some(CellMeaning::Amount),
            ),
            ("Sale currency|Währung|Moeda", Some(CellMeaning::Currency)),
            ("Outcome|Result|Ergebnis", Some(CellMeaning::State)),
            (
                "Disqualified|Clawback|Withheld|Unapproved|Einbehalten",
                Some(CellMeaning::Against),
            ),
            (
                "Valid until|Gültig bis|Expires at",
                Some(CellMeaning::Until),
            ),
            (
                "Type|Reason|Grund|Commission type",
                Some(CellMeaning::Words),
            ),
            (
                "Net commission|Payout amount|Provision netto",
                Some(CellMeaning::Amount),
            ),
            (
                "Commission rate|Payout date|Commission plan|Payout id",
                None,
            ),
            ("Latest note|Account holder|Promoter|Coupon|Threshold", None),
        ] {
            for name in names.split('|') {
                assert_eq!(meaning(name), right, "{name}");
            }
        }
    }

    #[test]
    fn an_amount_is_the_same_in_any_writing() {
        for cell in ["20.00", "20,00", "20", "20.0", "$20.00", "-20.00"] {
            assert!(is_amount(cell, 2_000), "{cell}");
        }
        assert!(is_amount("1,234.50", 123_450) && is_amount("1.234,5", 123_450));
        assert!(!is_amount("2.00", 2_000) && !is_amount("5.00", 2_000) && !is_amount("x", 0));
        assert!(is_zero("0,00 €") && !is_zero("") && !is_zero("0.10"));
    }
}
