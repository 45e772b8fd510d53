//! The decoder: takes samples from the feed, follows the current view and publishes snapshots of
//! it. [`Decoder`] does all of it without time or tasks; [`spawn`] adds both.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use tokio::{
    select,
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::{
    Orientation, Snapshot, Traces, View,
    history::History,
    incidents::{Incident, Incidents},
    markers::Markers,
    received_stream::{Outcome, ReceivedStream},
    sink::SharedSinks,
    snapshot::{DeviceReadings, LatestValues, Readings},
    stamps::{ClockStep, Witness},
    trace_pipeline::TracePipeline,
};
use cortop_protocol::{Feed, HeadsetId, Sample, SessionId, SessionMarker, Stream, Subscription};

/// How many items are taken from the queue at once.
const BATCH: usize = 256;

/// How many headsets without a session keep their history.
const AWAY: usize = 16;

/// Limits of the decoder.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The shortest time between two snapshots.
    pub frame: Duration,
    /// Bytes of history for all headsets together; the oldest is dropped first.
    pub history: usize,
}

/// Everything known from the samples of all headsets, and the traces of one view.
#[derive(Debug)]
pub struct Decoder {
    /// Bytes of history for all sources together.
    budget: usize,
    view: View,
    /// One per stream of each headset, sorted by headset and stream, so that a sample finds its
    /// source quickly among many. The history outlasts the session.
    sources: Vec<ReceivedStream>,
    readings: BTreeMap<HeadsetId, Readings>,
    markers: BTreeMap<HeadsetId, Markers>,
    pipeline: Option<TracePipeline>,
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
            pipeline: None,
        }
    }

    /// Processes one item of the feed; `now` is the time of items without an arrival time of their
    /// own.
    pub fn push(&mut self, feed: Feed, now: Instant) {
        match feed {
            Feed::Sample(sample) => self.sample(&sample),
            Feed::Subscribed(subscription) => self.subscribe(subscription, now),
            Feed::Marker(marker) => self.mark(&marker),
            Feed::Unsubscribed(session, stream) => {
                let over = |source: &ReceivedStream| source.subscription.stream == stream;
                self.end(&session, over, now);
            }
            Feed::Ended(session) => self.end(&session, |_| true, now),
        }
    }

    /// Changes the view.
    pub fn set_view(&mut self, view: View) {
        if self.view != view {
            self.view = view;
            self.redraw();
        }
    }

    /// A snapshot of the view.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        let headset = self.view.headset.as_ref();
        let traces = self.viewed().and_then(|source| self.traces(source));
        let live = || self.sources.iter().filter(|source| source.ended.is_none());
        let mut health: Vec<_> = live().map(|source| source.health(now)).collect();
        health.sort_by(|one, other| {
            one.session.cmp(&other.session).then_with(|| one.stream.cmp(&other.stream))
        });
        Snapshot {
            view: self.view.clone(),
            traces,
            readings: headset.and_then(|id| self.readings.get(id)).cloned().unwrap_or_default(),
            orientation: headset.and_then(|id| {
                let source = &self.sources[self.place(id, Stream::Mot).ok()?];
                let series = source.series.as_ref().filter(|_| source.ended.is_none())?;
                Orientation::of(&series.newest().collect::<Vec<_>>())
            }),
            messages: live()
                .filter(|source| self.view.inspect && Some(source.headset()) == headset)
                .filter_map(|source| source.last.clone())
                .collect(),
            health,
            devices: self
                .readings
                .iter()
                .map(|(headset, Readings { dev, eq, .. })| {
                    (headset.clone(), DeviceReadings { dev: dev.clone(), eq: eq.clone() })
                })
                .collect(),
            dropped: 0,
        }
    }

    fn traces(&self, source: &ReceivedStream) -> Option<Traces> {
        let series = source.series.as_ref()?;
        let mut traces = self.pipeline.as_ref()?.traces(source, series);
        let Subscription { headset, stream, .. } = &*source.subscription;
        if let Some(markers) = self.markers.get(headset) {
            let window = traces.bins.start(traces.first_bin)..traces.end;
            traces.markers = markers.within(*stream, &series.history, &window);
        }
        Some(traces)
    }

    /// When the next stream becomes stale if nothing arrives until then.
    #[must_use]
    pub fn next_stale(&self, now: Instant) -> Option<Instant> {
        let stale_at = |source: &ReceivedStream| source.meter.stale_at(&source.subscription);
        let live = self.sources.iter().filter(|source| source.ended.is_none());
        live.filter_map(stale_at).filter(|&at| at > now).min()
    }

    fn subscribe(&mut self, subscription: Arc<Subscription>, now: Instant) {
        let Subscription { headset, stream, .. } = &*subscription;
        let viewed = self.is_viewed(headset, *stream);
        self.readings.entry(headset.clone()).or_default().forget(*stream);
        let goes_on = match self.place(headset, *stream) {
            Ok(at) => self.sources[at].resubscribe(subscription, now),
            Err(at) => {
                self.sources.insert(at, ReceivedStream::new(subscription, now));
                false
            }
        };
        // If the history continues, so does its pipeline.
        if viewed && !goes_on {
            self.redraw();
        }
    }

    /// Some streams of a session have ended. Their data is kept and stays on the screen: the
    /// headset may come back.
    fn end(
        &mut self,
        session: &SessionId,
        is_over: impl Fn(&ReceivedStream) -> bool,
        now: Instant,
    ) {
        let over = |source: &ReceivedStream| source.is_of(session) && is_over(source);
        for source in self.sources.iter_mut().filter(|source| over(source)) {
            source.ended = Some(now);
            if let Some(readings) = self.readings.get_mut(source.headset()) {
                readings.forget(source.subscription.stream);
            }
        }
        self.sources.retain(|source| source.ended.is_none() || source.has_history());
        self.forget_headsets();
    }

    /// Forgets the headsets that have been away longest, and what is known about headsets without
    /// any stream.
    fn forget_headsets(&mut self) {
        let headsets = self.sources.chunk_by(|one, other| one.headset() == other.headset());
        // The moment at which its last stream ended, if all have.
        let ended = |own: &[ReceivedStream]| {
            own.iter().map(|source| source.ended).collect::<Option<Vec<_>>>()?.into_iter().max()
        };
        let mut away: Vec<_> = headsets
            .filter_map(|own| Some((ended(own)?, own.first()?.headset().clone())))
            .collect();
        away.sort_unstable();
        for (_, headset) in away.iter().take(away.len().saturating_sub(AWAY)) {
            self.sources.retain(|source| source.headset() != headset);
        }
        let known = |headset: &HeadsetId| self.sources.iter().any(|own| own.headset() == headset);
        self.readings.retain(|headset, _| known(headset));
        self.markers.retain(|headset, _| known(headset));
    }

    /// Places a marker of ours. Skips one that is in Cortex's record while `eeg` is subscribed, because
    /// it also comes with that stream.
    fn mark(&mut self, marker: &SessionMarker) {
        let SessionMarker { session, id, time, end, text } = marker;
        let mut own = self.sources.iter().filter(|source| source.is_of(session)).peekable();
        let Some(headset) = own.peek().map(|source| source.headset().clone()) else { return };
        let comes_with_eeg =
            id.is_some() && own.any(|source| source.subscription.stream == Stream::Eeg);
        if end.is_none() && !comes_with_eeg {
            self.markers.entry(headset).or_default().push(None, Some(*time), &text.to_string());
        }
    }

    fn sample(&mut self, sample: &Arc<Sample>) {
        let Subscription { headset, stream, .. } = &*sample.subscription;
        let Ok(at) = self.place(headset, *stream) else { return };
        let viewed = self.is_viewed(headset, *stream);
        let step = self.sources[at].suspected_step();
        let witness = step.map(|step| self.witness(at, step)).unwrap_or_default();
        let source = &mut self.sources[at];
        // A sample that was still on its way when its subscription ended is ignored.
        if source.ended.is_some() || !Arc::ptr_eq(&source.subscription, &sample.subscription) {
            return;
        }
        let taken = source.push(sample, witness);
        if matches!(taken, Outcome::Reading | Outcome::Sample { .. })
            && !stream.is_trace()
            && let Some(readings) = self.readings.get_mut(headset)
        {
            readings.push(sample);
        }
        match taken {
            Outcome::Nothing => {}
            Outcome::Released(samples) => samples.iter().for_each(|sample| self.sample(sample)),
            Outcome::Reading => {
                if *stream == Stream::Dev && self.view.headset.as_ref() == Some(headset) {
                    self.tell_contact();
                }
            }
            Outcome::Sample { missing, grew } => {
                if !sample.values.markers.is_empty()
                    && let Some(series) = &source.series
                {
                    let markers = self.markers.entry(headset.clone()).or_default();
                    let index = series.history.next() - 1;
                    let time = series.history.time(index);
                    for text in &sample.values.markers {
                        markers.push(Some((*stream, index)), time, text);
                    }
                }
                let newest = source.series.as_ref().and_then(|series| series.history.newest());
                if let Some(pipeline) = self.pipeline.as_mut().filter(|_| viewed) {
                    if pipeline.fits(source) {
                        pipeline.lose(missing);
                        pipeline.push(newest.unwrap_or_default());
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

    /// What the other streams of a session indicate about a clock step that one of them shows.
    fn witness(&self, at: usize, step: ClockStep) -> Witness {
        let session = &self.sources[at].subscription.session;
        let others = self
            .sources
            .iter()
            .enumerate()
            .filter(|(other, source)| *other != at && source.is_of(session));
        others.map(|(_, source)| source.witness(step)).max().unwrap_or_default()
    }

    /// Whether the view shows a stream.
    fn is_viewed(&self, headset: &HeadsetId, stream: Stream) -> bool {
        self.view.headset.as_ref() == Some(headset) && self.view.stream == stream
    }

    /// The source that the view shows.
    fn viewed(&self) -> Option<&ReceivedStream> {
        let headset = self.view.headset.as_ref()?;
        self.place(headset, self.view.stream).ok().map(|at| &self.sources[at])
    }

    /// The position of a stream's source, or where it would be inserted.
    fn place(&self, headset: &HeadsetId, stream: Stream) -> Result<usize, usize> {
        self.sources.binary_search_by(|source| {
            source.headset().cmp(headset).then_with(|| source.subscription.stream.cmp(&stream))
        })
    }

    /// The newest contact by sensor of the headset in view.
    fn contact(&self) -> Option<&LatestValues> {
        self.readings.get(self.view.headset.as_ref()?)?.dev.as_deref()
    }

    /// Passes the newest contact to the pipeline.
    fn tell_contact(&mut self) {
        let Some(mut pipeline) = self.pipeline.take() else { return };
        if let Some(series) = self.viewed().and_then(|source| source.series.as_ref()) {
            pipeline.set_contact(&self.view, series, self.contact());
        }
        self.pipeline = Some(pipeline);
    }

    /// Rebuilds the pipeline from the history.
    fn redraw(&mut self) {
        self.pipeline = self.viewed().and_then(|source| {
            let series = source.series.as_ref().filter(|_| self.view.columns > 0)?;
            Some(TracePipeline::new(&self.view, source, series, self.contact()))
        });
    }

    /// Keeps all histories together within their budget: drops the oldest chunk first.
    fn forget(&mut self) {
        let histories =
            || self.sources.iter().filter_map(|source| Some(&source.series.as_ref()?.history));
        let mut bytes: usize = histories().map(History::bytes).sum();
        while bytes > self.budget {
            let sources = self.sources.iter_mut();
            let oldest = sources.filter_map(|source| Some((source.forgettable()?, source)));
            let oldest = oldest.min_by_key(|(since, _)| *since);
            let Some(series) = oldest.and_then(|(_, source)| source.series.as_mut()) else {
                return;
            };
            bytes -= series.history.forget();
        }
    }
}

/// The inputs of the decoder.
#[derive(Debug)]
pub struct DecoderInput {
    /// Subscriptions and their samples, in the order in which they were read from the socket.
    pub queue: mpsc::Receiver<Feed>,
    /// Samples dropped since the start because this queue was full.
    pub dropped: Arc<AtomicU64>,
    /// The sinks that also receive each item.
    pub sinks: SharedSinks,
}

/// Starts the decoder on the current runtime. It ends when the feed is closed.
#[must_use]
pub fn spawn(
    feed: DecoderInput,
    view: watch::Receiver<View>,
    limits: Limits,
) -> (watch::Receiver<Arc<Snapshot>>, JoinHandle<()>) {
    let (publish, snapshots) = watch::channel(Arc::default());
    (snapshots, tokio::spawn(run(feed, view, limits, publish)))
}

/// Publishes at most once per frame, and only changes; a new view is answered at once. Wakes up for
/// new items, for the end of a frame that has something new, when a stream becomes stale, and when
/// a log line is due.
async fn run(
    mut feed: DecoderInput,
    mut view: watch::Receiver<View>,
    limits: Limits,
    publish: watch::Sender<Arc<Snapshot>>,
) {
    let mut decoder = Decoder::new(view.borrow_and_update().clone(), limits.history);
    let mut incidents = Incidents::new(TimeZone::system());
    let mut batch = Vec::with_capacity(BATCH);
    let mut frame_ends = Instant::now();
    let mut changed = true;
    let mut has_viewer = true;
    loop {
        let now = Instant::now();
        if changed && now >= frame_ends {
            let snapshot =
                Snapshot { dropped: feed.dropped.load(Ordering::Relaxed), ..decoder.snapshot(now) };
            let new = incidents.observe(&snapshot.health, now, Timestamp::now);
            new.iter().for_each(Incident::log);
            publish.send_replace(Arc::new(snapshot));
            frame_ends = now + limits.frame;
            changed = false;
        }
        incidents.settled(now, Timestamp::now).iter().for_each(Incident::log);
        let settled = incidents.next_settled();
        let deadline = if changed { Some(frame_ends) } else { decoder.next_stale(now) };
        select! {
            count = feed.queue.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    break;
                }
                let now = Instant::now();
                let mut sinks = feed.sinks.lock();
                for item in batch.drain(..) {
                    sinks.push(&item);
                    decoder.push(item, now);
                }
                changed = true;
            }
            result = view.changed(), if has_viewer => {
                has_viewer = result.is_ok();
                if has_viewer {
                    decoder.set_view(view.borrow_and_update().clone());
                    changed = true;
                    frame_ends = Instant::now();
                }
            }
            () = sleep_until(deadline.unwrap_or(now)), if deadline.is_some() => {
                changed = true;
            }
            () = sleep_until(settled.unwrap_or(now)), if settled.is_some() => {}
        }
    }
}
