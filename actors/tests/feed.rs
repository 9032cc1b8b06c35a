//! The feed as a caller meets it: recent events, live ones, listeners that are slow or gone, and a crash.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use actix::Arbiter;
use farthing_actors::domain::{
    CallStatus, Clock, DeploymentId, KeyId, Money, ProjectId, ProviderId, RequestId, Timestamp,
};
use farthing_actors::feed::{
    self, Audience, BreakerMoved, Event, Feed, Holder, Subscription, SystemNoted, UsageRecorded,
};
use farthing_actors::supervisor::Supervisor;

async fn start() -> (Feed, Clock) {
    let clock = Clock::manual(Timestamp(1_000_000));
    let supervisor = Supervisor::new(clock.clone(), Arc::new(|error| panic!("{error}")));
    let feed = feed::start(&supervisor, Arbiter::current(), clock.clone()).await.unwrap();
    (feed, clock)
}

fn usage(request: u128) -> Event {
    Event::Usage(UsageRecorded {
        time: Timestamp(1),
        request_id: RequestId::from_u128(request),
        project_id: ProjectId::from_u128(2),
        key_id: KeyId::from_u128(3),
        model: "gpt-4o-mini".into(),
        provider_id: Some(ProviderId::from_u128(4)),
        status: CallStatus::Ok,
        http_status: 200,
        input_tokens: 10,
        output_tokens: 5,
        cost_usd: Money::from_picos(12_345_000),
        latency_ms: 40,
        first_token_ms: None,
    })
}

fn note(message: &str) -> Event {
    Event::System(SystemNoted { time: Timestamp(1), message: message.into() })
}

/// What waits for a subscriber now.
async fn waiting(subscription: &mut Subscription) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        tokio::select! {
            biased;
            event = subscription.next() => events.push(Event::clone(&event.unwrap())),
            () = std::future::ready(()) => return events,
        }
    }
}

#[actix::test]
async fn a_subscriber_gets_recent_events_then_live_ones_each_once() {
    let (feed, _) = start().await;
    feed.publish(note("before"));
    let mut subscription = feed.subscribe(Holder::Management, Audience::Everybody).await.unwrap();
    feed.publish(usage(1));
    feed.publish(usage(2));
    let mut later = feed.subscribe(Holder::Management, Audience::Everybody).await.unwrap();
    let all = vec![note("before"), usage(1), usage(2)];
    assert_eq!(waiting(&mut subscription).await, all);
    assert_eq!(waiting(&mut later).await, all);
}

#[actix::test]
async fn a_slow_subscriber_loses_the_oldest_and_is_told_how_many() {
    let (feed, _) = start().await;
    let mut slow = feed.subscribe(Holder::Management, Audience::Everybody).await.unwrap();
    for request in 0..300 {
        feed.publish(usage(request));
    }
    let _behind_them = feed.subscribe(Holder::Management, Audience::Everybody).await.unwrap();
    let events = waiting(&mut slow).await;
    assert_eq!(events.len(), 257);
    assert_eq!(events[..2], [Event::Lagged { missed: 44 }, usage(44)]);
    assert_eq!(events[256], usage(299));
}

#[actix::test]
async fn a_listener_limited_to_a_project_loses_nothing_to_others_and_is_told_of_its_own_losses() {
    let (feed, _) = start().await;
    let of = |project| Audience::Of([ProjectId::from_u128(project)].into());
    let mut own = feed.subscribe(Holder::Management, of(2)).await.unwrap();
    let mut other = feed.subscribe(Holder::Management, of(9)).await.unwrap();
    let foreign = |request| match usage(request) {
        Event::Usage(mut event) => {
            event.project_id = ProjectId::from_u128(9);
            Event::Usage(event)
        }
        event => event,
    };
    feed.publish(usage(0));
    for request in 0..300 {
        feed.publish(foreign(request));
        feed.publish(note("of the gateway"));
    }
    feed.publish(usage(1));
    let _behind_them = feed.subscribe(Holder::Management, Audience::Everybody).await.unwrap();
    assert_eq!(waiting(&mut own).await, [usage(0), usage(1)]);
    assert_eq!(waiting(&mut other).await[..2], [Event::Lagged { missed: 44 }, foreign(44)]);
}

#[actix::test]
async fn while_nobody_listens_usage_is_sampled_and_the_rest_is_kept() {
    let (feed, clock) = start().await;
    for request in 0..4 {
        feed.publish(usage(request));
        feed.publish(note("rare"));
        clock.advance(Duration::from_millis(5));
    }
    let mut subscription = feed.subscribe(Holder::Management, Audience::Everybody).await.unwrap();
    let kept = waiting(&mut subscription).await;
    assert_eq!(kept, [usage(0), note("rare"), note("rare"), usage(2), note("rare"), note("rare")]);
}

#[actix::test]
async fn a_dropped_subscriber_is_forgotten() {
    let (feed, _) = start().await;
    let subscriptions = (
        feed.subscribe(Holder::Management, Audience::Everybody).await.unwrap(),
        feed.subscribe(Holder::Management, Audience::Everybody).await.unwrap(),
    );
    assert_eq!(feed.listeners(), 2);
    drop(subscriptions);
    assert_eq!(feed.listeners(), 0);
}

#[actix::test]
async fn a_crash_ends_subscriptions_and_leaves_an_empty_feed() {
    let (feed, _) = start().await;
    feed.publish(note("lost"));
    let mut ended = feed.subscribe(Holder::Management, Audience::Everybody).await.unwrap();

    let ask_on = || async {
        let mut unanswered = 0;
        while feed.vitals().restarts == 0 || !feed.vitals().alive {
            unanswered += u32::from(feed.subscribe(Holder::Management, Audience::Everybody).await.is_err());
            tokio::task::yield_now().await;
        }
        unanswered
    };
    // The first asks before the actor is told to die, the last while that message waits.
    let (_, _, unanswered) = tokio::join!(ask_on(), feed.crash(), ask_on());
    assert!(unanswered > 0);
    assert_eq!(ended.next().await.map(|told| Event::clone(&told)), Some(note("lost")));
    assert!(ended.next().await.is_none());
    drop(ended);
    assert_eq!(feed.listeners(), 0);
    let mut again = feed.subscribe(Holder::Management, Audience::Everybody).await.unwrap();
    feed.publish(note("new"));
    assert_eq!(again.next().await.map(|told| Event::clone(&told)), Some(note("new")));
}

#[test]
fn events_read_as_the_contract_says() {
    let json = |event| serde_json::to_value::<Event>(event).unwrap();
    assert_eq!(
        json(usage(1)),
        serde_json::json!({
            "type": "usage", "time": 1, "request_id": RequestId::from_u128(1), "project_id": ProjectId::from_u128(2),
            "key_id": KeyId::from_u128(3), "model": "gpt-4o-mini", "provider_id": ProviderId::from_u128(4), "status": "ok",
            "http_status": 200, "input_tokens": 10, "output_tokens": 5, "cost_usd": "0.000012345", "latency_ms": 40,
            "first_token_ms": null,
        })
    );
    let deployment_id = DeploymentId::from_u128(5);
    let moved = BreakerMoved { time: Timestamp(1), deployment_id, state: "closed", cause: None, next_trial_at: None };
    assert_eq!(json(Event::Breaker(moved))["type"], "breaker");
    assert_eq!(json(note("hello")), serde_json::json!({"type": "system", "time": 1, "message": "hello"}));
    assert_eq!(json(Event::Lagged { missed: 7 }), serde_json::json!({"type": "lagged", "missed": 7}));
}
