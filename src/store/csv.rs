//! CSV: a table as text (RFC 4180). Owns quoting. Refuses to let a cell be a formula: names come from clients, and
//! spreadsheets run what begins with an equals sign.

/// What a spreadsheet takes for the beginning of a formula; and what marks such a text, so that every mark can be taken away again.
const MARKED: &[char] = &['=', '+', '-', '@', '\t', '\r', '\n', '\''];

/// A line of cells, which are quoted already (see [`text`]) or need no quoting.
pub fn line(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<_> = cells.into_iter().collect();
    format!("{}\r\n", cells.join(","))
}

/// Somebody's words as a cell: quoted where they must be, behind an apostrophe where they would be a formula.
pub fn text(words: &str) -> String {
    let guard = if words.starts_with(MARKED) { "'" } else { "" };
    if words.contains([',', '"', '\n', '\r']) {
        return format!("\"{guard}{}\"", words.replace('"', "\"\""));
    }
    format!("{guard}{words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        for (words, cell) in [
            ("gpt-4o", "gpt-4o"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=1+1", "'=1+1"),
            ("@cmd", "'@cmd"),
            ("-2", "'-2"),
            ("+1,2", "\"'+1,2\""),
            ("\t=x", "'\t=x"),
            ("\nx", "\"'\nx\""),
            ("'=x", "''=x"),
            ("", ""),
        ] {
            assert_eq!(text(words), cell);
        }
        assert_eq!(line(["a".to_owned(), "b".to_owned()]), "a,b\r\n");
    }
}
