//! The monitor without a terminal: client and decoder, joined by their queues. The program puts a
//! terminal before it, tests a screen in memory.

use std::sync::Arc;

use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use crate::{
    exchange::{LslService, OutsideMarker},
    metrics::Metrics,
};
use cortop_client::{Client, Command, Event, FeedSender};
use cortop_files::recorder::RecorderService;
use cortop_signal::{Snapshot, View, decoder, sink::SharedSinks};

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
    /// To LSL.
    pub lsl: LslService,
    /// To files.
    pub recorder: RecorderService,
    /// From other programs; `None` where they have not been let in.
    pub markers: Option<mpsc::Receiver<OutsideMarker>>,
    /// Past the client to the decoder and the sinks.
    pub feed: FeedSender,
    /// For Prometheus.
    pub metrics: Metrics,
}

impl Channels {
    /// Those of a client and a decoder that nobody else is joined to: neither LSL, files nor
    /// markers of other programs have anything to go through.
    #[must_use]
    pub fn alone(
        commands: mpsc::Sender<Command>,
        events: mpsc::Receiver<Event>,
        view: watch::Sender<View>,
        snapshots: watch::Receiver<Arc<Snapshot>>,
    ) -> Self {
        let lsl = LslService::new(SharedSinks::default());
        let recorder = RecorderService::new(SharedSinks::default());
        let (feed, _) = cortop_client::feed();
        let metrics = Metrics::new(snapshots.clone());
        Self { commands, events, view, snapshots, lsl, recorder, markers: None, feed, metrics }
    }
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
        let sinks = SharedSinks::default();
        let lsl = LslService::new(sinks.clone());
        let recorder = RecorderService::new(sinks.clone());
        let input = decoder::DecoderInput { queue: feed.queue, dropped: feed.dropped, sinks };
        let (snapshots, decoder) = decoder::spawn(input, viewed, limits);
        let Client { commands, events, task } = client(samples.clone());
        let metrics = Metrics::new(snapshots.clone());
        let channels = Channels {
            commands,
            events,
            view,
            snapshots,
            lsl,
            recorder,
            markers: None,
            feed: samples,
            metrics,
        };
        Self { channels, client: task, decoder }
    }

    /// Closes our sessions and ends both, within a second.
    pub async fn stop(self) {
        let Channels { commands, events, mut lsl, mut recorder, .. } = self.channels;
        lsl.stop();
        if let Err(error) = recorder.finish().await {
            tracing::error!("{error}");
        }
        Client { commands, events, task: self.client }.quit().await;
        self.decoder.abort();
    }
}
