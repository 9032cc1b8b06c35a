//! Refusals: the errors api.openai.com gives, in its words, for bad requests and for faults on request.
//! Owns their status and body. Refuses to quote a request back beyond its model's name.

use bytes::Bytes;
use serde::Serialize;

use super::request::Fault;

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    message: String,
    kind: &'static str,
    param: Option<&'static str>,
    code: Option<&'static str>,
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: Body<'a>,
}

#[derive(Serialize)]
struct Body<'a> {
    message: &'a str,
    r#type: &'static str,
    param: Option<&'static str>,
    code: Option<&'static str>,
}

impl Refusal {
    /// The JSON body.
    pub(super) fn body(&self) -> Bytes {
        let Self { message, kind, param, code, .. } = self;
        let error = Body { message, r#type: kind, param: *param, code: *code };
        serde_json::to_vec(&Envelope { error }).unwrap_or_default().into()
    }

    /// The error a fault asks for in place of an answer; `None` if the fault is of another sort.
    pub(super) fn of_fault(fault: Fault, model: &str) -> Option<Self> {
        let model: String = model.chars().take(64).collect();
        Some(match fault {
            Fault::Error500 => Self::broken(),
            Fault::Error429 => Self {
                status: 429,
                message: format!("Rate limit reached for {model} on requests per min (RPM). Please try again in 1s."),
                kind: "requests",
                param: None,
                code: Some("rate_limit_exceeded"),
            },
            Fault::Error401 => Self {
                status: 401,
                message: "Incorrect API key provided: sandbox.".to_owned(),
                kind: "invalid_request_error",
                param: None,
                code: Some("invalid_api_key"),
            },
            Fault::Hang | Fault::Cut | Fault::BadJson | Fault::ErrorEvent | Fault::NoUsage => return None,
        })
    }

    /// What a provider says when the fault is its own, as a status or in the middle of an answer.
    pub(super) fn broken() -> Self {
        let message = "The server had an error while processing your request. Sorry about that!".to_owned();
        Self { status: 500, message, kind: "server_error", param: None, code: None }
    }

    /// The body is not JSON, or not of the expected shape.
    pub(super) fn unreadable(error: &serde_json::Error) -> Self {
        let message = if error.is_data() {
            format!("Invalid request body: {error}.")
        } else {
            "We could not parse the JSON body of your request.".to_owned()
        };
        Self { status: 400, message, kind: "invalid_request_error", param: None, code: None }
    }

    /// No model was named.
    pub(super) fn no_model() -> Self {
        let message = "you must provide a model parameter".to_owned();
        Self { status: 400, message, kind: "invalid_request_error", param: None, code: None }
    }

    /// A required member is absent.
    pub(super) fn missing(param: &'static str) -> Self {
        let code = Some("missing_required_parameter");
        Self { code, ..Self::about(param, format!("Missing required parameter: '{param}'.")) }
    }

    /// An array needs at least one element.
    pub(super) fn empty(param: &'static str) -> Self {
        let code = Some("empty_array");
        Self { code, ..Self::about(param, format!("Invalid '{param}': empty array. Expected at least one element.")) }
    }

    /// A member has a value the sandbox cannot honour.
    pub(super) fn invalid(param: &'static str, why: &str) -> Self {
        let code = Some("invalid_value");
        Self { code, ..Self::about(param, format!("Invalid '{param}': {why}.")) }
    }

    fn about(param: &'static str, message: String) -> Self {
        Self { status: 400, message, kind: "invalid_request_error", param: Some(param), code: None }
    }
}
