//! Holds the API key, as a type that can't be printed.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// The length of the shortest key of an account. A shorter one is for a server on this machine and not
/// secret: it would be found in words and ids that have nothing to do with it.
pub(crate) const SHORTEST_KEY_BYTES: usize = 16;
/// The text that replaces the key.
const REPLACEMENT: &str = "…";
/// The number of times that an escape may be escaped again.
const MOST_LAYERS: usize = 4;

/// The account's API key.
///
/// It has no `Display`, its `Debug` shows nothing, and it is never serialised: it can't get into a log,
/// error, report or journal by accident.
#[derive(Clone)]
pub struct ApiKey {
    text: String,
    /// The forms of the key that are found in texts, if it is a secret.
    forms: Vec<KeyForm>,
}

/// Holds one way in which a key may be written.
#[derive(Clone)]
struct KeyForm {
    bytes: Vec<u8>,
    is_same: fn(u8, u8) -> bool,
}

impl ApiKey {
    /// Returns a key as read from the environment or a file; the spaces and line ends around it are not part
    /// of it. Returns `None` if there is nothing else.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let forms = if text.len() < SHORTEST_KEY_BYTES {
            Vec::new()
        } else {
            forms(text.as_bytes())
        };
        let text = text.to_owned();
        Some(ApiKey { text, forms })
    }

    /// Returns the key for a sandbox of this process, which accepts any.
    pub fn for_sandbox() -> Self {
        ApiKey {
            text: "sandbox".to_owned(),
            forms: Vec::new(),
        }
    }

    /// Returns `true` if it is too short for an account.
    pub(super) fn is_short(&self) -> bool {
        self.text.len() < SHORTEST_KEY_BYTES
    }

    /// Returns `true` if it has characters that no key of an account has.
    pub(super) fn is_odd(&self) -> bool {
        let is_usual = |byte: u8| byte.is_ascii_graphic() && byte != b'%';
        !self.text.bytes().all(is_usual)
    }

    pub(super) fn reveal(&self) -> &str {
        &self.text
    }

    /// Removes the key from a text that someone else wrote: an API or a proxy that refuses a request may
    /// repeat it, and answers are kept in journal and report.
    ///
    /// It is found as it is, in hexadecimal and in base64, each with any of its characters escaped as JSON,
    /// URLs or HTML do it, even several times over and one within the other.
    pub(super) fn strike_out<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let found = self.find(text);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let (mut struck, mut from) = (Vec::new(), 0);
        for span in found {
            struck.extend_from_slice(&text[from..span.start]);
            struck.extend_from_slice(REPLACEMENT.as_bytes());
            from = span.end;
        }
        struck.extend_from_slice(&text[from..]);
        Cow::Owned(struck)
    }

    /// Returns where the key stands in a text, in order and apart from each other.
    fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        if self.forms.is_empty() {
            return found;
        }
        let mut layer = EscapeLayer::new(text);
        for _ in 0..=MOST_LAYERS {
            layer.find(&self.forms, &mut found);
            match layer.unescaped() {
                Some(next) => layer = next,
                None => break,
            }
        }
        found.sort_unstable_by_key(|span| span.start);
        let mut apart: Vec<Range<usize>> = Vec::new();
        for span in found {
            match apart.last_mut() {
                Some(last) if span.start < last.end => last.end = last.end.max(span.end),
                _ => apart.push(span),
            }
        }
        apart
    }
}

/// A text of which some escapes have been read.
struct EscapeLayer {
    bytes: Vec<u8>,
    /// The place of each byte in the text as it came, and that of the end.
    places: Vec<usize>,
}

impl EscapeLayer {
    fn new(text: &[u8]) -> Self {
        EscapeLayer {
            bytes: text.to_vec(),
            places: (0..=text.len()).collect(),
        }
    }

    /// Adds where one of the forms stands in it.
    fn find(&self, forms: &[KeyForm], found: &mut Vec<Range<usize>>) {
        let mut at = 0;
        while at < self.bytes.len() {
            match forms.iter().find_map(|form| form.at(&self.bytes[at..])) {
                Some(length) => {
                    found.push(self.places[at]..self.places[at + length]);
                    at += length;
                }
                None => at += 1,
            }
        }
    }

    /// Reads each escape once; `None` if there is none.
    fn unescaped(&self) -> Option<EscapeLayer> {
        let mut next = EscapeLayer {
            bytes: Vec::new(),
            places: Vec::new(),
        };
        let mut at = 0;
        while at < self.bytes.len() {
            let rest = &self.bytes[at..];
            let escaped = match rest {
                // Of the others a backslash may be the key's own.
                [b'\\', sign @ (b'\\' | b'/' | b'"' | b'\''), ..] => Some((*sign, 2)),
                [b'\\', b'u' | b'x', ..] => backslash(rest),
                _ => readings(rest)[1].filter(|_| rest[0] != b'\\'),
            };
            let (byte, length) = escaped.unwrap_or((rest[0], 1));
            next.bytes.push(byte);
            next.places.push(self.places[at]);
            at += length;
        }
        next.places.push(*self.places.last()?);
        (next.bytes.len() < self.bytes.len()).then_some(next)
    }
}

fn forms(key: &[u8]) -> Vec<KeyForm> {
    let is_same_letter = |a: u8, b: u8| a.eq_ignore_ascii_case(&b);
    // The alphabets of base64 differ in two characters.
    let is_same_digit = |a: u8, b: u8| {
        let standard = |byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            byte => byte,
        };
        standard(a) == standard(b)
    };
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![
        KeyForm {
            bytes: key.to_vec(),
            is_same: |a, b| a == b,
        },
        KeyForm {
            bytes: hex.into_bytes(),
            is_same: is_same_letter,
        },
    ];
    // After another text, such as `user:`, it is written in one of three ways. Digits that depend on what is
    // around it are left out.
    for before in 0..3 {
        let text = [&[0].repeat(before), key].concat();
        let digits = STANDARD_NO_PAD.encode(&text).into_bytes();
        let first = (before * 8).div_ceil(6);
        let last = text.len() * 8 / 6;
        forms.push(KeyForm {
            bytes: digits[first..last].to_vec(),
            is_same: is_same_digit,
        });
    }
    forms
}

impl KeyForm {
    /// Returns the length of the form at the start of a text, if it is there. What can be read in several
    /// ways, such as a backslash, is read in each of them.
    fn at(&self, text: &[u8]) -> Option<usize> {
        // It begins nearly nowhere.
        let (first, wanted) = (*text.first()?, *self.bytes.first()?);
        if !matches!(first, b'\\' | b'%' | b'&') && !(self.is_same)(first, wanted) {
            return None;
        }
        let mut ends = vec![0];
        for &wanted in &self.bytes {
            let mut next = Vec::new();
            for &end in &ends {
                let rest = &text[end..];
                let lengths = readings(rest)
                    .into_iter()
                    .flatten()
                    .filter(|(read, _)| (self.is_same)(*read, wanted))
                    .map(|(_, length)| length)
                    .chain(backslashes(rest, wanted));
                for length in lengths {
                    if !next.contains(&(end + length)) {
                        next.push(end + length);
                    }
                }
            }
            if next.is_empty() {
                return None;
            }
            ends = next;
        }
        // In JSON a backslash that is left over belongs to what follows.
        let slashes = |end: usize| text[..end].iter().rev().take_while(|byte| **byte == b'\\');
        ends.into_iter()
            .max_by_key(|end| (slashes(*end).count() % 2 == 0, *end))
    }
}

/// Returns what the start of a text may be read as: a character, and how many bytes it takes.
fn readings(text: &[u8]) -> [Option<(u8, usize)>; 2] {
    let Some(&first) = text.first() else {
        return [None, None];
    };
    let escaped = match first {
        b'\\' => backslash(text),
        b'%' => percent(text),
        b'&' => entity(text),
        _ => None,
    };
    [Some((first, 1)), escaped]
}

/// Returns how many backslashes may mean one.
fn backslashes(text: &[u8], wanted: u8) -> impl Iterator<Item = usize> {
    let most = match wanted {
        b'\\' => text.iter().take_while(|byte| **byte == wanted).count(),
        _ => 0,
    };
    (1..=MOST_LAYERS)
        .map(|layer| 1 << layer)
        .filter(move |length| *length <= most)
}

/// Reads `\/`, `\u002f`, `\x2f`, and each after further backslashes.
fn backslash(text: &[u8]) -> Option<(u8, usize)> {
    let slashes = text.iter().take_while(|byte| **byte == b'\\').count();
    let rest = text
        .get(slashes..)
        .filter(|_| slashes <= 1 << MOST_LAYERS)?;
    let code = |digits: usize| {
        let value = number(rest.get(1..=digits)?, 16)?;
        Some((value, slashes + 1 + digits))
    };
    let escaped = match rest.first()? {
        b'u' => code(4),
        b'x' => code(2),
        _ => None,
    };
    escaped.or(Some((*rest.first()?, slashes + 1)))
}

/// Reads `%2F`, `%252F`.
fn percent(text: &[u8]) -> Option<(u8, usize)> {
    let mut at = 1;
    for _ in 0..MOST_LAYERS {
        match text.get(at..at + 2) {
            Some(b"25") if number(text.get(at + 2..at + 4)?, 16).is_some() => at += 2,
            _ => break,
        }
    }
    Some((number(text.get(at..at + 2)?, 16)?, at + 2))
}

/// Reads `&#47;`, `&#x2F;`, `&sol;`, `&amp;#47;`.
fn entity(text: &[u8]) -> Option<(u8, usize)> {
    const LONGEST: usize = 10;
    const NAMES: [(&[u8], u8); 10] = [
        (b"bsol", b'\\'),
        (b"amp", b'&'),
        (b"lt", b'<'),
        (b"gt", b'>'),
        (b"quot", b'"'),
        (b"apos", b'\''),
        (b"sol", b'/'),
        (b"plus", b'+'),
        (b"equals", b'='),
        (b"lowbar", b'_'),
    ];
    let mut at = 1;
    for _ in 0..MOST_LAYERS {
        if text[at..].starts_with(b"amp;#") {
            at += b"amp;".len();
        }
    }
    let end = text[at..]
        .iter()
        .take(LONGEST)
        .position(|byte| *byte == b';')?;
    let name = &text[at..at + end];
    let value = match name {
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16)?,
        [b'#', digits @ ..] => number(digits, 10)?,
        name => NAMES.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((value, at + end + 1))
}

/// Reads digits as one byte.
fn number(digits: &[u8], radix: u32) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    u8::try_from(u32::from_str_radix(text, radix).ok().filter(|_| is_plain)?).ok()
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn struck(key: &str, text: &str) -> String {
        let key = ApiKey::new(key).unwrap();
        String::from_utf8(key.strike_out(text.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn a_key_does_not_show_itself() {
        let key = ApiKey::new(" secret-key\n").unwrap();
        assert_eq!(key.reveal(), "secret-key");
        assert!(!format!("{key:?}").contains("secret"));
        assert!(ApiKey::new(" \n").is_none());
    }

    #[test]
    fn a_key_that_comes_back_is_struck_out() {
        let key = "k-1234567890abcde";
        let of = |text: &str| struck(key, text);
        assert_eq!(
            of("k-1234567890abcde is no key: k-1234567890abcde"),
            "… is no key: …"
        );
        assert_eq!(of("no key"), "no key");
        assert_eq!(of(""), "");
        assert_eq!(of("k-1234567890abcd"), "k-1234567890abcd");
    }

    #[test]
    fn row_43_a_key_is_struck_out_in_any_escaping() {
        let key = "a/b+c=\"d\"&<e>\\f'9_Z";
        let html = |text: &str| {
            text.replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;")
        };
        let quoted = serde_json::to_string(key).unwrap();
        let json = quoted.trim_matches('"');
        let twice = serde_json::to_string(json).unwrap();
        let bytes = key.bytes();
        let percent: String = bytes.clone().map(|b| format!("%{b:02X}")).collect();
        let unicode: String = bytes.clone().map(|b| format!("\\u{b:04x}")).collect();
        let decimal: String = bytes.clone().map(|b| format!("&#{b};")).collect();
        let hexadecimal: String = bytes.map(|b| format!("&#x{b:X};")).collect();
        for written in [
            key.to_owned(),
            json.to_owned(),
            json.replace('/', "\\/"),
            twice.trim_matches('"').to_owned(),
            form_urlencoded::byte_serialize(key.as_bytes()).collect(),
            percent.to_lowercase(),
            percent.replace('%', "%25"),
            percent.clone(),
            unicode.replace('\\', "\\\\"),
            unicode.clone(),
            decimal.replace('&', "&amp;"),
            decimal.replace('&', "&amp;amp;"),
            percent.replace('%', "\\u0025"),
            percent.replace('%', "&#37;"),
            unicode.replace('\\', "%5C"),
            json.replace('\\', "&bsol;").replace('"', "&quot;"),
            html(&html(key)),
            html(&html(&html(key))),
            decimal,
            hexadecimal,
            html(key),
        ] {
            assert_eq!(struck(key, &format!("x {written} y")), "x … y", "{written}");
        }
    }

    #[test]
    fn row_43_a_key_is_struck_out_in_base64_and_hexadecimal() {
        use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
        let key = "fp~secret?key>0123456789";
        for before in ["", "x", "user:", "Bearer "] {
            for after in ["", ":", "\n--"] {
                let text = format!("{before}{key}{after}");
                for written in [
                    STANDARD.encode(&text),
                    URL_SAFE_NO_PAD.encode(&text),
                    STANDARD.encode(&text).replace('/', "\\/"),
                ] {
                    let left = struck(key, &written);
                    assert!(left.contains('…'), "{written}");
                    assert!(left.len() < 24 + before.len() + after.len(), "{left}");
                }
            }
        }
        let hex: String = key.bytes().map(|byte| format!("{byte:02X}")).collect();
        assert_eq!(struck(key, &hex), "…");
        assert_eq!(struck(key, &hex.to_lowercase()), "…");
    }

    #[test]
    fn row_43_a_short_key_rewrites_nothing() {
        let text = "{\"email\":\"max@example.com\"}";
        assert_eq!(struck("x", text), text);
        assert_eq!(struck("example.com", text), text);
        assert!(ApiKey::new("fifteen-letters").unwrap().is_short());
        assert!(!ApiKey::new("sixteen-letters!").unwrap().is_short());
    }

    #[test]
    fn a_key_that_ends_with_backslashes_leaves_json() {
        for key in [
            "0123456789abcdef\\",
            "0123456789abcdef\\\\",
            "0123456789abcdef\\/\\",
        ] {
            for after in ["", "\"", "\\", "\n", "/"] {
                let text = serde_json::to_string(&[format!("{key}{after}")]).unwrap();
                let read: [String; 1] = serde_json::from_str(&struck(key, &text)).unwrap();
                assert!(
                    read[0].starts_with('…') && !read[0].contains(key),
                    "{read:?}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn json_without_the_key_stays_json(
            key in "[!-~]{16,24}", before in "(?s).{0,9}", after in "(?s).{0,9}", slash in any::<bool>()
        ) {
            let text = serde_json::to_string(&[format!("{before}{key}{after}")]).unwrap();
            let text = if slash { text.replace('/', "\\/") } else { text };
            let left = struck(&key, &text);
            prop_assert!(left.contains('…'));
            let read: [String; 1] = serde_json::from_str(&left).unwrap();
            prop_assert!(!read[0].contains(&key));
        }

        #[test]
        fn a_key_in_any_mixture_of_escapes_is_struck_out(
            key in "[0-9A-Za-z/+=_-]{16,40}", ways in prop::collection::vec(0_u8..6, 40)
        ) {
            let escape = |(byte, way): (u8, &u8)| match way {
                0 => format!("%{byte:02x}"),
                1 => format!("\\u{byte:04X}"),
                2 => format!("&#{byte};"),
                3 if !byte.is_ascii_alphanumeric() => format!("\\{}", char::from(byte)),
                _ => char::from(byte).to_string(),
            };
            let text: String = key.bytes().zip(&ways).map(escape).collect();
            prop_assert_eq!(struck(&key, &text), "…");
        }

        #[test]
        fn a_key_in_escapes_of_escapes_is_struck_out(
            key in "[0-9A-Za-z/+=_-]{16,40}", ways in prop::collection::vec(0_u8..5, 40), outer in 0_u8..4
        ) {
            let escape = |byte: u8, way: u8| match way {
                0 => format!("%{byte:02x}"),
                1 => format!("\\u{byte:04X}"),
                2 => format!("&#{byte};"),
                _ => char::from(byte).to_string(),
            };
            let inner: String = key.bytes().zip(&ways).map(|(byte, way)| escape(byte, *way)).collect();
            let is_sign = |byte: u8| !byte.is_ascii_alphanumeric();
            let text: String = inner
                .bytes()
                .map(|byte| escape(byte, if is_sign(byte) { outer } else { 4 }))
                .collect();
            prop_assert_eq!(struck(&key, &text), "…");
        }

        #[test]
        fn any_bytes_are_struck_from_without_a_panic(key in "[!-~]{16,20}", text in prop::collection::vec(prop::sample::select(&b"\\%&#;xu25amp0\xc3"[..]), 0..60)) {
            let key = ApiKey::new(&key).unwrap();
            key.strike_out(&text);
        }
    }
}
