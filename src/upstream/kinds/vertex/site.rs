//! Where a provider's models are at Vertex AI: project and location, and the paths below them.
//! Owns how both are read from a base URL. Refuses to guess a location.

use farthing_actors::domain::Dialect;
use thiserror::Error;

use crate::upstream::guard::Address;
use crate::upstream::request::{UpstreamRequest, encoded};

/// Everything models are below: `https://HOST/v1/projects/PROJECT/locations/LOCATION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site(String);

/// Why a base URL is no site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SiteError {
    /// Neither path nor host tells.
    #[error(
        "names no location; use https://LOCATION-aiplatform.googleapis.com, https://aiplatform.googleapis.com for the \
         global one, or add /v1/projects/PROJECT/locations/LOCATION"
    )]
    NoLocation,
    /// A path that is something else.
    #[error("may have no path but /v1, or one that ends in /projects/PROJECT/locations/LOCATION")]
    Path,
}

impl Site {
    /// Reads `address`: one that ends in a project and a location is taken as it is. Otherwise the location is the host's,
    /// and the project the account's own.
    ///
    /// # Errors
    /// If it tells no location, or has another path.
    pub fn of(address: &Address, project: &str) -> Result<Self, SiteError> {
        if let Some((_, tail)) = address.base.split_once("/projects/") {
            let told = matches!(*tail.split('/').collect::<Vec<_>>(), [project, "locations", location]
                if is_name(project) && is_name(location));
            return if told { Ok(Self(address.base.clone())) } else { Err(SiteError::Path) };
        }
        let location = location(&address.host).ok_or(SiteError::NoLocation)?;
        let authority = address.base.strip_suffix("/v1").unwrap_or(&address.base);
        if authority.split('/').count() != 3 {
            return Err(SiteError::Path);
        }
        Ok(Self(format!("{authority}/v1/projects/{project}/locations/{location}")))
    }

    /// Where `request` goes; `None` if nothing there takes it.
    pub(in crate::upstream) fn uri(&self, request: &UpstreamRequest<'_>) -> Option<String> {
        use crate::upstream::Delivery::{Array, Events, Whole};
        let (publisher, method) = match (request.dialect, request.delivery) {
            (Dialect::Gemini, Whole) => ("google", "generateContent"),
            (Dialect::Gemini, Events) => ("google", "streamGenerateContent?alt=sse"),
            (Dialect::Gemini, Array) => ("google", "streamGenerateContent"),
            (Dialect::Anthropic, Whole) => ("anthropic", "rawPredict"),
            (Dialect::Anthropic, Events | Array) => ("anthropic", "streamRawPredict"),
            (Dialect::OpenaiChat | Dialect::OpenaiResponses | Dialect::OllamaChat, _) => return None,
        };
        // Versions are named behind an @.
        let model = encoded(request.model, b"@");
        Some(format!("{}/publishers/{publisher}/models/{model}:{method}", self.0))
    }
}

/// The location that one of Google's hosts names.
fn location(host: &str) -> Option<&str> {
    let labels = host.strip_suffix(".googleapis.com")?;
    let regional = labels.strip_suffix("-aiplatform");
    let multiple = labels.strip_prefix("aiplatform.").and_then(|rest| rest.strip_suffix(".rep"));
    let global = (labels == "aiplatform").then_some("global");
    regional.or(multiple).or(global).filter(|location| is_name(location))
}

/// A project's or a location's name: nothing that would be another place.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.bytes().all(plain)
}
