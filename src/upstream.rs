//! Upstream: the providers' side of the wire. What each provider kind is, and the one way to call it.
//! Owns addresses, authentication, quirks and connections. Refuses to decide who is called, or whether again.

pub mod client;
pub mod error;
pub mod guard;
pub mod kinds;
pub mod playback;
pub mod request;
mod signature;
mod tokens;

pub use client::{Checked, KeyVault, Upstream, UpstreamBody, UpstreamReply};
pub use error::{Fault, UpstreamError};
pub use kinds::{Profile, StreamUsage, profile};
pub use playback::Sandbox;
pub use request::{Delivery, UpstreamRequest};
pub use tokens::AccessTokens;
