//! The settings of the fetched price list: where it is, and how often it is fetched.
//! Owns their defaults. Refuses to judge whose address it may be: the upstream guard does, when the gateway starts.

use std::time::Duration;

use super::draft::{Draft, Given};
use super::fault::Problem;
use super::setting::Setting;

const URL: Setting = Setting {
    key: "catalogue.url",
    default: "https://models.dev/api.json",
    example: "\"https://models.dev/api.json\"",
    unit: "",
    note: "Where a list of prices in models.dev's form is fetched. Empty: nowhere, and only the bundled list is used.",
};
const REFRESH_HOURS: Setting = Setting {
    key: "catalogue.refresh_hours",
    default: "24",
    example: "24",
    unit: "hours",
    note: "How long after a fetch the next one comes, 1 to 8760. The first one comes with the start.",
};

/// The settings of this section.
pub(super) const SETTINGS: &[&Setting] = &[&URL, &REFRESH_HOURS];

const HOUR: u64 = 3_600;

/// Where prices are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueConfig {
    /// The list's address; `None` to fetch nothing.
    pub url: Option<String>,
    /// How long after a fetch the next one comes.
    pub refresh_every: Duration,
}

impl Default for CatalogueConfig {
    fn default() -> Self {
        Self { url: Some(URL.default.to_owned()), refresh_every: Duration::from_secs(24 * HOUR) }
    }
}

impl CatalogueConfig {
    pub(super) fn take(draft: &mut Draft) -> Self {
        let default = Self::default();
        Self {
            url: draft.take(&URL, default.url, web_address),
            refresh_every: draft.take(&REFRESH_HOURS, default.refresh_every, |given| {
                given.number(1..=8_760).map(|hours| Duration::from_secs(hours * HOUR))
            }),
        }
    }
}

/// An address of the web; nothing where the text is empty.
pub(super) fn web_address(given: &Given) -> Result<Option<String>, Problem> {
    if given.is_empty() {
        return Ok(None);
    }
    let text = given.text()?;
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    if rest.is_none_or(|rest| rest.is_empty() || rest.contains(char::is_whitespace)) {
        let what = format!("{text:?} is not an address");
        return Err(Problem::new(what, "write it as \"https://host/path\", or \"\" for none"));
    }
    Ok(Some(text.to_owned()))
}
