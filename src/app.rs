//! The composition root: every part is made here, once, in order, and stopped in reverse.
//! Owns the order. Start: store, actors, interrupted calls closed, then the door opens. Stop: the door closes, calls in
//! flight are settled, the journal is applied, then everything ends. If a part is missing the start fails and names it.

mod books;
mod stop;
mod vault;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix::Arbiter;
use actix_web::dev::ServerHandle;
use actix_web::web;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use farthing_actors::domain::{Clock, Secret};
use farthing_actors::supervisor::Supervisor;
use farthing_actors::tasks::Tasks;
use farthing_actors::{breakers, feed, keyring, ledger, limiters, registry};
use thiserror::Error;

use crate::admin::{Admin, AdminParts, Books};
use crate::config::{self, Config};
use crate::logging;
use crate::security::{Security, SecurityParts};
use crate::store::data_dir::DataDirLock;
use crate::store::journal::{DiskJournal, Durability};
use crate::store::keys::KeyringTables;
use crate::store::providers::RegistryTables;
use crate::store::writer::Writer;
use crate::store::{Store, keys, projects};
use crate::upstream::KeyVault;
use crate::web::{Gateway, server};
pub use books::{Report, migrate, verify};
use stop::StopSign;

/// How each of the given handles' actors is, asked when needed.
macro_rules! vitals {
    ($($handle:ident),+) => {
        vec![$({ let handle = $handle.clone(); Box::new(move || handle.vitals()) as Box<dyn Fn() -> _ + Send + Sync> }),+]
    };
}

/// Which part could not start, or stopped, and why.
#[derive(Debug, Error)]
#[error("{part}: {reason}")]
pub struct AppError {
    /// Which part.
    pub part: &'static str,
    /// Why.
    pub reason: String,
}

/// Turns a part's own error into one that names the part.
pub(crate) fn failed<E: std::fmt::Display>(part: &'static str) -> impl FnOnce(E) -> AppError {
    move |error| AppError { part, reason: error.to_string() }
}

/// A gateway that listens.
pub struct Running {
    /// What its handlers ask.
    pub gateway: web::Data<Gateway>,
    /// Opens provider keys.
    pub vault: Arc<dyn KeyVault>,
    /// Where it listens.
    pub address: std::net::SocketAddr,
    server: ServerHandle,
    writer: Writer,
    supervisor: Supervisor,
    arbiters: [Arbiter; 2],
    sign: StopSign,
    config: Config,
    // Given up last: whoever locks the directory next finds it at rest.
    _lock: DataDirLock,
}

/// Serves until a signal or a fatal fault.
///
/// # Errors
/// Which part could not start, or could not be kept alive.
pub fn serve(config: Config) -> Result<(), AppError> {
    actix::System::new().block_on(async {
        let running = Running::start(config).await?;
        running.until_told(async |_| Ok(())).await
    })
}

impl Running {
    /// Starts everything, in order.
    ///
    /// # Errors
    /// Which part could not start.
    pub async fn start(config: Config) -> Result<Self, AppError> {
        let lock = DataDirLock::acquire(&config.data_dir).map_err(failed("data directory"))?;
        let store = Store::open(&config.database.path).map_err(failed("database"))?;
        store.migrate().map_err(failed("migrations"))?;
        let writer = Writer::start(&store).map_err(failed("journal writer"))?;

        let clock = Clock::system();
        let sign = StopSign::default();
        let supervisor = Supervisor::new(clock.clone(), sign.on_fatal());
        // The two that every call asks share a thread, so that asking both costs one wake-up; management has its own,
        // because its changes wait for the disk.
        let arbiters = [Arbiter::new(), Arbiter::new()];
        let [hot, calm] = arbiters.each_ref().map(Arbiter::handle);

        let source = Arc::new(journal(&config, &store, &writer));
        let ledger = ledger::start(&supervisor, hot.clone(), clock.clone(), source).await.map_err(failed("ledger"))?;
        let limiters = limiters::start(&supervisor, hot, clock.clone()).await.map_err(failed("limiters"))?;
        let keyring = Arc::new(KeyringTables(Arc::clone(&store)));
        let keyring = keyring::start(&supervisor, calm.clone(), keyring).await.map_err(failed("keyring"))?;
        let registry = Arc::new(RegistryTables(Arc::clone(&store)));
        let registry = registry::start(&supervisor, calm.clone(), registry).await.map_err(failed("registry"))?;
        let breakers =
            breakers::start(&supervisor, calm.clone(), clock.clone()).await.map_err(failed("breakers"))?;
        let feed = feed::start(&supervisor, calm, clock.clone()).await.map_err(failed("feed"))?;

        let closed = ledger.close_interrupted().await.map_err(failed("interrupted calls"))?;
        if closed > 0 {
            log::warn!((logging::COUNT) = closed; "calls that a dead process left open were closed by presumption");
        }

        let security = Arc::new(security(&config)?);
        let vault: Arc<dyn KeyVault> = Arc::new(vault::Vault(Arc::clone(&security)));
        let gateway = web::Data::new(Gateway {
            security: Arc::clone(&security),
            keyring: keyring.snapshot(),
            catalogue: registry.snapshot(),
            vitals: vitals![ledger, limiters, keyring, registry, breakers, feed],
            ledger: ledger.clone(),
            limiters,
            breakers,
            feed,
            admin: Admin::new(AdminParts {
                keyring,
                registry,
                ledger,
                security,
                books: Books::new(store, writer.clone()),
                clock: clock.clone(),
            }),
            tasks: Tasks::default(),
            clock,
            ready: AtomicBool::new(false),
            max_in_flight: config.server.max_in_flight,
            max_body_bytes: config.server.max_body_bytes,
        });

        let bound = server::bind(gateway.clone(), Arc::clone(&vault), &config.server).map_err(failed("listener"))?;
        let (server, address) = (bound.server.handle(), bound.address);
        let serving = bound.server;
        gateway.tasks.keep_running(async move { drop(serving.await) });
        gateway.tasks.keep_running(tell_circuits(gateway.breakers.changes(), gateway.feed.clone()));
        fs::write(config.data_dir.join("address"), address.to_string()).map_err(failed("address file"))?;
        gateway.ready.store(true, Ordering::Release);
        log::info!((logging::ADDRESS):% = address; "listening");
        Ok(Self { gateway, vault, address, server, writer, supervisor, arbiters, sign, config, _lock: lock })
    }

    /// Serves until a signal or a fatal fault, says `farewell` once no call is in flight, then stops.
    ///
    /// # Errors
    /// Which part could not be kept alive or stopped.
    pub async fn until_told(
        self,
        farewell: impl AsyncFnOnce(&Self) -> Result<(), AppError>,
    ) -> Result<(), AppError> {
        let fault = self.sign.wait().await;
        self.drain().await;
        let said = farewell(&self).await;
        self.stop().await?;
        said?;
        fault.map_or(Ok(()), |fault| Err(AppError { part: fault.name, reason: fault.reason }))
    }

    /// Closes the door; calls in flight have the grace period to finish.
    async fn drain(&self) {
        self.gateway.ready.store(false, Ordering::Release);
        self.server.pause().await;
        let idle = self.gateway.tasks.idle();
        if tokio::time::timeout(self.config.server.shutdown_grace, self.sign.unless_hurried(idle)).await.is_err() {
            let remain = self.gateway.tasks.running();
            log::warn!((logging::COUNT) = remain; "the grace period is over, cutting the calls that remain");
        }
    }

    /// Stops everything, in reverse order.
    ///
    /// # Errors
    /// If the journal's lines could not all be applied; they are at the next start.
    async fn stop(self) -> Result<(), AppError> {
        self.server.stop(false).await;
        let applied = self.writer.flush().await.map_err(failed("journal writer"));
        self.supervisor.stop();
        for arbiter in self.arbiters {
            arbiter.stop();
            // A thread that panicked has been reported by its supervisor.
            drop(arbiter.join());
        }
        self.writer.stop().map_err(failed("journal writer"))?;
        drop(fs::remove_file(self.config.data_dir.join("address")));
        log::info!("stopped");
        applied
    }
}

/// Circuits that move are events of the feed; neither actor knows the other.
async fn tell_circuits(mut changes: breakers::Changes, feed: feed::Feed) {
    while let Some(report) = changes.next().await {
        feed.publish(feed::Event::Breaker(report.into()));
    }
}

fn journal(config: &Config, store: &Arc<Store>, writer: &Writer) -> DiskJournal {
    let durability = match config.database.durability {
        config::Durability::Process => Durability::Process,
        config::Durability::Power => Durability::Power,
    };
    let budgets = Box::new(|connection: &mut diesel::SqliteConnection| {
        let mut all = projects::budgets(connection)?;
        all.extend(keys::budgets(connection)?);
        Ok(all)
    });
    DiskJournal::new(Arc::clone(store), writer.clone(), &config.data_dir, durability, budgets)
}

fn security(config: &Config) -> Result<Security, AppError> {
    let parts = SecurityParts {
        master_key: master_key(&config.secrets.master_encryption_key)?,
        session_secret: config.secrets.session_secret.clone(),
        management_token: config.secrets.management_token.clone(),
    };
    Security::new(parts).map_err(failed("security"))
}

/// The master key's bytes; the configuration has checked its form already.
fn master_key(text: &Secret) -> Result<[u8; 32], AppError> {
    let bytes = STANDARD.decode(text.expose()).map_err(failed("MASTER_ENCRYPTION_KEY"))?;
    bytes.try_into().map_err(|_| AppError { part: "MASTER_ENCRYPTION_KEY", reason: "is not 32 bytes".to_owned() })
}
