//! Identities: a UUIDv7 in hex behind a prefix that says what it names (`req_018f…`).
//! Owns their making and their text form. Refuses a wrong prefix, so that a key's id never passes as a project's.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A text that is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id such as {0}018f3c5a7d2e7b1c9a4e5f60718293a4")]
pub struct MalformedId(pub &'static str);

/// Serialises a type by its `Display` and reads it back by its `FromStr`.
macro_rules! serde_as_text {
    ($name:ty) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use serde_as_text;

/// Describes a type that is a text on the wire, by the form of the text.
macro_rules! schema_of_text {
    ($name:ty, $pattern:expr) => {
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}
pub(crate) use schema_of_text;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The prefix of the text form.
            pub const PREFIX: &'static str = $prefix;

            /// A new id; ids made later sort later.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id of the given bits: for tests and stored rows.
            pub const fn from_u128(bits: u128) -> Self {
                Self(Uuid::from_u128(bits))
            }

            /// Its bits; the lowest 62 are random.
            pub const fn as_u128(self) -> u128 {
                self.0.as_u128()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;

            fn from_str(text: &str) -> Result<Self, MalformedId> {
                let hex = text.strip_prefix($prefix).filter(|hex| hex.len() == 32);
                let uuid = hex.and_then(|hex| Uuid::try_parse(hex).ok());
                uuid.map(Self).ok_or(MalformedId($prefix))
            }
        }

        serde_as_text!($name);
        schema_of_text!($name, concat!("^", $prefix, "[0-9a-fA-F]{32}$"));
    };
}

id!(
    /// One client request; also the identity of its hold and its ledger entry.
    RequestId, "req_"
);
id!(
    /// A virtual key.
    KeyId, "key_"
);
id!(
    /// A project.
    ProjectId, "prj_"
);
id!(
    /// A provider.
    ProviderId, "prv_"
);
id!(
    /// A deployment: one model at one provider.
    DeploymentId, "mdl_"
);
id!(
    /// A group of models.
    GroupId, "grp_"
);
id!(
    /// A version of a deployment's price.
    PriceId, "prc_"
);

id!(
    /// One run of an agent: the calls of one key that name the same run.
    RunId, "run_"
);
id!(
    /// An operator's change of what was charged.
    AdjustmentId, "adj_"
);
id!(
    /// An event of the audit trail.
    AuditId, "aud_"
);
id!(
    /// Something operators are told of by a webhook.
    AlertId, "alr_"
);
id!(
    /// A copy of the database.
    BackupId, "bkp_"
);
id!(
    /// An operator's account.
    UserId, "usr_"
);
id!(
    /// A sign-in, as lists show it; what its browser carries is another, secret one.
    SessionId, "ses_"
);

id!(
    /// A token that was issued, whatever for: the `jti` of a JWT, which has no prefix.
    TokenId, ""
);

/// Something a call is charged to: a key, a project above it, or a run. Text form: the id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The key that called.
    Key(KeyId),
    /// Its project, or one of that project's parents.
    Project(ProjectId),
    /// The run it says it is part of.
    Run(RunId),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(id) => fmt::Display::fmt(id, f),
            Self::Project(id) => fmt::Display::fmt(id, f),
            Self::Run(id) => fmt::Display::fmt(id, f),
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Scope {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let key = text.parse().map(Self::Key);
        key.or_else(|_| text.parse().map(Self::Run)).or_else(|_| text.parse().map(Self::Project))
    }
}

serde_as_text!(Scope);
schema_of_text!(Scope, "^(key|prj|run)_[0-9a-fA-F]{32}$");

/// Where a call may go: a deployment, and the provider it is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Callee {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Its provider.
    pub provider: ProviderId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_prefixes_are_kept_apart() {
        let id = KeyId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().parse::<ProjectId>(), Err(MalformedId("prj_")));
        assert_eq!(id.to_string().parse(), Ok(Scope::Key(id)));
        assert!("key_xyz".parse::<KeyId>().is_err());
    }

    #[test]
    fn later_ids_sort_later() {
        let ids: Vec<_> = (0..100).map(|_| RequestId::generate()).collect();
        assert!(ids.is_sorted());
    }
}
