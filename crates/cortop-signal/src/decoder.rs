//! The decoder: takes what the reader hands over, follows the view it is told and publishes that
//! view's snapshot. [`Decoder`] is the whole of it without time or tasks; [`spawn`] gives it both.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    select,
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::{
    Orientation, Snapshot, Traces, View,
    history::History,
    markers::Markers,
    parse::Record,
    picture::Picture,
    snapshot::{Device, Readings, Table},
    source::{Source, Taken},
};
use cortop_protocol::{Feed, Sample, SessionId, Stream, Subscription};

/// Items taken from the queue at once.
const BATCH: usize = 256;

/// Limits of the decoder.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Shortest time between two snapshots.
    pub frame: Duration,
    /// Bytes of history for all headsets together; the oldest goes first.
    pub history: usize,
}

/// Everything known from the samples of all sessions, and the picture of one view.
#[derive(Debug)]
pub struct Decoder {
    /// Bytes of history for all sources together.
    budget: usize,
    view: View,
    /// In the order of session and stream, so that a sample finds its own quickly among many.
    sources: Vec<Source>,
    readings: BTreeMap<SessionId, Readings>,
    markers: BTreeMap<SessionId, Markers>,
    picture: Option<Picture>,
    record: Record,
}

impl Decoder {
    /// Without subscriptions yet. `history`: bytes of history for all headsets together.
    #[must_use]
    pub fn new(view: View, history: usize) -> Self {
        Self {
            budget: history,
            view,
            sources: Vec::new(),
            readings: BTreeMap::new(),
            markers: BTreeMap::new(),
            picture: None,
            record: Record::default(),
        }
    }

    /// Takes in one item of the feed; `now` is when, for what has no arrival of its own.
    pub fn push(&mut self, feed: Feed, now: Instant) {
        match feed {
            Feed::Sample(sample) => self.sample(&sample),
            Feed::Subscribed(subscription) => self.subscribe(subscription, now),
            // With `eeg` it comes as all markers do, whoever set them.
            Feed::Marker { session, time, text } if self.place(&session, Stream::Eeg).is_err() => {
                self.markers.entry(session).or_default().push(None, Some(time), &text);
            }
            Feed::Marker { .. } => {}
            Feed::Unsubscribed(session, stream) => {
                self.sources.retain(|source| !source.is(&session, stream));
                if let Some(readings) = self.readings.get_mut(&session) {
                    readings.forget(stream);
                }
                self.redraw();
            }
            Feed::Ended(session) => {
                self.sources.retain(|source| source.subscription.session != session);
                self.readings.remove(&session);
                self.markers.remove(&session);
                self.redraw();
            }
        }
    }

    /// Looks at something else from now on.
    pub fn set_view(&mut self, view: View) {
        if self.view != view {
            self.view = view;
            self.redraw();
        }
    }

    /// The snapshot of the view.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        let session = self.view.session.as_ref();
        let traces = self.viewed().and_then(|source| self.traces(source));
        Snapshot {
            view: self.view.clone(),
            traces,
            readings: session.and_then(|id| self.readings.get(id)).cloned().unwrap_or_default(),
            orientation: session.and_then(|id| {
                let source = self.sources.iter().find(|source| source.is(id, Stream::Mot))?;
                Orientation::of(&source.trace.as_ref()?.newest().collect::<Vec<_>>())
            }),
            messages: self.messages(),
            health: self
                .sources
                .iter()
                .map(|source| source.meter.health(&source.subscription, now))
                .collect(),
            devices: self
                .readings
                .iter()
                .map(|(session, Readings { dev, eq, .. })| {
                    (session.clone(), Device { dev: dev.clone(), eq: eq.clone() })
                })
                .collect(),
            dropped: 0,
        }
    }

    fn traces(&self, source: &Source) -> Option<Traces> {
        let trace = source.trace.as_ref()?;
        let mut traces = self.picture.as_ref()?.traces(source, trace);
        let Subscription { session, stream, .. } = &*source.subscription;
        if let Some(markers) = self.markers.get(session) {
            let window = traces.bins.start(traces.first_bin)..traces.end;
            traces.markers = markers.within(*stream, &trace.history, &window);
        }
        Some(traces)
    }

    /// When the next stream becomes stale, if nothing comes until then.
    #[must_use]
    pub fn next_stale(&self, now: Instant) -> Option<Instant> {
        let stale_at = |source: &Source| source.meter.stale_at(&source.subscription);
        self.sources.iter().filter_map(stale_at).filter(|&at| at > now).min()
    }

    fn subscribe(&mut self, subscription: Arc<Subscription>, now: Instant) {
        let place = self.place(&subscription.session, subscription.stream);
        let readings = self.readings.entry(subscription.session.clone()).or_default();
        readings.forget(subscription.stream);
        if let Some(markers) = self.markers.get_mut(&subscription.session) {
            markers.forget(subscription.stream);
        }
        let source = Source::new(subscription, now);
        match place {
            Ok(at) => self.sources[at] = source,
            Err(at) => self.sources.insert(at, source),
        }
        self.redraw();
    }

    fn sample(&mut self, sample: &Sample) {
        let Subscription { session, stream, .. } = &*sample.subscription;
        let Ok(at) = self.place(session, *stream) else { return };
        let source = &mut self.sources[at];
        let viewed = self.view.session.as_ref() == Some(session) && self.view.stream == *stream;
        let taken = source.push(sample, &mut self.record);
        if taken != Taken::Nothing
            && !stream.is_trace()
            && let Some(readings) = self.readings.get_mut(session)
        {
            readings.push(&source.subscription, &self.record, Instant::from_std(sample.received));
        }
        match taken {
            Taken::Nothing => {}
            Taken::Reading => {
                if *stream == Stream::Dev && self.view.session.as_ref() == Some(session) {
                    self.tell_contact();
                }
            }
            Taken::Sample { lost, grew } => {
                if !self.record.markers.is_empty()
                    && let Some(trace) = &source.trace
                {
                    let markers = self.markers.entry(session.clone()).or_default();
                    let index = trace.history.next() - 1;
                    for text in &self.record.markers {
                        markers.push(Some((*stream, index)), self.record.time, text);
                    }
                }
                let newest = source.trace.as_ref().and_then(|trace| trace.history.newest());
                if let Some(picture) = self.picture.as_mut().filter(|_| viewed) {
                    if picture.fits(source) {
                        picture.lose(lost);
                        picture.push(newest.unwrap_or_default());
                    } else {
                        self.redraw();
                    }
                }
                if grew {
                    self.forget();
                }
            }
        }
    }

    /// The last message of each stream that the view asks for.
    fn messages(&self) -> Vec<Sample> {
        let session = self.view.session.as_ref().filter(|_| self.view.inspect);
        let own = |source: &&Source| session == Some(&source.subscription.session);
        self.sources.iter().filter(own).filter_map(|source| source.last.clone()).collect()
    }

    /// The source that the view looks at.
    fn viewed(&self) -> Option<&Source> {
        let session = self.view.session.as_ref()?;
        self.place(session, self.view.stream).ok().map(|at| &self.sources[at])
    }

    /// Where the source of a stream stands, or would.
    fn place(&self, session: &SessionId, stream: Stream) -> Result<usize, usize> {
        self.sources.binary_search_by(|source| {
            let own = &source.subscription;
            own.session.cmp(session).then_with(|| own.stream.cmp(&stream))
        })
    }

    /// The newest contact by sensor of the session in view.
    fn contact(&self) -> Option<&Table> {
        self.readings.get(self.view.session.as_ref()?)?.dev.as_deref()
    }

    /// Tells the picture the newest contact.
    fn tell_contact(&mut self) {
        let Some(mut picture) = self.picture.take() else { return };
        if let Some(trace) = self.viewed().and_then(|source| source.trace.as_ref()) {
            picture.set_contact(trace, self.contact());
        }
        self.picture = Some(picture);
    }

    /// Builds the picture anew from the history.
    fn redraw(&mut self) {
        self.picture = self.viewed().and_then(|source| {
            let trace = source.trace.as_ref().filter(|_| self.view.columns > 0)?;
            Some(Picture::new(&self.view, source, trace, self.contact()))
        });
    }

    /// Keeps all histories together within their budget: the oldest chunk goes first.
    fn forget(&mut self) {
        let histories =
            || self.sources.iter().filter_map(|source| Some(&source.trace.as_ref()?.history));
        let mut bytes: usize = histories().map(History::bytes).sum();
        while bytes > self.budget {
            let oldest = self
                .sources
                .iter_mut()
                .filter_map(|source| Some(&mut source.trace.as_mut()?.history))
                .filter_map(|history| Some((history.forgettable()?, history)))
                .min_by_key(|(since, _)| *since);
            let Some((_, history)) = oldest else { return };
            bytes -= history.forget();
        }
    }
}

/// What the decoder reads from.
#[derive(Debug)]
pub struct Input {
    /// Subscriptions and their samples, in the order in which they came from the socket.
    pub queue: mpsc::Receiver<Feed>,
    /// Samples that found this queue full and were dropped, since the start.
    pub dropped: Arc<AtomicU64>,
}

/// Starts the decoder on the current runtime. It ends when the feed is closed.
#[must_use]
pub fn spawn(
    feed: Input,
    view: watch::Receiver<View>,
    config: Config,
) -> (watch::Receiver<Arc<Snapshot>>, JoinHandle<()>) {
    let (publish, snapshots) = watch::channel(Arc::default());
    (snapshots, tokio::spawn(run(feed, view, config, publish)))
}

/// Publishes at most once a frame, and only what changed; a new view is answered at once. Wakes up
/// for what comes, for the end of a frame that holds something new, and when a stream gets stale.
async fn run(
    mut feed: Input,
    mut view: watch::Receiver<View>,
    config: Config,
    publish: watch::Sender<Arc<Snapshot>>,
) {
    let mut decoder = Decoder::new(view.borrow_and_update().clone(), config.history);
    let mut batch = Vec::with_capacity(BATCH);
    let mut frame_ends = Instant::now();
    let mut changed = true;
    let mut told = true;
    loop {
        let now = Instant::now();
        if changed && now >= frame_ends {
            let snapshot =
                Snapshot { dropped: feed.dropped.load(Ordering::Relaxed), ..decoder.snapshot(now) };
            publish.send_replace(Arc::new(snapshot));
            frame_ends = now + config.frame;
            changed = false;
        }
        let deadline = if changed { Some(frame_ends) } else { decoder.next_stale(now) };
        select! {
            count = feed.queue.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    break;
                }
                let now = Instant::now();
                batch.drain(..).for_each(|item| decoder.push(item, now));
                changed = true;
            }
            result = view.changed(), if told => {
                told = result.is_ok();
                if told {
                    decoder.set_view(view.borrow_and_update().clone());
                    changed = true;
                    frame_ends = Instant::now();
                }
            }
            () = sleep_until(deadline.unwrap_or(now)), if deadline.is_some() => {
                changed = true;
            }
        }
    }
}
