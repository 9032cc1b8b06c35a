//! The application that calls beside the pages. Owns what it calls; its pace, and how long calls took, are [`Traffic`]'s.

use std::time::Duration;

use farthing_support::http::Client;
use farthing_support::traffic::Traffic;
use serde_json::json;

/// Begins to call.
pub(crate) fn start(application: Client) -> Traffic {
    let messages = json!([{"role": "user", "content": "hello"}]);
    Traffic::start(move |thinking: Duration| {
        let sandbox = json!({"latency_ms": thinking.as_millis()});
        let ask = json!({"model": "model-1", "messages": messages, "sandbox": sandbox}).to_string();
        let answer = application.send("POST", "/v1/chat/completions", ask.as_bytes()).map_err(|e| e.to_string())?;
        if answer.status == 200 { Ok(()) } else { Err(format!("a call: {} {}", answer.status, answer.text())) }
    })
}
