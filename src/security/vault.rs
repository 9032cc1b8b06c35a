//! The vault: providers' keys under XChaCha20-Poly1305, bound to the provider and host they were given for.
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

/// Seals and opens under one master key.
pub(super) struct Vault {
    cipher: XChaCha20Poly1305,
    key_id: [u8; KEY_ID_BYTES],
}

impl Vault {
    pub(super) fn new(master: &Subkeys) -> Result<Self, SecurityError> {
        let key = master.derive::<32>(Label::PROVIDER_KEYS)?;
        let cipher = XChaCha20Poly1305::new((&*key).into());
        Ok(Self { cipher, key_id: *master.derive(Label::MASTER_KEY_ID)? })
    }

    /// Seals a key for one provider at one host.
    pub(super) fn seal(&self, provider: ProviderId, host: &str, plain: &Secret) -> Result<Sealed, VaultError> {
        let msg = plain.expose().as_bytes();
        if msg.len() > MAX_PLAIN_BYTES {
            return Err(VaultError::TooLong);
        }
        let nonce = random::<NONCE_BYTES>()?;
        let aad = associated(provider, host, &self.key_id);
        let ciphertext = self.cipher.encrypt(&XNonce::from(*nonce), Payload { msg, aad: &aad });
        let ciphertext = ciphertext.map_err(|_| VaultError::TooLong)?;
        let sealed = [&[VERSION], self.key_id.as_slice(), nonce.as_slice(), &ciphertext].concat();
        Ok(Sealed(sealed.into()))
    }

    /// Opens what [`Vault::seal`] made for the same provider and host.
    pub(super) fn open(&self, provider: ProviderId, host: &str, sealed: &Sealed) -> Result<Secret, VaultError> {
        let envelope = Envelope::read(&sealed.0)?;
        if *envelope.key_id != self.key_id {
            return Err(VaultError::MasterKey);
        }
        let aad = associated(provider, host, envelope.key_id);
        let payload = Payload { msg: envelope.ciphertext, aad: &aad };
        let plain = self.cipher.decrypt(&XNonce::from(*envelope.nonce), payload).map_err(|_| VaultError::Tag)?;
        let plain = Zeroizing::new(plain);
        std::str::from_utf8(&plain).map(Secret::new).map_err(|_| VaultError::Format)
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

/// What the tag covers besides the ciphertext. Each part carries its length, so that no two lists read the same.
fn associated(provider: ProviderId, host: &str, key_id: &[u8; KEY_ID_BYTES]) -> Vec<u8> {
    let (provider, host) = (provider.to_string(), host.to_ascii_lowercase());
    let parts = [Label::PROVIDER_KEYS.as_str().as_bytes(), provider.as_bytes(), host.as_bytes(), key_id];
    parts.iter().flat_map(|part| length(part).into_iter().chain(part.iter().copied())).collect()
}

/// The same on every machine, so that a database can move between them.
fn length(part: &[u8]) -> [u8; 8] {
    u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests;
