//! Reads JSON of the API that may have another shape than documented: a field of another kind than expected
//! is ignored, and does not make the whole answer unreadable.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// Holds a value of an answer that is read as a text, a number or a flag. The API writes ids as numbers in
/// one place and as text in another, and leaves out what it does not have.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Scalar {
    /// The value is null or absent.
    #[default]
    Nothing,
    Flag(bool),
    Number(Number),
    Text(String),
    /// The value is a list or an object without anything in it.
    Empty,
    /// The value is another list or object.
    Other,
}

impl Scalar {
    /// Returns `true` if there is a value at all.
    pub(super) fn is_there(&self) -> bool {
        *self != Scalar::Nothing
    }

    /// Returns an id, an email or a name, whether the API writes it as text or as a number; a blank one is
    /// `None`.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Scalar::Number(number) => Some(number.to_string()),
            _ => self
                .word()
                .filter(|text| !text.trim().is_empty())
                .map(str::to_owned),
        }
    }

    /// Returns what is written as text.
    pub(super) fn word(&self) -> Option<&str> {
        match self {
            Scalar::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns a number as it is written, even if that is text.
    pub(super) fn written_number(&self) -> Option<String> {
        match self {
            Scalar::Number(number) => Some(number.to_string()),
            Scalar::Text(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    /// Returns a whole number, however it is written: `50`, `50.0`, `"50"`.
    pub(super) fn whole(&self) -> Option<i64> {
        let written = self.written_number()?;
        let whole = match written.split_once('.') {
            Some((whole, zeros)) if zeros.bytes().all(|digit| digit == b'0') => whole,
            _ => &written,
        };
        whole.parse().ok()
    }

    /// Returns a whole number that is written as one.
    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Scalar::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// Returns a truth value.
    pub(super) fn flag(&self) -> Option<bool> {
        match self {
            Scalar::Flag(flag) => Some(*flag),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalars)
    }
}

struct Scalars;

impl<'de> Visitor<'de> for Scalars {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Nothing)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Flag(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
        Ok(Number::from_f64(value).map_or(Scalar::Nothing, Scalar::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Scalar, A::Error> {
        pass_over_list(elements).map(of_length)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Scalar, A::Error> {
        pass_over_fields(fields).map(of_length)
    }
}

fn of_length(length: usize) -> Scalar {
    match length {
        0 => Scalar::Empty,
        _ => Scalar::Other,
    }
}

/// Holds an object, read as a `T`; `None` if the JSON is anything else.
#[derive(Debug)]
pub(super) struct Object<T>(pub(super) Option<T>);

impl<T> Object<T> {
    /// Returns the object, if there is one.
    pub(super) fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<T> Default for Object<T> {
    fn default() -> Self {
        Object(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Objects(PhantomData))
    }
}

struct Objects<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Objects<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields)).map(|object| Object(Some(object)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Object<T>, A::Error> {
        pass_over_list(elements).map(|_| Object(None))
    }

    fn visit_unit<E>(self) -> Result<Object<T>, E> {
        Ok(Object(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Object<T>, E> {
        Ok(Object(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Object<T>, E> {
        Ok(Object(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Object<T>, E> {
        Ok(Object(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Object<T>, E> {
        Ok(Object(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Object<T>, E> {
        Ok(Object(None))
    }
}

/// Holds a list of objects; `None` if the JSON is anything else.
#[derive(Debug)]
pub(super) struct List<T>(pub(super) Option<Vec<Object<T>>>);

impl<T> Default for List<T> {
    fn default() -> Self {
        List(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Lists(PhantomData))
    }
}

struct Lists<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Lists<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<List<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(List(Some(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<List<T>, A::Error> {
        pass_over_fields(fields).map(|_| List(None))
    }

    fn visit_unit<E>(self) -> Result<List<T>, E> {
        Ok(List(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<List<T>, E> {
        Ok(List(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<List<T>, E> {
        Ok(List(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<List<T>, E> {
        Ok(List(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<List<T>, E> {
        Ok(List(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<List<T>, E> {
        Ok(List(None))
    }
}

/// Skips a list; returns how many elements it has.
fn pass_over_list<'de, A: SeqAccess<'de>>(mut elements: A) -> Result<usize, A::Error> {
    let mut length = 0;
    while elements.next_element::<IgnoredAny>()?.is_some() {
        length += 1;
    }
    Ok(length)
}

/// Skips an object; returns how many fields it has.
fn pass_over_fields<'de, A: MapAccess<'de>>(mut fields: A) -> Result<usize, A::Error> {
    let mut length = 0;
    while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
        length += 1;
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, serde::Deserialize)]
    #[serde(default)]
    struct Lead {
        id: Scalar,
        promoter: Object<Box<Lead>>,
        others: List<Lead>,
    }

    fn lead(json: &str) -> Option<Lead> {
        serde_json::from_str::<Object<Lead>>(json).unwrap().0
    }

    #[test]
    fn a_value_of_another_kind_says_nothing_and_spoils_nothing() {
        for other in ["null", "7", "-7", "1.5", "true", "\"x\"", "[1,{\"id\":2}]"] {
            let json = format!("{{\"promoter\":{other},\"unknown\":{other},\"id\":3}}");
            let lead = lead(&json).unwrap();
            assert!(lead.promoter.get().is_none(), "{other}");
            assert_eq!(lead.id.integer(), Some(3), "{other}");
        }
        for other in ["null", "7", "\"x\"", "{\"a\":[1]}"] {
            let lead = lead(&format!("{{\"others\":{other},\"id\":3}}")).unwrap();
            assert!(lead.others.0.is_none(), "{other}");
            assert_eq!(lead.id.integer(), Some(3), "{other}");
        }
        let mixed = lead("{\"others\":[1,{\"id\":\"a\"},null]}").unwrap();
        let others = mixed.others.0.unwrap();
        let ids = others.iter().filter_map(|one| one.get()?.id.text());
        assert_eq!(ids.collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn only_whole_json_is_read() {
        for none in ["[]", "7", "\"x\"", "null", "true"] {
            assert!(lead(none).is_none(), "{none}");
        }
        for broken in ["{\"id\":7", "{\"promoter\":{}", "{} {}", "", "<html>"] {
            assert!(serde_json::from_str::<Object<Lead>>(broken).is_err());
        }
    }

    #[test]
    fn ids_are_texts_or_numbers_and_blank_is_none() {
        let of = |json: &str| serde_json::from_str::<Scalar>(json).unwrap();
        assert_eq!(of("7").text().as_deref(), Some("7"));
        assert_eq!(of("\"a\"").text().as_deref(), Some("a"));
        assert_eq!(of("\" \"").text(), None);
        assert_eq!(of("1.5").integer(), None);
        assert_eq!(of("true").flag(), Some(true));
        assert!(of("[]").is_there() && of("{}").is_there() && !of("null").is_there());
    }
}
