//! Every line of a span of time is among the numbers found for it, however long calls take and whatever the clock did.

use proptest::prelude::*;

use super::*;
use crate::store::testing::{Books, NOON, line};

const MINUTE: i64 = 60_000;

/// Lines as (when booked, how long before that placed), in minutes after noon; numbers have gaps.
fn book(lines: &[(i64, i64)]) -> Books {
    let books = Books::new();
    for (n, (booked, lasted)) in (1..).zip(lines) {
        let mut entry = line(n);
        entry.closed_at = Timestamp(NOON.0 + booked * MINUTE);
        entry.call.placed_at = Timestamp(entry.closed_at.0 - lasted * MINUTE);
        assert!(books.writer.send(u64::from(n) * 3, entry.into()));
    }
    books.writer.flush_blocking().unwrap();
    books
}

fn found(books: &Books, from: i64, to: i64, longest: i64) -> Numbers {
    let at = |minutes: i64| Some(Timestamp(NOON.0 + minutes * MINUTE));
    let longest = Duration::from_secs(60 * u64::try_from(longest).unwrap());
    books.store.read(|connection| numbers(connection, (at(from), at(to)), Some(longest))).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn nothing_of_the_span_is_left_out(
        steps in proptest::collection::vec((0_i64..20, 0_i64..30), 1..60),
        from in 0_i64..400,
        length in 1_i64..300,
        back in 0_i64..4,
    ) {
        let mut clock = 0;
        let times: Vec<_> = steps.iter().enumerate().map(|(n, (step, lasted))| {
            clock += step - if n == 7 { back } else { 0 };
            (clock, *lasted)
        }).collect();
        let books = book(&times);
        let Numbers { after, before } = found(&books, from, from + length, 30);
        for (n, (booked, lasted)) in (1..).zip(&times) {
            let placed = booked - lasted;
            if (from..from + length).contains(&placed) {
                prop_assert!(after < n * 3 && n * 3 < before, "line {} of {:?}: {} to {}", n, &times, after, before);
            }
        }
    }
}

#[test]
fn the_span_is_cut_to_what_may_be_of_it() {
    let lines: Vec<_> = (0..600).map(|minute| (minute, 1)).collect();
    let books = book(&lines);
    // Minute m has the number 3m + 3. Five minutes are for the clock.
    let Numbers { after, before } = found(&books, 100, 200, 10);
    assert_eq!((after, before), (3 * 94 + 3, 3 * 215 + 3 + REOPENED));
    assert_eq!(found(&books, 900, 901, 10).after, 3 * 599 + 3, "nothing is that new");
    assert_eq!(found(&books, -900, -800, 10), Numbers { after: 0, before: 3 + REOPENED });
    let all = books.store.read(|connection| numbers(connection, (None, None), None)).unwrap();
    assert_eq!(all, Numbers { after: 0, before: i64::MAX });
}

#[test]
fn what_a_start_closes_after_a_long_pause_is_found_at_the_time_it_was_placed() {
    // Two calls were open when the process died at minute 9; it was started again a month later.
    let month = 30 * 24 * 60;
    let lines = [(5, 1), (8, 1), (month, month - 7), (month, month - 9), (month + 1, 1)];
    let books = book(&lines);
    let Numbers { after, before } = found(&books, 6, 10, 30);
    assert!(after < 9 && before > 12, "{after} {before}");
}
