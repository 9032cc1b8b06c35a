//! A line of the table of routes: plain facts about a route, and the route itself.
//! Owns the bond between who a line says may call and the handler's first argument, which the compiler checks.
//!
//! A handler that begins with the guard its line names:
//!
//! ```
//! use actix_web::{HttpResponse, http::Method, web};
//! use farthing::web::extract::operator::{Operator, ReadUsage};
//! use farthing::web::routes::line::line;
//!
//! async fn show(_: Operator<ReadUsage>, _: web::Path<String>) -> HttpResponse { HttpResponse::Ok().finish() }
//! line(Method::GET, "/api/things/{id}", ReadUsage, show, "Shows a thing");
//! ```
//!
//! One that asks for another permission, or lets anybody in, does not build:
//!
//! ```compile_fail
//! # use actix_web::{HttpResponse, http::Method, web};
//! # use farthing::web::extract::operator::{ManageKeys, Operator, ReadUsage};
//! # use farthing::web::routes::line::line;
//! async fn show(_: Operator<ManageKeys>, _: web::Path<String>) -> HttpResponse { HttpResponse::Ok().finish() }
//! line(Method::GET, "/api/things/{id}", ReadUsage, show, "Shows a thing");
//! ```
//!
//! ```compile_fail
//! # use actix_web::{HttpResponse, http::Method, web};
//! # use farthing::web::extract::operator::ReadUsage;
//! # use farthing::web::routes::line::line;
//! async fn show(_: web::Path<String>) -> HttpResponse { HttpResponse::Ok().finish() }
//! line(Method::GET, "/api/things/{id}", ReadUsage, show, "Shows a thing");
//! ```

use std::fmt;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::{FromRequest, Handler, HttpRequest, Responder, Route, guard};
use farthing_actors::domain::permission;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::web::dashboard::visitor::Visitor;
use crate::web::error::Problem;
use crate::web::extract::operator::{Known, Operator, Permission};
use crate::web::extract::virtual_key::Caller;

/// One route.
pub struct Line {
    /// Which method.
    pub method: Method,
    /// Where, with its parameters: `/api/keys/{id}`; `{id:.+}` takes slashes too.
    pub path: &'static str,
    /// Who may.
    pub needs: Needs,
    /// What for: a few words that begin with a verb.
    pub about: &'static str,
    /// What its query may say.
    pub asks: Option<Shape>,
    /// What its body must be.
    pub takes: Option<Content>,
    /// What it answers, by status; refusals are the same everywhere.
    pub gives: Vec<(u16, Content)>,
    /// Whether it has to do with versions.
    pub tag: Option<Tag>,
    pub(super) route: Route,
}

/// A body: its media type and, where it is JSON, its shape. The type is empty where there is no body.
#[derive(Debug, Clone, Copy)]
pub struct Content {
    /// Such as `application/json`.
    pub kind: &'static str,
    /// Described by the type that is read or written.
    pub shape: Option<Shape>,
}

/// What bodies the routes of one place take: by method, the media type. Other routes take none.
#[derive(Debug)]
pub struct Bodies(Vec<(Method, &'static str)>);

/// What a route has to do with versions of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// Its answer says which one it shows (`ETag`).
    Shown,
    /// It goes only by the one that is expected (`If-Match`), and says which one there is then.
    Compared,
}

/// Describes a type.
pub type Shape = fn(&mut SchemaGenerator) -> Schema;

/// The media type of nearly everything.
pub const JSON: &str = "application/json";

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Anybody.
    Nothing,
    /// An application with its virtual key.
    Key,
    /// Somebody signed in with a browser; others are sent to sign in.
    SignedIn,
    /// Anybody who is known, by a session or a token.
    Known,
    /// An operator with this permission.
    Can(permission::Permission),
}

/// Who a line says may call; every permission is one.
pub trait Need {
    /// As a plain fact.
    const NEEDS: Needs;
}

/// Anybody may call.
#[derive(Debug, Clone, Copy)]
pub struct Open;
/// An application may call.
#[derive(Debug, Clone, Copy)]
pub struct Key;
/// A browser that has signed in may call.
#[derive(Debug, Clone, Copy)]
pub struct SignedIn;

/// Whoever is known may call.
#[derive(Debug, Clone, Copy)]
pub struct Recognised;

/// The guard of a route that anybody may call: its handler says so by its first argument.
#[derive(Debug, Clone, Copy)]
pub struct Anybody;

/// The first argument of handlers that only let in whoever `N` says.
pub trait Guard<N> {}

/// The arguments of a handler whose first one is a guard.
#[diagnostic::on_unimplemented(message = "the handler's first argument does not let in whoever the line says")]
pub trait OpensWith<N> {}

impl<P: Permission> Need for P {
    const NEEDS: Needs = Needs::Can(P::PERMISSION);
}

impl Need for Open {
    const NEEDS: Needs = Needs::Nothing;
}

impl Need for Key {
    const NEEDS: Needs = Needs::Key;
}

impl Need for SignedIn {
    const NEEDS: Needs = Needs::SignedIn;
}

impl Need for Recognised {
    const NEEDS: Needs = Needs::Known;
}

impl<P: Permission> Guard<P> for Operator<P> {}
impl Guard<Recognised> for Known {}
impl Guard<Open> for Anybody {}
impl Guard<Key> for Caller {}
impl<N: Need> Guard<N> for Visitor<N> {}

macro_rules! opens_with {
    ($($rest:ident)*) => {
        impl<N, G: Guard<N>, $($rest),*> OpensWith<N> for (G, $($rest,)*) {}
    };
}

opens_with! {}
opens_with! { A }
opens_with! { A B }
opens_with! { A B C }
opens_with! { A B C D }
opens_with! { A B C D E }
opens_with! { A B C D E F }

/// A WebSocket has no answer whose head alone could be asked for.
const SOCKET: &str = "/ws/feed";

/// A line. The handler's first argument must be the guard of what it needs. Whatever can be read by GET is there for HEAD too: the
/// same handler, for the same callers, whose body the outermost layer leaves out.
pub fn line<N, H, Args>(method: Method, path: &'static str, _: N, handler: H, about: &'static str) -> Line
where
    N: Need,
    H: Handler<Args, Output: Responder + 'static>,
    Args: FromRequest + OpensWith<N> + 'static,
{
    let route = match methods(&method, path) {
        [_, _] => Route::new().guard(guard::Any(guard::Get()).or(guard::Head())),
        _ => Route::new().method(method.clone()),
    };
    let route = route.to(handler);
    Line { method, path, needs: N::NEEDS, about, asks: None, takes: None, gives: Vec::new(), tag: None, route }
}

/// What a line of this method answers.
fn methods(method: &Method, path: &str) -> &'static [&'static str] {
    match *method {
        Method::GET if path != SOCKET => &["GET", "HEAD"],
        Method::GET => &["GET"],
        _ => &[],
    }
}

impl Line {
    /// The methods it answers, as `Allow` lists them.
    pub(super) fn methods(&self) -> String {
        let several = methods(&self.method, self.path);
        if several.is_empty() { self.method.to_string() } else { several.join(", ") }
    }

    /// The line with a query of this type.
    pub(super) fn asks<T: JsonSchema>(self) -> Self {
        Self { asks: Some(shape::<T>), ..self }
    }

    /// The line with a JSON body of this type.
    pub(super) fn takes<T: JsonSchema>(self) -> Self {
        Self { takes: Some(Content { kind: JSON, shape: Some(shape::<T>) }), ..self }
    }

    /// The line with a body that is no JSON.
    pub(super) fn reads(self, kind: &'static str) -> Self {
        Self { takes: Some(Content { kind, shape: None }), ..self }
    }

    /// The line with one more answer.
    pub(super) fn gives(mut self, status: u16, shape: Option<Shape>) -> Self {
        let kind = if shape.is_some() { JSON } else { "" };
        self.gives.push((status, Content { kind, shape }));
        self
    }

    /// The line with what it has to do with versions.
    pub(super) fn tagged(self, tag: Tag) -> Self {
        Self { tag: Some(tag), ..self }
    }

    /// The line with the same answer in another form.
    pub(super) fn or(mut self, kind: &'static str) -> Self {
        self.gives.push((200, Content { kind, shape: None }));
        self
    }
}

impl Bodies {
    /// Those of `lines`.
    pub(super) fn of(lines: &[Line]) -> Self {
        let kind = |line: &Line| line.takes.map(|body| (line.method.clone(), body.kind));
        Self(lines.iter().filter_map(kind).collect())
    }

    /// The media type of the body that the request's route takes; `None` if it takes none.
    pub fn kind(request: &HttpRequest) -> Option<&'static str> {
        let Self(known) = request.app_data()?;
        known.iter().find(|(method, _)| method == request.method()).map(|(_, kind)| *kind)
    }
}

pub(super) fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Lines as one reads them: method, path, need, handler and purpose; then, where the documentation is to have them, the type of
/// the query, that of the body (or its media type), the answers (a status and its type, and other forms of it), and versions.
macro_rules! lines {
    ($($method:ident $path:literal $need:ident $handler:path, $about:literal $(,
        $(asks($asks:ty))? $(takes($takes:ty))? $(reads($reads:literal))?
        $(gives($status:literal $($gives:ty)?))+ $(or($or:literal))* $(tagged($tag:ident))?)?;)+) => {
        vec![$($crate::web::routes::line::line(
            actix_web::http::Method::$method, $path, $need, $handler, $about,
        )
        $($(.asks::<$asks>())? $(.takes::<$takes>())? $(.reads($reads))?
        $(.gives($status, $crate::web::routes::line::given!($($gives)?)))+ $(.or($or))*
        $(.tagged($crate::web::routes::line::Tag::$tag))?)?),+]
    };
}
pub(super) use lines;

macro_rules! given {
    () => {
        None
    };
    ($type:ty) => {
        Some($crate::web::routes::line::shape::<$type>)
    };
}
pub(super) use given;

impl FromRequest for Anybody {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self))
    }
}

/// As the documentation has it.
impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing",
            Self::Key => "a virtual key",
            Self::SignedIn => "a session",
            Self::Known => "a session or a token",
            Self::Can(permission) => permission.name(),
        })
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.method, self.path, self.needs)
    }
}
