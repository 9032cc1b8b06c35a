//! The question: what every page about usage may ask, checked. Owns the parameters they share and their defaults.
//! Refuses what it does not know, and ranges that end before they begin.

use farthing_actors::domain::window::Zone;
use farthing_actors::domain::{KeyId, ProjectId, ProviderId, Timestamp};

use super::calendar::Calendar;
use crate::admin::AdminError;
use crate::admin::books::{Range, UsageFilter};
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::who::Sight;

/// Days of the range that is asked about unless another is.
const DEFAULT_DAYS: i64 = 30;

/// The parameters that every page about usage takes, as they came.
#[derive(Debug, Default)]
pub(in crate::web) struct Asked {
    pub(in crate::web) project: Option<String>,
    pub(in crate::web) include_children: Option<bool>,
    pub(in crate::web) key: Option<String>,
    pub(in crate::web) model: Option<String>,
    pub(in crate::web) provider: Option<String>,
    pub(in crate::web) from: Option<String>,
    pub(in crate::web) to: Option<String>,
    pub(in crate::web) time_zone: Option<String>,
}

/// The query of one page: the shared parameters and its own. A macro, because serde's `flatten` and `deny_unknown_fields` exclude
/// each other.
macro_rules! usage_query {
    ($name:ident { $($extra:ident: $kind:ty),* $(,)? }) => {
        #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            project: Option<String>,
            include_children: Option<bool>,
            key: Option<String>,
            model: Option<String>,
            provider: Option<String>,
            from: Option<String>,
            to: Option<String>,
            time_zone: Option<String>,
            $($extra: $kind,)*
        }

        impl $name {
            /// The shared parameters.
            fn shared(&mut self) -> Asked {
                Asked {
                    project: self.project.take(),
                    include_children: self.include_children,
                    key: self.key.take(),
                    model: self.model.take(),
                    provider: self.provider.take(),
                    from: self.from.take(),
                    to: self.to.take(),
                    time_zone: self.time_zone.take(),
                }
            }
        }
    };
}
pub(super) use usage_query;

/// Which usage, and when.
#[derive(Debug, Clone)]
pub(in crate::web) struct Question {
    pub(in crate::web) filter: UsageFilter,
    pub(in crate::web) range: Range,
    pub(in crate::web) calendar: Calendar,
}

impl Question {
    /// What was asked, of the projects that `sight` sees. Without a range: the last thirty days, today included.
    pub(in crate::web) fn new(gateway: &Gateway, sight: &Sight, asked: Asked) -> Result<Self, Problem> {
        let calendar = calendar(asked.time_zone.as_deref())?;
        let (from, to) = moments(&calendar, asked.from.as_deref(), asked.to.as_deref())?;
        let to = to.unwrap_or_else(|| gateway.clock.now());
        let from = from.unwrap_or_else(|| calendar.days_before(to, DEFAULT_DAYS - 1));
        if from >= to {
            return Err(ends_too_early());
        }
        Ok(Self { filter: filter(gateway, sight, asked)?, range: Range::around(from, to), calendar })
    }
}

/// The calendar of this zone; UTC's without one.
pub(in crate::web) fn calendar(zone: Option<&str>) -> Result<Calendar, Problem> {
    let zone = zone.map_or(Ok(Zone::utc()), str::parse::<Zone>);
    Ok(Calendar::new(zone.map_err(|error| invalid("time_zone", error.to_string()))?))
}

/// The moments `from` and `to`, where they are asked for.
pub(in crate::web) fn moments(
    calendar: &Calendar,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Problem> {
    let moment = |field: &'static str, text: Option<&str>| {
        text.map(|text| calendar.moment(text).ok_or_else(|| not_a_moment(field))).transpose()
    };
    let (from, to) = (moment("from", from)?, moment("to", to)?);
    match (from, to) {
        (Some(from), Some(to)) if from >= to => Err(ends_too_early()),
        moments => Ok(moments),
    }
}

fn filter(gateway: &Gateway, sight: &Sight, asked: Asked) -> Result<UsageFilter, Problem> {
    let children = asked.include_children.unwrap_or(false);
    if children && asked.project.is_none() {
        return Err(invalid("include_children", "include_children needs a project"));
    }
    let seen = |wanted: String| match project(gateway, &wanted)? {
        id if sight.sees(id) => Ok(id),
        _ => Err(Problem::from(AdminError::absent("project", wanted))),
    };
    let project = asked.project.map(seen).transpose()?;
    let projects = project.map(|id| if children { with_children(gateway, id) } else { vec![id] });
    Ok(UsageFilter {
        projects: sight.within(projects),
        key: asked.key.as_deref().map(key_id).transpose()?,
        model: asked.model,
        provider: asked.provider.map(|wanted| provider(gateway, sight, &wanted)).transpose()?,
    })
}

/// The id of a key in a query or a body.
pub(in crate::web) fn key_id(text: &str) -> Result<KeyId, Problem> {
    text.parse().map_err(|_| invalid("key", "key must be a key's id, such as key_…"))
}

/// A project by its name or id. An id is taken as it is: what was used stays in the books when a project or a provider is gone.
pub(in crate::web) fn project(gateway: &Gateway, wanted: &str) -> Result<ProjectId, Problem> {
    let by_name = || gateway.admin.find_project(wanted).map(|project| project.id);
    wanted.parse().ok().or_else(by_name).ok_or_else(|| AdminError::absent("project", wanted).into())
}

/// A provider by its name or id, which is taken as it is, too. Whoever sees some projects only does not see which providers there
/// are: one that is not there is to them as one that none of their calls went to.
pub(in crate::web) fn provider(gateway: &Gateway, sight: &Sight, wanted: &str) -> Result<ProviderId, Problem> {
    let by_name = || gateway.admin.find_provider(wanted).map(|provider| provider.id);
    match (wanted.parse().ok().or_else(by_name), sight) {
        (Some(id), _) => Ok(id),
        (None, Sight::Projects(_)) => Ok(ProviderId::from_u128(0)),
        (None, Sight::All) => Err(AdminError::absent("provider", wanted).into()),
    }
}

fn with_children(gateway: &Gateway, id: ProjectId) -> Vec<ProjectId> {
    let keys = gateway.admin.keys();
    let below = |project: ProjectId| keys.lineage(project).skip(1).any(|above| above.id == id);
    let children = keys.projects().map(|project| project.id).filter(|project| below(*project));
    std::iter::once(id).chain(children).collect()
}

fn ends_too_early() -> Problem {
    invalid("from", "from must be before to")
}

fn not_a_moment(field: &'static str) -> Problem {
    invalid(field, format!("{field} must be a date such as 2026-11-21 or a moment such as 2026-11-21T00:00:00Z"))
}

/// 400, naming the parameter.
pub(in crate::web) fn invalid(field: &'static str, message: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidValue, message).at(field)
}
