//! The parameters of a call: query string, form and JSON, read into one shape.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

/// The parameters that the sandbox acts on; blank ones are absent. `wid` and the others of the
/// documents are accepted and have no effect here.
#[derive(Debug, Default)]
pub(super) struct Params<'a> {
    pub(super) email: Option<Cow<'a, str>>,
    pub(super) uid: Option<Cow<'a, str>>,
    pub(super) event_id: Option<Cow<'a, str>>,
    pub(super) sale_event_id: Option<Cow<'a, str>>,
    pub(super) amount: Option<Cow<'a, str>>,
    pub(super) currency: Option<Cow<'a, str>>,
    pub(super) plan: Option<Cow<'a, str>>,
    pub(super) promo_code: Option<Cow<'a, str>>,
    pub(super) ref_id: Option<Cow<'a, str>>,
    pub(super) tid: Option<Cow<'a, str>>,
    pub(super) created_at: Option<Cow<'a, str>>,
    pub(super) first_name: Option<Cow<'a, str>>,
    pub(super) last_name: Option<Cow<'a, str>>,
}

impl<'a> Params<'a> {
    /// Reads all there are. The body wins over the query string, the later over the earlier.
    pub(super) fn read(
        query: Option<&'a str>,
        json: bool,
        body: &'a [u8],
    ) -> Result<Params<'a>, String> {
        let mut params = Params::default();
        params.form(query.unwrap_or_default().as_bytes());
        if json {
            params.json(body)?;
        } else {
            params.form(body);
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
        let members: BTreeMap<String, Value> = serde_json::from_slice(body)
            .map_err(|error| format!("The body is not a JSON object: {error}"))?;
        for (name, value) in members {
            let text = match value {
                Value::Null => String::new(),
                Value::String(text) => text,
                other => other.to_string(),
            };
            self.set(&name, Cow::Owned(text));
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: Cow<'a, str>) {
        let field = match name {
            "email" => &mut self.email,
            "uid" => &mut self.uid,
            "event_id" => &mut self.event_id,
            "sale_event_id" => &mut self.sale_event_id,
            "amount" => &mut self.amount,
            "currency" => &mut self.currency,
            "plan" => &mut self.plan,
            "promo_code" => &mut self.promo_code,
            "ref_id" => &mut self.ref_id,
            "tid" => &mut self.tid,
            "created_at" => &mut self.created_at,
            "first_name" => &mut self.first_name,
            "last_name" => &mut self.last_name,
            _ => return,
        };
        *field = (!value.trim().is_empty()).then_some(value);
    }
}

#[cfg(test)]
mod tests {
    use super::Params;

    #[test]
    fn the_body_wins_over_the_query() {
        let params = Params::read(Some("email=a%40x.test&uid=1"), false, b"uid=2&plan=a+b")
            .expect("a form is always readable");
        assert_eq!(params.email.as_deref(), Some("a@x.test"));
        assert_eq!(params.uid.as_deref(), Some("2"));
        assert_eq!(params.plan.as_deref(), Some("a b"));
    }

    #[test]
    fn json_values_become_text() {
        let body = br#"{"amount":6000,"uid":"u","email":null,"custom_fields":{"a":1}}"#;
        let params = Params::read(None, true, body).expect("it is an object");
        assert_eq!(params.amount.as_deref(), Some("6000"));
        assert_eq!(params.uid.as_deref(), Some("u"));
        assert_eq!(params.email, None);
        assert!(Params::read(None, true, b"[1]").is_err());
        assert!(Params::read(None, true, b" ").is_ok());
    }

    #[test]
    fn blank_is_absent() {
        let params = Params::read(None, false, b"email=+&uid=").expect("a form is readable");
        assert_eq!((params.email, params.uid), (None, None));
    }
}
