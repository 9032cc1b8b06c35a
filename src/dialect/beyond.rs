//! What a request refers to beyond its words: pictures, files, caches, tools that the provider runs.
//! Owns finding them in a body without reading it into values. A quotation mark inside a text is escaped, so that a name in
//! quotation marks is a member or a whole value. Refuses to follow anything, and to trust a tool it does not know.

mod tools;

use std::ops::Range;

use memchr::{memchr, memmem};

use super::unescaped::unescaped;
pub use tools::looks_up;

/// Types of parts that bring into the prompt what cannot be measured here.
const UNSEEN: [&[u8]; 7] =
    [b"web_search", b"web_fetch", b"file_search", b"code_interpreter", b"code_execution", b"computer", b"mcp\""];
/// Types that are, or may be, files.
const FILES: [&[u8]; 5] = [b"file\"", b"input_file\"", b"input_image\"", b"document\"", b"document_url\""];
/// Where such a file is named, or stands as base64 that is taken for a PDF.
const NAMED: [&[u8]; 4] = [br#""file_id""#, br#""file_url""#, br#""file_data""#, br#""document_url""#];
/// Types that are pictures.
const PICTURES: [&[u8]; 3] = [b"image_url\"", b"input_image\"", b"image\""];
/// What Gemini keeps, by the names of members.
const GEMINI_KEPT: [&[u8]; 4] = [br#""cachedContent""#, br#""cached_content""#, br#""fileUri""#, br#""file_uri""#];
/// What says that a file is one whose pages are counted: a page may take thousands of tokens and be a few bytes long.
const PAGED: [&[u8]; 2] = [br#""application/pdf""#, br#""data:application/pdf"#];
/// How far from its bytes a picture says that it is one.
const NEAR: usize = 160;

/// What there is beyond a request's words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Beyond {
    /// Whether something may add any number of tokens to the prompt.
    pub unseen: bool,
    /// Tokens that the provider may put around the tools, at most.
    pub aside: u64,
    /// Pictures, here or elsewhere.
    pub pictures: u64,
    /// Where the bytes of those stand that are here, in order.
    pub inline: Vec<Range<usize>>,
}

impl Beyond {
    /// Of a body whose parts and tools have types.
    pub(super) fn typed(body: &[u8]) -> Self {
        let plain = &*unescaped(body);
        let tools = tools::typed(plain);
        let mut beyond = Self { unseen: tools.unseen, aside: tools.aside, ..Self::default() };
        let (mut file, mut document, mut url) = (false, false, false);
        for at in memmem::find_iter(plain, br#""type""#) {
            let Some(kind) = value(plain, at + br#""type""#.len()) else { continue };
            let is = |kinds: &[&[u8]]| kinds.iter().any(|known| kind.starts_with(known));
            beyond.unseen |= is(&UNSEEN);
            beyond.pictures += u64::from(is(&PICTURES));
            file |= is(&FILES);
            document |= kind.starts_with(b"document\"");
            url |= kind.starts_with(b"url\"");
        }
        let any = |words: &[&[u8]]| words.iter().any(|word| memmem::find(plain, word).is_some());
        beyond.unseen |= (document && url) || (file && (any(&NAMED) || any(&PAGED)));
        if beyond.pictures > 0 {
            beyond.inline = inline(body);
        }
        beyond
    }

    /// Of one of Gemini's.
    pub(super) fn gemini(body: &[u8]) -> Self {
        let plain = &*unescaped(body);
        let tools = tools::gemini(plain);
        let kept = GEMINI_KEPT.iter().chain(&PAGED).any(|name| memmem::find(plain, name).is_some());
        let inline = if memmem::find(body, b"image/").is_some() { inline(body) } else { Vec::new() };
        let pictures = u64::try_from(inline.len()).unwrap_or(u64::MAX);
        Self { unseen: kept || tools.unseen, aside: tools.aside, pictures, inline }
    }
}

/// What follows the opening quotation mark of the string that is the value of the member whose name ends at `at`.
fn value(body: &[u8], at: usize) -> Option<&[u8]> {
    body.get(at..)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")
}

/// Where pictures stand in base64. What is not surely one is left to be taken for text, which is dearer.
fn inline(body: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for name in [br#""data""#.as_slice(), br#""url""#, br#""image_url""#] {
        for at in memmem::find_iter(body, name) {
            let Some(text) = value(body, at + name.len()) else { continue };
            let start = body.len() - text.len();
            let end = start + memchr(b'"', text).unwrap_or(text.len());
            if is_picture(body, start..end) {
                found.push(start..end);
            }
        }
    }
    found.sort_unstable_by_key(|range| range.start);
    found
}

fn is_picture(body: &[u8], at: Range<usize>) -> bool {
    let Some(text) = body.get(at.clone()) else { return false };
    let (head, bytes) = match memmem::find(text, b";base64,").filter(|_| text.starts_with(b"data:")) {
        Some(comma) => text.split_at_checked(comma + b";base64,".len()).unwrap_or((b"", text)),
        None => (b"".as_slice(), text),
    };
    let says = |near: Option<&[u8]>| near.is_some_and(|near| memmem::find(near, b"\"image/").is_some());
    let said = if head.is_empty() {
        says(body.get(at.start.saturating_sub(NEAR)..at.start)) || says(body.get(at.end..body.len().min(at.end + NEAR)))
    } else {
        head.starts_with(b"data:image/")
    };
    said && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(body: &str) -> (bool, u64, Vec<&str>) {
        let beyond = Beyond::typed(body.as_bytes());
        (beyond.unseen, beyond.pictures, beyond.inline.into_iter().filter_map(|at| body.get(at)).collect())
    }

    #[test]
    fn files_and_hosted_tools_are_seen_to_be_unseen() {
        for body in [
            r#"{"content":[{"type":"file","file":{"file_id":"file-1"}}]}"#,
            r#"{"input":[{"type" : "input_file","file_url":"https://example.com/a.pdf"}]}"#,
            r#"{"source":{"type":"file","file_id":"f"}}"#,
            r#"[{"type":"document","source":{"type":"url","url":"https://example.com/a.pdf"}}]"#,
            r#"{"tools":[{"type":"web_search_20250305","name":"web_search"}]}"#,
            r#"{"tools":[{"type":"mcp","server_url":"https://example.com"}]}"#,
            r#"[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"aGk="}}]"#,
            r#"[{"type":"document","source":{"type":"base64","media_type":"application\/pdf","data":"aGk="}}]"#,
            r#"[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,aGk="}}]"#,
            r#"[{"type":"file","file":{"file_data":"aGk="}}]"#,
            r#"[{"type":"document_url","document_url":"https://example.com/a.pdf"}]"#,
        ] {
            assert!(typed(body).0, "{body}");
        }
        assert!(Beyond::gemini(br#"{"inlineData":{"data":"aGk=","mimeType":"application/pdf"}}"#).unseen);
        for member in ["cachedContent", "fileUri"] {
            assert!(Beyond::gemini(format!(r#"{{"{member}":"x"}}"#).as_bytes()).unseen, "{member}");
        }
    }

    #[test]
    fn no_escape_hides_anything() {
        for body in [
            r#"{"tools":[{"type":"web_search"}]}"#,
            r#"{"source":{"type":"file","file_id":"f"}}"#,
            r#"[{"type":"document","source":{"type":"url","url":"https://example.com/a.pdf"}}]"#,
            r#"[{"type":"document","source":{"media_type":"application/pdf","data":"aGk="}}]"#,
            r#"[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]"#,
        ] {
            for hidden in escaped(body) {
                assert_eq!(typed(&hidden), typed(body), "{hidden}");
            }
        }
        for body in [r#"{"cachedContent":"x"}"#, r#"{"tools":[{"googleSearch":{}}]}"#] {
            for hidden in escaped(body) {
                assert!(Beyond::gemini(hidden.as_bytes()).unseen, "{hidden}");
            }
        }
    }

    /// The body with one letter or stroke after another written as an escape, and with all of them.
    fn escaped(body: &str) -> Vec<String> {
        let can = |letter: char| letter.is_ascii_alphanumeric() || "/_.".contains(letter);
        let write =
            |letter: char| if can(letter) { format!("\\u{:04X}", u32::from(letter)) } else { letter.to_string() };
        let one = |at: usize| {
            body.chars()
                .enumerate()
                .map(|(place, letter)| if place == at { write(letter) } else { letter.to_string() })
                .collect()
        };
        (0..body.len()).map(one).chain([body.chars().map(write).collect()]).collect()
    }

    #[test]
    fn words_and_the_clients_own_tools_are_not() {
        for body in [
            r#"{"content":"a \"type\":\"web_search\" and \"file_id\" in words"}"#,
            r#"{"tools":[{"type":"function","name":"web_search","parameters":{"properties":{"file_id":{"type":"string"}}}}]}"#,
            r#"{"type":"text","text":"mcp"}"#,
        ] {
            assert_eq!(typed(body), (false, 0, vec![]), "{body}");
        }
    }

    #[test]
    fn pictures_are_counted_and_their_bytes_found() {
        let chat = r#"[{"type":"image_url","image_url":{"url": "data:image/png;base64,iVBO+/=="}},{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]"#;
        assert_eq!(typed(chat), (false, 2, vec!["data:image/png;base64,iVBO+/=="]));
        let claude = r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aGk="}}"#;
        assert_eq!(typed(claude), (false, 1, vec!["aGk="]));
        let gemini = br#"{"inlineData":{"data":"aGk=","mimeType":"image/png"}}"#;
        assert_eq!(Beyond::gemini(gemini).inline.first(), Some(&(23..27)));
        for (body, pictures) in [
            (r#"[{"type":"image_url","image_url":{"url":"data:image/png;base64,not base64"}}]"#, 1),
            (r#"[{"type":"text","text":"data:image/png;base64,aGk="}]"#, 0),
            (
                r#"[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"see application/pdf"}}]"#,
                0,
            ),
        ] {
            assert_eq!(typed(body), (false, pictures, vec![]), "{body}");
        }
    }
}
