//! The composition root: every part is made here, once, in order, and stopped in reverse.
//! Owns the order. Start: store, actors, interrupted calls closed, then the door opens. Stop: the door closes, calls in
//! flight are settled, the journal is applied, then everything ends. If a part is missing the start fails and names it.

mod accounts;
mod alerts;
mod assembly;
mod audit;
mod backups;
mod books;
mod descriptors;
mod edge;
mod installation;
mod memory;
mod oidc;
mod parts;
mod people;
mod present;
mod prices;
mod pulse;
mod reread;
mod stop;
mod uses;
mod vault;
mod watch;

use std::fs;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web;
use farthing_actors::domain::Clock;
use farthing_actors::ledger::Warnings;
use farthing_actors::supervisor::{StartError, Supervisor};
use farthing_actors::tasks::Stage;
use thiserror::Error;

use crate::admin::{PriceLists, TokenCounts};
use crate::config::{Config, Sources};
use crate::logging;
use crate::store::StoreError;
use crate::store::data_dir::DataDirLock;
use crate::store::writer::Writer;
use crate::upstream::KeyVault;
use crate::web::tls::Certificate;
use crate::web::{Gateway, server};
use assembly::{Kept, gateway};
pub use audit::{export_audit, verify_audit};
pub use backups::{create_backup, list_backups, restore_backup, verify_backup};
pub use books::{ExportOrder, Report, export, migrate, verify};
pub use edge::tls_fault;
use edge::untaken;
pub use installation::{is_served, master_key_fault, secrets_status};
use parts::{Actors, Disk, Threads};
pub use people::{NewPassword, UserOrder, offline_users};
use stop::{Reason, StopSign};

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

/// How long calls that are cut have to be settled, and clients to take the error that ends their answer.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How often, and how far apart, the data directory is asked for.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

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
    threads: Threads,
    sign: StopSign,
    config: Config,
    // Given up last: whoever locks the directory next finds it at rest.
    _lock: DataDirLock,
}

/// Serves until a signal or a fatal fault.
///
/// # Errors
/// Which part could not start, or could not be kept alive.
pub fn serve(config: Config, sources: Sources) -> Result<(), AppError> {
    actix::System::new().block_on(async {
        let running = Running::start(config, Some(sources)).await?;
        running.until_told(async |_| Ok(())).await
    })
}

impl Running {
    /// Starts everything, in order; what of `sources` can change meanwhile is read again when somebody asks for that.
    ///
    /// # Errors
    /// Which part could not start.
    pub async fn start(config: Config, sources: Option<Sources>) -> Result<Self, AppError> {
        let hangups = sources.is_some().then(stop::hangups).transpose().map_err(failed("signals"))?;
        let lock = lock(&config.data_dir).await?;
        backups::refuse_unfinished(&config)?;
        descriptors::raise();
        let disk = Disk::open(&config)?;
        stop::survive_file_limits().map_err(failed("signals"))?;
        let sign = StopSign::default();
        let supervisor = Supervisor::new(Clock::system(), sign.on_fatal());
        let threads = Threads::start();
        let security = Arc::new(installation::security(&config, &disk.store)?);
        let actors = Actors::start(&supervisor, &threads, &disk, (&config, &security)).await?;
        let writer = disk.writer.clone();
        let lists = PriceLists::open(config.catalogue.url.as_deref(), &config.data_dir);
        let lists = lists.map_err(failed("catalogue.url"))?;
        let (uses, watching) = uses::begin(&disk.store).map_err(failed("uses of keys"))?;
        let counts = TokenCounts::load(&disk.store).map_err(failed("tokens of keys"))?;
        let oidc = oidc::provider(&config, (&security, supervisor.clock()))?;
        let certificate = config.server.edge.tls.as_ref().map(Certificate::read).transpose().map_err(untaken)?;
        let masters = installation::reading(sources.clone());
        let kept = Kept { disk, lists, masters, uses, counts, oidc, certificate: certificate.clone() };
        let (gateway, warnings) = gateway(actors, kept, (supervisor.clock(), security), &config);
        let gateway = web::Data::new(gateway);
        let vault: Arc<dyn KeyVault> = Arc::new(vault::Vault(Arc::clone(&gateway.security)));

        end_former_sessions(&gateway).await?;
        accounts::register(&gateway.admin, &config.accounts).await;
        warn_of_patterns(&gateway);
        warn_of_keys(&gateway);
        let doors = (Arc::clone(&vault), certificate);
        let bound = server::bind(gateway.clone(), doors, &config.server).map_err(failed("listener"))?;
        let (server, address, admin) = (bound.server.handle(), bound.address, bound.admin);
        gateway.tasks.keep_running(async move { drop(bound.server.await) });
        if let Some((hangups, sources)) = hangups.zip(sources) {
            gateway.tasks.keep_running(reread::whenever_asked(hangups, gateway.clone(), sources));
        }
        gateway.tasks.keep_running(memory::watch(gateway.clone(), config.server.memory_limit_bytes));
        gateway.tasks.keep_running(pulse::watch(gateway.clone(), sign.on_fatal()));
        watch_over(&gateway, &config, (watching, warnings))?;
        gateway.tasks.keep_running(keep_sealed(gateway.clone()));
        gateway.tasks.keep_running(keep_backups(gateway.clone()));
        fs::write(config.data_dir.join("address"), address.to_string()).map_err(failed("address file"))?;
        fs::write(config.data_dir.join("admin_address"), admin.to_string()).map_err(failed("address file"))?;
        gateway.ready.store(true, Ordering::Release);
        gateway.tasks.keep_running(prices::keep_fresh(gateway.clone(), config.catalogue.refresh_every));
        log::info!((logging::ADDRESS):% = address, admin:%; "listening");
        Ok(Self { gateway, vault, address, server, writer, supervisor, threads, sign, config, _lock: lock })
    }

    /// Serves until a signal or a fatal fault, says `farewell` once no call is in flight, then stops.
    ///
    /// # Errors
    /// Which part could not be kept alive or stopped.
    pub async fn until_told(self, farewell: impl AsyncFnOnce(&Self) -> Result<(), AppError>) -> Result<(), AppError> {
        let reason = self.sign.wait().await;
        let (notice, fault) = match reason {
            Reason::Terminated => (self.config.server.shutdown_notice, None),
            Reason::Interrupted => (Duration::ZERO, None),
            Reason::Fault(fault) if pulse::stalled(&self.gateway).is_some() => return Err(self.abandon(fault).await),
            Reason::Fault(fault) => (Duration::ZERO, Some(fault)),
        };
        self.drain(notice).await;
        let said = farewell(&self).await;
        self.stop().await?;
        said?;
        fault.map_or(Ok(()), |fault| Err(AppError { part: fault.name, reason: fault.reason }))
    }

    /// Closes the door, once balancers had `notice` of it; calls in flight have the grace period to finish, and are cut and
    /// settled then. New ones are refused; probes are answered as long as calls are in flight: not ready.
    async fn drain(&self, notice: Duration) {
        let mut patience = pin!(self.sign.patience(self.config.server.shutdown_grace));
        self.gateway.ready.store(false, Ordering::Release);
        let is_over = tokio::select! {
            biased;
            () = &mut patience => true,
            () = tokio::time::sleep(notice) => false,
        };
        self.gateway.tasks.enter(Stage::Closing);
        let mut done = pin!(self.finish());
        if !is_over {
            tokio::select! {
                biased;
                () = &mut done => return,
                () = patience => {}
            }
        }
        self.gateway.tasks.enter(Stage::Cutting);
        if tokio::time::timeout(LAST_WORDS, done).await.is_err() {
            let remain = self.gateway.tasks.running();
            log::warn!((logging::COUNT) = remain; "stopping although not every client has taken its last words");
        }
    }

    /// Cuts what can still be cut, and leaves the rest to the journal and the next start: nobody can wait for an actor that
    /// does nothing.
    async fn abandon(&self, fault: StartError) -> AppError {
        self.gateway.ready.store(false, Ordering::Release);
        self.gateway.tasks.enter(Stage::Closing);
        self.gateway.tasks.enter(Stage::Cutting);
        // Whoever waits for that actor is still in flight then.
        drop(tokio::time::timeout(LAST_WORDS, self.gateway.tasks.idle()).await);
        AppError { part: fault.name, reason: fault.reason }
    }

    /// Waits until no call is in flight, then until every client has its answer and every connection is closed.
    async fn finish(&self) {
        self.gateway.tasks.idle().await;
        self.server.stop(true).await;
        // A body that was long on its way may have become a call meanwhile.
        self.gateway.tasks.idle().await;
    }

    /// Stops everything, in reverse order.
    async fn stop(self) -> Result<(), AppError> {
        if tokio::time::timeout(LAST_WORDS, self.gateway.uses.finished()).await.is_err() {
            log::warn!("stopping although the uses of keys are not written");
        }
        self.gateway.audit.flush().await;
        self.supervisor.stop();
        self.threads.join();
        let applied = self.writer.flush().await.map_err(failed("journal writer"));
        self.writer.stop().map_err(failed("journal writer"))?;
        // The next start writes it anew.
        for name in ["address", "admin_address"] {
            drop(fs::remove_file(self.config.data_dir.join(name)));
        }
        log::info!("stopped");
        applied
    }
}

/// The right to the data directory; waits a moment for commands that only look whether a server has it.
async fn lock(data_dir: &Path) -> Result<DataDirLock, AppError> {
    for _ in 1..LOCK_TRIES {
        match DataDirLock::acquire(data_dir) {
            Err(StoreError::InUse(_)) => tokio::time::sleep(LOCK_PAUSE).await,
            outcome => return outcome.map_err(failed("data directory")),
        }
    }
    DataDirLock::acquire(data_dir).map_err(failed("data directory"))
}

/// Whoever signed in by a management token that is admitted no more is signed out, before anybody is let in.
async fn end_former_sessions(gateway: &Gateway) -> Result<(), AppError> {
    let ended = gateway.admin.end_sessions_of_former_tokens().await.map_err(failed("sessions"))?;
    if ended > 0 {
        log::warn!((logging::COUNT) = ended; "sessions of another management token were ended");
    }
    Ok(())
}

/// Everything sealed goes over to the present master key, now and whenever it changes.
async fn keep_sealed(gateway: web::Data<Gateway>) {
    gateway.admin.keep_secrets_sealed().await;
}

/// Backups are made when they are due.
async fn keep_backups(gateway: web::Data<Gateway>) {
    gateway.admin.keep_backups().await;
}

/// Says which patterns lead nowhere; what they name may still be made.
fn warn_of_patterns(gateway: &Gateway) {
    let catalogue = gateway.catalogue.load();
    for pattern in gateway.patterns.all().iter().filter(|pattern| !catalogue.leads_somewhere(pattern)) {
        log::warn!(pattern = *pattern.text, destination = pattern.to.name(); "routing.model_routing leads to nothing that is there");
    }
}

/// Says which providers' keys do not open: calls go elsewhere, or are refused, until the keys are entered again.
fn warn_of_keys(gateway: &Gateway) {
    for provider in gateway.catalogue.load().providers() {
        if let Some(fault) = gateway.admin.key_fault(provider) {
            log::error!(provider = provider.name.as_str(), error = fault.as_str(); "a provider cannot be called");
        }
    }
}

/// Starts whatever looks now and then, and tells people.
fn watch_over(
    gateway: &web::Data<Gateway>,
    config: &Config,
    (uses, warnings): (uses::Watch, Warnings),
) -> Result<(), AppError> {
    let (alerts, webhook) = alerts::begin(config, gateway.clock.clone())?;
    if let Some(webhook) = webhook {
        gateway.tasks.keep_running(webhook.serve());
    }
    gateway.tasks.keep_running(watch::circuits(gateway.clone(), alerts.clone()));
    gateway.tasks.keep_running(uses::watch(gateway.clone(), uses, alerts.clone()));
    gateway.tasks.keep_running(watch::credits(gateway.clone(), alerts.clone()));
    gateway.tasks.keep_running(watch::budgets(gateway.clone(), warnings, alerts.clone()));
    gateway.tasks.keep_running(watch::lockouts(gateway.clone(), alerts.clone()));
    gateway.tasks.keep_running(watch::estimates(gateway.clone(), config.alerts.estimated_percent, alerts));
    Ok(())
}
