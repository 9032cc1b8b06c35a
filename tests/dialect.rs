//! The dialects against recorded answers: what is read, and streams cut at every byte.
//! Own fixtures stand in `tests/fixtures`; where a folder of recordings stands beside the project, it is used too.
#![cfg(test)]

#[path = "dialect/chat_passage.rs"]
mod chat_passage;
#[path = "dialect/recordings.rs"]
mod recordings;
