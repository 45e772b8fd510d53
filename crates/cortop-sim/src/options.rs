//! What is simulated, and how long things take in the simulation.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use cortop_protocol::model::Model;

use super::{headset_config::HeadsetConfig, scenario::Injection, tls::Tls};

/// Options of a simulation.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Options {
    /// The headsets.
    pub headsets: Vec<HeadsetConfig>,
    /// A recording to play in place of the synthetic signal; it also determines the model.
    pub replay: Option<PathBuf>,
    /// The same seed gives the same signal and the same headset ids.
    pub seed: u64,
    /// The same seed gives the same ids of sessions, records and so on; if `None` they are new each
    /// time, like those of a real service after a restart.
    pub ids: Option<u64>,
    /// Whether headsets start connected, with metrics ready and a profile loaded.
    pub warm: bool,
    /// The client id that has loaded that profile; empty for EMOTIV Launcher.
    pub profile_app: String,
    /// Whether every application is approved without asking the user (§2.3).
    pub approved: bool,
    /// TLS, or plain WebSocket.
    pub tls: Option<Arc<Tls>>,
    /// The addresses to listen on; the first one must exist.
    pub bind: Vec<IpAddr>,
    /// Their port, or 0 for a free one.
    pub port: u16,
    /// Faults that happen automatically.
    pub scenario: Vec<Injection>,
    /// Whether clients may inject faults with `sim.fault`.
    pub control: bool,
    /// Scopes of the licence: `eeg`, `pm`, or none for a basic licence (§4.6).
    pub scopes: Vec<String>,
    /// Activations left on this computer; `debit` adds to them.
    pub quota: u32,
    /// How long things take.
    pub delays: Delays,
    /// Service seconds per second; delays, rates and time stamps scale accordingly.
    pub speed: f64,
    /// Whether service time stands still, except for [`Control::advance`](crate::Control::advance).
    pub stepped: bool,
    /// Called with the progress of reading a recording, if that takes long.
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
    /// From a headset's last sample to warnings 103, 0 and 1 (§2.12).
    pub silence: Duration,
    /// Changing a headset's settings (§3.2).
    pub update: Duration,
    /// From the end of a record until it can be exported (warning 30, §2.9).
    pub processing: Duration,
    /// A training (§3.7).
    pub training: Duration,
    /// From the disappearance of a client until its profile is unloaded (§1.5).
    pub linger: Duration,
}

impl Default for Delays {
    /// Those of the real service, as far as the reference gives them.
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
    /// The demo: `count` warm headsets of a model, and a licence for everything.
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
