//! What the answer shall be like, both directions.
//! Owns the members of a request that are neither messages nor tools. Refuses what would change the
//! answer and only Anthropic's own servers do; the rest is passed over and named.

use serde::{Deserialize, Serialize};
use serde_json::Number;
use serde_json::value::RawValue;

use super::output;
use super::read::Hints;
use super::thinking::{self, Room};
use crate::dialect::canonical::{Feature, Sampling, Settings, Thinking, Unsupported};
use crate::dialect::fault::RequestFault;
use crate::dialect::node::Node;

/// The members as they come, each to be read where it stands.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawSettings<'a> {
    #[serde(borrow)]
    stop_sequences: Option<&'a RawValue>,
    #[serde(borrow)]
    temperature: Option<&'a RawValue>,
    #[serde(borrow)]
    top_p: Option<&'a RawValue>,
    #[serde(borrow)]
    top_k: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow)]
    output_config: Option<&'a RawValue>,
    #[serde(borrow)]
    output_format: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    service_tier: Option<&'a RawValue>,
    #[serde(borrow)]
    inference_geo: Option<&'a RawValue>,
    #[serde(borrow)]
    container: Option<&'a RawValue>,
    #[serde(borrow)]
    mcp_servers: Option<&'a RawValue>,
    #[serde(borrow)]
    context_management: Option<&'a RawValue>,
    #[serde(borrow)]
    cache_control: Option<&'a RawValue>,
    #[serde(borrow)]
    speed: Option<&'a RawValue>,
    #[serde(borrow)]
    diagnostics: Option<&'a RawValue>,
    #[serde(borrow)]
    thread: Option<&'a RawValue>,
    #[serde(borrow)]
    fallbacks: Option<&'a RawValue>,
    #[serde(borrow)]
    user_profile_id: Option<&'a RawValue>,
    #[serde(borrow)]
    workspace_id: Option<&'a RawValue>,
    #[serde(borrow)]
    billing_policy: Option<&'a RawValue>,
    #[serde(borrow)]
    compaction: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawMetadata {
    user_id: Option<String>,
}

pub(super) fn read(
    raw: &RawSettings<'_>,
    output_cap: Option<u64>,
    hints: &mut Hints,
) -> Result<Settings, RequestFault> {
    refuse_own(raw)?;
    if output_cap == Some(0) {
        let why = "the provider of this model has no cache to fill ahead; ask for at least one token";
        return Err(RequestFault::unsupported("max_tokens", why));
    }
    note_hints(raw, hints);
    let (effort, format) = output::read(raw.output_config, raw.output_format, hints)?;
    let thought: Option<Thinking> =
        raw.thinking.map(|value| thinking::read(&Node::at("thinking", value))).transpose()?;
    let metadata: Option<RawMetadata> = value("metadata", raw.metadata)?;
    let tier: Option<String> = value("service_tier", raw.service_tier)?;
    Ok(Settings {
        output_cap,
        stop: value("stop_sequences", raw.stop_sequences)?.unwrap_or_default(),
        sampling: Sampling {
            temperature: value("temperature", raw.temperature)?,
            top_p: value("top_p", raw.top_p)?,
            top_k: value("top_k", raw.top_k)?,
            ..Sampling::default()
        },
        format,
        thinking: Thinking { effort, ..thought.unwrap_or_default() },
        user: metadata.and_then(|metadata| metadata.user_id),
        service_tier: tier.map(|tier| if tier == "standard_only" { "default".to_owned() } else { tier }),
        ..Settings::default()
    })
}

/// Members that only steer Anthropic's own servers: passed over, and named to the client.
fn note_hints(raw: &RawSettings<'_>, hints: &mut Hints) {
    for (name, hint) in [
        ("context_management", raw.context_management),
        ("cache_control", raw.cache_control),
        ("speed", raw.speed.filter(|speed| speed.get() != r#""standard""#)),
        ("diagnostics", raw.diagnostics),
        ("thread", raw.thread),
        ("fallbacks", raw.fallbacks),
        ("user_profile_id", raw.user_profile_id),
        ("workspace_id", raw.workspace_id),
        ("billing_policy", raw.billing_policy),
    ] {
        hints.note_if(hint.is_some(), || name.to_owned());
    }
}

fn value<'a, T: Deserialize<'a>>(name: &str, value: Option<&'a RawValue>) -> Result<Option<T>, RequestFault> {
    value.map(|value| Node::at(name, value).read()).transpose()
}

/// What has a meaning that another provider cannot honour.
fn refuse_own(raw: &RawSettings<'_>) -> Result<(), RequestFault> {
    if raw.container.is_some() {
        return Err(RequestFault::unsupported(
            "container",
            "the provider of this model has no containers; leave it out",
        ));
    }
    if raw.compaction.is_some() {
        let why = "the provider of this model summarizes no conversations; ask for a summary in a message";
        return Err(RequestFault::unsupported("compaction", why));
    }
    if raw.mcp_servers.is_some_and(|servers| servers.get() != "[]") {
        let why =
            "the provider of this model calls no MCP servers; call them yourself and give their tools as functions";
        return Err(RequestFault::unsupported("mcp_servers", why));
    }
    match value::<String>("inference_geo", raw.inference_geo)?.as_deref() {
        None | Some("global") => Ok(()),
        Some(_) => {
            let why = "the provider of this model cannot promise a region; leave it out or use a model of Anthropic's";
            Err(RequestFault::unsupported("inference_geo", why))
        }
    }
}

/// The members as they are written.
#[derive(Serialize)]
pub(super) struct Written<'a> {
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<thinking::Written>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<output::Output<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}

/// The members. Hints without a place are added to `ignored`.
pub(super) fn write<'a>(
    settings: &'a Settings,
    room: Room<'_>,
    ignored: &mut Vec<Feature>,
) -> Result<Written<'a>, Unsupported> {
    refuse_foreign(settings)?;
    let (thinking, effort) = thinking::write(&settings.thinking, room);
    let asked = settings.thinking.effort.is_some() || settings.thinking.budget.is_some();
    let service_tier = settings.service_tier.as_deref().and_then(own_tier);
    let hints = [
        (Feature::Thinking, asked && thinking.is_none()),
        (Feature::Seed, settings.sampling.seed.is_some()),
        (Feature::Metadata, settings.metadata.is_some()),
        (Feature::Verbosity, settings.verbosity.is_some()),
        (Feature::CacheKey, settings.cache_key.is_some()),
        (Feature::ServiceTier, settings.service_tier.is_some() && service_tier.is_none()),
    ];
    ignored.extend(hints.into_iter().filter_map(|(feature, given)| given.then_some(feature)));
    Ok(Written {
        stop_sequences: &settings.stop,
        temperature: settings.sampling.temperature.as_ref(),
        top_p: settings.sampling.top_p.as_ref(),
        top_k: settings.sampling.top_k.as_ref(),
        thinking,
        output_config: output::write(effort, &settings.format)?,
        metadata: settings.user.as_deref().map(|user_id| Metadata { user_id }),
        service_tier,
    })
}

fn own_tier(tier: &str) -> Option<&'static str> {
    match tier {
        "auto" => Some("auto"),
        "default" => Some("standard_only"),
        _ => None,
    }
}

/// What Anthropic has no place for, unless it is asked for in a way that changes nothing.
fn refuse_foreign(settings: &Settings) -> Result<(), Unsupported> {
    let [presence, frequency] = settings.sampling.penalises();
    let hot = settings.sampling.temperature.as_ref().and_then(Number::as_f64).is_some_and(|given| given > 1.0);
    let foreign = [
        (Feature::Choices, settings.choices.is_some_and(|choices| choices > 1), "ask for one answer"),
        (Feature::Temperature, hot, "use a temperature of at most 1"),
        (Feature::PresencePenalty, presence, "leave it out"),
        (Feature::FrequencyPenalty, frequency, "leave it out"),
        (Feature::LogitBias, settings.sampling.is_biased(), "leave it out"),
        (Feature::LogProbs, settings.log_probs.is_some(), "leave it out"),
    ];
    match foreign.into_iter().find(|(_, asked, _)| *asked) {
        Some((feature, _, why)) => Err(Unsupported::new(feature, why)),
        None => Ok(()),
    }
}
