//! The settings of signing in with an identity provider: which one, what we are called there, and which role its words give.
//! Owns their defaults, and that they belong together. Refuses to judge whose address it may be: the upstream guard does, when
//! the gateway starts.

use farthing_actors::domain::Role;

use super::catalogue::web_address;
use super::draft::{Draft, Given};
use super::fault::Problem;
use super::setting::Setting;

const ISSUER: Setting = Setting {
    key: "oidc.issuer",
    default: "none",
    example: "\"\"",
    unit: "",
    note: "The identity provider people may sign in with, exactly as its discovery document names itself. See docs/accounts.md.",
};
const CLIENT_ID: Setting = Setting {
    key: "oidc.client_id",
    default: "none",
    example: "\"\"",
    unit: "",
    note: "What this gateway is called there. Its secret, if it has one, is OIDC_CLIENT_SECRET.",
};
const SCOPES: Setting = Setting {
    key: "oidc.scopes",
    default: "openid profile email",
    example: "\"openid profile email\"",
    unit: "",
    note: "What is asked for, separated by spaces; openid is among it.",
};
const ROLE_CLAIM: Setting = Setting {
    key: "oidc.role_claim",
    default: "groups",
    example: "\"groups\"",
    unit: "",
    note: "The claim that tells the role: a text or a list of them. Dots lead into objects, as in realm_access.roles.",
};
const ROLES: Setting = Setting {
    key: "oidc.roles",
    default: "none",
    example: "{}",
    unit: "value = role",
    note: "Which role the claim's values give, such as { \"gateway-admins\" = \"admin\" }; of several the highest.",
};
const DEFAULT_ROLE: Setting = Setting {
    key: "oidc.default_role",
    default: "none",
    example: "\"\"",
    unit: "owner, admin, operator, auditor, viewer",
    note: "The role of whoever the claim gives none. None: they are not let in.",
};
const LABEL: Setting = Setting {
    key: "oidc.label",
    default: "Sign in with single sign-on",
    example: "\"Sign in with single sign-on\"",
    unit: "",
    note: "What the button on the sign-in page says.",
};

/// The settings of this section.
pub(super) const SETTINGS: &[&Setting] = &[&ISSUER, &CLIENT_ID, &SCOPES, &ROLE_CLAIM, &ROLES, &DEFAULT_ROLE, &LABEL];

/// Who may sign in by another's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcConfig {
    /// The identity provider; `None` for nobody.
    pub issuer: Option<String>,
    /// Our name there; empty without an issuer.
    pub client_id: String,
    /// What is asked for.
    pub scopes: String,
    /// The claim that tells the role.
    pub role_claim: String,
    /// What role its values give.
    pub roles: Vec<(String, Role)>,
    /// What everybody else is.
    pub default_role: Option<Role>,
    /// What the button says.
    pub label: String,
}

impl Default for OidcConfig {
    fn default() -> Self {
        Self {
            issuer: None,
            client_id: String::new(),
            scopes: SCOPES.default.to_owned(),
            role_claim: ROLE_CLAIM.default.to_owned(),
            roles: Vec::new(),
            default_role: None,
            label: LABEL.default.to_owned(),
        }
    }
}

impl OidcConfig {
    pub(super) fn take(draft: &mut Draft) -> Self {
        let (default, at) = (Self::default(), draft.place_of(&ISSUER));
        let text = |given: &Given| given.text().map(str::to_owned);
        let taken = Self {
            issuer: draft.take(&ISSUER, default.issuer, web_address),
            client_id: draft.take(&CLIENT_ID, default.client_id, |given| {
                if given.is_empty() { Ok(String::new()) } else { text(given) }
            }),
            scopes: draft.take(&SCOPES, default.scopes, scopes),
            role_claim: draft.take(&ROLE_CLAIM, default.role_claim, text),
            roles: draft.take_table(&ROLES, entries, |value, name| Ok((value.to_owned(), role(name)?))),
            default_role: draft.take(&DEFAULT_ROLE, None, optional_role),
            label: draft.take(&LABEL, default.label, text),
        };
        if taken.issuer.is_some() {
            taken.lacks().into_iter().for_each(|lack| draft.note(at.clone(), lack));
        }
        taken
    }

    /// What `values` of the claim make of somebody: the highest of the roles they give.
    pub fn role_of(&self, values: &[&str]) -> Option<Role> {
        let given = self.roles.iter().filter(|(value, _)| values.contains(&value.as_str()));
        given.map(|(_, role)| *role).min().or(self.default_role)
    }

    /// What an issuer is of no use without.
    fn lacks(&self) -> Vec<Problem> {
        let mut lacks = Vec::new();
        if self.client_id.is_empty() {
            lacks.push(Problem::new("oidc.client_id is not set", "set it to what the provider calls this gateway"));
        }
        if self.roles.is_empty() && self.default_role.is_none() {
            lacks.push(Problem::new("nobody would get a role", "set oidc.roles or oidc.default_role"));
        }
        lacks
    }
}

fn scopes(given: &Given) -> Result<String, Problem> {
    let text = given.text()?;
    let asks = text.split(' ').any(|scope| scope == "openid");
    if asks { Ok(text.to_owned()) } else { Err(Problem::new("openid is not among it", "add openid")) }
}

fn optional_role(given: &Given) -> Result<Option<Role>, Problem> {
    if given.is_empty() { Ok(None) } else { role(given.text()?).map(Some) }
}

fn role(name: &str) -> Result<Role, Problem> {
    let unknown = |_| Problem::new(format!("{name:?} is no role"), "write owner, admin, operator, auditor or viewer");
    name.parse().map_err(unknown)
}

/// The lines in the environment: `gateway-admins=admin, gateway=viewer`.
fn entries(given: &Given) -> Result<Vec<(String, String)>, Problem> {
    let split = |line: &str| {
        // A value may have an equals sign in it (`cn=admins`), a role has none.
        let hint = "write { \"gateway-admins\" = \"admin\" }, or gateway-admins=admin in the environment";
        let (value, role) = line.rsplit_once('=').ok_or_else(|| Problem::new(format!("{line:?} has no ="), hint))?;
        Ok((value.trim().to_owned(), role.trim().to_owned()))
    };
    given.list()?.into_iter().map(split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_roles_the_highest_counts_and_without_one_the_default() {
        let roles = [("ops", Role::Operator), ("admins", Role::Admin), ("all", Role::Viewer)];
        let roles = roles.map(|(value, role)| (value.to_owned(), role)).into();
        let config = OidcConfig { roles, ..OidcConfig::default() };
        assert_eq!(config.role_of(&["all", "ops", "other"]), Some(Role::Operator));
        assert_eq!(config.role_of(&["all", "admins"]), Some(Role::Admin));
        assert_eq!((config.role_of(&["Ops", "admin"]), config.role_of(&[])), (None, None));
        let config = OidcConfig { default_role: Some(Role::Viewer), ..config };
        assert_eq!((config.role_of(&["other"]), config.role_of(&["ops"])), (Some(Role::Viewer), Some(Role::Operator)));
    }
}
