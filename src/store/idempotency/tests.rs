//! The table: rows come back as they were written, expire in batches, and the ledger's lines become bills.

use farthing_actors::domain::Scope;
use farthing_actors::ledger::entry::{Adjustment, Line};
use farthing_actors::ledger::journal::Record as Journalled;

use super::*;
use crate::store::testing::{Books, KEY, NOON, PROJECT, closing, hold, line};

fn table(books: &Books) -> IdempotencyTable {
    IdempotencyTable::open(&books.store, books.writer.clone(), Durability::Process).unwrap()
}

fn asked(slot: u8, request: u128) -> Asked {
    let (slot, fingerprint) = (Slot([slot; 32]), Fingerprint([9; 32]));
    Asked { slot, fingerprint, request: RequestId::from_u128(request) }
}

fn running(slot: u8, request: u128, claimed_at: Timestamp) -> Record {
    Record { asked: asked(slot, request), doubtful: vec![RequestId::from_u128(5)], claimed_at, answer: None }
}

fn kept() -> Kept {
    Kept { shape: Shape::Events, sealed: Some(Arc::from(&[0, 1, 255][..])) }
}

#[test]
fn a_row_comes_back_as_it_was_written_by_another_process_too() {
    let books = Books::new();
    assert_eq!(table(&books).find(Slot([1; 32])), Ok(None));
    table(&books).begin(&running(1, 1, NOON)).unwrap();
    assert_eq!(table(&books).find(Slot([1; 32])), Ok(Some(running(1, 1, NOON))));
    table(&books).keep(&asked(1, 1), &kept()).unwrap();
    let answered = Record { doubtful: vec![], answer: Some(kept()), ..running(1, 1, NOON) };
    assert_eq!(table(&books).find(Slot([1; 32])), Ok(Some(answered)));
}

#[test]
fn a_row_that_another_request_has_taken_over_is_its_own() {
    let books = Books::new();
    let mut table = table(&books);
    table.begin(&running(1, 1, NOON)).unwrap();
    table.begin(&running(1, 2, NOON)).unwrap();
    table.keep(&asked(1, 1), &kept()).unwrap();
    table.remove(&asked(1, 1)).unwrap();
    assert_eq!(table.find(Slot([1; 32])), Ok(Some(running(1, 2, NOON))));
    table.remove(&asked(1, 2)).unwrap();
    assert_eq!(table.find(Slot([1; 32])), Ok(None));
}

#[test]
fn what_has_expired_is_removed_oldest_first_and_no_more_than_asked() {
    let books = Books::new();
    let mut table = table(&books);
    for n in 0..5 {
        table.begin(&running(n, u128::from(n), Timestamp(NOON.0 + i64::from(n)))).unwrap();
    }
    assert_eq!(table.sweep(Timestamp(NOON.0 + 3), 3), Ok(3));
    assert_eq!(table.find(Slot([2; 32])), Ok(None));
    assert!(table.find(Slot([3; 32])).unwrap().is_some());
    assert_eq!(table.sweep(Timestamp(NOON.0 + 3), 3), Ok(1));
    assert!(table.find(Slot([4; 32])).unwrap().is_some());
}

#[test]
fn a_bill_is_what_the_ledger_closed_until_it_is_taken_back() {
    let books = Books::new();
    let (mut journal, _) = books.open();
    let closed = line(1);
    journal.append(&Journalled::Held(hold(1)), None).unwrap();
    journal.append(&Journalled::Closed(closing(1)), Some(Line::Entry(closed.clone()))).unwrap();
    let (request, open) = (closed.call.request, RequestId::from_u128(77));
    let scopes: Arc<[Scope]> = [Scope::Key(KEY), Scope::Project(PROJECT)].into();
    let bills = table(&books).bills(&[open, request]).unwrap();
    let bill = bills.first().unwrap();
    assert_eq!((bills.len(), bill.request, bill.amount, &bill.scopes), (1, request, closed.amount, &scopes));
    assert!(bill.amount > Money::ZERO);

    let adjustment = Adjustment {
        id: bill.adjustment,
        scopes,
        provider: None,
        amount: Money::ZERO - bill.amount,
        reason: "idempotent retry".into(),
        actor: "farthing".into(),
        request: Some(request),
        booked_at: NOON,
    };
    journal.append(&Journalled::Adjusted(adjustment.clone()), Some(Line::Adjustment(adjustment))).unwrap();
    assert_eq!(table(&books).bills(&[request]).unwrap().first().unwrap().amount, Money::ZERO);
    assert_eq!(books.verdict().faults, Vec::<String>::new());
}

#[test]
fn answers_that_are_sealed_otherwise_are_found_in_order_and_replaced_unless_they_changed() {
    let books = Books::new();
    let mut table = table(&books);
    let sealed = |bytes: &[u8]| Kept { shape: Shape::Whole, sealed: Some(Arc::from(bytes)) };
    for (slot, bytes) in [(1, &b"old-1"[..]), (2, b"new-2"), (3, b"old-3"), (4, b"old-4")] {
        table.begin(&running(slot, u128::from(slot), NOON)).unwrap();
        table.keep(&asked(slot, u128::from(slot)), &sealed(bytes)).unwrap();
    }
    table.begin(&running(5, 5, NOON)).unwrap();
    let first = table.stale(b"new", None, 2).unwrap();
    assert_eq!(first.iter().map(|stale| stale.asked).collect::<Vec<_>>(), [asked(1, 1), asked(3, 3)]);
    let rest = table.stale(b"new", Some(Slot([3; 32])), 2).unwrap();
    assert_eq!(rest.iter().map(|stale| &stale.sealed[..]).collect::<Vec<_>>(), [b"old-4"]);
    table.keep(&asked(3, 3), &sealed(b"another")).unwrap();
    let fresh: Vec<_> = first.into_iter().map(|stale| (stale, Arc::from(&b"new-x"[..]))).collect();
    table.replace(&fresh).unwrap();
    let kept = |table: &mut IdempotencyTable, slot| table.find(Slot([slot; 32])).unwrap().unwrap().answer.unwrap();
    assert_eq!((kept(&mut table, 1), kept(&mut table, 3)), (sealed(b"new-x"), sealed(b"another")));
}
