//! Errors as strangers see them: the only file that knows status codes.
//! Owns the table of codes (printed as `docs/errors.md`, checked by a test) and the shapes an error has on the wire: the
//! dialect's of the route for applications, Farthing's own elsewhere. Refuses an upstream's words unless the fault is the client's.

use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use farthing_actors::domain::Dialect;
use serde_json::json;

use crate::dialect::{ErrorBody, UpstreamWords};

mod admin;
mod from;

macro_rules! codes {
    ($($variant:ident = $code:literal, $status:literal, $kind:literal, $retry:literal, $means:literal;)+) => {
        /// Every error Farthing answers with.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $(#[doc = $means] $variant),+ }

        impl Code {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable name on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The status code.
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }

            /// OpenAI's `type`.
            pub fn kind(self) -> &'static str {
                match self { $(Self::$variant => $kind),+ }
            }

            /// Whether a client should try the same again.
            pub fn should_retry(self) -> bool {
                match self { $(Self::$variant => $retry),+ }
            }

            /// What it means and what to do.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $means),+ }
            }
        }
    };
}

codes! {
    InvalidJson = "invalid_json", 400, "invalid_request_error", false, "The body is not JSON; send one JSON object.";
    MissingField = "missing_field", 400, "invalid_request_error", false, "A required field is absent; the message names it.";
    InvalidType = "invalid_type", 400, "invalid_request_error", false, "A field has the wrong type; the message names it.";
    InvalidValue = "invalid_value", 400, "invalid_request_error", false, "A field's value cannot be used; the message says why.";
    TooDeep = "too_deep", 400, "invalid_request_error", false, "The JSON is nested deeper than 128 levels.";
    TooManyItems = "too_many_items", 400, "invalid_request_error", false, "An array or object has more than 10,000 items, or an array more than 250,000 numbers; the message names it.";
    ModelNotPriced = "model_not_priced", 400, "invalid_request_error", false, "The model has no price and the key has a budget; the operator sets a price.";
    MissingKey = "missing_api_key", 401, "authentication_error", false, "No key was sent; use Authorization: Bearer, x-api-key or x-goog-api-key.";
    InvalidKey = "invalid_api_key", 401, "authentication_error", false, "The key is unknown; check it for missing characters.";
    KeyRevoked = "key_revoked", 401, "authentication_error", false, "The key was revoked; ask the operator for another.";
    KeyExpired = "key_expired", 401, "authentication_error", false, "The key's time is over; ask the operator for another.";
    Unauthorized = "unauthorized", 401, "authentication_error", false, "The management API needs a session, or Authorization: Bearer with the management token or a scoped one.";
    InvalidCredentials = "invalid_credentials", 401, "authentication_error", false, "The name or the password is wrong, or too many were wrong before; wait, and check them.";
    InsufficientQuota = "insufficient_quota", 402, "insufficient_quota", false, "A budget cannot cover the call; raise it, wait for its next window, or lower max_tokens.";
    Forbidden = "forbidden", 403, "permission_error", false, "The role or the token's scopes do not allow this; the message says what is needed.";
    ProjectInactive = "project_inactive", 403, "permission_error", false, "The key's project, or one above it, is deactivated; ask the operator.";
    EndpointNotAllowed = "endpoint_not_allowed", 403, "permission_error", false, "The key may not call this path; the message names those it may.";
    ParameterNotAllowed = "parameter_not_allowed", 403, "permission_error", false, "The key may not send this value of this parameter; the message names those it may.";
    AddressNotAllowed = "address_not_allowed", 403, "permission_error", false, "Operators may not call from this address; management.allowed_addresses says where they may be.";
    ReauthenticationRequired = "reauthentication_required", 403, "permission_error", false, "The session comes from another network now; confirm it with POST /api/session/password.";
    RunKilled = "run_killed", 403, "permission_error", false, "An operator has ended the run that x-farthing-run names; start another.";
    ModelNotFound = "model_not_found", 404, "invalid_request_error", false, "The model does not exist or the key may not use it.";
    ThreadNotFound = "thread_not_found", 404, "invalid_request_error", false, "No provider of the model holds the conversation; send all of its messages.";
    NotFound = "not_found", 404, "invalid_request_error", false, "There is nothing at this path, or no object with this id.";
    MethodNotAllowed = "method_not_allowed", 405, "invalid_request_error", false, "The path exists, the method does not; the header Allow lists those it has.";
    BodyTimeout = "body_timeout", 408, "invalid_request_error", true, "The body did not arrive in time.";
    Conflict = "conflict", 409, "invalid_request_error", false, "The change contradicts what there is; the message says how.";
    IdempotencyRunning = "idempotency_in_progress", 409, "invalid_request_error", true, "A request with this Idempotency-Key is still running; wait as long as Retry-After says, and its answer comes again.";
    AnswerNotKept = "idempotency_answer_not_kept", 409, "invalid_request_error", false, "A request with this Idempotency-Key was answered and charged, but its answer was larger than 1 MiB; the message names the request.";
    PreconditionFailed = "precondition_failed", 412, "invalid_request_error", false, "If-Match names another version than the present one; read it again and decide anew.";
    BodyTooLarge = "body_too_large", 413, "invalid_request_error", false, "The body is larger than server.max_body_bytes.";
    UriTooLong = "uri_too_long", 414, "invalid_request_error", false, "The path and query are longer than 8 KiB.";
    EncodingUnsupported = "encoding_unsupported", 415, "invalid_request_error", false, "Compressed bodies are not accepted; send it plain.";
    MediaTypeUnsupported = "media_type_unsupported", 415, "invalid_request_error", false, "A session's change has a body that is not JSON; send it with Content-Type: application/json.";
    UnsupportedField = "unsupported_field", 400, "invalid_request_error", false, "The model's provider has no place for this field; leave it out or use another model.";
    IdempotencyReused = "idempotency_key_reused", 422, "invalid_request_error", false, "This Idempotency-Key was used with another body on this route; send another key.";
    UpstreamRejected = "upstream_rejected", 422, "invalid_request_error", false, "The provider refused the request; its status and its words are passed on.";
    HeadTooLarge = "head_too_large", 431, "invalid_request_error", false, "The headers are larger than 32 KiB.";
    RateLimited = "rate_limit_exceeded", 429, "rate_limit_error", true, "A limit of the key or its project is used up; wait as long as Retry-After says.";
    AddressLimited = "address_limited", 429, "rate_limit_error", true, "Too many wrong keys, tokens or sign-ins, or too many requests, came from this address; wait as long as Retry-After says.";
    UpstreamBusy = "upstream_rate_limited", 429, "rate_limit_error", true, "Every provider of the model limits us now; wait as long as Retry-After says.";
    Internal = "internal_error", 500, "api_error", true, "A defect in Farthing; the log has the request id.";
    UpstreamFailed = "upstream_error", 502, "api_error", true, "The provider failed or could not be reached; the log has the reason.";
    ModelUnavailable = "model_unavailable", 503, "api_error", true, "Every deployment of the model is failing; wait as long as Retry-After says.";
    LedgerUnavailable = "ledger_unavailable", 503, "api_error", true, "Calls cannot be recorded now, so none is sent.";
    AuditUnavailable = "audit_unavailable", 503, "api_error", true, "The audit trail cannot be written now, so nothing is changed.";
    SignInBusy = "sign_in_busy", 503, "api_error", true, "Too many people are signing in at once.";
    Overloaded = "overloaded", 503, "api_error", true, "Too many calls are in flight; wait as long as Retry-After says.";
    ShuttingDown = "server_shutdown", 503, "api_error", true, "The gateway is stopping; another node or a restart will answer.";
    UpstreamTimeout = "upstream_timeout", 504, "api_error", true, "The provider did not answer in time.";
}

/// One error on its way to a client.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Which.
    pub code: Code,
    /// What to say; names the field and the remedy.
    pub message: String,
    /// The request field at fault.
    pub param: Option<String>,
    /// When to come back.
    pub retry_after: Option<Duration>,
    /// Whether it is the same whenever it is sent, though the code's errors mostly pass.
    stays: bool,
    /// The provider's own status and words, where they are passed on.
    passed: Option<Box<(u16, Option<UpstreamWords>)>>,
}

impl Problem {
    /// A problem with its own message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), param: None, retry_after: None, stays: false, passed: None }
    }

    /// A problem whose message is the code's meaning.
    pub fn plain(code: Code) -> Self {
        Self::new(code, code.meaning())
    }

    /// A provider's refusal of what the client asked: its status, and its words, because only they say how to mend it.
    pub fn passed_on(status: u16, words: Option<UpstreamWords>) -> Self {
        Self { passed: Some(Box::new((status, words))), ..Self::plain(Code::UpstreamRejected) }
    }

    /// The same, naming a field.
    pub fn at(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// The same, saying when to come back.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The same, where sending the request again does not help, or must not be done.
    pub fn stays(self) -> Self {
        Self { stays: true, retry_after: None, ..self }
    }

    /// When to come back, as `Retry-After` says it.
    pub fn wait_in_seconds(&self) -> HeaderValue {
        HeaderValue::from(whole_seconds(self.retry_after.unwrap_or_default()))
    }

    /// The body in the shape of the client's dialect.
    pub fn body_for(&self, dialect: Dialect) -> Vec<u8> {
        let own = ErrorBody {
            status: self.status_code().as_u16(),
            message: &self.message,
            kind: self.code.kind(),
            param: self.param.as_deref(),
            code: Some(self.code.name()),
        };
        let told = match self.passed.as_deref() {
            Some((_, Some(words))) => ErrorBody {
                message: &words.message,
                kind: words.kind.as_deref().unwrap_or(own.kind),
                param: words.param.as_deref(),
                code: words.code.as_deref().or(own.code),
                ..own
            },
            _ => own,
        };
        told.json(dialect)
    }

    /// The body in Farthing's own shape.
    pub fn management_body(&self, request_id: &str) -> Vec<u8> {
        let mut error = json!({ "code": self.code.name(), "message": self.message, "request_id": request_id });
        if let (Some(param), Some(fields)) = (&self.param, error.as_object_mut()) {
            fields.insert("details".to_owned(), json!({ "field": param }));
        }
        json!({ "error": error }).to_string().into_bytes()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

/// The head of the answer; the body is written by the outermost layer, which knows path and request id.
impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        let status = self.passed.as_deref().map_or(self.code.status(), |(status, _)| *status);
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let retry = if self.code.should_retry() && !self.stays { "true" } else { "false" };
        headers.insert(HeaderName::from_static("x-should-retry"), HeaderValue::from_static(retry));
        if self.retry_after.is_some() {
            headers.insert(RETRY_AFTER, self.wait_in_seconds());
        }
        response.extensions_mut().insert(self.clone());
        response
    }
}

/// Whole seconds, rounded up, 1 to 120: stock clients obey no more than two minutes.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1_000).clamp(1, 120).try_into().unwrap_or(120)
}

/// The table of `docs/errors.md`.
pub fn table() -> String {
    let mut table = String::from("| code | status | retry | means |\n|---|---|---|---|\n");
    for code in Code::ALL {
        let retry = if code.should_retry() { "yes" } else { "no" };
        table.push_str(&format!("| `{}` | {} | {retry} | {} |\n", code.name(), code.status(), code.meaning()));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_the_printed_table() {
        let documented = include_str!("../../docs/errors.md");
        assert!(documented.contains(&table()), "docs/errors.md should contain:\n{}", table());
    }

    #[test]
    fn waits_are_whole_seconds_that_clients_obey() {
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_millis(1_001)), 2);
        assert_eq!(whole_seconds(Duration::from_secs(3_600)), 120);
    }

    #[test]
    fn an_error_has_the_shape_of_its_route() {
        let problem = Problem::plain(Code::ModelNotFound).at("model");
        let openai: serde_json::Value = serde_json::from_slice(&problem.body_for(Dialect::OpenaiChat)).unwrap();
        assert_eq!(openai["error"]["code"], "model_not_found");
        assert_eq!(openai["error"]["param"], "model");
        let own: serde_json::Value = serde_json::from_slice(&problem.management_body("req_1")).unwrap();
        assert_eq!(own["error"]["request_id"], "req_1");
        assert_eq!(own["error"]["details"]["field"], "model");
    }
}
