//! Discovery: where an identity provider has what, by its own document. Owns the check that it is the provider's.
//! Refuses to fetch it.

use serde::Deserialize;
use thiserror::Error;

/// Where to find the document below an issuer.
pub const PATH: &str = "/.well-known/openid-configuration";

/// Where a provider has what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Where browsers go.
    pub authorization: String,
    /// Where a code becomes a token.
    pub token: String,
    /// Where its keys are.
    pub keys: String,
}

/// Why a document is of no use.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DiscoveryError {
    /// It cannot be read.
    #[error("the identity provider's document is malformed: {0}")]
    Malformed(String),
    /// It is somebody else's.
    #[error("the identity provider's document says that its issuer is {0:?}; set oidc.issuer to exactly what it says")]
    Issuer(String),
    /// It has no code flow with PKCE, or signs with nothing that is accepted.
    #[error("the identity provider does not say that it has {0}")]
    Lacks(&'static str),
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    response_types_supported: Vec<String>,
    #[serde(default)]
    id_token_signing_alg_values_supported: Vec<String>,
}

/// What `document` says, if it is that of `issuer`.
///
/// # Errors
/// Why it is of no use.
pub fn read(document: &[u8], issuer: &str) -> Result<Endpoints, DiscoveryError> {
    let said: Document =
        serde_json::from_slice(document).map_err(|error| DiscoveryError::Malformed(error.to_string()))?;
    if said.issuer != issuer {
        return Err(DiscoveryError::Issuer(said.issuer));
    }
    let has =
        |list: &[String], wanted: &[&str]| list.is_empty() || list.iter().any(|own| wanted.contains(&own.as_str()));
    if !has(&said.response_types_supported, &["code"]) {
        return Err(DiscoveryError::Lacks("the response type code"));
    }
    if !has(&said.id_token_signing_alg_values_supported, &["RS256", "ES256"]) {
        return Err(DiscoveryError::Lacks("RS256 or ES256"));
    }
    Ok(Endpoints { authorization: said.authorization_endpoint, token: said.token_endpoint, keys: said.jwks_uri })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_its_issuers_and_says_what_is_needed() {
        let document = |issuer: &str, algorithms: &[&str]| {
            json!({"issuer": issuer, "authorization_endpoint": "https://i/a", "token_endpoint": "https://i/t",
                   "jwks_uri": "https://i/k", "response_types_supported": ["code", "id_token"],
                   "id_token_signing_alg_values_supported": algorithms})
            .to_string()
        };
        let found = read(document("https://i", &["HS256", "ES256"]).as_bytes(), "https://i").unwrap();
        assert_eq!((found.token.as_str(), found.keys.as_str()), ("https://i/t", "https://i/k"));
        let other = read(document("https://i/", &["RS256"]).as_bytes(), "https://i");
        assert_eq!(other, Err(DiscoveryError::Issuer("https://i/".to_owned())));
        assert!(matches!(
            read(document("https://i", &["HS256"]).as_bytes(), "https://i"),
            Err(DiscoveryError::Lacks(_))
        ));
        assert!(matches!(read(b"{}", "https://i"), Err(DiscoveryError::Malformed(_))));
    }
}
