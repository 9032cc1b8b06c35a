//! How much to think, both directions: `thinking` and `output_config.effort`.
//! Owns the choice between Anthropic's two ways. Models up to 4.5, and compatible servers, are told a number of tokens;
//! Claude models since are told a word and refuse, or will, the number.

use serde::{Deserialize, Serialize};

use crate::dialect::canonical::{Effort, Thinking};
use crate::dialect::fault::RequestFault;
use crate::dialect::node::Node;

/// The least budget Anthropic takes.
const LEAST: u64 = 1_024;

/// Marks in the names of the Claude models that are told a number. The list is closed: newer models are told a word.
const NUMBERED: [&str; 9] =
    ["claude-2", "claude-3", "-4-0", "-4-1", "-4-5", "-4@2025", "sonnet-4-2025", "opus-4-2025", "claude-instant"];

/// `thinking` as it comes.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RawThinking {
    #[serde(rename = "type")]
    kind: String,
    budget_tokens: Option<u64>,
    display: Option<String>,
}

/// `thinking` as it is written.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Written {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display: Option<&'static str>,
}

/// What thinking must fit into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room<'a> {
    pub(super) model: &'a str,
    /// The most tokens of the answer, thinking included.
    pub(super) cap: u64,
    /// The model is to go on after its calls, and the thinking that led to them is gone. Told a number, it refuses to
    /// think then.
    pub(super) goes_on: bool,
}

/// What `thinking` says; the effort is said elsewhere.
pub(super) fn read(place: &Node<'_>) -> Result<Thinking, RequestFault> {
    let thinking: RawThinking = place.read()?;
    let shown = thinking.display.map(|display| display != "omitted");
    match thinking.kind.as_str() {
        // By a number, thinking is shown unless the client says otherwise.
        "enabled" => Ok(Thinking { effort: None, budget: thinking.budget_tokens, shown: shown.or(Some(true)) }),
        "disabled" => Ok(Thinking { effort: None, budget: Some(0), shown: None }),
        "adaptive" | "between_tools" => Ok(Thinking { effort: None, budget: None, shown }),
        _ => Err(RequestFault::invalid_value(
            &place.below("type"),
            "must be enabled, disabled, adaptive or between_tools",
        )),
    }
}

pub(super) fn read_effort(word: &str, path: &str) -> Result<Effort, RequestFault> {
    match word {
        "low" => Ok(Effort::Low),
        "medium" => Ok(Effort::Medium),
        "high" => Ok(Effort::High),
        "xhigh" | "max" => Ok(Effort::Max),
        _ => Err(RequestFault::invalid_value(path, "must be low, medium, high, xhigh or max")),
    }
}

fn word(effort: Effort) -> &'static str {
    match effort {
        Effort::None | Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::Max => "max",
    }
}

/// `thinking` and the effort.
pub(super) fn write(thinking: &Thinking, room: Room<'_>) -> (Option<Written>, Option<&'static str>) {
    let display = thinking.shown.map(|shown| if shown { "summarized" } else { "omitted" });
    match (thinking.budget, thinking.effort) {
        (Some(0), _) | (None, Some(Effort::None)) => (Some(plain("disabled", None)), None),
        (budget, effort) if is_numbered(room.model) => {
            let tokens = number(budget, effort, room.cap).filter(|tokens| *tokens >= LEAST && !room.goes_on);
            (tokens.map(|tokens| Written { budget_tokens: Some(tokens), ..plain("enabled", display) }), None)
        }
        (_, Some(effort)) => (Some(plain("adaptive", display)), Some(word(effort))),
        (Some(budget), None) => (Some(plain("adaptive", display)), Some(word(Effort::for_budget(budget)))),
        (None, None) => (thinking.shown.map(|_| plain("adaptive", display)), None),
    }
}

/// Thinking takes its tokens from the cap. What the client counted itself may take all but one; a word stands for half
/// at most, so that there is an answer.
fn number(budget: Option<u64>, effort: Option<Effort>, cap: u64) -> Option<u64> {
    let counted = budget.map(|budget| budget.max(LEAST).min(cap.saturating_sub(1)));
    counted.or_else(|| effort.map(|effort| effort.budget().min(cap / 2)))
}

fn plain(kind: &'static str, display: Option<&'static str>) -> Written {
    Written { kind, budget_tokens: None, display }
}

fn is_numbered(model: &str) -> bool {
    !model.contains("claude") || NUMBERED.iter().any(|mark| model.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(thinking: Thinking, model: &str, cap: u64) -> String {
        let (thinking, effort) = write(&thinking, Room { model, cap, goes_on: false });
        format!("{} {}", serde_json::to_string(&thinking).unwrap(), effort.unwrap_or("-"))
    }

    #[test]
    fn each_model_is_told_its_way() {
        let by = |effort: Option<Effort>, budget: Option<u64>| Thinking { effort, budget, shown: None };
        for (thinking, model, cap, expected) in [
            (by(Some(Effort::High), None), "claude-opus-5", 9_000, r#"{"type":"adaptive"} high"#),
            (by(None, Some(5_000)), "claude-sonnet-4-6", 9_000, r#"{"type":"adaptive"} medium"#),
            (
                by(Some(Effort::High), None),
                "claude-haiku-4-5-20251001",
                9_000,
                r#"{"type":"enabled","budget_tokens":4500} -"#,
            ),
            (by(None, Some(8_999)), "claude-sonnet-4-5", 9_000, r#"{"type":"enabled","budget_tokens":8999} -"#),
            (by(None, Some(99_999)), "deepseek-chat", 9_000, r#"{"type":"enabled","budget_tokens":8999} -"#),
            (by(Some(Effort::Low), None), "claude-sonnet-4-5", 1_500, "null -"),
            (by(Some(Effort::None), None), "claude-opus-5", 9_000, r#"{"type":"disabled"} -"#),
            (by(None, Some(0)), "claude-sonnet-4-5", 9_000, r#"{"type":"disabled"} -"#),
            (by(None, None), "claude-opus-5", 9_000, "null -"),
        ] {
            assert_eq!(written(thinking, model, cap), expected, "{model}");
        }
        let thinking = by(Some(Effort::High), None);
        for (model, thinks) in [("claude-sonnet-4-5", false), ("claude-opus-5", true)] {
            let room = Room { model, cap: 9_000, goes_on: true };
            assert_eq!(write(&thinking, room).0.is_some(), thinks, "{model}");
        }
    }
}
