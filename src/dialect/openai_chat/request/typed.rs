//! The members of a request that is read in full, as what they must be.
//! Owns the checks and the path of what is at fault: each reader names its own member only, and whoever called it puts
//! its own name before it. Refuses to know which member means what.

use std::fmt::Display;

use serde_json::Number;
use serde_json::value::RawValue;

use crate::dialect::canonical::Json;
use crate::dialect::fault::RequestFault;
use crate::dialect::members::{self, Member};

/// What reading gives.
pub(super) type Outcome<T> = Result<T, RequestFault>;

/// The fault, told from one level further out: its member stands within `outer`.
pub(super) fn within(outer: impl Display, fault: RequestFault) -> RequestFault {
    let (message, param) = match fault.param {
        Some(param) => (format!("{outer}.{}", fault.message), format!("{outer}.{param}")),
        None => (format!("{outer} {}", fault.message), outer.to_string()),
    };
    RequestFault { message, param: Some(param), code: fault.code }
}

/// A string.
pub(super) fn text(name: &str, member: Member<'_>) -> Outcome<String> {
    member.string().ok_or_else(|| RequestFault::invalid_type(name, "must be a string"))
}

/// A string, if the member is there.
pub(super) fn optional(name: &str, member: Option<Member<'_>>) -> Outcome<Option<String>> {
    member.map(|member| text(name, member)).transpose()
}

/// A string that must be there.
pub(super) fn required(name: &str, member: Option<Member<'_>>) -> Outcome<String> {
    text(name, member.ok_or_else(|| RequestFault::missing(name))?)
}

/// A number, kept as it is written.
pub(super) fn number(name: &str, member: Option<Member<'_>>) -> Outcome<Option<Number>> {
    let read = |member: Member<'_>| serde_json::from_str(member.text);
    member.map(read).transpose().map_err(|_| RequestFault::invalid_type(name, "must be a number"))
}

/// An object, kept as its text.
pub(super) fn json(name: &str, member: Option<Member<'_>>) -> Outcome<Option<Json>> {
    let Some(member) = member else { return Ok(None) };
    Json::object(member.text).map(Some).ok_or_else(|| RequestFault::invalid_type(name, "must be an object"))
}

/// Named members of the object that `member` is; `null` counts as absent.
pub(super) fn object<'a, const N: usize>(
    name: &str,
    member: Member<'a>,
    names: &[&'static str; N],
) -> Outcome<[Option<Member<'a>>; N]> {
    entry(member.text, names).map_err(|fault| within(name, fault))
}

/// The same for an object that has no name: an entry of a list.
pub(super) fn entry<'a, const N: usize>(text: &'a str, names: &[&'static str; N]) -> Outcome<[Option<Member<'a>>; N]> {
    let object = members::read(text, names).map_err(|_| RequestFault {
        message: "must be an object".to_owned(),
        param: None,
        code: "invalid_type",
    })?;
    match object.duplicate {
        Some(name) => Err(RequestFault::invalid_value(name, "is given twice; send it once")),
        None => Ok(object.present()),
    }
}

/// What `read` makes of each entry of a list.
pub(super) fn each<'a, T>(
    name: &str,
    member: Member<'a>,
    mut read: impl FnMut(&'a str) -> Outcome<T>,
) -> Outcome<Vec<T>> {
    let list: Vec<&'a RawValue> =
        serde_json::from_str(member.text).map_err(|_| RequestFault::invalid_type(name, "must be an array"))?;
    let read = |(place, entry): (usize, &&'a RawValue)| {
        read(entry.get()).map_err(|fault| within(format_args!("{name}[{place}]"), fault))
    };
    list.iter().enumerate().map(read).collect()
}
