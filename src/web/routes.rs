//! Every route there is, each on one line of a table: method, path, who may call it, the handler, and what it is for.
//! Owns the table and how it becomes actix's routes; its lines are in `routes/`, by subject. A line whose handler does not
//! begin with the guard the line names does not build. Refuses anything else: what a route does is its handler's.

mod applications;
mod books;
mod callers;
pub mod line;
mod open;
mod pages;
mod people;
mod supply;
mod system;
mod vault;

use actix_web::web::{self, ServiceConfig};
use actix_web::{Resource, Route, Scope};

use self::line::{Bodies, Line};
use super::dashboard::{self, page};
use super::{data, manage, probes};

/// The management API, by subject.
const API: [fn() -> Vec<Line>; 6] =
    [supply::lines, callers::lines, people::lines, books::lines, vault::lines, system::lines];

/// Where it is.
const API_PREFIX: &str = "/api";

/// Every line, in the order of the documentation.
pub fn table() -> Vec<Line> {
    let api = API.into_iter().flat_map(|lines| lines());
    applications::lines().into_iter().chain(api).chain(pages::lines()).chain(open::lines()).collect()
}

/// What a door for applications shows of what is open.
const PROBES: [&str; 3] = ["/live", "/ready", "/health"];

/// The methods of a place, as `Allow` lists them.
pub struct Allowed(pub String);

/// Puts every route of the table in its place.
pub fn all(config: &mut ServiceConfig) {
    config.configure(for_applications).configure(for_operators);
}

/// What applications call, where operators have an address of their own.
pub fn for_applications(config: &mut ServiceConfig) {
    let (v1beta, v1) = applications::lines().into_iter().partition(|line| line.path.starts_with("/v1beta/"));
    config
        .service(under("/v1", v1, || web::to(data::wrong_method)).default_service(web::to(data::unknown)))
        .service(under("/v1beta", v1beta, || web::to(data::wrong_method)).default_service(web::to(data::unknown)));
    let probes = open::lines().into_iter().filter(|line| PROBES.contains(&line.path));
    put(config, probes.collect());
}

/// What operators call, and the probes once more.
pub fn for_operators(config: &mut ServiceConfig) {
    let api = API.into_iter().flat_map(|lines| lines());
    config.service(
        under(API_PREFIX, api.collect(), || web::to(manage::wrong_method)).default_service(web::to(manage::unknown)),
    );
    for place in places("", pages::lines(), || web::to(dashboard::wrong_method)) {
        config.service(place.wrap(page::headers()));
    }
    put(config, open::lines());
}

fn put(config: &mut ServiceConfig, open: Vec<Line>) {
    for place in places("", open, || web::to(dashboard::wrong_method)) {
        config.service(place);
    }
    config.default_service(web::to(probes::nothing_here));
}

/// What is below `prefix`.
fn under(prefix: &str, lines: Vec<Line>, wrong_method: fn() -> Route) -> Scope {
    let mut scope = web::scope(prefix);
    for place in places(prefix, lines, wrong_method) {
        scope = scope.service(place);
    }
    scope
}

/// One place for each path, in the order of the lines: of two that fit, the first is taken.
fn places(prefix: &str, lines: Vec<Line>, wrong_method: fn() -> Route) -> Vec<Resource> {
    let mut places: Vec<(&str, Vec<Line>)> = Vec::new();
    for line in lines {
        let path = line.path.strip_prefix(prefix).unwrap_or(line.path);
        match places.iter_mut().find(|(known, _)| *known == path) {
            Some((_, lines)) => lines.push(line),
            None => places.push((path, vec![line])),
        }
    }
    let place = |(path, lines): (&str, Vec<Line>)| {
        let allowed = lines.iter().map(Line::methods).collect::<Vec<_>>().join(", ");
        let mut place = web::resource(path).app_data(Allowed(allowed)).default_service(wrong_method());
        if prefix == API_PREFIX {
            place = place.app_data(Bodies::of(&lines));
        }
        lines.into_iter().map(|line| line.route).fold(place, Resource::route)
    };
    places.into_iter().map(place).collect()
}

#[cfg(test)]
mod tests;
