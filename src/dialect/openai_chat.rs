//! The dialect `openai_chat`: OpenAI's chat completions, as OpenAI and the many compatible servers speak it.
//! Owns the reading of requests, answers, streams, usage and errors. Refuses to reshape: what passes from a client to a
//! provider of the same dialect, and back, passes byte for byte except the members that must change.

pub mod error;
pub mod reply;
pub mod request;
pub mod stream;
pub mod usage;

pub use request::ChatRequest;
pub use stream::ChatStream;
