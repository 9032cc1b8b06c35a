//! The reckoning: what callers were told and what the upstream saw, against the books. The upstream's journal is the truth.

use std::collections::{HashMap, HashSet};

use farthing_support::scene::cost;
use farthing_support::{Picos, Seen};
use serde_json::Value;

use crate::load::Told;

pub(crate) struct Reckoning {
    /// Every call, by those who made it.
    pub(crate) told: Vec<Told>,
    /// Every call, by those who answered it: what the first provider saw, and what the second.
    pub(crate) seen: [Vec<Seen>; 2],
}

impl Reckoning {
    /// How many lines there must be at least: one for each call that any provider saw.
    pub(crate) fn due(&self) -> usize {
        self.marks().len()
    }

    pub(crate) fn check(&self, rows: &[Value]) {
        let mut by_id: HashMap<&str, &Value> = HashMap::new();
        for row in rows {
            let id = row["id"].as_str().expect("every line has an id");
            assert!(by_id.insert(id, row).is_none(), "{id} is booked twice");
        }
        let named: HashSet<&str> = self.told.iter().filter_map(|told| told.id.as_deref()).collect();
        // A refusal is no money and may be lost; that nothing was sent is checked with the others.
        let refusal_lost =
            |told: &&Told| told.status == 402 && told.id.as_deref().is_some_and(|id| !by_id.contains_key(id));
        let named_calls = self.told.iter().filter(|told| told.id.is_some() && !refusal_lost(told));
        named_calls.for_each(|told| named_call(told, &by_id));
        self.nameless(rows, &named);
        self.refused_stay_here();
        for seen in &self.seen {
            let answered: Vec<&Seen> = seen.iter().filter(|seen| seen.events > 0 || seen.finished).collect();
            let unique: HashSet<String> = answered.iter().map(|seen| mark(seen)).collect();
            assert_eq!(unique.len(), answered.len(), "a call was sent upstream twice");
        }
    }

    // A call whose answer never began has an id nobody was told: its key has one line more, if the upstream saw it.
    fn nameless(&self, rows: &[Value], named: &HashSet<&str>) {
        let marks = self.marks();
        for told in self.told.iter().filter(|told| told.id.is_none()) {
            let mine =
                |row: &&Value| row["key"] == *told.key && !named.contains(row["id"].as_str().unwrap_or_default());
            let lines: Vec<&Value> = rows.iter().filter(mine).collect();
            let seen = marks.contains(&told.mark);
            let right = if seen { lines.len() == 1 } else { lines.len() <= 1 };
            assert!(
                right,
                "{} was {} upstream and has {} lines: {lines:?}",
                told.mark,
                ["not seen", "seen"][usize::from(seen)],
                lines.len()
            );
            for line in lines {
                let refused = line["status"] == "refused" && !seen && Picos::of(&line["cost_usd"]) == Picos(0);
                assert!(refused || line["status"] == "interrupted" || line["status"] == "ok", "{line}");
            }
        }
        let accounted = |row: &&Value| !named.contains(row["id"].as_str().unwrap_or_default());
        let open = self.told.iter().filter(|told| told.id.is_none()).count();
        assert!(rows.iter().filter(accounted).count() <= open, "lines that belong to no call");
    }

    fn refused_stay_here(&self) {
        let marks = self.marks();
        let sent = self.told.iter().find(|told| told.status == 402 && marks.contains(&told.mark));
        assert!(sent.is_none(), "refused and sent all the same: {sent:?}");
    }

    fn marks(&self) -> HashSet<String> {
        self.seen.iter().flatten().map(mark).collect()
    }
}

fn mark(seen: &Seen) -> String {
    seen.json()["user"].as_str().unwrap_or_default().to_owned()
}

fn named_call(told: &Told, by_id: &HashMap<&str, &Value>) {
    let id = told.id.as_deref().unwrap_or_default();
    let row = by_id.get(id).unwrap_or_else(|| panic!("{id} ({}) was answered and is not in the books", told.mark));
    assert_eq!(row["key"], *told.key, "{row}");
    if told.status == 402 {
        assert_eq!((&row["status"], Picos::of(&row["cost_usd"])), (&Value::from("refused"), Picos(0)), "{row}");
    } else if told.whole {
        assert_eq!(
            (&row["status"], Picos::of(&row["cost_usd"])),
            (&Value::from("ok"), cost(told.tokens)),
            "{told:?} {row}"
        );
    } else {
        assert!(row["status"] == "interrupted" || row["status"] == "ok", "{told:?} {row}");
    }
}
