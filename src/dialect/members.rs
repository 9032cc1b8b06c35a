//! Members: find a few named members of a JSON object and where they stand, without reading the rest into values.
//! Owns name matching (escaped names included) and the notice of duplicates. Refuses recursion: what is not asked for
//! is skipped by serde_json's iterative scanner, so a deeply nested body costs no stack.

use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// One member's value as it stands in the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member<'a> {
    /// The value's JSON text, without the whitespace around it.
    pub(super) text: &'a str,
    /// Where that text begins, in bytes from the start of what was read.
    at: usize,
}

impl<'a> Member<'a> {
    /// Where the value stands in what was read.
    pub(super) fn span(&self) -> Range<usize> {
        self.at..self.at.saturating_add(self.text.len())
    }

    /// Whether it is `null`, which every dialect treats as absent.
    pub(super) fn is_null(&self) -> bool {
        self.text == "null"
    }

    /// Whether it is an object.
    pub(super) fn is_object(&self) -> bool {
        self.text.starts_with('{')
    }

    /// Whether it is a string.
    pub(super) fn is_string(&self) -> bool {
        self.text.starts_with('"')
    }

    /// The string it holds, or `None` if it is no string or holds half a surrogate pair.
    pub(super) fn string(&self) -> Option<String> {
        serde_json::from_str(self.text).ok()
    }

    /// The whole number it holds.
    pub(super) fn whole(&self) -> Option<u64> {
        whole(self.text)
    }

    /// Named members of the object it holds; `None` if it is not an object.
    pub(super) fn members<const N: usize>(&self, names: &[&'static str; N]) -> Option<Members<'a, N>> {
        read(self.text, names).ok()
    }
}

/// The named members of one object, in the order of the names asked for.
pub(super) struct Members<'a, const N: usize> {
    /// One for each name; of duplicates the last.
    pub(super) values: [Option<Member<'a>>; N],
    /// A name that came more than once.
    pub(super) duplicate: Option<&'static str>,
}

impl<'a, const N: usize> Members<'a, N> {
    /// The values, `null` counting as absent.
    pub(super) fn present(self) -> [Option<Member<'a>>; N] {
        self.values.map(|value| value.filter(|member| !member.is_null()))
    }
}

/// Reads `text`, which must be one JSON object and nothing else.
pub(super) fn read<'a, const N: usize>(
    text: &'a str,
    names: &[&'static str; N],
) -> Result<Members<'a, N>, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    let pick = Pick { names, base: text.as_ptr().addr() };
    let members = json.deserialize_map(pick)?;
    json.end()?;
    Ok(members)
}

/// The value of a JSON number that is whole and not negative, however it is written: `100`, `100.0`, `1e2`.
fn whole(text: &str) -> Option<u64> {
    if let Ok(plain) = text.parse() {
        return Some(plain);
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (units, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits: u64 = format!("{units}{fraction}").parse().ok()?;
    let scale = exponent.parse::<i32>().ok()?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let power = 10_u64.checked_pow(scale.unsigned_abs())?;
    if scale >= 0 { digits.checked_mul(power) } else { digits.is_multiple_of(power).then(|| digits / power) }
}

struct Pick<'n, const N: usize> {
    names: &'n [&'static str; N],
    base: usize,
}

impl<'de, const N: usize> Visitor<'de> for Pick<'_, N> {
    type Value = Members<'de, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members { values: [None; N], duplicate: None };
        while let Some(place) = map.next_key_seed(Name(self.names))? {
            let wanted = place.and_then(|place| members.values.get_mut(place).zip(self.names.get(place)));
            let Some((slot, name)) = wanted else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let text = map.next_value::<&'de RawValue>()?.get();
            let at = text.as_ptr().addr().saturating_sub(self.base);
            if slot.replace(Member { text, at }).is_some() {
                members.duplicate = Some(name);
            }
        }
        Ok(members)
    }
}

/// Reads a member's name as its place in the list, without keeping it.
struct Name<'n>(&'n [&'static str]);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|known| *known == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_where_they_stand() {
        let text = r#" { "a" : [1, {"b":2}] , "\u0062" : "x", "c":1e999 } "#;
        let [a, b, missing] = read(text, &["a", "b", "d"]).unwrap().values;
        assert_eq!(text.get(a.unwrap().span()).unwrap(), r#"[1, {"b":2}]"#);
        assert_eq!(b.unwrap().string().as_deref(), Some("x"), "an escaped name is the same name");
        assert!(missing.is_none());
    }

    #[test]
    fn duplicates_are_noticed_and_other_shapes_refused() {
        assert_eq!(read(r#"{"a":1,"\u0061":2}"#, &["a"]).unwrap().duplicate, Some("a"));
        for text in ["", "[]", "null", r#"{"a":1"#, r#"{"a":1} x"#, "{'a':1}"] {
            assert!(read(text, &["a"]).is_err(), "{text}");
        }
    }

    #[test]
    fn whole_numbers_are_read_however_they_are_written() {
        let cases = [("0", 0), ("100", 100), ("100.0", 100), ("1e2", 100), ("1.5E+1", 15), ("1200e-2", 12)];
        for (text, value) in cases {
            assert_eq!(whole(text), Some(value), "{text}");
        }
        for text in ["-1", "1.5", "1e-1", "1e99", "18446744073709551616", "\"1\"", "true", "[]"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }
}
