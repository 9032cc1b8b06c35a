//! The draft: every setting that was given, from whatever source, before anyone has judged it.
//! Owns merging the sources and the collection of faults. Refuses meaning: sections take what they know, and what
//! nobody took is unknown.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use toml::{Table, Value};

use super::fault::{Fault, Place, Problem};
use super::listed::Listed;
use super::setting::{self, Setting};
use super::sources::{Sources, Variables};

/// What is given and not yet taken, and what was wrong so far.
#[derive(Default)]
pub(super) struct Draft {
    given: BTreeMap<String, Given>,
    faults: Vec<Fault>,
}

/// One value as it was given.
pub(super) struct Given {
    value: Value,
    place: Place,
    name: String,
}

/// A value without the marks of its notation.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Datetime(moment) => moment.to_string(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Table(_) => "{}".to_owned(),
    }
}

impl Draft {
    /// Reads the file and the variables; the variables win.
    pub(super) fn gather(sources: &Sources, variables: &Variables) -> Self {
        let mut draft = Self::default();
        match read_table(sources) {
            Ok(table) => draft.add_table("", table, &Place::File(sources.file())),
            Err(fault) => draft.faults.push(fault),
        }
        for (name, variable) in variables.iter() {
            if let Some(key) = setting::key_of(name) {
                let value = Value::String(variable.text.clone());
                draft.given.insert(key, Given { value, place: variable.place.clone(), name: name.to_owned() });
            }
        }
        draft
    }

    fn add_table(&mut self, section: &str, table: Table, place: &Place) {
        for (key, value) in table {
            let name = if section.is_empty() { key } else { format!("{section}.{key}") };
            match value {
                Value::Table(inside) if !inside.is_empty() => self.add_table(&name, inside, place),
                value => drop(self.given.insert(name.clone(), Given { value, place: place.clone(), name })),
            }
        }
    }

    /// The setting as it was given, before it is taken; of a table its members.
    pub(super) fn listed(&self, setting: &Setting) -> Listed {
        let prefix = format!("{}.", setting.key);
        let members = self.given.iter().filter(|(key, _)| key.starts_with(&prefix));
        let members: Vec<_> =
            members.map(|(key, given)| (key.trim_start_matches(&prefix), plain(&given.value), &given.place)).collect();
        let whole = self.given.get(setting.key).filter(|given| !given.value.is_table());
        let given = whole.map(|given| (plain(&given.value), &given.place)).or_else(|| {
            let (_, _, place) = members.first()?;
            let lines: Vec<_> = members.iter().map(|(name, to, _)| format!("{name}={to}")).collect();
            Some((lines.join(", "), *place))
        });
        Listed::new(setting, given)
    }

    /// Takes a setting: `default` if it was not given, or if it is faulty, which is noted.
    pub(super) fn take<T>(
        &mut self,
        setting: &Setting,
        default: T,
        parse: impl FnOnce(&Given) -> Result<T, Problem>,
    ) -> T {
        let Some(given) = self.given.remove(setting.key) else { return default };
        parse(&given).unwrap_or_else(|problem| {
            self.faults.push(Fault::new(given.place, given.name, problem));
            default
        })
    }

    /// Takes a setting that is a table of texts: from a file member by member, from a variable as `split` reads it, which then
    /// stands for the whole table. What is faulty is noted and left out.
    pub(super) fn take_table<T>(
        &mut self,
        setting: &Setting,
        split: impl Fn(&Given) -> Result<Vec<(String, String)>, Problem>,
        parse: impl Fn(&str, &str) -> Result<T, Problem>,
    ) -> Vec<T> {
        let prefix = format!("{}.", setting.key);
        let whole = self.given.remove(setting.key).filter(|given| !given.value.is_table());
        let keys: Vec<_> = self.given.keys().filter(|key| key.starts_with(&prefix)).cloned().collect();
        let members: Vec<_> = keys.iter().filter_map(|key| self.given.remove_entry(key)).collect();
        let mut taken = Vec::new();
        if let Some(given) = whole {
            let lines = split(&given).and_then(|lines| lines.iter().map(|(name, to)| parse(name, to)).collect());
            match lines {
                Ok(lines) => taken = lines,
                Err(problem) => self.faults.push(Fault::new(given.place, given.name, problem)),
            }
            return taken;
        }
        for (key, given) in members {
            let name = key.strip_prefix(&prefix).unwrap_or(&key);
            match given.text().and_then(|to| parse(name, to)) {
                Ok(line) => taken.push(line),
                Err(problem) => self.faults.push(Fault::new(given.place, given.name, problem)),
            }
        }
        taken
    }

    /// Where a setting was given, for a fault that takes two of them to see.
    pub(super) fn place_of(&self, setting: &Setting) -> Option<(Place, String)> {
        self.given.get(setting.key).map(|given| (given.place.clone(), given.name.clone()))
    }

    /// Notes a fault at a place from [`Draft::place_of`].
    pub(super) fn note(&mut self, at: Option<(Place, String)>, problem: Problem) {
        let (place, name) = at.unwrap_or((Place::Environment, String::new()));
        self.faults.push(Fault::new(place, name, problem));
    }

    /// Notes faults found elsewhere.
    pub(super) fn extend(&mut self, faults: Vec<Fault>) {
        self.faults.extend(faults);
    }

    /// All faults, with one for every setting that nobody took. `known` are the settings there are.
    pub(super) fn finish(mut self, known: &[&Setting]) -> Vec<Fault> {
        for (key, given) in self.given {
            let section_without_settings = given.value.is_table() && known.iter().any(|known| known.split().0 == key);
            if !section_without_settings {
                let hint = hint_for(&key, &given, known);
                self.faults.push(Fault::new(given.place, given.name, Problem::new("there is no such setting", hint)));
            }
        }
        self.faults
    }
}

impl Given {
    /// Whether it is an empty text.
    pub(super) fn is_empty(&self) -> bool {
        self.value.as_str().is_some_and(|text| text.trim().is_empty())
    }

    /// Text, not empty.
    pub(super) fn text(&self) -> Result<&str, Problem> {
        let text = self.value.as_str().map(str::trim).filter(|text| !text.is_empty());
        text.ok_or_else(|| Problem::new("text is expected", "write it in double quotes, and not empty"))
    }

    /// A switch.
    pub(super) fn switch(&self) -> Result<bool, Problem> {
        let found = match (&self.value, self.is_variable()) {
            (Value::Boolean(on), _) => Some(*on),
            (Value::String(text), true) => text.trim().parse().ok(),
            _ => None,
        };
        found.ok_or_else(|| Problem::new("a switch is expected", "write true or false, without quotes"))
    }

    /// A whole number within bounds.
    pub(super) fn number(&self, bounds: RangeInclusive<u64>) -> Result<u64, Problem> {
        let found = match (&self.value, self.is_variable()) {
            (Value::Integer(number), _) => u64::try_from(*number).ok(),
            (Value::String(text), true) => text.trim().parse().ok(),
            _ => None,
        };
        found.filter(|number| bounds.contains(number)).ok_or_else(|| {
            let hint = format!("write a number from {} to {}, without quotes", bounds.start(), bounds.end());
            Problem::new("a whole number within bounds is expected", hint)
        })
    }

    /// A list of texts; in a variable, separated by commas.
    pub(super) fn list(&self) -> Result<Vec<&str>, Problem> {
        let items = match (&self.value, self.is_variable()) {
            (Value::Array(items), _) => items.iter().map(Value::as_str).collect(),
            (Value::String(text), true) => {
                Some(text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect())
            }
            _ => None,
        };
        items.ok_or_else(|| Problem::new("a list of texts is expected", "write it as [\"one\", \"two\"]"))
    }

    /// Variables hold nothing but text, so their numbers, switches and lists are read from it.
    fn is_variable(&self) -> bool {
        setting::key_of(&self.name).is_some()
    }
}

fn read_table(sources: &Sources) -> Result<Table, Fault> {
    let Some(text) = sources.read_file()? else { return Ok(Table::new()) };
    text.parse::<Table>().map_err(|error| {
        // The error's own text quotes the line, which may hold a secret put there by mistake.
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        let what = format!("line {line} is not TOML: {}", error.message().replace('\n', " "));
        Fault::new(
            Place::File(sources.file()),
            "",
            Problem::new(what, "correct the line; nothing in the file was read"),
        )
    })
}

fn hint_for(key: &str, given: &Given, known: &[&Setting]) -> String {
    let last = key.rsplit('.').next().unwrap_or(key).to_uppercase();
    if super::secrets::NAMES.contains(&last.as_str()) {
        return format!("give {last} in .env or in the environment");
    }
    // A key in the wrong section, or in none, is more telling than one that is spelt alike.
    let elsewhere = known.iter().map(|known| known.key).find(|known| known.ends_with(&format!(".{key}")));
    match elsewhere.or_else(|| setting::nearest(key, known.iter().map(|known| known.key))) {
        Some(near) if given.is_variable() => {
            let near = known.iter().find(|known| known.key == near).map(|known| known.variable());
            format!("did you mean {}?", near.unwrap_or_default())
        }
        Some(near) => format!("did you mean {near}?"),
        None => "remove it; docs/configuration.md lists the settings".to_owned(),
    }
}
