//! The head of a request: what the gateway must know of it, whatever its dialect, before it asks anybody.
//! Owns those figures and what must change on the way to a provider of the same dialect.

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
    /// How many choices are wanted.
    pub choices: u64,
    /// How many messages there are.
    pub messages: usize,
    /// The size of the body in bytes.
    pub bytes: usize,
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
    /// The member of the request that caps output at this provider. Used only where a dialect has several and the
    /// client sent none; otherwise what it sent is changed.
    pub field: &'static str,
    /// The bound.
    pub tokens: u64,
}
