//! The registry's real shell on an in-memory port: changes reach the readers, prices become versions, refusals and failed
//! writes change nothing, and a crash loses nothing.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test may end it")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix::Arbiter;
use arc_swap::ArcSwap;
use farthing_actors::domain::{
    Author, Clock, DeploymentId, Dialect, Event, GroupId, Price, PriceSource, ProviderId, ProviderKind, Sealed,
    Strategy, Timeouts, Timestamp,
};
use farthing_actors::error::{LoadError, SaveError};
use farthing_actors::registry::group::{Target, To};
use farthing_actors::registry::{
    self, Catalogue, Change, Deployment, Group, Plan, PriceVersion, Provider, Registry, RegistryError, RegistryStore,
    Resealed, unversioned,
};
use farthing_actors::supervisor::Supervisor;

#[derive(Clone, Default)]
struct Rows {
    providers: BTreeMap<ProviderId, Provider>,
    deployments: BTreeMap<DeploymentId, Deployment>,
    versions: Vec<PriceVersion>,
    groups: BTreeMap<GroupId, Group>,
}

/// A port that remembers, until its disk is full.
#[derive(Default)]
struct Memory {
    rows: ArcSwap<Rows>,
    full: AtomicBool,
}

impl RegistryStore for Memory {
    fn load(&self) -> Result<(Vec<Provider>, Vec<Deployment>), LoadError> {
        let rows = Rows::clone(&self.rows.load());
        Ok((rows.providers.into_values().collect(), rows.deployments.into_values().collect()))
    }

    fn load_groups(&self) -> Result<Vec<Group>, LoadError> {
        Ok(self.rows.load().groups.values().cloned().collect())
    }

    fn save(&self, change: &Change, _: &Event) -> Result<(), SaveError> {
        if self.full.load(Ordering::Relaxed) {
            return Err(SaveError::Failed("the disk is full".to_owned()));
        }
        let mut rows = Rows::clone(&self.rows.load());
        match change.clone() {
            Change::SaveProvider(provider) => drop(rows.providers.insert(provider.id, Provider::clone(&provider))),
            Change::ResealProviders(resealed) => {
                rows.providers.extend(resealed.iter().map(|it| (it.id, Provider::clone(it))));
            }
            Change::RemoveProvider(id) => drop(rows.providers.remove(&id)),
            Change::SaveDeployment { deployment, record } => {
                rows.deployments.insert(deployment.id, Deployment::clone(&deployment));
                rows.versions.extend(record.added);
            }
            Change::RemoveDeployment { id, .. } => drop(rows.deployments.remove(&id)),
            Change::SaveGroup(group) => drop(rows.groups.insert(group.id, Group::clone(&group))),
            Change::RemoveGroup(id) => drop(rows.groups.remove(&id)),
        }
        self.rows.store(Arc::new(rows));
        Ok(())
    }
}

async fn start(store: Arc<Memory>) -> Registry {
    start_at(store, Clock::manual(Timestamp(0))).await
}

async fn start_at(store: Arc<Memory>, clock: Clock) -> Registry {
    let supervisor = Supervisor::new(clock, Arc::new(|error| panic!("no end was expected: {error}")));
    registry::start(&supervisor, Arbiter::current(), store).await.unwrap()
}

fn provider(id: u128) -> Provider {
    Provider {
        id: ProviderId::from_u128(id),
        name: format!("provider-{id}"),
        kind: ProviderKind::OpenaiCompatible,
        base_url: "http://127.0.0.1:9001/v1".to_owned(),
        api_key: None,
        allow_private_network: true,
        enabled: true,
        timeouts: Timeouts::default(),
        created_at: Timestamp(1),
        updated_at: Timestamp(1),
    }
}

fn deployment(id: u128, provider: u128, rate: &str) -> Deployment {
    let price = Price { input_cost_per_m: rate.parse().unwrap(), ..Price::default() };
    Deployment {
        id: DeploymentId::from_u128(id),
        name: "gpt-4o-mini".into(),
        provider: ProviderId::from_u128(provider),
        upstream_model: "gpt-4o-mini".into(),
        weight: 1,
        priority: 0,
        dialects: vec![Dialect::OpenaiChat],
        max_output_tokens: None,
        context_window: None,
        price: Some(unversioned(price)),
        price_source: PriceSource::Own,
        upcoming: None,
        created_at: Timestamp(1),
    }
}

fn event(at: i64) -> Event {
    Author::new("ops", Timestamp(at)).does("test.change")
}

#[actix::test]
async fn every_change_reaches_the_readers_before_it_is_answered() {
    let registry = start(Arc::default()).await;
    let catalogue = registry.snapshot();
    registry.create_provider(provider(1), event(1)).await.unwrap();
    registry.create_deployment(deployment(1, 1, "0.15"), Plan::Keep, event(1)).await.unwrap();
    assert_eq!(catalogue.get().candidates("gpt-4o-mini").len(), 1);

    registry.update_provider(Provider { enabled: false, ..provider(1) }, event(1)).await.unwrap();
    assert!(catalogue.get().candidates("gpt-4o-mini").is_empty());
    let refusal = registry.delete_provider(ProviderId::from_u128(1), event(1)).await;
    assert!(matches!(refusal, Err(RegistryError::Conflict(_))));

    registry.delete_deployment(DeploymentId::from_u128(1), event(1)).await.unwrap();
    registry.delete_provider(ProviderId::from_u128(1), event(1)).await.unwrap();
    assert_eq!(catalogue.get().providers().count(), 0);
}

#[actix::test]
async fn prices_are_versions_that_are_added_and_never_altered() {
    let memory = Arc::new(Memory::default());
    let registry = start(Arc::clone(&memory)).await;
    registry.create_provider(provider(1), event(1)).await.unwrap();
    registry.create_deployment(deployment(1, 1, "0.15"), Plan::Keep, event(1)).await.unwrap();
    registry.update_deployment(deployment(1, 1, "0.15"), Plan::Keep, event(5)).await.unwrap();
    registry.update_deployment(deployment(1, 1, "0.60"), Plan::Keep, event(7)).await.unwrap();

    let versions = memory.rows.load().versions.clone();
    let told: Vec<_> =
        versions.iter().map(|version| (version.effective_from, version.price.input_cost_per_m.to_string())).collect();
    assert_eq!(told, [(Timestamp(1), "0.15".to_owned()), (Timestamp(7), "0.60".to_owned())]);
    let present = registry.snapshot().get().deployment(DeploymentId::from_u128(1)).unwrap().price.clone();
    assert_eq!(present, versions.last().map(|version| Arc::new((version.id, version.price.clone()))));
}

#[actix::test]
async fn a_change_that_was_not_saved_was_not_made() {
    let memory = Arc::new(Memory::default());
    let registry = start(Arc::clone(&memory)).await;
    memory.full.store(true, Ordering::Relaxed);
    let refusal = registry.create_provider(provider(1), event(1)).await;
    assert!(matches!(refusal, Err(RegistryError::Store(reason)) if reason.contains("the disk is full")));
    assert_eq!(registry.snapshot().get().providers().count(), 0);
    memory.full.store(false, Ordering::Relaxed);
    registry.create_provider(provider(1), event(1)).await.unwrap();
}

#[actix::test]
async fn a_crash_loses_nothing_and_readers_never_notice() {
    let registry = start(Arc::default()).await;
    let catalogue = registry.snapshot();
    registry.create_provider(provider(1), event(1)).await.unwrap();
    registry.create_deployment(deployment(1, 1, "0.15"), Plan::Keep, event(1)).await.unwrap();
    let before = catalogue.get();

    let mut death = std::pin::pin!(registry.crash());
    let mut loads = 0;
    std::future::poll_fn(|context| {
        assert_eq!(catalogue.get(), before);
        loads += 1;
        death.as_mut().poll(context)
    })
    .await;
    assert!(loads > 1, "the snapshot was read while the actor was away");

    assert_eq!(catalogue.get(), before);
    let twin = deployment(2, 1, "0.15");
    assert!(matches!(registry.create_deployment(twin, Plan::Keep, event(1)).await, Err(RegistryError::Conflict(_))));
    registry.create_provider(provider(2), event(1)).await.unwrap();
    assert!(catalogue.get().provider_by_name("provider-2").is_some(), "the successor publishes to the same readers");
}

/// What is charged now, and what is planned.
fn charged(registry: &Registry) -> (String, Option<String>) {
    let catalogue = registry.snapshot().get();
    let model = catalogue.deployment(DeploymentId::from_u128(1)).unwrap();
    let price = model.price.as_deref().map(|(_, price)| price.input_cost_per_m.to_string()).unwrap_or_default();
    (price, model.upcoming.as_deref().map(|version| version.price.input_cost_per_m.to_string()))
}

#[actix::test]
async fn a_plan_survives_its_actor_and_takes_over_though_the_disk_is_full() {
    let (memory, clock) = (Arc::new(Memory::default()), Clock::manual(Timestamp(10)));
    let registry = start_at(Arc::clone(&memory), clock.clone()).await;
    registry.create_provider(provider(1), event(1)).await.unwrap();
    registry.create_deployment(deployment(1, 1, "0.15"), Plan::Keep, event(10)).await.unwrap();
    let dearer = deployment(1, 1, "0.60").price.unwrap().1.clone();
    let plan = Plan::At(Timestamp(60_000), dearer);
    registry.update_deployment(deployment(1, 1, "9"), plan, event(10)).await.unwrap();
    let waiting = ("0.15".to_owned(), Some("0.60".to_owned()));
    assert_eq!(charged(&registry), waiting);
    registry.crash().await;
    assert_eq!(charged(&registry), waiting);

    // Any change looks at the clock first; this one is refused by the disk, and so is the note of what took over.
    clock.advance(std::time::Duration::from_secs(60));
    memory.full.store(true, Ordering::Relaxed);
    assert!(matches!(registry.create_provider(provider(2), event(1)).await, Err(RegistryError::Store(_))));
    let over = ("0.60".to_owned(), None);
    assert_eq!(charged(&registry), over);
    assert!(memory.rows.load().deployments.values().all(|model| model.upcoming.is_some()));
    memory.full.store(false, Ordering::Relaxed);

    registry.crash().await;
    assert_eq!(charged(&registry), over);
    assert!(memory.rows.load().deployments.values().all(|model| model.upcoming.is_none()), "noted by the successor");
    let other = start_at(memory, Clock::manual(Timestamp(70_000))).await;
    assert_eq!(charged(&other), over);
}

#[actix::test]
async fn a_plan_takes_over_by_itself_when_its_moment_comes() {
    let registry = start_at(Arc::default(), Clock::system()).await;
    registry.create_provider(provider(1), event(1)).await.unwrap();
    let now = Clock::system().now();
    let plan = Plan::At(Timestamp(now.0 + 50), deployment(1, 1, "0.60").price.unwrap().1.clone());
    registry
        .create_deployment(deployment(1, 1, "0.15"), plan, Author::new("ops", now).does("test.change"))
        .await
        .unwrap();
    let over = async {
        while charged(&registry).1.is_some() {
            actix::clock::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    actix::clock::timeout(std::time::Duration::from_secs(20), over).await.unwrap();
    assert_eq!(charged(&registry), ("0.60".to_owned(), None));
    assert!(Clock::system().now().0 >= now.0 + 50, "never before its moment");
}

#[actix::test]
async fn groups_reach_the_readers_and_survive_a_crash() {
    let registry = start(Arc::default()).await;
    registry.create_provider(provider(1), event(1)).await.unwrap();
    registry.create_deployment(deployment(1, 1, "1"), Plan::Keep, event(1)).await.unwrap();
    let model = registry.snapshot().load().deployments().next().unwrap().name.clone();
    let group = Group {
        id: GroupId::from_u128(1),
        name: "smart".into(),
        strategy: Strategy::Ordered,
        classifier: None,
        shadows: None,
        targets: vec![Target { to: To::Model(model), weight: 1, when: None }],
        created_at: Timestamp(1),
        updated_at: Timestamp(1),
    };
    registry.create_group(group.clone(), event(1)).await.unwrap();
    registry.crash().await;
    assert_eq!(registry.snapshot().load().group_by_name("smart").map(|found| Group::clone(found)), Some(group));
    assert!(matches!(
        registry.delete_deployment(DeploymentId::from_u128(1), event(2)).await,
        Err(RegistryError::Conflict(_))
    ));
    registry.delete_group(GroupId::from_u128(1), event(1)).await.unwrap();
    registry.delete_deployment(DeploymentId::from_u128(1), event(2)).await.unwrap();
}

/// Callers keep an opened key until `updated_at` moves: sealed anew it is the same key.
#[actix::test]
async fn a_key_sealed_anew_is_no_change_and_a_key_that_is_another_by_now_stays() {
    let registry = start(Arc::new(Memory::default())).await;
    let sealed = |text: &[u8]| Sealed(text.into());
    for id in [1, 2] {
        let made = Provider { api_key: Some(sealed(b"old")), ..provider(id) };
        registry.create_provider(made, event(1)).await.unwrap();
    }
    let changed = Provider { api_key: Some(sealed(b"another")), ..provider(2) };
    registry.update_provider(changed, event(1)).await.unwrap();
    let before = registry.snapshot().get();
    let anew = |id: u128| Resealed { id: ProviderId::from_u128(id), before: sealed(b"old"), after: sealed(b"new") };
    registry.reseal_providers((1..=3).map(anew).collect(), event(1)).await.unwrap();
    let after = registry.snapshot().get();
    let of = |catalogue: &Catalogue, id| Provider::clone(catalogue.provider(ProviderId::from_u128(id)).unwrap());
    assert_eq!(of(&after, 1), Provider { api_key: Some(sealed(b"new")), ..of(&before, 1) });
    assert_eq!(of(&after, 2), of(&before, 2));
}
