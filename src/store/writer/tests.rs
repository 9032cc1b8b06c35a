//! The writer: batches in order, retried, never dropped.

use diesel::connection::SimpleConnection;

use super::*;
use crate::store::entries;
use crate::store::testing::{Books, line};

fn run(books: &Books, statement: &str) {
    books.store.read(|connection| Ok(connection.batch_execute(statement)?)).unwrap();
}

#[test]
fn a_refused_batch_is_tried_again_whole_and_in_order() {
    let books = Books::new();
    run(&books, "ALTER TABLE spend RENAME TO elsewhere");
    (1..=3).for_each(|n| assert!(books.writer.send(u64::from(n), line(n).into())));
    while books.writer.failures() < 2 {
        books.writer.wake();
        std::thread::yield_now();
    }
    assert_eq!(books.writer.behind(), 3);
    // The rows were inserted before the rollups failed, and must not have stayed.
    assert_eq!(books.store.read(entries::applied_seq).unwrap(), 0);
    run(&books, "ALTER TABLE elsewhere RENAME TO spend");
    assert_eq!(books.lines(), [line(1), line(2), line(3)]);
    assert_eq!(books.writer.behind(), 0);
    assert!(books.verdict().is_ok());
}

#[test]
fn a_line_sent_again_is_applied_once() {
    let books = Books::new();
    books.writer.send(1, line(1).into());
    books.writer.flush_blocking().unwrap();
    books.writer.send(1, line(1).into());
    books.writer.send(2, line(2).into());
    assert_eq!(books.lines(), [line(1), line(2)]);
    assert!(books.verdict().is_ok());
}

#[test]
fn more_lines_than_a_batch_arrive() {
    let books = Books::new();
    let count = u32::try_from(BATCH).unwrap() * 2 + 7;
    (1..=count).for_each(|n| assert!(books.writer.send(u64::from(n), line(n).into())));
    let verdict = books.verdict();
    assert!(verdict.is_ok() && verdict.entries == u64::from(count), "{verdict:?}");
}

#[test]
fn stopping_commits_everything_and_then_admits_nothing() {
    let books = Books::new();
    books.writer.send(1, line(1).into());
    books.writer.stop().unwrap();
    assert_eq!(books.store.read(entries::applied_seq).unwrap(), 1);
    while !books.writer.is_overloaded() {
        std::thread::yield_now();
    }
    assert!(!books.writer.send(2, line(2).into()));
    assert!(books.writer.flush_blocking().is_err());
}

#[test]
fn waiting_for_a_flush_blocks_no_task() {
    let books = Books::new();
    books.writer.send(1, line(1).into());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(books.writer.flush()).unwrap();
    assert_eq!(books.writer.behind(), 0);
}
