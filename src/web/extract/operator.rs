//! The operator: whoever manages this gateway, and the permission the handler needs.
//! Owns the check of the management token and of scoped tokens. The permission is in the handler's type: a handler without
//! an `Operator` manages nothing.

use std::future::{Ready, ready};
use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use farthing_actors::domain::{Author, permission};

use super::author::{author, remember};
use super::virtual_key::bearer;
use crate::admin::tokens::MANAGEMENT;
use crate::security::Claims;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::strangers::{Attempt, Door};

/// Somebody with permission `P`.
#[derive(Debug, Clone)]
pub struct Operator<P> {
    /// Who, when and from where; called `management` for the management token, as its subject for a scoped one.
    pub author: Author,
    permission: PhantomData<P>,
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
        ready(identify(request, P::PERMISSION).map(|author| Self { author, permission: PhantomData }))
    }
}

/// Who the request is from, if they have `permission`. Remembers whoever is known, also where they lack it.
///
/// # Errors
/// 401 for a stranger, 403 for somebody without the permission.
pub fn identify(request: &HttpRequest, permission: permission::Permission) -> Result<Author, Problem> {
    let gateway = request.app_data::<web::Data<Gateway>>().ok_or_else(|| Problem::plain(Code::Internal))?;
    let presented = bearer(request).ok_or_else(|| Problem::plain(Code::Unauthorized))?;
    let attempt = Attempt::begin(gateway, request, (Door::Operator, presented))?;
    let claims = attempt.ended(recognise(gateway, presented))?;
    let author = author(request, claims.as_ref().map_or(MANAGEMENT, |claims| &claims.sub), gateway.clock.now());
    remember(request, &author);
    let Some(claims) = claims else { return Ok(author) };
    if claims.scope.iter().any(|scope| scope.parse() == Ok(permission)) {
        return Ok(author);
    }
    Err(Problem::new(Code::Forbidden, format!("the token lacks the permission {permission}")))
}

/// The claims of a scoped token; the management token has none, because it may do everything.
fn recognise(gateway: &Gateway, presented: &str) -> Result<Option<Claims>, Problem> {
    if gateway.security.is_management_token(presented) {
        return Ok(None);
    }
    let claims = gateway.security.verify_token(presented, gateway.clock.now());
    let claims = claims.map_err(|error| Problem::new(Code::Unauthorized, error.to_string()))?;
    if gateway.keyring.load().is_revoked(claims.jti) {
        return Err(Problem::new(Code::Unauthorized, "the token was revoked"));
    }
    Ok(Some(claims))
}
