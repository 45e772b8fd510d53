//! What is simulated, and how long things take in it.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use cortop_protocol::model::Model;

use super::{headset_config::HeadsetConfig, scenario::Injection, tls::Tls};

/// What is simulated.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Options {
    /// The headsets.
    pub headsets: Vec<HeadsetConfig>,
    /// A recording to feed instead of the synthetic signal; it also decides the model.
    pub replay: Option<PathBuf>,
    /// The same seed gives the same signal and the same ids of headsets.
    pub seed: u64,
    /// The same seed gives the same ids of sessions, records and the like; without one they are new
    /// each time, as those of a real service are after a restart.
    pub ids: Option<u64>,
    /// Headsets connected, metrics ready, a profile loaded.
    pub warm: bool,
    /// The client id that has loaded that profile; empty for EMOTIV Launcher.
    pub profile_app: String,
    /// Every application is approved without asking the user (§2.3).
    pub approved: bool,
    /// TLS, or plain WebSocket.
    pub tls: Option<Arc<Tls>>,
    /// The addresses to listen on, the first of which must be there.
    pub bind: Vec<IpAddr>,
    /// Their port, or 0 for a free one.
    pub port: u16,
    /// What goes wrong by itself.
    pub scenario: Vec<Injection>,
    /// Whether clients may have things go wrong with `sim.fault`.
    pub control: bool,
    /// Scopes of the licence: `eeg`, `pm`, or none for a basic one (§4.6).
    pub scopes: Vec<String>,
    /// Activations left on this computer; `debit` adds to them.
    pub quota: u32,
    /// How long things take.
    pub delays: Delays,
    /// Service seconds that pass in a second; delays, rates and time stamps all follow.
    pub speed: f64,
    /// Service time stands still, but for [`Control::advance`](crate::Control::advance).
    pub stepped: bool,
    /// Told how far a recording is read, if that takes long.
    pub report: fn(&str),
}

/// How long things take, in service time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delays {
    /// From `requestAccess` to the user's approval; `None`: the user never answers.
    pub approval: Option<Duration>,
    /// A scan for headsets (§2.5).
    pub scan: Duration,
    /// Connecting a headset (§2.6).
    pub connect: Duration,
    /// From there until the first performance metrics (§5.7).
    pub metrics: Duration,
    /// From a headset's last sample to the warnings 103, 0 and 1 (§2.12).
    pub silence: Duration,
    /// Changing a headset's settings (§3.2).
    pub update: Duration,
    /// From the end of a record to its export (warning 30, §2.9).
    pub processing: Duration,
    /// A training (§3.7).
    pub training: Duration,
    /// From the death of a client to the unloading of its profile (§1.5).
    pub linger: Duration,
}

impl Default for Delays {
    /// Those of the real service, as far as the reference has them.
    fn default() -> Self {
        Self {
            approval: Some(Duration::from_secs(3)),
            scan: Duration::from_secs(20),
            connect: Duration::from_secs(2),
            metrics: Duration::from_secs(40),
            silence: Duration::from_secs(30),
            update: Duration::from_secs(3),
            processing: Duration::from_secs(1),
            training: Duration::from_secs(8),
            linger: Duration::from_secs(5),
        }
    }
}

impl Options {
    /// What the demo shows: `count` warm headsets of a model, and a licence for everything.
    #[must_use]
    pub fn demo(model: Model, count: usize, seed: u64) -> Self {
        Self {
            headsets: vec![model.into(); count],
            replay: None,
            seed,
            ids: None,
            warm: true,
            profile_app: String::new(),
            approved: true,
            tls: None,
            bind: vec![Ipv4Addr::LOCALHOST.into()],
            port: 0,
            scenario: Vec::new(),
            control: false,
            scopes: vec!["eeg".to_owned(), "pm".to_owned()],
            quota: 1000,
            delays: Delays::default(),
            speed: 1.0,
            stepped: false,
            report: |_| (),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::demo(Model::EpocX, 1, 0)
    }
}
