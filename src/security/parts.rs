//! Parts: the three secrets an installation is built on, and what makes one unfit for use.
//! Owns the rules for them and names every fault at once. Refuses to show a secret, even a refused one.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use farthing_actors::domain::Secret;
use thiserror::Error;
use zeroize::Zeroizing;

use super::SecurityError;
use super::ring::KeyRing;

/// The output size of HMAC-SHA256: a shorter secret would be its weakest part.
const SESSION_SECRET_BYTES: usize = 32;

/// About 96 bits in base64, beyond guessing over a network.
const MANAGEMENT_TOKEN_BYTES: usize = 16;

/// What documentation and templates write where a secret should stand.
const SAMPLES: [&str; 8] =
    ["changeme", "change-me", "change_me", "replace-me", "replace_me", "placeholder", "your-", "your_"];

const MASTER: &str = "MASTER_ENCRYPTION_KEY";
const SESSION: &str = "SESSION_SECRET";
const MANAGEMENT: &str = "MANAGEMENT_TOKEN";

/// The secrets `Security` is built from.
pub struct SecurityParts {
    /// `MASTER_ENCRYPTION_KEY`, decoded, or made of a passphrase.
    pub master_key: [u8; 32],
    /// `MASTER_ENCRYPTION_KEY_PREVIOUS`, decoded: they open what they sealed.
    pub former_master_keys: Vec<Zeroizing<[u8; 32]>>,
    /// `SESSION_SECRET`: at least 32 bytes.
    pub session_secret: Secret,
    /// `MANAGEMENT_TOKEN`: at least 16 bytes.
    pub management_token: Secret,
    /// `SESSION_SECRET_PREVIOUS`: what it signed goes on.
    pub former_session_secret: Option<Secret>,
    /// `MANAGEMENT_TOKEN_PREVIOUS`: admitted, too.
    pub former_management_token: Option<Secret>,
}

impl fmt::Debug for SecurityParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecurityParts(****)")
    }
}

/// What is wrong with a secret, by the name of its setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PartFault {
    /// Nothing was given.
    #[error("{0} is empty; run `farthing init` to generate secrets")]
    Empty(&'static str),
    /// It could be guessed.
    #[error("{name} is too short: at least {least} bytes are needed; run `farthing init` to generate one")]
    Short {
        /// Which setting.
        name: &'static str,
        /// How many bytes it needs.
        least: usize,
    },
    /// It was copied from a template.
    #[error("{0} is a sample value; run `farthing init` to generate a secret of your own")]
    Sample(&'static str),
    /// One leak would open two doors.
    #[error("{0} and {1} are equal; each needs a value of its own")]
    Equal(&'static str, &'static str),
}

impl SecurityParts {
    /// Everything that is wrong with the secrets; empty if they are fit for use.
    pub fn faults(&self) -> Vec<PartFault> {
        let mut faults = Vec::new();
        if self.master_key == [0; 32] {
            faults.push(PartFault::Sample(MASTER));
        }
        faults.extend(text_fault(SESSION, &self.session_secret, SESSION_SECRET_BYTES));
        faults.extend(text_fault(MANAGEMENT, &self.management_token, MANAGEMENT_TOKEN_BYTES));
        faults.extend(self.equal_faults());
        faults
    }

    /// The master keys as a ring.
    ///
    /// # Errors
    /// If a sub-key cannot be derived.
    pub fn ring(&self) -> Result<KeyRing, SecurityError> {
        KeyRing::new(&self.master_key, &self.former_master_keys)
    }

    fn equal_faults(&self) -> impl Iterator<Item = PartFault> {
        let master = Zeroizing::new(STANDARD.encode(self.master_key));
        let (session, management) = (self.session_secret.expose(), self.management_token.expose());
        let pairs = [
            (master.as_str() == session, MASTER, SESSION),
            (master.as_str() == management, MASTER, MANAGEMENT),
            (session == management, SESSION, MANAGEMENT),
        ];
        pairs.into_iter().filter(|(equal, ..)| *equal).map(|(_, one, other)| PartFault::Equal(one, other))
    }
}

fn text_fault(name: &'static str, secret: &Secret, least: usize) -> Option<PartFault> {
    let text = secret.expose().trim();
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    if text.is_empty() {
        Some(PartFault::Empty(name))
    } else if SAMPLES.iter().any(|sample| lower.contains(sample)) {
        Some(PartFault::Sample(name))
    } else if text.len() < least {
        Some(PartFault::Short { name, least })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(master: u8, session: &str, management: &str) -> SecurityParts {
        SecurityParts {
            master_key: [master; 32],
            former_master_keys: Vec::new(),
            session_secret: Secret::new(session),
            management_token: Secret::new(management),
            former_session_secret: None,
            former_management_token: None,
        }
    }

    #[test]
    fn fit_secrets_have_no_faults() {
        let fit = parts(7, "0123456789abcdef0123456789abcdef", "fedcba9876543210");
        assert_eq!(fit.faults(), []);
        assert_eq!(format!("{fit:?}"), "SecurityParts(****)");
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let session_short = PartFault::Short { name: SESSION, least: 32 };
        assert_eq!(
            parts(0, "short", " ").faults(),
            [PartFault::Sample(MASTER), session_short, PartFault::Empty(MANAGEMENT)]
        );
        assert_eq!(
            parts(7, "please-ChangeMe-please-ChangeMe-now", "your-management-token").faults(),
            [PartFault::Sample(SESSION), PartFault::Sample(MANAGEMENT)]
        );
    }

    #[test]
    fn equal_secrets_are_refused_whichever_two_they_are() {
        let long = "0123456789abcdef0123456789abcdef";
        assert_eq!(parts(7, long, long).faults(), [PartFault::Equal(SESSION, MANAGEMENT)]);
        let master = STANDARD.encode([7; 32]);
        assert_eq!(parts(7, &master, "fedcba9876543210").faults(), [PartFault::Equal(MASTER, SESSION)]);
        assert_eq!(parts(7, long, &master).faults(), [PartFault::Equal(MASTER, MANAGEMENT)]);
    }
}
