//! Assembly: the gateway that handlers ask, put together from its parts.
//! Owns which part goes where. Refuses to start any: they live already.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arc_swap::ArcSwap;
use farthing_actors::domain::Clock;
use farthing_actors::ledger::Warnings;
use farthing_actors::mailbox::Vitals;
use farthing_actors::tasks::Tasks;

use super::parts::{Actors, Disk};
use crate::admin::oidc::Oidc;
use crate::admin::secrets::ReadMasters;
use crate::admin::{Admin, AdminParts, BackupPlan, Books, KeyTerms, PriceLists, Rotation, TokenCounts};
use crate::config::Config;
use crate::security::Security;
use crate::security::obfuscate::Naming;
use crate::tokenizer::CountQueue;
use crate::web::Gateway;
use crate::web::front::Front;
use crate::web::metrics::Tally;
use crate::web::room::Room;
use crate::web::strangers::Strangers;
use crate::web::tls::Certificate;
use crate::web::uses::Uses;

/// How an actor is, when asked.
type AskVitals = Box<dyn Fn() -> Vitals + Send + Sync>;

/// What stays as it is while the gateway runs.
pub(super) struct Kept {
    pub disk: Disk,
    pub lists: PriceLists,
    pub masters: ReadMasters,
    pub uses: Uses,
    pub counts: TokenCounts,
    pub oidc: Option<Oidc>,
    pub certificate: Option<Certificate>,
}

/// The gateway, and the thresholds of budgets that are crossed.
pub(super) fn gateway(
    actors: Actors,
    Kept { disk, lists, masters, uses, counts, oidc, certificate }: Kept,
    (clock, security): (Clock, Arc<Security>),
    config: &Config,
) -> (Gateway, Warnings) {
    let vitals = all_vitals(&actors);
    let Actors { ledger, limiters, keyring, registry, breakers, feed, cache, shadow, .. } = actors;
    let Actors { idempotency, sessions, warnings, trail, audit, .. } = actors;
    let (every, keep) = (config.backup.every, config.backup.keep);
    let plan = BackupPlan::new(config.data_dir.clone(), (every, keep), clock.now());
    let gateway = Gateway {
        tally: Tally::new(&clock),
        settings: ArcSwap::from_pointee(config.listed.clone()),
        vitals,
        front: Front::new(&config.server),
        certificate,
        strangers: Strangers::new(&config.server, &config.management),
        uses,
        security: Arc::clone(&security),
        oidc,
        keyring: keyring.snapshot(),
        people: sessions.snapshot(),
        catalogue: registry.snapshot(),
        patterns: config.routing.patterns.clone(),
        ledger: ledger.clone(),
        limiters,
        breakers: breakers.clone(),
        feed,
        cache: cache.clone(),
        shadow: shadow.clone(),
        idempotency: idempotency.clone(),
        audit: audit.clone(),
        admin: Admin::new(AdminParts {
            keyring,
            registry,
            sessions,
            ledger,
            breakers,
            cache,
            shadow,
            security,
            books: Books::new(disk.store, disk.writer),
            idempotency,
            plan,
            rotation: Rotation::new(masters),
            lists: Arc::new(lists),
            trail,
            audit,
            token_counts: counts,
            naming: if config.audit.hide_tokens { Naming::Nothing } else { Naming::Ends },
            key_terms: KeyTerms { default_days: config.keys.default_days, max_days: config.keys.max_days },
            clock: clock.clone(),
        }),
        counts: CountQueue::start(),
        tasks: Tasks::default(),
        clock,
        ready: AtomicBool::new(false),
        max_in_flight: config.server.max_in_flight,
        max_body_bytes: config.server.max_body_bytes,
        room: Room::of(config.server.max_bodies_bytes),
        client_patience: config.server.client_patience,
    };
    (gateway, warnings)
}

/// How each of them is.
fn all_vitals(actors: &Actors) -> Vec<AskVitals> {
    vec![
        vitals(&actors.ledger, |it| it.vitals()),
        vitals(&actors.limiters, |it| it.vitals()),
        vitals(&actors.keyring, |it| it.vitals()),
        vitals(&actors.registry, |it| it.vitals()),
        vitals(&actors.sessions, |it| it.vitals()),
        vitals(&actors.breakers, |it| it.vitals()),
        vitals(&actors.feed, |it| it.vitals()),
        vitals(&actors.cache, |it| it.vitals()),
        vitals(&actors.shadow, |it| it.vitals()),
        vitals(&actors.idempotency, |it| it.vitals()),
        vitals(&actors.audit, |it| it.vitals()),
    ]
}

/// How an actor is, asked through its handle when needed.
fn vitals<H: Clone + Send + Sync + 'static>(
    handle: &H,
    ask: impl Fn(&H) -> Vitals + Send + Sync + 'static,
) -> AskVitals {
    let handle = handle.clone();
    Box::new(move || ask(&handle))
}
