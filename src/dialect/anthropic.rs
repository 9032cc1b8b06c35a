//! The dialect `anthropic`: Anthropic's Messages API, as Anthropic and the compatible servers speak it.
//! Owns the reading and writing of requests, answers, streams, usage and errors. Refuses to reshape what stays in the
//! dialect: from a client to a provider of the same dialect, and back, bytes pass except the members that must change.

pub mod bedrock;
mod block;
pub mod error;
mod ids;
pub mod reply;
pub mod request;
mod seal;
mod stop;
pub mod stream;
pub mod usage;
pub mod vertex;

pub use request::MessagesRequest;
pub use stream::{MessagesDecoder, MessagesEncoder, MessagesStream};
