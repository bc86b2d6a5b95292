//! Names the mistakes that clients are known to make, in plain words. The words are ours: the API's documents show none
//! of these refusals.

use super::call::{ApiVersion, CallKind};
use super::params::Params;

/// The headers of a call that a client may have put a key into.
#[derive(Clone, Copy)]
pub(super) struct KeyHeaders<'h> {
    /// `true` if `x-api-key` is there and not empty.
    pub(super) has_api_key: bool,
    pub(super) authorization: &'h [u8],
    /// `true` if `Account-ID` is there and not empty.
    pub(super) has_account_id: bool,
}

/// Returns what is wrong with a key that is not where the version takes it.
pub(super) fn in_key(version: ApiVersion, headers: KeyHeaders<'_>) -> Option<&'static str> {
    let KeyHeaders {
        has_api_key,
        authorization,
        has_account_id,
    } = headers;
    let scheme = authorization.get(.."Bearer ".len());
    let is_bearer = scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"Bearer "));
    match version {
        ApiVersion::V1 if !has_api_key && !authorization.is_empty() => {
            Some("Version 1 takes the key in the header `x-api-key`, not in `Authorization`.")
        }
        ApiVersion::V1 => None,
        ApiVersion::V2 if authorization.is_empty() && has_api_key => Some(
            "Version 2 takes the key as `Authorization: Bearer KEY`, not in the header `x-api-key`.",
        ),
        ApiVersion::V2 if !authorization.is_empty() && !is_bearer => {
            Some("Version 2 takes the key as `Authorization: Bearer KEY`.")
        }
        ApiVersion::V2 if is_bearer && !has_account_id => {
            Some("Version 2 needs the header `Account-ID` as well.")
        }
        ApiVersion::V2 => None,
    }
}

/// Returns what is wrong with a body that is not in the form that its `Content-Type` says, or that the version takes.
pub(super) fn in_format(version: ApiVersion, is_json: bool, body: &[u8]) -> Option<&'static str> {
    let body = body.trim_ascii();
    match version {
        _ if is_json || body.is_empty() => None,
        ApiVersion::V1 if body.starts_with(b"{") => Some(
            "The body is JSON, and its Content-Type is another one: send `Content-Type: application/json`.",
        ),
        ApiVersion::V1 => None,
        ApiVersion::V2 => {
            Some("Version 2 takes JSON alone: send it with `Content-Type: application/json`.")
        }
    }
}

/// Returns what is wrong with an amount that is not a whole number of cents above zero.
pub(super) fn in_amount(params: &Params<'_>) -> &'static str {
    match params.amount.as_deref() {
        None if params.amount_cents.is_some() => "The parameter is `amount`, not `amount_cents`.",
        Some(text) if text.trim_start().starts_with('-') => {
            "Amounts are above zero, also those of refunds."
        }
        Some(text) if text.contains(['.', ',']) => {
            "Amounts are whole numbers of cents: 4900 for 49.00."
        }
        _ => "",
    }
}

/// Returns what is wrong with a call whose parameters are well formed each by itself.
pub(super) fn in_call(
    version: ApiVersion,
    kind: CallKind,
    params: &Params<'_>,
) -> Option<&'static str> {
    let currency = params.currency.as_deref();
    let is_code = |code: &str| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
    let is_of_money = matches!(kind, CallKind::Sale | CallKind::Refund);
    if is_of_money && currency.is_some_and(|code| !is_code(code)) {
        return Some("Error. Currency invalid: it is a code in upper case, such as USD.");
    }
    if kind == CallKind::Refund
        && params.event_id.is_some()
        && params.event_id == params.sale_event_id
    {
        return Some(
            "Error. Event id invalid: a refund has an id of its own, and names the sale in `sale_event_id`.",
        );
    }
    if version == ApiVersion::V2 && kind == CallKind::Cancellation && params.event_id.is_some() {
        return Some("Error. Version 2 takes no `event_id` on cancellations.");
    }
    if version == ApiVersion::V2 && kind != CallKind::Signup && params.created_at.is_some() {
        return Some("Error. Version 2 takes `created_at` on sign-ups alone.");
    }
    None
}
