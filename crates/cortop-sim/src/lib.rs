//! A simulated Cortex service on a loopback port, faithful to the protocol reference: for the demo,
//! for tests, and for users without a headset. Depends on `cortop-protocol`, the spectra of
//! `cortop-signal`, and the readers and writers of `cortop-files`.
//!
//! A test starts a [`Sim`], injects faults and lets time pass with its [`Control`], and then asks
//! the [`Journal`] what the client did:
//!
//! ```
//! use std::time::Duration;
//!
//! use cortop_sim::{Fault, Options, Sim, journal::Mistake};
//! # use futures_util::{SinkExt as _, StreamExt as _};
//! # use serde_json::{Value, json};
//! # use tokio_tungstenite::tungstenite::Message;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> color_eyre::Result<()> {
//! // Service time advances only when the test says so.
//! let sim = Sim::start(Options { stepped: true, ..Options::default() }).await?;
//! let control = sim.control();
//! # let (mut socket, _) = tokio_tungstenite::connect_async(sim.url()).await?;
//! # let mut next = 0;
//! # let mut ask = async |method: &str, params: Value| -> color_eyre::Result<Value> {
//! #     next += 1;
//! #     let request = json!({ "id": next, "jsonrpc": "2.0", "method": method, "params": params });
//! #     socket.send(Message::text(request.to_string())).await?;
//! #     let answer = socket.next().await.ok_or_else(|| color_eyre::eyre::eyre!("gone"))??;
//! #     Ok(serde_json::from_str::<Value>(answer.to_text()?)?["result"].clone())
//! # };
//!
//! // Your client connects to sim.url(); here `ask` sends a request and reads the answer.
//! let token = ask("authorize", json!({ "clientId": "any", "clientSecret": "any" })).await?;
//! let token = &token["cortexToken"];
//! control.inject(Fault::ExhaustLicence {});
//! ask("createSession", json!({ "cortexToken": token, "status": "active" })).await?;
//!
//! let journal = sim.journal();
//! assert_eq!(journal.calls(), ["authorize", "createSession"]);
//! assert_eq!(journal.clients()[0].refused, 1);
//!
//! // Two days later its token has expired, but the client goes on using it.
//! control.advance(Duration::from_secs(49 * 3600));
//! ask("querySessions", json!({ "cortexToken": token })).await?;
//! ask("querySessions", json!({ "cortexToken": token })).await?;
//! assert!(journal.advice().iter().any(|advice| advice.mistake == Mistake::TokenExpired));
//! sim.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! ```text
//! server       sockets: one task and one timer per connection
//!  └─ dispatch    request text → operation → answer text, and the faults that affect answers
//!      └─ methods    the table of operations: parameters, and the areas that each needs
//!          └─ service    the areas, and what involves several: time, faults, clients that leave
//!              ├─ account      user, applications, tokens, licence
//!              ├─ headsets     their state, settings and Flex mappings
//!              ├─ sessions     streams, training
//!              ├─ records      recording, queries, export, subjects
//!              ├─ profiles     stored and loaded profiles, what they have learnt (bci)
//!              └─ environment  clock, ids, scheduled events, messages to clients
//! source       what a headset measures: synth or replay, pure functions of an index
//! fault → scenario → fault_injector   what can go wrong, when, and for whom
//! journal      what clients did, and advice
//! ```
//!
//! Each area owns its state. A method gets its area, the call, and any other areas that it reads or
//! changes; only `service` knows them all.

mod account;
mod api_error;
pub mod assumptions;
mod backlog;
mod bci;
mod call;
mod clock;
mod control;
mod corrupt;
mod detection;
mod dispatch;
mod environment;
mod export;
pub mod fault;
mod fault_injector;
mod headset;
pub mod headset_config;
mod headsets;
mod ids;
pub mod journal;
mod licence;
mod listener;
mod mappings;
mod methods;
pub mod model;
mod noise;
mod options;
mod outgoing;
mod profile;
mod profiles;
mod query;
mod record;
mod recording;
mod records;
pub mod replay;
pub mod sample_writer;
pub mod scenario;
mod server;
mod service;
mod sessions;
mod settings;
mod shared;
pub mod source;
mod streams;
mod subjects;
pub mod synth;
#[cfg(test)]
mod tests;
pub mod tls;
mod token;
mod toml_file;
mod training;
pub mod values;

use std::{net::SocketAddr, sync::Arc};

use color_eyre::{Result, eyre::eyre};
use cortop_protocol::HeadsetId;
use tokio::task::{JoinHandle, spawn_blocking};

use self::{
    account::Account, clock::Clock, environment::Environment, headset::SimulatedHeadset,
    headsets::Headsets, ids::Ids, licence::LicenceState, model::Spec, profile::ActiveProfile,
    replay::Recording, service::Service, shared::SharedService, synth::Synth,
};
pub use self::{
    account::Login,
    backlog::Backlog,
    control::Control,
    fault::Fault,
    journal::Journal,
    listener::Listener,
    options::{Delays, Options},
    scenario::Injection,
};

/// A running simulator.
#[derive(Debug)]
pub struct Sim {
    /// The address on which it listens.
    pub address: SocketAddr,
    /// Sentences about parts of a recording that could not be read or were left out.
    pub notes: Vec<String>,
    /// The task that accepts connections; aborting it ends the service and every connection.
    pub task: JoinHandle<()>,
    tls: bool,
    shared: SharedService,
}

impl Sim {
    /// Starts the simulator on the current runtime.
    ///
    /// # Errors
    /// The recording cannot be read, the model cannot be simulated, or no port is available; the
    /// text names the file, the position in it and the next step.
    pub async fn start(options: Options) -> Result<Self> {
        // Reading may take long, or forever if the file is a pipe without a writer.
        let recording = match options.replay.clone() {
            Some(file) => {
                let report = options.report;
                Some(spawn_blocking(move || Recording::read(&file, report)).await??)
            }
            None => None,
        };
        let (service, notes) = service(&options, recording)?;
        let listener = Listener::bind("the simulator", &options.bind, options.port)?;
        let address = listener.address();
        let shared = SharedService::new(service);
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

    /// Stops it: every client gets a close frame.
    pub async fn stop(self) {
        self.shared.end();
        // An aborted task has ended as well.
        let _ = self.task.await;
    }

    /// The journal of what clients do, including what they have done so far.
    #[must_use]
    pub fn journal(&self) -> Journal {
        self.shared.journal.clone()
    }

    /// A handle that injects faults and controls time while the service is running.
    #[must_use]
    pub fn control(&self) -> Control {
        Control(self.shared.clone())
    }
}

/// The service before its first client, and the notes about a recording.
fn service(options: &Options, recording: Option<Recording>) -> Result<(Service, Vec<String>)> {
    let (headsets, notes) = headsets(options, recording.map(Arc::new).as_ref())?;
    let licence = LicenceState::new(&options.scopes, options.quota);
    let clock = Clock::start(options.speed, options.stepped);
    let ids = Ids::new(options.ids.unwrap_or_else(rand::random));
    let env = Environment::new(clock, options.delays, ids);
    let account = Account::new(licence, options.approved);
    let mut service = Service::new(env, account, Headsets(headsets));
    service.profiles.0.extend(warm_profile(options).map(|loaded| loaded.profile));
    service.faults.allowed = options.control;
    for injection in &options.scenario {
        injection.check(service.headsets.0.iter().map(|own| &own.id)).map_err(|why| {
            eyre!("{why}; fix the scenario, or have the headset made with --headset MODEL:ID")
        })?;
        service.inject(injection.clone(), 0.0);
    }
    Ok((service, notes))
}

/// The profile loaded on warm headsets.
fn warm_profile(options: &Options) -> Option<ActiveProfile> {
    options.warm.then(|| ActiveProfile::demo(&options.profile_app))
}

/// The headsets, and the notes about a recording.
fn headsets(
    options: &Options,
    recording: Option<&Arc<Recording>>,
) -> Result<(Vec<SimulatedHeadset>, Vec<String>)> {
    let mut notes = Vec::new();
    let mut devices = Vec::with_capacity(options.headsets.len());
    for (place, wanted) in (0..).zip(&options.headsets) {
        let seed = options.seed.wrapping_add(place);
        let made_up =
            |spec: &Spec| HeadsetId::from(format!("{}-{}", spec.model.prefix(), serial(seed)));
        devices.push(if let Some(recording) = recording {
            notes.clone_from(&recording.notes);
            let own = recording.id.clone().filter(|_| place == 0);
            let id = own.unwrap_or_else(|| made_up(&recording.spec));
            SimulatedHeadset::new(
                id,
                recording.spec.clone(),
                recording.clone(),
                warm_profile(options),
            )
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
            SimulatedHeadset::new(id, spec, source, warm_profile(options))
        });
        if let (Some(device), Some(state)) = (devices.last_mut(), wanted.state) {
            device.start_as(state);
        }
    }
    Ok((devices, notes))
}

/// Eight hex digits as in a headset's id.
fn serial(seed: u64) -> String {
    let (digits, _) = noise::slot(noise::Noise::new(seed).unit(0) * f64::from(u32::MAX));
    format!("{digits:08X}")
}
