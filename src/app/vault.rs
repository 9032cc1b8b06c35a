//! The vault as the upstream floor and the idempotency actor see it: opens a provider's key for one header, seals answers.

use std::sync::Arc;

use farthing_actors::domain::{ProviderId, Sealed, Secret};
use farthing_actors::idempotency::SealedAnswers;

use crate::security::Security;
use crate::store::audit::Links;
use crate::upstream::KeyVault;

/// Seals and opens through the security façade.
pub(super) struct Vault(pub Arc<Security>);

impl KeyVault for Vault {
    fn open(&self, provider: ProviderId, host: &str, sealed: &Sealed) -> Result<Secret, String> {
        self.0.open_provider_key(provider, host, sealed).map_err(|error| error.to_string())
    }
}

impl Links for Vault {
    fn mac(&self, text: &[u8]) -> [u8; 32] {
        self.0.audit_mac(text)
    }
}

impl SealedAnswers for Vault {
    fn seal(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, String> {
        self.0.seal_answer(place, plain).map_err(|error| error.to_string())
    }

    fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, String> {
        self.0.open_answer(place, sealed).map_err(|error| error.to_string())
    }

    fn mark(&self) -> Vec<u8> {
        self.0.ring().load().mark().to_vec()
    }
}
