//! Filters: what a form above a list asks, from the address of the page.
//! Owns that an empty field asks for nothing, and that what was typed is shown again. Refuses nothing: the API's own query does.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use actix_web::web::Query;
use serde::de::DeserializeOwned;

use crate::web::error::{Code, Problem};

/// The conditions of a page.
#[derive(Debug, Clone, Default)]
pub(super) struct Filters {
    /// Name and value, each escaped, as they came.
    pairs: Vec<(String, String)>,
    typed: BTreeMap<String, String>,
}

impl Filters {
    /// What is asked of the page.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let pairs = request.query_string().split('&').filter_map(|pair| pair.split_once('='));
        let pairs = pairs.filter(|(_, value)| !value.is_empty());
        let pairs: Vec<_> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self::from(pairs)
    }

    fn from(pairs: Vec<(String, String)>) -> Self {
        let mut filters = Self { pairs, typed: BTreeMap::new() };
        // What cannot be read is refused by the query, and not shown again.
        filters.typed = Query::from_query(&filters.address()).map(Query::into_inner).unwrap_or_default();
        filters
    }

    /// What was typed; empty if nothing was.
    pub(super) fn get(&self, name: &str) -> &str {
        self.typed.get(name).map_or("", String::as_str)
    }

    /// Whether nothing is asked.
    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The same without what `name` asks.
    pub(super) fn without(&self, name: &str) -> Self {
        Self::from(self.pairs.iter().filter(|(other, _)| other != name).cloned().collect())
    }

    /// The same with `value` for `name`.
    pub(super) fn with(&self, name: &str, value: &str) -> Self {
        let mut pairs = self.without(name).pairs;
        pairs.push((name.to_owned(), escaped(value)));
        Self::from(pairs)
    }

    /// As an address has it, without the question mark.
    pub(super) fn address(&self) -> String {
        self.pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }

    /// As the API's query.
    ///
    /// # Errors
    /// 400 for what the query does not know or cannot read.
    pub(super) fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let query = Query::<T>::from_query(&self.address()).map(Query::into_inner);
        query.map_err(|error| Problem::new(Code::InvalidValue, error.to_string()))
    }
}

fn escaped(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let spelled = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    value.bytes().map(spelled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn empty_fields_ask_for_nothing_and_typed_ones_come_back() {
        let request = TestRequest::with_uri("/x?project=&model=a%26b+c&cursor=7&odd").to_http_request();
        let filters = Filters::of(&request);
        assert_eq!((filters.get("project"), filters.get("model")), ("", "a&b c"));
        assert_eq!(filters.without("cursor").address(), "model=a%26b+c");
        assert_eq!(filters.with("cursor", "8").address(), "model=a%26b+c&cursor=8");
        assert!(filters.without("cursor").without("model").is_empty());
        assert_eq!(filters.with("project", "=ü&x y").get("project"), "=ü&x y");
        let read: BTreeMap<String, String> = filters.query().unwrap();
        assert_eq!(read["model"], "a&b c");
    }
}
