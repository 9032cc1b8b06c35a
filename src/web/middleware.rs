//! Middleware: what surrounds every handler. One layer, because each costs every request.

mod cors;
pub mod envelope;
mod headers;
mod methods;
mod record;
mod unread;
