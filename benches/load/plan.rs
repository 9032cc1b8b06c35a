//! A plan: what one load run sends, to whom, and how fast. Travels to the load generator as JSON on its command line.
//! Owns the bytes of a request; every proxy is sent the same ones. Refuses to know which proxy it is.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// The model every request names.
pub(crate) const MODEL: &str = "bench-model";

/// Fills the request to the size of a short real one: about 420 bytes with its head.
const PROMPT: &str = "Summarise in one sentence why a reverse proxy should spend little time on each request.";

/// One load run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Where to connect.
    pub(crate) address: SocketAddr,
    /// The key presented.
    pub(crate) key: String,
    /// Keep-alive connections.
    pub(crate) connections: u32,
    /// Requests in all, shared by the connections.
    pub(crate) requests: u64,
    /// Requests per second; absent: each connection sends as soon as it has its answer.
    pub(crate) rate: Option<u64>,
    /// What an answer looks like.
    pub(crate) shape: Shape,
}

/// The answer the mock is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Shape {
    /// One JSON body, after `delay_ms`.
    Whole {
        /// How long the upstream thinks.
        delay_ms: u64,
    },
    /// Server-sent events, `gap_ms` apart; zero is as fast as they go.
    Stream {
        /// Between two events.
        gap_ms: u64,
        /// Content events in one stream.
        events: u64,
    },
}

impl Plan {
    /// The request, head and body.
    pub(crate) fn request(&self) -> Vec<u8> {
        let body = format!(
            "{{\"model\":\"{MODEL}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{PROMPT}\"}}],\
             \"max_tokens\":256,{}}}",
            self.shape.fields()
        );
        post("/v1/chat/completions", self.address, &self.key, &body)
    }
}

impl Shape {
    /// What tells the mock how to answer: unknown to a gateway, which hands metadata on untouched.
    fn fields(self) -> String {
        match self {
            Self::Whole { delay_ms } => format!("\"metadata\":{{\"delay_ms\":\"{delay_ms}\"}},\"stream\":false"),
            Self::Stream { gap_ms, events } => {
                format!("\"metadata\":{{\"gap_ms\":\"{gap_ms}\",\"events\":\"{events}\"}},\"stream\":true")
            }
        }
    }
}

/// A POST of a JSON body.
pub(crate) fn post(path: &str, host: SocketAddr, key: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
