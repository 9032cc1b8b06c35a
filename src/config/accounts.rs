//! Accounts: providers whose usual variable is set, so that they need not be registered by hand.
//! Owns the variables' names. Refuses to judge a key: the provider does.

use farthing_actors::domain::{ProviderKind, Secret};

use super::sources::Variables;

/// The usual variable of each vendor's own tools.
const KEYS: [(&str, ProviderKind); 9] = [
    ("OPENAI_API_KEY", ProviderKind::Openai),
    ("ANTHROPIC_API_KEY", ProviderKind::Anthropic),
    ("GEMINI_API_KEY", ProviderKind::Gemini),
    ("DEEPSEEK_API_KEY", ProviderKind::Deepseek),
    ("XAI_API_KEY", ProviderKind::Xai),
    ("MISTRAL_API_KEY", ProviderKind::Mistral),
    ("GROQ_API_KEY", ProviderKind::Groq),
    ("MOONSHOT_API_KEY", ProviderKind::Moonshot),
    ("OPENROUTER_API_KEY", ProviderKind::Openrouter),
];
/// Where Ollama listens: a URL, or a host with or without a port, as its own tools take it.
const OLLAMA: &str = "OLLAMA_HOST";
const OLLAMA_PORT: u16 = 11_434;

/// A provider that the environment knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Which kind; also its name.
    pub kind: ProviderKind,
    /// The variable it was found in.
    pub variable: &'static str,
    /// Its key, if it has one.
    pub api_key: Option<Secret>,
    /// Its address, where the variable says it.
    pub base_url: Option<String>,
}

/// Every account whose variable is set and not empty.
pub(super) fn found(variables: &Variables) -> Vec<Account> {
    let text = |name| variables.get(name).map(|variable| variable.text.trim()).filter(|text| !text.is_empty());
    let keys = KEYS.into_iter().filter_map(|(variable, kind)| {
        let api_key = Some(Secret::new(text(variable)?.to_owned()));
        Some(Account { kind, variable, api_key, base_url: None })
    });
    let ollama = text(OLLAMA).map(|host| Account {
        kind: ProviderKind::Ollama,
        variable: OLLAMA,
        api_key: None,
        base_url: Some(ollama_url(host)),
    });
    keys.chain(ollama).collect()
}

/// The address to call, which is not always the one to listen at.
fn ollama_url(host: &str) -> String {
    let reached = host.trim_end_matches('/').replace("0.0.0.0", "127.0.0.1");
    match reached.contains("://") {
        true => format!("{reached}/v1"),
        false if reached.contains(':') => format!("http://{reached}/v1"),
        false => format!("http://{reached}:{OLLAMA_PORT}/v1"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ollamas_host_is_read_as_its_own_tools_do() {
        for (host, url) in [
            ("127.0.0.1", "http://127.0.0.1:11434/v1"),
            ("0.0.0.0:8000", "http://127.0.0.1:8000/v1"),
            ("https://ollama.example/", "https://ollama.example/v1"),
        ] {
            assert_eq!(ollama_url(host), url);
        }
    }
}
