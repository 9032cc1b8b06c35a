//! `/api/keys/{id}/tokens`: short-lived tokens of a key, for browsers. Owns their shape.
//! Refuses to list them: none is kept.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::{Allowed, KeyId, TokenId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::admin::key_tokens::KeyTokenDraft;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{ManageKeys, Operator};
use crate::web::manage::body::read_or_default;
use crate::web::manage::tokens::RevokedToken;
use crate::web::manage::{id, rfc3339};

/// A quarter of an hour.
const USUAL_SECONDS: u64 = 900;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKeyToken {
    expires_in_seconds: Option<u64>,
    allowed_models: Option<Allowed>,
    max_requests: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct KeyTokenView {
    /// The token, in this answer and nowhere else.
    token: String,
    /// By which it is taken back.
    id: TokenId,
    key: KeyId,
    expires_at: String,
}

/// POST `/api/keys/{id}/tokens`.
pub async fn create(
    operator: Operator<ManageKeys>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: NewKeyToken = read_or_default(&request, payload).await?;
    let lifetime = Duration::from_secs(body.expires_in_seconds.unwrap_or(USUAL_SECONDS));
    let draft = KeyTokenDraft { lifetime, models: body.allowed_models, max_requests: body.max_requests };
    let key = id("key", &path)?;
    let issued = gateway.admin.issue_key_token(key, draft, &operator.author).await?;
    let expires_at = rfc3339(issued.expires_at);
    Ok(HttpResponse::Created().json(KeyTokenView { token: issued.token, id: issued.id, key, expires_at }))
}

/// DELETE `/api/keys/{id}/tokens/{jti}`: it is accepted no more.
pub async fn revoke(
    operator: Operator<ManageKeys>,
    gateway: web::Data<Gateway>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (key, token) = path.into_inner();
    let new = gateway.admin.revoke_key_token(id("key", &key)?, id("token", &token)?, &operator.author).await?;
    Ok(HttpResponse::Ok().json(RevokedToken::new(new)))
}
