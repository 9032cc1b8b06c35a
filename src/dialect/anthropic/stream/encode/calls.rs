//! The calls of an answer being written: which wait, and which are whole.
//! Owns the arguments of those that wait; of the one being written only how far its brackets are, for an answer may be
//! long. Refuses to write.

use std::collections::VecDeque;

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
    begun: Option<(usize, Brackets)>,
}

impl Calls {
    pub(super) fn add(&mut self, call: Call) {
        self.waiting.push_back(call);
    }

    /// Adds to the arguments of call `number`.
    pub(super) fn extend(&mut self, number: usize, text: &str) {
        if let Some((_, brackets)) = self.begun.as_mut().filter(|(begun, _)| *begun == number) {
            brackets.read(text);
        } else if let Some(call) = self.waiting.iter_mut().find(|call| call.number == number) {
            call.arguments.push_str(text);
        }
    }

    /// Takes the call that has waited longest.
    pub(super) fn next(&mut self) -> Option<Call> {
        self.waiting.pop_front()
    }

    /// The block of `call` has begun.
    pub(super) fn begun(&mut self, call: &Call) {
        let mut brackets = Brackets::default();
        brackets.read(&call.arguments);
        self.begun = Some((call.number, brackets));
    }

    /// Whether the arguments of the call that began last, `number`, are a whole object.
    pub(super) fn is_whole(&self, number: usize) -> bool {
        self.begun.as_ref().is_none_or(|(begun, brackets)| *begun != number || brackets.closed)
    }
}

/// Where in an object the reading stands.
#[derive(Debug, Default)]
struct Brackets {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The outermost bracket was closed.
    closed: bool,
}

impl Brackets {
    fn read(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.step(byte));
    }

    fn step(&mut self, byte: u8) {
        match byte {
            _ if self.in_string => {
                self.in_string = self.escaped || byte != b'"';
                self.escaped = !self.escaped && byte == b'\\';
            }
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.closed |= self.depth == 0;
            }
            _ => {}
        }
    }
}
