//! The operator: whoever manages this gateway, and the permission the handler needs. The permission is in the handler's type:
//! a handler without an `Operator` or a [`Known`] manages nothing.
//! Refuses viewers of single projects wherever an answer does not leave out what they may not see, and words that the route does
//! not listen to.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::{FromRequest, HttpRequest, web};
use farthing_actors::domain::{Author, permission};

use super::body;
use super::who::{Sight, Who, identify};
use crate::web::error::{Code, Problem};
use crate::web::manage::body::read_nothing;
use crate::web::routes::line::Bodies;

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

/// Somebody on their way in.
type Entry<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

/// A permission as a type.
pub trait Permission: 'static {
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
    type Future = Entry<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let known = identify(request).and_then(|(author, who)| {
            who.allow(P::PERMISSION)?;
            within_sight(request, &who.sight)?;
            Ok(Self { author, who, permission: PhantomData })
        });
        heard(known, request, payload)
    }
}

impl FromRequest for Known {
    type Error = Problem;
    type Future = Entry<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        heard(identify(request).map(|(author, who)| Self { author, who }), request, payload)
    }
}

/// Lets in who is known. A change whose route takes no body must have none that says something.
fn heard<T: 'static>(known: Result<T, Problem>, request: &HttpRequest, payload: &mut Payload) -> Entry<T> {
    let is_change = !matches!(*request.method(), Method::GET | Method::HEAD);
    if known.is_err() || !is_change || Bodies::kind(request).is_some() || !body::is_there(request) {
        return Box::pin(async { known });
    }
    let (request, payload) = (request.clone(), web::Payload::from_request(request, payload));
    Box::pin(async move {
        let payload = payload.await.map_err(|_| Problem::plain(Code::Internal))?;
        read_nothing(&request, payload).await?;
        known
    })
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
