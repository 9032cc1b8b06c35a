//! Last words: what a panic said, kept on its thread until the supervisor asks why an actor died there.
//! Owns the panic hook, which passes everything on to the one before it. Refuses length, and what would break a line.

use std::cell::Cell;
use std::panic::{PanicHookInfo, set_hook, take_hook};
use std::sync::Once;
use std::thread;

/// Letters that are kept: enough for a sentence and a place.
const LONGEST: usize = 300;
/// Parts of the path of a file that are kept: those of the machine that built it say nothing here.
const PARTS: usize = 4;
/// What is known where no panic was heard: the actor ended itself, as owners do that cannot tell what is on the disk.
const BY_ITSELF: &str = "it stopped itself, because it could not tell whether a change was written; the log says more";
const WORDLESS: &str = "it broke off without a word";

thread_local! {
    static SAID: Cell<Option<String>> = const { Cell::new(None) };
}

/// From now on panics are heard, once for the process.
pub(super) fn listen() {
    static HEARING: Once = Once::new();
    HEARING.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            // A thread that is going away needs no memory.
            SAID.try_with(|said| said.set(Some(words(panic)))).ok();
            before(panic);
        }));
    });
}

/// Why the actor died whose death is noticed now, on this thread.
pub(super) fn take() -> String {
    let said = SAID.try_with(Cell::take).ok().flatten();
    if thread::panicking() { said.unwrap_or_else(|| WORDLESS.to_owned()) } else { BY_ITSELF.to_owned() }
}

fn words(panic: &PanicHookInfo<'_>) -> String {
    let said = panic.payload_as_str().unwrap_or("something that is no text");
    let place = panic.location().map(|at| format!(" ({}:{})", end_of(at.file()), at.line())).unwrap_or_default();
    shortened(said, LONGEST.saturating_sub(place.len())) + &place
}

/// In one line, of so many letters at most.
fn shortened(text: &str, most: usize) -> String {
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    let mut short: String = text.chars().map(plain).take(most).collect();
    if text.chars().nth(most).is_some() {
        short.push('…');
    }
    short
}

/// The last parts of a path.
fn end_of(path: &str) -> &str {
    let cut = path.rmatch_indices(['/', '\\']).nth(PARTS.saturating_sub(1)).map(|(at, _)| at.saturating_add(1));
    cut.and_then(|at| path.get(at..)).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_one_short_line() {
        assert_eq!(shortened("a\nb\u{1b}[31m", 300), "a b [31m");
        assert_eq!(shortened("ééé", 2), "éé…");
        assert_eq!(shortened("éé", 2), "éé");
        assert_eq!(end_of("/root/.cargo/registry/src/crate-1.0/src/lib.rs"), "src/crate-1.0/src/lib.rs");
        assert_eq!(end_of("src/ledger.rs"), "src/ledger.rs");
    }
}
