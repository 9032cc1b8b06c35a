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

/// The statement of a page, as SQL, and how the database would find its rows.
fn explained(books: &Books, span: &Span, place: Place) -> (String, String) {
    let query = entries(span, place, place.among(Numbers { after: 5, before: 9 })).limit(3);
    let sql = diesel::debug_query::<Sqlite, _>(&query).to_string();
    (sql.split(" WHERE ").nth(1).unwrap().to_owned(), plan(&books.store, &query))
}

#[test]
fn every_page_walks_an_index_from_one_bound_to_the_other() {
    let (books, today) = (books(), Day::of(NOON));
    for place in [Place::Before(i64::MAX), Place::Before(7), Place::After(0), Place::After(7)] {
        for (from, to) in [(None, None), (None, Some(today)), (Some(today), None), (Some(today), Some(today))] {
            for project in [None, Some(PROJECT)] {
                let (conditions, plan) = explained(&books, &Span { from, to, project, longest: None }, place);
                let walk =
                    if project.is_some() { "(project_id=? AND seq>? AND seq<?)" } else { "(rowid>? AND rowid<?)" };
                assert!(plan.starts_with("SEARCH ledger_entries USING ") && plan.contains(walk), "{plan}");
                assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE") && plan.lines().count() == 1, "{plan}");
                // With two bounds on one side it begins at either, and steps over every line between them.
                let bounds = [">", "<"].map(|sign| conditions.matches(&format!("`seq` {sign} ?")).count());
                assert_eq!(bounds, [1, 1], "{conditions}");
            }
        }
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
