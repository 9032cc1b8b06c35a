//! Providers: who answers, how each of them is, and the forms by which operators change that.
//! Owns the words for a provider's state. Refuses to decide anything: what is shown is the API's own view, and every form is a
//! call of the API.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use farthing_actors::breakers::Control;
use farthing_actors::domain::clock::DAY;
use farthing_actors::domain::{Permission, ProviderKind};
use farthing_actors::registry::catalogue::Provider;

use super::page;
use super::shell::Shell;
use super::shown::{self, Amount, Moment};
use super::visitor::Visitor;
use crate::admin::books::{Figures, Range, UsageFilter};
use crate::admin::{AdminError, Tagged};
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::ReadSettings;
use crate::web::manage::id;
use crate::web::manage::providers::ProviderView;
use crate::web::manage::providers::breaker::CircuitView;

#[derive(Template)]
#[template(path = "providers/page.html")]
struct ProvidersPage {
    shell: Shell,
    can_manage: bool,
    kinds: Vec<&'static str>,
    providers: Vec<Row>,
}

#[derive(Template)]
#[template(path = "providers/one.html")]
struct ProviderPage {
    shell: Shell,
    can_manage: bool,
    can_force: bool,
    version: String,
    provider: Row,
    circuits: Vec<Circuit>,
    day: Day,
}

/// One provider.
struct Row {
    view: ProviderView,
    id: String,
    kind: &'static str,
    state: &'static str,
    tone: &'static str,
    circuit: Circuit,
    /// What is the matter with its key.
    warning: Option<Arc<str>>,
    models: String,
    credit: Option<CreditRow>,
    first_byte: String,
    created: Moment,
    updated: Moment,
}

/// One circuit.
struct Circuit {
    model: String,
    deployment: String,
    state: &'static str,
    tone: &'static str,
    forced: Option<&'static str>,
    cause: Option<String>,
    since: Option<Moment>,
    next_trial: Option<Moment>,
}

/// What was paid in advance.
struct CreditRow {
    set: Amount,
    spent: Amount,
    remaining: Amount,
    low: Option<Amount>,
    is_low: bool,
    since: Moment,
}

/// What went there in the last day.
struct Day {
    requests: String,
    errors: String,
    tokens: String,
    cost: Amount,
}

/// GET `/providers`.
///
/// # Errors
/// If the books do not answer.
pub async fn list(visitor: Visitor<ReadSettings>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    let credits = gateway.admin.credits().await?;
    let catalogue = gateway.admin.catalogue();
    let row = |provider: &Arc<Provider>| {
        let credit = credits.iter().find(|credit| credit.provider == provider.id);
        Row::new(ProviderView::new(&gateway, provider, credit), catalogue.deployments_at(provider.id).count())
    };
    let page = ProvidersPage {
        shell: visitor.shell(),
        can_manage: visitor.may(Permission::ManageProviders),
        kinds: ProviderKind::ALL.iter().map(|kind| kind.name()).collect(),
        providers: catalogue.providers().map(row).collect(),
    };
    page::render(StatusCode::OK, &page)
}

/// GET `/providers/{id}`.
///
/// # Errors
/// 404 if there is none with this id; 503 if the books do not answer.
pub async fn show(
    visitor: Visitor<ReadSettings>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let provider = gateway.admin.provider(id("provider", &path)?)?;
    let credit = gateway.admin.credit(provider.id).await?;
    let now = gateway.clock.now();
    let range = Range::around(now.before(DAY), now);
    let filter = UsageFilter { provider: Some(provider.id), ..UsageFilter::default() };
    let day = gateway.admin.books().usage(vec![range], filter).await.map_err(AdminError::Store)?;
    let view = ProviderView::new(&gateway, &provider, credit.as_ref());
    let circuits = view.breaker.circuits.iter();
    let circuits = circuits.map(|it| Circuit::new(&it.circuit, it.model.clone(), it.deployment_id.to_string()));
    let page = ProviderPage {
        shell: visitor.shell(),
        can_manage: visitor.may(Permission::ManageProviders),
        can_force: visitor.may(Permission::ForceBreakers),
        version: (&*provider, credit.as_ref()).etag().to_string(),
        circuits: circuits.collect(),
        provider: Row::new(view, gateway.admin.catalogue().deployments_at(provider.id).count()),
        day: Day::from(day.first().copied().unwrap_or_default()),
    };
    page::render(StatusCode::OK, &page)
}

impl Row {
    fn new(view: ProviderView, models: usize) -> Self {
        let circuit = Circuit::new(&view.breaker.worst, String::new(), String::new());
        let fault = view.api_key_fault.as_deref().map(Arc::from);
        let refused = view.api_key_refused.as_ref().map(|refused| shown::refused_key(refused.http_status));
        let (state, tone) = match () {
            () if !view.enabled => ("disabled", "fair"),
            () if fault.is_some() => ("its key does not open", "bad"),
            () if refused.is_some() => ("key refused", "bad"),
            () if view.breaker.circuits.is_empty() => ("no models", "fair"),
            () => (circuit.state, circuit.tone),
        };
        let first_byte =
            view.timeouts.first_byte_ms.map_or_else(|| "120 s for streams, 300 s otherwise".to_owned(), shown::millis);
        Self {
            id: view.id.to_string(),
            kind: view.kind.name(),
            state,
            tone,
            models: shown::count(models),
            credit: CreditRow::of(&view),
            first_byte,
            created: Moment::read(&view.created_at),
            updated: Moment::read(&view.updated_at),
            circuit,
            warning: fault.or(refused),
            view,
        }
    }
}

impl Circuit {
    fn new(circuit: &CircuitView, model: String, deployment: String) -> Self {
        let (state, tone) = shown::circuit(circuit.state);
        Self {
            model,
            deployment,
            state,
            tone,
            forced: match circuit.control {
                Control::Automatic => None,
                Control::ForcedOpen => Some("forced open"),
                Control::ForcedClosed => Some("forced closed"),
            },
            cause: circuit.cause.clone(),
            since: circuit.since.as_deref().map(Moment::read),
            next_trial: circuit.next_trial_at.as_deref().map(Moment::read),
        }
    }
}

impl CreditRow {
    fn of(view: &ProviderView) -> Option<Self> {
        view.credit.as_ref().map(|credit| Self {
            set: credit.set_usd.into(),
            spent: credit.spent_usd.into(),
            remaining: credit.remaining_usd.into(),
            low: credit.low_usd.map(Amount::from),
            is_low: credit.low,
            since: Moment::read(&credit.set_at),
        })
    }
}

impl From<Figures> for Day {
    fn from(figures: Figures) -> Self {
        let usage = figures.usage();
        Self {
            requests: shown::count(figures.requests),
            errors: shown::count(figures.errors),
            tokens: shown::count(usage.prompt().saturating_add(usage.generated())),
            cost: figures.cost.into(),
        }
    }
}
