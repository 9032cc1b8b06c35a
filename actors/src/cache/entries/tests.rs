//! The entries' promises: age, bytes, last use, purge.

use proptest::prelude::*;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn slot(name: u8) -> Slot {
    Slot([name; 32])
}

fn kept(project: u128, body: usize) -> Box<Kept> {
    Box::new(Kept {
        project: ProjectId::from_u128(project),
        request: RequestId::from_u128(1),
        asked_at: Duration::from_secs(1),
        lifetime: MINUTE,
        provider: ProviderId::from_u128(1),
        deployment: DeploymentId::from_u128(1),
        upstream_model: "".into(),
        ignored: Vec::new(),
        body: vec![b'x'; body].into(),
    })
}

/// Room for `count` answers of 100 bytes.
fn room_for(count: usize) -> Entries {
    let max_bytes = (100 + OVERHEAD) * count;
    Entries::new(Bounds { max_bytes, max_entry_bytes: 1_000, max_age: MINUTE })
}

#[test]
fn an_answer_is_given_until_it_is_too_old_for_itself_or_for_who_asks() {
    let mut entries = room_for(2);
    entries.keep(slot(1), kept(1, 100), MINUTE);
    let second = Duration::from_secs(1);
    assert!(entries.find(slot(1), second, MINUTE).is_some());
    assert!(entries.find(slot(1), second, MINUTE + second).is_none(), "too old for who asks");
    assert!(entries.find(slot(1), Duration::ZERO, MINUTE).is_none(), "nothing is younger than now");
    assert!(entries.find(slot(1), MINUTE * 9, MINUTE * 2 - Duration::from_nanos(1)).is_some());
    assert!(entries.find(slot(2), MINUTE * 9, MINUTE).is_none());
    assert!(entries.find(slot(1), MINUTE * 9, MINUTE * 2).is_none(), "too old for itself");
    assert_eq!(entries.tally(), Tally { hits: 2, misses: 4, ..Tally::default() });
    entries.keep(slot(3), kept(1, 100), MINUTE);
    entries.sweep(MINUTE * 2 - Duration::from_nanos(1));
    assert_eq!(entries.tally().entries, 1);
    entries.sweep(MINUTE * 2);
    assert_eq!((entries.tally().entries, entries.tally().bytes), (0, 0));
}

#[test]
fn what_was_unused_longest_makes_room_and_what_is_too_large_takes_none() {
    let mut entries = room_for(2);
    entries.keep(slot(1), kept(1, 100), MINUTE);
    entries.keep(slot(2), kept(1, 100), MINUTE);
    assert!(entries.find(slot(1), MINUTE, MINUTE).is_some());
    entries.keep(slot(3), kept(1, 100), MINUTE);
    let there: Vec<_> = [1, 2, 3].map(|name| entries.find(slot(name), MINUTE, MINUTE).is_some()).into();
    assert_eq!(there, [true, false, true]);
    assert_eq!(entries.tally().evicted, 1);
    entries.keep(slot(4), kept(1, 1_001), MINUTE);
    assert!(entries.find(slot(4), MINUTE, MINUTE).is_none(), "larger than one may be");
    entries.keep(slot(4), kept(1, 1_000), MINUTE);
    assert!(entries.find(slot(4), MINUTE, MINUTE).is_none(), "larger than all may be");
    assert_eq!(entries.tally().entries, 2, "and nothing made room for it");
    let mut nothing = room_for(0);
    nothing.keep(slot(1), kept(1, 0), MINUTE);
    assert_eq!(nothing.tally().entries, 0);
}

#[test]
fn a_purge_takes_a_projects_answers_and_those_that_were_on_their_way() {
    let mut entries = room_for(9);
    for (name, project) in [(1, 1), (2, 2), (3, 1)] {
        entries.keep(slot(name), kept(project, 100), MINUTE);
    }
    let purged = entries.purge(Some(ProjectId::from_u128(1)), MINUTE);
    assert_eq!(purged, Purged { entries: 2, bytes: 2 * (100 + OVERHEAD) });
    assert!(entries.find(slot(2), MINUTE, MINUTE).is_some());
    entries.keep(slot(1), kept(1, 100), MINUTE);
    assert_eq!(entries.tally().entries, 1, "it was asked before the purge");
    let later = Kept { asked_at: MINUTE + Duration::from_nanos(1), ..*kept(1, 100) };
    entries.keep(slot(1), Box::new(later), MINUTE * 2);
    assert_eq!(entries.purge(None, MINUTE * 2).entries, 2);
    assert_eq!(entries.tally().bytes, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is kept, found, swept and purged, bytes are within bounds and are those of what is there.
    #[test]
    fn bytes_are_counted_and_bounded(steps in prop::collection::vec((0_u8..8, 0_usize..900, 0_u64..90), 1..200)) {
        let mut entries = room_for(4);
        let mut now = MINUTE;
        for (name, size, pause) in steps {
            now += Duration::from_secs(pause) / 10;
            match pause % 5 {
                0 => drop(entries.find(slot(name), MINUTE, now)),
                1 if size == 0 => drop(entries.purge(Some(ProjectId::from_u128(1)), now)),
                2 => entries.sweep(now),
                _ => entries.keep(slot(name), Box::new(Kept { asked_at: now * 2, ..*kept(u128::from(name % 2), size) }), now),
            }
            let weights: usize = entries.by_slot.values().map(|entry| entry.kept.weight()).sum();
            prop_assert_eq!(weights, entries.tally.bytes);
            prop_assert!(weights <= entries.bounds.max_bytes);
            prop_assert_eq!(entries.by_use.len(), entries.by_slot.len());
            for (used, slot) in &entries.by_use {
                prop_assert_eq!(entries.by_slot[slot].used, *used);
            }
        }
    }
}
