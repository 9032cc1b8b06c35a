//! Tools: which of them the client runs itself, and what a provider puts around them.
//! Owns the list of those that are known: whatever else is offered may bring any number of tokens into the prompt. Refuses to
//! read what a tool takes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::dialect::members::{self, Member};

/// Types of tools that are described in the request, and run by the client.
const OWN: [&str; 2] = ["function", "custom"];
/// Types, by their beginning, that the client runs, and the provider describes.
const TAUGHT: [&str; 5] = ["bash_", "text_editor_", "memory_", "local_shell", "apply_patch"];
/// Members of one of Gemini's tools that are described in the request.
const GEMINI_OWN: [&str; 2] = ["functionDeclarations", "function_declarations"];
/// The tools, and members by which a provider is told to look things up, or to bring in what it has.
const MEMBERS: [&str; 10] = [
    "tools",
    "web_search_options",
    "search_parameters",
    "search_settings",
    "enable_search",
    "plugins",
    "mcp_servers",
    "container",
    "data_sources",
    "compound_custom",
];
/// What such a member says that is not used.
const UNUSED: [&str; 2] = ["false", "[]"];
/// Parts of the names of models that look things up unasked.
const SEARCHERS: [&str; 6] = [":online", "compound", "search-preview", "search-api", "deep-research", "sonar"];

/// What a provider says to a model that has tools, at most: Anthropic takes up to 804 tokens (guide to pricing, 2026-10).
const AROUND: u64 = 1_024;
/// How it describes one of [`TAUGHT`], at most: 700 tokens (the same).
const TAUGHT_MOST: u64 = 1_024;

/// What tools bring into the prompt.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Tools {
    /// Whether that may be any number of tokens.
    pub(super) unseen: bool,
    /// Else the most that is not in the request.
    pub(super) aside: u64,
}

/// A tool whose kind is its type; one without is Anthropic's way of saying `custom`.
#[derive(Deserialize)]
struct Typed {
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// Of a body whose tools have types.
pub(super) fn typed(body: &[u8]) -> Tools {
    let text = String::from_utf8_lossy(body);
    let Ok(object) = members::read(&text, &MEMBERS) else { return Tools::default() };
    let twice = object.duplicate.is_some();
    let [tools, lookups @ ..] = object.present();
    let is_used = |member: &Member<'_>| !UNUSED.contains(&member.text);
    let looks_up = lookups.iter().flatten().any(is_used);
    let tools = tools.map_or_else(Tools::default, |tools| Tools::of(tools, typed_ones));
    Tools { unseen: tools.unseen || looks_up || twice, ..tools }
}

/// Of one of Gemini's bodies, whose tools are objects of members.
pub(super) fn gemini(body: &[u8]) -> Tools {
    let text = String::from_utf8_lossy(body);
    let Ok(object) = members::read(&text, &["tools"]) else { return Tools::default() };
    let twice = object.duplicate.is_some();
    let [tools] = object.present();
    let tools = tools.map_or_else(Tools::default, |tools| Tools::of(tools, geminis_ones));
    Tools { unseen: tools.unseen || twice, ..tools }
}

/// Whether a model of this name looks things up unasked.
pub fn looks_up(model: &str) -> bool {
    SEARCHERS.iter().any(|part| model.contains(part))
}

impl Tools {
    /// Of a list that `told` reads: how many of its tools the provider describes, or `None` where it may run one.
    fn of(list: Member<'_>, told: fn(&str) -> Option<u64>) -> Self {
        if UNUSED.contains(&list.text) {
            return Self::default();
        }
        let taught = told(list.text);
        Self { unseen: taught.is_none(), aside: taught.unwrap_or(0).saturating_mul(TAUGHT_MOST).saturating_add(AROUND) }
    }
}

fn typed_ones(list: &str) -> Option<u64> {
    let tools: Vec<Typed> = serde_json::from_str(list).ok()?;
    let mut taught = 0_u64;
    for kind in tools.iter().filter_map(|tool| tool.kind.as_deref()) {
        let is_taught = TAUGHT.iter().any(|known| kind.starts_with(known));
        if !is_taught && !OWN.contains(&kind) {
            return None;
        }
        taught = taught.saturating_add(u64::from(is_taught));
    }
    Some(taught)
}

fn geminis_ones(list: &str) -> Option<u64> {
    let tools: Vec<BTreeMap<String, IgnoredAny>> = serde_json::from_str(list).ok()?;
    tools.iter().flat_map(BTreeMap::keys).all(|name| GEMINI_OWN.contains(&name.as_str())).then_some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Tools = Tools { unseen: false, aside: 0 };
    const UNSEEN: Tools = Tools { unseen: true, aside: AROUND };

    fn offering(tools: &str) -> Tools {
        typed(format!(r#"{{"model":"m","tools":{tools}}}"#).as_bytes())
    }

    #[test]
    fn a_tool_that_is_not_known_may_bring_anything() {
        for tool in [
            r#"{"type":"web_search_20250305","name":"web_search"}"#,
            r#"{"type":"x_search"}"#,
            r#"{"type":"collections_search"}"#,
            r#"{"type":"browser_search"}"#,
            r#"{"type":"openrouter:web_search"}"#,
            r#"{"type":"shell"}"#,
            r#"{"type":"mcp","server_url":"https://example.com"}"#,
            r#"{"type":"invented tomorrow"}"#,
            r#"{"type":7}"#,
            "7",
        ] {
            assert_eq!(offering(&format!(r#"[{{"type":"function"}},{tool}]"#)), UNSEEN, "{tool}");
        }
        assert_eq!(offering(r#"{"type":"function"}"#), UNSEEN, "not a list");
        assert!(typed(br#"{"tools":[{"type":"shell"}],"tools":[]}"#).unseen, "whichever of them is obeyed");
    }

    #[test]
    fn the_clients_own_tools_bring_what_is_said_around_them() {
        assert_eq!(offering("null"), NOTHING);
        assert_eq!(offering("[]"), NOTHING);
        let own = Tools { unseen: false, aside: AROUND };
        for tools in [
            r#"[{"type":"function","function":{"name":"web_search","parameters":{"type":"shell"}}}]"#,
            r#"[{"name":"f","input_schema":{"type":"object"}},{"type":"custom","name":"g"}]"#,
        ] {
            assert_eq!(offering(tools), own, "{tools}");
        }
        let taught = offering(r#"[{"type":"bash_20250124","name":"bash"},{"type":"text_editor_20250728"}]"#);
        assert_eq!(taught, Tools { unseen: false, aside: AROUND + 2 * TAUGHT_MOST });
    }

    #[test]
    fn members_that_have_things_looked_up_are_seen_at_the_top_alone() {
        for member in MEMBERS.iter().skip(1) {
            assert!(typed(format!(r#"{{"{member}":{{}}}}"#).as_bytes()).unseen, "{member}");
            for unused in ["null", "false", "[]"] {
                assert_eq!(typed(format!(r#"{{"{member}":{unused}}}"#).as_bytes()), NOTHING, "{member}: {unused}");
            }
        }
        let schema = r#"[{"type":"function","function":{"parameters":{"properties":{"container":{},"plugins":{}}}}}]"#;
        assert!(!offering(schema).unseen);
    }

    #[test]
    fn of_geminis_tools_only_functions_are_the_clients() {
        for member in ["googleSearch", "google_maps", "urlContext", "codeExecution", "fileSearch", "computerUse", "new"]
        {
            let body = format!(r#"{{"tools":[{{"functionDeclarations":[]}},{{"{member}":{{}}}}]}}"#);
            assert_eq!(gemini(body.as_bytes()), UNSEEN, "{member}");
        }
        let own = br#"{"tools":[{"functionDeclarations":[{"name":"googleSearch"}]},{"function_declarations":[]}]}"#;
        assert_eq!(gemini(own), Tools { unseen: false, aside: AROUND });
        assert_eq!(gemini(br#"{"contents":[]}"#), NOTHING);
    }

    #[test]
    fn models_that_search_are_known_by_their_names() {
        for model in
            ["openai/gpt-5:online", "groq/compound-mini", "gpt-4o-search-preview", "o3-deep-research", "sonar-pro"]
        {
            assert!(looks_up(model), "{model}");
        }
        assert!(!looks_up("gpt-4o-mini") && !looks_up("claude-sonnet-5"));
    }
}
