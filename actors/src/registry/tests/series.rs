//! Any series of changes: it adds up to what a restart reads, and every price in force is a version that was kept.

use std::collections::HashSet;

use super::*;

#[derive(Debug, Clone)]
enum Verb {
    CreateProvider(Provider),
    UpdateProvider(Provider),
    DeleteProvider(ProviderId),
    CreateDeployment(Deployment, Plan),
    UpdateDeployment(Deployment, Plan),
    DeleteDeployment(DeploymentId),
    /// Time passes.
    Wait,
}

/// What comes of a verb at `now`.
fn decide(catalogue: &Catalogue, verb: Verb, now: i64) -> Vec<Change> {
    let author = &author(now);
    let decision = match verb {
        Verb::CreateProvider(provider) => catalogue.create_provider(provider),
        Verb::UpdateProvider(provider) => catalogue.update_provider(provider),
        Verb::DeleteProvider(id) => catalogue.delete_provider(id),
        Verb::CreateDeployment(deployment, plan) => catalogue.create_deployment(deployment, (plan, author)),
        Verb::UpdateDeployment(deployment, plan) => catalogue.update_deployment(deployment, (plan, author)),
        Verb::DeleteDeployment(id) => catalogue.delete_deployment(id, author),
        Verb::Wait => return catalogue.due(Timestamp(now)),
    };
    decision.into_iter().collect()
}

prop_compose! {
    fn any_deployment()(id in 0_u128..8, model in 0_u8..3, at in 0_u128..4, weight in 0_u32..3, rate in 0_u8..3)
        -> Deployment {
        let price = if rate == 0 { None } else { priced(&format!("0.{rate}")) };
        Deployment { weight, price, ..deployment(id, &format!("model {model}"), at) }
    }
}

fn any_plan() -> impl Strategy<Value = Plan> {
    prop_oneof![
        2 => Just(Plan::Keep),
        1 => Just(Plan::Withdraw),
        2 => (0_i64..80, 1_u8..3).prop_map(|(at, rate)| Plan::At(Timestamp(at), price(&format!("0.{rate}")))),
    ]
}

fn any_verb() -> impl Strategy<Value = Verb> {
    let any_provider = (0_u128..4, any::<bool>()).prop_map(|(id, enabled)| Provider { enabled, ..provider(id) });
    prop_oneof![
        2 => any_provider.clone().prop_map(Verb::CreateProvider),
        2 => any_provider.prop_map(Verb::UpdateProvider),
        1 => (0_u128..4).prop_map(|id| Verb::DeleteProvider(ProviderId::from_u128(id))),
        4 => (any_deployment(), any_plan()).prop_map(|(deployment, plan)| Verb::CreateDeployment(deployment, plan)),
        4 => (any_deployment(), any_plan()).prop_map(|(deployment, plan)| Verb::UpdateDeployment(deployment, plan)),
        1 => (0_u128..8).prop_map(|id| Verb::DeleteDeployment(DeploymentId::from_u128(id))),
        2 => Just(Verb::Wait),
    ]
}

/// The record of prices as a database keeps it.
#[derive(Default)]
struct Kept {
    versions: std::collections::HashMap<PriceId, PriceVersion>,
    withdrawn: HashSet<PriceId>,
}

impl Kept {
    /// Whether everything in `record` is new to it.
    fn takes(&mut self, record: &PriceRecord) -> bool {
        let new = record.added.iter().all(|version| self.versions.insert(version.id, version.clone()).is_none());
        let withdrawal = record.withdrawn.as_ref();
        new && withdrawal
            .is_none_or(|gone| self.versions.contains_key(&gone.price) && self.withdrawn.insert(gone.price))
    }
}

proptest! {
    /// What was changed step by step is what a restart would read back; every price in force or to come is a version
    /// that was kept, with the same rates; and what was withdrawn is neither.
    #[test]
    fn changes_add_up_to_what_a_restart_reads(verbs in proptest::collection::vec(any_verb(), 0..60)) {
        let (mut catalogue, mut kept) = (Catalogue::default(), Kept::default());
        for (now, verb) in (0_i64..).zip(verbs) {
            for change in decide(&catalogue, verb, now) {
                if let Change::SaveDeployment { record, .. } | Change::RemoveDeployment { record, .. } = &change {
                    prop_assert!(kept.takes(record));
                }
                catalogue = catalogue.with(change);
            }
        }
        for deployment in catalogue.deployments() {
            if let Some(price) = deployment.price.as_deref() {
                prop_assert_eq!(kept.versions.get(&price.0).map(|version| &version.price), Some(&price.1));
                prop_assert!(!kept.withdrawn.contains(&price.0));
            }
            if let Some(plan) = deployment.upcoming.as_deref() {
                prop_assert_eq!(kept.versions.get(&plan.id), Some(plan));
                prop_assert!(!kept.withdrawn.contains(&plan.id));
            }
        }
        let providers = catalogue.providers().map(|provider| Provider::clone(provider)).collect();
        let deployments = catalogue.deployments().map(|deployment| Deployment::clone(deployment)).collect();
        prop_assert_eq!(Catalogue::new(providers, deployments), Ok(catalogue));
    }
}
