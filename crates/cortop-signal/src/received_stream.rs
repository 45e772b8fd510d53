//! One subscription as it is received: the meaning of its columns, its health and, if it is drawn
//! over time, its raw history.

use tokio::time::Instant;

use std::sync::Arc;

use super::{
    StreamHealth,
    bad_channels::{BadChannel, BadChannels, Defect},
    health::HealthMeter,
    history::{Discontinuity, History},
    sequence::{Placement, Sequence, Step},
    stamps::{ClockStep, Witness},
};
use cortop_protocol::{
    HeadsetId, Sample, SessionId, Stream, Subscription, model::Model, values::Conformance,
};

/// Labels of `eeg` and `mot` that are not channels (docs/protocol.md §5.2, §5.3).
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

/// Whether a label of `eeg` or `mot` names a channel, rather than a counter or a marker.
#[must_use]
pub fn is_channel(label: &str) -> bool {
    !NOT_CHANNELS.contains(&label)
}

/// Samples per second if neither Cortex nor the clock gives a rate.
pub(crate) const DEFAULT_RATE: f64 = 128.0;

/// More channels than any headset has; those beyond are not traced.
const MOST_CHANNELS: usize = 256;

/// One subscription, running or ended; its data is kept after its end.
#[derive(Debug)]
pub(crate) struct ReceivedStream {
    pub(crate) subscription: Arc<Subscription>,
    pub(crate) meter: HealthMeter,
    pub(crate) series: Option<Series>,
    /// The last message, for the inspector: shared, not copied.
    pub(crate) last: Option<Arc<Sample>>,
    /// When its session ended or it was unsubscribed.
    pub(crate) ended: Option<Instant>,
    /// Set if it follows an earlier subscription and its first sample has not arrived yet.
    resumes: Option<Resumption>,
    sequence: Sequence<Arc<Sample>>,
}

/// What happens to the history of an earlier subscription.
#[derive(Clone, Copy, Debug)]
struct Resumption {
    /// Samples per second during the time in between.
    rate: f64,
    /// Why the history could not be kept, if it could not.
    discontinuity: Option<Discontinuity>,
}

/// The additional data of streams with a history: those drawn as traces, and band power.
#[derive(Debug)]
pub(crate) struct Series {
    /// The positions of the channels among the labels, and those labels.
    channels: Vec<usize>,
    pub(crate) labels: Vec<Arc<str>>,
    interpolated: Option<usize>,
    pub(crate) history: History,
    /// For `eeg` only.
    bad: Option<BadChannels>,
}

/// The result of a message.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Nothing: it was not a sample, was already received, or has to wait.
    Nothing,
    /// Samples that had to wait can be pushed again.
    Released(Vec<Arc<Sample>>),
    /// A reading.
    Reading,
    /// One sample of a stream with a history.
    Sample {
        /// Samples that are missing right before it: lost, or of the time between connections.
        missing: u64,
        /// Whether the history allocated memory.
        grew: bool,
    },
}

impl ReceivedStream {
    /// A subscription that has just started.
    pub(crate) fn new(subscription: Arc<Subscription>, now: Instant) -> Self {
        let kept = subscription.stream.is_trace() || subscription.stream == Stream::Pow;
        let series = kept.then(|| Series::new(&subscription));
        let series = series.filter(|series| !series.channels.is_empty());
        Self {
            sequence: Sequence::new(&subscription, series.is_some()),
            subscription,
            meter: HealthMeter::new(now),
            series,
            last: None,
            ended: None,
            resumes: None,
        }
    }

    /// Continues with another subscription of the same stream. Returns true if the history has the
    /// same channels at the same rate and continues.
    pub(crate) fn resubscribe(&mut self, subscription: Arc<Subscription>, now: Instant) -> bool {
        let before = std::mem::replace(self, Self::new(subscription, now));
        let rate = self.rate().or(before.rate()).unwrap_or(DEFAULT_RATE);
        let (Some(series), Some(old)) = (&mut self.series, before.series) else { return false };
        let rates = (before.subscription.nominal_rate, self.subscription.nominal_rate);
        let discontinuity = match rates {
            _ if series.labels != old.labels => Some(Discontinuity::Channels),
            (Some(one), Some(other)) if one.total_cmp(&other).is_ne() => Some(Discontinuity::Rate),
            _ => before.resumes.and_then(|resume| resume.discontinuity),
        };
        self.resumes = Some(Resumption { rate, discontinuity });
        if discontinuity.is_some() {
            series.history = History::after(&old.history, series.channels.len());
            return false;
        }
        series.history = old.history;
        true
    }

    /// Whether it belongs to this session and is running.
    pub(crate) fn is_of(&self, session: &SessionId) -> bool {
        self.ended.is_none() && self.subscription.session == *session
    }

    /// The headset.
    pub(crate) fn headset(&self) -> &HeadsetId {
        &self.subscription.headset
    }

    /// Its health, including its bad channels.
    pub(crate) fn health(&self, now: Instant) -> StreamHealth {
        let series = self.series.as_ref();
        let bad = series.and_then(|series| series.bad.as_ref());
        StreamHealth {
            gap: series.and_then(|series| series.history.gaps().next_back().cloned()),
            bad_channels: bad.map(|bad| Arc::clone(bad.bad())).unwrap_or_default(),
            ..self.meter.health(&self.subscription, now)
        }
    }

    /// Whether any of its data is kept.
    pub(crate) fn has_history(&self) -> bool {
        self.series.as_ref().is_some_and(|series| series.history.bytes() > 0)
    }

    /// When its oldest chunk began, if it can be forgotten: the newest never can while more may
    /// come.
    pub(crate) fn forgettable(&self) -> Option<Instant> {
        self.series.as_ref()?.history.forgettable(usize::from(self.ended.is_none()))
    }

    /// Samples per second: as reported by Cortex, otherwise as measured.
    pub(crate) fn rate(&self) -> Option<f64> {
        self.sequence.rate()
    }

    /// The step of Cortex's clock that the newest stamps suggest.
    pub(crate) fn suspected_step(&self) -> Option<ClockStep> {
        self.sequence.suspected_step()
    }

    /// What the stamps indicate about a step that another stream shows.
    pub(crate) fn witness(&self, step: ClockStep) -> Witness {
        self.sequence.witness(step)
    }

    /// Processes one sample. `witness`: what other streams indicate about [`Self::suspected_step`].
    pub(crate) fn push(&mut self, sample: &Arc<Sample>, witness: Witness) -> Outcome {
        self.last = Some(Arc::clone(sample));
        let (values, received) = (&sample.values, Instant::from_std(sample.received));
        if values.fit == Conformance::None {
            self.malformed(1);
            return Outcome::Nothing;
        }
        let Placement { lost, stamp, strays } = match self.sequence.push(sample, witness) {
            Step::Next(placement) => placement,
            Step::Repeat => {
                self.malformed(1);
                return Outcome::Nothing;
            }
            Step::Held => return Outcome::Nothing,
            Step::Released(samples) => return Outcome::Released(samples),
        };
        if strays > 0 {
            self.malformed(strays);
        }
        let number = |place: Option<usize>| {
            values.numbers.get(place?).copied().filter(|number| !number.is_nan())
        };
        self.meter.wrong_times(stamp.wrong);
        if values.fit != Conformance::Complete {
            self.malformed(1);
        }
        if let Some((step, _)) = stamp.set {
            self.meter.clock_was_set(step);
        }
        // Band power has no counter; only its times show that some is missing: a hole, not a loss.
        let counted = if self.subscription.stream.is_trace() { lost } else { 0 };
        self.meter.sample(received, stamp.own, stamp.time, counted);
        let Some(series) = &mut self.series else { return Outcome::Reading };
        let interpolated = number(series.interpolated).is_some_and(|flag| flag > 0.0);
        if interpolated {
            self.meter.interpolated();
        }
        series.history.lose(lost);
        let gap = self.resumes.take().map_or(0, |Resumption { rate, discontinuity }| {
            series.history.interrupt(received, rate, discontinuity)
        });
        let channels = series.channels.iter().map(|&place| {
            let value = values.numbers.get(place).copied().unwrap_or(f64::NAN);
            #[expect(clippy::cast_possible_truncation, reason = "finer than the headset's step")]
            let value = value as f32;
            value
        });
        let index = series.history.next();
        if let Some((step, ago)) = stamp.set {
            // This sample's own time is already that of the new clock.
            series.history.set_clock(index.saturating_sub(ago), step.seconds);
        }
        let grew = series.history.push(channels, stamp.time, received);
        if !interpolated {
            self.judge();
        }
        Outcome::Sample { missing: lost.saturating_add(gap), grew }
    }

    /// Checks the channels including the newest sample, and logs what began or ended with it.
    fn judge(&mut self) {
        let rate = self.rate();
        let Some(Series { history, bad: Some(bad), .. }) = &mut self.series else { return };
        let Some((values, rate)) = history.newest().zip(rate) else { return };
        let Some(before) = bad.push(values, rate) else { return };
        let (now, headset) = (bad.bad(), &self.subscription.headset);
        let labels = |channels: &[BadChannel], is: &dyn Fn(&BadChannel) -> bool| {
            let labels =
                channels.iter().filter(|channel| is(channel)).map(|channel| &*channel.label);
            Some(labels.collect::<Vec<_>>().join(", ")).filter(|labels| !labels.is_empty())
        };
        for defect in Defect::ALL {
            let name = defect.name();
            let begun =
                |channel: &BadChannel| channel.defect == defect && !before.contains(channel);
            if let Some(labels) = labels(now, &begun) {
                tracing::warn!("{headset}: {labels} {name}");
            }
            let ended = |channel: &BadChannel| {
                channel.defect == defect && now.iter().all(|other| other.label != channel.label)
            };
            if let Some(labels) = labels(&before, &ended) {
                tracing::info!("{headset}: {labels} no longer {name}");
            }
        }
    }

    /// Counts malformed samples, and logs the count occasionally.
    fn malformed(&mut self, count: u64) {
        if self.meter.malformed(count) {
            let (stream, headset) = (self.subscription.stream, &self.subscription.headset);
            let count = self.meter.malformed_so_far();
            tracing::warn!("{headset}: {count} malformed samples of {stream} so far");
        }
    }
}

impl Series {
    /// The newest value of each channel; `None` if missing.
    pub(crate) fn newest(&self) -> impl Iterator<Item = (&str, Option<f64>)> {
        let values = self.history.newest().unwrap_or_default();
        let values = values.iter().map(|&value| Some(f64::from(value)).filter(|x| !x.is_nan()));
        self.labels.iter().map(|label| &**label).zip(values)
    }

    /// The channels whose raw signal cannot be EEG.
    pub(crate) fn bad_channels(&self) -> &[BadChannel] {
        self.bad.as_ref().map_or(&[], |bad| bad.bad())
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
            interpolated: place(["INTERPOLATED", "INTERPOLATED_MEMS"]),
            history: History::new(channels.len()),
            bad: (subscription.stream == Stream::Eeg).then(|| {
                BadChannels::new(&labels_of_channels, Model::from_id(&subscription.headset))
            }),
            channels,
            labels: labels_of_channels,
        }
    }
}
