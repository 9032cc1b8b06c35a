//! Backups of a real file: whole, altered in every way somebody with the folder could, put back, and pruned.

use std::fs;

use sha2::{Digest, Sha256};

use super::restore::{Place, Restored, is_unfinished, restore};
use super::*;
use crate::store::installation::{self, Installation};
use crate::store::testing::{NOON, OpenLinks, Scratch, deed, trail};

/// Keys that everybody knows; `0` is the master key's id.
struct OpenSealing(u8);

impl Sealing for OpenSealing {
    fn master(&self) -> [u8; 8] {
        [self.0; 8]
    }

    fn mac(&self, master: &[u8], text: &[u8]) -> Option<[u8; 32]> {
        (master == [self.0; 8]).then(|| Sha256::new().chain_update(master).chain_update(text).finalize().into())
    }

    fn links(&self, _: &[(String, Vec<u8>)]) -> Result<Box<dyn Links>, String> {
        Ok(Box::new(OpenLinks))
    }
}

const KEYS: OpenSealing = OpenSealing(1);

/// A database with an installation and an event, and a folder for its backups.
fn scene() -> (Scratch, std::sync::Arc<Store>, Backups) {
    let scratch = Scratch::new();
    let store = scratch.open();
    let installation = Installation::new([1; 8], [2; 32], NOON);
    store.change(|connection| installation::found(connection, &installation, &[])).unwrap();
    trail(&store).change(&deed(), |_| Ok(())).unwrap();
    let backups = Backups::within(scratch.path());
    (scratch, store, backups)
}

fn made(store: &Store, backups: &Backups, reason: Reason) -> Manifest {
    backups.create(store, (reason, NOON), &KEYS).unwrap()
}

fn scheduled(store: &Store, backups: &Backups, later: i64) -> BackupId {
    backups.create(store, (Reason::Scheduled, Timestamp(NOON.0 + later)), &KEYS).unwrap().id
}

fn faults(backups: &Backups, id: BackupId) -> String {
    backups.verify(id, &KEYS).unwrap().unwrap().faults.join("; ")
}

#[test]
fn a_backup_says_what_it_is_and_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_scratch, store, backups) = scene();
    create_private(&backups.0).unwrap();
    let part = backups.part(BackupId::generate());
    for ending in UNFINISHED {
        fs::write(part.with_extension(ending), "of a process that died").unwrap();
    }
    let first = made(&store, &backups, Reason::Manual);
    assert_eq!((first.tables.get("audit_events"), first.tables.get("installation")), (Some(&1), Some(&1)));
    assert_eq!((first.generation, first.imbalance_usd.as_str(), first.key_id.as_str()), (1, "0", "0101010101010101"));
    trail(&store).change(&deed(), |_| Ok(())).unwrap();
    let second = made(&store, &backups, Reason::Manual);
    assert_ne!(first.audit_head, second.audit_head);
    assert_eq!(backups.list().unwrap().backups.len(), 2);
    assert_eq!((faults(&backups, first.id), faults(&backups, second.id)), (String::new(), String::new()));
    let modes =
        fs::read_dir(&backups.0).unwrap().map(|it| it.unwrap().metadata().unwrap().permissions().mode() & 0o777);
    assert_eq!(modes.collect::<Vec<_>>(), [0o600; 4], "two databases, two manifests, and nothing left over");
    assert_eq!(fs::metadata(&backups.0).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn whatever_is_altered_is_found() {
    let (_scratch, store, backups) = scene();
    let good = made(&store, &backups, Reason::Manual);
    let other = made(&store, &backups, Reason::Manual);
    let (database, manifest) = (backups.database(good.id), backups.manifest(good.id));
    let (bytes, text) = (fs::read(&database).unwrap(), fs::read_to_string(&manifest).unwrap());
    for at in [0, 100, bytes.len() / 2, bytes.len() - 1] {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        fs::write(&database, altered).unwrap();
        assert!(faults(&backups, good.id).contains("altered or cut short"), "byte {at}");
    }
    for length in [0, 512, bytes.len() - 1] {
        fs::write(&database, &bytes[..length]).unwrap();
        assert!(faults(&backups, good.id).contains("altered or cut short"), "{length} bytes");
    }
    fs::write(&database, &bytes).unwrap();
    for (from, to) in
        [("\"generation\": 1", "\"generation\": 2"), ("manual", "scheduled"), ("\"entries\": 0", "\"entries\": 1")]
    {
        fs::write(&manifest, text.replace(from, to)).unwrap();
        assert_eq!(faults(&backups, good.id), "its manifest was altered", "{from}");
    }
    fs::write(&manifest, fs::read(backups.manifest(other.id)).unwrap()).unwrap();
    assert_eq!(faults(&backups, good.id), "it has another's manifest");
    fs::write(&manifest, &text).unwrap();
    assert_eq!(faults(&backups, good.id), "");
    let strange = backups.verify(good.id, &OpenSealing(2)).unwrap().unwrap().faults.join("; ");
    assert!(strange.contains("master key 01010101"), "{strange}");
    fs::remove_file(&database).unwrap();
    assert_eq!(faults(&backups, good.id), "its database is gone");
}

#[test]
fn a_database_that_does_not_add_up_is_not_kept() {
    let (scratch, store, backups) = scene();
    scratch.run("DELETE FROM audit_events").unwrap();
    let refused = backups.create(&store, (Reason::Manual, NOON), &KEYS).unwrap_err().to_string();
    assert!(refused.contains("does not add up"), "{refused}");
    assert_eq!(fs::read_dir(&backups.0).unwrap().count(), 0);
}

#[test]
fn the_oldest_of_those_made_by_themselves_go() {
    let (_scratch, store, backups) = scene();
    let manual = made(&store, &backups, Reason::Manual).id;
    let ids: Vec<_> = (1..4).map(|n| scheduled(&store, &backups, n)).collect();
    assert_eq!(backups.prune(2).unwrap(), [ids[0]]);
    let left: Vec<_> = backups.list().unwrap().backups.iter().map(|it| it.id).collect();
    assert_eq!(left, [ids[2], ids[1], manual]);
    assert!(backups.remove(manual).unwrap() && !backups.remove(manual).unwrap());
}

#[test]
fn one_that_cannot_say_what_it_is_is_listed_and_a_folder_that_cannot_be_read_is_no_empty_one() {
    let (_scratch, store, backups) = scene();
    assert_eq!(backups.list().unwrap(), Listing::default(), "there is no folder yet");
    let (good, broken) = (made(&store, &backups, Reason::Manual), made(&store, &backups, Reason::Scheduled).id);
    let manifest = backups.manifest(broken);
    let text = fs::read(&manifest).unwrap();
    fs::write(&manifest, &text[..text.len() / 2]).unwrap();
    let listing = backups.list().unwrap();
    assert_eq!(listing.backups, [good]);
    let [BackupVerdict { id, faults }] = listing.unreadable.as_slice() else { panic!("{listing:?}") };
    assert!(*id == broken && faults.join("; ").starts_with("its manifest cannot be read: "), "{faults:?}");
    assert_eq!(backups.verify(broken, &KEYS).unwrap().unwrap().faults, *faults);
    assert_eq!(backups.find(broken).unwrap().unwrap_err(), listing.unreadable[0]);
    assert!(backups.prune(0).unwrap().is_empty() && manifest.exists(), "nobody knows how old it is");
    fs::remove_file(manifest).unwrap();
    assert_eq!(backups.list().unwrap().unreadable[0].faults, ["it has no manifest"]);
    fs::write(backups.ready(broken), &text).unwrap();
    assert!(backups.list().unwrap().unreadable.is_empty(), "it is being finished");
    drop(made(&store, &backups, Reason::Manual));
    assert_eq!(backups.find(broken).unwrap().unwrap().id, broken, "and finished by whoever makes the next one");
    assert!(backups.remove(broken).unwrap() && backups.find(broken).is_none());
    fs::remove_dir_all(&backups.0).unwrap();
    fs::write(&backups.0, "a file where the folder was").unwrap();
    assert!(backups.list().is_err());
}

fn restored(scratch: &Scratch, backups: &Backups, id: BackupId, now: Timestamp) -> Result<Restored, StoreError> {
    let (database, file) = (scratch.path().join("farthing.db"), scratch.path().join("audit.log"));
    let place = Place { data_dir: scratch.path(), database: &database, audit_file: Some(&file) };
    restore(backups, id, &place, (&KEYS, now))
}

#[test]
fn what_was_there_is_moved_aside_and_lets_nobody_in() {
    let (scratch, store, backups) = scene();
    scratch.run("INSERT INTO idempotency_keys VALUES (x'01', x'02', 'req_1', '', 0, NULL, NULL)").unwrap();
    let id = made(&store, &backups, Reason::Manual).id;
    fs::write(scratch.path().join("audit.log"), "later\n").unwrap();
    drop(store);
    let first = restored(&scratch, &backups, id, Timestamp(0)).unwrap();
    assert_eq!((first.id, first.generation), (id, 2));
    assert!(first.aside.join("farthing.db").exists() && first.aside.join("audit.log").exists());
    assert!(!is_unfinished(scratch.path()) && !scratch.path().join("audit.log").exists());
    let store = scratch.open();
    let kept = |store: &Store| store.read(installation::find).unwrap().unwrap().0.generation;
    assert_eq!(kept(&store), 2);
    let contents = Contents::read(&scratch.path().join("farthing.db"), &KEYS).unwrap();
    assert_eq!((contents.faults.len(), contents.tables.get("idempotency_keys")), (0, Some(&0)));
    drop(store);
    // The same backup once more: no token of the time between counts either.
    let second = restored(&scratch, &backups, id, Timestamp(0)).unwrap();
    assert_eq!(second.generation, 3);
    assert_ne!(second.aside, first.aside);
}

#[test]
fn a_copy_of_a_newer_program_and_an_altered_one_change_nothing() {
    let (scratch, store, backups) = scene();
    let good = made(&store, &backups, Reason::Manual).id;
    scratch.run("INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')").unwrap();
    let newer = made(&store, &backups, Reason::Manual).id;
    drop(store);
    let before = fs::read(scratch.path().join("farthing.db")).unwrap();
    assert!(matches!(restored(&scratch, &backups, newer, NOON), Err(StoreError::Newer(_))));
    let database = backups.database(good);
    let bytes = fs::read(&database).unwrap();
    fs::write(&database, &bytes[..bytes.len() / 2]).unwrap();
    let refused = restored(&scratch, &backups, good, NOON).unwrap_err().to_string();
    assert!(refused.contains("altered or cut short"), "{refused}");
    assert!(restored(&scratch, &backups, BackupId::generate(), NOON).unwrap_err().to_string().contains("no backup"));
    assert_eq!(fs::read(scratch.path().join("farthing.db")).unwrap(), before);
    assert!(!is_unfinished(scratch.path()));
}
