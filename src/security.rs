//! Security: the one façade that seals and opens provider keys and kept answers, makes and recognises virtual keys, and issues and
//! checks management credentials. Owns every derived key; its secrets are injected once, by the composition root.
//! Refuses to start on weak secrets, to fall back to plain text, and to hand a derived key out.

mod entropy;
pub mod jwt;
mod management;
pub mod obfuscate;
mod parts;
pub mod session_token;
mod subkeys;
pub mod vault;
pub mod virtual_key;

use std::fmt;
use std::time::Duration;

use farthing_actors::domain::{ProviderId, Role, Sealed, Secret, Timestamp};
use farthing_actors::keyring::ring::KeyDigest;
use thiserror::Error;
use zeroize::Zeroize;

pub use entropy::NoEntropy;
pub use jwt::{Claims, TokenError};
pub use parts::{PartFault, SecurityParts};
pub use session_token::{SessionClaims, SessionError};
pub use vault::VaultError;
pub use virtual_key::MintedKey;

use jwt::Tokens;
use management::Management;
use session_token::SessionTokens;
use subkeys::{Label, MacKey, Subkeys};
use vault::{KeptAnswers, Vault};
use virtual_key::VirtualKeys;

/// Why the façade could not be built. Every fault is the operator's to mend, before anything starts.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SecurityError {
    /// One or more secrets are not fit for use; all faults are listed.
    #[error("{}", join(.0))]
    Parts(Vec<PartFault>),
    /// A sub-key could not be derived.
    #[error("cannot derive the sub-key {0}; this is a defect, please report it")]
    Derivation(&'static str),
}

fn join(faults: &[PartFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The façade. Shared by reference; holds derived keys only, never the secrets it was built from.
pub struct Security {
    vault: Vault,
    kept_answers: KeptAnswers,
    virtual_keys: VirtualKeys,
    management: Management,
    tokens: Tokens,
    sessions: SessionTokens,
    audit: MacKey,
    check_value: [u8; 32],
}

impl fmt::Debug for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Security(****)")
    }
}

impl Security {
    /// Derives every key from the injected secrets. The token keys come from the session secret, so that changing it
    /// signs everyone out without touching stored provider keys.
    ///
    /// # Errors
    /// If a secret is empty, short, a sample, or equal to another one.
    pub fn new(mut parts: SecurityParts) -> Result<Self, SecurityError> {
        let faults = parts.faults();
        if !faults.is_empty() {
            return Err(SecurityError::Parts(faults));
        }
        let master = Subkeys::of(&parts.master_key);
        parts.master_key.zeroize();
        let session = Subkeys::of(parts.session_secret.expose().as_bytes());
        Ok(Self {
            vault: Vault::new(&master)?,
            kept_answers: KeptAnswers::new(&master)?,
            virtual_keys: VirtualKeys::new(&master)?,
            management: Management::new(&master, &parts.management_token)?,
            tokens: Tokens::new(&session)?,
            sessions: SessionTokens::new(&session)?,
            audit: master.mac(Label::AUDIT)?,
            check_value: master.mac(Label::CHECK)?.tag(b"farthing"),
        })
    }

    /// Seals a provider's key for storage. It opens again only for the same provider and host.
    ///
    /// # Errors
    /// If the key is too long, or the system has no randomness.
    pub fn seal_provider_key(&self, provider: ProviderId, host: &str, plain: &Secret) -> Result<Sealed, VaultError> {
        self.vault.seal(provider, host, plain)
    }

    /// Opens a stored provider key, for the header that needs it.
    ///
    /// # Errors
    /// Which of these it is: not our format, sealed under another master key, or altered or moved.
    pub fn open_provider_key(&self, provider: ProviderId, host: &str, sealed: &Sealed) -> Result<Secret, VaultError> {
        self.vault.open(provider, host, sealed)
    }

    /// Seals an answer for storage. It opens again only with the same `place`.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn seal_answer(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.kept_answers.seal(place, plain)
    }

    /// Opens a stored answer.
    ///
    /// # Errors
    /// Which of these it is: not our format, sealed under another master key, or altered or moved.
    pub fn open_answer(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.kept_answers.open(place, sealed)
    }

    /// Makes a new virtual key. Its secret is shown once and never stored.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn mint(&self) -> Result<MintedKey, NoEntropy> {
        self.virtual_keys.mint()
    }

    /// The digest a presented virtual key is looked up by; `None` if it cannot be a key of ours.
    pub fn digest_presented(&self, presented: &str) -> Option<KeyDigest> {
        self.virtual_keys.digest_presented(presented)
    }

    /// Whether a presented bearer is the `MANAGEMENT_TOKEN`. Takes the same time for every wrong one.
    pub fn is_management_token(&self, presented: &str) -> bool {
        self.management.admits(presented)
    }

    /// Issues a management token for `subject` that may do what `scope` names.
    ///
    /// # Errors
    /// If the lifetime is under a second or over [`jwt::MAX_LIFETIME`], or the system has no randomness.
    pub fn issue_token(
        &self,
        subject: &str,
        scope: &[String],
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<String, TokenError> {
        self.tokens.issue(subject, scope, lifetime, now)
    }

    /// The claims of a token issued here that has not expired at `now`.
    ///
    /// # Errors
    /// Why the token is not accepted.
    pub fn verify_token(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
        self.tokens.verify(token, now)
    }

    /// Issues a session for an operator who has just proved who they are. It lasts [`session_token::LIFETIME`].
    ///
    /// # Errors
    /// If the name is too long, or the system has no randomness.
    pub fn issue_session(&self, username: &str, role: Role, now: Timestamp) -> Result<String, SessionError> {
        self.sessions.issue(username, role, now)
    }

    /// The claims of a session issued here that is not over at `now`.
    ///
    /// # Errors
    /// Why the session is not accepted.
    pub fn verify_session(&self, token: &str, now: Timestamp) -> Result<SessionClaims, SessionError> {
        self.sessions.verify(token, now)
    }

    /// What links one event of the audit trail to the one before: nobody without the master key can make it.
    pub fn audit_mac(&self, text: &[u8]) -> [u8; 32] {
        self.audit.tag(text)
    }

    /// A value that depends on the master key and reveals nothing about it: stored once, compared at every start, so
    /// that a wrong master key is noticed before the first provider key fails to open.
    pub fn check_value(&self) -> [u8; 32] {
        self.check_value
    }
}

#[cfg(test)]
mod tests;
