//! A verdict: what came of a test or a check, as a page for those who have no script. Owns how an answer with `ok` reads.
//! Refuses to know what was tested: its form says what the page is called.

use askama::Template;
use serde_json::Value;

use crate::web::dashboard::shell::Shell;
use crate::web::dashboard::shown;

#[derive(Template)]
#[template(path = "forms/verdict.html")]
pub(super) struct VerdictPage {
    shell: Shell,
    title: String,
    next: String,
    is_good: bool,
    faults: Vec<String>,
    facts: Vec<(String, String)>,
}

impl VerdictPage {
    /// The page called `title` about `said`; `None` if that is no verdict. It leads on to `next`.
    pub(super) fn new(shell: Shell, title: &str, next: &str, said: &Value) -> Option<Self> {
        let is_good = said.get("ok")?.as_bool()?;
        let (title, next) = (title.to_owned(), next.to_owned());
        Some(Self { shell, title, next, is_good, faults: faults(said), facts: facts(said) })
    }
}

/// The message of its error, and every fault of its list.
fn faults(said: &Value) -> Vec<String> {
    let error = said.pointer("/error/message").and_then(Value::as_str);
    let listed = said.get("faults").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    error.into_iter().chain(listed).map(str::to_owned).collect()
}

/// What else is said in a word or a number.
fn facts(said: &Value) -> Vec<(String, String)> {
    let fields = said.as_object().into_iter().flatten();
    let words = |name: &str| name.strip_suffix("_ms").unwrap_or(name).replace('_', " ");
    fields.filter_map(|(name, value)| Some((words(name), fact(name, value)?))).collect()
}

fn fact(name: &str, value: &Value) -> Option<String> {
    match value {
        Value::Number(number) if name.ends_with("_ms") => number.as_u64().map(shown::millis),
        Value::Number(number) => Some(number.as_u64().map_or_else(|| number.to_string(), shown::count)),
        Value::String(text) => Some(text.replace('_', " ")).filter(|_| name != "id"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_reads_as_what_it_says() {
        let good = json!({ "ok": true, "latency_ms": 1_234, "checked": "empty_request", "models": 2_000 });
        let pairs = |said| facts(said).into_iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>();
        let mut told = pairs(&good);
        told.sort();
        assert_eq!(told, ["checked: empty request", "latency: 1.2 s", "models: 2,000"]);
        assert!(faults(&good).is_empty());
        let bad = json!({ "id": "bak_1", "ok": false, "faults": ["one", "two"], "error": { "message": "zero" } });
        assert_eq!((faults(&bad), pairs(&bad)), (vec!["zero".into(), "one".into(), "two".into()], vec![]));
    }
}
