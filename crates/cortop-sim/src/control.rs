//! The control handle of a running service.

use std::time::Duration;

use super::{account::Login, scenario::Injection, shared::SharedService};
use cortop_protocol::HeadsetId;

/// A handle on a running service; cheap to clone, and never keeps the service running.
#[derive(Clone, Debug)]
pub struct Control(pub(super) SharedService);

impl Control {
    /// Injects a fault, immediately or as specified.
    pub fn inject(&self, injection: impl Into<Injection>) {
        self.0.update(|service, now| service.inject(injection.into(), now));
    }

    /// Advances service time if it is [stepped](crate::Options::stepped): everything that is due
    /// happens, and the samples of that time are sent, but no more than two seconds of them to a
    /// client that does not read meanwhile.
    pub fn advance(&self, time: Duration) {
        self.0.update(|service, _| service.env.clock.step(time.as_secs_f64()));
    }

    /// Somebody logs in or out with EMOTIV Launcher.
    pub fn log_in(&self, login: Login) {
        self.0.update(|service, now| service.log_in(login, now));
    }

    /// The user accepts the licence agreement, or has to accept it again.
    pub fn eula(&self, accepted: bool) {
        self.0.update(|service, _| service.account.set_eula(accepted, &mut service.env));
    }

    /// Sets the scopes of the licence (`eeg`, `pm`) and the number of sessions left on this
    /// computer.
    pub fn licence(&self, scopes: &[&str], quota: u32) {
        self.0.update(|service, _| {
            service.account.licence.scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
            service.account.licence.quota = quota;
        });
    }

    /// The simulated headsets.
    #[must_use]
    pub fn headsets(&self) -> Vec<HeadsetId> {
        self.0.with(|service, _| service.headsets.0.iter().map(|own| own.id.clone()).collect())
    }

    /// How many samples were dropped because a client did not read.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.with(|service, _| service.dropped)
    }

    /// Waits until at most this many connections are open.
    pub async fn disconnected(&self, left: usize) {
        let mut changes = self.0.changes();
        while self.connections() > left && changes.changed().await.is_ok() {}
    }

    /// The number of open connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.with(|service, _| service.connections)
    }
}
