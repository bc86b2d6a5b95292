//! The parameters of a call: query string, form and JSON, read into one type.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::call::ApiVersion;

type ParamText<'a> = Option<Cow<'a, str>>;

/// The parameters that the sandbox uses; blank ones are absent. `wid` and other documented ones are
/// accepted and have no effect here.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Params<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: ParamText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uid: ParamText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event_id: ParamText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sale_event_id: ParamText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) amount: ParamText<'a>,
    /// A name that the API does not know, for a plain word about it.
    #[serde(skip)]
    pub(super) amount_cents: ParamText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) currency: ParamText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plan: ParamText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) promo_code: ParamText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ref_id: ParamText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tid: ParamText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) promoter_email: ParamText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) override_existing_lead: ParamText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created_at: ParamText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_name: ParamText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_name: ParamText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) username: ParamText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) website: ParamText<'a>,
}

impl<'a> Params<'a> {
    /// Reads all parameters. v1 takes a query string, a form and JSON; the body overrides the query
    /// string, and later values override earlier ones. v2 is documented with JSON only, and reads
    /// nothing else.
    pub(super) fn read(
        version: ApiVersion,
        query: Option<&'a str>,
        json: bool,
        body: &'a [u8],
    ) -> Result<Params<'a>, String> {
        let mut params = Params::default();
        if version == ApiVersion::V1 {
            params.form(query.unwrap_or_default().as_bytes());
        }
        match (version, json) {
            (_, true) => params.json(body)?,
            (ApiVersion::V1, false) => params.form(body),
            (ApiVersion::V2, false) => {}
        }
        Ok(params)
    }

    fn form(&mut self, text: &'a [u8]) {
        for (name, value) in form_urlencoded::parse(text) {
            self.set(&name, value);
        }
    }

    fn json(&mut self, body: &'a [u8]) -> Result<(), String> {
        if body.trim_ascii().is_empty() {
            return Ok(());
        }
        let mut reader = serde_json::Deserializer::from_slice(body);
        Members(self)
            .deserialize(&mut reader)
            .and_then(|()| reader.end())
            .map_err(|error| format!("The body is not a JSON object: {error}"))
    }

    fn set(&mut self, name: &str, value: Cow<'a, str>) {
        let field = match name {
            "email" => &mut self.email,
            "uid" => &mut self.uid,
            "event_id" => &mut self.event_id,
            "sale_event_id" => &mut self.sale_event_id,
            "amount" => &mut self.amount,
            "amount_cents" => &mut self.amount_cents,
            "currency" => &mut self.currency,
            "plan" => &mut self.plan,
            "promo_code" => &mut self.promo_code,
            "ref_id" => &mut self.ref_id,
            "tid" => &mut self.tid,
            "promoter_email" => &mut self.promoter_email,
            "override_existing_lead" => &mut self.override_existing_lead,
            "created_at" => &mut self.created_at,
            "first_name" => &mut self.first_name,
            "last_name" => &mut self.last_name,
            "username" => &mut self.username,
            "website" => &mut self.website,
            _ => return,
        };
        *field = (!value.trim().is_empty()).then_some(value);
    }
}

/// Reads the members of an object one by one, without building a tree of them.
struct Members<'p, 'a>(&'p mut Params<'a>);

impl<'de> DeserializeSeed<'de> for Members<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object of parameters")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<(), M::Error> {
        while let Some(Name(name)) = members.next_key()? {
            let Value(value) = members.next_value()?;
            self.0.set(&name, value);
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// A value as text: strings unchanged, null, lists and objects as an empty text, everything else as
/// its JSON.
struct Value<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Value<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a value")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
                Ok(Value(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
                Ok(Value(Cow::Owned(text.to_owned())))
            }

            fn visit_unit<E>(self) -> Result<Value<'de>, E> {
                Ok(Value(Cow::Borrowed("")))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
                Ok(Value(Cow::Borrowed(if value { "true" } else { "false" })))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
                Ok(Value(Cow::Owned(value.to_string())))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
                Ok(Value(Cow::Owned(value.to_string())))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Value<'de>, E> {
                // Never an integer's digits: `10.0` is not a valid amount.
                Ok(Value(Cow::Owned(format!("{value:?}"))))
            }

            fn visit_seq<S: serde::de::SeqAccess<'de>>(
                self,
                mut items: S,
            ) -> Result<Value<'de>, S::Error> {
                while items.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                Ok(Value(Cow::Borrowed("")))
            }

            fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<Value<'de>, M::Error> {
                use serde::de::IgnoredAny;
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Value(Cow::Borrowed("")))
            }
        }
        reader.deserialize_any(Texts)
    }
}

#[cfg(test)]
mod tests {
    use super::{ApiVersion, Params};

    #[test]
    fn the_body_wins_over_the_query() {
        let query = Some("email=a%40x.test&uid=1");
        let params = Params::read(ApiVersion::V1, query, false, b"uid=2&plan=a+b")
            .expect("a form is always readable");
        assert_eq!(params.email.as_deref(), Some("a@x.test"));
        assert_eq!(params.uid.as_deref(), Some("2"));
        assert_eq!(params.plan.as_deref(), Some("a b"));
    }

    #[test]
    fn json_values_become_text() {
        let body = br#"{"amount":6000,"uid":"u\n","email":null,"custom_fields":{"a":[1]},
                        "override_existing_lead":true,"plan":10.0,"event_id":["x"]}"#;
        let params = Params::read(ApiVersion::V1, None, true, body).expect("it is an object");
        assert_eq!(params.amount.as_deref(), Some("6000"));
        assert_eq!(params.uid.as_deref(), Some("u\n"));
        assert_eq!(params.email, None);
        assert_eq!(params.override_existing_lead.as_deref(), Some("true"));
        assert_eq!(params.plan.as_deref(), Some("10.0"));
        assert_eq!(params.event_id, None);
        for bad in [&b"[1]"[..], b"{", b"{} {}", b"{\"a\":1,}", b"\xff"] {
            assert!(Params::read(ApiVersion::V1, None, true, bad).is_err());
        }
        assert!(Params::read(ApiVersion::V1, None, true, b" ").is_ok());
    }

    #[test]
    fn blank_is_absent() {
        let params =
            Params::read(ApiVersion::V1, None, false, b"email=+&uid=").expect("a form is readable");
        assert_eq!((params.email, params.uid), (None, None));
    }

    #[test]
    fn v2_reads_json_alone() {
        let params = Params::read(ApiVersion::V2, Some("uid=1"), false, b"uid=2");
        assert_eq!(params.expect("nothing is read").uid, None);
        let params = Params::read(ApiVersion::V2, Some("email=a"), true, br#"{"uid":"3"}"#)
            .expect("it is an object");
        assert_eq!((params.email, params.uid.as_deref()), (None, Some("3")));
    }
}
