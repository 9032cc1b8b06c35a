//! Management: where calls can go, and at which prices.

use super::line::{Line, lines};
use crate::web::extract::operator::{ForceBreakers, ManageModels, ManageProviders, ReadSettings};
use crate::web::manage::catalogue::{CatalogueView, Wanted};
use crate::web::manage::groups::GroupView;
use crate::web::manage::list::{List, ListQuery};
use crate::web::manage::models::ModelView;
use crate::web::manage::models::versions::VersionView;
use crate::web::manage::providers::breaker::{BreakerView, Forced};
use crate::web::manage::providers::check::TriedView;
use crate::web::manage::providers::{ChangedProvider, NewProvider, ProviderView};
use crate::web::manage::routes::{ExplanationView, PatternView, Question};
use crate::web::manage::{catalogue, groups, models, providers, routes};
use crate::web::openapi;

pub(super) fn lines() -> Vec<Line> {
    lines! {
        GET "/api/providers" ReadSettings providers::list, "Lists providers",
            asks(ListQuery) gives(200 List<ProviderView>);
        POST "/api/providers" ManageProviders providers::create, "Registers a provider",
            takes(NewProvider) gives(201 ProviderView) tagged(Shown);
        GET "/api/providers/{id}" ReadSettings providers::show, "Shows a provider",
            gives(200 ProviderView) tagged(Shown);
        PATCH "/api/providers/{id}" ManageProviders providers::change, "Changes a provider",
            takes(ChangedProvider) gives(200 ProviderView) tagged(Compared);
        DELETE "/api/providers/{id}" ManageProviders providers::delete, "Removes a provider",
            gives(204) tagged(Compared);
        PUT "/api/providers/{id}/breaker" ForceBreakers providers::breaker::force, "Forces a provider's circuits",
            takes(Forced) gives(200 BreakerView);
        POST "/api/providers/{id}/test" ManageProviders providers::check::test, "Tries a provider with its key",
            gives(200 TriedView);
        GET "/api/models" ReadSettings models::list, "Lists deployments",
            asks(ListQuery) gives(200 List<ModelView>);
        POST "/api/models" ManageModels models::create, "Registers a deployment",
            takes(models::Definition) gives(201 ModelView) tagged(Shown);
        GET "/api/models/{id}" ReadSettings models::show, "Shows a deployment",
            gives(200 ModelView) tagged(Shown);
        PUT "/api/models/{id}" ManageModels models::replace, "Replaces a deployment",
            takes(models::Definition) gives(200 ModelView) tagged(Compared);
        DELETE "/api/models/{id}" ManageModels models::delete, "Removes a deployment",
            gives(204) tagged(Compared);
        GET "/api/models/{id}/prices" ReadSettings models::versions::list, "Lists all prices of a deployment",
            gives(200 List<VersionView>);
        DELETE "/api/models/{id}/prices/upcoming" ManageModels models::versions::withdraw, "Withdraws planned prices",
            gives(200 ModelView);
        GET "/api/catalogue" ReadSettings catalogue::show, "Shows the fetched price list",
            gives(200 CatalogueView);
        POST "/api/catalogue/refresh" ManageModels catalogue::refresh, "Fetches the price list now",
            gives(200 CatalogueView);
        POST "/api/catalogue/approve" ManageModels catalogue::approve, "Takes over prices that were held back",
            takes(Wanted) gives(200 CatalogueView);
        POST "/api/catalogue/dismiss" ManageModels catalogue::dismiss, "Dismisses prices that were held back",
            takes(Wanted) gives(200 CatalogueView);
        GET "/api/groups" ReadSettings groups::list, "Lists groups",
            asks(ListQuery) gives(200 List<GroupView>);
        POST "/api/groups" ManageModels groups::create, "Makes a group",
            takes(groups::Definition) gives(201 GroupView) tagged(Shown);
        GET "/api/groups/{id:.+}" ReadSettings groups::show, "Shows a group, by id or name",
            gives(200 GroupView) tagged(Shown);
        PUT "/api/groups/{id:.+}" ManageModels groups::replace, "Replaces a group",
            takes(groups::Definition) gives(200 GroupView) tagged(Compared);
        DELETE "/api/groups/{id:.+}" ManageModels groups::delete, "Removes a group",
            gives(204) tagged(Compared);
        GET "/api/routes" ReadSettings routes::list, "Lists where models go that nobody has set up",
            gives(200 List<PatternView>);
        POST "/api/routes/explain" ReadSettings routes::explain, "Says where a request would go, and why",
            takes(Question) gives(200 ExplanationView);
        GET "/api/openapi.json" ReadSettings openapi::show, "Describes every route for programs",
            gives(200 serde_json::Value);
        GET "/api/docs" ReadSettings openapi::page, "Describes every route for people",
            gives(200) or("text/html; charset=utf-8");
    }
}
