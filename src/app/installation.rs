//! The installation's master key at the start: founded once, compared every time after. Owns the refusal of a wrong one, before
//! anything is opened with it. Refuses to write for whoever only reads.

use farthing_actors::domain::{Clock, Secret};
use zeroize::Zeroizing;

use super::{AppError, failed, present};
use crate::admin::secrets::{ReadMasters, SecretsStatus};
use crate::config::{Config, Problem, Secrets, Sources, master};
use crate::security::{
    Heritage, KeptKeys, KeyRing, MasterId, Security, SecurityParts, Standing, from_passphrase, is_easy_passphrase,
};
use crate::store::data_dir::DataDirLock;
use crate::store::installation::{self, Installation};
use crate::store::{Store, StoreError};

const MASTER: &str = "MASTER_ENCRYPTION_KEY";

/// The façade for whoever holds the data directory. What a first start finds is kept from then on.
///
/// # Errors
/// Which secret cannot be used, or that the master key is not the database's.
pub(super) fn security(config: &Config, store: &Store) -> Result<Security, AppError> {
    let parts = parts(config)?;
    let ring = parts.ring().map_err(failed("security"))?;
    let present = installed(store)?;
    if let Some(problem) = refusal(config, &ring, present.as_ref()) {
        return Err(refused(problem));
    }
    if present.is_none() {
        found(store, &ring)?;
    }
    security_of(parts, &ring, Some(store))
}

/// The façade for whoever only reads, also beside a server, or without a database at all.
///
/// # Errors
/// As [`security`].
pub(super) fn security_for_reading(config: &Config, store: Option<&Store>) -> Result<Security, AppError> {
    let parts = parts(config)?;
    let ring = parts.ring().map_err(failed("security"))?;
    security_of(parts, &ring, store)
}

/// Reads the master keys of the settings again, for when they change.
pub(super) fn reading(sources: Option<Sources>) -> ReadMasters {
    Box::new(move || {
        let sources = sources.as_ref().ok_or("a demo has no settings to read again")?;
        let config = Config::load(sources).map_err(|faults| faults.to_string())?;
        let weak = master_key_fault(&config).map_err(|error| error.to_string())?;
        weak.map_or(Ok(()), |problem| Err(refused(problem).to_string()))?;
        ring(&config).map_err(|error| error.to_string())
    })
}

/// Why `serve` would refuse the master key of the settings as a new one.
///
/// # Errors
/// If the master key cannot be used, or the database cannot be read.
pub fn master_key_fault(config: &Config) -> Result<Option<Problem>, AppError> {
    if !has_easy_passphrase(&config.secrets) {
        return Ok(None);
    }
    let path = &config.database.path;
    let store = path.exists().then(|| Store::open(path)).transpose().map_err(failed("database"))?;
    let present = store.map(|store| installed(&store)).transpose()?.flatten();
    Ok(refusal(config, &ring(config)?, present.as_ref()))
}

/// What is sealed under which master key, as far as the database says; whether a server is at work it does not.
///
/// # Errors
/// If there is no database, it cannot be read, or a master key cannot be used.
pub fn secrets_status(config: &Config) -> Result<SecretsStatus, AppError> {
    present::database(config)?;
    let ring = ring(config)?;
    let store = Store::open(&config.database.path).map_err(failed("database"))?;
    let census = store.read(installation::census).map_err(failed("database"))?;
    Ok(SecretsStatus::of(&census, &ring, false))
}

/// Whether a server holds the data directory.
///
/// # Errors
/// If there is none, or no database, or it cannot be used.
pub fn is_served(config: &Config) -> Result<bool, AppError> {
    present::database(config)?;
    match DataDirLock::acquire(&config.data_dir) {
        Ok(_) => Ok(false),
        Err(StoreError::InUse(_)) => Ok(true),
        Err(error) => Err(failed("data directory")(error)),
    }
}

/// The master keys of the settings.
pub(super) fn ring(config: &Config) -> Result<KeyRing, AppError> {
    parts(config)?.ring().map_err(failed("security"))
}

fn security_of(parts: SecurityParts, ring: &KeyRing, store: Option<&Store>) -> Result<Security, AppError> {
    let found = store.map(|store| store.read(installation::find)).transpose().map_err(failed("database"))?.flatten();
    let (kept, generation) = match found {
        Some((installation, rows)) => {
            judge(&installation, ring)?;
            (KeptKeys::open(ring, &rows).map_err(failed(MASTER))?, installation.generation)
        }
        // From before keys were kept: those that the master key gave.
        None => {
            let heritage = Heritage { virtual_keys: true, audit: true };
            (KeptKeys::found(ring, heritage).map_err(failed("security"))?, 1)
        }
    };
    Security::new(parts, &kept, generation).map_err(failed("security"))
}

fn installed(store: &Store) -> Result<Option<Installation>, AppError> {
    Ok(store.read(installation::find).map_err(failed("database"))?.map(|(installation, _)| installation))
}

/// Why the master key may not be what the database is founded under, or goes over to: it is a passphrase that everybody tries first.
/// Under one that it is under already it goes on, since another version may know more of such words.
fn refusal(config: &Config, ring: &KeyRing, present: Option<&Installation>) -> Option<Problem> {
    let is_new = present.is_none_or(|it| ring.standing(&it.check_value) != Standing::Present);
    (is_new && has_easy_passphrase(&config.secrets)).then(master::too_easy)
}

fn has_easy_passphrase(secrets: &Secrets) -> bool {
    let text = &secrets.master_encryption_key;
    master::bytes(text.expose()).is_none() && is_easy_passphrase(text)
}

fn refused(Problem { what, hint }: Problem) -> AppError {
    AppError { part: MASTER, reason: format!("{what}; {hint}") }
}

fn found(store: &Store, ring: &KeyRing) -> Result<(), AppError> {
    let (virtual_keys, audit) = store.read(installation::heritage).map_err(failed("database"))?;
    let kept = KeptKeys::found(ring, Heritage { virtual_keys, audit }).map_err(failed("security"))?;
    let rows = kept.seal(ring).map_err(failed("security"))?;
    let new = Installation::new(ring.id().0, ring.check_value(), Clock::system().now());
    store.change(|connection| installation::found(connection, &new, &rows)).map_err(failed("database"))
}

/// Whether the ring has the database's master key.
fn judge(installation: &Installation, ring: &KeyRing) -> Result<(), AppError> {
    let wanted = MasterId::shown(&installation.key_id);
    match ring.standing(&installation.check_value) {
        Standing::Present => Ok(()),
        Standing::Former => {
            log::warn!("what is sealed under the master key {wanted} is to be sealed under {}", ring.id());
            Ok(())
        }
        Standing::Unknown => Err(AppError { part: MASTER, reason: wrong_key(&wanted, ring) }),
    }
}

fn wrong_key(wanted: &str, ring: &KeyRing) -> String {
    format!(
        "this database is sealed under the master key {wanted}, the one given is {}; restore that value (a \
         passphrase with the same PERSISTENT_ENCRYPTION_SALT), or give it in MASTER_ENCRYPTION_KEY_PREVIOUS to go over to the new one",
        ring.id()
    )
}

fn parts(config: &Config) -> Result<SecurityParts, AppError> {
    let secrets = &config.secrets;
    let former = secrets.former_master_keys.iter().map(|former| master_key(former, secrets));
    Ok(SecurityParts {
        master_key: *master_key(&secrets.master_encryption_key, secrets)?,
        former_master_keys: former.collect::<Result<_, _>>()?,
        session_secret: secrets.session_secret.clone(),
        management_token: secrets.management_token.clone(),
        former_session_secret: secrets.former_session_secret.clone(),
        former_management_token: secrets.former_management_token.clone(),
    })
}

/// The master key's bytes, as they are given or made of a passphrase; the configuration has checked the form already.
fn master_key(text: &Secret, secrets: &Secrets) -> Result<Zeroizing<[u8; 32]>, AppError> {
    if let Some(bytes) = master::bytes(text.expose()) {
        return Ok(bytes);
    }
    let salt = secrets.encryption_salt.as_ref().and_then(|salt| master::salt(salt.expose()));
    let lacking = "is neither 32 bytes in base64 nor a passphrase beside PERSISTENT_ENCRYPTION_SALT";
    let salt = salt.ok_or_else(|| AppError { part: MASTER, reason: lacking.to_owned() })?;
    from_passphrase(text, &salt).map_err(failed(MASTER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::Scratch;

    const COMMON: &str = "correct horse battery staple";
    const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=";

    fn config(scratch: &Scratch, present: &str, former: &str) -> Config {
        let variables = [
            ("FARTHING__DATA_DIR", scratch.path().to_str().unwrap()),
            ("SESSION_SECRET", "k3Jm9QxW2pLr8VnT5bYc7ZdF4gHs6AeU"),
            ("MANAGEMENT_TOKEN", "Zx9cVb7nMq5wEr3tYu1iOp2aSd4fGh6j"),
            ("PERSISTENT_ENCRYPTION_SALT", "000102030405060708090a0b0c0d0e0f"),
            ("MASTER_ENCRYPTION_KEY", present),
            ("MASTER_ENCRYPTION_KEY_PREVIOUS", former),
        ];
        let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let directory = scratch.path().to_owned();
        Config::load(&Sources { config: None, directory, environment }).unwrap()
    }

    /// Whether `serve` and `check` refuse it, which must agree.
    fn is_refused(config: &Config, store: &Store) -> bool {
        let by_check = master_key_fault(config).unwrap().is_some();
        let by_serve = security(config, store).err().map(|error| error.to_string());
        assert_eq!(by_check, by_serve.is_some(), "{by_serve:?}");
        assert!(
            by_serve.is_none_or(|said| said.contains("words that everybody tries first") && !said.contains(COMMON))
        );
        by_check
    }

    #[test]
    fn a_passphrase_that_everybody_tries_is_refused_where_it_is_new_and_nowhere_else() {
        let scratch = Scratch::new();
        let common = config(&scratch, COMMON, "");
        assert!(master_key_fault(&common).unwrap().is_some(), "before there is a database");
        let store = scratch.open();
        assert!(is_refused(&common, &store));
        assert_eq!(store.read(installation::find).unwrap(), None, "nothing is founded under it");
        found(&store, &ring(&common).unwrap()).unwrap();
        assert!(!is_refused(&common, &store), "the database of a version that did not know these words");
        assert!(!is_refused(&config(&scratch, KEY, COMMON), &store), "it opens what it sealed");
        let scratch = Scratch::new();
        let store = scratch.open();
        found(&store, &KeyRing::new(b"0123456789abcdefghijklmnopqrstuv", &[]).unwrap()).unwrap();
        assert!(is_refused(&config(&scratch, COMMON, KEY), &store), "nothing goes over to it");
    }
}
