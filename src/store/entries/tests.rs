//! Lines written and read back, field by field, on a real database.

use std::sync::Arc;

use farthing_actors::domain::{EstimateReason, Provenance, RequestId};
use farthing_actors::ledger::journal::Record;

use super::*;
use crate::store::testing::{Books, line, refusal};

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
    reasoning.outcome.provenance = Provenance::Estimated(EstimateReason::ClientGone);
    reasoning.outcome.first_token_ms = None;
    let mut scopeless = refusal(3);
    scopeless.call.scopes = [].into();
    let entries = [unpriced, reasoning, scopeless, line(4)];
    assert_eq!(book(&entries).lines(), entries);
}

#[test]
fn one_request_is_found_by_its_id() {
    let books = book(&[line(1), line(2)]);
    let found = |id| books.store.read(|connection| request(connection, id)).unwrap();
    assert_eq!(found(line(2).call.request), Some(StoredEntry { seq: 2, entry: line(2), beside: vec![] }));
    assert_eq!(found(RequestId::from_u128(5)), None);
}
