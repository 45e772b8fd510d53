//! The monitor without a terminal: client and decoder, connected by their queues. The program adds a
//! terminal, tests add a screen in memory.

use std::{path::Path, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    capture::CaptureService,
    console::{DISK_HANGS, print_error, wait_for_disk},
    exchange::{LslService, MarkerReceiver},
    metrics::Metrics,
    playback::Player,
    station::StationService,
};
use cortop_client::{Client, Command, Event, FeedSender, tap::Tap};
use cortop_files::{recorder::RecorderService, recording::OpenError};
use cortop_signal::{Snapshot, View, decoder, sink::SharedSinks};

/// How long a station may take to say goodbye to its broker.
const GOODBYE: Duration = Duration::from_secs(1);

/// The ends of the queues to the client and the decoder, and the services beside them.
#[derive(Debug)]
pub struct Channels {
    /// Commands to the client, bounded.
    pub commands: mpsc::Sender<Command>,
    /// Events from the client; closed when it has ended.
    pub events: mpsc::Receiver<Event>,
    /// The view that the decoder computes.
    pub view: watch::Sender<View>,
    /// Snapshots from the decoder.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Serves streams over LSL.
    pub lsl: LslService,
    /// Records to files.
    pub recorder: RecorderService,
    /// Markers from other programs; `None` without sources.
    pub markers: Option<MarkerReceiver>,
    /// Feeds the decoder and the sinks directly, past the client.
    pub feed: FeedSender,
    /// Metrics for Prometheus.
    pub metrics: Metrics,
    /// Publishes to a broker, for a lab on another computer; `None` if nothing is published.
    pub station: Option<StationService>,
    /// Captures what crosses the socket to a file.
    pub capture: CaptureService,
    /// Plays a capture in place of client and decoder.
    pub playback: Option<Box<Player>>,
}

impl Channels {
    /// Channels without services: LSL, files and markers of other programs are not connected.
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
        let capture = CaptureService::new(Tap::default(), "");
        Self {
            commands,
            events,
            view,
            snapshots,
            lsl,
            recorder,
            markers: None,
            feed,
            metrics,
            station: None,
            capture,
            playback: None,
        }
    }
}

/// A running client and decoder.
#[derive(Debug)]
pub struct Monitor {
    /// The ends of their queues, for the event loop.
    pub channels: Channels,
    /// The tasks of client and decoder, if they are running.
    tasks: Option<(JoinHandle<()>, JoinHandle<()>)>,
    /// The far ends of the queues without client and decoder: if they closed, the loop would end.
    silent: Option<(mpsc::Sender<Event>, watch::Sender<Arc<Snapshot>>)>,
}

impl Monitor {
    /// Starts both on the current runtime.
    #[must_use]
    pub fn start(config: cortop_client::ClientConfig, limits: decoder::Limits) -> Self {
        let capture = CaptureService::new(config.tap.clone(), &config.url);
        Self::around(|samples| Client::spawn(config, samples), capture, limits)
    }

    /// The same, but opens no session unless a command says so.
    #[must_use]
    pub fn start_passive(config: cortop_client::ClientConfig, limits: decoder::Limits) -> Self {
        let capture = CaptureService::new(config.tap.clone(), &config.url);
        Self::around(|samples| Client::spawn_passive(config, samples), capture, limits)
    }

    /// Plays a capture in place of client and decoder.
    ///
    /// # Errors
    /// It cannot be read, or is no capture.
    pub fn play(path: &Path, history: usize) -> Result<Self, OpenError> {
        let (commands, _) = mpsc::channel(1);
        let (sender, events) = mpsc::channel(1);
        let (view, viewed) = watch::channel(View::default());
        let (publish, snapshots) = watch::channel(Arc::default());
        let player = Player::open(path, viewed, history)?;
        let mut channels = Channels::alone(commands, events, view, snapshots);
        channels.playback = Some(Box::new(player));
        Ok(Self { channels, tasks: None, silent: Some((sender, publish)) })
    }

    fn around(
        client: impl FnOnce(FeedSender) -> Client,
        capture: CaptureService,
        limits: decoder::Limits,
    ) -> Self {
        let (samples, feed) = cortop_client::feed();
        let (view, viewed) = watch::channel(View::default());
        let sinks = SharedSinks::default();
        let lsl = LslService::new(sinks.clone());
        let recorder = RecorderService::new(sinks.clone());
        let input = decoder::DecoderInput { queue: feed.queue, dropped: feed.dropped, sinks };
        let (snapshots, decoder) = decoder::spawn(input, viewed, limits);
        let Client { commands, events, task } = client(samples.clone());
        let alone = Channels::alone(commands, events, view, snapshots);
        let channels = Channels { lsl, recorder, feed: samples, capture, ..alone };
        Self { channels, tasks: Some((task, decoder)), silent: None }
    }

    /// Closes our sessions and ends both tasks, within a second.
    pub async fn stop(self) {
        let Channels { commands, events, mut lsl, mut recorder, station, mut capture, .. } =
            self.channels;
        drop(self.silent);
        lsl.stop();
        match wait_for_disk(recorder.finish()).await {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::error!("{error}");
                print_error(&error.to_string());
            }
            None => print_error(DISK_HANGS),
        }
        let Some((task, decoder)) = self.tasks else { return };
        let goodbye = async {
            if let Some(station) = station {
                // If the broker does not respond, it publishes the last will instead.
                let _ = timeout(GOODBYE, station.stop()).await;
            }
        };
        tokio::join!(Client { commands, events, task }.quit(), goodbye);
        // Stopped last, so that it includes the goodbye.
        capture.stop();
        decoder.abort();
    }
}
