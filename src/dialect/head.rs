//! The head of a request: what the gateway must know of it, whatever its dialect, before it asks anybody.
//! Owns those figures and what must change on the way to a provider of the same dialect.

use farthing_actors::domain::{ServiceTier, Units};

/// The shortest useful answer, in tokens.
pub const USEFUL_OUTPUT: u64 = 256;

/// What a request is, without its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The model as the client named it.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Whether the client asked for a usage chunk; true where the dialect always has one.
    pub wants_usage: bool,
    /// The client's bound on output tokens.
    pub output_cap: Option<u64>,
    /// An answer shorter than this is of no use, so a budget that covers less refuses the call: [`USEFUL_OUTPUT`], and
    /// what the client has set apart for thinking before it.
    pub least_output: u64,
    /// How many choices are wanted.
    pub choices: u64,
    /// How many messages there are.
    pub messages: usize,
    /// The size of the body in bytes; of an upload, that of its text alone.
    pub bytes: usize,
    /// The tier it asks for; `None` where it leaves the choice to the provider.
    pub tier: Option<ServiceTier>,
    /// What it takes that is not text.
    pub measure: Measure,
}

/// What a request takes that is not text, before anybody has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measure {
    /// At most, for a hold. The same as what is likely where that is certain.
    pub most: Units,
    /// Likely, where nobody reports it.
    pub likely: Units,
}

impl Measure {
    /// Of a request for text.
    pub const TEXT: Self = Self { most: Units::NONE, likely: Units::NONE };
}

/// What must change on the way to the provider.
#[derive(Debug, Clone, Copy)]
pub struct Rewrite<'a> {
    /// The model as the provider names it.
    pub model: &'a str,
    /// What becomes of the option by which a stream is made to tell usage.
    pub usage: UsageOption,
    /// A bound on output tokens that the client's request must carry.
    pub output_cap: Option<OutputCap>,
}

/// What becomes of the option by which a stream is made to tell usage, whatever the client asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageOption {
    /// It is as the client has it.
    AsIs,
    /// Usage is asked for.
    Asked,
    /// There is none: the provider tells usage unasked, and refuses to be asked.
    LeftOut,
}

/// A bound on output tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputCap {
    /// The member of the request that caps output at this provider, where a dialect has several. What the client sent is
    /// changed, and this one added where the provider would not obey it.
    pub field: &'static str,
    /// The bound.
    pub tokens: u64,
}
