//! Names: what people may call a project, a key, a provider or a model.
//! Owns the rule, so that every owner refuses the same names for the same reason.

/// Longest name, in characters.
const MAX_CHARS: usize = 128;

/// What is wrong with `name`; `None` if nothing is.
pub fn fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("must not be empty")
    } else if name.chars().count() > MAX_CHARS {
        Some("must not be longer than 128 characters")
    } else if name.trim() != name {
        Some("must not begin or end with a space")
    } else if name.chars().any(char::is_control) {
        Some("must not contain control characters")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_pass_and_the_others_say_why() {
        for name in ["team-a", "Équipe 1", "meta-llama/Llama-3.1:70b", &"x".repeat(128)] {
            assert_eq!(fault(name), None, "{name:?}");
        }
        for name in ["", " a", "a ", "a\nb", "\u{7f}", &"x".repeat(129)] {
            assert!(fault(name).is_some(), "{name:?}");
        }
    }
}
