//! A call: an application that may call, and its request, whose body is not read yet.
//! Owns the order in which a call is looked at: its key, room in the house, its body, room once more (bodies that were let in
//! together are whole together), then what its key allows. Refuses to know dialects.

use std::future::{Ready, ready};
use std::rc::Rc;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use bytes::Bytes;
use farthing_actors::domain::name;

use super::idempotency::{self, Before};
use super::{ANTHROPIC, answer, caching, parameters};
use crate::dialect::Request;
use crate::relay::{Ask, Relay};
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::body;
use crate::web::extract::request_id::ThisRequest;
use crate::web::extract::virtual_key::Caller;
use crate::web::routes::line::{Guard, Key};

/// Headers of Anthropic's clients that mean something to a provider of the same dialect.
const FORWARDED: [&str; 2] = [ANTHROPIC, "anthropic-beta"];

/// The run of an agent that a request is part of.
const RUN: &str = "x-farthing-run";
const BAD_RUN: &str = "x-farthing-run must be a name of 1 to 128 printable characters";

/// What the rules of groups may look at.
const TAGS: &str = "x-farthing-tags";

/// A call that is to be served. Its errors have the shape of its route's dialect.
pub struct Call {
    caller: Caller,
    gateway: web::Data<Gateway>,
    relay: Rc<Relay>,
    pub(super) http: HttpRequest,
    payload: Payload,
}

impl Guard<Key> for Call {}

impl FromRequest for Call {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(http: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Self::begin(http, payload.take()))
    }
}

impl Call {
    fn begin(http: &HttpRequest, mut payload: Payload) -> Result<Self, Problem> {
        let caller = Caller::from_request(http, &mut payload).into_inner()?;
        let gateway = http.app_data::<web::Data<Gateway>>().ok_or_else(|| Problem::plain(Code::Internal))?.clone();
        let relay = http.app_data::<web::ThinData<Rc<Relay>>>().ok_or_else(|| Problem::plain(Code::Internal))?;
        gateway.admit()?;
        Ok(Self { caller, gateway, relay: Rc::clone(relay), http: http.clone(), payload })
    }

    /// The body, once.
    pub(super) async fn body(&mut self) -> Result<Bytes, Problem> {
        self.body_up_to(self.gateway.max_body_bytes).await
    }

    /// The body, once, if it is no upload of more than so many bytes or than any body may have.
    pub(super) async fn upload(&mut self, most: usize) -> Result<Bytes, Problem> {
        self.body_up_to(self.gateway.max_body_bytes.max(most)).await
    }

    async fn body_up_to(&mut self, limit: usize) -> Result<Bytes, Problem> {
        let payload = web::Payload::from_request(&self.http, &mut self.payload).await;
        body::read(&self.http, payload.map_err(|_| Problem::plain(Code::Internal))?, limit).await
    }

    /// Serves a request that generates, in whichever dialect.
    pub(super) async fn serve(self, request: Request) -> Result<HttpResponse, Problem> {
        let Self { caller, gateway, relay, http, .. } = self;
        gateway.admit()?;
        caller.check(&gateway, http.path())?;
        parameters::check(&caller.0, &request)?;
        caller.take(&gateway)?;
        let Caller(key) = caller;
        let id = http.extensions().get::<ThisRequest>().copied().ok_or_else(|| Problem::plain(Code::Internal))?;
        let headers = if matches!(request, Request::Messages(_)) { forwarded(&http) } else { Vec::new() };
        let run = run(&http)?;
        let claim = match idempotency::claim(&http, &key, &request, id).await? {
            Before::Nothing(claim) => claim,
            Before::Answered(answered) => return answer::again(answered),
        };
        if claim.is_some() {
            // Others may have come in while the key was asked about.
            gateway.admit()?;
        }
        let caching = caching::wanted(&http, &key, relay.cache.bounds().max_age);
        let served = relay.serve(id.0, key, Ask { request, headers, run, tags: tags(&http), claim, caching }).await;
        Ok(served.map_or_else(answer::failed, answer::respond))
    }

    /// Counts the tokens of a request that is not sent.
    pub(super) async fn count(self, request: Request) -> Result<HttpResponse, Problem> {
        let Self { caller: Caller(key), relay, .. } = self;
        parameters::check(&key, &request)?;
        let body = relay.count_tokens(&key, &request)?;
        Ok(HttpResponse::Ok().content_type("application/json").body(body))
    }
}

/// The run of an agent that the request says it is part of.
fn run(http: &HttpRequest) -> Result<Option<Arc<str>>, Problem> {
    let Some(value) = http.headers().get(RUN) else { return Ok(None) };
    let name = value.to_str().ok().filter(|name| name::fault(name).is_none());
    let name = name.ok_or_else(|| Problem::new(Code::InvalidValue, BAD_RUN).at(RUN))?;
    Ok(Some(name.into()))
}

/// The tags of the request, as one list.
fn tags(http: &HttpRequest) -> Option<Box<str>> {
    let values: Vec<_> = http.headers().get_all(TAGS).filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(",").into())
}

/// A header that comes several times is one list.
fn forwarded(http: &HttpRequest) -> Vec<(&'static str, String)> {
    let value = |name: &'static str| {
        let values: Vec<_> = http.headers().get_all(name).filter_map(|value| value.to_str().ok()).collect();
        (!values.is_empty()).then(|| (name, values.join(", ")))
    };
    FORWARDED.into_iter().filter_map(value).collect()
}
