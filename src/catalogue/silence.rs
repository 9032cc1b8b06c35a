//! Silence: what models.dev's form has no place for. Owns which figures those are. Refuses to read anything into it: they
//! stay as they were known, because a list that cannot say them has not taken them back.

use farthing_actors::domain::{ContextTier, Price};

/// A listed price with what the list cannot say from the price that was `known`.
pub fn completed(listed: &Price, known: &Price) -> Price {
    Price {
        cache_write_1h_cost_per_m: known.cache_write_1h_cost_per_m,
        image_input_cost_per_m: known.image_input_cost_per_m,
        image_output_cost_per_m: known.image_output_cost_per_m,
        character_cost_per_m: known.character_cost_per_m,
        request_fee_usd: known.request_fee_usd,
        image_fee_usd: known.image_fee_usd,
        audio_minute_fee_usd: known.audio_minute_fee_usd,
        search_fee_usd: known.search_fee_usd,
        service_tiers: known.service_tiers.clone(),
        context_tiers: listed.context_tiers.iter().map(|tier| longer(*tier, known)).collect(),
        ..listed.clone()
    }
}

fn longer(tier: ContextTier, known: &Price) -> ContextTier {
    let same = known.context_tiers.iter().find(|known| known.above_input_tokens == tier.above_input_tokens);
    let same = same.copied().unwrap_or_default();
    ContextTier {
        cache_write_1h_cost_per_m: same.cache_write_1h_cost_per_m,
        reasoning_cost_per_m: same.reasoning_cost_per_m,
        ..tier
    }
}
