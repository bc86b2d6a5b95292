//! Reads the cell of an email: exactly one address, no address, or something else.
//!
//! The API answers a sale of an address that it doesn't know like that of a customer who is not a lead. So a
//! cell that is not exactly one address is never sent as if it were.

use super::Classifier;
use super::words::toml_text;
use crate::export::Row;
use crate::invisible::{self, is_invisible};
use crate::problem::{Problem, ProblemCode};
use crate::profile::ColumnIndex;

/// The greatest length of a cell that is read, in bytes: an address has at most 254, a name is beside it.
const CELL_BYTES_MOST: usize = 1000;

/// The greatest number of wrappings around an address, such as `"<mailto:ana@example.com>"`.
const WRAPPINGS_MOST: u8 = 6;

/// The marks that people and programs put around an address.
const MARKS: [(char, char); 14] = [
    ('<', '>'),
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('(', ')'),
    ('[', ']'),
    ('“', '”'),
    ('„', '“'),
    ('„', '”'),
    ('‘', '’'),
    ('‚', '‘'),
    ('«', '»'),
    ('»', '«'),
    ('‹', '›'),
];

/// The separators of several addresses in one cell.
const SEPARATORS: [char; 4] = [',', ';', '\n', '\r'];

/// The scheme of a link to an address.
const MAILTO: &str = "mailto:";

/// The words that mean that there is no address, in lower case and without punctuation.
const NOBODY: &str = "0, n a, na, nil, nan, null, none, no, undefined, unknown, empty, blank, missing, anonymous, \
    guest, guest customer, guest user, nobody, walk in, walk in customer, no email, no e mail, no mail, \
    no email address, no email provided, no email given, no email on file, without email, not available, \
    not applicable, not provided, not given, not set, not specified, unspecified, \
    k a, keine, keiner, keine angabe, keine e mail, keine email, kein, unbekannt, nicht vorhanden, nicht angegeben, \
    nicht bekannt, ohne, ohne e mail, ohne email, leer, gast, anonym, \
    n d, nd, aucun, aucune, inconnu, inconnue, non renseigné, non renseignée, non communiqué, non disponible, néant, \
    vide, sans, sans email, sans e mail, invité, anonyme, \
    ninguno, ninguna, desconocido, desconocida, no disponible, no aplica, sin correo, sin email, sin datos, vacío, \
    invitado, anónimo, \
    nessuno, nessuna, sconosciuto, non fornito, non fornita, assente, vuoto, ospite, anonimo, \
    nenhum, nenhuma, desconhecido, não informado, nao informado, não disponível, sem email, sem e mail, vazio, \
    convidado, anônimo, \
    geen, onbekend, niet bekend, niet opgegeven, geen e mail, geen email, leeg, anoniem, \
    brak, nieznany, saknas, ingen, okänd, ukendt, ukjent, mangler, yok, bilinmiyor, нет, неизвестно, \
    なし, 無し, 不明, 未設定, 无, 無, 未知, 없음";

/// What the cell of an email says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EmailCell<'t> {
    /// The cell has exactly one address.
    Address(&'t str),
    /// The cell is empty, or says that there is no address.
    Nobody,
    /// The cell has something else.
    Unreadable,
}

impl Classifier<'_> {
    /// Returns the address in a cell; `None` if the cell says that there is none.
    ///
    /// # Errors
    ///
    /// The cell has something that is not exactly one address.
    pub(super) fn email<'r>(
        &self,
        row: &'r Row,
        column: ColumnIndex,
    ) -> Result<Option<&'r str>, Box<Problem>> {
        self.see_ends(row, column);
        let value = self.text(row, column);
        if self.profile.no_email.contain(value) {
            return Ok(None);
        }
        match read(value) {
            EmailCell::Address(address) => Ok(Some(address)),
            EmailCell::Nobody => Ok(None),
            EmailCell::Unreadable => Err(Box::new(self.unreadable(column, value))),
        }
    }

    fn unreadable(&self, column: ColumnIndex, value: &str) -> Problem {
        let remedy =
            "write the customer's address into the cell, or clear the cell if there is none";
        let (message, hint) = match value.split(['@', '＠']).count() {
            1 => (
                "no email address in the cell",
                self.word_hint(value, remedy),
            ),
            2 => ("not an email address", remedy.to_owned()),
            _ => (
                "not exactly one email address",
                "write the one address of the customer into the cell".to_owned(),
            ),
        };
        self.cell_error(ProblemCode::EmailInvalid, column, value, message)
            .hint(hint)
    }

    /// Returns the hint for a cell without an `@`, which may be a word of the user's for "no address".
    fn word_hint(&self, value: &str, remedy: &str) -> String {
        if value.len() > Problem::VALUE_CHARS {
            return remedy.to_owned();
        }
        let (word, table, extending) = (toml_text(value), self.own_table(), self.extending());
        format!(
            "{remedy}; for a word that always means that there is none, set `no_email = [{word}]` under `[exports.{table}.customer]`{extending}"
        )
    }
}

/// Returns what a cell says, without the spaces around it.
fn read(cell: &str) -> EmailCell<'_> {
    if is_plain_address(cell) {
        return EmailCell::Address(cell);
    }
    if cell.len() > CELL_BYTES_MOST {
        return EmailCell::Unreadable;
    }
    match address(cell, WRAPPINGS_MOST) {
        Some(address) => EmailCell::Address(address),
        None if is_without_address(cell) => EmailCell::Nobody,
        None => EmailCell::Unreadable,
    }
}

/// Returns the one address in a text with at most so many wrappings around it.
fn address(text: &str, wrappings: u8) -> Option<&str> {
    let text = invisible::trim(text);
    // A dot at the end of a domain does not change it.
    let undotted = text.strip_suffix('.').unwrap_or(text);
    if is_address(undotted) {
        return Some(undotted);
    }
    let wrappings = wrappings.checked_sub(1)?;
    let bare = text.trim_matches(SEPARATORS);
    if bare != text {
        return address(bare, wrappings);
    }
    if let Some(inner) = MARKS.iter().find_map(|marks| between(text, *marks)) {
        return address(inner, wrappings);
    }
    if let Some(link) = without_scheme(text) {
        return address(link_target(link)?, wrappings);
    }
    named(text, wrappings).or_else(|| repeated(text, wrappings))
}

/// Returns the text between two marks, if it has none of them inside that would end it sooner.
fn between(text: &str, (open, close): (char, char)) -> Option<&str> {
    let inner = text.strip_prefix(open)?.strip_suffix(close)?;
    let is_whole = open == '\'' || !inner.contains([open, close]);
    is_whole.then_some(inner)
}

/// Returns a text without `mailto:` in front of it.
fn without_scheme(text: &str) -> Option<&str> {
    let scheme = text.get(..MAILTO.len())?;
    let rest = &text[MAILTO.len()..];
    scheme.eq_ignore_ascii_case(MAILTO).then_some(rest)
}

/// Returns the address of a link, without the subject behind it. A link that has more addresses, or escaped
/// characters, is not read.
fn link_target(link: &str) -> Option<&str> {
    let (target, query) = link.split_once('?').unwrap_or((link, ""));
    let is_plain = !target.contains(['%', '/']) && !query.contains('@') && !query.contains("%40");
    is_plain.then_some(target)
}

/// Returns the address of `Ana <ana@example.com>`. The name may be the same address, but no other.
fn named(text: &str, wrappings: u8) -> Option<&str> {
    let (name, inner) = text.strip_suffix('>')?.split_once('<')?;
    if inner.contains(['<', '>']) || name.contains('>') {
        return None;
    }
    let found = address(inner, wrappings)?;
    let is_other = name.contains(['@', '＠'])
        && !address(name, wrappings).is_some_and(|name| is_same(name, found));
    (!is_other).then_some(found)
}

/// Returns the address of a list in which all addresses are the same.
fn repeated(text: &str, wrappings: u8) -> Option<&str> {
    let mut parts = text.split(SEPARATORS).filter(|part| !part.is_empty());
    let first = address(parts.next()?, wrappings)?;
    let mut is_list = false;
    let is_first = |part: &str| {
        is_list = true;
        address(part, wrappings).is_some_and(|other| is_same(other, first))
    };
    (parts.all(is_first) && is_list).then_some(first)
}

/// Returns `true` if two addresses differ in case only.
fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Returns `true` for most addresses: letters, digits, dots, hyphens, underscores and `+` around one `@`.
fn is_plain_address(text: &str) -> bool {
    let (mut has_at, mut has_dot) = (false, false);
    // Neither an address nor its domain begins or ends here, and no label is empty.
    let mut before = b'@';
    for byte in text.bytes() {
        match byte {
            b'@' if has_at || matches!(before, b'@' | b'.') => return false,
            b'@' => has_at = true,
            b'.' if matches!(before, b'@' | b'.') => return false,
            b'.' => has_dot |= has_at,
            b'+' if !has_at => {}
            b'-' | b'_' => {}
            _ if byte.is_ascii_alphanumeric() => {}
            _ => return false,
        }
        before = byte;
    }
    has_dot && !matches!(before, b'@' | b'.')
}

/// Returns `true` if a text is exactly one address with a domain that has a dot. It does not check if mail would
/// arrive.
fn is_address(text: &str) -> bool {
    text.rsplit_once('@')
        .is_some_and(|(local, domain)| is_local_part(local) && is_domain(domain))
}

/// Returns `true` for what may be before the `@`. A part that is masked (`a***`, `ana...`) is not one, and neither is
/// one that begins with an apostrophe, which only spreadsheets write there.
fn is_local_part(local: &str) -> bool {
    if let Some(quoted) = between(local, ('"', '"')) {
        return !quoted.is_empty() && !quoted.chars().any(is_invisible);
    }
    let is_masked = local.contains("...") || local.starts_with(['\'', '`']);
    let is_allowed = |c: char| match c {
        _ if c.is_ascii() => c.is_ascii_alphanumeric() || ".!#$%&'+-/=?^_`{|}~".contains(c),
        _ => c.is_alphanumeric(),
    };
    !local.is_empty() && !is_masked && local.chars().all(is_allowed)
}

/// Returns `true` for a domain of at least two labels, in any alphabet.
fn is_domain(domain: &str) -> bool {
    // Letters of some alphabets have marks of their own.
    let is_allowed = |c: char| match c {
        _ if c.is_ascii() => c.is_ascii_alphanumeric() || c == '-' || c == '_',
        _ => c.is_alphanumeric() || is_mark(c),
    };
    let is_label = |label: &str| !label.is_empty() && label.chars().all(is_allowed);
    domain.contains('.') && domain.split('.').all(is_label)
}

/// Returns `true` for a character that is neither a letter nor seen as punctuation, symbol or space, such as a
/// combining accent.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}'
        | '\u{900}'..='\u{dff}' | '\u{e31}'..='\u{e4e}' | '\u{1ab0}'..='\u{1aff}' | '\u{3099}' | '\u{309a}')
}

/// Returns `true` if a cell is empty, has only dashes, dots or question marks, or has a word for "no address".
fn is_without_address(cell: &str) -> bool {
    let cell = invisible::trim(cell);
    if cell.contains(['@', '＠', '#']) {
        return false;
    }
    if cell.chars().all(|c| " -–—−_./\\?\"'()[]<>".contains(c)) {
        return true;
    }
    let words = words_of(cell);
    NOBODY.split(", ").any(|nobody| nobody == words)
}

/// Returns the words of a text in lower case, with single spaces between them.
fn words_of(text: &str) -> String {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_read_as_it_is() {
        for email in [
            "ana@example.com",
            "Ana.Lovelace@EXAMPLE.COM",
            "o'hara+tag@mail.example.co.uk",
            "o'brien+x@sub.example.co",
            "jürgen@müller.example",
            "用户@例子.公司",
            "ana@xn--mller-kva.example",
            "ana@उदाहरण.भारत",
            "a_b-c.d@1.example",
            "_ana@ex_ample.com",
            "ana..l@docomo.example",
            "ana.@docomo.example",
            "\"ana lovelace\"@example.com",
            "\"a@b\"@example.com",
            "ana/team=x@example.com",
            "ana{1}|!#$%&^`~?@example.com",
        ] {
            assert_eq!(read(email), EmailCell::Address(email), "{email}");
        }
    }

    #[test]
    fn the_one_address_of_a_wrapping_is_read() {
        for wrapped in [
            "Ana Lovelace <ana@example.com>",
            "Lovelace, Ana <ana@example.com>",
            "\"Lovelace, Ana\" <ana@example.com>",
            "ana@example.com <ana@example.com>",
            "'ana@example.com' <ana@example.com>",
            "ana@example.com <mailto:ana@example.com>",
            "<ana@example.com>",
            "< ana@example.com >",
            "mailto:ana@example.com",
            "MailTo: ana@example.com",
            "mailto:ana@example.com?subject=Your%20order",
            "<mailto:ana@example.com>",
            "\"ana@example.com\"",
            "'ana@example.com'",
            "“ana@example.com”",
            "„ana@example.com“",
            "«ana@example.com»",
            "(ana@example.com)",
            "[ana@example.com]",
            "\u{feff}ana@example.com\u{200b}",
            "<\u{200b}ana@example.com>",
            "ana@example.com.",
            "ana@example.com;",
            ", ana@example.com,",
            "ana@example.com, ana@example.com",
            "ana@example.com\nana@example.com",
        ] {
            let read = read(wrapped);
            assert_eq!(read, EmailCell::Address("ana@example.com"), "{wrapped}");
        }
        let quoted = "'o'hara@example.com'";
        assert_eq!(read(quoted), EmailCell::Address("o'hara@example.com"));
    }

    #[test]
    fn what_is_not_one_address_is_not_read() {
        for other in [
            "ana",
            "ana@example",
            "ana @example.com",
            "ana@ example.com",
            "ana lovelace@example.com",
            "a@example.com;b@example.com",
            "a@example.com,b@example.com",
            "a@example.com b@example.com",
            "a@example.com / b@example.com",
            "a@example.com|b@example.com",
            "Ana <a@example.com>, Ben <b@example.com>",
            "b@example.com <a@example.com>",
            "Ana <a@example.com",
            "Ana <>",
            "<a@example.com> <a@example.com>",
            "ana@@example.com",
            "@example.com",
            "ana@",
            "ana@.com",
            "ana@example..com",
            "ana@example.com..",
            "ana@exam\u{200b}ple.com",
            "ana\u{a0}@example.com",
            "ana@example.com'",
            "'ana@example.com",
            "mailto:a@example.com?cc=b@example.com",
            "mailto:a%40example.com",
            "mailto:a@example.com,b@example.com",
            "mailto://ana@example.com",
            "email:ana@example.com",
            "ana＠example.com",
            "ana(at)example.com",
            "a***@example.com",
            "ana...@example.com",
            "ana@ex•••.com",
            "ana@…",
            "#N/A",
            "#REF!",
            "+49 170 1234567",
            "https://example.com/ana",
            "\"\"@example.com",
            "Ana Lovelace",
            "@",
            "*****",
        ] {
            assert_eq!(read(other), EmailCell::Unreadable, "{other}");
        }
        for n in 1..2000 {
            let deep = format!("{}ana@example.com{}", "<".repeat(n), ">".repeat(n));
            read(&deep);
        }
    }

    #[test]
    fn words_for_nobody_are_no_address() {
        for nobody in [
            "",
            " ",
            "-",
            "--",
            "—",
            "?",
            "...",
            "N/A",
            "n.a.",
            "NULL",
            "(none)",
            "[unknown]",
            "<null>",
            "\"-\"",
            "undefined",
            "Guest",
            "No e-mail",
            "not provided",
            "k. A.",
            "Unbekannt",
            "Keine Angabe",
            "Inconnu",
            "non renseigné",
            "Desconocido",
            "Sconosciuto",
            "Onbekend",
            "não informado",
            "なし",
        ] {
            assert_eq!(read(nobody), EmailCell::Nobody, "{nobody}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_a_part_of_the_cell_and_an_address(cell in "[ a-c@.<>\"',;:()\u{200b}é]{0,24}") {
            if let EmailCell::Address(address) = read(&cell) {
                prop_assert!(cell.contains(address));
                prop_assert!(is_address(address), "{}", address);
                prop_assert_eq!(read(address), EmailCell::Address(address));
            }
        }

        #[test]
        fn the_quick_check_agrees_with_the_whole_one(cell in "[a-c1@._+-]{0,12}") {
            prop_assert!(!is_plain_address(&cell) || is_address(&cell));
        }
    }
}
