//! What the answer shall be like.
//! Owns the names chat has for each setting; the several names for thinking are [`super::thinking`]'s. Refuses to judge
//! values: ranges are the provider's.

use super::super::typed::{self, Outcome, within};
use super::{Body, thinking};
use crate::dialect::canonical::{Format, LogProbs, Sampling, Settings};
use crate::dialect::fault::RequestFault;
use crate::dialect::fields;
use crate::dialect::members::Member;

/// The settings; the output cap was read before.
pub(super) fn read(body: &mut Body<'_>, output_cap: Option<u64>) -> Outcome<Settings> {
    let choices = body.take("n");
    let user = typed::optional("user", body.take("user"))?;
    let safety = typed::optional("safety_identifier", body.take("safety_identifier"))?;
    Ok(Settings {
        output_cap,
        stop: stop(body.take("stop"))?,
        sampling: sampling(body)?,
        format: body.take("response_format").map(format).transpose()?.unwrap_or_default(),
        thinking: thinking::read(body)?,
        log_probs: log_probs(body)?,
        choices: fields::whole("n", choices, 1..=u64::MAX)?,
        user: user.or(safety),
        metadata: typed::json("metadata", body.take("metadata"))?,
        service_tier: typed::optional("service_tier", body.take("service_tier"))?,
        verbosity: typed::optional("verbosity", body.take("verbosity"))?,
        cache_key: typed::optional("prompt_cache_key", body.take("prompt_cache_key"))?,
    })
}

/// One text or a list of texts.
fn stop(stop: Option<Member<'_>>) -> Outcome<Vec<String>> {
    let Some(stop) = stop else { return Ok(Vec::new()) };
    if stop.is_string() {
        return typed::text("stop", stop).map(|text| vec![text]);
    }
    let wrong = |_| RequestFault::invalid_type("stop", "must be a string or an array of strings");
    serde_json::from_str(stop.text).map_err(wrong)
}

fn sampling(body: &mut Body<'_>) -> Outcome<Sampling> {
    let mut number = |name| typed::number(name, body.take(name));
    Ok(Sampling {
        temperature: number("temperature")?,
        top_p: number("top_p")?,
        top_k: number("top_k")?,
        seed: number("seed")?,
        presence_penalty: number("presence_penalty")?,
        frequency_penalty: number("frequency_penalty")?,
        logit_bias: typed::json("logit_bias", body.take("logit_bias"))?,
    })
}

/// `top_logprobs` says nothing unless `logprobs` is true.
fn log_probs(body: &mut Body<'_>) -> Outcome<Option<LogProbs>> {
    let wanted = fields::flag("logprobs", body.take("logprobs"))?;
    let alternatives = fields::whole("top_logprobs", body.take("top_logprobs"), 0..=u64::MAX)?;
    Ok(wanted.then_some(LogProbs { alternatives }))
}

fn format(format: Member<'_>) -> Outcome<Format> {
    let [kind, described, schema] = typed::object("response_format", format, &["type", "json_schema", "schema"])?;
    let read = || match typed::required("type", kind)?.as_str() {
        "text" => Ok(Format::Text),
        "json_object" => bare_schema(schema),
        "json_schema" => schema_of(described.ok_or_else(|| RequestFault::missing("json_schema"))?),
        _ => Err(RequestFault::unsupported("type", "use text, json_object or json_schema")),
    };
    read().map_err(|fault| within("response_format", fault))
}

/// Some JSON, or what Together and Fireworks take beside it: a schema without a name.
fn bare_schema(schema: Option<Member<'_>>) -> Outcome<Format> {
    let schema = typed::json("schema", schema)?;
    let named = |schema| Format::Schema { name: "answer".to_owned(), description: None, schema, strict: None };
    Ok(schema.map_or(Format::Json, named))
}

fn schema_of(format: Member<'_>) -> Outcome<Format> {
    let [name, description, schema, strict] =
        typed::object("json_schema", format, &["name", "description", "schema", "strict"])?;
    let read = || {
        Ok(Format::Schema {
            name: typed::required("name", name)?,
            description: typed::optional("description", description)?,
            schema: typed::json("schema", schema)?.ok_or_else(|| RequestFault::missing("schema"))?,
            strict: strict.map(|strict| fields::flag("strict", Some(strict))).transpose()?,
        })
    };
    read().map_err(|fault| within("json_schema", fault))
}
