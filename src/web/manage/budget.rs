//! A budget with what is left of it, as answers show it. Owns the shape; the figures are the ledger's.

use farthing_actors::domain::window::Zone;
use farthing_actors::domain::{Budget, Mode, Money, Thresholds, WindowKind};
use farthing_actors::ledger::hold::Balance;
use schemars::JsonSchema;
use serde::Serialize;

use super::rfc3339;

/// A budget and its balance. The figures are null in the moment in which the ledger has not heard of the budget.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BudgetView {
    limit_usd: Money,
    window: WindowKind,
    time_zone: Zone,
    warn_percent: Thresholds,
    /// Where it is not enforced.
    #[serde(skip_serializing_if = "Mode::is_enforced")]
    mode: Mode,
    /// The highest of them that was crossed in this window.
    warned_percent: Option<u8>,
    spent_usd: Option<Money>,
    held_usd: Option<Money>,
    remaining_usd: Option<Money>,
    window_start: Option<String>,
    window_end: Option<String>,
}

impl BudgetView {
    /// `budget` with its balance; `None` if there is no budget.
    pub fn new(budget: Option<&Budget>, balance: Option<&Balance>) -> Option<Self> {
        let budget = budget?;
        Some(Self {
            limit_usd: budget.limit_usd,
            window: budget.window,
            time_zone: budget.time_zone.clone(),
            warn_percent: budget.warn_percent.clone(),
            mode: budget.mode,
            warned_percent: balance.and_then(|balance| balance.warned),
            spent_usd: balance.map(|balance| balance.spent),
            held_usd: balance.map(|balance| balance.held),
            remaining_usd: balance.map(Balance::remaining),
            window_start: balance.and_then(|balance| balance.window_start).map(rfc3339),
            window_end: balance.and_then(|balance| balance.window_end).map(rfc3339),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farthing_actors::domain::Timestamp;
    use serde_json::json;

    #[test]
    fn the_shape_is_the_contracts() {
        let budget: Budget = serde_json::from_value(json!({"limit_usd": "25.00", "window": "day"})).unwrap();
        let balance = Balance {
            limit: "25".parse().unwrap(),
            spent: "1.5".parse().unwrap(),
            held: Money::ZERO,
            window_start: Some(Timestamp(0)),
            window_end: Some(Timestamp(86_400_000)),
            warned: Some(80),
        };
        let view = serde_json::to_value(BudgetView::new(Some(&budget), Some(&balance))).unwrap();
        let expected = json!({
            "limit_usd": "25.00", "window": "day", "time_zone": "UTC", "warn_percent": [80, 95, 100],
            "warned_percent": 80, "spent_usd": "1.50", "held_usd": "0",
            "remaining_usd": "23.50", "window_start": "1970-01-01T00:00:00.000Z",
            "window_end": "1970-01-02T00:00:00.000Z",
        });
        assert_eq!(view, expected);
        assert!(BudgetView::new(None, Some(&balance)).is_none());
    }
}
