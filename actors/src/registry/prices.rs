//! Versions of prices: when a price becomes one, what is planned, and what takes over when its moment comes. Pure.
//! Owns the record of who set which price. Refuses to alter a version: a plan that is given up is withdrawn by a line of
//! its own.

use std::sync::Arc;

use super::catalogue::{Catalogue, Deployment};
use super::changes::Change;
use super::error::RegistryError;
use crate::domain::{Author, DeploymentId, Price, PriceId, PriceInForce, PriceSource, Timestamp};

/// A price as it is kept for ever, so that every amount booked at it can be computed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceVersion {
    /// Its id, named by every entry booked at it.
    pub id: PriceId,
    /// Whose price it is.
    pub deployment: DeploymentId,
    /// From when calls are booked at it.
    pub effective_from: Timestamp,
    /// The rates and fees.
    pub price: Price,
    /// When it was set; before `effective_from` if it was planned.
    pub set_at: Timestamp,
    /// Who set it.
    pub set_by: Arc<str>,
}

/// A planned price that was given up before its moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawal {
    /// Which version.
    pub price: PriceId,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Arc<str>,
}

/// What a change adds to the record of prices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceRecord {
    /// New versions.
    pub added: Vec<PriceVersion>,
    /// The plan that ended with it.
    pub withdrawn: Option<Withdrawal>,
}

/// What is to become of a deployment's planned price.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "a change is made by hand, one at a time")]
pub enum Plan {
    /// It stays, if there is one.
    Keep,
    /// It is withdrawn, if there is one.
    Withdraw,
    /// This price takes over at that moment instead, and the present one stays until then, whatever the record says.
    At(Timestamp, Price),
}

/// A price that a list has for a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Whose price it is.
    pub deployment: DeploymentId,
    /// The version it was compared with; `None` where there was no price.
    pub instead_of: Option<PriceId>,
    /// The price.
    pub price: Price,
}

impl Author {
    pub(super) fn withdrawal(&self, price: PriceId) -> Withdrawal {
        Withdrawal { price, at: self.at, by: Arc::clone(&self.name) }
    }

    fn version(&self, deployment: DeploymentId, effective_from: Timestamp, price: Price) -> PriceVersion {
        let (set_at, set_by) = (self.at, Arc::clone(&self.name));
        PriceVersion { id: PriceId::generate(), deployment, effective_from, price, set_at, set_by }
    }
}

impl Catalogue {
    /// Puts a list's price in force, unless an operator's word or another price came in between.
    pub(super) fn requote(&self, quote: Quote, author: &Author) -> Result<Change, RegistryError> {
        let present = self.deployment(quote.deployment).ok_or(RegistryError::NotFound)?;
        let version = present.price.as_deref().map(|(id, _)| *id);
        if !present.price_source.follows_list() || version != quote.instead_of {
            return Err(RegistryError::Conflict("the model's price was changed meanwhile".to_owned()));
        }
        let mut deployment = Deployment::clone(present);
        deployment.price = Some(unversioned(quote.price));
        deployment.price_source = PriceSource::Refreshed;
        self.update_deployment(deployment, (Plan::Keep, author))
    }

    /// What takes over at `now`: one change for each plan whose moment has come.
    pub(super) fn due(&self, now: Timestamp) -> Vec<Change> {
        let due = self.deployments().filter_map(|deployment| {
            let version = deployment.upcoming.as_ref().filter(|version| version.effective_from <= now)?;
            let mut next = Deployment::clone(deployment);
            next.price = Some(Arc::new((version.id, version.price.clone())));
            next.price_source = PriceSource::Own;
            next.upcoming = None;
            Some(Change::SaveDeployment { deployment: Arc::new(next), record: PriceRecord::default() })
        });
        due.collect()
    }

    /// The next moment at which a plan takes over.
    pub(super) fn next_moment(&self) -> Option<Timestamp> {
        self.deployments().filter_map(|deployment| Some(deployment.upcoming.as_ref()?.effective_from)).min()
    }
}

/// The deployment with the versions of its prices: the present one for an equal price, a fresh one from now on otherwise.
pub(super) fn priced(
    mut deployment: Deployment,
    present: Option<&Arc<Deployment>>,
    plan: Plan,
    author: &Author,
) -> Change {
    if let (Plan::At(..), Some(present)) = (&plan, present) {
        deployment.price = present.price.clone();
        deployment.price_source = present.price_source;
    }
    let mut record = PriceRecord::default();
    let in_force = present.and_then(|present| present.price.as_ref());
    deployment.price = deployment.price.take().map(|asked| {
        in_force.filter(|in_force| in_force.1 == asked.1).cloned().unwrap_or_else(|| {
            let version = author.version(deployment.id, author.at, asked.1.clone());
            let fresh = Arc::new((version.id, asked.1.clone()));
            record.added.push(version);
            fresh
        })
    });
    let planned = present.and_then(|present| present.upcoming.clone());
    deployment.upcoming = upcoming(deployment.id, planned, (plan, author), &mut record);
    Change::SaveDeployment { deployment: Arc::new(deployment), record }
}

/// What is planned afterwards. The same plan again keeps its version.
fn upcoming(
    deployment: DeploymentId,
    planned: Option<Arc<PriceVersion>>,
    (plan, author): (Plan, &Author),
    record: &mut PriceRecord,
) -> Option<Arc<PriceVersion>> {
    let wanted = match plan {
        Plan::Keep => return planned,
        Plan::Withdraw => None,
        Plan::At(moment, price) => Some((moment, price)),
    };
    let same = |planned: &Arc<PriceVersion>| {
        wanted.as_ref().is_some_and(|(moment, price)| planned.effective_from == *moment && planned.price == *price)
    };
    if planned.as_ref().is_some_and(same) {
        return planned;
    }
    record.withdrawn = planned.map(|planned| author.withdrawal(planned.id));
    let version = wanted.map(|(moment, price)| author.version(deployment, moment, price))?;
    record.added.push(version.clone());
    Some(Arc::new(version))
}

/// A price before the registry has chosen its version.
pub fn unversioned(price: Price) -> PriceInForce {
    Arc::new((PriceId::from_u128(0), price))
}
