//! CORS: pages of listed sites that call the data plane with a key of their own.
//! Owns the answer to a browser that asks first. Refuses every site that is not listed to the letter, cookies, and
//! everything but the data plane: whoever is refused gets an answer without these headers, which the browser then keeps
//! to itself.

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::web::Gateway;
use crate::web::data::dialect_of;

/// How long a browser remembers the answer, in seconds; Chromium takes no more than two hours.
const REMEMBERED: &str = "7200";

/// What scripts may read of an answer.
const READABLE: &str = "x-farthing-request-id, x-farthing-cost, x-farthing-provider, x-farthing-model, x-farthing-cache, \
                        x-farthing-attempts, retry-after, idempotent-replayed, x-ratelimit-limit-requests, \
                        x-ratelimit-remaining-requests, x-ratelimit-reset-requests, x-ratelimit-limit-tokens, \
                        x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens";

/// The answer to a browser that asks whether a page may call us; it has no key yet.
pub(super) fn preflight(request: &ServiceRequest) -> Option<HttpResponse> {
    let headers = request.headers();
    if *request.method() != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let origin = listed(request.request())?;
    let mut answer = HttpResponse::NoContent();
    answer
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, origin))
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"))
        .insert_header((ACCESS_CONTROL_MAX_AGE, REMEMBERED))
        .insert_header((VARY, "Origin"));
    // A header that means nothing to us does no harm.
    if let Some(asked) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert_header((ACCESS_CONTROL_ALLOW_HEADERS, asked.clone()));
    }
    Some(answer.finish())
}

/// Lets the page that asked read the answer.
pub(super) fn allow(response: &mut ServiceResponse) {
    let Some(origin) = listed(response.request()) else { return };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(READABLE));
    headers.append(VARY, HeaderValue::from_static("Origin"));
}

/// The site whose page sends the request, if it is listed and calls the data plane.
fn listed(request: &HttpRequest) -> Option<HeaderValue> {
    let origin = request.headers().get(ORIGIN)?;
    let gateway = request.app_data::<web::Data<Gateway>>()?;
    let admitted = origin.to_str().is_ok_and(|origin| gateway.front.admits_pages_of(origin));
    (admitted && dialect_of(request).is_some()).then(|| origin.clone())
}
