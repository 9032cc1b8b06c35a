//! Calls: which wire format a client spoke and how its request ended.
//! Owns the fixed names both have in tables and on the wire.

use std::fmt;
use std::str::FromStr;

/// A closed set of names: the variant, its text, and nothing else.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name on the wire and in tables.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $name {
            type Err = super::call::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.iter().copied().find(|value| value.name() == text);
                found.ok_or_else(|| super::call::UnknownName::new(text, Self::ALL.iter().map(|value| value.name())))
            }
        }

        super::ids::serde_as_text!($name);

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let names: Vec<_> = Self::ALL.iter().map(|value| value.name()).collect();
                schemars::json_schema!({ "type": "string", "enum": names })
            }
        }
    };
}
pub(crate) use names;

/// A name outside a closed set; the message lists the set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown name {text:?}; expected one of {expected}")]
pub struct UnknownName {
    text: String,
    expected: String,
}

impl UnknownName {
    pub(crate) fn new<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Self {
        let text = text.chars().take(64).collect();
        Self { text, expected: names.collect::<Vec<_>>().join(", ") }
    }
}

names!(
    /// A wire format.
    Dialect {
        /// `POST /v1/chat/completions`.
        OpenaiChat = "openai_chat",
        /// `POST /v1/responses`.
        OpenaiResponses = "openai_responses",
        /// `POST /v1/messages`.
        Anthropic = "anthropic",
        /// `POST /v1beta/models/{model}:generateContent`.
        Gemini = "gemini",
        /// Ollama's `POST /api/chat`: spoken with providers only.
        OllamaChat = "ollama_chat",
    }
);

names!(
    /// How a client's request ended.
    CallStatus {
        /// Answered in full.
        Ok = "ok",
        /// The client left first.
        ClientGone = "client_gone",
        /// The provider's answer broke off.
        UpstreamCut = "upstream_cut",
        /// The provider answered an error, or could not be reached.
        UpstreamError = "upstream_error",
        /// Farthing refused it before anything was sent.
        Refused = "refused",
        /// Farthing was stopped or died while it was in flight.
        Interrupted = "interrupted",
    }
);

names!(
    /// What a line of a request is.
    #[derive(Default)]
    LineKind {
        #[default]
        /// The last attempt, which answered the client or was the last to fail: each request has exactly one.
        Call = "call",
        /// An attempt before that.
        Attempt = "attempt",
        /// What became known later about the last attempt: its amount is the difference.
        Correction = "correction",
    }
);

impl LineKind {
    /// Whether it is the line every request has.
    pub fn is_call(&self) -> bool {
        *self == Self::Call
    }
}
