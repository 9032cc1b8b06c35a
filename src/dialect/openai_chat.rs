//! The dialect `openai_chat`: OpenAI's chat completions, as OpenAI and the many compatible servers speak it.
//! Owns the reading and writing of requests, answers, streams, usage and errors. What passes from a client to a
//! provider of the same dialect, and back, passes byte for byte except the members that must change; between this
//! dialect and another stands the canonical form.

mod answer;
mod calls;
pub mod error;
mod finish;
mod parts;
pub mod reply;
pub mod request;
mod shape;
pub mod stream;
mod thoughts;
pub mod usage;

pub use request::ChatRequest;
pub use stream::{ChatDecoder, ChatEncoder, ChatStream};
pub use thoughts::is_seal;
