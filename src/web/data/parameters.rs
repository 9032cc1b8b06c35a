//! Parameters: whether a key may send what a request says. Owns the words of the refusal.
//! Costs a request of a key without such a list one look.

use farthing_actors::keyring::ring::AuthorizedKey;

use crate::dialect::Request;
use crate::web::error::{Code, Problem};
use crate::web::extract::virtual_key::listed;

/// Whether every parameter that the key names has a value it may have.
///
/// # Errors
/// 403, naming the parameter and its values.
pub(super) fn check(key: &AuthorizedKey, request: &Request) -> Result<(), Problem> {
    let Some(allowed) = &key.key.allowed_parameters else { return Ok(()) };
    let Some((name, values)) = request.beyond_allowed(allowed) else { return Ok(()) };
    let message = format!("the key may not send this value of {name}; it may send {}", listed(&values.0));
    Err(Problem::new(Code::ParameterNotAllowed, message).at(name))
}
