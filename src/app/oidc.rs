//! The identity provider, if the settings name one. Owns the judgement of its address, before anything listens.
//! Refuses to ask it: the first sign-in does, so that a provider that is away does not keep the gateway from starting.

use std::sync::Arc;

use farthing_actors::domain::Clock;

use super::{AppError, failed};
use crate::admin::oidc::{Oidc, OidcTerms};
use crate::config::Config;
use crate::security::Security;
use crate::upstream::guard::Address;

/// What signs people in by its word.
///
/// # Errors
/// If the issuer's address may not be called.
pub(super) fn provider(config: &Config, (security, clock): (&Arc<Security>, Clock)) -> Result<Option<Oidc>, AppError> {
    let oidc = config.oidc.clone();
    let Some(issuer) = oidc.issuer.clone() else { return Ok(None) };
    Address::written(&issuer).map_err(failed("oidc.issuer"))?;
    let terms = OidcTerms {
        issuer,
        client_id: oidc.client_id.clone(),
        client_secret: config.secrets.oidc_client_secret.clone(),
        scopes: oidc.scopes.clone(),
        role_claim: oidc.role_claim.clone(),
        label: oidc.label.clone(),
        role_of: Box::new(move |values| oidc.role_of(values)),
    };
    Ok(Some(Oidc::new(terms, Arc::clone(security), clock)))
}
