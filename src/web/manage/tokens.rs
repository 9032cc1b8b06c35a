//! `/api/tokens`: scoped tokens for the management API. Owns their shape, and which scopes a token may carry.
//! Refuses the scope that makes tokens: a token that could make tokens would have no end.

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::clock::HOUR;
use farthing_actors::domain::{Permission, TokenId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::read;
use super::{id, rfc3339};
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::operator::{ManageTokens, Operator};
use crate::web::extract::who::maker;

const USUAL_HOURS: u32 = 24;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    name: String,
    scopes: Vec<String>,
    expires_in_hours: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct TokenView {
    token: String,
    /// By which it is taken back.
    id: TokenId,
    name: String,
    scopes: Vec<String>,
    expires_at: String,
}

/// How many tokens were taken back; none, if it was already.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RevokedToken {
    revoked: usize,
}

/// POST `/api/tokens`.
pub async fn create(
    operator: Operator<ManageTokens>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: NewToken = read(&request, payload).await?;
    let scopes = names_of(&body.scopes)?;
    for scope in &scopes {
        scope.parse().map_or(Ok(()), |permission| operator.who.allow(permission))?;
    }
    let lifetime = HOUR.saturating_mul(body.expires_in_hours.unwrap_or(USUAL_HOURS));
    let maker = maker(&gateway, &request, &operator.who)?;
    let issued = gateway.admin.issue_token((&body.name, &scopes), lifetime, (&operator.author, maker)).await?;
    let expires_at = rfc3339(issued.expires_at);
    Ok(HttpResponse::Created().json(TokenView {
        token: issued.token,
        id: issued.id,
        name: body.name,
        scopes,
        expires_at,
    }))
}

/// DELETE `/api/tokens/{id}`: it is accepted no more. None is kept, so an id that was never given out is taken back as well.
pub async fn revoke(
    operator: Operator<ManageTokens>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let new = gateway.admin.revoke_token(id("token", &path)?, &operator.author).await?;
    Ok(HttpResponse::Ok().json(RevokedToken::new(new)))
}

impl RevokedToken {
    /// What one revocation did.
    pub(super) fn new(new: bool) -> Self {
        Self { revoked: usize::from(new) }
    }
}

/// The names of the permissions asked for, whichever spelling they came in.
fn names_of(scopes: &[String]) -> Result<Vec<String>, Problem> {
    let grantable = |permission: &Permission| *permission != Permission::ManageTokens;
    let read = |scope: &String| scope.parse().ok().filter(grantable).map(|permission| permission.name().to_owned());
    let names: Option<Vec<_>> = scopes.iter().map(read).collect();
    names.filter(|names| !names.is_empty()).ok_or_else(|| {
        let choice: Vec<_> = Permission::ALL.iter().filter(|it| grantable(it)).map(|it| it.name()).collect();
        Problem::new(Code::InvalidValue, format!("scopes must be one or more of {}", choice.join(", "))).at("scopes")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_carries_known_scopes_and_cannot_make_tokens() {
        let check = |scopes: &[&str]| names_of(&scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>());
        assert_eq!(check(&["usage:read", "can_view_settings"]).unwrap(), ["can_view_usage", "can_view_settings"]);
        for scopes in [&[][..], &["tokens:manage"], &["can_manage_tokens"], &["usage:read", "usage:write"]] {
            let refused = check(scopes).unwrap_err();
            assert!(refused.message.contains("can_view_usage"), "{refused}");
            assert!(!refused.message.contains("can_manage_tokens"), "{refused}");
        }
    }
}
