//! What chat's clients call each feature, so that a refusal or a note names their own field.

use crate::dialect::canonical::Feature;

/// The member that asks for `feature`.
pub fn field(feature: Feature) -> &'static str {
    match feature {
        Feature::Choices => "n",
        Feature::StopTexts => "stop",
        Feature::Temperature => "temperature",
        Feature::TopP => "top_p",
        Feature::TopK => "top_k",
        Feature::Seed => "seed",
        Feature::PresencePenalty => "presence_penalty",
        Feature::FrequencyPenalty => "frequency_penalty",
        Feature::LogitBias => "logit_bias",
        Feature::LogProbs => "logprobs",
        Feature::Thinking => "reasoning_effort",
        Feature::JsonObject | Feature::JsonSchema => "response_format",
        Feature::Verbosity => "verbosity",
        Feature::User => "user",
        Feature::Metadata => "metadata",
        Feature::ServiceTier => "service_tier",
        Feature::CacheKey => "prompt_cache_key",
        Feature::CacheMarks => "cache_control",
        Feature::ParallelTools => "parallel_tool_calls",
        Feature::ToolChoice => "tool_choice",
        Feature::StrictTools => "tools[].function.strict",
        Feature::Images => "messages[].content[].image_url",
        Feature::ImageDetail => "messages[].content[].image_url.detail",
        Feature::Documents => "messages[].content[].file",
        Feature::Audio => "messages[].content[].input_audio",
        Feature::Files => "messages[].content[].file.file_id",
        Feature::Urls => "messages[].content[].image_url.url",
        Feature::ToolResultMedia => "messages[].content",
        Feature::EmptyPrompt => "messages",
        Feature::Names => "messages[].name",
    }
}
