//! What must hold of groups, whatever is asked: names that clash with nothing, targets that are there, and no circle.

use proptest::prelude::*;

use super::super::prices::Plan;
use super::super::tests::{author, deployment, provider};
use super::*;
use crate::domain::{DeploymentId, Strategy as How, Timestamp};

pub(in crate::registry) fn group(id: u128, name: &str, strategy: How, targets: Vec<Target>) -> Group {
    let at = Timestamp(1_000);
    Group {
        id: GroupId::from_u128(id),
        name: name.into(),
        strategy,
        classifier: None,
        shadows: None,
        targets,
        created_at: at,
        updated_at: at,
    }
}

pub(in crate::registry) fn model(name: &str) -> Target {
    Target { to: To::Model(name.into()), weight: 1, when: None }
}

pub(in crate::registry) fn inside(name: &str) -> Target {
    Target { to: To::Group(name.into()), weight: 1, when: None }
}

fn ordered(id: u128, name: &str, targets: Vec<Target>) -> Group {
    group(id, name, How::Ordered, targets)
}

fn catalogue(groups: Vec<Group>) -> Catalogue {
    let models = vec![deployment(1, "m", 1), deployment(2, "n", 1)];
    Catalogue::new(vec![provider(1)], models).unwrap().with_groups(groups).unwrap()
}

fn refusal(decision: Decision) -> String {
    decision.unwrap_err().to_string()
}

#[test]
fn a_circle_and_a_tower_are_refused_by_their_chains() {
    let known = catalogue(vec![
        ordered(1, "a", vec![inside("b"), model("m")]),
        ordered(2, "b", vec![inside("c")]),
        ordered(3, "c", vec![model("m")]),
    ]);
    let circle = refusal(known.update_group(ordered(3, "c", vec![model("m"), inside("a")])));
    assert_eq!(circle, "targets make a circle: a → b → c → a");
    assert!(refusal(known.create_group(ordered(4, "d", vec![inside("d")]))).contains("d → d"));

    let level = |at: u128| match at {
        1 => ordered(1, "g1", vec![model("m")]),
        at => ordered(at, &format!("g{at}"), vec![inside(&format!("g{}", at - 1))]),
    };
    let tower = catalogue((1..=10).map(level).collect());
    let tall = refusal(tower.create_group(level(11)));
    assert!(tall.contains("deeper than 10") && tall.contains("g11 → g10 → g9"), "{tall}");
}

#[test]
fn what_a_group_uses_stays() {
    let known = catalogue(vec![ordered(1, "a", vec![inside("b")]), ordered(2, "b", vec![model("m")])]);
    let conflict = |decision: Decision| matches!(decision, Err(RegistryError::Conflict(_)));
    assert!(conflict(known.delete_group(GroupId::from_u128(2))));
    assert!(conflict(known.update_group(ordered(2, "renamed", vec![model("m")]))));
    assert!(conflict(known.delete_deployment(DeploymentId::from_u128(1), &author(1))));
    let renamed = deployment(1, "other", 1);
    assert!(conflict(known.update_deployment(renamed, (Plan::Keep, &author(1)))));
    assert!(
        known.delete_group(GroupId::from_u128(1)).is_ok()
            && known.delete_deployment(DeploymentId::from_u128(2), &author(1)).is_ok()
    );
    // Another deployment of the model is enough.
    let twice = known.with(known.create_deployment(deployment(3, "m", 1), (Plan::Keep, &author(1))).unwrap());
    assert!(twice.delete_deployment(DeploymentId::from_u128(1), &author(1)).is_ok());
}

#[test]
fn names_are_of_one_thing_and_targets_are_there() {
    let known = catalogue(vec![ordered(1, "a", vec![model("m")])]);
    assert!(refusal(known.create_group(ordered(2, "m", vec![model("n")]))).contains("a model has this name"));
    assert!(refusal(known.create_group(ordered(2, "a", vec![model("n")]))).contains("another group has this name"));
    assert!(
        refusal(known.create_deployment(deployment(9, "a", 1), (Plan::Keep, &author(1))))
            .contains("a group has this name")
    );
    for (targets, told) in [
        (vec![], "must be between"),
        (vec![model("nothing")], "\"nothing\", which does not exist"),
        (vec![inside("m")], "\"m\", which does not exist"),
        (vec![model("m"), model("m")], "twice"),
        (vec![Target { when: Some(When::default()), ..model("m") }], "only where the strategy is rules"),
    ] {
        let refused = refusal(known.create_group(ordered(2, "new", targets)));
        assert!(refused.starts_with("targets ") && refused.contains(told), "{refused}");
    }
    let when = |when| vec![Target { when: Some(when), ..model("m") }];
    let upside_down = When { min_input_tokens: Some(2), max_input_tokens: Some(1), ..When::default() };
    let wordless = When { keywords: vec![String::new()], ..When::default() };
    for wrong in [upside_down, wordless] {
        assert!(refusal(known.create_group(group(2, "new", How::Rules, when(wrong)))).starts_with("targets "));
    }
}

#[test]
fn a_target_is_written_as_it_is_read() {
    let text = r#"{"model":"m","weight":3,"when":{"images":true,"keywords":["refund"]}}"#;
    let read: Target = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    assert_eq!(serde_json::from_str::<Target>(r#"{"group":"g"}"#).unwrap(), inside("g"));
    for wrong in
        [r#"{"model":"m","group":"g"}"#, "{}", r#"{"model":"m","wieght":1}"#, r#"{"model":"m","when":{"image":true}}"#]
    {
        assert!(serde_json::from_str::<Target>(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    /// Whatever is accepted, in whatever order, could be read back by a restart, and no group is inside itself.
    #[test]
    fn no_series_of_changes_makes_a_circle(changes in proptest::collection::vec((0_u128..6, proptest::collection::vec(0_u8..7, 1..4)), 0..40)) {
        let mut known = catalogue(vec![]);
        for (id, targets) in changes {
            let mut targets: Vec<_> = targets.into_iter().map(|at| if at == 6 { model("m") } else { inside(&format!("g{at}")) }).collect();
            targets.dedup();
            let wanted = ordered(id, &format!("g{id}"), targets);
            let decision = if known.group(wanted.id).is_some() { known.update_group(wanted) } else { known.create_group(wanted) };
            if let Ok(change) = decision {
                known = known.with(change);
            }
        }
        let groups = known.groups().map(|group| Group::clone(group)).collect();
        prop_assert_eq!(catalogue(vec![]).with_groups(groups), Ok(known));
    }
}
