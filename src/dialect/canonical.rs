//! The canonical form: what a request asks and what an answer says, in no dialect's words.
//! Owns the types that stand between two dialects. Every dialect translates to and from them, so that four dialects
//! need eight translations and not twelve. Refuses bytes: reading and writing them is the dialects' own.
//!
//! Where a request is translated, every member of its body is one of three: understood, and then it is here; a hint,
//! and then it is passed over and named to the client (`hints`, and what a writer lists as ignored: names of speakers,
//! labels, tiers, cache marks); or a fault `unsupported_field`, as is every member nobody here knows. The same in all
//! dialects.
//!
//! - [`Conversation`]: a request. Its parts are [`part`], its tools [`tool`], what its answer shall be like
//!   [`settings`].
//! - [`Reply`]: a whole answer. [`Event`]: a piece of a streamed one.
//! - [`Feature`]: a name for what not every dialect can express, so that a refusal can name the client's own field.

pub mod event;
pub mod feature;
pub mod json;
pub mod lack;
pub mod part;
pub mod reply;
pub mod settings;
pub mod tool;

pub use event::{Event, Piece};
pub use feature::{Feature, Ignored, Unsupported, Written};
pub use json::Json;
pub use lack::Lack;
pub use part::{CacheMark, Part, PartKind, Reasoning, Source, ToolCall, ToolResult};
pub use reply::{Choice, Reply, Stop};
pub use settings::{Effort, Format, LogProbs, Sampling, Settings, Thinking};
pub use tool::{Tool, ToolChoice};

/// A request: who said what, which tools there are, and what the answer shall be like.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Conversation {
    /// Messages in order. Instructions (system and developer text) stand where the client put them.
    pub messages: Vec<Message>,
    /// Tools the model may call.
    pub tools: Vec<Tool>,
    /// Whether it may, must or must not; `None` leaves it to the provider.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once; `None` leaves it to the provider.
    pub parallel_tools: Option<bool>,
    /// What the answer shall be like.
    pub settings: Settings,
    /// Hints the client gave that no other dialect has a place for, by the client's own field names. Whoever translates
    /// passes them over and says so.
    pub hints: Vec<Ignored>,
}

/// One message: a speaker and what they said.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
    /// The speaker's name, where the client gave one.
    pub name: Option<String>,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Instructions of the platform.
    System,
    /// Instructions of the application's developer; the same as system where a dialect has no such role.
    Developer,
    /// The user. Results of tools are parts of a user's message.
    User,
    /// The model, in earlier turns.
    Assistant,
}

impl Role {
    /// Whether the message instructs instead of conversing.
    pub fn instructs(self) -> bool {
        matches!(self, Self::System | Self::Developer)
    }
}
