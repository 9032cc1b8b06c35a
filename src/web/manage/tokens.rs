//! `/api/tokens`: scoped tokens for the management API. Owns their shape, and which scopes a token may carry.
//! Refuses the scope that makes tokens: a token that could make tokens would have no end.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::body::read;
use super::rfc3339;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::operator::{ManageTokens, Operator, Permission, SCOPES};

const HOUR: Duration = Duration::from_secs(60 * 60);
const USUAL_HOURS: u32 = 24;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    name: String,
    scopes: Vec<String>,
    expires_in_hours: Option<u32>,
}

#[derive(Serialize)]
struct TokenView {
    token: String,
    name: String,
    scopes: Vec<String>,
    expires_at: String,
}

/// POST `/api/tokens`.
pub async fn create(
    operator: Operator<ManageTokens>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: NewToken = read(&request, payload).await?;
    check_scopes(&body.scopes)?;
    let lifetime = HOUR.saturating_mul(body.expires_in_hours.unwrap_or(USUAL_HOURS));
    let issued = gateway.admin.issue_token((&body.name, &body.scopes), lifetime, &operator.author).await?;
    let expires_at = rfc3339(issued.expires_at);
    Ok(HttpResponse::Created().json(TokenView {
        token: issued.token,
        name: body.name,
        scopes: body.scopes,
        expires_at,
    }))
}

fn check_scopes(scopes: &[String]) -> Result<(), Problem> {
    let grantable = |scope: &&str| *scope != ManageTokens::NAME;
    let known = |scope: &String| SCOPES.iter().filter(|known| grantable(known)).any(|known| known == scope);
    if !scopes.is_empty() && scopes.iter().all(known) {
        return Ok(());
    }
    let choice: Vec<_> = SCOPES.iter().copied().filter(grantable).collect();
    let message = format!("scopes must be one or more of {}", choice.join(", "));
    Err(Problem::new(Code::InvalidValue, message).at("scopes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_carries_known_scopes_and_cannot_make_tokens() {
        let check = |scopes: &[&str]| check_scopes(&scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>());
        assert!(check(&["usage:read", "settings:read"]).is_ok());
        for scopes in [&[][..], &["tokens:manage"], &["usage:read", "usage:write"]] {
            let refused = check(scopes).unwrap_err();
            assert!(refused.message.contains("usage:read") && !refused.message.contains("tokens:manage"), "{refused}");
        }
    }
}
