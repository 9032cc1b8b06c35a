//! Books that balance, and every way to tamper with them.

mod reckoning;
mod tampering;

use diesel::connection::SimpleConnection;
use farthing_actors::domain::{AdjustmentId, ProviderId, Timestamp, Usage};
use farthing_actors::ledger::entry::{Adjustment, Outcome};
use farthing_actors::ledger::journal::Record;

use super::*;
use crate::store::adjustments::adjustments;
use crate::store::spend::spent;
use crate::store::testing::{Books, KEY, NOON, PROJECT, PROVIDER, closing, hold, line, refusal, target};

/// Three calls in one quarter of an hour, one in another, and a refusal.
fn books() -> Books {
    let books = Books::new();
    let (mut journal, _) = books.open();
    for n in [1, 2, 3, 5_000] {
        journal.append(&Record::Held(hold(n)), None).unwrap();
        journal.append(&Record::Closed(closing(n)), Some(line(n).into())).unwrap();
    }
    journal.append(&Record::Refused(refusal(4)), Some(refusal(4).into())).unwrap();
    books
}

fn after(change: &str) -> Verdict {
    let books = books();
    books.writer.flush_blocking().unwrap();
    books.store.change(|connection| Ok(connection.batch_execute(change)?)).unwrap();
    books.verdict()
}

#[track_caller]
fn assert_found(change: &str, words: &str) {
    let verdict = after(change);
    assert!(!verdict.is_ok() && verdict.faults.iter().any(|fault| fault.contains(words)), "{verdict:?}");
}

#[test]
fn sound_books_have_no_faults_and_the_rollups_agree() {
    let books = books();
    let verdict = books.verdict();
    assert!(verdict.is_ok(), "{verdict:?}");
    assert_eq!((verdict.entries, verdict.requests), (5, 5));
    let total: Money = [1, 2, 3, 5_000].into_iter().map(|n| line(n).amount).sum();
    let sum = |account: String, since| books.store.read(|connection| spent(connection, &account, since)).unwrap();
    assert_eq!(sum(KEY.to_string(), NOON), total);
    assert_eq!(sum(PROVIDER.to_string(), Timestamp(i64::MIN)), total);
    assert_eq!(sum(KEY.to_string(), Timestamp(NOON.0 + 3_600_000)), line(5_000).amount);
}

#[test]
fn a_changed_amount_is_found() {
    assert_found("UPDATE ledger_entries SET amount = amount + 1 WHERE seq = 4", "line 4 is booked at");
    assert_found("UPDATE ledger_entries SET amount = -amount WHERE seq = 4", "negative");
    assert_found("UPDATE ledger_entries SET input = input + 1000 WHERE seq = 2", "its usage costs");
    assert_found("UPDATE ledger_entries SET price = '{}' WHERE seq = 2", "damaged");
}

#[test]
fn a_missing_or_repeated_line_is_found() {
    assert_found("DELETE FROM ledger_entries WHERE seq = 4", "in 5 lines and");
    // Even one that moved no money.
    assert_found("DELETE FROM ledger_entries WHERE amount = 0", "in 5 lines and");
    assert_found("UPDATE journal_state SET applied_seq = 3", "beyond 3");
    let twice = "CREATE TABLE copies AS SELECT * FROM ledger_entries; DROP TABLE ledger_entries; \
                 UPDATE copies SET seq = 10, request_id = (SELECT request_id FROM copies WHERE seq = 4) WHERE seq = 2; \
                 ALTER TABLE copies RENAME TO ledger_entries;";
    assert_found(twice, "booked 2 times");
    assert_eq!(after(twice).requests, 4);
}

#[test]
fn a_changed_rollup_is_found() {
    assert_found("UPDATE spend SET amount = amount - 1 WHERE account LIKE 'prj_%'", "the rollups of prj_");
    assert_found("UPDATE spend SET bucket = bucket + 900000 WHERE account LIKE 'key_%'", "at the wrong times");
    assert_found("DELETE FROM spend WHERE account LIKE 'prv_%'", "say $0 in 0 lines");
    assert_found("INSERT INTO spend VALUES ('key_x', 0, 1, 1, 1)", "key_x");
    assert_found("UPDATE spend SET calls = calls + 1 WHERE account LIKE 'key_%'", "and 6 calls, its lines");
}

#[test]
fn money_booked_to_nobody_is_an_imbalance() {
    let verdict = after("UPDATE ledger_entries SET credit_account = '' WHERE seq = 2");
    assert_eq!(verdict.imbalance, line(1).amount);
    assert!(verdict.faults.iter().any(|fault| fault.contains("wrong accounts")));
}

#[test]
fn whatever_is_altered_breaks_the_chain() {
    // Nothing else would tell on these: no amount depends on them.
    assert_found("UPDATE ledger_entries SET model = 'gpt-5' WHERE seq = 4", "the chain breaks at line 4");
    assert_found("UPDATE ledger_entries SET latency_ms = 1 WHERE seq = 2", "the chain breaks at line 2");
    assert_found("UPDATE ledger_entries SET hash = zeroblob(32) WHERE seq = 8", "the chain breaks at line 8");
    let cut = "DELETE FROM ledger_entries WHERE seq = 9; UPDATE journal_state SET applied_seq = 8";
    assert_found(cut, "the chain does not end where it was left");
}

#[test]
fn corrections_and_adjustments_are_lines_like_others() {
    let books = books();
    let (mut journal, _) = books.open();
    let correct = |before: Entry, output| {
        let outcome = Outcome { usage: Usage { output, ..before.outcome.usage }, ..before.outcome.clone() };
        let amount = target().cost(&outcome.usage) - before.booked();
        Entry { kind: LineKind::Correction, held: before.booked(), amount, outcome, ..before }
    };
    let first = correct(line(2), 7);
    let second = correct(first.clone(), 9);
    assert!(first.amount.is_negative() && !second.amount.is_negative());
    for entry in [&first, &second] {
        journal.append(&Record::Corrected(entry.clone()), Some(entry.clone().into())).unwrap();
    }
    let house = adjustment(1, None);
    for adjustment in [house.clone(), adjustment(2, Some(PROVIDER))] {
        let line = Some(Line::Adjustment(adjustment.clone()));
        journal.append(&Record::Adjusted(adjustment), line).unwrap();
    }
    let verdict = books.verdict();
    assert!(verdict.is_ok(), "{verdict:?}");
    assert_eq!((verdict.entries, verdict.requests), (9, 5));
    let stored = books.store.read(|connection| adjustments(connection, None, 10)).unwrap();
    assert_eq!(stored.last().map(|stored| &stored.adjustment), Some(&house));

    let tampered = "UPDATE ledger_entries SET held = held + 1, amount = amount - 1 WHERE kind = 'correction'";
    books.store.change(|connection| Ok(connection.batch_execute(tampered)?)).unwrap();
    assert!(books.verdict().faults.iter().any(|fault| fault.contains("does not start from what was booked")));
    let tampered = "UPDATE ledger_adjustments SET reason = 'none' WHERE seq = 12";
    books.store.change(|connection| Ok(connection.batch_execute(tampered)?)).unwrap();
    assert!(!books.verdict().is_ok());
}

fn adjustment(n: u128, provider: Option<ProviderId>) -> Adjustment {
    Adjustment {
        id: AdjustmentId::from_u128(n),
        scopes: [Scope::Key(KEY), Scope::Project(PROJECT)].into(),
        provider,
        amount: Money::from_picos(-5),
        reason: "an outage".into(),
        actor: "ops".into(),
        request: None,
        booked_at: NOON,
    }
}

#[test]
fn a_call_given_up_unused_costs_nothing_despite_a_fee() {
    let books = Books::new();
    let (mut journal, _) = books.open();
    let mut entry = line(1);
    (entry.outcome.usage, entry.amount) = (Usage::default(), Money::ZERO);
    journal.append(&Record::Refused(entry.clone()), Some(entry.into())).unwrap();
    assert!(books.verdict().is_ok());
}

#[test]
fn only_a_hundred_faults_are_told() {
    let mut verdict = Verdict::default();
    (0..150).for_each(|n| verdict.fault(n.to_string()));
    assert_eq!((verdict.faults.len(), verdict.fault_count), (100, 150));
}
