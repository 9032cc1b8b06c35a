//! Multipart: the parts of an upload (`multipart/form-data`, RFC 7578) and where their values stand.
//! Owns the exact reading of delimiters and of what a part is called. Refuses whatever two readers could understand
//! differently (a delimiter after a bare line feed, a name with escapes, folded headers), so that the provider sees the
//! model that was admitted.

use std::ops::Range;

use memchr::memmem;

/// More parts than any call has.
const MAX_PARTS: usize = 128;
/// The longest headers of a part.
const MAX_HEADERS: usize = 8 * 1024;
const UNFINISHED: &str = "it has no closing delimiter";
const TORN: &str = "a delimiter is malformed";

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part<'a> {
    /// What the field is called.
    pub(super) name: &'a str,
    /// Whether it is a file.
    pub(super) is_file: bool,
    /// Where its value stands.
    pub(super) value: Range<usize>,
}

/// A line that separates parts.
struct Delimiter {
    /// Where the line break before it begins, which is part of it.
    from: usize,
    /// What follows it.
    to: usize,
    closes: bool,
}

/// The boundary that a content type names, if that is of a form.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, rest) = content_type.split_at_checked(content_type.find(';')?)?;
    let parameters = parameters(rest).filter(|_| kind.trim().eq_ignore_ascii_case("multipart/form-data"))?;
    let boundary = only(&parameters, "boundary").ok()??;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    let fits = (1..=70).contains(&boundary.len()) && boundary.bytes().all(plain) && !boundary.ends_with(' ');
    fits.then_some(boundary)
}

/// The parts of `body` in their order. What stands before the first and after the last is nobody's.
///
/// # Errors
/// What is wrong with it, to be read after "the body".
pub(super) fn read<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<Part<'a>>, &'static str> {
    let delimiters = delimiters(body, boundary)?;
    match delimiters.split_last() {
        Some((last, others)) if last.closes && !others.iter().any(|one| one.closes) => {}
        _ => return Err(UNFINISHED),
    }
    if delimiters.len() > MAX_PARTS {
        return Err("it has more than 127 parts");
    }
    let pairs = delimiters.iter().zip(delimiters.iter().skip(1));
    pairs.map(|(before, after)| part(body, before.to..after.from)).collect()
}

fn delimiters(body: &[u8], boundary: &str) -> Result<Vec<Delimiter>, &'static str> {
    let line = format!("--{boundary}");
    let mut found = Vec::new();
    for at in memmem::find_iter(body, line.as_bytes()) {
        let before = body.get(..at).unwrap_or_default();
        let from = match before {
            [] => at,
            [.., b'\r', b'\n'] => at.saturating_sub(2),
            [.., b'\r' | b'\n'] => return Err(TORN),
            // In the middle of a line it is nothing.
            _ => continue,
        };
        found.push(delimiter(body, from, at.saturating_add(line.len())).ok_or(TORN)?);
        if found.len() > MAX_PARTS {
            break;
        }
    }
    Ok(found)
}

/// The delimiter whose boundary ends at `end`; there may be space behind it, and nothing else.
fn delimiter(body: &[u8], from: usize, end: usize) -> Option<Delimiter> {
    let rest = body.get(end..)?;
    let (closes, rest) = rest.strip_prefix(b"--").map_or((false, rest), |rest| (true, rest));
    let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let rest = rest.get(padding..)?;
    match rest.strip_prefix(b"\r\n") {
        Some(after) => Some(Delimiter { from, to: body.len().saturating_sub(after.len()), closes }),
        None => (closes && rest.is_empty()).then_some(Delimiter { from, to: body.len(), closes }),
    }
}

/// The part that stands at `span`: headers, a blank line, its value.
fn part(body: &[u8], span: Range<usize>) -> Result<Part<'_>, &'static str> {
    let whole = body.get(span.clone()).ok_or(TORN)?;
    let length = memmem::find(whole, b"\r\n\r\n").ok_or("a part has no blank line after its headers")?;
    let headers = whole.get(..length).filter(|headers| headers.len() <= MAX_HEADERS);
    let headers = headers.ok_or("the headers of a part are longer than 8 KiB")?;
    let headers = std::str::from_utf8(headers).map_err(|_| "the headers of a part are not valid UTF-8")?;
    let (name, is_file) = called(headers)?;
    Ok(Part { name, is_file, value: span.start.saturating_add(length).saturating_add(4)..span.end })
}

/// What the part of these headers is called, and whether it is a file.
fn called(headers: &str) -> Result<(&str, bool), &'static str> {
    let mut disposition = None;
    for line in headers.split("\r\n") {
        let (name, value) = line.split_once(':').ok_or("a header of a part has no colon")?;
        if name.trim() != name || line.contains(['\r', '\n', '\0']) {
            return Err("a header of a part is malformed");
        }
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-disposition") && disposition.replace(value).is_some() {
            return Err("a part says twice what it is");
        }
        let plain = ["binary", "8bit", "7bit"].iter().any(|known| value.eq_ignore_ascii_case(known));
        if name.eq_ignore_ascii_case("content-transfer-encoding") && !plain {
            return Err("a part is encoded; send it as it is");
        }
    }
    let value = disposition.ok_or("a part has no content-disposition")?;
    let nameless = "a part has no plain name";
    let (kind, rest) = value.split_at_checked(value.find(';').unwrap_or(value.len())).ok_or(nameless)?;
    let parameters = parameters(rest).ok_or("the content-disposition of a part is malformed")?;
    let name = only(&parameters, "name")?.ok_or(nameless)?;
    if !kind.trim().eq_ignore_ascii_case("form-data") || name.contains('\\') || only(&parameters, "name*")?.is_some() {
        return Err(nameless);
    }
    let is_file = only(&parameters, "filename")?.or(only(&parameters, "filename*")?).is_some();
    Ok((name, is_file))
}

/// The value of a parameter that may come once.
fn only<'a>(parameters: &[(&str, &'a str)], name: &str) -> Result<Option<&'a str>, &'static str> {
    let mut values = parameters.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
    let value = values.next();
    if values.next().is_some() { Err("a parameter of a header comes twice") } else { Ok(value) }
}

/// `; name=value; name="value"`: names and values, without their quotation marks and with their escapes.
fn parameters(mut rest: &str) -> Option<Vec<(&str, &str)>> {
    let mut all = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Some(all);
        }
        rest = rest.strip_prefix(';')?.trim_start();
        if rest.is_empty() {
            return Some(all);
        }
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => until_quote(quoted)?,
            None => token(after)?,
        };
        if name.is_empty() || name.contains([' ', '\t', '"', ';']) {
            return None;
        }
        all.push((name, value));
        rest = after;
    }
}

/// A value without quotation marks and what follows it.
fn token(text: &str) -> Option<(&str, &str)> {
    let (value, after) = text.split_at_checked(text.find(';').unwrap_or(text.len()))?;
    let value = value.trim_end();
    (!value.is_empty() && !value.contains('"')).then_some((value, after))
}

/// A quoted text and what follows its closing mark.
fn until_quote(quoted: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let end = quoted.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    Some((quoted.get(..end)?, quoted.get(end.saturating_add(1)..)?))
}

#[cfg(test)]
mod tests;
