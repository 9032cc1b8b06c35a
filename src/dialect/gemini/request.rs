//! A request: what the gateway must know of it, the same bytes again for the provider, and its canonical form both
//! ways.
//! Owns the output cap, in either spelling of its members. Refuses to look at anything else on the way to a provider of
//! the same dialect: the model is in the path, so the body rarely changes.

mod read;
mod settings;
mod tools;
mod write;

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::de::IgnoredAny;

use farthing_actors::domain::ServiceTier;

use crate::dialect::canonical::Conversation;
use crate::dialect::fault::RequestFault;
use crate::dialect::fields;
use crate::dialect::head::{Head, Measure, Rewrite, USEFUL_OUTPUT};
use crate::dialect::members::Member;
use crate::dialect::splice::Splice;

pub use write::{field, write};

/// The most candidates one request may ask for; Google's own limit.
const MAX_CHOICES: u64 = 8;

const MEMBERS: [&str; 5] = ["contents", "generationConfig", "generation_config", "serviceTier", "service_tier"];
const SETTINGS: [&str; 4] = ["maxOutputTokens", "max_output_tokens", "candidateCount", "candidate_count"];

/// A valid request and its body.
pub struct GeminiRequest {
    /// What it is, without its words.
    pub head: Head,
    body: Bytes,
    place: Place,
}

/// Where the output cap stands, or would.
enum Place {
    /// No `generationConfig`.
    Missing,
    /// `generationConfig` is null, here.
    Null(Range<usize>),
    /// `generationConfig` is an object, here, and its cap, if any, there.
    Object(Range<usize>, Option<Range<usize>>),
}

impl GeminiRequest {
    /// Reads and validates a body. `model` and `stream` are what the path says.
    ///
    /// # Errors
    /// The first fault found, in the words of the API.
    pub fn parse(body: Bytes, model: &str, stream: bool) -> Result<Self, RequestFault> {
        let object = fields::open(&body, &MEMBERS)?;
        let [contents, config, snake_config, tier, snake_tier] = object.values;
        let tier = tier.or(snake_tier);
        if model.is_empty() {
            return Err(RequestFault::missing("model"));
        }
        let Config { place, output_cap, choices } = read_config(either("generationConfig", config, snake_config)?)?;
        let head = Head {
            model: model.to_owned(),
            stream,
            wants_usage: true,
            output_cap,
            least_output: USEFUL_OUTPUT,
            choices,
            messages: count_contents(contents)?,
            bytes: body.len(),
            tier: tier.and_then(|tier| ServiceTier::of_provider(&tier.string()?.to_ascii_lowercase())),
            measure: Measure::TEXT,
        };
        Ok(Self { head, place, body: body.clone() })
    }

    /// The body as it came.
    pub(in crate::dialect) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body for the provider: the client's, byte for byte, except the output cap. Where nothing differs it is the
    /// same bytes, not a copy.
    pub fn for_upstream(&self, rewrite: &Rewrite<'_>) -> Bytes {
        let mut splice = Splice::new(&self.body);
        let cap = rewrite.output_cap.map(|cap| cap.tokens).filter(|tokens| self.head.output_cap != Some(*tokens));
        if let Some(tokens) = cap {
            let config = format!(r#"{{"maxOutputTokens":{tokens}}}"#);
            match &self.place {
                Place::Missing => splice.insert(0..self.body.len(), "generationConfig", config),
                Place::Null(at) => splice.replace(at.clone(), config),
                Place::Object(_, Some(cap)) => splice.replace(cap.clone(), tokens),
                Place::Object(object, None) => splice.insert(object.clone(), "maxOutputTokens", tokens),
            }
        }
        splice.finish()
    }

    /// The request in its canonical form, for a provider of another dialect.
    ///
    /// # Errors
    /// The first member that cannot be read, or that no other dialect has a place for.
    pub fn conversation(&self) -> Result<Conversation, RequestFault> {
        let mut conversation = read::conversation(&self.body)?;
        conversation.settings.output_cap = self.head.output_cap;
        conversation.settings.choices = Some(self.head.choices).filter(|choices| *choices > 1);
        Ok(conversation)
    }
}

/// Shows sizes, never words: prompts do not belong in logs.
impl fmt::Debug for GeminiRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &mut f.debug_struct("GeminiRequest");
        shown.field("model", &self.head.model).field("stream", &self.head.stream).field("bytes", &self.body.len());
        shown.finish_non_exhaustive()
    }
}

/// What is read of `generationConfig`.
struct Config {
    place: Place,
    output_cap: Option<u64>,
    choices: u64,
}

fn read_config(config: Option<Member<'_>>) -> Result<Config, RequestFault> {
    let Some(config) = config else { return Ok(Config { place: Place::Missing, output_cap: None, choices: 1 }) };
    if config.is_null() {
        return Ok(Config { place: Place::Null(config.span()), output_cap: None, choices: 1 });
    }
    let wrong = || RequestFault::invalid_type("generationConfig", "must be an object or null");
    let object = config.members(&SETTINGS).ok_or_else(wrong)?;
    if let Some(name) = object.duplicate {
        return Err(RequestFault::invalid_value(&format!("generationConfig.{name}"), "is given twice; send it once"));
    }
    let [cap, snake_cap, count, snake_count] = object.values;
    let cap = either("generationConfig.maxOutputTokens", cap, snake_cap)?;
    let count = either("generationConfig.candidateCount", count, snake_count)?;
    let base = config.span().start;
    let cap_at = cap.map(|cap| base.saturating_add(cap.span().start)..base.saturating_add(cap.span().end));
    Ok(Config {
        place: Place::Object(config.span(), cap_at),
        output_cap: fields::whole("generationConfig.maxOutputTokens", cap, 1..=u64::MAX)?,
        choices: fields::whole("generationConfig.candidateCount", count, 1..=MAX_CHOICES)?.unwrap_or(1),
    })
}

/// The one member of two spellings.
fn either<'a>(
    name: &str,
    camel: Option<Member<'a>>,
    snake: Option<Member<'a>>,
) -> Result<Option<Member<'a>>, RequestFault> {
    if camel.is_some() && snake.is_some() {
        return Err(RequestFault::invalid_value(name, "is given twice, in two spellings; send it once"));
    }
    Ok(camel.or(snake))
}

fn count_contents(contents: Option<Member<'_>>) -> Result<usize, RequestFault> {
    let contents = contents.filter(|member| !member.is_null()).ok_or_else(|| RequestFault::missing("contents"))?;
    let list: Vec<IgnoredAny> = serde_json::from_str(contents.text)
        .map_err(|_| RequestFault::invalid_type("contents", "must be an array of contents"))?;
    if list.is_empty() {
        return Err(RequestFault::invalid_value("contents", "must not be empty; send at least one content"));
    }
    Ok(list.len())
}

#[cfg(test)]
mod tests;
