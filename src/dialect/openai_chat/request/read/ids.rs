//! Ids of calls within one conversation.
//! Owns ids for calls that have none (the legacy `function_call`, Gemini's compatible server) and finding the call that
//! a result answers. Refuses to judge whether every call was answered; the provider does.

use std::collections::VecDeque;

/// The calls so far.
#[derive(Default)]
pub(super) struct Ids {
    /// Ids the client gave, with their tools' names.
    given: Vec<(String, String)>,
    /// Ids made up, with their tools' names, not answered yet, oldest first.
    open: VecDeque<(String, String)>,
    made: usize,
}

impl Ids {
    /// The id of a call of tool `name`: the given one, or one made up where it is empty.
    pub(super) fn call(&mut self, given: Option<String>, name: &str) -> String {
        if let Some(id) = given.filter(|id| !id.is_empty()) {
            self.given.push((id.clone(), name.to_owned()));
            return id;
        }
        let id = format!("call_{}", self.made);
        self.made = self.made.saturating_add(1);
        self.open.push_back((id.clone(), name.to_owned()));
        id
    }

    /// The id and the tool's name of the call that a result answers. A result without id answers the oldest open call
    /// of its tool, or of any where it names none.
    pub(super) fn answered(&mut self, id: String, name: Option<String>) -> (String, Option<String>) {
        if !id.is_empty() {
            let known = self.given.iter().rev().find(|(known, _)| *known == id).map(|(_, name)| name.clone());
            return (id, name.or(known));
        }
        let place = self.open.iter().position(|(_, tool)| name.as_ref().is_none_or(|name| name == tool));
        match place.and_then(|place| self.open.remove(place)) {
            Some((id, tool)) => (id, Some(tool)),
            None => (id, name),
        }
    }
}
