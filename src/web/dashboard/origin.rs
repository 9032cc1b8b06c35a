//! Origins: whether a browser sent this from one of our own pages.
//! Owns who is let in by that. Refuses other sites' forms and sockets; what our origin is, the front knows.

use actix_web::HttpRequest;
use actix_web::http::header::ORIGIN;

use crate::web::error::{Code, Problem};
use crate::web::front;

const FETCH_SITE: &str = "sec-fetch-site";

/// The origin the request names; `None` if it names none.
///
/// # Errors
/// 403 if that is not our own.
pub fn own_origin(request: &HttpRequest) -> Result<Option<&str>, Problem> {
    let Some(origin) = request.headers().get(ORIGIN) else { return Ok(None) };
    let origin = origin.to_str().map_err(|_| foreign())?;
    if origin == front::own_origin(request) { Ok(Some(origin)) } else { Err(foreign()) }
}

/// The origin of a page that may open the live feed; `None` if the request names none.
///
/// # Errors
/// 403 if it is not one of those pages.
pub fn of_socket(request: &HttpRequest) -> Result<Option<&str>, Problem> {
    let Some(origin) = request.headers().get(ORIGIN) else { return Ok(None) };
    let origin = origin.to_str().ok().filter(|origin| front::admits_sockets_of(request, origin));
    origin.map(Some).ok_or_else(foreign_socket)
}

/// Lets a form of ours pass, and callers that are no browser.
///
/// # Errors
/// 403 for another site's form.
pub fn own_form(request: &HttpRequest) -> Result<(), Problem> {
    let site = request.headers().get(FETCH_SITE).map(|site| site.as_bytes());
    match site {
        // A page that sends no referrer names no origin either; the browser's own word on the site stands.
        Some(b"same-origin") if names_null(request) => Ok(()),
        Some(b"same-origin" | b"none") | None => own_origin(request).map(drop),
        Some(_) => Err(foreign()),
    }
}

/// Lets a change pass that a page of ours sends for who has signed in: [`own_form`], and more than silence speaks for it.
///
/// # Errors
/// 403 for whatever else.
pub fn own_page(request: &HttpRequest) -> Result<(), Problem> {
    own_form(request)?;
    if request.headers().get(FETCH_SITE).is_some_and(|site| site != "same-origin") {
        let message = "a change by a session is sent by a page of this gateway (Sec-Fetch-Site: same-origin)";
        return Err(Problem::new(Code::Forbidden, message));
    }
    let named = request.headers().contains_key(ORIGIN);
    if named { Ok(()) } else { Err(Problem::new(Code::Forbidden, "a change by a session needs an Origin header")) }
}

fn names_null(request: &HttpRequest) -> bool {
    request.headers().get(ORIGIN).is_some_and(|origin| origin == "null")
}

fn foreign() -> Problem {
    Problem::new(
        Code::Forbidden,
        "the request comes from another site; open the dashboard itself; behind a proxy, \
                                   server.trusted_proxies or server.public_origin must say how browsers reach it",
    )
}

fn foreign_socket() -> Problem {
    Problem::new(
        Code::Forbidden,
        "the page is of another site; websocket.allowed_origins lists those that may listen, and server.public_origin or \
         server.trusted_proxies must say how browsers reach this one behind a proxy",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn request(headers: &[(&'static str, &'static str)]) -> HttpRequest {
        let begun = TestRequest::default().insert_header(("host", "gateway.test:8080"));
        headers.iter().fold(begun, |request, header| request.insert_header(*header)).to_http_request()
    }

    #[test]
    fn an_origin_is_ours_to_the_letter() {
        let own = ("origin", "http://gateway.test:8080");
        assert_eq!(own_origin(&request(&[own])).unwrap(), Some("http://gateway.test:8080"));
        assert_eq!(own_origin(&request(&[])).unwrap(), None);
        for other in ["http://gateway.test", "https://gateway.test:8080", "http://gateway.test:8080.evil", "null", ""] {
            assert_eq!(own_origin(&request(&[("origin", other)])).unwrap_err().code, Code::Forbidden, "{other}");
        }
    }

    #[test]
    fn forms_of_other_sites_are_refused() {
        let (own, null) = (("origin", "http://gateway.test:8080"), ("origin", "null"));
        let site = |word| ("sec-fetch-site", word);
        for ours in [&[][..], &[own], &[own, site("same-origin")], &[site("none")], &[null, site("same-origin")]] {
            assert!(own_form(&request(ours)).is_ok(), "{ours:?}");
        }
        for ours in [&[own][..], &[own, site("same-origin")], &[null, site("same-origin")]] {
            assert!(own_page(&request(ours)).is_ok(), "{ours:?}");
        }
        for nobodys in
            [&[][..], &[site("same-origin")], &[site("none")], &[own, site("none")], &[own, site("cross-site")]]
        {
            assert_eq!(own_page(&request(nobodys)).unwrap_err().code, Code::Forbidden, "{nobodys:?}");
        }
        let evil = ("origin", "http://evil.test");
        for theirs in [
            &[null][..],
            &[evil],
            &[evil, site("same-origin")],
            &[own, site("same-site")],
            &[own, site("cross-site")],
            &[null, site("none")],
        ] {
            assert!(own_form(&request(theirs)).is_err(), "{theirs:?}");
        }
    }
}
