//! Tags: which version of a thing somebody has seen. Owns what a version is: the fields that somebody can set, so what is
//! spent changes none. Refuses a change that was meant for another version; two such changes cannot both be made, because
//! the comparison is made where changes wait for one another.

use std::fmt;

use farthing_actors::domain::Author;
use farthing_actors::keyring::ring::{AuthorizedKey, Project};
use farthing_actors::registry::catalogue::{Deployment, Provider};
use farthing_actors::registry::group::Group;
use farthing_actors::sessions::User;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::AdminError;
use super::credits::Credit;

/// Bytes of the hash that are shown.
const LENGTH: usize = 16;

/// A version, as a strong entity tag; its text form has the quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Etag(String);

/// Something with versions.
pub trait Tagged {
    /// This version.
    fn etag(&self) -> Etag;
}

impl Etag {
    fn of(fields: &Value) -> Self {
        let hash = Sha256::digest(fields.to_string());
        let hex: String = hash.iter().take(LENGTH).map(|byte| format!("{byte:02x}")).collect();
        Self(format!("\"{hex}\""))
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks that the present version is one that the request is about; any is, where it names none.
///
/// # Errors
/// [`AdminError::Changed`] if it is not.
pub(super) fn expect(by: &Author, present: &Etag) -> Result<(), AdminError> {
    match by.origin.expects.as_deref() {
        Some(wanted) if !admits(wanted, present) => Err(AdminError::Changed),
        _ => Ok(()),
    }
}

/// Whether a list of tags has this one. Weak tags are none of ours.
fn admits(wanted: &str, present: &Etag) -> bool {
    wanted.split(',').map(str::trim).any(|tag| tag == "*" || tag == present.0)
}

impl Tagged for Project {
    fn etag(&self) -> Etag {
        Etag::of(&json!([
            self.name,
            self.parent,
            self.budget,
            self.limits,
            self.allowed_models,
            self.response_cache,
            self.deactivated_at,
        ]))
    }
}

impl Tagged for AuthorizedKey {
    fn etag(&self) -> Etag {
        let key = &self.key;
        Etag::of(&json!([
            key.name,
            key.prefix,
            key.budget,
            key.limits,
            key.allowed_models,
            key.allowed_endpoints,
            key.allowed_parameters,
            key.max_requests,
            key.run_limit,
            key.expires_at,
            key.revoked_at,
        ]))
    }
}

/// A password is not compared, but every change moves `updated_at`.
impl Tagged for User {
    fn etag(&self) -> Etag {
        Etag::of(&json!([self.name, self.display_name, self.role, self.projects, self.disabled_at, self.updated_at]))
    }
}

impl Tagged for Deployment {
    fn etag(&self) -> Etag {
        Etag::of(&json!([
            self.name,
            self.provider,
            self.upstream_model,
            self.weight,
            self.priority,
            self.dialects,
            self.max_output_tokens,
            self.context_window,
            self.price.as_deref().map(|(id, _)| *id),
            self.upcoming.as_deref().map(|version| version.id),
        ]))
    }
}

impl Tagged for Group {
    fn etag(&self) -> Etag {
        // A group is changed as a whole, and says when that was.
        Etag::of(&json!([
            self.id,
            self.name,
            self.strategy,
            self.classifier,
            self.targets,
            self.shadows,
            self.updated_at
        ]))
    }
}

/// A provider and what was paid to it. Its key is not compared, but every change moves `updated_at`.
impl Tagged for (&Provider, Option<&Credit>) {
    fn etag(&self) -> Etag {
        let (provider, credit) = self;
        Etag::of(&json!([
            provider.name,
            provider.base_url,
            provider.allow_private_network,
            provider.enabled,
            provider.timeouts,
            provider.updated_at,
            credit.map(|credit| (credit.set, credit.low)),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_tags_admits_what_is_on_it() {
        let present = Etag::of(&json!(["a"]));
        let text = present.to_string();
        assert_eq!(text.len(), 2 + 2 * LENGTH);
        for wanted in [&text, "*", &format!("\"other\", {text}")] {
            assert!(admits(wanted, &present), "{wanted}");
        }
        for wanted in ["", "\"other\"", &format!("W/{text}"), text.trim_matches('"')] {
            assert!(!admits(wanted, &present), "{wanted}");
        }
        assert_ne!(present, Etag::of(&json!(["b"])));
    }
}
