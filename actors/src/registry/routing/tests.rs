//! What routing must do: the order of the names, each strategy's order, shares, affinity, and the reasons.

use std::cell::Cell;

use proptest::prelude::*;

use super::super::catalogue::Deployment;
use super::super::group::{Group, Target, When};
use super::super::grouping::tests::{group, inside, model};
use super::super::tests::{deployment, priced, provider};
use super::*;
use crate::domain::{GroupId, Strategy as How};

/// A request as a test wants it.
#[derive(Default)]
struct Told {
    seed: Cell<u64>,
    tokens: u64,
    images: bool,
    tools: bool,
    tags: Vec<&'static str>,
    words: &'static str,
    paces: Vec<(u128, u64)>,
    rated: Option<Rated>,
}

impl Situation for Told {
    fn seed(&self) -> u64 {
        self.seed.get()
    }
    fn input_tokens(&self) -> u64 {
        self.tokens
    }
    fn expected(&self) -> Usage {
        Usage { input: 1_000, ..Usage::default() }
    }
    fn has_images(&self) -> bool {
        self.images
    }
    fn has_tools(&self) -> bool {
        self.tools
    }
    fn is_tagged(&self, tag: &str) -> bool {
        self.tags.contains(&tag)
    }
    fn mentions(&self, keyword: &str) -> bool {
        self.words.contains(keyword)
    }
    fn rating(&self, _: &Group) -> Option<Rated> {
        self.rated.clone()
    }
    fn latency(&self, id: DeploymentId) -> Option<Duration> {
        let known = self.paces.iter().find(|(known, _)| DeploymentId::from_u128(*known) == id);
        known.map(|(_, millis)| Duration::from_millis(*millis))
    }
    fn passage(&self, provider: &Arc<Provider>, model: &str) -> Candidate {
        let passage = Deployment { upstream_model: model.into(), ..deployment(99, model, 1) };
        Candidate { deployment: Arc::new(passage), provider: Arc::clone(provider) }
    }
}

/// Three models at one provider, `mini` twice in two priorities and once more beside.
fn catalogue(groups: Vec<Group>) -> Catalogue {
    let at = |id, name, rate: &str, priority, weight| Deployment {
        price: priced(rate).filter(|_| rate != "0"),
        priority,
        weight,
        ..deployment(id, name, 1)
    };
    let models = vec![
        at(1, "mini", "0.2", 0, 1),
        at(2, "mini", "0.1", 0, 3),
        at(3, "mini", "0.3", 1, 1),
        at(4, "large", "5", 0, 1),
        at(5, "free", "0", 0, 1),
    ];
    let off = Provider { enabled: false, ..provider(2) };
    let mut models = models;
    models.push(deployment(6, "off", 2));
    Catalogue::new(vec![provider(1), off], models).unwrap().with_groups(groups).unwrap()
}

fn ids(route: &Route) -> Vec<u128> {
    route.candidates.iter().map(|candidate| candidate.deployment.id.as_u128()).collect()
}

fn routed(groups: Vec<Group>, model: &str, by: &Told) -> (Vec<u128>, Vec<String>) {
    let route = catalogue(groups).route(&Patterns::default(), model, by).unwrap();
    (ids(&route), route.steps.iter().map(ToString::to_string).collect())
}

#[test]
fn names_are_models_then_groups_then_patterns() {
    let groups = vec![group(1, "smart", How::Ordered, vec![model("large"), model("mini")])];
    let known = catalogue(groups);
    let lines = [
        ("lar*", "smart"),
        ("l*-x", "provider:provider 1"),
        ("gone-*", "nobody"),
        ("dead-*", "provider 2"),
        ("*", "model:large"),
    ];
    let patterns = Patterns::new(lines.iter().map(|(text, to)| Pattern::new(text, to).unwrap()).collect());
    let told = |name: &str| {
        let route = known.route(&patterns, name, &Told::default());
        assert_eq!(known.knows(&patterns, name), route.is_ok(), "{name}");
        route.map(|route| (ids(&route)[0], told(&route.steps).as_deref().unwrap_or("").to_owned()))
    };
    assert_eq!(told("large"), Ok((4, String::new())));
    assert_eq!(told("smart"), Ok((4, "group smart: ordered → large".to_owned())));
    assert_eq!(told("larger"), Ok((4, "prefix lar* → smart\ngroup smart: ordered → large".to_owned())));
    assert_eq!(told("l-x"), Ok((99, "glob l*-x → provider 1\npassed through: l-x at provider 1".to_owned())));
    assert_eq!(told("what"), Ok((4, "default * → large".to_owned())));
    for nobody in ["what\u{1f}", "what\n", " what", &"w".repeat(129)] {
        assert_eq!(told(nobody), Err(NoRoute::Unknown), "could be nobody's name");
    }
    // What the provider has under another name is its deployment, with its price and limits.
    let by_provider = Patterns::new(vec![Pattern::new("*", "provider 1").unwrap()]);
    let route = known.route(&by_provider, "provider 1/upstream 4", &Told::default()).unwrap();
    assert_eq!((ids(&route), route.steps.len()), (vec![4], 1));
    let endless = "x".repeat(129);
    assert_eq!(known.route(&by_provider, &endless, &Told::default()), Err(NoRoute::Unknown));
    assert!(!known.knows(&by_provider, &endless));
    // The first pattern that matches decides, also if it leads nowhere.
    for name in ["off", "gone-1", "dead-1"] {
        assert_eq!(told(name), Err(NoRoute::Unknown), "{name}");
    }
}

#[test]
fn priorities_come_in_order_and_equals_by_shares() {
    let mut firsts = [0_u32; 2];
    for seed in 0..20_000 {
        let (ids, steps) = routed(vec![], "mini", &Told { seed: Cell::new(seed), ..Told::default() });
        assert_eq!((ids.len(), ids[2], steps.len()), (3, 3, 1), "{ids:?} {steps:?}");
        firsts[usize::from(ids[0] == 2)] += 1;
    }
    // One to three: the standard deviation of 20,000 draws is 61.
    assert!(firsts[1].abs_diff(15_000) < 250, "{firsts:?}");
}

#[test]
fn rules_take_the_first_that_is_met_and_keep_the_others_that_are() {
    let when = |when, name| Target { when: Some(when), ..model(name) };
    let rules = || {
        vec![group(
            1,
            "g",
            How::Rules,
            vec![
                when(When { images: Some(true), ..When::default() }, "large"),
                when(When { min_input_tokens: Some(100), tools: Some(false), ..When::default() }, "free"),
                when(When { tags: vec!["slow".into()], ..When::default() }, "free"),
                when(When { keywords: vec!["refund".into()], ..When::default() }, "mini"),
            ],
        )]
    };
    let told = |by: &Told| routed(rules(), "g", by);
    let step = |text: &str| format!("group g: rules matched {text}");
    let first = |by| told(&by).1[0].clone();
    assert_eq!(first(Told { images: true, ..Told::default() }), step("images → large"));
    assert_eq!(first(Told { tokens: 100, ..Told::default() }), step("no tools, 100 input tokens → free"));
    assert_eq!(first(Told { tags: vec!["slow"], ..Told::default() }), step("tag slow → free"));
    assert_eq!(first(Told { words: "a refund", ..Told::default() }), step("keyword refund → mini"));
    assert_eq!(told(&Told { images: true, tags: vec!["slow"], ..Told::default() }).0, vec![4, 5]);
    let none = catalogue(rules()).route(&Patterns::default(), "g", &Told { tokens: 99, ..Told::default() });
    assert_eq!(none, Err(NoRoute::NoRule("g".into())));
    // Inside another group it is passed over.
    let outer = [rules(), vec![group(2, "o", How::Ordered, vec![inside("g"), model("large")])]].concat();
    assert_eq!(routed(outer, "o", &Told::default()).0, vec![4]);
}

#[test]
fn figures_put_all_deployments_in_one_order() {
    let price = vec![group(1, "g", How::LowestPrice, vec![model("free"), model("large"), model("mini")])];
    let (ids, steps) = routed(price, "g", &Told::default());
    assert_eq!(ids, vec![2, 1, 3, 4, 5], "by price, the unknown last");
    assert_eq!(steps, vec!["group g: lowest_price → mini at provider 1"]);

    let latency = || vec![group(1, "g", How::LowestLatency, vec![model("large"), model("mini"), model("free")])];
    let paces = vec![(1, 300), (2, 900), (3, 500), (4, 90), (5, 200)];
    assert_eq!(routed(latency(), "g", &Told { paces: paces.clone(), ..Told::default() }).0, vec![4, 5, 1, 3, 2]);
    // Of which nothing is known, that goes first.
    assert_eq!(routed(latency(), "g", &Told { paces: paces[..4].to_vec(), ..Told::default() }).0[0], 5);
    // Those that are nearly as soon share the calls.
    let near = vec![(1, 110), (2, 900), (3, 900), (4, 90), (5, 900)];
    let first =
        |seed| routed(latency(), "g", &Told { seed: Cell::new(seed), paces: near.clone(), ..Told::default() }).0[0];
    let mut firsts: Vec<_> = (0..100).map(first).collect();
    firsts.sort_unstable();
    firsts.dedup();
    assert_eq!(firsts, vec![1, 4]);
}

#[test]
fn a_long_story_is_cut() {
    let candidate = || catalogue(vec![]).candidates("large")[0].clone();
    let steps: Vec<_> = (0..30).map(|_| Step::LeftOut(candidate(), Why::CircuitOpen)).collect();
    let text = told(&steps).unwrap();
    assert_eq!((text.lines().count(), text.lines().last()), (13, Some("18 more")));
    assert_eq!(text.lines().next(), Some("left out: large at provider 1: circuit open"));
    assert_eq!(told(&[]), None);
}

fn any_groups() -> impl Strategy<Value = Vec<Group>> {
    let target = (0_u8..9, 0_u32..4).prop_map(|(at, weight)| Target {
        weight,
        ..match at {
            0 => model("mini"),
            1 => model("large"),
            2 => model("free"),
            3 => model("off"),
            at => inside(&format!("g{}", at - 4)),
        }
    });
    let kind = prop_oneof![
        Just(How::Ordered),
        Just(How::Weighted),
        Just(How::LowestPrice),
        Just(How::LowestLatency),
        Just(How::Rules),
        Just(How::Classifier)
    ];
    proptest::collection::vec((kind, proptest::collection::vec(target, 1..5)), 1..6).prop_map(|all| {
        (0_u128..).zip(all).map(|(id, (kind, targets))| group(id, &format!("g{id}"), kind, targets)).collect()
    })
}

proptest! {
    /// Whatever groups there are, even in circles: every walk ends, names nothing twice, is the same for the same
    /// conversation, and finds exactly what can be come to.
    #[test]
    fn every_walk_ends_with_each_deployment_once(groups in any_groups(), seed: u64) {
        let by = Told { seed: Cell::new(seed), paces: vec![(1, 10), (4, 10)], ..Told::default() };
        let known = catalogue(vec![]).with_groups(groups.clone()).unwrap_or_else(|_| catalogue(vec![]));
        for group in known.groups() {
            let route = known.route(&Patterns::default(), &group.name, &by);
            prop_assert_eq!(&route, &known.route(&Patterns::default(), &group.name, &by));
            prop_assert_eq!(route.is_ok(), known.offers(&group.name));
            let mut found = route.map(|route| ids(&route)).unwrap_or_default();
            found.sort_unstable();
            let reached = reached(&known, group.id);
            prop_assert_eq!(found, reached);
        }
    }
}

/// Every deployment that can be come to from a group, by the plainest search.
fn reached(known: &Catalogue, from: GroupId) -> Vec<u128> {
    let (mut open, mut seen, mut found) = (vec![from], vec![], vec![]);
    while let Some(id) = open.pop() {
        if seen.contains(&id) {
            continue;
        }
        seen.push(id);
        for target in &known.group(id).unwrap().targets {
            found.extend(known.candidates(target.to.name()).iter().map(|candidate| candidate.deployment.id.as_u128()));
            open.extend(known.group_by_name(target.to.name()).map(|group| group.id));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn a_rating_chooses_and_who_is_not_asked_goes_to_the_last() {
    let asked = super::super::classifier::Classifier { model: "mini".into(), scale: 10 };
    let rated = Group {
        classifier: Some(asked),
        ..group(1, "g", How::Classifier, vec![model("free"), model("large"), model("off"), model("mini")])
    };
    let outer = group(2, "o", How::Ordered, vec![inside("g"), model("free")]);
    let later = group(3, "l", How::Ordered, vec![model("free"), inside("g")]);
    let priced = group(4, "p", How::LowestPrice, vec![inside("g")]);
    let known = catalogue(vec![rated, outer, later, priced]);
    let route = |name: &str, rated: Option<Rated>| {
        let route = known.route(&Patterns::default(), name, &Told { rated, ..Told::default() }).unwrap();
        let first = route.steps.first().map(ToString::to_string).unwrap_or_default();
        (ids(&route), first, route.question.as_ref().map(|group| group.name.to_string()))
    };
    let first = |rating| route("g", Some(Rated::Said(rating))).0[0];
    assert_eq!([1, 2, 3, 5].map(first), [5, 5, 4, 4]);
    let chosen = route("o", Some(Rated::Said(4)));
    assert_eq!((chosen.0, chosen.1.as_str(), chosen.2), (vec![4, 2, 1, 3, 5], "group o: ordered → g", None));
    assert_eq!(route("g", Some(Rated::Said(4))).1, "group g: classifier mini rated 4 of 10 → large");
    // Stronger ones first, then weaker ones. Nothing of it depends on the rating but the order.
    let silent = route("g", Some(Rated::Silent("is down".into())));
    assert_eq!((silent.0.len(), &silent.0[3..]), (5, &[4, 5][..]));
    assert_eq!(silent.1, "group g: classifier mini is down → mini");
    let unasked = route("o", None);
    assert_eq!((unasked.0, unasked.2.as_deref()), (silent.0, Some("g")));
    // Nobody is asked where the answer decides nothing.
    assert_eq!((route("l", None).2, route("p", None).2), (None, None));
}
