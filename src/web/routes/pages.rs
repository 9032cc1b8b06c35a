//! What operators see in a browser.

use super::line::{Line, Open, SignedIn, lines};
use crate::web::dashboard::{
    account, assets, audit, costs, keys, models, oidc, overview, playground, projects, providers, requests, sessions,
    set_up, sign_in, system, usage, users,
};
use crate::web::extract::operator::{ManageKeys, ReadAudit, ReadSettings, ReadUsage, ViewSystem, ViewUsers};

pub(super) fn lines() -> Vec<Line> {
    lines! {
        GET "/" ReadUsage overview::show, "Shows money, providers, actors and the last calls";
        GET "/projects" ReadSettings projects::list, "Shows projects, their budgets and limits";
        GET "/projects/{id}" ReadSettings projects::show, "Shows a project and what can be changed about it";
        GET "/keys" ReadSettings keys::list, "Shows virtual keys";
        GET "/keys/{id}" ReadSettings keys::show, "Shows a virtual key and what can be changed about it";
        GET "/playground" ManageKeys playground::show, "Sends a prompt as an application would";
        GET "/costs" ReadUsage costs::show, "Shows spend by day, budgets, cache savings and prices";
        GET "/models" ReadSettings models::show, "Shows deployments, prices and groups";
        GET "/models/{id}" ReadSettings models::one::show, "Shows a deployment, its prices and their history";
        GET "/models/groups/{id}" ReadSettings models::group::show, "Shows a group, and forms to change it";
        GET "/requests" ReadUsage requests::show, "Shows calls, and those that fit a search";
        GET "/requests/{id}" ReadUsage requests::story::show, "Shows a call's story";
        GET "/usage" ReadUsage usage::show, "Shows what was used, over time and by whom";
        GET "/users" ViewUsers users::show, "Shows accounts, and a form to make one";
        GET "/users/{id}" ViewUsers users::one::show, "Shows an account and what may be done with it";
        GET "/sessions" SignedIn sessions::show, "Shows one's own sessions, or everybody's";
        GET "/audit" ReadAudit audit::show, "Shows who did what";
        GET "/audit/verify" ReadAudit audit::verdict::show, "Says whether nobody altered the trail";
        GET "/audit/{id}" ReadAudit audit::one::show, "Shows all that is on record of an event";
        GET "/account" SignedIn account::show, "Shows who one is, and a form for another password";
        GET "/providers" ReadSettings providers::list, "Shows providers and how they are";
        GET "/providers/{id}" ReadSettings providers::show, "Shows a provider, and forms to change it";
        GET "/system" ViewSystem system::show, "Shows health, figures, backups, the log and settings";
        GET "/sign-in" Open sign_in::show, "Shows the form to sign in";
        POST "/sign-in" Open sign_in::enter, "Signs in";
        GET "/sign-in/oidc" Open oidc::begin, "Sends a browser to the identity provider";
        GET "/sign-in/oidc/callback" Open oidc::end, "Signs in by the identity provider's word";
        GET "/set-up" Open set_up::show, "Shows the form that makes the first owner";
        POST "/set-up" Open set_up::make, "Makes the first owner, by the code that init told";
        POST "/sign-out" Open sign_in::leave, "Signs out";
        GET "/static/{version}/{name:.+}" Open assets::show, "Gives a file of the pages";
    }
}
