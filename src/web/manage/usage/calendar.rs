//! The calendar of a question about usage: what a date means in its time zone, and where hours, days and months begin.
//! Owns the reading of moments and the cutting of a range into points. Refuses to guess a zone: it is UTC unless named.

use std::iter;

use farthing_actors::domain::Timestamp;
use farthing_actors::domain::clock::{DAY_MS, HOUR_MS};
use farthing_actors::domain::window::{Window, WindowKind, Zone};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::admin::books::Range;

/// The length of a point of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::web) enum Interval {
    Hour,
    Day,
    Month,
}

/// A time zone's days.
#[derive(Debug, Clone)]
pub(in crate::web) struct Calendar {
    zone: Zone,
    rules: TimeZone,
}

impl Calendar {
    /// The calendar of `zone`.
    pub(in crate::web) fn new(zone: Zone) -> Self {
        let rules = TimeZone::get(&zone.to_string()).unwrap_or(TimeZone::UTC);
        Self { zone, rules }
    }

    /// Its zone's name.
    pub(in crate::web) fn zone(&self) -> String {
        self.zone.to_string()
    }

    /// Whether its days are those of the rollups.
    pub(in crate::web) fn is_utc(&self) -> bool {
        self.zone == Zone::utc()
    }

    /// The moment that `text` names: RFC 3339, or a date, which is its first moment here.
    pub(in crate::web) fn moment(&self, text: &str) -> Option<Timestamp> {
        // In a query an unescaped plus arrives as a space.
        let text = text.replace(' ', "+");
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return Some(Timestamp(moment.as_millisecond()));
        }
        // A date alone: jiff would also take one with a time, which without an offset is no moment.
        let date = Some(&text).filter(|text| text.len() == 10)?.parse::<Date>().ok()?;
        let midnight = date.to_zoned(self.rules.clone()).ok()?;
        Some(Timestamp(midnight.timestamp().as_millisecond()))
    }

    /// The first moment of the day that is so many days before the one of `moment`.
    pub(in crate::web) fn days_before(&self, moment: Timestamp, days: i64) -> Timestamp {
        let noonish = Timestamp(self.point(moment, Interval::Day).0.0.saturating_add(DAY_MS / 2));
        self.point(Timestamp(noonish.0.saturating_sub(days.saturating_mul(DAY_MS))), Interval::Day).0
    }

    /// The points of `range` after the one that begins at `after`, the first and the last cut to what is inside.
    pub(in crate::web) fn points(
        &self,
        range: Range,
        interval: Interval,
        after: Option<Timestamp>,
    ) -> impl Iterator<Item = Range> {
        let cut = move |at: Timestamp| {
            let (_, end) = self.point(at, interval);
            (at < range.to).then(|| Range { from: at, to: end.map_or(range.to, |end| end.min(range.to)) })
        };
        let first = match after.filter(|after| *after >= range.from) {
            Some(after) => self.point(after, interval).1.unwrap_or(range.to),
            None => range.from,
        };
        iter::successors(cut(first), move |point| cut(point.to))
    }

    /// What people call the point that begins at `start`.
    pub(in crate::web) fn label(&self, start: Timestamp, interval: Interval) -> String {
        let local = jiff::Timestamp::from_millisecond(start.0).unwrap_or_default().to_zoned(self.rules.clone());
        match interval {
            Interval::Hour => local.strftime("%Y-%m-%dT%H:%M%:z").to_string(),
            Interval::Day => local.strftime("%Y-%m-%d").to_string(),
            Interval::Month => local.strftime("%Y-%m").to_string(),
        }
    }

    /// The hour, day or month that holds `at`: its first moment, and the first one after it.
    fn point(&self, at: Timestamp, interval: Interval) -> (Timestamp, Option<Timestamp>) {
        let kind = if interval == Interval::Month { WindowKind::Month } else { WindowKind::Day };
        let Window { start, end } = Window::containing(at, kind, &self.zone);
        if interval != Interval::Hour {
            return (start, end);
        }
        // Hours are counted from midnight: a day of summer time change has 23 or 25 of them.
        let hours = at.0.saturating_sub(start.0).div_euclid(HOUR_MS);
        let from = start.0.saturating_add(hours.saturating_mul(HOUR_MS));
        let to = Timestamp(from.saturating_add(HOUR_MS));
        (Timestamp(from), Some(end.map_or(to, |end| end.min(to))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(zone: &str) -> Calendar {
        Calendar::new(zone.parse().unwrap())
    }

    fn labels(zone: &str, from: &str, to: &str, interval: Interval) -> Vec<(String, u64)> {
        let calendar = calendar(zone);
        let range = Range { from: calendar.moment(from).unwrap(), to: calendar.moment(to).unwrap() };
        let points = calendar.points(range, interval, None);
        let hours = |point: Range| point.to.millis_since(point.from) / 3_600_000;
        points.map(|point| (calendar.label(point.from, interval), hours(point))).collect()
    }

    #[test]
    fn points_follow_the_zone_and_cover_the_range() {
        let days = labels("Europe/Berlin", "2026-03-28T12:00:00+01:00", "2026-03-31", Interval::Day);
        let day = |text: &str, hours| (text.to_owned(), hours);
        assert_eq!(days, [day("2026-03-28", 12), day("2026-03-29", 23), day("2026-03-30", 24)]);
        let hours = labels("Asia/Kolkata", "2026-11-21", "2026-11-22", Interval::Hour);
        assert_eq!((hours.len(), hours[1].0.as_str()), (24, "2026-11-21T01:00+05:30"));
        let months = labels("UTC", "2026-01-31", "2026-03-02", Interval::Month);
        assert_eq!(months, [day("2026-01", 24), day("2026-02", 28 * 24), day("2026-03", 24)]);
    }

    #[test]
    fn a_page_goes_on_after_the_last_point() {
        let calendar = calendar("America/New_York");
        let range = Range { from: calendar.moment("2026-10-30").unwrap(), to: calendar.moment("2026-11-03").unwrap() };
        let all: Vec<_> = calendar.points(range, Interval::Day, None).collect();
        assert_eq!(all.len(), 4);
        let rest: Vec<_> = calendar.points(range, Interval::Day, Some(all[1].from)).collect();
        assert_eq!(rest, all[2..]);
        assert_eq!(calendar.points(range, Interval::Day, Some(all[3].from)).count(), 0);
        assert_eq!(calendar.days_before(range.to, 4), range.from);
    }

    #[test]
    fn only_moments_and_dates_are_taken() {
        let utc = calendar("UTC");
        assert_eq!(utc.moment("1970-01-02"), Some(Timestamp(DAY_MS)));
        assert_eq!(utc.moment("1970-01-01T01:00:00 01:00"), Some(Timestamp(0)));
        for text in ["", "yesterday", "1970", "1970-01-01T00:00:00", "1970-02-30", "0"] {
            assert_eq!(utc.moment(text), None, "{text}");
        }
    }
}
