//! Every route on one page, and nothing else. Its permission is in the type of its handler: a [`Caller`] for
//! applications, an [`Operator`] for management, a [`Visitor`] for pages.
//!
//! [`Caller`]: super::extract::virtual_key::Caller
//! [`Operator`]: super::extract::operator::Operator
//! [`Visitor`]: super::dashboard::visitor::Visitor

use actix_web::web::{self, ServiceConfig, delete, get, patch, post, put};
use actix_web::{Resource, Scope};

use super::dashboard::{self, assets, overview, page, sign_in};
use super::manage::{
    audit, cache, catalogue, groups, keys, ledger, models, projects, providers, requests, routes, runs, shadow, tokens,
    usage,
};
use super::{data, feed, manage, probes};

/// Everything there is.
pub fn all(config: &mut ServiceConfig) {
    config
        .configure(open)
        .configure(applications)
        .configure(operators)
        .configure(pages)
        .default_service(web::to(probes::nothing_here));
}

/// What load balancers and people call; no key.
fn open(config: &mut ServiceConfig) {
    config
        .route("/live", get().to(probes::live))
        .route("/ready", get().to(probes::ready))
        .route("/health", get().to(probes::ready));
}

/// What applications call.
fn applications(config: &mut ServiceConfig) {
    config.service(v1()).service(v1beta());
}

fn v1() -> Scope {
    let at = |path| web::resource(path).default_service(web::to(data::wrong_method));
    web::scope("/v1")
        .service(at("/chat/completions").route(post().to(data::chat_completions::create)))
        .service(at("/completions").route(post().to(data::plain::call)))
        .service(at("/embeddings").route(post().to(data::plain::call)))
        .service(at("/moderations").route(post().to(data::plain::call)))
        .service(at("/images/generations").route(post().to(data::plain::call)))
        .service(at("/audio/transcriptions").route(post().to(data::plain::transcribe)))
        .service(at("/audio/speech").route(post().to(data::plain::call)))
        .service(at("/rerank").route(post().to(data::plain::call)))
        .service(at("/responses").route(post().to(data::responses::create)))
        .service(at("/messages").route(post().to(data::messages::create)))
        .service(at("/messages/count_tokens").route(post().to(data::messages::count_tokens)))
        .service(at("/models").route(get().to(data::models::list)))
        .service(at("/models/{call:.+}").route(get().to(data::models::show)).route(post().to(data::gemini::call)))
        .service(at("/key").route(get().to(data::key::show)))
        .default_service(web::to(data::unknown))
}

fn v1beta() -> Scope {
    let at = |path| web::resource(path).default_service(web::to(data::wrong_method));
    web::scope("/v1beta")
        .service(at("/models").route(get().to(data::models::list_gemini)))
        .service(
            at("/models/{call:.+}").route(get().to(data::models::show_gemini)).route(post().to(data::gemini::call)),
        )
        .default_service(web::to(data::unknown))
}

/// What operators call.
fn operators(config: &mut ServiceConfig) {
    let api = web::scope("/api").configure(supply).configure(callers).configure(books);
    config.service(api.default_service(web::to(manage::unknown)));
}

/// Where calls can go, and at which prices.
fn supply(config: &mut ServiceConfig) {
    config
        .service(at("/providers").route(get().to(providers::list)).route(post().to(providers::create)))
        .service(
            at("/providers/{id}")
                .route(get().to(providers::show))
                .route(patch().to(providers::change))
                .route(delete().to(providers::delete)),
        )
        .service(at("/providers/{id}/breaker").route(put().to(providers::breaker::force)))
        .service(at("/providers/{id}/test").route(post().to(providers::check::test)))
        .service(at("/models").route(get().to(models::list)).route(post().to(models::create)))
        .service(
            at("/models/{id}")
                .route(get().to(models::show))
                .route(put().to(models::replace))
                .route(delete().to(models::delete)),
        )
        .service(at("/models/{id}/prices").route(get().to(models::versions::list)))
        .service(at("/models/{id}/prices/upcoming").route(delete().to(models::versions::withdraw)))
        .service(at("/catalogue").route(get().to(catalogue::show)))
        .service(at("/catalogue/refresh").route(post().to(catalogue::refresh)))
        .service(at("/catalogue/approve").route(post().to(catalogue::approve)))
        .service(at("/catalogue/dismiss").route(post().to(catalogue::dismiss)))
        .service(at("/groups").route(get().to(groups::list)).route(post().to(groups::create)))
        .service(
            at("/groups/{id:.+}")
                .route(get().to(groups::show))
                .route(put().to(groups::replace))
                .route(delete().to(groups::delete)),
        )
        .service(at("/routes/explain").route(post().to(routes::explain)));
}

/// Who calls, and what they may.
fn callers(config: &mut ServiceConfig) {
    config
        .service(at("/projects").route(get().to(projects::list)).route(post().to(projects::create)))
        .service(
            at("/projects/{id}")
                .route(get().to(projects::show))
                .route(patch().to(projects::change))
                .route(delete().to(projects::delete)),
        )
        .service(at("/projects/{id}/revoke-keys").route(post().to(projects::revoke_keys)))
        .service(at("/cache").route(get().to(cache::show)).route(delete().to(cache::purge)))
        .service(at("/keys").route(get().to(keys::list)).route(post().to(keys::create)))
        .service(
            at("/keys/{id}")
                .route(get().to(keys::show))
                .route(patch().to(keys::change))
                .route(delete().to(keys::revoke)),
        )
        .service(at("/keys/{id}/rotate").route(post().to(keys::rotate)))
        .service(at("/keys/{id}/revoke").route(post().to(keys::revoke)))
        .service(at("/keys/{id}/runs/{name}/kill").route(post().to(runs::kill_by_name)))
        .service(at("/runs").route(get().to(runs::list)))
        .service(at("/runs/{id}/kill").route(post().to(runs::kill)))
        .service(at("/tokens").route(post().to(tokens::create)));
}

/// What was called, and what it cost.
fn books(config: &mut ServiceConfig) {
    config
        .service(at("/audit").route(get().to(audit::list)))
        .service(at("/audit/verify").route(get().to(audit::verify)))
        .service(at("/audit/{id}").route(get().to(audit::show)))
        .service(at("/requests").route(get().to(requests::list)))
        .service(at("/requests/{id}").route(get().to(requests::show)))
        .service(at("/shadow").route(get().to(shadow::show)).route(delete().to(shadow::forget)))
        .service(at("/usage/summary").route(get().to(usage::summary)))
        .service(at("/usage/series").route(get().to(usage::series)))
        .service(at("/usage/breakdown").route(get().to(usage::breakdown)))
        .service(at("/usage/export").route(get().to(usage::export)))
        .service(at("/ledger/verify").route(get().to(ledger::verify)))
        .service(at("/ledger/reconcile").route(post().to(ledger::reconcile::compare)))
        .service(at("/ledger/entries").route(get().to(ledger::entries::list)))
        .service(
            at("/ledger/adjustments")
                .route(get().to(ledger::adjustments::list))
                .route(post().to(ledger::adjustments::create)),
        );
}

/// What operators see in a browser, and the feed that keeps it live.
fn pages(config: &mut ServiceConfig) {
    let at = |path| web::resource(path).default_service(web::to(dashboard::wrong_method)).wrap(page::headers());
    config
        .service(at("/").route(get().to(overview::show)))
        .service(at("/sign-in").route(get().to(sign_in::show)).route(post().to(sign_in::enter)))
        .service(at("/sign-out").route(post().to(sign_in::leave)))
        .service(at("/static/{version}/{name:.+}").route(get().to(assets::show)))
        .route("/ws/feed", get().to(feed::open));
}

/// A place of the management API that answers other methods with 405.
fn at(path: &str) -> Resource {
    web::resource(path).default_service(web::to(manage::wrong_method))
}
