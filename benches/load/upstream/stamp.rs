//! The time an event was sent, carried as its text, so that the reader knows how long it travelled.
//! Owns that spelling. One machine, one wall clock: sender and reader are compared without a round trip.

use std::time::Duration;

use memchr::memmem;

/// What stands before the stamp in an event.
pub(crate) const FIELD: &str = "\"content\":\"";

/// The wall time since 1970.
pub(crate) fn now() -> Duration {
    Duration::from_nanos(u64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(0))
}

/// The stamp of an event, if it is one that carries text.
pub(crate) fn read(event: &[u8]) -> Option<Duration> {
    number_after(event, FIELD).map(Duration::from_nanos)
}

/// The number that follows `field`.
pub(crate) fn number_after(text: &[u8], field: &str) -> Option<u64> {
    let start = memmem::find(text, field.as_bytes())?.checked_add(field.len())?;
    let rest = text.get(start..)?;
    let digits = rest.get(..rest.iter().take_while(|byte| byte.is_ascii_digit()).count())?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
