//! Calls: their ids, which Gemini may leave out, and which result answers which.
//! Owns ids made up here: they begin with `call_farthing_` and are never told to Gemini, so that it gets back what it
//! gave. Refuses to guess from arguments: results without ids answer the calls of their name in order.

use uuid::Uuid;

use crate::dialect::canonical::ToolCall;

const MADE_UP: &str = "call_farthing_";

/// The id a provider or client gave, if it gave one.
pub(super) fn given(id: Option<String>) -> Option<String> {
    id.filter(|id| !id.is_empty())
}

/// An id for a call in an answer that has none.
pub(super) fn fresh() -> String {
    format!("{MADE_UP}{}", Uuid::now_v7().simple())
}

/// An id for a call in a request that has none. It depends on nothing but the place, so that the same conversation is
/// the same for a provider's cache.
pub(super) fn placed(message: usize, part: usize) -> String {
    format!("{MADE_UP}{message}_{part}")
}

/// The id for Gemini: none if it was made up here.
pub(super) fn told(id: &str) -> Option<String> {
    (!id.is_empty() && !id.starts_with(MADE_UP)).then(|| id.to_owned())
}

/// The calls of a conversation so far, for pairing with their results.
#[derive(Default)]
pub(super) struct Pairing(Vec<Open>);

struct Open {
    id: String,
    name: String,
    answered: bool,
}

impl Pairing {
    /// Takes in a call.
    pub(super) fn note(&mut self, call: &ToolCall) {
        self.0.push(Open { id: call.id.clone(), name: call.name.clone(), answered: false });
    }

    /// The id of the call that a result of the function `name` answers: the call of that id, else the first of that
    /// name without an answer; `None` if there is neither.
    pub(super) fn answer(&mut self, id: Option<&str>, name: &str) -> Option<String> {
        let by_id = self.0.iter().rposition(|call| Some(call.id.as_str()) == id);
        let place = by_id.or_else(|| self.0.iter().position(|call| !call.answered && call.name == name));
        let call = self.0.get_mut(place?)?;
        call.answered = true;
        Some(call.id.clone())
    }

    /// The function that call `id` was for; of calls with one id the last.
    pub(super) fn name_of(&self, id: &str) -> Option<&str> {
        self.0.iter().rfind(|call| call.id == id).map(|call| call.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_without_ids_answer_in_order() {
        let mut calls = Pairing::default();
        for (id, name) in [("a", "f"), ("b", "f"), ("c", "g")] {
            let (id, name) = (id.to_owned(), name.to_owned());
            calls.note(&ToolCall { id, name, arguments: String::new(), signature: None });
        }
        let answers = [(None, "g"), (Some("b"), "f"), (Some("lost"), "f"), (None, "f")];
        let found = answers.map(|(id, name)| calls.answer(id, name));
        assert_eq!(found.each_ref().map(Option::as_deref), [Some("c"), Some("b"), Some("a"), None]);
        assert_eq!((calls.name_of("c"), calls.name_of("d")), (Some("g"), None));
    }

    #[test]
    fn ids_made_up_are_not_told() {
        assert_eq!(told("toolu_1").as_deref(), Some("toolu_1"));
        assert!([fresh(), placed(1, 0), String::new()].iter().all(|id| told(id).is_none()));
        assert_ne!(fresh(), fresh());
    }
}
