//! Calls of tools, as an answer gives them whole or in fragments.
//! Owns which fragment belongs to which call, though providers leave out indexes, ids, names or arguments, and ids for
//! calls that have none. Refuses to merge two calls: where a fragment may begin another, it does.

use serde_json::value::RawValue;
use uuid::Uuid;

use crate::dialect::canonical::{Json, Piece};
use crate::dialect::members::{self, Member};

/// One entry of `tool_calls`.
#[derive(Debug, Default)]
struct Fragment {
    index: Option<u64>,
    id: Option<String>,
    name: Option<String>,
    arguments: String,
    signature: Option<String>,
}

/// A call that has begun.
#[derive(Debug)]
struct Call {
    index: Option<u64>,
    /// The provider's id.
    id: Option<String>,
    name: Option<String>,
    /// Which of the answer's calls it is; none until its name is known.
    number: Option<usize>,
    /// What came so far: until the name is known, and where there is no id to tell calls apart.
    arguments: String,
    signature: Option<String>,
}

/// The calls of one choice.
#[derive(Debug, Default)]
pub(super) struct Calls {
    begun: Vec<Call>,
    named: usize,
}

impl Calls {
    /// Takes in the calls of a message or a delta: `tool_calls`, the legacy `function_call`, and the signature that
    /// Gemini's compatible server may put beside them.
    pub(super) fn read(
        &mut self,
        calls: Option<Member<'_>>,
        legacy: Option<Member<'_>>,
        extra: Option<Member<'_>>,
        found: &mut Vec<Piece>,
    ) {
        let list: Vec<&RawValue> = calls.and_then(|calls| serde_json::from_str(calls.text).ok()).unwrap_or_default();
        let mut beside = signature(extra);
        for text in list {
            let Some(mut fragment) = fragment(text.get()) else { continue };
            fragment.signature = fragment.signature.or_else(|| beside.take());
            self.add(fragment, found);
        }
        if let Some(legacy) = legacy {
            self.add(Fragment { index: Some(u64::MAX), ..function(Some(legacy)) }, found);
        }
    }

    /// Whether a call was told.
    pub(super) fn any(&self) -> bool {
        self.named > 0
    }

    fn add(&mut self, fragment: Fragment, found: &mut Vec<Piece>) {
        let Fragment { index, id, name, arguments, signature } = fragment;
        let known = self.place(index, id.as_deref(), name.as_deref());
        let place = known.unwrap_or_else(|| {
            self.begun.push(Call {
                index,
                id: None,
                name: None,
                number: None,
                arguments: String::new(),
                signature: None,
            });
            self.begun.len().saturating_sub(1)
        });
        let Some(call) = self.begun.get_mut(place) else { return };
        call.id = call.id.take().or(id);
        call.name = call.name.take().or(name);
        call.signature = call.signature.take().or(signature);
        if call.number.is_none() || call.id.is_none() {
            call.arguments.push_str(&arguments);
        }
        let text = if call.number.is_none() { call.begin(&mut self.named, found) } else { arguments };
        if let Some(call) = call.number.filter(|_| !text.is_empty()) {
            found.push(Piece::Arguments { call, text });
        }
    }

    /// The call a fragment goes on with; none if it begins one.
    fn place(&self, index: Option<u64>, id: Option<&str>, name: Option<&str>) -> Option<usize> {
        match (index, id) {
            (Some(_), _) => {
                let last = self.begun.iter().rposition(|call| call.index == index)?;
                self.begun.get(last).is_some_and(|call| call.goes_on(id, name)).then_some(last)
            }
            (None, Some(_)) => self.begun.iter().rposition(|call| call.id.as_deref() == id),
            (None, None) if name.is_none() => self.begun.len().checked_sub(1),
            (None, None) => None,
        }
    }
}

impl Call {
    /// Whether a fragment with this call's index belongs to it. Gemini's compatible server gives parallel calls one
    /// index, and some servers repeat the name in every fragment.
    fn goes_on(&self, id: Option<&str>, name: Option<&str>) -> bool {
        match (self.id.as_deref(), id, name) {
            (Some(own), Some(id), _) => own == id,
            (_, _, None) => true,
            (_, _, Some(name)) => {
                self.name.as_deref().is_none_or(|own| own == name) && Json::object(&self.arguments).is_none()
            }
        }
    }

    /// Tells the call once its name is known; gives the arguments that waited for it.
    fn begin(&mut self, named: &mut usize, found: &mut Vec<Piece>) -> String {
        let Some(name) = self.name.clone() else { return String::new() };
        let call = *named;
        *named = named.saturating_add(1);
        self.number = Some(call);
        let id = self.id.clone().unwrap_or_else(made_up);
        found.push(Piece::ToolCall { call, id, name, signature: self.signature.take() });
        if self.id.is_some() { std::mem::take(&mut self.arguments) } else { self.arguments.clone() }
    }
}

fn made_up() -> String {
    format!("call_{}", Uuid::now_v7().simple())
}

fn fragment(text: &str) -> Option<Fragment> {
    let [index, id, member, extra] = members::read(text, &["index", "id", "function", "extra_content"]).ok()?.present();
    let id = id.and_then(|id| id.string()).filter(|id| !id.is_empty());
    Some(Fragment { index: index.and_then(|index| index.whole()), id, signature: signature(extra), ..function(member) })
}

fn function(member: Option<Member<'_>>) -> Fragment {
    let object = member.and_then(|member| member.members(&["name", "arguments"]));
    let [name, told] = object.map_or([None; 2], members::Members::present);
    let name = name.and_then(|name| name.string()).filter(|name| !name.is_empty());
    Fragment { name, arguments: told.map(arguments).unwrap_or_default(), ..Fragment::default() }
}

/// Arguments are a string of JSON; some servers send the object itself.
pub(super) fn arguments(member: Member<'_>) -> String {
    member.string().unwrap_or_else(|| member.text.to_owned())
}

/// Gemini's signature of the thinking that led to a call, where its compatible server puts it:
/// `extra_content.google.thought_signature`.
pub(super) fn signature(extra: Option<Member<'_>>) -> Option<String> {
    let [google] = extra?.members(&["google"])?.present();
    let [signature] = google?.members(&["thought_signature"])?.present();
    signature?.string().filter(|signature| !signature.is_empty())
}

#[cfg(test)]
mod tests;
