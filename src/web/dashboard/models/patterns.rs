//! Patterns on the page of models: where names go that nobody has set up. Owns how a destination reads. They are settings: the
//! page shows them and changes none.

use farthing_actors::domain::Pattern;
use farthing_actors::domain::pattern::Destination;

/// One pattern.
pub(super) struct PatternRow {
    pub(super) pattern: String,
    pub(super) kind: String,
    pub(super) to: String,
}

impl From<&Pattern> for PatternRow {
    fn from(pattern: &Pattern) -> Self {
        let to = match &pattern.to {
            Destination::Any(name) => name.to_string(),
            Destination::Model(name) => format!("the model {name}"),
            Destination::Provider(name) => format!("the provider {name}"),
        };
        Self { pattern: pattern.text.to_string(), kind: pattern.kind.to_string(), to }
    }
}
