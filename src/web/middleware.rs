//! Middleware: what surrounds every handler. One layer, because each costs every request.

pub mod envelope;
mod record;
mod unread;
