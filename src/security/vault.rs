//! The vault: providers' keys under XChaCha20-Poly1305, bound to the provider and host they were given for; and, under keys of
//! their own and bound to their place, answers that are kept for their idempotency keys and keys that outlive a master key.
//! Owns the sealed format (version, master key id, nonce, ciphertext with tag) and tells a bad format from a failed tag.
//! Refuses to fall back to plain text; plain text exists only in buffers that are wiped.

use chacha20poly1305::XNonce;
use chacha20poly1305::aead::{Aead, Payload};
use farthing_actors::domain::{ProviderId, Sealed, Secret};
use thiserror::Error;
use zeroize::Zeroizing;

use super::entropy::{NoEntropy, random};
use super::ring::{KeyRing, MasterId};
use super::subkeys::Label;

/// The first byte of everything sealed here.
const VERSION: u8 = 1;

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
    /// Sealed under a master key that is not on the ring.
    #[error(
        "it was sealed under the master key {0}, which is not given; add that one to MASTER_ENCRYPTION_KEY_PREVIOUS, or \
         enter the provider's api_key again"
    )]
    MasterKey(MasterId),
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

/// What is sealed; each purpose has a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Providers' keys.
    ProviderKeys,
    /// Answers that are kept for their idempotency keys.
    KeptAnswers,
    /// Keys that outlive a master key.
    KeptKeys,
}

impl Purpose {
    pub(super) fn label(self) -> Label {
        match self {
            Self::ProviderKeys => Label::PROVIDER_KEYS,
            Self::KeptAnswers => Label::KEPT_ANSWERS,
            Self::KeptKeys => Label::KEPT_KEYS,
        }
    }

    /// What the tag covers besides the ciphertext. Each part carries its length, so that no two lists read the same.
    fn associated(self, place: &[&[u8]], id: MasterId) -> Vec<u8> {
        let parts = [self.label().as_str().as_bytes()].into_iter().chain(place.iter().copied()).chain([&id.0[..]]);
        parts.flat_map(|part| length(part).into_iter().chain(part.iter().copied())).collect()
    }
}

/// Providers' keys, each for one provider at one host.
impl KeyRing {
    /// What everything begins with that is sealed under the present master key.
    pub fn mark(&self) -> [u8; 1 + KEY_ID_BYTES] {
        let mut mark = [VERSION; 1 + KEY_ID_BYTES];
        mark.iter_mut().skip(1).zip(self.id().0).for_each(|(at, byte)| *at = byte);
        mark
    }

    /// Whether `sealed` is under the present master key, as far as its envelope says.
    pub fn is_under_present(&self, sealed: &[u8]) -> bool {
        sealed.starts_with(&self.mark())
    }

    /// Seals a key under the present master key.
    pub(super) fn seal_provider_key(
        &self,
        provider: ProviderId,
        host: &str,
        plain: &Secret,
    ) -> Result<Sealed, VaultError> {
        let plain = plain.expose().as_bytes();
        if plain.len() > MAX_PLAIN_BYTES {
            return Err(VaultError::TooLong);
        }
        let (provider, host) = (provider.to_string(), host.to_ascii_lowercase());
        let place = [provider.as_bytes(), host.as_bytes()];
        Ok(Sealed(seal(self, Purpose::ProviderKeys, &place, plain)?.into()))
    }

    /// Opens what was sealed for the same provider and host.
    pub(super) fn open_provider_key(
        &self,
        provider: ProviderId,
        host: &str,
        sealed: &Sealed,
    ) -> Result<Secret, VaultError> {
        let (provider, host) = (provider.to_string(), host.to_ascii_lowercase());
        let place = [provider.as_bytes(), host.as_bytes()];
        let plain = Zeroizing::new(open(self, Purpose::ProviderKeys, &place, &sealed.0)?);
        std::str::from_utf8(&plain).map(Secret::new).map_err(|_| VaultError::Format)
    }
}

/// Seals `msg` for one place under the present master key.
pub(super) fn seal(ring: &KeyRing, purpose: Purpose, place: &[&[u8]], msg: &[u8]) -> Result<Vec<u8>, VaultError> {
    let master = ring.present();
    let nonce = random::<NONCE_BYTES>()?;
    let aad = purpose.associated(place, master.id);
    let cipher = master.cipher(purpose).ok_or(VaultError::Format)?;
    let ciphertext = cipher.encrypt(&XNonce::from(*nonce), Payload { msg, aad: &aad });
    let ciphertext = ciphertext.map_err(|_| VaultError::TooLong)?;
    Ok([&[VERSION], master.id.0.as_slice(), nonce.as_slice(), &ciphertext].concat())
}

/// Opens what was sealed for the same place, under the master key it names.
pub(super) fn open(ring: &KeyRing, purpose: Purpose, place: &[&[u8]], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
    let envelope = Envelope::read(sealed)?;
    let id = MasterId(*envelope.key_id);
    let master = ring.named(id).ok_or(VaultError::MasterKey(id))?;
    let aad = purpose.associated(place, id);
    let payload = Payload { msg: envelope.ciphertext, aad: &aad };
    let cipher = master.cipher(purpose).ok_or(VaultError::Format)?;
    cipher.decrypt(&XNonce::from(*envelope.nonce), payload).map_err(|_| VaultError::Tag)
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
