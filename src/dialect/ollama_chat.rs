//! Ollama's own form, `POST /api/chat`: what goes to a provider and what comes from one.
//! Owns both, on the provider's side alone: no client speaks it, so nothing here reads a request or writes an answer.
//!
//! An answer is one object, a stream the same in lines of JSON (no event stream): each line adds to the message, the last has
//! `done`, why it ended and what was counted.

mod message;
pub mod reply;
pub mod request;
mod stream;

pub use stream::OllamaDecoder;
