//! Caching: what a request wants of the response cache, by its `cache-control` and its project.
//! Owns the reading of the header. Costs a request of a project without a cache one look.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::CACHE_CONTROL;
use farthing_actors::domain::ResponseCache;
use farthing_actors::keyring::ring::AuthorizedKey;

use crate::relay::Caching;

/// The directives that mean something here.
#[derive(Debug, Default, PartialEq, Eq)]
struct Directives {
    no_store: bool,
    no_cache: bool,
    max_age: Option<Duration>,
}

/// What the request wants; `None` where neither it nor its project asks for a cache.
pub(super) fn wanted(http: &HttpRequest, key: &AuthorizedKey, longest: Duration) -> Option<Caching> {
    let project = key.project.response_cache;
    if project.is_none() && !http.headers().contains_key(CACHE_CONTROL) {
        return None;
    }
    let values = http.headers().get_all(CACHE_CONTROL).filter_map(|value| value.to_str().ok());
    decide(&Directives::read(values), project, longest)
}

fn decide(asked: &Directives, project: Option<ResponseCache>, longest: Duration) -> Option<Caching> {
    // No answer is younger than now: who asks for one asks anew, as with `no-cache`.
    let anew = asked.no_cache || asked.max_age == Some(Duration::ZERO);
    let max_age = asked.max_age.filter(|age| !age.is_zero());
    let lifetime = max_age.or(project.map(ResponseCache::lifetime))?.min(longest);
    Some(match asked.no_store {
        true => Caching { find: None, keep: None },
        false => Caching { find: (!anew).then_some(lifetime), keep: Some(lifetime) },
    })
}

impl Directives {
    /// Those that cannot be read are passed over, as HTTP has it.
    fn read<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let mut read = Self::default();
        for directive in values.flat_map(|value| value.split(',')) {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim() {
                name if name.eq_ignore_ascii_case("no-store") => read.no_store = true,
                name if name.eq_ignore_ascii_case("no-cache") => read.no_cache = true,
                name if name.eq_ignore_ascii_case("max-age") => {
                    read.max_age = value.trim().parse().ok().map(Duration::from_secs).or(read.max_age);
                }
                _ => {}
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    #[test]
    fn project_and_header_decide_together() {
        let hour = Some(ResponseCache { ttl_seconds: 3_600 });
        for (header, project, wanted) in [
            ("", hour, Some((seconds(3_600), seconds(3_600)))),
            ("no-cache", hour, Some((None, seconds(3_600)))),
            ("max-age=0", hour, Some((None, seconds(3_600)))),
            ("no-store", hour, Some((None, None))),
            ("No-Store, max-age=9", None, Some((None, None))),
            ("max-age=60", hour, Some((seconds(60), seconds(60)))),
            ("max-age=7200", hour, Some((seconds(7_200), seconds(7_200)))),
            ("max-age=99999999", None, Some((seconds(86_400), seconds(86_400)))),
            ("no-cache , Max-Age = 60", None, Some((None, seconds(60)))),
            ("max-age=soon", hour, Some((seconds(3_600), seconds(3_600)))),
            ("max-age=-1, private, max-stale", None, None),
            ("no-cache", None, None),
            ("no-store", None, None),
            ("max-age=0", None, None),
        ] {
            let decided = decide(&Directives::read([header].into_iter()), project, Duration::from_secs(86_400));
            assert_eq!(decided.map(|caching| (caching.find, caching.keep)), wanted, "{header} {project:?}");
        }
    }
}
