//! A source file as the rules see it: its code with comments, texts and test items blanked out, line for line.
//! Owns the little lexer. Refuses a parser: what brackets and words can tell is enough for these rules.

/// One file.
pub(crate) struct Source {
    /// Relative to the repository.
    pub(crate) path: String,
    /// As it is.
    pub(crate) text: String,
    /// Without comments, the contents of texts, and test items; lines and columns stay.
    pub(crate) code: String,
    /// Whether the whole file is a test.
    pub(crate) is_test: bool,
    /// Inline test modules: the line each begins on and how many it has.
    pub(crate) test_modules: Vec<(usize, usize)>,
}

/// A function of the code.
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    pub(crate) line: usize,
    pub(crate) arguments: usize,
    /// Lines between its braces; none if it has no body.
    pub(crate) body: usize,
}

// What only tests see: the items of this crate's own tests, and those of the feature that lends them to other crates.
const TEST_ITEMS: &[&str] =
    &["#[cfg(test)]", "#[cfg(feature = \"testing\")]", "#[cfg(any(test, feature = \"testing\"))]"];

impl Source {
    pub(crate) fn read(path: &str, text: &str) -> Self {
        let mut code = blanked(text);
        let mut test_modules = Vec::new();
        while let Some((start, mark)) = test_item(&code, text) {
            let end = item_end(&code, start + mark.len());
            let item = code[start..end].to_owned();
            if item.contains("mod ") && item.ends_with('}') {
                test_modules.push((line_at(&code, start), item.lines().count()));
            }
            code.replace_range(start..end, &spaces(&item));
        }
        let is_test = path.ends_with("/tests.rs") || path.contains("/tests/") || path.starts_with("tests/");
        Self { path: path.to_owned(), text: text.to_owned(), code, is_test, test_modules }
    }

    /// Lines of the file that are not inside an inline test module.
    pub(crate) fn lines(&self) -> usize {
        let tests: usize = self.test_modules.iter().map(|(_, lines)| lines).sum();
        self.text.lines().count() - tests
    }

    pub(crate) fn line_at(&self, offset: usize) -> usize {
        line_at(&self.code, offset)
    }

    /// Every named function outside tests.
    pub(crate) fn functions(&self) -> Vec<Function<'_>> {
        words(&self.code)
            .filter(|(_, word)| *word == "fn")
            .filter_map(|(offset, _)| function(&self.code, offset + 2))
            .collect()
    }
}

/// The words (identifiers and keywords) of code, with their offsets.
pub(crate) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + code[rest..].find(is_word)?;
        let length = code[start..].find(|c| !is_word(c)).unwrap_or(code.len() - start);
        rest = start + length;
        Some((start, &code[start..rest]))
    })
}

// Found in the code, so that a comment does not count; read in the text, where the feature's name still stands.
fn test_item(code: &str, text: &str) -> Option<(usize, &'static str)> {
    let marks = |start: usize| TEST_ITEMS.iter().find(|mark| text[start..].starts_with(**mark));
    code.match_indices("#[cfg(").find_map(|(start, _)| marks(start).map(|mark| (start, *mark)))
}

fn function(code: &str, after_fn: usize) -> Option<Function<'_>> {
    let rest = &code[after_fn..];
    if !rest.starts_with(' ') {
        return None; // a pointer type: fn(u32)
    }
    let (offset, name) = words(rest).next()?;
    if rest[..offset].trim() != "" {
        return None; // a macro's fragment: fn $name
    }
    let open = offset + name.len() + find_at_depth(&rest[offset + name.len()..], "(")?;
    let close = open + matching(&rest[open..])?;
    let arguments = arguments(&rest[open + 1..close]);
    let end = close + find_at_depth(&rest[close + 1..], "{;")? + 1;
    let body = match rest[end..].starts_with('{') {
        true => rest[end..=end + matching(&rest[end..])?].lines().count().saturating_sub(2),
        false => 0,
    };
    Some(Function { name, line: line_at(code, after_fn), arguments, body })
}

fn arguments(list: &str) -> usize {
    let mut count = 0;
    let mut rest = list;
    while let Some(comma) = find_at_depth(rest, ",") {
        count += usize::from(!rest[..comma].trim().is_empty());
        rest = &rest[comma + 1..];
    }
    count + usize::from(!rest.trim().is_empty())
}

// The offset of the first of `wanted` outside all brackets, angle brackets included.
fn find_at_depth(code: &str, wanted: &str) -> Option<usize> {
    let (mut depth, mut last) = (0_i32, ' ');
    for (offset, c) in code.char_indices() {
        if depth == 0 && wanted.contains(c) {
            return Some(offset);
        }
        let arrow = c == '>' && (last == '-' || last == '=');
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' | '>' if !arrow => depth -= 1,
            _ => {}
        }
        last = c;
    }
    None
}

// The offset of the bracket that closes the one `code` begins with.
fn matching(code: &str) -> Option<usize> {
    let mut depth = 0_i32;
    for (offset, c) in code.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(offset);
        }
    }
    None
}

// Where the item after an attribute ends: at its semicolon, or at its closing brace.
fn item_end(code: &str, after: usize) -> usize {
    let mut start = after;
    while code[start..].trim_start().starts_with("#[") {
        let bracket = start + code[start..].find('[').unwrap_or(0);
        start = bracket + matching(&code[bracket..]).unwrap_or(0) + 1;
    }
    let Some(stop) = code[start..].find(['{', ';']).map(|offset| start + offset) else { return code.len() };
    match code[stop..].starts_with(';') {
        true => stop + 1,
        false => stop + matching(&code[stop..]).unwrap_or(code.len() - stop - 1) + 1,
    }
}

fn line_at(code: &str, offset: usize) -> usize {
    code[..offset].matches('\n').count() + 1
}

fn spaces(text: &str) -> String {
    text.chars()
        .flat_map(|c| std::iter::repeat_n(if c == '\n' { '\n' } else { ' ' }, if c == '\n' { 1 } else { c.len_utf8() }))
        .collect()
}

// The text with comments and the contents of texts and characters turned to spaces, byte for byte.
fn blanked(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (kept, length) = token(rest, code.chars().next_back());
        let (token, after) = rest.split_at(length);
        code.push_str(&if kept { token.to_owned() } else { spaces(token) });
        rest = after;
    }
    code
}

// The length of the next token, and whether it is code.
fn token(rest: &str, before: Option<char>) -> (bool, usize) {
    let first = rest.chars().next().map_or(1, char::len_utf8);
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with("//") {
        return (false, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (false, block_comment(rest));
    }
    if !in_word && let Some(length) = raw_text(rest) {
        return (false, length);
    }
    match rest.chars().next() {
        Some('"') => (false, quoted(rest, '"')),
        Some('\'') if is_character(rest) => (false, quoted(rest, '\'')),
        _ => (true, first),
    }
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(offset) = rest[at..].find(['/', '*']) {
        at += offset;
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

// r"…", r#"…"#, br"…"
fn raw_text(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    if !after[hashes..].starts_with('"') {
        return None;
    }
    let open = rest.len() - after.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(rest[open..].find(&end).map_or(rest.len(), |offset| open + offset + end.len()))
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (offset, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return offset + 1,
            _ => {}
        }
    }
    rest.len()
}

// A character, not a lifetime.
fn is_character(rest: &str) -> bool {
    let mut next = rest.chars().skip(1);
    match next.next() {
        Some('\\') => true,
        Some(_) => next.next() == Some('\''),
        None => false,
    }
}
