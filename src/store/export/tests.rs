//! What is exported is what the hash covers.

use farthing_actors::domain::{AdjustmentId, Scope};
use farthing_actors::ledger::entry::{Adjustment, Line};
use farthing_actors::ledger::journal::Record;

use super::*;
use crate::store::chain::{Fields, Hash};
use crate::store::testing::{Books, KEY, NOON, PROJECT, PROVIDER, closing, hold, line, plan, refusal};

fn books() -> Books {
    let books = Books::new();
    let (mut journal, _) = books.open();
    for n in [1, 2] {
        journal.append(&Record::Held(hold(n)), None).unwrap();
        journal.append(&Record::Closed(closing(n)), Some(line(n).into())).unwrap();
    }
    let adjustment = Adjustment {
        id: AdjustmentId::from_u128(1),
        scopes: [Scope::Key(KEY), Scope::Project(PROJECT)].into(),
        provider: Some(PROVIDER),
        amount: Money::from_picos(-5),
        reason: "an \"outage\",\ntwice".into(),
        actor: "ops".into(),
        request: None,
        booked_at: NOON,
    };
    journal.append(&Record::Adjusted(adjustment.clone()), Some(Line::Adjustment(adjustment))).unwrap();
    journal.append(&Record::Refused(refusal(4)), Some(refusal(4).into())).unwrap();
    drop(journal);
    books.writer.flush_blocking().unwrap();
    books
}

fn lines(books: &Books, span: Span, place: Place, limit: i64) -> Vec<ExportLine> {
    books.store.read(|connection| page(connection, &span, place, limit)).unwrap()
}

#[test]
fn the_columns_in_their_order_give_the_hash() {
    let mut head = Hash::default();
    let lines = lines(&books(), Span::default(), Place::After(0), 10);
    assert_eq!(lines.iter().map(|line| line.kind.as_str()).collect::<Vec<_>>(), ["call", "call", "adjustment", "call"]);
    for line in &lines {
        let mut fields = Fields::default();
        for (_, value) in &line.columns {
            match value {
                Value::Absent => fields.text(""),
                Value::Text(text) => fields.text(text),
                Value::Number(number) | Value::Picos(number) => fields.number(*number),
            };
        }
        head = fields.hash(&head);
        assert_eq!(head.as_slice(), line.hash, "{line:?}");
    }
}

#[test]
fn pages_go_both_ways_and_obey_the_span() {
    let books = books();
    let seqs = |span, place, limit| lines(&books, span, place, limit).iter().map(|line| line.seq).collect::<Vec<_>>();
    let all = seqs(Span::default(), Place::After(0), 10);
    assert_eq!(seqs(Span::default(), Place::After(all[1]), 1), [all[2]]);
    assert_eq!(seqs(Span::default(), Place::Before(all[3]), 2), [all[2], all[1]]);
    let today = Day::of(NOON);
    let day = |from, to| Span { from, to, ..Span::default() };
    assert_eq!(seqs(day(Some(today), Some(today)), Place::After(0), 10), all);
    assert!(seqs(day(Some(Day::of(today.end())), None), Place::After(0), 10).is_empty());
    let of = |project| Span { project: Some(project), ..Span::default() };
    assert_eq!(seqs(of(PROJECT), Place::After(0), 10), all);
    assert!(seqs(of(ProjectId::from_u128(77)), Place::After(0), 10).is_empty());
}

#[test]
fn a_day_long_ago_is_looked_for_among_the_numbers_of_its_time() {
    let (books, today) = (books(), Day::of(NOON));
    let span = Span { to: Some(today), ..Span::default() };
    for place in [Place::Before(i64::MAX), Place::After(0)] {
        let query = among(Numbers { after: 5, before: 9 }, entries(&span, place)).limit(3);
        let plan = plan(&books.store, &query);
        assert!(plan.contains("USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"), "{plan}");
    }
}

#[test]
fn both_spellings_say_the_same() {
    let lines = lines(&books(), Span::default(), Place::After(0), 10);
    let spelled = |format| {
        let mut text = String::new();
        let mut spelling = Spelling::new(format);
        lines.iter().for_each(|line| spelling.append(&mut text, std::slice::from_ref(line)));
        text
    };
    let (csv, jsonl) = (spelled(Format::Csv), spelled(Format::Jsonl));
    assert!(csv.starts_with("seq,kind,request_id,") && csv.matches("seq,kind").count() == 1, "{csv}");
    assert!(csv.contains("\"an \"\"outage\"\",\ntwice\",ops,,-0.000000000005,"), "{csv}");
    let third: serde_json::Value = serde_json::from_str(jsonl.lines().nth(2).unwrap()).unwrap();
    assert_eq!(
        (&third["kind"], &third["amount"], &third["amount_usd"]),
        (&"adjustment".into(), &"-5".into(), &"-0.000000000005".into())
    );
    let first: serde_json::Value = serde_json::from_str(jsonl.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["stream"], &first["run"], first["hash"].as_str().unwrap().len()),
        (&0.into(), &serde_json::Value::Null, 64)
    );
}
