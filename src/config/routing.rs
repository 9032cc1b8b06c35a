//! The settings of routing: where a request goes whose model nobody has set up.
//! Owns the two spellings of the list: a table in the file, one line of text in the environment.

use farthing_actors::domain::{Pattern, Patterns};

use super::draft::{Draft, Given};
use super::fault::Problem;
use super::setting::Setting;

const MODEL_ROUTING: Setting = Setting {
    key: "routing.model_routing",
    default: "none",
    example: "{}",
    unit: "pattern = destination",
    note: "Where models go that are not set up, such as { \"llama-*\" = \"ollama\" }: a pattern, and a model, a group or a \
           provider. Read again on SIGHUP. See docs/routing.md.",
};

/// The settings of this section.
pub(super) const SETTINGS: &[&Setting] = &[&MODEL_ROUTING];

/// Where requests go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoutingConfig {
    /// By the look of the model's name.
    pub patterns: Patterns,
}

impl RoutingConfig {
    /// The setting that a running gateway reads again.
    pub const PATTERNS: &str = MODEL_ROUTING.key;

    pub(super) fn take(draft: &mut Draft) -> Self {
        let lines = draft.take_table(&MODEL_ROUTING, entries, |name, to| Pattern::new(name, to).map_err(malformed));
        Self { patterns: Patterns::new(lines) }
    }
}

/// The lines in the environment: `llama-*=ollama, gpt-*=openai`.
fn entries(given: &Given) -> Result<Vec<(String, String)>, Problem> {
    let split = |line: &str| {
        let (name, to) = line.split_once('=').ok_or_else(|| malformed(format!("{line:?} has no =")))?;
        Ok((name.trim().to_owned(), to.trim().to_owned()))
    };
    given.list()?.into_iter().map(split).collect()
}

fn malformed(what: String) -> Problem {
    Problem::new(what, "write { \"llama-*\" = \"ollama\" }, or llama-*=ollama,gpt-*=openai in the environment")
}
