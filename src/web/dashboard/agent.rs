//! Programs: what a User-Agent says in two or three words. Owns the names of well-known browsers and systems. Refuses to hide the
//! whole: it always stands beside the short form.

/// What tells a browser, the more particular first, and what people call it.
const BROWSERS: [(&str, &str); 7] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
];
/// The same of systems: Android says Linux too, and telephones of Apple's say Mac OS X.
const SYSTEMS: [(&str, &str); 6] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// `Firefox 140 on Linux`; of a program that is no browser the first word, such as `curl/8.5`.
pub(super) fn short(agent: &str) -> String {
    let first = agent.split_whitespace().next().unwrap_or("unknown");
    if !first.starts_with("Mozilla/") {
        return first.to_owned();
    }
    let Some(browser) = BROWSERS.iter().find_map(|(mark, name)| Some(format!("{name}{}", version(agent, mark)?)))
    else {
        return first.to_owned();
    };
    let system = SYSTEMS.iter().find(|(mark, _)| agent.contains(mark));
    system.map_or_else(|| browser.clone(), |(_, name)| format!("{browser} on {name}"))
}

/// A blank and the digits behind `mark`, if it is there.
fn version(agent: &str, mark: &str) -> Option<String> {
    let (_, rest) = agent.split_once(mark)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).take(4).collect();
    Some(if digits.is_empty() { digits } else { format!(" {digits}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_known_and_others_keep_their_name() {
        let mozilla = |rest: &str| short(&format!("Mozilla/5.0 {rest}"));
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (said, expected) in [
            (
                mozilla(&format!("(X11; Linux x86_64) {webkit} HeadlessChrome/148.0.0.0 Safari/537.36")),
                "Chrome 148 on Linux",
            ),
            (
                mozilla(&format!("(Windows NT 10.0) {webkit} Chrome/120.0 Safari/537.36 Edg/120.0")),
                "Edge 120 on Windows",
            ),
            (
                mozilla("(Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0"),
                "Firefox 140 on macOS",
            ),
            (
                mozilla("(iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile Safari/604.1"),
                "Safari 17 on iOS",
            ),
            (mozilla("(something else)"), "Mozilla/5.0"),
            (short("curl/8.5.0 (x)"), "curl/8.5.0"),
            (short(""), "unknown"),
        ] {
            assert_eq!(said, expected);
        }
    }
}
