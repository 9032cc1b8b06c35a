//! SKUs of the Gemini API: which model and which class of tokens a line of Google's bill is about, by its words.
//! Owns the words that are known. Refuses to guess: a line with any other word is not understood.
//!
//! The forms, as bills of 2025 and 2026 have them: `Generate content cached input token count gemini 2.5 flash input short
//! text`, `GenerateContent text output token count for Gemini 2.0 Flash`, `Generate_content text input token count for
//! gemini 3 pro short`, `EmbedContent input token count for gemini-embedding-001`.

/// A class of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Of the prompt, not read from a cache.
    Input,
    /// Of the prompt, read from a cache.
    Cached,
    /// Generated.
    Output,
}

/// What a SKU is about. Its model is spelled as the API does, without what comes after its family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sku {
    /// Such as `gemini-2.5-flash-lite`.
    pub(super) model: String,
    /// What is counted.
    pub(super) class: Class,
}

const COUNT: &str = "token count";
/// The words of a family, behind the version.
const FAMILY: [&str; 6] = ["pro", "flash", "lite", "ultra", "nano", "preview"];
/// The words behind a model that alter nothing but the price.
const PRICED: [&str; 14] = [
    "short",
    "long",
    "text",
    "input",
    "output",
    "image",
    "audio",
    "video",
    "thinking",
    "non-thinking",
    "flex",
    "priority",
    "batch",
    "standard",
];
/// The words of what is served from a cache.
const CACHED: [&str; 2] = ["cached", "caching"];

impl Sku {
    /// The SKU with this description; `None` if it is not about tokens of a model.
    pub(super) fn read(description: &str) -> Option<Self> {
        let words = description.to_lowercase().replace('_', " ");
        let (what, of) = words.split_once(COUNT)?;
        let mut rest = of.split_whitespace().skip_while(|word| !word.starts_with("gemini"));
        let mut model = rest.next()?.to_owned();
        let mut rest = rest.peekable();
        while let Some(word) = rest.next_if(|word| FAMILY.contains(word) || is_version(word)) {
            model = format!("{model}-{word}");
        }
        let named = model.contains('-');
        let behind: Vec<&str> = rest.collect();
        Some(Self { class: class(what, &behind).filter(|_| named)?, model })
    }
}

fn is_version(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn class(what: &str, behind: &[&str]) -> Option<Class> {
    let known = |word: &&str| PRICED.contains(word) || CACHED.contains(word);
    if !behind.iter().all(known) {
        return None;
    }
    let what: Vec<&str> = what.split_whitespace().collect();
    let cached = what.iter().chain(behind).any(|word| CACHED.contains(word));
    match (what.contains(&"input"), what.contains(&"output")) {
        (true, false) if cached => Some(Class::Cached),
        (true, false) => Some(Class::Input),
        (false, true) => Some(Class::Output),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_bill_say_model_and_class() {
        for (description, model, class) in [
            ("Generate content input token count gemini 2.5 flash short input text", "gemini-2.5-flash", Class::Input),
            ("Generate content input token count Gemini 2.5 Pro long input text", "gemini-2.5-pro", Class::Input),
            (
                "Generate content cached input token count gemini 2.5 flash input audio",
                "gemini-2.5-flash",
                Class::Cached,
            ),
            ("Generate content input token count gemini 3.5 flash flex caching", "gemini-3.5-flash", Class::Cached),
            ("Generate_content text cached input token count for gemini 3 pro short", "gemini-3-pro", Class::Cached),
            (
                "Generate content output token count gemini 2.5 flash lite short output text non-thinking",
                "gemini-2.5-flash-lite",
                Class::Output,
            ),
            // Google's own slip: the output of a short input.
            (
                "Generate content output token count gemini 2.5 flash short input text",
                "gemini-2.5-flash",
                Class::Output,
            ),
            ("GenerateContent image input token count for Gemini 2.0 Flash", "gemini-2.0-flash", Class::Input),
            (
                "Generate content output token count gemini 3.1 flash lite preview text",
                "gemini-3.1-flash-lite-preview",
                Class::Output,
            ),
            ("EmbedContent input token count for gemini-embedding-001", "gemini-embedding-001", Class::Input),
            ("EmbedContent input token count for gemini-embedding-2 text", "gemini-embedding-2", Class::Input),
        ] {
            assert_eq!(Sku::read(description), Some(Sku { model: model.to_owned(), class }), "{description}");
        }
        for description in [
            "Generate content output token count gemini 2.5 flash native audio",
            "Cached content storage token hours gemini 2.5 flash",
            "Grounding with Google Search",
            "Generate content input token count",
            "Generate content token count gemini 2.5 flash",
            "",
        ] {
            assert_eq!(Sku::read(description), None, "{description}");
        }
    }
}
