//! The form of a group, for one that is to be made and for one that is there: how it chooses, and its members with their places,
//! shares and conditions. Owns the fields' values. Refuses to judge them: the API does.

use std::collections::BTreeSet;

use farthing_actors::domain::Strategy;
use farthing_actors::registry::catalogue::Catalogue;
use farthing_actors::registry::group::{Group, Target, To, When};

use super::groups::words;

/// Lines for members that are not there yet.
const FREE: usize = 2;
const FREE_OF_NEW: usize = 4;

/// What stands in the fields.
pub(super) struct GroupForm {
    pub(super) name: String,
    /// Value, words, and whether it is the one.
    pub(super) strategies: Vec<(&'static str, &'static str, bool)>,
    pub(super) members: Vec<Member>,
    pub(super) classifier: String,
    pub(super) scale: String,
    pub(super) shadows: String,
    pub(super) models: Vec<String>,
    pub(super) groups: Vec<String>,
}

/// A line for a member.
#[derive(Default)]
pub(super) struct Member {
    pub(super) at: usize,
    /// From 1 on; empty where there is none yet.
    pub(super) place: String,
    pub(super) model: String,
    pub(super) group: String,
    pub(super) weight: String,
    pub(super) conditions: Option<Conditions>,
}

/// What a request must be for it.
#[derive(Clone, Default)]
pub(super) struct Conditions {
    pub(super) least: String,
    pub(super) most: String,
    pub(super) images: Option<bool>,
    pub(super) tools: Option<bool>,
    pub(super) tags: String,
    pub(super) keywords: String,
}

impl GroupForm {
    /// Of a group that is to be made.
    pub(super) fn empty(catalogue: &Catalogue) -> Self {
        let members = (0..FREE_OF_NEW).map(|at| Member { at, ..Member::default() }).collect();
        Self::new(catalogue, None, members)
    }

    /// Of `group`.
    pub(super) fn of(catalogue: &Catalogue, group: &Group) -> Self {
        let there = group.targets.iter().enumerate().map(|(at, target)| Member::new(at, target));
        let free = (group.targets.len()..).take(FREE).map(|at| Member { at, ..Member::default() });
        Self::new(catalogue, Some(group), there.chain(free).collect())
    }

    fn new(catalogue: &Catalogue, group: Option<&Group>, members: Vec<Member>) -> Self {
        let chosen = group.map_or(Strategy::Ordered, |group| group.strategy);
        let classifier = group.and_then(|group| group.classifier.as_ref());
        // A member at a provider that is disabled is offered nowhere else, and stays one.
        let there = group.iter().flat_map(|group| &group.targets).filter_map(|target| match &target.to {
            To::Model(name) => Some(name.to_string()),
            To::Group(_) => None,
        });
        let models: BTreeSet<_> = catalogue.models().iter().map(ToString::to_string).chain(there).collect();
        let others = catalogue.groups().filter(|other| group.is_none_or(|group| group.id != other.id));
        Self {
            name: group.map_or_else(String::new, |group| group.name.to_string()),
            strategies: Strategy::ALL.iter().map(|it| (it.name(), words(*it), *it == chosen)).collect(),
            members,
            classifier: classifier.map_or_else(String::new, |it| it.model.to_string()),
            scale: classifier.map_or_else(String::new, |it| it.scale.to_string()),
            shadows: group.and_then(|group| group.shadows.as_ref()).map_or_else(String::new, ToString::to_string),
            models: models.into_iter().collect(),
            groups: others.map(|group| group.name.to_string()).collect(),
        }
    }
}

impl Member {
    fn new(at: usize, target: &Target) -> Self {
        let (model, group) = match &target.to {
            To::Model(name) => (name.to_string(), String::new()),
            To::Group(name) => (String::new(), name.to_string()),
        };
        let place = at.saturating_add(1).to_string();
        let conditions = target.when.as_ref().map(Conditions::from);
        Self { at, place, model, group, weight: target.weight.to_string(), conditions }
    }

    /// What stands in its fields of conditions.
    pub(super) fn when(&self) -> Conditions {
        self.conditions.clone().unwrap_or_default()
    }
}

impl From<&When> for Conditions {
    fn from(when: &When) -> Self {
        let figure = |figure: Option<u64>| figure.map_or_else(String::new, |figure| figure.to_string());
        Self {
            least: figure(when.min_input_tokens),
            most: figure(when.max_input_tokens),
            images: when.images,
            tools: when.tools,
            tags: when.tags.join(", "),
            keywords: when.keywords.join("\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farthing_actors::domain::{GroupId, Timestamp};

    #[test]
    fn every_member_has_a_line_and_two_are_free() {
        let when = When { images: Some(false), tags: vec!["a".into(), "b".into()], ..When::default() };
        let to = |to, when| Target { to, weight: 3, when };
        let group = Group {
            id: GroupId::from_u128(1),
            name: "smart".into(),
            strategy: Strategy::Rules,
            classifier: None,
            targets: vec![to(To::Model("m".into()), Some(when)), to(To::Group("g".into()), None)],
            shadows: None,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        };
        let form = GroupForm::of(&Catalogue::default(), &group);
        let lines: Vec<_> = form.members.iter().map(|it| (it.at, &*it.place, &*it.model, &*it.group)).collect();
        assert_eq!(lines, [(0, "1", "m", ""), (1, "2", "", "g"), (2, "", "", ""), (3, "", "", "")]);
        let conditions = form.members[0].when();
        assert_eq!((conditions.images, conditions.tools, &*conditions.tags), (Some(false), None, "a, b"));
        let chosen: Vec<_> = form.strategies.iter().filter(|it| it.2).map(|it| it.0).collect();
        assert_eq!((chosen, form.classifier), (vec!["rules"], String::new()));
        assert_eq!(form.models, ["m"], "what is nowhere offered now is still a member");
    }
}
