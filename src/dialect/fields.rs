//! Fields: the members of a request, read as what they must be.
//! Owns the checks every dialect makes in the same words. Refuses to know which member means what.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::value::RawValue;

use super::fault::RequestFault;
use super::members::{self, Member, Members};
use super::walk::{self, Refused, walk};

/// The deepest nesting accepted, in arrays and objects.
const MAX_DEPTH: usize = 128;

/// The members `names` of a body, which must be one JSON object, not too deep, and give none of them twice.
pub(super) fn open<'a, const N: usize>(
    body: &'a [u8],
    names: &[&'static str; N],
) -> Result<Members<'a, N>, RequestFault> {
    let text = std::str::from_utf8(body).map_err(|_| RequestFault::invalid_json("the body is not valid UTF-8"))?;
    walk(body, MAX_DEPTH).map_err(refused)?;
    let object = members::read(text, names).map_err(|fault| not_an_object(&fault))?;
    match object.duplicate {
        Some(name) => Err(RequestFault::invalid_value(name, "is given twice; send it once")),
        None => Ok(object),
    }
}

/// How much there is in one place of a body that is not passed on, before it is read into values.
pub struct Bulk;

impl Bulk {
    /// Whether it may be read.
    ///
    /// # Errors
    /// If it is too deep, or one array or object has too many members.
    pub fn check(body: &[u8]) -> Result<(), RequestFault> {
        walk::measure(body, MAX_DEPTH).map_err(refused)
    }
}

fn refused(refused: Refused) -> RequestFault {
    match refused {
        Refused::TooDeep => {
            let message = format!("the body is nested deeper than {MAX_DEPTH} levels; flatten it");
            RequestFault { message, param: None, code: "too_deep" }
        }
        Refused::Crowded(place) => RequestFault::crowded(&place),
        Refused::Steering(name) => steering(&name),
    }
}

/// The fault of a member that chooses an address.
pub(super) fn steering(name: &str) -> RequestFault {
    RequestFault::unsupported(name, "a request cannot choose where it is sent; leave it out and name a model")
}

/// The name of a model.
pub(super) fn model(model: Member<'_>) -> Result<String, RequestFault> {
    let name =
        model.string().ok_or_else(|| RequestFault::invalid_type("model", "must be a string that names a model"))?;
    if name.is_empty() {
        Err(RequestFault::invalid_value("model", "must not be empty; name a model"))
    } else {
        Ok(name)
    }
}

/// A flag; `null` is false.
pub(super) fn flag(name: &str, flag: Option<Member<'_>>) -> Result<bool, RequestFault> {
    match flag.map(|flag| flag.text) {
        Some("true") => Ok(true),
        None | Some("false" | "null") => Ok(false),
        Some(_) => Err(RequestFault::invalid_type(name, "must be true, false or null")),
    }
}

/// A whole number; `null` is none.
pub(super) fn whole(
    name: &str,
    number: Option<Member<'_>>,
    allowed: RangeInclusive<u64>,
) -> Result<Option<u64>, RequestFault> {
    let Some(number) = number.filter(|number| !number.is_null()) else { return Ok(None) };
    if !number.text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return Err(RequestFault::invalid_type(name, "must be a whole number"));
    }
    let whole = number.whole().filter(|whole| allowed.contains(whole));
    let bound = if *allowed.end() == u64::MAX { String::new() } else { format!(" and at most {}", allowed.end()) };
    let wrong =
        || RequestFault::invalid_value(name, &format!("must be a whole number of at least {}{bound}", allowed.start()));
    whole.ok_or_else(wrong).map(Some)
}

/// For a translation: the first member of a body that its dialect does not know, `null` counting as absent. What nobody
/// here understands might change the answer, so it is never passed over.
pub(super) fn refuse_unknown(text: &str, is_known: impl Fn(&str) -> bool) -> Result<(), RequestFault> {
    let all: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
    let mut unknown = all.iter().filter(|(name, value)| !is_known(name) && value.get() != "null");
    let why = "the gateway does not know this field, so it cannot ask this model's provider for it; leave it out";
    unknown.next().map_or(Ok(()), |(name, _)| Err(RequestFault::unsupported(name, why)))
}

fn not_an_object(fault: &serde_json::Error) -> RequestFault {
    if fault.is_data() {
        let message = "the body must be a JSON object".to_owned();
        return RequestFault { message, param: None, code: "invalid_type" };
    }
    RequestFault::invalid_json(&format!("the body is not valid JSON: {fault}"))
}
