//! Management: who calls, and what they may.

use super::line::{Line, lines};
use crate::web::extract::operator::{ManageKeys, ManageProjects, ManageTokens, ReadSettings, ReadUsage};
use crate::web::manage::{cache, keys, projects, runs, tokens};

pub(super) fn lines() -> Vec<Line> {
    lines! {
        GET    "/api/projects"                      ReadSettings   projects::list,        "Lists projects";
        POST   "/api/projects"                      ManageProjects projects::create,      "Makes a project";
        GET    "/api/projects/{id}"                 ReadSettings   projects::show,        "Shows a project";
        PATCH  "/api/projects/{id}"                 ManageProjects projects::change,      "Changes a project";
        DELETE "/api/projects/{id}"                 ManageProjects projects::delete,      "Removes a project";
        POST   "/api/projects/{id}/revoke-keys"     ManageKeys     projects::revoke_keys, "Revokes every key of a project";
        GET    "/api/cache"                         ReadSettings   cache::show,           "Shows how full the response cache is";
        DELETE "/api/cache"                         ManageProjects cache::purge,          "Empties the response cache";
        GET    "/api/keys"                          ReadSettings   keys::list,            "Lists virtual keys";
        POST   "/api/keys"                          ManageKeys     keys::create,          "Makes a virtual key";
        GET    "/api/keys/{id}"                     ReadSettings   keys::show,            "Shows a virtual key";
        PATCH  "/api/keys/{id}"                     ManageKeys     keys::change,          "Changes a virtual key";
        DELETE "/api/keys/{id}"                     ManageKeys     keys::revoke,          "Revokes a virtual key";
        POST   "/api/keys/{id}/rotate"              ManageKeys     keys::rotate,          "Gives a virtual key another secret";
        POST   "/api/keys/{id}/revoke"              ManageKeys     keys::revoke,          "Revokes a virtual key";
        POST   "/api/keys/{id}/runs/{name}/kill"    ManageKeys     runs::kill_by_name,    "Ends a run by its name";
        GET    "/api/runs"                          ReadUsage      runs::list,            "Lists runs of agents";
        POST   "/api/runs/{id}/kill"                ManageKeys     runs::kill,            "Ends a run";
        POST   "/api/tokens"                        ManageTokens   tokens::create,        "Issues a scoped token";
    }
}
