//! The parts below the door: store, journal, actors, security. Made in order; the first that fails names itself.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use actix::{Arbiter, ArbiterHandle};
use farthing_actors::audit::{self, AuditLog};
use farthing_actors::breakers::{self, Breakers};
use farthing_actors::cache::{self, Bounds, Cache};
use farthing_actors::feed::{self, Feed};
use farthing_actors::idempotency::{self, Idempotency, Shelf};
use farthing_actors::keyring::{self, Keyring};
use farthing_actors::ledger::{self, Ledger, Warnings};
use farthing_actors::limiters::{self, Limiters};
use farthing_actors::registry::{self, Registry};
use farthing_actors::sessions::{self, Sessions};
use farthing_actors::shadow::{self, Shadow};
use farthing_actors::supervisor::Supervisor;

use super::vault::Vault;
use super::{AppError, failed};
use crate::config::{self, Config};
use crate::security::Security;
use crate::store::Store;
use crate::store::audit::{Keeping, Trail};
use crate::store::idempotency::IdempotencyTable;
use crate::store::journal::{DiskJournal, Durability};
use crate::store::keys::{self, KeyringTables};
use crate::store::providers::RegistryTables;
use crate::store::sessions::SessionsTables;
use crate::store::writer::Writer;

/// The database and what carries the journal into it.
pub(super) struct Disk {
    pub store: Arc<Store>,
    pub writer: Writer,
}

/// Every owner of changing state.
pub(super) struct Actors {
    pub ledger: Ledger,
    pub limiters: Limiters,
    pub keyring: Keyring,
    pub registry: Registry,
    pub sessions: Sessions,
    pub breakers: Breakers,
    pub feed: Feed,
    pub cache: Cache,
    pub shadow: Shadow,
    pub idempotency: Idempotency,
    pub trail: Arc<Trail>,
    pub audit: AuditLog,
    /// Thresholds of budgets that are crossed, from the calls on that a dead process left open.
    pub warnings: Warnings,
}

impl Disk {
    /// Opens and migrates the database and starts its writer.
    ///
    /// # Errors
    /// Which of them failed.
    pub(super) fn open(config: &Config) -> Result<Self, AppError> {
        let store = Store::open(&config.database.path).map_err(failed("database"))?;
        store.migrate().map_err(failed("migrations"))?;
        let writer = Writer::start(&store).map_err(failed("journal writer"))?;
        Ok(Self { store, writer })
    }

    /// The journal in front of it.
    pub(super) fn journal(&self, config: &Config) -> DiskJournal {
        let durability = durability(config);
        let (store, writer) = (Arc::clone(&self.store), self.writer.clone());
        DiskJournal::new(store, writer, &config.data_dir, durability, Box::new(keys::terms))
    }
}

fn durability(config: &Config) -> Durability {
    match config.database.durability {
        config::Durability::Process => Durability::Process,
        config::Durability::Power => Durability::Power,
    }
}

/// Threads for actors: the ledger and the limiters, which every call asks together, share one, so that asking both
/// costs one wake-up, and the cache is there, which waits for no disk either; management has its own, because its changes wait for
/// the disk; and so have idempotency keys, which calls wait for that may not wait for management. The audit trail's waits for
/// its file.
pub(super) struct Threads {
    hot: Arbiter,
    calm: Arbiter,
    keys: Arbiter,
    trail: Arbiter,
}

impl Threads {
    pub(super) fn start() -> Self {
        Self { hot: Arbiter::new(), calm: Arbiter::new(), keys: Arbiter::new(), trail: Arbiter::new() }
    }

    /// Ends them; whoever sends there afterwards is not heard.
    pub(super) fn join(self) {
        for thread in [self.hot, self.calm, self.keys, self.trail] {
            thread.stop();
            // A thread that panicked has been reported by its supervisor.
            drop(thread.join());
        }
    }
}

impl Actors {
    /// Starts them all; calls that a dead process left open are closed before anybody can ask.
    ///
    /// # Errors
    /// Which of them failed.
    pub(super) async fn start(
        supervisor: &Supervisor,
        threads: &Threads,
        disk: &Disk,
        (config, security): (&Config, &Arc<Security>),
    ) -> Result<Self, AppError> {
        let clock = supervisor.clock();
        let (hot, calm) = (threads.hot.handle(), threads.calm.handle());
        let (ledger, warnings) = start_ledger(supervisor, hot.clone(), disk, config).await?;
        let cache = cache::start(supervisor, hot.clone(), bounds(config)).await.map_err(failed("cache"))?;
        let limiters = limiters::start(supervisor, hot, clock.clone()).await.map_err(failed("limiters"))?;
        let trail = Arc::new(trail(&disk.store, (config, security)).map_err(failed("audit trail"))?);
        let store = || (Arc::clone(&disk.store), Arc::clone(&trail));
        let (tables, recorded) = store();
        let tables = Arc::new(KeyringTables { store: tables, trail: recorded });
        let keyring = keyring::start(supervisor, calm.clone(), tables).await.map_err(failed("keyring"))?;
        let (providers, recorded) = store();
        let providers = Arc::new(RegistryTables { store: providers, trail: recorded });
        let registry = registry::start(supervisor, calm.clone(), providers).await.map_err(failed("registry"))?;
        let (people, recorded) = store();
        let people = Arc::new(SessionsTables { store: people, trail: recorded });
        let sessions = sessions::start(supervisor, calm.clone(), people, config.session.0).await;
        let sessions = sessions.map_err(failed("sessions"))?;
        let breakers = breakers::start(supervisor, calm.clone(), clock.clone(), config.breaker.0).await;
        let breakers = breakers.map_err(failed("breakers"))?;
        let shadow = shadow::start(supervisor, calm.clone()).await.map_err(failed("shadow"))?;
        let feed = feed::start(supervisor, calm, clock.clone()).await.map_err(failed("feed"))?;
        let idempotency = start_idempotency(supervisor, threads.keys.handle(), disk, (config, security)).await?;
        let kept = Arc::clone(&trail);
        let audit = audit::start(supervisor, threads.trail.handle(), clock, kept).await.map_err(failed("audit"))?;
        Ok(Self {
            ledger,
            limiters,
            keyring,
            registry,
            sessions,
            breakers,
            feed,
            cache,
            shadow,
            idempotency,
            warnings,
            trail,
            audit,
        })
    }
}

/// The audit trail, with the folder of its file.
pub(super) fn trail(store: &Arc<Store>, (config, security): (&Config, &Arc<Security>)) -> std::io::Result<Trail> {
    let audit = &config.audit;
    if let Some(folder) = audit.log_file.as_deref().and_then(Path::parent).filter(|_| audit.enabled && audit.create_dir)
    {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let keeping = Keeping {
        enabled: audit.enabled,
        in_database: audit.store_in_db,
        file: audit.log_file.clone(),
        masks_addresses: audit.mask_ip,
        retention: audit.retention,
    };
    Ok(Trail::new(Arc::clone(store), Arc::new(Vault(Arc::clone(security))), keeping))
}

fn bounds(config: &Config) -> Bounds {
    let config::CacheConfig { max_bytes, max_entry_bytes, max_age } = config.cache;
    Bounds { max_bytes, max_entry_bytes, max_age }
}

async fn start_idempotency(
    supervisor: &Supervisor,
    thread: ArbiterHandle,
    disk: &Disk,
    (config, security): (&Config, &Arc<Security>),
) -> Result<Idempotency, AppError> {
    let (store, writer, durability) = (Arc::clone(&disk.store), disk.writer.clone(), durability(config));
    let open = move || {
        let table = IdempotencyTable::open(&store, writer.clone(), durability)?;
        Ok(Box::new(table) as Box<dyn Shelf>)
    };
    let vault = Arc::new(Vault(Arc::clone(security)));
    idempotency::start(supervisor, thread, Arc::new(open), vault).await.map_err(failed("idempotency"))
}

async fn start_ledger(
    supervisor: &Supervisor,
    thread: ArbiterHandle,
    disk: &Disk,
    config: &Config,
) -> Result<(Ledger, Warnings), AppError> {
    let journal = Arc::new(disk.journal(config));
    let ledger = ledger::start(supervisor, thread, supervisor.clock(), journal).await.map_err(failed("ledger"))?;
    let warnings = ledger.warnings();
    let closed = ledger.close_interrupted().await.map_err(failed("interrupted calls"))?;
    if closed > 0 {
        log::warn!((crate::logging::COUNT) = closed; "calls that a dead process left open were closed by presumption");
    }
    Ok((ledger, warnings))
}
