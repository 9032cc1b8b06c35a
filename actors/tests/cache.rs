//! The cache as a caller meets it: the real shell and a hand-moved clock.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use actix::Arbiter;
use farthing_actors::cache::{self, Bounds, Cache, Kept, Slot};
use farthing_actors::domain::{Clock, DeploymentId, ProjectId, ProviderId, RequestId, Timestamp};
use farthing_actors::supervisor::Supervisor;

const MINUTE: Duration = Duration::from_secs(60);
const SLOT: Slot = Slot([7; 32]);

async fn start() -> (Cache, Clock) {
    let clock = Clock::manual(Timestamp(1_000_000));
    let supervisor = Supervisor::new(clock.clone(), Arc::new(|error| panic!("{error}")));
    let bounds = Bounds { max_bytes: 10_000, max_entry_bytes: 1_000, max_age: MINUTE };
    (cache::start(&supervisor, Arbiter::current(), bounds).await.unwrap(), clock)
}

fn kept(clock: &Clock) -> Kept {
    Kept {
        project: ProjectId::from_u128(1),
        request: RequestId::from_u128(1),
        asked_at: clock.monotonic(),
        lifetime: MINUTE,
        provider: ProviderId::from_u128(1),
        deployment: DeploymentId::from_u128(1),
        upstream_model: "m".into(),
        ignored: Vec::new(),
        body: Arc::from(*b"answer"),
    }
}

#[actix::test]
async fn an_answer_is_there_until_its_time_is_over() {
    let (cache, clock) = start().await;
    cache.keep(SLOT, kept(&clock));
    assert_eq!(cache.find(SLOT, MINUTE).await.unwrap().body, (*b"answer").into());
    clock.advance(MINUTE - Duration::from_millis(1));
    assert!(cache.find(SLOT, MINUTE).await.is_some());
    assert!(cache.find(SLOT, MINUTE / 2).await.is_none(), "too old for who asks");
    clock.advance(Duration::from_millis(1));
    assert!(cache.find(SLOT, MINUTE).await.is_none());
    let tally = cache.tally().await.unwrap();
    assert_eq!((tally.entries, tally.bytes, tally.hits, tally.misses), (0, 0, 2, 2));
}

#[actix::test]
async fn a_purge_keeps_out_what_was_on_its_way_and_a_crash_loses_all() {
    let (cache, clock) = start().await;
    clock.advance(MINUTE);
    let on_its_way = kept(&clock);
    cache.keep(SLOT, kept(&clock));
    clock.advance(MINUTE / 2);
    assert_eq!(cache.purge(Some(ProjectId::from_u128(2))).await.unwrap().entries, 0);
    assert_eq!(cache.purge(Some(ProjectId::from_u128(1))).await.unwrap().entries, 1);
    cache.keep(SLOT, on_its_way);
    assert!(cache.find(SLOT, MINUTE).await.is_none());
    clock.advance(Duration::from_secs(1));
    cache.keep(SLOT, kept(&clock));
    assert!(cache.find(SLOT, MINUTE).await.is_some());
    cache.crash().await;
    assert!(cache.find(SLOT, MINUTE).await.is_none());
    assert_eq!(cache.tally().await.unwrap().bytes, 0);
}
