//! `Idempotency-Key`: a client's name for one call, by which it may send it again without paying twice.
//! Owns what a key may look like, and what makes two requests the same: virtual key, route, key and body.
//! Costs a request without the header one look.

use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, web};
use farthing_actors::idempotency::{Answered, Asked, Claim, Claimed, Fingerprint, Slot};
use farthing_actors::keyring::ring::AuthorizedKey;
use sha2::{Digest, Sha256};

use crate::dialect::Request;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::request_id::ThisRequest;

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const MAX_LENGTH: usize = 255;
const MALFORMED: &str = "Idempotency-Key must be one value of 1 to 255 visible ASCII characters";

/// What was there before a request.
pub(super) enum Before {
    /// Nothing that answers it: it is sent, and its key is in use if it has one.
    Nothing(Option<Box<Claim>>),
    /// An answer to its key.
    Answered(Answered),
}

/// Uses the key of a valid request, if it has one.
///
/// # Errors
/// 400 for a malformed key, 409 while it runs, 422 with another body, 503 if it cannot be written down.
pub(super) async fn claim(
    http: &HttpRequest,
    key: &AuthorizedKey,
    request: &Request,
    ThisRequest(id): ThisRequest,
) -> Result<Before, Problem> {
    let Some(named) = named(http)? else { return Ok(Before::Nothing(None)) };
    let gateway = http.app_data::<web::Data<Gateway>>().ok_or_else(|| Problem::plain(Code::Internal))?;
    let asked = Asked { slot: slot(key, http.path(), named), fingerprint: fingerprint(request), request: id };
    Ok(match gateway.idempotency.claim(asked).await? {
        Claimed::Begun(claim) => Before::Nothing(Some(Box::new(claim))),
        Claimed::Answered(answered) => Before::Answered(answered),
    })
}

/// The key the client has given.
fn named(http: &HttpRequest) -> Result<Option<&[u8]>, Problem> {
    let mut values = http.headers().get_all(HEADER);
    let Some(value) = values.next() else { return Ok(None) };
    let value = value.as_bytes();
    let fits = (1..=MAX_LENGTH).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
    if !fits || values.next().is_some() {
        return Err(Problem::new(Code::InvalidValue, MALFORMED).at("Idempotency-Key"));
    }
    Ok(Some(value))
}

fn slot(key: &AuthorizedKey, path: &str, named: &[u8]) -> Slot {
    let digest = Sha256::new().chain_update(key.key.id.to_string()).chain_update([0]);
    Slot(digest.chain_update(path).chain_update([0]).chain_update(named).finalize().into())
}

/// What the body says, and how the answer is framed, which Gemini's clients ask for beside it.
fn fingerprint(request: &Request) -> Fingerprint {
    let digest = Sha256::new().chain_update(request.sameness());
    Fingerprint(digest.chain_update([u8::from(request.wants_array())]).finalize().into())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use actix_web::test::TestRequest;

    use super::*;

    fn request(values: &[&[u8]]) -> HttpRequest {
        let value = |value: &&[u8]| (HEADER, HeaderValue::from_bytes(value).unwrap());
        values.iter().map(value).fold(TestRequest::post(), TestRequest::append_header).to_http_request()
    }

    #[test]
    fn a_key_is_one_value_of_visible_ascii() {
        assert_eq!(named(&request(&[])).unwrap(), None);
        let (longest, too_long) = ([b'k'; MAX_LENGTH], [b'k'; MAX_LENGTH + 1]);
        for good in [&b"a"[..], b"\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", b"!~", &longest] {
            assert_eq!(named(&request(&[good])).unwrap(), Some(good));
        }
        let twice: [&[u8]; 2] = [b"a", b"a"];
        for bad in [&[&b""[..]][..], &[b"two words"], &[b"caf\xc3\xa9"], &[&too_long], &twice] {
            assert_eq!(named(&request(bad)).unwrap_err().code, Code::InvalidValue, "{bad:?}");
        }
    }
}
