//! Pages on a real database: every condition, and the bound of a page's work.

use diesel::connection::SimpleConnection;
use farthing_actors::domain::RequestId;
use farthing_actors::ledger::entry::Entry;

use super::*;
use crate::store::testing::{Books, KEY, NOON, PROJECT, PROVIDER, line, plan, refusal};

fn book(entries: &[Entry]) -> Books {
    let books = Books::new();
    (1..).zip(entries).for_each(|(seq, entry)| assert!(books.writer.send(seq, entry.clone().into())));
    books.writer.flush_blocking().unwrap();
    books
}

fn page(books: &Books, filter: &RequestFilter) -> (Vec<i64>, Option<i64>) {
    let found = books.store.read(|connection| requests(connection, filter)).unwrap();
    let seqs = found.lines.iter().map(|line| line.seq).collect();
    (seqs, found.stopped.map(|stopped| stopped.before_seq))
}

fn all() -> RequestFilter {
    RequestFilter { limit: 100, ..RequestFilter::default() }
}

/// Four lines: 2 of another key and in a run, 3 refused, 4 of another model.
fn four() -> Books {
    let (mut foreign, mut other) = (line(2), line(4));
    foreign.call.key = KeyId::from_u128(77);
    foreign.call.run = Some("nightly".into());
    other.call.model = "other".into();
    book(&[line(1), foreign, refusal(3), other])
}

#[test]
fn every_condition_narrows() {
    let books = four();
    let at = |seconds: i64| Some(Timestamp(NOON.0 + seconds * 1_000));
    let id = line(1).call.request.to_string();
    let (beginning, _) = id.split_at(12);
    for (filter, expected) in [
        (all(), vec![4, 3, 2, 1]),
        (RequestFilter { project: Some(PROJECT), ..all() }, vec![4, 3, 2, 1]),
        (RequestFilter { project: Some(ProjectId::from_u128(78)), ..all() }, vec![]),
        (RequestFilter { key: Some(KEY), ..all() }, vec![4, 3, 1]),
        (RequestFilter { key: Some(KEY), project: Some(ProjectId::from_u128(78)), ..all() }, vec![]),
        (RequestFilter { run: Some("nightly".into()), ..all() }, vec![2]),
        (RequestFilter { run: Some("nightly".into()), key: Some(KEY), ..all() }, vec![]),
        (RequestFilter { run: Some("nightly".into()), key: Some(KeyId::from_u128(77)), ..all() }, vec![2]),
        (RequestFilter { model: Some("other".into()), ..all() }, vec![4]),
        (RequestFilter { provider: Some(PROVIDER), ..all() }, vec![4, 2, 1]),
        (RequestFilter { provider: Some(ProviderId::from_u128(9)), ..all() }, vec![]),
        (RequestFilter { status: Some(CallStatus::Refused), ..all() }, vec![3]),
        (RequestFilter { from: at(2), to: at(4), ..all() }, vec![3, 2]),
        (RequestFilter { from: at(2), status: Some(CallStatus::Ok), ..all() }, vec![4, 2]),
        (RequestFilter { id: Some(id.clone()), ..all() }, vec![1]),
        (RequestFilter { id: Some(beginning.to_owned()), ..all() }, vec![4, 3, 2, 1]),
        (RequestFilter { id: Some("req_f".into()), ..all() }, vec![]),
        (RequestFilter { before_seq: Some(3), ..all() }, vec![2, 1]),
        (RequestFilter { limit: 2, ..all() }, vec![4, 3]),
    ] {
        assert_eq!(page(&books, &filter), (expected, None), "{filter:?}");
    }
}

/// Copies the first line to `count` numbers, every second one, at ids, times and keys of their own.
fn many(books: &Books, count: i64) {
    let columns = "kind, scopes, model, dialect, stream, run, provider_id, deployment_id, upstream_model, price_id, \
        price, input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, units, tier, provenance, status, \
        http_status, attempts, latency_ms, first_token_ms, held, amount, debit_account, credit_account, hash, project_id";
    books
        .store
        .change(|connection| {
            Ok(connection.batch_execute(&format!(
                "WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < {count}) \
             INSERT INTO ledger_entries (seq, request_id, placed_at, closed_at, key_id, {columns}) \
             SELECT n * 2, printf('req_%032x', n + 100000), placed_at + n * 1000, closed_at + n * 1000, \
             printf('key_%032x', 1 + n % 3), {columns} FROM n, ledger_entries WHERE seq = 1"
            ))?)
        })
        .unwrap();
}

#[test]
fn a_page_looks_at_so_many_lines_and_the_next_goes_on() {
    let books = book(&[line(1)]);
    many(&books, 50_000);
    let (one, other) = (Some("gpt-4o-mini".to_owned()), Some("other".to_owned()));
    // The only line of another model is the oldest; numbers have gaps of two, a key has every third line.
    let oldest =
        "UPDATE ledger_entries SET model = 'other', key_id = 'key_00000000000000000000000000000002' WHERE seq = 1";
    books.store.change(|connection| Ok(connection.batch_execute(oldest)?)).unwrap();
    let second = Some(KeyId::from_u128(2));
    for (filter, pages) in [
        (RequestFilter { model: other.clone(), ..all() }, 5),
        (RequestFilter { model: other.clone(), project: Some(PROJECT), ..all() }, 3),
        (RequestFilter { model: other.clone(), key: second, ..all() }, 1),
        (RequestFilter { model: other, key: second, project: Some(PROJECT), ..all() }, 1),
        (RequestFilter { model: one, limit: 3, ..all() }, 1),
    ] {
        let (mut seen, mut before, mut count) = (Vec::new(), None, 0);
        loop {
            let (lines, stopped) = page(&books, &RequestFilter { before_seq: before, ..filter.clone() });
            seen.extend(lines);
            count += 1;
            let Some(stopped) = stopped else { break };
            assert!(before.is_none_or(|before| stopped < before), "{filter:?}");
            before = Some(stopped);
        }
        let expected = if filter.limit == 3 { vec![100_000, 99_998, 99_996] } else { vec![1] };
        assert_eq!((seen, count), (expected, pages), "{filter:?}");
    }
    let span = RequestFilter {
        from: Some(Timestamp(NOON.0 + 10_000_000)),
        to: Some(Timestamp(NOON.0 + 10_003_000)),
        longest: Some(Duration::from_secs(600)),
        ..all()
    };
    assert_eq!(page(&books, &span), (vec![20_002, 20_000, 19_998], None), "one page, far from both ends");
}

#[test]
fn an_index_is_used_where_there_is_one() {
    let books = book(&[line(1)]);
    many(&books, 3_000);
    let numbers = Numbers { after: 5, before: 4_000 };
    let (key, project) = (Some(KEY), Some(PROJECT));
    for (filter, expected) in [
        (all(), "USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (RequestFilter { model: Some("x".into()), ..all() }, "USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (RequestFilter { project, ..all() }, "ledger_entries_by_project (project_id=? AND seq>? AND seq<?)"),
        (RequestFilter { key, project, ..all() }, "ledger_entries_by_key (key_id=? AND seq>? AND seq<?)"),
        (
            RequestFilter { key, run: Some("x".into()), ..all() },
            "ledger_entries_by_run (key_id=? AND run=? AND rowid>?",
        ),
    ] {
        let query = fitting(&filter, indexed(&filter, numbers)).filter(is_call()).select(Row::as_select());
        let plan = plan(&books.store, &query.order(ledger_entries::seq.desc()));
        assert!(plan.contains(expected) && !plan.contains("TEMP B-TREE"), "{filter:?}: {plan}");
    }
    let calls = || ledger_entries::table.filter(is_call()).select(ledger_entries::seq);
    let one = calls().filter(ledger_entries::request_id.eq(RequestId::from_u128(1).to_string()));
    assert!(
        plan(&books.store, &one).contains("ledger_entries_one_call (request_id=?)"),
        "{}",
        plan(&books.store, &one)
    );
    let begins = calls().filter(ledger_entries::request_id.ge("a")).filter(ledger_entries::request_id.lt("b"));
    let begins = begins.order(ledger_entries::request_id.desc());
    let plan = plan(&books.store, &begins);
    assert!(plan.contains("ledger_entries_one_call (request_id>? AND request_id<?)"), "{plan}");
}
