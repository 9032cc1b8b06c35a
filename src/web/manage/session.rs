//! `/api/session`: signing in and out, who one is, and the password again. Owns the shape of a sign-in on the wire.
//! Refuses to put a token into a body: it travels in the cookie alone.

use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::{Permission, Role, Secret, SessionId, UserId};
use farthing_actors::sessions::{Session, User, Which};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::read;
use super::rfc3339;
use crate::admin::AdminError;
use crate::admin::sign_in::{Shown, SignedIn as Fresh, called};
use crate::admin::tokens::MANAGEMENT;
use crate::web::Gateway;
use crate::web::dashboard::{origin, visitor};
use crate::web::error::{Code, Problem};
use crate::web::extract::author::{ANONYMOUS, author};
use crate::web::extract::operator::Known;
use crate::web::extract::session::present;
use crate::web::routes::line::Anybody;
use crate::web::strangers::{Attempt, Door};

const CLEAR: HeaderName = HeaderName::from_static("clear-site-data");
const COOKIES_AND_STORAGE: &str = "\"cookies\", \"storage\"";

// Cannot be printed: it holds secrets in the clear.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    username: Option<String>,
    password: Option<String>,
    management_token: Option<String>,
}

// Cannot be printed: it holds secrets in the clear.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Again {
    password: String,
    new_password: Option<String>,
}

/// Who somebody is, and what they may do.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SignedInView {
    user: PersonView,
    /// None for tokens.
    session: Option<TimesView>,
    /// What a page of the session must send in `X-Farthing-CSRF` with every change.
    csrf: Option<String>,
    permissions: Vec<Permission>,
    /// Where the password was changed: how many other sessions that ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions_ended: Option<usize>,
}

#[derive(Serialize, JsonSchema)]
struct PersonView {
    /// None for the management token.
    id: Option<UserId>,
    name: String,
    role: Role,
}

#[derive(Serialize, JsonSchema)]
struct TimesView {
    id: SessionId,
    expires_at: String,
    ends_at: String,
}

/// POST `/api/session`: by name and password, or by the management token.
///
/// # Errors
/// 401, the same whatever was wrong; 503 if too many sign in at once.
pub async fn create(
    _: Anybody,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    origin::own_form(&request)?;
    let fresh = enter(&gateway, &request, read(&request, payload).await?).await?;
    let shown = Shown { digest: fresh.session.digest, session: fresh.session.into(), user: fresh.user };
    let cookie = visitor::cookie(&request, fresh.token);
    let permissions = shown.user.as_ref().map_or(Permission::ALL, |user| user.role.permissions());
    Ok(HttpResponse::Ok().cookie(cookie).json(view(&gateway, &shown, permissions)))
}

async fn enter(gateway: &web::Data<Gateway>, request: &HttpRequest, body: Credentials) -> Result<Fresh, Problem> {
    match (body.username, body.password, body.management_token) {
        (Some(name), Some(password), None) => sign_in(gateway, request, (&name, &password)).await,
        (None, None, Some(token)) => sign_in(gateway, request, (MANAGEMENT, &token)).await,
        _ => Err(Problem::new(Code::MissingField, "send username and password, or management_token")),
    }
}

/// Signs in somebody by name and password, or by the management token under its own name.
///
/// # Errors
/// 429 if too many from there were wrong; 401, the same whatever was wrong; 503 if too many sign in at once.
pub async fn sign_in(
    gateway: &web::Data<Gateway>,
    request: &HttpRequest,
    (name, password): (&str, &str),
) -> Result<Fresh, Problem> {
    // The name belongs to it: a password that is good for one account is no credential for another.
    let credential = if name == MANAGEMENT { password.to_owned() } else { format!("{name}\n{password}") };
    let attempt = Attempt::begin(gateway, request, (Door::Operator, &credential))?;
    let by = author(request, ANONYMOUS, gateway.clock.now());
    let outcome = match name {
        MANAGEMENT => gateway.admin.sign_in_by_token(password, &by).await,
        name => gateway.admin.sign_in(name, Secret::new(password), &by).await,
    };
    let outcome = attempt.told(outcome);
    if outcome.as_ref().is_err_and(|problem| problem.code == Code::InvalidCredentials) {
        gateway.tally.sign_in_failed();
    }
    outcome
}

/// GET `/api/session`: who one is, and what a page of the session must send with every change.
///
/// # Errors
/// 401 for a stranger.
pub async fn show(known: Known, gateway: web::Data<Gateway>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if known.who.session.is_some() {
        let shown = present(&request)?.shown;
        return Ok(HttpResponse::Ok().json(view(&gateway, &shown, &known.who.permissions())));
    }
    Ok(HttpResponse::Ok().json(bearer_view(&gateway, &known)))
}

/// DELETE `/api/session`: signs out. The token is refused from then on.
///
/// # Errors
/// 401 for a stranger, 404 for somebody without a session.
pub async fn end(known: Known, gateway: web::Data<Gateway>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let session = known.who.session.ok_or_else(no_session)?;
    gateway.admin.end_sessions(Which::One(session), "session.end", &known.author).await?;
    let cookie = visitor::no_cookie(&request);
    Ok(HttpResponse::NoContent().insert_header((CLEAR, COOKIES_AND_STORAGE)).cookie(cookie).finish())
}

/// POST `/api/session/password`: lets the session go on from here, and changes the password if a new one is given.
///
/// # Errors
/// 401 if the password is wrong, 404 for somebody without a session, 400 if the new one is too easy.
pub async fn confirm(
    known: Known,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    known.who.session.ok_or_else(no_session)?;
    let Again { password, new_password } = read(&request, payload).await?;
    let shown = present(&request)?.shown;
    let (token, sessions_ended) = again(&gateway, &request, (&shown, password, new_password)).await?;
    let answer = SignedInView { sessions_ended, ..view(&gateway, &shown, &known.who.permissions()) };
    Ok(HttpResponse::Ok().cookie(visitor::cookie(&request, token)).json(answer))
}

/// The token of the session from now on, and how many others ended with a new password.
async fn again(
    gateway: &web::Data<Gateway>,
    request: &HttpRequest,
    (shown, password, new): (&Shown, String, Option<String>),
) -> Result<(String, Option<usize>), Problem> {
    let by = author(request, &called(shown.user.as_deref()), gateway.clock.now());
    let attempt = Attempt::begin(gateway, request, (Door::Operator, &password))?;
    let (changes, new) = (new.is_some(), new.map(Secret::new));
    let confirmed = gateway.admin.confirm_session(shown, (Secret::new(password.as_str()), new), &by).await;
    match &confirmed {
        Err(AdminError::WrongCredentials) => attempt.failed(),
        _ => attempt.spared(),
    }
    let (token, ended) = confirmed?;
    Ok((token, changes.then_some(ended)))
}

fn no_session() -> Problem {
    Problem::new(Code::NotFound, "a token has no session")
}

fn view(gateway: &Gateway, shown: &Shown, permissions: &[Permission]) -> SignedInView {
    let people = gateway.people.load();
    // As it stands now: its token may just have been renewed.
    let session = people.session(shown.session.id).unwrap_or(&shown.session);
    SignedInView {
        user: PersonView::of(shown.user.as_deref(), Role::Owner),
        session: Some(TimesView::from(&**session)),
        csrf: Some(gateway.security.csrf(session.id)),
        permissions: permissions.to_vec(),
        sessions_ended: None,
    }
}

fn bearer_view(gateway: &Gateway, known: &Known) -> SignedInView {
    let people = gateway.people.load();
    let user = known.who.user.and_then(|id| people.user(id));
    SignedInView {
        user: PersonView::of(user.map(|user| &**user), known.who.role),
        session: None,
        csrf: None,
        permissions: known.who.permissions(),
        sessions_ended: None,
    }
}

impl PersonView {
    fn of(user: Option<&User>, role: Role) -> Self {
        match user {
            Some(user) => Self { id: Some(user.id), name: user.name.to_string(), role: user.role },
            None => Self { id: None, name: MANAGEMENT.to_owned(), role },
        }
    }
}

impl From<&Session> for TimesView {
    fn from(session: &Session) -> Self {
        Self { id: session.id, expires_at: rfc3339(session.expires_at), ends_at: rfc3339(session.ends_at) }
    }
}
