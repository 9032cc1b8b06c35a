//! An answer's stream in this dialect: passing it on, reading it, writing it.
//! Owns what its events are. [`MessagesStream`] passes one from a provider to a client of the same dialect,
//! [`MessagesDecoder`] reads one for a client of another, [`MessagesEncoder`] writes one from another.

mod decode;
mod encode;
mod frame;
mod passage;

pub use decode::MessagesDecoder;
pub use encode::MessagesEncoder;
pub use passage::MessagesStream;
