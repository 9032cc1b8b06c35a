//! Accounts: registers the providers that the environment knows and nobody has registered yet.
//! Refuses to change one that is there: its key and address are an operator's, who may have chosen others.

use farthing_actors::domain::{ProviderKind, Timeouts};

use crate::admin::Admin;
use crate::admin::providers::ProviderDraft;
use crate::config::Account;
use crate::logging;

/// Registers each account under its kind's name. One that cannot be is reported and left out: the others serve.
pub(super) async fn register(admin: &Admin, accounts: &[Account]) {
    for account in accounts {
        let name = account.kind.name();
        if admin.find_provider(name).is_some() {
            continue;
        }
        match admin.create_provider(draft(account), &admin.system()).await {
            Ok(_) => {
                log::info!((logging::PROVIDER) = name, variable = account.variable; "provider registered from the environment")
            }
            Err(error) => {
                log::warn!((logging::PROVIDER) = name, variable = account.variable, error:%; "provider not registered");
            }
        }
    }
}

fn draft(account: &Account) -> ProviderDraft {
    ProviderDraft {
        name: account.kind.name().to_owned(),
        kind: account.kind,
        base_url: account.base_url.clone(),
        api_key: account.api_key.clone(),
        // Whoever names a host of their own network in this variable means it.
        allow_private_network: account.kind == ProviderKind::Ollama,
        enabled: true,
        timeouts: Timeouts::default(),
    }
}
