//! The playground: one prompt to any model a key may use, by the same door as applications. Owns what can be chosen.
//! Refuses a way around limits and budgets: the page asks for a short-lived token of the chosen key and calls with it.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use farthing_actors::keyring::ring::KeyState;

use super::page;
use super::shell::Shell;
use super::visitor::Visitor;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::ManageKeys;

/// More than one chooses from a list.
const MOST: usize = 500;

#[derive(Template)]
#[template(path = "playground/page.html")]
struct PlaygroundPage {
    shell: Shell,
    keys: Vec<Choice>,
    models: Vec<String>,
}

/// A key one can call with, and the project it charges.
struct Choice {
    id: String,
    name: String,
    project: String,
}

/// GET `/playground`.
///
/// # Errors
/// If the page cannot be written.
pub async fn show(visitor: Visitor<ManageKeys>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    let (keys, catalogue, now) = (gateway.admin.keys(), gateway.admin.catalogue(), gateway.clock.now());
    let open = keys.keys().rev().filter(|key| key.state(now) == KeyState::Active);
    let choice = |key: &std::sync::Arc<farthing_actors::keyring::ring::AuthorizedKey>| Choice {
        id: key.key.id.to_string(),
        name: key.key.name.clone(),
        project: key.project.name.clone(),
    };
    let groups = catalogue.groups().map(|group| group.name.to_string());
    let models: BTreeSet<String> = catalogue.models().iter().map(ToString::to_string).chain(groups).collect();
    let page = PlaygroundPage {
        shell: visitor.shell(),
        keys: open.take(MOST).map(choice).collect(),
        models: models.into_iter().take(MOST).collect(),
    };
    page::render(StatusCode::OK, &page)
}
