//! The dialect `gemini`: Google's `generateContent` and `streamGenerateContent`.
//! Owns the reading and writing of requests, answers, streams, usage and errors, and the small bodies of `countTokens`
//! and `embedContent`. Refuses addresses: the model and whether to stream stand in the path, so the caller says both.
//!
//! What Gemini does not say is made up so that it can be taken back: ids of calls in `calls`, seals of other providers'
//! thinking in `seal`.

mod calls;
pub mod count;
pub mod embed;
pub mod error;
mod framing;
mod grounding;
mod log_probs;
mod media;
mod parts;
pub mod reply;
pub mod request;
mod schema;
mod seal;
mod stop;
pub mod stream;
pub mod usage;
pub mod vertex;
mod wire;

pub use embed::EmbedRequest;
pub use framing::Framing;
pub use request::GeminiRequest;
pub use stream::{GeminiDecoder, GeminiEncoder, GeminiStream};

/// With whom this dialect is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// A client, who may be told what another provider said.
    Client,
    /// Google, or a server like it.
    Provider,
}
