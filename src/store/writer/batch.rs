//! A batch: the lines of one transaction, and that transaction.
//! Owns what must change together: rows, rollups, and how far the journal is applied. Refuses to apply a line twice.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::upsert::excluded;
use farthing_actors::domain::{Money, ProviderId, Scope};
use farthing_actors::ledger::entry::Entry;

use crate::store::StoreError;
use crate::store::entries::applied_seq;
use crate::store::entries::insert::Texts;
use crate::store::schema::{journal_state, spend};
use crate::store::spend::bucket_of;

/// Lines in the order of the journal.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) lines: Vec<(u64, Box<Entry>)>,
    /// The last record that is done with when this batch is committed.
    pub(super) through: u64,
}

/// Who a rollup row belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Account {
    Scope(Scope),
    Provider(ProviderId),
}

/// What a batch adds to each rollup row. Summed first: a busy account is one upsert in a batch, not hundreds.
type Rollups = HashMap<(Account, i64), (Money, i64)>;

impl Batch {
    /// Whether committing it would change nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.through == 0
    }

    /// Applies everything in one transaction, or nothing. Lines that an earlier try has applied are passed over.
    pub(super) fn commit(&self, connection: &mut SqliteConnection, texts: &mut Texts) -> Result<(), StoreError> {
        connection.immediate_transaction(|connection| {
            let applied = applied_seq(connection)?;
            let mut rollups = Rollups::new();
            for (seq, entry) in self.lines.iter().filter(|(seq, _)| *seq > applied) {
                insert(connection, texts, *seq, entry)?;
                add(&mut rollups, entry);
            }
            save(connection, &rollups)?;
            advance(connection, applied.max(self.through))
        })
    }
}

fn insert(connection: &mut SqliteConnection, texts: &mut Texts, seq: u64, entry: &Entry) -> Result<(), StoreError> {
    texts.row(seq, entry).execute(connection)?;
    Ok(())
}

fn add(rollups: &mut Rollups, entry: &Entry) {
    let bucket = bucket_of(entry.call.placed_at);
    let debits = entry.call.scopes.iter().copied().map(Account::Scope);
    let credit = entry.target.as_ref().map(|target| Account::Provider(target.provider));
    for account in debits.chain(credit) {
        let (amount, entries) = rollups.entry((account, bucket)).or_default();
        *amount += entry.amount;
        *entries += 1;
    }
}

fn save(connection: &mut SqliteConnection, rollups: &Rollups) -> Result<(), StoreError> {
    for ((account, bucket), (amount, entries)) in rollups {
        let name = match account {
            Account::Scope(scope) => scope.to_string(),
            Account::Provider(provider) => provider.to_string(),
        };
        let amount = amount.to_row().ok_or_else(|| beyond_64_bits(&name))?;
        let row =
            (spend::account.eq(name), spend::bucket.eq(bucket), spend::amount.eq(amount), spend::entries.eq(entries));
        diesel::insert_into(spend::table)
            .values(row)
            .on_conflict((spend::account, spend::bucket))
            .do_update()
            .set((
                spend::amount.eq(spend::amount + excluded(spend::amount)),
                spend::entries.eq(spend::entries + excluded(spend::entries)),
            ))
            .execute(connection)?;
    }
    Ok(())
}

fn advance(connection: &mut SqliteConnection, through: u64) -> Result<(), StoreError> {
    let through = i64::try_from(through).unwrap_or(i64::MAX);
    diesel::update(journal_state::table).set(journal_state::applied_seq.eq(through)).execute(connection)?;
    Ok(())
}

fn beyond_64_bits(account: &str) -> StoreError {
    let reason = "nine million dollars in one batch do not fit".to_owned();
    StoreError::Damaged { row: format!("spend {account}"), reason }
}
