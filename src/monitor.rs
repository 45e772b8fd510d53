//! The monitor without a terminal: client and decoder, joined by their queues. The program puts a
//! terminal before it, tests a screen in memory.

use std::sync::Arc;

use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use cortop_client::{Client, Command, Event, FeedSender};
use cortop_signal::{Snapshot, View, decoder};

/// The ends of the queues to the client and the decoder.
#[derive(Debug)]
pub struct Channels {
    /// To the client, bounded.
    pub commands: mpsc::Sender<Command>,
    /// From the client; closed when it has ended.
    pub events: mpsc::Receiver<Event>,
    /// To the decoder: what is being looked at.
    pub view: watch::Sender<View>,
    /// From the decoder.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
}

/// A running client and decoder.
#[derive(Debug)]
pub struct Monitor {
    /// The ends of their queues, for the loop.
    pub channels: Channels,
    client: JoinHandle<()>,
    decoder: JoinHandle<()>,
}

impl Monitor {
    /// Starts both on the current runtime.
    #[must_use]
    pub fn start(config: cortop_client::ClientConfig, limits: decoder::Limits) -> Self {
        Self::around(|samples| Client::spawn(config, samples), limits)
    }

    /// The same without taking a headset unless a command says so.
    #[must_use]
    pub fn start_passive(config: cortop_client::ClientConfig, limits: decoder::Limits) -> Self {
        Self::around(|samples| Client::spawn_passive(config, samples), limits)
    }

    fn around(client: impl FnOnce(FeedSender) -> Client, limits: decoder::Limits) -> Self {
        let (samples, feed) = cortop_client::feed();
        let (view, viewed) = watch::channel(View::default());
        let input = decoder::DecoderInput { queue: feed.queue, dropped: feed.dropped };
        let (snapshots, decoder) = decoder::spawn(input, viewed, limits);
        let Client { commands, events, task } = client(samples);
        Self { channels: Channels { commands, events, view, snapshots }, client: task, decoder }
    }

    /// Closes our sessions and ends both, within a second.
    pub async fn stop(self) {
        let Channels { commands, events, .. } = self.channels;
        Client { commands, events, task: self.client }.quit().await;
        self.decoder.abort();
    }
}
