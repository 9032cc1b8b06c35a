//! Verify: the proof that the books balance, made from the database alone.
//! Owns the checks and the list of faults. Refuses to repair: a fault is shown, never smoothed over.
//!
//! Memory holds one line and one sum for each account, whatever the number of lines.

mod classes;
mod sums;
mod tariff;
mod usages;
mod weights;

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::result::Error::DeserializationError as Unreadable;
use farthing_actors::domain::{LineKind, Money, Scope};
use farthing_actors::ledger::entry::{Entry, Line};

use self::sums::Sums;
use self::tariff::Tariff;
use self::usages::Usages;
use self::weights::Weights;
use super::StoreError;
use super::adjustments::AdjustmentRow;
use super::chain::{Fields, Hash};
use super::entries::row::{KnownPrices, Row};
use super::entries::state;
use super::schema::{ledger_adjustments, ledger_entries, spend};

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
    /// Lines that no request made.
    pub adjustments: u64,
    /// The hash of the last line in hex, as computed: whoever kept an earlier one can find it in an export.
    pub chain_head: String,
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
        let mut check = Check::new();
        match check.all(connection, progress) {
            Err(StoreError::Database(error @ Unreadable(_))) => {
                check.verdict.fault(format!("what cannot be read: {error}"))
            }
            Err(StoreError::Damaged { row, reason }) => {
                check.verdict.fault(format!("the row {row} is damaged: {reason}"))
            }
            done => done?,
        }
        check.verdict.chain_head = check.head.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(check.verdict)
    })
}

struct Check {
    verdict: Verdict,
    expected: Sums,
    usages: Usages,
    last_seq: i64,
    head: Hash,
    /// Whether the chain was found broken: one fault, not one for each later line.
    broken: bool,
    tariff: Tariff,
    prices: KnownPrices,
    fields: Fields,
}

impl Check {
    fn new() -> Self {
        let weights = Weights::default();
        Self {
            verdict: Verdict::default(),
            expected: Sums::new(weights.clone()),
            usages: Usages::new(weights),
            last_seq: 0,
            head: Hash::default(),
            broken: false,
            tariff: Tariff::default(),
            prices: KnownPrices::default(),
            fields: Fields::default(),
        }
    }

    fn all(&mut self, connection: &mut SqliteConnection, progress: &mut dyn FnMut(u64)) -> Result<(), StoreError> {
        classes::odd(connection, &mut |fault| self.verdict.fault(fault))?;
        self.usages.find_corrected(connection)?;
        self.lines(connection, progress)?;
        self.applied(connection)?;
        self.calls(connection)?;
        self.tariff.differences(connection, &mut |fault| self.verdict.fault(fault))?;
        self.rollups(connection)
    }

    fn lines(&mut self, connection: &mut SqliteConnection, progress: &mut dyn FnMut(u64)) -> Result<(), StoreError> {
        // Operators book few lines, requests make many: the few are read first and put in their places among the many.
        let adjustments = ledger_adjustments::table.order(ledger_adjustments::seq.asc());
        let adjustments = adjustments.select(AdjustmentRow::as_select()).load::<AdjustmentRow>(connection)?;
        let mut adjustments = adjustments.into_iter().peekable();
        let rows = ledger_entries::table.order(ledger_entries::seq.asc()).select(Row::as_select());
        for row in rows.load_iter::<Row, _>(connection)? {
            let row = row?;
            while let Some(adjustment) = adjustments.next_if(|adjustment| adjustment.seq < row.seq) {
                self.adjustment(&adjustment);
            }
            self.entry(&row);
            if self.verdict.entries.is_multiple_of(REPORT_EVERY) {
                progress(self.verdict.entries);
            }
        }
        adjustments.for_each(|adjustment| self.adjustment(&adjustment));
        progress(self.verdict.entries);
        Ok(())
    }

    fn entry(&mut self, row: &Row) {
        self.follows(row.seq);
        let link = row.link(&mut self.fields, &self.head);
        self.link(row.seq, link, &row.hash);
        if !row.is_whole() {
            self.verdict.fault(format!(
                "line {} has texts that are not written so: a part lacks, is empty, or has a separator in it",
                row.seq
            ));
        }
        match row.entry_priced(&mut self.prices) {
            Ok(entry) => {
                self.tariff.charged(row, &entry, &mut |fault| self.verdict.fault(fault));
                self.verdict.requests += u64::from(entry.kind.is_call());
                self.transfer(row, &entry);
                self.amount(row.seq, &entry);
                self.book(&Line::Entry(entry));
            }
            Err(error) => self.verdict.fault(error.to_string()),
        }
    }

    fn adjustment(&mut self, row: &AdjustmentRow) {
        self.follows(row.seq);
        row.fields(&mut self.fields);
        let link = self.fields.hash(&self.head);
        self.link(row.seq, link, &row.hash);
        match row.adjustment() {
            Ok(adjustment) => {
                self.verdict.adjustments += 1;
                let rewritten = AdjustmentRow::new(row.seq, &adjustment);
                if (&row.debit_account, &row.credit_account) != (&rewritten.debit_account, &rewritten.credit_account) {
                    self.verdict.fault(format!("line {} is booked to the wrong accounts", row.seq));
                }
                self.book(&Line::Adjustment(adjustment));
            }
            Err(error) => self.verdict.fault(error.to_string()),
        }
    }

    fn book(&mut self, line: &Line) {
        self.expected.add(line);
        self.usages.add(line);
    }

    fn follows(&mut self, seq: i64) {
        self.verdict.entries += 1;
        if seq <= self.last_seq {
            self.verdict.fault(format!("line {seq} follows line {}", self.last_seq));
        }
        self.last_seq = seq;
    }

    fn link(&mut self, seq: i64, link: Hash, stored: &[u8]) {
        self.head = link;
        if self.head != stored && !self.broken {
            self.broken = true;
            self.verdict.fault(format!("the chain breaks at line {seq}: it or one before it was altered or removed"));
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
        let voided = entry.booked() == Money::ZERO && usage.is_nothing();
        if entry.booked() != derived && !voided {
            self.verdict.fault(format!("line {seq} is booked at ${}, its usage costs ${derived}", entry.booked()));
        }
        let negative = entry.amount.is_negative() && entry.kind != LineKind::Correction;
        if negative || entry.held.is_negative() {
            self.verdict.fault(format!("line {seq} has a negative amount"));
        }
    }

    fn applied(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let (applied, head) = state(connection)?;
        if u64::try_from(self.last_seq).is_ok_and(|last| last > applied) {
            let fault = format!("line {} is beyond {applied}, the last one that was applied", self.last_seq);
            self.verdict.fault(fault);
        }
        if head != self.head && !self.broken {
            self.verdict
                .fault("the chain does not end where it was left: the last lines were removed or added".to_owned());
        }
        Ok(())
    }

    /// Each request is closed once, and each correction starts from what was booked.
    fn calls(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let repeated = ledger_entries::table
            .filter(ledger_entries::kind.eq("call"))
            .group_by(ledger_entries::request_id)
            .having(count_star().gt(1))
            .select((ledger_entries::request_id, count_star()))
            .load_iter::<(String, i64), _>(connection)?;
        for request in repeated {
            let (id, count) = request?;
            let surplus = u64::try_from(count - 1).unwrap_or(0);
            self.verdict.requests = self.verdict.requests.saturating_sub(surplus);
            self.verdict.fault(format!("the request {id} is booked {count} times"));
        }
        self.corrections(connection)
    }

    fn corrections(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let corrections = diesel::alias!(ledger_entries as corrections);
        let (kind, request) = (corrections.field(ledger_entries::kind), corrections.field(ledger_entries::request_id));
        let corrected = corrections.filter(kind.eq("correction")).select(request);
        let lines = ledger_entries::table
            .filter(ledger_entries::request_id.eq_any(corrected))
            .filter(ledger_entries::kind.ne("attempt"))
            .order((ledger_entries::request_id, ledger_entries::seq))
            .select((ledger_entries::request_id, ledger_entries::kind, ledger_entries::held, ledger_entries::amount))
            .load_iter::<(String, String, i64, i64), _>(connection)?;
        let mut booked = (String::new(), Money::ZERO);
        for line in lines {
            let (id, kind, before, amount) = line?;
            if kind == "call" {
                booked = (id, Money::from_row(amount));
                continue;
            }
            if booked != (id.clone(), Money::from_row(before)) {
                self.verdict.fault(format!("a correction of {id} does not start from what was booked"));
            }
            booked = (id, Money::from_row(before) + Money::from_row(amount));
        }
        Ok(())
    }

    fn rollups(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let mut found = self.expected.another();
        let rows = spend::table.select((spend::account, spend::bucket, spend::amount, spend::entries, spend::calls));
        for row in rows.load_iter::<(String, i64, i64, i64, i64), _>(connection)? {
            let (account, bucket, amount, entries, calls) = row?;
            found.add_rollup(&account, bucket, (Money::from_row(amount), entries, calls));
        }
        self.expected.differences(&found, &mut |fault| self.verdict.fault(fault));
        self.usages.differences(connection, &mut |fault| self.verdict.fault(fault))
    }
}

#[cfg(test)]
mod tests;
