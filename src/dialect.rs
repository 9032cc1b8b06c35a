//! Dialects: the wire formats spoken with clients and with providers.
//! Owns how bytes are read and changed in each of them. Refuses input and output: bytes and values in, bytes and values
//! out, so a clock, a socket or an actor never appears below this page.
//!
//! - [`canonical`]: what a request asks and an answer says, in no dialect's words. Between two dialects stands this.
//! - [`openai_chat`], [`openai_responses`], [`anthropic`], [`gemini`]: the dialects. In each, `request`, `reply`, `stream`,
//!   `error` and `usage`, both directions side by side.
//! - [`head`], [`passage`]: what the relay knows of a request and of a stream, whatever their dialects.
//! - [`splice`]: change one member of a JSON body and leave every other byte. [`sse`]: cut an event stream into its events.

pub mod anthropic;
pub mod canonical;
pub mod fault;
mod fields;
pub mod gemini;
pub mod head;
mod members;
pub mod openai_chat;
pub mod openai_responses;
pub mod passage;
pub mod splice;
pub mod sse;
pub mod usage;
pub mod words;

use bytes::Bytes;
use farthing_actors::domain::Dialect;

pub use fault::{RequestFault, StreamFault};
pub use head::{Head, OutputCap, Rewrite};
pub use openai_chat::ChatRequest;
pub use passage::{Passage, Seen, StreamEnd};
pub use usage::Reading;
pub use words::{ErrorBody, UpstreamWords};

impl ErrorBody<'_> {
    /// The body of an error in the shape of `dialect`.
    pub fn json(&self, dialect: Dialect) -> Vec<u8> {
        match dialect {
            Dialect::OpenaiChat | Dialect::OpenaiResponses | Dialect::Anthropic | Dialect::Gemini => {
                openai_chat::error::json(self)
            }
        }
    }

    /// The one error event that ends a broken stream in `dialect`.
    pub fn event(&self, dialect: Dialect) -> Bytes {
        match dialect {
            Dialect::OpenaiChat | Dialect::OpenaiResponses | Dialect::Anthropic | Dialect::Gemini => {
                openai_chat::error::event(self)
            }
        }
    }
}
