//! Dialects: the wire formats spoken with clients and with providers.
//! Owns how bytes are read and changed in each of them. Refuses input and output: bytes and values in, bytes and values
//! out, so a clock, a socket or an actor never appears below this page.
//!
//! - [`openai_chat`]: OpenAI's chat completions, which most providers speak too.
//! - [`splice`]: change one member of a JSON body and leave every other byte.
//! - [`sse`]: cut an event stream into its events, wherever the chunks end.

mod members;
pub mod openai_chat;
pub mod splice;
pub mod sse;

pub use openai_chat::{ChatRequest, ErrorBody, RequestFault, UpstreamWords};
