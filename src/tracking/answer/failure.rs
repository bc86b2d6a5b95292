//! Reads what an error says, in the forms of both versions, and what of it is kept.

use serde::Deserialize;
use serde_json::Value;

use crate::event::Kind;
use crate::tracking::Version;
use crate::tracking::scalar::{Object, Scalar};

/// The number of bytes of an answer's body that are kept for the report.
const KEPT_BYTES: usize = 500;

/// Reads the errors of both versions.
#[derive(Default, Deserialize)]
#[serde(default)]
struct FailureBody {
    message: Scalar,
    error: Scalar,
    code: Scalar,
    transaction_id: Scalar,
}

fn failure(body: &[u8]) -> FailureBody {
    let failure = serde_json::from_slice::<Object<FailureBody>>(body).ok();
    failure.and_then(|object| object.0).unwrap_or_default()
}

/// Returns `true` if a 404 says that the lead is unknown, and not that an address is wrong: version 2's
/// `not_found` of a referral on sales and refunds; on cancellations, for which nothing is documented, any of
/// the API's forms that is about a customer, and not about an account or an address.
pub(super) fn is_unknown_lead(version: Version, kind: Kind, body: &[u8]) -> bool {
    let failure = failure(body);
    let said: Vec<String> = [&failure.message, &failure.error]
        .into_iter()
        .filter_map(Scalar::word)
        .map(str::to_lowercase)
        .collect();
    let is_about = |words: &[&str]| {
        let mut all = said.iter();
        all.any(|said| words.iter().any(|word| said.contains(word)))
    };
    match kind {
        Kind::Cancellation => is_about(&CUSTOMER_WORDS),
        Kind::Sale | Kind::Refund => {
            let is_not_found = failure.code.word() == Some("not_found");
            version == Version::V2 && is_not_found && is_about(&["referral"])
        }
        Kind::Signup => false,
    }
}

/// The words by which a 404 is about a customer.
const CUSTOMER_WORDS: [&str; 8] = [
    "referral", "lead", "customer", "subscri", "email", "uid", "user", "visitor",
];

/// Returns `true` if a body is a web page, or empty: not an answer of the API.
pub(super) fn is_page(body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    start.is_empty() || start.starts_with(b"<")
}

/// Returns `true` if the error of a sign-up says that the lead is there already.
pub(super) fn is_second_signup(body: &[u8]) -> bool {
    let said = failure(body).transaction_id;
    said.word()
        .is_some_and(|said| said.to_lowercase().contains("already"))
}

/// Returns the kind and the id in `The 'sale' event with the id 'X' already exists.`
pub(super) fn existing_event(body: &[u8]) -> Option<(String, String)> {
    let message = failure(body).message;
    let rest = message.word()?.trim().strip_prefix("The '")?;
    let (kind, rest) = rest.split_once("' event with the id '")?;
    let id = rest
        .trim_end_matches('.')
        .strip_suffix("' already exists")?;
    Some((kind.to_owned(), id.to_owned()))
}

/// Returns the message in a body, whatever it is: that of a JSON object, a bare string, or the text as it is;
/// at most 500 bytes of it, in one line and without credentials.
pub(in crate::tracking) fn message_of(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(Value::String(text)) => text,
        Ok(Value::Object(object)) => ["message", "error", "transaction_id"]
            .iter()
            .find_map(|key| object.get(*key))
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_else(|| String::from_utf8_lossy(body).into_owned()),
        _ => String::from_utf8_lossy(body).into_owned(),
    };
    let text = without_credentials(text);
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let mut end = line.len().min(KEPT_BYTES);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line[..end].trim().to_owned()
}

/// The fields of promoters that allow to log in as them.
const CREDENTIALS: [&str; 2] = ["\"temp_password\"", "\"password_setup_url\""];

/// Returns a body without the values of [`CREDENTIALS`], even if it is cut off.
fn without_credentials(text: String) -> String {
    let mut text = text;
    for field in CREDENTIALS {
        let mut from = 0;
        while let Some(at) = text[from..].find(field) {
            let start = from + at + field.len();
            let end = text[start..]
                .find([',', '}'])
                .map_or(text.len(), |end| start + end);
            text.replace_range(start..end, ":\"…\"");
            from = start;
        }
    }
    text
}
