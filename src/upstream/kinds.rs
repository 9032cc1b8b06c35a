//! Provider kinds: one small file each, all of them data.
//! Adding a kind that speaks a known dialect is a file here, a variant of `ProviderKind`, an arm below and a fixture folder.

pub mod openai;
pub mod openai_compatible;
pub mod sandbox;

use farthing_actors::domain::{Dialect, ProviderKind};

/// What a kind is.
#[derive(Debug)]
pub struct Profile {
    /// Where it is when nobody says otherwise; `None` if only the operator can know.
    pub base_url: Option<&'static str>,
    /// Where chat completions are, below the base URL.
    pub chat_path: &'static str,
    /// How it is told who is calling.
    pub authentication: Authentication,
    /// What a deployment there speaks unless it says otherwise.
    pub dialects: &'static [Dialect],
    /// The request field that caps generated tokens.
    pub output_cap_field: &'static str,
    /// What differs from the dialect's own documentation.
    pub quirks: &'static [Quirk],
}

/// How a key travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// `Authorization: Bearer`, if there is a key at all.
    Bearer,
    /// Not at all.
    None,
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
        ProviderKind::OpenaiCompatible => &openai_compatible::PROFILE,
        ProviderKind::Sandbox => &sandbox::PROFILE,
    }
}
