//! The fields of a price: what is asked first, and what few models have. Owns their words and order.
//! Refuses to lose what it has no field for: rates of long prompts and factors of tiers go along as they are.

use farthing_actors::domain::Price;
use serde_json::Value;

use super::definition::Hidden;

/// A rate or a fee somebody can type.
pub(super) struct PriceField {
    /// Its name in the form; null is sent where nothing is typed and nothing must be.
    pub(super) name: String,
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) is_required: bool,
    pub(super) hint: &'static str,
    /// Whether every model has it.
    pub(super) is_usual: bool,
}

type Listed = (&'static str, &'static str, &'static str);

const REQUIRED: [Listed; 2] = [("input_cost_per_m", "Input", ""), ("output_cost_per_m", "Output", "")];
const USUAL: [Listed; 2] = [
    ("cache_read_cost_per_m", "Cache read", "empty: as input"),
    ("cache_write_cost_per_m", "Cache write", "empty: as input"),
];
const OTHERS: [Listed; 11] = [
    ("cache_write_1h_cost_per_m", "Cache write, one hour", "empty: as cache write"),
    ("reasoning_cost_per_m", "Reasoning", "empty: as output"),
    ("audio_input_cost_per_m", "Sound in", "empty: as input"),
    ("audio_output_cost_per_m", "Sound out", "empty: as output"),
    ("image_input_cost_per_m", "Pictures in", "empty: as input"),
    ("image_output_cost_per_m", "Pictures out", "empty: as output"),
    ("character_cost_per_m", "Characters read aloud", "a million of them"),
    ("request_fee_usd", "Fee of a request", "dollars"),
    ("image_fee_usd", "Fee of a picture", "dollars"),
    ("audio_minute_fee_usd", "Fee of a minute of sound", "dollars"),
    ("search_fee_usd", "Fee of a search", "dollars"),
];
/// What has no field.
const KEPT: [(&str, &str); 2] =
    [("context_tiers", "prices.context_tiers:json"), ("service_tiers", "prices.service_tiers:json")];

/// The fields of `price`, and what goes along; empty ones where there is none yet.
pub(super) fn fields(price: Option<&Price>) -> (Vec<PriceField>, Vec<Hidden>) {
    let json = price.and_then(|price| serde_json::to_value(price).ok()).unwrap_or(Value::Null);
    let field = |listed: &[Listed], is_required, is_usual| -> Vec<PriceField> {
        listed.iter().map(|listed| PriceField::new(listed, &json, (is_required, is_usual))).collect()
    };
    let mut fields = field(&REQUIRED, true, true);
    fields.extend(field(&USUAL, false, true));
    fields.extend(field(&OTHERS, false, false));
    let kept = KEPT.iter().filter_map(|(member, name)| Some((*name, json.get(member)?.to_string())));
    (fields, kept.collect())
}

/// The fields of a model that is to be made. Its price is a list's unless one is typed, so none is required, and none is sent
/// where nothing is typed.
pub(super) fn empty_fields() -> Vec<PriceField> {
    let (fields, _) = fields(None);
    let optional = |field: PriceField| PriceField {
        is_required: false,
        name: field.name.trim_end_matches(":text?").to_owned(),
        ..field
    };
    fields.into_iter().filter(|field| field.is_usual).map(optional).collect()
}

impl PriceField {
    fn new((member, label, hint): &Listed, json: &Value, (is_required, is_usual): (bool, bool)) -> Self {
        let kind = if is_required { "" } else { ":text?" };
        Self {
            name: format!("prices.{member}{kind}"),
            label,
            value: json.get(member).and_then(Value::as_str).unwrap_or_default().to_owned(),
            is_required,
            hint,
            is_usual,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farthing_actors::domain::ContextTier;

    #[test]
    fn every_rate_and_fee_has_a_field_and_the_rest_goes_along() {
        let rate = |text: &str| text.parse().unwrap();
        let price = Price {
            input_cost_per_m: rate("3"),
            cache_read_cost_per_m: Some(rate("0.30")),
            context_tiers: vec![ContextTier { above_input_tokens: 9, ..ContextTier::default() }],
            ..Price::default()
        };
        let (fields, kept) = fields(Some(&price));
        let value = |name: &str| fields.iter().find(|field| field.name == name).map(|field| field.value.as_str());
        assert_eq!(value("prices.input_cost_per_m"), Some("3.00"));
        assert_eq!(value("prices.cache_read_cost_per_m:text?"), Some("0.30"));
        assert_eq!(value("prices.cache_write_cost_per_m:text?"), Some(""));
        assert_eq!(kept, [("prices.context_tiers:json", r#"[{"above_input_tokens":9}]"#.to_owned())]);
        let schema = serde_json::to_value(schemars::schema_for!(Price)).unwrap();
        let members = schema["properties"].as_object().unwrap().keys();
        let known = |member: &&String| {
            let typed = fields
                .iter()
                .any(|field| field.name.trim_start_matches("prices.").trim_end_matches(":text?") == **member);
            typed || KEPT.iter().any(|(kept, _)| kept == member)
        };
        assert_eq!(members.filter(|member| !known(member)).collect::<Vec<_>>(), Vec::<&String>::new());
    }

    #[test]
    fn a_new_model_may_have_no_price() {
        let fields = empty_fields();
        assert!(fields.iter().all(|field| !field.is_required && !field.name.contains(':')) && fields.len() == 4);
    }
}
