//! Tools: what a model may call, and whether it must.
//! Owns functions, which every dialect has. Refuses the tools a provider runs itself: no other provider has them.

use super::json::Json;
use super::part::CacheMark;

/// A function the model may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does, for the model.
    pub description: Option<String>,
    /// The JSON schema of its arguments; `None` where it takes none.
    pub schema: Option<Json>,
    /// Whether the arguments must match the schema exactly; `None` leaves it to the provider.
    pub strict: Option<bool>,
    /// Where the client asked for the prompt up to here to be cached.
    pub cache: Option<CacheMark>,
}

/// Whether tools are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice {
    /// As the model likes.
    Auto,
    /// Not.
    None,
    /// At least one, whichever.
    Required,
    /// This one.
    Tool(String),
    /// At least one of these (Gemini's `allowedFunctionNames`).
    OneOf(Vec<String>),
}
