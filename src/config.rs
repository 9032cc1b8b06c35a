//! The configuration: one struct, from defaults, `farthing.toml`, `.env` and the environment, the later over the earlier.
//! Owns the order and the report of all faults at once. Refuses to start anything, and to guess: what is unknown or
//! doubtful is a fault with a hint.

mod accounts;
mod alerts;
mod audit;
mod backup;
mod breaker;
mod cache;
mod catalogue;
mod database;
mod draft;
mod edge;
mod fault;
mod keys;
mod listed;
mod logging;
mod management;
pub mod master;
mod network;
mod oidc;
pub mod renewal;
mod routing;
pub mod secrets;
mod server;
mod session;
mod setting;
mod sources;
pub mod template;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use accounts::Account;
pub use alerts::AlertsConfig;
pub use audit::AuditConfig;
pub use backup::BackupConfig;
pub use breaker::BreakerConfig;
pub use cache::CacheConfig;
pub use catalogue::CatalogueConfig;
pub use database::{DatabaseConfig, Durability};
pub use edge::{EdgeConfig, TlsFiles};
pub use fault::{ConfigFaults, Fault, Place, Problem};
pub use keys::KeysConfig;
pub use listed::Listed;
pub use logging::LoggingConfig;
pub use management::ManagementConfig;
pub use network::{Network, NotANetwork};
pub use oidc::OidcConfig;
pub use routing::RoutingConfig;
pub use secrets::Secrets;
pub use server::ServerConfig;
pub use session::SessionConfig;
pub use setting::Setting;
pub use sources::{CONFIG_VARIABLE, DOTENV_NAME, FILE_NAME, Sources, Variable, Variables};

use draft::Draft;

const DATA_DIR: Setting = Setting {
    key: "data_dir",
    default: "./data",
    example: "\"./data\"",
    unit: "path",
    note: "Where the database, the journal and the address file are. Created for this user alone.",
};

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How the server listens.
    pub server: ServerConfig,
    /// Where files go.
    pub data_dir: PathBuf,
    /// Where the database is.
    pub database: DatabaseConfig,
    /// How many answers may be given again.
    pub cache: CacheConfig,
    /// Where prices are fetched.
    pub catalogue: CatalogueConfig,
    /// Who did what.
    pub audit: AuditConfig,
    /// How long keys live.
    pub keys: KeysConfig,
    /// Where operators may be.
    pub management: ManagementConfig,
    /// How long operators' sessions last.
    pub session: SessionConfig,
    /// Who may sign in by an identity provider's word.
    pub oidc: OidcConfig,
    /// When backups are made.
    pub backup: BackupConfig,
    /// What is told, and where.
    pub alerts: AlertsConfig,
    /// When deployments are left alone.
    pub breaker: BreakerConfig,
    /// What is logged.
    pub logging: LoggingConfig,
    /// Where models go that are not set up.
    pub routing: RoutingConfig,
    /// What must stay secret.
    pub secrets: Secrets,
    /// Providers that the environment knows.
    pub accounts: Vec<Account>,
    /// Every setting as it was given.
    pub listed: Vec<Listed>,
}

impl Config {
    /// Defaults throughout, in `data_dir`.
    pub fn new(data_dir: PathBuf, secrets: Secrets) -> Self {
        let (database, audit) = (DatabaseConfig::within(&data_dir), AuditConfig::within(&data_dir));
        let (server, cache, catalogue, keys, management, backup, alerts, session, logging, routing) =
            Default::default();
        let (oidc, accounts, breaker) = Default::default();
        Self {
            server,
            data_dir,
            database,
            cache,
            catalogue,
            audit,
            keys,
            management,
            session,
            oidc,
            backup,
            alerts,
            breaker,
            logging,
            routing,
            secrets,
            accounts,
            listed: Vec::new(),
        }
    }

    /// Reads everything.
    ///
    /// # Errors
    /// All faults together.
    pub fn load(source: &Sources) -> Result<Self, ConfigFaults> {
        let (variables, mut faults) = source.variables();
        let secrets = Secrets::read(source, &variables, &mut faults);
        Self::assemble(source, &variables, secrets, faults)
    }

    /// Reads everything but the secrets, for commands that need none; those in the result are new and thrown away.
    ///
    /// # Errors
    /// All faults together.
    pub fn load_without_secrets(source: &Sources) -> Result<Self, ConfigFaults> {
        let (variables, mut faults) = source.variables();
        let secrets = Secrets::generate().map_err(|error| faults.push(no_randomness(&error))).ok();
        Self::assemble(source, &variables, secrets, faults)
    }

    fn assemble(
        source: &Sources,
        variables: &Variables,
        secrets: Option<Secrets>,
        faults: Vec<Fault>,
    ) -> Result<Self, ConfigFaults> {
        let mut draft = Draft::gather(source, variables);
        let listed = settings().into_iter().map(|setting| draft.listed(setting));
        let listed = listed.chain(listed::of_secrets(variables)).collect();
        let server = ServerConfig::take(&mut draft, source.base());
        let data_dir = take_data_dir(&mut draft, source.base());
        let database = DatabaseConfig::take(&mut draft, source.base(), &data_dir);
        let cache = CacheConfig::take(&mut draft);
        let catalogue = CatalogueConfig::take(&mut draft);
        let audit = AuditConfig::take(&mut draft, source.base(), &data_dir);
        let keys = KeysConfig::take(&mut draft);
        let management = ManagementConfig::take(&mut draft);
        let session = SessionConfig::take(&mut draft);
        let oidc = OidcConfig::take(&mut draft);
        let backup = BackupConfig::take(&mut draft);
        let alerts = AlertsConfig::take(&mut draft);
        let breaker = BreakerConfig::take(&mut draft);
        let logging = LoggingConfig::take(&mut draft);
        let routing = RoutingConfig::take(&mut draft);
        draft.extend(faults);
        let faults = draft.finish(&settings());
        match secrets {
            Some(secrets) if faults.is_empty() => {
                let accounts = accounts::found(variables);
                Ok(Self {
                    server,
                    data_dir,
                    database,
                    cache,
                    catalogue,
                    audit,
                    keys,
                    management,
                    session,
                    oidc,
                    backup,
                    alerts,
                    breaker,
                    logging,
                    routing,
                    secrets,
                    accounts,
                    listed,
                })
            }
            _ => Err(ConfigFaults::new(faults)),
        }
    }
}

/// Every setting there is, in the order of the documentation.
pub fn settings() -> Vec<&'static Setting> {
    let first = &[&DATA_DIR] as &[&Setting];
    let stored = &[database::SETTINGS, cache::SETTINGS, catalogue::SETTINGS, audit::SETTINGS].concat();
    let people = &[keys::SETTINGS, management::SETTINGS, session::SETTINGS, oidc::SETTINGS].concat();
    let kept = &[backup::SETTINGS, alerts::SETTINGS, breaker::SETTINGS].concat();
    let served = &[server::SETTINGS, edge::SETTINGS].concat();
    [first, served, stored, people, kept, logging::SETTINGS, routing::SETTINGS].concat()
}

fn take_data_dir(draft: &mut Draft, base: &Path) -> PathBuf {
    let default = base.join("data");
    draft.take(&DATA_DIR, default, |given| given.text().map(|path| base.join(path)))
}

fn no_randomness(error: &getrandom::Error) -> Fault {
    let what = format!("the system gives no randomness: {error}");
    Fault::new(Place::Environment, "", Problem::new(what, "see that /dev/urandom exists"))
}
