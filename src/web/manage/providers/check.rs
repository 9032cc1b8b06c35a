//! POST `/api/providers/{id}/test`: whether a provider works, with its key. Owns the shape of the answer, which is 200 whatever
//! came of it. Refuses every word of a provider that may have the key in it: the client floor leaves them out.

use std::rc::Rc;

use actix_web::{HttpResponse, web};
use schemars::JsonSchema;
use serde::Serialize;

use super::super::id;
use crate::relay::{Relay, Tried, millis};
use crate::upstream::UpstreamError;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{ManageProviders, Operator};

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TriedView {
    ok: bool,
    latency_ms: u64,
    /// What was tried: `models`, `key`, `empty_request` or `built_in`.
    checked: &'static str,
    /// How many models it lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    models: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<FaultView>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FaultView {
    /// Who has to do something about it, in a word.
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    message: String,
}

/// POST `/api/providers/{id}/test`. Also of a provider that is switched off.
pub async fn test(
    operator: Operator<ManageProviders>,
    gateway: web::Data<Gateway>,
    relay: web::ThinData<Rc<Relay>>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let provider = gateway.admin.provider(id("provider", &path)?)?;
    let tried = relay.try_provider(&provider).await;
    log::info!(actor = &*operator.author.name, provider = provider.name.as_str(), ok = tried.result.is_ok();
        "a provider was tried");
    Ok(HttpResponse::Ok().json(TriedView::from(tried)))
}

impl From<Tried> for TriedView {
    fn from(tried: Tried) -> Self {
        Self {
            ok: tried.result.is_ok(),
            latency_ms: millis(tried.took),
            checked: tried.by,
            models: tried.result.as_ref().ok().and_then(|checked| checked.models),
            error: tried.result.err().map(|error| FaultView::from(&error)),
        }
    }
}

impl From<&UpstreamError> for FaultView {
    fn from(error: &UpstreamError) -> Self {
        let (http_status, said) = match error {
            UpstreamError::Status { status, words, .. } => (Some(*status), words.as_deref()),
            _ => (None, None),
        };
        let (kind, remedy) = meaning(error);
        let said = said.map(|words| format!(", saying {:?}", words.message)).unwrap_or_default();
        Self { kind, http_status, message: format!("{error}{said}; {remedy}") }
    }
}

/// What a failure is called, and what helps.
fn meaning(error: &UpstreamError) -> (&'static str, &'static str) {
    match error {
        UpstreamError::Connect(_) => ("unreachable", "look at base_url, and whether this machine may go there"),
        UpstreamError::Timeout(_) => ("timeout", "it is slow or not there"),
        UpstreamError::Misconfigured(_) => ("misconfigured", "change the provider"),
        UpstreamError::Status { status: 401..=403, .. } => ("key_refused", "look at api_key, and what it may do"),
        UpstreamError::Status { status: 404, .. } => {
            ("not_found", "look at base_url: it ends where the provider's SDK has it")
        }
        UpstreamError::Status { status: 429, .. } => ("busy", "it knows the key, but its limits or credit are used up"),
        UpstreamError::Status { status: 500.., .. } => ("unwell", "the provider is unwell; try again later"),
        UpstreamError::Status { .. } => ("refused", "look at api_key, base_url and the kind"),
        UpstreamError::Cut(_) | UpstreamError::Garbage(_) | UpstreamError::Inexpressible(_) => {
            ("unreadable", "look at base_url and the kind: something else answers there")
        }
    }
}
