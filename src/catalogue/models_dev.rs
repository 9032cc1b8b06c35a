//! Lists in the form of models.dev's `api.json`: providers, their models, what those cost in dollars per million tokens.
//! Owns its schema and which of its providers are which of our kinds. Refuses a list whose shape is wrong as a whole, and
//! floating point: figures are read by their characters, and a model with one that is not exact is left out.

use std::collections::HashMap;

use farthing_actors::domain::{ContextTier, Price, ProviderKind, Rate};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ListError, Listing, PriceList};

/// What `context_over_200k` means.
const LONG: u64 = 200_000;

const KINDS: [(&str, ProviderKind); 12] = [
    ("openai", ProviderKind::Openai),
    ("anthropic", ProviderKind::Anthropic),
    ("google", ProviderKind::Gemini),
    ("deepseek", ProviderKind::Deepseek),
    ("xai", ProviderKind::Xai),
    ("mistral", ProviderKind::Mistral),
    ("groq", ProviderKind::Groq),
    ("moonshotai", ProviderKind::Moonshot),
    ("openrouter", ProviderKind::Openrouter),
    ("azure", ProviderKind::Azure),
    ("amazon-bedrock", ProviderKind::Bedrock),
    ("google-vertex", ProviderKind::Vertex),
];

#[derive(Deserialize)]
struct Provider {
    models: HashMap<String, Model>,
}

#[derive(Deserialize)]
struct Model {
    cost: Option<Cost>,
    #[serde(default)]
    limit: Limit,
}

#[derive(Deserialize)]
struct Cost {
    input: Figure,
    output: Figure,
    cache_read: Option<Figure>,
    cache_write: Option<Figure>,
    reasoning: Option<Figure>,
    input_audio: Option<Figure>,
    output_audio: Option<Figure>,
    context_over_200k: Option<Longer>,
    #[serde(default)]
    tiers: Vec<Longer>,
}

/// Rates of longer prompts; `tier` says how long, unless the place does.
#[derive(Deserialize)]
struct Longer {
    tier: Option<Size>,
    input: Option<Figure>,
    output: Option<Figure>,
    cache_read: Option<Figure>,
    cache_write: Option<Figure>,
}

#[derive(Deserialize)]
struct Size {
    size: u64,
}

#[derive(Deserialize, Default)]
struct Limit {
    context: Option<u64>,
    output: Option<u64>,
}

/// A number by its characters.
type Figure = Box<RawValue>;

/// A list, and which of its models are not in it because a figure of theirs is not an exact amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The models that can be priced.
    pub list: PriceList,
    /// The others, as `provider/model`, in order.
    pub left_out: Vec<String>,
}

/// Reads a list.
///
/// # Errors
/// If its shape is not that of `api.json`, or it prices none of our providers' models.
pub fn read(text: &[u8]) -> Result<Fetched, ListError> {
    let providers: HashMap<&str, &RawValue> = parsed(text)?;
    let mut fetched = Fetched { list: PriceList::default(), left_out: Vec::new() };
    for (name, kind) in KINDS {
        let Some(provider) = providers.get(name) else { continue };
        let provider: Provider = parsed(provider.get().as_bytes())?;
        for (id, model) in provider.models {
            match listing(&model) {
                Ok(Some(listing)) => drop(fetched.list.add(kind, &id, listing)),
                Ok(None) => {}
                Err(Inexact) => fetched.left_out.push(format!("{name}/{id}")),
            }
        }
    }
    if fetched.list.is_empty() {
        return Err(ListError("it prices no model of a known provider".to_owned()));
    }
    fetched.left_out.sort_unstable();
    Ok(fetched)
}

fn parsed<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, ListError> {
    serde_json::from_slice(text).map_err(|error| ListError(error.to_string()))
}

/// A figure that is not an amount of at most twelve decimals.
struct Inexact;

/// `None` for a model without a price. Nothing for input and output is none too: lists write it where they do not know.
fn listing(model: &Model) -> Result<Option<Listing>, Inexact> {
    let Some(cost) = &model.cost else { return Ok(None) };
    let price = price(cost)?;
    if price.input_cost_per_m == Rate::ZERO && price.output_cost_per_m == Rate::ZERO {
        return Ok(None);
    }
    let known = |tokens: Option<u64>| tokens.filter(|tokens| *tokens > 0);
    let Limit { context, output } = model.limit;
    Ok(Some(Listing { price, context_window: known(context), max_output_tokens: known(output) }))
}

fn price(cost: &Cost) -> Result<Price, Inexact> {
    Ok(Price {
        input_cost_per_m: rate(&cost.input)?,
        output_cost_per_m: rate(&cost.output)?,
        cache_read_cost_per_m: optional(cost.cache_read.as_ref())?,
        cache_write_cost_per_m: optional(cost.cache_write.as_ref())?,
        reasoning_cost_per_m: optional(cost.reasoning.as_ref())?,
        audio_input_cost_per_m: optional(cost.input_audio.as_ref())?,
        audio_output_cost_per_m: optional(cost.output_audio.as_ref())?,
        context_tiers: tiers(cost)?,
        ..Price::default()
    })
}

/// `tiers` say everything where they are given; `context_over_200k` is the older form.
fn tiers(cost: &Cost) -> Result<Vec<ContextTier>, Inexact> {
    if cost.tiers.is_empty() {
        return cost.context_over_200k.iter().map(|longer| tier(LONG, longer)).collect();
    }
    let sized = |longer: &Longer| longer.tier.as_ref().map_or(Err(Inexact), |tier_of| tier(tier_of.size, longer));
    cost.tiers.iter().map(sized).collect()
}

fn tier(above_input_tokens: u64, longer: &Longer) -> Result<ContextTier, Inexact> {
    Ok(ContextTier {
        above_input_tokens,
        input_cost_per_m: optional(longer.input.as_ref())?,
        output_cost_per_m: optional(longer.output.as_ref())?,
        cache_read_cost_per_m: optional(longer.cache_read.as_ref())?,
        cache_write_cost_per_m: optional(longer.cache_write.as_ref())?,
        ..ContextTier::default()
    })
}

fn optional(figure: Option<&Figure>) -> Result<Option<Rate>, Inexact> {
    figure.map(rate).transpose()
}

fn rate(figure: &Figure) -> Result<Rate, Inexact> {
    figure.get().parse().map_err(|_| Inexact)
}
