//! Probabilities of tokens: Gemini's `logprobsResult` and OpenAI chat's form, which is the canonical one.
//! Owns both shapes. Refuses bytes of tokens, which Gemini does not give.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::dialect::canonical::Json;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probabilities {
    top_candidates: Option<Vec<Alternatives>>,
    chosen_candidates: Option<Vec<Chosen>>,
}

#[derive(Serialize, Deserialize)]
struct Alternatives {
    candidates: Option<Vec<Chosen>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chosen {
    token: Option<String>,
    log_probability: Option<Number>,
}

#[derive(Serialize, Deserialize)]
struct ChatForm {
    content: Option<Vec<Token>>,
}

#[derive(Serialize, Deserialize)]
struct Token {
    token: String,
    logprob: Option<Number>,
    bytes: Option<Vec<u8>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<Vec<Token>>,
}

/// The canonical form of a `logprobsResult`; `None` if it is none.
pub(super) fn read(result: &Json) -> Option<Json> {
    let result: Probabilities = result.read()?;
    let mut tops = result.top_candidates.unwrap_or_default().into_iter();
    let chosen = result.chosen_candidates.unwrap_or_default().into_iter();
    let tokens = chosen.map(|chosen| {
        let top = tops.next().and_then(|top| top.candidates).unwrap_or_default();
        read_token(chosen, Some(top.into_iter().map(|other| read_token(other, None)).collect()))
    });
    Some(Json::of(&ChatForm { content: Some(tokens.collect()) }))
}

fn read_token(chosen: Chosen, top_logprobs: Option<Vec<Token>>) -> Token {
    let token = chosen.token.unwrap_or_default();
    Token { logprob: chosen.log_probability, bytes: None, token, top_logprobs }
}

/// The `logprobsResult` for it; `None` if it is not in OpenAI chat's form.
pub(super) fn write(log_probs: &Json) -> Option<Json> {
    let tokens = log_probs.read::<ChatForm>()?.content.unwrap_or_default();
    let (tops, chosen): (Vec<_>, Vec<_>) = tokens.into_iter().map(write_token).unzip();
    Some(Json::of(&Probabilities { top_candidates: Some(tops), chosen_candidates: Some(chosen) }))
}

fn write_token(token: Token) -> (Alternatives, Chosen) {
    let top = token.top_logprobs.unwrap_or_default().into_iter().map(|other| write_token(other).1);
    let candidates = Some(top.collect());
    (Alternatives { candidates }, Chosen { token: Some(token.token), log_probability: token.logprob })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_come_back() {
        let chat = r#"{"content":[{"token":"a","logprob":-0.5,"bytes":null,"top_logprobs":[{"token":"b","logprob":-1.5,"bytes":null}]}]}"#;
        let chat = Json::parse(chat).unwrap();
        let gemini = write(&chat).unwrap();
        let expected = r#"{"topCandidates":[{"candidates":[{"token":"b","logProbability":-1.5}]}],"chosenCandidates":[{"token":"a","logProbability":-0.5}]}"#;
        assert_eq!((gemini.text(), read(&gemini)), (expected, Some(chat)));
        assert!(read(&Json::parse("[]").unwrap()).is_none());
    }
}
