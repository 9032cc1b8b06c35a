//! Output: the only writer to standard output and standard error of the command line.
//! Owns the choice between JSON and text. Refuses to fail because the reader closed the pipe, and to let a server's
//! words steer the terminal.

use std::io::{self, ErrorKind, IsTerminal, Write};

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
    pass_on(text).map(drop)
}

/// Writes to standard output. Whether anybody is left to read more.
pub(super) fn pass_on(text: &str) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        other => other.map(|()| true),
    }
}

/// Writes a line to standard error. Where that fails too, there is nobody left to tell.
pub(super) fn complain(text: &str) {
    writeln!(io::stderr().lock(), "{text}").ok();
}

/// How far long work has come: one line on a terminal, nothing elsewhere.
#[derive(Debug, Default)]
pub(super) struct Progress {
    shown: bool,
}

impl Progress {
    /// Shows `text` in place of what was shown before.
    pub(super) fn tell(&mut self, text: &str) {
        let mut terminal = io::stderr().lock();
        if terminal.is_terminal() {
            write!(terminal, "\r\u{1b}[K{text}").and_then(|()| terminal.flush()).ok();
            self.shown = true;
        }
    }

    /// Takes the line away.
    pub(super) fn end(self) {
        if self.shown {
            write!(io::stderr().lock(), "\r\u{1b}[K").ok();
        }
    }
}

/// The text with control characters made visible, so that it cannot move the cursor or recolour the screen.
pub(super) fn harmless(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}
