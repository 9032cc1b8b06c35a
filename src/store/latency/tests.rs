//! Latencies as the writer keeps them: which calls count, in which hour, at which provider.

use farthing_actors::domain::{CallStatus, Provenance, ProviderId, Timestamp};

use super::*;
use crate::store::testing::{Books, NOON, PROVIDER, line, refusal};

fn read(books: &Books, provider: Option<ProviderId>) -> Vec<BTreeMap<String, Latencies>> {
    let at = |hours: i64| Timestamp(NOON.0 + hours * HOUR_MS);
    let points = [Range { from: at(0), to: at(2) }, Range { from: at(2), to: at(3) }];
    books.store.read(|connection| super::read(connection, &points, provider)).unwrap()
}

#[test]
fn calls_that_a_provider_answered_count_in_their_hour() {
    let books = Books::new();
    let other = ProviderId::from_u128(9);
    let (mut gone, mut kept, mut later, mut far) = (line(2), line(3), line(4), line(5));
    gone.outcome.status = CallStatus::ClientGone;
    kept.outcome.provenance = Provenance::Cached;
    later.call.placed_at = Timestamp(NOON.0 + 2 * HOUR_MS + 5);
    later.outcome.latency_ms = 40_000;
    later.outcome.first_token_ms = None;
    far.target.as_mut().unwrap().provider = other;
    let mut lines = (1..).zip([line(1), gone, kept, later, far, refusal(6)]);
    lines.by_ref().take(3).for_each(|(seq, entry)| assert!(books.writer.send(seq, entry.into())));
    books.writer.flush_blocking().unwrap();
    // Another batch adds to the same row.
    lines.for_each(|(seq, entry)| assert!(books.writer.send(seq, entry.into())));
    assert!(books.writer.send(7, line(8).into()));
    books.writer.flush_blocking().unwrap();

    let points = read(&books, None);
    let at = |point: usize, provider: ProviderId| points[point].get(&provider.to_string());
    let first = at(0, PROVIDER).unwrap();
    assert_eq!((first.whole.count(), first.first_token.count()), (2, 1));
    assert!((320..352).contains(&first.whole.percentile(99).unwrap()), "{first:?}");
    assert_eq!(first.first_token.percentile(50).unwrap(), 46, "{first:?}");
    let second = at(1, PROVIDER).unwrap();
    assert_eq!((second.whole.count(), second.first_token.percentile(50)), (1, None));
    assert_eq!((at(0, other).unwrap().whole.count(), at(1, other)), (1, None));
    assert_eq!(read(&books, Some(other))[0].len(), 1);
}
