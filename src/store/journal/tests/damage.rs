//! What a crash, a power cut or a failing disk does to the journal's files.

use super::frame::Number;
use super::*;

/// The bytes of a segment that holds two calls, the second one open, and where its last record begins.
fn two_calls() -> (Vec<u8>, usize) {
    let mut bytes = Vec::new();
    let records = [Record::Held(hold(1)), Record::Closed(closing(1)), Record::Held(hold(2))];
    let mut last = 0;
    for (seq, record) in (1..).zip(&records) {
        last = bytes.len();
        frame::encode(&mut bytes, Number { seq, write: seq }, record).unwrap();
    }
    (bytes, last)
}

fn read(dir: &TempDir, segments: &[&[u8]]) -> Result<(History, Vec<u64>), JournalError> {
    let files = segments.iter().zip(1_u64..).map(|(bytes, first)| {
        let path = dir.path().join(format!("journal-{first:016x}.log"));
        std::fs::write(&path, bytes).unwrap();
        (first, path)
    });
    let mut lines = Vec::new();
    let history = Reader::new(0, &mut |seq, _| lines.push(seq)).read(files.collect())?;
    Ok((history, lines))
}

#[track_caller]
fn assert_second_call_lost(dir: &TempDir, bytes: &[u8], end: usize) {
    let (history, lines) = read(dir, &[bytes]).unwrap();
    assert_eq!((history.open.len(), history.closed.as_slice(), lines.as_slice()), (0, &[closing(1)][..], &[2][..]));
    assert_eq!(history.current.unwrap().end, end);
}

#[test]
fn a_record_cut_anywhere_costs_nothing_before_it() {
    let (dir, (bytes, last)) = (TempDir::new(), two_calls());
    for cut in last..bytes.len() {
        let mut torn = bytes[..cut].to_vec();
        assert_second_call_lost(&dir, &torn, last);
        torn.resize(bytes.len() + 64, 0);
        assert_second_call_lost(&dir, &torn, last);
    }
    assert_eq!(read(&dir, &[&bytes]).unwrap().0.open.len(), 1);
}

#[test]
fn a_flipped_bit_in_the_last_record_costs_nothing_before_it() {
    let (dir, (bytes, last)) = (TempDir::new(), two_calls());
    for (at, bit) in (last..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << bit;
        assert_second_call_lost(&dir, &flipped, last);
    }
}

#[test]
fn a_flipped_bit_before_a_good_record_is_an_error() {
    let (dir, (bytes, last)) = (TempDir::new(), two_calls());
    for (at, bit) in (0..last).zip((0..8).cycle()) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << bit;
        let error = read(&dir, &[&flipped]).err().unwrap();
        assert!(error.0.contains("damaged at byte"), "{error}");
    }
}

#[test]
fn of_a_write_of_several_records_any_part_may_be_missing_at_the_end() {
    let (dir, (mut bytes, _)) = (TempDir::new(), two_calls());
    let end = bytes.len();
    let mut write = Vec::new();
    for seq in 4..7 {
        frame::encode(&mut write, Number { seq, write: 4 }, &Record::Held(hold(u32::try_from(seq).unwrap()))).unwrap();
    }
    // The first record's page is missing, the others' are there.
    let first = write.len() / 3;
    write[..first].fill(0);
    bytes.extend_from_slice(&write);
    let history = read(&dir, &[&bytes]).unwrap().0;
    assert_eq!((history.last, history.open.len()), (3, 1));
    let tail = history.current.unwrap();
    assert_eq!((tail.end, tail.torn), (end, write.len()));
}

#[test]
fn a_torn_record_in_an_earlier_segment_is_an_error() {
    let (dir, (bytes, last)) = (TempDir::new(), two_calls());
    let mut next = Vec::new();
    frame::encode(&mut next, Number { seq: 3, write: 3 }, &Record::Held(hold(2))).unwrap();
    let error = read(&dir, &[&bytes[..last + 20], &next]).err().unwrap();
    assert!(error.0.contains("a later segment follows"), "{error}");
    assert_eq!(read(&dir, &[&bytes[..last], &next]).unwrap().0.open.len(), 1);
}

#[test]
fn a_missing_segment_is_an_error() {
    let (dir, (bytes, _)) = (TempDir::new(), two_calls());
    let mut next = Vec::new();
    frame::encode(&mut next, Number { seq: 5, write: 5 }, &Record::Held(hold(3))).unwrap();
    let error = read(&dir, &[&bytes, &next]).err().unwrap();
    assert!(error.0.contains("record 5 follows record 3"), "{error}");
}

#[test]
fn a_torn_tail_is_wiped_and_written_over() {
    let books = Books::new();
    let (mut journal, _) = books.open();
    place(&mut *journal, 1);
    drop(journal);
    let path = books.segments().remove(0);
    let mut bytes = std::fs::read(&path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    bytes[end..end + 3_000].fill(7);
    std::fs::write(&path, &bytes).unwrap();
    let (mut journal, recovered) = books.open();
    assert_eq!(open_holds(&recovered), [hold(1)]);
    place(&mut *journal, 2);
    assert_eq!(open_holds(&books.open().1), [hold(1), hold(2)]);
    assert_eq!(segments_in(books.dir.path()), [path]);
}

#[test]
fn damage_stops_the_start_and_names_the_file() {
    let books = Books::new();
    let (mut journal, _) = books.open();
    (1..=2).for_each(|n| place(&mut *journal, n));
    drop(journal);
    let path = books.segments().remove(0);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let refusal = books.refusal();
    assert!(refusal.0.contains(&*path.to_string_lossy()) && refusal.0.contains("byte 0"), "{refusal}");
}

#[test]
fn a_hold_whose_line_is_in_the_database_is_not_open() {
    let books = Books::new();
    let (mut journal, _) = books.open();
    place(&mut *journal, 1);
    let end = end_of(&books);
    close(&mut *journal, 1);
    drop(journal);
    books.writer.flush_blocking().unwrap();
    // The power went: the database has the line, the journal's last page never reached the disk.
    let path = books.segments().remove(0);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[end..].fill(0);
    std::fs::write(&path, &bytes).unwrap();
    let (mut journal, recovered) = books.open();
    assert_eq!((recovered.open.len(), recovered.closed), (0, vec![closing(1)]));
    place(&mut *journal, 2);
    close(&mut *journal, 2);
    assert_eq!(open_holds(&books.open().1), []);
    assert_eq!(books.lines(), [line(1), line(2)]);
    assert!(books.verdict().is_ok());
}

/// A journal that syncs each write and is known to nobody else, so that its first write names it.
fn unnamed(books: &Books) -> log::Log {
    let directory = books.dir.path().join("journal");
    assert_eq!(segment::list(&directory).unwrap(), []);
    log::Log {
        store: Arc::clone(&books.store),
        writer: books.writer.clone(),
        place: Place::begin(&directory, 1, 0, &mut std::iter::empty()).unwrap(),
        directory,
        durability: Durability::Power,
        doubt: None,
        frames: Vec::new(),
        staged: log::Staged::default(),
    }
}

#[test]
fn a_failed_write_is_undone_as_soon_as_the_disk_answers() {
    let books = Books::new();
    let mut journal = unnamed(&books);
    let (here, away) = (books.dir.path().join("journal"), books.dir.path().join("away"));
    std::fs::rename(&here, &away).unwrap();
    // The bytes are written and cannot be synced, and neither can the zeros over them.
    for n in 1..=3 {
        assert!(journal.append(&Record::Held(hold(n)), None).is_err());
        assert!(journal.doubt.is_some());
    }
    std::fs::rename(&away, &here).unwrap();
    place(&mut journal, 4);
    close(&mut journal, 4);
    place(&mut journal, 5);
    let recovered = books.open().1;
    assert_eq!((open_holds(&recovered), recovered.closed), (vec![hold(5)], vec![closing(4)]));
    assert_eq!(books.lines(), [line(4)]);
    assert!(books.verdict().is_ok());
}

#[test]
fn a_failed_write_is_undone_before_the_next_segment_begins() {
    let books = Books::new();
    let mut journal = unnamed(&books);
    place(&mut journal, 1);
    let at = journal.place.mark().end;
    journal.place.segment.write(at, &[7; 40]).unwrap();
    journal.doubt = Some(log::Doubt { at, length: 40 });
    let old = std::fs::File::open(books.segments().remove(0)).unwrap();
    journal.rotate(&mut std::iter::once(OpenHold::from(hold(1)))).unwrap();
    let mut left = [1; 40];
    std::os::unix::fs::FileExt::read_exact_at(&old, &mut left, at).unwrap();
    assert_eq!(left, [0; 40]);
    place(&mut journal, 2);
    assert_eq!(open_holds(&books.open().1), [hold(1), hold(2)]);
}

fn end_of(books: &Books) -> usize {
    let bytes = std::fs::read(books.segments().remove(0)).unwrap();
    bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1
}
