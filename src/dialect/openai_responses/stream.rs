//! A stream of events: passed on by [`ResponsesStream`], read by [`ResponsesDecoder`], written by [`ResponsesEncoder`].
//! Owns what one event is, for the first two. Refuses to know all types of events: OpenAI adds to them.

mod decode;
mod encode;
mod event;
mod passage;

pub use decode::ResponsesDecoder;
pub use encode::ResponsesEncoder;
pub use passage::ResponsesStream;
