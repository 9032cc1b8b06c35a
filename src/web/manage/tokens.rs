//! `/api/tokens`: scoped tokens for the management API. Owns their shape, and which scopes a token may carry.
//! Refuses the scope that makes tokens: a token that could make tokens would have no end.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::Permission;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::read;
use super::rfc3339;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::operator::{ManageTokens, Operator};

const HOUR: Duration = Duration::from_secs(60 * 60);
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
    let scopes = names_of(&body.scopes)?;
    let lifetime = HOUR.saturating_mul(body.expires_in_hours.unwrap_or(USUAL_HOURS));
    let issued = gateway.admin.issue_token((&body.name, &scopes), lifetime, &operator.author).await?;
    let expires_at = rfc3339(issued.expires_at);
    Ok(HttpResponse::Created().json(TokenView { token: issued.token, name: body.name, scopes, expires_at }))
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
