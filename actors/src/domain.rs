//! The words of the field as types: money, usage, prices, budgets, windows, identities, time.
//! Owns their arithmetic and their text forms. Refuses input and output: nothing here reads a clock, a file or a socket
//! except [`clock::Clock`], which is the one door to time.

pub mod access;
pub mod audit;
pub mod binding;
pub mod budget;
pub mod caching;
pub mod call;
pub mod clock;
pub mod ids;
pub mod limits;
pub mod money;
pub mod name;
pub mod pattern;
pub mod permission;
pub mod price;
pub mod provider;
pub mod role;
pub mod secret;
pub mod shadow;
pub mod source;
pub mod strategy;
pub mod threshold;
pub mod tier;
pub mod usage;
pub mod window;

pub use access::{Allowed, Globs, Parameters};
pub use audit::{Author, Effect, Event};
pub use binding::Binding;
pub use budget::Budget;
pub use caching::ResponseCache;
pub use call::{CallStatus, Dialect, LineKind};
pub use clock::{Clock, Timestamp};
pub use ids::{
    AdjustmentId, AlertId, AuditId, BackupId, Callee, DeploymentId, GroupId, KeyId, PriceId, ProjectId, ProviderId,
    RequestId, RunId, Scope, SessionId, TokenId, UserId,
};
pub use limits::Limits;
pub use money::Money;
pub use pattern::{Destination, Pattern, PatternKind, Patterns};
pub use permission::Permission;
pub use price::{ContextTier, Price, PriceInForce, Rate};
pub use provider::{ProviderKind, Timeouts};
pub use role::Role;
pub use secret::{Sealed, Secret};
pub use shadow::{Mode, Rule, Shadowed};
pub use source::PriceSource;
pub use strategy::Strategy;
pub use threshold::Thresholds;
pub use tier::ServiceTier;
pub use usage::{EstimateReason, Provenance, Units, Usage};
pub use window::{Window, WindowKind};
