//! One ordinary call, as the relay would hold and settle it.

use std::sync::Arc;

use farthing_actors::domain::{
    CallStatus, DeploymentId, Dialect, KeyId, Money, Price, PriceId, ProjectId, Provenance, ProviderId, RequestId,
    Scope, Timestamp, Usage,
};
use farthing_actors::ledger::{Call, HoldRequest, Outcome, Target};

pub(crate) const KEY: KeyId = KeyId::from_u128(1);
pub(crate) const PROJECT: ProjectId = ProjectId::from_u128(2);

pub(crate) fn hold() -> HoldRequest {
    let expected = Usage { input: 1_200, output: 4_096, ..Usage::default() };
    let target = target();
    let amount = target.price.as_deref().map_or(Money::ZERO, |(_, price)| price.ceiling(&expected, None));
    HoldRequest {
        call: Call {
            request: RequestId::generate(),
            placed_at: Timestamp(0),
            key: KEY,
            project: PROJECT,
            scopes: Arc::from([Scope::Key(KEY), Scope::Project(PROJECT)]),
            model: "gpt-4o-mini".into(),
            dialect: Dialect::OpenaiChat,
            stream: false,
            run: None,
            route: None,
        },
        target,
        amount,
        expected,
        least: amount,
        run_limit: None,
        patience_ms: 600_000,
    }
}

fn target() -> Target {
    let rate = |text: &str| text.parse().unwrap_or_default();
    let price = Price {
        input_cost_per_m: rate("0.15"),
        output_cost_per_m: rate("0.60"),
        cache_read_cost_per_m: Some(rate("0.075")),
        ..Price::default()
    };
    Target {
        provider: ProviderId::from_u128(3),
        deployment: DeploymentId::from_u128(4),
        upstream_model: "gpt-4o-mini-2024-07-18".into(),
        price: Some(Arc::new((PriceId::from_u128(5), price))),
    }
}

pub(crate) fn outcome() -> Outcome {
    Outcome {
        status: CallStatus::Ok,
        http_status: 200,
        usage: Usage { input: 900, cache_read: 128, output: 300, ..Usage::default() },
        provenance: Provenance::Provider,
        attempts: 1,
        latency_ms: 700,
        first_token_ms: Some(200),
    }
}
