//! Places: a value inside a request, and the path that a fault names it by.
//! Owns the paths. Refuses to judge values beyond their types.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::dialect::canonical::CacheMark;
use crate::dialect::fault::RequestFault;

/// One value and where it stands, such as `messages[2].content[0]`.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    path: String,
    text: &'a str,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Mark {
    ttl: Option<String>,
}

impl<'a> Place<'a> {
    pub(super) fn new(path: &str, value: &'a RawValue) -> Self {
        Self { path: path.to_owned(), text: value.get() }
    }

    pub(super) fn member(&self, name: &str, value: &'a RawValue) -> Self {
        Self { path: self.path_of(name), text: value.get() }
    }

    pub(super) fn path_of(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    /// The value as a `T`.
    pub(super) fn read<T: Deserialize<'a>>(&self) -> Result<T, RequestFault> {
        serde_json::from_str(self.text).map_err(|fault| {
            RequestFault::invalid_type(&self.path, &format!("must be as the Messages API has it: {fault}"))
        })
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Result<Vec<Place<'a>>, RequestFault> {
        let items: Vec<&RawValue> = self.read()?;
        let place = |(at, item): (usize, &'a RawValue)| Self { path: format!("{}[{at}]", self.path), text: item.get() };
        Ok(items.into_iter().enumerate().map(place).collect())
    }

    pub(super) fn is_string(&self) -> bool {
        self.text.starts_with('"')
    }

    /// A fault: another dialect has nothing for this.
    pub(super) fn unsupported(&self, why: &str) -> RequestFault {
        RequestFault::unsupported(&self.path, why)
    }

    /// The cache mark that the member `cache_control` of this value is.
    pub(super) fn cache(&self, mark: Option<&'a RawValue>) -> Result<Option<CacheMark>, RequestFault> {
        let Some(mark) = mark else { return Ok(None) };
        let mark: Mark = self.member("cache_control", mark).read()?;
        Ok(Some(if mark.ttl.as_deref() == Some("1h") { CacheMark::Long } else { CacheMark::Short }))
    }
}
