//! What requests did, for the audit trail: every read and every refusal of the management API, and callers of the data plane
//! who are not let in. Owns which they are and what they are called.
//! Refuses to record changes: those have their event in their own transaction.

use std::time::Duration;

use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode};
use actix_web::web;
use farthing_actors::domain::Effect;

use crate::relay::millis;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::author::remembered;

const MANAGEMENT: &str = "/api";
/// Questions that have a body.
const ASKED_BY_POST: [&str; 3] = ["/api/routes/explain", "/api/ledger/reconcile", "/api/providers/{id}/test"];

/// Notes what came of a request, if it is to be on record and is not yet.
pub(super) fn note(response: &ServiceResponse, problem: Option<&Problem>, took: Duration) {
    let request = response.request();
    let Some(gateway) = request.app_data::<web::Data<Gateway>>() else { return };
    let Some(action) = action(response) else { return };
    let event = remembered(request, gateway.clock.now()).does(action).ending(effect(response.status()));
    let event = event.and("status", response.status().as_u16()).and("duration_ms", millis(took));
    gateway.audit.note(match problem {
        Some(problem) => event.and("reason", problem.code.name()),
        None => event,
    });
}

/// What is recorded of the request; `None` if it is nothing, or was recorded with what it changed.
fn action(response: &ServiceResponse) -> Option<String> {
    let (request, status) = (response.request(), response.status());
    if !is_management(request.path()) {
        let kept_out = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        return (kept_out && request.path().starts_with("/v1")).then(|| "key.refused".to_owned());
    }
    let pattern = request.match_pattern();
    let pattern = pattern.as_deref().filter(|pattern| *pattern != MANAGEMENT);
    let asks = matches!(*request.method(), Method::GET | Method::HEAD)
        || pattern.is_some_and(|pattern| ASKED_BY_POST.contains(&pattern));
    let changed = status.is_success() && !asks;
    (!changed).then(|| named(request.method(), pattern))
}

fn is_management(path: &str) -> bool {
    path.strip_prefix(MANAGEMENT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The name of what a route does: the thing's, and the verb's, `project.create` for POST `/api/projects`.
fn named(method: &Method, pattern: Option<&str>) -> String {
    let Some(pattern) = pattern else { return "api.unknown".to_owned() };
    let parts = pattern.trim_start_matches(MANAGEMENT).split('/').filter(|part| !part.is_empty());
    let (names, parameters): (Vec<_>, Vec<_>) = parts.partition(|part| !part.starts_with('{'));
    let noun = names.first().copied().unwrap_or("api");
    let noun = if noun == "usage" { noun } else { noun.strip_suffix('s').unwrap_or(noun) };
    let verb = match (method, names.get(1..).unwrap_or_default(), parameters.is_empty()) {
        (_, [.., last], _) => last,
        (&Method::GET | &Method::HEAD, [], true) => "list",
        (&Method::GET | &Method::HEAD, [], false) => "read",
        (&Method::POST, [], _) => "create",
        (&Method::DELETE, [], _) => "delete",
        (_, [], _) => "update",
    };
    format!("{noun}.{verb}")
}

fn effect(status: StatusCode) -> Effect {
    match status {
        status if status.is_server_error() => Effect::Failure,
        status if status.is_client_error() => Effect::Refused,
        _ => Effect::Success,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_have_the_names_of_what_they_do() {
        for (method, pattern, name) in [
            (Method::GET, "/api/projects", "project.list"),
            (Method::POST, "/api/projects", "project.create"),
            (Method::GET, "/api/projects/{id}", "project.read"),
            (Method::PATCH, "/api/projects/{id}", "project.update"),
            (Method::PUT, "/api/models/{id}", "model.update"),
            (Method::DELETE, "/api/groups/{id:.+}", "group.delete"),
            (Method::POST, "/api/keys/{id}/rotate", "key.rotate"),
            (Method::PUT, "/api/providers/{id}/breaker", "provider.breaker"),
            (Method::GET, "/api/usage/summary", "usage.summary"),
            (Method::GET, "/api/audit", "audit.list"),
        ] {
            assert_eq!(named(&method, Some(pattern)), name, "{method} {pattern}");
        }
        assert_eq!(named(&Method::GET, None), "api.unknown");
    }
}
