//! Sub-keys: from one secret, one key per purpose (HKDF-SHA256), so that nothing made for one purpose counts for another.
//! Owns the labels and the keyed hash. Refuses a label from anywhere else.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::SecurityError;

/// What a sub-key is for. A label that was ever used keeps its meaning; a changed scheme gets a new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label(&'static str);

impl Label {
    /// Encrypts providers' keys.
    pub(super) const PROVIDER_KEYS: Self = Self("farthing/provider-keys/v1");
    /// Encrypts answers that are kept for their idempotency keys.
    pub(super) const KEPT_ANSWERS: Self = Self("farthing/kept-answers/v1");
    /// Names the master key, so that a sealed key says which one it needs.
    pub(super) const MASTER_KEY_ID: Self = Self("farthing/master-key-id/v1");
    /// Hashes virtual keys.
    pub(super) const VIRTUAL_KEYS: Self = Self("farthing/virtual-keys/v1");
    /// Compares the management token.
    pub(super) const MANAGEMENT: Self = Self("farthing/management/v1");
    /// Makes the master key's check value.
    pub(super) const CHECK: Self = Self("farthing/check/v1");
    /// Signs management tokens.
    pub(super) const TOKENS: Self = Self("farthing/tokens/v1");
    /// Signs operators' sessions.
    pub(super) const SESSIONS: Self = Self("farthing/sessions/v1");
    /// Hashes what sessions are found by.
    pub(super) const SESSION_IDS: Self = Self("farthing/session-ids/v1");
    /// Tells management tokens apart, for the sessions they opened.
    pub(super) const TOKEN_MARKS: Self = Self("farthing/token-marks/v1");
    /// Makes what a page must send with every change.
    pub(super) const CSRF: Self = Self("farthing/csrf/v1");

    /// Links the audit trail.
    pub(super) const AUDIT: Self = Self("farthing/audit/v1");
    /// Peppers passwords.
    pub(super) const PASSWORDS: Self = Self("farthing/passwords/v1");
    /// Signs what a sign-in with an identity provider takes along.
    pub(super) const OIDC: Self = Self("farthing/oidc/v1");
    /// Makes the code by which the first owner is made.
    pub(super) const SET_UP: Self = Self("farthing/set-up/v1");
    /// Signs tokens of virtual keys.
    pub(super) const KEY_TOKENS: Self = Self("farthing/key-tokens/v1");
    /// Signs one-time tickets for the live feed.
    pub(super) const FEED_TICKETS: Self = Self("farthing/feed-tickets/v1");
    /// Signs what backups say of themselves.
    pub(super) const BACKUPS: Self = Self("farthing/backups/v1");
    /// Encrypts keys that outlive a master key.
    pub(super) const KEPT_KEYS: Self = Self("farthing/kept-keys/v1");

    #[cfg(test)]
    const ALL: [Self; 19] = [
        Self::PROVIDER_KEYS,
        Self::KEPT_ANSWERS,
        Self::MASTER_KEY_ID,
        Self::VIRTUAL_KEYS,
        Self::MANAGEMENT,
        Self::CHECK,
        Self::TOKENS,
        Self::SESSIONS,
        Self::SESSION_IDS,
        Self::CSRF,
        Self::TOKEN_MARKS,
        Self::AUDIT,
        Self::PASSWORDS,
        Self::KEPT_KEYS,
        Self::KEY_TOKENS,
        Self::BACKUPS,
        Self::OIDC,
        Self::SET_UP,
        Self::FEED_TICKETS,
    ];

    /// The label's text, also used as associated data.
    pub(super) fn as_str(self) -> &'static str {
        self.0
    }
}

/// The source of sub-keys: what HKDF extracts from one secret.
pub(super) struct Subkeys(Hkdf<Sha256>);

impl Subkeys {
    /// Extracts from a secret.
    pub(super) fn of(secret: &[u8]) -> Self {
        Self(Hkdf::new(None, secret))
    }

    /// Extracts from a secret in an installation that was restored: each generation has keys of its own, and the first those
    /// of [`Subkeys::of`].
    pub(super) fn in_generation(secret: &[u8], generation: i64) -> Self {
        if generation <= 1 { Self::of(secret) } else { Self(Hkdf::new(Some(&generation.to_be_bytes()), secret)) }
    }

    /// The sub-key of `N` bytes for one purpose.
    pub(super) fn derive<const N: usize>(&self, label: Label) -> Result<Zeroizing<[u8; N]>, SecurityError> {
        let mut key = Zeroizing::new([0; N]);
        let expanded = self.0.expand(label.0.as_bytes(), key.as_mut_slice());
        expanded.map_err(|_| SecurityError::Derivation(label.0))?;
        Ok(key)
    }

    /// The keyed hash for one purpose.
    pub(super) fn mac(&self, label: Label) -> Result<MacKey, SecurityError> {
        Ok(MacKey::of(&*self.derive::<64>(label)?))
    }
}

/// HMAC-SHA256 with its key already absorbed: a tag costs the message only.
#[derive(Clone)]
pub(super) struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// The keyed hash of a key that is kept.
    pub(super) fn of(key: &[u8; 64]) -> Self {
        Self(Hmac::new(key.into()))
    }

    /// The tag of a message.
    pub(super) fn tag(&self, message: &[u8]) -> [u8; 32] {
        self.0.clone().chain_update(message).finalize().into_bytes().into()
    }

    /// Whether `tag` is the message's, in time that does not depend on where they differ.
    pub(super) fn verifies(&self, message: &[u8], tag: &[u8; 32]) -> bool {
        self.0.clone().chain_update(message).verify(tag.into()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_has_a_key_of_its_own() {
        let source = Subkeys::of(&[7; 32]);
        let mut keys: Vec<_> = Label::ALL.iter().map(|label| *source.derive::<32>(*label).unwrap()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), Label::ALL.len());
    }

    #[test]
    fn a_key_depends_on_its_secret_and_nothing_else() {
        let key = |secret: &[u8]| *Subkeys::of(secret).derive::<32>(Label::CHECK).unwrap();
        assert_eq!(key(&[7; 32]), key(&[7; 32]));
        assert_ne!(key(&[7; 32]), key(&[8; 32]));
    }

    #[test]
    fn a_restored_installation_has_keys_of_its_own() {
        let key = |generation| *Subkeys::in_generation(&[7; 32], generation).derive::<32>(Label::SESSIONS).unwrap();
        assert_eq!(key(1), *Subkeys::of(&[7; 32]).derive::<32>(Label::SESSIONS).unwrap());
        assert!(key(2) != key(1) && key(3) != key(2));
    }

    #[test]
    fn derivation_is_hkdf_sha256_of_rfc_5869() {
        // Computed with an independent implementation; a change here would orphan everything stored.
        let key = *Subkeys::of(&[7; 32]).derive::<32>(Label::CHECK).unwrap();
        assert_eq!(
            key.map(|byte| format!("{byte:02x}")).concat(),
            "27318c2289b5cf6d3c08c944056b90395d114a67c75fccb431f8bb0eb455a1a7"
        );
    }

    #[test]
    fn a_tag_verifies_its_message_only() {
        let mac = Subkeys::of(&[7; 32]).mac(Label::CHECK).unwrap();
        let tag = mac.tag(b"message");
        assert!(mac.verifies(b"message", &tag));
        assert!(!mac.verifies(b"massage", &tag));
    }
}
