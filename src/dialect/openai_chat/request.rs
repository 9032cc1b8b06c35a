//! A chat request: what the gateway must know of it, and the same bytes again for the provider.
//! Owns validation of what is read and the rewrite of the model, the usage option and the output cap. Refuses to judge
//! anything else: unknown members, their order and their spelling go through untouched.
//!
//! For a provider of another dialect it is read in full ([`ChatRequest::conversation`], in the room `read`); a
//! conversation from another dialect becomes one by [`write()`].

mod effort;
mod features;
mod read;
mod typed;
mod write;

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::de::IgnoredAny;

use crate::dialect::fault::RequestFault;
use crate::dialect::fields;
use crate::dialect::head::{Head, Measure, OutputCap, Rewrite, USEFUL_OUTPUT, UsageOption};
use crate::dialect::members::Member;
use crate::dialect::plain;
use crate::dialect::splice::{Splice, json_string};
use crate::dialect::usage;

pub use features::field;
pub use write::write;

/// The most choices one request may ask for; OpenAI's own limit.
const MAX_CHOICES: u64 = 128;

/// What is read of a request, beside what is said in it.
const MEMBERS: [&str; 7] =
    ["model", "stream", "stream_options", "n", "max_completion_tokens", "max_tokens", "service_tier"];

/// How many messages or prompts there are.
type Count = fn(Member<'_>) -> Result<usize, RequestFault>;

/// A valid request and its body.
pub struct ChatRequest {
    /// What it is, without its words.
    pub head: Head,
    body: Bytes,
    model_at: Range<usize>,
    options: Options,
    caps: [Cap; 2],
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
        Self::parse_with("messages", count_messages, body)
    }

    /// Reads and validates a body of `POST /v1/completions`, the older form, which differs in what is said and in nothing
    /// the gateway must know.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_completion(body: Bytes) -> Result<Self, RequestFault> {
        let mut request = Self::parse_with("prompt", count_prompts, body)?;
        let [best_of] = fields::open(&request.body, &["best_of"])?.values;
        let best_of = fields::whole("best_of", best_of, 1..=MAX_CHOICES)?.unwrap_or(1);
        // All that is generated is billed: for each prompt, of which only the best are sent.
        let prompts = u64::try_from(request.head.messages).unwrap_or(u64::MAX);
        request.head.choices = request.head.choices.max(best_of).saturating_mul(prompts);
        Ok(request)
    }

    /// The body as it came.
    pub(in crate::dialect) fn body(&self) -> &[u8] {
        &self.body
    }

    fn parse_with(said: &'static str, count: Count, body: Bytes) -> Result<Self, RequestFault> {
        let [model, stream, options, choices, completion_cap, cap, tier] = MEMBERS;
        let object = fields::open(&body, &[model, said, stream, options, choices, completion_cap, cap, tier])?;
        let [model, messages, stream, options, choices, completion_cap, cap, tier] = object.values;
        let model = model.ok_or_else(|| RequestFault::missing("model"))?;
        let messages = messages.filter(|member| !member.is_null()).ok_or_else(|| RequestFault::missing(said))?;
        let (options, wants_usage) = read_options(options)?;
        let caps = [read_cap("max_completion_tokens", completion_cap)?, read_cap("max_tokens", cap)?];
        let head = Head {
            model: fields::model(model)?,
            stream: fields::flag("stream", stream)?,
            wants_usage,
            // Where both are given the lower one holds: neither is raised.
            output_cap: caps.iter().filter_map(|cap| cap.tokens).min(),
            least_output: USEFUL_OUTPUT,
            choices: fields::whole("n", choices, 1..=MAX_CHOICES)?.unwrap_or(1),
            messages: count(messages)?,
            bytes: body.len(),
            tier: usage::tier(tier),
            measure: Measure::TEXT,
        };
        Ok(Self { head, model_at: model.span(), options, caps, body: body.clone() })
    }

    /// The body for the provider: the client's, byte for byte, except what `rewrite` asks. Where nothing differs it is
    /// the same bytes, not a copy.
    pub fn for_upstream(&self, rewrite: &Rewrite<'_>) -> Bytes {
        let mut splice = Splice::new(&self.body);
        if rewrite.model != self.head.model {
            splice.replace(self.model_at.clone(), json_string(rewrite.model));
        }
        match rewrite.usage {
            UsageOption::Asked if !self.head.wants_usage => self.ask_usage(&mut splice),
            UsageOption::LeftOut => self.ask_nothing(&mut splice),
            UsageOption::Asked | UsageOption::AsIs => {}
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

    fn ask_nothing(&self, splice: &mut Splice<'_>) {
        match &self.options {
            Options::Missing => {}
            Options::Null(at) | Options::Object(at, _) => splice.remove(at.clone()),
        }
    }

    /// Whether the client's own cap is enough for a provider that caps by `field`: all know `max_tokens`, but those that
    /// know only that pass over the newer name.
    fn obeyed(&self, field: &str) -> bool {
        let given = |name: &str| self.caps.iter().any(|own| own.field == name && own.tokens.is_some());
        given(field) || given("max_tokens")
    }

    fn cap_output(&self, splice: &mut Splice<'_>, cap: OutputCap) {
        let differing = self.caps.iter().filter(|own| own.tokens.is_some_and(|tokens| tokens != cap.tokens));
        for at in differing.filter_map(|own| own.at.clone()) {
            splice.replace(at, cap.tokens);
        }
        if self.obeyed(cap.field) {
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
        shown.field("model", &self.head.model).field("stream", &self.head.stream).field("bytes", &self.body.len());
        shown.finish_non_exhaustive()
    }
}

/// One text, a list of them, or tokens: a list of numbers is one prompt.
fn count_prompts(prompt: Member<'_>) -> Result<usize, RequestFault> {
    let tokens = serde_json::from_str::<Vec<u64>>(prompt.text).is_ok();
    Ok(if tokens { 1 } else { plain::how_many(prompt) })
}

fn count_messages(messages: Member<'_>) -> Result<usize, RequestFault> {
    let list: Vec<IgnoredAny> = serde_json::from_str(messages.text)
        .map_err(|_| RequestFault::invalid_type("messages", "must be an array of messages"))?;
    if list.is_empty() {
        return Err(RequestFault::invalid_value("messages", "must not be empty; send at least one message"));
    }
    Ok(list.len())
}

fn read_options(options: Option<Member<'_>>) -> Result<(Options, bool), RequestFault> {
    let Some(options) = options else { return Ok((Options::Missing, false)) };
    if options.is_null() {
        return Ok((Options::Null(options.span()), false));
    }
    let wrong = || RequestFault::invalid_type("stream_options", "must be an object or null");
    let object = options.members(&["include_usage"]).ok_or_else(wrong)?;
    if object.duplicate.is_some() {
        return Err(RequestFault::invalid_value("stream_options", "gives include_usage twice; send it once"));
    }
    let [flag] = object.values;
    let wanted = fields::flag("stream_options.include_usage", flag)?;
    let base = options.span().start;
    let flag = flag.map(|flag| base.saturating_add(flag.span().start)..base.saturating_add(flag.span().end));
    Ok((Options::Object(options.span(), flag), wanted))
}

fn read_cap(field: &'static str, cap: Option<Member<'_>>) -> Result<Cap, RequestFault> {
    let tokens = fields::whole(field, cap, 1..=u64::MAX)?;
    Ok(Cap { field, at: cap.map(|cap| cap.span()), tokens })
}

#[cfg(test)]
mod tests;
