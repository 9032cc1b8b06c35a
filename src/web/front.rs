//! The front: how the outside sees this gateway: its scheme, its name, and which other sites may call it.
//! Owns who is believed about that: our own TLS, the settings, and proxies that are trusted. Refuses everybody else's headers.

use actix_web::HttpRequest;
use actix_web::http::header::HOST;
use actix_web::web;

use super::Gateway;
use super::connection::OverTls;
use super::strangers::is_trusted;
use crate::config::{Network, ServerConfig};

const FORWARDED_PROTO: &str = "x-forwarded-proto";
const FORWARDED_HOST: &str = "x-forwarded-host";

/// What the settings say of it.
#[derive(Debug, Default)]
pub struct Front {
    trusted: Vec<Network>,
    /// A proxy ends TLS, and which one is not known.
    is_behind_any: bool,
    public_origin: Option<String>,
    cors_origins: Vec<String>,
    socket_origins: Vec<String>,
}

impl Front {
    /// As configured.
    pub fn new(config: &ServerConfig) -> Self {
        Self {
            trusted: config.trusted_proxies.clone(),
            is_behind_any: config.behind_proxy && config.trusted_proxies.is_empty(),
            public_origin: config.edge.public_origin.clone(),
            cors_origins: config.edge.cors_origins.clone(),
            socket_origins: config.edge.socket_origins.clone(),
        }
    }

    /// Whether pages of the site `origin` may call the data plane.
    pub fn admits_pages_of(&self, origin: &str) -> bool {
        self.cors_origins.iter().any(|known| known == origin)
    }

    /// Whether pages of the site `origin` may open the live feed: the listed ones, or ours where none is listed. A listed name
    /// is not taken from the request, so that a name that somebody else made point to us opens nothing.
    fn admits_sockets_of(&self, origin: &str, request: &HttpRequest) -> bool {
        if self.socket_origins.is_empty() {
            return origin == self.origin(request);
        }
        self.public_origin.as_deref() == Some(origin) || self.socket_origins.iter().any(|known| known == origin)
    }

    fn is_https(&self, request: &HttpRequest) -> bool {
        if request.conn_data::<OverTls>().is_some() {
            return true;
        }
        match self.forwarded(request, FORWARDED_PROTO) {
            Some(scheme) => scheme.eq_ignore_ascii_case("https"),
            None => self.is_behind_any || self.public_origin.as_deref().is_some_and(|own| own.starts_with("https:")),
        }
    }

    fn origin(&self, request: &HttpRequest) -> String {
        if let Some(origin) = &self.public_origin {
            return origin.clone();
        }
        let scheme = if self.is_https(request) { "https" } else { "http" };
        let named = || request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let host = self.forwarded(request, FORWARDED_HOST).or_else(named).unwrap_or_default();
        format!("{scheme}://{host}")
    }

    /// What the nearest proxy says, if it is trusted: it adds to the right end.
    fn forwarded<'a>(&self, request: &'a HttpRequest, name: &str) -> Option<&'a str> {
        request.peer_addr().filter(|peer| is_trusted(&self.trusted, peer.ip().to_canonical()))?;
        let line = request.headers().get_all(name).last()?.to_str().ok()?;
        line.rsplit(',').next().map(str::trim).filter(|said| !said.is_empty())
    }
}

/// Whether the client came by TLS, here or at a trusted proxy.
pub fn is_https(request: &HttpRequest) -> bool {
    of(request, |front| front.is_https(request))
}

/// Our own origin, as the browser that sends `request` knows it.
pub fn own_origin(request: &HttpRequest) -> String {
    of(request, |front| front.origin(request))
}

/// Whether pages of the site `origin` may open the live feed.
pub fn admits_sockets_of(request: &HttpRequest, origin: &str) -> bool {
    of(request, |front| front.admits_sockets_of(origin, request))
}

fn of<T>(request: &HttpRequest, ask: impl FnOnce(&Front) -> T) -> T {
    match request.app_data::<web::Data<Gateway>>() {
        Some(gateway) => ask(&gateway.front),
        None => ask(&Front::default()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use actix_web::test::TestRequest;

    use super::*;

    fn seen(front: &Front, peer: &str, headers: &[(&'static str, &'static str)]) -> (bool, String) {
        let begun = TestRequest::default().insert_header((HOST, "gateway.test:8080"));
        let begun = begun.peer_addr(SocketAddr::new(peer.parse().unwrap(), 1));
        let request = headers.iter().fold(begun, |request, header| request.append_header(*header)).to_http_request();
        (front.is_https(&request), front.origin(&request))
    }

    #[test]
    fn a_trusted_proxy_says_how_the_browser_came_and_a_stranger_does_not() {
        let front = Front { trusted: vec!["10.0.0.0/8".parse().unwrap()], ..Front::default() };
        let said = [("x-forwarded-proto", "https"), ("x-forwarded-host", "evil.test, farthing.example")];
        assert_eq!(seen(&front, "10.1.1.1", &said), (true, "https://farthing.example".to_owned()));
        assert_eq!(seen(&front, "192.0.2.1", &said), (false, "http://gateway.test:8080".to_owned()));
        assert_eq!(seen(&front, "10.1.1.1", &[]), (false, "http://gateway.test:8080".to_owned()));
        assert!(seen(&front, "::ffff:10.1.1.1", &said).0, "the same proxy, as an IPv6 socket names it");
    }

    #[test]
    fn sockets_open_to_the_listed_sites_alone() {
        let admits = |front: &Front, origin| {
            let request = TestRequest::default().insert_header((HOST, "gateway.test:8080")).to_http_request();
            front.admits_sockets_of(origin, &request)
        };
        let own = Front::default();
        let listed = Front {
            socket_origins: vec!["https://ops.example".to_owned()],
            public_origin: Some("https://farthing.example".to_owned()),
            ..Front::default()
        };
        assert!(admits(&own, "http://gateway.test:8080"));
        assert!(admits(&listed, "https://ops.example") && admits(&listed, "https://farthing.example"));
        for other in [
            "null",
            "",
            "http://evil.test",
            "https://gateway.test:8080",
            "http://gateway.test",
            "http://gateway.test:80",
            "http://gateway.test:8080.evil.test",
            "http://evil.gateway.test:8080",
            "http://gateway.test:80800",
            "http://ops.example",
            "https://ops.example:444",
            "https://ops.example.evil.test",
            "https://myops.example",
            "HTTPS://OPS.EXAMPLE",
            "https://ops.example/",
        ] {
            assert!(!admits(&own, other) && !admits(&listed, other), "{other}");
        }
        assert!(!admits(&listed, "http://gateway.test:8080"), "a name that a request gives us counts for nothing then");
    }

    #[test]
    fn settings_stand_for_a_proxy_that_says_nothing() {
        let behind = Front { is_behind_any: true, ..Front::default() };
        assert_eq!(seen(&behind, "127.0.0.1", &[]), (true, "https://gateway.test:8080".to_owned()));
        let named = Front { public_origin: Some("https://farthing.example".to_owned()), ..Front::default() };
        let lie = [("x-forwarded-host", "evil.test")];
        assert_eq!(seen(&named, "127.0.0.1", &lie), (true, "https://farthing.example".to_owned()));
    }
}
