//! The list that comes with the program: `data/prices.toml`. Owns its form. Refuses a line without source and date, an
//! unknown member, and a model listed twice.

use farthing_actors::domain::{Price, ProviderKind};
use serde::Deserialize;

use super::{ListError, Listing, PriceList};

/// The list.
pub(super) const TEXT: &str = include_str!("../../data/prices.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    models: Vec<Line>,
}

/// One model: what it is called, what it costs, and who says so.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    kind: ProviderKind,
    id: String,
    /// Other names at the same price.
    #[serde(default)]
    aliases: Vec<String>,
    /// Snapshots of it that cost something else.
    #[serde(default)]
    except: Vec<String>,
    context: Option<u64>,
    output: Option<u64>,
    price: Price,
    /// Where the figures are from.
    source: String,
    /// When that source said so, as a day.
    checked: String,
}

/// Reads the list.
///
/// # Errors
/// What is wrong with it first.
pub(super) fn read(text: &str) -> Result<PriceList, ListError> {
    let file: File = toml::from_str(text).map_err(|error| ListError(error.to_string()))?;
    let mut list = PriceList::default();
    for line in file.models {
        if line.source.is_empty() || line.checked.parse::<jiff::civil::Date>().is_err() {
            return Err(ListError(format!("{} has no source or no day", line.id)));
        }
        list.excepted.extend(line.except.into_iter().map(|name| (line.kind, name)));
        let listing = Listing { price: line.price, context_window: line.context, max_output_tokens: line.output };
        for name in std::iter::once(&line.id).chain(&line.aliases) {
            if !list.add(line.kind, name, listing.clone()) {
                return Err(ListError(format!("{name} is listed twice")));
            }
        }
    }
    Ok(list)
}
