//! The settings of operators' sessions: how long one lasts, how many there are, and what one is bound to.
//! Owns their defaults and bounds.

use std::time::Duration;

use farthing_actors::domain::Binding;
use farthing_actors::sessions::Policy;

use super::draft::{Draft, Given};
use super::fault::Problem;
use super::setting::Setting;

const IDLE: Setting = Setting {
    key: "session.idle_minutes",
    default: "30",
    example: "30",
    unit: "minutes",
    note: "How long a session lasts that nobody uses; past the half of it a use renews it. 2 to 1440.",
};
const ABSOLUTE: Setting = Setting {
    key: "session.absolute_hours",
    default: "8",
    example: "8",
    unit: "hours",
    note: "How long a session lasts however much it is used. 1 to 720.",
};
const BINDING: Setting = Setting {
    key: "session.binding",
    default: "network",
    example: "\"network\"",
    unit: "off, user_agent, network, exact",
    note: "What a session is bound to. Another User-Agent ends it (all but off); from another network (/24, or /48 of IPv6) changes need the password again; exact: another address ends it.",
};
const PER_USER: Setting = Setting {
    key: "session.per_user",
    default: "10",
    example: "10",
    unit: "",
    note: "How many sessions one person has; the oldest ends when there is one more.",
};

/// The settings of this section.
pub(super) const SETTINGS: &[&Setting] = &[&IDLE, &ABSOLUTE, &BINDING, &PER_USER];

const HOUR: u64 = 60 * 60;

/// How long sessions last, and what they are bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionConfig(pub Policy);

impl Default for SessionConfig {
    fn default() -> Self {
        let (idle, absolute) = (Duration::from_secs(30 * 60), Duration::from_secs(8 * HOUR));
        Self(Policy { idle, absolute, binding: Binding::Network, per_user: 10 })
    }
}

impl SessionConfig {
    pub(super) fn take(draft: &mut Draft) -> Self {
        let Self(default) = Self::default();
        Self(Policy {
            idle: draft.take(&IDLE, default.idle, |given| seconds(given, (2, 1_440), 60)),
            absolute: draft.take(&ABSOLUTE, default.absolute, |given| seconds(given, (1, 720), HOUR)),
            binding: draft.take(&BINDING, default.binding, binding),
            per_user: draft.take(&PER_USER, default.per_user, |given| {
                given.number(1..=1_000).map(|number| usize::try_from(number).unwrap_or(usize::MAX))
            }),
        })
    }
}

fn seconds(given: &Given, (least, most): (u64, u64), unit: u64) -> Result<Duration, Problem> {
    given.number(least..=most).map(|number| Duration::from_secs(number.saturating_mul(unit)))
}

fn binding(given: &Given) -> Result<Binding, Problem> {
    let unknown = |_| Problem::new("it is none of off, user_agent, network and exact", "write one of them");
    given.text()?.parse().map_err(unknown)
}
