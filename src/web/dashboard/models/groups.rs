//! Groups on the page of models: one name for several models. Owns how they choose and their targets, in words.

use farthing_actors::domain::Strategy;
use farthing_actors::registry::catalogue::Catalogue;
use farthing_actors::registry::group::{Group, Target, To};

/// One group.
pub(super) struct GroupRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) chooses: &'static str,
    pub(super) targets: Vec<String>,
    pub(super) shadows: Option<String>,
}

/// Every group.
pub(super) fn groups(catalogue: &Catalogue) -> Vec<GroupRow> {
    catalogue.groups().map(|group| GroupRow::new(group)).collect()
}

/// How a group chooses, in words.
pub(super) fn words(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Ordered => "the first that can, in order",
        Strategy::Weighted => "by shares",
        Strategy::LowestLatency => "the quickest lately",
        Strategy::LowestPrice => "the cheapest for the call",
        Strategy::Rules => "the first whose conditions are met",
        Strategy::Classifier => "by how hard a cheap model finds it",
    }
}

/// The names of the groups that choose among the deployments of `model`.
pub(super) fn groups_of(catalogue: &Catalogue, model: &str) -> Vec<String> {
    let names = |target: &Target| matches!(&target.to, To::Model(name) if **name == *model);
    let among = catalogue.groups().filter(|group| group.targets.iter().any(names));
    among.map(|group| group.name.to_string()).collect()
}

impl GroupRow {
    fn new(group: &Group) -> Self {
        Self {
            id: group.id.to_string(),
            name: group.name.to_string(),
            chooses: words(group.strategy),
            targets: group.targets.iter().map(|target| said(target, group.strategy)).collect(),
            shadows: group.shadows.as_ref().map(ToString::to_string),
        }
    }
}

/// Whether members' shares count.
pub(super) fn has_shares(strategy: Strategy) -> bool {
    matches!(strategy, Strategy::Weighted | Strategy::LowestLatency)
}

fn said(target: &Target, strategy: Strategy) -> String {
    let name = target.to.name();
    match target.weight {
        _ if target.when.is_some() => format!("{name} (on conditions)"),
        weight if has_shares(strategy) && weight != 1 => format!("{name} × {weight}"),
        _ => name.to_string(),
    }
}
