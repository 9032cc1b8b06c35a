//! Forms: a page's form becomes the API call it stands for, so that every action works without JavaScript and none exists twice.
//! Owns the way from `POST /forms/api/…` to that call, and from its answer to the next page. Refuses to know any action: who
//! may do what, which fields there are and what is on record is the API's, which sees the call as it sees every other.
//!
//! Fields that begin with `_` steer: `_csrf`, `_method`, `_version` (goes out as `If-Match`), `_next` (the page to go to; `{id}`
//! is the id of what was made), `_reveal` (the field of the answer that is a secret and shown once), `_verdict` (the answer says
//! what came of a test; the value is what its page is called) and `_place.…` (where an item of a list stands). All others are
//! the body; `fields.rs` says how. Whoever accepts JSON only, as our scripts do, gets the API's own answer.

mod answer;
mod fields;
mod places;
mod verdict;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, IF_MATCH};
use actix_web::http::{Method, Uri};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};
use bytes::Bytes;

use super::dashboard::origin;
use super::error::{Code, Problem};
use super::extract::body;
use super::extract::who::CSRF;
use super::routes::line::JSON;
pub use fields::{Typed, path_of};

const PREFIX: &str = "/forms";
const MAX_BYTES: usize = 64 * 1024;

/// Whether a form of a page is sent.
pub fn is_form(request: &ServiceRequest) -> bool {
    request.method() == Method::POST && api_path(request.path()).is_some()
}

/// Makes the call the form stands for, and answers as a browser needs it.
///
/// # Errors
/// What the inner layers could not turn into an answer.
pub async fn serve(
    mut request: ServiceRequest,
    next: &Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Err(problem) = origin::own_form(request.request()) {
        return Ok(request.error_response(problem));
    }
    let typed = match read(&mut request).await.and_then(|typed| turn(&mut request, &typed).map(|()| typed)) {
        Ok(typed) => typed,
        Err(problem) => return Ok(request.error_response(problem)),
    };
    let is_script = wants_json(request.request());
    if !is_script {
        request.extensions_mut().insert(typed.clone());
    }
    let response = next.call(request).await?.map_into_boxed_body();
    if is_script || !response.status().is_success() {
        return Ok(response);
    }
    Ok(answer::follow(response, &typed).await)
}

fn api_path(path: &str) -> Option<&str> {
    path.strip_prefix(PREFIX).filter(|rest| rest.starts_with("/api/"))
}

fn wants_json(request: &HttpRequest) -> bool {
    request.headers().get(ACCEPT).is_some_and(|accept| accept == JSON)
}

async fn read(request: &mut ServiceRequest) -> Result<Typed, Problem> {
    let payload = request.extract::<web::Payload>().await.map_err(|_| Problem::plain(Code::Internal))?;
    let body = body::read(request.request(), payload, MAX_BYTES).await?;
    let text = std::str::from_utf8(&body).map_err(|_| no_form())?;
    let fields = web::Query::<Vec<(String, String)>>::from_query(text).map_err(|_| no_form())?;
    let action = request.uri().path_and_query().map_or_else(|| request.path(), |whole| whole.as_str());
    Ok(Typed::new(action, fields.into_inner()))
}

fn no_form() -> Problem {
    Problem::new(Code::InvalidValue, "the body is not a form")
}

/// Turns the request into the call. The session's word against other sites' forms is checked where every call's is; that no
/// other site signs somebody in, where there is no session yet, has been checked before.
fn turn(request: &mut ServiceRequest, typed: &Typed) -> Result<(), Problem> {
    let whole = request.uri().path_and_query().map_or_else(|| request.path(), |whole| whole.as_str());
    let uri: Uri = api_path(whole).unwrap_or_default().parse().map_err(|_| Problem::plain(Code::NotFound))?;
    let method = typed.control("method").unwrap_or("POST");
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| no_form())?;
    let body = Bytes::from(typed.body().to_string());
    set(request, CONTENT_LENGTH, &body.len().to_string())?;
    set(request, CONTENT_TYPE, JSON)?;
    set(request, HeaderName::from_static(CSRF), typed.control("csrf").unwrap_or_default())?;
    if let Some(version) = typed.control("version") {
        set(request, IF_MATCH, version)?;
    }
    request.match_info_mut().get_mut().update(&uri);
    request.head_mut().uri = uri;
    request.head_mut().method = method;
    let (_, mut payload) = actix_http::h1::Payload::create(true);
    payload.unread_data(body);
    request.set_payload(Payload::from(payload));
    Ok(())
}

fn set(request: &mut ServiceRequest, name: HeaderName, value: &str) -> Result<(), Problem> {
    let value = HeaderValue::from_str(value).map_err(|_| no_form())?;
    request.headers_mut().insert(name, value);
    Ok(())
}
