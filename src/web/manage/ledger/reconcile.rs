//! `/api/ledger/reconcile`: a provider's export beside the books. The body is the export itself; what it is, is in the
//! query. Owns the bounds. Refuses to book anything.

use actix_web::{HttpRequest, HttpResponse, web};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::admin::reconcile::{Comparison, Layout};
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::body;
use crate::web::extract::operator::{Operator, ReadUsage};
use crate::web::manage::list::query;

/// A year of a busy provider by model and key.
const MAX_BYTES: usize = 16 * 1024 * 1024;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReconcileQuery {
    format: String,
    provider: String,
    project: Option<String>,
}

/// POST `/api/ledger/reconcile`.
pub async fn compare(
    _: Operator<ReadUsage>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let ReconcileQuery { format, provider, project } = query(&request)?;
    let layout = match format.as_str() {
        "openai" => Layout::Openai,
        "anthropic" => Layout::Anthropic,
        "gemini" => Layout::Gemini,
        "csv" => Layout::Csv,
        _ => {
            let allowed = "format must be openai, anthropic, gemini or csv";
            return Err(Problem::new(Code::InvalidValue, allowed).at("format"));
        }
    };
    let export = body::read(&request, payload, MAX_BYTES).await?;
    let export = String::from_utf8(export.to_vec());
    let export = export.map_err(|_| Problem::new(Code::InvalidValue, "export is not UTF-8 text").at("export"))?;
    let found = gateway.admin.reconcile(Comparison { layout, provider, project, export }).await?;
    Ok(HttpResponse::Ok().json(found))
}
