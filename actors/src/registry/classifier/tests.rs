//! What must hold of classifiers: every rating chooses, evenly and in order, and no classifier waits for another.

use proptest::prelude::*;

use super::super::Group;
use super::super::catalogue::Catalogue;
use super::super::grouping::tests::{group, inside, model};
use super::super::tests::{deployment, provider};
use super::*;
use crate::domain::{GroupId, Strategy as How};

fn classifier(model: &str, scale: u32) -> Option<Classifier> {
    Some(Classifier { model: model.into(), scale })
}

fn rated(id: u128, name: &str, by: Option<Classifier>, targets: Vec<super::super::group::Target>) -> Group {
    Group { classifier: by, ..group(id, name, How::Classifier, targets) }
}

fn catalogue(groups: Vec<Group>) -> Catalogue {
    let models = vec![deployment(1, "m", 1), deployment(2, "n", 1), deployment(3, "judge", 1)];
    Catalogue::new(vec![provider(1)], models).unwrap().with_groups(groups).unwrap()
}

#[test]
fn a_scale_of_ten_and_three_targets() {
    let asked = classifier("m", 10).unwrap();
    assert_eq!(asked.shares(3), [1..=3, 4..=7, 8..=10]);
    assert_eq!(asked.shares(10).len(), 10);
    assert_eq!(asked.shares(1), [1..=10]);
    // What a model says beyond its scale is its end.
    assert_eq!((asked.choice(0, 3), asked.choice(11, 3), asked.choice(u32::MAX, 3)), (0, 2, 2));
    assert_eq!(serde_json::from_str::<Classifier>(r#"{"model":"m"}"#).unwrap(), asked);
    assert!(serde_json::from_str::<Classifier>(r#"{"model":"m","sclae":3}"#).is_err());
}

proptest! {
    /// Every rating chooses a target, higher ones never a weaker one, every target is chosen by somebody, and no target has
    /// more than one rating beside its part of the scale.
    #[test]
    fn ratings_are_shared_out_evenly(scale in 1_u32..=100, targets in 1_usize..=64) {
        let asked = Classifier { model: "m".into(), scale };
        let chosen: Vec<_> = (1..=scale).map(|rating| asked.choice(rating, targets)).collect();
        prop_assert!(chosen.is_sorted() && chosen.iter().all(|choice| *choice < targets), "{chosen:?}");
        // The scale read backwards is shared out backwards.
        let mirrored = |rating: u32| targets - 1 - asked.choice(scale + 1 - rating, targets);
        for (rating, choice) in (1..=scale).zip(&chosen) {
            // On the border between two targets the higher one has it.
            let middle = (2 * u64::from(rating) - 1) * targets as u64;
            let on_border = middle.is_multiple_of(2 * u64::from(scale));
            prop_assert!(mirrored(rating) == *choice || (on_border && mirrored(rating) + 1 == *choice));
        }
        if targets <= scale as usize {
            let shares = asked.shares(targets);
            prop_assert_eq!(shares.len(), targets);
            let sizes: Vec<_> = shares.iter().map(|share| share.end() - share.start() + 1).collect();
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{:?}", sizes);
            prop_assert_eq!(sizes.iter().sum::<u32>(), scale);
        }
    }
}

#[test]
fn a_classifier_is_there_and_waits_for_no_other() {
    let known = catalogue(vec![
        group(1, "cheap", How::LowestPrice, vec![model("judge"), model("n")]),
        rated(2, "smart", classifier("cheap", 10), vec![model("m"), model("n")]),
        group(3, "outer", How::Ordered, vec![inside("smart"), model("m")]),
    ]);
    let refusal = |group: Group| known.create_group(group).unwrap_err().to_string();
    for (by, told) in [
        (None, "classifier must be given"),
        (classifier("nobody", 10), "\"nobody\", which does not exist"),
        (classifier("judge", 1), "scale must be between 2"),
        (classifier("judge", 101), "and 100"),
        (classifier("smart", 10), "\"new\" leads to another: that of \"smart\""),
        (classifier("outer", 10), "\"new\" leads to another: that of \"smart\""),
        (classifier("new", 10), "\"new\" leads to another: that of \"new\""),
    ] {
        let refused = refusal(rated(9, "new", by, vec![model("m"), model("n")]));
        assert!(refused.starts_with("classifier ") && refused.contains(told), "{refused}");
    }
    let many = rated(9, "new", classifier("judge", 2), vec![model("m"), model("n"), inside("cheap")]);
    assert!(refusal(many).contains("between 3"));
    assert!(refusal(rated(9, "new", classifier("judge", 5), vec![inside("outer")])).contains("leads to another"));
    let elsewhere = Group { classifier: classifier("judge", 5), ..group(9, "new", How::Ordered, vec![model("m")]) };
    assert!(refusal(elsewhere).contains("only where the strategy is classifier"));
    // A group that a classifier's group has in it gets none later.
    let later = rated(1, "cheap", classifier("judge", 5), vec![model("n")]);
    assert!(known.update_group(later).is_err());
    // What is asked stays, whether a group or the last deployment of a model.
    assert!(known.delete_group(GroupId::from_u128(1)).is_err());
    assert!(known.create_group(rated(9, "new", classifier("cheap", 5), vec![model("n"), model("m")])).is_ok());
}
