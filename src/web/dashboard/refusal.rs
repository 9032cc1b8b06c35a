//! Refusals as pages: what went wrong, what to do, and what was typed once more. Owns when a browser gets a page instead of
//! JSON. Refuses to repeat secrets that were typed.

use actix_web::HttpMessage;
use actix_web::HttpRequest;
use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use askama::Template;

use super::labels::label;
use super::page;
use super::shell::Shell;
use super::visitor::Visitor;
use crate::web::error::Problem;
use crate::web::forms::{Typed, path_of};
use crate::web::routes::line::SignedIn;

/// Parts of the names of fields that are not shown again.
const SECRET: [&str; 4] = ["password", "secret", "token", "api_key"];

#[derive(Template)]
#[template(path = "refusal/page.html")]
struct RefusalPage<'a> {
    shell: Option<Shell>,
    problem: &'a Problem,
    id: &'a str,
    form: Option<Again>,
}

/// The form once more.
struct Again {
    action: String,
    hidden: Vec<(String, String)>,
    shown: Vec<Field>,
}

struct Field {
    name: String,
    label: String,
    value: String,
    is_secret: bool,
    is_at_fault: bool,
}

/// Whether a person is to read the answer.
pub fn is_for_people(request: &HttpRequest) -> bool {
    let accepts = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let is_page = !request.path().starts_with("/api/") && accepts.contains("text/html");
    is_page || request.extensions().contains::<Typed>()
}

/// The shell for whoever sent the request; `None` for strangers.
pub fn shell(request: &HttpRequest) -> Option<Shell> {
    Visitor::<SignedIn>::of(request).ok().map(|visitor| visitor.shell())
}

/// The refusal as a page.
pub fn with_page(mut response: ServiceResponse<BoxBody>, problem: &Problem, id: &str) -> ServiceResponse<BoxBody> {
    let form = response.request().extensions_mut().remove::<Typed>().map(|typed| Again::new(&typed, problem));
    let shell = shell(response.request());
    let html = RefusalPage { shell, problem, id, form }.render();
    let html = html.unwrap_or_else(|_| problem.message.clone());
    page::guard(response.headers_mut());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response.map_body(|_, _| BoxBody::new(html))
}

impl Again {
    fn new(typed: &Typed, problem: &Problem) -> Self {
        let (hidden, shown): (Vec<_>, Vec<_>) = typed.fields().partition(|(name, _)| name.starts_with('_'));
        let hidden = hidden.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let fault = problem.param.as_deref().and_then(|param| at_fault(&shown, param));
        let shown = shown.into_iter().map(|(name, value)| Field::new(name, value, fault.as_deref())).collect();
        Self { action: typed.action.clone(), hidden, shown }
    }
}

/// The path of the field that `param` is about: its own, or of what has none, that of its first part.
fn at_fault(fields: &[(&str, &str)], param: &str) -> Option<String> {
    let mut paths = fields.iter().map(|(name, _)| path_of(name));
    let is_part = |path: &&str| path.strip_prefix(param).is_some_and(|rest| rest.starts_with('.'));
    let own = paths.clone().find(|path| *path == param);
    own.or_else(|| paths.find(is_part)).map(str::to_owned)
}

impl Field {
    fn new(name: &str, value: &str, fault: Option<&str>) -> Self {
        let path = path_of(name);
        let is_secret = SECRET.iter().any(|word| path.contains(word));
        Self {
            name: name.to_owned(),
            label: label(path).map_or_else(|| path.replace(['.', '_'], " "), str::to_owned),
            value: if is_secret { String::new() } else { value.to_owned() },
            is_secret,
            is_at_fault: fault == Some(path),
        }
    }
}
