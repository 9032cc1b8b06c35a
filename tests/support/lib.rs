//! What black-box tests stand on: a scripted upstream that journals what it sees, the built gateway as a process, and a
//! plain HTTP client. Owns the checks that must hold at rest. Refuses knowledge of the gateway's inside: it sees what
//! any application, operator or provider sees.
#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test that cannot go on must stop loudly; the gateway's doors to time and locks are not for its tests"
)]

pub mod dialect;
pub mod gateway;
pub mod http;
pub mod money;
pub mod poll;
pub mod reply;
pub mod scene;
pub mod traffic;
pub mod upstream;

pub use dialect::Dialect;
pub use gateway::{Builder, Key, TestGateway};
pub use http::{Answer, Client, Exchange};
pub use money::Picos;
pub use reply::{Gate, Reply, Tokens};
pub use scene::Scene;
pub use upstream::{Seen, Upstream};
