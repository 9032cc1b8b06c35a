//! The dialect `openai_responses`: OpenAI's Responses, as OpenAI and the compatible servers speak it.
//! Owns the reading of requests, answers, streams, usage and errors, and the writing of each from the canonical form.
//! Refuses what lives in a provider's own storage: see [`ResponsesRequest::stored_state`].

pub mod error;
mod media;
mod object;
mod output;
pub mod reply;
pub mod request;
mod seal;
pub mod stream;
pub mod usage;

pub use request::ResponsesRequest;
pub use stream::{ResponsesDecoder, ResponsesEncoder, ResponsesStream};

use super::members::{self, Member, Members};

/// Named members of an answer's object, `null` and whatever is no object counting as absent: answers are read as far as
/// they can be.
fn pick<'a, const N: usize>(text: &'a str, names: &[&'static str; N]) -> [Option<Member<'a>>; N] {
    members::read(text, names).map_or([None; N], Members::present)
}

/// The elements of a list as their texts; none where it is no list.
fn elements(list: Option<Member<'_>>) -> Vec<&str> {
    let list = list.and_then(|list| serde_json::from_str::<Vec<&serde_json::value::RawValue>>(list.text).ok());
    list.unwrap_or_default().into_iter().map(serde_json::value::RawValue::get).collect()
}

/// The string a member holds; empty where it holds none.
fn text(member: Option<Member<'_>>) -> String {
    member.and_then(|member| member.string()).unwrap_or_default()
}

/// The string that the member `name` of an object holds; empty where it holds none.
fn text_of(object: &str, name: &'static str) -> String {
    let [member] = pick(object, &[name]);
    text(member)
}
