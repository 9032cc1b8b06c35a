//! The mock's words: what a request wishes, and the bytes of each answer.
//! Owns the texts, about as long as a short real answer. Refuses to parse JSON: a field is found by its spelling.

use std::time::Duration;

use memchr::memmem;

use super::stamp;

/// What a request asks the mock for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    /// Events instead of one body.
    pub(crate) stream: bool,
    /// A usage event at the end of a stream.
    pub(crate) usage: bool,
    /// Time before a whole answer.
    pub(crate) delay: Duration,
    /// Time between two events.
    pub(crate) gap: Duration,
    /// Content events in a stream.
    pub(crate) events: u64,
}

impl Wish {
    /// Reads the body of a request.
    pub(crate) fn read(body: &[u8]) -> Self {
        let number = |field| stamp::number_after(body, field);
        Self {
            stream: memmem::find(body, b"\"stream\":true").is_some(),
            usage: memmem::find(body, b"\"include_usage\":true").is_some(),
            delay: Duration::from_millis(number("\"delay_ms\":\"").unwrap_or(0)),
            gap: Duration::from_millis(number("\"gap_ms\":\"").unwrap_or(0)),
            events: number("\"events\":\"").unwrap_or(0),
        }
    }
}

/// A whole answer: 95 bytes of head, 599 of body.
pub(crate) const COMPLETION: &str = concat!(
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nserver: mock-upstream\r\ncontent-length: 599\r\n\r\n",
    r#"{"id":"chatcmpl-bench000000000000000000000","object":"chat.completion","created":1750000000,"#,
    r#""model":"bench-model","choices":[{"index":0,"message":{"role":"assistant","content":""#,
    r#"Every request that enters a system passes through its proxy, so whatever the proxy spends is paid once for each "#,
    r#"of them and by all of them: a little saved there is saved everywhere."},"logprobs":null,"finish_reason":"stop"}],"#,
    r#""usage":{"prompt_tokens":24,"completion_tokens":40,"total_tokens":64,"prompt_tokens_details":{"cached_tokens":0},"#,
    r#""completion_tokens_details":{"reasoning_tokens":0}},"system_fingerprint":"fp_bench"}"#,
);

/// Opens a stream.
pub(crate) const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n\
                                      server: mock-upstream\r\ntransfer-encoding: chunked\r\n\r\n";

/// What every event of a stream begins with.
const CHUNK: &str = r#"{"id":"chatcmpl-bench000000000000000000000","object":"chat.completion.chunk","created":1750000000,"model":"bench-model","#;

/// One content event, stamped with the time.
pub(crate) fn event() -> String {
    let (field, now) = (stamp::FIELD, stamp::now().as_nanos());
    framed(&format!(
        "data: {CHUNK}\"choices\":[{{\"index\":0,\"delta\":{{{field}{now}\"}},\"finish_reason\":null}}]}}\n\n"
    ))
}

/// The last events and the end of the body.
pub(crate) fn ending(usage: bool) -> String {
    let mut text =
        format!("data: {CHUNK}\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n");
    if usage {
        text.push_str(&format!(
            "data: {CHUNK}\"choices\":[],\"usage\":{{\"prompt_tokens\":24,\"completion_tokens\":100,\"total_tokens\":124}}}}\n\n"
        ));
    }
    text.push_str("data: [DONE]\n\n");
    framed(&text) + "0\r\n\r\n"
}

fn framed(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}
