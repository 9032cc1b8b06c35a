//! What this dialect's clients call the features that not every dialect has. Owns the names.

use crate::dialect::canonical::Feature;

/// What this dialect's clients call a feature; for what the dialect lacks, the name OpenAI gives it elsewhere.
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
        Feature::LogProbs => "top_logprobs",
        Feature::Thinking => "reasoning",
        Feature::JsonObject | Feature::JsonSchema => "text.format",
        Feature::Verbosity => "text.verbosity",
        Feature::User => "user",
        Feature::Metadata => "metadata",
        Feature::ServiceTier => "service_tier",
        Feature::CacheKey => "prompt_cache_key",
        Feature::CacheMarks => "cache_control",
        Feature::ParallelTools => "parallel_tool_calls",
        Feature::ToolChoice => "tool_choice",
        Feature::StrictTools => "tools[].strict",
        Feature::Images => "input[].content[].image_url",
        Feature::ImageDetail => "input[].content[].detail",
        Feature::Documents => "input[].content[].file_data",
        Feature::Audio => "input[].content[].input_audio",
        Feature::Files => "input[].content[].file_id",
        Feature::Urls => "input[].content[].file_url",
        Feature::ToolResultMedia => "input[].output",
        Feature::EmptyPrompt => "input",
        Feature::Names => "input[].name",
    }
}
