//! Classes: whether each value of the books is stored as what its column declares. SQLite keeps whatever it is given, and hands
//! it out as what is asked for: half a picodollar as none, bytes as a text that no condition finds.
//! Owns the list of tables. Refuses to look into values.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use crate::store::StoreError;

const TABLES: [&str; 7] = [
    "ledger_entries",
    "ledger_adjustments",
    "spend",
    "usage_subjects",
    "usage_rollups",
    "journal_state",
    "price_versions",
];

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    declared: String,
    #[diesel(sql_type = Bool)]
    required: bool,
}

#[derive(QueryableByName)]
struct Odd {
    #[diesel(sql_type = BigInt)]
    found: i64,
}

impl Column {
    /// When a value is stored as declared, in SQL.
    fn condition(&self) -> String {
        let name = &self.name;
        let condition = match self.declared.as_str() {
            "TEXT" => format!("typeof({name}) = 'text'"),
            "BLOB" => format!("typeof({name}) = 'blob'"),
            "BOOLEAN" => format!("(typeof({name}) = 'integer' AND {name} IN (0, 1))"),
            _ => format!("typeof({name}) = 'integer'"),
        };
        if self.required { condition } else { format!("({name} IS NULL OR {condition})") }
    }
}

/// Tells every table that has a row with a value of another class.
pub(super) fn odd(connection: &mut SqliteConnection, tell: &mut dyn FnMut(String)) -> Result<(), StoreError> {
    for table in TABLES {
        let columns = "SELECT name, type AS declared, \"notnull\" = 1 AS required FROM pragma_table_info(?)";
        let columns: Vec<Column> = diesel::sql_query(columns).bind::<Text, _>(table).load(connection)?;
        let conditions: Vec<_> = columns.iter().map(Column::condition).collect();
        let query = format!("SELECT count(*) AS found FROM {table} WHERE NOT ({})", conditions.join(" AND "));
        let Odd { found } = diesel::sql_query(query).get_result(connection)?;
        if found > 0 {
            tell(format!("{found} rows of {table} have a value of another class than its column declares"));
        }
    }
    Ok(())
}
