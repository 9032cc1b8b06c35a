//! Watches: what is looked at now and then, and told to operators by log and feed when it turns.
//! Refuses to act: nothing here stops a call. Webhooks are to be told the same from here.

use std::time::Duration;

use actix_web::web;
use farthing_actors::domain::{KeyId, ProjectId, Scope};
use farthing_actors::feed::{BudgetWarned, Event, SystemNoted};
use farthing_actors::ledger::{Warning, Warnings};

use crate::admin::credits::Credit;
use crate::web::Gateway;

/// A look is one short read where no credit is set.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Tells once of each provider whose credit has become low.
pub(super) async fn credits(gateway: web::Data<Gateway>) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        match gateway.admin.newly_low_credits().await {
            Ok(low) => low.iter().for_each(|credit| tell(&gateway, credit)),
            Err(error) => log::warn!(error:%; "the credit of providers could not be looked at"),
        }
    }
}

fn tell(gateway: &Gateway, credit: &Credit) {
    let name = gateway.admin.provider(credit.provider).map(|provider| provider.name.clone()).unwrap_or_default();
    let (provider, remaining) = (credit.provider, credit.remaining());
    log::warn!(provider_id:% = provider, provider = name.as_str(), remaining_usd:% = remaining;
        "a provider's credit is low");
    let message = format!("the credit at the provider {name} is low: ${remaining} left").into();
    gateway.feed.publish(Event::System(SystemNoted { time: gateway.clock.now(), message }));
}

/// Tells of each threshold of a budget that is crossed.
pub(super) async fn budgets(gateway: web::Data<Gateway>, mut warnings: Warnings) {
    while let Some(warning) = warnings.next().await {
        let (project, key, name) = owner(&gateway, warning.scope);
        let (scope, percent, limit, spent) = (warning.scope, warning.percent, warning.limit, warning.spent);
        log::warn!(scope:% = scope, name = name.as_str(), percent, limit_usd:% = limit, spent_usd:% = spent;
            "a budget is spent to one of its thresholds");
        gateway.feed.publish(Event::Budget(warned(&warning, (project, key), &name)));
    }
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
