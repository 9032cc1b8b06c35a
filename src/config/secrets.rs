//! The three secrets: what signs sessions, what encrypts provider keys, and what opens the management API.
//! Owns reading them (plain, `env:NAME`, `file:PATH`), judging and making them. Refuses weak and equal ones by name,
//! and never puts a value into a message.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use farthing_actors::domain::Secret;

use super::fault::{Fault, Place, Problem};
use super::master;
use super::sources::{DOTENV_NAME, Sources, Variable, Variables};

/// The variable with the key that signs operators' sessions.
pub const SESSION_SECRET: &str = "SESSION_SECRET";
/// The variable with the key that encrypts provider keys.
pub const MASTER_ENCRYPTION_KEY: &str = "MASTER_ENCRYPTION_KEY";
/// The variable with the token of the management API.
pub const MANAGEMENT_TOKEN: &str = "MANAGEMENT_TOKEN";
/// The variable with the salt that makes a key of a passphrase.
pub const PERSISTENT_ENCRYPTION_SALT: &str = "PERSISTENT_ENCRYPTION_SALT";
/// The variable with former keys that encrypted provider keys.
pub const MASTER_ENCRYPTION_KEY_PREVIOUS: &str = "MASTER_ENCRYPTION_KEY_PREVIOUS";
/// The variable with the key that signed operators' sessions before.
pub const SESSION_SECRET_PREVIOUS: &str = "SESSION_SECRET_PREVIOUS";
/// The variable with the token of the management API before.
pub const MANAGEMENT_TOKEN_PREVIOUS: &str = "MANAGEMENT_TOKEN_PREVIOUS";
/// The variable with what alerts are signed with.
pub const ALERTS_WEBHOOK_SECRET: &str = "ALERTS_WEBHOOK_SECRET";
/// The variable with what proves to an identity provider that it is us.
pub const OIDC_CLIENT_SECRET: &str = "OIDC_CLIENT_SECRET";
/// Those that may be given besides, while something of before goes on.
pub const PREVIOUS: [&str; 3] = [SESSION_SECRET_PREVIOUS, MASTER_ENCRYPTION_KEY_PREVIOUS, MANAGEMENT_TOKEN_PREVIOUS];
/// All that are needed.
pub const NAMES: [&str; 3] = [SESSION_SECRET, MASTER_ENCRYPTION_KEY, MANAGEMENT_TOKEN];

const LEAST_CHARACTERS: usize = 32;
/// A random text of 32 characters has far more; `aaaa…` and `abababab…` have fewer.
const LEAST_DISTINCT: usize = 6;
const KEY_BYTES: usize = 32;
/// What samples are made of. Long enough that a random text does not contain one.
const SAMPLE_WORDS: [&str; 14] = [
    "changeme",
    "change-me",
    "change_me",
    "changethis",
    "change-in-production",
    "change_in_production",
    "placeholder",
    "password",
    "example",
    "replace-",
    "insecure",
    "your-secret",
    "your_secret",
    "yoursecret",
];

pub(super) const NEW_KEY: &str = "make one with `openssl rand -base64 32`, or all three with `farthing init`";

/// The secrets, each judged strong enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// Signs operators' sessions: 32 characters or more.
    pub session_secret: Secret,
    /// Encrypts provider keys: 32 bytes in base64, standard alphabet, padded; or, beside a salt, a passphrase.
    pub master_encryption_key: Secret,
    /// Makes keys of passphrases: 16 bytes or more in hexadecimal.
    pub encryption_salt: Option<Secret>,
    /// Opens the management API: 32 visible characters or more.
    pub management_token: Secret,
    /// Former ones of `master_encryption_key`: they open what they sealed.
    pub former_master_keys: Vec<Secret>,
    /// The `session_secret` before: what it signed goes on.
    pub former_session_secret: Option<Secret>,
    /// The `management_token` before: admitted, too.
    pub former_management_token: Option<Secret>,
    /// Signs alerts that are posted: 32 characters or more.
    pub webhook_secret: Option<Secret>,
    /// Proves to an identity provider that it is us; as it was given there.
    pub oidc_client_secret: Option<Secret>,
}

impl Secrets {
    /// Three new ones.
    ///
    /// # Errors
    /// If the system has no randomness to give.
    pub fn generate() -> Result<Self, getrandom::Error> {
        Ok(Self {
            session_secret: Secret::new(URL_SAFE_NO_PAD.encode(random()?)),
            master_encryption_key: Secret::new(STANDARD.encode(random()?)),
            encryption_salt: None,
            management_token: Secret::new(URL_SAFE_NO_PAD.encode(random()?)),
            former_master_keys: Vec::new(),
            former_session_secret: None,
            former_management_token: None,
            webhook_secret: None,
            oidc_client_secret: None,
        })
    }

    /// Reads all three; `None` if any is faulty, which is noted.
    pub(super) fn read(sources: &Sources, variables: &Variables, faults: &mut Vec<Fault>) -> Option<Self> {
        let mut one = |name, judge: Judge| {
            let found = reading(sources, variables, name).and_then(|found| judged(found, name, judge));
            found.map_err(|fault| faults.push(fault)).ok()
        };
        let given = |name: &&str| variables.get(name).is_some_and(|variable| !variable.text.is_empty());
        let former_session = Some(SESSION_SECRET_PREVIOUS).filter(given).map(|name| one(name, judge_text));
        let former_token = Some(MANAGEMENT_TOKEN_PREVIOUS).filter(given).map(|name| one(name, judge_token));
        let webhook = Some(ALERTS_WEBHOOK_SECRET).filter(given).map(|name| one(name, judge_text));
        let client = Some(OIDC_CLIENT_SECRET).filter(given).map(|name| one(name, judge_given));
        let salt = Some(PERSISTENT_ENCRYPTION_SALT).filter(given).map(|name| one(name, master::judge_salt));
        let judge_master: Judge = if salt.is_some() { master::judge_either } else { master::judge_key };
        let session = one(SESSION_SECRET, judge_text);
        let master = one(MASTER_ENCRYPTION_KEY, judge_master);
        let token = one(MANAGEMENT_TOKEN, judge_token);
        let former = former(sources, variables, judge_master).map_err(|fault| faults.push(fault)).ok();
        faults.extend(equal([&session, &master, &token], variables));
        if let (true, Some(master), Some(former)) = (salt.is_some(), &master, &former) {
            faults.extend(needless((master, former), variables));
        }
        Some(Self {
            session_secret: session?,
            master_encryption_key: master?,
            encryption_salt: optional(salt)?,
            management_token: token?,
            former_master_keys: former?,
            former_session_secret: optional(former_session)?,
            former_management_token: optional(former_token)?,
            webhook_secret: optional(webhook)?,
            oidc_client_secret: optional(client)?,
        })
    }
}

/// `None` if what was given is faulty.
fn optional(given: Option<Option<Secret>>) -> Option<Option<Secret>> {
    given.map_or(Some(None), |judged| judged.map(Some))
}

/// The keys of a list, each given like any other secret; none if there is no list.
fn former(sources: &Sources, variables: &Variables, judge: Judge) -> Result<Vec<Secret>, Fault> {
    let name = MASTER_ENCRYPTION_KEY_PREVIOUS;
    let Some(variable) = variables.get(name) else { return Ok(Vec::new()) };
    let parts = variable.text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let one = |part: &str| {
        let part = Variable { text: part.to_owned(), place: variable.place.clone() };
        let found = resolve(&part, variables, sources.base());
        judged(found.map_err(|problem| Fault::new(part.place, name, problem))?, name, judge)
    };
    parts.map(one).collect()
}

fn random() -> Result<[u8; KEY_BYTES], getrandom::Error> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

fn reading(sources: &Sources, variables: &Variables, name: &str) -> Result<Variable, Fault> {
    let Some(variable) = variables.get(name) else {
        let place = Place::File(sources.base().join(DOTENV_NAME));
        return Err(Fault::new(place, name, Problem::new("it is missing here and in the environment", NEW_KEY)));
    };
    resolve(variable, variables, sources.base()).map_err(|problem| Fault::new(variable.place.clone(), name, problem))
}

/// Follows `env:NAME` and `file:PATH`, once; other text is the value itself. Relative paths start at `base`.
///
/// # Errors
/// If what is pointed to is not there, or points on.
pub fn resolve(variable: &Variable, variables: &Variables, base: &Path) -> Result<Variable, Problem> {
    let found = if let Some(name) = variable.text.strip_prefix("env:") {
        let missing =
            || Problem::new(format!("it points to the variable {name}, which is not set"), "set that variable");
        variables.get(name).cloned().ok_or_else(missing)?
    } else if let Some(path) = variable.text.strip_prefix("file:") {
        read_secret_file(base.join(path))?
    } else {
        return Ok(variable.clone());
    };
    if found.text.starts_with("env:") || found.text.starts_with("file:") {
        return Err(Problem::new("what it points to points on", "point to the secret itself"));
    }
    Ok(found)
}

fn read_secret_file(path: PathBuf) -> Result<Variable, Problem> {
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Variable { text: text.trim_end_matches(['\r', '\n']).to_owned(), place: Place::File(path) }),
        Err(error) => {
            let what = format!("it points to {}, which cannot be read: {error}", path.display());
            Err(Problem::new(what, "name a readable file"))
        }
    }
}

/// What is wrong with a secret, if anything is.
type Judge = fn(&str) -> Result<(), Problem>;

fn judged(found: Variable, name: &str, judge: Judge) -> Result<Secret, Fault> {
    match judge(&found.text) {
        Ok(()) => Ok(Secret::new(found.text)),
        Err(problem) => Err(Fault::new(found.place, name, problem)),
    }
}

fn judge_text(text: &str) -> Result<(), Problem> {
    if text.trim().is_empty() {
        return Err(Problem::new("it is empty", NEW_KEY));
    }
    refuse_samples(text)?;
    if text.chars().count() < LEAST_CHARACTERS {
        return Err(Problem::new(format!("it is shorter than {LEAST_CHARACTERS} characters"), NEW_KEY));
    }
    refuse_repetition(text.as_bytes())
}

/// Somebody else made it: its strength is theirs to see to.
fn judge_given(text: &str) -> Result<(), Problem> {
    let blank = text.trim().is_empty();
    if blank { Err(Problem::new("it is empty", "give what the identity provider shows")) } else { refuse_samples(text) }
}

fn judge_token(text: &str) -> Result<(), Problem> {
    judge_text(text)?;
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    visible.then_some(()).ok_or_else(|| Problem::new("it has characters no HTTP header can carry", NEW_KEY))
}

pub(super) fn refuse_samples(text: &str) -> Result<(), Problem> {
    let text = text.to_lowercase();
    match SAMPLE_WORDS.iter().find(|word| text.contains(**word)) {
        Some(word) => Err(Problem::new(format!("it is a sample: it contains {word:?}"), NEW_KEY)),
        None => Ok(()),
    }
}

pub(super) fn refuse_repetition(bytes: &[u8]) -> Result<(), Problem> {
    let distinct = bytes.iter().collect::<BTreeSet<_>>().len();
    if distinct >= LEAST_DISTINCT { Ok(()) } else { Err(Problem::new("it repeats a few characters", NEW_KEY)) }
}

/// A fault where there is a salt and no passphrase.
fn needless((present, former): (&Secret, &[Secret]), variables: &Variables) -> Option<Fault> {
    let name = PERSISTENT_ENCRYPTION_SALT;
    let place = variables.get(name).map_or(Place::Environment, |variable| variable.place.clone());
    let all_keys = std::iter::once(present).chain(former).all(|text| master::bytes(text.expose()).is_some());
    all_keys.then(|| Fault::new(place, name, master::needless_salt()))
}

/// A fault for each secret that equals an earlier one.
fn equal(secrets: [&Option<Secret>; 3], variables: &Variables) -> Vec<Fault> {
    let named: Vec<_> =
        NAMES.iter().zip(secrets).filter_map(|(name, secret)| Some((*name, secret.as_ref()?))).collect();
    let repeated = named.iter().enumerate().filter_map(|(index, (name, secret))| {
        let (earlier, _) = named.iter().take(index).find(|(_, other)| other == secret)?;
        let place = variables.get(name).map_or(Place::Environment, |variable| variable.place.clone());
        Some(Fault::new(place, *name, Problem::new(format!("it equals {earlier}"), NEW_KEY)))
    });
    repeated.collect()
}
