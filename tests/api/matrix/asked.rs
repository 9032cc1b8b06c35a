//! What a request says, whatever its dialect: written for the four clients, and read from what reached the four upstreams.

use farthing_support::Dialect;
use serde_json::{Value, json};

mod read;
mod write;

/// A call of a tool; its id is empty where the dialect gave none.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: Value,
}

/// A request without its dialect.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Asked {
    pub(super) system: String,
    pub(super) texts: Vec<String>,
    /// A PNG in base64.
    pub(super) image: Option<String>,
    pub(super) tools: Vec<(String, Value)>,
    pub(super) calls: Vec<Call>,
    /// Ids of calls, and what the tools answered.
    pub(super) results: Vec<(String, String)>,
    pub(super) schema: Option<Value>,
    /// Whether thinking is wanted.
    pub(super) thinks: bool,
    pub(super) cap: Option<u64>,
}

impl Call {
    pub(super) fn new(id: &str, name: &str, arguments: Value) -> Self {
        Self { id: id.to_owned(), name: name.to_owned(), arguments }
    }

    fn told(id: &Value, name: &Value, arguments: Value) -> Self {
        Self::new(id.as_str().unwrap_or_default(), name.as_str().unwrap(), arguments)
    }
}

impl Asked {
    /// The smallest one.
    pub(super) fn hello() -> Self {
        Self { system: "Be brief.".to_owned(), texts: vec!["hello".to_owned()], cap: Some(4_096), ..Self::default() }
    }

    /// With one tool.
    pub(super) fn with_tool() -> Self {
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]});
        Self { tools: vec![("weather".to_owned(), schema)], ..Self::hello() }
    }

    /// The body a client of `dialect` sends.
    pub(super) fn write(&self, dialect: Dialect, model: &str, stream: bool) -> Value {
        match dialect {
            Dialect::Chat => write::chat(self, model, stream),
            Dialect::Responses => write::responses(self, model, stream),
            Dialect::Anthropic => write::anthropic(self, model, stream),
            Dialect::Gemini => write::gemini(self),
        }
    }

    /// What a body that reached a provider of `dialect` says.
    pub(super) fn read(dialect: Dialect, body: &Value) -> Self {
        match dialect {
            Dialect::Chat => read::chat(body),
            Dialect::Responses => read::responses(body),
            Dialect::Anthropic => read::anthropic(body),
            Dialect::Gemini => read::gemini(body),
        }
    }
}

/// What a body says about the amount of thinking: OpenAI's word, or the others' number of tokens.
pub(super) fn effort(dialect: Dialect, body: &Value) -> Value {
    match dialect {
        Dialect::Chat => body["reasoning_effort"].clone(),
        Dialect::Responses => body["reasoning"]["effort"].clone(),
        Dialect::Anthropic => body["thinking"]["budget_tokens"].clone(),
        Dialect::Gemini => body["generationConfig"]["thinkingConfig"]["thinkingBudget"].clone(),
    }
}
