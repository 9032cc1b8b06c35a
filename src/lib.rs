//! Farthing, a self-hosted LLM gateway whose books balance. The tour, in reading order:
//!
//! - [`relay`]: the phases of one client request. Start here.
//! - [`dialect`]: the wire formats. Pure: bytes and values in, bytes and values out.
//! - [`upstream`]: the providers' side of the wire, and what each kind of provider is.
//! - [`catalogue`]: what known models cost, and how much they take in and generate.
//! - [`tokenizer`]: how many tokens a text is.
//! - [`security`]: the one façade that seals, signs and recognises secrets.
//! - [`admin`]: what an operator can do.
//! - [`store`]: the database, and the journal in front of it.
//! - [`web`]: the server: routes, extractors, handlers, and errors as strangers see them.
//! - [`config`]: every setting, its default, and the report of all faults at once.
//! - [`logging`]: the form of a log line.
//! - [`background`]: the threads for work that may take its time.
//! - [`cli`]: the command line.
//! - [`app`]: puts everything together, starts it, and stops it in order.
//! - [`demo`]: the first five minutes.
//!
//! The actors, and the words of the field, are the crate [`farthing_actors`].

pub mod admin;
pub mod app;
pub mod background;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod demo;
pub mod dialect;
pub mod logging;
pub mod relay;
pub mod security;
pub mod store;
pub mod tokenizer;
pub mod upstream;
pub mod web;
