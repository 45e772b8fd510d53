//! The monitor without a terminal: client and decoder, joined by their queues. The program puts a
//! terminal before it, tests a screen in memory.

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

/// For a station's goodbye to its broker.
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
    /// To LSL.
    pub lsl: LslService,
    /// To files.
    pub recorder: RecorderService,
    /// From other programs; `None` where they have not been let in.
    pub markers: Option<MarkerReceiver>,
    /// Past the client to the decoder and the sinks.
    pub feed: FeedSender,
    /// For Prometheus.
    pub metrics: Metrics,
    /// To a broker, for a lab on another computer; `None` where nothing is published.
    pub station: Option<StationService>,
    /// What crosses the socket, into a file.
    pub capture: CaptureService,
    /// A capture in place of client and decoder.
    pub playback: Option<Box<Player>>,
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
    /// The ends of their queues, for the loop.
    pub channels: Channels,
    /// Client and decoder, where there are any.
    tasks: Option<(JoinHandle<()>, JoinHandle<()>)>,
    /// The far ends of their queues, where there are none: closed, they would end the loop.
    silent: Option<(mpsc::Sender<Event>, watch::Sender<Arc<Snapshot>>)>,
}

impl Monitor {
    /// Starts both on the current runtime.
    #[must_use]
    pub fn start(config: cortop_client::ClientConfig, limits: decoder::Limits) -> Self {
        let capture = CaptureService::new(config.tap.clone(), &config.url);
        Self::around(|samples| Client::spawn(config, samples), capture, limits)
    }

    /// The same without taking a headset unless a command says so.
    #[must_use]
    pub fn start_passive(config: cortop_client::ClientConfig, limits: decoder::Limits) -> Self {
        let capture = CaptureService::new(config.tap.clone(), &config.url);
        Self::around(|samples| Client::spawn_passive(config, samples), capture, limits)
    }

    /// Plays a capture in their place.
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

    /// Closes our sessions and ends both, within a second.
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
                // The last will says it where the broker does not listen.
                let _ = timeout(GOODBYE, station.stop()).await;
            }
        };
        tokio::join!(Client { commands, events, task }.quit(), goodbye);
        // The goodbye is in it.
        capture.stop();
        decoder.abort();
    }
}
