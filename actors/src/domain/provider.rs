//! Providers: the closed set of kinds and the patience we have with each.
//! Owns names and defaults; what a kind is (address, authentication, dialect, quirks) is the gateway's.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::call::names;

names!(
    /// A family of endpoints that behave alike.
    ProviderKind {
        /// OpenAI itself.
        Openai = "openai",
        /// Anthropic itself.
        Anthropic = "anthropic",
        /// Google's Gemini API.
        Gemini = "gemini",
        /// DeepSeek.
        Deepseek = "deepseek",
        /// xAI, the maker of Grok.
        Xai = "xai",
        /// Ollama, in its OpenAI form.
        Ollama = "ollama",
        /// Mistral.
        Mistral = "mistral",
        /// Groq.
        Groq = "groq",
        /// Moonshot, the maker of Kimi.
        Moonshot = "moonshot",
        /// OpenRouter, which passes calls on to many.
        Openrouter = "openrouter",
        /// OpenAI's models at Microsoft Azure.
        Azure = "azure",
        /// Anthropic's models at Amazon Bedrock.
        Bedrock = "bedrock",
        /// Gemini's and Anthropic's models at Google Vertex AI.
        Vertex = "vertex",
        /// Any server that speaks OpenAI's chat dialect: vLLM, llama.cpp, LM Studio.
        OpenaiCompatible = "openai_compatible",
        /// The built-in provider: deterministic answers, real token counts, faults on request.
        Sandbox = "sandbox",
    }
);

/// How long to wait for a provider, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// Name resolution, TCP and TLS together.
    pub connect_ms: u64,
    /// From the request sent to the first byte of an answer; `None` means 120 s for streams and 300 s otherwise.
    pub first_byte_ms: Option<u64>,
    /// Between two chunks of a stream.
    pub idle_ms: u64,
    /// All attempts of one call together.
    pub total_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_ms: 5_000, first_byte_ms: None, idle_ms: 60_000, total_ms: 590_000 }
    }
}

impl Timeouts {
    /// Patience for a connection.
    pub fn connect(&self) -> Duration {
        Duration::from_millis(self.connect_ms)
    }

    /// Patience for the first byte of a streamed or whole answer.
    pub fn first_byte(&self, stream: bool) -> Duration {
        let default = if stream { 120_000 } else { 300_000 };
        Duration::from_millis(self.first_byte_ms.unwrap_or(default))
    }

    /// Patience between chunks.
    pub fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_ms)
    }

    /// Patience in all.
    pub fn total(&self) -> Duration {
        Duration::from_millis(self.total_ms)
    }
}
