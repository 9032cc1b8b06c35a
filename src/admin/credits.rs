//! What was paid to providers in advance: set, shown, and watched. Owns that a warning is given once.
//! Refuses to stop a call for it: a provider whose credit is used up says so itself.

use farthing_actors::domain::{Author, Money, ProviderId};

use super::{Admin, AdminError};
pub use crate::store::credits::Credit;
use crate::store::{StoreError, credits};

/// What changes about a provider's credit; what is `None` stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CreditChanges {
    /// What there is now, or that nothing is known of it any more.
    pub credit: Option<Option<Money>>,
    /// Below which remainder operators are warned, or never.
    pub low: Option<Option<Money>>,
}

impl Admin {
    /// Every credit with what was spent of it.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn credits(&self) -> Result<Vec<Credit>, AdminError> {
        Ok(self.books().credits().await?)
    }

    /// The credit of `provider`, if it has one.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn credit(&self, provider: ProviderId) -> Result<Option<Credit>, AdminError> {
        Ok(self.credits().await?.into_iter().find(|credit| credit.provider == provider))
    }

    /// Whether `changes` could be made, for whoever changes something else with them.
    ///
    /// # Errors
    /// If an amount is negative, or a mark is set without a credit.
    pub async fn check_credit(&self, provider: ProviderId, changes: CreditChanges) -> Result<(), AdminError> {
        check("credit_usd", changes.credit)?;
        check("low_credit_usd", changes.low)?;
        let alone = matches!(changes, CreditChanges { credit: None | Some(None), low: Some(Some(_)) });
        if alone && (changes.credit.is_some() || self.credit(provider).await?.is_none()) {
            return Err(AdminError::invalid("low_credit_usd", "needs credit_usd beside it"));
        }
        Ok(())
    }

    /// Changes a provider's credit. A new one counts from what is booked now.
    ///
    /// # Errors
    /// As [`Admin::check_credit`], or if the books are behind.
    pub async fn change_credit(
        &self,
        provider: ProviderId,
        changes: CreditChanges,
        by: &Author,
    ) -> Result<(), AdminError> {
        self.check_credit(provider, changes).await?;
        let present = self.credit(provider).await?;
        let fields = [("credit_usd", changes.credit.is_some()), ("low_credit_usd", changes.low.is_some())];
        let (trail, event, now) =
            (&self.parts.trail, by.does("credit.update").about(provider).changing(&fields), by.at);
        match (changes.credit, changes.low, present) {
            (Some(Some(credit)), low, present) => {
                let low = low.unwrap_or_else(|| present.and_then(|present| present.low));
                self.settled().await?;
                let work = move |connection: &mut _| credits::set(connection, provider, (credit, low), now);
                trail.changing(event, work).await?;
            }
            (Some(None), _, _) => {
                trail.changing(event, move |connection| credits::remove(connection, provider)).await?
            }
            (None, Some(low), _) => {
                trail.changing(event, move |connection| credits::set_low(connection, provider, low)).await?;
            }
            (None, None, _) => {}
        }
        Ok(())
    }

    /// Ends when everything that is settled is in the database, from where credits are counted.
    async fn settled(&self) -> Result<(), AdminError> {
        if self.books().behind().await? > 0 { Err(StoreError::Behind.into()) } else { Ok(()) }
    }

    /// Credits that have become low and were not warned of; they are not given again.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn newly_low_credits(&self) -> Result<Vec<Credit>, AdminError> {
        let mut low = self.credits().await?;
        low.retain(|credit| credit.is_low() && !credit.warned);
        for credit in &low {
            self.books().credit_warned(credit.provider).await?;
        }
        Ok(low)
    }
}

fn check(field: &'static str, amount: Option<Option<Money>>) -> Result<(), AdminError> {
    let negative = amount.flatten().is_some_and(|amount| amount.is_negative());
    if negative { Err(AdminError::invalid(field, "must not be negative")) } else { Ok(()) }
}
