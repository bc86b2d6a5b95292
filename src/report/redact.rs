//! A report that can be shared: tokens in place of emails and names.
//!
//! A token is a keyed hash of the value that it replaces, so that the same person has the same
//! token in every report of the account, and nobody can find out who it is by trying names without
//! the journal, which holds the key. Two emails that differ only in case have the same token.
//!
//! Emails are found wherever text can come from outside: in their own columns, and inside messages,
//! ids and cells. Names are found by their columns only; in a row that can't be read, every cell is
//! replaced whose column may contain personal data. Paths of exports are not changed.

use std::borrow::Cow;
use std::fmt::Write as _;

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::Value;

use crate::event::{DETAILS, DetailSlot, Details, Event, Text};
use crate::job::ADDED_COLUMNS;
use crate::journal::{
    AcceptedRecord, ConversionRecord, EventRecord, HeldRecord, REDACTION_KEY_BYTES, RowRecord,
    Settlement,
};
use crate::lead_dates::LeadDate;
use crate::paid_marks::OwnCommission;
use crate::problem::{Problem, shortened};

/// The number of bytes of the hash in a token: enough that two people of a thousand million don't
/// share one.
const WORD_BYTES: usize = 10;

/// Parts of the names of columns that may contain personal data, in lower case.
const PERSONAL: [&str; 33] = [
    "mail",
    "name",
    "nom",
    "first",
    "last",
    "customer description",
    "cardholder",
    "holder",
    "contact",
    "recipient",
    "empfänger",
    "absender",
    "buyer",
    "payer",
    "attention",
    "address",
    "adresse",
    "street",
    "straße",
    "city",
    "ort",
    "zip",
    "postal",
    "plz",
    "phone",
    "telefon",
    "subject",
    "note",
    "memo",
    "description",
    "descriptor",
    "message",
    "comment",
];

/// The length of the shortest name that is searched for inside other texts: shorter ones are part
/// of many words.
const SHORTEST_NAME: usize = 3;

/// Replaces emails and names with tokens.
#[derive(Debug)]
pub struct Redactor {
    key: hmac::Key,
}

impl Redactor {
    /// Creates a redactor with the key of a journal.
    pub fn new(key: &[u8; REDACTION_KEY_BYTES]) -> Self {
        Redactor {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
        }
    }

    /// Creates a redactor with a random key: its tokens are the same only in what it writes itself.
    /// Returns `None` if the system has no random numbers.
    pub(crate) fn with_random_key() -> Option<Self> {
        let mut key = [0; REDACTION_KEY_BYTES];
        SystemRandom::new().fill(&mut key).ok()?;
        Some(Redactor::new(&key))
    }

    /// Creates a redactor for what is written once and can't be refused. Without random numbers its tokens
    /// could be guessed; even so, no email is written.
    pub(crate) fn for_messages() -> Self {
        Self::with_random_key().unwrap_or_else(|| Redactor::new(&[0; REDACTION_KEY_BYTES]))
    }

    /// Returns the token of an email, the same in any case and with spaces around it. An email that
    /// is encoded for an address line (`ada%40example.com`) is decoded first.
    pub fn email(&self, email: &str) -> String {
        let email = email.trim();
        if email.contains(ENCODED_AT) {
            self.word("email", &decoded(email).to_lowercase())
        } else {
            self.word("email", &email.to_lowercase())
        }
    }

    /// Returns the token of a name.
    pub fn name(&self, name: &str) -> String {
        self.word("name", &name.trim().to_lowercase())
    }

    fn word(&self, what: &str, text: &str) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(what.as_bytes());
        context.update(b"\0");
        context.update(text.as_bytes());
        let tag = context.sign();
        let mut word = format!("{what}-");
        for byte in &tag.as_ref()[..WORD_BYTES] {
            // Writing to a string can't fail.
            let _ = write!(word, "{byte:02x}");
        }
        word
    }

    /// Returns a text with each email in it replaced by its token.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !text.contains('@') && !text.contains(ENCODED_AT) {
            return Cow::Borrowed(text);
        }
        let mut redacted = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, email, behind)) = next_email(rest) {
            redacted.push_str(before);
            redacted.push_str(&self.email(email));
            rest = behind;
        }
        redacted.push_str(rest);
        Cow::Owned(redacted)
    }

    fn replace_text(&self, text: &mut Text) {
        if let Cow::Owned(redacted) = self.text(text) {
            *text = redacted.into();
        }
    }

    pub(super) fn replace(&self, text: &mut String) {
        if let Cow::Owned(redacted) = self.text(text) {
            *text = redacted;
        }
    }

    /// Returns the replacement for a cell of an export, by the name of its column. An email is
    /// recognised without it.
    fn cell(&self, column: Option<&str>, cell: &str) -> Option<String> {
        if cell.trim().is_empty() {
            return None;
        }
        if is_email(cell.trim()) {
            return Some(self.email(cell));
        }
        let is_personal = column.is_none_or(is_personal);
        if is_personal && !is_number(cell) {
            Some(self.name(cell))
        } else {
            match self.text(cell) {
                Cow::Owned(redacted) => Some(redacted),
                Cow::Borrowed(_) => None,
            }
        }
    }

    fn event_itself(&self, event: &mut Event) {
        if let Some(email) = &mut event.customer.email {
            *email = self.email(email).into();
        }
        if let Some(uid) = &mut event.customer.uid {
            self.replace_text(uid);
        }
        if let Some(sale) = &mut event.sale_event_id {
            self.replace_text(sale);
        }
        let id = self.text(event.event_id());
        if let Cow::Owned(id) = id {
            event.show_as(id.into());
        }
        if let Some(plan) = &mut event.plan {
            self.replace_text(plan);
        }
        let names = names_of(event);
        let note = replace_words(self, &event.note, &names);
        event.note = self.text(&note).into();
        self.details(event);
    }

    /// Replaces a promoter's coupon and referral id, since they are names more often than not.
    fn details(&self, event: &mut Event) {
        let details = event.details();
        if *details == Details::default() {
            return;
        }
        let mut hidden = details.clone();
        for (detail, slot) in DETAILS.iter().zip(hidden.slots()) {
            match slot {
                DetailSlot::Text(Some(text)) if detail.is_name => *text = self.name(text).into(),
                DetailSlot::Text(Some(text)) => self.replace_text(text),
                DetailSlot::Text(None) | DetailSlot::Count(_) | DetailSlot::Cents(_) => {}
            }
        }
        event.set_details(hidden);
    }

    pub(super) fn event(&self, record: &mut EventRecord) {
        let names = names_of(&record.event);
        self.event_itself(&mut record.event);
        let hidden = |message: &mut Option<String>| {
            if let Some(message) = message {
                *message = replace_words(self, message, &names);
                self.replace(message);
            }
        };
        if let Some(last) = &mut record.last_attempt {
            hidden(&mut last.message);
        }
        if let Some(settlement) = &mut record.settlement {
            hidden(&mut settlement.message);
            self.promoter(settlement);
        }
    }

    /// Replaces a promoter's referral id, since it is a name more often than not.
    fn promoter(&self, settlement: &mut Settlement) {
        if let Some(email) = &mut settlement.promoter_email {
            *email = self.email(email);
        }
        if let Some(ref_id) = &mut settlement.promoter_ref_id {
            *ref_id = self.name(ref_id);
        }
    }

    /// Replaces the personal data of a commission that is marked as paid.
    pub(crate) fn own_commission(&self, own: &mut OwnCommission) {
        if let Some(email) = &mut own.promoter.email {
            *email = self.email(email);
        }
        if let Some(ref_id) = &mut own.promoter.ref_id {
            *ref_id = self.name(ref_id);
        }
        self.replace(&mut own.event_id);
        self.replace(&mut own.reason);
    }

    /// Replaces the personal data of a lead whose date is set.
    pub(crate) fn lead_date(&self, lead: &mut LeadDate) {
        if let Some(email) = &mut lead.customer.email {
            *email = self.email(email).into();
        }
        if let Some(uid) = &mut lead.customer.uid {
            self.replace_text(uid);
        }
        self.replace(&mut lead.event_id);
        self.replace(&mut lead.reason);
    }

    pub(super) fn held(&self, record: &mut HeldRecord) {
        self.event_itself(&mut record.event);
    }

    pub(super) fn conversion(&self, record: &mut ConversionRecord) {
        self.replace_text(&mut record.event_id);
        if let Some(sale) = &mut record.sale_event_id {
            self.replace_text(sale);
        }
    }

    /// Replaces the personal data of a row of an export with this header, and of the reason that
    /// quotes it.
    pub(super) fn row(&self, header: &[String], record: &mut RowRecord) {
        let mut hidden = Vec::new();
        for (index, cell) in record.fields.iter_mut().enumerate() {
            let column = header.get(index).map(String::as_str);
            // Columns that an earlier report added say where the row came from.
            if column.is_some_and(|column| ADDED_COLUMNS.contains(&column)) {
                self.replace(cell);
            } else if let Some(redacted) = self.cell(column, cell) {
                let hidden_cell = std::mem::replace(cell, redacted);
                // A reason quotes it in the form of messages: cut, and with invisible characters shown.
                hidden.push(shortened(&hidden_cell));
                hidden.push(hidden_cell);
            }
        }
        let hidden: Vec<&str> = hidden.iter().map(String::as_str).collect();
        record.reason = replace_words(self, &record.reason, &hidden);
        self.replace(&mut record.reason);
        for (index, cell) in record.fields.iter_mut().enumerate() {
            let is_reason = header.get(index).map(String::as_str) == ADDED_COLUMNS.last().copied();
            if is_reason {
                *cell = replace_words(self, cell, &hidden);
            }
        }
    }

    /// Replaces each email in the texts of a value; its keys are words of the program.
    pub(crate) fn json(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.replace(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.json(value)),
            Value::Object(values) => values.values_mut().for_each(|value| self.json(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    pub(crate) fn problem(&self, problem: &mut Problem) {
        let column = problem.column.as_deref();
        let redacted = problem.value.as_deref().and_then(|value| {
            let redacted = self.cell(Some(column.unwrap_or_default()), value)?;
            Some((value.to_owned(), redacted))
        });
        if let Some((value, redacted)) = redacted {
            problem.message = replace_words(self, &problem.message, &[&value]);
            if let Some(hint) = &mut problem.hint {
                *hint = replace_words(self, hint, &[&value]);
            }
            problem.value = Some(redacted);
        }
        self.replace(&mut problem.message);
        if let Some(hint) = &mut problem.hint {
            self.replace(hint);
        }
    }

    /// Replaces the personal data of an accepted item.
    pub fn accepted(&self, record: &mut AcceptedRecord) {
        if let Some(id) = &mut record.item.event_id {
            self.replace(id);
        }
        self.replace(&mut record.item.message);
        self.replace(&mut record.acceptance.reason);
        self.replace(&mut record.acceptance.by);
    }
}

/// Returns the names that an event's export has for its customer.
fn names_of(event: &Event) -> Vec<String> {
    let details = event.details();
    let names = [&details.first_name, &details.last_name];
    names
        .into_iter()
        .flatten()
        .map(|name| name.to_string())
        .collect()
}

/// Returns a text with these words replaced by their tokens, where it has them in exactly this case.
fn replace_words(redactor: &Redactor, text: &str, hidden: &[impl AsRef<str>]) -> String {
    let mut text = text.to_owned();
    for word in hidden {
        let word = word.as_ref().trim();
        if word.chars().count() >= SHORTEST_NAME && text.contains(word) {
            let replacement = if is_email(word) {
                redactor.email(word)
            } else {
                redactor.name(word)
            };
            text = text.replace(word, &replacement);
        }
    }
    text
}

fn is_personal(column: &str) -> bool {
    let column = column.to_lowercase();
    PERSONAL.iter().any(|part| column.contains(part))
}

/// Returns `true` for digits and the characters between them: an amount, a date, a phone number
/// without a name.
fn is_number(cell: &str) -> bool {
    let mut digits = 0;
    cell.trim().chars().all(|character| {
        digits += u32::from(character.is_ascii_digit());
        character.is_ascii_digit() || ".,:-/ ".contains(character)
    }) && digits < 7
}

/// Returns `true` for a character that can't be part of an email in text.
fn ends_email(character: char) -> bool {
    character.is_whitespace() || character.is_control() || "<>()[]{},;:\"'`|\\".contains(character)
}

fn is_email(text: &str) -> bool {
    matches!(next_email(text), Some(("", _, "")))
}

/// The encoded form of `@` in addresses and forms.
const ENCODED_AT: &str = "%40";

/// Returns `true` for a character that can't be part of an email in an address or a form either.
fn ends_encoded_email(character: char) -> bool {
    ends_email(character) || "=&?/#".contains(character)
}

/// Returns an email as it was before it was encoded for an address or a form.
fn decoded(email: &str) -> String {
    // A plus would be decoded as a space.
    let email = email.replace('+', "%2B");
    let mut pairs = form_urlencoded::parse(email.as_bytes());
    pairs
        .next()
        .map_or(email.clone(), |(key, _)| key.into_owned())
}

/// An `@` in a text, in either form.
struct AtSign {
    /// The position of the `@`, in bytes.
    start: usize,
    length: usize,
    /// Returns `true` for a character that can't be part of an email around this form.
    ends: fn(char) -> bool,
}

impl AtSign {
    fn first_in(text: &str) -> Option<AtSign> {
        let plain = text.find('@');
        match text.find(ENCODED_AT) {
            Some(start) if plain.is_none_or(|plain| start < plain) => Some(AtSign {
                start,
                length: ENCODED_AT.len(),
                ends: ends_encoded_email,
            }),
            _ => plain.map(|start| AtSign {
                start,
                length: 1,
                ends: ends_email,
            }),
        }
    }
}

/// Returns the text before the first email, the email, and the text after it.
fn next_email(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(AtSign {
        start,
        length,
        ends,
    }) = AtSign::first_in(&text[from..])
    {
        let at = from + start;
        let start = text[..at].rfind(ends).map_or(0, |end| {
            end + text[end..].chars().next().map_or(1, char::len_utf8)
        });
        let end = text[at..].find(ends).map_or(text.len(), |end| at + end);
        let email = text[start..end].trim_end_matches(['.', '!', '?']);
        if start >= from && start < at && email.len() > at - start + length {
            let end = start + email.len();
            return Some((&text[..start], email, &text[end..]));
        }
        from = at + length;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        Redactor::new(&[7; REDACTION_KEY_BYTES])
    }

    #[test]
    fn the_same_person_has_the_same_word_under_one_key() {
        let redactor = redactor();
        let word = redactor.email("Ada@Example.com");
        assert_eq!(word, redactor.email(" ada@example.com "));
        assert_eq!(redactor.text("<ADA@example.com>"), format!("<{word}>"));
        assert!(word.starts_with("email-") && word.len() == 26, "{word}");
        assert_ne!(word, redactor.email("bea@example.com"));
        assert_ne!(
            word,
            Redactor::new(&[8; REDACTION_KEY_BYTES]).email("ada@example.com")
        );
    }

    #[test]
    fn a_reason_that_quotes_a_cell_in_part_says_nothing_of_it() {
        let name = "Ada ".repeat(30);
        let mut record = RowRecord {
            source: crate::event::ExportLine { input: 0, line: 2 },
            file: "x.csv".to_owned(),
            reason: format!("too long: `{}` in `Name`", shortened(&name)),
            fields: vec![name],
        };
        redactor().row(&["Name".to_owned()], &mut record);
        assert!(!record.reason.contains("Ada"), "{}", record.reason);
        assert!(!record.fields[0].contains("Ada"), "{:?}", record.fields);
    }

    #[test]
    fn emails_are_found_inside_texts() {
        let redactor = redactor();
        let ada = redactor.email("ada@example.com");
        for (text, expected) in [
            ("no lead ada@example.com.", format!("no lead {ada}.")),
            (
                "`ada@example.com`, `ada@example.com`",
                format!("`{ada}`, `{ada}`"),
            ),
            ("mailto:Ada@Example.com?", format!("mailto:{ada}?")),
            ("@handle a @ b and 3@", "@handle a @ b and 3@".to_owned()),
            ("", String::new()),
        ] {
            assert_eq!(redactor.text(text), expected);
        }
        for (text, expected) in [
            ("no lead ada%40example.com.", format!("no lead {ada}.")),
            (
                "/track?email=ADA%40Example.com&uid=1",
                format!("/track?email={ada}&uid=1"),
            ),
            (
                "100%40 of it, %40, x%40",
                "100%40 of it, %40, x%40".to_owned(),
            ),
            (
                "a@b.c and ada%40example.com",
                format!("{} and {ada}", redactor.email("a@b.c")),
            ),
        ] {
            assert_eq!(redactor.text(text), expected);
        }
        let tagged = redactor.email("ada+x@example.com");
        assert_eq!(redactor.text("ada%2Bx%40example.com"), tagged);
        assert_eq!(redactor.text("ada+x%40example.com"), tagged);
        let plus = redactor.email("=ada+x@exämple.com");
        assert_eq!(redactor.text("=ada+x@exämple.com"), plus);
    }

    #[test]
    fn cells_are_replaced_by_what_their_column_may_say() {
        let redactor = redactor();
        let cell = |column, cell| redactor.cell(Some(column), cell);
        assert_eq!(cell("Customer Name", "Ada L"), Some(redactor.name("ada l")));
        assert_eq!(cell("Currency", "usd"), None);
        assert_eq!(cell("Amount", "8.00"), None);
        assert_eq!(cell("Name", ""), None);
        assert_eq!(
            cell("x", "ADA@example.com"),
            Some(redactor.email("ada@example.com"))
        );
        // The meaning of a cell beyond the header is not known.
        assert_eq!(redactor.cell(None, "Ada"), Some(redactor.name("ada")));
    }
}
