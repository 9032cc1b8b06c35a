//! Settings: what the answer shall be like.
//! Owns one field for each setting that more than one dialect has. Refuses arithmetic: numbers are carried as written.

use serde_json::Number;

use super::json::Json;

/// What the answer shall be like. `None` leaves a setting to the provider.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// The most tokens to generate.
    pub output_cap: Option<u64>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// What form the text has.
    pub format: Format,
    /// How much to think first.
    pub thinking: Thinking,
    /// Whether each token's probability is wanted.
    pub log_probs: Option<LogProbs>,
    /// How many answers are wanted; zero is never written, one is the default.
    pub choices: Option<u64>,
    /// Who the application's user is; Anthropic's `metadata.user_id`. A hint.
    pub user: Option<String>,
    /// Labels for the provider's own records. A hint.
    pub metadata: Option<Json>,
    /// How fast and how dear: OpenAI's `service_tier` words. A hint.
    pub service_tier: Option<String>,
    /// How long the text should be: OpenAI's `low`, `medium`, `high`. A hint.
    pub verbosity: Option<String>,
    /// What groups requests for the provider's cache (`prompt_cache_key`). A hint.
    pub cache_key: Option<String>,
}

/// How tokens are drawn.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sampling {
    /// Randomness.
    pub temperature: Option<Number>,
    /// The share of likely tokens that count.
    pub top_p: Option<Number>,
    /// How many likely tokens count.
    pub top_k: Option<Number>,
    /// What makes an answer repeatable, as far as the provider can. A hint.
    pub seed: Option<Number>,
    /// Against repeating at all.
    pub presence_penalty: Option<Number>,
    /// Against repeating often.
    pub frequency_penalty: Option<Number>,
    /// Tokens made likelier or unlikelier, by their numbers.
    pub logit_bias: Option<Json>,
}

/// What form the text has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Format {
    /// Any.
    #[default]
    Text,
    /// Some JSON object.
    Json,
    /// JSON that matches a schema.
    Schema {
        /// Its name.
        name: String,
        /// What it is for.
        description: Option<String>,
        /// The JSON schema.
        schema: Json,
        /// Whether it must match exactly.
        strict: Option<bool>,
    },
}

/// How much to think before answering, in the two ways dialects say it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Thinking {
    /// By a word.
    pub effort: Option<Effort>,
    /// By a number of tokens; zero is none.
    pub budget: Option<u64>,
    /// Whether the client wants to see the thinking, or a summary of it.
    pub shown: Option<bool>,
}

/// How hard to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Not at all.
    None,
    /// As little as possible.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// As much as possible.
    Max,
}

/// Which probabilities are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogProbs {
    /// Likely alternatives to each token.
    pub alternatives: Option<u64>,
}

impl Sampling {
    /// Whether `presence_penalty` and `frequency_penalty` change anything: a penalty of zero is none.
    pub fn penalises(&self) -> [bool; 2] {
        [&self.presence_penalty, &self.frequency_penalty]
            .map(|penalty| penalty.as_ref().is_some_and(|penalty| penalty.as_f64() != Some(0.0)))
    }

    /// Whether any token is made likelier or unlikelier: an empty bias is none.
    pub fn is_biased(&self) -> bool {
        self.logit_bias.as_ref().is_some_and(|bias| bias.text().contains(':'))
    }
}

impl Effort {
    /// Tokens of thinking this word stands for, where a dialect wants a number.
    pub fn budget(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Minimal => 1_024,
            Self::Low => 2_048,
            Self::Medium => 8_192,
            Self::High => 16_384,
            Self::Max => 32_768,
        }
    }

    /// The word for a number of tokens, where a dialect wants a word: the least effort that covers it.
    pub fn for_budget(tokens: u64) -> Self {
        let efforts = [Self::None, Self::Minimal, Self::Low, Self::Medium, Self::High];
        efforts.into_iter().find(|effort| effort.budget() >= tokens).unwrap_or(Self::Max)
    }
}
