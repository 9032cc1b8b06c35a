//! A stream of chat chunks.
//! Owns the three things done with one: [`ChatStream`] relays it to a client of the same dialect, [`ChatDecoder`] reads
//! it into events, [`ChatEncoder`] writes one from events. Refuses to wait; see [`crate::dialect::passage`].

mod decode;
mod encode;
mod frame;
mod indexes;
mod passage;
mod scan;

pub use decode::ChatDecoder;
pub use encode::ChatEncoder;
pub use passage::ChatStream;
