//! The shape of a line on the wire, as independent tests read it.

use std::sync::Arc;

use farthing_actors::domain::{DeploymentId, EstimateReason, LineKind, Provenance, Timestamp};
use farthing_actors::ledger::entry::{Call, Entry, Outcome, Target};
use serde_json::{Value, json};

use super::*;

fn entry(target: Option<Target>) -> Entry {
    let (key, project) = (KeyId::from_u128(1), ProjectId::from_u128(2));
    Entry {
        kind: LineKind::Call,
        call: Call {
            request: RequestId::from_u128(3),
            placed_at: Timestamp(0),
            key,
            project,
            scopes: Arc::new([Scope::Key(key), Scope::Project(project)]),
            model: "gpt-4o-mini".into(),
            dialect: Dialect::OpenaiChat,
            stream: true,
            run: None,
            route: None,
        },
        target,
        outcome: Outcome {
            status: CallStatus::UpstreamCut,
            http_status: 200,
            usage: Usage {
                input: 1,
                cache_read: 2,
                cache_write_5m: 4,
                cache_write_1h: 8,
                output: 16,
                reasoning: 32,
                ..Usage::default()
            },
            provenance: Provenance::Estimated(EstimateReason::UpstreamCut),
            attempts: 1,
            latency_ms: 1_500,
            first_token_ms: None,
        },
        held: "0.01".parse().unwrap(),
        amount: "0.000012345".parse().unwrap(),
        closed_at: Timestamp(1_500),
    }
}

fn target(price: Option<(PriceId, Price)>) -> Option<Target> {
    let (provider, deployment) = (ProviderId::from_u128(4), DeploymentId::from_u128(5));
    Some(Target { provider, deployment, upstream_model: "gpt-4o-mini-2024".into(), price: price.map(Arc::new) })
}

fn detail(entry: Entry) -> Value {
    let line = Line { seq: 1, entry, beside: Vec::new() };
    serde_json::to_value(DetailView::new(&line, &Sight::All, (&Keys::default(), &Catalogue::default()))).unwrap()
}

#[test]
fn a_line_is_shown_whole_and_what_has_gone_by_its_id() {
    let shown = detail(entry(target(Some((PriceId::from_u128(6), Price::default())))));
    let expected = json!({
        "id": RequestId::from_u128(3), "time": "1970-01-01T00:00:00.000Z",
        "project": ProjectId::from_u128(2), "project_id": ProjectId::from_u128(2),
        "key": KeyId::from_u128(1), "key_name": null, "model": "gpt-4o-mini",
        "provider": ProviderId::from_u128(4), "provider_id": ProviderId::from_u128(4),
        "upstream_model": "gpt-4o-mini-2024", "dialect": "openai_chat", "stream": true,
        "status": "upstream_cut", "http_status": 200,
        "usage": {"input": 1, "cache_read": 2, "cache_write": 12, "output": 16, "reasoning": 32},
        "usage_source": "estimated", "usage_detail": "estimated:upstream_cut",
        "cost_usd": "0.000012345", "held_usd": "0.01", "unpriced": false,
        "attempts": 1, "latency_ms": 1_500, "first_token_ms": null,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[field], value, "{field}");
    }
    assert_eq!(shown["route"], json!(["explicit gpt-4o-mini"]));
    assert_eq!(shown["scopes"], json!([KeyId::from_u128(1), ProjectId::from_u128(2)]));
    assert_eq!(shown["price"]["version"], json!(PriceId::from_u128(6)));
    assert_eq!(shown["entries"][0]["amount_usd"], "0.000012345");
    assert_eq!(shown["entries"][0]["time"], "1970-01-01T00:00:01.500Z");
}

#[test]
fn a_model_without_a_price_is_flagged_and_a_refusal_moves_nothing() {
    assert_eq!(detail(entry(target(None)))["unpriced"], true);
    let refused = detail(entry(None));
    assert_eq!((&refused["unpriced"], &refused["provider"]), (&json!(false), &Value::Null));
    assert_eq!(refused["entries"], json!([]));
}
