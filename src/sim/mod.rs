//! A simulated Cortex service on a loopback port, faithful in what the protocol reference states:
//! for the demo, for tests, and for whoever has no headset. Knows cortex objects only.
//!
//! ```text
//! server    sockets: one task and one timer a connection        knows service
//!  └─ dispatch   request text → method table → answer text
//!      └─ service    the state machine; its methods by area:
//!          account token licence · headsets settings mappings · sessions streams · records
//!          markers query export subjects · profiles training bci
//!              └─ source    what a headset measures: synth or replay, pure functions of an index
//! ```

mod account;
mod bci;
mod clock;
mod control;
mod detection;
mod dispatch;
mod export;
mod headsets;
mod licence;
mod mappings;
mod markers;
mod methods;
pub mod model;
mod noise;
mod profile;
mod profiles;
mod query;
mod record;
mod records;
mod refusal;
pub mod replay;
pub mod row;
mod server;
mod service;
mod sessions;
mod settings;
pub mod source;
mod streams;
mod subjects;
pub mod synth;
#[cfg(test)]
mod tests;
mod token;
mod training;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use color_eyre::{Result, eyre::eyre};
use tokio::{net::TcpListener, task::JoinHandle};

pub use self::{
    account::Login,
    control::{Control, Faults, Refuse},
};
use self::{
    clock::Clock,
    headsets::Device,
    licence::Licence,
    model::Spec,
    replay::Recording,
    service::{Service, Shared},
    synth::Synth,
};
use crate::cortex::{HeadsetId, model::Model};

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Options {
    /// One headset each.
    pub headsets: Vec<Model>,
    /// A recording to feed instead of the synthetic signal; it also decides the model.
    pub replay: Option<PathBuf>,
    /// The same seed gives the same signal.
    pub seed: u64,
    /// Headsets connected, metrics ready, a profile loaded, application approved.
    pub warm: bool,
    /// TLS, or plain WebSocket.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// The port of 127.0.0.1, or 0 for a free one.
    pub port: u16,
    /// Scopes of the licence: `eeg`, `pm`, or none for a basic one (§4.6).
    pub scopes: Vec<String>,
    /// Activations left on this computer; `debit` adds to them.
    pub quota: u32,
    /// How long things take.
    pub delays: Delays,
    /// Service seconds that pass in a second; delays, rates and time stamps all follow.
    pub speed: f64,
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
    /// From there until a session can be created (-32152 before, §2.6).
    pub settle: Duration,
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
    /// As the reference tells them of the real service.
    fn default() -> Self {
        Self {
            approval: Some(Duration::from_secs(3)),
            scan: Duration::from_secs(20),
            connect: Duration::from_secs(2),
            settle: Duration::from_millis(1500),
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
            headsets: vec![model; count],
            replay: None,
            seed,
            warm: true,
            tls: None,
            port: 0,
            scopes: vec!["eeg".to_owned(), "pm".to_owned()],
            quota: 1000,
            delays: Delays::default(),
            speed: 1.0,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::demo(Model::EpocX, 1, 0)
    }
}

/// A running simulator.
#[derive(Debug)]
pub struct Sim {
    /// Where it listens.
    pub address: SocketAddr,
    /// Sentences about what of a recording could not be read or was left out.
    pub notes: Vec<String>,
    /// The accepting task; aborting it ends the service and every connection.
    pub task: JoinHandle<()>,
    tls: bool,
    shared: Shared,
}

impl Sim {
    /// Starts on a port of 127.0.0.1, on the current runtime.
    ///
    /// # Errors
    /// The recording cannot be read, the model cannot be simulated, or no port can be had; the
    /// text names the file, the place in it and the next step.
    pub async fn start(options: Options) -> Result<Self> {
        let (service, notes) = service(&options)?;
        let port = options.port;
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| {
            eyre!("the simulator cannot listen on 127.0.0.1:{port}: {error}; choose another port")
        })?;
        let address = listener.local_addr()?;
        let shared = Shared::new(service);
        let tls = options.tls.is_some();
        let task = tokio::spawn(server::serve(listener, options.tls, shared.clone()));
        Ok(Self { address, notes, task, tls, shared })
    }

    /// The URL to connect to.
    #[must_use]
    pub fn url(&self) -> String {
        let (scheme, host) = if self.tls { ("wss", "localhost") } else { ("ws", "127.0.0.1") };
        format!("{scheme}://{host}:{}", self.address.port())
    }

    /// A handle that makes things go wrong while the service runs.
    #[must_use]
    pub fn control(&self) -> Control {
        Control(self.shared.clone())
    }
}

/// The service before its first client, and what there is to say about a recording.
fn service(options: &Options) -> Result<(Service, Vec<String>)> {
    let (headsets, notes) = headsets(options)?;
    let licence = Licence::new(&options.scopes, options.quota);
    let clock = Clock::start(options.speed);
    Ok((Service::new(clock, options.delays, licence, headsets, options.warm), notes))
}

/// The headsets, and what there is to say about a recording.
fn headsets(options: &Options) -> Result<(Vec<Device>, Vec<String>)> {
    let mut notes = Vec::new();
    let recording = options.replay.as_deref().map(Recording::read).transpose()?.map(Arc::new);
    let mut devices = Vec::with_capacity(options.headsets.len());
    for (place, &model) in (0..).zip(&options.headsets) {
        let seed = options.seed.wrapping_add(place);
        let made_up = |spec: &Spec| HeadsetId::from(format!("{}-{}", spec.prefix, serial(seed)));
        devices.push(if let Some(recording) = &recording {
            notes.clone_from(&recording.notes);
            let own = recording.id.clone().filter(|_| place == 0);
            let id = own.unwrap_or_else(|| made_up(&recording.spec));
            Device::new(id, recording.spec.clone(), recording.clone(), options.warm)
        } else {
            let spec = Spec::of(model).ok_or_else(|| {
                eyre!(
                    "too little is known of the {} to simulate it; choose another model",
                    model.name()
                )
            })?;
            let source = Arc::new(Synth::new(spec.clone(), seed));
            Device::new(made_up(&spec), spec, source, options.warm)
        });
    }
    Ok((devices, notes))
}

/// Eight hex digits as in a headset's id.
fn serial(seed: u64) -> String {
    let (digits, _) = noise::slot(noise::Noise::new(seed).unit(0) * f64::from(u32::MAX));
    format!("{digits:08X}")
}
