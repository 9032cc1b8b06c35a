//! Dialects: the wire formats spoken with clients and with providers.
//! Owns how bytes are read and changed in each of them. Refuses input and output: bytes and values in, bytes and values
//! out, so a clock, a socket or an actor never appears below this page.
//!
//! - [`canonical`]: what a request asks and an answer says, in no dialect's words. Between two dialects stands this.
//! - [`openai_chat`], [`openai_responses`], [`anthropic`], [`gemini`]: the dialects. In each, `request`, `reply`,
//!   `stream`, `error` and `usage`, both directions side by side.
//!   [`ollama_chat`] is spoken with providers only.
//! - [`request`], [`answer`]: a request and its answer, whatever their dialects; all that the relay sees. [`head`] and
//!   [`passage`] are what it knows of them.
//! - [`beyond`]: what a request refers to and does not hold. [`outline`]: what routing may look at.
//! - [`transcript`]: the words of an answer, where they must be counted.
//! - [`walk`](mod@walk): what is refused of a body before it is read.
//! - `sameness`: whether two bodies say the same.
//! - [`plain`]: calls that are no conversation, passed on as they are.
//! - [`splice`]: change one member of a JSON body and leave every other byte. [`sse`]: cut an event stream into its
//!   events.

pub mod answer;
pub mod anthropic;
pub mod beyond;
pub mod canonical;
mod crowd;
pub mod fault;
mod fields;
mod frame;
pub mod gemini;
pub mod head;
mod members;
mod node;
pub mod ollama_chat;
pub mod openai_chat;
pub mod openai_responses;
mod ordered;
pub mod outline;
mod overheard;
mod parameters;
pub mod passage;
pub mod plain;
pub mod request;
mod sameness;
pub mod sifted;
pub mod splice;
pub mod sse;
pub mod transcript;
mod unescaped;
pub mod usage;
pub mod walk;
pub mod words;

pub use anthropic::{MessagesRequest, bedrock};
pub use beyond::Beyond;
pub use fault::{RequestFault, StreamFault};
pub use fields::Bulk;
pub use gemini::{EmbedRequest, Framing, GeminiRequest};
pub use head::{Head, Measure, OutputCap, Rewrite, UsageOption};
pub use openai_chat::ChatRequest;
pub use openai_responses::ResponsesRequest;
pub use outline::Outline;
pub use passage::{Passage, Seen, StreamEnd};
pub use plain::{Endpoint, PlainRequest};
pub use request::Request;
pub use transcript::Transcript;
pub use usage::Reading;
pub use words::{ErrorBody, UpstreamWords};
