//! Provider kinds: one small file each, all of them data.
//! Adding a kind that speaks a known dialect is a file here, a variant of `ProviderKind`, an arm below and a fixture folder.

pub mod anthropic;
pub mod azure;
pub mod bedrock;
pub mod deepseek;
pub mod gemini;
pub mod groq;
pub mod mistral;
pub mod moonshot;
pub mod ollama;
pub mod openai;
pub mod openai_compatible;
pub mod openrouter;
pub mod sandbox;
pub mod vertex;
pub mod xai;

use farthing_actors::domain::{Dialect, ProviderKind, Secret};

use super::guard::Address;
use crate::dialect::Endpoint;
use vertex::{Account, Site};

/// What a kind is.
#[derive(Debug)]
pub struct Profile {
    /// Where it is when nobody says otherwise; `None` if only the operator can know.
    pub base_url: Option<&'static str>,
    /// How it is told who is calling.
    pub authentication: Authentication,
    /// What a deployment there speaks unless it says otherwise.
    pub dialects: &'static [Dialect],
    /// The request field that caps generated tokens, where the dialect has several.
    pub output_cap_field: &'static str,
    /// What it has beside conversations.
    pub endpoints: &'static [Endpoint],
    /// Whether it stores answers for its clients and finds them again.
    pub stores: bool,
    /// How its streams come to tell usage.
    pub stream_usage: StreamUsage,
    /// Whether an answer that nobody waits for any more is billed all the same (OpenRouter's documentation on cancelling streams).
    pub bills_abandoned: bool,
    /// How it is tried without making a token.
    pub check: Check,
    /// What differs from the dialect's own documentation.
    pub quirks: &'static [Quirk],
}

/// How a key travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// `Authorization: Bearer`, if there is a key at all.
    Bearer,
    /// In a header of its own.
    Header(&'static str),
    /// By Amazon's signature, or as a bearer token where the key is one.
    Amazon,
    /// As a bearer token that Google gives for an assertion signed with a service account's key.
    Google,
    /// Not at all.
    None,
}

/// How a provider is tried without making a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// By its list of models, which it shows only to whom it knows: where it is, below the base URL.
    Models(&'static str),
    /// By what it says of the key, because anybody may read its list.
    Key(&'static str),
    /// By an empty request, which it refuses as such only after it has looked at the key.
    Refusal,
    /// Not at all: it is in this process.
    Nothing,
}

impl Check {
    /// What of it is tried, as operators read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Models(_) => "models",
            Self::Key(_) => "key",
            Self::Refusal => "empty_request",
            Self::Nothing => "built_in",
        }
    }
}

/// How a provider's streams come to tell usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamUsage {
    /// Asked by the dialect's own option, where it has one.
    Ask,
    /// By themselves; asking is refused, or there is nothing to ask with.
    Unasked,
}

/// A deviation, when it was seen and where it is written down.
#[derive(Debug)]
pub struct Quirk {
    /// What is different.
    pub what: &'static str,
    /// The month it was last checked.
    pub checked: &'static str,
    /// Where it is documented.
    pub source: &'static str,
}

/// What `kind` is.
pub fn profile(kind: ProviderKind) -> &'static Profile {
    match kind {
        ProviderKind::Openai => &openai::PROFILE,
        ProviderKind::Anthropic => &anthropic::PROFILE,
        ProviderKind::Gemini => &gemini::PROFILE,
        ProviderKind::Deepseek => &deepseek::PROFILE,
        ProviderKind::Xai => &xai::PROFILE,
        ProviderKind::Ollama => &ollama::PROFILE,
        ProviderKind::Mistral => &mistral::PROFILE,
        ProviderKind::Groq => &groq::PROFILE,
        ProviderKind::Moonshot => &moonshot::PROFILE,
        ProviderKind::Openrouter => &openrouter::PROFILE,
        ProviderKind::Azure => &azure::PROFILE,
        ProviderKind::Bedrock => &bedrock::PROFILE,
        ProviderKind::Vertex => &vertex::PROFILE,
        ProviderKind::OpenaiCompatible => &openai_compatible::PROFILE,
        ProviderKind::Sandbox => &sandbox::PROFILE,
    }
}

/// What a deployment of `model` at a provider of `kind` speaks unless it says otherwise.
pub fn dialects(kind: ProviderKind, model: &str) -> &'static [Dialect] {
    match kind {
        ProviderKind::Vertex => vertex::dialects(model),
        _ => profile(kind).dialects,
    }
}

/// Whether `address` is one that a provider of `kind` can have.
///
/// # Errors
/// What is wrong with it, to be read after its name.
pub fn check_address(kind: ProviderKind, address: &Address) -> Result<(), String> {
    match kind {
        ProviderKind::Vertex => Site::of(address, "").map(drop).map_err(|error| error.to_string()),
        _ => Ok(()),
    }
}

/// Whether `key` is one that a provider of `kind` can have; `private` as in [`Address::parse`].
///
/// # Errors
/// What is wrong with it, to be read after its name and without a word of it.
pub fn check_key(kind: ProviderKind, key: &Secret, private: bool) -> Result<(), String> {
    let graphic = || key.expose().bytes().all(|byte| byte.is_ascii_graphic());
    match profile(kind).authentication {
        Authentication::Google => Account::read(key, private).map(drop).map_err(|error| error.to_string()),
        _ if key.expose().is_empty() || !graphic() => {
            Err("must be visible ASCII characters without spaces; null for none".to_owned())
        }
        _ => Ok(()),
    }
}

/// The tables of `docs/providers.md`.
pub fn tables() -> String {
    let kinds: String = ProviderKind::ALL.iter().map(|kind| row(*kind)).collect();
    let quirks: String = ProviderKind::ALL.iter().flat_map(|kind| quirk_rows(*kind)).collect();
    format!(
        "| kind | base URL | key travels in | speaks | also has |\n|---|---|---|---|---|\n{kinds}\n\
         | kind | what is different | checked | source |\n|---|---|---|---|\n{quirks}"
    )
}

fn row(kind: ProviderKind) -> String {
    let profile = profile(kind);
    let key = match profile.authentication {
        Authentication::Bearer => "`authorization: Bearer`".to_owned(),
        Authentication::Header(name) => format!("`{name}`"),
        Authentication::Amazon => "a signature (SigV4), or `authorization: Bearer`".to_owned(),
        Authentication::Google => "`authorization: Bearer`, with a token had for the account".to_owned(),
        Authentication::None => "nothing".to_owned(),
    };
    let base = profile.base_url.map_or_else(|| "yours".to_owned(), |base| format!("`{base}`"));
    let speaks: Vec<_> = profile.dialects.iter().map(|dialect| format!("`{dialect}`")).collect();
    let has: Vec<_> = profile.endpoints.iter().map(|endpoint| format!("{endpoint:?}").to_lowercase()).collect();
    format!("| `{kind}` | {base} | {key} | {} | {} |\n", speaks.join(", "), has.join(", "))
}

fn quirk_rows(kind: ProviderKind) -> impl Iterator<Item = String> {
    let quirks = profile(kind).quirks.iter();
    quirks.map(move |quirk| format!("| `{kind}` | {} | {} | {} |\n", quirk.what, quirk.checked, quirk.source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_the_printed_tables() {
        let documented = include_str!("../../docs/providers.md");
        for table in tables().split("\n\n") {
            assert!(documented.contains(table), "docs/providers.md should contain:\n{table}");
        }
    }

    #[test]
    fn every_kind_but_the_sandbox_says_what_is_different_when_and_where() {
        for kind in ProviderKind::ALL.iter().filter(|kind| **kind != ProviderKind::Sandbox) {
            let profile = profile(*kind);
            assert!(!profile.quirks.is_empty() && !profile.dialects.is_empty(), "{kind}");
            let dated = |quirk: &Quirk| quirk.checked.len() == 7 && !quirk.source.is_empty();
            assert!(profile.quirks.iter().all(dated), "{kind}");
        }
    }
}
