//! How much to think, under the names chat clients have for it.
//! Owns OpenAI's `reasoning_effort`, OpenRouter's `reasoning` and `include_reasoning`, and the `thinking` of Z.ai,
//! DeepSeek and LiteLLM. OpenAI's name wins over the others. Refuses words that are none of theirs.

use super::super::effort;
use super::super::typed::{self, Outcome, within};
use super::Body;
use crate::dialect::canonical::{Effort, Thinking};
use crate::dialect::fault::RequestFault;
use crate::dialect::fields;
use crate::dialect::members::Member;

/// What the request says of thinking.
pub(super) fn read(body: &mut Body<'_>) -> Outcome<Thinking> {
    let mut thinking = body.take("thinking").map(budgeted).transpose()?.unwrap_or_default();
    if let Some(reasoning) = body.take("reasoning") {
        thinking = described(reasoning)?;
    }
    if let Some(word) = body.take("reasoning_effort") {
        thinking.effort = Some(effort_of("reasoning_effort", word)?);
    }
    if let Some(shown) = body.take("include_reasoning") {
        thinking.shown = Some(fields::flag("include_reasoning", Some(shown))?);
    }
    Ok(thinking)
}

fn effort_of(name: &str, word: Member<'_>) -> Outcome<Effort> {
    let rule = "must be none, minimal, low, medium, high or xhigh";
    effort::read(&typed::text(name, word)?).ok_or_else(|| RequestFault::invalid_value(name, rule))
}

/// `{"type":"enabled"|"disabled"|"adaptive","budget_tokens"}`.
fn budgeted(thinking: Member<'_>) -> Outcome<Thinking> {
    let [kind, budget] = typed::object("thinking", thinking, &["type", "budget_tokens"])?;
    let read = || {
        if typed::optional("type", kind)?.is_some_and(|kind| kind == "disabled") {
            return Ok(Thinking { effort: Some(Effort::None), ..Thinking::default() });
        }
        Ok(Thinking { budget: fields::whole("budget_tokens", budget, 0..=u64::MAX)?, ..Thinking::default() })
    };
    read().map_err(|fault| within("thinking", fault))
}

/// `{"effort","max_tokens","exclude","enabled"}`.
fn described(reasoning: Member<'_>) -> Outcome<Thinking> {
    let names = ["effort", "max_tokens", "exclude", "enabled"];
    let [word, budget, hidden, enabled] = typed::object("reasoning", reasoning, &names)?;
    let read = || {
        let off = enabled.is_some_and(|enabled| enabled.text == "false");
        let effort = word.map(|word| effort_of("effort", word)).transpose()?;
        let hidden = hidden.map(|hidden| fields::flag("exclude", Some(hidden))).transpose()?;
        Ok(Thinking {
            effort: if off { Some(Effort::None) } else { effort },
            budget: fields::whole("max_tokens", budget, 0..=u64::MAX)?,
            shown: hidden.map(|hidden| !hidden),
        })
    };
    read().map_err(|fault| within("reasoning", fault))
}
