//! The vault: providers' keys under XChaCha20-Poly1305, bound to the provider and host they were given for; and answers that
//! are kept for their idempotency keys, under a key of their own, bound to their place.
//! Owns the sealed format (version, master key id, nonce, ciphertext with tag) and tells a bad format from a failed tag.
//! Refuses to fall back to plain text; plain text exists only in buffers that are wiped.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use farthing_actors::domain::{ProviderId, Sealed, Secret};
use thiserror::Error;
use zeroize::Zeroizing;

use super::SecurityError;
use super::entropy::{NoEntropy, random};
use super::subkeys::{Label, Subkeys};

/// The first byte of everything sealed here.
const VERSION: u8 = 1;

/// Enough to tell master keys apart; the id is no secret and no proof.
const KEY_ID_BYTES: usize = 8;

const NONCE_BYTES: usize = 24;

/// The Poly1305 tag at the end; nothing shorter can be a ciphertext.
const TAG_BYTES: usize = 16;

/// Service account files are about 3 KiB; anything much longer is no key.
const MAX_PLAIN_BYTES: usize = 16 * 1024;

/// Why a provider's key was not sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum VaultError {
    /// These bytes were not sealed by Farthing, or were cut short.
    #[error("the stored provider key is not in a format Farthing writes; enter the provider's api_key again")]
    Format,
    /// A later version of Farthing sealed it.
    #[error("the stored provider key has format {0}, this Farthing reads format 1; use the version that wrote it")]
    Version(u8),
    /// Sealed under a different master key.
    #[error(
        "the stored provider key was sealed under another MASTER_ENCRYPTION_KEY; restore that value, or enter the \
         provider's api_key again"
    )]
    MasterKey,
    /// The tag does not fit: the bytes were altered, or belong to another provider or host.
    #[error(
        "the stored provider key failed its authenticity check: it was altered, or sealed for another provider or \
         host; enter the provider's api_key again"
    )]
    Tag,
    /// No provider has such a key.
    #[error("the provider's api_key is longer than 16 KiB; give the key itself")]
    TooLong,
    /// No nonce could be made.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

/// Seals and opens providers' keys under one master key.
pub(super) struct Vault(Seal);

impl Vault {
    pub(super) fn new(master: &Subkeys) -> Result<Self, SecurityError> {
        Ok(Self(Seal::new(master, Label::PROVIDER_KEYS)?))
    }

    /// Seals a key for one provider at one host.
    pub(super) fn seal(&self, provider: ProviderId, host: &str, plain: &Secret) -> Result<Sealed, VaultError> {
        let plain = plain.expose().as_bytes();
        if plain.len() > MAX_PLAIN_BYTES {
            return Err(VaultError::TooLong);
        }
        let (provider, host) = (provider.to_string(), host.to_ascii_lowercase());
        Ok(Sealed(self.0.seal(&[provider.as_bytes(), host.as_bytes()], plain)?.into()))
    }

    /// Opens what [`Vault::seal`] made for the same provider and host.
    pub(super) fn open(&self, provider: ProviderId, host: &str, sealed: &Sealed) -> Result<Secret, VaultError> {
        let (provider, host) = (provider.to_string(), host.to_ascii_lowercase());
        let plain = Zeroizing::new(self.0.open(&[provider.as_bytes(), host.as_bytes()], &sealed.0)?);
        std::str::from_utf8(&plain).map(Secret::new).map_err(|_| VaultError::Format)
    }
}

/// Seals and opens answers that are kept for a while, under a key of their own.
pub(super) struct KeptAnswers(Seal);

impl KeptAnswers {
    pub(super) fn new(master: &Subkeys) -> Result<Self, SecurityError> {
        Ok(Self(Seal::new(master, Label::KEPT_ANSWERS)?))
    }

    /// Seals an answer for one place.
    pub(super) fn seal(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.0.seal(&[place], plain)
    }

    /// Opens what [`KeptAnswers::seal`] made for the same place.
    pub(super) fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.0.open(&[place], sealed)
    }
}

/// What is common to everything sealed: one cipher for one purpose.
struct Seal {
    cipher: XChaCha20Poly1305,
    label: Label,
    key_id: [u8; KEY_ID_BYTES],
}

impl Seal {
    fn new(master: &Subkeys, label: Label) -> Result<Self, SecurityError> {
        let key = master.derive::<32>(label)?;
        let cipher = XChaCha20Poly1305::new((&*key).into());
        Ok(Self { cipher, label, key_id: *master.derive(Label::MASTER_KEY_ID)? })
    }

    fn seal(&self, place: &[&[u8]], msg: &[u8]) -> Result<Vec<u8>, VaultError> {
        let nonce = random::<NONCE_BYTES>()?;
        let aad = self.associated(place, &self.key_id);
        let ciphertext = self.cipher.encrypt(&XNonce::from(*nonce), Payload { msg, aad: &aad });
        let ciphertext = ciphertext.map_err(|_| VaultError::TooLong)?;
        Ok([&[VERSION], self.key_id.as_slice(), nonce.as_slice(), &ciphertext].concat())
    }

    fn open(&self, place: &[&[u8]], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let envelope = Envelope::read(sealed)?;
        if *envelope.key_id != self.key_id {
            return Err(VaultError::MasterKey);
        }
        let aad = self.associated(place, envelope.key_id);
        let payload = Payload { msg: envelope.ciphertext, aad: &aad };
        self.cipher.decrypt(&XNonce::from(*envelope.nonce), payload).map_err(|_| VaultError::Tag)
    }

    /// What the tag covers besides the ciphertext. Each part carries its length, so that no two lists read the same.
    fn associated(&self, place: &[&[u8]], key_id: &[u8; KEY_ID_BYTES]) -> Vec<u8> {
        let parts = [self.label.as_str().as_bytes()].into_iter().chain(place.iter().copied()).chain([&key_id[..]]);
        parts.flat_map(|part| length(part).into_iter().chain(part.iter().copied())).collect()
    }
}

/// A sealed key, taken apart.
struct Envelope<'a> {
    key_id: &'a [u8; KEY_ID_BYTES],
    nonce: &'a [u8; NONCE_BYTES],
    ciphertext: &'a [u8],
}

impl<'a> Envelope<'a> {
    fn read(sealed: &'a [u8]) -> Result<Self, VaultError> {
        let (version, rest) = sealed.split_first().ok_or(VaultError::Format)?;
        match *version {
            VERSION => Self::read_v1(rest).ok_or(VaultError::Format),
            0 => Err(VaultError::Format),
            newer => Err(VaultError::Version(newer)),
        }
    }

    fn read_v1(rest: &'a [u8]) -> Option<Self> {
        let (key_id, rest) = rest.split_first_chunk()?;
        let (nonce, ciphertext) = rest.split_first_chunk()?;
        (ciphertext.len() >= TAG_BYTES).then_some(Self { key_id, nonce, ciphertext })
    }
}

/// The same on every machine, so that a database can move between them.
fn length(part: &[u8]) -> [u8; 8] {
    u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests;
