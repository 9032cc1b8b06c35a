//! `/v1/models` and `/v1beta/models`: the models a key may use, in OpenAI's shape, and in Anthropic's or Gemini's for clients
//! that say they are theirs. Owns the shapes. Refuses to tell a model that does not exist from one the key may not use.

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::Dialect;
use farthing_actors::registry::catalogue::{Candidate, Catalogue};
use serde_json::{Value, json};

use super::dialect_of_models;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::virtual_key::Caller;
use crate::web::manage::rfc3339;

/// The shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Openai,
    Anthropic,
    Gemini,
}

/// GET `/v1/models`.
pub async fn list(caller: Caller, gateway: web::Data<Gateway>, request: HttpRequest) -> HttpResponse {
    Shape::of(&request).list_for(&caller, &gateway)
}

/// GET `/v1/models/{id}`; ids may contain slashes.
///
/// # Errors
/// If there is no such model for this key.
pub async fn show(
    caller: Caller,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Shape::of(&request).show_to(&caller, &gateway, &path)
}

/// GET `/v1beta/models`.
pub async fn list_gemini(caller: Caller, gateway: web::Data<Gateway>) -> HttpResponse {
    Shape::Gemini.list_for(&caller, &gateway)
}

/// GET `/v1beta/models/{id}`.
///
/// # Errors
/// If there is no such model for this key.
pub async fn show_gemini(
    caller: Caller,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    Shape::Gemini.show_to(&caller, &gateway, &path)
}

/// The first candidate of every model that is admitted, in order of their names.
fn usable(catalogue: &Catalogue, admits: impl Fn(&str) -> bool) -> Vec<&Candidate> {
    let names = catalogue.models();
    names.iter().filter(|name| admits(name)).filter_map(|name| catalogue.candidates(name).first()).collect()
}

impl Shape {
    fn of(request: &HttpRequest) -> Self {
        match dialect_of_models(request) {
            Dialect::Anthropic => Self::Anthropic,
            Dialect::Gemini => Self::Gemini,
            Dialect::OpenaiChat | Dialect::OpenaiResponses => Self::Openai,
        }
    }

    fn list_for(self, caller: &Caller, gateway: &Gateway) -> HttpResponse {
        let catalogue = gateway.catalogue.get();
        let models = usable(&catalogue, |model| caller.0.admits(model));
        HttpResponse::Ok().json(self.list(&models))
    }

    fn show_to(self, caller: &Caller, gateway: &Gateway, model: &str) -> Result<HttpResponse, Problem> {
        let catalogue = gateway.catalogue.get();
        let first = catalogue.candidates(model).first().filter(|_| caller.0.admits(model));
        let missing = || Problem::new(Code::ModelNotFound, format!("the model {model:?} does not exist")).at("model");
        Ok(HttpResponse::Ok().json(self.model(first.ok_or_else(missing)?)))
    }

    fn model(self, candidate: &Candidate) -> Value {
        let (model, provider) = (&candidate.deployment, &candidate.provider);
        let (id, made) = (&*model.name, model.created_at);
        match self {
            Self::Openai => {
                json!({ "id": id, "object": "model", "created": made.0.div_euclid(1_000), "owned_by": provider.name })
            }
            Self::Anthropic => json!({ "type": "model", "id": id, "display_name": id, "created_at": rfc3339(made) }),
            Self::Gemini => json!({
                "name": format!("models/{id}"), "displayName": id, "version": "001",
                "inputTokenLimit": model.context_window, "outputTokenLimit": model.max_output_tokens,
                "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
            }),
        }
    }

    fn list(self, models: &[&Candidate]) -> Value {
        let data: Vec<_> = models.iter().map(|candidate| self.model(candidate)).collect();
        let id = |candidate: &&Candidate| candidate.deployment.name.to_string();
        match self {
            Self::Openai => json!({ "object": "list", "data": data }),
            Self::Gemini => json!({ "models": data }),
            Self::Anthropic => {
                let (first, last) = (models.first().map(id), models.last().map(id));
                json!({ "data": data, "has_more": false, "first_id": first, "last_id": last })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farthing_actors::domain::{DeploymentId, PriceSource, ProviderId, ProviderKind, Timeouts, Timestamp};
    use farthing_actors::registry::catalogue::{Deployment, Provider};

    fn catalogue(models: &[&str]) -> Catalogue {
        let provider = Provider {
            id: ProviderId::from_u128(1),
            name: "local".to_owned(),
            kind: ProviderKind::Sandbox,
            base_url: String::new(),
            api_key: None,
            allow_private_network: false,
            enabled: true,
            timeouts: Timeouts::default(),
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        };
        let deployment = |(at, name): (u128, &&str)| Deployment {
            id: DeploymentId::from_u128(at),
            name: (*name).into(),
            provider: provider.id,
            upstream_model: (*name).into(),
            weight: 1,
            priority: 0,
            dialects: vec![Dialect::OpenaiChat],
            max_output_tokens: None,
            context_window: None,
            price: None,
            price_source: PriceSource::Own,
            upcoming: None,
            created_at: Timestamp(2_500),
        };
        let deployments = (0..).zip(models).map(deployment).collect();
        Catalogue::new(vec![provider], deployments).unwrap()
    }

    #[test]
    fn both_shapes_list_only_what_is_admitted() {
        let catalogue = catalogue(&["b/2", "a", "secret"]);
        let models = usable(&catalogue, |model| model != "secret");
        let openai = json!({"object": "list", "data": [
            {"id": "a", "object": "model", "created": 2, "owned_by": "local"},
            {"id": "b/2", "object": "model", "created": 2, "owned_by": "local"}]});
        assert_eq!(Shape::Openai.list(&models), openai);
        let anthropic = Shape::Anthropic.list(&models);
        assert_eq!((&anthropic["first_id"], &anthropic["last_id"]), (&json!("a"), &json!("b/2")));
        let first = json!({"type": "model", "id": "a", "display_name": "a", "created_at": "1970-01-01T00:00:02.500Z"});
        assert_eq!(anthropic["data"][0], first);
        assert_eq!(Shape::Anthropic.list(&[])["first_id"], Value::Null);
    }
}
