//! The ledger: money set aside, money spent, and the journal that remembers both.

pub mod entry;
pub mod hold;
pub mod journal;
