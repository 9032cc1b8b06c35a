//! Management: where calls can go, and at which prices.

use super::line::{Line, lines};
use crate::web::extract::operator::{ForceBreakers, ManageModels, ManageProviders, ReadSettings};
use crate::web::manage::{catalogue, groups, models, providers, routes};

pub(super) fn lines() -> Vec<Line> {
    lines! {
        GET    "/api/providers"                      ReadSettings    providers::list,            "Lists providers";
        POST   "/api/providers"                      ManageProviders providers::create,          "Registers a provider";
        GET    "/api/providers/{id}"                 ReadSettings    providers::show,            "Shows a provider";
        PATCH  "/api/providers/{id}"                 ManageProviders providers::change,          "Changes a provider";
        DELETE "/api/providers/{id}"                 ManageProviders providers::delete,          "Removes a provider";
        PUT    "/api/providers/{id}/breaker"         ForceBreakers   providers::breaker::force,  "Forces a provider's circuits open or closed";
        POST   "/api/providers/{id}/test"            ManageProviders providers::check::test,     "Tries a provider with its key";
        GET    "/api/models"                         ReadSettings    models::list,               "Lists deployments";
        POST   "/api/models"                         ManageModels    models::create,             "Registers a deployment";
        GET    "/api/models/{id}"                    ReadSettings    models::show,               "Shows a deployment";
        PUT    "/api/models/{id}"                    ManageModels    models::replace,            "Replaces a deployment";
        DELETE "/api/models/{id}"                    ManageModels    models::delete,             "Removes a deployment";
        GET    "/api/models/{id}/prices"             ReadSettings    models::versions::list,     "Lists every version of a deployment's prices";
        DELETE "/api/models/{id}/prices/upcoming"    ManageModels    models::versions::withdraw, "Withdraws prices before they take over";
        GET    "/api/catalogue"                      ReadSettings    catalogue::show,            "Shows the fetched price list";
        POST   "/api/catalogue/refresh"              ManageModels    catalogue::refresh,         "Fetches the price list now";
        POST   "/api/catalogue/approve"              ManageModels    catalogue::approve,         "Takes over prices that were held back";
        POST   "/api/catalogue/dismiss"              ManageModels    catalogue::dismiss,         "Dismisses prices that were held back";
        GET    "/api/groups"                         ReadSettings    groups::list,               "Lists groups";
        POST   "/api/groups"                         ManageModels    groups::create,             "Makes a group";
        GET    "/api/groups/{id:.+}"                 ReadSettings    groups::show,               "Shows a group, by id or name";
        PUT    "/api/groups/{id:.+}"                 ManageModels    groups::replace,            "Replaces a group";
        DELETE "/api/groups/{id:.+}"                 ManageModels    groups::delete,             "Removes a group";
        POST   "/api/routes/explain"                 ReadSettings    routes::explain,            "Says where a request would go, and why";
    }
}
