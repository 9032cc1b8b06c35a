//! The names of models: one model has many. Owns which parts of a name do not change its price: the date of a snapshot, and
//! whether its version is written with a dot. Refuses prefixes: `gpt-4o` is not `gpt-4o-audio`.

use farthing_actors::domain::ProviderKind;

/// The names to look a model up by, the exact one first.
pub(super) fn spellings(model: &str) -> impl Iterator<Item = String> {
    let undated = undated(model);
    let dashed = undated.map(|name| name.replace('.', "-")).or_else(|| Some(model.replace('.', "-")));
    [Some(model.to_owned()), undated.map(str::to_owned), dashed].into_iter().flatten()
}

/// The name without the date of a snapshot at its end: `-20250929` or `-2024-08-06`.
fn undated(model: &str) -> Option<&str> {
    let ends = |shape: &str| {
        let start = model.len().checked_sub(shape.len())?;
        let (name, end) = model.split_at_checked(start)?;
        let fits = |(byte, shape): (u8, u8)| if shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
        (!name.is_empty() && end.bytes().zip(shape.bytes()).all(fits)).then_some(name)
    };
    ends("-0000-00-00").or_else(|| ends("-00000000").filter(|_| is_day(model)))
}

/// Whether the last eight digits are a day of this century, and not just a number.
fn is_day(model: &str) -> bool {
    model.rsplit('-').next().is_some_and(|digits| digits.starts_with("20"))
}

/// The maker and the maker's name of a model that OpenRouter passes on at the maker's price.
pub(super) fn resold(kind: ProviderKind, model: &str) -> Option<(ProviderKind, &str)> {
    if kind != ProviderKind::Openrouter {
        return None;
    }
    let (maker, model) = model.split_once('/')?;
    let maker = match maker {
        "openai" => ProviderKind::Openai,
        "anthropic" => ProviderKind::Anthropic,
        "google" => ProviderKind::Gemini,
        "x-ai" => ProviderKind::Xai,
        // Open models have other prices at each who serves them.
        _ => return None,
    };
    Some((maker, model))
}
