//! Prices that are planned: they wait, take over, are replaced and withdrawn, and lists never overrule an operator.

use super::*;
use crate::domain::PriceInForce;

fn stocked() -> (Catalogue, Arc<Deployment>) {
    let catalogue = Catalogue::new(vec![provider(1)], vec![]).unwrap();
    let first = Deployment { price: priced("1"), price_source: PriceSource::Bundled, ..deployment(1, "m", 1) };
    let change = catalogue.create_deployment(first, (Plan::Keep, &author(1_000))).unwrap();
    let (made, _) = saved(Ok(change.clone()));
    (catalogue.with(change), made)
}

/// What `plan` makes of the first deployment, said at `at`.
fn planned(catalogue: &Catalogue, plan: Plan, at: i64) -> (Catalogue, Arc<Deployment>, PriceRecord) {
    let present = Deployment::clone(catalogue.deployment(DeploymentId::from_u128(1)).unwrap());
    let change = catalogue.update_deployment(present, (plan, &author(at))).unwrap();
    let (deployment, record) = saved(Ok(change.clone()));
    (catalogue.with(change), deployment, record)
}

fn rate(price: Option<&PriceInForce>) -> String {
    price.map(|price| price.1.input_cost_per_m.to_string()).unwrap_or_default()
}

#[test]
fn a_planned_price_waits_and_takes_over_at_its_moment() {
    let (catalogue, made) = stocked();
    let (catalogue, waiting, record) = planned(&catalogue, Plan::At(Timestamp(5_000), price("2")), 2_000);
    let version = waiting.upcoming.clone().unwrap();
    assert_eq!(
        (&waiting.price, waiting.price_source),
        (&made.price, PriceSource::Bundled),
        "until then nothing changes"
    );
    assert_eq!((record.added.as_slice(), record.withdrawn), ([PriceVersion::clone(&version)].as_slice(), None));
    assert_eq!((version.effective_from, version.set_at, &*version.set_by), (Timestamp(5_000), Timestamp(2_000), "ops"));
    assert_eq!(catalogue.next_moment(), Some(Timestamp(5_000)));
    assert_eq!(catalogue.due(Timestamp(4_999)), []);

    let due = catalogue.due(Timestamp(5_000));
    let (now, record) = saved(Ok(due[0].clone()));
    assert_eq!((now.price.as_ref().map(|price| price.0), now.price_source), (Some(version.id), PriceSource::Own));
    assert_eq!((now.upcoming.clone(), record, due.len()), (None, PriceRecord::default(), 1));
    let after = catalogue.with(due[0].clone());
    assert_eq!((after.next_moment(), after.due(Timestamp(9_000)).len()), (None, 0));
}

#[test]
fn another_plan_replaces_the_first_and_the_record_says_so() {
    let (catalogue, _) = stocked();
    let first = Plan::At(Timestamp(5_000), price("2"));
    let (catalogue, waiting, _) = planned(&catalogue, first.clone(), 2_000);
    let (catalogue, same, record) = planned(&catalogue, first, 2_500);
    assert_eq!((same.upcoming.clone(), record), (waiting.upcoming.clone(), PriceRecord::default()), "the same again");

    let (catalogue, other, record) = planned(&catalogue, Plan::At(Timestamp(6_000), price("3")), 3_000);
    let withdrawn = record.withdrawn.unwrap();
    assert_eq!(
        (Some(withdrawn.price), withdrawn.at),
        (waiting.upcoming.as_ref().map(|plan| plan.id), Timestamp(3_000))
    );
    assert_eq!(other.upcoming.as_deref(), record.added.first());

    let (catalogue, kept, record) = planned(&catalogue, Plan::Keep, 3_500);
    assert_eq!((kept.upcoming.clone(), record), (other.upcoming.clone(), PriceRecord::default()));
    let deleted = catalogue.delete_deployment(kept.id, &author(4_000)).unwrap();
    let withdrawn = |record: &PriceRecord| record.withdrawn.as_ref().map(|withdrawal| withdrawal.price);
    let planned_id = other.upcoming.as_ref().map(|plan| plan.id);
    assert!(matches!(&deleted, Change::RemoveDeployment { record, .. } if withdrawn(record) == planned_id));
    let (_, given_up, record) = planned(&catalogue, Plan::Withdraw, 4_000);
    assert_eq!((given_up.upcoming.clone(), withdrawn(&record)), (None, planned_id));
}

#[test]
fn no_price_begins_in_the_past() {
    let (catalogue, made) = stocked();
    for moment in [0, 1_999, 2_000] {
        let plan = Plan::At(Timestamp(moment), price("2"));
        let refusal = catalogue.update_deployment(Deployment::clone(&made), (plan.clone(), &author(2_000)));
        assert_eq!(field(refusal), "prices.effective_from");
        let new = Deployment { id: DeploymentId::from_u128(2), ..deployment(2, "m", 1) };
        assert_eq!(field(catalogue.create_deployment(new, (plan, &author(2_000)))), "prices.effective_from");
    }
}

#[test]
fn a_list_changes_what_follows_it_and_nothing_else() {
    let (catalogue, made) = stocked();
    let quote = |instead_of: Option<&PriceInForce>| Quote {
        deployment: made.id,
        instead_of: instead_of.map(|price| price.0),
        price: price("4"),
    };
    let catalogue_author = Author::new("catalogue", Timestamp(3_000));
    let (listed, record) = saved(catalogue.requote(quote(made.price.as_ref()), &catalogue_author));
    assert_eq!((rate(listed.price.as_ref()).as_str(), listed.price_source), ("4.00", PriceSource::Refreshed));
    assert_eq!(record.added.iter().map(|version| &*version.set_by).collect::<Vec<_>>(), ["catalogue"]);

    assert!(matches!(catalogue.requote(quote(None), &catalogue_author), Err(RegistryError::Conflict(_))));
    let own = Deployment { price_source: PriceSource::Own, ..Deployment::clone(&made) };
    let catalogue = catalogue.with(catalogue.update_deployment(own, (Plan::Keep, &author(2_000))).unwrap());
    let refusal = catalogue.requote(quote(made.price.as_ref()), &catalogue_author);
    assert!(matches!(refusal, Err(RegistryError::Conflict(_))), "{refusal:?}");
}
