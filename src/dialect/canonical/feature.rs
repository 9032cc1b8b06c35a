//! Features: names for what not every dialect can express.
//! Owns the closed list, so that a refusal or a note names the client's own field, whatever dialect it was read from.

use bytes::Bytes;

/// Something a request can ask and another dialect may have no place for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feature {
    /// Several answers.
    Choices,
    /// Texts that end the answer.
    StopTexts,
    /// Randomness.
    Temperature,
    /// The share of likely tokens that count.
    TopP,
    /// How many likely tokens count.
    TopK,
    /// Repeatability.
    Seed,
    /// Against repeating at all.
    PresencePenalty,
    /// Against repeating often.
    FrequencyPenalty,
    /// Tokens made likelier.
    LogitBias,
    /// Probabilities.
    LogProbs,
    /// How much to think.
    Thinking,
    /// JSON without a schema.
    JsonObject,
    /// JSON with a schema.
    JsonSchema,
    /// How long the text should be.
    Verbosity,
    /// The application's user.
    User,
    /// Labels.
    Metadata,
    /// Service tier.
    ServiceTier,
    /// Cache grouping.
    CacheKey,
    /// Cache-control markers.
    CacheMarks,
    /// One call at a time.
    ParallelTools,
    /// Which tools must be called.
    ToolChoice,
    /// Exact schemas of tools.
    StrictTools,
    /// Pictures.
    Images,
    /// How closely to look at pictures.
    ImageDetail,
    /// Documents.
    Documents,
    /// Sound.
    Audio,
    /// Files uploaded to a provider before.
    Files,
    /// Pictures and documents at an address.
    Urls,
    /// Pictures or documents in the answer of a tool.
    ToolResultMedia,
    /// Names of speakers.
    Names,
    /// A prompt without a word.
    EmptyPrompt,
}

/// A field that was passed over, by the client's own name for it, such as `metadata` or `tools[0].strict`.
pub type Ignored = String;

/// A conversation written in a dialect, for a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The request's body.
    pub body: Bytes,
    /// Hints the dialect has no place for, each once.
    pub ignored: Vec<Feature>,
}

/// A request that the target's dialect cannot express.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the provider of this model has no place for this: {why}")]
pub struct Unsupported {
    /// What it has no place for.
    pub feature: Feature,
    /// In words, for the client: what to leave out or use instead.
    pub why: String,
}

impl Unsupported {
    /// A refusal of `feature`, with a remedy.
    pub fn new(feature: Feature, why: impl Into<String>) -> Self {
        Self { feature, why: why.into() }
    }
}
