//! Farthing, a self-hosted LLM gateway whose books balance. The tour, in reading order:
//!
//! - [`dialect`]: the wire formats. Pure: bytes and values in, bytes and values out.
//! - [`security`]: the one façade that seals, signs and recognises secrets.
//! - [`store`]: the database, and the journal in front of it.
//! - [`tokenizer`]: how many tokens a text is.
//! - [`upstream`]: the provider's side of the wire, and what each kind of provider is.

pub mod dialect;
pub mod security;
pub mod store;
pub mod tokenizer;
pub mod upstream;
