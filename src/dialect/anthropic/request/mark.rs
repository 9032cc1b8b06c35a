//! Cache marks: `cache_control` of a block or a tool.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::dialect::canonical::CacheMark;
use crate::dialect::fault::RequestFault;
use crate::dialect::node::Node;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Mark {
    ttl: Option<String>,
}

/// The mark in `cache_control` of `place`, if there is one.
pub(super) fn read(place: &Node<'_>, mark: Option<&RawValue>) -> Result<Option<CacheMark>, RequestFault> {
    let Some(mark) = mark else { return Ok(None) };
    let mark: Mark = Node::at(&place.below("cache_control"), mark).read()?;
    Ok(Some(CacheMark::of_ttl(mark.ttl.as_deref())))
}
