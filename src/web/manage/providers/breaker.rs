//! PUT `/api/providers/{id}/breaker`: the circuits of a provider's deployments, as they stand and as operators force them.
//! Owns their shapes. Refuses to decide when one opens: that is the breakers'.

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::breakers::{CircuitReport, CircuitState, Control};
use farthing_actors::domain::{DeploymentId, ProviderId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::super::body::read;
use super::super::{id, rfc3339};
use crate::admin::passage;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::operator::{ForceBreakers, Operator};

/// What stands for the models that have no deployment: they have one circuit together.
const PASSED_THROUGH: &str = "passed through";

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forced {
    state: Wanted,
}

/// What an operator may want.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wanted {
    Open,
    Closed,
    Auto,
}

impl Wanted {
    fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Auto => "auto",
        }
    }
}

/// The worst circuit, and all of them. `cause`, `since` and `next_trial_at` are null where nothing is held against it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BreakerView {
    #[serde(flatten)]
    pub(crate) worst: CircuitView,
    pub(crate) circuits: Vec<CircuitOf>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct CircuitView {
    pub(crate) state: CircuitState,
    pub(crate) control: Control,
    pub(crate) cause: Option<String>,
    pub(crate) since: Option<String>,
    pub(crate) next_trial_at: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CircuitOf {
    pub(crate) model: String,
    pub(crate) deployment_id: DeploymentId,
    #[serde(flatten)]
    pub(crate) circuit: CircuitView,
}

/// PUT `/api/providers/{id}/breaker`.
pub async fn force(
    operator: Operator<ForceBreakers>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let Forced { state } = read(&request, payload).await?;
    let provider = gateway.admin.provider(id("provider", &path)?)?;
    let (tell, told) = oneshot::channel();
    let (work, author, id) = (gateway.clone(), operator.author.clone(), provider.id);
    // All of them, and on record, whether or not whoever asked still waits.
    gateway.tasks.spawn(async move {
        tell.send(work.admin.force_circuits(id, (state.into(), state.name()), &author).await).ok();
    });
    told.await.map_err(|_| Problem::plain(Code::Internal))??;
    log::info!(actor = &*operator.author.name, provider = provider.name.as_str(), control:? = Control::from(state);
        "the circuits of a provider were taken in hand");
    Ok(HttpResponse::Ok().json(BreakerView::of(&gateway, provider.id)))
}

impl BreakerView {
    /// The circuits of `provider` as they stand. Without any, nothing is held against it.
    pub(super) fn of(gateway: &Gateway, provider: ProviderId) -> Self {
        let (reports, others) = (circuits(gateway, provider), gateway.breakers.report(passage::callee(provider)));
        Self {
            worst: worst([&others].into_iter().chain(reports.iter().map(|(_, report)| report))),
            circuits: reports.into_iter().map(CircuitOf::from).collect(),
        }
    }
}

/// The circuits of a provider's models, by their names; and that of models that are passed through to it, if any was called lately.
pub(in crate::web) fn circuits(gateway: &Gateway, provider: ProviderId) -> Vec<(String, CircuitReport)> {
    let catalogue = gateway.admin.catalogue();
    let models = catalogue.deployments_at(provider);
    let models = models.map(|model| (model.name.to_string(), gateway.breakers.report(model.callee())));
    let others = gateway.breakers.report(passage::callee(provider));
    let is_known = others.since.is_some() && others.control == Control::Automatic;
    models.chain(is_known.then(|| (PASSED_THROUGH.to_owned(), others))).collect()
}

fn worst<'a>(reports: impl Iterator<Item = &'a CircuitReport>) -> CircuitView {
    let closed = CircuitView {
        state: CircuitState::Closed,
        control: Control::Automatic,
        cause: None,
        since: None,
        next_trial_at: None,
    };
    reports.max_by_key(|report| report.state).map_or(closed, CircuitView::from)
}

impl From<&CircuitReport> for CircuitView {
    fn from(report: &CircuitReport) -> Self {
        Self {
            state: report.state,
            control: report.control,
            cause: report.cause.as_ref().map(ToString::to_string),
            since: report.since.map(rfc3339),
            next_trial_at: report.next_trial_at.map(rfc3339),
        }
    }
}

impl From<(String, CircuitReport)> for CircuitOf {
    fn from((model, report): (String, CircuitReport)) -> Self {
        Self { model, deployment_id: report.deployment_id, circuit: CircuitView::from(&report) }
    }
}

impl From<Wanted> for Control {
    fn from(wanted: Wanted) -> Self {
        match wanted {
            Wanted::Open => Self::ForcedOpen,
            Wanted::Closed => Self::ForcedClosed,
            Wanted::Auto => Self::Automatic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_as_well_as_its_worst_circuit() {
        let circuit = |state| CircuitReport {
            deployment_id: DeploymentId::from_u128(1),
            state,
            control: Control::Automatic,
            cause: None,
            since: None,
            next_trial_at: None,
        };
        let [closed, trying, cooling, open] =
            [CircuitState::Closed, CircuitState::HalfOpen, CircuitState::Cooling, CircuitState::Open].map(circuit);
        assert_eq!(worst([].into_iter()).state, CircuitState::Closed);
        assert_eq!(worst([&closed, &trying].into_iter()).state, CircuitState::HalfOpen);
        assert_eq!(worst([&cooling, &closed, &trying].into_iter()).state, CircuitState::Cooling);
        assert_eq!(worst([&open, &closed, &cooling].into_iter()).state, CircuitState::Open);
    }
}
