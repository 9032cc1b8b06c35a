//! The calls of an answer being written: which wait, and which are whole.
//! Owns their arguments so far. Refuses to write.

use std::collections::VecDeque;

use crate::dialect::canonical::Json;

/// One call.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// Which of the answer's calls, from zero.
    pub(super) number: usize,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) signature: Option<String>,
    /// The text of its arguments so far.
    pub(super) arguments: String,
}

impl Call {
    pub(super) fn new(number: usize, id: String, name: String, signature: Option<String>) -> Self {
        Self { number, id, name, signature, arguments: String::new() }
    }
}

/// Calls whose block has not begun, in order, and the one whose block began last.
#[derive(Debug, Default)]
pub(super) struct Calls {
    waiting: VecDeque<Call>,
    begun: Option<Call>,
}

impl Calls {
    pub(super) fn add(&mut self, call: Call) {
        self.waiting.push_back(call);
    }

    /// Adds to the arguments of call `number`.
    pub(super) fn extend(&mut self, number: usize, text: &str) {
        let calls = self.begun.iter_mut().chain(&mut self.waiting);
        if let Some(call) = calls.into_iter().find(|call| call.number == number) {
            call.arguments.push_str(text);
        }
    }

    /// Takes the call that has waited longest.
    pub(super) fn next(&mut self) -> Option<Call> {
        self.waiting.pop_front()
    }

    /// The block of `call` has begun.
    pub(super) fn begun(&mut self, call: Call) {
        self.begun = Some(call);
    }

    /// Whether the arguments of the call that began last, `number`, are a whole object.
    pub(super) fn is_whole(&self, number: usize) -> bool {
        let call = self.begun.as_ref().filter(|call| call.number == number);
        call.is_none_or(|call| call.arguments.trim_end().ends_with('}') && Json::object(&call.arguments).is_some())
    }
}
