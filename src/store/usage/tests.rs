//! Usage rollups: equal to the sums of lines, whatever the batches and whatever is asked.

use diesel::connection::SimpleConnection;
use farthing_actors::domain::{AdjustmentId, CallStatus, LineKind, Money, RequestId, Scope, Usage};
use farthing_actors::ledger::entry::{Adjustment, Entry, Line};
use proptest::prelude::*;

use super::*;
use crate::store::testing::{Books, KEY, NOON, PROJECT, PROVIDER, line, refusal};

const HOUR: i64 = 3_600_000;

/// A line of a drawn kind: which key, model, how many quarters after noon, what it used.
type Draw = (u8, u8, u8, i64, u64);

fn drawn(index: usize, (kind, key, model, quarters, output): Draw, earlier: &[Line]) -> Line {
    let placed_at = Timestamp(NOON.0 + quarters * 900_000);
    let mut entry = if kind == 1 { refusal(0) } else { line(0) };
    entry.call.request = RequestId::from_u128(1_000 + u128::try_from(index).unwrap());
    entry.call.placed_at = placed_at;
    entry.call.key = KeyId::from_u128(10 + u128::from(key));
    entry.call.model = format!("m{model}").into();
    entry.call.scopes = [Scope::Key(entry.call.key), Scope::Project(PROJECT)].into();
    entry.outcome.usage.output = output;
    entry.amount = entry.target.as_ref().map_or(Money::ZERO, |target| target.cost(&entry.outcome.usage));
    match kind {
        2 => entry.kind = LineKind::Attempt,
        3 => return correction(earlier, output).unwrap_or(Line::Entry(entry)),
        4 => return Line::Adjustment(adjustment(index, entry.call.scopes, placed_at)),
        5 => entry.outcome.status = CallStatus::UpstreamCut,
        _ => {}
    }
    Line::Entry(entry)
}

/// A correction of what the latest call or correction of its request said.
fn correction(earlier: &[Line], output: u64) -> Option<Line> {
    let before = earlier.iter().rev().find_map(|line| match line {
        Line::Entry(entry) if entry.kind != LineKind::Attempt && entry.target.is_some() => Some(entry.clone()),
        _ => None,
    })?;
    let outcome = farthing_actors::ledger::entry::Outcome {
        usage: Usage { output, ..before.outcome.usage },
        ..before.outcome.clone()
    };
    let booked = before.booked();
    let amount = before.target.as_ref()?.cost(&outcome.usage) - booked;
    Some(Line::Entry(Entry { kind: LineKind::Correction, held: booked, amount, outcome, ..before }))
}

fn adjustment(index: usize, scopes: std::sync::Arc<[Scope]>, booked_at: Timestamp) -> Adjustment {
    Adjustment {
        id: AdjustmentId::from_u128(u128::try_from(index).unwrap()),
        scopes,
        provider: index.is_multiple_of(2).then_some(PROVIDER),
        amount: Money::from_picos(7 - i128::try_from(index).unwrap()),
        reason: "an outage".into(),
        actor: "ops".into(),
        request: None,
        booked_at,
    }
}

fn range(from: i64, to: i64) -> Range {
    Range { from: Timestamp(NOON.0 + from * 900_000), to: Timestamp(NOON.0 + to * 900_000) }
}

/// The sum of the lines of `range` and of `model`, by hand: of a corrected request only what is true last.
fn by_hand(lines: &[Line], range: Range, model: Option<&str>) -> (i128, i128, Money, Money) {
    let (mut requests, mut cost, mut adjusted) = (0, Money::ZERO, Money::ZERO);
    let mut outputs: HashMap<(RequestId, bool), i128> = HashMap::new();
    let within = lines.iter().filter(|line| (range.from..range.to).contains(&line.placed_at()));
    for line in within {
        match line {
            Line::Entry(entry) => {
                let named = if entry.target.is_some() { &*entry.call.model } else { "" };
                if model.is_none_or(|model| model == named) {
                    requests += i128::from(entry.kind == LineKind::Call);
                    cost += entry.amount;
                    let place = (entry.call.request, entry.kind == LineKind::Attempt);
                    outputs.insert(place, i128::from(entry.outcome.usage.output));
                }
            }
            Line::Adjustment(adjustment) if model.is_none_or(str::is_empty) => adjusted += adjustment.amount,
            Line::Adjustment(_) => {}
        }
    }
    (requests, outputs.values().sum(), cost, adjusted)
}

fn told(figures: &Figures) -> (i128, i128, Money, Money) {
    (figures.requests, figures.classes[4], figures.cost, figures.adjusted)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rollups_are_the_sums_of_lines(
        draws in prop::collection::vec((0_u8..6, 0_u8..3, 0_u8..3, -200_i64..200, 0_u64..1_000), 1..60),
        flushes in prop::collection::vec(any::<bool>(), 60),
        (from, length) in (-220_i64..220, 0_i64..440),
    ) {
        let books = Books::new();
        let mut lines: Vec<Line> = Vec::new();
        for (index, draw) in draws.into_iter().enumerate() {
            let line = drawn(index, draw, &lines);
            books.writer.send(u64::try_from(index).unwrap() + 1, line.clone());
            lines.push(line);
            if flushes[index] {
                books.writer.flush_blocking().unwrap();
            }
        }
        let verdict = books.verdict();
        prop_assert!(verdict.faults.iter().all(|fault| !fault.contains("usage of")), "{:?}", verdict);
        let range = range(from, from + length);
        let all = UsageFilter::default();
        let total = books.store.read(|connection| totals(connection, &[range], &all)).unwrap();
        prop_assert_eq!(told(&total[0]), by_hand(&lines, range, None));
        let one = UsageFilter { model: Some("m1".to_owned()), projects: Some(vec![PROJECT]), ..all.clone() };
        let of_model = books.store.read(|connection| totals(connection, &[range], &one)).unwrap();
        prop_assert_eq!(told(&of_model[0]), by_hand(&lines, range, Some("m1")));
        let by_subject = books.store.read(|connection| by_subject(connection, &[range], &all)).unwrap();
        let sum = by_subject[0].values().fold(Figures::default(), |sum, figures| sum + *figures);
        prop_assert_eq!(told(&sum), told(&total[0]));
        let nobody = UsageFilter { key: Some(KEY), provider: Some(PROVIDER), ..all };
        prop_assert!(books.store.read(|connection| totals(connection, &[range], &nobody)).unwrap()[0].is_nothing());
    }
}

#[test]
fn what_strangers_ask_for_makes_no_rows() {
    let books = Books::new();
    for n in 1..=50 {
        let mut refused = refusal(n);
        refused.call.model = format!("nonsense-{n}").into();
        books.writer.send(u64::from(n), refused.into());
    }
    assert!(books.verdict().is_ok());
    let whole = range(-4, 4);
    let rows = books.store.read(|connection| by_subject(connection, &[whole], &UsageFilter::default())).unwrap();
    let rows = &rows[0];
    let (name, figures) = rows.iter().next().unwrap();
    assert_eq!((rows.len(), name.model.as_str(), figures.requests, figures.refused), (1, "", 50, 50));
}

#[test]
fn sums_beyond_64_bits_are_exact() {
    let books = Books::new();
    let dear = Money::from_picos(i128::from(i64::MAX) - 5);
    for n in 1..=3_u32 {
        let mut entry = line(n);
        (entry.amount, entry.call.placed_at) = (dear, Timestamp(NOON.0 + i64::from(n) * 24 * HOUR));
        entry.call.key = KeyId::from_u128(u128::from(n));
        books.writer.send(u64::from(n), entry.into());
    }
    books.writer.flush_blocking().unwrap();
    let total = books.store.read(|connection| totals(connection, &[range(0, 1_000)], &UsageFilter::default())).unwrap();
    assert_eq!(total[0].cost, dear + dear + dear);
}

#[test]
fn altered_rollups_are_found() {
    for (change, words) in [
        ("UPDATE usage_rollups SET output = output + 1 WHERE span = 900000", "in quarters of an hour says"),
        ("UPDATE usage_rollups SET requests = requests - 1 WHERE span > 900000", "in days says"),
        ("UPDATE usage_rollups SET bucket = bucket + 900000 WHERE span = 900000", "at the wrong times"),
        ("DELETE FROM usage_rollups WHERE span > 900000", "says 0 requests"),
        ("UPDATE usage_rollups SET input = input + 1 WHERE subject = 0 AND span = 900000", "of everybody in quarters"),
        ("DELETE FROM usage_rollups WHERE subject = 0", "of everybody in days"),
        ("UPDATE usage_subjects SET model = 'other'", "\"other\""),
        ("UPDATE usage_rollups SET span = 1 WHERE span = 900000", "a row of 1 ms"),
    ] {
        let books = Books::new();
        (1..=3).for_each(|n| assert!(books.writer.send(u64::from(n), line(n).into())));
        assert!(books.verdict().is_ok());
        books.store.change(|connection| Ok(connection.batch_execute(change)?)).unwrap();
        let faults = books.verdict().faults;
        assert!(faults.iter().any(|fault| fault.contains(words)), "{change}: {faults:?}");
    }
}
