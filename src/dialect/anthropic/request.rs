//! A Messages request: what the gateway must know of it, the same bytes again for the provider, and what it means.
//! Owns validation of what is read and the rewrite of the model and the output cap. Refuses to judge anything else in
//! passing: unknown members, their order and their spelling go through untouched. Reading and writing it in full, for
//! other dialects, is in `read` and `write`.

mod mark;
mod output;
mod read;
mod settings;
mod source;
mod thinking;
mod tools;
mod write;

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::Serialize;
use serde::de::IgnoredAny;

use farthing_actors::domain::ServiceTier;

use crate::dialect::canonical::{Conversation, Feature};
use crate::dialect::fault::RequestFault;
use crate::dialect::fields;
use crate::dialect::head::{Head, Measure, Rewrite, USEFUL_OUTPUT};
use crate::dialect::members::Member;
use crate::dialect::splice::{Splice, json_string};

pub use write::write;

const MEMBERS: [&str; 8] = ["model", "messages", "stream", "max_tokens", "thread", "service_tier", "thinking", "speed"];

/// A valid request and its body.
pub struct MessagesRequest {
    /// What it is, without its words.
    pub head: Head,
    body: Bytes,
    model_at: Range<usize>,
    /// Where `max_tokens` stands; a request to count tokens needs none.
    cap_at: Option<Range<usize>>,
    continues: bool,
}

impl MessagesRequest {
    /// Reads and validates the body of a request for an answer.
    ///
    /// # Errors
    /// The first fault found, in the words of the API.
    pub fn parse(body: Bytes) -> Result<Self, RequestFault> {
        let request = Self::parse_for_counting(body)?;
        if request.head.output_cap.is_none() {
            return Err(RequestFault::missing("max_tokens"));
        }
        Ok(request)
    }

    /// Reads and validates the body of a request to count tokens, which needs no `max_tokens`.
    ///
    /// # Errors
    /// The first fault found, in the words of the API.
    pub fn parse_for_counting(body: Bytes) -> Result<Self, RequestFault> {
        let object = fields::open(&body, &MEMBERS)?;
        let [model, messages, stream, cap, thread, tier, thinking, speed] = object.values;
        let model = model.ok_or_else(|| RequestFault::missing("model"))?;
        let head = Head {
            model: fields::model(model)?,
            stream: fields::flag("stream", stream)?,
            wants_usage: true,
            // Zero fills the provider's cache and generates nothing.
            output_cap: fields::whole("max_tokens", cap, 0..=u64::MAX)?,
            least_output: thinking.and_then(thought).unwrap_or(0).saturating_add(USEFUL_OUTPUT),
            choices: 1,
            messages: count_messages(messages)?,
            bytes: body.len(),
            tier: read_tier(tier, speed),
            measure: Measure::TEXT,
        };
        let (model_at, cap_at) = (model.span(), cap.map(|cap| cap.span()));
        Ok(Self { head, model_at, cap_at, continues: thread.is_some_and(continues), body: body.clone() })
    }

    /// The member that needs the provider's own storage, which no other provider has: `thread`, where it goes on with a
    /// conversation of which only the new turn is sent. Where it begins one, all is sent.
    pub fn stored_state(&self) -> Option<&'static str> {
        self.continues.then_some("thread")
    }

    /// The body as it came.
    pub(in crate::dialect) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body for the provider: the client's, byte for byte, except what `rewrite` asks. Where nothing differs it is
    /// the same bytes, not a copy. Usage is always reported, so it need not be asked for, and the cap has one name
    /// only.
    pub fn for_upstream(&self, rewrite: &Rewrite<'_>) -> Bytes {
        let mut splice = Splice::new(&self.body);
        if rewrite.model != self.head.model {
            splice.replace(self.model_at.clone(), json_string(rewrite.model));
        }
        let cap = rewrite.output_cap.map(|cap| cap.tokens).filter(|cap| self.head.output_cap != Some(*cap));
        match (cap, self.cap_at.clone()) {
            (Some(cap), Some(at)) => splice.replace(at, cap),
            (Some(cap), None) => splice.insert(0..self.body.len(), "max_tokens", cap),
            (None, _) => {}
        }
        splice.finish()
    }

    /// What the request means, in no dialect's words.
    ///
    /// # Errors
    /// What cannot be read, and what no other dialect has, by the path of the member at fault.
    pub fn conversation(&self) -> Result<Conversation, RequestFault> {
        read::conversation(&self.body, self.head.output_cap)
    }
}

/// The tiers that a client can insist on; `auto` leaves the choice to the provider.
fn read_tier(tier: Option<Member<'_>>, speed: Option<Member<'_>>) -> Option<ServiceTier> {
    if speed.is_some_and(|speed| speed.text == r#""fast""#) {
        return Some(ServiceTier::Fast);
    }
    (tier?.text == r#""standard_only""#).then_some(ServiceTier::Standard)
}

/// Shows sizes, never words: prompts do not belong in logs.
impl fmt::Debug for MessagesRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &mut f.debug_struct("MessagesRequest");
        shown.field("model", &self.head.model).field("stream", &self.head.stream).field("bytes", &self.body.len());
        shown.finish_non_exhaustive()
    }
}

/// What is set apart for thinking: the provider refuses a cap that is not above it.
fn thought(thinking: Member<'_>) -> Option<u64> {
    thinking.members(&["budget_tokens"])?.present().into_iter().flatten().next()?.whole()
}

fn continues(thread: Member<'_>) -> bool {
    let kind = thread.members(&["type"]).and_then(|object| object.present().into_iter().flatten().next());
    kind.is_some_and(|kind| kind.string().as_deref() == Some("continue"))
}

fn count_messages(messages: Option<Member<'_>>) -> Result<usize, RequestFault> {
    let messages = messages.filter(|member| !member.is_null()).ok_or_else(|| RequestFault::missing("messages"))?;
    let list: Vec<IgnoredAny> = serde_json::from_str(messages.text)
        .map_err(|_| RequestFault::invalid_type("messages", "must be an array of messages"))?;
    if list.is_empty() {
        return Err(RequestFault::invalid_value("messages", "must not be empty; send at least one message"));
    }
    Ok(list.len())
}

#[derive(Serialize)]
struct Count {
    input_tokens: u64,
}

/// The answer to a request to count tokens.
pub fn count_tokens_reply(tokens: u64) -> Bytes {
    serde_json::to_vec(&Count { input_tokens: tokens }).unwrap_or_default().into()
}

/// What clients of this dialect call a feature; where they have no such thing, what the others call it.
pub fn field(feature: Feature) -> &'static str {
    match feature {
        Feature::Choices => "n",
        Feature::StopTexts => "stop_sequences",
        Feature::Temperature => "temperature",
        Feature::TopP => "top_p",
        Feature::TopK => "top_k",
        Feature::Seed => "seed",
        Feature::PresencePenalty => "presence_penalty",
        Feature::FrequencyPenalty => "frequency_penalty",
        Feature::LogitBias => "logit_bias",
        Feature::LogProbs => "logprobs",
        Feature::Thinking => "thinking",
        Feature::JsonObject | Feature::JsonSchema => "output_config.format",
        Feature::Verbosity => "verbosity",
        Feature::User => "metadata.user_id",
        Feature::Metadata => "metadata",
        Feature::ServiceTier => "service_tier",
        Feature::CacheKey => "prompt_cache_key",
        Feature::CacheMarks => "cache_control",
        Feature::ParallelTools => "tool_choice.disable_parallel_tool_use",
        Feature::ToolChoice => "tool_choice",
        Feature::StrictTools => "tools.strict",
        Feature::Images => "messages.content.image",
        Feature::ImageDetail => "messages.content.image.detail",
        Feature::Documents => "messages.content.document",
        Feature::Audio => "messages.content.audio",
        Feature::Files => "messages.content.source.file_id",
        Feature::Urls => "messages.content.source.url",
        Feature::ToolResultMedia => "messages.content.tool_result.content",
        Feature::EmptyPrompt => "messages",
        Feature::Names => "messages.name",
    }
}

#[cfg(test)]
mod tests;
