//! `farthing model`: add and list models, show and change their prices. Owns the requests and the table.
//! Refuses to invent prices: what is not given stays as it is.

use clap::{Args, Subcommand};
use farthing_actors::domain::{Dialect, Timestamp};
use serde_json::{Map, Value, json};

use super::connection::Connection;
use super::error::CliError;
use super::flags::PriceFlags;
use super::http::Api;
use super::lookup::{self, Kind};
use super::output::Reply;
use super::prices::Prices;
use super::table::{Column, listed, shown};

const MODEL: Kind = Kind { noun: "model", path: "/api/models", prefix: "mdl_", names: &["name"] };

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("ID", "/id"),
    ("PROVIDER", "/provider"),
    ("UPSTREAM", "/upstream_model"),
    ("INPUT/M", "/prices/input_cost_per_m"),
    ("OUTPUT/M", "/prices/output_cost_per_m"),
    ("CACHE READ/M", "/prices/cache_read_cost_per_m"),
    ("CACHE WRITE/M", "/prices/cache_write_cost_per_m"),
    ("PRICE FROM", "/price_source"),
];

/// What a deployment is defined by; the server's answers hold more, and it takes nothing else back.
const DEFINITION: [&str; 9] = [
    "name",
    "provider",
    "upstream_model",
    "weight",
    "priority",
    "dialects",
    "max_output_tokens",
    "context_window",
    "prices",
];

/// Work with models, the providers that have them, and their prices
#[derive(Debug, Args)]
pub(super) struct Model {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    pub(super) connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add a model at a provider
    Add(Add),
    /// List models with their prices
    List,
    /// Show or change the prices of a model at a provider
    Price(Price),
    #[command(subcommand)]
    Prices(Prices),
}

#[derive(Debug, Args)]
struct Add {
    /// The name applications ask for
    name: String,
    /// Which provider has it
    #[arg(long)]
    provider: String,
    /// What the provider calls it; the same name if absent
    #[arg(long, value_name = "NAME")]
    upstream_model: Option<String>,
    /// The most tokens it generates in one answer
    #[arg(long, value_name = "TOKENS")]
    max_output_tokens: Option<u32>,
    /// The most tokens of prompt and answer together
    #[arg(long, value_name = "TOKENS")]
    context_window: Option<u32>,
    /// A dialect it speaks there; may be given several times; the provider's usual ones if never
    #[arg(long = "dialect", value_name = "DIALECT")]
    dialects: Vec<Dialect>,
    #[command(flatten)]
    prices: PriceFlags,
}

#[derive(Debug, Args)]
struct Price {
    /// Its name or id
    model: String,
    /// At which provider, where several have it
    #[arg(long)]
    provider: Option<String>,
    /// From when the given prices are charged, such as 2027-01-31T00:00:00Z; from now on if absent. Until then the present
    /// ones are, and a price that was planned before is withdrawn
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Give up the price that is planned for later
    #[arg(long, conflicts_with_all = ["from", "input", "output"])]
    withdraw: bool,
    #[command(flatten)]
    prices: PriceFlags,
}

impl Model {
    pub(super) async fn run(&self, api: &Api) -> Result<Reply, CliError> {
        match &self.command {
            Command::Add(add) => Ok(shown(api.post(MODEL.path, &add.body()).await?)),
            Command::List => {
                let json = lookup::all(api, MODEL.path).await?;
                Ok(listed(json, COLUMNS, "there are no models; add one with `farthing model add`"))
            }
            Command::Price(price) => price.run(api).await,
            Command::Prices(prices) => prices.run(api).await,
        }
    }
}

impl Add {
    fn body(&self) -> Value {
        let upstream = self.upstream_model.as_ref().unwrap_or(&self.name);
        let mut body = Map::from_iter([
            ("name".to_owned(), json!(self.name)),
            ("provider".to_owned(), json!(self.provider)),
            ("upstream_model".to_owned(), json!(upstream)),
        ]);
        let limits = [("max_output_tokens", self.max_output_tokens), ("context_window", self.context_window)];
        body.extend(limits.into_iter().filter_map(|(name, tokens)| Some((name.to_owned(), json!(tokens?)))));
        if !self.dialects.is_empty() {
            body.insert("dialects".to_owned(), json!(self.dialects));
        }
        put_prices(&mut body, &self.prices);
        Value::Object(body)
    }
}

impl Price {
    async fn run(&self, api: &Api) -> Result<Reply, CliError> {
        let provider = self.provider.as_deref();
        let at = |item: &Value| provider.is_none() || item.get("provider").and_then(Value::as_str) == provider;
        let model = lookup::one(api, MODEL, &self.model, at).await?;
        match (self.prices.given().is_empty(), self.from) {
            (_, _) if self.withdraw => {
                Ok(shown(api.delete(&MODEL.address(&lookup::id_of(&model)?, "/prices/upcoming")).await?))
            }
            (true, None) => Ok(shown(model)),
            (true, Some(_)) => {
                Err(CliError::Failed("--from needs the prices that begin then, such as --input".to_owned()))
            }
            (false, from) => {
                let path = MODEL.address(&lookup::id_of(&model)?, "");
                Ok(shown(api.put(&path, &repriced(model, &self.prices, from)).await?))
            }
        }
    }
}

/// The definition of a model with the given prices changed, from that moment on.
fn repriced(model: Value, prices: &PriceFlags, from: Option<Timestamp>) -> Value {
    let Value::Object(mut body) = model else { return model };
    body.retain(|name, _| DEFINITION.contains(&name.as_str()));
    put_prices(&mut body, prices);
    if let (Some(from), Some(all)) = (from, body.get_mut("prices").and_then(Value::as_object_mut)) {
        all.insert("effective_from".to_owned(), json!(from.to_string()));
    }
    Value::Object(body)
}

fn put_prices(body: &mut Map<String, Value>, prices: &PriceFlags) {
    let given = prices.given();
    if given.is_empty() {
        return;
    }
    let all = body.entry("prices").or_insert_with(|| json!({}));
    if !all.is_object() {
        *all = json!({});
    }
    if let Value::Object(all) = all {
        all.extend(given.into_iter().map(|(name, figure)| (name.to_owned(), figure)));
    }
}
