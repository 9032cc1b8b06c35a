//! The vault as the upstream floor sees it: opens a provider's key for one header.

use std::sync::Arc;

use farthing_actors::domain::{ProviderId, Sealed, Secret};

use crate::security::Security;
use crate::upstream::KeyVault;

/// Opens keys through the security façade.
pub(super) struct Vault(pub Arc<Security>);

impl KeyVault for Vault {
    fn open(&self, provider: ProviderId, host: &str, sealed: &Sealed) -> Result<Secret, String> {
        self.0.open_provider_key(provider, host, sealed).map_err(|error| error.to_string())
    }
}
