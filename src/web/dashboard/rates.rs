//! The four rates that everybody compares: fresh and generated tokens, and those read from a cache or written to one.
//! Owns how they are told. Refuses to show an absent rate as nothing: it shows the one that holds instead, and says so.

use std::array;

use farthing_actors::domain::{Price, PriceSource, Rate};

/// Dollars per million tokens.
pub(super) struct Rates {
    pub(super) input: Told,
    pub(super) output: Told,
    pub(super) cache_read: Told,
    pub(super) cache_write: Told,
    /// Whether there is more to it: fees, tiers, other kinds of tokens.
    pub(super) more: bool,
}

/// A rate, and whether it is another's because there is none of its own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) text: String,
    pub(super) is_borrowed: bool,
}

/// Who says a price.
pub(super) fn source(source: PriceSource) -> &'static str {
    match source {
        PriceSource::Own => "set here",
        PriceSource::Refreshed => "fetched list",
        PriceSource::Bundled => "bundled list",
    }
}

impl Rates {
    /// All four, in the order of tables.
    pub(super) fn all(&self) -> array::IntoIter<&Told, 4> {
        [&self.input, &self.output, &self.cache_read, &self.cache_write].into_iter()
    }
}

impl From<&Price> for Rates {
    fn from(price: &Price) -> Self {
        let input = price.input_cost_per_m;
        let plain = Price {
            input_cost_per_m: input,
            output_cost_per_m: price.output_cost_per_m,
            cache_read_cost_per_m: price.cache_read_cost_per_m,
            cache_write_cost_per_m: price.cache_write_cost_per_m,
            ..Price::default()
        };
        Self {
            input: Told::new(Some(input), input),
            output: Told::new(Some(price.output_cost_per_m), price.output_cost_per_m),
            cache_read: Told::new(price.cache_read_cost_per_m, input),
            cache_write: Told::new(price.cache_write_cost_per_m, input),
            more: plain != *price,
        }
    }
}

impl Told {
    fn new(own: Option<Rate>, otherwise: Rate) -> Self {
        Self { text: format!("${}", own.unwrap_or(otherwise)), is_borrowed: own.is_none() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_cache_rate_is_the_one_of_fresh_tokens() {
        let rate = |text: &str| text.parse().unwrap();
        let price = Price { input_cost_per_m: rate("3"), output_cost_per_m: rate("15"), ..Price::default() };
        let told = |text: &str, is_borrowed| Told { text: text.to_owned(), is_borrowed };
        let rates = Rates::from(&price);
        assert_eq!(
            (rates.cache_read, rates.cache_write, rates.more),
            (told("$3.00", true), told("$3.00", true), false)
        );
        let own = Price { cache_read_cost_per_m: Some(rate("0.3")), cache_write_cost_per_m: Some(rate("0")), ..price };
        let rates = Rates::from(&own);
        assert_eq!((rates.cache_read, rates.cache_write), (told("$0.30", false), told("$0", false)));
        assert!(Rates::from(&Price { image_fee_usd: "0.04".parse().unwrap(), ..own }).more);
    }
}
