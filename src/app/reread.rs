//! What a running gateway reads again when it is asked to (SIGHUP): its certificate, and the objects that the configuration declares.
//! Owns which those are. Refuses settings with a fault as a whole, and says of every other setting that has changed that it waits.

use actix_web::web;
use tokio::signal::unix::Signal;

use super::warn_of_patterns;
use crate::config::{Config, Listed, RoutingConfig, Sources};
use crate::web::Gateway;
use crate::web::tls::Certificate;

/// Reads again with every signal.
pub(super) async fn whenever_asked(mut hangups: Signal, gateway: web::Data<Gateway>, sources: Sources) {
    while hangups.recv().await.is_some() {
        if let Some(certificate) = &gateway.certificate {
            renew(certificate);
        }
        match Config::load(&sources) {
            Ok(config) => take(&gateway, &config),
            Err(faults) => {
                for fault in faults.faults() {
                    log::error!(error:% = fault; "the settings have a fault: none was read again, the former ones stay in force");
                }
            }
        }
    }
}

fn renew(certificate: &Certificate) {
    match certificate.read_again() {
        Ok(()) => log::info!("the certificate was read again"),
        Err(error) => log::error!(error:%; "the certificate cannot be read again; the former one stays in use"),
    }
}

/// Takes what may change while calls go on. A call that has its route already keeps it.
fn take(gateway: &Gateway, config: &Config) {
    gateway.patterns.replace(&config.routing.patterns);
    let (in_force, waiting) = merged(&gateway.settings.load(), &config.listed);
    gateway.settings.store(in_force.into());
    log::info!("the settings were read again: {} is in force as it is there now", RoutingConfig::PATTERNS);
    if !waiting.is_empty() {
        log::warn!(settings = waiting.join(", "); "settings have changed that only the next start reads");
    }
    warn_of_patterns(gateway);
}

/// The settings in force after a reading, and the names of those that are not although they have changed.
fn merged(former: &[Listed], read: &[Listed]) -> (Vec<Listed>, Vec<&'static str>) {
    let mut waiting = Vec::new();
    let in_force = former.iter().zip(read).map(|(former, read)| {
        if read.key == RoutingConfig::PATTERNS {
            return read.clone();
        }
        if read != former {
            waiting.push(read.key);
        }
        former.clone()
    });
    (in_force.collect(), waiting)
}
