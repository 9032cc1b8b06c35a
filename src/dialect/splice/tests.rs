//! Splice: only what was asked changes, for any object however it is spaced.

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;
use crate::dialect::members;

fn text(body: &Bytes) -> &str {
    std::str::from_utf8(body).unwrap()
}

#[test]
fn no_edit_is_no_copy() {
    let body = Bytes::from_static(b"{ \"a\": 1 }");
    let same = Splice::new(&body).finish();
    assert_eq!((same.as_ptr(), same.len()), (body.as_ptr(), body.len()));
}

#[test]
fn members_are_added_to_full_and_empty_objects() {
    for (before, after) in [
        ("{}", r#"{"x":1,"y":"z"}"#),
        (" { \n} ", " { \n\"x\":1,\"y\":\"z\"} "),
        (r#"{"a":{} }"#, r#"{"a":{} ,"x":1,"y":"z"}"#),
        (r#"{"a":"{"}"#, r#"{"a":"{","x":1,"y":"z"}"#),
    ] {
        let body = Bytes::from(before);
        let mut splice = Splice::new(&body);
        splice.insert(0..body.len(), "x", 1);
        splice.insert(0..body.len(), "y", json_string("z"));
        assert_eq!(text(&splice.finish()), after);
    }
}

#[test]
fn overlapping_and_outlying_edits_harm_nothing() {
    let body = Bytes::from_static(b"{\"a\":10}");
    let mut splice = Splice::new(&body);
    splice.replace(5..7, 2);
    splice.replace(6..7, 3);
    splice.replace(90..99, 4);
    splice.insert(90..99, "b", 5);
    assert_eq!(text(&splice.finish()), r#"{"a":2}"#);
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,8}|[\"\\\\{}\\[\\]\n]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inside| {
        let names = "[a-z\"{}]{0,3}";
        prop_oneof![
            prop::collection::vec(inside.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names, inside, 0..4)
                .prop_map(|map| Value::from(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn objects() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map("[a-z\"{}]{0,3}", values(), 0..5).prop_map(|map| map.into_iter().collect())
}

proptest! {
    #[test]
    fn only_the_asked_change_is_made(
        mut object in objects(), old in values(), new in values(), pretty in any::<bool>(), present in any::<bool>(),
    ) {
        if present {
            object.insert("model".into(), old);
        }
        let body = if pretty { serde_json::to_string_pretty(&object) } else { serde_json::to_string(&object) }.unwrap();
        let body = Bytes::from(format!(" {body}\n"));
        let [member] = members::read(text(&body), &["model"]).unwrap().values;
        let mut splice = Splice::new(&body);
        let touched = member.map_or_else(|| {
            let close = body.len() - 2;
            close..close
        }, |member| member.span());
        match member {
            Some(member) => splice.replace(member.span(), &new),
            None => splice.insert(0..body.len(), "model", &new),
        }
        let edited = splice.finish();
        object.insert("model".into(), new);
        prop_assert_eq!(serde_json::from_slice::<Map<String, Value>>(&edited).unwrap(), object);
        prop_assert!(edited.starts_with(&body[..touched.start]));
        prop_assert!(edited.ends_with(&body[touched.end..]));
    }
}
