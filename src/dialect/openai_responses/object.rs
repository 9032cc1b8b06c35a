//! The response object: the frame of a whole answer, and of a stream's first and last events.
//! Owns its members and what its status says of why an answer ended. Refuses to echo the request, which is not known
//! here: the members that repeat it have their defaults, since the SDKs' types require them.

use serde::Serialize;
use serde_json::{Value, json};

use super::output::Item;
use super::usage::{ToolUsageObject, UsageObject};
use super::{pick, text, text_of};
use crate::dialect::canonical::Stop;

/// A response object to write.
#[derive(Serialize)]
pub(super) struct Object<'a> {
    pub(super) id: &'a str,
    object: &'static str,
    pub(super) created_at: u64,
    status: &'static str,
    incomplete_details: Option<Incomplete<'a>>,
    pub(super) model: &'a str,
    pub(super) output: &'a [Item],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_tier: Option<&'a str>,
    /// What the provider's own tools did, where the usage has no place for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_usage: Option<ToolUsageObject>,
    pub(super) usage: Option<UsageObject>,
    #[serde(flatten)]
    request: Value,
}

#[derive(Serialize)]
struct Incomplete<'a> {
    reason: &'a str,
}

impl<'a> Object<'a> {
    /// An object without content; in progress without `stop`.
    pub(super) fn new(id: &'a str, model: &'a str, stop: Option<&'a Stop>) -> Self {
        let reason = stop.and_then(incomplete_reason);
        let status = match stop {
            None => "in_progress",
            Some(_) if reason.is_some() => "incomplete",
            Some(_) => "completed",
        };
        Self {
            id,
            object: "response",
            created_at: 0,
            status,
            incomplete_details: reason.map(|reason| Incomplete { reason }),
            model,
            output: &[],
            service_tier: None,
            tool_usage: None,
            usage: None,
            request: defaults(),
        }
    }

    /// The type of the event that ends a stream with it.
    pub(super) fn event(&self) -> &'static str {
        if self.incomplete_details.is_some() { "response.incomplete" } else { "response.completed" }
    }
}

fn defaults() -> Value {
    json!({
        "background": false, "error": null, "instructions": null, "max_output_tokens": null, "metadata": {},
        "parallel_tool_calls": true, "previous_response_id": null, "reasoning": { "effort": null, "summary": null },
        "store": false, "temperature": null, "text": { "format": { "type": "text" } }, "tool_choice": "auto",
        "tools": [], "top_p": null, "truncation": "disabled", "user": null,
    })
}

/// Why an answer is incomplete; `None` where it is complete. A word of another provider's stays as it is.
pub(super) fn incomplete_reason(stop: &Stop) -> Option<&str> {
    match stop {
        Stop::Length => Some("max_output_tokens"),
        Stop::Filtered => Some("content_filter"),
        Stop::Other(word) => Some(word),
        Stop::End | Stop::StopText(_) | Stop::ToolCalls | Stop::Refusal | Stop::Pause => None,
    }
}

/// Why the answer of a response object ended, given whether it calls tools or refuses.
pub(super) fn stop(response: &str, calls: bool, refuses: bool) -> Stop {
    let [status, details] = pick(response, &["status", "incomplete_details"]);
    let reason = details.map(|details| text_of(details.text, "reason")).unwrap_or_default();
    match (text(status).as_str(), reason.as_str()) {
        (_, "max_output_tokens" | "max_tokens") => Stop::Length,
        (_, "content_filter") => Stop::Filtered,
        ("incomplete", "") => Stop::Other("incomplete".to_owned()),
        ("incomplete", reason) => Stop::Other(reason.to_owned()),
        ("cancelled", _) => Stop::Other("cancelled".to_owned()),
        _ if calls => Stop::ToolCalls,
        _ if refuses => Stop::Refusal,
        _ => Stop::End,
    }
}
