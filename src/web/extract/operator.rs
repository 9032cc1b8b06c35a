//! The operator: whoever manages this gateway, and the permission the handler needs. The permission is in the handler's type:
//! a handler without an `Operator` or a [`Known`] manages nothing.
//! Refuses viewers of single projects wherever an answer does not leave out what they may not see.

use std::future::{Ready, ready};
use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use farthing_actors::domain::{Author, permission};

use super::who::{Sight, Who, identify};
use crate::web::error::{Code, Problem};

/// Where answers leave out what somebody may not see, or there is nothing of any project.
const LEAVE_OUT: [&str; 22] = [
    "/api/projects",
    "/api/projects/{id}",
    "/api/keys",
    "/api/keys/{id}",
    "/api/requests",
    "/api/requests/{id}",
    "/api/usage/summary",
    "/api/usage/series",
    "/api/usage/breakdown",
    "/api/usage/export",
    "/api/openapi.json",
    "/api/docs",
    "/api/feed/tickets",
    "/requests",
    "/requests/{id}",
    "/usage",
    "/projects",
    "/projects/{id}",
    "/keys",
    "/keys/{id}",
    "/sessions",
    "/account",
];

/// Somebody with permission `P`.
#[derive(Debug, Clone)]
pub struct Operator<P> {
    /// Who, when and from where: `management` for the management token, a scoped token by its subject, `user:` and the name
    /// for a session.
    pub author: Author,
    /// What they are and see.
    pub who: Who,
    permission: PhantomData<P>,
}

/// Anybody who is known, whatever they may do.
#[derive(Debug, Clone)]
pub struct Known {
    /// Who, when and from where.
    pub author: Author,
    /// What they are and see.
    pub who: Who,
}

/// A permission as a type.
pub trait Permission {
    /// Which one.
    const PERMISSION: permission::Permission;
    /// Its name.
    const NAME: &'static str = Self::PERMISSION.name();
}

macro_rules! permissions {
    ($($name:ident = $permission:ident;)+) => {
        $(#[doc = concat!("[`", stringify!($permission), "`](permission::Permission::", stringify!($permission), ").")]
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl Permission for $name {
            const PERMISSION: permission::Permission = permission::Permission::$permission;
        })+
    };
}

permissions! {
    ReadSettings = ViewSettings;
    ReadUsage = ViewUsage;
    ReadAudit = ViewAudit;
    ViewSystem = ViewSystem;
    ViewUsers = ViewUsers;
    ManageKeys = ManageKeys;
    ManageProjects = ManageProjects;
    ForceBreakers = ForceBreakers;
    ManageProviders = ManageProviders;
    ManageModels = ManageModels;
    ManageLedger = ManageLedger;
    ManageTokens = ManageTokens;
    ManageBackups = ManageBackups;
    ManageUsers = ManageUsers;
    ManageSessions = ManageSessions;
    ManageSecrets = ManageSecrets;
}

impl<P: Permission> FromRequest for Operator<P> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(identify(request).and_then(|(author, who)| {
            who.allow(P::PERMISSION)?;
            within_sight(request, &who.sight)?;
            Ok(Self { author, who, permission: PhantomData })
        }))
    }
}

impl FromRequest for Known {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(identify(request).map(|(author, who)| Self { author, who }))
    }
}

/// Lets those look who see all projects, or where an answer leaves out what they do not.
///
/// # Errors
/// 403 for viewers of single projects everywhere else.
pub fn within_sight(request: &HttpRequest, sight: &Sight) -> Result<(), Problem> {
    let leaves_out = || request.match_pattern().is_some_and(|pattern| LEAVE_OUT.contains(&pattern.as_str()));
    if *sight == Sight::All || leaves_out() {
        return Ok(());
    }
    Err(Problem::new(Code::Forbidden, "this shows all projects, and the account sees some of them only"))
}
