//! `/v1/models` and `/v1beta/models`: the models and groups a key may use, in OpenAI's shape, and in Anthropic's or Gemini's for clients
//! that say they are theirs. Owns the shapes. Refuses to tell a model that does not exist from one the key may not use.

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::{Dialect, Timestamp};
use farthing_actors::registry::Group;
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

/// Who is said to own a group.
const OURSELVES: &str = "farthing";

/// A model or a group as applications see it.
struct Listed<'a> {
    id: &'a str,
    made: Timestamp,
    owner: &'a str,
    context_window: Option<u64>,
    max_output_tokens: Option<u64>,
}

/// Every model and every group that is admitted and has somewhere to go, in order of their names.
fn usable(catalogue: &Catalogue, admits: impl Fn(&str) -> bool) -> Vec<Listed<'_>> {
    let models = catalogue.models();
    let models = models.iter().filter_map(|name| catalogue.candidates(name).first()).map(Listed::model);
    let groups = catalogue.groups().filter_map(|group| Listed::group(catalogue, group));
    let mut all: Vec<_> = models.chain(groups).filter(|listed| admits(listed.id)).collect();
    all.sort_unstable_by_key(|listed| listed.id);
    all
}

impl<'a> Listed<'a> {
    /// The model or group of this name.
    fn find(catalogue: &'a Catalogue, name: &str) -> Option<Self> {
        let model = catalogue.candidates(name).first().map(Self::model);
        model.or_else(|| catalogue.group_by_name(name).and_then(|group| Self::group(catalogue, group)))
    }

    fn model(candidate: &'a Candidate) -> Self {
        let model = &candidate.deployment;
        Self {
            id: &model.name,
            made: model.created_at,
            owner: &candidate.provider.name,
            context_window: model.context_window,
            max_output_tokens: model.max_output_tokens,
        }
    }

    /// Its limits are those of whichever it chooses.
    fn group(catalogue: &Catalogue, group: &'a Group) -> Option<Self> {
        catalogue.first_of(group)?;
        let (id, made) = (&*group.name, group.created_at);
        Some(Self { id, made, owner: OURSELVES, context_window: None, max_output_tokens: None })
    }
}

impl Shape {
    fn of(request: &HttpRequest) -> Self {
        match dialect_of_models(request) {
            Dialect::Anthropic => Self::Anthropic,
            Dialect::Gemini => Self::Gemini,
            Dialect::OpenaiChat | Dialect::OpenaiResponses | Dialect::OllamaChat => Self::Openai,
        }
    }

    fn list_for(self, caller: &Caller, gateway: &Gateway) -> HttpResponse {
        let catalogue = gateway.catalogue.get();
        let models = usable(&catalogue, |model| caller.0.admits(model));
        HttpResponse::Ok().json(self.list(&models))
    }

    fn show_to(self, caller: &Caller, gateway: &Gateway, model: &str) -> Result<HttpResponse, Problem> {
        let catalogue = gateway.catalogue.get();
        let first = Listed::find(&catalogue, model).filter(|_| caller.0.admits(model));
        let missing = || Problem::new(Code::ModelNotFound, format!("the model {model:?} does not exist")).at("model");
        Ok(HttpResponse::Ok().json(self.model(&first.ok_or_else(missing)?)))
    }

    fn model(self, listed: &Listed<'_>) -> Value {
        let Listed { id, made, owner, context_window, max_output_tokens } = listed;
        match self {
            Self::Openai => {
                json!({ "id": id, "object": "model", "created": made.0.div_euclid(1_000), "owned_by": owner })
            }
            Self::Anthropic => json!({ "type": "model", "id": id, "display_name": id, "created_at": rfc3339(*made) }),
            Self::Gemini => json!({
                "name": format!("models/{id}"), "displayName": id, "version": "001",
                "inputTokenLimit": context_window, "outputTokenLimit": max_output_tokens,
                "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
            }),
        }
    }

    fn list(self, models: &[Listed<'_>]) -> Value {
        let data: Vec<_> = models.iter().map(|listed| self.model(listed)).collect();
        let id = |listed: &Listed<'_>| listed.id.to_owned();
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
    use farthing_actors::domain::{DeploymentId, PriceSource, ProviderId, ProviderKind, Timeouts};
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
