//! Kept keys: what must outlive a master key, because nothing can be computed anew with another: the pepper that virtual keys
//! are found by, the key that links the audit trail, the pepper of passwords. Owns their names and that they are stored
//! sealed under the master key. Refuses to hand one out, and to go on without one that should be there.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

use super::entropy::{NoEntropy, random};
use super::ring::KeyRing;
use super::subkeys::{Label, MacKey};
use super::vault::{Purpose, VaultError};
use super::{SecurityError, vault};

const BYTES: usize = 64;

/// A stored name keeps its meaning; another scheme gets another version.
const VIRTUAL_KEYS: &str = "virtual-keys/v1";
const AUDIT: &str = "audit/v1";
const PASSWORDS: &str = "passwords/v1";

/// A kept key as it is stored: its name, and its sealed bytes.
pub type KeptRow = (String, Vec<u8>);

/// What a database has that was made before keys were kept: by keys that were derived from its master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heritage {
    /// Virtual keys.
    pub virtual_keys: bool,
    /// Events of the audit trail.
    pub audit: bool,
}

/// Why the kept keys cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeptKeyError {
    /// It is not stored.
    #[error("the kept key {0} is missing from the database; restore a backup that has it")]
    Missing(&'static str),
    /// It does not open.
    #[error("the kept key {0} cannot be opened: {1}; restore a backup in which it is whole")]
    Sealed(&'static str, VaultError),
}

/// The keys that are kept.
pub struct KeptKeys {
    virtual_keys: Zeroizing<[u8; BYTES]>,
    audit: Zeroizing<[u8; BYTES]>,
    passwords: Zeroizing<[u8; BYTES]>,
}

impl KeptKeys {
    /// The keys of an installation that begins to keep them: new ones, but for what its master key was used for already.
    ///
    /// # Errors
    /// If the system has no randomness, or a sub-key cannot be derived.
    pub fn found(ring: &KeyRing, heritage: Heritage) -> Result<Self, SecurityError> {
        let key = |inherited: bool, label: Label| match inherited {
            true => ring.present().subkeys.derive(label),
            false => random().map_err(SecurityError::NoEntropy),
        };
        Ok(Self {
            virtual_keys: key(heritage.virtual_keys, Label::VIRTUAL_KEYS)?,
            audit: key(heritage.audit, Label::AUDIT)?,
            passwords: key(false, Label::PASSWORDS)?,
        })
    }

    /// The stored keys, opened.
    ///
    /// # Errors
    /// Which one is missing or does not open.
    pub fn open(ring: &KeyRing, rows: &[KeptRow]) -> Result<Self, KeptKeyError> {
        let key = |name: &'static str| {
            let sealed = rows.iter().find(|(stored, _)| stored == name).map(|(_, sealed)| sealed);
            open(ring, name, sealed.ok_or(KeptKeyError::Missing(name))?)
        };
        Ok(Self { virtual_keys: key(VIRTUAL_KEYS)?, audit: key(AUDIT)?, passwords: key(PASSWORDS)? })
    }

    /// The keys, to be stored.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn seal(&self, ring: &KeyRing) -> Result<Vec<KeptRow>, VaultError> {
        let named = [(VIRTUAL_KEYS, &self.virtual_keys), (AUDIT, &self.audit), (PASSWORDS, &self.passwords)];
        let sealed = named.map(|(name, key)| {
            let sealed = vault::seal(ring, Purpose::KeptKeys, &[name.as_bytes()], key.as_slice());
            sealed.map(|sealed| (name.to_owned(), sealed))
        });
        sealed.into_iter().collect()
    }

    /// What links an event of the trail to the one before.
    pub fn audit_mac(&self, text: &[u8]) -> [u8; 32] {
        self.audit().tag(text)
    }

    pub(super) fn virtual_keys(&self) -> MacKey {
        MacKey::of(&self.virtual_keys)
    }

    pub(super) fn audit(&self) -> MacKey {
        MacKey::of(&self.audit)
    }

    pub(super) fn passwords(&self) -> MacKey {
        MacKey::of(&self.passwords)
    }
}

fn open(ring: &KeyRing, name: &'static str, sealed: &[u8]) -> Result<Zeroizing<[u8; BYTES]>, KeptKeyError> {
    let refused = |error| KeptKeyError::Sealed(name, error);
    let plain = Zeroizing::new(vault::open(ring, Purpose::KeptKeys, &[name.as_bytes()], sealed).map_err(refused)?);
    let key = plain.as_slice().try_into().map_err(|_| refused(VaultError::Format))?;
    Ok(Zeroizing::new(key))
}

impl From<NoEntropy> for SecurityError {
    fn from(error: NoEntropy) -> Self {
        Self::NoEntropy(error)
    }
}

impl fmt::Debug for KeptKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptKeys(****)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Heritage = Heritage { virtual_keys: true, audit: true };

    fn ring(present: u8, former: &[u8]) -> KeyRing {
        let former: Vec<_> = former.iter().map(|byte| Zeroizing::new([*byte; 32])).collect();
        KeyRing::new(&[present; 32], &former).unwrap()
    }

    #[test]
    fn an_old_installation_keeps_what_its_master_key_gave_it_and_a_new_one_has_keys_of_its_own() {
        let (one, two) = (KeptKeys::found(&ring(7, &[]), OLD).unwrap(), KeptKeys::found(&ring(7, &[]), OLD).unwrap());
        let derived = ring(7, &[]).present().subkeys.mac(Label::VIRTUAL_KEYS).unwrap();
        assert_eq!(one.virtual_keys().tag(b"x"), derived.tag(b"x"));
        assert_eq!((one.audit().tag(b"x")), two.audit().tag(b"x"));
        let new = KeptKeys::found(&ring(7, &[]), Heritage::default()).unwrap();
        assert_ne!(new.virtual_keys().tag(b"x"), derived.tag(b"x"));
        assert_ne!(one.passwords().tag(b"x"), two.passwords().tag(b"x"));
    }

    #[test]
    fn kept_keys_survive_another_master_key_and_no_swap() {
        let kept = KeptKeys::found(&ring(7, &[]), OLD).unwrap();
        let mut rows = kept.seal(&ring(7, &[])).unwrap();
        let later = KeptKeys::open(&ring(9, &[7]), &rows).unwrap();
        let resealed = later.seal(&ring(9, &[7])).unwrap();
        let last = KeptKeys::open(&ring(9, &[]), &resealed).unwrap();
        assert_eq!(last.virtual_keys().tag(b"x"), kept.virtual_keys().tag(b"x"));
        assert_eq!(
            KeptKeys::open(&ring(9, &[]), &rows).unwrap_err(),
            KeptKeyError::Sealed(VIRTUAL_KEYS, VaultError::MasterKey(ring(7, &[]).id()))
        );
        let (first, second) = (rows[0].1.clone(), rows[1].1.clone());
        (rows[0].1, rows[1].1) = (second, first);
        let swapped = KeptKeys::open(&ring(7, &[]), &rows).unwrap_err();
        assert_eq!(swapped, KeptKeyError::Sealed(VIRTUAL_KEYS, VaultError::Tag));
        assert_eq!(KeptKeys::open(&ring(7, &[]), &rows[2..]).unwrap_err(), KeptKeyError::Missing(VIRTUAL_KEYS));
    }
}
