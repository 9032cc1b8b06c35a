//! Headers that every answer carries, so that browsers and caches take nothing for what it is not.
//! Owns which of them go where: the data plane's answers are for programs and stay short. Refuses to replace what a
//! handler has set: pages and assets know better.

use actix_web::dev::ServiceResponse;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};

use crate::web::data::dialect_of;
use crate::web::front;

/// For every answer.
const NO_GUESSING: (HeaderName, &str) = (X_CONTENT_TYPE_OPTIONS, "nosniff");

/// For whoever came by TLS: a year, as browsers' lists want it.
const ONLY_TLS: (HeaderName, &str) = (STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");

/// For everything but the data plane.
const CLOSED: [(HeaderName, &str); 7] = [
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (REFERRER_POLICY, "no-referrer"),
    (VARY, "Authorization, Cookie"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    ),
];

/// Adds what is not there yet.
pub(super) fn add(response: &mut ServiceResponse) {
    let is_for_programs = dialect_of(response.request()).is_some();
    let by_tls = front::is_https(response.request()).then_some(ONLY_TLS);
    let closed = CLOSED.into_iter().filter(|_| !is_for_programs);
    let headers = response.headers_mut();
    for (name, value) in closed.chain(by_tls).chain([NO_GUESSING]) {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}
