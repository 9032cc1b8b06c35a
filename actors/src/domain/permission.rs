//! Permissions: what somebody may do at the management API, by name. Owns the names, and the former spellings that tokens
//! may still carry. Refuses to say who has them: that is the role's.

use std::fmt;
use std::str::FromStr;

use super::call::UnknownName;

macro_rules! permissions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $former:literal;)+) => {
        /// Something that somebody may do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission { $($(#[$doc])* $variant),+ }

        impl Permission {
            /// Every permission, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Its other spelling, which the scopes of tokens may have.
            pub const fn scope(self) -> &'static str {
                match self { $(Self::$variant => $former),+ }
            }
        }
    };
}

permissions! {
    /// See providers, models, projects, keys and their balances.
    ViewSettings = "can_view_settings", "settings:read";
    /// See what was called and what it cost.
    ViewUsage = "can_view_usage", "usage:read";
    /// See how the program is: actors, backups, settings.
    ViewSystem = "can_view_system", "system:read";
    /// See who has an account.
    ViewUsers = "can_view_users", "users:read";
    /// See who did what.
    ViewAudit = "can_view_audit", "audit:read";
    /// Make, change and revoke virtual keys.
    ManageKeys = "can_manage_keys", "keys:manage";
    /// Change projects, budgets and limits.
    ManageProjects = "can_manage_projects", "projects:manage";
    /// Open and close circuits by hand.
    ForceBreakers = "can_force_breakers", "breakers:force";
    /// Change providers and their keys.
    ManageProviders = "can_manage_providers", "providers:manage";
    /// Change deployments and prices.
    ManageModels = "can_manage_models", "models:manage";
    /// Book adjustments.
    ManageLedger = "can_manage_ledger", "ledger:manage";
    /// Make and revoke scoped tokens.
    ManageTokens = "can_manage_tokens", "tokens:manage";
    /// Make, check and remove backups.
    ManageBackups = "can_manage_backups", "backups:manage";
    /// Make, change and remove accounts below one's own role.
    ManageUsers = "can_manage_users", "users:manage";
    /// See and end other people's sessions.
    ManageSessions = "can_manage_sessions", "sessions:manage";
    /// Rotate the master key.
    ManageSecrets = "can_manage_secrets", "secrets:manage";
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Permission {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.iter().copied().find(|it| it.name() == text || it.scope() == text);
        found.ok_or_else(|| UnknownName::new(text, Self::ALL.iter().map(|it| it.name())))
    }
}

super::ids::serde_as_text!(Permission);

/// As it is written; what is read may have the other spelling.
impl schemars::JsonSchema for Permission {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Permission".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<_> = Self::ALL.iter().map(|it| it.name()).collect();
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read_and_one_is_written() {
        for permission in Permission::ALL {
            assert_eq!(permission.name().parse(), Ok(*permission));
            assert_eq!(permission.scope().parse(), Ok(*permission));
            assert!(permission.name().starts_with("can_"));
        }
        assert_eq!("settings:read".parse::<Permission>().map(|it| it.to_string()), Ok("can_view_settings".to_owned()));
        assert!("usage:write".parse::<Permission>().is_err());
    }
}
