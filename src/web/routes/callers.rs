//! Management: who calls, and what they may.

use super::line::{Line, lines};
use crate::web::extract::operator::{ManageKeys, ManageProjects, ManageTokens, ReadSettings, ReadUsage};
use crate::web::manage::cache::{CacheView, PurgeQuery, PurgedView};
use crate::web::manage::keys::tokens as key_tokens;
use crate::web::manage::keys::tokens::{KeyTokenView, NewKeyToken};
use crate::web::manage::keys::{ChangedKey, KeyView, KeysQuery, NewKey, Rotation};
use crate::web::manage::list::{List, ListQuery};
use crate::web::manage::projects::{ChangedProject, NewProject, ProjectView, RevokedView};
use crate::web::manage::runs::{KilledView, RunView, RunsQuery};
use crate::web::manage::tokens::{NewToken, RevokedToken, TokenView};
use crate::web::manage::{cache, keys, projects, runs, tokens};

pub(super) fn lines() -> Vec<Line> {
    lines! {
        GET "/api/projects" ReadSettings projects::list, "Lists projects",
            asks(ListQuery) gives(200 List<ProjectView>);
        POST "/api/projects" ManageProjects projects::create, "Makes a project",
            takes(NewProject) gives(201 ProjectView);
        GET "/api/projects/{id}" ReadSettings projects::show, "Shows a project",
            gives(200 ProjectView);
        PATCH "/api/projects/{id}" ManageProjects projects::change, "Changes a project",
            takes(ChangedProject) gives(200 ProjectView);
        DELETE "/api/projects/{id}" ManageProjects projects::delete, "Removes a project",
            gives(204);
        POST "/api/projects/{id}/revoke-keys" ManageKeys projects::revoke_keys, "Revokes every key of a project",
            gives(200 RevokedView);
        GET "/api/cache" ReadSettings cache::show, "Shows how full the response cache is",
            gives(200 CacheView);
        DELETE "/api/cache" ManageProjects cache::purge, "Empties the response cache",
            asks(PurgeQuery) gives(200 PurgedView);
        GET "/api/keys" ReadSettings keys::list, "Lists virtual keys",
            asks(KeysQuery) gives(200 List<KeyView>);
        POST "/api/keys" ManageKeys keys::create, "Makes a virtual key",
            takes(NewKey) gives(201 KeyView);
        GET "/api/keys/{id}" ReadSettings keys::show, "Shows a virtual key",
            gives(200 KeyView);
        PATCH "/api/keys/{id}" ManageKeys keys::change, "Changes a virtual key",
            takes(ChangedKey) gives(200 KeyView);
        DELETE "/api/keys/{id}" ManageKeys keys::revoke, "Revokes a virtual key",
            gives(200 KeyView);
        POST "/api/keys/{id}/rotate" ManageKeys keys::rotate, "Gives a virtual key another secret",
            takes(Rotation) gives(201 KeyView);
        POST "/api/keys/{id}/revoke" ManageKeys keys::revoke, "Revokes a virtual key",
            gives(200 KeyView);
        POST "/api/keys/{id}/tokens" ManageKeys key_tokens::create, "Issues a short-lived token of a virtual key",
            takes(NewKeyToken) gives(201 KeyTokenView);
        DELETE "/api/keys/{id}/tokens/{jti}" ManageKeys key_tokens::revoke, "Takes a token of a virtual key back",
            gives(200 RevokedToken);
        POST "/api/keys/{id}/runs/{name}/kill" ManageKeys runs::kill_by_name, "Ends a run by its name",
            gives(200 KilledView);
        GET "/api/runs" ReadUsage runs::list, "Lists runs of agents",
            asks(RunsQuery) gives(200 List<RunView>);
        POST "/api/runs/{id}/kill" ManageKeys runs::kill, "Ends a run",
            gives(200 KilledView);
        POST "/api/tokens" ManageTokens tokens::create, "Issues a scoped token",
            takes(NewToken) gives(201 TokenView);
        DELETE "/api/tokens/{jti}" ManageTokens tokens::revoke, "Takes a scoped token back",
            gives(200 RevokedToken);
    }
}
