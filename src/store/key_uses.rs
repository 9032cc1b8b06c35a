//! The table `key_uses`, where keys were used from and with which program, by day, and `last_used_at` of `virtual_keys`.
//! Owns that a key has no more than so many lines a day: what is beyond counts as `other`. Refuses to decide what is odd.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::upsert::excluded;
use farthing_actors::domain::clock::DAY_MS;
use farthing_actors::domain::{KeyId, Timestamp};
use farthing_actors::keyring::habits::Use;

use super::StoreError;
use super::columns::{Row, signed};
use super::schema::{key_uses, virtual_keys};

/// Lines of one key and day.
const MOST_LINES: i64 = 256;
const OTHER: &str = "other";
/// How long they are kept, which is how long a network is known that is not used.
const KEPT_DAYS: i64 = 90;

/// A network and a program of a key, and when they were last seen, to the day.
pub type Known = (KeyId, String, String, Timestamp);

/// Every network and program that is remembered.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn known(connection: &mut SqliteConnection) -> Result<Vec<Known>, StoreError> {
    let latest = diesel::dsl::max(key_uses::day);
    let grouped = key_uses::table.group_by((key_uses::key_id, key_uses::network, key_uses::agent));
    let rows = grouped.select((key_uses::key_id, key_uses::network, key_uses::agent, latest));
    let rows: Vec<(String, String, String, Option<i64>)> = rows.load(connection)?;
    let known = rows.into_iter().map(|(key, network, agent, day)| {
        let row = Row { table: "key_uses", id: &key };
        let at = Timestamp(day.unwrap_or(0).saturating_mul(DAY_MS));
        Ok((row.parse("key_id", &key)?, network, agent, at))
    });
    known.collect()
}

/// When keys were last used.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn last_used(connection: &mut SqliteConnection) -> Result<HashMap<KeyId, Timestamp>, StoreError> {
    let used = virtual_keys::table.filter(virtual_keys::last_used_at.is_not_null());
    let rows = used.select((virtual_keys::id, virtual_keys::last_used_at.assume_not_null()));
    let rows: Vec<(String, i64)> = rows.load(connection)?;
    let used = rows.into_iter().map(|(key, at)| {
        let row = Row { table: "virtual_keys", id: &key };
        Ok((row.parse("id", &key)?, Timestamp(at)))
    });
    used.collect()
}

/// Adds uses of the day of `now`, says when the keys were last used, and forgets what is older than 90 days.
///
/// # Errors
/// If the database refuses it.
pub fn add(connection: &mut SqliteConnection, uses: &[(KeyId, Use)], now: Timestamp) -> Result<(), StoreError> {
    let day = now.0.div_euclid(DAY_MS);
    for (key, used) in uses {
        let key = key.to_string();
        add_one(connection, &key, day, used)?;
        let row = virtual_keys::table.find(&key);
        diesel::update(row).set(virtual_keys::last_used_at.eq(now.0)).execute(connection)?;
    }
    let old = key_uses::table.filter(key_uses::day.lt(day.saturating_sub(KEPT_DAYS)));
    diesel::delete(old).execute(connection)?;
    Ok(())
}

fn add_one(connection: &mut SqliteConnection, key: &str, day: i64, used: &Use) -> Result<(), StoreError> {
    let today = key_uses::table.filter(key_uses::key_id.eq(key).and(key_uses::day.eq(day)));
    let lines: i64 = today.count().get_result(connection)?;
    let here = today.filter(key_uses::network.eq(&*used.network).and(key_uses::agent.eq(&*used.agent)));
    let known: i64 = here.count().get_result(connection)?;
    let (network, agent) =
        if known == 0 && lines >= MOST_LINES { (OTHER, OTHER) } else { (&*used.network, &*used.agent) };
    let row = (
        key_uses::key_id.eq(key),
        key_uses::day.eq(day),
        key_uses::network.eq(network),
        key_uses::agent.eq(agent),
        key_uses::calls.eq(signed(used.calls)),
    );
    let insert = diesel::insert_into(key_uses::table).values(row);
    let place = (key_uses::key_id, key_uses::day, key_uses::network, key_uses::agent);
    let more = key_uses::calls.eq(key_uses::calls + excluded(key_uses::calls));
    insert.on_conflict(place).do_update().set(more).execute(connection)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::Scratch;

    fn used(network: &str, calls: u64) -> (KeyId, Use) {
        (KeyId::from_u128(1), Use { network: network.into(), agent: "curl".into(), calls })
    }

    #[test]
    fn uses_add_up_by_day_are_bounded_and_are_forgotten_in_time() {
        let store = Scratch::new();
        let opened = store.open();
        let add = |uses: &[(KeyId, Use)], at| opened.change(|connection| add(connection, uses, at)).unwrap();
        let lines = || -> Vec<(String, i64)> {
            let rows = key_uses::table.select((key_uses::network, key_uses::calls)).order(key_uses::network);
            opened.read(|connection| Ok(rows.load(connection)?)).unwrap()
        };
        add(&[used("a", 2), used("b", 1)], Timestamp(5));
        add(&[used("a", 3)], Timestamp(DAY_MS - 1));
        assert_eq!(lines(), [("a".to_owned(), 5), ("b".to_owned(), 1)]);
        let many: Vec<_> = (0..300).map(|network| used(&format!("n{network:03}"), 1)).collect();
        add(&many, Timestamp(6));
        assert_eq!(lines().len(), 257);
        assert!(lines().contains(&("other".to_owned(), 46)), "{:?}", lines().last());
        let known = opened.read(known).unwrap();
        assert!(known.contains(&(KeyId::from_u128(1), "a".to_owned(), "curl".to_owned(), Timestamp(0))));
        add(&[used("late", 1)], Timestamp(91 * DAY_MS));
        assert_eq!(lines(), [("late".to_owned(), 1)]);
    }
}
