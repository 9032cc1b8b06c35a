//! Scoped tokens for the management API. Owns who may be called what.
//! Refuses to remember one: a token is checked by its signature, and ends by its own time, with its maker, or when it is taken back.

use std::time::Duration;

use farthing_actors::domain::{Author, Timestamp, TokenId};

use super::{Admin, AdminError};
use crate::security::Maker;

/// What whoever bears the management token itself is called; nobody else may be.
pub const MANAGEMENT: &str = "management";

const MAX_NAME_CHARS: usize = 64;

/// A token that was issued.
#[derive(Debug)]
pub struct IssuedToken {
    /// The token; it is not kept.
    pub token: String,
    /// Its id.
    pub id: TokenId,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Admin {
    /// Issues a token for `name` that may do what `scopes` say, which the caller has checked, as long as its maker may.
    ///
    /// # Errors
    /// If the name or the lifetime cannot be used.
    pub async fn issue_token(
        &self,
        (name, scopes): (&str, &[String]),
        lifetime: Duration,
        (by, maker): (&Author, Maker),
    ) -> Result<IssuedToken, AdminError> {
        check_name(name)?;
        let now = self.parts.clock.now();
        let (token, claims) = self.parts.security.issue_token((name, maker), scopes, lifetime, now)?;
        let minutes = lifetime.as_secs() / 60;
        let event =
            by.does("token.create").about(name).and("scopes", scopes.join(" ")).and("duration_minutes", minutes);
        self.parts.audit.record(event.and("jti", claims.jti).and("token_id", self.parts.naming.of(&token))).await?;
        Ok(IssuedToken { token, id: claims.jti, expires_at: now.plus(lifetime) })
    }
}

fn check_name(name: &str) -> Result<(), AdminError> {
    if [MANAGEMENT, "system", "anonymous", "client"].contains(&name) || name.starts_with("user:") {
        return Err(AdminError::invalid("name", "is reserved: on record it would pass for somebody else"));
    }
    let fits = (1..=MAX_NAME_CHARS).contains(&name.chars().count());
    if !fits || name.trim() != name || name.chars().any(char::is_control) {
        let reason = format!("must be 1 to {MAX_NAME_CHARS} characters, without control characters or outer spaces");
        return Err(AdminError::invalid("name", reason));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_nobody_is_called_management() {
        for name in ["ci", "Grafana (read only)"] {
            assert!(check_name(name).is_ok(), "{name:?}");
        }
        for name in ["", "management", "system", "user:mia", " ci", "a\nb", &"x".repeat(65)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }
}
