//! The trail on a real file: every kind of tampering is found, a change without its event is none, and each of the four ways
//! to keep it.

use std::collections::BTreeMap;
use std::fs;
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;

use diesel::connection::SimpleConnection;
use farthing_actors::domain::Author;

use super::*;
use crate::store::testing::{NOON, OpenLinks, Scratch, TempDir, deed};

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn event(number: i64) -> Event {
    let author = Author::new(format!("user:{}", number % 3), NOON.plus(Duration::from_secs(number.unsigned_abs())));
    author.does("key.create").about(format!("key_{number}")).and("token_id", "sk-ft-ab12****wxyz")
}

fn keeping(file: Option<PathBuf>, in_database: bool) -> Keeping {
    Keeping { enabled: true, in_database, file, masks_addresses: false, retention: 90 * DAY }
}

fn trail(store: &Arc<Store>, keeping: Keeping) -> Trail {
    Trail::new(Arc::clone(store), Arc::new(OpenLinks), keeping)
}

fn filled(scratch: &Scratch, events: i64) -> Trail {
    let trail = trail(&scratch.open(), keeping(None, true));
    trail.append(&(1..=events).map(event).collect::<Vec<_>>()).unwrap();
    trail
}

/// A small generator, so that a failure can be had again.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// One tampering by somebody who has a database shell but not the key.
fn tampering(seeded: &mut Seeded, events: i64) -> String {
    let seq = 1 + i64::try_from(seeded.below(events.unsigned_abs())).unwrap();
    let other = 1 + (seq % events);
    let texts = ["id", "action", "actor", "project_id", "request_id", "client_ip", "user_agent", "result", "details"];
    let column = texts[usize::try_from(seeded.below(9)).unwrap()];
    match seeded.below(8) {
        0 => format!("UPDATE audit_events SET {column} = coalesce({column}, '') || 'x' WHERE seq = {seq}"),
        1 => format!("UPDATE audit_events SET timestamp = timestamp + 1 WHERE seq = {seq}"),
        2 => format!("DELETE FROM audit_events WHERE seq = {seq}"),
        3 => format!("DELETE FROM audit_events WHERE seq >= {seq}"),
        4 => format!("DELETE FROM audit_events WHERE seq <= {seq}; UPDATE audit_state SET first_seq = {seq} + 1"),
        5 => format!(
            "UPDATE audit_events SET mac = (SELECT mac FROM audit_events WHERE seq = {other}) WHERE seq = {seq}"
        ),
        6 => format!("UPDATE audit_events SET actor = 'system', details = '{{}}' WHERE seq = {seq}"),
        _ => format!(
            "DELETE FROM audit_events WHERE seq = {events}; UPDATE audit_state SET last_seq = {events} - 1, \
             head = (SELECT mac FROM audit_events WHERE seq = {events} - 1)"
        ),
    }
}

#[test]
fn a_thousand_tamperings_are_found() {
    const EVENTS: i64 = 40;
    let scratch = Scratch::new();
    let trail = filled(&scratch, EVENTS);
    assert!(trail.verify().unwrap().is_ok());
    scratch.run("DROP TRIGGER audit_events_are_never_altered").unwrap();
    let (mut seeded, mut kinds) = (Seeded(20_261_126), BTreeMap::new());
    for _ in 0..1_000 {
        let sql = tampering(&mut seeded, EVENTS);
        let mut verdict = AuditVerdict::default();
        let taken_back: Result<(), StoreError> = trail.store().change(|connection| {
            connection.batch_execute(&sql)?;
            verdict = verify(connection, &OpenLinks)?;
            Err(diesel::result::Error::RollbackTransaction.into())
        });
        assert!(taken_back.is_err());
        *kinds.entry(sql.split_whitespace().take(4).collect::<Vec<_>>().join(" ")).or_insert(0) += 1;
        assert!(!verdict.is_ok(), "{sql}");
    }
    println!("{kinds:?}");
    assert!(trail.verify().unwrap().is_ok(), "each was taken back");
}

#[test]
fn an_event_is_never_altered_by_an_update() {
    let scratch = Scratch::new();
    filled(&scratch, 1);
    assert!(scratch.run("UPDATE audit_events SET actor = 'nobody'").is_err());
}

#[test]
fn a_change_that_cannot_be_recorded_is_none() {
    let scratch = Scratch::new();
    let trail = trail(&scratch.open(), keeping(None, true));
    scratch.run("CREATE TABLE things (name TEXT)").unwrap();
    scratch
        .run("CREATE TRIGGER full BEFORE INSERT ON audit_events BEGIN SELECT RAISE (ABORT, 'the disk is full'); END")
        .unwrap();
    let insert = |connection: &mut SqliteConnection| Ok(connection.batch_execute("INSERT INTO things VALUES ('a')")?);
    assert!(matches!(trail.change(&deed(), insert), Err(StoreError::Unrecorded(_))));
    scratch.run("DROP TRIGGER full").unwrap();
    assert_eq!(rows(&scratch, "things"), 0);
    trail.change(&deed(), insert).unwrap();
    assert_eq!((rows(&scratch, "things"), rows(&scratch, "audit_events")), (1, 1));
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

fn rows(scratch: &Scratch, table: &str) -> i64 {
    let query = format!("SELECT count(*) AS count FROM {table}");
    scratch.open().read(|connection| Ok(diesel::sql_query(query).get_result::<Count>(connection)?)).unwrap().count
}

/// S3.11f-i: both, off, file only, database only.
#[test]
fn it_is_kept_as_the_settings_say() {
    for (file, in_database, enabled) in
        [(true, true, true), (true, true, false), (true, false, true), (false, true, true)]
    {
        let (scratch, dir) = (Scratch::new(), TempDir::new());
        let path = dir.path().join("audit.log");
        let kept = Keeping { enabled, ..keeping(file.then(|| path.clone()), in_database) };
        let trail = trail(&scratch.open(), kept);
        trail.append(&(1..=5).map(event).collect::<Vec<_>>()).unwrap();
        while AuditStore::file(&trail).unwrap() > 0 {}
        let lines = fs::read_to_string(&path).unwrap_or_default().lines().count();
        let told = (lines, rows(&scratch, "audit_events"));
        assert_eq!(told, (if file && enabled { 5 } else { 0 }, if in_database && enabled { 5 } else { 0 }));
        assert!(trail.verify().unwrap().is_ok());
        if file && enabled {
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            trail.append(&[event(6)]).unwrap();
            AuditStore::file(&trail).unwrap();
            assert!(verify_file(BufReader::new(fs::File::open(&path).unwrap()), &OpenLinks).unwrap().is_ok());
        }
    }
}

#[test]
fn a_line_of_the_file_has_what_the_seed_asks_and_shows_tampering() {
    let (scratch, dir) = (Scratch::new(), TempDir::new());
    let path = dir.path().join("audit.log");
    let trail = trail(&scratch.open(), keeping(Some(path.clone()), true));
    trail.append(&(1..=9).map(event).collect::<Vec<_>>()).unwrap();
    AuditStore::file(&trail).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    // S3.17b
    for field in ["timestamp", "action", "actor", "project_id", "request_id", "client_ip", "result", "details"] {
        assert!(first.get(field).is_some(), "{field}: {first}");
    }
    let verdict = |text: &str| verify_file(text.as_bytes(), &OpenLinks).unwrap();
    let rest: String = text.split_inclusive('\n').skip(3).collect();
    assert!(verdict(&text).is_ok() && verdict(&rest).is_ok(), "a file that was rotated begins anywhere");
    assert!(!verdict(&text.replace("key_5", "key_6")).is_ok());
    let without: String = text.split_inclusive('\n').filter(|line| !line.contains("key_5")).collect();
    assert!(!verdict(&without).is_ok());
}

#[test]
fn a_trail_in_a_file_alone_closes_while_it_cannot_be_written() {
    let (scratch, dir) = (Scratch::new(), TempDir::new());
    let path = dir.path().join("folder").join("audit.log");
    let trail = trail(&scratch.open(), keeping(Some(path.clone()), false));
    trail.append(&[event(1)]).unwrap();
    assert!(AuditStore::file(&trail).is_err());
    assert!(trail.append(&[event(2)]).is_err(), "nothing more may be done");
    fs::create_dir(path.parent().unwrap()).unwrap();
    assert_eq!(AuditStore::file(&trail).unwrap(), 1);
    trail.append(&[event(2)]).unwrap();
}

#[test]
fn old_events_leave_in_batches_and_what_is_left_still_proves_itself() {
    let scratch = Scratch::new();
    let trail = filled(&scratch, 2_500);
    // The first 2,400 are older than 90 days, by a second at least.
    let now = NOON.plus(Duration::from_secs(2_400)).plus(90 * DAY).plus(Duration::from_secs(1));
    let left: Vec<_> = std::iter::repeat_with(|| trail.retire(now).unwrap()).take(4).collect();
    assert_eq!((left, rows(&scratch, "audit_events")), (vec![1_000, 1_000, 400, 0], 100));
    let verdict = trail.verify().unwrap();
    assert!(verdict.is_ok() && verdict.first_seq == 2_401 && verdict.events == 100, "{verdict:?}");
    trail.append(&[event(2_501)]).unwrap();
    assert!(trail.verify().unwrap().is_ok());
}
