//! Output: the only writer to standard output and standard error of the command line.
//! Owns the choice between JSON and text. Refuses to fail because the reader closed the pipe, and to let a server's
//! words steer the terminal.

use std::io::{self, ErrorKind, Write};

use serde_json::Value;

/// What a command answers: for machines and for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    /// The JSON, as the server sent it where it came from one.
    pub(super) json: Value,
    /// The text, with a line feed at its end.
    pub(super) text: String,
}

impl Reply {
    /// Writes the reply in the form asked for.
    pub(super) fn print(&self, json: bool) -> io::Result<()> {
        if json { print(&format!("{:#}\n", self.json)) } else { print(&self.text) }
    }
}

/// Writes to standard output.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes a line to standard error. Where that fails too, there is nobody left to tell.
pub(super) fn complain(text: &str) {
    writeln!(io::stderr().lock(), "{text}").ok();
}

/// The text with control characters made visible, so that it cannot move the cursor or recolour the screen.
pub(super) fn harmless(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}
