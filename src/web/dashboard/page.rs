//! Pages: a template on its way to a browser, with the headers that let the browser trust nothing but us.
//! Owns what a page may load, for refusals as well. The other headers are those of every answer (`middleware/headers.rs`).

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentType, HeaderMap, HeaderValue};
use actix_web::middleware::DefaultHeaders;
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;

use crate::web::error::{Code, Problem};

/// Nothing but our own files, no frame around us, no form elsewhere; and no text becomes markup or code, for which no script can
/// make an exception (Trusted Types).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// What every answer of the dashboard carries, whatever its status, beside what all answers do.
pub fn headers() -> DefaultHeaders {
    DefaultHeaders::new().add((header::CONTENT_SECURITY_POLICY, POLICY))
}

/// The same, for a page that is not among the dashboard's.
pub fn guard(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
}

/// The page with this status.
///
/// # Errors
/// 500 if the template cannot be written, which is a defect.
pub fn render(status: StatusCode, template: &impl Template) -> Result<HttpResponse, Problem> {
    let html = template.render().map_err(|error| {
        log::error!(error:% = error; "a page could not be written");
        Problem::plain(Code::Internal)
    })?;
    Ok(HttpResponseBuilder::new(status).content_type(ContentType::html()).body(html))
}

/// Sends the browser to another page of ours, perhaps with a cookie.
pub fn see_other(place: &'static str, cookie: Option<Cookie<'static>>) -> HttpResponse {
    let mut answer = HttpResponse::SeeOther();
    answer.insert_header((header::LOCATION, place));
    if let Some(cookie) = cookie {
        answer.cookie(cookie);
    }
    answer.finish()
}
