//! Places: the order of a list whose form lets people say where each item should stand: `_place.targets.0` is the place of the
//! item `targets.0`, from 1 on; what has none comes last. Owns what two items at one place mean: the one that was moved there
//! gets it. Refuses nothing: a place that is no number is none.

use std::collections::{BTreeMap, HashMap};

/// The items that have another number than they were typed under, by their paths.
pub(super) struct Places(HashMap<String, String>);

/// Where an item should stand: its place, whether it was moved up to it, is there, or was moved down to it, and its number.
type Rank = (u16, std::cmp::Ordering, u16);

impl Places {
    /// What the steering fields among these say.
    pub(super) fn of<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut lists: BTreeMap<&str, Vec<Rank>> = BTreeMap::new();
        let placed = fields.filter_map(|(name, text)| Some((name.strip_prefix("_place.")?, text)));
        for (path, text) in placed {
            let Some((list, Ok(at))) = path.rsplit_once('.').map(|(list, at)| (list, at.parse::<u16>())) else {
                continue;
            };
            let place = text.trim().parse().unwrap_or(u16::MAX);
            lists.entry(list).or_default().push((place, place.cmp(&at.saturating_add(1)), at));
        }
        Self(lists.into_iter().flat_map(|(list, ranks)| renumbered(list, ranks)).collect())
    }

    /// The path under which what was typed at `path` stands now.
    pub(super) fn of_now(&self, path: &str) -> String {
        let below = |from: &str| path.strip_prefix(from).filter(|rest| rest.is_empty() || rest.starts_with('.'));
        let moved = self.0.iter().find_map(|(from, to)| Some(format!("{to}{}", below(from)?)));
        moved.unwrap_or_else(|| path.to_owned())
    }
}

fn renumbered(list: &str, mut ranks: Vec<Rank>) -> Vec<(String, String)> {
    ranks.sort();
    let path = |at: &dyn std::fmt::Display| format!("{list}.{at}");
    ranks.iter().enumerate().map(|(now, (_, _, at))| (path(at), path(&now))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three items whose places were typed so: the numbers they were typed under, in their new order.
    fn order(typed: [&str; 3]) -> [usize; 3] {
        let names = ["_place.t.0", "_place.t.1", "_place.t.2"];
        let places = Places::of(names.into_iter().zip(typed).chain([("other", "9"), ("_place.x", "1")]));
        let mut order = [9; 3];
        for at in 0..3 {
            let now: usize = places.of_now(&format!("t.{at}.name")).split('.').nth(1).unwrap().parse().unwrap();
            order[now] = at;
        }
        order
    }

    #[test]
    fn an_item_goes_where_it_is_told_to() {
        for (typed, expected) in [
            (["1", "2", "3"], [0, 1, 2]),
            (["1", "2", "1"], [2, 0, 1]),
            (["3", "2", "3"], [1, 2, 0]),
            (["2", "1", "3"], [1, 0, 2]),
            (["2", "2", "3"], [1, 0, 2]),
            (["", "2", "x"], [1, 0, 2]),
            (["9", "7", "8"], [1, 2, 0]),
        ] {
            assert_eq!(order(typed), expected, "{typed:?}");
        }
        let places = Places::of([("_place.t.1", "1"), ("_place.t.0", "2")].into_iter());
        assert_eq!(
            ["t.1", "t.0.a", "t.10.a", "u.1"].map(|path| places.of_now(path)),
            ["t.0", "t.1.a", "t.10.a", "u.1"]
        );
    }
}
