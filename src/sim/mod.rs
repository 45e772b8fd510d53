//! A simulated Cortex service on a loopback port, faithful in what the protocol reference states:
//! for the demo, for tests, and for whoever has no headset. Knows cortex objects only.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use tokio::task::JoinHandle;

use crate::cortex::model::Model;

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Options {
    /// One headset each.
    pub headsets: Vec<Model>,
    /// A recording to feed instead of the synthetic signal.
    pub replay: Option<PathBuf>,
    /// The same seed gives the same signal.
    pub seed: u64,
    /// Headsets connected, metrics ready, a profile loaded, application approved.
    pub warm: bool,
    /// TLS, or plain WebSocket.
    pub tls: Option<Arc<rustls::ServerConfig>>,
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
}

impl Sim {
    /// Starts on a free port of 127.0.0.1, on the current runtime.
    ///
    /// # Errors
    /// The recording cannot be read, or no port can be had; the text names the file, the place in
    /// it and the next step.
    pub async fn start(options: Options) -> color_eyre::Result<Self> {
        let _ = options;
        todo!()
    }

    /// The URL to connect to.
    #[must_use]
    pub fn url(&self) -> String {
        todo!()
    }
}
