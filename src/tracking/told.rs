//! What of a JSON answer is read: it has to be whole, and most of its fields are passed over.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// A value of an answer. What is not there, or is of another kind than expected, tells nothing: the
/// API writes ids as numbers here and as text there, and leaves out what it does not have.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Told {
    /// Null, or not there.
    #[default]
    Nothing,
    Flag(bool),
    Number(Number),
    Text(String),
    List(Vec<Told>),
    /// In the answer's order; of two with one name the last one counts, as in JSON elsewhere.
    Fields(Vec<(&'static str, Told)>),
}

/// The fields of objects that are read, at whatever depth.
const FIELDS: [&str; 11] = [
    "id",
    "promoter",
    "email",
    "default_ref_id",
    "reward",
    "unit",
    "amount",
    "commissions",
    "tier",
    "promoter_campaign",
    "ref_token",
];

impl Told {
    /// A field of an object: one of [`FIELDS`].
    pub(super) fn of(&self, name: &'static str) -> &Told {
        const NOTHING: &Told = &Told::Nothing;
        debug_assert!(FIELDS.contains(&name), "{name} is not read");
        let Told::Fields(fields) = self else {
            return NOTHING;
        };
        let field = fields.iter().rev().find(|(field, _)| *field == name);
        field.map_or(NOTHING, |(_, value)| value)
    }

    /// The elements of a list.
    pub(super) fn list(&self) -> Option<&[Told]> {
        match self {
            Told::List(list) => Some(list),
            _ => None,
        }
    }

    pub(super) fn is_object(&self) -> bool {
        matches!(self, Told::Fields(_))
    }

    /// An id, an email or a name, whether the API writes it as text or as a number; blank is none.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Told::Number(number) => Some(number.to_string()),
            _ => self
                .word()
                .filter(|text| !text.trim().is_empty())
                .map(str::to_owned),
        }
    }

    /// What is written as text.
    pub(super) fn word(&self) -> Option<&str> {
        match self {
            Told::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number.
    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Told::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    pub(super) fn flag(&self) -> Option<bool> {
        match self {
            Told::Flag(flag) => Some(*flag),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Told;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Told, E> {
        Ok(Told::Nothing)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Told, E> {
        Ok(Told::Flag(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Told, E> {
        Ok(Told::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Told, E> {
        Ok(Told::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Told, E> {
        Ok(Number::from_f64(value).map_or(Told::Nothing, Told::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Told, E> {
        Ok(Told::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Told, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Told::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Told, A::Error> {
        let mut fields = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            match name {
                Some(name) => fields.push((name, map.next_value()?)),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Told::Fields(fields))
    }
}

/// The name of a field, if it is one of [`FIELDS`].
struct Name(Option<&'static str>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(Names).map(Name)
    }
}

struct Names;

impl Visitor<'_> for Names {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(FIELDS.into_iter().find(|field| *field == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: i64) -> Told {
        Told::Number(number.into())
    }

    #[test]
    fn of_an_answer_only_what_is_read_is_kept() {
        let body = br#"{"id":7,"lead":{"id":1,"email":"x"},"reward":{"amount":-2,"unit":"cash","per":1.5},
            "commissions":[{"tier":1,"metadata":[{"id":3}],"promoter_campaign":{"ref_token":"n\u00f8ra",
            "promoter":{"email":null,"tier":1.5,"unit":true}}}]}"#;
        let told: Told = serde_json::from_slice(body).unwrap();
        let promoter = Told::Fields(vec![
            ("email", Told::Nothing),
            ("tier", Told::Number(Number::from_f64(1.5).unwrap())),
            ("unit", Told::Flag(true)),
        ]);
        let campaign = Told::Fields(vec![
            ("ref_token", Told::Text("nøra".to_owned())),
            ("promoter", promoter),
        ]);
        let reward = vec![
            ("amount", number(-2)),
            ("unit", Told::Text("cash".to_owned())),
        ];
        let commission = vec![("tier", number(1)), ("promoter_campaign", campaign)];
        let expected = Told::Fields(vec![
            ("id", number(7)),
            ("reward", Told::Fields(reward)),
            ("commissions", Told::List(vec![Told::Fields(commission)])),
        ]);
        assert_eq!(told, expected);
        for broken in [&b"{\"id\":7"[..], b"{\"lead\":{}", b"{} {}"] {
            assert!(serde_json::from_slice::<Told>(broken).is_err());
        }
    }

    #[test]
    fn what_is_of_another_kind_tells_nothing() {
        let body = br#"{"id":[],"promoter":7,"email":" ","amount":1.5,"unit":"a","unit":"b"}"#;
        let told: Told = serde_json::from_slice(body).unwrap();
        assert_eq!(told.of("id").text(), None);
        assert_eq!(told.of("promoter").of("email"), &Told::Nothing);
        assert_eq!(told.of("promoter").text().as_deref(), Some("7"));
        assert_eq!(told.of("email").text(), None);
        assert_eq!(told.of("amount").integer(), None);
        assert_eq!(told.of("unit").word(), Some("b"));
        assert_eq!(told.of("tier").flag(), None);
    }
}
