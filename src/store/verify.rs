//! Verify: the proof that the books balance, made from the database alone.
//! Owns the checks and the list of faults. Refuses to repair: a fault is shown, never smoothed over.
//!
//! Memory holds one line and one sum for each account, whatever the number of lines.

mod sums;

use diesel::dsl::count_star;
use diesel::prelude::*;
use farthing_actors::domain::{Money, Scope};
use farthing_actors::ledger::entry::Entry;

use self::sums::Sums;
use super::StoreError;
use super::entries::applied_seq;
use super::entries::row::Row;
use super::schema::{ledger_entries, spend};

/// Faults that are told in words; more are only counted.
const TOLD: usize = 100;
/// Lines between two reports of progress.
const REPORT_EVERY: u64 = 10_000;

/// What the check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Lines read.
    pub entries: u64,
    /// Different requests among them.
    pub requests: u64,
    /// All debits less all credits: nothing, in books that balance.
    pub imbalance: Money,
    /// What is wrong, in words; at most a hundred.
    pub faults: Vec<String>,
    /// How many things are wrong.
    pub fault_count: u64,
}

impl Verdict {
    /// Whether the books balance and nothing is wrong with them.
    pub fn is_ok(&self) -> bool {
        self.fault_count == 0 && self.imbalance == Money::ZERO
    }

    fn fault(&mut self, fault: String) {
        self.fault_count += 1;
        if self.faults.len() < TOLD {
            self.faults.push(fault);
        }
    }
}

/// Checks every line and every rollup as they are at one moment; the caller flushes the writer first. `progress` is
/// told the number of lines read.
///
/// # Errors
/// If the database does not answer. Faults in the books are no error: they are the verdict.
pub fn verify(connection: &mut SqliteConnection, progress: &mut dyn FnMut(u64)) -> Result<Verdict, StoreError> {
    connection.transaction(|connection| {
        let mut check = Check::default();
        check.lines(connection, progress)?;
        check.applied(connection)?;
        check.repeats(connection)?;
        check.rollups(connection)?;
        Ok(check.verdict)
    })
}

#[derive(Default)]
struct Check {
    verdict: Verdict,
    expected: Sums,
    last_seq: i64,
}

impl Check {
    fn lines(&mut self, connection: &mut SqliteConnection, progress: &mut dyn FnMut(u64)) -> Result<(), StoreError> {
        let rows = ledger_entries::table.order(ledger_entries::seq.asc()).select(Row::as_select());
        for row in rows.load_iter::<Row, _>(connection)? {
            self.line(&row?);
            if self.verdict.entries.is_multiple_of(REPORT_EVERY) {
                progress(self.verdict.entries);
            }
        }
        progress(self.verdict.entries);
        Ok(())
    }

    fn line(&mut self, row: &Row) {
        self.verdict.entries += 1;
        if row.seq <= self.last_seq {
            self.verdict.fault(format!("line {} follows line {}", row.seq, self.last_seq));
        }
        self.last_seq = row.seq;
        match row.entry() {
            Ok(entry) => {
                self.transfer(row, &entry);
                self.amount(row.seq, &entry);
                self.expected.add(&entry);
            }
            Err(error) => self.verdict.fault(error.to_string()),
        }
    }

    // Every line takes from the key and gives the same to the provider; a refused one moves nothing.
    fn transfer(&mut self, row: &Row, entry: &Entry) {
        if !row.debit_account.is_empty() {
            self.verdict.imbalance += entry.amount;
        }
        if !row.credit_account.is_empty() {
            self.verdict.imbalance -= entry.amount;
        }
        let provider = entry.target.as_ref().map(|target| target.provider.to_string()).unwrap_or_default();
        if row.debit_account != entry.call.key.to_string() || row.credit_account != provider {
            self.verdict.fault(format!("line {} is booked to the wrong accounts", row.seq));
        }
        if !entry.call.scopes.contains(&Scope::Key(entry.call.key)) {
            self.verdict.fault(format!("line {} is not charged to its own key", row.seq));
        }
    }

    fn amount(&mut self, seq: i64, entry: &Entry) {
        let usage = &entry.outcome.usage;
        let derived = entry.target.as_ref().map_or(Money::ZERO, |target| target.cost(usage));
        // A call that was given up before it consumed anything costs nothing, whatever the fee of a request.
        let voided = entry.amount == Money::ZERO && usage.total() == 0;
        if entry.amount != derived && !voided {
            self.verdict.fault(format!("line {seq} is booked at ${}, its usage costs ${derived}", entry.amount));
        }
        if entry.amount.is_negative() || entry.held.is_negative() {
            self.verdict.fault(format!("line {seq} has a negative amount"));
        }
    }

    fn applied(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let applied = applied_seq(connection)?;
        if u64::try_from(self.last_seq).is_ok_and(|last| last > applied) {
            let fault = format!("line {} is beyond {applied}, the last one that was applied", self.last_seq);
            self.verdict.fault(fault);
        }
        Ok(())
    }

    fn repeats(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let repeated = ledger_entries::table
            .group_by(ledger_entries::request_id)
            .having(count_star().gt(1))
            .select((ledger_entries::request_id, count_star()))
            .load_iter::<(String, i64), _>(connection)?;
        self.verdict.requests = self.verdict.entries;
        for request in repeated {
            let (id, count) = request?;
            let surplus = u64::try_from(count - 1).unwrap_or(0);
            self.verdict.requests = self.verdict.requests.saturating_sub(surplus);
            self.verdict.fault(format!("the request {id} is booked {count} times"));
        }
        Ok(())
    }

    fn rollups(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let mut found = Sums::default();
        let rows = spend::table.select((spend::account, spend::bucket, spend::amount, spend::entries));
        for row in rows.load_iter::<(String, i64, i64, i64), _>(connection)? {
            let (account, bucket, amount, entries) = row?;
            found.add_rollup(&account, bucket, Money::from_row(amount), entries);
        }
        self.expected.differences(&found, &mut |fault| self.verdict.fault(fault));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
