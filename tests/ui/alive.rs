//! The monitor with a simulated headset in its own time, so that every run draws the same: from the text of
//! each message to the screen, without sockets and clocks.

use std::{sync::Arc, time::Duration};

use cortop::app::Message;
use cortop_client::{Feed, Sample, Stream, Subscription, model::Model};
use cortop_signal::{View, decoder::Decoder};
use cortop_sim::{
    model::Spec,
    sample_writer::SampleWriter,
    source::{SampleContext, SampleSource as _},
    synth::Synth,
};

use super::fixture::{Fixture, HEADSET, SID};

/// Epoch seconds of the first sample.
const EPOCH: f64 = 1_767_968_733.0;
/// Bytes of history.
const HISTORY: usize = 64 << 20;

/// An EPOC X at 256 Hz with all its streams.
pub(crate) struct LiveFixture {
    pub(crate) fixture: Fixture,
    source: Synth,
    decoder: Decoder,
    /// Each stream's subscription, and the index of its next sample.
    streams: Vec<(Arc<Subscription>, u64)>,
    /// Time since the first sample.
    elapsed: Duration,
}

impl LiveFixture {
    /// From a fixture that is streaming.
    pub(crate) fn new(fixture: Fixture) -> Self {
        let spec = Spec { eeg_rate: 256, ..Spec::of(Model::EpocX).expect("a model of today") };
        let source = Synth::new(spec, 1);
        let mut decoder = Decoder::new(View::default(), HISTORY);
        let now = fixture.now().instant;
        let subscription = |stream: Stream| {
            let rate = source.time(stream, 1000) - source.time(stream, 0);
            Some(Arc::new(Subscription {
                session: SID.into(),
                headset: HEADSET.into(),
                stream,
                columns: source.columns(stream)?,
                nominal_rate: Some(1000.0 / rate),
            }))
        };
        let streams: Vec<_> =
            Stream::ALL.into_iter().filter_map(subscription).map(|stream| (stream, 0)).collect();
        for (subscription, _) in &streams {
            decoder.push(Feed::Subscribed(Arc::clone(subscription)), now);
        }
        Self { fixture, source, decoder, streams, elapsed: Duration::ZERO }
    }

    /// Lets time pass: the samples reach the decoder, and its snapshot the monitor.
    pub(crate) fn pass(&mut self, time: Duration, (width, height): (u16, u16)) {
        let (earlier, before) = (self.elapsed, self.fixture.now().instant);
        self.elapsed += time;
        self.fixture.forward(time);
        let now = self.fixture.now().instant;
        let view = self.fixture.view(width, height);
        self.decoder.set_view(view);
        for (subscription, next) in &mut self.streams {
            let stream = subscription.stream;
            while self.source.time(stream, *next) <= self.elapsed.as_secs_f64() {
                let mut row = SampleWriter::new(stream);
                let live = SampleContext {
                    metrics: true,
                    commands: &["push"],
                    ..SampleContext::default()
                };
                self.source.write(stream, *next, live, &mut row);
                let at = self.source.time(stream, *next);
                let text = row.finish(SID, EPOCH + at).into();
                let since = Duration::from_secs_f64(at).saturating_sub(earlier);
                let received = before + since;
                let subscription = Arc::clone(subscription);
                let sample = Sample::new(subscription, text, received.into_std());
                self.decoder.push(Feed::Sample(Arc::new(sample)), now);
                *next += 1;
            }
        }
        let snapshot = self.decoder.snapshot(now);
        self.fixture.update(Message::Snapshot(Arc::new(snapshot)));
    }
}
