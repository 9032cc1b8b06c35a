//! Lines written and read back, field by field, on a real database.

use std::sync::Arc;

use farthing_actors::domain::{Estimate, KeyId, ProjectId, Provenance, RequestId};
use farthing_actors::ledger::journal::Record;

use super::*;
use crate::store::testing::{Books, KEY, PROJECT, line, refusal};

fn book(entries: &[Entry]) -> Books {
    let books = Books::new();
    let (mut journal, _) = books.open();
    for entry in entries {
        journal.append(&Record::Refused(entry.clone()), Some(entry.clone().into())).unwrap();
    }
    books.writer.flush_blocking().unwrap();
    books
}

#[test]
fn every_kind_of_line_comes_back_as_it_was() {
    let mut unpriced = line(1);
    unpriced.target.as_mut().unwrap().price = None;
    let mut reasoning = line(2);
    let price = reasoning.target.as_mut().unwrap().price.as_mut().unwrap();
    Arc::make_mut(price).1.reasoning_cost_per_m = Some("7.5".parse().unwrap());
    reasoning.outcome.provenance = Provenance::Estimated(Estimate::ClientGone);
    reasoning.outcome.first_token_ms = None;
    let mut scopeless = refusal(3);
    scopeless.call.scopes = [].into();
    let entries = [unpriced, reasoning, scopeless, line(4)];
    assert_eq!(book(&entries).lines(), entries);
}

#[test]
fn pages_follow_each_other_newest_first() {
    let mut foreign = line(2);
    foreign.call.key = KeyId::from_u128(77);
    let books = book(&[line(1), foreign.clone(), line(3), line(4)]);
    let page = |filter| books.store.read(|connection| requests(connection, &filter)).unwrap();
    let all = RequestFilter { project: Some(PROJECT), key: None, before_seq: None, limit: 2 };
    let first = page(all);
    assert_eq!(first.iter().map(|line| line.seq).collect::<Vec<_>>(), [4, 3]);
    let second = page(RequestFilter { before_seq: Some(3), ..all });
    assert_eq!(second.iter().map(|line| line.entry.clone()).collect::<Vec<_>>(), [foreign, line(1)]);
    assert_eq!(page(RequestFilter { key: Some(KEY), limit: 9, ..all }).len(), 3);
    assert!(page(RequestFilter { project: Some(ProjectId::from_u128(78)), ..all }).is_empty());
}

#[test]
fn one_request_is_found_by_its_id() {
    let books = book(&[line(1), line(2)]);
    let found = |id| books.store.read(|connection| request(connection, id)).unwrap();
    assert_eq!(found(line(2).call.request), Some(StoredEntry { seq: 2, entry: line(2), beside: vec![] }));
    assert_eq!(found(RequestId::from_u128(5)), None);
}
