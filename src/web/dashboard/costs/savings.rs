//! What providers' caches saved: what tokens that were read from a cache, or written to one, would have cost as fresh ones, and
//! what they did cost. Owns the comparison, at today's prices. Refuses to price anything itself: both sums are the pricer's.

use std::collections::BTreeMap;

use farthing_actors::domain::{Money, Price, PriceInForce, ProviderId, Usage};
use farthing_actors::registry::catalogue::Catalogue;

use crate::admin::books::{Figures, SubjectName};
use crate::web::dashboard::shown::{self, Amount};

/// Rows a page shows.
const MOST: usize = 20;

/// What caches saved in all, and by model.
pub(super) struct Savings {
    pub(super) total: Amount,
    /// Whether writing to caches cost more than reading from them saved.
    pub(super) is_loss: bool,
    pub(super) rows: Vec<SavingRow>,
    /// Cached tokens whose price nobody knows.
    pub(super) unpriced: Option<String>,
}

/// One model at one provider.
pub(super) struct SavingRow {
    pub(super) model: String,
    pub(super) provider: String,
    pub(super) read: String,
    pub(super) written: String,
    pub(super) as_fresh: Amount,
    pub(super) as_cached: Amount,
    pub(super) saved: Amount,
}

/// Two sums of the same tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Compared {
    as_fresh: Money,
    as_cached: Money,
}

impl Compared {
    /// The cached tokens of `usage` at `price`. A sum of many calls has no length of its own, so the rates of long prompts, the
    /// tiers of service and the fees of requests are left out of both sides.
    fn of(price: &Price, usage: &Usage) -> Self {
        let plain = Price {
            context_tiers: Vec::new(),
            service_tiers: Default::default(),
            request_fee_usd: Money::ZERO,
            ..price.clone()
        };
        let cached = cached(usage);
        let fresh = Usage { input: tokens(&cached), ..Usage::default() };
        Self { as_fresh: plain.cost(&fresh), as_cached: plain.cost(&cached) }
    }

    fn saved(self) -> Money {
        self.as_fresh - self.as_cached
    }
}

fn cached(usage: &Usage) -> Usage {
    let Usage { cache_read, cache_write_5m, cache_write_1h, .. } = *usage;
    Usage { cache_read, cache_write_5m, cache_write_1h, ..Usage::default() }
}

fn tokens(cached: &Usage) -> u64 {
    cached.cache_read.saturating_add(written(cached))
}

fn written(cached: &Usage) -> u64 {
    cached.cache_write_5m.saturating_add(cached.cache_write_1h)
}

impl Savings {
    /// What the caches behind `subjects` saved.
    pub(super) fn new(subjects: &BTreeMap<SubjectName, Figures>, catalogue: &Catalogue) -> Self {
        let (mut rows, mut unpriced, mut total) = (Vec::new(), 0_u64, Money::ZERO);
        for ((model, provider), usage) in by_model(subjects) {
            let Some(price) = price(catalogue, model, provider) else {
                unpriced = unpriced.saturating_add(tokens(&usage));
                continue;
            };
            let compared = Compared::of(&price.1, &usage);
            total += compared.saved();
            rows.push((compared, SavingRow::new(catalogue, (model, provider), &usage, compared)));
        }
        rows.sort_by_key(|(compared, _)| std::cmp::Reverse(compared.saved()));
        Self {
            total: total.into(),
            is_loss: total.is_negative(),
            rows: rows.into_iter().map(|(_, row)| row).take(MOST).collect(),
            unpriced: (unpriced > 0).then(|| shown::count(unpriced)),
        }
    }
}

impl SavingRow {
    fn new(catalogue: &Catalogue, subject: (&str, &str), usage: &Usage, compared: Compared) -> Self {
        let (model, provider) = subject;
        Self {
            model: model.to_owned(),
            provider: provider.parse().map_or_else(|_| provider.to_owned(), |id| catalogue.provider_name(id)),
            read: shown::count(usage.cache_read),
            written: shown::count(written(usage)),
            as_fresh: compared.as_fresh.into(),
            as_cached: compared.as_cached.into(),
            saved: compared.saved().into(),
        }
    }
}

/// The cached tokens of each model at each provider, where there are any.
fn by_model(subjects: &BTreeMap<SubjectName, Figures>) -> BTreeMap<(&str, &str), Usage> {
    let mut sums: BTreeMap<(&str, &str), Figures> = BTreeMap::new();
    for (subject, figures) in subjects {
        *sums.entry((&subject.model, &subject.provider)).or_default() += *figures;
    }
    let cached = sums.into_iter().map(|(subject, figures)| (subject, cached(&figures.usage())));
    cached.filter(|(_, usage)| tokens(usage) > 0).collect()
}

/// Today's price of a model at a provider; a name that stands for several models has none of its own.
fn price(catalogue: &Catalogue, model: &str, provider: &str) -> Option<PriceInForce> {
    let provider: ProviderId = provider.parse().ok()?;
    let mut there = catalogue.candidates(model).iter().filter(|candidate| candidate.provider.id == provider);
    there.find_map(|candidate| candidate.deployment.price.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(read: Option<&str>, write: Option<&str>) -> Price {
        let rate = |text: &str| text.parse().unwrap();
        Price {
            input_cost_per_m: rate("3"),
            output_cost_per_m: rate("15"),
            cache_read_cost_per_m: read.map(rate),
            cache_write_cost_per_m: write.map(rate),
            request_fee_usd: "1".parse().unwrap(),
            ..Price::default()
        }
    }

    fn saved(price: &Price, read: u64, write: u64) -> String {
        let usage = Usage { input: 7, output: 9, cache_read: read, cache_write_5m: write, ..Usage::default() };
        Compared::of(price, &usage).saved().to_string()
    }

    #[test]
    fn reading_saves_and_writing_costs() {
        let price = price(Some("0.30"), Some("3.75"));
        assert_eq!(saved(&price, 1_000_000, 0), "2.70");
        assert_eq!(saved(&price, 0, 1_000_000), "-0.75");
        assert_eq!(saved(&price, 1_000_000, 1_000_000), "1.95");
        assert_eq!(saved(&price, 1, 0), "0.0000027");
        assert_eq!(saved(&price, 0, 0), "0");
    }

    #[test]
    fn without_rates_of_their_own_cached_tokens_save_nothing() {
        assert_eq!(saved(&price(None, None), 5_000, 5_000), "0");
        assert_eq!(saved(&price(Some("0"), None), 1_000_000, 1_000), "3.00");
    }

    #[test]
    fn an_hours_writes_count_at_their_own_rate() {
        let price =
            Price { cache_write_1h_cost_per_m: Some("6".parse().unwrap()), ..price(Some("0.30"), Some("3.75")) };
        let usage = Usage { cache_write_1h: 1_000_000, ..Usage::default() };
        assert_eq!(Compared::of(&price, &usage).saved().to_string(), "-3.00");
    }
}
