//! Windows: the span of time a budget covers, computed from the clock when a decision is made.
//! Owns calendars and time zones. Refuses reset jobs: nothing here remembers anything.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clock::Timestamp;

/// How long a budget lasts before it starts anew. Weeks begin on Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WindowKind {
    /// For ever.
    #[default]
    Total,
    /// A calendar day.
    Day,
    /// A calendar week.
    Week,
    /// A calendar month.
    Month,
}

impl WindowKind {
    /// The wire name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

impl FromStr for WindowKind {
    type Err = UnknownWindow;

    fn from_str(text: &str) -> Result<Self, UnknownWindow> {
        let all = [Self::Total, Self::Day, Self::Week, Self::Month];
        all.into_iter().find(|kind| kind.name() == text).ok_or(UnknownWindow)
    }
}

/// A text that names no window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected total, day, week or month")]
pub struct UnknownWindow;

/// A time zone by its IANA name.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A name the time zone database does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown time zone {0:?}; use a name such as \"UTC\" or \"Europe/Berlin\"")]
pub struct UnknownZone(String);

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        let zone = TimeZone::get(name).map_err(|_| UnknownZone(name.to_owned()))?;
        Ok(Self(zone))
    }
}

super::ids::serde_as_text!(Zone);
super::ids::schema_of_text!(Zone, "^[A-Za-z0-9_+/-]+$");

/// One window: from `start` (inclusive) to `end` (exclusive; `None` lasts for ever).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First moment.
    pub start: Timestamp,
    /// First moment after it.
    pub end: Option<Timestamp>,
}

impl Window {
    /// All time.
    pub const FOREVER: Self = Self { start: Timestamp(i64::MIN), end: None };

    /// The window of `kind` in `zone` that contains `now`.
    pub fn containing(now: Timestamp, kind: WindowKind, zone: &Zone) -> Self {
        Self::bounds(now, kind, zone).unwrap_or(Self::FOREVER)
    }

    /// Whether the window is over at `now`.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.end.is_some_and(|end| now >= end)
    }

    // jiff refuses moments beyond the year 9999; such a clock gets the window that never ends.
    fn bounds(now: Timestamp, kind: WindowKind, zone: &Zone) -> Option<Self> {
        let local = jiff::Timestamp::from_millisecond(now.0).ok()?.to_zoned(zone.0.clone());
        let day = local.date();
        let (first, next) = match kind {
            WindowKind::Total => return None,
            WindowKind::Day => (day, day.checked_add(1.day()).ok()?),
            WindowKind::Week => {
                let monday = day.checked_sub(i64::from(day.weekday().since(Weekday::Monday)).days()).ok()?;
                (monday, monday.checked_add(1.week()).ok()?)
            }
            WindowKind::Month => (day.first_of_month(), day.first_of_month().checked_add(1.month()).ok()?),
        };
        let start = first.to_zoned(zone.0.clone()).ok()?;
        let end = next.to_zoned(zone.0.clone()).ok()?;
        Some(Self { start: moment(&start), end: Some(moment(&end)) })
    }
}

fn moment(time: &Zoned) -> Timestamp {
    Timestamp(time.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn window(now: &str, kind: WindowKind, zone: &str) -> (Timestamp, Option<Timestamp>) {
        let window = Window::containing(at(now), kind, &zone.parse().unwrap());
        (window.start, window.end)
    }

    #[test]
    fn windows_follow_the_calendar_of_their_zone() {
        let month = window("2026-11-21T12:00:00Z", WindowKind::Month, "UTC");
        assert_eq!(month, (at("2026-11-01T00:00:00Z"), Some(at("2026-12-01T00:00:00Z"))));
        let week = window("2026-11-22T23:59:59Z", WindowKind::Week, "UTC");
        assert_eq!(week, (at("2026-11-16T00:00:00Z"), Some(at("2026-11-23T00:00:00Z"))));
        let tokyo = window("2026-11-21T16:00:00Z", WindowKind::Day, "Asia/Tokyo");
        assert_eq!(tokyo, (at("2026-11-21T15:00:00Z"), Some(at("2026-11-22T15:00:00Z"))));
    }

    #[test]
    fn a_day_of_summer_time_change_has_23_hours() {
        let (start, end) = window("2026-03-29T12:00:00Z", WindowKind::Day, "Europe/Berlin");
        assert_eq!(end.unwrap().millis_since(start), 23 * 3_600_000);
    }

    #[test]
    fn total_never_ends() {
        assert_eq!(window("2026-03-29T12:00:00Z", WindowKind::Total, "UTC").1, None);
        assert!("Mars/Olympus".parse::<Zone>().is_err());
    }
}
