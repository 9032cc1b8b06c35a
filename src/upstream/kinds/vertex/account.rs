//! A Google service account: who calls Vertex AI, and how it proves that.
//! Owns the reading of its JSON and the signed assertion (RS256) that its token endpoint takes. Refuses clocks and the
//! network: time is an argument, and the exchange is the client's.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use farthing_actors::domain::{Secret, Timestamp};
use rustls::SignatureScheme::RSA_PKCS1_SHA256;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::SigningKey;
use serde::Deserialize;
use serde_json::json;
use thiserror::Error;

use super::site::is_name;
use crate::upstream::guard::{Address, AddressError};

/// What the token may be used for; Google offers nothing narrower for models.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const GRANT: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
/// The most Google allows between issue and expiry of an assertion, in seconds.
const LIFETIME: i64 = 3600;
/// Where the JSON does not say it.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// A service account that can sign. It shows nothing of itself.
pub struct Account {
    email: String,
    key: Arc<dyn SigningKey>,
    key_id: Option<String>,
    project: String,
    token_uri: String,
}

/// Why a text is no usable account. No word of the text stands in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AccountError {
    /// Something else altogether.
    #[error("must be the JSON of a Google service account, or its base64")]
    NotAnAccount,
    /// A part is not there, or empty.
    #[error("is a service account without {0}; give the whole JSON that Google handed out")]
    Missing(&'static str),
    /// Another kind of Google's credentials.
    #[error("is not of the type service_account; Farthing signs in with service accounts alone")]
    Type,
    /// No project is called like this.
    #[error("is a service account whose project_id is no project's name")]
    Project,
    /// The key cannot be read, or is none for RS256.
    #[error("is a service account whose private_key is no RSA key of at least 2048 bits in PEM")]
    Key,
    /// Its token endpoint may not be called.
    #[error("is a service account whose token_uri is refused: {0}")]
    TokenUri(AddressError),
}

#[derive(Deserialize)]
struct KeyFile {
    #[serde(rename = "type")]
    kind: Option<String>,
    project_id: Option<String>,
    private_key_id: Option<String>,
    private_key: Option<String>,
    client_email: Option<String>,
    token_uri: Option<String>,
}

impl Account {
    /// Reads an account as Google hands it out, or its base64; `private` permits a token endpoint on a private network.
    ///
    /// # Errors
    /// [`AccountError`] with what is missing or wrong.
    pub fn read(text: &Secret, private: bool) -> Result<Self, AccountError> {
        use AccountError::{Key, Missing, Project, Type};
        let file = KeyFile::read(text.expose().trim()).ok_or(AccountError::NotAnAccount)?;
        let given = |member: Option<String>, name| member.filter(|text| !text.is_empty()).ok_or(Missing(name));
        if given(file.kind, "type")? != "service_account" {
            return Err(Type);
        }
        let email = given(file.client_email, "client_email")?;
        let project =
            given(file.project_id, "project_id").and_then(|id| Some(id).filter(|id| is_name(id)).ok_or(Project))?;
        let token_uri = file.token_uri.unwrap_or_else(|| TOKEN_URI.to_owned());
        let token_uri = Address::parse(&token_uri, private).map_err(AccountError::TokenUri)?.base;
        let pem = given(file.private_key, "private_key")?;
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| Key)?;
        let key = any_supported_type(&der).map_err(|_| Key)?;
        key.choose_scheme(&[RSA_PKCS1_SHA256]).ok_or(Key)?;
        Ok(Self { email, key, key_id: file.private_key_id, project, token_uri })
    }

    /// The project it was made in.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Where its assertions are taken; vetted as every address is.
    pub fn token_uri(&self) -> &str {
        &self.token_uri
    }

    /// The form that asks for a token at `now`; `None` if it cannot be signed.
    pub fn form(&self, now: Timestamp) -> Option<String> {
        Some(format!("grant_type={GRANT}&assertion={}", self.assertion(now)?))
    }

    /// A JWT signed with RS256: who asks whom for what, and until when.
    fn assertion(&self, now: Timestamp) -> Option<String> {
        let issued = now.0.div_euclid(1_000);
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": self.key_id});
        let claims = json!({
            "iss": self.email, "scope": SCOPE, "aud": self.token_uri, "iat": issued, "exp": issued.saturating_add(LIFETIME),
        });
        let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        // RSASSA-PKCS1-v1_5 with SHA-256 is what JWTs call RS256.
        let signer = self.key.choose_scheme(&[RSA_PKCS1_SHA256])?;
        let signature = signer.sign(message.as_bytes()).ok()?;
        Some(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl KeyFile {
    fn read(text: &str) -> Option<Self> {
        if text.starts_with('{') {
            return serde_json::from_str(text).ok();
        }
        // The command line's base64 breaks lines.
        let base64: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        serde_json::from_slice(&STANDARD.decode(base64).ok()?).ok()
    }
}
