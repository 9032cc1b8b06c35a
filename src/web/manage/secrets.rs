//! `/api/system/secrets`: which master key everything is sealed under, and its change. Owns the shape.
//! Refuses to show a key: their ids say nothing about them.

use actix_web::{HttpResponse, web};
use schemars::JsonSchema;
use serde::Serialize;

use crate::admin::secrets::{Progress, SecretsStatus};
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{ManageSecrets, Operator};

/// The status as the API and the command line tell it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SecretsView {
    key_id: String,
    previous: Vec<String>,
    rows: RowsView,
    /// `done`, `running` or `needed`.
    state: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct RowsView {
    providers: ProgressView,
    answers: ProgressView,
    kept_keys: ProgressView,
}

/// All there is, and how much of it is sealed under the present key.
#[derive(Debug, Serialize, JsonSchema)]
struct ProgressView {
    total: i64,
    current: i64,
}

/// GET `/api/system/secrets`.
pub async fn show(_: Operator<ManageSecrets>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    let status = gateway.admin.secrets_status().await?;
    Ok(HttpResponse::Ok().json(SecretsView::from(&status)))
}

/// POST `/api/system/secrets/rotate`: reads the settings again, and has everything sealed anew under the master key they
/// give. Answers at once; the work goes on, also after a restart.
pub async fn rotate(operator: Operator<ManageSecrets>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    let status = gateway.admin.rotate_secrets(&operator.author).await?;
    Ok(HttpResponse::Accepted().json(SecretsView::from(&status)))
}

impl From<&SecretsStatus> for SecretsView {
    fn from(status: &SecretsStatus) -> Self {
        let rows = |Progress { total, current }: Progress| ProgressView { total, current };
        Self {
            key_id: status.key_id.to_string(),
            previous: status.previous.iter().map(ToString::to_string).collect(),
            rows: RowsView {
                providers: rows(status.providers),
                answers: rows(status.answers),
                kept_keys: rows(status.kept_keys),
            },
            state: status.state.name(),
        }
    }
}
