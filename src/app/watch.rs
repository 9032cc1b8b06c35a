//! Watches: what is looked at now and then, and told to operators by log and feed when it turns.
//! Refuses to act: nothing here stops a call.

use std::collections::HashSet;
use std::time::Duration;

use actix_web::web;
use farthing_actors::breakers::{Change, CircuitReport};
use farthing_actors::domain::{KeyId, ProjectId, ProviderId, Scope, UserId};
use farthing_actors::feed::{BreakerMoved, BudgetWarned, Event, SystemNoted};
use farthing_actors::ledger::{Warning, Warnings};

use serde_json::json;

use super::alerts::Alerts;
use crate::admin::credits::Credit;
use crate::web::Gateway;

/// A look is one short read where no credit is set.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A look is one read of the day's sums.
const ESTIMATES_EVERY: Duration = Duration::from_secs(300);

/// Tells once of each provider whose credit has become low.
pub(super) async fn credits(gateway: web::Data<Gateway>, alerts: Alerts) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        match gateway.admin.newly_low_credits().await {
            Ok(low) => low.iter().for_each(|credit| tell(&gateway, &alerts, credit)),
            Err(error) => log::warn!(error:%; "the credit of providers could not be looked at"),
        }
    }
}

fn tell(gateway: &Gateway, alerts: &Alerts, credit: &Credit) {
    let name = provider_name(gateway, credit.provider);
    let (provider, remaining) = (credit.provider, credit.remaining());
    log::warn!(provider_id:% = provider, provider = name.as_str(), remaining_usd:% = remaining;
        "a provider's credit is low");
    let message = format!("the credit at the provider {name} is low: ${remaining} left");
    alerts.tell("credit", message.clone(), json!({"provider_id": provider, "remaining_usd": remaining}));
    note(gateway, message);
}

fn note(gateway: &Gateway, message: String) {
    gateway.feed.publish(Event::System(SystemNoted { time: gateway.clock.now(), message: message.into() }));
}

/// Tells of circuits that move and keys that providers refuse; the breakers know nobody to tell.
pub(super) async fn circuits(gateway: web::Data<Gateway>, alerts: Alerts) {
    let mut changes = gateway.breakers.changes();
    while let Some(change) = changes.next().await {
        match change {
            Change::Circuit(report) => tell_of_circuit(&gateway, &alerts, report),
            Change::KeyRefused(refused) => {
                let name = provider_name(&gateway, refused.provider_id);
                let message = format!("the provider {name} refuses our key: it answers {}", refused.status);
                alerts.tell("credential", message.clone(), json!(refused));
                note(&gateway, message);
            }
            Change::KeyTaken(provider) => {
                note(
                    &gateway,
                    format!("the key of the provider {} is used in its turn again", provider_name(&gateway, provider)),
                );
            }
        }
    }
}

fn tell_of_circuit(gateway: &Gateway, alerts: &Alerts, report: CircuitReport) {
    let moved = BreakerMoved {
        time: gateway.clock.now(),
        deployment_id: report.deployment_id,
        state: report.state.name(),
        cause: report.cause,
        next_trial_at: report.next_trial_at,
    };
    let message = format!("the circuit of {} is {}", moved.deployment_id, moved.state);
    alerts.tell("breaker", message, json!(moved));
    gateway.feed.publish(Event::Breaker(moved));
}

fn provider_name(gateway: &Gateway, id: ProviderId) -> String {
    gateway.admin.provider(id).map(|provider| provider.name.clone()).unwrap_or_default()
}

/// Tells of each threshold of a budget that is crossed.
pub(super) async fn budgets(gateway: web::Data<Gateway>, mut warnings: Warnings, alerts: Alerts) {
    while let Some(warning) = warnings.next().await {
        let (project, key, name) = owner(&gateway, warning.scope);
        let (scope, percent, limit, spent) = (warning.scope, warning.percent, warning.limit, warning.spent);
        log::warn!(scope:% = scope, name = name.as_str(), percent, limit_usd:% = limit, spent_usd:% = spent;
            "a budget is spent to one of its thresholds");
        let warned = warned(&warning, (project, key), &name);
        alerts.tell("budget", format!("the budget of {name} is spent to {percent} %"), json!(warned));
        gateway.feed.publish(Event::Budget(warned));
    }
}

/// Tells once of each account that too many guessed at, until it is free again.
pub(super) async fn lockouts(gateway: web::Data<Gateway>, alerts: Alerts) {
    let (mut looks, mut known) = (tokio::time::interval(LOOK_EVERY), HashSet::new());
    loop {
        looks.tick().await;
        let (people, now) = (gateway.people.get(), gateway.clock.now());
        let locked: HashSet<UserId> =
            people.users().map(|user| user.id).filter(|id| people.lockout().is_locked(*id, now)).collect();
        for id in locked.difference(&known) {
            let name = people.user(*id).map(|user| user.name.to_string()).unwrap_or_default();
            log::warn!(user_id:% = id; "an account is locked for networks it did not sign in from: too many wrong passwords");
            let message = format!("the account {name} is locked for strangers: too many wrong passwords");
            alerts.tell("lockout", message.clone(), json!({"user_id": id}));
            note(&gateway, message);
        }
        known = locked;
    }
}

/// Tells once of each provider of whose calls too many had to be estimated, until they are fewer again.
pub(super) async fn estimates(gateway: web::Data<Gateway>, percent: u64, alerts: Alerts) {
    let (mut looks, mut known) = (tokio::time::interval(ESTIMATES_EVERY), HashSet::new());
    // The first comes at once, when there is nothing to look at.
    looks.tick().await;
    loop {
        looks.tick().await;
        let over = above(percent, gateway.tally.estimated(&gateway).await);
        for provider in over.difference(&known) {
            let message = format!("of the last day's calls at {provider}, more than {percent} % had to be estimated");
            log::warn!(provider = provider.as_str(), percent; "a provider does not report what its calls use");
            alerts.tell("estimated", message.clone(), json!({"provider": provider, "percent": percent}));
            note(&gateway, message);
        }
        known = over;
    }
}

/// The providers of whose calls more than `percent` had to be estimated; shares are in millionths.
fn above(percent: u64, shares: impl IntoIterator<Item = (String, u64)>) -> HashSet<String> {
    let over = shares.into_iter().filter(|(_, millionths)| *millionths > percent.saturating_mul(10_000));
    over.map(|(provider, _)| provider).collect()
}

/// Whose budget it is: project, key, and the name of the one that has it.
fn owner(gateway: &Gateway, scope: Scope) -> (Option<ProjectId>, Option<KeyId>, String) {
    match scope {
        Scope::Project(id) => {
            let name = gateway.admin.project(id).map(|project| project.name.clone());
            (Some(id), None, name.unwrap_or_default())
        }
        Scope::Key(id) => match gateway.admin.key(id) {
            Ok(key) => (Some(key.key.project), Some(id), key.key.name.clone()),
            Err(_) => (None, Some(id), String::new()),
        },
        Scope::Run(_) => (None, None, String::new()),
    }
}

fn warned(warning: &Warning, (project_id, key_id): (Option<ProjectId>, Option<KeyId>), name: &str) -> BudgetWarned {
    BudgetWarned {
        time: warning.at,
        project_id,
        key_id,
        name: name.into(),
        percent: warning.percent,
        limit_usd: warning.limit,
        spent_usd: warning.spent,
        window_end: warning.window_end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The setting `alerts.estimated_percent`.
    #[test]
    fn a_provider_is_told_of_above_the_share_that_is_set_and_not_at_it() {
        let told = |percent| {
            let shares = [("a", 10_000), ("b", 10_001), ("c", 50_000), ("d", 50_001), ("e", 0)];
            let told = above(percent, shares.map(|(provider, share)| (provider.to_owned(), share)));
            let mut told: Vec<_> = told.into_iter().collect();
            told.sort();
            told.concat()
        };
        assert_eq!((told(1), told(5), told(100)), ("bcd".to_owned(), "d".to_owned(), String::new()));
    }
}
