//! Strangers: what one address may try before anybody looks at what it presents.
//! Owns two meters for each address (failed credentials; requests, if they are limited) and who may pass all the same:
//! a credential that was good a moment ago is not kept out by what others do from the same address. Asks nobody: two
//! tables of words that workers read and swap, of a size that never changes.

mod known;
mod meter;
mod source;

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::Duration;

use actix_web::{HttpRequest, web};

use super::Gateway;
use super::data::dialect_of;
use super::error::{Code, Problem};
use crate::admin::AdminError;
use crate::config::{ManagementConfig, Network, ServerConfig};
pub use known::Door;
use known::{Credential, Known};
use meter::Meter;
pub(super) use source::is_trusted;

const FAILED: &str = "too many keys, tokens or sign-ins from this address were wrong; wait as long as Retry-After says, and \
                      check what this application sends";
const HURRIED: &str = "too many requests come from this address; wait as long as Retry-After says";

/// What load balancers and monitors call.
const PROBES: [&str; 4] = ["/live", "/ready", "/health", "/metrics"];

/// What is known of addresses and credentials.
pub struct Strangers {
    trusted: Vec<Network>,
    /// Where operators may be; nothing is anywhere.
    operators: Vec<Network>,
    hasher: RandomState,
    failures: Option<Meter>,
    requests: Option<Meter>,
    known: Known,
}

/// One try of a credential, before its outcome is known. Whoever hangs up before it is has failed.
#[must_use = "what is dropped counts as wrong"]
pub struct Attempt<'a> {
    strangers: &'a Strangers,
    credential: Credential<'a>,
    address: u64,
    now: Duration,
    settled: bool,
}

impl Strangers {
    /// Nobody is known yet.
    pub fn new(config: &ServerConfig, management: &ManagementConfig) -> Self {
        Self {
            trusted: config.trusted_proxies.clone(),
            operators: management.allowed_addresses.clone(),
            hasher: RandomState::new(),
            failures: Meter::new(config.failures_per_minute, Duration::from_secs(60)),
            requests: Meter::new(config.address_requests_per_second, Duration::from_secs(1)),
            known: Known::new(),
        }
    }

    /// Lets one more request of an address in, whatever it wants.
    ///
    /// # Errors
    /// 429 if too many came.
    pub fn pass(gateway: &Gateway, request: &HttpRequest) -> Result<(), Problem> {
        let strangers = &gateway.strangers;
        let Some(meter) = &strangers.requests else { return Ok(()) };
        let taken = meter.take(strangers.address(request), gateway.clock.monotonic());
        taken.map_err(|wait| refused(HURRIED, wait))
    }

    /// Whether `request` may come from where it does: what is for operators is for some addresses only, if so configured.
    ///
    /// # Errors
    /// 403, before anybody looks at a credential.
    pub fn admit(&self, request: &HttpRequest) -> Result<(), Problem> {
        let anywhere = self.operators.is_empty() || is_for_all(request);
        let within = |address| self.operators.iter().any(|network| network.contains(address));
        if anywhere || self.source(request).is_some_and(within) {
            return Ok(());
        }
        Err(Problem::plain(Code::AddressNotAllowed))
    }

    fn address(&self, request: &HttpRequest) -> u64 {
        self.hasher.hash_one(self.source(request).map(source::network_of))
    }

    /// Whose request it is: the peer's address, or the one behind the proxies that are believed.
    pub fn source(&self, request: &HttpRequest) -> Option<IpAddr> {
        source::of(request, &self.trusted)
    }
}

impl<'a> Attempt<'a> {
    /// Whether a credential is looked at, asked before it is hashed.
    ///
    /// # Errors
    /// 429 if too many of the request's address were wrong.
    pub fn begin(
        gateway: &'a web::Data<Gateway>,
        request: &HttpRequest,
        credential: (Door, &'a str),
    ) -> Result<Self, Problem> {
        let (strangers, now) = (&gateway.strangers, gateway.clock.monotonic());
        let address = strangers.address(request);
        let wait = strangers.failures.as_ref().and_then(|meter| meter.wait(address, now));
        match wait.filter(|_| !strangers.known.has(credential)) {
            Some(wait) => Err(refused(FAILED, wait)),
            None => Ok(Self { strangers, credential, address, now, settled: false }),
        }
    }

    /// It was good.
    pub fn succeeded(mut self) {
        self.settled = true;
        self.strangers.known.remember(self.credential);
    }

    /// It was wrong.
    pub fn failed(self) {
        self.strangers.known.forget(self.credential);
    }

    /// Nobody knows what it was, for a reason that is not whoever's presented it; or it is good for once only.
    pub fn spared(mut self) {
        self.settled = true;
    }

    /// Counts the outcome of a sign-in, and hands it on: whoever was not looked at has not guessed.
    ///
    /// # Errors
    /// That of `outcome`.
    pub fn told<T>(self, outcome: Result<T, AdminError>) -> Result<T, Problem> {
        let outcome = outcome.map_err(Problem::from);
        match &outcome {
            Ok(_) => self.succeeded(),
            Err(problem) if problem.code == Code::InvalidCredentials => self.failed(),
            Err(_) => self.spared(),
        }
        outcome
    }

    /// Counts `outcome`, and hands it on.
    ///
    /// # Errors
    /// That of `outcome`.
    pub fn ended<T>(self, outcome: Result<T, Problem>) -> Result<T, Problem> {
        if outcome.is_ok() {
            self.succeeded()
        } else {
            self.failed()
        }
        outcome
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if let Some(meter) = self.strangers.failures.as_ref().filter(|_| !self.settled) {
            // Who is known may fail once more than others.
            meter.take(self.address, self.now).ok();
        }
    }
}

/// Whether a path is for applications or probes. What is not known to be is for operators.
fn is_for_all(request: &HttpRequest) -> bool {
    dialect_of(request).is_some() || PROBES.contains(&request.path())
}

fn refused(why: &str, wait: Duration) -> Problem {
    Problem::new(Code::AddressLimited, why).retry_after(wait)
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use actix_web::http::StatusCode;
    use actix_web::http::header::RETRY_AFTER;
    use farthing_actors::error::ActorError;
    use farthing_actors::sessions::SessionsError;

    use super::*;

    const NOW: Duration = Duration::from_secs(9);

    fn strangers() -> Strangers {
        Strangers {
            trusted: vec![],
            operators: vec![],
            hasher: RandomState::new(),
            failures: Meter::new(1, Duration::from_secs(60)),
            requests: None,
            known: Known::new(),
        }
    }

    #[test]
    fn whoever_hangs_up_has_guessed_and_nobody_else_pays() {
        let end = |end: fn(Attempt<'_>)| {
            let (strangers, credential) = (strangers(), (Door::Operator, "mia\nguess"));
            strangers.known.remember(credential);
            end(Attempt { strangers: &strangers, credential, address: 1 << 50, now: NOW, settled: false });
            let waits = strangers.failures.as_ref().and_then(|meter| meter.wait(1 << 50, NOW)).is_some();
            (waits, strangers.known.has(credential))
        };
        assert_eq!(end(|attempt| drop(attempt)), (true, true), "it may have been good");
        assert_eq!(end(|attempt| attempt.failed()), (true, false));
        assert_eq!(end(|attempt| attempt.succeeded()), (false, true));
        assert_eq!(end(|attempt| attempt.spared()), (false, true));
    }

    #[test]
    fn whoever_could_not_be_looked_at_comes_again_and_has_not_guessed() {
        let away = AdminError::People(SessionsError::Actor(ActorError::Restarting("sessions")));
        for (error, counts) in [(AdminError::WrongCredentials, true), (AdminError::HashingBusy, false), (away, false)] {
            let (strangers, credential) = (strangers(), (Door::Operator, "mia\nguess"));
            strangers.known.remember(credential);
            let attempt = Attempt { strangers: &strangers, credential, address: 1 << 50, now: NOW, settled: false };
            let problem = attempt.told::<()>(Err(error)).unwrap_err();
            let answer = problem.error_response();
            let told = (answer.status(), answer.headers().contains_key(RETRY_AFTER));
            let expected =
                if counts { (StatusCode::UNAUTHORIZED, false) } else { (StatusCode::SERVICE_UNAVAILABLE, true) };
            assert_eq!(told, expected, "{problem}");
            let waits = strangers.failures.as_ref().and_then(|meter| meter.wait(1 << 50, NOW)).is_some();
            assert_eq!((waits, strangers.known.has(credential)), (counts, !counts), "{problem}");
        }
    }
}
