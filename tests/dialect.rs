//! The dialects against recorded answers: what is read, and streams cut at every byte.
//! Own fixtures stand in `tests/fixtures`; where a folder of recordings stands beside the project, it is used too.
#![cfg(test)]

#[path = "dialect/alike.rs"]
mod alike;
#[path = "dialect/allocated.rs"]
mod allocated;
#[path = "dialect/anthropic.rs"]
mod anthropic;
#[path = "dialect/chat_passage.rs"]
mod chat_passage;
#[path = "dialect/chat_translation.rs"]
mod chat_translation;
#[path = "dialect/fuzz.rs"]
mod fuzz;
#[path = "dialect/gemini.rs"]
mod gemini;
#[path = "dialect/invoices.rs"]
mod invoices;
#[path = "dialect/memory.rs"]
mod memory;
#[path = "dialect/ollama.rs"]
mod ollama;
#[path = "dialect/recordings.rs"]
mod recordings;
#[path = "dialect/responses.rs"]
mod responses;
#[path = "dialect/responses_faults.rs"]
mod responses_faults;
#[path = "dialect/responses_round_trip.rs"]
mod responses_round_trip;
