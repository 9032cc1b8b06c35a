//! Usages: what each subject should have used, from the lines, and what the usage rollups say.
//! Owns the comparison. Memory holds two sums for each subject and one usage for each request that was corrected.

use std::collections::{BTreeMap, HashMap, HashSet};

use diesel::prelude::*;
use farthing_actors::domain::{LineKind, RequestId, Usage};
use farthing_actors::ledger::entry::Line;

use super::weights::Weights;
use crate::store::StoreError;
use crate::store::schema::ledger_entries;
use crate::store::usage::SubjectName;
use crate::store::usage::figures::{COLUMNS, Figures};
use crate::store::usage::span::Span;
use crate::store::usage::subject::{EVERYBODY, Subject, names};
use crate::store::usage::upsert::Rollup;

/// What the lines add up to.
pub(super) struct Usages {
    sums: HashMap<Subject, [Sum; 2]>,
    /// Of all subjects together.
    everybody: [Sum; 2],
    /// What was booked last of the requests that were corrected.
    corrected: HashMap<RequestId, Usage>,
    weights: Weights,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    figures: Figures,
    /// The figures, weighed by their bucket: usage that moved from one bucket to another changes this, though no total.
    weighed: i128,
}

impl Usages {
    /// Nothing yet.
    pub(super) fn new(weights: Weights) -> Self {
        let (sums, everybody, corrected) = (HashMap::new(), <[Sum; 2]>::default(), HashMap::new());
        Self { sums, everybody, corrected, weights }
    }

    /// Finds out which requests were corrected, before the first line.
    pub(super) fn find_corrected(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let corrections = ledger_entries::table.filter(ledger_entries::kind.eq("correction"));
        let ids = corrections.select(ledger_entries::request_id).load::<String>(connection)?;
        // An id that cannot be read is a fault of its line, which is told there.
        self.corrected = ids.iter().filter_map(|id| Some((id.parse().ok()?, Usage::default()))).collect();
        Ok(())
    }

    /// Adds the line after those that were added before.
    pub(super) fn add(&mut self, line: &Line) {
        let figures = Figures::of(line, &self.before(line));
        for sums in [self.sums.entry(Subject::of(line)).or_default(), &mut self.everybody] {
            for (sum, span) in sums.iter_mut().zip(Span::ALL) {
                sum.add(&figures, span.containing(line.placed_at().0), &self.weights);
            }
        }
    }

    /// What was booked of a request that `line` corrects.
    fn before(&mut self, line: &Line) -> Usage {
        let Line::Entry(entry) = line else { return Usage::default() };
        let booked = match entry.kind {
            LineKind::Attempt => None,
            LineKind::Call | LineKind::Correction => self.corrected.get_mut(&entry.call.request),
        };
        let before = booked.map(|booked| std::mem::replace(booked, entry.outcome.usage)).unwrap_or_default();
        if entry.kind == LineKind::Correction { before } else { Usage::default() }
    }

    /// Tells every subject whose rollups are not what its lines add up to.
    pub(super) fn differences(
        &self,
        connection: &mut SqliteConnection,
        tell: &mut dyn FnMut(String),
    ) -> Result<(), StoreError> {
        let (mut found, everybody) = rolled_up(connection, &self.weights, tell)?;
        compare("the usage of everybody", &self.everybody, &everybody, tell);
        let known: HashSet<_> = self.sums.keys().map(Subject::name).collect();
        let mut all: BTreeMap<_, _> = self.sums.iter().map(|(subject, sums)| (subject.name(), *sums)).collect();
        all.extend(found.keys().filter(|name| !known.contains(*name)).map(|name| (name.clone(), Default::default())));
        for (name, lines) in &all {
            let rolled = found.remove(name).unwrap_or_default();
            let SubjectName { project, key, model, provider } = name;
            compare(&format!("the usage of {project} {key} {model:?} {provider}"), lines, &rolled, tell);
        }
        Ok(())
    }
}

impl Sum {
    fn add(&mut self, figures: &Figures, bucket: i64, weights: &Weights) {
        self.figures += *figures;
        self.weighed = self.weighed.wrapping_add(weights.weigh(bucket, figures.values()));
    }
}

/// What the rollups say, by subject, and of everybody.
type RolledUp = (HashMap<SubjectName, [Sum; 2]>, [Sum; 2]);

fn rolled_up(
    connection: &mut SqliteConnection,
    weights: &Weights,
    tell: &mut dyn FnMut(String),
) -> Result<RolledUp, StoreError> {
    let names = names(connection)?;
    let query = format!("SELECT span, bucket, subject, {} FROM usage_rollups", COLUMNS.join(", "));
    let mut found: HashMap<i64, [Sum; 2]> = HashMap::new();
    for row in diesel::sql_query(query).load_iter::<Rollup, _>(connection)? {
        let row = row?;
        let sums = found.entry(row.subject).or_default();
        match sums.iter_mut().zip(Span::ALL).find(|(_, span)| span.millis() == row.span) {
            Some((sum, _)) => sum.add(&row.figures, row.bucket, weights),
            None => tell(format!("the usage rollups have a row of {} ms, which none should have", row.span)),
        }
    }
    let everybody = found.remove(&EVERYBODY).unwrap_or_default();
    let named = found.into_iter().map(|(number, sums)| (names.get(&number).cloned().unwrap_or_default(), sums));
    Ok((named.collect(), everybody))
}

fn compare(whose: &str, lines: &[Sum; 2], rolled: &[Sum; 2], tell: &mut dyn FnMut(String)) {
    for ((line, roll), rows) in lines.iter().zip(rolled).zip(["quarters of an hour", "days"]) {
        if line != roll {
            tell(difference(&format!("{whose} in {rows}"), line, roll));
        }
    }
}

fn difference(whose: &str, lines: &Sum, rolled: &Sum) -> String {
    let pairs = lines.figures.values().into_iter().zip(rolled.figures.values());
    match pairs.zip(COLUMNS).find(|((line, roll), _)| line != roll) {
        Some(((line, roll), column)) => format!("{whose} says {roll} {column}, its lines {line}"),
        None => format!("{whose} has the right sum, but at the wrong times"),
    }
}
