//! Lists: `limit` and `cursor` in, `{data, next_cursor}` out. Owns their bounds and the cutting of a page.
//! Refuses offsets: a cursor is the last thing seen, so a page stays right while things come and go.

use std::str::FromStr;

use actix_web::HttpRequest;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::web::error::{Code, Problem};
use crate::web::extract::body;

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 1_000;

/// One page of a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct List<T> {
    /// What is on it.
    pub(crate) data: Vec<T>,
    /// Where the next one begins; `None` on the last.
    pub(crate) next_cursor: Option<String>,
}

/// The query of a list without conditions.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    pub(crate) limit: Option<u32>,
    pub(crate) cursor: Option<String>,
}

/// Which page: what comes after `after`, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page<C> {
    pub(crate) after: Option<C>,
    pub(crate) limit: u32,
}

/// The query of a request as `T`.
///
/// # Errors
/// 400 for a parameter that is unknown or has the wrong type, naming it.
pub(crate) fn query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Problem> {
    let pairs = form_urlencoded::parse(request.query_string().as_bytes());
    let read = serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs));
    read.map_err(|error| body::misfit(&error.path().to_string(), &said(&error.inner().to_string())))
}

/// What is wrong with a parameter, without Rust's words for what its numbers and switches lack.
fn said(text: &str) -> String {
    match text {
        "invalid digit found in string"
        | "cannot parse integer from empty string"
        | "number too large to fit in target type"
        | "number too small to fit in target type" => "expected a whole number, such as 50".to_owned(),
        "provided string was not `true` or `false`" => "expected true or false".to_owned(),
        _ => text.to_owned(),
    }
}

impl<C: FromStr> Page<C> {
    /// The page asked for.
    ///
    /// # Errors
    /// If the limit is out of bounds, or the cursor is not one of ours.
    pub(crate) fn new(limit: Option<u32>, cursor: Option<&str>) -> Result<Self, Problem> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            let message = format!("limit must be between 1 and {MAX_LIMIT}");
            return Err(Problem::new(Code::InvalidValue, message).at("limit"));
        }
        let foreign = |_| Problem::new(Code::InvalidValue, "cursor must be the next_cursor of this list").at("cursor");
        let after = cursor.map(str::parse).transpose().map_err(foreign)?;
        Ok(Self { after, limit })
    }
}

impl<C: PartialOrd + ToString> Page<C> {
    /// This page of `items`, which are in the order of their ids, and the cursor of the next.
    pub(crate) fn cut<T>(&self, items: impl Iterator<Item = T>, id: impl Fn(&T) -> C) -> (Vec<T>, Option<String>) {
        let rest = items.skip_while(|item| self.after.as_ref().is_some_and(|after| id(item) <= *after));
        self.close(rest, &id)
    }

    /// The first `limit` of `items`, and the cursor of the next page if there are more.
    pub(crate) fn close<T>(&self, items: impl Iterator<Item = T>, id: impl Fn(&T) -> C) -> (Vec<T>, Option<String>) {
        let mut items = items.fuse();
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let page: Vec<T> = items.by_ref().take(limit).collect();
        let next = items.next().and_then(|_| page.last().map(|last| id(last).to_string()));
        (page, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another_and_end() {
        let (mut seen, mut cursor) = (Vec::new(), None::<String>);
        for expected in [2, 2, 1] {
            let page = Page::<u32>::new(Some(2), cursor.as_deref()).unwrap();
            let (items, next) = page.cut([3, 5, 7, 9, 11].into_iter(), |item| *item);
            assert_eq!(items.len(), expected);
            seen.extend(items);
            cursor = next;
        }
        assert_eq!((seen, cursor), (vec![3, 5, 7, 9, 11], None));
    }

    #[test]
    fn a_full_last_page_has_no_next_one() {
        let page = Page::<u32>::new(Some(2), Some("4")).unwrap();
        assert_eq!(page.cut([3, 5, 7].into_iter(), |item| *item), (vec![5, 7], None));
        assert_eq!(page.cut([3].into_iter(), |item| *item), (vec![], None));
    }

    #[test]
    fn bounds_and_cursors_are_checked() {
        assert_eq!(Page::<u32>::new(None, None).unwrap(), Page { after: None, limit: 50 });
        for (limit, cursor, field) in
            [(Some(0), None, "limit"), (Some(1_001), None, "limit"), (None, Some("x"), "cursor")]
        {
            assert_eq!(Page::<u32>::new(limit, cursor).unwrap_err().param.as_deref(), Some(field));
        }
    }
}
