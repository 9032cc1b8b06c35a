//! The answer to a form: the next page, or one that shows a secret once, or what came of a test. Owns where a form may lead.
//! Refuses places that are no pages of ours.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde_json::Value;

use super::fields::Typed;
use super::verdict::VerdictPage;
use crate::web::dashboard::samples::Samples;
use crate::web::dashboard::shell::Shell;
use crate::web::dashboard::{page, refusal};
use crate::web::front;

#[derive(Template)]
#[template(path = "forms/secret.html")]
struct SecretPage {
    shell: Shell,
    next: String,
    secret: String,
    samples: Option<Samples>,
}

/// What the browser gets for an answer of the API that was a success.
pub(super) async fn follow(response: ServiceResponse<BoxBody>, typed: &Typed) -> ServiceResponse<BoxBody> {
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let made: Value =
        body.try_into_bytes().ok().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default();
    let next = place(typed.control("next").unwrap_or("/"), &made);
    let shown = refusal::shell(&request).and_then(|shell| shown(&request, shell, typed, (&made, &next)));
    let mut answer = shown.unwrap_or_else(|| HttpResponse::SeeOther().insert_header((LOCATION, next)).finish());
    for cookie in head.cookies() {
        // A session that was renewed or ended with this call.
        answer.add_cookie(&cookie).ok();
    }
    ServiceResponse::new(request, answer)
}

/// The page that shows what was `made`, if the form asks for one: a secret, or a verdict. It leads on to `next`.
fn shown(request: &HttpRequest, shell: Shell, typed: &Typed, (made, next): (&Value, &str)) -> Option<HttpResponse> {
    let secret = typed.control("reveal").and_then(|field| made.get(field)).and_then(Value::as_str);
    let page = if let Some(secret) = secret {
        let samples = secret.starts_with("sk-ft-").then(|| Samples::new(&front::own_origin(request), secret));
        page::render(StatusCode::OK, &SecretPage { shell, next: next.to_owned(), secret: secret.to_owned(), samples })
    } else {
        page::render(StatusCode::OK, &VerdictPage::new(shell, typed.control("verdict")?, next, made)?)
    };
    let mut page = page.unwrap_or_else(HttpResponse::from_error);
    page::guard(page.headers_mut());
    Some(page)
}

/// The page to go to. A place that is not below one of our own pages is the overview.
fn place(wanted: &str, made: &Value) -> String {
    let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/_-.?=&:%{}".contains(letter);
    let is_ours = wanted.starts_with('/') && !wanted.starts_with("//") && wanted.chars().all(is_plain);
    if is_ours { wanted.replace("{id}", id) } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_form_leads_to_a_page_of_ours() {
        let made = json!({ "id": "prj_1" });
        for (wanted, expected) in [
            ("/keys?project=a", "/keys?project=a"),
            ("/projects/{id}", "/projects/prj_1"),
            ("//evil.test/", "/"),
            ("https://evil.test/", "/"),
            ("/\\evil.test", "/"),
            ("/a\r\nset-cookie: x", "/"),
            ("", "/"),
        ] {
            assert_eq!(place(wanted, &made), expected, "{wanted:?}");
        }
    }
}
