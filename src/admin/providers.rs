//! Providers: made, changed and removed. Owns which address one may have and how its key is sealed and shown.
//! Refuses to send a key to a host it was not given for, and to show more of one than its mask.

use std::sync::Arc;
use std::time::Duration;

use farthing_actors::domain::{Author, ProviderId, ProviderKind, Sealed, Secret, Timeouts};
use farthing_actors::registry::catalogue::Provider;

use super::etag::expect;
use super::{Admin, AdminError, Tagged};
use crate::security::VaultError;
use crate::security::obfuscate::mask_provider_key;
use crate::upstream::guard::Address;
use crate::upstream::kinds::{self, check_address, profile};

/// How a key is shown that cannot be opened, and how every mask ends.
const HIDDEN: &str = "****";

/// A provider to be made.
#[derive(Debug, Clone)]
pub struct ProviderDraft {
    /// Its unique name.
    pub name: String,
    /// What it is.
    pub kind: ProviderKind,
    /// Where it is; the kind's usual address if absent.
    pub base_url: Option<String>,
    /// Its key, if it needs one.
    pub api_key: Option<Secret>,
    /// Whether plain http and private networks are allowed.
    pub allow_private_network: bool,
    /// Whether calls may go there.
    pub enabled: bool,
    /// How long to wait for it.
    pub timeouts: Timeouts,
}

/// What changes about a provider; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ProviderChanges {
    /// Its name.
    pub name: Option<String>,
    /// Its address; another host needs the key again.
    pub base_url: Option<String>,
    /// Its key, or none.
    pub api_key: Option<Option<Secret>>,
    /// Whether plain http and private networks are allowed.
    pub allow_private_network: Option<bool>,
    /// Whether calls may go there.
    pub enabled: Option<bool>,
    /// All its timeouts.
    pub timeouts: Option<Timeouts>,
}

impl ProviderChanges {
    fn names(&self) -> [(&'static str, bool); 6] {
        [
            ("name", self.name.is_some()),
            ("base_url", self.base_url.is_some()),
            ("api_key", self.api_key.is_some()),
            ("allow_private_network", self.allow_private_network.is_some()),
            ("enabled", self.enabled.is_some()),
            ("timeouts", self.timeouts.is_some()),
        ]
    }
}

/// Where a provider of a kind is, and the host its key is bound to.
struct Place {
    kind: ProviderKind,
    /// Whether plain http and private networks are allowed.
    private: bool,
    base_url: String,
    host: String,
}

impl Admin {
    /// The provider with this name or id, if there is one.
    pub fn find_provider(&self, wanted: &str) -> Option<Arc<Provider>> {
        let catalogue = self.catalogue();
        let by_id = wanted.parse().ok().and_then(|id| catalogue.provider(id));
        by_id.or_else(|| catalogue.provider_by_name(wanted)).cloned()
    }

    /// The provider with this id.
    ///
    /// # Errors
    /// If there is none.
    pub fn provider(&self, id: ProviderId) -> Result<Arc<Provider>, AdminError> {
        self.catalogue().provider(id).cloned().ok_or_else(|| AdminError::absent("provider", id))
    }

    /// Makes a provider.
    ///
    /// # Errors
    /// If its address is not allowed, its key cannot be one, or as the registry refuses.
    pub async fn create_provider(&self, draft: ProviderDraft, by: &Author) -> Result<Arc<Provider>, AdminError> {
        let (id, now) = (ProviderId::generate(), self.parts.clock.now());
        let place = Place::of(draft.kind, draft.base_url.as_deref(), draft.allow_private_network)?;
        // Before the key is sealed: nothing may be sealed under a master key that has just gone out of use.
        let _one = self.changing.lock().await;
        let provider = Provider {
            id,
            api_key: draft.api_key.map(|key| self.sealed(id, &place, &key)).transpose()?,
            base_url: place.base_url,
            name: draft.name,
            kind: draft.kind,
            allow_private_network: draft.allow_private_network,
            enabled: draft.enabled,
            timeouts: draft.timeouts,
            created_at: now,
            updated_at: now,
        };
        self.parts.registry.create_provider(provider, by.does("provider.create").about(id)).await?;
        self.provider(id)
    }

    /// Changes a provider.
    ///
    /// # Errors
    /// If there is none, if its new address is not allowed or needs the key again, or as the registry refuses.
    pub async fn change_provider(
        &self,
        id: ProviderId,
        changes: ProviderChanges,
        by: &Author,
    ) -> Result<Arc<Provider>, AdminError> {
        let _one = self.changing.lock().await;
        let present = self.provider(id)?;
        self.expect_provider(&present, by).await?;
        let event = by.does("provider.update").about(id).changing(&changes.names());
        let private = changes.allow_private_network.unwrap_or(present.allow_private_network);
        let base_url = changes.base_url.as_deref().unwrap_or(&present.base_url);
        let place = Place::of(present.kind, Some(base_url), private)?;
        let provider = Provider {
            api_key: self.key_at(&present, &place, changes.api_key)?,
            base_url: place.base_url,
            name: changes.name.unwrap_or_else(|| present.name.clone()),
            allow_private_network: private,
            enabled: changes.enabled.unwrap_or(present.enabled),
            timeouts: changes.timeouts.unwrap_or(present.timeouts),
            // Never twice the same: it is what tells two versions with different keys apart.
            updated_at: self.parts.clock.now().max(present.updated_at.plus(Duration::from_millis(1))),
            ..Provider::clone(&present)
        };
        self.parts.registry.update_provider(provider, event).await?;
        // Perhaps it has another key; the next call finds out.
        self.parts.breakers.key_taken(id);
        self.provider(id)
    }

    /// Removes a provider without deployments.
    ///
    /// # Errors
    /// If there is none, or deployments use it.
    pub async fn delete_provider(&self, id: ProviderId, by: &Author) -> Result<(), AdminError> {
        let _one = self.changing.lock().await;
        self.expect_provider(&*self.provider(id)?, by).await?;
        Ok(self.parts.registry.delete_provider(id, by.does("provider.delete").about(id)).await?)
    }

    async fn expect_provider(&self, present: &Provider, by: &Author) -> Result<(), AdminError> {
        if by.origin.expects.is_none() {
            return Ok(());
        }
        let credit = self.credit(present.id).await?;
        expect(by, &(present, credit.as_ref()).etag())
    }

    /// A provider's key as operators see it; `None` if it has none.
    pub fn masked_key(&self, provider: &Provider) -> Option<String> {
        let sealed = provider.api_key.as_ref()?;
        let place = Place::of(provider.kind, Some(&provider.base_url), true).ok();
        let open = |place: Place| self.parts.security.open_provider_key(provider.id, &place.host, sealed).ok();
        let key = place.and_then(open);
        Some(key.map_or_else(|| HIDDEN.to_owned(), |key| mask_provider_key(&key)))
    }

    /// Why a provider's key does not open; `None` if it does, or if there is none.
    pub fn key_fault(&self, provider: &Provider) -> Option<String> {
        let (sealed, host) = (provider.api_key.as_ref()?, host_of(provider).ok()?);
        self.parts.security.open_provider_key(provider.id, &host, sealed).err().map(|error| error.to_string())
    }

    /// The key after a change: the new one, none, or the present one if it stays at its host.
    fn key_at(
        &self,
        present: &Provider,
        place: &Place,
        change: Option<Option<Secret>>,
    ) -> Result<Option<Sealed>, AdminError> {
        if let Some(key) = change {
            return key.map(|key| self.sealed(present.id, place, &key)).transpose();
        }
        let before = Place::of(present.kind, Some(&present.base_url), true)?;
        if present.api_key.is_some() && before.host != place.host {
            return Err(AdminError::invalid("api_key", "must be sent again, because base_url names another host"));
        }
        Ok(present.api_key.clone())
    }

    fn sealed(&self, id: ProviderId, place: &Place, key: &Secret) -> Result<Sealed, AdminError> {
        check_key(place, key)?;
        self.parts.security.seal_provider_key(id, &place.host, key).map_err(|error| match error {
            VaultError::TooLong => AdminError::invalid("api_key", "is longer than 16 KiB; give the key itself"),
            error => AdminError::Vault(error),
        })
    }
}

impl Place {
    fn of(kind: ProviderKind, base_url: Option<&str>, private: bool) -> Result<Self, AdminError> {
        let usual = profile(kind).base_url;
        if kind == ProviderKind::Sandbox {
            return Self::within(usual, base_url);
        }
        let missing = || AdminError::invalid("base_url", format!("is needed for the kind {kind}"));
        let text = base_url.or(usual).ok_or_else(missing)?;
        let address = Address::parse(text, private);
        let address = address.map_err(|error| AdminError::invalid("base_url", format!("is refused: {error}")))?;
        check_address(kind, &address).map_err(|error| AdminError::invalid("base_url", error))?;
        Ok(Self { kind, private, base_url: address.base, host: address.host })
    }

    /// Inside this process; stored without an address, because there is none to choose.
    fn within(usual: Option<&str>, base_url: Option<&str>) -> Result<Self, AdminError> {
        if base_url.is_some_and(|url| !url.is_empty() && Some(url) != usual) {
            return Err(AdminError::invalid("base_url", "cannot be chosen for the sandbox, which has no address"));
        }
        let (kind, private, base_url) = (ProviderKind::Sandbox, false, String::new());
        Ok(Self { kind, private, base_url, host: "sandbox".to_owned() })
    }
}

/// The host a provider's key is bound to.
///
/// # Errors
/// If the stored address is none.
pub(super) fn host_of(provider: &Provider) -> Result<String, AdminError> {
    Place::of(provider.kind, Some(&provider.base_url), true).map(|place| place.host)
}

/// A key must be of use to its kind, and a mask that was shown is not a key.
fn check_key(place: &Place, key: &Secret) -> Result<(), AdminError> {
    if key.expose().ends_with(HIDDEN) {
        return Err(AdminError::invalid("api_key", "is the mask of a key, not a key; leave it out to keep the key"));
    }
    kinds::check_key(place.kind, key, place.private).map_err(|error| AdminError::invalid("api_key", error))
}

/// The address as operators see it: the kind's own where none is stored.
pub fn shown_base_url(provider: &Provider) -> &str {
    let usual = profile(provider.kind).base_url;
    if provider.base_url.is_empty() { usual.unwrap_or_default() } else { &provider.base_url }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_given_one_or_the_kinds() {
        let place = |kind, url| Place::of(kind, url, true).map(|place| (place.base_url, place.host));
        let given = place(ProviderKind::Openai, Some("http://127.0.0.1:9001/v1/")).unwrap();
        assert_eq!(given, ("http://127.0.0.1:9001/v1".to_owned(), "127.0.0.1".to_owned()));
        assert_eq!(place(ProviderKind::Openai, None).unwrap().1, "api.openai.com");
        assert_eq!(place(ProviderKind::Sandbox, None).unwrap().0, "");
        assert!(place(ProviderKind::Sandbox, Some("sandbox://local")).is_ok());
        for (kind, url) in [
            (ProviderKind::OpenaiCompatible, None),
            (ProviderKind::Sandbox, Some("https://example.com")),
            (ProviderKind::Openai, Some("ftp://example.com")),
        ] {
            assert!(place(kind, url).unwrap_err().to_string().starts_with("base_url "), "{kind} {url:?}");
        }
        assert!(Place::of(ProviderKind::Openai, Some("https://10.0.0.1/v1"), false).is_err());
    }

    #[test]
    fn masks_and_what_fits_in_no_header_are_not_keys() {
        let place = Place::of(ProviderKind::Openai, None, false).unwrap();
        let check_key = |key: &str| check_key(&place, &Secret::new(key));
        assert!(check_key("sk-up").is_ok());
        for key in ["", "sk up", "sk-\n", "sk-é", "sk-****"] {
            assert!(check_key(key).is_err(), "{key:?}");
        }
    }
}
