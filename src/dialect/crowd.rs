//! Crowds: how many members an array or an object may have.
//! Owns the count for each level, and the name of the place where there were too many. Refuses to parse, like its caller.
//!
//! Every member counts alike but a number in an array: a prompt may be given as a quarter of a million tokens, and those cost
//! the least of all values.

/// Members of one array or object.
pub(super) const MOST_MEMBERS: u32 = 10_000;
/// Numbers in one array, if there is nothing else.
pub(super) const MOST_NUMBERS: u32 = MOST_MEMBERS * NUMBERS_FOR_ONE;
const NUMBERS_FOR_ONE: u32 = 25;
/// Deeper bodies are refused for their depth.
const LEVELS: usize = 256;

/// The members counted on the way to a place.
pub(super) struct Crowd {
    here: Level,
    above: [Level; LEVELS],
}

/// One array or object.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Its members so far, in numbers.
    passed: u32,
    is_object: bool,
}

impl Default for Crowd {
    fn default() -> Self {
        Self { here: Level::default(), above: [Level::default(); LEVELS] }
    }
}

impl Crowd {
    /// Into an array or object at `depth`, from 1.
    pub(super) fn enter(&mut self, depth: usize, is_object: bool) {
        if let Some(above) = self.above.get_mut(depth) {
            *above = self.here;
        }
        self.here = Level { passed: 0, is_object };
    }

    /// Out of it.
    pub(super) fn leave(&mut self, depth: usize) {
        self.here = self.above.get(depth).copied().unwrap_or_default();
    }

    /// Past a comma that `before` precedes; whether the member after it is one too many.
    pub(super) fn next(&mut self, before: &[u8]) -> bool {
        let here = &mut self.here;
        let is_number = !here.is_object && before.trim_ascii_end().last().is_some_and(u8::is_ascii_digit);
        here.passed = here.passed.saturating_add(if is_number { 1 } else { NUMBERS_FOR_ONE });
        here.passed >= MOST_NUMBERS
    }
}

/// The array or object in which `before` ends, such as `messages[3].content`; empty at the top. `string` splits a string whose
/// opening quote was read from what follows it.
pub(super) fn place(before: &[u8], string: impl Fn(&[u8]) -> (&[u8], &[u8])) -> String {
    // For each level the name of the member read last, or nothing and how many were passed.
    let mut levels: Vec<(Option<String>, usize)> = Vec::new();
    let mut rest = before;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => {
                let (text, after) = string(after);
                rest = after;
                if let Some((Some(name), _)) = levels.last_mut().filter(|_| after.trim_ascii_start().starts_with(b":"))
                {
                    *name = String::from_utf8_lossy(text).into_owned();
                }
            }
            b'{' => levels.push((Some(String::new()), 0)),
            b'[' => levels.push((None, 0)),
            b'}' | b']' => drop(levels.pop()),
            b',' => {
                if let Some((_, passed)) = levels.last_mut() {
                    *passed = passed.saturating_add(1);
                }
            }
            _ => {}
        }
    }
    // What it is in, and not what it holds.
    levels.pop();
    written(&levels)
}

fn written(levels: &[(Option<String>, usize)]) -> String {
    let mut path = String::new();
    for (name, passed) in levels {
        match name {
            Some(name) if path.is_empty() => path.push_str(name),
            Some(name) => path.extend([".", name]),
            None => path.push_str(&format!("[{passed}]")),
        }
    }
    path
}
