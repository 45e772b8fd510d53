//! The client: owns the socket, walks the flow of §2, and survives everything.

use std::path::PathBuf;

use secrecy::SecretString;
use tokio::{sync::mpsc, task::JoinHandle};

use super::{Command, Event, HeadsetId, Stream, sample::FeedSender};

/// What the client needs to know before it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// `ws://` (loopback only) or `wss://`.
    pub url: String,
    /// A root certificate beside the operating system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// Skip certificate checks; loopback only.
    pub insecure: bool,
    /// The application's client id.
    pub client_id: SecretString,
    /// The application's client secret.
    pub client_secret: SecretString,
    /// The headset to take without asking.
    pub headset: Option<HeadsetId>,
    /// How sessions are opened.
    pub session: SessionPolicy,
    /// How many sessions `authorize` moves from the licence to this computer; sent only if told.
    pub debit: Option<u32>,
    /// The streams to subscribe.
    pub streams: Vec<Stream>,
}

/// How sessions are opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionPolicy {
    /// Activated when the licence has the scope and quota left, else open.
    #[default]
    Auto,
    /// Activated, or a refusal.
    Active,
    /// Open.
    Open,
}

/// The handle of a running client.
#[derive(Debug)]
pub struct Client {
    /// Bounded: a full queue means a client that is busy, and the key is refused aloud.
    pub commands: mpsc::Sender<Command>,
    /// What the client tells, bounded; closed when the client has ended.
    pub events: mpsc::Receiver<Event>,
    /// The task; joining it after [`Command::Quit`] waits for the goodbye.
    pub task: JoinHandle<()>,
}

impl Client {
    /// Starts the client's tasks on the current runtime. It connects by itself and reconnects
    /// until told to quit. Samples go to `feed`.
    #[must_use]
    pub fn spawn(config: Config, feed: FeedSender) -> Self {
        let _ = (config, feed);
        todo!()
    }
}
