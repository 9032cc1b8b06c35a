//! A provider's whole answer, read into the canonical form.
//! Owns what of its members is told. Refuses only what is no answer: without a list of choices there is none.

use serde_json::value::RawValue;

use crate::dialect::canonical::{Choice, Json, Piece, Reply, Stop};
use crate::dialect::members::{self, Member};
use crate::dialect::openai_chat::answer::Answer;
use crate::dialect::openai_chat::parts;
use crate::dialect::usage::{Reading, tier};

/// The answer a body is; `None` if it is none, an error for one.
pub fn read(body: &[u8]) -> Option<Reply> {
    const MEMBERS: [&str; 7] = ["id", "model", "created", "choices", "usage", "x_groq", "service_tier"];
    let body = String::from_utf8_lossy(body);
    let [id, model, created, choices, usage, x_groq, service_tier] = members::read(&body, &MEMBERS).ok()?.present();
    let choices: Vec<&RawValue> = serde_json::from_str(choices?.text).ok()?;
    let text = |member: Option<Member<'_>>| member.and_then(|member| member.string());
    Some(Reply {
        id: text(id).unwrap_or_default(),
        model: text(model).unwrap_or_default(),
        created: created.and_then(|created| created.whole()).filter(|created| *created > 0),
        choices: choices.iter().filter_map(|text| choice(text.get())).collect(),
        usage: Reading::of(usage, x_groq).served(tier(service_tier)),
        service_tier: text(service_tier),
    })
}

/// One choice. Azure's filter may take the whole message away.
fn choice(text: &str) -> Option<Choice> {
    let [message, reason, log_probs] = members::read(text, &["message", "finish_reason", "logprobs"]).ok()?.present();
    let mut answer = Answer::default();
    let mut pieces: Vec<Piece> = message.map(|message| answer.take(message)).unwrap_or_default();
    pieces.extend(answer.end());
    let stop = answer.stop(reason).unwrap_or(Stop::End);
    let log_probs = log_probs.and_then(|probs| Json::object(probs.text));
    Some(Choice { parts: parts::gather(pieces), stop, log_probs })
}
