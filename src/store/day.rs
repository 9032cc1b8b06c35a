//! Days: a calendar day in UTC, as exports and providers' reports count them.
//! Owns its text form, `2026-11-26`. Refuses time zones: a provider's report has none.

use std::fmt;
use std::str::FromStr;

use farthing_actors::domain::Timestamp;
use farthing_actors::domain::clock::DAY_MS;
use jiff::civil::Date;
use thiserror::Error;

/// A day in UTC, by its number since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

/// A text that is no day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected a day such as 2026-11-26")]
pub struct NotADay;

impl Day {
    /// The day of a moment.
    pub fn of(moment: Timestamp) -> Self {
        Self(moment.0.div_euclid(DAY_MS))
    }

    /// Its first moment.
    pub fn start(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(DAY_MS))
    }

    /// The first moment after it.
    pub fn end(self) -> Timestamp {
        Self(self.0.saturating_add(1)).start()
    }
}

impl FromStr for Day {
    type Err = NotADay;

    fn from_str(text: &str) -> Result<Self, NotADay> {
        let shaped = text.len() == 10 && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
        let date = shaped.then(|| text.parse::<Date>().ok()).flatten().ok_or(NotADay)?;
        let since = date.duration_since(jiff::civil::date(1970, 1, 1));
        Ok(Self(since.as_hours().div_euclid(24)))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.start().0) {
            Ok(time) => write!(f, "{}", time.strftime("%Y-%m-%d")),
            Err(_) => write!(f, "day {}", self.0),
        }
    }
}

impl schemars::JsonSchema for Day {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Day".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" })
    }
}

impl serde::Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_and_written() {
        for text in ["1970-01-01", "1969-12-31", "2024-02-29", "2026-11-26"] {
            assert_eq!(text.parse::<Day>().unwrap().to_string(), text);
        }
        let day: Day = "2026-11-26".parse().unwrap();
        assert_eq!((Day::of(day.start()), Day::of(Timestamp(day.end().0 - 1))), (day, day));
        assert!(Day::of(day.end()) > day);
        for text in ["", "2026-11", "2026-13-01", "2026-02-30", "20261126", "2026-11-26T00:00:00Z", "+26-11-261"] {
            assert_eq!(text.parse::<Day>(), Err(NotADay), "{text:?}");
        }
    }
}
