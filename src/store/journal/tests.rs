//! The journal cut, flipped, rotated and reopened: nothing written is lost, nothing is read twice.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use farthing_actors::domain::window::Zone;
use farthing_actors::domain::{Money, RequestId, Thresholds, WindowKind};
use farthing_actors::ledger::hold::OpenHold;
use farthing_actors::ledger::journal::Record;

use super::*;
use crate::store::testing::{Books, KEY, NOON, TempDir, closing, hold, line, refusal, segments_in};

mod damage;
mod model;

fn place(journal: &mut dyn Journal, n: u32) {
    journal.append(&Record::Held(hold(n)), None).unwrap();
}

fn close(journal: &mut dyn Journal, n: u32) {
    journal.append(&Record::Closed(closing(n)), Some(line(n).into())).unwrap();
}

fn open_holds(recovered: &Recovered) -> Vec<Arc<HoldRequest>> {
    recovered.open.iter().map(|open| Arc::clone(&open.hold)).collect()
}

#[test]
fn a_ledger_finds_what_its_predecessor_left() {
    for durability in [Durability::Process, Durability::Power] {
        let books = Books::with(durability, vec![]);
        let (mut journal, recovered) = books.open();
        assert!(recovered.open.is_empty() && recovered.closed.is_empty());
        (1..=3).for_each(|n| place(&mut *journal, n));
        close(&mut *journal, 2);
        journal.append(&Record::Refused(refusal(4)), Some(refusal(4).into())).unwrap();
        drop(journal);
        let (_, recovered) = books.open();
        assert_eq!(open_holds(&recovered), [hold(1), hold(3)]);
        assert_eq!(recovered.closed, [closing(2)]);
        assert_eq!(books.lines(), [line(2), refusal(4)]);
    }
}

/// The setting `database.durability`.
#[test]
fn with_power_each_record_is_on_the_disk_before_the_answer_and_with_process_soon_after() {
    let opened = |durability| {
        let books = Books::with(durability, vec![]);
        let (history, applied) = books.journal.replay().unwrap();
        let log = books.journal.resume(&history, applied).unwrap();
        (books, log)
    };
    let synced = |log: &mut Log, n| {
        place(log, n);
        log.is_synced()
    };
    let (_books, mut log) = opened(Durability::Power);
    assert!((1..=50).all(|n| synced(&mut log, n)));
    let (_books, mut log) = opened(Durability::Process);
    // The writer's thread syncs a few times a second.
    assert!((1..=50).any(|n| !synced(&mut log, n)));
}

#[test]
fn only_the_owner_reads_the_files() {
    let books = Books::new();
    books.journal.open(NOON).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&books.dir.path().join("journal")), 0o700);
    assert_eq!(books.segments().iter().map(|path| mode(path)).collect::<Vec<_>>(), [0o600]);
}

#[test]
fn a_line_that_was_written_but_not_sent_is_applied_once() {
    let books = Books::new();
    let (mut journal, _) = books.open();
    place(&mut *journal, 1);
    // The process dies between the file and the writer's queue.
    journal.append(&Record::Closed(closing(1)), None).unwrap();
    drop(journal);
    for _ in 0..3 {
        let (_, recovered) = books.open();
        assert_eq!((recovered.open.len(), recovered.closed), (0, vec![closing(1)]));
        assert_eq!(books.lines(), [line(1)]);
    }
    assert!(books.verdict().is_ok());
}

#[test]
fn a_lost_database_is_rebuilt_from_the_journal() {
    let dir = {
        let books = Books::new();
        let (mut journal, _) = books.open();
        (1..=20).for_each(|n| place(&mut *journal, n));
        (1..=19).for_each(|n| close(&mut *journal, n));
        let copy = TempDir::new();
        std::fs::create_dir(copy.path().join("journal")).unwrap();
        let segment = books.segments().remove(0);
        std::fs::copy(&segment, copy.path().join("journal").join(segment.file_name().unwrap())).unwrap();
        copy
    };
    let books = Books::in_directory(dir, Durability::Process, vec![]);
    assert_eq!(open_holds(&books.open().1), [hold(20)]);
    assert_eq!(books.lines(), (1..=19).map(line).collect::<Vec<_>>());
    assert!(books.verdict().is_ok());
}

#[test]
fn a_new_segment_carries_the_open_holds_and_the_old_one_goes() {
    let books = Books::new();
    let (mut journal, _) = books.open();
    (1..=3).for_each(|n| place(&mut *journal, n));
    close(&mut *journal, 2);
    let before = books.segments();
    journal.rotate(&mut [hold(1), hold(3)].into_iter().map(OpenHold::from)).unwrap();
    books.writer.flush_blocking().unwrap();
    let after = books.segments();
    assert!(after.len() == 1 && after != before, "{after:?}");
    close(&mut *journal, 3);
    drop(journal);
    let (mut journal, recovered) = books.open();
    assert_eq!(open_holds(&recovered), [hold(1)]);
    assert_eq!(recovered.closed, [closing(3)]);
    close(&mut *journal, 1);
    assert_eq!(books.lines(), [line(2), line(3), line(1)]);
    assert!(books.verdict().is_ok());
}

#[test]
fn beginning_a_segment_in_an_unused_one_changes_nothing() {
    let books = Books::new();
    let (mut journal, _) = books.open();
    let before = books.segments();
    journal.rotate(&mut std::iter::empty()).unwrap();
    books.writer.flush_blocking().unwrap();
    assert_eq!(books.segments(), before);
    place(&mut *journal, 1);
    assert_eq!(open_holds(&books.open().1), [hold(1)]);
}

#[test]
fn without_a_next_segment_holds_end_before_their_settlements() {
    let books = Books::new();
    let (mut journal, _) = books.open();
    let size = books.segments()[0].metadata().unwrap().len();
    let mut placed = 0;
    while !journal.wants_rotation() {
        placed += 1;
        place(&mut *journal, placed);
    }
    // Where the next segment would be prepared there is something in the way, as a full disk would be.
    std::fs::create_dir(books.dir.path().join(format!("journal/journal-{:016x}.new", placed + 1))).unwrap();
    assert!(journal.rotate(&mut (1..=placed).map(hold).map(OpenHold::from)).is_err());
    while journal.append(&Record::Held(hold(placed + 1)), None).is_ok() {
        placed += 1;
    }
    assert!(journal.append(&Record::Refused(refusal(1)), Some(refusal(1).into())).is_err());
    (1..=placed).for_each(|n| close(&mut *journal, n));
    assert_eq!(books.segments()[0].metadata().unwrap().len(), size, "nothing beyond what was reserved was needed");
    let verdict = books.verdict();
    assert!(verdict.is_ok() && verdict.entries == u64::from(placed), "{verdict:?}");
}

#[test]
fn a_line_beyond_64_bits_is_refused_before_it_is_written() {
    let books = Books::new();
    let (mut journal, _) = books.open();
    let dear = HoldRequest { amount: Money::from_picos(i128::from(i64::MAX) + 1), ..(*hold(1)).clone() };
    assert!(journal.append(&Record::Held(Arc::new(dear)), None).is_err());
    place(&mut *journal, 1);
    let mut entry = line(1);
    entry.outcome.usage.output = u64::MAX;
    assert!(journal.append(&Record::Closed(closing(1)), Some(entry.into())).is_err());
    assert_eq!(open_holds(&books.open().1), [hold(1)]);
}

#[test]
fn budgets_come_with_what_was_spent_in_their_window() {
    let budget = |window| Budget {
        limit_usd: Money::from_picos(9),
        window,
        time_zone: Zone::utc(),
        warn_percent: Thresholds::default(),
        mode: Default::default(),
    };
    let budgets = vec![(Scope::Key(KEY), budget(WindowKind::Day)), (Scope::Key(KEY), budget(WindowKind::Total))];
    let books = Books::with(Durability::Process, budgets);
    let (mut journal, _) = books.open();
    let yesterday = |n| {
        let mut hold = (*hold(n)).clone();
        hold.call.placed_at = Timestamp(NOON.0 - 24 * 3_600_000);
        Arc::new(hold)
    };
    journal.append(&Record::Held(yesterday(1)), None).unwrap();
    journal.append(&Record::Closed(closing(1)), None).unwrap();
    let (mut journal, _) = books.open();
    place(&mut *journal, 2);
    close(&mut *journal, 2);
    let spent = books.open().1.budgets.into_iter().map(|(_, _, spent)| spent).collect::<Vec<_>>();
    assert_eq!(spent, [line(2).amount, line(1).amount + line(2).amount]);
    assert_eq!(journal.spent(Scope::Key(KEY), NOON), Ok(line(2).amount));
}
