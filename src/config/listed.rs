//! What is set, for operators to see: every setting with its value and where that comes from.
//! Refuses secrets: of those there is only whether they are given, and where.

use super::fault::Place;
use super::secrets;
use super::setting::Setting;
use super::sources::Variables;

/// What stands for a secret.
const HIDDEN: &str = "****";

/// One setting as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name, such as `server.listen`, or that of the secret's variable.
    pub key: &'static str,
    /// What was given; `None` where the default holds.
    pub value: Option<String>,
    /// Its default in words.
    pub default: &'static str,
    /// `file`, `environment` or `default`.
    pub source: &'static str,
    /// Whether its value is never shown.
    pub is_secret: bool,
}

impl Listed {
    /// A setting that was given as `value` at `place`, or was not.
    pub(super) fn new(setting: &Setting, given: Option<(String, &Place)>) -> Self {
        let (value, place) = given.unzip();
        Self { key: setting.key, value, default: setting.default, source: source(place), is_secret: false }
    }
}

/// The secrets.
pub(super) fn of_secrets(variables: &Variables) -> impl Iterator<Item = Listed> {
    secrets::NAMES.into_iter().map(|key| {
        let place = variables.get(key).map(|variable| &variable.place);
        let value = place.map(|_| HIDDEN.to_owned());
        Listed { key, value, default: "none", source: source(place), is_secret: true }
    })
}

fn source(place: Option<&Place>) -> &'static str {
    match place {
        Some(Place::File(_)) => "file",
        Some(Place::Environment) => "environment",
        None => "default",
    }
}
