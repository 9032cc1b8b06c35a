//! Patterns: where a request goes whose model nobody has set up, by the look of its name.
//! Owns their order (exact, longest prefix, glob, default) and what matches. Refuses to know what there is: a destination is
//! a name until somebody looks it up.

use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::name;

/// Which of the four kinds a pattern is, in the order they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PatternKind {
    /// A whole name.
    Exact,
    /// The beginning of a name: one star, at the end.
    Prefix,
    /// Stars and question marks anywhere.
    Glob,
    /// A star alone: whatever is left.
    Default,
}

/// Where a pattern leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A model or group of this name, else a provider.
    Any(Arc<str>),
    /// A model or group.
    Model(Arc<str>),
    /// A provider, which is asked for the model by the name the client used.
    Provider(Arc<str>),
}

/// One line of `routing.model_routing`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// As it is written.
    pub text: Arc<str>,
    /// What it is.
    pub kind: PatternKind,
    /// Where it leads.
    pub to: Destination,
}

/// All of them, in the order they are tried. Clones are one list: when it is replaced, every holder sees the new one.
#[derive(Debug, Clone, Default)]
pub struct Patterns(Arc<ArcSwap<Vec<Pattern>>>);

impl Pattern {
    /// The pattern `text` that leads to `to`.
    ///
    /// # Errors
    /// What is wrong with either.
    pub fn new(text: &str, to: &str) -> Result<Self, String> {
        for (what, text) in [("the pattern", text), ("the destination", to)] {
            if let Some(fault) = name::fault(text) {
                return Err(format!("{what} {fault}"));
            }
        }
        Ok(Self { kind: kind(text), text: text.into(), to: Destination::of(to) })
    }

    /// Whether it matches `model`.
    pub fn matches(&self, model: &str) -> bool {
        match self.kind {
            PatternKind::Exact => *self.text == *model,
            PatternKind::Prefix => self.text.strip_suffix('*').is_some_and(|prefix| model.starts_with(prefix)),
            PatternKind::Glob => globs(&self.text, model),
            PatternKind::Default => true,
        }
    }

    /// Earlier ones are tried first: by kind, then the one that says more.
    fn rank(&self) -> (PatternKind, Reverse<usize>, &str) {
        let said = self.text.chars().filter(|character| !matches!(character, '*' | '?')).count();
        (self.kind, Reverse(said), &self.text)
    }
}

impl Patterns {
    /// These patterns, in order.
    pub fn new(mut patterns: Vec<Pattern>) -> Self {
        patterns.sort_by(|one, other| one.rank().cmp(&other.rank()));
        Self(Arc::new(ArcSwap::from_pointee(patterns)))
    }

    /// The first that matches `model`.
    pub fn find(&self, model: &str) -> Option<Pattern> {
        self.0.load().iter().find(|pattern| pattern.matches(model)).cloned()
    }

    /// Every pattern, in the order they are tried.
    pub fn all(&self) -> Arc<Vec<Pattern>> {
        self.0.load_full()
    }

    /// Takes the patterns of `others` instead of its own, for everybody who holds it.
    pub fn replace(&self, others: &Self) {
        self.0.store(others.all());
    }
}

impl PartialEq for Patterns {
    fn eq(&self, other: &Self) -> bool {
        self.all() == other.all()
    }
}

impl Eq for Patterns {}

impl Destination {
    /// Names hold colons, so only these two words before one mean anything.
    fn of(text: &str) -> Self {
        let named = |word: &str| text.strip_prefix(word).filter(|name| !name.is_empty());
        match (named("model:"), named("provider:")) {
            (Some(name), _) => Self::Model(name.into()),
            (_, Some(name)) => Self::Provider(name.into()),
            _ => Self::Any(text.into()),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Any(name) | Self::Model(name) | Self::Provider(name) => name,
        }
    }
}

impl fmt::Display for PatternKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::Prefix => "prefix",
            Self::Glob => "glob",
            Self::Default => "default",
        })
    }
}

fn kind(text: &str) -> PatternKind {
    match text.strip_suffix('*') {
        Some("") => PatternKind::Default,
        Some(rest) if !rest.contains(['*', '?']) => PatternKind::Prefix,
        _ if text.contains(['*', '?']) => PatternKind::Glob,
        _ => PatternKind::Exact,
    }
}

/// Whether `pattern` covers all of `text`: a star stands for any characters, a question mark for one. A star that took too little takes one more; only the last star need be tried again,
/// so the time is the product of the lengths at most.
pub(super) fn globs(pattern: &str, text: &str) -> bool {
    let (mut rest, mut left) = (pattern.chars(), text.chars());
    let mut star: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let (mut next, mut after) = (rest.clone(), left.clone());
        match (next.next(), after.next()) {
            (Some('*'), _) => {
                star = Some((next.clone(), left.clone()));
                rest = next;
                continue;
            }
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
                (rest, left) = (next, after);
                continue;
            }
            _ => {}
        }
        let Some((behind, mut taken)) = star.take() else { return false };
        if taken.next().is_none() {
            return false;
        }
        star = Some((behind.clone(), taken.clone()));
        (rest, left) = (behind, taken);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn patterns(list: &[(&str, &str)]) -> Patterns {
        Patterns::new(list.iter().map(|(text, to)| Pattern::new(text, to).unwrap()).collect())
    }

    #[test]
    fn exact_goes_before_the_longest_prefix_before_globs_before_the_default() {
        let all = patterns(&[("*", "d"), ("*-mini", "g"), ("gpt-*", "p"), ("gpt-4*", "q"), ("gpt-4-mini", "e")]);
        for (model, to) in [("gpt-4-mini", "e"), ("gpt-4o-mini", "q"), ("gpt-5", "p"), ("o3-mini", "g"), ("x", "d")] {
            assert_eq!(all.find(model).unwrap().to.name(), to, "{model}");
        }
        assert_eq!(patterns(&[("gpt-*", "p")]).find("llama"), None);
    }

    #[test]
    fn a_destination_says_what_it_is_or_leaves_it_open() {
        let to = |text| Pattern::new("x*", text).unwrap().to;
        assert_eq!(to("provider:ollama"), Destination::Provider("ollama".into()));
        assert_eq!(to("model:llama3:70b"), Destination::Model("llama3:70b".into()));
        assert_eq!(to("llama3:70b"), Destination::Any("llama3:70b".into()));
        assert!(Pattern::new("", "x").is_err() && Pattern::new("x", " ").is_err());
    }

    /// The same by its definition.
    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => (0..=text.len()).any(|taken| by_definition(rest, &text[taken..])),
            (Some((wanted, rest)), Some((found, left))) => {
                (*wanted == '?' || wanted == found) && by_definition(rest, left)
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn globs_match_what_their_definition_says(pattern in "[ab*?]{0,7}", text in "[abä]{0,9}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(globs(&pattern, &text), by_definition(&chars(&pattern), &chars(&text)));
        }
    }
}
