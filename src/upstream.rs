//! Upstream: the provider's side of the wire, and what each kind of provider is.

pub mod kinds;
