//! What is the same however it is written, and what is not.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::dialect::splice::json_string;

#[test]
fn space_order_and_escapes_do_not_count() {
    let long = "x".repeat(300);
    let same: [&[&str]; 7] = [
        &[r#"{"a":1,"b":[true,null]}"#, " {\n\t\"b\" : [ true , null ] ,\r\n \"a\":1 } "],
        &[r#"{"a":"a/\"\\\n"}"#, r#"{"\u0061":"\u0061\/\u0022\u005c\u000a"}"#],
        &[r#""é🦀""#, r#""\u00e9\ud83e\udd80""#, r#""\u00E9\uD83E\uDD80""#],
        &[r#"{"a":1,"b":2,"a":3}"#, r#"{"b":2,"a":1,"a":3}"#],
        &[r#"[{"a":{},"b":[]}]"#, r#"[{"b":[ ],"a":{ }}]"#],
        &[&format!(r#"{{"a":"{long}","b":1}}"#), &format!(r#"{{"b":1,"a":"{long}"}}"#)],
        &[r#"{"m":{"z":{"k":1,"j":2},"y":0},"l":9}"#, r#"{"l":9,"m":{"y":0,"z":{"j":2,"k":1}}}"#],
    ];
    for spellings in same {
        for other in spellings {
            assert_eq!(of_json(other.as_bytes()), of_json(spellings[0].as_bytes()), "{other}");
        }
    }
}

#[test]
fn all_else_counts() {
    let texts = concat!(
        r#"1 1.0 1e0 -1 "1" [1] [[1]] {} [] "" null "null" 9007199254740992 9007199254740993 1e400 1e401 0.1 "#,
        r#"0.10000000000000000001 {"a":1} {"a":1,"a":1} {"a":1,"a":2} {"a":2,"a":1} {"a":2} {"a":{"a":1}} {"a":1,"b":2} "#,
        r#"{"a":2,"b":1} [{"a":1},{"b":2}] [{"a":1,"b":2}] ["a","b"] ["b","a"] ["a,b"] {"a":"1,\"b\":2"} "\ud800" "\ud801" "#,
        r#""\\ud800" "\u0000" "0" "\u0020""#
    );
    let mut seen = Vec::new();
    for text in texts.split(' ') {
        let digest = of_json(text.as_bytes());
        assert!(!seen.contains(&digest), "{text} is taken for another");
        seen.push(digest);
    }
    assert_eq!(seen.len(), 38);
}

#[test]
fn what_is_no_json_is_its_bytes_and_depth_costs_nothing() {
    for text in ["{", "}", "[}", "{]", "]", "{\"a\":1", ":", ",", "[1:2]"] {
        assert_eq!(of_json(text.as_bytes()), of_bytes(text.as_bytes()), "{text}");
    }
    assert_ne!(of_json(b"[1]"), of_bytes(b"[1]"));
    let deep = |name: &str| format!("{}{}", r#"{"b":0,"a":"#.repeat(100_000), name) + &"}".repeat(100_000);
    assert_ne!(of_json(deep("1").as_bytes()), of_json(deep("2").as_bytes()));
}

/// Chance that can be repeated.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn space(&mut self) -> &'static str {
        ["", "", " ", "\n\t", "\r\n  "][self.throw(5)]
    }

    fn string(&mut self, text: &str) -> String {
        let spell = |unit: &u16| format!("\\u{unit:04x}");
        let letters = text.chars().map(|letter| match self.throw(3) {
            0 => letter.encode_utf16(&mut [0; 2]).iter().map(spell).collect(),
            _ => json_string(&letter.to_string()).strip_prefix('"').unwrap().strip_suffix('"').unwrap().to_owned(),
        });
        let letters: Vec<String> = letters.collect();
        format!("\"{}\"", letters.concat())
    }

    fn write(&mut self, value: &Value) -> String {
        let text = match value {
            Value::String(text) => self.string(text),
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(|item| self.write(item)).collect();
                format!("[{}{}]", self.space(), items.join(","))
            }
            Value::Object(members) => {
                let mut written: Vec<_> = Vec::new();
                for (name, member) in members {
                    let member = format!("{}{}:{}", self.string(name), self.space(), self.write(member));
                    written.insert(self.throw(written.len() + 1), member);
                }
                format!("{{{}{}}}", self.space(), written.join(","))
            }
            other => other.to_string(),
        };
        format!("{}{text}{}", self.space(), self.space())
    }
}

fn value() -> impl Strategy<Value = Value> {
    let text = "[a-c\"\\\\\n/é🦀]{0,40}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, move |inside| {
        prop_oneof![
            proptest::collection::vec(inside.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(text, inside, 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// Another leaf in the place of the one that comes after `before` others. Whether there is one.
fn change(value: &mut Value, before: &mut u64) -> bool {
    match value {
        Value::Array(items) if !items.is_empty() => return items.iter_mut().any(|item| change(item, before)),
        Value::Object(members) if !members.is_empty() => {
            return members.values_mut().any(|member| change(member, before));
        }
        _ => {}
    }
    if *before > 0 {
        *before -= 1;
        return false;
    }
    *value = match &*value {
        Value::String(text) => json!(format!("{text}a")),
        Value::Number(number) => json!(number.as_i64().unwrap_or(0).wrapping_add(1)),
        Value::Bool(flag) => json!(!flag),
        Value::Null => json!("null"),
        _ => Value::Null,
    };
    true
}

proptest! {
    #[test]
    fn however_it_is_written_it_is_the_same_until_a_leaf_differs(value in value(), seeds: [u64; 2], place in 0_u64..60) {
        let [first, second] = seeds.map(|seed| Dice(seed).write(&value));
        prop_assert_eq!(serde_json::from_str::<Value>(&first).unwrap(), value.clone());
        prop_assert_eq!(of_json(first.as_bytes()), of_json(second.as_bytes()), "{} {}", first, second);
        let mut other = value;
        if change(&mut other, &mut place.clone()) {
            let other = Dice(seeds[1]).write(&other);
            prop_assert_ne!(of_json(first.as_bytes()), of_json(other.as_bytes()), "{} {}", first, other);
        }
    }
}
