//! A simulated Cortex service on a loopback port, faithful in what the protocol reference states:
//! for the demo, for tests, and for whoever has no headset. Knows `cortop-protocol`, and the spectra
//! of `cortop-signal`.
//!
//! ```text
//! server    sockets: one task and one timer a connection        knows service
//!  └─ dispatch   request text → method table → answer text
//!      └─ service    the state machine; its methods by area:
//!          account token licence · headsets settings mappings · sessions streams · records
//!          markers query export subjects · profiles training bci
//!              └─ source    what a headset measures: synth or replay, pure functions of an index
//! fault → scenario → trouble   what can go wrong, when and to whom, and the doing of it
//! ```

mod account;
pub mod assumptions;
mod bci;
mod clock;
mod control;
mod corrupt;
mod detection;
mod dispatch;
mod export;
pub mod fault;
mod faults;
pub mod headset_config;
mod headsets;
mod ids;
mod licence;
mod mappings;
mod markers;
mod methods;
pub mod model;
mod noise;
mod outgoing;
mod profile;
mod profiles;
mod query;
mod record;
mod records;
mod refusal;
pub mod replay;
pub mod sample_writer;
pub mod scenario;
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
pub mod tls;
mod token;
mod training;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use color_eyre::{Result, eyre::eyre};
use tokio::{
    net::TcpListener,
    task::{JoinHandle, spawn_blocking},
};

pub use self::{account::Login, control::Control, fault::Fault, scenario::Injection};
use self::{
    clock::Clock,
    headset_config::HeadsetConfig,
    headsets::SimulatedHeadset,
    ids::Ids,
    licence::LicenceState,
    model::Spec,
    profile::LoadedProfile,
    replay::Recording,
    service::{Service, SharedService},
    synth::Synth,
    tls::Tls,
};
use cortop_protocol::{HeadsetId, model::Model};

/// What is simulated.
#[derive(Clone, Debug)]
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
    /// As the reference tells them of the real service.
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
    shared: SharedService,
}

impl Sim {
    /// Starts on the current runtime.
    ///
    /// # Errors
    /// The recording cannot be read, the model cannot be simulated, or no port can be had; the
    /// text names the file, the place in it and the next step.
    pub async fn start(options: Options) -> Result<Self> {
        // A file may take long, or for ever: a pipe without a writer.
        let recording = match options.replay.clone() {
            Some(file) => Some(spawn_blocking(move || Recording::read(&file)).await??),
            None => None,
        };
        let (service, notes) = service(&options, recording)?;
        let listeners = listen(&options.bind, options.port).await?;
        let address = listeners.first().ok_or_else(|| eyre!("no address to listen on"))?;
        let address = address.local_addr()?;
        let shared = SharedService::new(service);
        let tls = options.tls.is_some();
        let task = tokio::spawn(server::serve(listeners, options.tls, shared.clone()));
        Ok(Self { address, notes, task, tls, shared })
    }

    /// The URL to connect to.
    #[must_use]
    pub fn url(&self) -> String {
        let (scheme, host) = if self.tls { ("wss", "localhost") } else { ("ws", "127.0.0.1") };
        format!("{scheme}://{host}:{}", self.address.port())
    }

    /// Ends it: every client gets a close frame.
    pub async fn stop(self) {
        self.shared.end();
        // An aborted task has ended as well.
        let _ = self.task.await;
    }

    /// A handle that makes things go wrong while the service runs.
    #[must_use]
    pub fn control(&self) -> Control {
        Control(self.shared.clone())
    }
}

/// The service before its first client, and what there is to say about a recording.
fn service(options: &Options, recording: Option<Recording>) -> Result<(Service, Vec<String>)> {
    let (headsets, notes) = headsets(options, recording.map(Arc::new).as_ref())?;
    let licence = LicenceState::new(&options.scopes, options.quota);
    let clock = Clock::start(options.speed);
    let ids = Ids::new(options.ids.unwrap_or_else(rand::random));
    let mut service = Service::new(clock, options.delays, licence, headsets, options.approved, ids);
    service.profiles.extend(options.warm.then(|| LoadedProfile::demo().profile));
    service.trouble.allowed = options.control;
    for order in &options.scenario {
        service.order(order.clone(), 0.0);
    }
    Ok((service, notes))
}

/// The headsets, and what there is to say about a recording.
fn headsets(
    options: &Options,
    recording: Option<&Arc<Recording>>,
) -> Result<(Vec<SimulatedHeadset>, Vec<String>)> {
    let mut notes = Vec::new();
    let mut devices = Vec::with_capacity(options.headsets.len());
    for (place, wanted) in (0..).zip(&options.headsets) {
        let seed = options.seed.wrapping_add(place);
        let made_up = |spec: &Spec| HeadsetId::from(format!("{}-{}", spec.prefix, serial(seed)));
        devices.push(if let Some(recording) = recording {
            notes.clone_from(&recording.notes);
            let own = recording.id.clone().filter(|_| place == 0);
            let id = own.unwrap_or_else(|| made_up(&recording.spec));
            SimulatedHeadset::new(id, recording.spec.clone(), recording.clone(), options.warm)
        } else {
            let mut spec = Spec::of(wanted.model).ok_or_else(|| {
                eyre!(
                    "too little is known of the {} to simulate it; choose another model",
                    wanted.model.name()
                )
            })?;
            spec.eeg_rate = wanted.eeg_rate.unwrap_or(spec.eeg_rate);
            let source = Arc::new(Synth::new(spec.clone(), seed));
            let id = wanted.id.clone().unwrap_or_else(|| made_up(&spec));
            SimulatedHeadset::new(id, spec, source, options.warm)
        });
        if let (Some(device), Some(state)) = (devices.last_mut(), wanted.state) {
            device.start_as(state);
        }
    }
    Ok((devices, notes))
}

/// Listens on all the addresses, on one port. An address that this machine does not have is left
/// out, unless it is the first.
async fn listen(addresses: &[IpAddr], port: u16) -> Result<Vec<TcpListener>> {
    /// A port that is free on one address may be taken on another.
    const TRIES: u32 = 16;
    let mut tries = if port == 0 { TRIES } else { 1 };
    'again: loop {
        tries -= 1;
        let mut listeners = Vec::new();
        let mut chosen = port;
        for &address in addresses {
            let place = SocketAddr::new(address, chosen);
            match TcpListener::bind(place).await {
                Ok(listener) => {
                    chosen = listener.local_addr()?.port();
                    listeners.push(listener);
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries > 0 => {
                    continue 'again;
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    return Err(eyre!(
                        "port {chosen} of {address} is in use, perhaps by the Cortex service or by \
                         another simulator: end it, or choose another port with --port (0 takes a \
                         free one)"
                    ));
                }
                Err(error) if listeners.is_empty() => {
                    return Err(eyre!(
                        "the simulator cannot listen on {place}: {error}; choose another address \
                         or port"
                    ));
                }
                Err(error) => tracing::debug!("cannot listen on {place}, going without: {error}"),
            }
        }
        return Ok(listeners);
    }
}

/// Eight hex digits as in a headset's id.
fn serial(seed: u64) -> String {
    let (digits, _) = noise::slot(noise::Noise::new(seed).unit(0) * f64::from(u32::MAX));
    format!("{digits:08X}")
}
