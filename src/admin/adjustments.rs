//! Adjustments: what operators charge or give back beside all calls.
//! Owns who is charged and the rule that one id is booked once, for ever. Refuses to change a line: a wrong adjustment is
//! answered by another.

use std::sync::Arc;

use farthing_actors::domain::{AdjustmentId, Author, Effect, Money, ProviderId, RequestId, Scope};
use farthing_actors::ledger::entry::Adjustment;

use super::books::StoredAdjustment;
use super::{Admin, AdminError};

/// Longest reason, in characters.
const MAX_REASON: usize = 500;

/// An adjustment as an operator wishes it.
#[derive(Debug)]
pub struct NewAdjustment {
    /// Its identity; the same one twice is booked once. Made where it is absent.
    pub id: Option<AdjustmentId>,
    /// A key or a project, by id or name.
    pub account: String,
    /// What is charged; negative gives back.
    pub amount: Money,
    /// Why.
    pub reason: String,
    /// Who is credited, by id or name; the house where it is absent.
    pub provider: Option<String>,
    /// The request it is about.
    pub request: Option<RequestId>,
}

/// An adjustment that is in the books.
#[derive(Debug)]
pub struct Booked {
    /// The line.
    pub line: StoredAdjustment,
    /// Whether it was there before.
    pub repeated: bool,
}

impl Admin {
    /// Books `new`; budgets see it at once.
    ///
    /// # Errors
    /// If it names nothing there is, its id belongs to another adjustment, or the ledger did not confirm it.
    pub async fn adjust(&self, new: NewAdjustment, by: &Author) -> Result<Booked, AdminError> {
        let adjustment = self.drafted(new, by).await?;
        // One at a time: the ledger remembers the latest ids, the books all of them.
        let _changing = self.changing.lock().await;
        if let Some(line) = self.books().adjustment(adjustment.id).await? {
            return repeated(line, &adjustment);
        }
        let (id, amount) = (adjustment.id, adjustment.amount);
        log::info!(
            adjustment:% = id, account:% = account(&adjustment), amount_usd:% = amount, actor = &*adjustment.actor;
            "an operator adjusts the books"
        );
        // The journal is not the database: this is on record before it is tried, and again when it is done.
        let event = by.does("ledger.adjust").about(id).and("account", account(&adjustment)).and("amount_usd", amount);
        self.parts.audit.record(event.clone().ending(Effect::Attempted)).await?;
        self.parts.ledger.adjust(adjustment).await.map_err(AdminError::Adjustment)?;
        let line = self.books().adjustment(id).await?.ok_or_else(|| AdminError::absent("adjustment", id))?;
        self.parts.audit.note(event.again());
        Ok(Booked { line, repeated: false })
    }

    async fn drafted(&self, new: NewAdjustment, by: &Author) -> Result<Adjustment, AdminError> {
        if new.amount.is_zero() || new.amount.to_row().is_none() {
            return Err(AdminError::invalid("amount_usd", "must not be 0 and at most 9 million dollars"));
        }
        check_reason(&new.reason)?;
        if let Some(request) = new.request {
            let known = self.books().request(request).await?;
            known.ok_or_else(|| AdminError::absent("request", request))?;
        }
        Ok(Adjustment {
            id: new.id.unwrap_or_else(AdjustmentId::generate),
            scopes: self.scopes_of(&new.account)?,
            provider: new.provider.map(|wanted| self.provider_id(&wanted)).transpose()?,
            amount: new.amount,
            reason: new.reason.into(),
            actor: Arc::clone(&by.name),
            request: new.request,
            booked_at: self.parts.clock.now(),
        })
    }

    fn provider_id(&self, wanted: &str) -> Result<ProviderId, AdminError> {
        let found = self.find_provider(wanted).map(|provider| provider.id);
        found.ok_or_else(|| AdminError::absent("provider", wanted))
    }

    /// Everything that a charge to `account` is charged to: for a key as its calls are, for a project it and its parents.
    fn scopes_of(&self, account: &str) -> Result<Arc<[Scope]>, AdminError> {
        let keys = self.keys();
        if let Some(key) = account.parse().ok().and_then(|id| keys.key(id)) {
            return Ok(Arc::clone(&key.scopes));
        }
        let named: Vec<_> = keys.keys().filter(|key| key.key.name == account).collect();
        match (self.find_project(account), named.as_slice()) {
            (Some(project), []) => {
                Ok(keys.lineage(project.id).map(|project| Scope::Project(project.id)).collect::<Vec<_>>().into())
            }
            (None, [key]) => Ok(Arc::clone(&key.scopes)),
            (None, []) => Err(AdminError::absent("key or project", account)),
            _ => Err(AdminError::invalid("account", "fits several keys or projects; name one by its id")),
        }
    }
}

fn account(adjustment: &Adjustment) -> String {
    adjustment.scopes.first().map(Scope::to_string).unwrap_or_default()
}

fn repeated(line: StoredAdjustment, wished: &Adjustment) -> Result<Booked, AdminError> {
    let same =
        Adjustment { booked_at: line.adjustment.booked_at, actor: line.adjustment.actor.clone(), ..wished.clone() };
    if line.adjustment == same {
        return Ok(Booked { line, repeated: true });
    }
    Err(AdminError::Conflict(format!("{} is the id of another adjustment", wished.id)))
}

fn check_reason(reason: &str) -> Result<(), AdminError> {
    let fits = (1..=MAX_REASON).contains(&reason.chars().count());
    if !fits || reason.trim() != reason || reason.chars().any(char::is_control) {
        let rule = format!("must be 1 to {MAX_REASON} characters, without control characters or outer spaces");
        return Err(AdminError::invalid("reason", rule));
    }
    Ok(())
}
