//! A batch: the lines of one transaction, and that transaction.
//! Owns what must change together: rows, rollups, and how far the journal is applied. Refuses to apply a line twice.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::upsert::excluded;
use farthing_actors::domain::{Money, ProviderId, Scope};
use farthing_actors::ledger::entry::Line;

use crate::store::StoreError;
use crate::store::adjustments::{AdjustmentRow, HOUSE};
use crate::store::chain::{Fields, Hash};
use crate::store::entries::insert::Texts;
use crate::store::entries::state;
use crate::store::latency::tally::Timings;
use crate::store::schema::{journal_state, spend};
use crate::store::spend::bucket_of;
use crate::store::usage::subject::Numbers;
use crate::store::usage::tally::Tally;

/// Lines in the order of the journal.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) lines: Vec<(u64, Box<Line>)>,
    /// The last record that is done with when this batch is committed.
    pub(super) through: u64,
}

/// What rows are made with, kept between batches for its memory.
#[derive(Default)]
pub(super) struct Pen {
    texts: Texts,
    fields: Fields,
    numbers: Numbers,
}

/// Who a rollup row belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Account {
    Scope(Scope),
    Provider(ProviderId),
    House,
}

/// What a batch adds to each rollup row. Summed first: a busy account is one upsert in a batch, not hundreds.
type Rollups = HashMap<(Account, i64), Sum>;

#[derive(Clone, Copy, Default)]
struct Sum {
    amount: Money,
    entries: i64,
    calls: i64,
}

impl Batch {
    /// Whether committing it would change nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.through == 0
    }

    /// Applies everything in one transaction, or nothing. Lines that an earlier try has applied are passed over.
    pub(super) fn commit(&self, connection: &mut SqliteConnection, pen: &mut Pen) -> Result<(), StoreError> {
        let committed = connection.immediate_transaction(|connection| self.apply(connection, pen));
        if committed.is_err() {
            pen.numbers.forget();
        }
        committed
    }

    fn apply(&self, connection: &mut SqliteConnection, pen: &mut Pen) -> Result<(), StoreError> {
        let (applied, mut head) = state(connection)?;
        let (mut rollups, mut tally, mut timings) = (Rollups::new(), Tally::default(), Timings::default());
        for (seq, line) in self.lines.iter().filter(|(seq, _)| *seq > applied) {
            let seq = i64::try_from(*seq).unwrap_or(i64::MAX);
            let Some(link) = pen.insert(connection, seq, line, &head)? else { continue };
            head = link;
            add(&mut rollups, line);
            tally.add(connection, seq, line)?;
            timings.add(line);
        }
        save(connection, &rollups)?;
        tally.save(connection, &mut pen.numbers)?;
        timings.save(connection)?;
        advance(connection, applied.max(self.through), &head)
    }
}

impl Pen {
    /// Writes the row of `line` as the link after `head`, and gives its hash; `None` if it is there already.
    fn insert(
        &mut self,
        connection: &mut SqliteConnection,
        seq: i64,
        line: &Line,
        head: &Hash,
    ) -> Result<Option<Hash>, StoreError> {
        match line {
            Line::Entry(entry) => {
                let row = self.texts.row(seq, entry);
                row.fields(&mut self.fields);
                let hash = self.fields.hash(head);
                row.sealed(hash).execute(connection)?;
                Ok(Some(hash))
            }
            Line::Adjustment(adjustment) => {
                let row = AdjustmentRow::new(seq, adjustment);
                row.fields(&mut self.fields);
                let hash = self.fields.hash(head);
                Ok(row.insert(connection, &hash)?.then_some(hash))
            }
        }
    }
}

fn add(rollups: &mut Rollups, line: &Line) {
    let bucket = bucket_of(line.placed_at());
    let debits = line.scopes().iter().copied().map(Account::Scope);
    let house = matches!(line, Line::Adjustment(adjustment) if adjustment.provider.is_none());
    let credit = line.provider().map(Account::Provider).or(house.then_some(Account::House));
    for account in debits.chain(credit) {
        let sum = rollups.entry((account, bucket)).or_default();
        sum.amount += line.amount();
        sum.entries += 1;
        sum.calls += i64::from(line.is_admitted_call());
    }
}

fn save(connection: &mut SqliteConnection, rollups: &Rollups) -> Result<(), StoreError> {
    for ((account, bucket), sum) in rollups {
        let name = match account {
            Account::Scope(scope) => scope.to_string(),
            Account::Provider(provider) => provider.to_string(),
            Account::House => HOUSE.to_owned(),
        };
        let amount = sum.amount.to_row().ok_or_else(|| beyond_64_bits(&name))?;
        let row = (
            (spend::account.eq(name), spend::bucket.eq(bucket)),
            (spend::amount.eq(amount), spend::entries.eq(sum.entries), spend::calls.eq(sum.calls)),
        );
        diesel::insert_into(spend::table)
            .values(row)
            .on_conflict((spend::account, spend::bucket))
            .do_update()
            .set((
                spend::amount.eq(spend::amount + excluded(spend::amount)),
                spend::entries.eq(spend::entries + excluded(spend::entries)),
                spend::calls.eq(spend::calls + excluded(spend::calls)),
            ))
            .execute(connection)?;
    }
    Ok(())
}

fn advance(connection: &mut SqliteConnection, through: u64, head: &Hash) -> Result<(), StoreError> {
    let through = i64::try_from(through).unwrap_or(i64::MAX);
    let state = (journal_state::applied_seq.eq(through), journal_state::chain_head.eq(&head[..]));
    diesel::update(journal_state::table).set(state).execute(connection)?;
    Ok(())
}

fn beyond_64_bits(account: &str) -> StoreError {
    let reason = "nine million dollars in one batch do not fit".to_owned();
    StoreError::Damaged { row: format!("spend {account}"), reason }
}
