//! The monitor without a terminal: client and decoder, joined by their queues. The program puts a
//! terminal before it, tests a screen in memory.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};

use cortop_client::{Client, Command, Event, FeedSender};
use cortop_signal::{Snapshot, View, decoder};

/// Quitting waits no longer than this for the service to hear our goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

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
    pub fn start(config: cortop_client::Config, limits: decoder::Limits) -> Self {
        Self::around(|samples| Client::spawn(config, samples), limits)
    }

    /// The same for looking around: no headset is taken unless a command says so.
    #[must_use]
    pub fn look(config: cortop_client::Config, limits: decoder::Limits) -> Self {
        Self::around(|samples| Client::look(config, samples), limits)
    }

    fn around(client: impl FnOnce(FeedSender) -> Client, limits: decoder::Limits) -> Self {
        let (samples, feed) = cortop_client::feed();
        let (view, viewed) = watch::channel(View::default());
        let input = decoder::Input { queue: feed.queue, dropped: feed.dropped };
        let (snapshots, decoder) = decoder::spawn(input, viewed, limits);
        let Client { commands, events, task } = client(samples);
        Self { channels: Channels { commands, events, view, snapshots }, client: task, decoder }
    }

    /// Closes our sessions and ends both, within a second.
    pub async fn stop(self) {
        let Channels { commands, events, .. } = self.channels;
        stop(Client { commands, events, task: self.client }).await;
        self.decoder.abort();
    }
}

/// Closes the sessions of a client and ends it, within a second.
pub async fn stop(client: Client) {
    let Client { commands, mut events, task } = client;
    let goodbye = async {
        // A client that has ended already has nothing to close.
        if commands.send(Command::Quit).await.is_ok() {
            // A full queue would keep the client from its goodbye.
            while events.recv().await.is_some() {}
        }
    };
    if timeout(GOODBYE, goodbye).await.is_err() {
        tracing::warn!("the service did not answer our goodbye in time");
    }
    task.abort();
}
