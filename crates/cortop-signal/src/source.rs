//! One subscription as it is received: what its columns mean, how well it flows and, if it is drawn
//! over time, its raw history.

use tokio::time::Instant;

use std::sync::Arc;

use super::{
    health::Meter,
    history::History,
    loss::{Loss, Step},
    parse::{Layout, Record, parse},
};
use cortop_protocol::{Sample, SessionId, Stream, Subscription};

/// Labels of `eeg` and `mot` that are no channels (cortex-api.md §5.2, §5.3).
const NOT_CHANNELS: [&str; 8] = [
    "COUNTER",
    "INTERPOLATED",
    "HighBitFlex",
    "RAW_CQ",
    "MARKER_HARDWARE",
    "MARKERS",
    "COUNTER_MEMS",
    "INTERPOLATED_MEMS",
];

/// More channels than any headset has; what is beyond is not traced.
const MOST_CHANNELS: usize = 256;

/// One subscription in force.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) subscription: Arc<Subscription>,
    pub(crate) meter: Meter,
    pub(crate) trace: Option<Trace>,
    /// The last message, for the inspector: shared, not copied.
    pub(crate) last: Option<Sample>,
    layout: Layout,
}

/// What a stream with a history has beside: those that are drawn as traces, and band power.
#[derive(Debug)]
pub(crate) struct Trace {
    /// The channels' places among the labels, and those labels.
    channels: Vec<usize>,
    pub(crate) labels: Vec<Arc<str>>,
    counter: Option<usize>,
    interpolated: Option<usize>,
    loss: Loss,
    pub(crate) history: History,
}

/// What came of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Nothing: it was no sample, or one that was there already.
    Nothing,
    /// A reading, to be found in the record.
    Reading,
    /// One sample of what has a history, after so many lost ones; to be found in the record, too.
    Sample {
        /// Samples lost right before it.
        lost: u64,
        /// Whether the history took new memory.
        grew: bool,
    },
}

impl Source {
    /// A subscription that has just come into force.
    pub(crate) fn new(subscription: Arc<Subscription>, now: Instant) -> Self {
        let kept = subscription.stream.is_trace() || subscription.stream == Stream::Pow;
        let trace = kept.then(|| Trace::new(&subscription));
        Self {
            layout: Layout::new(&subscription),
            subscription,
            meter: Meter::new(now),
            trace: trace.filter(|trace| !trace.channels.is_empty()),
            last: None,
        }
    }

    /// Whether it is this stream of this session.
    pub(crate) fn is(&self, session: &SessionId, stream: Stream) -> bool {
        self.subscription.stream == stream && self.subscription.session == *session
    }

    /// Samples a second: what Cortex told, else what was measured.
    pub(crate) fn rate(&self) -> Option<f64> {
        self.subscription.nominal_rate.filter(|&rate| rate > 0.0).or(self.meter.clock())
    }

    /// Takes one message in; its values are in `record` afterwards.
    pub(crate) fn push(&mut self, sample: &Sample, record: &mut Record) -> Taken {
        self.last = Some(sample.clone());
        let received = Instant::from_std(sample.received);
        let parsed = parse(&sample.text, &self.layout, record);
        if record.odd || parsed.is_err() {
            self.odd(parsed.as_ref().err());
        }
        if parsed.is_err() {
            return Taken::Nothing;
        }
        let Some(trace) = &mut self.trace else {
            self.meter.sample(received, record.time, 0);
            return Taken::Reading;
        };
        let number = |place: Option<usize>| {
            record.numbers.get(place?).copied().filter(|number| !number.is_nan())
        };
        let rate = self.meter.clock().or(self.subscription.nominal_rate);
        let Step::Next { lost } = trace.loss.step(number(trace.counter), record.time, rate) else {
            if !record.odd {
                self.odd(None);
            }
            return Taken::Nothing;
        };
        // Band power has no counter, and only its time says that some is missing: a hole, no loss.
        let counted = if sample.subscription.stream.is_trace() { lost } else { 0 };
        self.meter.sample(received, record.time, counted);
        if number(trace.interpolated).is_some_and(|flag| flag > 0.0) {
            self.meter.interpolated();
        }
        trace.history.lose(lost);
        let values = trace.channels.iter().map(|&place| {
            let value = record.numbers.get(place).copied().unwrap_or(f64::NAN);
            #[expect(clippy::cast_possible_truncation, reason = "finer than the headset's step")]
            let value = value as f32;
            value
        });
        let grew = trace.history.push(values, record.time, received);
        Taken::Sample { lost, grew }
    }

    /// Counts an odd message, and logs the count now and then.
    fn odd(&mut self, error: Option<&serde_json::Error>) {
        if self.meter.odd() {
            let (stream, headset) = (self.subscription.stream, &self.subscription.headset);
            let (count, error) = (self.meter.odd_so_far(), error.map(ToString::to_string));
            tracing::warn!(%stream, %headset, count, error, "odd samples");
        }
    }
}

impl Trace {
    /// The newest value of each channel, `None` where it is missing.
    pub(crate) fn newest(&self) -> impl Iterator<Item = (&str, Option<f64>)> {
        let values = self.history.newest().unwrap_or_default();
        let values = values.iter().map(|&value| Some(f64::from(value)).filter(|x| !x.is_nan()));
        self.labels.iter().map(|label| &**label).zip(values)
    }

    fn new(subscription: &Subscription) -> Self {
        let labels = || subscription.columns.labels();
        let place = |names: [&str; 2]| labels().position(|label| names.contains(&label));
        let (channels, labels_of_channels): (Vec<_>, Vec<_>) = labels()
            .enumerate()
            .filter(|(_, label)| !NOT_CHANNELS.contains(label))
            .map(|(place, label)| (place, Arc::from(label)))
            .take(MOST_CHANNELS)
            .unzip();
        Self {
            counter: place(["COUNTER", "COUNTER_MEMS"]),
            interpolated: place(["INTERPOLATED", "INTERPOLATED_MEMS"]),
            loss: Loss::new(subscription.nominal_rate),
            history: History::new(channels.len()),
            channels,
            labels: labels_of_channels,
        }
    }
}
