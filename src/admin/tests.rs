//! The admin floor over the real owners, on ports in memory: the order of steps, and what a failed one leaves behind.

mod sign_in;

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::Arbiter;
use arc_swap::ArcSwap;
use farthing_actors::audit;
use farthing_actors::breakers;
use farthing_actors::cache;
use farthing_actors::domain::{
    Allowed, Budget, Event, Limits, Money, ProviderKind, Scope, Secret, Timeouts, Timestamp,
};
use farthing_actors::error::{LoadError, SaveError};
use farthing_actors::idempotency::{self, SealedAnswers, Shelf};
use farthing_actors::keyring::{self, KeyringStore, Loaded};
use farthing_actors::ledger::{self, Journal, JournalError, JournalSource, Line, OpenHold, Record, Recovered};
use farthing_actors::registry::{self, Deployment, Group, Provider, RegistryStore};
use farthing_actors::sessions::{self, SessionsStore};
use farthing_actors::shadow;
use farthing_actors::supervisor::Supervisor;

use super::keys::{KeyChanges, KeyDraft, RevokedKeys};
use super::models::ModelDraft;
use super::projects::{ProjectChanges, ProjectDraft};
use super::providers::{ProviderChanges, ProviderDraft};
use super::*;
use crate::config::{BreakerConfig, SessionConfig};
use crate::security::obfuscate::Naming;
use crate::security::{Heritage, KeptKeys, SecurityParts};
use crate::store::idempotency::IdempotencyTable;
use crate::store::journal::Durability;
use crate::store::testing::{Books as Disk, trail};

/// Every port at once. Remembers what it was asked, in order; forgets what it was given.
#[derive(Default)]
struct Ports {
    asked: ArcSwap<Vec<String>>,
    refusal: ArcSwap<Option<SaveError>>,
    /// Whoever saves dies of it.
    deadly: AtomicBool,
}

impl Ports {
    fn note(&self, what: String) {
        self.asked.rcu(|asked| asked.iter().cloned().chain([what.clone()]).collect::<Vec<_>>());
    }

    /// What happened since the last time.
    fn asked(&self) -> Vec<String> {
        self.asked.swap(Arc::default()).to_vec()
    }

    fn save(&self) -> Result<(), SaveError> {
        self.note("save".to_owned());
        if self.deadly.load(Ordering::Acquire) {
            resume_unwind(Box::new("a test asked this actor to die"));
        }
        self.refusal.load().as_ref().clone().map_or(Ok(()), Err)
    }
}

impl KeyringStore for Ports {
    fn load(&self) -> Result<Loaded, LoadError> {
        Ok(Loaded::default())
    }

    fn save(&self, _: &keyring::Change, _: &Event) -> Result<(), SaveError> {
        self.save()
    }
}

impl RegistryStore for Ports {
    fn load(&self) -> Result<(Vec<Provider>, Vec<Deployment>), LoadError> {
        Ok((vec![], vec![]))
    }

    fn load_groups(&self) -> Result<Vec<Group>, LoadError> {
        Ok(vec![])
    }

    fn save(&self, _: &registry::Change, _: &Event) -> Result<(), SaveError> {
        self.save()
    }
}

impl SessionsStore for Ports {
    fn load(&self) -> Result<sessions::Stored, LoadError> {
        Ok(sessions::Stored::default())
    }

    fn save(&self, _: &sessions::Change, _: Option<&Event>) -> Result<(), SaveError> {
        self.save()
    }
}

struct Source(Arc<Ports>);

impl JournalSource for Source {
    fn open(&self, _: Timestamp) -> Result<(Box<dyn Journal>, Recovered), JournalError> {
        Ok((Box::new(Source(Arc::clone(&self.0))), Recovered::default()))
    }
}

/// Nothing is kept here.
struct NoVault;

impl SealedAnswers for NoVault {
    fn seal(&self, _: &[u8], _: &[u8]) -> Result<Vec<u8>, String> {
        Err("nothing is kept here".to_owned())
    }

    fn open(&self, _: &[u8], _: &[u8]) -> Result<Vec<u8>, String> {
        Err("nothing is kept here".to_owned())
    }

    fn mark(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// A ledger that is given a budget asks what was spent: that is how the order of steps is seen.
impl Journal for Source {
    fn stage(&mut self, _: &Record, _: Option<Line>) -> Result<(), JournalError> {
        Ok(())
    }

    fn commit(&mut self) -> Result<(), JournalError> {
        Ok(())
    }

    fn wants_rotation(&self) -> bool {
        false
    }

    fn rotate(&mut self, _: &mut dyn Iterator<Item = OpenHold>) -> Result<(), JournalError> {
        Ok(())
    }

    fn check(&mut self) -> Result<(), JournalError> {
        Ok(())
    }

    fn is_overloaded(&self) -> bool {
        false
    }

    fn spent(&mut self, _: Scope, _: Timestamp) -> Result<Money, JournalError> {
        self.0.note("enforce".to_owned());
        Ok(Money::ZERO)
    }

    fn calls(&mut self, _: Scope) -> Result<u64, JournalError> {
        self.0.note("enforce a cap".to_owned());
        Ok(2)
    }
}

/// The floor, its ports, and the disk that must outlive them.
async fn admin() -> (Admin, Arc<Ports>, Disk) {
    let (clock, ports) = (Clock::manual(Timestamp(1_000)), Arc::new(Ports::default()));
    let disk = Disk::new();
    let supervisor = Supervisor::new(clock.clone(), Arc::new(|error| panic!("no end was expected: {error}")));
    let here = Arbiter::current;
    let security = SecurityParts {
        master_key: [7; 32],
        former_master_keys: Vec::new(),
        session_secret: Secret::new("k3Jm9QxW2pLr8VnT5bYc7ZdF4gHs6AeU"),
        management_token: Secret::new("Zx9cVb7nMq5wEr3tYu1iOp2aSd4fGh6j"),
        former_session_secret: None,
        former_management_token: None,
    };
    let kept = KeptKeys::found(&security.ring().unwrap(), Heritage::default()).unwrap();
    let (store, writer) = (Arc::clone(&disk.store), disk.writer.clone());
    let shelf = move || {
        let table = IdempotencyTable::open(&store, writer.clone(), Durability::Process)?;
        Ok(Box::new(table) as Box<dyn Shelf>)
    };
    let keyring: Arc<dyn KeyringStore> = ports.clone();
    let registry: Arc<dyn RegistryStore> = ports.clone();
    let people: Arc<dyn SessionsStore> = ports.clone();
    let SessionConfig(policy) = SessionConfig::default();
    let source = Arc::new(Source(Arc::clone(&ports)));
    let bounds = cache::Bounds { max_bytes: 0, max_entry_bytes: 0, max_age: Duration::ZERO };
    let parts = AdminParts {
        cache: cache::start(&supervisor, here(), bounds).await.unwrap(),
        breakers: breakers::start(&supervisor, here(), clock.clone(), BreakerConfig::default().0).await.unwrap(),
        shadow: shadow::start(&supervisor, here()).await.unwrap(),
        token_counts: TokenCounts::load(&disk.store).unwrap(),
        naming: Naming::default(),
        key_terms: KeyTerms { default_days: 90, max_days: 3_650 },
        keyring: keyring::start(&supervisor, here(), keyring).await.unwrap(),
        registry: registry::start(&supervisor, here(), registry).await.unwrap(),
        ledger: ledger::start(&supervisor, here(), clock.clone(), source).await.unwrap(),
        security: Arc::new(Security::new(security, &kept, 1).unwrap()),
        idempotency: idempotency::start(&supervisor, here(), Arc::new(shelf), Arc::new(NoVault)).await.unwrap(),
        plan: BackupPlan::new(disk.dir.path().to_owned(), (None, 0), clock.now()),
        rotation: Rotation::new(Box::new(|| Err("there are no settings".to_owned()))),
        sessions: sessions::start(&supervisor, here(), people, policy).await.unwrap(),
        books: Books::new(Arc::clone(&disk.store), disk.writer.clone()),
        lists: PriceLists::open(None, std::path::Path::new("/nonexistent")).unwrap().into(),
        audit: audit::start(&supervisor, here(), clock.clone(), trail(&disk.store)).await.unwrap(),
        trail: trail(&disk.store),
        clock,
    };
    (Admin::new(parts), ports, disk)
}

fn by() -> Author {
    Author::new("ops", Timestamp(1_000))
}

fn budget(limit: &str) -> Option<Budget> {
    Some(serde_json::from_value(serde_json::json!({ "limit_usd": limit })).unwrap())
}

fn project(name: &str, budget: Option<Budget>) -> ProjectDraft {
    let (limits, allowed_models) = (Limits::default(), Allowed::default());
    ProjectDraft { name: name.to_owned(), parent: None, budget, limits, allowed_models, response_cache: None }
}

fn key(project: &str, budget: Option<Budget>) -> KeyDraft {
    let (limits, allowed_models) = (Limits::default(), Allowed::default());
    KeyDraft {
        project: project.to_owned(),
        name: "ci".to_owned(),
        expires_in_days: None,
        budget,
        limits,
        allowed_models,
        allowed_endpoints: None,
        allowed_parameters: None,
        max_requests: None,
        run_limit: None,
    }
}

async fn limit(admin: &Admin, scope: Scope) -> Option<String> {
    admin.balances(vec![scope]).await.unwrap().pop().flatten().map(|balance| balance.limit.to_string())
}

#[actix::test]
async fn a_budget_is_enforced_before_it_is_recorded_and_released_after() {
    let (admin, ports, _disk) = admin().await;
    let made = admin.create_project(project("a", budget("25")), &by()).await.unwrap();
    let scope = Scope::Project(made.id);
    assert_eq!(ports.asked(), ["enforce", "save", "enforce"]);
    let change = |budget| ProjectChanges { budget: Some(budget), ..ProjectChanges::default() };
    admin.change_project(made.id, change(budget("30")), &by()).await.unwrap();
    assert_eq!(
        (ports.asked(), limit(&admin, scope).await),
        (vec!["save".into(), "enforce".into()], Some("30.00".into()))
    );
    admin.change_project(made.id, change(budget("5")), &by()).await.unwrap();
    assert_eq!(ports.asked(), ["enforce", "save", "enforce"]);
    admin.change_project(made.id, change(None), &by()).await.unwrap();
    assert_eq!((ports.asked(), limit(&admin, scope).await), (vec!["save".to_owned()], None));
    let renamed = ProjectChanges { name: Some("b".to_owned()), ..ProjectChanges::default() };
    assert_eq!(admin.change_project(made.id, renamed, &by()).await.unwrap().name, "b");
}

#[actix::test]
async fn a_budget_that_was_refused_is_taken_back_and_one_that_may_be_saved_stays() {
    let (admin, ports, _disk) = admin().await;
    let made = admin.create_project(project("a", budget("25")), &by()).await.unwrap();
    let lower = || ProjectChanges { budget: Some(budget("5")), ..ProjectChanges::default() };
    let taken = ProjectChanges { name: Some("a".to_owned()), ..lower() };
    let other = admin.create_project(project("b", budget("9")), &by()).await.unwrap();
    admin.change_project(other.id, taken, &by()).await.unwrap_err();
    assert_eq!(limit(&admin, Scope::Project(other.id)).await.as_deref(), Some("9.00"));
    ports.refusal.store(Arc::new(Some(SaveError::Unknown("the disk went away".to_owned()))));
    admin.change_project(made.id, lower(), &by()).await.unwrap_err();
    assert_eq!(limit(&admin, Scope::Project(made.id)).await.as_deref(), Some("5.00"));
}

#[actix::test]
async fn a_key_is_made_once_and_revoked_with_its_project() {
    let (admin, ports, _disk) = admin().await;
    let made = admin.create_project(project("a", None), &by()).await.unwrap();
    assert!(admin.create_key(key("nobody", None), &by()).await.unwrap_err().to_string().starts_with("project "));
    ports.asked();
    let issued = admin.create_key(key("a", budget("1")), &by()).await.unwrap();
    assert_eq!(ports.asked(), ["enforce", "save", "enforce"]);
    let digest = admin.parts.security.digest_presented(issued.secret.expose()).unwrap();
    assert_eq!(admin.keys().find(&digest).unwrap().key.id, issued.key.key.id);
    assert_eq!(issued.key.key.expires_at, Some(Timestamp(90 * 86_400_000 + 1_000)));
    let rotated = admin.rotate_key(issued.key.key.id, Duration::ZERO, &by()).await.unwrap();
    let fresh = admin.parts.security.digest_presented(rotated.secret.expose()).unwrap();
    assert!(admin.keys().find(&digest).is_none(), "the former secret opens nothing");
    assert_eq!(admin.keys().find(&fresh).unwrap().key.id, issued.key.key.id);
    let days = KeyChanges { expires_in_days: Some(Some(1)), ..KeyChanges::default() };
    let changed = admin.change_key(issued.key.key.id, days, &by()).await.unwrap();
    assert_eq!(changed.key.expires_at, Some(Timestamp(86_401_000)));
    admin.create_key(key(&made.id.to_string(), None), &by()).await.unwrap();
    assert_eq!(admin.revoke_project_keys(made.id, &by()).await.unwrap(), RevokedKeys { revoked: 2, already: 0 });
    assert_eq!(admin.revoke_project_keys(made.id, &by()).await.unwrap(), RevokedKeys { revoked: 0, already: 2 });
    assert!(admin.rotate_key(issued.key.key.id, Duration::ZERO, &by()).await.is_err(), "a revoked key stays revoked");
    assert!(admin.delete_project(made.id, &by()).await.is_err(), "the books name its keys");
}

fn provider(name: &str) -> ProviderDraft {
    ProviderDraft {
        name: name.to_owned(),
        kind: ProviderKind::Openai,
        base_url: None,
        api_key: Some(Secret::new("sk-up")),
        allow_private_network: false,
        enabled: true,
        timeouts: Timeouts::default(),
    }
}

#[actix::test]
async fn a_providers_key_follows_it_to_no_other_host() {
    let (admin, _ports, _disk) = admin().await;
    let made = admin.create_provider(provider("up"), &by()).await.unwrap();
    assert_eq!(admin.masked_key(&made).as_deref(), Some("sk-****"));
    let to = |url: &str| ProviderChanges { base_url: Some(url.to_owned()), ..ProviderChanges::default() };
    let moved = admin.change_provider(made.id, to("https://api.openai.com/v2/"), &by()).await.unwrap();
    assert_eq!(
        (moved.base_url.as_str(), admin.masked_key(&moved).as_deref()),
        ("https://api.openai.com/v2", Some("sk-****"))
    );
    let refused = admin.change_provider(made.id, to("https://example.com/v1"), &by()).await.unwrap_err();
    assert!(refused.to_string().starts_with("api_key "), "{refused}");
    let with_key = ProviderChanges { api_key: Some(Some(Secret::new("xai-other"))), ..to("https://example.com/v1") };
    let moved = admin.change_provider(made.id, with_key, &by()).await.unwrap();
    assert_eq!(admin.masked_key(&moved).as_deref(), Some("xai-****"));
    let keyless = ProviderChanges { api_key: Some(None), enabled: Some(false), ..ProviderChanges::default() };
    let keyless = admin.change_provider(made.id, keyless, &by()).await.unwrap();
    assert_eq!((admin.masked_key(&keyless), keyless.enabled), (None, false));
}

#[actix::test]
async fn a_model_has_its_kinds_dialects_and_keeps_the_version_of_an_equal_price() {
    let (admin, _ports, _disk) = admin().await;
    admin.create_provider(provider("up"), &by()).await.unwrap();
    let draft = |price: Option<&str>| ModelDraft {
        name: "gpt".to_owned(),
        provider: "up".to_owned(),
        upstream_model: None,
        weight: 1,
        priority: 0,
        dialects: None,
        max_output_tokens: None,
        context_window: None,
        price: price.map(|rate| {
            serde_json::from_value(serde_json::json!({ "input_cost_per_m": rate, "output_cost_per_m": rate })).unwrap()
        }),
        effective_from: None,
    };
    let made = admin.create_model(draft(Some("1")), &by()).await.unwrap();
    assert_eq!(
        (&*made.upstream_model, made.dialects.as_slice()),
        ("gpt", crate::upstream::profile(ProviderKind::Openai).dialects)
    );
    let same = admin.replace_model(made.id, draft(Some("1.00")), &by()).await.unwrap();
    assert_eq!(same.price, made.price);
    let dearer = admin.replace_model(made.id, draft(Some("2")), &by()).await.unwrap();
    assert_ne!(dearer.price.as_ref().unwrap().0, made.price.as_ref().unwrap().0);
    assert_eq!(admin.replace_model(made.id, draft(None), &by()).await.unwrap().price, None);
    admin.delete_model(made.id, &by()).await.unwrap();
    assert!(matches!(admin.delete_model(made.id, &by()).await, Err(AdminError::Absent { .. })));
}
