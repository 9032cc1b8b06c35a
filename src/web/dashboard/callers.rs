//! What the pages of projects and keys have in common: limits, models and states as words, and a budget's fields in a form.
//! Owns the words. Refuses to decide anything: what is in force is the keyring's.

use farthing_actors::domain::{Allowed, Budget, Limits};
use farthing_actors::keyring::ring::KeyState;

use super::shown;

/// The fields of limits as a form holds them.
#[derive(Debug, Default)]
pub(super) struct LimitFields {
    pub(super) rpm: String,
    pub(super) tpm: String,
    pub(super) concurrency: String,
    pub(super) is_shadow: bool,
}

/// The fields of a budget as a form holds them.
#[derive(Debug)]
pub(super) struct BudgetFields {
    pub(super) limit: String,
    pub(super) window: &'static str,
    pub(super) time_zone: String,
    pub(super) warn: String,
    pub(super) is_shadow: bool,
}

impl Default for BudgetFields {
    fn default() -> Self {
        let (limit, warn) = (String::new(), "80, 95, 100".to_owned());
        Self { limit, window: "month", time_zone: "UTC".to_owned(), warn, is_shadow: false }
    }
}

impl From<&Limits> for LimitFields {
    fn from(limits: &Limits) -> Self {
        let field = |limit: Option<u64>| limit.map(|limit| limit.to_string()).unwrap_or_default();
        Self {
            rpm: field(limits.rpm.map(u64::from)),
            tpm: field(limits.tpm),
            concurrency: field(limits.concurrency.map(u64::from)),
            is_shadow: !limits.mode.is_enforced(),
        }
    }
}

impl From<&Budget> for BudgetFields {
    fn from(budget: &Budget) -> Self {
        Self {
            limit: budget.limit_usd.to_string(),
            window: budget.window.name(),
            time_zone: budget.time_zone.to_string(),
            warn: budget.warn_percent.to_string().replace(',', ", "),
            is_shadow: !budget.is_enforced(),
        }
    }
}

/// `60 a minute, 100,000 tokens a minute, 20 at once`.
pub(super) fn limits(limits: &Limits) -> String {
    let parts = [
        limits.rpm.map(|rpm| format!("{} a minute", shown::count(rpm))),
        limits.tpm.map(|tpm| format!("{} tokens a minute", shown::count(tpm))),
        limits.concurrency.map(|calls| format!("{} at once", shown::count(calls))),
        (!limits.mode.is_enforced() && !limits.is_unlimited()).then(|| "not enforced".to_owned()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// `all`, or the patterns.
pub(super) fn models(allowed: &Allowed) -> String {
    if allowed.0.iter().any(|pattern| pattern == "*") { "all".to_owned() } else { allowed.0.join(", ") }
}

/// A key's state and how loud it is.
pub(super) fn state(state: KeyState) -> (&'static str, &'static str) {
    match state {
        KeyState::Active => ("active", "good"),
        KeyState::Revoked => ("revoked", "bad"),
        KeyState::Expired => ("expired", "fair"),
        KeyState::Inactive => ("project inactive", "fair"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_read_as_words() {
        let read = |json: &str| limits(&serde_json::from_str(json).unwrap());
        assert_eq!(read("{}"), "none");
        assert_eq!(read(r#"{"rpm":60,"tpm":100000}"#), "60 a minute, 100,000 tokens a minute");
        assert_eq!(read(r#"{"concurrency":2,"mode":"shadow"}"#), "2 at once, not enforced");
    }
}
