//! Canonical requests written for Gemini.
//! Owns the order of turns: the first is the user's, neighbours of one role are one, and none is empty. Refuses what
//! Gemini has no place for, and says which hints were passed over.

use bytes::Bytes;
use serde::Serialize;

use super::{settings, tools};
use crate::dialect::canonical::{
    Conversation, Feature, Json, Message, Part, PartKind, Role, ToolChoice, ToolResult, Unsupported, Written,
};
use crate::dialect::gemini::calls::{self, Pairing};
use crate::dialect::gemini::wire::{self, Body, Content, FunctionResponse};
use crate::dialect::gemini::{Side, media, parts};
use crate::dialect::head::Rewrite;

/// The body for a provider. The model and whether to stream are said by the path, so `stream` changes nothing here.
///
/// # Errors
/// What Gemini cannot express.
pub fn write(conversation: &Conversation, to: &Rewrite<'_>, _stream: bool) -> Result<Written, Unsupported> {
    if conversation.parallel_tools == Some(false) && may_call_several(conversation) {
        let why = "Gemini cannot be kept from calling several functions at once; leave it out";
        return Err(Unsupported::new(Feature::ParallelTools, why));
    }
    let cap = to.output_cap.map(|cap| cap.tokens).or(conversation.settings.output_cap);
    let body = Body {
        system_instruction: instruction(&conversation.messages)?,
        contents: Some(Json::of(&contents(&conversation.messages)?)),
        tools: tools::write(&conversation.tools),
        tool_config: tools::write_choice(conversation.tool_choice.as_ref()),
        generation_config: settings::write(&conversation.settings, cap, to.model)?,
        ..Body::default()
    };
    let body = Bytes::from(serde_json::to_vec(&body).unwrap_or_default());
    Ok(Written { body, ignored: ignored(conversation) })
}

/// Whether there is more than one way to answer by calls. Where the only tool must be called, clients ask for an object in
/// the shape of its arguments; that they want no second one is a hint.
fn may_call_several(conversation: &Conversation) -> bool {
    let forced = matches!(&conversation.tool_choice, Some(ToolChoice::Required | ToolChoice::Tool(_)));
    match conversation.tools.len() {
        0 => false,
        1 => !forced,
        _ => true,
    }
}

/// All instructions, wherever they stand: Gemini has one place for them.
fn instruction(messages: &[Message]) -> Result<Option<Json>, Unsupported> {
    let mut texts = Vec::new();
    for message in messages.iter().filter(|message| message.role.instructs()) {
        texts.extend(parts::write(&message.parts, Side::Provider)?);
    }
    Ok((!texts.is_empty()).then(|| Json::of(&Content { parts: Some(texts), role: None })))
}

fn contents(messages: &[Message]) -> Result<Vec<Content<wire::Part>>, Unsupported> {
    let mut contents = Contents::default();
    let mut pairing = Pairing::default();
    for message in messages.iter().filter(|message| !message.role.instructs()) {
        let (results, others): (Vec<_>, Vec<_>) =
            message.parts.iter().partition(|part| matches!(part.kind, PartKind::ToolResult(_)));
        for part in results {
            if let PartKind::ToolResult(result) = &part.kind {
                contents.add("user", vec![write_result(result, &pairing)?]);
            }
        }
        note_calls(&others, &mut pairing);
        let others: Vec<Part> = others.into_iter().cloned().collect();
        let role = if message.role == Role::Assistant { "model" } else { "user" };
        contents.add(role, parts::write(&others, Side::Provider)?);
    }
    Ok(contents.finish())
}

fn note_calls(parts: &[&Part], pairing: &mut Pairing) {
    for part in parts {
        if let PartKind::ToolCall(call) = &part.kind {
            pairing.note(call);
        }
    }
}

/// Turns in Gemini's order.
#[derive(Default)]
struct Contents(Vec<Content<wire::Part>>);

impl Contents {
    /// Adds parts to the turn of `role`, or begins one.
    fn add(&mut self, role: &str, parts: Vec<wire::Part>) {
        if parts.is_empty() {
            return;
        }
        if self.0.is_empty() && role != "user" {
            self.add("user", vec![wire::Part::text(" ")]);
        }
        match self.0.last_mut().filter(|last| last.role.as_deref() == Some(role)) {
            Some(last) => last.parts.get_or_insert_default().extend(parts),
            None => self.0.push(Content { parts: Some(parts), role: Some(role.to_owned()) }),
        }
    }

    fn finish(mut self) -> Vec<Content<wire::Part>> {
        if self.0.is_empty() {
            self.add("user", vec![wire::Part::text(" ")]);
        }
        self.0
    }
}

/// What a tool gave back: its JSON if it is an object, else its text in one of the members Google names for it.
fn write_result(result: &ToolResult, pairing: &Pairing) -> Result<wire::Part, Unsupported> {
    #[derive(Serialize)]
    #[serde(rename_all = "lowercase")]
    enum Named {
        Output(String),
        Error(String),
    }
    let mut texts = Vec::new();
    let mut media_parts = Vec::new();
    for part in &result.parts {
        match &part.kind {
            PartKind::Text(text) => texts.push(text.as_str()),
            PartKind::Image { source, .. } | PartKind::Document { source, .. } | PartKind::Audio { source } => {
                media_parts.push(media::write(source, Feature::ToolResultMedia)?);
            }
            _ => return Err(Unsupported::new(Feature::ToolResultMedia, "a tool gives back text and media only")),
        }
    }
    let text = texts.join("\n");
    let object = Json::object(&text).filter(|_| !result.is_error);
    let response =
        object.unwrap_or_else(|| Json::of(&if result.is_error { Named::Error(text) } else { Named::Output(text) }));
    let name = result.name.as_deref().or_else(|| pairing.name_of(&result.id)).unwrap_or(&result.id);
    let function_response = FunctionResponse {
        id: calls::told(&result.id),
        name: name.to_owned(),
        response: Some(response),
        parts: (!media_parts.is_empty()).then_some(media_parts),
    };
    Ok(wire::Part { function_response: Some(function_response), ..wire::Part::default() })
}

/// The hints that are passed over.
fn ignored(conversation: &Conversation) -> Vec<Feature> {
    let settings = &conversation.settings;
    let marks = |parts: &[Part]| parts.iter().any(|part| part.cache.is_some());
    let marked = conversation.messages.iter().any(|message| marks(&message.parts));
    let hints = [
        (Feature::User, settings.user.is_some()),
        (Feature::Metadata, settings.metadata.is_some()),
        (Feature::ServiceTier, settings.service_tier.is_some()),
        (Feature::Verbosity, settings.verbosity.is_some()),
        (Feature::CacheKey, settings.cache_key.is_some()),
        (Feature::CacheMarks, marked || conversation.tools.iter().any(|tool| tool.cache.is_some())),
        (Feature::ParallelTools, conversation.parallel_tools.is_some()),
        (Feature::StrictTools, conversation.tools.iter().any(|tool| tool.strict == Some(true))),
        (Feature::ImageDetail, conversation.messages.iter().flat_map(|message| &message.parts).any(Part::has_detail)),
        (Feature::Names, conversation.messages.iter().any(|message| message.name.is_some())),
    ];
    hints.into_iter().filter(|(_, given)| *given).map(|(feature, _)| feature).collect()
}

/// What clients of this dialect call a feature.
pub fn field(feature: Feature) -> &'static str {
    match feature {
        Feature::Choices => "generationConfig.candidateCount",
        Feature::StopTexts => "generationConfig.stopSequences",
        Feature::Temperature => "generationConfig.temperature",
        Feature::TopP => "generationConfig.topP",
        Feature::TopK => "generationConfig.topK",
        Feature::Seed => "generationConfig.seed",
        Feature::PresencePenalty => "generationConfig.presencePenalty",
        Feature::FrequencyPenalty => "generationConfig.frequencyPenalty",
        Feature::LogProbs => "generationConfig.responseLogprobs",
        Feature::Thinking => "generationConfig.thinkingConfig",
        Feature::JsonObject => "generationConfig.responseMimeType",
        Feature::JsonSchema => "generationConfig.responseJsonSchema",
        Feature::Metadata => "labels",
        Feature::ServiceTier => "serviceTier",
        Feature::CacheKey | Feature::CacheMarks => "cachedContent",
        Feature::ToolChoice | Feature::ParallelTools => "toolConfig.functionCallingConfig",
        Feature::StrictTools => "toolConfig.functionCallingConfig.mode",
        Feature::Images | Feature::ImageDetail | Feature::Documents | Feature::Audio => "contents[].parts[].inlineData",
        Feature::Files | Feature::Urls => "contents[].parts[].fileData",
        Feature::ToolResultMedia => "contents[].parts[].functionResponse.parts",
        // What this dialect has no member for, a client of it cannot have asked.
        Feature::EmptyPrompt => "contents",
        Feature::LogitBias | Feature::Verbosity | Feature::User | Feature::Names => "generationConfig",
    }
}
