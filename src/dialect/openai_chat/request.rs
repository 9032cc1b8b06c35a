//! A chat request: what the gateway must know of it, and the same bytes again for the provider.
//! Owns validation of what is read and the rewrite of the model, the usage option and the output cap. Refuses to judge
//! anything else: unknown members, their order and their spelling go through untouched.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::de::IgnoredAny;

use crate::dialect::members::{self, Member};
use crate::dialect::splice::{Splice, depth_exceeds, json_string};

/// The deepest nesting accepted, in arrays and objects.
const MAX_DEPTH: usize = 128;
/// The most choices one request may ask for; OpenAI's own limit.
const MAX_CHOICES: u64 = 128;

const MEMBERS: [&str; 7] =
    ["model", "messages", "stream", "stream_options", "n", "max_completion_tokens", "max_tokens"];

/// A valid request and its body.
pub struct ChatRequest {
    /// The model as the client named it.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Whether the client asked for a usage chunk (`stream_options.include_usage`).
    pub wants_usage: bool,
    /// The client's bound on output tokens: `max_completion_tokens`, else `max_tokens`.
    pub output_cap: Option<u64>,
    /// How many choices are wanted (`n`).
    pub choices: u64,
    /// How many messages there are.
    pub messages: usize,
    body: Bytes,
    model_at: Range<usize>,
    options: Options,
    caps: [Cap; 2],
}

/// What must change on the way to the provider.
#[derive(Debug, Clone, Copy)]
pub struct Rewrite<'a> {
    /// The model as the provider names it.
    pub model: &'a str,
    /// Whether the provider must report usage at the end of the stream, whatever the client asked.
    pub force_usage: bool,
    /// A bound on output tokens that the client's request must carry.
    pub output_cap: Option<OutputCap>,
}

/// A bound on output tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputCap {
    /// `max_completion_tokens` or `max_tokens`. Used only if the client sent neither; otherwise what it sent is changed.
    pub field: &'static str,
    /// The bound.
    pub tokens: u64,
}

/// Why a request cannot be read. Always the client's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequestFault {
    /// What is wrong and what would be right, for the client.
    pub message: String,
    /// The member at fault, if it is one.
    pub param: Option<&'static str>,
    /// `invalid_json`, `missing_field`, `invalid_type`, `invalid_value` or `too_deep`.
    pub code: &'static str,
}

/// Where the usage option stands.
enum Options {
    /// No `stream_options`.
    Missing,
    /// `stream_options` is null, here.
    Null(Range<usize>),
    /// `stream_options` is an object, here, and its `include_usage`, if any, there.
    Object(Range<usize>, Option<Range<usize>>),
}

/// One of the two names of the output cap, as the client sent it.
struct Cap {
    field: &'static str,
    at: Option<Range<usize>>,
    tokens: Option<u64>,
}

impl ChatRequest {
    /// Reads and validates a body.
    ///
    /// # Errors
    /// The first fault found, in the words of the API.
    pub fn parse(body: Bytes) -> Result<Self, RequestFault> {
        let text = std::str::from_utf8(&body).map_err(|_| invalid_json("the body is not valid UTF-8"))?;
        if depth_exceeds(&body, MAX_DEPTH) {
            let message = format!("the body is nested deeper than {MAX_DEPTH} levels; flatten it");
            return Err(RequestFault { message, param: None, code: "too_deep" });
        }
        let object = members::read(text, &MEMBERS).map_err(|fault| not_an_object(&fault))?;
        if let Some(name) = object.duplicate {
            return Err(invalid_value(name, "is given twice; send it once"));
        }
        let [model, messages, stream, options, choices, completion_cap, cap] = object.values;
        let model = model.ok_or_else(|| missing("model"))?;
        let (options, wants_usage) = read_options(options)?;
        let caps = [read_cap("max_completion_tokens", completion_cap)?, read_cap("max_tokens", cap)?];
        Ok(Self {
            model: read_model(model)?,
            stream: read_flag("stream", stream)?,
            wants_usage,
            output_cap: caps.iter().find_map(|cap| cap.tokens),
            choices: read_whole("n", choices, 1..=MAX_CHOICES)?.unwrap_or(1),
            messages: count_messages(messages)?,
            model_at: model.span(),
            options,
            caps,
            body: body.clone(),
        })
    }

    /// The size of the body in bytes.
    pub fn body_len(&self) -> usize {
        self.body.len()
    }

    /// The body for the provider: the client's, byte for byte, except what `rewrite` asks. Where nothing differs it is
    /// the same bytes, not a copy.
    pub fn for_upstream(&self, rewrite: &Rewrite<'_>) -> Bytes {
        let mut splice = Splice::new(&self.body);
        if rewrite.model != self.model {
            splice.replace(self.model_at.clone(), json_string(rewrite.model));
        }
        if rewrite.force_usage && !self.wants_usage {
            self.ask_usage(&mut splice);
        }
        if let Some(cap) = rewrite.output_cap {
            self.cap_output(&mut splice, cap);
        }
        splice.finish()
    }

    fn ask_usage(&self, splice: &mut Splice<'_>) {
        const ASKED: &str = r#"{"include_usage":true}"#;
        match &self.options {
            Options::Missing => splice.insert(0..self.body.len(), "stream_options", ASKED),
            Options::Null(at) => splice.replace(at.clone(), ASKED),
            Options::Object(_, Some(flag)) => splice.replace(flag.clone(), true),
            Options::Object(object, None) => splice.insert(object.clone(), "include_usage", true),
        }
    }

    fn cap_output(&self, splice: &mut Splice<'_>, cap: OutputCap) {
        let differing = self.caps.iter().filter(|own| own.tokens.is_some_and(|tokens| tokens != cap.tokens));
        for at in differing.filter_map(|own| own.at.clone()) {
            splice.replace(at, cap.tokens);
        }
        if self.output_cap.is_some() {
            return;
        }
        let null = self.caps.iter().find(|own| own.field == cap.field).and_then(|own| own.at.clone());
        match null {
            Some(at) => splice.replace(at, cap.tokens),
            None => splice.insert(0..self.body.len(), cap.field, cap.tokens),
        }
    }
}

/// Shows sizes, never words: prompts do not belong in logs.
impl fmt::Debug for ChatRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &mut f.debug_struct("ChatRequest");
        shown.field("model", &self.model).field("stream", &self.stream).field("bytes", &self.body.len());
        shown.finish_non_exhaustive()
    }
}

fn read_model(model: Member<'_>) -> Result<String, RequestFault> {
    let name = model.string().ok_or_else(|| invalid_type("model", "must be a string that names a model"))?;
    if name.is_empty() { Err(invalid_value("model", "must not be empty; name a model")) } else { Ok(name) }
}

fn count_messages(messages: Option<Member<'_>>) -> Result<usize, RequestFault> {
    let messages = messages.filter(|member| !member.is_null()).ok_or_else(|| missing("messages"))?;
    let list: Vec<IgnoredAny> =
        serde_json::from_str(messages.text).map_err(|_| invalid_type("messages", "must be an array of messages"))?;
    if list.is_empty() {
        return Err(invalid_value("messages", "must not be empty; send at least one message"));
    }
    Ok(list.len())
}

fn read_options(options: Option<Member<'_>>) -> Result<(Options, bool), RequestFault> {
    let Some(options) = options else { return Ok((Options::Missing, false)) };
    if options.is_null() {
        return Ok((Options::Null(options.span()), false));
    }
    let wrong = || invalid_type("stream_options", "must be an object or null");
    let object = options.members(&["include_usage"]).ok_or_else(wrong)?;
    if object.duplicate.is_some() {
        return Err(invalid_value("stream_options", "gives include_usage twice; send it once"));
    }
    let [flag] = object.values;
    let wanted = read_flag("stream_options.include_usage", flag)?;
    let base = options.span().start;
    let flag = flag.map(|flag| base.saturating_add(flag.span().start)..base.saturating_add(flag.span().end));
    Ok((Options::Object(options.span(), flag), wanted))
}

fn read_flag(name: &'static str, flag: Option<Member<'_>>) -> Result<bool, RequestFault> {
    match flag.map(|flag| flag.text) {
        Some("true") => Ok(true),
        None | Some("false" | "null") => Ok(false),
        Some(_) => Err(invalid_type(name, "must be true, false or null")),
    }
}

fn read_cap(field: &'static str, cap: Option<Member<'_>>) -> Result<Cap, RequestFault> {
    let tokens = read_whole(field, cap, 1..=u64::MAX)?;
    Ok(Cap { field, at: cap.map(|cap| cap.span()), tokens })
}

fn read_whole(
    name: &'static str,
    number: Option<Member<'_>>,
    allowed: std::ops::RangeInclusive<u64>,
) -> Result<Option<u64>, RequestFault> {
    let Some(number) = number.filter(|number| !number.is_null()) else { return Ok(None) };
    if !number.text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return Err(invalid_type(name, "must be a whole number"));
    }
    let whole = number.whole().filter(|whole| allowed.contains(whole));
    let bound = if *allowed.end() == u64::MAX { String::new() } else { format!(" and at most {}", allowed.end()) };
    let wrong = || invalid_value(name, &format!("must be a whole number of at least {}{bound}", allowed.start()));
    whole.ok_or_else(wrong).map(Some)
}

fn not_an_object(fault: &serde_json::Error) -> RequestFault {
    if fault.is_data() {
        let message = "the body must be a JSON object".to_owned();
        return RequestFault { message, param: None, code: "invalid_type" };
    }
    invalid_json(&format!("the body is not valid JSON: {fault}"))
}

fn invalid_json(message: &str) -> RequestFault {
    RequestFault { message: message.to_owned(), param: None, code: "invalid_json" }
}

fn missing(name: &'static str) -> RequestFault {
    RequestFault { message: format!("{name} is required"), param: Some(name), code: "missing_field" }
}

fn invalid_type(name: &'static str, rule: &str) -> RequestFault {
    RequestFault { message: format!("{name} {rule}"), param: Some(name), code: "invalid_type" }
}

fn invalid_value(name: &'static str, rule: &str) -> RequestFault {
    RequestFault { message: format!("{name} {rule}"), param: Some(name), code: "invalid_value" }
}

#[cfg(test)]
mod tests;
