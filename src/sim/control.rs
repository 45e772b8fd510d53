//! What can be made to go wrong while the service runs, and the handle that does it.

use super::{
    Login,
    noise::Noise,
    service::{Service, Shared},
};
use crate::cortex::{HeadsetId, Stream};

/// What goes wrong; the default is nothing. Changed through [`Control::faults`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    /// Share of `eeg` samples that are never sent, 0..1, always the same ones.
    pub lose: f64,
    /// So many of the next `eeg` samples are not sent; counts down.
    pub lose_next: u32,
    /// Share of `eeg` samples marked as filled in by Cortex, 0..1.
    pub interpolate: f64,
    /// Samples are measured but not sent: the socket stays open, answers come.
    pub stall: bool,
    /// Requests go unanswered (§7.1: the service hangs).
    pub hang: bool,
    /// Methods that are refused, the first that fits counts down.
    pub refuse: Vec<Refuse>,
}

/// A method refused for some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refuse {
    /// Which method.
    pub method: String,
    /// With which code (§6.1).
    pub code: i64,
    /// How many times still.
    pub times: u32,
}

impl Faults {
    /// Whether a sample is measured but never sent.
    pub(super) fn swallow(&mut self, stream: Stream, index: u64) -> bool {
        if stream != Stream::Eeg || self.stall {
            return self.stall;
        }
        if self.lose_next > 0 {
            self.lose_next -= 1;
            return true;
        }
        share(index, 1) < self.lose
    }

    /// Whether Cortex filled in this sample.
    pub(super) fn interpolates(&self, index: u64) -> bool {
        share(index, 2) < self.interpolate
    }
}

/// A number in 0..1 that spreads evenly over indices, another one for each purpose.
fn share(index: u64, purpose: u64) -> f64 {
    Noise::new(purpose).unit(index)
}

/// A handle on a running service; cheap to clone, and never keeps the service running.
#[derive(Clone, Debug)]
pub struct Control(pub(super) Shared);

impl Control {
    /// Changes what goes wrong.
    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        self.0.with(|service, _| change(&mut service.faults));
    }

    /// Drops all connections as a dying service does; new ones are accepted.
    pub fn drop_connections(&self) {
        self.0.with(|service, _| service.drops += 1);
    }

    /// Somebody logs in or out with EMOTIV Launcher.
    pub fn log_in(&self, login: Login) {
        self.0.with(|service, now| service.log_in(login, now));
    }

    /// The user accepts the licence agreement, or has to accept it again.
    pub fn eula(&self, accepted: bool) {
        self.0
            .with(|service, _| if accepted { service.accept_eula() } else { service.eula = false });
    }

    /// All tokens run out.
    pub fn expire_tokens(&self) {
        self.0.with(Service::expire_tokens);
    }

    /// Replaces the scopes of the licence (`eeg`, `pm`) and the sessions left on this computer.
    pub fn licence(&self, scopes: &[&str], quota: u32) {
        self.0.with(|service, _| {
            service.licence.scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
            service.licence.quota = quota;
        });
    }

    /// A headset goes out of reach: its samples stop, and after the silence of
    /// [`Delays`](super::Delays) come the warnings 103, 0 and 1 (§2.12).
    pub fn headset_gone(&self, id: &HeadsetId) {
        self.0.with(|service, now| service.headset_gone(id, now));
    }

    /// A headset comes back: streaming on if its sessions still live, discovered otherwise.
    pub fn headset_back(&self, id: &HeadsetId) {
        self.0.with(|service, now| service.headset_back(id, now));
    }

    /// The simulated headsets.
    #[must_use]
    pub fn headsets(&self) -> Vec<HeadsetId> {
        self.0.with(|service, _| service.headsets.iter().map(|own| own.id.clone()).collect())
    }

    /// Samples thrown away because a client did not read.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.with(|service, _| service.dropped)
    }

    /// Connections open now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.with(|service, _| service.connections)
    }
}
