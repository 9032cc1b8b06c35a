//! Many requests: what the writer, the proof and a page need. Prints figures; docs/usage.md has the command for a million.

use std::time::Instant;

use farthing_actors::domain::{KeyId, ProjectId, RequestId, Scope};
use farthing_actors::ledger::entry::Entry;

use super::*;
use crate::store::entries;
use crate::store::testing::{Books, NOON, line};
use crate::store::verify::verify;

const QUARTER_MS: i64 = 900_000;
/// Ninety days.
const QUARTERS: u64 = 90 * 96;

/// The `n`th of `count` requests, spread over ninety days, 200 keys of 20 projects, and 10 models.
fn request(n: u64, count: u64) -> Entry {
    let mut entry = line(0);
    let key = n.wrapping_mul(2_654_435_761) % 200;
    entry.call.request = RequestId::from_u128(u128::from(n) + 1);
    entry.call.placed_at = Timestamp(NOON.0 + i64::try_from(n * QUARTERS / count).unwrap() * QUARTER_MS);
    entry.call.key = KeyId::from_u128(100 + u128::from(key));
    entry.call.project = ProjectId::from_u128(1_000 + u128::from(key % 20));
    entry.call.scopes = [Scope::Key(entry.call.key), Scope::Project(entry.call.project)].into();
    entry.call.model = format!("model-{}", n / 7 % 10).into();
    entry
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it measures and prints")]
fn figures_of_many_requests() {
    let count = std::env::var("FARTHING_SCALE").map_or(2_000, |count| count.parse().unwrap());
    let books = Books::new();
    let timed = |what: &str, work: &mut dyn FnMut()| {
        let begun = Instant::now();
        work();
        println!("{what:<55} {:>9.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    };
    println!("{count} requests in ninety days, 200 keys, 10 models");
    timed("written by the writer", &mut || {
        (1..=count).for_each(|n| assert!(books.writer.send(n, request(n, count).into())));
        while books.writer.behind() > 0 {
            books.writer.flush_blocking().ok();
        }
    });
    timed("start: the journal opened, balances read", &mut || drop(books.open()));
    timed("ledger verify", &mut || {
        let verdict = books.store.read(|connection| verify(connection, &mut |_| {})).unwrap();
        assert!(verdict.is_ok() && verdict.entries == count, "{verdict:?}");
    });
    assert_eq!(books.store.read(entries::applied_seq).unwrap(), count);
    pages(&books, count, &timed);
}

fn pages(books: &Books, count: u64, timed: &dyn Fn(&str, &mut dyn FnMut())) {
    let day = 96 * QUARTER_MS;
    let midnight = Span::Day.containing(NOON.0);
    let range = |from: i64, to: i64| Range { from: Timestamp(midnight + from), to: Timestamp(midnight + to) };
    let all = UsageFilter::default();
    let one = UsageFilter { key: Some(KeyId::from_u128(100)), ..UsageFilter::default() };
    for (zone, shift) in [("UTC", 0), ("UTC+2", -2 * 3_600_000), ("UTC-8", 8 * 3_600_000)] {
        let whole = range(shift - day, 92 * day + shift);
        let days: Vec<_> = (-1..92).map(|n| range(n * day + shift, (n + 1) * day + shift)).collect();
        timed(&format!("breakdown of ninety days, {zone}"), &mut || {
            let sums = books.store.read(|connection| by_subject(connection, &[whole], &all)).unwrap();
            let requests: i128 = sums[0].values().map(|figures| figures.requests).sum();
            assert_eq!(requests, i128::from(count));
        });
        for (what, filter) in [("all", &all), ("one key", &one)] {
            timed(&format!("series of ninety days, {what}, {zone}"), &mut || {
                let sums = books.store.read(|connection| totals(connection, &days, filter)).unwrap();
                assert!(sums.iter().map(|figures| figures.requests).sum::<i128>() > 0);
            });
        }
    }
    let hours: Vec<_> = (0..744).map(|n| range(n * 3_600_000, (n + 1) * 3_600_000)).collect();
    timed("series of a month of hours, all", &mut || {
        books.store.read(|connection| totals(connection, &hours, &all)).unwrap();
    });
}
