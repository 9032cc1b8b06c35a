//! A thousand tamperings by somebody with a database shell, each of the books as they were: every one is found.
//! Chance chooses them; the seed is printed, and `FARTHING_SEED` repeats a run.

use std::collections::BTreeMap;

use diesel::sql_types::{BigInt, Bool, Text};
use farthing_actors::domain::{DeploymentId, KeyId, Price, PriceId, ProjectId, ServiceTier, Units};
use farthing_actors::ledger::entry::Target;

use super::*;
use crate::store::testing::Dice;

const TAMPERINGS: usize = 1_000;
const LINES: u32 = 40;
const SEVEN_MINUTES: i64 = 7 * 60_000;

/// What each version of a price says, by its number.
const PRICES: [&str; 3] = [
    r#"{"input_cost_per_m":"0.15","output_cost_per_m":"0.6","cache_read_cost_per_m":"0.075"}"#,
    r#"{"input_cost_per_m":"3","output_cost_per_m":"15","cache_write_1h_cost_per_m":"6","request_fee_usd":"0.01"}"#,
    r#"{"input_cost_per_m":"2.5","output_cost_per_m":"10","image_fee_usd":"0.04","service_tiers":{"flex":"0.5"}}"#,
];

/// Lines of every kind over some hours, as the writer leaves them, and the prices they were charged at.
fn filled(dice: &mut Dice) -> Books {
    let books = Books::new();
    let (mut seq, mut before) = (0, None::<Entry>);
    for n in 1..=LINES {
        let call = call(n, dice);
        let line = match n % 10 {
            2 => Line::Adjustment(adjustment(u128::from(n), (n % 20 == 2).then_some(PROVIDER))),
            3 => Entry { call: call.call, closed_at: call.closed_at, ..refusal(n) }.into(),
            5 => Entry { kind: LineKind::Attempt, ..call }.into(),
            7 => corrected(before.take().unwrap(), dice).into(),
            _ => {
                before = Some(call.clone());
                call.into()
            }
        };
        // The journal has other records between.
        seq += 1 + u64::from(n % 3);
        assert!(books.writer.send(seq, line));
    }
    books.writer.flush_blocking().unwrap();
    let versions = PRICES.iter().enumerate().map(|(n, price)| {
        let (id, deployment) = (price_id(n), DeploymentId::from_u128(4));
        format!("INSERT INTO price_versions (id, deployment_id, effective_from, price) VALUES ('{id}', '{deployment}', 0, '{price}');")
    });
    let shell = "DROP TRIGGER price_versions_are_never_altered;";
    let statements = versions.chain([shell.to_owned()]).collect::<String>();
    books.store.change(|connection| Ok(connection.batch_execute(&statements)?)).unwrap();
    books
}

fn price_id(n: usize) -> PriceId {
    PriceId::from_u128(500 + u128::try_from(n).unwrap())
}

fn call(n: u32, dice: &mut Dice) -> Entry {
    let mut entry = line(n);
    let (key, version) = (dice.below(4), usize::try_from(dice.below(3)).unwrap());
    let (key, project) = (KeyId::from_u128(u128::from(10 + key)), ProjectId::from_u128(u128::from(20 + key % 2)));
    entry.call.placed_at = Timestamp(NOON.0 + i64::from(n) * SEVEN_MINUTES);
    entry.closed_at = Timestamp(entry.call.placed_at.0 + 1_500);
    (entry.call.key, entry.call.project) = (key, project);
    entry.call.scopes = [Scope::Key(key), Scope::Project(project)].into();
    entry.call.run = n.is_multiple_of(4).then(|| "night run".into());
    let price: Price = serde_json::from_str(PRICES[version]).unwrap();
    let target = Target { price: Some(std::sync::Arc::new((price_id(version), price))), ..target() };
    let units = Units { images: u64::from(n % 5 == 1), ..Units::NONE };
    let tier = if n % 6 == 1 { ServiceTier::Flex } else { ServiceTier::Standard };
    let mut some = || dice.below(9_000);
    entry.outcome.usage =
        Usage { input: 1 + some(), cache_read: some(), output: some(), units, tier, ..Usage::default() };
    entry.amount = target.cost(&entry.outcome.usage);
    entry.target = Some(target);
    entry
}

fn corrected(before: Entry, dice: &mut Dice) -> Entry {
    let usage = Usage { output: dice.below(500), ..before.outcome.usage };
    let amount = before.target.as_ref().unwrap().cost(&usage) - before.booked();
    let outcome = Outcome { usage, ..before.outcome.clone() };
    Entry { kind: LineKind::Correction, held: before.booked(), amount, outcome, ..before }
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    declared: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

/// A table and each of its rows, as a condition that no other row fits.
struct Table {
    name: &'static str,
    columns: Vec<Column>,
    rows: Vec<String>,
}

const TABLES: [(&str, &str); 5] = [
    ("ledger_entries", "seq"),
    ("ledger_adjustments", "seq"),
    ("spend", "account, bucket"),
    ("usage_rollups", "span, bucket, subject"),
    ("usage_subjects", "id"),
];

impl Table {
    fn read(books: &Books, (name, key): (&'static str, &'static str)) -> Self {
        let columns = "SELECT name, type AS declared, \"notnull\" = 0 AS nullable FROM pragma_table_info(?)";
        let read = |connection: &mut SqliteConnection| {
            let columns = diesel::sql_query(columns).bind::<Text, _>(name).load(connection)?;
            let condition: Vec<_> = key.split(", ").map(|key| format!("'{key} = ' || quote({key})")).collect();
            let rows = format!("SELECT {} AS word FROM {name}", condition.join(" || ' AND ' || "));
            let rows: Vec<Word> = diesel::sql_query(rows).load(connection)?;
            Ok(Self { name, columns, rows: rows.into_iter().map(|row| row.word).collect() })
        };
        books.store.read(read).unwrap()
    }

    /// One row of chance, as a condition.
    fn row(&self, dice: &mut Dice) -> String {
        dice.among(&self.rows).clone()
    }

    /// One value becomes another.
    fn changed(&self, dice: &mut Dice) -> String {
        let (table, column, row, other) = (self.name, dice.among(&self.columns), self.row(dice), self.row(dice));
        let name = &column.name;
        let others = format!("(SELECT {name} FROM {table} WHERE {other})");
        let text = [
            "{} || 'x'",
            "''",
            "upper({})",
            "{} || ' '",
            "' ' || {}",
            "replace({}, 'a', 'b')",
            "CAST({} AS BLOB)",
            "{} || char(0)",
        ];
        let number = ["{} + 1", "{} - 1", "-{}", "{} * 2", "0", "{} + 0.5", "{} | 1024", "{} + 900000"];
        let bytes = ["zeroblob(32)", "substr({}, 1, 31)", "CAST(substr({}, 2) || x'00' AS BLOB)", "randomblob(32)"];
        let forms: &[&str] = match column.declared.as_str() {
            "TEXT" => &text,
            "BLOB" => &bytes,
            "BOOLEAN" => &["1 - {}", "2"],
            _ => &number,
        };
        let form = *dice.among(forms);
        let new = match (dice.below(6), column.nullable) {
            (0, _) => others,
            (1, true) => format!("iif({name} IS NULL, 'x', NULL)"),
            _ => form.replace("{}", name),
        };
        // A value that stays what it is is no tampering.
        format!(
            "UPDATE {table} SET {name} = {new} WHERE {row} AND ({name} IS NOT ({new}) OR typeof({name}) <> typeof({new}))"
        )
    }

    fn deleted(&self, dice: &mut Dice) -> String {
        format!("DELETE FROM {} WHERE {}", self.name, self.row(dice))
    }

    /// A copy of a row, under another key.
    fn inserted(&self, dice: &mut Dice) -> String {
        let (name, row, by) = (self.name, self.row(dice), 1 + dice.below(400));
        let value = |column: &Column| match column.name.as_str() {
            "seq" => format!("seq + {by}"),
            "bucket" => format!("bucket + 900000 * {by}"),
            "request_id" | "id" => {
                let id = &column.name;
                format!("substr({id}, 1, length({id}) - 3) || '{:03x}'", dice.below(4_096))
            }
            other => other.to_owned(),
        };
        let values: Vec<_> = self.columns.iter().map(value).collect();
        format!("INSERT INTO {name} SELECT {} FROM {name} WHERE {row}", values.join(", "))
    }

    /// Two rows exchange the value of a column.
    fn swapped(&self, books: &Books, dice: &mut Dice) -> String {
        let (table, column, one, two) = (self.name, &dice.among(&self.columns).name, self.row(dice), self.row(dice));
        let value = |row: &str| {
            let query = format!("SELECT quote({column}) AS word FROM {table} WHERE {row}");
            books.store.read(|connection| Ok(diesel::sql_query(query).get_result::<Word>(connection)?.word)).unwrap()
        };
        let (first, second) = (value(&one), value(&two));
        format!(
            "UPDATE {table} SET {column} = {second} WHERE {one} AND {column} IS NOT {second}; \
             UPDATE {table} SET {column} = {first} WHERE {two} AND {column} IS NOT {first}"
        )
    }
}

/// Two lines change places in time.
fn exchanged(dice: &mut Dice, lines: &Table) -> String {
    let (one, two) = (lines.row(dice), lines.row(dice));
    let (first, second) = (one.trim_start_matches("seq = "), two.trim_start_matches("seq = "));
    format!(
        "UPDATE ledger_entries SET seq = -1 WHERE {one} AND {first} <> {second}; \
         UPDATE ledger_entries SET seq = {first} WHERE {two} AND {first} <> {second}; \
         UPDATE ledger_entries SET seq = {second} WHERE seq = -1"
    )
}

/// The last lines are cut off, and the chain's end is put where it then is.
fn cut(dice: &mut Dice) -> String {
    let kept = u64::from(LINES) / 2 - dice.below(20);
    format!(
        "DELETE FROM ledger_adjustments WHERE seq > {kept}; \
         UPDATE journal_state SET applied_seq = (SELECT max(seq) FROM ledger_entries WHERE seq <= {kept}), \
         chain_head = (SELECT hash FROM ledger_entries WHERE seq <= {kept} ORDER BY seq DESC LIMIT 1); \
         DELETE FROM ledger_entries WHERE seq > {kept}"
    )
}

/// Money moves between quarters of an hour so that neither its sum nor its centre does.
fn balanced(dice: &mut Dice) -> String {
    let (account, amount) = (ProjectId::from_u128(20), 1 + dice.below(1_000_000));
    let column = *dice.among(&["amount", "entries", "calls"]);
    let nth = |n: u64| format!("(SELECT min(bucket) FROM spend WHERE account = '{account}') + {}", n * 900_000);
    let at = |n: u64, by: i64| format!("WHEN bucket = {} THEN {by}", nth(n));
    let amount = i64::try_from(amount).unwrap();
    let (first, by) = (dice.below(2), [-amount, amount, amount, -amount]);
    let rows: Vec<_> = (first..).zip(by).map(|(n, by)| at(n * 2, by)).collect();
    let missing = (first..first + 4).map(|n| format!("('{account}', {}, 0, 0, 0)", nth(n * 2))).collect::<Vec<_>>();
    format!(
        "INSERT OR IGNORE INTO spend (account, bucket, amount, entries, calls) VALUES {}; \
         UPDATE spend SET {column} = {column} + CASE {} ELSE 0 END WHERE account = '{account}'",
        missing.join(", "),
        rows.join(" ")
    )
}

fn repriced(dice: &mut Dice) -> String {
    let (id, rate) = (price_id(usize::try_from(dice.below(3)).unwrap()), 20 + dice.below(100));
    format!("UPDATE price_versions SET price = json_set(price, '$.input_cost_per_m', '{rate}') WHERE id = '{id}'")
}

/// What was done, in a word, and how.
fn tampering(books: &Books, dice: &mut Dice, tables: &[Table]) -> (String, String) {
    let lines = &tables[0];
    // Lines of requests more often than all the rest.
    let table = match dice.below(6) {
        0..4 => lines,
        4 => &tables[1],
        _ => dice.among(tables),
    };
    let of = |word: &str| format!("{word} {}", table.name);
    match dice.below(20) {
        0..9 => (of("changed"), table.changed(dice)),
        9..11 => (of("deleted"), table.deleted(dice)),
        11..13 if table.name != "usage_subjects" => (of("inserted"), table.inserted(dice)),
        13..15 => (of("swapped"), table.swapped(books, dice)),
        15 => ("exchanged lines".to_owned(), exchanged(dice, lines)),
        16 => ("cut".to_owned(), cut(dice)),
        17 => ("balanced spend".to_owned(), balanced(dice)),
        18 => ("repriced".to_owned(), repriced(dice)),
        _ => {
            let state =
                *dice.among(&["chain_head = randomblob(32)", "chain_head = x'00'", "applied_seq = applied_seq - 1"]);
            ("state".to_owned(), format!("UPDATE journal_state SET {state}"))
        }
    }
}

/// What the check says of the books after `sql`; `None` if that changes nothing, or is refused. Nothing of it stays.
fn after(books: &Books, sql: &str) -> Option<Verdict> {
    let mut verdict = None;
    let taken_back: Result<(), StoreError> = books.store.change(|connection| {
        let total = "SELECT total_changes() AS count";
        let Count { count: before } = diesel::sql_query(total).get_result(connection)?;
        connection.batch_execute(sql)?;
        let Count { count } = diesel::sql_query(total).get_result(connection)?;
        if count > before {
            verdict = Some(verify(connection, &mut |_| {})?);
        }
        Err(diesel::result::Error::RollbackTransaction.into())
    });
    match taken_back {
        Err(StoreError::Database(diesel::result::Error::RollbackTransaction)) => verdict,
        Err(StoreError::Database(diesel::result::Error::DatabaseError(..))) => None,
        other => panic!("{sql}: {other:?}"),
    }
}

/// A client's word may spell how its line could be told otherwise: the same text in other fields, the last of which takes in the rest.
#[test]
fn no_field_moves_into_another() {
    let books = Books::new();
    let honest = |model: &str| {
        let mut entry = line(1);
        entry.call.model = model.into();
        entry.call.route = Some("group all → gpt".into());
        entry
    };
    let columns = "dialect stream run provider_id deployment_id upstream_model price_id price input cache_read cache_write_5m \
        cache_write_1h output reasoning units tier provenance status http_status attempts latency_ms first_token_ms held amount \
        debit_account credit_account";
    let columns: Vec<_> = columns.split_whitespace().collect();
    // What stands behind the model in the line's text, and what would if it had taken a second longer.
    let tail = |latency: &str| {
        let field = |name: &&str| match *name {
            "latency_ms" => format!("({latency})"),
            name => format!("ifnull({name}, '')"),
        };
        format!("({})", columns.iter().map(field).collect::<Vec<_>>().join(" || char(31) || "))
    };
    let told = |latency: &str| {
        let query = format!("SELECT {} AS word FROM ledger_entries", tail(latency));
        books.store.read(|connection| Ok(diesel::sql_query(query).get_result::<Word>(connection)?.word)).unwrap()
    };
    assert!(books.writer.send(1, honest("cheap").into()));
    books.writer.flush_blocking().unwrap();
    let model = format!("cheap\u{1f}{}", told("latency_ms + 1000"));
    let asked = Books::new();
    assert!(asked.writer.send(1, honest(&model).into()));
    asked.writer.flush_blocking().unwrap();
    assert!(asked.verdict().is_ok(), "{:?}", asked.verdict());
    let route = format!("{} || char(31) || route", tail("latency_ms"));
    let moved = format!("UPDATE ledger_entries SET model = 'cheap', route = {route}, latency_ms = latency_ms + 1000");
    let verdict = after(&asked, &moved).expect("the line is altered");
    assert_eq!(verdict.chain_head, asked.verdict().chain_head, "the hash is the same");
    assert!(!verdict.is_ok());
}

#[test]
fn a_thousand_tamperings_are_found() {
    let mut dice = Dice::from_outside();
    let books = filled(&mut dice);
    let sound = books.verdict();
    assert!(sound.is_ok(), "{sound:?}");
    let tables = TABLES.map(|table| Table::read(&books, table));
    let (mut kinds, mut nothing) = (BTreeMap::new(), 0);
    while kinds.values().sum::<usize>() < TAMPERINGS {
        let (kind, sql) = tampering(&books, &mut dice, &tables);
        match after(&books, &sql) {
            None => nothing += 1,
            Some(verdict) => {
                assert!(!verdict.is_ok(), "not found: {kind}: {sql}");
                *kinds.entry(kind).or_insert(0) += 1;
            }
        }
    }
    println!("{nothing} that changed nothing or were refused, and found: {kinds:#?}");
    assert_eq!(books.verdict(), sound, "each was taken back");
}
