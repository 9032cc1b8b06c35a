//! Splice: change a member of a JSON body and leave every other byte as it came.
//! Owns the edits of one body. Refuses to parse: spans come from serde_json's own reading.

use std::fmt::Display;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// Edits of one body, applied together. Spans must not overlap; of two that do, the later in the body is left out.
#[derive(Debug)]
pub struct Splice<'a> {
    body: &'a Bytes,
    edits: Vec<Edit>,
}

#[derive(Debug)]
struct Edit {
    span: Range<usize>,
    text: String,
}

impl<'a> Splice<'a> {
    /// Begins with no edits.
    pub fn new(body: &'a Bytes) -> Self {
        Self { body, edits: Vec::new() }
    }

    /// Puts `text` in the place of the bytes at `span`.
    pub fn replace(&mut self, span: Range<usize>, text: impl Display) {
        self.edits.push(Edit { span, text: text.to_string() });
    }

    /// Adds a last member to the object that stands at `object`; `value` is JSON text. Several are added in order.
    pub fn insert(&mut self, object: Range<usize>, name: &str, value: impl Display) {
        let Some(close) = closing_brace(self.body, &object) else { return };
        let first = self.is_empty(close) && !self.edits.iter().any(|edit| edit.span == (close..close));
        let comma = if first { "" } else { "," };
        self.replace(close..close, format_args!("{comma}{}:{value}", json_string(name)));
    }

    /// Takes out the member whose value stands at `value`, with the comma that is then one too many.
    pub fn remove(&mut self, value: Range<usize>) {
        if let Some(span) = whole_member(self.body, &value) {
            self.replace(span, "");
        }
    }

    /// The edited body; without edits the very same bytes, not a copy.
    pub fn finish(mut self) -> Bytes {
        if self.edits.is_empty() {
            return self.body.clone();
        }
        self.edits.sort_by_key(|edit| edit.span.start);
        let added: usize = self.edits.iter().map(|edit| edit.text.len()).sum();
        let mut edited = BytesMut::with_capacity(self.body.len().saturating_add(added));
        let mut copied = 0;
        for edit in &self.edits {
            let Some(untouched) = self.body.get(copied..edit.span.start) else { continue };
            edited.extend_from_slice(untouched);
            edited.extend_from_slice(edit.text.as_bytes());
            copied = edit.span.end;
        }
        edited.extend_from_slice(self.body.get(copied..).unwrap_or_default());
        edited.freeze()
    }

    /// Whether the object that closes at `close` has no member: nothing but space after its opening brace.
    fn is_empty(&self, close: usize) -> bool {
        self.body.get(..close).is_some_and(|before| before.trim_ascii_end().ends_with(b"{"))
    }
}

/// Where the object at `object` closes. Its text is valid JSON, so its last brace is its own.
fn closing_brace(body: &[u8], object: &Range<usize>) -> Option<usize> {
    let text = body.get(object.clone())?;
    let close = text.iter().rposition(|byte| *byte == b'}')?;
    object.start.checked_add(close)
}

/// Where the member stands whose value is at `value`, with one of the commas around it. Its name has no quotation mark inside.
fn whole_member(body: &[u8], value: &Range<usize>) -> Option<Range<usize>> {
    let name = body.get(..value.start)?.trim_ascii_end().strip_suffix(b":")?.trim_ascii_end().strip_suffix(b"\"")?;
    let begins = name.iter().rposition(|byte| *byte == b'"')?;
    if let Some(before) = body.get(..begins)?.trim_ascii_end().strip_suffix(b",") {
        return Some(before.len()..value.end);
    }
    let after = body.get(value.end..)?;
    let rest = after.trim_ascii_start().strip_prefix(b",").unwrap_or(after);
    Some(begins..body.len().checked_sub(rest.len())?)
}

/// `text` as a JSON string, quotes included.
pub fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
