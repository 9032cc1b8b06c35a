//! What was used, by class, beside the rate it had; and all that the version of the price says.
//! Owns the names of classes and rates for people. Refuses to multiply: there is one pricer, and its sum stands below.

use farthing_actors::domain::{Money, Price, Usage};

use crate::web::dashboard::shown::{self, Amount};

/// A class of usage.
pub(super) struct UsageRow {
    pub(super) name: String,
    pub(super) count: String,
    /// For a million tokens, in a prompt of this length.
    pub(super) rate: Option<Amount>,
}

/// A rate or a fee.
pub(super) struct RateRow {
    pub(super) name: String,
    pub(super) rate: Amount,
}

/// The classes that have something, and input and output always.
pub(super) fn usage(usage: &Usage, price: Option<&Price>) -> Vec<UsageRow> {
    let rates = price.map(|price| price.named_rates(usage.prompt()));
    let rate = |class: &str| rates.iter().flatten().find(|(name, _)| *name == class).map(|(_, rate)| *rate);
    let classes = usage.classes().into_iter().filter(|(name, count)| *count > 0 || ["input", "output"].contains(name));
    let row = |(name, count): (&'static str, u64)| UsageRow {
        name: words(name),
        count: shown::count(count),
        rate: rate(name).map(|rate| Money::from(rate).into()),
    };
    classes.map(row).collect()
}

/// The rates for a short prompt, and the fees there are.
pub(super) fn rates(price: &Price) -> Vec<RateRow> {
    let rates = price.named_rates(0).into_iter().filter(|(name, _)| !name.contains('_') || name.starts_with("cache"));
    let rates = rates
        .map(|(name, rate)| RateRow { name: format!("{} per million", words(name)), rate: Money::from(rate).into() });
    let fees = [
        ("each request", price.request_fee_usd),
        ("each picture", price.image_fee_usd),
        ("each minute of sound", price.audio_minute_fee_usd),
        ("each search", price.search_fee_usd),
    ];
    let fees = fees.into_iter().filter(|(_, fee)| !fee.is_zero());
    rates.chain(fees.map(|(name, fee)| RateRow { name: name.to_owned(), rate: fee.into() })).collect()
}

/// `cache_write_5m` as `cache write 5m`.
fn words(class: &str) -> String {
    class.replace('_', " ")
}
