//! Bindings: what ties a session to who opened it. Owns their names in settings.

use std::fmt;
use std::str::FromStr;

use super::call::names;

names!(
    /// What ties a session to who opened it.
    Binding {
        /// Nothing.
        Off = "off",
        /// The program: another User-Agent ends the session.
        UserAgent = "user_agent",
        /// The program and the network: from another network changes need the password again.
        Network = "network",
        /// The program and the address: another address ends the session.
        Exact = "exact",
    }
);
