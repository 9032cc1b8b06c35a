//! The tariff: what each version of a price is, as the lines charged at it say, and as the record of prices says.
//! Owns the comparison. Refuses to ask more of the record than lines do: versions that nobody was charged at are nobody's money.

use std::collections::HashMap;

use diesel::prelude::*;
use farthing_actors::domain::{Price, PriceInForce};
use farthing_actors::ledger::entry::Entry;

use crate::store::StoreError;
use crate::store::entries::row::Row;
use crate::store::schema::price_versions;

/// Every version that a line was charged at: as many as there are versions of prices, whatever the number of lines.
#[derive(Default)]
pub(super) struct Tariff(HashMap<String, (String, PriceInForce)>);

impl Tariff {
    /// Notes what `row`, which is `entry`, was charged at; tells if lines before it were charged otherwise under the same id.
    pub(super) fn charged(&mut self, row: &Row, entry: &Entry, tell: &mut dyn FnMut(String)) {
        let Some((id, text)) = row.priced() else { return };
        let price = || entry.target.as_ref().and_then(|target| target.price.clone());
        match self.0.get(id) {
            // Another release may tell the same price in another text.
            Some((told, charged)) if told == text || price().as_ref() == Some(charged) => {}
            Some(_) => tell(format!("line {} has another price under {id} than lines before it", row.seq)),
            None => self.0.extend(price().map(|price| (id.to_owned(), (text.to_owned(), price)))),
        }
    }

    /// Tells every version whose record is not what lines were charged at. One that has no record has none to differ.
    pub(super) fn differences(
        &self,
        connection: &mut SqliteConnection,
        tell: &mut dyn FnMut(String),
    ) -> Result<(), StoreError> {
        let versions = price_versions::table.select((price_versions::id, price_versions::price));
        for version in versions.load_iter::<(String, String), _>(connection)? {
            let (id, text) = version?;
            let Some((_, charged)) = self.0.get(&id) else { continue };
            if serde_json::from_str::<Price>(&text).ok().as_ref() != Some(&charged.1) {
                tell(format!("the price {id} is recorded otherwise than lines were charged at"));
            }
        }
        Ok(())
    }
}
