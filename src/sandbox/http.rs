//! What a request is, who answers it, and how the answer goes out.

use std::fmt;
use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use jiff::Timestamp;

use super::account::Kind;
use super::admin;
use super::answer::{Answer, Format};
use super::faults::{Action, Fault};
use super::log::Seen;
use super::params::Params;
use super::state::State;

/// The largest body that is read.
const BODY_LIMIT: usize = 1 << 20;

/// How much of a larger one is thrown away before the refusal goes out, so that a client that
/// writes first and reads later still gets to see it.
const DRAIN_LIMIT: usize = 16 << 20;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The connection is to be closed without an answer.
#[derive(Debug)]
pub(super) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closed without an answer")
    }
}

impl std::error::Error for Cut {}

/// Answers one request. An error closes the connection without an answer.
pub(super) async fn serve(
    state: Rc<State>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Cut> {
    let (head, body) = request.into_parts();
    let body = read(body).await?;
    let answer = if head.uri.path().starts_with("/api/") {
        api(&state, &head, body.as_deref()).await?
    } else {
        match &body {
            Some(body) => admin::answer(&state, &head.method, &head.uri, body),
            None => too_large(),
        }
    };
    Ok(response(answer))
}

/// The whole body; `None` if it is too large.
async fn read(mut body: Incoming) -> Result<Option<Vec<u8>>, Cut> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut whole = Vec::with_capacity(announced.min(BODY_LIMIT));
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        // The client left in the middle of its request: nothing can be answered.
        let Ok(data) = frame.map_err(|_| Cut)?.into_data() else {
            continue;
        };
        length = length.saturating_add(data.len());
        if length > DRAIN_LIMIT {
            break;
        }
        if length <= BODY_LIMIT {
            whole.extend_from_slice(&data);
        }
    }
    Ok((length <= BODY_LIMIT).then_some(whole))
}

/// A request below `/api`: noted, answered, and its answer noted.
async fn api(state: &State, head: &Parts, body: Option<&[u8]>) -> Result<Answer, Cut> {
    let number = note(state, head, body.unwrap_or_default());
    let answer = match body {
        Some(body) => call(state, head, body).await?,
        None => too_large(),
    };
    if !state.options.latency.is_zero() {
        tokio::time::sleep(state.options.latency).await;
    }
    state.log.borrow_mut().answered(number, answer.status);
    Ok(answer)
}

fn note(state: &State, head: &Parts, body: &[u8]) -> usize {
    state.log.borrow_mut().arrived(&Seen {
        at: state.started.elapsed(),
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query(),
        body,
        content_type: head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes),
        user_agent: head.headers.get(USER_AGENT).map(HeaderValue::as_bytes),
        has_key: !key(&head.headers).is_empty(),
    })
}

/// Path and method, then key, then rate, then parameters, then faults, then the account.
async fn call(state: &State, head: &Parts, body: &[u8]) -> Result<Answer, Cut> {
    let kind = match admit(state, head) {
        Ok(kind) => kind,
        Err(refusal) => return Ok(refusal),
    };
    let params = match Params::read(head.uri.query(), is_json(&head.headers), body) {
        Ok(params) => params,
        Err(message) => return Ok(Answer::message(400, &message)),
    };
    let track = || {
        let mut account = state.account.borrow_mut();
        account.track(kind, &params, Timestamp::now())
    };
    let event_id = params.event_id.as_deref();
    let fault = state.faults.borrow_mut().take(kind, event_id);
    match fault {
        None => Ok(track()),
        Some(fault) => misbehave(fault, track).await,
    }
}

fn admit(state: &State, head: &Parts) -> Result<Kind, Answer> {
    let kind = kind_of(head.uri.path()).ok_or_else(|| Answer::message(404, "Not found"))?;
    if head.method != Method::POST {
        return Err(Answer::wrong_method("POST"));
    }
    let key = key(&head.headers);
    let required = state.options.require_key.as_deref().map(str::as_bytes);
    if key.is_empty() || required.is_some_and(|required| required != key) {
        return Err(Answer::bare_string(401, "Bad credentials"));
    }
    if !state.limit.borrow_mut().admit(Instant::now()) {
        return Err(Answer::message(429, "Too many requests"));
    }
    Ok(kind)
}

fn kind_of(path: &str) -> Option<Kind> {
    match path.strip_prefix("/api/v1/track/")? {
        "signup" => Some(Kind::Signup),
        "sale" => Some(Kind::Sale),
        "refund" => Some(Kind::Refund),
        "cancellation" => Some(Kind::Cancellation),
        _ => None,
    }
}

fn key(headers: &HeaderMap) -> &[u8] {
    let value = headers.get(API_KEY).map(HeaderValue::as_bytes);
    value.unwrap_or_default().trim_ascii()
}

fn is_json(headers: &HeaderMap) -> bool {
    const JSON: &[u8] = b"application/json";
    let value = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let start = value.and_then(|value| value.get(..JSON.len()));
    start.is_some_and(|start| start.eq_ignore_ascii_case(JSON))
}

/// Does what the fault says, around or instead of the effect.
async fn misbehave(fault: Fault, track: impl FnOnce() -> Answer) -> Result<Answer, Cut> {
    let after = fault.after_effect;
    match fault.action {
        Action::Status(answer) => {
            if after {
                track();
            }
            Ok(answer)
        }
        Action::Close => {
            if after {
                track();
            }
            Err(Cut)
        }
        Action::Truncate => Ok(track().truncated()),
        Action::Delay(delay) if after => {
            let answer = track();
            tokio::time::sleep(delay).await;
            Ok(answer)
        }
        Action::Delay(delay) => {
            tokio::time::sleep(delay).await;
            Ok(track())
        }
    }
}

fn too_large() -> Answer {
    Answer::message(413, "The body is larger than 1 MiB")
        .with(CONNECTION, HeaderValue::from_static("close"))
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    // Every status is a constant of the code, or was checked when its fault came in.
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let format = match answer.format {
        Format::Nothing => None,
        Format::Json => Some("application/json; charset=utf-8"),
        Format::Html => Some("text/html; charset=utf-8"),
    };
    if let Some(format) = format {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(format));
    }
    headers.extend(answer.headers);
    response
}
