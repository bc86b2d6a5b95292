//! Reads requests, passes them on, and sends the answers.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, LINK,
    SERVER, USER_AGENT,
};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};

use super::account::listing::Paging;
use super::account::{ChangeRequest, CommissionRequest};
use super::admin;
use super::answer::{BodyDelivery, BodyFormat, ServerAnswer};
use super::body::{AnswerBody, ConnectionCut};
use super::call::{self, ApiPath, ApiVersion, CallKind, Change, Requested};
use super::faults::{FaultAction, FaultEffect, Subject};
use super::log::LoggedRequest;
use super::mistakes::{self, KeyHeaders};
use super::moment::Moment;
use super::params::Params;
use super::promoters::stable_hash;
use super::state::ServerState;

/// The greatest size of a body that is read, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// The number of bytes of a larger body that are discarded before the refusal goes out, so that a
/// client that writes first and reads later still receives it.
const DRAIN_LIMIT: usize = 16 << 20;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const ACCOUNT_ID: HeaderName = HeaderName::from_static("account-id");
const TOTAL: HeaderName = HeaderName::from_static("total");
const PER_PAGE: HeaderName = HeaderName::from_static("per-page");

/// A flag that is set if the connection is to be reset instead of closed.
pub(super) type Reset = Rc<Cell<bool>>;

/// Answers one request.
///
/// # Errors
///
/// The connection is to be closed without an answer.
pub(super) async fn serve(
    state: Rc<ServerState>,
    reset: Reset,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, ConnectionCut> {
    let (head, body) = request.into_parts();
    let body = read(body).await?;
    let answer = if head.uri.path().starts_with("/api/") {
        api(&state, &reset, &head, body.as_deref()).await?
    } else {
        match &body {
            Some(body) => admin::answer(&state, &head.method, &head.uri, body),
            None => too_large(),
        }
    };
    if answer.delivery == BodyDelivery::Cut {
        reset.set(true);
    }
    Ok(response(answer))
}

/// Reads the whole body; returns `None` if it is too large.
async fn read(mut body: Incoming) -> Result<Option<Bytes>, ConnectionCut> {
    let mut whole = Vec::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        // The client left in the middle of its request: there is nobody to answer.
        let Ok(data) = frame.map_err(|_| ConnectionCut)?.into_data() else {
            continue;
        };
        if length == 0 && body.is_end_stream() && data.len() <= BODY_LIMIT {
            // The usual case: it came in one piece, which needs no copy.
            return Ok(Some(data));
        }
        length = length.saturating_add(data.len());
        if length > DRAIN_LIMIT {
            break;
        }
        if length <= BODY_LIMIT {
            whole.extend_from_slice(&data);
        }
    }
    Ok((length <= BODY_LIMIT).then(|| whole.into()))
}

/// Handles a request below `/api`: logs it, answers it, and logs the answer.
async fn api(
    state: &ServerState,
    reset: &Reset,
    head: &Parts,
    body: Option<&[u8]>,
) -> Result<ServerAnswer, ConnectionCut> {
    let number = note(state, head, body.unwrap_or_default());
    let answer = match body {
        Some(body) => call(state, reset, head, body, number).await?,
        None => too_large(),
    };
    let latency = state.latency();
    if !latency.is_zero() {
        // Tokio's timers have a resolution of a millisecond and round up twice: 50 ms would be 52.
        futures_timer::Delay::new(latency).await;
    }
    state.log.borrow_mut().answered(number, answer.status);
    Ok(answer)
}

fn note(state: &ServerState, head: &Parts, body: &[u8]) -> usize {
    let has_key = |name: HeaderName| !header(&head.headers, &name).is_empty();
    state.log.borrow_mut().arrived(&LoggedRequest {
        at: state.started.elapsed(),
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query(),
        body,
        content_type: head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes),
        user_agent: head.headers.get(USER_AGENT).map(HeaderValue::as_bytes),
        has_key: has_key(API_KEY) || has_key(AUTHORIZATION),
    })
}

/// Answers a call after checking path and method, key, rate limit, parameters and faults, in this
/// order.
async fn call(
    state: &ServerState,
    reset: &Reset,
    head: &Parts,
    body: &[u8],
    number: usize,
) -> Result<ServerAnswer, ConnectionCut> {
    let call = match admit(state, head) {
        Ok(call) => call,
        Err(refusal) => return Ok(refusal),
    };
    let admitted = Admitted {
        state,
        reset,
        head,
        body,
        number,
        call,
    };
    match call.asked {
        Requested::Track(kind) => admitted.track(kind).await,
        Requested::NewCommission => admitted.new_commission().await,
        Requested::Change(change) => admitted.change(change).await,
        Requested::List(_) | Requested::Lead | Requested::Promoter | Requested::One(_) => {
            admitted.list().await
        }
    }
}

/// A call whose path, method, key and rate are right.
struct Admitted<'c> {
    state: &'c ServerState,
    reset: &'c Reset,
    head: &'c Parts,
    body: &'c [u8],
    /// The number of the request in the log.
    number: usize,
    call: ApiPath,
}

impl Admitted<'_> {
    /// Answers a tracking call.
    async fn track(&self, kind: CallKind) -> Result<ServerAnswer, ConnectionCut> {
        let version = self.call.version;
        let params = match params_of(version, self.head, self.body) {
            Ok(params) => params,
            Err(refusal) => return Ok(refusal),
        };
        let fault = self.fault(params.event_id.as_deref(), || identity(kind, &params));
        let track = || track(self.state, version, kind, &params);
        act(fault, self.reset, track).await
    }

    /// Answers a call that creates a commission.
    async fn new_commission(&self) -> Result<ServerAnswer, ConnectionCut> {
        let new = match CommissionRequest::read(self.body) {
            Ok(new) => new,
            Err(message) => return Ok(ServerAnswer::message(422, &message)),
        };
        let event_id = new.event_id();
        let fault = self.fault(event_id, || stable_hash(event_id.unwrap_or_default()));
        let create = || {
            let mut account = self.state.account.borrow_mut();
            account.create_commission(&new, Moment::now())
        };
        act(fault, self.reset, create).await
    }

    /// Answers a call that changes commissions, leads or payouts.
    async fn change(&self, change: Change) -> Result<ServerAnswer, ConnectionCut> {
        let query = self.head.uri.query();
        let is_json = is_json(&self.head.headers);
        let new = match ChangeRequest::read(change, query, is_json, self.body) {
            Ok(new) => new,
            Err(refusal) => return Ok(refusal),
        };
        let fault = self.fault(new.event_id(), || stable_hash(&new.identity()));
        let carry_out = || self.state.account.borrow_mut().change(&new, Moment::now());
        act(fault, self.reset, carry_out).await
    }

    /// Answers a call that reads a list, or one of its lines.
    async fn list(&self) -> Result<ServerAnswer, ConnectionCut> {
        let query = self.head.uri.query().unwrap_or_default();
        let fault = self.fault(None, || stable_hash(query));
        let query = query_of(self.head, fault.as_ref());
        let list = || list(self.state, self.call, self.head, &query);
        act(fault, self.reset, list).await
    }

    /// Returns the fault that this call meets, if one is set for it. `identity` is the same for each arrival of one call.
    fn fault(&self, event_id: Option<&str>, identity: impl FnOnce() -> u64) -> Option<FaultEffect> {
        let mut faults = self.state.faults.borrow_mut();
        if faults.are_none() {
            return None;
        }
        let subject = Subject {
            asked: self.call.asked,
            event_id,
            identity: identity(),
        };
        let fault = faults.take(subject)?;
        self.state.log.borrow_mut().faulted(self.number, fault.name);
        Some(fault)
    }
}

/// Returns the parameters of a tracking call.
fn params_of<'a>(
    version: ApiVersion,
    head: &'a Parts,
    body: &'a [u8],
) -> Result<Params<'a>, ServerAnswer> {
    let is_json = is_json(&head.headers);
    if let Some(mistake) = mistakes::in_format(version, is_json, body) {
        return Err(ServerAnswer::message(400, mistake));
    }
    let params = Params::read(version, head.uri.query(), is_json, body);
    params.map_err(|message| ServerAnswer::message(400, &message))
}

/// Returns a number that is the same for every arrival of one event, and differs between events.
fn identity(kind: CallKind, params: &Params<'_>) -> u64 {
    let told = [&params.event_id, &params.email, &params.uid]
        .map(|text| text.as_deref().unwrap_or_default());
    let texts = match told {
        ["", email, uid] => format!("{} {email} {uid}", kind.word()),
        [event_id, ..] => format!("{} {event_id}", kind.word()),
    };
    stable_hash(&texts)
}

fn track(
    state: &ServerState,
    version: ApiVersion,
    kind: CallKind,
    params: &Params<'_>,
) -> ServerAnswer {
    let now = Moment::now();
    let answer = state.account.borrow_mut().track(version, kind, params, now);
    // A call whose only effect is that a non-lead was seen matters too: the next answer depends on
    // it.
    if matches!(answer.status, 200 | 204 | 404) {
        let kept = state.keep(|keeper| keeper.note(version, kind, now, params));
        if let Err(error) = kept {
            let message = format!("the state's file can't be written: {error}");
            return ServerAnswer::message(500, &message);
        }
    }
    answer
}

/// Returns the query of a listing, without what a fault lets it ignore.
fn query_of(head: &Parts, fault: Option<&FaultEffect>) -> String {
    let query = head.uri.query().unwrap_or_default();
    let Some(FaultAction::Ignore(parameter)) = fault.map(|fault| &fault.action) else {
        return query.to_owned();
    };
    let is_ignored = |name: &str| {
        let rest = name.strip_prefix(&**parameter);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
    };
    let all = form_urlencoded::parse(query.as_bytes());
    let kept = all.filter(|(name, _)| !is_ignored(name));
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .finish()
}

fn list(state: &ServerState, call: ApiPath, head: &Parts, query: &str) -> ServerAnswer {
    let account = state.account.borrow();
    let path = head.uri.path().strip_prefix("/api/v2/");
    if let Some((list, name)) = path.and_then(call::one)
        && call.asked == Requested::One(list)
    {
        return account.one(list, &decoded(name), query);
    }
    let (answer, paging) = account.list(call, query);
    match paging {
        Some(paging) => paged(answer, &paging, head),
        None => answer,
    }
}

/// Returns a part of a path as it was before it was encoded.
fn decoded(part: &str) -> String {
    // A plus in a path is a plus.
    let form = format!("part={}", part.replace('+', "%2B").replace('&', "%26"));
    let mut pairs = form_urlencoded::parse(form.as_bytes());
    pairs
        .next()
        .map_or(String::new(), |(_, part)| part.into_owned())
}

/// Adds v1's headers: `Total`, `Per-Page`, and a `Link` to the other pages.
fn paged(answer: ServerAnswer, paging: &Paging, head: &Parts) -> ServerAnswer {
    let last = paging.total.div_ceil(paging.per_page).max(1);
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
    let link = |page: usize, rel: &str| {
        let others = form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
            .filter(|(name, _)| name != "page");
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(others)
            .append_pair("page", &page.to_string())
            .finish();
        let host = host.unwrap_or("localhost");
        format!("<http://{host}{}?{query}>; rel=\"{rel}\"", head.uri.path())
    };
    let mut links = Vec::new();
    if paging.page > 1 {
        links.push(link(1, "first"));
        links.push(link(paging.page - 1, "prev"));
    }
    if paging.page < last {
        links.push(link(last, "last"));
        links.push(link(paging.page + 1, "next"));
    }
    let answer = answer
        .with(TOTAL, HeaderValue::from(paging.total))
        .with(PER_PAGE, HeaderValue::from(paging.per_page));
    match HeaderValue::from_str(&links.join(", ")) {
        Ok(value) if !links.is_empty() => answer.with(LINK, value),
        _ => answer,
    }
}

fn admit(state: &ServerState, head: &Parts) -> Result<ApiPath, ServerAnswer> {
    let call = ApiPath::from_path(head.method.as_str(), head.uri.path())
        .ok_or_else(|| ServerAnswer::message(404, "Not found"))?;
    if head.method != call.method() {
        return Err(ServerAnswer::wrong_method(call.method()));
    }
    let key = key(call.version, &head.headers);
    let required = state.require_key.as_deref().map(str::as_bytes);
    if key.is_empty() || required.is_some_and(|required| required != key) {
        return Err(bad_credentials(call, &head.headers));
    }
    if !state.limit.borrow_mut().admit(Instant::now()) {
        return Err(ServerAnswer::message(429, "Too many requests"));
    }
    Ok(call)
}

/// Returns the refusal of a key: v1 and v2's tracking answer with a JSON string; v2's listings are
/// documented to answer without a body.
fn bad_credentials(call: ApiPath, headers: &HeaderMap) -> ServerAnswer {
    match (call.version, call.asked) {
        (
            ApiVersion::V2,
            Requested::List(_)
            | Requested::One(_)
            | Requested::NewCommission
            | Requested::Change(_),
        ) => ServerAnswer::empty(401),
        _ => {
            let has = |name: &HeaderName| !header(headers, name).is_empty();
            let key_headers = KeyHeaders {
                has_api_key: has(&API_KEY),
                authorization: header(headers, &AUTHORIZATION),
                has_account_id: has(&ACCOUNT_ID),
            };
            match mistakes::in_key(call.version, key_headers) {
                Some(mistake) => {
                    ServerAnswer::bare_string(401, &format!("Bad credentials. {mistake}"))
                }
                None => ServerAnswer::bare_string(401, "Bad credentials"),
            }
        }
    }
}

/// Returns the API key. A key of v2 counts only together with an account id.
fn key(version: ApiVersion, headers: &HeaderMap) -> &[u8] {
    match version {
        ApiVersion::V1 => header(headers, &API_KEY),
        ApiVersion::V2 if header(headers, &ACCOUNT_ID).is_empty() => b"",
        ApiVersion::V2 => {
            let value = header(headers, &AUTHORIZATION);
            match value.split_at_checked("Bearer ".len()) {
                Some((scheme, key)) if scheme.eq_ignore_ascii_case(b"Bearer ") => key.trim_ascii(),
                _ => b"",
            }
        }
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h [u8] {
    let value = headers.get(name).map(HeaderValue::as_bytes);
    value.unwrap_or_default().trim_ascii()
}

fn is_json(headers: &HeaderMap) -> bool {
    const JSON: &[u8] = b"application/json";
    let value = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let start = value.and_then(|value| value.get(..JSON.len()));
    start.is_some_and(|start| start.eq_ignore_ascii_case(JSON))
}

/// Answers as usual, or does what the fault says, around or instead of the effect.
async fn act(
    fault: Option<FaultEffect>,
    reset: &Reset,
    answer: impl FnOnce() -> ServerAnswer,
) -> Result<ServerAnswer, ConnectionCut> {
    let Some(fault) = fault else {
        return Ok(answer());
    };
    match fault.action {
        FaultAction::Truncate => return Ok(answer().truncated()),
        FaultAction::Cut => return Ok(answer().delivered(BodyDelivery::Cut)),
        FaultAction::Drip { bytes, pause } => {
            return Ok(answer().delivered(BodyDelivery::Drip { bytes, pause }));
        }
        FaultAction::Delay(delay) if fault.after_effect => {
            let answer = answer();
            tokio::time::sleep(delay).await;
            return Ok(answer);
        }
        FaultAction::Delay(delay) => {
            tokio::time::sleep(delay).await;
            return Ok(answer());
        }
        FaultAction::Ignore(_) => return Ok(answer()),
        _ if fault.after_effect => {
            answer();
        }
        _ => {}
    }
    match fault.action {
        FaultAction::Answer(answer) => Ok(answer),
        FaultAction::Huge(bytes) => {
            Ok(ServerAnswer::empty(200).delivered(BodyDelivery::Huge(bytes)))
        }
        FaultAction::Reset => {
            reset.set(true);
            Err(ConnectionCut)
        }
        FaultAction::Drop(hold) => {
            tokio::time::sleep(hold).await;
            Err(ConnectionCut)
        }
        _ => Err(ConnectionCut),
    }
}

fn too_large() -> ServerAnswer {
    ServerAnswer::message(413, "The body is larger than 1 MiB")
        .with(CONNECTION, HeaderValue::from_static("close"))
}

fn response(answer: ServerAnswer) -> Response<AnswerBody> {
    let body = match answer.delivery {
        BodyDelivery::Whole => AnswerBody::Whole(answer.body.into()),
        BodyDelivery::Cut => AnswerBody::cut(answer.body),
        BodyDelivery::Drip { bytes, pause } => AnswerBody::drip(answer.body, bytes, pause),
        BodyDelivery::Huge(left) => AnswerBody::Huge { left },
    };
    let mut response = Response::new(body);
    // Every status is a constant of the code, or was checked when its fault was added.
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    // So that nobody mistakes it for the real API.
    headers.insert(SERVER, HeaderValue::from_static("fprecon-sandbox"));
    let format = match answer.format {
        BodyFormat::Nothing => None,
        BodyFormat::Json => Some("application/json; charset=utf-8"),
        BodyFormat::Html => Some("text/html; charset=utf-8"),
    };
    if let Some(format) = format {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(format));
    }
    headers.extend(answer.headers);
    response
}
