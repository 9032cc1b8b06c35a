//! Who a management request is from: a session in a cookie, the management token, or a scoped token. Owns what follows from it:
//! their role, what they may do and what they may see. Refuses to trust what a credential says of its bearer: the role is the
//! one that the account has now.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{HttpRequest, web};
use farthing_actors::domain::{Author, Permission, ProjectId, Role, SessionId, UserId};
use farthing_actors::sessions::User;

use super::author::{author, remember};
use super::virtual_key::bearer;
use super::{body, session};
use crate::admin::sign_in::{Shown, called};
use crate::admin::tokens::MANAGEMENT;
use crate::security::{Claims, Maker};
use crate::web::Gateway;
use crate::web::dashboard::origin;
use crate::web::error::{Code, Problem};
use crate::web::strangers::{Attempt, Door};

/// What a page sends with every change; [`Who::session`]'s own, so that no other site can.
pub const CSRF: &str = "x-farthing-csrf";

/// Somebody who is known.
#[derive(Debug, Clone)]
pub struct Who {
    /// What they are now.
    pub role: Role,
    /// Their account; `None` for the management token.
    pub user: Option<UserId>,
    /// Their session, if it is that they came with.
    pub session: Option<SessionId>,
    /// What they see.
    pub sight: Sight,
    /// All that their token is for; `None` if they came without one.
    scopes: Option<Arc<[Permission]>>,
}

/// Which projects somebody sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Every one.
    All,
    /// These, and what is below them.
    Projects(Arc<[ProjectId]>),
}

impl Sight {
    /// Whether somebody sees this project.
    pub fn sees(&self, project: ProjectId) -> bool {
        match self {
            Self::All => true,
            Self::Projects(projects) => projects.contains(&project),
        }
    }

    /// The projects of a question as far as somebody sees them; `None` is all of them.
    pub fn within(&self, asked: Option<Vec<ProjectId>>) -> Option<Vec<ProjectId>> {
        match (self, asked) {
            (Self::All, asked) => asked,
            (Self::Projects(seen), None) => Some(seen.to_vec()),
            (Self::Projects(_), Some(asked)) => Some(asked.into_iter().filter(|id| self.sees(*id)).collect()),
        }
    }

    fn of(gateway: &Gateway, user: Option<&User>) -> Self {
        let Some(own) = user.and_then(|user| user.projects.as_deref()) else { return Self::All };
        let keys = gateway.keyring.load();
        let is_own = |id: &ProjectId| keys.lineage(*id).any(|project| own.contains(&project.id));
        Self::Projects(keys.projects().map(|project| project.id).filter(is_own).collect())
    }
}

impl Who {
    /// Whoever knows the management token.
    pub fn management() -> Self {
        Self { role: Role::Owner, user: None, session: None, sight: Sight::All, scopes: None }
    }

    /// Whether they may do this.
    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission) && self.scopes.as_deref().is_none_or(|scopes| scopes.contains(&permission))
    }

    /// Whom they may touch: with a token for a few things nobody makes those who may do everything.
    pub fn rank(&self) -> Role {
        if self.scopes.is_some() { self.role.max(Role::Admin) } else { self.role }
    }

    /// All they may do.
    pub fn permissions(&self) -> Vec<Permission> {
        Permission::ALL.iter().copied().filter(|permission| self.may(*permission)).collect()
    }

    /// Lets them do this.
    ///
    /// # Errors
    /// 403 if they may not.
    pub fn allow(&self, permission: Permission) -> Result<(), Problem> {
        if self.may(permission) {
            return Ok(());
        }
        let lacking = if self.role.may(permission) { "token" } else { self.role.name() };
        Err(Problem::new(Code::Forbidden, format!("this needs the permission {permission}, which the {lacking} lacks")))
    }
}

/// Who the request is from. Remembers them for the record.
///
/// # Errors
/// 401 for a stranger; 403 if the request could be another site's, or a change comes from another network than its session; 415
/// if its session's change is not JSON.
pub fn identify(request: &HttpRequest) -> Result<(Author, Who), Problem> {
    let gateway = request.app_data::<web::Data<Gateway>>().ok_or_else(|| Problem::plain(Code::Internal))?;
    let (author, who) = if request.headers().contains_key(AUTHORIZATION) {
        by_bearer(gateway, request)?
    } else {
        let (author, who, _) = by_session(gateway, request)?;
        (author, who)
    };
    remember(request, &author);
    Ok((author, who))
}

fn by_bearer(gateway: &web::Data<Gateway>, request: &HttpRequest) -> Result<(Author, Who), Problem> {
    let presented = bearer(request).ok_or_else(|| Problem::plain(Code::Unauthorized))?;
    let attempt = Attempt::begin(gateway, request, (Door::Operator, presented))?;
    let claims = attempt.ended(recognise(gateway, presented))?;
    let author = author(request, claims.as_ref().map_or(MANAGEMENT, |claims| &claims.sub), gateway.clock.now());
    let who = match claims {
        Some(claims) => bearer_of(gateway, &claims)?,
        None => Who::management(),
    };
    Ok((author, who))
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

/// Whose session `id` is; `None` if it is over. Looking is no use: the session is over when it would be without.
pub fn session_of(gateway: &Gateway, id: SessionId) -> Option<Who> {
    let (people, now) = (gateway.people.load(), gateway.clock.now());
    let session = people.session(id).filter(|session| now < session.expires_at)?;
    let user = match session.user {
        Some(user) => Some(people.user(user).filter(|user| user.disabled_at.is_none())?),
        None => None,
    };
    let sight = Sight::of(gateway, user.map(|user| &**user));
    let role = user.map_or(Role::Owner, |user| user.role);
    Some(Who { role, user: session.user, session: Some(id), sight, scopes: None })
}

/// With whom a scoped token ends that they make: their account, or the management token they came with or opened their session with.
///
/// # Errors
/// 401 if their session has just ended.
pub fn maker(gateway: &Gateway, request: &HttpRequest, who: &Who) -> Result<Maker, Problem> {
    if let Some(user) = who.user {
        return Ok(Maker::Account(user));
    }
    let mark = match who.session {
        Some(id) => gateway.people.load().session(id).and_then(|session| session.opened_by),
        // Nobody but its bearer makes tokens without an account: a scoped token is for other things.
        None => bearer(request).map(|token| gateway.security.token_mark(token)),
    };
    let mark = mark.and_then(|mark| gateway.security.present_mark(mark));
    mark.map(Maker::Management).ok_or_else(|| Problem::plain(Code::Unauthorized))
}

/// What a scoped token is good for: what its maker may still do.
///
/// # Errors
/// 401 if its maker may do nothing any more.
pub fn bearer_of(gateway: &Gateway, claims: &Claims) -> Result<Who, Problem> {
    let scopes = Some(claims.scope.iter().filter_map(|scope| scope.parse().ok()).collect());
    let Some(maker) = claims.by else {
        let is_admitted = |mark| gateway.security.admitted_marks().contains(&mark);
        if !claims.mark.is_some_and(is_admitted) {
            let message = "the management token that made the token is not admitted any more";
            return Err(Problem::new(Code::Unauthorized, message));
        }
        return Ok(Who { role: Role::Owner, user: None, session: None, sight: Sight::All, scopes });
    };
    let people = gateway.people.load();
    let maker = people.user(maker).filter(|user| user.disabled_at.is_none());
    let gone = || Problem::new(Code::Unauthorized, "whoever made the token has no account any more");
    let maker = maker.ok_or_else(gone)?;
    let sight = Sight::of(gateway, Some(maker));
    Ok(Who { role: maker.role, user: Some(maker.id), session: None, sight, scopes })
}

/// Who the request's session is of.
///
/// # Errors
/// As [`identify`].
pub fn by_session(gateway: &web::Data<Gateway>, request: &HttpRequest) -> Result<(Author, Who, Shown), Problem> {
    let present = session::present(request)?;
    let user = present.shown.user.as_deref();
    let author = author(request, &called(user), gateway.clock.now());
    let session = &present.shown.session;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        // Whoever asks is on record even where the request is refused as another site's.
        remember(request, &author);
        own_page(gateway, request, session.id)?;
        if present.elsewhere && !session::is_door(request) {
            return Err(Problem::plain(Code::ReauthenticationRequired));
        }
    }
    let (user, role) = (session.user, user.map_or(Role::Owner, |user| user.role));
    let sight = Sight::of(gateway, present.shown.user.as_deref());
    let who = Who { role, user, session: Some(session.id), sight, scopes: None };
    Ok((author, who, present.shown))
}

/// Lets a change pass that a page of ours sends. A browser sends its cookie for whoever asks it to.
fn own_page(gateway: &Gateway, request: &HttpRequest, session: SessionId) -> Result<(), Problem> {
    let word = request.headers().get(CSRF).and_then(|word| word.to_str().ok()).unwrap_or_default();
    if !gateway.security.is_csrf(session, word) {
        let message = "a change by a session needs the header X-Farthing-CSRF; GET /api/session tells its value";
        return Err(Problem::new(Code::Forbidden, message));
    }
    origin::own_page(request)?;
    body::as_json(request)
}
