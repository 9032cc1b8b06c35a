//! `/api/providers`: who answers. Owns the shapes of a provider on the wire.
//! Refuses to show more of a provider's key than its mask.

pub mod breaker;
pub mod check;

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::breakers::RefusedKey;
use farthing_actors::domain::{Money, ProviderId, ProviderKind, Secret, Timeouts};
use farthing_actors::registry::catalogue::Provider;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::breaker::BreakerView;
use super::body::{Decimal, given, given_decimal, read};
use super::list::{List, ListQuery, Page, query};
use super::{id, rfc3339, version};
use crate::admin::credits::{Credit, CreditChanges};
use crate::admin::providers::{ProviderChanges, ProviderDraft, shown_base_url};
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{ManageProviders, Operator, ReadSettings};

// Neither body can be printed: they hold a key in the clear.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProvider {
    name: String,
    kind: ProviderKind,
    base_url: Option<String>,
    api_key: Option<String>,
    allow_private_network: Option<bool>,
    enabled: Option<bool>,
    timeouts: Option<Timeouts>,
}

/// Absent fields stay; a null key, credit or mark is taken away, null timeouts are the usual ones.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedProvider {
    name: Option<String>,
    base_url: Option<String>,
    #[serde(default, deserialize_with = "given")]
    api_key: Option<Option<String>>,
    allow_private_network: Option<bool>,
    enabled: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    timeouts: Option<Option<Timeouts>>,
    #[serde(default, deserialize_with = "given_decimal")]
    #[schemars(with = "Option<Decimal>")]
    credit_usd: Option<Option<Money>>,
    #[serde(default, deserialize_with = "given_decimal")]
    #[schemars(with = "Option<Decimal>")]
    low_credit_usd: Option<Option<Money>>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ProviderView {
    pub(crate) id: ProviderId,
    pub(crate) name: String,
    pub(crate) kind: ProviderKind,
    pub(crate) base_url: String,
    pub(crate) api_key: Option<String>,
    /// Why the key does not open: then no call goes there.
    pub(crate) api_key_fault: Option<String>,
    /// What the provider answers to the key, if it refuses it: then others are asked first.
    pub(crate) api_key_refused: Option<RefusedView>,
    pub(crate) allow_private_network: bool,
    pub(crate) enabled: bool,
    pub(crate) timeouts: Timeouts,
    pub(crate) breaker: BreakerView,
    pub(crate) credit: Option<CreditView>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// A refusal of the key: what it answered last, and since when it has.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RefusedView {
    pub(crate) http_status: u16,
    pub(crate) since: String,
}

/// What was paid in advance: `remaining_usd` is below zero where more was spent.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CreditView {
    pub(crate) set_usd: Money,
    pub(crate) set_at: String,
    pub(crate) spent_usd: Money,
    pub(crate) remaining_usd: Money,
    pub(crate) low_usd: Option<Money>,
    pub(crate) low: bool,
}

/// GET `/api/providers`.
pub async fn list(
    _: Operator<ReadSettings>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asked: ListQuery = query(&request)?;
    let page = Page::new(asked.limit, asked.cursor.as_deref())?;
    let catalogue = gateway.admin.catalogue();
    let (providers, next_cursor) = page.cut(catalogue.providers(), |provider| provider.id);
    let credits = gateway.admin.credits().await?;
    let credit = |id| credits.iter().find(|credit| credit.provider == id);
    let data = providers.iter().map(|provider| ProviderView::new(&gateway, provider, credit(provider.id))).collect();
    Ok(HttpResponse::Ok().json(List { data, next_cursor }))
}

/// POST `/api/providers`.
pub async fn create(
    operator: Operator<ManageProviders>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: NewProvider = read(&request, payload).await?;
    let provider = gateway.admin.create_provider(body.into(), &operator.author).await?;
    let tag = version(&(&*provider, None));
    Ok(HttpResponse::Created().insert_header(tag).json(ProviderView::new(&gateway, &provider, None)))
}

/// GET `/api/providers/{id}`.
pub async fn show(
    _: Operator<ReadSettings>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let provider = gateway.admin.provider(id("provider", &path)?)?;
    shown(&gateway, &provider).await
}

/// PATCH `/api/providers/{id}`.
pub async fn change(
    operator: Operator<ManageProviders>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: ChangedProvider = read(&request, payload).await?;
    let credit = CreditChanges { credit: body.credit_usd, low: body.low_credit_usd };
    let id = id("provider", &path)?;
    gateway.admin.check_credit(id, credit).await?;
    let provider = gateway.admin.change_provider(id, body.into(), &operator.author).await?;
    gateway.admin.change_credit(provider.id, credit, &operator.author).await?;
    shown(&gateway, &provider).await
}

/// DELETE `/api/providers/{id}`.
pub async fn delete(
    operator: Operator<ManageProviders>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    gateway.admin.delete_provider(id("provider", &path)?, &operator.author).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn shown(gateway: &Gateway, provider: &Provider) -> Result<HttpResponse, Problem> {
    let credit = gateway.admin.credit(provider.id).await?;
    let tag = version(&(provider, credit.as_ref()));
    Ok(HttpResponse::Ok().insert_header(tag).json(ProviderView::new(gateway, provider, credit.as_ref())))
}

impl ProviderView {
    /// A provider as it stands, with its credit if it has one.
    pub(crate) fn new(gateway: &Gateway, provider: &Provider, credit: Option<&Credit>) -> Self {
        Self {
            id: provider.id,
            name: provider.name.clone(),
            kind: provider.kind,
            base_url: shown_base_url(provider).to_owned(),
            api_key: gateway.admin.masked_key(provider),
            api_key_fault: gateway.admin.key_fault(provider),
            api_key_refused: gateway.breakers.refused_key(provider.id).map(RefusedView::from),
            allow_private_network: provider.allow_private_network,
            enabled: provider.enabled,
            timeouts: provider.timeouts,
            breaker: BreakerView::of(gateway, provider.id),
            credit: credit.map(CreditView::from),
            created_at: rfc3339(provider.created_at),
            updated_at: rfc3339(provider.updated_at),
        }
    }
}

impl From<RefusedKey> for RefusedView {
    fn from(refused: RefusedKey) -> Self {
        Self { http_status: refused.status, since: rfc3339(refused.since) }
    }
}

impl From<&Credit> for CreditView {
    fn from(credit: &Credit) -> Self {
        Self {
            set_usd: credit.set,
            set_at: rfc3339(credit.set_at),
            spent_usd: credit.spent,
            remaining_usd: credit.remaining(),
            low_usd: credit.low,
            low: credit.is_low(),
        }
    }
}

impl From<NewProvider> for ProviderDraft {
    fn from(body: NewProvider) -> Self {
        Self {
            name: body.name,
            kind: body.kind,
            base_url: body.base_url,
            api_key: body.api_key.map(Secret::new),
            allow_private_network: body.allow_private_network.unwrap_or(false),
            enabled: body.enabled.unwrap_or(true),
            timeouts: body.timeouts.unwrap_or_default(),
        }
    }
}

impl From<ChangedProvider> for ProviderChanges {
    fn from(body: ChangedProvider) -> Self {
        Self {
            name: body.name,
            base_url: body.base_url,
            api_key: body.api_key.map(|key| key.map(Secret::new)),
            allow_private_network: body.allow_private_network,
            enabled: body.enabled,
            timeouts: body.timeouts.map(Option::unwrap_or_default),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_usual_and_what_is_unknown_is_refused() {
        let body: NewProvider = serde_json::from_str(r#"{"name":"sandbox","kind":"sandbox"}"#).unwrap();
        let draft = ProviderDraft::from(body);
        assert!(draft.enabled && !draft.allow_private_network && draft.api_key.is_none());
        assert!(serde_json::from_str::<ChangedProvider>(r#"{"kind":"openai"}"#).is_err());
        let keyless: ChangedProvider = serde_json::from_str(r#"{"api_key":null}"#).unwrap();
        assert_eq!(ProviderChanges::from(keyless).api_key, Some(None));
    }
}
