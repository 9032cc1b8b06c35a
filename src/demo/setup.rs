//! What the demo starts with, made through the same verbs an operator has.

use farthing_actors::domain::{
    Allowed, Budget, Limits, Mode, Money, Price, ProviderKind, Scope, Thresholds, Timeouts, WindowKind, window::Zone,
};

use crate::admin::keys::{IssuedKey, KeyDraft};
use crate::admin::models::ModelDraft;
use crate::admin::projects::ProjectDraft;
use crate::admin::providers::ProviderDraft;
use crate::admin::{Admin, AdminError};

const SANDBOX: &str = "sandbox";
const PROJECT: &str = "demo";
/// Five dollars: days of the demo's own traffic, and small enough to watch it go.
const BUDGET: Money = Money::from_picos(5_000_000_000_000);
/// A small model's prices of 2026: 0.15 and 0.60 dollars per million tokens.
const INPUT: Money = Money::from_picos(150_000_000_000);
const OUTPUT: Money = Money::from_picos(600_000_000_000);

/// A provider, a model, a project with a budget, and a key.
///
/// # Errors
/// What an operator would be told.
pub(super) async fn sandbox_project(admin: &Admin) -> Result<IssuedKey, AdminError> {
    let by = admin.system();
    admin.create_provider(sandbox(), &by).await?;
    admin.create_model(model(), &by).await?;
    admin.create_project(project(), &by).await?;
    admin.create_key(key(), &by).await
}

/// What the demo's project has spent.
///
/// # Errors
/// If the ledger did not answer.
pub(super) async fn spent(admin: &Admin) -> Result<Money, AdminError> {
    let project = admin.find_project(PROJECT).ok_or_else(|| AdminError::absent("project", PROJECT))?;
    let balances = admin.balances(vec![Scope::Project(project.id)]).await?;
    Ok(balances.into_iter().flatten().map(|balance| balance.spent).sum())
}

fn sandbox() -> ProviderDraft {
    ProviderDraft {
        name: SANDBOX.to_owned(),
        kind: ProviderKind::Sandbox,
        base_url: None,
        api_key: None,
        allow_private_network: false,
        enabled: true,
        timeouts: Timeouts::default(),
    }
}

fn model() -> ModelDraft {
    let price = Price {
        input_cost_per_m: INPUT.try_into().unwrap_or_default(),
        output_cost_per_m: OUTPUT.try_into().unwrap_or_default(),
        ..Price::default()
    };
    ModelDraft {
        name: SANDBOX.to_owned(),
        provider: SANDBOX.to_owned(),
        upstream_model: None,
        weight: 1,
        priority: 0,
        dialects: None,
        max_output_tokens: Some(4_096),
        context_window: Some(128_000),
        price: Some(price),
        effective_from: None,
    }
}

fn project() -> ProjectDraft {
    ProjectDraft {
        name: PROJECT.to_owned(),
        parent: None,
        budget: Some(Budget {
            limit_usd: BUDGET,
            window: WindowKind::Day,
            time_zone: Zone::utc(),
            warn_percent: Thresholds::default(),
            mode: Mode::Enforce,
        }),
        limits: Limits::default(),
        allowed_models: Allowed::default(),
        response_cache: None,
    }
}

fn key() -> KeyDraft {
    KeyDraft {
        project: PROJECT.to_owned(),
        name: "demo".to_owned(),
        expires_in_days: Some(Some(1)),
        budget: None,
        limits: Limits { rpm: Some(600), tpm: None, concurrency: Some(20), ..Limits::default() },
        allowed_models: Allowed::default(),
        allowed_endpoints: None,
        allowed_parameters: None,
        max_requests: None,
        run_limit: None,
    }
}
