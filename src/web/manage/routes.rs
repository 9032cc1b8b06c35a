//! `/api/routes`: where models go that nobody has set up, and where a request would go that nobody has sent. Owns the shapes of
//! question and answer.

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::breakers::CircuitState;
use farthing_actors::domain::pattern::Destination;
use farthing_actors::domain::{DeploymentId, Money, Pattern, ProviderId};
use farthing_actors::registry::catalogue::Candidate;
use farthing_actors::registry::routing::Step;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::read;
use super::keys::project_id;
use super::list::List;
use super::usage::question::key_id;
use crate::admin::routes::{Asker, Explanation, Hypothesis, Survey};
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::operator::{Operator, ReadSettings};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    model: String,
    project: Option<String>,
    key: Option<String>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    #[serde(default)]
    images: bool,
    #[serde(default)]
    tools: bool,
    #[serde(default)]
    stream: bool,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    text: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExplanationView<'a> {
    model: &'a str,
    /// Why it would be refused; `null` if it would be sent.
    refused: Option<&'a str>,
    /// Who would be asked first, and what each rating would choose; absent if nobody would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    classifier: Option<SurveyView<'a>>,
    /// The decisions, in order.
    route: Vec<String>,
    /// Where it would be tried, in order.
    candidates: Vec<CandidateView<'a>>,
    /// Who would have had a turn, and why not.
    left_out: Vec<LeftOutView<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CandidateView<'a> {
    model: &'a str,
    model_id: DeploymentId,
    provider: &'a str,
    provider_id: ProviderId,
    upstream_model: &'a str,
    priority: i32,
    weight: u32,
    circuit: CircuitState,
    /// What it would cost with all its output; `null` without a price.
    cost_usd: Option<Money>,
    /// How soon it answers such requests, weighted to the latest; `null` if it had none lately.
    latency_ms: Option<u64>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SurveyView<'a> {
    group: &'a str,
    model: &'a str,
    scale: u32,
    choices: Vec<ChoiceView<'a>>,
    /// The target where it gives no rating.
    unrated: Option<&'a str>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ChoiceView<'a> {
    /// The lowest and the highest rating that choose it.
    ratings: [u32; 2],
    target: &'a str,
    /// Where the request would be tried first; `null` if nowhere.
    first: Option<CandidateView<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LeftOutView<'a> {
    #[serde(flatten)]
    candidate: CandidateView<'a>,
    reason: String,
}

/// Where models go that nobody has set up.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PatternView {
    pattern: String,
    /// `exact`, `prefix`, `glob` or `default`.
    kind: String,
    to: DestinationView,
    /// Patterns are settings: `config`.
    managed_by: &'static str,
}

/// One of the three: a name alone is that of a model or group, else of a provider.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct DestinationView {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
}

/// GET `/api/routes`: in the order they are tried.
pub async fn list(_: Operator<ReadSettings>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    let data = gateway.patterns.all().iter().map(PatternView::from).collect();
    Ok(HttpResponse::Ok().json(List { data, next_cursor: None }))
}

/// POST `/api/routes/explain`.
pub async fn explain(
    _: Operator<ReadSettings>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let question: Question = read(&request, payload).await?;
    let hypothesis = hypothesis(&gateway, question)?;
    let found = gateway.admin.explain(&hypothesis, &gateway.breakers, &gateway.patterns)?;
    Ok(HttpResponse::Ok().json(ExplanationView::new(&gateway, &hypothesis, &found)))
}

fn hypothesis(gateway: &Gateway, question: Question) -> Result<Hypothesis, Problem> {
    let asker = match (question.key, question.project) {
        (Some(_), Some(_)) => {
            return Err(Problem::new(Code::InvalidValue, "give a key or a project, not both").at("key"));
        }
        (Some(key), None) => Asker::Key(key_id(&key)?),
        (None, Some(project)) => Asker::Project(project_id(gateway, &project)?),
        (None, None) => Asker::Anybody,
    };
    Ok(Hypothesis {
        model: question.model,
        asker,
        input_tokens: question.input_tokens,
        output_tokens: question.output_tokens,
        images: question.images,
        tools: question.tools,
        stream: question.stream,
        tags: question.tags,
        text: question.text,
    })
}

impl From<&Pattern> for PatternView {
    fn from(pattern: &Pattern) -> Self {
        let to = match &pattern.to {
            Destination::Any(name) => DestinationView { name: Some(name.to_string()), ..Default::default() },
            Destination::Model(name) => DestinationView { model: Some(name.to_string()), ..Default::default() },
            Destination::Provider(name) => DestinationView { provider: Some(name.to_string()), ..Default::default() },
        };
        Self { pattern: pattern.text.to_string(), kind: pattern.kind.to_string(), to, managed_by: "config" }
    }
}

impl<'a> ExplanationView<'a> {
    fn new(gateway: &Gateway, hypothesis: &'a Hypothesis, found: &'a Explanation) -> Self {
        let view = |candidate| CandidateView::new(gateway, hypothesis, found, candidate);
        let left_out = found.route.steps.iter().filter_map(|step| match step {
            Step::LeftOut(candidate, why) => Some(LeftOutView { candidate: view(candidate), reason: why.to_string() }),
            _ => None,
        });
        Self {
            model: &hypothesis.model,
            refused: found.refused.as_deref(),
            classifier: found.survey.as_ref().map(|survey| SurveyView::new(survey, view)),
            route: found.route.steps.iter().map(ToString::to_string).collect(),
            candidates: found.route.candidates.iter().map(view).collect(),
            left_out: left_out.collect(),
        }
    }
}

impl<'a> SurveyView<'a> {
    fn new(survey: &'a Survey, view: impl Fn(&'a Candidate) -> CandidateView<'a>) -> Self {
        let choices = survey.choices.iter().map(|(target, ratings, first)| ChoiceView {
            ratings: [*ratings.start(), *ratings.end()],
            target: target.to.name(),
            first: first.as_ref().map(&view),
        });
        Self {
            group: &survey.group.name,
            model: &survey.classifier.model,
            scale: survey.classifier.scale,
            choices: choices.collect(),
            unrated: survey.group.targets.last().map(|target| &**target.to.name()),
        }
    }
}

impl<'a> CandidateView<'a> {
    fn new(gateway: &Gateway, asked: &Hypothesis, found: &Explanation, candidate: &'a Candidate) -> Self {
        let (model, provider) = (&candidate.deployment, &candidate.provider);
        let pace = gateway.breakers.pace(model.id, asked.stream);
        Self {
            model: &model.name,
            model_id: model.id,
            provider: &provider.name,
            provider_id: provider.id,
            upstream_model: &model.upstream_model,
            priority: model.priority,
            weight: model.weight,
            circuit: gateway.breakers.report(model.callee()).state,
            cost_usd: model.price.as_deref().map(|(_, price)| price.cost(&found.expected)),
            latency_ms: pace.map(|pace| u64::try_from(pace.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}
